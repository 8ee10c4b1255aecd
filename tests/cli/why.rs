//! `why`, on the demo and on what real controllers wrote.

use std::path::Path;

use serde_json::{Value, json};

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
        run.stdout.contains("needs   sources (ready), GitRepository flux-system/flux-system at main@8c1d22e")
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

#[test]
fn a_ready_source_says_who_uses_it_and_how_old_its_content_is() {
    let told = run(&["why", "gitrepo/flux-system", "--demo"]);
    assert_eq!(told.code, 0);
    insta::assert_snapshot!(told.stdout, @r"
    ✔ flux-system: Ready, has main@8c1d22e  demo
      file    clusters/k3s-home/flux-system/gotk-sync.yaml:4
      users   apps, auth, cert-manager, cilium, flux-system, gateway, gateway-api, intel-gpu, monitoring, nfd, nvidia-gpu, sources
      clock   new content came 02:40 (31m); looked for every 1m
    ");
    let json = run(&["why", "gitrepo/flux-system", "--demo", "-o", "json"]);
    assert_valid("why.v1.json", &json.stdout);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["target"]["kind"], &json["target"]["state"]), (&"GitRepository".into(), &"Ready".into()));
}

#[test]
fn a_suspended_object_says_who_suspended_it_as_far_as_that_is_known() {
    let fields = |manager: &str, fields: Value| {
        json!({"manager": manager, "operation": "Update", "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "time": "2026-11-24T01:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields})
    };
    let object = |managed: Value| {
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "apps", "namespace": "flux-system", "generation": 2, "managedFields": managed},
            "spec": {"interval": "10m", "suspend": true, "prune": true, "sourceRef": {"kind": "GitRepository", "name": "x"}}})
    };
    let by_flux = json!([
        fields("kustomize-controller", json!({"f:spec": {"f:path": {}}})),
        fields("flux", json!({"f:spec": {"f:suspend": {}}}))
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.json");
    let why = |managed: Value| {
        std::fs::write(&path, object(managed).to_string()).unwrap();
        run(&["why", "apps", "--now", "2026-11-24T02:00:00Z", "--from", path.to_str().unwrap()]).stdout
    };
    let told = why(by_flux);
    assert!(told.contains("  by      the flux command line, 01:00 (60m)\n"), "{told}");
    assert!(!why(json!([])).contains("  by "));
}

#[cfg(feature = "cel")]
#[test]
fn an_expression_that_is_false_is_told_with_the_values_it_saw() {
    let told = run(&["why", "c", "--from", &scene("expr")]);
    assert!(told.stdout.contains("  spec    readyExpr: dep.metadata.name == 'zzz'\n"), "{}", told.stdout);
    assert!(told.stdout.contains("  value   dep.metadata.name is 'a'\n"), "{}", told.stdout);
}

#[test]
fn a_blocked_object_says_what_would_stop_it_next() {
    let item = |kind: &str, name: &str, spec: Value, status: Value| {
        let version = if kind == "GitRepository" { "source" } else { "kustomize" };
        json!({"apiVersion": format!("{version}.toolkit.fluxcd.io/v1"), "kind": kind, "spec": spec, "status": status,
            "metadata": {"name": name, "namespace": "flux-system", "generation": 1,
                "creationTimestamp": "2026-11-24T00:00:00Z"}})
    };
    let said = |reason: &str, message: &str| {
        json!({"observedGeneration": -1, "conditions": [{"type": "Ready", "status": "False", "reason": reason,
            "message": message, "observedGeneration": 1, "lastTransitionTime": "2026-11-24T01:00:00Z"}]})
    };
    let source = json!({"kind": "GitRepository", "name": "fleet"});
    let spec = |more: Value| {
        let mut spec = json!({"interval": "10m", "path": "./x", "prune": true, "sourceRef": source});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    let sops = json!({"provider": "sops", "secretRef": {"name": "sops-age"}});
    let dump = json!({"apiVersion": "v1", "kind": "List", "items": [
        item("GitRepository", "fleet", json!({"url": "https://git.example.com/fleet"}), json!({"observedGeneration": 1,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "observedGeneration": 1}],
            "artifact": {"revision": "main@sha1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "url": "http://x"}})),
        item("Kustomization", "infra", spec(json!({})), said("BuildFailed", "kustomize build failed: odd")),
        item("Kustomization", "apps",
            spec(json!({"dependsOn": [{"name": "infra"}], "decryption": sops,
                "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}, {"kind": "ConfigMap", "name": "maybe", "optional": true}]}})),
            said("DependencyNotReady", "dependency 'flux-system/infra' is not ready")),
        // what there is of these kinds was seen whole
        {"apiVersion": "v1", "kind": "SecretList", "items": []},
        {"apiVersion": "v1", "kind": "ConfigMapList", "items": []},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "flux-system"}, "data": {}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other", "namespace": "flux-system"}, "data": {}}
    ]});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.json");
    std::fs::write(&path, dump.to_string()).unwrap();
    let path = path.to_str().unwrap();
    let told = run(&["why", "apps", "--from", path]);
    let next = told.stdout.split_once("⚠ next").or(told.stdout.split_once("! next")).map(|(_, next)| next);
    insta::assert_snapshot!(next.unwrap_or(&told.stdout), @r"
      apps  SopsSecretNotFound  once the above is mended
      Secret flux-system/sops-age with the decryption keys does not exist so far, unless something that comes before makes it

    ⚠ next  apps  BuildFailed/SubstituteFromNotFound  once the above is mended
      ConfigMap flux-system/vars, from which variables are taken, does not exist so far, unless something that comes before makes it
    ");
    let json = run(&["why", "apps", "--from", path, "-o", "json"]);
    assert_valid("why.v1.json", &json.stdout);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let codes: Vec<_> =
        json["next"].as_array().unwrap().iter().map(|cause| cause["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["SopsSecretNotFound", "BuildFailed"]);
    assert_eq!(
        (names(&json["next"][0]["chain"]), json["clock"]["everySeconds"].as_u64()),
        (vec!["apps", "sops-age"], Some(30))
    );
    let failing = run(&["why", "infra", "--from", path, "-o", "json"]);
    let failing: Value = serde_json::from_str(&failing.stdout).unwrap();
    assert_eq!(failing["next"], json!([]));
}
