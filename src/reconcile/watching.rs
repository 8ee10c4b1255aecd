//! Objects that are only looked at, and those that have ended and may have to be taken up again.

use std::time::Duration;

use super::action::End;
use super::attempt::{Judgement, failed, tries_again};
use super::gate::Gate;
use super::plan::{ANNOTATION, Plan};
use super::step::{Phase, Step};
use crate::diagnosis::{Standing, allowed, current_revision};
use crate::model::{GroupKind, Node, ObjectKey};

/// How often an object is taken up again because its source or its spec has changed after its end.
const REOPENED: u32 = 3;

impl Plan {
    /// An object that is only looked at.
    pub(super) fn look_on(&mut self, key: &ObjectKey, node: &Node) {
        let is_there = self.is_there(node);
        let gate = self.gate(node);
        let applier = self.structure.applier.get(key);
        let waits_for_applier =
            matches!((&gate, applier), (Gate::Steps(behind), Some(applier)) if behind.contains(applier));
        if is_there && !waits_for_applier {
            let has_waited = self.steps.get(key).is_some_and(|step| step.turn.is_some());
            let revision = node.revision().cloned();
            let end =
                if has_waited { End::Done { revision, asked: false } } else { End::LeftAlone { revision } };
            return self.end(key, end);
        }
        let now = self.now();
        if matches!(gate, Gate::Bringers(_)) {
            self.hopeful.insert(key.clone());
        }
        match gate {
            Gate::Closed(end) => self.end(key, end),
            Gate::Steps(behind) | Gate::Bringers(behind) => {
                self.take_up(key, now);
                self.wait(key, behind);
            }
            // Nobody is asked: what it waits for is waited for as it itself is.
            gate => {
                let first = self.take_up(key, now);
                if first && !self.only_watches() {
                    let allow = allowed(node) + self.longest_wait(&[]);
                    if let Some(step) = self.steps.get_mut(key) {
                        (step.clock.from, step.clock.allow) = (now, allow);
                    }
                }
                match (self.judge_watched(node), gate) {
                    (Judgement::End(end), _) => return self.end(key, end),
                    (_, Gate::Outside(behind)) => self.wait(key, behind),
                    _ if !matches!(
                        self.steps.get(key).map(|step| &step.phase),
                        Some(Phase::Awaiting { .. })
                    ) =>
                    {
                        self.enter(key, Phase::Awaiting { until: now, fair: false });
                    }
                    _ => {}
                }
                if !self.only_watches() {
                    let limit = self.steps.get(key).map_or(now, |step| step.clock.from + step.clock.allow);
                    if now >= limit {
                        return self.run_out(key);
                    }
                    self.set_wake(key, Some(limit));
                }
            }
        }
    }

    /// Marks that an object was seen not to be done; whether for the first time.
    fn take_up(&mut self, key: &ObjectKey, now: Duration) -> bool {
        let Some(step) = self.steps.get_mut(key) else { return false };
        let is_first = step.turn.is_none();
        step.turn.get_or_insert(now);
        is_first
    }

    /// An object that has ended: its spec or its source may have moved on, and somebody may still need it.
    pub(super) fn look_back(&mut self, key: &ObjectKey, node: &Node, step: &Step) {
        if step.reopened >= REOPENED || !matches!(step.end(), Some(End::Done { .. } | End::LeftAlone { .. })) {
            return;
        }
        let is_edited = node.meta.generation != step.generation;
        let is_open = |key: &ObjectKey| self.steps.get(key).is_some_and(|step| step.end().is_none());
        let is_needed = || self.structure.dependents.get(key).into_iter().flatten().any(is_open);
        match self.standing(node) {
            _ if is_edited => self.reopen(key, true),
            Standing::Behind | Standing::NotObserved if is_needed() => self.reopen(key, true),
            // Its own look after 30 s met a dependency in the middle of a run: left alone it stays refused for as long again.
            Standing::WaitsForDependencies if is_needed() => self.reopen(key, false),
            _ => {}
        }
    }

    /// Takes an object up again; for something new it may be asked as often as at first.
    pub(super) fn reopen(&mut self, key: &ObjectKey, is_new: bool) {
        let now = self.now();
        let annotation =
            self.world.nodes.get(key).and_then(|node| node.meta.annotations.get(ANNOTATION)).cloned();
        let Some(step) = self.steps.get_mut(key) else { return };
        step.reopened += 1;
        step.asked = if is_new { 0 } else { step.asked };
        (step.turn, step.stuck, step.unsettled) = (None, None, None);
        step.first_annotation = annotation;
        (step.phase, step.since) = (Phase::Waiting { behind: Vec::new() }, now);
        self.open.insert(key.clone());
        self.dirty.insert(key.clone());
        self.mark_neighbours(key);
    }

    /// What an object that is only looked at has come to; `None` while that is open.
    fn judge_watched(&self, node: &Node) -> Judgement {
        match self.standing(node) {
            Standing::Failed(failure) if self.is_of_target(node) && (failure.stalled || !tries_again(node)) => {
                failed(node, failure.stalled)
            }
            Standing::WaitsForSource if self.source_is_bad(node) => failed(node, false),
            _ => Judgement::Keep,
        }
    }

    /// Whether a failure that was only looked at is one at the target: the revision that was tried, or else the times of
    /// the controllers (whole seconds), tell.
    fn is_of_target(&self, node: &Node) -> bool {
        let Some(source) = node.source.as_ref() else { return true };
        if !self.has_reached(source) {
            return false;
        }
        let current = current_revision(&self.world, node);
        if node.key.kind == GroupKind::KUSTOMIZATION
            && current.is_some()
            && node.status.last_attempted_revision.as_ref() == current
        {
            return true;
        }
        let artifact = self.world.sources.get(source).and_then(|source| source.artifact.as_ref());
        let fetched = artifact.and_then(|artifact| artifact.updated);
        let failed = node.status.conditions.ready().and_then(|ready| ready.since);
        failed.zip(fetched).is_none_or(|(failed, fetched)| failed >= fetched)
    }
}
