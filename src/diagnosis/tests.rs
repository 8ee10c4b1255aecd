//! Each special situation of the controllers (flux-semantics §3.4) and each trap (§11) that bears on a state.

use std::collections::BTreeSet;

use super::{Code, Diagnosis, State, Verdict, diagnose};
use crate::model::{ConditionStatus, Event, GroupKind, Node, ObjectKey, Revision, Snapshot};
use crate::testing::{OLD, REVISION, condition, hr, key, ks, minutes_ago, snapshot, source, source_key};

mod one;
mod plan;
mod properties;
mod sources;
mod waits;

fn said(nodes: impl IntoIterator<Item = Node>) -> Diagnosis {
    diagnose(&snapshot(nodes))
}

fn state(diagnosis: &Diagnosis, name: &str) -> State {
    diagnosis.objects[&key(name)].state
}

fn verdict(diagnosis: &Diagnosis, name: &str) -> Verdict {
    diagnosis.objects[&key(name)].depends_on[0].1.clone()
}

fn codes(diagnosis: &Diagnosis) -> Vec<(String, Code)> {
    diagnosis.causes.iter().map(|cause| (cause.fault.object.name.clone(), cause.fault.code)).collect()
}

fn blocked_by(diagnosis: &Diagnosis, name: &str) -> Vec<String> {
    diagnosis.objects[&key(name)].blocked_by.iter().map(|key| key.name.clone()).collect()
}

fn warned(diagnosis: &Diagnosis) -> BTreeSet<&'static str> {
    diagnosis.warnings.iter().map(|warning| warning.code).collect()
}

// --- flux-semantics §3.4 --------------------------------------------------------------------------------------------

#[test]
fn a_missing_dependency_blocks_for_ever() {
    let words = "dependency 'flux-system/gone' not found: kustomizations.kustomize.toolkit.fluxcd.io \"gone\" not found";
    let flux = said([ks("a").on("gone").never().failing("DependencyNotReady", words)]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Blocked, Verdict::NotFound));
    assert_eq!(codes(&flux), [("gone".to_owned(), Code::DependencyNotFound)]);
    assert_eq!(flux.layering.missing[&key("gone")], [key("a")]);
}

#[test]
fn an_object_that_depends_on_itself_is_a_cycle_of_one() {
    let flux = said([ks("a").on("a").never().waiting_for("a")]);
    assert_eq!(state(&flux, "a"), State::Blocked);
    assert_eq!(blocked_by(&flux, "a"), ["a"]);
    assert_eq!(codes(&flux), [("a".to_owned(), Code::DependencyCycle)]);
}

#[test]
fn a_mutual_dependency_from_scratch_is_one_cause_that_all_members_hold() {
    let flux = said([
        ks("b").on("a").never().waiting_for("a"),
        ks("a").on("b").never().waiting_for("b"),
        ks("c").on("b").never().waiting_for("b"),
    ]);
    for name in ["a", "b", "c"] {
        assert_eq!(
            (state(&flux, name), blocked_by(&flux, name)),
            (State::Blocked, vec!["a".to_owned()]),
            "{name}"
        );
    }
    assert_eq!(flux.causes.len(), 1);
    assert_eq!(flux.causes[0].affected, [key("a"), key("b")]);
    assert_eq!(flux.causes[0].blocks, 3);
}

#[test]
fn a_cycle_of_ready_objects_is_a_cause_before_it_stops_anything() {
    let flux = said([ks("a").on("b"), ks("b").on("a")]);
    assert_eq!((state(&flux, "a"), state(&flux, "b")), (State::Ready, State::Ready));
    assert_eq!(codes(&flux), [("a".to_owned(), Code::DependencyCycle)]);
}

#[test]
fn trap_25_a_cycle_on_one_source_starves_its_healthy_neighbours() {
    let flux = said([
        ks("a").on("b").never().waiting_for("b"),
        ks("b").on("a").never().waiting_for("a"),
        ks("neighbour").at(OLD),
    ]);
    assert_eq!(state(&flux, "neighbour"), State::Progressing);
    assert!(warned(&flux).contains("SourceEventsLost"));
}

#[test]
fn a_suspended_dependency_that_is_ready_counts_as_ready() {
    let flux = said([ks("dep").suspended(), ks("a").on("dep")]);
    assert_eq!((state(&flux, "dep"), state(&flux, "a")), (State::Suspended, State::Ready));
    assert_eq!(verdict(&flux, "a"), Verdict::Ready);
    assert!(flux.causes.is_empty());
}

#[test]
fn a_suspended_dependency_whose_spec_was_edited_meanwhile_still_counts_as_ready() {
    // The finish hook advances observedGeneration; the Ready condition's own stays one behind.
    let mut dep = ks("dep").suspended().edited();
    dep.status.observed_generation = Some(2);
    let flux = said([dep, ks("a").on("dep")]);
    assert_eq!(verdict(&flux, "a"), Verdict::Ready);
}

#[test]
fn a_suspended_dependency_behind_the_shared_source_blocks() {
    let words = "dependency 'flux-system/dep' revision is not up to date";
    let flux =
        said([ks("dep").suspended().at(OLD), ks("a").on("dep").at(OLD).failing("DependencyNotReady", words)]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Blocked, Verdict::RevisionBehind));
    assert_eq!(codes(&flux), [("dep".to_owned(), Code::DependencySuspended)]);
    let summary = &flux.causes[0].fault.summary;
    assert_eq!(summary, "dep is suspended at main@a41f9c3, and its source is at main@8c1d22e");
}

#[test]
fn a_suspended_dependency_on_another_source_may_be_at_any_revision() {
    let mut dep = ks("dep").suspended().at(OLD);
    dep.source = Some(ObjectKey::new(GroupKind::GIT_REPOSITORY, "other", "repo"));
    let flux = said([dep, ks("a").on("dep")]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Ready, Verdict::Ready));
}

#[test]
fn a_dependency_suspended_since_its_creation_is_never_ready() {
    let mut dep = ks("dep").suspended().never();
    dep.status.conditions.0.clear();
    let flux = said([dep, ks("a").on("dep").never().waiting_for("dep")]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Blocked, Verdict::NotObserved));
    assert_eq!(codes(&flux), [("dep".to_owned(), Code::DependencySuspended)]);
}

#[test]
fn trap_15_a_terminating_dependency_is_not_ready_while_its_controller_finalizes_it() {
    let mut dep = ks("dep").edited();
    dep.meta.deleted = Some(minutes_ago(1));
    dep.meta.finalizers.push("finalizers.fluxcd.io".to_owned());
    let flux = said([dep, ks("a").on("dep").waiting_for("dep")]);
    assert_eq!(verdict(&flux, "a"), Verdict::NotObserved);
    assert_eq!((state(&flux, "dep"), state(&flux, "a")), (State::Progressing, State::Progressing));
    assert!(flux.causes.is_empty());
}

#[test]
fn a_deletion_that_is_held_is_a_cause_when_something_waits_for_it() {
    let mut dep = ks("dep").edited();
    dep.meta.deleted = Some(minutes_ago(30));
    dep.meta.finalizers.push("finalizers.fluxcd.io".to_owned());
    let flux = said([dep, ks("a").on("dep").waiting_for("dep")]);
    assert_eq!(state(&flux, "a"), State::Blocked);
    assert_eq!(codes(&flux), [("dep".to_owned(), Code::DeletionStuck)]);
    assert!(!warned(&flux).contains("DeletionStuck"), "a cause is not warned of as well");
}

#[test]
fn a_terminating_dependency_that_only_a_foreign_finalizer_holds_is_ready_again() {
    let mut dep = ks("dep").edited();
    dep.meta.deleted = Some(minutes_ago(30));
    dep.meta.finalizers.push("example.com/hold".to_owned());
    dep.status.observed_generation = Some(2);
    let flux = said([dep, ks("a").on("dep")]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Ready, Verdict::Ready));
    assert!(flux.causes.is_empty());
    assert!(warned(&flux).contains("DeletionStuck"));
}

#[test]
fn trap_3_a_dependency_that_is_running_again_makes_nothing_blocked() {
    let flux =
        said([ks("dep").running(0), ks("a").on("dep").waiting_for("dep"), ks("b").on("a").waiting_for("a")]);
    for name in ["dep", "a", "b"] {
        assert_eq!(state(&flux, name), State::Progressing, "{name}");
    }
    assert!(flux.causes.is_empty());
}

#[test]
fn a_dependency_whose_source_fails_is_fine_as_long_as_it_is_ready_at_the_last_artifact() {
    let mut flux = snapshot([ks("dep"), ks("a").on("dep")]);
    let mut failing = source();
    failing.conditions.0 = vec![condition("Ready", ConditionStatus::False, "GitOperationFailed", "no route")];
    failing.conditions.0[0].since = Some(minutes_ago(2));
    flux.sources.insert(source_key(), failing);
    let flux = diagnose(&flux);
    assert_eq!((state(&flux, "dep"), state(&flux, "a")), (State::Ready, State::Ready));
    assert!(flux.causes.is_empty());
    assert!(warned(&flux).contains("SourceStale"));
}

#[test]
fn a_source_that_has_failed_for_ten_minutes_is_a_cause_and_its_users_stay_ready() {
    let mut flux = snapshot([ks("dep"), ks("a").on("dep")]);
    let mut failing = source();
    failing.conditions.0 = vec![condition("Ready", ConditionStatus::False, "GitOperationFailed", "no route")];
    flux.sources.insert(source_key(), failing);
    let flux = diagnose(&flux);
    assert_eq!((state(&flux, "dep"), state(&flux, "a")), (State::Ready, State::Ready));
    assert_eq!(codes(&flux), [("repo".to_owned(), Code::SourceStale)]);
    assert_eq!(flux.causes[0].affected, [key("a"), key("dep")]);
}

#[test]
fn a_source_that_fetches_for_longer_than_any_fetch_takes_is_overdue() {
    let mut flux = snapshot([ks("a")]);
    let mut fetching = source();
    fetching.conditions.0 =
        vec![condition("Ready", ConditionStatus::Unknown, "Progressing", "building artifact")];
    flux.sources.insert(source_key(), fetching);
    let flux = diagnose(&flux);
    assert_eq!(state(&flux, "a"), State::Ready);
    assert_eq!(codes(&flux), [("repo".to_owned(), Code::SourceStale)]);
    assert_eq!(flux.causes[0].affected, [key("a")]);
}

#[test]
fn a_helm_release_of_that_name_is_no_dependency_of_a_kustomization() {
    let flux = said([hr("database"), ks("a").on("database").never().waiting_for("database")]);
    assert_eq!(verdict(&flux, "a"), Verdict::NotFound);
    assert!(
        flux.causes[0].fault.summary.contains("HelmRelease flux-system/database"),
        "{}",
        flux.causes[0].fault.summary
    );
}

#[test]
fn a_remote_dependency_is_judged_by_its_object_here() {
    let mut dep = ks("dep");
    dep.remote = true;
    let flux = said([dep, ks("a").on("dep")]);
    assert_eq!(verdict(&flux, "a"), Verdict::Ready);
}

// --- flux-semantics §11, the traps ----------------------------------------------------------------------------------

#[test]
fn trap_1_a_dependency_that_fails_later_does_not_flip_its_dependents() {
    let flux = said([ks("dep").failing("BuildFailed", "x"), ks("a").on("dep")]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Ready, Verdict::NotReady));
}

#[test]
fn trap_2_ready_of_an_old_generation_or_revision_is_not_ready() {
    let flux = said([ks("edited").edited(), ks("behind").at(OLD)]);
    assert_eq!(state(&flux, "edited"), State::Unknown);
    assert_eq!(state(&flux, "behind"), State::Progressing);
}

#[test]
fn an_edit_of_less_than_a_minute_ago_is_progress() {
    let mut node = ks("a").edited();
    node.meta.edited = Some(minutes_ago(0));
    assert_eq!(state(&said([node]), "a"), State::Progressing);
}

#[test]
fn trap_4_progressing_with_retry_beside_ready_false_is_a_failure() {
    let mut node = ks("a").failing("BuildFailed", "kustomize build failed");
    node.status.conditions.0.push(condition(
        "Reconciling",
        ConditionStatus::True,
        "ProgressingWithRetry",
        "Building",
    ));
    let flux = said([node]);
    assert_eq!(state(&flux, "a"), State::Failed);
}

#[test]
fn trap_4_a_retry_that_runs_is_a_failure_that_is_retrying() {
    let mut flux = snapshot([ks("a").running(0).ran("HealthCheckFailed", 2)]);
    let failed = |reason: &str, warning| Event {
        warning,
        reason: reason.to_owned(),
        message: "health check failed after 30s: timeout waiting for: [Deployment/x/y status: 'InProgress']"
            .to_owned(),
        first: Some(minutes_ago(2)),
        last: Some(minutes_ago(2)),
        revision: Some(Revision(REVISION.to_owned())),
    };
    flux.evidence.events.insert(key("a"), vec![failed("HealthCheckFailed", true)]);
    let report = diagnose(&flux).objects[&key("a")].clone();
    assert_eq!((report.state, report.retrying), (State::Failed, true));
    // Of another revision it is a new try.
    flux.evidence.events.get_mut(&key("a")).unwrap()[0].revision = Some(Revision(OLD.to_owned()));
    flux.nodes.get_mut(&key("a")).unwrap().status.history.clear();
    assert_eq!(diagnose(&flux).objects[&key("a")].state, State::Progressing);
}

#[test]
fn a_release_that_never_came_up_is_failed_between_two_tries_as_well() {
    let words = "Helm install failed for release helm-chain/migration with chart schema@1.0.0: values don't meet the \
        specifications of the schema(s)";
    let mut node = hr("a").never().running(0);
    node.status.failed_generation = Some(node.meta.generation);
    let mut flux = snapshot([node, hr("b").on("a").never().waiting_for("a")]);
    let (chart, revision) = (source_key(), Revision(REVISION.to_owned()));
    flux.nodes.get_mut(&hr("a").key).unwrap().source = Some(chart);
    let event = Event {
        warning: true,
        reason: "InstallFailed".to_owned(),
        message: words.to_owned(),
        first: Some(minutes_ago(2)),
        last: Some(minutes_ago(2)),
        revision: Some(revision),
    };
    flux.evidence.events.insert(hr("a").key, vec![event]);
    let found = diagnose(&flux);
    let report = &found.objects[&hr("a").key];
    assert_eq!((report.state, report.retrying), (State::Failed, true));
    assert_eq!(found.objects[&hr("b").key].state, State::Blocked);
    // A new generation is a new try.
    flux.nodes.get_mut(&hr("a").key).unwrap().status.failed_generation = None;
    assert_eq!(diagnose(&flux).objects[&hr("a").key].state, State::Progressing);
}

#[test]
fn a_run_after_a_success_of_the_same_revision_is_no_retry() {
    let flux = said([ks("a").running(0).ran("ReconciliationSucceeded", 1).ran("HealthCheckFailed", 30)]);
    assert_eq!(state(&flux, "a"), State::Progressing);
}

#[test]
fn trap_6_a_suspended_object_is_suspended_whatever_its_generations_say() {
    let flux = said([ks("a").suspended().edited(), ks("b").suspended().failing("BuildFailed", "x")]);
    assert_eq!((state(&flux, "a"), state(&flux, "b")), (State::Suspended, State::Suspended));
}

#[test]
fn trap_8_dependencies_and_source_are_both_explained() {
    let mut flux = snapshot([ks("a")
        .on("gone")
        .never()
        .failing("ArtifactFailed", "Source artifact not found, retrying in 30s")]);
    let mut empty = source();
    empty.artifact = None;
    empty.conditions.0 = vec![condition("Ready", ConditionStatus::False, "GitOperationFailed", "no route")];
    flux.sources.insert(source_key(), empty);
    let flux = diagnose(&flux);
    assert_eq!(state(&flux, "a"), State::Blocked);
    assert_eq!(blocked_by(&flux, "a"), ["gone", "repo"]);
}

#[test]
fn trap_5_a_suspended_dependency_counts_as_ready_until_the_next_commit() {
    let pair = |revision: &str| {
        let words = "dependency 'flux-system/dep' revision is not up to date";
        let waiting = ks("a").on("dep").failing("DependencyNotReady", words);
        said([ks("dep").suspended().at(revision), waiting])
    };
    assert_eq!(verdict(&pair(REVISION), "a"), Verdict::Ready);
    let flux = pair(OLD);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Blocked, Verdict::RevisionBehind));
    assert_eq!(codes(&flux), [("dep".to_owned(), Code::DependencySuspended)]);
}

#[test]
fn trap_10_behind_for_a_moment_after_a_push_is_progress_and_no_root_cause() {
    let words = "dependency 'flux-system/dep' revision is not up to date";
    let flux = said([ks("dep").at(OLD), ks("a").on("dep").at(OLD).failing("DependencyNotReady", words)]);
    assert_eq!((state(&flux, "dep"), state(&flux, "a")), (State::Progressing, State::Progressing));
    assert!(flux.causes.is_empty());
}

#[test]
fn trap_14_equal_names_in_other_namespaces_and_kinds_are_other_objects() {
    let mut other = ks("a");
    other.key.namespace = "apps".to_owned();
    let flux = said([ks("a").failing("BuildFailed", "x"), other, hr("a")]);
    assert_eq!(flux.objects.len(), 3);
    assert_eq!(state(&flux, "a"), State::Failed);
    assert_eq!(flux.objects[&ObjectKey::kustomization("apps", "a")].state, State::Ready);
}

#[test]
fn trap_16_never_looked_at_is_unknown_and_a_cause_for_what_waits() {
    let mut new = ks("new").never();
    new.status.conditions.0.clear();
    let flux = said([new.clone(), ks("a").on("new").never().waiting_for("new")]);
    assert_eq!((state(&flux, "new"), state(&flux, "a")), (State::Unknown, State::Blocked));
    assert_eq!(codes(&flux), [("new".to_owned(), Code::NotObserved)]);
    new.meta.created = Some(minutes_ago(0));
    assert_eq!(state(&said([new]), "new"), State::Progressing);
}

#[test]
fn trap_16_a_shard_label_that_nobody_selects_is_named() {
    let mut new = ks("new").never();
    new.status.conditions.0.clear();
    new.meta.labels.insert("sharding.fluxcd.io/key".to_owned(), "shard1".to_owned());
    assert_eq!(codes(&said([new])), [("new".to_owned(), Code::ShardUnserved)]);
}

#[test]
fn trap_17_a_stale_stalled_condition_does_not_make_a_waiting_kustomization_fail() {
    let mut node = ks("a").on("dep").failing("DependencyNotReady", "dependency 'flux-system/dep' is not ready");
    node.status.conditions.0.push(condition("Stalled", ConditionStatus::True, "InvalidCELExpression", "old"));
    let flux = said([node, ks("dep").running(0)]);
    assert_eq!(state(&flux, "a"), State::Progressing);
    assert!(!flux.objects[&key("a")].stalled);
}

#[test]
fn trap_18_access_denied_leaves_the_observed_generation_behind_and_is_a_failure() {
    let mut node = ks("a").never().failing(
        "AccessDenied",
        "can't access 'GitRepository/x/y', cross-namespace references have been blocked",
    );
    node.status.conditions.0.push(condition("Stalled", ConditionStatus::True, "AccessDenied", "x"));
    let flux = said([node]);
    assert_eq!((state(&flux, "a"), flux.objects[&key("a")].stalled), (State::Failed, true));
}

#[test]
fn trap_19_a_helm_release_after_a_successful_rollback_has_failed_and_is_stalled() {
    let mut node = hr("a").failing("RollbackSucceeded", "Helm rollback succeeded");
    node.status.conditions.0.push(condition(
        "Stalled",
        ConditionStatus::True,
        "RetriesExceeded",
        "Failed to upgrade",
    ));
    node.status.conditions.0.push(condition(
        "Released",
        ConditionStatus::False,
        "UpgradeFailed",
        "Helm upgrade failed",
    ));
    let flux = said([node]);
    let report = &flux.objects[&ObjectKey::helm_release("flux-system", "a")];
    assert_eq!((report.state, report.stalled), (State::Failed, true));
}

#[test]
fn trap_21_an_oci_helm_repository_without_status_is_healthy() {
    let mut flux = snapshot([]);
    let mut oci = source();
    oci.key = ObjectKey::new(GroupKind::HELM_REPOSITORY, "flux-system", "oci");
    oci.oci = true;
    oci.artifact = None;
    oci.observed_generation = None;
    oci.conditions.0.clear();
    flux.sources.insert(oci.key.clone(), oci.clone());
    assert_eq!(diagnose(&flux).sources[&oci.key].state, State::Ready);
}

/// Two other controllers are there, and all Deployments of Flux were listed.
fn without_kustomize_controller(mut flux: Snapshot) -> Snapshot {
    for name in ["helm-controller", "source-controller"] {
        let mut workload = crate::model::Workload { wanted: 1, available: 1, ..Default::default() };
        workload.meta.labels.insert("app.kubernetes.io/part-of".to_owned(), "flux".to_owned());
        flux.evidence.workloads.insert(ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", name), workload);
    }
    flux.coverage.cover_controllers(None);
    flux
}

#[test]
fn a_controller_that_does_not_exist_is_the_cause_of_what_waits_for_it() {
    let mut new = ks("new").never();
    new.status.conditions.0.clear();
    let found = diagnose(&without_kustomize_controller(snapshot([new])));
    let causes: Vec<String> =
        found.causes.iter().map(|cause| format!("{} {:?}", cause.fault.object, cause.fault.code)).collect();
    assert_eq!(causes, ["Deployment/flux-system/kustomize-controller ControllerNotRunning"]);
    assert_eq!(found.causes[0].affected.len(), 1);
}

#[test]
fn a_controller_that_does_not_exist_is_a_warning_while_nothing_waits() {
    let found = diagnose(&without_kustomize_controller(snapshot([ks("well")])));
    assert!(found.causes.is_empty());
    let warnings: Vec<&str> = found.warnings.iter().map(|warning| warning.text.as_str()).collect();
    assert_eq!(
        warnings,
        ["kustomize-controller is not installed in flux-system: nothing of its kinds runs again"]
    );
}

#[test]
fn trap_22_a_kustomization_that_has_not_run_for_twice_its_interval_is_overdue_and_stays_ready() {
    let flux = said([ks("a").ran("ReconciliationSucceeded", 30)]);
    assert_eq!(state(&flux, "a"), State::Ready);
    assert_eq!(codes(&flux), [("a".to_owned(), Code::Overdue)]);
    assert!(said([ks("a").ran("ReconciliationSucceeded", 20)]).causes.is_empty());
}

#[test]
fn trap_23_ready_expr_replaces_the_built_in_check() {
    let flux = said([ks("dep").failing("BuildFailed", "x"), ks("a").on("dep").when("true")]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Ready, Verdict::Ready));
}

#[test]
fn trap_23_with_the_additive_gate_the_built_in_check_counts_as_well() {
    let mut flux = snapshot([ks("dep").failing("BuildFailed", "x"), ks("a").on("dep").when("true")]);
    let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", "kustomize-controller");
    let mut workload = crate::model::Workload { wanted: 1, available: 1, ..Default::default() };
    workload.meta.labels.insert("app.kubernetes.io/part-of".to_owned(), "flux".to_owned());
    workload.args.push("--feature-gates=AdditiveCELDependencyCheck=true".to_owned());
    flux.evidence.workloads.insert(deployment, workload);
    assert_eq!(verdict(&diagnose(&flux), "a"), Verdict::NotReady);
}

#[test]
fn ready_expr_false_over_a_ready_dependency_is_a_cause_and_over_a_failing_one_a_way_on() {
    let words = "dependency 'flux-system/dep' is not ready according to readyExpr eval";
    let waiting = || ks("a").on("dep").when("false").failing("DependencyNotReady", words);
    let flux = said([ks("dep"), waiting()]);
    assert_eq!(codes(&flux), [("dep".to_owned(), Code::ReadyExprFalse)]);
    let flux = said([ks("dep").on("gone").waiting_for("gone"), waiting()]);
    assert_eq!(blocked_by(&flux, "a"), ["gone"]);
}

#[test]
fn ready_expr_that_was_not_reached_is_unknown_and_one_that_was_passed_is_ready() {
    let entries = || ks("a").on("first").when("x").on("second").when("y");
    let stopped_at = |name: &str| {
        entries().failing(
            "DependencyNotReady",
            &format!("dependency 'flux-system/{name}' is not ready according to readyExpr eval"),
        )
    };
    let verdicts = |node: Node| -> Vec<Verdict> {
        let flux = said([ks("first"), ks("second"), node]);
        flux.objects[&key("a")].depends_on.iter().map(|(_, verdict)| verdict.clone()).collect()
    };
    assert_eq!(verdicts(stopped_at("first")), [Verdict::ReadyExprFalse, Verdict::ReadyExprUnknown]);
    assert_eq!(verdicts(stopped_at("second")), [Verdict::Ready, Verdict::ReadyExprFalse]);
    assert_eq!(verdicts(entries()), [Verdict::Ready, Verdict::Ready]);
}

#[test]
fn trap_24_what_is_out_of_sight_is_never_missing() {
    let mut flux = snapshot([ks("a").on("dep").waiting_for("dep")]);
    flux.coverage = crate::model::Coverage::default();
    let flux = diagnose(&flux);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Unknown, Verdict::Unknown));
    assert!(!flux.complete && flux.causes.is_empty() && flux.layering.missing.is_empty());
    assert!(warned(&flux).contains("NotCovered"));
}

#[test]
fn trap_24_the_controllers_own_not_found_is_believed() {
    let words =
        "dependency 'flux-system/dep' not found: kustomizations.kustomize.toolkit.fluxcd.io \"dep\" not found";
    let mut flux = snapshot([ks("a").on("dep").failing("DependencyNotReady", words)]);
    flux.coverage = crate::model::Coverage::default();
    assert_eq!(codes(&diagnose(&flux)), [("dep".to_owned(), Code::DependencyNotFound)]);
}

#[test]
fn trap_26_every_entry_is_walked_and_not_only_the_one_that_is_named() {
    let flux = said([ks("a").on("running").on("gone").waiting_for("running"), ks("running").running(0)]);
    assert_eq!((state(&flux, "a"), blocked_by(&flux, "a")), (State::Blocked, vec!["gone".to_owned()]));
}

#[test]
fn trap_27_a_parent_that_waits_for_a_child_which_depends_on_it_is_a_deadlock() {
    let flux = said([
        ks("parent").waits_for(&[key("child")]).never().failing(
            "HealthCheckFailed",
            "health check failed after 1m0s: timeout waiting for: [Kustomization/flux-system/child status: 'InProgress']",
        ),
        ks("child").on("parent").never().waiting_for("parent"),
    ]);
    assert_eq!(codes(&flux), [("child".to_owned(), Code::DependencyCycle)]);
    assert_eq!(flux.causes[0].fault.subcode, Some("Deadlock"));
    assert_eq!(flux.causes[0].affected, [key("child"), key("parent")]);
    assert_eq!(flux.layering.layer[&key("child")], 1, "members keep their layers");
    assert_eq!(flux.layering.cycles.len(), 1);
}

#[test]
fn a_deadlock_shows_in_the_first_run_already() {
    let mut parent = ks("parent").waits_for(&[key("child")]).never().running(0);
    for condition in &mut parent.status.conditions.0 {
        condition.message =
            "Running health checks for revision main@sha1:8c1d22e with a timeout of 1m0s".to_owned();
    }
    let flux = said([parent, ks("child").on("parent").never().waiting_for("parent")]);
    assert_eq!((state(&flux, "parent"), state(&flux, "child")), (State::Blocked, State::Blocked));
    assert_eq!(flux.causes.len(), 1);
}

#[test]
fn a_message_that_is_older_than_the_facts_is_progress() {
    let flux = said([ks("dep"), ks("a").on("dep").waiting_for("dep")]);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Progressing, Verdict::Ready));
}

#[test]
fn a_run_that_takes_longer_than_it_may_is_a_cause_and_what_waits_behind_it_is_blocked() {
    let flux = said([ks("slow").running(10), ks("a").on("slow").waiting_for("slow")]);
    assert_eq!((state(&flux, "slow"), state(&flux, "a")), (State::Progressing, State::Blocked));
    assert_eq!(codes(&flux), [("slow".to_owned(), Code::Overdue)]);
}

#[test]
fn a_helm_release_needs_no_revision_of_its_dependency() {
    let flux = said([hr("dep"), hr("a").on("dep")]);
    assert_eq!(flux.objects[&ObjectKey::helm_release("flux-system", "a")].depends_on[0].1, Verdict::Ready);
}

#[test]
fn two_ways_to_one_fault_are_one_cause() {
    let flux = said([
        ks("a").on("gone").waiting_for("gone"),
        ks("b").on("gone").on("a").waiting_for("gone"),
        ks("c").on("b").waiting_for("b"),
    ]);
    assert_eq!(flux.causes.len(), 1);
    assert_eq!(flux.causes[0].affected, [key("a"), key("b")]);
    assert_eq!(flux.causes[0].blocks, 3);
}

// --- what a review found --------------------------------------------------------------------------------------------

fn event(reason: &str, warning: bool, minutes: i64) -> Event {
    Event {
        warning,
        reason: reason.to_owned(),
        message: "words".to_owned(),
        first: Some(minutes_ago(minutes)),
        last: Some(minutes_ago(minutes)),
        revision: Some(Revision(REVISION.to_owned())),
    }
}

#[test]
fn a_success_event_after_the_failure_clears_it_where_there_is_no_history() {
    let mut flux = snapshot([ks("a").running(0)]);
    let events = vec![event("HealthCheckFailed", true, 50), event("ReconciliationSucceeded", false, 10)];
    flux.evidence.events.insert(key("a"), events);
    assert_eq!(state(&diagnose(&flux), "a"), State::Progressing);
}

#[test]
fn a_helm_release_behind_its_chart_is_progress_and_one_that_spells_the_version_otherwise_is_ready() {
    let with_chart = |version: &str| {
        let mut node = hr("a");
        node.status.last_attempted_revision = Some(crate::model::Revision("1.0.0+d1ge5t".to_owned()));
        let (key, chart) = (node.key.clone(), node.source.clone().unwrap());
        let mut flux = snapshot([node]);
        let mut fetched = source();
        fetched.key = chart.clone();
        fetched.artifact.as_mut().unwrap().revision = crate::model::Revision(version.to_owned());
        flux.sources.insert(chart, fetched);
        diagnose(&flux).objects[&key].state
    };
    assert_eq!(with_chart("1.1.0"), State::Progressing);
    assert_eq!(with_chart("1.0.0"), State::Ready);
    assert_eq!(with_chart("v1.0.0"), State::Ready);
}

#[test]
fn a_helm_release_that_runs_a_new_generation_is_no_retry_of_the_old_chart() {
    let mut node = hr("a").edited().running(0);
    node.status.history.push(crate::model::HistoryEntry {
        status: "deployed".to_owned(),
        last: Some(minutes_ago(30)),
        ..Default::default()
    });
    let key = node.key.clone();
    let mut flux = snapshot([node]);
    flux.evidence.events.insert(key.clone(), vec![event("UpgradeFailed", true, 50)]);
    assert_eq!(diagnose(&flux).objects[&key].state, State::Progressing);
}

#[test]
fn a_failure_began_after_the_last_success_that_an_event_tells_of() {
    let mut flux = snapshot([ks("a").failing("BuildFailed", "words")]);
    let events = vec![
        event("BuildFailed", true, 6000),
        event("ReconciliationSucceeded", false, 90),
        event("BuildFailed", true, 70),
    ];
    flux.evidence.events.insert(key("a"), events);
    assert_eq!(diagnose(&flux).objects[&key("a")].since, Some(minutes_ago(70)));
}

#[test]
fn what_cannot_be_decoded_is_unknown_and_nothing_is_concluded_from_it() {
    let broken = Node::unreadable(key("broken"), Default::default());
    let flux = said([broken, ks("a").on("broken").waiting_for("broken")]);
    assert_eq!((state(&flux, "broken"), state(&flux, "a")), (State::Unknown, State::Unknown));
    assert!(flux.causes.is_empty() && !flux.complete);
}

#[test]
fn a_single_object_does_not_prove_missing_what_its_controller_has_seen() {
    let mut flux = snapshot([ks("a").on("dep").waiting_for("dep")]);
    flux.coverage = Default::default();
    flux.coverage.cover(GroupKind::KUSTOMIZATION, "flux-system");
    let flux = diagnose(&flux);
    assert_eq!((state(&flux, "a"), verdict(&flux, "a")), (State::Unknown, Verdict::Unknown));
}

#[test]
fn one_that_is_behind_for_hours_is_overdue_also_without_history() {
    let mut flux = snapshot([ks("a").at(OLD)]);
    let artifact = flux.sources.get_mut(&source_key()).unwrap().artifact.as_mut().unwrap();
    artifact.updated = Some(minutes_ago(120));
    let flux = diagnose(&flux);
    assert_eq!((state(&flux, "a"), codes(&flux)), (State::Progressing, vec![("a".to_owned(), Code::Overdue)]));
}

#[test]
fn one_that_waits_for_what_has_long_been_there_is_overdue() {
    let mut flux = snapshot([ks("dep"), ks("a").on("dep").waiting_for("dep")]);
    flux.sources.get_mut(&source_key()).unwrap().artifact.as_mut().unwrap().updated = Some(minutes_ago(120));
    assert_eq!(codes(&diagnose(&flux)), [("a".to_owned(), Code::Overdue)]);
    let words = "Source artifact not found, retrying in 30s";
    let mut flux = snapshot([ks("a").failing("ArtifactFailed", words)]);
    flux.sources.get_mut(&source_key()).unwrap().artifact.as_mut().unwrap().updated = Some(minutes_ago(120));
    assert_eq!(codes(&diagnose(&flux)), [("a".to_owned(), Code::Overdue)]);
}

#[test]
fn a_source_or_dependency_that_is_gone_is_a_cause_while_its_users_are_still_ready() {
    let mut flux = snapshot([ks("a").on("gone")]);
    flux.sources.clear();
    let flux = diagnose(&flux);
    assert_eq!(state(&flux, "a"), State::Ready);
    let expected = [("gone".to_owned(), Code::DependencyNotFound), ("repo".to_owned(), Code::SourceNotFound)];
    assert_eq!(codes(&flux), expected);
}

#[test]
fn a_refused_reference_is_one_fault_whether_or_not_its_source_exists() {
    let words = "can't access 'ExternalArtifact/a/missing', ExternalArtifact feature gate is disabled";
    let mut flux = snapshot([ks("a").never().failing("AccessDenied", words)]);
    flux.sources.clear();
    assert_eq!(codes(&diagnose(&flux)), [("a".to_owned(), Code::AccessDenied)]);
}

#[test]
fn a_chart_that_is_not_ready_is_the_source_s_business_in_old_versions_too() {
    let words = "HelmChart 'flux-system/flux-system-a' is not ready";
    let node = hr("a").never().failing("ArtifactFailed", words);
    let mut flux = snapshot([node.clone()]);
    let mut chart = source();
    chart.key = node.source.clone().unwrap();
    chart.artifact = None;
    chart.conditions.0 =
        vec![condition("Ready", ConditionStatus::False, "InvalidChartReference", "no chart name found")];
    flux.sources.insert(chart.key.clone(), chart);
    let flux = diagnose(&flux);
    assert_eq!(flux.objects[&node.key].state, State::Blocked);
    assert_eq!(codes(&flux), [("flux-system-a".to_owned(), Code::SourceNotReady)]);
}

#[test]
fn the_timeout_that_a_run_names_counts() {
    let mut node = hr("a").running(10);
    for condition in &mut node.status.conditions.0 {
        condition.message = "Running 'install' action with timeout of 20m0s".to_owned();
    }
    assert!(said([node]).causes.is_empty());
}

#[test]
fn a_child_that_has_recovered_is_not_what_has_to_change() {
    let words = "health check failed after 1m0s: timeout waiting for: [Kustomization/flux-system/c status: 'InProgress']";
    let flux = said([ks("c"), ks("p").waits_for(&[key("c")]).failing("HealthCheckFailed", words)]);
    assert_eq!(codes(&flux), [("p".to_owned(), Code::HealthCheckFailed)]);
    assert!(flux.causes[0].fault.summary.contains("is ready by now"));
}

#[test]
fn resuming_would_not_help_where_the_expression_is_false_over_a_ready_dependency() {
    let words = "dependency 'flux-system/dep' is not ready according to readyExpr eval";
    let flux =
        said([ks("dep").suspended(), ks("a").on("dep").when("false").failing("DependencyNotReady", words)]);
    assert_eq!(codes(&flux), [("dep".to_owned(), Code::ReadyExprFalse)]);
}

#[test]
fn who_brings_what_is_missing_becomes_the_missing_edge() {
    let definition =
        ObjectKey::new(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "servicemonitors.monitoring.coreos.com");
    let words = "ServiceMonitor/a/m dry-run failed: no matches for kind \"ServiceMonitor\" in version \"monitoring.coreos.com/v1\"";
    let flux = said([ks("operator").holds(&[definition]), ks("a").failing("ReconciliationFailed", words)]);
    let remedy = &flux.causes[0].fault.remedies[0].text;
    assert_eq!(
        remedy,
        "Kustomization flux-system/operator brings it: add to spec of a: dependsOn: [{name: operator}]"
    );
}
