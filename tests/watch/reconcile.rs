//! `reconcile` and `wait` against an API server whose controllers are the test.

use serde_json::{Value, json};

use super::child::Watching;
use super::server::Server;
use super::{condition, ks, waiting};

const OLD: &str = "main@sha1:8c1d22e000000000000000000000000000000000";
const NEW: &str = "main@sha1:a41f9c3000000000000000000000000000000000";
const TOKEN: &str = "reconcile.fluxcd.io/requestedAt";

/// A source at the new revision.
fn source() -> Value {
    let mut source = super::source();
    source["status"]["artifact"]["revision"] = NEW.into();
    source
}

/// An object that is ready at this revision.
fn at(revision: &str, name: &str, depends_on: &[&str]) -> Value {
    let mut object = ks(name, depends_on, condition("True", "ReconciliationSucceeded", "applied"));
    object["status"]["lastAppliedRevision"] = revision.into();
    object["status"]["lastAttemptedRevision"] = revision.into();
    object
}

/// What a controller makes of an object that was asked.
fn handled(mut object: Value, token: &str, revision: &str, ready: Value) -> Value {
    object["status"]["lastHandledReconcileAt"] = token.into();
    object["status"]["lastAttemptedRevision"] = revision.into();
    if ready["status"] == "True" {
        object["status"]["lastAppliedRevision"] = revision.into();
    }
    object["status"]["conditions"] = json!([ready]);
    object
}

/// Waits until an object is asked for the so many-th time, and runs it well.
fn bring_up(server: &Server, number: usize, name: &str) {
    let (object, token) = server.await_patched(number, name);
    server.put(handled(object, &token, NEW, condition("True", "ReconciliationSucceeded", "applied")));
}

/// Waits until an object is asked, and fails it.
fn break_down(server: &Server, name: &str) {
    let (object, token) = server.await_patched(1, name);
    let failure = condition("False", "BuildFailed", "kustomize build failed: no such file\n");
    server.put(handled(object, &token, NEW, failure));
}

/// Waits until the source is asked, and has it found nothing new.
fn fetch(server: &Server) {
    let (mut object, token) = server.await_patched(1, "home");
    object["status"]["lastHandledReconcileAt"] = token.into();
    server.put(object);
}

fn home() -> [Value; 4] {
    [source(), at(OLD, "infra", &[]), at(OLD, "apps", &["infra"]), at(OLD, "web", &["apps"])]
}

/// Names of what was patched, in order; a second try of the same request is no second request.
fn asked(server: &Server) -> Vec<String> {
    let mut tokens = std::collections::BTreeSet::new();
    let written = server.written().into_iter().filter(|(method, ..)| method == "PATCH");
    let new = written.filter(|(_, path, body)| {
        tokens.insert((path.clone(), body["metadata"]["annotations"][TOKEN].as_str().unwrap().to_owned()))
    });
    new.map(|(_, path, _)| path.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

/// Everything that was said, without how long it took.
fn told(lines: &[String]) -> Vec<String> {
    let word =
        |word: &str| if word.ends_with('s') && word[..1].parse::<u8>().is_ok() { "…" } else { word }.to_owned();
    lines.iter().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn each_object_is_asked_when_its_dependencies_are_done_and_nothing_but_annotations_is_written() {
    let server = Server::start(home());
    let running = Watching::run(&server, &["reconcile", "--ordered"]);
    fetch(&server);
    for name in ["infra", "apps", "web"] {
        bring_up(&server, 1, name);
    }
    let (lines, code) = running.end();
    assert_eq!(code, 0, "{lines:?}");
    assert_eq!(asked(&server), ["home", "infra", "apps", "web"]);
    assert_eq!(
        told(&lines),
        [
            "► gitrepo/flux/home asked",
            "✔ gitrepo/flux/home fetched main@a41f9c3 in …",
            "► infra asked",
            "✔ infra applied main@a41f9c3 in …",
            "► apps asked",
            "✔ apps applied main@a41f9c3 in …",
            "► web asked",
            "✔ web applied main@a41f9c3 in …",
            &format!("✔ 3 brought up in …  {}", server.url()),
        ]
    );
    for (method, path, body) in server.written() {
        if method == "PATCH" {
            assert!(path.ends_with("?fieldManager=fluxlayers"), "{path}");
            let token = body["metadata"]["annotations"][TOKEN].as_str().unwrap();
            assert_eq!(body, json!({"metadata": {"annotations": {TOKEN: token}}}));
        } else {
            assert!(path.ends_with("/selfsubjectaccessreviews"), "{method} {path}");
        }
    }
}

#[test]
fn what_is_ready_at_the_newest_revision_is_not_touched() {
    let server = Server::start([source(), at(NEW, "infra", &[]), at(OLD, "apps", &["infra"])]);
    let running = Watching::run(&server, &["reconcile", "--ordered"]);
    fetch(&server);
    bring_up(&server, 1, "apps");
    let (lines, code) = running.end();
    assert_eq!((code, asked(&server)), (0, vec!["home".to_owned(), "apps".to_owned()]), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("✔ 1 brought up, 1 up already in "), "{lines:?}");
}

#[test]
fn a_failure_stops_its_branch_alone_and_is_explained() {
    let server = Server::start([
        source(),
        at(OLD, "infra", &[]),
        at(OLD, "apps", &["infra"]),
        at(OLD, "web", &["apps"]),
        at(OLD, "other", &[]),
    ]);
    let running = Watching::run(&server, &["reconcile", "--ordered"]);
    fetch(&server);
    break_down(&server, "infra");
    bring_up(&server, 1, "other");
    let (lines, code) = running.end();
    assert_eq!(code, 1, "{lines:?}");
    let mut names = asked(&server);
    names.sort();
    assert_eq!(names, ["home", "infra", "other"]);
    let text = lines.join("\n");
    for line in [
        "with BuildFailed: kustomize build failed: no such file",
        "⚠ skipped, behind infra: apps, web",
        "✗ 1 failed, 2 skipped, 1 brought up in ",
        "✗ infra  BuildFailed  blocks ",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn a_request_whose_answer_is_lost_is_not_made_twice() {
    let server = Server::start([source(), at(OLD, "infra", &[])]);
    server.leave_unanswered(1);
    let running = Watching::run(&server, &["reconcile", "--ordered", "--with-source=false"]);
    bring_up(&server, 1, "infra");
    let (lines, code) = running.end();
    assert_eq!(code, 0, "{lines:?}");
    let tokens: std::collections::BTreeSet<String> = server
        .written()
        .into_iter()
        .filter(|(method, ..)| method == "PATCH")
        .map(|(.., body)| body["metadata"]["annotations"][TOKEN].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tokens.len(), 1, "a second try is the same request");
}

#[test]
fn a_busy_server_is_asked_again() {
    for status in [409, 429, 500, 503] {
        let server = Server::start([source(), at(OLD, "infra", &[])]);
        server.refuse(2, status);
        let running = Watching::run(&server, &["reconcile", "--ordered", "--with-source=false"]);
        bring_up(&server, 3, "infra");
        let (lines, code) = running.end();
        assert_eq!(code, 0, "{status}: {lines:?}");
    }
}

#[test]
fn without_the_right_to_patch_nothing_is_asked() {
    let server = Server::start(home());
    server.forbid_patches("kustomizations");
    let running = Watching::run(&server, &["reconcile", "--ordered"]);
    assert_eq!(
        running.error(),
        "error: no right to patch Kustomization flux/infra: nothing was asked (no role)"
    );
    assert_eq!(running.end(), (vec![], 2));
    assert_eq!(asked(&server), Vec::<String>::new());
}

#[test]
fn a_lost_server_is_waited_for_and_nothing_is_asked_twice() {
    let mut server = Server::start(home());
    let running = Watching::run(&server, &["reconcile", "--ordered", "--with-source=false"]);
    let (object, token) = server.await_patched(1, "infra");
    server.stop();
    assert!(running.error().starts_with("warning: connection lost, last heard of it "));
    server.put(handled(object, &token, NEW, condition("True", "ReconciliationSucceeded", "applied")));
    server.start_again();
    for name in ["apps", "web"] {
        bring_up(&server, 1, name);
    }
    let (lines, code) = running.end();
    assert_eq!((code, asked(&server)), (0, ["infra", "apps", "web"].map(str::to_owned).to_vec()), "{lines:?}");
}

#[test]
fn ctrl_c_ends_with_what_was_done_and_what_goes_on() {
    let server = Server::start(home());
    let running = Watching::run(&server, &["reconcile", "--ordered", "--with-source=false"]);
    bring_up(&server, 1, "infra");
    server.await_patched(1, "apps");
    while running.line() != "► apps asked" {}
    let (lines, code) = running.interrupt();
    assert_eq!(code, 130, "{lines:?}");
    let text = lines.join("\n");
    for line in [
        "◎ going on inside the cluster: apps",
        "not asked: web",
        "✗ stopped: 1 left running, 1 not asked, 1 brought up in ",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn wait_asks_nothing_and_ends_when_all_are_up() {
    let server = Server::start([source(), at(NEW, "infra", &[]), at(OLD, "apps", &["infra"])]);
    let running = Watching::run(&server, &["wait"]);
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.put(at(NEW, "apps", &["infra"]));
    let (lines, code) = running.end();
    assert_eq!((code, server.written()), (0, vec![]), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("✔ 1 came up, 1 up already in "), "{lines:?}");
}

#[test]
fn wait_fails_at_once_with_the_cause() {
    let server = Server::start([source(), at(OLD, "infra", &[]), at(OLD, "apps", &["infra"])]);
    let running = Watching::run(&server, &["wait", "apps"]);
    server.await_asked(1, &["/kustomizations?watch=true"]);
    let failure = condition("False", "BuildFailed", "kustomize build failed: no such file");
    server.put(handled(at(OLD, "infra", &[]), "", NEW, failure));
    let (lines, code) = running.end();
    assert_eq!(code, 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("infra  BuildFailed")), "{lines:?}");
}

#[test]
fn a_revision_is_waited_for_where_its_source_is_used_and_elsewhere_ready_will_do() {
    let mut other = source();
    other["metadata"]["name"] = "tools".into();
    other["status"]["artifact"]["revision"] = OLD.into();
    let mut tool = at(OLD, "tool", &[]);
    tool["spec"]["sourceRef"]["name"] = "tools".into();
    let server = Server::start([source(), other, tool, at(OLD, "infra", &[])]);
    let running = Watching::run(&server, &["wait", "--revision", "a41f9c3000"]);
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.put(at(NEW, "infra", &[]));
    let (lines, code) = running.end();
    assert_eq!(code, 0, "{lines:?}");

    let unknown = Watching::run(&server, &["wait", "--revision", "0123456789"]);
    assert_eq!(unknown.error(), "error: 0123456789 is a revision of which source: flux/home or flux/tools?");
    assert_eq!(unknown.end().1, 2);
}

#[test]
fn what_is_skipped_behind_is_explained_when_the_time_is_up() {
    let mut broken = source();
    broken["status"]["conditions"] =
        json!([condition("False", "GitOperationFailed", "failed to checkout: authentication required")]);
    let server = Server::start([broken, at(OLD, "infra", &[]), at(OLD, "apps", &["infra"])]);
    let running = Watching::run(&server, &["wait", "--revision", "0123456789", "--timeout", "1s"]);
    let (lines, code) = running.end();
    assert_eq!(code, 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("authentication required")), "{lines:?}");
}

#[test]
fn what_is_up_and_hit_by_a_cause_all_the_same_is_not_good() {
    // a cycle beside it; what is waited for is ready
    let ring = |name: &str, other: &str| waiting(name, &[other]);
    let server = Server::start([source(), at(NEW, "infra", &[]), ring("a", "b"), ring("b", "a")]);
    let good = Watching::run(&server, &["wait", "infra"]).end();
    assert_eq!(good.1, 0, "{good:?}");
    let (lines, code) = Watching::run(&server, &["wait"]).end();
    assert_eq!(code, 1, "{lines:?}");
    let told = lines.iter().filter(|line| line.contains("DependencyCycle")).count();
    assert_eq!(told, 1, "one cause, once: {lines:?}");
    let (lines, code) = Watching::run(&server, &["wait", "-o", "json"]).end();
    let summary: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!((code, &summary["summary"]["good"]), (1, &json!(false)), "{summary}");
}

#[test]
fn every_line_of_json_fits_the_schema_and_the_last_one_sums_up() {
    let server = Server::start(home());
    let running = Watching::run(&server, &["reconcile", "--ordered", "-o", "json"]);
    fetch(&server);
    break_down(&server, "infra");
    let (lines, code) = running.end();
    assert_eq!(code, 1);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/reconcile.v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let documents: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for document in &documents {
        assert!(validator.is_valid(document), "{document}");
    }
    let failed = documents.iter().find(|document| document["event"] == "failed").unwrap();
    assert_eq!((&failed["name"], &failed["cause"]["code"]), (&json!("infra"), &json!("BuildFailed")));
    let summary = &documents.last().unwrap()["summary"];
    assert_eq!(
        (&summary["failed"], &summary["skipped"], &summary["good"]),
        (&json!(1), &json!(2), &json!(false))
    );
    assert_eq!(summary["rootCauses"][0]["code"], "BuildFailed");
}
