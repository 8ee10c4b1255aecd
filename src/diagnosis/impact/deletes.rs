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
            self.note(key, format!("all else in namespace {} goes as well, in sight or not", key.name));
        }
        if key.kind == GroupKind::CUSTOM_RESOURCE_DEFINITION {
            let objects = self.known.iter().filter(|object| is_defined_by(object, key));
            going.extend(objects.map(|object| ((*object).clone(), Reason::Definition)));
            self.note(key, format!("every object of {} goes as well, in sight or not", key.name));
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
                    Some(policy) => policy != "Orphan",
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
mod tests {
    use super::*;
    use crate::model::{HelmReleaseSpec, InventoryEntry, KustomizationSpec};
    use crate::testing::{NS, hr, key, ks, snapshot};

    fn object(kind: GroupKind, namespace: &str, name: &str) -> ObjectKey {
        ObjectKey::new(kind, namespace, name)
    }

    /// A Kustomization that prunes what it holds.
    fn holds(name: &str, entries: &[&ObjectKey]) -> Node {
        let mut node = ks(name);
        node.spec = Spec::Kustomization(KustomizationSpec { prune: true, ..KustomizationSpec::default() });
        with_inventory(node, entries)
    }

    fn with_inventory(mut node: Node, entries: &[&ObjectKey]) -> Node {
        let entry = |key: &&ObjectKey| InventoryEntry { key: (*key).clone(), version: "v1".to_owned() };
        node.status.inventory = Some(entries.iter().map(entry).collect());
        node
    }

    fn of(mut node: Node, applier: &str) -> Node {
        node.meta.labels = owned_by(applier).labels;
        node
    }

    fn owned_by(applier: &str) -> Meta {
        let label =
            |field: &str, value: &str| (format!("kustomize.toolkit.fluxcd.io/{field}"), value.to_owned());
        Meta { labels: [label("name", applier), label("namespace", NS)].into(), ..Meta::default() }
    }

    fn told(snapshot: &Snapshot, name: &str) -> (String, String) {
        let found = deletes(snapshot, &key(name));
        let going = found.objects.iter().map(|(key, going)| format!("{} {}", key.name, going.reason.as_str()));
        let staying = found.keeps.iter().map(|(key, (why, _))| format!("{} {}", key.name, why.as_str()));
        (going.collect::<Vec<_>>().join(", "), staying.collect::<Vec<_>>().join(", "))
    }

    fn pair(going: &str, staying: &str) -> (String, String) {
        (going.to_owned(), staying.to_owned())
    }

    #[test]
    fn children_take_their_own_inventories_with_them_and_never_the_target() {
        let map = object(GroupKind::CONFIG_MAP, "apps", "settings");
        let flux = snapshot([
            holds("root", &[&key("root"), &key("child")]),
            of(holds("child", &[&map, &key("root")]), "root"),
        ]);
        assert_eq!(told(&flux, "root"), pair("settings inventory, child inventory", ""));
    }

    #[test]
    fn only_what_prunes_takes_anything_with_it() {
        let map = object(GroupKind::CONFIG_MAP, "apps", "settings");
        let policy = |prune: bool, policy: Option<&str>, suspended: bool| {
            let mut node = holds("a", &[&map]);
            let deletion_policy = policy.map(str::to_owned);
            node.spec = Spec::Kustomization(KustomizationSpec {
                prune,
                deletion_policy,
                ..KustomizationSpec::default()
            });
            node.suspended = suspended;
            told(&snapshot([node]), "a")
        };
        let (goes, stays) = (pair("settings inventory", ""), pair("", "settings notPruned"));
        for (prune, named, suspended, expected) in [
            (true, None, false, &goes),
            (false, None, false, &stays),
            (true, Some("MirrorPrune"), false, &goes),
            (false, Some("MirrorPrune"), false, &stays),
            (false, Some("Delete"), false, &goes),
            (false, Some("WaitForTermination"), false, &goes),
            (true, Some("Orphan"), false, &stays),
            (true, Some("Delete"), true, &pair("", "settings suspended")),
        ] {
            assert_eq!(&policy(prune, named, suspended), expected, "{prune} {named:?} {suspended}");
        }
    }

    #[test]
    fn what_is_excepted_or_of_another_owner_stays() {
        let [plain, kept, moved, unseen] =
            ["plain", "kept", "moved", "unseen"].map(|name| object(GroupKind::SERVICE, "apps", name));
        let mut flux = snapshot([holds("a", &[&plain, &kept, &moved, &unseen])]);
        flux.evidence.others.insert(plain, owned_by("a"));
        let mut excepted = owned_by("a");
        excepted.annotations.insert("kustomize.toolkit.fluxcd.io/prune".to_owned(), "disabled".to_owned());
        flux.evidence.others.insert(kept, excepted);
        flux.evidence.others.insert(moved, owned_by("b"));
        assert_eq!(
            told(&flux, "a"),
            pair("plain inventory, unseen inventory", "kept excepted, moved otherOwner")
        );
    }

    #[test]
    fn a_namespace_takes_all_that_is_in_it_with_it_and_what_that_applies_elsewhere() {
        let namespace = object(GroupKind::NAMESPACE, "", "tenant");
        let inside = ObjectKey::kustomization("tenant", "inside");
        let [other, far] =
            [("tenant", "other"), ("far", "far")].map(|(ns, name)| object(GroupKind::CONFIG_MAP, ns, name));
        let mut tenant = holds("inside", &[&far]);
        tenant.key = inside.clone();
        let keeper = holds("keeper", &[&other]);
        let flux = snapshot([holds("a", &[&namespace]), tenant, keeper]);
        assert_eq!(told(&flux, "a").0, "far inventory, other namespace, tenant inventory, inside namespace");
        let notes: Vec<String> = deletes(&flux, &key("a")).notes.into_iter().map(|note| note.text).collect();
        assert_eq!(
            notes,
            [
                "1 of these are in the inventory of Kustomization/flux-system/keeper too, which stays and applies them again",
                "all else in namespace tenant goes as well, in sight or not",
            ]
        );
    }

    #[test]
    fn a_definition_takes_the_objects_of_its_kind_with_it() {
        let definition = object(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "policies.example.com");
        let policy = object(GroupKind::new("example.com", "Policy"), "apps", "p");
        let alike = object(GroupKind::new("example.org", "Policy"), "apps", "q");
        let flux = snapshot([holds("crds", &[&definition]), holds("apps", &[&policy, &alike])]);
        assert_eq!(told(&flux, "crds").0, "policies.example.com inventory, p customResourceDefinition");
        for (kind, plural) in [
            ("Gateway", "gateways"),
            ("Ingress", "ingresses"),
            ("HelmRepository", "helmrepositories"),
            ("Bucket", "buckets"),
        ] {
            assert_eq!(plural_of(kind), plural);
        }
    }

    #[test]
    fn helm_uninstalls_what_it_holds_with_its_chart_but_not_the_definitions_of_a_chart() {
        let [map, kept] = ["map", "kept"].map(|name| object(GroupKind::CONFIG_MAP, "apps", name));
        let definition = object(GroupKind::CUSTOM_RESOURCE_DEFINITION, "", "policies.example.com");
        let mut release = with_inventory(hr("web"), &[&map, &kept, &definition]);
        release.spec =
            Spec::HelmRelease(HelmReleaseSpec { chart: Some("web".to_owned()), ..HelmReleaseSpec::default() });
        let release = of(release, "a");
        let chart = release.source.clone().unwrap();
        let mut flux = snapshot([holds("a", &[&release.key]), release]);
        flux.sources.insert(chart.clone(), crate::model::Source { key: chart, ..crate::testing::source() });
        let keep = [("helm.sh/resource-policy".to_owned(), "keep".to_owned())];
        flux.evidence.others.insert(kept, Meta { annotations: keep.into(), ..Meta::default() });
        assert_eq!(
            told(&flux, "a"),
            pair(
                "map uninstall, web inventory, flux-system-web uninstall",
                "kept excepted, policies.example.com chartDefinition"
            )
        );
    }

    #[test]
    fn a_chain_of_ten_thousand_needs_no_deep_stack() {
        let name = |number: usize| format!("n{number:05}");
        let nodes = (0..10_000).map(|number| {
            let node = holds(&name(number), &[&key(&name(number + 1))]);
            if number == 0 { node } else { of(node, &name(number - 1)) }
        });
        assert_eq!(deletes(&snapshot(nodes), &key(&name(0))).objects.len(), 10_000);
    }
}
