//! What is told, as it reads.

use std::time::Duration;

use super::*;
use crate::model::{GroupKind, ObjectKey, Revision};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(GroupKind::KUSTOMIZATION, "flux-system", name)
}

fn view(width: usize) -> View {
    View { width: Some(width), unicode: true, ..View::default() }
}

fn names(key: &ObjectKey) -> String {
    key.name.clone()
}

fn at(revision: &str) -> Option<Revision> {
    Some(Revision(format!("main@sha1:{revision}000000000000000000000000000000000")))
}

fn failure() -> End {
    End::Failed(Failure {
        reason: "BuildFailed".to_owned(),
        message: format!("kustomize build failed: {}\nsecond line", "accumulating resources ".repeat(12)),
        stalled: false,
    })
}

/// One of everything, layer by layer.
fn steps(keys: &[(ObjectKey, Option<usize>, StepState)]) -> Vec<StepView<'_>> {
    keys.iter()
        .map(|(object, layer, state)| StepView {
            object,
            layer: *layer,
            wanted: true,
            state: state.clone(),
            since: Duration::from_secs(2),
            turn: Some(Duration::from_secs(1)),
            expected: Some(Duration::from_millis(4200)),
        })
        .collect()
}

fn some() -> Vec<(ObjectKey, Option<usize>, StepState)> {
    let ended = StepState::Ended;
    let source = ObjectKey::new(GroupKind::GIT_REPOSITORY, "flux-system", "fleet");
    vec![
        (source, None, ended(End::Done { revision: at("8c1d22e"), asked: true })),
        (key("crds"), Some(0), ended(End::LeftAlone { revision: at("8c1d22e") })),
        (key("sources"), Some(0), ended(End::Done { revision: at("8c1d22e"), asked: true })),
        (key("cert-manager"), Some(1), StepState::Running { message: "Building manifests".to_owned() }),
        (key("cilium"), Some(1), ended(failure())),
        (key("nfd"), Some(2), ended(End::Skipped { behind: vec![key("cilium")] })),
        (key("gateway"), Some(2), StepState::Waiting { behind: vec![key("cert-manager")] }),
        (key("apps"), Some(3), StepState::Waiting { behind: vec![key("gateway")] }),
        (key("asleep"), Some(3), ended(End::Refused(Grounds::Suspended))),
        (key("a"), None, ended(End::Refused(Grounds::Cycle { members: vec![key("a"), key("b")] }))),
    ]
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_picture_folds_what_is_well_and_shows_what_runs_and_what_failed() {
    let keys = some();
    let picture = text(|out| {
        write_picture(out, &steps(&keys), Duration::from_millis(5300), "context home", &names, view(72))
    });
    insta::assert_snapshot!(picture, @r"
    ✗ 6 of 9 settled, 3 not well, 5.3s                          context home

    sources  ✔ fleet
    0        ✔ crds, sources
    1        ⠙ cert-manager runs for 4.3s (last time 4.2s): Building
               manifests
             ✗ cilium BuildFailed: kustomize build failed: accumulating
               resources accumulating resources accumulating resources
               accumulating resources accumulating resources accumulating
    2        ⚠ nfd skipped, behind cilium
             · gateway
    3        ⚠ asleep is suspended, and left as it is
             · apps
    -        ✗ a refused: in or behind a cycle, a → b → a
    ");
    assert!(picture.lines().all(|line| crate::render::text::columns(line) <= 72));
}

#[test]
fn events_are_a_line_each_and_quote_what_matters() {
    let took = Duration::from_millis(1234);
    let told = text(|out| {
        for (object, _, state) in some() {
            if let StepState::Ended(end) = state {
                write_event(out, &Event::Ended { object, end, took }, &names, view(72), Mode::Ask, true)?;
            }
        }
        let object = key("apps");
        let asked = |before| Event::Asked { object: object.clone(), token: "t".to_owned(), before };
        for event in
            [asked(0), asked(1), Event::Waiting { object: object.clone(), behind: vec![key("gateway")] }]
        {
            write_event(out, &event, &names, view(72), Mode::Ask, true)?;
            write_event(out, &event, &names, view(72), Mode::Ask, false)?;
        }
        Ok(())
    });
    insta::assert_snapshot!(told, @r"
    ✔ fleet fetched main@8c1d22e in 1.2s
    ✔ crds is at main@8c1d22e already
    ✔ sources applied main@8c1d22e in 1.2s
    ✗ cilium failed after 1.2s with BuildFailed: kustomize build failed: accumulating resources accumulating resources accumulating resources accumulating resources accumulating resources accumulating resource…
    ⚠ nfd skipped: behind cilium
    ⚠ asleep is suspended, and left as it is
    ✗ a refused: in or behind a cycle, a → b → a
    ► apps asked
    ► apps asked
    ► apps asked again
    ► apps asked again
    ◎ apps waits for gateway
    ");
}

#[test]
fn the_end_has_what_did_not_come_up_and_the_counts() {
    let keys = some();
    let ending = Ending {
        cut: Some(Cut::Interrupted),
        done: 1,
        left_alone: 1,
        failed: 1,
        skipped: 1,
        refused: 1,
        suspended: 1,
        left_running: 1,
        not_asked: 2,
        ..Ending::default()
    };
    let (steps, took) = (steps(&keys), Duration::from_secs(75));
    let over = Over {
        ending: &ending,
        mode: Mode::Ask,
        took,
        steps: &steps,
        label: "context home",
        causes: 0,
        is_good: false,
    };
    let told = text(|out| {
        write_result(out, &steps, &names, view(72))?;
        write_ending(out, &over, &names, view(72), false)
    });
    insta::assert_snapshot!(told, @r"
    ✗ cilium failed after 1.0s with BuildFailed: kustomize build failed:
      accumulating resources accumulating resources accumulating resources
      accumulating resources accumulating resources accumulating resource…
    ✔ sources
    ⚠ skipped, behind cilium: nfd
    ⚠ suspended, and left as they are: asleep
    ✗ refused: in or behind a cycle, a → b → a: a
    ✗ stopped: 1 failed, 1 skipped, 1 refused, 1 left running, 2 not asked,
      1 brought up, 1 up already, 1 suspended in 75s            context home
    ");
}

#[test]
fn the_plan_says_layer_by_layer_what_would_be_done() {
    let mut keys = some();
    keys[3].2 = StepState::Queued;
    let told = text(|out| write_plan(out, &steps(&keys), "context home", &names, view(72), false));
    insta::assert_snapshot!(told, @r"
    ► plan: 3 to ask, 2 to leave alone, 4 not to be asked; nothing is done
      context home

    LAYER    DOES                                  OBJECTS
    sources  left alone                            fleet
    0        left alone                            crds, sources
    1        asked                                 cert-manager
             not asked                             cilium
    2        skipped: behind cilium                nfd
             asked                                 gateway
    3        asked                                 apps
             is suspended, and left as it is       asleep
    -        refused: in or behind a cycle, a → b  a
             → a
    ");
    assert!(told.lines().all(|line| crate::render::text::columns(line) <= 72));
}
