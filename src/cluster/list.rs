//! One list: its path, its pages, the version that is served, and its items decoded.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::connect::Cluster;
use super::error::ClusterError;
use super::request::Refusal;
use crate::model::GroupKind;
use crate::wire::{Place, Scope, SnapshotBuilder, codes};

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
    pub(super) namespace: Option<String>,
    /// Query that narrows the list, such as a label selector; a narrowed list covers nothing.
    narrowed: Option<&'static str>,
    /// Pages to read at most.
    pages: usize,
    /// Objects in one page.
    page: usize,
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

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Page<'a> {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMeta {
    r#continue: String,
    resource_version: String,
}

impl Cluster {
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
        let mut items = Box::new(if self.keeps { SnapshotBuilder::keeping() } else { SnapshotBuilder::new() });
        let (mut token, mut version) = (String::new(), String::new());
        let (mut time, mut whole) = (None, true);
        for _ in 0..wanted.pages {
            let path = wanted.path(&token);
            let answer = self.get(&path, "application/json").await?;
            time = time.or(answer.time);
            let page: Page<'_> = serde_json::from_slice(&answer.body)
                .map_err(|error| Refusal::Error(self.unreadable(&path, &error)))?;
            if !page.kind.ends_with("List") {
                return Err(Refusal::Error(self.something_else(&path, &page.kind)));
            }
            for item in page.items.into_iter().flatten() {
                match serde_json::from_str(item.get()) {
                    Ok(item) => items.add_listed(wanted.named(item), Place::file(&*self.label)),
                    Err(error) => {
                        whole = false; // such as one that is nested too deep
                        items.broken(format!("{}: a {}: {error}", self.label, wanted.kind.kind));
                    }
                }
            }
            (token, version) = (page.metadata.r#continue, page.metadata.resource_version);
            if token.is_empty() {
                break;
            }
        }
        if !token.is_empty() && wanted.page == PAGE {
            let text = format!("only the first {} {} objects were read", wanted.pages * PAGE, wanted.kind.kind);
            items.warn(codes::NOT_COVERED, text);
        } else if whole && token.is_empty() && wanted.narrowed.is_none() {
            items.covers(wanted.kind.clone(), wanted.namespace.as_deref());
        } else if whole && token.is_empty() && wanted.kind == GroupKind::DEPLOYMENT {
            items.covers_controllers(wanted.namespace.as_deref());
        }
        Ok((Outcome::Items(items, version), time))
    }
}

impl Wanted {
    /// A kind in the whole cluster.
    pub(super) fn everywhere(kind: GroupKind, versions: Vec<String>, plural: &'static str) -> Self {
        Self { kind, versions, plural, namespace: None, narrowed: None, pages: usize::MAX, page: PAGE }
    }

    /// The controllers' Deployments, wherever they run.
    pub(super) fn controllers() -> Self {
        Self {
            narrowed: Some("labelSelector=app.kubernetes.io%2Fpart-of%3Dflux"),
            pages: 1,
            ..Self::everywhere(GroupKind::DEPLOYMENT, vec!["v1".to_owned()], "deployments")
        }
    }

    /// One object of a kind, whichever: it tells that there are some.
    pub(super) fn sample(kind: GroupKind, versions: Vec<String>, plural: &'static str) -> Self {
        Self { pages: 1, page: 1, ..Self::everywhere(kind, versions, plural) }
    }

    /// Warning events about the two kinds of appliers.
    pub(super) fn events() -> [Self; 2] {
        let about = [
            "fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DKustomization",
            "fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DHelmRelease",
        ];
        about.map(|query| Self {
            narrowed: Some(query),
            pages: EVENT_PAGES,
            ..Self::everywhere(GroupKind::new("", "Event"), Vec::new(), "events")
        })
    }

    /// The same in one namespace.
    pub(super) fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self.clone() }
    }

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
        let namespace = self.namespace.as_ref().map(|namespace| format!("/namespaces/{}", escaped(namespace)));
        let (version, namespace) = (self.api_version(), namespace.unwrap_or_default());
        let narrowed = self.narrowed.map(|query| format!("&{query}")).unwrap_or_default();
        format!("{root}/{version}{namespace}/{}?{how}{narrowed}", self.plural)
    }

    fn path(&self, token: &str) -> String {
        let path = self.address(&format!("limit={}", self.page));
        if token.is_empty() { path } else { format!("{path}&continue={}", escaped(token)) }
    }
}

/// Whatever a token or a name holds, it stays one part of the path.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte))
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_addressed_as_the_api_server_serves_them() {
        let kind = Wanted::everywhere(
            GroupKind::HELM_RELEASE,
            vec!["v2".to_owned(), "v2beta1".to_owned()],
            "helmreleases",
        );
        let path = "/apis/helm.toolkit.fluxcd.io/v2";
        assert_eq!(kind.path(""), format!("{path}/helmreleases?limit=500"));
        assert_eq!(
            kind.in_namespace("a/../b").path("x+/="),
            format!("{path}/namespaces/a%2F..%2Fb/helmreleases?limit=500&continue=x%2B%2F%3D")
        );
        let [events, _] = Wanted::events();
        assert_eq!(
            events.in_namespace("apps").path(""),
            "/api/v1/namespaces/apps/events?limit=500&fieldSelector=type%3DWarning%2CinvolvedObject.kind%3DKustomization"
        );
    }
}
