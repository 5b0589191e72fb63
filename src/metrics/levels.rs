//! The levels: gauges rendered from the latest assessment at each scrape, so that none can go stale.
//!
//! A level of which nothing is known (`None`) has no series; a known zero is 0.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use tokio::sync::watch;

use super::catalogue::{self as rows, LabelSet, RUNNERS_PER_TIER, Row};
use super::freshness;
use crate::cause::Scheduling;
use crate::condition::ConditionLine;
use crate::model::assessment::{Assessment, PodLevels, QueueLevels, RunnerLevels, TierAssessment};
use crate::model::posture::Verdict;
use crate::observation::{PodPhase, RunnerStatus};

/// Renders the levels of the latest assessment.
#[derive(Debug)]
pub struct Levels {
    assessment: watch::Receiver<Arc<Assessment>>,
}

impl Levels {
    /// Reads from `assessment`.
    #[must_use]
    pub fn new(assessment: watch::Receiver<Arc<Assessment>>) -> Self {
        Self { assessment }
    }
}

impl Collector for Levels {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let assessment = Arc::clone(&self.assessment.borrow());
        let mut page = Page { tiers: &assessment.tiers, encoder: &mut encoder };
        configured(&mut page)?;
        queues(&mut page)?;
        pods(&mut page)?;
        runners(&mut page)?;
        managers_and_nodes(&mut page)?;
        let own = assessment.own_token.as_ref().and_then(|token| token.expires_at);
        gauge(page.encoder, rows::API_TOKEN_EXPIRY, own.map(|at| (vec![], seconds(at))))?;
        page.many(rows::POSTURE_VIOLATIONS, |tier| {
            let judged = tier.boundary.checks().filter_map(|line| Some((line.check, violated(line.verdict)?)));
            judged.map(|(check, value)| (vec![check.as_str()], value)).collect()
        })?;
        page.many(rows::TIER_CONDITION, |tier| conditions(&tier.conditions))?;
        gauge(page.encoder, rows::OWN_CONDITION, conditions(&assessment.conditions))?;
        // Before any source has spoken nobody knows.
        let has_read = assessment.sources.iter().any(|source| source.up.is_some());
        let reloaded = if assessment.secret_failure.is_some() { 0.0 } else { 1.0 };
        gauge(page.encoder, rows::SECRET_LAST_RELOAD_SUCCESSFUL, has_read.then(|| (vec![], reloaded)))?;
        gauge(page.encoder, rows::QUEUE_OUT_OF_SCOPE_JOBS, assessment.out_of_scope.map(|n| (vec![], number(n))))?;
        gauge(page.encoder, rows::QUEUE_COVERAGE, assessment.coverage.map(|part| (vec![], part)))?;
        freshness::encode(page.encoder, &assessment.sources)
    }
}

/// One sample: labels in the row's order, and the value.
type Samples<'a> = Vec<(Vec<&'a str>, f64)>;

/// Writes one gauge family; without samples it does not appear.
pub(super) fn gauge<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    row: &Row,
    samples: impl IntoIterator<Item = (Vec<&'a str>, f64)>,
) -> fmt::Result {
    let mut samples = samples.into_iter().peekable();
    if samples.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(row.registered_name(), row.help, None, MetricType::Gauge)?;
    for (values, value) in samples {
        let labels: LabelSet = row.label_set(&values);
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a double is what the formats carry; counts stay far below 2^52")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// The families that have one or more samples per tier.
struct Page<'a, 'e, 'd> {
    tiers: &'a [TierAssessment],
    encoder: &'e mut DescriptorEncoder<'d>,
}

impl<'a> Page<'a, '_, '_> {
    /// One value per tier, or none.
    fn each(&mut self, row: &Row, value: impl Fn(&TierAssessment) -> Option<f64>) -> fmt::Result {
        let samples = self.tiers.iter().filter_map(|tier| Some((vec![tier.name.as_ref()], value(tier)?)));
        gauge(self.encoder, row, samples)
    }

    /// Several values per tier.
    fn many(&mut self, row: &Row, values: impl Fn(&'a TierAssessment) -> Samples<'a>) -> fmt::Result {
        let samples = self.tiers.iter().flat_map(|tier| {
            values(tier).into_iter().map(|(mut labels, value)| {
                labels.insert(0, &tier.name);
                (labels, value)
            })
        });
        gauge(self.encoder, row, samples)
    }
}

fn configured(page: &mut Page<'_, '_, '_>) -> fmt::Result {
    page.many(rows::TIER_INFO, |tier| vec![(vec![tier.urgency.as_str()], 1.0)])?;
    page.each(rows::TIER_CAPACITY, |tier| Some(f64::from(tier.capacity.declared?)))?;
    page.each(rows::TIER_ROOM, |tier| Some(number(tier.capacity.room?.jobs)))?;
    page.each(rows::TIER_OBJECTIVE, |tier| Some(tier.target))?;
    page.each(rows::TIER_START_WITHIN, |tier| Some(tier.start_within.as_secs_f64()))
}

fn queues(page: &mut Page<'_, '_, '_>) -> fmt::Result {
    let of = |level: fn(&QueueLevels) -> f64| move |tier: &TierAssessment| tier.queue.as_ref().map(level);
    page.each(rows::QUEUE_PENDING_JOBS, of(|queue| number(queue.pending)))?;
    page.each(rows::QUEUE_OLDEST_PENDING_AGE, of(|queue| queue.oldest.as_secs_f64()))?;
    page.each(rows::QUEUE_OVERDUE_JOBS, of(|queue| number(queue.overdue)))?;
    page.each(rows::QUEUE_UNCERTAIN_JOBS, of(|queue| number(queue.uncertain)))?;
    page.each(rows::QUEUE_SHARED_JOBS, of(|queue| number(queue.shared)))?;
    page.each(rows::QUEUE_TOP_PROJECT_SHARE, |tier| tier.queue.as_ref()?.top_project_share)?;
    page.many(rows::QUEUE_UNSERVED_JOBS, |tier| {
        let unserved = tier.queue.iter().flat_map(|queue| &queue.unserved);
        unserved.map(|(reason, jobs)| (vec![reason.as_str()], number(*jobs))).collect()
    })?;
    page.many(rows::JOBS_RUNNING, |tier| {
        let Some(running) = tier.running else { return vec![] };
        vec![(vec!["starting"], number(running.starting)), (vec!["executing"], number(running.executing))]
    })
}

/// One that is withheld has no value. Those of single checks and sources have families of their own.
fn conditions(lines: &[ConditionLine]) -> Samples<'_> {
    let whole = lines.iter().filter(|line| line.condition.subject_label().is_none());
    whole.filter_map(|line| Some((vec![line.condition.as_str()], f64::from(u8::from(line.holds?))))).collect()
}

/// A check that cannot be made, or that nothing is declared for, has no value.
const fn violated(verdict: Verdict) -> Option<f64> {
    match verdict {
        Verdict::Moved => Some(1.0),
        Verdict::AsDeclared => Some(0.0),
        Verdict::Unknown | Verdict::NotDeclared => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "millicores stay far below 2^52")]
fn cores(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn pods(page: &mut Page<'_, '_, '_>) -> fmt::Result {
    let of = |level: fn(&PodLevels) -> f64| move |tier: &TierAssessment| tier.pods.as_ref().map(level);
    page.many(rows::JOB_PODS, |tier| {
        let Some(pods) = &tier.pods else { return vec![] };
        let count = |phase| number(pods.phases.get(phase).copied().unwrap_or(0));
        PodPhase::ALL.iter().map(|phase| (vec![phase.as_str()], count(phase))).collect()
    })?;
    page.many(rows::JOB_PODS_UNSCHEDULABLE, |tier| {
        let Some(pods) = &tier.pods else { return vec![] };
        let count = |cause| number(pods.unschedulable.get(cause).copied().unwrap_or(0));
        Scheduling::ALL.iter().map(|cause| (vec![cause.as_str()], count(cause))).collect()
    })?;
    page.many(rows::JOB_PODS_SCALE_UP_BLOCKED, |tier| {
        let Some(scale_up) = &tier.scale_up else { return vec![] };
        let count = |cause| number(scale_up.refused.get(&cause).copied().unwrap_or(0));
        rows::scale_up_refusals().map(|cause| (vec![cause.as_str()], count(cause))).collect()
    })?;
    // Only pairs that are there: registries times causes of zeros would be a third of the whole answer.
    page.many(rows::JOB_PODS_IMAGE_PULL_FAILING, |tier| {
        let failing = tier.pods.iter().flat_map(|pods| &pods.pull_failing);
        failing.map(|pull| (vec![pull.registry.as_ref(), pull.cause.as_str()], number(pull.pods))).collect()
    })?;
    page.each(rows::JOB_PODS_REQUESTED_CPU, of(|pods| cores(pods.requested_cpu_millis)))?;
    page.each(rows::JOB_PODS_REQUESTED_MEMORY, of(|pods| number(pods.requested_memory_bytes)))
}

fn runners(page: &mut Page<'_, '_, '_>) -> fmt::Result {
    let of = |level: fn(&RunnerLevels) -> f64| move |tier: &TierAssessment| tier.runners.as_ref().map(level);
    page.many(rows::RUNNERS, |tier| {
        let Some(runners) = &tier.runners else { return vec![] };
        let count = |status| number(runners.by_status.get(status).copied().unwrap_or(0));
        RunnerStatus::ALL.iter().map(|status| (vec![status.as_str()], count(status))).collect()
    })?;
    page.each(rows::RUNNERS_PAUSED, of(|runners| number(runners.paused)))?;

    let ids: Vec<Vec<String>> =
        page.tiers.iter().map(|tier| listed(tier).map(|line| line.id.to_string()).collect()).collect();
    let samples = page.tiers.iter().zip(&ids).flat_map(|(tier, ids)| {
        listed(tier).zip(ids).map(|(line, id)| {
            (vec![tier.name.as_ref(), id.as_str(), line.short_sha.as_deref().unwrap_or_default()], 1.0)
        })
    });
    gauge(page.encoder, rows::RUNNER_INFO, samples)?;
    tokens(page, &ids)
}

fn tokens(page: &mut Page<'_, '_, '_>, ids: &[Vec<String>]) -> fmt::Result {
    let each = || {
        page.tiers.iter().zip(ids).flat_map(|(tier, ids)| listed(tier).zip(ids).map(move |(line, id)| (tier, line, id)))
    };
    let obtained = each().flat_map(|(tier, line, id)| {
        let sources = line.token.obtained.iter();
        sources.map(move |(source, at)| (vec![tier.name.as_ref(), id.as_str(), source.as_str()], seconds(*at)))
    });
    gauge(page.encoder, rows::RUNNER_TOKEN_OBTAINED, obtained.collect::<Samples<'_>>())?;
    let ends = each().filter_map(|(tier, line, id)| {
        Some((vec![tier.name.as_ref(), id.as_str(), "expiry"], seconds(line.token.expires_at?)))
    });
    gauge(page.encoder, rows::RUNNER_TOKEN_EXPIRY, ends.collect::<Samples<'_>>())?;
    page.each(rows::RUNNER_TOKEN_AGE, |tier| Some(tier.runners.as_ref()?.token_age?.as_secs_f64()))
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// The runners that are listed one by one.
fn listed(tier: &TierAssessment) -> impl Iterator<Item = &crate::model::assessment::RunnerLine> {
    tier.runners.iter().flat_map(|runners| &runners.runners).take(RUNNERS_PER_TIER)
}

fn managers_and_nodes(page: &mut Page<'_, '_, '_>) -> fmt::Result {
    page.many(rows::RUNNER_MANAGER_PODS, |tier| {
        let Some(managers) = tier.managers else { return vec![] };
        vec![(vec!["true"], number(managers.ready)), (vec!["false"], number(managers.not_ready))]
    })?;
    page.many(rows::NODES, |tier| {
        let Some(nodes) = tier.nodes else { return vec![] };
        vec![
            (vec!["ready"], number(nodes.ready)),
            (vec!["not_ready"], number(nodes.not_ready)),
            (vec!["unschedulable"], number(nodes.unschedulable)),
        ]
    })?;
    page.each(rows::NODE_ALLOCATABLE_CPU, |tier| Some(cores(tier.nodes?.allocatable_cpu_millis)))?;
    page.each(rows::NODE_ALLOCATABLE_MEMORY, |tier| Some(number(tier.nodes?.allocatable_memory_bytes)))?;
    page.many(rows::QUOTA_USED, |tier| {
        tier.quotas.iter().flatten().map(|quota| (vec![quota.resource.as_str()], quota.ratio)).collect()
    })
}
