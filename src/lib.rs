//! kubectl-fluxlayers: the dependency layers of Flux, and why one of them does not come up.

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod demo;
pub mod diagnosis;
pub mod error;
mod foreign;
pub mod graph;
pub mod model;
pub mod output;
pub mod reconcile;
pub mod render;
pub mod repo;
#[cfg(test)]
mod testing;
pub mod wire;
pub mod yaml;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{FromArgMatches, ValueEnum};

use commands::{Cli, Command, completion, impact, reconcile as ordered, snapshot, status, version, wait, why};
use diagnosis::selection::Outcome;
use error::CommandError;
use output::{ColorChoice, Output};

/// Exit code where there is no answer.
const NO_ANSWER: u8 = 2;

/// Added to the number of the signal that ended the command, as shells do.
const STOPPED: u8 = 128;

/// Runs one command line, the first word being the program's own name.
///
/// Exit code 0 says that the answer is good, 1 that it is bad, 2 that there is none, 130 that Ctrl-C was typed.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) => return usage(&args, &error),
    };
    let mut out = Output::new(cli.global.color);
    let result = match &cli.command {
        Command::Status(args) => block_on(status::run(args, &cli.global, &mut out)),
        Command::Why(args) => block_on(why::run(args, &cli.global, &mut out)),
        Command::Reconcile(args) => block_on(ordered::run(args, &cli.global, &mut out)),
        Command::Wait(args) => block_on(wait::run(args, &cli.global, &mut out)),
        Command::Impact(args) => block_on(impact::run(args, &cli.global, &mut out)),
        Command::Snapshot(args) => block_on(snapshot::run(args, &cli.global, &mut out)),
        Command::Version(args) => block_on(version::run(args, &cli.global, &mut out)),
        Command::Completion(args) => completion::run(args, &mut out),
    };
    let result = result.and_then(|outcome| {
        out.finish()?;
        Ok(outcome)
    });
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(CommandError::Stopped(signal)) => ExitCode::from(STOPPED.saturating_add(signal)),
        Err(error) => {
            out.error(&error);
            ExitCode::from(NO_ANSWER)
        }
    }
}

/// Runs a command to its end on one thread: what it waits for is the network.
fn block_on<T>(command: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    runtime.shutdown_background(); // a name that is still being looked up holds nobody up
    result
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let command = <Cli as clap::CommandFactory>::command();
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// Help and version are answers, everything else that clap has to say is a usage error.
fn usage(args: &[OsString], error: &clap::Error) -> ExitCode {
    let color = color_choice(args);
    let mut out = Output::new(color);
    let text = error.render();
    let text = if Output::is_coloured(color) { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        out.print_error_text(&text);
        return ExitCode::from(NO_ANSWER);
    }
    let written = out.stdout().write_all(text.as_bytes()).and_then(|()| out.finish());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&CommandError::from(error));
            ExitCode::from(NO_ANSWER)
        }
    }
}

/// `--color`, as far as it can be told from a command line that could not be parsed.
fn color_choice(args: &[OsString]) -> ColorChoice {
    let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let value = words.iter().enumerate().find_map(|(index, word)| match word.strip_prefix("--color") {
        Some("") => words.get(index + 1).copied(),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    value.and_then(|value| ColorChoice::from_str(value, false).ok()).unwrap_or_default()
}
