//! The dependsOn graph: layers, cycles, missing objects. Walks are loops: some chain is always longer.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ObjectKey;

/// Where every object stands. A cycle is a result, not an error: the rest still deserves its layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layering {
    /// Layer of each object that has one; 0 depends on nothing that exists.
    pub layer: BTreeMap<ObjectKey, usize>,
    /// In or behind a cycle: no layer can be named.
    pub unlayered: BTreeSet<ObjectKey>,
    /// Dependencies that do not exist (or are out of sight), with who wants them.
    pub missing: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// One readable loop for each cycle, its smallest member first, in the direction dependent → dependency.
    pub cycles: Vec<Vec<ObjectKey>>,
}
