//! What holds for every graph, whatever goes wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::attempt::AGAIN;
use super::super::{End, Event, Options, Plan, Scope};
use super::sim::{Sim, Trouble, old, old_world};
use crate::model::{Node, ObjectKey};
use crate::testing::{NS, key, now, source_key};

/// Objects that depend on and are applied by earlier ones; how long each runs, and whether it fails.
#[derive(Clone, Debug)]
struct Fleet {
    depends: Vec<Vec<usize>>,
    applier: Vec<Option<usize>>,
    takes: Vec<u64>,
    fails: Vec<bool>,
    seed: u64,
}

fn any_fleet(most: usize, takes: std::ops::Range<u64>, failing: f64) -> impl Strategy<Value = Fleet> {
    (1..=most).prop_flat_map(move |size| {
        let depends = prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), size);
        let applier = prop::collection::vec(prop::option::weighted(0.3, any::<prop::sample::Index>()), size);
        let takes = prop::collection::vec(takes.clone(), size);
        let fails = prop::collection::vec(prop::bool::weighted(failing), size);
        (depends, applier, takes, fails, any::<u64>()).prop_map(|(depends, applier, takes, fails, seed)| {
            let below = |at: usize, index: prop::sample::Index| (at > 0).then(|| index.index(at));
            let depends = depends.into_iter().enumerate();
            let depends =
                depends.map(|(at, list)| list.into_iter().filter_map(|index| below(at, index)).collect());
            let applier = applier.into_iter().enumerate();
            let applier = applier.map(|(at, index)| index.and_then(|index| below(at, index))).collect();
            Fleet { depends: depends.collect(), applier, takes, fails, seed }
        })
    })
}

fn name(at: usize) -> String {
    format!("n{at:02}")
}

impl Fleet {
    fn nodes(&self) -> Vec<Node> {
        let size = self.depends.len();
        (0..size)
            .map(|at| {
                let mut node = old(&name(at));
                for on in &self.depends[at] {
                    node = node.on(&name(*on));
                }
                if let Some(applier) = self.applier[at] {
                    for (label, value) in [("name", name(applier)), ("namespace", NS.to_owned())] {
                        node.meta.labels.insert(format!("kustomize.toolkit.fluxcd.io/{label}"), value);
                    }
                }
                let children = (0..size).filter(|child| self.applier[*child] == Some(at));
                node.holds(&children.map(|child| key(&name(child))).collect::<Vec<_>>())
            })
            .collect()
    }

    fn sim(&self, options: Options) -> Sim {
        let mut sim = Sim::new(old_world(self.nodes()), Scope::default(), options, self.seed);
        for at in 0..self.depends.len() {
            sim.takes.insert(key(&name(at)), self.takes[at]);
            if self.fails[at] {
                sim.fails.insert(key(&name(at)), "BuildFailed");
            }
        }
        sim
    }

    fn needs(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.depends[at].iter().copied().chain(self.applier[at])
    }

    /// Whether each comes up: it does not fail, and all that it needs comes up.
    fn comes_up(&self) -> Vec<bool> {
        let mut up = Vec::new();
        for at in 0..self.depends.len() {
            let good = !self.fails[at] && self.needs(at).all(|on| up[on]);
            up.push(good);
        }
        up
    }

    /// Length of the longest path, in milliseconds.
    fn longest_path(&self) -> u64 {
        let mut ends: Vec<u64> = Vec::new();
        for at in 0..self.depends.len() {
            let begins = self.needs(at).map(|on| ends[on]).max().unwrap_or_default();
            ends.push(begins + self.takes[at]);
        }
        ends.into_iter().max().unwrap_or_default()
    }
}

/// The last end that was told of each object.
fn ends(sim: &Sim) -> BTreeMap<ObjectKey, End> {
    let mut ends = BTreeMap::new();
    for (_, event) in &sim.events {
        if let Event::Ended { object, end, .. } = event {
            ends.insert(object.clone(), end.clone());
        }
    }
    ends
}

fn any_trouble() -> impl Strategy<Value = Trouble> {
    any::<[bool; 6]>().prop_map(|[flickers, duplicates, lost_answers, lost_tokens, foreign, outage]| Trouble {
        flickers,
        duplicates,
        lost_answers,
        lost_tokens,
        foreign,
        outage,
        moves: false,
    })
}

fn options(concurrency: usize) -> Options {
    Options { concurrency, ..Options::new(now()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn it_ends_asks_little_and_never_before_its_turn_whatever_goes_wrong(
        fleet in any_fleet(10, 40..4_000, 0.15),
        trouble in any_trouble(),
        concurrency in 1usize..10,
    ) {
        let mut sim = fleet.sim(options(concurrency));
        sim.trouble = trouble;
        sim.most_under_way = concurrency;
        let ending = sim.run();
        prop_assert!(ending.is_some(), "it never ends");
        for (object, count) in sim.counts() {
            prop_assert!(count <= 1 + AGAIN, "{object} was asked {count} times");
        }
        let ends = ends(&sim);
        for (at, up) in fleet.comes_up().into_iter().enumerate() {
            let end = &ends[&key(&name(at))];
            let good = matches!(end, End::Done { .. } | End::LeftAlone { .. });
            prop_assert_eq!(good, up, "{} ended as {:?}\n{}", name(at), end, sim.ends());
            if !up {
                let by_itself = fleet.needs(at).all(|on| fleet.comes_up()[on]);
                prop_assert_eq!(matches!(end, End::Failed(_)), by_itself, "{} {:?}", name(at), end);
            }
        }
        prop_assert_eq!(ending.unwrap().is_bad(), fleet.comes_up().contains(&false));
    }

    #[test]
    fn a_source_that_moves_on_does_not_keep_it_for_ever(
        fleet in any_fleet(8, 40..4_000, 0.1),
        flickers in any::<bool>(),
    ) {
        let mut sim = fleet.sim(options(4));
        sim.trouble = Trouble { moves: true, flickers, ..Trouble::default() };
        sim.checks_turns = false;
        prop_assert!(sim.run().is_some(), "it never ends");
        for (object, count) in sim.counts() {
            prop_assert!(count <= 4 * (1 + AGAIN), "{object} was asked {count} times");
        }
        let up = fleet.comes_up();
        for (object, end) in ends(&sim).iter().filter(|(object, _)| **object != source_key()) {
            let at: usize = object.name[1..].parse().unwrap();
            prop_assert_eq!(matches!(end, End::Done { .. } | End::LeftAlone { .. }), up[at], "{}", sim.ends());
        }
    }

    #[test]
    fn without_a_limit_it_takes_as_long_as_the_longest_path(fleet in any_fleet(12, 2_000..50_000, 0.0)) {
        let mut sim = fleet.sim(options(usize::MAX));
        let ending = sim.run().unwrap();
        prop_assert!(!ending.is_bad());
        let (took, path) = (sim.time, fleet.longest_path() + 60);
        prop_assert!(took * 100 <= path * 105, "{took} ms for a path of {path} ms\n{}", sim.ends());
    }

    #[test]
    fn the_same_observations_give_the_same_actions(fleet in any_fleet(8, 40..4_000, 0.2), trouble in any_trouble()) {
        let mut sim = fleet.sim(options(3));
        sim.trouble = trouble;
        sim.run();
        let mut again = Plan::new(old_world(fleet.nodes()), Scope::default(), options(3));
        let mut actions = again.next_actions();
        for (at, observation, is_last) in sim.log {
            again.observe(at, observation);
            if is_last {
                actions.extend(again.next_actions());
            }
        }
        prop_assert_eq!(actions, sim.actions);
    }
}
