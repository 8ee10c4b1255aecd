//! The walk: from every object along what it waits for, down to the faults.
//!
//! Appliers and sources are the vertices of one graph whose edges are unmet waits only: a dependency that is not
//! ready, a source without an artifact, a Flux object in a failed health check. Faults stand at the vertex where they
//! arise and reach everything that waits for it. Loops of waits are faults of their own.

mod loops;
mod reach;
mod shared;
mod silent;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::catalogue::{self, Failure, Lead, declared, dependency};
use super::cause::{Code, Fault};
use super::installation::{Installation, absent_controller};
use super::report::Verdict;
use super::standing::{OwnFailure, SourceStanding, Standing, allowed, is_older, source_not_found};
use crate::graph::{Graph, Layering, Relation};
use crate::model::{GroupKind, Node, ObjectKey, OriginKind, Presence, Snapshot};

pub(super) use reach::Walk;
pub(super) use sources::{is_stuck, is_usable};

/// Identity of a fault: two ways to the same object and code are one cause.
pub(super) type FaultKey = (ObjectKey, Code);

#[derive(Default)]
struct Vertex {
    faults: Vec<Fault>,
    waits: BTreeSet<usize>,
    unjudged: bool,
}

struct Walker<'a> {
    snapshot: &'a Snapshot,
    installation: &'a Installation,
    graph: &'a Graph,
    standings: &'a BTreeMap<&'a ObjectKey, Standing>,
    source_standings: &'a BTreeMap<&'a ObjectKey, SourceStanding>,
    keys: Vec<&'a ObjectKey>,
    index: BTreeMap<&'a ObjectKey, usize>,
    vertices: Vec<Vertex>,
    /// Which ArtifactGenerator makes each ExternalArtifact, whether or not it exists yet.
    makers: BTreeMap<&'a ObjectKey, &'a ObjectKey>,
    hidden: BTreeSet<ObjectKey>,
    /// When a run should have come that has not, by vertex; of those whose fault is just that.
    due: BTreeMap<usize, Timestamp>,
}

/// Walks the whole snapshot once. Deadlocks are added to the cycles of `layering`.
pub(super) fn walk(
    snapshot: &Snapshot,
    installation: &Installation,
    graph: &Graph,
    standings: &BTreeMap<&ObjectKey, Standing>,
    source_standings: &BTreeMap<&ObjectKey, SourceStanding>,
    verdicts: &BTreeMap<&ObjectKey, Vec<Verdict>>,
    layering: &mut Layering,
) -> Walk {
    let keys: Vec<&ObjectKey> = snapshot.nodes.keys().chain(snapshot.sources.keys()).collect();
    let index = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let vertices = keys.iter().map(|_| Vertex::default()).collect();
    let mut walker = Walker {
        snapshot,
        installation,
        graph,
        standings,
        source_standings,
        keys,
        index,
        vertices,
        makers: snapshot.makers(),
        hidden: BTreeSet::new(),
        due: BTreeMap::new(),
    };
    for (key, source) in &snapshot.sources {
        walker.enter_source(key, source);
    }
    for (key, node) in &snapshot.nodes {
        walker.enter_node(key, node, verdicts.get(key).map(Vec::as_slice).unwrap_or_default());
    }
    walker.mark_keys_that_open_nothing();
    walker.make_one_of_what_is_shared();
    walker.mark_silent_controllers();
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

    /// Blames an object whose controller has not come since `due`.
    fn blame_overdue(&mut self, at: &ObjectKey, fault: Fault, due: Option<Timestamp>) {
        if let (Some(&vertex), Some(due)) = (self.index.get(at), due)
            && matches!(fault.code, Code::Overdue | Code::NotObserved)
        {
            self.due.insert(vertex, due);
        }
        self.blame(at, fault);
    }

    fn wait(&mut self, from: &ObjectKey, on: &ObjectKey) {
        let Some(&target) = self.index.get(on) else { return };
        if let Some(vertex) = self.vertex(from) {
            vertex.waits.insert(target);
        }
    }

    /// What may be known of `without` does not suffice; it may be in sight all the same.
    fn cannot_judge(&mut self, at: &ObjectKey, without: &ObjectKey) {
        if self.snapshot.presence(without) != Presence::There {
            self.hidden.insert(without.clone());
        }
        if let Some(vertex) = self.vertex(at) {
            vertex.unjudged = true;
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
                match node.helm_release() {
                    Some(_) if node.source.is_none() => self.blame(key, dependency::no_chart(node)),
                    Some(_) if let Some((wanted, used)) = self.chart_not_made(node) => {
                        self.blame(key, dependency::chart_not_made(node, wanted, used));
                    }
                    _ => {
                        let fault = self.not_observed(key, node.meta.generation, observed, &node.meta.labels);
                        self.blame_overdue(key, fault, node.meta.edited.or(node.meta.created));
                    }
                }
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
            let what = match standing {
                Standing::Behind => "has stayed behind its source",
                _ => "has not run",
            };
            let summary = format!("{} {what} for more than twice its interval", key.name);
            let mut fault = self.overdue(node, summary);
            if *standing == Standing::Behind && fault.code == Code::Overdue {
                fault = dependency::behind_its_source(fault, node, self.snapshot);
            }
            let due = if *standing == Standing::Behind { last } else { last + interval };
            self.blame_overdue(key, fault, Some(due));
        }
        if !matches!(standing, Standing::Suspended | Standing::NotObserved)
            && let Some((wanted, used)) = self.chart_not_made(node)
        {
            self.blame(key, dependency::chart_not_made(node, wanted, used));
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

    /// From when an object's next run is to be expected: its last one by its history, its creation or an edit (such as
    /// a resume) where that is later; of one that is behind its source, when the source's artifact came. `None` where
    /// nothing tells: kustomize-controller before 1.7 keeps no history, and that of a HelmRelease has its releases only.
    fn last_chance(&self, node: &Node, behind: bool) -> Option<Timestamp> {
        let source = node.source.as_ref().and_then(|source| self.snapshot.sources.get(source));
        let artifact = source.and_then(|source| source.artifact.as_ref()).and_then(|artifact| artifact.updated);
        let runs = node.kustomization().map(|_| node.status.history.as_slice()).unwrap_or_default();
        let ran = runs.iter().filter_map(|entry| entry.last).max();
        let last = if behind { artifact.or(ran) } else { ran };
        last.map(|last| [node.meta.created, node.meta.edited].into_iter().flatten().fold(last, Ord::max))
    }

    /// What the object waits for by its own words has been there for long, and its controller has not looked again.
    fn enter_idle_wait(&mut self, node: &Node) {
        // A refused object is looked at again after `--requeue-dependency`; this allows for a busy controller.
        const LONG: std::time::Duration = std::time::Duration::from_secs(270);
        let requeue = self.installation.requeue_dependency(dependency::controller_of(&node.key.kind));
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
        if since.is_some_and(|since| is_older(self.snapshot.now, since, LONG + requeue)) {
            let summary = format!("{} could run, and its controller has not looked at it again", node.key.name);
            let fault = self.overdue(node, summary);
            self.blame_overdue(&node.key, fault, since.map(|since| since + requeue));
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
            && !is_refused(node) // before it is looked for
            && self.snapshot.presence(source) == Presence::Absent
            && self.failing_maker(source).is_none()
        {
            self.blame(&node.key, dependency::source_not_found(self.snapshot, &node.key, source, None));
        }
    }

    /// The HelmChart that a HelmRelease should have and has not, and the one that it uses in its place: helm-controller tells
    /// a chart that it cannot make in its log alone, and leaves Ready as it was (flux-semantics trap 20).
    fn chart_not_made<'n>(&self, node: &'n Node) -> Option<(&'n ObjectKey, &'n ObjectKey)> {
        let used = node.helm_release()?.chart_in_use.as_ref()?;
        let wanted =
            node.source.as_ref().filter(|source| source.kind == GroupKind::HELM_CHART && *source != used)?;
        let absent = self.snapshot.presence(wanted) == Presence::Absent;
        (node.live && absent && node.helm_release()?.chart.is_some()).then_some((wanted, used))
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
            (None, Presence::Absent | Presence::Hidden) => match self.failing_maker(key) {
                Some(maker) => self.wait(&node.key, maker),
                None => {
                    let quote = dependency::ready_words(&node.status.conditions).filter(|_| says_source);
                    self.blame(&node.key, dependency::source_not_found(self.snapshot, &node.key, key, quote));
                }
            },
        }
    }

    fn enter_dependencies(&mut self, node: &Node, verdicts: &[Verdict]) {
        for (entry, verdict) in node.depends_on.iter().zip(verdicts) {
            let dependency = self.snapshot.nodes.get(&entry.key);
            let standing = self.standings.get(&entry.key);
            match (verdict, dependency) {
                (Verdict::Ready, _) => {}
                (Verdict::NotFound, _) => self.enter_missing(node, &entry.key),
                (Verdict::Forbidden | Verdict::Unknown | Verdict::ReadyExprUnknown, _) => {
                    self.cannot_judge(&node.key, &entry.key);
                }
                (Verdict::ReadyExprFalse, Some(dependency)) if is_ready(dependency) => {
                    let expression = entry.ready_expr.as_deref().unwrap_or_default();
                    self.blame(&node.key, dependency::ready_expr_false(node, dependency, expression));
                }
                (_, Some(dependency)) if dependency.suspended => {
                    self.blame(&node.key, dependency::dependency_suspended(self.snapshot, dependency));
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
                Lead::Fault(fault) if node.remote && fault.code.is_of_the_target_cluster() => {
                    self.blame(&node.key, Fault { object: node.key.clone(), shared: None, ..fault });
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
            Some(target) if target.suspended => {
                self.blame(&node.key, dependency::dependency_suspended(self.snapshot, target))
            }
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

    /// A run that does not come although it is due: one whose controller does not exist, or has no Pod, has that as its cause.
    fn overdue(&self, node: &Node, summary: String) -> Fault {
        let down = controller_down(self.snapshot, &node.key.kind);
        let down = down.or_else(|| controller_missing(self.snapshot, &node.key.kind));
        down.unwrap_or_else(|| dependency::overdue(node, summary))
    }

    /// References whose absence proves nothing, and without which this object's verdict was made.
    fn note_what_is_out_of_sight(&mut self, node: &Node, verdicts: &[Verdict]) {
        if !node.live {
            return;
        }
        for (entry, verdict) in node.depends_on.iter().zip(verdicts) {
            let unjudged = matches!(verdict, Verdict::Forbidden | Verdict::Unknown);
            if unjudged && self.snapshot.presence(&entry.key) != Presence::There {
                self.hidden.insert(entry.key.clone());
            }
        }
        let Some(source) = &node.source else { return };
        let says_missing = node.status.conditions.ready().is_some_and(|ready| source_not_found(&ready.message));
        if self.snapshot.presence(source) == Presence::Hidden && !says_missing && !says_denied(node) {
            self.hidden.insert(source.clone());
        }
    }
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

/// Whether its controller refuses the reference to the source: across namespaces, or behind a feature gate.
fn is_refused(node: &Node) -> bool {
    node.status.conditions.ready().is_some_and(|ready| ready.reason == "AccessDenied")
}

/// Whether a dependency is ready by its own conditions, suspended or not.
fn is_ready(node: &Node) -> bool {
    node.is_observed() && node.status.conditions.is_true("Ready")
}

fn says_denied(node: &Node) -> bool {
    node.status.conditions.ready().is_some_and(|ready| ready.reason == "AccessDenied")
}
