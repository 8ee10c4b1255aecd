//! What `snapshot` writes reads as what it was written from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests may; helpers are no test functions to clippy
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests read and write files")]

use std::path::{Path, PathBuf};

use kubectl_fluxlayers::demo;
use kubectl_fluxlayers::model::{GroupKind, ObjectKey, Presence, Snapshot};
use kubectl_fluxlayers::render::dump::{write_json, write_yaml};
use kubectl_fluxlayers::repo::{keep_dump, read_dump};
use kubectl_fluxlayers::wire::{Kept, Stated};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

fn scenes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live");
    let mut scenes = Vec::new();
    for folder in [folder.clone(), folder.join("flux-2.7")] {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        scenes.extend(files.filter(|path| path.to_string_lossy().ends_with(".json.gz")));
    }
    scenes.sort();
    assert!(scenes.len() > 20);
    scenes
}

/// What is read of both forms of the file that is written of this.
fn written_and_read(kept: &Kept) -> [Snapshot; 2] {
    let folder = TempDir::new().unwrap();
    let stated = Stated::of(&kept.snapshot);
    let [mut yaml, mut json] = [Vec::new(), Vec::new()];
    write_yaml(&mut yaml, kept.snapshot.now, &stated, &kept.documents).unwrap();
    write_json(&mut json, kept.snapshot.now, &stated, &kept.documents).unwrap();
    [yaml, json].map(|text| {
        let path = folder.path().join("snapshot");
        std::fs::write(&path, text).unwrap();
        let read = read_dump(&[path], std::io::empty(), None).unwrap();
        Snapshot { label: kept.snapshot.label.clone(), ..read }
    })
}

fn assert_reads_the_same(kept: &Kept, what: &str) {
    for (read, form) in written_and_read(kept).into_iter().zip(["YAML", "JSON"]) {
        // the parts first: of the whole one sees too much
        assert_eq!(read.warnings, kept.snapshot.warnings, "{what} as {form}");
        assert_eq!(read.coverage, kept.snapshot.coverage, "{what} as {form}");
        assert_eq!(read.nodes, kept.snapshot.nodes, "{what} as {form}");
        assert_eq!(read.sources, kept.snapshot.sources, "{what} as {form}");
        assert_eq!(read.evidence, kept.snapshot.evidence, "{what} as {form}");
        assert_eq!(read, kept.snapshot, "{what} as {form}");
    }
}

/// A dump that holds these objects.
fn dump(objects: &[Value]) -> Kept {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dump.json");
    std::fs::write(&path, json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()).unwrap();
    keep_dump(&[path], std::io::empty(), None).unwrap()
}

fn kustomization(name: &str, spec: Value, status: Value) -> Value {
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1}, "spec": spec, "status": status})
}

#[test]
fn every_scene_reads_the_same_from_its_snapshot() {
    for scene in scenes() {
        let name = scene.display().to_string();
        let kept = keep_dump(std::slice::from_ref(&scene), std::io::empty(), None).unwrap();
        let plain = read_dump(&[scene], std::io::empty(), None).unwrap();
        assert_eq!(plain, kept.snapshot, "{name}: keeping documents changes nothing");
        assert_reads_the_same(&kept, &name);
    }
    assert_reads_the_same(&demo::kept().unwrap(), "demo");
}

#[test]
fn a_snapshot_of_a_snapshot_is_the_same_bytes() {
    let text = |kept: &Kept| {
        let mut text = Vec::new();
        write_yaml(&mut text, kept.snapshot.now, &Stated::of(&kept.snapshot), &kept.documents).unwrap();
        text
    };
    let folder = TempDir::new().unwrap();
    for scene in scenes() {
        let kept = keep_dump(&[scene], std::io::empty(), None).unwrap();
        let path = folder.path().join("snapshot.yaml");
        std::fs::write(&path, text(&kept)).unwrap();
        let mut again = keep_dump(&[path], std::io::empty(), None).unwrap();
        again.snapshot.label = kept.snapshot.label.clone();
        assert_eq!(String::from_utf8(text(&again)), String::from_utf8(text(&kept)));
    }
}

#[test]
fn what_could_not_be_read_stays_so_and_is_told_in_the_same_words() {
    let kept = dump(&[
        kustomization("fine", json!({"interval": "10m"}), json!({})),
        kustomization("odd", json!({"interval": 10}), json!({})),
        kustomization(
            "ids",
            json!({}),
            json!({"inventory": {"entries": [{"id": "x", "v": "v1"}, {"id": "a_b__Pod", "v": "v1"}]}}),
        ),
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket", "metadata": {"name": "b", "namespace": "a"}, "spec": 3}),
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "worse", "namespace": "flux-system", "labels": 3}}),
        // twice, of two clusters
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "twice", "namespace": "flux-system", "uid": "1", "annotations": {"a/b": "c"}}}),
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "twice", "namespace": "flux-system", "uid": "2"}, "spec": {"suspend": true}}),
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "a"}, "lastTimestamp": 3}),
    ]);
    let unreadable =
        |name: &str| kept.snapshot.nodes[&ObjectKey::kustomization("flux-system", name)].unreadable;
    assert_eq!(["fine", "odd", "ids", "worse", "twice"].map(unreadable), [false, true, false, true, true]);
    assert_eq!((kept.snapshot.complete, kept.snapshot.warnings.len()), (false, 6));
    assert_reads_the_same(&kept, "broken");
}

#[test]
fn every_kind_that_is_read_is_written() {
    let meta = json!({"name": "x", "namespace": "a", "generation": 3, "resourceVersion": "7", "uid": "u",
        "creationTimestamp": "2026-11-24T08:00:00Z", "deletionTimestamp": "2026-11-24T08:00:05Z", "finalizers": ["f"],
        "labels": {"app.kubernetes.io/part-of": "flux"},
        "annotations": {"fluxcd.controlplane.io/reconcile": "disabled", "helm.sh/resource-policy": "keep",
            "kustomize.toolkit.fluxcd.io/prune": "disabled", "fluxlayers/other": "x", "other": "x"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": true}],
        "managedFields": [{"subresource": "status", "time": "2026-11-24T08:00:00Z"}, {"time": "2026-11-24T07:00:00Z"}]});
    let conditions = json!([{"type": "Ready", "status": "False", "reason": "R", "message": "m", "observedGeneration": 0,
        "lastTransitionTime": "2026-11-24T08:00:00.123456Z"}]);
    let spec = json!({"prune": true, "deletionPolicy": "Orphan", "wait": true, "kubeConfig": {"secretRef": {"name": "k"}},
        "dependsOn": [{"name": "d", "readyExpr": "true"}, {"apiVersion": "v1", "kind": "Pod", "name": "p", "ready": true}],
        "decryption": {"provider": "sops", "secretRef": {"name": "s"}}, "sourceRef": {"kind": "Bucket", "name": "b"},
        "healthChecks": [{"kind": "Deployment", "name": "w", "namespace": "a"}], "replicas": 0, "completions": 0,
        "healthCheckExprs": [{"apiVersion": "g/v1", "kind": "K"}], "url": "oci://x", "type": "oci",
        "valuesFrom": [{"kind": "Secret", "name": "v", "optional": true}], "include": [{"repository": {"name": "i"}}],
        "chart": {"spec": {"chart": "c", "version": "1.x", "sourceRef": {"kind": "HelmRepository", "name": "h"}}},
        "group": "g", "names": {"kind": "Thing"}, "versions": [{"name": "v1", "served": true}, {"name": "v2"}],
        "selector": {"matchLabels": {"a": "b"}}, "distribution": {"version": "2.8"},
        "template": {"spec": {"containers": [{"image": "i:1", "args": ["--concurrent=4", "--other"]}, {"image": "j"}]}},
        "volumes": [{"name": "v", "ephemeral": {}}, {"name": "w", "persistentVolumeClaim": {"claimName": "c"}}]});
    let status = json!({"conditions": conditions, "observedGeneration": 0, "phase": "Pending", "availableReplicas": 0,
        "inventory": {"entries": []}, "history": [{"status": "deployed", "chartVersion": "1.0.0"}],
        "artifact": {"revision": "r", "url": "u"}, "lastAppliedRevision": "2.8@x",
        "containerStatuses": [{"name": "c", "image": "i", "restartCount": 2, "state": {"waiting": {"reason": "W"}},
            "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 0, "message": "m"}}}]});
    let mut objects: Vec<Value> = [
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ("fluxcd.controlplane.io/v1", "ResourceSet"),
        ("fluxcd.controlplane.io/v1", "FluxInstance"),
        ("fluxcd.controlplane.io/v1", "FluxReport"),
        ("fluxcd.controlplane.io/v1", "ResourceSetInputProvider"),
        ("source.toolkit.fluxcd.io/v1", "GitRepository"),
        ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
        ("source.toolkit.fluxcd.io/v1", "HelmChart"),
        ("source.extensions.fluxcd.io/v1beta1", "ArtifactGenerator"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("v1", "Pod"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Namespace"),
        ("v1", "ServiceAccount"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("example.com/v1", "Thing"),
    ]
    .into_iter()
    .map(|(version, kind)| json!({"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec, "status": status}))
    .collect();
    let agekey = "# only a comment\nAGE-SECRET-KEY-1VWXXCWPWSL7WCN0PKZ50Z993KWKKMU2XNCNKLZ5J8T7X4VDW8L9S0RCL6A\nAGE-PLUGIN-X\n";
    objects.extend([
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"a.agekey": agekey}, "data": {"b": "eA=="}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "y", "namespace": "a"}, "data": {"a.agekey": "Iw=="}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "x"}, "binaryData": {"b": "eA=="}}),
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "a", "annotations":
                {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:aa"}}, "type": "Warning", "reason": "R", "message": "m",
            "involvedObject": {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "name": "x", "namespace": "a"},
            "firstTimestamp": "2026-11-24T08:00:00Z", "series": {"lastObservedTime": "2026-11-24T08:01:00Z"}}),
        json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "f", "namespace": "a"}, "note": "n",
            "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "x", "namespace": "a"}, "eventTime": "2026-11-24T08:00:00.5Z"}),
    ]);
    let kept = dump(&objects);
    assert_eq!(kept.documents.len(), objects.len());
    assert_eq!(kept.snapshot.warnings, []);
    assert_reads_the_same(&kept, "every kind");
}

#[test]
fn what_was_not_covered_is_not_covered_by_what_is_there() {
    let mut kept = dump(&[kustomization("a", json!({}), json!({}))]);
    kept.snapshot.coverage = Default::default();
    kept.snapshot.coverage.cover(GroupKind::HELM_RELEASE, "apps");
    kept.snapshot.coverage.cover_everywhere(GroupKind::BUCKET);
    for read in written_and_read(&kept) {
        let presence = |kind, namespace: &str| read.presence(&ObjectKey::new(kind, namespace, "gone"));
        assert_eq!(presence(GroupKind::KUSTOMIZATION, "flux-system"), Presence::Hidden);
        assert_eq!(presence(GroupKind::HELM_RELEASE, "apps"), Presence::Absent);
        assert_eq!(presence(GroupKind::HELM_RELEASE, "other"), Presence::Hidden);
        assert_eq!(presence(GroupKind::BUCKET, "anywhere"), Presence::Absent);
    }
}

#[test]
fn a_snapshot_that_was_cut_off_proves_no_absence() {
    let mut kept = dump(&[kustomization("a", json!({}), json!({})), kustomization("b", json!({}), json!({}))]);
    kept.snapshot.coverage.cover_everywhere(GroupKind::KUSTOMIZATION);
    let mut text = Vec::new();
    write_json(&mut text, kept.snapshot.now, &Stated::of(&kept.snapshot), &kept.documents).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cut.json");
    let other = folder.path().join("other.json");
    std::fs::write(&path, &text[..text.len() - 40]).unwrap();
    std::fs::write(&other, kustomization("c", json!({}), json!({})).to_string()).unwrap();
    let read = read_dump(&[path, other], std::io::empty(), None).unwrap();
    let gone = ObjectKey::kustomization("flux-system", "gone");
    assert_eq!((read.presence(&gone), read.complete), (Presence::Hidden, false));
}

#[test]
fn what_a_later_version_says_of_itself_is_read_as_far_as_it_goes() {
    let read = |fluxlayers: Value| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("later.json");
        let list = json!({"apiVersion": "v1", "kind": "List", "fluxlayers": fluxlayers,
            "items": [kustomization("a", json!({}), json!({}))]});
        std::fs::write(&path, list.to_string()).unwrap();
        read_dump(&[path], std::io::empty(), None).unwrap()
    };
    let later = read(json!({"complete": true, "more": 1, "warnings": [{"code": "New", "text": "words"}]}));
    assert_eq!(
        (later.complete, later.warnings[0].code, later.warnings[0].text.as_str()),
        (true, "NotCovered", "words")
    );
    let broken = read(json!({"covers": "all"}));
    assert_eq!((broken.complete, broken.nodes.len()), (false, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn words_of_any_kind_survive(
        message in proptest::collection::vec(prop_oneof![
            any::<char>().prop_map(String::from),
            proptest::sample::select(vec![": ", "# ", "- ", "\n", " \n", "\t", "'", "\"", "\u{202e}", "\u{e0001}", "\u{1b}[31m", "|", "---", "~", "1e3"])
                .prop_map(str::to_owned),
        ], 0..12),
        name in "[a-z]{1,3}",
    ) {
        let conditions = json!([{"type": "Ready", "status": "False", "reason": "x", "message": message.concat()}]);
        let kept = dump(&[kustomization(&name, json!({"path": message.concat()}), json!({"conditions": conditions}))]);
        assert_reads_the_same(&kept, "words");
    }
}
