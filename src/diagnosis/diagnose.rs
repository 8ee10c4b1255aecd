//! From a snapshot to a diagnosis: standings and verdicts, the walk, then states and causes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::catalogue::runs;
use super::cause::{Cause, Code, Fault, RetryClock};
use super::installation::Installation;
use super::places;
use super::ready_expr::Expressions;
use super::report::{Diagnosis, ObjectReport, SourceReport, State, Verdict};
use super::stale;
use super::standing::{
    SourceStanding, Standing, began, behind_since, current_revision, source_began, source_standing, standing,
};
use super::suspects;
use super::verdict::verdicts;
use super::walk::{FaultKey, Walk, controller_down, walk};
use super::warnings;
use crate::graph::{Graph, Layering};
use crate::model::{GroupKind, Node, ObjectKey, OriginKind, Snapshot, Source, Spec};

/// Says everything that can be said about a snapshot.
pub fn diagnose(snapshot: &Snapshot) -> Diagnosis {
    let graph = Graph::of(snapshot);
    let installation = Installation::of(snapshot);
    let expressions = Expressions::default();
    let mut layering = graph.layering();
    let standings: BTreeMap<&ObjectKey, Standing> =
        snapshot.nodes.iter().map(|(key, node)| (key, standing(snapshot, node))).collect();
    let source_standings: BTreeMap<&ObjectKey, SourceStanding> =
        snapshot.sources.iter().map(|(key, source)| (key, source_standing(snapshot, source))).collect();
    let verdicts: BTreeMap<&ObjectKey, Vec<Verdict>> = snapshot
        .nodes
        .iter()
        .map(|(key, node)| (key, verdicts(snapshot, &installation, &expressions, node)))
        .collect();
    keep_proven_missing(snapshot, &verdicts, &mut layering);

    let mut walk =
        walk(snapshot, &installation, &graph, &standings, &source_standings, &verdicts, &mut layering);
    let used_by = stale::users(snapshot);
    let stale = stale::add_stale_sources(snapshot, &source_standings, &used_by, &mut walk);
    add_stopped_controllers(snapshot, &mut walk);

    let mut objects = BTreeMap::new();
    for (key, node) in &snapshot.nodes {
        let standing = &standings[key];
        let report = report(snapshot, &installation, node, standing, &verdicts[key], &walk, &layering);
        objects.insert(key.clone(), report);
    }
    let mut causes = causes(snapshot, &objects, &walk);
    places::add(snapshot, &mut causes);
    suspects::add(snapshot, &objects, &mut causes);
    let sources = source_reports(snapshot, &source_standings, &used_by, &walk);
    let mut all_warnings = snapshot.warnings.clone();
    all_warnings.extend(warnings::all(&warnings::Facts {
        snapshot,
        standings: &standings,
        objects: &objects,
        causes: &causes,
        sources: &sources,
        used_by: &used_by,
        layering: &layering,
        hidden: &walk.hidden,
        fresh_failures: &stale,
    }));
    all_warnings.sort();
    all_warnings.dedup();
    let unreadable = snapshot.nodes.values().any(|node| node.unreadable);
    Diagnosis {
        origin: snapshot.origin,
        label: snapshot.label.clone(),
        now: snapshot.now,
        complete: snapshot.complete && walk.hidden.is_empty() && !unreadable,
        coverage: snapshot.coverage.clone(),
        objects,
        sources,
        waits: walk.waits,
        layering,
        causes,
        warnings: all_warnings,
        partial: warnings::partial_builds(snapshot),
    }
}

/// `missing` lists what does not exist; what is merely out of sight is no proof.
fn keep_proven_missing(
    snapshot: &Snapshot,
    verdicts: &BTreeMap<&ObjectKey, Vec<Verdict>>,
    layering: &mut Layering,
) {
    let proven: BTreeSet<&ObjectKey> = snapshot
        .nodes
        .iter()
        .flat_map(|(key, node)| node.depends_on.iter().zip(&verdicts[key]))
        .filter(|(_, verdict)| **verdict == Verdict::NotFound)
        .map(|(entry, _)| &entry.key)
        .collect();
    layering.missing.retain(|key, _| proven.contains(key));
}

/// A controller that is not running stops everything of its kind, whatever the conditions still say.
fn add_stopped_controllers(snapshot: &Snapshot, walk: &mut Walk) {
    for kind in [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE, GroupKind::GIT_REPOSITORY] {
        if let Some(fault) = controller_down(snapshot, &kind) {
            walk.add(fault, []);
        }
    }
}

fn state(node: &Node, standing: &Standing, walk: &Walk) -> State {
    let key = &node.key;
    let reached = |key: &ObjectKey| {
        // Its own overdue run, whoever should make it, and a stale source do not block it.
        let own = |identity: &FaultKey| {
            let overdue = matches!(identity.1, Code::Overdue | Code::ControllerNotRunning);
            overdue && walk.stands_at.get(identity).is_some_and(|at| at.contains(key))
        };
        walk.reaching(key).any(|identity| identity.1 != Code::SourceStale && !own(identity))
    };
    match standing {
        Standing::Suspended => State::Suspended,
        Standing::NotObserved | Standing::Unreadable => State::Unknown,
        Standing::Failed(_) => {
            let mut codes = walk.reaching(key).map(|(_, code)| *code).peekable();
            let undeliverable = codes.peek().is_some() && codes.all(|code| code == Code::ArtifactUnreachable);
            if undeliverable { State::Blocked } else { State::Failed }
        }
        Standing::WaitsForDependencies | Standing::WaitsForSource | Standing::Behind => {
            if reached(key) {
                State::Blocked
            } else if walk.unjudged.contains(key) {
                State::Unknown
            } else {
                State::Progressing
            }
        }
        Standing::Running { .. } if walk.waits.contains_key(key) && reached(key) => State::Blocked,
        Standing::Running { .. } | Standing::Terminating => State::Progressing,
        Standing::Ready => State::Ready,
    }
}

fn report(
    snapshot: &Snapshot,
    installation: &Installation,
    node: &Node,
    standing: &Standing,
    verdicts: &[Verdict],
    walk: &Walk,
    layering: &Layering,
) -> ObjectReport {
    let key = &node.key;
    let state = match snapshot.origin {
        _ if node.live => state(node, standing, walk),
        OriginKind::Live => State::Missing, // declared, and not on the cluster
        OriginKind::Declared => State::Unknown,
    };
    let failure = match standing {
        Standing::Failed(failure) => Some(failure),
        _ => None,
    };
    let blocked_by: BTreeSet<&ObjectKey> = walk
        .reaching(key)
        .filter(|(object, code)| object != key || *code == Code::DependencyCycle)
        .map(|(object, _)| object)
        .collect();
    let since = match standing {
        Standing::Failed(failure) => began(snapshot, node, Some(failure)),
        Standing::Suspended | Standing::NotObserved | Standing::Unreadable => None,
        Standing::Terminating => node.meta.deleted,
        Standing::Running { since } => *since,
        Standing::Behind => behind_since(snapshot, node),
        _ => began(snapshot, node, None),
    };
    ObjectReport {
        key: key.clone(),
        state,
        stalled: failure.is_some_and(|failure| failure.stalled),
        retrying: failure.is_some_and(|failure| failure.retrying),
        layer: layering.layer.get(key).copied(),
        ready: node.status.conditions.ready().cloned(),
        since,
        revision: node.revision().cloned(),
        source_revision: current_revision(snapshot, node).cloned(),
        suspended: node.suspended,
        never_applied: node.live
            && !node.unreadable
            && state != State::Ready
            && node.revision().is_none()
            && !is_unversioned(node),
        depends_on: node
            .depends_on
            .iter()
            .map(|entry| entry.key.clone())
            .zip(verdicts.iter().cloned())
            .collect(),
        source: node.source.clone(),
        applied_by: snapshot.applied_by(key, &node.meta.labels),
        declared_at: node.declared_at.clone(),
        edges_at: node
            .depends_on
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), entry.at.clone()?)))
            .collect(),
        labels: node.meta.labels.clone(),
        blocked_by: blocked_by.into_iter().cloned().collect(),
        clock: super::clock::clock(installation, node, standing, state),
        doing: node
            .status
            .conditions
            .get("Reconciling")
            .filter(|_| match standing {
                Standing::Running { .. } => true,
                Standing::Failed(failure) => failure.retrying, // else it is left over from the run that failed
                _ => false,
            })
            .map(|reconciling| reconciling.message.clone()),
        suspended_by: node.meta.suspended_by.clone().filter(|_| node.suspended),
    }
}

/// A ResourceSet has no applied revision of a source: having an inventory is having been applied.
fn is_unversioned(node: &Node) -> bool {
    matches!(node.spec, Spec::ResourceSet) && node.status.inventory.is_some()
}

fn causes(snapshot: &Snapshot, objects: &BTreeMap<ObjectKey, ObjectReport>, walk: &Walk) -> Vec<Cause> {
    let mut blocks: BTreeMap<&ObjectKey, usize> = BTreeMap::new();
    for report in objects.values() {
        for object in &report.blocked_by {
            *blocks.entry(object).or_default() += 1;
        }
    }
    let mut causes: Vec<Cause> = Vec::new();
    for (identity, affected) in &walk.affected {
        let Some(fault) = walk.faults.get(identity) else { continue };
        let chain = match affected.first() {
            Some(first) if *first != fault.object => vec![first.clone(), fault.object.clone()],
            _ => vec![fault.object.clone()],
        };
        let cycle = walk.loops.get(identity).cloned().unwrap_or_default();
        // No member of a loop is more to the point than another, and a next try changes nothing.
        let clock = match cycle.is_empty() {
            true => clock(snapshot, fault, affected, objects),
            false => RetryClock::default(),
        };
        let stands_at: Vec<ObjectKey> = walk.stands_at.get(identity).into_iter().flatten().cloned().collect();
        let mut told = fault.clone();
        runs::ask_all(&mut told, &stands_at);
        causes.push(Cause {
            since: since(snapshot, &fault.object, &stands_at, affected, objects),
            chain,
            cycle,
            blocks: blocks.get(&fault.object).copied().unwrap_or_default(),
            clock,
            affected: affected.iter().cloned().collect(),
            stands_at,
            fault: told,
            suspects: Vec::new(),
        });
    }
    causes.sort_by(|a, b| {
        (std::cmp::Reverse(a.blocks), &a.fault.object, a.fault.code).cmp(&(
            std::cmp::Reverse(b.blocks),
            &b.fault.object,
            b.fault.code,
        ))
    });
    causes
}

fn since(
    snapshot: &Snapshot,
    object: &ObjectKey,
    stands_at: &[ObjectKey],
    affected: &BTreeSet<ObjectKey>,
    objects: &BTreeMap<ObjectKey, ObjectReport>,
) -> Option<Timestamp> {
    if let Some(source) = snapshot.sources.get(object) {
        return match source_standing(snapshot, source) {
            SourceStanding::NotObserved => source.meta.edited, // Ready still speaks of the old spec
            _ => source_began(snapshot, source),
        };
    }
    let hit = affected.iter().filter_map(|key| objects.get(key));
    let hit = hit.filter(|report| report.state != State::Ready).filter_map(|report| report.since);
    let fails = |source: &&Source| matches!(source_standing(snapshot, source), SourceStanding::Failed { .. });
    let sources = stands_at.iter().filter_map(|key| snapshot.sources.get(key)).filter(fails);
    hit.chain(sources.filter_map(|source| source_began(snapshot, source))).min()
}

/// Whether the failed run of an affected object can have failed for this: not where the object merely goes on with what a
/// source brought last, or would meet the fault in its next run only.
fn may_have_failed_for(snapshot: &Snapshot, fault: &Fault, affected: &ObjectKey) -> bool {
    let object = &fault.object;
    let is_met_before_a_run = snapshot.sources.contains_key(object)
        || matches!(fault.code, Code::SourceNotFound | Code::DependencyNotFound | Code::NotApplied);
    !is_met_before_a_run && (object == affected || !snapshot.nodes.contains_key(object))
}

/// The clock of the first affected object that failed for this.
fn clock(
    snapshot: &Snapshot,
    fault: &Fault,
    affected: &BTreeSet<ObjectKey>,
    objects: &BTreeMap<ObjectKey, ObjectReport>,
) -> RetryClock {
    let failed_for_it = affected.iter().filter(|key| may_have_failed_for(snapshot, fault, key));
    let mut failed =
        failed_for_it.filter_map(|key| objects.get(key)).filter(|report| report.state == State::Failed);
    failed.next().map(|report| report.clock.clone()).unwrap_or_default()
}

fn source_reports(
    snapshot: &Snapshot,
    standings: &BTreeMap<&ObjectKey, SourceStanding>,
    used_by: &BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    walk: &Walk,
) -> BTreeMap<ObjectKey, SourceReport> {
    let mut reports = BTreeMap::new();
    for (key, source) in &snapshot.sources {
        let hit = walk.reaching(key).next().is_some();
        let (state, stalled) = match standings[key] {
            _ if snapshot.origin == OriginKind::Declared => (State::Unknown, false),
            SourceStanding::Suspended => (State::Suspended, false),
            SourceStanding::NotObserved => (State::Unknown, false),
            SourceStanding::WaitsForUpstream if hit => (State::Blocked, false),
            SourceStanding::WaitsForUpstream if walk.unjudged.contains(key) => (State::Unknown, false),
            SourceStanding::WaitsForUpstream | SourceStanding::Running => (State::Progressing, false),
            SourceStanding::Failed { stalled } => (State::Failed, stalled),
            SourceStanding::Ready => (State::Ready, false),
        };
        let blocked_by: BTreeSet<&ObjectKey> =
            walk.reaching(key).map(|(object, _)| object).filter(|object| *object != key).collect();
        reports.insert(
            key.clone(),
            SourceReport {
                key: key.clone(),
                state,
                stalled,
                blocked_by: blocked_by.into_iter().cloned().collect(),
                fetched: source.artifact.as_ref().map(|artifact| (artifact.revision.clone(), artifact.updated)),
                since: source_began(snapshot, source).filter(|_| state != State::Ready),
                users: used_by.get(key).into_iter().flatten().cloned().collect(),
                interval: source.interval,
                ready: source.conditions.ready().cloned(),
                suspended_by: source.meta.suspended_by.clone().filter(|_| source.suspended),
                declared_at: source.declared_at.clone(),
                fault: walk.reaching(key).next().and_then(|identity| walk.faults.get(identity)).cloned(),
            },
        );
    }
    reports
}
