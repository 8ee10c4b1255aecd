//! Why one object is as it is: the shortest chain from it to each of its root causes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::catalogue::called;
use super::cause::{Cause, Code, RetryClock};
use super::report::{Diagnosis, ObjectReport, SourceReport};
use super::{ahead, suspects};
use crate::model::{At, Commit, ObjectKey, Snapshot, Warning};

/// Warnings that tell what could not be read.
pub(super) const HIDES: [&str; 5] =
    ["InputBroken", "PartialList", "Forbidden", "NotCovered", "SeveralClusters"];

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Everything that is not ready.
    All {
        /// In this namespace alone.
        namespace: Option<&'a str>,
    },
    /// A Kustomization, HelmRelease or ResourceSet.
    Object(&'a ObjectReport),
    /// A source.
    Source(&'a SourceReport),
    /// A dependency or source that does not exist.
    Missing(&'a ObjectKey),
    /// Something that a joined repository declares, and nothing in sight has.
    NotFetched(&'a NotFetched),
}

/// What is written down in a repository, and not (yet) what the cluster has fetched, or in no build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFetched {
    /// Which object, under the name that stands there.
    pub key: ObjectKey,
    /// Where it is written.
    pub at: At,
    /// What it waits for, in words.
    pub waits_for: String,
}

/// What the joined repositories write down under a name, although nothing in sight has it; ordered.
pub fn not_fetched(snapshot: &Snapshot, wanted: impl Fn(&ObjectKey) -> bool) -> Vec<NotFetched> {
    let mut found = Vec::new();
    for (source, tree) in &snapshot.declared.trees {
        for (path, file) in &tree.hand.files {
            for object in file.objects.iter().filter(|object| wanted(&object.key)) {
                let at = At { path: path.clone(), line: object.line };
                let fetched = tree.tried().written(&object.key).any(|known| known.path == at.path);
                let waits_for = match (&tree.history, fetched) {
                    (_, true) => "no Kustomization in sight takes this file in".to_owned(),
                    (Ok(history), false) if history.ahead > 0 => format!(
                        "{} has not fetched it: the tree is {} ahead; push, and it comes with the next fetch",
                        called(source),
                        commits(history.ahead)
                    ),
                    (_, false) => format!("{} has not fetched it: commit and push", called(source)),
                };
                found.push(NotFetched { key: object.key.clone(), at, waits_for });
            }
        }
    }
    found
}

fn commits(number: usize) -> String {
    format!("{number} commit{}", if number == 1 { "" } else { "s" })
}

/// The answer for something that is only written down.
pub fn why_not_fetched<'a>(diagnosis: &'a Diagnosis, found: &'a NotFetched) -> Why<'a> {
    let target = Target::NotFetched(found);
    Why { diagnosis, target, causes: Vec::new(), next: Vec::new(), warnings: Vec::new() }
}

/// The answer for one target.
#[derive(Clone, Debug)]
pub struct Why<'a> {
    /// Where everything else can be looked up.
    pub diagnosis: &'a Diagnosis,
    /// What was asked about.
    pub target: Target<'a>,
    /// Root causes that hit it, those that block most first, each with the shortest chain from the target.
    pub causes: Vec<Cause>,
    /// What would stop it next; see [`Why::look_ahead`].
    pub next: Vec<Cause>,
    /// Warnings about the target or its source.
    pub warnings: Vec<&'a Warning>,
}

impl Why<'_> {
    /// Fills in what would stop the target, or what it waits for, when its root causes are gone.
    pub fn look_ahead(&mut self, snapshot: &Snapshot) {
        self.next = ahead::next(snapshot, self);
    }

    /// Objects of which it would have to be known whether they exist, to look ahead.
    pub fn references_ahead(&self, snapshot: &Snapshot) -> Vec<ObjectKey> {
        ahead::references_of(snapshot, self)
    }

    /// Commits that may have broken what is asked about, newest first, at most five.
    pub fn suspects(&self) -> Vec<&Commit> {
        suspects::all(self.causes.iter())
    }

    /// Whether the answer is bad: a cause is listed, or the target is in a bad state.
    pub fn is_bad(&self) -> bool {
        let bad = match self.target {
            Target::All { namespace } => self.diagnosis.objects.values().any(|object| {
                self.diagnosis.is_bad(object) && namespace.is_none_or(|wanted| object.key.namespace == wanted)
            }),
            Target::Object(object) => self.diagnosis.is_bad(object),
            Target::Source(source) => source.state.is_bad() && !self.diagnosis.is_declared(),
            Target::Missing(_) => true,
            Target::NotFetched(_) => false, // it is on its way, or nobody wants it
        };
        bad || !self.causes.is_empty()
    }
}

/// Explains one object, one source or one missing dependency; `None` where there is no such thing in sight.
pub fn why<'a>(diagnosis: &'a Diagnosis, key: &'a ObjectKey) -> Option<Why<'a>> {
    let (target, causes) = if let Some(object) = diagnosis.objects.get(key) {
        (Target::Object(object), causes_of(diagnosis, object))
    } else if let Some(source) = diagnosis.sources.get(key) {
        (Target::Source(source), causes_of_source(diagnosis, source))
    } else if is_missing(diagnosis, key) {
        let causes = diagnosis.causes.iter().filter(|cause| cause.fault.object == *key);
        let here = |cause: &Cause| Cause { chain: vec![key.clone()], ..cause.clone() };
        (Target::Missing(key), causes.map(here).collect())
    } else {
        return None;
    };
    let source = match target {
        Target::Object(object) => object.source.as_ref(),
        _ => None,
    };
    let about = |warning: &&Warning| {
        let object = warning.object.as_ref();
        object.is_some_and(|object| object == key || Some(object) == source)
    };
    let applier = match target {
        Target::Object(object) => object.applied_by.as_ref(),
        _ => None,
    };
    // What is told of the files of a cause rests on the build that it stands in.
    let stands_at = |builder: &ObjectKey| causes.iter().any(|cause| cause.stands_at.contains(builder));
    let matters = |warning: &&Warning| {
        let builder = warning.object.as_ref().filter(|_| !causes.is_empty());
        builder.is_some_and(|builder| builder == key || Some(builder) == applier || stands_at(builder))
    };
    let partial = diagnosis.partial.iter().filter(matters);
    // What is missing is told whoever is asked about: nobody knows what it would have shown.
    let hidden = diagnosis.warnings.iter().filter(|warning| !diagnosis.complete && warning.object.is_none());
    let hidden = hidden.filter(|warning| HIDES.contains(&warning.code));
    let warnings = diagnosis.warnings.iter().filter(about).chain(hidden).chain(partial).collect();
    Some(Why { diagnosis, target, causes, next: Vec::new(), warnings })
}

/// A dependency or a source that others refer to and that does not exist.
fn is_missing(diagnosis: &Diagnosis, key: &ObjectKey) -> bool {
    let source = |cause: &Cause| cause.fault.object == *key && cause.fault.code == Code::SourceNotFound;
    diagnosis.layering.missing.contains_key(key) || diagnosis.causes.iter().any(source)
}

/// Explains everything that is not ready, or what is so in one namespace.
pub fn why_all<'a>(diagnosis: &'a Diagnosis, namespace: Option<&'a str>) -> Why<'a> {
    let here = |key: &ObjectKey| namespace.is_none_or(|wanted| key.namespace == wanted);
    let hits = |cause: &&Cause| {
        let blocked =
            |object: &ObjectReport| here(&object.key) && object.blocked_by.contains(&cause.fault.object);
        cause.affected.iter().any(here) || here(&cause.fault.object) || diagnosis.objects.values().any(blocked)
    };
    let causes = diagnosis.causes.iter().filter(|cause| namespace.is_none() || hits(cause)).cloned().collect();
    let about = |warning: &&Warning| warning.object.as_ref().is_none_or(here);
    let warnings = diagnosis.warnings.iter().filter(about).collect();
    Why { diagnosis, target: Target::All { namespace }, causes, next: Vec::new(), warnings }
}

fn causes_of(diagnosis: &Diagnosis, object: &ObjectReport) -> Vec<Cause> {
    let hit = |cause: &&Cause| {
        let it = &cause.fault.object;
        object.blocked_by.contains(it) || *it == object.key || cause.affected.contains(&object.key)
    };
    let causes = diagnosis.causes.iter().filter(hit);
    causes.map(|cause| Cause { chain: chain(diagnosis, &object.key, cause), ..cause.clone() }).collect()
}

/// A source that nothing uses is no cause of anything, and explained all the same.
fn causes_of_source(diagnosis: &Diagnosis, source: &SourceReport) -> Vec<Cause> {
    let Some(fault) = &source.fault else { return Vec::new() };
    let known = diagnosis.causes.iter().find(|cause| {
        // As a cause it may have become a stale source meanwhile.
        cause.fault.object == fault.object
            && (cause.fault.code == fault.code || cause.fault.code == Code::SourceStale)
    });
    let mut cause = known.cloned().unwrap_or_else(|| Cause {
        fault: fault.clone(),
        since: None,
        affected: Vec::new(),
        stands_at: vec![fault.object.clone()],
        chain: Vec::new(),
        cycle: Vec::new(),
        blocks: 0,
        clock: RetryClock::default(),
        suspects: Vec::new(),
    });
    cause.chain = chain(diagnosis, &source.key, &cause);
    vec![cause]
}

/// The shortest way from `from`, along what is waited for, to where the fault stands, and on to its object; into a cycle
/// along the loop to its smallest member. All ends are included.
pub(super) fn chain(diagnosis: &Diagnosis, from: &ObjectKey, cause: &Cause) -> Vec<ObjectKey> {
    let stands_at: BTreeSet<&ObjectKey> = cause.stands_at.iter().collect();
    let mut came_from: BTreeMap<&ObjectKey, &ObjectKey> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    let mut chain = Vec::new();
    while let Some(at) = queue.pop_front() {
        if stands_at.contains(at) {
            let mut here = at;
            chain.push(here.clone());
            while let Some(before) = came_from.get(here).filter(|_| here != from) {
                here = before;
                chain.push(here.clone());
            }
            chain.reverse();
            break;
        }
        for next in diagnosis.waits.get(at).into_iter().flatten() {
            if next != from && !came_from.contains_key(next) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    if chain.is_empty() {
        chain.push(from.clone());
    }
    let entered = chain.last().and_then(|last| cause.cycle.iter().position(|member| member == last));
    if let Some(entered) = entered.filter(|entered| *entered > 0) {
        chain.extend(cause.cycle[entered + 1..].iter().cloned());
    }
    if chain.last() != Some(&cause.fault.object) {
        chain.push(cause.fault.object.clone());
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::diagnose;
    use crate::model::Node;
    use crate::testing::{key, ks, snapshot};

    fn chains(nodes: impl IntoIterator<Item = Node>, name: &str) -> Vec<String> {
        let diagnosis = diagnose(&snapshot(nodes));
        let key = key(name);
        let found = why(&diagnosis, &key).unwrap();
        let names =
            |cause: &Cause| cause.chain.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(" ");
        found.causes.iter().map(names).collect()
    }

    #[test]
    fn the_chain_leads_from_the_target_to_the_fault() {
        let nodes = || {
            [
                ks("broken").failing("BuildFailed", "kustomize build failed: x"),
                ks("middle").on("broken").waiting_for("broken"),
                ks("apps").on("middle").waiting_for("middle"),
            ]
        };
        assert_eq!(chains(nodes(), "apps"), ["apps middle broken"]);
        assert_eq!(chains(nodes(), "broken"), ["broken"]);
    }

    #[test]
    fn of_two_ways_the_shorter_one_is_told_and_each_cause_has_its_own() {
        let nodes = [
            ks("broken").failing("BuildFailed", "kustomize build failed: x"),
            ks("middle").on("broken").on("gone").waiting_for("broken"),
            ks("apps").on("middle").on("broken").waiting_for("middle"),
        ];
        assert_eq!(chains(nodes, "apps"), ["apps broken", "apps middle gone"]);
    }

    #[test]
    fn into_a_cycle_the_chain_follows_the_loop_to_its_smallest_member() {
        let nodes = || {
            [
                ks("a").on("b").never().waiting_for("b"),
                ks("b").on("c").never().waiting_for("c"),
                ks("c").on("a").never().waiting_for("a"),
                ks("x").on("b").never().waiting_for("b"),
            ]
        };
        assert_eq!(chains(nodes(), "x"), ["x b c a"]);
        assert_eq!(chains(nodes(), "a"), ["a"]);
        assert_eq!(chains(nodes(), "c"), ["c a"]);
    }

    #[test]
    fn what_is_ready_has_no_cause() {
        assert_eq!(chains([ks("fine")], "fine"), Vec::<String>::new());
    }
}
