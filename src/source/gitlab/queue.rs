//! The queue: which way it is read, and why.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::config::QueueChoice;
use crate::observation::{Body, FailureClass, QueueScope};
use crate::source::poll::{Interrupted, Poll, Wake};
use crate::source::{Outbox, Texts};

use super::client::Client;
use super::error::ClientError;
use super::instance_jobs::{self, Reading, Wanted};
use super::notes::Notes;
use super::pace::Pace;
use super::queue_projects::ProjectsQueue;

/// How often `auto` tries the better way again: a token may be given more rights while we run.
const CHOOSE_AGAIN: Duration = Duration::from_secs(10 * 60);

/// By which way the queue is read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The whole instance at once.
    Instance,
    /// Project by project.
    Projects,
}

/// The source [`GitlabQueue`](crate::observation::SourceKind::GitlabQueue).
pub(crate) struct Queue {
    choice: QueueChoice,
    client: Client,
    projects: ProjectsQueue,
    way: watch::Sender<Option<Way>>,
    chosen_at: Option<Duration>,
    pace: Pace,
    notes: Notes,
    texts: Texts,
}

impl Queue {
    /// Also returns where the way taken can be read.
    pub(crate) fn new(
        choice: QueueChoice,
        client: Client,
        projects: ProjectsQueue,
        pace: Pace,
    ) -> (Self, watch::Receiver<Option<Way>>) {
        let fixed = match choice {
            QueueChoice::Auto => None,
            QueueChoice::Instance => Some(Way::Instance),
            QueueChoice::Projects => Some(Way::Projects),
        };
        let (way, seen) = watch::channel(fixed);
        (
            Self {
                choice,
                client,
                projects,
                way,
                chosen_at: None,
                pace,
                notes: Notes::default(),
                texts: Texts::default(),
            },
            seen,
        )
    }

    async fn read_instance(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let read = instance_jobs::read(&self.client, Wanted::Pending, &mut self.texts).await?;
        self.say_instance(outbox, read).await
    }

    async fn say_instance(&mut self, outbox: &Outbox, read: instance_jobs::InstanceJobs) -> Result<(), Interrupted> {
        if read.hidden > 0 {
            let note = "GitLab does not show some pending jobs to the token: the queue may be longer than it looks";
            self.notes.say(outbox, "hidden", note.into()).await?;
        } else {
            self.notes.clear("hidden");
        }
        outbox.say(Body::Queue { scope: QueueScope::Instance, jobs: read.jobs }).await?;
        self.pace.adapt(read.requests, outbox).await?;
        Ok(())
    }

    async fn read_projects(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        self.pace.adapt(0, outbox).await?;
        self.projects.run(outbox).await
    }

    async fn choose(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let current = *self.way.borrow();
        let due = self.chosen_at.is_none_or(|at| now.saturating_sub(at) >= CHOOSE_AGAIN);
        if current == Some(Way::Projects) && !due {
            return self.read_projects(outbox).await;
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
            Err(error) if means_no(&error) && self.projects.has_groups() => {
                self.take(Way::Projects, now);
                let why = format!("reading the queue project by project, since {error}");
                self.notes.say(outbox, "way", why).await?;
                self.read_projects(outbox).await
            }
            // Neither a yes nor a no: what worked so far goes on.
            Err(_) if current == Some(Way::Projects) => self.read_projects(outbox).await,
            Err(error) => Err(error.into()),
        }
    }

    fn take(&mut self, way: Way, now: Duration) {
        self.chosen_at = Some(now);
        self.way.send_if_modified(|current| current.replace(way) != Some(way));
    }
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
            QueueChoice::Instance => self.read_instance(outbox).await,
            QueueChoice::Projects => self.read_projects(outbox).await,
        }
    }

    fn rounds(&self) -> u32 {
        self.pace.rounds()
    }

    async fn woken(&mut self) -> Wake {
        // A list of the whole instance is read as a whole.
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
