//! When an object ran last, when it runs again, and what ends that. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::catalogue::dependency::controller_of;
use super::cause::{Ends, RetryClock};
use super::installation::Installation;
use super::report::State;
use super::standing::{Standing, allowed};
use crate::model::{GroupKind, HelmReleaseSpec, Node};

/// The clock of an object in that state.
///
/// kustomize-controller waits for `retryInterval`, else `interval`, after a failed run, without jitter, and for `interval`
/// with jitter after a good one; a dependent that was refused, and one whose source has no artifact, is looked at again after
/// `--requeue-dependency` (flux-semantics §2.2). helm-controller tries a failed action again at once while there are retries
/// left, and values or charts that it cannot get with a growing delay, of which nothing is known here.
pub(super) fn clock(installation: &Installation, node: &Node, standing: &Standing, state: State) -> RetryClock {
    let is_kustomization = node.key.kind == GroupKind::KUSTOMIZATION;
    let ready = node.status.conditions.ready();
    let ran = node.status.history.iter().filter_map(|entry| entry.last).max();
    let mut clock = RetryClock { last_good: last_good(node), last_try: ran, ..RetryClock::default() };
    let after = |time: Option<Timestamp>, wait: Option<Duration>| {
        time.zip(wait).and_then(|(time, wait)| time.checked_add(SignedDuration::try_from(wait).ok()?).ok())
    };
    match standing {
        Standing::Failed(failure) if failure.stalled => clock.ends = Some(Ends::Stalled),
        Standing::Failed(failure) if failure.retrying => clock.ends = running_until(node, ready_since(node)),
        // an expression that cannot be evaluated is tried as often as a dependency is
        Standing::Failed(failure) if failure.reason == "DependencyNotReady" => {
            clock.every = Some(requeue(installation, node));
        }
        Standing::Failed(_) if is_kustomization => {
            let ended = ready.and_then(|ready| ready.since);
            clock.last_try = ended.or(ran);
            clock.every = node.retry_interval.or(node.interval);
            clock.next_try = after(ended, clock.every);
            clock.wakes = clock.next_try.is_some().then_some("a push");
        }
        Standing::Failed(failure) => {
            clock.last_try = ready.and_then(|ready| ready.since).max(ran);
            clock.ends = tries_left(node, &failure.reason).map(Ends::TriesLeft);
        }
        Standing::WaitsForDependencies | Standing::WaitsForSource => {
            clock.every = Some(requeue(installation, node));
        }
        Standing::Running { since } => clock.ends = running_until(node, *since),
        Standing::Ready | Standing::Behind if state == State::Ready && is_kustomization => {
            clock.every = node.interval;
            clock.next_try = after(ran, node.interval);
        }
        _ => {}
    }
    clock
}

fn ready_since(node: &Node) -> Option<Timestamp> {
    node.status.conditions.ready().and_then(|ready| ready.since)
}

fn running_until(node: &Node, since: Option<Timestamp>) -> Option<Ends> {
    let until = since?.checked_add(SignedDuration::try_from(allowed(node)).ok()?).ok()?;
    Some(Ends::TimesOut(until))
}

fn last_good(node: &Node) -> Option<(crate::model::Revision, Option<Timestamp>)> {
    let good = |status: &str| status == "ReconciliationSucceeded";
    let revision = node.revision().cloned()?;
    let runs = node.status.history.iter().filter(|entry| good(&entry.status));
    Some((revision, runs.filter_map(|entry| entry.last).max()))
}

/// How often a refused object is looked at again.
fn requeue(installation: &Installation, node: &Node) -> Duration {
    installation.requeue_dependency(controller_of(&node.key.kind))
}

/// Tries of a failed install or upgrade that helm-controller has left; `None` where it never gives up, and for anything
/// else. It gives up once there were more failures than retries.
fn tries_left(node: &Node, reason: &str) -> Option<i64> {
    let HelmReleaseSpec { install, upgrade, .. } = node.helm_release()?;
    let action = match reason {
        "InstallFailed" => install,
        "UpgradeFailed" => upgrade,
        _ => return None,
    };
    (action.retries >= 0 && !action.retries_for_ever && action.failures > 0)
        .then(|| action.retries - action.failures + 1)
        .filter(|left| *left > 0)
}

#[cfg(test)]
mod tests {
    use super::super::standing::standing;
    use super::*;
    use crate::model::{GroupKind, HelmAction, Snapshot, Spec, Workload};
    use crate::testing::{hr, ks, minutes_ago, now, snapshot};

    fn of(snapshot: &Snapshot, node: &Node, state: State) -> RetryClock {
        clock(&Installation::of(snapshot), node, &standing(snapshot, node), state)
    }

    #[test]
    fn a_failed_run_waits_for_the_retry_interval_and_a_refused_one_for_its_controller() {
        let mut failed = ks("a").failing("BuildFailed", "x");
        let flux = snapshot([]);
        let ended = failed.status.conditions.ready().unwrap().since.unwrap();
        let clock = of(&flux, &failed, State::Failed);
        assert_eq!(clock.next_try, Some(ended + SignedDuration::from_mins(10)));
        assert_eq!((clock.last_try, clock.wakes), (Some(ended), Some("a push")));
        failed.retry_interval = Some(Duration::from_secs(120));
        assert_eq!(of(&flux, &failed, State::Failed).next_try, Some(ended + SignedDuration::from_mins(2)));
        let refused = ks("b").on("a").waiting_for("a");
        assert_eq!(of(&flux, &refused, State::Blocked).every, Some(Duration::from_secs(30)));
        let mut told = flux;
        let args = vec!["--requeue-dependency=5s".to_owned()];
        let controller =
            crate::model::ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", "kustomize-controller");
        let labels = [("app.kubernetes.io/part-of".to_owned(), "flux".to_owned())].into();
        let meta = crate::model::Meta { labels, ..Default::default() };
        told.evidence.workloads.insert(controller, Workload { meta, args, ..Workload::default() });
        assert_eq!(of(&told, &refused, State::Blocked).every, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_run_ends_with_its_time_out() {
        let running = of(&snapshot([]), &ks("a").running(3), State::Progressing);
        assert_eq!(running.ends, Some(Ends::TimesOut(minutes_ago(2))));
        assert!(running.next_try.is_none() && minutes_ago(2) < now());
    }

    #[test]
    fn a_release_gives_up_when_it_has_failed_more_often_than_it_may() {
        let tries = |action: HelmAction| {
            let mut node = hr("a").failing("UpgradeFailed", "x");
            if let Spec::HelmRelease(spec) = &mut node.spec {
                spec.upgrade = action;
            }
            of(&snapshot([]), &node, State::Failed).ends
        };
        let action = |retries, failures| HelmAction { retries, failures, retries_for_ever: false };
        assert_eq!(tries(action(3, 2)), Some(Ends::TriesLeft(2)));
        assert_eq!(tries(action(3, 4)), None);
        assert_eq!(tries(action(-1, 9)), None);
        assert_eq!(tries(HelmAction { retries_for_ever: true, ..action(3, 1) }), None);
    }
}
