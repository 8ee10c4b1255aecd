//! From a configuration to an HTTP client.

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt as _;
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

use super::ahead::{Ahead, Connector};

/// Makes the client; a credential plugin runs once.
///
/// kube's own way runs it three times, and leaves Nagle's algorithm on, which holds the first request on each TLS
/// connection back for a round trip. Proxies are its business all the same; to them nothing is opened ahead.
pub(super) fn client(config: Config) -> Result<(Client, Ahead), kube::Error> {
    if config.proxy_url.is_some() {
        return Ok((Client::try_from(config)?, Ahead::default()));
    }
    let login = config.auth_layer()?;
    let mut tls = config.clone();
    if login.is_some() {
        tls.auth_info.exec = None; // it gave a token: there is no certificate to ask it for
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(config.connect_timeout);
    let (connector, ahead) = Connector::new(tls.rustls_https_connector_with_connector(tcp)?);
    let http: legacy::Client<_, kube::client::Body> =
        legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(login)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok((Client::new(service, config.default_namespace), ahead))
}
