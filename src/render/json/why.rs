//! `why -o json`: fields may be added; none is ever renamed, removed or retyped.

use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use super::common::{
    CauseV1, ClockV1, ObjectV1, WarningV1, about, cause, clock, object, other_object, warning,
};
use crate::diagnosis::State;
use crate::diagnosis::why::{Target, Why};
use crate::model::Commit;

/// The document for one target, or for everything that is not ready.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Why"))]
#[serde(rename_all = "camelCase")]
pub struct WhyV1<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::api_version"))]
    api_version: &'static str,
    /// Kind of this document.
    #[cfg_attr(test, schemars(schema_with = "schema::why_kind"))]
    kind: &'static str,
    /// False when something could not be read, or a verdict had to do without an object that is out of sight.
    complete: bool,
    /// What was asked about; null for everything, and for what only the files of a repository have.
    target: Option<ObjectV1<'a>>,
    /// Root causes that hit it, those that block most first, each with the chain from the target.
    root_causes: Vec<CauseV1<'a>>,
    /// What would stop it, or what it waits for, when its root causes are gone; only what the facts in hand prove.
    next: Vec<CauseV1<'a>>,
    /// Commits that may have broken it, newest first, at most five; filled where a repository is joined.
    suspects: Vec<SuspectV1<'a>>,
    /// When the target ran last, and when it runs again.
    clock: Option<ClockV1<'a>>,
    /// What is no cause and should be known.
    warnings: Vec<WarningV1<'a>>,
}

/// A commit that touches what the failing object is built from.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Suspect"))]
struct SuspectV1<'a> {
    commit: &'a str,
    #[cfg_attr(test, schemars(schema_with = "schema::moment"))]
    time: String,
    author: &'a str,
    subject: &'a str,
    /// Files that it changes.
    paths: &'a [String],
}

/// The document for several targets.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WhyList"))]
#[serde(rename_all = "camelCase")]
pub struct WhyListV1<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::api_version"))]
    api_version: &'static str,
    /// Kind of this document.
    #[cfg_attr(test, schemars(schema_with = "schema::why_list_kind"))]
    kind: &'static str,
    /// One for each target, in the order in which they were asked about.
    items: Vec<WhyV1<'a>>,
}

impl<'a> WhyV1<'a> {
    /// The document of one answer.
    pub fn new(why: &'a Why<'a>) -> Self {
        Self {
            api_version: "fluxlayers/v1",
            kind: "Why",
            complete: why.diagnosis.complete,
            target: match why.target {
                Target::Object(report) => Some(object(report)),
                Target::Source(source) => Some(other_object(&source.key, source.state, Some(source))),
                Target::Missing(key) => Some(other_object(key, State::Missing, None)),
                Target::All { .. } | Target::NotFetched(_) => None,
            },
            root_causes: why.causes.iter().map(cause).collect(),
            next: why.next.iter().map(cause).collect(),
            suspects: why.suspects().into_iter().map(suspect).collect(),
            clock: match why.target {
                Target::Object(report) => clock(&report.clock),
                _ => None,
            },
            warnings: why.warnings.iter().copied().map(warning).chain(unfetched(why)).collect(),
        }
    }
}

/// What only the files of a repository have is said as a warning.
fn unfetched<'a>(why: &Why<'a>) -> Option<WarningV1<'a>> {
    let Target::NotFetched(found) = why.target else { return None };
    Some(about("NotFetched", &found.waits_for, &found.key))
}

fn suspect(commit: &Commit) -> SuspectV1<'_> {
    SuspectV1 {
        commit: &commit.id,
        time: commit.time.to_string(),
        author: &commit.author,
        subject: &commit.subject,
        paths: &commit.paths,
    }
}

impl<'a> WhyListV1<'a> {
    /// The document of several answers.
    pub fn new(answers: &'a [Why<'a>]) -> Self {
        Self { api_version: "fluxlayers/v1", kind: "WhyList", items: answers.iter().map(WhyV1::new).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_in_the_repository_are_those_of_the_types() {
        schema::assert_committed::<WhyV1<'_>>("why.v1.json");
        schema::assert_committed::<WhyListV1<'_>>("whylist.v1.json");
    }
}
