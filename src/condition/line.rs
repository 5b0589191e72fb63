//! What a condition is called, and what is said of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::ledger::AS_BEFORE;
use crate::cause::labels;
use crate::observation::EarlierAlert;

labels! {
    /// A named judgement: the `condition` label.
    Condition {
        /// A job of a quiet tier waits far too long.
        JobsOverdue = "jobs_overdue",
        /// Jobs wait and nothing starts any.
        QueueStalled = "queue_stalled",
        /// GitLab gave up on a job that waited.
        JobsDropped = "jobs_dropped",
        /// The platform breaks jobs.
        PlatformFailures = "platform_failures",
        /// No runner manager works.
        Down = "down",
        /// No node takes job pods.
        Unschedulable = "unschedulable",
        /// Several projects cannot pull images.
        ImagePullFailing = "image_pull_failing",
        /// No node is made for waiting pods.
        ScaleUpBlocked = "scale_up_blocked",
        /// Jobs wait, and there is no room left.
        AtCapacity = "at_capacity",
        /// Some runners do not work.
        RunnersOffline = "runners_offline",
        /// One project has filled the queue.
        Flooded = "flooded",
        /// No runner may take a job that asks for the tier.
        JobsUnserved = "jobs_unserved",
        /// A runner's token ends soon.
        RunnerTokenExpiring = "runner_token_expiring",
        /// A runner's token ends within days.
        RunnerTokenEnding = "runner_token_ending",
        /// A runner's token is too old.
        RunnerTokenTooOld = "runner_token_too_old",
        /// What is there is not what was declared; for each check.
        BoundaryMoved = "boundary_moved",
        /// A source is blind; for each source.
        SourceDown = "source_down",
        /// Neither queue nor pods of the tier are seen.
        Unobserved = "unobserved",
        /// A tier that is always in use is not.
        NoTraffic = "no_traffic",
        /// The token that tierwatch uses ends soon.
        ApiTokenExpiring = "api_token_expiring",
        /// The token that tierwatch uses ends within days.
        ApiTokenEnding = "api_token_ending",
        /// Part of the queue is out of sight.
        QueueCoverageLow = "queue_coverage_low",
        /// Many failures have no known cause.
        Unclassified = "unclassified",
        /// A secret file cannot be used.
        SecretReloadFailed = "secret_reload_failed",
    }
}

impl Condition {
    /// It judges tierwatch itself, not a tier.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Self::ApiTokenExpiring
                | Self::ApiTokenEnding
                | Self::QueueCoverageLow
                | Self::Unclassified
                | Self::SecretReloadFailed
        )
    }

    /// The label that tells apart what it is about, beside the tier.
    #[must_use]
    pub const fn subject_label(self) -> Option<&'static str> {
        match self {
            Self::BoundaryMoved => Some("check"),
            Self::SourceDown => Some("source"),
            Self::JobsOverdue
            | Self::QueueStalled
            | Self::JobsDropped
            | Self::PlatformFailures
            | Self::Down
            | Self::Unschedulable
            | Self::ImagePullFailing
            | Self::ScaleUpBlocked
            | Self::AtCapacity
            | Self::RunnersOffline
            | Self::Flooded
            | Self::JobsUnserved
            | Self::RunnerTokenExpiring
            | Self::RunnerTokenEnding
            | Self::RunnerTokenTooOld
            | Self::Unobserved
            | Self::NoTraffic
            | Self::ApiTokenExpiring
            | Self::ApiTokenEnding
            | Self::QueueCoverageLow
            | Self::Unclassified
            | Self::SecretReloadFailed => None,
        }
    }
}

/// A condition as it is judged now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionLine {
    /// Which one.
    pub condition: Condition,
    /// The check or the source that it is about, where it is about one.
    pub subject: Option<Arc<str>>,
    /// Whether it holds; absent while it is withheld.
    pub holds: Option<bool>,
    /// Since when what it looks at is so, its own patience included; absent while it is not.
    pub since: Option<Timestamp>,
    /// Why it holds, or what cannot be seen; empty where all is well.
    pub reason: String,
    /// Since when it has been well again, while that is too short to count.
    #[serde(skip)]
    pub pausing: Option<Timestamp>,
    /// An earlier run judged it, and this one has not watched for as long as the condition looks back.
    #[serde(skip)]
    pub taken_over: bool,
}

impl ConditionLine {
    /// As an earlier run left it.
    pub(crate) fn earlier(alert: &EarlierAlert) -> Self {
        Self {
            condition: alert.condition,
            subject: alert.subject.clone(),
            holds: Some(true),
            since: Some(alert.since),
            reason: AS_BEFORE.to_owned(),
            pausing: None,
            taken_over: true,
        }
    }
}

/// What a condition finds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    /// All is well.
    Fine,
    /// The data is missing or too old: which.
    Withheld(&'static str),
    /// It is so: why, in words.
    So(String),
}
