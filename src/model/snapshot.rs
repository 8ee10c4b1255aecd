//! One look at the world: everything above an origin sees a snapshot and nothing else.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::declared::Declared;
use super::evidence::Evidence;
use super::inventory::InventoryEntry;
use super::key::{GroupKind, ObjectKey};
use super::node::Node;
use super::revision::Revision;
use super::source::Source;

/// Stands for the Deployments that bear the label of Flux: a part of a kind that is listed by itself.
const CONTROLLERS: GroupKind =
    GroupKind { group: Cow::Borrowed("apps"), kind: Cow::Borrowed("Deployment part-of=flux") };

/// What absence proves: the kinds and namespaces that were seen whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    everywhere: BTreeSet<GroupKind>,
    namespaces: BTreeSet<(GroupKind, String)>,
    denied: BTreeSet<GroupKind>,
    absent: BTreeSet<ObjectKey>,
}

impl Coverage {
    /// The kind was listed in all namespaces.
    pub fn cover_everywhere(&mut self, kind: GroupKind) {
        self.everywhere.insert(kind);
    }

    /// The kind was listed in this namespace, or one object of it was seen there.
    pub fn cover(&mut self, kind: GroupKind, namespace: impl Into<String>) {
        self.namespaces.insert((kind, namespace.into()));
    }

    /// The kind may not be listed where it was not covered.
    pub fn deny(&mut self, kind: GroupKind) {
        self.denied.insert(kind);
    }

    /// Whether rights are why this object is out of sight.
    pub fn denies(&self, key: &ObjectKey) -> bool {
        self.denied.contains(&key.kind) && !self.covers(key)
    }

    /// The object was asked for by its name, and the API server knows none.
    pub fn cover_absent(&mut self, key: ObjectKey) {
        self.absent.insert(key);
    }

    /// An object that was known to be absent is there by now.
    pub fn cover_seen(&mut self, key: &ObjectKey) {
        self.absent.remove(key);
    }

    /// Whether an object that is not in the snapshot does not exist.
    pub fn covers(&self, key: &ObjectKey) -> bool {
        self.covers_in(&key.kind, &key.namespace) || self.absent.contains(key)
    }

    /// Whether the kind was seen whole in this namespace.
    pub fn covers_in(&self, kind: &GroupKind, namespace: &str) -> bool {
        self.covers_everywhere(kind) || self.namespaces.contains(&(kind.clone(), namespace.to_owned()))
    }

    /// Whether the kind was listed in all namespaces.
    pub fn covers_everywhere(&self, kind: &GroupKind) -> bool {
        self.everywhere.contains(kind)
    }

    /// Kinds that were listed in all namespaces, ordered.
    pub fn everywhere(&self) -> impl Iterator<Item = &GroupKind> {
        self.everywhere.iter()
    }

    /// Kinds that were seen whole in one namespace, with that namespace, ordered.
    pub fn namespaces(&self) -> impl Iterator<Item = (&GroupKind, &str)> {
        self.namespaces.iter().map(|(kind, namespace)| (kind, namespace.as_str()))
    }

    /// Objects that were asked for by name and do not exist, ordered.
    pub fn absent(&self) -> impl Iterator<Item = &ObjectKey> {
        self.absent.iter()
    }

    /// All Deployments that bear the label of Flux were listed, in one namespace or (`None`) in all.
    pub fn cover_controllers(&mut self, namespace: Option<&str>) {
        match namespace {
            Some(namespace) => self.cover(CONTROLLERS, namespace),
            None => self.cover_everywhere(CONTROLLERS),
        }
    }

    /// Whether the Deployments that bear the label of Flux were seen whole in this namespace.
    pub fn covers_controllers_in(&self, namespace: &str) -> bool {
        self.covers_in(&CONTROLLERS, namespace) || self.covers_in(&GroupKind::DEPLOYMENT, namespace)
    }

    /// Takes in what another look has covered.
    pub fn merge(&mut self, other: Self) {
        self.everywhere.extend(other.everywhere);
        self.namespaces.extend(other.namespaces);
        self.denied.extend(other.denied);
        self.absent.extend(other.absent);
    }
}

/// Something the reader should know that is no root cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Stable code, such as `SourceStale`.
    pub code: &'static str,
    /// One sentence.
    pub text: String,
    /// What it is about.
    pub object: Option<ObjectKey>,
}

/// Where the facts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OriginKind {
    /// A cluster, or a dump of one: what is not there was not applied.
    #[default]
    Live,
    /// A repository alone: nothing is known about any cluster.
    Declared,
}

/// Everything that was seen at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Which kind of origin gave the facts.
    pub origin: OriginKind,
    /// For people: `context k3s-home`, `dump support.yaml`.
    pub label: String,
    /// The moment at which this was true; every age is measured from it.
    pub now: Timestamp,
    /// Kustomizations, HelmReleases and ResourceSets.
    pub nodes: BTreeMap<ObjectKey, Node>,
    /// Sources and what stands between them and their users.
    pub sources: BTreeMap<ObjectKey, Source>,
    /// All else.
    pub evidence: Evidence,
    /// What joined repositories declare.
    pub declared: Declared,
    /// What absence proves.
    pub coverage: Coverage,
    /// What was wrong with the input.
    pub warnings: Vec<Warning>,
    /// False when something could not be read.
    pub complete: bool,
}

/// Whether an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was seen.
    There,
    /// It does not exist: its kind was seen whole where it would be.
    Absent,
    /// It is out of sight; absence proves nothing.
    Hidden,
}

impl Snapshot {
    /// Whether the object exists, as far as this snapshot can tell.
    pub fn presence(&self, key: &ObjectKey) -> Presence {
        let there = self.nodes.get(key).is_some_and(|node| node.live || self.origin == OriginKind::Declared)
            || self.sources.contains_key(key)
            || self.evidence.others.contains_key(key)
            || self.evidence.workloads.contains_key(key)
            || self.evidence.pods.contains_key(key)
            || self.evidence.secrets.contains_key(key)
            || self.evidence.config_maps.contains_key(key)
            || self.evidence.claims.contains_key(key)
            || (key.kind == GroupKind::NAMESPACE && self.evidence.namespaces.contains_key(&key.name));
        match (there, self.coverage.covers(key)) {
            (true, _) => Presence::There,
            // A first reading of plain files sees no patches, components or substitutions: it proves no absence.
            (false, true) if self.origin == OriginKind::Live => Presence::Absent,
            (false, _) => Presence::Hidden,
        }
    }

    /// The revision of its source at which an object was good last: a Kustomization's own; for a HelmRelease that of the
    /// Kustomization which applies it, at the time of its last release that succeeded.
    pub fn last_good<'a>(&'a self, node: &'a Node) -> Option<&'a Revision> {
        if node.kustomization().is_some() {
            return node.last_good();
        }
        let succeeded = node.status.history.iter().filter(|entry| entry.status == "deployed");
        let succeeded = succeeded.filter_map(|entry| entry.last).max()?;
        let applier = self.nodes.get(&self.applied_by(&node.key, &node.meta.labels)?)?;
        let before =
            applier.status.history.iter().filter(|entry| entry.last.is_some_and(|last| last <= succeeded));
        before.max_by_key(|entry| entry.last).and_then(|entry| entry.revision.as_ref())
    }

    /// The Git commit of [`Snapshot::last_good`]; `None` too where that is no revision of Git and says of none that it was
    /// made from it.
    pub fn last_good_commit<'a>(&'a self, node: &'a Node) -> Option<&'a str> {
        let revision = self.last_good(node)?;
        let ran_by = match node.kustomization() {
            Some(_) => node,
            None => self.nodes.get(&self.applied_by(&node.key, &node.meta.labels)?)?,
        };
        ran_by.commit_of(revision)
    }

    /// The source of which an object's manifest comes: a Kustomization's own, a HelmRelease's through who applies it.
    pub fn manifest_source<'a>(&'a self, node: &'a Node) -> Option<&'a ObjectKey> {
        if node.kustomization().is_some() {
            return node.source.as_ref();
        }
        self.nodes.get(&self.applied_by(&node.key, &node.meta.labels)?)?.source.as_ref()
    }

    /// The namespace in which Flux runs: where source-controller or FluxInstance is seen, else `None`.
    pub fn flux_namespace(&self) -> Option<&str> {
        let deployment = self
            .evidence
            .workloads
            .keys()
            .find(|key| key.kind == GroupKind::DEPLOYMENT && key.name == "source-controller");
        deployment
            .map(|key| key.namespace.as_str())
            .or_else(|| self.evidence.flux.as_ref().map(|flux| flux.namespace.as_str()))
    }

    /// Whose label it is: of a FluxInstance, unless a ResourceSet of that name has applied the object.
    fn operator_object(&self, named: ObjectKey, applied: &ObjectKey) -> ObjectKey {
        let set = ObjectKey { kind: GroupKind::RESOURCE_SET, ..named.clone() };
        let holds = |entries: &[InventoryEntry]| entries.iter().any(|entry| entry.key == *applied);
        let inventory = self.nodes.get(&set).and_then(|node| node.status.inventory.as_deref());
        let is_set = named.kind == GroupKind::FLUX_INSTANCE && inventory.is_some_and(holds);
        if is_set { set } else { named }
    }

    /// Whether the inventory of the FluxInstance, where it is in sight, does not hold the object.
    fn is_not_of_flux_instance(&self, applier: &ObjectKey, applied: &ObjectKey) -> bool {
        let flux = self.evidence.flux.as_ref().filter(|flux| flux.namespace == applier.namespace);
        let inventory = flux.and_then(|flux| flux.inventory.as_ref());
        applier.kind == GroupKind::FLUX_INSTANCE
            && inventory.is_some_and(|entries| !entries.iter().any(|entry| entry.key == *applied))
    }

    /// Which ArtifactGenerator makes each ExternalArtifact, whether or not that exists yet.
    pub fn makers(&self) -> BTreeMap<&ObjectKey, &ObjectKey> {
        self.sources.values().flat_map(|source| source.makes.iter().map(|made| (made, &source.key))).collect()
    }

    /// The Kustomization, HelmRelease, ResourceSet or FluxInstance that applies an object, by its labels.
    ///
    /// Labels are hints (flux-semantics §9): the inventory of the named applier, where it has one, must hold
    /// the object, and nothing applies itself.
    pub fn applied_by(&self, key: &ObjectKey, labels: &BTreeMap<String, String>) -> Option<ObjectKey> {
        const LABELS: [(&str, GroupKind); 4] = [
            ("kustomize.toolkit.fluxcd.io", GroupKind::KUSTOMIZATION),
            ("helm.toolkit.fluxcd.io", GroupKind::HELM_RELEASE),
            ("resourceset.fluxcd.controlplane.io", GroupKind::RESOURCE_SET),
            ("fluxcd.controlplane.io", GroupKind::FLUX_INSTANCE),
        ];
        for (prefix, kind) in LABELS {
            let name = labels.get(&format!("{prefix}/name"));
            let namespace = labels.get(&format!("{prefix}/namespace"));
            let (Some(name), Some(namespace)) = (name, namespace) else { continue };
            let applier = self.operator_object(ObjectKey::new(kind, namespace, name), key);
            if applier == *key {
                continue;
            }
            match self.nodes.get(&applier) {
                Some(node) if node.remote => continue,
                Some(node) => match &node.status.inventory {
                    // helm-controller makes the HelmChart beside its release and lists it in no inventory.
                    Some(_) if key.kind == GroupKind::HELM_CHART => return Some(applier),
                    Some(entries) if !entries.iter().any(|entry| entry.key == *key) => continue,
                    _ => return Some(applier),
                },
                None if self.is_not_of_flux_instance(&applier, key) => continue,
                None => return Some(applier),
            }
        }
        // What is not on the cluster has no labels: whoever would build it applies it.
        let declared = self.nodes.get(key).is_some_and(|node| !node.live);
        declared.then(|| self.declared.builder_of(key)).flatten().cloned()
    }
}
