//! A wait of helm-controller that ran out without naming what it waited for.
//!
//! helm-controller 1.6 names the objects, unless the time-out meets its client's rate limiter or a single request: then the
//! message holds that library's words alone (seen on a busy machine). The release's objects bear its labels.

use super::Failure;
use crate::model::{GroupKind, ObjectKey};

/// What the words mean, whosever they are.
pub(super) const RAN_OUT: &str = "it waited until its time-out, and helm-controller does not say what for";

const NAME: &str = "helm.toolkit.fluxcd.io/name";
const NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";

/// Whether Helm's words are those of a time-out, and of nothing else.
pub(in crate::diagnosis) fn names_nothing(words: &str) -> bool {
    let words = words.trim_end();
    let ends = ["context deadline exceeded", "would exceed context deadline"];
    let is_a_call = words.contains("://") || words.contains("failed to call webhook");
    ends.iter().any(|end| words.ends_with(end)) && !is_a_call
}

/// The release's workloads in sight that are not ready, in order.
pub(super) fn not_ready(failure: &Failure<'_>) -> Vec<ObjectKey> {
    let release = &failure.node.key;
    let evidence = &failure.snapshot.evidence;
    let belongs = |labels: &std::collections::BTreeMap<String, String>| {
        labels.get(NAME) == Some(&release.name) && labels.get(NAMESPACE) == Some(&release.namespace)
    };
    let workloads = evidence.workloads.iter().filter(|(key, workload)| {
        key.kind != GroupKind::REPLICA_SET
            && workload.available < workload.wanted
            && belongs(&workload.meta.labels)
    });
    workloads.map(|(key, _)| key.clone()).collect()
}

/// Kinds of the workloads that may be the ones.
pub(in crate::diagnosis) const WAITED_FOR: [GroupKind; 4] =
    [GroupKind::DEPLOYMENT, GroupKind::STATEFUL_SET, GroupKind::DAEMON_SET, GroupKind::JOB];

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;
    use crate::diagnosis::Code;
    use crate::model::{Meta, Workload};

    const LIMITED: &str = "Helm install failed for release helm/slow with chart slow@1.0.0: client rate limiter Wait returned \
        an error: rate: Wait(n=1) would exceed context deadline";

    fn workload(release: &str, available: i64) -> Workload {
        let labels = [(NAME, release), (NAMESPACE, "helm")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Workload { meta: Meta { labels, ..Meta::default() }, wanted: 1, available, ..Workload::default() }
    }

    #[test]
    fn what_of_the_release_is_not_ready_is_what_it_waited_for() {
        let mut flux = crate::testing::snapshot([hr("helm/slow").stalled().failing("InstallFailed", LIMITED)]);
        for (name, release, available) in [("web", "slow", 0), ("db", "slow", 1), ("else", "other", 0)] {
            let key = ObjectKey::new(GroupKind::DEPLOYMENT, "helm", name);
            flux.evidence.workloads.insert(key, workload(release, available));
        }
        let found = crate::diagnosis::diagnose(&flux).causes;
        let [cause] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(cause.fault.object, ObjectKey::new(GroupKind::DEPLOYMENT, "helm", "web"));
        assert_eq!(cause.fault.code, Code::HelmInstallFailed);
    }

    #[test]
    fn where_nothing_is_in_sight_a_time_out_is_called_one() {
        let found = only(alone(&hr("helm/slow").stalled(), "InstallFailed", LIMITED));
        assert_eq!(found.object.kind, GroupKind::HELM_RELEASE);
        insta::assert_snapshot!(found.summary, @"The install failed: it waited until its time-out, and helm-controller does not say what for");
    }

    #[test]
    fn a_call_that_ran_out_is_not_a_wait() {
        assert!(names_nothing("context deadline exceeded"));
        for words in [
            "Get \"https://10.0.0.1/api\": context deadline exceeded",
            "failed to call webhook: context deadline exceeded",
            "execution error",
        ] {
            assert!(!names_nothing(words), "{words}");
        }
    }
}
