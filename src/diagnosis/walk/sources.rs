//! The walk over sources: a source waits for what it is made from, as an applier for what it depends on.

use super::Walker;
use crate::diagnosis::catalogue::{self, dependency};
use crate::diagnosis::standing::{SourceStanding, is_older, source_not_found};
use crate::model::{GroupKind, Node, ObjectKey, Presence, Snapshot, Source};

impl<'a> Walker<'a> {
    pub(super) fn enter_source(&mut self, key: &ObjectKey, source: &Source) {
        match self.source_standings.get(key) {
            Some(SourceStanding::Suspended) if source.artifact.is_some() => {}
            Some(SourceStanding::Suspended | SourceStanding::Failed { .. }) => {
                self.blame(key, catalogue::source_fault(source, self.snapshot));
            }
            Some(SourceStanding::NotObserved) if source.live => {
                let fault = self.not_observed(
                    key,
                    source.meta.generation,
                    source.observed_generation,
                    &source.meta.labels,
                );
                self.blame_overdue(key, fault, source.meta.edited.or(source.meta.created));
            }
            Some(SourceStanding::WaitsForUpstream) => self.enter_upstream(key, source),
            Some(SourceStanding::Running) if is_stuck(self.snapshot, source) => {
                self.blame(key, dependency::source_overdue(source));
            }
            _ => {}
        }
    }

    fn enter_upstream(&mut self, key: &ObjectKey, source: &Source) {
        let words = source.conditions.ready();
        let says_missing =
            words.is_some_and(|ready| source_not_found(&ready.message) || ready.reason == "NotFound");
        for upstream in &source.upstream {
            match (self.snapshot.sources.get(upstream), self.snapshot.presence(upstream)) {
                (Some(found), _) if found.artifact.is_none() && !found.oci => self.wait(key, upstream),
                (Some(_), _) | (None, Presence::There) => {}
                (None, Presence::Hidden) if !says_missing => self.cannot_judge(key, upstream),
                (None, Presence::Absent | Presence::Hidden) => match self.failing_maker(upstream) {
                    Some(maker) => self.wait(key, maker),
                    None => {
                        let quote = dependency::ready_words(&source.conditions);
                        self.blame(key, dependency::source_not_found(self.snapshot, key, upstream, quote));
                    }
                },
            }
        }
    }

    /// The generator that should make an ExternalArtifact, where that has not come so far.
    pub(super) fn failing_maker(&self, artifact: &ObjectKey) -> Option<&'a ObjectKey> {
        let maker = self.makers.get(artifact).copied()?;
        self.source_standings.get(maker).filter(|standing| **standing != SourceStanding::Ready)?;
        Some(maker)
    }
}

/// Whether the applier can work with its source: kustomize-controller needs an artifact, helm-controller a source that
/// is observed, not stalled, and has one.
pub(in crate::diagnosis) fn is_usable(node: &Node, source: &Source) -> bool {
    let has_artifact = source.artifact.is_some();
    if node.key.kind != GroupKind::HELM_RELEASE {
        return has_artifact;
    }
    let observed = source.observed_generation.is_none_or(|observed| observed == source.meta.generation);
    has_artifact && observed && !source.conditions.is_true("Stalled")
}

/// Whether a source has been fetching for longer than any fetch takes.
pub(in crate::diagnosis) fn is_stuck(snapshot: &Snapshot, source: &Source) -> bool {
    const LONG: std::time::Duration = std::time::Duration::from_secs(600);
    let since = source.conditions.0.iter().filter_map(|condition| condition.since).max();
    let allowed = source.timeout.unwrap_or_default() + LONG;
    since.or(source.meta.created).is_some_and(|since| is_older(snapshot.now, since, allowed))
}
