//! What the plan is told.

use crate::model::{Node, ObjectKey, Snapshot, Source};

/// Something that was seen or has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// A Kustomization, HelmRelease or ResourceSet was added or has changed. Duplicates do no harm.
    Node(Box<Node>),
    /// A source, or something between a source and its users, was added or has changed.
    Source(Box<Source>),
    /// An object was deleted.
    Gone(ObjectKey),
    /// Everything was read anew, or is handed over as a whole: what is not in it is gone.
    World(Box<Snapshot>),
    /// The server has accepted a request.
    Asked {
        /// Which object.
        object: ObjectKey,
        /// The token of the request.
        token: String,
    },
    /// The server has refused a request for good. Conflicts, 429 and 5xx are tried again by whoever sends it, with the same
    /// token, as long as [`Plan::wants`](super::Plan::wants) says so.
    NotAsked {
        /// Which object.
        object: ObjectKey,
        /// The token of the request.
        token: String,
        /// Why not.
        why: Unasked,
    },
    /// Nothing but time has passed.
    Time,
    /// Watches are lost: nothing is asked and nobody's time runs until they are back.
    Lost,
    /// Watches go on; what was missed has been told.
    Resumed,
    /// The user wants to stop.
    Interrupted,
}

/// Why a request was refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// The user may not patch the object; the server's words.
    Forbidden(String),
    /// The object is gone.
    NotFound,
    /// Anything else, in words.
    Failed(String),
}
