//! Fixtures read in, keys, and a manifest.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kubectl_fluxlayers::model::{GroupKind, ObjectKey, Snapshot};
use kubectl_fluxlayers::repo::{InputError, read_dump};
use serde_json::{Value, json};

pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

pub(crate) fn dump(paths: &[PathBuf]) -> Result<Snapshot, InputError> {
    read_dump(paths, std::io::empty(), None)
}

pub(crate) fn live(scene: &str) -> Snapshot {
    dump(&[fixture(&format!("live/{scene}.json.gz"))]).unwrap()
}

pub(crate) fn api(files: &[&str]) -> Snapshot {
    let files: Vec<_> = files.iter().map(|name| fixture(&format!("apiserver/{name}.json.gz"))).collect();
    dump(&files).unwrap()
}

pub(crate) fn stdin(text: impl AsRef<[u8]>) -> Result<Snapshot, InputError> {
    read_dump(&["-".into()], text.as_ref(), None)
}

pub(crate) fn document(path: &str) -> Value {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(fixture(path)).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn warnings(snapshot: &Snapshot) -> Vec<String> {
    snapshot.warnings.iter().map(|warning| format!("{}: {}", warning.code, warning.text)).collect()
}

pub(crate) fn ks(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::kustomization(namespace, name)
}

pub(crate) fn hr(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::helm_release(namespace, name)
}

pub(crate) fn key(kind: GroupKind, namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::new(kind, namespace, name)
}

pub(crate) fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

pub(crate) fn manifest(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
    })
}
