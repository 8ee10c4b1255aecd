//! Files of a working tree to the Flux objects that they declare: a first cut, which builds nothing.
//!
//! Pure. It knows `namespace:` of a kustomization and which files are patches; no patches, components,
//! substitutions or generators are applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::parse::{Manifest, parse_manifests};
use crate::model::{GroupKind, ObjectKey, OriginKind, Snapshot, is_inside};
use crate::wire::{SnapshotBuilder, codes, may_rename};

/// One file of the tree. Without `Debug`: it may hold a Secret.
pub(super) struct TreeFile {
    /// Path below the repository, with `/` between its parts.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// What kustomize takes for its configuration.
pub(super) const KUSTOMIZE_FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization file, as far as it is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KustomizeFile {
    pub(super) namespace: Option<String>,
    /// `resources`, `components` and `bases`, as paths below the repository.
    pub(super) resources: Vec<String>,
    /// Files that it reads as something else than objects: patches, replacements, contents of generated maps.
    pub(super) no_objects: Vec<String>,
    /// Files among them that change objects.
    pub(super) patches: Vec<String>,
    /// It changes names, or may take objects away, by what stands in it.
    pub(super) renames: bool,
    /// It changes what stands beside it, where another one takes it in.
    pub(super) component: bool,
}

/// What the files declare; `problems` are those of files that could not be read.
pub(super) fn declared(files: &[TreeFile], label: String, problems: Vec<String>) -> Snapshot {
    let mut builder = SnapshotBuilder::new();
    problems.into_iter().for_each(|problem| builder.broken(problem));
    builder.warn(
        codes::FIRST_CUT,
        "the repository was read file by file: no patches, components, generators or substitutions are applied, and \
         where kustomizations lie in each other the namespace of the nearest one is taken"
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
    let mut declarations: Vec<(&str, ObjectKey, Manifest)> = Vec::new();
    for (path, objects) in manifests.into_iter().filter(|(path, _)| !no_objects.contains(path)) {
        for mut manifest in objects {
            if let (Some(namespace), Some(metadata)) =
                (namespaces.of(path), manifest.value["metadata"].as_object_mut())
            {
                metadata.insert("namespace".to_owned(), namespace.into()); // kustomize overrides what stands there
            }
            declarations.push((path, key_of(&manifest.value), manifest));
        }
    }
    let clusters = clusters(files, &declarations);
    let named = Named::new(&kustomize, &declarations);
    // Of two declarations of an object the builder takes the first.
    declarations.sort_by_key(|(path, ..)| !named.holds(path));
    let cluster_of = |path: &str| clusters.iter().find(|cluster| is_inside(path, cluster));
    let mut seen: BTreeMap<ObjectKey, Option<&String>> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (path, key, Manifest { value, place }) in declarations {
        let cluster = cluster_of(path);
        let first = *seen.entry(key.clone()).or_insert(cluster);
        if cluster.is_some() && first.is_some() && first != cluster {
            twice.insert(key); // no mistake: each cluster has its own
        } else {
            builder.add(value, place);
        }
    }
    if clusters.len() > 1 {
        builder.warn(codes::SEVERAL_CLUSTERS, several(&clusters, twice.len()));
    }
    let mut snapshot = builder.finish(label, Some(jiff::Timestamp::UNIX_EPOCH));
    snapshot.origin = OriginKind::Declared;
    snapshot
}

/// Which object a manifest declares.
pub(super) fn key_of(value: &Value) -> ObjectKey {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = GroupKind::from_api_version(&text(&value["apiVersion"]), &text(&value["kind"]));
    ObjectKey::new(kind, text(&value["metadata"]["namespace"]), text(&value["metadata"]["name"]))
}

/// Folders of the clusters, as far as they can be told: where Flux was bootstrapped, what a FluxInstance syncs, and
/// `clusters/<name>` folders that declare the same object. A folder inside of another one is none of its own.
fn clusters(files: &[TreeFile], declarations: &[(&str, ObjectKey, Manifest)]) -> BTreeSet<String> {
    let around = |path: &str| {
        let folder = split(path).0;
        let flux = split(folder).1 == "flux-system"; // the folder that `flux bootstrap` makes
        if flux { split(folder).0.to_owned() } else { folder.to_owned() }
    };
    let bootstrapped = files.iter().filter(|file| split(&file.path).1 == "gotk-sync.yaml");
    let mut folders: BTreeSet<String> = bootstrapped.map(|file| around(&file.path)).collect();
    let mut declared_in: BTreeMap<&ObjectKey, BTreeSet<&str>> = BTreeMap::new();
    for (path, key, manifest) in declarations {
        if key.kind == GroupKind::FLUX_INSTANCE {
            let synced = manifest.value["spec"]["sync"]["path"].as_str().and_then(|path| join("", path));
            folders.insert(synced.unwrap_or_else(|| around(path)));
        }
        if let Some(folder) = cluster_folder(path) {
            declared_in.entry(key).or_default().insert(folder);
        }
    }
    let shared = declared_in.into_values().filter(|folders| folders.len() > 1);
    folders.extend(shared.flatten().map(str::to_owned));
    let all = folders.clone();
    folders.retain(|folder| !all.iter().any(|other| other != folder && is_inside(folder, other)));
    folders
}

/// `clusters/<name>`, the innermost one around a file.
fn cluster_folder(path: &str) -> Option<&str> {
    let at = path.rmatch_indices("clusters/").map(|(at, found)| (at, at + found.len()));
    let mut at = at.filter(|(at, _)| *at == 0 || path[..*at].ends_with('/'));
    at.find_map(|(_, name)| path[name..].find('/').map(|length| &path[..name + length]))
}

fn several(clusters: &BTreeSet<String>, twice: usize) -> String {
    let names: Vec<&str> = clusters.iter().map(String::as_str).collect();
    let shown = match names.as_slice() {
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more", rest.len()),
        names => names.join(", "),
    };
    let once = match twice {
        0 => String::new(),
        1 => "; 1 object that more than one of them declares is shown once".to_owned(),
        count => format!("; {count} objects that more than one of them declares are shown once"),
    };
    let first = names.first().unwrap_or(&".");
    format!(
        "several clusters seem to be declared here ({shown}) and are shown together{once}; --path {first} narrows to \
         one"
    )
}

/// Flux's own groups, and those of its operator and extensions.
pub(super) fn is_flux_group(group: &str) -> bool {
    group.ends_with(".toolkit.fluxcd.io")
        || ["source.extensions.fluxcd.io", "fluxcd.controlplane.io"].contains(&group)
}

pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

pub(super) fn kustomize_file(folder: &str, value: &Value) -> KustomizeFile {
    let list = |name: &str| value[name].as_array().into_iter().flatten();
    let texts = |name: &str| list(name).filter_map(Value::as_str);
    let paths = |name: &str| list(name).filter_map(|entry| entry["path"].as_str());
    let resolve = |path: &str| join(folder, path);
    let resources = ["resources", "components", "bases"].into_iter().flat_map(texts).filter_map(resolve);
    let generators = ["configMapGenerator", "secretGenerator"].into_iter().flat_map(list);
    let contents = generators
        .flat_map(|generator| ["files", "envs", "env"].map(|field| &generator[field]))
        .flat_map(|files| files.as_array().map_or(std::slice::from_ref(files), Vec::as_slice))
        .filter_map(|file| file.as_str())
        .map(|file| file.split_once('=').map_or(file, |(_, path)| path));
    // An inline patch stands where a path may; it resolves to nothing that exists.
    let patches = ["patches", "patchesJson6902", "replacements"].into_iter().flat_map(paths);
    let patches: Vec<String> = patches.chain(texts("patchesStrategicMerge")).filter_map(resolve).collect();
    let transformers = ["transformers", "generators", "configurations", "crds"].into_iter().flat_map(texts);
    let no_objects = patches.iter().cloned().chain(contents.chain(transformers).filter_map(resolve));
    let inline = list("patches").chain(list("patchesJson6902"));
    let renames = ["namePrefix", "nameSuffix", "transformers", "replacements", "helmCharts", "generators"]
        .into_iter()
        .any(|field| !value[field].is_null())
        || inline.clone().any(|patch| !patch["options"].is_null())
        || inline.filter_map(|patch| patch["patch"].as_str()).any(may_rename)
        || texts("patchesStrategicMerge").any(may_rename);
    KustomizeFile {
        namespace: value["namespace"].as_str().filter(|name| !name.is_empty()).map(str::to_owned),
        no_objects: no_objects.collect(),
        patches,
        renames,
        component: value["kind"] == "Component",
        resources: resources.collect(),
    }
}

/// A path from a folder, both below the repository; `None` where it leads out of it or is a URL.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
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

/// Which files are built: the others may be drafts and leftovers.
struct Named<'tree> {
    kustomize: &'tree BTreeMap<String, KustomizeFile>,
    /// Files and folders that `resources` name, and folders that a Flux Kustomization builds.
    paths: BTreeSet<String>,
}

impl<'tree> Named<'tree> {
    fn new(
        kustomize: &'tree BTreeMap<String, KustomizeFile>,
        declarations: &[(&str, ObjectKey, Manifest)],
    ) -> Self {
        let resources = kustomize.values().flat_map(|file| file.resources.iter().cloned());
        let appliers = declarations.iter().filter(|(_, key, _)| key.kind == GroupKind::KUSTOMIZATION);
        let built = appliers.filter_map(|(.., manifest)| join("", manifest.value["spec"]["path"].as_str()?));
        Self { kustomize, paths: resources.chain(built).filter(|path| !path.is_empty()).collect() }
    }

    /// Whether something names the file, or a folder around it from which every file is taken.
    fn holds(&self, path: &str) -> bool {
        let mut path = path;
        while !self.paths.contains(path) {
            path = split(path).0;
            if path.is_empty() || self.kustomize.contains_key(path) {
                return false; // a kustomization file takes what it names and nothing else
            }
        }
        true
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

    fn told(snapshot: &Snapshot, code: &str) -> Vec<String> {
        let warnings = snapshot.warnings.iter().filter(|warning| warning.code == code);
        warnings.map(|warning| warning.text.clone()).collect()
    }

    #[test]
    fn of_two_declarations_the_first_is_shown() {
        let snapshot = files(&[("a.yaml", &ks("x")), ("b.yaml", &ks("x"))]);
        assert_eq!(
            snapshot.nodes[&ObjectKey::kustomization("", "x")].declared_at.clone().unwrap().path,
            "a.yaml"
        );
        assert_eq!(told(&snapshot, codes::DUPLICATE_OBJECT), ["b.yaml:2: also declared in a.yaml:2"]);
        let five: Vec<String> = ["a", "b", "c", "d", "e"].iter().map(|name| ks(name)).collect();
        let five = five.join("---\n");
        assert_eq!(
            told(&files(&[("a.yaml", &five), ("b.yaml", &five)]), codes::DUPLICATE_OBJECT),
            ["b.yaml:2: also declared in a.yaml:2, and 4 more objects are declared twice"]
        );
    }

    #[test]
    fn a_declaration_that_is_built_comes_before_a_leftover() {
        let built = |files_: &[(&str, &str)]| {
            let at = files(files_).nodes[&ObjectKey::kustomization("", "x")].declared_at.clone();
            at.unwrap().path
        };
        let (x, y) = (ks("x"), format!("{}spec: {{path: ./built}}\n", ks("y")));
        assert_eq!(
            built(&[("a.yaml", &x), ("b.yaml", &x), ("kustomization.yaml", "resources: [b.yaml]")]),
            "b.yaml"
        );
        let folder = [("a.yaml", &*x), ("b/x.yaml", &*x), ("kustomization.yaml", "resources: [b]")];
        assert_eq!(built(&folder), "b/x.yaml");
        let by_flux = [("a.yaml", &*x), ("built/deep/x.yaml", &*x), ("y.yaml", &*y)];
        assert_eq!(built(&by_flux), "built/deep/x.yaml");
        let left_out = [&by_flux[..], &[("built/deep/kustomization.yaml", "resources: [other.yaml]")]].concat();
        assert_eq!(built(&left_out), "a.yaml");
    }

    #[test]
    fn several_clusters_are_named_and_their_objects_are_no_duplicates() {
        let synced = |path: &str| {
            format!(
                "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {{name: flux, namespace: {}}}\nspec: {{sync: {{path: {path}}}}}\n",
                path.replace('/', "-")
            )
        };
        let (a, b, x) = (synced("clusters/a"), synced("./b"), ks("x"));
        for (name, tree, warning) in [
            ("no cluster", vec![("a/x.yaml", &*x), ("b/y.yaml", &*x)], None),
            ("one cluster", vec![("clusters/a/x.yaml", &x), ("clusters/a/sub/x.yaml", &x)], None),
            ("one was bootstrapped", vec![("flux-system/gotk-sync.yaml", ""), ("clusters/a/x.yaml", &x)], None),
            (
                "one inside of another",
                vec![("home/flux-system/gotk-sync.yaml", ""), ("home/sub/flux-system/gotk-sync.yaml", "")],
                None,
            ),
            (
                "clusters that differ in all",
                vec![("clusters/a/x.yaml", &x), ("clusters/b/y.yaml", "# nothing")],
                None,
            ),
            (
                "clusters that declare the same",
                vec![("env/clusters/a/x.yaml", &x), ("env/clusters/b/deep/y.yaml", &x), ("clusters.yaml", "")],
                Some(
                    "(env/clusters/a, env/clusters/b) and are shown together; 1 object that more than one of them declares is shown once; --path env/clusters/a narrows to one",
                ),
            ),
            (
                "two were bootstrapped",
                vec![("p/flux-system/gotk-sync.yaml", ""), ("s/flux-system/gotk-sync.yaml", "")],
                Some("(p, s) and are shown together; --path p narrows to one"),
            ),
            (
                "two are synced",
                vec![("flux/a.yaml", &a), ("flux/b.yaml", &b)],
                Some("(b, clusters/a) and are shown together; --path b narrows to one"),
            ),
        ] {
            let snapshot = files(&tree);
            let expected: Vec<String> = warning
                .iter()
                .map(|rest| format!("several clusters seem to be declared here {rest}"))
                .collect();
            assert_eq!(told(&snapshot, codes::SEVERAL_CLUSTERS), expected, "{name}");
            if warning.is_some() {
                assert_eq!(told(&snapshot, codes::DUPLICATE_OBJECT), Vec::<String>::new(), "{name}");
            }
        }
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
