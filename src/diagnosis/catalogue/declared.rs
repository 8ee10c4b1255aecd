//! Objects that are declared in a repository and not on the cluster: whose turn it is.

use super::{called, fault, quote, reconcile, resume};
use crate::diagnosis::cause::{Code, Fault, Quote};
use crate::model::{At, Joined, Node, ObjectKey, Revision, Snapshot};

/// Where something is written down, as evidence.
pub(crate) fn written(text: &str, at: &At) -> Quote {
    Quote { at: Some(at.clone()), ..quote("file", text) }
}

fn place(snapshot: &Snapshot, node: &Node) -> Option<At> {
    let builder = snapshot.declared.builder_of(&node.key)?;
    let build = snapshot.declared.builds.get(builder)?;
    build.objects.get(&node.key).map(|built| built.at.clone())
}

fn with_place(fault: Fault, snapshot: &Snapshot, node: &Node) -> Fault {
    match place(snapshot, node) {
        Some(at) => fault.seen(written(&format!("declares {}", called(&node.key)), &at)),
        None => fault,
    }
}

/// The Kustomization that would apply it is suspended.
pub(crate) fn parent_suspended(snapshot: &Snapshot, node: &Node, parent: &Node) -> Fault {
    let summary = format!(
        "{} is declared and not on the cluster: {}, which would apply it, is suspended",
        called(&node.key),
        called(&parent.key)
    );
    let found = fault(parent.key.clone(), Code::NotApplied, Some("ParentSuspended"), summary)
        .seen(quote("spec", "suspend: true"));
    with_place(found, snapshot, node).remedy("resume it", resume(&parent.key))
}

/// The Kustomization that would apply it is fine.
pub(crate) fn not_applied(snapshot: &Snapshot, node: &Node, parent: &Node) -> Fault {
    let declared = &snapshot.declared;
    let is_compared = declared.build(&parent.key).is_some_and(|(_, tree)| tree.history.is_ok());
    let runs = parent.revision().map(|revision| format!(" at {}", revision.short())).unwrap_or_default();
    let summary = if is_compared {
        format!(
            "{} is declared and not on the cluster, although {}, which applies it, is ready{runs}",
            called(&node.key),
            called(&parent.key)
        )
    } else {
        format!(
            "{} is declared in the tree at hand and not on the cluster; {}, which would apply it, is ready{runs}, which \
             may be older than the tree",
            called(&node.key),
            called(&parent.key)
        )
    };
    let found = fault(node.key.clone(), Code::NotApplied, None, summary).comes_of(&parent.key);
    with_place(found, snapshot, node).remedy(
        format!("let {} apply it again; of a tree that is not pushed yet, push first", parent.key.name),
        reconcile(&parent.key),
    )
}

/// As [`not_applied`], of several that one Kustomization would apply: it is what has to run.
pub(crate) fn several_not_applied(snapshot: &Snapshot, parent: &Node, missing: &[&ObjectKey]) -> Fault {
    let is_compared = snapshot.declared.build(&parent.key).is_some_and(|(_, tree)| tree.history.is_ok());
    let runs = parent.revision().map(|revision| format!(" at {}", revision.short())).unwrap_or_default();
    let names: Vec<String> = missing.iter().map(|key| called(key)).collect();
    let where_from = if is_compared { "" } else { " in the tree at hand" };
    let older = if is_compared { "" } else { ", which may be older than the tree" };
    let summary = format!(
        "{} are declared{where_from} and not on the cluster, although {}, which applies them, is ready{runs}{older}",
        super::some(&names),
        called(&parent.key)
    );
    fault(parent.key.clone(), Code::NotApplied, None, summary).remedy(
        format!("let {} apply them again; of a tree that is not pushed yet, push first", parent.key.name),
        reconcile(&parent.key),
    )
}

/// A dependency that stands in a file which nothing builds, or which the cluster has not fetched; `None` where no file
/// declares it, or one that is built and may give it another name.
pub(crate) fn not_included(snapshot: &Snapshot, dependent: &Node, missing: &ObjectKey) -> Option<Fault> {
    let declared = &snapshot.declared;
    let trees: Vec<&Joined> = declared.trees.values().collect();
    let is_built = |at: &At| declared.builds.values().any(|build| build.reads(&at.path));
    let tried = trees.iter().flat_map(|tree| tree.tried().written(missing).collect::<Vec<_>>());
    let lies_unused: Vec<At> = tried.filter(|at| !is_built(at)).collect();
    if let Some(at) = lies_unused.first() {
        let folder = at.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let summary = format!(
            "{} depends on {}, which {} declares; no kustomization includes that file",
            dependent.key.name,
            called(missing),
            at.path
        );
        let list = list_around(&trees, folder);
        let remedy = match &list {
            Some(list) => {
                let name = at.path.strip_prefix(list.rsplit_once('/').map_or("", |(folder, _)| folder));
                let name = name.unwrap_or(&at.path).trim_start_matches('/');
                format!("add {name} to resources of {list}, commit and push")
            }
            None => format!("let the path of a Kustomization include {}, commit and push", at.path),
        };
        let found = fault(missing.clone(), Code::NotApplied, None, summary);
        let found = found.seen(written(&format!("declares {}", called(missing)), at));
        return Some(entry(found, dependent, missing).remedy(remedy, None));
    }
    let (tree, at) = trees.iter().find_map(|tree| Some((tree, tree.hand.written(missing).next()?)))?;
    tree.fetched.as_ref()?; // else it is the same file, and some build reads it
    if tree.tried().written(missing).next().is_some() {
        return None;
    }
    let revision = tree.history.as_ref().ok().and_then(|history| history.revision.as_ref());
    let revision = revision.map(Revision::short).unwrap_or_default();
    let summary = format!(
        "{} depends on {}, which {} declares in the tree at hand, and {revision}, which the cluster has fetched, does not",
        dependent.key.name,
        called(missing),
        at.path
    );
    let found = fault(missing.clone(), Code::NotApplied, None, summary);
    let found = found.seen(written(&format!("declares {}", called(missing)), &at));
    Some(entry(found, dependent, missing).remedy("commit and push it", None))
}

/// Adds where the `dependsOn` entry stands.
pub(crate) fn entry(fault: Fault, dependent: &Node, dependency: &ObjectKey) -> Fault {
    let entry = dependent.depends_on.iter().find(|entry| entry.key == *dependency);
    match entry.and_then(|entry| entry.at.as_ref()) {
        Some(at) => fault.seen(written(&format!("{} depends on {}", dependent.key.name, dependency.name), at)),
        None => fault,
    }
}

/// The kustomization file of a folder, or of the nearest one around it.
fn list_around(trees: &[&Joined], folder: &str) -> Option<String> {
    let mut folder = folder;
    loop {
        for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            if trees.iter().any(|tree| tree.tried().files.contains_key(&path)) {
                return Some(path);
            }
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
    }
}
