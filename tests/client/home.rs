//! A home folder of its own for every run of the binary, with the kubeconfig that a test writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What one run has left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A folder that is gone after the test.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// Without any kubeconfig.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// With a kubeconfig for one server and a user without credentials.
    pub(crate) fn for_server(url: &str) -> Self {
        Self::with(&kubeconfig(url, json!({})))
    }

    /// With this kubeconfig.
    pub(crate) fn with(kubeconfig: &Value) -> Self {
        let home = Self::new();
        std::fs::create_dir(home.path().join(".kube")).unwrap();
        home.write(".kube/config", &kubeconfig.to_string());
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The binary, with nothing in its environment but this home and a UTF-8 locale.
    pub(crate) fn fluxlayers(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-fluxlayers"));
        command.args(args.split_whitespace()).env_clear().env("HOME", self.path()).env("LC_ALL", "C.UTF-8");
        command.current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &str) -> Run {
        finish(&mut self.fluxlayers(args))
    }
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A kubeconfig with context `test`; JSON is YAML.
pub(crate) fn kubeconfig(url: &str, user: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "me"}}],
    })
}
