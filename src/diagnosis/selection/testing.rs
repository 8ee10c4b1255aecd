//! A diagnosis by hand, for tests of what is shown and how.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::diagnosis::{
    Cause, Code, Diagnosis, Fault, ObjectReport, Quote, Remedy, RetryClock, SourceReport, State, Verdict,
};
use crate::graph::Layering;
use crate::model::{Condition, ConditionStatus, Coverage, GroupKind, ObjectKey, OriginKind, Revision, Warning};

/// Revision before the newest one.
pub(crate) const OLD: &str = "main@sha1:a41f9c3aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Newest revision of every source.
pub(crate) const NEW: &str = "main@sha1:8c1d22ebbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// The moment of every hand-made diagnosis: 31 minutes after `at("02:41")`.
pub(crate) fn now() -> Timestamp {
    at("03:12")
}

/// A time of the day of [`now`].
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-11-24T{time}:00Z").parse().unwrap()
}

/// One object, as a test wants it.
pub(crate) struct Spec {
    object: ObjectReport,
    cause: Option<Code>,
    missing: Option<ObjectKey>,
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or(("flux-system", text))
}

/// Key of a Kustomization from `namespace/name`; flux-system by default.
pub(crate) fn ks_key(text: &str) -> ObjectKey {
    let (namespace, name) = split(text);
    ObjectKey::kustomization(namespace, name)
}

/// Key of a GitRepository.
pub(crate) fn source(text: &str) -> ObjectKey {
    let (namespace, name) = split(text);
    ObjectKey::new(GroupKind::GIT_REPOSITORY, namespace, name)
}

fn spec(kind: GroupKind, text: &str) -> Spec {
    let (namespace, name) = split(text);
    Spec {
        object: ObjectReport {
            key: ObjectKey::new(kind, namespace, name),
            state: State::Ready,
            stalled: false,
            retrying: false,
            layer: Some(0),
            ready: Some(condition(ConditionStatus::True, "ReconciliationSucceeded", "Applied revision")),
            since: Some(at("02:40")),
            revision: Some(Revision(NEW.to_owned())),
            source_revision: Some(Revision(NEW.to_owned())),
            suspended: false,
            never_applied: false,
            depends_on: Vec::new(),
            source: Some(source("flux-system/flux-system")),
            applied_by: None,
            declared_at: None,
            edges_at: BTreeMap::new(),
            labels: BTreeMap::new(),
            blocked_by: Vec::new(),
            clock: RetryClock::default(),
            doing: None,
            suspended_by: None,
        },
        cause: None,
        missing: None,
    }
}

/// A Kustomization, ready in layer 0.
pub(crate) fn ks(text: &str) -> Spec {
    spec(GroupKind::KUSTOMIZATION, text)
}

/// A HelmRelease, ready in layer 0.
pub(crate) fn hr(text: &str) -> Spec {
    let mut spec = spec(GroupKind::HELM_RELEASE, text);
    spec.object.revision = Some(Revision("1.2.3".to_owned()));
    spec.object.source_revision = Some(Revision("1.2.3".to_owned()));
    spec
}

/// A ResourceSet, ready in layer 0.
pub(crate) fn rset(text: &str) -> Spec {
    let mut spec = spec(GroupKind::RESOURCE_SET, text);
    spec.object.revision = None;
    spec.object.source_revision = None;
    spec
}

fn condition(status: ConditionStatus, reason: &str, message: &str) -> Condition {
    Condition {
        kind: "Ready".to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(1),
        since: Some(at("02:41")),
    }
}

impl Spec {
    pub(crate) fn layer(mut self, layer: usize) -> Self {
        self.object.layer = Some(layer);
        self
    }

    pub(crate) fn label(mut self, key: &str, value: &str) -> Self {
        self.object.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn since(mut self, time: &str) -> Self {
        self.object.since = Some(at(time));
        self
    }

    pub(crate) fn source(mut self, text: &str) -> Self {
        self.object.source = Some(source(text));
        self
    }

    pub(crate) fn ready(self) -> Self {
        self
    }

    pub(crate) fn state(mut self, state: State) -> Self {
        self.object.state = state;
        self.object.suspended = state == State::Suspended;
        self
    }

    pub(crate) fn runs(mut self, revision: Option<&str>) -> Self {
        self.object.never_applied = revision.is_none();
        self.object.revision = revision.map(|revision| Revision(revision.to_owned()));
        self
    }

    pub(crate) fn message(mut self, reason: &str, message: &str) -> Self {
        self.object.ready = Some(condition(ConditionStatus::False, reason, message));
        self
    }

    /// Fails by itself, and is the root cause of what is blocked by it.
    pub(crate) fn failed(mut self, code: Code) -> Self {
        self.cause = Some(code);
        self.object.state = State::Failed;
        self.object.since = Some(at("02:41"));
        self.object.revision = Some(Revision(OLD.to_owned()));
        self.message(code.as_str(), "it failed")
    }

    pub(crate) fn stalled(mut self) -> Self {
        self.object.stalled = true;
        self
    }

    /// Blocked by that Kustomization, which it depends on.
    pub(crate) fn blocked_by(mut self, text: &str) -> Self {
        self.object.state = State::Blocked;
        self.object.since = Some(at("02:41"));
        self.object.revision = Some(Revision(OLD.to_owned()));
        self.object.blocked_by.push(ks_key(text));
        self.object.depends_on.push((ks_key(text), Verdict::NotReady));
        self.message("DependencyNotReady", "dependency is not ready")
    }

    /// Blocked by a dependency that does not exist.
    pub(crate) fn waits_for_missing(mut self, text: &str) -> Self {
        self = self.blocked_by(text);
        self.object.depends_on = vec![(ks_key(text), Verdict::NotFound)];
        self.missing = Some(ks_key(text));
        self.cause = Some(Code::DependencyNotFound);
        self
    }

    /// Waits for a dependency that is out of sight.
    pub(crate) fn waits_for_hidden(mut self, text: &str) -> Self {
        self.object.state = State::Unknown;
        self.object.depends_on = vec![(ks_key(text), Verdict::Unknown)];
        self.missing = Some(ks_key(text));
        self
    }
}

/// A cause of the given object.
pub(crate) fn cause(code: Code, object: ObjectKey, affected: Vec<ObjectKey>) -> Cause {
    let summary = format!("{} is wrong and has to be mended before anything behind it can go on", object.name);
    Cause {
        chain: affected
            .first()
            .filter(|first| **first != object)
            .into_iter()
            .chain([&object])
            .cloned()
            .collect(),
        fault: Fault {
            object,
            code,
            subcode: None,
            summary,
            evidence: vec![Quote::new("condition", "it failed")],
            remedies: vec![Remedy { text: "undo".to_owned(), command: Some("git revert HEAD".to_owned()) }],
            shared: None,
        },
        since: Some(at("02:41")),
        stands_at: affected.clone(),
        affected,
        cycle: Vec::new(),
        blocks: 0,
        suspects: Vec::new(),
        clock: RetryClock {
            last_good: Some((Revision(OLD.to_owned()), Some(at("02:11")))),
            next_try: Some(at("03:41")),
            every: None,
            wakes: Some("a push"),
            ..RetryClock::default()
        },
    }
}

fn source_report(key: ObjectKey, state: State) -> SourceReport {
    SourceReport {
        key,
        state,
        stalled: false,
        blocked_by: Vec::new(),
        fetched: None,
        since: None,
        users: Vec::new(),
        interval: None,
        ready: None,
        suspended_by: None,
        declared_at: None,
        fault: None,
    }
}

/// A diagnosis of these objects; causes, layers and what is missing follow from them.
pub(crate) fn diagnosis(specs: impl IntoIterator<Item = Spec>) -> Diagnosis {
    let mut found = Diagnosis {
        origin: OriginKind::Live,
        label: "context k3s-home".to_owned(),
        now: now(),
        complete: true,
        coverage: Coverage::default(),
        objects: BTreeMap::new(),
        sources: BTreeMap::new(),
        waits: BTreeMap::new(),
        layering: Layering::default(),
        causes: Vec::new(),
        partial: Vec::new(),
        warnings: Vec::new(),
    };
    for Spec { object, cause: code, missing } in specs {
        if let Some(key) = &object.source {
            found.sources.insert(key.clone(), source_report(key.clone(), State::Ready));
        }
        if let Some(code) = code {
            let at_fault = missing.clone().unwrap_or_else(|| object.key.clone());
            match found.causes.iter_mut().find(|cause| cause.fault.object == at_fault) {
                Some(cause) => cause.affected.push(object.key.clone()),
                None => found.causes.push(cause(code, at_fault, vec![object.key.clone()])),
            }
        }
        if let Some(missing) = missing {
            found.layering.missing.entry(missing).or_default().push(object.key.clone());
        }
        if let Some(layer) = object.layer {
            found.layering.layer.insert(object.key.clone(), layer);
        }
        found.objects.insert(object.key.clone(), object);
    }
    found.settle()
}

impl Diagnosis {
    /// Adds a loop of Kustomizations, blocked by its first member.
    pub(crate) fn cycle<const N: usize>(mut self, members: [&str; N]) -> Self {
        let keys: Vec<ObjectKey> = members.iter().map(|member| ks_key(member)).collect();
        for (index, key) in keys.iter().enumerate() {
            let mut object = ks(members[index]).blocked_by(members[0]).object;
            object.layer = None;
            object.depends_on = vec![(keys[(index + 1) % N].clone(), Verdict::NotReady)];
            self.layering.unlayered.insert(key.clone());
            self.objects.insert(key.clone(), object);
        }
        let mut found = cause(Code::DependencyCycle, keys[0].clone(), keys.clone());
        found.cycle.clone_from(&keys);
        found.clock = RetryClock::default();
        self.causes.push(found);
        self.layering.cycles.push(keys);
        self.settle()
    }

    pub(crate) fn warning(mut self, code: &'static str, text: &str, object: Option<ObjectKey>) -> Self {
        if let Some(key) = object.clone().filter(|key| key.kind.is_source()) {
            self.sources.entry(key.clone()).or_insert(source_report(key, State::Failed));
        }
        self.warnings.push(Warning { code, text: text.to_owned(), object });
        self
    }

    pub(crate) fn cause(mut self, cause: Cause) -> Self {
        self.causes.push(cause);
        self.settle()
    }

    pub(crate) fn aged(mut self, days: i64) -> Self {
        self.now += SignedDuration::from_hours(24 * days);
        self
    }

    /// Counts what each cause blocks, and puts the causes in their order.
    fn settle(mut self) -> Self {
        for cause in &mut self.causes {
            let blocked = |object: &&ObjectReport| object.blocked_by.contains(&cause.fault.object);
            cause.blocks = self.objects.values().filter(blocked).count();
        }
        self.causes.sort_by(|a, b| b.blocks.cmp(&a.blocks).then_with(|| a.fault.object.cmp(&b.fault.object)));
        self
    }
}
