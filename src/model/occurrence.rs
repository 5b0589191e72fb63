//! What happens once and is counted once, however often a poll, a relist or a restart shows it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::key::{Key, Subject};
use crate::cause::{Admission, Blame, Cause, Pull, Scheduling, labels};
use crate::model::policy::TierId;
use crate::observation::{FailureClass, JobId, SourceKey, SourceKind};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    /// A runner took a job: `queue_wait_seconds`.
    JobTaken {
        /// The tier that took it.
        tier: TierId,
        /// The job.
        job: JobId,
        /// GitLab's `queued_duration`.
        waited: Duration,
        /// When it happened, by GitLab's or Kubernetes' own clock, where that is known.
        at: Option<Timestamp>,
    },
    /// The build container of a job runs: `job_start_seconds` and the phases whose ends are both known.
    JobStarted {
        /// The tier.
        tier: TierId,
        /// The job.
        job: JobId,
        /// From queued to running; absent when the queue time is unknown.
        took: Option<Duration>,
        /// Where that time went.
        phases: Vec<(Phase, Duration)>,
        /// When it happened, by GitLab's or Kubernetes' own clock, where that is known.
        at: Option<Timestamp>,
    },
    /// The final verdict on a job's start: `job_start_outcomes_total`.
    JobOutcome {
        /// The tier.
        tier: TierId,
        /// The job.
        job: JobId,
        /// The verdict.
        outcome: Outcome,
        /// When it happened, by GitLab's or Kubernetes' own clock, where that is known.
        at: Option<Timestamp>,
    },
    /// GitLab gave up waiting: `jobs_dropped_total`.
    JobDropped {
        /// The tier.
        tier: TierId,
        /// The job.
        job: JobId,
        /// Why.
        reason: DropReason,
        /// When it happened, by GitLab's or Kubernetes' own clock, where that is known.
        at: Option<Timestamp>,
    },
    /// A job failed: `jobs_failed_total`.
    JobFailed {
        /// The tier.
        tier: TierId,
        /// The job.
        job: JobId,
        /// Why.
        reason: FailureReason,
        /// Whose fault.
        blame: Blame,
        /// When it happened, by GitLab's or Kubernetes' own clock, where that is known.
        at: Option<Timestamp>,
    },
    /// A pod entered Unschedulable: `scheduling_failures_total`.
    PodUnschedulable {
        /// The tier.
        tier: TierId,
        /// The pod's uid.
        pod: Arc<str>,
        /// First dominant cause.
        cause: Scheduling,
    },
    /// A container's image cannot be pulled: `image_pull_failures_total`, `registry_pull_failures_total`.
    PullFailed {
        /// The tier.
        tier: TierId,
        /// The pod's uid.
        pod: Arc<str>,
        /// The container's name.
        container: Arc<str>,
        /// The registry as a label value.
        registry: Arc<str>,
        /// Why.
        cause: Pull,
    },
    /// The cluster refused to make a pod: `admission_failures_total`.
    AdmissionRefused {
        /// The tier.
        tier: TierId,
        /// The job, or the controller that was to make the pod.
        of: Subject,
        /// Why.
        cause: Admission,
    },
    /// An image was pulled and the kubelet said how long that took: `image_pull_seconds`, `image_pull_queue_seconds`.
    ImagePulled {
        /// The tier.
        tier: TierId,
        /// The uid of the event that says so.
        event: Arc<str>,
        /// From the wish to the end, the wait included.
        total: Option<Duration>,
        /// The share of it spent in the kubelet's own queue.
        queued: Option<Duration>,
    },
    /// A pod with a node was held up or taken away: `pod_failures_total`.
    PodFailed {
        /// The tier.
        tier: TierId,
        /// The pod's uid.
        pod: Arc<str>,
        /// It was taken away, which happens once; otherwise it was held up, once by each cause.
        ended: bool,
        /// Why: one of [`Cause::of_broken_pods`].
        cause: Cause,
    },
    /// Something happened to a node or a claim of which no tier is known: `unjoined_node_events_total`.
    NodeEventUnjoined,
    /// A timestamp ran backwards and was bent: `clock_clamps_total`.
    ClockClamped {
        /// The job.
        job: JobId,
        /// The phase whose end lay before its start.
        phase: Phase,
    },
    /// An annotation's job id contradicted GitLab: `rejected_annotations_total`.
    AnnotationRejected {
        /// The tier of the pod.
        tier: TierId,
        /// The pod's uid.
        pod: Arc<str>,
    },
    /// A message had no known cause: `unclassified_total`.
    Unclassified {
        /// The family that should have known it.
        family: crate::cause::Family,
        /// Whom the message was about.
        of: Subject,
    },
    /// A source was asked: `source_attempts_total` and, when it failed, `source_failures_total`.
    SourceAttempt {
        /// The source.
        source: SourceKey,
        /// Why it failed.
        failure: Option<FailureClass>,
    },
    /// An observation was folded: `observations_total`.
    Observed {
        /// Its source.
        source: SourceKind,
    },
    /// A watch was blind or nobody watched for this long: `observation_gap_seconds_total`.
    Gap {
        /// The source.
        source: SourceKind,
        /// For how long.
        lasted: Duration,
    },
    /// A hook and GitLab's API differ about a job: `disagreements_total`.
    Disagreed {
        /// The job.
        job: JobId,
        /// In what.
        kind: Disagreement,
    },
    /// What was counted under another name, or was there before us: not counted now, and never to be.
    Silenced {
        /// The key under which it would count.
        key: Key,
    },
    /// A remembered key was dropped to stay within bounds: `dedup_evictions_total`.
    Evicted {
        /// The table.
        table: Table,
    },
}

impl Occurrence {
    /// When it happened by somebody else's clock; `None`: only when it was learned is known.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::JobTaken { at, .. }
            | Self::JobStarted { at, .. }
            | Self::JobOutcome { at, .. }
            | Self::JobDropped { at, .. }
            | Self::JobFailed { at, .. } => *at,
            Self::PodUnschedulable { .. }
            | Self::PullFailed { .. }
            | Self::AdmissionRefused { .. }
            | Self::ImagePulled { .. }
            | Self::PodFailed { .. }
            | Self::NodeEventUnjoined
            | Self::ClockClamped { .. }
            | Self::AnnotationRejected { .. }
            | Self::Unclassified { .. }
            | Self::SourceAttempt { .. }
            | Self::Observed { .. }
            | Self::Gap { .. }
            | Self::Disagreed { .. }
            | Self::Silenced { .. }
            | Self::Evicted { .. } => None,
        }
    }

    /// It befell this process, not what it watches: another process has its own.
    #[must_use]
    pub const fn is_of_this_process(&self) -> bool {
        matches!(
            self,
            Self::SourceAttempt { .. }
                | Self::Observed { .. }
                | Self::Gap { .. }
                | Self::Evicted { .. }
                | Self::Silenced { .. }
        )
    }
}

labels! {
    /// Where the time of a start goes.
    Phase {
        /// Waiting in GitLab's queue.
        Queue = "queue",
        /// From taken to pod created.
        Dispatch = "dispatch",
        /// From pod created to bound to a node.
        Schedule = "schedule",
        /// From bound to network and volumes ready.
        Sandbox = "sandbox",
        /// Pulls and container starts, until the build container runs.
        Containers = "containers",
    }
}

labels! {
    /// The verdict on a job's start.
    Outcome {
        /// Its build container ran within `start_within`.
        InTime = "in_time",
        /// It waited longer.
        Late = "late",
        /// The platform broke it before it ran.
        PlatformFailure = "platform_failure",
        /// The user's own image or configuration broke it before it ran.
        UserFailure = "user_failure",
        /// Canceled before it ran.
        Canceled = "canceled",
        /// Nobody could tell us.
        Unknown = "unknown",
    }
}

labels! {
    /// Why GitLab gave up waiting.
    DropReason {
        /// Pending for a day although runners fit.
        MatchingRunners = "stuck_pending_with_matching_runners",
        /// Pending for an hour and no runner fits.
        NoMatchingRunners = "stuck_pending_no_matching_runners",
        /// Older GitLab's word for both.
        StuckOrTimeout = "stuck_or_timeout_failure",
    }
}

labels! {
    /// Why a job failed, GitLab's words; the list is open, the rest is `other`.
    FailureReason {
        /// The user's script.
        Script = "script_failure",
        /// It ran longer than it may.
        Timeout = "job_execution_timeout",
        /// The runner or its cluster.
        RunnerSystem = "runner_system_failure",
        /// The image (runner up to 19.0).
        ImagePull = "image_pull_failure",
        /// The image or its credentials (runner since 19.1).
        RunnerConfiguration = "runner_configuration_error",
        /// Network, TLS or registry (runner since 19.1).
        RunnerExternalDependency = "runner_external_dependency_failure",
        /// The runner process was stopped.
        RunnerInterrupted = "runner_interrupted",
        /// Waited too long although runners fit.
        StuckMatching = "stuck_pending_with_matching_runners",
        /// Waited too long and no runner fits.
        StuckNoMatching = "stuck_pending_no_matching_runners",
        /// Older GitLab's word for both.
        StuckOrTimeout = "stuck_or_timeout_failure",
        /// GitLab's own API.
        Api = "api_failure",
        /// GitLab's scheduler.
        Scheduler = "scheduler_failure",
        /// An artifact it needs is gone.
        MissingDependency = "missing_dependency_failure",
        /// Anything else.
        Other = "other",
    }
}

impl FailureReason {
    /// Whose fault it can be. What ran, never had a pod, or happened in GitLab is known by the reason alone.
    #[must_use]
    pub const fn blames(self) -> &'static [Blame] {
        match self {
            Self::Script | Self::Timeout => &[Blame::User],
            Self::Api | Self::Scheduler | Self::StuckMatching | Self::StuckOrTimeout => &[Blame::Platform],
            Self::StuckNoMatching => &[Blame::Platform, Blame::User],
            Self::MissingDependency => &[Blame::Unclear],
            Self::RunnerSystem
            | Self::ImagePull
            | Self::RunnerConfiguration
            | Self::RunnerExternalDependency
            | Self::RunnerInterrupted
            | Self::Other => &[Blame::Platform, Blame::User, Blame::Unclear],
        }
    }
}

labels! {
    /// In what a hook and GitLab's API differ about one job.
    Disagreement {
        /// Which runner took it.
        Runner = "runner",
        /// When it was taken, by more than a few seconds.
        StartedAt = "started_at",
        /// How long it waited, by more than a few seconds.
        QueuedDuration = "queued_duration",
        /// Whether it ended, and how.
        Status = "status",
        /// Why it failed.
        FailureReason = "failure_reason",
    }
}

labels! {
    /// A bounded table.
    Table {
        /// Jobs.
        Jobs = "jobs",
        /// Tombstones of pods.
        Pods = "pods",
        /// Events that wait for their pod.
        Events = "events",
        /// What was said of nodes and of claims for them.
        Notices = "notices",
        /// Hooks received.
        Hooks = "hooks",
    }
}
