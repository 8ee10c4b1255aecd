//! Any document at all: none makes it panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::stdin;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9/:-]{0,8}".prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "name",
        "namespace",
        "dependsOn",
        "sourceRef",
        "kind",
        "conditions",
        "containers",
        "history",
        "inventory",
        "entries",
        "id",
        "labels",
        "chart",
        "spec",
        "artifact",
        "containerStatuses",
        "state",
        "a.agekey",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..4).prop_map(|map| {
                Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_object_makes_it_panic(
        kind in prop::sample::select(vec![
            "kustomize.toolkit.fluxcd.io/v1 Kustomization", "helm.toolkit.fluxcd.io/v2 HelmRelease",
            "fluxcd.controlplane.io/v1 ResourceSet", "source.toolkit.fluxcd.io/v1 GitRepository",
            "source.toolkit.fluxcd.io/v1 HelmChart", "v1 Pod", "v1 Event", "v1 Secret", "v1 List", "v1 Status",
            "apps/v1 Deployment", "batch/v1 Job", "v1 Namespace", "apps/v1 DeploymentList",
        ]),
        fields in prop::collection::btree_map(
            prop::sample::select(vec!["metadata", "spec", "status", "items", "data", "stringData", "regarding"]),
            any_json(), 0..5,
        ),
        name in prop::option::of(any_json()),
    ) {
        let (api_version, kind) = kind.split_once(' ').unwrap();
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}});
        object.as_object_mut().unwrap().extend(fields.into_iter().map(|(key, value)| (key.to_owned(), value)));
        if let (Some(name), Some(metadata)) = (name, object["metadata"].as_object_mut()) {
            metadata.insert("name".into(), name);
        }
        let mut as_json = stdin(object.to_string()).unwrap();
        let mut as_yaml = stdin(format!("---\n{object}\n")).unwrap();
        prop_assert_eq!(as_json.warnings.len(), as_yaml.warnings.len());
        as_json.warnings.clear(); // they tell the line
        as_yaml.warnings.clear();
        prop_assert_eq!(as_json, as_yaml);
    }

    #[test]
    fn no_document_makes_it_panic(text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let list = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{text}]}}");
        for input in [text.as_bytes(), list.as_bytes(), &bytes, &[&[0x1f, 0x8b], &bytes[..]].concat()] {
            let _ = stdin(input);
        }
    }
}
