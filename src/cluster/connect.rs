//! From flags and kubeconfig to a client.
#![allow(
    clippy::disallowed_methods,
    reason = "the kubeconfig is found as kubectl finds it, by the environment"
)]

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use super::error::ClusterError;

/// How to reach a cluster; kubectl's own flags.
#[derive(Clone, Debug, Default)]
pub struct ConnectArgs {
    /// `--kubeconfig`, else `KUBECONFIG` and the default path, else the Pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`.
    pub impersonate_groups: Vec<String>,
    /// `--token`.
    pub token: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--request-timeout`; `None` for the default of 30 s.
    pub request_timeout: Option<Duration>,
}

/// A connection to one API server.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: kube::Client,
    /// URL of the API server.
    pub(super) server: String,
    /// Where the credentials come from, for people.
    pub(super) credentials: String,
    /// For people: `context k3s-home`.
    pub(super) label: String,
    /// Namespace of the context.
    pub(super) namespace: String,
    /// Time that one request may take; `None` for no limit.
    pub(super) timeout: Option<Duration>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

impl Cluster {
    /// Reads the kubeconfig and makes a client; nothing is asked yet.
    pub async fn connect(args: &ConnectArgs) -> Result<Self, ClusterError> {
        let (mut config, context) = configuration(args).await?;
        if let Some(server) = &args.server {
            config.cluster_url = server
                .parse()
                .map_err(|error| ClusterError::Kubeconfig { reason: format!("--server {server}: {error}") })?;
        }
        if let Some(token) = &args.token {
            config.auth_info.token = Some(token.clone().into());
            config.auth_info.exec = None;
        }
        if let Some(user) = &args.impersonate {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !args.impersonate_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(args.impersonate_groups.clone());
        }
        config.headers.push((
            HeaderName::from_static("user-agent"),
            HeaderValue::from_static(concat!("fluxlayers/", env!("CARGO_PKG_VERSION"))),
        ));
        config.default_retry = false; // ours is shorter: a person waits
        let timeout = match args.request_timeout {
            None => Some(DEFAULT_TIMEOUT),
            Some(Duration::ZERO) => None,
            Some(timeout) => Some(timeout),
        };
        config.connect_timeout =
            timeout.or(config.connect_timeout).map(|timeout| timeout.min(Duration::from_secs(10)));
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let credentials = match &config.auth_info.exec {
            Some(exec) => format!("from credential plugin `{}`", exec.command.as_deref().unwrap_or("?")),
            None if config.auth_info.token.is_some() || config.auth_info.token_file.is_some() => {
                "a token".to_owned()
            }
            None if config.auth_info.client_certificate.is_some()
                || config.auth_info.client_certificate_data.is_some() =>
            {
                "a client certificate".to_owned()
            }
            None if config.auth_info.auth_provider.is_some() => "of an auth provider".to_owned(),
            None => "none".to_owned(),
        };
        let namespace = config.default_namespace.clone();
        let label = match (context, &args.server) {
            (Some(context), _) => format!("context {context}"),
            (None, Some(_)) => server.clone(),
            (None, None) => "in-cluster".to_owned(),
        };
        let client =
            kube::Client::try_from(config).map_err(|error| ClusterError::from_client(&error, &server))?;
        Ok(Self { client, server, credentials, label, namespace, timeout })
    }
}

/// The configuration that the flags and the environment name, and the name of its context.
async fn configuration(args: &ConnectArgs) -> Result<(Config, Option<String>), ClusterError> {
    let read = match &args.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).map(Some),
        None => match Kubeconfig::from_env() {
            Ok(None) => default_kubeconfig(),
            found => found,
        },
    };
    let kubeconfig = read.map_err(|error| ClusterError::from_kubeconfig(error, Vec::new()))?;
    let Some(kubeconfig) = kubeconfig.filter(|config| !config.contexts.is_empty() || args.context.is_some())
    else {
        return match Config::incluster() {
            Ok(config) => Ok((config, None)),
            Err(_) if args.server.is_some() => {
                let url = args.server.as_deref().unwrap_or_default();
                let url = url
                    .parse()
                    .map_err(|error| ClusterError::Kubeconfig { reason: format!("--server {url}: {error}") })?;
                Ok((Config::new(url), None))
            }
            Err(_) => Err(ClusterError::NoKubeconfig), // says no more than that this is no Pod
        };
    };
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let context = args.context.clone().or_else(|| kubeconfig.current_context.clone());
    if let Some(name) = &args.cluster
        && !kubeconfig.clusters.iter().any(|cluster| cluster.name == *name)
    {
        let known = kubeconfig.clusters.iter().map(|cluster| cluster.name.clone()).collect();
        return Err(ClusterError::NotInKubeconfig { what: "cluster", name: name.clone(), known });
    }
    let options = KubeConfigOptions {
        context: args.context.clone(),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| ClusterError::from_kubeconfig(error, known))?;
    Ok((config, context))
}

/// `~/.kube/config`, if it is there.
fn default_kubeconfig() -> Result<Option<Kubeconfig>, kube::config::KubeconfigError> {
    let Some(home) = std::env::home_dir() else { return Ok(None) };
    let path = home.join(".kube").join("config");
    if !path.exists() {
        return Ok(None);
    }
    Kubeconfig::read_from(path).map(Some)
}
