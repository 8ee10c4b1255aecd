//! Reading is cheap on a slow line: few round trips, nothing twice, nothing but reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::Api;
use super::home::Home;
use super::serve;
use super::server::Server;

/// Fails where one of a wave's requests waits for the answer to another: there is none until all have come.
fn run_in_waves(api: Api, waves: &[usize]) -> Server {
    let server = serve(api);
    server.in_waves(waves);
    let run = Home::for_server(&server.url()).run("status -o json --request-timeout 20s");
    assert!(run.code < 2, "{run:?}, asked: {:#?}", server.targets());
    assert_eq!(server.requests().len(), *waves.last().unwrap(), "{:#?}", server.targets());
    server
}

#[test]
fn a_healthy_cluster_takes_two_round_trips_and_a_failing_one_three() {
    run_in_waves(Api::recorded("healthy"), &[1, 14]);
    run_in_waves(Api::recorded("blocked"), &[1, 14, 16]);
    run_in_waves(Api::recorded("blocked").grown_to(200), &[1, 14, 16]);
}

#[test]
fn connections_are_opened_beside_the_first_request_and_none_of_them_twice() {
    let server = serve(Api::recorded("healthy"));
    server.awaits_connections(14);
    let run = Home::for_server(&server.url()).run("status --request-timeout 20s");
    assert_eq!(run.code, 0, "{run:?}");
    assert!(server.connections() <= 16, "{}", server.connections());
}

#[test]
fn what_is_asked_once_opens_no_more_connections_than_it_asks() {
    let server = serve(Api::recorded("healthy"));
    Home::for_server(&server.url()).run("version");
    assert!(server.connections() <= server.requests().len(), "{}", server.connections());
}

#[test]
fn a_refusal_takes_three_round_trips() {
    // what is served, what may be listed everywhere, and what in the namespace of the context
    let server = serve(Api::recorded("healthy").may(|_, _| false));
    server.in_waves(&[1, 14, 26]);
    let run = Home::for_server(&server.url()).run("status --request-timeout 20s");
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(server.requests().len(), 26, "{:#?}", server.targets());
}

#[test]
fn nothing_is_fetched_twice_and_all_of_it_only_read() {
    for scene in ["healthy", "blocked"] {
        let server = serve(Api::recorded(scene));
        Home::for_server(&server.url()).run("status");
        let targets = server.targets();
        assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), targets.len(), "{targets:#?}");
        for request in server.requests() {
            assert_eq!(request.method, "GET", "{request:?}");
            assert!(!request.path.contains("/secrets"), "{request:?}");
            assert_eq!(request.header("accept-encoding"), Some("gzip"), "{request:?}");
            assert_eq!(request.header("user-agent"), Some(concat!("fluxlayers/", env!("CARGO_PKG_VERSION"))));
        }
        assert!(server.connections() <= 16, "{}", server.connections());
    }
}

#[test]
fn the_number_of_requests_does_not_grow_with_the_objects() {
    let asked = |count: usize| {
        let server = serve(many(count));
        let run = Home::for_server(&server.url()).run("status -o json");
        assert_eq!(run.json()["summary"]["total"], count, "{run:?}");
        server.targets()
    };
    assert_eq!(asked(2), asked(400));
}

#[test]
fn pages_of_one_kind_do_not_hold_the_others_up() {
    // 3 pages of Kustomizations, and everything else beside the first of them
    run_in_waves(many(1200), &[1, 4, 5, 6, 8]);
}

/// Kustomizations that fail, one in each namespace.
pub(super) fn many(count: usize) -> Api {
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "apps", "namespace": "flux-system", "generation": 1, "creationTimestamp": "2026-11-24T05:00:00Z"},
        "spec": {"interval": "1m", "url": "https://git.example.com/apps"},
        "status": {"observedGeneration": 1, "artifact": {"revision": "main@sha1:aa", "lastUpdateTime": "2026-11-24T05:10:00Z"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact",
                "lastTransitionTime": "2026-11-24T05:10:00Z", "observedGeneration": 1}]},
    });
    Api::default()
        .with(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            "kustomizations",
            (0..count).map(failing).collect(),
        )
        .with("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", vec![source])
        .with("apps/v1", "Deployment", "deployments", Vec::new())
        .with("v1", "Event", "events", Vec::new())
}

fn failing(number: usize) -> Value {
    let condition = json!({"type": "Ready", "status": "False", "reason": "BuildFailed", "message": "kustomize build failed",
        "lastTransitionTime": "2026-11-24T06:00:00Z", "observedGeneration": 1});
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": format!("app-{number}"), "namespace": format!("team-{number}"), "generation": 1,
            "resourceVersion": "7", "creationTimestamp": "2026-11-24T05:00:00Z"},
        "spec": {"interval": "1h", "prune": true, "path": "./app",
            "sourceRef": {"kind": "GitRepository", "name": "apps", "namespace": "flux-system"}},
        "status": {"conditions": [condition], "observedGeneration": -1},
    })
}
