//! The reads behind one snapshot: discovery, then all lists at the same time, then the Events that explain failures.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::connect::Cluster;
use super::discovery::{KINDS, Served};
use super::error::ClusterError;
use super::request::Refusal;
use crate::model::{ConditionStatus, GroupKind, Node, Snapshot};
use crate::wire::{Place, SnapshotBuilder, codes};

/// Requests under way at once.
const IN_FLIGHT: usize = 16;

/// Objects in one page of a list.
const PAGE: usize = 500;

/// Pages of Events that are read at most; more failures than these hold are explained by their conditions alone.
const EVENT_PAGES: usize = 4;

/// How often a list that expires between two pages is begun anew.
const RESTARTS: usize = 2;

/// Namespaces in which is looked for what may not be listed everywhere, at most.
const NAMESPACES: usize = 16;

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
    Items(Items),
    /// It may not be listed; the server's words.
    Forbidden(String),
    /// Not installed.
    NotServed,
    /// No good answer to this list; others may have had one.
    Failed(ClusterError),
}

/// The items of all pages, as they came: decoded they take several times the room.
#[derive(Default)]
struct Items {
    items: Vec<Box<RawValue>>,
    api_version: String,
    /// There are more pages than were wanted.
    more: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    kind: String,
    metadata: PageMeta,
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageMeta {
    r#continue: String,
}

/// Gathers what one user may see.
struct Reading<'cluster> {
    cluster: &'cluster Cluster,
    builder: SnapshotBuilder,
    /// What may not be listed in the whole cluster, with the server's words.
    forbidden: BTreeMap<GroupKind, (Wanted, String)>,
    /// Where what is forbidden elsewhere may be listed.
    allowed: BTreeSet<(String, GroupKind)>,
    /// Why a list has no good answer.
    failed: Option<ClusterError>,
    /// Whether any list of Flux' kinds had a good answer.
    any: bool,
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
        let mut reading = Reading::new(self);
        let listed = reading.read_everywhere(&served).await?;
        reading.read_in_namespaces(namespace).await?;
        reading.judge()?;
        reading.read_events().await?;
        Ok(reading.builder.finish(self.label.clone(), now.or(time).or(listed)))
    }

    async fn list_all(&self, wanted: Vec<Wanted>) -> Result<Vec<Listed>, ClusterError> {
        stream::iter(wanted).map(|wanted| self.list(wanted)).buffered(IN_FLIGHT).try_collect().await
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
                    return listed(Outcome::Failed(ClusterError::CutOff { server, path, reason }), None);
                }
                Err(Refusal::Error(error)) if error.is_of_one_answer() => {
                    return listed(Outcome::Failed(error), None);
                }
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
        Ok(Listed { wanted, outcome: Outcome::NotServed, time: None })
    }

    async fn pages(&self, wanted: &Wanted, version: usize) -> Result<(Items, Option<Timestamp>), Refusal> {
        let mut all = Items { api_version: wanted.api_version(version), ..Items::default() };
        let mut token = String::new();
        let mut time = None;
        for _ in 0..wanted.pages {
            let path = wanted.path(version, &token);
            let answer = self.get(&path, "application/json").await?;
            time = time.or(answer.time);
            let page: Page = serde_json::from_slice(&answer.body)
                .map_err(|error| Refusal::Error(self.unreadable(&path, &error)))?;
            if !page.kind.ends_with("List") {
                return Err(Refusal::Error(self.something_else(&path, &page.kind)));
            }
            all.items.extend(page.items.into_iter().flatten());
            token = page.metadata.r#continue;
            if token.is_empty() {
                break;
            }
        }
        all.more = !token.is_empty();
        Ok((all, time))
    }
}

impl<'cluster> Reading<'cluster> {
    fn new(cluster: &'cluster Cluster) -> Self {
        Self {
            cluster,
            builder: SnapshotBuilder::new(),
            forbidden: BTreeMap::new(),
            allowed: BTreeSet::new(),
            failed: None,
            any: false,
        }
    }

    /// Every kind in the whole cluster, and the controllers. Returns the server's clock.
    async fn read_everywhere(&mut self, served: &Served) -> Result<Option<Timestamp>, ClusterError> {
        let mut wanted: Vec<Wanted> = everywhere(served);
        wanted.push(controllers());
        let mut time = None;
        for listed in self.cluster.list_all(wanted).await? {
            let Listed { wanted, outcome, time: answered } = listed;
            time = time.or(answered);
            match outcome {
                Outcome::Items(items) => self.take(&wanted, items),
                Outcome::Forbidden(said) if wanted.narrowed.is_none() => {
                    self.forbidden.insert(wanted.kind.clone(), (wanted, said));
                }
                Outcome::Forbidden(_) | Outcome::NotServed => {}
                Outcome::Failed(error) => self.fail(&wanted, error)?,
            }
        }
        Ok(time)
    }

    /// What may not be listed in the whole cluster is tried where the user is likely to have rights: the namespace that
    /// was asked for, that of the context, and those that references name, as long as there are new ones.
    async fn read_in_namespaces(&mut self, namespace: Option<&str>) -> Result<(), ClusterError> {
        if self.forbidden.is_empty() {
            return Ok(());
        }
        let mut tried: BTreeSet<String> = BTreeSet::new();
        let mut next: BTreeSet<String> = namespace.into_iter().map(str::to_owned).collect();
        next.insert(self.cluster.namespace.clone());
        while !next.is_empty() {
            let wanted = next.iter().flat_map(|namespace| {
                let here = |wanted: &Wanted| Wanted { namespace: Some(namespace.clone()), ..wanted.clone() };
                self.forbidden.values().map(move |(wanted, _)| here(wanted))
            });
            for Listed { wanted, outcome, .. } in self.cluster.list_all(wanted.collect()).await? {
                match outcome {
                    Outcome::Items(items) => {
                        self.allowed
                            .insert((wanted.namespace.clone().unwrap_or_default(), wanted.kind.clone()));
                        self.take(&wanted, items);
                    }
                    Outcome::Forbidden(_) | Outcome::NotServed => {}
                    Outcome::Failed(error) => self.fail(&wanted, error)?,
                }
            }
            tried.append(&mut next);
            let room = NAMESPACES.saturating_sub(tried.len());
            next = referred(&self.builder).filter(|name| !tried.contains(name)).collect();
            next = next.into_iter().take(room).collect();
        }
        Ok(())
    }

    /// Refuses where nothing can be said, and tells what is hidden where something can.
    fn judge(&mut self) -> Result<(), ClusterError> {
        let server = self.cluster.server.clone();
        if !self.any {
            let forbidden = std::mem::take(&mut self.forbidden).into_values().next();
            return Err(match (self.failed.take(), forbidden) {
                (Some(error), _) => error,
                (None, Some((_, reason))) => ClusterError::Forbidden { server, reason },
                (None, None) => ClusterError::NotInstalled { server },
            });
        }
        for kind in self.forbidden.keys() {
            let places: Vec<&str> =
                self.allowed.iter().filter(|(_, listed)| listed == kind).map(|(place, _)| &**place).collect();
            let text = match places.as_slice() {
                [] => format!("{} objects may not be listed", kind.kind),
                some => format!("{} objects may be listed in {} only", kind.kind, some.join(", ")),
            };
            self.builder.incomplete(codes::FORBIDDEN, text);
        }
        Ok(())
    }

    /// Warning events, where anything fails or runs: they tell whether a run is a retry.
    async fn read_events(&mut self) -> Result<(), ClusterError> {
        if !self.builder.nodes().any(needs_events) {
            return Ok(());
        }
        let everywhere = ["Kustomization", "HelmRelease"].map(events_of).to_vec();
        let mut hidden = Vec::new();
        for listed in self.cluster.list_all(everywhere).await? {
            hidden.extend(self.take_events(listed));
        }
        let places: BTreeSet<&String> = self.allowed.iter().map(|(place, _)| place).collect();
        let wanted: Vec<Wanted> = hidden
            .iter()
            .flat_map(|wanted| {
                let here = |place: &&String| Wanted { namespace: Some((**place).clone()), ..wanted.clone() };
                places.iter().map(here)
            })
            .collect();
        let mut refused = !hidden.is_empty() && wanted.is_empty();
        for listed in self.cluster.list_all(wanted).await? {
            refused |= self.take_events(listed).is_some();
        }
        if refused {
            self.builder.warn(
                codes::NOT_COVERED,
                "Events may not be read: whether a run is a retry is told by the history alone".to_owned(),
            );
        }
        Ok(())
    }

    /// Takes a list of Events, or returns what may not be listed. Without them the answer is good enough.
    fn take_events(&mut self, listed: Listed) -> Option<Wanted> {
        let Listed { wanted, outcome, .. } = listed;
        match outcome {
            Outcome::Items(items) => {
                if items.more {
                    let text = format!("only the first {} Events were read", items.items.len());
                    self.builder.warn(codes::NOT_COVERED, text);
                }
                self.take(&wanted, items);
                None
            }
            Outcome::Forbidden(_) => Some(wanted),
            Outcome::NotServed => None,
            Outcome::Failed(error) => {
                self.builder.warn(codes::NOT_COVERED, format!("Events could not be read: {error}"));
                None
            }
        }
    }

    /// Without the objects that are judged there is no verdict; the others may be out of sight.
    fn fail(&mut self, wanted: &Wanted, error: ClusterError) -> Result<(), ClusterError> {
        if wanted.kind.is_applier() {
            return Err(error);
        }
        let text = format!("{} objects could not be read: {error}", wanted.kind.kind);
        self.builder.incomplete(codes::INPUT_BROKEN, text);
        self.failed.get_or_insert(error);
        Ok(())
    }

    fn take(&mut self, wanted: &Wanted, items: Items) {
        let mut whole = true;
        for item in items.items {
            let mut item: Value = match serde_json::from_str(item.get()) {
                Ok(item) => item,
                Err(error) => {
                    // Such as one that is nested too deep.
                    whole = false;
                    let kind = &wanted.kind.kind;
                    self.builder.broken(format!("{}: a {kind}: {error}", self.cluster.label));
                    continue;
                }
            };
            if let Some(fields) = item.as_object_mut() {
                // Lists of built-in kinds leave these out of their items.
                fields.entry("kind").or_insert_with(|| wanted.kind.kind.as_ref().into());
                fields.entry("apiVersion").or_insert_with(|| items.api_version.as_str().into());
            }
            self.builder.add_listed(item, Place::file(&*self.cluster.label));
        }
        if wanted.narrowed.is_none() {
            self.any = true;
            if whole {
                self.builder.covers(wanted.kind.clone(), wanted.namespace.as_deref());
            }
        }
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

/// Whether it fails or runs, so that Events have something to tell.
fn needs_events(node: &Node) -> bool {
    let ready = node.status.conditions.ready();
    ready.is_some_and(|ready| ready.status != ConditionStatus::True && ready.reason != "DependencyNotReady")
}

/// Namespaces that objects refer to: by their spec, and by the labels that name what applies them.
fn referred(seen: &SnapshotBuilder) -> impl Iterator<Item = String> {
    let of_nodes = seen.nodes().flat_map(|node| {
        let chart = node.helm_release().and_then(|spec| spec.chart_source.as_ref());
        let keys = node.depends_on.iter().map(|entry| &entry.key).chain(&node.source).chain(chart);
        keys.map(|key| &key.namespace).chain(appliers(&node.meta.labels))
    });
    let of_sources = seen.sources().flat_map(|source| {
        source.upstream.iter().map(|key| &key.namespace).chain(appliers(&source.meta.labels))
    });
    of_nodes.chain(of_sources).filter(|namespace| !namespace.is_empty()).cloned()
}

fn appliers(labels: &BTreeMap<String, String>) -> impl Iterator<Item = &String> {
    [
        "kustomize.toolkit.fluxcd.io/namespace",
        "helm.toolkit.fluxcd.io/namespace",
        "resourceset.fluxcd.controlplane.io/namespace",
    ]
    .into_iter()
    .filter_map(|label| labels.get(label))
}
