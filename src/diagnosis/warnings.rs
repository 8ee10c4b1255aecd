//! What is no cause and should be known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cause::{Cause, Code};
use super::installation::absent_controllers;
use super::report::{ObjectReport, SourceReport, State, Verdict};
use super::seals;
use super::standing::{Standing, is_older};
use crate::graph::Layering;
use crate::model::{GroupKind, Meta, Node, ObjectKey, Snapshot, Warning};

/// A deletion that takes longer than this is held by something.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// What the warnings are made from.
pub(super) struct Facts<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) standings: &'a BTreeMap<&'a ObjectKey, Standing>,
    pub(super) objects: &'a BTreeMap<ObjectKey, ObjectReport>,
    pub(super) causes: &'a [Cause],
    pub(super) sources: &'a BTreeMap<ObjectKey, SourceReport>,
    pub(super) used_by: &'a BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    pub(super) layering: &'a Layering,
    pub(super) hidden: &'a BTreeSet<ObjectKey>,
    /// Sources that fail while their last artifact serves, for less than ten minutes.
    pub(super) fresh_failures: &'a BTreeSet<ObjectKey>,
}

/// All warnings of a diagnosis, in no order.
pub(super) fn all(facts: &Facts<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    sources(facts, &mut warnings);
    lost_events(facts, &mut warnings);
    owned_twice(facts, &mut warnings);
    stuck_deletions(facts, &mut warnings);
    not_covered(facts, &mut warnings);
    not_evaluated(facts, &mut warnings);
    flux_itself(facts, &mut warnings);
    absent(facts, &mut warnings);
    warnings.extend(seals::applied_encrypted(facts.snapshot));
    warnings
}

/// Controllers that do not exist, as long as nothing is seen to wait for them: then they are causes.
fn absent(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    for key in absent_controllers(facts.snapshot) {
        let is_cause = facts.objects.values().any(|object| object.blocked_by.contains(&key))
            || facts.sources.values().any(|source| source.blocked_by.contains(&key));
        if !is_cause {
            let text =
                format!("{} is not installed in {}: nothing of its kinds runs again", key.name, key.namespace);
            warnings.push(Warning { code: "ControllerNotRunning", text, object: Some(key) });
        }
    }
}

fn sources(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    for (key, report) in facts.sources {
        let users = facts.used_by.get(key);
        let source = &facts.snapshot.sources[key];
        let about = |code, text| Warning { code, text, object: Some(key.clone()) };
        if facts.fresh_failures.contains(key) {
            let why = report.fault.as_ref().map_or_else(String::new, |fault| format!(": {}", fault.summary));
            warnings
                .push(about("SourceStale", format!("{key} fails while its last artifact still serves{why}")));
        }
        // Behind a source without an artifact of its own another one may still serve.
        let serves = || {
            let ready =
                |user: &ObjectKey| facts.objects.get(user).is_some_and(|user| user.state == State::Ready);
            source.artifact.is_some() || users.is_some_and(|users| users.iter().any(ready))
        };
        match (report.state, users) {
            (State::Suspended, Some(users)) if source.live && serves() => {
                let count = users.len();
                let them = if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
                warnings.push(about(
                    "SourceFrozen",
                    format!("{key} is suspended: {them} frozen at its last artifact"),
                ));
            }
            (State::Failed | State::Blocked | State::Unknown, None) if source.live => {
                let why =
                    report.fault.as_ref().map_or_else(String::new, |fault| format!(": {}", fault.summary));
                warnings.push(about(
                    "UnusedSourceFailing",
                    format!("{key} fails, and nothing in sight uses it{why}"),
                ));
            }
            _ => {}
        }
    }
}

/// Kustomizations that a cycle on their source robs of its events (flux-semantics §3.4).
fn lost_events(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    let starved: BTreeSet<&ObjectKey> = facts
        .layering
        .members
        .iter()
        .flatten()
        .filter(|member| facts.layering.unlayered.contains(*member))
        .filter_map(|member| facts.snapshot.nodes.get(member))
        .filter(|node| node.key.kind == GroupKind::KUSTOMIZATION)
        .filter_map(|node| node.source.as_ref())
        .collect();
    for (key, report) in facts.objects {
        let source = facts.snapshot.nodes.get(key).and_then(|node| node.source.as_ref());
        let behind = facts.standings.get(key) == Some(&Standing::Behind) && report.state == State::Progressing;
        let Some(source) = source.filter(|source| behind && starved.contains(source)) else { continue };
        let text = format!(
            "{key} stays at its old revision: a cycle among Kustomizations of {source} keeps the controller from \
             telling it of new ones; it runs at its interval only"
        );
        warnings.push(Warning { code: "SourceEventsLost", text, object: Some(key.clone()) });
    }
}

fn owned_twice(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    let mut held: Vec<(&ObjectKey, &ObjectKey)> = Vec::new(); // object and owner: sorting is what is cheap here
    for (key, node) in &facts.snapshot.nodes {
        // A remote inventory names objects of another cluster, that of a failed release what it never applied.
        if node.remote || node.meta.deleted.is_some() || has_failed_release(node) {
            continue;
        }
        held.extend(node.status.inventory.iter().flatten().map(|entry| (&entry.key, key)));
    }
    // Names first: groups and kinds are the same for most.
    held.sort_unstable_by_key(|(object, owner)| (&object.name, &object.namespace, &object.kind, *owner));
    held.dedup();
    let mut shared: BTreeMap<BTreeSet<&ObjectKey>, Vec<&ObjectKey>> = BTreeMap::new();
    for group in held.chunk_by(|a, b| a.0 == b.0) {
        if let [(object, _), _, ..] = group {
            shared.entry(group.iter().map(|(_, owner)| *owner).collect()).or_default().push(object);
        }
    }
    for (owners, mut objects) in shared {
        objects.sort_unstable();
        let names: Vec<String> = owners.iter().map(ToString::to_string).collect();
        let Some(first) = objects.first() else { continue };
        let what = match objects.len() {
            1 => format!("{first} is"),
            count => format!("{count} objects ({first}, …) are"),
        };
        let text = format!(
            "{what} in the inventories of {}: each will prune and overwrite the other's",
            names.join(" and ")
        );
        warnings.push(Warning {
            code: "OwnedTwice",
            text,
            object: owners.first().map(|owner| (*owner).clone()),
        });
    }
}

fn has_failed_release(node: &Node) -> bool {
    let newest = node.status.history.first();
    node.key.kind == GroupKind::HELM_RELEASE && newest.is_some_and(|release| release.status != "deployed")
}

fn stuck_deletions(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    let snapshot = facts.snapshot;
    let namespaces =
        snapshot.evidence.namespaces.iter().map(|(name, namespace)| {
            (ObjectKey::new(GroupKind::NAMESPACE, "", name.as_str()), &namespace.meta)
        });
    let nodes = snapshot.nodes.iter().map(|(key, node)| (key.clone(), &node.meta));
    let sources = snapshot.sources.iter().map(|(key, source)| (key.clone(), &source.meta));
    let others = snapshot.evidence.others.iter().map(|(key, meta)| (key.clone(), meta));
    let held = |meta: &Meta| meta.deleted.is_some_and(|since| is_older(snapshot.now, since, STUCK_AFTER));
    for (key, meta) in namespaces.chain(nodes).chain(sources).chain(others).filter(|(_, meta)| held(meta)) {
        let is_cause = |cause: &Cause| cause.fault.code == Code::DeletionStuck && cause.fault.object == key;
        if facts.causes.iter().any(is_cause) {
            continue; // something waits for it
        }
        let is_namespace = key.kind == GroupKind::NAMESPACE;
        if meta.finalizers.is_empty() && !is_namespace {
            continue; // Pods take their time without any finalizer
        }
        let by = if meta.finalizers.is_empty() {
            "by what is left in it".to_owned()
        } else {
            format!("by {}", meta.finalizers.join(", "))
        };
        warnings.push(Warning {
            code: "DeletionStuck",
            text: format!("{key} is being deleted and held {by}"),
            object: Some(key),
        });
    }
}

/// Builds of a joined repository with something in them that was not followed: what is said of their files may miss it.
pub(super) fn partial_builds(snapshot: &Snapshot) -> Vec<Warning> {
    let builds = snapshot.declared.builds.iter().filter_map(|(builder, build)| {
        let partial = build.objects.values().filter(|built| built.partial).count();
        let text = match (partial, build.objects.len()) {
            (0, _) => return None,
            (partial, all) if partial == all => format!("all that {} builds", builder.name),
            (partial, all) => format!("{partial} of the {all} objects that {} builds", builder.name),
        };
        let text = format!(
            "{text} may have other names or fields than their files say: patches, prefixes and variables are not followed here"
        );
        Some(Warning { code: "PartialBuild", text, object: Some(builder.clone()) })
    });
    builds.collect()
}

/// One line a kind: which references could not be looked up.
fn not_covered(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    let mut by_kind: BTreeMap<&GroupKind, Vec<&ObjectKey>> = BTreeMap::new();
    for key in facts.hidden {
        by_kind.entry(&key.kind).or_default().push(key);
    }
    for (kind, keys) in by_kind {
        let Some(first) = keys.first() else { continue };
        let text = match keys.len() {
            1 => format!("{first} is referred to and out of sight"),
            count => format!("{count} {} objects ({first}, …) are referred to and out of sight", kind.kind),
        };
        warnings.push(Warning {
            code: "NotCovered",
            text,
            object: (keys.len() == 1).then(|| (*first).clone()),
        });
    }
}

/// Objects of which nothing is known because nobody has said what their `readyExpr` comes to, or whether an object of some
/// other kind is ready.
fn not_evaluated(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    for (key, report) in facts.objects.iter().filter(|(_, report)| report.state == State::Unknown) {
        for (dependency, verdict) in &report.depends_on {
            let evidence = &facts.snapshot.evidence;
            let foreign =
                evidence.others.contains_key(dependency) || evidence.workloads.contains_key(dependency);
            let (code, what) = match verdict {
                Verdict::ReadyExprUnknown => {
                    ("ReadyExprUnknown", format!("its readyExpr over {dependency} was not evaluated"))
                }
                Verdict::Unknown if foreign => {
                    ("NotJudged", format!("whether {dependency} is ready is not judged here"))
                }
                _ => continue,
            };
            let text = format!("{key}: {what}, so its state is unknown");
            warnings.push(Warning { code, text, object: Some(key.clone()) });
        }
    }
}

/// A FluxInstance that fails leaves Flux at its old version, with everything else untouched.
fn flux_itself(facts: &Facts<'_>, warnings: &mut Vec<Warning>) {
    let flux = facts.snapshot.evidence.flux.as_ref();
    let Some((flux, words)) = flux.and_then(|flux| Some((flux, flux.failing.as_ref()?))) else { return };
    let object = ObjectKey::new(GroupKind::FLUX_INSTANCE, flux.namespace.as_str(), "flux");
    let text = format!("{object} is not ready, so Flux itself is not as it should be: {words}");
    warnings.push(Warning { code: "FluxInstanceFailing", text, object: Some(object) });
}
