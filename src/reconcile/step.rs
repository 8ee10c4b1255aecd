//! What is remembered of one object or source.

use std::time::Duration;

use super::action::End;
use crate::model::ObjectKey;

/// One object or source in the plan. Times are on the plan's own clock, which stands still while watches are lost.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// A source, or something between a source and its users.
    pub(super) is_source: bool,
    /// It is meant, and not only needed.
    pub(super) wanted: bool,
    /// It may be asked.
    pub(super) asks: bool,
    pub(super) phase: Phase,
    /// When it came into this phase.
    pub(super) since: Duration,
    /// When its turn came, first or again.
    pub(super) turn: Option<Duration>,
    /// How many requests were sent for it.
    pub(super) asked: u32,
    /// How often it was taken up again after its end.
    pub(super) reopened: u32,
    /// Since when it waits for something that no step in the plan will bring.
    pub(super) stuck: Option<Duration>,
    /// Since when the last run has a result that another run has to mend, and may be about to.
    pub(super) unsettled: Option<Duration>,
    /// The time that its run may take.
    pub(super) clock: Clock,
    /// A run was under way when it was seen last.
    pub(super) running: bool,
    /// The server was away while it was under way: the controller may have lost that run, and pauses longer and longer
    /// before it tries again (seen: 96 s after an outage of 60 s).
    pub(super) outlived: bool,
    /// When it was seen to change last.
    pub(super) changed: Duration,
    /// Its annotation when it came into the plan.
    pub(super) first_annotation: Option<String>,
    /// Its generation when it ended.
    pub(super) generation: i64,
    /// When to look at it again though nothing is seen.
    pub(super) wake: Option<Duration>,
}

/// The time that a run may take: from when, how long, and how often that began anew.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    pub(super) from: Duration,
    pub(super) allow: Duration,
    pub(super) restarts: u32,
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its turn has not come; `behind` is what it waits for.
    Waiting { behind: Vec<ObjectKey> },
    /// Its turn has come, and as many as may be are under way.
    Queued,
    /// A run that the controller has begun by itself, or may be about to begin, is awaited. Nothing was asked.
    Awaiting {
        /// Asked if nothing has begun by then.
        until: Duration,
        /// A run that is seen cannot have begun before its turn: its result is that of a fair attempt.
        fair: bool,
    },
    /// A request was sent, no answer has come.
    Asking(Token),
    /// A request was accepted.
    Asked(Token),
    /// It is over.
    Ended(End),
}

/// A request, and what tells whether it was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) value: String,
    /// The annotation that stood there before.
    pub(super) before: Option<String>,
    /// The annotation was seen on the object.
    pub(super) seen: bool,
    /// Somebody else has asked.
    pub(super) foreign: bool,
}

impl Token {
    /// Whether a run that began after the request has finished (flux-semantics §8.1): `lastHandledReconcileAt` equals the
    /// annotation as it now stands, where that is this request or a later one.
    pub(super) fn is_handled(&self, annotation: Option<&str>, handled: Option<&str>) -> bool {
        match annotation {
            Some(now) => {
                handled == Some(now) && (now == self.value || self.seen || Some(now) != self.before.as_deref())
            }
            None => handled == Some(self.value.as_str()),
        }
    }

    /// Whether the annotation was there, is gone, and was not handled before it went.
    pub(super) fn is_lost(&self, annotation: Option<&str>, handled: Option<&str>) -> bool {
        let is_back = annotation == self.before.as_deref() && annotation != Some(self.value.as_str());
        self.seen && is_back && handled != Some(self.value.as_str())
    }
}

impl Step {
    pub(super) fn new(is_source: bool, at: Duration) -> Self {
        Self {
            is_source,
            wanted: false,
            asks: false,
            phase: Phase::Waiting { behind: Vec::new() },
            since: at,
            turn: None,
            asked: 0,
            reopened: 0,
            stuck: None,
            unsettled: None,
            clock: Clock::default(),
            running: false,
            outlived: false,
            changed: at,
            first_annotation: None,
            generation: 0,
            wake: None,
        }
    }

    /// How it ended, if it has.
    pub(super) fn end(&self) -> Option<&End> {
        match &self.phase {
            Phase::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Whether it takes one of the places of which there are only so many.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::Awaiting { .. } | Phase::Asking(_) | Phase::Asked(_))
    }

    /// The request that is not handled yet.
    pub(super) fn token(&self) -> Option<&Token> {
        match &self.phase {
            Phase::Asking(token) | Phase::Asked(token) => Some(token),
            _ => None,
        }
    }
}
