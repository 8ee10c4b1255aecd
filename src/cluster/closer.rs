//! A closer look: the few objects that refine a root cause, read at the same time.

use futures::stream::{self, StreamExt as _};
use serde_json::Value;

use super::connect::Cluster;
use super::error::ClusterError;
use super::request::Refusal;
use crate::diagnosis::needs::Need;
use crate::model::{GroupKind, ObjectKey};
use crate::wire::{Place, SnapshotBuilder, codes};

/// Requests under way at once.
const IN_FLIGHT: usize = 8;

/// Objects of one list that are read at most: a namespace of thousands of Pods is not looked through whole.
const MOST: usize = 500;

impl Cluster {
    /// Reads what is needed into the builder. What may not be read is a warning there; what does not exist is left out.
    pub async fn look_closer(&self, builder: &mut SnapshotBuilder, needs: &[Need]) -> Result<(), ClusterError> {
        let reads = needs.iter().filter_map(|need| Some((need, path(need)?)));
        let reads = stream::iter(reads).map(|(need, path)| async move {
            let answer = self.get(&path, "application/json").await;
            (need, path, answer)
        });
        let answers: Vec<_> = reads.buffered(IN_FLIGHT).collect().await;
        for (need, path, answer) in answers {
            match answer {
                Ok(answer) => {
                    let document: Value = serde_json::from_slice(&answer.body).map_err(|error| {
                        let (server, reason) = (self.server.clone(), error.to_string());
                        ClusterError::CutOff { server, path, reason }
                    })?;
                    self.take_closer(builder, need, document);
                }
                Err(Refusal::Forbidden(said)) => {
                    builder.incomplete(codes::NOT_COVERED, format!("not looked at: {said}"))
                }
                // Built-in kinds are served: it is the object that does not exist.
                Err(Refusal::NotServed) => match need {
                    Need::Object(key) => builder.absent(key.clone()),
                    Need::Kind(..) | Need::Events(_) => {}
                },
                Err(Refusal::Expired) => {}
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn take_closer(&self, builder: &mut SnapshotBuilder, need: &Need, mut document: Value) {
        let place = Place::file(&*self.label);
        let (kind, namespace) = match need {
            Need::Object(_) => return builder.add_listed(document, place),
            Need::Kind(kind, namespace) => (kind.clone(), Some(namespace)),
            Need::Events(_) => (GroupKind::new("", "Event"), None),
        };
        let whole = document["metadata"]["continue"].as_str().unwrap_or_default().is_empty();
        if let Some(namespace) = namespace.filter(|_| whole) {
            builder.covers(kind.clone(), Some(namespace));
        }
        let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) else { return };
        for mut item in items {
            if let Some(fields) = item.as_object_mut() {
                // Lists of built-in kinds leave these out of their items.
                fields.entry("kind").or_insert_with(|| kind.kind.as_ref().into());
                fields.entry("apiVersion").or_insert_with(|| api_version(&kind).into());
            }
            builder.add_listed(item, place.clone());
        }
    }
}

fn path(need: &Need) -> Option<String> {
    match need {
        Need::Object(ObjectKey { kind, namespace, name }) => {
            Some(format!("{}/{}/{name}", root(kind, namespace), plural(kind)?))
        }
        Need::Kind(kind, namespace) => {
            Some(format!("{}/{}?limit={MOST}", root(kind, namespace), plural(kind)?))
        }
        Need::Events(namespace) => {
            let root = root(&GroupKind::POD, namespace);
            Some(format!("{root}/events?limit={MOST}&fieldSelector=type%3DWarning"))
        }
    }
}

fn root(kind: &GroupKind, namespace: &str) -> String {
    let root = if kind.group.is_empty() { "/api" } else { "/apis" };
    let namespace = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    format!("{root}/{}{namespace}", api_version(kind))
}

fn api_version(kind: &GroupKind) -> String {
    if kind.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group) }
}

/// Plural of the built-in kinds that are looked at more closely; `None` for all others.
fn plural(kind: &GroupKind) -> Option<&'static str> {
    Some(match (&*kind.group, &*kind.kind) {
        ("", "Secret") => "secrets",
        ("", "ConfigMap") => "configmaps",
        ("", "Pod") => "pods",
        ("", "PersistentVolumeClaim") => "persistentvolumeclaims",
        ("", "ServiceAccount") => "serviceaccounts",
        ("", "Namespace") => "namespaces",
        ("apps", "Deployment") => "deployments",
        ("apps", "StatefulSet") => "statefulsets",
        ("apps", "DaemonSet") => "daemonsets",
        ("apps", "ReplicaSet") => "replicasets",
        ("batch", "Job") => "jobs",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_is_needed() {
        let object = |kind, namespace, name| path(&Need::Object(ObjectKey::new(kind, namespace, name)));
        assert_eq!(object(GroupKind::SECRET, "a", "b").as_deref(), Some("/api/v1/namespaces/a/secrets/b"));
        assert_eq!(object(GroupKind::NAMESPACE, "", "b").as_deref(), Some("/api/v1/namespaces/b"));
        assert_eq!(object(GroupKind::JOB, "a", "b").as_deref(), Some("/apis/batch/v1/namespaces/a/jobs/b"));
        assert_eq!(object(GroupKind::HELM_CHART, "a", "b"), None);
        let pods = path(&Need::Kind(GroupKind::POD, "a".to_owned()));
        assert_eq!(pods.as_deref(), Some("/api/v1/namespaces/a/pods?limit=500"));
        let events = path(&Need::Events("a".to_owned()));
        assert_eq!(
            events.as_deref(),
            Some("/api/v1/namespaces/a/events?limit=500&fieldSelector=type%3DWarning")
        );
    }
}
