//! `impact`: what waits for an object, what would stop without it, and what its deletion takes away.

use clap::Args;

use super::{Format, origin, why};
use crate::cli::{GlobalArgs, OutputArg};
use crate::diagnosis::diagnose;
use crate::diagnosis::impact::impact;
use crate::diagnosis::selection::{ObjectArg, ObjectError, Outcome};
use crate::error::CommandError;
use crate::output::Output;
use crate::render::json::impact::ImpactV1;
use crate::render::{human, json, yaml};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # before you touch it
  kubectl fluxlayers impact cert-manager

  # what a source, a chart repository carries
  kubectl fluxlayers impact helmrepo/flux-system/charts

  # what pruning would take away with it
  kubectl fluxlayers impact apps --delete

What happens to an object:
  stops   its next run stops: a dependency is not ready, a health check fails,
          or there is no artifact
  frozen  it goes on, and what is new does not reach it: an artifact of its
          source, or a change of itself

Exit codes:
  0  here is the answer, whatever it is
  2  no answer, such as no such object";

/// Arguments of `impact`.
#[derive(Debug, Args)]
pub struct ImpactArgs {
    /// NAME, KIND/NAME or KIND/NAMESPACE/NAME
    ///
    /// KIND is ks, hr, rset, a source such as gitrepo, or a long name, in any case.
    #[arg(value_name = "OBJECT")]
    pub object: ObjectArg,

    /// Tell what its deletion would take away, too; nothing is deleted
    ///
    /// Follows inventories, namespaces and CustomResourceDefinitions as far as they are in sight.
    #[arg(long)]
    pub delete: bool,

    /// How to write the answer.
    #[command(flatten)]
    pub output: OutputArg<Format>,
}

/// Reads, follows the edges, tells.
pub async fn run(args: &ImpactArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    let snapshot = origin::snapshot(global, std::slice::from_ref(&args.object), out).await?;
    let diagnosis = diagnose(&snapshot);
    origin::require_flux(&diagnosis, global, out)?;
    let key = why::find(&diagnosis, &args.object, global)?;
    let Some(found) = impact(&snapshot, &diagnosis, &key, args.delete) else {
        return Err(ObjectError::NotFound { what: key.to_string(), similar: Vec::new() }.into());
    };
    match args.output.format {
        Format::Table => {
            let view = out.view();
            human::impact::write(out.stdout(), &found, view, global.verbose)?;
        }
        Format::Json => json::write(out.stdout(), &ImpactV1::new(&found))?,
        Format::Yaml => yaml::write(out.stdout(), &ImpactV1::new(&found))?,
    }
    Ok(Outcome::Good)
}
