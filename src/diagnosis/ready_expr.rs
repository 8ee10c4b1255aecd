//! `readyExpr` of a `dependsOn` entry, evaluated where nothing can come out otherwise than in the controllers. Pure.
//!
//! kustomize-controller and helm-controller give an expression two whole objects, `dep` and `self` (flux-semantics §3.3).
//! The model keeps a part of each, so an expression is judged only if all that it looks at is among that part and every
//! function that it calls is one of which both implementations are known to say the same. Of anything else the controller's
//! own words decide.

use crate::model::Node;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// True.
    True,
    /// False, over these values: what was looked at, and what stood there.
    False(Vec<(String, String)>),
    /// It cannot be told here, for this reason.
    Unknown(String),
}

/// Evaluates an expression of `dependent` over `dependency`.
pub fn judge(expression: &str, dependent: &Node, dependency: &Node) -> Judged {
    Expressions::default().judge(expression, dependent, dependency)
}

#[cfg(feature = "cel")]
pub use evaluated::Expressions;

/// Evaluates expressions; this build does not.
#[cfg(not(feature = "cel"))]
#[derive(Debug, Default)]
pub struct Expressions {}

#[cfg(not(feature = "cel"))]
impl Expressions {
    /// Leaves it to the controller.
    pub fn judge(&self, _expression: &str, _dependent: &Node, _dependency: &Node) -> Judged {
        Judged::Unknown("this build evaluates no expressions".to_owned())
    }
}

#[cfg(feature = "cel")]
mod certain;
#[cfg(feature = "cel")]
mod evaluated;

#[cfg(all(test, feature = "cel"))]
mod tests {
    use super::*;
    use crate::testing::{hr, ks};
    use proptest::prelude::*;

    fn judged(expression: &str) -> String {
        let mut dependency = ks("dep").failing("BuildFailed", "token: hunter2");
        dependency.meta.labels.insert("tier".to_owned(), "gold".to_owned());
        dependency.meta.labels.insert("app/version".to_owned(), "v2".to_owned());
        let mut dependent = ks("own");
        dependent.meta.labels.insert("app/version".to_owned(), "v2".to_owned());
        match judge(expression, &dependent, &dependency) {
            Judged::True => "true".to_owned(),
            Judged::False(seen) => {
                let seen: Vec<_> = seen.iter().map(|(path, value)| format!("{path} is {value}")).collect();
                format!("false: {}", seen.join(", "))
            }
            Judged::Unknown(why) => format!("unknown: {why}"),
        }
    }

    #[test]
    fn what_the_model_keeps_is_evaluated_and_nothing_else() {
        let table: Vec<String> = [
            "dep.metadata.name == 'dep'",
            "dep.metadata.name == 'zzz'",
            "dep.metadata.labels.tier == 'gold'",
            "dep.metadata.labels['app/version'] == self.metadata.labels['app/version']",
            "dep.metadata.labels['app/version'] == 'v3'",
            "dep.metadata.labels.color == 'red'",
            "has(dep.metadata.labels.color) && dep.metadata.labels.color == 'red'",
            "has(dep.metadata.labels.color) || dep.metadata.labels.tier == 'gold'",
            "'color' in dep.metadata.labels",
            "dep.status.conditions.filter(c, c.type == 'Ready').all(c, c.status == 'True')",
            "dep.status.conditions.exists(c, c.type == 'Ready' && c.reason == 'BuildFailed')",
            "dep.status.conditions.exists_one(c, c.type == 'Ready')",
            "dep.status.conditions.filter(c, c.type == 'Ready')[0].status == 'False'",
            "dep.status.conditions.map(c, c.type).exists(t, t == 'Ready')",
            "'Ready' in dep.status.conditions.map(c, c.type)",
            "dep.metadata.generation == dep.status.observedGeneration",
            "dep.metadata.generation - 5 < 0 && dep.metadata.generation == 1.0",
            "size(dep.status.conditions) == 1 && dep.status.lastAppliedRevision.startsWith('main@')",
            "dep.status.lastAppliedRevision == self.status.lastAppliedRevision ? true : false",
            "has(dep.spec.suspend)",
            "has(dep.spec.suspend) && dep.spec.suspend == self.spec.suspend",
            "true || dep.spec.suspend",
            "dep.spec.interval == '10m0s'",
            "dep.status.conditions.exists(c, c.message.contains('hunter2'))",
            "dep.metadata.annotations['a'] == 'b'",
            "dep.kind == 'Kustomization'",
            "dep == self",
            "dep.status.conditions == self.status.conditions",
            "dep.metadata.name.matches('^d')",
            "dep.?metadata.?name.orValue('') == 'dep'",
            "dep.metadata.name",
            "dep.metadata.name ==",
            "x.y == 1",
            "dep.metadata.labels.all(k, k != '')",
        ]
        .iter()
        .map(|expression| format!("{expression}  →  {}", judged(expression)))
        .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_helm_release_has_no_applied_revision_and_a_declared_object_no_status() {
        let release = judge("has(dep.status.lastAppliedRevision)", &hr("own"), &hr("dep"));
        let absent = ("dep.status.lastAppliedRevision".to_owned(), "absent".to_owned());
        assert_eq!(release, Judged::False(vec![absent]));
        let mut declared = ks("dep");
        declared.live = false;
        assert!(matches!(judge("true", &ks("own"), &declared), Judged::Unknown(_)));
    }

    #[test]
    fn what_is_long_or_deep_is_left_to_the_controller() {
        let nested = |open: &str, close: &str, times: usize| open.repeat(times) + "true" + &close.repeat(times);
        for expression in [
            nested("(", ")", 300),
            nested("[", "]", 12),
            nested("!(", ")", 12),
            nested("true ? true : ", "", 50),
            nested("x.all(c, ", ")", 12),
            "!".repeat(799) + "a",
            "-".repeat(799) + "1",
            "dep".to_owned() + &".a".repeat(390),
            "dep".to_owned() + &"[0]".repeat(260),
            "1 ".to_owned() + &"+ 1".repeat(260),
            "true".to_owned() + &"&&true".repeat(130) + " && dep.x",
            "a".repeat(801),
        ] {
            let judged = judge(&expression, &ks("own"), &ks("dep"));
            assert!(matches!(judged, Judged::Unknown(_)), "{expression}: {judged:?}");
        }
    }

    proptest! {
        #[test]
        fn no_expression_makes_it_panic(words in proptest::collection::vec(
            "dep|self|[.]status|[.]conditions|[.]metadata|[.]name|[.]filter\\(c,|[.]all\\(c,|c[.]type|==|'a'|\\)|\\(|\\[|\\]|0|[+]|-|!|&&|[{]|:|[}]|has\\(|\\?|[a-z\"'\\\\]", 0..24)
        ) {
            let _ = judge(&words.concat(), &ks("own"), &ks("dep"));
        }
    }
}
