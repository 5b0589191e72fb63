//! Jobs that a runner took: the running ones of the instance, and single jobs that the desk wants looked up.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use gitlab::api::projects::jobs::Job;
use tokio::sync::watch;

use crate::metrics::Operation;
use crate::observation::{Body, Failure, JobReport, LookUp, QueueScope, RunnerId, Wishes};
use crate::source::poll::{Interrupted, Poll, Wake};
use crate::source::{Outbox, Texts};

use super::budget::per_round;
use super::client::Client;
use super::error::ClientError;
use super::instance_jobs::{self, Wanted};
use super::notes::Notes;
use super::pace::Pace;
use super::queue::Way;
use super::queue_projects::{AT_ONCE, prepare};
use super::runner_jobs;
use super::translate::job_from_rest;
use super::wished::Wished;

/// The same job is not asked for more often: GitLab needs time to finish what we wait for.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// The part of the request budget that look-ups may use beside lists of the whole instance.
const LOOK_UP_PART: f64 = 0.2;

/// Beside a queue that is read project by project, which takes most of the budget.
const LOOK_UP_PART_BESIDE_PROJECTS: f64 = 0.1;

/// The part that the list of running jobs may use: most starts are told by pods and look-ups, so a long list waits.
const LIST_PART: f64 = 0.2;

/// The source [`GitlabStarted`](crate::observation::SourceKind::GitlabStarted).
pub(crate) struct Started {
    client: Client,
    way: watch::Receiver<Option<Way>>,
    wishes: watch::Receiver<Arc<Wishes>>,
    requests_per_minute: u32,
    interval: Duration,
    wished: Wished,
    pace: Pace,
    /// Rounds without the list of running jobs, until it is read again.
    resting: u32,
    notes: Notes,
    texts: Texts,
}

impl Started {
    pub(crate) fn new(
        client: Client,
        way: watch::Receiver<Option<Way>>,
        wishes: watch::Receiver<Arc<Wishes>>,
        requests_per_minute: u32,
        interval: Duration,
    ) -> Self {
        let wished = Wished::new(ASK_AGAIN);
        let pace = Pace::new(interval, requests_per_minute, LIST_PART);
        let (notes, texts) = (Notes::default(), Texts::default());
        Self { client, way, wishes, requests_per_minute, interval, wished, pace, resting: 0, notes, texts }
    }

    /// The way the queue is read. `auto` chooses by its first answer: that is waited for, but not longer than a
    /// period, so that a GitLab that is down is said by this source, too.
    async fn chosen(&mut self, outbox: &Outbox) -> Option<Way> {
        let clock = outbox.clock().clone();
        tokio::select! {
            biased;
            way = self.way.wait_for(Option::is_some) => way.ok().and_then(|way| *way),
            () = clock.sleep(self.interval) => None,
        }
    }

    async fn say_running(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let read = instance_jobs::read(&self.client, Wanted::Running, &mut self.texts).await?;
        if read.hidden > 0 {
            let note = "GitLab does not show some running jobs to the token";
            self.notes.say(outbox, "hidden", note.into()).await?;
        } else {
            self.notes.clear("hidden");
        }
        outbox.say(Body::Running { scope: QueueScope::Instance, jobs: read.jobs }).await?;
        self.pace.adapt(read.requests, outbox).await?;
        self.resting = self.pace.rounds() - 1;
        Ok(())
    }

    /// Runner by runner; one that is not shown hides no other.
    async fn say_running_of(&mut self, runners: &[RunnerId], outbox: &Outbox) -> Result<(), Interrupted> {
        let mut requests = 0;
        for runner in runners {
            match runner_jobs::running(&self.client, *runner).await {
                Ok((jobs, pages)) => {
                    requests += pages;
                    outbox.say(Body::Running { scope: QueueScope::Runner(*runner), jobs }).await?;
                }
                Err(error) if error.is_hidden() => requests += 1,
                Err(error) => return Err(error.into()),
            }
        }
        self.pace.adapt(requests, outbox).await?;
        self.resting = self.pace.rounds() - 1;
        Ok(())
    }

    async fn look_up(&mut self, part: f64, outbox: &Outbox) -> Result<(), Interrupted> {
        let wishes = self.wishes.borrow_and_update().clone();
        let at_most = per_round(self.requests_per_minute, self.interval, part);
        let wanted = self.wished.due(&wishes.look_ups, at_most, outbox.clock().now().mono);
        let client = &self.client;
        let mut answers = futures::stream::iter(wanted)
            .map(|wish| async move { (ask(client, wish).await, wish) })
            .buffer_unordered(AT_ONCE);
        let mut first_failure: Option<Failure> = None;
        while let Some((answer, wish)) = answers.next().await {
            match answer {
                Ok(job) => outbox.say(Body::Job(Box::new(job))).await?,
                Err(error) if error.is_hidden() => outbox.say(Body::JobNotFound(wish.job)).await?,
                Err(error) if error.may_be_local() => {
                    first_failure.get_or_insert(error.into());
                }
                Err(error) => return Err(error.into()),
            }
            self.wished.asked(wish.job, outbox.clock().now().mono);
        }
        first_failure.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

async fn ask(client: &Client, wish: LookUp) -> Result<JobReport, ClientError> {
    let endpoint = Job::builder().project(wish.project.0).job(wish.job.0).build().map_err(prepare)?;
    let call = client.call(Operation::Job);
    let answer = call.get(&endpoint).await?;
    let mut job =
        job_from_rest(&answer.json, None, answer.date).ok_or_else(|| call.malformed("the answer is no job"))?;
    if job.id != wish.job {
        return Err(call.malformed("the answer is another job"));
    }
    job.project = job.project.or(Some(wish.project));
    Ok(job)
}

#[async_trait]
impl Poll for Started {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let way = self.chosen(outbox).await;
        if way == Some(Way::Projects) {
            // Project by project the running jobs come with the queue.
            self.pace.adapt(0, outbox).await?;
            self.resting = 0;
            return self.look_up(LOOK_UP_PART_BESIDE_PROJECTS, outbox).await;
        }
        if self.resting > 0 {
            self.resting -= 1;
        } else if way == Some(Way::Runners) {
            let runners = self.wishes.borrow().runners.clone();
            self.say_running_of(&runners, outbox).await?;
        } else {
            self.say_running(outbox).await?;
        }
        self.look_up(LOOK_UP_PART, outbox).await
    }

    async fn woken(&mut self) -> Wake {
        // The way changed: the running jobs need not wait for the next round.
        if self.way.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        Wake::Run
    }
}
