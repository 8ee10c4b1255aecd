//! kubectl-fluxlayers: the dependency layers of Flux, and why one of them does not come up.

pub mod demo;
pub mod diagnosis;
pub mod graph;
pub mod model;
pub mod repo;
#[cfg(test)]
mod testing;
pub mod wire;
pub mod yaml;
