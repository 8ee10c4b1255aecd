//! An admission webhook over HTTPS that says no.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;

/// Where the webhook answers. It lives as long as the runtime.
pub(crate) struct Webhook {
    pub(crate) url: String,
    /// Its certificate, as `caBundle` wants it.
    pub(crate) ca_bundle: String,
}

impl Webhook {
    /// Starts one that refuses whatever it is asked about, with these words.
    pub(crate) fn denies(runtime: &Handle, words: &'static str) -> Result<Webhook> {
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let url = format!("https://{}/validate", listener.local_addr()?);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Who hangs up, or trusts another certificate, learns that on the other side.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let answer =
                        service_fn(|request| async move { Ok::<_, Infallible>(deny(request, words).await) });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        Ok(Webhook { url, ca_bundle: STANDARD.encode(certified.cert.pem()) })
    }
}

async fn deny(request: Request<Incoming>, words: &str) -> Response<Full<Bytes>> {
    let uid = async {
        let body = request.into_body().collect().await?.to_bytes();
        let review: Value = serde_json::from_slice(&body)?;
        review["request"]["uid"].as_str().map(str::to_owned).ok_or_else(|| anyhow!("no uid"))
    };
    let response = match uid.await {
        Ok(uid) => {
            json!({"uid": uid, "allowed": false, "status": {"code": 403, "reason": "Forbidden", "message": words}})
        }
        Err(error) => json!({"uid": "", "allowed": false, "status": {"message": error.to_string()}}),
    };
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    let mut answer = Response::new(Full::new(Bytes::from(review.to_string())));
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}
