//! The other direction: what waits for an object now, what would stop without it, and what its deletion takes away.

mod deletes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use deletes::{Deletes, Going, Note, Reason, Staying};

use super::report::Diagnosis;
use super::why::{HIDES, Target, why};
use crate::graph::{Graph, Relation};
use crate::model::{GroupKind, Node, ObjectKey, Snapshot, Warning};

/// What happens to an object when the target fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Its next run stops: a dependency is not ready, a health check fails, there is no artifact.
    Stops,
    /// It goes on, and what is new does not reach it: an artifact of its source, or a change of itself.
    Frozen,
}

impl Effect {
    /// The effect's name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stops => "stops",
            Self::Frozen => "frozen",
        }
    }
}

/// An object that would not go on as before if the target failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// Which object.
    pub key: ObjectKey,
    /// Fewest edges between it and the target.
    pub distance: usize,
    /// The edge on which the effect reaches it.
    pub relation: Relation,
    /// What happens to it.
    pub effect: Effect,
}

/// The answer for one target.
#[derive(Clone, Debug)]
pub struct Impact<'a> {
    /// Where everything else can be looked up.
    pub diagnosis: &'a Diagnosis,
    /// What was asked about.
    pub target: Target<'a>,
    /// What waits for it now, directly or through others, ordered.
    pub waiting_now: Vec<ObjectKey>,
    /// What would not go on as before, the nearest first, what stops before what is frozen.
    pub dependents: Vec<Dependent>,
    /// Dependents that would stop once the target was suspended and the source that they share had a new revision.
    pub behind_if_suspended: Vec<ObjectKey>,
    /// What its deletion takes away; `None` where that was not asked.
    pub deletes: Option<Deletes>,
}

impl Impact<'_> {
    /// Why not everything could be seen: more may wait for the target than is known. None where all was seen.
    pub fn input_warnings(&self) -> impl Iterator<Item = &Warning> {
        self.diagnosis
            .warnings
            .iter()
            .filter(|_| !self.diagnosis.complete)
            .filter(|warning| HIDES.contains(&warning.code))
    }
}

/// Answers for one object, source or missing dependency; `None` where there is no such thing in sight.
pub fn impact<'a>(
    snapshot: &Snapshot,
    diagnosis: &'a Diagnosis,
    key: &'a ObjectKey,
    delete: bool,
) -> Option<Impact<'a>> {
    let target = why(diagnosis, key)?.target;
    let graph = Graph::of(snapshot);
    Some(Impact {
        diagnosis,
        target,
        waiting_now: waiting_now(snapshot, diagnosis, key),
        dependents: dependents(snapshot, &graph, key),
        behind_if_suspended: behind_if_suspended(snapshot, key),
        deletes: delete.then(|| deletes::deletes(snapshot, key)),
    })
}

/// Everything from which unmet edges lead to the object.
fn waiting_now(snapshot: &Snapshot, diagnosis: &Diagnosis, key: &ObjectKey) -> Vec<ObjectKey> {
    let mut waiting_for: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
    for (waiter, objects) in &diagnosis.waits {
        for object in objects {
            waiting_for.entry(object).or_default().push(waiter);
        }
    }
    let exists = diagnosis.objects.contains_key(key) || diagnosis.sources.contains_key(key);
    if !exists {
        // What is not there has no place among the waits.
        let wants = |node: &&Node| {
            node.source.as_ref() == Some(key) || node.depends_on.iter().any(|entry| entry.key == *key)
        };
        let wanted_by = snapshot.nodes.values().filter(wants).filter(|node| !node.suspended);
        waiting_for.entry(key).or_default().extend(wanted_by.map(|node| &node.key));
    }
    let mut seen: BTreeSet<&ObjectKey> = BTreeSet::new();
    let mut open = vec![key];
    while let Some(at) = open.pop() {
        for waiter in waiting_for.get(at).into_iter().flatten() {
            if *waiter != key && seen.insert(waiter) {
                open.push(waiter);
            }
        }
    }
    seen.into_iter().cloned().collect()
}

/// How a failure spreads from an object, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// It does not run.
    Stops,
    /// It gets no new artifact, so that what it applies and what is made from it gets nothing new either.
    Starves,
    /// It gets no change of its own spec and runs on, new artifacts included: nothing behind it notices.
    Unchanged,
}

impl Reach {
    fn effect(self) -> Effect {
        match self {
            Self::Stops => Effect::Stops,
            Self::Starves | Self::Unchanged => Effect::Frozen,
        }
    }
}

/// Who points at each object, by each relation.
struct Edges<'a> {
    snapshot: &'a Snapshot,
    depends_on: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
    health: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
    source: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
    applied: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
}

impl<'a> Edges<'a> {
    fn new(snapshot: &'a Snapshot, graph: &'a Graph) -> Self {
        let mut source = graph.reverse(Relation::Source);
        for (of, users) in chart_users(snapshot) {
            source.entry(of).or_default().extend(users);
        }
        Self {
            snapshot,
            depends_on: graph.reverse(Relation::DependsOn),
            health: graph.reverse(Relation::Health),
            source,
            applied: graph.reverse(Relation::AppliedBy),
        }
    }

    /// Who is reached from an object by one edge.
    fn next(&self, at: &ObjectKey, reach: Reach) -> Vec<(&'a ObjectKey, Relation, Reach)> {
        let mut next = Vec::new();
        if reach == Reach::Unchanged {
            return next;
        }
        let of =
            |edges: &BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>| edges.get(at).cloned().unwrap_or_default();
        if reach == Reach::Stops {
            let waits =
                of(&self.depends_on).into_iter().filter(|user| asks_for_readiness(self.snapshot, user, at));
            next.extend(waits.map(|user| (user, Relation::DependsOn, Reach::Stops)));
            next.extend(of(&self.health).into_iter().map(|user| (user, Relation::Health, Reach::Stops)));
        }
        for user in of(&self.source) {
            // What has an artifact goes on with it; a source has its own, all others use that of the source.
            let serves = self.snapshot.sources.get(user).or(self.snapshot.sources.get(at));
            let reach = match serves.is_some_and(|source| source.artifact.is_some()) {
                true => Reach::Starves,
                false => Reach::Stops,
            };
            next.push((user, Relation::Source, reach));
        }
        // A HelmChart is how a HelmRelease asks for its chart, not something that waits for it.
        let own = |child: &ObjectKey| at.kind == GroupKind::HELM_RELEASE && child.kind == GroupKind::HELM_CHART;
        let children = of(&self.applied).into_iter().filter(|child| !own(child));
        next.extend(children.map(|child| (child, Relation::AppliedBy, Reach::Unchanged)));
        next
    }
}

/// Spreads the failure of the target along the edges, the nearest first.
fn dependents(snapshot: &Snapshot, graph: &Graph, key: &ObjectKey) -> Vec<Dependent> {
    let edges = Edges::new(snapshot, graph);
    let mut found: BTreeMap<&ObjectKey, Dependent> = BTreeMap::new();
    let mut seen: BTreeSet<(&ObjectKey, Reach)> = BTreeSet::new();
    let mut open = VecDeque::from([(key, Reach::Stops, 0)]);
    while let Some((at, reach, distance)) = open.pop_front() {
        for (user, relation, reach) in edges.next(at, reach) {
            if user == key || !seen.insert((user, reach)) {
                continue;
            }
            let (distance, effect) = (distance + 1, reach.effect());
            let dependent = Dependent { key: user.clone(), distance, relation, effect };
            match found.get_mut(user) {
                Some(known) if known.effect > effect => *known = dependent, // it stops after all
                Some(_) => {}
                None => drop(found.insert(user, dependent)),
            }
            open.push_back((user, reach, distance));
        }
    }
    let mut dependents: Vec<Dependent> = found.into_values().collect();
    dependents.sort_by(|a, b| (a.effect, a.distance, &a.key).cmp(&(b.effect, b.distance, &b.key)));
    dependents
}

/// Whether the entry asks for more than that the dependency exists.
fn asks_for_readiness(snapshot: &Snapshot, user: &ObjectKey, dependency: &ObjectKey) -> bool {
    let node = snapshot.nodes.get(user);
    node.is_some_and(|node| node.depends_on.iter().any(|entry| entry.key == *dependency && entry.ready))
}

/// HelmReleases by the source of their chart, where the HelmChart between the two is out of sight.
fn chart_users(snapshot: &Snapshot) -> BTreeMap<&ObjectKey, Vec<&ObjectKey>> {
    let mut users: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
    for node in snapshot.nodes.values() {
        let chart_source = node.helm_release().and_then(|spec| spec.chart_source.as_ref());
        let hidden = node.source.as_ref().is_none_or(|chart| !snapshot.sources.contains_key(chart));
        if let Some(source) = chart_source.filter(|_| hidden) {
            users.entry(source).or_default().push(&node.key);
        }
    }
    users
}

/// A suspended dependency that is Ready stays so, but for the Kustomizations of its own source: they want it at the
/// source's revision (kustomize-controller 1.9 `checkDependencies`).
fn behind_if_suspended(snapshot: &Snapshot, key: &ObjectKey) -> Vec<ObjectKey> {
    let Some(target) = snapshot.nodes.get(key).filter(|node| node.key.kind == GroupKind::KUSTOMIZATION) else {
        return Vec::new();
    };
    let shares = |node: &&Node| {
        let waits = node.depends_on.iter().any(|entry| entry.key == *key && entry.ready_expr.is_none());
        node.key.kind == GroupKind::KUSTOMIZATION && waits && node.source == target.source && node.key != *key
    };
    snapshot.nodes.values().filter(shares).map(|node| node.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::diagnose;
    use crate::model::{InventoryEntry, Source, Spec};
    use crate::testing::{NS, hr, key, ks, snapshot, source, source_key};

    fn told(snapshot: &Snapshot, key: &ObjectKey) -> String {
        let diagnosis = diagnose(snapshot);
        let found = impact(snapshot, &diagnosis, key, false).unwrap();
        let line = |it: &Dependent| {
            format!("{} {} {:?} {}", it.key.name, it.distance, it.relation, it.effect.as_str())
        };
        found.dependents.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn applies(mut node: Node, children: &[&ObjectKey]) -> Node {
        let entry = |key: &&ObjectKey| InventoryEntry { key: (*key).clone(), version: "v1".to_owned() };
        node.status.inventory = Some(children.iter().map(entry).collect());
        node
    }

    fn applied_by(mut node: Node, name: &str) -> Node {
        for (label, value) in [("name", name), ("namespace", NS)] {
            node.meta.labels.insert(format!("kustomize.toolkit.fluxcd.io/{label}"), value.to_owned());
        }
        node
    }

    #[test]
    fn what_depends_on_it_stops_and_the_fewest_edges_count() {
        let flux = snapshot([ks("a"), ks("b").on("a"), ks("c").on("b"), ks("d").on("c").on("a"), ks("other")]);
        assert_eq!(told(&flux, &key("a")), "b 1 DependsOn stops\nd 1 DependsOn stops\nc 2 DependsOn stops");
        assert_eq!(told(&flux, &key("d")), "");
    }

    #[test]
    fn users_of_a_source_go_on_with_its_artifact_and_their_dependents_too() {
        let mut flux = snapshot([ks("a"), ks("b").on("a")]);
        assert_eq!(told(&flux, &source_key()), "a 1 Source frozen\nb 1 Source frozen"); // and b does not stop for a
        flux.sources.get_mut(&source_key()).unwrap().artifact = None;
        assert_eq!(told(&flux, &source_key()), "a 1 Source stops\nb 1 Source stops");
    }

    #[test]
    fn a_helm_release_is_reached_through_its_chart_or_without_it() {
        let repository = ObjectKey::new(GroupKind::HELM_REPOSITORY, NS, "charts");
        let mut release = hr("web");
        let Spec::HelmRelease(spec) = &mut release.spec else { panic!() };
        spec.chart_source = Some(repository.clone());
        let chart = release.source.clone().unwrap();
        let mut flux = snapshot([release]);
        flux.sources.insert(repository.clone(), Source { key: repository.clone(), ..source() });
        assert_eq!(told(&flux, &repository), "web 1 Source frozen");
        let between = Source { key: chart.clone(), upstream: vec![repository.clone()], ..source() };
        flux.sources.insert(chart.clone(), between);
        assert_eq!(told(&flux, &repository), "flux-system-web 1 Source frozen\nweb 2 Source frozen");
        assert_eq!(told(&flux, &chart), "web 1 Source frozen");
    }

    #[test]
    fn children_get_no_changes_and_a_parent_that_waits_for_them_fails() {
        let child = applied_by(ks("child"), "parent");
        let parent = applies(ks("parent"), &[&key("child")]);
        let mut flux = snapshot([child, parent, ks("later").on("parent")]);
        assert_eq!(told(&flux, &key("parent")), "later 1 DependsOn stops\nchild 1 AppliedBy frozen");
        assert_eq!(told(&flux, &key("child")), "");
        let Some(Spec::Kustomization(spec)) = flux.nodes.get_mut(&key("parent")).map(|node| &mut node.spec)
        else {
            panic!()
        };
        spec.wait = true;
        assert_eq!(told(&flux, &key("child")), "parent 1 Health stops\nlater 2 DependsOn stops");
    }

    #[test]
    fn a_child_that_gets_no_changes_itself_goes_on_with_what_is_its_own() {
        let grandchild = applied_by(ks("grandchild"), "child");
        let child = applies(applied_by(ks("child"), "root"), &[&key("grandchild")]);
        let mut flux = snapshot([applies(ks("root"), &[&key("child"), &source_key()]), child, grandchild]);
        let labels = applied_by(ks("any"), "root").meta.labels;
        flux.sources.get_mut(&source_key()).unwrap().meta.labels = labels;
        // The child applies new revisions all the same, and the source fetches them.
        assert_eq!(told(&flux, &key("root")), "child 1 AppliedBy frozen\nrepo 1 AppliedBy frozen");
        // Without anything new from the source nobody has anything new for its children.
        assert_eq!(
            told(&flux, &source_key()),
            "child 1 Source frozen\ngrandchild 1 Source frozen\nroot 1 Source frozen"
        );
    }

    #[test]
    fn what_stops_later_than_it_is_frozen_counts_as_stopping() {
        let child = applied_by(ks("child").on("middle"), "a");
        let flux = snapshot([applies(ks("a"), &[&key("child")]), ks("middle").on("a"), child]);
        assert_eq!(told(&flux, &key("a")), "middle 1 DependsOn stops\nchild 2 DependsOn stops");
    }

    #[test]
    fn loops_come_to_an_end() {
        let flux = snapshot([ks("a").on("b"), ks("b").on("a"), ks("c").on("c")]);
        assert_eq!(told(&flux, &key("a")), "b 1 DependsOn stops");
        assert_eq!(told(&flux, &key("c")), "");
    }

    #[test]
    fn what_waits_now_is_found_through_others_and_for_what_is_missing() {
        let flux = snapshot([
            ks("broken").failing("BuildFailed", "kustomize build failed: x"),
            ks("b").on("broken").waiting_for("broken"),
            ks("c").on("b").waiting_for("b"),
            ks("fine"),
            ks("wants").on("gone").waiting_for("gone"),
        ]);
        let diagnosis = diagnose(&flux);
        let waiting = |name: &str| {
            let key = key(name);
            let found = impact(&flux, &diagnosis, &key, false).unwrap();
            found.waiting_now.iter().map(|key| key.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(["broken", "b", "fine", "gone"].map(waiting), ["b c", "c", "", "wants"]);
        assert!(impact(&flux, &diagnosis, &key("nowhere"), false).is_none());
    }

    #[test]
    fn suspension_stops_at_the_next_revision_those_that_share_the_source() {
        let mut other = ks("other").on("a");
        other.source = None;
        let flux = snapshot([ks("a"), ks("b").on("a"), other]);
        assert_eq!(behind_if_suspended(&flux, &key("a")), [key("b")]);
    }
}
