//! Faults that no object shows alone: loops, keys that open nothing for anybody, and health checks over what looks well.

use std::collections::{BTreeMap, BTreeSet};

use super::{FaultKey, Walker};
use crate::diagnosis::catalogue::dependency;
use crate::diagnosis::cause::Code;
use crate::diagnosis::standing::Standing;
use crate::graph::{Layering, components, shortest_loop};
use crate::model::{GroupKind, ObjectKey};

impl Walker<'_> {
    /// A decryption Secret that opens nothing for two or more that use it has to change itself.
    pub(super) fn mark_keys_that_open_nothing(&mut self) {
        let mut users: BTreeMap<ObjectKey, (usize, Vec<usize>)> = BTreeMap::new();
        for (key, node) in &self.snapshot.nodes {
            let decryption = node.kustomization().and_then(|spec| spec.decryption.as_ref());
            let Some(secret) = decryption.and_then(|decryption| decryption.secret.as_ref()) else { continue };
            let secret = ObjectKey::new(GroupKind::SECRET, key.namespace.as_str(), secret.as_str());
            let (content, failing) = users.entry(secret).or_default();
            let Some(&at) = self.index.get(key) else { continue };
            if self.vertices[at].faults.iter().any(|fault| fault.code == Code::SopsKeyMismatch) {
                failing.push(at);
            } else if matches!(self.standings.get(key), Some(Standing::Ready | Standing::Behind)) {
                *content += 1;
            }
        }
        for (secret, (content, failing)) in users {
            if content > 0 || failing.len() < 2 {
                continue;
            }
            for at in failing {
                for fault in &mut self.vertices[at].faults {
                    if fault.code == Code::SopsKeyMismatch {
                        fault.object = secret.clone();
                    }
                }
            }
        }
    }

    /// Static cycles are faults even while their members are still ready: the next revision stops them.
    pub(super) fn mark_cycles(&mut self, layering: &Layering) -> BTreeMap<FaultKey, Vec<ObjectKey>> {
        let mut loops = BTreeMap::new();
        for (path, members) in layering.cycles.iter().zip(&layering.members) {
            let Some(fault) = dependency::cycle(path, false) else { continue };
            loops.insert((fault.object.clone(), fault.code), path.clone());
            for member in members {
                self.blame(member, fault.clone());
            }
        }
        loops
    }

    /// Loops of unmet waits that dependsOn alone does not close.
    pub(super) fn mark_deadlocks(&mut self, layering: &mut Layering) -> BTreeMap<FaultKey, Vec<ObjectKey>> {
        let edges = self.edges();
        let mut loops = BTreeMap::new();
        for component in components(&edges) {
            let members: BTreeSet<ObjectKey> = component.iter().map(|&at| self.keys[at].clone()).collect();
            if component.len() < 2 || layering.members.iter().any(|cycle| members.is_subset(cycle)) {
                continue;
            }
            let Some(&first) = component.first() else { continue };
            let path: Vec<ObjectKey> =
                shortest_loop(&edges, &component, first).into_iter().map(|at| self.keys[at].clone()).collect();
            let Some(fault) = dependency::cycle(&path, true) else { continue };
            loops.insert((fault.object.clone(), fault.code), path.clone());
            for member in &members {
                self.blame(member, fault.clone());
            }
            layering.cycles.push(path);
            layering.members.push(members);
        }
        let mut cycles: Vec<_> = layering.cycles.drain(..).zip(layering.members.drain(..)).collect();
        cycles.sort();
        (layering.cycles, layering.members) = cycles.into_iter().unzip();
        loops
    }

    /// A health check that failed over Flux objects which show no fault of their own is a fault of those objects.
    pub(super) fn give_silent_failures_a_fault(&mut self) {
        let (_, reach) = self.reach();
        let mut silent = Vec::new();
        for (key, node) in &self.snapshot.nodes {
            let Some(&at) = self.index.get(key) else { continue };
            if !matches!(self.standings.get(key), Some(Standing::Failed(_))) || !reach[at].is_empty() {
                continue;
            }
            for &target in &self.vertices[at].waits {
                let target = self.keys[target];
                let fault = match self.standings.get(target) {
                    Some(Standing::Ready | Standing::Behind) => dependency::was_unhealthy(node, target),
                    _ => dependency::unhealthy(node, target),
                };
                silent.push((key.clone(), fault));
            }
            if self.vertices[at].waits.is_empty() && !self.vertices[at].unjudged {
                silent.push((key.clone(), dependency::unhealthy(node, key)));
            }
        }
        for (key, fault) in silent {
            self.blame(&key, fault);
        }
    }
}
