//! The binary as its user meets it: what it prints where, and how it exits, in a cleared environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests may; helpers are no test functions to clippy
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start the binary and read files"
)]

mod command_line;
mod dumps;
mod impact;
mod join;
mod repo;
mod snapshot;
mod support;
mod suspects;
mod version;
mod why;
