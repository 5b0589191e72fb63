//! One watch of the Kubernetes API: list, follow, and tell honestly how fresh that is.
//!
//! `kube::runtime::watcher` is not used, although it speaks the same protocol: it hides bookmarks, regular ends and
//! silences (its idle timeout starts the next watch without a word), so over it nobody can tell a quiet namespace
//! from a hung connection. Here each of them is contact or failure, and each request has its own bound.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt, StreamExt};
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::kube::{failure, refused, told, undecodable};
use super::{Outbox, Stopped};
use crate::metrics::Own;
use crate::observation::{Body, Change, Failure, FailureClass};

mod patience;

pub use patience::Pace;
use patience::Patience;

/// A larger page is refused: 500 pods of 100 kB each, where 10 kB are usual.
const MOST_PAGE_BYTES: u64 = 50 << 20;
/// A watch that the server ends sooner than this, and that brought nothing, is a failure and not a regular end:
/// else a proxy that closes at once would be asked in a hot loop.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// A kind of object that is watched, and how it is translated.
pub trait Watched: Send + Sync + 'static {
    /// The object as the API writes it, trimmed while it is parsed.
    type Object: DeserializeOwned + Clone + Send + Sync + 'static;
    /// What is told of it.
    type Report: Send + Sync;

    /// The collection's path on the API server.
    fn path(&self) -> String;

    /// What the server is to leave out.
    fn field_selector(&self) -> Option<&'static str> {
        None
    }

    /// The object's `resourceVersion`.
    fn version(object: &Self::Object) -> Option<&str>;

    /// What identifies the object in the reports.
    fn key(object: &Self::Object) -> Option<Arc<str>>;

    /// What the object says; nothing where it lacks what identifies it.
    fn translate(&mut self, object: &Self::Object) -> Option<Self::Report>;

    /// The sentence for a change.
    fn body(change: Change<Box<Self::Report>>) -> Body;
}

/// One watch.
pub struct Watch<W> {
    watched: W,
    client: Client,
    request: Request,
    pace: Pace,
    patience: Patience,
    outbox: Outbox,
    own: Own,
}

/// Why listing or following ended before its time.
enum Broken {
    Stopped,
    /// `resume`: the version to follow from; without one the collection is listed again.
    Failed {
        failure: Failure,
        resume: Option<String>,
    },
}

impl From<Stopped> for Broken {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A page of a list. Unlike `kube`'s it needs nothing but the two fields.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default)]
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMetadata {
    resource_version: Option<String>,
    #[serde(rename = "continue")]
    next: Option<String>,
}

impl<W: Watched> Watch<W> {
    /// A watch that speaks through `outbox`.
    #[must_use]
    pub fn new(watched: W, client: Client, pace: Pace, outbox: Outbox, own: Own) -> Self {
        let request = Request::new(watched.path());
        let patience = Patience::new(pace, outbox.key());
        Self { watched, client, request, pace, patience, outbox, own }
    }

    /// Lists and follows until cancelled or until nobody listens any more.
    pub async fn run(mut self, cancel: CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            Stopped = self.forever() => {}
        }
    }

    async fn forever(&mut self) -> Stopped {
        let mut version = None;
        loop {
            let outcome = match version.take() {
                None => self.list().await,
                Some(from) => self.follow(from).await,
            };
            match outcome {
                Ok(reached) => version = Some(reached),
                Err(Broken::Stopped) => return Stopped,
                Err(Broken::Failed { failure, resume }) => {
                    if self.rest_after(failure).await.is_err() {
                        return Stopped;
                    }
                    version = resume;
                }
            }
        }
    }

    /// Says what failed and waits before the next attempt.
    async fn rest_after(&mut self, failure: Failure) -> Result<(), Stopped> {
        let key = self.outbox.key();
        let (source, namespace) = (key.kind.as_str(), key.namespace.as_deref().unwrap_or_default());
        let (class, detail) = (failure.class.as_str(), failure.detail.as_str());
        if self.patience.is_fresh() && failure.class != FailureClass::Expired {
            tracing::warn!(source, namespace, class, detail, "the watch broke and will be taken up again");
        } else {
            tracing::debug!(source, namespace, class, detail, "the watch is broken");
        }
        let wait = self.patience.after(&failure);
        self.own.watch_restarted(key.kind);
        self.outbox.say(Body::Failed(failure)).await?;
        self.outbox.clock().sleep(wait).await;
        Ok(())
    }

    /// Lists the collection page by page and says it as one sentence. Each page is trimmed before the next one is
    /// asked for, so whole objects are held one page at a time.
    ///
    /// The list is a quorum read (no resourceVersion). `resourceVersion=0` would be cheaper for old API servers, but it
    /// may go back in time after a failover, and API servers before 1.31 then ignore the page size: all pods in one answer. Newer
    /// ones answer quorum reads from their cache anyway.
    async fn list(&mut self) -> Result<String, Broken> {
        let mut reports = Vec::new();
        let mut unreadable = 0_u32;
        let mut params =
            ListParams { field_selector: self.selector(), limit: Some(self.pace.page), ..Default::default() };
        loop {
            let page: Page<W::Object> = timeout(self.pace.request, self.page(&params))
                .await
                .unwrap_or_else(|_| Err(told(FailureClass::Timeout, "no complete answer to the list in time")))
                .map_err(|failure| Broken::Failed { failure, resume: None })?;
            for object in page.items.unwrap_or_default() {
                match self.watched.translate(&object) {
                    Some(report) => reports.push(Box::new(report)),
                    None => unreadable += 1,
                }
            }
            params.continue_token = page.metadata.next.filter(|token| !token.is_empty());
            if params.continue_token.is_some() {
                continue;
            }
            let Some(version) = page.metadata.resource_version.filter(|version| !version.is_empty()) else {
                let failure = told(FailureClass::Decode, "the list has no resourceVersion to follow from");
                return Err(Broken::Failed { failure, resume: None });
            };
            self.outbox.say(W::body(Change::Replace(reports))).await?;
            if unreadable > 0 {
                let note = format!("{unreadable} objects of the list have no name, uid or time and are left out");
                self.outbox.say(Body::Note(note)).await?;
            }
            return Ok(version);
        }
    }

    /// One page. Not through the client's own decoding: that writes an answer it cannot read into the log, and a
    /// pod's environment may hold secrets.
    async fn page(&self, params: &ListParams) -> Result<Page<W::Object>, Failure> {
        let request = self.request.list(params).map_err(|error| told(FailureClass::Other, &error.to_string()))?;
        let body = self.client.request_stream(request).await.map_err(|error| failure(&error))?;
        let mut text = Vec::new();
        let mut limited = pin!(body.take(MOST_PAGE_BYTES + 1));
        limited
            .read_to_end(&mut text)
            .await
            .map_err(|error| told(FailureClass::Connection, &format!("reading the list: {error}")))?;
        if text.len() as u64 > MOST_PAGE_BYTES {
            return Err(told(FailureClass::TooLarge, "one page of the list is larger than 50 MiB"));
        }
        serde_json::from_slice(&text).map_err(|error| undecodable(&error))
    }

    /// Follows the collection from `version` until the server ends the watch, which it does within
    /// [`Pace::watch`]; returns the version reached.
    async fn follow(&mut self, version: String) -> Result<String, Broken> {
        let started = self.outbox.clock().now();
        let params = WatchParams {
            field_selector: self.selector(),
            timeout: Some(u32::try_from(self.pace.watch.as_secs()).unwrap_or(u32::MAX).max(1)),
            bookmarks: true,
            ..Default::default()
        };
        let broken = |failure: Failure, version: &str| {
            // Where the version is too old or we may have missed something, only a list tells the truth again.
            let lost = matches!(failure.class, FailureClass::Expired | FailureClass::Decode);
            Broken::Failed { failure, resume: (!lost).then(|| version.to_owned()) }
        };
        let request = self
            .request
            .watch(&params, &version)
            .map_err(|error| broken(told(FailureClass::Other, &error.to_string()), &version))?;
        let stream = timeout(self.pace.request, self.client.request_events::<W::Object>(request))
            .await
            .map_err(|_| broken(told(FailureClass::Timeout, "no answer to the watch in time"), &version))?
            .map_err(|error| broken(failure(&error), &version))?;
        let mut stream = pin!(stream);
        let mut version = version;
        let mut brought = false;
        self.outbox.say(Body::Alive).await?;
        loop {
            // The server ends a watch after `watch`, so a longer silence means that it, or the way to it, hangs. A
            // list follows: a proxy that holds watches back then still leaves us as fresh as its timeout.
            let silence = self.pace.watch + self.pace.margin;
            let mut next = pin!(timeout(silence, stream.next()));
            let event = loop {
                tokio::select! {
                    biased; // at its bound a silence is a failure, not one more sign of life
                    event = &mut next => break event,
                    () = self.outbox.clock().sleep(self.pace.alive) => self.outbox.say(Body::Alive).await?,
                }
            };
            let event = match event {
                Err(_) => {
                    let failure = told(FailureClass::Timeout, "the watch is silent and was not ended in time");
                    return Err(Broken::Failed { failure, resume: None });
                }
                Ok(None) if !brought && self.outbox.clock().now().since(&started) < SHORTEST_WATCH => {
                    let failure = told(FailureClass::Connection, "the watch was ended at once");
                    return Err(broken(failure, &version));
                }
                Ok(None) => {
                    self.patience.restore();
                    self.outbox.say(Body::Alive).await?;
                    return Ok(version);
                }
                Ok(Some(event)) => event.map_err(|error| broken(failure(&error), &version))?,
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    reach(&mut version, W::version(&object));
                    if let Some(report) = self.watched.translate(&object) {
                        self.outbox.say(W::body(Change::Upsert(Box::new(report)))).await?;
                    }
                }
                WatchEvent::Deleted(object) => {
                    reach(&mut version, W::version(&object));
                    if let Some(key) = W::key(&object) {
                        self.outbox.say(W::body(Change::Gone(key))).await?;
                    }
                }
                WatchEvent::Bookmark(bookmark) => {
                    reach(&mut version, Some(&bookmark.metadata.resource_version));
                    self.outbox.say(Body::Alive).await?;
                }
                WatchEvent::Error(status) => return Err(broken(refused(&status), &version)),
            }
            brought = true;
            self.patience.restore();
        }
    }

    fn selector(&self) -> Option<String> {
        self.watched.field_selector().map(str::to_owned)
    }
}

/// An object without a version leaves us where we were: following from there only repeats.
fn reach(version: &mut String, reached: Option<&str>) {
    if let Some(reached) = reached.filter(|reached| !reached.is_empty()) {
        reached.clone_into(version);
    }
}
