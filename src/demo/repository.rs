//! The repository of the built-in example, which lies under `examples/flux-k3s`. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Commit, GroupKind, History, ObjectKey, Range, Revision};
use crate::repo::Trees;

macro_rules! files {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!("../../examples/flux-k3s/", $path))),)*]
    };
}

/// Paths and texts.
const FILES: &[(&str, &str)] = files![
    ".sops.yaml",
    "clusters/k3s-home/apps/auth/helmrelease.yaml",
    "clusters/k3s-home/apps/auth/httproute.yaml",
    "clusters/k3s-home/apps/auth/kustomization.yaml",
    "clusters/k3s-home/apps/auth/namespace.yaml",
    "clusters/k3s-home/apps/auth/secret.yaml",
    "clusters/k3s-home/apps/media/helmrelease-jellyfin.yaml",
    "clusters/k3s-home/apps/media/helmrelease-plex.yaml",
    "clusters/k3s-home/apps/media/httproute-jellyfin.yaml",
    "clusters/k3s-home/apps/media/httproute-plex.yaml",
    "clusters/k3s-home/apps/media/kustomization.yaml",
    "clusters/k3s-home/apps/media/namespace.yaml",
    "clusters/k3s-home/apps/monitoring/helmrelease-grafana.yaml",
    "clusters/k3s-home/apps/monitoring/helmrelease-prometheus.yaml",
    "clusters/k3s-home/apps/monitoring/httproute.yaml",
    "clusters/k3s-home/apps/monitoring/kustomization.yaml",
    "clusters/k3s-home/apps/monitoring/namespace.yaml",
    "clusters/k3s-home/apps/monitoring/secret.yaml",
    "clusters/k3s-home/apps/sources/helm-repositories.yaml",
    "clusters/k3s-home/apps/sources/kustomization.yaml",
    "clusters/k3s-home/flux-system/gotk-sync.yaml",
    "clusters/k3s-home/flux-system/kustomization.yaml",
    "clusters/k3s-home/infrastructure-runtime/04-gateway/certificate.yaml",
    "clusters/k3s-home/infrastructure-runtime/04-gateway/clusterissuer.yaml",
    "clusters/k3s-home/infrastructure-runtime/04-gateway/gateway.yaml",
    "clusters/k3s-home/infrastructure-runtime/04-gateway/kustomization.yaml",
    "clusters/k3s-home/infrastructure-runtime/04-gateway/namespace.yaml",
    "clusters/k3s-home/infrastructure/00-gateway-api/crds.yaml",
    "clusters/k3s-home/infrastructure/00-gateway-api/kustomization.yaml",
    "clusters/k3s-home/infrastructure/01-cilium/helmrelease.yaml",
    "clusters/k3s-home/infrastructure/01-cilium/kustomization.yaml",
    "clusters/k3s-home/infrastructure/02-cert-manager/helmrelease.yaml",
    "clusters/k3s-home/infrastructure/02-cert-manager/kustomization.yaml",
    "clusters/k3s-home/infrastructure/02-cert-manager/namespace.yaml",
    "clusters/k3s-home/infrastructure/02-cert-manager/token.yaml",
    "clusters/k3s-home/infrastructure/04-node-feature-discovery/helmrelease.yaml",
    "clusters/k3s-home/infrastructure/04-node-feature-discovery/kustomization.yaml",
    "clusters/k3s-home/infrastructure/04-node-feature-discovery/namespace.yaml",
    "clusters/k3s-home/infrastructure/05-intel-gpu-plugin/helmrelease-operator.yaml",
    "clusters/k3s-home/infrastructure/05-intel-gpu-plugin/helmrelease.yaml",
    "clusters/k3s-home/infrastructure/05-intel-gpu-plugin/kustomization.yaml",
    "clusters/k3s-home/infrastructure/06-nvidia-gpu-plugin/helmrelease.yaml",
    "clusters/k3s-home/infrastructure/06-nvidia-gpu-plugin/kustomization.yaml",
    "clusters/k3s-home/infrastructure/06-nvidia-gpu-plugin/runtimeclass.yaml",
    "clusters/k3s-home/kustomization.yaml",
    "clusters/k3s-home/workloads/cluster-sync.yaml",
    "clusters/k3s-home/workloads/kustomization.yaml",
];

/// What the cluster has fetched, and what it ran before.
const FETCHED: &str = "8c1d22e11507a0e2f5e69d5dfa40a62a1bd7b6ee";
const BEFORE: &str = "a41f9c3cba06b5736faf67e54b07b561eae94395";

/// The repository, with the one commit that the example is about.
pub(crate) fn trees() -> Trees {
    let source = ObjectKey::new(GroupKind::GIT_REPOSITORY, "flux-system", "flux-system");
    Trees::embedded(FILES, source, history())
}

fn history() -> History {
    let path = "clusters/k3s-home/infrastructure/02-cert-manager/token.yaml".to_owned();
    let commit = Commit {
        id: FETCHED.to_owned(),
        short: FETCHED.chars().take(7).collect(),
        time: "2026-11-18T02:39:00Z".parse().unwrap_or_default(),
        author: "Jo Winter".to_owned(),
        subject: "rotate cloudflare token".to_owned(),
        merge: false,
        paths: vec![path.clone()],
        objects: Vec::new(),
    };
    let range = Range { changed: BTreeSet::from([path]), commits: vec![commit] };
    let revision = Some(Revision(format!("main@sha1:{FETCHED}")));
    History { revision, since: BTreeMap::from([(BEFORE.to_owned(), Ok(range))]), ..History::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "holds the list to the folder")]

    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_example_is_built_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flux-k3s");
        let mut open = vec![root.clone()];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let relative = path.strip_prefix(&root).unwrap().display().to_string().replace('\\', "/");
                match path.is_dir() {
                    true => open.push(path),
                    false if relative.ends_with("README.md") => {}
                    false => found.push(relative),
                }
            }
        }
        found.sort();
        let listed: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, found);
    }
}
