//! From documents to a snapshot: what the Kubernetes API writes, read into the model.
//!
//! Pure. Documents come from a dump, the demo or a repository (`repo`, `demo`) or from an API server; what the
//! snapshot means is left to `diagnosis`.

mod age;
mod api;
mod builder;
mod convert;
mod list;
mod reduced;
mod stated;
mod store;
mod times;

pub(crate) use convert::may_rename;

pub use builder::{Declared, Kept, Place, SnapshotBuilder, codes};
pub use list::{ListBuilder, ListHead};
pub use stated::Stated;
pub use store::{Change, Scope, Store};
