//! Which commit broke it: histories of throw-away repositories.

use std::fs;

use serde_json::{Value, json};

use crate::repo::{LIST, MAP, NO_TARGET, Repo, begun};

#[test]
fn of_five_commits_the_one_that_breaks_the_patch_is_named_alone() {
    let (mut repo, _) = begun();
    let good =
        repo.commit("a change that works", &[("apps/a.yaml", Some(&MAP.replace("a\n", "a\ndata: {x: y}\n")))]);
    repo.commit("a note", &[("docs/note.yaml", Some("x: 1\n"))]);
    let broke =
        repo.commit("rename in the patch", &[("apps/p.yaml", Some(&MAP.replace("name: a", "name: b")))]);
    repo.commit("elsewhere", &[("infra/b.yaml", Some(&MAP.replace("name: a", "name: c")))]);
    let newest = repo.commit("words", &[("apps/README.md", Some("words\n"))]);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    assert_eq!(repo.suspects(&dump), ["rename in the patch"]);
    let told = repo.why(&dump, &[]);
    let short = &broke[..7];
    let dir = repo.dir().display().to_string();
    for line in [
        format!("broke   {short} \"rename in the patch\", 02:04 by Jo (main@{} worked)", &good[..7]),
        format!("git -C {dir} revert --no-edit {short} && git -C {dir} push"),
        "file    apps/kustomization.yaml:3 the patch stands here".to_owned(),
    ] {
        assert!(told.stdout.contains(&line), "{line}\n{}", told.stdout);
    }
    assert!(
        told.stderr.contains(
            "belongs to GitRepository flux-system/fleet: its url is that of remote origin; the tree is at main@"
        ),
        "{}",
        told.stderr
    );
    // What is said to be typed, works.
    repo.git(&["revert", "--no-edit", short]);
}

#[test]
fn what_came_and_went_is_no_suspect_and_nothing_changed_is_said() {
    let (mut repo, good) = begun();
    repo.commit("break", &[("apps/p.yaml", Some("x"))]);
    repo.commit("mend", &[("apps/p.yaml", Some(MAP))]);
    let newest = repo.commit("elsewhere", &[("infra/b.yaml", Some("y: 1\n"))]);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    assert_eq!(repo.suspects(&dump), [""; 0]);
    let told = repo.why(&dump, &[]).stdout;
    assert!(
        told.contains("nothing that apps is built from has changed from main@")
            && told.contains("so look outside of Git"),
        "{told}"
    );
    let same =
        repo.dump(&newest, &newest, "./apps", "HealthCheckFailed", "health check failed after 1m: timeout");
    let told = repo.why(&same, &[]).stdout;
    assert!(told.contains("was applied without a failure before, so the cause lies outside Git"), "{told}");
}

#[test]
fn a_merged_branch_is_told_by_the_commit_in_it_and_a_merge_by_what_it_changes_itself() {
    let (mut repo, good) = begun();
    repo.git(&["checkout", "--quiet", "-b", "side"]);
    repo.commit("inside the branch", &[("apps/p.yaml", Some("x: 1\n"))]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("meanwhile", &[("infra/b.yaml", Some("y: 1\n"))]);
    repo.commits += 1;
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "Merge side", "side"]);
    let clean = repo.head();
    let dump = repo.dump(&clean, &good, "./apps", "BuildFailed", NO_TARGET);
    assert_eq!(repo.suspects(&dump), ["inside the branch"]);

    repo.git(&["checkout", "--quiet", "-b", "other"]);
    repo.commit("branch", &[("docs/x.md", Some("x"))]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("main", &[("docs/y.md", Some("y"))]);
    repo.commits += 1;
    repo.git(&["merge", "--quiet", "--no-ff", "--no-commit", "other"]);
    let evil = repo.commit("Merge with a change", &[("apps/a.yaml", Some("z: 1\n"))]);
    let dump = repo.dump(&evil, &clean, "./apps", "BuildFailed", NO_TARGET);
    assert_eq!(repo.suspects(&dump), ["Merge with a change"]);
    let told = repo.why(&dump, &[]).stdout;
    assert!(told.contains(&format!("revert --no-edit -m 1 {}", &evil[..7])), "{told}");
}

#[test]
fn who_moved_the_path_is_named_and_where_it_lies_now() {
    let (mut repo, good) = begun();
    fs::create_dir_all(repo.dir().join("teams")).unwrap();
    repo.git(&["mv", "apps", "teams/apps"]);
    let newest = repo.commit("move it", &[]);
    let words = "kustomization path not found: stat /tmp/kustomization-1/apps: no such file or directory";
    let dump = repo.dump(&newest, &good, "./apps", "ArtifactFailed", words);
    assert_eq!(repo.suspects(&dump), ["move it"]);
    let told = repo.why(&dump, &[]).stdout;
    assert!(told.contains("there is a folder of that name at teams/apps"), "{told}");
}

#[test]
fn what_lies_outside_of_the_path_counts_where_it_is_built_from_it() {
    let (mut repo, _) = begun();
    let base =
        [("base/kustomization.yaml", Some(LIST)), ("base/a.yaml", Some(MAP)), ("base/unused.yaml", Some(MAP))];
    repo.commit("base", &base);
    let good = repo.commit("use", &[("apps/kustomization.yaml", Some("resources: [../base]\n"))]);
    repo.commit("unused", &[("base/unused.yaml", Some("x: 1\n"))]);
    let newest = repo.commit("change the base", &[("base/a.yaml", Some("x: 1\n"))]);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", "kustomize build failed: something");
    assert_eq!(repo.suspects(&dump), ["change the base"]);
}

#[test]
fn the_objects_own_file_counts_where_it_says_something_else_of_it() {
    let mut repo = Repo::new();
    let flux = |name: &str, path: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n  namespace: flux-system\nspec:\n  path: {path}\n"
        )
    };
    let both = |apps: &str, web: &str| format!("{}---\n{}", flux("apps", apps), flux("web", web));
    let files = [("sync.yaml", Some(both("./apps", "./web"))), ("apps/a.yaml", Some(MAP.to_owned()))];
    let files: Vec<(&str, Option<&str>)> = files.iter().map(|(path, text)| (*path, text.as_deref())).collect();
    let good = repo.commit("begin", &files);
    repo.commit("of a neighbour", &[("sync.yaml", Some(&both("./apps", "./site")))]);
    let newest = repo.commit("a slip", &[("sync.yaml", Some(&both("./aps", "./site")))]);
    let words = "kustomization path not found: stat /tmp/kustomization-1/aps: no such file or directory";
    let dump = repo.dump(&newest, &good, "./aps", "ArtifactFailed", words);
    assert_eq!(repo.suspects(&dump), ["a slip"]);
    let json = repo.why(&dump, &["-o", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["target"]["declaredAt"], json!({"path": "sync.yaml", "line": 1}));
}

#[test]
fn a_history_that_is_not_there_says_what_to_type() {
    let (mut repo, good) = begun();
    let newest = repo.commit("break", &[("apps/p.yaml", Some("x: 1\n"))]);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    let clone = repo.around.path().join("shallow");
    let from = format!("file://{}", repo.dir().display());
    repo.git(&["clone", "--quiet", "--depth=1", &from, clone.to_str().unwrap()]);
    let clone = clone.to_str().unwrap();
    let told = repo.why(&dump, &["--repo", clone]).stdout;
    assert!(told.contains(&format!("git -C {clone} fetch --unshallow")), "{told}");
    let unknown = "0123456789012345678901234567890123456789";
    let dump = repo.dump(unknown, &good, "./apps", "BuildFailed", NO_TARGET);
    let told = repo.why(&dump, &[]);
    assert!(told.stderr.contains("main@0123456 is not in this clone (try: git -C "), "{}", told.stderr);
    let dump = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    let told = repo.why(&dump, &["--no-repo"]).stdout;
    assert!(told.contains(&format!("git log --oneline {}..{} -- apps", &good[..12], &newest[..12])), "{told}");
}

#[test]
fn a_failing_release_leads_to_the_commit_that_changed_it() {
    let mut repo = Repo::new();
    let release = |name: &str, version: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: {name}, namespace: flux-system}}\nspec: {{chart: {{spec: {{chart: web, version: {version}}}}}}}\n"
        )
    };
    let (web, db) = (release("web", "1.0.0"), release("db", "1.0.0"));
    let good = repo.commit("begin", &[("apps/web.yaml", Some(&web)), ("apps/db.yaml", Some(&db))]);
    repo.commit("new db", &[("apps/db.yaml", Some(&release("db", "2.0.0")))]);
    repo.commit("a comment", &[("apps/web.yaml", Some(&format!("# words\n{web}")))]);
    let newest = repo.commit("new web", &[("apps/web.yaml", Some(&release("web", "2.0.0")))]);
    let file = repo.dump(&newest, &newest, "./apps", "ReconciliationSucceeded", "Applied");
    let mut dump: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let apps = &mut dump["items"][1]["status"];
    apps["conditions"][0]["status"] = "True".into();
    apps["history"] = json!([
        {"lastReconciled": "2026-11-24T03:00:00Z", "lastReconciledStatus": "ReconciliationSucceeded",
            "metadata": {"revision": format!("main@sha1:{newest}")}},
        {"lastReconciled": "2026-11-24T02:30:00Z", "lastReconciledStatus": "ReconciliationSucceeded",
            "metadata": {"revision": format!("main@sha1:{good}")}},
    ]);
    let release = json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "web", "namespace": "flux-system", "generation": 2, "labels": {
            "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
        "spec": {"chart": {"spec": {"chart": "web", "version": "2.0.0", "sourceRef": {"kind": "HelmRepository", "name": "x"}}}},
        "status": {"observedGeneration": 2,
            "conditions": [{"type": "Ready", "status": "False", "reason": "UpgradeFailed", "observedGeneration": 2,
                "message": "Helm upgrade failed for release web: something", "lastTransitionTime": "2026-11-24T03:01:00Z"}],
            "history": [
                {"version": 2, "status": "failed", "chartVersion": "2.0.0", "firstDeployed": "2026-11-24T02:31:00Z",
                    "lastDeployed": "2026-11-24T03:01:00Z"},
                {"version": 1, "status": "deployed", "chartVersion": "1.0.0", "firstDeployed": "2026-11-24T02:31:00Z",
                    "lastDeployed": "2026-11-24T02:31:00Z"}]}});
    dump["items"].as_array_mut().unwrap().push(release);
    fs::write(&file, dump.to_string()).unwrap();
    let run = repo.run(&["why", "hr/web", "--from", file.to_str().unwrap(), "-o", "json"]);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let subjects: Vec<&str> =
        json["suspects"].as_array().unwrap().iter().map(|commit| commit["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["new web"], "{}", run.stdout);
    assert_eq!(json["target"]["declaredAt"]["path"], "apps/web.yaml");
}

#[test]
fn an_artifact_that_names_its_commit_has_suspects_as_a_repository_has() {
    let (mut repo, good) = begun();
    repo.commit("rename in the patch", &[("apps/p.yaml", Some(&MAP.replace("name: a", "name: b")))]);
    let newest = repo.commit("words", &[("apps/README.md", Some("words\n"))]);
    let file = repo.dump(&newest, &good, "./apps", "BuildFailed", NO_TARGET);
    let digest = |digit: &str| format!("latest@sha256:{}", digit.repeat(64));
    let mut dump: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let source = &mut dump["items"][0];
    source["kind"] = "OCIRepository".into();
    source["spec"]["url"] = "oci://registry.example.com/me/fleet".into();
    source["status"]["artifact"]["revision"] = digest("b").into();
    source["status"]["artifact"]["metadata"] = json!({"org.opencontainers.image.revision": format!("main@sha1:{newest}"),
        "org.opencontainers.image.source": "https://git.example.com/me/fleet.git"});
    let apps = &mut dump["items"][1];
    apps["spec"]["sourceRef"]["kind"] = "OCIRepository".into();
    apps["status"]["lastAttemptedRevision"] = digest("b").into();
    apps["status"]["lastAppliedRevision"] = digest("a").into();
    apps["status"]["lastAppliedOriginRevision"] = format!("main@sha1:{good}").into();
    fs::write(&file, dump.to_string()).unwrap();
    assert_eq!(repo.suspects(&file), ["rename in the patch"]);
    let told = repo.why(&file, &["--no-repo"]).stdout;
    assert!(told.contains(&format!("git log --oneline {}..{} -- apps", &good[..12], &newest[..12])), "{told}");

    let status = &mut dump["items"][1]["status"];
    status["lastAppliedOriginRevision"] = Value::Null;
    fs::write(&file, dump.to_string()).unwrap();
    assert_eq!(repo.suspects(&file), [""; 0], "what it ran before names no commit");
}

#[test]
fn who_asks_about_a_build_that_is_followed_in_part_is_told_so() {
    let mut repo = Repo::new();
    let list = format!("namePrefix: x-\n{LIST}");
    let files = [("apps/kustomization.yaml", Some(list.as_str())), ("apps/a.yaml", Some(MAP))];
    let good = repo.commit("begin", &files);
    let failing = repo.dump(&good, &good, "./apps", "BuildFailed", "kustomize build failed: something");
    let said = "PartialBuild  all that apps builds may have other names or fields";
    assert!(repo.why(&failing, &[]).stdout.contains(said), "{}", repo.why(&failing, &[]).stdout);
    assert!(!repo.why(&failing, &["--no-repo"]).stdout.contains("PartialBuild"));
    let file = repo.dump(&good, &good, "./apps", "ReconciliationSucceeded", "Applied");
    let fine = fs::read_to_string(&file).unwrap().replace("\"False\"", "\"True\"");
    fs::write(&file, fine).unwrap();
    assert!(!repo.why(&file, &[]).stdout.contains("PartialBuild"), "nothing rests on it");
}
