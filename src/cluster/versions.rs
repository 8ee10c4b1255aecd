//! What `version` asks: the API server's own version, Flux' and its controllers'.

use serde::Deserialize;
use serde_json::Value;

use super::connect::Cluster;
use super::discovery::KINDS;
use super::error::ClusterError;
use super::list::{Listed, Outcome, Wanted};
use super::request::{Answer, Refusal};
use crate::model::{GroupKind, Snapshot};
use crate::wire::{Place, Store, codes};

const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gitrepositories.source.toolkit.fluxcd.io";

/// One object of these tells that its controller has something to do, in whatever version it is served.
const TASKS: [GroupKind; 6] = [
    GroupKind::KUSTOMIZATION,
    GroupKind::HELM_RELEASE,
    GroupKind::GIT_REPOSITORY,
    GroupKind::OCI_REPOSITORY,
    GroupKind::HELM_REPOSITORY,
    GroupKind::BUCKET,
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerVersion {
    git_version: String,
}

impl Cluster {
    /// The API server's version, and a snapshot that holds the installation of Flux alone.
    ///
    /// Warnings of the snapshot name what may not be read.
    pub async fn versions(&self) -> Result<(String, Snapshot), ClusterError> {
        let get = |path| self.get(path, "application/json");
        let (server, served, controllers, definition) = futures::future::join4(
            get("/version"),
            self.discover(),
            self.list(Wanted::controllers()),
            get(DEFINITION),
        )
        .await;
        let git_version = self.git_version(server)?;
        let (served, _) = served?;
        let mut store = Store::default();
        match definition {
            Ok(answer) => {
                let document: Value = serde_json::from_slice(&answer.body)
                    .map_err(|error| self.unreadable(DEFINITION, &error))?;
                store.rest().add(document, Place::file(&*self.label));
            }
            Err(Refusal::Forbidden(said)) => store.rest().incomplete(codes::FORBIDDEN, said),
            // Of definitions, only this one is asked about.
            Err(Refusal::NotServed) => store.rest().covers(GroupKind::CUSTOM_RESOURCE_DEFINITION, Some("")),
            Err(Refusal::Expired) => {}
            Err(Refusal::Error(error)) => return Err(error),
        }
        take(&mut store, &GroupKind::DEPLOYMENT, controllers)?;
        let asked = KINDS.iter().filter_map(|(kind, plural)| {
            let versions = served.get(kind)?.clone();
            match kind {
                kind if TASKS.contains(kind) => Some(Wanted::sample(kind.clone(), versions, plural)),
                kind if *kind == GroupKind::FLUX_REPORT => {
                    Some(Wanted::everywhere(kind.clone(), versions, plural))
                }
                _ => None,
            }
        });
        let asked = asked.map(|wanted| async { (wanted.kind.clone(), self.list(wanted).await) });
        let mut hidden = Vec::new();
        for (kind, listed) in futures::future::join_all(asked).await {
            match listed {
                Ok(Listed { outcome: Outcome::Forbidden(_), .. }) if TASKS.contains(&kind) => {
                    hidden.push(kind.kind.into_owned());
                }
                listed => take(&mut store, &kind, listed)?,
            }
        }
        if !hidden.is_empty() {
            let text = format!(
                "{} objects may not be listed: whether they miss a controller is not known",
                hidden.join(", ")
            );
            store.rest().incomplete(codes::FORBIDDEN, text);
        }
        Ok((git_version, store.into_snapshot(self.label.clone(), None)))
    }

    fn git_version(&self, answer: Result<Answer, Refusal>) -> Result<String, ClusterError> {
        let reason = match answer {
            Ok(answer) => match serde_json::from_slice::<ServerVersion>(&answer.body) {
                Ok(version) => return Ok(version.git_version),
                Err(error) => format!("GET /version: {error}"),
            },
            Err(Refusal::Error(error)) => return Err(error),
            Err(Refusal::Forbidden(said)) => return Ok(format!("unknown ({said})")),
            Err(Refusal::NotServed | Refusal::Expired) => "GET /version is not served".to_owned(),
        };
        Err(ClusterError::NotKubernetes { server: self.server.clone(), reason })
    }
}

/// Takes a list in; what may not be read, or fails by itself, leaves the picture incomplete.
fn take(store: &mut Store, kind: &GroupKind, listed: Result<Listed, ClusterError>) -> Result<(), ClusterError> {
    match listed {
        Ok(Listed { wanted, outcome: Outcome::Items(items, _), .. }) => store.replace(wanted.scope(), *items),
        Ok(Listed { outcome: Outcome::Forbidden(said), .. }) => {
            store.rest().incomplete(codes::FORBIDDEN, said);
        }
        Ok(Listed { outcome: Outcome::NotServed, .. }) => {}
        Err(error) if error.is_of_one_answer() => {
            let text = format!("{} objects could not be read: {error}", kind.kind);
            store.rest().incomplete(codes::INPUT_BROKEN, text);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
