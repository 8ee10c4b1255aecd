//! `reconcile --ordered` and `wait` with real controllers: what was asked when is read from the API server's audit log.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::alone::with_example;
use super::steps::config_map;
use crate::harness::{Answer, Bench, Scene, Write, condition};

/// How a write of ours is known from those of the controllers.
const AGENT: &str = "fluxlayers/";

/// `a → b → c …`: Kustomizations of one repository, each behind the one before.
pub(crate) fn apply_chain(scene: &Scene<'_>, names: &[&str]) -> Result<()> {
    for (at, name) in names.iter().enumerate() {
        let before: Vec<Value> = names[..at].last().map(|before| json!({"name": before})).into_iter().collect();
        let object =
            json!({"kind": "Kustomization", "metadata": {"name": name}, "spec": {"dependsOn": before}});
        scene.repository.write(&format!("{name}/cm.yaml"), &config_map(&scene.name, name))?;
        scene.apply(&object.to_string())?;
    }
    Ok(())
}

/// Pushes, and waits until these are ready for the first time.
fn come_up(scene: &Scene<'_>, names: &[&str]) -> Result<()> {
    scene.publish()?;
    for name in names {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    Ok(())
}

/// Pushes a commit that changes every path a little; its revision.
pub(crate) fn change(scene: &Scene<'_>, names: &[&str], value: &str) -> Result<String> {
    for name in names {
        let text = config_map(&scene.name, name).replace("k: v", &format!("k: {value}"));
        scene.repository.write(&format!("{name}/cm.yaml"), &text)?;
    }
    Ok(format!("main@sha1:{}", scene.repository.push(value)?))
}

/// The documents of an answer, a line each; the last one is the summary.
fn documents(answer: &Answer) -> Result<(Vec<Value>, Value)> {
    let mut documents: Vec<Value> = answer
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    let summary = documents.pop().context("nothing was said")?;
    ensure!(summary["event"] == "summary", "{summary}");
    Ok((documents, summary["summary"].clone()))
}

/// The names of the objects that an event was told of, in order, and why.
fn told<'a>(documents: &'a [Value], event: &str) -> Vec<(&'a str, &'a str)> {
    let of = documents.iter().filter(|document| document["event"] == event);
    let text = |document: &'a Value, field: &str| document[field].as_str().unwrap_or_default();
    of.map(|document| (text(document, "name"), text(document, "reason"))).collect()
}

/// What we wrote, by object: when each request was made.
fn asked(writes: &[Write]) -> BTreeMap<String, Vec<String>> {
    let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for write in writes.iter().filter(|write| write.agent.starts_with(AGENT)) {
        asked.entry(format!("{}/{}", write.plural, write.name)).or_default().push(write.received.clone());
    }
    asked
}

/// When a controller wrote that an object is ready at this revision, at last before `then`.
fn ready_before(writes: &[Write], name: &str, revision: &str, then: &str) -> bool {
    let of = writes.iter().filter(|write| {
        write.is_status && write.plural == "kustomizations" && write.name.ends_with(&format!("/{name}"))
    });
    of.filter(|write| write.received.as_str() < then)
        .any(|write| write.body["status"]["lastAppliedRevision"] == revision)
}

/// Every request of ours came after the controllers had written that what it depends on has applied the revision, and
/// nothing but the three annotations was written.
fn in_order(scene: &Scene<'_>, names: &[&str], revision: &str, since: &str) -> Result<()> {
    let writes: Vec<Write> =
        scene.writes()?.into_iter().filter(|write| write.received.as_str() >= since).collect();
    let asked = asked(&writes);
    for write in writes.iter().filter(|write| write.agent.starts_with(AGENT)) {
        let annotations = write.body["metadata"]["annotations"].as_object().context("no annotations")?;
        let ours = ["requestedAt", "forceAt", "resetAt"].map(|name| format!("reconcile.fluxcd.io/{name}"));
        ensure!(
            annotations.keys().all(|name| ours.contains(name))
                && write.body == json!({"metadata": {"annotations": annotations}}),
            "{}",
            write.body
        );
    }
    for pair in names.windows(2) {
        let [before, name] = pair else { continue };
        let Some(times) = asked.get(&format!("kustomizations/{}/{name}", scene.name)) else { continue };
        for time in times {
            ensure!(
                ready_before(&writes, before, revision, time),
                "{name} was asked at {time}, before {before} was at {revision}"
            );
        }
    }
    Ok(())
}

/// The API server's present, as the audit log writes it.
fn now(scene: &Scene<'_>) -> Result<String> {
    let writes = scene.writes()?;
    Ok(writes.last().map(|write| format!("{}~", write.received)).unwrap_or_default())
}

/// Every one of these is ready at this revision.
fn all_at(scene: &Scene<'_>, names: &[&str], revision: &str) -> Result<()> {
    for name in names {
        let object = scene.api.get(&scene.own(&format!("Kustomization/{name}")))?.context("gone")?;
        ensure!(
            object["status"]["lastAppliedRevision"] == revision
                && condition(&object, "Ready").is_some_and(|(status, _)| status == "True"),
            "{name}: {}",
            object["status"]
        );
    }
    Ok(())
}

const CHAIN: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A chain of eight after a push: in order, each asked at most once, and a second run touches nothing.
pub(crate) fn ordered(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered")?;
    apply_chain(&scene, &CHAIN)?;
    come_up(&scene, &CHAIN)?;
    let since = now(&scene)?;
    let revision = change(&scene, &CHAIN, "two")?;
    let answer = scene.run(&["reconcile", "--ordered", "-n", "ordered", "-o", "json"])?;
    ensure!(answer.code == 0, "{answer:?}");
    let (_, summary) = documents(&answer)?;
    ensure!(
        summary["good"] == true
            && summary["done"].as_u64().unwrap_or(0) + summary["leftAlone"].as_u64().unwrap_or(0) == 8,
        "{summary}"
    );
    all_at(&scene, &CHAIN, &revision)?;
    in_order(&scene, &CHAIN, &revision, &since)?;
    for (object, times) in asked(&scene.writes()?) {
        ensure!(times.len() <= 2, "{object} was asked {} times: {times:?}", times.len());
    }

    let since = now(&scene)?;
    let again = scene.run(&["reconcile", "--ordered", "-n", "ordered", "-o", "json"])?;
    let (_, summary) = documents(&again)?;
    ensure!(again.code == 0 && summary["leftAlone"] == 8, "{summary}");
    let writes: Vec<Write> = scene.writes()?.into_iter().filter(|write| write.received > since).collect();
    let touched: Vec<String> = asked(&writes).into_keys().collect();
    ensure!(touched == ["gitrepositories/ordered/repo"], "nothing but the source: {touched:?}");
    Ok(())
}

/// Three branches of two; the first object of one does not build any more. The other branches come up.
pub(crate) fn ordered_branches(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered-branches")?;
    let branches = [["a1", "a2"], ["b1", "b2"], ["c1", "c2"]];
    for branch in &branches {
        apply_chain(&scene, branch)?;
    }
    come_up(&scene, &branches.concat())?;
    scene.repository.write("b1/kustomization.yaml", "resources: [cm.yaml, absent.yaml]\n")?;
    let revision = change(&scene, &branches.concat(), "two")?;
    let answer = scene.run(&["reconcile", "--ordered", "-n", "ordered-branches", "-o", "json"])?;
    ensure!(answer.code == 1, "{answer:?}");
    let (told_of, summary) = documents(&answer)?;
    all_at(&scene, &["a1", "a2", "c1", "c2"], &revision)?;
    ensure!(told(&told_of, "failed") == [("b1", "BuildFailed")], "{told_of:?}");
    ensure!(told(&told_of, "skipped") == [("b2", "Behind")], "{told_of:?}");
    let causes = summary["rootCauses"].as_array().context("no causes")?;
    ensure!(
        causes.len() == 1 && causes[0]["code"] == "BuildFailed" && causes[0]["object"]["name"] == "b1",
        "{summary}"
    );
    let words = scene.run(&["reconcile", "b2", "--ordered", "-n", "ordered-branches"])?;
    ensure!(words.code == 1, "{words:?}");
    for said in ["b1 failed", "skipped, behind b1: b2", "b1  BuildFailed", "absent.yaml"] {
        ensure!(words.stdout.contains(said), "no `{said}` in {}", words.stdout);
    }
    Ok(())
}

/// A suspended dependency, a missing one and a cycle: refused, and not touched.
pub(crate) fn ordered_refused(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered-refused")?;
    apply_chain(&scene, &["up"])?;
    come_up(&scene, &["up"])?;
    for (name, before, suspend) in [
        ("asleep", vec![], true),
        ("behind-asleep", vec!["asleep"], false),
        ("behind-nothing", vec!["nothing"], false),
        ("ring-a", vec!["ring-b"], false),
        ("ring-b", vec!["ring-a"], false),
        ("behind-ring", vec!["ring-a"], false),
    ] {
        let before: Vec<Value> = before.iter().map(|name| json!({"name": name})).collect();
        let spec = json!({"dependsOn": before, "suspend": suspend, "path": "./up"});
        scene.apply(&json!({"kind": "Kustomization", "metadata": {"name": name}, "spec": spec}).to_string())?;
    }
    let answer = scene.run(&["reconcile", "--ordered", "-n", "ordered-refused", "-o", "json"])?;
    ensure!(answer.code == 1, "{answer:?}");
    let (told_of, _) = documents(&answer)?;
    let mut skipped = told(&told_of, "skipped");
    skipped.sort_unstable();
    ensure!(
        skipped
            == [
                ("asleep", "Suspended"),
                ("behind-asleep", "Behind"),
                ("behind-nothing", "Missing"),
                ("behind-ring", "Cycle"),
                ("ring-a", "Cycle"),
                ("ring-b", "Cycle"),
            ],
        "{skipped:?}"
    );
    let touched: Vec<String> = asked(&scene.writes()?).into_keys().collect();
    ensure!(touched == ["gitrepositories/ordered-refused/repo"], "{touched:?}");
    Ok(())
}

/// Who may read and not patch is told so, and nothing is asked.
pub(crate) fn ordered_rights(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered-rights")?;
    apply_chain(&scene, &["a", "b"])?;
    come_up(&scene, &["a", "b"])?;
    for object in [
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "tenants"}]}),
    ] {
        scene.apply(&object.to_string())?;
    }
    change(&scene, &["a", "b"], "two")?;
    let answer = scene.run_as("tenant", &["reconcile", "--ordered", "-n", "ordered-rights"])?;
    ensure!(answer.code == 2 && answer.stdout.is_empty(), "{answer:?}");
    ensure!(answer.stderr.starts_with("error: no right to patch "), "{}", answer.stderr);
    ensure!(answer.stderr.contains("nothing was asked"), "{}", answer.stderr);
    ensure!(asked(&scene.writes()?).is_empty(), "something was asked");
    Ok(())
}

/// Two at the same time: each waits for the truth, not for its own token alone.
pub(crate) fn ordered_twice(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered-twice")?;
    apply_chain(&scene, &CHAIN)?;
    come_up(&scene, &CHAIN)?;
    let revision = change(&scene, &CHAIN, "two")?;
    let arguments = ["reconcile", "--ordered", "-n", "ordered-twice", "-o", "json"];
    let both = [scene.start(&arguments)?, scene.start(&arguments)?];
    for child in both {
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        all_at(&scene, &CHAIN, &revision)?; // whoever ends says the truth
    }
    Ok(())
}

/// Ctrl-C while the second of three waits for what never comes: a report, and nothing is left but annotations.
pub(crate) fn ordered_interrupted(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered-interrupted")?;
    let names = ["a", "b", "c"];
    apply_chain(&scene, &names)?;
    come_up(&scene, &names)?;
    let check = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "never", "namespace": "ordered-interrupted"}]);
    scene
        .api
        .patch(&scene.own("Kustomization/b"), &json!({"spec": {"healthChecks": check, "timeout": "2m"}}))?;
    change(&scene, &names, "two")?;
    let mut child = scene.start(&["reconcile", "--ordered", "-n", "ordered-interrupted", "-o", "json"])?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let asked_b = |line: &str| {
        let document: Value = serde_json::from_str(line).unwrap_or_default();
        document["name"] == "b"
            && ["requested", "running"].contains(&document["event"].as_str().unwrap_or_default())
    };
    loop {
        let line = lines.next().context("it ended by itself")??;
        if asked_b(&line) {
            break;
        }
    }
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let rest: Vec<String> = lines.collect::<std::io::Result<_>>()?;
    let mut errors = String::new();
    child.stderr.take().context("no standard error")?.read_to_string(&mut errors)?;
    let code = child.wait()?.code();
    ensure!(code == Some(130), "{code:?} {rest:?} {errors}");
    let summary: Value = serde_json::from_str(rest.last().context("no summary")?)?;
    ensure!(summary["summary"]["cut"] == "interrupted", "{summary}");
    ensure!(summary["summary"]["leftRunning"] == 1 && summary["summary"]["notAsked"] == 1, "{summary}");
    Ok(())
}

/// The API server goes away for a while in the middle.
pub(crate) fn ordered_outage(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "ordered-outage")?;
    apply_chain(&scene, &CHAIN)?;
    come_up(&scene, &CHAIN)?;
    let since = now(&scene)?;
    let revision = change(&scene, &CHAIN, "two")?;
    let mut child = scene.start(&["reconcile", "--ordered", "-n", "ordered-outage", "-o", "json"])?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    loop {
        let line = lines.next().context("it ended by itself")??;
        let document: Value = serde_json::from_str(&line)?;
        if document["event"] == "done" && document["name"] == "a" {
            break;
        }
    }
    bench.cluster.stop_api_server()?;
    std::thread::sleep(Duration::from_secs(20)); // this long, as a restart takes
    bench.cluster.start_api_server_again()?;
    let rest: Vec<String> = lines.collect::<std::io::Result<_>>()?;
    let mut errors = String::new();
    child.stderr.take().context("no standard error")?.read_to_string(&mut errors)?;
    let code = child.wait()?.code();
    ensure!(code == Some(0), "{code:?} {rest:?} {errors}");
    ensure!(errors.contains("connection lost") && errors.contains("is back"), "{errors}");
    all_at(&scene, &CHAIN, &revision)?;
    in_order(&scene, &CHAIN, &revision, &since)?;
    for (object, times) in asked(&scene.writes()?) {
        ensure!(times.len() <= 2, "{object} was asked {} times: {times:?}", times.len());
    }
    Ok(())
}

/// `wait --revision HEAD`: is my fix in? And what if it breaks something.
pub(crate) fn wait_for_head(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, "wait-for-head")?;
    let names = ["a", "b"];
    apply_chain(&scene, &names)?;
    come_up(&scene, &names)?;
    let work = scene.repository.work().display().to_string();
    let arguments = ["wait", "--revision", "HEAD", "--repo", &work, "-n", "wait-for-head", "-o", "json"];
    let revision = change(&scene, &names, "two")?;
    let child = scene.start(&arguments)?;
    scene.poke("GitRepository/repo")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{output:?}");
    all_at(&scene, &names, &revision)?;

    scene.repository.write("a/kustomization.yaml", "resources: [cm.yaml, absent.yaml]\n")?;
    change(&scene, &names, "three")?;
    let child = scene.start(&arguments)?;
    scene.poke("GitRepository/repo")?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(1) && said.contains("BuildFailed"), "{output:?}");
    ensure!(asked(&scene.writes()?).is_empty(), "wait asks nothing");
    Ok(())
}

/// The example repository from an empty cluster, by one command.
pub(crate) fn ordered_example(bench: &Bench) -> Result<()> {
    with_example(bench, example_comes_up)
}

fn example_comes_up(scene: &Scene<'_>) -> Result<()> {
    let since = now(scene)?;
    let commit = scene.encrypt_anew()?;
    let revision = format!("main@sha1:{commit}");
    let answer = scene.run(&["reconcile", "--ordered", "-o", "json", "-n", "flux-system"])?;
    ensure!(answer.code == 0, "{answer:?}");
    let all = scene.api.list("Kustomization", "flux-system")?;
    ensure!(all.len() > 8, "{} Kustomizations", all.len());
    for object in &all {
        ensure!(
            object["status"]["lastAppliedRevision"] == revision.as_str()
                && condition(object, "Ready").is_some_and(|(status, _)| status == "True"),
            "{}: {}",
            object["metadata"]["name"],
            object["status"]
        );
    }
    let writes: Vec<Write> =
        scene.writes()?.into_iter().filter(|write| write.received.as_str() >= since.as_str()).collect();
    let asked = asked(&writes);
    for object in &all {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let needs = object["spec"]["dependsOn"].as_array().into_iter().flatten();
        for needed in needs.filter_map(|entry| entry["name"].as_str()) {
            for time in asked.get(&format!("kustomizations/flux-system/{name}")).into_iter().flatten() {
                ensure!(
                    ready_before(&writes, needed, &revision, time),
                    "{name} was asked at {time}, before {needed} was at {revision}"
                );
            }
        }
    }
    Ok(())
}
