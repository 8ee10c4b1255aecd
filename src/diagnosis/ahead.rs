//! Looking ahead: what would stop an object next, once what it waits for is mended. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::catalogue::ahead::{faults, references};
use super::cause::{Cause, Code, RetryClock};
use super::places;
use super::report::{Diagnosis, ObjectReport, State};
use super::why::{Target, Why, chain};
use crate::model::{ObjectKey, Snapshot};

/// Causes that are told at most.
const MOST: usize = 20;

/// What would stop the target, or what it waits for, when its root causes are gone; ordered by the way to it. What is a
/// root cause already is not among it.
pub(super) fn next(snapshot: &Snapshot, why: &Why<'_>) -> Vec<Cause> {
    let diagnosis = why.diagnosis;
    let known: BTreeSet<(&ObjectKey, Code)> =
        diagnosis.causes.iter().map(|cause| (&cause.fault.object, cause.fault.code)).collect();
    let mut found: Vec<Cause> = Vec::new();
    let mut places: BTreeMap<(ObjectKey, Code), usize> = BTreeMap::new();
    for key in waiting(why) {
        let Some(node) = snapshot.nodes.get(key) else { continue };
        for fault in faults(snapshot, node) {
            let identity = (fault.object.clone(), fault.code);
            if known.contains(&(&fault.object, fault.code)) {
                continue;
            }
            if let Some(&at) = places.get(&identity) {
                found[at].affected.push(key.clone());
                continue;
            }
            if found.len() == MOST {
                continue;
            }
            places.insert(identity, found.len());
            let blocks = |object: &&ObjectReport| object.blocked_by.contains(&fault.object);
            let mut cause = Cause {
                since: None,
                affected: vec![key.clone()],
                stands_at: vec![key.clone()],
                chain: Vec::new(),
                cycle: Vec::new(),
                blocks: diagnosis.objects.values().filter(blocks).count(),
                clock: RetryClock::default(),
                suspects: Vec::new(),
                fault,
            };
            let from = match why.target {
                Target::Object(object) => &object.key,
                _ => key,
            };
            cause.chain = chain(diagnosis, from, &cause);
            found.push(cause);
        }
    }
    places::add(snapshot, &mut found);
    found
}

/// What a look by name would settle of what comes next; ordered, each once.
pub(super) fn references_of(snapshot: &Snapshot, why: &Why<'_>) -> Vec<ObjectKey> {
    let mut seen = BTreeSet::new();
    let nodes = waiting(why).into_iter().filter_map(|key| snapshot.nodes.get(key));
    nodes.flat_map(references).filter(|key| seen.insert(key.clone())).collect()
}

/// Objects that have not begun to run: the target, if it is one, then those that it waits for, the nearest first.
fn waiting<'a>(why: &Why<'a>) -> Vec<&'a ObjectKey> {
    let diagnosis = why.diagnosis;
    let start: Vec<&ObjectKey> = match why.target {
        Target::Object(object) => vec![&object.key],
        Target::All { namespace } => {
            let here = |key: &&ObjectKey| namespace.is_none_or(|wanted| key.namespace == wanted);
            diagnosis.objects.keys().filter(here).collect()
        }
        Target::Source(_) | Target::Missing(_) | Target::NotFetched(_) => Vec::new(),
    };
    let mut seen: BTreeSet<&ObjectKey> = start.iter().copied().collect();
    let mut queue = VecDeque::from(start);
    let mut found = Vec::new();
    while let Some(key) = queue.pop_front() {
        let Some(object) = diagnosis.objects.get(key) else { continue };
        if has_not_begun(diagnosis, object) {
            found.push(key);
        }
        queue.extend(diagnosis.waits.get(key).into_iter().flatten().filter(|next| seen.insert(next)));
    }
    found
}

/// Whether it waits for others, so that its next run has not told yet what it will meet.
fn has_not_begun(diagnosis: &Diagnosis, object: &ObjectReport) -> bool {
    let waits = diagnosis.waits.contains_key(&object.key);
    let refused = object.ready.as_ref().is_some_and(|ready| ready.reason == "DependencyNotReady");
    match object.state {
        State::Blocked => true,
        State::Missing => waits,
        State::Suspended => true,
        State::Progressing => waits || refused,
        State::Failed | State::Unknown | State::Ready => false,
    }
}
