//! What dumps, written by real API servers, become in the model; and what bad input becomes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helpers of tests do, tests do")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests read fixtures and write dumps")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kubectl_fluxlayers::model::{
    At, ConditionStatus, Dependency, GroupKind, ObjectKey, Presence, Revision, Snapshot, Spec, parse_id,
};
use kubectl_fluxlayers::repo::{InputError, read_dump, read_repository};
use kubectl_fluxlayers::wire::{Place, SnapshotBuilder};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

fn dump(paths: &[PathBuf]) -> Result<Snapshot, InputError> {
    read_dump(paths, std::io::empty(), None)
}

fn live(scene: &str) -> Snapshot {
    dump(&[fixture(&format!("live/{scene}.json.gz"))]).unwrap()
}

fn api(files: &[&str]) -> Snapshot {
    let files: Vec<_> = files.iter().map(|name| fixture(&format!("apiserver/{name}.json.gz"))).collect();
    dump(&files).unwrap()
}

fn stdin(text: impl AsRef<[u8]>) -> Result<Snapshot, InputError> {
    read_dump(&["-".into()], text.as_ref(), None)
}

fn document(path: &str) -> Value {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(fixture(path)).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn warnings(snapshot: &Snapshot) -> Vec<String> {
    snapshot.warnings.iter().map(|warning| format!("{}: {}", warning.code, warning.text)).collect()
}

fn ks(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::kustomization(namespace, name)
}

fn hr(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::helm_release(namespace, name)
}

fn key(kind: GroupKind, namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::new(kind, namespace, name)
}

fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn manifest(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
    })
}

// Every kind

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
fn the_defaults_of_the_controllers_are_filled_in() {
    let snapshot = stdin(
        r#"
apiVersion: helm.toolkit.fluxcd.io/v2beta1
kind: HelmRelease
metadata: {name: old, namespace: apps}
spec:
  chart: {spec: {chart: app, sourceRef: {kind: HelmRepository, name: charts, namespace: flux-system}}}
  dependsOn: [{name: db}, {name: db, namespace: data}]
status: {lastAppliedRevision: 1.2.3}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: ref, namespace: apps}
spec: {chartRef: {kind: OCIRepository, name: app}, kubeConfig: {secretRef: {name: x}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata: {name: new, namespace: apps}
spec:
  suspend: true
  dependsOn:
    - {name: infra, readyExpr: "true"}
    - {kind: HelmRelease, name: db}
    - {apiVersion: v1, kind: ConfigMap, name: x, namespace: z}
---
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSet
metadata:
  name: set
  namespace: apps
  annotations: {fluxcd.controlplane.io/reconcile: Disabled, fluxcd.controlplane.io/reconcileTimeout: 1m}
spec:
  dependsOn:
    - {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, name: x.example.com, readyExpr: ignored}
    - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, name: db, namespace: data, ready: true, readyExpr: e}
---
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: gen, namespace: apps, annotations: {source.extensions.fluxcd.io/reconcile: disabled}}
spec: {sources: [{alias: a, kind: GitRepository, name: a}, {alias: b, kind: Bucket, name: b, namespace: x}]}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: ExternalArtifact
metadata: {name: ea, namespace: apps}
spec: {sourceRef: {apiVersion: source.extensions.fluxcd.io/v1beta1, kind: ArtifactGenerator, name: gen}}
---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: HelmRepository
metadata: {name: oci, namespace: apps}
spec: {type: oci, url: "oci://example.com/charts"}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: git, namespace: apps}
spec: {url: "https://example.com/x.git", include: [{repository: {name: other}}], secretRef: {name: s}, timeout: 60s}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {name: chart, namespace: apps}
spec: {sourceRef: {kind: GitRepository, name: git, namespace: ignored}}
"#,
    )
    .unwrap();
    assert_eq!(warnings(&snapshot), Vec::<String>::new());
    let keys = |dependencies: &[Dependency]| -> Vec<ObjectKey> {
        dependencies.iter().map(|dependency| dependency.key.clone()).collect()
    };

    let old = &snapshot.nodes[&hr("apps", "old")];
    assert_eq!(old.source, Some(key(GroupKind::HELM_CHART, "flux-system", "apps-old")));
    assert_eq!(keys(&old.depends_on), [hr("apps", "db"), hr("data", "db")]);
    assert_eq!(old.revision(), Some(&Revision("1.2.3".into())));

    let by_reference = &snapshot.nodes[&hr("apps", "ref")];
    assert_eq!(by_reference.source, Some(key(GroupKind::OCI_REPOSITORY, "apps", "app")));
    assert_eq!((by_reference.remote, &by_reference.helm_release().unwrap().chart_source), (true, &None));

    let new = &snapshot.nodes[&ks("apps", "new")];
    let config_map = key(GroupKind::CONFIG_MAP, "z", "x");
    assert_eq!(keys(&new.depends_on), [ks("apps", "infra"), hr("apps", "db"), config_map]);
    assert_eq!((new.suspended, new.depends_on[0].ready_expr.as_deref()), (true, Some("true")));
    assert!(new.depends_on.iter().all(|dependency| dependency.ready && dependency.at.is_none()));

    let set = &snapshot.nodes[&key(GroupKind::RESOURCE_SET, "apps", "set")];
    assert_eq!(
        (set.suspended, set.timeout, set.interval),
        (true, Some(Duration::from_secs(60)), Some(Duration::from_secs(3600)))
    );
    assert_eq!(keys(&set.depends_on)[0], key(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "x.example.com"));
    let rules: Vec<_> = set.depends_on.iter().map(|entry| (entry.ready, entry.ready_expr.as_deref())).collect();
    assert_eq!(rules, [(false, None), (true, Some("e"))]);

    let source = |kind, name| &snapshot.sources[&key(kind, "apps", name)];
    let generator = source(GroupKind::ARTIFACT_GENERATOR, "gen");
    let sources = [key(GroupKind::GIT_REPOSITORY, "apps", "a"), key(GroupKind::BUCKET, "x", "b")];
    assert_eq!((generator.suspended, &generator.upstream[..]), (true, &sources[..]));
    let external = source(GroupKind::EXTERNAL_ARTIFACT, "ea");
    assert_eq!(external.upstream, std::slice::from_ref(&generator.key));
    assert!(source(GroupKind::HELM_REPOSITORY, "oci").oci);
    let git = source(GroupKind::GIT_REPOSITORY, "git");
    assert_eq!(git.upstream, [key(GroupKind::GIT_REPOSITORY, "apps", "other")]);
    assert_eq!((git.secret.as_deref(), git.timeout), (Some("s"), Some(Duration::from_secs(60))));
    assert_eq!(source(GroupKind::HELM_CHART, "chart").upstream, std::slice::from_ref(&git.key));
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

// Secrets

#[test]
fn a_secret_gives_its_public_recipients_and_nothing_else() {
    let snapshot = live("sopsfail");
    let secret = |name: &str| &snapshot.evidence.secrets[&key(GroupKind::SECRET, "sopsfail", name)];
    let recipient = "age12pejw4vvt2gf93xey9p4mljhm5ngx8dv9ytsc37wl9xxn82mhs8sq95f74";
    assert_eq!(secret("good").age_recipients.iter().collect::<Vec<_>>(), [recipient]);
    assert_eq!((secret("malformed").unverifiable, secret("malformed").age_recipients.len()), (1, 0));
    assert_eq!(secret("wrongname").keys.iter().collect::<Vec<_>>(), ["age.key"]);
    assert!(secret("empty").keys.is_empty());
    let shown = format!("{snapshot:?}");
    assert!(shown.contains(recipient) && !shown.contains("AGE-SECRET-KEY"));
}

#[test]
fn no_value_of_a_secret_comes_through() {
    let mark = "hunter2MARK";
    let encoded = "aHVudGVyMk1BUks=";
    let secret = |rest: Value| {
        let mut secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "x"}});
        secret.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        secret
    };
    let last_applied =
        json!({"kubectl.kubernetes.io/last-applied-configuration": mark, "example.com/copy": mark});
    for document in [
        secret(json!({"data": {"password": encoded}, "stringData": {"other": mark, "a.agekey": mark}})),
        secret(json!({"data": mark})),
        secret(json!({"data": [mark]})),
        secret(json!({"stringData": {"nested": {"deep": mark}}, "type": {"odd": mark}})),
        secret(json!({"metadata": {"name": "s", "namespace": "x", "annotations": last_applied}})),
        secret(
            json!({"metadata": {"name": "s", "namespace": "x", "labels": mark, "annotations": {"a": [mark]}}}),
        ),
        secret(json!({"metadata": mark})),
        json!({"type": "ADDED", "object": secret(json!({"data": {"password": encoded}}))}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"key": mark}}),
    ] {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [document]});
        for text in [document.to_string(), list.to_string(), format!("{list:#}\n---\n{document}")] {
            let shown = format!("{:?}", stdin(text).unwrap());
            assert!(!shown.contains("MARK") && !shown.contains(encoded), "{document}\n{shown}");
        }
    }
    // nor through a broken text
    for text in [
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  password: *{mark}\n"),
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  password: !!int {mark}\n"),
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  password: [{mark}\n"),
        format!("{{\"kind\": \"Secret\", \"data\": {{\"password\": \"{mark}\" {mark}"),
    ] {
        let error = stdin(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("MARK"), "{error:?}");
    }
}

// What absence proves

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

// Order

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

// Time

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

// Shapes of input

#[test]
fn the_same_dump_reads_the_same_in_every_wrapping() {
    let list = document("live/basic.json.gz");
    let items = list["items"].as_array().unwrap();
    let straight = live("basic");
    let gzip = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let lines = items.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let pretty = items.iter().map(|item| format!("{item:#}")).collect::<Vec<_>>().join("\n---\n");
    let (half, rest) = lines.split_at(lines.find('\n').unwrap() + 1);
    let nested = json!({"apiVersion": "v1", "kind": "List", "items": [list]});
    for (name, bytes) in [
        ("JSON", list.to_string().into_bytes()),
        ("with a byte order mark", format!("\u{feff}{list}").into_bytes()),
        ("lists in lists", nested.to_string().into_bytes()),
        ("an array", list["items"].to_string().into_bytes()),
        ("JSON lines", lines.clone().into_bytes()),
        ("YAML that begins like JSON", pretty.clone().into_bytes()),
        ("YAML", format!("# a comment\n---\n{pretty}\n---\n").into_bytes()),
        ("gzip of two members", [gzip(half), gzip(rest)].concat()),
    ] {
        let mut snapshot = stdin(bytes).unwrap();
        assert_eq!(snapshot.label, "dump stdin");
        snapshot.label = straight.label.clone();
        assert_eq!(snapshot, straight, "{name}");
    }
}

#[test]
fn a_typed_list_in_yaml_knows_the_lines_of_its_items() {
    let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: KustomizationList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n  spec: {path: [x]}\n";
    let snapshot = stdin(text).unwrap();
    assert_eq!(
        warnings(&snapshot),
        ["InputBroken: stdin:5: Kustomization/b: spec.path: a list where text is due"]
    );
    assert!(snapshot.nodes.contains_key(&ks("", "a")));
}

#[test]
fn a_folder_is_read_through_and_one_broken_file_is_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("a/one.yaml", &manifest("a", "one").to_string());
    write("a/b/two.JSON", &manifest("a", "two").to_string());
    write("broken.yml", "a: 1\nb: [1\n");
    write("empty.yaml", "# nothing\n---\n");
    write("notes.txt", "b: [1\n");
    write("values.yaml", "replicas: 1\n---\nfoo\n---\nkind: Config\napiVersion: v1\n");
    write(".git/config.yaml", "b: [1\n");
    let snapshot = dump(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(snapshot.nodes.len(), 2);
    assert!(!snapshot.complete);
    let root = folder.path().display();
    assert_eq!(
        warnings(&snapshot),
        [
            format!("InputBroken: {root}/broken.yml:2:4: unclosed bracket '['"),
            format!("InputSkipped: {root}/values.yaml: skipped 3 documents that are no Kubernetes objects"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_never_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), manifest("a", "outside").to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("deep")).unwrap();
    fs::create_dir(root.join("hidden")).unwrap();
    fs::write(root.join("deep/one.yaml"), manifest("a", "one").to_string()).unwrap();
    fs::write(root.join("hidden/data"), manifest("a", "linked").to_string()).unwrap();
    symlink(root.join("hidden/data"), root.join("linked.yaml")).unwrap();
    symlink(root, root.join("deep/loop")).unwrap();
    symlink(root.join("deep"), root.join("again")).unwrap();
    symlink("itself.yaml", root.join("itself.yaml")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink(outside.path().join("x.yaml"), root.join("out.yaml")).unwrap();
    let snapshot = dump(&[root.to_path_buf()]).unwrap();
    assert_eq!(snapshot.nodes.keys().map(|key| &key.name[..]).collect::<Vec<_>>(), ["linked", "one"]);
    assert!(snapshot.complete);
    let root = root.display();
    assert_eq!(
        warnings(&snapshot),
        [
            format!("InputSkipped: {root}/deep/loop: a link to a folder that holds it"),
            format!("InputSkipped: {root}/itself.yaml: a link that leads nowhere, or to itself"),
            format!("InputSkipped: {root}/out.yaml: a link that leaves the folder"),
            format!("InputSkipped: {root}/out: a link that leaves the folder"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn pipes_and_sockets_in_a_folder_are_left_alone_and_a_pipe_that_is_named_is_read() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("one.yaml"), manifest("a", "one").to_string()).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.yaml")).unwrap();
    let pipe = root.join("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("socket.yaml", root.join("link.yaml")).unwrap();
    let (into, text) = (pipe.clone(), manifest("a", "piped").to_string());
    let writer = std::thread::spawn(move || fs::write(into, text).unwrap()); // waits until somebody reads

    let names = |snapshot: &Snapshot| snapshot.nodes.keys().map(|key| key.name.clone()).collect::<Vec<_>>();
    let snapshot = dump(&[root.to_path_buf()]).unwrap();
    assert_eq!((names(&snapshot), snapshot.complete), (vec!["one".to_owned()], true));
    let told = |name: &str| format!("InputSkipped: {}/{name}: no regular file", root.display());
    assert_eq!(warnings(&snapshot), ["link.yaml", "pipe.json", "socket.yaml"].map(told));

    assert_eq!(names(&dump(&[pipe]).unwrap()), ["piped"]);
    writer.join().unwrap();
}

// Bad input

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

// Size

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

// Repositories

#[test]
fn a_repository_declares_objects_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let text = |name: &str| {
        format!(
            "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}}}\nspec:\n  dependsOn:\n  - name: infra\n"
        )
    };
    write("clusters/home/kustomization.yaml", "namespace: flux-system\nresources: [apps.yaml]\n");
    write("clusters/home/apps.yaml", &text("apps"));
    write("clusters/work/apps.yaml", &text("work"));
    write(".hidden/x.yaml", &text("hidden"));
    write(".git/x.yaml", &text("git"));
    write("ignored/x.yaml", &text("ignored"));
    write(".gitignore", "/ignored\n");
    write("chart/Chart.yaml", "name: chart\n");
    write("chart/templates/x.yaml", "{{- if .Values.x }}\n");
    write("other.json", "{ // a comment\n}");
    write("broken.yaml", "x: [\n");
    let snapshot = read_repository(folder.path(), None).unwrap();
    let names: Vec<_> = snapshot.nodes.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["Kustomization/hidden", "Kustomization/work", "Kustomization/flux-system/apps"]);
    let apps = &snapshot.nodes[&ks("flux-system", "apps")];
    let at = |line| Some(At { path: "clusters/home/apps.yaml".into(), line });
    assert_eq!((&apps.declared_at, &apps.depends_on[0].at, apps.live), (&at(2), &at(7), false));
    assert_eq!(apps.depends_on[0].key, ks("flux-system", "infra"));
    assert_eq!((snapshot.now, snapshot.complete), (jiff::Timestamp::UNIX_EPOCH, false));
    assert_eq!(warnings(&snapshot)[1], "InputBroken: broken.yaml:1:4: unclosed bracket '['");
    assert_eq!(snapshot.label, format!("repository {}", folder.path().display()));

    let narrowed = read_repository(folder.path(), Some("./clusters/work/")).unwrap();
    assert_eq!(narrowed.nodes.keys().map(ToString::to_string).collect::<Vec<_>>(), ["Kustomization/work"]);
    for path in ["..", "clusters/../../x", "/etc"] {
        let error = read_repository(folder.path(), Some(path)).unwrap_err();
        assert!(matches!(error, InputError::OutsideRepository { .. }), "{path}");
    }
    assert!(matches!(read_repository(folder.path(), Some("absent")), Err(InputError::NotFound { .. })));
    let file = folder.path().join("broken.yaml");
    assert!(matches!(read_repository(&file, None), Err(InputError::NotAFolder { .. })));
}

#[cfg(unix)]
#[test]
fn links_of_a_repository_are_not_followed() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), manifest("a", "outside").to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.yaml"), manifest("a", "inside").to_string()).unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink(outside.path().join("x.yaml"), folder.path().join("y.yaml")).unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    let snapshot = read_repository(folder.path(), None).unwrap();
    assert_eq!(snapshot.nodes.keys().map(ToString::to_string).collect::<Vec<_>>(), ["Kustomization/a/inside"]);
    assert!(warnings(&snapshot).contains(&"InputSkipped: 3 symbolic links are not followed".to_owned()));
    let error = read_repository(folder.path(), Some("out")).unwrap_err();
    assert!(matches!(error, InputError::OutsideRepository { .. }));
}
