//! The walk: from every object along what it waits for, down to the faults.
//!
//! Appliers and sources are the vertices of one graph whose edges are unmet waits only: a dependency that is not
//! ready, a source without an artifact, a Flux object in a failed health check. Faults stand at the vertex where they
//! arise and reach everything that waits for it. Loops of waits are faults of their own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::catalogue::{self, Failure, Lead, declared, dependency};
use super::cause::{Code, Fault};
use super::installation::absent_controller;
use super::report::Verdict;
use super::standing::{OwnFailure, SourceStanding, Standing, allowed, is_older, source_not_found};
use crate::graph::{Graph, Layering, Relation, components, shortest_loop};
use crate::model::{GroupKind, Node, ObjectKey, OriginKind, Presence, Snapshot, Source};

/// Identity of a fault: two ways to the same object and code are one cause.
pub(super) type FaultKey = (ObjectKey, Code);

/// What the walk found.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    /// Every fault, by identity.
    pub(super) faults: BTreeMap<FaultKey, Fault>,
    /// Loop of each cycle fault.
    pub(super) loops: BTreeMap<FaultKey, Vec<ObjectKey>>,
    /// Appliers that fail or cannot start directly because of a fault.
    pub(super) affected: BTreeMap<FaultKey, BTreeSet<ObjectKey>>,
    /// Faults that each applier and source is hit by, as places in `identities`; see [`Walk::reaching`].
    reach: BTreeMap<ObjectKey, Vec<u32>>,
    /// Every fault's identity.
    identities: Vec<FaultKey>,
    /// Objects that wait, themselves or behind others, for something that is out of sight or cannot be judged.
    pub(super) unjudged: BTreeSet<ObjectKey>,
    /// What each object waits for by edges that are not met; objects that wait for nothing have no entry.
    pub(super) waits: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Appliers and sources at which each fault was found.
    pub(super) stands_at: BTreeMap<FaultKey, BTreeSet<ObjectKey>>,
    /// References that are not covered, so that a verdict had to do without them.
    pub(super) hidden: BTreeSet<ObjectKey>,
}

#[derive(Default)]
struct Vertex {
    faults: Vec<Fault>,
    waits: BTreeSet<usize>,
    unjudged: bool,
}

struct Walker<'a> {
    snapshot: &'a Snapshot,
    graph: &'a Graph,
    standings: &'a BTreeMap<&'a ObjectKey, Standing>,
    source_standings: &'a BTreeMap<&'a ObjectKey, SourceStanding>,
    keys: Vec<&'a ObjectKey>,
    index: BTreeMap<&'a ObjectKey, usize>,
    vertices: Vec<Vertex>,
    hidden: BTreeSet<ObjectKey>,
}

/// Walks the whole snapshot once. Deadlocks are added to the cycles of `layering`.
pub(super) fn walk(
    snapshot: &Snapshot,
    graph: &Graph,
    standings: &BTreeMap<&ObjectKey, Standing>,
    source_standings: &BTreeMap<&ObjectKey, SourceStanding>,
    verdicts: &BTreeMap<&ObjectKey, Vec<Verdict>>,
    layering: &mut Layering,
) -> Walk {
    let keys: Vec<&ObjectKey> = snapshot.nodes.keys().chain(snapshot.sources.keys()).collect();
    let index = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let vertices = keys.iter().map(|_| Vertex::default()).collect();
    let mut walker =
        Walker { snapshot, graph, standings, source_standings, keys, index, vertices, hidden: BTreeSet::new() };
    for (key, source) in &snapshot.sources {
        walker.enter_source(key, source);
    }
    for (key, node) in &snapshot.nodes {
        walker.enter_node(key, node, verdicts.get(key).map(Vec::as_slice).unwrap_or_default());
    }
    walker.mark_keys_that_open_nothing();
    let mut loops = walker.mark_cycles(layering);
    loops.extend(walker.mark_deadlocks(layering));
    walker.give_silent_failures_a_fault();
    walker.finish(loops)
}

impl<'a> Walker<'a> {
    fn vertex(&mut self, key: &ObjectKey) -> Option<&mut Vertex> {
        let at = *self.index.get(key)?;
        self.vertices.get_mut(at)
    }

    fn blame(&mut self, at: &ObjectKey, fault: Fault) {
        if let Some(vertex) = self.vertex(at) {
            vertex.faults.push(fault);
        }
    }

    fn wait(&mut self, from: &ObjectKey, on: &ObjectKey) {
        let Some(&target) = self.index.get(on) else { return };
        if let Some(vertex) = self.vertex(from) {
            vertex.waits.insert(target);
        }
    }

    fn cannot_judge(&mut self, at: &ObjectKey, without: &ObjectKey) {
        self.hidden.insert(without.clone());
        if let Some(vertex) = self.vertex(at) {
            vertex.unjudged = true;
        }
    }

    // --- sources ---------------------------------------------------------------------------------------------------

    fn enter_source(&mut self, key: &ObjectKey, source: &Source) {
        match self.source_standings.get(key) {
            Some(SourceStanding::Suspended) if source.artifact.is_some() => {}
            Some(SourceStanding::Suspended | SourceStanding::Failed { .. }) => {
                self.blame(key, catalogue::source_fault(source, self.snapshot));
            }
            Some(SourceStanding::NotObserved) if source.live => {
                let fault = self.not_observed(
                    key,
                    source.meta.generation,
                    source.observed_generation,
                    &source.meta.labels,
                );
                self.blame(key, fault);
            }
            Some(SourceStanding::WaitsForUpstream) => self.enter_upstream(key, source),
            Some(SourceStanding::Running) if is_stuck(self.snapshot, source) => {
                self.blame(key, dependency::source_overdue(source));
            }
            _ => {}
        }
    }

    fn enter_upstream(&mut self, key: &ObjectKey, source: &Source) {
        let words = source.conditions.ready();
        let says_missing =
            words.is_some_and(|ready| source_not_found(&ready.message) || ready.reason == "NotFound");
        for upstream in &source.upstream {
            match (self.snapshot.sources.get(upstream), self.snapshot.presence(upstream)) {
                (Some(found), _) if found.artifact.is_none() && !found.oci => self.wait(key, upstream),
                (Some(_), _) | (None, Presence::There) => {}
                (None, Presence::Hidden) if !says_missing => self.cannot_judge(key, upstream),
                (None, Presence::Absent | Presence::Hidden) => {
                    let quote = dependency::ready_words(&source.conditions);
                    self.blame(key, dependency::source_not_found(self.snapshot, key, upstream, quote));
                }
            }
        }
    }

    // --- appliers --------------------------------------------------------------------------------------------------

    fn enter_node(&mut self, key: &ObjectKey, node: &Node, verdicts: &[Verdict]) {
        let Some(standing) = self.standings.get(key) else { return };
        if !node.live && self.snapshot.origin == OriginKind::Live {
            return self.enter_declared(node);
        }
        match standing {
            Standing::Suspended | Standing::Terminating => {}
            Standing::Unreadable => {
                if let Some(vertex) = self.vertex(key) {
                    vertex.unjudged = true;
                }
            }
            Standing::NotObserved if node.live => {
                let observed = node.observed_generation();
                let fault = self.not_observed(key, node.meta.generation, observed, &node.meta.labels);
                self.blame(key, fault);
            }
            Standing::NotObserved => {}
            Standing::WaitsForDependencies | Standing::WaitsForSource | Standing::Behind => {
                self.enter_source_of(node, *standing == Standing::WaitsForSource);
                self.enter_dependencies(node, verdicts);
                if *standing != Standing::Behind {
                    self.enter_idle_wait(node);
                }
            }
            Standing::Failed(failure) => self.enter_failure(node, failure),
            Standing::Running { since } => {
                self.enter_running_health_check(node);
                let allowed = allowed(node) + std::time::Duration::from_secs(60);
                if let Some(since) = since.filter(|since| is_older(self.snapshot.now, *since, allowed)) {
                    let ran = (self.snapshot.now.duration_since(since)).unsigned_abs().as_secs() / 60;
                    let summary =
                        format!("{} has been running for {ran}m, longer than its time-out allows", key.name);
                    let fault = self.overdue(node, summary);
                    self.blame(key, fault);
                }
            }
            Standing::Ready => {}
        }
        if matches!(standing, Standing::Ready | Standing::Behind)
            && let Some(last) = self.last_chance(node, *standing == Standing::Behind)
            && let Some(interval) = node.interval
            && is_older(self.snapshot.now, last, interval * 2 + node.effective_timeout())
        {
            let summary = format!("{} has not run for more than twice its interval", key.name);
            let fault = self.overdue(node, summary);
            self.blame(key, fault);
        }
        if matches!(standing, Standing::Ready | Standing::Failed(_) | Standing::Running { .. }) {
            self.enter_what_stops_the_next_run(node, verdicts);
        }
        if !matches!(standing, Standing::Suspended) {
            self.note_what_is_out_of_sight(node, verdicts);
        }
    }

    /// It is declared and not on the cluster: whoever would apply it has to get there first.
    fn enter_declared(&mut self, node: &Node) {
        let Some(builder) = self.snapshot.declared.builder_of(&node.key) else { return };
        let Some(parent) = self.snapshot.nodes.get(builder) else { return };
        match self.standings.get(builder) {
            _ if parent.suspended => {
                self.blame(&node.key, declared::parent_suspended(self.snapshot, node, parent))
            }
            Some(Standing::Ready) => self.blame(&node.key, declared::not_applied(self.snapshot, node, parent)),
            Some(Standing::Unreadable) => self.cannot_judge(&node.key, builder),
            _ => self.wait(&node.key, builder),
        }
    }

    /// From when a Kustomization's next run is to be expected: its last one by its history, its creation or an edit (such as
    /// a resume) where that is later; of one that is behind its source, when the source's artifact came. `None` where
    /// nothing tells (kustomize-controller before 1.7 keeps no history).
    fn last_chance(&self, node: &Node, behind: bool) -> Option<Timestamp> {
        node.kustomization()?;
        let source = node.source.as_ref().and_then(|source| self.snapshot.sources.get(source));
        let artifact = source.and_then(|source| source.artifact.as_ref()).and_then(|artifact| artifact.updated);
        let ran = node.status.history.iter().filter_map(|entry| entry.last).max();
        let last = if behind { artifact.or(ran) } else { ran };
        last.map(|last| [node.meta.created, node.meta.edited].into_iter().flatten().fold(last, Ord::max))
    }

    /// What the object waits for by its own words has been there for long, and its controller has not looked again.
    fn enter_idle_wait(&mut self, node: &Node) {
        // A refused object is looked at every 30 s (`--requeue-dependency`); this allows for a busy controller.
        const LONG: std::time::Duration = std::time::Duration::from_secs(300);
        let vertex = self.index.get(&node.key).and_then(|at| self.vertices.get(*at));
        let waits = vertex
            .is_none_or(|vertex| !vertex.waits.is_empty() || !vertex.faults.is_empty() || vertex.unjudged);
        if waits {
            return;
        }
        let source = node.source.as_ref().and_then(|source| self.snapshot.sources.get(source));
        let artifact = source.and_then(|source| source.artifact.as_ref()).and_then(|artifact| artifact.updated);
        let dependencies = node.depends_on.iter().filter_map(|entry| self.snapshot.nodes.get(&entry.key));
        let met = dependencies.filter_map(|dependency| dependency.status.conditions.ready()?.since);
        let words = node.status.conditions.ready().and_then(|ready| ready.since);
        let since = met.chain(artifact).chain(words).max();
        if since.is_some_and(|since| is_older(self.snapshot.now, since, LONG)) {
            let summary = format!("{} could run, and its controller has not looked at it again", node.key.name);
            let fault = self.overdue(node, summary);
            self.blame(&node.key, fault);
        }
    }

    /// A dependency or a source that is gone stops the next run, whatever the last one said.
    fn enter_what_stops_the_next_run(&mut self, node: &Node, verdicts: &[Verdict]) {
        for (entry, verdict) in node.depends_on.iter().zip(verdicts) {
            if *verdict == Verdict::NotFound {
                self.enter_missing(node, &entry.key);
            }
        }
        if let Some(source) = &node.source
            && node.live
            && source.kind != GroupKind::HELM_CHART // made by helm-controller itself
            && self.snapshot.presence(source) == Presence::Absent
        {
            self.blame(&node.key, dependency::source_not_found(self.snapshot, &node.key, source, None));
        }
    }

    fn enter_source_of(&mut self, node: &Node, says_source: bool) {
        let Some(key) = &node.source else { return };
        let words = node.status.conditions.ready();
        let says_missing = says_source && words.is_some_and(|ready| source_not_found(&ready.message));
        match (self.snapshot.sources.get(key), self.snapshot.presence(key)) {
            (Some(source), _) => {
                if !is_usable(node, source) {
                    self.wait(&node.key, key);
                }
            }
            // It is there and could not be decoded.
            (None, Presence::There) if says_source => self.cannot_judge(&node.key, key),
            (None, Presence::There) => {}
            (None, Presence::Hidden) if !says_missing => {
                if says_source {
                    self.cannot_judge(&node.key, key);
                }
            }
            (None, Presence::Absent | Presence::Hidden) => {
                let quote = dependency::ready_words(&node.status.conditions).filter(|_| says_source);
                self.blame(&node.key, dependency::source_not_found(self.snapshot, &node.key, key, quote));
            }
        }
    }

    fn enter_dependencies(&mut self, node: &Node, verdicts: &[Verdict]) {
        for (entry, verdict) in node.depends_on.iter().zip(verdicts) {
            let dependency = self.snapshot.nodes.get(&entry.key);
            let standing = self.standings.get(&entry.key);
            match (verdict, dependency) {
                (Verdict::Ready, _) => {}
                (Verdict::NotFound, _) => self.enter_missing(node, &entry.key),
                (Verdict::Forbidden | Verdict::ReadyExprUnknown, _) => self.cannot_judge(&node.key, &entry.key),
                (Verdict::ReadyExprFalse, Some(dependency)) if is_ready(dependency) => {
                    let expression = entry.ready_expr.as_deref().unwrap_or_default();
                    self.blame(&node.key, dependency::ready_expr_false(node, dependency, expression));
                }
                (_, Some(dependency)) if dependency.suspended => {
                    self.blame(&node.key, dependency::dependency_suspended(dependency));
                }
                (_, Some(dependency)) => {
                    if standing == Some(&Standing::Terminating) && self.is_stuck(dependency) {
                        self.blame(&entry.key, dependency::deletion_stuck(dependency));
                    }
                    self.wait(&node.key, &entry.key);
                }
                (_, None) if self.snapshot.sources.contains_key(&entry.key) => self.wait(&node.key, &entry.key),
                (_, None) => self.blame(&node.key, dependency::unhealthy(node, &entry.key)),
            }
        }
    }

    /// A dependency that is not there: of one that is declared its own causes count.
    fn enter_missing(&mut self, node: &Node, missing: &ObjectKey) {
        if self.snapshot.nodes.contains_key(missing) {
            return self.wait(&node.key, missing);
        }
        let fault = declared::not_included(self.snapshot, node, missing);
        let fault = fault.unwrap_or_else(|| dependency::dependency_not_found(self.snapshot, node, missing));
        self.blame(&node.key, fault);
    }

    fn is_stuck(&self, node: &Node) -> bool {
        let allowed = node.effective_timeout() + std::time::Duration::from_secs(60);
        !node.meta.finalizers.is_empty()
            && node.meta.deleted.is_some_and(|since| is_older(self.snapshot.now, since, allowed))
    }

    fn enter_failure(&mut self, node: &Node, failure: &OwnFailure) {
        if failure.message.is_empty() && failure.reason == "HealthCheckFailed" {
            self.enter_health(node);
            return;
        }
        let failure =
            Failure { node, reason: &failure.reason, message: &failure.message, snapshot: self.snapshot };
        for lead in catalogue::leads(&failure) {
            match lead {
                // The key of an object on another cluster may be that of an object here.
                Lead::Fault(fault) if node.remote && is_of_the_target_cluster(fault.code) => {
                    self.blame(&node.key, Fault { object: node.key.clone(), ..fault });
                }
                Lead::Fault(fault) => self.blame(&node.key, fault),
                Lead::Walk(to) if to != node.key => self.enter_unhealthy(node, &to),
                Lead::Walk(_) => {}
            }
        }
    }

    /// A Flux object that a health check named: its own causes count, whatever they are.
    fn enter_unhealthy(&mut self, node: &Node, to: &ObjectKey) {
        match self.snapshot.nodes.get(to) {
            Some(target) if target.suspended => self.blame(&node.key, dependency::dependency_suspended(target)),
            Some(_) => self.wait(&node.key, to),
            None if self.snapshot.sources.contains_key(to) => self.wait(&node.key, to),
            None => {
                // The controller says that it is not healthy; why is out of sight.
                if self.snapshot.presence(to) == Presence::Hidden {
                    self.hidden.insert(to.clone());
                }
                self.blame(&node.key, dependency::unhealthy(node, to));
            }
        }
    }

    /// A health check that is under way waits for what is not ready yet.
    fn enter_running_health_check(&mut self, node: &Node) {
        let checking = node
            .status
            .conditions
            .get("Reconciling")
            .is_some_and(|reconciling| reconciling.message.starts_with("Running health checks"));
        if checking {
            self.enter_health(node);
        }
    }

    fn enter_health(&mut self, node: &Node) {
        let targets: Vec<ObjectKey> = self.graph.targets(&node.key, Relation::Health).cloned().collect();
        for target in targets {
            let unready = match self.standings.get(&target) {
                Some(standing) => !matches!(standing, Standing::Ready | Standing::Behind | Standing::Suspended),
                None => matches!(
                    self.source_standings.get(&target),
                    Some(SourceStanding::Failed { .. } | SourceStanding::WaitsForUpstream)
                ),
            };
            if unready {
                self.wait(&node.key, &target);
            }
        }
    }

    fn not_observed(
        &self,
        key: &ObjectKey,
        generation: i64,
        observed: Option<i64>,
        labels: &BTreeMap<String, String>,
    ) -> Fault {
        let missing = || controller_missing(self.snapshot, &key.kind);
        if let Some(fault) = controller_down(self.snapshot, &key.kind).or_else(missing) {
            return fault;
        }
        dependency::not_observed(
            key,
            generation,
            observed,
            labels.get("sharding.fluxcd.io/key").map(String::as_str),
        )
    }

    /// A run that does not come although it is due: one whose controller does not exist has that as its cause.
    fn overdue(&self, node: &Node, summary: String) -> Fault {
        controller_missing(self.snapshot, &node.key.kind).unwrap_or_else(|| dependency::overdue(node, summary))
    }

    /// References whose absence proves nothing, and without which this object's verdict was made.
    fn note_what_is_out_of_sight(&mut self, node: &Node, verdicts: &[Verdict]) {
        if !node.live {
            return;
        }
        for (entry, verdict) in node.depends_on.iter().zip(verdicts) {
            if *verdict == Verdict::Forbidden {
                self.hidden.insert(entry.key.clone());
            }
        }
        let Some(source) = &node.source else { return };
        let says_missing = node.status.conditions.ready().is_some_and(|ready| source_not_found(&ready.message));
        if self.snapshot.presence(source) == Presence::Hidden && !says_missing && !says_denied(node) {
            self.hidden.insert(source.clone());
        }
    }

    // --- what concerns several ------------------------------------------------------------------------------------

    /// A decryption Secret that opens nothing for two or more that use it has to change itself.
    fn mark_keys_that_open_nothing(&mut self) {
        let mut users: BTreeMap<ObjectKey, (usize, Vec<usize>)> = BTreeMap::new();
        for (key, node) in &self.snapshot.nodes {
            let decryption = node.kustomization().and_then(|spec| spec.decryption.as_ref());
            let Some(secret) = decryption.and_then(|decryption| decryption.secret.as_ref()) else { continue };
            let secret = ObjectKey::new(GroupKind::SECRET, key.namespace.as_str(), secret.as_str());
            let (content, failing) = users.entry(secret).or_default();
            let Some(&at) = self.index.get(key) else { continue };
            if self.vertices[at].faults.iter().any(|fault| fault.code == Code::SopsKeyMismatch) {
                failing.push(at);
            } else if matches!(self.standings.get(key), Some(Standing::Ready | Standing::Behind)) {
                *content += 1;
            }
        }
        for (secret, (content, failing)) in users {
            if content > 0 || failing.len() < 2 {
                continue;
            }
            for at in failing {
                for fault in &mut self.vertices[at].faults {
                    if fault.code == Code::SopsKeyMismatch {
                        fault.object = secret.clone();
                    }
                }
            }
        }
    }

    /// Static cycles are faults even while their members are still ready: the next revision stops them.
    fn mark_cycles(&mut self, layering: &Layering) -> BTreeMap<FaultKey, Vec<ObjectKey>> {
        let mut loops = BTreeMap::new();
        for (path, members) in layering.cycles.iter().zip(&layering.members) {
            let Some(fault) = dependency::cycle(path, false) else { continue };
            loops.insert((fault.object.clone(), fault.code), path.clone());
            for member in members {
                self.blame(member, fault.clone());
            }
        }
        loops
    }

    /// Loops of unmet waits that dependsOn alone does not close.
    fn mark_deadlocks(&mut self, layering: &mut Layering) -> BTreeMap<FaultKey, Vec<ObjectKey>> {
        let edges = self.edges();
        let mut loops = BTreeMap::new();
        for component in components(&edges) {
            let members: BTreeSet<ObjectKey> = component.iter().map(|&at| self.keys[at].clone()).collect();
            if component.len() < 2 || layering.members.iter().any(|cycle| members.is_subset(cycle)) {
                continue;
            }
            let Some(&first) = component.first() else { continue };
            let path: Vec<ObjectKey> =
                shortest_loop(&edges, &component, first).into_iter().map(|at| self.keys[at].clone()).collect();
            let Some(fault) = dependency::cycle(&path, true) else { continue };
            loops.insert((fault.object.clone(), fault.code), path.clone());
            for member in &members {
                self.blame(member, fault.clone());
            }
            layering.cycles.push(path);
            layering.members.push(members);
        }
        let mut cycles: Vec<_> = layering.cycles.drain(..).zip(layering.members.drain(..)).collect();
        cycles.sort();
        (layering.cycles, layering.members) = cycles.into_iter().unzip();
        loops
    }

    /// A health check that failed over Flux objects which show no fault of their own is a fault of those objects.
    fn give_silent_failures_a_fault(&mut self) {
        let (_, reach) = self.reach();
        let mut silent = Vec::new();
        for (key, node) in &self.snapshot.nodes {
            let Some(&at) = self.index.get(key) else { continue };
            if !matches!(self.standings.get(key), Some(Standing::Failed(_))) || !reach[at].is_empty() {
                continue;
            }
            for &target in &self.vertices[at].waits {
                let target = self.keys[target];
                let fault = match self.standings.get(target) {
                    Some(Standing::Ready | Standing::Behind) => dependency::was_unhealthy(node, target),
                    _ => dependency::unhealthy(node, target),
                };
                silent.push((key.clone(), fault));
            }
            if self.vertices[at].waits.is_empty() && !self.vertices[at].unjudged {
                silent.push((key.clone(), dependency::unhealthy(node, key)));
            }
        }
        for (key, fault) in silent {
            self.blame(&key, fault);
        }
    }

    // --- the result ------------------------------------------------------------------------------------------------

    /// Faults that reach each vertex: its own and those of everything that it waits for, as places in the list of all.
    fn reach(&self) -> (Vec<FaultKey>, Vec<Vec<u32>>) {
        let identity = |fault: &Fault| (fault.object.clone(), fault.code);
        let all: BTreeSet<FaultKey> =
            self.vertices.iter().flat_map(|vertex| &vertex.faults).map(identity).collect();
        let all: Vec<FaultKey> = all.into_iter().collect();
        let place = |fault: &Fault| {
            let found =
                all.binary_search_by(|(object, code)| (object, code).cmp(&(&fault.object, &fault.code)));
            found.ok().and_then(|place| u32::try_from(place).ok())
        };
        let reach = self.spread(|vertex| vertex.faults.iter().filter_map(place).collect());
        (all, reach)
    }

    /// Spreads what each vertex has of its own to everything that waits for it; ordered, each once.
    fn spread(&self, own: impl Fn(&Vertex) -> Vec<u32>) -> Vec<Vec<u32>> {
        let edges = self.edges();
        let mut spread: Vec<Vec<u32>> = self.vertices.iter().map(own).collect();
        for component in components(&edges) {
            let mut all = Vec::new();
            for &member in &component {
                all.extend_from_slice(&spread[member]);
                for &target in &edges[member] {
                    all.extend_from_slice(&spread[target]);
                }
            }
            all.sort_unstable();
            all.dedup();
            for &member in &component {
                spread[member].clone_from(&all);
            }
        }
        spread
    }

    fn edges(&self) -> Vec<Vec<usize>> {
        self.vertices.iter().map(|vertex| vertex.waits.iter().copied().collect()).collect()
    }

    fn finish(self, loops: BTreeMap<FaultKey, Vec<ObjectKey>>) -> Walk {
        let (all, reach) = self.reach();
        let unjudged = self.spread(|vertex| vertex.unjudged.then_some(0).into_iter().collect());
        let bringers = dependency::Bringers::of(self.snapshot);
        let mut walk = Walk { loops, hidden: self.hidden, ..Walk::default() };
        for (at, vertex) in self.vertices.iter().enumerate() {
            let key = self.keys[at];
            let is_applier = self.snapshot.nodes.contains_key(key);
            for fault in &vertex.faults {
                let identity = (fault.object.clone(), fault.code);
                if is_applier {
                    walk.affected.entry(identity.clone()).or_default().insert(key.clone());
                }
                walk.stands_at.entry(identity.clone()).or_default().insert(key.clone());
                walk.faults.entry(identity).or_insert_with(|| bringers.add_to(fault.clone(), key));
            }
            for &target in &vertex.waits {
                if is_applier && self.snapshot.sources.contains_key(self.keys[target]) {
                    for &place in &reach[target] {
                        let identity = all[place as usize].clone();
                        walk.affected.entry(identity).or_default().insert(key.clone());
                    }
                }
            }
            if !unjudged[at].is_empty() {
                walk.unjudged.insert(key.clone());
            }
            if !vertex.waits.is_empty() {
                let targets = vertex.waits.iter().map(|&target| self.keys[target].clone());
                walk.waits.insert(key.clone(), targets.collect());
            }
        }
        walk.reach = self.keys.iter().map(|key| (*key).clone()).zip(reach).collect();
        walk.identities = all;
        walk
    }
}

impl Walk {
    /// The faults that an applier or a source is hit by.
    pub(super) fn reaching(&self, key: &ObjectKey) -> impl Iterator<Item = &FaultKey> {
        let places = self.reach.get(key).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|&place| &self.identities[place as usize])
    }

    /// Adds a fault that hits objects without stopping them: it spreads to nothing behind them.
    pub(super) fn add(&mut self, fault: Fault, affected: impl IntoIterator<Item = ObjectKey>) {
        let identity = (fault.object.clone(), fault.code);
        let known = self.identities.iter().position(|known| *known == identity);
        let place = known.unwrap_or_else(|| {
            self.identities.push(identity.clone());
            self.identities.len() - 1
        });
        let hit = self.affected.entry(identity.clone()).or_default();
        let stands_at = self.stands_at.entry(identity.clone()).or_default();
        for key in affected {
            hit.insert(key.clone());
            stands_at.insert(key.clone());
            let reach = self.reach.entry(key).or_default();
            reach.extend(u32::try_from(place));
        }
        self.faults.entry(identity).or_insert(fault);
    }
}

/// Whether the applier can work with its source: kustomize-controller needs an artifact, helm-controller a source that
/// is observed, not stalled, and has one.
pub(super) fn is_usable(node: &Node, source: &Source) -> bool {
    let has_artifact = source.artifact.is_some();
    if node.key.kind != GroupKind::HELM_RELEASE {
        return has_artifact;
    }
    let observed = source.observed_generation.is_none_or(|observed| observed == source.meta.generation);
    has_artifact && observed && !source.conditions.is_true("Stalled")
}

/// The fault of a controller that is not running, for the objects that wait to be looked at by it.
pub(super) fn controller_down(snapshot: &Snapshot, kind: &GroupKind) -> Option<Fault> {
    let name = dependency::controller_of(kind);
    let namespace = snapshot.flux_namespace().unwrap_or("flux-system");
    let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, namespace, name);
    match snapshot.evidence.workloads.get(&deployment) {
        // A Deployment without any status is a manifest, not what a cluster says.
        Some(workload) if workload.available == 0 && !workload.conditions.is_empty() => {
            Some(dependency::controller_not_running(&deployment, workload.wanted))
        }
        _ => None,
    }
}

/// The fault of a controller that does not exist. It is a cause where something waits for a run that does not come; what
/// runs all the same is proof of one that is out of sight.
fn controller_missing(snapshot: &Snapshot, kind: &GroupKind) -> Option<Fault> {
    let absent = absent_controller(snapshot, dependency::controller_of(kind))?;
    Some(dependency::controller_absent(snapshot, &absent))
}

/// Whether a source has been fetching for longer than any fetch takes.
pub(super) fn is_stuck(snapshot: &Snapshot, source: &Source) -> bool {
    const LONG: std::time::Duration = std::time::Duration::from_secs(600);
    let since = source.conditions.0.iter().filter_map(|condition| condition.since).max();
    let allowed = source.timeout.unwrap_or_default() + LONG;
    since.or(source.meta.created).is_some_and(|since| is_older(snapshot.now, since, allowed))
}

/// Whether a dependency is ready by its own conditions, suspended or not.
fn is_ready(node: &Node) -> bool {
    node.is_observed() && node.status.conditions.is_true("Ready")
}

/// Whether the object of a fault lives where the failing object applies to, which may be another cluster.
fn is_of_the_target_cluster(code: Code) -> bool {
    matches!(
        code,
        Code::HealthCheckFailed
            | Code::HelmInstallFailed
            | Code::HelmUpgradeFailed
            | Code::HelmTestFailed
            | Code::HelmUninstallFailed
            | Code::CrdMissing
            | Code::NamespaceNotFound
            | Code::NamespaceTerminating
            | Code::WebhookUnavailable
            | Code::ApiServiceUnavailable
            | Code::Forbidden
            | Code::PruneFailed
            | Code::DeletionStuck
    )
}

fn says_denied(node: &Node) -> bool {
    node.status.conditions.ready().is_some_and(|ready| ready.reason == "AccessDenied")
}
