//! One fault is one cause, in the ways that `one` does not have; and what is printed as a remedy mends all that is hit.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::steps::{Workload, all_named, cause, config_map, remedies};
use crate::harness::{Bench, PASSWORD, Scene, USER};

/// Five workloads ask for a node pool that is not there.
pub(crate) fn node_pool(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "pool")?;
    let names = ["one", "two", "three", "four", "five"];
    for name in names {
        let workload = Workload::deployment("pool", name).with(json!({"nodeSelector": {"pool": "gpu"}}));
        scene.repository.write(&format!("{name}/workload.yaml"), &workload.manifest())?;
    }
    scene.publish()?;
    for name in names {
        scene.apply(&format!(
            "{{kind: Kustomization, metadata: {{name: {name}}}, spec: {{wait: true, timeout: 30s, retryInterval: 10m}}}}"
        ))?;
    }
    for name in names {
        scene.api.await_condition(
            &scene.own(&format!("Kustomization/{name}")),
            "Ready",
            "False",
            "HealthCheckFailed",
        )?;
    }
    let why = scene.run(&["why", "-n", "pool", "-o", "json"])?.json()?;
    let found = cause(&why, "Node//pool=gpu", "HealthCheckFailed", Some("Unschedulable"))?;
    ensure!(all_named(&found["affected"]).len() == names.len(), "{found}");
    ensure!(why["rootCauses"].as_array().is_some_and(|causes| causes.len() == 1), "{why}");
    for command in remedies(found) {
        scene.shell(&command)?;
    }
    Ok(())
}

/// One Secret is missing for two sources, for values and for nine decryptions. Made as the remedy says, and with the one
/// command that asks all of them to run, all that it kept comes up.
pub(crate) fn one_secret(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "shared")?;
    let sealed: Vec<String> = (1..=9).map(|at| format!("sealed-{at}")).collect();
    for name in sealed.iter().map(String::as_str).chain(["east", "west"]) {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("shared", name))?;
    }
    scene.publish()?;
    for name in ["east", "west"] {
        scene.apply(&format!(
            "{{kind: GitRepository, metadata: {{name: {name}}}, spec: {{url: $(private), secretRef: {{name: login}}}}}}"
        ))?;
        scene.apply(&format!(
            "{{kind: Kustomization, metadata: {{name: {name}}}, spec: {{sourceRef: {{kind: GitRepository, name: {name}}}}}}}"
        ))?;
    }
    for name in &sealed {
        scene.apply(&format!(
            "{{kind: Kustomization, metadata: {{name: {name}}}, \
             spec: {{decryption: {{provider: sops, secretRef: {{name: sops-age}}}}, retryInterval: 10m}}}}"
        ))?;
    }
    for name in &sealed {
        scene.await_message(&format!("Kustomization/{name}"), "secrets \"sops-age\" not found")?;
    }
    for name in ["east", "west"] {
        scene.await_message(&format!("GitRepository/{name}"), "secrets \"login\" not found")?;
        scene.await_message(&format!("Kustomization/{name}"), "Source artifact not found")?;
    }
    let why = scene.run(&["why", "-n", "shared", "-o", "json"])?.json()?;
    ensure!(why["rootCauses"].as_array().is_some_and(|causes| causes.len() == 2), "{why}");
    let login = cause(&why, "Secret/shared/login", "SourceNotReady", Some("SecretNotFound"))?;
    ensure!(
        all_named(&login["affected"]) == ["Kustomization/shared/east", "Kustomization/shared/west"],
        "{login}"
    );
    let key = cause(&why, "Secret/shared/sops-age", "SopsSecretNotFound", None)?;
    ensure!(all_named(&key["affected"]).len() == sealed.len(), "{key}");

    scene.shell("age-keygen -o age.agekey")?;
    for command in remedies(key) {
        scene.shell(&command)?;
    }
    for name in &sealed {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.apply(&format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: login}}, stringData: {{username: {USER}, password: {PASSWORD}}}}}"
    ))?;
    let ask = remedies(login).into_iter().next_back().context("a command that asks the sources")?;
    scene.shell(&ask)?;
    for name in ["east", "west"] {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    ensure!(scene.run(&["why", "-n", "shared"])?.code == 0, "all of it is well");
    Ok(())
}

/// A parent is ready, and three of its children were deleted behind its back: with the repository that is one cause, and the
/// remedy brings them back.
pub(crate) fn not_applied(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "children")?;
    let names = ["one", "two", "three"];
    for name in names {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("children", name))?;
        let child = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "children"},
            "spec": {"interval": "10m", "prune": true, "path": format!("./{name}"),
                "sourceRef": {"kind": "GitRepository", "name": "repo"}},
        });
        scene.repository.write(&format!("parent/{name}.yaml"), &child.to_string())?;
    }
    scene.publish()?;
    scene.apply("{kind: Kustomization, metadata: {name: parent}}")?;
    for name in names {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.api.await_ready(&scene.own("Kustomization/parent"))?;
    for name in names {
        let child = scene.own(&format!("Kustomization/{name}"));
        scene.api.delete(&child)?;
        scene.api.await_that(&child, "its end", |object| object.is_none())?;
    }
    let tree = format!("children/repo={}", scene.repository.work().display());
    let why = scene.run(&["why", "-n", "children", "--repo", &tree, "-o", "json"])?.json()?;
    let found = cause(&why, "Kustomization/children/parent", "NotApplied", None)?;
    ensure!(all_named(&found["affected"]).len() == names.len(), "{found}");
    for command in remedies(found) {
        scene.shell(&command)?;
    }
    for name in names {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    Ok(())
}
