//! The reads behind one snapshot: discovery, then all lists at the same time, then the Events that explain failures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::connect::Cluster;
use super::discovery::{KINDS, Served};
use super::error::ClusterError;
use super::list::{Listed, Outcome, Wanted};
use crate::diagnosis::needs::Need;
use crate::model::{GroupKind, Node, Snapshot};
use crate::wire::{Kept, SnapshotBuilder, Store, codes};

/// Requests under way at once.
const IN_FLIGHT: usize = 16;

/// Namespaces in which is looked for what may not be listed everywhere, at most.
const NAMESPACES: usize = 16;

/// Requests of one answer at most, its closer looks included, and closer looks that there are in any case.
const MOST_REQUESTS: usize = 40;
const LEAST_LOOKS: usize = 8;

/// Lists that may not be read in the whole cluster, with the server's words.
type Forbidden = BTreeMap<GroupKind, (Wanted, String)>;

/// All that was read for one look, and where a watch can go on.
pub(super) struct Reading {
    pub(super) store: Store,
    pub(super) served: Served,
    /// Every list that was read, with the version of the whole; without one it had no good answer.
    pub(super) lists: Vec<(Wanted, Option<String>)>,
    /// Lists of Events, whether they were needed or not.
    pub(super) events: Vec<Wanted>,
    /// Namespaces that were looked at because some kind may not be listed in the whole cluster; `None` where all may.
    pub(super) tried: Option<BTreeSet<String>>,
    /// The server's clock.
    pub(super) time: Option<Timestamp>,
}

impl Cluster {
    /// Everything that `status` needs. `namespaces` are looked at first where the whole cluster may not be read.
    ///
    /// `now` is the server's clock unless it is given.
    pub async fn snapshot(
        &self,
        namespaces: &[String],
        now: Option<Timestamp>,
    ) -> Result<Snapshot, ClusterError> {
        let Reading { store, time, .. } = self.read(namespaces).await?;
        Ok(store.into_snapshot(self.label.clone(), now.or(time)))
    }

    /// As [`Cluster::snapshot`], then a closer look at what `needs` says of that snapshot.
    pub async fn closer_snapshot(
        &self,
        namespaces: &[String],
        now: Option<Timestamp>,
        needs: impl FnOnce(&Snapshot) -> Vec<Need>,
    ) -> Result<Snapshot, ClusterError> {
        let (store, now) = self.closer_store(namespaces, now, needs).await?;
        Ok(store.into_snapshot(self.label.clone(), now))
    }

    /// As [`Cluster::closer_snapshot`], with the documents to write it from.
    pub async fn kept_snapshot(
        &self,
        namespaces: &[String],
        now: Option<Timestamp>,
        needs: impl FnOnce(&Snapshot) -> Vec<Need>,
    ) -> Result<Kept, ClusterError> {
        let keeping = Self { keeps: true, ..self.clone() };
        let (store, now) = keeping.closer_store(namespaces, now, needs).await?;
        Ok(store.into_kept(self.label.clone(), now))
    }

    async fn closer_store(
        &self,
        namespaces: &[String],
        now: Option<Timestamp>,
        needs: impl FnOnce(&Snapshot) -> Vec<Need>,
    ) -> Result<(Store, Option<Timestamp>), ClusterError> {
        // The requests of this answer, whatever the same client has been asked for before.
        let counted = Self { asked: Arc::default(), ..self.clone() };
        let Reading { mut store, time, .. } = counted.read(namespaces).await?;
        let now = now.or(time);
        let mut needs = needs(&store.snapshot(self.label.clone(), now));
        // Those that matter most stand first; a large cluster has cost its pages already.
        let left = MOST_REQUESTS.saturating_sub(counted.asked.load(Ordering::Relaxed));
        needs.truncate(left.max(LEAST_LOOKS));
        self.look_closer(store.rest(), &needs).await?;
        Ok((store, now))
    }

    /// Discovery, then all lists at the same time, then Events where something fails.
    pub(super) async fn read(&self, namespaces: &[String]) -> Result<Reading, ClusterError> {
        let opened = self.ahead.open(KINDS.len()); // with the one that discovery leaves: the controllers' as well
        let (served, time) = self.discover().await?;
        if served.is_empty() {
            return Err(ClusterError::NotInstalled { server: self.server.clone() });
        }
        let mut store = if self.keeps { Store::keeping() } else { Store::default() };
        for (kind, _) in KINDS.iter().filter(|(kind, _)| !served.contains_key(kind)) {
            store.rest().covers(kind.clone(), None); // of a kind that is not installed there is nothing
        }
        let mut reading =
            Reading { store, served, lists: Vec::new(), events: Wanted::events().into(), tried: None, time };
        let forbidden = self.read_everywhere(&mut reading).await?;
        drop(opened);
        if !forbidden.is_empty() {
            self.read_in_namespaces(&mut reading, &forbidden, namespaces).await?;
        }
        self.must_show_something(&reading, forbidden, namespaces)?;
        if reading.store.needs_events() {
            for (wanted, result) in self.list_all(reading.events.clone()).await? {
                reading.take(wanted, result)?;
            }
        }
        Ok(reading)
    }

    /// Every kind in the whole cluster, and the controllers; returns what may not be listed.
    async fn read_everywhere(&self, reading: &mut Reading) -> Result<Forbidden, ClusterError> {
        let kinds = KINDS.iter().filter_map(|(kind, plural)| {
            let versions = reading.served.get(kind)?.clone();
            Some(Wanted::everywhere(kind.clone(), versions, plural))
        });
        let wanted = kinds.chain([Wanted::controllers()]).collect();
        let mut forbidden = Forbidden::new();
        for (wanted, result) in self.list_all(wanted).await? {
            let kind = wanted.kind.clone();
            if let Some((wanted, said)) = reading.take(wanted, result)? {
                forbidden.insert(kind, (wanted, said));
            }
        }
        Ok(forbidden)
    }

    /// What may not be listed in the whole cluster is tried where the user is likely to have rights: the namespaces
    /// that were asked for, that of the context, and those that references name, as long as there are new ones.
    async fn read_in_namespaces(
        &self,
        reading: &mut Reading,
        forbidden: &Forbidden,
        namespaces: &[String],
    ) -> Result<(), ClusterError> {
        let mut tried: BTreeSet<String> = BTreeSet::new();
        let mut next: BTreeSet<String> = namespaces.iter().cloned().collect();
        next.insert(self.namespace.clone());
        let mut allowed: BTreeMap<&GroupKind, Vec<String>> = BTreeMap::new();
        let mut failed: BTreeSet<GroupKind> = BTreeSet::new();
        while !next.is_empty() {
            let here = |(wanted, _): &(Wanted, String)| {
                next.iter().map(|name| wanted.in_namespace(name)).collect::<Vec<_>>()
            };
            let wanted = forbidden.values().flat_map(here).collect();
            for (wanted, result) in self.list_all(wanted).await? {
                let (kind, place) = (wanted.kind.clone(), wanted.namespace.clone());
                match (&result, forbidden.get_key_value(&kind)) {
                    (Ok(Listed { outcome: Outcome::Items(..), .. }), Some((kind, _))) => {
                        allowed.entry(kind).or_default().extend(place);
                    }
                    (Err(_), _) => drop(failed.insert(kind)), // told by `take`
                    _ => {}
                }
                reading.take(wanted, result)?;
            }
            let room = NAMESPACES.saturating_sub(tried.len() + next.len());
            tried.append(&mut next);
            let known = reading.store.snapshot(String::new(), None);
            let unknown: Vec<String> =
                referred(&known).into_iter().filter(|namespace| !tried.contains(namespace)).collect();
            next = unknown.iter().take(room).cloned().collect();
            tried.extend(unknown.into_iter().skip(room));
        }
        for kind in forbidden.keys() {
            let text = match allowed.get_mut(kind) {
                None if failed.contains(kind) => {
                    format!("{} objects may not be listed everywhere", kind.kind)
                }
                None => format!("{} objects may not be listed", kind.kind),
                Some(places) => {
                    places.sort();
                    format!(
                        "{} objects were read in {} alone: there is no right to list them everywhere",
                        kind.kind,
                        places.join(", ")
                    )
                }
            };
            reading.store.rest().denied(kind.clone());
            reading.store.rest().incomplete(codes::FORBIDDEN, text);
        }
        // Who may not list the objects everywhere will not be let near everybody's Events either.
        if let Some(places) = allowed.get(&GroupKind::KUSTOMIZATION).or(allowed.get(&GroupKind::HELM_RELEASE)) {
            let here =
                |wanted: &Wanted| places.iter().map(|name| wanted.in_namespace(name)).collect::<Vec<_>>();
            reading.events = Wanted::events().iter().flat_map(here).collect();
        }
        reading.tried = Some(tried);
        Ok(())
    }

    /// Refuses where none of Flux' kinds could be listed anywhere.
    fn must_show_something(
        &self,
        reading: &Reading,
        mut forbidden: Forbidden,
        named: &[String],
    ) -> Result<(), ClusterError> {
        if reading.lists.iter().any(|(wanted, version)| version.is_some() && !wanted.is_evidence()) {
            return Ok(());
        }
        let server = self.server.clone();
        let told = forbidden.remove(&GroupKind::KUSTOMIZATION);
        Err(match told.or_else(|| forbidden.into_values().next()) {
            Some((_, reason)) => {
                let (named, credentials) = (named.to_vec(), self.credentials.clone());
                ClusterError::Forbidden { server, reason, named, credentials }
            }
            None => ClusterError::NotInstalled { server },
        })
    }

    /// Lists all of these at the same time. An error ends it, unless the others may still have a good answer.
    async fn list_all(
        &self,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<(Wanted, Result<Listed, ClusterError>)>, ClusterError> {
        let lists = stream::iter(wanted).map(|wanted| async {
            match self.list(wanted.clone()).await {
                Err(error) if !error.is_of_one_answer() => Err(error),
                result => Ok((wanted, result)),
            }
        });
        lists.buffered(IN_FLIGHT).try_collect().await
    }
}

impl Reading {
    /// Takes in what came of a list; returns it where it may not be read, and the answer needs it.
    fn take(
        &mut self,
        wanted: Wanted,
        result: Result<Listed, ClusterError>,
    ) -> Result<Option<(Wanted, String)>, ClusterError> {
        let Listed { wanted: served, outcome, time } = match result {
            Ok(listed) => listed,
            Err(error) => return self.do_without(wanted, error).map(|()| None),
        };
        self.time = self.time.or(time);
        match outcome {
            Outcome::Items(items, version) => {
                self.store.replace(served.scope(), *items);
                self.lists.push((served, Some(version)));
            }
            Outcome::Forbidden(said) if !wanted.is_evidence() => return Ok(Some((wanted, said))),
            Outcome::Forbidden(_) if wanted.kind.kind == "Event" => {
                self.store.replace(wanted.scope(), no_events());
            }
            Outcome::Forbidden(_) | Outcome::NotServed => {}
        }
        Ok(None)
    }

    /// Without the objects that are judged there is no verdict; the others may be out of sight.
    fn do_without(&mut self, wanted: Wanted, error: ClusterError) -> Result<(), ClusterError> {
        if wanted.kind.is_applier() {
            return Err(error);
        }
        let mut nothing = SnapshotBuilder::new();
        let text = format!("{} objects could not be read: {error}", wanted.kind.kind);
        nothing.incomplete(codes::INPUT_BROKEN, text);
        self.store.replace(wanted.scope(), nothing);
        self.lists.push((wanted, None));
        Ok(())
    }
}

/// What stands in for Events that may not be read.
pub(super) fn no_events() -> SnapshotBuilder {
    let mut none = SnapshotBuilder::new();
    none.warn(
        codes::NOT_COVERED,
        "Events may not be read: whether a run is a retry is told by the history alone".to_owned(),
    );
    none
}

/// Namespaces that objects refer to: by their spec, and by the labels that name what applies them.
pub(super) fn referred(snapshot: &Snapshot) -> BTreeSet<String> {
    let nodes = snapshot.nodes.values().flat_map(referred_by);
    let sources = snapshot.sources.values().flat_map(|source| {
        source.upstream.iter().map(|key| &key.namespace).chain(appliers(&source.meta.labels))
    });
    nodes.chain(sources).filter(|namespace| !namespace.is_empty()).cloned().collect()
}

/// Namespaces that one object refers to; empty for what is cluster-scoped.
pub(super) fn referred_by(node: &Node) -> impl Iterator<Item = &String> {
    let chart = node.helm_release().and_then(|spec| spec.chart_source.as_ref());
    let keys = node.depends_on.iter().map(|entry| &entry.key).chain(&node.source).chain(chart);
    keys.map(|key| &key.namespace).chain(appliers(&node.meta.labels))
}

fn appliers(labels: &BTreeMap<String, String>) -> impl Iterator<Item = &String> {
    let of = ["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "resourceset.fluxcd.controlplane.io"];
    of.into_iter().filter_map(|group| labels.get(&format!("{group}/namespace")))
}
