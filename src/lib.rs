//! kubectl-fluxlayers: the dependency layers of Flux, and why one of them does not come up.

pub mod diagnosis;
pub mod graph;
pub mod model;
pub mod render;
#[cfg(test)]
mod testing;
