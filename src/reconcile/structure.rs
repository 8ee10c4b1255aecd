//! Who is in the plan, and who waits for whom.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::options::{Mode, Options, Scope};
use crate::graph::{Layering, components};
use crate::model::{GroupKind, Node, ObjectKey, Snapshot};

/// How the objects in the plan relate. Made anew whenever an object comes, goes or points elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Structure {
    /// Objects in the plan, and whether they are meant and not only needed.
    pub(super) members: BTreeMap<ObjectKey, bool>,
    /// Who applies each member, where that is in the plan and no loop comes of it.
    pub(super) applier: BTreeMap<ObjectKey, ObjectKey>,
    /// The other way.
    pub(super) children: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Who depends on each object.
    pub(super) dependents: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Sources of each member: where it gets what it applies.
    pub(super) sources: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Members and sources that use each source.
    pub(super) users: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Members that apply members, or anything of Flux at all.
    pub(super) appliers: BTreeSet<ObjectKey>,
    pub(super) layering: Layering,
    /// Which of the layering's cycles each member is in or behind.
    pub(super) cycle: BTreeMap<ObjectKey, usize>,
    /// Length of the longest path of members that wait for each: who has most behind it goes first.
    pub(super) height: BTreeMap<ObjectKey, usize>,
}

impl Structure {
    pub(super) fn of(world: &Snapshot, scope: &Scope, options: &Options) -> Self {
        let nodes: BTreeMap<&ObjectKey, &Node> =
            world.nodes.iter().filter(|(key, node)| is_ours(&key.kind) && node.live).collect();
        let appliers: BTreeMap<&ObjectKey, ObjectKey> = nodes
            .iter()
            .filter_map(|(key, node)| Some((*key, world.applied_by(key, &node.meta.labels)?)))
            .filter(|(_, applier)| nodes.contains_key(applier))
            .collect();
        let members = members(&nodes, &appliers, scope, options);
        let mut structure = Self { members, ..Self::default() };
        structure.relate(world, &nodes, &appliers);
        structure.layer(&nodes);
        structure
    }

    fn relate(
        &mut self,
        world: &Snapshot,
        nodes: &BTreeMap<&ObjectKey, &Node>,
        appliers: &BTreeMap<&ObjectKey, ObjectKey>,
    ) {
        for key in self.members.keys() {
            let Some(node) = nodes.get(key) else { continue };
            for entry in &node.depends_on {
                self.dependents.entry(entry.key.clone()).or_default().push(key.clone());
            }
            if let Some(applier) = appliers.get(key) {
                self.appliers.insert(applier.clone());
                if self.members.contains_key(applier) {
                    self.applier.insert(key.clone(), applier.clone());
                }
            }
            let inventory = node.status.inventory.iter().flatten();
            if inventory.into_iter().any(|entry| is_ours(&entry.key.kind) || entry.key.kind.is_source()) {
                self.appliers.insert(key.clone());
            }
            let chart = node.helm_release().and_then(|spec| spec.chart_source.clone());
            let mut sources: Vec<ObjectKey> = node.source.clone().into_iter().chain(chart).collect();
            sources.sort();
            sources.dedup();
            for source in &sources {
                self.users.entry(source.clone()).or_default().push(key.clone());
            }
            self.sources.insert(key.clone(), sources);
        }
        let mut queue: VecDeque<ObjectKey> = self.users.keys().cloned().collect();
        let mut seen: BTreeSet<ObjectKey> = queue.iter().cloned().collect();
        while let Some(key) = queue.pop_front() {
            let Some(source) = world.sources.get(&key) else { continue };
            for upstream in &source.upstream {
                self.users.entry(upstream.clone()).or_default().push(key.clone());
                if seen.insert(upstream.clone()) {
                    queue.push_back(upstream.clone());
                }
            }
        }
    }

    /// Layers, cycles, heights; an applier that cannot be waited for without a loop is none.
    fn layer(&mut self, nodes: &BTreeMap<&ObjectKey, &Node>) {
        let keys: Vec<&ObjectKey> = self.members.keys().collect();
        let index: BTreeMap<&ObjectKey, usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        let dependencies =
            |key: &ObjectKey| nodes.get(key).map(|node| node.depends_on.as_slice()).unwrap_or_default();
        let edges: Vec<Vec<usize>> = keys
            .iter()
            .map(|key| {
                let depends = dependencies(key).iter().filter_map(|entry| index.get(&entry.key).copied());
                let mut targets: Vec<usize> =
                    depends.chain(self.applier.get(*key).and_then(|key| index.get(key).copied())).collect();
                targets.sort_unstable();
                targets.dedup();
                targets
            })
            .collect();
        let components = components(&edges);
        let mut component_of = vec![0; keys.len()];
        for (number, component) in components.iter().enumerate() {
            component.iter().for_each(|&member| component_of[member] = number);
        }
        // Components come dependencies first: from the last one on, every height is known before it is passed on.
        let mut height = vec![0; keys.len()];
        for component in components.iter().rev() {
            let highest = component.iter().map(|&member| height[member]).max().unwrap_or_default();
            for &target in component.iter().flat_map(|&member| &edges[member]) {
                height[target] = height[target].max(highest + 1);
            }
        }
        let in_loop =
            |key: &ObjectKey, applier: &ObjectKey| component_of[index[key]] == component_of[index[applier]];
        let applier: BTreeMap<ObjectKey, ObjectKey> =
            self.applier.iter().filter(|(key, applier)| !in_loop(key, applier)).map(own).collect();
        self.height = keys.iter().zip(&height).map(|(key, height)| ((*key).clone(), *height)).collect();
        self.layering = Layering::of(
            keys.iter().map(|key| (*key, dependencies(key).iter().map(|entry| &entry.key).collect())),
        );
        self.applier = applier;
        for (key, applier) in &self.applier {
            self.children.entry(applier.clone()).or_default().push(key.clone());
        }
        for (number, members) in self.layering.members.iter().enumerate() {
            let mut queue: VecDeque<&ObjectKey> = members.iter().collect();
            while let Some(key) = queue.pop_front() {
                if self.cycle.contains_key(key) {
                    continue;
                }
                self.cycle.insert(key.clone(), number);
                queue.extend(self.dependents.get(key).into_iter().flatten());
            }
        }
    }
}

fn own((key, applier): (&ObjectKey, &ObjectKey)) -> (ObjectKey, ObjectKey) {
    (key.clone(), applier.clone())
}

/// Kinds that are asked.
pub(super) fn is_ours(kind: &GroupKind) -> bool {
    [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE].contains(kind)
}

/// Objects in the plan, and whether they are meant.
fn members(
    nodes: &BTreeMap<&ObjectKey, &Node>,
    appliers: &BTreeMap<&ObjectKey, ObjectKey>,
    scope: &Scope,
    options: &Options,
) -> BTreeMap<ObjectKey, bool> {
    let is_meant = |key: &ObjectKey| match scope.objects.is_empty() {
        true => {
            scope.kinds.contains(&key.kind) && scope.namespace.as_ref().is_none_or(|ns| *ns == key.namespace)
        }
        false => scope.objects.contains(key),
    };
    let mut wanted: BTreeSet<&ObjectKey> = nodes.keys().copied().filter(|key| is_meant(key)).collect();
    let needs = |key: &ObjectKey, with_applier: bool| -> Vec<&ObjectKey> {
        let depends = nodes.get(key).map(|node| node.depends_on.as_slice()).unwrap_or_default();
        let applier = appliers.get(key).filter(|_| with_applier);
        let needed = depends.iter().map(|entry| &entry.key).chain(applier);
        needed.filter_map(|key| nodes.get_key_value(key).map(|(key, _)| *key)).collect()
    };
    if !scope.objects.is_empty() && scope.dependents {
        let mut dependents: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
        for (key, node) in nodes {
            node.depends_on.iter().for_each(|entry| dependents.entry(&entry.key).or_default().push(key));
        }
        let more = closure(&wanted, |key| dependents.get(key).cloned().unwrap_or_default());
        // dependencies are those of what was named, not of all that depends on it
        let below = if scope.dependencies { closure(&wanted, |key| needs(key, true)) } else { BTreeSet::new() };
        wanted.extend(more);
        wanted.extend(below);
    } else if !scope.objects.is_empty() && scope.dependencies {
        wanted = closure(&wanted, |key| needs(key, true));
    }
    // What is only needed is not asked. Its applier is nobody's business here, unless everything is only looked at.
    let with_applier = options.mode == Mode::Wait;
    let all = if options.ordered { closure(&wanted, |key| needs(key, with_applier)) } else { wanted.clone() };
    all.into_iter().map(|key| (key.clone(), wanted.contains(key))).collect()
}

/// Everything that can be reached, the start included.
fn closure<'a>(
    start: &BTreeSet<&'a ObjectKey>,
    next: impl Fn(&'a ObjectKey) -> Vec<&'a ObjectKey>,
) -> BTreeSet<&'a ObjectKey> {
    let mut seen = start.clone();
    let mut queue: Vec<&ObjectKey> = start.iter().copied().collect();
    while let Some(key) = queue.pop() {
        queue.extend(next(key).into_iter().filter(|key| seen.insert(key)));
    }
    seen
}
