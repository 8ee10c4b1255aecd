//! What tests of several modules share: small makers of objects, as the controllers leave them, and committed files
//! that the code makes.

#![allow(clippy::disallowed_methods, reason = "tests hold committed files to what the code makes")]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{
    Artifact, Condition, ConditionStatus, Conditions, Dependency, GroupKind, HelmReleaseSpec, HistoryEntry,
    InventoryEntry, KustomizationSpec, Meta, Node, NodeStatus, ObjectKey, Revision, Snapshot, Source, Spec,
};

/// Namespace of everything that these makers make.
pub(crate) const NS: &str = "flux-system";

/// The revision that `source()` has.
pub(crate) const REVISION: &str = "main@sha1:8c1d22e000000000000000000000000000000000";

/// An older revision.
pub(crate) const OLD: &str = "main@sha1:a41f9c3000000000000000000000000000000000";

/// Now, in every test.
pub(crate) fn now() -> Timestamp {
    minutes_ago(0)
}

/// A moment before now.
pub(crate) fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 - minutes * 60).unwrap()
}

/// Key of a Kustomization in [`NS`].
pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::kustomization(NS, name)
}

/// Key of the source that every Kustomization has.
pub(crate) fn source_key() -> ObjectKey {
    ObjectKey::new(GroupKind::GIT_REPOSITORY, NS, "repo")
}

/// A condition that is an hour old.
pub(crate) fn condition(kind: &str, status: ConditionStatus, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(1),
        since: Some(minutes_ago(60)),
    }
}

/// A Kustomization that is Ready at the current revision.
pub(crate) fn ks(name: &str) -> Node {
    let revision = Some(Revision(REVISION.to_owned()));
    let meta = Meta { generation: 1, created: Some(minutes_ago(600)), ..Meta::default() };
    let ready = condition("Ready", ConditionStatus::True, "ReconciliationSucceeded", "Applied");
    Node {
        source: Some(source_key()),
        interval: Some(Duration::from_secs(600)),
        timeout: Some(Duration::from_secs(60)),
        status: NodeStatus {
            observed_generation: Some(1),
            conditions: Conditions(vec![ready]),
            last_applied_revision: revision.clone(),
            last_attempted_revision: revision,
            ..NodeStatus::default()
        },
        ..Node::new(key(name), meta, Spec::Kustomization(KustomizationSpec::default()))
    }
}

/// A HelmRelease that is Ready; its chart is not in the snapshot unless a test adds it.
pub(crate) fn hr(name: &str) -> Node {
    let mut node = ks(name);
    node.key = ObjectKey::helm_release(NS, name);
    node.source = Some(ObjectKey::new(GroupKind::HELM_CHART, NS, format!("{NS}-{name}")));
    node.status.last_applied_revision = None;
    node.spec = Spec::HelmRelease(HelmReleaseSpec {
        deployed: Some(Revision("1.0.0".to_owned())),
        ..HelmReleaseSpec::default()
    });
    node
}

/// A GitRepository that has fetched [`REVISION`].
pub(crate) fn source() -> Source {
    Source {
        key: source_key(),
        meta: Meta { generation: 1, created: Some(minutes_ago(600)), ..Meta::default() },
        suspended: false,
        url: "https://git.example.com/fleet.git".to_owned(),
        secret: None,
        provider: None,
        oci: false,
        filtered: false,
        upstream: Vec::new(),
        makes: Vec::new(),
        interval: Some(Duration::from_secs(60)),
        timeout: None,
        observed_generation: Some(1),
        conditions: Conditions(vec![condition("Ready", ConditionStatus::True, "Succeeded", "stored artifact")]),
        last_handled_reconcile_at: None,
        artifact: Some(Artifact {
            revision: Revision(REVISION.to_owned()),
            origin: None,
            updated: Some(minutes_ago(1)),
            url: String::new(),
        }),
        declared_at: None,
        live: true,
    }
}

/// A snapshot of these nodes and one source, in which all kinds of Flux are covered everywhere.
pub(crate) fn snapshot(nodes: impl IntoIterator<Item = Node>) -> Snapshot {
    let mut snapshot = Snapshot { now: now(), complete: true, label: "test".to_owned(), ..Snapshot::default() };
    for kind in [
        GroupKind::KUSTOMIZATION,
        GroupKind::HELM_RELEASE,
        GroupKind::GIT_REPOSITORY,
        GroupKind::HELM_REPOSITORY,
    ] {
        snapshot.coverage.cover_everywhere(kind);
    }
    snapshot.nodes = nodes.into_iter().map(|node| (node.key.clone(), node)).collect();
    snapshot.sources.insert(source_key(), source());
    snapshot
}

impl Node {
    /// Adds a `dependsOn` entry on an object of its own kind and namespace.
    pub(crate) fn on(mut self, name: &str) -> Self {
        let key = ObjectKey::new(self.key.kind.clone(), NS, name);
        self.depends_on.push(Dependency { key, ready_expr: None, ready: true, at: None });
        self
    }

    /// Puts a `readyExpr` on its last entry.
    pub(crate) fn when(mut self, expression: &str) -> Self {
        self.depends_on.last_mut().unwrap().ready_expr = Some(expression.to_owned());
        self
    }

    /// Replaces the Ready condition; a failure leaves `observedGeneration` behind, as kustomize-controller does.
    pub(crate) fn ready(mut self, status: ConditionStatus, reason: &str, message: &str) -> Self {
        let generation = self.meta.generation;
        self.status.conditions.0.retain(|condition| condition.kind != "Ready");
        let mut ready = condition("Ready", status, reason, message);
        ready.observed_generation = Some(generation);
        self.status.conditions.0.push(ready);
        self
    }

    /// Ready=False for this reason.
    pub(crate) fn failing(self, reason: &str, message: &str) -> Self {
        self.ready(ConditionStatus::False, reason, message)
    }

    /// Ready=False because of a dependency.
    pub(crate) fn waiting_for(self, name: &str) -> Self {
        self.failing("DependencyNotReady", &format!("dependency '{NS}/{name}' is not ready"))
    }

    /// Never applied anything: `observedGeneration` -1, no revision.
    pub(crate) fn never(mut self) -> Self {
        self.status.observed_generation = Some(-1);
        self.status.last_applied_revision = None;
        if let Spec::HelmRelease(spec) = &mut self.spec {
            spec.deployed = None;
        }
        self
    }

    /// Applied another revision last.
    pub(crate) fn at(mut self, revision: &str) -> Self {
        self.status.last_applied_revision = Some(Revision(revision.to_owned()));
        self
    }

    /// `spec.suspend`.
    pub(crate) fn suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    /// Its spec was edited, and the controller has not looked at it.
    pub(crate) fn edited(mut self) -> Self {
        self.meta.generation += 1;
        self
    }

    /// A run is under way.
    pub(crate) fn running(self, minutes: i64) -> Self {
        let mut node = self.ready(ConditionStatus::Unknown, "Progressing", "Reconciliation in progress");
        let generation = node.meta.generation;
        for (kind, status) in [("Ready", ConditionStatus::Unknown), ("Reconciling", ConditionStatus::True)] {
            node.status.conditions.0.retain(|condition| condition.kind != kind);
            let mut condition = condition(kind, status, "Progressing", "Building manifests");
            condition.observed_generation = Some(generation);
            condition.since = Some(minutes_ago(minutes));
            node.status.conditions.0.push(condition);
        }
        node
    }

    /// `wait: true`, with these in the inventory.
    pub(crate) fn waits_for(mut self, keys: &[ObjectKey]) -> Self {
        if let Spec::Kustomization(spec) = &mut self.spec {
            spec.wait = true;
        }
        self.holds(keys)
    }

    /// An inventory.
    pub(crate) fn holds(mut self, keys: &[ObjectKey]) -> Self {
        let entry = |key: &ObjectKey| InventoryEntry { key: key.clone(), version: "v1".to_owned() };
        self.status.inventory = Some(keys.iter().map(entry).collect());
        self
    }

    /// A history entry of the current revision.
    pub(crate) fn ran(mut self, status: &str, minutes: i64) -> Self {
        self.status.history.push(HistoryEntry {
            status: status.to_owned(),
            first: Some(minutes_ago(minutes)),
            last: Some(minutes_ago(minutes)),
            revision: Some(Revision(REVISION.to_owned())),
            origin: None,
            took: None,
        });
        self
    }
}

/// Fails if a committed file differs from what the code makes; with `UPDATE_FILES=1` it is written instead.
pub(crate) fn assert_up_to_date(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_FILES").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is not up to date; `UPDATE_FILES=1 cargo test` writes it",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
}
