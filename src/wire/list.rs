//! Lists: a typed one speaks for its whole kind, a `v1` List only for what it holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::builder::{Cover, Place, SnapshotBuilder, codes};
use crate::model::GroupKind;

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
}

impl ListHead {
    /// Reads a document's fields without its `items`; `None` when the document is no list.
    pub fn read(fields: &Map<String, Value>, has_items: bool) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text(fields.get("apiVersion")), text(fields.get("kind")));
        let metadata = fields.get("metadata").and_then(Value::as_object);
        let of_metadata = |name: &str| text(metadata.and_then(|metadata| metadata.get(name)));
        let is_list = kind.ends_with("List") && !api_version.is_empty() && of_metadata("name").is_empty();
        (is_list && (has_items || kind == "List")).then(|| Self {
            partial: !of_metadata("continue").is_empty(),
            resource_version: of_metadata("resourceVersion"),
            taken_at: fields.get("takenAt").cloned(),
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
    items: usize,
}

impl<'builder> ListBuilder<'builder> {
    pub(super) fn new(builder: &'builder mut SnapshotBuilder, head: ListHead, place: Place) -> Self {
        if let Some(taken_at) = &head.taken_at {
            builder.taken_at(taken_at, &place);
        }
        let item_kind = head.item_kind();
        Self { builder, head, item_kind, place, namespaces: BTreeSet::new(), items: 0 }
    }

    /// Adds one item; in a typed list it may lack `apiVersion` and `kind`.
    pub fn item(&mut self, mut item: Value, place: Place) {
        self.items += 1;
        if let (Some(kind), Some(fields)) = (&self.item_kind, item.as_object_mut()) {
            let absent = |fields: &Map<String, Value>, name: &str| fields.get(name).is_none_or(Value::is_null);
            if absent(fields, "kind") && absent(fields, "apiVersion") {
                fields.insert("kind".to_owned(), kind.kind.as_ref().into());
                fields.insert("apiVersion".to_owned(), self.head.api_version.as_str().into());
            }
            if let Some(namespace) = item["metadata"]["namespace"].as_str() {
                self.namespaces.insert(namespace.to_owned());
            } else {
                self.namespaces.insert(String::new());
            }
        }
        let cover = match (&self.item_kind, self.head.partial) {
            (None, false) => Cover::Itself,
            (Some(kind), false) => Cover::Unless(kind.clone()), // its own kind is decided at the end
            (_, true) => Cover::Nothing,
        };
        self.builder.document(item, place, cover);
    }

    /// Ends the list and settles what its absences prove.
    pub fn end(self) {
        let Self { builder, head, item_kind, place, namespaces, items } = self;
        if head.partial {
            let kinds =
                item_kind.as_ref().map_or("objects".to_owned(), |kind| format!("{} objects", kind.kind));
            builder
                .incomplete(codes::PARTIAL_LIST, format!("{place}: one page of a list of {kinds}, more exist"));
        }
        if let Some(kind) = item_kind.filter(|kind| !kind.group.ends_with("meta.k8s.io")) {
            builder.lists.add(TypedList {
                kind,
                resource_version: head.resource_version,
                partial: head.partial,
                namespaces: (items > 0).then_some(namespaces),
            });
        }
    }
}

/// A typed list, as far as it decides what is covered.
#[derive(Debug)]
struct TypedList {
    kind: GroupKind,
    resource_version: String,
    partial: bool,
    /// Namespaces of its items, `None` where it has none.
    namespaces: Option<BTreeSet<String>>,
}

/// All typed lists of one snapshot.
#[derive(Debug, Default)]
pub(super) struct Lists(Vec<TypedList>);

/// Where a typed list proves absence.
pub(super) enum Extent {
    Everywhere,
    Namespace(String),
}

impl Lists {
    fn add(&mut self, list: TypedList) {
        self.0.push(list);
    }

    /// What the lists cover. The last page of a list reads like a whole one, but shares its resource version with
    /// the pages before it, which say that they are pages.
    pub(super) fn extents(self) -> Vec<(GroupKind, Extent)> {
        let mut pages: BTreeMap<GroupKind, BTreeSet<String>> = BTreeMap::new();
        for list in self.0.iter().filter(|list| list.partial) {
            pages.entry(list.kind.clone()).or_default().insert(list.resource_version.clone());
        }
        let whole = |list: &TypedList| {
            !list.partial
                && !pages.get(&list.kind).is_some_and(|versions| versions.contains(&list.resource_version))
        };
        let extent = |list: TypedList| match list.namespaces.map(Vec::from_iter) {
            // All in one namespace: it may have been asked for that namespace alone.
            Some(mut namespaces) if namespaces.len() == 1 => {
                (list.kind, Extent::Namespace(namespaces.pop().unwrap_or_default()))
            }
            _ => (list.kind, Extent::Everywhere),
        };
        self.0.into_iter().filter(whole).map(extent).collect()
    }
}
