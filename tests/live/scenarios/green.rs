//! No false green: what cannot converge never reads as well without a word.

use anyhow::{Result, ensure};
use serde_json::json;

use super::steps::{Workload, all_named, cause, config_map};
use crate::harness::{Bench, Controller, Scene};

/// A suspended source freezes all that uses it, and all of that stays Ready.
pub(crate) fn suspended_source(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "suspended")?;
    for name in ["a", "b"] {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("suspended", name))?;
    }
    scene.publish()?;
    scene
        .apply("{kind: Kustomization, metadata: {name: a}}\n---\n{kind: Kustomization, metadata: {name: b}}")?;
    for name in ["a", "b"] {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.api.patch(&scene.own("GitRepository/repo"), &json!({"spec": {"suspend": true}}))?;
    let told = scene.run(&["status", "-n", "suspended"])?;
    ensure!(told.stdout.lines().next().is_some_and(|line| line.contains("2 frozen")), "{told:?}");
    let answer = scene.status()?;
    ensure!(answer.json()?["warnings"].to_string().contains("SourceFrozen"), "{answer:?}");
    ensure!(
        scene.run(&["status", "-n", "suspended", "--strict"])?.code == 1,
        "a warning is bad where asked for"
    );
    Ok(())
}

/// kustomize-controller hangs, and three objects wait to be looked at: one cause, which says what it rests on.
pub(crate) fn silent(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "silent")?;
    let names = ["a", "b", "c"];
    for name in names {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("silent", name))?;
    }
    scene.publish()?;
    for name in names {
        scene.apply(&format!("{{kind: Kustomization, metadata: {{name: {name}}}}}"))?;
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    bench.controllers.freeze(Controller::Kustomize)?;
    let outcome = silent_controller(&scene, &names);
    bench.controllers.thaw(Controller::Kustomize)?;
    outcome
}

fn silent_controller(scene: &Scene<'_>, names: &[&str]) -> Result<()> {
    // What it wrote last may be of this very second.
    let written = jiff::Timestamp::now();
    while jiff::Timestamp::now().as_second() - written.as_second() < 2 {
        scene.status()?;
    }
    for name in names {
        scene.api.patch(&scene.own(&format!("Kustomization/{name}")), &json!({"spec": {"timeout": "3m"}}))?;
    }
    let answer = scene.awaits_bad()?;
    let deployment = "Deployment/flux-system/kustomize-controller";
    let found = cause(&answer, deployment, "ControllerNotRunning", Some("Silent"))?;
    let expected: Vec<String> = names.iter().map(|name| format!("Kustomization/silent/{name}")).collect();
    ensure!(all_named(&found["affected"]) == expected, "{found}");
    ensure!(answer["rootCauses"].as_array().is_some_and(|causes| causes.len() == 1), "{answer}");
    let why = scene.why("b")?;
    cause(&why, deployment, "ControllerNotRunning", Some("Silent"))?;
    Ok(())
}

/// The only worker is held by a health check, and something else waits to be looked at.
pub(crate) fn workers_held(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "held")?;
    let web = Workload::deployment("held", "web");
    scene.repository.write("web/web.yaml", &web.manifest())?;
    scene.repository.write("edited/cm.yaml", &config_map("held", "edited"))?;
    scene.publish()?;
    scene.apply("{kind: Kustomization, metadata: {name: edited}}")?;
    scene.api.await_ready(&scene.own("Kustomization/edited"))?;
    bench.restart(Controller::Kustomize, &["--concurrent=1"])?;
    let outcome = held(&scene);
    scene.api.delete(&scene.own("Kustomization/web"))?;
    bench.restart(Controller::Kustomize, &[])?;
    outcome
}

fn held(scene: &Scene<'_>) -> Result<()> {
    scene.apply("{kind: Kustomization, metadata: {name: web}, spec: {wait: true, timeout: 20m}}")?;
    scene.await_message("Kustomization/web", "Reconciliation in progress")?;
    scene.api.patch(&scene.own("Kustomization/edited"), &json!({"spec": {"timeout": "3m"}}))?;
    let answer = scene.awaits_bad()?;
    cause(&answer, "Kustomization/held/edited", "NotObserved", None)?;
    Ok(())
}

impl Scene<'_> {
    /// Asks until the answer is bad, and returns it: an edit is not held against its controller in the first minute.
    fn awaits_bad(&self) -> Result<serde_json::Value> {
        for _ in 0..120 {
            let answer = self.status()?;
            if answer.code == 1 {
                return answer.json();
            }
            std::thread::sleep(std::time::Duration::from_secs(2));
        }
        anyhow::bail!("{} still reads as well", self.name)
    }
}
