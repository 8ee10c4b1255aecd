//! Identity: which object is meant, whatever version it is served in.

use std::borrow::Cow;
use std::fmt;

/// API group and kind, the part of a type that does not change between served versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// Kind in its own spelling, such as `Kustomization`.
    pub kind: Cow<'static, str>,
}

macro_rules! well_known {
    ($($name:ident = $group:literal, $kind:literal;)*) => {
        impl GroupKind {
            $(#[doc = concat!("`", $kind, "` of group `", $group, "`.")]
            pub const $name: GroupKind = GroupKind { group: Cow::Borrowed($group), kind: Cow::Borrowed($kind) };)*
        }
    };
}

well_known! {
    KUSTOMIZATION = "kustomize.toolkit.fluxcd.io", "Kustomization";
    HELM_RELEASE = "helm.toolkit.fluxcd.io", "HelmRelease";
    GIT_REPOSITORY = "source.toolkit.fluxcd.io", "GitRepository";
    OCI_REPOSITORY = "source.toolkit.fluxcd.io", "OCIRepository";
    BUCKET = "source.toolkit.fluxcd.io", "Bucket";
    HELM_REPOSITORY = "source.toolkit.fluxcd.io", "HelmRepository";
    HELM_CHART = "source.toolkit.fluxcd.io", "HelmChart";
    EXTERNAL_ARTIFACT = "source.toolkit.fluxcd.io", "ExternalArtifact";
    ARTIFACT_GENERATOR = "source.extensions.fluxcd.io", "ArtifactGenerator";
    RESOURCE_SET = "fluxcd.controlplane.io", "ResourceSet";
    RESOURCE_SET_INPUT_PROVIDER = "fluxcd.controlplane.io", "ResourceSetInputProvider";
    FLUX_INSTANCE = "fluxcd.controlplane.io", "FluxInstance";
    FLUX_REPORT = "fluxcd.controlplane.io", "FluxReport";
    NAMESPACE = "", "Namespace";
    SECRET = "", "Secret";
    CONFIG_MAP = "", "ConfigMap";
    SERVICE_ACCOUNT = "", "ServiceAccount";
    SERVICE = "", "Service";
    POD = "", "Pod";
    PERSISTENT_VOLUME_CLAIM = "", "PersistentVolumeClaim";
    DEPLOYMENT = "apps", "Deployment";
    STATEFUL_SET = "apps", "StatefulSet";
    DAEMON_SET = "apps", "DaemonSet";
    REPLICA_SET = "apps", "ReplicaSet";
    JOB = "batch", "Job";
    CUSTOM_RESOURCE_DEFINITION = "apiextensions.k8s.io", "CustomResourceDefinition";
    API_SERVICE = "apiregistration.k8s.io", "APIService";
}

impl GroupKind {
    /// A type that is not known in advance.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { group: Cow::Owned(group.into()), kind: Cow::Owned(kind.into()) }
    }

    /// Splits `group/version` and drops the version; the core group has no slash.
    pub fn from_api_version(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::new(group, kind)
    }

    /// Whether objects of this kind are sources or stand in a source chain.
    pub fn is_source(&self) -> bool {
        self.group == "source.toolkit.fluxcd.io" || *self == Self::ARTIFACT_GENERATOR
    }

    /// Whether objects of this kind apply others and have layers: Kustomization, HelmRelease, ResourceSet.
    pub fn is_applier(&self) -> bool {
        [Self::KUSTOMIZATION, Self::HELM_RELEASE, Self::RESOURCE_SET].contains(self)
    }

    /// Short name that kubectl and flux accept on the command line, such as `ks`.
    pub fn short(&self) -> String {
        match (&*self.group, &*self.kind) {
            ("kustomize.toolkit.fluxcd.io", _) => "ks".to_owned(),
            ("helm.toolkit.fluxcd.io", _) => "hr".to_owned(),
            (_, kind) => kind.to_lowercase(),
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(&self.kind) } else { write!(f, "{}.{}", self.kind, self.group) }
    }
}

/// Identifies one object; displays as `Kind/namespace/name`, as in Flux's own change sets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Group and kind.
    pub kind: GroupKind,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// Key of one object.
    pub fn new(kind: GroupKind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into() }
    }

    /// Key of a Kustomization.
    pub fn kustomization(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(GroupKind::KUSTOMIZATION, namespace, name)
    }

    /// Key of a HelmRelease.
    pub fn helm_release(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(GroupKind::HELM_RELEASE, namespace, name)
    }

    /// `namespace/name`, or the bare name where there is no namespace.
    pub fn namespaced_name(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.kind, self.namespaced_name())
    }
}
