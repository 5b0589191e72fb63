//! Questions about single jobs: asked by the outputs, answered by the desk between two observations.

use tokio::sync::{mpsc, oneshot};

use crate::model::job_assessment::JobAssessment;
use crate::observation::JobId;

/// Questions that wait; who asks more waits with them.
const WAITING: usize = 16;

/// A question about one job.
#[derive(Debug)]
pub struct Question {
    job: JobId,
    answer: oneshot::Sender<Option<JobAssessment>>,
}

impl Question {
    /// The job that is asked for.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// Answers it; `None` when nothing is known of the job.
    pub fn answer(self, told: Option<JobAssessment>) {
        // Who asked may have gone away meanwhile.
        let _ = self.answer.send(told);
    }
}

/// The desk has ended: the daemon is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the daemon is stopping and answers no more questions")]
pub struct DeskGone;

/// Where to ask.
#[derive(Debug, Clone)]
pub struct Enquiries(mpsc::Sender<Question>);

impl Enquiries {
    /// Where to ask, and where the questions arrive.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Question>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// What can be said of a job now.
    ///
    /// # Errors
    /// [`DeskGone`] when nobody answers any more.
    pub async fn job(&self, job: JobId) -> Result<Option<JobAssessment>, DeskGone> {
        let (answer, told) = oneshot::channel();
        self.0.send(Question { job, answer }).await.map_err(|_| DeskGone)?;
        told.await.map_err(|_| DeskGone)
    }
}
