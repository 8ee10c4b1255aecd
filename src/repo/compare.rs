//! How a working tree stands to what its source has fetched: which files differ, and which commits came since.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "asks whether files lie there; all else comes from `git`"
)]

use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
use super::git::{GitError, WorkTree, no_history};
use super::tree::TreeFile;
use super::walk::is_manifest;
use crate::model::{Artifact, Commit, History, NoHistory, Node, ObjectKey, Range, Snapshot};

/// Older revisions of which the commits are read at most.
const MOST_BASES: usize = 8;

/// How the tree stands to the revision that its source has fetched; and the files of that revision where they differ.
pub(super) fn compare(
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
    let commit = artifact.and_then(Artifact::commit).map(str::to_owned);
    let commit = commit.ok_or_else(|| asked(format!("{} names no commit of Git", revision.short())))?;
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
        let base = snapshot.last_good_commit(node).filter(|base| *base != commit);
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
