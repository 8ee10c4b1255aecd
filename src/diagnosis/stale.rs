//! Sources from which nothing new arrives, while what they brought last still runs.
//!
//! Such a fault stops nobody yet, so the walk along unmet waits does not meet it: it is looked for from the source's end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::catalogue::{self, dependency};
use super::cause::Fault;
use super::standing::{SourceStanding, is_older, source_began};
use super::walk::{Walk, is_stuck};
use crate::model::{ObjectKey, Snapshot, Source};

/// After this time a source that fails while its last artifact serves is a cause, no longer a warning.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// Appliers that use each source, directly or through a chain of sources.
pub(super) fn users(snapshot: &Snapshot) -> BTreeMap<ObjectKey, BTreeSet<ObjectKey>> {
    let makers = snapshot.makers();
    let mut users: BTreeMap<ObjectKey, BTreeSet<ObjectKey>> = BTreeMap::new();
    for (key, node) in &snapshot.nodes {
        let mut queue: Vec<&ObjectKey> = node.source.iter().collect();
        let chart_source = node.helm_release().and_then(|spec| spec.chart_source.as_ref());
        queue.extend(chart_source);
        let mut seen = BTreeSet::new();
        while let Some(source) = queue.pop() {
            if !seen.insert(source) {
                continue;
            }
            users.entry(source.clone()).or_default().insert(key.clone());
            queue.extend(snapshot.sources.get(source).into_iter().flat_map(|source| &source.upstream));
            queue.extend(makers.get(source));
        }
    }
    users
}

/// Sources that fail while what they brought last still runs: a cause when it lasts. Returns those that fail for less long.
///
/// It need not be the source's own artifact that still serves: a HelmRepository may fail behind a good HelmChart, and an
/// ArtifactGenerator has none.
pub(super) fn add_stale_sources(
    snapshot: &Snapshot,
    standings: &BTreeMap<&ObjectKey, SourceStanding>,
    used_by: &BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    walk: &mut Walk,
) -> BTreeSet<ObjectKey> {
    let mut fresh = BTreeSet::new();
    for (key, source) in &snapshot.sources {
        let fails = matches!(
            standings[key],
            SourceStanding::Failed { .. } | SourceStanding::WaitsForUpstream | SourceStanding::NotObserved
        ) || (standings[key] == SourceStanding::Running && is_stuck(snapshot, source));
        let Some(users) = used_by.get(key).filter(|_| fails && source.live) else { continue };
        let faults = deepest(snapshot, source, walk);
        // Who waits for the source is blocked by it already.
        let unhit = users
            .iter()
            .filter(|user| {
                let hit = |fault: &Fault| walk.reaching(user).any(|(object, _)| *object == fault.object);
                !snapshot.nodes[*user].suspended && !faults.iter().any(hit)
            })
            .cloned();
        let (still_served, never_served): (Vec<ObjectKey>, Vec<ObjectKey>) =
            unhit.partition(|user| is_served(snapshot, source, user));
        let since = match standings[key] {
            SourceStanding::NotObserved => edited(source), // Ready still speaks of the old spec
            _ => source_began(snapshot, source),
        };
        if since.is_none_or(|since| is_older(snapshot.now, since, STALE_AFTER)) {
            for fault in faults {
                if !still_served.is_empty() {
                    let stale = dependency::source_stale(fault.clone(), source);
                    walk.add(stale, still_served.iter().cloned());
                }
                if !never_served.is_empty() {
                    walk.add(fault, never_served.iter().cloned());
                }
            }
        } else if !still_served.is_empty() {
            fresh.insert(key.clone());
        }
    }
    fresh
}

/// Whether anything ever came from a source to its user: nothing can be stale that never arrived.
fn is_served(snapshot: &Snapshot, source: &Source, user: &ObjectKey) -> bool {
    let node = &snapshot.nodes[user];
    let nearest = node.source.as_ref().and_then(|nearest| snapshot.sources.get(nearest));
    source.artifact.is_some()
        || nearest.is_some_and(|nearest| nearest.artifact.is_some())
        || node.revision().is_some()
}

/// The faults at the ends of the chain that a source is made from; its own where the chain shows none.
fn deepest(snapshot: &Snapshot, source: &Source, walk: &Walk) -> Vec<Fault> {
    let found: Vec<Fault> =
        walk.reaching(&source.key).filter_map(|identity| walk.faults.get(identity)).cloned().collect();
    if found.is_empty() { vec![catalogue::source_fault(source, snapshot)] } else { found }
}

/// When a source was edited at the earliest that the snapshot allows for.
///
/// `kubectl get -o yaml` drops managedFields, which alone tell when an edit came. Its controller looks at an edit within
/// a second, so whatever it wrote last came before: an edit that it never looked at may be as old as that.
fn edited(source: &Source) -> Option<Timestamp> {
    let written = source.conditions.0.iter().filter_map(|condition| condition.since);
    let stored = source.artifact.as_ref().and_then(|artifact| artifact.updated);
    source.meta.edited.or_else(|| written.chain(stored).chain(source.meta.created).max())
}
