//! What real controllers wrote, scene by scene and object by object, against the table of what must be said of it.
//!
//! `tests/fixtures/live/README.md` tells what the scenes hold. References are `Kind/namespace/name`, with an empty
//! namespace for cluster-scoped objects. Where the contract leaves a value open, a list stands for it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test reads its fixtures and starts the binary"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kubectl_fluxlayers::diagnosis::{Diagnosis, diagnose};
use kubectl_fluxlayers::model::ObjectKey;
use kubectl_fluxlayers::repo;
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live")
}

fn expected() -> Value {
    let text = std::fs::read_to_string(fixtures().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn diagnosis(scene: &str) -> Diagnosis {
    let path = fixtures().join(format!("{scene}.json.gz"));
    let snapshot = repo::read_dump(&[path], std::io::empty(), None).unwrap();
    diagnose(&snapshot)
}

fn reference(key: &ObjectKey) -> String {
    format!("{}/{}/{}", key.kind.kind, key.namespace, key.name)
}

fn references(keys: &[ObjectKey]) -> Vec<String> {
    keys.iter().map(reference).collect()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Whether `found` is the expected value, or one of the values where the contract leaves it open.
fn allows(expected: &Value, found: &Value) -> bool {
    expected == found || expected.as_array().is_some_and(|options| options.contains(found))
}

struct Differences(Vec<String>);

impl Differences {
    fn expect(&mut self, what: impl std::fmt::Display, expected: &Value, found: impl Into<Value>) {
        let found = found.into();
        if !allows(expected, &found) {
            self.0.push(format!("{what}: expected {expected}, found {found}"));
        }
    }

    fn objects(&mut self, scene: &Value, flux: &Diagnosis) {
        let found: BTreeMap<String, _> =
            flux.objects.iter().map(|(key, report)| (reference(key), report)).collect();
        let expected = scene["objects"].as_object().unwrap();
        self.expect("objects", &Value::from(expected.len()), found.len());
        for (name, expected) in expected {
            let Some(report) = found.get(name) else {
                self.0.push(format!("{name}: not found"));
                continue;
            };
            self.expect(format!("{name} state"), &expected["state"], report.state.as_str());
            self.expect(format!("{name} layer"), &expected["layer"], report.layer);
            self.expect(
                format!("{name} blockedBy"),
                &Value::from(strings(&expected["blockedBy"])),
                references(&report.blocked_by),
            );
            for (flag, found) in [("stalled", report.stalled), ("retrying", report.retrying)] {
                self.expect(format!("{name} {flag}"), &Value::from(expected[flag] == true), found);
            }
        }
    }

    fn sources(&mut self, scene: &Value, flux: &Diagnosis) {
        let found: BTreeMap<String, _> =
            flux.sources.iter().map(|(key, report)| (reference(key), report)).collect();
        let expected = scene["sources"].as_object().unwrap();
        for (name, report) in &found {
            let Some(expected) = expected.get(name) else {
                self.expect(format!("{name} (good) state"), &Value::from("Ready"), report.state.as_str());
                continue;
            };
            self.expect(format!("{name} state"), &expected["state"], report.state.as_str());
            self.expect(format!("{name} stalled"), &Value::from(expected["stalled"] == true), report.stalled);
            self.expect(
                format!("{name} blockedBy"),
                &Value::from(strings(&expected["blockedBy"])),
                references(&report.blocked_by),
            );
            let fault = report.fault.as_ref();
            self.expect(
                format!("{name} object"),
                &expected["object"],
                fault.map(|fault| reference(&fault.object)),
            );
            self.expect(format!("{name} code"), &expected["code"], fault.map(|fault| fault.code.as_str()));
            self.expect(format!("{name} subcode"), &expected["subcode"], fault.and_then(|fault| fault.subcode));
        }
        for name in expected.keys().filter(|name| !found.contains_key(*name)) {
            self.0.push(format!("{name}: not found"));
        }
    }

    fn lists(&mut self, scene: &Value, flux: &Diagnosis) {
        if let Some(complete) = scene.get("complete") {
            self.expect("complete", complete, flux.complete);
        }
        let missing: Vec<Value> = flux
            .layering
            .missing
            .iter()
            .map(|(key, wanted_by)| serde_json::json!({"object": reference(key), "wantedBy": references(wanted_by)}))
            .collect();
        self.expect("missing", &scene["missing"], missing);
        let cycles: Vec<Vec<String>> = flux.layering.cycles.iter().map(|cycle| references(cycle)).collect();
        self.expect("cycles", &scene["cycles"], cycles);
    }

    fn causes(&mut self, scene: &Value, flux: &Diagnosis) {
        let expected = scene["rootCauses"].as_array().unwrap();
        let order: Vec<String> =
            expected.iter().map(|cause| cause["object"].as_str().unwrap().to_owned()).collect();
        let found: Vec<String> = flux.causes.iter().map(|cause| reference(&cause.fault.object)).collect();
        self.expect("rootCauses", &Value::from(order), found);
        for expected in expected {
            let name = expected["object"].as_str().unwrap();
            let Some(cause) = flux.causes.iter().find(|cause| reference(&cause.fault.object) == name) else {
                continue;
            };
            self.expect(format!("cause {name} code"), &expected["code"], cause.fault.code.as_str());
            self.expect(format!("cause {name} subcode"), &expected["subcode"], cause.fault.subcode);
            self.expect(format!("cause {name} affected"), &expected["affected"], references(&cause.affected));
            self.expect(format!("cause {name} blocks"), &expected["blocks"], cause.blocks);
            let cycle = expected.get("cycle").map(strings).unwrap_or_default();
            self.expect(format!("cause {name} cycle"), &Value::from(cycle), references(&cause.cycle));
            if cause.fault.summary.is_empty() || cause.fault.summary.contains(char::is_control) {
                self.0.push(format!("cause {name} summary: {:?}", cause.fault.summary));
            }
        }
    }

    fn warnings(&mut self, scene: &Value, flux: &Diagnosis) {
        let expected = scene["warnings"].as_array().unwrap();
        let found: BTreeSet<(&str, Option<String>)> = flux
            .warnings
            .iter()
            .map(|warning| (warning.code, warning.object.as_ref().map(reference)))
            .collect();
        for expected in expected.iter().filter(|expected| expected["optional"] != true) {
            let code = expected["code"].as_str().unwrap();
            let object = expected["object"].as_str();
            let there = found.iter().any(|(found, about)| {
                *found == code && object.is_none_or(|object| about.as_deref() == Some(object))
            });
            if !there {
                self.0.push(format!("warning {code} about {object:?}: not given"));
            }
        }
        for (code, about) in &found {
            let named = expected.iter().any(|expected| {
                expected["code"] == *code
                    && expected["object"].as_str().is_none_or(|object| about.as_deref() == Some(object))
            });
            if !named {
                self.0.push(format!("warning {code} about {about:?}: not expected"));
            }
        }
    }
}

#[test]
fn every_scene_reads_as_the_table_says() {
    let expected = expected();
    let mut report = String::new();
    for (name, scene) in expected["scenes"].as_object().unwrap() {
        let flux = diagnosis(name);
        let mut differences = Differences(Vec::new());
        differences.objects(scene, &flux);
        differences.sources(scene, &flux);
        differences.lists(scene, &flux);
        differences.causes(scene, &flux);
        differences.warnings(scene, &flux);
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
    let mut differences = Differences(Vec::new());
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
