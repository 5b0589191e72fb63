//! All jobs of the instance in one status, or those of them that one runner would take: one request per 100 of them,
//! however many projects there are.
//!
//! GitLab answers these lists with *nothing*, not with an error, when the token may not read them. So each request also
//! asks for something that needs the same right and does fail: only an answer that shows both is believed.

use serde_json::{Value, json};

use crate::metrics::Operation;
use crate::observation::{JobReport, JobStatus, RunnerId};
use crate::source::Texts;

use super::client::{Call, Client};
use super::error::ClientError;
use super::graphql::Data;
use super::queries::{Document, JOBS, RUNNER_QUEUE};
use super::translate::{job_from_graphql, nodes};

/// 50,000 jobs: more is no queue that anybody could read within a poll.
pub(crate) const MAX_PAGES: u32 = 500;

/// The jobs of one status.
#[derive(Debug)]
pub(crate) struct InstanceJobs {
    pub(crate) jobs: Vec<JobReport>,
    /// Rows that GitLab counted but did not show.
    pub(crate) hidden: usize,
    /// What it cost.
    pub(crate) requests: usize,
}

/// Which list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Pending,
    Running,
    /// Of the pending ones those that a runner would take.
    PendingFor(RunnerId),
}

impl Wanted {
    fn operation(self) -> Operation {
        match self {
            Self::Pending => Operation::QueueInstance,
            Self::Running => Operation::RunningInstance,
            Self::PendingFor(_) => Operation::QueueRunner,
        }
    }

    fn asks(self, after: Option<&str>) -> (Document, Value) {
        match self {
            Self::Pending => (JOBS, json!({ "statuses": ["PENDING"], "after": after })),
            Self::Running => (JOBS, json!({ "statuses": ["RUNNING"], "after": after })),
            Self::PendingFor(runner) => {
                (RUNNER_QUEUE, json!({ "runner": format!("gid://gitlab/Ci::Runner/{runner}"), "after": after }))
            }
        }
    }

    /// Where an answer shows that the token may read the list.
    fn proof(self) -> &'static str {
        match self {
            Self::Pending | Self::Running => "/runners/nodes",
            Self::PendingFor(_) => "/runner/jobs/nodes",
        }
    }

    fn status(self) -> JobStatus {
        match self {
            Self::Pending | Self::PendingFor(_) => JobStatus::Pending,
            Self::Running => JobStatus::Running,
        }
    }
}

/// A list that is being read.
pub(crate) struct Reading {
    wanted: Wanted,
    call: Call,
    jobs: Vec<JobReport>,
    hidden: usize,
    requests: usize,
    /// Where the next page begins; none after the last one.
    next: Option<String>,
}

impl Reading {
    /// Reads the first page: its answer shows whether the token may read the list at all.
    pub(crate) async fn begin(client: &Client, wanted: Wanted, texts: &mut Texts) -> Result<Self, ClientError> {
        let call = client.call(wanted.operation());
        let mut reading = Self { wanted, call, jobs: Vec::new(), hidden: 0, requests: 0, next: None };
        reading.page(texts).await?;
        Ok(reading)
    }

    /// Reads the other pages.
    pub(crate) async fn finish(mut self, texts: &mut Texts) -> Result<InstanceJobs, ClientError> {
        for _ in 1..MAX_PAGES {
            if self.next.is_none() {
                break;
            }
            self.page(texts).await?;
        }
        if self.next.is_some() {
            let detail = format!("the list did not end after {MAX_PAGES} pages");
            return Err(ClientError::TooLarge { operation: self.wanted.operation(), detail });
        }
        // A job that slid to the next page while we read is still one job.
        self.jobs.sort_by_key(|job| job.id);
        self.jobs.dedup_by_key(|job| job.id);
        Ok(InstanceJobs { jobs: self.jobs, hidden: self.hidden, requests: self.requests })
    }

    async fn page(&mut self, texts: &mut Texts) -> Result<(), ClientError> {
        let (document, variables) = self.wanted.asks(self.next.as_deref());
        self.requests += 1;
        let answer = self.call.graphql(&document, &variables).await?;
        let may = answer.refused.is_empty() && answer.data.pointer(self.wanted.proof()).is_some_and(Value::is_array);
        let Some(connection) = answer.data.get("jobs").filter(|jobs| may && jobs.is_object()) else {
            return Err(blind(self.wanted, &answer));
        };
        let (shown, unseen) = nodes(connection);
        self.hidden += unseen;
        for node in shown {
            let Some(mut job) = job_from_graphql(node, answer.date) else { continue };
            if node.get("status").is_none_or(Value::is_null) {
                job.status = self.wanted.status();
            }
            if job.status == self.wanted.status() {
                texts.of_job(&mut job);
                self.jobs.push(job);
            }
        }
        let next = next_cursor(connection);
        if next.is_some() && next == self.next.as_deref() {
            return Err(self.call.malformed("the cursor of the next page leads to the same page"));
        }
        self.next = next.map(str::to_owned);
        Ok(())
    }
}

/// Reads the whole list.
pub(crate) async fn read(client: &Client, wanted: Wanted, texts: &mut Texts) -> Result<InstanceJobs, ClientError> {
    Reading::begin(client, wanted, texts).await?.finish(texts).await
}

pub(crate) fn next_cursor(connection: &Value) -> Option<&str> {
    let page = connection.get("pageInfo")?;
    if page.get("hasNextPage")?.as_bool()? { page.get("endCursor")?.as_str() } else { None }
}

/// Says which token would see.
fn blind(wanted: Wanted, answer: &Data) -> ClientError {
    let user = answer.data.get("currentUser").filter(|user| user.is_object());
    let detail = match user.map(|user| user.get("admin").and_then(Value::as_bool)) {
        None => "GitLab does not know the user of this token: it is invalid, expired, or not a personal, group or \
                 project access token with the scope read_api"
            .to_owned(),
        Some(_) if let Wanted::PendingFor(runner) = wanted => format!(
            "the token may not see the jobs of the runner {runner}, or there is no such runner any more: it takes the role \
             Maintainer in the group of a group's runner, an administrator for one of the instance (scope read_api, \
             GitLab 18.1 or later)"
        ),
        Some(Some(true)) => "the token belongs to an administrator but acts outside Admin Mode, where GitLab shows an \
                             empty queue: give the token the scope admin_mode beside read_api"
            .to_owned(),
        Some(_) => {
            "the token may not see the jobs of the whole instance, and GitLab shows it an empty queue instead of \
                    an error: it takes an administrator's token or one with the custom admin role permission \
                    read_admin_cicd (scope read_api); or set gitlab.queue.source: projects with gitlab.queue.groups"
                .to_owned()
        }
    };
    ClientError::Blind { operation: wanted.operation(), detail }
}
