//! What the API server answers to an apply; also what it answers inside a Helm action.

use super::answer::{Answer, names_another_thing, parse, who};
use super::served::no_such_kind;
use super::words::{Subject, between, last_words, mentions, one_line, sentence, subject, without_dumps};
use super::{Failure, Lead, called, command, describe, fault, kubectl, quote};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, ObjectKey, Presence, Spec};

/// Takes everything that no other family knows: failed applies, failed pruning, and unknown reasons.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let answer = parse(failure.message);
    if failure.reason == "PruneFailed" {
        let found = if names_another_thing(&answer) { explain(failure, &answer) } else { None };
        return vec![found.unwrap_or_else(|| prune_fault(failure)).into()];
    }
    vec![explain(failure, &answer).unwrap_or_else(|| fallback(failure)).into()]
}

/// `ApplyFailed`, or the like for other kinds, with the controller's words.
pub(super) fn fallback(failure: &Failure<'_>) -> Fault {
    let (_, words) = who(failure.message);
    let key = failure.node.key.clone();
    let transient =
        mentions(words, &["object has been modified", "etcdserver: request timed out", "timeout", "EOF"]);
    let summary = match who(failure.message).0 {
        Some(object) => format!("{object} cannot be applied{}: {}", failure.place(), last_words(words)),
        None => match sentence(failure.message).as_str() {
            "" => format!("{} failed with reason {} and gave no message", called(&key), failure.reason),
            words => words.to_owned(),
        },
    };
    let code = match failure.node.spec {
        Spec::Kustomization(_) | Spec::ResourceSet => Code::ApplyFailed,
        Spec::HelmRelease(_) => super::helm::action_code(failure),
    };
    let made = fault(key.clone(), code, None, summary).seen(failure.said());
    match super::reconcile(&key) {
        again if transient && again.is_some() => made.remedy("ask for another run", again),
        _ => made,
    }
}

/// What an answer comes down to; `None` for [`Answer::Other`].
pub(super) fn explain(failure: &Failure<'_>, answer: &Answer<'_>) -> Option<Fault> {
    let key = failure.node.key.clone();
    let (object, _) = who(failure.message);
    let secret = object.is_some_and(|object| object.kind == "Secret") || failure.message.contains("Secret \"");
    let what = object.map_or_else(|| nameless(failure).to_owned(), |object| object.to_string());
    let place = failure.place();
    let found = match answer {
        Answer::Webhook { name, service, why } => {
            let object = match service {
                Some((namespace, name)) => ObjectKey::new(GroupKind::SERVICE, *namespace, *name),
                None => key,
            };
            let owner = service.map(|_| format!(" of {}", called(&object))).unwrap_or_default();
            let summary = format!(
                "{what} cannot be applied{place}: webhook {name}{owner} cannot be called: {}",
                last_words(why)
            );
            let is_gone =
                service.is_some_and(|(_, name)| why.contains(&format!("service \"{name}\" not found")));
            let remedies = service.is_some().then(|| failure.there(describe(&object)));
            let back = format!("bring {} back, the way it was installed", called(&object));
            let made = fault(object, Code::WebhookUnavailable, None, summary);
            match remedies {
                Some(_) if is_gone => made.remedy(back, None),
                Some(look) => made.remedy("see whether the Service and the Pods behind it are there", look),
                None => made.remedy("see whether what answers the webhook is up", None),
            }
            .remedy(
                "see which configuration calls it, in case what answered it is gone for good",
                failure.there(Some(
                    "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations".to_owned(),
                )),
            )
        }
        Answer::Terminating(name) => terminating(failure, name),
        Answer::ApiService(group_version) => {
            let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
            let object = ObjectKey::new(GroupKind::API_SERVICE, "", format!("{version}.{group}"));
            let summary =
                format!("{what} cannot be applied{place}: the aggregated API {group_version} does not answer");
            let look = failure.there(kubectl("describe", &object));
            fault(object, Code::ApiServiceUnavailable, None, summary)
                .remedy("see which Service answers for it and why it does not", look)
        }
        Answer::NoMatch { kind, api_version } => no_such_kind(failure, &what, kind, api_version),
        Answer::Denied { by, why } => {
            let by = by.map_or_else(|| "admission control".to_owned(), |by| format!("policy {by}"));
            let summary = format!("{what} is refused{place} by {by}: {}", sentence(why));
            fault(key, Code::AdmissionDenied, None, summary)
                .remedy("change the object so that the policy admits it, commit and push", None)
        }
        Answer::Quota { name, why } => {
            let why = if why.is_empty() { String::new() } else { format!(": {}", sentence(why)) };
            let summary = format!("{what} would exceed quota {name}{place}{why}");
            let namespace = object.map_or("", |object| object.namespace);
            let look = failure.there(command("kubectl -n {} describe resourcequota {}", &[namespace, name]));
            fault(key, Code::QuotaExceeded, None, summary).remedy("raise the quota, or free some of it", look)
        }
        Answer::Forbidden { user, what: right } => lacks_right(failure, user, right),
        Answer::Immutable { field } => immutable_fault(failure, object, *field),
        Answer::NoNamespace(name) => no_namespace(failure, &what, name),
        Answer::Conflict { manager, field } => {
            let manager = manager.unwrap_or("another manager");
            let field = field.unwrap_or("a field");
            fault(
                key,
                Code::FieldConflict,
                None,
                format!("{what} cannot be applied{place}: {manager} owns {field}"),
            )
            .remedy(format!("leave {field} out of the manifest, or out of the hands of {manager}"), None)
        }
        Answer::Invalid { .. } if failure.message.contains("namespace not specified") => {
            fault(key, Code::InvalidObject, None, format!("{what} sets no namespace, and its kind needs one"))
                .remedy("set metadata.namespace, or targetNamespace of the Kustomization", None)
        }
        Answer::Invalid { why } => {
            let why = without_dumps(&one_line(why), secret);
            fault(key, Code::InvalidObject, None, format!("{what} is invalid: {}", sentence(&why)))
                .remedy("correct the manifest, commit and push", None)
        }
        Answer::Other => return None,
    };
    let mut said = failure.said();
    if secret {
        said.text = without_dumps(&said.text, true);
    }
    Some(found.seen(said))
}

/// What stands for an object that the words do not name.
fn nameless(failure: &Failure<'_>) -> &'static str {
    match failure.node.spec {
        Spec::HelmRelease(_) => "An object of the chart",
        Spec::Kustomization(_) | Spec::ResourceSet => "An object",
    }
}

fn terminating(failure: &Failure<'_>, name: &str) -> Fault {
    let object = ObjectKey::new(GroupKind::NAMESPACE, "", name);
    let seen = failure.snapshot.evidence.namespaces.get(name).filter(|_| !failure.node.remote);
    let summary =
        format!("Namespace {name} is being deleted{}, so nothing new can be created in it", failure.place());
    let mut found = fault(object.clone(), Code::NamespaceTerminating, None, summary);
    for words in seen.iter().flat_map(|namespace| &namespace.held_by) {
        found = found.seen(quote("condition", words));
    }
    found
        .remedy("see what holds its deletion up", failure.there(kubectl("describe", &object)))
        .remedy("once it is gone, let what declares it create it again", None)
}

fn no_namespace(failure: &Failure<'_>, what: &str, name: &str) -> Fault {
    let object = ObjectKey::new(GroupKind::NAMESPACE, "", name);
    let by_now = failure.presence(&object) == Presence::There;
    let state = if by_now { "did not exist when it was applied" } else { "does not exist" };
    let summary = format!("Namespace {name} {state}{}, and {what} lives in it", failure.place());
    let made = fault(object.clone(), Code::NamespaceNotFound, None, summary);
    if by_now {
        return made.remedy("it is there by now: ask for another run", super::reconcile(&failure.node.key));
    }
    let create = failure.there(command("kubectl create namespace {}", &[name]));
    made.remedy("declare the Namespace in Git, in this path or in one that this depends on", None)
        .remedy("or create it by hand", create)
}

fn lacks_right(failure: &Failure<'_>, user: &str, right: &str) -> Fault {
    let right = right.split(['\n', '\r']).next().unwrap_or(right);
    let mut account = user.strip_prefix("system:serviceaccount:").unwrap_or_default().split(':');
    let (Some(namespace), Some(name), None) = (account.next(), account.next(), account.next()) else {
        let summary = format!("User {user} lacks a right{}: {}", failure.place(), sentence(right));
        return fault(failure.node.key.clone(), Code::Forbidden, None, summary)
            .remedy("give the user that right with a RoleBinding, or apply as another", None);
    };
    let object = ObjectKey::new(GroupKind::SERVICE_ACCOUNT, namespace, name);
    if failure.presence(&object) == Presence::Absent {
        let summary = format!("{} does not exist, so it has no rights", called(&object));
        return fault(object, Code::Forbidden, Some("ServiceAccountNotFound"), summary).remedy(
            format!(
                "declare the service account with its rights, or correct spec.serviceAccountName of {}",
                failure.node.key.name
            ),
            None,
        );
    }
    let verb = right.split_whitespace().next().unwrap_or_default();
    let resource = between(right, "resource \"", "\"").unwrap_or_default();
    let group = between(right, "API group \"", "\""); // `None` for the core group
    let within = between(right, "in the namespace \"", "\"");
    let may_not = match (resource, within) {
        ("", _) => sentence(right),
        (resource, Some(within)) => format!("{verb} {resource} in namespace {within}"),
        (resource, None) => format!("{verb} {resource} in all namespaces"),
    };
    let summary = format!("{}{} may not {may_not}", called(&object), failure.place());
    let resource = group.map_or_else(|| resource.to_owned(), |group| format!("{resource}.{group}"));
    let test = match within {
        Some(within) => command("kubectl auth can-i {} {} -n {} --as={}", &[verb, &resource, within, user]),
        None => command("kubectl auth can-i {} {} --as={}", &[verb, &resource, user]),
    };
    fault(object, Code::Forbidden, None, summary)
        .remedy("give it that right with a Role and a RoleBinding", None)
        .remedy("test it", failure.there(test).filter(|_| !right.starts_with("grant")))
}

fn immutable_fault(failure: &Failure<'_>, object: Option<Subject<'_>>, field: Option<&str>) -> Fault {
    let what = object.map_or_else(|| nameless(failure).to_owned(), |object| object.to_string());
    let summary = match field {
        Some(field) => format!("{what} cannot be changed in place: {field} is immutable"),
        None => format!("{what} cannot be changed in place: a field is immutable"),
    };
    let annotation = match failure.node.spec {
        Spec::ResourceSet => "fluxcd.controlplane.io/force: enabled",
        _ => "kustomize.toolkit.fluxcd.io/force: enabled",
    };
    let made = fault(failure.node.key.clone(), Code::ImmutableField, None, summary).remedy(
        format!("in Git, annotate the object with {annotation}: Flux then deletes and creates it"),
        None,
    );
    match object {
        Some(object) if object.kind == "Job" => {
            let job = ObjectKey::new(GroupKind::JOB, object.namespace, object.name);
            made.remedy("or delete the Job, Flux creates it again", failure.there(kubectl("delete", &job)))
        }
        _ => made.remedy("or undo the change of that field", None),
    }
}

fn prune_fault(failure: &Failure<'_>) -> Fault {
    let message = failure.message;
    let mut object = None;
    for (at, _) in message.match_indices(" delete failed") {
        object = message[..at]
            .split_whitespace()
            .next_back()
            .and_then(|word| subject(word.trim_matches(['\'', '"', ','])));
        if object.is_some() {
            break;
        }
    }
    let inventory = failure.node.status.inventory.iter().flatten();
    let key = object.map(|object| {
        let known = inventory.map(|entry| &entry.key).find(|key| {
            key.kind.kind == object.kind && key.namespace == object.namespace && key.name == object.name
        });
        known.cloned().unwrap_or_else(|| super::health::guess(failure, object))
    });
    let what =
        object.map_or_else(|| "Something that left the manifests".to_owned(), |object| object.to_string());
    let summary = format!("{what} cannot be deleted{}: {}", failure.place(), last_words(message));
    let look = key.as_ref().and_then(|key| failure.there(describe(key)));
    let made = fault(key.unwrap_or_else(|| failure.node.key.clone()), Code::PruneFailed, None, summary);
    let made = made.seen(failure.said());
    if look.is_some() { made.remedy("see what holds it", look) } else { made }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::super::{Failure, leads};
    use super::*;
    use crate::model::{Namespace, Node, Snapshot};

    /// A failed apply in the namespace of the recordings.
    fn told(message: &str) -> Fault {
        only(alone(&ks("applyerr/x"), "ReconciliationFailed", message))
    }

    #[test]
    fn what_api_servers_answer_is_told_apart() {
        let immutable = format!(
            "Job/applyerr/migrate dry-run failed (Invalid): Job.batch \"migrate\" is invalid: spec.template: Invalid value: \
             {{\"labels\":{{\"a\":\"{}\"}}}}: field is immutable\n",
            "x".repeat(3000)
        );
        let mut lines = String::new();
        for message in [
            "ConfigMap/applyerr/Bad_Name dry-run failed (Invalid): ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid \
             value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters\n",
            "ServiceMonitor/applyerr/m dry-run failed: no matches for kind \"ServiceMonitor\" in version \
             \"monitoring.coreos.com/v1\"\n",
            "Kustomization/applyerr/old dry-run failed: no matches for kind \"Kustomization\" in version \
             \"kustomize.toolkit.fluxcd.io/v1beta1\"\n",
            "PodDisruptionBudget/a/b dry-run failed: no matches for kind \"PodDisruptionBudget\" in version \"policy/v1beta1\"",
            "ConfigMap/applyerr/denied dry-run failed (Invalid): configmaps \"denied\" is forbidden: \
             ValidatingAdmissionPolicy 'nodeny' with binding 'nodeny' denied request: team label is required\n",
            "Pod/a/b dry-run failed (Forbidden): admission webhook \"validate.kyverno.svc-fail\" denied the request: no :latest",
            "Pod/a/b dry-run failed (Forbidden): pods \"b\" is forbidden: violates PodSecurity \"restricted:latest\": \
             allowPrivilegeEscalation != false",
            "Deployment/applyerr/field dry-run failed: failed to create typed patch object (applyerr/field; apps/v1, \
             Kind=Deployment): .spec.replicas: expected numeric (int or float), got string\n",
            "ConfigMap/applyerr/forbidden dry-run failed (Forbidden): configmaps \"forbidden\" is forbidden: User \
             \"system:serviceaccount:applyerr:weak\" cannot patch resource \"configmaps\" in API group \"\" in the namespace \
             \"applyerr\"\n",
            &immutable,
            "StatefulSet/a/db dry-run failed (Invalid): StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to \
             statefulset spec for fields other than 'replicas', 'ordinals' are forbidden",
            "ConfigMap/nowhere/a not found: namespaces \"nowhere\" not found\n",
            "Deployment/applyerr/nosel dry-run failed (Invalid): Deployment.apps \"nosel\" is invalid: [spec.selector: Required \
             value, spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`]\n",
            "ConfigMap/a namespace not specified: the server could not find the requested resource\n",
            "ConfigMap/applyerr/hooked dry-run failed (InternalError): Internal error occurred: failed calling webhook \
             \"guard.example.com\": failed to call webhook: Post \"https://guard.guard-system.svc:443/?timeout=2s\": service \
             \"guard\" not found\n",
            "ConfigMap/extra/big dry-run failed (Invalid): ConfigMap \"big\" is invalid: []: Too long: may not be more than \
             1048576 bytes\n",
            "Thing/extra/t dry-run failed (ServiceUnavailable): failed to get API group resources: unable to retrieve the \
             complete list of server APIs: metrics.example.com/v1beta1: the server is currently unable to handle the request\n",
            "ConfigMap/extra-gone/x dry-run failed (Forbidden): configmaps \"x\" is forbidden: unable to create new content in \
             namespace extra-gone because it is being terminated\n",
            "Pod/a/b dry-run failed (Forbidden): pods \"b\" is forbidden: exceeded quota: compute, requested: limits.cpu=2, \
             used: limits.cpu=4, limited: limits.cpu=5",
            "Deployment/a/web apply failed: Apply failed with 1 conflict: conflict with \"kubectl-edit\" using apps/v1: \
             .spec.replicas",
            "Deployment/a/web dry-run failed (Conflict): Operation cannot be fulfilled on deployments.apps \"web\": the object \
             has been modified; please apply your changes to the latest version and try again",
        ] {
            let fault = told(message);
            let (object, code, subcode) = verdict(&fault);
            lines.push_str(&format!(
                "{object} {}{}\n  {}\n",
                code.as_str(),
                subcode.unwrap_or(""),
                fault.summary
            ));
        }
        insta::assert_snapshot!(lines, @r#"
        Kustomization/applyerr/x InvalidObject
          ConfigMap applyerr/Bad_Name is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters
        CustomResourceDefinition/ServiceMonitor.monitoring.coreos.com CrdMissing
          ServiceMonitor applyerr/m is of monitoring.coreos.com/v1, which the cluster does not serve: the CustomResourceDefinition is missing
        Kustomization/applyerr/x ApiVersionNotServed
          Kustomization applyerr/old is of kustomize.toolkit.fluxcd.io/v1beta1, which the cluster does not serve: it serves the kind in other versions
        Kustomization/applyerr/x ApiVersionNotServed
          PodDisruptionBudget a/b is of policy/v1beta1, which the cluster does not serve: PodDisruptionBudget is served in policy/v1
        Kustomization/applyerr/x AdmissionDenied
          ConfigMap applyerr/denied is refused by policy nodeny: team label is required
        Kustomization/applyerr/x AdmissionDenied
          Pod a/b is refused by policy validate.kyverno.svc-fail: no :latest
        Kustomization/applyerr/x AdmissionDenied
          Pod a/b is refused by policy PodSecurity: "restricted:latest": allowPrivilegeEscalation != false
        Kustomization/applyerr/x InvalidObject
          Deployment applyerr/field is invalid: .spec.replicas: expected numeric (int or float), got string
        ServiceAccount/applyerr/weak Forbidden
          ServiceAccount applyerr/weak may not patch configmaps in namespace applyerr
        Kustomization/applyerr/x ImmutableField
          Job applyerr/migrate cannot be changed in place: spec.template is immutable
        Kustomization/applyerr/x ImmutableField
          StatefulSet a/db cannot be changed in place: spec is immutable
        Namespace/nowhere NamespaceNotFound
          Namespace nowhere does not exist, and ConfigMap nowhere/a lives in it
        Kustomization/applyerr/x InvalidObject
          Deployment applyerr/nosel is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`]
        Kustomization/applyerr/x InvalidObject
          ConfigMap a sets no namespace, and its kind needs one
        Service/guard-system/guard WebhookUnavailable
          ConfigMap applyerr/hooked cannot be applied: webhook guard.example.com of Service guard-system/guard cannot be called: service "guard" not found
        Kustomization/applyerr/x InvalidObject
          ConfigMap extra/big is invalid: []: Too long: may not be more than 1048576 bytes
        APIService/v1beta1.metrics.example.com ApiServiceUnavailable
          Thing extra/t cannot be applied: the aggregated API metrics.example.com/v1beta1 does not answer
        Namespace/extra-gone NamespaceTerminating
          Namespace extra-gone is being deleted, so nothing new can be created in it
        Kustomization/applyerr/x QuotaExceeded
          Pod a/b would exceed quota compute: requested: limits.cpu=2, used: limits.cpu=4, limited: limits.cpu=5
        Kustomization/applyerr/x FieldConflict
          Deployment a/web cannot be applied: kubectl-edit owns .spec.replicas
        Kustomization/applyerr/x ApplyFailed
          Deployment a/web cannot be applied: the object has been modified; please apply your changes to the latest version and try again
        "#);
    }

    #[test]
    fn a_dump_of_the_pod_template_is_not_shown() {
        let message = format!(
            "Job/a/migrate dry-run failed (Invalid): Job.batch \"migrate\" is invalid: spec.template: Invalid value: \
             {{\"labels\":\"{}\"}}: field is immutable\n",
            "x".repeat(9000)
        );
        let fault = told(&message);
        assert_eq!(fault.code, Code::ImmutableField);
        assert_eq!(
            fault.evidence[0].text,
            "ReconciliationFailed: Job/a/migrate dry-run failed (Invalid): Job.batch \"migrate\" is invalid: spec.template: \
             Invalid value: {…}: field is immutable"
        );
        assert_eq!(fault.remedies[1].command.as_deref(), Some("kubectl -n a delete job migrate"));
    }

    #[test]
    fn a_service_account_is_missing_only_where_accounts_are_in_sight() {
        let message = "ConfigMap/applyerr/nosa dry-run failed (Forbidden): configmaps \"nosa\" is forbidden: User \
                       \"system:serviceaccount:applyerr:missing\" cannot patch resource \"configmaps\" in API group \"\" in \
                       the namespace \"applyerr\"\n";
        let node = ks("applyerr/nosa");
        let mut snapshot = Snapshot::default();
        let subcode = |snapshot: &Snapshot, node: &Node| {
            let fault = only(leads(&Failure { node, reason: "ReconciliationFailed", message, snapshot }));
            assert_eq!(fault.object.to_string(), "ServiceAccount/applyerr/missing");
            fault.subcode
        };
        assert_eq!(subcode(&snapshot, &node), None);
        snapshot.coverage.cover(GroupKind::SERVICE_ACCOUNT, "applyerr");
        assert_eq!(subcode(&snapshot, &node), Some("ServiceAccountNotFound"));
        assert_eq!(subcode(&snapshot, &ks("applyerr/nosa").on_remote_cluster()), None);
        let fault = told(message);
        assert_eq!(
            fault.remedies[1].command.as_deref(),
            Some("kubectl auth can-i patch configmaps -n applyerr --as=system:serviceaccount:applyerr:missing")
        );
    }

    #[test]
    fn other_versions_are_known_from_definitions_and_from_objects_in_sight() {
        let node = ks("a/b");
        let mut snapshot = Snapshot::default();
        let kind = GroupKind::new("monitoring.coreos.com", "ServiceMonitor");
        let code = |snapshot: &Snapshot, api_version: &str| {
            let message = format!(
                "ServiceMonitor/a/m dry-run failed: no matches for kind \"ServiceMonitor\" in version \"{api_version}\""
            );
            let failure = Failure { node: &node, reason: "ReconciliationFailed", message: &message, snapshot };
            let fault = only(leads(&failure));
            (fault.code, fault.remedies[0].text.clone())
        };
        assert_eq!(code(&snapshot, "monitoring.coreos.com/v1").0, Code::CrdMissing);
        snapshot.evidence.served.insert(kind, vec!["v1".to_owned(), "v1beta1".to_owned()]);
        let (found, remedy) = code(&snapshot, "monitoring.coreos.com/v1alpha1");
        assert_eq!(found, Code::ApiVersionNotServed);
        assert!(remedy.contains("monitoring.coreos.com/v1,"), "{remedy}");
        let (found, remedy) = code(&snapshot, "monitoring.coreos.com/v1");
        assert_eq!((found, remedy.as_str()), (Code::CrdMissing, "ask for another run"));
    }

    #[test]
    fn commands_never_act_on_the_wrong_cluster() {
        for message in [
            "ConfigMap/nowhere/a not found: namespaces \"nowhere\" not found",
            "ConfigMap/gone/x dry-run failed (Forbidden): configmaps \"x\" is forbidden: unable to create new content in \
             namespace gone because it is being terminated",
            "ServiceMonitor/a/m dry-run failed: no matches for kind \"ServiceMonitor\" in version \"monitoring.coreos.com/v1\"",
            "A/b/c dry-run failed (InternalError): failed calling webhook \"g\": failed to call webhook: Post \
             \"https://g.n.svc:443/\": service \"g\" not found",
        ] {
            let node = ks("flux/edge").on_remote_cluster();
            let fault = only(alone(&node, "ReconciliationFailed", message));
            assert!(fault.remedies.iter().all(|remedy| remedy.command.is_none()), "{:?}", fault.remedies);
            assert!(fault.summary.contains("remote cluster"), "{}", fault.summary);
        }
    }

    #[test]
    fn a_terminating_namespace_says_what_holds_it() {
        let node = ks("extra/term");
        let mut snapshot = Snapshot::default();
        let held = Namespace {
            held_by: vec!["Some content remains: things.example.com has 1".to_owned()],
            ..Namespace::default()
        };
        snapshot.evidence.namespaces.insert("extra-gone".to_owned(), held);
        let message = "ConfigMap/extra-gone/x dry-run failed (Forbidden): configmaps \"x\" is forbidden: unable to create new \
                       content in namespace extra-gone because it is being terminated\n";
        let failure = Failure { node: &node, reason: "ReconciliationFailed", message, snapshot: &snapshot };
        let fault = only(leads(&failure));
        assert_eq!(verdict(&fault), ("Namespace/extra-gone".into(), Code::NamespaceTerminating, None));
        assert!(fault.evidence[0].text.contains("things.example.com"));
        assert_eq!(fault.remedies[0].command.as_deref(), Some("kubectl describe namespace extra-gone"));
    }

    #[test]
    fn a_webhook_without_a_service_in_its_address_blames_no_service() {
        let message = "A/b/c dry-run failed (InternalError): Internal error occurred: failed calling webhook \"x.example\": \
                       failed to call webhook: Post \"https://policy.example.com/validate?timeout=10s\": context deadline \
                       exceeded";
        let fault = told(message);
        assert_eq!(verdict(&fault), ("Kustomization/applyerr/x".into(), Code::WebhookUnavailable, None));
    }

    #[test]
    fn pruning_names_what_cannot_be_deleted() {
        let node = ks("a/b").holding(&[key(GroupKind::new("example.com", "Thing"), "x/y")]);
        let message = "delete failed, errors: Thing/x/y delete failed: admission is down";
        let fault = only(alone(&node, "PruneFailed", message));
        assert_eq!(verdict(&fault), ("Thing/x/y".into(), Code::PruneFailed, None));
        assert_eq!(fault.object.kind.group, "example.com");
        let fault = only(alone(&node, "PruneFailed", "something else"));
        assert_eq!(verdict(&fault), ("Kustomization/a/b".into(), Code::PruneFailed, None));
        let message = "Thing/x/y delete failed: things.example.com \"y\" is forbidden: User \
                       \"system:serviceaccount:a:weak\" cannot delete resource \"things\" in API group \"example.com\" in the \
                       namespace \"x\"";
        assert_eq!(only(alone(&node, "PruneFailed", message)).code, Code::Forbidden);
    }

    #[test]
    fn an_unknown_reason_quotes_the_words() {
        let fault = only(alone(&ks("a/b"), "DirectoryCreationFailed", "no space left on device"));
        assert_eq!(verdict(&fault), ("Kustomization/a/b".into(), Code::ApplyFailed, None));
        assert_eq!(fault.summary, "no space left on device");
        let fault = only(alone(&ks("a/b"), "Odd", ""));
        assert_eq!(fault.summary, "Kustomization a/b failed with reason Odd and gave no message");
    }
}
