//! The scenarios. Each makes a cluster fail in one way, and holds what we say against the table and the controllers.

mod admission;
mod alone;
mod chains;
mod changes;
mod expressions;
mod green;
mod one;
mod one_more;
pub(crate) mod ordered;
mod pods;
mod scenes;
mod secrets;
mod steps;
mod users;

use anyhow::Result;

use crate::harness::Bench;

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Bench) -> Result<()>,
    /// It stops or changes what the others use.
    pub(crate) alone: bool,
    /// The recordings that it makes, each of which it holds against the table.
    pub(crate) recordings: &'static [&'static str],
}

macro_rules! scenarios {
    ($($flag:ident $module:ident :: $name:ident [$($recording:literal),*]),* $(,)?) => {
        /// All of them.
        pub(crate) const SCENARIOS: &[Scenario] = &[$(Scenario {
            name: stringify!($name),
            run: $module::$name,
            alone: scenarios!($flag),
            recordings: &[$($recording),*],
        },)*];
    };
    (shared) => { false };
    (alone) => { true };
}

include!("list.rs");
