//! What an object waits for, and what is said of it.

use std::time::Duration;

use super::{codes, said, state, warned};
use crate::diagnosis::{Code, State, Verdict, diagnose};
use crate::model::{Dependency, FluxInstallation, GroupKind, Node, ObjectKey, Spec};
use crate::testing::{hr, key, ks, snapshot};

/// A ResourceSet that waits for `on` and was told so.
fn set(on: ObjectKey, words: &str) -> Node {
    let mut node = ks("set").never().failing("DependencyNotReady", words);
    node.key = ObjectKey::new(GroupKind::RESOURCE_SET, "flux-system", "set");
    node.spec = Spec::ResourceSet;
    node.source = None;
    node.depends_on.push(Dependency { key: on, ready_expr: None, ready: true, at: None });
    node
}

#[test]
fn flux_operator_is_believed_where_it_finds_no_object_that_has_no_namespace() {
    let definition = ObjectKey::new(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "x.y.z");
    let words = "Retrying dependency check: dependency apiextensions.k8s.io/v1/CustomResourceDefinition/x.y.z not found: \
                 customresourcedefinitions.apiextensions.k8s.io \"x.y.z\" not found";
    let node = set(definition, words);
    let key = node.key.clone();
    let flux = said([node]);
    assert_eq!(flux.objects[&key].state, State::Blocked);
    assert_eq!(codes(&flux), [("x.y.z".to_owned(), Code::DependencyNotFound)]);
}

#[test]
fn an_entry_of_a_resource_set_without_a_namespace_is_no_object_of_the_same_name_elsewhere() {
    let words = "Retrying dependency check: dependency kustomize.toolkit.fluxcd.io/v1/Kustomization/a not found: an empty \
                 namespace may not be set when a resource name is provided";
    let node = set(ObjectKey::kustomization("", "a"), words);
    let key = node.key.clone();
    let mut flux = snapshot([node, ks("a")]);
    flux.coverage = Default::default();
    flux.coverage.cover(GroupKind::KUSTOMIZATION, "flux-system");
    let flux = diagnose(&flux);
    assert_eq!(
        (flux.objects[&key].state, codes(&flux)),
        (State::Blocked, vec![("a".to_owned(), Code::DependencyNotFound)])
    );
}

#[test]
fn an_expression_that_nobody_has_evaluated_is_no_object_out_of_sight() {
    let flux = said([
        ks("dep"),
        ks("a").on("first").on("dep").when("dep.status.x == 1").waiting_for("first"),
        ks("first"),
    ]);
    assert_eq!((state(&flux, "a"), flux.complete), (State::Unknown, true));
    assert_eq!(flux.objects[&key("a")].depends_on[1].1, Verdict::ReadyExprUnknown);
    assert!(warned(&flux).contains("ReadyExprUnknown") && !warned(&flux).contains("NotCovered"));
}

#[test]
fn an_expression_that_fails_is_tried_again_as_often_as_a_dependency_is() {
    let words = "failed to evaluate the CEL expression 'dep.status.x == 1': no such key: x";
    let flux =
        said([ks("dep"), ks("a").on("dep").when("dep.status.x == 1").failing("DependencyNotReady", words)]);
    let clock = &flux.causes[0].clock;
    assert_eq!((flux.causes[0].fault.code, clock.next_try), (Code::InvalidExpression, None));
    assert_eq!(clock.every, Some(Duration::from_secs(30)));
}

#[test]
fn a_loop_has_no_clock() {
    let failing = |node: Node| node.failing("BuildFailed", "kustomize build failed: x");
    let flux = said([failing(ks("a").on("b")), ks("b").on("a").never().waiting_for("a")]);
    let cycle = flux.causes.iter().find(|cause| cause.fault.code == Code::DependencyCycle).unwrap();
    assert_eq!(cycle.clock, Default::default());
    let build = flux.causes.iter().find(|cause| cause.fault.code == Code::BuildFailed).unwrap();
    assert!(build.clock.next_try.is_some());
}

#[test]
fn a_helm_release_without_any_chart_is_told_so_and_not_that_nobody_looked() {
    let mut node = hr("a").never();
    node.source = None;
    node.status.conditions.0.clear();
    let flux = said([node]);
    assert_eq!(codes(&flux), [("a".to_owned(), Code::NotObserved)]);
    assert!(flux.causes[0].fault.summary.contains("neither a chart nor a chartRef"));
}

#[test]
fn what_a_flux_instance_applies_is_told_from_what_a_resource_set_of_that_name_does() {
    let label = |name: &str| (format!("fluxcd.controlplane.io/{name}"), "flux".to_owned());
    let mut node = ks("a");
    node.meta.labels.extend([label("name"), label("namespace")]);
    let key = node.key.clone();
    let mut flux = snapshot([node]);
    let applier =
        |flux: &crate::model::Snapshot| diagnose(flux).objects[&key].applied_by.clone().map(|key| key.kind);
    assert_eq!(applier(&flux), Some(GroupKind::FLUX_INSTANCE));
    flux.evidence.flux = Some(FluxInstallation {
        namespace: "flux".to_owned(),
        inventory: Some(Vec::new()),
        ..FluxInstallation::default()
    });
    assert_eq!(applier(&flux), None, "its inventory does not hold it");
    let mut set = ks("flux").holds(std::slice::from_ref(&key));
    set.key = ObjectKey::new(GroupKind::RESOURCE_SET, "flux", "flux");
    set.spec = Spec::ResourceSet;
    flux.nodes.insert(set.key.clone(), set);
    assert_eq!(applier(&flux), Some(GroupKind::RESOURCE_SET));
}

#[test]
fn only_what_rights_hide_is_forbidden() {
    let mut flux = snapshot([ks("a").on("dep").waiting_for("dep")]);
    flux.coverage = Default::default();
    let verdict = |flux: &crate::model::Snapshot| diagnose(flux).objects[&key("a")].depends_on[0].1.clone();
    assert_eq!(verdict(&flux), Verdict::Unknown, "a dump without it");
    flux.coverage.deny(GroupKind::KUSTOMIZATION);
    assert_eq!(verdict(&flux), Verdict::Forbidden);
    flux.coverage.cover(GroupKind::KUSTOMIZATION, "flux-system");
    assert_ne!(verdict(&flux), Verdict::Forbidden, "another namespace is");
}

#[test]
fn a_kind_that_nobody_judges_is_in_sight_and_not_forbidden() {
    let map = ObjectKey::new(GroupKind::CONFIG_MAP, "apps", "settings");
    let node = set(map.clone(), "words of another version");
    let key = node.key.clone();
    let mut flux = snapshot([node]);
    flux.evidence.others.insert(map, Default::default());
    let flux = diagnose(&flux);
    assert_eq!((flux.objects[&key].state, flux.complete), (State::Unknown, true));
    assert_eq!(flux.objects[&key].depends_on[0].1, Verdict::Unknown);
    assert!(warned(&flux).contains("NotJudged") && !warned(&flux).contains("NotCovered"));
}
