//! What stops helm-controller before any action: values, the chart, its client, the state of the release.
//!
//! Nothing was installed or upgraded then, so no sentence may say that an install or an upgrade failed.

use super::words::{after, mentions, one_line, sentence};
use super::{Failure, called, fault, quote};
use crate::diagnosis::{Code, Fault};
use crate::model::{GroupKind, ObjectKey};

/// What could not be done, by the reasons of helm-controller 1.6; `None` where an action was under way.
pub(super) fn opening(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "ValuesError" => "The values for the chart could not be put together:",
        "ArtifactFailed" => "The chart could not be loaded:",
        "ChartMutateError" => "The chart could not be prepared:",
        "StateError" => "The state of the release could not be determined:",
        "RESTClientError" | "ResourceManagerError" | "FactoryError" => {
            "The cluster for the release could not be addressed:"
        }
        _ => return None,
    })
}

/// The controller's words without what [`opening`] says.
pub(super) fn words(message: &str) -> &str {
    const FRAMES: [&str; 3] =
        ["Could not load chart: ", "cannot determine release state: ", "could not determine release state: "];
    FRAMES.iter().find_map(|frame| message.strip_prefix(frame)).unwrap_or(message)
}

/// A ConfigMap or Secret whose values cannot be read or merged.
///
/// `rest` is what follows the reference in `could not resolve <Kind> chart values reference '<ns>/<name>'`. The words of a
/// YAML parser can hold what it parsed: of a Secret only the line is told.
pub(super) fn invalid_values(
    failure: &Failure<'_>,
    object: ObjectKey,
    values_key: &str,
    rest: &str,
) -> Option<Fault> {
    const BROKEN: &[&str] = &[
        "yaml: ",
        "error converting YAML",
        "error unmarshaling",
        "cannot unmarshal",
        "unable to parse values",
        "failed to read values data",
        "failed to merge value",
        "unable to merge value",
        "failed parsing key",
    ];
    let why = after(rest, "': ").filter(|why| mentions(why, BROKEN))?;
    let is_secret = object.kind == GroupKind::SECRET;
    let why = match (is_secret, after(why, "yaml: line ").and_then(|rest| rest.split(':').next())) {
        (false, _) => format!(": {}", sentence(after(why, "yaml: ").unwrap_or(&one_line(why)))),
        (true, Some(line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => format!(": line {line}"),
        (true, _) => String::new(),
    };
    let name = object.name.clone();
    let summary = format!("{} holds values under {values_key} that cannot be used{why}", called(&object));
    let said = match is_secret {
        true => quote(
            "condition",
            &format!("{}: key {values_key} of {} is unusable", failure.reason, called(&object)),
        ),
        false => failure.said(),
    };
    Some(
        fault(object, Code::HelmValuesMissing, Some("Invalid"), summary)
            .seen(said)
            .remedy(format!("correct what stands under key {values_key} of {name}"), None),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;

    const BROKEN: &str = "unable to parse values from key 'values.yaml': error converting YAML to JSON: yaml: line 3: mapping \
        values are not allowed in this context";

    fn values(kind: &str, why: &str) -> Fault {
        let message =
            format!("could not resolve {kind} chart values reference 'apps/v' with key 'values.yaml': {why}");
        only(alone(&hr("apps/a"), "ValuesError", &message))
    }

    #[test]
    fn values_that_are_no_yaml_are_those_of_a_config_map() {
        for kind in ["ConfigMap", "optional ConfigMap"] {
            let found = values(kind, BROKEN);
            assert_eq!(
                verdict(&found),
                ("ConfigMap/apps/v".into(), Code::HelmValuesMissing, Some("Invalid")),
                "{kind}"
            );
            insta::allow_duplicates! {
                insta::assert_snapshot!(found.summary, @"ConfigMap apps/v holds values under values.yaml that cannot be used: line 3: mapping values are not allowed in this context");
            }
        }
    }

    #[test]
    fn of_a_secret_that_is_no_yaml_the_line_alone_is_told() {
        let found =
            values("Secret", "error unmarshaling JSON: yaml: line 3: cannot unmarshal `hunter2` into a map");
        assert_eq!(verdict(&found), ("Secret/apps/v".into(), Code::HelmValuesMissing, Some("Invalid")));
        insta::assert_snapshot!(found.summary, @"Secret apps/v holds values under values.yaml that cannot be used: line 3");
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn values_that_could_not_be_looked_at_are_not_invalid() {
        let found = values("ConfigMap", "Get \"https://10.96.0.1:443/api\": dial tcp: connection refused");
        assert_eq!(found.object.kind, GroupKind::HELM_RELEASE);
    }

    #[test]
    fn what_comes_before_any_action_is_not_told_as_one() {
        let mut lines = String::new();
        for (reason, message) in [
            ("ValuesError", "could not resolve ConfigMap chart values reference 'a/b': something odd"),
            ("ChartMutateError", "post-rendering failed: json: unknown field \"x\""),
            ("StateError", "cannot determine release state: release: not found"),
            ("ArtifactFailed", "Could not load chart: failed to load chart: chart metadata is missing"),
            ("FactoryError", "something odd"),
        ] {
            let found = only(alone(&hr("apps/a"), reason, message));
            lines.push_str(&format!("{}\n", found.summary));
        }
        insta::assert_snapshot!(lines, @r#"
        The values for the chart could not be put together: could not resolve ConfigMap chart values reference 'a/b': something odd
        The chart could not be prepared: post-rendering failed: json: unknown field "x"
        The state of the release could not be determined: release: not found
        The chart could not be loaded: failed to load chart: chart metadata is missing
        The cluster for the release could not be addressed: something odd
        "#);
    }
}
