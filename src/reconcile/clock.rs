//! How long things may take (flux-semantics §8.2 point 6), and when to look again.

use std::time::Duration;

use super::action::{Action, Event};
use super::plan::Plan;
use super::step::Step;
use crate::diagnosis::{Standing, allowed};
use crate::model::{Node, ObjectKey, Source};

/// Beside an object's own time-out: the controller has other things to do.
const SPARE: Duration = Duration::from_secs(30);
/// Workers of a controller, by default.
const WORKERS: u32 = 4;
/// A run that begins anew has its time anew, so often: a source that moves all the time must not keep a plan for ever.
const RESTARTS: u32 = 10;
/// A source's time-out where it names none (source-controller 1.9).
const SOURCE_TIMEOUT: Duration = Duration::from_secs(60);
/// A controller looks again at what dependencies have stopped so often (`--requeue-dependency`, by default).
const REQUEUE: Duration = Duration::from_secs(30);

impl Plan {
    /// Gives an object the time for its run: its own time-out, that of a run before it, and the queue of its controller.
    pub(super) fn set_clock(&mut self, key: &ObjectKey, node: &Node) {
        let now = self.now();
        let before = match self.standing(node) {
            Standing::Running { .. } => allowed(node),
            _ => Duration::ZERO,
        };
        let ahead = self.under_way.iter().filter(|other| other.kind == key.kind && *other != key).count();
        let rounds = u32::try_from(ahead).unwrap_or(u32::MAX) / WORKERS;
        let queue = node.effective_timeout().saturating_mul(rounds);
        if let Some(step) = self.steps.get_mut(key) {
            step.clock.from = now;
            step.clock.allow =
                allowed(node).saturating_add(before).saturating_add(queue).saturating_add(SPARE + REQUEUE);
            step.clock.restarts = 0;
            step.running = false;
        }
    }

    pub(super) fn set_source_clock(&mut self, key: &ObjectKey, source: &Source) {
        let now = self.now();
        let rounds = u32::try_from(self.fetching.len()).unwrap_or(u32::MAX) / WORKERS;
        let own = source.timeout.unwrap_or(SOURCE_TIMEOUT);
        if let Some(step) = self.steps.get_mut(key) {
            (step.clock.from, step.clock.allow) =
                (now, own.saturating_add(own.saturating_mul(rounds)).saturating_add(SPARE));
        }
    }

    /// Notes whether a run is under way; one that begins has its own time.
    pub(super) fn note_run(&mut self, key: &ObjectKey, node: &Node, step: &Step) {
        if !step.is_under_way() {
            return;
        }
        let is_running = matches!(self.standing(node), Standing::Running { .. });
        let (now, own) = (self.now(), allowed(node) + SPARE);
        let Some(step) = self.steps.get_mut(key) else { return };
        let begins = is_running && !step.running;
        step.running = is_running;
        if is_running {
            step.unsettled = None;
        }
        if !begins {
            return;
        }
        if step.clock.restarts < RESTARTS {
            step.clock.restarts += 1;
            let left = (step.clock.from + step.clock.allow).saturating_sub(now);
            (step.clock.from, step.clock.allow) = (now, own.max(left));
        }
        let reconciling = node.status.conditions.get("Reconciling");
        let message = reconciling.map(|condition| condition.message.clone()).unwrap_or_default();
        self.actions.push(Action::Tell(Event::Running { object: key.clone(), message }));
    }

    /// How long something may be waited for that no step will bring.
    pub(super) fn longest_wait(&self, behind: &[ObjectKey]) -> Duration {
        let nodes = behind.iter().filter_map(|key| self.world.nodes.get(key)).map(allowed);
        let sources = behind.iter().filter_map(|key| self.world.sources.get(key));
        let sources = sources.map(|source| source.timeout.unwrap_or(SOURCE_TIMEOUT));
        nodes.chain(sources).max().unwrap_or_default().saturating_add(REQUEUE + SPARE)
    }

    pub(super) fn set_wake(&mut self, key: &ObjectKey, wake: Option<Duration>) {
        let Some(step) = self.steps.get_mut(key) else { return };
        if let Some(before) = std::mem::replace(&mut step.wake, wake) {
            self.timers.remove(&(before, key.clone()));
        }
        if let Some(wake) = wake {
            self.timers.insert((wake, key.clone()));
        }
    }

    pub(super) fn set_stuck(&mut self, key: &ObjectKey, since: Option<Duration>) {
        if let Some(step) = self.steps.get_mut(key) {
            step.stuck = since;
        }
    }

    /// Says when to come back, where that has changed.
    pub(super) fn tell_wake(&mut self) {
        let own = self.timers.first().map(|(at, _)| *at + self.frozen).filter(|_| self.lost.is_none());
        let wake = own.into_iter().chain(self.options.timeout).min();
        if wake != self.told_wake {
            self.told_wake = wake;
            self.actions.extend(wake.map(Action::WakeAt));
        }
    }
}
