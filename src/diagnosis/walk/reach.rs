//! The result of the walk: which faults reach whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{FaultKey, Vertex, Walker};
use crate::diagnosis::catalogue::dependency;
use crate::diagnosis::cause::Fault;
use crate::graph::components;
use crate::model::ObjectKey;

/// What the walk found.
#[derive(Clone, Debug, Default)]
pub(in crate::diagnosis) struct Walk {
    /// Every fault, by identity.
    pub(in crate::diagnosis) faults: BTreeMap<FaultKey, Fault>,
    /// Loop of each cycle fault.
    pub(in crate::diagnosis) loops: BTreeMap<FaultKey, Vec<ObjectKey>>,
    /// Appliers that fail or cannot start directly because of a fault.
    pub(in crate::diagnosis) affected: BTreeMap<FaultKey, BTreeSet<ObjectKey>>,
    /// Faults that each applier and source is hit by, as places in `identities`; see [`Walk::reaching`].
    reach: BTreeMap<ObjectKey, Vec<u32>>,
    /// Every fault's identity.
    identities: Vec<FaultKey>,
    /// Objects that wait, themselves or behind others, for something that is out of sight or cannot be judged.
    pub(in crate::diagnosis) unjudged: BTreeSet<ObjectKey>,
    /// What each object waits for by edges that are not met; objects that wait for nothing have no entry.
    pub(in crate::diagnosis) waits: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Appliers and sources at which each fault was found.
    pub(in crate::diagnosis) stands_at: BTreeMap<FaultKey, BTreeSet<ObjectKey>>,
    /// References that are not covered, so that a verdict had to do without them.
    pub(in crate::diagnosis) hidden: BTreeSet<ObjectKey>,
}

impl Walker<'_> {
    /// Faults that reach each vertex: its own and those of everything that it waits for, as places in the list of all.
    pub(super) fn reach(&self) -> (Vec<FaultKey>, Vec<Vec<u32>>) {
        let identity = |fault: &Fault| (fault.object.clone(), fault.code);
        let all: BTreeSet<FaultKey> =
            self.vertices.iter().flat_map(|vertex| &vertex.faults).map(identity).collect();
        let all: Vec<FaultKey> = all.into_iter().collect();
        let place = |fault: &Fault| {
            let found =
                all.binary_search_by(|(object, code)| (object, code).cmp(&(&fault.object, &fault.code)));
            found.ok().and_then(|place| u32::try_from(place).ok())
        };
        let reach = self.spread(|vertex| vertex.faults.iter().filter_map(place).collect());
        (all, reach)
    }

    /// Spreads what each vertex has of its own to everything that waits for it; ordered, each once.
    fn spread(&self, own: impl Fn(&Vertex) -> Vec<u32>) -> Vec<Vec<u32>> {
        let edges = self.edges();
        let mut spread: Vec<Vec<u32>> = self.vertices.iter().map(own).collect();
        for component in components(&edges) {
            let mut all = Vec::new();
            for &member in &component {
                all.extend_from_slice(&spread[member]);
                for &target in &edges[member] {
                    all.extend_from_slice(&spread[target]);
                }
            }
            all.sort_unstable();
            all.dedup();
            for &member in &component {
                spread[member].clone_from(&all);
            }
        }
        spread
    }

    pub(super) fn edges(&self) -> Vec<Vec<usize>> {
        self.vertices.iter().map(|vertex| vertex.waits.iter().copied().collect()).collect()
    }

    pub(super) fn finish(self, loops: BTreeMap<FaultKey, Vec<ObjectKey>>) -> Walk {
        let (all, reach) = self.reach();
        let unjudged = self.spread(|vertex| vertex.unjudged.then_some(0).into_iter().collect());
        let bringers = dependency::Bringers::of(self.snapshot);
        let mut walk = Walk { loops, hidden: self.hidden, ..Walk::default() };
        for (at, vertex) in self.vertices.iter().enumerate() {
            let key = self.keys[at];
            let is_applier = self.snapshot.nodes.contains_key(key);
            for fault in &vertex.faults {
                let identity = (fault.object.clone(), fault.code);
                if is_applier {
                    walk.affected.entry(identity.clone()).or_default().insert(key.clone());
                }
                walk.stands_at.entry(identity.clone()).or_default().insert(key.clone());
                walk.faults.entry(identity).or_insert_with(|| bringers.add_to(fault.clone(), key));
            }
            for &target in &vertex.waits {
                if is_applier && self.snapshot.sources.contains_key(self.keys[target]) {
                    for &place in &reach[target] {
                        let identity = all[place as usize].clone();
                        walk.affected.entry(identity).or_default().insert(key.clone());
                    }
                }
            }
            if !unjudged[at].is_empty() {
                walk.unjudged.insert(key.clone());
            }
            if !vertex.waits.is_empty() {
                let targets = vertex.waits.iter().map(|&target| self.keys[target].clone());
                walk.waits.insert(key.clone(), targets.collect());
            }
        }
        walk.reach = self.keys.iter().map(|key| (*key).clone()).zip(reach).collect();
        walk.identities = all;
        walk
    }
}

impl Walk {
    /// The faults that an applier or a source is hit by.
    pub(in crate::diagnosis) fn reaching(&self, key: &ObjectKey) -> impl Iterator<Item = &FaultKey> {
        let places = self.reach.get(key).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|&place| &self.identities[place as usize])
    }

    /// Adds a fault that hits objects without stopping them: it spreads to nothing behind them.
    pub(in crate::diagnosis) fn add(&mut self, fault: Fault, affected: impl IntoIterator<Item = ObjectKey>) {
        let identity = (fault.object.clone(), fault.code);
        let known = self.identities.iter().position(|known| *known == identity);
        let place = known.unwrap_or_else(|| {
            self.identities.push(identity.clone());
            self.identities.len() - 1
        });
        let hit = self.affected.entry(identity.clone()).or_default();
        let stands_at = self.stands_at.entry(identity.clone()).or_default();
        for key in affected {
            hit.insert(key.clone());
            stands_at.insert(key.clone());
            let reach = self.reach.entry(key).or_default();
            reach.extend(u32::try_from(place));
        }
        self.faults.entry(identity).or_insert(fault);
    }
}
