//! Which source a working tree belongs to. Pure.

use std::collections::BTreeMap;

use super::address::is_same_repository;
use super::files::Files;
use super::tree::join;
use crate::model::{GroupKind, ObjectKey, Revision, Snapshot};

/// What tells to which source a tree belongs.
#[derive(Clone, Copy)]
pub(super) struct Clues<'a> {
    /// `namespace/name`, where the user named it.
    pub(super) named: Option<&'a str>,
    /// Names and addresses of the tree's remotes.
    pub(super) remotes: &'a [(String, String)],
    /// Branch that is checked out.
    pub(super) branch: Option<&'a str>,
    /// What is in it.
    pub(super) files: &'a Files,
}

/// The sources that a tree belongs to, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Belongs {
    pub(super) sources: Vec<ObjectKey>,
    pub(super) why: String,
}

/// Why it cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// No source of that name.
    NotFound,
    /// Nothing in sight is built from a source that it could be.
    NoSource,
    /// Several fit equally well.
    Tie(Vec<ObjectKey>),
}

/// As named; else by the remote's address; else the only source in sight; else the one for which most paths exist.
///
/// Of several sources with that address the tree belongs to all, but for those of another branch.
pub(super) fn belongs(snapshot: &Snapshot, clues: Clues<'_>) -> Result<Belongs, Unclear> {
    if let Some(named) = clues.named {
        let is_it = |key: &&ObjectKey| key.namespaced_name() == named && holds_files(&key.kind);
        let mut found: Vec<ObjectKey> = snapshot.sources.keys().filter(is_it).cloned().collect();
        found.sort_by_key(|key| (key.kind != GroupKind::GIT_REPOSITORY, key.clone()));
        found.truncate(1);
        return match found.is_empty() {
            true => Err(Unclear::NotFound),
            false => Ok(Belongs { sources: found, why: "as named".to_owned() }),
        };
    }
    if let Some(found) = by_address(snapshot, clues) {
        return Ok(found);
    }
    let mut used: BTreeMap<&ObjectKey, usize> = BTreeMap::new();
    for node in snapshot.nodes.values() {
        let (Some(spec), Some(source)) = (node.kustomization(), &node.source) else { continue };
        if !holds_files(&source.kind) || !snapshot.sources.contains_key(source) {
            continue;
        }
        let path = join("", spec.path.trim_start_matches('/'));
        let exists = path.is_some_and(|path| !path.is_empty() && clues.files.inside(&path).next().is_some());
        *used.entry(source).or_default() += usize::from(exists);
    }
    if let [(only, _)] = used.iter().collect::<Vec<_>>().as_slice() {
        return Ok(Belongs { sources: vec![(**only).clone()], why: "the only source in sight".to_owned() });
    }
    let most = used.values().copied().max().unwrap_or_default();
    let best: Vec<ObjectKey> =
        used.iter().filter(|(_, count)| **count == most).map(|(key, _)| (*key).clone()).collect();
    match best.as_slice() {
        [] => Err(Unclear::NoSource),
        [one] if most > 0 => {
            let paths = if most == 1 { "1 path".to_owned() } else { format!("{most} paths") };
            let why = format!("it holds {paths} of its Kustomizations, more than for any other source");
            Ok(Belongs { sources: vec![one.clone()], why })
        }
        _ => Err(Unclear::Tie(best)),
    }
}

/// Sources whose address is that of a remote of the tree.
pub(super) fn by_address(snapshot: &Snapshot, clues: Clues<'_>) -> Option<Belongs> {
    let git = snapshot.sources.values().filter(|source| source.key.kind == GroupKind::GIT_REPOSITORY);
    let mut found: Vec<(&ObjectKey, Option<&Revision>, &str)> = Vec::new();
    for source in git {
        let remote = clues.remotes.iter().find(|(_, url)| is_same_repository(url, &source.url));
        let revision = source.artifact.as_ref().map(|artifact| &artifact.revision);
        found.extend(remote.map(|(name, _)| (&source.key, revision, name.as_str())));
    }
    let on_branch = |revision: &Option<&Revision>| {
        revision.is_some_and(|revision| clues.branch.is_some() && revision.branch() == clues.branch)
    };
    if found.iter().any(|(_, revision, _)| on_branch(revision)) {
        found.retain(|(_, revision, _)| on_branch(revision));
    }
    let (_, _, remote) = found.first()?;
    let why = format!("its url is that of remote {remote}");
    Some(Belongs { sources: found.iter().map(|(key, ..)| (*key).clone()).collect(), why })
}

/// Whether a source of this kind holds manifests.
fn holds_files(kind: &GroupKind) -> bool {
    [GroupKind::GIT_REPOSITORY, GroupKind::OCI_REPOSITORY, GroupKind::BUCKET, GroupKind::EXTERNAL_ARTIFACT]
        .contains(kind)
}

#[cfg(test)]
mod tests {
    use super::super::tree::TreeFile;
    use super::*;
    use crate::model::{Node, Source, Spec};
    use crate::testing::{ks, snapshot, source};

    fn git(name: &str, url: &str, revision: &str) -> Source {
        let mut source = source();
        source.key.name = name.to_owned();
        source.url = url.to_owned();
        source.artifact.as_mut().unwrap().revision = Revision(revision.to_owned());
        source
    }

    fn of(name: &str, source: &str, path: &str) -> Node {
        let mut node = ks(name);
        node.source.as_mut().unwrap().name = source.to_owned();
        if let Spec::Kustomization(spec) = &mut node.spec {
            spec.path = path.to_owned();
        }
        node
    }

    fn found(
        sources: &[Source],
        nodes: &[Node],
        named: Option<&str>,
        remote: &str,
        branch: Option<&str>,
    ) -> Result<String, Unclear> {
        let mut flux = snapshot(nodes.iter().cloned());
        flux.sources = sources.iter().map(|source| (source.key.clone(), source.clone())).collect();
        let files = ["a/x.yaml", "b/x.yaml"].map(|path| TreeFile { path: path.into(), text: String::new() });
        let files = Files::parse(&files);
        let remotes = [("origin".to_owned(), remote.to_owned())];
        let clues = Clues { named, remotes: &remotes, branch, files: &files };
        let names = |found: Belongs| {
            let names: Vec<&str> = found.sources.iter().map(|key| key.name.as_str()).collect();
            format!("{}: {}", names.join(" "), found.why)
        };
        belongs(&flux, clues).map(names)
    }

    #[test]
    fn a_tree_belongs_to_the_source_with_the_address_of_its_remote() {
        let two = [git("one", "https://h/one", "main@sha1:a"), git("two", "https://h/two.git", "main@sha1:b")];
        let nodes = [of("x", "one", "./a"), of("y", "two", "./c")];
        let told = |named, remote| found(&two, &nodes, named, remote, Some("main"));
        assert_eq!(told(None, "git@h:two"), Ok("two: its url is that of remote origin".to_owned()));
        assert_eq!(told(Some("flux-system/one"), "git@h:two"), Ok("one: as named".to_owned()));
        assert_eq!(told(Some("flux-system/three"), "git@h:two"), Err(Unclear::NotFound));
        let most = "one: it holds 1 path of its Kustomizations, more than for any other source";
        assert_eq!(told(None, "git@h:three"), Ok(most.to_owned()));
    }

    #[test]
    fn of_several_sources_with_that_address_the_branch_decides_where_it_can() {
        let same = [git("one", "https://h/one", "main@sha1:a"), git("two", "https://h/one", "prod@sha1:b")];
        let told = |branch| found(&same, &[], None, "https://h/one", branch);
        assert_eq!(told(Some("prod")), Ok("two: its url is that of remote origin".to_owned()));
        assert_eq!(told(Some("mine")), Ok("one two: its url is that of remote origin".to_owned()));
        assert_eq!(told(None), Ok("one two: its url is that of remote origin".to_owned()));
    }

    #[test]
    fn without_an_address_the_only_source_is_meant_and_a_tie_is_asked_about() {
        let two = [git("one", "https://h/one", "main@sha1:a"), git("two", "https://h/two", "main@sha1:b")];
        let only = found(&two, &[of("x", "one", "./nowhere")], None, "", None);
        assert_eq!(only, Ok("one: the only source in sight".to_owned()));
        let tie = found(&two, &[of("x", "one", "./a"), of("y", "two", "./b")], None, "", None);
        assert!(matches!(tie, Err(Unclear::Tie(sources)) if sources.len() == 2));
        let neither = found(&two, &[of("x", "one", "./q"), of("y", "two", "./q")], None, "", None);
        assert!(matches!(neither, Err(Unclear::Tie(_))));
        assert_eq!(found(&two, &[], None, "", None), Err(Unclear::NoSource));
    }
}
