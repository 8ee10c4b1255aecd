//! How long the plan of a large fleet takes: `cargo bench --bench plan`.
//!
//! 5,000 Kustomizations of one source, a hundred in a layer, each on two of the layer below; none applies another. What is
//! printed is processor-bound: no network, no clock inside.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use kubectl_fluxlayers::model::{
    Artifact, Condition, ConditionStatus, Conditions, Dependency, GroupKind, KustomizationSpec, Meta, Node,
    NodeStatus, ObjectKey, Revision, Snapshot, Source, Spec,
};
use kubectl_fluxlayers::reconcile::{Action, Observation, Options, Plan, Request, Scope};

const OBJECTS: usize = 5_000;
const WIDTH: usize = 100;
const TOKEN: &str = "reconcile.fluxcd.io/requestedAt";

fn main() {
    // `cargo test --benches` starts it as well, and says so by leaving this away.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let world = world();
    println!("{OBJECTS} Kustomizations, {} layers", OBJECTS / WIDTH);
    let options = Options { concurrency: usize::MAX, ..Options::new(world.now) };
    let begun = Instant::now();
    let mut plan = Plan::new(world, Scope::default(), options);
    println!("{:>10.1?}  plan", begun.elapsed());
    let begun = Instant::now();
    let mut actions = plan.next_actions();
    println!("{:>10.1?}  first actions: {}", begun.elapsed(), actions.len());
    let begun = Instant::now();
    let layers = plan.layers().len();
    println!("{:>10.1?}  forecast of {layers}", begun.elapsed());

    // Everything comes up: four events an object.
    let (begun, mut told, mut time) = (Instant::now(), 0_u32, Duration::ZERO);
    let mut longest = Duration::ZERO;
    let is_over = |actions: &[Action]| actions.iter().any(|action| matches!(action, Action::Finish(_)));
    while !is_over(&actions) {
        let requests: Vec<Request> = std::mem::take(&mut actions)
            .into_iter()
            .filter_map(|action| if let Action::Ask(request) = action { Some(request) } else { None })
            .collect();
        time += Duration::from_millis(200);
        let mut news = vec![Observation::Time];
        for Request { object, token, .. } in requests {
            if let Some(source) = plan.world().sources.get(&object) {
                news.push(Observation::Source(Box::new(fetched(source.clone(), token))));
            } else if let Some(node) = plan.world().nodes.get(&object) {
                news.extend(run(node, &token).map(|node| Observation::Node(Box::new(node))));
            }
        }
        for observation in news {
            let begun = Instant::now();
            plan.observe(time, observation);
            actions.extend(plan.next_actions());
            longest = longest.max(begun.elapsed());
            told += 1;
        }
    }
    println!("{:>10.1?}  all {told} events, {:.1?} the longest", begun.elapsed(), longest);
}

fn condition(status: ConditionStatus, kind: &str, message: &str) -> Condition {
    let (kind, message) = (kind.to_owned(), message.to_owned());
    Condition { kind, status, message, observed_generation: Some(1), ..Condition::default() }
}

fn source_key() -> ObjectKey {
    ObjectKey::new(GroupKind::GIT_REPOSITORY, "flux-system", "fleet")
}

fn revision(text: &str) -> Revision {
    Revision(format!("main@sha1:{text}"))
}

fn world() -> Snapshot {
    let mut world = Snapshot { now: Timestamp::from_second(1_800_000_000).unwrap(), ..Snapshot::default() };
    for kind in [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE, GroupKind::GIT_REPOSITORY] {
        world.coverage.cover_everywhere(kind);
    }
    let key = |at: usize| ObjectKey::kustomization("flux-system", format!("team-{at:05}"));
    for at in 0..OBJECTS {
        let on = |at: usize| Dependency { key: key(at), ready_expr: None, ready: true, at: None };
        let spec = Spec::Kustomization(KustomizationSpec::default());
        let mut node = Node::new(key(at), Meta { generation: 1, ..Meta::default() }, spec);
        if at >= WIDTH {
            node.depends_on = vec![on(at - WIDTH), on(at - WIDTH + (at + 1) % WIDTH - at % WIDTH)];
        }
        node.source = Some(source_key());
        node.status = NodeStatus {
            observed_generation: Some(1),
            conditions: Conditions(vec![condition(ConditionStatus::True, "Ready", "")]),
            last_applied_revision: Some(revision("0000000")),
            ..NodeStatus::default()
        };
        world.nodes.insert(node.key.clone(), node);
    }
    let source = Source {
        key: source_key(),
        meta: Meta { generation: 1, ..Meta::default() },
        suspended: false,
        url: String::new(),
        secret: None,
        provider: None,
        oci: false,
        filtered: false,
        upstream: Vec::new(),
        makes: Vec::new(),
        interval: None,
        timeout: None,
        observed_generation: Some(1),
        conditions: Conditions(vec![condition(ConditionStatus::True, "Ready", "")]),
        last_handled_reconcile_at: None,
        artifact: Some(Artifact {
            revision: revision("0000000"),
            updated: None,
            url: String::new(),
            origin: None,
        }),
        declared_at: None,
        live: true,
    };
    world.sources.insert(source_key(), source);
    world
}

fn fetched(mut source: Source, token: String) -> Source {
    source.meta.annotations.insert(TOKEN.to_owned(), token.clone());
    source.last_handled_reconcile_at = Some(token);
    source.artifact =
        Some(Artifact { revision: revision("1111111"), updated: None, url: String::new(), origin: None });
    source
}

/// What a watch shows of one run.
fn run(node: &Node, token: &str) -> [Node; 4] {
    let mut asked = node.clone();
    asked.meta.annotations.insert(TOKEN.to_owned(), token.to_owned());
    let mut running = asked.clone();
    let words = "Building manifests for revision main@sha1:1111111 with a timeout of 1m0s";
    running.status.conditions = Conditions(vec![
        condition(ConditionStatus::Unknown, "Ready", "Reconciliation in progress"),
        condition(ConditionStatus::True, "Reconciling", words),
    ]);
    let mut ready = running.clone();
    ready.status.conditions = Conditions(vec![condition(ConditionStatus::True, "Ready", "Applied")]);
    let mut done = ready.clone();
    done.status.last_applied_revision = Some(revision("1111111"));
    done.status.last_attempted_revision = Some(revision("1111111"));
    done.status.last_handled_reconcile_at = Some(token.to_owned());
    [asked, running, ready, done]
}
