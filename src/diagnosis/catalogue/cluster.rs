//! The remote cluster of `spec.kubeConfig`: its Secret, its kubeconfig, the way there.

use super::words::{between, last_words, mentions, not_found, sentence};
use super::{Failure, Lead, called, fault, kubectl};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, ObjectKey};

/// Failures to reach the cluster to which a Kustomization or HelmRelease applies.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    secret_fault(failure).or_else(|| network_fault(failure)).map(Lead::from).into_iter().collect()
}

fn secret_fault(failure: &Failure<'_>) -> Option<Fault> {
    let message = failure.message;
    let key = failure.node.key.clone();
    let named = mentions(
        message,
        &[
            "unable to read KubeConfig secret",
            "invalid KubeConfig in secret",
            "could not get KubeConfig secret",
        ],
    );
    let parse = failure.node.remote // kustomize-controller before 1.9 has no prefix
        && mentions(message, &["couldn't get version/kind", "invalid configuration: no configuration", "yaml: "])
        && failure.reason == "ReconciliationFailed"
        && !message.contains("dry-run");
    if !named && !parse {
        return None;
    }
    let quoted = between(message, "ecret '", "'").unwrap_or_default();
    let name = quoted.split_once('/').map_or(quoted, |(_, name)| name);
    let secret =
        (!name.is_empty()).then(|| ObjectKey::new(GroupKind::SECRET, failure.node.key.namespace.clone(), name));
    let what = secret.as_ref().map_or_else(|| "the Secret of spec.kubeConfig".to_owned(), called);
    let fault = if not_found(message, "secrets").is_some() {
        let found = secret_not_found(key, &what);
        secret.iter().fold(found, Fault::comes_of)
    } else if mentions(message, &["forbidden", "Forbidden"]) {
        fault(key, Code::ClusterUnreachable, None, format!("{what} cannot be read: {}", sentence(message)))
    } else {
        fault(
            key,
            Code::ClusterUnreachable,
            Some("KubeConfigInvalid"),
            format!("{what} holds no usable kubeconfig for the remote cluster"),
        )
        .remedy(
            "put a kubeconfig that works under the key value (or the one that spec.kubeConfig names)",
            secret.as_ref().and_then(|secret| kubectl("describe", secret)),
        )
    };
    Some(fault.seen(failure.said()))
}

/// The Secret of `spec.kubeConfig` does not exist.
pub(super) fn secret_not_found(key: ObjectKey, what: &str) -> Fault {
    let summary = format!("{what}, which holds the kubeconfig of the remote cluster, does not exist");
    fault(key, Code::ClusterUnreachable, Some("SecretNotFound"), summary)
        .remedy("create the Secret with a kubeconfig under the key value, or correct spec.kubeConfig", None)
}

fn network_fault(failure: &Failure<'_>) -> Option<Fault> {
    let message = failure.message;
    if !failure.node.remote || mentions(message, &["calling webhook", "call webhook", "conversion webhook"]) {
        return None;
    }
    let discovery = mentions(
        message,
        &["failed to get server groups", "failed to get API group resources", "failed to build kube client"],
    );
    let talks = discovery || mentions(message, &["cluster unreachable", "Get \"https://", "Patch \"https://"]);
    let host = between(message, "://", "/").or_else(|| between(message, "://", "\"")).map(str::to_owned);
    let host = host.unwrap_or_else(|| "its API server".to_owned());
    let key = failure.node.key.clone();
    let fault = if talks && super::artifact::network_trouble(message).is_some() {
        fault(
            key,
            Code::ClusterUnreachable,
            Some("Unreachable"),
            format!("The remote cluster at {host} cannot be reached: {}", last_words(message)),
        )
        .remedy("check that the remote API server is up and that its address in the kubeconfig is right", None)
    } else if talks && mentions(message, &["Unauthorized", "asked for the client to provide credentials"]) {
        fault(
            key,
            Code::ClusterUnreachable,
            None,
            "The remote cluster refuses the credentials of spec.kubeConfig",
        )
        .remedy("renew the kubeconfig in the Secret that spec.kubeConfig names", None)
    } else {
        return None;
    };
    Some(fault.seen(failure.said()))
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;

    #[test]
    fn kubeconfig_failures_are_told_apart() {
        let dead = "ConfigMap/applyerr/kc dry-run failed: failed to get server groups: Get \
                    \"https://127.0.0.1:1/api?timeout=30s\": dial tcp 127.0.0.1:1: connect: connection refused\n";
        let bad = "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct";
        let invalid = format!("invalid KubeConfig in secret 'applyerr/kc-bad': {bad}");
        let missing =
            "unable to read KubeConfig secret 'applyerr/missing' error: secrets \"missing\" not found";
        for (message, subcode) in [
            (dead, "Unreachable"),
            (bad, "KubeConfigInvalid"),
            (&*invalid, "KubeConfigInvalid"),
            (missing, "SecretNotFound"),
        ] {
            let fault = only(alone(&ks("applyerr/kc").on_remote_cluster(), "ReconciliationFailed", message));
            assert_eq!(
                verdict(&fault),
                ("Kustomization/applyerr/kc".into(), Code::ClusterUnreachable, Some(subcode)),
                "{message}"
            );
        }
        let message = "could not get KubeConfig secret 'helm/missing': secrets \"missing\" not found";
        let fault = only(alone(&hr("helm/kc").on_remote_cluster(), "RESTClientError", message));
        assert_eq!(fault.subcode, Some("SecretNotFound"));
        insta::assert_snapshot!(fault.summary, @"Secret helm/missing, which holds the kubeconfig of the remote cluster, does not exist");
    }

    #[test]
    fn the_local_api_server_is_no_remote_cluster() {
        let message = "ConfigMap/a/b dry-run failed: failed to get server groups: Get \"https://10.96.0.1:443/api\": \
                       dial tcp 10.96.0.1:443: connect: connection refused";
        assert_eq!(only(alone(&ks("a/b"), "ReconciliationFailed", message)).code, Code::ApplyFailed);
    }

    #[test]
    fn refused_credentials_are_no_broken_network() {
        let message = "ConfigMap/a/b dry-run failed: failed to get server groups: the server has asked for the client \
                       to provide credentials";
        let fault = only(alone(&ks("a/b").on_remote_cluster(), "ReconciliationFailed", message));
        assert_eq!((fault.code, fault.subcode), (Code::ClusterUnreachable, None));
    }
}
