//! Which origin the flags ask for, the snapshot that it gives, and the repositories that are joined with it.

use std::path::PathBuf;

use crate::cli::{GlobalArgs, OriginArgs, RepoArg};
use crate::cluster::{Cluster, ConnectArgs};
use crate::demo;
use crate::diagnosis::Diagnosis;
use crate::diagnosis::needs::Need;
use crate::diagnosis::selection::ObjectArg;
use crate::error::CommandError;
use crate::model::{ObjectKey, Revision, Snapshot, Source};
use crate::output::Output;
use crate::repo::{self, TreeArg, Trees};

/// An origin of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    Dump(&'a [PathBuf]),
    Demo,
    Repository(&'a RepoArg),
    Cluster,
}

/// Reads the snapshot that the flags ask for; what `named` names is looked for where it would be.
pub(super) async fn snapshot(
    global: &GlobalArgs,
    named: &[ObjectArg],
    out: &Output,
) -> Result<Snapshot, CommandError> {
    closer_snapshot(global, named, out, |_| Vec::new()).await
}

/// Namespaces that the command line names.
pub(super) fn namespaces(global: &GlobalArgs, named: &[ObjectArg]) -> Vec<String> {
    let flag = global.namespace().map(str::to_owned);
    flag.into_iter().chain(named.iter().filter_map(|object| object.namespace.clone())).collect()
}

/// The same, and of a cluster also what `needs` says of it; all other origins are read whole in the first place.
pub(super) async fn closer_snapshot(
    global: &GlobalArgs,
    named: &[ObjectArg],
    out: &Output,
    needs: impl FnOnce(&Snapshot) -> Vec<Need>,
) -> Result<Snapshot, CommandError> {
    let args = &global.origin;
    let mut snapshot = match choose(global)? {
        Origin::Dump(paths) => repo::read_dump(paths, std::io::stdin().lock(), args.now)?,
        Origin::Demo => demo::snapshot()?,
        Origin::Repository(repo) => {
            let snapshot = repo::read_repository(&repo.dir, args.path.as_deref())?;
            Snapshot { now: out.now(), ..snapshot } // a repository has no moment of its own
        }
        Origin::Cluster => {
            let cluster = Cluster::connect(&ConnectArgs::from(&global.cluster), &|text| out.note(text)).await?;
            cluster.closer_snapshot(&namespaces(global, named), args.now, needs).await?
        }
    };
    if let Some(now) = args.now {
        snapshot.now = now;
    }
    join(global, &mut snapshot, out)?;
    Ok(snapshot)
}

/// Joins what was seen with the repositories that the flags ask for.
pub(super) fn join(global: &GlobalArgs, snapshot: &mut Snapshot, out: &Output) -> Result<(), CommandError> {
    trees(global, snapshot, out)?.join(snapshot);
    Ok(())
}

/// The commit of the working tree that was given, else of the one around the current folder.
pub(super) fn head(global: &GlobalArgs) -> Result<String, CommandError> {
    let usage = |message: String| CommandError::Usage {
        message,
        hint: Some("name the tree with --repo, or the commit itself".to_owned()),
    };
    let folder = match global.origin.repo.as_slice() {
        [] => repo::current_folder(),
        [one] => Some(one.dir.clone()),
        _ => return Err(usage("HEAD of which tree? --repo is given several times".to_owned())),
    };
    let folder = folder.ok_or_else(|| usage("HEAD: the current folder cannot be read".to_owned()))?;
    repo::head(&folder).map_err(|reason| usage(format!("HEAD of {}: {reason}", folder.display())))
}

/// The repositories that are joined with what was seen, which is said on standard error: those that were asked for, else
/// the one around the current folder if it is that of a source.
fn trees(global: &GlobalArgs, snapshot: &Snapshot, out: &Output) -> Result<Trees, CommandError> {
    let trees = read_trees(global, snapshot)?;
    trees.notes.iter().for_each(|note| out.note(note));
    Ok(trees)
}

fn read_trees(global: &GlobalArgs, snapshot: &Snapshot) -> Result<Trees, CommandError> {
    let args = &global.origin;
    Ok(match choose(global)? {
        Origin::Repository(_) => Trees::default(), // it is all there is
        _ if !args.repo.is_empty() => {
            let asked: Vec<TreeArg<'_>> = args
                .repo
                .iter()
                .map(|repo| TreeArg { source: repo.source.as_deref(), dir: &repo.dir })
                .collect();
            repo::read_trees(snapshot, &asked, args.path.as_deref())?
        }
        _ if args.no_repo => Trees::default(),
        Origin::Demo => demo::trees(),
        Origin::Dump(_) | Origin::Cluster => {
            repo::current_folder().map(|folder| repo::tree_around(snapshot, &folder)).unwrap_or_default()
        }
    })
}

/// The repositories that are joined with a cluster while it is followed: read again when it has fetched something else.
pub(super) struct Followed {
    trees: Trees,
    fetched: Vec<(ObjectKey, Option<Revision>)>,
}

impl Followed {
    /// Reads them for the first time, and says which they are.
    pub(super) fn new(global: &GlobalArgs, first: &Snapshot, out: &Output) -> Result<Self, CommandError> {
        Ok(Self { trees: trees(global, first, out)?, fetched: fetched(first) })
    }

    /// Joins them with what is seen now.
    pub(super) fn join(&mut self, global: &GlobalArgs, snapshot: &mut Snapshot) {
        if self.trees.is_empty() {
            return;
        }
        let now = fetched(snapshot);
        if now != self.fetched {
            // What cannot be read any more is not joined any more.
            self.trees = read_trees(global, snapshot).unwrap_or_default();
            self.fetched = now;
        }
        self.trees.join(snapshot);
    }
}

fn fetched(snapshot: &Snapshot) -> Vec<(ObjectKey, Option<Revision>)> {
    let revision = |source: &Source| source.artifact.as_ref().map(|artifact| artifact.revision.clone());
    snapshot.sources.values().map(|source| (source.key.clone(), revision(source))).collect()
}

/// The cluster that the flags ask for, where only a cluster will do.
pub(super) async fn cluster(global: &GlobalArgs, flag: &str, out: &Output) -> Result<Cluster, CommandError> {
    match choose(global)? {
        Origin::Cluster => {
            Ok(Cluster::connect(&ConnectArgs::from(&global.cluster), &|text| out.note(text)).await?)
        }
        Origin::Dump(_) => Err(needs_cluster(flag, "--from")),
        Origin::Demo => Err(needs_cluster(flag, "--demo")),
        Origin::Repository(_) => Err(needs_cluster(flag, "--offline")),
    }
}

fn needs_cluster(flag: &str, other: &str) -> CommandError {
    let message = format!("{flag} follows a cluster: leave {other} away");
    CommandError::Usage { message, hint: None }
}

/// Fails where there is nothing to speak of; a file that could not be read may be why.
pub(super) fn require_flux(
    diagnosis: &Diagnosis,
    global: &GlobalArgs,
    out: &Output,
) -> Result<(), CommandError> {
    if !diagnosis.objects.is_empty() || !diagnosis.sources.is_empty() {
        return Ok(());
    }
    for warning in &diagnosis.warnings {
        out.warn(&warning.text);
    }
    Err(CommandError::NothingOfFlux {
        label: diagnosis.label.clone(),
        live: choose(global).ok() == Some(Origin::Cluster),
        declared: diagnosis.is_declared(),
        complete: diagnosis.complete,
    })
}

/// The arguments with which another command sees the same facts; `None` where they are used up: standard input, and
/// what a shell hands on as `<(…)`.
pub(super) fn again(global: &GlobalArgs) -> Option<Vec<String>> {
    let args = &global.origin;
    let is_used_up = |path: &PathBuf| {
        path.as_os_str() == "-"
            || ["/dev/fd", "/dev/stdin", "/proc"].iter().any(|streams| path.starts_with(streams))
    };
    if args.from.iter().any(is_used_up) {
        return None;
    }
    let mut words = global.cluster.words();
    if args.demo {
        words.push("--demo".to_owned());
    }
    for path in &args.from {
        words.extend(["--from".to_owned(), path.display().to_string()]);
    }
    for RepoArg { source, dir } in &args.repo {
        let source = source.as_ref().map(|source| format!("{source}=")).unwrap_or_default();
        words.extend(["--repo".to_owned(), format!("{source}{}", dir.display())]);
    }
    if let Some(path) = &args.path {
        words.extend(["--path".to_owned(), path.clone()]);
    }
    if args.offline {
        words.push("--offline".to_owned());
    }
    if let Some(now) = args.now {
        words.extend(["--now".to_owned(), now.to_string()]);
    }
    Some(words)
}

/// Origins exclude each other, wherever on the command line they stand.
pub(super) fn choose(global: &GlobalArgs) -> Result<Origin<'_>, CommandError> {
    let args: &OriginArgs = &global.origin;
    let usage = |message: &str, hint: &str| {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Err(CommandError::Usage { message: message.to_owned(), hint })
    };
    let cluster = global.cluster.given();
    let repository = !args.repo.is_empty();
    if args.demo && !args.from.is_empty() {
        return usage("--from and --demo exclude each other", "");
    }
    if let Some(flag) = &cluster
        && (args.demo || !args.from.is_empty())
    {
        let origin = if args.demo { "--demo needs" } else { "--from reads a dump and" };
        return usage(&format!("{origin} no cluster: leave {flag} away"), "");
    }
    if args.from.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return usage("standard input can be read once: give --from - one time", "");
    }
    let other = !args.from.is_empty() || args.demo;
    if args.path.is_some() && !repository {
        return usage("--path is a folder in a repository: it needs --repo", "");
    }
    if args.offline && !repository {
        return usage(
            "--offline reads a repository alone: it needs --repo",
            "kubectl fluxlayers status --repo . --offline",
        );
    }
    if args.offline && (other || cluster.is_some()) {
        return usage("--offline reads a repository alone: leave the other origin away", "");
    }
    match (args.from.as_slice(), args.repo.as_slice()) {
        (_, [_, _, ..]) if args.offline => usage("--offline reads one repository at a time", ""),
        (_, [repo]) if args.offline => Ok(Origin::Repository(repo)),
        ([], _) if args.demo => Ok(Origin::Demo),
        ([], _) => Ok(Origin::Cluster),
        (paths, _) => Ok(Origin::Dump(paths)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &str) -> GlobalArgs {
        use clap::Parser;
        let words = ["kubectl-fluxlayers", "status"].into_iter().chain(words.split_whitespace());
        crate::commands::Cli::try_parse_from(words).unwrap().global
    }

    #[test]
    fn origins_exclude_each_other() {
        for (flags, chosen) in [
            ("--demo", "demo"),
            ("--from a --from b", "dump"),
            ("--from - --now 2026-11-24T02:41:00Z --no-repo", "dump"),
            ("--from - --from a --from -", "error: standard input can be read once: give --from - one time"),
            ("--repo . --offline", "repository"),
            ("--repo a/b=. --offline --path clusters/home", "repository"),
            ("", "cluster"),
            ("--context home", "cluster"),
            ("--demo --from a", "error: --from and --demo exclude each other"),
            ("--demo --context home", "error: --demo needs no cluster: leave --context away"),
            ("--from a --kubeconfig k", "error: --from reads a dump and no cluster: leave --kubeconfig away"),
            ("--offline", "error: --offline reads a repository alone: it needs --repo"),
            (
                "--offline --repo . --demo",
                "error: --offline reads a repository alone: leave the other origin away",
            ),
            ("--path x --demo", "error: --path is a folder in a repository: it needs --repo"),
            ("--repo .", "cluster"),
            ("--repo . --repo a/b=c --context home", "cluster"),
            ("--repo . --demo", "demo"),
            ("--repo . --from a --path x", "dump"),
            ("--repo a --repo b --offline", "error: --offline reads one repository at a time"),
        ] {
            let said = match choose(&args(flags)) {
                Ok(Origin::Dump(_)) => "dump".to_owned(),
                Ok(Origin::Demo) => "demo".to_owned(),
                Ok(Origin::Repository(_)) => "repository".to_owned(),
                Ok(Origin::Cluster) => "cluster".to_owned(),
                Err(error) => format!("error: {error}"),
            };
            assert_eq!(said, chosen, "{flags}");
        }
    }

    #[test]
    fn another_command_is_led_to_the_same_facts() {
        for (flags, words) in [
            ("", Some("")),
            ("--demo", Some("--demo")),
            ("--from a.yaml --from b", Some("--from a.yaml --from b")),
            ("--from -", None),
            ("--from a.yaml --from -", None),
            ("--from /dev/fd/63", None),
            ("--from /proc/self/fd/11", None),
            ("--repo a/b=. --offline", Some("--repo a/b=. --offline")),
        ] {
            assert_eq!(again(&args(flags)).map(|words| words.join(" ")).as_deref(), words, "{flags}");
        }
    }
}
