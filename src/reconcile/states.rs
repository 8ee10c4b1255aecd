//! Where everything stands, for the live list and for `--dry-run`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{End, Grounds};
use super::gate::roots;
use super::plan::{Plan, StepState, StepView};
use super::step::{Phase, Step};
use crate::diagnosis::{Verdict, verdicts};
use crate::model::{GroupKind, Node, ObjectKey, Presence};

impl Plan {
    /// Where everything stands: sources first, then objects by layer, those without one last.
    pub fn states(&self) -> Vec<StepView<'_>> {
        self.views(|key, step| self.state(key, step))
    }

    /// What a fresh plan would do, in the same order, nothing being done: an object that would be asked is `Waiting` or
    /// `Queued`, all others have `Ended` as they would. What a refresh of the sources will bring is not known, so an object
    /// that is ready now counts as left alone.
    pub fn layers(&self) -> Vec<StepView<'_>> {
        let foreseen = self.foresee();
        self.views(|key, step| foreseen.get(key).cloned().unwrap_or_else(|| self.state(key, step)))
    }

    fn views<'a>(&'a self, state: impl Fn(&'a ObjectKey, &'a Step) -> StepState) -> Vec<StepView<'a>> {
        let mut views: Vec<StepView<'_>> = self
            .steps
            .iter()
            .map(|(key, step)| StepView {
                object: key,
                layer: self.structure.layering.layer.get(key).copied(),
                wanted: step.wanted,
                state: state(key, step),
                since: step.since,
                turn: step.turn,
                expected: self.world.nodes.get(key).and_then(expected),
            })
            .collect();
        views
            .sort_by_key(|view| (!view.object.kind.is_source(), view.layer.unwrap_or(usize::MAX), view.object));
        views
    }

    fn state(&self, key: &ObjectKey, step: &Step) -> StepState {
        match &step.phase {
            Phase::Waiting { behind } => StepState::Waiting { behind: behind.clone() },
            Phase::Queued => StepState::Queued,
            Phase::Awaiting { .. } if step.running => StepState::Running { message: self.words(key) },
            Phase::Awaiting { .. } if !step.asks => StepState::Running { message: self.words(key) },
            Phase::Awaiting { .. } | Phase::Asking(_) => StepState::Asking,
            Phase::Asked(_) => StepState::Running { message: self.words(key) },
            Phase::Ended(end) => StepState::Ended(end.clone()),
        }
    }

    /// What a controller says of a run that is under way.
    fn words(&self, key: &ObjectKey) -> String {
        let conditions = self.world.nodes.get(key).map(|node| &node.status.conditions);
        let conditions = conditions.or_else(|| self.world.sources.get(key).map(|source| &source.conditions));
        let reconciling = conditions.and_then(|conditions| conditions.get("Reconciling"));
        reconciling.map(|condition| condition.message.clone()).unwrap_or_default()
    }

    fn foresee(&self) -> BTreeMap<ObjectKey, StepState> {
        let mut foreseen: BTreeMap<ObjectKey, StepState> = BTreeMap::new();
        for (key, _) in self.steps.iter().filter(|(_, step)| step.is_source) {
            let Some(source) = self.world.sources.get(key) else { continue };
            let state = if source.suspended {
                StepState::Ended(End::Refused(Grounds::Suspended))
            } else if source.oci || source.key.kind == GroupKind::EXTERNAL_ARTIFACT {
                StepState::Ended(End::Refused(Grounds::Static))
            } else {
                StepState::Queued
            };
            foreseen.insert(key.clone(), state);
        }
        let layer = |key: &ObjectKey| self.structure.layering.layer.get(key).copied().unwrap_or(usize::MAX);
        let mut keys: Vec<&ObjectKey> =
            self.steps.iter().filter(|(_, step)| !step.is_source).map(|(key, _)| key).collect();
        keys.sort_by_key(|key| (layer(key), *key));
        for key in keys {
            let Some(node) = self.world.nodes.get(key) else { continue };
            let state = self.foresee_one(node, &foreseen);
            foreseen.insert(key.clone(), state);
        }
        foreseen
    }

    fn foresee_one(&self, node: &Node, foreseen: &BTreeMap<ObjectKey, StepState>) -> StepState {
        let ended = StepState::Ended;
        if node.suspended {
            return ended(End::Refused(Grounds::Suspended));
        }
        if let Some(number) = self.structure.cycle.get(&node.key).filter(|_| self.options.ordered) {
            let members = self.structure.layering.cycles.get(*number).cloned().unwrap_or_default();
            return ended(End::Refused(Grounds::Cycle { members }));
        }
        let (mut missing, mut failed, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        for key in self.structure.sources.get(&node.key).into_iter().flatten() {
            let is_made = key.kind == GroupKind::HELM_CHART;
            match self.world.sources.get(key) {
                None if !is_made && self.world.presence(key) == Presence::Absent => missing.push(key.clone()),
                Some(source) if source.suspended && source.artifact.is_none() => failed.push(key.clone()),
                _ => {}
            }
        }
        if self.options.ordered {
            let verdicts = verdicts(&self.world, &self.installation, &self.expressions, node);
            for (entry, verdict) in node.depends_on.iter().zip(&verdicts) {
                match foreseen.get(&entry.key) {
                    _ if *verdict == Verdict::NotFound => missing.push(entry.key.clone()),
                    Some(StepState::Ended(End::LeftAlone { .. })) | None => {}
                    Some(StepState::Ended(End::Refused(Grounds::Suspended))) if *verdict == Verdict::Ready => {}
                    Some(StepState::Ended(end)) => failed.extend(roots(&entry.key, end)),
                    Some(_) => behind.push(entry.key.clone()),
                }
            }
            let applier = self.structure.applier.get(&node.key);
            let is_open = |key: &&ObjectKey| {
                matches!(foreseen.get(*key), Some(StepState::Waiting { .. } | StepState::Queued))
            };
            behind.extend(applier.filter(is_open).cloned());
        }
        for list in [&mut missing, &mut failed, &mut behind] {
            list.sort();
            list.dedup();
        }
        let must = self.must_run(node);
        match () {
            () if !failed.is_empty() => ended(End::Skipped { behind: failed }),
            () if !missing.is_empty() => ended(End::Refused(Grounds::Missing { objects: missing })),
            () if !must && self.is_there(node) => ended(End::LeftAlone { revision: node.revision().cloned() }),
            () if !behind.is_empty() => StepState::Waiting { behind },
            () => StepState::Queued,
        }
    }
}

/// How long its last good run took, as the object remembers it.
fn expected(node: &Node) -> Option<Duration> {
    let succeeded = node.status.history.iter().filter(|entry| entry.status == "ReconciliationSucceeded");
    succeeded.max_by_key(|entry| entry.last)?.took
}
