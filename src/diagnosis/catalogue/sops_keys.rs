//! Files that are encrypted for other keys than age's: PGP keys, known by their fingerprint, and keys of a cloud's key
//! service, which open for whoever may use them.

use super::sops::{contents, decryption, secret_of};
use super::words::{list, mentions, sentence};
use super::{Failure, called, command, describe, fault, quote};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, ObjectKey};

/// A key that sops has tried in vain, by the name that it gives it.
#[derive(Debug, PartialEq, Eq)]
struct Tried<'a> {
    /// `PGP`, `AWS KMS`, …
    service: &'static str,
    name: &'a str,
    /// Under which name static credentials for it would stand in the decryption Secret.
    credentials: &'static str,
}

/// The fault, where every key that was tried is of one such kind; `why` is the reason without its frame.
pub(super) fn leads(failure: &Failure<'_>, what: &str, plain: &str, why: &str) -> Option<Fault> {
    let tried = tried(failure.message)?;
    let service = tried.first()?.service;
    if tried.iter().any(|key| key.service != service) {
        return None;
    }
    if service == "PGP" {
        return mentions(plain, &["No secret key", "no secret key"]).then(|| pgp(failure, what, &tried));
    }
    Some(key_service(failure, what, &tried, why))
}

/// One `<key>: FAILED` line each; `None` where one of them is of no kind that is known here.
fn tried(message: &str) -> Option<Vec<Tried<'_>>> {
    let lines = message.lines().filter_map(|line| line.trim().strip_suffix(": FAILED"));
    lines.filter(|name| !name.starts_with("Group ")).map(of_kind).collect()
}

fn of_kind(name: &str) -> Option<Tried<'_>> {
    let fingerprint = name.len() >= 16 && name.chars().all(|digit| digit.is_ascii_hexdigit());
    let (service, credentials) = match name {
        _ if fingerprint => ("PGP", ""),
        _ if name.starts_with("arn:") => ("AWS KMS", "sops.aws-kms"),
        _ if name.starts_with("projects/") => ("Google Cloud KMS", "sops.gcp-kms"),
        _ if name.starts_with("https://") && name.contains(".vault.") => ("Azure Key Vault", "sops.azure-kv"),
        _ if name.starts_with("http") && name.contains("/keys/") => ("Vault", "sops.vault-token"),
        _ => return None,
    };
    Some(Tried { service, name, credentials })
}

/// gpg has none of the private keys. What stands in `*.asc` entries is not read here.
fn pgp(failure: &Failure<'_>, what: &str, tried: &[Tried<'_>]) -> Fault {
    let names: Vec<&str> = tried.iter().map(|key| key.name).collect();
    let wanted = list(&names);
    let secret = secret_of(failure);
    let seen = secret.as_ref().and_then(|secret| failure.snapshot.evidence.secrets.get(secret));
    let holder = secret.as_ref().map_or_else(|| "the controller".to_owned(), called);
    let asc = seen.and_then(|seen| seen.keys.iter().find(|key| key.ends_with(".asc")));
    let has = match (seen, asc) {
        (Some(_), None) => format!("{holder} holds no key whose name ends in .asc"),
        _ => format!("{holder} did not give its private key"),
    };
    let summary = format!("{what} is encrypted for PGP key {wanted}, and {has}");
    let mut found = fault(failure.node.key.clone(), Code::SopsKeyMismatch, None, summary)
        .seen(quote("file", &format!("{what} is encrypted for PGP key {}", names.join(", "))));
    if let (Some(secret), Some(seen)) = (&secret, seen) {
        let unread = if asc.is_some() { "; which PGP keys stand in it was not compared" } else { "" };
        found = found.seen(quote("secret", &format!("{}{unread}", contents(secret, seen))));
    }
    if let (Some(secret), Some(asc)) = (&secret, asc) {
        let keys = format!("{{{{index .data \"{asc}\" | base64decode}}}}");
        let show = "kubectl -n {} get secret {} -o go-template={} | gpg --show-keys";
        found = found.remedy(
            "see the fingerprints of the keys that it holds",
            command(show, &[&secret.namespace, &secret.name, &keys]),
        );
    }
    found.remedy(
        format!("put the private key of {wanted} into {holder} under a name that ends in .asc, or add its own key with sops updatekeys"),
        None,
    )
}

/// A key service refused, or could not be asked: what counts is who asked.
fn key_service(failure: &Failure<'_>, what: &str, tried: &[Tried<'_>], why: &str) -> Fault {
    let names: Vec<&str> = tried.iter().map(|key| key.name).collect();
    let (service, credentials) = tried.first().map_or(("", ""), |key| (key.service, key.credentials));
    let secret = secret_of(failure);
    let seen = secret.as_ref().and_then(|secret| failure.snapshot.evidence.secrets.get(secret));
    let account = decryption(failure.node).and_then(|decryption| decryption.service_account.clone());
    let flux = failure.snapshot.flux_namespace().unwrap_or("flux-system");
    let here = failure.node.key.namespace.as_str();
    let account = match &account {
        Some(name) => ObjectKey::new(GroupKind::SERVICE_ACCOUNT, here, &**name),
        None => ObjectKey::new(GroupKind::SERVICE_ACCOUNT, flux, "kustomize-controller"),
    };
    let static_credentials = seen.is_some_and(|seen| seen.keys.contains(credentials));
    let who = match (&secret, static_credentials) {
        (Some(secret), true) => format!("the credentials under {credentials} of {}", called(secret)),
        _ => format!("the cloud identity of {}", called(&account)),
    };
    let summary = format!(
        "{what} is encrypted for {service} key {}, which {who} does not open: {}",
        list(&names),
        sentence(why)
    );
    let mut found = fault(failure.node.key.clone(), Code::SopsFailed, None, summary)
        .seen(quote("file", &format!("{what} is encrypted for {service} key {}", names.join(", "))));
    if let (Some(secret), Some(seen)) = (&secret, seen) {
        found = found.seen(quote("secret", &contents(secret, seen)));
    }
    if !static_credentials {
        found = found.remedy("see which cloud identity it bears, in its annotations", describe(&account));
    }
    found.remedy(format!("at {service}, let {who} decrypt with that key"), None)
}

#[cfg(test)]
mod tests {
    use super::super::leads;
    use super::super::testkit::*;
    use super::*;
    use crate::model::{Node, Snapshot, Spec};

    fn failed(key: &str, words: &str) -> String {
        format!(
            "decryption failed for 'Secret.v1.[noGrp]/token': failed to decrypt and format 'apps/token' Secret data: cannot \
             get sops data key: Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED\n  {key}: \
             FAILED\n    - | {words}\n\nRecovery failed because no master key was able to decrypt the file."
        )
    }

    fn told(node: &Node, snapshot: &Snapshot, message: &str) -> Fault {
        only(leads(&Failure { node, reason: "BuildFailed", message, snapshot }))
    }

    const FINGERPRINT: &str = "D7229043384BCC60326C6FB9D8720D957C3D3074";

    /// The words of sops 3.13 around those of gpg 2.4.
    fn no_secret_key() -> String {
        failed(
            FINGERPRINT,
            "could not decrypt data key with PGP key:\n      | GnuPG binary error: failed to decrypt sops data key with\n      \
             | pgp: gpg: public key decryption failed: No secret key\n      | gpg: decryption failed: No secret key",
        )
    }

    #[test]
    fn a_pgp_key_is_told_by_its_fingerprint_and_what_cannot_be_compared_as_that() {
        let node = encrypted("apps/x", Some("sops-gpg"));
        let mut snapshot = Snapshot::default();
        let fault = told(&node, &snapshot, &no_secret_key());
        assert_eq!(verdict(&fault), ("Kustomization/apps/x".into(), Code::SopsKeyMismatch, None));
        assert!(fault.summary.contains(FINGERPRINT), "{}", fault.summary);

        let holder = key(GroupKind::SECRET, "apps/sops-gpg");
        snapshot.evidence.secrets.insert(holder.clone(), secret(&["sops.asc"]));
        let fault = told(&node, &snapshot, &no_secret_key());
        assert!(
            fault
                .evidence
                .iter()
                .any(|quote| quote.text.ends_with("which PGP keys stand in it was not compared"))
        );
        assert_eq!(
            fault.remedies[0].command.as_deref(),
            Some(
                "kubectl -n apps get secret sops-gpg -o go-template='{{index .data \"sops.asc\" | base64decode}}' | gpg --show-keys"
            )
        );
        snapshot.evidence.secrets.insert(holder, secret(&["age.agekey"]));
        let fault = told(&node, &snapshot, &no_secret_key());
        assert!(fault.summary.ends_with("holds no key whose name ends in .asc"), "{}", fault.summary);

        let other =
            failed(FINGERPRINT, "failed to decrypt sops data key with pgp: gpg: can't connect to the agent");
        assert_eq!(
            told(&node, &snapshot, &other).code,
            Code::SopsFailed,
            "it does not say that the key is missing"
        );
    }

    #[test]
    fn a_key_service_is_told_with_who_asks_it() {
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/9f3c";
        let message =
            failed(arn, "failed to decrypt sops data key with AWS KMS: AccessDeniedException: not authorized");
        let mut node = encrypted("apps/x", Some("sops-kms"));
        let mut snapshot = Snapshot::default();
        let fault = told(&node, &snapshot, &message);
        assert_eq!(fault.code, Code::SopsFailed);
        let controller = "the cloud identity of ServiceAccount flux-system/kustomize-controller";
        assert!(fault.summary.contains(arn) && fault.summary.contains(controller), "{}", fault.summary);
        assert_eq!(
            fault.remedies[0].command.as_deref(),
            Some("kubectl -n flux-system describe serviceaccount kustomize-controller")
        );
        snapshot.evidence.secrets.insert(key(GroupKind::SECRET, "apps/sops-kms"), secret(&["sops.aws-kms"]));
        let fault = told(&node, &snapshot, &message);
        assert!(
            fault.summary.contains("the credentials under sops.aws-kms of Secret apps/sops-kms"),
            "{}",
            fault.summary
        );
        if let Spec::Kustomization(spec) = &mut node.spec {
            let decryption = spec.decryption.as_mut().unwrap();
            (decryption.secret, decryption.service_account) = (None, Some("decrypts".to_owned()));
        }
        let fault = told(&node, &snapshot, &message);
        assert!(fault.summary.contains("ServiceAccount apps/decrypts"), "{}", fault.summary);
    }

    #[test]
    fn keys_are_told_apart_by_the_names_that_sops_gives_them() {
        for (name, service) in [
            (FINGERPRINT, Some("PGP")),
            ("arn:aws:kms:eu-central-1:111122223333:key/9f3c", Some("AWS KMS")),
            ("projects/p/locations/global/keyRings/r/cryptoKeys/k", Some("Google Cloud KMS")),
            ("https://fleet.vault.azure.net/keys/sops/1a2b", Some("Azure Key Vault")),
            ("https://vault.example.com:8200/v1/sops/keys/first", Some("Vault")),
            ("age1zv7", None),
        ] {
            assert_eq!(of_kind(name).map(|key| key.service), service, "{name}");
        }
    }
}
