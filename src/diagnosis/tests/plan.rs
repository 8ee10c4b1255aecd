//! Clusters of which it is known beforehand what is wrong with them, and the slow and obvious way from there to what a
//! diagnosis should say.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::diagnosis::State;
use crate::diagnosis::catalogue::dependency::controller_of;
use crate::model::{ConditionStatus, Coverage, Dependency, GroupKind, Node, ObjectKey, Snapshot, Source, Spec};
use crate::testing::{OLD, condition, hr, ks, minutes_ago, snapshot, source};

/// What an object was made to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Ready,
    Suspended,
    SuspendedSinceItsCreation,
    Failed,
    Running,
    /// For longer than it may.
    Overdue,
    /// Its spec was edited, and no controller has looked at it.
    NotObserved,
    /// Stopped by a dependency; which of its entries the controller names, modulo their number.
    Waits(usize),
}

/// What a source was made to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sourced {
    Good,
    FailsWithoutArtifact,
    StalledWithArtifact,
    NotObserved,
    Suspended,
    SuspendedWithoutArtifact,
    Missing,
    OutOfSight,
}

const SOURCES: [Sourced; 8] = [
    Sourced::Good,
    Sourced::FailsWithoutArtifact,
    Sourced::StalledWithArtifact,
    Sourced::NotObserved,
    Sourced::Suspended,
    Sourced::SuspendedWithoutArtifact,
    Sourced::Missing,
    Sourced::OutOfSight,
];

/// One object of a plan.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    kind: GroupKind,
    namespace: &'static str,
    condition: Condition,
    /// Places of the objects that it names, each with whether it has a `readyExpr`; the first place behind all objects is
    /// none, the second one is out of sight.
    on: Vec<(usize, bool)>,
    source: Sourced,
    /// `wait: true` over all that it depends on, which the oracle knows nothing of.
    waits: bool,
    /// Applied an older revision last, which the oracle knows nothing of either.
    behind: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) objects: Vec<Planned>,
}

/// Up to twelve objects of three kinds in two namespaces.
pub(super) fn any_plan() -> impl Strategy<Value = Plan> {
    let kind = prop_oneof![
        3 => Just(GroupKind::KUSTOMIZATION),
        2 => Just(GroupKind::HELM_RELEASE),
        1 => Just(GroupKind::RESOURCE_SET)
    ];
    let condition = prop_oneof![
        3 => Just(Condition::Ready),
        1 => Just(Condition::Suspended),
        1 => Just(Condition::SuspendedSinceItsCreation),
        1 => Just(Condition::Failed),
        1 => Just(Condition::Running),
        1 => Just(Condition::Overdue),
        1 => Just(Condition::NotObserved),
        6 => (0usize..4).prop_map(Condition::Waits),
    ];
    let namespace = prop_oneof![Just("apps"), Just("flux-system")];
    let on = proptest::collection::vec((0usize..14, prop::bool::weighted(0.2)), 0..4);
    let source = prop_oneof![4 => Just(Sourced::Good), 3 => proptest::sample::select(&SOURCES[..])];
    let object = (kind, namespace, condition, on, source, any::<bool>(), any::<bool>());
    proptest::collection::vec(object, 1..12).prop_map(|objects| {
        let count = objects.len();
        let planned = |(kind, namespace, condition, on, source, waits, behind)| {
            let mut named = BTreeSet::new();
            let on: Vec<(usize, bool)> = on;
            let on = on.into_iter().map(|(at, expression)| (at % (count + 2), expression));
            // A ResourceSet depends on nothing but existence unless it asks; expressions are those of the other kinds.
            let on = on.map(|(at, expression)| (at, expression && kind != GroupKind::RESOURCE_SET));
            let on = on.filter(|(at, _)| named.insert(*at)).collect();
            Planned { kind, namespace, condition, on, source, waits, behind }
        };
        Plan { objects: objects.into_iter().map(planned).collect() }
    })
}

/// Any cluster, with health checks and old revisions on top of what the oracle knows.
pub(super) fn any_cluster() -> impl Strategy<Value = Snapshot> {
    any_plan().prop_map(|plan| plan.cluster(true))
}

impl Plan {
    pub(super) fn key(&self, at: usize) -> ObjectKey {
        let object = &self.objects[at];
        ObjectKey::new(object.kind.clone(), object.namespace, format!("k{at:02}"))
    }

    /// What the entry of an object names: one of its own kind, and of a ResourceSet one of any kind.
    fn named(&self, by: usize, at: usize) -> ObjectKey {
        let kind = self.objects[by].kind.clone();
        match self.objects.get(at) {
            Some(_) if kind == GroupKind::RESOURCE_SET => self.key(at),
            Some(_) => ObjectKey { kind, ..self.key(at) },
            None if at == self.objects.len() => ObjectKey::new(kind, "apps", "nowhere"),
            None => ObjectKey::new(kind, "hidden", "somewhere"),
        }
    }

    fn source_key(&self, at: usize) -> Option<ObjectKey> {
        let object = &self.objects[at];
        let kind = match &object.kind {
            kind if *kind == GroupKind::KUSTOMIZATION => GroupKind::GIT_REPOSITORY,
            kind if *kind == GroupKind::HELM_RELEASE => GroupKind::OCI_REPOSITORY,
            _ => return None,
        };
        let namespace = if object.source == Sourced::OutOfSight { "hidden" } else { "flux-system" };
        Some(ObjectKey::new(kind, namespace, format!("{:?}", object.source).to_lowercase()))
    }

    /// The cluster as its controllers would have left it; `in_full` with what the oracle does not know.
    pub(super) fn cluster(&self, in_full: bool) -> Snapshot {
        let mut flux = snapshot((0..self.objects.len()).map(|at| self.node(at, in_full)));
        flux.sources.clear();
        flux.coverage = Coverage::default();
        for namespace in ["apps", "flux-system"] {
            for kind in [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE, GroupKind::RESOURCE_SET] {
                flux.coverage.cover(kind, namespace);
            }
        }
        for kind in [GroupKind::GIT_REPOSITORY, GroupKind::OCI_REPOSITORY] {
            flux.coverage.cover(kind, "flux-system");
        }
        for (at, object) in self.objects.iter().enumerate() {
            let Some(key) = self.source_key(at) else { continue };
            if let Some(source) = made(&key, object.source) {
                flux.sources.insert(key, source);
            }
        }
        flux
    }

    fn node(&self, at: usize, in_full: bool) -> Node {
        let object = &self.objects[at];
        let mut node = if object.kind == GroupKind::HELM_RELEASE { hr("x") } else { ks("x") };
        node.key = self.key(at);
        if object.kind == GroupKind::RESOURCE_SET {
            node.spec = Spec::ResourceSet;
        }
        node.source = self.source_key(at);
        node.depends_on = object
            .on
            .iter()
            .map(|&(to, expression)| Dependency {
                key: self.named(at, to),
                ready_expr: expression.then(|| "dep.status.x == 1".to_owned()),
                ready: true,
                at: None,
            })
            .collect();
        if in_full && object.waits {
            let all: Vec<ObjectKey> = node.depends_on.iter().map(|entry| entry.key.clone()).collect();
            node = node.waits_for(&all);
        }
        if in_full && object.behind {
            node = node.at(OLD);
        }
        match object.condition {
            Condition::Ready => node,
            Condition::Suspended => node.suspended(),
            Condition::SuspendedSinceItsCreation => {
                node.status.conditions.0.clear();
                node.never().suspended()
            }
            Condition::Failed if object.kind == GroupKind::HELM_RELEASE => {
                node.failing("InstallFailed", "Helm install failed for release a/b with chart c@1: boom")
            }
            Condition::Failed => node.failing("BuildFailed", "kustomize build failed: x"),
            Condition::Running => node.running(0),
            Condition::Overdue => node.running(30),
            Condition::NotObserved => node.edited(),
            Condition::Waits(_) => {
                let words = self.stopped_at(at).map_or_else(
                    || "dependency 'flux-system/taken-out' is not ready".to_owned(),
                    |entry| {
                        let key = self.named(at, object.on[entry].0);
                        let said = if self.is_absent(&key) { "not found: x" } else { "is not ready" };
                        format!("dependency '{}' {said}", key.namespaced_name())
                    },
                );
                node.never().failing("DependencyNotReady", &words)
            }
        }
    }

    /// Which entry the controller names.
    fn stopped_at(&self, at: usize) -> Option<usize> {
        let object = &self.objects[at];
        match object.condition {
            Condition::Waits(entry) if !object.on.is_empty() => Some(entry % object.on.len()),
            _ => None,
        }
    }

    fn find(&self, key: &ObjectKey) -> Option<usize> {
        (0..self.objects.len()).find(|&at| self.key(at) == *key)
    }

    fn is_absent(&self, key: &ObjectKey) -> bool {
        self.find(key).is_none() && key.namespace != "hidden"
    }
}

fn made(key: &ObjectKey, sourced: Sourced) -> Option<Source> {
    let mut made = Source { key: key.clone(), ..source() };
    if let Some(artifact) = &mut made.artifact {
        artifact.updated = Some(minutes_ago(60));
    }
    let failed = condition("Ready", ConditionStatus::False, "URLInvalid", "words");
    match sourced {
        Sourced::Good => {}
        Sourced::FailsWithoutArtifact => {
            made.conditions.0 = vec![failed];
            made.artifact = None;
        }
        Sourced::StalledWithArtifact => {
            made.conditions.0 =
                vec![failed, condition("Stalled", ConditionStatus::True, "URLInvalid", "words")];
        }
        Sourced::NotObserved => made.meta.generation = 2,
        Sourced::Suspended => made.suspended = true,
        Sourced::SuspendedWithoutArtifact => {
            made.suspended = true;
            made.artifact = None;
        }
        Sourced::Missing | Sourced::OutOfSight => return None,
    }
    Some(made)
}

/// What hits an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    /// It should have gone on long ago, and nothing but its controller keeps it.
    Overdue(ObjectKey),
    Other(ObjectKey),
}

/// What is to be said of a plan, by following every wait of every object to its end.
pub(super) struct Oracle<'a> {
    plan: &'a Plan,
}

impl<'a> Oracle<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        Self { plan }
    }

    pub(super) fn state(&self, at: usize) -> State {
        match self.plan.objects[at].condition {
            Condition::Ready => State::Ready,
            Condition::Suspended | Condition::SuspendedSinceItsCreation => State::Suspended,
            Condition::Failed => State::Failed,
            Condition::Running | Condition::Overdue => State::Progressing,
            Condition::NotObserved => State::Unknown,
            Condition::Waits(_) => {
                let own = self.idle_hit(at);
                let behind = self.behind(at);
                if behind.iter().any(|&at| self.own(at).iter().any(|hit| *hit != own))
                    || self.source_hit(&behind).next().is_some()
                {
                    State::Blocked
                } else if behind.iter().any(|&at| self.is_unjudged(at)) {
                    State::Unknown
                } else {
                    State::Progressing
                }
            }
        }
    }

    pub(super) fn blocked_by(&self, at: usize) -> BTreeSet<ObjectKey> {
        let behind = self.behind(at);
        let key = |hit: Hit| match hit {
            Hit::Overdue(key) | Hit::Other(key) => key,
        };
        let mut all: BTreeSet<ObjectKey> = behind.iter().flat_map(|&at| self.own(at)).map(key).collect();
        all.extend(self.source_hit(&behind));
        let object = &self.plan.objects[at];
        let stale = matches!(
            object.source,
            Sourced::FailsWithoutArtifact | Sourced::StalledWithArtifact | Sourced::NotObserved
        );
        if stale && !self.is_suspended(at) {
            all.extend(self.plan.source_key(at)); // nothing new arrives, whether or not it stops the object
        }
        let itself = self.plan.key(at);
        if self.smallest_of_its_cycle(at) != Some(itself.clone()) {
            all.remove(&itself);
        }
        all
    }

    pub(super) fn is_complete(&self) -> bool {
        let looks = (0..self.plan.objects.len()).filter(|&at| !self.is_suspended(at));
        !looks.into_iter().any(|at| {
            let object = &self.plan.objects[at];
            let source = object.source == Sourced::OutOfSight && self.plan.source_key(at).is_some();
            source || object.on.iter().any(|(to, _)| self.plan.named(at, *to).namespace == "hidden")
        })
    }

    pub(super) fn missing(&self) -> BTreeSet<ObjectKey> {
        let all = (0..self.plan.objects.len())
            .flat_map(|at| self.plan.objects[at].on.iter().map(move |(to, _)| self.plan.named(at, *to)));
        all.filter(|key| self.plan.is_absent(key)).collect()
    }

    fn is_suspended(&self, at: usize) -> bool {
        matches!(self.plan.objects[at].condition, Condition::Suspended | Condition::SuspendedSinceItsCreation)
    }

    /// The object and all that it waits for, directly or not.
    fn behind(&self, at: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::from([at]);
        loop {
            let more: Vec<usize> =
                seen.iter().flat_map(|&at| self.waits(at)).filter(|at| !seen.contains(at)).collect();
            if more.is_empty() {
                return seen;
            }
            seen.extend(more);
        }
    }

    /// Entries that keep a waiting object, in order: the place that each names, and whether an expression decides it.
    fn unmet(&self, at: usize) -> Vec<(usize, bool)> {
        let object = &self.plan.objects[at];
        let Condition::Waits(_) = object.condition else { return Vec::new() };
        let stopped = self.plan.stopped_at(at);
        let entries = object.on.iter().enumerate();
        let unmet = entries.filter(|(entry, (to, expression))| {
            let ready =
                |to: usize| matches!(self.plan.objects[to].condition, Condition::Ready | Condition::Suspended);
            match self.plan.find(&self.plan.named(at, *to)) {
                Some(_) if *expression => stopped.is_none_or(|stopped| stopped <= *entry), // it asks in order
                Some(to) => !ready(to),
                None => true,
            }
        });
        unmet.map(|(_, entry)| *entry).collect()
    }

    fn waits(&self, at: usize) -> Vec<usize> {
        let unmet = self.unmet(at).into_iter().filter(|(_, expression)| !expression);
        let there = unmet.filter_map(|(to, _)| self.plan.find(&self.plan.named(at, to)));
        there.filter(|&to| !self.is_suspended(to)).collect()
    }

    fn is_unjudged(&self, at: usize) -> bool {
        self.unmet(at).iter().any(|&(to, expression)| {
            let key = self.plan.named(at, to);
            key.namespace == "hidden" || (expression && !self.plan.is_absent(&key))
        })
    }

    fn waits_for_its_source(&self, at: usize) -> bool {
        let object = &self.plan.objects[at];
        let unusable = match object.source {
            Sourced::FailsWithoutArtifact | Sourced::SuspendedWithoutArtifact => true,
            Sourced::StalledWithArtifact | Sourced::NotObserved => object.kind == GroupKind::HELM_RELEASE,
            _ => false,
        };
        matches!(object.condition, Condition::Waits(_)) && unusable && object.kind != GroupKind::RESOURCE_SET
    }

    /// Sources that keep any of these objects.
    fn source_hit(&self, objects: &BTreeSet<usize>) -> impl Iterator<Item = ObjectKey> {
        objects.iter().filter(|&&at| self.waits_for_its_source(at)).filter_map(|&at| self.plan.source_key(at))
    }

    /// What keeps an object that nothing keeps: its controller, where that keeps several and has no run under way.
    fn idle_hit(&self, at: usize) -> Hit {
        let kind = &self.plan.objects[at].kind;
        let all = || (0..self.plan.objects.len()).filter(|&other| self.plan.objects[other].kind == *kind);
        let runs =
            |at: usize| matches!(self.plan.objects[at].condition, Condition::Running | Condition::Overdue);
        if !self.is_idle(at) || all().any(runs) || all().filter(|&other| self.is_idle(other)).count() < 2 {
            return Hit::Overdue(self.plan.key(at));
        }
        Hit::Overdue(ObjectKey::new(GroupKind::DEPLOYMENT, "flux-system", controller_of(kind)))
    }

    fn is_idle(&self, at: usize) -> bool {
        let kept = !self.faults(at).is_empty()
            || !self.waits(at).is_empty()
            || self.waits_for_its_source(at)
            || self.is_unjudged(at);
        matches!(self.plan.objects[at].condition, Condition::Waits(_)) && !kept
    }

    /// What is wrong with the object itself, or with what it names.
    fn own(&self, at: usize) -> BTreeSet<Hit> {
        let mut own = self.faults(at);
        if self.is_idle(at) {
            own.insert(self.idle_hit(at));
        }
        own.extend(self.smallest_of_its_cycle(at).map(Hit::Other));
        own
    }

    /// The same, but for what shows only beside others.
    fn faults(&self, at: usize) -> BTreeSet<Hit> {
        let object = &self.plan.objects[at];
        let key = self.plan.key(at);
        let mut own = BTreeSet::new();
        match object.condition {
            Condition::Failed | Condition::NotObserved => drop(own.insert(Hit::Other(key))),
            Condition::Overdue => drop(own.insert(Hit::Overdue(key))),
            _ => {}
        }
        if !self.is_suspended(at) && object.condition != Condition::NotObserved {
            let named = object.on.iter().map(|(to, _)| self.plan.named(at, *to));
            own.extend(named.filter(|key| self.plan.is_absent(key)).map(Hit::Other));
            let missing = self.plan.source_key(at).filter(|_| object.source == Sourced::Missing);
            own.extend(missing.map(Hit::Other));
        }
        for (to, expression) in self.unmet(at) {
            let suspended = self.plan.find(&self.plan.named(at, to)).filter(|&to| self.is_suspended(to));
            own.extend(suspended.filter(|_| !expression).map(|to| Hit::Other(self.plan.key(to))));
        }
        own
    }

    /// The smallest of all that the object depends on and that depend on it, where it depends on itself.
    fn smallest_of_its_cycle(&self, at: usize) -> Option<ObjectKey> {
        let reached = self.reached(at);
        let members = reached.iter().filter(|&&other| self.reached(other).contains(&at));
        reached.contains(&at).then(|| members.map(|&at| self.plan.key(at)).min()).flatten()
    }

    fn reached(&self, from: usize) -> BTreeSet<usize> {
        let on = |at: usize| {
            self.plan.objects[at].on.iter().filter_map(move |(to, _)| self.plan.find(&self.plan.named(at, *to)))
        };
        let mut reached: BTreeSet<usize> = on(from).collect();
        loop {
            let more: Vec<usize> =
                reached.iter().flat_map(|&at| on(at)).filter(|at| !reached.contains(at)).collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }
}
