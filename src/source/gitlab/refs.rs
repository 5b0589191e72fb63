//! Protected branches and tags of the projects that the desk asks about: without them a job for a runner that
//! takes only protected refs stays uncertain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gitlab::api::Endpoint;
use gitlab::api::projects::protected_branches::ProtectedBranches;
use gitlab::api::projects::protected_tags::ProtectedTags;
use tokio::sync::watch;

use crate::metrics::Operation;
use crate::observation::{Body, ProjectId, ProtectedRefs, Wishes};
use crate::source::Outbox;
use crate::source::poll::{Interrupted, Poll, Wake};

use super::client::Client;
use super::error::ClientError;
use super::paging::Paging;
use super::queue_projects::prepare;
use super::translate::ref_pattern_from_rest;

/// Protection changes rarely; a change is seen after this time.
const READ_AGAIN: Duration = Duration::from_secs(30 * 60);

/// A project nobody asked about for this long is no longer read.
const FORGET: Duration = Duration::from_secs(24 * 60 * 60);

/// Projects remembered: beyond that the ones asked about longest ago are forgotten.
const MAX_KNOWN: usize = 10_000;

/// Projects read in one round: two requests each.
const PER_ROUND: usize = 15;

/// 1,000 patterns of one project.
const MAX_PAGES: usize = 10;

/// The source [`GitlabRefs`](crate::observation::SourceKind::GitlabRefs).
pub(crate) struct Refs {
    client: Client,
    wishes: watch::Receiver<Arc<Wishes>>,
    known: HashMap<ProjectId, Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    read: Duration,
    wished: Duration,
}

impl Refs {
    pub(crate) fn new(client: Client, wishes: watch::Receiver<Arc<Wishes>>) -> Self {
        Self { client, wishes, known: HashMap::new() }
    }

    /// Projects to read now: those never read first, then those read longest ago.
    fn due(&mut self, now: Duration) -> Vec<ProjectId> {
        let wishes = self.wishes.borrow_and_update().clone();
        for project in &wishes.protected_refs {
            if let Some(known) = self.known.get_mut(project) {
                known.wished = now;
            }
        }
        self.known.retain(|_, known| now.saturating_sub(known.wished) < FORGET);
        if self.known.len() > MAX_KNOWN {
            self.known.retain(|_, known| now.saturating_sub(known.wished) < READ_AGAIN);
        }
        let unread = wishes.protected_refs.iter().copied().filter(|project| !self.known.contains_key(project));
        let mut old: Vec<(Duration, ProjectId)> = self
            .known
            .iter()
            .filter(|(_, known)| now.saturating_sub(known.read) >= READ_AGAIN)
            .map(|(project, known)| (known.read, *project))
            .collect();
        old.sort_unstable();
        let mut due: Vec<ProjectId> = Vec::new();
        for project in unread.chain(old.into_iter().map(|(_, project)| project)) {
            if due.len() == PER_ROUND {
                break;
            }
            if !due.contains(&project) {
                due.push(project);
            }
        }
        due
    }

    fn has_new(&self) -> bool {
        self.wishes.borrow().protected_refs.iter().any(|project| !self.known.contains_key(project))
    }
}

/// The patterns of one list; absent when the token may not read it.
async fn patterns<E: Endpoint + Sync>(client: &Client, endpoint: &E) -> Result<Option<Vec<Arc<str>>>, ClientError> {
    match client.call(Operation::ProtectedRefs).pages(endpoint, Paging::Offset, MAX_PAGES).await {
        Ok(pages) => Ok(Some(pages.iter().flat_map(|page| &page.rows).filter_map(ref_pattern_from_rest).collect())),
        Err(error) if error.is_hidden() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn read(client: &Client, project: ProjectId) -> Result<ProtectedRefs, ClientError> {
    let branches = ProtectedBranches::builder().project(project.0).build().map_err(prepare)?;
    let tags = ProtectedTags::builder().project(project.0).build().map_err(prepare)?;
    Ok(ProtectedRefs { project, branches: patterns(client, &branches).await?, tags: patterns(client, &tags).await? })
}

#[async_trait]
impl Poll for Refs {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let due = self.due(now);
        if due.is_empty() {
            // Nothing to ask is not the same as not being there.
            outbox.say(Body::Alive).await?;
            return Ok(());
        }
        let mut first_failure = None;
        for project in due {
            match read(&self.client, project).await {
                Ok(refs) => {
                    let read = outbox.clock().now().mono;
                    self.known.entry(project).or_insert(Known { read, wished: now }).read = read;
                    outbox.say(Body::ProtectedRefs(refs)).await?;
                }
                Err(error) if error.may_be_local() => {
                    first_failure.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        first_failure.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn woken(&mut self) -> Wake {
        // A job is uncertain until its project's refs are read: a new wish does not wait for the next round.
        loop {
            if self.wishes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if self.has_new() {
                return Wake::Run;
            }
        }
    }
}
