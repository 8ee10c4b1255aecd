//! What helm-controller writes: values, client, chart templates, actions, hooks, remediation.

use super::words::{after, between, last_words, mentions, not_found, one_line, sentence, without_dumps};
use super::{
    Failure, Lead, answer, apply, called, command, fault, health, helm_early, helm_wait, quote, workload,
};
use crate::diagnosis::{Code, Fault};
use crate::model::{Condition, ConditionStatus, GroupKind, ObjectKey, Presence, Spec};

/// Everything that stops a HelmRelease by itself.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let Spec::HelmRelease(_) = &failure.node.spec else { return Vec::new() };
    if let Some(found) = values_fault(failure) {
        return vec![found.into()];
    }
    // after a rollback or uninstall the cause stands in another condition only
    let cause = remediated(failure).map(|condition| Failure {
        reason: &condition.reason,
        message: &condition.message,
        ..*failure
    });
    let rolled_back = cause.is_some();
    action(&cause.unwrap_or(*failure), failure, rolled_back)
}

/// The condition that tells why a release was rolled back or removed.
fn remediated<'a>(failure: &Failure<'a>) -> Option<&'a Condition> {
    if !matches!(failure.reason, "RollbackSucceeded" | "RollbackFailed" | "UninstallSucceeded") {
        return None;
    }
    let conditions = &failure.node.status.conditions;
    ["Released", "TestSuccess"]
        .iter()
        .filter_map(|kind| conditions.get(kind))
        .find(|condition| condition.status == ConditionStatus::False)
}

/// `could not resolve <Kind> chart values reference '<ns>/<name>' with key '<k>': …`.
fn values_fault(failure: &Failure<'_>) -> Option<Fault> {
    let message = failure.message;
    let rest = after(message, "could not resolve ")?;
    let (kind, rest) = rest.split_once(" chart values reference '")?;
    let kind = kind.strip_prefix("optional ").unwrap_or(kind);
    let (id, rest) = rest.split_once('\'')?;
    let values_key = between(rest, "key '", "'").unwrap_or("values.yaml");
    let (namespace, name) = id.split_once('/').unwrap_or((&failure.node.key.namespace, id));
    let kind = match kind {
        "Secret" => GroupKind::SECRET,
        "ConfigMap" => GroupKind::CONFIG_MAP,
        _ => return None,
    };
    let object = ObjectKey::new(kind.clone(), namespace, name);
    let missing = not_found(message, "secrets").or_else(|| not_found(message, "configmaps")).is_some();
    if missing {
        if failure.snapshot.presence(&object) == Presence::There {
            let summary =
                format!("{} with values for the chart was missing, and is there by now", called(&object));
            return Some(
                fault(object, Code::HelmValuesMissing, None, summary)
                    .seen(failure.said())
                    .remedy("ask for another run", super::reconcile(&failure.node.key)),
            );
        }
        return Some(values_not_found(object, values_key).seen(failure.said()));
    }
    if !message.contains("key not found") {
        return helm_early::invalid_values(failure, object, values_key, rest);
    }
    let summary = format!("{} holds no key {values_key} with values for the chart", called(&object));
    let evidence = &failure.snapshot.evidence;
    let keys = match kind == GroupKind::SECRET {
        true => evidence.secrets.get(&object).map(|secret| &secret.keys),
        false => evidence.config_maps.get(&object),
    };
    let mut found =
        fault(object.clone(), Code::HelmValuesMissing, Some("KeyMissing"), summary).seen(failure.said());
    if let Some(keys) = keys {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let names = if names.is_empty() { "no key".to_owned() } else { names.join(", ") };
        let source = if kind == GroupKind::SECRET { "secret" } else { "configmap" };
        found = found.seen(quote(source, &format!("{} holds {names}", called(&object))));
    }
    Some(found.remedy(format!("add the key, or name another one with valuesKey of {name} in valuesFrom"), None))
}

/// A ConfigMap or Secret of `valuesFrom` that does not exist.
pub(super) fn values_not_found(object: ObjectKey, values_key: &str) -> Fault {
    let summary = format!("{} with values for the chart does not exist", called(&object));
    let optional = format!("or mark the entry of {} in valuesFrom as optional", object.name);
    fault(object.clone(), Code::HelmValuesMissing, None, summary)
        .comes_of(&object)
        .remedy(format!("create {} with the values under key {values_key}", called(&object)), None)
        .remedy(optional, None)
}

/// What one action came to. `cause` holds the words that tell why, `failure` those of the Ready condition.
fn action(cause: &Failure<'_>, failure: &Failure<'_>, rolled_back: bool) -> Vec<Lead> {
    let code = action_code(cause);
    let waits = health::waits(cause.message);
    if !waits.is_empty() {
        let default = match code {
            Code::HelmTestFailed => Some("HookFailed"),
            _ => exhausted(failure),
        };
        let lead = |wait: &health::Wait<'_>| {
            health::follow(cause, wait).unwrap_or_else(|key| {
                let found = waited_for(cause, code, key, wait.status, default);
                finish(cause, failure, found).into()
            })
        };
        return waits.iter().map(lead).collect();
    }
    let early = helm_early::opening(cause.reason);
    let opening = early.unwrap_or_else(|| verb(code));
    let words = if early.is_some() { helm_early::words(cause.message) } else { words(cause.message) };
    if helm_wait::names_nothing(words) {
        let default = exhausted(failure);
        let lead = |key| {
            let found = waited_for(cause, code, key, "InProgress", default);
            finish(cause, failure, found).into()
        };
        let found: Vec<Lead> = helm_wait::not_ready(cause).into_iter().map(lead).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let answer = answer::parse(cause.message);
    if answer::names_another_thing(&answer)
        && let Some(found) = apply::explain(cause, &answer)
    {
        return vec![found.into()];
    }
    let key = failure.node.key.clone();
    let told = template(words).or_else(|| pending(failure, words)).or_else(|| invalid(words, &answer));
    let found = match (told, hook(cause, words)) {
        (_, Some((object, why))) => {
            let object = object.unwrap_or(key);
            hook_fault(cause, code, object, &why)
        }
        (Some((subcode, why)), None) => fault(key, code, Some(subcode), format!("{opening} {why}")),
        (None, None) => {
            let subcode = if rolled_back { Some("RolledBack") } else { exhausted(failure) };
            let why =
                if helm_wait::names_nothing(words) { helm_wait::RAN_OUT.to_owned() } else { ending(words) };
            fault(key, code, subcode, format!("{opening} {why}"))
        }
    };
    let found = if rolled_back { found.seen(failure.said()) } else { found };
    vec![finish(cause, failure, found).into()]
}

/// Which action failed: by the reason, else by the words, else by whether anything was ever deployed.
pub(super) fn action_code(failure: &Failure<'_>) -> Code {
    let reason = failure.reason;
    let says = |word: &str| failure.message.starts_with(&format!("Helm {word} failed"));
    let deployed = failure.node.helm_release().is_some_and(|spec| spec.deployed.is_some());
    if reason == "TestFailed" || says("test") {
        Code::HelmTestFailed
    } else if matches!(reason, "UninstallFailed") || says("uninstall") {
        Code::HelmUninstallFailed
    } else if matches!(reason, "UpgradeFailed" | "RollbackFailed" | "RollbackSucceeded") || says("upgrade") {
        Code::HelmUpgradeFailed
    } else if matches!(reason, "InstallFailed" | "UninstallSucceeded") || says("install") || !deployed {
        Code::HelmInstallFailed
    } else {
        Code::HelmUpgradeFailed
    }
}

fn verb(code: Code) -> &'static str {
    match code {
        Code::HelmUpgradeFailed => "The upgrade failed:",
        Code::HelmTestFailed => "The tests failed:",
        Code::HelmUninstallFailed => "The uninstall failed:",
        _ => "The install failed:",
    }
}

/// The controller's words without the frame `Helm <action> failed for release <r> with chart <c>: `.
fn words(message: &str) -> &str {
    after(message, " with chart ")
        .and_then(|rest| after(rest, ": "))
        .or_else(|| after(message, "failed: "))
        .unwrap_or(message)
}

/// Whether no retry will come, which is all that can be said of some failures.
fn exhausted(failure: &Failure<'_>) -> Option<&'static str> {
    let stalled = failure.node.status.conditions.get("Stalled");
    let exceeded = stalled.filter(|stalled| stalled.status == ConditionStatus::True);
    exceeded
        .is_some_and(|stalled| matches!(stalled.reason.as_str(), "RetriesExceeded" | "MissingRollbackTarget"))
        .then_some("RetriesExhausted")
}

/// Charts that do not render, and values that their schema refuses.
fn template(words: &str) -> Option<(&'static str, String)> {
    let plain = one_line(words);
    if plain.contains("values don't meet the specifications of the schema") {
        let details: Vec<&str> = words
            .lines()
            .map(str::trim)
            .filter_map(|line| line.strip_prefix("- "))
            .filter(|l| !l.is_empty())
            .collect();
        let why = if details.is_empty() { sentence(&plain) } else { sentence(&details.join("; ")) };
        return Some(("ValuesSchema", format!("the values do not fit the chart's schema: {why}")));
    }
    if let Some(place) = between(&plain, "execution error at (", ")") {
        let why = after(&plain, "): ").unwrap_or(&plain);
        return Some(("TemplateFailed", format!("template {} says: {}", file_of(place), sentence(why))));
    }
    let broken =
        mentions(&plain, &["template: ", "parse error at (", "YAML parse error on ", "error calling "]);
    broken.then(|| {
        let place = between(&plain, "YAML parse error on ", ": ")
            .or_else(|| between(&plain, "parse error at (", ")"))
            .or_else(|| after(&plain, "template: ").and_then(|rest| rest.split_whitespace().next()));
        let place = place.map(|place| format!("template {} cannot be rendered", file_of(place)));
        let why = plain.rsplit(": ").next().unwrap_or(&plain);
        let place = place.unwrap_or_else(|| "a template cannot be rendered".to_owned());
        ("TemplateFailed", format!("{place}: {}", sentence(why)))
    })
}

/// `failtpl/templates/f.yaml:1:3` without the column.
fn file_of(place: &str) -> &str {
    let place = place.trim_end_matches(':');
    match place.rsplit_once(':') {
        Some((head, column)) if head.contains(':') && column.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => place,
    }
}

fn pending(failure: &Failure<'_>, words: &str) -> Option<(&'static str, String)> {
    let busy = words.contains("another operation (install/upgrade/rollback) is in progress");
    (busy || failure.reason == "PendingRelease")
        .then(|| ("Pending", "an earlier action was cut off and left the release pending".to_owned()))
}

/// An object that the API server refuses; what has to change is in the chart or its values.
fn invalid(words: &str, answer: &answer::Answer<'_>) -> Option<(&'static str, String)> {
    let refused = matches!(answer, answer::Answer::Invalid { .. } | answer::Answer::Immutable { .. });
    refused.then(|| {
        let what = after(words, "server-side apply failed for object ").and_then(|rest| {
            let (id, rest) = rest.split_once(' ')?;
            Some(format!("{} {id}", between(rest, "Kind=", ":")?))
        });
        let patched = || {
            Some(format!("{} {}", between(words, "with kind ", ":")?, between(words, "cannot patch \"", "\"")?))
        };
        let what = what.or_else(patched);
        let why = match answer {
            answer::Answer::Immutable { field: Some(field) } => format!("{field} is immutable"),
            answer::Answer::Immutable { field: None } => "a field is immutable".to_owned(),
            answer::Answer::Invalid { why } => {
                sentence(&without_dumps(&one_line(why), words.contains("Secret")))
            }
            _ => String::new(),
        };
        let what = what.unwrap_or_else(|| "an object of the chart".to_owned());
        ("InvalidObject", format!("{what} is invalid: {why}"))
    })
}

/// A hook or test that failed, its Job or Pod where it is named.
fn hook(cause: &Failure<'_>, words: &str) -> Option<(Option<ObjectKey>, String)> {
    let plain = one_line(words);
    let namespace = between(cause.message, "for release ", "/").unwrap_or(&cause.node.key.namespace);
    let named = |kind: &str, group: GroupKind| {
        let rest = after(&plain, &format!("{kind} "))?;
        let mut words = rest.split(' ');
        let (name, verb) = (words.next()?, words.next()?);
        (verb.starts_with("failed") && name != "failed").then(|| ObjectKey::new(group, namespace, name))
    };
    let object = named("* job", GroupKind::JOB)
        .or_else(|| named("* pod", GroupKind::POD))
        .or_else(|| named("job", GroupKind::JOB).or_else(|| named("pod", GroupKind::POD)));
    let hooks = mentions(&plain, &["hooks failed", "failed pre-", "failed post-", "job failed: ", "hook "]);
    (hooks || object.is_some()).then(|| {
        let why = plain.rsplit("* ").next().unwrap_or(&plain);
        let said = object.as_ref().and_then(|object| after(why, &format!("{} ", object.name)));
        (object.clone(), sentence(said.unwrap_or(why)))
    })
}

fn hook_fault(cause: &Failure<'_>, code: Code, object: ObjectKey, why: &str) -> Fault {
    let trouble = workload::trouble(cause, &object);
    let detail = trouble.why.clone().unwrap_or_else(|| why.to_owned());
    let subject = if object == cause.node.key { "a hook failed:".to_owned() } else { called(&object) };
    let subcode = trouble.subcode.or(Some("HookFailed"));
    let mut found = fault(object, code, subcode, format!("{} {subject} {detail}", verb(code)));
    for seen in trouble.seen {
        found = found.seen(seen);
    }
    for remedy in trouble.remedies {
        found = found.remedy(remedy.text, remedy.command);
    }
    found
}

/// A workload or hook that the action waited for.
fn waited_for(
    cause: &Failure<'_>,
    code: Code,
    key: ObjectKey,
    status: &str,
    default: Option<&'static str>,
) -> Fault {
    let trouble = workload::trouble(cause, &key);
    let why = match status {
        "NotFound" => "does not exist".to_owned(),
        _ => trouble.why.clone().unwrap_or_else(|| "did not become ready in time".to_owned()),
    };
    let subcode = if status == "NotFound" { Some("NotFound") } else { trouble.subcode.or(default) };
    let summary = format!("{} {} {why}{}", verb(code), called(&key), cause.place());
    let look = health::look_at(cause, &key);
    let mut found = fault(key, code, subcode, summary);
    found.shared = trouble.nodes.filter(|_| subcode == Some("Unschedulable"));
    for seen in trouble.seen {
        found = found.seen(seen);
    }
    let explained = !trouble.remedies.is_empty();
    for remedy in trouble.remedies {
        found = found.remedy(remedy.text, remedy.command);
    }
    if explained { found } else { found.remedy("see its events", look) }
}

/// Evidence and the way back that all failures of actions share.
fn finish(cause: &Failure<'_>, failure: &Failure<'_>, found: Fault) -> Fault {
    let condition = if cause.reason == failure.reason { "Ready" } else { "Released" };
    let mut said = cause.said_in(condition);
    if cause.message.contains("Secret") {
        said.text = without_dumps(&said.text, true);
    }
    let mut found = found.seen(said);
    let key = &failure.node.key;
    let (name, namespace) = (key.name.as_str(), key.namespace.as_str());
    if found.subcode == Some("Pending") {
        let history = command("kubectl -n {} get secrets -l owner=helm", &[namespace]);
        return found.remedy("see which revision of the release is pending", failure.there(history));
    }
    let stalled = failure.node.status.conditions.is_true("Stalled");
    if stalled {
        if let Some(stalled) = failure.node.status.conditions.get("Stalled") {
            found = found.seen(quote("condition", &format!("{}: {}", stalled.reason, stalled.message)));
        }
        found.remedy(
            "once it is mended without a change of chart or values, count the failures anew",
            command("flux reconcile helmrelease {} -n {} --reset", &[name, namespace]),
        )
    } else {
        found.remedy(
            "once it is mended, ask for another run",
            command("flux reconcile helmrelease {} -n {}", &[name, namespace]),
        )
    }
}

/// The controller's words, from the end of the chain of errors where they are long.
fn ending(words: &str) -> String {
    let plain = one_line(words);
    if plain.chars().count() <= 200 {
        return sentence(&plain);
    }
    last_words(&plain)
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::super::{Failure, leads};
    use super::*;
    use crate::model::{Node, Revision, Snapshot};

    const UPPER: &str = "server-side apply failed for object helm/UPPER_case /v1, Kind=ConfigMap: ConfigMap \"UPPER_case\" is \
        invalid: metadata.name: Invalid value: \"UPPER_case\": a lowercase RFC 1123 subdomain must consist of lower case";

    fn told(reason: &str, message: &str) -> Fault {
        only(alone(&hr("helm/x").stalled(), reason, message))
    }

    #[test]
    fn what_helm_controller_writes_is_told_apart() {
        let mut lines = String::new();
        let invalid = format!("Helm install failed for release helm/invalid with chart invalid@1.0.0: {UPPER}");
        let upfail = format!(
            "Helm upgrade failed for release helm/upfail with chart up@2.0.0: failed to create resource: {UPPER}"
        );
        for (reason, message) in [
            ("InstallFailed", invalid.as_str()),
            ("UpgradeFailed", upfail.as_str()),
            (
                "InstallFailed",
                "Helm install failed for release helm/failtpl with chart failtpl@1.0.0: execution error at \
                 (failtpl/templates/f.yaml:1:3): storageClass is required",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/schema with chart schema@1.0.0: values don't meet the specifications of \
                 the schema(s) in the following chart(s):\nschema:\n- at '/replicas': got string, want integer",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/crdless with chart crdless@1.0.0: unable to build kubernetes objects \
                 from release manifest: resource mapping not found for name: \"m\" namespace: \"\" from \"\": no matches for \
                 kind \"ServiceMonitor\" in version \"monitoring.example.com/v1\"\nensure CRDs are installed first",
            ),
            (
                "StateError",
                "Could not determine release state: failed to retrieve last release from storage: query: failed to query with \
                 labels: secrets is forbidden: User \"system:serviceaccount:helm:missing\" cannot list resource \"secrets\" in \
                 API group \"\" in the namespace \"helm\"",
            ),
            (
                "InstallFailed",
                "Helm install failed for release nowhere/nowhere-nosources with chart app@1.0.0: server-side apply failed for \
                 object nowhere/nowhere-nosources /v1, Kind=ConfigMap: namespaces \"nowhere\" not found",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/slow with chart slow@1.0.0: timeout waiting for: [Deployment/helm/slow \
                 status: 'InProgress']",
            ),
            (
                "TestFailed",
                "Helm test failed for release helm/tested.v1 with chart tested@1.0.0: timeout waiting for: [Pod/helm/tested-test \
                 status: 'InProgress']",
            ),
            (
                "UpgradeFailed",
                "Helm upgrade failed for release helm/x with chart x@2.0.0: pre-upgrade hooks failed: 1 error occurred:\n\t* job \
                 migrate failed: BackoffLimitExceeded\n\n",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/x with chart x@2.0.0: failed pre-install: 1 error occurred:\n\t* job \
                 failed: BackoffLimitExceeded\n\n",
            ),
            (
                "UpgradeFailed",
                "Helm upgrade failed for release helm/x with chart x@2.0.0: another operation (install/upgrade/rollback) is in \
                 progress",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/x with chart x@2.0.0: Unable to continue with install: ConfigMap \"a\" in \
                 namespace \"helm\" exists and cannot be imported into the current release: invalid ownership metadata",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/x with chart x@2.0.0: context deadline exceeded",
            ),
            (
                "InstallFailed",
                "Helm install failed for release helm/x with chart x@2.0.0: template: x/templates/a.yaml:3:4: executing \
                 \"x/templates/a.yaml\" at <.Values.a.b>: nil pointer evaluating interface {}.b",
            ),
            (
                "UpgradeFailed",
                "Helm upgrade failed for release helm/x with chart x@2.0.0: cannot patch \"x\" with kind StatefulSet: \
                 StatefulSet.apps \"x\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \
                 'replicas' are forbidden",
            ),
            (
                "UninstallFailed",
                "Helm uninstall failed for release helm/x.v1 with chart x@1.0.0: context deadline exceeded",
            ),
        ] {
            let fault = told(reason, message);
            let (object, code, subcode) = verdict(&fault);
            lines.push_str(&format!(
                "{object} {} {}\n  {}\n",
                code.as_str(),
                subcode.unwrap_or("-"),
                fault.summary
            ));
        }
        insta::assert_snapshot!(lines, @r#"
        HelmRelease/helm/x HelmInstallFailed InvalidObject
          The install failed: ConfigMap helm/UPPER_case is invalid: metadata.name: Invalid value: "UPPER_case": a lowercase RFC 1123 subdomain must consist of lower case
        HelmRelease/helm/x HelmUpgradeFailed InvalidObject
          The upgrade failed: ConfigMap helm/UPPER_case is invalid: metadata.name: Invalid value: "UPPER_case": a lowercase RFC 1123 subdomain must consist of lower case
        HelmRelease/helm/x HelmInstallFailed TemplateFailed
          The install failed: template failtpl/templates/f.yaml:1 says: storageClass is required
        HelmRelease/helm/x HelmInstallFailed ValuesSchema
          The install failed: the values do not fit the chart's schema: at '/replicas': got string, want integer
        CustomResourceDefinition/ServiceMonitor.monitoring.example.com CrdMissing -
          An object of the chart is a ServiceMonitor of monitoring.example.com/v1, which the cluster does not serve: the CustomResourceDefinition is missing
        ServiceAccount/helm/missing Forbidden -
          ServiceAccount helm/missing may not list secrets in namespace helm
        Namespace/nowhere NamespaceNotFound -
          Namespace nowhere does not exist, and ConfigMap nowhere/nowhere-nosources lives in it
        Deployment/helm/slow HelmInstallFailed RetriesExhausted
          The install failed: Deployment helm/slow did not become ready in time
        Pod/helm/tested-test HelmTestFailed HookFailed
          The tests failed: Pod helm/tested-test did not become ready in time
        Job/helm/migrate HelmUpgradeFailed HookFailed
          The upgrade failed: Job helm/migrate failed: BackoffLimitExceeded
        HelmRelease/helm/x HelmInstallFailed HookFailed
          The install failed: a hook failed: job failed: BackoffLimitExceeded
        HelmRelease/helm/x HelmUpgradeFailed Pending
          The upgrade failed: an earlier action was cut off and left the release pending
        HelmRelease/helm/x HelmInstallFailed RetriesExhausted
          The install failed: Unable to continue with install: ConfigMap "a" in namespace "helm" exists and cannot be imported into the current release: invalid ownership metadata
        HelmRelease/helm/x HelmInstallFailed RetriesExhausted
          The install failed: it waited until its time-out, and helm-controller does not say what for
        HelmRelease/helm/x HelmInstallFailed TemplateFailed
          The install failed: template x/templates/a.yaml:3 cannot be rendered: nil pointer evaluating interface {}.b
        HelmRelease/helm/x HelmUpgradeFailed InvalidObject
          The upgrade failed: StatefulSet x is invalid: spec is immutable
        HelmRelease/helm/x HelmUninstallFailed RetriesExhausted
          The uninstall failed: it waited until its time-out, and helm-controller does not say what for
        "#);
    }

    #[test]
    fn values_that_are_missing_are_named() {
        for (message, object, subcode) in [
            (
                "could not resolve ConfigMap chart values reference 'helm/badvals' with key 'values.yaml': key not found",
                "ConfigMap/helm/badvals",
                Some("KeyMissing"),
            ),
            (
                "could not resolve Secret chart values reference 'helm/missing' with key 'values.yaml': secrets \"missing\" not \
                 found",
                "Secret/helm/missing",
                None,
            ),
            (
                "could not resolve ConfigMap chart values reference 'helm/missing' with key 'values.yaml': configmaps \
                 \"missing\" not found",
                "ConfigMap/helm/missing",
                None,
            ),
        ] {
            let fault = only(alone(&hr("helm/x"), "ValuesError", message));
            assert_eq!(verdict(&fault), (object.into(), Code::HelmValuesMissing, subcode));
        }
    }

    #[test]
    fn keys_that_are_there_are_listed() {
        let node = hr("helm/nokey");
        let mut snapshot = Snapshot::default();
        let keys = ["dev.yaml".to_owned(), "values.yaml".to_owned()];
        snapshot.evidence.config_maps.insert(key(GroupKind::CONFIG_MAP, "helm/vals"), keys.into());
        let message = "could not resolve ConfigMap chart values reference 'helm/vals' with key 'prod.yaml': key not found";
        let fault = only(leads(&Failure { node: &node, reason: "ValuesError", message, snapshot: &snapshot }));
        insta::assert_snapshot!(fault.summary, @"ConfigMap helm/vals holds no key prod.yaml with values for the chart");
        assert_eq!(fault.evidence[1].text, "ConfigMap helm/vals holds dev.yaml, values.yaml");
    }

    fn rolled_back(message: &str) -> Node {
        hr("helm/uprb").stalled().with(condition("Released", ConditionStatus::False, "UpgradeFailed", message))
    }

    #[test]
    fn after_a_rollback_the_cause_is_that_of_the_release() {
        let message = format!(
            "Helm upgrade failed for release helm/uprb with chart up@2.0.0: failed to create resource: {UPPER}"
        );
        let ready = "Helm rollback to previous release helm/uprb.v3 with chart up@1.0.0 succeeded";
        let fault = only(alone(&rolled_back(&message), "RollbackSucceeded", ready));
        assert_eq!(
            verdict(&fault),
            ("HelmRelease/helm/uprb".into(), Code::HelmUpgradeFailed, Some("InvalidObject"))
        );
        let texts: Vec<&str> = fault.evidence.iter().map(|quote| quote.text.as_str()).collect();
        assert!(texts.iter().any(|text| text.contains("UPPER_case")), "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("Helm rollback")), "{texts:?}");
        let message = "Helm upgrade failed for release helm/uprb with chart up@2.0.0: something odd";
        let fault = only(alone(&rolled_back(message), "RollbackSucceeded", ready));
        assert_eq!(fault.subcode, Some("RolledBack"));
    }

    #[test]
    fn a_workload_is_looked_into() {
        let node = hr("helm/slow").stalled();
        let message = "Helm install failed for release helm/slow with chart slow@1.0.0: timeout waiting for: [Deployment/helm/slow status: \
             'InProgress']";
        let mut snapshot = Snapshot::default();
        let owner = Some(key(GroupKind::REPLICA_SET, "helm/slow-5cb7d574f"));
        let mut pending = pod(owner);
        pending.unschedulable = Some("no nodes available to schedule pods".to_owned());
        snapshot.evidence.pods.insert(key(GroupKind::POD, "helm/slow-5cb7d574f-t5vlt"), pending);
        let fault =
            only(leads(&Failure { node: &node, reason: "InstallFailed", message, snapshot: &snapshot }));
        assert_eq!(
            verdict(&fault),
            ("Deployment/helm/slow".into(), Code::HelmInstallFailed, Some("Unschedulable"))
        );
        insta::assert_snapshot!(fault.summary, @"The install failed: Deployment helm/slow cannot be scheduled: no nodes available to schedule pods");
        assert_eq!(
            fault.remedies[1].command.as_deref(),
            Some("flux reconcile helmrelease slow -n helm --reset")
        );
    }

    #[test]
    fn retries_that_go_on_are_not_exhausted() {
        let message = "Helm install failed for release helm/x with chart x@2.0.0: context deadline exceeded";
        let fault = only(alone(&hr("helm/x"), "InstallFailed", message));
        assert_eq!(fault.subcode, None);
        assert_eq!(fault.remedies[0].command.as_deref(), Some("flux reconcile helmrelease x -n helm"));
    }

    #[test]
    fn an_unknown_reason_depends_on_what_was_deployed() {
        let mut node = hr("helm/x");
        assert_eq!(only(alone(&node, "FactoryError", "odd")).code, Code::HelmInstallFailed);
        if let Spec::HelmRelease(spec) = &mut node.spec {
            spec.deployed = Some(Revision("1.0.0".to_owned()));
        }
        assert_eq!(only(alone(&node, "FactoryError", "odd")).code, Code::HelmUpgradeFailed);
    }
}
