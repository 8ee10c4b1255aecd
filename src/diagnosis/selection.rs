//! What of a diagnosis is shown: filters narrow what is listed, counted and judged, never the graph.

mod labels;
mod objects;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::{BTreeMap, BTreeSet};

pub use labels::{LabelSelector, LabelSelectorError};
pub use objects::{
    APPLIERS, ObjectArg, ObjectArgError, ObjectError, kind_from_word, require_namespace, resolve,
    resolve_source, spell, spell_in_full, word_of,
};

use super::{Cause, Diagnosis, ObjectReport, State, Verdict};
use crate::model::{GroupKind, ObjectKey, Warning};

/// The answer as scripts see it: exit code 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing in scope is wrong.
    Good,
    /// Something in scope is wrong.
    Bad,
}

/// The filters of one command; an object is shown if it meets all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Kinds that are shown.
    pub kinds: BTreeSet<GroupKind>,
    /// Whether the kinds were asked for; if not, causes of other kinds are listed as well.
    pub kinds_explicit: bool,
    /// Namespace of `-n`; `None` for all.
    pub namespace: Option<String>,
    /// Selector of `-l`.
    pub selector: LabelSelector,
    /// States; empty for all.
    pub states: BTreeSet<State>,
    /// Layer; `None` for all.
    pub layer: Option<usize>,
    /// Objects that were named; empty for all.
    pub objects: BTreeSet<ObjectKey>,
}

impl Default for Selection {
    /// Kustomizations, because nothing else was asked for.
    fn default() -> Self {
        Self {
            kinds: BTreeSet::from([GroupKind::KUSTOMIZATION]),
            kinds_explicit: false,
            namespace: None,
            selector: LabelSelector::default(),
            states: BTreeSet::new(),
            layer: None,
            objects: BTreeSet::new(),
        }
    }
}

/// How many objects are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of objects in each state; a state without objects is absent.
    pub by_state: BTreeMap<State, usize>,
    /// Objects on the cluster that are not ready and never applied anything.
    pub never_applied: usize,
}

impl Summary {
    /// Objects in this state.
    pub fn of(&self, state: State) -> usize {
        self.by_state.get(&state).copied().unwrap_or_default()
    }

    /// Sum of all states.
    pub fn total(&self) -> usize {
        self.by_state.values().sum()
    }
}

/// What is shown of a diagnosis.
#[derive(Clone, Debug)]
pub struct StatusView<'a> {
    /// All of it, for what is looked up.
    pub diagnosis: &'a Diagnosis,
    /// Kinds that are shown.
    pub kinds: BTreeSet<GroupKind>,
    /// The one namespace that is looked at.
    pub namespace: Option<String>,
    /// Whether anything but the default was asked for.
    pub narrowed: bool,
    /// Objects by layer, ordered by key; layers without a shown object are absent.
    pub layers: BTreeMap<usize, Vec<&'a ObjectReport>>,
    /// Objects in or behind a cycle.
    pub unlayered: Vec<&'a ObjectReport>,
    /// Dependencies that exist nowhere, with who wants them.
    pub missing: Vec<(&'a ObjectKey, &'a [ObjectKey])>,
    /// Loops with at least one shown object.
    pub cycles: Vec<&'a [ObjectKey]>,
    /// Root causes that shown objects are hit by, and unless kinds were asked for also objects of other kinds that meet
    /// the same filters.
    pub causes: Vec<&'a Cause>,
    /// Warnings that bear on shown objects, and those that bear on no object in particular.
    pub warnings: Vec<&'a Warning>,
    /// Counts of what is shown.
    pub summary: Summary,
}

impl Selection {
    /// Applies the filters.
    pub fn view<'a>(&self, diagnosis: &'a Diagnosis) -> StatusView<'a> {
        // Causes and warnings are those of every object that the filters let through; unless kinds were asked for,
        // also of those of other kinds, which are not shown.
        let passed: BTreeMap<&ObjectKey, &ObjectReport> =
            diagnosis.objects.iter().filter(|(_, object)| self.passes(object)).collect();
        let passed_missing: Vec<(&ObjectKey, &[ObjectKey])> =
            missing(diagnosis).filter(|(key, _)| self.passes_missing(key)).collect();
        let is_shown = |key: &ObjectKey| self.kinds.contains(&key.kind);
        let shown: BTreeMap<&ObjectKey, &ObjectReport> =
            passed.iter().filter(|(key, _)| is_shown(key)).map(|(key, object)| (*key, *object)).collect();
        let missing: Vec<(&ObjectKey, &[ObjectKey])> =
            passed_missing.iter().filter(|(key, _)| is_shown(key)).copied().collect();

        let mut layers: BTreeMap<usize, Vec<&ObjectReport>> = BTreeMap::new();
        let mut unlayered = Vec::new();
        let mut summary = Summary::default();
        for object in shown.values() {
            match object.layer {
                Some(layer) => layers.entry(layer).or_default().push(object),
                None => unlayered.push(*object),
            }
            *summary.by_state.entry(object.state).or_default() += 1;
            summary.never_applied += usize::from(object.never_applied);
        }
        if !missing.is_empty() {
            *summary.by_state.entry(State::Missing).or_default() += missing.len();
        }

        let hit = |cause: &&Cause| !self.narrows() || hits(cause, &passed, &passed_missing);
        let causes = diagnosis.causes.iter().filter(hit);
        let told = |warning: &&Warning| !self.narrows() || bears_on(warning, diagnosis, &passed);
        let warnings = diagnosis.warnings.iter().filter(told);
        let cycles = diagnosis.layering.cycles.iter().map(Vec::as_slice);
        StatusView {
            diagnosis,
            kinds: self.kinds.clone(),
            namespace: self.namespace.clone(),
            narrowed: self.narrows(),
            cycles: cycles.filter(|cycle| cycle.iter().any(|member| shown.contains_key(member))).collect(),
            causes: causes.collect(),
            warnings: warnings.collect(),
            layers,
            unlayered,
            missing,
            summary,
        }
    }

    /// Whether causes and warnings are narrowed: by any filter but the default kind and `--kind all`.
    fn narrows(&self) -> bool {
        let Self { kinds, kinds_explicit, namespace, selector, states, layer, objects } = self;
        let all_kinds = APPLIERS.iter().all(|kind| kinds.contains(kind));
        (*kinds_explicit && !all_kinds)
            || namespace.is_some()
            || !selector.is_empty()
            || !states.is_empty()
            || layer.is_some()
            || !objects.is_empty()
    }

    fn passes(&self, object: &ObjectReport) -> bool {
        self.passes_key(&object.key)
            && self.selector.matches(&object.labels)
            && (self.states.is_empty() || self.states.contains(&object.state))
            && self.layer.is_none_or(|layer| object.layer == Some(layer))
    }

    /// A dependency that exists nowhere has neither labels nor a layer.
    fn passes_missing(&self, key: &ObjectKey) -> bool {
        self.passes_key(key)
            && self.selector.is_empty()
            && (self.states.is_empty() || self.states.contains(&State::Missing))
            && self.layer.is_none()
    }

    /// Kinds that were not asked for are no filter: they only decide what is shown.
    fn passes_key(&self, key: &ObjectKey) -> bool {
        (!self.kinds_explicit || self.kinds.contains(&key.kind))
            && self.namespace.as_ref().is_none_or(|namespace| key.namespace == *namespace)
            && (self.objects.is_empty() || self.objects.contains(key))
    }
}

impl<'a> StatusView<'a> {
    /// Whether what is shown is good; with `strict` a warning is as bad as a cause.
    pub fn outcome(&self, strict: bool) -> Outcome {
        let bad = self.objects().any(|object| self.is_bad(object))
            || !self.missing.is_empty()
            || !self.cycles.is_empty()
            || !self.causes.is_empty()
            || self.is_blind()
            || (strict && !self.warnings.is_empty());
        if bad { Outcome::Bad } else { Outcome::Good }
    }

    /// Whether this object alone makes the answer bad, see [`Diagnosis::is_bad`].
    pub fn is_bad(&self, object: &ObjectReport) -> bool {
        self.diagnosis.is_bad(object)
    }

    /// Whether nothing of the shown kinds could be read while not everything could be seen: that there is none of them
    /// is not known, and nothing about them is good.
    pub fn is_blind(&self) -> bool {
        let namespace = self.namespace.as_deref();
        let in_scope = |key: &ObjectKey| {
            self.kinds.contains(&key.kind) && namespace.is_none_or(|wanted| key.namespace == wanted)
        };
        let was_read = |kind: &GroupKind| match namespace {
            Some(namespace) => self.diagnosis.coverage.covers_in(kind, namespace),
            None => self.diagnosis.coverage.covers_everywhere(kind),
        };
        !self.diagnosis.complete
            && !self.diagnosis.objects.keys().any(in_scope)
            && !self.kinds.iter().all(was_read)
    }

    /// Whether only a repository was read.
    pub fn is_declared(&self) -> bool {
        self.diagnosis.is_declared()
    }

    /// Every shown object, by layer, those without a layer last.
    pub fn objects(&self) -> impl Iterator<Item = &'a ObjectReport> {
        self.layers.values().flatten().chain(&self.unlayered).copied()
    }
}

/// Dependencies that exist nowhere, with who wants them.
///
/// Some dependencies in [`Layering::missing`](crate::graph::Layering) are only out of sight; an object is missing
/// if at least one dependent's verdict says so.
pub fn missing(diagnosis: &Diagnosis) -> impl Iterator<Item = (&ObjectKey, &[ObjectKey])> {
    let is_missing = |key: &ObjectKey, dependent: &ObjectKey| {
        diagnosis.objects.get(dependent).is_some_and(|object| {
            object
                .depends_on
                .iter()
                .any(|(dependency, verdict)| dependency == key && *verdict == Verdict::NotFound)
        })
    };
    diagnosis
        .layering
        .missing
        .iter()
        .filter(move |(key, wanted_by)| wanted_by.iter().any(|dependent| is_missing(key, dependent)))
        .map(|(key, wanted_by)| (key, wanted_by.as_slice()))
}

/// Whether an object that passed is hit by the cause: fails because of it, is blocked by it, or is what is missing.
fn hits(
    cause: &Cause,
    passed: &BTreeMap<&ObjectKey, &ObjectReport>,
    missing: &[(&ObjectKey, &[ObjectKey])],
) -> bool {
    let object = &cause.fault.object;
    cause.affected.iter().any(|affected| passed.contains_key(affected))
        || passed.values().any(|passed| passed.blocked_by.contains(object))
        || missing.iter().any(|(key, _)| *key == object)
}

/// Whether a warning bears on an object that passed.
///
/// It does not if it is about an object that did not pass, or about a source that nothing which passed uses. A
/// warning about anything else stays: whom it concerns is not known.
fn bears_on(warning: &Warning, diagnosis: &Diagnosis, passed: &BTreeMap<&ObjectKey, &ObjectReport>) -> bool {
    let Some(about) = &warning.object else { return true };
    if diagnosis.objects.contains_key(about) {
        return passed.contains_key(about);
    }
    if !diagnosis.sources.contains_key(about) {
        return true;
    }
    passed.values().any(|object| {
        object.blocked_by.contains(about)
            || object.source.as_ref().is_some_and(|source| {
                source == about
                    || diagnosis.sources.get(source).is_some_and(|source| source.blocked_by.contains(about))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;
    use crate::diagnosis::Code;
    use crate::model::OriginKind;

    fn cluster() -> Diagnosis {
        diagnosis([
            ks("flux-system/infra").ready(),
            ks("flux-system/broken").layer(1).failed(Code::BuildFailed).label("team", "a"),
            ks("flux-system/apps").layer(2).blocked_by("flux-system/broken").label("team", "b"),
            ks("shop/web").layer(1).ready().label("team", "a"),
            ks("shop/waits").waits_for_missing("shop/db"),
            hr("media/plex").failed(Code::HelmInstallFailed).label("team", "media"),
            hr("media/tautulli").ready(),
            rset("media/tenants").ready(),
        ])
        .cycle(["shop/one", "shop/two"])
        .warning("SourceStale", "shop is stale", Some(source("shop/repo")))
    }

    fn names(view: &StatusView<'_>) -> String {
        let names: Vec<&str> = view.objects().map(|object| object.key.name.as_str()).collect();
        names.join(" ")
    }

    fn causes(view: &StatusView<'_>) -> String {
        let causes: Vec<&str> = view.causes.iter().map(|cause| cause.fault.object.name.as_str()).collect();
        causes.join(" ")
    }

    #[test]
    fn filters_narrow_what_is_listed_counted_and_judged() {
        let kinds = |kinds: &[GroupKind]| kinds.iter().cloned().collect::<BTreeSet<_>>();
        let none = Selection::default();
        let all = Selection { kinds: kinds(&APPLIERS), kinds_explicit: true, ..none.clone() };
        let table: [(&str, Selection, &str, &str, usize, Outcome); 19] = [
            (
                "nothing",
                none.clone(),
                "infra waits broken web apps one two",
                "one broken db plex",
                8,
                Outcome::Bad,
            ),
            (
                "every kind",
                all.clone(),
                "tenants plex tautulli infra waits broken web apps one two",
                "one broken db plex",
                11,
                Outcome::Bad,
            ),
            (
                "--kind ks",
                Selection { kinds_explicit: true, ..none.clone() },
                "infra waits broken web apps one two",
                "one broken db",
                8,
                Outcome::Bad,
            ),
            (
                "--kind hr",
                Selection { kinds: kinds(&[GroupKind::HELM_RELEASE]), kinds_explicit: true, ..none.clone() },
                "plex tautulli",
                "plex",
                2,
                Outcome::Bad,
            ),
            (
                "--kind rset",
                Selection { kinds: kinds(&[GroupKind::RESOURCE_SET]), kinds_explicit: true, ..none.clone() },
                "tenants",
                "",
                1,
                Outcome::Good,
            ),
            (
                "-n flux-system",
                Selection { namespace: Some("flux-system".to_owned()), ..none.clone() },
                "infra broken apps",
                "broken",
                3,
                Outcome::Bad,
            ),
            (
                "-n media",
                Selection { namespace: Some("media".to_owned()), ..none.clone() },
                "",
                "plex",
                0,
                Outcome::Bad,
            ),
            (
                "-n media --kind ks",
                Selection { namespace: Some("media".to_owned()), kinds_explicit: true, ..none.clone() },
                "",
                "",
                0,
                Outcome::Good,
            ),
            (
                "-n shop",
                Selection { namespace: Some("shop".to_owned()), ..none.clone() },
                "waits web one two",
                "one db",
                5,
                Outcome::Bad,
            ),
            (
                "-l team=a",
                Selection { selector: "team=a".parse().unwrap(), ..none.clone() },
                "broken web",
                "broken",
                2,
                Outcome::Bad,
            ),
            (
                "-l team=media",
                Selection { selector: "team=media".parse().unwrap(), ..none.clone() },
                "",
                "plex",
                0,
                Outcome::Bad,
            ),
            (
                "--state failed",
                Selection { states: BTreeSet::from([State::Failed]), ..none.clone() },
                "broken",
                "broken plex",
                1,
                Outcome::Bad,
            ),
            (
                "-l team=a --state ready",
                Selection {
                    selector: "team=a".parse().unwrap(),
                    states: BTreeSet::from([State::Ready]),
                    ..none.clone()
                },
                "web",
                "",
                1,
                Outcome::Good,
            ),
            (
                "--state missing",
                Selection { states: BTreeSet::from([State::Missing]), ..none.clone() },
                "",
                "db",
                1,
                Outcome::Bad,
            ),
            ("--layer 2", Selection { layer: Some(2), ..none.clone() }, "apps", "broken", 1, Outcome::Bad),
            ("--layer 9", Selection { layer: Some(9), ..none.clone() }, "", "", 0, Outcome::Good),
            (
                "OBJECT infra",
                Selection { objects: BTreeSet::from([ks_key("flux-system/infra")]), ..none.clone() },
                "infra",
                "",
                1,
                Outcome::Good,
            ),
            (
                "OBJECT plex, as nothing but Kustomizations is shown",
                Selection {
                    objects: BTreeSet::from([ObjectKey::helm_release("media", "plex")]),
                    ..none.clone()
                },
                "",
                "plex",
                0,
                Outcome::Bad,
            ),
            (
                "OBJECT db, which does not exist",
                Selection { objects: BTreeSet::from([ks_key("shop/db")]), ..none },
                "",
                "db",
                1,
                Outcome::Bad,
            ),
        ];
        let cluster = cluster();
        for (filter, selection, shown, hit_by, total, outcome) in table {
            let view = selection.view(&cluster);
            assert_eq!(names(&view), shown, "{filter}");
            assert_eq!(causes(&view), hit_by, "{filter}");
            assert_eq!(view.summary.total(), total, "{filter}");
            assert_eq!(view.outcome(false), outcome, "{filter}");
        }
    }

    #[test]
    fn blocks_counts_over_all_whatever_is_shown() {
        let cluster = cluster();
        let view = Selection { layer: Some(2), ..Selection::default() }.view(&cluster);
        assert_eq!(view.causes[0].blocks, 1);
        let narrowed =
            Selection { objects: BTreeSet::from([ks_key("flux-system/broken")]), ..Default::default() };
        assert_eq!(narrowed.view(&cluster).causes[0].blocks, 1);
    }

    #[test]
    fn missing_and_cycles_are_of_the_shown_kinds() {
        let cluster = cluster();
        let view = Selection::default().view(&cluster);
        assert_eq!(view.missing.len(), 1);
        assert_eq!(view.summary.of(State::Missing), 1);
        assert_eq!(view.cycles.len(), 1);
        let releases = Selection { kinds: BTreeSet::from([GroupKind::HELM_RELEASE]), ..Default::default() };
        let view = releases.view(&cluster);
        assert!(view.missing.is_empty() && view.cycles.is_empty());
    }

    #[test]
    fn a_dependency_that_is_only_out_of_sight_is_not_missing() {
        let cluster = diagnosis([ks("a/apps").waits_for_hidden("b/secret")]);
        let view = Selection::default().view(&cluster);
        assert!(view.missing.is_empty());
        assert_eq!(view.summary.of(State::Missing), 0);
    }

    #[test]
    fn warnings_are_bad_only_when_strict_and_only_where_they_bear_on_what_is_shown() {
        let cluster =
            diagnosis([ks("a/apps").ready().source("a/repo"), ks("b/other").ready().source("b/repo")]).warning(
                "SourceStale",
                "stale",
                Some(source("a/repo")),
            );
        let view = Selection::default().view(&cluster);
        assert_eq!((view.outcome(false), view.outcome(true)), (Outcome::Good, Outcome::Bad));
        let narrow =
            |namespace: &str| Selection { namespace: Some(namespace.to_owned()), ..Default::default() };
        assert_eq!(narrow("a").view(&cluster).outcome(true), Outcome::Bad);
        assert_eq!(narrow("b").view(&cluster).outcome(true), Outcome::Good);
    }

    #[test]
    fn where_nothing_of_the_kind_could_be_seen_nothing_is_good() {
        let outcome = |found: &Diagnosis, kind: GroupKind| {
            let kinds = BTreeSet::from([kind]);
            Selection { kinds, namespace: Some("nowhere".to_owned()), ..Default::default() }
                .view(found)
                .outcome(false)
        };
        let mut releases = diagnosis([hr("nowhere/plex")]);
        assert_eq!(outcome(&releases, GroupKind::KUSTOMIZATION), Outcome::Good);
        releases.complete = false;
        assert_eq!(outcome(&releases, GroupKind::KUSTOMIZATION), Outcome::Bad);
        releases.coverage.cover(GroupKind::HELM_RELEASE, "nowhere");
        releases.coverage.cover(GroupKind::KUSTOMIZATION, "elsewhere");
        assert_eq!(outcome(&releases, GroupKind::KUSTOMIZATION), Outcome::Bad, "read in another namespace");
        let mut read_here = releases.clone();
        read_here.coverage.cover(GroupKind::KUSTOMIZATION, "nowhere");
        assert_eq!(outcome(&read_here, GroupKind::KUSTOMIZATION), Outcome::Good, "what is in scope was read");
        releases.coverage.cover_everywhere(GroupKind::KUSTOMIZATION);
        assert_eq!(outcome(&releases, GroupKind::KUSTOMIZATION), Outcome::Good, "another kind is hidden");
    }

    #[test]
    fn what_is_only_declared_is_unknown_and_not_bad() {
        let mut declared = diagnosis([ks("a/apps"), ks("a/infra")]);
        for object in declared.objects.values_mut() {
            object.state = State::Unknown;
        }
        assert_eq!(Selection::default().view(&declared).outcome(true), Outcome::Bad);
        declared.origin = OriginKind::Declared;
        assert_eq!(Selection::default().view(&declared).outcome(true), Outcome::Good);
    }
}
