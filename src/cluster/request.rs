//! One GET: its time limit, its retries, and what each answer means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderName, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::Body;
use serde::Deserialize;

use super::connect::Cluster;
use super::error::ClusterError;

/// How often a busy server is asked in all.
const TRIES: u32 = 4;

/// First pause where a busy server names none; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

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
                Err(Refusal::Error(ClusterError::TimedOut { server, path, limit: timeout }))
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
                let answer = without_what_may_be_secret(status, path, answer);
                return self.judge(path, status, answer, tried);
            }
            tokio::time::sleep(pause_before_next(pause, tried)).await;
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
        Ok((head.status, pause, Answer { body: body.to_bytes().into(), time }))
    }

    /// Sends one GET and waits for the head of its answer.
    pub(super) async fn send(&self, path: &str, accept: &str) -> Result<Response<Body>, ClusterError> {
        let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty());
        let request = request.map_err(|error| ClusterError::Kubeconfig { reason: error.to_string() })?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let response = self.client.send(request).await;
        response
            .map_err(|error| ClusterError::from_client(&error, &self.server, &self.credentials, self.own_ca))
    }

    pub(super) fn cut_off(&self, path: &str, error: &dyn std::error::Error) -> ClusterError {
        let (server, path) = (self.server.clone(), path.to_owned());
        ClusterError::CutOff { server, path, reason: error.to_string() }
    }

    /// JSON that ends too early, or is none.
    pub(super) fn unreadable(&self, path: &str, error: &serde_json::Error) -> ClusterError {
        let server = self.server.clone();
        if error.is_eof() {
            return ClusterError::CutOff { server, path: path.to_owned(), reason: error.to_string() };
        }
        ClusterError::NotKubernetes { server, reason: format!("GET {path}: {error}") }
    }

    /// JSON that is not what was asked for; it must not pass for a list without items.
    pub(super) fn something_else(&self, path: &str, kind: &str) -> ClusterError {
        let what = if kind.is_empty() {
            "JSON that is no object of Kubernetes".to_owned()
        } else {
            format!("a {kind}")
        };
        ClusterError::NotKubernetes { server: self.server.clone(), reason: format!("GET {path} gave {what}") }
    }

    /// What an answer means that has come in whole.
    pub(super) fn judge(
        &self,
        path: &str,
        status: StatusCode,
        answer: Answer,
        tries: u32,
    ) -> Result<Answer, Refusal> {
        let (server, path) = (self.server.clone(), path.to_owned());
        let first = answer.body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        let said: Status = match status {
            StatusCode::OK => Status::default(),
            _ => serde_json::from_slice(&answer.body).unwrap_or_default(), // not JSON: told below
        };
        let is_status = said.kind == "Status";
        let html = first == Some(b'<');
        let what = || match first {
            Some(_) if is_status => said.message.clone(),
            Some(_) if html => "an HTML page".to_owned(),
            Some(_) => first_line(&answer.body),
            None => "no body".to_owned(),
        };
        match status {
            StatusCode::OK if first == Some(b'{') => Ok(answer),
            StatusCode::UNAUTHORIZED => Err(Refusal::Error(ClusterError::Unauthorized {
                server,
                path,
                credentials: self.credentials.clone(),
            })),
            StatusCode::FORBIDDEN if is_status => Err(Refusal::Forbidden(said.message)),
            // An absent kind or version answers in plain text, see testcluster: "404 page not found".
            StatusCode::NOT_FOUND if is_status || answer.body.starts_with(b"404 page not found") => {
                Err(Refusal::NotServed)
            }
            StatusCode::GONE if is_status => Err(Refusal::Expired),
            StatusCode::TOO_MANY_REQUESTS => Err(Refusal::Error(ClusterError::Busy { server, path, tries })),
            status if is_status || (status.is_server_error() && !html) => {
                let reason = what();
                Err(Refusal::Error(ClusterError::Server { server, path, status: status.as_u16(), reason }))
            }
            _ => {
                let reason = format!("HTTP {} with {}", status.as_u16(), what());
                Err(Refusal::Error(ClusterError::NotKubernetes { server, reason }))
            }
        }
    }
}

/// Of an answer where a Secret should be, and that is no object, nothing is quoted.
fn without_what_may_be_secret(status: StatusCode, path: &str, answer: Answer) -> Answer {
    let is_object = answer.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    match is_object || status != StatusCode::OK || !path.contains("/secrets") {
        true => answer,
        false => Answer { body: b"what is no Secret".to_vec(), ..answer },
    }
}

/// How long to wait after so many tries: as long as the server asks for, within reason.
fn pause_before_next(asked: Option<Duration>, tried: u32) -> Duration {
    let own = FIRST_PAUSE * 2u32.saturating_pow(tried.saturating_sub(1));
    asked.unwrap_or(own).min(LONGEST_PAUSE)
}

/// The beginning of a text that is no answer of an API server, to tell what it is.
fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    let line = text.trim_start().lines().next().unwrap_or_default();
    format!("`{}`", line.chars().take(100).collect::<String>().trim_end())
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What an answer says that it is.
pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    header_text(headers, &header::CONTENT_TYPE)
}

/// The server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(header_text(headers, &header::DATE)?).ok();
    time.map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_says_when_to_come_back_and_may_not_ask_for_too_much() {
        let pauses = |asked: Option<u64>| {
            [1, 2, 3].map(|tried| pause_before_next(asked.map(Duration::from_secs), tried).as_millis())
        };
        assert_eq!(pauses(None), [500, 1000, 2000]);
        assert_eq!(pauses(Some(1)), [1000, 1000, 1000]);
        assert_eq!(pauses(Some(0)), [0, 0, 0]);
        assert_eq!(pauses(Some(3600)), [5000, 5000, 5000]);
    }
}
