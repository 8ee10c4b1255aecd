//! `status -o json`: fields may be added; none is ever renamed, removed or retyped.

use jiff::Timestamp;
use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use crate::diagnosis::selection::StatusView;
use crate::diagnosis::{Cause, ObjectReport, State};
use crate::model::{At, ObjectKey};

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

/// Which object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Ref"))]
struct RefV1<'a> {
    /// API group; empty for the core group.
    group: &'a str,
    kind: &'a str,
    /// Empty for cluster-scoped objects.
    namespace: &'a str,
    name: &'a str,
}

/// A place in the repository.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "At"))]
struct AtV1<'a> {
    /// Path relative to the repository.
    path: &'a str,
    /// Line, the first one being 1.
    line: usize,
}

/// Everything about one object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Object"))]
#[serde(rename_all = "camelCase")]
struct ObjectV1<'a> {
    #[serde(flatten)]
    key: RefV1<'a>,
    #[cfg_attr(test, schemars(schema_with = "schema::state"))]
    state: &'static str,
    /// No retry will come.
    stalled: bool,
    /// A run of the revision that failed last time is under way.
    retrying: bool,
    /// Length of the longest dependency path; null in or behind a cycle.
    layer: Option<usize>,
    /// The Ready condition.
    ready: Option<ReadyV1<'a>>,
    /// When the present state began.
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    since: Option<String>,
    /// Revision that runs: last applied, or the chart version last deployed.
    revision: Option<&'a str>,
    /// Current revision of its source.
    source_revision: Option<&'a str>,
    /// `spec.suspend`.
    suspended: bool,
    /// Dependencies in the order of `spec.dependsOn`.
    depends_on: Vec<DependencyV1<'a>>,
    source: Option<RefV1<'a>>,
    applied_by: Option<RefV1<'a>>,
    declared_at: Option<AtV1<'a>>,
    /// Objects of the root causes that it is hit by.
    blocked_by: Vec<RefV1<'a>>,
}

/// A Ready condition.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Ready"))]
struct ReadyV1<'a> {
    #[cfg_attr(test, schemars(schema_with = "schema::condition_status"))]
    status: &'static str,
    reason: &'a str,
    message: &'a str,
}

/// A dependency with what it means right now.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Dependency"))]
struct DependencyV1<'a> {
    #[serde(flatten)]
    key: RefV1<'a>,
    #[cfg_attr(test, schemars(schema_with = "schema::verdict"))]
    verdict: &'static str,
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

/// One fault, however many objects it hits.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Cause"))]
struct CauseV1<'a> {
    /// The thing that has to change.
    object: RefV1<'a>,
    #[cfg_attr(test, schemars(schema_with = "schema::code"))]
    code: &'static str,
    subcode: Option<&'static str>,
    /// One sentence for people.
    summary: &'a str,
    /// When this failure began, not its last retry.
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    since: Option<String>,
    /// Objects that fail or cannot start directly because of it.
    affected: Vec<RefV1<'a>>,
    /// From an affected object to the cause's object.
    chain: Vec<RefV1<'a>>,
    /// The loop, for `DependencyCycle`.
    cycle: Vec<RefV1<'a>>,
    evidence: Vec<EvidenceV1<'a>>,
    remedies: Vec<RemedyV1<'a>>,
    /// How many objects in sight have the cause's object in `blockedBy`.
    blocks: usize,
}

/// One thing that was seen, quoted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Evidence"))]
struct EvidenceV1<'a> {
    /// What kind of thing, such as `condition`, `event`, `file`.
    source: &'static str,
    text: &'a str,
    at: Option<AtV1<'a>>,
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    time: Option<String>,
}

/// What can be done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Remedy"))]
struct RemedyV1<'a> {
    text: &'a str,
    command: Option<&'a str>,
}

/// Something that is no cause and should be known.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Warning"))]
struct WarningV1<'a> {
    code: &'static str,
    text: &'a str,
    object: Option<RefV1<'a>>,
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
            warnings: view
                .warnings
                .iter()
                .map(|warning| WarningV1 {
                    code: warning.code,
                    text: &warning.text,
                    object: warning.object.as_ref().map(reference),
                })
                .collect(),
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

fn object(object: &ObjectReport) -> ObjectV1<'_> {
    ObjectV1 {
        key: reference(&object.key),
        state: object.state.as_str(),
        stalled: object.stalled,
        retrying: object.retrying,
        layer: object.layer,
        ready: object.ready.as_ref().map(|ready| ReadyV1 {
            status: ready.status.as_str(),
            reason: &ready.reason,
            message: &ready.message,
        }),
        since: object.since.map(time),
        revision: object.revision.as_ref().map(|revision| revision.0.as_str()),
        source_revision: object.source_revision.as_ref().map(|revision| revision.0.as_str()),
        suspended: object.suspended,
        depends_on: object
            .depends_on
            .iter()
            .map(|(key, verdict)| DependencyV1 { key: reference(key), verdict: verdict.as_str() })
            .collect(),
        source: object.source.as_ref().map(reference),
        applied_by: object.applied_by.as_ref().map(reference),
        declared_at: object.declared_at.as_ref().map(place),
        blocked_by: references(&object.blocked_by),
    }
}

fn cause(cause: &Cause) -> CauseV1<'_> {
    CauseV1 {
        object: reference(&cause.fault.object),
        code: cause.fault.code.as_str(),
        subcode: cause.fault.subcode,
        summary: &cause.fault.summary,
        since: cause.since.map(time),
        affected: references(&cause.affected),
        chain: references(&cause.chain),
        cycle: references(&cause.cycle),
        evidence: cause
            .fault
            .evidence
            .iter()
            .map(|quote| EvidenceV1 {
                source: quote.source,
                text: &quote.text,
                at: quote.at.as_ref().map(place),
                time: quote.time.map(time),
            })
            .collect(),
        remedies: cause
            .fault
            .remedies
            .iter()
            .map(|remedy| RemedyV1 { text: &remedy.text, command: remedy.command.as_deref() })
            .collect(),
        blocks: cause.blocks,
    }
}

fn reference(key: &ObjectKey) -> RefV1<'_> {
    RefV1 { group: &key.kind.group, kind: &key.kind.kind, namespace: &key.namespace, name: &key.name }
}

fn references(keys: &[ObjectKey]) -> Vec<RefV1<'_>> {
    keys.iter().map(reference).collect()
}

fn place(at: &At) -> AtV1<'_> {
    AtV1 { path: &at.path, line: at.line }
}

/// RFC 3339 in whole seconds, UTC.
fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
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
