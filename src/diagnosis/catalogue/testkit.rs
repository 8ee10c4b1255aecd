//! Small builders for tests: objects with just what a test is about.

use crate::diagnosis::catalogue::{Failure, Lead, leads};
use crate::diagnosis::{Code, Fault};
use crate::model::{
    Condition, ConditionStatus, Conditions, Decryption, GroupKind, HelmReleaseSpec, InventoryEntry,
    KustomizationSpec, Meta, Node, ObjectKey, Pod, SecretKeys, Snapshot, Source, Spec, Workload,
};

pub(super) fn node(key: ObjectKey, spec: Spec) -> Node {
    Node::new(key, Meta { generation: 1, ..Meta::default() }, spec)
}

/// A Kustomization `namespace/name`.
pub(super) fn ks(id: &str) -> Node {
    let (namespace, name) = id.split_once('/').unwrap();
    node(ObjectKey::kustomization(namespace, name), Spec::Kustomization(KustomizationSpec::default()))
}

/// A HelmRelease `namespace/name`.
pub(super) fn hr(id: &str) -> Node {
    let (namespace, name) = id.split_once('/').unwrap();
    node(ObjectKey::helm_release(namespace, name), Spec::HelmRelease(HelmReleaseSpec::default()))
}

/// A Kustomization with `decryption.provider: sops` and that Secret.
pub(super) fn encrypted(id: &str, secret: Option<&str>) -> Node {
    let decryption =
        Decryption { provider: "sops".to_owned(), secret: secret.map(str::to_owned), service_account: None };
    let mut node = ks(id);
    node.spec =
        Spec::Kustomization(KustomizationSpec { decryption: Some(decryption), ..KustomizationSpec::default() });
    node
}

pub(super) fn condition(kind: &str, status: ConditionStatus, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(1),
        since: None,
    }
}

impl Node {
    pub(super) fn with(mut self, condition: Condition) -> Self {
        self.status.conditions.0.push(condition);
        self
    }

    pub(super) fn stalled(self) -> Self {
        self.with(condition(
            "Stalled",
            ConditionStatus::True,
            "RetriesExceeded",
            "Failed to install after 1 attempt(s)",
        ))
    }

    pub(super) fn on_remote_cluster(mut self) -> Self {
        self.remote = true;
        self
    }

    pub(super) fn holding(mut self, keys: &[ObjectKey]) -> Self {
        let entries = keys.iter().map(|key| InventoryEntry { key: key.clone(), version: "v1".to_owned() });
        self.status.inventory = Some(entries.collect());
        self
    }
}

pub(super) fn key(kind: GroupKind, id: &str) -> ObjectKey {
    let (namespace, name) = id.split_once('/').unwrap_or(("", id));
    ObjectKey::new(kind, namespace, name)
}

pub(super) fn secret(keys: &[&str]) -> SecretKeys {
    SecretKeys { keys: keys.iter().map(|key| (*key).to_owned()).collect(), ..SecretKeys::default() }
}

pub(super) fn deployment(app: &str) -> Workload {
    Workload { selector: [("app".to_owned(), app.to_owned())].into(), wanted: 1, ..Workload::default() }
}

/// A Pod that belongs to that owner.
pub(super) fn pod(owner: Option<ObjectKey>) -> Pod {
    Pod { meta: Meta { owner, ..Meta::default() }, phase: "Pending".to_owned(), ..Pod::default() }
}

pub(super) fn source(kind: GroupKind, id: &str, url: &str) -> Source {
    Source {
        key: key(kind, id),
        meta: Meta { generation: 1, ..Meta::default() },
        suspended: false,
        url: url.to_owned(),
        secret: None,
        provider: None,
        oci: false,
        filtered: false,
        upstream: Vec::new(),
        makes: Vec::new(),
        interval: None,
        timeout: None,
        observed_generation: Some(1),
        conditions: Conditions::default(),
        last_handled_reconcile_at: None,
        artifact: None,
        declared_at: None,
        live: true,
    }
}

/// The leads of a failure in a world of which nothing else is known.
pub(super) fn alone(node: &Node, reason: &str, message: &str) -> Vec<Lead> {
    leads(&Failure { node, reason, message, snapshot: &Snapshot::default() })
}

/// The one fault of a failure.
pub(super) fn only(leads: Vec<Lead>) -> Fault {
    match leads.as_slice() {
        [Lead::Fault(fault)] => fault.clone(),
        other => panic!("one fault expected, found {other:?}"),
    }
}

/// What `expected` tables compare: object, code, sub-reason.
pub(super) fn verdict(fault: &Fault) -> (String, Code, Option<&'static str>) {
    (fault.object.to_string(), fault.code, fault.subcode)
}
