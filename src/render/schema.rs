//! JSON Schemas, made from the types that are serialized; for tests, which hold the output to them.
#![allow(clippy::disallowed_methods, reason = "tests read the committed schemas")]

use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::diagnosis::{Code, State, Verdict};
use crate::testing::assert_up_to_date;

pub(super) fn api_version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "fluxlayers/v1" })
}

pub(super) fn status_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "Status" })
}

pub(super) fn impact_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "Impact" })
}

pub(super) fn version_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "Version" })
}

pub(super) fn why_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "Why" })
}

pub(super) fn why_list_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "WhyList" })
}

pub(super) fn state(_: &mut SchemaGenerator) -> Schema {
    names(State::ALL.map(State::as_str).to_vec())
}

pub(super) fn verdict(_: &mut SchemaGenerator) -> Schema {
    let all = [
        Verdict::NotFound,
        Verdict::Forbidden,
        Verdict::Unknown,
        Verdict::ReadyExprFalse,
        Verdict::ReadyExprUnknown,
        Verdict::NotObserved,
        Verdict::NotReady,
        Verdict::RevisionBehind,
        Verdict::Ready,
    ];
    names(all.iter().map(Verdict::as_str).collect())
}

pub(super) fn code(_: &mut SchemaGenerator) -> Schema {
    names(Code::ALL.iter().map(|code| code.as_str()).collect())
}

pub(super) fn condition_status(_: &mut SchemaGenerator) -> Schema {
    names(vec!["True", "False", "Unknown"])
}

pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

pub(super) fn moment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

fn names(mut names: Vec<&'static str>) -> Schema {
    names.sort_unstable();
    json_schema!({ "type": "string", "enum": names })
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema").join(file)
}

/// Fails if the committed schema is not that of the type; with `UPDATE_FILES=1` it is written.
pub(super) fn assert_committed<T: JsonSchema>(file: &str) {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    assert_up_to_date(&path(file), &text);
}

/// Fails if the document does not fit the committed schema.
pub(super) fn assert_valid(file: &str, json: &str) {
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path(file)).unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_str(json).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
