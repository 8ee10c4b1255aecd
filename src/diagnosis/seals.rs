//! Encrypted files of the repository: whom they are encrypted for, at which line, and whether `.sops.yaml` would do
//! better. Pure; no content is known here.

use std::collections::BTreeSet;

use regex::Regex;

use super::catalogue::declared::written;
use super::catalogue::{called, short_recipient};
use super::cause::{Cause, Code};
use super::places::{Built, of_which, replace, update_keys};
use crate::model::{At, GroupKind, ObjectKey, Recipient, Sealed, Snapshot, SopsRule, Tree, Warning};

/// Adds the encrypted file that a Kustomization stopped at, and the rule that encrypts it.
pub(super) fn add(snapshot: &Snapshot, cause: &mut Cause, built: &Built<'_>) {
    let Some((at, sealed)) = sealed_file(snapshot, built) else { return };
    let path = at.path.clone();
    let names: Vec<String> = sealed.recipients.iter().map(name).collect();
    if names.is_empty() {
        return;
    }
    let line = sealed.recipients.first().map_or(at.line, |first| first.line);
    let text = format!("encrypted for {}{}", names.join(", "), of_which(built.tree, &path));
    cause.fault.evidence.retain(|quote| quote.source != "file");
    cause.fault.evidence.insert(0, written(&text, &At { path: path.clone(), line }));
    if cause.fault.code == Code::SopsKeyMismatch {
        add_rule(snapshot, cause, built, &path, &sealed);
    }
}

fn name(recipient: &Recipient) -> String {
    match recipient.kind {
        "age" => recipient.name.clone(),
        kind => format!("{kind} {}", recipient.name),
    }
}

/// The encrypted file that the controller's words name; `None` where they fit several.
fn sealed_file(snapshot: &Snapshot, built: &Built<'_>) -> Option<(At, Sealed)> {
    let tree = built.tree.tried();
    let node = snapshot.nodes.get(built.key)?;
    let words = node.status.conditions.ready().map(|ready| ready.message.as_str()).unwrap_or_default();
    let between = |open: &str, close: &str| Some(words.split_once(open)?.1.split_once(close)?.0);
    let of_secret = between("failed to decrypt and format '", "' Secret data");
    let of_any =
        between("decryption failed for '", "'").and_then(|id| id.rsplit_once('/')).map(|(_, name)| name);
    let guarded = words.split_once(" is SOPS encrypted").and_then(|(subject, _)| subject.split_once('/'));
    let guarded = guarded.map(|(_, name)| name);
    let is_named = |key: &ObjectKey| match (of_secret, of_any, guarded) {
        (Some(name), ..) => key.namespaced_name() == name,
        (None, Some(name), _) => key.name == name,
        (None, None, Some(name)) => key.namespaced_name() == name,
        (None, None, None) => false,
    };
    let mut found: Vec<(At, Sealed)> = Vec::new();
    for (key, object) in built.build.objects.iter().filter(|(key, _)| is_named(key)) {
        let file = tree.files.get(&object.at.path)?;
        let written =
            file.objects.iter().find(|written| written.line == object.at.line && written.key.name == key.name);
        found.extend(written.and_then(|written| Some((object.at.clone(), written.sealed.clone()?))));
    }
    if words.contains("error decrypting sources") {
        for path in &built.build.files {
            let sealed = tree.files.get(path).and_then(|file| file.sealed.clone());
            found.extend(sealed.map(|sealed| (At { path: path.clone(), line: 1 }, sealed)));
        }
    }
    if found.len() == 1 { found.pop() } else { None }
}

/// Public age recipients of the keys that the controller has, where its Secret was looked at.
fn held(snapshot: &Snapshot, kustomization: &ObjectKey) -> Option<BTreeSet<String>> {
    let decryption = snapshot.nodes.get(kustomization)?.kustomization()?.decryption.as_ref()?;
    let secret = ObjectKey::new(GroupKind::SECRET, &*kustomization.namespace, decryption.secret.as_deref()?);
    let seen = snapshot.evidence.secrets.get(&secret)?;
    (!seen.age_recipients.is_empty() && seen.unverifiable == 0).then(|| seen.age_recipients.clone())
}

fn add_rule(snapshot: &Snapshot, cause: &mut Cause, built: &Built<'_>, path: &str, sealed: &Sealed) {
    let held = held(snapshot, built.key);
    let rule = rule_for(&built.tree.hand, path);
    let is_held = |recipient: &String| held.as_ref().is_some_and(|held| held.contains(recipient));
    let short =
        |names: &[String]| names.iter().map(|name| short_recipient(name)).collect::<Vec<_>>().join(", ");
    let mut prepare = String::new();
    if let (Some(rule), Some(held)) = (rule, &held) {
        let at = At { path: ".sops.yaml".to_owned(), line: rule.line };
        let holds_one = rule.age.iter().any(is_held);
        if !rule.age.is_empty() && !rule.others && !holds_one {
            let text = format!(
                "the rule for it encrypts for {} alone, so the next file fails as well",
                short(&rule.age)
            );
            cause.fault.evidence.insert(1, written(&text, &at));
        }
        if !holds_one {
            let wanted: Vec<String> = held.iter().cloned().collect();
            prepare = format!("name {} in .sops.yaml, ", short(&wanted));
        }
    }
    let lost: Vec<String> = sealed.recipients.iter().map(|recipient| recipient.name.clone()).collect();
    let text = format!("with the key of {} at hand: {prepare}run this, commit and push", short(&lost));
    replace(cause, "find the file", text, update_keys(built.tree, path));
}

/// The rule that sops would take for a file: the first whose `path_regex` fits the path.
fn rule_for<'a>(tree: &'a Tree, path: &str) -> Option<&'a SopsRule> {
    let fits = |rule: &&SopsRule| match &rule.path_regex {
        None => true,
        Some(text) => Regex::new(text).is_ok_and(|regex| regex.is_match(path)),
    };
    tree.rules.iter().find(fits)
}

/// Encrypted objects that are applied as they are, without any error.
pub(super) fn applied_encrypted(snapshot: &Snapshot) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (key, build) in &snapshot.declared.builds {
        let live = snapshot.nodes.get(key).is_some_and(|node| node.live && !node.suspended);
        for (object, built) in
            build.objects.iter().filter(|(_, built)| live && built.unguarded && !built.partial)
        {
            let text = format!(
                "{} in {}:{} is encrypted, and {} has no spec.decryption: its ciphertext is applied, and nothing fails",
                called(object),
                built.at.path,
                built.at.line,
                called(key)
            );
            warnings.push(Warning { code: "AppliedEncrypted", text, object: Some(key.clone()) });
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rule = |regex: Option<&str>, line| SopsRule {
            path_regex: regex.map(str::to_owned),
            line,
            ..SopsRule::default()
        };
        let rules =
            vec![rule(Some("^apps/.*"), 1), rule(Some(r"\.enc\.ya?ml$"), 2), rule(Some("("), 3), rule(None, 4)];
        let tree = Tree { rules, ..Tree::default() };
        for (path, line) in [("apps/x.enc.yaml", 1), ("infra/x.enc.yml", 2), ("infra/apps/x.yaml", 4)] {
            assert_eq!(rule_for(&tree, path).map(|rule| rule.line), Some(line), "{path}");
        }
        assert_eq!(rule_for(&Tree::default(), "x"), None);
    }
}
