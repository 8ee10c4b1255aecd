//! What each `dependsOn` entry means right now, by the controllers' own rules.

use super::catalogue::dependency::controller_of;
use super::installation::Installation;
use super::ready_expr::{Expressions, Judged};
use super::report::Verdict;
use super::told::{Told, is_current, waiting};
use crate::model::{ConditionStatus, Dependency, GroupKind, Node, OriginKind, Presence, Snapshot, Spec};

/// Verdicts of all entries of one object, in the order of `spec.dependsOn`.
///
/// kustomize-controller 1.9 `checkDependencies` and helm-controller 1.6 `checkDependencies`: existence, then
/// `readyExpr` (which replaces all that follows), then generation, Ready, and for Kustomizations of one source the
/// revision. flux-operator 0.58: existence, and readiness where `ready: true` asks for it.
///
/// A `readyExpr` is evaluated where that is certain ([`Expressions`]), else the controller's words count.
pub(crate) fn verdicts(
    snapshot: &Snapshot,
    installation: &Installation,
    expressions: &Expressions,
    node: &Node,
) -> Vec<Verdict> {
    let told = Told::by(node);
    let stopped_at = told.as_ref().and_then(|told| told.entry(node));
    // With this gate `readyExpr` is asked in addition to the built-in check, by default in its place.
    let additive = installation.gate(controller_of(&node.key.kind), "AdditiveCELDependencyCheck") == Some(true);
    let told = ToldAbout { told: told.as_ref(), stopped_at, additive, expressions };
    let entries = node.depends_on.iter().enumerate();
    entries.map(|(at, entry)| verdict(snapshot, node, entry, at, &told)).collect()
}

/// What the controller says of an object's dependencies, and by which rules it asks.
struct ToldAbout<'a> {
    told: Option<&'a Told>,
    /// Index of the entry that it names.
    stopped_at: Option<usize>,
    additive: bool,
    expressions: &'a Expressions,
}

fn verdict(snapshot: &Snapshot, node: &Node, entry: &Dependency, at: usize, about: &ToldAbout<'_>) -> Verdict {
    let stopped_at = about.stopped_at;
    let said = about.told.filter(|_| stopped_at == Some(at));
    if snapshot.origin == OriginKind::Declared {
        return Verdict::Unknown; // no cluster was asked
    }
    match snapshot.presence(&entry.key) {
        Presence::There => {}
        // Single objects prove absence only as far as nobody says otherwise: the controller has seen it.
        Presence::Absent
            if !snapshot.coverage.covers_everywhere(&entry.key.kind)
                && matches!(
                    said,
                    Some(Told::NotReady(_) | Told::RevisionBehind(_) | Told::ReadyExprFalse(_))
                ) =>
        {
            return Verdict::Unknown;
        }
        Presence::Absent => return Verdict::NotFound,
        Presence::Hidden if matches!(said, Some(Told::NotFound(_))) => return Verdict::NotFound,
        Presence::Hidden if snapshot.coverage.denies(&entry.key) => return Verdict::Forbidden,
        Presence::Hidden => return Verdict::Unknown,
    }
    if snapshot.nodes.get(&entry.key).is_some_and(|dependency| dependency.unreadable) && entry.ready {
        return Verdict::Unknown;
    }
    if let Some(expression) = entry.ready_expr.as_deref().filter(|_| entry.ready) {
        let dependency = snapshot.nodes.get(&entry.key);
        let verdict = match dependency.map(|dependency| about.expressions.judge(expression, node, dependency)) {
            Some(Judged::True) => Verdict::Ready,
            Some(Judged::False(_)) => Verdict::ReadyExprFalse,
            Some(Judged::Unknown(_)) | None => by_expression(node, at, said, stopped_at),
        };
        if verdict != Verdict::Ready || !about.additive {
            return verdict;
        }
    }
    if !entry.ready {
        return Verdict::Ready; // ResourceSet: existence is all that was asked for
    }
    let Some(dependency) = snapshot.nodes.get(&entry.key) else {
        return other_kind(snapshot, node, entry, at, said, stopped_at);
    };
    let conditions = &dependency.status.conditions;
    if !dependency.is_observed() || conditions.0.is_empty() {
        let looked = conditions.newest_generation().is_some_and(|newest| newest >= dependency.meta.generation);
        return if looked { Verdict::NotReady } else { Verdict::NotObserved };
    }
    if !conditions.is_true("Ready") {
        return Verdict::NotReady;
    }
    if matches!(node.spec, Spec::ResourceSet) {
        let stricter = dependency.meta.deleted.is_some() || conditions.is_true("Reconciling");
        return if stricter && dependency.key.kind != GroupKind::RESOURCE_SET {
            Verdict::NotReady
        } else {
            Verdict::Ready
        };
    }
    match shared_source_revision(snapshot, node, dependency) {
        Some(true) => Verdict::Ready,
        Some(false) => Verdict::RevisionBehind,
        None if matches!(said, Some(Told::RevisionBehind(_))) => Verdict::RevisionBehind,
        None => Verdict::Ready,
    }
}

/// Whether the dependency has applied the current revision of the source that both share; `Some(true)` where they
/// share none, `None` where the shared source is out of sight.
fn shared_source_revision(snapshot: &Snapshot, node: &Node, dependency: &Node) -> Option<bool> {
    let both_kustomizations =
        node.key.kind == GroupKind::KUSTOMIZATION && dependency.key.kind == GroupKind::KUSTOMIZATION;
    if !both_kustomizations || node.source != dependency.source {
        return Some(true);
    }
    let Some(source) = &node.source else { return Some(true) };
    let current = &snapshot.sources.get(source)?.artifact.as_ref()?.revision;
    Some(dependency.status.last_applied_revision.as_ref() == Some(current))
}

/// A `readyExpr` that cannot be evaluated here: the controller's words and what the dependent has done since decide.
fn by_expression(node: &Node, at: usize, said: Option<&Told>, stopped_at: Option<usize>) -> Verdict {
    match said {
        Some(Told::ReadyExprFalse(_)) => Verdict::ReadyExprFalse,
        Some(_) => Verdict::ReadyExprUnknown, // it cannot be evaluated: that is the dependent's own fault
        None if has_passed(node, at, stopped_at) => Verdict::Ready,
        None => Verdict::ReadyExprUnknown,
    }
}

/// Whether the controller has accepted the entry for the current generation: it asks in list order and stops at the
/// first failing entry, or a run got past all of them.
fn has_passed(node: &Node, at: usize, stopped_at: Option<usize>) -> bool {
    match waiting(node) {
        Some(_) => stopped_at.is_some_and(|stopped| stopped > at),
        None => has_passed_dependencies(node),
    }
}

/// Whether the object's conditions show that, for its current generation, a run got past the dependencies.
fn has_passed_dependencies(node: &Node) -> bool {
    node.status.conditions.ready().is_some_and(|ready| {
        if !is_current(node, ready) {
            return false;
        }
        match ready.status {
            ConditionStatus::True => node.is_observed(),
            ConditionStatus::Unknown => node.key.kind == GroupKind::KUSTOMIZATION, // set after the check
            ConditionStatus::False => {
                const BEFORE: [&str; 5] = [
                    "ArtifactFailed",
                    "AccessDenied",
                    "InvalidCELExpression",
                    "FeatureGateDisabled",
                    "DependencyNotReady",
                ];
                !BEFORE.contains(&ready.reason.as_str())
            }
        }
    })
}

/// A ResourceSet may wait for any kind: sources have conditions here, of all else only the existence is known.
fn other_kind(
    snapshot: &Snapshot,
    node: &Node,
    entry: &Dependency,
    at: usize,
    said: Option<&Told>,
    stopped_at: Option<usize>,
) -> Verdict {
    if let Some(source) = snapshot.sources.get(&entry.key) {
        let observed = source.observed_generation.is_none_or(|observed| observed == source.meta.generation);
        let ready = source.conditions.is_true("Ready") && !source.conditions.is_true("Reconciling");
        return if observed && ready && source.meta.deleted.is_none() {
            Verdict::Ready
        } else {
            Verdict::NotReady
        };
    }
    match said {
        Some(_) => Verdict::NotReady,
        None if has_passed(node, at, stopped_at) => Verdict::Ready,
        None => Verdict::Unknown,
    }
}
