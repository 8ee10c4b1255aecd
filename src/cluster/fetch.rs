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
use crate::model::{ConditionStatus, GroupKind, Snapshot};
use crate::wire::{Place, SnapshotBuilder, codes};

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
struct Wanted {
    kind: GroupKind,
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
struct Listed {
    wanted: Wanted,
    outcome: Outcome,
    time: Option<Timestamp>,
}

enum Outcome {
    Items(Vec<Value>),
    /// It may not be listed; the server's words.
    Forbidden(String),
    /// Not installed.
    NotServed,
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
struct PageMeta {
    r#continue: String,
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
        let (served, time) = self.discover().await?;
        if served.is_empty() {
            return Err(ClusterError::NotInstalled { server: self.server.clone() });
        }
        let mut builder = SnapshotBuilder::new();
        let now = now.or(time);

        let mut wanted: Vec<Wanted> = everywhere(&served);
        wanted.push(controllers());
        let listed = self.list_all(wanted).await?;
        let now = now.or_else(|| listed.iter().find_map(|listed| listed.time));
        let mut forbidden: BTreeMap<GroupKind, (Wanted, String)> = BTreeMap::new();
        for listed in listed {
            let Wanted { kind, narrowed, .. } = &listed.wanted;
            match listed.outcome {
                Outcome::Forbidden(said) if narrowed.is_none() => {
                    forbidden.insert(kind.clone(), (listed.wanted, said));
                }
                Outcome::Forbidden(_) | Outcome::NotServed => {}
                Outcome::Items(items) => self.take(&mut builder, &listed.wanted, items),
            }
        }
        if forbidden.len() == served.len() || !forbidden.is_empty() {
            self.look_in_namespaces(&mut builder, &served, forbidden, namespace).await?;
        }

        let flux = builder.clone().finish(self.label.clone(), now);
        if !needs_events(&flux) {
            return Ok(flux);
        }
        let wanted = ["Kustomization", "HelmRelease"].map(events_of).to_vec();
        for listed in self.list_all(wanted).await? {
            match listed.outcome {
                Outcome::Items(items) => self.take(&mut builder, &listed.wanted, items),
                Outcome::Forbidden(_) => builder.warn(
                    codes::NOT_COVERED,
                    "Events may not be read: whether a run is a retry is told by the history alone".to_owned(),
                ),
                Outcome::NotServed => {}
            }
        }
        Ok(builder.finish(self.label.clone(), now))
    }

    /// What may not be listed in the whole cluster is tried where the user is likely to have rights: the namespace that
    /// was asked for, that of the context, and those that references name, as long as there are new ones.
    async fn look_in_namespaces(
        &self,
        builder: &mut SnapshotBuilder,
        served: &Served,
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
                if let Outcome::Items(items) = listed.outcome {
                    let namespace = listed.wanted.namespace.clone().unwrap_or_default();
                    seen.insert((listed.wanted.kind.clone(), namespace));
                    self.take(builder, &listed.wanted, items);
                }
            }
            tried.append(&mut next);
            let known = builder.clone().finish(String::new(), None);
            next = referred(&known).into_iter().filter(|namespace| !tried.contains(namespace)).collect();
        }
        if seen.is_empty() && forbidden.len() == served.len() {
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
            builder.incomplete(codes::FORBIDDEN, text);
        }
        Ok(())
    }

    fn take(&self, builder: &mut SnapshotBuilder, wanted: &Wanted, items: Vec<Value>) {
        if wanted.narrowed.is_none() {
            builder.covers(wanted.kind.clone(), wanted.namespace.as_deref());
        }
        for mut item in items {
            if let Some(fields) = item.as_object_mut() {
                // Lists of built-in kinds leave these out of their items.
                fields.entry("kind").or_insert_with(|| wanted.kind.kind.as_ref().into());
                fields.entry("apiVersion").or_insert_with(|| wanted.api_version(0).into());
            }
            builder.add_listed(item, Place::file(&*self.label));
        }
    }

    async fn list_all(&self, wanted: Vec<Wanted>) -> Result<Vec<Listed>, ClusterError> {
        let lists = stream::iter(wanted).map(|wanted| self.list(wanted)).buffered(IN_FLIGHT);
        lists.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Lists one kind, page by page, in the first version that is served.
    async fn list(&self, wanted: Wanted) -> Result<Listed, ClusterError> {
        for version in 0..wanted.versions.len().max(1) {
            let mut restarts = 0;
            let result = loop {
                match self.pages(&wanted, version).await {
                    Err(Refusal::Expired) if restarts < RESTARTS => restarts += 1,
                    result => break result,
                }
            };
            let listed = |outcome, time| Ok(Listed { wanted: wanted.clone(), outcome, time });
            match result {
                Ok((items, time)) => return listed(Outcome::Items(items), time),
                Err(Refusal::Forbidden(said)) => return listed(Outcome::Forbidden(said), None),
                Err(Refusal::NotServed) => {}
                Err(Refusal::Expired) => {
                    let (server, path) = (self.server.clone(), wanted.path(version, ""));
                    let reason = "its pages expire faster than they are read (410)".to_owned();
                    return Err(ClusterError::CutOff { server, path, reason });
                }
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
        Ok(Listed { wanted, outcome: Outcome::NotServed, time: None })
    }

    async fn pages(&self, wanted: &Wanted, version: usize) -> Result<(Vec<Value>, Option<Timestamp>), Refusal> {
        let mut items = Vec::new();
        let mut token = String::new();
        let mut time = None;
        for _ in 0..wanted.pages {
            let path = wanted.path(version, &token);
            let answer = self.get(&path, "application/json").await?;
            time = time.or(answer.time);
            let cut_off = |error: serde_json::Error| {
                let (server, reason) = (self.server.clone(), error.to_string());
                Refusal::Error(ClusterError::CutOff { server, path: path.clone(), reason })
            };
            let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(cut_off)?;
            for item in page.items.into_iter().flatten() {
                items.push(serde_json::from_str(item.get()).map_err(cut_off)?);
            }
            token = page.metadata.r#continue;
            if token.is_empty() {
                break;
            }
        }
        Ok((items, time))
    }
}

impl Wanted {
    fn api_version(&self, version: usize) -> String {
        match self.versions.get(version) {
            Some(version) if !self.kind.group.is_empty() => format!("{}/{version}", self.kind.group),
            _ => "v1".to_owned(),
        }
    }

    fn path(&self, version: usize, token: &str) -> String {
        let root = if self.kind.group.is_empty() { "/api" } else { "/apis" };
        let namespace = self.namespace.as_ref().map(|namespace| format!("/namespaces/{namespace}"));
        let mut path = format!(
            "{root}/{}{}/{}?limit={PAGE}",
            self.api_version(version),
            namespace.unwrap_or_default(),
            self.plural
        );
        if let Some(query) = self.narrowed {
            path.push('&');
            path.push_str(query);
        }
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

/// Warning events about one kind of applier.
fn events_of(kind: &str) -> Wanted {
    Wanted {
        kind: GroupKind::new("", "Event"),
        versions: Vec::new(),
        plural: "events",
        namespace: None,
        narrowed: Some(match kind {
            "HelmRelease" => "fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DHelmRelease",
            _ => "fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DKustomization",
        }),
        pages: EVENT_PAGES,
    }
}

/// Whether anything fails or runs, so that Events have something to tell.
fn needs_events(snapshot: &Snapshot) -> bool {
    snapshot.nodes.values().any(|node| {
        let ready = node.status.conditions.ready();
        ready.is_some_and(|ready| ready.status != ConditionStatus::True && ready.reason != "DependencyNotReady")
    })
}

/// Namespaces that objects refer to.
fn referred(snapshot: &Snapshot) -> BTreeSet<String> {
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
