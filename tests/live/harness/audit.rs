//! What the API server wrote down of what was written to Flux objects: who, when, what.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

const POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
  "rules": [
    {"level": "Request", "verbs": ["patch", "update"], "resources": [
      {"group": "kustomize.toolkit.fluxcd.io"}, {"group": "helm.toolkit.fluxcd.io"},
      {"group": "source.toolkit.fluxcd.io"}]},
    {"level": "Metadata", "verbs": ["get", "list", "watch"], "resources": [{"group": "", "resources": ["secrets"]}]},
    {"level": "None"}
  ]
}
"#;

/// One write to an object, in the order in which they were made.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// RFC 3339 with microseconds, when the API server heard of it.
    pub(crate) received: String,
    /// The client's name for itself.
    pub(crate) agent: String,
    /// Plural of the kind, such as `kustomizations`.
    pub(crate) plural: String,
    /// `namespace/name`.
    pub(crate) name: String,
    /// Whether the status was written.
    pub(crate) is_status: bool,
    /// The body.
    pub(crate) body: Value,
}

pub(super) fn log(dir: &Path) -> PathBuf {
    dir.join("audit.log")
}

pub(super) fn write_policy(dir: &Path) -> Result<()> {
    Ok(std::fs::write(dir.join("audit-policy.json"), POLICY)?)
}

/// Flags of kube-apiserver.
pub(super) fn flags(dir: &Path) -> [String; 2] {
    let policy = dir.join("audit-policy.json");
    [format!("--audit-policy-file={}", policy.display()), format!("--audit-log-path={}", log(dir).display())]
}

/// All writes to Flux objects of one namespace that were good, in order.
pub(super) fn writes(dir: &Path, namespace: &str) -> Result<Vec<Write>> {
    let path = log(dir);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]); // the last line may be under way
    let mut writes = Vec::new();
    for line in whole.lines() {
        let event: Value = serde_json::from_str(line)?;
        let object = &event["objectRef"];
        let good = event["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300);
        if object["namespace"] != namespace || object["resource"] == "secrets" || !good {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        writes.push(Write {
            received: text(&event["requestReceivedTimestamp"]),
            agent: text(&event["userAgent"]),
            plural: text(&object["resource"]),
            name: format!("{namespace}/{}", text(&object["name"])),
            is_status: object["subresource"] == "status",
            body: event["requestObject"].clone(),
        });
    }
    writes.sort_by(|one, other| one.received.cmp(&other.received));
    Ok(writes)
}
