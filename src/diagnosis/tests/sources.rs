//! Sources that bring nothing new, while what they brought last still runs.

use std::time::Duration;

use super::{codes, state, warned};
use crate::diagnosis::{Code, Diagnosis, State, diagnose};
use crate::model::{
    Artifact, ConditionStatus, GroupKind, Node, ObjectKey, Revision, Snapshot, Source, Workload,
};
use crate::testing::{condition, hr, key, ks, minutes_ago, snapshot, source, source_key};

fn chart_key() -> ObjectKey {
    ObjectKey::new(GroupKind::HELM_CHART, "flux-system", "flux-system-a")
}

fn charts_key() -> ObjectKey {
    ObjectKey::new(GroupKind::HELM_REPOSITORY, "flux-system", "charts")
}

/// A source of another kind than `source()`, Ready for an hour.
fn other(key: ObjectKey) -> Source {
    Source { key, ..source() }
}

/// Its Ready condition is False for so long.
fn failing(mut source: Source, reason: &str, minutes: i64) -> Source {
    let mut ready = condition("Ready", ConditionStatus::False, reason, "words");
    ready.since = Some(minutes_ago(minutes));
    source.conditions.0 = vec![ready];
    source
}

fn stalled(mut source: Source) -> Source {
    let ready = source.conditions.ready().unwrap().clone();
    source.conditions.0.push(crate::model::Condition {
        kind: "Stalled".to_owned(),
        status: ConditionStatus::True,
        ..ready
    });
    source
}

/// A HelmRelease that runs what this chart, made from this repository, has brought.
fn released(chart: Source, repository: Source) -> Diagnosis {
    let mut node = hr("a");
    if let crate::model::Spec::HelmRelease(spec) = &mut node.spec {
        spec.chart_source = Some(repository.key.clone());
    }
    node.status.last_attempted_revision = chart.artifact.as_ref().map(|artifact| artifact.revision.clone());
    let chart = Source { upstream: vec![repository.key.clone()], ..chart };
    with_sources([node], [chart, repository])
}

fn with_sources(nodes: impl IntoIterator<Item = Node>, sources: impl IntoIterator<Item = Source>) -> Diagnosis {
    diagnose(&world(nodes, sources))
}

fn world(nodes: impl IntoIterator<Item = Node>, sources: impl IntoIterator<Item = Source>) -> Snapshot {
    let mut flux = snapshot(nodes);
    flux.sources.extend(sources.into_iter().map(|source| (source.key.clone(), source)));
    flux
}

#[test]
fn a_chart_that_no_release_could_use_again_is_stale_while_the_release_is_ready() {
    for (minutes, expected, warned_of) in
        [(30, vec![("flux-system-a".to_owned(), Code::SourceStale)], false), (5, vec![], true)]
    {
        let chart = stalled(failing(other(chart_key()), "InvalidChartReference", minutes));
        let flux = released(chart, other(charts_key()));
        assert_eq!(flux.objects[&ObjectKey::helm_release("flux-system", "a")].state, State::Ready);
        assert_eq!(codes(&flux), expected, "{minutes}");
        assert_eq!(warned(&flux).contains("SourceStale"), warned_of, "{minutes}");
    }
}

#[test]
fn a_chart_reference_that_stalls_is_stale_while_the_release_is_ready() {
    let mut node = hr("a");
    let oci = ObjectKey::new(GroupKind::OCI_REPOSITORY, "flux-system", "app");
    node.source = Some(oci.clone());
    let flux = with_sources([node], [stalled(failing(other(oci), "URLInvalid", 30))]);
    assert_eq!(codes(&flux), [("app".to_owned(), Code::SourceStale)]);
}

#[test]
fn a_new_chart_that_nobody_has_looked_at_is_stale_while_the_release_is_ready() {
    let mut chart = other(chart_key());
    chart.meta.generation = 2;
    chart.meta.edited = Some(minutes_ago(30));
    assert_eq!(codes(&released(chart, other(charts_key()))), [("flux-system-a".to_owned(), Code::SourceStale)]);
}

#[test]
fn a_repository_that_fails_behind_a_good_chart_is_stale() {
    let repository = Source { artifact: None, ..failing(other(charts_key()), "Failed", 30) };
    let flux = released(other(chart_key()), repository);
    assert_eq!(codes(&flux), [("charts".to_owned(), Code::SourceStale)]);
    assert_eq!(flux.causes[0].affected, [ObjectKey::helm_release("flux-system", "a")]);
}

/// A Kustomization on an ExternalArtifact that this generator makes.
fn generated(node: Node, generator: Source, made: bool) -> Diagnosis {
    let artifact = ObjectKey::new(GroupKind::EXTERNAL_ARTIFACT, "flux-system", "bundle");
    let generator = Source { makes: vec![artifact.clone()], artifact: None, ..generator };
    let made = made.then(|| Source {
        upstream: vec![generator.key.clone()],
        conditions: Default::default(),
        observed_generation: None,
        ..other(artifact.clone())
    });
    let mut flux = world([Node { source: Some(artifact), ..node }], made.into_iter().chain([generator]));
    flux.coverage.cover_everywhere(GroupKind::EXTERNAL_ARTIFACT);
    diagnose(&flux)
}

fn generator_key() -> ObjectKey {
    ObjectKey::new(GroupKind::ARTIFACT_GENERATOR, "flux-system", "gen")
}

#[test]
fn a_generator_that_fails_behind_its_old_artifact_is_stale() {
    let flux = generated(ks("a"), failing(other(generator_key()), "BuildFailed", 120), true);
    assert_eq!((state(&flux, "a"), codes(&flux)), (State::Ready, vec![("gen".to_owned(), Code::SourceStale)]));
    let flux = generated(ks("a"), failing(other(generator_key()), "BuildFailed", 5), true);
    assert!(flux.causes.is_empty() && warned(&flux).contains("SourceStale"));
}

#[test]
fn an_artifact_that_was_never_made_leads_to_its_generator() {
    let words = "ExternalArtifact.source.toolkit.fluxcd.io \"bundle\" not found";
    let waiting = || ks("a").never().failing("ArtifactFailed", words);
    let flux = generated(waiting(), failing(other(generator_key()), "BuildFailed", 30), false);
    assert_eq!(
        (state(&flux, "a"), codes(&flux)),
        (State::Blocked, vec![("gen".to_owned(), Code::SourceNotReady)])
    );
    assert_eq!(flux.causes[0].affected, [key("a")]);
    assert!(!warned(&flux).contains("UnusedSourceFailing"));
    // One that is done and made no such thing is no way on.
    let flux = generated(waiting(), other(generator_key()), false);
    assert_eq!(codes(&flux), [("bundle".to_owned(), Code::SourceNotFound)]);
}

#[test]
fn an_edit_of_a_source_that_nobody_dated_is_as_old_as_what_its_controller_wrote_last() {
    let edited = |written: i64| {
        let mut source = source();
        source.meta.generation = 2;
        source.conditions.0[0].since = Some(minutes_ago(600));
        let artifact = source.artifact.as_mut().unwrap();
        artifact.updated = Some(minutes_ago(written));
        with_sources([ks("a")], [source])
    };
    let flux = edited(30);
    assert_eq!((state(&flux, "a"), codes(&flux)), (State::Ready, vec![("repo".to_owned(), Code::SourceStale)]));
    assert_eq!(flux.causes[0].since, None, "when it was edited is not known");
    let flux = edited(5);
    assert!(flux.causes.is_empty() && warned(&flux).contains("SourceStale"));
}

#[test]
fn a_helm_release_that_stays_behind_its_chart_is_overdue() {
    let behind = |minutes: i64| {
        let mut node = hr("a");
        node.status.last_attempted_revision = Some(Revision("1.0.0".to_owned()));
        node.interval = Some(Duration::from_secs(3600));
        let mut chart = other(chart_key());
        chart.artifact = Some(Artifact {
            origin: None,
            revision: Revision("2.0.0".to_owned()),
            updated: Some(minutes_ago(minutes)),
            url: String::new(),
        });
        with_sources([node], [chart])
    };
    let overdue = behind(300);
    assert_eq!(codes(&overdue), [("a".to_owned(), Code::Overdue)]);
    let cause = &overdue.causes[0];
    assert_eq!(cause.since, Some(minutes_ago(300)), "it is behind since the chart came");
    assert_eq!(overdue.objects[&cause.fault.object].since, cause.since);
    let seen = &cause.fault.evidence[0];
    assert_eq!((seen.source, seen.time), ("source", cause.since));
    assert_eq!(seen.text, "2.0.0 came, and a runs 1.0.0");
    assert!(behind(60).causes.is_empty());
}

/// A release of a chart that an OCIRepository has brought five hours ago, at these revisions.
fn of_oci(source: &str, attempted: &str, digest: Option<&str>) -> Diagnosis {
    let mut node = hr("a");
    let oci = ObjectKey::new(GroupKind::OCI_REPOSITORY, "flux-system", "app");
    node.source = Some(oci.clone());
    node.interval = Some(Duration::from_secs(3600));
    node.status.last_attempted_revision = Some(Revision(attempted.to_owned()));
    node.status.last_attempted_digest = digest.map(str::to_owned);
    let artifact = Artifact {
        revision: Revision(source.to_owned()),
        origin: None,
        updated: Some(minutes_ago(300)),
        url: String::new(),
    };
    with_sources([node], [Source { artifact: Some(artifact), ..other(oci) }])
}

#[test]
fn a_helm_release_that_stays_behind_the_digest_of_its_oci_repository_is_overdue() {
    let (old, new) = ("sha256:eeeeeeeeeeeeeeee", "sha256:dddddddddddddddd");
    for reference in ["6.6.0@", "latest@", ""] {
        let source = format!("{reference}{new}");
        let behind = of_oci(&source, "6.5.4+eeeeeeeeeeee", Some(old));
        assert_eq!(behind.objects[&ObjectKey::helm_release("flux-system", "a")].state, State::Progressing);
        assert_eq!(codes(&behind), [("a".to_owned(), Code::Overdue)], "{source}");
        assert!(of_oci(&source, "6.5.4+dddddddddddd", Some(new)).causes.is_empty(), "{source}");
        // A chart may have metadata of its own; without digest tracking it is not compared.
        assert!(of_oci(&source, "6.5.4+eeeeeeeeeeee", None).causes.is_empty(), "{source}");
    }
}

#[test]
fn who_is_looked_at_every_quarter_of_an_hour_is_not_overdue_after_eight_minutes() {
    let mut flux = snapshot([ks("dep"), ks("a").on("dep").waiting_for("dep")]);
    let artifact = flux.sources.get_mut(&source_key()).unwrap().artifact.as_mut().unwrap();
    artifact.updated = Some(minutes_ago(8));
    for node in flux.nodes.values_mut() {
        node.status.conditions.0[0].since = Some(minutes_ago(8));
    }
    assert_eq!(codes(&diagnose(&flux)), [("a".to_owned(), Code::Overdue)]);
    let mut controller = Workload { wanted: 1, available: 1, ..Workload::default() };
    controller.meta.labels.insert("app.kubernetes.io/part-of".to_owned(), "flux".to_owned());
    controller.args.push("--requeue-dependency=15m".to_owned());
    let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", "kustomize-controller");
    flux.evidence.workloads.insert(deployment, controller);
    assert!(diagnose(&flux).causes.is_empty());
}

#[test]
fn trap_9_a_kustomization_needs_an_artifact_and_a_helm_release_a_source_that_is_observed_and_not_stalled() {
    let refused = |chart: Source| {
        let words = "HelmChart 'flux-system/flux-system-a' is not ready: words";
        let node = hr("a").never().failing("SourceNotReady", words);
        let key = node.key.clone();
        with_sources([node], [chart]).objects[&key].state
    };
    let failed = || failing(other(chart_key()), "ChartPullError", 5);
    let unseen = || {
        let mut chart = other(chart_key());
        chart.meta.generation = 2;
        chart
    };
    assert_eq!(refused(failed()), State::Progressing, "Ready is not asked for: the next try finds it");
    assert_eq!(refused(stalled(failed())), State::Blocked);
    assert_eq!(refused(unseen()), State::Blocked);
    assert_eq!(refused(Source { artifact: None, ..failed() }), State::Blocked);

    let words = "Source artifact not found, retrying in 30s";
    let git = |source: Source| with_sources([ks("a").never().failing("ArtifactFailed", words)], [source]);
    let failed = || failing(source(), "GitOperationFailed", 5);
    assert_eq!(state(&git(stalled(failed())), "a"), State::Progressing);
    assert_eq!(state(&git(Source { artifact: None, ..failed() }), "a"), State::Blocked);
}

#[test]
fn trap_20_a_chart_that_could_not_be_made_is_told_by_the_one_that_is_used_in_its_place() {
    let with_chart = |used: ObjectKey, edited: bool| {
        let mut node = hr("a");
        if let crate::model::Spec::HelmRelease(spec) = &mut node.spec {
            spec.chart = Some("app".to_owned());
            spec.chart_in_use = Some(used.clone());
        }
        let node = if edited { node.edited() } else { node };
        let mut flux = world([node], [other(used)]);
        flux.coverage.cover_everywhere(GroupKind::HELM_CHART);
        diagnose(&flux)
    };
    let elsewhere = ObjectKey::new(GroupKind::HELM_CHART, "apps", "flux-system-a");
    let expected = [("flux-system-a".to_owned(), Code::SourceNotFound)];
    for edited in [false, true] {
        let flux = with_chart(elsewhere.clone(), edited);
        assert_eq!(codes(&flux), expected, "{edited}");
        assert_eq!(flux.causes[0].fault.object, chart_key());
    }
    assert!(with_chart(chart_key(), false).causes.is_empty());
}

#[test]
fn a_source_has_not_the_retry_clock_of_an_object_that_fails_for_itself() {
    let refused =
        "Deployment/x/web is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0";
    let broken = failing(source(), "GitOperationFailed", 30);
    let flux = with_sources([ks("a"), ks("c").failing("ReconciliationFailed", refused)], [broken]);
    let of = |code| flux.causes.iter().find(|cause| cause.fault.code == code).unwrap();
    assert_eq!(of(Code::SourceStale).affected, [key("a"), key("c")]);
    assert_eq!(of(Code::SourceStale).clock, crate::diagnosis::RetryClock::default());
    let own = flux.causes.iter().find(|cause| cause.affected == [key("c")]).unwrap();
    assert!(own.clock.next_try.is_some());
}

#[test]
fn a_source_from_which_nothing_ever_arrived_is_not_stale() {
    let mut unseen = source();
    unseen.artifact = None;
    unseen.conditions.0.clear();
    let mut node = ks("a").never();
    node.status.conditions.0.clear();
    let flux = with_sources([node], [unseen]);
    let own = ("a".to_owned(), Code::NotObserved);
    assert_eq!(codes(&flux), [("repo".to_owned(), Code::NotObserved), own]);
    assert_eq!(flux.causes[0].affected, [key("a")]);
}
