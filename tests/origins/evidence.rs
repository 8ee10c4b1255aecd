//! What a Pod, an Event, a namespace and metadata tell.

use kubectl_fluxlayers::model::{GroupKind, Presence, Revision};
use serde_json::{Value, json};

use crate::support::{api, key, ks, live, stdin, time};

#[test]
fn containers_in_trouble_are_told_from_those_that_run() {
    let status = |name: &str, rest: Value| {
        let mut status = json!({"name": name, "image": "example.com/x:1"});
        status.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        status
    };
    let killed = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "x"},
        "spec": {"volumes": [
            {"name": "a", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "b", "ephemeral": {}}, {"name": "c"},
        ]},
        "status": {"phase": "Running",
            "initContainerStatuses": [status("init", json!({"state": {"terminated": {"exitCode": 0}}}))],
            "containerStatuses": [
                status("fine", json!({"ready": true, "state": {"running": {}}, "lastState": killed})),
                status("starting", json!({"ready": false, "state": {"running": {}}})),
                status("pull", json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "m"}}})),
                status("loop", json!({
                    "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": killed,
                })),
                status("again", json!({"ready": false, "state": {"running": {}}, "lastState": killed})),
                status("done", json!({"state": {"terminated": {"exitCode": 2, "reason": "Error", "message": "e"}}})),
            ],
        },
    });
    let snapshot = stdin(pod.to_string()).unwrap();
    let pod = &snapshot.evidence.pods[&key(GroupKind::POD, "x", "p")];
    assert_eq!(pod.claims, ["data", "p-b"]);
    let troubles: Vec<_> = pod
        .containers
        .iter()
        .map(|container| {
            let reasons = (container.waiting.as_deref(), container.terminated.as_deref());
            (&container.name[..], reasons, container.exit_code, &container.message[..])
        })
        .collect();
    assert_eq!(
        troubles,
        [
            ("pull", (Some("ImagePullBackOff"), None), None, "m"),
            ("loop", (Some("CrashLoopBackOff"), Some("OOMKilled")), Some(137), ""),
            ("again", (None, Some("OOMKilled")), Some(137), ""),
            ("done", (None, Some("Error")), Some(2), "e"),
        ]
    );
}

#[test]
fn namespaces_definitions_and_the_installation_are_evidence() {
    let deletion = live("deletion");
    let held = &deletion.evidence.namespaces["deletion-held"];
    assert!(held.meta.deleted.is_some());
    assert_eq!(
        held.held_by,
        [
            "Some resources are remaining: configmaps. has 1 resource instances",
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
        ]
    );
    let snapshot = api(&["healthy/list-fluxinstances", "healthy/list-fluxreports", "healthy/list-namespaces"]);
    let flux = snapshot.evidence.flux.as_ref().unwrap();
    assert_eq!((flux.namespace.as_str(), flux.version.as_deref()), ("flux-system", Some("v2.9.0")));
    assert_eq!(snapshot.presence(&key(GroupKind::FLUX_INSTANCE, "flux-system", "flux")), Presence::There);
    assert_eq!(snapshot.presence(&key(GroupKind::NAMESPACE, "", "flux-system")), Presence::There);
    assert_eq!(snapshot.presence(&key(GroupKind::NAMESPACE, "", "nowhere")), Presence::Absent);
    let instance = api(&["healthy/list-fluxinstances"]);
    assert_eq!(instance.evidence.flux.unwrap().version.as_deref(), Some("v2.9.0"));

    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "xs.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "X"}, "versions": [
            {"name": "v1", "served": true}, {"name": "v1beta1", "served": false}, {"name": "v1alpha1", "served": true},
        ]},
    });
    let snapshot = stdin(definition.to_string()).unwrap();
    assert_eq!(snapshot.evidence.served[&GroupKind::new("example.com", "X")], ["v1", "v1alpha1"]);
}

#[test]
fn events_of_both_apis_are_the_same_events() {
    let core = api(&["blocked/list-events"]);
    let other = api(&["blocked/list-events-v1"]);
    assert_eq!(core.evidence.events, other.evidence.events);
    let both =
        api(&["blocked/list-events", "blocked/list-events-v1", "blocked/list-events-ks-external-secrets"]);
    assert_eq!(core.evidence.events, both.evidence.events);
    let events = &core.evidence.events[&key(GroupKind::GIT_REPOSITORY, "apps", "tenants")];
    assert_eq!(events.len(), 1);
    assert!(events[0].warning && events[0].message.ends_with("HTTP Basic: Access denied."));
    assert_eq!(events[0].first, Some(time("2026-11-24T05:54:54Z")));
    assert_eq!(events[0].last, Some(time("2026-11-24T06:18:54Z")));
    assert_eq!(events[0].revision, Some(Revision("main@sha1:c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc".into())));
}

#[test]
fn events_stand_oldest_first_whatever_their_times_are_called() {
    let about = json!({"apiVersion": "v1", "kind": "Pod", "namespace": "x", "name": "p"});
    let event = |name: &str, rest: Value| {
        let mut event = json!({"apiVersion": "v1", "kind": "Event", "reason": name});
        event["metadata"] = json!({"name": name, "namespace": "x"});
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        event
    };
    let items = json!([
        event(
            "c",
            json!({"involvedObject": about, "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-03T00:00:00Z"})
        ),
        event(
            "a",
            json!({"involvedObject": about, "eventTime": "2026-01-01T00:00:00.000001Z", "lastTimestamp": null})
        ),
        event(
            "b",
            json!({"apiVersion": "events.k8s.io/v1", "regarding": about, "eventTime": "2026-01-01T00:00:00Z",
            "series": {"lastObservedTime": "2026-01-02T00:00:00Z"}, "note": "seen"})
        ),
    ]);
    let snapshot = stdin(json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()).unwrap();
    let events = &snapshot.evidence.events[&key(GroupKind::POD, "x", "p")];
    assert_eq!(events.iter().map(|event| &event.reason[..]).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(events[1].message, "seen");
    assert_eq!(snapshot.now, time("2026-01-03T00:00:00Z"));
}

#[test]
fn metadata_keeps_the_newest_edit_and_the_owner() {
    let snapshot = api(&["blocked/list-kustomizations"]);
    let node = &snapshot.nodes[&ks("apps", "cycle-x")];
    assert_eq!(node.meta.edited, Some(time("2026-11-24T06:19:56Z")));
    assert_eq!(
        (node.meta.generation, &node.meta.finalizers[..]),
        (1, &["finalizers.fluxcd.io".to_owned()][..])
    );
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "a", "namespace": "x", "managedFields": [
            {"time": "2026-01-01T00:00:00Z"}, {"time": "2026-01-02T00:00:00Z"},
            {"time": "2026-01-03T00:00:00Z", "subresource": "status"},
        ]},
    });
    let snapshot = stdin(object.to_string()).unwrap();
    assert_eq!(snapshot.nodes[&ks("x", "a")].meta.edited, Some(time("2026-01-02T00:00:00Z")));
    assert_eq!(snapshot.now, time("2026-01-03T00:00:00Z"));
}
