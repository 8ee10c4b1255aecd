//! From flags and kubeconfig to a client.
#![allow(
    clippy::disallowed_methods,
    reason = "the kubeconfig is found as kubectl finds it, by the environment"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::ahead::Ahead;
use super::error::{ClusterError, Credentials};
use super::transport;

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
    /// Opens connections of that client before they are needed.
    pub(super) ahead: Ahead,
    /// URL of the API server.
    pub(super) server: String,
    pub(super) credentials: Credentials,
    /// For people: `context k3s-home`.
    pub(super) label: String,
    /// Namespace of the context.
    pub(super) namespace: String,
    /// Time that one request may take; `None` for no limit.
    pub(super) timeout: Option<Duration>,
    /// Whether documents are kept, to write a snapshot from.
    pub(super) keeps: bool,
    /// How many requests were sent.
    pub(super) asked: Arc<AtomicUsize>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A server that is there accepts a connection in much less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Cluster {
    /// Reads the kubeconfig and makes a client; nothing is asked yet, but of a credential plugin.
    pub async fn connect(args: &ConnectArgs) -> Result<Self, ClusterError> {
        let (mut config, context) = configuration(args).await?;
        if let Some(server) = &args.server {
            config.cluster_url = parse_server(server)?;
        }
        let auth = &mut config.auth_info;
        if let Some(token) = &args.token {
            // It replaces every other way to log in, but for the certificate, as with kubectl.
            *auth = AuthInfo {
                token: Some(token.clone().into()),
                token_file: None,
                username: None,
                password: None,
                auth_provider: None,
                exec: None,
                ..std::mem::take(auth)
            };
        }
        if let Some(user) = &args.impersonate {
            auth.impersonate = Some(user.clone());
        }
        if !args.impersonate_groups.is_empty() {
            auth.impersonate_groups = Some(args.impersonate_groups.clone());
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
        config.connect_timeout = timeout.or(config.connect_timeout).map(|timeout| timeout.min(CONNECT_TIMEOUT));
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let credentials = credentials(&config.auth_info);
        let namespace = config.default_namespace.clone();
        let label = match (context, &args.server) {
            (Some(context), _) => format!("context {context}"),
            (None, Some(_)) => server.clone(),
            (None, None) => "in-cluster".to_owned(),
        };
        let (client, ahead) =
            transport::client(config).map_err(|error| ClusterError::from_setup(&error, &credentials))?;
        Ok(Self {
            client,
            ahead,
            server,
            credentials,
            label,
            namespace,
            timeout,
            keeps: false,
            asked: Arc::default(),
        })
    }
}

/// Which of the ways to log in counts, in the order in which kube takes them.
fn credentials(auth: &AuthInfo) -> Credentials {
    if let Some(provider) = &auth.auth_provider {
        Credentials::Provider(provider.name.clone())
    } else if auth.username.is_some() && auth.password.is_some() {
        Credentials::Password
    } else if auth.token.is_some() || auth.token_file.is_some() {
        Credentials::Token
    } else if let Some(exec) = &auth.exec {
        let command = exec.command.clone().unwrap_or_default();
        Credentials::Plugin { command, install: exec.install_hint.clone() }
    } else if auth.client_certificate.is_some() || auth.client_certificate_data.is_some() {
        Credentials::Certificate
    } else {
        Credentials::None
    }
}

/// The configuration that the flags and the environment name, and the name of its context.
async fn configuration(args: &ConnectArgs) -> Result<(Config, Option<String>), ClusterError> {
    let (paths, wanted) = kubeconfig_paths(args);
    let kubeconfig = read_kubeconfig(&paths, wanted)?;
    let no_kubeconfig = || {
        let looked: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        ClusterError::NoKubeconfig { looked: looked.join(", ") }
    };
    let given = args.context.clone().or_else(|| kubeconfig.current_context.clone());
    let Some(context) = given.filter(|name| !name.is_empty()) else {
        if let Some(server) = &args.server {
            return Ok((Config::new(parse_server(server)?), None));
        }
        return match Config::incluster() {
            Ok(config) => Ok((config, None)),
            // Says no more than that this is no Pod.
            Err(_) if kubeconfig.contexts.is_empty() => Err(no_kubeconfig()),
            Err(_) => Err(ClusterError::from_kubeconfig(&KubeconfigError::CurrentContextNotSet)),
        };
    };
    if kubeconfig.contexts.is_empty() {
        return Err(no_kubeconfig());
    }
    known("context", Some(&context), kubeconfig.contexts.iter().map(|named| &named.name))?;
    known("cluster", args.cluster.as_ref(), kubeconfig.clusters.iter().map(|named| &named.name))?;
    known("user", args.user.as_ref(), kubeconfig.auth_infos.iter().map(|named| &named.name))?;
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Ok((config.map_err(|error| ClusterError::from_kubeconfig(&error))?, Some(context)))
}

/// A name that is given must be there.
fn known<'a>(
    what: &'static str,
    given: Option<&String>,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), ClusterError> {
    let known: Vec<String> = names.cloned().collect();
    match given {
        Some(name) if !known.contains(name) => {
            Err(ClusterError::NotInKubeconfig { what, name: name.clone(), known })
        }
        _ => Ok(()),
    }
}

/// Where a kubeconfig may be, and whether it has to be there.
fn kubeconfig_paths(args: &ConnectArgs) -> (Vec<PathBuf>, bool) {
    if let Some(path) = &args.kubeconfig {
        return (vec![path.clone()], true);
    }
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let named: Vec<PathBuf> =
        std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    if !named.is_empty() {
        return (named, false);
    }
    let home = std::env::home_dir().unwrap_or_default();
    (vec![home.join(".kube").join("config")], false)
}

/// The files merged; of two that say the same the first one counts.
fn read_kubeconfig(paths: &[PathBuf], wanted: bool) -> Result<Kubeconfig, ClusterError> {
    let mut merged = Kubeconfig::default();
    for path in paths {
        if !wanted && !path.exists() {
            continue; // as kubectl does
        }
        let read = Kubeconfig::read_from(path).and_then(|file| merged.merge(file));
        merged = read.map_err(|error| ClusterError::from_kubeconfig(&error).in_file(path))?;
    }
    Ok(merged)
}

fn parse_server(url: &str) -> Result<Uri, ClusterError> {
    let parsed: Result<Uri, _> = url.parse();
    let reason = match parsed {
        Ok(uri) if matches!(uri.scheme_str(), Some("http" | "https")) => return Ok(uri),
        Ok(_) => "it has to begin with https:// or http://".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(ClusterError::ServerUrl { url: url.to_owned(), reason })
}
