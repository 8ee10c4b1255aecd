//! What a dump proves not to exist.

use std::fs;

use kubectl_fluxlayers::model::{At, GroupKind, Presence, Snapshot};
use kubectl_fluxlayers::repo::read_repository;
use serde_json::{Value, json};

use crate::support::{api, key, ks, manifest, stdin, warnings};

fn covered(snapshot: &Snapshot, namespace: &str) -> bool {
    snapshot.presence(&ks(namespace, "absent")) == Presence::Absent
}

#[test]
fn absence_is_proven_only_by_what_was_listed_whole() {
    let list = |kind: &str, metadata: Value, items: Vec<Value>| {
        let api_version = if kind == "List" { "v1" } else { "kustomize.toolkit.fluxcd.io/v1" };
        json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "items": items})
    };
    let (a, b) = (manifest("a", "one"), manifest("b", "one"));
    let bare = json!({"metadata": {"name": "one", "namespace": "a"}});
    for (name, document, covers) in [
        ("one object covers its namespace", a.clone(), (true, false)),
        ("so does a v1 List", list("List", json!({}), vec![a.clone()]), (true, false)),
        ("an empty v1 List covers nothing", list("List", json!({}), vec![]), (false, false)),
        (
            "a typed list covers all",
            list("KustomizationList", json!({}), vec![a.clone(), b.clone()]),
            (true, true),
        ),
        ("an empty one, too", list("KustomizationList", json!({"continue": ""}), vec![]), (true, true)),
        (
            "one of a single namespace may be no more",
            list("KustomizationList", json!({}), vec![a.clone()]),
            (true, false),
        ),
        ("items may lack their kind", list("KustomizationList", json!({}), vec![bare]), (true, false)),
        (
            "a page covers nothing",
            list("KustomizationList", json!({"continue": "x"}), vec![a.clone(), b]),
            (false, false),
        ),
    ] {
        let snapshot = stdin(document.to_string()).unwrap();
        assert_eq!((covered(&snapshot, "a"), covered(&snapshot, "other")), covers, "{name}");
        assert_eq!(
            snapshot.nodes.contains_key(&ks("a", "one")),
            document.to_string().contains("one"),
            "{name}"
        );
    }
}

#[test]
fn a_page_says_so_and_the_last_page_does_not_pretend_to_be_all() {
    let page = api(&["blocked/page1-kustomizations"]);
    assert_eq!((page.complete, page.nodes.len()), (false, 3));
    assert!(warnings(&page)[0].starts_with("PartialList: "), "{:?}", page.warnings);
    assert!(!covered(&page, "apps") && !covered(&page, "flux-system"));
    let pages = |last_version: &str| {
        let page = |version: &str, token: &str, namespace: &str| {
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "KustomizationList",
                "metadata": {"resourceVersion": version, "continue": token},
                "items": [manifest(namespace, "x"), manifest(namespace, "y"), manifest("z", "z")],
            })
        };
        stdin(format!("{}\n{}", page("7", "next", "a"), page(last_version, "", "b"))).unwrap()
    };
    assert!(!covered(&pages("7"), "b") && !covered(&pages("7"), "c"));
    assert!(covered(&pages("8"), "b") && covered(&pages("8"), "c"));
}

#[test]
fn a_list_of_kustomizations_claims_nothing_about_sources() {
    let snapshot = api(&["blocked/list-kustomizations"]);
    assert_eq!(snapshot.nodes.len(), 35);
    assert!(covered(&snapshot, "anywhere"));
    let source = key(GroupKind::GIT_REPOSITORY, "flux-system", "flux-system");
    assert_eq!(snapshot.presence(&source), Presence::Hidden);
    let with_sources =
        api(&["blocked/list-kustomizations", "blocked/list-gitrepositories", "blocked/list-buckets"]);
    assert_eq!(with_sources.presence(&source), Presence::There);
    assert_eq!(with_sources.presence(&key(GroupKind::BUCKET, "any", "any")), Presence::Absent);
    assert_eq!((warnings(&with_sources), with_sources.complete), (vec![], true));
}

#[test]
fn what_could_not_be_read_is_not_missing() {
    let mut odd = manifest("a", "odd");
    odd["spec"] = json!({"interval": 10});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [manifest("a", "fine"), odd]});
    let snapshot = stdin(list.to_string()).unwrap();
    assert_eq!(snapshot.presence(&ks("a", "odd")), Presence::There);
    assert!(!snapshot.complete);
    assert_eq!(
        warnings(&snapshot),
        ["InputBroken: stdin: Kustomization/a/odd: spec.interval: a number where text is due"]
    );
    assert_eq!(snapshot.warnings[0].object, Some(ks("a", "odd")));
    // a document that is broken altogether may have been any object
    let snapshot = stdin(format!("{}\n---\na: [\n", manifest("a", "fine"))).unwrap();
    assert_eq!(snapshot.presence(&ks("a", "other")), Presence::Hidden);
}

#[test]
fn what_could_not_be_decoded_keeps_its_place_and_its_metadata() {
    let odd = |api_version: &str, kind: &str, field: &str, value: Value| {
        let metadata = json!({"name": "odd", "namespace": "a", "labels": {"team": "x"}});
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {}});
        *object.pointer_mut(field).unwrap() = value;
        object
    };
    for (kind, api_version) in [
        (GroupKind::KUSTOMIZATION, "kustomize.toolkit.fluxcd.io/v1"),
        (GroupKind::HELM_RELEASE, "helm.toolkit.fluxcd.io/v2"),
        (GroupKind::RESOURCE_SET, "fluxcd.controlplane.io/v1"),
    ] {
        let key = key(kind.clone(), "a", "odd");
        let snapshot = stdin(odd(api_version, &kind.kind, "/spec", json!("no")).to_string()).unwrap();
        let node = &snapshot.nodes[&key];
        assert!(node.unreadable && node.live && node.depends_on.is_empty(), "{key}");
        assert_eq!(node.meta.labels["team"], "x");
        assert_eq!((snapshot.complete, snapshot.warnings.len()), (false, 1), "{key}");
        let labels = odd(api_version, &kind.kind, "/metadata/labels", json!("no"));
        let snapshot = stdin(labels.to_string()).unwrap();
        assert!(snapshot.nodes[&key].unreadable && !snapshot.complete, "{key}");
    }
    let source = odd("source.toolkit.fluxcd.io/v1", "GitRepository", "/spec", json!("no"));
    let snapshot = stdin(source.to_string()).unwrap();
    let key = key(GroupKind::GIT_REPOSITORY, "a", "odd");
    assert_eq!((snapshot.presence(&key), snapshot.complete), (Presence::There, false));

    let folder = tempfile::tempdir().unwrap();
    let declared = odd("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "/spec", json!("no"));
    fs::write(folder.path().join("x.yaml"), format!("# why\n{declared}")).unwrap();
    let snapshot = read_repository(folder.path(), None).unwrap();
    let node = &snapshot.nodes[&ks("a", "odd")];
    assert_eq!((node.unreadable, node.live), (true, false));
    assert_eq!(node.declared_at, Some(At { path: "x.yaml".into(), line: 2 }));
}
