//! The plan: what is known, and how news are taken in. What follows from them is in `advance`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::action::{Action, Cut, End, Event, Failure};
use super::attempt::is_revision;
use super::observation::{Observation, Unasked};
use super::options::{Mode, Options, Scope};
use super::step::{Phase, Step};
use super::structure::{Structure, is_ours};
use crate::diagnosis::installation::Installation;
use crate::diagnosis::ready_expr::Expressions;
use crate::model::{Node, ObjectKey, Snapshot, Source};

/// The annotation by which an object is asked.
pub(super) const ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";

/// Kinds are watched one by one: what an applier has changed may be told later than that it has, but not so much later.
pub(super) const ARRIVAL: Duration = Duration::from_millis(500);

/// Brings objects up in order: see the module.
pub struct Plan {
    pub(super) world: Snapshot,
    pub(super) scope: Scope,
    pub(super) options: Options,
    pub(super) installation: Installation,
    pub(super) expressions: Expressions,
    pub(super) structure: Structure,
    /// Something points elsewhere than `structure` says.
    pub(super) is_reshaped: bool,
    pub(super) steps: BTreeMap<ObjectKey, Step>,
    /// What has to be looked at.
    pub(super) dirty: BTreeSet<ObjectKey>,
    pub(super) timers: BTreeSet<(Duration, ObjectKey)>,
    /// Whose turn has come: those with the longest path behind them first.
    pub(super) queue: BTreeSet<(Reverse<usize>, ObjectKey)>,
    /// Objects that take one of the places of which there are only so many.
    pub(super) under_way: BTreeSet<ObjectKey>,
    /// Sources that are being refreshed.
    pub(super) fetching: BTreeSet<ObjectKey>,
    /// Steps that have not ended.
    pub(super) open: BTreeSet<ObjectKey>,
    /// Objects that wait for something that does not exist, as long as somebody may bring it.
    pub(super) hopeful: BTreeSet<ObjectKey>,
    /// When the artifact of a source has changed since the start.
    pub(super) moved: BTreeMap<ObjectKey, Duration>,
    /// Sources that were seen at the revision that is waited for.
    pub(super) reached: BTreeSet<ObjectKey>,
    /// Sources that existed at the start: later ones are fetched by themselves.
    pub(super) first_sources: BTreeSet<ObjectKey>,
    /// When the last object that applies others has come to its end.
    pub(super) applied: Option<Duration>,
    /// Nothing moves any more, so nobody brings what is missing.
    pub(super) gave_up_missing: bool,
    pub(super) actions: Vec<Action>,
    /// `world.now` at the start.
    began: Timestamp,
    /// The time of the last observation since the start.
    pub(super) at: Duration,
    /// Since when watches are lost.
    pub(super) lost: Option<Duration>,
    /// How long watches were lost, all in all.
    pub(super) frozen: Duration,
    pub(super) cut: Option<Cut>,
    pub(super) is_finished: bool,
    pub(super) has_begun: bool,
    pub(super) tokens: Option<Timestamp>,
    pub(super) told_wake: Option<Duration>,
}

/// Where one object or source stands in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Its turn has not come.
    Waiting {
        /// What it waits for.
        behind: Vec<ObjectKey>,
    },
    /// Its turn has come, and as many as may be are under way.
    Queued,
    /// A request is on its way, or a moment is given to a run that may begin by itself.
    Asking,
    /// It was asked, or runs by itself, and is awaited.
    Running {
        /// The controller's words; may be empty.
        message: String,
    },
    /// It is over.
    Ended(End),
}

/// One line of the live list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView<'a> {
    /// Which object or source.
    pub object: &'a ObjectKey,
    /// Layer of an object that has one; `None` for sources and what is in or behind a cycle.
    pub layer: Option<usize>,
    /// Whether it is meant, and not only waited for because something that is meant needs it.
    pub wanted: bool,
    /// Where it stands.
    pub state: StepState,
    /// When it came to be so, since the start, without the time in which watches were lost.
    pub since: Duration,
    /// When its turn came, likewise.
    pub turn: Option<Duration>,
    /// How long its run took last time, by its history.
    pub expected: Option<Duration>,
}

impl Plan {
    /// A plan for what is in scope of this world. Nothing happens before [`Plan::next_actions`].
    pub fn new(world: Snapshot, scope: Scope, options: Options) -> Self {
        let (began, installation) = (world.now, Installation::of(&world));
        let first_sources = world.sources.keys().cloned().collect();
        let mut plan = Self {
            world,
            scope,
            options,
            installation,
            expressions: Expressions::default(),
            structure: Structure::default(),
            is_reshaped: true,
            steps: BTreeMap::new(),
            dirty: BTreeSet::new(),
            timers: BTreeSet::new(),
            queue: BTreeSet::new(),
            under_way: BTreeSet::new(),
            fetching: BTreeSet::new(),
            open: BTreeSet::new(),
            hopeful: BTreeSet::new(),
            moved: BTreeMap::new(),
            reached: BTreeSet::new(),
            first_sources,
            applied: None,
            gave_up_missing: false,
            actions: Vec::new(),
            began,
            at: Duration::ZERO,
            lost: None,
            frozen: Duration::ZERO,
            cut: None,
            is_finished: false,
            has_begun: false,
            tokens: None,
            told_wake: None,
        };
        let sources: Vec<ObjectKey> = plan.world.sources.keys().cloned().collect();
        sources.iter().for_each(|key| plan.note_reached(key));
        plan.reshape();
        plan
    }

    /// Takes in what was seen at that time since the start; several may be told before [`Plan::next_actions`].
    pub fn observe(&mut self, at: Duration, observation: Observation) {
        self.at = self.at.max(at);
        let passed = SignedDuration::try_from(self.at).unwrap_or(SignedDuration::MAX);
        self.world.now = self.began.saturating_add(passed).unwrap_or(self.began);
        match observation {
            Observation::Node(node) => self.see_node(*node),
            Observation::Source(source) => self.see_source(*source),
            Observation::Gone(key) => self.see_gone(&key),
            Observation::World(world) => self.see_world(*world),
            Observation::Asked { object, token } => self.see_answer(&object, &token, None),
            Observation::NotAsked { object, token, why } => self.see_answer(&object, &token, Some(why)),
            Observation::Time => {}
            Observation::Lost => _ = self.lost.get_or_insert(self.at),
            Observation::Resumed => {
                if let Some(since) = self.lost.take() {
                    self.frozen += self.at.saturating_sub(since);
                    for key in self.under_way.iter().chain(&self.fetching) {
                        if let Some(step) = self.steps.get_mut(key) {
                            step.outlived = true;
                        }
                    }
                }
            }
            Observation::Interrupted => _ = self.cut.get_or_insert(Cut::Interrupted),
        }
    }

    /// Whether a request is still to be sent: `false` once its annotation was seen, or nobody waits for it any more. Ask
    /// before every further try of one that got no answer.
    pub fn wants(&self, object: &ObjectKey, token: &str) -> bool {
        let phase = self.steps.get(object).map(|step| &step.phase);
        !self.is_finished && matches!(phase, Some(Phase::Asking(asked)) if asked.value == token && !asked.seen)
    }

    /// Everything that is known, as the plan sees it now: what `why` needs to explain a failure.
    pub fn world(&self) -> &Snapshot {
        &self.world
    }

    /// The plan's own clock: it stands still while watches are lost.
    pub(super) fn now(&self) -> Duration {
        self.lost.unwrap_or(self.at).saturating_sub(self.frozen)
    }

    /// Whether a source has the revision that is waited for, or had it.
    pub(super) fn has_reached(&self, source: &ObjectKey) -> bool {
        let of = &self.options.revision_of;
        let is_of_it = of.is_empty() || of.contains(source);
        self.options.revision.is_none() || !is_of_it || self.reached.contains(source)
    }

    fn note_reached(&mut self, key: &ObjectKey) {
        let artifact = self.world.sources.get(key).and_then(|source| source.artifact.as_ref());
        let wanted = self.options.revision.as_ref().zip(artifact);
        if wanted.is_some_and(|(wanted, artifact)| is_revision(&artifact.revision, wanted)) {
            self.reached.insert(key.clone());
        }
    }

    fn see_node(&mut self, node: Node) {
        let key = node.key.clone();
        let before = self.world.nodes.get(&key);
        if before == Some(&node) {
            return;
        }
        self.is_reshaped |= before.is_none_or(|before| !has_same_shape(before, &node));
        self.world.coverage.cover_seen(&key);
        self.world.nodes.insert(key.clone(), node);
        self.note_change(&key);
    }

    fn see_source(&mut self, source: Source) {
        let key = source.key.clone();
        let before = self.world.sources.get(&key);
        if before == Some(&source) {
            return;
        }
        self.is_reshaped |= before.is_none_or(|before| before.upstream != source.upstream);
        let revision = |source: &Source| source.artifact.as_ref().map(|artifact| artifact.revision.clone());
        if before.and_then(revision) != revision(&source) {
            self.moved.insert(key.clone(), self.now());
        }
        self.world.sources.insert(key.clone(), source);
        self.note_reached(&key);
        self.note_change(&key);
    }

    fn see_gone(&mut self, key: &ObjectKey) {
        let was_there = self.world.nodes.remove(key).is_some() | self.world.sources.remove(key).is_some();
        if was_there {
            self.is_reshaped = true;
            self.world.coverage.cover_absent(key.clone());
            self.note_change(key);
        }
    }

    fn see_world(&mut self, mut world: Snapshot) {
        let (nodes, sources) = (std::mem::take(&mut world.nodes), std::mem::take(&mut world.sources));
        let known = self.world.nodes.keys().chain(self.world.sources.keys());
        let gone: Vec<ObjectKey> =
            known.filter(|key| !nodes.contains_key(*key) && !sources.contains_key(*key)).cloned().collect();
        gone.iter().for_each(|key| self.see_gone(key));
        nodes.into_values().for_each(|node| self.see_node(node));
        sources.into_values().for_each(|source| self.see_source(source));
        let (nodes, sources) = (std::mem::take(&mut self.world.nodes), std::mem::take(&mut self.world.sources));
        let now = self.world.now;
        self.world = Snapshot { nodes, sources, now, ..world };
    }

    fn see_answer(&mut self, key: &ObjectKey, token: &str, refused: Option<Unasked>) {
        let Some(step) = self.steps.get(key) else { return };
        let Phase::Asking(asked) = &step.phase else { return };
        if asked.value != token || self.is_finished {
            return;
        }
        let asked = asked.clone();
        match refused {
            None => self.note_asked(key, asked),
            Some(Unasked::NotFound) if !self.is_known(key) => self.end(key, End::Gone),
            Some(why) => {
                let (reason, message) = match why {
                    Unasked::Forbidden(message) => ("Forbidden", message),
                    Unasked::NotFound => ("NotFound", "it is not there any more".to_owned()),
                    Unasked::Failed(message) => ("RequestFailed", message),
                };
                self.end(key, End::Failed(Failure { reason: reason.to_owned(), message, stalled: false }));
            }
        }
    }

    pub(super) fn note_asked(&mut self, key: &ObjectKey, token: super::step::Token) {
        let before = self.steps.get(key).map_or(0, |step| step.asked.saturating_sub(1));
        let event = Event::Asked { object: key.clone(), token: token.value.clone(), before };
        self.actions.push(Action::Tell(event));
        self.enter(key, Phase::Asked(token));
        self.dirty.insert(key.clone());
    }

    fn is_known(&self, key: &ObjectKey) -> bool {
        self.world.nodes.contains_key(key) || self.world.sources.contains_key(key)
    }

    /// What has changed has to be looked at, and so has all that looks at it.
    fn note_change(&mut self, key: &ObjectKey) {
        let now = self.now();
        if let Some(step) = self.steps.get_mut(key) {
            step.changed = now;
        }
        self.dirty.insert(key.clone());
        self.mark_neighbours(key);
    }

    /// All that looks at an object.
    pub(super) fn mark_neighbours(&mut self, key: &ObjectKey) {
        let Structure { dependents, children, users, .. } = &self.structure;
        let neighbours = [dependents, children, users].into_iter().filter_map(|map| map.get(key)).flatten();
        self.dirty.extend(neighbours.cloned());
    }

    /// Whether nothing is asked and everything only looked at.
    pub(super) fn only_watches(&self) -> bool {
        self.options.mode == Mode::Wait
    }
}

/// Whether an object still points where it pointed.
fn has_same_shape(before: &Node, now: &Node) -> bool {
    let applies = |node: &Node| {
        let entries = node.status.inventory.iter().flatten();
        let flux = entries.filter(|entry| is_ours(&entry.key.kind) || entry.key.kind.is_source());
        (node.status.inventory.is_some(), flux.map(|entry| entry.key.clone()).collect::<Vec<_>>())
    };
    let chart = |node: &Node| node.helm_release().and_then(|spec| spec.chart_source.clone());
    before.depends_on == now.depends_on
        && before.source == now.source
        && before.live == now.live
        && before.remote == now.remote
        && before.meta.labels == now.meta.labels
        && chart(before) == chart(now)
        && (before.status.inventory == now.status.inventory || applies(before) == applies(now))
}
