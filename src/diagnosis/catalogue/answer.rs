//! The words of an API server, taken apart; what they come down to is said in `apply`.

use super::words::{Subject, after, between, mentions, not_found, subject};

/// One answer of an API server, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// An admission or conversion webhook cannot be called.
    Webhook { name: &'a str, service: Option<(&'a str, &'a str)>, why: &'a str },
    /// The namespace is being terminated.
    Terminating(&'a str),
    /// An aggregated API, as `group/version`, is down.
    ApiService(&'a str),
    /// The kind is not served in that group and version.
    NoMatch { kind: &'a str, api_version: &'a str },
    /// A policy or webhook said no.
    Denied { by: Option<&'a str>, why: &'a str },
    /// A quota is used up.
    Quota { name: &'a str, why: &'a str },
    /// A user lacks a right.
    Forbidden { user: &'a str, what: &'a str },
    /// A field cannot be changed.
    Immutable { field: Option<&'a str> },
    /// The namespace does not exist.
    NoNamespace(&'a str),
    /// Another manager owns a field.
    Conflict { manager: Option<&'a str>, field: Option<&'a str> },
    /// The object is invalid.
    Invalid { why: &'a str },
    /// Anything else.
    Other,
}

/// Reads an API server's words. The order is that of the words, not of importance: a policy's refusal carries
/// `(Invalid)` and `forbidden`, a terminating namespace reads as Forbidden (flux-semantics, seen with 1.36).
pub(super) fn parse(text: &str) -> Answer<'_> {
    webhook(text)
        .or_else(|| denied(text))
        .or_else(|| {
            let name =
                between(text, "unable to create new content in namespace ", " because it is being terminated")?;
            Some(Answer::Terminating(name))
        })
        .or_else(|| api_service(text))
        .or_else(|| no_match(text))
        .or_else(|| quota(text))
        .or_else(|| conflict(text))
        .or_else(|| immutable(text))
        .or_else(|| forbidden(text))
        .or_else(|| not_found(text, "namespaces").map(Answer::NoNamespace))
        .or_else(|| invalid(text))
        .unwrap_or(Answer::Other)
}

/// Whether the answer names something else than the applied object that has to change.
pub(super) fn names_another_thing(answer: &Answer<'_>) -> bool {
    match answer {
        Answer::Webhook { .. }
        | Answer::Terminating(_)
        | Answer::ApiService(_)
        | Answer::NoMatch { .. }
        | Answer::Denied { .. }
        | Answer::Quota { .. }
        | Answer::Forbidden { .. }
        | Answer::NoNamespace(_) => true,
        Answer::Immutable { .. } | Answer::Conflict { .. } | Answer::Invalid { .. } | Answer::Other => false,
    }
}

fn webhook(text: &str) -> Option<Answer<'_>> {
    let (marker, conversion) = match mentions(text, &["failed calling webhook", "failed to call webhook"]) {
        true => ("webhook", false),
        false if text.contains("conversion webhook for ") => ("conversion webhook for ", true),
        false => return None,
    };
    let name = if conversion {
        between(text, marker, " failed").or_else(|| between(text, marker, ","))
    } else {
        between(text, "failed calling webhook \"", "\"")
    };
    let url = between(text, "Post \"", "\"").unwrap_or_default();
    let host = after(url, "://").unwrap_or(url).split(['/', ':', '?']).next().unwrap_or_default();
    let mut labels = host.split('.');
    let service = match (labels.next(), labels.next(), labels.next()) {
        (Some(service), Some(namespace), Some("svc")) if !service.is_empty() => Some((namespace, service)),
        _ => None,
    };
    let why = text.trim_end().rsplit_once("\": ").map_or(text, |(_, why)| why);
    Some(Answer::Webhook { name: name.unwrap_or("a webhook"), service, why })
}

fn denied(text: &str) -> Option<Answer<'_>> {
    if let Some((before, why)) = text.split_once(" denied the request: ") {
        let by = after(before, "admission webhook \"").and_then(|rest| rest.split('"').next());
        return Some(Answer::Denied { by, why });
    }
    if let Some((before, why)) = text.split_once(" denied request: ") {
        let by = after(before, "ValidatingAdmissionPolicy '").and_then(|rest| rest.split('\'').next());
        return Some(Answer::Denied { by, why });
    }
    if text.contains("denied the request") {
        let by = between(text, "admission webhook \"", "\"");
        return Some(Answer::Denied { by, why: text });
    }
    let rest = after(text, " is forbidden: violates PodSecurity ")?;
    Some(Answer::Denied { by: Some("PodSecurity"), why: rest })
}

fn api_service(text: &str) -> Option<Answer<'_>> {
    let rest = after(text, "unable to retrieve the complete list of server APIs: ")?;
    let group_version = rest.split([':', ',']).next()?.trim();
    // a version that answers 404 belongs to a CustomResourceDefinition that comes or goes, to no APIService
    let missing = rest.contains("the server could not find the requested resource");
    (group_version.contains('/') && !missing).then_some(Answer::ApiService(group_version))
}

fn no_match(text: &str) -> Option<Answer<'_>> {
    let rest = after(text, "no matches for kind \"")?;
    let (kind, rest) = rest.split_once('"')?;
    let api_version = between(rest, "in version \"", "\"").or_else(|| between(rest, "in group \"", "\""))?;
    Some(Answer::NoMatch { kind, api_version })
}

fn quota(text: &str) -> Option<Answer<'_>> {
    if let Some(rest) = after(text, "exceeded quota: ") {
        let (name, why) = rest.split_once(", ").unwrap_or((rest, ""));
        return Some(Answer::Quota { name: name.trim(), why });
    }
    // a quota on requests or limits that the object does not set refuses it, without being used up
    let why = after(text, "failed quota: ")?;
    Some(Answer::Denied { by: why.split(':').next(), why })
}

fn conflict(text: &str) -> Option<Answer<'_>> {
    if !(text.contains("Apply failed with ") && text.contains("conflict")) {
        return None;
    }
    let manager = between(text, "conflict with \"", "\"").or_else(|| between(text, "conflicts with \"", "\""));
    let field =
        text.rsplit([':', '\n', ' ']).map(str::trim).find(|word| word.starts_with('.') && word.len() > 1);
    Some(Answer::Conflict { manager, field })
}

fn immutable(text: &str) -> Option<Answer<'_>> {
    const WORDS: [&str; 10] = [
        "field is immutable",
        "is immutable",
        "may not be changed",
        "may not change once set",
        "may not change fields other than",
        "for fields other than",
        "cannot change roleRef",
        "immutable after creation",
        "field can not be less than",
        "may not be updated",
    ];
    mentions(text, &WORDS).then(|| {
        let rest = after(text, " is invalid: ");
        let field = rest.and_then(|rest| rest.trim_start_matches('[').split(": ").next());
        Answer::Immutable { field: field.filter(|field| !field.is_empty() && !field.contains(' ')) }
    })
}

fn forbidden(text: &str) -> Option<Answer<'_>> {
    if let Some(rest) = after(text, "User \"").or_else(|| after(text, "user \""))
        && let Some((user, what)) = rest.split_once('"')
        && mentions(what, &["cannot ", "is attempting to grant"])
    {
        let what = after(what, "cannot ").or_else(|| after(what, "is attempting to ")).unwrap_or(what);
        return Some(Answer::Forbidden { user, what });
    }
    let why = after(text, " is forbidden: ")?;
    Some(Answer::Denied { by: None, why })
}

fn invalid(text: &str) -> Option<Answer<'_>> {
    if let Some(why) = after(text, " is invalid: ") {
        return Some(Answer::Invalid { why });
    }
    const WORDS: [&str; 12] = [
        "failed to create typed patch object",
        "namespace not specified",
        "(Invalid)",
        "(BadRequest)",
        "(RequestEntityTooLarge)",
        "request is too large",
        "Request entity too large",
        "cannot be handled as a",
        "strict decoding error",
        "field not declared in schema",
        "error validating data",
        "unknown object type",
    ];
    mentions(text, &WORDS).then(|| {
        let why = after(text, "failed to create typed patch object ").and_then(|rest| after(rest, "): "));
        Answer::Invalid { why: why.unwrap_or_else(|| who(text).1) }
    })
}

/// The object that a message speaks of, and the words about it.
///
/// kustomize-controller writes `<Kind/ns/name> dry-run failed (<Reason>): …`, before 1.2 `… dry-run failed, reason:
/// <Reason>: …`; Helm writes `server-side apply failed for object <ns/name> <group/version>, Kind=<Kind>: …`.
pub(super) fn who(message: &str) -> (Option<Subject<'_>>, &str) {
    let message = message.trim();
    if let Some(rest) = after(message, "server-side apply failed for object ")
        && let Some((id, rest)) = rest.split_once(' ')
        && let Some((_, rest)) = rest.split_once("Kind=")
        && let Some((kind, words)) = rest.split_once(": ")
    {
        let (namespace, name) = id.split_once('/').unwrap_or(("", id));
        return (Some(Subject { kind, namespace, name }), words);
    }
    let Some((first, rest)) = message.split_once(' ') else { return (None, message) };
    let Some(object) = subject(first) else { return (None, message) };
    const VERBS: [&str; 6] = [
        "dry-run failed",
        "apply failed",
        "not found",
        "namespace not specified",
        "delete failed",
        "immutable field",
    ];
    let Some(verb) = VERBS.iter().find(|verb| rest.starts_with(**verb)) else { return (Some(object), rest) };
    let words = &rest[verb.len()..];
    let words = match words.split_once("): ") {
        Some((reason, words)) if reason.starts_with(" (") && reason.len() < 40 => words,
        _ => after(words, ": ").unwrap_or(words),
    };
    (Some(object), words.trim())
}
