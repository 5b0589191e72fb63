//! The queue: which way it is read, and why.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::config::{self, QueueChoice};
use crate::metrics::Operation;
use crate::observation::{Body, FailureClass, QueueScope, RunnerId, Wishes};
use crate::source::poll::{Interrupted, Poll, Wake};
use crate::source::{Outbox, Texts};

use super::client::Client;
use super::error::ClientError;
use super::instance_jobs::{self, Reading, Wanted};
use super::notes::Notes;
use super::pace::Pace;
use super::queue_projects::ProjectsQueue;
use super::runner_queues::RunnerQueues;

/// How often `auto` tries the better way again: a token may be given more rights while we run.
const CHOOSE_AGAIN: Duration = Duration::from_secs(10 * 60);

/// What is said where GitLab counts more jobs than it shows.
pub(crate) const HIDDEN: &str =
    "GitLab does not show some pending jobs to the token: the queue may be longer than it looks";

/// By which way the queue is read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The whole instance at once.
    Instance,
    /// What each kind of the tiers' runners would take.
    Runners,
    /// Project by project.
    Projects,
}

/// The source [`GitlabQueue`](crate::observation::SourceKind::GitlabQueue).
pub(crate) struct Queue {
    choice: QueueChoice,
    client: Client,
    projects: ProjectsQueue,
    wishes: watch::Receiver<Arc<Wishes>>,
    interval: Duration,
    way: watch::Sender<Option<Way>>,
    chosen_at: Option<Duration>,
    /// Runners of which some did not show their queue when `auto` tried.
    refused: Vec<RunnerId>,
    pace: Pace,
    notes: Notes,
    texts: Texts,
}

impl Queue {
    /// Also returns where the way taken can be read.
    pub(crate) fn new(
        queue: &config::Queue,
        client: Client,
        projects: ProjectsQueue,
        wishes: watch::Receiver<Arc<Wishes>>,
        pace: Pace,
    ) -> (Self, watch::Receiver<Option<Way>>) {
        let (choice, interval) = (queue.source, queue.interval);
        let fixed = match choice {
            QueueChoice::Auto => None,
            QueueChoice::Instance => Some(Way::Instance),
            QueueChoice::Runner => Some(Way::Runners),
            QueueChoice::Projects => Some(Way::Projects),
        };
        let (way, seen) = watch::channel(fixed);
        let (notes, texts) = (Notes::default(), Texts::default());
        let (chosen_at, refused) = (None, Vec::new());
        (Self { choice, client, projects, wishes, interval, way, chosen_at, refused, pace, notes, texts }, seen)
    }

    async fn read(&mut self, way: Way, outbox: &Outbox) -> Result<(), Interrupted> {
        match way {
            Way::Instance => {
                let read = instance_jobs::read(&self.client, Wanted::Pending, &mut self.texts).await?;
                self.say_instance(outbox, read).await
            }
            Way::Runners => {
                let runners = self.known_runners(outbox).await;
                if runners.is_empty() {
                    return Err(no_runner().into());
                }
                let queues = RunnerQueues::read(&self.client, &runners, &mut self.texts).await?;
                self.say_queues(outbox, queues).await
            }
            Way::Projects => {
                self.pace.adapt(0, outbox).await?;
                self.projects.run(outbox).await
            }
        }
    }

    async fn say_instance(&mut self, outbox: &Outbox, read: instance_jobs::InstanceJobs) -> Result<(), Interrupted> {
        if read.hidden > 0 {
            self.notes.say(outbox, "hidden", HIDDEN.into()).await?;
        } else {
            self.notes.clear("hidden");
        }
        outbox.say(Body::Queue { scope: QueueScope::Instance, jobs: read.jobs }).await?;
        self.pace.adapt(read.requests, outbox).await?;
        Ok(())
    }

    async fn say_queues(&mut self, outbox: &Outbox, queues: RunnerQueues) -> Result<(), Interrupted> {
        let requests = queues.requests;
        queues.say(&mut self.notes, outbox).await?;
        self.pace.adapt(requests, outbox).await?;
        Ok(())
    }

    /// One runner of each kind. They are listed by another source: its first answer is waited for, but not longer than a
    /// period.
    async fn known_runners(&mut self, outbox: &Outbox) -> Vec<RunnerId> {
        let clock = outbox.clock().clone();
        tokio::select! {
            biased;
            known = self.wishes.wait_for(|wishes| !wishes.queues.is_empty()) => {
                known.map(|wishes| wishes.queues.clone()).unwrap_or_default()
            }
            () = clock.sleep(self.interval) => Vec::new(),
        }
    }

    async fn choose(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let current = *self.way.borrow();
        let due = self.chosen_at.is_none_or(|at| now.saturating_sub(at) >= CHOOSE_AGAIN);
        if due {
            // Whoever refused may have been given the right meanwhile.
            self.refused.clear();
        }
        match current {
            Some(Way::Projects) if !due && !self.may_go_by_runner() => return self.read(Way::Projects, outbox).await,
            Some(Way::Runners) if !due => return self.read(Way::Runners, outbox).await,
            Some(Way::Instance | Way::Runners | Way::Projects) | None => {}
        }
        // The better way is tried by taking it: no request is spent on asking first.
        match Reading::begin(&self.client, Wanted::Pending, &mut self.texts).await {
            Ok(reading) => {
                // Told at once: whoever reads the running jobs need not wait for the whole queue.
                self.take(Way::Instance, now);
                let why = "reading the queue of the whole instance: the token may list every job";
                self.notes.say(outbox, "way", why.into()).await?;
                let read = reading.finish(&mut self.texts).await?;
                self.say_instance(outbox, read).await
            }
            Err(error) if means_no(&error) => self.choose_less(error, outbox).await,
            // Neither a yes nor a no: what worked so far goes on.
            Err(error) => match current {
                Some(way @ (Way::Runners | Way::Projects)) => self.read(way, outbox).await,
                Some(Way::Instance) | None => Err(error.into()),
            },
        }
    }

    /// The instance is not shown. Project by project also shows what no runner would take, so it is preferred while one
    /// round reads every project.
    async fn choose_less(&mut self, why_not: ClientError, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let has_groups = self.projects.has_groups();
        if !has_groups || self.may_go_by_runner() {
            let runners = self.known_runners(outbox).await;
            match RunnerQueues::read(&self.client, &runners, &mut self.texts).await {
                Ok(queues) if !runners.is_empty() && (queues.is_whole() || !has_groups) => {
                    self.take(Way::Runners, now);
                    let why = format!(
                        "reading the queue runner by runner, which shows no job that fits none, since {why_not}"
                    );
                    self.notes.say(outbox, "way", why).await?;
                    return self.say_queues(outbox, queues).await;
                }
                Ok(_) => self.refused = runners,
                Err(error) if means_no(&error) => self.refused = runners,
                Err(_) => {}
            }
        }
        if !has_groups {
            return Err(why_not.into());
        }
        self.take(Way::Projects, now);
        let why = format!("reading the queue project by project, since {why_not}");
        self.notes.say(outbox, "way", why).await?;
        self.read(Way::Projects, outbox).await
    }

    /// There are more projects than one round reads, and runners that have not refused to show their queue.
    fn may_go_by_runner(&self) -> bool {
        let queues = &self.wishes.borrow().queues;
        self.projects.is_beyond_a_round() && !queues.is_empty() && *queues != self.refused
    }

    fn take(&mut self, way: Way, now: Duration) {
        self.chosen_at = Some(now);
        self.way.send_if_modified(|current| current.replace(way) != Some(way));
    }
}

fn no_runner() -> ClientError {
    let detail = "no runner of any tier is known, and the queue is read runner by runner: see the source gitlab_runners, name \
                  the runners in the tiers, or set gitlab.queue.source to projects";
    ClientError::Blind { operation: Operation::QueueRunner, detail: detail.into() }
}

/// GitLab is well, and this token or this version does not show the instance's jobs.
fn means_no(error: &ClientError) -> bool {
    match error {
        ClientError::Blind { .. } => true,
        ClientError::Graphql { class, .. } => matches!(class, FailureClass::Forbidden | FailureClass::Decode),
        ClientError::Status { status, .. } => *status == 404,
        ClientError::Token(_)
        | ClientError::TokenText { .. }
        | ClientError::CaFile { .. }
        | ClientError::Prepare { .. }
        | ClientError::NoAnswer { .. }
        | ClientError::RateLimited { .. }
        | ClientError::TooLarge { .. }
        | ClientError::ForeignOrigin { .. }
        | ClientError::Decode { .. } => false,
    }
}

#[async_trait]
impl Poll for Queue {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        match self.choice {
            QueueChoice::Auto => self.choose(outbox).await,
            QueueChoice::Instance => self.read(Way::Instance, outbox).await,
            QueueChoice::Runner => self.read(Way::Runners, outbox).await,
            QueueChoice::Projects => self.read(Way::Projects, outbox).await,
        }
    }

    fn rounds(&self) -> u32 {
        self.pace.rounds()
    }

    async fn woken(&mut self) -> Wake {
        // What is read as a whole is not read in parts.
        if *self.way.borrow() != Some(Way::Projects) {
            std::future::pending::<()>().await;
        }
        self.projects.hinted().await;
        Wake::Between
    }

    async fn between(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        self.projects.look_at_hinted(outbox).await
    }
}
