//! Secrets that may not be read, or are not to be: no request for them is made, or what could not be seen is said.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::steps::{cause, config_map};
use crate::harness::{Bench, Scene};

const NAMESPACE: &str = "secrets";

/// A decryption Secret whose key has a name that the controller does not read, which only a look at it can tell.
pub(crate) fn secrets(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, NAMESPACE)?;
    scene.repository.write("sealed/cm.yaml", &config_map(NAMESPACE, "sealed"))?;
    let token =
        "{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: secrets}, stringData: {token: abc}}";
    scene.repository.write("sealed/token.yaml", token)?;
    let key = scene.shell("age-keygen")?.stdout;
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).context("a public key")?;
    scene.shell(&format!(
        "sops --encrypt --age {recipient} --encrypted-regex '^(data|stringData)$' -i sealed/token.yaml"
    ))?;
    scene.publish()?;
    scene.apply("{apiVersion: v1, kind: Secret, metadata: {name: sops-age}, stringData: {age.key: marked}}")?;
    scene.apply(
        "{kind: Kustomization, metadata: {name: sealed}, \
         spec: {decryption: {provider: sops, secretRef: {name: sops-age}}}}",
    )?;
    scene.await_message("Kustomization/sealed", "failed to load age identities")?;
    bench.cluster.grant("blind", BLIND, scene.api)?;

    let object = "Kustomization/secrets/sealed";
    let before = asked(bench)?;
    let unasked = scene.run(&["why", "sealed", "-n", NAMESPACE, "--no-secrets", "-o", "json"])?;
    cause(&unasked.json()?, object, "SopsFailed", Some("NoIdentity"))?;
    for arguments in [&["status"][..], &["impact", "sealed", "-n", NAMESPACE], &["why", "--no-secrets"]] {
        scene.run(arguments)?;
    }
    let path = bench.dir().join("blind.json").display().to_string();
    scene.run(&["snapshot", "--no-secrets", "-n", NAMESPACE, "-f", &path, "--force"])?;
    ensure!(asked(bench)?.len() == before.len(), "asked for Secrets: {:?}", &asked(bench)?[before.len()..]);

    let refused = scene.run_as("blind", &["why", "sealed", "-n", NAMESPACE, "-o", "json"])?;
    let answer = refused.json()?;
    let coarse = cause(&answer, object, "SopsFailed", Some("NoIdentity"))?;
    let told = format!("{} {}", answer["warnings"], coarse);
    ensure!(told.contains("Secret") && told.contains("sops-age"), "what was not seen is not said: {told}");
    ensure!(answer["complete"] == false, "{answer}");

    let before = asked(bench)?;
    let seen = scene.run(&["why", "sealed", "-n", NAMESPACE, "-o", "json"])?;
    cause(&seen.json()?, "Secret/secrets/sops-age", "SopsSecretKeyName", None)?;
    let after = asked(bench)?;
    ensure!(after[before.len()..] == ["get secrets/sops-age"], "{:?}", &after[before.len()..]);
    ensure!(!seen.stdout.contains("marked"), "{}", seen.stdout);
    Ok(())
}

/// All that is read of a cluster, but for Secrets.
const BLIND: &str = r#"[
    {"apiGroups": ["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io", "apps", "batch",
        "apiextensions.k8s.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["configmaps", "events", "namespaces", "nodes", "pods", "persistentvolumeclaims",
        "serviceaccounts", "services"], "verbs": ["get", "list", "watch"]}
]"#;

/// What our program has asked the API server of Secrets since the bench began, as the server wrote it down.
fn asked(bench: &Bench) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(bench.cluster.audit_log())?;
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = entries.filter(|entry| {
        let agent = entry["userAgent"].as_str().unwrap_or_default();
        let of_the_scenario =
            entry["objectRef"]["namespace"] == NAMESPACE || entry["objectRef"]["namespace"].is_null();
        agent.starts_with("fluxlayers/") && of_the_scenario
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told =
        ours.map(|entry| format!("{} secrets/{}", text(&entry["verb"]), text(&entry["objectRef"]["name"])));
    Ok(told.collect())
}
