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
use super::compare::compare;
use super::files::Files;
use super::git::{GitError, WorkTree, no_history};
use super::join::{TreeOf, join};
use super::tree::TreeFile;
use super::walk::{read_all, root_of, tree_files};
use super::{InputError, parse};
use crate::model::{GroupKind, History, NoHistory, ObjectKey, Revision, Snapshot, Warning};
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

/// The commit that is checked out in the working tree around a folder; else why there is none.
pub fn head(folder: &Path) -> Result<String, String> {
    match WorkTree::around(folder) {
        Ok(Some(work)) => work.head().map_err(|error| error.to_string()),
        Ok(None) => Err("no Git working tree".to_owned()),
        Err(error) => Err(error.to_string()),
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

/// The URL of a file below a folder, for terminals that open links.
pub fn file_url(folder: &Path, path: &str) -> String {
    let whole = folder.join(path).to_string_lossy().replace('\\', "/");
    let mut url = if whole.starts_with('/') { "file://" } else { "file:///" }.to_owned(); // a drive has no slash before it
    for byte in whole.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b':' => url.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// Where the current folder is.
pub fn current_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_holds_nothing_that_ends_it() {
        let url = |folder: &str, path: &str| file_url(Path::new(folder), path);
        assert_eq!(url("/src/my fleet", "a/b.yaml"), "file:///src/my%20fleet/a/b.yaml");
        assert_eq!(url("/x", "a\x1b\x07é.yaml"), "file:///x/a%1B%07%C3%A9.yaml");
        assert_eq!(url("C:/fleet", "a.yaml"), "file:///C:/fleet/a.yaml");
    }
}
