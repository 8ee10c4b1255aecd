//! References that a controller's flag or feature gate refuses.

use super::words::{between, sentence, subject};
use super::{Failure, Lead, called, fault};
use crate::diagnosis::Code;

/// `AccessDenied` and `FeatureGateDisabled`.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let message = failure.message;
    if !matches!(failure.reason, "AccessDenied" | "FeatureGateDisabled") {
        return Vec::new();
    }
    let key = failure.node.key.clone();
    let target = between(message, "can't access '", "'")
        .and_then(subject)
        .map(|subject| subject.to_string())
        .or_else(|| between(message, "cannot access ", " reference").map(str::to_owned))
        .or_else(|| message.split_once("cannot access ").map(|(_, rest)| sentence(rest)));
    let gate = gate(message);
    let fault = if failure.reason == "FeatureGateDisabled" || message.contains("feature gate") {
        let named = gate.map_or_else(|| "a feature gate".to_owned(), |gate| format!("feature gate {gate}"));
        let what = match target {
            Some(target) => format!("Access to {target}"),
            None => format!("A field in the spec of {}", called(&key)),
        };
        let switch = match gate {
            Some(gate) => {
                format!("switch it on with --feature-gates={gate}=true in the arguments of the controller")
            }
            None => "switch the feature gate on in the arguments of the controller".to_owned(),
        };
        let summary = format!("{what} needs {named}, which is off in the controller");
        fault(key, Code::AccessDenied, Some("FeatureGateDisabled"), summary)
            .remedy(switch, None)
            .remedy("or take what needs it out of the spec", None)
    } else {
        let blocked = message.contains("cross-namespace");
        let what = target.unwrap_or_else(|| "an object of another namespace".to_owned());
        let summary = match blocked {
            true => format!("{} may not refer to {what}: --no-cross-namespace-refs blocks it", called(&key)),
            false => sentence(message),
        };
        fault(key, Code::AccessDenied, blocked.then_some("CrossNamespace"), summary)
            .remedy("refer to an object of its own namespace", None)
    };
    vec![fault.seen(failure.said()).into()]
}

/// The gate's name, which stands before or after the words "feature gate".
fn gate(message: &str) -> Option<&str> {
    let (before, behind) = message.split_once("feature gate")?;
    let is_name = |word: &&str| {
        word.len() > 3
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(char::is_alphanumeric)
    };
    let bare = |word: &'_ str| -> usize { word.len() - word.trim_start_matches(['\'', '"', '`']).len() };
    let clean = |word| {
        let word: &str = word;
        word[bare(word)..].trim_end_matches(['\'', '"', '`', ',', '.', ':'])
    };
    before
        .split_whitespace()
        .next_back()
        .map(clean)
        .filter(is_name)
        .or_else(|| behind.split_whitespace().next().map(clean).filter(is_name))
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;

    #[test]
    fn a_reference_into_another_namespace_is_refused() {
        let message = "can't access 'GitRepository/team-b/repo', cross-namespace references have been blocked";
        let fault = only(alone(&ks("team-a/apps"), "AccessDenied", message));
        assert_eq!(
            verdict(&fault),
            ("Kustomization/team-a/apps".into(), Code::AccessDenied, Some("CrossNamespace"))
        );
        insta::assert_snapshot!(fault.summary, @"Kustomization team-a/apps may not refer to GitRepository team-b/repo: --no-cross-namespace-refs blocks it");
        let message = "cross-namespace references are not allowed: cannot access HelmRepository team-b/charts";
        let fault = only(alone(&hr("team-a/app"), "AccessDenied", message));
        assert_eq!(fault.subcode, Some("CrossNamespace"));
        assert!(fault.summary.contains("HelmRepository team-b/charts"), "{}", fault.summary);
    }

    #[test]
    fn a_gate_that_is_off_is_named() {
        let message =
            "can't access 'ExternalArtifact/sources/missing', ExternalArtifact feature gate is disabled";
        let fault = only(alone(&ks("sources/use-ea"), "AccessDenied", message));
        assert_eq!(fault.subcode, Some("FeatureGateDisabled"));
        insta::assert_snapshot!(fault.summary, @"Access to ExternalArtifact sources/missing needs feature gate ExternalArtifact, which is off in the controller");
        let message = "to use spec.decryption.serviceAccountName for decryption authentication please enable the \
                       ObjectLevelWorkloadIdentity feature gate in the controller";
        let fault = only(alone(&ks("a/b"), "FeatureGateDisabled", message));
        assert!(fault.remedies[0].text.contains("--feature-gates=ObjectLevelWorkloadIdentity=true"));
        let fault = only(alone(&ks("a/b"), "FeatureGateDisabled", "some feature gate"));
        assert_eq!(fault.subcode, Some("FeatureGateDisabled"));
    }
}
