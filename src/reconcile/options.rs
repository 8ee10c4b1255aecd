//! What is to be brought up, and how.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{GroupKind, ObjectKey};

/// Which objects are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Kinds that are meant where no object is named: Kustomization, HelmRelease.
    pub kinds: BTreeSet<GroupKind>,
    /// The one namespace that is meant where no object is named; `None` for all.
    pub namespace: Option<String>,
    /// Objects that were named; empty for all of `kinds`, those included that appear later.
    pub objects: BTreeSet<ObjectKey>,
    /// With the named objects all that they depend on, and the appliers of all of these.
    pub dependencies: bool,
    /// With the named objects all that depends on them.
    pub dependents: bool,
}

impl Default for Scope {
    /// All Kustomizations.
    fn default() -> Self {
        Self {
            kinds: BTreeSet::from([GroupKind::KUSTOMIZATION]),
            namespace: None,
            objects: BTreeSet::new(),
            dependencies: false,
            dependents: false,
        }
    }
}

/// Whether objects are asked, or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `reconcile`: every object that is not done is asked when its turn comes.
    Ask,
    /// `wait`: nothing is asked. Such a plan ends by itself only when everything is done or has failed; what never comes
    /// is ended by [`Options::timeout`].
    Wait,
}

/// How objects are brought up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether anything is asked.
    pub mode: Mode,
    /// An object waits for its dependencies and its applier. Without it a named object is asked at once, whether or not it
    /// is ready, as `flux reconcile` does.
    pub ordered: bool,
    /// Objects that are ready at their target run again as well.
    pub all: bool,
    /// Sources are refreshed first.
    pub with_source: bool,
    /// Goes on with the artifact that a failing source has kept, instead of stopping what uses it.
    pub old_artifacts: bool,
    /// HelmReleases are asked with `forceAt`, ready or not.
    pub force: bool,
    /// HelmReleases are asked with `resetAt`.
    pub reset: bool,
    /// How many objects may be under way at the same time; sources do not count. 0 is taken for 1.
    pub concurrency: usize,
    /// Nothing is asked after the first failure, and the plan ends.
    pub fail_fast: bool,
    /// Limit of the whole; `None` where each object's own time-out rules.
    pub timeout: Option<Duration>,
    /// `wait --revision`: a whole revision, the commit of one or the beginning of that, or a digest.
    pub revision: Option<String>,
    /// The sources that `revision` is of: what is built from another one has only to be ready at its own. Empty for all.
    pub revision_of: BTreeSet<ObjectKey>,
    /// The moment to which all durations are relative, by any clock: tokens are made of it, nothing is compared with it.
    pub started: Timestamp,
}

impl Options {
    /// `reconcile --ordered` without further flags.
    pub fn new(started: Timestamp) -> Self {
        Self {
            mode: Mode::Ask,
            ordered: true,
            all: false,
            with_source: true,
            old_artifacts: false,
            force: false,
            reset: false,
            concurrency: 8,
            fail_fast: false,
            timeout: None,
            revision: None,
            revision_of: BTreeSet::new(),
            started,
        }
    }

    /// `wait` without further flags.
    pub fn wait(started: Timestamp, timeout: Duration) -> Self {
        let timeout = Some(timeout);
        Self { mode: Mode::Wait, with_source: false, fail_fast: true, timeout, ..Self::new(started) }
    }
}
