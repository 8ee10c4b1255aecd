//! `impact -o json`: fields may be added; none is ever renamed, removed or retyped.

use serde::Serialize;

#[cfg(test)]
use super::super::schema;
use super::common::{ObjectV1, RefV1, WarningV1, object, other_object, reference, references, warning};
use crate::diagnosis::State;
use crate::diagnosis::impact::{Deletes, Impact};
use crate::diagnosis::why::Target;
use crate::graph::Relation;
use crate::model::{GroupKind, ObjectKey};

/// What waits for an object, what would stop without it, and what its deletion takes away.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Impact"))]
#[serde(rename_all = "camelCase")]
pub struct ImpactV1<'a> {
    /// Version of this format.
    #[cfg_attr(test, schemars(schema_with = "schema::api_version"))]
    api_version: &'static str,
    /// Kind of this document.
    #[cfg_attr(test, schemars(schema_with = "schema::impact_kind"))]
    kind: &'static str,
    /// False when something could not be read: more may wait for it, and more may go.
    complete: bool,
    /// What was asked about; of a source and of what does not exist only the state, the revision and `blockedBy` are told.
    target: Option<ObjectV1<'a>>,
    /// What waits for it now, directly or through others.
    waiting_now: Vec<RefV1<'a>>,
    /// What would not go on as before if it failed: what stops, then what is frozen, the nearest first.
    dependents: Vec<DependentV1<'a>>,
    /// Dependents that stop at the next revision of the source that they share with it, once it is suspended.
    behind_if_suspended: Vec<RefV1<'a>>,
    /// What its deletion takes away; null unless that was asked.
    deletes: Option<DeletesV1<'a>>,
    /// What was wrong with what was read.
    warnings: Vec<WarningV1<'a>>,
}

/// An object that would not go on as before.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Dependent"))]
#[serde(rename_all = "camelCase")]
struct DependentV1<'a> {
    #[serde(flatten)]
    key: RefV1<'a>,
    /// Fewest edges between it and the target.
    distance: usize,
    /// The edge on which the effect reaches it: dependsOn, source, appliedBy or health.
    relation: &'static str,
    /// `stops`: its next run stops. `frozen`: it goes on, and what is new does not reach it: an
    /// artifact of its source, or a change of itself.
    effect: &'static str,
}

/// What a deletion takes away.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Deletes"))]
#[serde(rename_all = "camelCase")]
struct DeletesV1<'a> {
    /// Objects that are known to go, beside the target.
    total: usize,
    /// How many of each kind.
    kinds: Vec<KindCountV1<'a>>,
    kustomizations: Vec<RefV1<'a>>,
    /// All that is in them goes as well, in sight or not.
    namespaces: Vec<RefV1<'a>>,
    /// Every object of their kinds goes as well, in sight or not.
    custom_resource_definitions: Vec<RefV1<'a>>,
    /// All of them, with why.
    objects: Vec<FateV1<'a>>,
    /// What stays of the inventories of what goes, with why.
    keeps: Vec<FateV1<'a>>,
    /// What a list does not say, such as that something is applied again.
    notes: Vec<NoteV1<'a>>,
}

/// How many objects of one kind.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "KindCount"))]
struct KindCountV1<'a> {
    group: &'a str,
    kind: &'a str,
    count: usize,
}

/// An object that goes or stays.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Fate"))]
#[serde(rename_all = "camelCase")]
struct FateV1<'a> {
    #[serde(flatten)]
    key: RefV1<'a>,
    /// It goes by inventory, uninstall, namespace, customResourceDefinition or owner; it stays as notPruned, suspended,
    /// excepted, otherOwner or chartDefinition.
    because: &'static str,
    /// What it goes with, or whose inventory it stays of.
    of: RefV1<'a>,
}

/// One sentence, and what it is about.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Note"))]
struct NoteV1<'a> {
    text: &'a str,
    object: RefV1<'a>,
}

impl<'a> ImpactV1<'a> {
    /// The document of one answer.
    pub fn new(impact: &'a Impact<'a>) -> Self {
        let dependents = impact.dependents.iter().map(|dependent| DependentV1 {
            key: reference(&dependent.key),
            distance: dependent.distance,
            relation: relation(dependent.relation),
            effect: dependent.effect.as_str(),
        });
        Self {
            api_version: "fluxlayers/v1",
            kind: "Impact",
            complete: impact.diagnosis.complete,
            target: match impact.target {
                Target::Object(report) => Some(object(report)),
                Target::Source(source) => Some(other_object(&source.key, source.state, Some(source))),
                Target::Missing(key) => Some(other_object(key, State::Missing, None)),
                Target::All { .. } | Target::NotFetched(_) => None,
            },
            waiting_now: references(&impact.waiting_now),
            dependents: dependents.collect(),
            behind_if_suspended: references(&impact.behind_if_suspended),
            deletes: impact.deletes.as_ref().map(DeletesV1::new),
            warnings: impact.input_warnings().map(warning).collect(),
        }
    }
}

impl<'a> DeletesV1<'a> {
    fn new(deletes: &'a Deletes) -> Self {
        let kinds = deletes.kinds().into_iter();
        let kinds = kinds.map(|(kind, count)| KindCountV1 { group: &kind.group, kind: &kind.kind, count });
        let of_kind =
            |kind: GroupKind| deletes.objects.keys().filter(|key| key.kind == kind).map(reference).collect();
        let fate = |key: &'a ObjectKey, because, of| FateV1 { key: reference(key), because, of: reference(of) };
        Self {
            total: deletes.objects.len(),
            kinds: kinds.collect(),
            kustomizations: of_kind(GroupKind::KUSTOMIZATION),
            namespaces: of_kind(GroupKind::NAMESPACE),
            custom_resource_definitions: of_kind(GroupKind::CUSTOM_RESOURCE_DEFINITION),
            objects: deletes
                .objects
                .iter()
                .map(|(key, going)| fate(key, going.reason.as_str(), &going.with))
                .collect(),
            keeps: deletes.keeps.iter().map(|(key, (why, of))| fate(key, why.as_str(), of)).collect(),
            notes: deletes
                .notes
                .iter()
                .map(|note| NoteV1 { text: &note.text, object: reference(&note.object) })
                .collect(),
        }
    }
}

/// The relation's name, as in `graph`.
fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::DependsOn => "dependsOn",
        Relation::Source => "source",
        Relation::AppliedBy => "appliedBy",
        Relation::Health => "health",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        schema::assert_committed::<ImpactV1<'_>>("impact.v1.json");
    }
}
