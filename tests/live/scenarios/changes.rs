//! What a push changes: the spec of a child, a patch that no longer fits.

use anyhow::{Result, ensure};
use serde_json::json;

use super::steps::{Workload, config_map};
use crate::harness::{Bench, Scene};

const NAMESPACE: &str = "parent-change";

fn child(scene: &Scene<'_>, spec: &str) -> Result<()> {
    let child = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
         metadata: {{name: child, namespace: {NAMESPACE}}}\n\
         spec: {{interval: 10m, prune: true, sourceRef: {{kind: GitRepository, name: repo}}, {spec}}}\n"
    );
    scene.repository.write("platform/child.yaml", &child)
}

/// A push gives the child another path and has it wait; its parent waits for it, and so does its dependent. Nothing of
/// that is a fault.
pub(crate) fn parent_change(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, NAMESPACE)?;
    let web = Workload::deployment(NAMESPACE, "web");
    for name in ["one", "apps"] {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map(NAMESPACE, name))?;
    }
    scene.repository.write("two/web.yaml", &web.manifest())?;
    child(&scene, "path: ./one")?;
    scene.publish()?;
    scene.apply("{kind: Kustomization, metadata: {name: platform}, spec: {wait: true, timeout: 5m}}")?;
    scene.apply("{kind: Kustomization, metadata: {name: apps}, spec: {dependsOn: [{name: child}]}}")?;
    for name in ["platform", "child", "apps"] {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }

    child(&scene, "path: ./two, wait: true, timeout: 5m")?;
    let commit = scene.repository.push("the child gets another path")?;
    scene.fetched(&commit)?;
    for name in ["platform", "child"] {
        scene.api.await_condition(
            &scene.own(&format!("Kustomization/{name}")),
            "Ready",
            "Unknown",
            "Progressing",
        )?;
    }
    let pod = web.scheduled(&scene)?;
    scene.poke("Kustomization/apps")?;
    scene.await_message("Kustomization/apps", "dependency 'parent-change/child' is not ready")?;
    let waits = scene.api.get(&scene.own("Kustomization/child"))?.unwrap_or_default();
    ensure!(waits["status"]["observedGeneration"] != waits["metadata"]["generation"], "the child was too fast");
    scene.matches("parent-change-waits")?;
    let why = scene.why("apps")?;
    ensure!(why["rootCauses"] == json!([]) && why["target"]["state"] == "Progressing", "{why}");

    pod.is_ready(&scene)?;
    for name in ["platform", "child", "apps"] {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.matches("parent-change-after")
}

/// A kustomization.yaml that adds to the ConfigMap of that name.
fn patch(name: &str) -> String {
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [cm.yaml]\n";
    format!(
        "{head}patches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: {name}, namespace: commits}}\n    \
         data: {{more: v}}\n"
    )
}

/// Five commits: the second is the last that was applied, the third breaks a patch, the fourth touches another path and
/// the fifth a README.
pub(crate) fn commits(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "commits")?;
    let (repository, map) = (&scene.repository, |name: &str| config_map("commits", name));
    repository.write("app/cm.yaml", &map("app"))?;
    repository.write("app/kustomization.yaml", &patch("app"))?;
    repository.write("other/cm.yaml", &map("other"))?;
    scene.publish()?;
    repository.write("app/cm.yaml", &map("app").replace("k: v", "k: w"))?;
    let good = repository.push("another value")?;
    scene.apply(
        "{kind: Kustomization, metadata: {name: app}}\n---\n{kind: Kustomization, metadata: {name: other}}",
    )?;
    scene.fetched(&good)?;
    let applied = |commit: &str| format!("Applied revision: main@sha1:{commit}");
    scene.await_message("Kustomization/app", &applied(&good))?;

    repository.write("app/kustomization.yaml", &patch("renamed"))?;
    let broke = repository.push("patch: the map has another name")?;
    repository.write("other/cm.yaml", &map("other").replace("k: v", "k: w"))?;
    repository.push("other: another value")?;
    repository.write("README.md", "# What this is\n")?;
    let newest = repository.push("say what this is")?;
    scene.fetched(&newest)?;
    scene.api.await_condition(&scene.own("Kustomization/app"), "Ready", "False", "BuildFailed")?;
    scene.await_message("Kustomization/other", &applied(&newest))?;
    scene.matches("commits")?;

    let tree = format!("commits/repo={}", repository.work().display());
    let why = scene.run(&["why", "app", "-n", "commits", "--repo", &tree, "-o", "json"])?.json()?;
    let suspects: Vec<&str> = why["suspects"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|suspect| suspect["commit"].as_str())
        .collect();
    ensure!(suspects == [broke], "{why}");
    Ok(())
}
