//! Connections that are opened before they are needed.
//!
//! A connection costs two round trips before it carries anything, and HTTP/1 carries one request at a time. What is
//! going to be asked after discovery is known in number, so that the connections for it are opened beside discovery.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::Uri;
use tokio::task::JoinHandle;
use tower::{BoxError, Service};

/// Asks the connector that it was made with for connections ahead of the requests.
#[derive(Clone, Default)]
pub(super) struct Ahead(Option<Arc<dyn Spares>>);

/// As long as this lives, connections that were opened ahead wait to be used; what is left over is closed.
pub(super) struct Opened(Option<Arc<dyn Spares>>);

impl Ahead {
    /// Opens so many connections beside the next one that is needed.
    pub(super) fn open(&self, number: usize) -> Opened {
        if let Some(spares) = &self.0 {
            spares.want(number);
        }
        Opened(self.0.clone())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(spares) = &self.0 {
            spares.close();
        }
    }
}

trait Spares: Send + Sync {
    /// So many are opened with the next one that is needed.
    fn want(&self, number: usize);
    /// Opens no more, and closes what nobody has used.
    fn close(&self);
}

/// Connections under way or standing, none of which has carried a request.
struct Pool<T> {
    wanted: usize,
    spares: VecDeque<JoinHandle<Result<T, BoxError>>>,
}

impl<T> Pool<T> {
    fn clear(&mut self) {
        self.wanted = 0;
        for spare in self.spares.drain(..) {
            spare.abort();
        }
    }
}

impl<T: Send> Spares for Mutex<Pool<T>> {
    fn want(&self, number: usize) {
        let mut pool = self.lock().unwrap_or_else(PoisonError::into_inner);
        pool.clear();
        pool.wanted = number;
    }

    fn close(&self) {
        self.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A connector that hands out the connections that were opened ahead before it makes new ones.
pub(super) struct Connector<C: Service<Uri>> {
    inner: C,
    pool: Arc<Mutex<Pool<C::Response>>>,
}

impl<C: Service<Uri> + Clone> Clone for Connector<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), pool: self.pool.clone() }
    }
}

impl<C> Connector<C>
where
    C: Service<Uri>,
    C::Response: Send + 'static,
{
    /// Wraps a connector; all that it is asked for must lie at the same server.
    pub(super) fn new(inner: C) -> (Self, Ahead) {
        let pool = Arc::new(Mutex::new(Pool { wanted: 0, spares: VecDeque::new() }));
        (Self { inner, pool: pool.clone() }, Ahead(Some(pool)))
    }
}

impl<C> Service<Uri> for Connector<C>
where
    C: Service<Uri, Error = BoxError> + Clone + Send + 'static,
    C::Response: Send + 'static,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = pool.spares.pop_front();
        for _ in 0..std::mem::take(&mut pool.wanted) {
            let opened = tokio::spawn(self.inner.call(server.clone()));
            pool.spares.push_back(opened);
        }
        drop(pool);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            if let Some(spare) = spare
                && let Ok(Ok(opened)) = spare.await
            {
                return Ok(opened);
            }
            // What has gone wrong with a spare one is told by one that is needed.
            std::future::poll_fn(|context| inner.poll_ready(context)).await?;
            inner.call(server).await
        })
    }
}
