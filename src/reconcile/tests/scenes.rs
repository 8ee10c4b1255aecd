//! One situation each, against simulated controllers.

use std::time::Duration;

use super::super::{Action, Cut, Grounds, Mode, Observation, Options, Plan, Scope, StepState};
use super::sim::{Sim, old, old_world};
use crate::model::{ConditionStatus, GroupKind, Node, ObjectKey};
use crate::testing::{NS, key, ks, now, snapshot, source_key};

/// Applied by that Kustomization, as labels say.
fn under(mut node: Node, applier: &str) -> Node {
    let labels = [("name", applier), ("namespace", NS)];
    let label = |(name, value): (&str, &str)| (format!("kustomize.toolkit.fluxcd.io/{name}"), value.to_owned());
    node.meta.labels.extend(labels.map(label));
    node
}

#[test]
fn a_chain_comes_up_in_order_and_the_first_is_not_asked_at_all() {
    let mut sim = Sim::ordered([old("a"), old("b").on("a"), old("c").on("b")]);
    let ending = sim.run().unwrap();
    insta::assert_snapshot!(sim.ends(), @r"
    repo done
    a done by itself
    b done
    c done
    ");
    assert_eq!(sim.order(), ["b", "c"], "the event of the source runs a by itself");
    assert!(!ending.is_bad() && ending.done == 3, "{ending:?}");
    assert!(sim.time < 700, "{}", sim.time);
}

#[test]
fn what_is_ready_at_the_target_is_left_alone_and_all_runs_it_again() {
    let world = || snapshot([ks("a"), ks("b").on("a")]);
    let mut sim = Sim::new(world(), Scope::default(), Options::new(now()), 1);
    let ending = sim.run().unwrap();
    assert_eq!((ending.left_alone, sim.order().len()), (2, 0));
    let all = Options { all: true, ..Options::new(now()) };
    let mut sim = Sim::new(world(), Scope::default(), all, 1);
    sim.first_done.insert(key("a"), 0);
    let ending = sim.run().unwrap();
    assert_eq!((ending.done, sim.order()), (2, vec!["a", "b"]));
}

#[test]
fn a_failure_stops_its_branch_and_no_other() {
    let nodes = [old("a"), old("b").on("a"), old("c").on("b"), old("x").on("a"), old("y").on("x")];
    let mut sim = Sim::ordered(nodes);
    sim.fails.insert(key("b"), "BuildFailed");
    let ending = sim.run().unwrap();
    insta::assert_snapshot!(sim.ends(), @r"
    repo done
    a done by itself
    x done
    b failed BuildFailed
    c skipped behind b
    y done
    ");
    assert!(ending.is_bad() && ending.cut.is_none());
    assert!(sim.time < 1_000, "told at once: {}", sim.time);
}

#[test]
fn fail_fast_asks_nothing_more() {
    let mut sim = Sim::ordered([old("a"), old("b").on("a"), old("x").on("a"), old("y").on("x")]);
    sim.plan.options.fail_fast = true;
    sim.fails.insert(key("b"), "BuildFailed");
    sim.takes.insert(key("x"), 5_000);
    let ending = sim.run().unwrap();
    assert_eq!(ending.cut, Some(Cut::FailedFast));
    assert_eq!((ending.failed, ending.left_running, ending.not_asked), (1, 1, 1));
}

#[test]
fn suspended_cyclic_and_missing_objects_are_refused_with_the_reason() {
    let mut sim = Sim::ordered([
        old("a").suspended(),
        old("b").on("a"),
        old("p").on("q"),
        old("q").on("p"),
        old("r").on("q"),
        old("m").on("nowhere"),
        old("n").on("m"),
        old("z"),
    ]);
    let ending = sim.run().unwrap();
    insta::assert_snapshot!(sim.ends(), @r"
    a refused suspended
    m refused missing nowhere
    n skipped behind m
    p refused cycle p,q
    q refused cycle p,q
    r refused cycle p,q
    b skipped behind a
    repo done
    z done by itself
    ");
    assert_eq!(sim.order(), Vec::<&str>::new());
    assert_eq!((ending.suspended, ending.refused, ending.skipped, ending.done), (1, 4, 2, 1));
}

#[test]
fn what_depends_on_a_suspended_object_that_is_up_to_date_goes_on() {
    // Behind its source: the controller refuses the dependent; at its revision: it counts as ready.
    let world = snapshot([ks("a").suspended(), old("b").on("a")]);
    let mut sim = Sim::new(world, Scope::default(), Options::new(now()), 1);
    let ending = sim.run().unwrap();
    assert_eq!((ending.suspended, ending.done, ending.is_bad()), (1, 1, false));
}

#[test]
fn a_failed_source_stops_what_uses_it_unless_the_old_artifact_will_do() {
    let run = |old_artifacts| {
        let mut sim = Sim::ordered([old("a"), old("b").on("a")]);
        sim.plan.options.old_artifacts = old_artifacts;
        sim.source_fails = true;
        let ending = sim.run().unwrap();
        (sim.ends(), ending)
    };
    let (ends, ending) = run(false);
    insta::assert_snapshot!(ends, @r"
    repo failed GitOperationFailed
    a skipped behind repo
    b skipped behind repo
    ");
    assert_eq!((ending.sources_failed, ending.skipped), (1, 2));
    let (_, ending) = run(true);
    assert_eq!((ending.sources_failed, ending.left_alone), (1, 2));
}

#[test]
fn without_sources_nothing_is_fetched() {
    let options = Options { with_source: false, ..Options::new(now()) };
    let mut sim = Sim::new(snapshot([old("a"), old("b").on("a")]), Scope::default(), options, 1);
    let ending = sim.run().unwrap();
    assert_eq!((sim.order(), ending.done), (vec!["a", "b"], 2));
    assert!(sim.asked.iter().all(|(_, key)| *key != source_key()));
}

#[test]
fn a_dependency_that_runs_a_second_time_costs_one_more_request_and_not_half_a_minute() {
    let mut sim = Sim::ordered([old("a"), old("b").on("a")]);
    sim.plan.options.all = true; // a is asked while the event of its source runs it: it runs twice
    let ending = sim.run().unwrap();
    assert_eq!(ending.done, 2);
    assert!(sim.time < 1_000, "{}", sim.time);
}

#[test]
fn children_wait_for_their_applier_and_one_that_waits_for_them_lets_them_go() {
    let children = [under(old("b"), "a"), under(old("c").on("b"), "a")];
    let applier = old("a").waits_for(&[key("b"), key("c")]);
    let mut sim = Sim::ordered([applier, children[0].clone(), children[1].clone()]);
    sim.takes.insert(key("a"), 3_000);
    let ending = sim.run().unwrap();
    assert_eq!((ending.done + ending.left_alone, ending.is_bad()), (3, false), "{}", sim.ends());
    let asked = |name: &str| sim.asked.iter().find(|(_, asked)| *asked == key(name)).map(|(time, _)| *time);
    assert!(asked("c").is_some_and(|time| (3_000..6_000).contains(&time)), "{:?}", sim.asked);
}

#[test]
fn a_child_that_appears_or_changes_on_the_way_is_taken_in() {
    let mut sim = Sim::ordered([old("a").holds(&[key("b")]), under(old("b"), "a"), old("z").on("late")]);
    let late = under(ks("late").never().at(super::sim::TOKEN), "a");
    let late = Node { status: Default::default(), ..late };
    sim.applies.insert(key("a"), vec![under(old("b").on("late"), "a"), late]);
    sim.takes.insert(key("a"), 1_000);
    let ending = sim.run().unwrap();
    assert_eq!((ending.done, ending.is_bad()), (4, false), "{}", sim.ends());
    let position = |name: &str| sim.ends().lines().position(|line| line.starts_with(&format!("{name} done")));
    assert!(position("late") < position("b") && position("late") < position("z"), "{}", sim.ends());
}

#[test]
fn an_object_that_is_deleted_on_the_way_is_gone_and_its_dependents_miss_it() {
    let mut plan = Plan::new(old_world([old("a"), old("b").on("a")]), Scope::default(), Options::new(now()));
    plan.next_actions();
    plan.observe(Duration::from_secs(1), Observation::Gone(key("a")));
    plan.next_actions();
    let states: Vec<StepState> = plan.states().into_iter().map(|view| view.state).collect();
    let missing = Grounds::Missing { objects: vec![key("a")] };
    assert!(states.contains(&StepState::Ended(super::End::Refused(missing))), "{states:?}");
}

#[test]
fn an_answer_that_was_lost_is_found_in_the_watch_and_nothing_is_asked_twice() {
    let mut plan = Plan::new(old_world([old("a")]), Scope::default(), Options::new(now()));
    let asks = |plan: &mut Plan| {
        let actions = plan.next_actions().into_iter();
        actions
            .filter_map(|action| if let Action::Ask(request) = action { Some(request) } else { None })
            .collect::<Vec<_>>()
    };
    let first = asks(&mut plan);
    assert_eq!(first.len(), 1);
    let request = &first[0];
    assert!(plan.wants(&request.object, &request.token));
    let mut source = super::sim::old_source();
    source.meta.annotations.insert(super::sim::TOKEN.to_owned(), request.token.clone());
    plan.observe(Duration::from_secs(1), Observation::Lost);
    assert_eq!(asks(&mut plan).len(), 0);
    plan.observe(Duration::from_secs(21), Observation::Source(Box::new(source)));
    plan.observe(Duration::from_secs(21), Observation::Resumed);
    assert_eq!(asks(&mut plan).len(), 0);
    assert!(!plan.wants(&request.object, &request.token));
}

#[test]
fn whoever_may_not_patch_is_told_so() {
    let mut sim = Sim::ordered([old("a"), old("b").on("a")]);
    sim.forbidden.insert(source_key());
    sim.run().unwrap();
    insta::assert_snapshot!(sim.ends(), @r"
    repo failed Forbidden
    a skipped behind repo
    b skipped behind repo
    ");
}

#[test]
fn an_interruption_tells_what_runs_on_and_what_was_not_asked() {
    let mut sim = Sim::ordered([old("a"), old("b").on("a")]);
    sim.plan.next_actions();
    sim.tell(Observation::Interrupted);
    let actions = sim.plan.next_actions();
    let Some(Action::Finish(ending)) = actions.last() else { panic!("{actions:?}") };
    assert_eq!((ending.cut, ending.not_asked, ending.is_bad()), (Some(Cut::Interrupted), 2, true));
    assert_eq!(sim.plan.next_actions(), []);
}

#[test]
fn an_object_that_nobody_runs_is_out_of_time_after_its_own_time_out() {
    let mut sim = Sim::ordered([old("a"), old("b").on("a")]);
    sim.takes.insert(key("a"), 10_000_000);
    let ending = sim.run().unwrap();
    assert_eq!((ending.out_of_time, ending.skipped), (1, 1), "{}", sim.ends());
    assert!((90_000..400_000).contains(&sim.time), "{}", sim.time);
}

#[test]
fn waiting_ends_when_all_is_there_and_at_once_when_something_fails_at_the_target() {
    let wait = || Options::wait(now(), Duration::from_secs(600));
    let mut sim = Sim::new(old_world([old("a"), old("b").on("a")]), Scope::default(), wait(), 3);
    sim.plan.options.revision = Some("8c1d22e".to_owned());
    assert!(sim.plan.next_actions().iter().all(|action| !matches!(action, Action::Finish(_))));
    sim.disturb_with_push(2_000);
    let ending = sim.run().unwrap();
    assert_eq!((ending.done, sim.asked.len(), ending.is_bad()), (2, 0, false), "{}", sim.ends());

    let mut sim = Sim::new(old_world([old("a"), old("b").on("a")]), Scope::default(), wait(), 3);
    sim.plan.options.revision = Some("8c1d22e".to_owned());
    sim.fails.insert(key("a"), "BuildFailed");
    sim.disturb_with_push(2_000);
    let ending = sim.run().unwrap();
    assert_eq!((ending.failed, ending.skipped, ending.cut), (1, 1, Some(Cut::FailedFast)));
    assert!(sim.time < 3_000, "{}", sim.time);
}

#[test]
fn one_object_without_order_is_asked_though_it_is_ready_and_fails_at_once_behind_its_dependency() {
    let scope = || Scope { objects: [key("b")].into(), ..Scope::default() };
    let options = || Options { ordered: false, ..Options::new(now()) };
    let mut sim = Sim::new(snapshot([ks("a"), ks("b")]), scope(), options(), 1);
    assert_eq!((sim.run().unwrap().done, sim.order()), (1, vec!["b"]));

    let stuck = ks("a").ready(ConditionStatus::False, "BuildFailed", "broken");
    let mut plan = Plan::new(snapshot([stuck, ks("b").on("a")]), scope(), options());
    assert_eq!(plan.options.mode, Mode::Ask);
    plan.next_actions();
    let states: Vec<&str> = plan.states().iter().map(|view| view.object.name.as_str()).collect();
    assert_eq!(states, ["repo", "b"]);
}

#[test]
fn a_named_object_takes_its_dependencies_and_appliers_along_and_dependents_if_asked_for() {
    let nodes = || [old("top"), under(old("a"), "top"), old("b").on("a"), old("c").on("b"), old("x")];
    let names = |scope: Scope| {
        let plan = Plan::new(old_world(nodes()), scope, Options::new(now()));
        let names: Vec<String> = plan.states().iter().map(|view| view.object.name.clone()).collect();
        names.join(" ")
    };
    let named = Scope { objects: [key("b")].into(), dependencies: true, ..Scope::default() };
    assert_eq!(names(named.clone()), "repo a top b");
    assert_eq!(names(Scope { dependents: true, ..named }), "repo a top b c");
}

#[test]
fn the_forecast_names_what_would_be_asked_and_what_not() {
    let plan = Plan::new(
        old_world([
            ks("a").at(super::sim::TOKEN),
            old("b").on("a").ready(ConditionStatus::False, "BuildFailed", "broken"),
            old("s").suspended(),
            old("t").on("s").ready(ConditionStatus::False, "BuildFailed", "broken"),
            old("m").on("gone"),
        ]),
        Scope::default(),
        Options::new(now()),
    );
    let name = |keys: &[ObjectKey]| keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",");
    let lines: Vec<String> = plan
        .layers()
        .iter()
        .map(|view| {
            let state = match &view.state {
                StepState::Ended(end) => super::describe(end, &name),
                StepState::Waiting { behind } => format!("behind {}", name(behind)),
                other => format!("{other:?}").to_lowercase(),
            };
            format!("{:?} {} {state}", view.layer, view.object.name)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    None repo queued
    Some(0) a queued
    Some(0) m refused missing gone
    Some(0) s refused suspended
    Some(1) b behind a
    Some(1) t queued
    ");
}

#[test]
fn force_is_for_the_releases_that_were_named_and_not_for_those_below() {
    let hr = crate::testing::hr;
    let scope = Scope {
        kinds: [GroupKind::HELM_RELEASE].into(),
        objects: [hr("app").key].into(),
        dependencies: true,
        ..Scope::default()
    };
    let options = Options { force: true, with_source: false, ..Options::new(now()) };
    let mut plan = Plan::new(snapshot([hr("base"), hr("app").on("base")]), scope, options);
    let asked = plan.next_actions().into_iter().filter_map(|action| match action {
        Action::Ask(request) => Some((request.object.name, request.force)),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [("app".to_owned(), true)], "base is ready");
}

#[test]
fn releases_are_asked_with_force_and_reset_and_kustomizations_never() {
    let release = crate::testing::hr("r");
    let scope = Scope { kinds: [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE].into(), ..Scope::default() };
    let options = Options { force: true, reset: true, with_source: false, ..Options::new(now()) };
    let mut plan = Plan::new(snapshot([ks("a").at("older"), release]), scope, options);
    let requests: Vec<(String, bool, bool)> = plan
        .next_actions()
        .into_iter()
        .filter_map(|action| match action {
            Action::Ask(request) => Some((request.object.name, request.force, request.reset)),
            _ => None,
        })
        .collect();
    assert_eq!(requests, [("r".to_owned(), true, true), ("a".to_owned(), false, false)]);
}
