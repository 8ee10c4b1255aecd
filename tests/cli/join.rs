//! Repositories joined with dumps and the demo.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::repo::{MAP, NO_TARGET, begun, run_in};
use crate::support::{assert_valid, finish, fluxlayers};

#[test]
fn a_tree_that_is_ahead_is_told_and_what_the_cluster_has_tried_is_read_from_its_revision() {
    let (mut repo, good) = begun();
    let tried = "apiVersion: v1\nkind: ConfigMap\nmetadata: {\n  name: a\n";
    let newest = repo.commit("break", &[("apps/a.yaml", Some(tried))]);
    repo.commit("mend", &[("apps/a.yaml", Some(&format!("# mended\n{MAP}")))]);
    fs::write(repo.dir().join("apps/p.yaml"), "# not committed\n").unwrap();
    let words = "failed to decode Kubernetes YAML from /tmp/kustomization-1/apps/a.yaml: MalformedYAMLError: yaml: line 3: did \
                 not find expected ',' or '}'";
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", words);
    let told = repo.why(&dump, &[]);
    assert!(told.stderr.contains("the tree is 1 commit ahead of main@"), "{}", told.stderr);
    assert!(told.stderr.contains("2 manifests differ"), "{}", told.stderr);
    let place = format!(" at main@{}; the file at hand differs", &newest[..7]);
    assert!(told.stdout.contains("file    apps/a.yaml:") && told.stdout.contains(&place), "{}", told.stdout);
    assert!(told.stdout.contains("undo, then push (your own commits go with it)"), "{}", told.stdout);
}

#[test]
fn the_tree_around_the_current_folder_is_joined_by_its_remote_unless_that_is_forbidden() {
    let (mut repo, good) = begun();
    let newest = repo.commit("break", &[("apps/p.yaml", Some("x: 1\n"))]);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    let dump = dump.to_str().unwrap();
    let inside = repo.dir().join("apps");
    let joined = run_in(&inside, &["why", "apps", "--from", dump]);
    assert!(joined.stderr.contains("its url is that of remote origin"), "{}", joined.stderr);
    assert!(joined.stdout.contains("revert --no-edit"), "{}", joined.stdout);
    let alone = run_in(&inside, &["why", "apps", "--from", dump, "--no-repo"]);
    assert_eq!(alone.stderr, "");
    assert!(!alone.stdout.contains("revert"), "{}", alone.stdout);
    repo.git(&["remote", "set-url", "origin", "git@git.example.com:me/another.git"]);
    let foreign = run_in(&inside, &["why", "apps", "--from", dump]);
    assert_eq!(foreign.stderr, "");
}

#[test]
fn a_tree_that_may_belong_to_several_sources_is_asked_about() {
    let (repo, good) = begun();
    repo.git(&["remote", "remove", "origin"]);
    let file = repo.dump(&good, &good, "./apps", "BuildFailed", NO_TARGET);
    let mut dump: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let mut twins = dump["items"].as_array().unwrap().clone();
    for twin in &mut twins {
        twin["metadata"]["namespace"] = "team".into();
    }
    dump["items"].as_array_mut().unwrap().extend(twins);
    fs::write(&file, dump.to_string()).unwrap();
    let asked = repo.why(&file, &["-n", "team"]);
    assert_eq!((asked.code, asked.stdout.as_str()), (2, ""));
    let question = "belong to: GitRepository flux-system/fleet or GitRepository team/fleet?";
    assert!(asked.stderr.contains(question), "{}", asked.stderr);
    assert!(asked.stderr.contains("hint: name it: --repo flux-system/fleet="), "{}", asked.stderr);
    let named = format!("team/fleet={}", repo.dir().display());
    let answered = repo.why(&file, &["-n", "team", "--repo", &named]);
    assert_eq!(answered.code, 1, "{}", answered.stderr);
    let nobody = format!("team/nobody={}", repo.dir().display());
    let refused = repo.why(&file, &["-n", "team", "--repo", &nobody]);
    assert!(
        refused.code == 2 && refused.stderr.contains("no source team/nobody in dump"),
        "{}",
        refused.stderr
    );
}

#[cfg(unix)]
#[test]
fn nothing_that_the_repository_configures_is_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let (mut repo, good) = begun();
    let newest = repo.commit(
        "break",
        &[("apps/p.yaml", Some("x: 1\n")), (".gitattributes", Some("* filter=evil diff=evil\n"))],
    );
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    let marker = repo.around.path().join("was-run");
    let script = repo.around.path().join("evil.sh");
    fs::write(&script, format!("#!/bin/sh\ntouch '{}'\ncat\n", marker.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "pager.log",
        "core.sshCommand",
        "core.editor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "gpg.program",
    ] {
        repo.git(&["config", setting, script]);
    }
    repo.git(&["config", "log.showSignature", "true"]);
    fs::write(repo.dir().join("apps/a.yaml"), "changed: 1\n").unwrap();
    let told = repo.why(&dump, &[]);
    assert!(told.stdout.contains("revert --no-edit"), "{}{}", told.stdout, told.stderr);
    assert!(!marker.exists());
}

#[test]
fn without_git_the_files_are_joined_and_the_rest_is_said_to_be_missing() {
    let (mut repo, good) = begun();
    let newest = repo.commit("break", &[("apps/p.yaml", Some("x: 1\n"))]);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    let dir = repo.dir().display().to_string();
    let arguments = ["why", "apps", "--from", dump.to_str().unwrap(), "--repo", &dir];
    let run = finish(fluxlayers(&arguments).env("PATH", "/nowhere").env("LC_ALL", "C.UTF-8"));
    assert!(run.stderr.contains("git is not installed"), "{}", run.stderr);
    assert!(run.stdout.contains("file    apps/kustomization.yaml:3"), "{}", run.stdout);
    assert!(run.stdout.contains("git log --oneline"), "{}", run.stdout);
}

#[test]
fn what_is_declared_and_not_there_leads_to_who_should_apply_it() {
    let folder = tempfile::tempdir().unwrap();
    let flux = |name: &str, on: &str| {
        let on = if on.is_empty() { String::new() } else { format!("  dependsOn:\n  - name: {on}\n") };
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n  namespace: parent\nspec:\n  path: ./db\n{on}  sourceRef:\n    kind: GitRepository\n    name: repo\n"
        )
    };
    for (path, text) in [
        ("broken/kustomization.yaml", "resources: [child.yaml, absent.yaml]\n".to_owned()),
        ("broken/child.yaml", flux("child-of-broken", "")),
        ("susp/child.yaml", flux("child-of-suspended", "")),
        ("notincluded/kustomization.yaml", "resources: [in.yaml]\n".to_owned()),
        ("notincluded/in.yaml", flux("included", "not-included")),
        ("notincluded/out.yaml", flux("not-included", "")),
        ("prefix/kustomization.yaml", "namePrefix: team-\nresources: [a.yaml, b.yaml]\n".to_owned()),
        ("prefix/a.yaml", flux("a", "")),
        ("prefix/b.yaml", flux("b", "a")),
        ("db/cm.yaml", MAP.to_owned()),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live/parent.json.gz");
    let dir = folder.path().to_str().unwrap();
    let arguments = ["status", "--from", scene.to_str().unwrap(), "--repo", dir, "-o", "json"];
    let run = run_in(folder.path(), &arguments);
    assert_valid("status.v1.json", &run.stdout);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let causes: Vec<String> = json["rootCauses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| {
            let text = |field: &str| cause[field].as_str().unwrap_or("-");
            format!("{} {} {}", cause["object"]["name"].as_str().unwrap(), text("code"), text("subcode"))
        })
        .collect();
    assert_eq!(
        causes,
        [
            "certs DependencyCycle Deadlock",
            "broken BuildFailed ResourceNotFound",
            "susp NotApplied ParentSuspended",
            "a DependencyNotFound -",
            "not-included NotApplied -",
        ]
    );
    let objects: Vec<&Value> = json["layers"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|layer| layer["objects"].as_array().unwrap())
        .collect();
    let object = |name: &str| *objects.iter().find(|object| object["name"] == name).unwrap();
    let child = object("child-of-broken");
    assert_eq!((&child["state"], &child["layer"]), (&json!("Missing"), &json!(0)));
    assert_eq!(child["blockedBy"][0]["name"], "broken");
    assert_eq!(child["appliedBy"]["name"], "broken");
    assert_eq!(child["declaredAt"], json!({"path": "broken/child.yaml", "line": 1}));
    assert_eq!(object("wants-child")["blockedBy"][0]["name"], "broken");
    let edge = &object("included")["dependsOn"][0];
    assert_eq!(edge["declaredAt"], json!({"path": "notincluded/in.yaml", "line": 9}));
    // What a prefix renames is neither there under its written name nor missing.
    assert!(!objects.iter().any(|object| object["name"] == "a" || object["name"] == "b"));
    assert_eq!(object("team-a")["declaredAt"], Value::Null);
}

#[test]
fn the_demo_names_file_and_commit_from_a_binary_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = finish(fluxlayers(&["why", "apps", "--demo", "-o", "json"]).current_dir(folder.path()));
    assert_eq!(run.stderr, "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let cause = &json["rootCauses"][0];
    let token = "clusters/k3s-home/infrastructure/02-cert-manager/token.yaml";
    assert_eq!(cause["evidence"][0]["at"], json!({"path": token, "line": 18}));
    assert_eq!(json["suspects"][0]["subject"], "rotate cloudflare token");
    assert_eq!(json["target"]["dependsOn"][0]["declaredAt"]["line"], 172);
}

#[test]
fn no_value_of_a_secret_in_the_tree_is_told() {
    let (mut repo, good) = begun();
    let broken = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: MARKED-VALUE\n  other: {MARKED-VALUE\n";
    let newest =
        repo.commit("break", &[("apps/a.yaml", Some(broken)), ("apps/p.yaml", Some("x: MARKED-VALUE\n"))]);
    let words = "failed to decode Kubernetes YAML from /tmp/kustomization-1/apps/a.yaml: MalformedYAMLError: yaml: line 6: did \
                 not find expected ',' or '}'";
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", words);
    for more in [&["-v"][..], &["-o", "json"], &["-o", "yaml"]] {
        let run = repo.why(&dump, more);
        assert!(run.stdout.contains("apps/a.yaml"), "{}", run.stdout);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("MARKED"), "{}", run.stdout);
    }
}

#[test]
fn a_path_that_the_fetched_tree_does_not_have_stops_a_blocked_object_next() {
    let (mut repo, good) = begun();
    let newest = repo.commit("more", &[("apps/c.yaml", Some(MAP))]);
    let waits = "dependency 'flux-system/infra' is not ready";
    let dump = |path: &str| -> String {
        let file = repo.dump(&newest, &good, path, "DependencyNotReady", waits);
        let mut dump: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let items = dump["items"].as_array_mut().unwrap();
        let mut infra = items[1].clone();
        items[1]["spec"]["dependsOn"] = json!([{"name": "infra"}]);
        infra["metadata"]["name"] = "infra".into();
        infra["spec"]["path"] = "infra".into();
        infra["status"]["conditions"][0]["reason"] = "BuildFailed".into();
        infra["status"]["conditions"][0]["message"] = "kustomize build failed: odd".into();
        items.push(infra);
        fs::write(&file, dump.to_string()).unwrap();
        file.display().to_string()
    };
    let next = |file: &str| -> Vec<Value> {
        let run = repo.why(Path::new(file), &["-o", "json"]);
        assert_valid("why.v1.json", &run.stdout);
        serde_json::from_str::<Value>(&run.stdout).unwrap()["next"].as_array().unwrap().clone()
    };
    assert_eq!(next(&dump("./apps")), Vec::<Value>::new());
    let found = next(&dump("./app"));
    assert_eq!((found.len(), &found[0]["code"]), (1, &json!("PathNotFound")));
    assert!(found[0]["summary"].as_str().unwrap().contains("Path app does not exist"));
    // Of a revision that Git does not know, the tree at hand proves nothing.
    let file = dump("./app");
    let text = fs::read_to_string(&file).unwrap().replace(&newest, &"e".repeat(40));
    fs::write(&file, text).unwrap();
    assert_eq!(next(&file), Vec::<Value>::new());
}

#[test]
fn what_is_not_pushed_yet_is_no_missing_object() {
    let (mut repo, good) = begun();
    let object = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: fresh\n  namespace: flux-system\n";
    repo.commit("add", &[("infra/fresh.yaml", Some(object))]);
    let dump = repo.dump(&good, &good, "./apps", "BuildFailed", NO_TARGET);
    let dir = repo.dir();
    let arguments = ["why", "fresh", "--from", dump.to_str().unwrap(), "--repo", dir.to_str().unwrap()];
    let told = run_in(repo.around.path(), &arguments);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("fresh: in the repository only"), "{}", told.stdout);
    assert!(told.stdout.contains("  file    infra/fresh.yaml:1\n"), "{}", told.stdout);
    assert!(told.stdout.contains("1 commit ahead"), "{}", told.stdout);
    let json = run_in(repo.around.path(), &[&arguments[..], &["-o", "json"]].concat());
    assert_valid("why.v1.json", &json.stdout);
    assert!(json.stdout.contains("\"NotFetched\""), "{}", json.stdout);
    let unknown = run_in(repo.around.path(), &["why", "nobody", "--from", dump.to_str().unwrap()]);
    assert_eq!(unknown.code, 2);
}
