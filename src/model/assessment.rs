//! The levels and the verdicts at one instant: judged once, read by metrics, page and JSON alike.
//!
//! `None` is "not known", never zero.

mod lately;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cause::{Autoscale, Blame, Cause, Pull, Runtime, Scheduling, labels};
use crate::condition::{AlertSet, ConditionLine};
use crate::model::occurrence::Phase;
use crate::model::policy::Urgency;
use crate::model::posture::Boundary;
use crate::observation::{
    ApiTokenReport, JobId, LimitedPart, Now, PodPhase, Requests, RunnerId, RunnerStatus, SourceKey,
};

pub use self::lately::{LatelyLevels, PullsLately};

/// Everything that can be said at one instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// When it was judged.
    pub at: Now,
    /// One per configured tier, in the policy's order.
    pub tiers: Vec<TierAssessment>,
    /// One per source that was ever expected to speak.
    pub sources: Vec<SourceStatus>,
    /// Pending jobs that are no tier's business.
    pub out_of_scope: Option<u64>,
    /// Part of the watched projects seen within the horizon.
    pub coverage: Option<f64>,
    /// Every source has answered once, or failed.
    pub complete: bool,
    /// The token that tierwatch itself uses; absent: not known.
    pub own_token: Option<ApiTokenReport>,
    /// Why a secret file cannot be used, while one cannot.
    pub secret_failure: Option<String>,
    /// Failures of pods within the last hour, as far as this run has watched.
    pub failures: u64,
    /// Those of which no rule knew the cause.
    pub unclassified: u64,
    /// The judgements on tierwatch itself.
    pub conditions: Vec<ConditionLine>,
    /// What fires by all judgements so far.
    pub alerts: AlertSet,
}

/// One tier at one instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TierAssessment {
    /// Its name.
    pub name: Arc<str>,
    /// What being in trouble means for people.
    pub urgency: Urgency,
    /// Part of the jobs that should start in time.
    pub target: f64,
    /// How fast a job should start.
    pub start_within: Duration,
    /// The verdict in one word.
    pub state: TierState,
    /// Since when that verdict holds.
    pub since: Timestamp,
    /// The verdict in a sentence, with numbers.
    pub headline: String,
    /// The queue; absent when GitLab cannot be seen.
    pub queue: Option<QueueLevels>,
    /// Jobs GitLab calls running; absent when not known.
    pub running: Option<RunningLevels>,
    /// Job pods; absent when the namespaces cannot be seen.
    pub pods: Option<PodLevels>,
    /// Job pods that wait for a node, by what the autoscalers say; absent when pods or events cannot be seen.
    pub scale_up: Option<ScaleUpLevels>,
    /// Runners; absent when GitLab cannot be seen.
    pub runners: Option<RunnerLevels>,
    /// Manager pods that are ready, and that are not; absent when not seen.
    pub managers: Option<ManagerLevels>,
    /// Nodes of the tier's label; absent when not seen.
    pub nodes: Option<NodeLevels>,
    /// The fullest quota per resource; absent when not seen, empty without quotas.
    pub quotas: Option<Vec<QuotaLevel>>,
    /// The tightest upper bound of CPU and memory by LimitRanges; absent when not seen, empty without any.
    pub limits: Option<Vec<LimitLevel>>,
    /// How much more it can take.
    pub capacity: CapacityLevels,
    /// What is at its boundary.
    pub boundary: Boundary,
    /// Why, worst first.
    pub causes: Vec<CauseLine>,
    /// The jobs that wait longest, at most ten.
    pub waiting: Vec<WaitingJob>,
    /// Mean time of each phase over the last starts, for the bar on the page.
    pub phases: Vec<(Phase, Duration)>,
    /// What happened lately, for the conditions.
    pub lately: LatelyLevels,
    /// The judgements that alerts are made of.
    pub conditions: Vec<ConditionLine>,
}

labels! {
    /// How a tier is, worst first.
    TierState {
        /// Jobs wait and nothing takes them.
        Down = "down",
        /// Jobs wait longer than promised, or pods cannot start.
        Hurting = "hurting",
        /// A source is blind: nothing can be said.
        Blind = "blind",
        /// Something is wrong that users do not feel yet.
        Degraded = "degraded",
        /// As promised.
        Fine = "fine",
    }
}

/// A tier's queue.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QueueLevels {
    /// Proven eligible and waiting.
    pub pending: u64,
    /// Longest wait; zero when nothing waits.
    pub oldest: Duration,
    /// Waiting longer than `start_within`.
    pub overdue: u64,
    /// Tags fit, the rest cannot be proven.
    pub uncertain: u64,
    /// Fit several tiers.
    pub shared: u64,
    /// No runner can take them; counted at the nearest tier. Every reason, or none where jobs that no runner takes are not in sight.
    pub unserved: BTreeMap<UnservedReason, u64>,
    /// Those that wait so for longer than the condition's patience.
    pub unserved_long: u64,
    /// Largest part of the queue that belongs to one project; absent when nothing waits.
    pub top_project_share: Option<f64>,
}

labels! {
    /// Why no runner can take a job.
    UnservedReason {
        /// No runner carries all its tags.
        TagMissing = "tag_missing",
        /// It has no tags and no runner takes untagged jobs.
        Untagged = "untagged",
        /// Only runners for protected refs carry its tags.
        Protected = "protected",
        /// Not known.
        Unknown = "unknown",
    }
}

/// Jobs that GitLab calls running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RunningLevels {
    /// Their build container does not run yet.
    pub starting: u64,
    /// Their build container runs, or no pods can be seen.
    pub executing: u64,
    /// Ended within the last hour, ran, and had no pod in the tier's namespaces: the runner works elsewhere.
    pub elsewhere: u64,
}

/// A tier's job pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PodLevels {
    /// By phase; every phase has a row.
    pub phases: BTreeMap<PodPhase, u64>,
    /// Unschedulable now, by dominant cause.
    pub unschedulable: BTreeMap<Scheduling, u64>,
    /// Those that are so for longer than the condition's patience.
    pub unschedulable_long: BTreeMap<Scheduling, u64>,
    /// Failing to pull now, sorted by registry label and cause.
    pub pull_failing: Vec<PullFailing>,
    /// With a node and held up there now, by cause; known from events only.
    pub held: BTreeMap<Runtime, u64>,
    /// Taken away within the last five minutes, by cause.
    pub ended: BTreeMap<Cause, u64>,
    /// Those that cannot start, the longest of each cause by name, at most five.
    pub troubled: BTreeMap<Cause, Vec<TroubledPod>>,
    /// Requested by unfinished job pods, in thousandths of a core.
    pub requested_cpu_millis: u64,
    /// Requested by unfinished job pods, in bytes.
    pub requested_memory_bytes: u64,
}

/// A job pod that cannot start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TroubledPod {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The job that it says it runs, which a user can forge.
    pub job: Option<JobId>,
    /// For how long: since the scheduler refused it, otherwise since it was made.
    pub lasts: Duration,
}

/// A tier's job pods that wait for a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ScaleUpLevels {
    /// The scheduler found no node for them.
    pub waiting: u64,
    /// An autoscaler is making a node for them.
    pub triggered: u64,
    /// An autoscaler makes none, by its latest verdict.
    pub refused: BTreeMap<Autoscale, u64>,
}

/// Pods of one tier that fail to pull from one registry for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PullFailing {
    /// The registry as a label value.
    pub registry: Arc<str>,
    /// Why.
    pub cause: Pull,
    /// Pods.
    pub pods: u64,
}

/// A tier's runners.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunnerLevels {
    /// By status; every status has a row.
    pub by_status: BTreeMap<RunnerStatus, u64>,
    /// Paused, whatever their status.
    pub paused: u64,
    /// Each runner.
    pub runners: Vec<RunnerLine>,
    /// Age of the oldest token by its best source; absent where no source tells the age of any.
    pub token_age: Option<Duration>,
}

/// One runner of a tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunnerLine {
    /// The runner.
    pub id: RunnerId,
    /// First characters of its token, as GitLab shows them.
    pub short_sha: Option<Arc<str>>,
    /// Its description.
    pub description: Arc<str>,
    /// GitLab's word.
    pub status: RunnerStatus,
    /// Takes no jobs for now.
    pub paused: bool,
    /// Its managers; absent when not readable.
    pub managers: Option<Vec<ManagerLine>>,
    /// When it last spoke with GitLab, which notes that every 40 to 55 minutes only.
    pub contacted_at: Option<Timestamp>,
    /// When it was made: its token is not older.
    pub created_at: Option<Timestamp>,
    /// Its token.
    pub token: TokenLine,
}

/// One process that runs with a runner's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManagerLine {
    /// How GitLab tells it apart.
    pub system_id: Arc<str>,
    /// GitLab's word.
    pub status: RunnerStatus,
    /// When it last spoke with GitLab, likewise.
    pub contacted_at: Option<Timestamp>,
    /// The runner's version.
    pub version: Option<Arc<str>>,
}

labels! {
    /// How the age or the end of a runner's token is known, the best first.
    TokenSource {
        /// An annotation in which whoever rotates it writes the time.
        Annotation = "annotation",
        /// The metadata of the Secret that holds it.
        Secret = "secret",
        /// GitLab's expiry of it; its age, when that moved before our eyes.
        Expiry = "expiry",
    }
}

/// What is known of a runner's token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TokenLine {
    /// When it ends; absent: never, or GitLab does not show it to this user.
    pub expires_at: Option<Timestamp>,
    /// When it was obtained, by each source that tells, the best first.
    pub obtained: Vec<(TokenSource, Timestamp)>,
}

/// A tier's manager pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ManagerLevels {
    /// Ready.
    pub ready: u64,
    /// Not ready.
    pub not_ready: u64,
}

/// A tier's nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NodeLevels {
    /// Ready and schedulable.
    pub ready: u64,
    /// Not ready.
    pub not_ready: u64,
    /// Ready but cordoned.
    pub unschedulable: u64,
    /// Of ready nodes, in thousandths of a core.
    pub allocatable_cpu_millis: u64,
    /// Of ready nodes, in bytes.
    pub allocatable_memory_bytes: u64,
}

/// How much more a tier can take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CapacityLevels {
    /// Jobs at once, as declared.
    pub declared: Option<u32>,
    /// Further job pods that fit now; absent while no job pod tells what is typical, or what bounds them is not seen.
    pub room: Option<Room>,
    /// When an autoscaler last moved for the tier; absent: never while we watched.
    pub last_scale_up: Option<ScaleUp>,
}

/// Further job pods that fit now, at most: pods of other namespaces take room that is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Room {
    /// So many.
    pub jobs: u64,
    /// What bounds them.
    pub bound: RoomBound,
    /// What one of them asks for: the mean of the job pods of these minutes.
    pub typical: Requests,
}

labels! {
    /// What bounds the room for further job pods.
    RoomBound {
        /// The tier's nodes, as they are now.
        Nodes = "nodes",
        /// A quota of its namespaces.
        Quota = "quota",
        /// The declared capacity.
        Capacity = "capacity",
    }
}

/// An autoscaler moved for a tier, or refused to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ScaleUp {
    /// When it said so.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: ScaleUpOutcome,
    /// What it said.
    pub cause: Autoscale,
    /// When that came of it, where it is over.
    pub ended: Option<Timestamp>,
}

labels! {
    /// What came of a scale-up.
    ScaleUpOutcome {
        /// No node of the tier joined yet.
        Pending = "pending",
        /// A node of the tier joined afterwards.
        NodeJoined = "node_joined",
        /// The autoscaler makes none.
        Refused = "refused",
    }
}

labels! {
    /// What a quota limits; requests and limits of one resource are one.
    QuotaResource {
        /// Pods.
        Pods = "pods",
        /// CPU.
        Cpu = "cpu",
        /// Memory.
        Memory = "memory",
        /// Ephemeral storage.
        EphemeralStorage = "ephemeral_storage",
        /// Anything else: objects by count, extended resources, storage.
        Other = "other",
    }
}

/// How much of a quota is used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuotaLevel {
    /// What it limits.
    pub resource: QuotaResource,
    /// Used of granted; above 1 where a quota was lowered, 1 where nothing is granted.
    pub ratio: f64,
    /// Used, in thousandths of a core, a byte or a piece.
    pub used_thousandths: u64,
    /// Granted, likewise.
    pub hard_thousandths: u64,
    /// The resource as the quota writes it.
    pub written: Arc<str>,
    /// The quota's name.
    pub quota: Arc<str>,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// It holds for some pods only.
    pub scoped: bool,
}

/// How much a container or a pod may have at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitLevel {
    /// The LimitRange's name.
    pub limit: Arc<str>,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Of what it speaks.
    pub part: LimitedPart,
    /// What it limits: CPU or memory.
    pub resource: QuotaResource,
    /// As much at most, in thousandths of a core or a byte.
    pub max_thousandths: u64,
    /// The most that a job pod of these minutes may use, likewise; absent without one.
    pub asked_thousandths: Option<u64>,
}

/// One reason why a tier hurts, ready to be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CauseLine {
    /// The cause.
    pub cause: Cause,
    /// Jobs or pods it concerns.
    pub count: u64,
    /// What it means.
    pub sentence: &'static str,
    /// Whose fault.
    pub blame: Blame,
    /// What to do next.
    pub next_step: &'static str,
    /// One message that shows it, cut; other people's text.
    pub evidence: Option<Arc<str>>,
}

/// A job in the list of the longest waiting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitingJob {
    /// The job.
    pub id: JobId,
    /// Its name (the user's text).
    pub name: Arc<str>,
    /// Its project, where known.
    pub project: Option<Arc<str>>,
    /// How long.
    pub waited: Duration,
}

/// How a source is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceStatus {
    /// The source.
    pub source: SourceKey,
    /// Names of the tiers that depend on it.
    pub tiers: Vec<Arc<str>>,
    /// Its last attempt succeeded and its data is within the horizon; absent before the first attempt.
    pub up: Option<bool>,
    /// When it last succeeded.
    pub last_success: Option<Timestamp>,
    /// Age of its last good data.
    pub age: Option<Duration>,
    /// Why it last failed, while it is failing.
    pub failure: Option<String>,
    /// What it tells about itself.
    pub note: Option<String>,
    /// Objects held.
    pub objects: Option<u64>,
}
