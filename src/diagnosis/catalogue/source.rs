//! Sources that have no usable artifact for a reason of their own.

use super::words::{between, last_words, list, mentions, not_found, one_line, sentence};
use super::{called, command, describe, fault, kubectl, quote, reconcile, resume};
use crate::diagnosis::{Code, Fault, Quote};
use crate::model::{Condition, ConditionStatus, GroupKind, ObjectKey, SecretKeys, Snapshot, Source};

/// What is wrong with a source that fails by itself; always `SourceNotReady`.
///
/// Sources that it is made from are left to the walk.
pub fn source_fault(source: &Source, snapshot: &Snapshot) -> Fault {
    let key = source.key.clone();
    let name = called(&key);
    if source.suspended {
        let state = if source.artifact.is_some() { "keeps its last artifact" } else { "has no artifact yet" };
        return fault(
            key.clone(),
            Code::SourceNotReady,
            Some("Suspended"),
            format!("{name} is suspended and {state}"),
        )
        .remedy("resume it", resume(&key));
    }
    let Some(condition) = failing(source) else {
        let summary = format!("{name} has no artifact, and its controller has not said why");
        return fault(key.clone(), Code::SourceNotReady, None, summary)
            .remedy("see whether source-controller has looked at it", describe(&key));
    };
    let subcode = subcode(source, condition, snapshot);
    let secret = secret_of(source, condition);
    let summary = summary(source, condition, subcode, secret.as_ref());
    let words = format!("{}: {}", condition.reason, condition.message);
    let said = Quote { time: condition.since, ..quote("condition", &words) };
    let mut found = fault(key.clone(), Code::SourceNotReady, subcode, summary).seen(said);
    if let Some(secret) = &secret
        && let Some(keys) = snapshot.evidence.secrets.get(secret)
    {
        let names: Vec<&str> = keys.keys.iter().map(String::as_str).collect();
        let names = if names.is_empty() { "no key".to_owned() } else { names.join(", ") };
        found = found.seen(quote("secret", &format!("{} holds {names}", called(secret))));
    }
    if let (Some("SecretNotFound"), Some(secret)) = (subcode, &secret) {
        found = found.comes_of(secret);
    }
    with_remedies(found, source, condition, subcode, secret.as_ref())
}

/// The condition that says why; Ready is a summary of the others, but it can be stale or missing.
fn failing(source: &Source) -> Option<&Condition> {
    const ABNORMAL: [&str; 5] =
        ["Stalled", "FetchFailed", "StorageOperationFailed", "IncludeUnavailable", "BuildFailed"];
    let conditions = &source.conditions;
    let is = |kind: &str, status| conditions.get(kind).filter(|condition| condition.status == status);
    is("Ready", ConditionStatus::False)
        .or_else(|| ABNORMAL.iter().find_map(|kind| is(kind, ConditionStatus::True)))
        .or_else(|| is("SourceVerified", ConditionStatus::False))
}

/// The sub-reason, from reason and words; the order matters where words overlap (`TLS handshake timeout` is no
/// failed TLS, `authentication required: Repository not found.` no missing repository).
fn subcode(source: &Source, condition: &Condition, snapshot: &Snapshot) -> Option<&'static str> {
    let message = one_line(&condition.message);
    let reason = condition.reason.as_str();
    let says = |needles: &[&str]| mentions(&message, needles);
    if not_found(&message, "secrets").is_some() {
        return Some("SecretNotFound");
    }
    if secret_lacks_key(&message) {
        return Some("SecretKeyMissing");
    }
    if secret_is_broken(&message) {
        return Some("SecretKeyInvalid");
    }
    match reason {
        "URLInvalid" => return Some("UrlInvalid"),
        "VerificationError" | "ChartVerificationError" | "InvalidTagSignature" | "InvalidCommitSignature" => {
            return Some("VerificationFailed");
        }
        "FeatureGateDisabled"
        | "InvalidVerificationMode"
        | "InvalidProviderConfiguration"
        | "InvalidSTSConfiguration"
        | "UnsupportedSourceKind"
        | "ValuesFilesError"
        | "ValidationFailed"
        | "IllegalPath" => {
            return Some("InvalidSpec");
        }
        "EmptyGitRepository" => return Some("RefNotFound"),
        _ => {}
    }
    if says(&["no chart name found"]) {
        return Some("ChartNotFound");
    }
    if says(&["chart with version matching", "no chart version found", "could not locate a version matching"]) {
        return Some("VersionNotFound");
    }
    if says(&["knownhosts: ", "host key mismatch", "hostkey could not be verified"]) {
        return Some("HostKeyMismatch");
    }
    if says(&["429 Too Many Requests", "status code: 429", "TOOMANYREQUESTS", "toomanyrequests", "rate limit"])
    {
        return Some("RateLimited");
    }
    if super::artifact::network_trouble(&message).is_some() || says(UNREACHABLE) {
        return Some("Unreachable");
    }
    if says(&["x509: ", "tls: ", "certificate signed by unknown authority"]) {
        return Some("TlsFailed");
    }
    if says(REFUSED) {
        let lacks = secret_of(source, condition)
            .and_then(|secret| snapshot.evidence.secrets.get(&secret))
            .is_some_and(|seen| !has_credentials(source, seen));
        return Some(if lacks { "SecretKeyMissing" } else { "AuthenticationFailed" });
    }
    if says(&[
        "couldn't find remote ref",
        "no match found for semver",
        "reference not found",
        "unable to resolve ref",
    ]) || (says(&["unable to resolve commit object"]) && says(&["object not found"]))
    {
        return Some("RefNotFound");
    }
    if says(&["MANIFEST_UNKNOWN", "manifest unknown", "manifest not found"]) {
        return Some(if is_chart(source) { "VersionNotFound" } else { "RefNotFound" });
    }
    if says(&["NAME_UNKNOWN", "repository name not known", "name unknown"]) {
        return Some(if is_chart(source) { "ChartNotFound" } else { "RepositoryNotFound" });
    }
    if source.key.kind == GroupKind::HELM_REPOSITORY && says(&[" 404 ", "status code: 404", ": 404"]) {
        return Some("IndexNotFound");
    }
    if says(&["repository not found", "bucket does not exist", "NoSuchBucket"])
        || (source.key.kind == GroupKind::BUCKET
            && says(&["bucket '"])
            && says(&["not found", "does not exist"]))
    {
        return Some("RepositoryNotFound");
    }
    if is_chart(source) && says(&["no such file or directory", "chart not found", "404 Not Found"]) {
        return Some("ChartNotFound");
    }
    if says(&[
        "URL validation failed",
        "unsupported protocol scheme",
        "invalid URL",
        "invalid control character in URL",
    ]) {
        return Some("UrlInvalid");
    }
    if says(&["Bucket name ", "improper constraint", "invalid semver", "is not supported"]) {
        return Some("InvalidSpec");
    }
    (reason == "AuthenticationFailed").then_some("AuthenticationFailed")
}

const UNREACHABLE: &[&str] = &[
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
    "500 Internal Server Error",
    "connection reset by peer",
    "unexpected EOF",
    "proxyconnect",
];

const REFUSED: &[&str] = &[
    "authentication required",
    "authorization failed",
    "unable to authenticate",
    "invalid credentials",
    "Invalid username or password",
    "401 Unauthorized",
    "403 Forbidden",
    "status code: 401",
    "status code: 403",
    "UNAUTHORIZED",
    "DENIED",
    "Permission denied",
    "permission denied",
    "Access Denied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
];

/// The controller's own check of the Secret's keys.
fn secret_lacks_key(message: &str) -> bool {
    let option = message.contains("auth option") && mentions(message, &["is required", "requires '"]);
    option
        || (message.contains("ecret")
            && mentions(message, &["required fields", "key not found", "' not found in secret"]))
}

/// Keys that are there and cannot be read.
fn secret_is_broken(message: &str) -> bool {
    mentions(
        message,
        &[
            "ssh: no key found",
            "cannot decode encrypted private keys",
            "cannot decode private key",
            "failed to find any PEM data",
            "private key does not match public key",
            "this private key is passphrase protected",
            "invalid private key",
        ],
    )
}

/// Whether a Secret holds anything with which this source can prove who it is.
fn has_credentials(source: &Source, seen: &SecretKeys) -> bool {
    let has = |key: &str| seen.keys.contains(key);
    let both = |a, b| has(a) && has(b);
    if source.url.starts_with("ssh://") || source.url.starts_with("git@") {
        return has("identity");
    }
    let token = has("bearerToken") || has("githubAppID") || has(".dockerconfigjson");
    match &*source.key.kind.kind {
        "Bucket" => {
            both("accesskey", "secretkey")
                || has("serviceaccount")
                || has("accountKey")
                || has("sasKey")
                || has("clientId")
                || has("tenantId")
        }
        _ => token || both("username", "password") || both("tls.crt", "tls.key") || both("certFile", "keyFile"),
    }
}

fn is_chart(source: &Source) -> bool {
    source.key.kind == GroupKind::HELM_CHART
}

/// The Secret that a message names, else that of the spec.
fn secret_of(source: &Source, condition: &Condition) -> Option<ObjectKey> {
    let named = not_found(&condition.message, "secrets");
    let name = named.map(str::to_owned).or_else(|| source.secret.clone())?;
    Some(ObjectKey::new(GroupKind::SECRET, source.key.namespace.clone(), name))
}

/// One sentence, with what a person would look for: address, reference, Secret.
fn summary(
    source: &Source,
    condition: &Condition,
    subcode: Option<&str>,
    secret: Option<&ObjectKey>,
) -> String {
    let name = called(&source.key);
    let message = one_line(&condition.message);
    let url =
        if source.url.is_empty() { "its address".to_owned() } else { super::words::readable(&source.url) };
    let secret = secret.map_or_else(|| "its Secret".to_owned(), called);
    let last = last_words(&message);
    match subcode {
        Some("SecretNotFound") => format!("{secret}, which {name} needs, does not exist"),
        Some("SecretKeyMissing") => match between(&message, "auth option: '", "'") {
            Some(key) => format!("{secret} holds no key {key}, which {name} needs"),
            None => format!("{secret} holds none of the keys with which {name} could log in at {url}"),
        },
        Some("SecretKeyInvalid") => format!("{secret} holds a key for {name} that cannot be read: {last}"),
        Some("AuthenticationFailed") if let Some(provider) = cloud(source) => {
            format!("{name} is refused by {url} with the identity that it has at {provider}")
        }
        Some("AuthenticationFailed") if source.secret.is_none() => {
            format!("{name} is refused by {url}, and no Secret with credentials is set")
        }
        Some("AuthenticationFailed") => format!("{name} is refused by {url} with the credentials of {secret}"),
        Some("HostKeyMismatch") => {
            format!("The host key of {url} is not among those in known_hosts of {secret}")
        }
        Some("RateLimited") => format!("{name} has asked {url} too often and is held off"),
        Some("Unreachable") => format!("{name} cannot reach {url}: {last}"),
        Some("TlsFailed") => format!("{name} does not trust {url}: {last}"),
        Some("RepositoryNotFound") => format!("{name} finds no repository at {url}"),
        Some("IndexNotFound") => format!("{name} finds no index.yaml at {url}"),
        Some("RefNotFound") => format!("{name} finds no {} at {url}", reference(&message)),
        Some("ChartNotFound") => format!("{name}: there is no chart of that name in its repository"),
        Some("VersionNotFound") => match between(&message, "version matching '", "'") {
            Some(version) => format!("{name}: its repository has no version {version} of the chart"),
            None => format!("{name}: its repository has no such version of the chart"),
        },
        Some("VerificationFailed") => format!("The signature of {name} does not verify: {last}"),
        Some("UrlInvalid") => format!("{name} has an address that is not valid: {}", sentence(&message)),
        Some("InvalidSpec") => format!("{name} has a spec that cannot work: {last}"),
        _ => format!("{name} fails: {}", sentence(&message)), // its last artifact may serve on
    }
}

/// What was looked for, in words: `branch release`, `tag v9.9.9`, `commit 0123456`.
fn reference(message: &str) -> String {
    let named = |full: &str| {
        let kinds = [("refs/heads/", "branch "), ("refs/tags/", "tag ")];
        let short =
            kinds.iter().find_map(|(prefix, kind)| Some(format!("{kind}{}", full.strip_prefix(prefix)?)));
        short.unwrap_or_else(|| format!("reference {full}"))
    };
    if let Some(full) =
        between(message, "remote ref \"", "\"").or_else(|| between(message, "resolve ref '", "'"))
    {
        return named(full);
    }
    if let Some(commit) = between(message, "commit object for '", "'") {
        return format!("commit {}", commit.chars().take(7).collect::<String>());
    }
    match message.split_once("no match found for semver: ") {
        Some((_, range)) => format!("version in {}", sentence(range)),
        None => "such reference".to_owned(),
    }
}

fn with_remedies(
    found: Fault,
    source: &Source,
    condition: &Condition,
    subcode: Option<&str>,
    secret: Option<&ObjectKey>,
) -> Fault {
    let key = &source.key;
    let ssh = source.url.starts_with("ssh://");
    let git_ssh = ssh && key.kind == GroupKind::GIT_REPOSITORY && condition.reason != "VerificationError";
    let look = secret.and_then(|secret| kubectl("describe", secret));
    let found = match subcode {
        Some("SecretNotFound") => match secret {
            Some(secret) if git_ssh => found.remedy(
                "make a new deploy key; it prints the public one, which the Git server has to be given",
                command(
                    "flux create secret git {} -n {} --url={}",
                    &[&secret.name, &secret.namespace, &source.url],
                ),
            ),
            Some(secret) => found.remedy(format!("create {}", called(secret)), None),
            None => found,
        },
        Some("SecretKeyMissing") => found
            .remedy(format!("add {} to it", expected_keys(source)), None)
            .remedy("see which keys it has (names only)", look),
        Some("SecretKeyInvalid") => found.remedy("put a key without passphrase and in PEM form into it", None),
        Some("AuthenticationFailed") => match secret {
            Some(secret) => found.remedy(format!("renew the credentials in {}", called(secret)), None),
            None if let Some(provider) = cloud(source) => found.remedy(
                format!(
                    "at {provider}, let the identity of its service account (else source-controller's) read it"
                ),
                None,
            ),
            None => found.remedy(
                format!("create a Secret with {} and name it in spec.secretRef", expected_keys(source)),
                None,
            ),
        },
        Some("HostKeyMismatch") => {
            found.remedy("make sure of the host key, then put it into known_hosts", None)
        }
        Some("TlsFailed") => {
            found.remedy("give its certificate authority as ca.crt in a Secret, or mend the certificate", None)
        }
        Some("Unreachable") => {
            found.remedy("check address, DNS and the way from source-controller to it", None)
        }
        Some("RepositoryNotFound" | "UrlInvalid" | "IndexNotFound") => {
            found.remedy("correct the address of the source, commit and push", None)
        }
        Some("RefNotFound") => found.remedy("push what is missing, or correct spec.ref", None),
        Some("ChartNotFound" | "VersionNotFound") => found.remedy(
            "correct chart or version where the chart is named (for a HelmRelease in spec.chart)",
            None,
        ),
        Some("InvalidSpec") => found.remedy("correct the spec of the source, commit and push", None),
        _ => found.remedy("see its events", describe(key)),
    };
    match subcode {
        // what only a change of the spec mends starts a run by itself
        Some("InvalidSpec" | "UrlInvalid" | "ChartNotFound" | "VersionNotFound") => found,
        _ => found.remedy("then let it try again at once", reconcile(key)),
    }
}

/// The cloud whose identity a source logs in with: it needs no Secret.
fn cloud(source: &Source) -> Option<&str> {
    source.provider.as_deref().filter(|provider| source.secret.is_none() && *provider != "github")
}

fn expected_keys(source: &Source) -> String {
    let keys: &[&str] = match &*source.key.kind.kind {
        "Bucket" => &["accesskey", "secretkey"],
        "OCIRepository" => &[".dockerconfigjson"],
        _ if source.url.starts_with("ssh://") => &["identity", "known_hosts"],
        _ => &["username", "password"],
    };
    list(keys)
}

#[cfg(test)]
mod tests {
    use super::super::testkit;
    use super::*;

    fn broken(kind: GroupKind, url: &str, secret: Option<&str>, reason: &str, message: &str) -> Source {
        let mut source = testkit::source(kind, "sources/x", url);
        source.secret = secret.map(str::to_owned);
        source.conditions.0.push(testkit::condition("Ready", ConditionStatus::False, reason, message));
        source
    }

    fn told(source: &Source) -> Fault {
        let fault = source_fault(source, &Snapshot::default());
        assert_eq!((&fault.object, fault.code), (&source.key, Code::SourceNotReady));
        fault
    }

    const CLONE: &str = "failed to checkout and determine revision: unable to clone";

    #[test]
    fn what_source_controller_writes_is_told_apart() {
        use GroupKind as K;
        let http = "http://127.0.0.1:13000/sources.git";
        let ssh = "ssh://git@127.0.0.1:1/x.git";
        let index = "failed to fetch Helm repository index: failed to cache index to temporary file:";
        let cases: Vec<(GroupKind, &str, Option<&str>, &str, String)> = vec![
            (K::GIT_REPOSITORY, http, Some("wrong"), "GitOperationFailed", format!("{CLONE} '{http}': authentication required: authentication required\n")),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", format!("{CLONE} '{http}': authentication required: Repository not found.")),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", format!("{CLONE} '{http}': couldn't find remote ref \"refs/heads/release\"")),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", format!("{CLONE} '{http}': couldn't find remote ref \"refs/tags/v9.9.9\"")),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", "failed to checkout and determine revision: unable to resolve commit object for '0123456789abcdef0123456789abcdef01234567': object not found".into()),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", "failed to checkout and determine revision: unable to resolve ref 'refs/heads/none' to a specific commit".into()),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", "failed to checkout and determine revision: no match found for semver: >=9.0.0".into()),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", format!("{CLONE} 'http://git.does-not-exist.example/x.git': Get \"http://git.does-not-exist.example/x.git/info/refs?service=git-upload-pack\": dial tcp: lookup git.does-not-exist.example on 10.96.0.10:53: no such host")),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", format!("{CLONE} '{http}': Get \"{http}\": net/http: TLS handshake timeout")),
            (K::GIT_REPOSITORY, http, None, "GitOperationFailed", format!("{CLONE} 'http://127.0.0.1:13000/nothing.git': repository not found: ")),
            (K::GIT_REPOSITORY, ssh, Some("ssh"), "AuthenticationFailed", "failed to get secret 'extra/ssh': failed to get secret 'extra/ssh': secrets \"ssh\" not found".into()),
            (K::GIT_REPOSITORY, ssh, Some("sshempty"), "GitOperationFailed", "failed to checkout and determine revision: unable to construct auth method with options: ssh: no key found".into()),
            (K::GIT_REPOSITORY, ssh, Some("emptykeys"), "AuthenticationFailed", "failed to configure authentication options: invalid 'ssh' auth option: 'identity' is required".into()),
            (K::GIT_REPOSITORY, ssh, Some("ssh"), "GitOperationFailed", format!("{CLONE} '{ssh}': ssh: handshake failed: knownhosts: key mismatch")),
            (K::GIT_REPOSITORY, "https://127.0.0.1:13443/x.git", None, "GitOperationFailed", format!("{CLONE} 'https://127.0.0.1:13443/x.git': Get \"https://127.0.0.1:13443/x.git/info/refs?service=git-upload-pack\": tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs")),
            (K::GIT_REPOSITORY, http, None, "VerificationError", "public keys secret error: secrets \"missing\" not found".into()),
            (K::GIT_REPOSITORY, http, None, "InvalidCommitSignature", "signature verification of commit 'x' failed: unable to verify Git commit: no key".into()),
            (K::OCI_REPOSITORY, "oci://127.0.0.1:1/x", Some("missing"), "AuthenticationFailed", "failed to get credential: failed to get secret 'sources/missing': secrets \"missing\" not found".into()),
            (K::OCI_REPOSITORY, "oci://127.0.0.1:1/x", None, "URLInvalid", "URL validation failed for 'oci://127.0.0.1:1/x': repository must be between 2 and 255 characters in length: x".into()),
            (K::OCI_REPOSITORY, "oci://ghcr.io/a/b", None, "OCIArtifactPullFailed", "failed to determine artifact digest: GET https://ghcr.io/v2/a/b/manifests/v9: MANIFEST_UNKNOWN: manifest unknown".into()),
            (K::OCI_REPOSITORY, "oci://docker.io/a/b", None, "OCIArtifactPullFailed", "failed to pull artifact: GET https://index.docker.io/v2/a/b/manifests/v9: TOOMANYREQUESTS: You have reached your pull rate limit".into()),
            (K::BUCKET, "minio.example", Some("missing"), "AuthenticationFailed", "failed to get secret 'sources/missing': secrets \"missing\" not found".into()),
            (K::BUCKET, "minio.example", None, "BucketOperationFailed", "failed to confirm existence of 'b' bucket: Bucket name cannot be shorter than 3 characters".into()),
            (K::BUCKET, "minio.example", None, "BucketOperationFailed", "bucket 'backups' not found".into()),
            (K::HELM_REPOSITORY, "http://127.0.0.1:13001/none", None, "Failed", format!("{index} failed to fetch http://127.0.0.1:13001/none/index.yaml : 404 File not found")),
            (K::HELM_REPOSITORY, "http://127.0.0.1:1", None, "Failed", format!("{index} Get \"http://127.0.0.1:1/index.yaml\": dial tcp 127.0.0.1:1: connect: connection refused")),
            (K::HELM_REPOSITORY, "https://127.0.0.1:13443", None, "Failed", format!("{index} Get \"https://127.0.0.1:13443/index.yaml\": tls: failed to verify certificate: x509: cannot validate certificate")),
            (K::HELM_REPOSITORY, "https://charts.example", Some("c"), "Failed", format!("{index} failed to fetch https://charts.example/index.yaml : 401 Unauthorized")),
            (K::HELM_REPOSITORY, "https://charts.example", None, "IndexationFailed", "failed to load Helm repository from index YAML: no API version specified".into()),
            (K::HELM_CHART, "", None, "InvalidChartReference", "invalid chart reference: failed to get chart version for remote reference: no chart name found".into()),
            (K::HELM_CHART, "", None, "InvalidChartReference", "invalid chart reference: failed to get chart version for remote reference: no 'app' chart with version matching '9.9.9' found".into()),
            (K::HELM_CHART, "", None, "ValuesFilesError", "values files merge error: no values file found at path 'prod.yaml'".into()),
        ];
        let mut lines = String::new();
        for (kind, url, secret, reason, message) in cases {
            let fault = told(&broken(kind, url, secret, reason, &message));
            lines.push_str(&format!("{}: {}\n", fault.subcode.unwrap_or("-"), fault.summary));
        }
        insta::assert_snapshot!(lines, @r#"
        AuthenticationFailed: GitRepository sources/x is refused by http://127.0.0.1:13000/sources.git with the credentials of Secret sources/wrong
        AuthenticationFailed: GitRepository sources/x is refused by http://127.0.0.1:13000/sources.git, and no Secret with credentials is set
        RefNotFound: GitRepository sources/x finds no branch release at http://127.0.0.1:13000/sources.git
        RefNotFound: GitRepository sources/x finds no tag v9.9.9 at http://127.0.0.1:13000/sources.git
        RefNotFound: GitRepository sources/x finds no commit 0123456 at http://127.0.0.1:13000/sources.git
        RefNotFound: GitRepository sources/x finds no branch none at http://127.0.0.1:13000/sources.git
        RefNotFound: GitRepository sources/x finds no version in >=9.0.0 at http://127.0.0.1:13000/sources.git
        Unreachable: GitRepository sources/x cannot reach http://127.0.0.1:13000/sources.git: no such host
        Unreachable: GitRepository sources/x cannot reach http://127.0.0.1:13000/sources.git: TLS handshake timeout
        RepositoryNotFound: GitRepository sources/x finds no repository at http://127.0.0.1:13000/sources.git
        SecretNotFound: Secret sources/ssh, which GitRepository sources/x needs, does not exist
        SecretKeyInvalid: Secret sources/sshempty holds a key for GitRepository sources/x that cannot be read: no key found
        SecretKeyMissing: Secret sources/emptykeys holds no key identity, which GitRepository sources/x needs
        HostKeyMismatch: The host key of ssh://git@127.0.0.1:1/x.git is not among those in known_hosts of Secret sources/ssh
        TlsFailed: GitRepository sources/x does not trust https://127.0.0.1:13443/x.git: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs
        SecretNotFound: Secret sources/missing, which GitRepository sources/x needs, does not exist
        VerificationFailed: The signature of GitRepository sources/x does not verify: unable to verify Git commit: no key
        SecretNotFound: Secret sources/missing, which OCIRepository sources/x needs, does not exist
        UrlInvalid: OCIRepository sources/x has an address that is not valid: URL validation failed for 'oci://127.0.0.1:1/x': repository must be between 2 and 255 characters in length: x
        RefNotFound: OCIRepository sources/x finds no such reference at oci://ghcr.io/a/b
        RateLimited: OCIRepository sources/x has asked oci://docker.io/a/b too often and is held off
        SecretNotFound: Secret sources/missing, which Bucket sources/x needs, does not exist
        InvalidSpec: Bucket sources/x has a spec that cannot work: Bucket name cannot be shorter than 3 characters
        RepositoryNotFound: Bucket sources/x finds no repository at minio.example
        IndexNotFound: HelmRepository sources/x finds no index.yaml at http://127.0.0.1:13001/none
        Unreachable: HelmRepository sources/x cannot reach http://127.0.0.1:1: connection refused
        TlsFailed: HelmRepository sources/x does not trust https://127.0.0.1:13443: cannot validate certificate
        AuthenticationFailed: HelmRepository sources/x is refused by https://charts.example with the credentials of Secret sources/c
        -: HelmRepository sources/x fails: failed to load Helm repository from index YAML: no API version specified
        ChartNotFound: HelmChart sources/x: there is no chart of that name in its repository
        VersionNotFound: HelmChart sources/x: its repository has no version 9.9.9 of the chart
        InvalidSpec: HelmChart sources/x has a spec that cannot work: no values file found at path 'prod.yaml'
        "#);
    }

    #[test]
    fn a_secret_without_the_expected_keys_shows_only_as_refused() {
        let url = "http://127.0.0.1:13000/private/sources.git";
        let message = format!("{CLONE} '{url}': authentication required: authentication required\n");
        let source = broken(GroupKind::GIT_REPOSITORY, url, Some("emptykeys"), "GitOperationFailed", &message);
        let mut snapshot = Snapshot::default();
        let secret = testkit::key(GroupKind::SECRET, "sources/emptykeys");
        assert_eq!(source_fault(&source, &snapshot).subcode, Some("AuthenticationFailed"));
        snapshot.evidence.secrets.insert(secret.clone(), testkit::secret(&["foo"]));
        let fault = source_fault(&source, &snapshot);
        assert_eq!(fault.subcode, Some("SecretKeyMissing"));
        insta::assert_snapshot!(fault.summary, @"Secret sources/emptykeys holds none of the keys with which GitRepository sources/x could log in at http://127.0.0.1:13000/private/sources.git");
        assert_eq!(fault.evidence[1].text, "Secret sources/emptykeys holds foo");
        snapshot.evidence.secrets.insert(secret, testkit::secret(&["password", "username"]));
        assert_eq!(source_fault(&source, &snapshot).subcode, Some("AuthenticationFailed"));
    }

    #[test]
    fn a_source_that_logs_in_with_the_identity_of_a_cloud_needs_no_secret() {
        let url = "oci://1.dkr.ecr.eu.amazonaws.com/x";
        let message = "failed to determine artifact digest: GET https://1.dkr.ecr.eu.amazonaws.com/v2/x: UNAUTHORIZED: no";
        let mut source = broken(GroupKind::OCI_REPOSITORY, url, None, "AuthenticationFailed", message);
        source.provider = Some("aws".to_owned());
        let fault = told(&source);
        assert_eq!(fault.subcode, Some("AuthenticationFailed"));
        insta::assert_snapshot!(fault.summary, @"OCIRepository sources/x is refused by oci://1.dkr.ecr.eu.amazonaws.com/x with the identity that it has at aws");
        assert!(!format!("{:?}", fault.remedies).contains("Secret"), "{:?}", fault.remedies);
    }

    #[test]
    fn a_suspended_source_is_resumed() {
        let mut source = testkit::source(GroupKind::GIT_REPOSITORY, "sources/suspended", "http://x/y.git");
        source.suspended = true;
        let fault = told(&source);
        assert_eq!(fault.subcode, Some("Suspended"));
        assert_eq!(fault.remedies[0].command.as_deref(), Some("flux resume source git suspended -n sources"));
    }

    #[test]
    fn a_source_without_any_condition_still_gets_an_answer() {
        let fault = told(&testkit::source(GroupKind::EXTERNAL_ARTIFACT, "a/b", ""));
        assert_eq!(fault.subcode, None);
        assert!(!fault.summary.is_empty());
    }
}
