//! What admission refuses: a webhook that says no, one that nobody answers, a quota that is used up.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::steps::{Workload, all_named, cause, config_map, evidence, remedies};
use crate::harness::{Bench, Scene, Webhook};

/// A configuration that has the API server ask about the ConfigMaps of one namespace.
fn configuration(name: &str, namespace: &str, client: Value) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": format!("{name}.example.com"), "clientConfig": client, "failurePolicy": "Fail",
            "sideEffects": "None", "timeoutSeconds": 2, "admissionReviewVersions": ["v1"],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "objectSelector": {"matchExpressions": [
                {"key": "kustomize.toolkit.fluxcd.io/name", "operator": "NotIn", "values": ["free"]},
            ]},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"],
            }],
        }],
    })
}

/// A webhook answers, and what it answers is no: to a Kustomization, and to a chart.
pub(crate) fn denied(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "denied")?;
    for name in ["map", "free"] {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("denied", name))?;
    }
    scene.publish()?;
    scene.apply("{kind: HelmRepository, metadata: {name: charts}, spec: {url: $(charts)}}")?;
    let webhook = Webhook::denies(bench.runtime(), "every object needs an owner label")?;
    let client = json!({"url": webhook.url, "caBundle": webhook.ca_bundle});
    scene.api.apply(configuration("owners", "denied", client), "")?;
    await_enforced(&scene)?;
    scene.apply("{kind: Kustomization, metadata: {name: free}}")?;
    scene.apply("{kind: Kustomization, metadata: {name: map}}")?;
    scene.apply("{kind: HelmRelease, metadata: {name: chart}, spec: {chart: {spec: {chart: app}}}}")?;
    scene.await_message("Kustomization/map", "denied the request: every object needs an owner label")?;
    scene.api.await_condition(&scene.own("HelmRelease/chart"), "Stalled", "True", "RetriesExceeded")?;
    scene.api.await_ready(&scene.own("Kustomization/free"))?;
    scene.matches("denied")?;
    for (object, target) in [("Kustomization/denied/map", "ks/map"), ("HelmRelease/denied/chart", "hr/chart")] {
        let why = scene.why(target)?;
        let refused = evidence(cause(&why, object, "AdmissionDenied", None)?);
        for words in ["owners.example.com", "every object needs an owner label"] {
            ensure!(refused.contains(words), "{object}: {refused}");
        }
    }
    Ok(())
}

/// Waits until the API server has heard of the configuration: it does so a moment after that was written.
fn await_enforced(scene: &Scene<'_>) -> Result<()> {
    let probe = || {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}});
        scene.api.apply(map, &scene.name)
    };
    while probe().is_ok() {
        scene.api.delete(&scene.own("ConfigMap/probe"))?;
    }
    Ok(())
}

const REFUSED: [&str; 5] = ["auth", "billing", "mail", "search", "shop"];

/// Nobody answers behind the webhook's Service, and five Kustomizations are refused for it: one cause.
pub(crate) fn refused(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "refused")?;
    scene.apply(
        "{apiVersion: v1, kind: Namespace, metadata: {name: refused-policy}}\n---\n\
         {apiVersion: v1, kind: Service, metadata: {name: guard, namespace: refused-policy}, \
         spec: {selector: {app: guard}, ports: [{port: 443}]}}",
    )?;
    let client = json!({"service": {"namespace": "refused-policy", "name": "guard", "path": "/validate"}});
    scene.api.apply(configuration("guard-of-refused", "refused", client), "")?;
    await_enforced(&scene)?;
    for name in REFUSED {
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map("refused", name))?;
    }
    scene.repository.write("behind/README.md", "nothing yet")?;
    scene.publish()?;
    for name in REFUSED {
        scene.apply(&format!("{{kind: Kustomization, metadata: {{name: {name}}}}}"))?;
    }
    scene.apply("{kind: Kustomization, metadata: {name: behind}, spec: {dependsOn: [{name: shop}]}}")?;
    for name in REFUSED {
        scene.await_message(&format!("Kustomization/{name}"), "failed calling webhook")?;
    }
    scene.await_message("Kustomization/behind", "dependency 'refused/shop' is not ready")?;
    scene.matches("refused")?;
    let why = scene.why("behind")?;
    let found = cause(&why, "Service/refused-policy/guard", "WebhookUnavailable", None)?;
    ensure!(all_named(&found["affected"]).len() == REFUSED.len(), "{found}");
    for command in remedies(found) {
        ensure!(scene.shell(&command)?.stdout.contains("guard"), "{command}");
    }
    Ok(())
}

/// One object too many, one too many among those of one apply, and a workload whose Pods are not let in.
pub(crate) fn quota(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "quota")?;
    let web = Workload::deployment("quota", "web");
    let secret = |name: &str| {
        format!("---\n{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: quota}}}}\n")
    };
    scene.repository.write("map/cm.yaml", &config_map("quota", "map"))?;
    scene.repository.write("secrets/all.yaml", &(secret("first") + &secret("second")))?;
    scene.repository.write("web/web.yaml", &web.manifest())?;
    scene.publish()?;
    scene
        .api
        .await_that(&scene.own("ConfigMap/kube-root-ca.crt"), "the one that is there", |map| map.is_some())?;
    scene.apply(
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, \
         spec: {hard: {count/configmaps: '1', count/secrets: '1', pods: '0'}}}",
    )?;
    scene.api.await_that(&scene.own("ResourceQuota/small"), "a count", |quota| {
        quota.is_some_and(|quota| quota["status"]["used"]["count/configmaps"] == "1")
    })?;
    for name in ["map", "secrets", "web"] {
        let spec = if name == "web" {
            "{wait: true, timeout: 30s, retryInterval: 10m}"
        } else {
            "{retryInterval: 10m}"
        };
        scene.apply(&format!("{{kind: Kustomization, metadata: {{name: {name}}}, spec: {spec}}}"))?;
    }
    for name in ["map", "secrets"] {
        scene.await_message(&format!("Kustomization/{name}"), "exceeded quota: small")?;
    }
    scene.api.await_condition(&scene.own("Kustomization/web"), "Ready", "False", "HealthCheckFailed")?;
    scene.matches("quota")?;
    for name in ["map", "secrets"] {
        let why = scene.why(name)?;
        let found = cause(&why, &format!("Kustomization/quota/{name}"), "QuotaExceeded", None)?;
        let commands = remedies(found);
        ensure!(scene.shell(&commands[0])?.stdout.contains("count/configmaps"), "{commands:?}");
    }
    let why = scene.why("web")?;
    let found = cause(&why, "Deployment/quota/web", "HealthCheckFailed", None)?;
    ensure!(evidence(found).contains("exceeded quota: small"), "{found}");
    let commands = remedies(found);
    ensure!(scene.shell(&commands[0])?.stdout.contains("pods"), "{commands:?}");
    Ok(())
}
