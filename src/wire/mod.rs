//! From documents to a snapshot: what the Kubernetes API writes, read into the model.
//!
//! Pure. Documents come from a dump, the demo or a repository (`repo`, `demo`) or from an API server; what the
//! snapshot means is left to `diagnosis`.

mod age;
mod api;
mod builder;
pub mod codes;
mod convert;
mod list;
mod place;
mod reduced;
mod stated;
mod store;
mod times;

pub(crate) use convert::may_rename;

pub use builder::{Kept, SnapshotBuilder};
pub use list::{ListBuilder, ListHead};
pub use place::{Declared, Place};
pub use stated::Stated;
pub use store::{Change, Scope, Store};
