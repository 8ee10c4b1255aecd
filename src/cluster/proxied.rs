//! Connections through a proxy: what goes wrong on the way to it, or in it, is told as its own.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use tower::{BoxError, Service};

use super::proxy::Proxy;

/// No connection through a proxy; says how, and never with which login.
#[derive(Debug, thiserror::Error)]
#[error("proxy {proxy} of {origin}: {reason}")]
pub(super) struct ProxyError {
    pub(super) proxy: String,
    pub(super) origin: super::proxy::Origin,
    pub(super) reason: String,
    /// Whether it wants another login.
    pub(super) login: bool,
}

/// A connector that goes through a proxy.
#[derive(Clone)]
pub(super) struct Proxied<C> {
    inner: C,
    proxy: Arc<Proxy>,
    limit: Option<Duration>,
}

impl<C> Proxied<C> {
    /// Wraps a connector that knows the way through; `limit` is for all of that.
    pub(super) fn new(inner: C, proxy: Arc<Proxy>, limit: Option<Duration>) -> Self {
        Self { inner, proxy, limit }
    }
}

impl<C> Service<Uri> for Proxied<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Response: Send + 'static,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = ProxyError;
    type Future = BoxFuture<'static, Result<C::Response, ProxyError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        let proxy = &self.proxy;
        self.inner.poll_ready(context).map_err(|error| told(proxy, &*error.into()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let (proxy, limit) = (self.proxy.clone(), self.limit);
        let connecting = self.inner.call(with_port(server));
        Box::pin(async move {
            let connected = match limit {
                None => connecting.await,
                Some(limit) => tokio::time::timeout(limit, connecting).await.map_err(|_| {
                    let reason = format!("no connection within {limit:?}");
                    ProxyError { reason, ..silent(&proxy) }
                })?,
            };
            connected.map_err(|error| told(&proxy, &*error.into()))
        })
    }
}

fn silent(proxy: &Proxy) -> ProxyError {
    ProxyError { proxy: proxy.to_string(), origin: proxy.origin, reason: String::new(), login: false }
}

fn told(proxy: &Proxy, error: &(dyn Error + 'static)) -> ProxyError {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let refused = deepest.downcast_ref::<io::Error>().map(io::Error::kind);
    let words = deepest.to_string();
    let login = words.contains("authorization required") || words.contains("credentials");
    let reason = match words.as_str() {
        _ if refused == Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        _ if login => "it wants a login (407)".to_owned(),
        // hyper-util's words for every status but 200 and 407
        "tunnel error: unsuccessful" => "it opens no connection to the server (CONNECT was refused)".to_owned(),
        "tunnel error: unexpected end of file" => "it hung up".to_owned(),
        words => words.to_owned(),
    };
    ProxyError { reason, login, ..silent(proxy) }
}

/// A proxy has to be told the port, even where a URL leaves it to its scheme.
fn with_port(server: Uri) -> Uri {
    if server.port().is_some() {
        return server;
    }
    let (Some(scheme), Some(host)) = (server.scheme_str(), server.host()) else { return server };
    let port = if scheme == "http" { 80 } else { 443 };
    format!("{scheme}://{host}:{port}/").parse().unwrap_or(server)
}
