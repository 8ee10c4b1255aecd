//! What came of an attempt: is it over, was it fair, did it fail.

use std::time::Duration;

use super::action::{End, Failure, Grounds};
use super::plan::{ANNOTATION, Plan};
use super::step::{Phase, Step, Token};
use crate::diagnosis::{
    SourceStanding, Standing, Verdict, current_revision, source_standing, standing, verdicts,
};
use crate::model::{GroupKind, HelmReleaseSpec, Node, Revision};

/// How often an object is asked again, because a dependency flickered or a run was of something older.
pub(super) const AGAIN: u32 = 3;
/// Conditions are written before the rest of a status, and a source's news wakes its users by themselves: so long is
/// given to that.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// What to do with an object that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing yet.
    Keep,
    /// Something is about to change by itself; look again by then.
    Settle(Duration),
    /// It has to be asked, first or again.
    Ask,
    /// A dependency stopped it: its turn has to come again.
    Back,
    /// It is over.
    End(End),
}

impl Plan {
    /// Where an object stands. A failure of the run before says nothing of the one that is under way.
    pub(super) fn standing(&self, node: &Node) -> Standing {
        match standing(&self.world, node) {
            Standing::Failed(failure) if failure.retrying => Standing::Running { since: None },
            standing => standing,
        }
    }

    /// Whether an object is ready at its target, with no run under way.
    pub(super) fn is_there(&self, node: &Node) -> bool {
        let annotation = node.meta.annotations.get(ANNOTATION).map(String::as_str);
        let first = self.steps.get(&node.key).and_then(|step| step.first_annotation.as_deref());
        // What somebody has asked for since the start is about to run.
        let is_awaited = annotation.is_some()
            && annotation != first
            && annotation != node.status.last_handled_reconcile_at.as_deref();
        match self.standing(node) {
            Standing::Ready => self.is_at_target(node) && !is_awaited,
            Standing::Behind => self.wanted_revision(node).is_some() && self.is_at_target(node) && !is_awaited,
            _ => false,
        }
    }

    /// What came of a request.
    pub(super) fn judge(&self, node: &Node, step: &Step, token: &Token) -> Judgement {
        if let Some(end) = self.is_out(node) {
            return Judgement::End(end);
        }
        let annotation = node.meta.annotations.get(ANNOTATION).map(String::as_str);
        let handled = node.status.last_handled_reconcile_at.as_deref();
        if token.is_lost(annotation, handled) && step.asked <= AGAIN {
            return Judgement::Ask;
        }
        if !token.is_handled(annotation, handled) {
            return Judgement::Keep;
        }
        let may_ask = step.asked <= AGAIN;
        let again = |judgement| match may_ask {
            true => self.settled(step, judgement),
            false => Judgement::Keep, // the controller looks again by itself; there is a limit
        };
        match self.standing(node) {
            Standing::Ready => self.done(node, true),
            Standing::Running { .. } | Standing::NotObserved => Judgement::Keep,
            Standing::Behind => again(Judgement::Ask),
            Standing::WaitsForDependencies => self.judge_refusal(node, may_ask),
            Standing::WaitsForSource if self.source_is_bad(node) => failed(node, false),
            Standing::WaitsForSource => again(Judgement::Ask),
            Standing::Failed(_) if self.is_of_an_older_revision(node) => again(Judgement::Ask),
            Standing::Failed(_) if token.foreign => again(Judgement::Ask), // it may have begun before its turn came
            Standing::Failed(failure) if !failure.stalled && tries_again(node) => Judgement::Keep,
            Standing::Failed(failure) => failed(node, failure.stalled),
            Standing::Suspended | Standing::Terminating | Standing::Unreadable => Judgement::Keep, // see `is_out`
        }
    }

    /// Whether a run of the target cannot have begun before its dependencies were there: kustomize-controller compares the
    /// revisions of those that share the source (flux-semantics §3.1).
    pub(super) fn is_guarded(&self, node: &Node) -> bool {
        let mut dependencies = node.depends_on.iter();
        node.kustomization().is_some()
            && dependencies.all(|entry| {
                let dependency = self.world.nodes.get(&entry.key);
                entry.ready_expr.is_none()
                    && dependency.is_some_and(|dependency| dependency.source == node.source)
            })
    }

    /// What came of a run that nobody here has asked for.
    pub(super) fn judge_unasked(&self, node: &Node, step: &Step, until: Duration, fair: bool) -> Judgement {
        if let Some(end) = self.is_out(node) {
            return Judgement::End(end);
        }
        if self.is_there(node) {
            return match self.arrives(node).filter(|at| *at > self.now()) {
                Some(at) if step.clock.restarts == 0 => Judgement::Settle(at),
                _ if step.clock.restarts == 0 && step.turn.is_none_or(|turn| step.changed <= turn) => {
                    Judgement::End(End::LeftAlone { revision: node.revision().cloned() })
                }
                _ => self.done(node, step.asked > 0),
            };
        }
        match self.standing(node) {
            Standing::Running { .. } if self.runs_target(node) => Judgement::Keep,
            Standing::Running { .. } => Judgement::Ask,
            // What was there before says nothing; a run that nobody has seen begin may have begun too early.
            Standing::Failed(_) if !fair || step.clock.restarts == 0 || self.is_of_an_older_revision(node) => {
                self.waited(until, step)
            }
            Standing::Failed(failure) if !failure.stalled && tries_again(node) => Judgement::Keep,
            Standing::Failed(failure) => failed(node, failure.stalled),
            Standing::Behind | Standing::Ready if step.clock.restarts > 0 => self.settled(step, Judgement::Ask),
            _ => self.waited(until, step),
        }
    }

    /// The moment that was given to a run which may begin by itself, unless it has shown by now that it does not.
    fn waited(&self, until: Duration, step: &Step) -> Judgement {
        let has_answered = step.turn.is_some_and(|turn| step.changed > turn);
        if self.now() >= until || has_answered { Judgement::Ask } else { Judgement::Settle(until) }
    }

    /// What takes an object out of the plan whatever its run does.
    fn is_out(&self, node: &Node) -> Option<End> {
        match self.standing(node) {
            Standing::Suspended => Some(End::Refused(Grounds::Suspended)),
            Standing::Terminating => Some(End::Gone),
            _ => None,
        }
    }

    fn done(&self, node: &Node, asked: bool) -> Judgement {
        if !self.is_at_target(node) {
            return Judgement::Keep;
        }
        Judgement::End(End::Done { revision: node.revision().cloned(), asked })
    }

    /// What would be the same for ever counts only after a moment in which it has not changed by itself.
    pub(super) fn settled(&self, step: &Step, judgement: Judgement) -> Judgement {
        let since = step.unsettled.unwrap_or(self.now());
        if self.now() >= since + SETTLE { judgement } else { Judgement::Settle(since + SETTLE) }
    }

    /// A run that dependencies have stopped: once nothing stands in its way any more it is asked again at once.
    fn judge_refusal(&self, node: &Node, may_ask: bool) -> Judgement {
        let verdicts = verdicts(&self.world, &self.installation, &self.expressions, node);
        let is_open = |verdict: &Verdict| {
            matches!(verdict, Verdict::Unknown | Verdict::Forbidden | Verdict::ReadyExprUnknown)
        };
        let all_ready = verdicts.iter().all(|verdict| *verdict == Verdict::Ready);
        let known_unmet = verdicts.iter().any(|verdict| *verdict != Verdict::Ready && !is_open(verdict));
        match (all_ready, known_unmet) {
            (true, _) if may_ask => Judgement::Back,
            (true, _) => Judgement::Keep,
            (false, _) if !self.options.ordered => failed(node, false),
            (false, true) => Judgement::Back,
            // Only the controller can know: it looks again by itself every 30 s.
            (false, false) => Judgement::Keep,
        }
    }

    /// Whether the source of a consumer that waits for it fails by itself, or is not there.
    pub(super) fn source_is_bad(&self, node: &Node) -> bool {
        let Some(key) = &node.source else { return false };
        match self.world.sources.get(key) {
            Some(source) => matches!(
                source_standing(&self.world, source),
                SourceStanding::Failed { .. } | SourceStanding::WaitsForUpstream | SourceStanding::Suspended
            ),
            None => key.kind != GroupKind::HELM_CHART && self.world.coverage.covers(key),
        }
    }

    /// Whether a failure is that of a run which used an older artifact; reasons that are written before
    /// `lastAttemptedRevision` say nothing of it (kustomize-controller 1.9, flux-semantics §2.2).
    fn is_of_an_older_revision(&self, node: &Node) -> bool {
        const AFTER: [&str; 5] =
            ["BuildFailed", "ReconciliationFailed", "PruneFailed", "HealthCheckFailed", "HealthCheckCanceled"];
        let reason = node.status.conditions.ready().map(|ready| ready.reason.as_str()).unwrap_or_default();
        node.key.kind == GroupKind::KUSTOMIZATION
            && AFTER.contains(&reason)
            && node.status.last_attempted_revision.as_ref() != current_revision(&self.world, node)
    }

    /// Whether the run that is under way is one of the target, by what kustomize-controller says of it; a HelmRelease's
    /// is, as its conditions are of its generation.
    pub(super) fn runs_target(&self, node: &Node) -> bool {
        if node.key.kind != GroupKind::KUSTOMIZATION {
            return true;
        }
        let Some(target) = current_revision(&self.world, node) else { return false };
        let reconciling = node.status.conditions.get("Reconciling");
        let message = reconciling.map(|condition| condition.message.as_str()).unwrap_or_default();
        message.split_once(" for revision ").and_then(|(_, rest)| rest.split_whitespace().next())
            == Some(target.0.as_str())
    }

    /// The revision that was asked for, where it is one of this Kustomization's source.
    fn wanted_revision(&self, node: &Node) -> Option<&str> {
        let of = &self.options.revision_of;
        let is_of_it = of.is_empty() || node.source.as_ref().is_none_or(|source| of.contains(source));
        self.options.revision.as_deref().filter(|_| is_of_it || node.key.kind != GroupKind::KUSTOMIZATION)
    }

    /// Whether an object is where it has to be, beside being ready.
    pub(super) fn is_at_target(&self, node: &Node) -> bool {
        if self.options.revision.is_none() {
            return true;
        }
        if node.key.kind == GroupKind::KUSTOMIZATION {
            let Some(wanted) = self.wanted_revision(node) else { return true };
            let is_behind = matches!(self.standing(node), Standing::Behind);
            let applied = node.status.last_applied_revision.as_ref();
            return applied.is_some_and(|applied| is_revision(applied, wanted))
                || (!is_behind && node.source.as_ref().is_some_and(|source| self.reached.contains(source)));
        }
        // A release comes with the Kustomization that applies it.
        let applier = self.world.applied_by(&node.key, &node.meta.labels);
        let applier = applier.and_then(|applier| self.world.nodes.get(&applier));
        applier
            .filter(|node| node.key.kind == GroupKind::KUSTOMIZATION)
            .is_none_or(|node| self.is_at_target(node))
    }
}

pub(super) fn failed(node: &Node, stalled: bool) -> Judgement {
    let ready = node.status.conditions.ready();
    let reason = ready.map(|ready| ready.reason.clone()).unwrap_or_default();
    let message = ready.map(|ready| ready.message.clone()).unwrap_or_default();
    Judgement::End(End::Failed(Failure { reason, message, stalled }))
}

/// Whether helm-controller tries a failed action again at once, because retries are left that count
/// (flux-semantics §5 and §13: only failures after a release exists are counted).
pub(super) fn tries_again(node: &Node) -> bool {
    let Some(HelmReleaseSpec { install, upgrade, deployed, .. }) = node.helm_release() else { return false };
    let action = if deployed.is_some() { upgrade } else { install };
    !action.retries_for_ever
        && action.failures > 0
        && action.failures <= action.retries
        && node.status.failed_generation.is_none_or(|generation| generation == node.meta.generation)
}

/// Whether a revision is the one that was asked for: as a whole, by its digest, or by the beginning of its commit.
pub fn is_revision(revision: &Revision, wanted: &str) -> bool {
    const SHORTEST: usize = 7;
    let is_commit = |commit: &str| commit == wanted || (wanted.len() >= SHORTEST && commit.starts_with(wanted));
    revision.0 == wanted || revision.digest() == Some(wanted) || revision.commit().is_some_and(is_commit)
}

impl Phase {
    /// Whether a request for it may be on its way.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self, Self::Asking(_) | Self::Asked(_))
    }
}
