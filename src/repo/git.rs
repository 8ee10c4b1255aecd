//! Asks Git about a working tree: where it begins, what its remotes are, how it stands to a revision.
//!
//! It only reads, runs nothing that the repository's own configuration names (hooks, filters, pagers, file system
//! monitors, other diff programs), and never reaches the network.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one module that runs another program; what it says is taken apart in `history`"
)]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::history;
use crate::model::{Commit, NoHistory};

/// What stays of the environment: where programs are found and whose settings count (`safe.directory` among them).
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
];

/// Commits of one range that are read at most.
const MOST_COMMITS: &str = "--max-count=1000";

/// A working tree that Git knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WorkTree {
    /// Its topmost folder.
    pub(super) root: PathBuf,
}

/// Why Git says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    #[error("git is not installed")]
    NotInstalled,
    #[error("git cannot be run: {0}")]
    Run(#[source] io::Error),
    #[error("git {command}: {said}")]
    Failed { command: &'static str, said: String },
}

impl WorkTree {
    /// The working tree around a folder; `None` where there is none.
    pub(super) fn around(folder: &Path) -> Result<Option<Self>, GitError> {
        if !folder.ancestors().any(|folder| folder.join(".git").exists()) {
            return Ok(None); // and git need not be there
        }
        let said = run(folder, "rev-parse", ["--show-toplevel"], b"")?;
        let root = String::from_utf8_lossy(&said).trim_end_matches(['\n', '\r']).to_owned();
        Ok((!root.is_empty()).then(|| Self { root: PathBuf::from(root) }))
    }

    /// Names and addresses of its remotes, as they are written and as the user's settings rewrite them.
    pub(super) fn remotes(&self) -> Result<Vec<(String, String)>, GitError> {
        let written = run(&self.root, "config", ["-z", "--get-regexp", r"^remote\..*\.url$"], b"");
        let written = match written {
            Err(GitError::Failed { said, .. }) if said.is_empty() => Vec::new(), // there is none
            other => other?,
        };
        let mut remotes = history::remotes(&String::from_utf8_lossy(&written));
        let rewritten = run(&self.root, "remote", ["-v"], b"")?;
        remotes.extend(history::rewritten(&String::from_utf8_lossy(&rewritten)));
        remotes.sort();
        remotes.dedup();
        Ok(remotes)
    }

    /// The branch that is checked out; `None` where it is a commit alone.
    pub(super) fn branch(&self) -> Result<Option<String>, GitError> {
        match run(&self.root, "symbolic-ref", ["--short", "--quiet", "HEAD"], b"") {
            Ok(said) => Ok(Some(String::from_utf8_lossy(&said).trim().to_owned())),
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The commit that is checked out.
    pub(super) fn head(&self) -> Result<String, GitError> {
        let said = run(&self.root, "rev-parse", ["--verify", "--end-of-options", "HEAD^{commit}"], b"")?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// Whether a commit is there.
    pub(super) fn has(&self, commit: &str) -> Result<bool, GitError> {
        if !history::is_name(commit) {
            return Ok(false);
        }
        let name = format!("{commit}^{{commit}}");
        match run(&self.root, "rev-parse", ["--verify", "--quiet", "--end-of-options", &name], b"") {
            Ok(_) => Ok(true),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether its history was cut off when it was cloned.
    pub(super) fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(run(&self.root, "rev-parse", ["--is-shallow-repository"], b"")?.starts_with(b"true"))
    }

    /// Commits of the tree that a commit does not have, and the other way round; `None` before the first commit.
    pub(super) fn distance(&self, commit: &str) -> Result<Option<(usize, usize)>, GitError> {
        let range = format!("HEAD...{commit}");
        let said = run(&self.root, "rev-list", ["--count", "--left-right", "--end-of-options", &range], b"");
        match said {
            Ok(said) => Ok(history::two_numbers(&String::from_utf8_lossy(&said))),
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Files of a commit with the names of their contents; links and submodules are left out.
    pub(super) fn files(&self, commit: &str) -> Result<Vec<(String, String)>, GitError> {
        let said = run(&self.root, "ls-tree", ["-r", "-z", "--full-tree", "--end-of-options", commit], b"")?;
        Ok(history::tree(&String::from_utf8_lossy(&said)))
    }

    /// Names that the contents of files have as they lie there, in their order.
    pub(super) fn names(&self, paths: &[&str]) -> Result<Vec<String>, GitError> {
        let mut input = String::new();
        for path in paths.iter().filter(|path| !path.contains('\n')) {
            input.push_str(path);
            input.push('\n');
        }
        let said = run(&self.root, "hash-object", ["--no-filters", "--stdin-paths"], input.as_bytes())?;
        Ok(String::from_utf8_lossy(&said).lines().map(str::to_owned).collect())
    }

    /// Contents by their names, in their order; `None` where one is not there or is no text.
    pub(super) fn contents(&self, names: &[&str]) -> Result<Vec<Option<String>>, GitError> {
        let input: String = names.iter().map(|name| format!("{name}\n")).collect();
        let said = run(&self.root, "cat-file", ["--batch"], input.as_bytes())?;
        Ok(history::batch(&said))
    }

    /// Commits from one to another, newest first, with the files that each changes.
    pub(super) fn commits(&self, from: &str, to: &str) -> Result<Vec<Commit>, GitError> {
        let range = format!("{from}..{to}");
        let format = format!("--format={}", history::FORMAT);
        let arguments = [
            "-z",
            "--name-only",
            "--no-renames",
            "--cc", // of a merge what it changes by itself
            "--topo-order",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--no-mailmap",
            "--no-notes",
            "--encoding=UTF-8",
            MOST_COMMITS,
            format.as_str(),
            "--end-of-options",
            range.as_str(),
            "--",
        ];
        Ok(history::commits(&String::from_utf8_lossy(&run(&self.root, "log", arguments, b"")?)))
    }

    /// Files that are not the same in two commits.
    pub(super) fn changed(&self, from: &str, to: &str) -> Result<BTreeSet<String>, GitError> {
        let arguments =
            ["-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--end-of-options", from, to];
        let said = run(&self.root, "diff-tree", arguments, b"")?;
        let paths = String::from_utf8_lossy(&said);
        Ok(paths.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }
}

/// What to say instead of a history.
pub(super) fn no_history(error: &GitError) -> NoHistory {
    NoHistory { why: error.to_string(), command: None }
}

fn run<'a>(
    folder: &Path,
    command: &'static str,
    arguments: impl IntoIterator<Item = &'a str>,
    input: &[u8],
) -> Result<Vec<u8>, GitError> {
    let mut git = Command::new("git");
    git.env_clear();
    git.envs(std::env::vars_os().filter(|(name, _)| ENVIRONMENT.iter().any(|kept| name == OsStr::new(kept))));
    git.envs([
        ("LC_ALL", "C"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_PAGER", "cat"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_ALLOW_PROTOCOL", ""), // what a partial clone left out stays out
    ]);
    git.arg("--no-pager").arg("-C").arg(folder);
    for setting in ["core.fsmonitor=", "core.hooksPath=/dev/null", "core.quotePath=false", "core.abbrev=7"] {
        git.args(["-c", setting]);
    }
    git.arg(command).args(arguments);
    git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = git.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError::NotInstalled,
        _ => GitError::Run(error),
    })?;
    let stdin = child.stdin.take();
    let written = std::thread::scope(|scope| {
        // Beside the reading below: a full pipe in either direction holds nobody up.
        let writer = scope.spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(input)));
        let output = child.wait_with_output();
        (writer.join(), output)
    });
    let output = written.1.map_err(GitError::Run)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned();
    Err(GitError::Failed { command, said })
}
