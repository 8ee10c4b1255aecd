//! Layers: the length of the longest dependency path.

use std::collections::{BTreeMap, BTreeSet};

use super::components::{components, shortest_loop};
use crate::model::ObjectKey;

/// Where every object stands. A cycle is a result, not an error: the rest still deserves its layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layering {
    /// Layer of each object that has one; 0 depends on nothing that exists.
    pub layer: BTreeMap<ObjectKey, usize>,
    /// In or behind a cycle: no layer can be named.
    pub unlayered: BTreeSet<ObjectKey>,
    /// Dependencies that are not there, with who wants them. They take no place in the layers.
    pub missing: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// One readable loop for each cycle, its smallest member first, in the direction dependent → dependency.
    pub cycles: Vec<Vec<ObjectKey>>,
    /// All members of each of `cycles`, in the same order; more than the loop where several loops share members.
    pub members: Vec<BTreeSet<ObjectKey>>,
}

impl Layering {
    /// Layers of a dependency graph: each object with what it depends on, which may name objects that are not there.
    pub fn of<'a>(depends_on: impl IntoIterator<Item = (&'a ObjectKey, Vec<&'a ObjectKey>)>) -> Self {
        let entries: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = depends_on.into_iter().collect();
        let keys: Vec<&ObjectKey> = entries.keys().copied().collect();
        let index: BTreeMap<&ObjectKey, usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();

        let mut missing: BTreeMap<ObjectKey, Vec<ObjectKey>> = BTreeMap::new();
        let mut edges: Vec<Vec<usize>> = Vec::with_capacity(keys.len());
        for (key, dependencies) in &entries {
            let mut targets = Vec::with_capacity(dependencies.len());
            for dependency in dependencies {
                match index.get(dependency) {
                    Some(&target) => targets.push(target),
                    None => {
                        let wanted_by = missing.entry((*dependency).clone()).or_default();
                        if wanted_by.last() != Some(*key) {
                            wanted_by.push((*key).clone());
                        }
                    }
                }
            }
            targets.sort_unstable();
            targets.dedup();
            edges.push(targets);
        }

        // Components come dependencies first, so one pass fixes every layer.
        let mut layers: Vec<Option<usize>> = vec![None; keys.len()];
        let mut loops = Vec::new();
        for component in components(&edges) {
            let Some(&first) = component.first() else { continue };
            if component.len() > 1 || edges[first].contains(&first) {
                loops.push(component);
                continue;
            }
            layers[first] = edges[first].iter().try_fold(0, |layer, &on| Some(layer.max(layers[on]? + 1)));
        }
        loops.sort_unstable();

        let mut layering = Self { missing, ..Self::default() };
        for (key, layer) in keys.iter().zip(layers) {
            match layer {
                Some(layer) => {
                    layering.layer.insert((*key).clone(), layer);
                }
                None => {
                    layering.unlayered.insert((*key).clone());
                }
            }
        }
        for component in loops {
            let Some(&first) = component.first() else { continue };
            let path = shortest_loop(&edges, &component, first);
            layering.cycles.push(path.into_iter().map(|at| keys[at].clone()).collect());
            layering.members.push(component.into_iter().map(|at| keys[at].clone()).collect());
        }
        layering
    }

    /// How many layers there are.
    pub fn depth(&self) -> usize {
        self.layer.values().max().map_or(0, |deepest| deepest + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::kustomization("ns", name)
    }

    fn layering(edges: &[(&str, &[&str])]) -> Layering {
        let edges: Vec<(ObjectKey, Vec<ObjectKey>)> =
            edges.iter().map(|(from, to)| (key(from), to.iter().map(|name| key(name)).collect())).collect();
        Layering::of(edges.iter().map(|(from, to)| (from, to.iter().collect())))
    }

    #[test]
    fn a_layer_is_the_longest_path() {
        let layering = layering(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &["a"])]);
        let layers: Vec<(&str, usize)> =
            layering.layer.iter().map(|(key, n)| (key.name.as_str(), *n)).collect();
        assert_eq!(layers, [("a", 0), ("b", 1), ("c", 2), ("d", 1)]);
        assert_eq!(layering.depth(), 3);
    }

    #[test]
    fn in_and_behind_a_cycle_there_is_no_layer_and_the_rest_keeps_its_own() {
        let layering =
            layering(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"]), ("e", &["e"]), ("f", &[])]);
        assert_eq!(layering.cycles, [vec![key("a"), key("b"), key("c")], vec![key("e")]]);
        assert_eq!(layering.unlayered.len(), 5);
        assert_eq!(layering.layer.get(&key("f")), Some(&0));
    }

    #[test]
    fn a_missing_dependency_takes_no_place_and_names_who_wants_it() {
        let layering = layering(&[("x", &["gone"]), ("y", &["x", "gone", "gone"])]);
        assert_eq!(layering.layer.get(&key("x")), Some(&0));
        assert_eq!(layering.layer.get(&key("y")), Some(&1));
        assert_eq!(layering.missing.get(&key("gone")), Some(&vec![key("x"), key("y")]));
    }

    #[test]
    fn a_chain_of_ten_thousand_has_as_many_layers() {
        let keys: Vec<ObjectKey> = (0..10_000).map(|n| key(&format!("{n:05}"))).collect();
        let layering =
            Layering::of(keys.iter().enumerate().map(|(n, key)| (key, keys.get(n + 1).into_iter().collect())));
        assert_eq!(layering.depth(), 10_000);
    }

    proptest! {
        #[test]
        fn every_edge_goes_to_a_lower_layer_or_lies_in_or_behind_a_cycle(
            edges in (1usize..20).prop_flat_map(|size| {
                prop::collection::vec(prop::collection::vec(0..size + 3, 0..4), size)
            })
        ) {
            let keys: Vec<ObjectKey> = (0..edges.len() + 3).map(|n| key(&format!("{n:02}"))).collect();
            let layering =
                Layering::of(edges.iter().enumerate().map(|(n, to)| (&keys[n], to.iter().map(|&n| &keys[n]).collect())));
            for (from, targets) in edges.iter().enumerate() {
                let from = &keys[from];
                prop_assert!(layering.layer.contains_key(from) != layering.unlayered.contains(from));
                for &to in targets {
                    let (to, known) = (&keys[to], to < edges.len());
                    if !known {
                        prop_assert!(layering.missing[to].contains(from));
                    } else if let Some(layer) = layering.layer.get(from) {
                        prop_assert!(layering.layer[to] < *layer);
                    }
                }
            }
            // The oracle: repeat "one more than the highest dependency" until nothing changes.
            let mut slow = vec![0usize; edges.len()];
            for _ in 0..=edges.len() {
                for (from, targets) in edges.iter().enumerate() {
                    let highest = targets.iter().filter(|&&to| to < edges.len()).map(|&to| slow[to] + 1).max();
                    slow[from] = highest.unwrap_or(0).min(edges.len());
                }
            }
            for (from, key) in keys.iter().take(edges.len()).enumerate() {
                let expected = (slow[from] < edges.len()).then_some(slow[from]);
                prop_assert_eq!(layering.layer.get(key).copied(), expected);
            }
        }
    }
}
