//! What each kind becomes in the model.

use std::fs;
use std::time::Duration;

use kubectl_fluxlayers::model::{ConditionStatus, Dependency, GroupKind, Revision, Spec};
use serde_json::{Value, json};

use crate::support::{api, dump, fixture, hr, key, ks, live, stdin, warnings};

#[test]
fn every_live_scene_is_read_without_a_complaint() {
    let mut scenes = 0;
    for folder in ["live", "live/flux-2.7"] {
        for entry in fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "gz") {
                let snapshot = dump(&[path]).unwrap();
                assert_eq!((warnings(&snapshot), snapshot.complete), (vec![], true));
                assert!(!snapshot.nodes.is_empty());
                scenes += 1;
            }
        }
    }
    let table: Value = serde_json::from_slice(&fs::read(fixture("live/expected.json")).unwrap()).unwrap();
    assert_eq!(scenes, table["scenes"].as_object().unwrap().len(), "every recording is in the table");
}

#[test]
fn a_kustomization_is_read_whole() {
    let snapshot = live("home-healthy");
    let node = &snapshot.nodes[&ks("flux-system", "infra-cert-manager")];
    let Spec::Kustomization(spec) = &node.spec else { panic!("a Kustomization") };
    assert_eq!(node.source, Some(key(GroupKind::GIT_REPOSITORY, "flux-system", "flux-system")));
    assert!(node.live && node.declared_at.is_none() && !node.suspended && !node.remote);
    assert_eq!(node.status.observed_generation, Some(node.meta.generation));
    assert_eq!(node.status.conditions.ready().unwrap().status, ConditionStatus::True);
    assert_eq!(node.status.last_applied_revision, node.status.last_attempted_revision);
    assert_eq!(node.status.history[0].revision, node.status.last_applied_revision);
    assert!(node.status.history[0].took.unwrap() > Duration::ZERO);
    assert!(!node.status.inventory.as_ref().unwrap().is_empty());
    assert!(!spec.path.is_empty());
    let seconds = |time: Option<Duration>| time.unwrap().as_secs();
    let times = (seconds(node.interval), seconds(node.retry_interval), seconds(node.timeout));
    assert_eq!((times, spec.wait, &spec.decryption), ((600, 60, 40), true, &None));
    let dependency = ks("flux-system", "infra-gateway-api");
    assert_eq!(node.depends_on, [Dependency { key: dependency, ready_expr: None, ready: true, at: None }]);
    let auth = snapshot.nodes[&ks("flux-system", "apps-auth")].kustomization().unwrap();
    let decryption = auth.decryption.as_ref().unwrap();
    assert_eq!((decryption.provider.as_str(), decryption.secret.as_deref()), ("sops", Some("sops-age")));
}

#[test]
fn health_checks_get_a_group_and_no_namespace() {
    let snapshot = live("health");
    let spec = |name: &str| snapshot.nodes[&ks("health", name)].kustomization().unwrap();
    let checked =
        |name: &str| spec(name).health_checks.iter().map(|check| check.key.to_string()).collect::<Vec<_>>();
    assert_eq!(checked("missinghc"), ["Deployment/health/absent"]);
    assert_eq!(checked("hcns"), ["Deployment/web"]); // the controller fails here, so nothing may be filled in
    let expression = &spec("hce").health_check_exprs[0];
    assert_eq!((expression.group.as_str(), expression.kind.as_deref()), ("", Some("ConfigMap")));
    let without_group = stdin(
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "a", "namespace": "x"},
            "spec": {"healthChecks": [{"kind": "Deployment", "name": "web"}]},
        })
        .to_string(),
    )
    .unwrap();
    let spec = without_group.nodes[&ks("x", "a")].kustomization().unwrap();
    assert_eq!(spec.health_checks[0].key, key(GroupKind::DEPLOYMENT, "", "web"));
}

#[test]
fn a_helm_release_knows_its_chart_and_what_was_deployed_last() {
    let snapshot = live("helm");
    let release = |name: &str| &snapshot.nodes[&hr("helm", name)];
    let node = release("badvals");
    let spec = node.helm_release().unwrap();
    assert_eq!(node.source, Some(key(GroupKind::HELM_CHART, "helm", "helm-badvals")));
    assert_eq!(spec.chart_source, Some(key(GroupKind::HELM_REPOSITORY, "helm", "charts")));
    assert_eq!((spec.chart.as_deref(), spec.chart_version.as_deref()), (Some("app"), Some("1.0.0")));
    assert_eq!(spec.values_from[0].key, key(GroupKind::CONFIG_MAP, "helm", "badvals"));
    assert_eq!((spec.values_from[0].values_key.as_str(), spec.values_from[0].optional), ("values.yaml", false));
    assert_eq!(spec.deployed, None);
    let chart = &snapshot.sources[&key(GroupKind::HELM_CHART, "helm", "helm-badvals")];
    assert_eq!(chart.upstream, [key(GroupKind::HELM_REPOSITORY, "helm", "charts")]);
    assert_eq!(chart.artifact.as_ref().unwrap().revision, Revision("1.0.0".into()));
    for (name, deployed, history) in [
        ("slow", None, &["failed"][..]),
        ("upfail", Some("1.0.0"), &["failed", "deployed"]),
        ("uprb", Some("1.0.0"), &["deployed", "failed", "superseded"]),
    ] {
        let node = release(name);
        assert_eq!(node.revision().map(|revision| &revision.0[..]), deployed, "{name}");
        let statuses: Vec<_> = node.status.history.iter().map(|entry| entry.status.as_str()).collect();
        assert_eq!(statuses, history, "{name}");
        assert!(node.status.history.iter().all(|entry| entry.first.is_some() && entry.last.is_some()));
    }
}

#[test]
fn sources_keep_what_they_failed_with() {
    let snapshot = live("sources");
    let bucket = &snapshot.sources[&key(GroupKind::BUCKET, "sources", "nosecret")];
    assert_eq!((bucket.url.as_str(), bucket.secret.as_deref()), ("127.0.0.1:1", Some("missing")));
    assert_eq!(bucket.observed_generation, Some(-1));
    assert_eq!(bucket.conditions.ready().unwrap().reason, "AuthenticationFailed");
    assert_eq!(bucket.artifact, None);
    assert!(snapshot.sources[&key(GroupKind::HELM_REPOSITORY, "sources", "oci")].oci);
    let stale = live("stale");
    let repository = stale.sources.values().next().unwrap();
    assert!(repository.artifact.as_ref().unwrap().updated.is_some());
    assert_eq!(repository.conditions.ready().unwrap().status, ConditionStatus::False);
}

#[test]
fn workloads_pods_and_claims_tell_what_is_wrong() {
    let snapshot = live("health");
    let evidence = &snapshot.evidence;
    let workload = |kind, name| &evidence.workloads[&key(kind, "health", name)];
    let database = workload(GroupKind::STATEFUL_SET, "db");
    assert_eq!((database.wanted, database.available, &database.selector["a"][..]), (1, 0, "db"));
    assert_eq!(workload(GroupKind::JOB, "migrate").wanted, 1);
    let pod = evidence.pods.values().find(|pod| pod.unschedulable.is_some()).unwrap();
    assert_eq!(pod.unschedulable.as_deref(), Some("no nodes available to schedule pods"));
    let owners: Vec<_> = evidence.pods.values().filter_map(|pod| pod.meta.owner.as_ref()).collect();
    assert!(owners.iter().any(|owner| **owner == key(GroupKind::JOB, "health", "migrate")));
    assert_eq!(owners.len(), evidence.pods.len());
    assert_eq!(evidence.claims[&key(GroupKind::PERSISTENT_VOLUME_CLAIM, "health", "data")], "Pending");
    let claim = &evidence.others[&key(GroupKind::PERSISTENT_VOLUME_CLAIM, "health", "data")];
    assert_eq!(claim.labels["kustomize.toolkit.fluxcd.io/name"], "pvc");

    let healthy = api(&["healthy/list-deployments", "healthy/list-pods"]);
    let deployment = key(GroupKind::DEPLOYMENT, "flux-system", "kustomize-controller");
    let controller = &healthy.evidence.workloads[&deployment];
    assert_eq!((controller.wanted, controller.available), (2, 2));
    assert_eq!(healthy.flux_namespace(), Some("flux-system"));
    assert!(healthy.evidence.pods.values().all(|pod| pod.phase == "Running"));
}
