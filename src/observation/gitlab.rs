//! What GitLab may be heard to say: jobs, projects, protected refs, runners.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{JobId, ProjectId, RunnerId};
use crate::cause::closed;

/// What a list of jobs is complete for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueScope {
    /// The whole GitLab instance.
    Instance,
    /// One project.
    Project(ProjectId),
    /// The jobs that one runner took.
    Runner(RunnerId),
}

/// A job's status. GitLab's list is open; what judgement does not tell apart is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for a runner.
    Pending,
    /// Taken by a runner; its pod may still be pending.
    Running,
    /// Finished well.
    Success,
    /// Finished badly; `failure_reason` tells why.
    Failed,
    /// Canceled or being canceled.
    Canceled,
    /// Any other status.
    Other,
}

/// What GitLab says about one job. Absent fields were not shown to us.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// The job.
    pub id: JobId,
    /// Its project's id.
    pub project: Option<ProjectId>,
    /// Its project's full path.
    pub project_path: Option<Arc<str>>,
    /// Its name (the user's text).
    pub name: Arc<str>,
    /// Branch or tag name (the user's text).
    pub git_ref: Option<Arc<str>>,
    /// Whether `git_ref` is a tag.
    pub is_tag: Option<bool>,
    /// The job's own tags; REST's list by runner does not show them.
    pub tags: Option<Vec<Arc<str>>>,
    /// Its status.
    pub status: JobStatus,
    /// GitLab's verdict that no runner could take it; REST does not show it.
    pub stuck: Option<bool>,
    /// GitLab's own `queued_duration`: the wait so far, or the whole wait of a started job.
    pub queued_for: Option<Duration>,
    /// When it became pending, by GitLab's clock.
    pub queued_at: Option<Timestamp>,
    /// When a runner took it, by GitLab's clock.
    pub started_at: Option<Timestamp>,
    /// When it ended, by GitLab's clock.
    pub finished_at: Option<Timestamp>,
    /// The runner that took it.
    pub runner: Option<RunnerId>,
    /// GitLab's `failure_reason`, an open string; only failed jobs have one.
    pub failure_reason: Option<Arc<str>>,
    /// Which of the runners that were asked for would take it, by GitLab's own matching; absent where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takers: Option<Vec<RunnerId>>,
}

/// How the log of a failed job ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLog {
    /// The job.
    pub job: JobId,
    /// What the runner gave the job up with, cut; absent when the log does not say it or may not be read. It is judged
    /// and forgotten, never shown.
    pub given_up: Option<Arc<str>>,
}

/// A project whose queue is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectReport {
    /// The project.
    pub id: ProjectId,
    /// Its full path.
    pub path: Arc<str>,
}

/// The protected branch and tag patterns of a project (`*` matches any text, also `/`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedRefs {
    /// The project.
    pub project: ProjectId,
    /// Patterns of protected branches; absent when not readable.
    pub branches: Option<Vec<Arc<str>>>,
    /// Patterns of protected tags; absent when not readable.
    pub tags: Option<Vec<Arc<str>>>,
}

/// GitLab's word on a runner or a manager. It says `online` for two hours after the last contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerStatus {
    /// Contacted within two hours.
    Online,
    /// Contacted, but not within two hours.
    Offline,
    /// No contact for seven days.
    Stale,
    /// Never in contact.
    NeverContacted,
    /// A status this version does not know.
    Other,
}

impl RunnerStatus {
    /// Every value.
    pub const ALL: [Self; 5] = [Self::Online, Self::Offline, Self::Stale, Self::NeverContacted, Self::Other];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Stale => "stale",
            Self::NeverContacted => "never_contacted",
            Self::Other => "other",
        }
    }
}

closed!(RunnerStatus);

/// Whose jobs a runner may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerScope {
    /// Every project of the instance.
    Instance,
    /// Projects below these groups (full paths).
    Groups(Vec<Arc<str>>),
    /// These projects (full paths).
    Projects(Vec<Arc<str>>),
    /// Not shown to us.
    Unknown,
}

/// What GitLab says about one runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunnerReport {
    /// The runner.
    pub id: RunnerId,
    /// Its description.
    pub description: Arc<str>,
    /// First eight characters of its token.
    pub short_sha: Option<Arc<str>>,
    /// Its tags.
    pub tags: Vec<Arc<str>>,
    /// Takes jobs without tags.
    pub run_untagged: bool,
    /// Takes only jobs of protected refs (`access_level = ref_protected`).
    pub protected: bool,
    /// May not be assigned to further projects.
    pub locked: bool,
    /// Takes no jobs for now.
    pub paused: bool,
    /// Status, with `paused` told apart.
    pub status: RunnerStatus,
    /// Whose jobs it may take.
    pub scope: RunnerScope,
    /// Last contact; GitLab writes it only every 40 to 55 minutes.
    pub contacted_at: Option<Timestamp>,
    /// When the runner was created: an upper bound of the token's age.
    pub created_at: Option<Timestamp>,
    /// When its token ends; absent also when we may not see it.
    pub token_expires_at: Option<Timestamp>,
    /// We may not see when its token ends.
    #[serde(default)]
    pub expiry_hidden: bool,
    /// One per process that runs with the token; absent when not readable.
    pub managers: Option<Vec<ManagerReport>>,
}

/// One process that runs with a runner's token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerReport {
    /// GitLab's id of the machine.
    pub system_id: Arc<str>,
    /// Its status.
    pub status: RunnerStatus,
    /// Last contact, as coarse as the runner's.
    pub contacted_at: Option<Timestamp>,
    /// GitLab Runner's version.
    pub version: Option<Arc<str>>,
}

/// What GitLab says of the token that tierwatch itself uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiTokenReport {
    /// What it may do, e.g. `read_api`.
    pub scopes: Vec<Arc<str>>,
    /// When it was made, or last rotated.
    pub created_at: Option<Timestamp>,
    /// The start of the day on which it ends, UTC; absent: never.
    pub expires_at: Option<Timestamp>,
}
