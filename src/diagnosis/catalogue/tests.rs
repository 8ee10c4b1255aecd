//! What holds for the catalogue as a whole.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::testkit::*;
use super::*;
use crate::diagnosis::Code;
use crate::model::{Condition, ConditionStatus, Snapshot};

/// Codes that the walk finds by itself, not from a controller's words.
const OF_THE_WALK: [Code; 11] = [
    Code::DependencyNotFound,
    Code::DependencyCycle,
    Code::DependencySuspended,
    Code::ReadyExprFalse,
    Code::NotApplied,
    Code::SourceNotFound,
    Code::SourceStale,
    Code::Overdue,
    Code::ControllerNotRunning,
    Code::NotObserved,
    Code::ShardUnserved,
];

/// One failure for each code of the catalogue, in the words of real controllers.
const EXAMPLES: &[(Code, &str, &str, &str)] = &[
    (
        Code::InvalidExpression,
        "ks",
        "DependencyNotReady",
        "failed to evaluate the CEL expression 'dep.kind == 'Kustomization'': no such key: kind",
    ),
    (
        Code::AccessDenied,
        "ks",
        "AccessDenied",
        "can't access 'ExternalArtifact/sources/missing', ExternalArtifact feature gate is disabled",
    ),
    (
        Code::ArtifactUnreachable,
        "ks",
        "ArtifactFailed",
        "failed to download archive: GET http://127.0.0.1:18083/x.tar.gz giving up after 10 attempt(s): Get \"http://127.0.0.1:18083/x.tar.gz\": dial tcp 127.0.0.1:18083: connect: connection refused",
    ),
    (
        Code::PathNotFound,
        "ks",
        "ArtifactFailed",
        "kustomization path not found: stat /tmp/kustomization-3957215096/nowhere: no such file or directory",
    ),
    (Code::SopsSecretNotFound, "sops", "BuildFailed", "secrets \"sops-age\" not found"),
    (
        Code::SopsSecretKeyName,
        "sops",
        "BuildFailed",
        "decryption failed for 'Secret.v1.[noGrp]/keyname': failed to decrypt and format 'a/keyname' Secret data: cannot get sops data key: Failed\n\nGroup 0: FAILED\n  age12pejw4: FAILED\n    - | failed to load age identities. Did not find keys in\n      | locations 'SOPS_AGE_KEY'",
    ),
    (
        Code::SopsKeyInvalid,
        "sops",
        "BuildFailed",
        "failed to import 'age.agekey' data from sops decryption Secret 'sopsfail/malformed': failed to parse and add to age identities: malformed secret key: invalid character data part: s[1]=111",
    ),
    (
        Code::SopsKeyMismatch,
        "sops",
        "BuildFailed",
        "error decrypting sources: cannot get sops data key: Failed\n\nGroup 0: FAILED\n  age1ak02: FAILED\n    - | failed to create reader for decrypting sops data key with\n      | age: no identity matched any of the recipients",
    ),
    (
        Code::SopsNotConfigured,
        "ks",
        "ReconciliationFailed",
        "Secret/sopsdata/b is SOPS encrypted, configuring decryption is required for this secret to be reconciled",
    ),
    (
        Code::SopsFailed,
        "sops",
        "BuildFailed",
        "decryption failed for 'Secret.v1.[noGrp]/tampered': failed to decrypt and format 'sopsfail/tampered' Secret data: error decrypting sops tree: Error walking tree: Could not decrypt value: Could not decrypt with AES_GCM: cipher: message authentication failed",
    ),
    (
        Code::BuildFailed,
        "ks",
        "BuildFailed",
        "post build failed for 'ConfigMap.v1.[noGrp]/subst': envsubst error: variable substitution failed: variable not set (strict mode): \"DOMAIN\"",
    ),
    (
        Code::CrdMissing,
        "ks",
        "ReconciliationFailed",
        "ServiceMonitor/applyerr/m dry-run failed: no matches for kind \"ServiceMonitor\" in version \"monitoring.coreos.com/v1\"\n",
    ),
    (
        Code::ApiVersionNotServed,
        "ks",
        "ReconciliationFailed",
        "Kustomization/applyerr/old dry-run failed: no matches for kind \"Kustomization\" in version \"kustomize.toolkit.fluxcd.io/v1beta1\"\n",
    ),
    (
        Code::NamespaceNotFound,
        "ks",
        "ReconciliationFailed",
        "ConfigMap/nowhere/a not found: namespaces \"nowhere\" not found\n",
    ),
    (
        Code::NamespaceTerminating,
        "ks",
        "ReconciliationFailed",
        "ConfigMap/extra-gone/x dry-run failed (Forbidden): configmaps \"x\" is forbidden: unable to create new content in namespace extra-gone because it is being terminated\n",
    ),
    (
        Code::WebhookUnavailable,
        "ks",
        "ReconciliationFailed",
        "ConfigMap/applyerr/hooked dry-run failed (InternalError): Internal error occurred: failed calling webhook \"guard.example.com\": failed to call webhook: Post \"https://guard.guard-system.svc:443/?timeout=2s\": service \"guard\" not found\n",
    ),
    (
        Code::ApiServiceUnavailable,
        "ks",
        "ReconciliationFailed",
        "Thing/extra/t dry-run failed (ServiceUnavailable): failed to get API group resources: unable to retrieve the complete list of server APIs: metrics.example.com/v1beta1: the server is currently unable to handle the request\n",
    ),
    (
        Code::Forbidden,
        "hr",
        "StateError",
        "Could not determine release state: failed to retrieve last release from storage: query: failed to query with labels: secrets is forbidden: User \"system:serviceaccount:helm:missing\" cannot list resource \"secrets\" in API group \"\" in the namespace \"helm\"",
    ),
    (
        Code::AdmissionDenied,
        "ks",
        "ReconciliationFailed",
        "ConfigMap/applyerr/denied dry-run failed (Invalid): configmaps \"denied\" is forbidden: ValidatingAdmissionPolicy 'nodeny' with binding 'nodeny' denied request: team label is required\n",
    ),
    (
        Code::ImmutableField,
        "ks",
        "ReconciliationFailed",
        "Job/applyerr/migrate dry-run failed (Invalid): Job.batch \"migrate\" is invalid: spec.template: Invalid value: {}: field is immutable\n",
    ),
    (
        Code::FieldConflict,
        "ks",
        "ReconciliationFailed",
        "Deployment/a/web apply failed: Apply failed with 1 conflict: conflict with \"kubectl-edit\" using apps/v1: .spec.replicas",
    ),
    (
        Code::QuotaExceeded,
        "ks",
        "ReconciliationFailed",
        "Pod/a/b dry-run failed (Forbidden): pods \"b\" is forbidden: exceeded quota: compute, requested: limits.cpu=2, used: limits.cpu=4, limited: limits.cpu=5",
    ),
    (
        Code::InvalidObject,
        "ks",
        "ReconciliationFailed",
        "ConfigMap/a namespace not specified: the server could not find the requested resource\n",
    ),
    (
        Code::ApplyFailed,
        "ks",
        "ReconciliationFailed",
        "Deployment/a/web dry-run failed: etcdserver: request timed out",
    ),
    (
        Code::HealthCheckFailed,
        "ks",
        "HealthCheckFailed",
        "health check failed after 30.004834913s: timeout waiting for: [Deployment/health/web status: 'InProgress']",
    ),
    (
        Code::DeletionStuck,
        "ks",
        "HealthCheckFailed",
        "health check failed after 30s: timeout waiting for: [Thing/x/y status: 'Terminating']",
    ),
    (
        Code::HelmInstallFailed,
        "hr",
        "InstallFailed",
        "Helm install failed for release helm/failtpl with chart failtpl@1.0.0: execution error at (failtpl/templates/f.yaml:1:3): storageClass is required",
    ),
    (
        Code::HelmUpgradeFailed,
        "hr",
        "UpgradeFailed",
        "Helm upgrade failed for release helm/upfail with chart up@2.0.0: context deadline exceeded",
    ),
    (
        Code::HelmTestFailed,
        "hr",
        "TestFailed",
        "Helm test failed for release helm/tested.v1 with chart tested@1.0.0: timeout waiting for: [Pod/helm/tested-test status: 'InProgress']",
    ),
    (
        Code::HelmUninstallFailed,
        "hr",
        "UninstallFailed",
        "Helm uninstall failed for release helm/x.v1 with chart x@1.0.0: context deadline exceeded",
    ),
    (
        Code::HelmValuesMissing,
        "hr",
        "ValuesError",
        "could not resolve ConfigMap chart values reference 'helm/vals' with key 'prod.yaml': key not found",
    ),
    (Code::PruneFailed, "ks", "PruneFailed", "Thing/x/y delete failed: admission is down"),
    (
        Code::ClusterUnreachable,
        "remote",
        "ReconciliationFailed",
        "unable to read KubeConfig secret 'applyerr/missing' error: secrets \"missing\" not found",
    ),
];

fn example_node(kind: &str) -> Node {
    match kind {
        "hr" => hr("helm/x"),
        "sops" => encrypted("a/x", Some("keys")),
        "remote" => ks("a/x").on_remote_cluster(),
        _ => ks("a/x"),
    }
}

/// A world that decides what words alone do not.
fn example_world() -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.evidence.secrets.insert(key(GroupKind::SECRET, "a/keys"), secret(&["age.key"]));
    let held = crate::model::Meta { finalizers: vec!["example.com/x".to_owned()], ..Default::default() };
    snapshot.evidence.others.insert(key(GroupKind::new("example.com", "Thing"), "x/y"), held);
    snapshot
}

#[test]
fn every_code_of_the_catalogue_is_reached() {
    let snapshot = example_world();
    let mut reached: BTreeSet<Code> = OF_THE_WALK.into();
    for (code, kind, reason, message) in EXAMPLES {
        let node = example_node(kind);
        let fault = match leads(&Failure { node: &node, reason, message, snapshot: &snapshot }).as_slice() {
            [Lead::Fault(fault)] => fault.clone(),
            other => panic!("{code:?}: {other:?}"),
        };
        assert_eq!(fault.code, *code, "{message}");
        reached.insert(fault.code);
    }
    reached.insert(source_fault(&source(GroupKind::GIT_REPOSITORY, "a/b", ""), &snapshot).code);
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !reached.contains(code)).collect();
    assert!(missing.is_empty(), "no example leads to {missing:?}");
}

#[test]
fn every_answer_has_evidence_and_something_to_do() {
    let snapshot = example_world();
    for (code, kind, reason, message) in EXAMPLES {
        let node = example_node(kind);
        for lead in leads(&Failure { node: &node, reason, message, snapshot: &snapshot }) {
            let Lead::Fault(fault) = lead else { continue };
            assert!(!fault.evidence.is_empty(), "{code:?}");
            assert!(fault.remedies.len() <= 3, "{code:?}");
            let odd = matches!(code, Code::SopsFailed | Code::ApplyFailed | Code::PruneFailed);
            assert!(odd || !fault.remedies.is_empty(), "{code:?} has no remedy");
            assert!(!fault.summary.ends_with('.'), "{}", fault.summary);
        }
    }
}

fn any_reason() -> impl Strategy<Value = String> {
    let known = EXAMPLES.iter().map(|(_, _, reason, _)| (*reason).to_owned()).collect::<Vec<_>>();
    prop_oneof![4 => proptest::sample::select(known), 1 => any::<String>()]
}

/// Anything at all, and the words of controllers cut off, joined and defaced.
fn any_message() -> impl Strategy<Value = String> {
    let words =
        proptest::sample::select(EXAMPLES.iter().map(|(_, _, _, message)| *message).collect::<Vec<_>>());
    let cut =
        (words.clone(), any::<proptest::sample::Index>(), any::<String>()).prop_map(|(words, at, tail)| {
            let kept: String = words.chars().take(at.index(words.chars().count() + 1)).collect();
            format!("{kept}{tail}")
        });
    let joined = proptest::collection::vec(words, 1..3).prop_map(|all| all.join("': \""));
    prop_oneof![any::<String>(), cut, joined]
}

fn is_fit(fault: &Fault) -> bool {
    let clean = |text: &str| !text.chars().any(char::is_control);
    let evidence = fault.evidence.iter().all(|quote| clean(&quote.text) && quote.text.chars().count() <= 1300);
    let remedies = fault.remedies.iter().all(|remedy| {
        clean(&remedy.text) && !remedy.text.is_empty() && remedy.command.as_deref().is_none_or(clean)
    });
    let summary = !fault.summary.is_empty() && clean(&fault.summary) && fault.summary.chars().count() <= 300;
    summary && evidence && remedies && fault.remedies.len() <= 3
}

proptest! {
    #[test]
    fn no_message_goes_without_a_fit_answer(
        reason in any_reason(),
        message in any_message(),
        kind in proptest::sample::select(vec!["ks", "hr", "sops", "remote"]),
    ) {
        let (node, snapshot) = (example_node(kind), example_world());
        let found = leads(&Failure { node: &node, reason: &reason, message: &message, snapshot: &snapshot });
        prop_assert!(!found.is_empty());
        for lead in found {
            if let Lead::Fault(fault) = lead {
                prop_assert!(is_fit(&fault), "{fault:?}");
            }
        }
    }

    #[test]
    fn no_source_goes_without_a_fit_answer(reason in any_reason(), message in any_message(), url in any::<String>()) {
        let mut broken = source(GroupKind::HELM_REPOSITORY, "a/b", &url);
        broken.conditions.0.push(Condition {
            reason,
            message,
            ..condition("Ready", ConditionStatus::False, "", "")
        });
        prop_assert!(is_fit(&source_fault(&broken, &Snapshot::default())));
    }
}
