//! What can be said of one job at one instant: where it is, where its time went, and what holds it up.
//!
//! `None` is "not known", never zero.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cause::{Scheduling, labels};
use crate::model::assessment::{CauseLine, UnservedReason};
use crate::model::occurrence::{Outcome, Phase};
use crate::observation::{JobId, Now, PodPhase, RunnerId};

/// One job at one instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobAssessment {
    /// When it was judged.
    pub at: Now,
    /// The job.
    pub id: JobId,
    /// Its name (the user's text).
    pub name: Arc<str>,
    /// Its project, where known.
    pub project: Option<Arc<str>>,
    /// Its branch or tag (the user's text).
    pub git_ref: Option<Arc<str>>,
    /// The tags that it asks for; absent when GitLab has not told them.
    pub tags: Option<Vec<Arc<str>>>,
    /// Where it is.
    pub state: JobState,
    /// The verdict in a sentence.
    pub headline: String,
    /// What it has to do with the tiers.
    pub place: Place,
    /// The runner that took it.
    pub runner: Option<RunnerId>,
    /// That runner's description.
    pub runner_description: Option<Arc<str>>,
    /// GitLab: became pending.
    pub queued_at: Option<Timestamp>,
    /// GitLab: a runner took it.
    pub started_at: Option<Timestamp>,
    /// Kubelet: its build container started.
    pub running_at: Option<Timestamp>,
    /// GitLab: over.
    pub finished_at: Option<Timestamp>,
    /// How fast a job of its tier should start.
    pub start_within: Option<Duration>,
    /// From queued to running, or so far.
    pub took: Option<Duration>,
    /// Where that time went, in order.
    pub phases: Vec<JobPhase>,
    /// The verdict on its start.
    pub outcome: Option<Outcome>,
    /// GitLab's word for its failure.
    pub failure_reason: Option<Arc<str>>,
    /// What holds it up or held it up.
    pub causes: Vec<CauseLine>,
    /// While no node takes its pod: each cause, and on how many nodes.
    pub refusals: Vec<(Scheduling, u32)>,
    /// Its pods, oldest first.
    pub pods: Vec<JobPod>,
}

labels! {
    /// Where a job is.
    JobState {
        /// In GitLab's queue.
        Waiting = "waiting",
        /// Taken by a runner; its build container does not run yet.
        Starting = "starting",
        /// Its build container runs, or GitLab says so and no pods can be seen.
        Running = "running",
        /// Over, and well.
        Success = "success",
        /// Over, and not well.
        Failed = "failed",
        /// Canceled.
        Canceled = "canceled",
        /// It left a list and no answer says yet where it went.
        Unknown = "unknown",
    }
}

/// What a job has to do with the tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Place {
    /// This tier took it, or only this tier would.
    Tier {
        /// The tier.
        tier: Arc<str>,
    },
    /// Runners of several tiers would take it.
    Shared {
        /// The tiers.
        tiers: Vec<Arc<str>>,
    },
    /// Its tags fit these tiers, the rest cannot be proven.
    Uncertain {
        /// The tiers.
        tiers: Vec<Arc<str>>,
    },
    /// No runner fits.
    Unserved {
        /// The nearest tier.
        nearest: Arc<str>,
        /// What is missing.
        reason: UnservedReason,
        /// Tags that the nearest runner lacks.
        missing_tags: Vec<Arc<str>>,
    },
    /// No business of any tier.
    OutOfScope,
}

/// A phase of a job's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JobPhase {
    /// The phase.
    pub phase: Phase,
    /// How long it took, or has taken so far.
    pub took: Duration,
    /// It is not over.
    pub open: bool,
}

/// A pod that says it runs the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobPod {
    /// Its uid.
    pub uid: Arc<str>,
    /// Its namespace, while it is remembered.
    pub namespace: Option<Arc<str>>,
    /// Its name, while it is remembered.
    pub name: Option<Arc<str>>,
    /// Its node.
    pub node: Option<Arc<str>>,
    /// Its phase, while it is remembered.
    pub phase: Option<PodPhase>,
    /// It is deleted.
    pub gone: bool,
    /// GitLab contradicts its claim to run this job.
    pub rejected: bool,
}
