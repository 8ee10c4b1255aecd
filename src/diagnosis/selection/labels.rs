//! Label selectors, in kubectl's own syntax.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// A label selector such as `team=a,tier in (web, db),!legacy`; all its requirements must hold.
///
/// As in Kubernetes, `!=` and `notin` also hold for an object that lacks the label. The default holds for
/// every object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
}

/// A selector that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelSelectorError {
    /// Two requirements without a comma, or an operator that does not exist.
    #[error("expected `=`, `==`, `!=`, `in`, `notin` or a comma after `{key}`, found `{found}`")]
    Operator {
        /// Key of the requirement.
        key: String,
        /// What stands there.
        found: String,
    },
    /// A list of values without its brackets.
    #[error("expected `(value, …)` after `{key} {operator}`")]
    Values {
        /// Key of the requirement.
        key: String,
        /// `in` or `notin`.
        operator: &'static str,
    },
    /// No label can have this key.
    #[error("`{0}` is not a label key")]
    Key(String),
    /// No label can have this value.
    #[error("`{0}` is not a label value")]
    Value(String),
}

impl LabelSelector {
    /// Whether these labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }

    /// Whether there is no requirement at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for LabelSelector {
    type Err = LabelSelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text.trim();
        let mut requirements = Vec::new();
        while !rest.is_empty() {
            let (requirement, after) = requirement(rest)?;
            requirements.push(requirement);
            rest = match after.strip_prefix(',') {
                // as kubectl: a trailing comma is an empty requirement
                Some(after) if after.trim().is_empty() => return Err(LabelSelectorError::Key(String::new())),
                Some(after) => after.trim_start(),
                None => after,
            };
        }
        Ok(Self(requirements))
    }
}

/// Reads one requirement; what is left is empty or starts with a comma.
fn requirement(text: &str) -> Result<(Requirement, &str), LabelSelectorError> {
    let (absent, text) = match text.strip_prefix('!') {
        Some(text) => (true, text.trim_start()),
        None => (false, text),
    };
    let (key, rest) = word(text);
    check_key(key)?;
    let unexpected = |found: &str| LabelSelectorError::Operator {
        key: key.to_owned(),
        found: found.split([',', ' ']).next().unwrap_or(found).to_owned(),
    };
    let (test, rest) = if rest.is_empty() || rest.starts_with(',') {
        (if absent { Test::Absent } else { Test::Exists }, rest)
    } else if absent {
        return Err(unexpected(rest));
    } else if let Some(rest) = rest.strip_prefix("!=") {
        let (value, rest) = value(rest)?;
        (Test::NotIn(BTreeSet::from([value])), rest)
    } else if let Some(rest) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        let (value, rest) = value(rest)?;
        (Test::In(BTreeSet::from([value])), rest)
    } else {
        match word(rest) {
            ("in", rest) => values(key, "in", rest).map(|(values, rest)| (Test::In(values), rest))?,
            ("notin", rest) => values(key, "notin", rest).map(|(values, rest)| (Test::NotIn(values), rest))?,
            _ => return Err(unexpected(rest)),
        }
    };
    if !rest.is_empty() && !rest.starts_with(',') {
        return Err(unexpected(rest));
    }
    Ok((Requirement { key: key.to_owned(), test }, rest))
}

/// The characters up to the next space, comma, bracket or operator, and what follows without leading space.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_whitespace() || "=!,()<>".contains(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

fn value(text: &str) -> Result<(String, &str), LabelSelectorError> {
    let (value, rest) = word(text.trim_start());
    check_value(value)?;
    Ok((value.to_owned(), rest))
}

fn values<'a>(
    key: &str,
    operator: &'static str,
    text: &'a str,
) -> Result<(BTreeSet<String>, &'a str), LabelSelectorError> {
    let malformed = || LabelSelectorError::Values { key: key.to_owned(), operator };
    let (inside, rest) = text.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or_else(malformed)?;
    let mut values = BTreeSet::new();
    for value in inside.split(',').map(str::trim) {
        check_value(value)?;
        values.insert(value.to_owned());
    }
    Ok((values, rest.trim_start()))
}

/// `[prefix/]name`, as the API server checks it.
fn check_key(key: &str) -> Result<(), LabelSelectorError> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_fits = prefix.is_none_or(|prefix| !prefix.is_empty() && prefix.len() <= 253);
    if prefix_fits && !name.is_empty() && is_label_word(name) {
        Ok(())
    } else {
        Err(LabelSelectorError::Key(key.to_owned()))
    }
}

fn check_value(value: &str) -> Result<(), LabelSelectorError> {
    if is_label_word(value) { Ok(()) } else { Err(LabelSelectorError::Value(value.to_owned())) }
}

/// At most 63 letters, digits, `-`, `_` and `.`, the first and last a letter or digit; may be empty.
fn is_label_word(word: &str) -> bool {
    let alphanumeric = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    word.len() <= 63
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && alphanumeric(word.chars().next())
        && alphanumeric(word.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn requirements_mean_what_they_mean_to_kubectl() {
        let web = labels(&[("team", "a"), ("app.kubernetes.io/name", "web"), ("empty", "")]);
        for (selector, holds) in [
            ("", true),
            ("team=a", true),
            ("team==a", true),
            ("team = a", true),
            ("team=b", false),
            ("team!=a", false),
            ("team != b", true),
            ("absent!=b", true),
            ("team in (a, b)", true),
            ("team in (b)", false),
            ("team notin (a,b)", false),
            ("absent notin (a)", true),
            ("absent in (a)", false),
            ("team", true),
            ("absent", false),
            ("!absent", true),
            ("! team", false),
            ("app.kubernetes.io/name=web,team in(a),!absent", true),
            ("app.kubernetes.io/name=web, team=b", false),
            ("empty=", true),
            ("team=,team", false),
            ("in=a", false),
        ] {
            let parsed: LabelSelector = selector.parse().unwrap();
            assert_eq!(parsed.matches(&web), holds, "{selector}");
        }
    }

    #[test]
    fn what_kubectl_refuses_is_refused() {
        for selector in [
            "a b", "a,,b", "a,", ",", "=a", "a in b", "a in (b", "!a=b", "a>1", "-a=b", "a=b c", "a=b)",
            "a=-b", "a/b/c=d", "/a=b", "a=(b)",
        ] {
            assert!(selector.parse::<LabelSelector>().is_err(), "{selector}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = text.parse::<LabelSelector>();
        }
    }
}
