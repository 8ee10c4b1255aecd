//! Where Flux fetches from: Git repositories by `git http-backend`, one part of them behind a password, Helm charts as
//! files, and a page that says that there is nothing.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::runtime::Handle;

/// Who may read what lies under `/private/`.
pub(crate) const USER: &str = "flux";
/// The password of [`USER`].
pub(crate) const PASSWORD: &str = "only-for-this-test";

/// The server. It lives as long as the runtime.
pub(crate) struct Forge {
    root: PathBuf,
    address: SocketAddr,
}

impl Forge {
    /// Serves `root/git/*.git` as `/git/…` and `/private/…`, `root/charts` as `/charts/…`.
    pub(crate) fn start(root: &Path, runtime: &Handle) -> Result<Forge> {
        for folder in ["git", "charts"] {
            std::fs::create_dir_all(root.join(folder))?;
        }
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(root.to_owned());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let root = shared.clone();
                tokio::spawn(async move {
                    let answer = service_fn(|request| {
                        let root = root.clone();
                        async move { Ok::<_, Infallible>(answer(&root, request).await) }
                    });
                    // A client that hangs up is its own affair.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        Ok(Forge { root: root.to_owned(), address })
    }

    /// Where it listens: `127.0.0.1:port`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The folder of its files.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

type Answer = Response<Full<Bytes>>;

fn plain(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    if let Ok(kind) = HeaderValue::from_str(kind) {
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    answer
}

async fn answer(root: &Path, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let outcome = if let Some(rest) = path.strip_prefix("/git/") {
        git(root, rest, request).await
    } else if let Some(rest) = path.strip_prefix("/private/") {
        if !is_let_in(&request) {
            let mut answer = plain(StatusCode::UNAUTHORIZED, "text/plain", "who are you?");
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"private\""));
            return answer;
        }
        git(root, rest, request).await
    } else if let Some(rest) = path.strip_prefix("/charts/") {
        Ok(file(&root.join("charts"), rest))
    } else {
        Ok(plain(StatusCode::NOT_FOUND, "text/html", "<!DOCTYPE html><html><body>Nothing here</body></html>"))
    };
    outcome.unwrap_or_else(|error| plain(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("{error:#}")))
}

fn is_let_in(request: &Request<Incoming>) -> bool {
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value == format!("Basic {expected}"))
}

fn file(folder: &Path, name: &str) -> Answer {
    let missing = || plain(StatusCode::NOT_FOUND, "text/plain", "not found");
    if name.split('/').any(|part| part == "..") {
        return missing();
    }
    std::fs::read(folder.join(name))
        .map_or_else(|_| missing(), |bytes| plain(StatusCode::OK, "application/octet-stream", bytes))
}

/// One request to `git http-backend`, by the rules of CGI.
async fn git(root: &Path, rest: &str, request: Request<Incoming>) -> Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |name: HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root.join("git"))
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", format!("/{rest}"))
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("git http-backend")?;
    let mut input = backend.stdin.take().context("no stdin")?;
    let feed = async move {
        let _ = input.write_all(&body).await; // it may have read enough
    };
    let (output, ()) = tokio::join!(backend.wait_with_output(), feed);
    from_cgi(&output?.stdout)
}

fn from_cgi(output: &[u8]) -> Result<Answer> {
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("no end of headers")?;
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(&output[end + 4..])));
    for line in std::str::from_utf8(&output[..end])?.lines() {
        let (name, value) = line.split_once(':').context("no header")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            *answer.status_mut() = value.split(' ').next().unwrap_or_default().parse()?;
        } else {
            answer.headers_mut().insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
    Ok(answer)
}
