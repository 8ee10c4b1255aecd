//! Decryption: the Secret with the keys, the keys in it, and the recipients of the encrypted file.

use std::collections::BTreeSet;

use super::words::{
    after, between, list, mentions, not_found, one_line, resource_id, sentence, short_recipient,
};
use super::{Failure, Lead, called, command, fault, kubectl, quote, reconcile};
use crate::diagnosis::{Code, Fault};
use crate::model::{Decryption, GroupKind, Node, ObjectKey, Presence, SecretKeys, Snapshot};

/// Keys of a decryption Secret that the controller reads beside `*.agekey` and `*.asc`.
const FIXED_KEYS: [&str; 4] = ["sops.vault-token", "sops.aws-kms", "sops.azure-kv", "sops.gcp-kms"];

/// Failures of decryption, in the build (`BuildFailed`) and at the guard before the apply.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let found = guard(failure).or_else(|| if failure.reason == "BuildFailed" { build(failure) } else { None });
    found.map(|fault| fault.seen(failure.said()).into()).into_iter().collect()
}

/// `Secret/<ns>/<name> is SOPS encrypted, configuring decryption is required …`.
fn guard(failure: &Failure<'_>) -> Option<Fault> {
    let (subject, _) = failure.message.split_once(" is SOPS encrypted")?;
    let what = super::words::subject(subject.split_whitespace().next_back()?)?;
    let key = failure.node.key.clone();
    let summary = format!("{what} is encrypted, and {} has no spec.decryption", called(&key));
    let add = "add spec.decryption with provider sops and the Secret that holds the key, commit and push";
    Some(fault(key, Code::SopsNotConfigured, None, summary).remedy(add, None))
}

fn build(failure: &Failure<'_>) -> Option<Fault> {
    let message = failure.message;
    let node = failure.node;
    if let Some(fault) = secret_fault(failure) {
        return Some(fault);
    }
    let decrypts = mentions(
        message,
        &["decryption failed for '", "error decrypting sources", "cannot get sops data key", "sops"],
    ) || message.starts_with("decrypt");
    if !decrypts {
        return None;
    }
    let what = encrypted_thing(message);
    let plain = one_line(message);
    let recipients = recipients(message);
    if mentions(
        &plain,
        &["identity did not match any of the recipients", "no identity matched any of the recipients"],
    ) {
        return Some(mismatch(failure, &what, &recipients));
    }
    if mentions(&plain, &["failed to load age identities", "no identities specified"]) {
        return Some(no_identity(failure, &what));
    }
    let why = reason(&plain);
    if let Some(found) = super::sops_keys::leads(failure, &what, &plain, &why) {
        return Some(found);
    }
    let mut fault = fault(
        node.key.clone(),
        Code::SopsFailed,
        None,
        format!("{what} cannot be decrypted: {}", sentence(&why)),
    );
    if mentions(&plain, &["message authentication failed", "MAC mismatch"]) {
        fault = fault.remedy(
            "the file was edited without sops: restore it from an older commit, or encrypt it anew",
            None,
        );
    }
    Some(fault)
}

/// The decryption Secret itself: missing, unreadable, or with a key that does not parse.
fn secret_fault(failure: &Failure<'_>) -> Option<Fault> {
    let message = failure.message;
    let namespace = failure.node.key.namespace.as_str();
    // kustomize-controller gives the API server's words without any prefix
    let bare = message.trim();
    if bare.starts_with("secrets \"") && bare.ends_with("not found") {
        let name = not_found(bare, "secrets")?;
        if decryption(failure.node).is_some() {
            return Some(secret_not_found(failure, ObjectKey::new(GroupKind::SECRET, namespace, name)));
        }
    }
    if let Some(id) = between(message, "cannot get sops decryption Secret '", "'") {
        let secret = secret_key(id, namespace);
        if not_found(message, "secrets").is_some() {
            return Some(secret_not_found(failure, secret));
        }
        let why = after(message, "': ").unwrap_or(message);
        let summary = format!("{} with the decryption keys cannot be read: {}", called(&secret), sentence(why));
        return Some(fault(failure.node.key.clone(), Code::SopsFailed, None, summary));
    }
    let entry = between(message, "failed to import '", "' data from sops decryption Secret '")?;
    let secret = secret_key(between(message, "data from sops decryption Secret '", "'")?, namespace);
    let summary = format!("Key {entry} of {} cannot be read as a private key", called(&secret));
    let put = format!("put the whole private key under {entry}, from a file of that name");
    let replace =
        "kubectl -n {} create secret generic {} --from-file={} --dry-run=client -o yaml | kubectl apply -f -";
    Some(
        fault(secret.clone(), Code::SopsKeyInvalid, None, summary)
            .remedy(put, command(replace, &[&secret.namespace, &secret.name, entry]))
            .remedy("then ask for a run, a changed Secret starts none", reconcile(&failure.node.key)),
    )
}

fn secret_not_found(failure: &Failure<'_>, secret: ObjectKey) -> Fault {
    if failure.snapshot.presence(&secret) == Presence::There {
        let summary = format!("{} with the decryption keys was missing, and is there by now", called(&secret));
        return fault(secret, Code::SopsSecretNotFound, None, summary)
            .remedy("ask for a run, a new Secret starts none", reconcile(&failure.node.key));
    }
    let summary = format!("{} with the decryption keys does not exist", called(&secret));
    let mut found = fault(secret.clone(), Code::SopsSecretNotFound, None, summary).comes_of(&secret);
    let elsewhere: Vec<String> = failure
        .snapshot
        .evidence
        .secrets
        .keys()
        .filter(|other| other.name == secret.name && other.namespace != secret.namespace)
        .map(called)
        .collect();
    if !elsewhere.is_empty() {
        found = found.seen(quote("secret", &format!("of that name there is {}", list(&elsewhere))));
    }
    let create = "kubectl -n {} create secret generic {} --from-file=age.agekey";
    found
        .remedy(
            "create it from the private key, in a file age.agekey",
            command(create, &[&secret.namespace, &secret.name]),
        )
        .remedy("then ask for a run, a new Secret starts none", reconcile(&failure.node.key))
}

/// No key opens the file.
fn mismatch(failure: &Failure<'_>, what: &str, recipients: &[String]) -> Fault {
    let key = &failure.node.key;
    let secret = secret_of(failure);
    let seen = secret.as_ref().and_then(|secret| failure.snapshot.evidence.secrets.get(secret));
    let short: Vec<String> = recipients.iter().map(|recipient| short_recipient(recipient)).collect();
    let wanted = if short.is_empty() { "another key".to_owned() } else { list(&short) };
    let holder = secret.as_ref().map_or_else(|| "the controller's keys".to_owned(), called);
    let by_now =
        seen.is_some_and(|seen| recipients.iter().any(|recipient| seen.age_recipients.contains(recipient)));
    let summary = match (by_now, recipients.len()) {
        (true, _) => {
            format!("{what} is encrypted for {wanted}, which {holder} holds by now; it has not run again since")
        }
        (false, 2..) => format!("{what} is encrypted for {wanted}, none of which is in {holder}"),
        _ => format!("{what} is encrypted for {wanted}, which is not in {holder}"),
    };
    // that a Secret opens nothing for anyone, and is itself what has to change, only the walk can tell
    let mut found = fault(key.clone(), Code::SopsKeyMismatch, None, summary);
    if !recipients.is_empty() {
        found = found.seen(quote("file", &format!("{what} is encrypted for {}", recipients.join(", "))));
    }
    if let (Some(secret), Some(seen)) = (&secret, seen) {
        found = found.seen(quote("secret", &contents(secret, seen)));
    }
    if by_now {
        return found.remedy("ask for a run, a changed Secret starts none", reconcile(key));
    }
    let find = recipients.first().and_then(|recipient| command("git grep -l {}", &[recipient]));
    found
        .remedy(
            "find the file in the repository, add the controller's recipient with sops updatekeys, and push",
            find,
        )
        .remedy(
            format!("or add the private key of {wanted} to {holder} under a name that ends in .agekey"),
            None,
        )
}

/// The controller has no age identity at all.
fn no_identity(failure: &Failure<'_>, what: &str) -> Fault {
    let key = failure.node.key.clone();
    let settings = decryption(failure.node);
    let Some(secret) = secret_of(failure) else {
        let cloud = settings.is_some_and(|settings| settings.service_account.is_some());
        if cloud {
            let summary = format!("{what} needs an age key, and spec.decryption names no Secret with one");
            return fault(key, Code::SopsFailed, Some("NoIdentity"), summary);
        }
        let summary = format!("{what} is encrypted, and spec.decryption names no Secret with a key");
        return fault(key, Code::SopsNotConfigured, Some("NoKeySource"), summary)
            .remedy("add decryption.secretRef with the Secret that holds the key, commit and push", None);
    };
    let coarse = |summary: String| {
        fault(key.clone(), Code::SopsFailed, Some("NoIdentity"), summary)
            .remedy("see which keys the Secret has (names only)", kubectl("describe", &secret))
    };
    let Some(seen) = failure.snapshot.evidence.secrets.get(&secret) else {
        let gone = failure.snapshot.presence(&secret) == Presence::Absent;
        let state = if gone { "does not exist by now" } else { "gave no age key (it was not looked at)" };
        return coarse(format!("{what} cannot be decrypted: {} {state}", called(&secret)));
    };
    if seen.keys.iter().any(|key| key.ends_with(".agekey")) {
        return coarse(format!(
            "{what} cannot be decrypted: {} gave no age key, although it holds one by now",
            called(&secret)
        ));
    }
    key_name(&secret, seen).remedy("then ask for a run, a changed Secret starts none", reconcile(&key))
}

/// A decryption Secret without any key under a name that the controller reads.
fn key_name(secret: &ObjectKey, seen: &SecretKeys) -> Fault {
    let ignored: Vec<&str> = seen.keys.iter().map(String::as_str).filter(|key| !is_read(key)).collect();
    let summary = match ignored.as_slice() {
        [] if seen.keys.is_empty() => format!("{} is empty: it holds no decryption key", called(secret)),
        [] => format!("{} holds no age key, which would have to end in .agekey", called(secret)),
        names => format!(
            "{} holds {}, which the controller does not read: the name of an age key has to end in .agekey",
            called(secret),
            list(names)
        ),
    };
    let found = fault(secret.clone(), Code::SopsSecretKeyName, None, summary)
        .seen(quote("secret", &contents(secret, seen)));
    let looks_like_age =
        |name: &&&str| name.contains("age") || name.ends_with("keys.txt") || name.ends_with(".key");
    match ignored.iter().filter(looks_like_age).collect::<Vec<_>>().as_slice() {
        [name] => {
            let patch = format!(r#"[{{"op":"move","from":"/data/{name}","path":"/data/age.agekey"}}]"#);
            found.remedy(
                format!("rename {name} to age.agekey, if it holds the age key"),
                command("kubectl -n {} patch secret {} --type=json -p {}", &[&secret.namespace, &secret.name, &patch]),
            )
        }
        _ => found.remedy(
            "put the private key into it, from a file age.agekey",
            command(
                "kubectl -n {} create secret generic {} --from-file=age.agekey --dry-run=client -o yaml | kubectl apply -f -",
                &[&secret.namespace, &secret.name],
            ),
        ),
    }
}

/// What is known of the keys before the controller has tried them: their Secret is missing, or holds none that it reads.
pub(super) fn before_the_run(snapshot: &Snapshot, node: &Node) -> Option<Fault> {
    let settings = decryption(node)?;
    let secret = ObjectKey::new(GroupKind::SECRET, &*node.key.namespace, settings.secret.as_deref()?);
    let failure = Failure { node, reason: "", message: "", snapshot };
    let mut found = match snapshot.evidence.secrets.get(&secret) {
        None if snapshot.presence(&secret) == Presence::Absent => secret_not_found(&failure, secret),
        Some(seen) if !seen.keys.iter().any(|key| is_read(key)) => key_name(&secret, seen),
        _ => return None,
    };
    let run = reconcile(&node.key);
    found.remedies.retain(|remedy| remedy.command != run); // it will run by itself
    Some(found)
}

/// A file for which the controller has no key, seen before it has tried. `of` names the file's recipients, all of them age
/// ones; `None` where the Secret was not looked at, or holds something else that may open it.
pub(super) fn opens_nothing(snapshot: &Snapshot, node: &Node, what: &str, of: &[String]) -> Option<Fault> {
    let settings = decryption(node)?;
    let secret = ObjectKey::new(GroupKind::SECRET, &*node.key.namespace, settings.secret.as_deref()?);
    let seen = snapshot.evidence.secrets.get(&secret)?;
    let only_age = seen.keys.iter().filter(|key| is_read(key)).all(|key| key.ends_with(".agekey"));
    let known = only_age && seen.unverifiable == 0 && !seen.age_recipients.is_empty();
    if !known || of.is_empty() || of.iter().any(|recipient| seen.age_recipients.contains(recipient)) {
        return None;
    }
    Some(mismatch(&Failure { node, reason: "", message: "", snapshot }, what, of))
}

/// Whether the controller reads that key of a decryption Secret; all others it ignores silently.
fn is_read(key: &str) -> bool {
    key.ends_with(".agekey") || key.ends_with(".asc") || FIXED_KEYS.contains(&key)
}

/// Key names and public recipients, never a value.
pub(super) fn contents(secret: &ObjectKey, seen: &SecretKeys) -> String {
    let names: Vec<&str> = seen.keys.iter().map(String::as_str).collect();
    let names = if names.is_empty() { "no key".to_owned() } else { names.join(", ") };
    let mut text = format!("{} holds {names}", called(secret));
    if !seen.age_recipients.is_empty() {
        let recipients: Vec<&str> = seen.age_recipients.iter().map(String::as_str).collect();
        text.push_str(&format!(", for {}", recipients.join(", ")));
    }
    if seen.unverifiable > 0 {
        text.push_str(&format!(", and {} identities that cannot be compared here", seen.unverifiable));
    }
    text
}

pub(super) fn decryption(node: &Node) -> Option<&Decryption> {
    node.kustomization()
        .and_then(|spec| spec.decryption.as_ref())
        .filter(|decryption| decryption.provider == "sops")
}

/// The Secret from which the controller took its keys: `secretRef`, else that of `--sops-age-secret`.
pub(super) fn secret_of(failure: &Failure<'_>) -> Option<ObjectKey> {
    let settings = decryption(failure.node)?;
    if let Some(name) = &settings.secret {
        return Some(ObjectKey::new(GroupKind::SECRET, failure.node.key.namespace.clone(), name));
    }
    let controllers = failure.snapshot.evidence.workloads.iter();
    let (controller, workload) = controllers
        .filter(|(key, _)| key.kind == GroupKind::DEPLOYMENT && key.name == "kustomize-controller")
        .find(|(_, workload)| workload.args.iter().any(|arg| arg.starts_with("--sops-age-secret")))?;
    let name = workload.args.iter().find_map(|arg| arg.strip_prefix("--sops-age-secret="))?;
    Some(ObjectKey::new(GroupKind::SECRET, controller.namespace.clone(), name))
}

fn secret_key(id: &str, namespace: &str) -> ObjectKey {
    let (namespace, name) = id.split_once('/').unwrap_or((namespace, id));
    ObjectKey::new(GroupKind::SECRET, namespace, name)
}

/// What could not be decrypted, in words.
fn encrypted_thing(message: &str) -> String {
    if let Some(id) = between(message, "failed to decrypt and format '", "' Secret data") {
        return format!("Secret {id}");
    }
    match between(message, "decryption failed for '", "'") {
        Some(id) => resource_id(id),
        None => "A file of its generators or patches".to_owned(),
    }
}

/// Recipients of the encrypted file, one `<recipient>: FAILED` line each, without those that are no age key.
fn recipients(message: &str) -> Vec<String> {
    let lines = message.lines().filter_map(|line| line.trim().strip_suffix(": FAILED"));
    let found: BTreeSet<&str> = lines.filter(|line| line.starts_with("age1") && !line.contains(' ')).collect();
    found.into_iter().map(str::to_owned).collect()
}

/// Why it failed, without the frame that sops puts around it.
fn reason(plain: &str) -> String {
    let inner = after(plain, ": FAILED ").map_or(plain, |rest| {
        let rest = rest.split(" Recovery failed").next().unwrap_or(rest);
        rest.split_once(": FAILED ").map_or(rest, |(_, rest)| rest)
    });
    for prefix in [
        "error decrypting sops tree: ",
        "cannot get sops data key: ",
        "Secret data: ",
        "error decrypting sources: ",
    ] {
        if let Some(rest) = after(inner, prefix) {
            return rest.to_owned();
        }
    }
    inner.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::super::{Failure, leads};
    use super::*;
    use crate::model::Spec;

    const OURS: &str = "age12pejw4vvt2gf93xey9p4mljhm5ngx8dv9ytsc37wl9xxn82mhs8sq95f74";
    const THEIRS: &str = "age1ak02vdwpr02t0e8np7sp057ktk6txj4tluvd3ghktxxl367xff6s72faqj";

    fn no_match(name: &str, recipients: &[&str], old: bool) -> String {
        let why = if old {
            "age: no identity matched any of the recipients"
        } else {
            "age: identity did not match any of the recipients: incorrect\n      | identity for recipient block"
        };
        let blocks: Vec<String> = recipients
            .iter()
            .map(|r| {
                format!("  {r}: FAILED\n    - | failed to create reader for decrypting sops data key with\n      | {why}\n")
            })
            .collect();
        format!(
            "decryption failed for 'Secret.v1.[noGrp]/{name}': failed to decrypt and format 'sopsfail/{name}' Secret data: \
             cannot get sops data key: Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED\n{}\n\
             Recovery failed because no master key was able to decrypt the file. In\norder for SOPS to recover the file, at \
             least one key has to be successful,\nbut none were.",
            blocks.join("  \n")
        )
    }

    const NONE_LOADED: &str = "decryption failed for 'Secret.v1.[noGrp]/keyname': failed to decrypt and format \
        'sopsfail/keyname' Secret data: cannot get sops data key: Failed to get the data key required to decrypt the SOPS \
        file.\n\nGroup 0: FAILED\n  age12pejw4vvt2gf93xey9p4mljhm5ngx8dv9ytsc37wl9xxn82mhs8sq95f74: FAILED\n    - | failed to \
        load age identities. Did not find keys in\n      | locations 'SOPS_AGE_SSH_PRIVATE_KEY_FILE',\n      | \
        'SOPS_AGE_KEY_CMD', and '/home/flux/.config/sops/age/keys.txt'.\n\nRecovery failed because no master key was able to \
        decrypt the file.";

    fn with_secret(name: &str, keys: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.evidence.secrets.insert(key(GroupKind::SECRET, &format!("sopsfail/{name}")), secret(keys));
        snapshot
    }

    #[test]
    fn a_mismatch_names_the_recipient_and_the_secret() {
        for old in [false, true] {
            let node = encrypted("sopsfail/mismatch", Some("good"));
            let mut snapshot = with_secret("good", &["age.agekey"]);
            snapshot.evidence.secrets.values_mut().for_each(|keys| {
                keys.age_recipients.insert(OURS.to_owned());
            });
            let message = no_match("mismatch", &[THEIRS], old);
            let failure =
                Failure { node: &node, reason: "BuildFailed", message: &message, snapshot: &snapshot };
            let fault = only(leads(&failure));
            assert_eq!(
                verdict(&fault),
                ("Kustomization/sopsfail/mismatch".into(), Code::SopsKeyMismatch, None)
            );
            insta::allow_duplicates! { insta::assert_snapshot!(fault.summary, @"Secret sopsfail/mismatch is encrypted for age1ak0…faqj, which is not in Secret sopsfail/good") };
            let all: Vec<&str> = fault.evidence.iter().map(|quote| quote.text.as_str()).collect();
            assert!(all.iter().any(|text| text.contains(THEIRS)), "{all:?}");
            assert!(all.iter().any(|text| text.contains("age.agekey") && text.contains(OURS)), "{all:?}");
            assert!(all.iter().all(|text| !text.contains('|')), "{all:?}");
            assert_eq!(fault.remedies[0].command.as_deref(), Some(&*format!("git grep -l {THEIRS}")));
        }
    }

    #[test]
    fn every_recipient_of_the_file_is_named() {
        let node = encrypted("sopsfail/two", Some("good"));
        let second = "age1cw5yrhfdpf52u67hhky4k6wr0tjp9gxmwae29pwqw9gh4lsjwphsz4vylv";
        let fault = only(alone(&node, "BuildFailed", &no_match("two", &[THEIRS, second], false)));
        insta::assert_snapshot!(fault.summary, @"Secret sopsfail/two is encrypted for age1ak0…faqj and age1cw5…vylv, none of which is in Secret sopsfail/good");
    }

    #[test]
    fn a_generator_file_fails_the_same_way() {
        let message = no_match("x", &[THEIRS], false);
        let message = format!("error decrypting sources: {}", after(&message, "Secret data: ").unwrap());
        let fault = only(alone(&encrypted("sopsfail/gen", Some("good")), "BuildFailed", &message));
        assert_eq!(verdict(&fault), ("Kustomization/sopsfail/gen".into(), Code::SopsKeyMismatch, None));
        insta::assert_snapshot!(fault.summary, @"A file of its generators or patches is encrypted for age1ak0…faqj, which is not in Secret sopsfail/good");
    }

    #[test]
    fn a_key_that_has_come_since_needs_only_a_run() {
        let node = encrypted("sopsfail/mismatch", Some("good"));
        let mut snapshot = with_secret("good", &["age.agekey"]);
        snapshot.evidence.secrets.values_mut().for_each(|keys| {
            keys.age_recipients.insert(THEIRS.to_owned());
        });
        let message = no_match("mismatch", &[THEIRS], false);
        let fault = only(leads(&Failure {
            node: &node,
            reason: "BuildFailed",
            message: &message,
            snapshot: &snapshot,
        }));
        assert_eq!(fault.code, Code::SopsKeyMismatch);
        assert_eq!(
            fault.remedies[0].command.as_deref(),
            Some("flux reconcile kustomization mismatch -n sopsfail --with-source")
        );
    }

    #[test]
    fn a_key_under_a_name_that_is_not_read_is_seen_in_the_secret() {
        let node = encrypted("sopsfail/keyname", Some("wrongname"));
        let snapshot = with_secret("wrongname", &["age.key"]);
        let failure = Failure { node: &node, reason: "BuildFailed", message: NONE_LOADED, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(verdict(&fault), ("Secret/sopsfail/wrongname".into(), Code::SopsSecretKeyName, None));
        insta::assert_snapshot!(fault.summary, @"Secret sopsfail/wrongname holds age.key, which the controller does not read: the name of an age key has to end in .agekey");
        insta::assert_snapshot!(fault.remedies[0].command.as_deref().unwrap(), @r#"kubectl -n sopsfail patch secret wrongname --type=json -p '[{"op":"move","from":"/data/age.key","path":"/data/age.agekey"}]'"#);
    }

    #[test]
    fn an_empty_secret_holds_no_key() {
        let node = encrypted("sopsfail/emptysec", Some("empty"));
        let snapshot = with_secret("empty", &[]);
        let failure = Failure { node: &node, reason: "BuildFailed", message: NONE_LOADED, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(verdict(&fault), ("Secret/sopsfail/empty".into(), Code::SopsSecretKeyName, None));
        assert_eq!(fault.summary, "Secret sopsfail/empty is empty: it holds no decryption key");
    }

    #[test]
    fn without_the_secret_in_sight_the_answer_is_coarser() {
        let node = encrypted("sopsfail/keyname", Some("wrongname"));
        let fault = only(alone(&node, "BuildFailed", NONE_LOADED));
        assert_eq!(
            verdict(&fault),
            ("Kustomization/sopsfail/keyname".into(), Code::SopsFailed, Some("NoIdentity"))
        );
    }

    #[test]
    fn decryption_without_any_source_of_keys() {
        let fault = only(alone(&encrypted("sopsfail/nosecretref", None), "BuildFailed", NONE_LOADED));
        assert_eq!(
            verdict(&fault),
            ("Kustomization/sopsfail/nosecretref".into(), Code::SopsNotConfigured, Some("NoKeySource"))
        );
        let mut cloud = encrypted("a/b", None);
        if let Spec::Kustomization(spec) = &mut cloud.spec {
            spec.decryption.as_mut().unwrap().service_account = Some("kms".to_owned());
        }
        assert_eq!(only(alone(&cloud, "BuildFailed", NONE_LOADED)).subcode, Some("NoIdentity"));
    }

    #[test]
    fn the_global_secret_of_the_controller_is_looked_at() {
        let node = encrypted("apps/x", None);
        let mut snapshot = Snapshot::default();
        let mut controller = deployment("x");
        controller.args.push("--sops-age-secret=sops-age".to_owned());
        let place = key(GroupKind::DEPLOYMENT, "flux-system/kustomize-controller");
        snapshot.evidence.workloads.insert(place, controller);
        snapshot.evidence.secrets.insert(key(GroupKind::SECRET, "flux-system/sops-age"), secret(&["keys.txt"]));
        let failure = Failure { node: &node, reason: "BuildFailed", message: NONE_LOADED, snapshot: &snapshot };
        assert_eq!(
            verdict(&only(leads(&failure))),
            ("Secret/flux-system/sops-age".into(), Code::SopsSecretKeyName, None)
        );
    }

    #[test]
    fn a_missing_secret_is_told_by_the_bare_words() {
        let node = encrypted("sopsfail/nosecret", Some("sops-age"));
        let snapshot = {
            let mut snapshot = Snapshot::default();
            snapshot
                .evidence
                .secrets
                .insert(key(GroupKind::SECRET, "flux-system/sops-age"), secret(&["age.agekey"]));
            snapshot
        };
        for message in [
            "secrets \"sops-age\" not found",
            "cannot get sops decryption Secret 'sopsfail/sops-age': secrets \"sops-age\" not found",
        ] {
            let failure = Failure { node: &node, reason: "BuildFailed", message, snapshot: &snapshot };
            let fault = only(leads(&failure));
            assert_eq!(verdict(&fault), ("Secret/sopsfail/sops-age".into(), Code::SopsSecretNotFound, None));
            assert!(fault.evidence[0].text.contains("Secret flux-system/sops-age"), "{:?}", fault.evidence);
        }
    }

    #[test]
    fn a_malformed_key_is_named_and_not_shown() {
        let message = "failed to import 'age.agekey' data from sops decryption Secret 'sopsfail/malformed': failed to parse \
                       and add to age identities: malformed secret key: invalid character data part: s[1]=111";
        let fault = only(alone(&encrypted("sopsfail/badkey", Some("malformed")), "BuildFailed", message));
        assert_eq!(verdict(&fault), ("Secret/sopsfail/malformed".into(), Code::SopsKeyInvalid, None));
        insta::assert_snapshot!(fault.summary, @"Key age.agekey of Secret sopsfail/malformed cannot be read as a private key");
        assert!(!format!("{fault:?}").contains("111"));
    }

    #[test]
    fn a_tampered_value_is_no_question_of_keys() {
        let message = "decryption failed for 'Secret.v1.[noGrp]/tampered': failed to decrypt and format 'sopsfail/tampered' \
                       Secret data: error decrypting sops tree: Error walking tree: Could not decrypt value: Could not \
                       decrypt with AES_GCM: cipher: message authentication failed";
        let fault = only(alone(&encrypted("sopsfail/tampered", Some("good")), "BuildFailed", message));
        assert_eq!(verdict(&fault), ("Kustomization/sopsfail/tampered".into(), Code::SopsFailed, None));
        insta::assert_snapshot!(fault.summary, @"Secret sopsfail/tampered cannot be decrypted: Error walking tree: Could not decrypt value: Could not decrypt with AES_GCM: cipher: message authentication failed");
    }

    #[test]
    fn an_encrypted_secret_without_decryption_stops_the_apply() {
        let message = "Secret/sopsdata/b is SOPS encrypted, configuring decryption is required for this secret to be reconciled";
        let fault = only(alone(&ks("sopsdata/both"), "ReconciliationFailed", message));
        assert_eq!(verdict(&fault), ("Kustomization/sopsdata/both".into(), Code::SopsNotConfigured, None));
        insta::assert_snapshot!(fault.summary, @"Secret sopsdata/b is encrypted, and Kustomization sopsdata/both has no spec.decryption");
    }

    #[test]
    fn other_key_services_give_their_own_reason() {
        let message = "decryption failed for 'Secret.v1.[noGrp]/x': failed to decrypt and format 'a/x' Secret data: cannot get \
                       sops data key: Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED\n  \
                       arn:aws:kms:eu-west-1:1:key/2: FAILED\n    - | failed to decrypt sops data key with AWS KMS: no EC2 \
                       IMDS role\n      | found\n\nRecovery failed because no master key was able";
        let fault = only(alone(&encrypted("a/x", None), "BuildFailed", message));
        assert_eq!((fault.code, fault.subcode), (Code::SopsFailed, None));
        insta::assert_snapshot!(fault.summary, @"Secret a/x is encrypted for AWS KMS key arn:aws:kms:eu-west-1:1:key/2, which the cloud identity of ServiceAccount flux-system/kustomize-controller does not open: failed to decrypt sops data key with AWS KMS: no EC2 IMDS role found");
    }
}
