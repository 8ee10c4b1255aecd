//! What would stop an object's next run, as far as the facts in hand prove it: references to what does not exist, a
//! path that the source does not have, keys that open nothing, and a failure that this revision has had before.

use super::declared::written;
use super::{Failure, Lead, artifact, build, called, cluster, dependency, helm, leads, quote, sops};
use crate::diagnosis::cause::{Code, Fault};
use crate::model::{At, GroupKind, Node, ObjectKey, Presence, Sealed, Snapshot, Spec};

/// The faults that a run would meet, in the order in which the controller would (flux-semantics §2.2 and §5). What is out
/// of sight is none; a missing service account is none either, because its rights need no account to be granted.
pub(crate) fn faults(snapshot: &Snapshot, node: &Node) -> Vec<Fault> {
    let mut found: Vec<Fault> = source(snapshot, node).into_iter().collect();
    match &node.spec {
        Spec::Kustomization(spec) => {
            found.extend(path(snapshot, node));
            found.extend(kube_config(snapshot, node));
            found.extend(keys(snapshot, node));
            let missing = spec.substitute_from.iter().filter(|from| !from.optional);
            let missing = missing.filter(|from| is_missing(snapshot, &from.key));
            found.extend(missing.map(|from| {
                yet(snapshot, node, &from.key, build::substitute_from_not_found(node.key.clone(), &from.key))
            }));
        }
        Spec::HelmRelease(spec) => {
            let missing = spec.values_from.iter().filter(|from| !from.optional);
            let missing = missing.filter(|from| is_missing(snapshot, &from.key));
            found.extend(missing.map(|from| {
                yet(snapshot, node, &from.key, helm::values_not_found(from.key.clone(), &from.values_key))
            }));
            found.extend(kube_config(snapshot, node));
        }
        Spec::ResourceSet => {}
    }
    if found.is_empty() {
        found.extend(failed_before(snapshot, node));
    }
    found
}

/// What must be there before a run, beside the source: what a look by name would prove missing.
pub(crate) fn references(node: &Node) -> Vec<ObjectKey> {
    let mut keys: Vec<ObjectKey> = node.kube_config.iter().cloned().collect();
    match &node.spec {
        Spec::Kustomization(spec) => {
            let secret = spec.decryption.as_ref().filter(|decryption| decryption.provider == "sops");
            let secret = secret.and_then(|decryption| decryption.secret.as_deref());
            keys.extend(secret.map(|name| ObjectKey::new(GroupKind::SECRET, &*node.key.namespace, name)));
            let from = spec.substitute_from.iter().filter(|from| !from.optional);
            keys.extend(from.map(|from| from.key.clone()));
        }
        Spec::HelmRelease(spec) => {
            let from = spec.values_from.iter().filter(|from| !from.optional);
            keys.extend(from.map(|from| from.key.clone()));
        }
        Spec::ResourceSet => {}
    }
    keys.retain(|key| [GroupKind::SECRET, GroupKind::CONFIG_MAP].contains(&key.kind));
    keys
}

/// It is not there, and no file of a joined repository declares something of that name, which may bring it.
fn is_missing(snapshot: &Snapshot, key: &ObjectKey) -> bool {
    let is_it = |other: &ObjectKey| {
        let namespace = other.namespace.is_empty() || other.namespace == key.namespace;
        other.name == key.name && namespace
    };
    let objects = |tree: &crate::model::Joined| {
        tree.tried().files.values().any(|file| file.objects.iter().any(|object| is_it(&object.key)))
    };
    snapshot.presence(key) == Presence::Absent && !snapshot.declared.trees.values().any(objects)
}

/// What an object that never ran refers to may be made by what it waits for.
fn yet(snapshot: &Snapshot, node: &Node, key: &ObjectKey, mut fault: Fault) -> Fault {
    if snapshot.presence(key) == Presence::Absent && node.revision().is_none() {
        fault.summary.push_str(" so far, unless something that comes before makes it");
    }
    fault
}

fn source(snapshot: &Snapshot, node: &Node) -> Option<Fault> {
    let key = node.source.as_ref().filter(|key| key.kind != GroupKind::HELM_CHART)?;
    is_missing(snapshot, key).then(|| dependency::source_not_found(snapshot, &node.key, key, None))
}

/// The path, where the tree at hand is known to be what the cluster has fetched.
fn path(snapshot: &Snapshot, node: &Node) -> Option<Fault> {
    let (build, tree) = snapshot.declared.build(&node.key)?;
    let source = snapshot.sources.get(build.source.as_ref()?)?;
    let history = tree.history.as_ref().ok()?;
    let fetched = source.artifact.as_ref().map(|artifact| &artifact.revision);
    let same = fetched.is_some() && history.revision.as_ref() == fetched && !source.filtered;
    // What differs are manifests alone: without the other tree these are the same files.
    let known = tree.fetched.is_some() || history.differ.is_empty();
    if build.exists || !same || !known || build.path.contains('$') {
        return None;
    }
    let fault = artifact::path_not_found(node.key.clone(), &build.path);
    let revision = fetched.map(|revision| revision.short()).unwrap_or_default();
    Some(fault.seen(quote("source", &format!("{revision} of {} holds no such folder", called(&source.key)))))
}

fn kube_config(snapshot: &Snapshot, node: &Node) -> Option<Fault> {
    let secret = node.kube_config.as_ref().filter(|secret| is_missing(snapshot, secret))?;
    let found = cluster::secret_not_found(node.key.clone(), &called(secret)).comes_of(secret);
    Some(yet(snapshot, node, secret, found))
}

/// The decryption Secret, then the encrypted files of the build one by one.
fn keys(snapshot: &Snapshot, node: &Node) -> Vec<Fault> {
    let sealed = sealed(snapshot, node);
    if let Some(fault) = sops::before_the_run(snapshot, node) {
        let absent = snapshot.presence(&fault.object) == Presence::Absent;
        // Without a key only what is encrypted fails; a Secret that is not there stops every run.
        let stops = match absent {
            true => is_missing(snapshot, &fault.object),
            false => sealed.as_ref().is_none_or(|sealed| !sealed.is_empty()),
        };
        let object = fault.object.clone();
        return if stops { vec![yet(snapshot, node, &object, fault)] } else { Vec::new() };
    }
    let shut = sealed.into_iter().flatten().find_map(|(key, at, sealed)| {
        let only_age = sealed.recipients.iter().all(|recipient| recipient.kind == "age");
        let of: Vec<String> = sealed.recipients.iter().map(|recipient| recipient.name.clone()).collect();
        let fault = sops::opens_nothing(snapshot, node, &called(&key), &of).filter(|_| only_age)?;
        let line = sealed.recipients.first().map_or(at.line, |first| first.line);
        let mut fault = fault;
        fault.evidence.retain(|quote| quote.source != "file");
        fault.evidence.insert(0, written(&format!("encrypted for {}", of.join(", ")), &At { line, ..at }));
        Some(fault)
    });
    shut.into_iter().collect()
}

/// The encrypted objects that a build makes; `None` where it is not known.
fn sealed(snapshot: &Snapshot, node: &Node) -> Option<Vec<(ObjectKey, At, Sealed)>> {
    let (build, tree) = snapshot.declared.build(&node.key)?;
    let objects = build.objects.iter().filter(|(_, built)| !built.left_alone && !built.partial);
    let sealed = objects.filter_map(|(key, built)| {
        let file = tree.tried().files.get(&built.at.path)?;
        let same = |written: &&crate::model::DeclaredObject| {
            written.line == built.at.line && written.key.name == key.name
        };
        let sealed = file.objects.iter().find(same)?.sealed.clone()?;
        Some((key.clone(), built.at.clone(), sealed))
    });
    Some(sealed.collect())
}

/// The failure that its last run of this very revision came to, where nothing has changed since.
fn failed_before(snapshot: &Snapshot, node: &Node) -> Vec<Fault> {
    let source = node.source.as_ref().and_then(|source| snapshot.sources.get(source));
    let revision = source.and_then(|source| source.artifact.as_ref()).map(|artifact| &artifact.revision);
    let Some(revision) = revision.filter(|_| node.kustomization().is_some()) else { return Vec::new() };
    let events = snapshot.evidence.events.get(&node.key).map(Vec::as_slice).unwrap_or_default();
    let good = |reason: &str| reason == "ReconciliationSucceeded";
    let of_this = |event: &&crate::model::Event| event.revision.as_ref() == Some(revision);
    let runs = node.status.history.iter().filter(|entry| entry.revision.as_ref() == Some(revision));
    let succeeded = runs.clone().filter(|entry| good(&entry.status)).filter_map(|entry| entry.last);
    let seen = events.iter().filter(of_this).filter(|event| good(&event.reason)).filter_map(|event| event.last);
    let since = succeeded.chain(seen).chain(node.meta.edited).max();
    let newest = events.iter().filter(of_this).rfind(|event| event.warning && event.last > since);
    let Some(event) = newest else { return Vec::new() };
    let failure = Failure { node, reason: &event.reason, message: &event.message, snapshot };
    let found = leads(&failure).into_iter().filter_map(|lead| match lead {
        // What it names may have changed since, where that lies outside of its revision.
        Lead::Fault(fault) if fault.object == node.key && is_of_the_revision(fault.code) => Some(fault),
        Lead::Fault(_) | Lead::Walk(_) => None,
    });
    found.collect()
}

/// Whether a failure comes of the manifests alone, so that the same revision fails the same way.
fn is_of_the_revision(code: Code) -> bool {
    matches!(
        code,
        Code::PathNotFound
            | Code::BuildFailed
            | Code::SopsNotConfigured
            | Code::InvalidObject
            | Code::ImmutableField
    )
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;
    use crate::model::{HelmReleaseSpec, SubstituteRef, ValuesRef};

    fn codes(snapshot: &Snapshot, node: &Node) -> Vec<(Code, Option<&'static str>)> {
        faults(snapshot, node).iter().map(|fault| (fault.code, fault.subcode)).collect()
    }

    fn covering(kinds: &[GroupKind]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        kinds.iter().for_each(|kind| snapshot.coverage.cover_everywhere(kind.clone()));
        snapshot
    }

    #[test]
    fn a_decryption_secret_stops_it_only_where_it_is_known_to_be_missing() {
        let node = encrypted("apps/web", Some("sops-age"));
        let hidden = Snapshot::default();
        assert_eq!(codes(&hidden, &node), []);
        let mut absent = Snapshot::default();
        absent.coverage.cover_absent(key(GroupKind::SECRET, "apps/sops-age"));
        assert_eq!(codes(&absent, &node), [(Code::SopsSecretNotFound, None)]);
        assert_eq!(codes(&absent, &encrypted("other/web", Some("sops-age"))), []);
        let mut there = covering(&[GroupKind::SECRET]);
        there.evidence.secrets.insert(key(GroupKind::SECRET, "apps/sops-age"), secret(&["age.agekey"]));
        assert_eq!(codes(&there, &node), []);
        there.evidence.secrets.insert(key(GroupKind::SECRET, "apps/sops-age"), secret(&["age.key"]));
        assert_eq!(codes(&there, &node), [(Code::SopsSecretKeyName, None)]);
    }

    #[test]
    fn no_run_is_asked_for_of_what_runs_by_itself() {
        let snapshot = covering(&[GroupKind::SECRET]);
        let fault = faults(&snapshot, &encrypted("apps/web", Some("sops-age"))).remove(0);
        let commands: Vec<_> = fault.remedies.iter().filter_map(|remedy| remedy.command.as_deref()).collect();
        assert_eq!(commands, ["kubectl -n apps create secret generic sops-age --from-file=age.agekey"]);
    }

    #[test]
    fn what_is_optional_or_out_of_sight_stops_nothing() {
        let mut node = ks("apps/web");
        let from = |kind, name: &str, optional| SubstituteRef { key: key(kind, name), optional };
        if let Spec::Kustomization(spec) = &mut node.spec {
            spec.substitute_from = vec![
                from(GroupKind::CONFIG_MAP, "apps/vars", false),
                from(GroupKind::CONFIG_MAP, "apps/more", true),
                from(GroupKind::SECRET, "apps/vars", false),
            ];
        }
        assert_eq!(codes(&Snapshot::default(), &node), []);
        let found = faults(&covering(&[GroupKind::CONFIG_MAP]), &node);
        let [fault] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(fault.subcode, Some("SubstituteFromNotFound"));
        assert_eq!(
            references(&node),
            [key(GroupKind::CONFIG_MAP, "apps/vars"), key(GroupKind::SECRET, "apps/vars")]
        );
    }

    #[test]
    fn the_values_and_the_kubeconfig_of_a_release_are_looked_for() {
        let mut node = hr("apps/web");
        node.spec = Spec::HelmRelease(HelmReleaseSpec {
            values_from: vec![ValuesRef {
                key: key(GroupKind::CONFIG_MAP, "apps/values"),
                values_key: "prod.yaml".to_owned(),
                optional: false,
            }],
            ..HelmReleaseSpec::default()
        });
        node.kube_config = Some(key(GroupKind::SECRET, "apps/remote"));
        let found = faults(&covering(&[GroupKind::CONFIG_MAP, GroupKind::SECRET]), &node);
        let told: Vec<_> = found.iter().map(|fault| fault.summary.as_str()).collect();
        insta::assert_debug_snapshot!(told, @r#"
        [
            "ConfigMap apps/values with values for the chart does not exist so far, unless something that comes before makes it",
            "Secret apps/remote, which holds the kubeconfig of the remote cluster, does not exist so far, unless something that comes before makes it",
        ]
        "#);
    }
}
