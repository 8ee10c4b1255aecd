//! What follows from what is known: whose turn comes, who is asked, what is over.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::action::{Action, Cut, End, Event, Request};
use super::attempt::{AGAIN, Judgement};
use super::gate::Gate;
use super::options::Mode;
use super::plan::{ANNOTATION, ARRIVAL, Plan};
use super::step::{Phase, Step, Token};
use super::structure::Structure;
use crate::diagnosis::Standing;
use crate::model::{GroupKind, Node, ObjectKey};

/// A new artifact wakes who uses it; so long is given to a run that begins by itself before it is asked for. Seen: 5 to 30 ms.
const WAKE: Duration = Duration::from_millis(100);

impl Plan {
    /// What is to be done now. Empty where nothing has changed.
    pub fn next_actions(&mut self) -> Vec<Action> {
        if !self.is_finished {
            if self.options.timeout.is_some_and(|limit| self.at >= limit) {
                self.cut.get_or_insert(Cut::TimedOut);
            }
            if self.cut.is_none() && self.lost.is_none() {
                self.advance();
            }
            if let Some(cut) = self.cut {
                self.cut_short(cut);
            } else if self.lost.is_none() && self.is_over() {
                self.finish();
            } else {
                self.tell_wake();
            }
        }
        std::mem::take(&mut self.actions)
    }

    fn advance(&mut self) {
        let begins = !std::mem::replace(&mut self.has_begun, true);
        if begins {
            self.dirty.extend(self.steps.keys().cloned());
        }
        let now = self.now();
        while let Some((at, key)) = self.timers.first().cloned().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, key.clone()));
            self.dirty.insert(key);
        }
        loop {
            self.settle();
            if self.fails_fast() {
                self.cut = Some(Cut::FailedFast);
                return;
            }
            if !self.break_stalemate() {
                break;
            }
        }
        if begins {
            self.tell_waiting();
        }
    }

    /// Looks at whatever may have changed until nothing does.
    fn settle(&mut self) {
        loop {
            if std::mem::take(&mut self.is_reshaped) {
                self.reshape();
            }
            while let Some(key) = self.dirty.pop_first() {
                self.look_at(&key);
            }
            while self.under_way.len() < self.options.concurrency.max(1)
                && let Some((height, key)) = self.queue.pop_first()
            {
                match self.world.nodes.get(&key).map(|node| self.gate(node)) {
                    Some(Gate::Open) => self.take_turn(&key),
                    _ => {
                        self.queue.insert((height, key.clone()));
                        self.dirty.insert(key);
                        break;
                    }
                }
            }
            if self.dirty.is_empty() && !self.is_reshaped {
                return;
            }
        }
    }

    /// Makes the structure anew; whoever is new in it gets a step.
    pub(super) fn reshape(&mut self) {
        self.is_reshaped = false;
        self.structure = Structure::of(&self.world, &self.scope, &self.options);
        let now = self.now();
        let asks = self.options.mode == Mode::Ask;
        let members = self.structure.members.clone();
        let queued = std::mem::take(&mut self.queue).into_iter().map(|(_, key)| key);
        let height = |key: &ObjectKey| self.structure.height.get(key).copied().unwrap_or_default();
        self.queue = queued.map(|key| (Reverse(height(&key)), key)).collect();
        for (key, wanted) in &members {
            let annotation = self.world.nodes.get(key).and_then(|node| node.meta.annotations.get(ANNOTATION));
            let first = Step { first_annotation: annotation.cloned(), ..Step::new(false, now) };
            let step = self.steps.entry(key.clone()).or_insert(first);
            if step.end().is_none() {
                self.open.insert(key.clone());
            }
            (step.wanted, step.asks) = (*wanted, *wanted && asks);
            if matches!(step.phase, Phase::Ended(End::Gone)) {
                self.reopen(key, true); // it was deleted and is there again
            }
        }
        if self.options.with_source && asks {
            let wanted = |key: &ObjectKey| members.get(key) == Some(&true);
            let sources = self.structure.users.iter();
            let mut used: BTreeSet<ObjectKey> =
                sources.filter(|(_, users)| users.iter().any(wanted)).map(|(key, _)| key.clone()).collect();
            let mut queue: Vec<ObjectKey> = used.iter().cloned().collect();
            while let Some(key) = queue.pop() {
                let upstream = self.world.sources.get(&key).map(|source| source.upstream.clone());
                queue.extend(upstream.unwrap_or_default().into_iter().filter(|key| used.insert(key.clone())));
            }
            for key in used.into_iter().filter(|key| self.world.sources.contains_key(key)) {
                let asks = !self.has_begun || self.first_sources.contains(&key);
                let step = self.steps.entry(key.clone());
                if step.or_insert(Step { asks, wanted: true, ..Step::new(true, now) }).end().is_none() {
                    self.open.insert(key);
                }
            }
        }
        self.dirty.extend(self.steps.keys().cloned());
    }

    fn look_at(&mut self, key: &ObjectKey) {
        let Some(step) = self.steps.get(key) else { return };
        let step = step.clone();
        if step.is_source {
            return self.look_at_source(key, &step);
        }
        let Some(node) = self.world.nodes.get(key).cloned() else {
            if step.end().is_none() {
                self.end(key, End::Gone);
            }
            return;
        };
        if !step.wanted && !self.structure.members.contains_key(key) && step.end().is_none() {
            return self.end(key, End::Gone); // nobody needs it any more
        }
        self.note_run(key, &node, &step);
        let step = self.steps.get(key).cloned().unwrap_or(step);
        match &step.phase {
            Phase::Ended(_) => self.look_back(key, &node, &step),
            Phase::Waiting { .. } | Phase::Queued if !step.asks => self.look_on(key, &node),
            Phase::Waiting { .. } | Phase::Queued => {
                let gate = self.gate(&node);
                self.pass(key, gate);
            }
            Phase::Awaiting { until, fair } => {
                let judgement = match step.asks {
                    true => self.judge_unasked(&node, &step, *until, *fair),
                    false => return self.look_on(key, &node),
                };
                self.follow(key, judgement);
            }
            Phase::Asking(token) | Phase::Asked(token) => {
                let token = self.note_seen(key, &node, token.clone());
                let judgement = self.judge(&node, &step, &token);
                self.follow(key, judgement);
            }
        }
    }

    /// An annotation that is seen was written, whatever became of the answer.
    fn note_seen(&mut self, key: &ObjectKey, node: &Node, mut token: Token) -> Token {
        if node.meta.annotations.get(ANNOTATION) == Some(&token.value) && !token.seen {
            token.seen = true;
            let is_asking = matches!(self.steps.get(key).map(|step| &step.phase), Some(Phase::Asking(_)));
            if is_asking {
                self.note_asked(key, token.clone());
            } else if let Some(step) = self.steps.get_mut(key) {
                step.phase = Phase::Asked(token.clone());
            }
        }
        token
    }

    /// Does what the gate says.
    fn pass(&mut self, key: &ObjectKey, gate: Gate) {
        let now = self.now();
        if matches!(gate, Gate::Bringers(_)) {
            self.hopeful.insert(key.clone());
        }
        let is_queued = self.steps.get(key).is_some_and(|step| step.phase == Phase::Queued);
        match gate {
            Gate::Open if is_queued => {}
            Gate::Open => {
                let height = self.structure.height.get(key).copied().unwrap_or_default();
                self.enter(key, Phase::Queued);
                self.queue.insert((Reverse(height), key.clone()));
            }
            Gate::Steps(behind) | Gate::Bringers(behind) => {
                self.set_stuck(key, None);
                self.set_wake(key, None);
                self.wait(key, behind);
            }
            Gate::Outside(behind) => {
                let since = self.steps.get(key).and_then(|step| step.stuck).unwrap_or(now);
                let limit = since + self.longest_wait(&behind);
                if now >= limit {
                    return self.end(key, End::OutOfTime { behind, message: String::new() });
                }
                self.set_stuck(key, Some(since));
                let arrived = self.applied.map(|at| at + ARRIVAL).filter(|at| *at > now);
                self.set_wake(key, Some(arrived.map_or(limit, |at| at.min(limit))));
                self.wait(key, behind);
            }
            Gate::Closed(end) => self.end(key, end),
        }
    }

    pub(super) fn wait(&mut self, key: &ObjectKey, behind: Vec<ObjectKey>) {
        let Some(step) = self.steps.get(key) else { return };
        match &step.phase {
            Phase::Waiting { behind: before } if *before == behind => {}
            Phase::Waiting { .. } => self.enter(key, Phase::Waiting { behind }),
            _ => {
                let event = Event::Waiting { object: key.clone(), behind: behind.clone() };
                if self.has_begun && step.asked > 0 {
                    self.actions.push(Action::Tell(event));
                }
                self.enter(key, Phase::Waiting { behind });
            }
        }
    }

    /// Whether `--force` and `--reset` are for it: a HelmRelease, and where objects were named one of these.
    pub(super) fn takes_flags(&self, key: &ObjectKey) -> bool {
        let named = &self.scope.objects;
        key.kind == GroupKind::HELM_RELEASE && (named.is_empty() || named.contains(key))
    }

    /// Whether it is asked though it is ready at its target.
    pub(super) fn must_run(&self, node: &Node) -> bool {
        self.options.all || !self.options.ordered || (self.options.force && self.takes_flags(&node.key))
    }

    /// The turn of an object has come.
    fn take_turn(&mut self, key: &ObjectKey) {
        let Some((node, step)) = self.world.nodes.get(key).cloned().zip(self.steps.get(key).cloned()) else {
            return;
        };
        let now = self.now();
        if let Some(step) = self.steps.get_mut(key) {
            step.turn.get_or_insert(now);
            (step.stuck, step.unsettled) = (None, None);
        }
        let must = self.must_run(&node);
        let is_there = !must && self.is_there(&node);
        let annotation = node.meta.annotations.get(ANNOTATION);
        let is_awaited = annotation.is_some()
            && annotation != step.first_annotation.as_ref()
            && annotation != node.status.last_handled_reconcile_at.as_ref();
        let plain = !(self.takes_flags(key) && (self.options.force || self.options.reset));
        let arrives = self.arrives(&node).filter(|at| *at > now);
        if let Some(value) = annotation.filter(|_| is_awaited && plain && step.asked == 0) {
            // Somebody has asked since the start: that run is as good.
            let token = Token { value: value.clone(), before: None, seen: true, foreign: true };
            self.set_clock(key, &node);
            self.enter(key, Phase::Asked(token));
        } else if is_there && step.asked == 0 && arrives.is_none() {
            self.end(key, End::LeftAlone { revision: node.revision().cloned() });
        } else if is_there {
            self.set_clock(key, &node);
            self.enter(key, Phase::Awaiting { until: arrives.unwrap_or(now), fair: true });
        } else if step.asked > AGAIN {
            // It was asked often enough: the controller looks again by itself.
            self.set_clock(key, &node);
            self.enter(key, Phase::Awaiting { until: Duration::MAX, fair: true });
        } else if must || step.asked > 0 || (self.options.reset && self.takes_flags(key)) {
            return self.ask(key);
        } else if matches!(self.standing(&node), Standing::Running { .. }) && self.runs_target(&node) {
            self.set_clock(key, &node);
            self.enter(key, Phase::Awaiting { until: now, fair: self.is_guarded(&node) });
        } else {
            let moved = node.source.as_ref().and_then(|source| self.moved.get(source)).copied();
            match moved.map(|at| at + WAKE).filter(|until| *until > now) {
                Some(until) if step.changed <= until - WAKE => {
                    self.set_clock(key, &node);
                    self.enter(key, Phase::Awaiting { until, fair: true });
                }
                _ => return self.ask(key),
            }
        }
        self.dirty.insert(key.clone());
    }

    /// When news of what its applier has done to an object must have come, where they come on another watch.
    pub(super) fn arrives(&self, node: &Node) -> Option<Duration> {
        let applier = self.structure.applier.get(&node.key).filter(|applier| applier.kind != node.key.kind)?;
        let step = self.steps.get(applier)?;
        matches!(step.end(), Some(End::Done { .. })).then_some(step.since + ARRIVAL)
    }

    /// Asks an object, first or again.
    pub(super) fn ask(&mut self, key: &ObjectKey) {
        let value = self.new_token();
        let meta = self.world.nodes.get(key).map(|node| &node.meta);
        let meta = meta.or_else(|| self.world.sources.get(key).map(|source| &source.meta));
        let before = meta.and_then(|meta| meta.annotations.get(ANNOTATION)).cloned();
        if let Some(node) = self.world.nodes.get(key).cloned() {
            self.set_clock(key, &node);
        } else if let Some(step) = self.steps.get_mut(key) {
            step.clock.restarts = 0;
        }
        let now = self.now();
        if let Some(step) = self.steps.get_mut(key) {
            step.asked += 1;
            step.turn.get_or_insert(now);
            step.unsettled = None;
            step.running = false;
        }
        let token = Token { value: value.clone(), before, seen: false, foreign: false };
        self.enter(key, Phase::Asking(token));
        let flagged = self.takes_flags(key);
        let (force, reset) = (flagged && self.options.force, flagged && self.options.reset);
        self.actions.push(Action::Ask(Request { object: key.clone(), token: value, force, reset }));
        self.dirty.insert(key.clone());
    }

    /// A token that no other request of this plan has.
    fn new_token(&mut self) -> String {
        let passed = SignedDuration::try_from(self.at).unwrap_or(SignedDuration::MAX);
        let wanted = self.options.started.saturating_add(passed).unwrap_or(self.options.started);
        let next = self.tokens.map(|last| last.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(last));
        let token = next.map_or(wanted, |next| next.max(wanted));
        self.tokens = Some(token);
        token.to_string()
    }

    /// Does what was found out about an object that is under way.
    pub(super) fn follow(&mut self, key: &ObjectKey, judgement: Judgement) {
        let now = self.now();
        let Some(step) = self.steps.get_mut(key) else { return };
        let limit = step.clock.from + step.clock.allow;
        match judgement {
            Judgement::End(end) => return self.end(key, end),
            Judgement::Ask if step.asked <= AGAIN => return self.ask(key),
            _ if now >= limit => return self.run_out(key),
            Judgement::Keep | Judgement::Ask => step.unsettled = None,
            Judgement::Settle(_) => _ = step.unsettled.get_or_insert(now),
            Judgement::Back => {
                self.enter(key, Phase::Waiting { behind: Vec::new() });
                self.dirty.insert(key.clone());
                return;
            }
        }
        let until = match judgement {
            Judgement::Settle(until) => until.min(limit),
            _ => limit,
        };
        self.set_wake(key, Some(until));
    }

    /// The time is over: one that has outlived an outage is asked once more, all others have come to an end.
    pub(super) fn run_out(&mut self, key: &ObjectKey) {
        if let Some(step) = self.steps.get_mut(key)
            && std::mem::take(&mut step.outlived)
            && step.token().is_some()
            && step.asked <= AGAIN
        {
            return self.ask(key);
        }
        let conditions = self.world.nodes.get(key).map(|node| &node.status.conditions);
        let conditions = conditions.or_else(|| self.world.sources.get(key).map(|source| &source.conditions));
        let message = conditions.and_then(|conditions| conditions.ready()).map(|ready| ready.message.clone());
        self.end(key, End::OutOfTime { behind: Vec::new(), message: message.unwrap_or_default() });
    }
}
