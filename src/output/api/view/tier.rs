//! One tier: the verdict, the queue, what runs, why it hurts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::alerts::{Condition, told};
use super::pods::{Limit, Nodes, Pods, Quota, ScaleUp};
use super::runners::{Managers, Runners};
use crate::cause::{Autoscale, Blame, Cause as AnyCause};
use crate::model::assessment::{self as model, RoomBound, ScaleUpOutcome, TierAssessment, TierState, UnservedReason};
use crate::model::occurrence::Phase as StartPhase;
use crate::model::policy::Urgency;
use crate::output::api::label::{Counts, Label, counts};

/// One tier. What is null is not known.
#[derive(Serialize, JsonSchema)]
pub(in crate::output::api) struct Tier<'a> {
    /// As configured.
    name: &'a str,
    /// The verdict in one word.
    state: Label<TierState>,
    /// Since when that verdict holds.
    since: Timestamp,
    /// The verdict in a sentence, with numbers.
    headline: &'a str,
    /// Who must react when it hurts.
    urgency: Label<Urgency>,
    /// Part of the jobs that should start in time, 0 to 1.
    objective_ratio: f64,
    /// How fast a job should start.
    start_within_seconds: f64,
    /// Jobs that wait.
    queue: Option<Queue>,
    /// Jobs that GitLab calls running.
    running: Option<Running>,
    /// Job pods.
    pods: Option<Pods<'a>>,
    /// Job pods that wait for a node, by what the autoscalers say.
    scale_up: Option<ScaleUp>,
    /// Runners.
    runners: Option<Runners<'a>>,
    /// Runner manager pods.
    managers: Option<Managers>,
    /// Nodes of the tier's label.
    nodes: Option<Nodes>,
    /// The fullest quota per resource.
    quotas: Option<Vec<Quota<'a>>>,
    /// The tightest upper bounds by LimitRanges.
    limits: Option<Vec<Limit<'a>>>,
    /// How much more it can take.
    capacity: Capacity,
    /// Why it hurts, worst first.
    causes: Vec<Cause<'a>>,
    /// The jobs that wait longest, at most ten.
    waiting: Vec<Waiting<'a>>,
    /// Mean time of each phase over the last starts.
    phases: Vec<Phase>,
    /// The judgements that hold, and those that are withheld.
    conditions: Vec<Condition<'a>>,
}

/// A tier's queue.
#[derive(Serialize, JsonSchema)]
struct Queue {
    /// Jobs proven eligible and waiting.
    pending: u64,
    /// The longest wait; 0 when nothing waits.
    oldest_seconds: f64,
    /// Jobs that wait longer than `start_within_seconds`.
    overdue: u64,
    /// Jobs whose tags fit, while the rest cannot be proven.
    uncertain: u64,
    /// Jobs that fit several tiers.
    shared: u64,
    /// Jobs that no runner can take, counted at the nearest tier, by reason; empty where such jobs are not in sight.
    unserved: Counts<UnservedReason>,
    /// The largest part of the queue that belongs to one project, 0 to 1; null when nothing waits.
    top_project_share_ratio: Option<f64>,
}

/// Jobs that GitLab calls running.
#[derive(Serialize, JsonSchema)]
struct Running {
    /// Their build container does not run yet.
    starting: u64,
    /// Their build container runs, or no pods can be seen.
    executing: u64,
    /// Ended within the last hour, ran, and had no pod in the tier's namespaces: the runner works elsewhere.
    elsewhere: u64,
}

/// How much more a tier can take.
#[derive(Serialize, JsonSchema)]
struct Capacity {
    /// Jobs at once, as declared.
    declared: Option<u32>,
    /// Further job pods that fit now.
    room: Option<Room>,
    /// When an autoscaler last moved for the tier; null: never while tierwatch watched.
    last_scale_up: Option<ScaleUpMove>,
}

/// Further job pods that fit now, at most: pods of other namespaces take room that is not seen.
#[derive(Serialize, JsonSchema)]
struct Room {
    /// So many.
    jobs: u64,
    /// What bounds them.
    bound: Label<RoomBound>,
    /// What one of them asks for: the mean of the job pods of these minutes.
    typical: Requests,
}

/// Requested resources.
#[derive(Serialize, JsonSchema)]
struct Requests {
    /// Thousandths of a core.
    cpu_millis: u64,
    /// Bytes.
    memory_bytes: u64,
}

/// An autoscaler moved for a tier, or refused to.
#[derive(Serialize, JsonSchema)]
struct ScaleUpMove {
    /// When it said so.
    at: Timestamp,
    /// What came of it.
    outcome: Label<ScaleUpOutcome>,
    /// What it said.
    cause: Label<Autoscale>,
    /// When that came of it, where it is over.
    ended: Option<Timestamp>,
}

/// Why a tier hurts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CauseLine")]
struct Cause<'a> {
    /// The cause.
    cause: Label<AnyCause>,
    /// Jobs or pods that it concerns.
    count: u64,
    /// What it means.
    sentence: &'static str,
    /// Whose fault.
    blame: Label<Blame>,
    /// What to do next.
    next_step: &'static str,
    /// One message that shows it, cut; other people's text.
    evidence: Option<&'a str>,
}

/// A job that waits.
#[derive(Serialize, JsonSchema)]
struct Waiting<'a> {
    /// The job's number.
    id: u64,
    /// The job's name; the user's text.
    name: &'a str,
    /// The path of its project.
    project: Option<&'a str>,
    /// How long so far.
    waited_seconds: f64,
}

/// A phase of the way from queued to running.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PhaseMean")]
struct Phase {
    /// The phase.
    phase: Label<StartPhase>,
    /// Its mean over the last starts.
    mean_seconds: f64,
}

impl<'a> From<&'a TierAssessment> for Tier<'a> {
    fn from(tier: &'a TierAssessment) -> Self {
        Self {
            name: &tier.name,
            state: tier.state.into(),
            since: tier.since,
            headline: &tier.headline,
            urgency: tier.urgency.into(),
            objective_ratio: tier.target,
            start_within_seconds: tier.start_within.as_secs_f64(),
            queue: tier.queue.as_ref().map(queue),
            running: tier.running.map(running),
            pods: tier.pods.as_ref().map(Pods::from),
            scale_up: tier.scale_up.as_ref().map(ScaleUp::from),
            runners: tier.runners.as_ref().map(Runners::from),
            managers: tier.managers.map(Managers::from),
            nodes: tier.nodes.map(Nodes::from),
            quotas: tier.quotas.as_ref().map(|quotas| quotas.iter().map(Quota::from).collect()),
            limits: tier.limits.as_ref().map(|limits| limits.iter().map(Limit::from).collect()),
            capacity: capacity(&tier.capacity),
            causes: tier.causes.iter().map(cause).collect(),
            waiting: tier.waiting.iter().map(waiting).collect(),
            phases: tier
                .phases
                .iter()
                .map(|(phase, mean)| Phase { phase: (*phase).into(), mean_seconds: mean.as_secs_f64() })
                .collect(),
            conditions: told(&tier.conditions),
        }
    }
}

fn queue(queue: &model::QueueLevels) -> Queue {
    Queue {
        pending: queue.pending,
        oldest_seconds: queue.oldest.as_secs_f64(),
        overdue: queue.overdue,
        uncertain: queue.uncertain,
        shared: queue.shared,
        unserved: counts(&queue.unserved),
        top_project_share_ratio: queue.top_project_share,
    }
}

fn running(levels: model::RunningLevels) -> Running {
    let model::RunningLevels { starting, executing, elsewhere } = levels;
    Running { starting, executing, elsewhere }
}

fn capacity(levels: &model::CapacityLevels) -> Capacity {
    Capacity {
        declared: levels.declared,
        room: levels.room.map(|room| Room {
            jobs: room.jobs,
            bound: room.bound.into(),
            typical: Requests { cpu_millis: room.typical.cpu_millis, memory_bytes: room.typical.memory_bytes },
        }),
        last_scale_up: levels.last_scale_up.map(|moved| ScaleUpMove {
            at: moved.at,
            outcome: moved.outcome.into(),
            cause: moved.cause.into(),
            ended: moved.ended,
        }),
    }
}

fn cause(line: &model::CauseLine) -> Cause<'_> {
    Cause {
        cause: line.cause.into(),
        count: line.count,
        sentence: line.sentence,
        blame: line.blame.into(),
        next_step: line.next_step,
        evidence: line.evidence.as_deref(),
    }
}

fn waiting(job: &model::WaitingJob) -> Waiting<'_> {
    let project = job.project.as_deref();
    Waiting { id: job.id.0, name: &job.name, project, waited_seconds: job.waited.as_secs_f64() }
}
