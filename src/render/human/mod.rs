//! Reports for people: words, symbols and tables, in the width and the colours of a [`View`](super::View).

mod cause;
mod page;
pub mod status;
pub mod version;
pub mod watch;
pub mod why;

use std::io::{self, Write};

/// An empty line between two answers.
pub fn separate(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)
}
