//! The snapshot that comes of it, and what has to be said of the input.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::seen::Content;
use super::{Kept, Skipped, SnapshotBuilder};
use crate::model::{Event, Evidence, FluxInstallation, Node, ObjectKey, Snapshot, Warning};
use crate::wire::codes;
use crate::wire::reduced::made_unreadable;

impl SnapshotBuilder {
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
