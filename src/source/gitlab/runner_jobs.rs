//! The jobs that the tiers' runners took lately: what was taken and was over between two looks at the queue, and what
//! tiers without Kubernetes run.
//!
//! GitLab lists a runner's jobs newest first by id, that is by creation, not by start. So a list is read until a page
//! shows nothing that was not told before; a job made long ago and taken late has been seen waiting meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gitlab::api::runners::{RunnerJobStatus, RunnerJobs as Endpoint};
use tokio::sync::watch;

use crate::metrics::Operation;
use crate::observation::{Body, JobId, JobReport, JobStatus, RunnerId, Wishes};
use crate::source::poll::{Interrupted, Poll};
use crate::source::{Outbox, Texts};

use super::budget::per_round;
use super::client::Client;
use super::error::ClientError;
use super::notes::{Notes, some_of};
use super::paging::{Page, Paging};
use super::queue_projects::prepare;
use super::translate::job_from_runner;

/// The part of the request budget that these lists may use.
const BUDGET_PART: f64 = 0.05;

/// Pages of one look at one runner: 500 jobs since the last one.
const MAX_PAGES: usize = 5;

/// 2,000 running jobs of one runner.
const MAX_RUNNING_PAGES: usize = 20;

/// A runner that does not show its jobs gets another request only now and then.
const ASK_HIDDEN_AGAIN: Duration = Duration::from_secs(30 * 60);

/// The source [`GitlabRunnerJobs`](crate::observation::SourceKind::GitlabRunnerJobs).
pub(crate) struct RunnerJobs {
    client: Client,
    wishes: watch::Receiver<Arc<Wishes>>,
    at_most: usize,
    looks: BTreeMap<RunnerId, Look>,
    notes: Notes,
    texts: Texts,
}

/// What was told of one runner.
#[derive(Debug, Default)]
struct Look {
    at: Option<Duration>,
    hidden: bool,
    told: BTreeMap<JobId, JobStatus>,
}

impl Look {
    fn due(&self, now: Duration) -> bool {
        !self.hidden || self.at.is_none_or(|at| now.saturating_sub(at) >= ASK_HIDDEN_AGAIN)
    }

    fn is_news(&self, job: &JobReport) -> bool {
        self.told.get(&job.id) != Some(&job.status)
    }

    /// Whether older pages may hold news, too. What is older than everything told is the past.
    fn goes_on(&self, mut page: impl Iterator<Item = JobReport>) -> bool {
        let oldest = self.told.first_key_value().map(|(id, _)| *id);
        oldest.is_some_and(|oldest| page.any(|job| job.id > oldest && self.is_news(&job)))
    }
}

impl RunnerJobs {
    pub(crate) fn new(
        client: Client,
        wishes: watch::Receiver<Arc<Wishes>>,
        requests_per_minute: u32,
        interval: Duration,
    ) -> Self {
        let at_most = per_round(requests_per_minute, interval, BUDGET_PART);
        let (looks, notes, texts) = (BTreeMap::new(), Notes::default(), Texts::default());
        Self { client, wishes, at_most, looks, notes, texts }
    }

    /// The runners whose turn it is, the longest not looked at first.
    fn turn(&mut self, now: Duration) -> Vec<RunnerId> {
        let wished = self.wishes.borrow_and_update().runners.clone();
        self.looks.retain(|runner, _| wished.contains(runner));
        for runner in wished {
            self.looks.entry(runner).or_default();
        }
        let mut due: Vec<_> =
            self.looks.iter().filter(|(_, look)| look.due(now)).map(|(runner, look)| (look.at, *runner)).collect();
        due.sort_unstable();
        due.into_iter().take(self.at_most).map(|(_, runner)| runner).collect()
    }

    async fn look_at(&mut self, runner: RunnerId, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let look = self.looks.entry(runner).or_default();
        look.at = Some(now);
        let jobs = match newest(&self.client, runner, look).await {
            Ok(jobs) => jobs,
            Err(error) if error.is_hidden() => {
                look.hidden = true;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        look.hidden = false;
        let told = jobs.values().map(|job| (job.id, job.status)).collect();
        let before = Look { told: std::mem::replace(&mut look.told, told), ..Look::default() };
        for mut job in jobs.into_values().filter(|job| before.is_news(job)) {
            self.texts.of_job(&mut job);
            outbox.say(Body::Job(Box::new(job))).await?;
        }
        Ok(())
    }

    async fn tell_hidden(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let hidden: Vec<String> =
            self.looks.iter().filter(|(_, look)| look.hidden).map(|(runner, _)| runner.to_string()).collect();
        if hidden.is_empty() {
            self.notes.clear("hidden");
            return Ok(());
        }
        let note = format!(
            "the token does not show the jobs of {} of {} runners: {}; a job that they take and end between two looks at \
             the queue may go unseen. It takes the role Maintainer for a group's runner, an administrator for the \
             instance's",
            hidden.len(),
            self.looks.len(),
            some_of(&hidden)
        );
        self.notes.say(outbox, "hidden", note).await?;
        Ok(())
    }
}

/// The newest jobs of a runner, until a page holds nothing new.
async fn newest(client: &Client, runner: RunnerId, look: &Look) -> Result<BTreeMap<JobId, JobReport>, ClientError> {
    let endpoint = Endpoint::builder().runner(runner.0).build().map_err(prepare)?;
    let mut pages = 0;
    let enough = |page: &Page| {
        pages += 1;
        pages >= MAX_PAGES || !look.goes_on(reports(page, runner))
    };
    let pages = client.call(Operation::RunnerJobs).pages_until(&endpoint, Paging::Keyset, enough).await?;
    Ok(pages.iter().flat_map(|page| reports(page, runner)).map(|job| (job.id, job)).collect())
}

/// All jobs that a runner has in its hands, and how many requests they took.
pub(crate) async fn running(client: &Client, runner: RunnerId) -> Result<(Vec<JobReport>, usize), ClientError> {
    let endpoint = Endpoint::builder().runner(runner.0).status(RunnerJobStatus::Running).build().map_err(prepare)?;
    let pages = client.call(Operation::RunnerJobs).pages(&endpoint, Paging::Keyset, MAX_RUNNING_PAGES).await?;
    let jobs: BTreeMap<JobId, JobReport> = pages
        .iter()
        .flat_map(|page| reports(page, runner))
        .filter(|job| job.status == JobStatus::Running)
        .map(|job| (job.id, job))
        .collect();
    Ok((jobs.into_values().collect(), pages.len()))
}

fn reports(page: &Page, runner: RunnerId) -> impl Iterator<Item = JobReport> {
    page.rows.iter().filter_map(move |row| job_from_runner(row, runner, page.date))
}

#[async_trait]
impl Poll for RunnerJobs {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let turn = self.turn(outbox.clock().now().mono);
        for runner in turn {
            self.look_at(runner, outbox).await?;
        }
        self.tell_hidden(outbox).await?;
        // Nothing new is not the same as not being there.
        outbox.say(Body::Alive).await?;
        Ok(())
    }
}
