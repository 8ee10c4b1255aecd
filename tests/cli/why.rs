//! `why`, on the demo and on what real controllers wrote.

use std::path::Path;

use serde_json::Value;

use crate::support::{assert_valid, run};

fn scene(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/live/{name}.json.gz"))
        .display()
        .to_string()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[test]
fn the_demo_is_explained_down_to_its_cause() {
    let run = run(&["why", "apps", "--demo"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn the_json_has_the_chain_and_fits_the_schema() {
    let run = run(&["why", "apps", "--demo", "-o", "json"]);
    assert_valid("why.v1.json", &run.stdout);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["target"]["state"], "Blocked");
    let chain = names(&json["rootCauses"][0]["chain"]);
    assert_eq!(chain, ["apps", "gateway", "intel-gpu", "nfd", "cilium", "cert-manager"]);
}

#[test]
fn several_objects_make_a_list_and_none_asks_about_everything() {
    let list = run(&["why", "--from", &scene("parent"), "db", "notincluded", "-o", "json"]);
    assert_valid("whylist.v1.json", &list.stdout);
    let all = run(&["why", "--from", &scene("parent"), "-o", "json"]);
    assert_valid("why.v1.json", &all.stdout);
    let all: Value = serde_json::from_str(&all.stdout).unwrap();
    assert_eq!((&all["target"], all["rootCauses"].as_array().unwrap().len()), (&Value::Null, 6));
}

#[test]
fn a_ready_object_is_good_and_says_what_it_rests_on() {
    let run = run(&["why", "gateway-api", "--demo"]);
    assert_eq!(run.code, 0);
    assert!(
        run.stdout.contains("rests on sources (ready), GitRepository flux-system/flux-system at main@8c1d22e")
    );
}

#[test]
fn every_failing_source_is_explained_as_the_table_says() {
    let expected = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live/expected.json"),
    );
    let expected: Value = serde_json::from_str(&expected.unwrap()).unwrap();
    let sources = expected["scenes"]["sources"]["sources"].as_object().unwrap();
    assert!(sources.len() > 20);
    for (name, source) in sources {
        let run = run(&["why", "--from", &scene("sources"), name, "-o", "json"]);
        let json: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{name}: {}", run.stderr));
        let cause = &json["rootCauses"][0];
        assert_eq!((&cause["code"], &cause["subcode"]), (&source["code"], &source["subcode"]), "{name}");
        let object = source["object"].as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(cause["object"]["name"], object, "{name}");
        assert_eq!(run.code, 1, "{name}");
    }
}

#[test]
fn of_what_was_read_from_a_repository_alone_nothing_is_said_to_run_or_not() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flux-k3s").display().to_string();
    let run = run(&["why", "apps", "--repo", &example, "--offline"]);
    assert!(run.stdout.contains("apps: Unknown; whether anything runs is not known"), "{}", run.stdout);
    assert!(!run.stdout.contains("never applied"), "{}", run.stdout);
}
