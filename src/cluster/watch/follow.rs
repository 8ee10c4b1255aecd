//! Follows one list: watch, go on where the last event ended, list again when that is too long ago.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::Body;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::lines::Lines;
use crate::cluster::connect::Cluster;
use crate::cluster::error::{ClusterError, Unreachable};
use crate::cluster::fetch::{Reading, no_events};
use crate::cluster::list::{Listed, Outcome, Wanted};
use crate::cluster::request::{Answer, Refusal, content_type, date};
use crate::wire::{Scope, SnapshotBuilder};

/// After so many seconds the server ends a watch.
const WATCH_SECONDS: u64 = 290;

/// A watch that says nothing for so long, not even that nothing has changed (which servers say once a minute), is
/// opened again: the connection may have died in silence.
const LONGEST_SILENCE: Duration = Duration::from_secs(100);

/// How long the head of an answer may take where no limit was given.
const LONGEST_OPENING: Duration = Duration::from_secs(30);

/// A list that may be read and not watched is read so often.
const BETWEEN_LISTS: Duration = Duration::from_secs(30);

/// A watch that held for so long had no trouble.
const STEADY: Duration = Duration::from_secs(5);

/// After so many refusals in a row to go on with a watch, the list is read anew: the server may not know its version.
const REFUSALS: u32 = 3;

/// What is lost when nothing answers.
pub(super) const CONNECTION: &str = "connection";

/// What is lost when the server does not know us any more, or the credential plugin gives nothing.
pub(super) const LOGIN: &str = "login";

/// What those who follow have to tell.
pub(super) enum News {
    /// An object was added or has changed.
    Put(Scope, Value),
    /// An object was deleted, or left the list.
    Removed(Scope, Value),
    /// A list was read anew.
    Listed(Scope, Box<SnapshotBuilder>),
    /// The server told the time.
    Clock(Timestamp),
    /// A list (or, without a scope, everything) cannot be followed for now.
    Lost { scope: Option<Scope>, silent: Duration, what: String, failure: Failure, reason: String },
    /// It is followed again.
    Found(Option<Scope>),
    /// What was read at the beginning is no longer what there is to read.
    Outdated,
    /// Everything was read anew.
    Read(Box<Reading>),
}

impl News {
    pub(super) fn lost(scope: Option<Scope>, error: &ClusterError, silent: Duration) -> Self {
        let failure = Failure::of(error);
        let what = match (failure, &scope) {
            (Failure::Login, _) => LOGIN.to_owned(),
            (Failure::Answer, Some(scope)) => format!("watch of {} objects", scope.kind.kind),
            (Failure::Answer, None) => "sight of the cluster".to_owned(),
            _ => CONNECTION.to_owned(),
        };
        Self::Lost { scope, silent, what, failure, reason: error.to_string() }
    }
}

/// Ways to fail that call for different measures; the words of one may change from try to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing answers, or not in time.
    Away,
    /// The server's name has no address.
    Name,
    /// It cannot be trusted.
    Trust,
    /// The proxy gives no connection.
    Proxy,
    /// There is no valid login.
    Login,
    /// It answers, and not well.
    Answer,
}

impl Failure {
    fn of(error: &ClusterError) -> Self {
        match error {
            ClusterError::Unreachable { failure: Unreachable::Dns, .. } => Self::Name,
            ClusterError::Unreachable {
                failure:
                    Unreachable::Tls
                    | Unreachable::OtherHost
                    | Unreachable::Issuer { .. }
                    | Unreachable::Expired
                    | Unreachable::Plain,
                ..
            } => Self::Trust,
            ClusterError::Unreachable { .. } | ClusterError::TimedOut { .. } => Self::Away,
            ClusterError::Proxy { .. } => Self::Proxy,
            ClusterError::Unauthorized { .. } | ClusterError::CredentialPlugin { .. } => Self::Login,
            _ => Self::Answer,
        }
    }
}

/// Nobody listens any more, or there is nothing to tell.
struct Left;

/// How a watch ended.
enum End {
    /// By itself, by a lost connection, or in silence: nothing to tell of, if it can be opened again.
    Over,
    /// The version from which it should go on is too old.
    Expired,
    /// The server refused it.
    Refused(Refusal),
    /// It never began, or said what cannot be understood.
    Failed(ClusterError),
}

/// Pauses between tries: none before the first one, then longer and longer, up to ten seconds.
pub(super) struct Pause {
    next: Duration,
    revived: Arc<Notify>,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(10);

    pub(super) fn new(revived: Arc<Notify>) -> Self {
        Self { next: Duration::ZERO, revived }
    }

    /// Waits, but no longer than until somebody else has found the server.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            () = sleep(self.next) => {}
            () = self.revived.notified() => {}
        }
        self.next = (self.next * 2).clamp(Self::FIRST, Self::LONGEST);
    }

    fn reset(&mut self) {
        self.next = Duration::ZERO;
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    r#type: String,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// What a bookmark and a `Status` say.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Note {
    metadata: NoteMeta,
    code: u16,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NoteMeta {
    resource_version: String,
}

/// Follows one list.
pub(super) struct Follower {
    cluster: Cluster,
    wanted: Wanted,
    news: mpsc::Sender<News>,
    pause: Pause,
    heard: Instant,
    lost: bool,
    refusals: u32,
}

impl Follower {
    pub(super) fn new(cluster: Cluster, wanted: Wanted, news: mpsc::Sender<News>, pause: Pause) -> Self {
        Self { cluster, wanted, news, pause, heard: Instant::now(), lost: false, refusals: 0 }
    }

    /// Follows until nobody listens or there is nothing to follow, from a version of the list, else from a new list.
    pub(super) async fn run(mut self, mut version: Option<String>) {
        loop {
            let step = match version.take() {
                None => self.list().await.map(Some),
                Some(from) => self.go_on(from).await,
            };
            match step {
                Ok(reached) => version = reached,
                Err(Left) => return,
            }
        }
    }

    async fn tell(&self, news: News) -> Result<(), Left> {
        self.news.send(news).await.map_err(|_| Left)
    }

    async fn tell_lost(&mut self, error: &ClusterError) -> Result<(), Left> {
        self.lost = true;
        self.tell(News::lost(Some(self.wanted.scope()), error, self.heard.elapsed())).await
    }

    async fn tell_found(&mut self) -> Result<(), Left> {
        self.heard = Instant::now();
        if std::mem::take(&mut self.lost) {
            self.tell(News::Found(Some(self.wanted.scope()))).await?;
        }
        Ok(())
    }

    /// Reads the list, however long that takes, and gives the version to go on from.
    async fn list(&mut self) -> Result<String, Left> {
        loop {
            let Listed { outcome, time, .. } = match self.cluster.list(self.wanted.clone()).await {
                Ok(listed) => listed,
                Err(error) => {
                    self.tell_lost(&error).await?;
                    self.pause.wait().await;
                    continue;
                }
            };
            if let Some(time) = time {
                self.tell(News::Clock(time)).await?;
            }
            match outcome {
                Outcome::Items(items, version) => {
                    self.tell(News::Listed(self.wanted.scope(), items)).await?;
                    self.tell_found().await?;
                    return Ok(version);
                }
                // Events, and the controllers, are read where they may be read.
                Outcome::Forbidden(_) | Outcome::NotServed if self.wanted.is_evidence() => {
                    let none =
                        if self.wanted.kind.kind == "Event" { no_events() } else { SnapshotBuilder::new() };
                    self.tell(News::Listed(self.wanted.scope(), Box::new(none))).await?;
                    self.tell_found().await?;
                    return Err(Left);
                }
                Outcome::Forbidden(_) | Outcome::NotServed => {
                    self.tell(News::Outdated).await?;
                    return Err(Left); // another one follows what is read then
                }
            }
        }
    }

    /// Watches once, and gives the version to go on from; `None` where the list has to be read anew.
    async fn go_on(&mut self, from: String) -> Result<Option<String>, Left> {
        let began = Instant::now();
        let mut reached = from.clone();
        let end = self.watch(&mut reached).await?;
        if began.elapsed() > STEADY || reached != from {
            self.pause.reset();
            self.refusals = 0;
        }
        match end {
            End::Over => self.pause.wait().await,
            End::Expired | End::Refused(Refusal::Expired | Refusal::NotServed) => {
                self.pause.wait().await;
                return Ok(None);
            }
            End::Refused(Refusal::Forbidden(_)) => {
                sleep(BETWEEN_LISTS).await;
                return Ok(None);
            }
            End::Refused(Refusal::Error(error)) => {
                self.tell_lost(&error).await?;
                self.pause.wait().await;
                self.refusals += 1;
                if self.refusals.is_multiple_of(REFUSALS) {
                    return Ok(None);
                }
            }
            End::Failed(error) => {
                self.tell_lost(&error).await?;
                self.pause.wait().await;
            }
        }
        Ok(Some(reached))
    }

    /// Opens a watch and passes on what it tells, until it ends.
    async fn watch(&mut self, version: &mut String) -> Result<End, Left> {
        let mut how = format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}");
        if !version.is_empty() {
            how.push_str(&format!("&resourceVersion={version}"));
        }
        let path = self.wanted.address(&how);
        let mut body = match self.open(&path).await? {
            Ok(body) => body,
            Err(end) => return Ok(end),
        };
        self.tell_found().await?;
        let mut lines = Lines::default();
        loop {
            // Whatever of a line has come before a cut is dropped with `lines`: the next watch tells it again.
            let Ok(Some(Ok(frame))) = timeout(LONGEST_SILENCE, body.frame()).await else {
                return Ok(End::Over);
            };
            self.heard = Instant::now();
            lines.push(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            while let Some(line) = lines.next() {
                if let Err(end) = self.take(&line, version).await? {
                    return Ok(end);
                }
            }
        }
    }

    async fn open(&self, path: &str) -> Result<Result<Body, End>, Left> {
        let limit = self.cluster.timeout.unwrap_or(LONGEST_OPENING);
        let timed_out = || {
            let (server, path) = (self.cluster.server.clone(), path.to_owned());
            End::Failed(ClusterError::TimedOut { server, path, limit })
        };
        let response = match timeout(limit, self.cluster.send(path, "application/json")).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Ok(Err(End::Failed(error))),
            Err(_) => return Ok(Err(timed_out())),
        };
        let (head, body) = response.into_parts();
        let time = date(&head.headers);
        if let Some(time) = time {
            self.tell(News::Clock(time)).await?;
        }
        if head.status == StatusCode::OK {
            return Ok(match content_type(&head.headers).filter(|found| !found.contains("json")) {
                None => Ok(body),
                Some(found) => {
                    let reason = format!("GET {path} gave {found}");
                    let server = self.cluster.server.clone();
                    Err(End::Failed(ClusterError::NotKubernetes { server, reason }))
                }
            });
        }
        let body = match timeout(limit, body.collect()).await {
            Ok(Ok(body)) => body.to_bytes().to_vec(),
            Ok(Err(error)) => return Ok(Err(End::Failed(self.cluster.cut_off(path, &error)))),
            Err(_) => return Ok(Err(timed_out())),
        };
        Ok(Err(match self.cluster.judge(path, head.status, Answer { body, time }, 1) {
            Err(refusal) => End::Refused(refusal),
            Ok(_) => End::Over, // a good answer has status 200, and is streamed above
        }))
    }

    /// Takes one line of a watch; the version moves on once the event has been handed over.
    async fn take(&self, line: &[u8], version: &mut String) -> Result<Result<(), End>, Left> {
        let foreign = |error: serde_json::Error| {
            let reason = format!("a watch of {} objects says: {error}", self.wanted.kind.kind);
            End::Failed(ClusterError::NotKubernetes { server: self.cluster.server.clone(), reason })
        };
        let event: Event<'_> = match serde_json::from_slice(line) {
            Ok(event) => event,
            Err(error) => return Ok(Err(foreign(error))),
        };
        if !matches!(event.r#type.as_str(), "ADDED" | "MODIFIED" | "DELETED") {
            let note: Note = match serde_json::from_str(event.object.get()) {
                Ok(note) => note,
                Err(error) => return Ok(Err(foreign(error))),
            };
            return Ok(match event.r#type.as_str() {
                "ERROR" if note.code == 410 => Err(End::Expired),
                "ERROR" => Err(End::Refused(Refusal::Error(ClusterError::Server {
                    server: self.cluster.server.clone(),
                    path: self.wanted.address("watch=true"),
                    status: note.code,
                    reason: note.message,
                }))),
                _ => {
                    advance(version, &note.metadata.resource_version);
                    Ok(())
                }
            });
        }
        let object: Value = match serde_json::from_str(event.object.get()) {
            Ok(object) => object,
            Err(error) => return Ok(Err(foreign(error))),
        };
        let reached = object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let (scope, object) = (self.wanted.scope(), self.wanted.named(object));
        self.tell(match event.r#type.as_str() {
            "DELETED" => News::Removed(scope, object),
            _ => News::Put(scope, object),
        })
        .await?;
        advance(version, &reached);
        Ok(Ok(()))
    }
}

/// An event without a version does not lose the one that was reached.
fn advance(version: &mut String, reached: &str) {
    if !reached.is_empty() {
        reached.clone_into(version);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use serde_json::json;

    use super::*;
    use crate::cluster::ahead::Ahead;
    use crate::cluster::error::Credentials;
    use crate::model::GroupKind;

    /// A cluster whose every watch tells of one change, and ends.
    fn hasty() -> Cluster {
        let version = AtomicU64::new(1);
        let service = tower::service_fn(move |_| {
            let version = version.fetch_add(1, Ordering::SeqCst) + 1;
            let object =
                json!({"metadata": {"name": "a", "namespace": "b", "resourceVersion": version.to_string()}});
            let line = format!("{}\n", json!({"type": "MODIFIED", "object": object}));
            let body = http_body_util::Full::from(line);
            async move { Ok::<_, std::convert::Infallible>(http::Response::new(body)) }
        });
        Cluster {
            client: kube::Client::new(service, "default"),
            ahead: Ahead::default(),
            server: "http://127.0.0.1:1".to_owned(),
            credentials: Credentials::None,
            own_ca: false,
            label: String::new(),
            namespace: "default".to_owned(),
            timeout: None,
            keeps: false,
            asked: Arc::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_got_on_is_opened_again_at_once() {
        let (sender, mut news) = mpsc::channel(1);
        let wanted = Wanted::everywhere(GroupKind::KUSTOMIZATION, vec!["v1".to_owned()], "kustomizations");
        let pause = Pause::new(Arc::new(Notify::new()));
        let follower = Follower::new(hasty(), wanted, sender, pause);
        let (began, following) = (Instant::now(), tokio::spawn(follower.run(Some("1".to_owned()))));
        for _ in 0..10 {
            assert!(matches!(news.recv().await, Some(News::Put(..))));
        }
        assert_eq!(began.elapsed(), Duration::ZERO, "by a clock that moves only while all wait");
        following.abort();
    }
}
