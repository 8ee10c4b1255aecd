//! What a health check waited for, down to the Pod, the claim or the scheduler.

use super::words::{Subject, after, between, list, sentence, subject};
use super::workload::trouble;
use super::{Failure, Lead, answer, apply, called, describe, fault, kubectl};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, InventoryEntry, ObjectKey, Presence};

/// `HealthCheckFailed`: one lead for each object that was not healthy.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    if failure.reason != "HealthCheckFailed" {
        return Vec::new();
    }
    let waits = waits(failure.message);
    if waits.is_empty() {
        return vec![unlisted(failure).into()];
    }
    let lead =
        |wait: &Wait<'_>| follow(failure, wait).unwrap_or_else(|key| unhealthy(failure, wait, key).into());
    waits.iter().map(lead).collect()
}

/// One entry of a controller's list, `<Kind/ns/name> status: '<S>'`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait<'a> {
    /// The object.
    pub object: Subject<'a>,
    /// Its kstatus: `InProgress`, `Failed`, `NotFound`, `Terminating`, `Unknown`.
    pub status: &'a str,
}

/// The list behind `timeout waiting for:` and `failed early due to stalled resources:`, or Helm's own words for the same,
/// `resource Deployment/ns/name not ready. status: InProgress, message: …`; empty where there is none.
///
/// Entries that the length limit of conditions cut off are left out. Names can hold colons, never spaces.
pub(super) fn waits(message: &str) -> Vec<Wait<'_>> {
    const STATUS: &str = " status: '";
    let marker =
        ["timeout waiting for: [", "due to stalled resources: ["].iter().find_map(|m| after(message, m));
    let mut rest = marker.unwrap_or_default();
    let mut found = Vec::new();
    while let Some((id, tail)) = rest.split_once(STATUS) {
        let Some((status, tail)) = tail.split_once('\'') else { break };
        let id = id.rsplit([',', ' ', '[']).next().unwrap_or(id);
        if let Some(object) = subject(id) {
            let wait = Wait { object, status };
            if !found.contains(&wait) {
                found.push(wait);
            }
        }
        rest = tail;
    }
    for sentence in message.split("resource ").skip(1) {
        let Some((id, tail)) = sentence.split_once(" not ready. status: ") else { continue };
        let status = tail.split([',', '\n']).next().unwrap_or_default().trim();
        if let Some(object) = subject(id) {
            let wait = Wait { object, status };
            if !found.contains(&wait) {
                found.push(wait);
            }
        }
    }
    found
}

/// Walks into a Flux object; gives back the key of everything else, and of what was found missing.
pub(super) fn follow(failure: &Failure<'_>, wait: &Wait<'_>) -> Result<Lead, ObjectKey> {
    let key = identify(failure, wait.object);
    let flux = key.kind.is_applier() || key.kind.is_source();
    let missing = wait.status == "NotFound" && failure.presence(&key) != Presence::There;
    if flux && !failure.node.remote && !missing { Ok(Lead::Walk(key)) } else { Err(key) }
}

/// The key of an object of which only the kind is told: its group is that of the inventory or of the health
/// checks, else that of an object in sight, else the usual one.
fn identify(failure: &Failure<'_>, object: Subject<'_>) -> ObjectKey {
    let fits = |key: &ObjectKey| {
        key.kind.kind == object.kind && key.namespace == object.namespace && key.name == object.name
    };
    let inventory = failure.node.status.inventory.iter().flatten().map(|entry: &InventoryEntry| &entry.key);
    let checks =
        failure.node.kustomization().into_iter().flat_map(|spec| &spec.health_checks).map(|check| &check.key);
    let others = failure.snapshot.evidence.others.keys().filter(|_| !failure.node.remote);
    inventory
        .chain(checks)
        .chain(others)
        .find(|key| fits(key))
        .cloned()
        .unwrap_or_else(|| guess(failure, object))
}

/// The key of an object by the usual group of its kind.
pub(super) fn guess(failure: &Failure<'_>, object: Subject<'_>) -> ObjectKey {
    let known = failure.snapshot.nodes.keys().chain(failure.snapshot.sources.keys());
    let seen =
        known.map(|key| &key.kind).find(|kind| kind.kind == object.kind).map(|kind| kind.group.to_string());
    let group = usual_group(object.kind).map(str::to_owned).or(seen).unwrap_or_default();
    ObjectKey::new(GroupKind::new(group, object.kind), object.namespace, object.name)
}

fn usual_group(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps",
        "Job" | "CronJob" => "batch",
        "HorizontalPodAutoscaler" => "autoscaling",
        "PodDisruptionBudget" => "policy",
        "Ingress" | "NetworkPolicy" | "IngressClass" => "networking.k8s.io",
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => "rbac.authorization.k8s.io",
        "StorageClass" => "storage.k8s.io",
        "CustomResourceDefinition" => "apiextensions.k8s.io",
        "APIService" => "apiregistration.k8s.io",
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => "admissionregistration.k8s.io",
        "Kustomization" => "kustomize.toolkit.fluxcd.io",
        "HelmRelease" => "helm.toolkit.fluxcd.io",
        "GitRepository" | "OCIRepository" | "Bucket" | "HelmRepository" | "HelmChart" | "ExternalArtifact" => {
            "source.toolkit.fluxcd.io"
        }
        "ArtifactGenerator" => "source.extensions.fluxcd.io",
        "ResourceSet" | "ResourceSetInputProvider" | "FluxInstance" => "fluxcd.controlplane.io",
        "Certificate" | "Issuer" | "ClusterIssuer" => "cert-manager.io",
        "ExternalSecret" | "SecretStore" | "ClusterSecretStore" => "external-secrets.io",
        "Gateway" | "GatewayClass" | "HTTPRoute" => "gateway.networking.k8s.io",
        "Pod"
        | "Service"
        | "ConfigMap"
        | "Secret"
        | "Namespace"
        | "PersistentVolumeClaim"
        | "PersistentVolume" => "",
        _ => return None,
    })
}

/// A fault for one unhealthy object of a Kustomization or ResourceSet.
fn unhealthy(failure: &Failure<'_>, wait: &Wait<'_>, key: ObjectKey) -> Fault {
    if wait.status == "Terminating"
        && let Some(meta) = failure.snapshot.evidence.others.get(&key).filter(|_| !failure.node.remote)
        && !meta.finalizers.is_empty()
    {
        let finalizers = list(&meta.finalizers);
        let summary = format!("{} is being deleted and held by {finalizers}", called(&key));
        let look = describe(&key);
        return fault(key, Code::DeletionStuck, None, summary)
            .seen(failure.said())
            .remedy("see why the owner of the finalizer does not let it go", look);
    }
    let by_expression = wait.status == "Failed" && checked_by_expression(failure, &key);
    let trouble = trouble(failure, &key);
    let (subcode, why) = match wait.status {
        "NotFound" => (Some("NotFound"), "does not exist".to_owned()),
        _ if by_expression => {
            (Some("ExpressionFailed"), "fails by an expression of healthCheckExprs".to_owned())
        }
        _ => (trouble.subcode, trouble.why.clone().unwrap_or_else(|| status_in_words(wait.status))),
    };
    let summary = format!("{} {why}{}", called(&key), failure.place());
    let mut found = fault(key.clone(), Code::HealthCheckFailed, subcode, summary).seen(failure.said());
    found.shared = trouble.nodes.filter(|_| subcode == Some("Unschedulable"));
    if subcode == Some("NotFound") {
        return found.remedy("take it out of healthChecks, or correct its name there", None);
    }
    if subcode == Some("ExpressionFailed") {
        found = found.remedy("mend what the expression looks at, or correct it in healthCheckExprs", None);
    }
    for quote in trouble.seen {
        found = found.seen(quote);
    }
    for remedy in trouble.remedies {
        found = found.remedy(remedy.text, remedy.command);
    }
    found.remedy("see its events", failure.there(describe(&key)))
}

fn status_in_words(status: &str) -> String {
    match status {
        "Failed" => "has failed".to_owned(),
        "Terminating" => "is being deleted".to_owned(),
        "Unknown" => "could not be looked at".to_owned(),
        _ => "did not become ready in time".to_owned(),
    }
}

fn checked_by_expression(failure: &Failure<'_>, key: &ObjectKey) -> bool {
    let exprs = failure.node.kustomization().into_iter().flat_map(|spec| &spec.health_check_exprs);
    exprs.into_iter().any(|expr| {
        expr.group == key.kind.group && expr.kind.as_deref().is_none_or(|kind| kind == key.kind.kind)
    })
}

/// A failed health check that lists no object.
fn unlisted(failure: &Failure<'_>) -> Fault {
    let key = failure.node.key.clone();
    let words = after(failure.message, "health check failed after ").and_then(|rest| after(rest, ": "));
    let words = words.unwrap_or(failure.message);
    // `resource Deployment.apps web is namespace scoped, but namespace is not set`
    if words.contains("is namespace scoped, but namespace is not set") {
        let what = between(words, "resource ", " is namespace scoped").unwrap_or("an object");
        let what = what.split_once(' ').map_or_else(
            || what.to_owned(),
            |(kind, name)| format!("{} {name}", kind.split('.').next().unwrap_or(kind)),
        );
        return fault(
            key,
            Code::HealthCheckFailed,
            Some("NamespaceMissing"),
            format!("healthChecks of {} name {what} without a namespace", called(&failure.node.key)),
        )
        .seen(failure.said())
        .remedy("set namespace in that entry of healthChecks, commit and push", None);
    }
    let answer = answer::parse(words);
    if answer::names_another_thing(&answer)
        && let Some(found) = apply::explain(failure, &answer)
    {
        return found;
    }
    let look = describe(&key);
    fault(key, Code::HealthCheckFailed, None, format!("The health check failed: {}", sentence(words)))
        .seen(failure.said())
        .remedy("see what it applied and waits for", look)
}

/// `kubectl describe` of what hinders an object most, for families that show it with their own code.
pub(super) fn look_at(failure: &Failure<'_>, key: &ObjectKey) -> Option<String> {
    failure.there(kubectl("describe", key))
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::super::{Failure, leads};
    use super::*;
    use crate::model::{
        ContainerTrouble, Event, HealthCheckExpr, KustomizationSpec, Meta, Pod, Snapshot, Spec, Workload,
    };
    use proptest::prelude::*;

    const WEB: &str = "health check failed after 30.004834913s: timeout waiting for: [Deployment/health/web status: 'InProgress']";

    fn web() -> ObjectKey {
        key(GroupKind::DEPLOYMENT, "health/web")
    }

    /// A cluster with Deployment `health/web` and one Pod of it.
    fn with_pod(pod_of_web: Pod) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.evidence.workloads.insert(web(), deployment("web"));
        snapshot.evidence.pods.insert(key(GroupKind::POD, "health/web-578864c549-b8nkw"), pod_of_web);
        snapshot
    }

    fn replica_set() -> Option<ObjectKey> {
        Some(key(GroupKind::REPLICA_SET, "health/web-578864c549"))
    }

    fn told(snapshot: &Snapshot) -> Fault {
        let node = ks("health/deploy").holding(&[web()]);
        only(leads(&Failure { node: &node, reason: "HealthCheckFailed", message: WEB, snapshot }))
    }

    fn container(waiting: &str, message: &str, terminated: &str) -> ContainerTrouble {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ContainerTrouble {
            name: "app".to_owned(),
            image: "registry.example.com/app:2".to_owned(),
            waiting: some(waiting),
            message: message.to_owned(),
            terminated: some(terminated),
            exit_code: some(terminated).map(|_| 137),
            restarts: 3,
        }
    }

    #[test]
    fn lists_are_read_whole() {
        let message = "health check failed after 30.006105475s: timeout waiting for: [Deployment/health/m0 status: \
                       'InProgress', ClusterRole/system:controller:x status: 'Unknown', Deployment/health/m2 status: 'NotFo";
        let found: Vec<String> =
            waits(message).iter().map(|wait| format!("{} {}", wait.object, wait.status)).collect();
        assert_eq!(found, ["Deployment health/m0 InProgress", "ClusterRole system:controller:x Unknown"]);
        assert_eq!(
            waits("failed early due to stalled resources: [ConfigMap/health/ok status: 'Failed']").len(),
            1
        );
        assert!(waits("timeout waiting for: []").is_empty());
    }

    #[test]
    fn every_listed_workload_is_a_fault_of_its_own() {
        let message = "health check failed after 30s: timeout waiting for: [Deployment/health/m0 status: 'InProgress', \
                       Deployment/health/m1 status: 'InProgress']";
        let found = alone(&ks("health/many"), "HealthCheckFailed", message);
        let objects: Vec<String> = found
            .iter()
            .map(|lead| match lead {
                Lead::Fault(fault) => fault.object.to_string(),
                Lead::Walk(key) => panic!("{key}"),
            })
            .collect();
        assert_eq!(objects, ["Deployment/health/m0", "Deployment/health/m1"]);
    }

    #[test]
    fn flux_objects_are_walked_into() {
        let message = "health check failed after 15.05183ms: failed early due to stalled resources: [HelmRelease/health/slow \
                       status: 'Failed', Kustomization/health/grandchild status: 'InProgress']";
        let expected = [
            Lead::Walk(ObjectKey::helm_release("health", "slow")),
            Lead::Walk(ObjectKey::kustomization("health", "grandchild")),
        ];
        assert_eq!(alone(&ks("health/release"), "HealthCheckFailed", message), expected);
        let remote = ks("health/release").on_remote_cluster();
        assert!(alone(&remote, "HealthCheckFailed", message).iter().all(|lead| matches!(lead, Lead::Fault(_))));
    }

    #[test]
    fn a_kind_of_the_same_name_in_another_group_is_no_flux_object() {
        let node =
            ks("a/b").holding(&[key(GroupKind::new("helm.cattle.io", "HelmChart"), "kube-system/traefik")]);
        let message = "timeout waiting for: [HelmChart/kube-system/traefik status: 'InProgress']";
        assert_eq!(only(alone(&node, "HealthCheckFailed", message)).object.kind.group, "helm.cattle.io");
    }

    #[test]
    fn without_pods_in_sight_the_workload_is_named_alone() {
        let fault = told(&Snapshot::default());
        assert_eq!(verdict(&fault), ("Deployment/health/web".into(), Code::HealthCheckFailed, None));
        insta::assert_snapshot!(fault.summary, @"Deployment health/web did not become ready in time");
    }

    #[test]
    fn helm_has_words_of_its_own_for_what_it_waited_for() {
        let message = "Helm install failed for release a/b with chart c@1: resource Deployment/a/b not ready. status: \
                       InProgress, message: Available: 0/2\nresource Job/a/c not ready. status: Failed, message: x\n\
                       context deadline exceeded";
        let found: Vec<(&str, &str)> =
            waits(message).iter().map(|wait| (wait.object.name, wait.status)).collect();
        assert_eq!(found, [("b", "InProgress"), ("c", "Failed")]);
    }

    #[test]
    fn the_scheduler_is_quoted() {
        let words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, \
                     preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        let mut pending = pod(replica_set());
        pending.unschedulable = Some(words.to_owned());
        let fault = told(&with_pod(pending));
        assert_eq!(fault.subcode, Some("Unschedulable"));
        insta::assert_snapshot!(fault.summary, @"Deployment health/web cannot be scheduled: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector");
        assert!(fault.evidence.iter().any(|quote| quote.text.contains("Preemption is not helpful")));
        assert_eq!(
            fault.remedies[0].command.as_deref(),
            Some("kubectl -n health describe pod web-578864c549-b8nkw")
        );
    }

    #[test]
    fn containers_tell_their_own_trouble() {
        let mut lines = String::new();
        for trouble in [
            container("ImagePullBackOff", "Back-off pulling image \"registry.example.com/app:2\"", ""),
            container("CrashLoopBackOff", "back-off 5m0s restarting failed container", "Error"),
            container("CrashLoopBackOff", "back-off 5m0s restarting failed container", "OOMKilled"),
            container("CreateContainerConfigError", "configmap \"settings\" not found", ""),
            container("", "", "Error"),
        ] {
            let mut broken = pod(replica_set());
            broken.containers.push(trouble);
            let fault = told(&with_pod(broken));
            let command = fault.remedies[0].command.clone().unwrap_or_default();
            lines.push_str(&format!("{}: {}\n  {command}\n", fault.subcode.unwrap_or("-"), fault.summary));
        }
        insta::assert_snapshot!(lines, @r#"
        ImagePull: Deployment health/web cannot pull image registry.example.com/app:2
          kubectl -n health describe pod web-578864c549-b8nkw
        CrashLoop: Deployment health/web crashes: container app ended with code 137 and was restarted 3 times
          kubectl -n health logs web-578864c549-b8nkw -c app --previous
        OomKilled: Deployment health/web runs out of memory: container app was killed for it, 3 restarts so far
          kubectl -n health describe pod web-578864c549-b8nkw
        -: Deployment health/web cannot start container app: configmap "settings" not found
          kubectl -n health describe pod web-578864c549-b8nkw
        CrashLoop: Deployment health/web crashes: container app ended with code 137
          kubectl -n health logs web-578864c549-b8nkw -c app --previous
        "#);
    }

    #[test]
    fn pods_are_found_by_owner_and_else_by_selector() {
        let unschedulable = |owner: Option<ObjectKey>, app: &str| {
            let mut pod = pod(owner);
            pod.unschedulable = Some("no nodes available to schedule pods".to_owned());
            pod.meta.labels.insert("app".to_owned(), app.to_owned());
            with_pod(pod)
        };
        assert_eq!(told(&unschedulable(None, "web")).subcode, Some("Unschedulable"));
        assert_eq!(told(&unschedulable(None, "other")).subcode, None);
        let of_another = Some(key(GroupKind::REPLICA_SET, "health/webretry-578864c549"));
        assert_eq!(told(&unschedulable(of_another, "web")).subcode, None);
    }

    #[test]
    fn a_pending_claim_beats_the_scheduler() {
        let mut waiting = pod(replica_set());
        waiting.unschedulable =
            Some("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims".to_owned());
        waiting.claims.push("data".to_owned());
        let mut snapshot = with_pod(waiting);
        let claim = key(GroupKind::PERSISTENT_VOLUME_CLAIM, "health/data");
        snapshot.evidence.claims.insert(claim.clone(), "Pending".to_owned());
        let fault = told(&snapshot);
        assert_eq!(fault.subcode, Some("ClaimPending"));
        insta::assert_snapshot!(fault.summary, @"Deployment health/web waits for PersistentVolumeClaim health/data, which is Pending");
        // bound only when the Pod is scheduled: what the scheduler misses is the cause
        let pods = snapshot.evidence.pods.values_mut();
        pods.for_each(|pod| pod.unschedulable = Some("0/3 nodes are available: 3 Insufficient cpu".to_owned()));
        assert_eq!(told(&snapshot).subcode, Some("ClaimPending"));
        let event = Event {
            warning: false,
            reason: "WaitForFirstConsumer".to_owned(),
            message: "waiting for first consumer to be created before binding".to_owned(),
            first: None,
            last: None,
            revision: None,
        };
        snapshot.evidence.events.insert(claim, vec![event]);
        assert_eq!(told(&snapshot).subcode, Some("Unschedulable"));
    }

    #[test]
    fn a_claim_by_itself() {
        let claim = key(GroupKind::PERSISTENT_VOLUME_CLAIM, "health/data");
        let node = ks("health/pvc").holding(std::slice::from_ref(&claim));
        let message = "health check failed after 30.034562998s: timeout waiting for: [PersistentVolumeClaim/health/data \
                       status: 'InProgress']";
        assert_eq!(only(alone(&node, "HealthCheckFailed", message)).subcode, None);
        let mut snapshot = Snapshot::default();
        snapshot.evidence.claims.insert(claim, "Pending".to_owned());
        let failure = Failure { node: &node, reason: "HealthCheckFailed", message, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(
            verdict(&fault),
            ("PersistentVolumeClaim/health/data".into(), Code::HealthCheckFailed, Some("ClaimPending"))
        );
    }

    #[test]
    fn conditions_of_workloads_speak_where_no_pod_does() {
        let mut snapshot = Snapshot::default();
        let mut stuck = deployment("web");
        let condition = |kind: &str, holds, reason: &str, message: &str| {
            (kind.to_owned(), holds, reason.to_owned(), message.to_owned())
        };
        stuck.conditions.push(condition(
            "Progressing",
            false,
            "ProgressDeadlineExceeded",
            "ReplicaSet \"stalled-5c47dc47c\" has timed out progressing.",
        ));
        snapshot.evidence.workloads.insert(web(), stuck);
        let fault = told(&snapshot);
        assert_eq!(fault.subcode, Some("ProgressDeadline"));
        insta::assert_snapshot!(fault.summary, @"Deployment health/web made no progress before its deadline: 0 of 1 replicas are available");
        let job = key(GroupKind::JOB, "health/migrate");
        let mut failed = Workload { wanted: 1, ..Workload::default() };
        failed.conditions.push(condition(
            "Failed",
            true,
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        ));
        snapshot.evidence.workloads.insert(job.clone(), failed);
        let mut ended = pod(Some(job.clone()));
        ended.containers.push(container("", "", "Error"));
        snapshot.evidence.pods.insert(key(GroupKind::POD, "health/migrate-x"), ended);
        let node = ks("health/job").holding(&[job]);
        let message = "failed early due to stalled resources: [Job/health/migrate status: 'Failed']";
        let failure = Failure { node: &node, reason: "HealthCheckFailed", message, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(fault.subcode, Some("JobFailed"));
        insta::assert_snapshot!(fault.summary, @"Job health/migrate has failed: Job has reached the specified backoff limit");
    }

    #[test]
    fn a_quota_that_lets_no_pod_in_is_named() {
        let words = "pods \"web-64564f568d-7v728\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, \
                     limited: pods=0";
        let mut empty = deployment("web");
        empty.conditions.push(("ReplicaFailure".to_owned(), true, "FailedCreate".to_owned(), words.to_owned()));
        let mut snapshot = Snapshot::default();
        snapshot.evidence.workloads.insert(web(), empty);
        let fault = told(&snapshot);
        assert!(fault.summary.contains("cannot create its Pods"), "{}", fault.summary);
        let look = fault.remedies[0].command.as_deref();
        assert_eq!(look, Some("kubectl -n health describe resourcequota small"));
    }

    #[test]
    fn what_does_not_exist_is_not_found() {
        let message = "health check failed after 30.019750573s: timeout waiting for: [Deployment/health/absent status: \
                       'NotFound']";
        let fault = only(alone(&ks("health/missinghc"), "HealthCheckFailed", message));
        assert_eq!(
            verdict(&fault),
            ("Deployment/health/absent".into(), Code::HealthCheckFailed, Some("NotFound"))
        );
        let message = "timeout waiting for: [HelmRelease/health/absent status: 'NotFound']";
        let fault = only(alone(&ks("health/missinghc"), "HealthCheckFailed", message));
        assert_eq!(fault.subcode, Some("NotFound"));
    }

    #[test]
    fn an_expression_that_says_failed_is_told() {
        let mut node = ks("health/hce");
        node.spec = Spec::Kustomization(KustomizationSpec {
            health_check_exprs: vec![HealthCheckExpr {
                group: String::new(),
                kind: Some("ConfigMap".to_owned()),
            }],
            ..KustomizationSpec::default()
        });
        let message = "health check failed after 45.598798ms: failed early due to stalled resources: [ConfigMap/health/ok status: 'Failed']";
        let fault = only(alone(&node, "HealthCheckFailed", message));
        assert_eq!(
            verdict(&fault),
            ("ConfigMap/health/ok".into(), Code::HealthCheckFailed, Some("ExpressionFailed"))
        );
    }

    #[test]
    fn a_check_without_namespace_is_a_fault_of_the_kustomization() {
        let message = "health check failed after 8.827107ms: resource Deployment.apps web is namespace scoped, but namespace is not set";
        let fault = only(alone(&ks("health/hcns"), "HealthCheckFailed", message));
        assert_eq!(
            verdict(&fault),
            ("Kustomization/health/hcns".into(), Code::HealthCheckFailed, Some("NamespaceMissing"))
        );
        insta::assert_snapshot!(fault.summary, @"healthChecks of Kustomization health/hcns name Deployment web without a namespace");
    }

    #[test]
    fn a_finalizer_that_holds_a_deletion_is_named() {
        let held = key(GroupKind::new("example.com", "Thing"), "x/y");
        let mut snapshot = Snapshot::default();
        let meta = Meta { finalizers: vec!["example.com/cleanup".to_owned()], ..Meta::default() };
        snapshot.evidence.others.insert(held, meta);
        let message = "timeout waiting for: [Thing/x/y status: 'Terminating']";
        let node = ks("a/b");
        let failure = Failure { node: &node, reason: "HealthCheckFailed", message, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(verdict(&fault), ("Thing/x/y".into(), Code::DeletionStuck, None));
        assert_eq!(only(alone(&node, "HealthCheckFailed", message)).code, Code::HealthCheckFailed);
    }

    #[test]
    fn nothing_is_looked_up_for_a_remote_cluster() {
        let mut pending = pod(replica_set());
        pending.unschedulable = Some("no nodes".to_owned());
        let snapshot = with_pod(pending);
        let node = ks("health/deploy").on_remote_cluster();
        let failure = Failure { node: &node, reason: "HealthCheckFailed", message: WEB, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(fault.subcode, None);
        assert!(fault.remedies.iter().all(|remedy| remedy.command.is_none()));
    }

    proptest! {
        #[test]
        fn lists_survive_a_round_trip(
            objects in proptest::collection::vec(("[A-Z][a-z]{1,8}", "[a-z0-9-]{1,9}", "[a-z0-9.:-]{1,12}", "[A-Z][a-z]{1,8}"), 1..6),
        ) {
            let entries: Vec<String> =
                objects.iter().map(|(kind, ns, name, status)| format!("{kind}/{ns}/{name} status: '{status}'")).collect();
            let message = format!("timeout waiting for: [{}]", entries.join(", "));
            let mut unique = entries.clone();
            unique.sort();
            unique.dedup();
            prop_assert_eq!(waits(&message).len(), unique.len());
        }
    }
}
