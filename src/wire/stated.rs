//! What a snapshot says of itself beside its objects: how much was seen, and what could not be.
//!
//! Pure. It stands in field `fluxlayers` of a `v1` List, which kubectl passes over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::codes;
use crate::model::{Coverage, GroupKind, ObjectKey, Snapshot, Warning};

/// Field `fluxlayers` of a List.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stated {
    /// Version of the program that wrote it.
    pub version: String,
    /// Where it looked, for people.
    pub from: String,
    /// False when something could not be read.
    pub complete: bool,
    /// Kinds that were seen whole. What is not among them may exist without being here.
    pub covers: Vec<Covered>,
    /// Objects that were asked for by name and do not exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    absent: Vec<About>,
    /// What was wrong with what was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Told>,
}

/// One kind that was seen whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Covered {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// In these namespaces alone; without the field everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
}

/// One warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    code: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<About>,
}

/// One object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct About {
    group: String,
    kind: String,
    namespace: String,
    name: String,
}

impl Stated {
    /// What a snapshot has to say of itself.
    pub fn of(snapshot: &Snapshot) -> Self {
        let everywhere = snapshot.coverage.everywhere().map(|kind| (kind, None));
        let mut in_some: BTreeMap<&GroupKind, Vec<String>> = BTreeMap::new();
        for (kind, namespace) in snapshot.coverage.namespaces() {
            in_some.entry(kind).or_default().push(namespace.to_owned());
        }
        in_some.retain(|kind, _| !snapshot.coverage.covers_everywhere(kind));
        let mut covers: Vec<_> =
            everywhere.chain(in_some.into_iter().map(|(kind, names)| (kind, Some(names)))).collect();
        covers.sort();
        let covered = |(kind, namespaces): (&GroupKind, _)| Covered {
            group: kind.group.to_string(),
            kind: kind.kind.to_string(),
            namespaces,
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            from: snapshot.label.clone(),
            complete: snapshot.complete,
            covers: covers.into_iter().map(covered).collect(),
            absent: snapshot.coverage.absent().map(About::of).collect(),
            warnings: snapshot.warnings.iter().map(Told::of).collect(),
        }
    }

    /// Takes back that a kind was seen.
    pub fn forget(&mut self, kind: &GroupKind) {
        self.covers.retain(|covered| covered.group != kind.group || covered.kind != kind.kind);
        self.absent.retain(|about| about.group != kind.group || about.kind != kind.kind);
    }

    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        self.absent.iter().for_each(|about| coverage.cover_absent(about.key()));
        for Covered { group, kind, namespaces } in &self.covers {
            let kind = GroupKind::new(group.as_str(), kind.as_str());
            match namespaces {
                None => coverage.cover_everywhere(kind),
                Some(namespaces) => {
                    namespaces.iter().for_each(|namespace| coverage.cover(kind.clone(), namespace.as_str()));
                }
            }
        }
        coverage
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.warnings.iter().map(Told::warning)
    }
}

impl About {
    fn of(key: &ObjectKey) -> Self {
        Self {
            group: key.kind.group.to_string(),
            kind: key.kind.kind.to_string(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        }
    }

    fn key(&self) -> ObjectKey {
        let kind = GroupKind::new(self.group.as_str(), self.kind.as_str());
        ObjectKey::new(kind, self.namespace.as_str(), self.name.as_str())
    }
}

impl Told {
    fn of(warning: &Warning) -> Self {
        let object = warning.object.as_ref().map(About::of);
        Self { code: warning.code.to_owned(), text: warning.text.clone(), object }
    }

    fn warning(&self) -> Warning {
        // A code that a later version made: something was out of its sight.
        let code = codes::ALL.into_iter().find(|code| *code == self.code).unwrap_or(codes::NOT_COVERED);
        Warning { code, text: self.text.clone(), object: self.object.as_ref().map(About::key) }
    }
}
