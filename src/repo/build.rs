//! What a Kustomization is built from, as far as plain files tell: which files it reads, and which objects come of it
//! under which names. Nothing is patched or generated; what may change a name makes the object partial. Pure.

use std::collections::BTreeSet;

use super::files::Files;
use super::tree::{KustomizeFile, join, split};
use crate::model::{At, Build, Built, Decryption, GroupKind, Node, ObjectKey};

/// Follows a Kustomization's path through the files of its source.
pub(super) fn build(files: &Files, node: &Node) -> Build {
    let Some(spec) = node.kustomization() else { return Build::default() };
    let overlay = &spec.overlay;
    let Some(path) = join("", spec.path.trim_start_matches('/')) else { return Build::default() };
    let exists = path.is_empty() || files.inside(&path).next().is_some();
    let build = Build { source: node.source.clone(), path: path.clone(), exists, ..Build::default() };
    let decrypts = spec.decryption.as_ref().is_some_and(|Decryption { provider, .. }| provider == "sops");
    let mut walk = Walk { files, build, decrypts, open: Vec::new(), seen: BTreeSet::new() };
    let components: Vec<Option<String>> =
        overlay.components.iter().map(|component| join(&path, component)).collect();
    let changed = components.iter().flatten().any(|folder| changes_its_neighbours(files, folder));
    let partial = overlay.renames || changed || components.contains(&None);
    let around = Around { namespace: overlay.namespace.clone(), partial };
    walk.open.push((path.clone(), around.clone()));
    walk.open.extend(components.into_iter().flatten().map(|folder| (folder, around.clone())));
    walk.run(&path);
    walk.build
}

/// What the levels above do to everything below: the outermost namespace counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Around {
    namespace: Option<String>,
    partial: bool,
}

struct Walk<'a> {
    files: &'a Files,
    build: Build,
    decrypts: bool,
    open: Vec<(String, Around)>,
    seen: BTreeSet<(String, Around)>,
}

impl Walk<'_> {
    fn run(&mut self, root: &str) {
        while let Some((folder, around)) = self.open.pop() {
            if !self.seen.insert((folder.clone(), around.clone())) {
                continue;
            }
            let files = self.files;
            let Some((path, config)) = files.kustomize(&folder) else {
                if folder == root {
                    self.generated(&folder, &around);
                }
                continue;
            };
            self.build.files.insert(path);
            // What stands there in its place would be another configuration.
            self.build.files.extend(config.no_objects.iter().cloned());
            let components = config.resources.iter();
            let around = Around {
                namespace: around.namespace.or_else(|| config.namespace.clone()),
                partial: around.partial
                    || may_rename(files, config)
                    || components.into_iter().any(|folder| changes_its_neighbours(files, folder)),
            };
            for resource in &config.resources {
                if files.kustomize(resource).is_some() {
                    self.open.push((resource.clone(), around.clone()));
                } else {
                    self.build.files.insert(resource.clone());
                    self.objects(resource, &around);
                }
            }
        }
    }

    /// A folder without a kustomization file: every manifest in it, but folders that have one are one resource each.
    fn generated(&mut self, root: &str, around: &Around) {
        self.build.folders.insert(root.to_owned());
        let files = self.files;
        let mut own = BTreeSet::new(); // folders with a configuration of their own
        for path in files.inside(root) {
            let (folder, _) = split(path);
            let configured = ancestors(folder, root).rfind(|folder| files.kustomize(folder).is_some());
            match configured {
                Some(configured) => drop(own.insert(configured.to_owned())),
                None if path.ends_with(".yaml") || path.ends_with(".yml") => {
                    self.build.files.insert(path.clone());
                    self.objects(path, around);
                }
                None => {}
            }
        }
        self.open.extend(own.into_iter().map(|folder| (folder, around.clone())));
    }

    fn objects(&mut self, path: &str, around: &Around) {
        let Some(file) = self.files.files.get(path) else { return };
        for object in &file.facts.objects {
            let namespace = match (&around.namespace, object.key.namespace.as_str()) {
                // Cluster-scoped kinds keep none; which kinds are so is known of the common ones alone.
                (_, "") if is_cluster_scoped(&object.key.kind) => String::new(),
                (Some(namespace), _) => namespace.clone(),
                (None, written) => written.to_owned(),
            };
            let key = ObjectKey { namespace, ..object.key.clone() };
            let substituted = key.name.contains("${") || key.namespace.contains("${");
            // Without `data` the controller's guard does not see it, and of other kinds it guards none.
            let slips = key.kind != GroupKind::SECRET || object.only_string_data;
            let built = Built {
                at: At { path: path.to_owned(), line: object.line },
                partial: around.partial || substituted,
                left_alone: object.left_alone,
                unguarded: object.sealed.is_some() && slips && !self.decrypts,
            };
            self.build.objects.entry(key).or_insert(built);
        }
    }
}

/// Whether a configuration may rename or take away, itself or by a patch that it reads.
fn may_rename(files: &Files, config: &KustomizeFile) -> bool {
    config.renames || config.patches.iter().any(|path| files.files.get(path).is_none_or(|file| file.may_rename))
}

/// Whether a folder holds a component (or one that takes one in) which may rename what stands beside it.
fn changes_its_neighbours(files: &Files, folder: &str) -> bool {
    let (mut open, mut seen) = (vec![folder], BTreeSet::new());
    while let Some(folder) = open.pop() {
        let Some((_, config)) = files.kustomize(folder).filter(|(_, config)| config.component) else {
            continue;
        };
        if may_rename(files, config) || config.namespace.is_some() {
            return true;
        }
        open.extend(config.resources.iter().map(String::as_str).filter(|folder| seen.insert(*folder)));
    }
    false
}

/// A folder and those around it, down to `root`, the outermost last.
fn ancestors<'a>(folder: &'a str, root: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    let mut all = Vec::new();
    let mut at = folder;
    while at != root && !at.is_empty() {
        all.push(at);
        at = split(at).0;
    }
    all.into_iter()
}

fn is_cluster_scoped(kind: &GroupKind) -> bool {
    matches!(
        (&*kind.group, &*kind.kind),
        ("", "Namespace" | "PersistentVolume" | "Node")
            | ("apiextensions.k8s.io", _)
            | ("rbac.authorization.k8s.io", "ClusterRole" | "ClusterRoleBinding")
            | ("storage.k8s.io", "StorageClass" | "CSIDriver")
            | (
                "scheduling.k8s.io" | "node.k8s.io" | "apiregistration.k8s.io" | "admissionregistration.k8s.io",
                _
            )
            | ("gateway.networking.k8s.io", "GatewayClass")
    )
}

#[cfg(test)]
mod tests {
    use super::super::tree::TreeFile;
    use super::*;
    use crate::model::{Overlay, Spec};
    use crate::testing::ks;

    fn built(path: &str, overlay: Overlay, tree: &[(&str, &str)]) -> Build {
        let file = |(path, text): &(&str, &str)| TreeFile { path: (*path).into(), text: (*text).into() };
        let files = Files::parse(&tree.iter().map(file).collect::<Vec<_>>());
        let mut node = ks("x");
        if let Spec::Kustomization(spec) = &mut node.spec {
            (spec.path, spec.overlay) = (path.to_owned(), overlay);
        }
        build(&files, &node)
    }

    /// Names with namespaces; those that may be others, or not there, with a question mark.
    fn objects(build: &Build) -> Vec<String> {
        let mark = |built: &Built| if built.partial { "?" } else { "" };
        build.objects.iter().map(|(key, built)| format!("{}{}", key.namespaced_name(), mark(built))).collect()
    }

    fn map(name: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: own}}\n")
    }

    #[test]
    fn without_a_configuration_every_manifest_counts_and_a_configured_folder_is_one() {
        let (a, b, c, d) = (map("a"), map("b"), map("c"), map("d"));
        let tree = [
            ("apps/a.yaml", &*a),
            ("apps/deep/er/b.yml", &*b),
            ("apps/kept/kustomization.yaml", "resources: [c.yaml, ../../base]\n"),
            ("apps/kept/c.yaml", &*c),
            ("apps/kept/unused.yaml", &*d),
            ("apps/README.md", ""),
            ("base/kustomization.yaml", "namespace: base\nresources: [d.yaml]\n"),
            ("base/d.yaml", &*d),
            ("other/x.yaml", &*a),
        ];
        let build = built("./apps", Overlay::default(), &tree);
        assert_eq!(objects(&build), ["base/d", "own/a", "own/b", "own/c"]);
        for (path, reads) in [
            ("apps/new.yaml", true),
            ("apps/kept/c.yaml", true),
            ("base/kustomization.yaml", true),
            ("apps/README.md", false),
            ("base/new.yaml", false),
            ("other/x.yaml", false),
        ] {
            assert_eq!(build.reads(path), reads, "{path}");
        }
    }

    #[test]
    fn the_outermost_namespace_counts() {
        let (a, b) = (map("a"), map("b"));
        let tree = [
            ("kustomization.yaml", "namespace: outer\nresources: [in, b.yaml]\n"),
            ("in/kustomization.yaml", "namespace: inner\nresources: [a.yaml]\n"),
            ("in/a.yaml", &*a),
            ("b.yaml", &*b),
        ];
        assert_eq!(objects(&built("", Overlay::default(), &tree)), ["outer/a", "outer/b"]);
        assert_eq!(objects(&built("./in", Overlay::default(), &tree)), ["inner/a"]);
        let target = Overlay { namespace: Some("target".into()), ..Overlay::default() };
        assert_eq!(objects(&built("./", target, &tree)), ["target/a", "target/b"]);
    }

    #[test]
    fn what_may_rename_or_take_away_makes_everything_partial() {
        let (a, odd) = (map("a"), map("'${NAME}'"));
        let smp = "kind: ConfigMap\nmetadata: {name: a}\ndata: {x: y}\n";
        for (config, patch, partial) in [
            ("", smp, false),
            ("patches: [{path: p.yaml}]", smp, false),
            ("patches: [{path: p.yaml}]", "$patch: delete\nmetadata: {name: a}\n", true),
            ("patches: [{path: gone.yaml}]", smp, true),
            ("patches: [{patch: 'x: 1'}]", smp, false),
            ("patches: [{patch: 'x: 1', options: {allowNameChange: true}}]", smp, true),
            ("namePrefix: x-", smp, true),
            ("components: [c]", smp, true),
            ("components: [d]", smp, false),
        ] {
            let config = format!("resources: [a.yaml]\n{config}\n");
            let tree = [
                ("kustomization.yaml", &*config),
                ("a.yaml", &*a),
                ("p.yaml", patch),
                ("c/kustomization.yaml", "kind: Component\nnameSuffix: -c\n"),
                ("d/kustomization.yaml", "kind: Component\nlabels: []\n"),
            ];
            let expected = if partial { "own/a?" } else { "own/a" };
            assert_eq!(objects(&built("", Overlay::default(), &tree)), [expected], "{config} {patch}");
        }
        let tree = [("a.yaml", &*odd)];
        assert_eq!(objects(&built("", Overlay::default(), &tree)), ["own/${NAME}?"]);
        let renames = Overlay { renames: true, ..Overlay::default() };
        assert_eq!(objects(&built("", renames, &[("a.yaml", &a)])), ["own/a?"]);
    }

    #[test]
    fn folders_that_include_each_other_come_to_an_end_and_outside_is_nowhere() {
        let a = map("a");
        let tree = [
            ("x/kustomization.yaml", "resources: [../y, a.yaml, ../../../etc/passwd]\n"),
            ("y/kustomization.yaml", "resources: [../x]\n"),
            ("x/a.yaml", &*a),
        ];
        assert_eq!(objects(&built("x", Overlay::default(), &tree)), ["own/a"]);
        assert_eq!(objects(&built("../x", Overlay::default(), &tree)), [""; 0]);
        let gone = built("./z", Overlay::default(), &tree);
        assert!(!gone.exists && gone.reads("z/was/here.txt") && !gone.reads("zz/x.yaml"));
    }

    #[test]
    fn an_encrypted_object_slips_through_only_where_no_guard_sees_it() {
        let of = |kind: &str, data: &str| {
            format!(
                "apiVersion: v1\nkind: {kind}\nmetadata: {{name: {}}}\n{data}: {{x: y}}\nsops: {{mac: x}}\n",
                data.to_lowercase()
            )
        };
        let files = [of("Secret", "data"), of("Secret", "stringData"), of("ConfigMap", "data")];
        let tree = [("a.yaml", &*files[0]), ("b.yaml", &*files[1]), ("c.yaml", &*files[2])];
        let build = built("", Overlay::default(), &tree);
        let slips = build.objects.iter().filter(|(_, built)| built.unguarded);
        let slips: Vec<String> = slips.map(|(key, _)| key.to_string()).collect();
        assert_eq!(slips, ["ConfigMap/data", "Secret/stringdata"]);
    }
}
