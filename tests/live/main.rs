//! The live bench: our program against real Flux controllers on a real API server.
//!
//! `tests/live/run` builds what it needs and calls it; `tests/live/README.md` tells what is here. Scenarios that share the
//! controllers run side by side, each in its own namespaces; those that stop a controller run alone, afterwards.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the bench starts programs, serves files and reports"
)]

mod harness;
mod load;
mod race;
mod said;
mod scenarios;
#[path = "../table/mod.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use harness::Bench;
use scenarios::{SCENARIOS, Scenario};

/// Scenarios at the same time. They wait more than they work.
const SIDE_BY_SIDE: usize = 12;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the live bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn folder(variable: &str) -> Result<PathBuf> {
    let folder =
        std::env::var_os(variable).with_context(|| format!("{variable} is not set: call tests/live/run"))?;
    Ok(PathBuf::from(folder))
}

fn run() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        let trials = SCENARIOS.iter().map(|scenario| Trial::test(scenario.name, || Ok(()))).collect();
        return Ok(libtest_mimic::run(&arguments, trials).exit_code());
    }
    let (bin, dir) = (folder("FLUXLAYERS_LIVE_BIN")?, folder("FLUXLAYERS_LIVE_DIR")?);
    if let Some(count) = std::env::var_os("FLUXLAYERS_LIVE_LOAD") {
        let count = count.to_str().and_then(|count| count.parse().ok()).context("--load wants a number")?;
        load::measure(&Bench::without_controllers(&bin, &dir, false)?, count)?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(trials_are_left(&arguments), "no scenario is called so; --list tells their names");
    let bench = Arc::new(start(&bin, &dir)?);
    if let Some(pushes) = std::env::var_os("FLUXLAYERS_LIVE_RACE") {
        let pushes = pushes.to_str().and_then(|count| count.parse().ok()).context("--race wants a number")?;
        race::measure(&bench, pushes)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (alone, shared): (Vec<_>, Vec<_>) = SCENARIOS.iter().partition(|scenario| scenario.alone);
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    let conclusion = libtest_mimic::run(&arguments, trials(&bench, &shared));
    arguments.test_threads = Some(1);
    // Over all that the scenarios have left broken, whichever were asked for.
    let every = Arguments { filter: None, exact: false, skip: Vec::new(), ..arguments.clone() };
    let remedies = libtest_mimic::run(&every, vec![remedies(&bench)]);
    bench.rest()?;
    let afterwards = libtest_mimic::run(&arguments, trials(&bench, &alone));
    bench.controllers.all_alive()?;
    let failed = [conclusion, remedies].into_iter().find(libtest_mimic::Conclusion::has_failed);
    Ok(failed.unwrap_or(afterwards).exit_code())
}

/// Every command that is printed for what fails by now is typed.
fn remedies(bench: &Arc<Bench>) -> Trial {
    let bench = bench.clone();
    Trial::test("remedies", move || {
        harness::remedies::try_all(&bench).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Whether the filters leave anything to do: an answer of "0 passed" would read as a good one.
fn trials_are_left(arguments: &Arguments) -> bool {
    let fits = |filter: &str, name: &str| if arguments.exact { name == filter } else { name.contains(filter) };
    SCENARIOS.iter().any(|scenario| {
        arguments.filter.as_deref().is_none_or(|filter| fits(filter, scenario.name))
            && !arguments.skip.iter().any(|filter| fits(filter, scenario.name))
    })
}

fn start(bin: &Path, dir: &Path) -> Result<Bench> {
    let record = std::env::var_os("FLUXLAYERS_LIVE_RECORD").is_some();
    Bench::start(bin, dir, record).with_context(|| format!("logs are in {}", dir.display()))
}

fn trials(bench: &Arc<Bench>, scenarios: &[&'static Scenario]) -> Vec<Trial> {
    let trial = |scenario: &'static Scenario| {
        let bench = bench.clone();
        Trial::test(scenario.name, move || {
            let outcome = (scenario.run)(&bench).and_then(|()| bench.has_recorded(scenario.recordings));
            outcome.map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    scenarios.iter().map(|&scenario| trial(scenario)).collect()
}
