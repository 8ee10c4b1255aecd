//! What real controllers wrote, scene by scene and object by object, against the table of what must be said of it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test reads its fixtures and starts the binary"
)]

mod table;

use std::path::Path;

use kubectl_fluxlayers::diagnosis::{Diagnosis, diagnose};
use kubectl_fluxlayers::repo;
use serde_json::Value;

use table::{Differences, expected, fixtures, reference};

fn diagnosis(scene: &str) -> Diagnosis {
    let path = fixtures().join(format!("{scene}.json.gz"));
    let snapshot = repo::read_dump(&[path], std::io::empty(), None).unwrap();
    diagnose(&snapshot)
}

#[test]
fn every_scene_reads_as_the_table_says() {
    let expected = expected();
    let mut report = String::new();
    for (name, scene) in expected["scenes"].as_object().unwrap() {
        let flux = diagnosis(name);
        let mut differences = Differences(table::differences(scene, &flux));
        for (key, found) in &flux.objects {
            let name = reference(key);
            let retrying = Value::from(scene["objects"][&name]["retrying"] == true);
            differences.expect(format!("{name} retrying"), &retrying, found.retrying);
        }
        for difference in differences.0 {
            report.push_str(&format!("{name}: {difference}\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// Runs the binary in a cleared environment.
fn status(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers"))
        .env_clear()
        .arg("status")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/status.v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn the_binary_gives_the_summary_and_the_exit_code_of_every_scene() {
    let expected = expected();
    let schema = schema();
    let mut differences = Differences::default();
    for (name, scene) in expected["scenes"].as_object().unwrap() {
        let path = fixtures().join(format!("{name}.json.gz")).display().to_string();
        for (answer, kinds) in [("status", &[][..]), ("statusAll", &["--kind", "all"][..])] {
            let arguments = [&["--from", path.as_str(), "-o", "json"][..], kinds].concat();
            let (code, stdout, stderr) = status(&arguments);
            let json: Value =
                serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{name}: {error}: {stderr}"));
            for (count, value) in scene[answer]["summary"].as_object().unwrap() {
                differences.expect(format!("{name} {answer} {count}"), value, json["summary"][count].clone());
            }
            differences.expect(format!("{name} {answer} exit"), &scene[answer]["exit"], code);
            if json["rootCauses"].as_array().is_some_and(|causes| !causes.is_empty()) && code == Some(0) {
                differences.0.push(format!("{name} {answer}: a cause, and exit 0"));
            }
            for error in schema.iter_errors(&json) {
                differences
                    .0
                    .push(format!("{name} {answer} against the schema: {error} at {}", error.instance_path()));
            }
            assert_eq!(status(&arguments).1, stdout, "{name}: the same input gives the same bytes");
        }
    }
    assert!(differences.0.is_empty(), "\n{}", differences.0.join("\n"));
}
