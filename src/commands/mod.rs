//! One file a command, with its arguments: fetch, think, render, and little else.

pub mod completion;
mod origin;
mod signals;
pub mod status;
pub mod version;
mod watch;
pub mod why;
