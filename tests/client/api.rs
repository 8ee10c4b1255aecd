//! The part of an API server that a reader meets: discovery, lists in pages, selectors, and rights.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::server::{Reply, Request};

/// Objects of one kind in one version.
#[derive(Clone, Debug)]
struct List {
    /// Such as `kustomize.toolkit.fluxcd.io/v1`.
    api_version: String,
    plural: String,
    /// Of one object.
    kind: String,
    /// The answer to a request for the whole list, as a real server gave it.
    recorded: Option<Vec<u8>>,
    items: Vec<Value>,
}

/// How the server describes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// Kubernetes 1.26 and later: one answer names every resource.
    Aggregated,
    /// Before that: groups and versions.
    Plain,
    /// The user may not ask.
    Forbidden,
}

type Right = dyn Fn(&str, Option<&str>) -> bool + Send + Sync;

/// A cluster.
pub(crate) struct Api {
    lists: Vec<List>,
    discovery: Discovery,
    /// Whether a resource, such as `kustomizations`, may be listed in a namespace, or everywhere.
    may: Box<Right>,
    /// Whether a list says `"continue": ""` on its last page, as lists of custom resources do.
    empty_continue: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            lists: Vec::new(),
            discovery: Discovery::Aggregated,
            may: Box::new(|_, _| true),
            empty_continue: true,
        }
    }
}

/// Name of the server's clock in `Date`; the recordings end a little before.
pub(crate) const DATE: &str = "Tue, 24 Nov 2026 06:30:00 GMT";

/// The same as RFC 3339.
pub(crate) const NOW: &str = "2026-11-24T06:30:00Z";

/// Recorded lists of Flux's kinds and of what is read beside them.
const RECORDED: [(&str, &str, &str); 13] = [
    ("buckets", "Bucket", "source.toolkit.fluxcd.io/v1"),
    ("deployments", "Deployment", "apps/v1"),
    ("events", "Event", "v1"),
    ("externalartifacts", "ExternalArtifact", "source.toolkit.fluxcd.io/v1"),
    ("fluxinstances", "FluxInstance", "fluxcd.controlplane.io/v1"),
    ("fluxreports", "FluxReport", "fluxcd.controlplane.io/v1"),
    ("gitrepositories", "GitRepository", "source.toolkit.fluxcd.io/v1"),
    ("helmcharts", "HelmChart", "source.toolkit.fluxcd.io/v1"),
    ("helmreleases", "HelmRelease", "helm.toolkit.fluxcd.io/v2"),
    ("helmrepositories", "HelmRepository", "source.toolkit.fluxcd.io/v1"),
    ("kustomizations", "Kustomization", "kustomize.toolkit.fluxcd.io/v1"),
    ("ocirepositories", "OCIRepository", "source.toolkit.fluxcd.io/v1"),
    ("resourcesets", "ResourceSet", "fluxcd.controlplane.io/v1"),
];

/// One recorded answer.
pub(crate) fn recording(scene: &str, name: &str) -> Vec<u8> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/apiserver/{scene}/{name}.json.gz"));
    let mut text = Vec::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    text
}

/// A cluster that holds what a scene of real controllers holds, Secrets and Pods included.
pub(crate) fn scene(name: &str) -> Api {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/live/{name}.json.gz"));
    let dump: Value = serde_json::from_reader(GzDecoder::new(std::fs::File::open(path).unwrap())).unwrap();
    let mut kinds: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for item in dump["items"].as_array().unwrap() {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        kinds.entry((text("apiVersion"), text("kind"))).or_default().push(item.clone());
    }
    let mut api = Api::default();
    for ((api_version, kind), items) in kinds {
        let plural = match kind.to_lowercase() {
            kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
            kind => format!("{kind}s"),
        };
        api = api.with(&api_version, &kind, &plural, items);
    }
    api
}

impl List {
    fn one(&self, namespace: Option<&str>, name: &str) -> Reply {
        let is_it = |item: &&Value| {
            item["metadata"]["name"] == name && namespace.is_none_or(|it| item["metadata"]["namespace"] == it)
        };
        match self.items.iter().find(is_it) {
            Some(item) => {
                let mut item = item.clone(); // alone it says what it is; in a list of a built-in kind it does not
                item["apiVersion"] = self.api_version.as_str().into();
                item["kind"] = self.kind.as_str().into();
                Reply::json(200, item.to_string())
            }
            None => Reply::status(404, "NotFound", &format!("{} \"{name}\" not found", self.plural)),
        }
    }
}

impl Api {
    /// What was recorded of one cluster.
    pub(crate) fn recorded(scene: &str) -> Self {
        let mut api = Self::default();
        for (plural, kind, api_version) in RECORDED {
            let recorded = recording(scene, &format!("list-{plural}"));
            let mut list: Value = serde_json::from_slice(&recorded).unwrap();
            api = match list["items"].take() {
                Value::Array(items) => api.with(api_version, kind, plural, items),
                // The server was busy when this was recorded: `a_busy_server_is_asked_again` reads that.
                _ => api.with(api_version, kind, plural, Vec::new()),
            };
            if list["kind"] != "Status" {
                api.lists.last_mut().unwrap().recorded = Some(recorded);
            }
        }
        let none = "resourcesetinputproviders";
        api.with("fluxcd.controlplane.io/v1", "ResourceSetInputProvider", none, Vec::new())
    }

    /// Serves one more kind.
    pub(crate) fn with(mut self, api_version: &str, kind: &str, plural: &str, items: Vec<Value>) -> Self {
        let (api_version, kind, plural) = (api_version.to_owned(), kind.to_owned(), plural.to_owned());
        self.lists.push(List { api_version, plural, kind, recorded: None, items });
        self
    }

    /// Serves a kind in this version alone.
    pub(crate) fn in_version(mut self, plural: &str, version: &str) -> Self {
        for list in self.lists.iter_mut().filter(|list| list.plural == plural) {
            let (group, _) = list.api_version.split_once('/').unwrap();
            list.api_version = format!("{group}/{version}");
            list.recorded = None;
            for item in &mut list.items {
                item["apiVersion"] = list.api_version.as_str().into();
            }
        }
        self
    }

    /// With copies of the recorded Kustomizations under other names, until there are so many objects of Flux.
    pub(crate) fn grown_to(mut self, count: usize) -> Self {
        let of_flux = |list: &&List| list.api_version.contains("flux");
        let known: usize = self.lists.iter().filter(of_flux).map(|list| list.items.len()).sum();
        let list = self.lists.iter_mut().find(|list| list.plural == "kustomizations").unwrap();
        let recorded = list.items.clone();
        for (number, item) in (0..count.saturating_sub(known)).zip(recorded.iter().cycle()) {
            let mut item = item.clone();
            item["metadata"]["name"] =
                format!("{}-{number}", item["metadata"]["name"].as_str().unwrap()).into();
            list.items.push(item);
        }
        list.recorded = None;
        self
    }

    /// Holds only these objects of one kind.
    pub(crate) fn only(mut self, plural: &str, keep: impl Fn(&Value) -> bool) -> Self {
        for list in self.lists.iter_mut().filter(|list| list.plural == plural) {
            list.recorded = None;
            list.items.retain(&keep);
        }
        self
    }

    /// Serves these no more.
    pub(crate) fn without(mut self, gone: impl Fn(&str) -> bool) -> Self {
        self.lists.retain(|list| !gone(&list.plural));
        self
    }

    pub(crate) fn discovered(mut self, discovery: Discovery) -> Self {
        self.discovery = discovery;
        self
    }

    pub(crate) fn may(mut self, right: impl Fn(&str, Option<&str>) -> bool + Send + Sync + 'static) -> Self {
        self.may = Box::new(right);
        self
    }

    pub(crate) fn no_continue(mut self) -> Self {
        self.empty_continue = false;
        self
    }

    /// What a dump of the lists that `status` reads would hold: one `v1` List.
    pub(crate) fn dump(&self) -> Value {
        let mut items = Vec::new();
        for list in &self.lists {
            let seen: &dyn Fn(&Value) -> bool = match list.plural.as_str() {
                "deployments" => &|item| matches(item, "metadata.labels", "app.kubernetes.io/part-of=flux"),
                "events" => &|item| {
                    item["type"] == "Warning"
                        && ["Kustomization", "HelmRelease"]
                            .iter()
                            .any(|kind| item["involvedObject"]["kind"] == *kind)
                },
                _ => &|_| true,
            };
            for item in list.items.iter().filter(|item| seen(item)) {
                let mut item = item.clone();
                item["apiVersion"] = list.api_version.as_str().into();
                item["kind"] = list.kind.as_str().into();
                items.push(item);
            }
        }
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }

    /// The answer to one request.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        self.find(request).with_header("Date", DATE)
    }

    fn find(&self, request: &Request) -> Reply {
        if request.path == "/apis" {
            return self.describe(request);
        }
        let path = request.path.trim_start_matches("/apis/").trim_start_matches("/api/");
        let parts: Vec<&str> = path.split('/').collect();
        let version = if request.path.starts_with("/api/") { 1 } else { 2 };
        let Some((version, rest)) = parts.split_at_checked(version) else { return Reply::not_served() };
        let (namespace, plural, name) = match rest {
            ["namespaces", namespace, plural] => (Some(*namespace), *plural, None),
            ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(*name)),
            ["namespaces", name] => (None, "namespaces", Some(*name)),
            [plural] => (None, *plural, None),
            _ => return Reply::not_served(),
        };
        if !(self.may)(plural, namespace) {
            let group = if version.len() == 2 { version[0] } else { "" };
            let place = namespace
                .map_or("at the cluster scope".to_owned(), |name| format!("in the namespace \"{name}\""));
            let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
            let said = format!(
                "{resource} is forbidden: User \"teamdev\" cannot list resource \"{plural}\" in API group \"{group}\" {place}"
            );
            return Reply::status(403, "Forbidden", &said);
        }
        let version = version.join("/");
        let list = self.lists.iter().find(|list| list.plural == plural && list.api_version == version);
        match (list, name) {
            (None, _) => Reply::not_served(),
            (Some(list), None) => self.list(list, namespace, request),
            (Some(list), Some(name)) => list.one(namespace, name),
        }
    }

    fn list(&self, list: &List, namespace: Option<&str>, request: &Request) -> Reply {
        let mut items: Vec<&Value> = list.items.iter().collect();
        items.retain(|item| namespace.is_none_or(|name| item["metadata"]["namespace"] == name));
        if let Some(selector) = request.parameter("labelSelector") {
            items.retain(|item| matches(item, "metadata.labels", selector));
        }
        if let Some(selector) = request.parameter("fieldSelector") {
            items.retain(|item| matches(item, "", selector));
        }
        let start: usize = request.parameter("continue").map_or(0, |token| token.parse().unwrap());
        let limit = request.parameter("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let end = start.saturating_add(limit).min(items.len());
        if let Some(recorded) = &list.recorded
            && (start, end) == (0, list.items.len())
        {
            return Reply::json(200, recorded.clone());
        }
        let mut metadata = json!({"resourceVersion": "631"});
        if end < items.len() {
            metadata["continue"] = end.to_string().into();
        } else if self.empty_continue {
            metadata["continue"] = "".into();
        }
        let body = json!({"apiVersion": list.api_version, "kind": format!("{}List", list.kind),
            "metadata": metadata, "items": items.get(start..end)});
        Reply::json(200, body.to_string())
    }

    fn describe(&self, request: &Request) -> Reply {
        let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for list in &self.lists {
            if let Some((group, version)) = list.api_version.split_once('/') {
                groups.entry(group).or_default().entry(version).or_default().push(&list.plural);
            }
        }
        let asked = request.header("accept").unwrap_or_default();
        let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        match self.discovery {
            Discovery::Forbidden => {
                let said = r#"forbidden: User "teamdev" cannot get path "/apis""#;
                Reply::status(403, "Forbidden", said)
            }
            Discovery::Aggregated if asked.contains(aggregated) => {
                let version = |(version, plurals): (&&str, &Vec<&str>)| {
                    let resources: Vec<Value> = plurals
                        .iter()
                        .map(|plural| json!({"resource": plural, "scope": "Namespaced"}))
                        .collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                };
                let items: Vec<Value> = groups
                    .iter()
                    .map(|(group, versions)| {
                        let versions: Vec<Value> = versions.iter().map(version).collect();
                        json!({"metadata": {"name": group}, "versions": versions})
                    })
                    .collect();
                let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
                    "metadata": {}, "items": items});
                Reply::new(200, aggregated, body.to_string())
            }
            _ => {
                let version = |group: &str, version: &str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
                let groups: Vec<Value> = groups
                    .iter()
                    .map(|(group, versions)| {
                        let preferred = versions.keys().next().unwrap();
                        let versions: Vec<Value> = versions.keys().map(|name| version(group, name)).collect();
                        json!({"name": group, "versions": versions, "preferredVersion": version(group, preferred)})
                    })
                    .collect();
                let body = json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups});
                Reply::json(200, body.to_string())
            }
        }
    }
}

/// Whether what stands below `root` satisfies every `name=value` of a selector; a field's name is a path.
fn matches(item: &Value, root: &str, selector: &str) -> bool {
    let root = root.split('.').filter(|part| !part.is_empty()).fold(item, |item, part| &item[part]);
    selector.split(',').all(|part| {
        let (name, wanted) = part.split_once('=').unwrap();
        let found = root.get(name).unwrap_or_else(|| name.split('.').fold(root, |item, part| &item[part]));
        *found == wanted
    })
}
