//! The program under test, run as its users run it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
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
    let program = env!("CARGO_BIN_EXE_kubectl-fluxlayers");
    answer(Command::new(program).args(arguments), &bench.cluster.kubeconfig(user), bench)
}

/// `kubectl fluxlayers …`, which kubectl finds on the PATH.
pub(crate) fn run_by_kubectl(bench: &Bench, user: &str, arguments: &[&str]) -> Result<Answer> {
    let folder =
        Path::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers")).parent().context("a program lies in a folder")?;
    let mut kubectl = bench.cluster.program("kubectl");
    kubectl.arg("fluxlayers").args(arguments);
    let path = folder.to_str().context("a path of plain text")?.to_owned();
    answer(kubectl.env("PATH", path), &bench.cluster.kubeconfig(user), bench)
}

/// A command as we print it, typed into a shell that finds kubectl and the other programs of the bench.
pub(crate) fn shell(bench: &Bench, folder: &Path, command: &str) -> Result<Answer> {
    let mut path = bench.cluster.programs().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    let kubeconfig = bench.cluster.kubeconfig("admin");
    shell.args(["-c", command]).current_dir(folder).env_clear().env("PATH", path).env("KUBECONFIG", kubeconfig);
    finish(shell.env("HOME", bench.dir()))
}

fn answer(command: &mut Command, kubeconfig: &Path, bench: &Bench) -> Result<Answer> {
    let path: Vec<_> =
        command.get_envs().filter(|(name, _)| *name == "PATH").map(|(_, path)| path.map(Into::into)).collect();
    let path: Option<std::ffi::OsString> = path.into_iter().flatten().next();
    command.env_clear().env("KUBECONFIG", kubeconfig).env("HOME", bench.dir()).env("LC_ALL", "C.UTF-8");
    if let Some(path) = path {
        command.env("PATH", path);
    }
    finish(command.current_dir(bench.dir()))
}

fn finish(command: &mut Command) -> Result<Answer> {
    let output = command.output().context("cannot start the program")?;
    let code = output.status.code();
    ensure!(code.is_some(), "ended by a signal: {}", output.status);
    Ok(Answer {
        code: code.unwrap_or(-1),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}
