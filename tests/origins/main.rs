//! What dumps, written by real API servers, become in the model; and what bad input becomes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helpers of tests do, tests do")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests read fixtures and write dumps")]

mod absence;
mod bad_input;
mod defaults;
mod evidence;
mod hostile;
mod kinds;
mod order;
mod repositories;
mod secrets;
mod shapes;
mod support;
