//! `snapshot`: what `status` and `why` read, in one file, so that a cluster can be explained elsewhere.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::origin::{self, Origin};
use super::why::looks;
use crate::cli::GlobalArgs;
use crate::cluster::{Cluster, ConnectArgs};
use crate::demo;
use crate::diagnosis::diagnose;
use crate::diagnosis::needs::Need;
use crate::diagnosis::selection::Outcome;
use crate::diagnosis::why::why_all;
use crate::error::CommandError;
use crate::model::{GroupKind, Snapshot};
use crate::output::{Output, write_whole};
use crate::render::dump;
use crate::repo;
use crate::wire::{Kept, Stated};

pub(crate) const EXAMPLES: &str = "\
What it holds:
  all Flux objects in sight, and what `why` looks at of each one that is not
  ready: Events, workloads, Pods, claims, key names of Secrets and ConfigMaps.
  Of every object only the fields that status and why read. No value of a
  Secret or ConfigMap, no values of a HelmRelease or substitution, no
  environment of a container, no password in a URL. What controllers said in
  conditions and Events stands there as they wrote it.

Examples:
  # to standard output
  kubectl fluxlayers snapshot

  # to a file, compressed, and read it elsewhere
  kubectl fluxlayers snapshot -f cluster.yaml.gz
  kubectl fluxlayers why --from cluster.yaml.gz

  # a dump of other tools, cleaned before it is handed on
  kubectl fluxlayers snapshot --from bundle/ -f clean.json

Exit codes:
  0  it is written, whatever state the cluster is in
  2  it is not";

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Write to this file; gzip where the name ends in .gz
    ///
    /// It is written whole or not at all.
    #[arg(short = 'f', long, value_name = "PATH", help_heading = "Output")]
    pub output_file: Option<PathBuf>,

    /// Replace the file where it exists
    #[arg(long, requires = "output_file", help_heading = "Output")]
    pub force: bool,

    /// Read no Secret, not even for its key names
    #[arg(long)]
    pub no_secrets: bool,

    /// Output: yaml or json (default: what the file's name says, else yaml)
    #[arg(short, long, value_name = "FORMAT", hide_possible_values = true, help_heading = "Output")]
    pub output: Option<FileFormat>,
}

/// How to write a file of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// YAML
    Yaml,
    /// JSON
    Json,
}

/// Reads what `why` reads, and writes it.
pub async fn run(args: &SnapshotArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    let Kept { snapshot, mut documents } = read(args, global, out).await?;
    origin::require_flux(&diagnose(&snapshot), global, out)?;
    let mut stated = Stated::of(&snapshot);
    if args.no_secrets {
        documents.retain(|document| document["kind"] != "Secret" || document["apiVersion"] != "v1");
        stated.forget(&GroupKind::SECRET);
    }
    let path = args.output_file.as_deref().filter(|path| path.as_os_str() != "-");
    let (format, compressed) = form(path, args.output);
    let write = |out: &mut dyn Write| -> io::Result<()> {
        let mut out = out;
        match format {
            FileFormat::Yaml => dump::write_yaml(&mut out, snapshot.now, &stated, &documents),
            FileFormat::Json => dump::write_json(&mut out, snapshot.now, &stated, &documents),
        }
    };
    match path {
        None => write(out.stdout())?,
        Some(path) => {
            write_whole(path, args.force, |file| match compressed {
                false => write(file),
                true => {
                    let mut gzip = GzEncoder::new(file, Compression::default());
                    write(&mut gzip)?;
                    gzip.finish().map(drop)
                }
            })
            .map_err(|source| CommandError::File { path: path.to_owned(), source })?;
            out.note(&format!("{}: {} objects of {}", path.display(), documents.len(), snapshot.label));
        }
    }
    for warning in &snapshot.warnings {
        out.warn(&warning.text);
    }
    Ok(Outcome::Good)
}

async fn read(args: &SnapshotArgs, global: &GlobalArgs, out: &Output) -> Result<Kept, CommandError> {
    let needs = |snapshot: &Snapshot| -> Vec<Need> {
        let diagnosis = diagnose(snapshot);
        looks(snapshot, &[why_all(&diagnosis, global.namespace())], args.no_secrets)
    };
    let now = global.origin.now;
    let mut kept = match origin::choose(global)? {
        Origin::Dump(paths) => repo::keep_dump(paths, io::stdin().lock(), now)?,
        Origin::Demo => demo::kept()?,
        Origin::Repository(_) => {
            return Err(CommandError::Usage {
                message:
                    "snapshot writes what a cluster holds, and a repository is its own: leave --offline away"
                        .to_owned(),
                hint: None,
            });
        }
        Origin::Cluster => {
            let cluster = Cluster::connect(&ConnectArgs::from(&global.cluster), &|text| out.note(text)).await?;
            cluster.kept_snapshot(&origin::namespaces(global, &[]), now, needs).await?
        }
    };
    kept.snapshot.now = now.unwrap_or(kept.snapshot.now);
    Ok(kept)
}

/// Format, and whether it is compressed: what was asked for, else what the name says.
fn form(path: Option<&Path>, asked: Option<FileFormat>) -> (FileFormat, bool) {
    let has =
        |path: &Path, wanted: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    let compressed = path.is_some_and(|path| has(path, "gz"));
    let name = path.map(|path| if compressed { path.with_extension("") } else { path.to_owned() });
    let named = match name.is_some_and(|name| has(&name, "json")) {
        true => FileFormat::Json,
        false => FileFormat::Yaml,
    };
    (asked.unwrap_or(named), compressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_says_how_to_write_it() {
        use FileFormat::{Json, Yaml};
        for (path, asked, expected) in [
            (None, None, (Yaml, false)),
            (None, Some(Json), (Json, false)),
            (Some("a.yaml"), None, (Yaml, false)),
            (Some("a"), None, (Yaml, false)),
            (Some("a.json"), None, (Json, false)),
            (Some("a.JSON.GZ"), None, (Json, true)),
            (Some("a.yaml.gz"), None, (Yaml, true)),
            (Some("a.gz"), Some(Json), (Json, true)),
            (Some("a.json"), Some(Yaml), (Yaml, false)),
        ] {
            assert_eq!(form(path.map(Path::new), asked), expected, "{path:?}");
        }
    }
}
