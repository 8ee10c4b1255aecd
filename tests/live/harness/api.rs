//! What the tests do with the API server: apply, patch, read, and await what a controller will write.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use futures::StreamExt as _;
use kube::api::{
    Api as KubeApi, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, WatchEvent, WatchParams,
};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, ApiResource, Scope, pinned_kind};
use serde_json::{Value, json};
use tokio::runtime::Handle;

/// How long a controller may take for anything. What takes longer is a failure that shows the object as it stands.
const PATIENCE: Duration = Duration::from_secs(420);

const KINDS: &[(&str, &str, &str)] = &[
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease"),
    ("source.toolkit.fluxcd.io", "v1", "GitRepository"),
    ("source.toolkit.fluxcd.io", "v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io", "v1", "Bucket"),
    ("source.toolkit.fluxcd.io", "v1", "HelmRepository"),
    ("source.toolkit.fluxcd.io", "v1", "HelmChart"),
    ("source.toolkit.fluxcd.io", "v1", "ExternalArtifact"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "ReplicaSet"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "Job"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding"),
    ("apiregistration.k8s.io", "v1", "APIService"),
];

/// The API server, as its administrator. Objects are named `Kind/namespace/name`, cluster-scoped ones `Kind//name`.
pub(crate) struct Api {
    client: kube::Client,
    runtime: Handle,
    kinds: Mutex<HashMap<GroupVersionKind, (ApiResource, ApiCapabilities)>>,
}

impl Api {
    pub(crate) fn new(kubeconfig: &Path, runtime: Handle) -> Result<Api> {
        let client = runtime.block_on(async {
            let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig)?;
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await?;
            anyhow::Ok(kube::Client::try_from(config)?)
        })?;
        Ok(Api { client, runtime, kinds: Mutex::default() })
    }

    fn resource(&self, kind: &GroupVersionKind) -> Result<(ApiResource, ApiCapabilities)> {
        if let Some(found) = self.kinds.lock().unwrap().get(kind) {
            return Ok(found.clone());
        }
        let found = self
            .runtime
            .block_on(pinned_kind(&self.client, kind))
            .with_context(|| format!("kind {}/{} is not served", kind.api_version(), kind.kind))?;
        self.kinds.lock().unwrap().insert(kind.clone(), found.clone());
        Ok(found)
    }

    fn endpoint(&self, kind: &GroupVersionKind, namespace: &str) -> Result<KubeApi<DynamicObject>> {
        let (resource, capabilities) = self.resource(kind)?;
        Ok(match capabilities.scope {
            Scope::Namespaced if !namespace.is_empty() => {
                KubeApi::namespaced_with(self.client.clone(), namespace, &resource)
            }
            _ => KubeApi::all_with(self.client.clone(), &resource),
        })
    }

    fn named<'a>(&self, reference: &'a str) -> Result<(KubeApi<DynamicObject>, &'a str)> {
        let mut parts = reference.splitn(3, '/');
        let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            bail!("{reference} is not Kind/namespace/name");
        };
        Ok((self.endpoint(&kind_named(kind), namespace)?, name))
    }

    /// Applies an object (server-side). What names no namespace goes to `namespace`.
    pub(crate) fn apply(&self, mut object: Value, namespace: &str) -> Result<()> {
        let kind = kind_of(&object)?;
        let (_, capabilities) = self.resource(&kind)?;
        if capabilities.scope == Scope::Namespaced && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (name, namespace) = (text("name"), text("namespace"));
        let parameters = PatchParams::apply("live-tests").force();
        let endpoint = self.endpoint(&kind, &namespace)?;
        self.runtime
            .block_on(endpoint.patch(&name, &parameters, &Patch::Apply(&object)))
            .with_context(|| format!("cannot apply {}/{namespace}/{name}", kind.kind))?;
        Ok(())
    }

    /// Merges `patch` into the object.
    pub(crate) fn patch(&self, reference: &str, patch: &Value) -> Result<()> {
        let (endpoint, name) = self.named(reference)?;
        let parameters = PatchParams { field_manager: Some("live-tests".to_owned()), ..PatchParams::default() };
        self.runtime
            .block_on(endpoint.patch(name, &parameters, &Patch::Merge(patch)))
            .context(reference.to_owned())?;
        Ok(())
    }

    /// Merges `patch` into the object's status.
    pub(crate) fn patch_status(&self, reference: &str, patch: &Value) -> Result<()> {
        let (endpoint, name) = self.named(reference)?;
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        self.runtime
            .block_on(endpoint.patch_status(name, &parameters, &patch))
            .context(reference.to_owned())?;
        Ok(())
    }

    /// Asks for its deletion, and does not wait.
    pub(crate) fn delete(&self, reference: &str) -> Result<()> {
        let (endpoint, name) = self.named(reference)?;
        self.runtime.block_on(endpoint.delete(name, &DeleteParams::default())).context(reference.to_owned())?;
        Ok(())
    }

    /// The object, or `None` where it does not exist.
    pub(crate) fn get(&self, reference: &str) -> Result<Option<Value>> {
        let (endpoint, name) = self.named(reference)?;
        let object = self.runtime.block_on(endpoint.get_opt(name)).context(reference.to_owned())?;
        Ok(object.map(|object| json!(object)))
    }

    /// The endpoints of a kind by namespace, for what has to be fast.
    pub(crate) fn endpoints(&self, kind: &str) -> Result<impl Fn(&str) -> KubeApi<DynamicObject>> {
        let (resource, _) = self.resource(&kind_named(kind))?;
        let client = self.client.clone();
        Ok(move |namespace: &str| KubeApi::namespaced_with(client.clone(), namespace, &resource))
    }

    /// Runs to its end what needs the runtime.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// All objects of a kind in a namespace, or in all of them (""), as the server orders them.
    pub(crate) fn list(&self, kind: &str, namespace: &str) -> Result<Vec<Value>> {
        self.list_kind(&kind_named(kind), namespace)
    }

    /// As [`Api::list`], of a kind that is served under this version.
    pub(crate) fn list_kind(&self, kind: &GroupVersionKind, namespace: &str) -> Result<Vec<Value>> {
        let endpoint = self.endpoint(kind, namespace)?;
        let list = self.runtime.block_on(endpoint.list(&ListParams::default())).context(kind.kind.clone())?;
        let types = json!({"apiVersion": kind.api_version(), "kind": kind.kind});
        Ok(list
            .items
            .into_iter()
            .map(|object| {
                let mut object = json!(object);
                object["apiVersion"] = types["apiVersion"].clone();
                object["kind"] = types["kind"].clone();
                object
            })
            .collect())
    }

    /// Waits until the object is as `wanted`, by a watch; fails with what it looks like when that takes too long.
    pub(crate) fn await_that(
        &self,
        reference: &str,
        what: &str,
        wanted: impl Fn(Option<&Value>) -> bool,
    ) -> Result<Option<Value>> {
        let (endpoint, name) = self.named(reference)?;
        let mut last = None;
        let outcome = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, follow(&endpoint, name, &mut last, &wanted)).await
        });
        match outcome {
            Ok(outcome) => outcome.with_context(|| format!("{reference}: awaited {what}"))?,
            Err(_) => bail!("{reference}: awaited in vain: {what}; it is {}", shown(last.as_ref())),
        }
        Ok(last)
    }

    /// Waits until a condition of the object has this status and reason.
    pub(crate) fn await_condition(
        &self,
        reference: &str,
        kind: &str,
        status: &str,
        reason: &str,
    ) -> Result<Value> {
        let what = format!("{kind}={status} {reason}");
        let object = self.await_that(reference, &what, |object| {
            object
                .and_then(|object| condition(object, kind))
                .is_some_and(|(is, because)| is == status && because == reason)
        })?;
        object.context("a condition belongs to an object")
    }

    /// Waits until it reads Ready=True for its current generation.
    pub(crate) fn await_ready(&self, reference: &str) -> Result<Value> {
        let object = self.await_that(reference, "Ready=True", |object| {
            object.is_some_and(|object| {
                object["status"]["observedGeneration"] == object["metadata"]["generation"]
                    && condition(object, "Ready").is_some_and(|(status, _)| status == "True")
            })
        })?;
        object.context("a condition belongs to an object")
    }
}

/// Reads, then watches from there, until `wanted`; `last` holds what was seen.
async fn follow(
    endpoint: &KubeApi<DynamicObject>,
    name: &str,
    last: &mut Option<Value>,
    wanted: &impl Fn(Option<&Value>) -> bool,
) -> Result<()> {
    let selector = format!("metadata.name={name}");
    loop {
        let list = endpoint.list(&ListParams::default().fields(&selector)).await?;
        *last = list.items.first().map(|object| json!(object));
        if wanted(last.as_ref()) {
            return Ok(());
        }
        let version = list.metadata.resource_version.unwrap_or_default();
        let mut events =
            std::pin::pin!(endpoint.watch(&WatchParams::default().fields(&selector), &version).await?);
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => *last = Some(json!(object)),
                Ok(WatchEvent::Deleted(_)) => *last = None,
                Ok(WatchEvent::Bookmark(_)) => {}
                Ok(WatchEvent::Error(_)) | Err(_) => break, // read anew
            }
            if wanted(last.as_ref()) {
                return Ok(());
            }
        }
    }
}

fn shown(object: Option<&Value>) -> String {
    match object {
        None => "not there".to_owned(),
        Some(object) => format!("generation {}, status {}", object["metadata"]["generation"], object["status"]),
    }
}

/// Status and reason of a condition.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<(&'a str, &'a str)> {
    let conditions = object["status"]["conditions"].as_array()?;
    let condition = conditions.iter().find(|condition| condition["type"] == kind)?;
    Some((condition["status"].as_str()?, condition["reason"].as_str().unwrap_or_default()))
}

/// The documents of a YAML text, as JSON.
pub(crate) fn documents(yaml: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).map_err(|error| anyhow!("{error}"))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn kind_of(object: &Value) -> Result<GroupVersionKind> {
    let text =
        |field: &str| object[field].as_str().with_context(|| format!("an object without {field}: {object}"));
    let (version, kind) = (text("apiVersion")?, text("kind")?);
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Ok(GroupVersionKind::gvk(group, version, kind))
}

/// A kind of [`KINDS`], else one of the core group.
fn kind_named(kind: &str) -> GroupVersionKind {
    let known = KINDS.iter().find(|(_, _, known)| *known == kind);
    let (group, version) = known.map_or(("", "v1"), |(group, version, _)| (group, version));
    GroupVersionKind::gvk(group, version, kind)
}
