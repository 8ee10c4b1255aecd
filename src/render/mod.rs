//! Reports in words and in JSON. Pure: a writer, a report and a view come in, nothing else is looked at.

pub mod dump;
pub mod human;
pub mod json;
#[cfg(test)]
mod schema;
mod text;
mod view;
pub mod yaml;

pub use text::clean;
pub use view::{Palette, View};
