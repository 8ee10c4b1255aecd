//! Throw-away working trees with fixed dates and identities, and dumps of a cluster that is fed from them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Run, assert_valid, finish, fluxlayers};

/// A working tree with a history, and the folder around it for dumps and clones.
pub(crate) struct Repo {
    pub(crate) around: TempDir,
    pub(crate) commits: u32,
}

impl Repo {
    pub(crate) fn new() -> Self {
        let repo = Self { around: tempfile::tempdir().unwrap(), commits: 0 };
        fs::create_dir(repo.dir()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.git(&["remote", "add", "origin", "git@git.example.com:me/fleet.git"]);
        repo
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.around.path().join("fleet")
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
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
        let output = git.env("GIT_COMMITTER_DATE", &date).output().expect("tests that read commits need git");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Writes files (`None` takes one away) and commits them.
    pub(crate) fn commit(&mut self, subject: &str, files: &[(&str, Option<&str>)]) -> String {
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

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// A dump in which `apps` fails at the newest commit and was good at an older one.
    pub(crate) fn dump(&self, newest: &str, good: &str, path: &str, reason: &str, message: &str) -> PathBuf {
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
    pub(crate) fn why(&self, dump: &Path, more: &[&str]) -> Run {
        let dir = self.dir();
        let mut arguments = vec!["why", "apps", "--from", dump.to_str().unwrap()];
        if !more.contains(&"--repo") && !more.contains(&"--no-repo") {
            arguments.extend(["--repo", dir.to_str().unwrap()]);
        }
        arguments.extend(more);
        run_in(self.around.path(), &arguments)
    }

    /// Any command, where the tree is joined by itself.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run_in(&self.dir(), arguments)
    }

    pub(crate) fn suspects(&self, dump: &Path) -> Vec<String> {
        let run = self.why(dump, &["-o", "json"]);
        assert_valid("why.v1.json", &run.stdout);
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        let suspects = json["suspects"].as_array().unwrap().iter();
        suspects.map(|suspect| suspect["subject"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    finish(
        fluxlayers(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", std::env::var("PATH").unwrap())
            .env("GIT_CONFIG_GLOBAL", "/dev/null"),
    )
}

pub(crate) const LIST: &str = "resources: [a.yaml]\n";
pub(crate) const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
pub(crate) const PATCHED: &str = "resources: [a.yaml]\npatches:\n- path: p.yaml\n";
pub(crate) const NO_TARGET: &str = "kustomize build failed: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/b.[noNs]\": no \
                         matches for Id ConfigMap.v1.[noGrp]/b.[noNs]; failed to find unique target for patch \
                         ConfigMap.v1.[noGrp]/b.[noNs]";

pub(crate) fn begun() -> (Repo, String) {
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
