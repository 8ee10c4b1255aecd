//! Every scenario of the live bench has its recordings, and every recording its scenario and its entry in the table.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test looks at its fixtures")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

macro_rules! scenarios {
    ($($flag:ident $module:ident :: $name:ident [$($recording:literal),*]),* $(,)?) => {
        /// Names of the scenarios, each with its recordings.
        const SCENARIOS: &[(&str, &[&str])] = &[$((stringify!($name), &[$($recording),*])),*];
    };
}

include!("live/scenarios/list.rs");

/// By a controller that is not on the bench.
const OLDER: &str = "flux-2.7";

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live")
}

/// The recordings of a folder, without their endings.
fn recorded(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    files.filter_map(|file| Some(file.to_str()?.strip_suffix(".json.gz")?.to_owned())).collect()
}

#[test]
fn every_scenario_has_its_recordings_and_every_recording_its_scenario() {
    let made: Vec<String> =
        SCENARIOS.iter().flat_map(|(_, recordings)| *recordings).map(|&name| name.to_owned()).collect();
    let once: BTreeSet<String> = made.iter().cloned().collect();
    assert_eq!(once.len(), made.len(), "a recording of two scenarios: {made:?}");
    assert_eq!(recorded(&fixtures()), once);
}

#[test]
fn every_recording_has_its_entry_in_the_table_and_every_entry_its_recording() {
    let table = std::fs::read_to_string(fixtures().join("expected.json")).unwrap();
    let table: Value = serde_json::from_str(&table).unwrap();
    let entries: BTreeSet<String> = table["scenes"].as_object().unwrap().keys().cloned().collect();
    let mut there = recorded(&fixtures());
    there.extend(recorded(&fixtures().join(OLDER)).iter().map(|name| format!("{OLDER}/{name}")));
    assert_eq!(there, entries);
}

#[test]
fn every_scene_that_lies_there_is_played() {
    let played: BTreeSet<String> = SCENARIOS.iter().map(|(name, _)| name.replace('_', "-")).collect();
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/scenes");
    for entry in std::fs::read_dir(scenes).unwrap() {
        let scene = entry.unwrap().file_name().into_string().unwrap();
        let belongs = |name: &String| *name == scene || name.starts_with(&format!("{scene}-"));
        assert!(played.iter().any(belongs), "no scenario plays {scene}");
    }
}
