//! Files: dumps of a cluster, and working trees of a repository.
//!
//! `walk` reads the disk and hands bytes to `parse` and `tree`, which are pure and make the snapshot.

mod address;
mod belong;
mod build;
mod compare;
mod files;
mod git;
mod history;
mod join;
mod parse;
mod tree;
mod trees;
mod walk;

use std::path::PathBuf;

use crate::model::Snapshot;
use crate::wire::{Kept, SnapshotBuilder};

pub use trees::{TreeArg, Trees, current_folder, file_url, head, read_trees, tree_around};
pub use walk::{keep_dump, read_dump, read_repository};

/// What a dump should hold: all that `status` and `why` look at but Secrets.
macro_rules! kinds {
    () => {
        "ks,hr,gitrepo,ocirepo,buckets.source.toolkit.fluxcd.io,helmrepo,hc,ns,deploy,sts,po,events"
    };
}

/// How to write a dump that holds all that `status` and `why` look at.
pub const HOW_TO_DUMP: &str = concat!("kubectl get ", kinds!(), " -A -o yaml >dump.yaml");

/// The same for help texts: they are wrapped at spaces, and nothing stands behind the word that no line can hold.
pub const HOW_TO_DUMP_IN_HELP: &str = concat!("kubectl get -A -o yaml >dump.yaml \\\n    ", kinds!());

/// Reads a dump that is built into the binary; the label is also the name of its file in messages.
pub(crate) fn parse_embedded(text: &str, label: &str) -> Result<Snapshot, InputError> {
    Ok(gather_embedded(text, label, SnapshotBuilder::new())?.finish(label.to_owned(), None))
}

/// The same, with the documents to write a snapshot from.
pub(crate) fn keep_embedded(text: &str, label: &str) -> Result<Kept, InputError> {
    Ok(gather_embedded(text, label, SnapshotBuilder::keeping())?.finish_kept(label.to_owned(), None))
}

fn gather_embedded(
    text: &str,
    label: &str,
    mut builder: SnapshotBuilder,
) -> Result<SnapshotBuilder, InputError> {
    let mut outcome = parse::parse_dump(text.as_bytes(), label, &mut builder);
    match outcome.errors.pop() {
        Some(first) => Err(InputError::Nothing { first, others: outcome.errors.len() }),
        None => Ok(builder),
    }
}

/// Why an input gives no answer at all. What hurts only a part of it is a warning in the snapshot.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A path that was asked for does not exist.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The operating system refuses to read a path.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder holds no file that could be a dump.
    #[error("no YAML or JSON files in {}", path.display())]
    NoFiles {
        /// The folder as given.
        path: PathBuf,
    },
    /// Nothing in the input could be read.
    #[error("{first}{}", if *others == 0 { String::new() } else { format!(" (and {others} more)") })]
    Nothing {
        /// What is wrong with the first file, with its name.
        first: String,
        /// How many more complaints there are.
        others: usize,
    },
    /// A path inside a repository was asked for that leads out of it.
    #[error("{path} is outside of {}", repository.display())]
    OutsideRepository {
        /// The path as given.
        path: String,
        /// The repository.
        repository: PathBuf,
    },
    /// It cannot be told to which source a tree belongs.
    #[error("{problem}")]
    Source {
        /// The question.
        problem: String,
        /// How to answer it.
        hint: Option<String>,
    },
    /// Two trees belong to one source.
    #[error("two trees belong to {source_name}")]
    TwoTrees {
        /// Kind and name of the source.
        source_name: String,
    },
    /// A repository is not a folder.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
}

impl InputError {
    /// What the reader can do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFiles { .. } => Some(
                "files end in .yaml, .yml, .json or .jsonl, and may be compressed (.gz); others can be named"
                    .to_owned(),
            ),
            Self::Nothing { .. } => Some(format!("write a dump with: {HOW_TO_DUMP}")),
            Self::Source { hint, .. } => hint.clone(),
            Self::TwoTrees { .. } => {
                Some("give each --repo another source: --repo namespace/name=DIR".to_owned())
            }
            Self::NotFound { .. }
            | Self::Unreadable { .. }
            | Self::OutsideRepository { .. }
            | Self::NotAFolder { .. } => None,
        }
    }
}
