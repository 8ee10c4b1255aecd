//! Why a cluster gives no answer, each with what was tried and what to check.

use std::error::Error as _;

use kube::client::AuthError;
use kube::config::KubeconfigError;

/// No answer from the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig, and this is no Pod.
    #[error("no kubeconfig found, and not running in a cluster")]
    NoKubeconfig,
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig: {reason}")]
    Kubeconfig {
        /// What is wrong with it.
        reason: String,
    },
    /// `--context` (or `--cluster`) names nothing in the kubeconfig.
    #[error("no {what} named `{name}` in the kubeconfig")]
    NotInKubeconfig {
        /// `context` or `cluster`.
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
        /// Exit status, and the first line of what it said on standard error.
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
    #[error("{server} refuses our credentials (401)")]
    Unauthorized {
        /// URL of the API server.
        server: String,
        /// Where the credentials come from.
        credentials: String,
    },
    /// Nothing at all may be read.
    #[error("{server} lets us read no Flux object (403)")]
    Forbidden {
        /// URL of the API server.
        server: String,
        /// The server's words for one of the kinds.
        reason: String,
    },
    /// The cluster serves no kind of Flux.
    #[error("Flux is not installed on {server}")]
    NotInstalled {
        /// URL of the API server.
        server: String,
    },
    /// The server is too busy.
    #[error("{server} is too busy (429), tried {tries} times")]
    Busy {
        /// URL of the API server.
        server: String,
        /// How often we tried.
        tries: usize,
    },
    /// The server failed.
    #[error("{server} failed ({status}): {reason}")]
    Server {
        /// URL of the API server.
        server: String,
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
    #[error("no answer from {server} to GET {path} within {seconds} s")]
    TimedOut {
        /// URL of the API server.
        server: String,
        /// What was asked for.
        path: String,
        /// `--request-timeout`.
        seconds: u64,
    },
}

/// Ways in which nothing answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// Connection refused.
    Refused,
    /// The name has no address.
    Dns,
    /// The certificate is not trusted, or there is no TLS at all.
    Tls,
    /// No connection in time.
    Timeout,
    /// Anything else, in its own words.
    Other,
}

impl ClusterError {
    /// What the reader can check; printed below the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKubeconfig => "set KUBECONFIG or give --kubeconfig; without any cluster: --demo, or --from a dump".to_owned(),
            Self::Kubeconfig { .. } => "kubectl config view shows what kubectl makes of it".to_owned(),
            Self::NotInKubeconfig { known, .. } if known.is_empty() => "the kubeconfig holds none".to_owned(),
            Self::NotInKubeconfig { known, .. } => format!("there are: {}", known.join(", ")),
            Self::CredentialPlugin { plugin, .. } => format!("run `{plugin}` yourself; often a new login helps"),
            Self::Unreachable { failure, .. } => match failure {
                Unreachable::Refused => "is the API server up, and is this the right port? kubectl cluster-info asks the same".to_owned(),
                Unreachable::Dns => "is the name right, and the VPN up? another cluster: --context".to_owned(),
                Unreachable::Tls => "is certificate-authority-data of this cluster right (it changes when a cluster is made anew), and does the server speak https?".to_owned(),
                Unreachable::Timeout => "is the VPN up, and does a firewall let you through?".to_owned(),
                Unreachable::Other => "kubectl get --raw /readyz asks the same server".to_owned(),
            },
            Self::Unauthorized { credentials, .. } => format!("the credentials ({credentials}) have expired or belong to another cluster; log in again"),
            Self::Forbidden { .. } => "try one namespace that is yours with -n; kubectl auth can-i list kustomizations.kustomize.toolkit.fluxcd.io -n NAMESPACE".to_owned(),
            Self::NotInstalled { .. } => "is this the right cluster? kubectl config current-context; flux check --pre".to_owned(),
            Self::Busy { .. } => "try again in a minute".to_owned(),
            Self::Server { .. } => "kubectl get --raw '/readyz?verbose' says more".to_owned(),
            Self::NotKubernetes { .. } => "a proxy or login page may stand before it: look at the server URL and HTTPS_PROXY".to_owned(),
            Self::CutOff { .. } => "try again; if it stays, a proxy in between cuts long answers".to_owned(),
            Self::TimedOut { .. } => "--request-timeout gives it longer".to_owned(),
        })
    }

    /// From what kube says while it reads the kubeconfig.
    pub(super) fn from_kubeconfig(error: KubeconfigError, known: Vec<String>) -> Self {
        match error {
            KubeconfigError::LoadContext(name) => Self::NotInKubeconfig { what: "context", name, known },
            KubeconfigError::CurrentContextNotSet => {
                Self::Kubeconfig { reason: "no current-context is set, and --context is not given".to_owned() }
            }
            error => Self::Kubeconfig { reason: error.to_string() },
        }
    }

    /// From what the HTTP client says.
    pub(super) fn from_client(error: &kube::Error, server: &str) -> Self {
        if let kube::Error::Auth(error) = error {
            return Self::from_auth(error);
        }
        let mut chain: Vec<String> = vec![error.to_string()];
        let mut refused = false;
        let mut source = error.source();
        while let Some(error) = source {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                refused |= io.kind() == std::io::ErrorKind::ConnectionRefused;
            }
            if let Some(auth) = error.downcast_ref::<AuthError>() {
                return Self::from_auth(auth);
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
        } else if all.contains("certificate") || all.contains("tls") || all.contains("corrupt message") {
            Unreachable::Tls
        } else if all.contains("timed out") || all.contains("deadline has elapsed") {
            Unreachable::Timeout
        } else {
            Unreachable::Other
        };
        let reason = chain.last().cloned().unwrap_or_default();
        Self::Unreachable { server: server.to_owned(), failure, reason }
    }

    fn from_auth(error: &AuthError) -> Self {
        match error {
            AuthError::AuthExecRun { cmd, out } => {
                // Standard output is where the token would stand; it is never shown.
                let said = String::from_utf8_lossy(&out.stderr);
                let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
                let plugin = cmd.trim_matches('"').to_owned();
                Self::CredentialPlugin { plugin, reason: format!("{}: {first}", out.status) }
            }
            error => {
                Self::CredentialPlugin { plugin: "of the kubeconfig".to_owned(), reason: error.to_string() }
            }
        }
    }
}
