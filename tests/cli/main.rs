//! The binary as its user meets it: what it prints where, and how it exits, in a cleared environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests may; helpers are no test functions to clippy

mod command_line;
mod support;
