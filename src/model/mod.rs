//! What the tool knows: keys, objects, conditions, revisions, and the snapshot that holds them.
//!
//! Pure data with small questions about itself. How it was read is left to `cluster` and `repo`, what it means
//! to `diagnosis`.

mod condition;
mod declared;
mod duration;
mod evidence;
mod inventory;
mod key;
mod node;
mod revision;
mod snapshot;
mod source;

pub use condition::{Condition, ConditionStatus, Conditions};
pub use declared::{
    Broken, Build, Built, Commit, Declared, DeclaredFile, DeclaredObject, Entry, History, Joined, NoHistory,
    Range, Recipient, Sealed, SopsRule, Tree, is_inside,
};
pub use duration::parse_duration;
pub use evidence::{
    CONTROLLER_FLAGS, ContainerTrouble, Event, Evidence, FluxInstallation, Namespace, Pod, SecretKeys,
    Selector, Workload,
};
pub use inventory::{Inventory, InventoryEntry, format_id, parse_id};
pub use key::{GroupKind, ObjectKey};
pub use node::{
    At, Decryption, Dependency, HealthCheck, HealthCheckExpr, HelmAction, HelmReleaseSpec, HistoryEntry,
    KustomizationSpec, Meta, Node, NodeStatus, Overlay, Spec, SubstituteRef, ValuesRef,
};
pub use revision::Revision;
pub use snapshot::{Coverage, OriginKind, Presence, Snapshot, Warning};
pub use source::{Artifact, Source};
