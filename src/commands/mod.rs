//! One file a command, with its arguments: fetch, think, render, and little else.

use clap::ValueEnum;

use crate::cli::Formats;

pub mod completion;
mod drive;
pub mod impact;
mod line;
mod origin;
pub mod reconcile;
mod signals;
pub mod snapshot;
pub mod status;
mod tell;
pub mod version;
pub mod wait;
mod watch;
pub mod why;

pub use line::{Cli, Command};

/// How to write an answer that is one text or one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// `fluxlayers/v1`
    Json,
    /// The same as YAML
    Yaml,
}

impl Formats for Format {
    const HELP: &'static str = "Output: table, json or yaml";
}
