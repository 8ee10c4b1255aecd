//! `completion SHELL`: what a shell needs to complete our flags.

use std::io::Write as _;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::diagnosis::selection::Outcome;
use crate::error::CommandError;
use crate::output::Output;

/// Arguments of `completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// Shell: bash, zsh, fish, powershell or elvish
    #[arg(value_enum, hide_possible_values = true)]
    pub shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionArgs, out: &mut Output) -> Result<Outcome, CommandError> {
    out.stdout().write_all(&script(args.shell))?;
    Ok(Outcome::Good)
}

/// The script, for the binary as it is called by itself.
fn script(shell: Shell) -> Vec<u8> {
    let mut command = Cli::command().bin_name("kubectl-fluxlayers");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "kubectl-fluxlayers", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_up_to_date;
    use std::path::Path;

    #[test]
    fn the_scripts_in_the_repository_are_up_to_date() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        for (shell, file) in [
            (Shell::Bash, "kubectl-fluxlayers.bash"),
            (Shell::Zsh, "_kubectl-fluxlayers"),
            (Shell::Fish, "kubectl-fluxlayers.fish"),
        ] {
            assert_up_to_date(&folder.join(file), &String::from_utf8(script(shell)).unwrap());
        }
    }
}
