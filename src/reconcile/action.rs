//! What the plan wants done and told.

use std::time::Duration;

use crate::model::{ObjectKey, Revision};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Patch the annotations of an object.
    Ask(Request),
    /// Tell the reader.
    Tell(Event),
    /// Come back at that time since the start, with [`Observation::Time`](super::Observation::Time) if there is nothing
    /// else. Replaces every such wish before.
    WakeAt(Duration),
    /// There is nothing more to do. Said once, and last.
    Finish(Ending),
}

/// One request, in annotations of `reconcile.fluxcd.io`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which object.
    pub object: ObjectKey,
    /// Value of `requestedAt`, RFC 3339 with nanoseconds. A request whose answer was lost is sent again with the same one.
    pub token: String,
    /// Set `forceAt` to the token as well.
    pub force: bool,
    /// Set `resetAt` to the token as well.
    pub reset: bool,
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It cannot go yet.
    Waiting {
        /// Which object.
        object: ObjectKey,
        /// What it waits for: dependencies, its applier, sources.
        behind: Vec<ObjectKey>,
    },
    /// The server has accepted the request.
    Asked {
        /// Which object.
        object: ObjectKey,
        /// The token.
        token: String,
        /// How often it was asked before.
        before: u32,
    },
    /// A run is under way.
    Running {
        /// Which object.
        object: ObjectKey,
        /// The controller's words; may be empty.
        message: String,
    },
    /// It has come to an end. Told again for an object that had to be taken up once more.
    Ended {
        /// Which object.
        object: ObjectKey,
        /// To which.
        end: End,
        /// Since its turn came; zero where it never did.
        took: Duration,
    },
}

/// To which end an object came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is ready at its target, after a run that was waited for.
    Done {
        /// What runs now.
        revision: Option<Revision>,
        /// Whether it was asked, and not brought up by the controller alone.
        asked: bool,
    },
    /// It was ready at its target when its turn came.
    LeftAlone {
        /// What runs.
        revision: Option<Revision>,
    },
    /// A run has finished and failed, or cannot begin.
    Failed(Failure),
    /// Something that it needs did not come up.
    Skipped {
        /// What failed by itself, was refused or ran out of time. Never empty.
        behind: Vec<ObjectKey>,
    },
    /// It cannot or must not be asked.
    Refused(Grounds),
    /// It did not get there in the time that it may take.
    OutOfTime {
        /// What it waited for; empty for its own run.
        behind: Vec<ObjectKey>,
        /// The controller's last words; may be empty.
        message: String,
    },
    /// It was deleted on the way.
    Gone,
    /// The plan was cut short before its turn.
    NotAsked,
    /// The plan was cut short while it ran; it goes on inside the cluster.
    LeftRunning,
}

/// A failed run, in the controller's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Reason of the Ready condition; of a refused request `Forbidden`, `NotFound` or `RequestFailed`.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// No retry will come by itself.
    pub stalled: bool,
}

/// Why an object is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// In or behind a cycle.
    Cycle {
        /// The loop, each member once, in the direction dependent → dependency.
        members: Vec<ObjectKey>,
    },
    /// `spec.suspend`.
    Suspended,
    /// Its dependency or its source does not exist.
    Missing {
        /// What is not there.
        objects: Vec<ObjectKey>,
    },
    /// A kind that no controller runs on request: an OCI HelmRepository, an ExternalArtifact. Not a fault.
    Static,
    /// It and others wait for each other in another way than by `dependsOn` alone.
    Deadlock,
}

/// What cut a plan short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The user.
    Interrupted,
    /// [`Options::timeout`](super::Options::timeout).
    TimedOut,
    /// A failure, with [`Options::fail_fast`](super::Options::fail_fast).
    FailedFast,
}

/// How everything ended. Counts are of the objects that are meant, without sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// What cut it short.
    pub cut: Option<Cut>,
    /// [`End::Done`].
    pub done: usize,
    /// [`End::LeftAlone`].
    pub left_alone: usize,
    /// [`End::Failed`].
    pub failed: usize,
    /// [`End::Skipped`].
    pub skipped: usize,
    /// [`End::Refused`], but for suspended ones.
    pub refused: usize,
    /// Suspended and not touched.
    pub suspended: usize,
    /// [`End::OutOfTime`].
    pub out_of_time: usize,
    /// [`End::Gone`].
    pub gone: usize,
    /// [`End::NotAsked`].
    pub not_asked: usize,
    /// [`End::LeftRunning`].
    pub left_running: usize,
    /// Sources that failed or ran out of time.
    pub sources_failed: usize,
    /// Named objects that are suspended or gone: nothing good can be said of what was asked for.
    pub named_in_vain: usize,
}

impl Ending {
    /// Whether the answer is bad: something failed, was skipped, refused or ran out of time, or the plan was cut short.
    pub fn is_bad(&self) -> bool {
        let unsettled = self.not_asked + self.left_running;
        let bad = self.failed + self.skipped + self.refused + self.out_of_time + self.named_in_vain;
        bad + unsettled + self.sources_failed > 0 || self.cut.is_some()
    }
}
