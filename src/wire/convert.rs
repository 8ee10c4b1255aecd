//! From the API's shapes to the model, with the defaults that the controllers fill in.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::api;
use super::place::Place;
use crate::foreign::without_credentials;
use crate::model::{
    Artifact, At, CONTROLLER_FLAGS, Condition, ConditionStatus, Conditions, ContainerTrouble, Decryption,
    Dependency, Event, FluxInstallation, GroupKind, HealthCheck, HealthCheckExpr, HelmAction, HelmReleaseSpec,
    HistoryEntry, InventoryEntry, KustomizationSpec, Meta, Namespace, Node, NodeStatus, ObjectKey, Overlay,
    Pod, Revision, Source, Spec, SubstituteRef, ValuesRef, Workload, parse_duration, parse_id,
};

const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";

/// Annotations with which a snapshot says what its reduced objects no longer show.
const OUR_ANNOTATIONS: &str = "fluxlayers/";

pub(super) fn meta(wire: api::ObjectMeta, key: &ObjectKey) -> Meta {
    let mut annotations = wire.annotations;
    annotations.retain(|name, _| is_read(name) && !name.starts_with(OUR_ANNOTATIONS));
    let owner = wire.owner_references.into_iter().find(|owner| owner.controller);
    let edits = wire.managed_fields.iter().filter(|fields| fields.subresource != "status");
    let suspends =
        |fields: &&api::ManagedFields| fields.subresource != "status" && fields.fields.spec.suspend.is_some();
    let suspended_by = wire.managed_fields.iter().filter(suspends).max_by_key(|fields| fields.time);
    Meta {
        suspended_by: suspended_by.map(|fields| (fields.manager.clone(), fields.time)),
        generation: wire.generation,
        created: wire.creation_timestamp,
        deleted: wire.deletion_timestamp,
        edited: edits.filter_map(|fields| fields.time).max(),
        finalizers: wire.finalizers,
        labels: wire.labels,
        annotations,
        owner: owner.map(|owner| {
            ObjectKey::new(
                GroupKind::from_api_version(&owner.api_version, &owner.kind),
                &key.namespace,
                owner.name,
            )
        }),
    }
}

/// Whether an annotation is looked at. All others may repeat what is secret, as `last-applied-configuration` does.
pub(super) fn is_read(annotation: &str) -> bool {
    let flux = ["fluxcd.io", "fluxcd.controlplane.io", "fluxlayers"];
    let domain = annotation.split_once('/').map_or("", |(domain, _)| domain);
    flux.iter().any(|known| domain == *known || domain.ends_with(".fluxcd.io"))
        || annotation == "helm.sh/resource-policy"
}

/// Whether an argument of a container is looked at.
pub(super) fn is_controller_flag(argument: &str) -> bool {
    let name = argument.trim_start_matches('-');
    CONTROLLER_FLAGS.contains(&name.split_once('=').map_or(name, |(name, _)| name))
}

fn text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn revision(revision: String) -> Option<Revision> {
    text(revision).map(Revision)
}

pub(super) fn conditions(wire: Vec<api::Condition>) -> Conditions {
    let condition = |wire: api::Condition| Condition {
        kind: wire.kind,
        status: status(&wire.status),
        reason: wire.reason,
        message: without_credentials(wire.message),
        observed_generation: wire.observed_generation,
        since: wire.last_transition_time,
    };
    Conditions(wire.into_iter().map(condition).collect())
}

fn status(status: &str) -> ConditionStatus {
    match status {
        "True" => ConditionStatus::True,
        "False" => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    }
}

/// A reference's object. An absent namespace is the given one, an absent API version the group that fits the kind.
fn referred(wire: api::Reference, namespace: &str) -> Option<ObjectKey> {
    if wire.name.is_empty() {
        return None;
    }
    let kind = match wire.kind.as_str() {
        _ if !wire.api_version.is_empty() => GroupKind::from_api_version(&wire.api_version, &wire.kind),
        "ArtifactGenerator" => GroupKind::ARTIFACT_GENERATOR,
        _ => GroupKind::new(SOURCE_GROUP, wire.kind),
    };
    let namespace = if wire.namespace.is_empty() { namespace } else { &wire.namespace };
    Some(ObjectKey::new(kind, namespace, wire.name))
}

/// What all three kinds of appliers have in common, before their own fields are filled in.
fn node(key: ObjectKey, meta: Meta, place: &Place, status: NodeStatus, spec: Spec) -> Node {
    Node {
        status: if place.declared.is_some() { NodeStatus::default() } else { status },
        declared_at: at(place, place.line),
        live: place.declared.is_none(),
        ..Node::new(key, meta, spec)
    }
}

pub(super) fn at(place: &Place, line: Option<usize>) -> Option<At> {
    place.declared.as_ref()?;
    Some(At { path: place.file.clone(), line: line? })
}

/// `spec.dependsOn` of a Kustomization or HelmRelease: the same kind and namespace unless it says otherwise.
///
/// Today's controllers know no `kind` there and the API server drops it; where it stands, a newer one means it.
fn dependencies(wire: Vec<api::DependsOn>, own: &ObjectKey, place: &Place) -> Vec<Dependency> {
    let dependency = |(index, wire): (usize, api::DependsOn)| {
        let kind = match (wire.api_version.as_str(), wire.kind.as_str()) {
            (_, "") => own.kind.clone(),
            ("", kind) if kind == own.kind.kind => own.kind.clone(),
            ("", "Kustomization") => GroupKind::KUSTOMIZATION,
            ("", "HelmRelease") => GroupKind::HELM_RELEASE,
            ("", "ResourceSet") => GroupKind::RESOURCE_SET,
            (api_version, kind) => GroupKind::from_api_version(api_version, kind),
        };
        let namespace = if wire.namespace.is_empty() { &own.namespace } else { &wire.namespace };
        Dependency {
            key: ObjectKey::new(kind, namespace, wire.name),
            ready_expr: text(wire.ready_expr),
            ready: true,
            at: dependency_at(place, index),
        }
    };
    wire.into_iter().enumerate().map(dependency).collect()
}

fn dependency_at(place: &Place, index: usize) -> Option<At> {
    let lines = place.declared.as_ref()?;
    at(place, lines.dependency_lines.get(index).copied().or(place.line))
}

/// Whether a patch of kustomize may take an object away or touch what it is known by.
pub(crate) fn may_rename(patch: &str) -> bool {
    api::RENAMING.iter().any(|sign| patch.contains(sign))
}

pub(super) fn kustomization(
    key: ObjectKey,
    meta: Meta,
    body: api::Body<api::KustomizationSpec, api::ApplierStatus>,
    place: &Place,
    problems: &mut Vec<String>,
) -> Node {
    let spec = body.spec;
    let check = |wire: api::Reference| {
        let api_version = if wire.api_version.is_empty() { "apps/v1" } else { &wire.api_version };
        HealthCheck {
            key: ObjectKey::new(
                GroupKind::from_api_version(api_version, &wire.kind),
                wire.namespace,
                wire.name,
            ),
        }
    };
    let expression = |wire: api::Reference| HealthCheckExpr {
        group: GroupKind::from_api_version(&wire.api_version, "").group.into_owned(),
        kind: text(wire.kind),
    };
    let overlay = Overlay {
        renames: !(spec.name_prefix.is_empty() && spec.name_suffix.is_empty())
            || spec.patches.iter().any(|patch| patch.options.is_some() || may_rename(&patch.patch)),
        namespace: text(spec.target_namespace),
        components: spec.components,
    };
    let own = Spec::Kustomization(KustomizationSpec {
        overlay,
        path: spec.path,
        wait: spec.wait,
        health_checks: spec.health_checks.into_iter().map(check).collect(),
        health_check_exprs: spec.health_check_exprs.into_iter().map(expression).collect(),
        decryption: spec.decryption.map(|wire| Decryption {
            provider: wire.provider,
            secret: text(wire.secret_ref.name),
            service_account: text(wire.service_account_name),
        }),
        substitute_from: spec
            .post_build
            .substitute_from
            .into_iter()
            .map(|wire| values_ref(wire, &key.namespace))
            .map(|wire| SubstituteRef { key: wire.key, optional: wire.optional })
            .collect(),
        prune: spec.prune,
        deletion_policy: text(spec.deletion_policy),
    });
    Node {
        suspended: spec.suspend,
        depends_on: dependencies(spec.depends_on, &key, place),
        source: referred(spec.source_ref, &key.namespace),
        interval: parse_duration(&spec.interval),
        retry_interval: parse_duration(&spec.retry_interval),
        timeout: parse_duration(&spec.timeout),
        service_account: text(spec.service_account_name),
        remote: spec.kube_config.is_some(),
        kube_config: kube_config(spec.kube_config, &key.namespace),
        ..node(key, meta, place, applier_status(body.status, problems), own)
    }
}

pub(super) fn helm_release(
    key: ObjectKey,
    meta: Meta,
    body: api::Body<api::HelmReleaseSpec, api::ApplierStatus>,
    place: &Place,
    problems: &mut Vec<String>,
) -> Node {
    let spec = body.spec;
    let last_applied = revision(body.status.last_applied_revision.clone());
    let in_use = body.status.helm_chart.split_once('/');
    let in_use = in_use.map(|(namespace, name)| ObjectKey::new(GroupKind::HELM_CHART, namespace, name));
    let action = |wire: api::HelmAction, failures| HelmAction {
        retries: wire.remediation.retries,
        retries_for_ever: wire.strategy.name == "RetryOnFailure",
        failures,
    };
    let (install, upgrade) = (
        action(spec.install, body.status.install_failures),
        action(spec.upgrade, body.status.upgrade_failures),
    );
    let status = applier_status(body.status, problems);
    let mut own = HelmReleaseSpec {
        chart_in_use: in_use,
        install,
        upgrade,
        values_from: spec.values_from.into_iter().map(|wire| values_ref(wire, &key.namespace)).collect(),
        // What was deployed stays so when the next upgrade fails; "superseded" is what a later entry replaced.
        deployed: match status.history.is_empty() {
            true => last_applied, // helm-controller before 1.0
            false => status
                .history
                .iter()
                .find(|entry| matches!(entry.status.as_str(), "deployed" | "superseded"))
                .and_then(|entry| entry.revision.clone()),
        },
        ..HelmReleaseSpec::default()
    };
    let source = match (spec.chart_ref.and_then(|wire| referred(wire, &key.namespace)), spec.chart) {
        (Some(source), _) => Some(source), // helm-controller asks for it first
        (None, Some(chart)) => {
            own.chart = text(chart.spec.chart);
            own.chart_version = text(chart.spec.version);
            own.chart_source = referred(chart.spec.source_ref, &key.namespace);
            // helm-controller keeps the HelmChart beside its source, not beside the release
            own.chart_source.as_ref().map(|source| {
                let name = format!("{}-{}", key.namespace, key.name);
                ObjectKey::new(GroupKind::HELM_CHART, &source.namespace, name)
            })
        }
        (None, None) => None,
    };
    Node {
        suspended: spec.suspend,
        depends_on: dependencies(spec.depends_on, &key, place),
        source,
        interval: parse_duration(&spec.interval),
        timeout: parse_duration(&spec.timeout),
        service_account: text(spec.service_account_name),
        remote: spec.kube_config.is_some(),
        kube_config: kube_config(spec.kube_config, &key.namespace),
        ..node(key, meta, place, status, Spec::HelmRelease(own))
    }
}

/// The Secret of a `spec.kubeConfig`, which lies beside the object.
fn kube_config(wire: Option<api::KubeConfig>, namespace: &str) -> Option<ObjectKey> {
    let name = text(wire?.secret_ref.name)?;
    Some(ObjectKey::new(GroupKind::SECRET, namespace, name))
}

fn values_ref(wire: api::ValuesFrom, namespace: &str) -> ValuesRef {
    let kind = match wire.kind.as_str() {
        "Secret" => GroupKind::SECRET,
        "ConfigMap" => GroupKind::CONFIG_MAP,
        _ => GroupKind::new("", wire.kind),
    };
    ValuesRef {
        key: ObjectKey::new(kind, namespace, wire.name),
        values_key: text(wire.values_key).unwrap_or_else(|| "values.yaml".to_owned()),
        optional: wire.optional,
    }
}

pub(super) fn resource_set(
    key: ObjectKey,
    meta: Meta,
    body: api::Body<api::ResourceSetSpec, api::ApplierStatus>,
    place: &Place,
    problems: &mut Vec<String>,
) -> Node {
    let annotation = |name: &str| meta.annotations.get(&format!("fluxcd.controlplane.io/{name}"));
    let suspended = annotation("reconcile").is_some_and(|value| value.eq_ignore_ascii_case("disabled"));
    let interval = annotation("reconcileEvery").and_then(|value| parse_duration(value));
    let timeout = annotation("reconcileTimeout").and_then(|value| parse_duration(value));
    // flux-operator fills in nothing: an entry without a namespace is cluster-scoped
    let dependency = |(index, wire): (usize, api::DependsOn)| Dependency {
        key: ObjectKey::new(
            GroupKind::from_api_version(&wire.api_version, &wire.kind),
            wire.namespace,
            wire.name,
        ),
        ready_expr: text(wire.ready_expr).filter(|_| wire.ready),
        ready: wire.ready,
        at: dependency_at(place, index),
    };
    Node {
        suspended,
        depends_on: body.spec.depends_on.into_iter().enumerate().map(dependency).collect(),
        interval: Some(interval.unwrap_or(Duration::from_secs(3600))),
        timeout,
        service_account: text(body.spec.service_account_name),
        ..node(key, meta, place, applier_status(body.status, problems), Spec::ResourceSet)
    }
}

fn applier_status(wire: api::ApplierStatus, problems: &mut Vec<String>) -> NodeStatus {
    let inventory = wire.inventory.map(|inventory| {
        let entry = |wire: api::InventoryEntry| match parse_id(&wire.id) {
            Some(key) => Some(InventoryEntry { key, version: wire.v }),
            None => {
                problems.push(format!("status.inventory: `{}` is no id of an object", wire.id));
                None
            }
        };
        inventory.entries.into_iter().filter_map(entry).collect()
    });
    // helm-controller 1.0 and later writes both; the newest release is the last one tried while Ready is true.
    let newest = wire.history.first().and_then(|entry| text(entry.oci_digest.clone()));
    NodeStatus {
        observed_generation: wire.observed_generation,
        conditions: conditions(wire.conditions),
        last_applied_revision: revision(wire.last_applied_revision),
        last_applied_origin: revision(wire.last_applied_origin_revision),
        last_attempted_revision: revision(wire.last_attempted_revision),
        last_attempted_digest: text(wire.last_attempted_revision_digest).or(newest),
        failed_generation: wire.last_attempted_generation.filter(|_| wire.failures > 0),
        last_handled_reconcile_at: text(wire.last_handled_reconcile_at),
        inventory,
        history: wire.history.into_iter().map(history).collect(),
    }
}

fn history(wire: api::History) -> HistoryEntry {
    HistoryEntry {
        status: text(wire.last_reconciled_status).unwrap_or(wire.status),
        first: wire.first_reconciled.or(wire.first_deployed),
        last: wire.last_reconciled.or(wire.last_deployed),
        origin: revision(wire.metadata.origin_revision),
        revision: revision(wire.metadata.revision).or_else(|| revision(wire.chart_version)),
        took: parse_duration(&wire.last_reconciled_duration),
    }
}

pub(super) fn source(
    key: ObjectKey,
    meta: Meta,
    body: api::Body<api::SourceSpec, api::SourceStatus>,
    place: &Place,
) -> Source {
    let api::Body { spec, status } = body;
    let status = if place.declared.is_some() { api::SourceStatus::default() } else { status };
    let paused = key.kind == GroupKind::ARTIFACT_GENERATOR
        && meta
            .annotations
            .get("source.extensions.fluxcd.io/reconcile")
            .is_some_and(|value| value.eq_ignore_ascii_case("disabled"));
    let mut upstream: Vec<ObjectKey> = match key.kind.kind.as_ref() {
        "HelmChart" => {
            let local = api::Reference { namespace: String::new(), ..spec.source_ref }; // always its own namespace
            referred(local, &key.namespace).into_iter().collect()
        }
        "ExternalArtifact" => referred(spec.source_ref, &key.namespace).into_iter().collect(),
        "ArtifactGenerator" => {
            spec.sources.into_iter().filter_map(|wire| referred(wire, &key.namespace)).collect()
        }
        "GitRepository" => {
            let names = spec.include.into_iter().map(|include| include.repository.name);
            let names = names.filter(|name| !name.is_empty());
            names.map(|name| ObjectKey::new(GroupKind::GIT_REPOSITORY, &key.namespace, name)).collect()
        }
        _ => Vec::new(),
    };
    upstream.dedup();
    let filtered = !spec.ignore.is_empty() || !spec.sparse_checkout.is_empty() || !upstream.is_empty();
    let makes = spec.artifacts.into_iter().filter(|wire| !wire.name.is_empty());
    let makes = makes.map(|wire| ObjectKey::new(GroupKind::EXTERNAL_ARTIFACT, &key.namespace, wire.name));
    Source {
        filtered: filtered || key.kind != GroupKind::GIT_REPOSITORY,
        suspended: spec.suspend || paused,
        url: without_credentials(text(spec.url).unwrap_or(spec.endpoint)),
        secret: text(spec.secret_ref.name),
        provider: text(spec.provider).filter(|provider| provider != "generic"),
        oci: key.kind == GroupKind::HELM_REPOSITORY && spec.kind == "oci",
        upstream,
        makes: makes.collect(),
        interval: parse_duration(&spec.interval),
        timeout: parse_duration(&spec.timeout),
        observed_generation: status.observed_generation,
        conditions: conditions(status.conditions),
        last_handled_reconcile_at: text(status.last_handled_reconcile_at),
        artifact: status.artifact.and_then(|wire| {
            Some(Artifact {
                revision: revision(wire.revision)?,
                origin: revision(wire.metadata.origin_revision),
                updated: wire.last_update_time,
                url: wire.url,
            })
        }),
        declared_at: at(place, place.line),
        live: place.declared.is_none(),
        key,
        meta,
    }
}

/// FluxReport knows the version that is installed, FluxInstance the one that it installed last.
pub(super) fn flux(key: &ObjectKey, body: api::Body<api::FluxSpec, api::FluxStatus>) -> FluxInstallation {
    let version = if key.kind == GroupKind::FLUX_REPORT {
        text(body.spec.distribution.version)
    } else {
        let revision = body.status.last_applied_revision;
        text(revision.split_once('@').map_or(revision.clone(), |(version, _)| version.to_owned()))
    };
    let failing =
        body.status.conditions.into_iter().find(|ready| ready.kind == "Ready" && ready.status == "False");
    let failing = failing.map(|ready| format!("{}: {}", ready.reason, ready.message));
    let inventory = body.status.inventory.map(|wire| {
        let entry =
            |wire: api::InventoryEntry| Some(InventoryEntry { key: parse_id(&wire.id)?, version: wire.v });
        wire.entries.into_iter().filter_map(entry).collect()
    });
    FluxInstallation { namespace: key.namespace.clone(), version, failing, inventory }
}

pub(super) fn workload(
    kind: &GroupKind,
    meta: Meta,
    body: api::Body<api::WorkloadSpec, api::WorkloadStatus>,
) -> Workload {
    let api::Body { spec, status } = body;
    let replicas = spec.replicas.unwrap_or(1);
    let (wanted, available) = match kind.kind.as_ref() {
        "DaemonSet" => (status.desired_number_scheduled, status.number_available),
        "Job" => (spec.completions.unwrap_or(1), status.succeeded),
        "StatefulSet" => (replicas, status.available_replicas.unwrap_or(status.ready_replicas)), // absent before 1.22
        _ => (replicas, status.available_replicas.unwrap_or(0)),
    };
    let condition = |wire: api::Condition| {
        (wire.kind, wire.status == "True", wire.reason, without_credentials(wire.message))
    };
    Workload {
        meta,
        selector: spec.selector.match_labels,
        wanted,
        available,
        conditions: status.conditions.into_iter().map(condition).collect(),
        images: spec.template.spec.containers.iter().map(|container| container.image.clone()).collect(),
        args: spec
            .template
            .spec
            .containers
            .into_iter()
            .flat_map(|container| container.args)
            .filter(|argument| is_controller_flag(argument))
            .collect(),
    }
}

pub(super) fn pod(name: &str, meta: Meta, body: api::Body<api::PodSpec, api::PodStatus>) -> Pod {
    let api::Body { spec, status } = body;
    let scheduled = status.conditions.into_iter().find(|condition| condition.kind == "PodScheduled");
    let claim = |volume: api::Volume| match (volume.persistent_volume_claim, volume.ephemeral) {
        (Some(claim), _) => text(claim.claim_name),
        (None, Some(_)) => Some(format!("{name}-{}", volume.name)), // made for this Pod, under this name
        (None, None) => None,
    };
    let containers = status.init_container_statuses.into_iter().chain(status.container_statuses);
    Pod {
        meta,
        phase: status.phase,
        unschedulable: scheduled
            .filter(|condition| condition.status == "False")
            .map(|condition| condition.message),
        containers: containers.filter_map(trouble).collect(),
        claims: spec.volumes.into_iter().filter_map(claim).collect(),
        node_selector: spec.node_selector,
    }
}

/// A container that waits, has failed, or runs again after a failure without being ready yet.
fn trouble(wire: api::ContainerStatus) -> Option<ContainerTrouble> {
    let running = wire.state.waiting.is_none() && wire.state.terminated.is_none();
    let succeeded = wire.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
    let restarted = wire.last_state.terminated.is_some();
    if succeeded || (running && (wire.ready || !restarted)) {
        return None;
    }
    let terminated = wire.state.terminated.or(wire.last_state.terminated);
    let (waiting, message) = match wire.state.waiting {
        Some(waiting) => (text(waiting.reason), without_credentials(waiting.message)),
        None => (None, String::new()),
    };
    Some(ContainerTrouble {
        name: wire.name,
        image: wire.image,
        waiting,
        message: text(message)
            .or_else(|| terminated.as_ref().and_then(|end| text(without_credentials(end.message.clone()))))
            .unwrap_or_default(),
        exit_code: terminated.as_ref().map(|end| end.exit_code),
        terminated: terminated.and_then(|end| text(end.reason)),
        restarts: wire.restart_count,
    })
}

pub(super) fn namespace(meta: Meta, status: api::PhaseStatus) -> Namespace {
    let held_by = status.conditions.into_iter().filter(|condition| condition.status == "True");
    Namespace { meta, held_by: held_by.filter_map(|condition| text(condition.message)).collect() }
}

/// The kind that a CustomResourceDefinition defines, and the versions in which it is served.
pub(super) fn definition(spec: api::DefinitionSpec) -> (GroupKind, Vec<String>) {
    let mut served: Vec<_> =
        spec.versions.into_iter().filter(|version| version.served).map(|version| version.name).collect();
    if served.is_empty() {
        served.extend(text(spec.version)); // apiextensions.k8s.io/v1beta1
    }
    (GroupKind::new(spec.group, spec.names.kind), served)
}

/// The object that an Event is about, and the Event.
pub(super) fn event(wire: api::Event, annotations: &BTreeMap<String, String>) -> (ObjectKey, Event) {
    let about = if wire.regarding.kind.is_empty() { wire.involved_object } else { wire.regarding };
    let kind = GroupKind::from_api_version(&about.api_version, &about.kind);
    let flux = |name: &str| name.ends_with(".fluxcd.io/revision");
    let own = annotations.get(&format!("{}/revision", kind.group));
    let written = own.or_else(|| annotations.iter().find(|(name, _)| flux(name)).map(|(_, value)| value));
    let newest = |times: [Option<Timestamp>; 3]| times.into_iter().flatten().max();
    let first = wire.first_timestamp.or(wire.deprecated_first_timestamp).or(wire.event_time);
    let last = newest([wire.series.last_observed_time, wire.last_timestamp, wire.deprecated_last_timestamp]);
    let event = Event {
        warning: wire.kind == "Warning",
        reason: wire.reason,
        message: without_credentials(text(wire.message).unwrap_or(wire.note)),
        first: first.or(last),
        last: last.or(first),
        revision: written.cloned().and_then(revision),
    };
    (ObjectKey::new(kind, about.namespace, about.name), event)
}
