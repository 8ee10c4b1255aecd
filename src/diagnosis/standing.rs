//! What an object's own status says of it, before anything that it waits for is looked at.

use std::time::Duration;

use jiff::Timestamp;

use super::told::is_current;
use crate::model::{
    Condition, ConditionStatus, Event, GroupKind, Node, Revision, Snapshot, Source, parse_duration,
};

/// Where an applier stands by its own conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// `spec.suspend`: the controller does not touch it.
    Suspended,
    /// Being deleted.
    Terminating,
    /// It is there and could not be decoded.
    Unreadable,
    /// No controller has looked at this generation.
    NotObserved,
    /// It was stopped by a dependency.
    WaitsForDependencies,
    /// It was stopped by its source: missing, or no artifact.
    WaitsForSource,
    /// It ran, or could not, by itself.
    Failed(OwnFailure),
    /// A run is under way since then.
    Running { since: Option<Timestamp> },
    /// Ready=True for this generation, at another revision than its source's current one.
    Behind,
    /// Ready=True for this generation and, for a Kustomization, at the current revision.
    Ready,
}

/// A failure of the object itself, in the controller's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnFailure {
    /// Reason of the Ready condition, or of the Event while it retries.
    pub(crate) reason: String,
    /// The controller's words; empty where only the history tells.
    pub(crate) message: String,
    /// No retry will come.
    pub(crate) stalled: bool,
    /// A run of the revision that failed is under way.
    pub(crate) retrying: bool,
}

/// How long an edit or a creation may go unnoticed before that is worth a word.
const GRACE: Duration = Duration::from_secs(60);

/// Where an applier stands, by kustomize-controller 1.9, helm-controller 1.6 and flux-operator 0.58.
pub(crate) fn standing(snapshot: &Snapshot, node: &Node) -> Standing {
    if node.unreadable {
        return Standing::Unreadable;
    }
    if node.suspended {
        return Standing::Suspended;
    }
    if node.meta.deleted.is_some() {
        return Standing::Terminating;
    }
    let conditions = &node.status.conditions;
    let generation = node.meta.generation;
    let reconciling =
        conditions.get("Reconciling").filter(|condition| condition.status == ConditionStatus::True);
    let running = |condition: &Condition| Standing::Running { since: condition.since };
    let Some(ready) = conditions.ready() else {
        return match reconciling {
            Some(reconciling) if is_current(node, reconciling) => running(reconciling),
            _ => unobserved(snapshot, node),
        };
    };
    if !is_current(node, ready) {
        // A run for the new generation may have begun before Ready was written again.
        return match reconciling {
            Some(reconciling) if reconciling.observed_generation.is_some_and(|seen| seen >= generation) => {
                running(reconciling)
            }
            _ => unobserved(snapshot, node),
        };
    }
    match ready.status {
        ConditionStatus::Unknown => match failed_before(snapshot, node) {
            Some(failure) => Standing::Failed(failure),
            None => running(ready),
        },
        ConditionStatus::False => failed(node, ready),
        ConditionStatus::True if !node.is_observed() => running(reconciling.unwrap_or(ready)),
        ConditionStatus::True => match reconciling {
            // helm-controller keeps Ready=True while a run is under way; in kustomize-controller a leftover
            // beside Ready=True lasts for the moment between two writes.
            Some(reconciling) => running(reconciling),
            None if is_behind(snapshot, node) => Standing::Behind,
            None => Standing::Ready,
        },
    }
}

/// A generation that nobody has looked at: in the first minute that is no news.
fn unobserved(snapshot: &Snapshot, node: &Node) -> Standing {
    let newest = node.meta.created.max(node.meta.edited);
    match newest {
        Some(time) if !is_older(snapshot.now, time, GRACE) => Standing::Running { since: Some(time) },
        _ => Standing::NotObserved,
    }
}

fn failed(node: &Node, ready: &Condition) -> Standing {
    let message = ready.message.as_str();
    match ready.reason.as_str() {
        "DependencyNotReady" if message.starts_with("failed to evaluate the CEL expression") => {}
        "DependencyNotReady" => return Standing::WaitsForDependencies,
        "HealthCheckCanceled" | "Progressing" => return Standing::Running { since: ready.since },
        "SourceNotReady" => return Standing::WaitsForSource,
        "ArtifactFailed" if is_about_the_source(message) => return Standing::WaitsForSource,
        _ => {}
    }
    let stalled = node.status.conditions.get("Stalled").is_some_and(|stalled| {
        // In kustomize-controller an old Stalled can outlive its cause; it says why with the reason of Ready.
        stalled.status == ConditionStatus::True
            && is_current(node, stalled)
            && (node.key.kind != GroupKind::KUSTOMIZATION || stalled.reason == ready.reason)
    });
    Standing::Failed(OwnFailure {
        reason: ready.reason.clone(),
        message: message.to_owned(),
        stalled,
        retrying: false,
    })
}

/// Words of an `ArtifactFailed` that say: look at the source, not at me.
fn is_about_the_source(message: &str) -> bool {
    message.starts_with("Source artifact not found")
        || message.starts_with("Source is not ready")
        || message.starts_with("Source not ready")
        || message.starts_with("unable to get source '")
        || is_unready_chart(message)
        || source_not_found(message)
}

/// `HelmChart '<namespace>/<name>' is not ready`, which helm-controller before 0.37 writes under `ArtifactFailed`.
fn is_unready_chart(message: &str) -> bool {
    message
        .split_once(" '")
        .is_some_and(|(kind, rest)| kind.chars().all(char::is_alphanumeric) && rest.contains("' is not ready"))
}

/// Whether a controller says that a source does not exist: `<Kind>.source.toolkit.fluxcd.io "<name>" not found`.
pub(super) fn source_not_found(message: &str) -> bool {
    let plain = message
        .strip_prefix("could not get Source object: ")
        .or_else(|| message.strip_prefix("failed to get source: "))
        .unwrap_or(message);
    plain
        .split_once(".source.toolkit.fluxcd.io \"")
        .is_some_and(|(kind, rest)| kind.chars().all(char::is_alphanumeric) && rest.ends_with("\" not found"))
}

/// Whether an applier runs another revision than its source has: a Kustomization than its source's artifact, a HelmRelease
/// than its HelmChart's, or another digest than its OCIRepository's. Unknown sources say nothing, nor does a release whose
/// digest is not followed.
fn is_behind(snapshot: &Snapshot, node: &Node) -> bool {
    let Some(current) = current_revision(snapshot, node) else { return false };
    if node.key.kind == GroupKind::KUSTOMIZATION {
        return node.status.last_applied_revision.as_ref() != Some(current);
    }
    let kind = node.source.as_ref().map(|source| &source.kind);
    if kind == Some(&GroupKind::OCI_REPOSITORY) {
        let attempted = node.status.last_attempted_digest.as_deref();
        return attempted.zip(current.digest()).is_some_and(|(attempted, current)| attempted != current);
    }
    let attempted = node.status.last_attempted_revision.as_ref();
    kind == Some(&GroupKind::HELM_CHART)
        && attempted.is_some_and(|attempted| bare_version(&attempted.0) != bare_version(&current.0))
}

/// Since when an applier that is behind its source is so: when the revision came that it does not run.
pub(super) fn behind_since(snapshot: &Snapshot, node: &Node) -> Option<Timestamp> {
    let source = snapshot.sources.get(node.source.as_ref()?)?;
    let came = source.artifact.as_ref()?.updated?;
    Some(node.meta.created.map_or(came, |created| created.max(came)))
}

/// A chart's version as far as both controllers spell it alike: without a leading `v`, which an index may have and the
/// chart not, and without the metadata behind a `+`, where helm-controller may put an artifact's digest.
fn bare_version(version: &str) -> &str {
    let version = version.strip_prefix('v').unwrap_or(version);
    version.split_once('+').map_or(version, |(bare, _)| bare)
}

/// Current revision of an applier's source.
pub(crate) fn current_revision<'a>(snapshot: &'a Snapshot, node: &Node) -> Option<&'a Revision> {
    let source = snapshot.sources.get(node.source.as_ref()?)?;
    source.artifact.as_ref().map(|artifact| &artifact.revision)
}

/// The failure of the run before, when the run that is under way is of the same revision and nothing has succeeded since:
/// history or the newest event show that (flux-semantics trap 4).
///
/// For a HelmRelease the revision is the chart version: with a new generation the same chart is a new try.
fn failed_before(snapshot: &Snapshot, node: &Node) -> Option<OwnFailure> {
    let is_kustomization = node.key.kind == GroupKind::KUSTOMIZATION;
    let has_failed = node.status.failed_generation == Some(node.meta.generation);
    if !is_kustomization && !node.is_observed() && !has_failed {
        return None;
    }
    let revision = running_revision(node).or_else(|| current_revision(snapshot, node).cloned())?;
    let succeeded = last_success(snapshot, node);
    let event = events_of(snapshot, node)
        .iter()
        .rfind(|event| event.warning && event.revision.as_ref() == Some(&revision))
        .filter(|event| event.last > succeeded);
    let entry = node
        .status
        .history
        .iter()
        .filter(|entry| entry.revision.as_ref() == Some(&revision) && !is_success(&entry.status))
        .filter(|entry| is_kustomization && entry.last > succeeded)
        .max_by_key(|entry| entry.last);
    let (reason, message) = match (event, entry) {
        (Some(event), _) => (event.reason.clone(), event.message.clone()),
        (None, Some(entry)) => (entry.status.clone(), String::new()),
        (None, None) => return None,
    };
    Some(OwnFailure { reason, message, stalled: false, retrying: true })
}

fn events_of<'a>(snapshot: &'a Snapshot, node: &Node) -> &'a [Event] {
    snapshot.evidence.events.get(&node.key).map(Vec::as_slice).unwrap_or_default()
}

/// Whether a history entry or an event speaks of a success: a Kustomization's reason, a release's status, or the reason of
/// an event. A rollback or an uninstall that succeeds is none.
fn is_success(status: &str) -> bool {
    const NONE: [&str; 2] = ["RollbackSucceeded", "UninstallSucceeded"];
    status == "deployed" || (status.ends_with("Succeeded") && !NONE.contains(&status))
}

/// When the object succeeded last, by its history and its events.
fn last_success(snapshot: &Snapshot, node: &Node) -> Option<Timestamp> {
    let ran =
        node.status.history.iter().filter(|entry| is_success(&entry.status)).filter_map(|entry| entry.last);
    let seen = events_of(snapshot, node).iter().filter(|event| !event.warning && is_success(&event.reason));
    ran.chain(seen.filter_map(|event| event.last)).max()
}

/// The revision that a running Kustomization names in its Reconciling condition:
/// `Building manifests for revision <revision> with a timeout of 1m0s`.
fn running_revision(node: &Node) -> Option<Revision> {
    let reconciling = node.status.conditions.get("Reconciling")?;
    let (_, rest) = reconciling.message.split_once(" for revision ")?;
    rest.split_whitespace().next().map(|revision| Revision(revision.to_owned()))
}

/// How long the present run may take: what its Reconciling condition names (`… with a timeout of 1m0s`, `… with timeout of
/// 20m0s`: a HelmRelease may have one for each action), else the object's own time-out.
pub(crate) fn allowed(node: &Node) -> Duration {
    let reconciling = node.status.conditions.get("Reconciling").map(|condition| condition.message.as_str());
    let named = reconciling.and_then(|message| message.rsplit_once("timeout of ")).map(|(_, rest)| rest);
    let named = named.and_then(|rest| parse_duration(rest.split_whitespace().next()?.trim_end_matches('.')));
    named.unwrap_or_default().max(node.effective_timeout())
}

/// When the present failure or wait began: the earliest Event or history entry of the same failure since the last
/// success, not the last retry.
pub(super) fn began(snapshot: &Snapshot, node: &Node, failure: Option<&OwnFailure>) -> Option<Timestamp> {
    let changed = node.status.conditions.ready().and_then(|ready| ready.since);
    let Some(OwnFailure { reason, message, .. }) = failure else { return changed };
    // Two failures can share a reason; the first words tell them apart, what follows may hold times and folders.
    let first_words = |text: &str| text.chars().take(20).collect::<String>();
    let same = |event: &&Event| {
        event.warning && event.reason == *reason && first_words(&event.message) == first_words(message)
    };
    let succeeded = last_success(snapshot, node);
    let seen = events_of(snapshot, node).iter().filter(same).filter_map(|event| event.first);
    let ran =
        node.status.history.iter().filter(|entry| entry.status == *reason).filter_map(|entry| entry.first);
    seen.chain(ran).chain(changed).filter(|time| Some(*time) > succeeded).min().or(changed)
}

/// Whether `time` lies more than `age` before `now`.
pub(super) fn is_older(now: Timestamp, time: Timestamp, age: Duration) -> bool {
    let passed = now.duration_since(time);
    !passed.is_negative() && passed.unsigned_abs() > age
}

/// Where a source stands by its own conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceStanding {
    /// `spec.suspend`.
    Suspended,
    /// No controller has looked at this generation.
    NotObserved,
    /// It says that what it is made from is not there.
    WaitsForUpstream,
    /// It fails by itself.
    Failed {
        /// No retry will come.
        stalled: bool,
    },
    /// A run is under way.
    Running,
    /// Fetched, or of a kind that nothing has to fetch.
    Ready,
}

/// Where a source stands, by source-controller 1.9 and source-watcher 2.2.
pub(crate) fn source_standing(snapshot: &Snapshot, source: &Source) -> SourceStanding {
    if source.suspended {
        return SourceStanding::Suspended;
    }
    if source.oci {
        return SourceStanding::Ready; // static: source-controller writes no status
    }
    let generation = source.meta.generation;
    let conditions = &source.conditions;
    let reached = |condition: &Condition| {
        condition.observed_generation.or(source.observed_generation).is_none_or(|seen| seen >= generation)
    };
    let in_grace = || {
        let newest = source.meta.created.max(source.meta.edited);
        newest.is_some_and(|time| !is_older(snapshot.now, time, GRACE))
    };
    let unobserved = || if in_grace() { SourceStanding::Running } else { SourceStanding::NotObserved };
    let reconciling = conditions
        .get("Reconciling")
        .is_some_and(|condition| condition.status == ConditionStatus::True && reached(condition));
    let Some(ready) = conditions.ready() else {
        return match source.key.kind == GroupKind::EXTERNAL_ARTIFACT && source.artifact.is_some() {
            true => SourceStanding::Ready, // made by a third party; it need not write conditions
            false if reconciling => SourceStanding::Running,
            false => unobserved(),
        };
    };
    if !reached(ready) {
        return if reconciling { SourceStanding::Running } else { unobserved() };
    }
    match ready.status {
        ConditionStatus::True => SourceStanding::Ready,
        ConditionStatus::Unknown => SourceStanding::Running,
        ConditionStatus::False => {
            let upstream =
                matches!(ready.reason.as_str(), "SourceUnavailable" | "NoSourceArtifact" | "SourceFetchFailed")
                    || (conditions.is_true("IncludeUnavailable")
                        && matches!(ready.reason.as_str(), "NotFound" | "NoArtifact"));
            if upstream {
                return SourceStanding::WaitsForUpstream;
            }
            SourceStanding::Failed {
                stalled: conditions
                    .get("Stalled")
                    .is_some_and(|stalled| stalled.status == ConditionStatus::True && reached(stalled)),
            }
        }
    }
}

/// Since when a source fails: the earliest condition or Event of the same failure.
pub(super) fn source_began(snapshot: &Snapshot, source: &Source) -> Option<Timestamp> {
    let ready = source.conditions.ready()?;
    let same = source.conditions.0.iter().filter(|condition| condition.reason == ready.reason);
    let events = snapshot.evidence.events.get(&source.key).map(Vec::as_slice).unwrap_or_default();
    let fetched = source.artifact.as_ref().and_then(|artifact| artifact.updated);
    let seen = events.iter().filter(|event| event.warning && event.reason == ready.reason);
    same.filter_map(|condition| condition.since)
        .chain(seen.filter_map(|event| event.first).filter(|time| Some(*time) > fetched))
        .min()
}
