//! What a controller says of the first dependency that stopped it.

use crate::model::{Condition, ConditionStatus, Node, ObjectKey, Spec};

/// The words of a `DependencyNotReady`, taken apart (flux-semantics §3.6). They name only the first failing entry,
/// and may be as old as the requeue interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The entry does not exist.
    NotFound(String),
    /// Its `readyExpr` is false.
    ReadyExprFalse(String),
    /// It is there and not ready.
    NotReady(String),
    /// It is at an older revision of the shared source.
    RevisionBehind(String),
    /// An expression cannot be evaluated; the words name the expression and not the dependency.
    CannotEvaluate(String),
}

impl Told {
    /// Takes the words apart; `None` when they follow no known grammar.
    ///
    /// kustomize-controller and helm-controller 1.x, helm-controller before 1.0 (`unable to get … dependency`), and
    /// flux-operator (`dependency <apiVersion>/<Kind>/<ns>/<name> …`, here reduced to `Kind/ns/name`).
    pub(super) fn parse(message: &str) -> Option<Self> {
        if let Some(rest) = message.strip_prefix("failed to evaluate the CEL expression '") {
            let end = rest.rfind("': ").or_else(|| rest.rfind('\''))?;
            return Some(Self::CannotEvaluate(rest[..end].to_owned()));
        }
        if let Some(rest) = message.strip_prefix("unable to get '") {
            let (name, rest) = rest.split_once('\'')?;
            return rest.starts_with(" dependency:").then(|| Self::NotFound(name.to_owned()));
        }
        if let Some(rest) = message.strip_prefix("dependency '") {
            let (name, said) = rest.split_once("' ")?;
            let name = name.to_owned();
            return if said.starts_with("not found") {
                Some(Self::NotFound(name))
            } else if said.starts_with("is not ready according to readyExpr") {
                Some(Self::ReadyExprFalse(name))
            } else if said.starts_with("is not ready") {
                Some(Self::NotReady(name))
            } else if said.starts_with("revision is not up to date") {
                Some(Self::RevisionBehind(name))
            } else {
                None
            };
        }
        let rest = message.strip_prefix("Retrying dependency check: ").unwrap_or(message);
        let rest = rest.strip_prefix("dependency ")?;
        let (name, said) = rest.split_once(" not ").map(|(name, said)| (name.to_owned(), said))?;
        if said.starts_with("found") {
            Some(Self::NotFound(name))
        } else if said.starts_with("ready: expression") {
            Some(Self::ReadyExprFalse(name))
        } else if said.starts_with("ready") {
            Some(Self::NotReady(name))
        } else {
            None
        }
    }

    /// What the controller says of `node` now: the words of its Ready condition, if that is a current
    /// `DependencyNotReady`.
    pub(super) fn by(node: &Node) -> Option<Self> {
        waiting(node).and_then(|ready| Self::parse(&ready.message))
    }

    /// Whether these words are about that dependency.
    pub(super) fn names(&self, key: &ObjectKey) -> bool {
        match self {
            Self::NotFound(name)
            | Self::ReadyExprFalse(name)
            | Self::NotReady(name)
            | Self::RevisionBehind(name) => {
                *name == format!("{}/{}", key.namespace, key.name) || is_written_by_flux_operator(name, key)
            }
            Self::CannotEvaluate(_) => false,
        }
    }

    /// Index in `spec.dependsOn` of the entry that these words are about.
    pub(super) fn entry(&self, node: &Node) -> Option<usize> {
        node.depends_on.iter().position(|entry| match self {
            Self::CannotEvaluate(expression) => entry.ready_expr.as_deref() == Some(expression),
            _ => self.names(&entry.key),
        })
    }
}

/// Whether `name` is what flux-operator calls an object: `<apiVersion>/<Kind>/<namespace>/<name>`, of an entry without
/// a namespace `<apiVersion>/<Kind>/<name>`.
fn is_written_by_flux_operator(name: &str, key: &ObjectKey) -> bool {
    let Some(api_version) = name.strip_suffix(&key.to_string()).and_then(|rest| rest.strip_suffix('/')) else {
        return false;
    };
    api_version.rsplit_once('/').map_or("", |(group, _)| group) == key.kind.group
}

/// The Ready condition of an object that says, for its current generation, that a dependency is not ready.
pub(super) fn waiting(node: &Node) -> Option<&Condition> {
    node.status.conditions.ready().filter(|ready| {
        ready.status == ConditionStatus::False
            && ready.reason == "DependencyNotReady"
            && is_current(node, ready)
    })
}

/// Whether a condition speaks of the current generation.
///
/// kustomize-controller leaves `observedGeneration` behind on failure, so the condition's own counts; an edit of
/// `suspend` or a deletion leaves the condition's one behind, so the status' own counts as well (flux-semantics §13).
pub(crate) fn is_current(node: &Node, condition: &Condition) -> bool {
    let generation = node.meta.generation;
    match (condition.observed_generation, node.status.observed_generation) {
        (Some(condition), _) if condition >= generation => true,
        (_, Some(status)) if status >= generation => true,
        (None, None) => true,
        (Some(_), None) => false,
        (None, Some(_)) => matches!(node.spec, Spec::ResourceSet),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_of_every_controller_are_taken_apart() {
        for (words, told) in [
            (
                "dependency 'ns/a' not found: kustomizations.kustomize.toolkit.fluxcd.io \"a\" not found",
                Told::NotFound("ns/a".into()),
            ),
            (
                "unable to get 'ns/a' dependency: helmreleases.helm.toolkit.fluxcd.io \"a\" not found",
                Told::NotFound("ns/a".into()),
            ),
            ("dependency 'ns/a' is not ready", Told::NotReady("ns/a".into())),
            ("dependency 'ns/a' is not ready according to readyExpr eval", Told::ReadyExprFalse("ns/a".into())),
            ("dependency 'ns/a' revision is not up to date", Told::RevisionBehind("ns/a".into())),
            (
                "failed to evaluate the CEL expression 'dep.metadata.labels.tier == 'gold'': no such key: labels",
                Told::CannotEvaluate("dep.metadata.labels.tier == 'gold'".into()),
            ),
            (
                "Retrying dependency check: dependency v1/ConfigMap/ns/a not found: configmaps \"a\" not found",
                Told::NotFound("v1/ConfigMap/ns/a".into()),
            ),
            (
                "dependency apps/v1/Deployment/ns/a not ready: status InProgress",
                Told::NotReady("apps/v1/Deployment/ns/a".into()),
            ),
        ] {
            assert_eq!(Told::parse(words), Some(told), "{words}");
        }
        assert_eq!(Told::parse("Source artifact not found, retrying in 30s"), None);
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(words in "(dependency '|unable to get '|failed to evaluate the CEL expression ')?.{0,60}") {
            let _ = Told::parse(&words);
        }
    }
}
