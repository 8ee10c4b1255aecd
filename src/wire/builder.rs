//! Gathers documents and makes one [`Snapshot`] of them, the same whatever order they come in.

mod content;
mod document;
mod finish;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use self::seen::{Content, EventId, Seen, SeenEvent};
use super::codes;
use super::list::{ListBuilder, ListHead, Lists};
use super::place::Place;
use super::stated::Stated;
use super::store::Change;
use crate::model::{Coverage, Event, GroupKind, Node, ObjectKey, Snapshot, Warning};

/// What one file held that is no object, for one warning.
#[derive(Clone, Debug, Default)]
struct Skipped {
    no_objects: usize,
    tables: usize,
    metadata_only: usize,
    watch_events: usize,
}

/// Takes documents in any order and makes a [`Snapshot`] of them.
#[derive(Clone, Debug, Default)]
pub struct SnapshotBuilder {
    objects: BTreeMap<ObjectKey, Seen>,
    events: BTreeMap<EventId, SeenEvent>,
    /// What single objects cover; void when something could not be read, because it may have been any of them.
    singles: Coverage,
    pub(super) lists: Lists,
    listed: Coverage,
    skipped: BTreeMap<String, Skipped>,
    warnings: BTreeSet<Warning>,
    /// Declarations that are not the first ones of their objects, by place, in words.
    duplicates: BTreeSet<(String, Option<usize>, String, ObjectKey)>,
    incomplete: bool,
    unreadable: bool,
    taken_at: Option<Timestamp>,
    newest: Option<Timestamp>,
    /// Whether documents are kept, to be written into a snapshot.
    keeps: bool,
}

/// A snapshot, and the documents that read as the same one.
#[derive(Debug)]
pub struct Kept {
    /// What was seen.
    pub snapshot: Snapshot,
    /// Its objects, reduced to what is read of them, ordered; Events come last.
    pub documents: Vec<Value>,
}

impl SnapshotBuilder {
    /// A builder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, and it keeps what a snapshot shows of each object, for [`SnapshotBuilder::finish_kept`].
    pub fn keeping() -> Self {
        Self { keeps: true, ..Self::default() }
    }

    /// Adds a document: an object, a `v1` List, a typed list, or something else, which is counted and warned of.
    ///
    /// Of the same object twice, the newer one stays (resource version, then generation), with a warning where they
    /// are of several clusters; of the same declaration twice the first one, with a warning.
    pub fn add(&mut self, document: Value, place: Place) {
        let mut covers = Coverage::default();
        self.document(document, place, &mut covers);
        self.singles.merge(covers);
    }

    /// Adds one object of a live list; what the list covers is said apart, by [`SnapshotBuilder::covers`].
    pub fn add_listed(&mut self, document: Value, place: Place) {
        self.document(document, place, &mut Coverage::default());
    }

    /// Puts an object of a watch in the place of what was known of it, however old that says it is.
    pub(super) fn put(&mut self, document: Value, place: Place) -> ObjectKey {
        let key = self.forget(&document);
        self.add_listed(document, place);
        key
    }

    /// Takes away the object or Event that the document names, and gives the key that it has.
    pub(super) fn forget(&mut self, document: &Value) -> ObjectKey {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = GroupKind::from_api_version(&text(&document["apiVersion"]), &text(&document["kind"]));
        let key = key_of(kind, document);
        self.objects.remove(&key);
        let metadata = &document["metadata"];
        let [uid, namespace, name] = ["uid", "namespace", "name"].map(|field| text(&metadata[field]));
        self.events.remove(&event_id(uid, namespace, name));
        key
    }

    /// What was seen of an object, if it is one that has a place in the layers or feeds one that has.
    pub(super) fn seen(&self, key: &ObjectKey) -> Option<Change> {
        match &self.objects.get(key)?.content {
            Content::Node(node) => Some(Change::Node(node.clone())),
            Content::Source(source) => Some(Change::Source(source.clone())),
            _ => None,
        }
    }

    /// Takes in all that another builder has seen of other objects.
    pub(super) fn absorb(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.events.extend(other.events);
        self.singles.merge(other.singles);
        self.listed.merge(other.listed);
        self.lists.absorb(other.lists);
        self.skipped.extend(other.skipped);
        self.warnings.extend(other.warnings);
        self.duplicates.extend(other.duplicates);
        self.incomplete |= other.incomplete;
        self.unreadable |= other.unreadable;
        self.taken_at = self.taken_at.max(other.taken_at);
        self.newest = self.newest.max(other.newest);
        self.keeps |= other.keeps;
    }

    /// The appliers among what was seen.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.objects.values().filter_map(|seen| match &seen.content {
            Content::Node(node) => Some(&**node),
            _ => None,
        })
    }

    /// Keeps the newest Events of each object, and the first one of each reason, which tells when a failure began.
    pub(super) fn trim_events(&mut self, newest: usize) {
        let mut about: BTreeMap<&ObjectKey, Vec<(&EventId, &Event)>> = BTreeMap::new();
        for (id, seen) in &self.events {
            if let Ok((object, event)) = &seen.read {
                about.entry(object).or_default().push((id, event));
            }
        }
        let mut dropped: BTreeSet<EventId> = BTreeSet::new();
        for mut events in about.into_values().filter(|events| events.len() > newest) {
            events.sort_by_key(|(id, event)| (std::cmp::Reverse(event.last), *id));
            let mut first: BTreeMap<&str, (&EventId, &Event)> = BTreeMap::new();
            for (id, event) in &events {
                let earliest = first.entry(&event.reason).or_insert((id, event));
                if event.first < earliest.1.first {
                    *earliest = (id, event);
                }
            }
            let kept: BTreeSet<&EventId> = first.into_values().map(|(id, _)| id).collect();
            let old = events.iter().skip(newest).map(|(id, _)| *id);
            dropped.extend(old.filter(|id| !kept.contains(id)).cloned());
        }
        self.events.retain(|id, _| !dropped.contains(id));
    }

    /// A kind was listed whole, everywhere or in one namespace.
    pub fn covers(&mut self, kind: GroupKind, namespace: Option<&str>) {
        match namespace {
            Some(namespace) => self.listed.cover(kind, namespace),
            None => self.listed.cover_everywhere(kind),
        }
    }

    /// An object was asked for by its name and does not exist.
    pub fn absent(&mut self, key: ObjectKey) {
        self.listed.cover_absent(key);
    }

    /// All Deployments that bear the label of Flux were listed, everywhere or in one namespace.
    pub fn covers_controllers(&mut self, namespace: Option<&str>) {
        self.listed.cover_controllers(namespace);
    }

    /// A kind may not be listed, or in some namespaces only.
    pub fn denied(&mut self, kind: GroupKind) {
        self.listed.deny(kind);
    }

    /// Begins a list whose items are handed over one by one.
    pub fn list(&mut self, head: ListHead, place: Place) -> ListBuilder<'_> {
        ListBuilder::new(self, head, place)
    }

    /// Warns that something could not be read: the snapshot is not complete, and objects that stand alone prove no
    /// absence any more.
    pub fn broken(&mut self, text: String) {
        self.unreadable = true;
        self.incomplete(codes::INPUT_BROKEN, text);
    }

    /// Warns without more.
    pub fn warn(&mut self, code: &'static str, text: String) {
        self.warnings.insert(Warning { code, text, object: None });
    }

    /// Warns that something is out of sight: the snapshot is not complete.
    pub fn incomplete(&mut self, code: &'static str, text: String) {
        self.incomplete = true;
        self.warn(code, text);
    }

    /// Takes in what a snapshot says of itself; a part of it that could not be read makes it prove no absence.
    pub(super) fn state(&mut self, stated: &Stated, torn: bool) {
        if !torn {
            self.listed.merge(stated.coverage());
        }
        self.warnings.extend(stated.warnings());
        self.incomplete |= !stated.complete;
    }

    pub(super) fn taken_at(&mut self, time: &Value, place: &Place) {
        match time.as_str().and_then(|text| text.parse().ok()) {
            Some(time) => self.taken_at = self.taken_at.max(Some(time)),
            None => self.warn(codes::INPUT_BROKEN, format!("{place}: takenAt is no RFC 3339 time")),
        }
    }

    fn skipped(&mut self, place: &Place) -> &mut Skipped {
        self.skipped.entry(place.file.clone()).or_default()
    }
}

/// The object that a document names.
fn key_of(kind: GroupKind, document: &Value) -> ObjectKey {
    let name = |field: &str| document["metadata"][field].as_str().unwrap_or_default().to_owned();
    let cluster_scoped = [GroupKind::NAMESPACE, GroupKind::CUSTOM_RESOURCE_DEFINITION].contains(&kind);
    let namespace = if cluster_scoped { String::new() } else { name("namespace") };
    ObjectKey::new(kind, namespace, name("name"))
}

/// The same Event is served by both of its API groups, under one uid.
fn event_id(uid: String, namespace: String, name: String) -> EventId {
    if uid.is_empty() { (namespace, name) } else { (String::new(), uid) }
}
