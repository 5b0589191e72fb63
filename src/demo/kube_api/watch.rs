//! Watches: changes as lines of JSON, bookmarks, 410 when history is gone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use futures::stream::unfold;
use tokio::sync::watch::Receiver;
use tokio::time::{sleep, timeout};

use super::select::Selection;
use super::{Target, raw_answer, status, words};
use crate::demo::cluster::store::{Change, Verb};
use crate::demo::faults::KubeFault;
use crate::demo::stage::Stage;

/// Real time between bookmarks of a quiet watch; API servers send one a minute.
const BOOKMARK: Duration = Duration::from_secs(10);
/// How often a watch looks whether a fault began, in real time.
const GLANCE: Duration = Duration::from_millis(200);

struct Watch {
    stage: Arc<Stage>,
    target: Target,
    selection: Selection,
    revisions: Receiver<u64>,
    seen: u64,
    lines: VecDeque<String>,
    quiet: Duration,
    left: Duration,
    over: bool,
}

pub(super) fn open(stage: Arc<Stage>, target: Target, selection: Selection) -> Response<Body> {
    let revisions = stage.revisions();
    let (newest, current) = stage.with(|world| {
        let rows = world.store.list(target.resource, target.namespace.as_deref());
        let chosen = rows.filter(|(key, object)| selection.chooses(key, object));
        // A watch without a revision begins with what is there.
        let lines: VecDeque<String> = match selection.version {
            None => chosen.map(|(_, object)| line(Verb::Added, &object.json)).collect(),
            Some(_) => VecDeque::new(),
        };
        (world.store.version(), lines)
    });
    let seen = selection.version.unwrap_or(newest);
    let left = Duration::from_secs(selection.timeout_seconds.unwrap_or(1_800));
    let watch =
        Watch { stage, target, selection, revisions, seen, lines: current, quiet: Duration::ZERO, left, over: false };
    let mut response = raw_answer(String::new());
    *response.body_mut() = Body::from_stream(unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(chunk)), watch))
    }));
    response
}

fn line(verb: Verb, object: &str) -> String {
    format!("{{\"type\":\"{}\",\"object\":{object}}}\n", verb.as_str())
}

impl Watch {
    /// The next lines; nothing when the watch ends.
    async fn next(&mut self) -> Option<String> {
        loop {
            if !self.lines.is_empty() {
                return Some(self.lines.drain(..).collect());
            }
            if self.over || self.left.is_zero() {
                return None;
            }
            self.look();
            if self.lines.is_empty() && !self.over {
                self.wait().await;
            }
        }
    }

    /// Takes up what changed since the last look.
    fn look(&mut self) {
        let Self { stage, target, selection, seen, lines, over, .. } = self;
        stage.with(|world| {
            let mut silent = false;
            for fault in world.faults.of_kube(world.now) {
                match fault {
                    KubeFault::Down => *over = true,
                    KubeFault::Hang => silent = true,
                    KubeFault::Forbidden(namespace) => *over |= target.namespace.as_ref() == Some(namespace),
                    KubeFault::Expire => {}
                }
            }
            if *over || silent {
                return;
            }
            match world.store.since(*seen) {
                Ok(changes) => {
                    lines.extend(
                        changes
                            .filter(|change| wanted(target, selection, change))
                            .map(|change| line(change.verb, &change.object.json)),
                    );
                    *seen = world.store.version();
                }
                Err(_) => {
                    lines.push_back(format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", status::expired()));
                    *over = true;
                }
            }
        });
    }

    async fn wait(&mut self) {
        let seen = self.seen;
        let slice = GLANCE.min(self.left);
        let told = timeout(slice, self.revisions.wait_for(|newest| *newest > seen)).await;
        self.left = self.left.saturating_sub(slice);
        if told.is_ok_and(|still| still.is_err()) {
            sleep(slice).await; // the stage is gone; its server will follow
        }
        self.quiet += slice;
        if self.quiet >= BOOKMARK && self.selection.bookmarks {
            self.quiet = Duration::ZERO;
            let kind = words(self.target.resource).2;
            self.lines.push_back(format!(
                "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{kind}\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"{}\"}}}}}}\n",
                self.seen
            ));
        }
    }
}

fn wanted(target: &Target, selection: &Selection, change: &Change) -> bool {
    change.key.resource == target.resource
        && target.namespace.as_ref().is_none_or(|namespace| namespace.as_str() == change.key.namespace.as_ref())
        && selection.chooses(&change.key, &change.object)
}
