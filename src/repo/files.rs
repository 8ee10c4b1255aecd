//! One file of a working tree: which objects stand in it and where, for whom it is encrypted, what kustomize takes
//! from it. Pure. Nothing of a Secret's content is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parse::{Manifest, list_head, nodes};
use super::tree::{KUSTOMIZE_FILES, KustomizeFile, TreeFile, is_flux_group, join, kustomize_file, split};
use crate::model::{
    Broken, DeclaredFile, DeclaredObject, Entry, GroupKind, ObjectKey, Recipient, Sealed, SopsRule, Tree,
};
use crate::wire::{Declared, Place};
use crate::yaml::{self, Document, NodeId, YamlError};

/// The files of a tree, parsed. Without `Debug`: a Flux object may hold what nobody should see.
#[derive(Clone, Default)]
pub(super) struct Files {
    /// By path, with `/` between the parts.
    pub(super) files: BTreeMap<String, Arc<ParsedFile>>,
    /// Of the `.sops.yaml` at the root.
    pub(super) rules: Vec<SopsRule>,
}

/// One file, parsed.
#[derive(Default)]
pub(super) struct ParsedFile {
    pub(super) facts: Arc<DeclaredFile>,
    /// Flux objects, each with its place in `facts.objects`.
    pub(super) flux: Vec<(usize, Manifest)>,
    /// What kustomize reads, where this is its configuration.
    pub(super) kustomize: Option<KustomizeFile>,
    /// A patch that may rename or delete, if some kustomization reads it as one.
    pub(super) may_rename: bool,
}

impl Files {
    /// Parses all files.
    pub(super) fn parse<'a>(files: impl IntoIterator<Item = &'a TreeFile>) -> Self {
        let mut parsed = Self::default();
        for file in files {
            parsed.put(file);
        }
        parsed
    }

    /// Puts one file in the place of what was there.
    pub(super) fn put(&mut self, file: &TreeFile) {
        if file.path == ".sops.yaml" {
            self.rules = sops_rules(&file.text);
        }
        self.files.insert(file.path.clone(), Arc::new(parse(&file.path, &file.text)));
    }

    /// Takes one file out.
    pub(super) fn remove(&mut self, path: &str) {
        if path == ".sops.yaml" {
            self.rules.clear();
        }
        self.files.remove(path);
    }

    /// The configuration of kustomize in a folder, with its path.
    pub(super) fn kustomize(&self, folder: &str) -> Option<(String, &KustomizeFile)> {
        KUSTOMIZE_FILES.iter().find_map(|name| {
            let path = below(folder, name);
            let file = self.files.get(&path)?.kustomize.as_ref()?;
            Some((path, file))
        })
    }

    /// The files in a folder and below it, ordered.
    pub(super) fn inside<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a String> + use<'a> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let end = start.clone();
        self.files.range(start..).map(|(path, _)| path).take_while(move |path| path.starts_with(&end))
    }

    /// What of it goes into the snapshot.
    pub(super) fn tree(&self) -> Tree {
        let files = self.files.iter().map(|(path, file)| (path.clone(), Arc::clone(&file.facts)));
        Tree { files: files.collect(), rules: self.rules.clone() }
    }
}

/// A name in a folder; the root has no name.
pub(super) fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn parse(path: &str, text: &str) -> ParsedFile {
    let (folder, name) = split(path);
    let mut parsed = ParsedFile { may_rename: crate::wire::may_rename(text), ..ParsedFile::default() };
    let mut facts = DeclaredFile::default();
    if !is_yaml(name) {
        facts.sealed = sealed_lines(text);
        parsed.facts = Arc::new(facts);
        return parsed;
    }
    for document in yaml::documents(text) {
        let read = document.and_then(|mut document| {
            let root = document.root();
            if document.is_null() {
                return Ok(());
            }
            let candidates = match list_head(&mut document)? {
                None => vec![root],
                Some(_) => nodes(&document, document.get(root, "items")),
            };
            for node in candidates {
                take(&mut document, node, path, &mut parsed, &mut facts)?;
            }
            let is_config = KUSTOMIZE_FILES.contains(&name)
                && !group_of(&document, root).is_some_and(|group| is_flux_group(&group));
            if is_config {
                facts.entries = entries(&document, root, folder);
                parsed.kustomize = Some(kustomize_file(folder, &document.value(root)?));
            }
            Ok(())
        });
        if let Err(YamlError { line, message, .. }) = read {
            facts.broken.get_or_insert(Broken { line, message });
        }
    }
    facts.variables = variables(text);
    parsed.facts = Arc::new(facts);
    parsed
}

/// Names in `${NAME}`, `${NAME:=default}` and their like; not in `$${NAME}`, which is no variable.
fn variables(text: &str) -> BTreeMap<String, usize> {
    let mut variables = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        for (start, _) in line.match_indices("${").filter(|(start, _)| !line[..*start].ends_with('$')) {
            let rest = &line[start + 2..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            if end > 0 {
                variables.entry(rest[..end].to_owned()).or_insert(at + 1);
            }
        }
    }
    variables
}

fn is_yaml(name: &str) -> bool {
    name == "Kustomization" || [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

fn group_of(document: &Document<'_>, node: NodeId) -> Option<String> {
    let version = document.get(node, "apiVersion").and_then(|node| document.text(node))?;
    Some(version.split_once('/').map_or("", |(group, _)| group).to_owned())
}

/// Takes one object in; what has no kind or name is none.
fn take(
    document: &mut Document<'_>,
    node: NodeId,
    path: &str,
    parsed: &mut ParsedFile,
    facts: &mut DeclaredFile,
) -> Result<(), YamlError> {
    let text = |parent: NodeId, field: &str| document.get(parent, field).and_then(|node| document.text(node));
    let sealed = document.get(node, "sops").map(|sops| sealed(document, sops));
    let (Some(version), Some(kind)) = (text(node, "apiVersion"), text(node, "kind")) else {
        facts.sealed = sealed.or(facts.sealed.take());
        return Ok(());
    };
    let Some(metadata) = document.get(node, "metadata") else { return Ok(()) };
    let Some(name) = text(metadata, "name") else { return Ok(()) };
    let key = ObjectKey::new(
        GroupKind::from_api_version(version, kind),
        text(metadata, "namespace").unwrap_or_default(),
        name,
    );
    let annotation = |name: &str| text(document.get(metadata, "annotations")?, name).map(str::to_lowercase);
    let left_alone = annotation("kustomize.toolkit.fluxcd.io/reconcile").as_deref() == Some("disabled")
        || annotation("kustomize.toolkit.fluxcd.io/ssa").as_deref() == Some("ignore");
    let line = document.line(node);
    let only_string_data = document.get(node, "data").is_none() && document.get(node, "stringData").is_some();
    let is_flux = is_flux_group(&key.kind.group);
    let object = DeclaredObject { key, line, sealed, only_string_data, left_alone };
    if is_flux {
        let entries = document.get(node, "spec").and_then(|spec| document.get(spec, "dependsOn"));
        let lines = nodes(document, entries).into_iter().map(|entry| document.line(entry));
        let declared = Some(Declared { dependency_lines: lines.collect() });
        let place = Place { file: path.to_owned(), line: Some(line), declared };
        parsed.flux.push((facts.objects.len(), Manifest { value: document.value(node)?, place }));
    }
    facts.objects.push(object);
    Ok(())
}

/// What a configuration of kustomize lists, with lines.
fn entries(document: &Document<'_>, root: NodeId, folder: &str) -> Vec<Entry> {
    const LISTS: [&str; 7] = [
        "resources",
        "components",
        "bases",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "replacements",
    ];
    let mut entries = Vec::new();
    for list in LISTS {
        for node in nodes(document, document.get(root, list)) {
            let named = document.text(node).or_else(|| document.text(document.get(node, "path")?));
            let path = named.and_then(|path| join(folder, path)).unwrap_or_default();
            entries.push(Entry { list: list.to_owned(), path, line: document.line(node) });
        }
    }
    entries
}

/// Lists of keys in the `sops` part of a file, and the field that names each key.
const KEYS: [(&str, &str); 6] = [
    ("age", "recipient"),
    ("pgp", "fp"),
    ("kms", "arn"),
    ("gcp_kms", "resource_id"),
    ("azure_kv", "name"),
    ("hc_vault", "key_name"),
];

fn sealed(document: &Document<'_>, sops: NodeId) -> Sealed {
    let mut recipients = Vec::new();
    let groups = nodes(document, document.get(sops, "key_groups"));
    for part in groups.into_iter().chain([sops]) {
        for (kind, field) in KEYS {
            for entry in nodes(document, document.get(part, kind)) {
                let Some(named) = document.get(entry, field) else { continue };
                let Some(name) = document.text(named) else { continue };
                recipients.push(Recipient { kind, name: name.to_owned(), line: document.line(named) });
            }
        }
    }
    Sealed { recipients }
}

/// Recipients of an encrypted file that is no YAML: dotenv and INI keep them as `sops_age__list_0__map_recipient=age1…`,
/// a binary file as JSON.
fn sealed_lines(text: &str) -> Option<Sealed> {
    let mut recipients = Vec::new();
    let mut is_sealed = false;
    for (at, line) in text.lines().enumerate() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().strip_prefix("sops_").unwrap_or(key.trim());
        is_sealed |= key == "mac" && value.trim_start().starts_with("ENC[");
        for (kind, field) in KEYS {
            let is_it = key.starts_with(&format!("{kind}__list_")) && key.ends_with(&format!("__map_{field}"));
            if is_it {
                recipients.push(Recipient { kind, name: value.trim().to_owned(), line: at + 1 });
            }
        }
    }
    is_sealed.then_some(Sealed { recipients })
}

/// Creation rules of a `.sops.yaml`, in their order; none where it cannot be read.
fn sops_rules(text: &str) -> Vec<SopsRule> {
    let Some(Ok(document)) = yaml::documents(text).next() else { return Vec::new() };
    let mut rules = Vec::new();
    for rule in nodes(&document, document.get(document.root(), "creation_rules")) {
        let text = |field: &str| document.get(rule, field).and_then(|node| document.text(node));
        let mut keys: Vec<String> = text("age").into_iter().flat_map(|list| list.split(',')).map(own).collect();
        let mut others = ["kms", "pgp", "gcp_kms", "azure_keyvault", "hc_vault_transit_uri"]
            .iter()
            .any(|field| document.get(rule, field).is_some());
        for part in nodes(&document, document.get(rule, "key_groups")).into_iter().chain([rule]) {
            let ages = nodes(&document, document.get(part, "age"));
            keys.extend(ages.into_iter().filter_map(|node| document.text(node)).map(own));
            others |=
                part != rule && ["pgp", "kms", "hc_vault"].iter().any(|f| document.get(part, f).is_some());
        }
        keys.retain(|key| !key.is_empty());
        let path_regex = text("path_regex").map(str::to_owned);
        rules.push(SopsRule { path_regex, age: keys, others, line: document.line(rule) });
    }
    rules
}

fn own(text: &str) -> String {
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(path: &str, text: &str) -> Arc<DeclaredFile> {
        Arc::clone(&parse(path, text).facts)
    }

    fn told(sealed: Option<&Sealed>) -> Vec<String> {
        let recipients = sealed.into_iter().flat_map(|sealed| &sealed.recipients);
        recipients
            .map(|recipient| format!("{} {}:{}", recipient.kind, recipient.name, recipient.line))
            .collect()
    }

    #[test]
    fn whom_a_file_is_encrypted_for_is_known_by_line() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {x: ENC}\nsops:\n  age:\n  - enc: x\n    \
                      recipient: age1a\n  - recipient: age1b\n  pgp:\n  - fp: AB12\n  kms: []\n";
        let file = facts("s.yaml", secret);
        assert_eq!(told(file.objects[0].sealed.as_ref()), ["age age1a:8", "age age1b:9", "pgp AB12:11"]);
        let values = facts("values.enc.yaml", "x: ENC\nsops:\n  key_groups:\n  - age: [{recipient: age1c}]\n");
        assert_eq!((told(values.sealed.as_ref()), values.objects.len()), (vec!["age age1c:4".to_owned()], 0));
        let env =
            "A=ENC[x]\nsops_age__list_0__map_enc=x\nsops_age__list_0__map_recipient=age1d\nsops_mac=ENC[x]\n";
        assert_eq!(told(facts("token.env", env).sealed.as_ref()), ["age age1d:3"]);
        assert_eq!(facts("plain.env", "A=b\n").sealed, None);
        assert_eq!(
            facts("s.yaml", "kind: Secret\napiVersion: v1\nmetadata: {name: a}\n").objects[0].sealed,
            None
        );
    }

    #[test]
    fn rules_of_sops_are_read_in_their_order() {
        let text = "creation_rules:\n- path_regex: ^a/\n  age: age1a, age1b\n- pgp: AB\n  age: [age1c]\n- key_groups:\n  - age: \
                    [age1d]\n    kms: [{arn: x}]\n";
        let rules = sops_rules(text);
        let told: Vec<_> = rules.iter().map(|rule| (rule.age.join(" "), rule.others, rule.line)).collect();
        let expected = [("age1a age1b", false, 2), ("age1c", true, 4), ("age1d", true, 6)];
        assert_eq!(told, expected.map(|(age, others, line)| (age.to_owned(), others, line)));
        assert_eq!(rules[0].path_regex.as_deref(), Some("^a/"));
        assert!(sops_rules("creation_rules: [").is_empty());
    }

    #[test]
    fn a_broken_file_keeps_what_stands_before_the_break() {
        let file = facts("a.yaml", "kind: A\napiVersion: v1\nmetadata: {name: a}\n---\nb: [\n");
        let broken = file.broken.as_ref().unwrap();
        assert_eq!((file.objects.len(), broken.line), (1, 5));
    }

    #[test]
    fn variables_and_entries_know_their_lines() {
        let file = facts("a.yaml", "a: ${ONE}\nb: $${NOT} ${TWO:=x} ${ONE}\nc: ${}\n");
        let told: Vec<String> = file.variables.iter().map(|(name, line)| format!("{name}:{line}")).collect();
        assert_eq!(told, ["ONE:1", "TWO:2"]);
        let file = facts(
            "x/kustomization.yaml",
            "resources:\n- a.yaml\n- ../b\n- https://x/y\npatches:\n- path: p.yaml\n",
        );
        let told: Vec<String> =
            file.entries.iter().map(|entry| format!("{} {}:{}", entry.list, entry.path, entry.line)).collect();
        assert_eq!(told, ["resources x/a.yaml:2", "resources b:3", "resources :4", "patches x/p.yaml:6"]);
    }

    #[test]
    fn a_flux_object_in_a_file_named_kustomization_is_an_object() {
        let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n";
        let parsed = parse("kustomization.yaml", flux);
        assert!(parsed.kustomize.is_none() && parsed.flux.len() == 1);
        assert!(parse("kustomization.yaml", "resources: []\n").kustomize.is_some());
    }
}
