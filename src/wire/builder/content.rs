//! What an object becomes: its kind decides.

use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::seen::Content;
use crate::model::{GroupKind, Meta, Node, ObjectKey};
use crate::wire::age::{self, Encoding};
use crate::wire::{Place, api, convert};

pub(super) fn content(
    key: &ObjectKey,
    meta: Meta,
    document: &Value,
    [data, string_data]: [Option<Value>; 2],
    announced: Option<&str>,
    place: &Place,
    problems: &mut Vec<String>,
) -> Result<Content, String> {
    let kind = &key.kind;
    let own = || key.clone();
    Ok(match (kind.group.as_ref(), kind.kind.as_ref()) {
        _ if *kind == GroupKind::KUSTOMIZATION => Content::Node(Box::new(convert::kustomization(
            own(),
            meta,
            api::decode(document)?,
            place,
            problems,
        ))),
        _ if *kind == GroupKind::HELM_RELEASE => {
            Content::Node(Box::new(convert::helm_release(own(), meta, api::decode(document)?, place, problems)))
        }
        _ if *kind == GroupKind::RESOURCE_SET => {
            Content::Node(Box::new(convert::resource_set(own(), meta, api::decode(document)?, place, problems)))
        }
        _ if kind.is_source() => {
            Content::Source(Box::new(convert::source(own(), meta, api::decode(document)?, place)))
        }
        _ if [GroupKind::FLUX_INSTANCE, GroupKind::FLUX_REPORT].contains(kind) => {
            Content::Flux(convert::flux(key, api::decode(document)?), meta)
        }
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            Content::Workload(convert::workload(kind, meta, api::decode(document)?))
        }
        ("", "Pod") => Content::Pod(convert::pod(&key.name, meta, api::decode(document)?)),
        ("", "PersistentVolumeClaim") => {
            let body: api::Body<api::Present, api::PhaseStatus> = api::decode(document)?;
            Content::Claim(body.status.phase, meta)
        }
        ("", "Namespace") => {
            let body: api::Body<api::Present, api::PhaseStatus> = api::decode(document)?;
            Content::Namespace(convert::namespace(meta, body.status))
        }
        ("", "Secret") => {
            let data = vec![
                (entries(data, "data")?, Encoding::Base64),
                (entries(string_data, "stringData")?, Encoding::Plain),
            ];
            Content::Secret(age::secret_keys(data, announced), meta)
        }
        ("", "ConfigMap") => {
            let binary: Option<Value> = document.get("binaryData").cloned();
            let keys = entries(data, "data")?.into_iter().chain(entries(binary, "binaryData")?);
            Content::ConfigMap(keys.map(|(key, _)| key).collect(), meta)
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let body: api::Body<api::DefinitionSpec, api::Present> = api::decode(document)?;
            Content::Definition(convert::definition(body.spec), meta)
        }
        _ => Content::Other(meta),
    })
}

/// An object that is there, so that nothing which refers to it may say that it is missing, and of which nothing else
/// is known; what has a place in the layers keeps it.
pub(super) fn undecodable(key: &ObjectKey, meta: Meta, place: &Place) -> Content {
    if !key.kind.is_applier() {
        return Content::Other(meta);
    }
    let node = Node::unreadable(key.clone(), meta);
    Content::Node(Box::new(Node {
        declared_at: convert::at(place, place.line),
        live: place.declared.is_none(),
        ..node
    }))
}

/// A Secret's or ConfigMap's entries. Says nothing of what stands there instead.
fn entries(data: Option<Value>, field: &str) -> Result<Map<String, Value>, String> {
    match data {
        None => Ok(Map::new()),
        Some(Value::Object(entries)) => Ok(entries),
        Some(mut other) => {
            if let Value::String(text) = &mut other {
                text.zeroize();
            }
            Err(format!("{field}: something else where a map is due"))
        }
    }
}
