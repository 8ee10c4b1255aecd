//! Repositories joined with dumps: throw-away working trees with fixed dates and identities.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Run, assert_valid, finish, fluxlayers};

/// A working tree with a history, and the folder around it for dumps and clones.
struct Repo {
    around: TempDir,
    commits: u32,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { around: tempfile::tempdir().unwrap(), commits: 0 };
        fs::create_dir(repo.dir()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.git(&["remote", "add", "origin", "git@git.example.com:me/fleet.git"]);
        repo
    }

    fn dir(&self) -> PathBuf {
        self.around.path().join("fleet")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let date = format!("2026-11-24T02:{:02}:00Z", self.commits);
        let mut git = Command::new("git");
        git.current_dir(self.dir()).args(arguments).env_clear();
        git.envs([("PATH", std::env::var("PATH").unwrap().as_str())]);
        git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")]);
        git.envs([
            ("GIT_AUTHOR_NAME", "Jo"),
            ("GIT_AUTHOR_EMAIL", "jo@example.com"),
            ("GIT_AUTHOR_DATE", &date),
        ]);
        git.envs([("GIT_COMMITTER_NAME", "Jo"), ("GIT_COMMITTER_EMAIL", "jo@example.com")]);
        let output = git.env("GIT_COMMITTER_DATE", &date).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Writes files (`None` takes one away) and commits them.
    fn commit(&mut self, subject: &str, files: &[(&str, Option<&str>)]) -> String {
        for (path, text) in files {
            let path = self.dir().join(path);
            match text {
                Some(text) => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, text).unwrap();
                }
                None => fs::remove_file(path).unwrap(),
            }
        }
        self.commits += 1;
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.head()
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// A dump in which `apps` fails at the newest commit and was good at an older one.
    fn dump(&self, newest: &str, good: &str, path: &str, reason: &str, message: &str) -> PathBuf {
        let revision = |commit: &str| format!("main@sha1:{commit}");
        let meta = |name: &str| json!({"name": name, "namespace": "flux-system", "generation": 1});
        let condition = |status: &str, reason: &str, message: &str| {
            json!([{"type": "Ready", "status": status, "reason": reason, "message": message,
                "observedGeneration": 1, "lastTransitionTime": "2026-11-24T03:00:00Z"}])
        };
        let items = json!([
            {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta("fleet"),
                "spec": {"url": "https://git.example.com/me/fleet", "interval": "1m"},
                "status": {"observedGeneration": 1, "conditions": condition("True", "Succeeded", "stored"),
                    "artifact": {"revision": revision(newest), "lastUpdateTime": "2026-11-24T03:00:00Z"}}},
            {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta("apps"),
                "spec": {"path": path, "interval": "10m", "prune": true,
                    "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
                "status": {"observedGeneration": 1, "conditions": condition("False", reason, message),
                    "lastAppliedRevision": revision(good), "lastAttemptedRevision": revision(newest)}},
        ]);
        let dump =
            json!({"apiVersion": "v1", "kind": "List", "takenAt": "2026-11-24T03:05:00Z", "items": items});
        let file = self.around.path().join("dump.json");
        fs::write(&file, dump.to_string()).unwrap();
        file
    }

    /// `why apps`, joined with the tree.
    fn why(&self, dump: &Path, more: &[&str]) -> Run {
        let dir = self.dir();
        let mut arguments = vec!["why", "apps", "--from", dump.to_str().unwrap()];
        if !more.contains(&"--repo") && !more.contains(&"--no-repo") {
            arguments.extend(["--repo", dir.to_str().unwrap()]);
        }
        arguments.extend(more);
        run_in(self.around.path(), &arguments)
    }

    fn suspects(&self, dump: &Path) -> Vec<String> {
        let run = self.why(dump, &["-o", "json"]);
        assert_valid("why.v1.json", &run.stdout);
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        let suspects = json["suspects"].as_array().unwrap().iter();
        suspects.map(|suspect| suspect["subject"].as_str().unwrap().to_owned()).collect()
    }
}

fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    finish(
        fluxlayers(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", std::env::var("PATH").unwrap())
            .env("GIT_CONFIG_GLOBAL", "/dev/null"),
    )
}

const LIST: &str = "resources: [a.yaml]\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const PATCHED: &str = "resources: [a.yaml]\npatches:\n- path: p.yaml\n";
const NO_TARGET: &str = "kustomize build failed: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/b.[noNs]\": no \
                         matches for Id ConfigMap.v1.[noGrp]/b.[noNs]; failed to find unique target for patch \
                         ConfigMap.v1.[noGrp]/b.[noNs]";

fn begun() -> (Repo, String) {
    let mut repo = Repo::new();
    let files = [
        ("apps/kustomization.yaml", Some(PATCHED)),
        ("apps/a.yaml", Some(MAP)),
        ("apps/p.yaml", Some(MAP)),
        ("infra/b.yaml", Some(MAP)),
    ];
    let good = repo.commit("begin", &files);
    (repo, good)
}

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
        format!("broke: {short} \"rename in the patch\", 02:04 by Jo (main@{} worked)", &good[..7]),
        format!("git -C {dir} revert --no-edit {short} && git -C {dir} push"),
        "file: apps/kustomization.yaml:3 the patch stands here".to_owned(),
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
    assert!(told.stdout.contains("file: apps/a.yaml:") && told.stdout.contains(&place), "{}", told.stdout);
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
    assert!(run.stdout.contains("file: apps/kustomization.yaml:3"), "{}", run.stdout);
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
