//! What cannot be read, and what is no object; how much can be read.

use std::fs;

use kubectl_fluxlayers::model::parse_id;
use kubectl_fluxlayers::repo::InputError;
use serde_json::json;

use crate::support::{api, document, dump, fixture, ks, manifest, stdin, warnings};

#[test]
fn an_input_of_which_nothing_can_be_read_is_one_message() {
    let error = |bytes: &[u8]| stdin(bytes).unwrap_err().to_string();
    let mut cut = fs::read(fixture("live/basic.json.gz")).unwrap();
    cut.truncate(cut.len() / 2);
    assert_eq!(error(&cut), "stdin: its gzip data ends too early; the file is not complete");
    assert_eq!(error(b"\x1f\x8bnonsense"), "stdin: its gzip data is damaged");
    assert_eq!(error(b"a: \xff"), "stdin: is not UTF-8 from byte 4 on");
    assert_eq!(error(b"\xff\xfea\0"), "stdin: is UTF-16, and only UTF-8 is read");
    assert_eq!(error(b"PK\x03\x04zip"), "stdin: is a zip archive; unpack it first");
    assert_eq!(error(b"a: [\n"), "stdin:1:4: unclosed bracket '['");
    let list = document("live/basic.json.gz").to_string();
    let message = error(&list.as_bytes()[..list.len() / 2]);
    assert!(message.starts_with("stdin:1:") && message.contains("EOF while parsing"), "{message}");
    assert_eq!(error(b"{\n \"a\": 1,\n \"b\" 2 }\n"), "stdin:3:6: expected `:`");
    let missing = dump(&["no/such/file.yaml".into()]).unwrap_err();
    assert_eq!(missing.to_string(), "no/such/file.yaml does not exist");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(dump(&[folder.path().into()]), Err(InputError::NoFiles { .. })));
}

#[test]
fn what_is_no_object_is_counted_and_not_believed() {
    for (file, text) in [
        ("err-404-no-crd", "skipped 1 document that is no Kubernetes object"),
        ("version", "skipped 1 document that is no Kubernetes object"),
        ("table-kustomizations", "skipped 1 table without the objects themselves"),
        ("partialmeta-kustomizations", "skipped 35 objects without spec and status"),
        ("crd-kustomizations-partialmeta", "skipped 15 objects without spec and status"),
        ("watch-sendinitial", "skipped 6 watch events"),
        ("err-410-expired-watch", "skipped 1 watch event"),
        (
            "err-403-list-cluster",
            "the API server answered: kustomizations.kustomize.toolkit.fluxcd.io is forbidden",
        ),
    ] {
        let snapshot = api(&[&format!("blocked/{file}")]);
        assert!(snapshot.nodes.is_empty() && snapshot.evidence.others.is_empty(), "{file}");
        assert!(
            matches!(&warnings(&snapshot)[..], [warning] if warning.contains(text)),
            "{:?}",
            snapshot.warnings
        );
    }
    let silent =
        ["ssar-allowed", "ssrr-teamdev", "discovery-apis", "discovery-kustomize", "discovery-aggregated-apis"];
    let silent: Vec<_> = silent.iter().map(|name| format!("blocked/{name}")).collect();
    let snapshot = api(&silent.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((warnings(&snapshot), snapshot.complete), (vec![], true));
}

#[test]
fn odd_objects_are_read_and_wrong_ones_named() {
    let text = r#"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: odd, namespace: a, labels: null, annotations: ~}
spec: {dependsOn: null, suspend: null, unknown: {x: 1}, decryption: {}, sourceRef: null, interval: soon}
status: {conditions: null, inventory: {entries: [{id: a_b__ConfigMap, v: v1}, {id: nonsense}]}, history: [null]}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: y, namespace: a}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
---
{}
"#;
    let snapshot = stdin(text).unwrap();
    assert_eq!(
        warnings(&snapshot),
        [
            "InputBroken: stdin:2: Kustomization/a/odd: status.inventory: `nonsense` is no id of an object",
            "InputBroken: stdin:12: Kustomization without metadata.name",
            "InputBroken: stdin:8: Kustomization without metadata.name", // `y` is true, to YAML
            "InputSkipped: stdin: skipped 1 document that is no Kubernetes object",
        ]
        .map(str::to_owned)
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
    let node = &snapshot.nodes[&ks("a", "odd")];
    assert_eq!((node.interval, &node.source, node.depends_on.len()), (None, &None, 0));
    let inventory = node.status.inventory.as_ref().unwrap();
    assert_eq!(inventory.len(), 1);
    assert_eq!(Some(&inventory[0].key), parse_id("a_b__ConfigMap").as_ref());
}

#[test]
fn five_thousand_objects_and_a_hundred_megabytes_are_read() {
    let items: Vec<_> = (0..5_000)
        .map(|index| {
            let mut object = manifest(&format!("team-{}", index % 7), &format!("app-{index}"));
            object["spec"] = json!({"dependsOn": [{"name": format!("app-{}", index + 7)}]});
            object["status"]["inventory"]["entries"] =
                (0..20).map(|entry| json!({"id": format!("x_{entry}_apps_Deployment"), "v": "v1"})).collect();
            object
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let snapshot = stdin(&list).unwrap();
    assert_eq!((snapshot.nodes.len(), snapshot.complete), (5_000, true));

    let large = "x".repeat(100 << 20);
    let list = list.replacen("\"items\":[", &format!("\"items\":[{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"large\"}},\"data\":{{\"key\":\"{large}\"}}}},"), 1);
    assert!(list.len() > 100_000_000);
    let snapshot = stdin(&list).unwrap();
    assert_eq!((snapshot.nodes.len(), snapshot.evidence.config_maps.len()), (5_000, 1));
}
