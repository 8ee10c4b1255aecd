//! `status` on dumps, the demo and a repository: what is shown, in which shape, and how bad input ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Run, assert_valid, finish, fluxlayers, run};

fn fixture(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path).display().to_string()
}

/// The recorded lists of one API server, put together.
fn lists(server: &str) -> Vec<String> {
    let folder = PathBuf::from(fixture("apiserver")).join(server);
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("list-")))
        .collect();
    files.sort();
    files.into_iter().flat_map(|file| ["--from".to_owned(), file]).collect()
}

fn status(from: &[String], arguments: &[&str]) -> Run {
    let arguments: Vec<&str> = ["status"]
        .into_iter()
        .chain(from.iter().map(String::as_str))
        .chain(arguments.iter().copied())
        .collect();
    run(&arguments)
}

fn json(from: &[String], arguments: &[&str]) -> (i32, Value) {
    let run = status(from, &[arguments, &["-o", "json"]].concat());
    assert_valid("status.v1.json", &run.stdout);
    (run.code, serde_json::from_str(&run.stdout).unwrap())
}

fn cause<'a>(json: &'a Value, name: &str) -> &'a Value {
    let causes = json["rootCauses"].as_array().unwrap();
    causes.iter().find(|cause| cause["object"]["name"] == name).unwrap_or_else(|| panic!("no cause {name}"))
}

fn states(json: &Value, state: &str) -> usize {
    let layers =
        json["layers"].as_array().unwrap().iter().flat_map(|layer| layer["objects"].as_array().unwrap());
    layers.chain(json["unlayered"].as_array().unwrap()).filter(|object| object["state"] == state).count()
}

#[test]
fn recorded_lists_of_a_blocked_cluster_show_its_five_faults() {
    let (code, json) = json(&lists("blocked"), &[]);
    assert_eq!(code, 1);
    assert_eq!(json["layers"].as_array().unwrap().len(), 29, "the chain");
    let chain = cause(&json, "external-secrets");
    assert_eq!((&chain["code"], &chain["blocks"]), (&"HelmInstallFailed".into(), &26.into()));
    assert_eq!((&chain["object"]["kind"], &chain["subcode"]), (&"Deployment".into(), &"ImagePull".into()));
    assert_eq!(cause(&json, "cycle-x")["cycle"].as_array().unwrap().len(), 2);
    assert_eq!(cause(&json, "does-not-exist")["code"], "DependencyNotFound");
    let source = cause(&json, "tenants");
    assert_eq!(
        (&source["code"], &source["subcode"]),
        (&"SourceNotReady".into(), &"AuthenticationFailed".into())
    );
    assert_eq!(states(&json, "Suspended"), 1);
    assert_eq!(json["summary"]["missing"], 1);
}

#[test]
fn recorded_lists_of_a_healthy_cluster_are_good() {
    let (code, json) = json(&lists("healthy"), &[]);
    assert_eq!((code, &json["rootCauses"]), (0, &Value::Array(Vec::new())));
    assert_eq!(json["summary"]["ready"], 6);
}

#[test]
fn kustomizations_alone_claim_nothing_about_sources() {
    let list = ["--from".to_owned(), fixture("apiserver/blocked/list-kustomizations.json.gz")];
    let (code, json) = json(&list, &[]);
    assert_eq!((code, &json["complete"]), (1, &Value::Bool(false)));
    for cause in json["rootCauses"].as_array().unwrap() {
        assert_ne!(cause["object"]["group"], "source.toolkit.fluxcd.io", "{cause}");
    }
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("NotCovered") && warnings.contains("GitRepository"), "{warnings}");
    assert_eq!(states(&json, "Unknown"), 1, "the one that waits for its source");
}

#[test]
fn the_demo_has_two_root_causes_and_the_layers_of_the_example() {
    let (code, json) = json(&[], &["--demo", "--kind", "all"]);
    assert_eq!((code, &json["complete"]), (1, &Value::Bool(true)));
    let causes = json["rootCauses"].as_array().unwrap();
    let codes: Vec<&Value> = causes.iter().map(|cause| &cause["code"]).collect();
    assert_eq!(codes, ["SopsKeyMismatch", "HelmUpgradeFailed"]);
    assert_eq!(causes[0]["blocks"], 8);
    assert_eq!(states(&json, "Suspended"), 1);
    assert_eq!(json["warnings"], Value::Array(Vec::new()));
    let layers: Vec<String> = json["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| {
            let objects = layer["objects"].as_array().unwrap().iter();
            let names = objects
                .filter(|object| object["kind"] == "Kustomization")
                .map(|object| object["name"].as_str().unwrap());
            names.collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(
        layers,
        [
            "flux-system sources",
            "gateway-api",
            "cert-manager",
            "cilium",
            "nfd",
            "intel-gpu nvidia-gpu",
            "gateway",
            "apps auth monitoring",
        ]
    );
}

#[test]
fn a_filter_finds_causes_of_kinds_that_are_not_shown() {
    let (code, media) = json(&[], &["--demo", "-n", "media"]);
    assert_eq!(
        (code, &media["summary"]["total"], &media["rootCauses"][0]["code"]),
        (1, &Value::from(0), &Value::from("HelmUpgradeFailed"))
    );
    let told = run(&["status", "--demo", "-n", "media"]);
    assert_eq!(told.code, 1);
    assert!(told.stdout.contains("Deployment media/jellyfin  HelmUpgradeFailed"), "{}", told.stdout);
    assert_eq!(told.stderr, "note: no Kustomization matches these filters; --kind all looks at every kind\n");
    let asked = run(&["status", "--demo", "-n", "media", "--kind", "ks"]);
    assert_eq!((asked.code, asked.stdout.as_str()), (0, ""));
}

#[test]
fn the_example_declares_the_layers_of_the_demo() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flux-k3s").display().to_string();
    let declared = json(&[], &["--offline", "--repo", &example]);
    let live = json(&[], &["--demo"]);
    assert_eq!(declared.0, 0);
    let names = |json: &Value| -> Vec<(Value, Value)> {
        let layers = json["layers"].as_array().unwrap().iter();
        let objects = layers.flat_map(|layer| layer["objects"].as_array().unwrap());
        objects.map(|object| (object["layer"].clone(), object["name"].clone())).collect()
    };
    assert_eq!(names(&declared.1), names(&live.1));
    let objects = declared.1["layers"][2]["objects"].as_array().unwrap();
    assert_eq!(objects[0]["declaredAt"]["path"], "clusters/k3s-home/workloads/cluster-sync.yaml");
}

#[test]
fn the_picture_in_a_pipe() {
    let run = finish(fluxlayers(&["status", "--demo"]).env("LC_ALL", "C.UTF-8"));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn the_picture_in_ascii_and_in_colour() {
    let ascii = finish(fluxlayers(&["status", "--demo"]).env("LC_ALL", "C"));
    assert!(ascii.stdout.is_ascii());
    assert!(!ascii.stdout.contains('\u{1b}'));
    let coloured = run(&["status", "--demo", "--color", "always"]);
    assert!(coloured.stdout.contains("\u{1b}["));
    let refused = finish(fluxlayers(&["status", "--demo"]).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1"));
    assert!(!refused.stdout.contains('\u{1b}'));
}

#[test]
fn yaml_says_what_json_says_and_names_can_be_fed_back() {
    let yaml = run(&["status", "--demo", "-o", "yaml"]);
    let mut documents: Vec<_> = kubectl_fluxlayers::yaml::documents(&yaml.stdout).map(Result::unwrap).collect();
    let json: Value = serde_json::from_str(&run(&["status", "--demo", "-o", "json"]).stdout).unwrap();
    assert_eq!(documents.len(), 1);
    let root = documents[0].root();
    assert_eq!(documents[0].value(root).unwrap(), json);
    let names = run(&["status", "--demo", "-o", "name", "--state", "failed"]);
    assert_eq!(names.stdout, "kustomization/flux-system/cert-manager\n");
    assert_eq!(run(&["status", "--demo", "kustomization/flux-system/cert-manager"]).code, 1);
}

#[test]
fn a_reader_that_takes_one_line_is_no_error() {
    let mut child = fluxlayers(&["status", "--demo", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}", output.status);
}

#[test]
fn bad_input_is_one_clear_message_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name).display().to_string()
    };
    let mut gzip = std::fs::read(fixture("live/basic.json.gz")).unwrap();
    gzip.truncate(gzip.len() / 2);
    for (path, says) in [
        (write("no.yaml", b"a: [b\nc: d\n"), "no.yaml:"),
        (write("cut.json.gz", &gzip), "cut.json.gz"),
        (write("cut.json", b"{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": ["), "cut.json:1"),
        (write("latin.yaml", b"name: \xe9\n"), "UTF-8"),
        (
            write("pods.yaml", b"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n"),
            "nothing of Flux",
        ),
        (folder.path().join("nowhere").display().to_string(), "does not exist"),
    ] {
        let run = run(&["status", "--from", &path]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{path}: {}", run.stderr);
        let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{path}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{path}: {}", run.stderr);
    }
}

#[test]
fn what_comes_through_a_pipe_is_used_up_and_no_command_is_offered() {
    let demo =
        std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/cluster.yaml")).unwrap();
    let run = finish(fluxlayers(&["status", "--from", "-"]).env("LC_ALL", "C.UTF-8").stdin(demo));
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("SopsKeyMismatch") && !run.stdout.contains('►'), "{}", run.stdout);
}

#[test]
fn a_folder_with_one_broken_file_answers_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("live/basic.json.gz"), folder.path().join("basic.json.gz")).unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "apiVersion: v1\nkind: [\n").unwrap();
    let from = ["--from".to_owned(), folder.path().display().to_string()];
    let (code, json) = json(&from, &[]);
    assert_eq!((code, &json["complete"]), (0, &Value::Bool(false)));
    assert_eq!(json["summary"]["ready"], 3);
    let warnings = json["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0]["text"].as_str().unwrap().contains("broken.yaml:"), "{warnings:?}");
    assert_eq!(status(&from, &["--strict"]).code, 1, "warnings count");
}

#[test]
fn what_cannot_be_read_is_never_good() {
    let folder = tempfile::tempdir().unwrap();
    let object = |api_version: &str, kind: &str, spec: &str| {
        format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x, namespace: a}}\nspec: {spec}\n---\n"
        )
    };
    let fine = object("source.toolkit.fluxcd.io/v1", "GitRepository", "{url: 'https://example.com/x'}");
    for (name, text, code) in [
        ("a Kustomization", object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "{interval: 5}"), 1),
        (
            "a Kustomization and a source",
            fine.clone() + &object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "{interval: 5}"),
            1,
        ),
        ("one of two sources", fine + &object("source.toolkit.fluxcd.io/v1", "Bucket", "{interval: 5}"), 1),
        ("the only source", object("source.toolkit.fluxcd.io/v1", "Bucket", "{interval: 5}"), 2),
    ] {
        let path = folder.path().join("dump.yaml");
        std::fs::write(&path, text).unwrap();
        let run = run(&["status", "--from", &path.display().to_string()]);
        assert_eq!(run.code, code, "{name}: {}{}", run.stdout, run.stderr);
        let told = run.stdout + &run.stderr;
        assert_eq!(told.contains("nothing of Flux could be read"), code == 2, "{name}: {told}");
        assert!(!told.contains('✔') && told.contains("a number where text is due"), "{name}: {told}");
    }
}

#[test]
fn escape_bytes_of_a_cluster_never_reach_the_terminal() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/cluster.yaml")).unwrap();
    let hostile = text.replace("decryption failed for", "\\u001b]0;owned\\u0007\\u202edecryption failed for");
    assert_ne!(hostile, text);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.yaml");
    std::fs::write(&path, hostile).unwrap();
    for arguments in [&[][..], &["-v"], &["-o", "wide"], &["-o", "json"], &["-o", "yaml"]] {
        let run = status(&["--from".to_owned(), path.display().to_string()], arguments);
        let steers = |c: char| c == '\u{1b}' || c == '\u{7}' || c == '\u{202e}';
        assert!(!run.stdout.contains(steers) && !run.stderr.contains(steers), "{arguments:?}");
    }
}
