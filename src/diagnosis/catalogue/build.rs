//! Manifests that cannot be built: files, YAML, kustomize, substitution.

use super::words::{
    after, between, last_words, mentions, not_found, one_line, readable, resource_id, sentence,
    without_temp_folders,
};
use super::{Failure, Lead, called, fault};
use crate::diagnosis::{Code, Fault};
use crate::model::{At, GroupKind, ObjectKey};

/// `BuildFailed`, but for decryption, which has a family of its own.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    if failure.reason != "BuildFailed" {
        return Vec::new();
    }
    let text = without_temp_folders(&one_line(failure.message));
    let found = TELLERS.iter().find_map(|tell| tell(&text));
    let (subcode, summary, remedy) = found.unwrap_or_else(|| (None, fallback(&text), None));
    let mut said = failure.said();
    said.at = place(&text).filter(|_| {
        failure.node.source.as_ref().is_some_and(|source| source.kind == GroupKind::GIT_REPOSITORY)
    });
    let mut built: Fault = fault(failure.node.key.clone(), Code::BuildFailed, subcode, summary).seen(said);
    if let Some(remedy) = remedy {
        built = built.remedy(remedy, None);
    }
    if let Some(from) = substituted_from(failure, &text).filter(|_| subcode == Some("SubstituteFromNotFound")) {
        built = built.comes_of(&from);
    }
    vec![built.into()]
}

/// Sub-reason, summary, what to do.
type Telling = (Option<&'static str>, String, Option<String>);

/// Each knows one way to fail; the first that recognises the words wins, so the specific ones stand first.
const TELLERS: [fn(&str) -> Option<Telling>; 9] = [
    variable_not_set,
    substitute_from,
    remote_base,
    component_not_found,
    duplicate,
    malformed_yaml,
    not_kubernetes,
    patch_failed,
    resource_not_found,
];

fn variable_not_set(text: &str) -> Option<Telling> {
    let name = between(text, "variable not set (strict mode): \"", "\"")?;
    let place = built_object(text).map(|object| format!(" in {object}")).unwrap_or_default();
    Some((
        Some("VariableNotSet"),
        format!("Variable {name}{place} has no value"),
        Some(format!("set {name} in postBuild.substitute, or give it a default: ${{{name}:=…}}")),
    ))
}

fn substitute_from(text: &str) -> Option<Telling> {
    let id = between(text, "substitute from '", "' error")?;
    let (kind, name) = id.split_once('/').unwrap_or(("", id));
    let missing = not_found(text, "configmaps").or_else(|| not_found(text, "secrets"));
    missing.map(|_| {
        (
            Some("SubstituteFromNotFound"),
            format!("{kind} {name}, from which variables are taken, does not exist"),
            Some(format!("create {kind} {name}, or mark the entry of substituteFrom as optional")),
        )
    })
}

/// The ConfigMap or Secret that such a message names; it is looked for beside the Kustomization.
fn substituted_from(failure: &Failure<'_>, text: &str) -> Option<ObjectKey> {
    let (kind, name) = between(text, "substitute from '", "' error")?.split_once('/')?;
    let kind = match kind {
        "Secret" => GroupKind::SECRET,
        "ConfigMap" => GroupKind::CONFIG_MAP,
        _ => return None,
    };
    Some(ObjectKey::new(kind, &*failure.node.key.namespace, name))
}

/// A ConfigMap or Secret of `substituteFrom` that does not exist.
pub(super) fn substitute_from_not_found(key: ObjectKey, from: &ObjectKey) -> Fault {
    let summary = format!("{}, from which variables are taken, does not exist", called(from));
    fault(key, Code::BuildFailed, Some("SubstituteFromNotFound"), summary)
        .comes_of(from)
        .remedy(format!("create {}, or mark the entry of substituteFrom as optional", called(from)), None)
}

fn remote_base(text: &str) -> Option<Telling> {
    let remote =
        mentions(text, &["URL is a git repository", "git fetch ", "git clone ", "HTTP Error: status code"]);
    let accumulates = text.contains("accumulating ");
    (remote && accumulates).then(|| {
        let url = quoted_paths(text).find(|path| path.contains("://") || path.starts_with("git@"));
        let url = url.unwrap_or("a remote base");
        let why = after(text, "fatal: ")
            .map(|why| format!(": {}", sentence(why.trim_end_matches(": exit status 128"))));
        (
            Some("RemoteBase"),
            format!("Remote base {} cannot be fetched{}", readable(url), why.unwrap_or_default()),
            Some("correct the address, or keep a copy of the base in the repository".to_owned()),
        )
    })
}

fn component_not_found(text: &str) -> Option<Telling> {
    if !text.contains("accumulating components") || !missing_file(text) {
        return None;
    }
    let path = missing_path(text).unwrap_or("a component");
    Some((
        Some("ComponentNotFound"),
        format!("Component {path} does not exist"),
        Some("correct the path under components, or commit the folder".to_owned()),
    ))
}

fn duplicate(text: &str) -> Option<Telling> {
    let id = between(text, "may not add resource with an already registered id: ", "'")
        .or_else(|| after(text, "may not add resource with an already registered id: "))?;
    let id = id.split([' ', ':']).next().unwrap_or(id);
    let file = quoted_paths(text).find(|path| !path.contains(' '));
    let file = file.map(|file| format!(", the second time in {file}")).unwrap_or_default();
    // written as <kind>/<name>.<namespace>
    let what = resource_id(id);
    let what = match (what.split_once(' '), id.ends_with("[noNs]")) {
        (Some((kind, rest)), false) => {
            rest.rsplit_once('.').map(|(name, namespace)| format!("{kind} {namespace}/{name}"))
        }
        _ => None,
    }
    .unwrap_or(what);
    Some((
        Some("DuplicateResource"),
        format!("{what} is declared twice{file}"),
        Some("take one of the two declarations out".to_owned()),
    ))
}

fn malformed_yaml(text: &str) -> Option<Telling> {
    let malformed = mentions(
        text,
        &["MalformedYAMLError", "yaml: line ", "error converting YAML to JSON", "yaml: unmarshal errors"],
    );
    malformed.then(|| {
        let file = yaml_file(text).unwrap_or("a file");
        let why = text.find("yaml: line ").map_or(text, |at| &text[at + "yaml: ".len()..]);
        let why = why.strip_suffix(" <nil>").unwrap_or(why);
        (
            Some("MalformedYaml"),
            format!("{file} is no valid YAML: {}", sentence(why)),
            Some("correct the file (the line can be one too low), commit and push".to_owned()),
        )
    })
}

fn not_kubernetes(text: &str) -> Option<Telling> {
    let no_object = mentions(
        text,
        &[
            "missing Resource metadata",
            "missing metadata.name in object",
            "Object 'Kind' is missing",
            "Object 'apiVersion' is missing",
            "failed to decode Kubernetes YAML",
        ],
    );
    no_object.then(|| {
        let file = yaml_file(text).unwrap_or("A file");
        (
            Some("NotKubernetes"),
            format!("{file} holds no Kubernetes object"),
            Some("list the wanted files in a kustomization.yaml, or move that one out of the path".to_owned()),
        )
    })
}

fn patch_failed(text: &str) -> Option<Telling> {
    let target = between(text, "no resource matches strategic merge patch \"", "\"")
        .or_else(|| between(text, "failed to find unique target for patch ", " "))
        .or_else(|| after(text, "failed to find unique target for patch "));
    if let Some(target) = target {
        return Some((
            Some("PatchFailed"),
            format!("A patch finds no {} to change", resource_id(target)),
            Some("correct the name in the patch, or add the object that it changes".to_owned()),
        ));
    }
    let broken = mentions(
        text,
        &[
            "unable to parse SM or JSON patch",
            "operation does not apply",
            "PatchTransformer",
            "PatchJson6902Transformer",
            "PatchStrategicMergeTransformer",
            "must specify a target for patch",
        ],
    );
    let why = after(text, "kustomize build failed: ").unwrap_or(text);
    broken.then(|| (Some("PatchFailed"), format!("A patch cannot be applied: {}", sentence(why)), None))
}

fn resource_not_found(text: &str) -> Option<Telling> {
    if let Some(folder) = between(text, "unable to find one of 'kustomization.yaml'", " at ")
        .or_else(|| after(text, "unable to find one of 'kustomization.yaml'"))
        .and_then(|rest| between(rest, "directory '", "'"))
    {
        return Some((
            Some("ResourceNotFound"),
            format!("Folder {folder} is listed as a resource and holds no kustomization.yaml"),
            Some("add a kustomization.yaml to the folder, or list its files".to_owned()),
        ));
    }
    missing_file(text).then(|| {
        let path = missing_path(text).unwrap_or("a file");
        (
            Some("ResourceNotFound"),
            format!("{path} is listed in a kustomization.yaml and does not exist"),
            Some("commit the file, or take it off the list".to_owned()),
        )
    })
}

fn fallback(text: &str) -> String {
    format!("The manifests cannot be built: {}", last_words(text))
}

fn missing_file(text: &str) -> bool {
    mentions(text, &["no such file or directory", "evalsymlink failure", "not a valid directory"])
}

/// The file that could not be opened; the first `open` is the deepest one.
fn missing_path(text: &str) -> Option<&str> {
    between(text, "open ", ": no such file")
        .filter(|path| !path.contains(' '))
        .or_else(|| between(text, "lstat ", ": no such file").filter(|path| !path.contains(' ')))
        .or_else(|| between(text, "evalsymlink failure on '", "'"))
        .or_else(|| quoted_paths(text).find(|path| !path.contains(' ')))
}

/// What kustomize quotes as `from '<path>'`.
fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    text.split(" from '").skip(1).filter_map(|rest| rest.split('\'').next()).filter(|path| !path.is_empty())
}

fn yaml_file(text: &str) -> Option<&str> {
    between(text, "Kubernetes YAML from ", ": ").or_else(|| quoted_paths(text).find(|path| !path.contains(' ')))
}

/// File and line of a YAML error; the line can be one too low.
fn place(text: &str) -> Option<At> {
    let line = between(text, "yaml: line ", ":")?.parse().ok()?;
    let path = between(text, "Kubernetes YAML from ", ": ")?;
    Some(At { path: path.to_owned(), line })
}

/// The object in whose manifest a variable stands.
fn built_object(text: &str) -> Option<String> {
    between(text, "post build failed for '", "'").map(resource_id)
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;
    use crate::model::ObjectKey;

    fn told(message: &str) -> (Option<&'static str>, String) {
        let fault = only(alone(&ks("build/x"), "BuildFailed", message));
        assert_eq!(
            (fault.object.to_string().as_str(), fault.code),
            ("Kustomization/build/x", Code::BuildFailed)
        );
        assert!(fault.evidence.iter().all(|quote| !quote.text.contains("/tmp/")), "{:?}", fault.evidence);
        (fault.subcode, fault.summary)
    }

    #[test]
    fn what_kustomize_controller_writes_is_told_apart() {
        let mut lines = String::new();
        for message in [
            "kustomize build failed: accumulating components: loader.New \"must build at directory: not a valid directory: \
             evalsymlink failure on '/tmp/kustomization-2450854594/nocomp' : lstat /tmp/kustomization-2450854594/nocomp: no \
             such file or directory\"",
            "kustomize build failed: accumulating resources: accumulation err='merging resources from 'b.yaml': may not add \
             resource with an already registered id: ConfigMap.v1.[noGrp]/dup.build': must build at directory: \
             '/tmp/kustomization-1001184399/dup/b.yaml': file is not directory",
            "kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'missing.yaml': \
             open /tmp/kustomization-4226582945/noresource/missing.yaml: no such file or directory': must build at directory: \
             not a valid directory: evalsymlink failure on '/tmp/kustomization-4226582945/noresource/missing.yaml' : lstat \
             /tmp/kustomization-4226582945/noresource/missing.yaml: no such file or directory",
            "failed to decode Kubernetes YAML from /tmp/kustomization-849023502/notk8s/values.yaml: missing Resource metadata",
            "failed to decode Kubernetes YAML from /tmp/kustomization-884391476/notk8s/values.yaml: missing Resource metadata \
             <nil>",
            "kustomize build failed: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/other.[noNs]\": no \
             matches for Id ConfigMap.v1.[noGrp]/other.[noNs]; failed to find unique target for patch \
             ConfigMap.v1.[noGrp]/other.[noNs]",
            "kustomize build failed: accumulating resources: accumulation err='accumulating resources from \
             'http://127.0.0.1:13000/nothing.git//x?ref=main': URL is a git repository': failed to run '/usr/bin/git fetch \
             --depth=1 http://127.0.0.1:13000/nothing.git main': fatal: repository \
             'http://127.0.0.1:13000/nothing.git/' not found\n: exit status 128",
            "post build failed for 'ConfigMap.v1.[noGrp]/subst': envsubst error: variable substitution failed: variable not \
             set (strict mode): \"DOMAIN\"",
            "post build failed for 'ConfigMap.v1.[noGrp]/substfrom': substitute from 'ConfigMap/missing' error: configmaps \
             \"missing\" not found",
            "failed to decode Kubernetes YAML from /tmp/kustomization-951210091/syntax/cm.yaml: MalformedYAMLError: yaml: \
             line 4: did not find expected ',' or '}'",
            "failed to decode Kubernetes YAML from /tmp/kustomization-3748164481/syntax/cm.yaml: MalformedYAMLError: yaml: \
             line 4: did not find expected ',' or '}' <nil>",
            "kustomize build failed: accumulating resources: accumulation err='accumulating resources from '../base': read \
             /tmp/kustomization-1/base: is a directory': recursed accumulation of path '/tmp/kustomization-1/base': unable to \
             find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory \
             '/tmp/kustomization-1/base'",
            "kustomize build failed: add operation does not apply: doc is missing path: \"/spec/x/-\": missing value",
            "something new and odd: exit 3",
        ] {
            let (subcode, summary) = told(message);
            lines.push_str(&format!("{}: {summary}\n", subcode.unwrap_or("-")));
        }
        insta::assert_snapshot!(lines, @r#"
        ComponentNotFound: Component nocomp does not exist
        DuplicateResource: ConfigMap build/dup is declared twice, the second time in b.yaml
        ResourceNotFound: noresource/missing.yaml is listed in a kustomization.yaml and does not exist
        NotKubernetes: notk8s/values.yaml holds no Kubernetes object
        NotKubernetes: notk8s/values.yaml holds no Kubernetes object
        PatchFailed: A patch finds no ConfigMap other to change
        RemoteBase: Remote base http://127.0.0.1:13000/nothing.git//x?ref=main cannot be fetched: repository 'http://127.0.0.1:13000/nothing.git/' not found
        VariableNotSet: Variable DOMAIN in ConfigMap subst has no value
        SubstituteFromNotFound: ConfigMap missing, from which variables are taken, does not exist
        MalformedYaml: syntax/cm.yaml is no valid YAML: line 4: did not find expected ',' or '}'
        MalformedYaml: syntax/cm.yaml is no valid YAML: line 4: did not find expected ',' or '}'
        ResourceNotFound: Folder base is listed as a resource and holds no kustomization.yaml
        PatchFailed: A patch cannot be applied: add operation does not apply: doc is missing path: "/spec/x/-": missing value
        -: The manifests cannot be built: something new and odd: exit 3
        "#);
    }

    #[test]
    fn a_yaml_error_knows_file_and_line_of_a_git_source() {
        let message = "failed to decode Kubernetes YAML from /tmp/kustomization-951210091/syntax/cm.yaml: \
                       MalformedYAMLError: yaml: line 4: did not find expected ',' or '}'";
        let mut node = ks("build/syntax");
        assert_eq!(only(alone(&node, "BuildFailed", message)).evidence[0].at, None);
        node.source = Some(ObjectKey::new(GroupKind::GIT_REPOSITORY, "build", "repo"));
        let at = only(alone(&node, "BuildFailed", message)).evidence[0].at.clone();
        assert_eq!(at, Some(At { path: "syntax/cm.yaml".to_owned(), line: 4 }));
    }

    #[test]
    fn a_truncated_text_still_gives_an_answer() {
        let (subcode, _) =
            told("kustomize build failed: accumulating resources: accumulation err='accumulating resources f");
        assert_eq!(subcode, None);
    }
}
