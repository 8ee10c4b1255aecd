//! What `status` says of the cluster itself, held against the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::table::{Differences, allows, strings};

/// All that `status --kind all -o json`, asked of the cluster itself, says otherwise than the table. It looked at no
/// Secret and no Pod, so the coarser answer is as good where the table has one.
pub(crate) fn live_differences(scene: &Value, status: &Value, exit: i32, namespace: &str) -> Vec<String> {
    let mut differences = Differences::default();
    let is_asked_about = |name: &str| name.split('/').nth(1) == Some(namespace);
    let objects = scene["objects"].as_object().unwrap();
    if objects.keys().all(|name| is_asked_about(name)) {
        differences.expect("live exit", &scene["statusAll"]["exit"], exit);
        for (count, value) in scene["statusAll"]["summary"].as_object().unwrap() {
            differences.expect(format!("live {count}"), value, status["summary"][count].clone());
        }
    }
    let coarser = Coarser::of(scene);
    let layers = status["layers"].as_array().unwrap().iter();
    let layered = layers.flat_map(|layer| layer["objects"].as_array().unwrap());
    let found: BTreeMap<String, &Value> =
        layered.chain(status["unlayered"].as_array().unwrap()).map(|object| (named(object), object)).collect();
    for (name, expected) in objects.iter().filter(|(name, _)| is_asked_about(name)) {
        let Some(object) = found.get(name) else {
            differences.0.push(format!("live {name}: not found"));
            continue;
        };
        differences.expect(format!("live {name} state"), &expected["state"], object["state"].clone());
        let blocked_by: BTreeSet<String> = object["blockedBy"].as_array().unwrap().iter().map(named).collect();
        let expected: BTreeSet<String> = strings(&expected["blockedBy"]).into_iter().collect();
        if blocked_by != expected && blocked_by != coarser.all(&expected, name) {
            differences.0.push(format!("live {name} blockedBy: expected {expected:?}, found {blocked_by:?}"));
        }
    }
    differences.live_causes(scene, status, &coarser);
    differences.0
}

fn named(object: &Value) -> String {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    format!("{}/{}/{}", text("kind"), text("namespace"), text("name"))
}

/// Which object stands for a cause while nobody has looked closer.
struct Coarser(BTreeMap<String, String>);

impl Coarser {
    fn of(scene: &Value) -> Coarser {
        let causes = scene["rootCauses"].as_array().unwrap().iter();
        Coarser(
            causes
                .filter_map(|cause| {
                    let coarser = cause["coarser"]["object"].as_str()?;
                    Some((cause["object"].as_str()?.to_owned(), coarser.to_owned()))
                })
                .collect(),
        )
    }

    /// What blocks `object` then: never itself.
    fn all(&self, names: &BTreeSet<String>, object: &str) -> BTreeSet<String> {
        let names = names.iter().map(|name| self.0.get(name).unwrap_or(name).clone());
        names.filter(|name| name != object).collect()
    }
}

impl Differences {
    fn live_causes(&mut self, scene: &Value, status: &Value, coarser: &Coarser) {
        let found: BTreeMap<String, &Value> = status["rootCauses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cause| (named(&cause["object"]), cause))
            .collect();
        for expected in scene["rootCauses"].as_array().unwrap() {
            let name = expected["object"].as_str().unwrap();
            let other = coarser.0.get(name).map_or(name, String::as_str);
            let Some(cause) = found.get(name).or_else(|| found.get(other)) else {
                self.0.push(format!("live cause {name}: not given"));
                continue;
            };
            let code = &cause["code"];
            if !allows(&expected["code"], code) && expected["coarser"]["code"] != *code {
                self.0.push(format!("live cause {name}: expected {}, found {code}", expected["code"]));
            }
        }
        let expected = scene["rootCauses"].as_array().unwrap().len();
        if found.len() > expected {
            self.0.push(format!("live causes: expected {expected}, found {:?}", found.keys()));
        }
    }
}
