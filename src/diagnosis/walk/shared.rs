//! Faults that come down to one thing are one fault: a Secret that several sorts of objects need, a Kustomization that did
//! not apply several of its children.

use std::collections::{BTreeMap, BTreeSet};

use super::{FaultKey, Walker};
use crate::diagnosis::catalogue::{called, declared, fault, some, workload};
use crate::diagnosis::cause::{Code, Fault};
use crate::diagnosis::stale::users;
use crate::model::{ObjectKey, Presence};

/// What is quoted of faults that became one, at most.
const QUOTES: usize = 6;

/// What faults have in common, and whether it is the way into another cluster: a Secret that is missing for that is not
/// the one that is missing for something else, although it bears its name.
type Shared = (ObjectKey, bool);

impl Walker<'_> {
    /// Gives faults that have something in common that as their object, and one code, summary and way out.
    pub(super) fn make_one_of_what_is_shared(&mut self) {
        for ((shared, _), places) in self.places_of_what_is_shared() {
            let of = |&(at, nth): &(usize, usize)| &self.vertices[at].faults[nth];
            let identities: BTreeSet<FaultKey> =
                places.iter().map(of).map(|fault| (fault.object.clone(), fault.code)).collect();
            if identities.len() < 2 {
                continue; // one fault already, whatever it hits
            }
            let faults: Vec<&Fault> = places.iter().map(of).collect();
            let hit: Vec<&ObjectKey> = places.iter().map(|&(at, _)| self.keys[at]).collect();
            let one = match self.snapshot.nodes.get(&shared) {
                Some(parent) => declared::several_not_applied(self.snapshot, parent, &hit),
                None if shared.kind.kind == "Node" => {
                    let waiting: BTreeSet<&ObjectKey> = faults.iter().map(|fault| &fault.object).collect();
                    let waiting: Vec<&ObjectKey> = waiting.into_iter().collect();
                    workload::several_without_nodes(&shared, most_told(&faults), &waiting)
                }
                None => self.is_missing(&shared, &faults, &hit),
            };
            let one = faults.iter().flat_map(|fault| fault.evidence.iter().cloned()).fold(one, Fault::seen);
            let one = Fault { evidence: one.evidence.into_iter().take(QUOTES).collect(), ..one };
            for (at, nth) in places {
                self.vertices[at].faults[nth] = one.clone();
            }
        }
    }

    /// A source that nobody uses hits nobody, and is left to be told of by itself.
    fn places_of_what_is_shared(&self) -> BTreeMap<Shared, Vec<(usize, usize)>> {
        let mut places: BTreeMap<Shared, Vec<(usize, usize)>> = BTreeMap::new();
        let used = users(self.snapshot);
        let is_used = |key: &ObjectKey| self.snapshot.nodes.contains_key(key) || used.contains_key(key);
        for (at, vertex) in self.vertices.iter().enumerate().filter(|(at, _)| is_used(self.keys[*at])) {
            for (nth, fault) in vertex.faults.iter().enumerate() {
                if let Some(shared) = &fault.shared {
                    places
                        .entry((shared.clone(), fault.code == Code::ClusterUnreachable))
                        .or_default()
                        .push((at, nth));
                }
            }
        }
        places
    }

    /// A Secret or ConfigMap that several need and that is not there; told as most of them tell it.
    fn is_missing(&self, missing: &ObjectKey, faults: &[&Fault], hit: &[&ObjectKey]) -> Fault {
        let code = most_told(faults);
        let subcode = faults.iter().find(|fault| fault.code == code).and_then(|fault| fault.subcode);
        let names: Vec<String> = hit.iter().map(|key| called(key)).collect();
        let by = some(&names);
        let is_there = self.snapshot.presence(missing) == Presence::There;
        let state = if is_there { "was missing, and is there by now" } else { "does not exist" };
        let one =
            fault(missing.clone(), code, subcode, format!("{} {state}; it is needed by {by}", called(missing)));
        let ways = faults.iter().filter(|fault| fault.code == code).flat_map(|fault| &fault.remedies);
        // The first tells how to make it; what runs again is the same for all.
        let ways = ways.filter(|remedy| !is_there || remedy.command.is_some());
        ways.fold(one, |one, way| match one.remedies.iter().any(|known| known.text == way.text) {
            true => one,
            false => one.remedy(&way.text, way.command.clone()),
        })
    }
}

/// The code that most of these faults have, the first of several.
fn most_told(faults: &[&Fault]) -> Code {
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    faults.iter().for_each(|fault| *counts.entry(fault.code).or_default() += 1);
    let most = counts.iter().max_by_key(|(code, count)| (**count, std::cmp::Reverse(**code)));
    most.map_or(Code::HealthCheckFailed, |(code, _)| *code)
}
