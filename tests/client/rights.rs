//! Users who may not see everything: what they see is true, and what is hidden is never called missing.

use serde_json::{Value, json};

use super::api::{Api, Discovery};
use super::home::{Home, Run, kubeconfig};
use super::serve;
use super::server::{Reply, Server};

fn in_namespace(url: &str, namespace: &str) -> Home {
    let mut config = kubeconfig(url, json!({"token": "t"}));
    config["contexts"][0]["context"]["namespace"] = namespace.into();
    Home::with(&config)
}

/// All but what the recorded objects themselves give cause to.
pub(super) fn warnings(run: &Run) -> Vec<String> {
    let status = run.json();
    let list = status["warnings"].as_array().unwrap().iter().filter(|warning| warning["code"] != "OwnedTwice");
    list.map(|warning| format!("{} {}", warning["code"].as_str().unwrap(), warning["text"].as_str().unwrap()))
        .collect()
}

fn states(run: &Run) -> Vec<String> {
    let status = run.json();
    let layers = status["layers"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|layer| layer["objects"].as_array().unwrap().clone());
    let all = layers.chain(status["unlayered"].as_array().unwrap().clone());
    let text = |object: &Value, name: &str| object[name].as_str().unwrap().to_owned();
    let mut states: Vec<String> = all
        .map(|object| {
            format!("{}/{} {}", text(&object, "namespace"), text(&object, "name"), text(&object, "state"))
        })
        .collect();
    states.sort();
    states
}

#[test]
fn one_forbidden_kind_is_a_warning_and_the_rest_still_an_answer() {
    let server = serve(Api::recorded("healthy").may(|plural, _| plural != "fluxreports"));
    let run = Home::for_server(&server.url()).run("status -o json");
    assert_eq!(run.code, 0);
    assert_eq!(run.json()["complete"], false);
    assert_eq!(warnings(&run), ["Forbidden FluxReport objects may not be listed"]);
    assert_eq!(run.json()["summary"]["ready"], 6);
}

#[test]
fn hidden_sources_leave_a_verdict_open_instead_of_calling_them_missing() {
    let server = serve(Api::recorded("healthy").may(|plural, _| plural != "gitrepositories"));
    let run = Home::for_server(&server.url()).run("status -o json");
    let status = run.json();
    assert_eq!((&status["complete"], &status["missing"]), (&false.into(), &json!([])));
    assert!(!run.stdout.contains("NotFound"), "{}", run.stdout);
    let said = warnings(&run).join("\n");
    assert!(said.contains("GitRepository objects may not be listed"), "{said}");
}

#[test]
fn who_may_read_one_namespace_sees_it_whether_it_is_given_or_the_one_of_the_context() {
    let api = || Api::recorded("blocked").may(|_, namespace| namespace == Some("apps"));
    let server = serve(api());
    let given = Home::for_server(&server.url()).run("status -o json -n apps");
    let server = serve(api());
    let context = in_namespace(&server.url(), "apps").run("status -o json");
    assert_eq!(states(&given), states(&context));
    for run in [given, context] {
        assert_eq!(run.code, 1, "{run:?}");
        assert_eq!(run.json()["complete"], false);
        assert!(
            warnings(&run).contains(&"Forbidden Kustomization objects were read in apps alone: there is no right to list them everywhere".to_owned())
        );
        assert!(states(&run).iter().all(|state| state.starts_with("apps/")), "{:?}", states(&run));
    }
}

#[test]
fn what_stays_hidden_is_unknown_and_never_missing() {
    // `app` depends on what lives in a namespace that may not be read, and takes its source from there
    let server = serve(two_namespaces().may(|_, namespace| namespace == Some("team")));
    let run = in_namespace(&server.url(), "team").run("status -o json");
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(states(&run), ["team/app Unknown"]);
    let status = run.json();
    assert_eq!((&status["missing"], &status["rootCauses"]), (&json!([]), &json!([])));
}

#[test]
fn a_namespace_that_may_not_be_read_is_not_good_and_an_empty_one_is_no_answer() {
    let api = || two_namespaces().may(|_, namespace| matches!(namespace, Some("team" | "empty")));
    let server = serve(api());
    let hidden = in_namespace(&server.url(), "team").run("status -n hidden");
    assert_eq!(hidden.code, 1, "{hidden:?}");
    assert!(hidden.stdout.contains("no Kustomizations could be read"), "{}", hidden.stdout);
    let server = serve(api());
    let empty = in_namespace(&server.url(), "team").run("status -n empty");
    assert_eq!(empty.code, 2, "{empty:?}");
    assert!(empty.stderr.contains("error: nothing of Flux in namespace empty"), "{}", empty.stderr);
}

#[test]
fn an_object_in_a_namespace_that_may_not_be_read_is_out_of_sight_and_not_absent() {
    let server = serve(two_namespaces().may(|_, namespace| namespace == Some("team")));
    let home = in_namespace(&server.url(), "team");
    for command in ["why ks/hidden/x", "status ks/hidden/x", "why ks/x -n hidden"] {
        let run = home.run(command);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{command}");
        let name = if command.ends_with("-n hidden") { "ks/x" } else { "ks/hidden/x" };
        assert_eq!(
            run.stderr,
            format!(
                "error: {name} is out of sight: you may not list kustomizations in hidden\n\
                 hint: kubectl auth can-i list kustomizations.kustomize.toolkit.fluxcd.io -n hidden\n"
            ),
            "{command}"
        );
    }
    let source = home.run("why gitrepo/hidden/x");
    assert!(source.stderr.contains("you may not list gitrepositories in hidden"), "{source:?}");
    let absent = home.run("why ks/team/x");
    assert!(absent.stderr.starts_with("error: no Kustomization named `x` in namespace team"), "{absent:?}");
    assert_eq!((source.code, absent.code), (2, 2));
}

#[test]
fn an_object_is_looked_for_in_the_namespace_that_it_names() {
    let both = |_: &str, namespace: Option<&str>| matches!(namespace, Some("empty" | "platform"));
    let server = serve(two_namespaces().may(both));
    let run = in_namespace(&server.url(), "empty").run("why ks/platform/base -o json");
    assert_eq!((run.code, &run.json()["target"]["state"]), (1, &json!("Failed")), "{run:?}");
}

#[test]
fn namespaces_that_references_name_are_looked_at_in_turn() {
    let both = |_: &str, namespace: Option<&str>| matches!(namespace, Some("team" | "platform"));
    let server = serve(two_namespaces().may(both));
    let run = in_namespace(&server.url(), "team").run("status -o json");
    assert_eq!(states(&run), ["platform/base Failed", "team/app Blocked"]);
    assert_eq!(run.code, 1);
    assert!(
        warnings(&run)
            .contains(&"Forbidden Kustomization objects were read in platform, team alone: there is no right to list them everywhere".to_owned())
    );
    // once each
    let lists: Vec<String> = server
        .targets()
        .into_iter()
        .filter(|target| target.contains("/namespaces/platform/kustomizations"))
        .collect();
    assert_eq!(lists.len(), 1);
}

#[test]
fn events_of_the_namespaces_that_may_be_read_are_read() {
    let server = serve(two_namespaces().may(|_, namespace| matches!(namespace, Some("team" | "platform"))));
    let run = in_namespace(&server.url(), "team").run("status -o json");
    assert!(!run.stdout.contains("Events may not be read"), "{}", run.stdout);
    let events: Vec<String> =
        server.targets().into_iter().filter(|target| target.contains("namespaces/platform/events")).collect();
    assert_eq!(events.len(), 2, "{:#?}", server.targets());

    let server =
        serve(two_namespaces().may(|plural, namespace| plural != "events" && namespace == Some("platform")));
    let run = in_namespace(&server.url(), "platform").run("status -o json");
    assert!(warnings(&run).iter().any(|said| said.contains("Events may not be read")), "{run:?}");
}

#[test]
fn who_may_read_nothing_is_told_so() {
    for discovery in [Discovery::Aggregated, Discovery::Plain, Discovery::Forbidden] {
        let server = serve(Api::recorded("blocked").may(|_, _| false).discovered(discovery));
        let run = Home::with(&kubeconfig(&server.url(), json!({"token": "t"}))).run("status");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{discovery:?}");
        let (first, hint) = run.stderr.split_once('\n').unwrap();
        assert_eq!(
            first,
            format!(
                "error: {} lets us read no Flux object (403): kustomizations.kustomize.toolkit.fluxcd.io is forbidden: User \
                 \"teamdev\" cannot list resource \"kustomizations\" in API group \"kustomize.toolkit.fluxcd.io\" at the cluster \
                 scope",
                server.url()
            ),
            "{discovery:?}"
        );
        assert_eq!(
            hint,
            "hint: try one namespace that is yours with -n; kubectl auth can-i list kustomizations.kustomize.toolkit.fluxcd.io -n NAMESPACE\n"
        );
    }
}

#[test]
fn a_namespace_without_objects_is_no_empty_cluster() {
    let server = serve(Api::recorded("blocked").may(|_, namespace| namespace == Some("default")));
    let run = Home::for_server(&server.url()).run("status");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("warning: Kustomization objects were read in default alone"), "{}", run.stderr);
    assert!(run.stderr.contains("error: nothing of Flux could be read in context test"), "{}", run.stderr);
}

#[test]
fn a_list_that_fails_is_a_warning_unless_it_holds_what_is_judged() {
    let failing = |plural: &'static str| {
        let api = Api::recorded("healthy");
        let server = Server::start(move |request| match request.path.ends_with(plural) {
            true => Reply::status(500, "InternalError", "conversion webhook failed"),
            false => api.answer(request),
        });
        Home::for_server(&server.url()).run("status -o json")
    };
    let run = failing("/helmcharts");
    assert_eq!((&run.json()["complete"], run.code), (&false.into(), 0));
    assert!(warnings(&run)[0].contains("HelmChart objects could not be read"), "{run:?}");
    let run = failing("/kustomizations");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("v1/kustomizations?limit=500: conversion webhook failed"), "{}", run.stderr);
}

/// `team/app` depends on `platform/base`, which fails; the source of both is in `platform`.
fn two_namespaces() -> Api {
    let kustomization = |namespace: &str, name: &str, reason: &str, message: &str, depends_on: Value| {
        let condition = json!({"type": "Ready", "status": "False", "reason": reason, "message": message,
            "lastTransitionTime": "2026-11-24T06:00:00Z", "observedGeneration": 1});
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": namespace, "generation": 1, "creationTimestamp": "2026-11-24T05:00:00Z"},
            "spec": {"interval": "1h", "prune": true, "dependsOn": depends_on,
                "sourceRef": {"kind": "GitRepository", "name": "fleet", "namespace": "platform"}},
            "status": {"conditions": [condition], "observedGeneration": -1},
        })
    };
    let app = kustomization(
        "team",
        "app",
        "DependencyNotReady",
        "dependency 'platform/base' is not ready",
        json!([{"name": "base", "namespace": "platform"}]),
    );
    let base =
        kustomization("platform", "base", "BuildFailed", "kustomize build failed: no such file", json!([]));
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "fleet", "namespace": "platform", "generation": 1, "creationTimestamp": "2026-11-24T05:00:00Z"},
        "spec": {"interval": "1m", "url": "https://git.example.com/fleet"},
        "status": {"observedGeneration": 1, "artifact": {"revision": "main@sha1:aa", "lastUpdateTime": "2026-11-24T05:10:00Z"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact",
                "lastTransitionTime": "2026-11-24T05:10:00Z", "observedGeneration": 1}]},
    });
    Api::default()
        .with("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations", vec![app, base])
        .with("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", vec![source])
        .with("apps/v1", "Deployment", "deployments", vec![])
        .with("v1", "Event", "events", vec![])
}
