//! What has changed between two looks: states of objects, and the set of causes.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::Code;
use super::report::State;
use super::selection::StatusView;
use crate::model::ObjectKey;

/// What makes a cause the same one at the next look.
pub type CauseKey = (ObjectKey, Code, Option<&'static str>);

/// One look, as far as it is compared with the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Every object's state, whether it is shown or not.
    states: BTreeMap<ObjectKey, State>,
    shown: BTreeSet<ObjectKey>,
    /// Every cause, and whether it is shown.
    causes: BTreeMap<CauseKey, bool>,
}

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A root cause is there that was not.
    CauseCame(CauseKey),
    /// An object has another state.
    State {
        /// Which object.
        object: ObjectKey,
        /// `None` for one that was not there.
        before: Option<State>,
        /// `None` for one that is no longer there.
        after: Option<State>,
    },
    /// A root cause is no longer there.
    CauseWent(CauseKey),
}

impl Marks {
    /// Marks what is shown.
    pub fn of(status: &StatusView<'_>) -> Self {
        let diagnosis = status.diagnosis;
        let mut states: BTreeMap<ObjectKey, State> =
            diagnosis.objects.iter().map(|(key, object)| (key.clone(), object.state)).collect();
        let mut shown: BTreeSet<ObjectKey> = status.objects().map(|object| object.key.clone()).collect();
        for (key, _) in super::selection::missing(diagnosis) {
            states.entry(key.clone()).or_insert(State::Missing);
        }
        shown.extend(status.missing.iter().map(|(key, _)| (*key).clone()));
        let key = |cause: &super::Cause| (cause.fault.object.clone(), cause.fault.code, cause.fault.subcode);
        let mut causes: BTreeMap<CauseKey, bool> =
            diagnosis.causes.iter().map(|cause| (key(cause), false)).collect();
        causes.extend(status.causes.iter().map(|cause| (key(cause), true)));
        Self { states, shown, causes }
    }

    /// What has changed since then among what was shown or is now: new causes, objects, causes that are gone.
    pub fn changes_to(&self, now: &Self) -> Vec<Change> {
        let is_shown = |marks: &Self, key: &CauseKey| marks.causes.get(key) == Some(&true);
        let came = now.causes.keys().filter(|key| is_shown(now, key) && !self.causes.contains_key(key));
        let went = self.causes.keys().filter(|key| is_shown(self, key) && !now.causes.contains_key(key));
        let states = self.shown.union(&now.shown).filter_map(|object| {
            let (before, after) = (self.states.get(object).copied(), now.states.get(object).copied());
            (before != after).then(|| Change::State { object: object.clone(), before, after })
        });
        let came = came.cloned().map(Change::CauseCame);
        came.chain(states).chain(went.cloned().map(Change::CauseWent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Diagnosis;
    use super::super::selection::Selection;
    use super::super::selection::testing::*;
    use super::*;

    fn changes(before: &Diagnosis, after: &Diagnosis, selection: &Selection) -> Vec<String> {
        let marks = |diagnosis| Marks::of(&selection.view(diagnosis));
        let changes = marks(before).changes_to(&marks(after));
        let name = |state: Option<State>| state.map_or("-", State::as_str);
        let told = changes.iter().map(|change| match change {
            Change::CauseCame((object, code, _)) => format!("+{} {}", object.name, code.as_str()),
            Change::CauseWent((object, code, _)) => format!("-{} {}", object.name, code.as_str()),
            Change::State { object, before, after } => {
                format!("{} {} {}", object.name, name(*before), name(*after))
            }
        });
        told.collect()
    }

    #[test]
    fn every_change_is_told_once_and_nothing_else() {
        let good = diagnosis([ks("a"), ks("b"), ks("c")]);
        let bad = diagnosis([
            ks("a").failed(Code::BuildFailed),
            ks("b").blocked_by("a"),
            ks("d").waits_for_missing("e"),
        ]);
        let all = Selection::default();
        assert_eq!(changes(&good, &good, &all), Vec::<String>::new());
        assert_eq!(
            changes(&good, &bad, &all),
            [
                "+a BuildFailed",
                "+e DependencyNotFound",
                "a Ready Failed",
                "b Ready Blocked",
                "c Ready -",
                "d - Blocked",
                "e - Missing",
            ]
        );
        assert_eq!(changes(&bad, &good, &all).last().map(String::as_str), Some("-e DependencyNotFound"));
    }

    #[test]
    fn what_only_leaves_the_filter_tells_where_it_went() {
        let failing = diagnosis([ks("a").failed(Code::BuildFailed), ks("b")]);
        let blocked = diagnosis([ks("a").failed(Code::BuildFailed), ks("b").blocked_by("a")]);
        let failed = Selection { states: [State::Failed].into(), ..Selection::default() };
        assert_eq!(changes(&failing, &blocked, &failed), Vec::<String>::new());
        let mended = diagnosis([ks("a"), ks("b")]);
        assert_eq!(changes(&failing, &mended, &failed), ["a Failed Ready", "-a BuildFailed"]);
    }
}
