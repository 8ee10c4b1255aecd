//! Sources: each is refreshed once, all at the same time, what it is made from before it.

use std::collections::BTreeSet;

use super::action::{End, Failure, Grounds};
use super::attempt::{AGAIN, Judgement};
use super::gate::roots;
use super::plan::{ANNOTATION, Plan};
use super::step::{Phase, Step, Token};
use crate::diagnosis::{SourceStanding, source_standing};
use crate::model::{GroupKind, ObjectKey, Presence, Source};

impl Plan {
    pub(super) fn look_at_source(&mut self, key: &ObjectKey, step: &Step) {
        if step.end().is_some() {
            return;
        }
        let Some(source) = self.world.sources.get(key).cloned() else { return self.end(key, End::Gone) };
        if step.phase.is_asked() {
            let Some(token) = step.token().cloned() else { return };
            let mut token = token;
            if source.meta.annotations.get(ANNOTATION) == Some(&token.value) && !token.seen {
                token.seen = true;
                if matches!(step.phase, Phase::Asking(_)) {
                    self.note_asked(key, token.clone());
                } else if let Some(step) = self.steps.get_mut(key) {
                    step.phase = Phase::Asked(token.clone());
                }
            }
            let judgement = self.judge_source(&source, step, Some(&token));
            return self.follow(key, judgement);
        }
        if matches!(step.phase, Phase::Awaiting { .. }) {
            let judgement = self.judge_source(&source, step, None);
            return self.follow(key, judgement);
        }
        let mut open = Vec::new();
        let mut failed = BTreeSet::new();
        for upstream in &source.upstream {
            match self.steps.get(upstream).map(|step| step.end()) {
                Some(None) => open.push(upstream.clone()),
                Some(Some(
                    end @ (End::Failed(_) | End::Skipped { .. } | End::OutOfTime { .. } | End::Gone),
                )) if !self.options.old_artifacts => {
                    failed.extend(roots(upstream, end));
                }
                Some(Some(_)) => {}
                None if self.world.presence(upstream) == Presence::Absent => {
                    _ = failed.insert(upstream.clone())
                }
                None => {}
            }
        }
        if !failed.is_empty() {
            return self.end(key, End::Skipped { behind: failed.into_iter().collect() });
        }
        if !open.is_empty() {
            return self.wait(key, open);
        }
        if source.suspended {
            return self.end(key, End::Refused(Grounds::Suspended));
        }
        if source.oci || source.key.kind == GroupKind::EXTERNAL_ARTIFACT {
            return self.end(key, End::Refused(Grounds::Static));
        }
        self.set_source_clock(key, &source);
        if step.asks {
            self.ask(key);
        } else {
            let until = self.now();
            self.enter(key, Phase::Awaiting { until, fair: true });
            self.dirty.insert(key.clone());
        }
    }

    /// What came of the refresh of a source; without a token, of the run that its creation began.
    fn judge_source(&self, source: &Source, step: &Step, token: Option<&Token>) -> Judgement {
        if source.meta.deleted.is_some() {
            return Judgement::End(End::Gone);
        }
        let annotation = source.meta.annotations.get(ANNOTATION).map(String::as_str);
        let handled = source.last_handled_reconcile_at.as_deref();
        if let Some(token) = token {
            if token.is_lost(annotation, handled) && step.asked <= AGAIN {
                return Judgement::Ask;
            }
            if !token.is_handled(annotation, handled) {
                return Judgement::Keep;
            }
        }
        let ready = source.conditions.ready();
        let words = || {
            let reason = ready.map(|ready| ready.reason.clone()).unwrap_or_default();
            (reason, ready.map(|ready| ready.message.clone()).unwrap_or_default())
        };
        let failed = |stalled| {
            let (reason, message) = words();
            Judgement::End(End::Failed(Failure { reason, message, stalled }))
        };
        match source_standing(&self.world, source) {
            SourceStanding::Suspended => Judgement::End(End::Refused(Grounds::Suspended)),
            SourceStanding::Ready if source.conditions.is_true("Reconciling") => Judgement::Keep,
            SourceStanding::Ready => {
                let revision = source.artifact.as_ref().map(|artifact| artifact.revision.clone());
                Judgement::End(End::Done { revision, asked: token.is_some() })
            }
            SourceStanding::Running | SourceStanding::NotObserved => Judgement::Keep,
            // What it is made from came up in this plan: it was looked at a moment too early.
            SourceStanding::WaitsForUpstream
                if token.is_some() && step.asked <= 1 && !source.upstream.is_empty() =>
            {
                self.settled(step, Judgement::Ask)
            }
            SourceStanding::WaitsForUpstream => failed(false),
            SourceStanding::Failed { stalled } => failed(stalled),
        }
    }
}
