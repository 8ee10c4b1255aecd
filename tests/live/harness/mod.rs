//! The bench: a cluster, the Flux controllers, and where they fetch from.

pub(crate) mod api;
mod audit;
mod charts;
pub(crate) mod cluster;
pub(crate) mod controllers;
mod example;
mod forge;
mod git;
mod ours;
mod process;
mod record;
pub(crate) mod remedies;
mod scene;
mod webhook;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::{Builder, Handle, Runtime};

pub(crate) use self::api::{Api, condition};
pub(crate) use self::audit::Write;
use self::cluster::Cluster;
pub(crate) use self::controllers::{Controller, Controllers};
pub(crate) use self::forge::{Forge, PASSWORD, USER};
pub(crate) use self::ours::{Answer, program};
pub(crate) use self::scene::Scene;
pub(crate) use self::webhook::Webhook;

/// All that runs. What it started has ended when it is dropped, in the order of its fields.
pub(crate) struct Bench {
    pub(crate) controllers: Controllers,
    pub(crate) cluster: Cluster,
    pub(crate) api: Api,
    pub(crate) forge: Forge,
    dir: PathBuf,
    /// Whether the recordings in `tests/fixtures/live` are to be written anew.
    pub(crate) record: bool,
    runtime: Runtime,
}

/// The folder of the project.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the live tests.
pub(crate) fn here() -> PathBuf {
    root().join("tests/live")
}

/// Every file below a folder, in order.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

impl Bench {
    /// Starts everything. `bin` is where `tests/live/build` put the programs, `dir` an empty folder.
    pub(crate) fn start(bin: &Path, dir: &Path, record: bool) -> Result<Bench> {
        let bench = Bench::without_controllers(bin, dir, record)?;
        for controller in Controller::ALL {
            bench.launch(controller, &[])?;
        }
        Ok(bench)
    }

    /// The cluster alone, with Flux's CRDs.
    pub(crate) fn without_controllers(bin: &Path, dir: &Path, record: bool) -> Result<Bench> {
        ensure!(bin.join("kube-apiserver").exists(), "no {}: run tests/live/run", bin.display());
        std::fs::create_dir_all(dir)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let forge = Forge::start(&dir.join("forge"), runtime.handle())?;
        charts::package(&here().join("charts"), &example::charts()?, &forge.root().join("charts"))?;
        let cluster = Cluster::start(bin, dir)?;
        let api = Api::new(&cluster.kubeconfig("admin"), runtime.handle().clone())?;
        install_flux(&api, bin)?;
        let controllers = Controllers::of(&cluster, dir)?;
        Ok(Bench { controllers, cluster, api, forge, dir: dir.to_owned(), record, runtime })
    }

    /// Starts a controller anew, with these flags.
    pub(crate) fn restart(&self, controller: Controller, flags: &[&str]) -> Result<()> {
        self.controllers.stop(controller)?;
        self.launch(controller, flags)
    }

    /// Starts a controller that does not run.
    pub(crate) fn launch(&self, controller: Controller, flags: &[&str]) -> Result<()> {
        self.controllers.launch(&self.api, self.cluster.program(controller.name()), controller, flags)
    }

    /// Fails where one of these recordings was not made, and so nothing was held against its entry of the table.
    pub(crate) fn has_recorded(&self, entries: &[&str]) -> Result<()> {
        for entry in entries {
            ensure!(self.recording(entry).exists(), "{entry} was not recorded");
        }
        Ok(())
    }

    /// Where the recording of this name of this run lies.
    fn recording(&self, entry: &str) -> PathBuf {
        self.dir.join(format!("recordings/{entry}.json.gz"))
    }

    /// Suspends everything that the scenarios so far have left behind: what fails is tried again and again, and the
    /// controllers have better things to do.
    pub(crate) fn rest(&self) -> Result<()> {
        let suspended = serde_json::json!({"spec": {"suspend": true}});
        for kind in ["Kustomization", "HelmRelease"] {
            for object in self.api.list(kind, "")? {
                let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                self.api.patch(&format!("{kind}/{}/{}", text("namespace"), text("name")), &suspended)?;
            }
        }
        Ok(())
    }

    /// What runs the servers of the bench.
    pub(crate) fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The bench's folder: logs, kubeconfigs, data.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// The CRDs of the controllers, the namespace, the node that kwok keeps and the one that nobody keeps. Only Pods that
/// tolerate their taints run there; the others stay Pending, as in a cluster that is full.
fn install_flux(api: &Api, bin: &Path) -> Result<()> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(bin.join("../crds"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        for crd in api::documents(&text)? {
            let name = crd["metadata"]["name"].as_str().context("a CRD has a name")?.to_owned();
            api.apply(crd, "").with_context(|| file.display().to_string())?;
            api.await_that(&format!("CustomResourceDefinition//{name}"), "Established", |crd| {
                crd.and_then(|crd| api::condition(crd, "Established"))
                    .is_some_and(|(status, _)| status == "True")
            })?;
        }
    }
    for object in api::documents(&std::fs::read_to_string(here().join("cluster.yaml"))?)? {
        api.apply(object.clone(), "")?;
        if object["kind"] == "Node" {
            // The API server taints every new node as not ready; the controller that takes that off does not run here.
            let name = object["metadata"]["name"].as_str().context("a node has a name")?;
            let taints = serde_json::json!({"spec": {"taints": object["spec"]["taints"]}});
            api.patch(&format!("Node//{name}"), &taints)?;
        }
    }
    Ok(())
}
