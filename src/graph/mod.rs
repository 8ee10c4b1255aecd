//! The graph between Flux objects: typed relations, layers, cycles, missing objects.
//!
//! Pure structure: it knows who points at whom, not what state anything is in. Walks are loops, not recursion:
//! some chain is always longer.

mod components;
mod layering;
mod relations;

pub use components::{components, shortest_loop};
pub use layering::Layering;
pub use relations::{Edge, Graph, Relation};
