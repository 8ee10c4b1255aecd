//! The command line as a whole: which commands there are, and what help says of all of them.

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Parser, Subcommand};

use super::completion::CompletionArgs;
use super::impact::ImpactArgs;
use super::reconcile::ReconcileArgs;
use super::snapshot::SnapshotArgs;
use super::status::StatusArgs;
use super::version::VersionArgs;
use super::wait::WaitArgs;
use super::why::WhyArgs;
use crate::cli::GlobalArgs;
use crate::repo::HOW_TO_DUMP_IN_HELP;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default().effects(Effects::DIMMED))
    .error(AnsiColor::Red.on_default().effects(Effects::BOLD))
    .invalid(AnsiColor::Yellow.on_default());

fn examples() -> String {
    format!(
        "\
Examples:
  # your cluster
  kubectl fluxlayers status

  # a blocked cluster that is built in, to see what this is
  kubectl fluxlayers status --demo

  # a dump, such as a support bundle, and how to write one
  kubectl fluxlayers status --from dump.yaml
  {HOW_TO_DUMP_IN_HELP}

  # one of several: for a script, without words
  kubectl fluxlayers status --from dump.yaml --state failed,blocked -o name

Exit codes: 0 the answer is good, 1 the answer is bad, 2 there is no answer."
    )
}

/// Show in which dependency layers Flux comes up, and why one of them does not
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-fluxlayers",
    bin_name = "kubectl fluxlayers",
    display_name = "kubectl-fluxlayers",
    version,
    styles = STYLES,
    max_term_width = 100,
    after_long_help = examples(),
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the layers, and the root causes of what does not come up
    #[command(after_long_help = super::status::examples())]
    Status(StatusArgs),
    /// Explain why an object is not ready, down to the root causes
    #[command(after_long_help = super::why::EXAMPLES)]
    Why(WhyArgs),
    /// Ask the controllers to run, dependencies first, and tell what comes of it
    #[command(after_long_help = super::reconcile::EXAMPLES)]
    Reconcile(ReconcileArgs),
    /// Wait until everything is up, or fail with the cause
    #[command(after_long_help = super::wait::EXAMPLES)]
    Wait(WaitArgs),
    /// Tell what waits for an object, would stop without it, or goes with it
    #[command(after_long_help = super::impact::EXAMPLES)]
    Impact(ImpactArgs),
    /// Write what status and why read into one file, without secrets
    #[command(after_long_help = super::snapshot::EXAMPLES)]
    Snapshot(SnapshotArgs),
    /// Print the versions of this program, of Flux and of its controllers
    Version(VersionArgs),
    /// Print the completion script of a shell
    #[command(help_template = "{about-with-newline}\n{usage-heading} {usage}\n\n{positionals}{after-help}")]
    Completion(CompletionArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
