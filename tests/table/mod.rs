//! The table of what must be said about what real controllers wrote, and how an answer is held against it.
//!
//! `tests/fixtures/live/README.md` tells what the scenes hold. References are `Kind/namespace/name`, with an empty
//! namespace for cluster-scoped objects. Where the contract leaves a value open, a list stands for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kubectl_fluxlayers::diagnosis::Diagnosis;
use kubectl_fluxlayers::model::ObjectKey;
use serde_json::Value;

/// Where the recordings lie.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live")
}

/// The table.
pub(crate) fn expected() -> Value {
    let text = std::fs::read_to_string(fixtures().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All that `flux` says otherwise than the table, but for whether a retry is under way: that is a matter of the moment.
pub(crate) fn differences(scene: &Value, flux: &Diagnosis) -> Vec<String> {
    let mut differences = Differences(Vec::new());
    differences.objects(scene, flux);
    differences.sources(scene, flux);
    differences.lists(scene, flux);
    differences.causes(scene, flux);
    differences.warnings(scene, flux);
    differences.0
}

pub(crate) fn reference(key: &ObjectKey) -> String {
    format!("{}/{}/{}", key.kind.kind, key.namespace, key.name)
}

fn references(keys: &[ObjectKey]) -> Vec<String> {
    keys.iter().map(reference).collect()
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Whether `found` is the expected value, or one of the values where the contract leaves it open.
pub(crate) fn allows(expected: &Value, found: &Value) -> bool {
    expected == found || expected.as_array().is_some_and(|options| options.contains(found))
}

/// Collects what is not as it should be.
#[derive(Default)]
pub(crate) struct Differences(pub(crate) Vec<String>);

impl Differences {
    pub(crate) fn expect(&mut self, what: impl std::fmt::Display, expected: &Value, found: impl Into<Value>) {
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
            self.expect(format!("{name} stalled"), &Value::from(expected["stalled"] == true), report.stalled);
            if let Some(verdicts) = expected.get("verdicts") {
                let found: Vec<&str> = report.depends_on.iter().map(|(_, verdict)| verdict.as_str()).collect();
                self.expect(format!("{name} verdicts"), verdicts, found);
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
