//! A snapshot that is kept up to date: every list has its own objects, and a watch changes them one by one.
//!
//! Pure: lists and changes come in, a [`Snapshot`] goes out, the same one that a fresh look at the same objects gives.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::builder::{Kept, SnapshotBuilder};
use super::place::Place;
use crate::model::{ConditionStatus, GroupKind, Node, ObjectKey, Snapshot, Source};

/// Events that are kept of one object, beside the first one of each reason. Controllers repeat the same few; the cap is
/// for one that never says the same twice.
const EVENTS_OF_ONE_OBJECT: usize = 32;

/// So many Events may arrive before the oldest ones are thrown away.
const EVENTS_BETWEEN_TRIMS: usize = 256;

/// What one list shows: a kind, everywhere or in one namespace, as a whole or narrowed by a query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Kind of its items.
    pub kind: GroupKind,
    /// The one namespace that it shows; `None` for all.
    pub namespace: Option<String>,
    /// Query that narrows it, such as a label selector.
    pub narrowed: Option<&'static str>,
}

impl Scope {
    fn holds_events(&self) -> bool {
        self.kind.kind == "Event"
    }
}

/// What has become of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An applier was added or has changed.
    Node(Box<Node>),
    /// A source was added or has changed.
    Source(Box<Source>),
    /// An object of any kind was deleted, or left the list.
    Gone(ObjectKey),
}

/// What is known now, list by list.
#[derive(Clone, Debug, Default)]
pub struct Store {
    scopes: BTreeMap<Scope, SnapshotBuilder>,
    /// What no list says, such as that one is forbidden.
    rest: SnapshotBuilder,
    /// Events that came since the last trim.
    events: usize,
}

impl Store {
    /// A store of builders that keep documents.
    pub fn keeping() -> Self {
        Self { rest: SnapshotBuilder::keeping(), ..Self::default() }
    }

    /// Where warnings go that no list carries.
    pub fn rest(&mut self) -> &mut SnapshotBuilder {
        &mut self.rest
    }

    /// The list was read anew: what it held before and holds no more is gone.
    pub fn replace(&mut self, scope: Scope, mut items: SnapshotBuilder) {
        if scope.holds_events() {
            items.trim_events(EVENTS_OF_ONE_OBJECT);
        }
        self.scopes.insert(scope, items);
    }

    /// An object was added or has changed; gives what became of an applier or a source.
    pub fn put(&mut self, scope: &Scope, document: Value, place: Place) -> Option<Change> {
        let items = self.scopes.get_mut(scope)?;
        let key = items.put(document, place);
        if scope.holds_events() {
            self.events += 1;
            if self.events >= EVENTS_BETWEEN_TRIMS {
                self.events = 0;
                items.trim_events(EVENTS_OF_ONE_OBJECT);
            }
            return None;
        }
        items.seen(&key)
    }

    /// An object was deleted, or left the list.
    pub fn remove(&mut self, scope: &Scope, document: &Value) -> Option<Change> {
        let key = self.scopes.get_mut(scope)?.forget(document);
        (!scope.holds_events()).then_some(Change::Gone(key))
    }

    /// Whether anything fails or runs, so that Events have something to tell.
    pub fn needs_events(&self) -> bool {
        self.scopes.values().flat_map(SnapshotBuilder::nodes).any(has_more_to_tell)
    }

    /// What is known now. Events are left out while nothing needs them.
    pub fn snapshot(&self, label: String, now: Option<Timestamp>) -> Snapshot {
        self.clone().into_snapshot(label, now)
    }

    /// The same, for who looks once: nothing is copied.
    pub fn into_snapshot(self, label: String, now: Option<Timestamp>) -> Snapshot {
        self.gather().finish(label, now)
    }

    /// The same, with the documents that were kept.
    pub fn into_kept(self, label: String, now: Option<Timestamp>) -> Kept {
        self.gather().finish_kept(label, now)
    }

    fn gather(self) -> SnapshotBuilder {
        let needs_events = self.needs_events();
        let mut all = self.rest;
        for (scope, items) in self.scopes {
            if needs_events || !scope.holds_events() {
                all.absorb(items);
            }
        }
        all.trim_events(EVENTS_OF_ONE_OBJECT);
        all
    }
}

/// Whether Events could say more than the object's own conditions do.
fn has_more_to_tell(node: &Node) -> bool {
    let ready = node.status.conditions.ready();
    ready.is_some_and(|ready| ready.status != ConditionStatus::True && ready.reason != "DependencyNotReady")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn now() -> Option<Timestamp> {
        "2026-11-24T08:00:00Z".parse().ok()
    }

    fn scopes() -> Vec<Scope> {
        let scope = |kind: GroupKind, namespace: Option<&str>| Scope {
            kind,
            namespace: namespace.map(str::to_owned),
            narrowed: None,
        };
        let events = |narrowed| Scope { kind: GroupKind::new("", "Event"), namespace: None, narrowed };
        vec![
            scope(GroupKind::KUSTOMIZATION, None),
            scope(GroupKind::HELM_RELEASE, Some("a")),
            scope(GroupKind::HELM_RELEASE, Some("b")),
            scope(GroupKind::GIT_REPOSITORY, None),
            events(Some("of=Kustomization")),
        ]
    }

    /// One object in one of a few shapes, ready, failing, or such that it cannot be read in whole.
    fn object(scope: &Scope, name: u8, shape: u8, version: u64) -> Value {
        let api_version = match &*scope.kind.kind {
            "Event" => "v1".to_owned(),
            _ => format!("{}/v1", scope.kind.group),
        };
        let namespace = scope.namespace.as_deref().unwrap_or("flux-system");
        let ready = |status: &str, reason: &str| {
            json!({"observedGeneration": 1, "conditions": [
                {"type": "Ready", "status": status, "reason": reason, "message": "words",
                 "lastTransitionTime": "2026-11-24T07:00:00Z"}]})
        };
        let mut object = json!({"apiVersion": api_version, "kind": scope.kind.kind, "metadata":
            {"name": format!("n{name}"), "namespace": namespace, "generation": 1,
             "resourceVersion": version.to_string()}, "spec": {"interval": format!("{shape}m")}});
        match shape {
            0 => object["status"] = ready("True", "ReconciliationSucceeded"),
            1 => object["status"] = ready("False", "BuildFailed"),
            2 => object["status"] = ready("False", "DependencyNotReady"),
            3 => object["spec"] = json!("no map"),
            _ => object["metadata"]["labels"] = json!({"shape": shape.to_string()}),
        }
        if scope.holds_events() {
            object["metadata"]["uid"] = format!("uid{name}").into();
            object["involvedObject"] = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization", "namespace": "flux-system", "name": format!("n{}", name % 3)});
            object["type"] = "Warning".into();
            object["reason"] = format!("Reason{shape}").into();
            object["lastTimestamp"] = match shape {
                3 => json!({"no": "time"}),
                _ => format!("2026-11-24T07:00:{:02}Z", version % 60).into(),
            };
        }
        object
    }

    #[derive(Clone, Debug)]
    enum Happens {
        /// An object is made or changes, and the watch tells.
        Put(usize, u8, u8),
        /// An object is deleted, and the watch tells.
        Remove(usize, u8),
        /// The same two while nobody listens.
        PutUnseen(usize, u8, u8),
        RemoveUnseen(usize, u8),
        /// The list is read anew.
        List(usize),
        /// The cluster comes back from a backup: versions count from a lower number again.
        Restored,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        let scope = 0..scopes().len();
        prop_oneof![
            6 => (scope.clone(), 0u8..6, 0u8..6).prop_map(|(s, n, h)| Happens::Put(s, n, h)),
            3 => (scope.clone(), 0u8..6).prop_map(|(s, n)| Happens::Remove(s, n)),
            1 => (scope.clone(), 0u8..6, 0u8..6).prop_map(|(s, n, h)| Happens::PutUnseen(s, n, h)),
            1 => (scope.clone(), 0u8..6).prop_map(|(s, n)| Happens::RemoveUnseen(s, n)),
            2 => scope.prop_map(Happens::List),
            1 => Just(Happens::Restored),
        ]
    }

    /// What an API server holds, scope by scope.
    type World = Vec<BTreeMap<u8, Value>>;

    fn list(world: &World, index: usize) -> SnapshotBuilder {
        let scope = &scopes()[index];
        let mut items = SnapshotBuilder::new();
        if !scope.holds_events() {
            items.covers(scope.kind.clone(), scope.namespace.as_deref());
        }
        for object in world[index].values() {
            items.add_listed(object.clone(), Place::file("context home"));
        }
        items
    }

    fn fresh(world: &World) -> Store {
        let mut store = Store::default();
        for (index, scope) in scopes().into_iter().enumerate() {
            store.replace(scope, list(world, index));
        }
        store
    }

    proptest! {
        #[test]
        fn whatever_was_watched_in_between_the_end_is_that_of_a_fresh_look(
            story in proptest::collection::vec(happens(), 0..60),
        ) {
            let scopes = scopes();
            let place = || Place::file("context home");
            let mut world: World = vec![BTreeMap::new(); scopes.len()];
            let mut watched = fresh(&world);
            let mut missed = vec![false; scopes.len()];
            let mut version = 100;
            for event in story {
                version += 1;
                match event {
                    // A watch that has missed something tells nothing more before its list is read anew.
                    Happens::Put(at, name, shape) | Happens::PutUnseen(at, name, shape) => {
                        missed[at] |= matches!(event, Happens::PutUnseen(..));
                        let object = object(&scopes[at], name, shape, version);
                        world[at].insert(name, object.clone());
                        if !missed[at] {
                            watched.put(&scopes[at], object, place());
                        }
                    }
                    Happens::Remove(at, name) | Happens::RemoveUnseen(at, name) => {
                        missed[at] |= matches!(event, Happens::RemoveUnseen(..));
                        let Some(object) = world[at].remove(&name) else { continue };
                        if !missed[at] {
                            watched.remove(&scopes[at], &object);
                        }
                    }
                    Happens::List(at) => {
                        missed[at] = false;
                        watched.replace(scopes[at].clone(), list(&world, at));
                    }
                    Happens::Restored => version = 1,
                }
            }
            for (at, scope) in scopes.iter().enumerate().filter(|(at, _)| missed[*at]) {
                watched.replace(scope.clone(), list(&world, at));
            }
            let (label, now) = ("context home".to_owned(), now());
            prop_assert_eq!(watched.snapshot(label.clone(), now), fresh(&world).snapshot(label, now));
        }
    }

    #[test]
    fn events_of_an_object_that_always_says_something_new_do_not_pile_up() {
        let scopes = scopes();
        let events = &scopes[4];
        let mut store = Store::default();
        store.replace(scopes[0].clone(), {
            let mut items = SnapshotBuilder::new();
            items.add_listed(object(&scopes[0], 0, 1, 1), Place::default());
            items
        });
        store.replace(events.clone(), SnapshotBuilder::new());
        for number in 0..5_000 {
            let mut event = object(events, 0, 4, number % 60);
            event["metadata"]["uid"] = number.to_string().into();
            event["firstTimestamp"] =
                format!("2026-11-24T0{}:{:02}:00Z", number / 900, number / 15 % 60).into();
            event["lastTimestamp"] = event["firstTimestamp"].clone();
            store.put(events, event, Place::default());
        }
        let snapshot = store.snapshot(String::new(), now());
        let kept: Vec<_> = snapshot.evidence.events.values().flatten().collect();
        assert_eq!(kept.len(), EVENTS_OF_ONE_OBJECT + 1);
        assert_eq!(kept[0].first, "2026-11-24T00:00:00Z".parse().ok(), "when it began is still known");
        assert_eq!(kept[32].last, "2026-11-24T05:33:00Z".parse().ok(), "the newest one is there");
        let held = store.scopes[events].clone().finish(String::new(), None).evidence.events;
        assert!(held.values().map(Vec::len).sum::<usize>() < EVENTS_OF_ONE_OBJECT + EVENTS_BETWEEN_TRIMS + 2);
    }
}
