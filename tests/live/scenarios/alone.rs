//! Scenarios that stop a controller, give it other flags, or take something from the whole cluster. They run one after
//! the other, when the others are done.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::harness::{Bench, Controller, Scene, condition};

/// What [`Bench::restart`] gave a controller, taken back at the end whatever happens in between.
fn with_flags(
    bench: &Bench,
    controller: Controller,
    flags: &[&str],
    act: impl FnOnce() -> Result<()>,
) -> Result<()> {
    bench.restart(controller, flags)?;
    let outcome = act();
    bench.restart(controller, &[])?;
    outcome
}

/// Runs `act` while the controller is frozen.
fn frozen(bench: &Bench, controller: Controller, act: impl FnOnce() -> Result<()>) -> Result<()> {
    bench.controllers.freeze(controller)?;
    let outcome = act();
    bench.controllers.thaw(controller)?;
    outcome
}

/// The causes of an answer as `code object`.
fn causes(answer: &Value) -> Vec<String> {
    let causes = answer["rootCauses"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    causes
        .map(|cause| {
            let (object, code) = (&cause["object"], text(&cause["code"]));
            format!("{code} {}/{}", text(&object["kind"]), text(&object["name"]))
        })
        .collect()
}

/// References into another namespace, refused by `--no-cross-namespace-refs`.
pub(crate) fn cross_namespace(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "cross-namespace")?;
    with_flags(bench, Controller::Kustomize, &["--no-cross-namespace-refs=true"], || {
        scene.apply_file("objects.yaml")?;
        scene.api.await_condition(&scene.own("Kustomization/foreign"), "Ready", "False", "AccessDenied")?;
        scene.await_message("Kustomization/behind", "dependency 'cross-namespace/foreign' is not ready")?;
        scene.matches("cross-namespace")
    })
}

/// A shard label that no controller selects.
pub(crate) fn shard_unserved(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "shard-unserved")?.and_namespaces(&["flux-system"]);
    let flag = "--watch-label-selector=!sharding.fluxcd.io/key";
    with_flags(bench, Controller::Kustomize, &[flag], || {
        scene.apply_file("objects.yaml")?;
        scene.await_message("Kustomization/b", "dependency 'shard-unserved/a' is not ready")?;
        scene.comes_to_match("shard-unserved")
    })
}

/// What was Ready is edited and given a shard label that no controller selects: Ready=True speaks of the old spec, and
/// the controllers, which look at generations, hold its dependents back.
pub(crate) fn shard_moved(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "shard-moved")?.and_namespaces(&["flux-system"]);
    scene.apply_file("objects.yaml")?;
    for object in ["Kustomization/b", "HelmRelease/d"] {
        scene.api.await_ready(&scene.own(object))?;
    }
    let flag = "--watch-label-selector=!sharding.fluxcd.io/key";
    with_flags(bench, Controller::Kustomize, &[flag], || {
        with_flags(bench, Controller::Helm, &[flag], || {
            let labels = json!({"labels": {"sharding.fluxcd.io/key": "shard7"}});
            for object in ["Kustomization/a", "HelmRelease/c"] {
                let edit = json!({"metadata": labels, "spec": {"timeout": "3m"}});
                scene.api.patch(&scene.own(object), &edit)?;
            }
            for (object, needs) in [("Kustomization/b", "a"), ("HelmRelease/d", "c")] {
                scene.api.patch(&scene.own(object), &json!({"spec": {"timeout": "3m"}}))?;
                scene.await_message(object, &format!("dependency 'shard-moved/{needs}' is not ready"))?;
            }
            scene.comes_to_match("shard-moved")
        })
    })
}

/// A new generation that a frozen controller never looks at: nothing reads green after its first minute.
pub(crate) fn frozen_kustomize(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "frozen-kustomize")?;
    scene.apply_file("objects.yaml")?;
    scene.api.await_ready(&scene.own("Kustomization/b"))?;
    frozen(bench, Controller::Kustomize, || {
        scene.api.patch(&scene.own("Kustomization/a"), &json!({"spec": {"timeout": "3m"}}))?;
        scene.comes_to_match("frozen-kustomize")
    })?;
    scene.api.await_ready(&scene.own("Kustomization/a"))?;
    Ok(())
}

/// As [`frozen_kustomize`], of a source.
pub(crate) fn frozen_source(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "frozen-source")?;
    scene.apply_file("objects.yaml")?;
    scene.api.await_ready(&scene.own("Kustomization/b"))?;
    frozen(bench, Controller::Source, || {
        scene.api.patch(&scene.own("GitRepository/repo"), &json!({"spec": {"timeout": "50s"}}))?;
        scene.comes_to_match("frozen-source")
    })
}

/// As [`frozen_kustomize`], of a HelmRelease.
pub(crate) fn frozen_helm(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "frozen-helm")?;
    scene.apply_file("objects.yaml")?;
    scene.api.await_ready(&scene.own("HelmRelease/a"))?;
    frozen(bench, Controller::Helm, || {
        scene.api.patch(&scene.own("HelmRelease/a"), &json!({"spec": {"values": {"replicas": 2}}}))?;
        scene.comes_to_match("frozen-helm")
    })?;
    scene.api.await_ready(&scene.own("HelmRelease/a"))?;
    Ok(())
}

/// A controller whose Deployment is scaled to zero, with work waiting for it.
pub(crate) fn scaled_to_zero(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "scaled-to-zero")?.and_namespaces(&["flux-system"]);
    scene.apply_file("objects.yaml")?;
    scene.api.await_ready(&scene.own("Kustomization/b"))?;
    let deployment = "Deployment/flux-system/kustomize-controller";
    frozen(bench, Controller::Kustomize, || {
        scene.api.patch(deployment, &json!({"spec": {"replicas": 0}}))?;
        scene.api.await_that(deployment, "no replicas", |deployment| {
            deployment.is_some_and(|deployment| deployment["status"]["replicas"].as_i64().unwrap_or(0) == 0)
        })?;
        scene.api.patch(&scene.own("Kustomization/a"), &json!({"spec": {"timeout": "3m"}}))?;
        scene.comes_to_match("scaled-to-zero")?;
        scene.api.patch(deployment, &json!({"spec": {"replicas": 1}}))
    })
}

/// source-controller is gone. For four minutes only the clock tells, then downloads are given up.
pub(crate) fn unreach(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "unreach")?;
    scene.apply_file("objects.yaml")?;
    for object in ["Kustomization/a", "Kustomization/c", "HelmRelease/h"] {
        scene.api.await_ready(&scene.own(object))?;
    }
    bench.controllers.stop(Controller::Source)?;
    let outcome = after_source_controller(&scene);
    bench.launch(Controller::Source, &[])?;
    outcome
}

fn after_source_controller(scene: &Scene<'_>) -> Result<()> {
    for name in ["a", "b", "c"] {
        scene.poke(&format!("Kustomization/{name}"))?;
    }
    scene.api.patch(&scene.own("HelmRelease/h"), &json!({"spec": {"values": {"replicas": 2}}}))?;
    scene.await_message("Kustomization/c", "dependency 'unreach/b' is not ready")?;
    scene.comes_to_match("unreach-hanging")?;
    for object in ["Kustomization/a", "Kustomization/b", "HelmRelease/h"] {
        scene.api.await_condition(&scene.own(object), "Ready", "False", "ArtifactFailed")?;
    }
    scene.matches("unreach")
}

/// A namespace that is being terminated, an aggregated API that is down, an object that is too large.
pub(crate) fn extra(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "extra")?;
    scene.repository.write("big/big.yaml", &too_large())?;
    let commit = scene.repository.push("an object that is too large")?;
    scene.fetched(&commit)?;
    scene.apply_file("broken.yaml")?;
    scene.api.delete("Namespace//extra-gone")?;
    let outcome = scene.apply_file("objects.yaml").and_then(|()| {
        scene.await_recorded("extra")?;
        scene.matches("extra")
    });
    scene.api.delete("APIService//v1beta1.metrics.example.com")?;
    scene.api.patch("ConfigMap/extra-gone/held", &json!({"metadata": {"finalizers": null}}))?;
    outcome
}

/// A ConfigMap above the limit of one megabyte.
fn too_large() -> String {
    let lines = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n    ".repeat(17_000);
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: big\n  namespace: extra\ndata:\n  k: |\n    {lines}\n"
    )
}

/// The reference cluster: all Ready.
pub(crate) fn home_healthy(bench: &Bench) -> Result<()> {
    let namespaces = ["cert-manager", "nfd", "kube-system", "media", "auth", "monitoring"];
    home(&Scene::bare(bench, "home", "flux-system")?.and_namespaces(&namespaces), &["tree"], "home-healthy")
}

/// The same from nothing, but the Pod of node-feature-discovery fits on no node.
pub(crate) fn home_nfd(bench: &Bench) -> Result<()> {
    let namespaces = ["cert-manager", "nfd", "kube-system"];
    home(
        &Scene::bare(bench, "home", "flux-system")?.and_namespaces(&namespaces),
        &["tree", "unschedulable"],
        "home-nfd",
    )
}

fn home(scene: &Scene<'_>, folders: &[&str], entry: &str) -> Result<()> {
    for folder in folders {
        scene.push_folder(folder)?;
    }
    scene.apply_file("entry.yaml")?;
    let outcome = scene.await_recorded(entry).and_then(|()| scene.matches(entry));
    scene.take_down("Kustomization/flux-system")?;
    scene.api.delete(&scene.own("GitRepository/flux-system"))?;
    outcome
}

/// The example repository, from an empty cluster to its end: first as it is, with files that the cluster's key does not
/// open, then encrypted anew.
pub(crate) fn example(bench: &Bench) -> Result<()> {
    with_example(bench, example_comes_up)
}

/// Pushes the example repository, gives the cluster its entry, and takes all of it away again.
pub(crate) fn with_example(bench: &Bench, act: impl FnOnce(&Scene<'_>) -> Result<()>) -> Result<()> {
    let namespaces =
        ["cert-manager", "kube-system", "node-feature-discovery", "gateway", "media", "auth", "monitoring"];
    let scene = Scene::bare(bench, "example", "flux-system")?.and_namespaces(&namespaces);
    scene.push_example()?;
    let outcome = act(&scene);
    scene.take_down("Kustomization/flux-system")?;
    outcome
}

fn example_comes_up(scene: &Scene<'_>) -> Result<()> {
    let cert_manager = scene.own("Kustomization/cert-manager");
    scene.api.await_condition(&cert_manager, "Ready", "False", "BuildFailed")?;
    scene.await_message("Kustomization/cilium", "dependency 'flux-system/cert-manager' is not ready")?;
    let why = scene.why("apps")?;
    ensure!(causes(&why) == ["SopsKeyMismatch Kustomization/cert-manager"], "{why}");
    ensure!(why["target"]["state"] == "Blocked", "{why}");
    scene.matches("example-blocked")?;

    let commit = scene.encrypt_anew()?;
    scene.poke("GitRepository/flux-system")?;
    for name in ["apps", "auth", "monitoring"] {
        let revision = format!("main@sha1:{commit}");
        scene.api.await_that(&scene.own(&format!("Kustomization/{name}")), &revision, |object| {
            object.is_some_and(|object| {
                object["status"]["lastAppliedRevision"] == revision.as_str()
                    && condition(object, "Ready").is_some_and(|(status, _)| status == "True")
            })
        })?;
    }
    scene.comes_to_match("example-ready")
}
