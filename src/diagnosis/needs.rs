//! What to look at more closely: the evidence that would refine a root cause, and nothing else.

use std::collections::BTreeSet;

use super::catalogue::helm_wait::{self, WAITED_FOR};
use super::cause::{Cause, Code};
use crate::model::{GroupKind, ObjectKey, Presence, Snapshot};

/// One read that may refine a root cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// One object by its name.
    Object(ObjectKey),
    /// All objects of a kind in a namespace: Pods, claims, service accounts.
    Kind(GroupKind, String),
    /// Warning events of a namespace.
    Events(String),
}

/// The closer looks that the causes call for, those of the causes that block most first, at most `most`.
///
/// Secrets are among them only where one decides: the keys of a failed decryption, the credentials of a source, and last
/// what objects refer to that have not begun to run (`ahead`).
pub fn needs(snapshot: &Snapshot, causes: &[Cause], ahead: &[ObjectKey], most: usize) -> Vec<Need> {
    let mut seen = BTreeSet::new();
    let mut needs = Vec::new();
    let hidden = ahead.iter().filter(|key| snapshot.presence(key) == Presence::Hidden);
    let hidden = hidden.cloned().map(Need::Object);
    for need in causes.iter().flat_map(|cause| needs_of(snapshot, cause)).chain(hidden) {
        if needs.len() < most && seen.insert(need.clone()) {
            needs.push(need);
        }
    }
    needs
}

fn needs_of(snapshot: &Snapshot, cause: &Cause) -> Vec<Need> {
    let object = &cause.fault.object;
    let namespace = object.namespace.clone();
    let here = |kind: GroupKind| Need::Kind(kind, namespace.clone());
    const WORKLOADS: [GroupKind; 5] = [
        GroupKind::DEPLOYMENT,
        GroupKind::STATEFUL_SET,
        GroupKind::DAEMON_SET,
        GroupKind::REPLICA_SET,
        GroupKind::JOB,
    ];
    let mut needs = Vec::new();
    if WORKLOADS.contains(&object.kind) {
        needs.extend([
            Need::Object(object.clone()),
            here(GroupKind::POD),
            here(GroupKind::PERSISTENT_VOLUME_CLAIM),
        ]);
        needs.push(Need::Events(namespace.clone()));
    }
    if object.kind == GroupKind::POD || object.kind == GroupKind::PERSISTENT_VOLUME_CLAIM {
        needs.extend([here(object.kind.clone()), Need::Events(namespace.clone())]);
    }
    match cause.fault.code {
        Code::SopsSecretNotFound
        | Code::SopsSecretKeyName
        | Code::SopsKeyInvalid
        | Code::SopsKeyMismatch
        | Code::SopsFailed => {
            for node in cause.affected.iter().filter_map(|key| snapshot.nodes.get(key)) {
                let decryption = node.kustomization().and_then(|spec| spec.decryption.as_ref());
                let secret = decryption.and_then(|decryption| decryption.secret.as_ref());
                let key =
                    secret.map(|name| ObjectKey::new(GroupKind::SECRET, node.key.namespace.as_str(), name));
                needs.extend(key.map(Need::Object));
            }
        }
        Code::SourceNotReady | Code::SourceStale => {
            let source = snapshot.sources.get(object);
            let secret = source.and_then(|source| source.secret.as_ref());
            let key = secret.map(|name| ObjectKey::new(GroupKind::SECRET, namespace.as_str(), name));
            let itself = (object.kind == GroupKind::SECRET).then(|| object.clone());
            needs.extend(key.or(itself).map(Need::Object));
        }
        Code::HelmValuesMissing if [GroupKind::SECRET, GroupKind::CONFIG_MAP].contains(&object.kind) => {
            needs.push(Need::Object(object.clone()));
        }
        Code::Forbidden if object.kind == GroupKind::SERVICE_ACCOUNT => {
            needs.push(here(GroupKind::SERVICE_ACCOUNT))
        }
        Code::HelmInstallFailed | Code::HelmUpgradeFailed | Code::HelmTestFailed
            if object.kind == GroupKind::HELM_RELEASE && waited_in_vain(snapshot, object) =>
        {
            needs.extend(WAITED_FOR.map(here));
            needs.extend([here(GroupKind::POD), Need::Events(namespace.clone())]);
        }
        Code::NamespaceNotFound | Code::NamespaceTerminating => needs.push(Need::Object(object.clone())),
        _ => {}
    }
    needs
}

/// Whether a release's action ran out of time and does not say what it waited for.
fn waited_in_vain(snapshot: &Snapshot, release: &ObjectKey) -> bool {
    let conditions = snapshot.nodes.get(release).map(|node| &node.status.conditions);
    let conditions = ["Ready", "Released", "TestSuccess"].iter().filter_map(|kind| conditions?.get(kind));
    conditions.into_iter().any(|condition| helm_wait::names_nothing(&condition.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::diagnose;
    use crate::model::{Decryption, Node, Spec};
    use crate::testing::{ks, snapshot};

    fn needed(nodes: impl IntoIterator<Item = Node>) -> Vec<Need> {
        let flux = snapshot(nodes);
        needs(&flux, &diagnose(&flux).causes, &[], 10)
    }

    #[test]
    fn a_workload_is_looked_into_and_nothing_of_other_namespaces() {
        let words =
            "health check failed after 30s: timeout waiting for: [Deployment/apps/web status: 'InProgress']";
        let found = needed([ks("a").failing("HealthCheckFailed", words)]);
        let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, "apps", "web");
        let in_apps = |kind| Need::Kind(kind, "apps".to_owned());
        assert_eq!(
            found,
            [
                Need::Object(deployment),
                in_apps(GroupKind::POD),
                in_apps(GroupKind::PERSISTENT_VOLUME_CLAIM),
                Need::Events("apps".to_owned()),
            ]
        );
    }

    #[test]
    fn the_one_secret_of_a_failed_decryption_is_read_and_none_otherwise() {
        let mut failing = ks("a").failing("BuildFailed", "secrets \"sops-age\" not found");
        if let Spec::Kustomization(spec) = &mut failing.spec {
            spec.decryption = Some(Decryption {
                provider: "sops".to_owned(),
                secret: Some("sops-age".to_owned()),
                service_account: None,
            });
        }
        let secret = ObjectKey::new(GroupKind::SECRET, "flux-system", "sops-age");
        assert_eq!(needed([failing.clone()]), [Need::Object(secret)]);
        let fine = Node { status: ks("a").status, ..failing };
        assert_eq!(needed([fine, ks("b").on("gone").waiting_for("gone")]), []);
    }
}
