//! Controllers, an API server and a driver, all in simulated time.
//!
//! They do what flux-semantics §2.2 and §13 say: conditions before the rest of a status, dependencies checked at the start
//! of a run and again only 30 s later, Ready=Unknown during every run, the token read at the start and written at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{Action, Ending, Event, Observation, Options, Plan, Request, Scope, Unasked};
use crate::model::{Artifact, GroupKind, Node, ObjectKey, Revision, Snapshot, Source};
use crate::testing::{OLD, REVISION, ks, now, snapshot, source, source_key};

mod controllers;

pub(super) const TOKEN: &str = "reconcile.fluxcd.io/requestedAt";

/// Small, and the same everywhere.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }
}

/// What goes wrong, each by chance.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    pub(super) flickers: bool,
    pub(super) duplicates: bool,
    pub(super) lost_answers: bool,
    pub(super) lost_tokens: bool,
    pub(super) foreign: bool,
    pub(super) outage: bool,
    pub(super) moves: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Thing {
    /// A request reaches the server.
    Patch(Request),
    /// Its answer reaches the driver.
    Answer(Request),
    /// The driver has had no answer.
    Retry(Request),
    /// Something wakes the controller.
    Wake(ObjectKey),
    /// A run goes on, with its number, the token and generation that it began with, and its step.
    Run(ObjectKey, u64, Option<String>, i64, u8),
    /// News reach the driver.
    News(Box<Observation>),
    Foreign(ObjectKey),
    LoseToken(ObjectKey),
    OutageBegins,
    OutageEnds,
    Push,
}

pub(super) struct Sim {
    pub(super) plan: Plan,
    pub(super) dice: Dice,
    pub(super) trouble: Trouble,
    pub(super) nodes: BTreeMap<ObjectKey, Node>,
    pub(super) source: Source,
    /// How long a full run takes, in milliseconds.
    pub(super) takes: BTreeMap<ObjectKey, u64>,
    /// Who fails, and for what reason.
    pub(super) fails: BTreeMap<ObjectKey, &'static str>,
    pub(super) source_fails: bool,
    /// What an applier makes of objects when it has applied: called with the new objects.
    pub(super) applies: BTreeMap<ObjectKey, Vec<Node>>,
    agenda: BTreeMap<(u64, u64), Thing>,
    number: u64,
    pub(super) time: u64,
    busy: BTreeSet<ObjectKey>,
    again: BTreeSet<ObjectKey>,
    pub(super) upstream: Revision,
    last_news: BTreeMap<GroupKind, u64>,
    down: bool,
    kept: Vec<Observation>,
    wake: Option<u64>,
    pub(super) asked: Vec<(u64, ObjectKey)>,
    pub(super) runs: BTreeMap<ObjectKey, u32>,
    pub(super) events: Vec<(u64, Event)>,
    /// When each was first at the newest revision on the server.
    pub(super) first_done: BTreeMap<ObjectKey, u64>,
    /// What the plan was told, and whether it was asked for actions after it.
    pub(super) log: Vec<(Duration, Observation, bool)>,
    pub(super) most_under_way: usize,
    pub(super) checks_turns: bool,
    pub(super) actions: Vec<Action>,
    pub(super) forbidden: BTreeSet<ObjectKey>,
}

/// Objects that all run an old revision.
pub(super) fn old(name: &str) -> Node {
    ks(name).at(OLD)
}

pub(super) fn old_world(nodes: impl IntoIterator<Item = Node>) -> Snapshot {
    let mut world = snapshot(nodes);
    world.sources.insert(source_key(), old_source());
    world
}

pub(super) fn old_source() -> Source {
    let artifact =
        Artifact { revision: Revision(OLD.to_owned()), updated: None, url: String::new(), origin: None };
    Source { artifact: Some(artifact), ..source() }
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

impl Sim {
    pub(super) fn new(world: Snapshot, scope: Scope, options: Options, seed: u64) -> Self {
        let (nodes, source) = (world.nodes.clone(), world.sources[&source_key()].clone());
        Self {
            plan: Plan::new(world, scope, options),
            dice: Dice(seed),
            trouble: Trouble::default(),
            nodes,
            source,
            takes: BTreeMap::new(),
            fails: BTreeMap::new(),
            source_fails: false,
            applies: BTreeMap::new(),
            agenda: BTreeMap::new(),
            number: 0,
            time: 0,
            busy: BTreeSet::new(),
            again: BTreeSet::new(),
            upstream: Revision(REVISION.to_owned()),
            last_news: BTreeMap::new(),
            down: false,
            kept: Vec::new(),
            wake: None,
            asked: Vec::new(),
            runs: BTreeMap::new(),
            events: Vec::new(),
            first_done: BTreeMap::new(),
            log: Vec::new(),
            most_under_way: usize::MAX,
            checks_turns: true,
            actions: Vec::new(),
            forbidden: BTreeSet::new(),
        }
    }

    pub(super) fn ordered(nodes: impl IntoIterator<Item = Node>) -> Self {
        Self::new(old_world(nodes), Scope::default(), Options::new(now()), 7)
    }

    fn at(&mut self, time: u64, thing: Thing) {
        self.number += 1;
        self.agenda.insert((time, self.number), thing);
    }

    /// Runs until the plan has ended, and gives how; `None` where it never does.
    pub(super) fn run(&mut self) -> Option<Ending> {
        self.disturb();
        if let Some(ending) = self.act() {
            return Some(ending);
        }
        for _ in 0..400_000 {
            let next = self.agenda.first_key_value().map(|((time, _), _)| *time);
            let wake = self.wake;
            self.time = match (next, wake) {
                (Some(next), Some(wake)) if wake < next => wake.max(self.time),
                (Some(next), _) => next,
                (None, Some(wake)) => wake.max(self.time),
                (None, None) => return None,
            };
            if self.wake.is_some_and(|wake| wake <= self.time) {
                self.wake = None;
                self.tell(Observation::Time);
            } else if let Some((_, thing)) = self.agenda.pop_first() {
                self.happen(thing);
            }
            if let Some(ending) = self.act() {
                return Some(ending);
            }
        }
        None
    }

    pub(super) fn tell(&mut self, observation: Observation) {
        self.log.push((ms(self.time), observation.clone(), false));
        self.plan.observe(ms(self.time), observation);
    }

    fn act(&mut self) -> Option<Ending> {
        if let Some((_, _, is_last)) = self.log.last_mut() {
            *is_last = true;
        }
        for action in self.plan.next_actions() {
            self.actions.push(action.clone());
            match action {
                Action::Ask(request) => {
                    assert!(self.asked.len() < 100_000);
                    self.asked.push((self.time, request.object.clone()));
                    self.check_turn(&request.object);
                    let delay = 1 + self.dice.roll(8);
                    self.at(self.time + delay, Thing::Patch(request));
                }
                Action::Tell(event) => self.events.push((self.time, event)),
                Action::WakeAt(at) => {
                    self.wake = Some(u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap())
                }
                Action::Finish(ending) => return Some(ending),
            }
        }
        None
    }

    /// Nothing is asked before its dependencies are at the newest revision on the server.
    fn check_turn(&self, key: &ObjectKey) {
        assert!(self.plan.under_way.len() <= self.most_under_way);
        let Some(node) = self.nodes.get(key).filter(|_| self.checks_turns) else { return };
        for entry in &node.depends_on {
            let Some(dependency) = self.nodes.get(&entry.key) else {
                panic!("{key} asked, {} is missing", entry.key)
            };
            assert!(
                dependency.suspended || self.first_done.contains_key(&entry.key),
                "{key} asked at {} before {} was done",
                self.time,
                entry.key
            );
        }
    }

    fn happen(&mut self, thing: Thing) {
        match thing {
            Thing::Patch(request) => self.patch(request),
            Thing::Answer(request) if self.forbidden.contains(&request.object) => {
                let why = Unasked::Forbidden("no".to_owned());
                self.tell(Observation::NotAsked { object: request.object, token: request.token, why });
            }
            Thing::Answer(request) => {
                self.tell(Observation::Asked { object: request.object, token: request.token })
            }
            Thing::Retry(request) => {
                if self.plan.wants(&request.object, &request.token) {
                    self.at(self.time + 1, Thing::Patch(request));
                }
            }
            Thing::Wake(key) => self.wake_up(&key),
            Thing::Run(key, run, token, generation, step) => self.go_on(&key, run, token, generation, step),
            Thing::News(observation) if self.down => self.kept.push(*observation),
            Thing::News(observation) => self.tell(*observation),
            Thing::Foreign(key) => self.annotate(&key, format!("foreign-{}", self.number)),
            Thing::LoseToken(key) => {
                if let Some(node) = self.nodes.get_mut(&key)
                    && node.meta.annotations.remove(TOKEN).is_some()
                {
                    self.written(&key);
                    self.wake_soon(&key);
                }
            }
            Thing::OutageBegins => {
                self.down = true;
                self.tell(Observation::Lost);
            }
            Thing::OutageEnds => {
                self.down = false;
                for observation in std::mem::take(&mut self.kept) {
                    self.tell(observation);
                }
                self.tell(Observation::Resumed);
            }
            Thing::Push => {
                self.upstream = Revision("main@sha1:77777777777".to_owned());
                self.first_done.clear();
                self.wake_soon(&source_key());
            }
        }
    }

    fn patch(&mut self, request: Request) {
        if self.down {
            return self.at(self.time + 500, Thing::Retry(request));
        }
        let delay = 1 + self.dice.roll(10);
        if self.forbidden.contains(&request.object) {
            return self.at(self.time + delay, Thing::Answer(request));
        }
        self.annotate(&request.object, request.token.clone());
        if self.trouble.lost_answers && self.dice.roll(3) == 0 {
            self.at(self.time + 500, Thing::Retry(request));
        } else {
            self.at(self.time + delay, Thing::Answer(request));
        }
    }

    fn annotate(&mut self, key: &ObjectKey, value: String) {
        let meta = if *key == self.source.key {
            &mut self.source.meta
        } else if let Some(node) = self.nodes.get_mut(key) {
            &mut node.meta
        } else {
            return;
        };
        if meta.annotations.insert(TOKEN.to_owned(), value.clone()) != Some(value) {
            self.written(key);
            self.wake_soon(key);
        }
    }

    fn wake_soon(&mut self, key: &ObjectKey) {
        let delay = 2 + self.dice.roll(20);
        self.at(self.time + delay, Thing::Wake(key.clone()));
    }

    /// Whoever watches is told, in the order of the writes of each kind.
    fn written(&mut self, key: &ObjectKey) {
        let observation = if *key == self.source.key {
            Observation::Source(Box::new(self.source.clone()))
        } else {
            Observation::Node(Box::new(self.nodes[key].clone()))
        };
        let last = self.last_news.get(&key.kind).copied().unwrap_or_default();
        let time = (self.time + 1 + self.dice.roll(5)).max(last);
        self.last_news.insert(key.kind.clone(), time);
        self.at(time, Thing::News(Box::new(observation.clone())));
        if self.trouble.duplicates && self.dice.roll(3) == 0 {
            self.at(time, Thing::News(Box::new(observation)));
        }
    }

    /// Puts the troubles on the agenda.
    fn disturb(&mut self) {
        let keys: Vec<ObjectKey> = self.nodes.keys().cloned().collect();
        for key in keys {
            let (time, later) = (self.dice.roll(30_000), self.dice.roll(30_000));
            if self.trouble.foreign && self.dice.roll(3) == 0 {
                self.at(time, Thing::Foreign(key.clone()));
            }
            if self.trouble.flickers && self.dice.roll(3) == 0 {
                self.at(later, Thing::Wake(key.clone()));
            }
            if self.trouble.lost_tokens && self.dice.roll(3) == 0 {
                self.at(later, Thing::LoseToken(key));
            }
        }
        if self.trouble.outage {
            let time = self.dice.roll(10_000);
            self.at(time, Thing::OutageBegins);
            self.at(time + 20_000, Thing::OutageEnds);
        }
        if self.trouble.moves {
            let time = 100 + self.dice.roll(20_000);
            self.at(time, Thing::Push);
        }
    }

    /// A push that the source finds by itself.
    pub(super) fn disturb_with_push(&mut self, time: u64) {
        self.at(time, Thing::Wake(source_key()));
    }

    /// How often each was asked.
    pub(super) fn counts(&self) -> BTreeMap<&ObjectKey, u32> {
        let mut counts = BTreeMap::new();
        self.asked.iter().for_each(|(_, key)| *counts.entry(key).or_default() += 1);
        counts
    }

    /// Names in the order in which they were asked, sources left out.
    pub(super) fn order(&self) -> Vec<&str> {
        let objects = self.asked.iter().filter(|(_, key)| !key.kind.is_source());
        objects.map(|(_, key)| key.name.as_str()).collect()
    }

    /// The ends that were told, as one line each, in the order of time.
    pub(super) fn ends(&self) -> String {
        let name = |keys: &[ObjectKey]| keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",");
        let ends = self.events.iter().filter_map(|(_, event)| match event {
            Event::Ended { object, end, .. } => Some((object, end)),
            _ => None,
        });
        let lines = ends.map(|(object, end)| format!("{} {}", object.name, super::describe(end, &name)));
        lines.collect::<Vec<_>>().join("\n")
    }
}
