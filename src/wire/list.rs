//! Lists: a typed one speaks for its whole kind, a `v1` List only for what it holds.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::api;
use super::builder::SnapshotBuilder;
use super::codes;
use super::place::Place;
use super::stated::Stated;
use crate::model::{Coverage, GroupKind};

/// What a list says of itself, beside its items.
#[derive(Clone, Debug)]
pub struct ListHead {
    api_version: String,
    /// Kind of the list itself, such as `KustomizationList`.
    kind: String,
    /// Whether it is one page of several.
    partial: bool,
    resource_version: String,
    taken_at: Option<Value>,
    /// What a snapshot says of itself, or what is wrong with that.
    stated: Option<Result<Stated, String>>,
}

impl ListHead {
    /// Reads a document's fields; `None` when the document is no list.
    ///
    /// `has_items` says that there are `items`, which may have been taken away, and that they are a list or `null`.
    pub fn read(fields: &Map<String, Value>, has_items: bool) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text(fields.get("apiVersion")), text(fields.get("kind")));
        let metadata = fields.get("metadata").and_then(Value::as_object);
        let of_metadata = |name: &str| text(metadata.and_then(|metadata| metadata.get(name)));
        let is_list = kind.ends_with("List") && !api_version.is_empty() && of_metadata("name").is_empty();
        let no_items = kind == "List" && !fields.contains_key("items"); // an empty one, written by hand
        (is_list && (has_items || no_items)).then(|| Self {
            partial: !of_metadata("continue").is_empty(),
            resource_version: of_metadata("resourceVersion"),
            taken_at: fields.get("takenAt").cloned(),
            stated: fields.get("fluxlayers").filter(|_| kind == "List").map(api::decode),
            api_version,
            kind,
        })
    }

    /// The kind that it lists; `None` for a `v1` List, which holds whatever was put into it.
    fn item_kind(&self) -> Option<GroupKind> {
        let kind = self.kind.strip_suffix("List").filter(|kind| !kind.is_empty())?;
        Some(GroupKind::from_api_version(&self.api_version, kind))
    }
}

/// Takes the items of one list, one after the other, so that a large list need not be in memory twice.
pub struct ListBuilder<'builder> {
    builder: &'builder mut SnapshotBuilder,
    head: ListHead,
    item_kind: Option<GroupKind>,
    place: Place,
    namespaces: BTreeSet<String>,
    covers: Coverage,
    torn: bool,
}

impl<'builder> ListBuilder<'builder> {
    pub(super) fn new(builder: &'builder mut SnapshotBuilder, head: ListHead, place: Place) -> Self {
        if let Some(taken_at) = &head.taken_at {
            builder.taken_at(taken_at, &place);
        }
        let (item_kind, namespaces, covers) = (head.item_kind(), BTreeSet::new(), Coverage::default());
        Self { builder, head, item_kind, place, namespaces, covers, torn: false }
    }

    /// Adds one item; in a typed list it may lack `apiVersion` and `kind`.
    pub fn item(&mut self, mut item: Value, place: Place) {
        if let (Some(kind), Some(fields)) = (&self.item_kind, item.as_object_mut()) {
            let absent = |name: &str| fields.get(name).is_none_or(Value::is_null);
            if absent("kind") && absent("apiVersion") {
                fields.insert("kind".to_owned(), kind.kind.as_ref().into());
                fields.insert("apiVersion".to_owned(), self.head.api_version.as_str().into());
            }
        }
        self.namespaces.insert(item["metadata"]["namespace"].as_str().unwrap_or_default().to_owned());
        self.builder.document(item, place, &mut self.covers);
    }

    /// An item could not be read: the list proves no absence.
    pub fn torn(&mut self) {
        self.torn = true;
    }

    /// Ends the list and settles what its absences prove.
    pub fn end(self) {
        let Self { builder, head, item_kind, place, namespaces, covers, torn } = self;
        // A snapshot says itself what its absences prove; its objects do not.
        match head.stated {
            Some(Ok(stated)) => return builder.state(&stated, torn),
            Some(Err(error)) => return builder.broken(format!("{place}: fluxlayers: {error}")),
            None => {}
        }
        if head.partial {
            let kind = item_kind.as_ref().map_or("objects".to_owned(), |kind| format!("{} objects", kind.kind));
            builder
                .incomplete(codes::PARTIAL_LIST, format!("{place}: one page of a list of {kind}, more exist"));
        }
        builder.lists.0.push(List {
            // Lists of mere metadata list something else than their kind says.
            kind: item_kind.filter(|kind| kind.group != "meta.k8s.io"),
            resource_version: head.resource_version,
            page: head.partial,
            torn,
            namespaces,
            covers,
        });
    }
}

/// A list, as far as it decides what is covered.
#[derive(Clone, Debug)]
struct List {
    /// What it lists; `None` for a `v1` List.
    kind: Option<GroupKind>,
    resource_version: String,
    page: bool,
    torn: bool,
    /// Namespaces of its items.
    namespaces: BTreeSet<String>,
    /// What its items cover, each for itself.
    covers: Coverage,
}

/// All lists of one snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists(Vec<List>);

impl Lists {
    /// Takes in the lists of another snapshot's builder.
    pub(super) fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// What the lists cover. The last page of a list reads like a whole one, but shares its resource version with
    /// the pages before it, which say that they are pages.
    pub(super) fn coverage(self) -> Coverage {
        let page = |list: &List| (list.kind.clone(), list.resource_version.clone());
        let pages: BTreeSet<_> = self.0.iter().filter(|list| list.page).map(page).collect();
        let mut coverage = Coverage::default();
        for list in self.0 {
            let last_page = list.kind.is_some() && pages.contains(&page(&list));
            if list.page || list.torn || last_page {
                continue;
            }
            coverage.merge(list.covers);
            match list.kind {
                // All in one namespace: it may have been asked for in that namespace alone.
                Some(kind) if list.namespaces.len() != 1 => coverage.cover_everywhere(kind),
                _ => {}
            }
        }
        coverage
    }
}
