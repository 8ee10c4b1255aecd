//! CEL expressions that do not parse, have the wrong type, or fail while they run.

use super::words::{after, between, one_line, sentence};
use super::{Failure, Lead, fault};
use crate::diagnosis::Code;

/// `InvalidCELExpression`, and the run-time error that hides behind `DependencyNotReady`.
pub(super) fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let at_run_time = failure.message.starts_with("failed to evaluate the CEL expression");
    if !at_run_time && failure.reason != "InvalidCELExpression" {
        return Vec::new();
    }
    let key = failure.node.key.clone();
    let fault = if at_run_time {
        let (expression, why) = evaluated(failure.message);
        let what = if failure.reason == "DependencyNotReady" { "readyExpr" } else { "expression" };
        let summary = format!("{what} {expression} cannot be evaluated: {}", sentence(why));
        fault(key, Code::InvalidExpression, Some("EvaluationError"), summary).seen(failure.said()).remedy(
            "guard the field with has(…): empty fields are absent, and dep has no kind or apiVersion",
            None,
        )
    } else {
        let place = place(failure.message);
        let summary = format!("{place} does not compile: {}", compiler(failure.message));
        fault(key, Code::InvalidExpression, None, summary).seen(failure.said()).remedy(
            "correct the expression, then commit and push: nothing is retried before the spec changes",
            None,
        )
    };
    vec![fault.into()]
}

/// Expression and error of `failed to evaluate the CEL expression '<e>': <error>`; the expression itself may
/// hold quotes and colons.
fn evaluated(message: &str) -> (String, &str) {
    let rest = after(message, "expression '").unwrap_or(message);
    match rest.rsplit_once("': ") {
        Some((expression, why)) => (format!("'{}'", one_line(expression)), why),
        None => (String::new(), rest),
    }
}

/// Which expression it is, as far as the message says.
fn place(message: &str) -> String {
    let dependency = between(message, "failed to evaluate dependency ", ": ");
    let check = between(message, "custom status evaluator for ", ": ");
    let expression = between(message, "CEL expression '", "': ").map(|e| format!(" '{}'", one_line(e)));
    let expression = expression.unwrap_or_default();
    match (dependency, check) {
        (Some(name), _) => format!("readyExpr{expression} of dependency {name}"),
        (_, Some(check)) => {
            // kustomize-controller calls the entries healthchecks[n]
            let index = between(check, "[", "]").map(|n| format!("[{n}]")).unwrap_or_default();
            format!("healthCheckExprs{index}{expression}")
        }
        _ => format!("the expression{expression}"),
    }
}

/// The compiler's own error, with its line and column: `1:21: Syntax error: …`.
fn compiler(message: &str) -> String {
    let error = after(message, "ERROR: <input>:")
        .unwrap_or_else(|| after(message, "configuration error: ").unwrap_or(message));
    let error = error.lines().next().unwrap_or(error);
    sentence(error.split(" expecting {").next().unwrap_or(error))
}

#[cfg(test)]
mod tests {
    use super::super::testkit::*;
    use super::*;

    #[test]
    fn an_expression_that_does_not_parse_is_named_with_its_place() {
        let message = "Reconciliation failed terminally due to configuration error: terminal error: failed to evaluate \
                       dependency a: failed to parse the CEL expression 'dep.metadata.name ==': ERROR: \
                       <input>:1:21: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '('}\n \
                       | dep.metadata.name ==\n | ....................^";
        let fault = only(alone(&ks("expr/d"), "InvalidCELExpression", message));
        assert_eq!(verdict(&fault), ("Kustomization/expr/d".into(), Code::InvalidExpression, None));
        insta::assert_snapshot!(fault.summary, @"readyExpr 'dep.metadata.name ==' of dependency a does not compile: 1:21: Syntax error: mismatched input '<EOF>'");
        assert!(!fault.evidence[0].text.contains('^'), "{:?}", fault.evidence);
    }

    #[test]
    fn a_broken_health_check_expression_is_told_apart() {
        let message = "Reconciliation failed terminally due to configuration error: failed to create custom status \
                       evaluator for healthchecks[0]: failed to parse the expression Current: failed to parse the CEL \
                       expression 'data.k ==': ERROR: <input>:1:10: Syntax error: mismatched input '<EOF>' \
                       expecting {'['}\n | data.k ==\n | .........^";
        let fault = only(alone(&ks("health/hce-bad"), "InvalidCELExpression", message));
        insta::assert_snapshot!(fault.summary, @"healthCheckExprs[0] 'data.k ==' does not compile: 1:10: Syntax error: mismatched input '<EOF>'");
    }

    #[test]
    fn a_run_time_error_names_expression_and_missing_key() {
        let message =
            "failed to evaluate the CEL expression 'dep.metadata.labels.tier == 'gold'': no such key: labels";
        let fault = only(alone(&ks("expr/b"), "DependencyNotReady", message));
        assert_eq!(
            verdict(&fault),
            ("Kustomization/expr/b".into(), Code::InvalidExpression, Some("EvaluationError"))
        );
        insta::assert_snapshot!(fault.summary, @"readyExpr 'dep.metadata.labels.tier == 'gold'' cannot be evaluated: no such key: labels");
    }
}
