//! Puts file and line to what causes speak of: the encrypted file, the file that a build stops at, the object that
//! fails, the edges of a loop. Pure.

use super::catalogue::declared::written;
use super::catalogue::{called, command};
use super::cause::{Cause, Code, Quote, Remedy};
use super::seals;
use crate::model::{At, Build, Joined, ObjectKey, Revision, Snapshot};

/// Adds what the joined repositories know of each cause.
pub(super) fn add(snapshot: &Snapshot, causes: &mut [Cause]) {
    if snapshot.declared.trees.is_empty() {
        return;
    }
    for cause in causes {
        add_edges(snapshot, cause);
        let built = cause.affected.iter().find_map(|key| {
            let (build, tree) = snapshot.declared.build(key)?;
            Some((key.clone(), build, tree))
        });
        match (cause.fault.code, built) {
            (code, Some((key, build, tree))) if is_about_sops(code) => {
                seals::add(snapshot, cause, &Built { key: &key, build, tree });
            }
            (Code::BuildFailed, Some((_, build, tree))) => add_build_error(cause, build, tree),
            (Code::PathNotFound, Some((_, build, tree))) => add_path(cause, build, tree),
            _ => {}
        }
        add_declaration(snapshot, cause);
    }
}

/// A Kustomization that fails, with what it builds.
pub(super) struct Built<'a> {
    pub(super) key: &'a ObjectKey,
    pub(super) build: &'a Build,
    pub(super) tree: &'a Joined,
}

fn is_about_sops(code: Code) -> bool {
    matches!(
        code,
        Code::SopsKeyMismatch
            | Code::SopsFailed
            | Code::SopsNotConfigured
            | Code::SopsSecretKeyName
            | Code::SopsSecretNotFound
            | Code::SopsKeyInvalid
    )
}

/// Of a file that the cluster has fetched and that differs from the one at hand: which one the line is of.
pub(super) fn of_which(tree: &Joined, path: &str) -> String {
    let history = tree.history.as_ref().ok().filter(|history| history.differ.contains(path));
    let revision = history.and_then(|history| history.revision.as_ref()).map(Revision::short);
    revision.map_or_else(String::new, |revision| format!(" at {revision}; the file at hand differs"))
}

/// A path of the tree as it is typed where the user stands.
pub(super) fn typed(tree: &Joined, path: &str) -> String {
    match &tree.dir {
        Some(dir) => format!("{}/{path}", dir.trim_end_matches('/')),
        None => path.to_owned(),
    }
}

/// Where the `dependsOn` entries of a loop stand.
fn add_edges(snapshot: &Snapshot, cause: &mut Cause) {
    let around = cause.cycle.iter().zip(cause.cycle.iter().cycle().skip(1));
    let mut quotes = Vec::new();
    for (from, to) in around {
        let entries = snapshot.nodes.get(from).into_iter().flat_map(|node| &node.depends_on);
        let at = entries.filter(|entry| entry.key == *to).find_map(|entry| entry.at.as_ref());
        quotes.extend(at.map(|at| written(&format!("{} depends on {}", from.name, to.name), at)));
    }
    cause.fault.evidence.extend(quotes);
}

/// The file that a build stops at, as its message names it.
fn add_build_error(cause: &mut Cause, build: &Build, tree: &Joined) {
    let files = &tree.tried().files;
    for quote in &mut cause.fault.evidence {
        // The controller's line can be one too low; the reader here has its own.
        quote.at = quote.at.take().filter(|at| !files.contains_key(&at.path));
    }
    let read = |path: &&String| build.reads(path);
    let words = words(cause);
    let found: Option<Quote> = match cause.fault.subcode {
        Some("MalformedYaml") => {
            let broken = files.iter().filter(|(path, _)| build.reads(path));
            let mut broken = broken.filter_map(|(path, file)| Some((path, file.broken.as_ref()?)));
            // The one that is named, else the first.
            let named = broken.clone().find(|(path, _)| words.contains(path.as_str()));
            named.or_else(|| broken.next()).map(|(path, broken)| {
                let text = format!("{}{}", broken.message, of_which(tree, path));
                written(&text, &At { path: path.clone(), line: broken.line })
            })
        }
        Some("ResourceNotFound" | "ComponentNotFound") => {
            let listed = files.iter().filter(|(path, _)| build.reads(path));
            let mut listed =
                listed.flat_map(|(path, file)| file.entries.iter().map(move |entry| (path, entry)));
            let is_missing = |path: &str| !path.is_empty() && !exists(tree, path) && words.contains(last(path));
            listed.find(|(_, entry)| is_missing(&entry.path)).map(|(path, entry)| {
                let text = format!("lists {} under {}{}", entry.path, entry.list, of_which(tree, path));
                written(&text, &At { path: path.clone(), line: entry.line })
            })
        }
        Some("PatchFailed" | "RemoteBase") => {
            let list = if cause.fault.subcode == Some("RemoteBase") { "resources" } else { "patches" };
            let listed = files.iter().filter(|(path, _)| build.reads(path));
            let listed = listed.flat_map(|(path, file)| file.entries.iter().map(move |entry| (path, entry)));
            let mut listed = listed.filter(|(_, entry)| {
                entry.list.starts_with(list) && (list == "patches" || entry.path.is_empty())
            });
            let first = listed.next();
            let alone = listed.next().is_none(); // of several it is not known which
            first.map(|(path, entry)| {
                let text = if alone { "stands here" } else { "is one of those from here on" };
                let what = if list == "patches" { "the patch" } else { "the remote base" };
                let at = At { path: path.clone(), line: entry.line };
                written(&format!("{what} {text}{}", of_which(tree, path)), &at)
            })
        }
        Some("VariableNotSet") => {
            let name = cause.fault.summary.strip_prefix("Variable ").and_then(|rest| rest.split(' ').next());
            name.and_then(|name| {
                let used = files.iter().filter(|(path, _)| build.reads(path));
                let mut used = used.filter_map(|(path, file)| Some((path, *file.variables.get(name)?)));
                let (path, line) = used.next()?;
                let text = format!("uses {name}{}", of_which(tree, path));
                Some(written(&text, &At { path: path.clone(), line }))
            })
        }
        Some("DuplicateResource") => {
            let key = named_object(build, &cause.fault.summary).map(|(key, _)| key);
            let twice = key.into_iter().flat_map(|key| {
                let places = tree.tried().files.iter().filter(|(path, _)| build.reads(path));
                places.flat_map(move |(path, file)| {
                    let same = |written: &&crate::model::DeclaredObject| {
                        written.key.kind == key.kind && written.key.name == key.name
                    };
                    file.objects
                        .iter()
                        .filter(same)
                        .map(move |object| At { path: path.clone(), line: object.line })
                })
            });
            let twice: Vec<At> = twice.collect();
            let called = key.map(called).unwrap_or_default();
            let told =
                twice.iter().map(|at| written(&format!("declares {called}{}", of_which(tree, &at.path)), at));
            let told: Vec<Quote> = told.collect();
            cause.fault.evidence.extend(told);
            return;
        }
        _ => None,
    };
    let of_object = || {
        let (key, at) = named_object(build, &words)?;
        Some(written(&format!("declares {}{}", called(key), of_which(tree, &at.path)), at))
    };
    let named_file = || {
        let mut paths: Vec<&String> =
            files.keys().filter(read).filter(|path| words.contains(path.as_str())).collect();
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        let path = paths.first()?;
        let line = files.get(*path)?.objects.first().map_or(1, |object| object.line);
        Some(written(
            &format!("is where it stops{}", of_which(tree, path)),
            &At { path: (*path).clone(), line },
        ))
    };
    cause.fault.evidence.extend(found.or_else(of_object).or_else(named_file));
}

/// The object of a build that a text names, as `Kind name` or `Kind namespace/name`.
fn named_object<'a>(build: &'a Build, text: &str) -> Option<(&'a ObjectKey, &'a At)> {
    let is_named = |name: &str| {
        let mut places = text.match_indices(name).map(|(at, _)| &text[at + name.len()..]);
        // Not the beginning of a longer name.
        places.any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-./".contains(c)))
    };
    let hit = |key: &ObjectKey| is_named(&called(key)) || is_named(&format!("{} {}", key.kind.kind, key.name));
    build.objects.iter().find(|(key, _)| hit(key)).map(|(key, built)| (key, &built.at))
}

/// What the cause says: its own sentence and the controller's words.
fn words(cause: &Cause) -> String {
    let mut words = cause.fault.summary.clone();
    for quote in cause.fault.evidence.iter().filter(|quote| ["condition", "event"].contains(&quote.source)) {
        words.push('\n');
        words.push_str(&quote.text);
    }
    words
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn exists(tree: &Joined, path: &str) -> bool {
    let folder = format!("{path}/");
    let mut from_here = tree.tried().files.range(path.to_owned()..).map(|(file, _)| file);
    from_here.next().is_some_and(|file| file == path || file.starts_with(&folder))
        || tree.tried().files.keys().any(|file| file.starts_with(&folder))
}

/// The folder that a path may have meant: one of the same name elsewhere, else the nearest one around it.
fn add_path(cause: &mut Cause, build: &Build, tree: &Joined) {
    if exists(tree, &build.path) {
        return; // the tree at hand has it
    }
    let mut folders: Vec<&str> = Vec::new();
    for file in tree.tried().files.keys() {
        let mut folder = file.as_str();
        while let Some((around, _)) = folder.rsplit_once('/') {
            folders.push(around);
            folder = around;
        }
    }
    folders.sort_unstable();
    folders.dedup();
    let same: Vec<&str> = folders.iter().copied().filter(|folder| last(folder) == last(&build.path)).collect();
    let mut around = build.path.as_str();
    let nearest = loop {
        match around.rsplit_once('/') {
            Some((folder, _)) if folders.binary_search(&folder).is_ok() => break Some(folder),
            Some((folder, _)) => around = folder,
            None => break None,
        }
    };
    let text = match (same.as_slice(), nearest) {
        ([one], _) => format!("there is a folder of that name at {one}"),
        ([one, ..], _) => format!("there are {} folders of that name, such as {one}", same.len()),
        ([], Some(folder)) => format!("the nearest folder in the repository is {folder}"),
        ([], None) => return,
    };
    cause.fault.evidence.push(Quote::new("file", text));
}

/// Where the object that has to change is written down, unless a place is told already.
fn add_declaration(snapshot: &Snapshot, cause: &mut Cause) {
    if cause.fault.evidence.iter().any(|quote| quote.at.is_some()) {
        return;
    }
    let object = &cause.fault.object;
    let declared = &snapshot.declared;
    let by_affected = cause.affected.iter().find_map(|key| {
        let (build, tree) = declared.build(key)?;
        let itself = build.objects.get_key_value(object).map(|(key, built)| (key, &built.at));
        let (key, at) = itself.or_else(|| named_object(build, &cause.fault.summary))?;
        Some((key.clone(), at.clone(), of_which(tree, &at.path)))
    });
    let own = snapshot.nodes.get(object).and_then(|node| node.declared_at.clone());
    let own = own.or_else(|| snapshot.sources.get(object).and_then(|source| source.declared_at.clone()));
    let own = || own.map(|at| (object.clone(), at, String::new()));
    // What a chart makes stands in no file; its release does.
    let of_affected = || {
        let nodes = cause.affected.iter().filter_map(|key| snapshot.nodes.get(key));
        let mut places =
            nodes.filter_map(|node| Some((node.key.clone(), node.declared_at.clone()?, String::new())));
        places.next()
    };
    if let Some((key, at, differs)) = by_affected.or_else(own).or_else(of_affected) {
        let quote = written(&format!("declares {}{differs}", called(&key)), &at);
        cause.fault.evidence.push(quote);
    }
}

/// A remedy in the place of another one, which stands for the same without the file.
pub(super) fn replace(cause: &mut Cause, old: &str, text: String, command_line: Option<String>) {
    let remedy = Remedy { text, command: command_line };
    let remedies = &mut cause.fault.remedies;
    match remedies.iter().position(|remedy| remedy.text.starts_with(old)) {
        Some(place) => remedies[place] = remedy,
        None if remedies.len() < 3 => remedies.push(remedy),
        None => {}
    }
}

/// `sops updatekeys` of one file.
pub(super) fn update_keys(tree: &Joined, path: &str) -> Option<String> {
    command("sops updatekeys -y {}", &[&typed(tree, path)])
}
