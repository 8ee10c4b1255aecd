//! `wait`: follows until everything in scope is up, or fails with the cause. Asks nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::origin;
use super::reconcile::{Errand, Format, objects_and_kinds};
use crate::cli::{GlobalArgs, KindArg, OutputArg, parse_kind, parse_period};
use crate::diagnosis::Diagnosis;
use crate::diagnosis::selection::{ObjectArg, Outcome};
use crate::error::CommandError;
use crate::model::{GroupKind, Node, ObjectKey, Snapshot};
use crate::output::Output;
use crate::reconcile::{Options, Scope, is_revision};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # until everything is ready at its source's revision
  kubectl fluxlayers wait

  # is my fix in? in the working tree, after git push
  kubectl fluxlayers wait --revision HEAD

  # one object and what it depends on, for a script
  kubectl fluxlayers wait apps --timeout 5m

Exit codes:
  0  everything that was meant is up
  1  something failed, or the time is up
  2  no answer
  130  after Ctrl-C";

/// Arguments of `wait`.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait for these, and for what they depend on (default: all Kustomizations)
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<ObjectArg>,

    /// Wait for this revision: a commit or the beginning of one, a digest, or HEAD of the working tree
    #[arg(long, value_name = "REV")]
    pub revision: Option<String>,

    /// Kinds to wait for: ks, hr or all (default: ks)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parse_kind)]
    pub kind: Vec<KindArg>,

    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_period)]
    pub timeout: Duration,

    /// Read no Secret to explain what failed, not even for its key names
    #[arg(long)]
    pub no_secrets: bool,

    /// How to write the answer.
    #[command(flatten)]
    pub output: OutputArg<Format>,
}

/// Follows, tells.
pub async fn run(args: &WaitArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    let revision = match args.revision.as_deref() {
        Some("HEAD") => Some(origin::head(global)?),
        other => other.map(str::to_owned),
    };
    let options = Options { revision, ..Options::wait(out.now(), args.timeout) };
    let errand = Errand {
        format: args.output.format,
        no_secrets: args.no_secrets,
        command: "wait",
        kinds_given: !args.kind.is_empty(),
        options,
    };
    let scope = |world: &Snapshot, diagnosis: &Diagnosis, options: &mut Options| {
        let scope = objects_and_kinds(&args.objects, &args.kind, global, diagnosis)?;
        if let Some(revision) = &options.revision {
            options.revision_of = sources_of(world, &scope, revision)?;
        }
        Ok::<Scope, CommandError>(Scope { dependencies: !scope.objects.is_empty(), ..scope })
    };
    errand.run(&args.objects, scope, global, out).await
}

/// The sources that a revision is one of: those that are at it, else the only Git source that is meant.
fn sources_of(world: &Snapshot, scope: &Scope, revision: &str) -> Result<BTreeSet<ObjectKey>, CommandError> {
    let is_meant = |node: &&Node| {
        let namespace = scope.namespace.as_ref().is_none_or(|namespace| node.key.namespace == *namespace);
        match scope.objects.is_empty() {
            true => node.kustomization().is_some() && namespace,
            false => scope.objects.contains(&node.key),
        }
    };
    let used: BTreeSet<&ObjectKey> =
        world.nodes.values().filter(is_meant).filter_map(|node| node.source.as_ref()).collect();
    let is_at = |key: &&&ObjectKey| {
        let artifact = world.sources.get(**key).and_then(|source| source.artifact.as_ref());
        artifact.is_some_and(|artifact| is_revision(&artifact.revision, revision))
    };
    let at: BTreeSet<ObjectKey> = used.iter().filter(is_at).map(|key| (*key).clone()).collect();
    if !at.is_empty() {
        return Ok(at);
    }
    let git: Vec<&ObjectKey> = used.into_iter().filter(|key| key.kind == GroupKind::GIT_REPOSITORY).collect();
    match git.as_slice() {
        [_, _, ..] => {
            let names: Vec<String> = git.iter().map(|key| key.namespaced_name()).collect();
            let message = format!("{revision} is a revision of which source: {}?", names.join(" or "));
            let hint = "name an object that is built from it: kubectl fluxlayers wait NAME --revision …";
            Err(CommandError::Usage { message, hint: Some(hint.to_owned()) })
        }
        git => Ok(git.iter().map(|key| (*key).clone()).collect()),
    }
}
