//! Reads the disk: the files of a dump, and those of a working tree.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one module of `repo` that touches files; everything that it reads is parsed elsewhere"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use jiff::Timestamp;

use super::InputError;
use super::parse::{MAX_BYTES, parse_dump, text_of, too_large};
use super::tree::{self, TreeFile};
use crate::model::Snapshot;
use crate::wire::{Kept, SnapshotBuilder, codes};

/// Reads dumps: files, folders and `-` for `stdin`, in YAML or JSON, compressed or not.
///
/// Without `now` the dump's own time counts, see [`SnapshotBuilder::finish`]. What is wrong with a part of the input
/// is a warning; an error means that a path does not exist, or that nothing at all could be read. A dump without
/// any Flux object in it is no error here.
pub fn read_dump(paths: &[PathBuf], stdin: impl Read, now: Option<Timestamp>) -> Result<Snapshot, InputError> {
    Ok(gather(paths, stdin, SnapshotBuilder::new())?.finish(label(paths), now))
}

/// The same, with the documents to write a snapshot from.
pub fn keep_dump(paths: &[PathBuf], stdin: impl Read, now: Option<Timestamp>) -> Result<Kept, InputError> {
    Ok(gather(paths, stdin, SnapshotBuilder::keeping())?.finish_kept(label(paths), now))
}

fn gather(
    paths: &[PathBuf],
    mut stdin: impl Read,
    mut builder: SnapshotBuilder,
) -> Result<SnapshotBuilder, InputError> {
    let (mut errors, mut documents, mut files) = (Vec::new(), 0, 0);
    let mut take = |bytes: Result<Vec<u8>, String>, file: &str, builder: &mut SnapshotBuilder| match bytes {
        Ok(bytes) => {
            let mut outcome = parse_dump(&bytes, file, builder);
            documents += outcome.documents;
            errors.append(&mut outcome.errors);
        }
        Err(problem) => errors.push(format!("{file}: {problem}")),
    };
    for path in paths {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => InputError::NotFound { path: path.clone() },
            _ => InputError::Unreadable { path: path.clone(), source },
        };
        if path.as_os_str() == "-" {
            files += 1;
            take(read_all(&mut stdin).map_err(unreadable)?, "stdin", &mut builder);
        } else if fs::metadata(path).map_err(unreadable)?.is_dir() {
            let mut folder = Folder::default();
            folder.walk(path).map_err(unreadable)?;
            files += folder.files.len();
            for refused in folder.refused {
                builder.warn(codes::INPUT_SKIPPED, refused);
            }
            for problem in folder.problems {
                builder.broken(problem);
            }
            for file in folder.files {
                let bytes = fs::File::open(&file).and_then(read_all);
                take(
                    bytes.unwrap_or_else(|error| Err(error.to_string())),
                    &file.to_string_lossy(),
                    &mut builder,
                );
            }
        } else {
            files += 1;
            let bytes = fs::File::open(path).and_then(read_all).map_err(unreadable)?;
            take(bytes, &path.to_string_lossy(), &mut builder);
        }
    }
    match paths {
        [path, ..] if files == 0 => return Err(InputError::NoFiles { path: path.clone() }),
        _ => {}
    }
    if documents == 0 && !errors.is_empty() {
        let others = errors.len() - 1;
        return Err(InputError::Nothing { first: errors.swap_remove(0), others });
    }
    errors.into_iter().for_each(|error| builder.broken(error));
    Ok(builder)
}

fn label(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| match path.as_os_str() == "-" {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    };
    match paths {
        [] => "dump".to_owned(),
        [first, rest @ ..] if rest.len() > 2 => format!("dump {} and {} more", name(first), rest.len()),
        paths => format!("dump {}", paths.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}

/// Reads to the end, or says that there is too much of it.
pub(super) fn read_all(reader: impl Read) -> io::Result<Result<Vec<u8>, String>> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() as u64 > MAX_BYTES { Err(too_large()) } else { Ok(bytes) })
}

/// Why something in a folder is not read: a pipe, for one, may never end. One that is named is read.
const NO_FILE: &str = "no regular file";

/// The files of a dump's folder.
#[derive(Default)]
struct Folder {
    files: Vec<PathBuf>,
    /// Links that were not followed and what is no file, each with the reason.
    refused: Vec<String>,
    /// What could not be read.
    problems: Vec<String>,
}

impl Folder {
    /// Finds the files, in sorted order. Links are followed inside of the folder, and only once to each target.
    fn walk(&mut self, root: &Path) -> io::Result<()> {
        let bounds = fs::canonicalize(root)?;
        fs::read_dir(root)?; // the folder itself must be readable; one below it need not
        let mut seen = BTreeSet::from([bounds.clone()]);
        let mut open = vec![root.to_path_buf()];
        let mut links = Vec::new();
        // What is there by itself comes first, so that a link adds nothing that has a name of its own.
        loop {
            if let Some(folder) = open.pop() {
                self.entries(&folder, &mut open, &mut links, &mut seen);
            } else if let Some(link) = links.pop() {
                self.link(&link, &bounds, &mut open, &mut seen);
            } else {
                break;
            }
        }
        self.files.sort();
        Ok(())
    }

    fn entries(
        &mut self,
        folder: &Path,
        open: &mut Vec<PathBuf>,
        links: &mut Vec<PathBuf>,
        seen: &mut BTreeSet<PathBuf>,
    ) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.problems.push(format!("{}: {error}", folder.display())),
        };
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name())); // the last in is the first out
        for entry in entries {
            let path = entry.path();
            match entry.file_type() {
                Err(error) => self.problems.push(format!("{}: {error}", path.display())),
                Ok(kind) if kind.is_symlink() => links.push(path),
                Ok(kind) if kind.is_dir() => {
                    if entry.file_name() != ".git" {
                        seen.extend(fs::canonicalize(&path));
                        open.push(path);
                    }
                }
                Ok(_) if !is_dump(&path) => {}
                Ok(kind) if kind.is_file() => {
                    seen.extend(fs::canonicalize(&path));
                    self.files.push(path);
                }
                Ok(_) => self.refused.push(format!("{}: {NO_FILE}", path.display())),
            }
        }
    }

    fn link(&mut self, link: &Path, bounds: &Path, open: &mut Vec<PathBuf>, seen: &mut BTreeSet<PathBuf>) {
        let mut refuse = |reason: &str| self.refused.push(format!("{}: {reason}", link.display()));
        let Ok(target) = fs::canonicalize(link) else {
            return refuse("a link that leads nowhere, or to itself");
        };
        if !target.starts_with(bounds) {
            return refuse("a link that leaves the folder");
        }
        let inside = link.parent().and_then(|parent| fs::canonicalize(parent).ok());
        if inside.is_some_and(|inside| inside.starts_with(&target)) {
            return refuse("a link to a folder that holds it");
        }
        if target.is_dir() {
            if seen.insert(target) {
                open.push(link.to_path_buf());
            }
        } else if is_dump(link) {
            if !target.is_file() {
                refuse(NO_FILE);
            } else if seen.insert(target) {
                self.files.push(link.to_path_buf());
            }
        }
    }
}

fn is_dump(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".yaml", ".yml", ".json", ".jsonl"].iter().any(|ending| name.ends_with(ending))
}

/// Reads the Flux objects that a working tree declares, each with file and line; `path` narrows to a folder in it.
///
/// A first cut: plain files, without building anything, as the warning `FirstCut` says. What Git ignores, `.sourceignore`
/// excludes or a link points to is no part of it, as it is none of the artifact that source-controller makes. `now` is
/// the epoch: a repository has no moment.
pub fn read_repository(dir: &Path, path: Option<&str>) -> Result<Snapshot, InputError> {
    let (root, start) = root_of(dir, path)?;
    let (files, problems, links) = tree_files(&root, start);
    let mut snapshot = tree::declared(&files, format!("repository {}", dir.display()), problems);
    if links > 0 {
        let text = match links {
            1 => "1 symbolic link is not followed".to_owned(),
            _ => format!("{links} symbolic links are not followed"),
        };
        snapshot.warnings.push(crate::model::Warning { code: codes::INPUT_SKIPPED, text, object: None });
        snapshot.warnings.sort();
    }
    Ok(snapshot)
}

/// The whole name of a repository's folder, and that of a folder in it.
pub(super) fn root_of(dir: &Path, path: Option<&str>) -> Result<(PathBuf, PathBuf), InputError> {
    let unreadable = |path: &Path, source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => InputError::NotFound { path: path.to_path_buf() },
        _ => InputError::Unreadable { path: path.to_path_buf(), source },
    };
    let root = fs::canonicalize(dir).map_err(|error| unreadable(dir, error))?;
    if !root.is_dir() {
        return Err(InputError::NotAFolder { path: dir.to_path_buf() });
    }
    let start = match path {
        None => root.clone(),
        Some(path) => {
            let outside =
                || InputError::OutsideRepository { path: path.to_owned(), repository: dir.to_path_buf() };
            let leaves = |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
            if Path::new(path).components().any(leaves) {
                return Err(outside());
            }
            let start =
                fs::canonicalize(root.join(path)).map_err(|error| unreadable(&dir.join(path), error))?;
            if !start.starts_with(&root) {
                return Err(outside());
            }
            if !start.is_dir() {
                return Err(InputError::NotAFolder { path: dir.join(path) });
            }
            start
        }
    };
    Ok((root, start))
}

/// Files that may declare something, what could not be read, and the number of links.
pub(super) fn tree_files(root: &Path, start: PathBuf) -> (Vec<TreeFile>, Vec<String>, usize) {
    let in_scope = move |path: &Path| path.starts_with(&start) || start.starts_with(path);
    let walk = WalkBuilder::new(root)
        .standard_filters(false) // among them: leave out hidden files, and read the user's own settings
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(".sourceignore")
        .follow_links(false)
        .sort_by_file_path(Path::cmp)
        .filter_entry(move |entry| {
            let path = entry.path();
            let templates = path.parent().filter(|_| entry.file_name() == "templates");
            // A chart's templates are no YAML before Helm has rendered them.
            let chart = templates.is_some_and(|chart| chart.join("Chart.yaml").is_file());
            entry.file_name() != ".git" && in_scope(path) && !chart
        })
        .build();
    let (mut files, mut problems, mut links) = (Vec::new(), Vec::new(), 0);
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let path = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        match entry.file_type() {
            Some(kind) if kind.is_symlink() => links += 1,
            Some(kind) if kind.is_file() && is_manifest(&path) => {
                let bytes = fs::File::open(entry.path()).and_then(read_all);
                let text = bytes
                    .unwrap_or_else(|error| Err(error.to_string()))
                    .and_then(|bytes| text_of(&bytes).map(std::borrow::Cow::into_owned));
                match text {
                    // Other tools' JSON is plenty, large, and not all of it strict.
                    Ok(text) if path.ends_with(".json") && !text.contains("fluxcd.") => {}
                    Ok(text) => files.push(TreeFile { path, text }),
                    Err(problem) => problems.push(format!("{path}: {problem}")),
                }
            }
            _ => {}
        }
    }
    (files, problems, links)
}

pub(super) fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "Kustomization" || [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}
