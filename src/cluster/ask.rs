//! The only writes: annotations that ask a controller to look at an object now.
//!
//! A request whose answer was lost is repeated with the same token: the API server changes nothing then, and no
//! controller runs twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::connect::Cluster;
use super::discovery::{KINDS, Served};
use super::error::ClusterError;
use super::list::escaped;
use super::request::{Answer, Refusal};
use crate::model::{GroupKind, ObjectKey};

/// The name under which we edit. A Kustomization takes over what managers whose name starts with `kubectl` wrote, and
/// drops it at its next apply (kustomize-controller 1.9).
const FIELD_MANAGER: &str = "fluxlayers";

/// `reconcile.fluxcd.io/requestedAt`: run now.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// `reconcile.fluxcd.io/forceAt`: install or upgrade even if nothing has changed; HelmRelease only.
const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// `reconcile.fluxcd.io/resetAt`: forget the failures so far; HelmRelease only.
const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// Pauses between tries: the first one, then twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a server that answers with an error is asked in all. One that does not answer at all is asked until whoever
/// waits gives up: it may be restarting.
const TRIES: u32 = 8;

/// How long one answer may take where no limit was given.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// What is asked of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Value of the annotations, new with each request; opaque to the controllers.
    pub token: String,
    /// Install or upgrade a HelmRelease even if nothing has changed.
    pub force: bool,
    /// Forget the failures of a HelmRelease.
    pub reset: bool,
}

/// Why an object could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no such right; the server's words.
    #[error("{0}")]
    Forbidden(String),
    /// The object is gone.
    #[error("it no longer exists")]
    Gone,
    /// The API server or a webhook refuses the edit; its words.
    #[error("{0}")]
    Refused(String),
    /// Nobody waits for it any more; whether the server has taken it down is not known.
    #[error("given up")]
    Unwanted,
    /// The cluster gives no answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// Writes the annotations, in the versions that the cluster serves.
#[derive(Clone)]
pub struct Asker {
    cluster: Cluster,
    paths: BTreeMap<GroupKind, Path>,
}

#[derive(Clone)]
struct Path {
    version: String,
    plural: &'static str,
}

/// What a right is for: a kind, in all namespaces or one, all of its objects or one.
type Attributes<'a> = (&'a GroupKind, Option<&'a String>, Option<&'a String>);

/// Questions about rights under way at once.
const IN_FLIGHT: usize = 16;

/// What is left to do after an answer.
enum Next {
    Done(Result<(), AskError>),
    /// Nothing answered.
    Again,
    /// The server answered with an error that may pass.
    AgainWithin(AskError),
}

impl Asker {
    pub(super) fn new(cluster: Cluster, served: &Served) -> Self {
        let paths = KINDS.iter().filter_map(|(kind, plural)| {
            let version = served.get(kind)?.first()?.clone();
            Some((kind.clone(), Path { version, plural }))
        });
        Self { paths: paths.collect(), cluster }
    }

    /// Asks the object's controller to run, and waits until the API server has taken that down.
    ///
    /// Conflicts, a busy server and lost connections are tried again with growing pauses; a server that does not answer
    /// at all as long as the request is `wanted`.
    pub async fn ask(&self, key: &ObjectKey, wish: &Wish, wanted: impl Fn() -> bool) -> Result<(), AskError> {
        let Some(path) = self.paths.get(&key.kind) else { return Err(AskError::Gone) };
        let path = format!(
            "/apis/{}/{}/namespaces/{}/{}/{}?fieldManager={FIELD_MANAGER}",
            key.kind.group,
            path.version,
            escaped(&key.namespace),
            path.plural,
            escaped(&key.name)
        );
        let body = patch(wish).to_string();
        let (mut tried, mut pause, mut was_away) = (0, FIRST_PAUSE, false);
        loop {
            tried += 1;
            match self.patch_once(&path, body.clone(), was_away).await {
                Next::Done(result) => return result,
                Next::AgainWithin(error) if tried >= TRIES => return Err(error),
                Next::AgainWithin(_) => {}
                Next::Again => (tried, was_away) = (0, true),
            }
            sleep(pause).await;
            if !wanted() {
                return Err(AskError::Unwanted);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn patch_once(&self, path: &str, body: String, was_away: bool) -> Next {
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/merge-patch+json")
            .header(
                header::ACCEPT,
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
            );
        match self.cluster.exchange("PATCH", path, request, body).await {
            Ok(_) => Next::Done(Ok(())),
            // A server that has just come back may not have read yet who may do what.
            Err(Refusal::Forbidden(said)) if was_away => Next::AgainWithin(AskError::Forbidden(said)),
            Err(Refusal::Forbidden(said)) => Next::Done(Err(AskError::Forbidden(said))),
            Err(Refusal::NotServed) => Next::Done(Err(AskError::Gone)),
            Err(Refusal::Expired) => Next::Done(Err(AskError::Gone)),
            Err(Refusal::Error(error)) => match error {
                ClusterError::Unreachable { .. }
                | ClusterError::CutOff { .. }
                | ClusterError::TimedOut { .. } => Next::Again,
                ClusterError::Server { status, reason, .. }
                    if (400..500).contains(&status) && status != 409 =>
                {
                    Next::Done(Err(AskError::Refused(reason)))
                }
                error => Next::AgainWithin(error.into()),
            },
        }
    }

    /// Whether the user may ask these objects, as the API server's authorizer says; the first one that may not be asked.
    ///
    /// Asked for a kind everywhere, then in the namespaces, then by name, so that most users cost a request a kind; those of one
    /// step at the same time. What the authorizer does not tell (not everybody may ask it) counts as allowed: the server has
    /// the last word.
    pub async fn may_ask<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a ObjectKey>,
    ) -> Result<Option<(ObjectKey, String)>, ClusterError> {
        let mut open: Vec<&ObjectKey> = keys.into_iter().collect();
        let mut reasons = BTreeMap::new();
        let steps: [fn(&ObjectKey) -> Attributes<'_>; 3] = [
            |key| (&key.kind, None, None),
            |key| (&key.kind, Some(&key.namespace), None),
            |key| (&key.kind, Some(&key.namespace), Some(&key.name)),
        ];
        for attributes in steps {
            let questions: BTreeSet<Attributes<'_>> = open.iter().map(|key| attributes(key)).collect();
            let answers = stream::iter(questions)
                .map(|question| async move { Ok::<_, ClusterError>((question, self.may(question).await?)) });
            reasons = answers.buffered(IN_FLIGHT).try_collect().await?;
            open.retain(|key| reasons.get(&attributes(key)).is_some_and(Option::is_some));
        }
        let Some(key) = open.first() else { return Ok(None) };
        let reason = reasons.get(&(&key.kind, Some(&key.namespace), Some(&key.name))).cloned().flatten();
        Ok(Some(((*key).clone(), reason.unwrap_or_default())))
    }

    /// Why such an edit is not allowed; `None` where it is, or nobody tells.
    async fn may(&self, (kind, namespace, name): Attributes<'_>) -> Result<Option<String>, ClusterError> {
        const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let Some(Path { plural, .. }) = self.paths.get(kind) else { return Ok(None) };
        let mut attributes = json!({"verb": "patch", "group": kind.group, "resource": plural});
        for (field, value) in [("namespace", namespace), ("name", name)] {
            if let Some(value) = value {
                attributes[field] = value.clone().into();
            }
        }
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes}});
        let request = Request::builder()
            .method(Method::POST)
            .uri(PATH)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        let answer = match self.cluster.exchange("POST", PATH, request, review.to_string()).await {
            Ok(answer) => answer,
            Err(Refusal::Error(error)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let review: Value =
            serde_json::from_slice(&answer.body).map_err(|error| self.cluster.unreadable(PATH, &error))?;
        let status = &review["status"];
        Ok(match status["allowed"].as_bool() {
            Some(false) => Some(status["reason"].as_str().unwrap_or_default().to_owned()),
            _ => None,
        })
    }
}

impl Cluster {
    /// Sends something with a body, once, and judges the answer.
    async fn exchange(
        &self,
        method: &'static str,
        path: &str,
        request: http::request::Builder,
        body: String,
    ) -> Result<Answer, Refusal> {
        let request = request
            .body(Body::from(body.into_bytes()))
            .map_err(|error| Refusal::Error(ClusterError::Kubeconfig { reason: error.to_string() }))?;
        let limit = self.timeout.unwrap_or(LONGEST_ANSWER);
        let answered = async {
            let response = self.client.send(request).await.map_err(|error| {
                Refusal::Error(ClusterError::from_client(&error, &self.server, &self.credentials, self.own_ca))
            })?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| Refusal::Error(self.cut_off(path, &error)))?;
            let answer = Answer { body: body.to_bytes().into(), time: None };
            // What was made is as good as what was changed.
            let status = if head.status == StatusCode::CREATED { StatusCode::OK } else { head.status };
            self.judge(path, status, answer, 1)
        };
        timeout(limit, answered).await.unwrap_or_else(|_| {
            let (server, path) = (self.server.clone(), format!("{method} {path}"));
            Err(Refusal::Error(ClusterError::TimedOut { server, path, limit }))
        })
    }
}

/// The merge patch that carries a wish.
fn patch(wish: &Wish) -> Value {
    let mut annotations = json!({REQUESTED_AT: wish.token});
    if wish.force {
        annotations[FORCE_AT] = wish.token.clone().into();
    }
    if wish.reset {
        annotations[RESET_AT] = wish.token.clone().into();
    }
    json!({"metadata": {"annotations": annotations}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_three_annotations_is_written() {
        let wish = |force, reset| Wish { token: "t".to_owned(), force, reset };
        assert_eq!(
            patch(&wish(false, false)),
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "t"}}})
        );
        assert_eq!(
            patch(&wish(true, true)),
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "t",
                "reconcile.fluxcd.io/forceAt": "t", "reconcile.fluxcd.io/resetAt": "t"}}})
        );
    }

    #[test]
    fn the_field_manager_is_none_whose_edits_a_kustomization_takes_over() {
        assert!(!FIELD_MANAGER.starts_with("kubectl") && FIELD_MANAGER != "before-first-apply");
    }
}
