//! What `version` asks: the API server's own version, Flux' and its controllers'.

use serde::Deserialize;
use serde_json::Value;

use super::connect::Cluster;
use super::error::ClusterError;
use super::request::Refusal;
use crate::model::{GroupKind, Snapshot};
use crate::wire::{Place, SnapshotBuilder};

const CONTROLLERS: &str = "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fpart-of%3Dflux";
const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gitrepositories.source.toolkit.fluxcd.io";

/// Objects that tell the version, each read by itself: what may not be read is left out.
const PATHS: [&str; 3] = [CONTROLLERS, "/apis/fluxcd.controlplane.io/v1/fluxreports", DEFINITION];

/// One object tells that its controller has something to do; where none is found, nothing is said of it.
const TASKS: [&str; 3] = [
    "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations?limit=1",
    "/apis/helm.toolkit.fluxcd.io/v2/helmreleases?limit=1",
    "/apis/source.toolkit.fluxcd.io/v1/gitrepositories?limit=1",
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
        let server = self.get("/version", "application/json");
        let get = |path| self.get(path, "application/json");
        let objects = futures::future::join_all(PATHS.map(get));
        let tasks = futures::future::join_all(TASKS.map(get));
        let (server, objects, tasks) = futures::future::join3(server, objects, tasks).await;
        let server = match server {
            Ok(answer) => {
                serde_json::from_slice::<ServerVersion>(&answer.body).map_err(|error| error.to_string())
            }
            Err(Refusal::Error(error)) => return Err(error),
            Err(Refusal::Forbidden(said)) => Ok(ServerVersion { git_version: format!("unknown ({said})") }),
            Err(Refusal::NotServed | Refusal::Expired) => Err("GET /version is not served".to_owned()),
        };
        let server =
            server.map_err(|reason| ClusterError::NotKubernetes { server: self.server.clone(), reason })?;
        let mut builder = SnapshotBuilder::new();
        for (path, object) in PATHS.into_iter().zip(objects) {
            match object {
                Ok(answer) => {
                    let document: Value =
                        serde_json::from_slice(&answer.body).map_err(|error| ClusterError::CutOff {
                            server: self.server.clone(),
                            path: path.to_owned(),
                            reason: error.to_string(),
                        })?;
                    builder.add(document, Place::file(&*self.label));
                    if path == CONTROLLERS {
                        builder.covers_controllers(None);
                    }
                }
                Err(Refusal::Forbidden(said)) => builder.incomplete(crate::wire::codes::FORBIDDEN, said),
                Err(Refusal::NotServed) if path == DEFINITION => {
                    builder.covers(GroupKind::CUSTOM_RESOURCE_DEFINITION, Some("")); // of it, only this one is asked about
                }
                Err(Refusal::NotServed | Refusal::Expired) => {}
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
        for answer in tasks.into_iter().flatten() {
            let list: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            for item in list["items"].as_array().into_iter().flatten() {
                builder.add_listed(item.clone(), Place::file(&*self.label));
            }
        }
        Ok((server.git_version, builder.finish(self.label.clone(), None)))
    }
}
