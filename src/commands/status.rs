//! `status`: the layers, and the root causes of what does not come up.

use clap::{Args, ValueEnum};

use super::{origin, watch};
use crate::cli::{Formats, GlobalArgs, KindArg, OutputArg, parse_kind, parse_state};
use crate::diagnosis::selection::{
    LabelSelector, ObjectArg, Outcome, Selection, StatusView, require_namespace, resolve,
};
use crate::diagnosis::{Diagnosis, State, diagnose};
use crate::error::CommandError;
use crate::model::GroupKind;
use crate::output::Output;
use crate::render::human::status::StatusStyle;
use crate::render::json::status::StatusV1;
use crate::render::{View, human, json, yaml};
use crate::repo::HOW_TO_DUMP_IN_HELP;

pub(crate) fn examples() -> String {
    format!(
        "\
Examples:
  # what is blocked, and by what
  kubectl fluxlayers status

  # the same of a dump
  {HOW_TO_DUMP_IN_HELP}
  kubectl fluxlayers status --from dump.yaml

  # one object and the causes that hit it; a bare name is a Kustomization first
  kubectl fluxlayers status apps

  # failing HelmReleases of one team
  kubectl fluxlayers status --kind hr --state failed -l team=media

  # leave it open while the cluster comes up
  kubectl fluxlayers status -w

  # root causes for a script
  kubectl fluxlayers status -o json | jq -r '.rootCauses[].code'

Exit codes:
  0  nothing in scope is wrong
  1  something is failed, blocked, missing or unknown, or there is a cycle or a root cause
     (--offline asks no cluster: every object is unknown, and cycles alone are judged)
  2  no answer
  130  after Ctrl-C"
    )
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Show only these: NAME, KIND/NAME or KIND/NAMESPACE/NAME
    ///
    /// KIND is ks, hr, rset or a long name, in any case. A bare name is looked for among Kustomizations in all
    /// namespaces, then among HelmReleases.
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<ObjectArg>,

    /// Kinds to show: ks, hr, rset or all (default: ks, with the causes of every kind)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parse_kind)]
    pub kind: Vec<KindArg>,

    /// States to show, such as failed,blocked
    ///
    /// Of missing, suspended, failed, blocked, unknown, progressing and ready.
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = parse_state)]
    pub state: Vec<State>,

    /// Show one layer
    #[arg(long, value_name = "N")]
    pub layer: Option<usize>,

    /// Show what these labels select, as kubectl does
    ///
    /// Operators: = == != in notin KEY !KEY, such as 'team=a,tier in (web, db),!legacy'.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<LabelSelector>,

    /// Warnings count as bad
    #[arg(long)]
    pub strict: bool,

    /// Follow the cluster until Ctrl-C
    ///
    /// Redraws in place on a terminal. In a pipe: the verdict, then one line a change; -o json and yaml write one
    /// document a change.
    #[arg(short, long)]
    pub watch: bool,

    /// How to write the answer.
    #[command(flatten)]
    pub output: OutputArg<Format>,

    /// Leave the table's header away
    #[arg(long, help_heading = "Output")]
    pub no_headers: bool,
}

/// How to write the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For people, one row an object
    Wide,
    /// `fluxlayers/v1`
    Json,
    /// The same as YAML
    Yaml,
    /// One name a line
    Name,
}

impl Formats for Format {
    const HELP: &'static str = "Output: table, wide, json, yaml or name";
}

/// Reads, judges, and writes the answer.
pub async fn run(args: &StatusArgs, global: &GlobalArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    if args.watch {
        return watch::run(args, global, out).await;
    }
    let snapshot = origin::snapshot(global, &args.objects, out).await?;
    let diagnosis = diagnose(&snapshot);
    answer(args, global, &diagnosis, out)
}

/// Writes the answer that a diagnosis gives to these arguments.
pub fn answer(
    args: &StatusArgs,
    global: &GlobalArgs,
    diagnosis: &Diagnosis,
    out: &mut Output,
) -> Result<Outcome, CommandError> {
    origin::require_flux(diagnosis, global, out)?;
    if let Some(namespace) = global.namespace() {
        require_namespace(diagnosis, namespace)?;
    }
    let selection = select(args, global, diagnosis)?;
    let status = selection.view(diagnosis);
    let style = style(args, global, out.view());
    match args.output.format {
        Format::Table | Format::Wide if is_empty(&status) => {}
        Format::Table | Format::Wide => human::status::write(out.stdout(), &status, &style)?,
        Format::Json => json::write(out.stdout(), &StatusV1::new(&status))?,
        Format::Yaml => yaml::write(out.stdout(), &StatusV1::new(&status))?,
        Format::Name => human::status::write_names(out.stdout(), &status)?,
    }
    out.finish()?; // before what goes to standard error, so that the two stand in order
    if let Some(note) = note(&status) {
        out.note(note);
    }
    Ok(status.outcome(args.strict))
}

/// How these arguments want the report told.
pub(super) fn style(args: &StatusArgs, global: &GlobalArgs, view: View) -> StatusStyle {
    StatusStyle {
        view,
        wide: args.output.format == Format::Wide,
        no_headers: args.no_headers,
        verbose: global.verbose,
        strict: args.strict,
        again: origin::again(global),
    }
}

/// Why nothing is shown; `None` where something is.
pub(super) fn note(status: &StatusView<'_>) -> Option<&'static str> {
    if status.summary.total() > 0 {
        return None;
    }
    Some(match (status.narrowed, status.diagnosis.objects.len()) {
        (true, _) if status.kinds.iter().eq([&GroupKind::KUSTOMIZATION]) => {
            "no Kustomization matches these filters; --kind all looks at every kind"
        }
        (true, _) => "no object matches these filters",
        (false, 0) => "no Kustomizations in sight",
        (false, _) => "no Kustomizations in sight; --kind all shows what else there is",
    })
}

/// Whether there is nothing to tell.
pub(super) fn is_empty(status: &StatusView<'_>) -> bool {
    status.summary.total() == 0 && status.causes.is_empty() && status.warnings.is_empty()
}

pub(super) fn select(
    args: &StatusArgs,
    global: &GlobalArgs,
    diagnosis: &Diagnosis,
) -> Result<Selection, CommandError> {
    let mut selection = Selection {
        namespace: global.namespace().map(str::to_owned),
        selector: args.selector.clone().unwrap_or_default(),
        states: args.state.iter().copied().collect(),
        layer: args.layer,
        ..Selection::default()
    };
    if !args.kind.is_empty() {
        selection.kinds = args.kind.iter().flat_map(|KindArg(kinds)| kinds.iter().cloned()).collect();
        selection.kinds_explicit = true;
    }
    let kinds = selection.kinds_explicit.then(|| selection.kinds.clone());
    for object in &args.objects {
        let key = resolve(diagnosis, object, global.namespace(), kinds.as_ref())?;
        selection.objects.insert(key);
    }
    if kinds.is_none() && !selection.objects.is_empty() {
        selection.kinds = selection.objects.iter().map(|key| key.kind.clone()).collect();
    }
    Ok(selection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{Cli, Command};
    use crate::diagnosis::selection::testing::{diagnosis, hr, ks};
    use clap::Parser;

    fn selected(words: &str) -> Result<String, String> {
        let words = ["kubectl-fluxlayers", "status"].into_iter().chain(words.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Status(args) = &cli.command else { panic!("not status") };
        let mut found = diagnosis([ks("a/apps"), ks("b/apps"), ks("b/web"), hr("b/web"), hr("b/plex")]);
        found.coverage.cover_everywhere(GroupKind::KUSTOMIZATION);
        let selection = select(args, &cli.global, &found).map_err(|error| error.in_full())?;
        let view = selection.view(&found);
        let shown: Vec<String> = view.objects().map(|object| object.key.to_string()).collect();
        Ok(shown.join(" "))
    }

    #[test]
    fn flags_become_a_selection() {
        for (flags, shown) in [
            ("", "Kustomization/a/apps Kustomization/b/apps Kustomization/b/web"),
            ("-n a", "Kustomization/a/apps"),
            ("-n a -A", "Kustomization/a/apps Kustomization/b/apps Kustomization/b/web"),
            ("--kind hr", "HelmRelease/b/plex HelmRelease/b/web"),
            (
                "--kind KS,HelmReleases -n b",
                "HelmRelease/b/plex HelmRelease/b/web Kustomization/b/apps Kustomization/b/web",
            ),
            ("--kind all --state blocked,failed", ""),
            ("plex", "HelmRelease/b/plex"),
            ("plex web", "HelmRelease/b/plex Kustomization/b/web"),
            ("hr/web", "HelmRelease/b/web"),
            ("--kind hr web", "HelmRelease/b/web"),
            ("apps -n b", "Kustomization/b/apps"),
            ("Kustomization/b/apps", "Kustomization/b/apps"),
        ] {
            assert_eq!(selected(flags).as_deref(), Ok(shown), "{flags}");
        }
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        for (flags, said) in [
            ("apps", "`apps` could be any of ks/a/apps, ks/b/apps"),
            ("ks/a/apps -n b", "`ks/a/apps` is not in namespace b"),
            ("--kind ks hr/web", "`hr/web` is none of the kinds that --kind selects"),
            ("--kind ks plex", "no Kustomization named `plex` in sight"),
            ("plex -n a", "no Kustomization or HelmRelease named `plex` in namespace a"),
        ] {
            assert_eq!(selected(flags).as_ref().map_err(String::as_str), Err(said), "{flags}");
        }
    }
}
