//! Conditions, as every Flux controller writes them into `status.conditions`.

use jiff::Timestamp;
use serde::Deserialize;

/// Status of a condition; anything that is neither `True` nor `False` counts as `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ConditionStatus {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// Not known, or a run is under way.
    #[default]
    #[serde(other)]
    Unknown,
}

impl ConditionStatus {
    /// The API's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Condition type, such as `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Machine-readable reason, such as `DependencyNotReady`.
    pub reason: String,
    /// The controller's words.
    pub message: String,
    /// Generation of the spec that the condition speaks of; absent in some kinds.
    pub observed_generation: Option<i64>,
    /// Last change of status, reason or message (flux-semantics: of any of the three).
    #[serde(rename = "lastTransitionTime")]
    pub since: Option<Timestamp>,
}

/// All conditions of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// The condition of that type; the first one where a controller wrote two.
    pub fn get(&self, kind: &str) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.kind == kind)
    }

    /// The `Ready` condition.
    pub fn ready(&self) -> Option<&Condition> {
        self.get("Ready")
    }

    /// Whether the condition of that type is there and `True`.
    pub fn is_true(&self, kind: &str) -> bool {
        self.get(kind).is_some_and(|condition| condition.status == ConditionStatus::True)
    }

    /// Newest generation that any condition speaks of.
    pub fn newest_generation(&self) -> Option<i64> {
        self.0.iter().filter_map(|condition| condition.observed_generation).max()
    }
}
