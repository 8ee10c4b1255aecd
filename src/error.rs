//! Why there is no answer: what commands return instead of one, with what the reader can do about it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::cluster::ClusterError;
use crate::diagnosis::selection::ObjectError;
use crate::repo::{HOW_TO_DUMP, InputError};

/// No answer; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Flags that are each right and do not go together.
    #[error("{message}")]
    Usage {
        /// Which flags.
        message: String,
        /// Which to leave away.
        hint: Option<String>,
    },
    /// The origin could not be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The cluster gives no answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// It was read, and holds no object of Flux.
    #[error("nothing of Flux {}in {label}", if *complete { "" } else { "could be read " })]
    NothingOfFlux {
        /// Where we looked.
        label: String,
        /// Whether that is a cluster.
        live: bool,
        /// Whether that is a repository.
        declared: bool,
        /// Whether all of it could be read.
        complete: bool,
    },
    /// An OBJECT that does not name exactly one object.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The path as given.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The user may not ask an object to run; nothing was asked.
    #[error("no right to patch {kind} {object}: nothing was asked{}", if reason.is_empty() { String::new() } else { format!(" ({reason})") })]
    MayNotAsk {
        /// Its kind.
        kind: String,
        /// `namespace/name`.
        object: String,
        /// The authorizer's words; may be empty.
        reason: String,
    },
    /// It was told to stop.
    #[error("stopped by signal {0}")]
    Stopped(u8),
    /// Standard output could not be written.
    #[error("cannot write the answer")]
    Write(#[from] io::Error),
}

impl CommandError {
    /// What the reader can do next; printed below the error as `hint: …`, one for each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Usage { hint, .. } => hint.iter().cloned().collect(),
            Self::NothingOfFlux { live: true, .. } => {
                vec!["the kinds of Flux are served, and no object is in sight: kubectl get ks,hr -A".to_owned()]
            }
            Self::NothingOfFlux { declared: true, .. } => {
                vec!["a repository declares Flux objects in .yaml files; --repo names its folder".to_owned()]
            }
            Self::NothingOfFlux { .. } => {
                vec![format!("a dump holds the Flux objects themselves: {HOW_TO_DUMP}")]
            }
            Self::Object(error) => error.hint().into_iter().collect(),
            Self::Input(error) => error.hint().into_iter().collect(),
            Self::Cluster(error) => error.hint().into_iter().collect(),
            Self::MayNotAsk { .. } => vec![
                "reconcile writes annotations; what would be done, without: kubectl fluxlayers reconcile --ordered --dry-run".to_owned(),
            ],
            Self::File { .. } | Self::Stopped(_) | Self::Write(_) => Vec::new(),
        }
    }

    /// The error and what lies below it, in one line; a source is not repeated where it says the same.
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_is_told_in_the_same_line() {
        let below = io::Error::other("disk full");
        assert_eq!(CommandError::from(below).in_full(), "cannot write the answer: disk full");
    }
}
