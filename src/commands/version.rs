//! `version`: this program's, the cluster's, Flux' and its controllers', with the flags that change what things mean.

use clap::Args;

use super::Format;
use super::origin::{self, Origin};
use crate::cli::{GlobalArgs, OutputArg};
use crate::cluster::{Cluster, ClusterError, ConnectArgs};
use crate::diagnosis::installation::Installation;
use crate::diagnosis::selection::Outcome;
use crate::error::CommandError;
use crate::output::Output;
use crate::render::json::version::VersionV1;
use crate::render::{human, json, yaml};

/// Arguments of `version`.
#[derive(Debug, Args)]
pub struct VersionArgs {
    /// Ask no cluster
    #[arg(long)]
    pub client: bool,

    /// How to write the answer.
    #[command(flatten)]
    pub output: OutputArg<Format>,
}

/// What was found beside this program.
struct Found {
    label: String,
    kubernetes: Option<String>,
    installation: Installation,
}

/// Writes this program's version, then what the cluster (or a dump of one) tells; without a kubeconfig the first alone.
pub async fn run(args: &VersionArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    let found = if args.client { Ok(None) } else { look(global, out).await };
    // What is known is told even where the cluster does not answer.
    let shown = found.as_ref().ok().and_then(Option::as_ref);
    let installation = shown.map(|found| &found.installation);
    let kubernetes = shown.and_then(|found| found.kubernetes.as_deref());
    match args.output.format {
        Format::Table => {
            let view = out.view();
            let installation = shown.map(|found| (found.label.as_str(), &found.installation));
            human::version::write(out.stdout(), kubernetes, installation, view)?;
        }
        Format::Json => json::write(out.stdout(), &VersionV1::new(kubernetes, installation))?,
        Format::Yaml => yaml::write(out.stdout(), &VersionV1::new(kubernetes, installation))?,
    }
    out.finish()?;
    found.map(|_| Outcome::Good)
}

async fn look(global: &GlobalArgs, out: &Output) -> Result<Option<Found>, CommandError> {
    if origin::choose(global)? != Origin::Cluster {
        let snapshot = origin::snapshot(global, &[], out).await?;
        let installation = Installation::of(&snapshot);
        return Ok(Some(Found { label: snapshot.label, kubernetes: None, installation }));
    }
    let cluster = match Cluster::connect(&ConnectArgs::from(&global.cluster), &|text| out.note(text)).await {
        Err(ClusterError::NoKubeconfig { .. }) => return Ok(None),
        cluster => cluster?,
    };
    let (kubernetes, snapshot) = cluster.versions().await?;
    for warning in &snapshot.warnings {
        out.warn(&warning.text);
    }
    let installation = Installation::of(&snapshot);
    Ok(Some(Found { label: snapshot.label, kubernetes: Some(kubernetes), installation }))
}
