//! What failures mean: one file a family, from a controller's words to the thing that has to change.
//!
//! A family gets one [`Failure`] and answers with [`Lead`]s: faults, or other Flux objects to walk into. Families
//! are pure and see one object at a time; what hits many (cycles, suspended dependencies) is the walk's business.
//!
//! # Adding a code
//!
//! A family is a function `fn(&Failure<'_>) -> Vec<Lead>` that returns nothing when the failure is none of its
//! own; [`leads`] asks them from the most specific to the most general, and the last two take everything.
//!
//! 1. Find the file whose family knows the controller's words, or add one and its line in `FAMILIES`.
//! 2. Recognise the words by splitting them with the helpers of `words.rs`, never by one loose pattern: a text
//!    that does not fit must fall through to the next family.
//! 3. Build the answer with [`fault`]: the object that has to change, one sentence for a tired person, the
//!    controller's words as evidence, and commands that were tried. No value of a Secret, ever.
//! 4. Add the words of a real controller to the tests of that file and to the table in `tests.rs`, which fails
//!    when a code of the catalogue is never reached.

use super::cause::{Code, Fault, Quote, Remedy};
use crate::model::{ConditionStatus, GroupKind, Node, ObjectKey, Presence, Snapshot};

mod access;
pub(crate) mod ahead;
mod answer;
mod apply;
mod artifact;
mod build;
mod cluster;
pub(crate) mod declared;
pub(crate) mod dependency;
mod expression;
mod health;
mod helm;
mod helm_early;
pub(super) mod helm_wait;
pub(crate) mod runs;
mod served;
mod sops;
mod sops_keys;
mod source;
mod words;
pub(super) mod workload;

#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;

pub use source::source_fault;

/// One failure that a controller has written down, as a condition or (while it retries) as an Event.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The object that failed.
    pub node: &'a Node,
    /// Reason of its Ready condition, such as `BuildFailed`.
    pub reason: &'a str,
    /// The controller's words.
    pub message: &'a str,
    /// Everything else in sight.
    pub snapshot: &'a Snapshot,
}

/// Where a failure leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// To something that has to change.
    Fault(Fault),
    /// To another Kustomization, HelmRelease, ResourceSet or source, whose own causes count.
    Walk(ObjectKey),
}

impl From<Fault> for Lead {
    fn from(fault: Fault) -> Self {
        Lead::Fault(fault)
    }
}

type Family = fn(&Failure<'_>) -> Vec<Lead>;

/// The most specific first: a family may rely on it that those before it have passed.
const FAMILIES: [Family; 9] = [
    expression::leads,
    access::leads,
    artifact::leads,
    cluster::leads,
    sops::leads,
    build::leads,
    health::leads,
    helm::leads,  // everything that a HelmRelease can write
    apply::leads, // everything
];

/// What a failure of a Kustomization, HelmRelease or ResourceSet comes down to; never empty, ordered as the
/// controller names things.
///
/// Dependencies and sources that are not there, not ready or suspended are left to the walk.
pub fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let found = FAMILIES.iter().map(|family| family(failure)).find(|leads| !leads.is_empty());
    found.unwrap_or_else(|| vec![apply::fallback(failure).into()])
}

/// A fault with neither evidence nor remedies yet; its summary is made fit to be shown.
pub fn fault(object: ObjectKey, code: Code, subcode: Option<&'static str>, summary: impl AsRef<str>) -> Fault {
    let summary = words::summary(summary.as_ref());
    Fault { object, code, subcode, summary, evidence: Vec::new(), remedies: Vec::new(), shared: None }
}

/// At most so many remedies are shown: who reads more is not in a hurry.
const REMEDIES: usize = 3;

impl Fault {
    /// Adds one thing that was seen.
    #[must_use]
    pub fn seen(mut self, quote: Quote) -> Self {
        if !quote.text.is_empty() && !self.evidence.contains(&quote) {
            self.evidence.push(quote);
        }
        self
    }

    /// Names what the fault comes down to, and others may have in common with it.
    #[must_use]
    pub fn comes_of(mut self, shared: &ObjectKey) -> Self {
        self.shared = Some(shared.clone());
        self
    }

    /// Adds one thing to do, with the command for it where there is one that is certainly right. A command that is
    /// there already, and whatever comes fourth, is left out.
    #[must_use]
    pub fn remedy(mut self, text: impl AsRef<str>, command: Option<String>) -> Self {
        let told = command.is_some() && self.remedies.iter().any(|remedy| remedy.command == command);
        if self.remedies.len() < REMEDIES && !told {
            self.remedies.push(Remedy { text: words::summary(text.as_ref()), command });
        }
        self
    }
}

/// A quotation: one bounded line, paths as in the repository, nothing secret.
pub fn quote(source: &'static str, text: &str) -> Quote {
    Quote::new(source, words::readable(text))
}

/// A command, its `{}` filled in; `None` when a name is too odd to be typed safely.
pub fn command(template: &str, arguments: &[&str]) -> Option<String> {
    words::command(template, arguments)
}

/// Names, the first three of many.
pub(crate) fn some(names: &[String]) -> String {
    words::list(names)
}

/// A public key by its ends, `age1q8f…x3kd`.
pub(crate) fn short_recipient(recipient: &str) -> String {
    words::short_recipient(recipient)
}

/// `kubectl describe` of an object.
pub fn describe(key: &ObjectKey) -> Option<String> {
    kubectl("describe", key)
}

/// `kubectl <verb>` of an object, its namespace and group included.
pub fn kubectl(verb: &str, key: &ObjectKey) -> Option<String> {
    let kind = key.kind.kind.to_lowercase();
    let resource = match &*key.kind.group {
        "" | "apps" | "batch" => kind,
        group => format!("{kind}.{group}"),
    };
    match key.namespace.as_str() {
        "" => command("kubectl {} {} {}", &[verb, &resource, &key.name]),
        namespace => command("kubectl -n {} {} {} {}", &[namespace, verb, &resource, &key.name]),
    }
}

/// `flux reconcile` of a Kustomization or HelmRelease with its source, or of a source; `None` for other kinds.
pub fn reconcile(key: &ObjectKey) -> Option<String> {
    match flux_name(&key.kind)? {
        name @ ("kustomization" | "helmrelease") => {
            command("flux reconcile {} {} -n {} --with-source", &[name, &key.name, &key.namespace])
        }
        name => {
            let words: Vec<&str> = name.split(' ').chain([key.name.as_str(), key.namespace.as_str()]).collect();
            command("flux reconcile {} {} {} -n {}", &words)
        }
    }
}

/// `flux resume` of an object; `None` for kinds that flux does not suspend.
pub fn resume(key: &ObjectKey) -> Option<String> {
    let words: Vec<&str> =
        flux_name(&key.kind)?.split(' ').chain([key.name.as_str(), key.namespace.as_str()]).collect();
    match words.len() {
        3 => command("flux resume {} {} -n {}", &words),
        _ => command("flux resume {} {} {} -n {}", &words),
    }
}

/// What `flux suspend`, `resume` and `reconcile` call a kind.
fn flux_name(kind: &GroupKind) -> Option<&'static str> {
    Some(match kind {
        kind if *kind == GroupKind::KUSTOMIZATION => "kustomization",
        kind if *kind == GroupKind::HELM_RELEASE => "helmrelease",
        kind if *kind == GroupKind::GIT_REPOSITORY => "source git",
        kind if *kind == GroupKind::OCI_REPOSITORY => "source oci",
        kind if *kind == GroupKind::BUCKET => "source bucket",
        kind if *kind == GroupKind::HELM_REPOSITORY => "source helm",
        kind if *kind == GroupKind::HELM_CHART => "source chart",
        _ => return None,
    })
}

impl Failure<'_> {
    /// The controller's words as evidence: a condition where they stand in one, else an event.
    fn said(&self) -> Quote {
        self.said_in("Ready")
    }

    fn said_in(&self, condition: &str) -> Quote {
        let words = if self.reason.is_empty() {
            self.message.to_owned()
        } else {
            format!("{}: {}", self.reason, self.message)
        };
        let found = self.node.status.conditions.get(condition);
        match found.filter(|found| found.status != ConditionStatus::True && found.message == self.message) {
            Some(found) => Quote { time: found.since, ..quote("condition", &words) },
            None => {
                let events = self.snapshot.evidence.events.get(&self.node.key);
                let same = |message: &str| message.trim_end() == self.message.trim_end();
                let time = events.and_then(|events| events.iter().rev().find(|event| same(&event.message)));
                let source = if time.is_some() { "event" } else { "condition" };
                Quote { time: time.and_then(|event| event.last), ..quote(source, &words) }
            }
        }
    }

    /// A command that acts on the cluster to which the object applies; `None` where that is another one than
    /// kubectl's.
    fn there(&self, command: Option<String>) -> Option<String> {
        command.filter(|_| !self.node.remote)
    }

    /// Whether an object of the cluster to which the object applies is there; hidden for a remote one.
    fn presence(&self, key: &ObjectKey) -> Presence {
        if self.node.remote { Presence::Hidden } else { self.snapshot.presence(key) }
    }

    /// ` on the remote cluster`, where the objects live on one.
    fn place(&self) -> &'static str {
        if self.node.remote { " on the remote cluster" } else { "" }
    }
}

/// Kind and name as people say it: `Secret flux-system/sops-age`.
pub(crate) fn called(key: &ObjectKey) -> String {
    format!("{} {}", key.kind.kind, key.namespaced_name())
}
