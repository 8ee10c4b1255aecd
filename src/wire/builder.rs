//! Gathers documents and makes one [`Snapshot`] of them, the same whatever order they come in.

use std::cmp::Ordering;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::age::{self, Encoding};
use super::api;
use super::convert;
use super::list::{ListBuilder, ListHead, Lists};
use super::reduced::{AGE_RECIPIENTS, Shown, UNREADABLE, made_unreadable, reduced};
use super::stated::Stated;
use super::store::Change;
use super::times;
use crate::model::{
    Coverage, Event, Evidence, FluxInstallation, GroupKind, Meta, Namespace, Node, ObjectKey, Pod, SecretKeys,
    Snapshot, Source, Warning, Workload,
};

/// Codes of the warnings about input. They are never renamed.
pub mod codes {
    /// Something could not be read; the rest was.
    pub const INPUT_BROKEN: &str = "InputBroken";
    /// Something was read, and is of no use here.
    pub const INPUT_SKIPPED: &str = "InputSkipped";
    /// A list is one page of several.
    pub const PARTIAL_LIST: &str = "PartialList";
    /// A kind may not be listed, or in some namespaces only.
    pub const FORBIDDEN: &str = "Forbidden";
    /// Something is out of sight.
    pub const NOT_COVERED: &str = "NotCovered";
    /// A repository declares an object twice.
    pub const DUPLICATE_OBJECT: &str = "DuplicateObject";
    /// A repository was read without building it.
    pub const FIRST_CUT: &str = "FirstCut";
    /// What was read comes from several clusters, or from one at different times; a repository declares several.
    pub const SEVERAL_CLUSTERS: &str = "SeveralClusters";

    /// All of them.
    pub(in crate::wire) const ALL: [&str; 8] = [
        INPUT_BROKEN,
        INPUT_SKIPPED,
        PARTIAL_LIST,
        FORBIDDEN,
        NOT_COVERED,
        DUPLICATE_OBJECT,
        FIRST_CUT,
        SEVERAL_CLUSTERS,
    ];
}

/// Where a document stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// File, or whatever else the reader knows it by; for declared objects relative to the repository.
    pub file: String,
    /// Line of its first key, where that is known.
    pub line: Option<usize>,
    /// Set for an object that a repository declares; `None` for one that was read from a cluster or a dump.
    pub declared: Option<Declared>,
}

/// What only a declared object has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Line of each entry of `spec.dependsOn`.
    pub dependency_lines: Vec<usize>,
}

impl Place {
    /// A file without lines.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// The same file, at a line.
    pub fn at(&self, line: usize) -> Self {
        Self { line: Some(line), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// Which of two readings of one object is the newer one. Resource versions are numbers of one cluster's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    resource_version: Option<u64>,
    generation: i64,
}

#[derive(Clone, Debug)]
enum Content {
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
struct Seen {
    age: Age,
    content: Content,
    problems: Vec<String>,
    place: Place,
    /// Uid (empty where it was left out) and file of every reading of it.
    readings: Vec<(String, String)>,
    /// Nothing tells which of two readings that differ is the newer one.
    undated: bool,
    /// The object as a snapshot shows it, where one is to be written.
    kept: Option<Value>,
}

impl Seen {
    fn new(age: Age, content: Content, problems: Vec<String>, place: Place, uid: String) -> Self {
        let readings = vec![(uid, place.file.clone())];
        Self { age, content, problems, place, readings, undated: false, kept: None }
    }

    /// Takes another reading in: the newer one counts. Of two of one age it is the one that counts in every order of
    /// the input.
    fn merge(&mut self, mut other: Self) {
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
    fn is_mixed(&self) -> bool {
        let uids = self.readings.iter().map(|(uid, _)| uid).filter(|uid| !uid.is_empty());
        self.undated || uids.collect::<BTreeSet<_>>().len() > 1
    }
}

/// What makes an Event the same one: its uid, else namespace and name.
type EventId = (String, String);

/// One Event as it was read: what it is about, and what it says; else why it cannot be read.
#[derive(Clone, Debug)]
struct SeenEvent {
    age: Age,
    read: Result<(ObjectKey, Event), String>,
    /// The Event as a snapshot shows it, where one is to be written.
    kept: Option<Value>,
}

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

    // Recursive through lists in lists, and as deep as the readers of JSON and YAML allow.
    pub(super) fn document(&mut self, mut document: Value, place: Place, covers: &mut Coverage) {
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

    /// Makes the snapshot as [`SnapshotBuilder::finish`] does, with the documents that a builder which keeps them has
    /// kept.
    pub fn finish_kept(mut self, label: String, now: Option<Timestamp>) -> Kept {
        let objects = self.objects.values_mut().filter_map(|seen| {
            let mixed = seen.is_mixed() && matches!(seen.content, Content::Node(_));
            let mut kept = seen.kept.take()?;
            if mixed {
                made_unreadable(&mut kept);
            }
            Some(kept)
        });
        let mut documents: Vec<Value> = objects.collect();
        documents.extend(self.events.values_mut().filter_map(|seen| seen.kept.take()));
        Kept { snapshot: self.finish(label, now), documents }
    }

    /// Makes the snapshot. Without `now` the newest `takenAt` counts, else the newest time in any object.
    pub fn finish(mut self, label: String, now: Option<Timestamp>) -> Snapshot {
        self.warn_of_skipped();
        let mut events: BTreeMap<ObjectKey, Vec<Event>> = BTreeMap::new();
        for seen in std::mem::take(&mut self.events).into_values() {
            match seen.read {
                Ok((about, event)) => events.entry(about).or_default().push(event),
                Err(problem) => self.broken(problem),
            }
        }
        self.warn_of_mixed();
        self.warn_of_duplicates();
        let mut coverage = self.lists.coverage();
        coverage.merge(self.listed);
        if !self.unreadable {
            coverage.merge(self.singles);
        }
        let mut snapshot = Snapshot {
            label,
            now: now.or(self.taken_at).or(self.newest).unwrap_or_default(),
            coverage,
            ..Snapshot::default()
        };
        let mut complete = !self.incomplete;
        for (key, mut seen) in self.objects {
            if seen.is_mixed()
                && let Content::Node(node) = &seen.content
            {
                // Readings that contradict each other are none: which of them is true is not known.
                seen.content = Content::Node(Box::new(Node::unreadable(key.clone(), node.meta.clone())));
            }
            for problem in seen.problems {
                complete = false;
                let text = format!("{}: {key}: {problem}", seen.place);
                self.warnings.insert(Warning { code: codes::INPUT_BROKEN, text, object: Some(key.clone()) });
            }
            put(&mut snapshot, key, seen.content);
        }
        snapshot.evidence.events = events;
        for events in snapshot.evidence.events.values_mut() {
            // Oldest first; what stands at the same second is in no order of its own.
            events.sort_by(|a, b| {
                let order = |event: &Event| (event.last, event.first, event.warning);
                let words =
                    |event: &Event| (event.reason.clone(), event.message.clone(), event.revision.clone());
                order(a).cmp(&order(b)).then_with(|| words(a).cmp(&words(b)))
            });
        }
        snapshot.warnings = self.warnings.into_iter().collect();
        snapshot.complete = complete;
        snapshot
    }

    /// Dumps of several clusters, or of one at different times, make no picture of any of them.
    fn warn_of_mixed(&mut self) {
        let mixed: Vec<_> = self.objects.iter().filter(|(_, seen)| seen.is_mixed()).collect();
        let Some((first, _)) = mixed.first() else { return };
        let what = match mixed.len() {
            1 => first.to_string(),
            count => format!("{count} objects ({first}, …)"),
        };
        let files = mixed.iter().flat_map(|(_, seen)| &seen.readings).map(|(_, file)| file.as_str());
        let files: Vec<&str> = files.collect::<BTreeSet<_>>().into_iter().collect();
        let said = match files.as_slice() {
            [one, other] => format!("{one} and {other} say"),
            [one, other, rest @ ..] if !rest.is_empty() => {
                format!("{one}, {other} and {} more say", rest.len())
            }
            files => format!("{} says", files.concat()),
        };
        let text = format!(
            "what {said} of {what} does not fit together: it comes from several clusters, or from one at different \
             times; nothing is concluded from them"
        );
        self.incomplete(codes::SEVERAL_CLUSTERS, text);
    }

    /// Several are one matter: a file that repeats what others declare.
    fn warn_of_duplicates(&mut self) {
        const SEVERAL: usize = 4;
        let duplicates = std::mem::take(&mut self.duplicates);
        let many = duplicates.len();
        for (_, _, text, object) in duplicates.into_iter().take(if many < SEVERAL { many } else { 1 }) {
            let (text, object) = match many {
                1..SEVERAL => (text, Some(object)),
                _ => (format!("{text}, and {} more objects are declared twice", many - 1), None),
            };
            self.warnings.insert(Warning { code: codes::DUPLICATE_OBJECT, text, object });
        }
    }

    fn warn_of_skipped(&mut self) {
        for (file, skipped) in std::mem::take(&mut self.skipped) {
            let Skipped { no_objects, tables, metadata_only, watch_events } = skipped;
            let mut parts = Vec::new();
            let mut part = |count: usize, one: &str, many: &str| match count {
                0 => {}
                1 => parts.push(format!("1 {one}")),
                _ => parts.push(format!("{count} {many}")),
            };
            part(
                no_objects,
                "document that is no Kubernetes object",
                "documents that are no Kubernetes objects",
            );
            part(tables, "table without the objects themselves", "tables without the objects themselves");
            part(metadata_only, "object without spec and status", "objects without spec and status");
            part(watch_events, "watch event", "watch events");
            let text = format!("{file}: skipped {}", parts.join(", "));
            // Objects were meant in all but the first case, and not read.
            self.incomplete |= tables + metadata_only + watch_events > 0;
            self.warn(codes::INPUT_SKIPPED, text);
        }
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

fn put(snapshot: &mut Snapshot, key: ObjectKey, content: Content) {
    let evidence: &mut Evidence = &mut snapshot.evidence;
    let meta = match content {
        Content::Node(node) => return drop(snapshot.nodes.insert(key, *node)),
        Content::Source(source) => return drop(snapshot.sources.insert(key, *source)),
        Content::Workload(workload) => return drop(evidence.workloads.insert(key, workload)),
        Content::Pod(pod) => return drop(evidence.pods.insert(key, pod)),
        Content::Namespace(namespace) => return drop(evidence.namespaces.insert(key.name, namespace)),
        Content::Claim(phase, meta) => {
            evidence.claims.insert(key.clone(), phase);
            meta
        }
        Content::Secret(secret, meta) => {
            evidence.secrets.insert(key.clone(), secret);
            meta
        }
        Content::ConfigMap(keys, meta) => {
            evidence.config_maps.insert(key.clone(), keys);
            meta
        }
        Content::Definition((kind, versions), meta) => {
            evidence.served.insert(kind, versions);
            meta
        }
        Content::Flux(flux, meta) => {
            // Instances come before reports: what a report says of the version is what is there.
            let known = evidence.flux.take().unwrap_or_default();
            let version = flux.version.or(known.version);
            let failing = flux.failing.or(known.failing);
            let inventory = flux.inventory.or(known.inventory);
            evidence.flux = Some(FluxInstallation { namespace: flux.namespace, version, failing, inventory });
            meta
        }
        Content::Other(meta) => meta,
    };
    evidence.others.insert(key, meta);
}

fn content(
    key: &ObjectKey,
    meta: Meta,
    document: &Value,
    [data, string_data]: [Option<Value>; 2],
    announced: Option<&str>,
    place: &Place,
    problems: &mut Vec<String>,
) -> Result<Content, String> {
    let kind = &key.kind;
    let own = || key.clone();
    Ok(match (kind.group.as_ref(), kind.kind.as_ref()) {
        _ if *kind == GroupKind::KUSTOMIZATION => Content::Node(Box::new(convert::kustomization(
            own(),
            meta,
            api::decode(document)?,
            place,
            problems,
        ))),
        _ if *kind == GroupKind::HELM_RELEASE => {
            Content::Node(Box::new(convert::helm_release(own(), meta, api::decode(document)?, place, problems)))
        }
        _ if *kind == GroupKind::RESOURCE_SET => {
            Content::Node(Box::new(convert::resource_set(own(), meta, api::decode(document)?, place, problems)))
        }
        _ if kind.is_source() => {
            Content::Source(Box::new(convert::source(own(), meta, api::decode(document)?, place)))
        }
        _ if [GroupKind::FLUX_INSTANCE, GroupKind::FLUX_REPORT].contains(kind) => {
            Content::Flux(convert::flux(key, api::decode(document)?), meta)
        }
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            Content::Workload(convert::workload(kind, meta, api::decode(document)?))
        }
        ("", "Pod") => Content::Pod(convert::pod(&key.name, meta, api::decode(document)?)),
        ("", "PersistentVolumeClaim") => {
            let body: api::Body<api::Present, api::PhaseStatus> = api::decode(document)?;
            Content::Claim(body.status.phase, meta)
        }
        ("", "Namespace") => {
            let body: api::Body<api::Present, api::PhaseStatus> = api::decode(document)?;
            Content::Namespace(convert::namespace(meta, body.status))
        }
        ("", "Secret") => {
            let data = vec![
                (entries(data, "data")?, Encoding::Base64),
                (entries(string_data, "stringData")?, Encoding::Plain),
            ];
            Content::Secret(age::secret_keys(data, announced), meta)
        }
        ("", "ConfigMap") => {
            let binary: Option<Value> = document.get("binaryData").cloned();
            let keys = entries(data, "data")?.into_iter().chain(entries(binary, "binaryData")?);
            Content::ConfigMap(keys.map(|(key, _)| key).collect(), meta)
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let body: api::Body<api::DefinitionSpec, api::Present> = api::decode(document)?;
            Content::Definition(convert::definition(body.spec), meta)
        }
        _ => Content::Other(meta),
    })
}

/// An object that is there, so that nothing which refers to it may say that it is missing, and of which nothing else
/// is known; what has a place in the layers keeps it.
fn undecodable(key: &ObjectKey, meta: Meta, place: &Place) -> Content {
    if !key.kind.is_applier() {
        return Content::Other(meta);
    }
    let node = Node::unreadable(key.clone(), meta);
    Content::Node(Box::new(Node {
        declared_at: convert::at(place, place.line),
        live: place.declared.is_none(),
        ..node
    }))
}

/// Takes a field of values out of a document before anything else looks at it; `null` counts as absent.
fn take_data(document: &mut Value, field: &str) -> Option<Value> {
    document.as_object_mut()?.remove(field).filter(|data| !data.is_null())
}

/// A Secret's or ConfigMap's entries. Says nothing of what stands there instead.
fn entries(data: Option<Value>, field: &str) -> Result<Map<String, Value>, String> {
    match data {
        None => Ok(Map::new()),
        Some(Value::Object(entries)) => Ok(entries),
        Some(mut other) => {
            if let Value::String(text) = &mut other {
                text.zeroize();
            }
            Err(format!("{field}: something else where a map is due"))
        }
    }
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

fn age_of(metadata: &api::ObjectMeta) -> Age {
    Age { resource_version: metadata.resource_version.parse().ok(), generation: metadata.generation }
}

fn is_flux(kind: &GroupKind) -> bool {
    kind.is_applier() || kind.is_source()
}
