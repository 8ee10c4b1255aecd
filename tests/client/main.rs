//! The client against a scripted API server: the binary over loopback, in a home of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests may; helpers are no test functions to clippy
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start the binary, a server, and read files"
)]

mod ahead;
mod api;
mod cheap;
mod errors;
mod flags;
mod forty;
mod home;
mod marked;
mod pages;
mod proxies;
mod recorded;
mod rights;
mod secrets;
mod server;
mod snapshot;
mod tls;
mod versions;

use api::Api;
use server::Server;

/// A server that answers as this cluster would.
fn serve(api: Api) -> Server {
    Server::start(move |request| api.answer(request))
}
