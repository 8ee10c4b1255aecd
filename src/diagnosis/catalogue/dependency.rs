//! Faults between objects: missing and suspended dependencies, cycles, deadlocks, expressions that are false, sources
//! that do not exist, and objects that no controller looks at.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::declared::{entry, written};
use super::{called, command, describe, fault, quote, reconcile, resume};
use crate::diagnosis::cause::{Code, Fault, Quote, Remedy};
use crate::diagnosis::ready_expr::{Judged, judge};
use crate::diagnosis::standing::current_revision;
use crate::model::{Conditions, GroupKind, Node, ObjectKey, Revision, Snapshot, Source};

/// What a Ready condition says.
pub(crate) fn ready_words(conditions: &Conditions) -> Option<Quote> {
    let ready = conditions.ready()?;
    Some(Quote { time: ready.since, ..quote("condition", &format!("{}: {}", ready.reason, ready.message)) })
}

fn with(fault: Fault, words: Option<Quote>) -> Fault {
    words.into_iter().fold(fault, Fault::seen)
}

/// A `dependsOn` entry names something that does not exist.
pub(crate) fn dependency_not_found(snapshot: &Snapshot, dependent: &Node, missing: &ObjectKey) -> Fault {
    let similar = similar(snapshot, missing);
    let mut summary = format!("{} depends on {}, which does not exist", dependent.key.name, called(missing));
    if let Some(found) = similar.first() {
        summary.push_str(&format!("; there is {}", called(found)));
    }
    let fault = fault(missing.clone(), Code::DependencyNotFound, None, summary);
    let mut fault = entry(with(fault, ready_words(&dependent.status.conditions)), dependent, missing);
    for tree in snapshot.declared.trees.values() {
        // It is built, and something on the way may give it another name or take it away.
        if let Some(at) = tree.tried().written(missing).next() {
            fault = fault.seen(written("declares it under that name; a prefix or a patch may change it", &at));
        }
    }
    let advice = match similar.first() {
        Some(found) if found.kind == missing.kind => format!(
            "in Git, give the dependsOn entry of {} the namespace {}, or take the entry out",
            dependent.key.name, found.namespace
        ),
        Some(found) => format!(
            "in Git, take the entry out of {}: dependsOn of a {} cannot name a {}",
            dependent.key.name, dependent.key.kind.kind, found.kind.kind
        ),
        None => {
            format!("in Git, add {}, or correct the dependsOn entry of {}", called(missing), dependent.key.name)
        }
    };
    fault.remedy(advice, None)
}

/// Objects of the same name in another namespace (first) or of another kind.
fn similar(snapshot: &Snapshot, missing: &ObjectKey) -> Vec<ObjectKey> {
    let mut found: Vec<ObjectKey> =
        snapshot.nodes.keys().filter(|key| key.name == missing.name).cloned().collect();
    found.sort_by_key(|key| (key.kind != missing.kind, key.namespace != missing.namespace, key.clone()));
    found
}

/// A dependency is suspended and not ready, or behind.
pub(crate) fn dependency_suspended(snapshot: &Snapshot, dependency: &Node) -> Fault {
    let key = &dependency.key;
    let mut summary = match dependency.revision() {
        None => format!("{} is suspended and was never ready", key.name),
        Some(revision) => format!("{} is suspended at {}", key.name, revision.short()),
    };
    let current = dependency.kustomization().and_then(|_| current_revision(snapshot, dependency));
    if let Some((current, _)) = current.zip(dependency.revision()).filter(|(current, runs)| current != runs) {
        summary.push_str(&format!(", and its source is at {}", current.short()));
    }
    let set = match &dependency.meta.suspended_by {
        Some((manager, time)) => {
            Quote { time: *time, ..quote("spec", &format!("suspend: true, set by {manager}")) }
        }
        None => quote("spec", "suspend: true"),
    };
    fault(key.clone(), Code::DependencySuspended, None, summary).seen(set).remedy("resume it", resume(key))
}

/// `readyExpr` is false over a dependency that is ready.
pub(crate) fn ready_expr_false(dependent: &Node, over: &Node, expression: &str) -> Fault {
    let dependency = &over.key;
    let summary =
        format!("{} waits for readyExpr over {}, which is false", dependent.key.name, dependency.name);
    let mut fault = fault(dependency.clone(), Code::ReadyExprFalse, None, summary)
        .seen(quote("spec", &format!("readyExpr: {expression}")));
    if let Judged::False(seen) = judge(expression, dependent, over) {
        let seen: Vec<String> = seen.iter().map(|(path, value)| format!("{path} is {value}")).collect();
        fault = fault.seen(quote("value", &seen.join(", ")));
    }
    with(fault, ready_words(&dependent.status.conditions)).remedy(
        format!(
            "correct the readyExpr of {} in Git, or bring {} to it",
            called(&dependent.key),
            called(dependency)
        ),
        None,
    )
}

/// A loop of `dependsOn`, or one that health checks help to close (`deadlock`); `None` for an empty one.
pub(crate) fn cycle(path: &[ObjectKey], deadlock: bool) -> Option<Fault> {
    let object = path.first()?.clone();
    let itself = path.len() == 1;
    let (subcode, summary, remedy) = if deadlock {
        (
            Some("Deadlock"),
            "each waits for the next, by dependsOn or by a health check, so none can go on",
            "in Git, take one dependsOn entry of the loop out, or let the parent not wait for its children",
        )
    } else if itself {
        (None, "it depends on itself, so it can never start", "in Git, take the dependsOn entry out")
    } else {
        (
            None,
            "each depends on the next, so none can start",
            "in Git, take one dependsOn entry of the loop out",
        )
    };
    Some(fault(object, Code::DependencyCycle, subcode, summary).remedy(remedy, None))
}

/// A source that does not exist.
pub(crate) fn source_not_found(
    snapshot: &Snapshot,
    user: &ObjectKey,
    missing: &ObjectKey,
    words: Option<Quote>,
) -> Fault {
    let mut elsewhere = snapshot.sources.keys().filter(|key| key.name == missing.name);
    let mut summary = format!("{}, the source of {}, does not exist", called(missing), user.name);
    if let Some(found) = elsewhere.next() {
        summary.push_str(&format!("; there is {}", called(found)));
    }
    with(fault(missing.clone(), Code::SourceNotFound, None, summary), words)
        .remedy(format!("in Git, add {}, or correct the reference in {}", called(missing), called(user)), None)
}

/// A source that has failed for long while its last artifact still serves; `deepest` is the failing link.
pub(crate) fn source_stale(deepest: Fault, source: &Source) -> Fault {
    let since = source.artifact.as_ref().map(|artifact| format!(" since {}", artifact.revision.short()));
    let summary = format!(
        "nothing new arrives from {}{}: {}",
        called(&source.key),
        since.unwrap_or_default(),
        deepest.summary
    );
    Fault { code: Code::SourceStale, summary, ..deepest }
}

/// A run that takes longer than it may, or that should have come long ago.
pub(crate) fn overdue(node: &Node, summary: String) -> Fault {
    let key = &node.key;
    let reconciling = node.status.conditions.get("Reconciling");
    let words = reconciling.map(|condition| Quote {
        time: condition.since,
        ..quote("condition", &format!("Reconciling: {}", condition.message))
    });
    with(fault(key.clone(), Code::Overdue, None, summary), words)
        .remedy("ask once more", reconcile(key))
        .remedy(format!("look whether {} runs, and what its workers wait for", controller_of(&key.kind)), None)
}

/// What shows that an applier is behind its source: the revision that came, when, and the one that runs.
pub(crate) fn behind_its_source(fault: Fault, node: &Node, snapshot: &Snapshot) -> Fault {
    let source = node.source.as_ref().and_then(|source| snapshot.sources.get(source));
    let Some(artifact) = source.and_then(|source| source.artifact.as_ref()) else { return fault };
    let runs = node.revision().map_or_else(|| "nothing".to_owned(), Revision::short);
    let text = format!("{} came, and {} runs {runs}", artifact.revision.short(), node.key.name);
    fault.seen(Quote { time: artifact.updated, ..quote("source", &text) })
}

/// A source whose fetch does not end.
pub(crate) fn source_overdue(source: &Source) -> Fault {
    let key = &source.key;
    let summary = format!("{} has been fetching for longer than any fetch takes", called(key));
    with(fault(key.clone(), Code::Overdue, None, summary), ready_words(&source.conditions))
        .remedy("ask once more", reconcile(key))
        .remedy(format!("look whether {} runs", controller_of(&key.kind)), None)
}

/// Name of the controller that reconciles a kind.
pub(crate) fn controller_of(kind: &GroupKind) -> &'static str {
    match &*kind.group {
        "kustomize.toolkit.fluxcd.io" => "kustomize-controller",
        "helm.toolkit.fluxcd.io" => "helm-controller",
        "source.toolkit.fluxcd.io" => "source-controller",
        "source.extensions.fluxcd.io" => "source-watcher",
        _ => "flux-operator",
    }
}

/// No controller has looked at the object; `shard` is the label that selects one of several controllers.
pub(crate) fn not_observed(
    key: &ObjectKey,
    generation: i64,
    observed: Option<i64>,
    shard: Option<&str>,
) -> Fault {
    let controller = controller_of(&key.kind);
    let (code, summary) = match (shard, observed) {
        (Some(shard), _) => (
            Code::ShardUnserved,
            format!("{} is for shard {shard}, which no {controller} seems to serve", key.name),
        ),
        (None, Some(observed)) if observed == generation => {
            (Code::NotObserved, format!("{controller} has written no Ready condition for {}", key.name))
        }
        (None, Some(observed)) if observed >= 0 => (
            Code::NotObserved,
            format!(
                "{controller} has not looked at {} since it was edited (generation {generation}, seen {observed})",
                key.name
            ),
        ),
        (None, _) => (Code::NotObserved, format!("{controller} has never looked at {}", key.name)),
    };
    fault(key.clone(), code, None, summary)
        .remedy(format!("look whether {controller} runs and watches this namespace and label"), None)
}

/// A HelmRelease whose HelmChart helm-controller could not make; it goes on with the one that it made before.
pub(crate) fn chart_not_made(node: &Node, wanted: &ObjectKey, used: &ObjectKey) -> Fault {
    let name = &node.key.name;
    let summary = format!(
        "{}, the source of {name}, was never made; {name} goes on with {} and gets no new chart",
        called(wanted),
        used.namespaced_name()
    );
    fault(wanted.clone(), Code::SourceNotFound, None, summary)
        .seen(quote("status", &format!("helmChart: {}", used.namespaced_name())))
        .remedy("look into the log of helm-controller: nothing else says why it cannot make it", None)
}

/// A HelmRelease with neither `chart` nor `chartRef`: helm-controller 1.6 writes no status at all for it.
pub(crate) fn no_chart(node: &Node) -> Fault {
    let key = &node.key;
    let summary =
        format!("{} names neither a chart nor a chartRef, so helm-controller does nothing with it", key.name);
    fault(key.clone(), Code::NotObserved, None, summary).remedy("in Git, give it one of the two", None)
}

/// A Flux controller's Deployment has no Pod available.
pub(crate) fn controller_not_running(deployment: &ObjectKey, wanted: i64) -> Fault {
    let object = deployment.clone();
    if wanted == 0 {
        let summary = format!("{} is scaled to zero", deployment.name);
        let scale = command(
            "kubectl -n {} scale deployment {} --replicas=1",
            &[&deployment.namespace, &deployment.name],
        );
        return fault(object, Code::ControllerNotRunning, None, summary).remedy("scale it up", scale);
    }
    let summary = format!("{} has no Pod available", deployment.name);
    fault(object, Code::ControllerNotRunning, None, summary).remedy("see why", describe(deployment))
}

/// A Flux controller has no Deployment, while the others of its installation have theirs.
pub(crate) fn controller_absent(snapshot: &Snapshot, deployment: &ObjectKey) -> Fault {
    let (name, namespace) = (&deployment.name, &deployment.namespace);
    let there: Vec<&str> = snapshot
        .evidence
        .workloads
        .keys()
        .filter(|key| key.kind == GroupKind::DEPLOYMENT && key.namespace == *namespace)
        .map(|key| key.name.as_str())
        .collect();
    let summary = format!("{name} is not installed: there is no such Deployment in {namespace}");
    fault(deployment.clone(), Code::ControllerNotRunning, None, summary)
        .seen(Quote::new("spec", format!("Deployments of Flux in {namespace}: {}", there.join(", "))))
        .remedy(format!("install {name} again, the way this Flux was installed"), None)
}

/// A controller that has done nothing by all that is in sight, although runs are due; `last` is its newest trace.
pub(crate) fn controller_silent(
    snapshot: &Snapshot,
    controller: &str,
    last: Option<Timestamp>,
    waiting: &[&ObjectKey],
) -> Fault {
    let namespace = snapshot.flux_namespace().unwrap_or("flux-system");
    let deployment = ObjectKey::new(GroupKind::DEPLOYMENT, namespace, controller);
    let names: Vec<String> = waiting.iter().map(|key| called(key)).collect();
    let summary = format!(
        "{controller} gives no sign of life: {} wait for a run that is due, {}",
        waiting.len(),
        super::some(&names)
    );
    let trace = match last {
        Some(_) => "the newest trace of it in any condition, history or event",
        None => "no condition, history or event in sight is of it",
    };
    let seen = match snapshot.evidence.workloads.get(&deployment) {
        Some(workload) => format!(
            "Deployment {} has {} of {} Pods available",
            deployment.namespaced_name(),
            workload.available,
            workload.wanted
        ),
        None => format!("Deployment {} is out of sight", deployment.namespaced_name()),
    };
    let arguments: [&str; 2] = [namespace, controller];
    fault(deployment.clone(), Code::ControllerNotRunning, Some("Silent"), summary)
        .seen(Quote { time: last, ..quote("status", trace) })
        .seen(quote("workload", &seen))
        .remedy("see whether its Pod runs", command("kubectl -n {} get pods -l app={}", &arguments))
        .remedy(
            "if it does and its log stands still, start it anew",
            command("kubectl -n {} rollout restart deployment {}", &arguments),
        )
}

/// A deletion that a finalizer holds, while something waits for the object.
pub(crate) fn deletion_stuck(node: &Node) -> Fault {
    let holders = node.meta.finalizers.join(", ");
    let summary = format!("{} is being deleted and held by {holders}", node.key.name);
    fault(node.key.clone(), Code::DeletionStuck, None, summary)
        .seen(Quote { time: node.meta.deleted, ..quote("metadata", &format!("finalizers: {holders}")) })
        .remedy("see what holds it", describe(&node.key))
}

/// A Flux object that a health check waits for, and whose own status shows no fault or cannot be seen.
pub(crate) fn unhealthy(node: &Node, waited_for: &ObjectKey) -> Fault {
    let summary = if *waited_for == node.key {
        format!("{} failed, and nothing in sight says why", node.key.name)
    } else {
        format!("{} waits for {} to become healthy", node.key.name, called(waited_for))
    };
    with(
        fault(waited_for.clone(), Code::HealthCheckFailed, None, summary),
        ready_words(&node.status.conditions),
    )
    .remedy("look at it", describe(waited_for))
}

/// A Flux object that was not healthy when a health check looked last, and is ready by now: the next run decides.
pub(crate) fn was_unhealthy(node: &Node, waited_for: &ObjectKey) -> Fault {
    let summary = format!(
        "{} was not healthy when {} looked last, and is ready by now",
        called(waited_for),
        node.key.name
    );
    with(fault(node.key.clone(), Code::HealthCheckFailed, None, summary), ready_words(&node.status.conditions))
        .remedy("let it run again", reconcile(&node.key))
}

/// Who brings each CustomResourceDefinition and Namespace, by the inventories, else by what the repositories declare:
/// where one is missing, whoever brings it should come first.
pub(crate) struct Bringers<'a> {
    by: BTreeMap<&'a ObjectKey, &'a ObjectKey>,
    snapshot: &'a Snapshot,
}

impl<'a> Bringers<'a> {
    /// Of all appliers of this cluster.
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let is_local = |key: &ObjectKey| snapshot.nodes.get(key).is_some_and(|node| !node.remote);
        let built = snapshot.declared.builds.iter().filter(|(key, _)| is_local(key));
        let built = built.flat_map(|(key, build)| build.objects.keys().map(move |object| (object, key)));
        let local = snapshot.nodes.values().filter(|node| !node.remote);
        let entries = local
            .flat_map(|node| node.status.inventory.iter().flatten().map(move |entry| (&entry.key, &node.key)));
        let comes_first = |key: &ObjectKey| {
            key.kind == GroupKind::CUSTOM_RESOURCE_DEFINITION || key.kind == GroupKind::NAMESPACE
        };
        // What is in an inventory was applied, and counts before what is only declared.
        Self { by: built.chain(entries).filter(|(key, _)| comes_first(key)).collect(), snapshot }
    }

    /// Who brings what the fault misses: the missing edge.
    fn of_fault(&self, fault: &Fault) -> Option<&'a ObjectKey> {
        match fault.code {
            Code::NamespaceNotFound => self.by.get(&fault.object).copied(),
            // The object is named `<Kind>.<group>`, the definition `<plural>.<group>`.
            Code::CrdMissing => {
                let (kind, group) = fault.object.name.split_once('.')?;
                let kind = kind.to_lowercase();
                let stem = kind.strip_suffix('y').unwrap_or(&kind);
                let is_it = |key: &ObjectKey| {
                    key.name.split_once('.').is_some_and(|(plural, of)| of == group && plural.starts_with(stem))
                };
                self.by.iter().find(|(key, _)| is_it(key)).map(|(_, bringer)| *bringer)
            }
            _ => None,
        }
    }

    /// Puts the missing edge first among the remedies of a fault that hits `affected`, as YAML to paste and with the
    /// place where it belongs.
    pub(crate) fn add_to(&self, mut fault: Fault, affected: &ObjectKey) -> Fault {
        let bringer =
            self.of_fault(&fault).filter(|bringer| **bringer != *affected && bringer.kind == affected.kind);
        let Some(bringer) = bringer else { return fault };
        let node = self.snapshot.nodes.get(affected);
        let told = node.is_some_and(|node| node.depends_on.iter().any(|entry| entry.key == *bringer));
        let text = if told {
            format!(
                "{} brings it, and comes first already: let it wait for what it applies (wait: true)",
                called(bringer)
            )
        } else {
            let entry = match bringer.namespace == affected.namespace {
                true => format!("{{name: {}}}", bringer.name),
                false => format!("{{name: {}, namespace: {}}}", bringer.name, bringer.namespace),
            };
            let list = node.is_some_and(|node| !node.depends_on.is_empty());
            let yaml =
                if list { format!("dependsOn: […, {entry}]") } else { format!("dependsOn: [{entry}]") };
            let last = node.and_then(|node| node.depends_on.iter().rev().find_map(|entry| entry.at.clone()));
            let at = last.or_else(|| node?.declared_at.clone());
            let at = at.map(|at| format!(" ({}:{})", at.path, at.line)).unwrap_or_default();
            format!("{} brings it: add to spec of {}{at}: {yaml}", called(bringer), affected.name)
        };
        fault.remedies.insert(0, Remedy { text, command: None });
        fault.remedies.truncate(3);
        fault
    }
}
