//! One `why` asks little, however large the cluster and however long the chain.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::Api;
use super::home::Home;
use super::serve;

const OBJECTS: usize = 5_000;

/// How many of them stand in one chain behind the first, each with a Secret and a ConfigMap of its own.
const CHAIN: usize = 200;

/// 5,000 Kustomizations. The first four fail: for a workload, a key, a service account and a namespace; the chain waits.
fn large() -> Api {
    let all = (0..OBJECTS).map(kustomization).collect();
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "apps", "namespace": "flux-system", "generation": 1, "creationTimestamp": "2026-11-24T05:00:00Z"},
        "spec": {"interval": "1m", "url": "https://git.example.com/apps"},
        "status": {"observedGeneration": 1, "artifact": {"revision": "main@sha1:aa", "lastUpdateTime": "2026-11-24T05:10:00Z"},
            "conditions": [condition("True", "Succeeded", "stored artifact")]},
    });
    let mut api = Api::recorded("healthy")
        .without(|plural| ["kustomizations", "gitrepositories"].contains(&plural))
        .with("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations", all)
        .with("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", vec![source]);
    for (kind, plural) in [
        ("Secret", "secrets"),
        ("ConfigMap", "configmaps"),
        ("Pod", "pods"),
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
        ("ServiceAccount", "serviceaccounts"),
        ("Namespace", "namespaces"),
    ] {
        api = api.with("v1", kind, plural, Vec::new());
    }
    api
}

fn condition(status: &str, reason: &str, message: &str) -> Value {
    json!({"type": "Ready", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-24T06:00:00Z", "observedGeneration": 1})
}

fn kustomization(number: usize) -> Value {
    let name = |number: usize| format!("app-{number:04}");
    let failing = [
        (
            "HealthCheckFailed",
            "health check failed after 1m: timeout waiting for: [Deployment/web/web status: 'InProgress']",
        ),
        ("BuildFailed", "secrets \"sops-age\" not found"),
        (
            "ReconciliationFailed",
            "ConfigMap/a/b dry-run failed (Forbidden): configmaps \"b\" is forbidden: User \
          \"system:serviceaccount:flux-system:weak\" cannot patch resource \"configmaps\" in API group \"\" in the namespace \"a\"",
        ),
        ("ReconciliationFailed", "ConfigMap/nowhere/a not found: namespaces \"nowhere\" not found"),
    ];
    let in_chain = failing.len()..failing.len() + CHAIN;
    let mut spec = json!({"interval": "10m", "prune": true, "path": "./app",
        "sourceRef": {"kind": "GitRepository", "name": "apps"}});
    let ready = match failing.get(number) {
        Some((reason, message)) => condition("False", reason, message),
        None if number == in_chain.start => {
            spec["dependsOn"] = (0..failing.len()).map(|at| json!({"name": name(at)})).collect();
            condition("False", "DependencyNotReady", "dependency 'flux-system/app-0000' is not ready")
        }
        None if in_chain.contains(&number) => {
            spec["dependsOn"] = json!([{"name": name(number - 1)}]);
            let words = format!("dependency 'flux-system/{}' is not ready", name(number - 1));
            condition("False", "DependencyNotReady", &words)
        }
        None => condition("True", "ReconciliationSucceeded", "Applied revision: main@sha1:aa"),
    };
    if number == 1 {
        spec["decryption"] = json!({"provider": "sops", "secretRef": {"name": "sops-age"}});
    }
    if in_chain.contains(&number) {
        spec["decryption"] = json!({"provider": "sops", "secretRef": {"name": format!("key-{number}")}});
        spec["postBuild"] =
            json!({"substituteFrom": [{"kind": "ConfigMap", "name": format!("values-{number}")}]});
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name(number), "namespace": "flux-system", "generation": 1, "resourceVersion": "7",
            "creationTimestamp": "2026-11-24T05:00:00Z"},
        "spec": spec,
        "status": {"conditions": [ready], "observedGeneration": 1, "lastAppliedRevision": "main@sha1:aa"},
    })
}

#[test]
fn one_why_on_a_cluster_of_5000_takes_forty_requests_at_most() {
    let last = format!("app-{:04}", 4 + CHAIN - 1);
    for words in [format!("why {last} -o json"), "why -o json".to_owned(), "snapshot -o json".to_owned()] {
        let server = serve(large());
        let run = Home::for_server(&server.url()).run(&words);
        assert!(run.code < 2, "{words}: {}", run.stderr);
        let targets = server.targets();
        assert!(targets.len() <= 40, "{words}: {}: {targets:#?}", targets.len());
        assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), targets.len(), "nothing is asked twice");
        if words.starts_with("why") {
            let answer = run.json();
            let codes: BTreeSet<&str> = answer["rootCauses"]
                .as_array()
                .unwrap()
                .iter()
                .map(|cause| cause["code"].as_str().unwrap())
                .collect();
            assert_eq!(
                codes.into_iter().collect::<Vec<_>>(),
                ["Forbidden", "HealthCheckFailed", "NamespaceNotFound", "SopsSecretNotFound"]
            );
            assert!(!answer["next"].as_array().unwrap().is_empty(), "it looked ahead: {words}");
        }
    }
}
