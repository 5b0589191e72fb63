//! A job's life as GitLab keeps it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobState {
    Pending,
    Running,
    Success,
    Failed,
    Canceled,
}

impl JobState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    pub(crate) const fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Success | Self::Failed | Self::Canceled => true,
        }
    }
}

/// What a job asks for and how it would go if nothing hindered it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) cpu_millis: u64,
    pub(crate) memory_mib: u64,
    pub(crate) image: Arc<str>,
    pub(crate) service: bool,
    pub(crate) runs_for: SignedDuration,
    /// Its script ends badly.
    pub(crate) fails: bool,
    /// Somebody cancels it while it waits.
    pub(crate) canceled_after: Option<SignedDuration>,
}

/// Which manager took it, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) at: Timestamp,
    pub(crate) runner: usize,
    pub(crate) manager: usize,
}

/// Three moments of a job's first pod, filled in as they come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstPod {
    pub(crate) created: Timestamp,
    pub(crate) bound: Timestamp,
    pub(crate) sandbox: Timestamp,
}

/// One job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) pipeline: u64,
    pub(crate) project: usize,
    /// The tier whose tag it carries.
    pub(crate) tier: usize,
    /// Whether any runner could ever take it, paused and dead ones included.
    pub(crate) served: bool,
    pub(crate) name: Arc<str>,
    pub(crate) stage: &'static str,
    pub(crate) git_ref: Arc<str>,
    pub(crate) is_tag: bool,
    pub(crate) protected: bool,
    pub(crate) tags: Vec<Arc<str>>,
    pub(crate) queued: Timestamp,
    pub(crate) taken: Option<Taken>,
    pub(crate) finished: Option<Timestamp>,
    pub(crate) state: JobState,
    pub(crate) failure: Option<&'static str>,
    /// How often the API server refused to make its pod.
    pub(crate) refusals: u32,
    /// The error with which its runner gave it up before it had a pod.
    pub(crate) given_up: Option<String>,
    pub(crate) plan: Plan,
    /// Its pods, oldest first; a pull retry makes a new one.
    pub(crate) pods: Vec<u64>,
    /// When its first pod was created, bound and had its sandbox.
    pub(crate) first_pod: Option<FirstPod>,
    /// Whether the verdict on its start is spoken; the first one is final.
    pub(crate) judged: bool,
    /// Whether its build container ever ran.
    pub(crate) built: bool,
}

impl Job {
    /// GitLab's `created_at`: the pipeline was made a moment before its first jobs were ready to run.
    pub(crate) fn created(&self) -> Timestamp {
        self.queued - SignedDuration::from_millis(350)
    }

    /// GitLab's `queued_duration`: it grows until the job starts, and for ever if it never does: GitLab counts to
    /// `started_at` and takes "now" where there is none, even for a canceled or dropped job.
    pub(crate) fn queued_for(&self, now: Timestamp) -> SignedDuration {
        let until = self.taken.map_or(now, |taken| taken.at);
        until.duration_since(self.queued).max(SignedDuration::ZERO)
    }

    /// GitLab's `duration`: still growing while the job runs.
    pub(crate) fn ran_for(&self, now: Timestamp) -> Option<SignedDuration> {
        let taken = self.taken?;
        Some(self.finished.unwrap_or(now).duration_since(taken.at).max(SignedDuration::ZERO))
    }
}

/// A runner: one authentication token, one or more managers. One per tier, at the tier's position.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    pub(crate) id: u64,
    /// The token after its `glrt-` prefix.
    pub(crate) token: String,
    pub(crate) paused: bool,
    pub(crate) managers: Vec<Manager>,
    pub(crate) created: Timestamp,
    pub(crate) token_expires: Option<Timestamp>,
    /// When its token was last renewed, as whoever did it wrote on the manager pods.
    pub(crate) token_rotated: Timestamp,
}

impl Runner {
    /// GitLab's `short_sha`.
    pub(crate) fn short_sha(&self) -> &str {
        self.token.get(..8).unwrap_or(&self.token)
    }

    /// GitLab Runner's short name of the token, as it stands on pods.
    pub(crate) fn short_token(&self) -> &str {
        self.token.get(..9).unwrap_or(&self.token)
    }

    /// GitLab keeps the newest contact of any manager.
    pub(crate) fn contacted(&self) -> Option<Timestamp> {
        self.managers.iter().map(|manager| manager.contacted).max()
    }
}

/// One process that runs with the runner's token.
#[derive(Debug, Clone)]
pub(crate) struct Manager {
    pub(crate) id: u64,
    pub(crate) system_id: String,
    pub(crate) pod: u64,
    pub(crate) up: bool,
    pub(crate) running: u32,
    /// As GitLab's database knows it: written rarely.
    pub(crate) contacted: Timestamp,
}

/// For two hours GitLab takes a silent runner for a living one, after seven days for a stale one.
pub(crate) fn contact_status(contacted: Option<Timestamp>, now: Timestamp) -> &'static str {
    let Some(contacted) = contacted else { return "never_contacted" };
    let silent = now.duration_since(contacted);
    if silent < SignedDuration::from_hours(2) {
        "online"
    } else if silent < SignedDuration::from_hours(7 * 24) {
        "offline"
    } else {
        "stale"
    }
}
