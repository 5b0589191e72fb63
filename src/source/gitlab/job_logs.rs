//! The end of the log of jobs that failed before they ran. The runner makes the pods itself, so this is the only
//! place where the cluster's refusal stands in words. Off unless the operator switches it on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::metrics::Operation;
use crate::observation::{Body, Failure, FailureClass, JobLog, LookUp, Wishes};
use crate::source::Outbox;
use crate::source::poll::{Interrupted, Poll};

use super::budget::per_round;
use super::client::Client;
use super::error::ClientError;
use super::notes::Notes;
use super::translate::given_up;
use super::wished::Wished;

/// The runner's last words are a line; after them come at most a few about cleaning up.
const TAIL: usize = 16 << 10;

/// A log that could not be read is tried again, but a GitLab that cannot send it needs more than a round to heal.
const ASK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// A token without the right gets it by a person's hand.
const REST_WITHOUT_RIGHT: Duration = Duration::from_secs(10 * 60);

/// The part of the request budget that logs may use.
const BUDGET_PART: f64 = 0.1;

/// The source [`GitlabJobLogs`](crate::observation::SourceKind::GitlabJobLogs).
pub(crate) struct JobLogs {
    client: Client,
    wishes: watch::Receiver<Arc<Wishes>>,
    wished: Wished,
    at_most: usize,
    notes: Notes,
}

impl JobLogs {
    pub(crate) fn new(
        client: Client,
        wishes: watch::Receiver<Arc<Wishes>>,
        requests_per_minute: u32,
        interval: Duration,
    ) -> Self {
        let at_most = per_round(requests_per_minute, interval, BUDGET_PART);
        Self { client, wishes, wished: Wished::new(ASK_AGAIN), at_most, notes: Notes::default() }
    }

    /// How the log ends, or nothing where this one cannot be had.
    async fn read(&mut self, wish: LookUp, outbox: &Outbox) -> Result<JobLog, Interrupted> {
        let path = format!("projects/{}/jobs/{}/trace", wish.project, wish.job);
        let given_up = match self.client.call(Operation::Trace).tail(&path, TAIL).await {
            Ok(tail) => given_up(&tail),
            Err(error) if error.is_hidden() => {
                let note = "the token may not read the logs of some jobs: its user needs the role Reporter in their \
                            projects, Developer where a job ran with debug logging";
                self.notes.say(outbox, "hidden", note.into()).await?;
                None
            }
            // So long a log was written by a script, and a script had a pod.
            Err(ClientError::TooLarge { .. }) => None,
            Err(error) => return Err(patient(error).into()),
        };
        Ok(JobLog { job: wish.job, given_up })
    }
}

/// Whoever lacks the right is not refused once for each job.
fn patient(error: ClientError) -> Failure {
    let mut failure = Failure::from(error);
    if matches!(failure.class, FailureClass::Unauthorized | FailureClass::Forbidden) {
        failure.retry_after = Some(REST_WITHOUT_RIGHT);
    }
    failure
}

#[async_trait]
impl Poll for JobLogs {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let wishes = self.wishes.borrow_and_update().clone();
        let due = self.wished.due(&wishes.logs, self.at_most, outbox.clock().now().mono);
        if due.is_empty() {
            // Nothing to ask is not the same as not being there.
            outbox.say(Body::Alive).await?;
        }
        for wish in due {
            self.wished.asked(wish.job, outbox.clock().now().mono);
            let log = self.read(wish, outbox).await?;
            outbox.say(Body::JobLog(log)).await?;
        }
        Ok(())
    }
}
