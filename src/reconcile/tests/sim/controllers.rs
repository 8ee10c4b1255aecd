//! What the controllers do: kustomize-controller one run at a time for each object, source-controller for one source.

use super::{Sim, TOKEN, Thing};
use crate::model::{Condition, ConditionStatus, Conditions, InventoryEntry, Node, ObjectKey, Revision};
use crate::testing::{NS, condition};

/// A run that dependencies have stopped, or that has failed, is tried again after so many milliseconds.
const REQUEUE: u64 = 30_000;

impl Sim {
    pub(super) fn wake_up(&mut self, key: &ObjectKey) {
        if self.busy.contains(key) {
            self.again.insert(key.clone());
            return;
        }
        self.busy.insert(key.clone());
        *self.runs.entry(key.clone()).or_default() += 1;
        let run = u64::from(self.runs[key]);
        if *key == self.source.key {
            let token = self.source.meta.annotations.get(TOKEN).cloned();
            let takes = self.takes.get(key).copied().unwrap_or(60);
            return self.at(self.time + takes, Thing::Run(key.clone(), run, token, 1, 0));
        }
        let Some(node) = self.nodes.get(key) else {
            self.busy.remove(key);
            return;
        };
        let (token, generation) = (node.meta.annotations.get(TOKEN).cloned(), node.meta.generation);
        self.at(self.time, Thing::Run(key.clone(), run, token, generation, 0));
    }

    pub(super) fn go_on(
        &mut self,
        key: &ObjectKey,
        run: u64,
        token: Option<String>,
        generation: i64,
        step: u8,
    ) {
        if *key == self.source.key {
            return self.go_on_with_source(run, token, step);
        }
        let current = self.source.artifact.as_ref().map(|artifact| artifact.revision.clone());
        let stopped = self.stopped_by(key);
        let takes = self.takes.get(key).copied().unwrap_or(80);
        let fails = self.fails.get(key).copied();
        let Some(node) = self.nodes.get_mut(key) else {
            self.busy.remove(key);
            return;
        };
        let set = |node: &mut Node, status, reason: &str, message: &str, reconciling: Option<&str>| {
            let mut list: Vec<Condition> = vec![condition("Ready", status, reason, message)];
            list.extend(
                reconciling
                    .map(|message| condition("Reconciling", ConditionStatus::True, "Progressing", message)),
            );
            list.iter_mut().for_each(|condition| condition.observed_generation = Some(generation));
            node.status.conditions = Conditions(list);
        };
        let next =
            |delay: u64, step: u8| (delay, Thing::Run(key.clone(), run, token.clone(), generation, step));
        let (delay, thing) = match step {
            0 if node.suspended => {
                node.status.last_handled_reconcile_at = token.or(node.status.last_handled_reconcile_at.take());
                self.written(key);
                return self.rest(key);
            }
            0 if stopped.is_some() => {
                set(node, ConditionStatus::False, "DependencyNotReady", &stopped.unwrap_or_default(), None);
                next(2, 9)
            }
            0 => {
                let revision = current.unwrap_or(Revision(String::new()));
                let words = format!("Building manifests for revision {revision} with a timeout of 1m0s");
                set(node, ConditionStatus::Unknown, "Progressing", "Reconciliation in progress", Some(&words));
                let is_known =
                    node.status.last_applied_revision.as_ref() == Some(&revision) && node.is_observed();
                node.status.last_attempted_revision = Some(revision);
                next(if is_known { takes / 50 + 5 } else { takes }, 1)
            }
            1 if fails == Some("HealthCheckFailed") || node.kustomization().is_some_and(|spec| spec.wait) => {
                let revision = node.status.last_attempted_revision.clone().unwrap();
                let words = format!("Running health checks for revision {revision} with a timeout of 1m0s");
                set(node, ConditionStatus::Unknown, "Progressing", "Reconciliation in progress", Some(&words));
                self.apply(key);
                next(takes, 2)
            }
            1 | 2 => {
                if let Some(reason) = fails {
                    set(node, ConditionStatus::False, reason, "it is broken", None);
                    next(3, 9)
                } else {
                    set(node, ConditionStatus::True, "ReconciliationSucceeded", "Applied", None);
                    next(3, 3)
                }
            }
            _ => {
                node.status.last_handled_reconcile_at = token.or(node.status.last_handled_reconcile_at.take());
                let retry = self.trouble.flickers && self.dice.roll(4) == 0;
                let delay = if step == 3 { 500 + self.dice.roll(20_000) } else { REQUEUE };
                let node = self.nodes.get_mut(key).unwrap();
                if step == 3 {
                    node.status.last_applied_revision.clone_from(&node.status.last_attempted_revision);
                    node.status.observed_generation = Some(generation);
                    if node.status.last_applied_revision.as_ref() == Some(&self.upstream) {
                        self.first_done.entry(key.clone()).or_insert(self.time);
                    }
                    self.apply(key);
                }
                if retry || step == 9 {
                    self.at(self.time + delay, Thing::Wake(key.clone()));
                }
                self.written(key);
                return self.rest(key);
            }
        };
        self.written(key);
        self.at(self.time + delay, thing);
    }

    /// What an applier has applied: objects that are new, or have another spec by now.
    fn apply(&mut self, key: &ObjectKey) {
        let children = self.applies.remove(key).unwrap_or_default();
        if children.is_empty() {
            return;
        }
        let entry = |child: &Node| InventoryEntry { key: child.key.clone(), version: "v1".to_owned() };
        let inventory = children.iter().map(entry).collect();
        self.nodes.get_mut(key).unwrap().status.inventory = Some(inventory);
        for child in children {
            let id = child.key.clone();
            let mut child = child;
            if let Some(before) = self.nodes.get(&id) {
                child.status = before.status.clone();
                child.meta.generation =
                    before.meta.generation + i64::from(before.depends_on != child.depends_on);
                child.meta.annotations = before.meta.annotations.clone();
                if before.depends_on == child.depends_on && before.meta.labels == child.meta.labels {
                    continue;
                }
            }
            self.nodes.insert(id.clone(), child);
            self.written(&id);
            self.wake_soon(&id);
        }
    }

    fn rest(&mut self, key: &ObjectKey) {
        self.busy.remove(key);
        if self.again.remove(key) {
            self.at(self.time + 1, Thing::Wake(key.clone()));
        }
    }

    /// What kustomize-controller says of the first dependency that is not ready.
    fn stopped_by(&self, key: &ObjectKey) -> Option<String> {
        let node = self.nodes.get(key)?;
        node.depends_on.iter().find_map(|entry| {
            let name = format!("{NS}/{}", entry.key.name);
            let Some(dependency) = self.nodes.get(&entry.key) else {
                return Some(format!("dependency '{name}' not found: gone"));
            };
            if !dependency.is_observed() || !dependency.status.conditions.is_true("Ready") {
                return Some(format!("dependency '{name}' is not ready"));
            }
            let current = self.source.artifact.as_ref().map(|artifact| &artifact.revision);
            (dependency.status.last_applied_revision.as_ref() != current)
                .then(|| format!("dependency '{name}' revision is not up to date"))
        })
    }

    fn go_on_with_source(&mut self, run: u64, token: Option<String>, step: u8) {
        let key = self.source.key.clone();
        if step == 0 {
            let (status, reason) = match self.source_fails {
                true => (ConditionStatus::False, "GitOperationFailed"),
                false => (ConditionStatus::True, "Succeeded"),
            };
            self.source.conditions = Conditions(vec![condition("Ready", status, reason, "words")]);
            self.written(&key);
            return self.at(self.time + 3, Thing::Run(key, run, token, 1, 1));
        }
        self.source.last_handled_reconcile_at = token.or(self.source.last_handled_reconcile_at.take());
        let artifact = self.source.artifact.as_mut().unwrap();
        let moves = !self.source_fails && artifact.revision != self.upstream;
        if moves {
            artifact.revision = self.upstream.clone();
        }
        self.written(&key);
        if moves {
            let users: Vec<ObjectKey> = self.nodes.keys().cloned().collect();
            users.iter().for_each(|user| self.wake_soon(user));
        }
        self.rest(&key);
    }
}
