//! The program under test, run as its users run it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Bench;

/// What one run gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{}{}", self.stdout, self.stderr))
    }
}

/// `kubectl-fluxlayers` with these arguments against the bench, as one of its users, in a cleared environment.
pub(crate) fn run(bench: &Bench, user: &str, arguments: &[&str]) -> Result<Answer> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers"));
    program.env_clear().args(arguments);
    answer(&mut program, bench, user)
}

/// The same, left running, with its standard output to be read.
pub(crate) fn start(bench: &Bench, user: &str, arguments: &[&str]) -> Result<Child> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers"));
    program.env_clear().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    at_home(&mut program, bench, user);
    program.spawn().context("cannot start the program")
}

/// `kubectl fluxlayers …`, which kubectl finds on the PATH.
pub(crate) fn run_by_kubectl(bench: &Bench, user: &str, arguments: &[&str]) -> Result<Answer> {
    let mut kubectl = bench.cluster.program("kubectl");
    kubectl.arg("fluxlayers").args(arguments).env("PATH", our_folder()?);
    answer(&mut kubectl, bench, user)
}

/// `kubectl` with these arguments as the administrator: `fluxlayers …` is this program, started directly.
pub(crate) fn program(bench: &Bench, arguments: &[&str]) -> Result<Command> {
    let mut command = match arguments {
        ["fluxlayers", rest @ ..] => {
            let mut ours = Command::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers"));
            ours.env_clear().args(rest);
            ours
        }
        _ => {
            let mut kubectl = bench.cluster.program("kubectl");
            kubectl.args(arguments);
            kubectl
        }
    };
    at_home(&mut command, bench, "admin");
    Ok(command)
}

fn our_folder() -> Result<&'static Path> {
    Path::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers")).parent().context("a program lies in a folder")
}

fn at_home(command: &mut Command, bench: &Bench, user: &str) {
    command
        .env("KUBECONFIG", bench.cluster.kubeconfig(user))
        .env("HOME", bench.dir())
        .env("LC_ALL", "C.UTF-8")
        .current_dir(bench.dir());
}

fn answer(command: &mut Command, bench: &Bench, user: &str) -> Result<Answer> {
    at_home(command, bench, user);
    finish(command)
}

/// A command as we print it, typed into a shell that finds kubectl and the other programs of the bench.
pub(crate) fn shell(bench: &Bench, folder: &Path, command: &str) -> Result<Answer> {
    let mut path = bench.cluster.programs().as_os_str().to_owned();
    path.push(":");
    path.push(our_folder()?);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env_clear().env("PATH", path);
    at_home(&mut shell, bench, "admin");
    finish(shell.current_dir(folder))
}

fn finish(command: &mut Command) -> Result<Answer> {
    let output = command.output().context("cannot start the program")?;
    let code = output.status.code().with_context(|| format!("ended by a signal: {}", output.status))?;
    Ok(Answer { code, stdout: String::from_utf8(output.stdout)?, stderr: String::from_utf8(output.stderr)? })
}
