//! The same snapshot, in whatever order the documents come.

use kubectl_fluxlayers::model::Snapshot;
use kubectl_fluxlayers::repo::read_dump;
use kubectl_fluxlayers::wire::{Place, SnapshotBuilder};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{document, fixture, ks, live, manifest, stdin, time, warnings};

#[test]
fn the_newer_reading_of_an_object_counts_whatever_the_order() {
    let with = |version: &str, generation: i64, path: &str| {
        let mut object = manifest("a", "x");
        object["metadata"]["resourceVersion"] = version.into();
        object["metadata"]["generation"] = generation.into();
        object["spec"] = json!({"path": path});
        object
    };
    for (older, newer) in [
        (with("9", 5, "old"), with("10", 1, "new")), // deleted and made again
        (with("", 1, "old"), with("", 2, "new")),
    ] {
        for text in [format!("{older}{newer}"), format!("{newer}{older}")] {
            let snapshot = stdin(text).unwrap();
            assert_eq!(snapshot.nodes[&ks("a", "x")].kustomization().unwrap().path, "new");
            assert!(snapshot.warnings.is_empty());
        }
    }
}

#[test]
fn dumps_of_several_clusters_are_told_from_two_readings_of_one() {
    let with = |uid: &str, version: &str, path: &str| {
        let mut object = manifest("a", "x");
        object["metadata"]["uid"] = uid.into();
        object["metadata"]["resourceVersion"] = version.into();
        object["spec"] = json!({"path": path});
        object
    };
    let (one, other, bare) = (with("1", "10", "a"), with("2", "5", "b"), with("", "", "c"));
    for (name, objects, mixed) in [
        ("the same reading", vec![&one, &one], false),
        ("two readings of one object", vec![&one, &with("1", "11", "b")], false),
        ("two uids", vec![&one, &other], true),
        ("a reading without uid between them", vec![&one, &bare, &other], true),
        ("a reading without uid or version beside a better one", vec![&one, &bare], false),
        ("nothing tells which is newer", vec![&bare, &with("", "", "d")], true),
        ("something newer than both does", vec![&bare, &with("", "", "d"), &one], false),
    ] {
        let mut builder = SnapshotBuilder::new();
        for (index, object) in objects.into_iter().enumerate() {
            builder.add(object.clone(), Place::file(format!("{index}.json")));
        }
        let snapshot = builder.finish(String::new(), None);
        let codes: Vec<_> = snapshot.warnings.iter().map(|warning| warning.code).collect();
        let expected = if mixed { vec!["SeveralClusters"] } else { vec![] };
        assert_eq!((codes, snapshot.complete), (expected, !mixed), "{name}");
    }
    let snapshot = stdin(format!("{one}{other}")).unwrap();
    assert_eq!(
        warnings(&snapshot),
        ["SeveralClusters: what stdin says of Kustomization/a/x does not fit together: it comes from several \
          clusters, or from one at different times; nothing is concluded from them"]
    );
}

/// A few readings of few objects, so that they collide, each to be put into one of three files.
fn readings() -> impl Strategy<Value = Vec<(usize, Value)>> {
    let version = prop::sample::select(vec!["", "7", "8"]);
    let reading = ("[ab]", version, 0..2_u32, prop::sample::select(vec!["", "1", "2"]), "[xy]", any::<bool>());
    let object = reading.prop_map(|(name, version, generation, uid, path, is_event)| {
        let metadata = json!({
            "name": name, "namespace": "x", "uid": uid, "resourceVersion": version, "generation": generation,
        });
        if is_event {
            let about = json!({"apiVersion": "v1", "kind": "Pod", "namespace": "x", "name": name});
            return json!({"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about, "message": path});
        }
        let path = if path == "y" { json!(["y"]) } else { json!(path) }; // the one cannot be decoded
        let spec = json!({"path": path});
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata, "spec": spec})
    });
    prop::collection::vec((0..3_usize, object), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_the_order_of_files_nor_that_in_them_decides(
        (readings, shuffled) in readings().prop_flat_map(|readings| (Just(readings.clone()), Just(readings).prop_shuffle())),
        files in Just(vec![0, 1, 2]).prop_shuffle(),
    ) {
        let read = |readings: &[(usize, Value)], files: &[usize]| {
            let mut builder = SnapshotBuilder::new();
            for file in files {
                for (_, object) in readings.iter().filter(|(of, _)| of == file) {
                    builder.add(object.clone(), Place::file(format!("{file}.json")));
                }
            }
            builder.finish(String::new(), None)
        };
        prop_assert_eq!(read(&readings, &[0, 1, 2]), read(&shuffled, &files));
    }
}

fn shuffled(scene: &'static str) -> impl Strategy<Value = Vec<Value>> {
    let Value::Array(items) = document(scene)["items"].take() else { panic!("a list") };
    Just(items).prop_shuffle()
}

fn built(items: Vec<Value>) -> Snapshot {
    let mut builder = SnapshotBuilder::new();
    items.into_iter().for_each(|item| builder.add(item, Place::file("x")));
    builder.finish("dump x".into(), None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_permuted_input_gives_an_equal_snapshot(items in shuffled("live/helm.json.gz"), more in shuffled("live/build.json.gz")) {
        let Value::Array(straight) = document("live/helm.json.gz")["items"].take() else { panic!("a list") };
        prop_assert_eq!(built(items), built(straight));
        let Value::Array(straight) = document("live/build.json.gz")["items"].take() else { panic!("a list") };
        prop_assert_eq!(built(more), built(straight));
    }
}

#[test]
fn now_is_given_or_told_or_the_newest_moment() {
    assert_eq!(
        live("unreach-hanging").now,
        time(document("live/unreach-hanging.json.gz")["takenAt"].as_str().unwrap())
    );
    let newest = document("live/basic.json.gz").to_string();
    let newest = newest.split('"').filter_map(|text| text.parse::<jiff::Timestamp>().ok()).max();
    assert_eq!(Some(live("basic").now), newest);
    let given =
        read_dump(&[fixture("live/basic.json.gz")], std::io::empty(), Some(time("2030-01-01T00:00:00Z")));
    assert_eq!(given.unwrap().now, time("2030-01-01T00:00:00Z"));
    let later = json!({"apiVersion": "v1", "kind": "List", "takenAt": "2026-01-02T00:00:00Z", "items": []});
    let sooner = json!({"apiVersion": "v1", "kind": "List", "takenAt": "2026-01-01T00:00:00Z", "items": []});
    assert_eq!(stdin(format!("{later}{sooner}")).unwrap().now, time("2026-01-02T00:00:00Z"));
}
