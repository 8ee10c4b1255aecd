//! `reconcile -o json` and `wait -o json`, a document a line: fields may be added; none is ever renamed, removed or retyped.

use std::time::Duration;

use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use super::common::{CauseV1, RefV1, cause, reference, references};
use crate::diagnosis::Cause;
use crate::model::{ObjectKey, Revision};
use crate::reconcile::{Cut, End, Ending, Event, Grounds, StepState, StepView};

/// What has happened to one object, or how everything ended.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Reconcile"))]
#[serde(rename_all = "camelCase")]
pub struct EventV1<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::api_version"))]
    api_version: &'static str,
    /// planned, requested, waiting, running, done, failed, skipped; summary for the last line.
    event: &'static str,
    /// Which object; absent in the summary.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    object: Option<RefV1<'a>>,
    /// Length of the longest dependency path; null of sources, and in or behind a cycle.
    layer: Option<usize>,
    /// The token that was written, where it was asked.
    requested_at: Option<&'a str>,
    /// Since the start of the command.
    elapsed_seconds: f64,
    /// What runs now.
    revision: Option<&'a str>,
    /// The root cause of a failure, as far as it is known at once; the summary has them in full.
    cause: Option<CauseV1<'a>>,
    /// What failed, for what is skipped; what is awaited, for what waits.
    skipped_behind: Vec<RefV1<'a>>,
    /// The controller's reason of a failure; else why an object is not asked: Ready, Behind, Suspended, Cycle, Deadlock,
    /// Missing, Static, Gone, NotAsked, LeftRunning, OutOfTime.
    reason: Option<&'a str>,
    /// The controller's words.
    message: Option<&'a str>,
    /// The counts; in the summary alone.
    summary: Option<SummaryV1<'a>>,
}

/// How everything ended.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Summary"))]
#[serde(rename_all = "camelCase")]
struct SummaryV1<'a> {
    /// Whether everything that was meant is up.
    good: bool,
    /// What cut it short: interrupted, timedOut or failedFast.
    cut: Option<&'static str>,
    /// Ready at the target revision after a run.
    done: usize,
    /// Was so before its turn came.
    left_alone: usize,
    failed: usize,
    /// Behind something that did not come up.
    skipped: usize,
    /// In or behind a cycle, or in need of something that does not exist.
    refused: usize,
    suspended: usize,
    out_of_time: usize,
    /// Deleted on the way.
    gone: usize,
    not_asked: usize,
    /// Going on inside the cluster, asked or by itself.
    left_running: usize,
    sources_failed: usize,
    /// Of everything that did not come up, as `why` gives them.
    root_causes: Vec<CauseV1<'a>>,
}

impl<'a> EventV1<'a> {
    fn new(event: &'static str, object: Option<&'a ObjectKey>, layer: Option<usize>, at: Duration) -> Self {
        Self {
            api_version: "fluxlayers/v1",
            event,
            object: object.map(reference),
            layer,
            requested_at: None,
            elapsed_seconds: milliseconds(at),
            revision: None,
            cause: None,
            skipped_behind: Vec::new(),
            reason: None,
            message: None,
            summary: None,
        }
    }

    /// What has happened at that time since the start.
    pub fn of(event: &'a Event, layer: Option<usize>, at: Duration, found: Option<&'a Cause>) -> Self {
        match event {
            Event::Waiting { object, behind } => {
                Self { skipped_behind: references(behind), ..Self::new("waiting", Some(object), layer, at) }
            }
            Event::Asked { object, token, .. } => {
                Self { requested_at: Some(token), ..Self::new("requested", Some(object), layer, at) }
            }
            Event::Running { object, message } => Self {
                message: Some(message).filter(|words| !words.is_empty()).map(String::as_str),
                ..Self::new("running", Some(object), layer, at)
            },
            Event::Ended { object, end, .. } => {
                let ended = Self::ended(end, object, layer, at);
                Self { cause: found.map(cause), ..ended }
            }
        }
    }

    fn ended(end: &'a End, object: &'a ObjectKey, layer: Option<usize>, at: Duration) -> Self {
        let (event, reason) = name(end);
        let new = Self { reason, ..Self::new(event, Some(object), layer, at) };
        match end {
            End::Done { revision, .. } | End::LeftAlone { revision } => {
                Self { revision: revision.as_ref().map(text), ..new }
            }
            End::Failed(failure) => Self { message: Some(&failure.message), ..new },
            End::Skipped { behind } => Self { skipped_behind: references(behind), ..new },
            End::OutOfTime { behind, message } => Self {
                skipped_behind: references(behind),
                message: Some(message).filter(|words| !words.is_empty()).map(String::as_str),
                ..new
            },
            End::Refused(Grounds::Cycle { members }) => Self { skipped_behind: references(members), ..new },
            End::Refused(Grounds::Missing { objects }) => Self { skipped_behind: references(objects), ..new },
            End::Refused(_) | End::Gone | End::NotAsked | End::LeftRunning => new,
        }
    }

    /// What would be done with an object: `planned`, or what it would come to without being asked.
    pub fn planned(step: &'a StepView<'a>) -> Self {
        match &step.state {
            StepState::Ended(end) => Self::ended(end, step.object, step.layer, Duration::ZERO),
            StepState::Waiting { behind } => Self {
                skipped_behind: references(behind),
                ..Self::new("planned", Some(step.object), step.layer, Duration::ZERO)
            },
            _ => Self::new("planned", Some(step.object), step.layer, Duration::ZERO),
        }
    }

    /// How everything ended.
    pub fn summary(ending: &Ending, good: bool, took: Duration, causes: &'a [Cause]) -> Self {
        let summary = SummaryV1 {
            good,
            cut: ending.cut.map(|cut| match cut {
                Cut::Interrupted => "interrupted",
                Cut::TimedOut => "timedOut",
                Cut::FailedFast => "failedFast",
            }),
            done: ending.done,
            left_alone: ending.left_alone,
            failed: ending.failed,
            skipped: ending.skipped,
            refused: ending.refused,
            suspended: ending.suspended,
            out_of_time: ending.out_of_time,
            gone: ending.gone,
            not_asked: ending.not_asked,
            left_running: ending.left_running,
            sources_failed: ending.sources_failed,
            root_causes: causes.iter().map(cause).collect(),
        };
        Self { summary: Some(summary), ..Self::new("summary", None, None, took) }
    }
}

/// The event that an end is, and a reason beside the controller's.
fn name(end: &End) -> (&'static str, Option<&str>) {
    match end {
        End::Done { .. } => ("done", None),
        End::LeftAlone { .. } => ("done", Some("Ready")),
        End::Failed(failure) => ("failed", Some(&failure.reason)),
        End::OutOfTime { .. } => ("failed", Some("OutOfTime")),
        End::Skipped { .. } => ("skipped", Some("Behind")),
        End::Refused(Grounds::Cycle { .. }) => ("skipped", Some("Cycle")),
        End::Refused(Grounds::Suspended) => ("skipped", Some("Suspended")),
        End::Refused(Grounds::Missing { .. }) => ("skipped", Some("Missing")),
        End::Refused(Grounds::Static) => ("skipped", Some("Static")),
        End::Refused(Grounds::Deadlock) => ("skipped", Some("Deadlock")),
        End::Gone => ("skipped", Some("Gone")),
        End::NotAsked => ("skipped", Some("NotAsked")),
        End::LeftRunning => ("skipped", Some("LeftRunning")),
    }
}

fn text(revision: &Revision) -> &str {
    &revision.0
}

/// Seconds with three digits: nobody measures more.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        schema::assert_committed::<EventV1<'_>>("reconcile.v1.json");
    }
}
