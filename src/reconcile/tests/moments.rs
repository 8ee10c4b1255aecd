//! Single moments, told by hand: what controllers write, and what the plan makes of it.

use std::time::Duration;

use super::super::{Action, End, Observation, Options, Plan, Scope, StepState};
use super::sim::{TOKEN, old, old_world};
use crate::model::{
    Condition, ConditionStatus, GroupKind, HelmAction, Meta, Node, ObjectKey, Snapshot, Source, Spec,
};
use crate::testing::{NS, condition, hr, key, ks, now, snapshot, source};

/// A plan that is told things one after the other.
struct Told {
    plan: Plan,
    at: u64,
    asked: Vec<(ObjectKey, String)>,
}

impl Told {
    fn new(world: Snapshot, options: Options) -> Self {
        let scope =
            Scope { kinds: [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE].into(), ..Scope::default() };
        let mut told = Self { plan: Plan::new(world, scope, options), at: 0, asked: Vec::new() };
        told.act();
        told
    }

    fn without_sources(world: Snapshot) -> Self {
        Self::new(world, Options { with_source: false, ..Options::new(now()) })
    }

    fn act(&mut self) {
        for action in self.plan.next_actions() {
            if let Action::Ask(request) = action {
                self.asked.push((request.object.clone(), request.token.clone()));
                let (object, token) = (request.object, request.token);
                self.plan.observe(Duration::from_millis(self.at), Observation::Asked { object, token });
            }
        }
    }

    fn see(&mut self, node: Node) {
        self.at += 10;
        self.plan.observe(Duration::from_millis(self.at), Observation::Node(Box::new(node)));
        self.act();
    }

    fn see_source(&mut self, source: Source) {
        self.at += 10;
        self.plan.observe(Duration::from_millis(self.at), Observation::Source(Box::new(source)));
        self.act();
    }

    fn pass(&mut self, time: Duration) {
        self.at += u64::try_from(time.as_millis()).unwrap();
        self.plan.observe(Duration::from_millis(self.at), Observation::Time);
        self.act();
    }

    fn names(&self) -> String {
        self.asked.iter().map(|(key, _)| key.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn token(&self) -> String {
        self.asked.last().unwrap().1.clone()
    }

    fn end(&self, key: &ObjectKey) -> Option<String> {
        let states = self.plan.states();
        let view = states.iter().find(|view| view.object == key)?;
        let name = |keys: &[ObjectKey]| keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",");
        match &view.state {
            StepState::Ended(end) => Some(super::describe(end, &name)),
            _ => None,
        }
    }
}

/// The annotation, and what was handled of it.
fn token(mut node: Node, annotation: &str, handled: &str) -> Node {
    node.meta.annotations.insert(TOKEN.to_owned(), annotation.to_owned());
    node.status.last_handled_reconcile_at = Some(handled.to_owned());
    node
}

fn behind(name: &str) -> Node {
    ks(name).at("main@sha1:0000000")
}

#[test]
fn done_is_token_revision_generation_and_ready_together() {
    let mut told = Told::without_sources(snapshot([behind("a")]));
    let ours = told.token();
    told.see(token(behind("a"), &ours, "older"));
    told.see(token(ks("a"), &ours, "older"));
    assert_eq!(
        told.end(&key("a")),
        None,
        "ready at the target, but the run that was asked for is still to come"
    );
    told.see(token(behind("a"), &ours, &ours));
    assert_eq!(told.end(&key("a")), None, "a run of an older artifact");
    told.see(token(ks("a").running(0), &ours, &ours));
    assert_eq!(told.end(&key("a")), None);
    told.see(token(ks("a"), &ours, &ours));
    assert_eq!(told.end(&key("a")).as_deref(), Some("done"));
    assert_eq!(told.asked.len(), 1);
}

#[test]
fn a_later_request_of_somebody_else_is_as_good_and_has_to_be_handled() {
    let mut told = Told::without_sources(snapshot([behind("a")]));
    let ours = told.token();
    told.see(token(behind("a"), &ours, "older"));
    told.see(token(ks("a"), "theirs", &ours));
    assert_eq!(told.end(&key("a")), None);
    told.see(token(ks("a"), "theirs", "theirs"));
    assert_eq!(told.end(&key("a")).as_deref(), Some("done"));
}

#[test]
fn an_older_annotation_that_was_handled_long_ago_does_not_pass_for_ours() {
    let old = token(behind("a"), "older", "older");
    let mut told = Told::without_sources(snapshot([old]));
    told.see(token(ks("a").running(0), "older", "older"));
    told.see(token(ks("a"), "older", "older")); // told late: from before the request
    assert_eq!(told.end(&key("a")), None);
}

#[test]
fn a_token_that_is_taken_away_is_written_again() {
    let mut told = Told::without_sources(snapshot([behind("a")]));
    let ours = told.token();
    told.see(token(behind("a"), &ours, "older"));
    let mut lost = token(behind("a"), &ours, "older");
    lost.meta.annotations.clear();
    told.see(lost);
    assert_eq!(told.names(), "a a");
    assert_ne!(told.token(), ours);
}

#[test]
fn a_failure_of_an_older_artifact_is_none_and_one_at_the_target_is_told_at_once() {
    let mut failing = behind("a").failing("BuildFailed", "broken");
    failing.status.last_attempted_revision = failing.status.last_applied_revision.clone();
    let mut told = Told::without_sources(snapshot([failing.clone()]));
    let ours = told.token();
    told.see(token(failing.clone(), &ours, &ours));
    assert_eq!(told.end(&key("a")), None);
    told.see(token(behind("a").failing("BuildFailed", "broken"), &ours, &ours));
    assert_eq!(told.end(&key("a")).as_deref(), Some("failed BuildFailed"));
}

#[test]
fn a_cancelled_health_check_is_no_failure() {
    let mut told = Told::without_sources(snapshot([behind("a")]));
    let ours = told.token();
    told.see(token(behind("a").failing("HealthCheckCanceled", "New reconciliation"), &ours, &ours));
    assert_eq!(told.end(&key("a")), None);
    told.see(token(ks("a"), &ours, &ours));
    assert_eq!(told.end(&key("a")).as_deref(), Some("done"));
}

#[test]
fn a_refusal_whose_cause_is_gone_is_asked_again_at_once_and_not_for_ever() {
    let mut told = Told::without_sources(snapshot([ks("a"), behind("b").on("a")]));
    for times in 1..=6 {
        let ours = told.token();
        told.see(token(behind("b").on("a").ready(ConditionStatus::Unknown, "Progressing", ""), &ours, "older"));
        told.see(token(behind("b").on("a").waiting_for("a"), &ours, &ours));
        assert_eq!(told.asked.len(), 4.min(times + 1));
    }
    assert_eq!(told.end(&key("b")), None, "the controller looks again every 30 s");
    told.pass(Duration::from_secs(600));
    assert_eq!(told.end(&key("b")).as_deref(), Some("out of time"));
}

#[test]
fn a_dependency_that_runs_again_is_waited_for_before_the_dependent_is_asked_again() {
    let mut told = Told::without_sources(snapshot([ks("a"), behind("b").on("a")]));
    let ours = told.token();
    told.see(ks("a").running(0));
    told.see(token(behind("b").on("a").waiting_for("a"), &ours, &ours));
    assert_eq!(told.names(), "b");
    told.see(ks("a"));
    assert_eq!(told.names(), "b b");
}

#[test]
fn a_dependency_that_is_refused_after_its_end_is_taken_up_again_as_long_as_somebody_needs_it() {
    let b = || ks("b").on("a");
    let mut told = Told::without_sources(snapshot([ks("a"), behind("b").on("a"), behind("c").on("b")]));
    let ours = told.token();
    told.see(token(b(), &ours, &ours));
    assert_eq!(told.names(), "b c");
    // b's own look after 30 s meets a in the middle of a run
    told.see(token(b().waiting_for("a"), &ours, &ours));
    assert_eq!(told.names(), "b c b");
    let again = told.token();
    told.see(token(b(), &again, &again));
    assert_eq!(told.end(&key("b")).as_deref(), Some("done"));
}

#[test]
fn an_expression_that_cannot_be_known_here_is_left_to_the_controller() {
    let dependent = || behind("b").on("a").when("dep.spec.path == './x'");
    let mut told = Told::without_sources(snapshot([ks("a"), dependent()]));
    assert_eq!(told.names(), "b");
    let ours = told.token();
    let words = "dependency 'flux-system/a' is not ready according to readyExpr eval";
    told.see(token(dependent().failing("DependencyNotReady", words), &ours, &ours));
    told.pass(Duration::from_secs(31));
    assert_eq!((told.names(), told.end(&key("b"))), ("b".to_owned(), None));
    told.see(token(ks("b").on("a").when("dep.spec.path == './x'"), &ours, &ours));
    assert_eq!(told.end(&key("b")).as_deref(), Some("done"));
}

#[test]
fn a_release_is_given_the_retries_that_it_has_and_a_stalled_one_has_failed() {
    let release = |failures: i64, stalled: bool| {
        let mut node = hr("r").never().failing("InstallFailed", "timed out");
        let Spec::HelmRelease(spec) = &mut node.spec else { unreachable!() };
        spec.install = HelmAction { retries: 2, failures, ..HelmAction::default() };
        node.status.failed_generation = Some(1);
        if stalled {
            let words = "Failed to install after 3 attempt(s)";
            let condition: Condition = condition("Stalled", ConditionStatus::True, "RetriesExceeded", words);
            node.status.conditions.0.push(condition);
        }
        node
    };
    let mut told = Told::without_sources(snapshot([release(1, false)]));
    let ours = told.token();
    told.see(token(release(1, false), &ours, &ours));
    told.see(token(release(2, false), &ours, &ours));
    let key = ObjectKey::helm_release(NS, "r");
    assert_eq!(told.end(&key), None);
    told.see(token(release(3, true), &ours, &ours));
    assert_eq!(told.end(&key).as_deref(), Some("failed InstallFailed stalled"));
}

#[test]
fn the_repository_of_a_chart_is_fetched_before_the_chart_and_one_of_oci_not_at_all() {
    let of = |kind: GroupKind, name: &str, upstream: Vec<ObjectKey>| Source {
        key: ObjectKey::new(kind, NS, name),
        meta: Meta { generation: 1, ..Meta::default() },
        upstream,
        ..source()
    };
    let repository = of(GroupKind::HELM_REPOSITORY, "charts", Vec::new());
    let chart = of(GroupKind::HELM_CHART, "flux-system-r", vec![repository.key.clone()]);
    let mut world = snapshot([hr("r")]);
    for source in [&repository, &chart] {
        world.sources.insert(source.key.clone(), source.clone());
    }
    let mut told = Told::new(world.clone(), Options::new(now()));
    assert_eq!(told.names(), "charts");
    let ours = told.token();
    let mut fetched = repository.clone();
    fetched.meta.annotations.insert(TOKEN.to_owned(), ours.clone());
    fetched.last_handled_reconcile_at = Some(ours);
    told.see_source(fetched);
    assert_eq!(told.names(), "charts flux-system-r");

    let oci = Source { oci: true, ..repository };
    world.sources.insert(oci.key.clone(), oci.clone());
    let told = Told::new(world, Options::new(now()));
    assert_eq!(told.names(), "flux-system-r");
    assert_eq!(told.end(&oci.key).as_deref(), Some("refused static"));
}

#[test]
fn a_suspended_source_is_not_asked_and_serves_what_it_has() {
    let mut world = snapshot([behind("a")]);
    world.sources.values_mut().for_each(|source| source.suspended = true);
    let mut told = Told::new(world, Options::new(now()));
    assert_eq!(told.names(), "a");
    told.see(behind("a").suspended());
    assert_eq!(told.end(&key("a")).as_deref(), Some("refused suspended"));
}

#[test]
fn news_of_another_kind_may_come_later_than_the_end_of_the_applier() {
    // The Kustomization changes its HelmRelease; that it has ended is told first.
    let mut release = hr("r");
    for (label, value) in [("name", "a"), ("namespace", NS)] {
        release.meta.labels.insert(format!("kustomize.toolkit.fluxcd.io/{label}"), value.to_owned());
    }
    let applier = |node: Node| node.holds(&[ObjectKey::helm_release(NS, "r")]);
    let mut told = Told::without_sources(snapshot([applier(behind("a")), release.clone()]));
    let ours = told.token();
    told.see(token(applier(ks("a")), &ours, &ours));
    assert_eq!(told.end(&release.key), None);
    told.see(release.clone().edited());
    told.pass(Duration::from_millis(600));
    assert_eq!(told.names(), "a r");
    let mut quiet = Told::without_sources(snapshot([applier(behind("a")), release.clone()]));
    let ours = quiet.token();
    quiet.see(token(applier(ks("a")), &ours, &ours));
    quiet.pass(Duration::from_millis(600));
    assert_eq!((quiet.names(), quiet.end(&release.key)), ("a".to_owned(), Some("left alone".to_owned())));
}

#[test]
fn a_loop_of_applier_and_dependency_does_not_hold_everything_up() {
    // a is applied by b, and b depends on a.
    let mut child = old("a");
    for (label, value) in [("name", "b"), ("namespace", NS)] {
        child.meta.labels.insert(format!("kustomize.toolkit.fluxcd.io/{label}"), value.to_owned());
    }
    let mut world = old_world([child, old("b").on("a").holds(&[key("a")])]);
    world.sources.values_mut().for_each(|known| known.artifact = source().artifact);
    let told = Told::without_sources(world);
    assert_eq!(told.names(), "a");
}

#[test]
fn an_old_failure_is_not_taken_for_that_of_a_run_which_is_about_to_begin() {
    let failing = || old("a").failing("ArtifactFailed", "kustomization path not found: stat /x: no such file");
    let mut told = Told::new(old_world([failing()]), Options::new(now()));
    let mut fetched = source();
    fetched.meta.annotations.insert(TOKEN.to_owned(), told.token());
    fetched.last_handled_reconcile_at = Some(told.token());
    told.see_source(fetched);
    assert_eq!((told.names(), told.end(&key("a"))), ("repo".to_owned(), None), "a moment is given to it");
    told.pass(Duration::from_millis(150));
    assert_eq!((told.names(), told.end(&key("a"))), ("repo a".to_owned(), None));
}

#[test]
fn a_run_that_the_source_began_and_that_fails_is_told_at_once() {
    let mut told = Told::new(old_world([old("a")]), Options::new(now()));
    let mut fetched = source();
    fetched.meta.annotations.insert(TOKEN.to_owned(), told.token());
    fetched.last_handled_reconcile_at = Some(told.token());
    told.see_source(fetched);
    let mut running = old("a").running(0);
    let words = format!("Building manifests for revision {} with a timeout of 1m0s", crate::testing::REVISION);
    running.status.conditions.0.iter_mut().for_each(|condition| condition.message.clone_from(&words));
    told.see(running);
    told.see(old("a").failing("BuildFailed", "broken"));
    assert_eq!((told.names(), told.end(&key("a")).as_deref()), ("repo".to_owned(), Some("failed BuildFailed")));
}

#[test]
fn waiting_does_not_take_a_failure_of_an_older_revision_for_one_of_the_new() {
    let mut failing = behind("a").failing("BuildFailed", "broken");
    failing.status.last_attempted_revision = failing.status.last_applied_revision.clone();
    let mut told = Told::new(snapshot([failing.clone()]), Options::wait(now(), Duration::from_secs(600)));
    assert_eq!(told.end(&key("a")), None);
    failing.status.last_attempted_revision = ks("a").status.last_attempted_revision;
    told.see(failing);
    assert_eq!(told.end(&key("a")).as_deref(), Some("failed BuildFailed"));
    assert!(told.asked.is_empty());
}

#[test]
fn waiting_ends_with_the_time_that_it_was_given() {
    let mut told = Told::new(snapshot([behind("a")]), Options::wait(now(), Duration::from_secs(600)));
    told.pass(Duration::from_secs(599));
    assert_eq!(told.end(&key("a")), None);
    told.pass(Duration::from_secs(1));
    assert_eq!(told.end(&key("a")).as_deref(), Some("not asked"));
}

#[test]
fn what_is_only_needed_is_waited_for_and_not_asked() {
    let other = |mut node: Node| {
        node.key.namespace = "apps".to_owned();
        node
    };
    let world = snapshot([behind("a"), other(behind("b").on("a"))]);
    let scope = Scope { namespace: Some("apps".to_owned()), ..Scope::default() };
    let options = Options { with_source: false, ..Options::new(now()) };
    let mut told = Told { plan: Plan::new(world, scope, options), at: 0, asked: Vec::new() };
    told.act();
    assert_eq!(told.names(), "");
    told.see(ks("a"));
    assert_eq!(told.names(), "b");
}

#[test]
fn the_time_of_a_lost_watch_is_nobodys_time() {
    let mut told = Told::without_sources(snapshot([behind("a")]));
    told.plan.observe(Duration::from_secs(1), Observation::Lost);
    told.at = 600_000;
    told.pass(Duration::ZERO);
    assert_eq!(told.end(&key("a")), None);
    told.plan.observe(Duration::from_secs(600), Observation::Resumed);
    told.pass(Duration::ZERO);
    assert_eq!(told.end(&key("a")), None);
    assert_eq!(told.names(), "a");
    // The controller may have lost the run with the server: it is asked once more, and only once.
    told.pass(Duration::from_secs(600));
    assert_eq!((told.end(&key("a")), told.names().as_str()), (None, "a a"));
    told.pass(Duration::from_secs(600));
    let words = told.plan.states().iter().map(|view| view.state.clone()).collect::<Vec<_>>();
    assert!(matches!(words.as_slice(), [StepState::Ended(End::OutOfTime { .. })]), "{words:?}");
}

#[test]
fn a_run_that_goes_on_by_itself_is_told_although_the_request_has_no_answer() {
    let running = |mut node: Node| {
        let message = "Building manifests for revision of something older";
        let unknown = condition("Ready", ConditionStatus::Unknown, "Progressing", message);
        let reconciling = condition("Reconciling", ConditionStatus::True, "Progressing", message);
        node.status.conditions.0 = vec![unknown, reconciling];
        node
    };
    let plan = |node: Node| {
        let options = Options { with_source: false, ..Options::new(now()) };
        let mut plan = Plan::new(snapshot([node]), Scope::default(), options);
        assert!(plan.next_actions().iter().any(|action| matches!(action, Action::Ask(_))));
        plan.observe(Duration::from_millis(1), Observation::Interrupted);
        plan.next_actions();
        match &plan.states()[0].state {
            StepState::Ended(end) => end.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(plan(behind("a")), End::NotAsked, "nobody knows of a request");
    assert_eq!(plan(running(behind("a"))), End::LeftRunning);
}
