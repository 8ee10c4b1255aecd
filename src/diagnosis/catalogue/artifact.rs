//! Artifacts that are there and cannot be downloaded, and paths that they do not hold.

use super::words::{after, between, last_words, mentions, without_temp_folders};
use super::{Failure, Lead, fault, kubectl};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, ObjectKey};

/// Downloads that fail, and `spec.path` that leads nowhere.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    path_fault(failure).or_else(|| download_fault(failure)).map(Lead::from).into_iter().collect()
}

fn path_fault(failure: &Failure<'_>) -> Option<Fault> {
    let message = without_temp_folders(failure.message);
    let key = failure.node.key.clone();
    let written = failure.node.kustomization().map(|spec| spec.path.as_str()).filter(|path| !path.is_empty());
    if failure.reason == "ArtifactFailed" && message.starts_with("kustomization path not found") {
        let path = between(&message, "stat ", ": ").or(written).unwrap_or("spec.path");
        return Some(path_not_found(key, path).seen(failure.said()));
    }
    if failure.reason == "BuildFailed" {
        // kustomize-controller joins two errors: `open <path>/kustomization.yaml: not a directory remove …`
        let path = between(&message, "open ", "/kustomization.yaml: not a directory")?;
        return message.starts_with("open ").then(|| {
            fault(
                key,
                Code::PathNotFound,
                Some("NotADirectory"),
                format!("Path {path} is a file, and spec.path has to be a folder"),
            )
            .seen(failure.said())
            .remedy("let spec.path name the folder that holds the file", None)
        });
    }
    None
}

/// `spec.path` names a folder that the source does not have.
pub(super) fn path_not_found(key: ObjectKey, path: &str) -> Fault {
    fault(key, Code::PathNotFound, None, format!("Path {path} does not exist in the source"))
        .remedy("correct spec.path, or commit the folder that is missing, and push", None)
}

fn download_fault(failure: &Failure<'_>) -> Option<Fault> {
    let message = failure.message;
    // of the next start, not of the first one: `Source artifact not found` says that there is none yet
    let gone =
        mentions(message, &["Source is not ready, artifact not found", "Source not ready: artifact not found"]);
    let changed = message.starts_with("Source is not ready, artifact digest changed"); // kustomize-controller 1.10
    let download = mentions(message, &["failed to download archive: ", "failed to download artifact"])
        || (message.starts_with("Could not load chart: ") && mentions(message, &["GET http", "Get \"http"]));
    if failure.reason != "ArtifactFailed" || !(gone || changed || download) {
        return None;
    }
    let url = between(message, "GET ", " ").or_else(|| between(message, "Get \"", "\"")).unwrap_or_default();
    let object = server(failure, url);
    let subcode = if gone { Some("NotFound") } else { network_trouble(message).or_else(|| missing(message)) };
    let name = object.namespaced_name();
    let summary = match subcode {
        Some("Refused") => format!("The artifact cannot be downloaded: {name} refuses connections"),
        Some("Timeout") => format!("The artifact cannot be downloaded: {name} does not answer"),
        Some("Dns") => format!("The artifact cannot be downloaded: the name of {name} is not resolved"),
        Some("NotFound") => format!("The artifact that its source names is not stored in {name} any more"),
        _ if changed => format!("The artifact in {name} changed while it was downloaded"),
        _ => format!("The artifact cannot be downloaded from {name}: {}", last_words(message)),
    };
    let mut fault = fault(object.clone(), Code::ArtifactUnreachable, subcode, summary).seen(failure.said());
    if let Some(workload) = failure.snapshot.evidence.workloads.get(&object) {
        let words = format!("{name}: {} of {} replicas are available", workload.available, workload.wanted);
        fault = fault.seen(super::quote("pod", &words));
    }
    fault = match subcode {
        Some("NotFound") => match failure.node.source.as_ref() {
            Some(source) => fault.remedy("let the source fetch it again", super::reconcile(source)),
            None => fault,
        },
        Some("Dns") => fault.remedy(
            "check the cluster's DNS",
            Some("kubectl -n kube-system get pods -l k8s-app=kube-dns".to_owned()),
        ),
        _ => fault,
    };
    let namespace = object.namespace.as_str();
    Some(fault.remedy("see whether it runs", kubectl("describe", &object)).remedy(
        "see whether a network policy stands in the way",
        super::command("kubectl -n {} get networkpolicies", &[namespace]),
    ))
}

/// The Deployment that serves artifacts: where Flux is seen to run, else by the address, else flux-system.
fn server(failure: &Failure<'_>, url: &str) -> ObjectKey {
    let host = after(url, "://").unwrap_or(url);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    let mut labels = host.split('.');
    let (name, namespace) = match (labels.next(), labels.next(), labels.next()) {
        (Some(name), Some(namespace), Some("svc") | None) if !name.is_empty() && !namespace.is_empty() => {
            (name, Some(namespace))
        }
        _ => ("source-controller", None),
    };
    let seen = failure.snapshot.flux_namespace();
    let namespace = match name {
        "source-controller" => seen.or(namespace),
        _ => namespace.or(seen), // an artifact of another producer, such as source-watcher
    };
    ObjectKey::new(GroupKind::DEPLOYMENT, namespace.unwrap_or("flux-system"), name)
}

/// Which way a connection failed, as Go's network errors say it.
pub(super) fn network_trouble(message: &str) -> Option<&'static str> {
    if message.contains("connection refused") {
        Some("Refused")
    } else if mentions(message, &["no such host", "server misbehaving", "Temporary failure in name resolution"])
    {
        Some("Dns")
    } else if mentions(
        message,
        &[
            "i/o timeout",
            "context deadline exceeded",
            "Client.Timeout exceeded",
            "handshake timeout",
            "connection timed out",
            "no route to host",
            "network is unreachable",
        ],
    ) {
        Some("Timeout")
    } else {
        None
    }
}

fn missing(message: &str) -> Option<&'static str> {
    mentions(message, &["404 Not Found", "status code: 404", "status: 404", "unexpected status 404"])
        .then_some("NotFound")
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::super::{Failure, leads};
    use super::*;
    use crate::model::Snapshot;

    const REFUSED: &str = "failed to download archive: GET \
        http://127.0.0.1:18083/gitrepository/unreach/repo/49c918d7.tar.gz giving up after 10 attempt(s): Get \
        \"http://127.0.0.1:18083/gitrepository/unreach/repo/49c918d7.tar.gz\": dial tcp 127.0.0.1:18083: connect: \
        connection refused";

    #[test]
    fn a_download_that_is_refused_leads_to_source_controller() {
        let fault = only(alone(&ks("unreach/a"), "ArtifactFailed", REFUSED));
        assert_eq!(
            verdict(&fault),
            ("Deployment/flux-system/source-controller".into(), Code::ArtifactUnreachable, Some("Refused"))
        );
        insta::assert_snapshot!(fault.summary, @"The artifact cannot be downloaded: flux-system/source-controller refuses connections");
        let chart = "Could not load chart: GET http://127.0.0.1:18083/helmchart/unreach/unreach-h/app-1.0.0.tgz giving up \
                     after 10 attempt(s): Get \"http://127.0.0.1:18083/helmchart/unreach/unreach-h/app-1.0.0.tgz\": dial \
                     tcp 127.0.0.1:18083: connect: connection refused";
        let fault = only(alone(&hr("unreach/h"), "ArtifactFailed", chart));
        assert_eq!(fault.code, Code::ArtifactUnreachable);
    }

    #[test]
    fn its_namespace_is_where_flux_runs_else_that_of_the_address() {
        let message = "failed to download archive: GET http://source-controller.gitops.svc.cluster.local./x.tar.gz giving \
                       up after 10 attempt(s): Get \"http://source-controller.gitops.svc.cluster.local./x.tar.gz\": dial \
                       tcp: lookup source-controller.gitops.svc.cluster.local.: no such host";
        let node = ks("a/b");
        let fault = only(alone(&node, "ArtifactFailed", message));
        assert_eq!(
            verdict(&fault),
            ("Deployment/gitops/source-controller".into(), Code::ArtifactUnreachable, Some("Dns"))
        );
        let mut snapshot = Snapshot::default();
        snapshot
            .evidence
            .workloads
            .insert(key(GroupKind::DEPLOYMENT, "flux/source-controller"), deployment("x"));
        let failure = Failure { node: &node, reason: "ArtifactFailed", message, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(fault.object.namespace, "flux");
        assert!(
            fault.evidence.iter().any(|quote| quote.text.contains("0 of 1 replicas")),
            "{:?}",
            fault.evidence
        );
        let other = message.replace("source-controller.gitops", "source-watcher.gitops");
        assert_eq!(only(alone(&node, "ArtifactFailed", &other)).object.name, "source-watcher");
    }

    #[test]
    fn the_ways_of_not_getting_it_are_told_apart() {
        for (words, subcode) in [
            ("context deadline exceeded", Some("Timeout")),
            ("dial tcp 10.0.0.1:80: i/o timeout", Some("Timeout")),
            ("unexpected EOF", None),
        ] {
            let message = format!(
                "failed to download archive: GET http://x/y.tar.gz giving up after 10 attempt(s): {words}"
            );
            assert_eq!(only(alone(&ks("a/b"), "ArtifactFailed", &message)).subcode, subcode, "{words}");
        }
        for message in [
            "Source is not ready, artifact not found, retrying in 30s",
            "Source not ready: artifact not found. Retrying in 30s",
        ] {
            assert_eq!(
                only(alone(&hr("a/b"), "ArtifactFailed", message)).subcode,
                Some("NotFound"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_named_as_in_the_repository() {
        let message = "kustomization path not found: stat /tmp/kustomization-3957215096/nowhere: no such file or directory";
        let fault = only(alone(&ks("build/pathmissing"), "ArtifactFailed", message));
        assert_eq!(verdict(&fault), ("Kustomization/build/pathmissing".into(), Code::PathNotFound, None));
        insta::assert_snapshot!(fault.summary, @"Path nowhere does not exist in the source");
    }

    #[test]
    fn a_path_that_is_a_file_is_told_in_both_versions() {
        for message in [
            "open /tmp/kustomization-2999337307/afile.yaml/kustomization.yaml: not a directory remove \
             /tmp/kustomization-2999337307/afile.yaml/kustomization.yaml: not a directory",
            "open /tmp/kustomization-1998320392/afile.yaml/kustomization.yaml: not a directory <nil>",
        ] {
            let fault = only(alone(&ks("build/pathfile"), "BuildFailed", message));
            assert_eq!((fault.code, fault.subcode), (Code::PathNotFound, Some("NotADirectory")));
            assert_eq!(fault.summary, "Path afile.yaml is a file, and spec.path has to be a folder");
        }
    }
}
