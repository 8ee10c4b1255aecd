//! The example repository of this project, made to run on the bench: charts come from the forge, and files are encrypted
//! for a key that the bench has.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Bench, Scene, api};

const ROOT: &str = "examples/flux-k3s";
const ENTRY: &str = "clusters/k3s-home/flux-system/gotk-sync.yaml";
const CHARTS: &str = "clusters/k3s-home/apps/sources/helm-repositories.yaml";
/// The files that are encrypted for keys that nobody has.
const ENCRYPTED: [&str; 3] = [
    "clusters/k3s-home/infrastructure/02-cert-manager/token.yaml",
    "clusters/k3s-home/apps/auth/secret.yaml",
    "clusters/k3s-home/apps/monitoring/secret.yaml",
];

/// Name and version of every chart that a HelmRelease of the example asks for.
pub(super) fn charts() -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for file in super::files_below(&super::root().join(ROOT))? {
        if file.extension().is_some_and(|extension| extension == "yaml") {
            for object in api::documents(&std::fs::read_to_string(&file)?)? {
                let chart = &object["spec"]["chart"]["spec"];
                if let (Some(name), Some(version)) = (chart["chart"].as_str(), chart["version"].as_str()) {
                    found.push((name.to_owned(), version.to_owned()));
                }
            }
        }
    }
    Ok(found)
}

impl Scene<'_> {
    /// Pushes the example, and gives the cluster its entry and an age key of the bench's own.
    pub(crate) fn push_example(&self) -> Result<()> {
        self.copy_tree(&super::root().join(ROOT))?;
        for file in [ENTRY, CHARTS] {
            let path = self.repository.work().join(file);
            let text = std::fs::read_to_string(&path)?;
            let address = if file == ENTRY { "$(git)" } else { "$(charts)" };
            let lines = text.lines().map(|line| match line.split_once("url: ") {
                Some((before, _)) => format!("{before}url: {address}\n"),
                None => format!("{line}\n"),
            });
            std::fs::write(&path, self.filled(&lines.collect::<String>()))?;
        }
        self.repository.push("the example")?;
        let key = age_key(self.bench)?;
        self.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sops-age"}, "stringData": {"age.agekey": key.private},
        }).to_string())?;
        self.apply(&std::fs::read_to_string(self.repository.work().join(ENTRY))?)
    }

    /// Replaces the files that no key of the cluster opens by such that its key does, and pushes them.
    pub(crate) fn encrypt_anew(&self) -> Result<String> {
        let recipient = age_key(self.bench)?.public;
        for file in ENCRYPTED {
            let path = self.repository.work().join(file);
            let mut secret: Value = api::documents(&std::fs::read_to_string(&path)?)?
                .into_iter()
                .next()
                .context("an encrypted file")?;
            let fields = secret.as_object_mut().context("a Secret")?;
            fields.remove("sops");
            for values in ["data", "stringData"] {
                for value in fields.get_mut(values).and_then(Value::as_object_mut).into_iter().flatten() {
                    *value.1 = json!("");
                }
            }
            std::fs::write(&path, serde_saphyr::to_string(&secret)?)?;
            encrypt(self.bench, &path, &recipient)?;
        }
        self.repository.push("encrypt for the cluster's key")
    }
}

/// An age identity, and who it is for.
pub(crate) struct AgeKey {
    pub(crate) private: String,
    pub(crate) public: String,
}

/// The key of this run of the bench, which ends with it.
pub(crate) fn age_key(bench: &Bench) -> Result<AgeKey> {
    let path = bench.dir().join("age.agekey");
    if !path.exists() {
        let output = bench.cluster.program("age-keygen").arg("-o").arg(&path).output()?;
        ensure!(output.status.success(), "age-keygen: {}", String::from_utf8_lossy(&output.stderr));
    }
    let private = std::fs::read_to_string(&path)?;
    let public =
        private.lines().find_map(|line| line.strip_prefix("# public key: ")).context("a public key")?;
    Ok(AgeKey { public: public.to_owned(), private })
}

/// Encrypts a file in place for a recipient.
pub(crate) fn encrypt(bench: &Bench, path: &Path, recipient: &str) -> Result<()> {
    let mut sops = bench.cluster.program("sops");
    sops.args(["encrypt", "--in-place", "--encrypted-regex", "^(data|stringData)$", "--age", recipient]);
    let output = sops.arg(path).output()?;
    ensure!(output.status.success(), "sops: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
