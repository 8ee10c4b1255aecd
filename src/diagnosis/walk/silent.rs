//! A controller that gives no sign of life: what waits for a run of it is one fault, however many objects wait.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Walker;
use crate::diagnosis::catalogue::dependency;
use crate::diagnosis::cause::Code;
use crate::diagnosis::standing::Standing;
use crate::model::{GroupKind, ObjectKey};

/// Objects that wait in vain before their controller is suspected: one may have been forgotten by itself.
const SEVERAL: usize = 2;

impl Walker<'_> {
    /// Makes one fault of all runs that are due at a controller which has done nothing since, by all that is in sight.
    ///
    /// One that has a run under way may have all its workers held, and is left alone. Each object's own fault stays where
    /// the controller has shown up after it was due.
    pub(super) fn mark_silent_controllers(&mut self) {
        let mut waiting: BTreeMap<&'static str, Vec<(usize, Timestamp)>> = BTreeMap::new();
        for (&at, &due) in &self.due {
            waiting.entry(dependency::controller_of(&self.keys[at].kind)).or_default().push((at, due));
        }
        for (controller, waiting) in waiting {
            if self.has_a_run(controller) {
                continue;
            }
            let last = self.last_sign(controller);
            let in_vain: Vec<(usize, Timestamp)> =
                waiting.into_iter().filter(|(_, due)| last.is_none_or(|last| last < *due)).collect();
            if in_vain.len() < SEVERAL {
                continue;
            }
            let names: Vec<&ObjectKey> = in_vain.iter().map(|(at, _)| self.keys[*at]).collect();
            let fault = dependency::controller_silent(self.snapshot, controller, last, &names);
            for (at, _) in in_vain {
                for own in &mut self.vertices[at].faults {
                    if matches!(own.code, Code::Overdue | Code::NotObserved) {
                        *own = fault.clone();
                    }
                }
            }
        }
    }

    fn has_a_run(&self, controller: &str) -> bool {
        let is_its = |kind: &GroupKind| dependency::controller_of(kind) == controller;
        self.standings
            .iter()
            .any(|(key, standing)| is_its(&key.kind) && matches!(standing, Standing::Running { .. }))
    }

    /// The newest trace of a controller: a condition that changed, a run in a history, an event, an artifact.
    fn last_sign(&self, controller: &str) -> Option<Timestamp> {
        let is_its = |key: &ObjectKey| dependency::controller_of(&key.kind) == controller;
        let nodes = self.snapshot.nodes.values().filter(|node| is_its(&node.key));
        let of_nodes = nodes.flat_map(|node| {
            let conditions = node.status.conditions.0.iter().filter_map(|condition| condition.since);
            conditions.chain(node.status.history.iter().filter_map(|entry| entry.last))
        });
        let sources = self.snapshot.sources.values().filter(|source| is_its(&source.key));
        let of_sources = sources.flat_map(|source| {
            let artifact = source.artifact.as_ref().and_then(|artifact| artifact.updated);
            source.conditions.0.iter().filter_map(|condition| condition.since).chain(artifact)
        });
        let events = self.snapshot.evidence.events.iter().filter(|(key, _)| is_its(key));
        let of_events = events.flat_map(|(_, events)| events.iter().filter_map(|event| event.last));
        of_nodes.chain(of_sources).chain(of_events).max()
    }
}
