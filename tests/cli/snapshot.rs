//! `snapshot`: what it writes where, and what it never writes.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Run, run};

/// Stands wherever something secret may stand.
const MARK: &str = "marked-secret";

fn marked() -> Value {
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let applied = json!({"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":\"{MARK}\"}}"),
        "example.com/note": MARK, "objectset.rio.cattle.io/applied": MARK});
    let managed = json!([{"manager": MARK, "operation": "Update", "fieldsV1": {MARK: {}}}]);
    let meta = |name: &str| json!({"name": name, "namespace": "apps", "generation": 1, "annotations": applied, "managedFields": managed});
    let failing = |reason: &str, message: &str| {
        json!({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False", "reason": reason,
            "message": message, "observedGeneration": 1, "lastTransitionTime": "2026-11-24T08:00:00Z"}]})
    };
    let env = json!([{"name": "PASSWORD", "value": MARK}]);
    let container = json!([{"name": "c", "image": "i:1", "env": env, "command": [MARK], "args": [format!("--password={MARK}"), MARK]}]);
    let secret = |name: &str, kind: &str, key: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta(name),
            "data": {key: base64(MARK)}, "stringData": {"plain": MARK, "odd": 3}})
    };
    let pod = |kind: &str, version: &str| {
        json!({"apiVersion": version, "kind": kind, "metadata": meta("web"),
            "spec": {"template": {"metadata": {"annotations": applied}, "spec": {"containers": container}}, "containers": container,
                "volumes": [{"name": "v", "csi": {"volumeAttributes": {"token": MARK}}}]},
            "status": {"conditions": [], "containerStatuses": [{"name": "c", "image": "i:1", "state": {"waiting": {"reason": "CrashLoopBackOff",
                "message": format!("cannot reach postgres://me:{MARK}@db/app")}}}]}})
    };
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta("apps"),
            "spec": {"sourceRef": {"kind": "GitRepository", "name": "repo"}, "path": "./x", "prune": true,
                "postBuild": {"substitute": {"password": MARK}}, "patches": [{"patch": MARK}], "decryption": {"provider": "sops", "secretRef": {"name": "sops-age"}}},
            "status": failing("BuildFailed", "secrets \"sops-age\" not found")},
        {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": meta("web"),
            "spec": {"chart": {"spec": {"chart": "c", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}, "values": {"auth": {"password": MARK}},
                "valuesFrom": [{"kind": "Secret", "name": "values"}], "postRenderers": [{"kustomize": {"patches": [{"patch": MARK}]}}]},
            "status": failing("InstallFailed", "Helm install failed")},
        {"apiVersion": "fluxcd.controlplane.io/v1", "kind": "ResourceSet", "metadata": meta("set"),
            "spec": {"inputs": [{"password": MARK}], "resourcesTemplate": MARK}, "status": {}},
        {"apiVersion": "fluxcd.controlplane.io/v1", "kind": "ResourceSetInputProvider", "metadata": meta("input"),
            "spec": {"defaultValues": {"password": MARK}}, "status": {"exportedInputs": [{"password": MARK}]}},
        {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta("repo"),
            "spec": {"url": format!("https://me:{MARK}@git.example.com/a"), "secretRef": {"name": "auth"}},
            "status": failing("GitOperationFailed", &format!("unable to clone 'https://me:{MARK}@git.example.com/a': denied"))},
        {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmRepository", "metadata": meta("charts"),
            "spec": {"url": format!("https://charts.example.com/x?token={MARK}")}, "status": failing("Failed", "denied")},
        pod("Deployment", "apps/v1"), pod("StatefulSet", "apps/v1"), pod("DaemonSet", "apps/v1"),
        pod("ReplicaSet", "apps/v1"), pod("Job", "batch/v1"), pod("Pod", "v1"),
        secret("sops-age", "Opaque", "age.agekey"), secret("auth", "Opaque", "password"), secret("values", "Opaque", "values.yaml"),
        secret("kubeconfig", "Opaque", "value.yaml"), secret("sh.helm.release.v1.web.v1", "helm.sh/release.v1", "release"),
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta("odd"), "data": MARK},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("settings"), "data": {"values.yaml": MARK}, "binaryData": {"b": base64(MARK)}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("account"), "secrets": [{"name": MARK}]},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps", "annotations": applied}},
        {"apiVersion": "example.com/v1", "kind": "Database", "metadata": meta("db"), "spec": {"password": MARK}, "status": {"dsn": MARK}},
        {"apiVersion": "v1", "kind": "Event", "metadata": meta("e"), "type": "Warning", "reason": "GitOperationFailed",
            "message": format!("cannot clone https://me:{MARK}@git.example.com/a"), "lastTimestamp": "2026-11-24T08:00:00Z",
            "involvedObject": {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "name": "repo", "namespace": "apps"}},
    ]})
}

fn text_of(path: &Path) -> String {
    let mut text = String::new();
    let bytes = std::fs::read(path).unwrap();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => drop(GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap()),
        false => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

fn assert_unmarked(text: &str, what: &str) {
    let base64 = base64::engine::general_purpose::STANDARD.encode(MARK);
    for mark in [MARK, &base64] {
        let line = text.lines().find(|line| line.contains(mark));
        assert_eq!(line, None, "{what}");
    }
}

#[test]
fn nothing_secret_is_written_anywhere() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("dump.json"), marked().to_string()).unwrap();
    let dump = path("dump.json");
    for (words, file) in [
        ("snapshot", None),
        ("snapshot -v", None),
        ("snapshot -o json", None),
        ("snapshot -v", Some("a.yaml")),
        ("snapshot", Some("a.json.gz")),
        ("status -v --kind all", None),
        ("status -o json --kind all", None),
        ("status -o wide --kind all", None),
        ("status -o yaml --kind all", None),
        ("why", None),
        ("why -v", None),
        ("why -o json", None),
        ("why -o yaml", None),
        ("why ks/apps/apps -v", None),
        ("why hr/apps/web gitrepo/apps/repo -v", None),
        ("why hr/apps/web gitrepo/apps/repo -o json", None),
        ("impact gitrepo/apps/repo -v", None),
        ("impact ks/apps/apps --delete -v", None),
        ("impact ks/apps/apps --delete -o json", None),
        ("why ks/apps/nowhere -v", None),
    ] {
        let file = file.map(path);
        let mut args: Vec<&str> = words.split(' ').chain(["--from", &dump]).collect();
        args.extend(file.iter().flat_map(|file| ["-f", file]));
        let run = run(&args);
        assert_eq!(run.code == 2, words.contains("nowhere"), "{words}: {run:?}");
        assert_unmarked(&run.stdout, words);
        assert_unmarked(&run.stderr, words);
        if let Some(file) = &file {
            assert_unmarked(&text_of(Path::new(file)), words);
        }
    }
    // What is not secret is there.
    let written = run(&["snapshot", "--from", &dump]).stdout;
    for kept in ["age.agekey", "value.yaml", "https://***@git.example.com/a", "sops-age", "CrashLoopBackOff"] {
        assert!(written.contains(kept), "{kept}");
    }
    let none = run(&["snapshot", "--from", &dump, "--no-secrets", "-o", "json"]).stdout;
    let json: Value = serde_json::from_str(&none).unwrap();
    assert!(json["items"].as_array().unwrap().iter().all(|item| item["kind"] != "Secret"));
    assert!(json["fluxlayers"]["covers"].as_array().unwrap().iter().all(|covered| covered["kind"] != "Secret"));
    assert!(!none.contains("age.agekey"));
}

#[test]
fn another_command_answers_the_same_from_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("demo.yaml.gz").display().to_string();
    let written = run(&["snapshot", "--demo", "-f", &path]);
    assert_eq!((written.code, written.stdout.as_str()), (0, ""));
    assert_eq!(written.stderr, format!("note: {path}: 89 objects of demo\n"));
    for words in ["status -o json --kind all", "why -o json", "why apps -o json"] {
        let words: Vec<&str> = words.split(' ').collect();
        let answer = |origin: &[&str]| -> Run { run(&[&words[..], origin].concat()) };
        let (demo, snapshot) = (answer(&["--demo", "--no-repo"]), answer(&["--from", &path]));
        assert_eq!((demo.code, demo.stdout), (snapshot.code, snapshot.stdout));
    }
}

#[test]
fn a_file_that_exists_stays_unless_it_is_forced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.yaml").display().to_string();
    std::fs::write(&path, "mine").unwrap();
    let refused = run(&["snapshot", "--demo", "-f", &path]);
    assert_eq!(refused.code, 2);
    assert_eq!(refused.stderr, format!("error: cannot write {path}: the file exists; --force replaces it\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(run(&["snapshot", "--demo", "-f", &path, "--force"]).code, 0);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("apiVersion: v1\nkind: List\ntakenAt: "));
    let absent = folder.path().join("absent/a.yaml").display().to_string();
    let run = run(&["snapshot", "--demo", "-f", &absent]);
    assert_eq!((run.code, std::fs::read_dir(folder.path()).unwrap().count()), (2, 1), "{run:?}");
}

#[test]
fn a_repository_is_no_cluster_and_nothing_is_no_answer() {
    let folder = TempDir::new().unwrap();
    let repo = folder.path().display().to_string();
    let run_repo = run(&["snapshot", "--repo", &repo, "--offline"]);
    assert_eq!((run_repo.code, run_repo.stdout.as_str()), (2, ""));
    let empty = folder.path().join("a.yaml").display().to_string();
    std::fs::write(&empty, "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let run_empty = run(&["snapshot", "--from", &empty]);
    assert_eq!((run_empty.code, run_empty.stdout.as_str()), (2, ""), "{run_empty:?}");
}
