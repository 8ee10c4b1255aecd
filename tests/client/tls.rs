//! Certificates that are made for one test.

use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// A server's side of TLS for 127.0.0.1, and its certificate as PEM.
pub(crate) fn self_signed() -> (ServerConfig, String) {
    self_signed_for("127.0.0.1")
}

/// The same for another host.
pub(crate) fn self_signed_for(host: &str) -> (ServerConfig, String) {
    let server = certificate(host);
    let pem = server.cert.pem();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let (chain, key) = (vec![server.cert.der().clone()], key(&server));
    (config.with_no_client_auth().with_single_cert(chain, key).unwrap(), pem)
}

/// The same for a server that takes no one but who shows a certificate; this one and its key come as PEM, too.
pub(crate) fn asks_for_a_certificate() -> (ServerConfig, String, [String; 2]) {
    let (server, client) = (certificate("127.0.0.1"), certificate("client"));
    let (pem, shown) = (server.cert.pem(), [client.cert.pem(), client.signing_key.serialize_pem()]);
    let mut roots = RootCertStore::empty();
    roots.add(client.cert.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let (chain, key) = (vec![server.cert.der().clone()], key(&server));
    (config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap(), pem, shown)
}

fn certificate(name: &str) -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec![name.to_owned()]).unwrap()
}

fn key(certified: &CertifiedKey<KeyPair>) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap()
}
