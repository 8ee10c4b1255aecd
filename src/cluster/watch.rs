//! A cluster that is followed: one watch for each list, all of them feeding one [`Store`].
//!
//! Own code rather than kube's `runtime::watcher`, for what that cannot do here: it lists by itself, so that every list
//! would be fetched twice and none of them with our versions, namespaces and errors; one object that it cannot decode
//! ends the stream, where we keep the object with a warning; it wants kube's `ObjectMeta` in every object, which costs
//! more memory than all that is kept here; and it never notices a connection that has died in silence.
//!
//! Every watch goes on where its list or its last event ended. When that is too long ago, the list is read anew and
//! replaces what was known. A kind that comes or goes, or rights that change, have everything read anew.

mod follow;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use self::follow::Failure;
use self::follow::{Follower, News, Pause};
use super::ask::Asker;
use super::connect::Cluster;
use super::discovery::Served;
use super::error::ClusterError;
use super::fetch::{Reading, referred, referred_by};
use super::list::Wanted;
use crate::model::{Node, Snapshot};
use crate::wire::{Change, Place, Scope, Store};

/// News that wait to be taken in. Few: a list that is read anew is large.
const WAITING_NEWS: usize = 8;

/// How often the cluster is asked whether it serves other kinds by now.
const BETWEEN_SURVEYS: Duration = Duration::from_secs(300);

/// Everything is read anew no more often than this.
const BETWEEN_READINGS: Duration = Duration::from_secs(10);

/// A cluster that is followed; dropping it ends all watches.
pub struct Watch {
    cluster: Cluster,
    /// Where to look first when the whole cluster may not be read.
    namespaces: Vec<String>,
    /// A moment that was given instead of the server's clock.
    fixed: Option<Timestamp>,
    clock: Clock,
    store: Store,
    served: Served,
    tried: Option<BTreeSet<String>>,
    /// Where Events are, for when something needs them.
    events: Vec<Wanted>,
    /// The lists that are followed.
    followed: BTreeSet<Scope>,
    troubles: BTreeMap<Option<Scope>, Trouble>,
    sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    tasks: JoinSet<()>,
    /// Tells those that wait for the server that it is back.
    revived: Arc<Notify>,
    began: Instant,
    /// Everything is being read anew.
    rereading: bool,
}

/// Why a part of the picture may be old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The server's time when it was last heard of.
    pub since: Timestamp,
    /// What is lost, for people: `connection`, `login`, or the kind that cannot be followed.
    pub what: String,
    /// In which way.
    pub failure: Failure,
    /// How it fails.
    pub reason: String,
}

/// What a wait has brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// One object.
    Object(Change),
    /// A list was read anew: see [`Watch::snapshot`].
    Everything,
    /// No object that is judged; perhaps the clock, the connection, or an Event.
    Nothing,
}

impl From<Option<Change>> for Changed {
    fn from(change: Option<Change>) -> Self {
        change.map_or(Self::Nothing, Self::Object)
    }
}

/// The server's clock, told by one of its answers.
#[derive(Clone, Copy, Debug)]
struct Clock {
    told: Timestamp,
    at: Instant,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "a server that tells no time leaves only our own clock")]
    fn new(told: Option<Timestamp>) -> Self {
        Self { told: told.unwrap_or_else(Timestamp::now), at: Instant::now() }
    }

    /// Answers tell whole seconds, and take a while: only more than that sets the clock.
    fn hear(&mut self, told: Timestamp) {
        if told.duration_since(self.now()).abs() > SignedDuration::from_secs(2) {
            *self = Self::new(Some(told));
        }
    }

    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.at.elapsed()).unwrap_or(SignedDuration::MAX);
        self.told.saturating_add(passed).unwrap_or(self.told) // fails for calendar units only
    }
}

impl Cluster {
    /// Reads everything once, as [`Cluster::snapshot`] does, and follows it from there.
    pub async fn watch(&self, namespaces: &[String], now: Option<Timestamp>) -> Result<Watch, ClusterError> {
        let reading = self.read(namespaces).await?;
        let (sender, news) = mpsc::channel(WAITING_NEWS);
        let mut watch = Watch {
            cluster: self.clone(),
            namespaces: namespaces.to_vec(),
            fixed: now,
            clock: Clock::new(reading.time),
            store: Store::default(),
            served: Served::new(),
            tried: None,
            events: Vec::new(),
            followed: BTreeSet::new(),
            troubles: BTreeMap::new(),
            sender,
            news,
            tasks: JoinSet::new(),
            revived: Arc::new(Notify::new()),
            began: Instant::now(),
            rereading: false,
        };
        watch.begin(reading);
        Ok(watch)
    }
}

impl Watch {
    /// Waits until something may have changed, takes it in and tells what it was. Nothing is lost when the wait is given up.
    pub async fn changed(&mut self) -> Changed {
        // The sender lives in `self`: there is always another news to wait for.
        match self.news.recv().await {
            Some(news) => self.observe(news),
            None => Changed::Nothing,
        }
    }

    /// Writes to what is followed.
    pub fn asker(&self) -> Asker {
        Asker::new(self.cluster.clone(), &self.served)
    }

    /// Whether objects or sources may have changed without our knowledge; `false` where only what explains them is lost.
    pub fn is_blind(&self) -> bool {
        let counts = |scope: &Scope| scope.kind.is_applier() || scope.kind.is_source();
        self.troubles.keys().any(|scope| scope.as_ref().is_none_or(counts))
    }

    /// What is known now.
    ///
    /// What it shows may need more to be followed: Events as soon as something fails, another namespace as soon as
    /// something refers to it.
    pub fn snapshot(&mut self) -> Snapshot {
        let snapshot = self.store.snapshot(self.cluster.label.clone(), Some(self.now()));
        if self.store.needs_events() {
            for wanted in self.events.clone() {
                self.follow(wanted, None);
            }
        }
        if let Some(tried) = &self.tried
            && !referred(&snapshot).is_subset(tried)
        {
            self.read_anew();
        }
        snapshot
    }

    /// The moment from which ages are measured.
    pub fn now(&self) -> Timestamp {
        self.fixed.unwrap_or_else(|| self.clock.now())
    }

    /// Why what is known may be old; `None` while everything is followed.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.troubles.values().min_by_key(|trouble| (trouble.failure == Failure::Answer, trouble.since))
    }

    fn observe(&mut self, news: News) -> Changed {
        let label = || Place::file(&*self.cluster.label);
        match news {
            News::Put(scope, object) => {
                let change = self.store.put(&scope, object, label());
                if let Some(Change::Node(node)) = &change {
                    self.look_where_it_points(node);
                }
                return change.into();
            }
            News::Removed(scope, object) => return self.store.remove(&scope, &object).into(),
            News::Listed(scope, items) => {
                self.store.replace(scope, *items);
                return Changed::Everything;
            }
            News::Clock(time) => self.clock.hear(time),
            News::Lost { scope, silent, what, failure, reason } => {
                let silent = SignedDuration::try_from(silent).unwrap_or(SignedDuration::ZERO);
                let since = self.clock.now().saturating_sub(silent).unwrap_or(self.clock.told);
                // The way in which it fails may change; what was heard last was heard before the first of them.
                let since = self.troubles.get(&scope).map_or(since, |before| before.since);
                self.troubles.insert(scope, Trouble { since, what, failure, reason });
            }
            News::Found(scope) => {
                self.troubles.remove(&scope);
                self.revived.notify_waiters();
            }
            News::Outdated => self.read_anew(),
            News::Read(reading) => {
                self.begin(*reading);
                return Changed::Everything;
            }
        }
        Changed::Nothing
    }

    /// An object may refer to a namespace in which nothing was looked for so far.
    fn look_where_it_points(&mut self, node: &Node) {
        let is_new = |tried: &BTreeSet<String>| {
            referred_by(node).any(|namespace| !namespace.is_empty() && !tried.contains(namespace))
        };
        if self.tried.as_ref().is_some_and(is_new) {
            self.read_anew();
        }
    }

    /// Follows what was read, and nothing else.
    fn begin(&mut self, reading: Reading) {
        self.tasks.abort_all();
        self.tasks = JoinSet::new();
        // What the tasks before have still to say is about what was known before.
        (self.sender, self.news) = mpsc::channel(WAITING_NEWS);
        self.clock = Clock::new(reading.time);
        self.store = reading.store;
        self.served = reading.served;
        self.tried = reading.tried;
        self.events = reading.events;
        self.followed = BTreeSet::new();
        self.troubles = BTreeMap::new();
        self.began = Instant::now();
        self.rereading = false;
        for (wanted, version) in reading.lists {
            self.follow(wanted, version);
        }
        let (cluster, sender) = (self.cluster.clone(), self.sender.clone());
        let (served, partial) = (self.served.clone(), self.tried.is_some());
        self.tasks.spawn(async move {
            loop {
                tokio::time::sleep(BETWEEN_SURVEYS).await;
                // A server that does not answer is told of by those who follow it.
                let changed = cluster.discover().await.is_ok_and(|(now, _)| now != served);
                if (changed || partial) && sender.send(News::Outdated).await.is_err() {
                    return;
                }
            }
        });
    }

    fn follow(&mut self, wanted: Wanted, version: Option<String>) {
        if !self.followed.insert(wanted.scope()) {
            return;
        }
        let pause = Pause::new(self.revived.clone());
        let follower = Follower::new(self.cluster.clone(), wanted, self.sender.clone(), pause);
        self.tasks.spawn(follower.run(version));
    }

    /// Reads everything anew, with the old picture in place until that is done.
    fn read_anew(&mut self) {
        if self.rereading {
            return;
        }
        self.rereading = true;
        let (cluster, namespaces, sender) =
            (self.cluster.clone(), self.namespaces.clone(), self.sender.clone());
        let mut pause = Pause::new(self.revived.clone());
        let wait = BETWEEN_READINGS.saturating_sub(self.began.elapsed());
        self.tasks.spawn(async move {
            tokio::time::sleep(wait).await;
            loop {
                let news = match cluster.read(&namespaces).await {
                    Ok(reading) => News::Read(Box::new(reading)),
                    Err(error) => News::lost(None, &error, Duration::ZERO),
                };
                let done = matches!(news, News::Read(_));
                if sender.send(news).await.is_err() || done {
                    return;
                }
                pause.wait().await;
            }
        });
    }
}
