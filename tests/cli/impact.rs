//! `impact`, on the demo and on what real controllers wrote.

use serde_json::Value;

use crate::support::{assert_valid, run};

fn json(args: &[&str]) -> Value {
    let run = run(&[&["impact"], args, &["-o", "json"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    assert_valid("impact.v1.json", &run.stdout);
    serde_json::from_str(&run.stdout).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[test]
fn the_demo_tells_what_its_cause_stops() {
    let run = run(&["impact", "cert-manager", "--demo"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn what_waits_is_what_why_says_it_blocks() {
    let impact = json(&["cert-manager", "--demo"]);
    let why = run(&["why", "cert-manager", "--demo", "-o", "json"]);
    let why: Value = serde_json::from_str(&why.stdout).unwrap();
    assert_eq!(impact["waitingNow"].as_array().unwrap().len(), 8);
    // the cause's object is the Kustomization itself, which is not blocked by itself
    assert_eq!(why["rootCauses"][0]["blocks"], 8);
    assert_eq!((&impact["target"]["state"], &impact["deletes"]), (&"Failed".into(), &Value::Null));
}

#[test]
fn a_source_and_a_missing_dependency_have_an_impact_too() {
    let source = json(&["gitrepo/flux-system/flux-system", "--demo"]);
    assert_eq!(source["target"]["kind"], "GitRepository");
    let effects: Vec<&Value> =
        source["dependents"].as_array().unwrap().iter().map(|it| &it["effect"]).collect();
    assert!(effects.len() > 11 && effects.iter().all(|effect| *effect == "frozen"), "{effects:?}");

    let scene = format!("{}/tests/fixtures/live/depmissing.json.gz", env!("CARGO_MANIFEST_DIR"));
    let why = run(&["why", "--from", &scene, "-o", "json"]);
    let why: Value = serde_json::from_str(&why.stdout).unwrap();
    let missing =
        why["rootCauses"].as_array().unwrap().iter().find(|cause| cause["code"] == "DependencyNotFound");
    let object = &missing.unwrap()["object"];
    let name = format!("ks/{}/{}", object["namespace"].as_str().unwrap(), object["name"].as_str().unwrap());
    let found = json(&[&name, "--from", &scene]);
    assert_eq!(found["target"]["state"], "Missing");
    assert_ne!(found["waitingNow"].as_array().unwrap().len(), 0);
}

#[test]
fn deletion_is_followed_through_children_and_namespaces() {
    let found = json(&["flux-system", "--demo", "--delete"]);
    let deletes = &found["deletes"];
    assert_eq!(names(&deletes["kustomizations"]).len(), 11);
    assert!(names(&deletes["namespaces"]).contains(&"media"));
    assert_eq!(names(&deletes["customResourceDefinitions"]).len(), 3);
    let counted: u64 =
        deletes["kinds"].as_array().unwrap().iter().map(|kind| kind["count"].as_u64().unwrap()).sum();
    assert_eq!(
        (deletes["total"].as_u64().unwrap(), deletes["objects"].as_array().unwrap().len() as u64),
        (counted, counted)
    );
    // a Pod stands in no inventory; its namespace takes it along
    let pod = deletes["objects"].as_array().unwrap().iter().find(|object| object["kind"] == "Pod").unwrap();
    assert_eq!((&pod["because"], &pod["of"]["name"]), (&"namespace".into(), &"media".into()));
    assert!(!names(&deletes["objects"]).is_empty());
    let target = |object: &&Value| object["kind"] == "Kustomization" && object["name"] == "flux-system";
    assert!(!deletes["objects"].as_array().unwrap().iter().any(|object| target(&object)));
}

#[test]
fn a_repository_tells_what_depends_on_what_and_not_what_waits() {
    let run = run(&[
        "impact",
        "cert-manager",
        "--repo",
        concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flux-k3s"),
        "--offline",
    ]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("what waits for it now only a cluster can tell"), "{}", run.stdout);
    assert!(run.stdout.contains("if it fails, 8 objects stop"), "{}", run.stdout);
}

#[test]
fn no_such_object_is_no_answer() {
    for args in [["impact", "nowhere", "--demo"], ["impact", "gitrepo/nowhere", "--demo"]] {
        let run = run(&args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {run:?}");
    }
}

#[test]
fn the_snapshot_of_a_cluster_has_the_same_impact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.json").display().to_string();
    assert_eq!(run(&["snapshot", "--demo", "-f", &path]).code, 0);
    assert_eq!(
        json(&["flux-system", "--demo", "--no-repo", "--delete"]),
        json(&["flux-system", "--from", &path, "--delete"])
    );
}
