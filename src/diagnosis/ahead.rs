//! Looking ahead: what would stop an object next, once what it waits for is mended. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::catalogue::ahead::{faults, references};
use super::cause::{Cause, Code, RetryClock};
use super::places;
use super::report::{Diagnosis, ObjectReport, State};
use super::why::{Target, Why, chain};
use crate::model::{ObjectKey, Snapshot};

/// Causes that are told at most.
const MOST: usize = 20;

/// What would stop the target, or what it waits for, when its root causes are gone; ordered by the way to it. What is a
/// root cause already is not among it.
pub(super) fn next(snapshot: &Snapshot, why: &Why<'_>) -> Vec<Cause> {
    let diagnosis = why.diagnosis;
    let known: BTreeSet<(&ObjectKey, Code)> =
        diagnosis.causes.iter().map(|cause| (&cause.fault.object, cause.fault.code)).collect();
    let mut found: Vec<Cause> = Vec::new();
    let mut places: BTreeMap<(ObjectKey, Code), usize> = BTreeMap::new();
    for key in waiting(why) {
        let Some(node) = snapshot.nodes.get(key) else { continue };
        for fault in faults(snapshot, node) {
            let identity = (fault.object.clone(), fault.code);
            if known.contains(&(&fault.object, fault.code)) {
                continue;
            }
            if let Some(&at) = places.get(&identity) {
                found[at].affected.push(key.clone());
                continue;
            }
            if found.len() == MOST {
                continue;
            }
            places.insert(identity, found.len());
            let blocks = |object: &&ObjectReport| object.blocked_by.contains(&fault.object);
            let mut cause = Cause {
                since: None,
                affected: vec![key.clone()],
                stands_at: vec![key.clone()],
                chain: Vec::new(),
                cycle: Vec::new(),
                blocks: diagnosis.objects.values().filter(blocks).count(),
                clock: RetryClock::default(),
                suspects: Vec::new(),
                fault,
            };
            let from = match why.target {
                Target::Object(object) => &object.key,
                _ => key,
            };
            cause.chain = chain(diagnosis, from, &cause);
            found.push(cause);
        }
    }
    places::add(snapshot, &mut found);
    found
}

/// What a look by name would settle of what comes next; ordered, each once.
pub(super) fn references_of(snapshot: &Snapshot, why: &Why<'_>) -> Vec<ObjectKey> {
    let mut seen = BTreeSet::new();
    let nodes = waiting(why).into_iter().filter_map(|key| snapshot.nodes.get(key));
    nodes.flat_map(references).filter(|key| seen.insert(key.clone())).collect()
}

/// Objects that have not begun to run: the target, if it is one, then those that it waits for, the nearest first.
fn waiting<'a>(why: &Why<'a>) -> Vec<&'a ObjectKey> {
    let diagnosis = why.diagnosis;
    let start: Vec<&ObjectKey> = match why.target {
        Target::Object(object) => vec![&object.key],
        Target::All { namespace } => {
            let here = |key: &&ObjectKey| namespace.is_none_or(|wanted| key.namespace == wanted);
            diagnosis.objects.keys().filter(here).collect()
        }
        Target::Source(_) | Target::Missing(_) | Target::NotFetched(_) => Vec::new(),
    };
    let mut seen: BTreeSet<&ObjectKey> = start.iter().copied().collect();
    let mut queue = VecDeque::from(start);
    let mut found = Vec::new();
    while let Some(key) = queue.pop_front() {
        let Some(object) = diagnosis.objects.get(key) else { continue };
        if has_not_begun(diagnosis, object) {
            found.push(key);
        }
        queue.extend(diagnosis.waits.get(key).into_iter().flatten().filter(|next| seen.insert(next)));
    }
    found
}

/// Whether it waits for others, so that its next run has not told yet what it will meet.
fn has_not_begun(diagnosis: &Diagnosis, object: &ObjectReport) -> bool {
    let waits = diagnosis.waits.contains_key(&object.key);
    let refused = object.ready.as_ref().is_some_and(|ready| ready.reason == "DependencyNotReady");
    match object.state {
        State::Blocked => true,
        State::Missing => waits,
        State::Suspended => true,
        State::Progressing => waits || refused,
        State::Failed | State::Unknown | State::Ready => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagnose;
    use super::super::why::{why, why_all};
    use super::*;
    use crate::model::{Decryption, GroupKind, Node, Spec};
    use crate::testing::{key, ks, snapshot};

    fn encrypted(mut node: Node) -> Node {
        if let Spec::Kustomization(spec) = &mut node.spec {
            let (provider, secret) = ("sops".to_owned(), Some("sops-age".to_owned()));
            spec.decryption = Some(Decryption { provider, secret, service_account: None });
        }
        node
    }

    fn told(flux: &Snapshot, name: Option<&str>) -> Vec<String> {
        let diagnosis = diagnose(flux);
        let target = name.map(key);
        let mut why = match &target {
            Some(key) => why(&diagnosis, key).unwrap(),
            None => why_all(&diagnosis, None),
        };
        why.look_ahead(flux);
        let names = |keys: &[ObjectKey]| keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>().join(" ");
        let told = |cause: &Cause| {
            format!("{}: {} over {}", cause.fault.code.as_str(), names(&cause.affected), names(&cause.chain))
        };
        why.next.iter().map(told).collect()
    }

    #[test]
    fn what_comes_next_is_that_of_the_target_and_of_what_it_waits_for() {
        let mut flux = snapshot([
            ks("broken").failing("BuildFailed", "kustomize build failed: x"),
            encrypted(ks("middle").on("broken").waiting_for("broken")),
            encrypted(ks("apps").on("middle").waiting_for("middle")),
            encrypted(ks("fine")),
        ]);
        assert_eq!(told(&flux, Some("apps")), Vec::<String>::new());
        flux.coverage.cover_everywhere(GroupKind::SECRET);
        assert_eq!(told(&flux, Some("apps")), ["SopsSecretNotFound: apps middle over apps sops-age"]);
        assert_eq!(told(&flux, Some("middle")), ["SopsSecretNotFound: middle over middle sops-age"]);
        assert_eq!(told(&flux, Some("broken")), Vec::<String>::new());
        assert_eq!(told(&flux, Some("fine")), Vec::<String>::new());
        assert_eq!(told(&flux, None), ["SopsSecretNotFound: apps middle over apps sops-age"]);
    }

    #[test]
    fn what_is_a_root_cause_already_does_not_come_next() {
        let mut flux = snapshot([
            encrypted(ks("broken").failing("BuildFailed", "secrets \"sops-age\" not found")),
            encrypted(ks("apps").on("broken").waiting_for("broken")),
        ]);
        flux.coverage.cover_everywhere(GroupKind::SECRET);
        assert_eq!(told(&flux, Some("apps")), Vec::<String>::new());
    }
}
