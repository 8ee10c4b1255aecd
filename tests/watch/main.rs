//! `status --watch` against an API server that breaks off, forgets and goes away.
#![cfg(unix)] // signals and terminals are those of Unix
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // tests may; helpers are no test functions to clippy
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start the binary, and serve to it"
)]

mod child;
mod logins;
mod reconcile;
mod rights;
mod server;

use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use child::{Terminal, Watching, fluxlayers, status};
use server::{NOW, Server};

const REVISION: &str = "main@sha1:8c1d22e000000000000000000000000000000000";

fn source() -> Value {
    json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "home", "namespace": "flux", "generation": 1},
        "spec": {"url": "https://git.example/home", "interval": "1m"},
        "status": {"observedGeneration": 1, "artifact": {"revision": REVISION, "url": "http://source/home",
            "lastUpdateTime": "2026-11-24T02:00:00Z", "digest": "sha256:0", "path": "home"},
            "conditions": [condition("True", "Succeeded", "stored artifact")]}})
}

fn condition(status: &str, reason: &str, message: &str) -> Value {
    json!({"type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": 1,
        "lastTransitionTime": "2026-11-24T02:10:00Z"})
}

fn ks(name: &str, depends_on: &[&str], ready: Value) -> Value {
    let entries: Vec<Value> = depends_on.iter().map(|name| json!({"name": name})).collect();
    let failed = ready["status"] != "True";
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux", "generation": 1, "uid": name},
        "spec": {"interval": "10m", "path": format!("./{name}"), "prune": true, "dependsOn": entries,
            "sourceRef": {"kind": "GitRepository", "name": "home"}},
        "status": {"observedGeneration": 1, "lastAttemptedRevision": REVISION,
            "lastAppliedRevision": if failed { Value::Null } else { REVISION.into() }, "conditions": [ready]}})
}

fn ready(name: &str, depends_on: &[&str]) -> Value {
    ks(name, depends_on, condition("True", "ReconciliationSucceeded", "applied"))
}

fn failing(name: &str, depends_on: &[&str]) -> Value {
    ks(name, depends_on, condition("False", "BuildFailed", "kustomize build failed: no such file"))
}

fn waiting(name: &str, depends_on: &[&str]) -> Value {
    ks(name, depends_on, condition("False", "DependencyNotReady", "dependency is not ready"))
}

/// infra, apps behind it, web behind apps; all ready.
fn home() -> [Value; 4] {
    [source(), ready("infra", &[]), ready("apps", &["infra"]), ready("web", &["apps"])]
}

fn document(line: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/status.v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let document: Value = serde_json::from_str(line).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    document
}

#[test]
fn a_pipe_gets_the_verdict_and_then_one_line_a_change() {
    let server = Server::start(home());
    let args = ["--now", "2026-11-24T02:12:00Z"]; // two minutes after the conditions
    let watching = Watching::start(&server, &args);
    assert_eq!(watching.line(), status(&server, &args).0.lines().next().unwrap());

    server.put(failing("infra", &[]));
    assert_eq!(
        watching.change(),
        "✗ infra  BuildFailed  blocks 0  The manifests cannot be built: no such file"
    );
    assert_eq!(watching.change(), "ks/flux/infra  Ready -> Failed  BuildFailed");
    server.put(waiting("apps", &["infra"]));
    assert_eq!(watching.change(), "ks/flux/apps  Ready -> Blocked  by infra");
    server.put(ready("new", &[]));
    assert_eq!(watching.change(), "ks/flux/new  new -> Ready  main@8c1d22e");
    server.delete(&ready("new", &[]));
    assert_eq!(watching.change(), "ks/flux/new  Ready -> gone");
    server.put(ready("infra", &[]));
    assert_eq!(watching.change(), "ks/flux/apps  Blocked -> Progressing");
    assert_eq!(watching.change(), "ks/flux/infra  Failed -> Ready  main@8c1d22e");
    assert_eq!(watching.change(), "✔ infra  BuildFailed  gone");
    assert_eq!(watching.interrupt(), (vec![], 130));
}

#[test]
fn json_has_one_document_a_change_and_the_last_one_is_that_of_a_fresh_look() {
    let server = Server::start(home());
    let args = ["-o", "json", "--now", NOW];
    let watching = Watching::start(&server, &args);
    let fresh = || serde_json::from_str::<Value>(&status(&server, &args).0).unwrap();
    assert_eq!(document(&watching.line()), fresh());

    server.put(failing("infra", &[]));
    let seen = document(&watching.line());
    assert_eq!(seen["rootCauses"][0]["code"], "BuildFailed");
    // From now on something fails, and Events are followed as well.
    server.await_asked(2, &["/events?watch=true"]);
    server.put(json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "BuildFailed",
        "metadata": {"name": "infra.1", "namespace": "flux", "uid": "event-1"}, "message": "kustomize build failed",
        "involvedObject": {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "namespace": "flux", "name": "infra"},
        "firstTimestamp": "2026-11-24T01:30:00Z", "lastTimestamp": "2026-11-24T02:10:00Z"}));
    let seen = document(&watching.line());
    assert_eq!(seen["rootCauses"][0]["since"], "2026-11-24T01:30:00Z", "the Event tells when it began");
    assert_eq!(seen, fresh());
    assert_eq!(watching.interrupt(), (vec![], 130));
}

#[test]
fn a_page_that_answers_with_200_is_no_watch() {
    let mut server = Server::start(home());
    let watching = Watching::start(&server, &[]);
    watching.line();
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.stop();
    assert!(watching.error().starts_with("warning: connection lost"));
    server.stands_behind_a_page();
    server.start_again();
    let said = watching.error();
    assert!(said.contains("did not answer as a Kubernetes API server") && said.contains("text/html"), "{said}");
    assert_eq!(watching.interrupt().1, 130);
}

#[test]
fn yaml_documents_are_told_apart() {
    let server = Server::start(home());
    let watching = Watching::start(&server, &["-o", "yaml"]);
    assert_eq!(watching.line(), "---");
    let (rest, _) = {
        server.put(failing("infra", &[]));
        while watching.line() != "---" {}
        watching.interrupt()
    };
    assert!(rest.iter().any(|line| line.contains("BuildFailed")), "{rest:?}");
}

#[test]
fn filters_narrow_what_is_told() {
    let server = Server::start(home());
    let watching = Watching::start(&server, &["apps"]);
    assert_eq!(watching.line(), status(&server, &["apps"]).0.lines().next().unwrap());
    server.put(waiting("web", &["apps"]));
    server.put(failing("apps", &["infra"]));
    assert_eq!(watching.change(), "✗ apps  BuildFailed  blocks 1  The manifests cannot be built: no such file");
    assert_eq!(watching.change(), "ks/flux/apps  Ready -> Failed  BuildFailed");
    server.delete(&failing("apps", &[]));
    let mut told = vec![watching.change(), watching.change()];
    told.sort();
    assert!(told.contains(&"ks/flux/apps  Failed -> Missing".to_owned()), "{told:?}");
    assert_eq!(watching.interrupt().1, 130);
}

#[test]
fn a_watch_that_is_too_old_reads_its_list_again_and_tells_nothing_twice() {
    let server = Server::start(home());
    let watching = Watching::start(&server, &[]);
    watching.line();
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.await_asked(1, &["/gitrepositories?watch=true"]);
    server.expire("kustomizations", |unseen| {
        unseen.delete(&ready("web", &[]));
        unseen.put(ready("late", &[]));
    });
    assert_eq!(watching.change(), "ks/flux/late  new -> Ready  main@8c1d22e");
    assert_eq!(watching.change(), "ks/flux/web  Ready -> gone");
    server.await_asked(2, &["/kustomizations?watch=true"]);
    server.put(ready("later", &[]));
    assert_eq!(watching.change(), "ks/flux/later  new -> Ready  main@8c1d22e");
    assert_eq!(server.asked(&["/kustomizations?limit"]), 2, "read once more, and only once");
    assert_eq!(server.asked(&["/gitrepositories?limit"]), 1, "what did not expire was not read again");
    assert_eq!(watching.interrupt(), (vec![], 130));
}

#[test]
fn an_event_that_breaks_off_in_its_line_is_told_once_by_the_next_watch() {
    let server = Server::start(home());
    let watching = Watching::start(&server, &[]);
    watching.line();
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.cut_next("kustomizations");
    server.put(failing("web", &["apps"]));
    assert_eq!(watching.change(), "✗ web  BuildFailed  blocks 0  The manifests cannot be built: no such file");
    assert_eq!(watching.change(), "ks/flux/web  Ready -> Failed  BuildFailed");
    assert_eq!(server.asked(&["/kustomizations?watch=true"]), 2);
    assert_eq!(server.asked(&["/kustomizations?limit"]), 1, "nothing was read again");
    assert_eq!(watching.interrupt(), (vec![], 130));
}

#[test]
fn a_server_that_was_away_is_caught_up_with() {
    for forgets in [false, true] {
        let mut server = Server::start(home());
        let watching = Watching::start(&server, &[]);
        watching.line();
        server.await_asked(1, &["/kustomizations?watch=true"]);
        server.stop();
        let said = watching.error();
        assert!(
            said.starts_with("warning: connection lost, last heard of it 02:41:0")
                && said.contains(", trying again: cannot reach http://127.0.0.1:"),
            "{said}"
        );
        server.delete(&ready("web", &[]));
        server.put(failing("infra", &[]));
        if forgets {
            server.compact();
        }
        server.start_again();
        assert_eq!(watching.error(), "note: connection is back");
        let mut told = vec![watching.change(), watching.change(), watching.change()];
        told.sort();
        assert_eq!(
            told,
            [
                "ks/flux/infra  Ready -> Failed  BuildFailed",
                "ks/flux/web  Ready -> gone",
                "✗ infra  BuildFailed  blocks 0  The manifests cannot be built: no such file",
            ]
        );
        let lists = server.asked(&["/kustomizations?limit"]);
        assert_eq!(lists, if forgets { 2 } else { 1 }, "read again only where it must");
        assert_eq!(watching.interrupt(), (vec![], 130));
    }
}

#[test]
fn one_namespace_that_may_be_read_is_followed() {
    let server = Server::start(home());
    server.only_in("flux");
    let args = ["-n", "flux", "-o", "json", "--now", NOW];
    let watching = Watching::start(&server, &args);
    let fresh = || serde_json::from_str::<Value>(&status(&server, &args).0).unwrap();
    let first = document(&watching.line());
    assert_eq!((&first["complete"], &first), (&Value::Bool(false), &fresh()));
    server.put(failing("infra", &[]));
    assert_eq!(document(&watching.line()), fresh());
    server.await_asked(1, &["/namespaces/flux/kustomizations?watch=true"]);
    assert_eq!(watching.interrupt(), (vec![], 130));
}

#[test]
fn nobody_is_told_when_nobody_reads() {
    let server = Server::start(home());
    let mut child = child::start(&server, &["-o", "json"]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    server.put(failing("infra", &[]));
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 1)));
}

#[test]
fn what_cannot_be_followed_is_a_usage_error() {
    for (args, said) in [
        (vec!["--demo"], "--watch follows a cluster: leave --demo away"),
        (vec!["--from", "x.yaml"], "--watch follows a cluster: leave --from away"),
        (vec!["--repo", ".", "--offline"], "--watch follows a cluster: leave --offline away"),
        (vec!["-o", "name"], "--watch tells changes, and -o name has no words for them"),
    ] {
        let output = fluxlayers(&["status", "-w"]).args(&args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().next()), (Some(2), Some(&*format!("error: {said}"))));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_object_that_is_not_there_is_no_answer() {
    let server = Server::start(home());
    let (_, code) = Watching::start(&server, &["nonesuch"]).end();
    assert_eq!(code, 2);
}

/// The alternate screen, without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

#[test]
fn a_terminal_is_drawn_in_place_and_given_back() {
    let mut server = Server::start(home());
    let mut terminal = Terminal::new(80, 24);
    assert!(terminal.echoes());
    let mut child = terminal.start(&server, &["--color", "never"]);
    assert_eq!(terminal.await_text(ENTER), ENTER);
    let first = terminal.await_text("\n\x1b[J");
    assert!(first.contains("✔ all 3 Kustomizations ready"), "{first:?}");
    assert!(!terminal.echoes(), "a key would stand in the picture");

    server.put(failing("infra", &[]));
    terminal.await_text("\x1b[H✗ 1 root cause, 2 ready of 3 Kustomizations");
    terminal.await_text("\n\x1b[J");

    terminal.resize(80, 4);
    child.signal("WINCH");
    let small = terminal.await_text("more lines\x1b[K");
    let last = small.rsplit("\x1b[H").next().unwrap();
    assert_eq!(last.matches('\n').count(), 3, "{last:?}");
    terminal.resize(80, 24);
    child.signal("WINCH");
    terminal.await_text("\n\x1b[J");

    server.stop();
    terminal.await_text("⚠ connection lost, last heard 02:41:");
    server.start_again();
    let found = terminal.await_text("\x1b[H✗ 1 root cause, 2 ready of 3 Kustomizations");
    assert!(found.contains("cannot reach"), "{found:?}");
    terminal.await_text("\n\x1b[J");

    child.signal("INT");
    assert_eq!(terminal.await_text(LEAVE).replace(LEAVE, ""), "", "nothing is drawn any more");
    assert_eq!(child.code(), Some(130));
    assert!(terminal.echoes());
}

#[test]
fn a_terminal_is_given_back_while_the_command_steps_aside_and_whatever_ends_it() {
    let server = Server::start(home());
    let mut terminal = Terminal::new(80, 24);
    let mut child = terminal.start(&server, &[]);
    terminal.await_text(ENTER);
    child.signal("TSTP");
    terminal.await_text(LEAVE);
    child.await_stop();
    child.signal("CONT");
    terminal.await_text(ENTER);
    terminal.await_text("all 3 Kustomizations ready");
    child.signal("TERM");
    terminal.await_text(LEAVE);
    assert_eq!(child.code(), Some(143));
}

/// What `/proc` says of a process: resident memory in KiB, and processor time in hundredths of a second.
#[cfg(target_os = "linux")]
fn usage(process: u32) -> (u64, u64) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let status = read("status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident = resident.trim().split(' ').next().unwrap().parse().unwrap();
    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (resident, fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap())
}

/// Prints what it takes; for as many minutes as `MINUTES` says, else two.
#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes minutes"]
fn a_long_watch_of_many_changes_stays_small_and_ends_with_the_truth() {
    let minutes: u64 = std::env::var("MINUTES").map_or(2, |minutes| minutes.parse().unwrap());
    let name = |number: u64| format!("app-{number:03}");
    let all = (0..500).map(|number| match number % 10 {
        0 => ready(&name(number), &[]),
        _ => ready(&name(number), &[&name(number - 1)]),
    });
    let server = Server::start([source()].into_iter().chain(all));
    let args = ["-o", "json", "--now", NOW];
    let documents = Watching::start(&server, &args);
    let mut terminal = Terminal::new(80, 24);
    let mut drawn = terminal.start(&server, &[]);
    terminal.await_text(ENTER);
    let end = terminal.drain();
    documents.line();
    let mut first = None;
    for turn in 0..minutes * 60 * 20 {
        let number = turn * 7 % 500;
        let entries: Vec<String> = if number % 10 == 0 { vec![] } else { vec![name(number - 1)] };
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        server.put(match turn / 500 % 3 {
            0 => failing(&name(number), &entries),
            1 => waiting(&name(number), &entries),
            _ => ready(&name(number), &entries),
        });
        server.put(json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "BuildFailed",
            "metadata": {"name": format!("{number}.{turn}"), "namespace": "flux", "uid": format!("event-{turn}")},
            "message": format!("run {turn} has failed"),
            "involvedObject": {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "namespace": "flux", "name": name(number)},
            "firstTimestamp": "2026-11-24T02:20:00Z", "lastTimestamp": "2026-11-24T02:20:00Z"}));
        std::thread::sleep(std::time::Duration::from_millis(50)); // the pace is what is measured
        if turn % 200 == 199 {
            let used = [usage(documents.id()), usage(drawn.id())];
            println!("{:4} s  RSS KiB and CPU s/100: {used:?}", turn / 20);
            first.get_or_insert(used);
        }
    }
    let fresh = || serde_json::from_str::<Value>(&status(&server, &args).0).unwrap();
    let last = fresh();
    while serde_json::from_str::<Value>(&documents.line()).unwrap() != last {} // never ends where it is never reached
    let (first, used) = (first.unwrap(), [usage(documents.id()), usage(drawn.id())]);
    for (first, last) in first.iter().zip(&used) {
        assert!(last.0 < first.0 * 3 / 2, "memory grows from {} to {} KiB", first.0, last.0);
    }
    drawn.signal("INT");
    assert_eq!(drawn.code(), Some(130));
    end.join().unwrap();
}
