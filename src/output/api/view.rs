//! The shapes of the JSON answers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::condition::{ConditionLine, FiringAlert};
use crate::model::assessment::{self as model, Assessment, SourceStatus, TierAssessment};
use crate::observation::{ApiTokenReport, LimitedPart, PodPhase, RunnerStatus};

/// `/api/v1/tiers`.
#[derive(Serialize)]
pub(super) struct Overview<'a> {
    at: Timestamp,
    complete: bool,
    out_of_scope_jobs: Option<u64>,
    queue_coverage_ratio: Option<f64>,
    tiers: Vec<Tier<'a>>,
}

/// `/api/v1/tiers/{tier}`.
#[derive(Serialize)]
pub(super) struct Tier<'a> {
    name: &'a str,
    state: &'static str,
    since: Timestamp,
    headline: &'a str,
    urgency: &'static str,
    objective_ratio: f64,
    start_within_seconds: f64,
    queue: Option<Queue>,
    running: Option<model::RunningLevels>,
    pods: Option<Pods<'a>>,
    scale_up: Option<ScaleUp>,
    runners: Option<Runners<'a>>,
    managers: Option<model::ManagerLevels>,
    nodes: Option<Nodes>,
    quotas: Option<Vec<Quota<'a>>>,
    limits: Option<Vec<Limit<'a>>>,
    capacity: &'a model::CapacityLevels,
    causes: Vec<Cause<'a>>,
    waiting: Vec<Waiting<'a>>,
    phases: Vec<Phase>,
    /// Those that hold, and those that are withheld.
    conditions: Vec<&'a ConditionLine>,
}

/// `/api/v1/alerts`: what fires by the conditions, and what was over within the last quarter of an hour.
#[derive(Serialize)]
pub(super) struct Alerts<'a> {
    at: Timestamp,
    alerts: &'a [FiringAlert],
    /// The judgements on tierwatch itself that hold, or are withheld.
    own_conditions: Vec<&'a ConditionLine>,
}

impl<'a> From<&'a Assessment> for Alerts<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        let own = assessment.conditions.iter().filter(|line| line.holds != Some(false));
        Self { at: assessment.at.wall, alerts: &assessment.alerts, own_conditions: own.collect() }
    }
}

/// 404 of `/api/v1/tiers/{tier}`.
#[derive(Serialize)]
pub(super) struct NoSuchTier<'a> {
    pub(super) error: &'static str,
    pub(super) tiers: Vec<&'a str>,
}

/// `/api/v1/sources`.
#[derive(Serialize)]
pub(super) struct Sources<'a> {
    at: Timestamp,
    complete: bool,
    /// What GitLab says of the token that is used.
    api_token: Option<&'a ApiTokenReport>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Queue {
    pending: u64,
    oldest_seconds: f64,
    overdue: u64,
    uncertain: u64,
    shared: u64,
    unserved: BTreeMap<&'static str, u64>,
    top_project_share_ratio: Option<f64>,
}

#[derive(Serialize)]
struct Pods<'a> {
    phases: BTreeMap<&'static str, u64>,
    unschedulable: BTreeMap<&'static str, u64>,
    pull_failing: Vec<PullFailing<'a>>,
    held: BTreeMap<&'static str, u64>,
    ended_lately: BTreeMap<&'static str, u64>,
    requested_cpu_cores: f64,
    requested_memory_bytes: u64,
}

#[derive(Serialize)]
struct ScaleUp {
    waiting: u64,
    triggered: u64,
    refused: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct PullFailing<'a> {
    registry: &'a str,
    cause: &'static str,
    pods: u64,
}

#[derive(Serialize)]
struct Runners<'a> {
    by_status: BTreeMap<&'static str, u64>,
    paused: u64,
    token_age_seconds: Option<f64>,
    runners: Vec<Runner<'a>>,
}

#[derive(Serialize)]
struct Runner<'a> {
    id: u64,
    short_sha: Option<&'a str>,
    description: &'a str,
    status: &'static str,
    paused: bool,
    managers_online: Option<u64>,
    managers: Option<&'a [model::ManagerLine]>,
    contacted_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    token_expires_at: Option<Timestamp>,
    token_obtained: BTreeMap<&'static str, Timestamp>,
}

#[derive(Serialize)]
struct Nodes {
    ready: u64,
    not_ready: u64,
    unschedulable: u64,
    allocatable_cpu_cores: f64,
    allocatable_memory_bytes: u64,
}

#[derive(Serialize)]
struct Quota<'a> {
    resource: &'static str,
    used_ratio: f64,
    quota: &'a str,
    namespace: &'a str,
    written: &'a str,
}

/// Amounts in cores or bytes.
#[derive(Serialize)]
struct Limit<'a> {
    limit: &'a str,
    namespace: &'a str,
    part: LimitedPart,
    resource: &'static str,
    max: f64,
    asked: Option<f64>,
}

#[derive(Serialize)]
struct Cause<'a> {
    cause: &'static str,
    count: u64,
    sentence: &'static str,
    blame: &'static str,
    next_step: &'static str,
    evidence: Option<&'a str>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    id: u64,
    name: &'a str,
    project: Option<&'a str>,
    waited_seconds: f64,
}

#[derive(Serialize)]
struct Phase {
    phase: &'static str,
    mean_seconds: f64,
}

#[derive(Serialize)]
struct Source<'a> {
    source: &'static str,
    namespace: Option<&'a str>,
    tiers: Vec<&'a str>,
    up: Option<bool>,
    last_success: Option<Timestamp>,
    age_seconds: Option<f64>,
    failure: Option<&'a str>,
    note: Option<&'a str>,
    objects: Option<u64>,
}

impl<'a> From<&'a Assessment> for Overview<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        Self {
            at: assessment.at.wall,
            complete: assessment.complete,
            out_of_scope_jobs: assessment.out_of_scope,
            queue_coverage_ratio: assessment.coverage,
            tiers: assessment.tiers.iter().map(Tier::from).collect(),
        }
    }
}

impl<'a> From<&'a TierAssessment> for Tier<'a> {
    fn from(tier: &'a TierAssessment) -> Self {
        Self {
            name: &tier.name,
            state: tier.state.as_str(),
            since: tier.since,
            headline: &tier.headline,
            urgency: tier.urgency.as_str(),
            objective_ratio: tier.target,
            start_within_seconds: tier.start_within.as_secs_f64(),
            queue: tier.queue.as_ref().map(queue),
            running: tier.running,
            pods: tier.pods.as_ref().map(pods),
            scale_up: tier.scale_up.as_ref().map(scale_up),
            runners: tier.runners.as_ref().map(runners),
            managers: tier.managers,
            nodes: tier.nodes.map(nodes),
            quotas: tier.quotas.as_ref().map(|quotas| quotas.iter().map(quota).collect()),
            limits: tier.limits.as_ref().map(|limits| limits.iter().map(limit).collect()),
            capacity: &tier.capacity,
            causes: tier.causes.iter().map(cause).collect(),
            waiting: tier.waiting.iter().map(waiting).collect(),
            phases: tier.phases.iter().map(|(phase, mean)| phase_mean(phase.as_str(), *mean)).collect(),
            conditions: tier.conditions.iter().filter(|line| line.holds != Some(false)).collect(),
        }
    }
}

impl<'a> From<&'a Assessment> for Sources<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        let sources = assessment.sources.iter().map(source).collect();
        let api_token = assessment.own_token.as_ref();
        Self { at: assessment.at.wall, complete: assessment.complete, api_token, sources }
    }
}

fn queue(queue: &model::QueueLevels) -> Queue {
    Queue {
        pending: queue.pending,
        oldest_seconds: queue.oldest.as_secs_f64(),
        overdue: queue.overdue,
        uncertain: queue.uncertain,
        shared: queue.shared,
        unserved: queue.unserved.iter().map(|(reason, jobs)| (reason.as_str(), *jobs)).collect(),
        top_project_share_ratio: queue.top_project_share,
    }
}

fn pods(pods: &model::PodLevels) -> Pods<'_> {
    let phase = |phase: &PodPhase| pods.phases.get(phase).copied().unwrap_or(0);
    Pods {
        phases: PodPhase::ALL.iter().map(|value| (value.as_str(), phase(value))).collect(),
        unschedulable: pods.unschedulable.iter().map(|(cause, pods)| (cause.as_str(), *pods)).collect(),
        pull_failing: pods
            .pull_failing
            .iter()
            .map(|pull| PullFailing { registry: &pull.registry, cause: pull.cause.as_str(), pods: pull.pods })
            .collect(),
        held: pods.held.iter().map(|(cause, pods)| (cause.as_str(), *pods)).collect(),
        ended_lately: pods.ended.iter().map(|(cause, pods)| (cause.as_str(), *pods)).collect(),
        requested_cpu_cores: cores(pods.requested_cpu_millis),
        requested_memory_bytes: pods.requested_memory_bytes,
    }
}

fn scale_up(levels: &model::ScaleUpLevels) -> ScaleUp {
    ScaleUp {
        waiting: levels.waiting,
        triggered: levels.triggered,
        refused: levels.refused.iter().map(|(cause, pods)| (cause.as_str(), *pods)).collect(),
    }
}

fn runners(runners: &model::RunnerLevels) -> Runners<'_> {
    let count = |status: &RunnerStatus| runners.by_status.get(status).copied().unwrap_or(0);
    Runners {
        by_status: RunnerStatus::ALL.iter().map(|status| (status.as_str(), count(status))).collect(),
        paused: runners.paused,
        token_age_seconds: runners.token_age.map(|age| age.as_secs_f64()),
        runners: runners.runners.iter().map(runner).collect(),
    }
}

fn runner(line: &model::RunnerLine) -> Runner<'_> {
    Runner {
        id: line.id.0,
        short_sha: line.short_sha.as_deref(),
        description: &line.description,
        status: line.status.as_str(),
        paused: line.paused,
        managers_online: line
            .managers
            .as_ref()
            .map(|managers| managers.iter().filter(|manager| manager.status == RunnerStatus::Online).count() as u64),
        managers: line.managers.as_deref(),
        contacted_at: line.contacted_at,
        created_at: line.created_at,
        token_expires_at: line.token.expires_at,
        token_obtained: line.token.obtained.iter().map(|(source, at)| (source.as_str(), *at)).collect(),
    }
}

fn quota(level: &model::QuotaLevel) -> Quota<'_> {
    Quota {
        resource: level.resource.as_str(),
        used_ratio: level.ratio,
        quota: &level.quota,
        namespace: &level.namespace,
        written: &level.written,
    }
}

fn limit(level: &model::LimitLevel) -> Limit<'_> {
    Limit {
        limit: &level.limit,
        namespace: &level.namespace,
        part: level.part,
        resource: level.resource.as_str(),
        max: cores(level.max_thousandths),
        asked: level.asked_thousandths.map(cores),
    }
}

fn nodes(nodes: model::NodeLevels) -> Nodes {
    Nodes {
        ready: nodes.ready,
        not_ready: nodes.not_ready,
        unschedulable: nodes.unschedulable,
        allocatable_cpu_cores: cores(nodes.allocatable_cpu_millis),
        allocatable_memory_bytes: nodes.allocatable_memory_bytes,
    }
}

#[expect(clippy::cast_precision_loss, reason = "millicores stay far below 2^52")]
fn cores(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn cause(line: &model::CauseLine) -> Cause<'_> {
    Cause {
        cause: line.cause.as_str(),
        count: line.count,
        sentence: line.sentence,
        blame: line.blame.as_str(),
        next_step: line.next_step,
        evidence: line.evidence.as_deref(),
    }
}

fn waiting(job: &model::WaitingJob) -> Waiting<'_> {
    let project = job.project.as_deref();
    Waiting { id: job.id.0, name: &job.name, project, waited_seconds: job.waited.as_secs_f64() }
}

fn phase_mean(phase: &'static str, mean: Duration) -> Phase {
    Phase { phase, mean_seconds: mean.as_secs_f64() }
}

fn source(status: &SourceStatus) -> Source<'_> {
    Source {
        source: status.source.kind.as_str(),
        namespace: status.source.namespace.as_deref(),
        tiers: status.tiers.iter().map(AsRef::as_ref).collect(),
        up: status.up,
        last_success: status.last_success,
        age_seconds: status.age.map(|age| age.as_secs_f64()),
        failure: status.failure.as_deref(),
        note: status.note.as_deref(),
        objects: status.objects,
    }
}
