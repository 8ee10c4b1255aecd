//! The reads behind one snapshot: discovery, then all lists at the same time, then the Events that explain failures.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::connect::Cluster;
use super::discovery::{KINDS, Served};
use super::error::ClusterError;
use super::request::Refusal;
use crate::model::{GroupKind, Snapshot};
use crate::wire::{Place, Scope, SnapshotBuilder, Store, codes};

/// Requests under way at once.
const IN_FLIGHT: usize = 16;

/// Objects in one page of a list.
const PAGE: usize = 500;

/// Pages of Events that are read at most; more failures than these hold are explained by their conditions alone.
const EVENT_PAGES: usize = 4;

/// How often a list that expires between two pages is begun anew.
const RESTARTS: usize = 2;

/// One list that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) kind: GroupKind,
    /// Served versions to try; empty for the core group.
    versions: Vec<String>,
    plural: &'static str,
    namespace: Option<String>,
    /// Query that narrows the list, such as a label selector; a narrowed list covers nothing.
    narrowed: Option<&'static str>,
    /// Pages to read at most.
    pages: usize,
}

/// What came of it.
pub(super) struct Listed {
    /// The list, in the one version that was served.
    pub(super) wanted: Wanted,
    pub(super) outcome: Outcome,
    pub(super) time: Option<Timestamp>,
}

pub(super) enum Outcome {
    /// What it holds, decoded, and the version of the whole, from which a watch can go on.
    Items(Box<SnapshotBuilder>, String),
    /// It may not be listed; the server's words.
    Forbidden(String),
    /// Not installed.
    NotServed,
}

/// All that was read for one look, and where a watch can go on.
pub(super) struct Reading {
    pub(super) store: Store,
    pub(super) served: Served,
    /// Every list that was read, with the version of the whole.
    pub(super) lists: Vec<(Wanted, String)>,
    /// Namespaces that were tried because some kind may not be listed in the whole cluster; `None` where all may.
    pub(super) tried: Option<BTreeSet<String>>,
    /// The server's clock.
    pub(super) time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    r#continue: String,
    resource_version: String,
}

impl Cluster {
    /// Everything that `status` needs. `namespace` is where to look first when the whole cluster may not be read.
    ///
    /// `now` is the server's clock unless it is given.
    pub async fn snapshot(
        &self,
        namespace: Option<&str>,
        now: Option<Timestamp>,
    ) -> Result<Snapshot, ClusterError> {
        let Reading { store, time, .. } = self.read(namespace).await?;
        Ok(store.snapshot(self.label.clone(), now.or(time)))
    }

    /// Discovery, then all lists at the same time, then Events where something fails.
    pub(super) async fn read(&self, namespace: Option<&str>) -> Result<Reading, ClusterError> {
        let (served, time) = self.discover().await?;
        if served.is_empty() {
            return Err(ClusterError::NotInstalled { server: self.server.clone() });
        }
        let mut reading = Reading { store: Store::default(), served, lists: Vec::new(), tried: None, time };
        let mut wanted: Vec<Wanted> = everywhere(&reading.served);
        wanted.push(controllers());
        let mut forbidden: BTreeMap<GroupKind, (Wanted, String)> = BTreeMap::new();
        for listed in self.list_all(wanted).await? {
            reading.time = reading.time.or(listed.time);
            match listed.outcome {
                Outcome::Forbidden(said) if listed.wanted.narrowed.is_none() => {
                    forbidden.insert(listed.wanted.kind.clone(), (listed.wanted, said));
                }
                Outcome::Forbidden(_) | Outcome::NotServed => {}
                Outcome::Items(items, version) => reading.take(listed.wanted, *items, version),
            }
        }
        if !forbidden.is_empty() {
            self.look_in_namespaces(&mut reading, forbidden, namespace).await?;
        }
        if !reading.store.needs_events() {
            return Ok(reading);
        }
        for listed in self.list_all(events()).await? {
            match listed.outcome {
                Outcome::Items(items, version) => reading.take(listed.wanted, *items, version),
                Outcome::Forbidden(_) => reading.store.replace(listed.wanted.scope(), no_events()),
                Outcome::NotServed => {}
            }
        }
        Ok(reading)
    }

    /// What may not be listed in the whole cluster is tried where the user is likely to have rights: the namespace that
    /// was asked for, that of the context, and those that references name, as long as there are new ones.
    async fn look_in_namespaces(
        &self,
        reading: &mut Reading,
        forbidden: BTreeMap<GroupKind, (Wanted, String)>,
        namespace: Option<&str>,
    ) -> Result<(), ClusterError> {
        let mut tried: BTreeSet<String> = BTreeSet::new();
        let mut next: BTreeSet<String> = namespace.into_iter().map(str::to_owned).collect();
        next.insert(self.namespace.clone());
        let mut seen: BTreeSet<(GroupKind, String)> = BTreeSet::new();
        while !next.is_empty() {
            let wanted = next.iter().flat_map(|namespace| {
                let here = |wanted: &Wanted| Wanted { namespace: Some(namespace.clone()), ..wanted.clone() };
                forbidden.values().map(move |(wanted, _)| here(wanted))
            });
            for listed in self.list_all(wanted.collect()).await? {
                if let Outcome::Items(items, version) = listed.outcome {
                    let namespace = listed.wanted.namespace.clone().unwrap_or_default();
                    seen.insert((listed.wanted.kind.clone(), namespace));
                    reading.take(listed.wanted, *items, version);
                }
            }
            tried.append(&mut next);
            let known = reading.store.snapshot(String::new(), None);
            next = referred(&known).into_iter().filter(|namespace| !tried.contains(namespace)).collect();
        }
        if seen.is_empty() && forbidden.len() == reading.served.len() {
            let reason = forbidden.into_values().next().map(|(_, said)| said).unwrap_or_default();
            return Err(ClusterError::Forbidden { server: self.server.clone(), reason });
        }
        for kind in forbidden.keys() {
            let where_: Vec<&str> = seen
                .iter()
                .filter(|(listed, _)| listed == kind)
                .map(|(_, namespace)| namespace.as_str())
                .collect();
            let text = match where_.as_slice() {
                [] => format!("{} objects may not be listed", kind.kind),
                some => format!("{} objects may be listed in {} only", kind.kind, some.join(", ")),
            };
            reading.store.rest().incomplete(codes::FORBIDDEN, text);
        }
        reading.tried = Some(tried);
        Ok(())
    }

    async fn list_all(&self, wanted: Vec<Wanted>) -> Result<Vec<Listed>, ClusterError> {
        let lists = stream::iter(wanted).map(|wanted| self.list(wanted)).buffered(IN_FLIGHT);
        lists.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Lists one kind, page by page, in the first version that is served.
    pub(super) async fn list(&self, wanted: Wanted) -> Result<Listed, ClusterError> {
        for wanted in wanted.in_each_version() {
            let mut restarts = 0;
            let result = loop {
                match self.pages(&wanted).await {
                    Err(Refusal::Expired) if restarts < RESTARTS => restarts += 1,
                    result => break result,
                }
            };
            match result {
                Ok((outcome, time)) => return Ok(Listed { wanted, outcome, time }),
                Err(Refusal::Forbidden(said)) => {
                    return Ok(Listed { wanted, outcome: Outcome::Forbidden(said), time: None });
                }
                Err(Refusal::NotServed) => {}
                Err(Refusal::Expired) => {
                    let (server, path) = (self.server.clone(), wanted.path(""));
                    let reason = "its pages expire faster than they are read (410)".to_owned();
                    return Err(ClusterError::CutOff { server, path, reason });
                }
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
        Ok(Listed { wanted, outcome: Outcome::NotServed, time: None })
    }

    /// Reads the pages and decodes each before the next one comes, so that a large list is never in memory as text.
    async fn pages(&self, wanted: &Wanted) -> Result<(Outcome, Option<Timestamp>), Refusal> {
        let mut items = Box::<SnapshotBuilder>::default();
        let (mut token, mut version) = (String::new(), String::new());
        let mut time = None;
        if wanted.narrowed.is_none() {
            items.covers(wanted.kind.clone(), wanted.namespace.as_deref());
        }
        for _ in 0..wanted.pages {
            let path = wanted.path(&token);
            let answer = self.get(&path, "application/json").await?;
            time = time.or(answer.time);
            let cut_off = |error: serde_json::Error| {
                let (server, reason) = (self.server.clone(), error.to_string());
                Refusal::Error(ClusterError::CutOff { server, path: path.clone(), reason })
            };
            let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(cut_off)?;
            for item in page.items.into_iter().flatten() {
                let item = serde_json::from_str(item.get()).map_err(cut_off)?;
                items.add_listed(wanted.named(item), Place::file(&*self.label));
            }
            (token, version) = (page.metadata.r#continue, page.metadata.resource_version);
            if token.is_empty() {
                break;
            }
        }
        Ok((Outcome::Items(items, version), time))
    }
}

impl Reading {
    fn take(&mut self, wanted: Wanted, items: SnapshotBuilder, version: String) {
        self.store.replace(wanted.scope(), items);
        self.lists.push((wanted, version));
    }
}

impl Wanted {
    /// The same list in each version that is worth a try, the best first.
    fn in_each_version(&self) -> Vec<Self> {
        let only = |version: &String| Self { versions: vec![version.clone()], ..self.clone() };
        if self.versions.is_empty() { vec![self.clone()] } else { self.versions.iter().map(only).collect() }
    }

    fn api_version(&self) -> String {
        match self.versions.first() {
            Some(version) if !self.kind.group.is_empty() => format!("{}/{version}", self.kind.group),
            _ => "v1".to_owned(),
        }
    }

    /// Whether it only explains, so that the rest stands without it.
    pub(super) fn is_evidence(&self) -> bool {
        self.narrowed.is_some()
    }

    /// The part of the world that it shows.
    pub(super) fn scope(&self) -> Scope {
        Scope { kind: self.kind.clone(), namespace: self.namespace.clone(), narrowed: self.narrowed }
    }

    /// An item of it, with what lists of built-in kinds leave out.
    pub(super) fn named(&self, mut item: Value) -> Value {
        if let Some(fields) = item.as_object_mut() {
            fields.entry("kind").or_insert_with(|| self.kind.kind.as_ref().into());
            fields.entry("apiVersion").or_insert_with(|| self.api_version().into());
        }
        item
    }

    /// Path and query that list it, `how` being a part of the query.
    pub(super) fn address(&self, how: &str) -> String {
        let root = if self.kind.group.is_empty() { "/api" } else { "/apis" };
        let namespace = self.namespace.as_ref().map(|namespace| format!("/namespaces/{namespace}"));
        let (version, namespace) = (self.api_version(), namespace.unwrap_or_default());
        let narrowed = self.narrowed.map(|query| format!("&{query}")).unwrap_or_default();
        format!("{root}/{version}{namespace}/{}?{how}{narrowed}", self.plural)
    }

    fn path(&self, token: &str) -> String {
        let mut path = self.address(&format!("limit={PAGE}"));
        if !token.is_empty() {
            path.push_str("&continue=");
            // Tokens are base64url today; anything else is escaped all the same.
            for byte in token.bytes() {
                match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                        path.push(char::from(byte))
                    }
                    _ => path.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        path
    }
}

/// Every kind of Flux that is served, in the whole cluster.
fn everywhere(served: &Served) -> Vec<Wanted> {
    let wanted = KINDS.iter().filter_map(|(kind, plural)| {
        let versions = served.get(kind)?.clone();
        Some(Wanted {
            kind: kind.clone(),
            versions,
            plural,
            namespace: None,
            narrowed: None,
            pages: usize::MAX,
        })
    });
    wanted.collect()
}

/// The controllers' Deployments, wherever they run.
fn controllers() -> Wanted {
    Wanted {
        kind: GroupKind::DEPLOYMENT,
        versions: vec!["v1".to_owned()],
        plural: "deployments",
        namespace: None,
        narrowed: Some("labelSelector=app.kubernetes.io%2Fpart-of%3Dflux"),
        pages: 1,
    }
}

/// Warning events about the two kinds of appliers.
pub(super) fn events() -> Vec<Wanted> {
    let about = [
        "fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DKustomization",
        "fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DHelmRelease",
    ];
    let events = |query| Wanted {
        kind: GroupKind::new("", "Event"),
        versions: Vec::new(),
        plural: "events",
        namespace: None,
        narrowed: Some(query),
        pages: EVENT_PAGES,
    };
    about.map(events).into()
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

/// Namespaces that objects refer to.
pub(super) fn referred(snapshot: &Snapshot) -> BTreeSet<String> {
    let nodes = snapshot.nodes.values().flat_map(|node| {
        node.depends_on
            .iter()
            .map(|entry| &entry.key)
            .chain(&node.source)
            .chain(node.helm_release().and_then(|spec| spec.chart_source.as_ref()))
    });
    let sources = snapshot.sources.values().flat_map(|source| &source.upstream);
    nodes.chain(sources).map(|key| key.namespace.clone()).filter(|namespace| !namespace.is_empty()).collect()
}
