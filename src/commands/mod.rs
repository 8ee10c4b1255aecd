//! One file a command, with its arguments: fetch, think, render, and little else.

pub mod completion;
mod origin;
pub mod status;
pub mod version;
pub mod why;
