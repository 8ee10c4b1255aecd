use proptest::prelude::*;

use super::*;
use crate::diagnosis::selection::testing::*;
use crate::diagnosis::selection::{APPLIERS, Selection};
use crate::diagnosis::{Code, Diagnosis};
use crate::model::OriginKind;
use crate::render::json::status::StatusV1;
use crate::render::{Palette, json, yaml};

fn view(width: Option<usize>) -> View {
    View { width, unicode: true, ..View::default() }
}

fn told(found: &Diagnosis, style: &StatusStyle) -> String {
    selected(found, &Selection::default(), style)
}

fn selected(found: &Diagnosis, selection: &Selection, style: &StatusStyle) -> String {
    let mut out = Vec::new();
    write(&mut out, &selection.view(found), style).unwrap();
    String::from_utf8(out).unwrap()
}

fn at_width(width: usize) -> StatusStyle {
    StatusStyle { view: view(Some(width)), ..StatusStyle::default() }
}

/// The reference cluster of the contract's picture: cert-manager cannot decrypt, eight wait behind it.
fn home() -> Diagnosis {
    let mut found = diagnosis([
        ks("flux-system"),
        ks("sources"),
        ks("gateway-api").layer(1).since("02:41"),
        ks("cert-manager").layer(2).failed(Code::SopsKeyMismatch),
        ks("cilium").layer(3).blocked_by("cert-manager"),
        ks("nfd").layer(4).blocked_by("cert-manager"),
        ks("intel-gpu").layer(5).blocked_by("cert-manager"),
        ks("nvidia-gpu").layer(5).blocked_by("cert-manager"),
        ks("gateway").layer(6).blocked_by("cert-manager"),
        ks("apps").layer(7).blocked_by("cert-manager"),
        ks("auth").layer(7).blocked_by("cert-manager"),
        ks("monitoring").layer(7).blocked_by("cert-manager"),
    ]);
    let summary =
        "Secret cert-manager/cloudflare-token is encrypted for age1q8f…x3kd, not among the controller's keys";
    found.causes[0].fault.summary = summary.to_owned();
    found
}

fn all_ready(number: usize) -> Diagnosis {
    diagnosis(
        (0..number)
            .map(|n| ks(&format!("app-{n:03}")).layer(usize::from(n > 0)).since(&format!("02:{:02}", n % 60))),
    )
}

fn many_causes(number: usize) -> Diagnosis {
    diagnosis((0..number).map(|n| ks(&format!("app-{n}")).failed(Code::BuildFailed)))
}

#[test]
fn a_blocked_cluster_at_80_columns() {
    insta::assert_snapshot!(told(&home(), &at_width(80)), @r"
    ✗ 1 root cause, 8 blocked, 3 ready of 12 Kustomizations         context k3s-home
      8 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    ✗ cert-manager  SopsKeyMismatch  blocks 8  since 02:41 (31m)
      Secret cert-manager/cloudflare-token is encrypted for age1q8f…x3kd, not among
      the controller's keys
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why cert-manager

    LAYER  KUSTOMIZATION           STATE    SINCE  RUNS
    0      flux-system, sources    Ready    02:40  main@8c1d22e
    1      gateway-api             Ready    02:41  main@8c1d22e
    2      cert-manager            Failed   02:41  main@a41f9c3
    3      cilium                  Blocked  02:41  main@a41f9c3
    4      nfd                     Blocked  02:41  main@a41f9c3
    5      intel-gpu, nvidia-gpu   Blocked  02:41  main@a41f9c3
    6      gateway                 Blocked  02:41  main@a41f9c3
    7      apps, auth, monitoring  Blocked  02:41  main@a41f9c3
    ");
}

#[test]
fn a_blocked_cluster_at_40_columns() {
    insta::assert_snapshot!(told(&home(), &at_width(40)), @r"
    ✗ 1 root cause, 8 blocked,
      3 ready of 12 Kustomizations
      context k3s-home
      8 still run main@a41f9c3, 0 never
      applied; newest main@8c1d22e

    ✗ cert-manager  SopsKeyMismatch
      blocks 8  since 02:41 (31m)
      Secret cert-manager/cloudflare-token
      is encrypted for age1q8f…x3kd, not
      among the controller's keys
      last good main@a41f9c3 02:11; next try
      03:41, sooner only after a push
      ► kubectl fluxlayers why cert-manager

    LAYER  KUSTOMIZATION  STATE    SINCE
    0      flux-system,   Ready    02:40
           sources
    1      gateway-api    Ready    02:41
    2      cert-manager   Failed   02:41
    3      cilium         Blocked  02:41
    4      nfd            Blocked  02:41
    5      intel-gpu,     Blocked  02:41
           nvidia-gpu
    6      gateway        Blocked  02:41
    7      apps, auth,    Blocked  02:41
           monitoring
    ");
}

#[test]
fn a_blocked_cluster_in_ascii() {
    let mut style = at_width(80);
    style.view.unicode = false;
    let text = told(&home(), &style);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text, @r"
    x 1 root cause, 8 blocked, 3 ready of 12 Kustomizations         context k3s-home
      8 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    x cert-manager  SopsKeyMismatch  blocks 8  since 02:41 (31m)
      Secret cert-manager/cloudflare-token is encrypted for age1q8f...x3kd, not
      among the controller's keys
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      > kubectl fluxlayers why cert-manager

    LAYER  KUSTOMIZATION           STATE    SINCE  RUNS
    0      flux-system, sources    Ready    02:40  main@8c1d22e
    1      gateway-api             Ready    02:41  main@8c1d22e
    2      cert-manager            Failed   02:41  main@a41f9c3
    3      cilium                  Blocked  02:41  main@a41f9c3
    4      nfd                     Blocked  02:41  main@a41f9c3
    5      intel-gpu, nvidia-gpu   Blocked  02:41  main@a41f9c3
    6      gateway                 Blocked  02:41  main@a41f9c3
    7      apps, auth, monitoring  Blocked  02:41  main@a41f9c3
    ");
}

#[test]
fn a_blocked_cluster_in_colour() {
    let mut style = at_width(80);
    style.view.palette = Palette::coloured();
    insta::assert_snapshot!(told(&home(), &style).replace('\x1b', "␛"), @r"
    ␛[31;1m✗␛[0m ␛[31;1m1 root cause,␛[0m ␛[33m8 blocked,␛[0m 3 ready of 12 Kustomizations         ␛[2mcontext k3s-home␛[0m
      ␛[2m8 still run main@a41f9c3, 0 never applied; newest main@8c1d22e␛[0m

    ␛[31;1m✗␛[0m ␛[1mcert-manager␛[0m  ␛[31;1mSopsKeyMismatch␛[0m  blocks 8  since 02:41 (31m)
      Secret cert-manager/cloudflare-token is encrypted for age1q8f…x3kd, not among
      the controller's keys
      ␛[2mlast good main@a41f9c3 02:11; next try 03:41, sooner only after a push␛[0m
      ► ␛[36mkubectl fluxlayers why cert-manager␛[0m

    ␛[2mLAYER  KUSTOMIZATION           STATE    SINCE  RUNS␛[0m
    0      flux-system, sources    ␛[32mReady␛[0m    02:40  main@8c1d22e
    1      gateway-api             ␛[32mReady␛[0m    02:41  main@8c1d22e
    2      cert-manager            ␛[31;1mFailed␛[0m   02:41  main@a41f9c3
    3      cilium                  ␛[33mBlocked␛[0m  02:41  main@a41f9c3
    4      nfd                     ␛[33mBlocked␛[0m  02:41  main@a41f9c3
    5      intel-gpu, nvidia-gpu   ␛[33mBlocked␛[0m  02:41  main@a41f9c3
    6      gateway                 ␛[33mBlocked␛[0m  02:41  main@a41f9c3
    7      apps, auth, monitoring  ␛[33mBlocked␛[0m  02:41  main@a41f9c3
    ");
}

#[test]
fn colour_changes_nothing_but_colour() {
    let mut style = at_width(80);
    let plain = told(&home(), &style);
    style.view.palette = Palette::coloured();
    let lines = |text: &str| text.lines().map(clean).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&told(&home(), &style)), lines(&plain));
}

#[test]
fn a_pipe_gets_everything_on_long_lines() {
    let style = StatusStyle { no_headers: true, view: view(None), ..StatusStyle::default() };
    insta::assert_snapshot!(told(&home(), &style), @r"
    ✗ 1 root cause, 8 blocked, 3 ready of 12 Kustomizations  context k3s-home
      8 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    ✗ cert-manager  SopsKeyMismatch  blocks 8  since 02:41 (31m)
      Secret cert-manager/cloudflare-token is encrypted for age1q8f…x3kd, not among the controller's keys
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why cert-manager

    0  flux-system, sources    Ready    02:40  main@8c1d22e
    1  gateway-api             Ready    02:41  main@8c1d22e
    2  cert-manager            Failed   02:41  main@a41f9c3
    3  cilium                  Blocked  02:41  main@a41f9c3
    4  nfd                     Blocked  02:41  main@a41f9c3
    5  intel-gpu, nvidia-gpu   Blocked  02:41  main@a41f9c3
    6  gateway                 Blocked  02:41  main@a41f9c3
    7  apps, auth, monitoring  Blocked  02:41  main@a41f9c3
    ");
}

#[test]
fn wide_has_a_row_for_each_object() {
    let style = StatusStyle { wide: true, ..at_width(80) };
    insta::assert_snapshot!(told(&home(), &style), @r"
    ✗ 1 root cause, 8 blocked, 3 ready of 12 Kustomizations         context k3s-home
      8 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    ✗ cert-manager  SopsKeyMismatch  blocks 8  since 02:41 (31m)
      Secret cert-manager/cloudflare-token is encrypted for age1q8f…x3kd, not among
      the controller's keys
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why cert-manager

    LAYER  KUSTOMIZATION             STATE    SINCE  RUNS          SOURCE                           BLOCKED BY                   MESSAGE
    0      flux-system/flux-system   Ready    02:40  main@8c1d22e  gitrepo/flux-system/flux-system  -                            -
    0      flux-system/sources       Ready    02:40  main@8c1d22e  gitrepo/flux-system/flux-system  -                            -
    1      flux-system/gateway-api   Ready    02:41  main@8c1d22e  gitrepo/flux-system/flux-system  -                            -
    2      flux-system/cert-manager  Failed   02:41  main@a41f9c3  gitrepo/flux-system/flux-system  -                            it failed
    3      flux-system/cilium        Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    4      flux-system/nfd           Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    5      flux-system/intel-gpu     Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    5      flux-system/nvidia-gpu    Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    6      flux-system/gateway       Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    7      flux-system/apps          Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    7      flux-system/auth          Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready
    7      flux-system/monitoring    Blocked  02:41  main@a41f9c3  gitrepo/flux-system/flux-system  ks/flux-system/cert-manager  dependency is not ready

    times are UTC
    ");
}

#[test]
fn verbose_tells_evidence_and_remedies() {
    let style = StatusStyle {
        verbose: true,
        again: Some(vec!["--from".to_owned(), "a dump.yaml".to_owned()]),
        ..at_width(80)
    };
    let text = told(&diagnosis([ks("infra").failed(Code::BuildFailed)]), &style);
    insta::assert_snapshot!(text, @r"
    ✗ 1 root cause, 0 ready of 1 Kustomization                      context k3s-home

    ✗ infra  BuildFailed  blocks 0  since 02:41 (31m)
      infra is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      seen    it failed
      ► undo:
        git revert HEAD
      ► kubectl fluxlayers why infra --from 'a dump.yaml'

    LAYER  KUSTOMIZATION  STATE   SINCE  RUNS
    0      infra          Failed  02:41  main@a41f9c3

    times are UTC
    ");
}

#[test]
fn a_healthy_cluster_of_300_is_short() {
    insta::assert_snapshot!(told(&all_ready(300), &at_width(80)), @r"
    ✔ all 300 Kustomizations ready                                  context k3s-home

    LAYER  KUSTOMIZATION                                 STATE  SINCE  RUNS
    0      app-000                                       Ready  02:00  main@8c1d22e
    1      app-001, app-002, app-003, app-004, app-005,  Ready  02:59  main@8c1d22e
           app-006, app-007, app-008 … and 291 more
    ");
    let pipe = told(&all_ready(300), &StatusStyle { view: view(None), ..StatusStyle::default() });
    assert!(pipe.contains("app-299") && !pipe.contains('…'));
}

#[test]
fn one_victim_more_does_not_lengthen_a_cause() {
    let victims = |number: usize| {
        let victims = (0..number).map(|n| ks(&format!("app-{n:02}")).layer(1).blocked_by("infra"));
        diagnosis([ks("infra").failed(Code::BuildFailed)].into_iter().chain(victims))
    };
    let cause = |number: usize| {
        let text = told(&victims(number), &at_width(80));
        text.split("LAYER").next().unwrap().lines().count()
    };
    assert_eq!(cause(31), cause(1));
    insta::assert_snapshot!(told(&victims(31), &at_width(80)), @r"
    ✗ 1 root cause, 31 blocked, 0 ready of 32 Kustomizations        context k3s-home
      31 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    ✗ infra  BuildFailed  blocks 31  since 02:41 (31m)
      infra is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why infra

    LAYER  KUSTOMIZATION                            STATE    SINCE  RUNS
    0      infra                                    Failed   02:41  main@a41f9c3
    1      app-00, app-01, app-02, app-03, app-04,  Blocked  02:41  main@a41f9c3
           app-05, app-06, app-07, app-08, app-09,
           app-10, app-11, app-12 … and 18 more
    ");
}

#[test]
fn a_cycle_is_a_loop_and_what_is_missing_says_who_wants_it() {
    let found = diagnosis([ks("web").waits_for_missing("db"), ks("shop").waits_for_missing("db")])
        .cycle(["a", "b", "c"]);
    insta::assert_snapshot!(told(&found, &at_width(80)), @r"
    ✗ 2 root causes, 5 blocked, 1 missing, 0 ready of 6 Kustomizations
      context k3s-home
      5 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    ✗ a  DependencyCycle  blocks 3  since 02:41 (31m)
      a is wrong and has to be mended before anything behind it can go on
      a → b → c → a
      ► kubectl fluxlayers why a

    ✗ db  DependencyNotFound  blocks 2  since 02:41 (31m)
      db is wrong and has to be mended before anything behind it can go on
      hits web, shop
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why web

    LAYER  KUSTOMIZATION  STATE    SINCE  RUNS
    0      shop, web      Blocked  02:41  main@a41f9c3
    -      a, b, c        Blocked  02:41  main@a41f9c3
    ");
}

#[test]
fn what_no_cause_tells_is_told_below_them() {
    let mut found = diagnosis([ks("web").waits_for_missing("db")]).cycle(["a", "b", "c"]);
    found.causes.clear();
    insta::assert_snapshot!(told(&found, &at_width(80)), @r"
    ✗ 4 blocked, 1 missing, 0 ready of 5 Kustomizations             context k3s-home
      4 still run main@a41f9c3, 0 never applied; newest main@8c1d22e

    ✗ db  missing  wanted by web
    ✗ cycle  a → b → c → a

    LAYER  KUSTOMIZATION  STATE    SINCE  RUNS
    0      web            Blocked  02:41  main@a41f9c3
    -      a, b, c        Blocked  02:41  main@a41f9c3
    ");
}

#[test]
fn a_long_loop_leaves_its_middle_out() {
    let mut found = diagnosis([]).cycle(["a"; 1]);
    let members: Vec<_> = (0..300).map(|n| ks_key(&format!("app-{n}"))).collect();
    found.causes[0].cycle = members;
    let text = told(&found, &at_width(80));
    assert!(text.contains("app-0 → app-1 →") && text.contains("more → app-299 → app-0"), "{text}");
}

#[test]
fn of_many_causes_the_first_five_are_told_in_full() {
    let text = told(&many_causes(10), &at_width(80));
    assert_eq!(text.matches("has to be mended").count(), 5);
    assert_eq!(text.matches("BuildFailed").count(), 10);
    insta::assert_snapshot!(text, @r"
    ✗ 10 root causes, 0 ready of 10 Kustomizations                  context k3s-home

    ✗ app-0  BuildFailed  blocks 0  since 02:41 (31m)
      app-0 is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why app-0

    ✗ app-1  BuildFailed  blocks 0  since 02:41 (31m)
      app-1 is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why app-1

    ✗ app-2  BuildFailed  blocks 0  since 02:41 (31m)
      app-2 is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why app-2

    ✗ app-3  BuildFailed  blocks 0  since 02:41 (31m)
      app-3 is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why app-3

    ✗ app-4  BuildFailed  blocks 0  since 02:41 (31m)
      app-4 is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why app-4

    ✗ app-5  BuildFailed  blocks 0  since 02:41 (31m)
    ✗ app-6  BuildFailed  blocks 0  since 02:41 (31m)
    ✗ app-7  BuildFailed  blocks 0  since 02:41 (31m)
    ✗ app-8  BuildFailed  blocks 0  since 02:41 (31m)
    ✗ app-9  BuildFailed  blocks 0  since 02:41 (31m)
      -v tells these in full, too

    LAYER  KUSTOMIZATION                              STATE   SINCE  RUNS
    0      app-0, app-1, app-2, app-3, app-4, app-5,  Failed  02:41  main@a41f9c3
           app-6, app-7, app-8, app-9
    ");
    assert_eq!(told(&many_causes(8), &at_width(80)).matches("has to be mended").count(), 8);
    let verbose = StatusStyle { verbose: true, ..at_width(80) };
    assert_eq!(told(&many_causes(10), &verbose).matches("has to be mended").count(), 10);
}

#[test]
fn causes_outside_flux_lead_to_the_object_that_they_hit() {
    let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, "nfd", "nfd-master");
    let mut fault = cause(Code::HealthCheckFailed, deployment, vec![ks_key("nfd"), ks_key("gpu")]);
    fault.fault.subcode = Some("Unschedulable");
    let found =
        diagnosis([ks("nfd").state(State::Failed), ks("gpu").state(State::Failed).stalled(), hr("media/nfd")]);
    insta::assert_snapshot!(told(&found.cause(fault), &at_width(80)), @r"
    ✗ 1 root cause, 2 failed, 0 ready of 2 Kustomizations           context k3s-home

    ✗ Deployment nfd/nfd-master  HealthCheckFailed/Unschedulable  blocks 0
      since 02:41 (31m)
      nfd-master is wrong and has to be mended before anything behind it can go on
      hits nfd, gpu
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why nfd

    LAYER  KUSTOMIZATION  STATE             SINCE  RUNS
    0      gpu            Failed (stalled)  02:40  main@8c1d22e
    0      nfd            Failed            02:40  main@8c1d22e
    ");
}

#[test]
fn where_the_facts_are_used_up_no_command_is_offered() {
    let style = StatusStyle { again: None, ..at_width(80) };
    let text = told(&home(), &style);
    assert!(text.contains("SopsKeyMismatch") && !text.contains('►'), "{text}");
}

#[test]
fn an_ambiguous_name_is_spelt_in_full_in_commands() {
    let found = diagnosis([
        ks("a/apps").failed(Code::BuildFailed),
        ks("b/apps"),
        hr("b/web").failed(Code::HelmInstallFailed),
        ks("b/web"),
    ]);
    let text = told(&found, &at_width(80));
    assert!(text.contains("► kubectl fluxlayers why ks/a/apps\n"), "{text}");
    assert!(text.contains("► kubectl fluxlayers why hr/b/web\n"), "{text}");
}

#[test]
fn every_state_is_counted_in_the_verdict() {
    let found = diagnosis([
        ks("ready"),
        ks("failed").failed(Code::BuildFailed).runs(None),
        ks("blocked").blocked_by("failed"),
        ks("missing").state(State::Missing),
        ks("unknown").state(State::Unknown),
        ks("progressing").state(State::Progressing),
        ks("suspended").state(State::Suspended),
    ])
    .warning(
        "SourceStale",
        "GitRepository flux-system/repo fails for 4m, its last artifact still serves",
        None,
    );
    insta::assert_snapshot!(told(&found, &at_width(80)), @r"
    ✗ 1 root cause, 1 blocked, 1 missing, 1 unknown, 1 progressing, 1 suspended,
      1 ready of 7 Kustomizations, 1 warning                        context k3s-home
      1 still runs main@a41f9c3, 1 never applied; newest main@8c1d22e

    ✗ failed  BuildFailed  blocks 1  since 02:41 (31m)
      failed is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why failed

    LAYER  KUSTOMIZATION  STATE        SINCE  RUNS
    0      missing        Missing      02:40  main@8c1d22e
    0      failed         Failed       02:41  -
    0      blocked        Blocked      02:41  main@a41f9c3
    0      unknown        Unknown      02:40  main@8c1d22e
    0      suspended      Suspended    02:40  main@8c1d22e
    0      progressing    Progressing  02:40  main@8c1d22e
    0      ready          Ready        02:40  main@8c1d22e

    ⚠ SourceStale  GitRepository flux-system/repo fails for 4m, its last artifact
      still serves
    ");
}

#[test]
fn good_answers_have_their_own_words() {
    let verdict = |found: &Diagnosis| told(found, &at_width(80)).lines().next().unwrap().to_owned();
    insta::assert_snapshot!(verdict(&all_ready(1)), @"✔ 1 Kustomization ready                                         context k3s-home");
    insta::assert_snapshot!(verdict(&all_ready(12)), @"✔ all 12 Kustomizations ready                                   context k3s-home");
    let coming = diagnosis([ks("apps").state(State::Progressing), ks("infra")]);
    insta::assert_snapshot!(verdict(&coming), @"◎ 1 progressing, 1 ready of 2 Kustomizations                    context k3s-home");
    let suspended = diagnosis([ks("apps").state(State::Suspended), ks("infra")]);
    insta::assert_snapshot!(verdict(&suspended), @"✔ 1 suspended, 1 ready of 2 Kustomizations                      context k3s-home");
    let frozen = all_ready(12).warning("SourceFrozen", "suspended since 3d", Some(source("flux-system")));
    insta::assert_snapshot!(verdict(&frozen), @"✔ all 12 Kustomizations ready, 12 frozen, 1 warning             context k3s-home");
    let strict = StatusStyle { strict: true, ..at_width(80) };
    insta::assert_snapshot!(told(&frozen, &strict).lines().next().unwrap(), @"✗ all 12 Kustomizations ready, 12 frozen, 1 warning             context k3s-home");
}

#[test]
fn what_is_only_declared_claims_no_state() {
    let mut found = home();
    found.origin = OriginKind::Declared;
    found.label = "repository flux-k3s".to_owned();
    found.causes.clear();
    for object in found.objects.values_mut() {
        object.state = State::Unknown;
        object.since = None;
        object.revision = None;
    }
    insta::assert_snapshot!(told(&found, &at_width(80)), @r"
    ◎ 12 Kustomizations declared                                 repository flux-k3s
      only the repository was read: whether anything runs is not known

    LAYER  KUSTOMIZATION
    0      flux-system, sources
    1      gateway-api
    2      cert-manager
    3      cilium
    4      nfd
    5      intel-gpu, nvidia-gpu
    6      gateway
    7      apps, auth, monitoring
    ");
}

#[test]
fn several_kinds_and_namespaces_are_told_apart() {
    let found =
        diagnosis([ks("infra"), hr("media/plex").failed(Code::HelmInstallFailed), rset("apps/tenants")]);
    let all = Selection { kinds: APPLIERS.into_iter().collect(), kinds_explicit: true, ..Selection::default() };
    insta::assert_snapshot!(selected(&found, &all, &at_width(80)), @r"
    ✗ 1 root cause, 2 ready of 3 objects                            context k3s-home

    ✗ HelmRelease media/plex  HelmInstallFailed  blocks 0  since 02:41 (31m)
      plex is wrong and has to be mended before anything behind it can go on
      last good main@a41f9c3 02:11; next try 03:41, sooner only after a push
      ► kubectl fluxlayers why plex

    LAYER  OBJECT                STATE   SINCE  RUNS
    0      hr/media/plex         Failed  02:41  main@a41f9c3
    0      rset/apps/tenants     Ready   02:40  -
    0      ks/flux-system/infra  Ready   02:40  main@8c1d22e
    ");
    let mut out = Vec::new();
    write_names(&mut out, &all.view(&found)).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    resourceset/apps/tenants
    helmrelease/media/plex
    kustomization/flux-system/infra
    ");
}

#[test]
fn an_old_dump_carries_dates() {
    let found = diagnosis([ks("infra").failed(Code::BuildFailed)]).aged(3);
    let text = told(&found, &at_width(80));
    assert!(text.contains("since Nov 24 02:41 (3d)") || text.contains("since Nov 24 02:41 (3d0h)"), "{text}");
    assert!(text.contains("next try due"), "{text}");
}

#[test]
fn a_suspended_object_shows_what_its_dependents_get() {
    let found = diagnosis([ks("infra").state(State::Suspended), ks("apps").layer(1).blocked_by("infra")]);
    assert!(told(&found, &at_width(80)).contains("infra          Suspended (NotReady)"));
    assert!(!told(&found, &at_width(40)).contains("NotReady"));
}

#[test]
fn incomplete_sight_is_said() {
    let mut found = all_ready(2);
    found.complete = false;
    assert!(told(&found, &at_width(80)).ends_with("\nincomplete: not everything could be seen\n"));
    let found = found.warning("NotCovered", "something is out of sight", None);
    assert!(
        told(&found, &at_width(80)).ends_with("\nincomplete: not everything could be seen; see the warnings\n")
    );
}

#[test]
fn where_nothing_could_be_read_nothing_is_good() {
    let mut found = diagnosis([hr("media/plex")]).warning("InputBroken", "a.yaml: nobody can read this", None);
    assert!(told(&found, &at_width(80)).starts_with("✔ no Kustomizations, 1 warning "));
    found.complete = false;
    assert!(told(&found, &at_width(80)).starts_with("✗ no Kustomizations could be read, 1 warning "));
}

#[test]
fn many_warnings_are_counted_on_a_terminal_and_listed_in_a_pipe() {
    let mut found = all_ready(2);
    for n in 0..20 {
        found = found.warning("UnusedSourceFailing", &format!("source {n} fails and nothing uses it"), None);
    }
    let text = told(&found, &at_width(80));
    assert_eq!(text.matches("UnusedSourceFailing").count(), 5);
    assert!(text.contains("… and 15 more, with -v"), "{text}");
    let pipe = told(&found, &StatusStyle { view: view(None), ..StatusStyle::default() });
    assert_eq!(pipe.matches("UnusedSourceFailing").count(), 20);
}

#[test]
fn yaml_says_what_json_says() {
    let found = diagnosis([ks("infra").failed(Code::BuildFailed).message("BuildFailed", "two\nlines: 'no'\n")]);
    let mut out = Vec::new();
    yaml::write(&mut out, &StatusV1::new(&Selection::default().view(&found))).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

/// Names and messages that want to get out.
fn foreign() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        3 => proptest::char::range('a', 'z'),
        1 => Just('\x1b'),
        1 => Just('\u{9b}'),
        1 => Just('\u{202e}'),
        1 => proptest::char::range('\0', '\u{9f}'),
        1 => any::<char>(),
        1 => Just(' '),
    ];
    proptest::collection::vec(char, 1..40).prop_map(|chars| chars.into_iter().collect())
}

/// Text that YAML could misread, without anything harmful.
fn tricky() -> impl Strategy<Value = String> {
    prop_oneof![
        "(no|yes|on|off|y|n|~|null|true|0x1f|0o14|012|1_000|1e3|2026-11-24|12:30:45|=|<<|-|\\.inf|)",
        "[-?:,\\[\\]{}#&*!|>'\"%@` a-z0-9\n]{0,30}",
        "[a-zäß鍵 \n]{0,120}",
    ]
}

proptest! {
    #[test]
    fn yaml_reads_back_as_what_json_says(texts in proptest::collection::vec(tricky(), 4)) {
        let mut found = diagnosis([ks("ns/apps").failed(Code::BuildFailed).message(&texts[0], &texts[1])]);
        found.causes[0].fault.summary.clone_from(&texts[2]);
        found.causes[0].fault.evidence[0].text.clone_from(&texts[3]);
        let shown = Selection::default();
        let document = StatusV1::new(&shown.view(&found));
        let mut out = Vec::new();
        yaml::write(&mut out, &document).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&String::from_utf8(out).unwrap()).unwrap();
        prop_assert_eq!(read, serde_json::to_value(&document).unwrap());
    }

    #[test]
    fn nothing_foreign_steers_the_terminal_and_every_line_fits(
        texts in proptest::collection::vec(foreign(), 8),
        width in 40usize..120,
        unicode: bool,
        wide: bool,
        verbose: bool,
    ) {
        let mut found = diagnosis([
            ks(&format!("ns/{}", texts[0])).failed(Code::BuildFailed).message(&texts[1], &texts[2]),
            ks("ns/apps").layer(1).blocked_by(&format!("ns/{}", texts[0])),
            ks("ns/wants").waits_for_missing(&format!("{}/{}", texts[3], texts[4])),
        ])
        .warning("SourceStale", &texts[5], None)
        .cycle(["one", "two"]);
        found.label.clone_from(&texts[6]);
        found.causes[0].fault.summary.clone_from(&texts[7]);
        found.causes[0].fault.remedies[0].command = Some(texts[1].clone());
        found.causes[0].fault.evidence[0].text.clone_from(&texts[3]);
        let style = StatusStyle {
            wide,
            verbose,
            view: View { width: Some(width), unicode, ..View::default() },
            ..StatusStyle::default()
        };
        let text = told(&found, &style);
        let harmless = |text: &str| !text.chars().any(|c| c != '\n' && crate::render::text::is_harmful(c));
        prop_assert!(harmless(&text), "{text:?}");
        let command = if unicode { "  ► " } else { "  > " };
        let table = text.lines().skip_while(|line| !line.starts_with("LAYER")).take_while(|line| !line.is_empty());
        let table: Vec<&str> = table.collect();
        for line in text.lines().filter(|line| !line.starts_with(command)) {
            let free = wide && table.contains(&line);
            prop_assert!(free || columns(line) <= width, "{width}: {line:?}");
        }
        let shown = Selection::default();
        let document = StatusV1::new(&shown.view(&found));
        let (mut names, mut as_json, mut as_yaml) = (Vec::new(), Vec::new(), Vec::new());
        write_names(&mut names, &shown.view(&found)).unwrap();
        json::write(&mut as_json, &document).unwrap();
        yaml::write(&mut as_yaml, &document).unwrap();
        for out in [names, as_json, as_yaml] {
            let out = String::from_utf8(out).unwrap();
            prop_assert!(harmless(&out), "{out:?}");
        }
    }
}
