//! `why`: the root causes of what does not come up, each with the chain to it, what proves it and what to do.

use std::path::PathBuf;

use clap::Args;

use super::{Format, origin};
use crate::cli::{GlobalArgs, OutputArg};
use crate::diagnosis::needs::{Need, needs};
use crate::diagnosis::selection::{
    ObjectArg, ObjectError, Outcome, require_namespace, resolve, resolve_source,
};
use crate::diagnosis::why::{NotFetched, Why, not_fetched, why, why_all, why_not_fetched};
use crate::diagnosis::{Cause, Diagnosis, diagnose};
use crate::error::CommandError;
use crate::model::{At, GroupKind, ObjectKey, Snapshot};
use crate::output::Output;
use crate::render::json::why::{WhyListV1, WhyV1};
use crate::render::{human, json, yaml};
use crate::repo;

pub(crate) const EXAMPLES: &str = "\
Examples:
  # one object, down to its root causes
  kubectl fluxlayers why apps

  # a HelmRelease, a source
  kubectl fluxlayers why hr/media/jellyfin
  kubectl fluxlayers why gitrepo/flux-system/flux-system

  # everything that is not ready
  kubectl fluxlayers why

  # with file, line and the commit that broke it; by itself inside of the working tree
  kubectl fluxlayers why apps --repo ../fleet

Exit codes:
  0  nothing is wrong with it
  1  there is a root cause, or it is failed, blocked, missing or unknown
  2  no answer";

/// Arguments of `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// Explain these: NAME, KIND/NAME or KIND/NAMESPACE/NAME (default: everything that is not ready)
    ///
    /// KIND is ks, hr, rset, a source such as gitrepo, or a long name, in any case.
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<ObjectArg>,

    /// Read no Secret, not even for its key names
    #[arg(long)]
    pub no_secrets: bool,

    /// How to write the answer.
    #[command(flatten)]
    pub output: OutputArg<Format>,
}

/// Reads, judges, explains.
pub async fn run(args: &WhyArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    let needs = |snapshot: &Snapshot| closer_look(args, global, snapshot);
    let snapshot = origin::closer_snapshot(global, &args.objects, out, needs).await?;
    let diagnosis = diagnose(&snapshot);
    origin::require_flux(&diagnosis, global, out)?;
    if let Some(namespace) = global.namespace() {
        require_namespace(&diagnosis, namespace)?;
    }
    let found = args.objects.iter().map(|object| find_anywhere(&snapshot, &diagnosis, object, global));
    let found: Vec<Found> = found.collect::<Result<_, _>>()?;
    let mut answers: Vec<Why<'_>> = match found.as_slice() {
        [] => vec![why_all(&diagnosis, global.namespace())],
        found => found.iter().filter_map(|found| found.explained(&diagnosis)).collect(),
    };
    answers.iter_mut().for_each(|answer| answer.look_ahead(&snapshot));
    match (args.output.format, answers.as_slice()) {
        (Format::Table, answers) => {
            let view = out.view();
            let tree = tree_to_link(global, &snapshot).filter(|_| view.links);
            let links = |at: &At| Some(repo::file_url(tree.as_deref()?, &at.path));
            for (index, answer) in answers.iter().enumerate() {
                if index > 0 {
                    human::separate(out.stdout())?;
                }
                human::why::write(out.stdout(), answer, view, global.verbose, &links)?;
            }
        }
        (Format::Json, [one]) => json::write(out.stdout(), &WhyV1::new(one))?,
        (Format::Json, several) => json::write(out.stdout(), &WhyListV1::new(several))?,
        (Format::Yaml, [one]) => yaml::write(out.stdout(), &WhyV1::new(one))?,
        (Format::Yaml, several) => yaml::write(out.stdout(), &WhyListV1::new(several))?,
    }
    Ok(if answers.iter().any(Why::is_bad) { Outcome::Bad } else { Outcome::Good })
}

/// Reads of one answer at most: with the lists they stay below forty requests.
const MOST_READS: usize = 20;

/// What would refine the root causes of what is asked about.
fn closer_look(args: &WhyArgs, global: &GlobalArgs, snapshot: &Snapshot) -> Vec<Need> {
    let diagnosis = diagnose(snapshot);
    let keys = args.objects.iter().filter_map(|object| find(&diagnosis, object, global).ok()); // told when it is explained
    let keys: Vec<ObjectKey> = keys.collect();
    let answers: Vec<Why<'_>> = match args.objects.as_slice() {
        [] => vec![why_all(&diagnosis, global.namespace())],
        _ => keys.iter().filter_map(|key| why(&diagnosis, key)).collect(),
    };
    looks(snapshot, &answers, args.no_secrets)
}

/// What would refine these answers, without looks at Secrets where these are not wanted.
pub(super) fn looks(snapshot: &Snapshot, answers: &[Why<'_>], no_secrets: bool) -> Vec<Need> {
    let causes: Vec<Cause> = answers.iter().flat_map(|why| why.causes.iter().cloned()).collect();
    let ahead: Vec<ObjectKey> = answers.iter().flat_map(|why| why.references_ahead(snapshot)).collect();
    let mut needs = needs(snapshot, &causes, &ahead, MOST_READS);
    needs.retain(|need| !(no_secrets && matches!(need, Need::Object(key) if key.kind == GroupKind::SECRET)));
    needs
}

/// What an argument names.
enum Found {
    /// An object in sight, or one that others refer to.
    Object(ObjectKey),
    /// Something that only the files of a repository have.
    NotFetched(NotFetched),
}

impl Found {
    fn explained<'a>(&'a self, diagnosis: &'a Diagnosis) -> Option<Why<'a>> {
        match self {
            Self::Object(key) => why(diagnosis, key),
            Self::NotFetched(found) => Some(why_not_fetched(diagnosis, found)),
        }
    }
}

/// The one object that is meant; else the one that a joined repository has under that name.
fn find_anywhere(
    snapshot: &Snapshot,
    diagnosis: &Diagnosis,
    object: &ObjectArg,
    global: &GlobalArgs,
) -> Result<Found, ObjectError> {
    let error = match find(diagnosis, object, global) {
        Ok(key) => return Ok(Found::Object(key)),
        Err(error) => error,
    };
    if !matches!(error, ObjectError::NotFound { .. }) {
        return Err(error);
    }
    let namespace = object.namespace.as_deref().or(global.namespace());
    let mut found = not_fetched(snapshot, |key: &ObjectKey| {
        let kind = match &object.kind {
            Some(kind) => key.kind == *kind,
            None => key.kind.is_applier(),
        };
        let here = |wanted| key.namespace.is_empty() || key.namespace == wanted;
        kind && key.name == object.name && namespace.is_none_or(here)
    });
    match (found.pop(), found.as_slice()) {
        (Some(only), []) => Ok(Found::NotFetched(only)),
        _ => Err(error), // nothing, or several of which none is in use
    }
}

/// The folder of the only tree that is joined, where it lies on this machine.
fn tree_to_link(global: &GlobalArgs, snapshot: &Snapshot) -> Option<PathBuf> {
    let mut trees = snapshot.declared.trees.values();
    let (tree, None) = (trees.next().filter(|_| !global.origin.demo)?, trees.next()) else { return None };
    let here = repo::current_folder()?;
    Some(tree.dir.as_ref().map_or(here.clone(), |dir| here.join(dir)))
}

/// The one object that is meant, sources among them.
pub(super) fn find(
    diagnosis: &Diagnosis,
    object: &ObjectArg,
    global: &GlobalArgs,
) -> Result<ObjectKey, ObjectError> {
    match &object.kind {
        Some(kind) if kind.is_source() => resolve_source(diagnosis, object, global.namespace()),
        _ => resolve(diagnosis, object, global.namespace(), None),
    }
}
