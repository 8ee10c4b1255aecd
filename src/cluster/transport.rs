//! From a configuration to an HTTP client.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt as _;
use kube::{Client, Config};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

use super::ahead::{Ahead, Connector};
use super::login::{Login, LoginLayer};
use super::proxied::Proxied;
use super::proxy::{Protocol, Proxy};

/// Makes the client.
///
/// kube's own way leaves Nagle's algorithm on, which holds the first request on each TLS connection back for a round
/// trip, and blames the server for what its proxy does. A credential plugin is `login`; its command must not be in the
/// configuration any more.
pub(super) fn client(
    config: Config,
    proxy: Option<Proxy>,
    login: Option<Arc<Login>>,
) -> Result<(Client, Ahead), kube::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(config.connect_timeout);
    let Some(proxy) = proxy.map(Arc::new) else { return stack(config, tcp, login) };
    let limit = config.connect_timeout;
    match proxy.protocol {
        Protocol::Http => {
            let tunnel = tunnel(&proxy, tcp)?;
            stack(config, Proxied::new(tunnel, proxy, limit), login)
        }
        Protocol::Https => {
            let mut own = config.clone();
            own.tls_server_name = None; // that of the server
            let tunnel = tunnel(&proxy, own.rustls_https_connector_with_connector(tcp)?)?;
            stack(config, Proxied::new(tunnel, proxy, limit), login)
        }
        Protocol::Socks => {
            let mut socks = SocksV5::new(proxy.uri.clone(), tcp);
            if let Some((user, password)) = proxy.login.clone() {
                socks = socks.with_auth(user, password);
            }
            stack(config, Proxied::new(socks, proxy, limit), login)
        }
    }
}

fn tunnel<C>(proxy: &Proxy, connector: C) -> Result<Tunnel<C>, kube::Error> {
    let tunnel = Tunnel::new(proxy.uri.clone(), connector);
    let Some((user, password)) = &proxy.login else { return Ok(tunnel) };
    let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    Ok(tunnel.with_auth(value.map_err(|error| kube::Error::HttpError(error.into()))?))
}

/// All that stands between a request and the connection.
fn stack<C>(config: Config, connector: C, login: Option<Arc<Login>>) -> Result<(Client, Ahead), kube::Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let (connector, ahead) = Connector::new(config.rustls_https_connector_with_connector(connector)?);
    let http: legacy::Client<_, kube::client::Body> =
        legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(config.auth_layer()?)
        .option_layer(login.map(LoginLayer))
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok((Client::new(service, config.default_namespace), ahead))
}
