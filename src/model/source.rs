//! Sources, and the objects between a source and what uses it.

use std::time::Duration;

use jiff::Timestamp;

use super::condition::Conditions;
use super::key::ObjectKey;
use super::node::{At, Meta};
use super::revision::Revision;

/// `status.artifact`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Revision of the content.
    pub revision: Revision,
    /// What it was made from, where its maker says so: annotation `org.opencontainers.image.revision` of an OCI artifact.
    pub origin: Option<Revision>,
    /// When source-controller stored it.
    pub updated: Option<Timestamp>,
    /// Where the other controllers download it.
    pub url: String,
}

impl Artifact {
    /// The Git commit that its content is of: its own, else the one that it says it was made from.
    pub fn commit(&self) -> Option<&str> {
        self.revision.commit().or_else(|| self.origin.as_ref()?.origin_commit())
    }
}

/// A GitRepository, OCIRepository, Bucket, HelmRepository, HelmChart, ExternalArtifact or ArtifactGenerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which object.
    pub key: ObjectKey,
    /// Metadata.
    pub meta: Meta,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.url` or `spec.endpoint`; empty where the kind has none.
    pub url: String,
    /// Name of the Secret with credentials, in the source's own namespace.
    pub secret: Option<String>,
    /// `spec.provider`: whose identity it logs in with, such as `aws`; `None` for `generic`, which has none.
    pub provider: Option<String>,
    /// HelmRepository of `type: oci`: static, without any status (flux-semantics §6).
    pub oci: bool,
    /// Its artifact may hold less or more than the repository: `spec.ignore`, `spec.sparseCheckout`, `spec.include`, or it
    /// is none of Git's.
    pub filtered: bool,
    /// Sources that this one is made from: HelmChart → HelmRepository, GitRepository → its includes,
    /// ExternalArtifact → its generator, ArtifactGenerator → its sources.
    pub upstream: Vec<ObjectKey>,
    /// ExternalArtifacts that an ArtifactGenerator makes, in its own namespace; they need not exist yet.
    pub makes: Vec<ObjectKey>,
    /// `spec.interval`.
    pub interval: Option<Duration>,
    /// `spec.timeout`.
    pub timeout: Option<Duration>,
    /// `status.observedGeneration`; -1 before the first completed run, `None` in kinds that have none.
    pub observed_generation: Option<i64>,
    /// `status.conditions`.
    pub conditions: Conditions,
    /// `status.lastHandledReconcileAt`.
    pub last_handled_reconcile_at: Option<String>,
    /// `status.artifact`; kept when a later fetch fails.
    pub artifact: Option<Artifact>,
    /// Where it is declared, for objects of a repository.
    pub declared_at: Option<At>,
    /// Whether it was read from a cluster (or a dump of one), not only from a repository.
    pub live: bool,
}
