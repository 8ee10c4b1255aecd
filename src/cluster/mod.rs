//! The live cluster: kube in, [`Snapshot`](crate::model::Snapshot) out.
//!
//! Reads, and as little as the answer needs: the served versions once, then every kind at the same time, then
//! Events where something fails; and follows all of it where it is watched. What the user may not see becomes a warning and an incomplete snapshot, not an error.
//! `ask` alone writes: the annotations that ask a controller to run.

mod ahead;
mod ask;
mod closer;
mod connect;
mod discovery;
mod error;
mod fetch;
mod list;
mod login;
mod plugin;
mod proxied;
mod proxy;
mod request;
mod transport;
mod versions;
mod watch;

pub use ask::{AskError, Asker, Wish};
pub use connect::{Cluster, ConnectArgs};
pub use error::{ClusterError, Credentials, Unreachable};
pub use proxy::Origin as ProxyOrigin;
pub use watch::{Changed, Failure, Trouble, Watch};
