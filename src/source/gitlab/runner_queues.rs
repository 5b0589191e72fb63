//! The queue runner by runner: GitLab itself says which pending jobs a runner would take.
//!
//! It proves whose a job is where the rules alone cannot, and costs one request per hundred jobs and kind of runner,
//! however many projects there are. It cannot show what no runner would take.

use std::collections::BTreeMap;

use crate::observation::{Body, JobId, JobReport, RunnerId};
use crate::source::poll::Interrupted;
use crate::source::{Outbox, Texts};

use super::client::Client;
use super::error::ClientError;
use super::instance_jobs::{self, Wanted};
use super::notes::{Notes, some_of};

/// The queues of some runners.
#[derive(Debug, Default)]
pub(crate) struct RunnerQueues {
    /// Whose queues were shown.
    pub(crate) runners: Vec<RunnerId>,
    jobs: BTreeMap<JobId, JobReport>,
    /// Whose were not, and why.
    hidden: Vec<(RunnerId, ClientError)>,
    /// Rows that GitLab counted but did not show.
    unseen: usize,
    /// What it cost.
    pub(crate) requests: usize,
}

impl RunnerQueues {
    /// Reads the queues of `runners`; one that is not shown does not hide the others.
    ///
    /// # Errors
    /// What keeps every queue from being read.
    pub(crate) async fn read(client: &Client, runners: &[RunnerId], texts: &mut Texts) -> Result<Self, ClientError> {
        let mut queues = Self::default();
        for runner in runners {
            match instance_jobs::read(client, Wanted::PendingFor(*runner), texts).await {
                Ok(read) => {
                    queues.requests += read.requests;
                    queues.unseen += read.hidden;
                    queues.runners.push(*runner);
                    for job in read.jobs {
                        let known = queues.jobs.entry(job.id).or_insert(job);
                        known.takers.get_or_insert_default().push(*runner);
                    }
                }
                Err(error @ ClientError::Blind { .. }) => {
                    queues.requests += 1;
                    queues.hidden.push((*runner, error));
                }
                Err(error) => return Err(error),
            }
        }
        if queues.runners.is_empty()
            && let Some((_, error)) = queues.hidden.pop()
        {
            return Err(error);
        }
        Ok(queues)
    }

    /// Whether every queue that was asked for was shown.
    pub(crate) fn is_whole(&self) -> bool {
        self.hidden.is_empty()
    }

    pub(crate) async fn say(self, notes: &mut Notes, outbox: &Outbox) -> Result<(), Interrupted> {
        if self.hidden.is_empty() {
            notes.clear("runners");
        } else {
            let hidden: Vec<String> = self.hidden.iter().map(|(runner, _)| runner.to_string()).collect();
            let note = format!("the token does not show the queue of the runners {}", some_of(&hidden));
            notes.say(outbox, "runners", note).await?;
        }
        if self.unseen > 0 {
            notes.say(outbox, "hidden", super::queue::HIDDEN.into()).await?;
        } else {
            notes.clear("hidden");
        }
        outbox.say(Body::RunnerQueues { runners: self.runners, jobs: self.jobs.into_values().collect() }).await?;
        Ok(())
    }
}
