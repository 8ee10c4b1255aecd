//! One scenario's part of the cluster: a namespace, a Git repository, and the questions that are asked about them.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use kubectl_fluxlayers::diagnosis::diagnose;
use kubectl_fluxlayers::model::Snapshot;
use kubectl_fluxlayers::repo;
use serde_json::{Value, json};

use super::api::documents;
use super::audit::{self, Write};
use super::git::Repository;
use super::{Answer, Api, Bench, condition, here, ours, record};
use crate::{said, table};

/// Namespaces that no scenario takes down.
const PERMANENT: [&str; 2] = ["flux-system", "kube-system"];

/// A namespace of the scenario's name, and a GitRepository `repo` in it.
pub(crate) struct Scene<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) api: &'a Api,
    pub(crate) name: String,
    pub(crate) repository: Repository,
    namespaces: Vec<String>,
}

impl<'a> Scene<'a> {
    /// Makes the namespace, applies `scenes/<name>/before.yaml` and pushes `scenes/<name>/tree` where there is one, and
    /// declares the source `repo`.
    pub(crate) fn set_up(bench: &'a Bench, name: &str) -> Result<Scene<'a>> {
        let scene = Scene::bare(bench, name, name)?;
        scene.apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}"))?;
        if scene.folder().join("before.yaml").exists() {
            scene.apply_file("before.yaml")?;
        }
        if scene.folder().join("tree").is_dir() {
            scene.push_folder("tree")?;
            scene.apply("{kind: GitRepository, metadata: {name: repo}, spec: {url: $(git)}}")?;
        }
        Ok(scene)
    }

    /// A scenario that makes its namespaces itself; `namespace` is where what it applies goes by default.
    pub(crate) fn bare(bench: &'a Bench, name: &str, namespace: &str) -> Result<Scene<'a>> {
        let repository = Repository::create(bench.forge.root(), name)?;
        Ok(Scene {
            bench,
            api: &bench.api,
            name: name.to_owned(),
            repository,
            namespaces: vec![namespace.to_owned()],
        })
    }

    /// Other namespaces that belong to the scenario.
    pub(crate) fn and_namespaces(mut self, namespaces: &[&str]) -> Self {
        self.namespaces.extend(namespaces.iter().map(|&namespace| namespace.to_owned()));
        self
    }

    fn folder(&self) -> PathBuf {
        here().join("scenes").join(&self.name)
    }

    /// A file of the scenario's folder, with the bench's addresses filled in.
    pub(crate) fn file(&self, name: &str) -> Result<String> {
        let path = self.folder().join(name);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(self.filled(&text))
    }

    /// `$(git)`, `$(private)`, `$(charts)`, `$(forge)` become addresses of the forge, `$(apiserver)` that of the cluster.
    pub(super) fn filled(&self, text: &str) -> String {
        let (host, name) = (self.bench.forge.host(), &self.name);
        text.replace("$(git)", &format!("http://{host}/git/{name}.git"))
            .replace("$(private)", &format!("http://{host}/private/{name}.git"))
            .replace("$(charts)", &format!("http://{host}/charts"))
            .replace("$(forge)", &format!("http://{host}"))
            .replace("$(apiserver)", &self.bench.cluster.url())
    }

    /// Pushes what was written into the work tree, and declares the source `repo`.
    pub(crate) fn publish(&self) -> Result<()> {
        self.repository.push("all that the scenario needs")?;
        self.apply("{kind: GitRepository, metadata: {name: repo}, spec: {url: $(git)}}")
    }

    /// Replaces the work tree's files by those of a folder of the scenario, and pushes them.
    pub(crate) fn push_folder(&self, folder: &str) -> Result<String> {
        self.copy(&self.folder().join(folder), self.repository.work())?;
        self.repository.push(folder)
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let to = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.copy(&entry.path(), &to)?;
            } else {
                let text = std::fs::read_to_string(entry.path())?;
                std::fs::write(to, self.filled(&text))?;
            }
        }
        Ok(())
    }

    /// Copies a folder into the work tree, with the bench's addresses filled in; nothing is committed.
    pub(super) fn copy_tree(&self, folder: &Path) -> Result<()> {
        self.copy(folder, self.repository.work())
    }

    /// Applies YAML; what names no namespace goes to the scenario's, and Flux objects may leave out what [`complete`]
    /// knows.
    pub(crate) fn apply(&self, yaml: &str) -> Result<()> {
        for mut object in documents(&self.filled(yaml))? {
            complete(&mut object);
            self.api.apply(object, &self.namespaces[0])?;
        }
        Ok(())
    }

    /// Applies a file of the scenario's folder.
    pub(crate) fn apply_file(&self, name: &str) -> Result<()> {
        self.apply(&self.file(name)?)
    }

    /// `Kind/name` of the scenario's own namespace, as the API wants it.
    pub(crate) fn own(&self, reference: &str) -> String {
        let (kind, name) = reference.split_once('/').unwrap_or((reference, ""));
        format!("{kind}/{}/{name}", self.namespaces[0])
    }

    /// Pushes a commit that changes nothing in particular, and waits until `repo` has fetched it.
    pub(crate) fn push_and_fetch(&self) -> Result<String> {
        self.repository.write("touched.md", &now())?;
        let commit = self.repository.push("touch")?;
        self.fetched(&commit)?;
        Ok(commit)
    }

    /// Has `repo` fetch, and waits until its artifact is this commit.
    pub(crate) fn fetched(&self, commit: &str) -> Result<()> {
        self.poke("GitRepository/repo")?;
        let revision = format!("main@sha1:{commit}");
        self.api.await_that(&self.own("GitRepository/repo"), &revision, |source| {
            source.is_some_and(|source| source["status"]["artifact"]["revision"] == revision.as_str())
        })?;
        Ok(())
    }

    /// Waits until the Ready condition of an object of the scenario says this, among other things.
    pub(crate) fn await_message(&self, reference: &str, text: &str) -> Result<Value> {
        let object = self.api.await_that(&self.own(reference), text, |object| {
            object.is_some_and(|object| {
                let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
                let mut ready = conditions.filter(|condition| condition["type"] == "Ready");
                ready.any(|condition| {
                    condition["message"].as_str().is_some_and(|message| message.contains(text))
                })
            })
        })?;
        object.context("a condition belongs to an object")
    }

    /// Asks a controller to look at an object of the scenario again.
    pub(crate) fn poke(&self, reference: &str) -> Result<()> {
        self.api.patch(
            &self.own(reference),
            &json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now()}}}),
        )
    }

    /// Has helm-controller forget the failures of a release and try again; returns when it has heard.
    pub(crate) fn reset(&self, reference: &str) -> Result<()> {
        let at = now();
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": at, "reconcile.fluxcd.io/resetAt": at});
        self.api.patch(&self.own(reference), &json!({"metadata": {"annotations": annotations}}))?;
        self.api.await_that(&self.own(reference), "a reset", |release| {
            release.is_some_and(|release| release["status"]["lastHandledResetAt"] == at.as_str())
        })?;
        Ok(())
    }

    /// Waits until every Flux object of the table's entry reads as the recording of that name does. What was running
    /// when it was recorded, and had failed before, is awaited until it has failed.
    pub(crate) fn await_recorded(&self, entry: &str) -> Result<()> {
        let table = table::expected();
        let table = &table["scenes"][entry]["objects"];
        for object in recorded(entry)? {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            let kind = object["kind"].as_str().unwrap_or_default();
            let reference = format!("{kind}/{}/{}", text("namespace"), text("name"));
            for wanted in object["status"]["conditions"].as_array().into_iter().flatten() {
                let field = |name: &str| wanted[name].as_str().unwrap_or_default();
                match (field("type"), field("status")) {
                    ("Ready", "Unknown") if table[&reference]["state"] == "Failed" => {
                        self.api.await_that(&reference, "a failure", |object| {
                            let ready = object.and_then(|object| condition(object, "Ready"));
                            ready.is_some_and(|(status, _)| status == "False")
                        })?;
                    }
                    ("Ready" | "Stalled", status @ ("True" | "False")) => {
                        self.api.await_condition(&reference, field("type"), status, field("reason"))?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// What `status` says now matches the entry of the table in `tests/fixtures/live`, live and from a recording of
    /// the same moment. The recording goes to the bench's folder, and with `--record`, where it
    /// matches, to the fixtures.
    pub(crate) fn matches(&self, entry: &str) -> Result<()> {
        let (live, list) = self.still_picture()?;
        let path = self.bench.recording(entry);
        record::write(&path, &list)?;
        let expected = table::expected();
        let Some(expected) = expected["scenes"].get(entry) else {
            bail!("{entry} is not in the table; its recording is {}", path.display());
        };
        let from_dump = diagnose(&repo::read_dump(std::slice::from_ref(&path), std::io::empty(), None)?);
        let mut differences = table::differences(expected, &from_dump);
        differences.extend(said::live_differences(expected, &live.json()?, live.code, &self.namespaces[0]));
        ensure!(
            differences.is_empty(),
            "{entry}: not as the table says (the recording is {}):\n  {}",
            path.display(),
            differences.join("\n  ")
        );
        if self.bench.record {
            record::write(&fixtures().join(format!("{entry}.json.gz")), &list)?;
        }
        Ok(())
    }

    /// As [`Scene::matches`], for an answer that only time brings, such as that a deletion hangs.
    pub(crate) fn comes_to_match(&self, entry: &str) -> Result<()> {
        for _ in 0..60 {
            if self.matches(entry).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_secs(2));
        }
        self.matches(entry)
    }

    /// `status` and the objects behind it, of a moment at which nothing changed between the two.
    fn still_picture(&self) -> Result<(Answer, Value)> {
        for _ in 0..20 {
            let before = self.status()?;
            let list =
                record::objects(self.bench, &self.namespaces.iter().map(String::as_str).collect::<Vec<_>>())?;
            if self.status()? == before {
                return Ok((before, list));
            }
        }
        bail!("{}: the picture does not stand still", self.name)
    }

    /// What the scenario's namespaces hold now, read as a dump is read.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let (_, list) = self.still_picture()?;
        let path = self.bench.dir().join(format!("recordings/{}-now.json.gz", self.name));
        record::write(&path, &list)?;
        Ok(repo::read_dump(&[path], std::io::empty(), None)?)
    }

    /// `status --kind all -o json` of the scenario's own namespace.
    pub(crate) fn status(&self) -> Result<Answer> {
        self.run(&["status", "--kind", "all", "-o", "json", "-n", &self.namespaces[0]])
    }

    /// Deletes an object and waits until it is gone with all that it applied.
    pub(crate) fn take_down(&self, reference: &str) -> Result<()> {
        self.api.delete(&self.own(reference))?;
        for kind in ["Kustomization", "HelmRelease"] {
            for object in self.api.list(kind, "")? {
                let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                if !self.namespaces.contains(&text("namespace").to_owned()) {
                    continue;
                }
                let name = format!("{kind}/{}/{}", text("namespace"), text("name"));
                self.api.await_that(&name, "its end", |object| object.is_none())?;
            }
        }
        for namespace in self.namespaces.iter().filter(|namespace| !PERMANENT.contains(&namespace.as_str())) {
            self.api.await_that(&format!("Namespace//{namespace}"), "its end", |object| object.is_none())?;
        }
        Ok(())
    }

    /// `why OBJECT -o json`, in the scenario's own namespace.
    pub(crate) fn why(&self, object: &str) -> Result<Value> {
        self.run(&["why", object, "-o", "json", "-n", &self.namespaces[0]])?.json()
    }

    /// The program with these arguments, as the administrator.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Answer> {
        ours::run(self.bench, "admin", arguments)
    }

    /// The program with these arguments, as another user of the cluster.
    pub(crate) fn run_as(&self, user: &str, arguments: &[&str]) -> Result<Answer> {
        ours::run(self.bench, user, arguments)
    }

    /// Types a command that we printed, in the work tree; it has to succeed.
    pub(crate) fn shell(&self, command: &str) -> Result<Answer> {
        let answer = ours::shell(self.bench, self.repository.work(), command)?;
        ensure!(answer.code == 0, "{command}: exit {}: {}", answer.code, answer.stderr);
        Ok(answer)
    }

    /// The program with these arguments, left running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Result<Child> {
        ours::start(self.bench, "admin", arguments)
    }

    /// All that was written to the scenario's Flux objects so far.
    pub(crate) fn writes(&self) -> Result<Vec<Write>> {
        audit::writes(self.bench.dir(), &self.namespaces[0])
    }

    /// `kubectl fluxlayers` with these arguments.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<Answer> {
        ours::run_by_kubectl(self.bench, "admin", arguments)
    }
}

/// Fills in what every scenario would repeat: versions, intervals, the path of an object's own name, the usual sources.
fn complete(object: &mut Value) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let (version, defaults) = match kind.as_str() {
        "Kustomization" => (
            "kustomize.toolkit.fluxcd.io/v1",
            json!({
                "interval": "10m", "retryInterval": "1m", "timeout": "1m", "prune": true, "path": format!("./{name}"),
                "sourceRef": {"kind": "GitRepository", "name": "repo"},
            }),
        ),
        "HelmRelease" => ("helm.toolkit.fluxcd.io/v2", json!({"interval": "10m", "timeout": "30s"})),
        "GitRepository" => {
            ("source.toolkit.fluxcd.io/v1", json!({"interval": "1m", "ref": {"branch": "main"}}))
        }
        "HelmRepository" | "OCIRepository" | "Bucket" => {
            ("source.toolkit.fluxcd.io/v1", json!({"interval": "1m"}))
        }
        _ => return,
    };
    fill(&mut object["apiVersion"], &json!(version));
    fill(&mut object["spec"], &defaults);
    if !object["spec"]["chart"].is_null() {
        let source = json!({"kind": "HelmRepository", "name": "charts"});
        fill(
            &mut object["spec"]["chart"]["spec"],
            &json!({"interval": "1m", "version": "1.0.0", "sourceRef": source}),
        );
    }
}

/// Takes from `defaults` what `value` does not say.
fn fill(value: &mut Value, defaults: &Value) {
    match (value, defaults) {
        (value @ Value::Null, defaults) => *value = defaults.clone(),
        (Value::Object(fields), Value::Object(defaults)) => {
            for (name, default) in defaults {
                fields.entry(name).or_insert_with(|| default.clone());
            }
        }
        _ => {}
    }
}

/// A text that differs from call to call.
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live")
}

/// The Flux objects of a recording.
fn recorded(entry: &str) -> Result<Vec<Value>> {
    let path = fixtures().join(format!("{entry}.json.gz"));
    let file = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
    let list: Value = serde_json::from_reader(flate2::read::GzDecoder::new(file))?;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    Ok(items
        .into_iter()
        .filter(|object| {
            object["apiVersion"].as_str().is_some_and(|version| version.contains(".toolkit.fluxcd.io/"))
        })
        .collect())
}
