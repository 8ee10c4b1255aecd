//! The login that a credential plugin gives: one for the whole process, and one run at a time.
//!
//! However many requests wait for it, the plugin runs once. It runs again when what it gave is about to expire or was
//! refused with 401 (as in client-go), after a pause that grows as long as nothing good comes of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use http::{HeaderValue, Request, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use tokio::time::{Instant, timeout};
use tower::{BoxError, Layer, Service};

use super::plugin::{Issued, Plugin, PluginError};

/// A plugin that takes longer than this is named: the user may be waiting for us, or it for the user.
const NAMED_AFTER: Duration = Duration::from_secs(5);

/// The longest that somebody may take to log in.
const LONGEST: Duration = Duration::from_secs(300);

/// How long a request waits for a plugin that runs again; it goes on running.
const PATIENCE: Duration = Duration::from_secs(10);

/// What expires so soon is not used any more.
const LEEWAY: SignedDuration = SignedDuration::from_secs(10);

/// Pauses between the beginnings of two runs.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A login that is kept up.
pub(super) struct Login {
    plugin: Plugin,
    /// How long a request waits.
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    pass: Option<Pass>,
    /// Why the last run gave nothing.
    failed: Option<PluginError>,
    running: Option<Shared<BoxFuture<'static, ()>>>,
    /// No run begins before this.
    rests_until: Instant,
    /// Runs in a row of which nothing good has come.
    vain: u32,
    runs: u64,
}

/// What requests carry.
#[derive(Clone)]
struct Pass {
    header: Option<HeaderValue>,
    expires: Option<Timestamp>,
    /// Which run gave it.
    run: u64,
    refused: bool,
}

impl Pass {
    #[allow(
        clippy::disallowed_methods,
        reason = "when it expires is told by this machine's clock, as in client-go"
    )]
    fn expires_within(&self, leeway: SignedDuration) -> bool {
        self.expires.is_some_and(|expires| expires.duration_since(Timestamp::now()) < leeway)
    }

    fn serves(&self) -> bool {
        !self.refused && !self.expires_within(LEEWAY)
    }
}

impl Login {
    /// Runs the plugin for the first time, however long a person takes to log in; returns what it gave beside a token.
    ///
    /// `tell` is told once when it takes long.
    pub(super) async fn begin(
        plugin: Plugin,
        limit: Option<Duration>,
        tell: &dyn Fn(&str),
    ) -> Result<(Self, Issued), PluginError> {
        let began = Instant::now();
        let issued = first_run(&plugin, tell).await?;
        let pass = Pass { header: issued.header.clone(), expires: issued.expires, run: 0, refused: false };
        let state = State {
            pass: Some(pass),
            failed: None,
            running: None,
            rests_until: began + FIRST_PAUSE,
            vain: 1,
            runs: 1,
        };
        let patience = limit.map_or(PATIENCE, |limit| PATIENCE.min(limit / 2));
        Ok((Self { plugin, patience, state: Mutex::new(state) }, issued))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request is to carry; waits for a run of the plugin where one is needed.
    async fn pass(self: &Arc<Self>) -> Result<Pass, PluginError> {
        let running = {
            let mut state = self.state();
            let rests = Instant::now() < state.rests_until;
            match (&state.pass, &state.running) {
                (Some(pass), _) if pass.serves() => return Ok(pass.clone()),
                (_, Some(running)) => running.clone(),
                (_, None) if rests => return state.best(),
                (_, None) => {
                    let login = self.clone();
                    let task = tokio::spawn(async move { login.run().await });
                    let running = task.map(|_| ()).boxed().shared();
                    state.running = Some(running.clone());
                    running
                }
            }
        };
        match timeout(self.patience, running).await {
            Ok(()) => self.state().best(),
            Err(_) => match self.state().pass.clone().filter(|pass| !pass.refused) {
                Some(pass) if !pass.expires_within(SignedDuration::ZERO) => Ok(pass),
                _ => Err(self.plugin.error("it runs, and has given no answer yet")),
            },
        }
    }

    async fn run(&self) {
        let began = Instant::now();
        let late = |_| Err(self.plugin.error(format!("it gave no answer within {LONGEST:?}")));
        let result = timeout(LONGEST, self.plugin.run(false)).await.unwrap_or_else(late);
        let mut state = self.state();
        state.running = None;
        state.rests_until = began + pause(state.vain);
        state.vain = state.vain.saturating_add(1);
        match result {
            Ok(issued) => {
                let run = state.runs;
                state.pass = Some(Pass { header: issued.header, expires: issued.expires, run, refused: false });
                state.failed = None;
            }
            Err(error) => state.failed = Some(error),
        }
        state.runs += 1;
    }

    /// The server has answered to what a run gave.
    fn judged(&self, run: u64, refused: bool) {
        let mut state = self.state();
        let Some(pass) = state.pass.as_mut().filter(|pass| pass.run == run) else { return };
        pass.refused = refused;
        if pass.serves() {
            state.vain = 0;
        }
    }
}

impl State {
    /// What there is while no run may begin: a refused login is shown again, in case the server has changed its mind.
    fn best(&self) -> Result<Pass, PluginError> {
        let usable = |pass: &&Pass| !pass.refused && !pass.expires_within(SignedDuration::ZERO);
        match (&self.pass, &self.failed) {
            (pass, Some(failed)) => pass.as_ref().filter(usable).cloned().ok_or_else(|| failed.clone()),
            (Some(pass), None) => Ok(pass.clone()),
            (None, None) => {
                Err(PluginError { command: String::new(), reason: "it has not run".to_owned(), install: None })
            }
        }
    }
}

async fn first_run(plugin: &Plugin, tell: &dyn Fn(&str)) -> Result<Issued, PluginError> {
    let mut run = Box::pin(plugin.run(true));
    if let Ok(issued) = timeout(NAMED_AFTER, &mut run).await {
        return issued;
    }
    tell(&format!("waiting for credential plugin `{}` to log in", plugin.command()));
    let late = |_| Err(plugin.error(format!("it gave no answer within {LONGEST:?}")));
    timeout(LONGEST.saturating_sub(NAMED_AFTER), run).await.unwrap_or_else(late)
}

/// From one run to the next after so many in vain.
fn pause(vain: u32) -> Duration {
    (FIRST_PAUSE * 2u32.saturating_pow(vain.min(6))).min(LONGEST_PAUSE)
}

/// Lets every request carry a login.
#[derive(Clone)]
pub(super) struct LoginLayer(pub(super) Arc<Login>);

impl<S> Layer<S> for LoginLayer {
    type Service = WithLogin<S>;

    fn layer(&self, inner: S) -> WithLogin<S> {
        WithLogin { inner, login: self.0.clone() }
    }
}

/// A service whose requests carry a login.
#[derive(Clone)]
pub(super) struct WithLogin<S> {
    inner: S,
    login: Arc<Login>,
}

impl<S, B> Service<Request<Body>> for WithLogin<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let (mut inner, login) = (self.inner.clone(), self.login.clone());
        Box::pin(async move {
            let pass = login.pass().await?;
            if let Some(header) = pass.header {
                request.headers_mut().insert(header::AUTHORIZATION, header);
            }
            std::future::poll_fn(|context| inner.poll_ready(context)).await?;
            let response = inner.call(request).await?;
            login.judged(pass.run, response.status() == StatusCode::UNAUTHORIZED);
            Ok(response)
        })
    }
}

#[cfg(test)]
#[cfg(unix)] // its plugins are shell scripts
mod tests {
    use futures::future::join_all;
    use kube::config::{ExecConfig, ExecInteractiveMode};

    use super::*;

    /// A shell script whose every run leaves a line in the file `$0`.
    struct Runs(tempfile::NamedTempFile);

    impl Runs {
        async fn begin(script: &str) -> (Self, Arc<Login>) {
            let file = tempfile::NamedTempFile::new().unwrap();
            let script = format!("echo run >> $0; {script}");
            let exec = ExecConfig {
                command: Some("/bin/sh".to_owned()),
                args: Some(vec!["-c".to_owned(), script, file.path().display().to_string()]),
                interactive_mode: Some(ExecInteractiveMode::Never),
                ..ExecConfig::default()
            };
            let (login, _) = Login::begin(Plugin::new(exec), None, &|_| ()).await.unwrap();
            (Self(file), Arc::new(login))
        }

        fn count(&self) -> usize {
            std::io::read_to_string(self.0.reopen().unwrap()).unwrap().lines().count()
        }
    }

    async fn passes(login: &Arc<Login>) -> Vec<Result<Pass, PluginError>> {
        join_all((0..20).map(|_| login.pass())).await
    }

    fn rest(login: &Login, seconds: u64) {
        login.state().rests_until = Instant::now() + Duration::from_secs(seconds);
    }

    const EXPIRED: &str = r#"echo '{"status": {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}}'"#;

    #[tokio::test]
    async fn a_login_that_runs_out_is_renewed_by_one_run_for_all() {
        let (runs, login) = Runs::begin(EXPIRED).await;
        rest(&login, 0);
        assert!(passes(&login).await.iter().all(Result::is_ok));
        assert_eq!(runs.count(), 2);
        rest(&login, 3600);
        assert!(passes(&login).await.iter().all(Result::is_ok), "the server may judge otherwise");
        assert_eq!(runs.count(), 2, "what gives old logins rests too");
    }

    #[tokio::test]
    async fn a_plugin_that_fails_rests_and_its_reason_is_told_meanwhile() {
        let (runs, login) = Runs::begin(&format!("[ $(wc -l < $0) -gt 1 ] && exit 3; {EXPIRED}")).await;
        rest(&login, 0);
        for _ in 0..2 {
            let told = passes(&login).await.into_iter().map(|pass| pass.err().map(|error| error.reason));
            assert!(told.into_iter().all(|reason| reason.as_deref() == Some("exit status: 3")));
            assert_eq!(runs.count(), 2);
            rest(&login, 3600);
        }
    }

    #[tokio::test]
    async fn a_login_that_is_refused_is_renewed_unless_a_newer_one_is_there() {
        let (runs, login) = Runs::begin(r#"echo '{"status": {"token": "t"}}'"#).await;
        login.judged(0, false);
        passes(&login).await;
        assert_eq!(runs.count(), 1);
        login.judged(0, true);
        rest(&login, 0);
        passes(&login).await;
        login.judged(0, true); // a late answer to the old one
        rest(&login, 0);
        passes(&login).await;
        assert_eq!(runs.count(), 2);
    }

    #[test]
    fn pauses_grow_while_nothing_good_comes() {
        assert_eq!([0, 1, 2, 3, 5, 6, 99].map(|vain| pause(vain).as_secs()), [1, 2, 4, 8, 32, 60, 60]);
    }
}
