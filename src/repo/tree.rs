//! Files of a working tree to the Flux objects that they declare: a first cut, which builds nothing.
//!
//! Pure. It knows `namespace:` of a kustomization and which files are patches; no patches, components,
//! substitutions or generators are applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::parse::{Manifest, parse_manifests};
use crate::model::{OriginKind, Snapshot};
use crate::wire::{SnapshotBuilder, codes};

/// One file of the tree. Without `Debug`: it may hold a Secret.
pub(super) struct TreeFile {
    /// Path below the repository, with `/` between its parts.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// What kustomize takes for its configuration.
const KUSTOMIZE_FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization file, as far as it is followed.
#[derive(Debug, Default)]
struct KustomizeFile {
    namespace: Option<String>,
    /// `resources`, `components` and `bases`, as paths below the repository.
    resources: Vec<String>,
    /// Files that it reads as something else than objects: patches, replacements, contents of generated maps.
    no_objects: Vec<String>,
}

/// What the files declare; `problems` are those of files that could not be read.
pub(super) fn declared(files: &[TreeFile], label: String, problems: Vec<String>) -> Snapshot {
    let mut builder = SnapshotBuilder::new();
    problems.into_iter().for_each(|problem| builder.broken(problem));
    builder.warn(
        codes::FIRST_CUT,
        "the repository was read file by file: no patches, components, generators or substitutions are applied"
            .into(),
    );

    let mut kustomize: BTreeMap<String, KustomizeFile> = BTreeMap::new(); // by folder
    let mut manifests: BTreeMap<&str, Vec<Manifest>> = BTreeMap::new();
    for file in files {
        let (objects, errors) = parse_manifests(&file.text, &file.path);
        errors.into_iter().for_each(|error| builder.broken(error));
        let (folder, name) = split(&file.path);
        for manifest in objects {
            let group =
                manifest.value["apiVersion"].as_str().map(|version| version.split('/').next().unwrap_or(""));
            if KUSTOMIZE_FILES.contains(&name) && !group.is_some_and(is_flux_group) {
                kustomize.insert(folder.to_owned(), kustomize_file(folder, &manifest.value));
            } else if group.is_some_and(is_flux_group) {
                manifests.entry(&file.path).or_default().push(manifest);
            }
        }
    }

    let resources: BTreeSet<&str> =
        kustomize.values().flat_map(|file| &file.resources).map(String::as_str).collect();
    let no_objects: BTreeSet<&str> = kustomize
        .values()
        .flat_map(|file| &file.no_objects)
        .map(String::as_str)
        .filter(|path| !resources.contains(path)) // one may stand in both, for different overlays
        .collect();
    let namespaces = Namespaces::new(&kustomize);
    for (path, objects) in manifests {
        if no_objects.contains(path) {
            continue;
        }
        for Manifest { mut value, place } in objects {
            if let (Some(namespace), Some(metadata)) = (namespaces.of(path), value["metadata"].as_object_mut())
            {
                metadata.insert("namespace".to_owned(), namespace.into()); // kustomize overrides what stands there
            }
            builder.add(value, place);
        }
    }
    let mut snapshot = builder.finish(label, Some(jiff::Timestamp::UNIX_EPOCH));
    snapshot.origin = OriginKind::Declared;
    snapshot
}

/// Flux's own groups, and those of its operator and extensions.
fn is_flux_group(group: &str) -> bool {
    group.ends_with(".toolkit.fluxcd.io")
        || ["source.extensions.fluxcd.io", "fluxcd.controlplane.io"].contains(&group)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn kustomize_file(folder: &str, value: &Value) -> KustomizeFile {
    let list = |name: &str| value[name].as_array().into_iter().flatten();
    let texts = |name: &str| list(name).filter_map(Value::as_str);
    let paths = |name: &str| list(name).filter_map(|entry| entry["path"].as_str());
    let resolve = |path: &str| join(folder, path);
    let resources = ["resources", "components", "bases"].into_iter().flat_map(texts).filter_map(resolve);
    let generators = ["configMapGenerator", "secretGenerator"].into_iter().flat_map(list);
    let contents = generators
        .flat_map(|generator| generator["files"].as_array().into_iter().flatten())
        .filter_map(|file| file.as_str())
        .map(|file| file.split_once('=').map_or(file, |(_, path)| path));
    // An inline patch stands where a path may; it resolves to nothing that exists.
    let patches = ["patches", "patchesJson6902", "replacements"].into_iter().flat_map(paths);
    let no_objects = patches.chain(texts("patchesStrategicMerge")).chain(contents).filter_map(resolve);
    KustomizeFile {
        namespace: value["namespace"].as_str().filter(|name| !name.is_empty()).map(str::to_owned),
        no_objects: no_objects.collect(),
        resources: resources.collect(),
    }
}

/// A path from a folder, both below the repository; `None` where it leads out of it or is a URL.
fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains("://") {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Which namespace the nearest kustomization above a file gives it.
struct Namespaces<'tree> {
    /// By folder: the namespace, and every file that the kustomization there contains.
    scopes: BTreeMap<&'tree str, (&'tree str, BTreeSet<&'tree str>)>,
}

impl<'tree> Namespaces<'tree> {
    fn new(kustomize: &'tree BTreeMap<String, KustomizeFile>) -> Self {
        let mut scopes = BTreeMap::new();
        for (folder, file) in kustomize {
            if let Some(namespace) = &file.namespace {
                scopes.insert(folder.as_str(), (namespace.as_str(), contained(kustomize, file)));
            }
        }
        Self { scopes }
    }

    fn of(&self, path: &str) -> Option<&'tree str> {
        let mut folder = split(path).0;
        loop {
            if let Some((namespace, _)) = self.scopes.get(folder).filter(|(_, files)| files.contains(path)) {
                return Some(namespace);
            }
            if folder.is_empty() {
                return None;
            }
            folder = split(folder).0;
        }
    }
}

/// Every path that a kustomization names, and that those which it names name.
fn contained<'tree>(
    kustomize: &'tree BTreeMap<String, KustomizeFile>,
    start: &'tree KustomizeFile,
) -> BTreeSet<&'tree str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(file) = open.pop() {
        for resource in &file.resources {
            if seen.insert(resource.as_str()) {
                open.extend(kustomize.get(resource));
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{At, ObjectKey};

    fn files(files: &[(&str, &str)]) -> Snapshot {
        let files: Vec<_> =
            files.iter().map(|(path, text)| TreeFile { path: (*path).into(), text: (*text).into() }).collect();
        declared(&files, "repository x".into(), Vec::new())
    }

    fn ks(name: &str) -> String {
        format!(
            "# a comment\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n"
        )
    }

    fn names(snapshot: &Snapshot) -> Vec<String> {
        snapshot.nodes.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn objects_are_known_by_their_group_and_not_by_their_file() {
        let config = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: no}\n";
        let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: no}\n";
        let snapshot = files(&[
            ("a/kustomization.yaml", &ks("flux")),
            ("b/kustomization.yaml", config),
            ("c/x.yaml", config),
            ("c/y.yaml", deployment),
            (
                "c/z.yaml",
                "apiVersion: v1\nkind: List\nitems:\n- apiVersion: helm.toolkit.fluxcd.io/v2\n  kind: HelmRelease\n  metadata: {name: listed}\n",
            ),
        ]);
        assert_eq!(names(&snapshot), ["HelmRelease/listed", "Kustomization/flux"]);
        let at = |key| snapshot.nodes[&key].declared_at.clone();
        assert_eq!(
            at(ObjectKey::kustomization("", "flux")),
            Some(At { path: "a/kustomization.yaml".into(), line: 2 })
        );
        assert_eq!(at(ObjectKey::helm_release("", "listed")), Some(At { path: "c/z.yaml".into(), line: 4 }));
        assert!(snapshot.evidence.workloads.is_empty());
        assert_eq!((snapshot.origin, snapshot.complete), (OriginKind::Declared, true));
        let codes: Vec<_> = snapshot.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, [codes::FIRST_CUT]);
    }

    #[test]
    fn dependencies_know_their_lines_and_a_declared_status_counts_for_nothing() {
        let text = format!(
            "{}  namespace: apps\nspec:\n  dependsOn:\n    - name: web\n    # why\n    - name: db\n      namespace: data\nstatus:\n  observedGeneration: 3\n",
            ks("a")
        );
        let snapshot = files(&[("a.yaml", &text)]);
        let node = &snapshot.nodes[&ObjectKey::kustomization("apps", "a")];
        let lines: Vec<_> =
            node.depends_on.iter().map(|dependency| dependency.at.clone().unwrap().line).collect();
        assert_eq!(lines, [9, 11]);
        assert_eq!(node.depends_on[1].key, ObjectKey::kustomization("data", "db"));
        assert_eq!((node.status.observed_generation, node.live), (None, false));
    }

    #[test]
    fn the_nearest_kustomization_that_contains_a_file_gives_its_namespace() {
        let snapshot = files(&[
            ("kustomization.yaml", "namespace: outer\nresources: [team, loose.yaml]\n"),
            ("loose.yaml", &ks("loose")),
            ("unused.yaml", &ks("unused")),
            ("team/kustomization.yml", "resources: [apps, ./web.yaml]\n"),
            ("team/web.yaml", &ks("web")),
            ("team/apps/Kustomization", "namespace: inner\nresources:\n- db.yaml\n- ../apps/sub/x.yaml\n"),
            ("team/apps/db.yaml", &format!("{}  namespace: own\n", ks("db"))),
            ("team/apps/other.yaml", &format!("{}  namespace: own\n", ks("other"))),
            ("team/apps/sub/x.yaml", &ks("${cluster}")),
        ]);
        assert_eq!(
            names(&snapshot),
            [
                "Kustomization/unused",
                "Kustomization/inner/${cluster}",
                "Kustomization/inner/db",
                "Kustomization/outer/loose",
                "Kustomization/outer/web",
                "Kustomization/own/other",
            ]
        );
    }

    #[test]
    fn patches_and_generated_contents_are_no_objects() {
        let kustomization = "resources: [a.yaml]\npatches:\n- path: p.yaml\n- patch: 'x: 1'\npatchesStrategicMerge: [s.yaml, 'x: 1']\nconfigMapGenerator:\n- name: x\n  files: [key=c.yaml]\n";
        let snapshot = files(&[
            ("x/kustomization.yaml", kustomization),
            ("x/a.yaml", &ks("a")),
            ("x/p.yaml", &ks("p")),
            ("x/s.yaml", &ks("s")),
            ("x/c.yaml", &ks("c")),
        ]);
        assert_eq!(names(&snapshot), ["Kustomization/a"]);
    }

    #[test]
    fn the_first_of_two_declarations_counts() {
        let snapshot = files(&[("a.yaml", &ks("x")), ("b.yaml", &ks("x"))]);
        assert_eq!(
            snapshot.nodes[&ObjectKey::kustomization("", "x")].declared_at.clone().unwrap().path,
            "a.yaml"
        );
        let warning = snapshot.warnings.iter().find(|warning| warning.code == codes::DUPLICATE_OBJECT).unwrap();
        assert_eq!(warning.text, "b.yaml:2: also declared in a.yaml:2, which counts");
    }

    #[test]
    fn a_broken_file_is_one_warning_with_line_and_column() {
        let snapshot = files(&[("a.yaml", &ks("x")), ("b.yaml", "a: 1\nb: [\n")]);
        assert_eq!((names(&snapshot).len(), snapshot.complete), (1, false));
        let warning = snapshot.warnings.iter().find(|warning| warning.code == codes::INPUT_BROKEN).unwrap();
        assert_eq!(warning.text, "b.yaml:2:4: unclosed bracket '['");
    }

    #[test]
    fn paths_that_leave_the_repository_lead_nowhere() {
        for (folder, path, joined) in [
            ("a/b", "../c.yaml", Some("a/c.yaml")),
            ("a", "./b/", Some("a/b")),
            ("", "a//b", Some("a/b")),
            ("a", "../../etc", None),
            ("a", "/etc/passwd", None),
            ("a", "https://example.com/x.yaml", None),
        ] {
            assert_eq!(join(folder, path).as_deref(), joined, "{folder} {path}");
        }
    }
}
