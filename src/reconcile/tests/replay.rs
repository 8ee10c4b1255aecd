//! The plan against what a watch of real controllers has shown (`tests/fixtures/live/watch`, recorded with
//! kustomize-controller 1.9.6): a chain of eight, and whoever recorded it asked for each as soon as the one before was done.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::super::{Action, End, Ending, Event, Observation, Options, Plan, Scope};
use crate::model::{GroupKind, ObjectKey, Snapshot};
use crate::testing::now;
use crate::wire::{Place, SnapshotBuilder};

const ALONE: &[u8] = include_bytes!("../../../tests/fixtures/live/watch/flux-alone.jsonl.gz");
const ORDERED: &[u8] = include_bytes!("../../../tests/fixtures/live/watch/ordered.jsonl.gz");
const FAILS: &[u8] = include_bytes!("../../../tests/fixtures/live/watch/fourth-fails.jsonl.gz");
const MENDED: &[u8] = include_bytes!("../../../tests/fixtures/live/watch/mended.jsonl.gz");

fn lines(recording: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(recording).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn objects(recording: &[u8]) -> Vec<(u64, Value)> {
    let events =
        lines(recording).into_iter().filter(|line| line["event"]["object"]["metadata"]["name"].is_string());
    events.map(|line| (line["ms"].as_u64().unwrap(), line["event"]["object"].clone())).collect()
}

/// What each object looks like at the end of a recording.
fn last(recording: &[u8]) -> BTreeMap<String, Value> {
    objects(recording).into_iter().map(|(_, object)| (object["metadata"]["name"].to_string(), object)).collect()
}

fn snapshot(objects: impl IntoIterator<Item = Value>) -> Snapshot {
    let mut builder = SnapshotBuilder::new();
    for kind in [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE, GroupKind::GIT_REPOSITORY] {
        builder.covers(kind, None);
    }
    objects.into_iter().for_each(|object| builder.add(object, Place::file("recording")));
    builder.finish("recording".to_owned(), Some(now()))
}

struct Replayed {
    asked: Vec<(u64, String)>,
    ends: BTreeMap<String, (u64, End)>,
    ending: Option<Ending>,
}

/// Plays a recording to a plan. The tokens of whoever recorded it become those of the plan: what was asked is asked by it.
fn replay(before: &[&[u8]], recording: &[u8], options: Options) -> Replayed {
    let mut world: BTreeMap<String, Value> = BTreeMap::new();
    before.iter().for_each(|recording| world.extend(last(recording)));
    let known: BTreeSet<String> = world.keys().cloned().collect();
    for (_, object) in objects(recording).into_iter().rev() {
        let name = object["metadata"]["name"].to_string();
        if !known.contains(&name) {
            world.insert(name, object); // the first that is told of it comes last
        }
    }
    let mut plan = Plan::new(snapshot(world.into_values()), Scope::default(), options);
    let recorded: BTreeMap<String, String> = lines(recording)
        .iter()
        .filter_map(|line| {
            Some((line["patch"][1].as_str()?.to_owned(), line["requestedAt"].as_str()?.to_owned()))
        })
        .collect();
    let mut replayed = Replayed { asked: Vec::new(), ends: BTreeMap::new(), ending: None };
    let mut tokens: BTreeMap<String, String> = BTreeMap::new();
    let mut wake = None;
    let mut act =
        |plan: &mut Plan, time: u64, replayed: &mut Replayed, tokens: &mut BTreeMap<String, String>| {
            for action in plan.next_actions() {
                match action {
                    Action::Ask(request) => {
                        replayed.asked.push((time, request.object.name.clone()));
                        tokens.insert(request.object.name.clone(), request.token.clone());
                        let (object, token) = (request.object, request.token);
                        plan.observe(Duration::from_millis(time), Observation::Asked { object, token });
                    }
                    Action::Tell(Event::Ended { object, end, .. }) => {
                        _ = replayed.ends.insert(object.name, (time, end))
                    }
                    Action::Tell(_) => {}
                    Action::WakeAt(at) => wake = Some(at),
                    Action::Finish(ending) => replayed.ending = Some(ending),
                }
            }
            wake
        };
    // The recording begins with the patch of its source.
    let start = lines(recording)
        .iter()
        .find(|line| line["patch"].is_array())
        .map_or(0, |line| line["ms"].as_u64().unwrap());
    plan.observe(Duration::from_millis(start), Observation::Time);
    let mut next = act(&mut plan, start, &mut replayed, &mut tokens);
    for (time, object) in objects(recording) {
        while let Some(at) = next.filter(|at| *at < Duration::from_millis(time)) {
            plan.observe(at, Observation::Time);
            let again = act(&mut plan, u64::try_from(at.as_millis()).unwrap(), &mut replayed, &mut tokens);
            next = again.filter(|later| *later > at);
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let mut text = object.to_string();
        if let Some((theirs, ours)) = recorded.get(&name).zip(tokens.get(&name)) {
            text = text.replace(&format!("\"{theirs}\""), &format!("\"{ours}\""));
        }
        let seen = snapshot([serde_json::from_str(&text).unwrap()]);
        let at = Duration::from_millis(time);
        seen.nodes.into_values().for_each(|node| plan.observe(at, Observation::Node(Box::new(node))));
        seen.sources.into_values().for_each(|source| plan.observe(at, Observation::Source(Box::new(source))));
        next = act(&mut plan, time, &mut replayed, &mut tokens);
    }
    replayed
}

fn order(replayed: &Replayed) -> String {
    replayed.asked.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_chain_is_asked_in_the_same_order_and_ends_the_same_way() {
    let replayed = replay(&[ALONE], ORDERED, Options::new(now()));
    // The source's event runs the first one before it can be asked for.
    assert_eq!(order(&replayed), "repo c2 c3 c4 c5 c6 c7 c8");
    let ending = replayed.ending.unwrap();
    assert_eq!((ending.done, ending.is_bad()), (8, false), "{:?}", replayed.ends);
    assert_eq!(replayed.ends["c8"].0, 1_595);
    // Whoever recorded it asked at 800, 923, …: never is the plan later than that.
    for (time, recorded) in replayed.asked.iter().skip(1).zip([800, 923, 1_043, 1_149, 1_292, 1_399, 1_501]) {
        assert!(time.0 <= recorded, "{} asked at {}", time.1, time.0);
    }
}

#[test]
fn the_failure_of_the_fourth_is_told_with_the_event_that_shows_it() {
    let replayed = replay(&[ALONE, ORDERED], FAILS, Options::new(now()));
    assert_eq!(order(&replayed), "repo c2 c3 c4");
    let (time, end) = &replayed.ends["c4"];
    assert!(matches!(end, End::Failed(failure) if failure.reason == "BuildFailed"), "{end:?}");
    assert_eq!(*time, 1_496, "conditions come at 1,492, the token at 1,496");
    let behind = vec![ObjectKey::kustomization("chain8", "c4")];
    assert_eq!(replayed.ends["c8"], (1_496, End::Skipped { behind }));
    let ending = replayed.ending.unwrap();
    assert_eq!((ending.done, ending.failed, ending.skipped), (3, 1, 4));
}

#[test]
fn a_mended_chain_comes_up_from_where_it_stopped() {
    let replayed = replay(&[ALONE, ORDERED, FAILS], MENDED, Options::new(now()));
    assert_eq!(order(&replayed), "repo c2 c3 c4 c5 c6 c7 c8");
    assert_eq!(replayed.ending.unwrap().done, 8);
    assert_eq!(replayed.ends["c8"].0, 1_905);
}

#[test]
fn waiting_follows_flux_alone_to_its_end() {
    let mut options = Options::wait(now(), Duration::from_secs(600));
    options.revision = Some("c0952af".to_owned());
    let replayed = replay(&[], ALONE, options);
    assert_eq!(order(&replayed), "");
    let ending = replayed.ending.unwrap();
    assert_eq!((ending.done, ending.is_bad()), (8, false), "{:?}", replayed.ends);
}
