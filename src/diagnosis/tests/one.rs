//! One fault is one cause, whoever is hit and however it shows.

use super::said;
use crate::diagnosis::{Cause, Code, Diagnosis, diagnose};
use crate::model::{
    Build, Built, ConditionStatus, Decryption, GroupKind, Joined, NoHistory, Node, ObjectKey, Pod, Snapshot,
    Source, Spec, SubstituteRef, Workload,
};
use crate::testing::{condition, hr, key, ks, minutes_ago, snapshot, source, source_key};

fn only(diagnosis: &Diagnosis) -> &Cause {
    let [cause] = diagnosis.causes.as_slice() else {
        panic!("{:#?}", diagnosis.causes.iter().map(|cause| &cause.fault.summary).collect::<Vec<_>>())
    };
    cause
}

fn affected(cause: &Cause) -> Vec<&str> {
    cause.affected.iter().map(|key| key.name.as_str()).collect()
}

fn secret() -> ObjectKey {
    ObjectKey::new(GroupKind::SECRET, "flux-system", "login")
}

/// A source whose Secret is missing, without an artifact so far.
fn lacking(name: &str) -> Source {
    let words = "failed to get secret 'flux-system/login': secrets \"login\" not found";
    let mut failing = source();
    failing.key = ObjectKey::new(GroupKind::GIT_REPOSITORY, "flux-system", name);
    failing.secret = Some("login".to_owned());
    failing.artifact = None;
    failing.conditions.0 = vec![condition("Ready", ConditionStatus::False, "AuthenticationFailed", words)];
    failing
}

fn of(name: &str, source: &str) -> Node {
    let mut node = ks(name).never().failing("ArtifactFailed", "Source artifact not found, retrying in 30s");
    node.source = Some(ObjectKey::new(GroupKind::GIT_REPOSITORY, "flux-system", source));
    node
}

fn world(nodes: impl IntoIterator<Item = Node>, sources: &[&str]) -> Snapshot {
    let mut flux = snapshot(nodes);
    flux.sources.extend(sources.iter().map(|name| (lacking(name).key, lacking(name))));
    flux
}

#[test]
fn a_source_that_lacks_its_secret_is_itself_the_object() {
    let diagnosis = diagnose(&world([of("a", "one"), of("b", "one")], &["one"]));
    let cause = only(&diagnosis);
    assert_eq!((cause.fault.object.name.as_str(), cause.fault.subcode), ("one", Some("SecretNotFound")));
    assert_eq!(affected(cause), ["a", "b"]);
}

#[test]
fn a_secret_that_two_sources_lack_is_one_cause_with_the_users_of_both() {
    let diagnosis = diagnose(&world([of("a", "one"), of("b", "two")], &["one", "two"]));
    let cause = only(&diagnosis);
    assert_eq!((&cause.fault.object, cause.fault.code), (&secret(), Code::SourceNotReady));
    assert_eq!((affected(cause), cause.blocks), (vec!["a", "b"], 2));
    assert_eq!(diagnosis.objects[&key("a")].blocked_by, [secret()]);
    assert!(cause.since.is_some(), "since the sources fail");
    let commands: Vec<_> = cause.fault.remedies.iter().filter_map(|remedy| remedy.command.as_deref()).collect();
    assert_eq!(commands, ["for name in one two; do flux reconcile source git $name -n flux-system; done"]);
}

#[test]
fn whatever_uses_a_missing_secret_is_hit_by_one_cause() {
    let mut sealed = ks("sealed").failing("BuildFailed", "secrets \"login\" not found");
    if let Spec::Kustomization(spec) = &mut sealed.spec {
        let (provider, secret) = ("sops".to_owned(), Some("login".to_owned()));
        spec.decryption = Some(Decryption { provider, secret, service_account: None });
    }
    let words = "post build failed for 'app': failed to resolve substitute from 'Secret/login' error: secrets \"login\" not \
                 found";
    let words = words.replace("failed to resolve substitute from", "substitute from");
    let mut filled = ks("filled").failing("BuildFailed", &words);
    if let Spec::Kustomization(spec) = &mut filled.spec {
        spec.substitute_from = vec![SubstituteRef { key: secret(), optional: false }];
    }
    let values = "could not resolve Secret chart values reference 'flux-system/login' with key 'values.yaml': secrets \"login\" \
                  not found";
    let release = hr("release").failing("ValuesError", values);
    let diagnosis = diagnose(&world([of("a", "one"), sealed, filled, release], &["one"]));
    let cause = only(&diagnosis);
    assert_eq!(cause.fault.object, secret());
    assert_eq!(affected(cause), ["release", "a", "filled", "sealed"]);
}

/// A Kustomization of which a tree at hand makes these, none of which is on the cluster.
fn declaring(children: &[&str]) -> Snapshot {
    let mut flux = snapshot([ks("parent")]);
    let tree = Joined {
        dir: None,
        hand: Default::default(),
        fetched: None,
        history: Err(NoHistory { why: "no git".to_owned(), command: None }),
    };
    flux.declared.trees.insert(source_key(), tree);
    let mut build = Build { source: Some(source_key()), exists: true, ..Build::default() };
    for name in children {
        let at = crate::model::At { path: format!("{name}.yaml"), line: 1 };
        build.objects.insert(key(name), Built { at, partial: false, left_alone: false, unguarded: false });
        flux.declared.builders.insert(key(name), key("parent"));
        flux.nodes.insert(key(name), Node { live: false, ..ks(name).never() });
    }
    flux.declared.builds.insert(key("parent"), build);
    flux
}

#[test]
fn children_that_one_ready_parent_did_not_apply_are_one_cause() {
    let diagnosis = diagnose(&declaring(&["a"]));
    assert_eq!(only(&diagnosis).fault.object, key("a"));
    let diagnosis = diagnose(&declaring(&["a", "b", "c"]));
    let cause = only(&diagnosis);
    assert_eq!((&cause.fault.object, cause.fault.code), (&key("parent"), Code::NotApplied));
    assert_eq!(affected(cause), ["a", "b", "c"]);
    let commands: Vec<_> = cause.fault.remedies.iter().filter_map(|remedy| remedy.command.as_deref()).collect();
    assert_eq!(commands, ["flux reconcile kustomization parent -n flux-system --with-source"]);
}

/// Not run for much longer than its interval.
fn forgotten(name: &str) -> Node {
    let mut node = ks(name).ran("ReconciliationSucceeded", 60);
    node.status.conditions.0[0].since = Some(minutes_ago(60));
    node
}

#[test]
fn what_waits_for_a_silent_controller_is_one_cause() {
    let mut edited = ks("edited").edited();
    edited.meta.edited = Some(minutes_ago(20));
    let diagnosis = said([forgotten("a"), forgotten("b"), edited]);
    let cause = only(&diagnosis);
    assert_eq!((cause.fault.code, cause.fault.subcode), (Code::ControllerNotRunning, Some("Silent")));
    assert_eq!(cause.fault.object.to_string(), "Deployment/flux-system/kustomize-controller");
    assert_eq!(affected(cause), ["a", "b", "edited"]);
    let seen: Vec<&str> = cause.fault.evidence.iter().map(|quote| quote.text.as_str()).collect();
    assert!(seen.iter().any(|text| text.contains("out of sight")), "{seen:?}");
    assert_eq!(cause.fault.evidence[0].time, Some(minutes_ago(60)));
}

#[test]
fn a_controller_that_has_done_something_since_is_not_silent() {
    let mut other = ks("other");
    other.status.conditions.0[0].since = Some(minutes_ago(5));
    let diagnosis = said([forgotten("a"), forgotten("b"), other]);
    let codes: Vec<Code> = diagnosis.causes.iter().map(|cause| cause.fault.code).collect();
    assert_eq!(codes, [Code::Overdue, Code::Overdue]);
    let diagnosis = said([forgotten("a"), forgotten("b"), ks("held").running(1)]);
    assert_eq!(diagnosis.causes.len(), 2, "it may have all its workers held");
    let diagnosis = said([forgotten("a")]);
    assert_eq!(only(&diagnosis).fault.code, Code::Overdue, "one alone may have been forgotten");
}

#[test]
fn a_controller_without_a_pod_is_the_cause_of_what_is_overdue() {
    let mut flux = snapshot([forgotten("a"), forgotten("b")]);
    let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", "kustomize-controller");
    let down = ("Available".to_owned(), false, "MinimumReplicasUnavailable".to_owned(), String::new());
    let workload = Workload { wanted: 1, conditions: vec![down], ..Workload::default() };
    flux.evidence.workloads.insert(deployment, workload);
    let diagnosis = diagnose(&flux);
    assert_eq!(
        (only(&diagnosis).fault.code, only(&diagnosis).fault.subcode),
        (Code::ControllerNotRunning, None)
    );
    assert_eq!(affected(only(&diagnosis)), ["a", "b"]);
}

#[test]
fn one_missing_kubeconfig_is_one_cause_and_apart_from_credentials_of_that_name() {
    let remote = |name: &str| {
        let words = "secrets \"login\" not found: unable to read KubeConfig secret 'flux-system/login' error: secrets \"login\" not found";
        let mut node = ks(name).failing("ReconciliationFailed", words);
        node.remote = true;
        node.kube_config = Some(secret());
        node
    };
    let diagnosis = diagnose(&world([of("a", "one"), remote("edge")], &["one"]));
    let objects: Vec<&str> = diagnosis.causes.iter().map(|cause| cause.fault.object.name.as_str()).collect();
    assert_eq!(objects, ["one", "edge"]);
    let diagnosis = said([remote("east"), remote("west")]);
    assert_eq!(
        (&only(&diagnosis).fault.object, only(&diagnosis).fault.code),
        (&secret(), Code::ClusterUnreachable)
    );
}

#[test]
fn workloads_that_wait_for_the_same_nodes_are_one_cause() {
    let waiting = |name: &str| {
        let words = format!(
            "health check failed after 30s: timeout waiting for: [Deployment/apps/{name} status: 'InProgress']"
        );
        ks(name).failing("HealthCheckFailed", &words)
    };
    let mut flux = snapshot(["a", "b", "c"].map(waiting));
    let pod = |name: &str, pool: &str| {
        let words = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.";
        let mut pod =
            Pod { phase: "Pending".to_owned(), unschedulable: Some(words.to_owned()), ..Pod::default() };
        pod.meta.owner = Some(ObjectKey::new(GroupKind::REPLICA_SET, "apps", format!("{name}-5d4")));
        pod.node_selector.insert("pool".to_owned(), pool.to_owned());
        (ObjectKey::new(GroupKind::POD, "apps", format!("{name}-5d4-x")), pod)
    };
    flux.evidence.pods.extend([pod("a", "gpu"), pod("b", "gpu"), pod("c", "arm")]);
    let diagnosis = diagnose(&flux);
    let told: Vec<_> =
        diagnosis.causes.iter().map(|cause| (cause.fault.object.to_string(), affected(cause))).collect();
    assert_eq!(
        told,
        [("Node/pool=gpu".to_owned(), vec!["a", "b"]), ("Deployment/apps/c".to_owned(), vec!["c"])]
    );
}
