//! Objects with nothing in them but what is read here: what `snapshot` writes.
//!
//! Pure. An object is read into the types of [`api`] and written from them, so that whatever has no field there, such as
//! the values of a HelmRelease or the environment of a container, cannot get into a snapshot.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::api;
use super::convert::{is_controller_flag, is_read};
use crate::foreign::without_credentials;
use crate::model::{GroupKind, ObjectKey, SecretKeys, parse_id};

/// Public recipients of a Secret's identities, and a word that is none for each identity without one.
pub(super) const AGE_RECIPIENTS: &str = "fluxlayers/age-recipients";

/// Set on an object that is there and could not be read.
pub(super) const UNREADABLE: &str = "fluxlayers/unreadable";

/// Stands in [`AGE_RECIPIENTS`] for an identity of which no public part is known.
const UNVERIFIABLE: &str = "unverifiable";

/// What a snapshot shows of an object beside its metadata.
pub(super) enum Shown<'a> {
    /// The fields that are read of its kind.
    Fields(&'a Value),
    /// The names of its keys, without any value.
    Keys(Vec<&'a String>),
    /// The same, and the public recipients.
    Secret(&'a SecretKeys),
    /// That it is there.
    Unreadable,
}

/// The document of an object; `metadata` is `None` where it could not be read.
pub(super) fn reduced(
    api_version: &str,
    key: &ObjectKey,
    metadata: Option<api::ObjectMeta>,
    shown: &Shown<'_>,
) -> Value {
    let mut metadata = metadata.unwrap_or_else(|| api::ObjectMeta {
        name: key.name.clone(),
        namespace: key.namespace.clone(),
        ..api::ObjectMeta::default()
    });
    metadata.annotations.retain(|name, _| is_read(name) && !name.starts_with("fluxlayers/"));
    for edit in &mut metadata.managed_fields {
        if edit.fields.spec.suspend.is_none() {
            edit.manager.clear(); // nobody asks who made other edits
        }
    }
    let mut fields = Map::new();
    match shown {
        Shown::Fields(document) => fields = body(&key.kind, document),
        Shown::Keys(keys) => drop(fields.insert("data".to_owned(), emptied(keys.iter().copied()))),
        Shown::Secret(secret) => {
            fields.insert("data".to_owned(), emptied(secret.keys.iter()));
            let unknown = std::iter::repeat_n(UNVERIFIABLE, secret.unverifiable);
            let recipients: Vec<&str> =
                secret.age_recipients.iter().map(String::as_str).chain(unknown).collect();
            if !recipients.is_empty() {
                metadata.annotations.insert(AGE_RECIPIENTS.to_owned(), recipients.join(","));
            }
        }
        Shown::Unreadable => drop(metadata.annotations.insert(UNREADABLE.to_owned(), "true".to_owned())),
    }
    fields.insert("apiVersion".to_owned(), api_version.into());
    fields.insert("kind".to_owned(), key.kind.kind.as_ref().into());
    fields.insert("metadata".to_owned(), json!(metadata));
    Value::Object(fields)
}

/// The same object as one that could not be read.
pub(super) fn made_unreadable(document: &mut Value) {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| ["apiVersion", "kind", "metadata"].contains(&name.as_str()));
    }
    document["metadata"]["annotations"][UNREADABLE] = "true".into();
}

fn emptied<'a>(keys: impl Iterator<Item = &'a String>) -> Value {
    Value::Object(keys.map(|key| (key.clone(), "".into())).collect())
}

/// Spec and status, or the fields of an Event; nothing of a kind of which only the existence counts.
fn body(kind: &GroupKind, document: &Value) -> Map<String, Value> {
    let written = match (&*kind.group, &*kind.kind) {
        _ if *kind == GroupKind::KUSTOMIZATION => applier::<api::KustomizationSpec>(document),
        _ if *kind == GroupKind::HELM_RELEASE => applier::<api::HelmReleaseSpec>(document),
        _ if *kind == GroupKind::RESOURCE_SET => applier::<api::ResourceSetSpec>(document),
        _ if kind.is_source() => {
            through(document, |body: &mut api::Body<api::SourceSpec, api::SourceStatus>| {
                for address in [&mut body.spec.url, &mut body.spec.endpoint] {
                    *address = without_credentials(std::mem::take(address));
                }
                said(&mut body.status.conditions);
            })
        }
        _ if [GroupKind::FLUX_INSTANCE, GroupKind::FLUX_REPORT].contains(kind) => {
            through(document, |body: &mut api::Body<api::FluxSpec, api::FluxStatus>| {
                said(&mut body.status.conditions);
            })
        }
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            through(document, |body: &mut api::Body<api::WorkloadSpec, api::WorkloadStatus>| {
                for container in &mut body.spec.template.spec.containers {
                    container.args.retain(|argument| is_controller_flag(argument));
                }
                body.spec.template.spec.volumes.clear();
                said(&mut body.status.conditions);
            })
        }
        ("", "Pod") => through(document, |body: &mut api::Body<api::PodSpec, api::PodStatus>| {
            body.spec.containers.clear();
            let status = &mut body.status;
            said(&mut status.conditions);
            for container in status.init_container_statuses.iter_mut().chain(&mut status.container_statuses) {
                for state in [&mut container.state, &mut container.last_state] {
                    let waiting = state.waiting.iter_mut().map(|waiting| &mut waiting.message);
                    let ended = state.terminated.iter_mut().map(|ended| &mut ended.message);
                    waiting.chain(ended).for_each(clean);
                }
            }
        }),
        ("", "PersistentVolumeClaim" | "Namespace") => {
            through(document, |body: &mut api::Body<api::Present, api::PhaseStatus>| {
                said(&mut body.status.conditions);
            })
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            through(document, |_: &mut api::Body<api::DefinitionSpec, api::Present>| {})
        }
        ("" | "events.k8s.io", "Event") => through(document, |event: &mut api::Event| {
            clean(&mut event.message);
            clean(&mut event.note);
        }),
        _ => None,
    };
    match written {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn applier<Spec>(document: &Value) -> Option<Value>
where
    Spec: DeserializeOwned + Serialize + Default + PartialEq,
{
    through(document, |body: &mut api::Body<Spec, api::ApplierStatus>| {
        said(&mut body.status.conditions);
        if let Some(inventory) = &mut body.status.inventory {
            inventory.entries.retain(|entry| parse_id(&entry.id).is_some()); // the others are warned of
        }
    })
}

/// What is read of a document, changed, and written again; `None` where it cannot be read.
fn through<T: DeserializeOwned + Serialize>(document: &Value, change: impl FnOnce(&mut T)) -> Option<Value> {
    let mut read: T = api::decode(document).ok()?;
    change(&mut read);
    serde_json::to_value(read).ok()
}

fn said(conditions: &mut [api::Condition]) {
    conditions.iter_mut().for_each(|condition| clean(&mut condition.message));
}

fn clean(text: &mut String) {
    *text = without_credentials(std::mem::take(text));
}
