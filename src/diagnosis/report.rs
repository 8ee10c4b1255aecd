//! What a diagnosis says of every object.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::cause::{Cause, RetryClock};
use crate::graph::Layering;
use crate::model::{At, Condition, Coverage, ObjectKey, OriginKind, Revision, Warning};

/// State of a Kustomization, HelmRelease or ResourceSet (and, by analogy, of a source).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Depended upon or declared, and not on the cluster.
    Missing,
    /// `spec.suspend`.
    Suspended,
    /// It ran and failed by itself, or its own spec stops it.
    Failed,
    /// It waits for something that is wrong; its root causes are known.
    Blocked,
    /// Nothing can be said: never looked at, not readable, or waiting for something out of sight.
    Unknown,
    /// A run is under way or due, and nothing has failed.
    Progressing,
    /// Ready for the current generation and, for a Kustomization, at the current revision of its source.
    Ready,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [State; 7] = [
        Self::Missing,
        Self::Suspended,
        Self::Failed,
        Self::Blocked,
        Self::Unknown,
        Self::Progressing,
        Self::Ready,
    ];

    /// The state's name, as in JSON and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::Suspended => "Suspended",
            Self::Failed => "Failed",
            Self::Blocked => "Blocked",
            Self::Unknown => "Unknown",
            Self::Progressing => "Progressing",
            Self::Ready => "Ready",
        }
    }

    /// Whether an object in this state makes the answer bad (exit code 1).
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Missing | Self::Failed | Self::Blocked | Self::Unknown)
    }
}

/// What one `dependsOn` entry means right now, in the order in which the controller asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The dependency does not exist.
    NotFound,
    /// It may not be read, so it is not judged.
    Forbidden,
    /// Not judged for another reason: it is in no list that was read, cannot be decoded, is of a kind of which nothing but
    /// its existence is known here, or no cluster was asked.
    Unknown,
    /// `readyExpr` is false.
    ReadyExprFalse,
    /// `readyExpr` cannot be evaluated here, so the entry is never shown as ready.
    ReadyExprUnknown,
    /// Neither `observedGeneration` nor any condition has reached the generation.
    NotObserved,
    /// It is there and not ready.
    NotReady,
    /// Ready, but at an older revision of the source that both share.
    RevisionBehind,
    /// Met.
    Ready,
}

impl Verdict {
    /// The verdict's name, as in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::Forbidden => "Forbidden",
            Self::Unknown => "Unknown",
            Self::ReadyExprFalse => "ReadyExprFalse",
            Self::ReadyExprUnknown => "ReadyExprUnknown",
            Self::NotObserved => "NotObserved",
            Self::NotReady => "NotReady",
            Self::RevisionBehind => "RevisionBehind",
            Self::Ready => "Ready",
        }
    }
}

/// What is known of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectReport {
    /// Which object.
    pub key: ObjectKey,
    /// Its state.
    pub state: State,
    /// No retry will come.
    pub stalled: bool,
    /// A run of the revision that failed last time is under way.
    pub retrying: bool,
    /// Its layer; `None` in or behind a cycle.
    pub layer: Option<usize>,
    /// Its Ready condition.
    pub ready: Option<Condition>,
    /// When its present state began.
    pub since: Option<Timestamp>,
    /// Revision that runs: last applied, or the chart version last deployed.
    pub revision: Option<Revision>,
    /// Current revision of its source.
    pub source_revision: Option<Revision>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// On the cluster, not ready, and never applied any revision.
    pub never_applied: bool,
    /// Its dependencies with their verdicts, in the order of `spec.dependsOn`.
    pub depends_on: Vec<(ObjectKey, Verdict)>,
    /// Its nearest source.
    pub source: Option<ObjectKey>,
    /// What applies it.
    pub applied_by: Option<ObjectKey>,
    /// Where it is declared.
    pub declared_at: Option<At>,
    /// Where each of its `dependsOn` entries stands, by what that depends on.
    pub edges_at: BTreeMap<ObjectKey, At>,
    /// Its labels, for selectors.
    pub labels: BTreeMap<String, String>,
    /// Objects of the root causes that it is hit by, ordered, without itself.
    pub blocked_by: Vec<ObjectKey>,
    /// When it ran last, and when it runs again.
    pub clock: RetryClock,
    /// What a run that is under way does, in its controller's words.
    pub doing: Option<String>,
    /// Who set `spec.suspend`, and when, as far as `managedFields` tell.
    pub suspended_by: Option<(String, Option<Timestamp>)>,
}

/// What is known of one source; shown by `graph` and `why`, in no summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// Which source.
    pub key: ObjectKey,
    /// Its state, by analogy.
    pub state: State,
    /// No retry will come.
    pub stalled: bool,
    /// Objects of the causes that it is hit by, without itself.
    pub blocked_by: Vec<ObjectKey>,
    /// Revision of its artifact, and when that was stored.
    pub fetched: Option<(Revision, Option<Timestamp>)>,
    /// When it failed first, and has not fetched since.
    pub since: Option<Timestamp>,
    /// Kustomizations, HelmReleases and ResourceSets that use it, through other sources as well; ordered.
    pub users: Vec<ObjectKey>,
    /// How often it is fetched.
    pub interval: Option<Duration>,
    /// Its Ready condition.
    pub ready: Option<Condition>,
    /// Who set `spec.suspend`, and when, as far as `managedFields` tell.
    pub suspended_by: Option<(String, Option<Timestamp>)>,
    /// Where it is declared.
    pub declared_at: Option<At>,
    /// The fault behind a state that is not good: its own or that of the deepest failing link.
    pub fault: Option<super::cause::Fault>,
}

/// Everything that can be said about a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Which kind of origin gave the facts.
    pub origin: OriginKind,
    /// For people: where the facts come from.
    pub label: String,
    /// The moment from which ages are measured.
    pub now: Timestamp,
    /// False when something could not be read, or a verdict had to do without an object that is out of sight.
    pub complete: bool,
    /// What absence proves.
    pub coverage: Coverage,
    /// Every Kustomization, HelmRelease and ResourceSet.
    pub objects: BTreeMap<ObjectKey, ObjectReport>,
    /// Every source.
    pub sources: BTreeMap<ObjectKey, SourceReport>,
    /// What each object waits for by an edge that is not met: dependencies, sources, Flux objects in a failed health
    /// check. Objects that wait for nothing have no entry.
    pub waits: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Layers, cycles (deadlocks among them), missing dependencies.
    pub layering: Layering,
    /// All root causes, by `blocks`, largest first, then by object.
    pub causes: Vec<Cause>,
    /// What is no cause and should be known, ordered.
    pub warnings: Vec<Warning>,
    /// Kustomizations of which a joined repository tells in part what they are built of; who asks about one should know.
    pub partial: Vec<Warning>,
}

impl Diagnosis {
    /// Whether only a repository was read.
    pub fn is_declared(&self) -> bool {
        self.origin == OriginKind::Declared
    }

    /// Whether this object alone makes the answer bad. Where only a repository was read, every object is `Unknown`
    /// because no cluster was asked, and that is no fault of theirs.
    pub fn is_bad(&self, object: &ObjectReport) -> bool {
        object.state.is_bad() && !(self.is_declared() && object.state == State::Unknown)
    }
}
