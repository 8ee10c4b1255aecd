//! The binary, started and listened to.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::server::Server;

/// A test that waits for so long waits for something that will not come.
const HANGS: Duration = Duration::from_secs(120);

/// The binary with nothing in its environment but a locale.
pub(crate) fn fluxlayers(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers"));
    command.args(args).env_clear().env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// What `status` says of the same server at this moment, and its exit code.
pub(crate) fn status(server: &Server, args: &[&str]) -> (String, i32) {
    let url = server.url();
    let output = fluxlayers(&["status", "--server", &url]).args(args).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// Starts `status --watch` with pipes to read from.
pub(crate) fn start(server: &Server, args: &[&str]) -> Child {
    let url = server.url();
    let mut command = fluxlayers(&["status", "--watch", "--server", &url]);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A running `status --watch`, line by line.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Watching {
    pub(crate) fn start(server: &Server, args: &[&str]) -> Self {
        Self::of(start(server, args))
    }

    /// Starts another command that stays.
    pub(crate) fn run(server: &Server, args: &[&str]) -> Self {
        let mut command = fluxlayers(args);
        command.args(["--server", &server.url()]);
        Self::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// With a kubeconfig, and what is in it.
    pub(crate) fn with(kubeconfig: &std::path::Path, args: &[&str]) -> Self {
        let mut command = fluxlayers(&["status", "--watch", "--kubeconfig"]);
        command.arg(kubeconfig).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).spawn().unwrap())
    }

    fn of(mut child: Child) -> Self {
        let lines = each_line(child.stdout.take().unwrap());
        let errors = each_line(child.stderr.take().unwrap());
        Self { child, lines, errors }
    }

    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(HANGS).expect("the next line")
    }

    /// The next line, without its time.
    pub(crate) fn change(&self) -> String {
        self.line().split_once("  ").unwrap().1.to_owned()
    }

    pub(crate) fn error(&self) -> String {
        self.errors.recv_timeout(HANGS).expect("the next line of standard error")
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Sends SIGINT, and gives what was still said and the exit code.
    pub(crate) fn interrupt(mut self) -> (Vec<String>, i32) {
        signal(&self.child, "INT");
        let code = self.child.wait().unwrap().code().unwrap();
        (std::mem::replace(&mut self.lines, channel().1).iter().collect(), code)
    }

    /// Waits for it to end by itself.
    pub(crate) fn end(mut self) -> (Vec<String>, i32) {
        let code = self.child.wait().unwrap().code().unwrap();
        (std::mem::replace(&mut self.lines, channel().1).iter().collect(), code)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill(); // a test that fails leaves nothing behind
    }
}

/// Sends a signal to one process.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn each_line(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A running `status --watch` on a terminal.
pub(crate) struct Drawing {
    child: Child,
}

impl Drawing {
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has stopped for a while: what tells it to go on before that is lost.
    pub(crate) fn await_stop(&self) {
        use rustix::process::{Pid, WaitOptions, waitpid};
        let (_, status) = waitpid(Some(Pid::from_child(&self.child)), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }

    /// Waits for its end.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        let _ = self.child.kill(); // a test that fails leaves nothing behind
    }
}

/// A terminal that somebody reads from, and its other end.
pub(crate) struct Terminal {
    master: std::fs::File,
    path: std::path::PathBuf,
    seen: Vec<u8>,
}

impl Terminal {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap().into();
        let terminal = Self { master: master.into(), path, seen: Vec::new() };
        terminal.resize(columns, rows);
        terminal
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.master, size).unwrap();
    }

    /// Whether keys are echoed.
    pub(crate) fn echoes(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.master).unwrap().local_modes;
        modes.contains(rustix::termios::LocalModes::ECHO)
    }

    pub(crate) fn start(&self, server: &Server, args: &[&str]) -> Drawing {
        let end = || std::fs::OpenOptions::new().read(true).write(true).open(&self.path).unwrap();
        let url = server.url();
        let mut command = fluxlayers(&["status", "--watch", "--server", &url]);
        command.args(args).env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
        Drawing { child: command.spawn().unwrap() }
    }

    /// Reads and forgets until nobody writes any more.
    pub(crate) fn drain(mut self) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while self.master.read(&mut piece).is_ok_and(|number| number > 0) {}
        })
    }

    /// Reads until this has been written, and gives all that was written since the last time.
    pub(crate) fn await_text(&mut self, text: &str) -> String {
        let mut piece = [0; 4096];
        loop {
            let written = String::from_utf8_lossy(&self.seen);
            if let Some(at) = written.find(text) {
                let (until, rest) = written.split_at(at + text.len());
                let (until, rest) = (until.to_owned(), rest.as_bytes().to_vec());
                self.seen = rest;
                return until;
            }
            let number = self.master.read(&mut piece).unwrap_or(0);
            assert!(number > 0, "{text:?} never came, but {written:?}");
            self.seen.extend_from_slice(&piece[..number]);
        }
    }
}
