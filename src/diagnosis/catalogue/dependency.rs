//! Faults between objects: missing and suspended dependencies, cycles, deadlocks, expressions that are false, sources
//! that do not exist, and objects that no controller looks at.

use crate::diagnosis::cause::{Code, Fault, Quote, Remedy};
use crate::model::{GroupKind, Node, ObjectKey, Snapshot, Source};

fn fault(object: ObjectKey, code: Code, subcode: Option<&'static str>, summary: String) -> Fault {
    Fault { object, code, subcode, summary, evidence: Vec::new(), remedies: Vec::new() }
}

fn advice(text: impl Into<String>) -> Remedy {
    Remedy { text: text.into(), command: None }
}

fn command(text: impl Into<String>, command: impl Into<String>) -> Remedy {
    Remedy { text: text.into(), command: Some(command.into()) }
}

/// The word that the flux CLI takes for a kind, such as `kustomization` or `source git`.
fn flux_word(kind: &GroupKind) -> Option<&'static str> {
    Some(match &*kind.kind {
        "Kustomization" => "kustomization",
        "HelmRelease" => "helmrelease",
        "GitRepository" => "source git",
        "OCIRepository" => "source oci",
        "Bucket" => "source bucket",
        "HelmRepository" => "source helm",
        "HelmChart" => "source chart",
        _ => return None,
    })
}

fn ready_words(node: &Node) -> Option<Quote> {
    let ready = node.status.conditions.ready()?;
    Some(Quote {
        source: "condition",
        text: format!("{}: {}", ready.reason, ready.message.trim()),
        at: None,
        time: ready.since,
    })
}

/// A `dependsOn` entry names something that does not exist.
pub(crate) fn dependency_not_found(snapshot: &Snapshot, dependent: &Node, missing: &ObjectKey) -> Fault {
    let similar = similar(snapshot, missing);
    let mut summary = format!("{} depends on {missing}, which does not exist", dependent.key.name);
    if let Some(found) = similar.first() {
        summary.push_str(&format!("; there is {found}"));
    }
    let mut fault = fault(missing.clone(), Code::DependencyNotFound, None, summary);
    fault.evidence.extend(ready_words(dependent));
    for found in similar.iter().take(3) {
        fault.evidence.push(Quote::new("spec", format!("same name: {found}")));
    }
    fault.remedies.push(match similar.first() {
        Some(found) if found.kind == missing.kind => advice(format!(
            "in Git, give the dependsOn entry of {} the namespace {}, or take the entry out",
            dependent.key.name, found.namespace
        )),
        Some(found) => advice(format!(
            "in Git, take the entry out of {}: dependsOn of a {} cannot name a {}",
            dependent.key.name, dependent.key.kind.kind, found.kind.kind
        )),
        None => {
            advice(format!("in Git, add {missing}, or correct the dependsOn entry of {}", dependent.key.name))
        }
    });
    fault
}

/// Objects of the same name in another namespace (first) or of another kind.
fn similar(snapshot: &Snapshot, missing: &ObjectKey) -> Vec<ObjectKey> {
    let mut found: Vec<ObjectKey> =
        snapshot.nodes.keys().filter(|key| key.name == missing.name).cloned().collect();
    found.sort_by_key(|key| (key.kind != missing.kind, key.namespace != missing.namespace, key.clone()));
    found
}

/// A dependency is suspended and not ready, or behind.
pub(crate) fn dependency_suspended(dependency: &Node) -> Fault {
    let key = &dependency.key;
    let summary = match dependency.revision() {
        None => format!("{} is suspended and was never ready", key.name),
        Some(revision) => format!("{} is suspended at {}", key.name, revision.short()),
    };
    let mut fault = fault(key.clone(), Code::DependencySuspended, None, summary);
    fault.evidence.push(Quote::new("spec", "suspend: true"));
    if let Some(word) = flux_word(&key.kind) {
        fault
            .remedies
            .push(command("resume it", format!("flux resume {word} {} -n {}", key.name, key.namespace)));
    }
    fault
}

/// The controller says that `readyExpr` is false over a dependency that is ready.
pub(crate) fn ready_expr_false(dependent: &Node, dependency: &ObjectKey, expression: &str) -> Fault {
    let summary =
        format!("{} waits for readyExpr over {}, which is false", dependent.key.name, dependency.name);
    let mut fault = fault(dependency.clone(), Code::ReadyExprFalse, None, summary);
    fault.evidence.push(Quote::new("spec", format!("readyExpr: {expression}")));
    fault.evidence.extend(ready_words(dependent));
    fault.remedies.push(advice(format!(
        "correct the readyExpr of {} in Git, or bring {dependency} to it",
        dependent.key
    )));
    fault
}

/// A loop of `dependsOn`, or one that health checks help to close (`deadlock`).
pub(crate) fn cycle(path: &[ObjectKey], deadlock: bool) -> Option<Fault> {
    let object = path.first()?.clone();
    let names: Vec<&str> = path.iter().chain(path.first()).map(|key| key.name.as_str()).collect();
    let names = names.join(" → ");
    let (subcode, summary) = if deadlock {
        (Some("Deadlock"), format!("each waits for the next, by dependsOn or health check: {names}"))
    } else {
        (None, format!("each depends on the next: {names}"))
    };
    let mut fault = fault(object, Code::DependencyCycle, subcode, summary);
    fault.remedies.push(advice(if deadlock {
        "in Git, take one dependsOn entry of the loop out, or let the parent not wait for its children"
    } else {
        "in Git, take one dependsOn entry of the loop out"
    }));
    Some(fault)
}

/// A source that does not exist.
pub(crate) fn source_not_found(
    snapshot: &Snapshot,
    user: &ObjectKey,
    missing: &ObjectKey,
    words: Option<Quote>,
) -> Fault {
    let mut elsewhere = snapshot.sources.keys().filter(|key| key.name == missing.name);
    let mut summary = format!("{missing}, the source of {}, does not exist", user.name);
    if let Some(found) = elsewhere.next() {
        summary.push_str(&format!("; there is {found}"));
    }
    let mut fault = fault(missing.clone(), Code::SourceNotFound, None, summary);
    fault.evidence.extend(words);
    fault.remedies.push(advice(format!("in Git, add {missing}, or correct the sourceRef of {user}")));
    fault
}

/// A source that has failed for long while its last artifact still serves; `deepest` is the failing link.
pub(crate) fn source_stale(deepest: Fault, source: &Source) -> Fault {
    let since = source
        .artifact
        .as_ref()
        .map_or_else(String::new, |artifact| format!(" since {}", artifact.revision.short()));
    Fault {
        code: Code::SourceStale,
        summary: format!("nothing new arrives from {}{since}: {}", source.key, deepest.summary),
        ..deepest
    }
}

/// A run that takes longer than it may, or that should have come long ago.
pub(crate) fn overdue(node: &Node, summary: String) -> Fault {
    let key = &node.key;
    let mut fault = fault(key.clone(), Code::Overdue, None, summary);
    let reconciling = node.status.conditions.get("Reconciling");
    if let Some(condition) = reconciling {
        fault.evidence.push(Quote {
            source: "condition",
            text: format!("Reconciling: {}", condition.message.trim()),
            at: None,
            time: condition.since,
        });
    }
    if let Some(word) = flux_word(&key.kind) {
        fault
            .remedies
            .push(command("ask once more", format!("flux reconcile {word} {} -n {}", key.name, key.namespace)));
    }
    fault
        .remedies
        .push(advice(format!("look whether {} runs, and what its workers wait for", controller_of(&key.kind))));
    fault
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
    let looked = match observed {
        Some(observed) if observed >= 0 => {
            format!("looked at generation {observed} last, now it is {generation}")
        }
        _ => "has never looked at it".to_owned(),
    };
    let mut summary = format!("no {controller} has looked at {}: it {looked}", key.name);
    if looked.starts_with("has") {
        summary = format!("{controller} {looked}: {}", key.name);
    }
    let mut fault = match shard {
        Some(shard) => {
            let summary =
                format!("{} carries the shard label {shard}, which no controller seems to select", key.name);
            fault(key.clone(), Code::ShardUnserved, None, summary)
        }
        None => fault(key.clone(), Code::NotObserved, None, summary),
    };
    fault.remedies.push(advice(format!("look whether {controller} runs and watches this namespace and label")));
    fault
}

/// A Flux controller's Deployment has no Pod available.
pub(crate) fn controller_not_running(deployment: &ObjectKey, wanted: i64) -> Fault {
    let summary = if wanted == 0 {
        format!("{} is scaled to zero", deployment.name)
    } else {
        format!("{} has no Pod available", deployment.name)
    };
    let mut fault = fault(deployment.clone(), Code::ControllerNotRunning, None, summary);
    fault.remedies.push(if wanted == 0 {
        command(
            "scale it up",
            format!("kubectl -n {} scale deployment {} --replicas=1", deployment.namespace, deployment.name),
        )
    } else {
        command(
            "see why",
            format!("kubectl -n {} describe deployment {}", deployment.namespace, deployment.name),
        )
    });
    fault
}

/// A deletion that a finalizer holds, while something waits for the object.
pub(crate) fn deletion_stuck(node: &Node) -> Fault {
    let key = &node.key;
    let holders = node.meta.finalizers.join(", ");
    let summary = format!("{} is being deleted and held by {holders}", key.name);
    let mut fault = fault(key.clone(), Code::DeletionStuck, None, summary);
    fault.evidence.push(Quote {
        source: "metadata",
        text: format!("finalizers: {holders}"),
        at: None,
        time: node.meta.deleted,
    });
    fault
}

/// A Flux object that a health check waits for, and whose own status shows no fault.
pub(crate) fn unhealthy(node: &Node, waited_for: &ObjectKey) -> Fault {
    let summary = format!("{} waits for {waited_for} to become healthy", node.key.name);
    let mut fault = fault(waited_for.clone(), Code::HealthCheckFailed, None, summary);
    fault.evidence.extend(ready_words(node));
    fault
}
