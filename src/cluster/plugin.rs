//! One run of a credential plugin: the program that a kubeconfig names under `exec`.
//!
//! As client-go does it (`plugin/pkg/client/auth/exec`). What the program prints is where a token stands: it is never
//! shown, nor is what a parser quotes of it, nor an argument.

use std::io::IsTerminal as _;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use zeroize::{Zeroize as _, Zeroizing};

/// A program that gives credentials.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    exec: ExecConfig,
}

/// What a plugin gave; not for showing.
pub(super) struct Issued {
    /// `Authorization` of every request.
    pub(super) header: Option<HeaderValue>,
    /// Client certificate and key, as base64 of PEM, as a kubeconfig holds them.
    pub(super) certificate: Option<(String, Zeroizing<String>)>,
    pub(super) expires: Option<Timestamp>,
}

/// A plugin gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("credential plugin `{command}` failed: {reason}")]
pub(super) struct PluginError {
    pub(super) command: String,
    pub(super) reason: String,
    /// How to install it, where it is not there.
    pub(super) install: Option<String>,
}

/// What is handed to a plugin in `KUBERNETES_EXEC_INFO`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'a str>,
    kind: &'static str,
    spec: InfoSpec<'a>,
}

#[derive(Serialize)]
struct InfoSpec<'a> {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ExecAuthCluster>,
}

/// What it prints.
#[derive(Deserialize)]
struct Credential {
    status: Option<CredentialStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialStatus {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Drop for CredentialStatus {
    fn drop(&mut self) {
        self.token.zeroize();
        self.client_key_data.zeroize();
    }
}

impl Plugin {
    /// The plugin of a kubeconfig; a cluster it is told about is in `exec` already.
    pub(super) fn new(exec: ExecConfig) -> Self {
        Self { exec }
    }

    /// Its command, without the arguments: these may be secret.
    pub(super) fn command(&self) -> &str {
        self.exec.command.as_deref().unwrap_or_default()
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> PluginError {
        PluginError { command: self.command().to_owned(), reason: reason.into(), install: None }
    }

    /// Runs it to its end; dropping this ends it.
    ///
    /// It may talk to the user where a terminal is there and it is `first` to: later on the screen is ours.
    pub(super) async fn run(&self, first: bool) -> Result<Issued, PluginError> {
        if self.command().is_empty() {
            return Err(self.error("the kubeconfig names no command"));
        }
        let talks = match self.exec.interactive_mode {
            Some(ExecInteractiveMode::Never) => false,
            Some(ExecInteractiveMode::Always) => true,
            Some(ExecInteractiveMode::IfAvailable) | None => first && std::io::stdin().is_terminal(),
        };
        let cluster = self.exec.cluster.as_ref().filter(|_| self.exec.provide_cluster_info);
        let spec = InfoSpec { interactive: talks, cluster };
        let info = Info { api_version: self.exec.api_version.as_deref(), kind: "ExecCredential", spec };
        let info = serde_json::to_string(&info).map_err(|error| self.error(error.to_string()))?;
        let variables = self.exec.env.iter().flatten();
        let variables = variables.filter_map(|entry| Some((entry.get("name")?, entry.get("value")?)));
        let mut command = Command::new(self.command());
        command
            .args(self.exec.args.iter().flatten())
            .envs(variables)
            .env("KUBERNETES_EXEC_INFO", info)
            .stdin(if talks { Stdio::inherit() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(if talks { Stdio::inherit() } else { Stdio::piped() })
            .kill_on_drop(true);
        let started = command.spawn().map_err(|error| PluginError {
            install: self.exec.install_hint.clone(),
            ..self.error(format!("it cannot be started: {error}"))
        })?;
        let output = started.wait_with_output().await.map_err(|error| self.error(error.to_string()))?;
        let printed = Zeroizing::new(output.stdout);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().map(str::trim).find(|line| !line.is_empty());
            return Err(self.error(match first {
                Some(first) => format!("{}: {first}", output.status),
                None => output.status.to_string(),
            }));
        }
        self.read(&printed)
    }

    /// JSON, or YAML, which client-go reads as well.
    fn read(&self, printed: &[u8]) -> Result<Issued, PluginError> {
        let no_credential = || self.error("what it printed is no ExecCredential");
        let credential: Credential = serde_saphyr::from_slice(printed).map_err(|_| no_credential())?;
        let status = credential.status.ok_or_else(no_credential)?;
        let expires = status.expiration_timestamp.as_deref().map(str::parse).transpose();
        let expires = expires.map_err(|_| no_credential())?;
        let header = status.token.as_ref().filter(|token| !token.is_empty()).map(|token| {
            let value = Zeroizing::new(format!("Bearer {token}"));
            let mut header = HeaderValue::from_str(&value)
                .map_err(|_| self.error("its token holds characters that no token may hold"))?;
            header.set_sensitive(true);
            Ok(header)
        });
        let certificate = match (&status.client_certificate_data, &status.client_key_data) {
            (Some(certificate), Some(key)) => {
                Some((STANDARD.encode(certificate), Zeroizing::new(STANDARD.encode(key))))
            }
            _ => None,
        };
        let issued = Issued { header: header.transpose()?, certificate, expires };
        if issued.header.is_none() && issued.certificate.is_none() {
            return Err(self.error("it printed neither a token nor a client certificate"));
        }
        Ok(issued)
    }
}
