//! From flags and kubeconfig to a client.
#![allow(
    clippy::disallowed_methods,
    reason = "the kubeconfig is found as kubectl finds it, by the environment"
)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use kube::config::{AuthInfo, Cluster as ClusterConfig, Config, ExecAuthCluster, Kubeconfig, KubeconfigError};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;

use super::ahead::Ahead;
use super::error::{ClusterError, Credentials};
use super::login::Login;
use super::plugin::Plugin;
use super::{proxy, transport};

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
    /// `--as-uid`.
    pub impersonate_uid: Option<String>,
    /// `--as-user-extra`, as key and value.
    pub impersonate_extra: Vec<(String, String)>,
    /// `--token`.
    pub token: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
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
    /// Whether the configuration says which CA to trust.
    pub(super) own_ca: bool,
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

/// What kubeconfig and flags come to.
struct Configured {
    config: Config,
    /// Name of the context.
    context: Option<String>,
    /// `proxy-url` of the cluster.
    proxy: Option<String>,
    /// A user that the context names and the kubeconfig does not hold.
    missing_user: Option<String>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A server that is there accepts a connection in much less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Cluster {
    /// Reads the kubeconfig and makes a client; nothing is asked yet, but of a credential plugin.
    ///
    /// `tell` is told what the user is kept waiting for.
    pub async fn connect(args: &ConnectArgs, tell: &dyn Fn(&str)) -> Result<Self, ClusterError> {
        let Configured { mut config, context, proxy, missing_user } = configuration(args)?;
        log_in_as(&mut config.auth_info, args);
        config.headers.push((
            HeaderName::from_static("user-agent"),
            HeaderValue::from_static(concat!("fluxlayers/", env!("CARGO_PKG_VERSION"))),
        ));
        let timeout = match args.request_timeout {
            None => Some(DEFAULT_TIMEOUT),
            Some(Duration::ZERO) => None,
            Some(timeout) => Some(timeout),
        };
        config.connect_timeout = timeout.or(config.connect_timeout).map(|timeout| timeout.min(CONNECT_TIMEOUT));
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let variable = |name| std::env::var(name).ok();
        let proxy = proxy::choose(&config.cluster_url, proxy.as_deref(), variable)?;
        check_token(&config.auth_info)?;
        let credentials = match (credentials(&config.auth_info), missing_user) {
            (Credentials::None, Some(user)) => Credentials::NotInKubeconfig(user),
            (credentials, _) => credentials,
        };
        let namespace = config.default_namespace.clone();
        let label = match (context, &args.server) {
            (Some(context), _) => format!("context {context}"),
            (None, Some(_)) => server.clone(),
            (None, None) => "in-cluster".to_owned(),
        };
        let own_ca = config.root_cert.is_some();
        let exec = config.auth_info.exec.take(); // never kube's to run
        let login = match exec.filter(|_| matches!(credentials, Credentials::Plugin { .. })) {
            Some(exec) => Some(log_in(&mut config.auth_info, Plugin::new(exec), timeout, tell).await?),
            None => None,
        };
        let (client, ahead) = transport::client(config, proxy, login)
            .map_err(|error| ClusterError::from_setup(&error, &credentials))?;
        Ok(Self {
            client,
            ahead,
            server,
            credentials,
            own_ca,
            label,
            namespace,
            timeout,
            keeps: false,
            asked: Arc::default(),
        })
    }
}

/// A token goes into a header: kube would panic over what no header can hold, such as a line break.
fn check_token(auth: &AuthInfo) -> Result<(), ClusterError> {
    let good = auth.token.as_ref().is_none_or(|token| HeaderValue::from_str(token.expose_secret()).is_ok());
    if good {
        return Ok(());
    }
    let reason = "the token holds characters that no token may hold, such as a line break".to_owned();
    Err(ClusterError::Kubeconfig { reason })
}

/// Runs the credential plugin for the first time. A certificate that it gives is used for as long as the client lives.
async fn log_in(
    auth: &mut AuthInfo,
    plugin: Plugin,
    limit: Option<Duration>,
    tell: &dyn Fn(&str),
) -> Result<Arc<Login>, ClusterError> {
    let (login, issued) = Login::begin(plugin, limit, tell).await.map_err(ClusterError::from)?;
    if let Some((certificate, key)) = issued.certificate {
        auth.client_certificate_data = Some(certificate);
        auth.client_key_data = Some(key.as_str().into());
    }
    Ok(Arc::new(login))
}

/// What the flags say of who we are.
fn log_in_as(auth: &mut AuthInfo, args: &ConnectArgs) {
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
    if let Some(uid) = &args.impersonate_uid {
        auth.impersonate_uid = Some(uid.clone());
    }
    if !args.impersonate_groups.is_empty() {
        auth.impersonate_groups = Some(args.impersonate_groups.clone());
    }
    if !args.impersonate_extra.is_empty() {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in &args.impersonate_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        auth.impersonate_user_extra = Some(extra);
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

/// The configuration that the flags and the environment name.
fn configuration(args: &ConnectArgs) -> Result<Configured, ClusterError> {
    let (paths, wanted) = kubeconfig_paths(args);
    let kubeconfig = read_kubeconfig(&paths, wanted)?;
    let no_kubeconfig = || {
        let looked: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        ClusterError::NoKubeconfig { looked: looked.join(", ") }
    };
    let given = args.context.clone().or_else(|| kubeconfig.current_context.clone());
    let Some(context) = given.filter(|name| !name.is_empty()) else {
        let mut cluster = ClusterConfig::default();
        override_cluster(&mut cluster, args);
        let mut config = match Config::incluster() {
            _ if args.server.is_some() => Config::new(server_of(&cluster, args)?),
            Ok(config) => config,
            // Says no more than that this is no Pod.
            Err(_) if kubeconfig.contexts.is_empty() => return Err(no_kubeconfig()),
            Err(_) => return Err(ClusterError::from_kubeconfig(&KubeconfigError::CurrentContextNotSet)),
        };
        configure(&mut config, &cluster)?;
        return Ok(Configured { config, context: None, proxy: None, missing_user: None });
    };
    if kubeconfig.contexts.is_empty() {
        return Err(no_kubeconfig());
    }
    known("context", Some(&context), kubeconfig.contexts.iter().map(|named| &named.name))?;
    known("cluster", args.cluster.as_ref(), kubeconfig.clusters.iter().map(|named| &named.name))?;
    known("user", args.user.as_ref(), kubeconfig.auth_infos.iter().map(|named| &named.name))?;
    of_context(kubeconfig, context, args)
}

/// The configuration of a context.
///
/// kube's own way takes `HTTPS_PROXY` for every server, and refuses what Go passes over in `NO_PROXY`.
fn of_context(kubeconfig: Kubeconfig, name: String, args: &ConnectArgs) -> Result<Configured, ClusterError> {
    let refuse = |error: KubeconfigError| ClusterError::from_kubeconfig(&error);
    let context = kubeconfig.contexts.into_iter().find(|named| named.name == name);
    let context = context
        .and_then(|named| named.context)
        .ok_or_else(|| refuse(KubeconfigError::LoadContext(name.clone())))?;
    let wanted = args.cluster.clone().unwrap_or(context.cluster);
    let cluster = kubeconfig.clusters.into_iter().find(|named| named.name == wanted);
    let mut cluster = cluster
        .and_then(|named| named.cluster)
        .ok_or_else(|| refuse(KubeconfigError::LoadClusterOfContext(wanted)))?;
    override_cluster(&mut cluster, args);
    let user = args.user.clone().or(context.user).filter(|user| !user.is_empty());
    let found = kubeconfig.auth_infos.into_iter().find(|named| Some(&named.name) == user.as_ref());
    // As with kubectl, a user that is not there is nobody.
    let missing_user = if found.is_some() { None } else { user };
    let mut auth = found.and_then(|named| named.auth_info).unwrap_or_default();
    if let Some(exec) = auth.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(ExecAuthCluster::try_from(&cluster).map_err(refuse)?);
    }
    let mut config = Config::new(server_of(&cluster, args)?);
    configure(&mut config, &cluster)?;
    config.default_namespace = context.namespace.unwrap_or(config.default_namespace);
    config.auth_info = auth;
    Ok(Configured { config, context: Some(name), proxy: cluster.proxy_url, missing_user })
}

/// What the flags say of the cluster.
fn override_cluster(cluster: &mut ClusterConfig, args: &ConnectArgs) {
    if let Some(server) = &args.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &args.certificate_authority {
        cluster.certificate_authority = Some(path.display().to_string());
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if args.insecure_skip_tls_verify {
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if let Some(name) = &args.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
}

fn server_of(cluster: &ClusterConfig, args: &ConnectArgs) -> Result<Uri, ClusterError> {
    let refuse = |error: KubeconfigError| ClusterError::from_kubeconfig(&error);
    match (&args.server, &cluster.server) {
        (Some(server), _) => parse_server(server),
        (None, Some(server)) => server.parse().map_err(|error| refuse(KubeconfigError::ParseClusterUrl(error))),
        (None, None) => Err(refuse(KubeconfigError::MissingClusterUrl)),
    }
}

/// What is said of the cluster, in the configuration.
fn configure(config: &mut Config, cluster: &ClusterConfig) -> Result<(), ClusterError> {
    let read = ExecAuthCluster::try_from(cluster).map_err(|error| ClusterError::from_kubeconfig(&error))?;
    if let Some(pem) = read.certificate_authority_data {
        config.root_cert = Some(certificates(&pem)?);
        config.root_cert_file = None;
    }
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(config.accept_invalid_certs);
    config.disable_compression = cluster.disable_compression.unwrap_or(config.disable_compression);
    config.tls_server_name = cluster.tls_server_name.clone();
    Ok(())
}

/// The certificates of a bundle.
fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ClusterError> {
    let wrong = |reason: &str| ClusterError::Kubeconfig { reason: format!("certificate-authority: {reason}") };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|_| wrong("it is no PEM"))?;
    if certificates.is_empty() {
        return Err(wrong("it holds no certificate"));
    }
    Ok(certificates.into_iter().map(|certificate| certificate.to_vec()).collect())
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
