//! Which commit broke it: those since the last good revision that touch what the failing object is built from. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{command, quote};
use super::cause::{Cause, Code, Fault, Quote, Remedy};
use super::report::{ObjectReport, State};
use crate::model::{Build, Commit, History, Joined, NoHistory, Node, ObjectKey, Range, Revision, Snapshot};

/// Remedies of one cause at most.
const REMEDIES: usize = 3;

/// Suspects of one answer at most.
pub(super) const MOST: usize = 5;

/// Adds to each cause the commits that may have broken it, with the undo first among its remedies where there is one
/// alone; else says why there is none.
pub(super) fn add(snapshot: &Snapshot, objects: &BTreeMap<ObjectKey, ObjectReport>, causes: &mut [Cause]) {
    for cause in causes.iter_mut().filter(|cause| is_of_a_run(cause.fault.code)) {
        let failed = |key: &&ObjectKey| objects.get(*key).is_some_and(|object| object.state == State::Failed);
        let failing = cause.affected.iter().filter(failed).filter_map(|key| snapshot.nodes.get(key));
        let mut seen: Vec<(&Commit, &Joined, &History)> = Vec::new();
        let mut said: Option<Quote> = None;
        let mut typed: Option<Remedy> = None;
        for node in failing {
            match suspects(snapshot, node, &cause.fault) {
                Answer::Commits(commits) => {
                    let new = |commit: &Commit| !seen.iter().any(|(known, ..)| known.id == commit.id);
                    let commits: Vec<_> = commits.into_iter().filter(|(commit, ..)| new(commit)).collect();
                    seen.extend(commits);
                }
                Answer::Said(quote) => said = said.or(Some(quote)),
                Answer::Remedy(remedy) => typed = typed.or(Some(remedy)),
                Answer::Nothing => {}
            }
        }
        seen.sort_by_key(|(commit, ..)| std::cmp::Reverse(commit.time)); // stable: of one second as Git orders them
        seen.truncate(MOST);
        if let [(commit, tree, history)] = seen.as_slice() {
            cause.fault.remedies.insert(0, undo(commit, tree, history));
            cause.fault.remedies.truncate(REMEDIES);
        }
        match (seen.is_empty(), said, typed) {
            (true, Some(said), _) => cause.fault.evidence.push(said),
            (true, None, Some(remedy)) if cause.fault.remedies.len() < REMEDIES => {
                cause.fault.remedies.push(remedy);
            }
            _ => {}
        }
        cause.suspects = seen.into_iter().map(|(commit, ..)| commit.clone()).collect();
    }
}

enum Answer<'a> {
    /// Newest first, each with the tree that it is of.
    Commits(Vec<(&'a Commit, &'a Joined, &'a History)>),
    /// Why no commit is named.
    Said(Quote),
    /// What to type to see them.
    Remedy(Remedy),
    Nothing,
}

/// Whether a failure of this kind comes of what was built and applied.
fn is_of_a_run(code: Code) -> bool {
    !matches!(
        code,
        Code::DependencyNotFound
            | Code::DependencyCycle
            | Code::DependencySuspended
            | Code::ReadyExprFalse
            | Code::InvalidExpression
            | Code::NotApplied
            | Code::SourceNotFound
            | Code::SourceNotReady
            | Code::SourceStale
            | Code::ArtifactUnreachable
            | Code::AccessDenied
            | Code::Overdue
            | Code::ControllerNotRunning
            | Code::NotObserved
            | Code::ShardUnserved
            | Code::ClusterUnreachable
            | Code::HelmValuesMissing
    )
}

fn suspects<'a>(snapshot: &'a Snapshot, node: &Node, fault: &Fault) -> Answer<'a> {
    let Some(good) = snapshot.last_good(node) else { return Answer::Nothing }; // nothing to compare with
    let Some(source) = snapshot.manifest_source(node) else { return Answer::Nothing };
    let artifact = snapshot.sources.get(source).and_then(|source| source.artifact.as_ref());
    let Some(artifact) = artifact else { return Answer::Nothing };
    let current = &artifact.revision;
    let commits = snapshot.last_good_commit(node).zip(artifact.commit());
    let Some((base, newest)) = commits else { return Answer::Nothing };
    if base == newest {
        let is_kustomization = node.kustomization().is_some();
        let said =
            format!("{} was applied without a failure before, so the cause lies outside Git", good.short());
        return if is_kustomization { Answer::Said(quote("git", &said)) } else { Answer::Nothing };
    }
    let by_hand = || by_hand(node, base, newest).map_or(Answer::Nothing, Answer::Remedy);
    let unknown = |none: &NoHistory| match &none.command {
        Some(command) => {
            let text = format!("to see which commit broke it ({})", none.why);
            Answer::Remedy(Remedy { text, command: Some(command.clone()) })
        }
        None => by_hand(),
    };
    let Some(tree) = snapshot.declared.trees.get(source) else { return by_hand() };
    let history = match &tree.history {
        Ok(history) => history,
        Err(none) => return unknown(none),
    };
    let range = match history.since.get(base) {
        Some(Ok(range)) => range,
        Some(Err(none)) => return unknown(none),
        None => return by_hand(),
    };
    let build = snapshot.declared.builds.get(&node.key);
    let commits = touching(range, build, node, fault);
    if commits.is_empty() {
        // An OCI artifact may hold another folder than the root of the repository.
        let built = build.filter(|build| build.exists || artifact.revision.commit().is_some());
        let said = built.map(|build| quote("git", &nothing(range, build, good, current)));
        return said.map_or(Answer::Nothing, Answer::Said);
    }
    Answer::Commits(commits.into_iter().map(|commit| (commit, tree, history)).collect())
}

/// Commits of a range that touch what a build reads, the file that the error names, or what the object's own file says
/// of it. Files that are the same at both ends changed nothing, whatever came and went in between.
fn touching<'a>(range: &'a Range, build: Option<&Build>, node: &Node, fault: &Fault) -> Vec<&'a Commit> {
    // What the controller's words name may be read in a way that was not followed.
    let words = fault.evidence.iter().filter(|quote| ["condition", "event"].contains(&quote.source));
    let words: Vec<&str> = words.map(|quote| quote.text.as_str()).collect();
    let is_input = |path: &String| {
        let is_named = || path.contains('/') && words.iter().any(|words| words.contains(path.as_str()));
        range.changed.contains(path) && (build.is_some_and(|build| build.reads(path)) || is_named())
    };
    let own = node.declared_at.as_ref().map(|at| at.path.as_str());
    let own = own.filter(|path| range.changed.contains(*path));
    let touches = |commit: &&Commit| {
        commit.paths.iter().any(is_input) || own.is_some_and(|path| commit.changes(&node.key, path))
    };
    range.commits.iter().filter(touches).collect()
}

fn nothing(range: &Range, build: &Build, good: &Revision, current: &Revision) -> String {
    let path = if build.path.is_empty() { "the root".to_owned() } else { build.path.clone() };
    let commits = match range.commits.len() {
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    format!(
        "nothing that {path} is built from has changed from {} to {} ({commits}), so look outside of Git",
        good.short(),
        current.short()
    )
}

/// The command that shows the commits to who has the repository at hand.
fn by_hand(node: &Node, base: &str, newest: &str) -> Option<Remedy> {
    let path = node.kustomization()?.path.trim_start_matches("./").trim_matches('/');
    let short = |commit: &str| commit.chars().take(12).collect::<String>();
    let range = format!("{}..{}", short(base), short(newest));
    let path = if path.is_empty() { "." } else { path };
    let command = command("git log --oneline {} -- {}", &[&range, path])?;
    Some(Remedy {
        text: "see in the repository what changed since it worked".to_owned(),
        command: Some(command),
    })
}

fn undo(commit: &Commit, tree: &Joined, history: &History) -> Remedy {
    let here = tree.dir.as_ref().map_or_else(|| Some("git".to_owned()), |dir| command("git -C {}", &[dir]));
    let mainline = if commit.merge { "-m 1 " } else { "" };
    let revert = |git: &str| format!("{git} revert --no-edit {mainline}{}", commit.short);
    let (text, command) = match (history.ahead, history.behind, here) {
        (0, 0, Some(git)) => ("undo".to_owned(), Some(format!("{} && {git} push", revert(&git)))),
        (0, _, Some(git)) => {
            let pull = format!("{git} pull --ff-only");
            ("undo".to_owned(), Some(format!("{pull} && {} && {git} push", revert(&git))))
        }
        (_, 0, Some(git)) => ("undo, then push (your own commits go with it)".to_owned(), Some(revert(&git))),
        (_, _, _) => (format!("undo {} on a branch that is up to date, then push", commit.short), None),
    };
    Remedy { text, command }
}

/// The suspects of several causes, newest first, each once.
pub(super) fn all<'a>(causes: impl Iterator<Item = &'a Cause>) -> Vec<&'a Commit> {
    let mut seen = BTreeSet::new();
    let mut commits: Vec<&Commit> =
        causes.flat_map(|cause| &cause.suspects).filter(|commit| seen.insert(commit.id.as_str())).collect();
    commits.sort_by(|a, b| (b.time, &a.id).cmp(&(a.time, &b.id)));
    commits.truncate(MOST);
    commits
}
