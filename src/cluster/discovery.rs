//! Which kinds of Flux the cluster serves, and in which versions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::connect::Cluster;
use super::error::ClusterError;
use super::request::Refusal;
use crate::model::GroupKind;

/// Kinds that are listed, with the plural that their paths use. Never asked for where the cluster does not serve them.
pub(super) const KINDS: [(GroupKind, &str); 13] = [
    (GroupKind::KUSTOMIZATION, "kustomizations"),
    (GroupKind::HELM_RELEASE, "helmreleases"),
    (GroupKind::GIT_REPOSITORY, "gitrepositories"),
    (GroupKind::OCI_REPOSITORY, "ocirepositories"),
    (GroupKind::BUCKET, "buckets"),
    (GroupKind::HELM_REPOSITORY, "helmrepositories"),
    (GroupKind::HELM_CHART, "helmcharts"),
    (GroupKind::EXTERNAL_ARTIFACT, "externalartifacts"),
    (GroupKind::ARTIFACT_GENERATOR, "artifactgenerators"),
    (GroupKind::RESOURCE_SET, "resourcesets"),
    (GroupKind::RESOURCE_SET_INPUT_PROVIDER, "resourcesetinputproviders"),
    (GroupKind::FLUX_INSTANCE, "fluxinstances"),
    (GroupKind::FLUX_REPORT, "fluxreports"),
];

/// One request for everything (Kubernetes 1.26 and later); older servers give the plain list of groups.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Versions to try for each kind, the best first. A kind that is not served has no entry.
pub(super) type Served = BTreeMap<GroupKind, Vec<String>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Discovery {
    kind: String,
    /// Of `APIGroupDiscoveryList`.
    items: Vec<DiscoveredGroup>,
    /// Of `APIGroupList`.
    groups: Vec<Group>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DiscoveredGroup {
    metadata: Name,
    versions: Vec<DiscoveredVersion>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Name {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DiscoveredVersion {
    version: String,
    resources: Vec<Resource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    resource: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Group {
    name: String,
    versions: Vec<Version>,
    preferred_version: Version,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
}

impl Cluster {
    /// Asks once what is served, and for the server's time.
    pub(super) async fn discover(&self) -> Result<(Served, Option<jiff::Timestamp>), ClusterError> {
        match self.get("/apis", ACCEPT).await {
            Ok(answer) => {
                let found: Discovery =
                    serde_json::from_slice(&answer.body).map_err(|error| self.unreadable("/apis", &error))?;
                if !["APIGroupDiscoveryList", "APIGroupList"].contains(&&*found.kind) {
                    return Err(self.something_else("/apis", &found.kind));
                }
                Ok((served(&found), answer.time))
            }
            // A user who may not even ask: every version that Flux has had is tried.
            Err(Refusal::Forbidden(_)) => Ok((every_version(), None)),
            Err(Refusal::NotServed | Refusal::Expired) => Err(ClusterError::NotKubernetes {
                server: self.server.clone(),
                reason: "GET /apis is not served".to_owned(),
            }),
            Err(Refusal::Error(error)) => Err(error),
        }
    }
}

fn served(found: &Discovery) -> Served {
    let mut served = Served::new();
    for (kind, plural) in &KINDS {
        let discovered = found.items.iter().filter(|group| group.metadata.name == kind.group);
        let mut versions: Vec<String> = discovered
            .flat_map(|group| &group.versions)
            .filter(|version| version.resources.iter().any(|resource| resource.resource == *plural))
            .map(|version| version.version.clone())
            .collect();
        // The plain list names no resources: a kind may be served in another version than its group prefers.
        for group in found.groups.iter().filter(|group| group.name == kind.group) {
            versions.push(group.preferred_version.version.clone());
            versions.extend(group.versions.iter().map(|version| version.version.clone()));
        }
        let mut seen = std::collections::BTreeSet::new();
        versions.retain(|version| !version.is_empty() && seen.insert(version.clone()));
        if !versions.is_empty() {
            served.insert(kind.clone(), versions);
        }
    }
    served
}

fn every_version() -> Served {
    let versions = |kind: &GroupKind| match &*kind.kind {
        "HelmRelease" => vec!["v2", "v2beta2", "v2beta1"],
        "ArtifactGenerator" => vec!["v1beta1"],
        _ => vec!["v1", "v1beta2"],
    };
    let owned = |kind: &GroupKind| versions(kind).into_iter().map(str::to_owned).collect();
    KINDS.iter().map(|(kind, _)| (kind.clone(), owned(kind))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(json: serde_json::Value, kind: &GroupKind) -> Vec<String> {
        served(&serde_json::from_value(json).unwrap()).remove(kind).unwrap_or_default()
    }

    #[test]
    fn aggregated_discovery_tells_the_versions_of_each_kind() {
        let json = serde_json::json!({"items": [{"metadata": {"name": "source.toolkit.fluxcd.io"}, "versions": [
            {"version": "v1", "resources": [{"resource": "gitrepositories"}]},
            {"version": "v1beta2", "resources": [{"resource": "gitrepositories"}, {"resource": "buckets"}]},
        ]}]});
        assert_eq!(versions(json.clone(), &GroupKind::GIT_REPOSITORY), ["v1", "v1beta2"]);
        assert_eq!(versions(json.clone(), &GroupKind::BUCKET), ["v1beta2"]);
        assert_eq!(versions(json.clone(), &GroupKind::HELM_CHART), Vec::<String>::new());
        assert_eq!(versions(json, &GroupKind::KUSTOMIZATION), Vec::<String>::new());
    }

    #[test]
    fn plain_discovery_gives_every_version_of_the_group_the_preferred_one_first() {
        let json = serde_json::json!({"groups": [{"name": "source.toolkit.fluxcd.io",
            "versions": [{"version": "v1"}, {"version": "v1beta2"}], "preferredVersion": {"version": "v1"}}]});
        assert_eq!(versions(json, &GroupKind::BUCKET), ["v1", "v1beta2"]);
    }
}
