//! Reports for people: words, symbols and tables, in the width and the colours of a [`View`](super::View).

mod page;
pub mod status;
pub mod watch;
