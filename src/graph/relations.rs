//! Which objects point at which, and how.

use std::collections::BTreeMap;

use super::layering::Layering;
use crate::model::{ObjectKey, Snapshot};

/// How one object relates to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Dependent → dependency, from `spec.dependsOn`.
    DependsOn,
    /// Object → source, and source → what it is made from.
    Source,
    /// Object → the Kustomization, HelmRelease or ResourceSet that applies it.
    AppliedBy,
    /// Kustomization with `wait` or `healthChecks` → a Flux object that it waits for.
    Health,
}

/// One edge; both ends are named with group and kind, so that edges across kinds are possible.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Where it starts.
    pub from: ObjectKey,
    /// What it means.
    pub relation: Relation,
    /// Where it ends; the object need not exist.
    pub to: ObjectKey,
}

/// All relations between the Flux objects of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    out: BTreeMap<ObjectKey, Vec<(Relation, ObjectKey)>>,
}

impl Graph {
    /// The relations of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut out: BTreeMap<ObjectKey, Vec<(Relation, ObjectKey)>> = BTreeMap::new();
        for (key, node) in &snapshot.nodes {
            let edges = out.entry(key.clone()).or_default();
            edges.extend(node.depends_on.iter().map(|entry| (Relation::DependsOn, entry.key.clone())));
            edges.extend(node.source.iter().map(|source| (Relation::Source, source.clone())));
            let applier = snapshot.applied_by(key, &node.meta.labels);
            edges.extend(applier.into_iter().map(|applier| (Relation::AppliedBy, applier)));
            edges.extend(waited_for(snapshot, key).into_iter().map(|key| (Relation::Health, key)));
        }
        for (key, source) in &snapshot.sources {
            let edges = out.entry(key.clone()).or_default();
            edges.extend(source.upstream.iter().map(|upstream| (Relation::Source, upstream.clone())));
            let applier = snapshot.applied_by(key, &source.meta.labels);
            edges.extend(applier.into_iter().map(|applier| (Relation::AppliedBy, applier)));
        }
        for edges in out.values_mut() {
            edges.sort();
            edges.dedup();
        }
        Self { out }
    }

    /// Every edge, ordered by its start, relation and end.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.out.iter().flat_map(|(from, edges)| {
            edges.iter().map(|(relation, to)| Edge { from: from.clone(), relation: *relation, to: to.clone() })
        })
    }

    /// What an object points at by one relation, ordered.
    pub fn targets<'a>(&'a self, from: &ObjectKey, relation: Relation) -> impl Iterator<Item = &'a ObjectKey> {
        let edges = self.out.get(from).map(Vec::as_slice).unwrap_or_default();
        edges.iter().filter(move |(kind, _)| *kind == relation).map(|(_, to)| to)
    }

    /// Who points at each object by one relation: for `DependsOn`, its dependents. Ordered.
    pub fn reverse(&self, relation: Relation) -> BTreeMap<&ObjectKey, Vec<&ObjectKey>> {
        let mut reverse: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
        for (from, edges) in &self.out {
            for (_, to) in edges.iter().filter(|(kind, _)| *kind == relation) {
                reverse.entry(to).or_default().push(from);
            }
        }
        reverse
    }

    /// Layers along `dependsOn`, of the Kustomizations, HelmReleases and ResourceSets.
    pub fn layering(&self) -> Layering {
        let appliers = self.out.keys().filter(|key| key.kind.is_applier());
        Layering::of(appliers.map(|key| (key, self.targets(key, Relation::DependsOn).collect())))
    }
}

/// Flux objects that the health check of a Kustomization covers: with `wait` those of its inventory, else those that
/// `healthChecks` name (ignored by kustomize-controller when `wait` is set); never itself, and nothing of a remote
/// cluster.
fn waited_for(snapshot: &Snapshot, key: &ObjectKey) -> Vec<ObjectKey> {
    let Some(node) = snapshot.nodes.get(key).filter(|node| !node.remote) else { return Vec::new() };
    let Some(spec) = node.kustomization() else { return Vec::new() };
    let named: Vec<&ObjectKey> = if spec.wait {
        node.status.inventory.iter().flatten().map(|entry| &entry.key).collect()
    } else {
        spec.health_checks.iter().map(|check| &check.key).collect()
    };
    let flux = |other: &&ObjectKey| (other.kind.is_applier() || other.kind.is_source()) && **other != *key;
    named.into_iter().filter(flux).cloned().collect()
}
