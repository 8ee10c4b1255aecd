//! What failures mean: one file a family, from a controller's words to the thing that has to change.
//!
//! A family gets one [`Failure`] and answers with [`Lead`]s: faults, or other Flux objects to walk into. Families
//! are pure and see one object at a time; what hits many (cycles, suspended dependencies) is the walk's business.

use super::cause::Fault;
use crate::model::{Node, ObjectKey, Snapshot};

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

pub(crate) mod dependency;

/// STUB
pub fn leads(failure: &Failure<'_>) -> Vec<Lead> {
    let _ = failure;
    Vec::new()
}

/// STUB
pub fn source_fault(source: &crate::model::Source, snapshot: &Snapshot) -> Fault {
    let _ = snapshot;
    Fault {
        object: source.key.clone(),
        code: crate::diagnosis::Code::SourceNotReady,
        subcode: None,
        summary: String::new(),
        evidence: Vec::new(),
        remedies: Vec::new(),
    }
}
