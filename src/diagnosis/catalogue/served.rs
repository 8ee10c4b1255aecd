//! Kinds and versions that a cluster does not serve: is the definition missing, or is another version served?

use super::words::list;
use super::{Failure, command, fault};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, Node, ObjectKey};

pub(super) fn no_such_kind(failure: &Failure<'_>, what: &str, kind: &str, api_version: &str) -> Fault {
    let (group, version) = match api_version.split_once('/') {
        Some((group, version)) => (group, version),
        None if api_version.contains('.') => (api_version, ""),
        None => ("", api_version),
    };
    let wanted = GroupKind::new(group, kind);
    let needs = match what.starts_with(&format!("{kind} ")) {
        true => format!("{what} is of {api_version}"),
        false => format!("{what} is a {kind} of {api_version}"),
    };
    let place = if failure.node.remote { "the remote cluster" } else { "the cluster" };
    let elsewhere = |instead: String| {
        fault(
            failure.node.key.clone(),
            Code::ApiVersionNotServed,
            None,
            format!("{needs}, which {place} does not serve{instead}"),
        )
    };
    if !failure.node.remote {
        let served = failure.snapshot.evidence.served.get(&wanted);
        if let Some(versions) = served.filter(|versions| !versions.iter().any(|served| served == version)) {
            let instead =
                list(&versions.iter().map(|version| format!("{group}/{version}")).collect::<Vec<_>>());
            return elsewhere(format!(": it serves {instead}"))
                .remedy(format!("set apiVersion to {}, commit and push", newest(group, versions)), None);
        }
        if served.is_some() {
            let made = crd_missing(&wanted, &format!("{needs}, which was not served then and is by now"));
            return made.remedy("ask for another run", super::reconcile(&failure.node.key));
        }
    }
    if is_built_in(group) {
        return match current_version(kind) {
            Some(current) => elsewhere(format!(": {kind} is served in {current}"))
                .remedy(format!("set apiVersion to {current}, commit and push"), None),
            None => elsewhere(" in that version".to_owned())
                .remedy("correct kind and apiVersion of the manifest, commit and push", None),
        };
    }
    let current = flux_version(&wanted).filter(|_| OLD_FLUX_VERSIONS.contains(&version));
    if in_sight(failure, &wanted) || current.is_some() {
        let made = elsewhere(": it serves the kind in other versions".to_owned());
        let versions = failure.there(command("kubectl api-resources --api-group={}", &[group]));
        return match current {
            Some(current) => made.remedy(format!("set apiVersion to {group}/{current}, commit and push"), None),
            None => made.remedy("set apiVersion to one that is served, commit and push", versions),
        };
    }
    let definition = format!("{needs}, which {place} does not serve: the CustomResourceDefinition is missing");
    let made = crd_missing(&wanted, &definition);
    made.remedy(
        "let what brings the CustomResourceDefinition be applied first: put it into dependsOn, with wait: true there",
        None,
    )
    .remedy(
        "see which kinds of that group there are",
        failure.there(command("kubectl api-resources --api-group={}", &[group])),
    )
}

fn crd_missing(wanted: &GroupKind, summary: &str) -> Fault {
    let name = format!("{}.{}", wanted.kind, wanted.group);
    let object = ObjectKey::new(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", name);
    fault(object, Code::CrdMissing, None, summary)
}

/// The version to change to: the stable one where there is one, else the last that is served.
fn newest(group: &str, versions: &[String]) -> String {
    let stable = versions.iter().rev().find(|version| !version.contains("alpha") && !version.contains("beta"));
    let version = stable.or(versions.last()).map_or("", String::as_str);
    format!("{group}/{version}")
}

/// Whether the kind is served, as objects of it show.
fn in_sight(failure: &Failure<'_>, kind: &GroupKind) -> bool {
    let snapshot = failure.snapshot;
    !failure.node.remote
        && (failure.node.key.kind == *kind
            || snapshot.nodes.values().any(|node: &Node| node.live && node.key.kind == *kind)
            || snapshot.sources.values().any(|source| source.live && source.key.kind == *kind)
            || snapshot.evidence.others.keys().any(|key| key.kind == *kind))
}

/// Groups that the API server itself serves: no CustomResourceDefinition brings anything into them.
fn is_built_in(group: &str) -> bool {
    const WITH_SUFFIX: [&str; 14] = [
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "scheduling",
    ];
    matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy" | "extensions" | "storage.k8s.io")
        || group.strip_suffix(".k8s.io").is_some_and(|name| WITH_SUFFIX.contains(&name))
}

/// Where kinds live today that lived in other groups or versions before.
fn current_version(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ControllerRevision" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "PodDisruptionBudget" => "policy/v1",
        "Ingress" | "IngressClass" | "NetworkPolicy" => "networking.k8s.io/v1",
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => "rbac.authorization.k8s.io/v1",
        "StorageClass" | "VolumeAttachment" | "CSIDriver" | "CSINode" => "storage.k8s.io/v1",
        "PriorityClass" => "scheduling.k8s.io/v1",
        "RuntimeClass" => "node.k8s.io/v1",
        "Lease" => "coordination.k8s.io/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "APIService" => "apiregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" | "ValidatingAdmissionPolicy" => {
            "admissionregistration.k8s.io/v1"
        }
        "EndpointSlice" => "discovery.k8s.io/v1",
        "CertificateSigningRequest" => "certificates.k8s.io/v1",
        "Pod"
        | "Service"
        | "ConfigMap"
        | "Secret"
        | "Namespace"
        | "ServiceAccount"
        | "PersistentVolume"
        | "PersistentVolumeClaim"
        | "ResourceQuota"
        | "LimitRange"
        | "Endpoints"
        | "ReplicationController" => "v1",
        _ => return None,
    })
}

/// Versions of Flux kinds that newer releases no longer serve.
const OLD_FLUX_VERSIONS: [&str; 6] = ["v1alpha1", "v1beta1", "v1beta2", "v2alpha1", "v2beta1", "v2beta2"];

/// The version in which newer Flux serves a kind of its own.
fn flux_version(kind: &GroupKind) -> Option<&'static str> {
    match (&*kind.group, &*kind.kind) {
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => Some("v1"),
        ("helm.toolkit.fluxcd.io", "HelmRelease") => Some("v2"),
        (
            "source.toolkit.fluxcd.io",
            "GitRepository" | "OCIRepository" | "Bucket" | "HelmRepository" | "HelmChart",
        ) => Some("v1"),
        ("notification.toolkit.fluxcd.io", "Receiver") => Some("v1"),
        ("notification.toolkit.fluxcd.io", "Alert" | "Provider") => Some("v1beta3"),
        _ => None,
    }
}
