//! One document: an object, an Event, a list of them, or none of these.

use std::collections::btree_map::Entry;

use serde_json::Value;
use zeroize::Zeroize;

use super::content::{content, undecodable};
use super::seen::{Age, Content, Seen, SeenEvent, age_of};
use super::{SnapshotBuilder, event_id, key_of};
use crate::model::{Coverage, GroupKind, Meta, ObjectKey};
use crate::wire::list::ListHead;
use crate::wire::reduced::{AGE_RECIPIENTS, Shown, UNREADABLE, reduced};
use crate::wire::{Place, api, codes, convert, times};

impl SnapshotBuilder {
    // Recursive through lists in lists, and as deep as the readers of JSON and YAML allow.
    pub(in crate::wire) fn document(&mut self, mut document: Value, place: Place, covers: &mut Coverage) {
        let Some(fields) = document.as_object_mut() else {
            self.skipped(&place).no_objects += 1;
            return;
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let has_items = fields.get("items").is_some_and(|items| items.is_array() || items.is_null());
        match (api_version.as_str(), kind.as_str()) {
            ("", _) | (_, "") => {
                if fields.get("object").is_some_and(Value::is_object) && fields.contains_key("type") {
                    self.skipped(&place).watch_events += 1;
                } else {
                    self.skipped(&place).no_objects += 1;
                }
            }
            (_, "Table") if fields.contains_key("rows") => self.skipped(&place).tables += 1,
            (_, "PartialObjectMetadata") => self.skipped(&place).metadata_only += 1,
            ("v1", "Status") => self.status(&document, &place),
            // The API server's description of itself, and its answers about rights.
            (_, "APIResourceList" | "APIGroupList" | "APIGroup" | "APIVersions" | "APIGroupDiscoveryList") => {}
            (version, _) if version.starts_with("authorization.") || version.starts_with("authentication.") => {
            }
            _ if has_items || kind == "List" => {
                let items = if has_items { fields.remove("items") } else { None };
                let Some(head) = ListHead::read(fields, has_items) else {
                    fields.extend(items.map(|items| ("items".to_owned(), items)));
                    return self.object(&api_version, &kind, document, place, covers);
                };
                let mut list = self.list(head, place.clone());
                if let Some(Value::Array(items)) = items {
                    items.into_iter().for_each(|item| list.item(item, place.clone()));
                }
                list.end();
            }
            _ => self.object(&api_version, &kind, document, place, covers),
        }
    }

    /// An answer of the API server instead of objects, such as "forbidden".
    fn status(&mut self, document: &Value, place: &Place) {
        let answer: api::ApiStatus = api::decode(document).unwrap_or_default();
        if answer.status != "Success" {
            let said = if answer.message.is_empty() { answer.reason } else { answer.message };
            self.incomplete(codes::INPUT_BROKEN, format!("{place}: the API server answered: {said}"));
        }
    }

    fn object(
        &mut self,
        api_version: &str,
        kind: &str,
        mut document: Value,
        place: Place,
        covers: &mut Coverage,
    ) {
        let kind = GroupKind::from_api_version(api_version, kind);
        let data = [take_data(&mut document, "data"), take_data(&mut document, "stringData")];
        wipe_last_applied(&mut document);
        api::strip_nulls(&mut document);

        let key = key_of(kind, &document);
        if key.name.is_empty() {
            if is_flux(&key.kind) {
                self.broken(format!("{place}: {} without metadata.name", key.kind.kind));
            } else {
                self.skipped(&place).no_objects += 1; // such as the configuration of kustomize or of a client
            }
            return;
        }
        if place.declared.is_none() {
            self.newest = self.newest.max(times::newest(&document));
        }
        covers.cover(key.kind.clone(), &*key.namespace);

        let metadata = match api::decode(&document["metadata"]) {
            Ok(metadata) => metadata,
            Err(error) => {
                let problem = format!("metadata.{error}");
                let content = undecodable(&key, Meta::default(), &place);
                let uid = document["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
                let mut seen = Seen::new(Age::default(), content, vec![problem], place, uid);
                seen.kept = self.keeps.then(|| reduced(api_version, &key, None, &Shown::Unreadable));
                return self.see(key, seen);
            }
        };
        let age = age_of(&metadata);
        if matches!((&*key.kind.group, &*key.kind.kind), ("" | "events.k8s.io", "Event")) {
            return self.event(&document, api_version, &key, metadata, age, &place);
        }
        let uid = metadata.uid.clone();
        let unreadable = metadata.annotations.contains_key(UNREADABLE);
        let announced = metadata.annotations.get(AGE_RECIPIENTS).cloned();
        let meta = convert::meta(metadata, &key);
        let mut problems = Vec::new();
        let read = match unreadable {
            true => Err(None), // whoever wrote the snapshot has said why
            false => content(&key, meta.clone(), &document, data, announced.as_deref(), &place, &mut problems)
                .map_err(Some),
        };
        let kept = self.keeps.then(|| {
            let shown = match &read {
                Err(_) => Shown::Unreadable,
                Ok(Content::Secret(secret, _)) => Shown::Secret(secret),
                Ok(Content::ConfigMap(keys, _)) => Shown::Keys(keys.iter().collect()),
                Ok(_) => Shown::Fields(&document),
            };
            reduced(api_version, &key, api::decode(&document["metadata"]).ok(), &shown)
        });
        let content = read.unwrap_or_else(|problem| {
            problems.extend(problem);
            undecodable(&key, meta, &place)
        });
        self.see(key, Seen { kept, ..Seen::new(age, content, problems, place, uid) });
    }

    fn see(&mut self, key: ObjectKey, seen: Seen) {
        match self.objects.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(seen);
            }
            Entry::Occupied(occupied) if seen.place.declared.is_some() => {
                let text = format!("{}: also declared in {}", seen.place, occupied.get().place);
                let Place { file, line, .. } = seen.place;
                self.duplicates.insert((file, line, text, occupied.key().clone()));
            }
            Entry::Occupied(mut occupied) => occupied.get_mut().merge(seen),
        }
    }

    fn event(
        &mut self,
        document: &Value,
        api_version: &str,
        key: &ObjectKey,
        metadata: api::ObjectMeta,
        age: Age,
        place: &Place,
    ) {
        let read = match api::decode::<api::Event>(document) {
            Ok(wire) => Ok(convert::event(wire, &metadata.annotations)),
            Err(error) => Err(format!("{place}: Event/{}/{}: {error}", metadata.namespace, metadata.name)),
        };
        let id = event_id(metadata.uid.clone(), metadata.namespace.clone(), metadata.name.clone());
        let shown = Shown::Fields(document);
        let kept = (self.keeps && read.is_ok()).then(|| reduced(api_version, key, Some(metadata), &shown));
        // Of two readings of one age the words decide, never the order in which they came.
        let newer = |known: &SeenEvent| (age, format!("{read:?}")) > (known.age, format!("{:?}", known.read));
        if self.events.get(&id).is_none_or(newer) {
            self.events.insert(id, SeenEvent { age, read, kept });
        }
    }
}

/// Takes a field of values out of a document before anything else looks at it; `null` counts as absent.
fn take_data(document: &mut Value, field: &str) -> Option<Value> {
    document.as_object_mut()?.remove(field).filter(|data| !data.is_null())
}

/// kubectl keeps a copy of what was applied in an annotation, a Secret's values included.
fn wipe_last_applied(document: &mut Value) {
    let annotations = document.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(Value::String(text)) = annotations
        .and_then(|annotations| annotations.get_mut("kubectl.kubernetes.io/last-applied-configuration"))
    {
        text.zeroize();
    }
}

fn is_flux(kind: &GroupKind) -> bool {
    kind.is_applier() || kind.is_source()
}
