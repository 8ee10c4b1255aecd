//! Objects that apply others and have a place in the layers: Kustomization, HelmRelease, ResourceSet.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::condition::Conditions;
use super::inventory::Inventory;
use super::key::{GroupKind, ObjectKey};
use super::revision::Revision;

/// What every object carries in its metadata, as far as it decides anything here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// `metadata.generation`; 0 where the API server keeps none.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// `metadata.deletionTimestamp`: the object is terminating since then.
    pub deleted: Option<Timestamp>,
    /// Newest edit of anything but the status, where `managedFields` tell.
    pub edited: Option<Timestamp>,
    /// Who set `spec.suspend`, and when, where `managedFields` tell.
    pub suspended_by: Option<(String, Option<Timestamp>)>,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// The controlling entry of `metadata.ownerReferences`.
    pub owner: Option<ObjectKey>,
}

/// A place in a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Path relative to the repository, with `/` between its parts.
    pub path: String,
    /// Line, the first one being 1.
    pub line: usize,
}

/// One entry of `spec.dependsOn`, its namespace filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The object that is depended upon.
    pub key: ObjectKey,
    /// `readyExpr`: a CEL expression that replaces the built-in check (kustomize-controller 1.7 and later).
    pub ready_expr: Option<String>,
    /// ResourceSet only: `false` asks for existence alone. Always `true` for the Flux kinds.
    pub ready: bool,
    /// Where the entry stands, for objects that were read from a repository.
    pub at: Option<At>,
}

/// One entry of `spec.healthChecks`; the namespace is not defaulted by the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The object that is waited for; its namespace may be empty by mistake.
    pub key: ObjectKey,
}

/// One entry of `spec.healthCheckExprs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheckExpr {
    /// Group, and kind where one is named (else the whole group is meant).
    pub group: String,
    /// Kind; `None` where the entry speaks of the whole group.
    pub kind: Option<String>,
}

/// `spec.decryption` of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decryption {
    /// `provider`; only `sops` does anything.
    pub provider: String,
    /// Name of the Secret with the keys, in the Kustomization's own namespace.
    pub secret: Option<String>,
    /// Service account for a cloud's key service.
    pub service_account: Option<String>,
}

/// One entry of `status.history`, of a Kustomization (since 1.7) or a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryEntry {
    /// A reason such as `HealthCheckFailed` (Kustomization) or a release status such as `deployed` (HelmRelease).
    pub status: String,
    /// First run with this result.
    pub first: Option<Timestamp>,
    /// Last run with this result.
    pub last: Option<Timestamp>,
    /// Revision that ran (Kustomization), or chart version (HelmRelease).
    pub revision: Option<Revision>,
    /// What that revision was made from, where it is an OCI artifact that says so.
    pub origin: Option<Revision>,
    /// How long the last such run took.
    pub took: Option<Duration>,
}

/// One entry of a HelmRelease's `spec.valuesFrom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuesRef {
    /// The ConfigMap or Secret.
    pub key: ObjectKey,
    /// Key in its data; `values.yaml` by default.
    pub values_key: String,
    /// Whether its absence is accepted.
    pub optional: bool,
}

/// What only a Kustomization has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KustomizationSpec {
    /// `spec.path`; empty for the root of the artifact.
    pub path: String,
    /// `spec.wait`: health-check everything that was applied.
    pub wait: bool,
    /// `spec.healthChecks`; ignored by the controller when `wait` is set.
    pub health_checks: Vec<HealthCheck>,
    /// `spec.healthCheckExprs`.
    pub health_check_exprs: Vec<HealthCheckExpr>,
    /// `spec.decryption`.
    pub decryption: Option<Decryption>,
    /// `spec.prune`: what is no longer declared is deleted.
    pub prune: bool,
    /// `spec.deletionPolicy` (kustomize-controller 1.5 and later); `None` where it is not written, which means
    /// `MirrorPrune`.
    pub deletion_policy: Option<String>,
    /// What it does to everything that it builds.
    pub overlay: Overlay,
    /// `spec.postBuild.substituteFrom`.
    pub substitute_from: Vec<SubstituteRef>,
}

/// One entry of `spec.postBuild.substituteFrom`: variables are taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubstituteRef {
    /// The ConfigMap or Secret, in the Kustomization's own namespace.
    pub key: ObjectKey,
    /// Whether its absence is accepted.
    pub optional: bool,
}

/// What a Kustomization's own spec does to the objects that it builds, as far as names and namespaces go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// `spec.targetNamespace`.
    pub namespace: Option<String>,
    /// `spec.components`, relative to the path.
    pub components: Vec<String>,
    /// `spec.namePrefix`, `spec.nameSuffix`, or a patch that may rename or delete.
    pub renames: bool,
}

/// What only a HelmRelease has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelmReleaseSpec {
    /// Chart name of `spec.chart`, `None` with a `chartRef`.
    pub chart: Option<String>,
    /// Version or range of `spec.chart`.
    pub chart_version: Option<String>,
    /// `spec.chart.spec.sourceRef`: where the chart comes from.
    pub chart_source: Option<ObjectKey>,
    /// `status.helmChart`: the HelmChart that helm-controller made last.
    pub chart_in_use: Option<ObjectKey>,
    /// `spec.valuesFrom`.
    pub values_from: Vec<ValuesRef>,
    /// `spec.install`, and what came of it.
    pub install: HelmAction,
    /// `spec.upgrade`, and what came of it.
    pub upgrade: HelmAction,
    /// Chart version that was deployed last, whatever failed since.
    pub deployed: Option<Revision>,
}

/// How often an install or upgrade is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelmAction {
    /// `remediation.retries`; negative for ever.
    pub retries: i64,
    /// `strategy.name` is `RetryOnFailure`.
    pub retries_for_ever: bool,
    /// Failures since the last change of spec, chart or values.
    pub failures: i64,
}

/// What distinguishes the kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// A Kustomization of kustomize-controller.
    Kustomization(KustomizationSpec),
    /// A HelmRelease of helm-controller.
    HelmRelease(HelmReleaseSpec),
    /// A ResourceSet of flux-operator.
    ResourceSet,
}

/// What the controller wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// `status.observedGeneration`; -1 before the first completed run, `None` in kinds that have none.
    pub observed_generation: Option<i64>,
    /// `status.conditions`.
    pub conditions: Conditions,
    /// `status.lastAppliedRevision`.
    pub last_applied_revision: Option<Revision>,
    /// `status.lastAppliedOriginRevision`: what that was made from, where it is an OCI artifact that says so.
    pub last_applied_origin: Option<Revision>,
    /// `status.lastAttemptedRevision`.
    pub last_attempted_revision: Option<Revision>,
    /// Digest of the OCI artifact whose chart a HelmRelease tried last; `None` where helm-controller follows none, as with
    /// its gate `DisableChartDigestTracking`.
    pub last_attempted_digest: Option<String>,
    /// The generation of a HelmRelease whose tries have failed so far: `status.lastAttemptedGeneration` while `status.failures`
    /// counts any. helm-controller begins to count anew with a new generation, chart or values, and leaves
    /// `observedGeneration` at -1 until the first success (1.6.4, seen).
    pub failed_generation: Option<i64>,
    /// `status.lastHandledReconcileAt`.
    pub last_handled_reconcile_at: Option<String>,
    /// `status.inventory`; `None` where the controller wrote none.
    pub inventory: Option<Inventory>,
    /// `status.history`, newest first.
    pub history: Vec<HistoryEntry>,
}

/// A Kustomization, HelmRelease or ResourceSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which object.
    pub key: ObjectKey,
    /// Metadata.
    pub meta: Meta,
    /// `spec.suspend`, or the annotation that pauses a ResourceSet.
    pub suspended: bool,
    /// `spec.dependsOn`.
    pub depends_on: Vec<Dependency>,
    /// The nearest source: `sourceRef` of a Kustomization, HelmChart or `chartRef` of a HelmRelease.
    pub source: Option<ObjectKey>,
    /// `spec.interval`.
    pub interval: Option<Duration>,
    /// `spec.retryInterval`.
    pub retry_interval: Option<Duration>,
    /// `spec.timeout` as written; see [`Node::effective_timeout`].
    pub timeout: Option<Duration>,
    /// `spec.serviceAccountName`.
    pub service_account: Option<String>,
    /// `spec.kubeConfig`: the objects live on another cluster.
    pub remote: bool,
    /// The Secret with the kubeconfig of that cluster, where `spec.kubeConfig` names one.
    pub kube_config: Option<ObjectKey>,
    /// What the controller wrote; empty for an object that was only declared.
    pub status: NodeStatus,
    /// What only this kind has.
    pub spec: Spec,
    /// Where it is declared, for objects of a repository.
    pub declared_at: Option<At>,
    /// Whether it was read from a cluster (or a dump of one), not only from a repository.
    pub live: bool,
    /// It is there and could not be decoded: nothing but its key and metadata is known, and nothing may be concluded.
    pub unreadable: bool,
}

impl Node {
    /// An object of a cluster that says nothing but this.
    pub fn new(key: ObjectKey, meta: Meta, spec: Spec) -> Self {
        Self {
            key,
            meta,
            suspended: false,
            depends_on: Vec::new(),
            source: None,
            interval: None,
            retry_interval: None,
            timeout: None,
            service_account: None,
            remote: false,
            kube_config: None,
            status: NodeStatus::default(),
            spec,
            declared_at: None,
            live: true,
            unreadable: false,
        }
    }

    /// An object that is there and could not be decoded.
    pub fn unreadable(key: ObjectKey, meta: Meta) -> Self {
        let spec = match &*key.kind.kind {
            "Kustomization" => Spec::Kustomization(KustomizationSpec::default()),
            "HelmRelease" => Spec::HelmRelease(HelmReleaseSpec::default()),
            _ => Spec::ResourceSet,
        };
        Self { unreadable: true, ..Self::new(key, meta, spec) }
    }

    /// The Kustomization's own fields.
    pub fn kustomization(&self) -> Option<&KustomizationSpec> {
        match &self.spec {
            Spec::Kustomization(spec) => Some(spec),
            _ => None,
        }
    }

    /// The HelmRelease's own fields.
    pub fn helm_release(&self) -> Option<&HelmReleaseSpec> {
        match &self.spec {
            Spec::HelmRelease(spec) => Some(spec),
            _ => None,
        }
    }

    /// How long one run may take.
    ///
    /// Kustomization: `timeout`, else `interval - 30s`, at least 30 s (kustomize-controller 1.9
    /// `GetTimeout`); HelmRelease: `timeout`, else 5 m; ResourceSet: 5 m.
    pub fn effective_timeout(&self) -> Duration {
        const FIVE_MINUTES: Duration = Duration::from_secs(300);
        match self.spec {
            Spec::Kustomization(_) => {
                let floor = Duration::from_secs(30);
                let fallback = self.interval.unwrap_or(FIVE_MINUTES).saturating_sub(floor);
                self.timeout.unwrap_or(fallback).max(floor)
            }
            Spec::HelmRelease(_) | Spec::ResourceSet => self.timeout.unwrap_or(FIVE_MINUTES),
        }
    }

    /// Whether the controller has acted on the current spec: `observedGeneration`, or for a ResourceSet, which
    /// has none, that of its Ready condition.
    pub fn is_observed(&self) -> bool {
        self.observed_generation() == Some(self.meta.generation)
    }

    /// The generation that the controller has acted on, see [`Node::is_observed`].
    pub fn observed_generation(&self) -> Option<i64> {
        match self.spec {
            Spec::ResourceSet => self
                .status
                .conditions
                .ready()
                .map(|ready| ready.observed_generation.unwrap_or(self.meta.generation)),
            _ => self.status.observed_generation,
        }
    }

    /// Revision that runs in the cluster: last applied, or the chart version last deployed.
    pub fn revision(&self) -> Option<&Revision> {
        match &self.spec {
            Spec::HelmRelease(spec) => spec.deployed.as_ref(),
            _ => self.status.last_applied_revision.as_ref(),
        }
    }

    /// The revision of its source that a Kustomization applied last without a failure.
    ///
    /// `lastAppliedRevision` is written after apply, prune and health checks (kustomize-controller 1.9); else the newest
    /// success of the history.
    pub fn last_good(&self) -> Option<&Revision> {
        self.kustomization()?;
        let succeeded = self.status.history.iter().filter(|entry| entry.status == "ReconciliationSucceeded");
        let newest = succeeded.max_by_key(|entry| entry.last).and_then(|entry| entry.revision.as_ref());
        self.status.last_applied_revision.as_ref().or(newest)
    }

    /// The Git commit of a revision that it ran: the revision's own, else the one that it was made from.
    pub fn commit_of<'a>(&'a self, revision: &'a Revision) -> Option<&'a str> {
        let status = &self.status;
        let applied = (status.last_applied_revision.as_ref(), status.last_applied_origin.as_ref());
        let runs = status.history.iter().map(|entry| (entry.revision.as_ref(), entry.origin.as_ref()));
        let mut known = std::iter::once(applied).chain(runs).filter(|(ran, _)| *ran == Some(revision));
        revision.commit().or_else(|| known.find_map(|(_, origin)| origin?.origin_commit()))
    }

    /// Kind of the applied object.
    pub fn kind(&self) -> &GroupKind {
        &self.key.kind
    }
}
