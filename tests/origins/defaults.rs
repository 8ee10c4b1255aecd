//! What the controllers fill in where a spec leaves it out.

use std::time::Duration;

use kubectl_fluxlayers::model::{Dependency, GroupKind, ObjectKey, Revision};

use crate::support::{hr, key, ks, stdin, warnings};

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
