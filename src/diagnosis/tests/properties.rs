//! What holds in any cluster.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::selection::{Outcome, Selection};
use super::super::{Diagnosis, State, Verdict, diagnose};
use crate::model::{ObjectKey, Snapshot};
use crate::testing::{OLD, key, ks, snapshot};

/// Any cluster: up to twelve Kustomizations in any condition with any dependencies among them and on two that are not
/// there.
fn any_cluster() -> impl Strategy<Value = Snapshot> {
    let any_node = (0usize..9, proptest::collection::vec(0usize..14, 0..4), any::<bool>());
    proptest::collection::vec(any_node, 1..12).prop_map(|specs| {
        snapshot(specs.into_iter().enumerate().map(|(n, (condition, on, waits))| {
            let name = |n: usize| format!("k{n:02}");
            let mut node = on.iter().fold(ks(&name(n)), |node, &on| node.on(&name(on)));
            let first = on.first().map_or("x".to_owned(), |&on| name(on));
            if waits {
                node = node.waits_for(&on.iter().map(|&on| key(&name(on))).collect::<Vec<_>>());
            }
            match condition {
                0 => node,
                1 => node.suspended(),
                2 => node.failing("BuildFailed", "kustomize build failed: x"),
                3 => node.running(0),
                4 => node.running(30),
                5 => node.at(OLD),
                6 => node.never().edited(),
                7 => node.failing(
                    "ArtifactFailed",
                    "kustomization path not found: stat /tmp/kustomization-1/x: no such file or directory",
                ),
                _ => node.never().waiting_for(&first),
            }
        }))
    })
}

/// The slow and obvious way to the objects that block one: follow every unmet entry, see what has a fault of its own.
fn slow_blockers(flux: &Diagnosis, from: &ObjectKey) -> BTreeSet<ObjectKey> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut queue = vec![from.clone()];
    while let Some(at) = queue.pop() {
        if !seen.insert(at.clone()) {
            continue;
        }
        for cause in flux.causes.iter().filter(|cause| cause.affected.contains(&at)) {
            if cause.fault.object != *from || !cause.cycle.is_empty() {
                found.insert(cause.fault.object.clone());
            }
        }
        let report = &flux.objects[&at];
        let stopped = matches!(report.state, State::Blocked | State::Progressing); // Unknown: never looked at
        for (dependency, verdict) in &report.depends_on {
            let walks = stopped && *verdict != Verdict::Ready && flux.objects.contains_key(dependency);
            let waits = report.ready.as_ref().is_some_and(|ready| ready.reason != "Progressing");
            if walks && waits && !flux.objects[dependency].suspended {
                queue.push(dependency.clone());
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn every_blocked_object_has_a_root_cause_and_no_cause_is_without_one_it_hits(cluster in any_cluster()) {
        let flux = diagnose(&cluster);
        for report in flux.objects.values() {
            if report.state == State::Blocked {
                prop_assert!(!report.blocked_by.is_empty(), "{}", report.key);
            }
            for object in &report.blocked_by {
                prop_assert!(flux.causes.iter().any(|cause| cause.fault.object == *object));
                let itself = *object == report.key;
                let in_its_cycle = flux.causes.iter().any(|cause| cause.fault.object == *object && !cause.cycle.is_empty());
                prop_assert!(!itself || in_its_cycle);
            }
        }
        for cause in &flux.causes {
            prop_assert!(!cause.affected.is_empty());
            let holding = flux.objects.values().filter(|report| report.blocked_by.contains(&cause.fault.object)).count();
            prop_assert_eq!(cause.blocks, holding);
        }
        let identities: BTreeSet<_> = flux.causes.iter().map(|cause| (&cause.fault.object, cause.fault.code)).collect();
        prop_assert_eq!(identities.len(), flux.causes.len(), "one fault is one cause");
    }

    #[test]
    fn every_edge_goes_to_a_lower_layer_or_lies_in_or_behind_a_cycle(cluster in any_cluster()) {
        let flux = diagnose(&cluster);
        for report in flux.objects.values() {
            for (dependency, _) in &report.depends_on {
                match (report.layer, flux.objects.get(dependency)) {
                    (Some(layer), Some(dependency)) => prop_assert!(dependency.layer.is_some_and(|below| below < layer)),
                    (None, _) => prop_assert!(flux.layering.unlayered.contains(&report.key)),
                    (Some(_), None) => prop_assert!(flux.layering.missing.contains_key(dependency)),
                }
            }
        }
    }

    #[test]
    fn the_walk_finds_what_a_slow_oracle_finds(cluster in any_cluster()) {
        let mut cluster = cluster;
        for node in cluster.nodes.values_mut() {
            if let crate::model::Spec::Kustomization(spec) = &mut node.spec {
                spec.wait = false; // the oracle follows dependsOn alone
            }
        }
        let flux = diagnose(&cluster);
        for report in flux.objects.values().filter(|report| report.state == State::Blocked) {
            let expected = slow_blockers(&flux, &report.key);
            let found: BTreeSet<ObjectKey> = report.blocked_by.iter().cloned().collect();
            prop_assert_eq!(found, expected, "{}", report.key);
        }
    }

    #[test]
    fn no_answer_with_a_cause_is_good(cluster in any_cluster()) {
        let flux = diagnose(&cluster);
        let view = Selection::default().view(&flux);
        let bad = flux.objects.values().any(|report| report.state.is_bad());
        let bad = bad || !flux.layering.missing.is_empty();
        prop_assert_eq!(view.outcome(false) == Outcome::Bad, bad || !flux.causes.is_empty());
        prop_assert_eq!(view.summary.total(), flux.objects.len() + flux.layering.missing.len());
    }
}
