//! One program of the bench: started, frozen, stopped by its own pid.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A running program, its log and its pid in the bench's folder. It ends when it is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    pid_file: PathBuf,
}

impl Process {
    /// Starts `command`, which writes `<name>.log` in `dir`. `run` ends whatever it finds by `<name>.pid` if we cannot.
    pub(crate) fn start(name: &str, dir: &Path, command: &mut Command) -> Result<Process> {
        let log = dir.join(format!("{name}.log"));
        let log =
            File::options().create(true).append(true).open(&log).with_context(|| log.display().to_string())?;
        let child = command
            .process_group(0) // Ctrl-C on a terminal would end etcd before the API server
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let pid_file = dir.join(format!("{name}.pid"));
        std::fs::write(&pid_file, child.id().to_string())?;
        Ok(Process { name: name.to_owned(), child, pid_file })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Stops it without its noticing (SIGSTOP).
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen one go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Whether it still runs.
    pub(crate) fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.alive() {
            self.thaw()?;
            self.signal(Signal::TERM)?;
            self.child.wait()?;
        }
        match std::fs::remove_file(&self.pid_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{}: {error:#}", self.name);
        }
    }
}
