//! Whether an object's turn has come, and what it waits for.

use std::collections::BTreeSet;

use super::action::{End, Failure, Grounds};
use super::options::Mode;
use super::plan::{ARRIVAL, Plan};
use super::step::{Phase, Step};
use crate::diagnosis::{
    SourceStanding, Standing, Verdict, current_revision, is_current, source_standing, verdicts,
};
use crate::model::{ConditionStatus, GroupKind, Node, ObjectKey, Presence};

/// What stands between an object and its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing.
    Open,
    /// Steps of the plan, which come to an end by themselves.
    Steps(Vec<ObjectKey>),
    /// Steps of the plan that may bring something which does not exist.
    Bringers(Vec<ObjectKey>),
    /// Something that no step will bring: for these objects there is a limit.
    Outside(Vec<ObjectKey>),
    /// It cannot come any more.
    Closed(End),
}

/// Gathers what several dependencies say: what has failed counts first, then what is awaited.
#[derive(Default)]
struct Gathered {
    failed: BTreeSet<ObjectKey>,
    missing: BTreeSet<ObjectKey>,
    steps: BTreeSet<ObjectKey>,
    bringers: BTreeSet<ObjectKey>,
    outside: BTreeSet<ObjectKey>,
}

impl Gathered {
    fn gate(self) -> Gate {
        let list = |set: BTreeSet<ObjectKey>| set.into_iter().collect();
        if !self.failed.is_empty() {
            Gate::Closed(End::Skipped { behind: list(self.failed) })
        } else if !self.missing.is_empty() {
            Gate::Closed(End::Refused(Grounds::Missing { objects: list(self.missing) }))
        } else if !self.steps.is_empty() {
            Gate::Steps(list(self.steps))
        } else if !self.bringers.is_empty() {
            Gate::Bringers(list(self.bringers))
        } else if !self.outside.is_empty() {
            Gate::Outside(list(self.outside))
        } else {
            Gate::Open
        }
    }

    fn is_open(&self) -> bool {
        [&self.failed, &self.missing, &self.steps, &self.bringers, &self.outside]
            .iter()
            .all(|set| set.is_empty())
    }
}

impl Plan {
    /// Whether an object's turn has come.
    pub(super) fn gate(&self, node: &Node) -> Gate {
        if node.meta.deleted.is_some() {
            return Gate::Closed(End::Gone);
        }
        if node.unreadable {
            let message = "it is there and could not be read".to_owned();
            return Gate::Closed(End::Failed(Failure {
                reason: "Unreadable".to_owned(),
                message,
                stalled: false,
            }));
        }
        let mut gathered = Gathered::default();
        if self.options.ordered {
            self.await_applier(node, &mut gathered);
            if !gathered.is_open() {
                return gathered.gate();
            }
        }
        if node.suspended {
            return Gate::Closed(End::Refused(Grounds::Suspended));
        }
        self.await_sources(node, &mut gathered);
        if self.options.ordered {
            if let Some(gate) = self.cycle(&node.key) {
                return gate;
            }
            self.await_dependencies(node, &mut gathered);
        }
        gathered.gate()
    }

    /// Applier before applied: it may change what its children say of themselves. One that waits for its children lets
    /// them go when it has applied its target.
    fn await_applier(&self, node: &Node, gathered: &mut Gathered) {
        let Some(applier) = self.structure.applier.get(&node.key) else { return };
        let Some(step) = self.steps.get(applier) else { return };
        if !step.asks && self.options.mode == Mode::Ask {
            return; // it is not run here, and what it may apply some day is not waited for
        }
        match step.end() {
            None if self.has_applied(applier) && step.turn.is_some() => {}
            None => _ = gathered.steps.insert(applier.clone()),
            Some(End::Failed(_) | End::OutOfTime { .. }) if self.has_applied(applier) => {}
            Some(End::Done { .. } | End::LeftAlone { .. } | End::Gone) => {}
            Some(End::Refused(Grounds::Suspended | Grounds::Static)) => {}
            Some(end) => gathered.failed.extend(roots(applier, end)),
        }
    }

    /// Whether an applier has applied its target and only waits for health by now, or has done so in vain.
    ///
    /// kustomize-controller says so before it begins (1.9 `checkHealth`): `Running health checks for revision …`; the
    /// inventory is written by then.
    fn has_applied(&self, applier: &ObjectKey) -> bool {
        let Some(node) = self.world.nodes.get(applier) else { return false };
        let Some(target) = current_revision(&self.world, node) else { return false };
        let conditions = &node.status.conditions;
        let is_checking = conditions.get("Reconciling").is_some_and(|condition| {
            let rest = condition.message.strip_prefix("Running health checks for revision ");
            condition.status == ConditionStatus::True
                && is_current(node, condition)
                && rest.and_then(|rest| rest.split_whitespace().next()) == Some(target.0.as_str())
        });
        let has_checked = conditions.ready().is_some_and(|ready| {
            ready.status == ConditionStatus::False
                && ready.reason == "HealthCheckFailed"
                && is_current(node, ready)
        });
        is_checking || (has_checked && node.status.last_attempted_revision.as_ref() == Some(target))
    }

    /// In or behind a cycle, once nobody is left who may apply another shape of it.
    fn cycle(&self, key: &ObjectKey) -> Option<Gate> {
        let number = *self.structure.cycle.get(key)?;
        let members = self.structure.layering.members.get(number).into_iter().flatten();
        let appliers: BTreeSet<&ObjectKey> =
            members.filter_map(|member| self.structure.applier.get(member)).collect();
        let open: Vec<ObjectKey> = appliers
            .into_iter()
            .filter(|applier| !self.structure.cycle.contains_key(*applier))
            .filter(|applier| self.steps.get(*applier).is_some_and(|step| step.end().is_none()))
            .cloned()
            .collect();
        if !open.is_empty() {
            return Some(Gate::Steps(open));
        }
        let members = self.structure.layering.cycles.get(number).cloned().unwrap_or_default();
        Some(Gate::Closed(End::Refused(Grounds::Cycle { members })))
    }

    fn await_sources(&self, node: &Node, gathered: &mut Gathered) {
        for key in self.structure.sources.get(&node.key).into_iter().flatten() {
            let Some(source) = self.world.sources.get(key) else {
                // helm-controller makes the HelmChart when it first looks at the release (flux-semantics §5)
                let is_made = key.kind == GroupKind::HELM_CHART
                    && node.helm_release().is_some_and(|spec| spec.chart_source.is_some());
                if !is_made && self.world.presence(key) == Presence::Absent {
                    self.await_missing(node, key, gathered);
                }
                continue;
            };
            let standing = source_standing(&self.world, source);
            let serves =
                source.artifact.is_some() || source.oci || source.key.kind == GroupKind::ARTIFACT_GENERATOR;
            let fails = matches!(standing, SourceStanding::Failed { .. } | SourceStanding::WaitsForUpstream);
            let is_behind = self.options.mode == Mode::Wait && !self.has_reached(key);
            match self.steps.get(key).map(|step| (step, step.end())) {
                Some((_, None)) => _ = gathered.steps.insert(key.clone()),
                Some((step, Some(End::Done { .. } | End::LeftAlone { .. }))) => match standing {
                    SourceStanding::Running | SourceStanding::NotObserved => {
                        _ = gathered.outside.insert(key.clone())
                    }
                    _ if fails && source.meta.generation != step.generation && !self.options.old_artifacts => {
                        gathered.failed.insert(key.clone());
                    }
                    _ => {}
                },
                Some((_, Some(End::Refused(Grounds::Suspended | Grounds::Static)))) if serves => {}
                Some((_, Some(End::Failed(_) | End::Skipped { .. } | End::OutOfTime { .. })))
                    if self.options.old_artifacts && serves => {}
                Some((_, Some(End::Gone))) => self.await_missing(node, key, gathered),
                Some((_, Some(end))) => gathered.failed.extend(roots(key, end)),
                // Sources are not asked: what one has serves, unless what is wanted of it can never come.
                None if fails && (!serves || is_behind) => _ = gathered.failed.insert(key.clone()),
                None => {}
            }
        }
    }

    fn await_dependencies(&self, node: &Node, gathered: &mut Gathered) {
        if node.depends_on.is_empty() {
            return;
        }
        let verdicts = verdicts(&self.world, &self.installation, &self.expressions, node);
        for (entry, verdict) in node.depends_on.iter().zip(&verdicts) {
            let key = &entry.key;
            let Some(step) = self.steps.get(key) else {
                match verdict {
                    Verdict::NotFound => self.await_missing(node, key, gathered),
                    Verdict::NotReady
                    | Verdict::NotObserved
                    | Verdict::RevisionBehind
                    | Verdict::ReadyExprFalse => {
                        gathered.outside.insert(key.clone());
                    }
                    // Nobody here can know it: the controller decides.
                    _ => {}
                }
                continue;
            };
            match step.end() {
                None => _ = gathered.steps.insert(key.clone()),
                Some(End::Done { .. } | End::LeftAlone { .. }) => match verdict {
                    Verdict::Ready | Verdict::Unknown | Verdict::Forbidden | Verdict::ReadyExprUnknown => {}
                    Verdict::NotFound => self.await_missing(node, key, gathered),
                    _ => match self.world.nodes.get(key).map(|dependency| self.standing(dependency)) {
                        Some(Standing::Failed(failure)) if !failure.retrying => {
                            _ = gathered.failed.insert(key.clone())
                        }
                        _ => _ = gathered.outside.insert(key.clone()),
                    },
                },
                Some(End::Gone) => self.await_missing(node, key, gathered),
                // An expression may be content with less; a suspended object counts as it stands (flux-semantics §3.4).
                Some(_) if entry.ready_expr.is_some() && *verdict == Verdict::Ready => {}
                Some(End::Refused(Grounds::Suspended)) if *verdict == Verdict::Ready => {}
                Some(end) => gathered.failed.extend(roots(key, end)),
            }
        }
    }

    /// What is not there may still come, as long as somebody is under way who applies objects of Flux.
    fn await_missing(&self, node: &Node, missing: &ObjectKey, gathered: &mut Gathered) {
        if self.gave_up_missing {
            gathered.missing.insert(missing.clone());
            return;
        }
        let may_bring = |key: &ObjectKey, step: &Step| {
            let is_fresh = || self.world.nodes.get(key).is_some_and(|node| node.revision().is_none());
            step.end().is_none()
                && !step.is_source
                && *key != node.key
                && (self.structure.appliers.contains(key) || (self.options.mode == Mode::Ask && is_fresh()))
                && !matches!(&step.phase, Phase::Waiting { behind } if behind.contains(&node.key))
        };
        let bringers = self.steps.iter().filter(|(key, step)| may_bring(key, step));
        let bringers: Vec<ObjectKey> = bringers.map(|(key, _)| key.clone()).collect();
        if bringers.is_empty() && self.now() >= self.applied.map_or(self.now(), |at| at + ARRIVAL) {
            gathered.missing.insert(missing.clone());
        } else if bringers.is_empty() {
            gathered.outside.insert(missing.clone());
        } else {
            gathered.bringers.extend(bringers);
        }
    }
}

/// What is to blame when something that is needed ended so: who failed by itself.
pub(super) fn roots(key: &ObjectKey, end: &End) -> Vec<ObjectKey> {
    match end {
        End::Skipped { behind } if !behind.is_empty() => behind.clone(),
        End::OutOfTime { behind, .. } if !behind.is_empty() => behind.clone(),
        _ => vec![key.clone()],
    }
}
