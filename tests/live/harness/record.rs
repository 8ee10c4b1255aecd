//! Saves what the controllers wrote, so that tests without a cluster run on it.

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::Bench;

/// The kinds that a recording holds, in the order in which it holds them.
const KINDS: &[&str] = &[
    "Kustomization",
    "HelmRelease",
    "GitRepository",
    "OCIRepository",
    "Bucket",
    "HelmRepository",
    "HelmChart",
    "ExternalArtifact",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Pod",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "Event",
];

/// The port that stands in recordings for that of the forge, which differs from run to run.
const FORGE: &str = "127.0.0.1:13000";

/// Everything in these namespaces as one `v1` List, without managedFields and without values of Secrets.
pub(crate) fn objects(bench: &Bench, namespaces: &[&str]) -> Result<Value> {
    let mut items = Vec::new();
    for namespace in namespaces {
        items.extend(bench.api.get(&format!("Namespace//{namespace}"))?);
        for kind in KINDS {
            items.extend(bench.api.list(kind, namespace)?);
        }
    }
    items.iter_mut().for_each(tidy);
    let list = json!({"apiVersion": "v1", "kind": "List", "takenAt": now(), "items": items});
    let temporary = bench.dir().display().to_string();
    Ok(serde_json::from_str(&list.to_string().replace(&bench.forge.host(), FORGE).replace(&temporary, "/tmp"))?)
}

/// The time by this machine's clock, which is the cluster's.
fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

fn tidy(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    if object["kind"] == "Secret" {
        // The age keys were made for the scenarios and protect nothing.
        for (key, value) in object["data"].as_object_mut().into_iter().flatten() {
            if !key.ends_with(".agekey") {
                *value = json!("");
            }
        }
    }
}

/// Writes a recording, compressed, with the same bytes for the same objects.
pub(crate) fn write(path: &Path, list: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = GzBuilder::new().write(std::fs::File::create(path)?, Compression::best());
    file.write_all(list.to_string().as_bytes())?;
    file.finish()?;
    Ok(())
}
