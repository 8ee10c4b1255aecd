//! The command line: flags that all commands share, and how their values are read.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::EnumValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cluster::ConnectArgs;
use crate::diagnosis::State;
use crate::diagnosis::selection::{APPLIERS, kind_from_word};
use crate::model::{GroupKind, parse_duration};
use crate::output::ColorChoice;

/// Flags of all commands.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Where the facts come from.
    #[command(flatten)]
    pub origin: OriginArgs,

    /// How to reach a cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Look at one namespace (default: all)
    #[arg(short, long, global = true, value_name = "NAMESPACE", help_heading = "Scope")]
    pub namespace: Option<String>,

    /// Look at all namespaces; this is the default
    #[arg(short = 'A', long, global = true, help_heading = "Scope")]
    pub all_namespaces: bool,

    /// Colour: auto, always or never
    ///
    /// `auto` colours on a terminal; NO_COLOR, CLICOLOR_FORCE and CLICOLOR are respected.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub color: ColorChoice,

    /// Tell more: every cause in full, its evidence, its remedies
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
}

/// In which ways a command can write its answer; the default is `table`.
pub trait Formats: ValueEnum + Clone + Send + Sync + 'static {
    /// What help says of them.
    const HELP: &'static str;
}

/// The `-o` of a command.
#[derive(Debug, Args)]
pub struct OutputArg<F: Formats> {
    /// How to write the answer.
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        value_parser = EnumValueParser::<F>::new(),
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Output",
        help = F::HELP
    )]
    pub format: F,
}

impl GlobalArgs {
    /// The one namespace that is looked at; as with kubectl, `-A` beats `-n`.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref().filter(|_| !self.all_namespaces)
    }
}

/// Where the facts come from.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Facts")]
pub struct OriginArgs {
    /// Read a dump: a file, a folder or - (repeatable)
    ///
    /// YAML or JSON of Kubernetes objects, also gzipped: what `kubectl get -o yaml` or a support bundle wrote.
    #[arg(long, global = true, value_name = "PATH")]
    pub from: Vec<PathBuf>,

    /// Use the blocked example cluster that is built in
    #[arg(long, global = true)]
    pub demo: bool,

    /// Join a Git working tree; repeatable
    ///
    /// Adds file, line and commit to what the cluster says. SOURCE is namespace/name of the source that the tree belongs
    /// to (default: the GitRepository with the address of a remote). The tree around the current folder is joined by
    /// itself where its remote is that of a source.
    #[arg(long, global = true, value_name = "[SOURCE=]DIR", value_parser = parse_repo)]
    pub repo: Vec<RepoArg>,

    /// Cluster's folder in a tree that holds several
    #[arg(long, global = true, value_name = "FOLDER")]
    pub path: Option<String>,

    /// Ask no cluster: read the --repo alone
    #[arg(long, global = true)]
    pub offline: bool,

    /// Never join the working tree around the current folder
    #[arg(long, global = true, conflicts_with = "repo")]
    pub no_repo: bool,

    /// Measure ages from this moment (RFC 3339)
    ///
    /// A dump is read as of its own time without it.
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_now)]
    pub now: Option<Timestamp>,
}

/// How to reach a cluster; flags of the names that kubectl gives them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// Path of the kubeconfig
    #[arg(long, global = true, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,

    /// Cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub cluster: Option<String>,

    /// User of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub user: Option<String>,

    /// User to act as
    #[arg(long = "as", global = true, value_name = "USER", hide_short_help = true)]
    pub impersonate: Option<String>,

    /// Group to act as (repeatable)
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        hide_short_help = true,
        requires = "impersonate"
    )]
    pub impersonate_groups: Vec<String>,

    /// UID to act as
    #[arg(long, global = true, value_name = "UID", hide_short_help = true, requires = "impersonate")]
    pub as_uid: Option<String>,

    /// What more there is to say of who is acted as (repeatable)
    #[arg(
        long,
        global = true,
        value_name = "KEY=VALUE",
        hide_short_help = true,
        requires = "impersonate",
        value_parser = parse_extra
    )]
    pub as_user_extra: Vec<(String, String)>,

    /// Bearer token
    #[arg(long, global = true, value_name = "TOKEN", hide_short_help = true)]
    pub token: Option<String>,

    /// URL of the API server
    #[arg(short, long, global = true, value_name = "URL", hide_short_help = true)]
    pub server: Option<String>,

    /// File of certificates that may sign that of the API server
    #[arg(long, global = true, value_name = "PATH", hide_short_help = true)]
    pub certificate_authority: Option<PathBuf>,

    /// Trust whoever answers: what is said could be anybody's
    #[arg(long, global = true, hide_short_help = true, conflicts_with = "certificate_authority")]
    pub insecure_skip_tls_verify: bool,

    /// Host that the certificate of the API server has to name, if not that of its URL
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub tls_server_name: Option<String>,

    /// Time that one request may take, such as 10s; 0 for no limit (default: 30s)
    #[arg(long, global = true, value_name = "DURATION", hide_short_help = true, value_parser = parse_timeout)]
    pub request_timeout: Option<Duration>,
}

impl ClusterArgs {
    /// The flags, in words, as another command takes them; a token is left out.
    pub fn words(&self) -> Vec<String> {
        let kubeconfig = self.kubeconfig.as_ref().map(|path| path.display().to_string());
        let authority = self.certificate_authority.as_ref().map(|path| path.display().to_string());
        let flags = [
            ("--context", &self.context),
            ("--kubeconfig", &kubeconfig),
            ("--cluster", &self.cluster),
            ("--user", &self.user),
            ("--as", &self.impersonate),
            ("--as-uid", &self.as_uid),
            ("--server", &self.server),
            ("--certificate-authority", &authority),
            ("--tls-server-name", &self.tls_server_name),
        ];
        let given = flags.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value.clone()?]));
        let groups = self.impersonate_groups.iter().map(|group| ["--as-group".to_owned(), group.clone()]);
        let extra = self.as_user_extra.iter();
        let extra = extra.map(|(key, value)| ["--as-user-extra".to_owned(), format!("{key}={value}")]);
        let insecure = self.insecure_skip_tls_verify.then(|| "--insecure-skip-tls-verify".to_owned());
        given.chain(groups).chain(extra).flatten().chain(insecure).collect()
    }

    /// The first flag that was given.
    pub fn given(&self) -> Option<String> {
        let token = self.token.as_ref().map(|_| "--token".to_owned());
        let timeout = self.request_timeout.map(|_| "--request-timeout".to_owned());
        self.words().into_iter().next().or(token).or(timeout)
    }
}

impl From<&ClusterArgs> for ConnectArgs {
    fn from(args: &ClusterArgs) -> Self {
        Self {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
            cluster: args.cluster.clone(),
            user: args.user.clone(),
            impersonate: args.impersonate.clone(),
            impersonate_groups: args.impersonate_groups.clone(),
            impersonate_uid: args.as_uid.clone(),
            impersonate_extra: args.as_user_extra.clone(),
            token: args.token.clone(),
            server: args.server.clone(),
            certificate_authority: args.certificate_authority.clone(),
            insecure_skip_tls_verify: args.insecure_skip_tls_verify,
            tls_server_name: args.tls_server_name.clone(),
            request_timeout: args.request_timeout,
        }
    }
}

/// `key=value`.
fn parse_extra(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// As kubectl: a duration, or a bare number of seconds.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds
        .or_else(|| parse_duration(text))
        .ok_or_else(|| "expected a duration such as 10s or 1m30s".to_owned())
}

/// A length of time that is longer than nothing.
pub fn parse_period(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|period| !period.is_zero())
        .ok_or_else(|| "expected a duration such as 30s or 10m".to_owned())
}

/// A working tree, and the source that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoArg {
    /// `namespace/name` of the source, where it is named.
    pub source: Option<String>,
    /// Folder of the tree.
    pub dir: PathBuf,
}

/// `[SOURCE=]DIR`; what stands before the first `=` is a source only if it looks like one.
fn parse_repo(text: &str) -> Result<RepoArg, String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
            && !name.starts_with('.')
    };
    let source = text.split_once('=').filter(|(source, _)| {
        source.split_once('/').is_some_and(|(namespace, name)| is_name(namespace) && is_name(name))
    });
    let (source, dir) = match source {
        Some((source, dir)) => (Some(source.to_owned()), dir),
        None => (None, text),
    };
    if dir.is_empty() {
        return Err("the folder is missing".to_owned());
    }
    Ok(RepoArg { source, dir: PathBuf::from(dir) })
}

fn parse_now(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time such as 2026-11-24T02:41:00Z".to_owned())
}

/// Kinds of one word of `--kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindArg(pub BTreeSet<GroupKind>);

/// `ks`, `hr`, `rset`, their long names, or `all`.
pub fn parse_kind(text: &str) -> Result<KindArg, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(KindArg(APPLIERS.into_iter().collect()));
    }
    match kind_from_word(text) {
        Some(kind) if kind.is_applier() => Ok(KindArg(BTreeSet::from([kind]))),
        Some(kind) => Err(format!("a {} has no place in the layers; choose ks, hr, rset or all", kind.kind)),
        None => Err("choose ks, hr, rset or all".to_owned()),
    }
}

/// A state, in any case.
pub fn parse_state(text: &str) -> Result<State, String> {
    State::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let names: Vec<String> = State::ALL.iter().map(|state| state.as_str().to_lowercase()).collect();
        format!("choose from {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_may_name_its_source() {
        for (text, source, dir) in [
            ("dir", None, "dir"),
            ("flux-system/flux-system=dir", Some("flux-system/flux-system"), "dir"),
            ("flux-system/flux-system=a=b", Some("flux-system/flux-system"), "a=b"),
            ("./a/b=c", None, "./a/b=c"),
            ("a=b", None, "a=b"),
        ] {
            let repo = parse_repo(text).unwrap();
            assert_eq!((repo.source.as_deref(), repo.dir.to_str().unwrap()), (source, dir), "{text}");
        }
        assert!(parse_repo("a/b=").is_err());
    }

    #[test]
    fn kinds_and_states_are_read_in_any_case() {
        assert_eq!(parse_kind("HelmRelease").unwrap().0, BTreeSet::from([GroupKind::HELM_RELEASE]));
        assert_eq!(parse_kind("ALL").unwrap().0.len(), 3);
        assert_eq!(
            parse_kind("gitrepo").unwrap_err(),
            "a GitRepository has no place in the layers; choose ks, hr, rset or all"
        );
        assert_eq!(parse_state("BLOCKED"), Ok(State::Blocked));
        assert_eq!(
            parse_state("broken").unwrap_err(),
            "choose from missing, suspended, failed, blocked, unknown, progressing, ready"
        );
    }
}
