//! Pods that do not come up, each behind a Kustomization that waits for it. The scheduler and the workload controllers
//! are real; what a kubelet would write into the Pod's status is written here, on a node that has none.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::steps::{Workload, cause, evidence, remedies};
use crate::harness::{Bench, Scene};

const NAMESPACE: &str = "pods";

/// One workload each: an image that is not there, a container that crashes, one that runs out of memory, an init
/// container that fails, and a Pod that fits on no node.
pub(crate) fn pods(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, NAMESPACE)?;
    let image = Workload::deployment(NAMESPACE, "image");
    let crash = Workload::deployment(NAMESPACE, "crash");
    let memory = Workload::stateful_set(NAMESPACE, "memory");
    let init = Workload::deployment(NAMESPACE, "init")
        .with(json!({"initContainers": [{"name": "migrate", "image": "registry.example.com/migrate:1"}]}));
    let large =
        json!({"name": "app", "image": "registry.example.com/app:1", "resources": {"requests": {"cpu": "64"}}});
    let unschedulable = Workload::deployment(NAMESPACE, "large").with(json!({"containers": [large]}));
    let all = [&image, &crash, &memory, &init, &unschedulable];
    for workload in all {
        scene.repository.write(&format!("{}/workload.yaml", workload.name), &workload.manifest())?;
    }
    scene.publish()?;
    for workload in all {
        let name = &workload.name;
        scene.apply(&format!(
            "{{kind: Kustomization, metadata: {{name: {name}}}, spec: {{wait: true, timeout: 30s, retryInterval: 10m}}}}"
        ))?;
    }
    scene.apply(
        "{kind: Kustomization, metadata: {name: behind}, spec: {path: ./crash, dependsOn: [{name: crash}]}}",
    )?;

    let image_pod = image.scheduled(&scene)?;
    let words = "failed to pull and unpack image \"registry.example.com/app:1\": failed to resolve reference \
                 \"registry.example.com/app:1\": registry.example.com/app:1: not found";
    let back_off = format!(
        "Back-off pulling image \"registry.example.com/app:1\": ErrImagePull: rpc error: code = NotFound desc = {words}"
    );
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": back_off}});
    image_pod.says(&scene, "Pending", &[], &[container("app", 0, waiting, json!({}))])?;
    image_pod.warns(
        &scene,
        "Failed",
        &format!("Failed to pull image \"registry.example.com/app:1\": {words}"),
    )?;

    let crash_pod = crash.scheduled(&scene)?;
    let ended = |code: u8, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason}});
    crash_pod.says(&scene, "Running", &[], &[container("app", 4, back_off_of("app"), ended(3, "Error"))])?;
    crash_pod.warns(&scene, "BackOff", "Back-off restarting failed container app in pod")?;

    let memory_pod = memory.scheduled(&scene)?;
    memory_pod.says(
        &scene,
        "Running",
        &[],
        &[container("app", 2, back_off_of("app"), ended(137, "OOMKilled"))],
    )?;

    let init_pod = init.scheduled(&scene)?;
    let migrate = container("migrate", 3, back_off_of("migrate"), ended(1, "Error"));
    let app = container("app", 0, json!({"waiting": {"reason": "PodInitializing"}}), json!({}));
    init_pod.says(&scene, "Pending", &[migrate], &[app])?;

    for workload in all {
        let name = format!("Kustomization/{}", workload.name);
        scene.api.await_condition(&scene.own(&name), "Ready", "False", "HealthCheckFailed")?;
    }
    scene.await_message("Kustomization/behind", "dependency 'pods/crash' is not ready")?;
    scene.matches("pods")?;

    let about = |workload: &Workload, subcode: &str, named: &[&str]| -> Result<Vec<String>> {
        let why = scene.why(&format!("ks/{NAMESPACE}/{}", workload.name))?;
        let found = cause(&why, &workload.reference(), "HealthCheckFailed", Some(subcode))?;
        let seen = evidence(found);
        for named in named {
            ensure!(seen.contains(named), "{}: the evidence names no {named}: {seen}", workload.name);
        }
        Ok(remedies(found))
    };
    let commands = about(&image, "ImagePull", &[&image_pod.name, "registry.example.com/app:1"])?;
    ensure!(scene.shell(&commands[0])?.stdout.contains("ImagePullBackOff"), "{commands:?}");
    let commands = about(&crash, "CrashLoop", &[&crash_pod.name, "container app", "code 3", "4 times"])?;
    ensure!(commands[0] == logs_of(&crash_pod.name, "app"), "{commands:?}");
    let commands = about(&memory, "OomKilled", &["memory-0", "container app"])?;
    ensure!(scene.shell(&commands[0])?.stdout.contains("OOMKilled"), "{commands:?}");
    let commands = about(&init, "CrashLoop", &[&init_pod.name, "container migrate", "code 1"])?;
    ensure!(commands[0] == logs_of(&init_pod.name, "migrate"), "{commands:?}");
    let commands = about(&unschedulable, "Unschedulable", &["Insufficient cpu"])?;
    ensure!(scene.shell(&commands[0])?.stdout.contains("Insufficient cpu"), "{commands:?}");
    Ok(())
}

/// There are no logs where no kubelet is: that Pod and container are right has been seen in the evidence.
fn logs_of(pod: &str, container: &str) -> String {
    format!("kubectl -n {NAMESPACE} logs {pod} -c {container} --previous")
}

fn back_off_of(container: &str) -> Value {
    let message = format!("back-off 1m20s restarting failed container={container}");
    json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
}

fn container(name: &str, restarts: u8, state: Value, last: Value) -> Value {
    json!({
        "name": name, "image": "registry.example.com/app:1", "imageID": "", "ready": false, "started": false,
        "restartCount": restarts, "state": state, "lastState": last,
    })
}
