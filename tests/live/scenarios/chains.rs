//! Chains: what fails in the middle, what waits behind it, and how it comes up when that is mended.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::steps::{cause, config_map, evidence, remedies};
use crate::harness::{Bench, Scene};

const CHAIN: [&str; 8] = ["crds", "network", "secrets", "storage", "database", "cache", "backend", "frontend"];

/// The third of eight cannot be decrypted, for its Secret holds another key. With the right one beside it, and asked to
/// run again, all come up.
pub(crate) fn chain(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "chain")?;
    let (old, new) = (age_key(&scene)?, age_key(&scene)?);
    for name in CHAIN {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("chain", name))?;
    }
    let secret =
        "{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: chain}, stringData: {token: abc}}";
    scene.repository.write("secrets/token.yaml", secret)?;
    let sops = format!(
        "sops --encrypt --age {} --encrypted-regex '^(data|stringData)$' -i secrets/token.yaml",
        new.recipient
    );
    scene.shell(&sops)?;
    scene.publish()?;
    put_key(&scene, "age.agekey", &old)?;
    for (at, name) in CHAIN.iter().enumerate() {
        let needs: Vec<Value> = CHAIN[..at].last().map(|before| json!({"name": before})).into_iter().collect();
        let mut spec = json!({"dependsOn": needs});
        if *name == "secrets" {
            spec["decryption"] = json!({"provider": "sops", "secretRef": {"name": "sops-age"}});
        }
        scene.apply(&json!({"kind": "Kustomization", "metadata": {"name": name}, "spec": spec}).to_string())?;
    }
    scene.await_message("Kustomization/secrets", "identity did not match any of the recipients")?;
    scene.await_message("Kustomization/frontend", "dependency 'chain/backend' is not ready")?;
    scene.matches("chain-broken")?;

    let why = scene.why("frontend")?;
    let mismatch = cause(&why, "Kustomization/chain/secrets", "SopsKeyMismatch", None)?;
    let seen = evidence(mismatch);
    for named in ["Secret chain/token", &new.recipient, &old.recipient] {
        ensure!(seen.contains(named), "the evidence names no {named}: {seen}");
    }
    ensure!(
        mismatch["chain"].as_array().is_some_and(|chain| chain.len() == 6),
        "the chain: {}",
        mismatch["chain"]
    );
    let find = remedies(mismatch).into_iter().next().context("no command")?;
    ensure!(scene.shell(&find)?.stdout == "secrets/token.yaml\n", "{find}");

    put_key(&scene, "second.agekey", &new)?;
    let why = scene.why("secrets")?;
    let mismatch = cause(&why, "Kustomization/chain/secrets", "SopsKeyMismatch", None)?;
    let commands = remedies(mismatch);
    ensure!(commands == ["flux reconcile kustomization secrets -n chain --with-source"], "{mismatch}");
    scene.shell(&commands[0])?;
    for name in CHAIN {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    scene.matches("chain-mended")
}

struct AgeKey {
    text: String,
    recipient: String,
}

/// A new key pair, which protects nothing.
fn age_key(scene: &Scene<'_>) -> Result<AgeKey> {
    let text = scene.shell("age-keygen")?.stdout;
    let recipient =
        text.lines().find_map(|line| line.strip_prefix("# public key: ")).context("no public key")?;
    Ok(AgeKey { recipient: recipient.to_owned(), text })
}

fn put_key(scene: &Scene<'_>, entry: &str, key: &AgeKey) -> Result<()> {
    let secret = scene.own("Secret/sops-age");
    if scene.api.get(&secret)?.is_none() {
        scene.apply("{apiVersion: v1, kind: Secret, metadata: {name: sops-age}}")?;
    }
    scene.api.patch(&secret, &json!({"data": {entry: STANDARD.encode(&key.text)}}))
}

const RELEASES: [&str; 4] = ["database", "migration", "api", "web"];

/// The second of four releases is given a value that its chart's schema refuses.
pub(crate) fn helm_chain(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "helm-chain")?;
    scene.apply("{kind: HelmRepository, metadata: {name: charts}, spec: {url: $(charts)}}")?;
    for (at, name) in RELEASES.iter().enumerate() {
        let needs: Vec<Value> =
            RELEASES[..at].last().map(|before| json!({"name": before})).into_iter().collect();
        let chart = if *name == "migration" { "schema" } else { "app" };
        let spec =
            json!({"dependsOn": needs, "chart": {"spec": {"chart": chart}}, "values": {"replicas": "many"}});
        scene.apply(&json!({"kind": "HelmRelease", "metadata": {"name": name}, "spec": spec}).to_string())?;
    }
    scene.api.await_condition(&scene.own("HelmRelease/migration"), "Ready", "False", "InstallFailed")?;
    scene.await_message("HelmRelease/web", "dependency 'helm-chain/api' is not ready")?;
    scene.matches("helm-chain-broken")?;

    let why = scene.why("hr/web")?;
    let failed = cause(&why, "HelmRelease/helm-chain/migration", "HelmInstallFailed", Some("ValuesSchema"))?;
    ensure!(evidence(failed).contains("replicas"), "{failed}");

    let values = json!({"spec": {"values": {"replicas": 2}}});
    scene.api.patch(&scene.own("HelmRelease/migration"), &values)?;
    for name in RELEASES {
        scene.api.await_ready(&scene.own(&format!("HelmRelease/{name}")))?;
    }
    scene.matches("helm-chain-mended")
}
