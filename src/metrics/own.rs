//! tierwatch's own health, told by the rooms that do IO.

use std::time::Duration;

use crate::observation::SourceKind;

/// What is asked of GitLab: the closed set of the `operation` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// GraphQL root jobs, pending.
    QueueInstance,
    /// GraphQL root jobs, running.
    RunningInstance,
    /// Jobs of one project.
    ProjectJobs,
    /// One job.
    Job,
    /// Projects of a group.
    GroupProjects,
    /// Protected branches and tags.
    ProtectedRefs,
    /// Runners over GraphQL.
    Runners,
    /// Runners over REST, details and managers included.
    RunnerDetails,
    /// Our own token, user and version.
    Probe,
}

/// The first digit of the answer, or that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// 2xx.
    Success,
    /// 3xx.
    Redirect,
    /// 4xx, 429 apart.
    ClientError,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// No answer.
    None,
}

/// Handles of the families that rooms with IO feed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Own {}

impl Own {
    /// One request to GitLab ended.
    pub fn gitlab_request(&self, _operation: Operation, _status: StatusClass, _took: Duration) {}

    /// GitLab said how many requests are left in its window.
    pub fn gitlab_rate_limit_remaining(&self, _remaining: u64) {}

    /// One run of a poll source ended.
    pub fn source_run(&self, _source: SourceKind, _took: Duration) {}

    /// A watch was started anew.
    pub fn watch_restarted(&self, _source: SourceKind) {}
}
