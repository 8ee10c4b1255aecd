//! Who may read what: an administrator, a tenant with one namespace, somebody without any right.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::steps::config_map;
use crate::harness::{Bench, Scene};

/// The tenant's `web` waits for something in a namespace that the tenant may not see, and that fails.
pub(crate) fn users(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "users")?.and_namespaces(&["users-platform"]);
    for name in ["db", "web"] {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("users", name))?;
    }
    scene.publish()?;
    scene.apply_file("objects.yaml")?;
    scene.api.await_ready(&scene.own("Kustomization/db"))?;
    scene.await_message("Kustomization/web", "dependency 'users-platform/base' is not ready")?;
    let base = "Kustomization/users-platform/base";
    scene.api.await_condition(base, "Ready", "False", "ArtifactFailed")?;
    scene.matches("users")?;

    let own = scene.run_as("tenant", &["status", "-n", "users", "-o", "json"])?;
    let status = own.json()?;
    ensure!(own.code == 1, "a tenant cannot know that all is well: exit {}", own.code);
    ensure!(status["complete"] == false, "{status}");
    ensure!(state_of(&status, "db") == "Ready" && state_of(&status, "web") == "Unknown", "{status}");
    ensure!(status["rootCauses"].as_array().is_some_and(Vec::is_empty), "nobody saw a cause: {status}");
    ensure!(status["warnings"].to_string().contains("users-platform"), "what is hidden is named: {status}");
    let why = scene.run_as("tenant", &["why", "web", "-n", "users", "-o", "json"])?;
    ensure!(why.code == 1 && why.json()?["complete"] == false, "{why:?}");

    // Without -n, the context's namespace is tried where the whole cluster may not be read.
    let nowhere = scene.run_as("tenant", &["status", "-o", "json"])?;
    ensure!(nowhere.code == 2 && nowhere.stdout.is_empty(), "{nowhere:?}");
    bench.cluster.write_kubeconfig("tenant", "users")?;
    let by_context = scene.run_as("tenant", &["status", "-o", "json"])?;
    ensure!(by_context.json()?["layers"] == status["layers"], "{by_context:?}");

    for arguments in [&["status"][..], &["status", "-n", "users"], &["why", "web", "-n", "users"]] {
        let refused = scene.run_as("nobody", arguments)?;
        ensure!(refused.code == 2 && refused.stdout.is_empty(), "{arguments:?}: {refused:?}");
        let says = refused.stderr.contains("(403)") && refused.stderr.contains("hint: ");
        ensure!(says, "why, and what to try: {}", refused.stderr);
    }
    Ok(())
}

fn state_of<'a>(status: &'a Value, name: &str) -> &'a str {
    let layers = status["layers"].as_array().into_iter().flatten();
    let mut objects = layers.flat_map(|layer| layer["objects"].as_array().into_iter().flatten());
    objects.find(|object| object["name"] == name).and_then(|object| object["state"].as_str()).unwrap_or("gone")
}

/// kubectl finds the program on the PATH, and what comes out is the same to the byte.
pub(crate) fn plugin(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "plugin")?;
    scene.repository.write("a/cm.yaml", &config_map("plugin", "a"))?;
    scene.publish()?;
    scene.apply("{kind: Kustomization, metadata: {name: a}}")?;
    scene.apply("{kind: Kustomization, metadata: {name: b}, spec: {dependsOn: [{name: nowhere}]}}")?;
    scene.api.await_ready(&scene.own("Kustomization/a"))?;
    scene.await_message("Kustomization/b", "dependency 'plugin/nowhere' not found")?;
    scene.matches("plugin")?;
    for arguments in
        [&["status", "-n", "plugin", "-o", "json"][..], &["why", "b", "-n", "plugin", "-o", "yaml"]]
    {
        let (by_kubectl, direct) = (scene.kubectl(arguments)?, scene.run(arguments)?);
        ensure!(by_kubectl.stdout == direct.stdout, "{}\n{}", by_kubectl.stdout, direct.stdout);
        // kubectl gives a plugin's exit code on; where that is not 0 it may add a line of its own to stderr.
        ensure!(by_kubectl.code == direct.code, "{by_kubectl:?}");
        ensure!(by_kubectl.stderr.starts_with(&direct.stderr), "{by_kubectl:?}");
    }
    Ok(())
}
