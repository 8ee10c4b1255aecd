//! The Flux controllers, each of which can be frozen, stopped, and started with other flags.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::api::Api;
use super::cluster::{Cluster, free_port};
use super::process::Process;

/// A controller of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    Source,
    Kustomize,
    Helm,
}

impl Controller {
    pub(crate) const ALL: [Controller; 3] = [Controller::Source, Controller::Kustomize, Controller::Helm];

    /// As its program and its Deployment are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Controller::Source => "source-controller",
            Controller::Kustomize => "kustomize-controller",
            Controller::Helm => "helm-controller",
        }
    }
}

/// A dependent asks again after this, not after half a minute.
const REQUEUE: &str = "--requeue-dependency=5s";

/// What `flux install` would have made of a controller with these flags.
fn deployment(controller: Controller, flags: &[&str]) -> Value {
    let name = controller.name();
    let labels = json!({"app.kubernetes.io/part-of": "flux", "app.kubernetes.io/component": name, "app": name});
    let requeue = (controller != Controller::Source).then_some(REQUEUE);
    let arguments: Vec<&str> = requeue.into_iter().chain(flags.iter().copied()).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "tolerations": [{"key": "fluxlayers/simulated", "operator": "Exists"}],
                    "containers": [{"name": "manager", "image": format!("ghcr.io/fluxcd/{name}:v0"), "args": arguments}],
                },
            },
        },
    })
}

/// The running controllers.
pub(crate) struct Controllers {
    dir: PathBuf,
    kubeconfig: PathBuf,
    storage: String,
    running: Mutex<[Option<Process>; 3]>,
}

impl Controllers {
    /// None of them, until they are launched.
    pub(crate) fn of(cluster: &Cluster, dir: &Path) -> Result<Controllers> {
        Ok(Controllers {
            dir: dir.to_owned(),
            kubeconfig: cluster.kubeconfig("admin"),
            storage: format!("127.0.0.1:{}", free_port()?),
            running: Mutex::default(),
        })
    }

    /// Starts one that does not run, with these flags beside its defaults; only the wait before a dependent asks again is
    /// shorter. It has a Deployment, as where Flux was installed, whose Pod kwok runs.
    pub(crate) fn launch(
        &self,
        api: &Api,
        mut program: Command,
        controller: Controller,
        flags: &[&str],
    ) -> Result<()> {
        program
            .env("KUBECONFIG", &self.kubeconfig)
            .env("RUNTIME_NAMESPACE", "flux-system")
            .arg(format!("--metrics-addr=127.0.0.1:{}", free_port()?))
            .arg(format!("--health-addr=127.0.0.1:{}", free_port()?))
            .args(["--events-addr=", "--kube-api-qps=500", "--kube-api-burst=1000"])
            .args(flags);
        if controller == Controller::Source {
            let storage = self.dir.join("storage");
            std::fs::create_dir_all(&storage)?;
            program
                .arg(format!("--storage-path={}", storage.display()))
                .arg(format!("--storage-addr={}", self.storage))
                .arg(format!("--storage-adv-addr={}", self.storage));
        } else {
            program.arg(REQUEUE);
        }
        api.apply(deployment(controller, flags), "flux-system")?;
        let process = Process::start(controller.name(), &self.dir, &mut program)?;
        self.running.lock().unwrap()[controller as usize] = Some(process);
        Ok(())
    }

    /// Ends one; its Deployment knows nothing of it.
    pub(crate) fn stop(&self, controller: Controller) -> Result<()> {
        let process = self.running.lock().unwrap()[controller as usize].take();
        process.with_context(|| format!("{} does not run", controller.name()))?.stop()
    }

    /// Freezes one, as a hang would.
    pub(crate) fn freeze(&self, controller: Controller) -> Result<()> {
        self.with(controller, Process::freeze)
    }

    /// Lets a frozen one go on.
    pub(crate) fn thaw(&self, controller: Controller) -> Result<()> {
        self.with(controller, Process::thaw)
    }

    fn with(&self, controller: Controller, act: impl Fn(&Process) -> Result<()>) -> Result<()> {
        let running = self.running.lock().unwrap();
        act(running[controller as usize]
            .as_ref()
            .with_context(|| format!("{} does not run", controller.name()))?)
    }

    /// Fails where one ended by itself.
    pub(crate) fn all_alive(&self) -> Result<()> {
        for (process, controller) in self.running.lock().unwrap().iter_mut().zip(Controller::ALL) {
            let alive = process.as_mut().is_none_or(Process::alive);
            ensure!(alive, "{} ended; see its log in {}", controller.name(), self.dir.display());
        }
        Ok(())
    }
}
