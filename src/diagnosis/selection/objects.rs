//! OBJECT arguments: from what a person types to the one object that is meant, and back.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::diagnosis::Diagnosis;
use crate::model::{GroupKind, ObjectKey, OriginKind};
use crate::wire::codes;

/// Words for a kind, in any case; the first one is what we print.
const WORDS: &[(GroupKind, &[&str])] = &[
    (GroupKind::KUSTOMIZATION, &["ks", "kustomization", "kustomizations"]),
    (GroupKind::HELM_RELEASE, &["hr", "helmrelease", "helmreleases"]),
    (GroupKind::RESOURCE_SET, &["rset", "resourceset", "resourcesets"]),
    (GroupKind::GIT_REPOSITORY, &["gitrepo", "gitrepository", "gitrepositories"]),
    (GroupKind::OCI_REPOSITORY, &["ocirepo", "ocirepository", "ocirepositories"]),
    (GroupKind::BUCKET, &["bucket", "buckets"]),
    (GroupKind::HELM_REPOSITORY, &["helmrepo", "helmrepository", "helmrepositories"]),
    (GroupKind::HELM_CHART, &["hc", "helmchart", "helmcharts"]),
    (GroupKind::EXTERNAL_ARTIFACT, &["ea", "externalartifact", "externalartifacts"]),
    (GroupKind::ARTIFACT_GENERATOR, &["ag", "artifactgenerator", "artifactgenerators"]),
    (
        GroupKind::RESOURCE_SET_INPUT_PROVIDER,
        &["rsip", "resourcesetinputprovider", "resourcesetinputproviders"],
    ),
    (GroupKind::FLUX_INSTANCE, &["fluxinstance", "fluxinstances"]),
    (GroupKind::FLUX_REPORT, &["fluxreport", "fluxreports"]),
];

/// Kinds that have a state and a place in the layers.
pub const APPLIERS: [GroupKind; 3] =
    [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE, GroupKind::RESOURCE_SET];

/// Kinds among which a bare name is looked for.
const BARE: [GroupKind; 2] = [GroupKind::KUSTOMIZATION, GroupKind::HELM_RELEASE];

/// Most names that one "did you mean" offers.
const MOST_SIMILAR: usize = 3;

/// The Flux kind that a word names, as kubectl reads it: short name, singular, plural, each also with
/// `.group` or `.version.group`, in any case. Returns `None` for every other word.
pub fn kind_from_word(word: &str) -> Option<GroupKind> {
    let word = word.to_ascii_lowercase();
    let (name, group) = match word.split_once('.') {
        Some((name, group)) => (name, Some(group)),
        None => (word.as_str(), None),
    };
    let (kind, _) = WORDS.iter().find(|(_, words)| words.contains(&name))?;
    let fits = group.is_none_or(|group| {
        let versioned = group.split_once('.').is_some_and(|(version, group)| {
            version.starts_with('v')
                && version[1..].starts_with(|c: char| c.is_ascii_digit())
                && group == kind.group
        });
        group == kind.group || versioned
    });
    fits.then(|| kind.clone())
}

/// The short word for a kind on the command line; the kind itself where there is none.
pub fn word_of(kind: &GroupKind) -> String {
    match WORDS.iter().find(|(known, _)| known == kind) {
        Some((_, words)) => words[0].to_owned(),
        None => kind.kind.to_lowercase(),
    }
}

/// What a person typed to name one object: `name`, `kind/name` or `kind/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectArg {
    /// Kind, where one is named.
    pub kind: Option<GroupKind>,
    /// Namespace, where one is named.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// An OBJECT that is not spelt as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectArgError {
    /// The word before the first slash names no Flux kind.
    #[error("`{0}` is not a kind of Flux (write ks/NAME, hr/NAME or ks/NAMESPACE/NAME)")]
    Kind(String),
    /// Empty parts, or more than three.
    #[error("expected NAME, KIND/NAME or KIND/NAMESPACE/NAME")]
    Parts,
}

impl FromStr for ObjectArg {
    type Err = ObjectArgError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(ObjectArgError::Parts);
        }
        let kind = |word: &str| kind_from_word(word).ok_or_else(|| ObjectArgError::Kind(word.to_owned()));
        match parts[..] {
            [name] => Ok(Self { kind: None, namespace: None, name: name.to_owned() }),
            [word, name] => Ok(Self { kind: Some(kind(word)?), namespace: None, name: name.to_owned() }),
            [word, namespace, name] => Ok(Self {
                kind: Some(kind(word)?),
                namespace: Some(namespace.to_owned()),
                name: name.to_owned(),
            }),
            _ => Err(ObjectArgError::Parts),
        }
    }
}

/// An OBJECT that does not name exactly one object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Nothing of that name.
    #[error("no {what}")]
    NotFound {
        /// What was looked for, and where.
        what: String,
        /// The nearest names, spelt so that they work, the nearest first.
        similar: Vec<String>,
    },
    /// It may be there: its kind was not seen whole where it would be.
    #[error("{name} is out of sight: {why}")]
    OutOfSight {
        /// What was typed.
        name: String,
        /// Which kinds were not seen, and where.
        why: String,
        /// The command that tells whether they may be; `None` where rights are not the reason.
        ask: Option<String>,
        /// The nearest names that are in sight, the nearest first.
        similar: Vec<String>,
    },
    /// More than one object of that name.
    #[error("`{name}` could be any of {}", .candidates.join(", "))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// Every one of them, spelt in full.
        candidates: Vec<String>,
    },
    /// Nothing of Flux is in sight in a namespace.
    #[error("nothing of Flux in namespace {namespace}")]
    EmptyNamespace {
        /// Namespace of `-n`.
        namespace: String,
        /// The nearest names of namespaces with something in them, the nearest first.
        similar: Vec<String>,
    },
    /// The kind has no state of its own here.
    #[error(
        "{kind}/{name} has no place in the layers: status shows Kustomizations, HelmReleases and ResourceSets"
    )]
    NotAnApplier {
        /// Kind that was asked for.
        kind: String,
        /// Name that was asked for.
        name: String,
    },
    /// The OBJECT names another namespace than `-n`.
    #[error("`{name}` is not in namespace {namespace}")]
    OtherNamespace {
        /// What was typed.
        name: String,
        /// Namespace of `-n`.
        namespace: String,
    },
    /// The OBJECT names a kind that `--kind` leaves out.
    #[error("`{name}` is none of the kinds that --kind selects")]
    OtherKind {
        /// What was typed.
        name: String,
    },
}

impl ObjectError {
    /// What the reader can do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { similar, .. } | Self::EmptyNamespace { similar, .. } => did_you_mean(similar),
            Self::OutOfSight { ask, similar, .. } => ask.clone().or_else(|| did_you_mean(similar)),
            Self::Ambiguous { .. } => Some("name one of them in full, or narrow with -n".to_owned()),
            Self::NotAnApplier { .. } => None,
            Self::OtherNamespace { .. } => {
                Some("leave -n away, or name the object without its namespace".to_owned())
            }
            Self::OtherKind { .. } => Some("leave --kind away, or use --kind all".to_owned()),
        }
    }
}

fn did_you_mean(similar: &[String]) -> Option<String> {
    let (first, rest) = similar.split_first()?;
    let rest: String = rest.iter().map(|name| format!(" or `{name}`")).collect();
    Some(format!("did you mean `{first}`{rest}?"))
}

/// Finds the one object that is meant.
///
/// A bare name is looked for among Kustomizations in all namespaces in sight (or in that of `-n`), then among
/// HelmReleases, then among dependencies that do not exist; `kinds` are those of an explicit `--kind`.
pub fn resolve(
    diagnosis: &Diagnosis,
    object: &ObjectArg,
    namespace: Option<&str>,
    kinds: Option<&BTreeSet<GroupKind>>,
) -> Result<ObjectKey, ObjectError> {
    let typed = typed(object);
    if let (Some(named), Some(wanted)) = (object.namespace.as_deref(), namespace)
        && named != wanted
    {
        return Err(ObjectError::OtherNamespace { name: typed, namespace: wanted.to_owned() });
    }
    let candidates: Vec<GroupKind> = match (&object.kind, kinds) {
        (Some(kind), _) if !kind.is_applier() => {
            return Err(ObjectError::NotAnApplier { kind: word_of(kind), name: object.name.clone() });
        }
        (Some(kind), Some(kinds)) if !kinds.contains(kind) => {
            return Err(ObjectError::OtherKind { name: typed });
        }
        (Some(kind), _) => vec![kind.clone()],
        (None, Some(kinds)) => APPLIERS.into_iter().filter(|kind| kinds.contains(kind)).collect(),
        (None, None) => BARE.to_vec(),
    };
    let namespace = object.namespace.as_deref().or(namespace);
    if let Some(key) = look_up(diagnosis, &object.name, namespace, &candidates, &typed)? {
        return Ok(key);
    }
    if let Some(error) = out_of_sight(diagnosis, object, namespace, &candidates) {
        return Err(error);
    }
    let among = match &candidates[..] {
        [kind] => kind.kind.to_string(),
        _ => "Kustomization or HelmRelease".to_owned(),
    };
    let place = namespace.map_or("in sight".to_owned(), |namespace| format!("in namespace {namespace}"));
    Err(ObjectError::NotFound {
        what: format!("{among} named `{}` {place}", object.name),
        similar: similar(diagnosis, object, namespace),
    })
}

/// Fails where nothing of Flux is in sight in the namespace of `-n`, so that a slip of the finger is no good answer. What
/// may be hidden there is another matter.
pub fn require_namespace(diagnosis: &Diagnosis, namespace: &str) -> Result<(), ObjectError> {
    let missing = super::missing(diagnosis).map(|(key, _)| key);
    let causes = diagnosis.causes.iter().map(|cause| &cause.fault.object);
    let known = diagnosis.objects.keys().chain(diagnosis.sources.keys()).chain(missing).chain(causes);
    let known: BTreeSet<&str> =
        known.map(|key| key.namespace.as_str()).filter(|name| !name.is_empty()).collect();
    let hidden = !diagnosis.complete && !diagnosis.coverage.covers_in(&GroupKind::KUSTOMIZATION, namespace);
    if known.contains(namespace) || hidden {
        return Ok(());
    }
    let mut near: Vec<(usize, &str)> =
        known.into_iter().filter_map(|name| Some((distance(namespace, name)?, name))).collect();
    near.sort_unstable();
    let similar = near.into_iter().take(MOST_SIMILAR).map(|(_, name)| name.to_owned()).collect();
    Err(ObjectError::EmptyNamespace { namespace: namespace.to_owned(), similar })
}

/// Finds the one source that is meant; its kind is named.
pub fn resolve_source(
    diagnosis: &Diagnosis,
    object: &ObjectArg,
    namespace: Option<&str>,
) -> Result<ObjectKey, ObjectError> {
    let typed = typed(object);
    let namespace = object.namespace.as_deref().or(namespace);
    let fits = |key: &&ObjectKey| {
        Some(&key.kind) == object.kind.as_ref()
            && key.name == object.name
            && namespace.is_none_or(|wanted| key.namespace == wanted)
    };
    let missing = diagnosis.causes.iter().map(|cause| &cause.fault.object);
    let hits: BTreeSet<&ObjectKey> = diagnosis.sources.keys().chain(missing).filter(fits).collect();
    if let Some(key) = only(&hits.into_iter().collect::<Vec<_>>(), &typed)? {
        return Ok(key);
    }
    let kinds = object.kind.as_slice();
    Err(out_of_sight(diagnosis, object, namespace, kinds).unwrap_or_else(|| ObjectError::NotFound {
        what: format!("source `{typed}` in sight"),
        similar: Vec::new(),
    }))
}

/// Why it cannot be said that nothing of that name is in this namespace; `None` where the first of these kinds, which is
/// what a bare name means, was seen whole there.
fn out_of_sight(
    diagnosis: &Diagnosis,
    object: &ObjectArg,
    namespace: Option<&str>,
    kinds: &[GroupKind],
) -> Option<ObjectError> {
    let place = namespace.filter(|_| diagnosis.origin == OriginKind::Live)?;
    let hidden = |kind: &&GroupKind| !diagnosis.coverage.covers_in(kind, place);
    let first = kinds.first().filter(hidden)?;
    let plurals: Vec<&str> = kinds.iter().filter(hidden).filter_map(plural).collect();
    let (name, plurals) = (typed(object), plurals.join(" or "));
    let similar = similar(diagnosis, object, namespace);
    let forbidden = diagnosis.warnings.iter().any(|warning| warning.code == codes::FORBIDDEN);
    let (why, ask) = if forbidden {
        let ask = plural(first);
        let ask = ask.map(|plural| format!("kubectl auth can-i list {plural}.{} -n {place}", first.group));
        (format!("you may not list {plurals} in {place}"), ask)
    } else {
        (format!("no list of {plurals} in {place} was read"), None)
    };
    Some(ObjectError::OutOfSight { name, why, ask, similar })
}

/// The word for several of a kind, as in its path.
fn plural(kind: &GroupKind) -> Option<&'static str> {
    let (_, words) = WORDS.iter().find(|(known, _)| known == kind)?;
    words.last().copied()
}

/// Looks for the name kind by kind, among what exists before what is missing; stops at the first kind that has it.
fn look_up(
    diagnosis: &Diagnosis,
    name: &str,
    namespace: Option<&str>,
    kinds: &[GroupKind],
    typed: &str,
) -> Result<Option<ObjectKey>, ObjectError> {
    let fits = |key: &&ObjectKey, kind: &GroupKind| {
        key.kind == *kind && key.name == name && namespace.is_none_or(|wanted| key.namespace == wanted)
    };
    for kind in kinds {
        let hits: Vec<&ObjectKey> = diagnosis.objects.keys().filter(|key| fits(key, kind)).collect();
        if let Some(key) = only(&hits, typed)? {
            return Ok(Some(key));
        }
    }
    for kind in kinds {
        let missing = super::missing(diagnosis).map(|(key, _)| key);
        let hits: Vec<&ObjectKey> = missing.filter(|key| fits(key, kind)).collect();
        if let Some(key) = only(&hits, typed)? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The shortest OBJECT that names this one: its bare name where that is not ambiguous, else
/// `kind/namespace/name`.
pub fn spell(diagnosis: &Diagnosis, key: &ObjectKey) -> String {
    match look_up(diagnosis, &key.name, None, &BARE, &key.name) {
        Ok(Some(found)) if found == *key && !key.name.contains('/') => key.name.clone(),
        _ => spell_in_full(key), // another object has the name, or goes first
    }
}

/// `kind/namespace/name`, with the short word for the kind.
pub fn spell_in_full(key: &ObjectKey) -> String {
    format!("{}/{}", word_of(&key.kind), key.namespaced_name())
}

fn typed(object: &ObjectArg) -> String {
    let kind = object.kind.as_ref().map(|kind| format!("{}/", word_of(kind))).unwrap_or_default();
    let namespace = object.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{kind}{namespace}{}", object.name)
}

fn only(hits: &[&ObjectKey], typed: &str) -> Result<Option<ObjectKey>, ObjectError> {
    match hits {
        [] => Ok(None),
        [key] => Ok(Some((*key).clone())),
        many => Err(ObjectError::Ambiguous {
            name: typed.to_owned(),
            candidates: many.iter().map(|key| spell_in_full(key)).collect(),
        }),
    }
}

/// The nearest names among all that OBJECT can name; the same name elsewhere is the nearest.
///
/// `namespace` is the one that was looked at: names of others are spelt with their own.
fn similar(diagnosis: &Diagnosis, object: &ObjectArg, namespace: Option<&str>) -> Vec<String> {
    let near = diagnosis.objects.keys().filter_map(|key| Some((distance(&object.name, &key.name)?, key)));
    let mut near: Vec<(usize, &ObjectKey)> = near.collect();
    near.sort();
    let spelt = |key: &ObjectKey| match namespace {
        Some(namespace) if namespace == key.namespace => spell(diagnosis, key),
        // `-n` stands on the command line and has to change, too.
        Some(_) if object.namespace.is_none() => {
            let kind =
                if key.kind == GroupKind::KUSTOMIZATION { "" } else { &format!("{}/", word_of(&key.kind)) };
            format!("{kind}{} -n {}", key.name, key.namespace)
        }
        Some(_) => spell_in_full(key),
        None => spell(diagnosis, key),
    };
    near.into_iter().take(MOST_SIMILAR).map(|(_, key)| spelt(key)).collect()
}

/// How far a name is from what was typed; `None` where nobody would take one for the other.
fn distance(typed: &str, name: &str) -> Option<usize> {
    let (typed, name) = (typed.to_lowercase(), name.to_lowercase());
    let distance = strsim::damerau_levenshtein(&typed, &name);
    let allowed = typed.chars().count().max(name.chars().count()).div_ceil(3);
    // people leave prefixes away: `nfd` for `infra-nfd`
    let part = typed.chars().count() >= 3 && (name.contains(&typed) || typed.contains(&name));
    (distance <= allowed || part).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::selection::testing::{diagnosis, hr, ks, rset};
    use proptest::prelude::*;

    #[test]
    fn kinds_are_named_as_kubectl_names_them() {
        for (word, kind) in [
            ("ks", GroupKind::KUSTOMIZATION),
            ("KS", GroupKind::KUSTOMIZATION),
            ("Kustomization", GroupKind::KUSTOMIZATION),
            ("kustomizations", GroupKind::KUSTOMIZATION),
            ("kustomizations.kustomize.toolkit.fluxcd.io", GroupKind::KUSTOMIZATION),
            ("kustomizations.v1.kustomize.toolkit.fluxcd.io", GroupKind::KUSTOMIZATION),
            ("hr", GroupKind::HELM_RELEASE),
            ("HelmReleases", GroupKind::HELM_RELEASE),
            ("rset", GroupKind::RESOURCE_SET),
            ("gitrepo", GroupKind::GIT_REPOSITORY),
            ("OCIRepository", GroupKind::OCI_REPOSITORY),
            ("hc", GroupKind::HELM_CHART),
        ] {
            assert_eq!(kind_from_word(word), Some(kind), "{word}");
        }
        for word in
            ["", "k", "deploy", "kustomization.kustomize.config.k8s.io", "ks.v.kustomize.toolkit.fluxcd.io"]
        {
            assert_eq!(kind_from_word(word), None, "{word}");
        }
    }

    #[test]
    fn a_namespace_without_anything_of_flux_is_no_good_answer() {
        let found = diagnosis([ks("media/plex"), ks("flux-system/apps").waits_for_missing("team/db")]);
        for namespace in ["media", "flux-system", "team"] {
            assert_eq!(require_namespace(&found, namespace), Ok(()), "{namespace}");
        }
        let slip = require_namespace(&found, "meida").unwrap_err();
        assert_eq!(slip.to_string(), "nothing of Flux in namespace meida");
        assert_eq!(slip.hint().as_deref(), Some("did you mean `media`?"));
        assert_eq!(require_namespace(&found, "monitoring").unwrap_err().hint(), None);
        let hidden = Diagnosis { complete: false, ..found };
        assert_eq!(require_namespace(&hidden, "meida"), Ok(()), "it may be out of sight");
    }

    #[test]
    fn a_name_of_another_namespace_is_offered_with_that_namespace() {
        let found = diagnosis([ks("team/app"), ks("apps/solo"), hr("apps/solo2")]);
        let hint = |text: &str, namespace| {
            resolve(&found, &text.parse().unwrap(), Some(namespace), None).unwrap_err().hint().unwrap()
        };
        assert_eq!(hint("solo", "team"), "did you mean `solo -n apps` or `hr/solo2 -n apps`?");
        let typed: ObjectArg = "ks/team/solo".parse().unwrap();
        let hint = resolve(&found, &typed, None, None).unwrap_err().hint().unwrap();
        assert_eq!(hint, "did you mean `ks/apps/solo` or `hr/apps/solo2`?");
    }

    fn find(text: &str, namespace: Option<&str>) -> Result<String, ObjectError> {
        let found = diagnosis([
            ks("a/apps"),
            ks("b/apps"),
            ks("a/infra-nfd"),
            ks("a/both"),
            hr("media/both"),
            hr("media/plex"),
            rset("media/plex"),
            rset("media/tenants"),
            ks("a/waits").waits_for_missing("a/gone"),
        ]);
        resolve(&found, &text.parse().unwrap(), namespace, None).map(|key| key.to_string())
    }

    #[test]
    fn a_bare_name_means_a_kustomization_before_a_helm_release() {
        assert_eq!(find("both", None).unwrap(), "Kustomization/a/both");
        assert_eq!(find("plex", None).unwrap(), "HelmRelease/media/plex");
        assert_eq!(find("hr/both", None).unwrap(), "HelmRelease/media/both");
        assert_eq!(find("resourceset/media/plex", None).unwrap(), "ResourceSet/media/plex");
        assert_eq!(find("both", Some("media")).unwrap(), "HelmRelease/media/both");
    }

    #[test]
    fn a_dependency_that_does_not_exist_can_be_asked_about() {
        assert_eq!(find("gone", None).unwrap(), "Kustomization/a/gone");
    }

    #[test]
    fn what_could_not_be_seen_is_out_of_sight_and_not_absent() {
        let mut found = diagnosis([ks("a/apps")]);
        found.coverage.cover(GroupKind::KUSTOMIZATION, "a");
        let error = |found: &Diagnosis, text: &str| {
            resolve(found, &text.parse().unwrap(), None, None).unwrap_err().to_string()
        };
        assert_eq!(error(&found, "ks/a/x"), "no Kustomization named `x` in namespace a");
        assert_eq!(error(&found, "ks/b/x"), "ks/b/x is out of sight: no list of kustomizations in b was read");
        found = found.warning(codes::FORBIDDEN, "Kustomization objects may be listed in a only", None);
        assert_eq!(error(&found, "ks/b/x"), "ks/b/x is out of sight: you may not list kustomizations in b");
        found.origin = OriginKind::Declared;
        assert_eq!(error(&found, "ks/b/x"), "no Kustomization named `x` in namespace b");
    }

    #[test]
    fn several_hits_are_listed() {
        let error = find("apps", None).unwrap_err();
        insta::assert_snapshot!(error, @"`apps` could be any of ks/a/apps, ks/b/apps");
        assert_eq!(find("apps", Some("b")).unwrap(), "Kustomization/b/apps");
        assert_eq!(find("ks/b/apps", None).unwrap(), "Kustomization/b/apps");
    }

    #[test]
    fn the_nearest_names_are_offered() {
        let hint = |text: &str| find(text, None).unwrap_err().hint();
        insta::assert_snapshot!(find("infra-nfdd", None).unwrap_err(), @"no Kustomization or HelmRelease named `infra-nfdd` in sight");
        assert_eq!(hint("infra-nfdd").as_deref(), Some("did you mean `infra-nfd`?"));
        assert_eq!(hint("nfd").as_deref(), Some("did you mean `infra-nfd`?"));
        assert_eq!(hint("tenants").as_deref(), Some("did you mean `rset/media/tenants`?"));
        assert_eq!(hint("hr/apps").as_deref(), Some("did you mean `ks/a/apps` or `ks/b/apps`?"));
        assert_eq!(hint("zzzzzzzz"), None);
    }

    #[test]
    fn a_namespace_that_contradicts_is_an_error() {
        insta::assert_snapshot!(find("ks/a/apps", Some("b")).unwrap_err(), @"`ks/a/apps` is not in namespace b");
        insta::assert_snapshot!(find("gitrepo/apps", None).unwrap_err(), @"gitrepo/apps has no place in the layers: status shows Kustomizations, HelmReleases and ResourceSets");
    }

    proptest! {
        #[test]
        fn what_is_spelt_finds_its_object(names in proptest::collection::vec("[a-c]/[a-c]", 1..8), i in 0usize..8) {
            let objects = names.iter().enumerate().map(|(n, name)| match n % 3 {
                0 => ks(name),
                1 => hr(name),
                _ => rset(name),
            });
            let found = diagnosis(objects);
            let key = found.objects.keys().nth(i % found.objects.len()).unwrap();
            let spelt: ObjectArg = spell(&found, key).parse().unwrap();
            prop_assert_eq!(&resolve(&found, &spelt, None, None).unwrap(), key);
        }
    }
}
