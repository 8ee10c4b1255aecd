//! How steps, and the plan, come to an end.

use std::cmp::Reverse;
use std::time::Duration;

use super::action::{Action, Cut, End, Ending, Event, Grounds};
use super::options::Mode;
use super::plan::{ARRIVAL, Plan};
use super::step::Phase;
use crate::diagnosis::Standing;
use crate::model::ObjectKey;

impl Plan {
    /// Brings a step into a phase.
    pub(super) fn enter(&mut self, key: &ObjectKey, phase: Phase) {
        let now = self.now();
        let Some(step) = self.steps.get_mut(key) else { return };
        if step.phase == Phase::Queued {
            let height = self.structure.height.get(key).copied().unwrap_or_default();
            self.queue.remove(&(Reverse(height), key.clone()));
        }
        (step.phase, step.since) = (phase, now);
        let (is_under_way, is_open) = (step.is_under_way(), step.end().is_none());
        let places = if step.is_source { &mut self.fetching } else { &mut self.under_way };
        match is_under_way && step.asks {
            true => places.insert(key.clone()),
            false => places.remove(key),
        };
        match is_open {
            true => self.open.insert(key.clone()),
            false => self.open.remove(key),
        };
    }

    /// A step has come to its end, and whoever waits for it is looked at.
    pub(super) fn end(&mut self, key: &ObjectKey, end: End) {
        let now = self.now();
        let generation = self.world.nodes.get(key).map(|node| node.meta.generation);
        let generation =
            generation.or_else(|| self.world.sources.get(key).map(|source| source.meta.generation));
        let Some(step) = self.steps.get_mut(key) else { return };
        step.generation = generation.unwrap_or_default();
        let took = step.turn.map_or(Duration::ZERO, |turn| now.saturating_sub(turn));
        let is_told = step.wanted || !matches!(end, End::Gone);
        if self.structure.appliers.contains(key) && matches!(end, End::Done { .. }) {
            self.applied = Some(now);
        }
        self.set_wake(key, None);
        self.enter(key, Phase::Ended(end.clone()));
        if is_told {
            self.actions.push(Action::Tell(Event::Ended { object: key.clone(), end, took }));
        }
        self.mark_neighbours(key);
        let hopeful = std::mem::take(&mut self.hopeful);
        self.dirty.extend(hopeful);
    }

    /// Tells once what waits for what.
    pub(super) fn tell_waiting(&mut self) {
        for (key, step) in self.steps.iter().filter(|(_, step)| step.wanted && !step.is_source) {
            if let Phase::Waiting { behind } = &step.phase {
                let event = Event::Waiting { object: key.clone(), behind: behind.clone() };
                self.actions.push(Action::Tell(event));
            }
        }
    }

    /// Whether something has failed and that ends everything.
    pub(super) fn fails_fast(&self) -> bool {
        let is_bad = |end: &End| match end {
            End::Failed(_) | End::Skipped { .. } | End::OutOfTime { .. } => true,
            End::Refused(grounds) => !matches!(grounds, Grounds::Suspended | Grounds::Static),
            _ => false,
        };
        let mut objects = self.steps.values().filter(|step| step.wanted && !step.is_source);
        self.options.fail_fast && objects.any(|step| step.end().is_some_and(is_bad))
    }

    /// Nothing is under way and nothing will happen by itself, yet objects wait: for something that nobody brings, or for
    /// each other. Whether that could be helped.
    pub(super) fn break_stalemate(&mut self) -> bool {
        let moves = !self.timers.is_empty() || !self.under_way.is_empty() || !self.fetching.is_empty();
        if self.options.mode == Mode::Wait || moves || self.open.is_empty() || !self.queue.is_empty() {
            return false;
        }
        let open: Vec<ObjectKey> = self.open.iter().cloned().collect();
        if !std::mem::replace(&mut self.gave_up_missing, true) {
            self.dirty.extend(open);
            return true;
        }
        open.iter().for_each(|key| self.end(key, End::Refused(Grounds::Deadlock)));
        true
    }

    /// Whether everything that is meant has come to its end.
    pub(super) fn is_over(&mut self) -> bool {
        let mut open = self.open.iter().filter_map(|key| self.steps.get(key));
        if open.any(|step| step.wanted) {
            return false;
        }
        // What an applier has brought of another kind may still be told.
        let is_open = self.scope.objects.is_empty() && self.scope.kinds.len() > 1;
        match self.applied.map(|at| at + ARRIVAL).filter(|at| is_open && *at > self.now()) {
            Some(at) => {
                let any = self.steps.keys().next().cloned();
                any.into_iter().for_each(|key| _ = self.timers.insert((at, key)));
                false
            }
            None => true,
        }
    }

    /// Ends whatever has not ended: what runs goes on inside the cluster.
    pub(super) fn cut_short(&mut self, cut: Cut) {
        self.cut = Some(cut);
        let open = self.open.iter().filter_map(|key| Some((key.clone(), self.steps.get(key)?.phase.clone())));
        let open: Vec<(ObjectKey, Phase)> = open.collect();
        for (key, phase) in open {
            let runs = match &phase {
                Phase::Asked(_) => true,
                // Nobody knows of a request before it is seen; a run that the controller began by itself goes on.
                Phase::Asking(token) => token.seen || self.is_running(&key),
                Phase::Awaiting { .. } => self.is_running(&key),
                Phase::Waiting { .. } | Phase::Queued | Phase::Ended(_) => false,
            };
            self.end(&key, if runs { End::LeftRunning } else { End::NotAsked });
        }
        self.finish();
    }

    fn is_running(&self, key: &ObjectKey) -> bool {
        let node = self.world.nodes.get(key);
        node.is_some_and(|node| matches!(self.standing(node), Standing::Running { .. }))
    }

    pub(super) fn finish(&mut self) {
        self.is_finished = true;
        self.dirty.clear();
        let mut ending = Ending { cut: self.cut, ..Ending::default() };
        for (key, step) in self.steps.iter().filter(|(_, step)| step.wanted) {
            let Some(end) = step.end() else { continue };
            if step.is_source {
                let failed = matches!(end, End::Failed(_) | End::Skipped { .. } | End::OutOfTime { .. });
                ending.sources_failed += usize::from(failed);
                continue;
            }
            *match end {
                End::Done { .. } => &mut ending.done,
                End::LeftAlone { .. } => &mut ending.left_alone,
                End::Failed(_) => &mut ending.failed,
                End::Skipped { .. } => &mut ending.skipped,
                End::Refused(Grounds::Suspended) => &mut ending.suspended,
                End::Refused(_) => &mut ending.refused,
                End::OutOfTime { .. } => &mut ending.out_of_time,
                End::Gone => &mut ending.gone,
                End::NotAsked => &mut ending.not_asked,
                End::LeftRunning => &mut ending.left_running,
            } += 1;
            let in_vain = matches!(end, End::Refused(Grounds::Suspended) | End::Gone);
            ending.named_in_vain += usize::from(in_vain && self.scope.objects.contains(key));
        }
        // What was named and is not there at all.
        let unknown = self.scope.objects.iter().filter(|key| !self.steps.contains_key(*key));
        ending.named_in_vain += unknown.count();
        self.actions.push(Action::Finish(ending));
    }
}
