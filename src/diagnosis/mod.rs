//! States, verdicts, and the chain from a symptom to its root causes.
//!
//! Follows the controllers' own rules (kustomize-controller 1.9, helm-controller 1.6, source-controller 1.9),
//! recomputed from the objects; a controller's message is evidence, because it names only the first unmet
//! dependency and may be 30 s old.

mod ahead;
pub mod catalogue;
mod cause;
mod changes;
mod clock;
mod diagnose;
pub mod impact;
pub mod installation;
pub mod needs;
mod places;
pub mod ready_expr;
mod report;
mod seals;
mod stale;
mod standing;
mod suspects;
mod told;
mod verdict;
mod walk;
mod warnings;
pub mod why;

pub mod selection;
#[cfg(test)]
mod tests;

pub use cause::{Cause, Code, Ends, Fault, Quote, Remedy, RetryClock};
pub use changes::{CauseKey, Change, Marks};
pub use diagnose::diagnose;
pub(crate) use standing::{SourceStanding, Standing, allowed, current_revision, source_standing, standing};
pub(crate) use told::is_current;
pub(crate) use verdict::verdicts;

pub use report::{Diagnosis, ObjectReport, SourceReport, State, Verdict};
