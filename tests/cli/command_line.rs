use std::io::Read as _;
use std::process::Stdio;

use kubectl_fluxlayers::repo::HOW_TO_DUMP_IN_HELP;

use crate::support::{finish, fluxlayers, run};

#[test]
fn the_short_help_fits_one_screen_and_speaks_as_kubectl() {
    let help = run(&["-h"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(help.stdout);
    let status = run(&["status", "-h"]);
    assert_eq!(status.code, 0);
    insta::assert_snapshot!(status.stdout);
    for help in [help, status] {
        assert!(help.stdout.lines().count() <= 45 && help.stdout.lines().all(|line| line.len() <= 100));
        assert!(help.stdout.contains("Usage: kubectl fluxlayers "));
    }
}

#[test]
fn the_long_help_has_examples() {
    for args in [&["--help"][..], &["status", "--help"]] {
        let help = run(args);
        assert_eq!(help.code, 0);
        assert!(help.stdout.contains("Examples:\n") && help.stdout.contains("Exit codes:"), "{}", help.stdout);
    }
}

#[test]
fn a_command_in_the_help_survives_every_width() {
    for columns in ["40", "80", "100", "200"] {
        for args in [&["--help"][..], &["status", "--help"]] {
            let help = finish(fluxlayers(args).env("COLUMNS", columns));
            assert!(help.stdout.contains(HOW_TO_DUMP_IN_HELP), "{columns}: {}", help.stdout);
        }
    }
}

#[test]
fn the_version_is_one_line() {
    for flag in ["-V", "--version"] {
        let version = run(&[flag]);
        assert_eq!(version.code, 0);
        assert_eq!(version.stdout, format!("kubectl-fluxlayers {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn without_a_kubeconfig_the_way_to_an_answer_is_shown() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["status"][..], &["status", "--context", "home"], &["-A", "status"]] {
        let run = finish(fluxlayers(args).env("HOME", home.path()));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.starts_with("error: no kubeconfig with a context in "), "{}", run.stderr);
        assert!(run.stderr.contains("hint: set KUBECONFIG or give --kubeconfig"), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    }
}

#[test]
fn bad_arguments_are_told_on_standard_error_and_exit_2() {
    for (args, said) in [
        (&[][..], "Usage: kubectl fluxlayers"),
        (&["stauts"], "a similar subcommand exists: 'status'"),
        (&["status", "--kind", "pods"], "choose ks, hr, rset or all"),
        (&["status", "--kind", "gitrepo"], "a GitRepository has no place in the layers"),
        (
            &["status", "--state", "blocked,broken"],
            "invalid value 'broken' for '--state <STATES>': choose from missing",
        ),
        (&["status", "--layer", "-1"], "unexpected argument '-1'"),
        (&["status", "--layer", "one"], "invalid value 'one' for '--layer <N>'"),
        (&["status", "-l", "a>1"], "invalid value 'a>1' for '--selector <SELECTOR>'"),
        (&["status", "-o", "xml"], "invalid value 'xml' for '--output <FORMAT>'"),
        (&["status", "--now", "yesterday"], "expected a time such as 2026-11-24T02:41:00Z"),
        (&["status", "deploy/web"], "`deploy` is not a kind of Flux"),
        (&["status", "a//b"], "expected NAME, KIND/NAME or KIND/NAMESPACE/NAME"),
        (&["status", "--watch", "--demo"], "error: --watch follows a cluster: leave --demo away"),
        (&["--demo", "status", "--from", "dump.yaml"], "error: --from and --demo exclude each other"),
        (&["status", "--from", "-", "--from", "-"], "error: standard input can be read once"),
        (&["status", "--offline"], "error: --offline reads a repository alone: it needs --repo"),
        (&["completion", "nushell"], "invalid value 'nushell'"),
    ] {
        let run = run(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(said), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn colour_is_as_asked_for() {
    assert!(!run(&["-h"]).stdout.contains('\x1b'));
    assert!(run(&["--color", "always", "-h"]).stdout.contains('\x1b'));
    assert!(run(&["-h", "--color=always"]).stdout.contains('\x1b'));
    assert!(finish(fluxlayers(&["-h"]).env("CLICOLOR_FORCE", "1")).stdout.contains('\x1b'));
    let both = finish(fluxlayers(&["-h"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"));
    assert!(!both.stdout.contains('\x1b'));
    let error = finish(fluxlayers(&["status"]).env("CLICOLOR_FORCE", "1"));
    assert!(error.stderr.contains('\x1b'));
}

#[test]
fn what_is_foreign_in_an_error_cannot_steer_the_terminal() {
    let run = run(&["status", "--from", "\x1b]0;title\x07\x1b[31mred.yaml"]);
    assert_eq!(run.code, 2);
    assert!(!run.stderr.contains('\x1b'), "{:?}", run.stderr);
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = run(&["completion", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
        assert!(run.stdout.contains("kubectl-fluxlayers") && run.stdout.contains("no-headers"), "{shell}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child =
        fluxlayers(&["completion", "fish"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = finish(fluxlayers(&["completion", "fish"]).stdout(full));
    assert_eq!(run.code, 2);
    assert!(run.stderr.starts_with("error: cannot write the answer: "), "{}", run.stderr);
}
