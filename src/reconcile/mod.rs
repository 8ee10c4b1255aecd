//! Reconciling in order, as a state machine: observations in, actions out.
//!
//! [`Plan`] decides which object is asked when, and what came of it. It holds no clock and reaches no network: time comes
//! with every observation, as the duration since the start, and what is to be done goes out as [`Action`]s. What "ready"
//! means is left to `diagnosis`, who talks to the cluster to `cluster`, what the reader sees to `render`.
//!
//! The same machine without the asking ([`Mode::Wait`]) is `wait`.

mod action;
mod advance;
mod attempt;
mod clock;
mod finish;
mod gate;
mod observation;
mod options;
mod plan;
mod sources;
mod states;
mod step;
mod structure;
mod watching;

pub use action::{Action, Cut, End, Ending, Event, Failure, Grounds, Request};
pub use attempt::is_revision;
pub use observation::{Observation, Unasked};
pub use options::{Mode, Options, Scope};
pub use plan::{Plan, StepState, StepView};

#[cfg(test)]
mod tests;
