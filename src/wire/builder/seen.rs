//! Objects and Events as they were read, and which of several readings counts.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{
    Event, FluxInstallation, GroupKind, Meta, Namespace, Node, ObjectKey, Pod, SecretKeys, Source, Workload,
};
use crate::wire::{Place, api};

/// Which of two readings of one object is the newer one. Resource versions are numbers of one cluster's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age {
    pub(super) resource_version: Option<u64>,
    pub(super) generation: i64,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Node(Box<Node>),
    Source(Box<Source>),
    Workload(Workload),
    Pod(Pod),
    Claim(String, Meta),
    Secret(SecretKeys, Meta),
    ConfigMap(BTreeSet<String>, Meta),
    Namespace(Namespace),
    Definition((GroupKind, Vec<String>), Meta),
    Flux(FluxInstallation, Meta),
    Other(Meta),
}

/// One object as it was read, with what was wrong with it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) age: Age,
    pub(super) content: Content,
    pub(super) problems: Vec<String>,
    pub(super) place: Place,
    /// Uid (empty where it was left out) and file of every reading of it.
    pub(super) readings: Vec<(String, String)>,
    /// Nothing tells which of two readings that differ is the newer one.
    pub(super) undated: bool,
    /// The object as a snapshot shows it, where one is to be written.
    pub(super) kept: Option<Value>,
}

impl Seen {
    pub(super) fn new(age: Age, content: Content, problems: Vec<String>, place: Place, uid: String) -> Self {
        let readings = vec![(uid, place.file.clone())];
        Self { age, content, problems, place, readings, undated: false, kept: None }
    }

    /// Takes another reading in: the newer one counts. Of two of one age it is the one that counts in every order of
    /// the input.
    pub(super) fn merge(&mut self, mut other: Self) {
        let words = |seen: &Self| (format!("{:?}", seen.content), seen.problems.clone());
        let place = |seen: &Self| (seen.place.file.clone(), seen.place.line);
        let newer = match other.age.cmp(&self.age) {
            Ordering::Equal => {
                let (ours, theirs) = (words(self), words(&other));
                self.undated |= ours != theirs && self.age.resource_version.is_none();
                other.undated |= self.undated;
                (theirs, place(&other)) > (ours, place(self))
            }
            order => order.is_gt(),
        };
        if newer {
            std::mem::swap(self, &mut other);
        }
        self.readings.append(&mut other.readings);
    }

    /// Whether its readings are of several objects, or of one at moments of which nothing is known.
    pub(super) fn is_mixed(&self) -> bool {
        let uids = self.readings.iter().map(|(uid, _)| uid).filter(|uid| !uid.is_empty());
        self.undated || uids.collect::<BTreeSet<_>>().len() > 1
    }
}

/// What makes an Event the same one: its uid, else namespace and name.
pub(super) type EventId = (String, String);

/// One Event as it was read: what it is about, and what it says; else why it cannot be read.
#[derive(Clone, Debug)]
pub(super) struct SeenEvent {
    pub(super) age: Age,
    pub(super) read: Result<(ObjectKey, Event), String>,
    /// The Event as a snapshot shows it, where one is to be written.
    pub(super) kept: Option<Value>,
}

pub(super) fn age_of(metadata: &api::ObjectMeta) -> Age {
    Age { resource_version: metadata.resource_version.parse().ok(), generation: metadata.generation }
}
