//! `status -o json`: fields may be added; none is ever renamed, removed or retyped.

use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use super::common::{CauseV1, ObjectV1, RefV1, WarningV1, cause, object, reference, references, warning};
use crate::diagnosis::State;
use crate::diagnosis::selection::StatusView;

/// The document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Status"))]
#[serde(rename_all = "camelCase")]
pub struct StatusV1<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::api_version"))]
    api_version: &'static str,
    /// Kind of this document.
    #[cfg_attr(test, schemars(schema_with = "schema::status_kind"))]
    kind: &'static str,
    /// False when something could not be read, or a verdict had to do without an object that is out of sight.
    complete: bool,
    /// Counts of what is shown.
    summary: SummaryV1,
    /// Objects by layer.
    layers: Vec<LayerV1<'a>>,
    /// Objects in or behind a cycle.
    unlayered: Vec<ObjectV1<'a>>,
    /// Dependencies that exist nowhere.
    missing: Vec<MissingV1<'a>>,
    /// Loops, in the direction dependent → dependency, the smallest member first, each member once.
    cycles: Vec<Vec<RefV1<'a>>>,
    /// Root causes, those that block most first.
    root_causes: Vec<CauseV1<'a>>,
    /// What is no cause and should be known.
    warnings: Vec<WarningV1<'a>>,
    /// What was asked: `live`, a cluster or a dump of one, or `declared`, a repository alone. Of what is only declared every
    /// state is `Unknown`, because no cluster was asked; that makes the answer not bad.
    origin: &'static str,
}

/// Counts of what is shown; `total` is the sum of the seven states.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Summary"))]
#[serde(rename_all = "camelCase")]
struct SummaryV1 {
    total: usize,
    ready: usize,
    progressing: usize,
    blocked: usize,
    failed: usize,
    suspended: usize,
    missing: usize,
    unknown: usize,
    /// Objects on the cluster that are not ready and never applied anything.
    never_applied: usize,
}

/// One layer with its objects.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Layer"))]
struct LayerV1<'a> {
    layer: usize,
    objects: Vec<ObjectV1<'a>>,
}

/// A dependency that exists nowhere.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Missing"))]
#[serde(rename_all = "camelCase")]
struct MissingV1<'a> {
    #[serde(flatten)]
    key: RefV1<'a>,
    wanted_by: Vec<RefV1<'a>>,
}

impl<'a> StatusV1<'a> {
    /// The document for what is shown.
    pub fn new(view: &StatusView<'a>) -> Self {
        Self {
            api_version: "fluxlayers/v1",
            kind: "Status",
            complete: view.diagnosis.complete,
            summary: summary(view),
            layers: view
                .layers
                .iter()
                .map(|(layer, objects)| LayerV1 {
                    layer: *layer,
                    objects: objects.iter().copied().map(object).collect(),
                })
                .collect(),
            unlayered: view.unlayered.iter().copied().map(object).collect(),
            missing: view
                .missing
                .iter()
                .map(|(key, wanted_by)| MissingV1 { key: reference(key), wanted_by: references(wanted_by) })
                .collect(),
            cycles: view.cycles.iter().map(|cycle| references(cycle)).collect(),
            root_causes: view.causes.iter().copied().map(cause).collect(),
            warnings: view.warnings.iter().copied().map(warning).collect(),
            origin: if view.is_declared() { "declared" } else { "live" },
        }
    }
}

fn summary(view: &StatusView<'_>) -> SummaryV1 {
    let of = |state| view.summary.of(state);
    SummaryV1 {
        total: view.summary.total(),
        ready: of(State::Ready),
        progressing: of(State::Progressing),
        blocked: of(State::Blocked),
        failed: of(State::Failed),
        suspended: of(State::Suspended),
        missing: of(State::Missing),
        unknown: of(State::Unknown),
        never_applied: view.summary.never_applied,
    }
}

#[cfg(test)]
mod tests {
    use super::super::write;
    use super::*;
    use crate::diagnosis::Code;
    use crate::diagnosis::selection::Selection;
    use crate::diagnosis::selection::testing::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        schema::assert_committed::<StatusV1<'static>>("status.v1.json");
    }

    #[test]
    fn json_has_every_field_of_the_contract_in_its_order() {
        let found = diagnosis([ks("infra").failed(Code::BuildFailed), ks("apps").layer(1).blocked_by("infra")])
            .cycle(["one", "two"])
            .warning("SourceStale", "the source is stale", Some(source("repo")));
        let mut out = Vec::new();
        write(&mut out, &StatusV1::new(&Selection::default().view(&found))).unwrap();
        let text = String::from_utf8(out).unwrap();
        schema::assert_valid("status.v1.json", &text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_not_lost() {
        let message = "\x1b[31mred\u{9b}2J\u{202e}turned\x7f \u{e0041}";
        let found = diagnosis([ks("infra").failed(Code::BuildFailed).message("BuildFailed", message)]);
        let mut out = Vec::new();
        write(&mut out, &StatusV1::new(&Selection::default().view(&found))).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(['\x1b', '\u{9b}', '\u{202e}', '\x7f', '\u{e0041}']));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["layers"][0]["objects"][0]["ready"]["message"], message);
    }
}
