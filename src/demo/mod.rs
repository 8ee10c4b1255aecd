//! The example that is built into the binary: a blocked cluster and its repository. Pure.

mod repository;

use crate::model::Snapshot;
use crate::repo::{InputError, keep_embedded, parse_embedded};
use crate::wire::Kept;

pub(crate) use repository::trees;

/// The example cluster, as a dump of it would read.
///
/// Fails only where the embedded file is broken, which a test rules out.
pub fn snapshot() -> Result<Snapshot, InputError> {
    parse_embedded(CLUSTER, LABEL)
}

/// The same, with the documents to write a snapshot from.
pub fn kept() -> Result<Kept, InputError> {
    keep_embedded(CLUSTER, LABEL)
}

const CLUSTER: &str = include_str!("cluster.yaml");
const LABEL: &str = "demo";

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_is_read_whole() {
        let snapshot = super::snapshot().unwrap();
        assert!(snapshot.complete && snapshot.warnings.is_empty(), "{:?}", snapshot.warnings);
        assert!(!snapshot.nodes.is_empty());
    }
}
