//! Reads the working trees that are joined with a cluster, and what Git knows of each.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "reads files; what is in them is parsed and joined elsewhere"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::belong::{Clues, Unclear, belongs, by_address};
use super::files::Files;
use super::git::{GitError, WorkTree, no_history};
use super::join::{TreeOf, join};
use super::tree::TreeFile;
use super::walk::{is_manifest, read_all, root_of, tree_files};
use super::{InputError, parse};
use crate::model::{
    Commit, GroupKind, History, NoHistory, Node, ObjectKey, Range, Revision, Snapshot, Warning,
};
use crate::wire::codes;

/// A tree that is to be joined.
#[derive(Clone, Copy, Debug)]
pub struct TreeArg<'a> {
    /// `namespace/name` of its source, where the user named it.
    pub source: Option<&'a str>,
    /// Its folder.
    pub dir: &'a Path,
}

/// Trees that were read, to be joined with one snapshot or with many.
#[derive(Clone, Default)]
pub struct Trees {
    trees: Vec<TreeOf>,
    warnings: Vec<Warning>,
    /// Which tree belongs to which source, and how the two stand to each other; one sentence each.
    pub notes: Vec<String>,
}

impl Trees {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Adds what the trees declare to what was seen.
    pub fn join(&self, snapshot: &mut Snapshot) {
        if self.trees.is_empty() {
            return;
        }
        join(snapshot, &self.trees);
        snapshot.warnings.extend(self.warnings.iter().cloned());
        snapshot.warnings.sort();
    }

    /// Files that are built in, of the only Git source in sight, with what Git would know of them.
    pub(crate) fn embedded(files: &[(&str, &str)], source: ObjectKey, history: History) -> Self {
        let text =
            |(path, text): &(&str, &str)| TreeFile { path: (*path).to_owned(), text: (*text).to_owned() };
        let files: Vec<TreeFile> = files.iter().map(text).collect();
        let hand = Files::parse(&files);
        let tree = TreeOf { source, dir: None, scope: None, hand, fetched: None, history: Ok(history) };
        Self { trees: vec![tree], ..Self::default() }
    }
}

/// Reads the trees that were asked for; `path` is the cluster's folder in them.
pub fn read_trees(snapshot: &Snapshot, asked: &[TreeArg<'_>], path: Option<&str>) -> Result<Trees, InputError> {
    let mut trees = Trees::default();
    for arg in asked {
        let (root, folder) = root_of(arg.dir, path)?;
        // A folder inside of a working tree whose history is that of a source stands for all of it.
        let around = WorkTree::around(&root);
        let (root, work) = match around {
            Ok(Some(work)) if same_folder(&work.root, &root) => (root, Ok(Some(work))),
            Ok(Some(work)) => match remotes(&work).is_some_and(|remotes| is_address(snapshot, &remotes)) {
                true => (work.root.clone(), Ok(Some(work))),
                false => (root, Ok(None)), // another repository holds this one as files
            },
            other => (root, other),
        };
        let given = if same_folder(&root, Path::new(".")) { None } else { Some(root.as_path()) };
        let given = given.map(|root| if same_folder(arg.dir, root) { arg.dir } else { root });
        let label = arg.dir.display().to_string();
        let scope = folder.strip_prefix(&root).ok().map(|scope| scope.to_string_lossy().replace('\\', "/"));
        let before = trees.trees.len();
        trees.add(snapshot, &root, given, work, arg.source, &label)?;
        trees.trees.iter_mut().skip(before).for_each(|tree| tree.scope.clone_from(&scope));
    }
    Ok(trees)
}

/// Reads the tree around a folder, if its remote is the address of a source in sight; else none.
///
/// Nothing that goes wrong on the way is an error: nobody asked for it.
pub fn tree_around(snapshot: &Snapshot, folder: &Path) -> Trees {
    let mut trees = Trees::default();
    let Ok(Some(work)) = WorkTree::around(folder) else { return trees };
    if !remotes(&work).is_some_and(|remotes| is_address(snapshot, &remotes)) {
        return trees;
    }
    let root = work.root.clone();
    let given = if same_folder(&root, folder) { None } else { Some(root.as_path()) };
    let added = trees.add(snapshot, &root, given, Ok(Some(work)), None, &root.display().to_string());
    match added {
        Ok(()) => trees,
        Err(error) => {
            Trees { notes: vec![format!("{} is not joined: {error}", root.display())], ..Trees::default() }
        }
    }
}

fn remotes(work: &WorkTree) -> Option<Vec<(String, String)>> {
    work.remotes().ok()
}

fn is_address(snapshot: &Snapshot, remotes: &[(String, String)]) -> bool {
    let clues = Clues { named: None, remotes, branch: None, files: &Files::default() };
    by_address(snapshot, clues).is_some()
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).ok();
    whole(one).is_some_and(|one| Some(one) == whole(other))
}

impl Trees {
    fn add(
        &mut self,
        snapshot: &Snapshot,
        root: &Path,
        given: Option<&Path>,
        work: Result<Option<WorkTree>, GitError>,
        named: Option<&str>,
        label: &str,
    ) -> Result<(), InputError> {
        let (files, problems, _) = tree_files(root, root.to_path_buf());
        for text in problems {
            self.warnings.push(Warning { code: codes::INPUT_SKIPPED, text, object: None });
        }
        let mut hand = Files::parse(&files);
        let mut texts: BTreeMap<String, String> =
            files.into_iter().map(|file| (file.path, file.text)).collect();
        for file in generator_files(root, &hand) {
            hand.put(&file);
            texts.insert(file.path, file.text);
        }
        let remotes = work.as_ref().ok().and_then(Option::as_ref).and_then(remotes).unwrap_or_default();
        let branch = match &work {
            Ok(Some(work)) => work.branch().ok().flatten(),
            _ => None,
        };
        let clues = Clues { named, remotes: &remotes, branch: branch.as_deref(), files: &hand };
        let found =
            belongs(snapshot, clues).map_err(|unclear| unclear_error(snapshot, label, named, unclear))?;
        let dir = given.map(|dir| dir.display().to_string());
        for source in found.sources {
            if self.trees.iter().any(|tree| tree.source == source) {
                let source = format!("{} {}", source.kind.kind, source.namespaced_name());
                return Err(InputError::TwoTrees { source_name: source });
            }
            let compared = match &work {
                Ok(Some(work)) => compare(work, snapshot, &source, &hand, &texts, dir.as_deref()),
                Ok(None) => Err(NoHistory { why: "it is no Git working tree".to_owned(), command: None }),
                Err(error) => Err(no_history(error)),
            };
            let (history, fetched) = match compared {
                Ok((history, fetched)) => (Ok(history), fetched),
                Err(unknown) => (Err(unknown), None),
            };
            let name = format!("{} {}", source.kind.kind, source.namespaced_name());
            self.notes.push(format!("{label} belongs to {name}: {}{}", found.why, stands(&history)));
            let (dir, scope, hand) = (dir.clone(), None, hand.clone());
            self.trees.push(TreeOf { source, dir, scope, hand, fetched, history });
        }
        Ok(())
    }
}

/// How the tree at hand stands to what the cluster has fetched, in words.
fn stands(history: &Result<History, NoHistory>) -> String {
    let history = match history {
        Err(unknown) => {
            let command = unknown.command.as_ref().map(|command| format!(" (try: {command})"));
            return format!(
                "; not compared with what the cluster has fetched: {}{}",
                unknown.why,
                command.unwrap_or_default()
            );
        }
        Ok(history) => history,
    };
    let revision = history.revision.as_ref().map(Revision::short).unwrap_or_default();
    let commits = |count: usize| if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
    let distance = match (history.ahead, history.behind) {
        (0, 0) => String::new(),
        (ahead, 0) => format!("{} ahead of", commits(ahead)),
        (0, behind) => format!("{} behind", commits(behind)),
        (ahead, behind) => format!("{} ahead of and {} behind", commits(ahead), commits(behind)),
    };
    let differ = match history.differ.len() {
        0 => "no manifest differs".to_owned(),
        1 => "1 manifest differs".to_owned(),
        count => format!("{count} manifests differ"),
    };
    match (distance.is_empty(), history.differ.is_empty()) {
        (true, true) => format!("; the tree is at {revision}, which the cluster has fetched"),
        (true, false) => {
            format!("; the tree is at {revision}, which the cluster has fetched, and {differ} from it")
        }
        (false, _) => format!("; the tree is {distance} {revision}, which the cluster has fetched; {differ}"),
    }
}

fn unclear_error(snapshot: &Snapshot, label: &str, named: Option<&str>, unclear: Unclear) -> InputError {
    let name = |key: &ObjectKey| format!("{} {}", key.kind.kind, key.namespaced_name());
    let in_sight = || snapshot.sources.keys().filter(|key| key.kind == GroupKind::GIT_REPOSITORY).map(name);
    let (problem, sources): (_, Vec<String>) = match unclear {
        Unclear::NotFound => {
            (format!("no source {} in {}", named.unwrap_or_default(), snapshot.label), in_sight().collect())
        }
        Unclear::NoSource => (
            format!("no Kustomization in {} is built from a source that {label} could be", snapshot.label),
            in_sight().collect(),
        ),
        Unclear::Tie(sources) => {
            let names: Vec<String> = sources.iter().map(name).collect();
            (format!("which source does {label} belong to: {}?", names.join(" or ")), names)
        }
    };
    let example = sources.first().and_then(|first| first.split_once(' ')).map(|(_, name)| name.to_owned());
    InputError::Source { problem, hint: example.map(|name| format!("name it: --repo {name}={label}")) }
}

/// Files that generators read and that are no manifests; of interest only where they are encrypted.
fn generator_files(root: &Path, files: &Files) -> Vec<TreeFile> {
    const LARGEST: u64 = 5 << 20; // kustomize-controller decrypts no larger ones
    let named: BTreeSet<&String> = files
        .files
        .values()
        .filter_map(|file| file.kustomize.as_ref())
        .flat_map(|file| &file.no_objects)
        .filter(|path| !files.files.contains_key(*path))
        .collect();
    let mut found = Vec::new();
    for path in named {
        let Ok(whole) = fs::canonicalize(root.join(path)) else { continue };
        let is_ours = fs::canonicalize(root).is_ok_and(|root| whole.starts_with(root));
        let is_small = fs::metadata(&whole).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
        if !is_ours || !is_small {
            continue;
        }
        let Ok(Ok(bytes)) = fs::File::open(&whole).and_then(read_all) else { continue };
        if let Ok(text) = parse::text_of(&bytes) {
            found.push(TreeFile { path: path.clone(), text: text.into_owned() });
        }
    }
    found
}

/// Older revisions of which the commits are read at most.
const MOST_BASES: usize = 8;

/// How the tree stands to the revision that its source has fetched; and the files of that revision where they differ.
fn compare(
    work: &WorkTree,
    snapshot: &Snapshot,
    source: &ObjectKey,
    hand: &Files,
    texts: &BTreeMap<String, String>,
    dir: Option<&str>,
) -> Result<(History, Option<Files>), NoHistory> {
    let asked = |why: String| NoHistory { why, command: None };
    let artifact = snapshot.sources.get(source).and_then(|source| source.artifact.as_ref());
    let revision = artifact.map(|artifact| artifact.revision.clone());
    let revision = revision.ok_or_else(|| asked("the cluster has fetched nothing yet".to_owned()))?;
    let commit = revision.commit().map(str::to_owned);
    let commit = commit.ok_or_else(|| asked(format!("{} is no revision of Git", revision.short())))?;
    let git = |error: GitError| no_history(&error);
    if !work.has(&commit).map_err(git)? {
        let why = format!("{} is not in this clone", revision.short());
        let mut fetch = git_command(dir);
        fetch.push_str(if work.is_shallow().map_err(git)? { "fetch --unshallow" } else { "fetch" });
        return Err(NoHistory { why, command: Some(fetch) });
    }
    let (ahead, behind) = work.distance(&commit).map_err(git)?.unwrap_or_default();
    let (differ, fetched) = differences(work, &commit, hand, texts).map_err(git)?;
    let mut history = History { revision: Some(revision), ahead, behind, differ, ..History::default() };
    let mut bases: BTreeMap<String, usize> = BTreeMap::new();
    let ours = |node: &&Node| snapshot.manifest_source(node) == Some(source);
    for node in snapshot.nodes.values().filter(|node| node.live).filter(ours) {
        let base = snapshot.last_good(node).and_then(Revision::commit).filter(|base| *base != commit);
        *bases.entry(base.unwrap_or_default().to_owned()).or_default() += usize::from(base.is_some());
    }
    let mut bases: Vec<(usize, String)> = bases.into_iter().map(|(base, users)| (users, base)).collect();
    bases.retain(|(users, _)| *users > 0);
    bases.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
    for (_, base) in bases.into_iter().take(MOST_BASES) {
        let range = range(work, &base, &commit, dir);
        history.since.insert(base, range);
    }
    Ok((history, fetched))
}

fn range(work: &WorkTree, base: &str, commit: &str, dir: Option<&str>) -> Result<Range, NoHistory> {
    let git = |error: GitError| no_history(&error);
    if !work.has(base).map_err(git)? {
        let short: String = base.chars().take(7).collect();
        let mut fetch = git_command(dir);
        fetch.push_str(&match work.is_shallow().map_err(git)? {
            true => "fetch --unshallow".to_owned(),
            false => format!("fetch origin {base}"),
        });
        return Err(NoHistory { why: format!("{short} is not in this clone"), command: Some(fetch) });
    }
    let changed = work.changed(base, commit).map_err(git)?;
    let mut commits = work.commits(base, commit).map_err(git)?;
    note_objects(work, &mut commits).map_err(git)?;
    Ok(Range { changed, commits })
}

/// Commits of which is read what they do to Flux objects, and files of all of them together.
const MOST_LOOKED_INTO: usize = 200;
const MOST_FILES: usize = 2000;

/// Adds which Flux objects each commit changes.
fn note_objects(work: &WorkTree, commits: &mut [Commit]) -> Result<(), GitError> {
    let commits = commits.get_mut(..MOST_LOOKED_INTO.min(commits.len())).unwrap_or_default();
    let mut asked: Vec<(usize, String)> = Vec::new();
    for (at, commit) in commits.iter().enumerate() {
        let paths = commit.paths.iter().filter(|path| is_manifest(path) && !path.contains('\n'));
        asked.extend(paths.map(|path| (at, path.clone())));
    }
    asked.truncate(MOST_FILES);
    let name = |at: usize, parent: &str, path: &str| format!("{}{parent}:{path}", commits[at].id);
    let names: Vec<String> =
        asked.iter().flat_map(|(at, path)| [name(*at, "^", path), name(*at, "", path)]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let contents = work.contents(&names)?;
    for ((at, path), pair) in asked.iter().zip(contents.chunks_exact(2)) {
        let [before, after] = pair else { continue };
        let file = |text: &Option<String>| {
            let text = text.clone().unwrap_or_default();
            Files::parse(&[TreeFile { path: path.clone(), text }])
        };
        let (before, after) = (file(before), file(after));
        let changed = flux_objects_that_differ(&before, &after, path);
        commits[*at].objects.extend(changed.into_iter().map(|key| (path.clone(), key)));
    }
    Ok(())
}

fn flux_objects_that_differ(before: &Files, after: &Files, path: &str) -> BTreeSet<ObjectKey> {
    let objects = |files: &Files| -> BTreeMap<ObjectKey, Vec<serde_json::Value>> {
        let mut objects: BTreeMap<ObjectKey, Vec<serde_json::Value>> = BTreeMap::new();
        for (at, manifest) in files.files.get(path).into_iter().flat_map(|file| &file.flux) {
            let key = files.files[path].facts.objects[*at].key.clone();
            objects.entry(key).or_default().push(manifest.value.clone());
        }
        objects
    };
    let (before, after) = (objects(before), objects(after));
    let keys = before.keys().chain(after.keys());
    keys.filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

fn git_command(dir: Option<&str>) -> String {
    let quoted =
        |dir: &str| if dir.contains([' ', '\'', '"', '$']) { format!("{dir:?}") } else { dir.to_owned() };
    dir.map_or_else(|| "git ".to_owned(), |dir| format!("git -C {} ", quoted(dir)))
}

/// Manifests that differ between the tree at hand and a commit, and all files as the commit has them if there are any.
fn differences(
    work: &WorkTree,
    commit: &str,
    hand: &Files,
    texts: &BTreeMap<String, String>,
) -> Result<(BTreeSet<String>, Option<Files>), GitError> {
    let wanted = |path: &str| is_manifest(path) || texts.contains_key(path);
    let there: BTreeMap<String, String> =
        work.files(commit)?.into_iter().filter(|(path, _)| wanted(path)).collect();
    let both: Vec<&str> = texts.keys().map(String::as_str).filter(|path| there.contains_key(*path)).collect();
    let names = work.names(&both)?;
    let mut differ: BTreeSet<String> = BTreeSet::new();
    for (path, name) in both.iter().zip(&names) {
        if there.get(*path) != Some(name) {
            differ.insert((*path).to_owned());
        }
    }
    differ.extend(texts.keys().filter(|path| !there.contains_key(*path)).cloned());
    // What lies there and was not read is ignored on purpose, by `.sourceignore` for one.
    let gone = |path: &&String| !texts.contains_key(*path) && !work.root.join(path).exists();
    differ.extend(there.keys().filter(gone).cloned());
    if differ.is_empty() {
        return Ok((differ, None));
    }
    let fetched: Vec<(&String, &String)> =
        differ.iter().filter_map(|path| Some((path, there.get(path)?))).collect();
    let contents = work.contents(&fetched.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>())?;
    let mut files = hand.clone();
    let mut same = Vec::new();
    for ((path, _), text) in fetched.iter().zip(contents) {
        match text {
            // Line ends are Git's business, and a checkout may change them.
            Some(text) if texts.get(*path).is_some_and(|here| is_same_text(here, &text)) => {
                same.push((*path).clone())
            }
            Some(text) => files.put(&TreeFile { path: (*path).clone(), text }),
            None => files.remove(path),
        }
    }
    for path in differ.iter().filter(|path| !there.contains_key(*path)) {
        files.remove(path);
    }
    for path in same {
        differ.remove(&path);
    }
    let fetched = (!differ.is_empty()).then_some(files);
    Ok((differ, fetched))
}

fn is_same_text(one: &str, other: &str) -> bool {
    one.lines().eq(other.lines())
}

/// Where the current folder is.
pub fn current_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}
