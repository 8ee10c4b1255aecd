//! One GET: its time limit, its retries, and what each answer means.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::Body;
use serde::Deserialize;

use super::connect::Cluster;
use super::error::ClusterError;

/// How often a busy server is asked in all.
const TRIES: usize = 4;

/// Longest pause that a busy server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A good answer.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    /// The server's clock, from its `Date` header.
    pub(super) time: Option<Timestamp>,
}

/// Answers that are no good one, and that the caller decides about.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 403, in the server's words.
    Forbidden(String),
    /// 404: the kind or its version is not served.
    NotServed,
    /// 410: a page has expired.
    Expired,
    /// Everything else is an error.
    Error(ClusterError),
}

/// The body of an answer that is no good one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: String,
}

impl Cluster {
    /// Asks for one path, with JSON or what `accept` says.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Answer, Refusal> {
        let asked = self.get_patiently(path, accept);
        match self.timeout {
            None => asked.await,
            Some(timeout) => tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| {
                let (server, path) = (self.server.clone(), path.to_owned());
                Err(Refusal::Error(ClusterError::TimedOut { server, path, seconds: timeout.as_secs() }))
            }),
        }
    }

    /// Repeats while the server is busy, as long as it asks for, within reason.
    async fn get_patiently(&self, path: &str, accept: &str) -> Result<Answer, Refusal> {
        let mut tried = 1;
        loop {
            let (status, pause, answer) = self.get_once(path, accept).await.map_err(Refusal::Error)?;
            let busy = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            );
            if !busy || tried == TRIES {
                return self.judge(status, answer, tried);
            }
            let pause =
                pause.unwrap_or(Duration::from_millis(250) * 2u32.pow(u32::try_from(tried).unwrap_or(1)));
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            tried += 1;
        }
    }

    async fn get_once(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<(StatusCode, Option<Duration>, Answer), ClusterError> {
        let (head, body) = self.send(path, accept).await?.into_parts();
        let pause = header_text(&head.headers, &header::RETRY_AFTER);
        let pause = pause.and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let time = date(&head.headers);
        let body = body.collect().await.map_err(|error| self.cut_off(path, &error))?;
        Ok((head.status, pause, Answer { body: body.to_bytes().to_vec(), time }))
    }

    /// Sends one GET and waits for the head of its answer.
    pub(super) async fn send(&self, path: &str, accept: &str) -> Result<Response<Body>, ClusterError> {
        let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty());
        let request = request.map_err(|error| ClusterError::Kubeconfig { reason: error.to_string() })?;
        let response = self.client.send(request).await;
        response.map_err(|error| ClusterError::from_client(&error, &self.server))
    }

    pub(super) fn cut_off(&self, path: &str, error: &dyn std::error::Error) -> ClusterError {
        let (server, path) = (self.server.clone(), path.to_owned());
        ClusterError::CutOff { server, path, reason: error.to_string() }
    }

    /// What an answer means that has come in whole.
    pub(super) fn judge(&self, status: StatusCode, answer: Answer, tries: usize) -> Result<Answer, Refusal> {
        let server = self.server.clone();
        let first = answer.body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        let said: Status = serde_json::from_slice(&answer.body).unwrap_or_default(); // not JSON: told below
        let foreign = || match first {
            Some(b'<') => "an HTML page".to_owned(),
            Some(b'{') if !said.kind.is_empty() => said.message.clone(),
            Some(_) => {
                format!("HTTP {status} and {} bytes that are no answer of Kubernetes", answer.body.len())
            }
            None => format!("HTTP {status} without a body"),
        };
        let is_status = said.kind == "Status";
        match status {
            StatusCode::OK if first == Some(b'{') => Ok(answer),
            StatusCode::UNAUTHORIZED => Err(Refusal::Error(ClusterError::Unauthorized {
                server,
                credentials: self.credentials.clone(),
            })),
            StatusCode::FORBIDDEN if is_status => Err(Refusal::Forbidden(said.message)),
            // An absent kind or version answers in plain text, see testcluster: "404 page not found".
            StatusCode::NOT_FOUND if is_status || answer.body.starts_with(b"404 page not found") => {
                Err(Refusal::NotServed)
            }
            StatusCode::GONE if is_status => Err(Refusal::Expired),
            StatusCode::TOO_MANY_REQUESTS => Err(Refusal::Error(ClusterError::Busy { server, tries })),
            status if status.is_server_error() => {
                let reason = foreign();
                Err(Refusal::Error(ClusterError::Server { server, status: status.as_u16(), reason }))
            }
            _ => Err(Refusal::Error(ClusterError::NotKubernetes { server, reason: foreign() })),
        }
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(header_text(headers, &header::DATE)?).ok();
    time.map(|time| time.timestamp())
}
