//! What repositories declare, beside what a cluster says: where objects and edges stand, what each Kustomization is
//! built from, for whom files are encrypted, and which commits came since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::key::ObjectKey;
use super::node::At;
use super::revision::Revision;

/// What the joined repositories declare; empty where none is joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// The tree of each source that has one.
    pub trees: BTreeMap<ObjectKey, Joined>,
    /// What each Kustomization builds, as far as plain files tell; of the revision that the cluster has fetched, where
    /// Git knows it, else of the tree at hand.
    pub builds: BTreeMap<ObjectKey, Build>,
    /// Which Kustomization would apply each object that is declared and not on the cluster.
    pub builders: BTreeMap<ObjectKey, ObjectKey>,
    /// Where each object of the cluster is declared, and by which Kustomization's build it gets there; in the tree at
    /// hand.
    pub places: BTreeMap<ObjectKey, At>,
}

impl Declared {
    /// The Kustomization that would apply an object which is not on the cluster; the first one, where several would.
    pub fn builder_of(&self, key: &ObjectKey) -> Option<&ObjectKey> {
        self.builders.get(key)
    }

    /// The tree that a Kustomization is built from, with its build.
    pub fn build(&self, kustomization: &ObjectKey) -> Option<(&Build, &Joined)> {
        let build = self.builds.get(kustomization)?;
        Some((build, self.trees.get(build.source.as_ref()?)?))
    }
}

/// One tree, with what Git knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Folder to give to `git -C`; `None` for the current one.
    pub dir: Option<String>,
    /// The files at hand.
    pub hand: Tree,
    /// The files of the revision that the cluster has fetched, where they differ from those at hand and Git has them.
    pub fetched: Option<Tree>,
    /// How the tree stands to what the cluster has fetched, or why that is not known.
    pub history: Result<History, NoHistory>,
}

impl Joined {
    /// The files as the cluster has fetched them, as far as that is known.
    pub fn tried(&self) -> &Tree {
        self.fetched.as_ref().unwrap_or(&self.hand)
    }
}

/// The files of a tree: by their paths, with `/` between the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// What stands in each file that may declare something.
    pub files: BTreeMap<String, Arc<DeclaredFile>>,
    /// Rules of the `.sops.yaml` at the root, in their order.
    pub rules: Vec<SopsRule>,
}

impl Tree {
    /// Where an object of this name is written down, used or not; ordered by path and line.
    pub fn written<'a>(&'a self, key: &'a ObjectKey) -> impl Iterator<Item = At> + 'a {
        self.files.iter().flat_map(move |(path, file)| {
            let objects = file.objects.iter().filter(move |object| object.key == *key);
            objects.map(move |object| At { path: path.clone(), line: object.line })
        })
    }
}

/// What stands in one file; no content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredFile {
    /// Objects, in their order.
    pub objects: Vec<DeclaredObject>,
    /// For whom the whole file is encrypted, where it is no manifest.
    pub sealed: Option<Sealed>,
    /// Why it cannot be read.
    pub broken: Option<Broken>,
    /// Of a configuration of kustomize: each file, folder or patch that it lists, with its line.
    pub entries: Vec<Entry>,
    /// Variables of Flux's substitution, `${NAME}`, each with the first line that uses it.
    pub variables: BTreeMap<String, usize>,
}

/// One entry in a list of a configuration of kustomize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The list, such as `resources` or `patches`.
    pub list: String,
    /// What it names, as a path below the repository; empty for what stands there itself.
    pub path: String,
    /// Line.
    pub line: usize,
}

/// One object in a file, under the name that stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredObject {
    /// Which object.
    pub key: ObjectKey,
    /// Line of its first key.
    pub line: usize,
    /// For whom it is encrypted; `None` where it is not.
    pub sealed: Option<Sealed>,
    /// A Secret with `stringData` and no `data`.
    pub only_string_data: bool,
    /// Flux is told not to apply it, or only under conditions.
    pub left_alone: bool,
}

/// For whom SOPS has encrypted something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Public names of those who can decrypt it: age recipients, PGP fingerprints, key addresses.
    pub recipients: Vec<Recipient>,
}

/// One that can decrypt a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// `age`, `pgp`, `kms`, `gcp_kms`, `azure_kv` or `hc_vault`.
    pub kind: &'static str,
    /// Its public name.
    pub name: String,
    /// Line of the file.
    pub line: usize,
}

/// Where a file cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Line, the first one being 1.
    pub line: usize,
    /// A lower-case fragment that quotes no value.
    pub message: String,
}

/// One creation rule of a `.sops.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SopsRule {
    /// Regular expression over paths; `None` takes every path.
    pub path_regex: Option<String>,
    /// age recipients that it encrypts for.
    pub age: Vec<String>,
    /// Whether it names other keys beside, or instead.
    pub others: bool,
    /// Line in the `.sops.yaml`.
    pub line: usize,
}

/// What a Kustomization builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The source that it is built from.
    pub source: Option<ObjectKey>,
    /// `spec.path`, without `./`; empty for the root.
    pub path: String,
    /// Whether that folder is in the tree.
    pub exists: bool,
    /// Files that it reads, there or not.
    pub files: BTreeSet<String>,
    /// Folders of which it reads every manifest.
    pub folders: BTreeSet<String>,
    /// Objects that it makes, by the names that they get.
    pub objects: BTreeMap<ObjectKey, Built>,
}

/// One object that a build makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Where it is written down.
    pub at: At,
    /// Whether its name or its being there may be changed by something that was not followed: a patch, a prefix,
    /// a substitution.
    pub partial: bool,
    /// Flux is told not to apply it, or only under conditions.
    pub left_alone: bool,
    /// It is encrypted, and would be applied so without `decryption` and without a word.
    pub unguarded: bool,
}

impl Build {
    /// Whether the build reads a file, or would if it were there.
    pub fn reads(&self, path: &str) -> bool {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_manifest = path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with("/Kustomization");
        self.files.contains(path)
            || (is_manifest && self.folders.iter().any(|taken| is_inside(folder, taken)))
            || (!self.exists && is_inside(path, &self.path))
    }
}

/// Whether a path is a folder or lies in it; everything lies in the root.
pub fn is_inside(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How a working tree stands to the revision that its source has fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The fetched revision.
    pub revision: Option<Revision>,
    /// Commits of the tree that the cluster has not fetched.
    pub ahead: usize,
    /// Fetched commits that the tree does not have.
    pub behind: usize,
    /// Manifests that differ between the tree at hand and the fetched revision.
    pub differ: BTreeSet<String>,
    /// Commits from each older revision to the fetched one, by the older one's commit.
    pub since: BTreeMap<String, Result<Range, NoHistory>>,
}

/// What came between two revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Files that are not the same at both ends.
    pub changed: BTreeSet<String>,
    /// Commits, newest first.
    pub commits: Vec<Commit>,
}

/// Why Git gives no history, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoHistory {
    /// A lower-case fragment.
    pub why: String,
    /// What to type.
    pub command: Option<String>,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its whole name.
    pub id: String,
    /// Its name as it is spoken of.
    pub short: String,
    /// When it was committed.
    pub time: Timestamp,
    /// Who wrote it.
    pub author: String,
    /// First line of its message.
    pub subject: String,
    /// Whether it has more than one parent.
    pub merge: bool,
    /// Files that it changes; of a merge those that it changes by itself.
    pub paths: Vec<String>,
    /// Flux objects that it changes, adds or takes away, under the names that stand in the files; where each stands.
    pub objects: Vec<(String, ObjectKey)>,
}

impl Commit {
    /// Whether it changes what one file says of an object, whose namespace may have been left to others.
    pub fn changes(&self, key: &ObjectKey, path: &str) -> bool {
        self.objects.iter().any(|(at, written)| {
            at == path
                && written.kind == key.kind
                && written.name == key.name
                && (written.namespace.is_empty() || written.namespace == key.namespace)
        })
    }
}
