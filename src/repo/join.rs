//! Puts what trees declare beside what a cluster says. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::build::build;
use super::files::{Files, ParsedFile};
use super::parse::Manifest;
use crate::model::{
    At, Build, Built, Declared, GroupKind, History, Joined, NoHistory, Node, ObjectKey, OriginKind, Presence,
    Snapshot, is_inside,
};
use crate::wire::SnapshotBuilder;

/// One tree of which is known to which source it belongs. Without `Debug`, as its files.
#[derive(Clone)]
pub(super) struct TreeOf {
    pub(super) source: ObjectKey,
    pub(super) dir: Option<String>,
    /// The cluster's folder, outside of which a file that nothing builds is of another cluster.
    pub(super) scope: Option<String>,
    pub(super) hand: Files,
    /// The files as the cluster has fetched them, where they differ.
    pub(super) fetched: Option<Files>,
    pub(super) history: Result<History, NoHistory>,
}

/// Adds what the trees declare: where objects and edges stand, what is built from what, and objects that ought to be on
/// the cluster and are not.
pub(super) fn join(snapshot: &mut Snapshot, trees: &[TreeOf]) {
    let mut declared = Declared::default();
    for tree in trees {
        let joined = Joined {
            dir: tree.dir.clone(),
            hand: tree.hand.tree(),
            fetched: tree.fetched.as_ref().map(Files::tree),
            history: tree.history.clone(),
        };
        declared.trees.insert(tree.source.clone(), joined);
    }
    let of = |node: &Node| trees.iter().find(|tree| Some(&tree.source) == node.source.as_ref());
    declared.builds =
        builds(snapshot, &|node| of(node).map(|tree| tree.fetched.as_ref().unwrap_or(&tree.hand)));
    let at_hand = match trees.iter().any(|tree| tree.fetched.is_some()) {
        true => builds(snapshot, &|node| of(node).map(|tree| &tree.hand)),
        false => declared.builds.clone(),
    };
    let loose = Loose::of(trees);
    let keys: Vec<(ObjectKey, Option<ObjectKey>)> = {
        let nodes = snapshot.nodes.values().map(|node| (&node.key, &node.meta.labels));
        let sources = snapshot.sources.values().map(|source| (&source.key, &source.meta.labels));
        let all = nodes.chain(sources);
        all.map(|(key, labels)| (key.clone(), snapshot.applied_by(key, labels))).collect()
    };
    let makers = Makers::of(&at_hand);
    for (key, applier) in keys {
        let at = makers.place(&key, applier.as_ref()).or_else(|| loose.only(&key, applier.as_ref()));
        if let Some(at) = at {
            declared.places.insert(key, at.clone());
        }
    }
    snapshot.declared = declared;
    set_places(snapshot, trees);
    add_missing(snapshot, trees);
}

/// What every Kustomization builds of the files of its source; also those that are only declared, level by level.
fn builds<'a>(snapshot: &Snapshot, files: &dyn Fn(&Node) -> Option<&'a Files>) -> BTreeMap<ObjectKey, Build> {
    let mut builds = BTreeMap::new();
    let is_kustomization = |node: &&Node| node.key.kind == GroupKind::KUSTOMIZATION && !node.unreadable;
    let mut open: Vec<Node> = snapshot.nodes.values().filter(is_kustomization).cloned().collect();
    open.reverse();
    while let Some(node) = open.pop() {
        let Some(files) = files(&node).filter(|_| !builds.contains_key(&node.key)) else { continue };
        let build = build(files, &node);
        if !node.remote {
            let known = |key: &&ObjectKey| key.kind == GroupKind::KUSTOMIZATION;
            let new = build
                .objects
                .keys()
                .filter(known)
                .filter(|key| !builds.contains_key(*key) && snapshot.presence(key) == Presence::Absent);
            open.extend(new.filter_map(|key| declared_node(files, key, build.objects.get(key)?)));
        }
        builds.insert(node.key.clone(), build);
    }
    builds
}

/// The object as its file declares it, under the name that the build gives it.
fn declared_node(files: &Files, key: &ObjectKey, built: &Built) -> Option<Node> {
    let file: &ParsedFile = files.files.get(&built.at.path)?;
    let line = |at: usize| file.facts.objects.get(at).map_or(0, |object| object.line);
    let first = file.flux.partition_point(|(at, _)| line(*at) < built.at.line); // they stand in their order
    let on_the_line = file.flux.iter().skip(first).take_while(|(at, _)| line(*at) == built.at.line);
    let is_it = |(at, _): &&(usize, Manifest)| {
        let written = file.facts.objects.get(*at).map(|object| &object.key);
        written.is_some_and(|written| written.kind == key.kind && written.name == key.name)
    };
    let (_, manifest) = on_the_line.into_iter().find(is_it)?;
    let mut value = manifest.value.clone();
    value["metadata"].as_object_mut()?.insert("namespace".to_owned(), key.namespace.as_str().into());
    let mut builder = SnapshotBuilder::new();
    builder.add(value, manifest.place.clone());
    let mut read = builder.finish(String::new(), Some(jiff::Timestamp::UNIX_EPOCH));
    read.nodes.remove(key).filter(|node| !node.unreadable)
}

/// Which builds make each Flux object, and where it is written down.
struct Makers<'a>(BTreeMap<&'a ObjectKey, Vec<(&'a ObjectKey, &'a Built)>>);

impl<'a> Makers<'a> {
    fn of(builds: &'a BTreeMap<ObjectKey, Build>) -> Self {
        let mut makers: BTreeMap<&ObjectKey, Vec<(&ObjectKey, &Built)>> = BTreeMap::new();
        for (builder, build) in builds {
            for (key, built) in &build.objects {
                makers.entry(key).or_default().push((builder, built));
            }
        }
        Self(makers)
    }

    /// Where the object is written down for whoever applies it, else for whoever builds it.
    fn place(&self, key: &ObjectKey, applier: Option<&ObjectKey>) -> Option<&'a At> {
        let made = self.0.get(key)?;
        let by = made.iter().find(|(builder, _)| Some(*builder) == applier).or(made.first());
        by.map(|(_, built)| &built.at)
    }
}

/// Flux objects that a file declares and no build makes.
struct Loose<'a>(BTreeMap<&'a ObjectKey, Vec<At>>);

impl<'a> Loose<'a> {
    fn of(trees: &'a [TreeOf]) -> Self {
        let mut found: BTreeMap<&ObjectKey, Vec<At>> = BTreeMap::new();
        let scoped = |tree: &'a TreeOf| {
            let scope = tree.scope.as_deref().unwrap_or_default();
            tree.hand.files.iter().filter(move |(path, _)| is_inside(path, scope))
        };
        for (path, file) in trees.iter().flat_map(scoped) {
            for (at, _) in &file.flux {
                let Some(object) = file.facts.objects.get(*at) else { continue };
                found.entry(&object.key).or_default().push(At { path: path.clone(), line: object.line });
            }
        }
        Self(found)
    }

    /// The one place where an object that nothing applies is written down: somebody applied the file by hand.
    fn only(&self, key: &ObjectKey, applier: Option<&ObjectKey>) -> Option<&At> {
        match (self.0.get(key).map(Vec::as_slice), applier) {
            (Some([at]), None) => Some(at),
            _ => None,
        }
    }
}

/// Gives objects their places, and edges those of their entries.
fn set_places(snapshot: &mut Snapshot, trees: &[TreeOf]) {
    let declared = &snapshot.declared;
    for (key, node) in &mut snapshot.nodes {
        let Some(at) = declared.places.get(key) else { continue };
        node.declared_at = Some(at.clone());
        let written = trees.iter().find_map(|tree| {
            let built = Built { at: at.clone(), partial: false, left_alone: false, unguarded: false };
            declared_node(&tree.hand, key, &built)
        });
        for entry in &mut node.depends_on {
            let same = |declared: &&crate::model::Dependency| declared.key == entry.key;
            let declared = written.iter().flat_map(|node| &node.depends_on).find(same);
            entry.at = declared.and_then(|declared| declared.at.clone());
        }
    }
    for (key, source) in &mut snapshot.sources {
        source.declared_at = declared.places.get(key).cloned();
    }
}

/// Adds the appliers that a build makes and that are not on the cluster. Of what is partial nothing is known.
fn add_missing(snapshot: &mut Snapshot, trees: &[TreeOf]) {
    if snapshot.origin != OriginKind::Live {
        return;
    }
    let mut missing: BTreeMap<ObjectKey, Node> = BTreeMap::new();
    let mut unsure: BTreeSet<&ObjectKey> = BTreeSet::new(); // builders of which is not known what they build
    for (builder, build) in &snapshot.declared.builds {
        let remote = snapshot.nodes.get(builder).is_some_and(|node| node.remote || node.meta.deleted.is_some());
        let Some(tree) = trees.iter().find(|tree| Some(&tree.source) == build.source.as_ref()) else {
            continue;
        };
        let files = tree.fetched.as_ref().unwrap_or(&tree.hand);
        let source = snapshot.sources.get(&tree.source);
        if remote || source.is_none_or(|source| source.filtered) {
            unsure.insert(builder);
            continue;
        }
        for (key, built) in build.objects.iter().filter(|(key, _)| key.kind.is_applier()) {
            let is_known = missing.contains_key(key) || snapshot.presence(key) != Presence::Absent;
            if is_known || built.partial || built.left_alone || key.namespace.is_empty() {
                continue;
            }
            missing.extend(declared_node(files, key, built).map(|node| (key.clone(), node)));
        }
    }
    // Whoever would build it must be there, or be missing itself.
    let mut builders: BTreeMap<ObjectKey, Vec<ObjectKey>> = BTreeMap::new();
    for (builder, build) in snapshot.declared.builds.iter().filter(|(builder, _)| !unsure.contains(builder)) {
        let made = build.objects.iter().filter(|(key, built)| !built.partial && *key != builder);
        for (key, _) in made.filter(|(key, _)| missing.contains_key(*key)) {
            builders.entry(key.clone()).or_default().push(builder.clone());
        }
    }
    loop {
        let is_there = |key: &ObjectKey| snapshot.nodes.contains_key(key) || missing.contains_key(key);
        let is_built = |key: &ObjectKey| builders.get(key).is_some_and(|by| by.iter().any(is_there));
        let gone: Vec<ObjectKey> = missing.keys().filter(|key| !is_built(key)).cloned().collect();
        if gone.is_empty() {
            break;
        }
        gone.iter().for_each(|key| drop(missing.remove(key)));
    }
    let is_there = |key: &&ObjectKey| snapshot.nodes.contains_key(*key) || missing.contains_key(*key);
    let first =
        |(key, by): (&ObjectKey, &Vec<ObjectKey>)| Some((key.clone(), by.iter().find(is_there)?.clone()));
    snapshot.declared.builders = builders.iter().filter_map(first).collect();
    snapshot.nodes.extend(missing);
}
