//! What goes when an object is deleted: its inventory, and what that holds in turn.
//!
//! As kustomize-controller 1.9 `finalize`, helm-controller 1.6 `reconcileDelete` and flux-operator 0.58 do, and as
//! Kubernetes does with the content of a namespace and the objects of a CustomResourceDefinition.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{GroupKind, Meta, Node, ObjectKey, Snapshot, Spec};

/// Why an object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is in the inventory of what goes.
    Inventory,
    /// Helm uninstalls the release that holds it.
    Uninstall,
    /// Its namespace goes.
    Namespace,
    /// The definition of its kind goes.
    Definition,
    /// Its owner goes.
    Owner,
}

impl Reason {
    /// The reason's name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Uninstall => "uninstall",
            Self::Namespace => "namespace",
            Self::Definition => "customResourceDefinition",
            Self::Owner => "owner",
        }
    }
}

/// Why an object stays although what applied it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Staying {
    /// Its applier prunes nothing: `prune: false`, or `deletionPolicy: Orphan`.
    NotPruned,
    /// Its applier is suspended: nothing is cleaned up.
    Suspended,
    /// It is excepted by label or annotation, such as `kustomize.toolkit.fluxcd.io/prune: disabled`.
    Excepted,
    /// Its labels name another applier.
    OtherOwner,
    /// Helm leaves the definitions of a chart's `crds` folder; those of its templates go.
    ChartDefinition,
}

impl Staying {
    /// The reason's name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPruned => "notPruned",
            Self::Suspended => "suspended",
            Self::Excepted => "excepted",
            Self::OtherOwner => "otherOwner",
            Self::ChartDefinition => "chartDefinition",
        }
    }
}

/// Why an object goes, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Why.
    pub reason: Reason,
    /// What it goes with.
    pub with: ObjectKey,
}

/// Something that a list of objects does not say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// One sentence.
    pub text: String,
    /// What it is about.
    pub object: ObjectKey,
}

/// What a deletion takes away, beside the object itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletes {
    /// What goes, as far as it is known.
    pub objects: BTreeMap<ObjectKey, Going>,
    /// What stays of the inventories of what goes, with why, and whose it was.
    pub keeps: BTreeMap<ObjectKey, (Staying, ObjectKey)>,
    /// What else should be known, ordered.
    pub notes: Vec<Note>,
}

impl Deletes {
    /// How many objects of each kind go.
    pub fn kinds(&self) -> BTreeMap<&GroupKind, usize> {
        let mut kinds = BTreeMap::new();
        for key in self.objects.keys() {
            *kinds.entry(&key.kind).or_default() += 1;
        }
        kinds
    }

    /// Those of one kind, ordered.
    pub fn of_kind(&self, kind: &GroupKind) -> impl Iterator<Item = &ObjectKey> {
        self.objects.keys().filter(move |key| key.kind == *kind)
    }
}

/// Follows the deletion of one object to all that goes with it.
pub(super) fn deletes(snapshot: &Snapshot, target: &ObjectKey) -> Deletes {
    let (known, owned) = (known(snapshot), owned(snapshot));
    let mut deletion = Deletion { snapshot, target, known, owned, found: Deletes::default() };
    let mut open = vec![target.clone()];
    while let Some(key) = open.pop() {
        for (object, reason) in deletion.goes_with(&key) {
            if object != *target && !deletion.found.objects.contains_key(&object) {
                deletion.found.objects.insert(object.clone(), Going { reason, with: key.clone() });
                open.push(object);
            }
        }
    }
    deletion.finish()
}

/// Every object of which something is known, if only that an inventory holds it.
fn known(snapshot: &Snapshot) -> BTreeSet<&ObjectKey> {
    let local = |node: &&Node| !node.remote; // what a remote one applies is on another cluster
    let inventories =
        snapshot.nodes.values().filter(local).flat_map(|node| node.status.inventory.iter().flatten());
    let evidence = &snapshot.evidence;
    inventories
        .map(|entry| &entry.key)
        .chain(snapshot.nodes.keys())
        .chain(snapshot.sources.keys())
        .chain(evidence.others.keys())
        .chain(evidence.workloads.keys())
        .chain(evidence.pods.keys())
        .collect()
}

/// Flux objects by what owns them.
fn owned(snapshot: &Snapshot) -> BTreeMap<&ObjectKey, Vec<&ObjectKey>> {
    let nodes = snapshot.nodes.values().map(|node| (&node.key, &node.meta));
    let sources = snapshot.sources.values().map(|source| (&source.key, &source.meta));
    let mut owned: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
    for (key, meta) in nodes.chain(sources) {
        if let Some(owner) = &meta.owner {
            owned.entry(owner).or_default().push(key);
        }
    }
    owned
}

struct Deletion<'a> {
    snapshot: &'a Snapshot,
    target: &'a ObjectKey,
    known: BTreeSet<&'a ObjectKey>,
    owned: BTreeMap<&'a ObjectKey, Vec<&'a ObjectKey>>,
    found: Deletes,
}

impl<'a> Deletion<'a> {
    fn goes_with(&mut self, key: &ObjectKey) -> Vec<(ObjectKey, Reason)> {
        let mut going = Vec::new();
        if let Some(node) = self.snapshot.nodes.get(key) {
            self.cleaned_up(node, &mut going);
        }
        if key.kind == GroupKind::NAMESPACE {
            let inside = self.known.iter().filter(|object| object.namespace == key.name);
            going.extend(inside.map(|object| ((*object).clone(), Reason::Namespace)));
        }
        if key.kind == GroupKind::CUSTOM_RESOURCE_DEFINITION {
            let objects = self.known.iter().filter(|object| is_defined_by(object, key));
            going.extend(objects.map(|object| ((*object).clone(), Reason::Definition)));
        }
        let owned = self.owned.get(key).into_iter().flatten();
        going.extend(owned.map(|object| ((*object).clone(), Reason::Owner)));
        going
    }

    /// What the controller of an applier deletes before it lets go of it.
    fn cleaned_up(&mut self, node: &Node, going: &mut Vec<(ObjectKey, Reason)>) {
        let key = &node.key;
        if node.unreadable || !node.live {
            return self.note(key, format!("what {key} applies is not known"));
        }
        if node.remote {
            let what = format!("{key} applies to another cluster: what goes or stays there is not told here");
            return self.note(key, what);
        }
        let reason = match node.spec {
            Spec::HelmRelease(_) => Reason::Uninstall,
            Spec::Kustomization(_) | Spec::ResourceSet => Reason::Inventory,
        };
        let all_stay = match &node.spec {
            _ if node.suspended => Some(Staying::Suspended),
            Spec::Kustomization(spec) => {
                let prunes = match spec.deletion_policy.as_deref() {
                    None | Some("MirrorPrune") => spec.prune,
                    Some(policy) => ["Delete", "WaitForTermination"].contains(&policy),
                };
                (!prunes).then_some(Staying::NotPruned)
            }
            Spec::HelmRelease(_) | Spec::ResourceSet => None,
        };
        let Some(inventory) = &node.status.inventory else {
            return if all_stay.is_none() && node.revision().is_some() {
                self.note(key, format!("{key} has no inventory in sight: what goes with it is not known"));
            };
        };
        for entry in inventory.iter().filter(|entry| entry.key != *key) {
            match all_stay.or_else(|| stays(node, &entry.key, meta_of(self.snapshot, &entry.key))) {
                Some(staying) => {
                    self.found.keeps.insert(entry.key.clone(), (staying, key.clone()));
                }
                None => going.push((entry.key.clone(), reason)),
            }
        }
        // helm-controller deletes the HelmChart that it made; one that a chartRef names is not its own.
        let made = node.helm_release().is_some_and(|spec| spec.chart.is_some()) && all_stay.is_none();
        if let Some(chart) = node.source.as_ref().filter(|chart| made && self.known.contains(chart)) {
            going.push((chart.clone(), reason));
        }
    }

    fn note(&mut self, about: &ObjectKey, text: String) {
        self.found.notes.push(Note { text, object: about.clone() });
    }

    fn finish(mut self) -> Deletes {
        let Self { snapshot, target, .. } = self;
        // What stays in an inventory may go with its namespace or its definition all the same.
        let objects = std::mem::take(&mut self.found.objects);
        let goes = |key: &ObjectKey| key == target || objects.contains_key(key);
        self.found.keeps.retain(|key, _| !goes(key));
        for node in snapshot.nodes.values().filter(|node| !goes(&node.key) && !node.remote) {
            let entries = node.status.inventory.iter().flatten();
            let count = entries.filter(|entry| goes(&entry.key) && entry.key != *target).count();
            if count > 0 && !node.suspended {
                let text = format!(
                    "{count} of these are in the inventory of {} too, which stays and applies them again",
                    node.key
                );
                self.note(&node.key, text);
            }
        }
        let labels = |meta: &'a Meta| &meta.labels;
        let applier =
            meta_of(snapshot, target).map(labels).and_then(|labels| snapshot.applied_by(target, labels));
        if let Some(applier) = applier.filter(|applier| !goes(applier)) {
            self.note(target, format!("{applier} applies {target}, and makes it again while Git holds it"));
        }
        let controller = |key: &&ObjectKey| {
            let workload = snapshot.evidence.workloads.get(key);
            let part_of = workload.and_then(|workload| workload.meta.labels.get("app.kubernetes.io/part-of"));
            let known = ["kustomize-controller", "helm-controller", "source-controller"];
            key.kind == GroupKind::DEPLOYMENT
                && (part_of.is_some_and(|part_of| part_of == "flux") || known.contains(&key.name.as_str()))
        };
        if let Some(first) = objects.keys().find(controller).cloned() {
            let text = "controllers of Flux go with it: what they have not deleted when they stop stays, and waits for \
                 its finalizers";
            self.note(&first, text.to_owned());
        }
        self.found.objects = objects;
        self.found.notes.sort();
        self.found.notes.dedup();
        self.found
    }
}

/// Whether a single object of an inventory is left alone; of one that is not in sight nothing is known.
fn stays(node: &Node, key: &ObjectKey, meta: Option<&Meta>) -> Option<Staying> {
    if matches!(node.spec, Spec::HelmRelease(_)) && key.kind == GroupKind::CUSTOM_RESOURCE_DEFINITION {
        return Some(Staying::ChartDefinition);
    }
    let meta = meta?;
    let says = |name: &str, value: &str| {
        [&meta.labels, &meta.annotations].iter().any(|all| all.get(name).is_some_and(|found| found == value))
    };
    let (excepted, owner) = match node.spec {
        Spec::Kustomization(_) => (
            says("kustomize.toolkit.fluxcd.io/prune", "disabled")
                || says("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
            Some("kustomize.toolkit.fluxcd.io"),
        ),
        Spec::HelmRelease(_) => (says("helm.sh/resource-policy", "keep"), None),
        Spec::ResourceSet => {
            (says("fluxcd.controlplane.io/prune", "disabled"), Some("resourceset.fluxcd.controlplane.io"))
        }
    };
    if excepted {
        return Some(Staying::Excepted);
    }
    let is = |prefix: &str, field: &str, value: &str| {
        meta.labels.get(&format!("{prefix}/{field}")).is_some_and(|found| found == value)
    };
    let owned = owner.is_none_or(|prefix| {
        is(prefix, "name", &node.key.name) && is(prefix, "namespace", &node.key.namespace)
    });
    (!owned).then_some(Staying::OtherOwner)
}

/// Metadata of an object that was seen.
fn meta_of<'a>(snapshot: &'a Snapshot, key: &ObjectKey) -> Option<&'a Meta> {
    let evidence = &snapshot.evidence;
    let namespace = || (key.kind == GroupKind::NAMESPACE).then(|| evidence.namespaces.get(&key.name)).flatten();
    snapshot
        .nodes
        .get(key)
        .map(|node| &node.meta)
        .or_else(|| snapshot.sources.get(key).map(|source| &source.meta))
        .or_else(|| evidence.workloads.get(key).map(|workload| &workload.meta))
        .or_else(|| evidence.pods.get(key).map(|pod| &pod.meta))
        .or_else(|| evidence.others.get(key))
        .or_else(|| namespace().map(|namespace| &namespace.meta))
}

/// Whether a definition, named `<plural>.<group>`, is that of the object's kind.
fn is_defined_by(object: &ObjectKey, definition: &ObjectKey) -> bool {
    let Some((plural, group)) = definition.name.split_once('.') else { return false };
    group == object.kind.group && plural == plural_of(&object.kind.kind)
}

/// The plural that code generators give a kind.
fn plural_of(kind: &str) -> String {
    let kind = kind.to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| kind.ends_with(end));
    match kind.strip_suffix('y') {
        Some(stem) if !ends(&["ay", "ey", "iy", "oy", "uy"]) => format!("{stem}ies"),
        _ if ends(&["s", "x", "z", "ch", "sh"]) => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests;
