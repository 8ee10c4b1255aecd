//! What the documents of all commands are made of.

use jiff::Timestamp;
use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use crate::diagnosis::{Cause, Ends, ObjectReport, RetryClock, SourceReport, State};
use crate::model::{At, ObjectKey, Warning};

/// Which object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Ref"))]
pub(super) struct RefV1<'a> {
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
pub(super) struct AtV1<'a> {
    /// Path relative to the repository.
    path: &'a str,
    /// Line, the first one being 1.
    line: usize,
}

/// Everything about one object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Object"))]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectV1<'a> {
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
pub(super) struct ReadyV1<'a> {
    #[cfg_attr(test, schemars(schema_with = "schema::condition_status"))]
    status: &'static str,
    reason: &'a str,
    message: &'a str,
}

/// A dependency with what it means right now.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Dependency"))]
#[serde(rename_all = "camelCase")]
pub(super) struct DependencyV1<'a> {
    #[serde(flatten)]
    key: RefV1<'a>,
    #[cfg_attr(test, schemars(schema_with = "schema::verdict"))]
    verdict: &'static str,
    /// Where the entry stands in the repository.
    declared_at: Option<AtV1<'a>>,
}

/// One fault, however many objects it hits.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Cause"))]
pub(super) struct CauseV1<'a> {
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
    /// When the first failing object that it affects ran last, and when it runs again.
    clock: Option<ClockV1<'a>>,
}

/// When an object runs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Clock"))]
#[serde(rename_all = "camelCase")]
pub(super) struct ClockV1<'a> {
    /// Revision that worked last.
    last_good_revision: Option<&'a str>,
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    last_good_time: Option<String>,
    /// When it tried last, well or not.
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    last_try: Option<String>,
    /// When the next try is due; null where none is, or where it is not known.
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    next_try: Option<String>,
    /// How long it waits between two tries, or looks at what it waits for.
    every_seconds: Option<u64>,
    /// No retry will come before something changes.
    stalled: bool,
    /// A HelmRelease gives up after so many more failures.
    tries_left: Option<i64>,
    /// The present run may take until then.
    #[cfg_attr(test, schemars(schema_with = "schema::time"))]
    times_out: Option<String>,
}

/// One thing that was seen, quoted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Evidence"))]
pub(super) struct EvidenceV1<'a> {
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
pub(super) struct RemedyV1<'a> {
    text: &'a str,
    command: Option<&'a str>,
}

/// Something that is no cause and should be known.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Warning"))]
pub(super) struct WarningV1<'a> {
    code: &'static str,
    text: &'a str,
    object: Option<RefV1<'a>>,
}

pub(super) fn object(object: &ObjectReport) -> ObjectV1<'_> {
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
            .map(|(key, verdict)| DependencyV1 {
                key: reference(key),
                verdict: verdict.as_str(),
                declared_at: object.edges_at.get(key).map(place),
            })
            .collect(),
        source: object.source.as_ref().map(reference),
        applied_by: object.applied_by.as_ref().map(reference),
        declared_at: object.declared_at.as_ref().map(place),
        blocked_by: references(&object.blocked_by),
    }
}

/// What is no applier: a source, or what does not exist.
pub(super) fn other_object<'a>(
    key: &'a ObjectKey,
    state: State,
    source: Option<&'a SourceReport>,
) -> ObjectV1<'a> {
    let revision = source.and_then(|source| source.fetched.as_ref()).map(|(revision, _)| revision.0.as_str());
    ObjectV1 {
        key: reference(key),
        state: state.as_str(),
        stalled: source.is_some_and(|source| source.stalled),
        retrying: false,
        layer: None,
        ready: None,
        since: None,
        revision,
        source_revision: None,
        suspended: state == State::Suspended,
        depends_on: Vec::new(),
        source: None,
        applied_by: None,
        declared_at: None,
        blocked_by: source.map(|source| references(&source.blocked_by)).unwrap_or_default(),
    }
}

pub(super) fn cause(cause: &Cause) -> CauseV1<'_> {
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
        clock: clock(&cause.clock),
    }
}

/// A clock of which something is known.
pub(super) fn clock(clock: &RetryClock) -> Option<ClockV1<'_>> {
    if *clock == RetryClock::default() {
        return None;
    }
    let (revision, good) = match &clock.last_good {
        Some((revision, time)) => (Some(revision.0.as_str()), *time),
        None => (None, None),
    };
    Some(ClockV1 {
        last_good_revision: revision,
        last_good_time: good.map(time),
        last_try: clock.last_try.map(time),
        next_try: clock.next_try.map(time),
        every_seconds: clock.every.map(|every| every.as_secs()),
        stalled: clock.ends == Some(Ends::Stalled),
        tries_left: match clock.ends {
            Some(Ends::TriesLeft(left)) => Some(left),
            _ => None,
        },
        times_out: match clock.ends {
            Some(Ends::TimesOut(until)) => Some(time(until)),
            _ => None,
        },
    })
}

pub(super) fn reference(key: &ObjectKey) -> RefV1<'_> {
    RefV1 { group: &key.kind.group, kind: &key.kind.kind, namespace: &key.namespace, name: &key.name }
}

pub(super) fn references(keys: &[ObjectKey]) -> Vec<RefV1<'_>> {
    keys.iter().map(reference).collect()
}

pub(super) fn place(at: &At) -> AtV1<'_> {
    AtV1 { path: &at.path, line: at.line }
}

/// RFC 3339 in whole seconds, UTC.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A warning about one object.
pub(super) fn about<'a>(code: &'static str, text: &'a str, object: &'a ObjectKey) -> WarningV1<'a> {
    WarningV1 { code, text, object: Some(reference(object)) }
}

pub(super) fn warning(warning: &Warning) -> WarningV1<'_> {
    WarningV1 { code: warning.code, text: &warning.text, object: warning.object.as_ref().map(reference) }
}
