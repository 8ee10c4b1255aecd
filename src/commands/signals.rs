//! What the terminal and other processes tell a command that stays: to stop, to step aside, to look at its size.

use std::io;

use crate::error::CommandError;

/// A signal that asks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has all of them"))]
pub(super) enum Signal {
    /// To stop; the signal's number.
    Stop(u8),
    /// To give the terminal back for a while, as Ctrl-Z does.
    StepAside,
    /// The terminal has another size.
    Resized,
}

#[cfg(unix)]
pub(super) use unix::Signals;

impl Signals {
    /// Waits for a signal that ends the command.
    pub(super) async fn stopped(&mut self) -> CommandError {
        loop {
            if let Signal::Stop(number) = self.next().await {
                return CommandError::Stopped(number);
            }
        }
    }
}

#[cfg(unix)]
mod unix {
    use super::{Signal, io};
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    /// Listens from its making on; what came before has had its usual effect.
    pub(crate) struct Signals {
        interrupt: Stream,
        terminate: Stream,
        hang_up: Stream,
        suspend: Stream,
        resize: Stream,
    }

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                suspend: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
                resize: signal(SignalKind::window_change())?,
            })
        }

        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.interrupt.recv() => Signal::Stop(2),
                _ = self.terminate.recv() => Signal::Stop(15),
                _ = self.hang_up.recv() => Signal::Stop(1),
                _ = self.suspend.recv() => Signal::StepAside,
                _ = self.resize.recv() => Signal::Resized,
            }
        }

        /// Stops this process until somebody lets it go on.
        pub(crate) fn step_aside() -> io::Result<()> {
            use rustix::process::{Signal, getpid, kill_process};
            Ok(kill_process(getpid(), Signal::STOP)?)
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Stop(2),
            Err(_) => std::future::pending().await, // Ctrl-C ends the process by itself then
        }
    }

    pub(super) fn step_aside() -> io::Result<()> {
        Ok(())
    }
}
