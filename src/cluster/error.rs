//! Why a cluster gives no answer, each with what was tried and what to check.

use std::error::Error as _;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use kube::client::AuthError;
use kube::config::{KubeconfigError, LoadDataError};

use super::plugin::PluginError;
use super::proxied::ProxyError;
use super::proxy::Origin;

/// No answer from the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig that names a context, and this is no Pod.
    #[error("no kubeconfig with a context in {looked}, and not running in a cluster")]
    NoKubeconfig {
        /// Files that were looked for.
        looked: String,
    },
    /// `--server` is no URL.
    #[error("--server {url}: {reason}")]
    ServerUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig: {reason}")]
    Kubeconfig {
        /// What is wrong with it.
        reason: String,
    },
    /// `--context`, `--cluster` or `--user` names nothing in the kubeconfig.
    #[error("no {what} named `{name}` in the kubeconfig")]
    NotInKubeconfig {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The name as given.
        name: String,
        /// Names that are there.
        known: Vec<String>,
    },
    /// The credential plugin of the kubeconfig failed.
    #[error("credential plugin `{plugin}` failed: {reason}")]
    CredentialPlugin {
        /// The command.
        plugin: String,
        /// Exit status, and the first line of what it said on standard error, where it did not go to the terminal.
        reason: String,
        /// How to install it, as the kubeconfig says.
        install: Option<String>,
    },
    /// A proxy cannot be one.
    #[error("cannot use the proxy of {origin}: {reason}")]
    ProxyUrl {
        /// Who asks for it.
        origin: Origin,
        /// What is wrong with its URL, which is not shown: it may hold a password.
        reason: String,
    },
    /// The proxy before the server gives no connection.
    #[error("cannot reach {server} through proxy {proxy}: {reason}")]
    Proxy {
        /// URL of the API server.
        server: String,
        /// URL of the proxy, without a login.
        proxy: String,
        /// Who asks for it.
        origin: Origin,
        /// Whether it wants another login.
        login: bool,
        /// What it did.
        reason: String,
    },
    /// Nothing answers at the server's address.
    #[error("cannot reach {server}: {reason}")]
    Unreachable {
        /// URL of the API server.
        server: String,
        /// How it failed.
        failure: Unreachable,
        /// The words of the operating system or the TLS library.
        reason: String,
    },
    /// The server does not know who we are.
    #[error("{server} refuses our credentials (401), asked for {path}")]
    Unauthorized {
        /// URL of the API server.
        server: String,
        /// What was asked for.
        path: String,
        /// Where the credentials come from.
        credentials: Credentials,
    },
    /// Nothing at all may be read.
    #[error("{server} lets us read no Flux object (403): {reason}")]
    Forbidden {
        /// URL of the API server.
        server: String,
        /// The server's words for one of the kinds.
        reason: String,
        /// Namespaces that were named, and looked into.
        named: Vec<String>,
        /// Where the credentials come from.
        credentials: Credentials,
    },
    /// The cluster serves no kind of Flux.
    #[error("Flux is not installed on {server}")]
    NotInstalled {
        /// URL of the API server.
        server: String,
    },
    /// The server is too busy.
    #[error("{server} is too busy (429) for {path}, tried {tries} times")]
    Busy {
        /// URL of the API server.
        server: String,
        /// What was asked for.
        path: String,
        /// How often we tried.
        tries: u32,
    },
    /// The server failed.
    #[error("{server} failed ({status}) at {path}: {reason}")]
    Server {
        /// URL of the API server.
        server: String,
        /// What was asked for.
        path: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// Something answered that is no API server.
    #[error("{server} did not answer as a Kubernetes API server: {reason}")]
    NotKubernetes {
        /// URL of the API server.
        server: String,
        /// What came instead.
        reason: String,
    },
    /// The answer broke off.
    #[error("the answer of {server} to GET {path} broke off: {reason}")]
    CutOff {
        /// URL of the API server.
        server: String,
        /// What was asked for.
        path: String,
        /// How it broke off.
        reason: String,
    },
    /// No answer within the time that was given.
    #[error("no answer from {server} to GET {path} within {limit:?}")]
    TimedOut {
        /// URL of the API server.
        server: String,
        /// What was asked for.
        path: String,
        /// `--request-timeout`.
        limit: Duration,
    },
}

/// Ways in which nothing answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// Connection refused.
    Refused,
    /// The name has no address.
    Dns,
    /// The certificate is that of another host.
    OtherHost,
    /// Nobody whom we trust signed the certificate.
    Issuer {
        /// Whether the kubeconfig or a flag says whom to trust; else it is whom the system trusts.
        own: bool,
    },
    /// The certificate is out of date, or not yet valid.
    Expired,
    /// There is no TLS at all.
    Plain,
    /// Anything else of TLS.
    Tls,
    /// No connection in time.
    Timeout,
    /// Anything else, in its own words.
    Other,
}

/// Where the credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A program that the kubeconfig names, and how to install it.
    Plugin {
        /// The command, without its arguments: these may be secret.
        command: String,
        /// `installHint`.
        install: Option<String>,
    },
    /// `--token`, or a token in the kubeconfig or in a file.
    Token,
    /// User name and password.
    Password,
    /// A client certificate.
    Certificate,
    /// An `auth-provider` of the kubeconfig, such as `oidc`.
    Provider(String),
    /// The context names this user, and the kubeconfig does not hold it.
    NotInKubeconfig(String),
    /// None at all.
    None,
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin { command, .. } => write!(f, "what credential plugin `{command}` gives"),
            Self::Token => f.write_str("the token"),
            Self::Password => f.write_str("the password"),
            Self::Certificate => f.write_str("the client certificate"),
            Self::Provider(name) => write!(f, "the login of auth provider {name}"),
            Self::NotInKubeconfig(_) | Self::None => f.write_str("nothing"),
        }
    }
}

impl Credentials {
    /// Whether there is nothing to log in with.
    fn is_nobody(&self) -> bool {
        matches!(self, Self::None | Self::NotInKubeconfig(_))
    }

    fn nobody(&self) -> String {
        match self {
            Self::NotInKubeconfig(user) => {
                format!(
                    "the context names user `{user}`, which the kubeconfig does not hold; --user or --token gives another"
                )
            }
            _ => "the kubeconfig gives this user no credentials; --token or --user gives others".to_owned(),
        }
    }
}

impl ClusterError {
    /// What the reader can check; printed below the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKubeconfig { .. } => "set KUBECONFIG or give --kubeconfig; without any cluster: --demo, or --from a dump".to_owned(),
            Self::ServerUrl { .. } => "such as --server https://127.0.0.1:6443".to_owned(),
            Self::Kubeconfig { .. } => "kubectl config view shows what kubectl makes of it".to_owned(),
            Self::NotInKubeconfig { known, .. } if known.is_empty() => "the kubeconfig holds none".to_owned(),
            Self::NotInKubeconfig { known, .. } => format!("there are: {}", known.join(", ")),
            Self::CredentialPlugin { install: Some(install), .. } => install.clone(),
            Self::CredentialPlugin { plugin, .. } => format!("run `{plugin}` yourself; often a new login helps"),
            Self::ProxyUrl { .. } => "such as http://proxy.example.com:3128".to_owned(),
            Self::Proxy { origin, login: true, .. } => {
                format!("{origin} takes it as http://USER:PASSWORD@HOST:PORT")
            }
            Self::Proxy { origin: Origin::Kubeconfig, .. } => {
                "is the proxy up, and does it reach the server? proxy-url of this cluster in the kubeconfig names it".to_owned()
            }
            Self::Proxy { origin, server, .. } => {
                let host: Option<http::Uri> = server.parse().ok();
                let host = host.as_ref().and_then(http::Uri::host).unwrap_or_default();
                format!("is the proxy up, and does it reach the server? {origin} names it; NO_PROXY={host} goes around it")
            }
            Self::Unreachable { failure, .. } => match failure {
                Unreachable::Refused => "is the API server up, and is this the right port? kubectl cluster-info asks the same".to_owned(),
                Unreachable::Dns => "is the name right, and the VPN up? another cluster: --context".to_owned(),
                Unreachable::OtherHost => "use a name of the certificate in the server's URL, or give one with --tls-server-name (tls-server-name in the kubeconfig)".to_owned(),
                Unreachable::Issuer { own: true } => "is certificate-authority-data of this cluster right (it changes when a cluster is made anew)? a proxy that opens TLS signs with a CA of its own: --certificate-authority".to_owned(),
                Unreachable::Issuer { own: false } => "the kubeconfig names no certificate-authority-data, so that only the CAs of this machine count: --certificate-authority gives one; a proxy that opens TLS has its own".to_owned(),
                Unreachable::Expired => "has the certificate of the API server run out, or is this machine's clock wrong?".to_owned(),
                Unreachable::Plain => "is the port right, and does the server speak https and not http?".to_owned(),
                Unreachable::Tls => "is the port right, and does a proxy stand in between? kubectl get --raw /readyz asks the same server".to_owned(),
                Unreachable::Timeout => "is the VPN up, and does a firewall let you through?".to_owned(),
                Unreachable::Other => "kubectl get --raw /readyz asks the same server".to_owned(),
            },
            Self::Unauthorized { credentials, .. } if credentials.is_nobody() => credentials.nobody(),
            Self::Forbidden { credentials, .. } if credentials.is_nobody() => {
                format!("{}; without, the server takes us for system:anonymous", credentials.nobody())
            }
            Self::Unauthorized { credentials, .. } => format!("{credentials} has expired or belongs to another cluster; log in again"),
            Self::Forbidden { named, .. } if !named.is_empty() => {
                let place = named.join(", ");
                format!("not in {place} either: kubectl auth can-i --list -n {}", named[0])
            }
            Self::Forbidden { .. } => "try one namespace that is yours with -n; kubectl auth can-i list kustomizations.kustomize.toolkit.fluxcd.io -n NAMESPACE".to_owned(),
            Self::NotInstalled { .. } => "is this the right cluster? kubectl config current-context; flux check --pre".to_owned(),
            Self::Busy { .. } => "try again in a minute".to_owned(),
            Self::Server { .. } => "kubectl get --raw '/readyz?verbose' says more".to_owned(),
            Self::NotKubernetes { .. } => "is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY".to_owned(),
            Self::CutOff { .. } => "try again; if it stays, a proxy in between cuts long answers".to_owned(),
            Self::TimedOut { .. } => "--request-timeout gives it longer".to_owned(),
        })
    }

    /// Whether it is about one answer alone, so that the others may still be good.
    pub(super) fn is_of_one_answer(&self) -> bool {
        matches!(self, Self::Server { .. } | Self::CutOff { .. } | Self::TimedOut { .. } | Self::Busy { .. })
    }

    /// From what kube says while it reads the kubeconfig.
    pub(super) fn from_kubeconfig(error: &KubeconfigError) -> Self {
        let load = |what: &str, error: &LoadDataError| match error {
            LoadDataError::ReadFile(error, path) => format!("{what} {}: {error}", path.display()),
            LoadDataError::DecodeBase64(_) => format!("{what}-data is no base64"),
            LoadDataError::NoBase64DataOrFile => format!("{what} is missing"),
        };
        let reason = match error {
            KubeconfigError::CurrentContextNotSet => {
                "no current-context is set, and --context is not given".to_owned()
            }
            KubeconfigError::ReadConfig(error, _) => error.to_string(), // the caller names the file
            KubeconfigError::LoadClusterOfContext(name) => {
                format!("its context names cluster `{name}`, which it does not hold")
            }
            // What the parser says may quote the file, and so a token.
            KubeconfigError::Parse(error) => match error.location() {
                Some(at) => format!("it is no kubeconfig: line {}, column {}", at.line(), at.column()),
                None => "it is no kubeconfig".to_owned(),
            },
            KubeconfigError::LoadCertificateAuthority(error) => load("certificate-authority", error),
            KubeconfigError::LoadClientCertificate(error) => load("client-certificate", error),
            KubeconfigError::LoadClientKey(error) => load("client-key", error),
            error => error.to_string(),
        };
        Self::Kubeconfig { reason }
    }

    /// The same, of one file.
    pub(super) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Kubeconfig { reason } => Self::Kubeconfig { reason: format!("{}: {reason}", path.display()) },
            other => other,
        }
    }

    /// From what kube says while it makes the client, before anything is sent.
    pub(super) fn from_setup(error: &kube::Error, credentials: &Credentials) -> Self {
        match error {
            kube::Error::Auth(error) => Self::from_auth(error, credentials),
            error => Self::Kubeconfig { reason: error.to_string() },
        }
    }

    /// From what the HTTP client says.
    ///
    /// `own_ca` tells whether the configuration says whom to trust.
    pub(super) fn from_client(
        error: &kube::Error,
        server: &str,
        credentials: &Credentials,
        own_ca: bool,
    ) -> Self {
        let mut chain: Vec<String> = vec![error.to_string()];
        let mut refused = false;
        let mut source = error.source();
        while let Some(error) = source {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                refused |= io.kind() == std::io::ErrorKind::ConnectionRefused;
            }
            if let Some(error) = error.downcast_ref::<ProxyError>() {
                let ProxyError { proxy, origin, reason, login } = error;
                let (server, proxy, reason) = (server.to_owned(), proxy.clone(), reason.clone());
                return Self::Proxy { server, proxy, origin: *origin, login: *login, reason };
            }
            if let Some(error) = error.downcast_ref::<PluginError>() {
                return error.clone().into();
            }
            if let Some(auth) = error.downcast_ref::<AuthError>() {
                return Self::from_auth(auth, credentials);
            }
            chain.push(error.to_string());
            source = error.source();
        }
        let all = chain.join(": ").to_lowercase();
        let failure = if refused || all.contains("connection refused") {
            Unreachable::Refused
        } else if all.contains("dns error")
            || all.contains("lookup address")
            || all.contains("name or service not known")
        {
            Unreachable::Dns
        } else if all.contains("invalidcontenttype") || all.contains("corrupt message") {
            Unreachable::Plain
        } else if all.contains("not valid for") {
            Unreachable::OtherHost
        } else if ["unknownissuer", "unknown issuer", "badsignature"].iter().any(|words| all.contains(words)) {
            Unreachable::Issuer { own: own_ca }
        } else if all.contains("certificate expired") || all.contains("certificate not valid yet") {
            Unreachable::Expired
        } else if all.contains("certificate") || all.contains("tls") {
            Unreachable::Tls
        } else if all.contains("timed out") || all.contains("deadline has elapsed") {
            Unreachable::Timeout
        } else {
            Unreachable::Other
        };
        let last = chain.pop().unwrap_or_default();
        let reason = match failure {
            Unreachable::Plain => "it does not speak TLS (https)".to_owned(),
            Unreachable::Issuer { .. } => "its certificate is signed by no CA that is trusted".to_owned(),
            Unreachable::OtherHost => {
                let names = names_in(&last);
                let names = if names.is_empty() { "another host".to_owned() } else { names.join(", ") };
                format!("its certificate is for {names}")
            }
            Unreachable::Timeout => "no connection in time".to_owned(),
            _ => last,
        };
        Self::Unreachable { server: server.to_owned(), failure, reason }
    }

    /// Of the other ways to log in; plugins are run by `login`.
    fn from_auth(error: &AuthError, credentials: &Credentials) -> Self {
        let reason = match error {
            AuthError::InvalidBearerToken(_) => "the token holds characters that no token may hold".to_owned(),
            AuthError::ReadTokenFile(error, path) => format!("{}: {error}", path.display()),
            // What a provider's command printed is where a token stands.
            AuthError::AuthExecRun { out, .. } => out.status.to_string(),
            AuthError::MalformedTokenExpirationDate(_) => "the time when it expires is none".to_owned(),
            error => error.to_string(),
        };
        match credentials {
            Credentials::Provider(name) => {
                Self::Kubeconfig { reason: format!("auth provider {name}: {reason}") }
            }
            _ => Self::Kubeconfig { reason: format!("credentials: {reason}") },
        }
    }
}

/// Names of a certificate in what rustls says of them: `DnsName("a")`, `IpAddress(1.2.3.4)`.
fn names_in(text: &str) -> Vec<String> {
    let only = text.split_once("only valid for").map_or("", |(_, names)| names);
    let parts = only.split(['(', ')', '"', ' ', ',', '[', ']']).filter(|part| part.contains(['.', ':', '-']));
    let mut names: Vec<String> = parts.map(str::to_owned).collect();
    if names.is_empty() {
        names = only.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    }
    names
}

impl From<PluginError> for ClusterError {
    fn from(error: PluginError) -> Self {
        let PluginError { command, reason, install } = error;
        Self::CredentialPlugin { plugin: command, reason, install }
    }
}
