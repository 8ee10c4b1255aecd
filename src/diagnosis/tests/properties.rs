//! What holds in any cluster.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::selection::{APPLIERS, Outcome, Selection};
use super::super::{State, diagnose};
use super::plan::{Oracle, any_cluster, any_plan};
use crate::model::ObjectKey;

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
                    // Whether what is out of sight exists is not known.
                    (Some(_), None) => {
                        prop_assert!(flux.layering.missing.contains_key(dependency) || dependency.namespace == "hidden");
                    }
                }
            }
        }
    }

    #[test]
    fn every_object_stands_where_a_slow_oracle_puts_it(plan in any_plan()) {
        let flux = diagnose(&plan.cluster(false));
        let oracle = Oracle::of(&plan);
        for (at, object) in plan.objects.iter().enumerate() {
            let report = &flux.objects[&plan.key(at)];
            prop_assert_eq!(report.state, oracle.state(at), "{}: {:?}", report.key, object);
            let found: BTreeSet<ObjectKey> = report.blocked_by.iter().cloned().collect();
            prop_assert_eq!(found, oracle.blocked_by(at), "{}: {:?}", report.key, object);
        }
        prop_assert_eq!(flux.complete, oracle.is_complete());
        prop_assert_eq!(flux.layering.missing.keys().cloned().collect::<BTreeSet<_>>(), oracle.missing());
    }

    #[test]
    fn no_answer_with_a_cause_is_good(cluster in any_cluster()) {
        let flux = diagnose(&cluster);
        let all = Selection { kinds: BTreeSet::from(APPLIERS), kinds_explicit: true, ..Selection::default() };
        let view = all.view(&flux);
        let bad = flux.objects.values().any(|report| report.state.is_bad());
        let bad = bad || !flux.layering.missing.is_empty();
        prop_assert_eq!(view.outcome(false) == Outcome::Bad, bad || !flux.causes.is_empty());
        prop_assert_eq!(view.summary.total(), flux.objects.len() + flux.layering.missing.len());
    }
}
