//! Reports for people: words, symbols and tables, in the width and the colours of a [`View`](super::View).

mod cause;
pub mod impact;
mod page;
pub mod reconcile;
pub mod status;
pub mod version;
pub mod watch;
pub mod why;

use std::io::{self, Write};

/// What is said where not everything could be seen.
fn incomplete(has_warnings: bool) -> &'static str {
    match has_warnings {
        true => "incomplete: not everything could be seen; see the warnings",
        false => "incomplete: not everything could be seen", // they bear on something else than what is shown
    }
}

/// An empty line between two answers.
pub fn separate(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)
}
