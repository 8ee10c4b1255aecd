//! The scenes of `tests/fixtures/live/README.md`, made again.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Bench, Scene};

/// Applies `objects.yaml` over the scene's tree, waits until the controllers say what the recording says, compares.
fn plain(bench: &Bench, name: &str) -> Result<()> {
    let scene = Scene::set_up(bench, name)?;
    scene.apply_file("objects.yaml")?;
    scene.await_recorded(name)?;
    scene.matches(name)
}

macro_rules! plain {
    ($($name:ident),*) => {
        $(pub(crate) fn $name(bench: &Bench) -> Result<()> { plain(bench, stringify!($name)) })*
    };
}

plain!(basic, build, expr, sopsfail, sopsdata, sources, shard);

/// Health checks of every sort; a release that waits is among what is waited for.
pub(crate) fn health(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "health")?;
    scene.apply_file("objects.yaml")?;
    scene.await_recorded("health")?;
    retry_rate_limited(&scene, "slow")?;
    scene.comes_to_match("health")
}

/// What an API server refuses, one Kustomization each. The Job was applied before with another image.
pub(crate) fn applyerr(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "applyerr")?.and_namespaces(&["applyerr-q"]);
    scene.apply("{kind: Kustomization, metadata: {name: immutable}, spec: {path: ./first-job}}")?;
    scene.api.await_ready(&scene.own("Kustomization/immutable"))?;
    scene.apply_file("objects.yaml")?;
    scene.await_recorded("applyerr")?;
    scene.matches("applyerr")
}

/// A neighbour of the cycle stays at the old revision: a push wakes no Kustomization of a source that has a cycle.
pub(crate) fn cycle(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "cycle")?;
    scene.apply_file("objects.yaml")?;
    scene.await_recorded("cycle")?;
    scene.push_and_fetch()?;
    scene.matches("cycle")
}

pub(crate) fn depmissing(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "depmissing")?.and_namespaces(&["depmissing-other"]);
    scene.apply_file("objects.yaml")?;
    scene.await_recorded("depmissing")?;
    scene.matches("depmissing")
}

/// A chain is Ready, its first is suspended, then left behind by the source.
pub(crate) fn suspdep(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "suspdep")?;
    scene.apply_file("before-suspension.yaml")?;
    scene.api.await_ready(&scene.own("Kustomization/c"))?;
    scene.apply_file("objects.yaml")?;
    scene.push_and_fetch()?;
    scene.await_recorded("suspdep")?;
    scene.api.await_ready(&scene.own("Kustomization/r"))?;
    let behind = "dependency 'suspdep/a' revision is not up to date";
    scene.await_message("Kustomization/b", behind)?;
    scene.matches("suspdep")
}

/// The parent is looked at after its children have failed for the first time: then it waits again.
pub(crate) fn parent(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "parent")?;
    scene.apply_file("objects.yaml")?;
    scene.await_recorded("parent")?;
    scene.api.await_condition(&scene.own("Kustomization/platform"), "Ready", "False", "HealthCheckFailed")?;
    scene.matches("parent")
}

/// The source loses its branch, and its last artifact goes on serving.
pub(crate) fn stale(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "stale")?;
    scene.apply_file("objects.yaml")?;
    scene.api.await_ready(&scene.own("Kustomization/b"))?;
    scene.api.patch(&scene.own("GitRepository/repo"), &json!({"spec": {"ref": {"branch": "gone"}}}))?;
    scene.await_recorded("stale")?;
    scene.matches("stale")
}

/// A dependency is deleted; a namespace hangs on an object with a finalizer that nobody serves.
pub(crate) fn deletion(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "deletion")?.and_namespaces(&["deletion-held"]);
    scene.apply_file("before-deletion.yaml")?;
    for name in ["a", "b", "c"] {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.api.delete("Namespace//deletion-held")?;
    scene.api.delete(&scene.own("ConfigMap/held"))?;
    scene.api.delete(&scene.own("Kustomization/a"))?;
    scene.push_and_fetch()?;
    scene.await_recorded("deletion")?;
    scene.comes_to_match("deletion")
}

/// Two releases are installed first and break at their upgrade.
pub(crate) fn helm(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "helm")?;
    scene.apply_file("before-upgrade.yaml")?;
    for name in ["upfail", "uprb", "uprbstrat"] {
        scene.api.await_ready(&scene.own(&format!("HelmRelease/{name}")))?;
    }
    scene.apply_file("objects.yaml")?;
    scene.await_recorded("helm")?;
    for name in ["slow", "slowretry", "tested"] {
        retry_rate_limited(&scene, name)?;
    }
    scene.matches("helm")
}

/// On a busy machine helm-controller's wait ends in its own rate limiter, and its message names no workload then.
fn retry_rate_limited(scene: &Scene<'_>, name: &str) -> Result<()> {
    let reference = format!("HelmRelease/{name}");
    let limited = |object: &Value| object["status"]["conditions"].to_string().contains("client rate limiter");
    let mut release =
        scene.api.await_condition(&scene.own(&reference), "Stalled", "True", "RetriesExceeded")?;
    while limited(&release) {
        scene.reset(&reference)?;
        release = scene.api.await_condition(&scene.own(&reference), "Stalled", "True", "RetriesExceeded")?;
    }
    Ok(())
}
