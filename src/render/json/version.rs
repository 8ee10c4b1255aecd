//! `version -o json`: fields may be added; none is ever renamed, removed or retyped.

use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use super::common::{RefV1, references};
use crate::diagnosis::installation::{Controller, Installation};
use crate::model::Presence;

/// The document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Version"))]
#[serde(rename_all = "camelCase")]
pub struct VersionV1<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::api_version"))]
    api_version: &'static str,
    /// Kind of this document.
    #[cfg_attr(test, schemars(schema_with = "schema::version_kind"))]
    kind: &'static str,
    /// Version of this program.
    client: &'static str,
    /// Version of Kubernetes; `null` where no cluster was asked.
    kubernetes: Option<&'a str>,
    /// Whether all that was asked about could be read.
    complete: bool,
    /// Whether Flux is installed; `null` where that is not in sight, or no cluster was asked.
    installed: Option<bool>,
    /// Version of Flux; `null` where none is stated, or `complete` is false and it is not in sight.
    flux: Option<&'a str>,
    /// The controllers of Flux.
    controllers: Vec<ControllerV1<'a>>,
    /// Deployments of controllers that do not exist although there is something for them to do.
    absent: Vec<RefV1<'a>>,
}

/// One controller.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Controller"))]
#[serde(rename_all = "camelCase")]
struct ControllerV1<'a> {
    /// Namespace of its Deployment.
    namespace: &'a str,
    /// Name of its Deployment.
    name: &'a str,
    /// Tag of its image.
    version: Option<&'a str>,
    /// Pods that are wanted.
    wanted: i64,
    /// Pods that are available.
    available: i64,
    /// Flags that change what things mean.
    flags: &'a [String],
}

impl<'a> VersionV1<'a> {
    /// The document of an installation; without one, of this program alone.
    pub fn new(kubernetes: Option<&'a str>, installation: Option<&'a Installation>) -> Self {
        let controllers = installation.map(|found| found.controllers.as_slice()).unwrap_or_default();
        let absent = installation.map(|found| found.absent.as_slice()).unwrap_or_default();
        Self {
            api_version: "fluxlayers/v1",
            kind: "Version",
            client: env!("CARGO_PKG_VERSION"),
            kubernetes,
            complete: installation.is_none_or(|found| found.complete),
            installed: installation.and_then(|found| match found.presence {
                Presence::There => Some(true),
                Presence::Absent => Some(false),
                Presence::Hidden => None,
            }),
            flux: installation.and_then(|found| found.version.as_deref()),
            controllers: controllers.iter().map(ControllerV1::new).collect(),
            absent: references(absent),
        }
    }
}

impl<'a> ControllerV1<'a> {
    fn new(controller: &'a Controller) -> Self {
        Self {
            namespace: &controller.key.namespace,
            name: &controller.key.name,
            version: controller.version.as_deref(),
            wanted: controller.wanted,
            available: controller.available,
            flags: &controller.flags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        schema::assert_committed::<VersionV1<'_>>("version.v1.json");
    }
}
