//! Looking ahead on a live cluster: a few reads by name, and none that may not be.

use serde_json::{Value, json};

use super::api::Api;
use super::home::Home;
use super::serve;
use super::server::Server;

/// A cluster in which `apps` waits for `infra`, and refers to a Secret and a ConfigMap.
fn waiting() -> Api {
    let meta = |name: &str| json!({"name": name, "namespace": "flux-system", "generation": 1, "creationTimestamp": "2026-11-24T06:00:00Z"});
    let status = |status: &str, reason: &str, message: &str, generation: i64| {
        json!({"observedGeneration": generation, "artifact": {"revision": "main@sha1:aa", "url": "http://x"},
            "conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message,
                "observedGeneration": 1, "lastTransitionTime": "2026-11-24T06:10:00Z"}]})
    };
    let source = json!({"kind": "GitRepository", "name": "fleet"});
    let kustomizations = vec![
        json!({"metadata": meta("infra"), "spec": {"interval": "10m", "prune": true, "sourceRef": source},
            "status": status("False", "BuildFailed", "kustomize build failed: odd", -1)}),
        json!({"metadata": meta("apps"), "spec": {"interval": "10m", "prune": true, "sourceRef": source,
                "dependsOn": [{"name": "infra"}], "decryption": {"provider": "sops", "secretRef": {"name": "sops-age"}},
                "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}},
            "status": status("False", "DependencyNotReady", "dependency 'flux-system/infra' is not ready", -1)}),
    ];
    let fleet = json!({"metadata": meta("fleet"), "spec": {"url": "https://git.example.com/fleet", "interval": "1m"},
        "status": status("True", "Succeeded", "stored", 1)});
    let vars = json!({"metadata": {"name": "vars", "namespace": "flux-system"}, "data": {"a": "b"}});
    Api::default()
        .with("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations", kustomizations)
        .with("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", vec![fleet])
        .with("apps/v1", "Deployment", "deployments", Vec::new())
        .with("v1", "Event", "events", Vec::new())
        .with("v1", "Secret", "secrets", Vec::new())
        .with("v1", "ConfigMap", "configmaps", vec![vars])
}

fn next(json: &Value) -> Vec<&str> {
    json["next"].as_array().unwrap().iter().map(|cause| cause["code"].as_str().unwrap()).collect()
}

fn by_name(server: &Server) -> Vec<String> {
    let one = |target: &String| target.contains("/secrets/") || target.contains("/configmaps/");
    let mut targets: Vec<String> = server.targets().into_iter().filter(one).collect();
    targets.sort();
    targets
}

#[test]
fn what_does_not_exist_is_proven_by_the_api_server_and_stays_so_in_a_snapshot() {
    let server = serve(waiting());
    let home = Home::for_server(&server.url());
    let live = home.run("why apps -o json");
    assert_eq!(next(&live.json()), ["SopsSecretNotFound"], "{live:?}");
    let asked =
        ["/api/v1/namespaces/flux-system/configmaps/vars", "/api/v1/namespaces/flux-system/secrets/sops-age"];
    assert_eq!(by_name(&server), asked);
    assert_eq!(home.run("snapshot -f snapshot.yaml").code, 0);
    let read = home.run("why apps -o json --from snapshot.yaml");
    assert_eq!(live.stdout, read.stdout);
}

#[test]
fn a_secret_that_may_not_be_read_is_no_missing_one() {
    let server = serve(waiting().may(|plural, _| plural != "secrets"));
    let forbidden = Home::for_server(&server.url()).run("why apps -o json").json();
    assert_eq!(next(&forbidden), Vec::<&str>::new());
    let server = serve(waiting());
    let unwanted = Home::for_server(&server.url()).run("why apps -o json --no-secrets").json();
    assert_eq!(next(&unwanted), Vec::<&str>::new());
    assert_eq!(by_name(&server), ["/api/v1/namespaces/flux-system/configmaps/vars"]);
}
