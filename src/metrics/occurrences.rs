//! Counters and histograms, fed by what happened once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::registry::Registry;

use super::catalogue as rows;
use super::family::{Buckets, Counters, Histograms};
use super::seed;
use super::waits::Waits;
use crate::model::occurrence::Occurrence;
use crate::model::policy::{Policy, TierId};
use crate::observation::{SourceKey, SourceKind};

/// The classic buckets of every wait: those of GitLab Runner's own queue histogram and of people's patience.
/// Each tier's `start_within` is added, so that "started in time" is always a bucket's edge.
const WAIT_BUCKETS: [f64; 10] = [1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0];

/// The classic buckets of a pull: a small layer to an image of many gigabytes.
const PULL_BUCKETS: [f64; 8] = [0.5, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// The families fed by [`Occurrence`]s.
#[derive(Debug)]
pub struct Occurrences {
    policy: Policy,
    pub(super) queue_wait: Waits,
    pub(super) job_start: Waits,
    pub(super) job_start_phase: Waits,
    pub(super) outcomes: Counters,
    pub(super) dropped: Counters,
    pub(super) failed: Counters,
    pub(super) scheduling_failures: Counters,
    pub(super) pull_failures: Counters,
    pub(super) registry_failures: Counters,
    pub(super) admission_failures: Counters,
    pub(super) pulls: Histograms,
    pub(super) pull_queues: Histograms,
    pub(super) pod_failures: Counters,
    pub(super) unjoined: Counters,
    pub(super) attempts: Counters,
    pub(super) failures: Counters,
    pub(super) rejected_annotations: Counters,
    pub(super) observations: Counters,
    pub(super) unclassified: Counters,
    pub(super) gaps: Counters,
    pub(super) evictions: Counters,
    pub(super) disagreements: Counters,
    pub(super) clamps: Counters,
}

impl Occurrences {
    /// Registers the families, with every label set known from `policy` and `sources` at zero.
    #[must_use]
    pub fn new(policy: &Policy, sources: &[SourceKey], registry: &mut Registry) -> Self {
        let promised = policy.tiers.iter().map(|tier| tier.objective.start_within.as_secs_f64());
        let buckets = Buckets::new(WAIT_BUCKETS.into_iter().chain(promised));
        let this = Self {
            policy: policy.clone(),
            queue_wait: Waits::new(rows::QUEUE_WAIT, buckets.clone()),
            job_start: Waits::new(rows::JOB_START, buckets.clone()),
            job_start_phase: Waits::new(rows::JOB_START_PHASE, buckets),
            pulls: Histograms::new(rows::IMAGE_PULL, Buckets::new(PULL_BUCKETS)),
            pull_queues: Histograms::new(rows::IMAGE_PULL_QUEUE, Buckets::new(PULL_BUCKETS)),
            pod_failures: Counters::new(rows::POD_FAILURES),
            unjoined: Counters::new(rows::UNJOINED_NODE_EVENTS),
            outcomes: Counters::new(rows::JOB_START_OUTCOMES),
            dropped: Counters::new(rows::JOBS_DROPPED),
            failed: Counters::new(rows::JOBS_FAILED),
            scheduling_failures: Counters::new(rows::SCHEDULING_FAILURES),
            pull_failures: Counters::new(rows::IMAGE_PULL_FAILURES),
            registry_failures: Counters::new(rows::REGISTRY_PULL_FAILURES),
            admission_failures: Counters::new(rows::ADMISSION_FAILURES),
            attempts: Counters::new(rows::SOURCE_ATTEMPTS),
            failures: Counters::new(rows::SOURCE_FAILURES),
            rejected_annotations: Counters::new(rows::REJECTED_ANNOTATIONS),
            observations: Counters::new(rows::OBSERVATIONS),
            unclassified: Counters::new(rows::UNCLASSIFIED),
            gaps: Counters::new(rows::OBSERVATION_GAP),
            evictions: Counters::new(rows::DEDUP_EVICTIONS),
            disagreements: Counters::new(rows::DISAGREEMENTS),
            clamps: Counters::new(rows::CLOCK_CLAMPS),
        };
        this.register(registry);
        for tier in 0..policy.tiers.len() {
            seed::tier(&this, &this.tier(tier), &policy.registries);
        }
        let mut seen = BTreeSet::new();
        for source in sources {
            for tier in policy.tiers_of(source) {
                if seen.insert((source.kind, tier)) {
                    seed::source_of_tier(&this, source.kind, &this.tier(tier));
                    if matches!(source.kind, SourceKind::GitlabJobLogs | SourceKind::KubeEvents) {
                        seed::refusals_of_tier(&this, &this.tier(tier));
                    }
                }
            }
        }
        let kinds: BTreeSet<SourceKind> = sources.iter().map(|source| source.kind).collect();
        seed::own(&this, &kinds);
        this
    }

    fn register(&self, registry: &mut Registry) {
        for waits in [&self.queue_wait, &self.job_start, &self.job_start_phase] {
            waits.register(registry);
        }
        for histogram in [&self.pulls, &self.pull_queues] {
            histogram.register(registry);
        }
        let counters = [
            &self.outcomes,
            &self.dropped,
            &self.failed,
            &self.scheduling_failures,
            &self.pull_failures,
            &self.registry_failures,
            &self.admission_failures,
            &self.pod_failures,
            &self.unjoined,
            &self.attempts,
            &self.failures,
            &self.rejected_annotations,
            &self.observations,
            &self.unclassified,
            &self.gaps,
            &self.evictions,
            &self.disagreements,
            &self.clamps,
        ];
        for counter in counters {
            counter.register(registry);
        }
    }

    /// The `tier` label.
    fn tier(&self, tier: TierId) -> Arc<str> {
        self.policy.tiers.get(tier).map_or_else(|| Arc::from("unknown"), |tier| Arc::clone(&tier.name))
    }

    /// Counts one occurrence that was learned `at` that instant.
    pub fn count(&self, occurrence: &Occurrence, at: Timestamp) {
        match occurrence {
            Occurrence::JobTaken { tier, job, waited, at: _ } => {
                self.queue_wait.observe(&[&self.tier(*tier)], *waited, *job, at);
            }
            Occurrence::JobStarted { tier, job, took, phases, at: _ } => {
                let tier = self.tier(*tier);
                if let Some(took) = took {
                    self.job_start.observe(&[&tier], *took, *job, at);
                }
                for (phase, took) in phases {
                    self.job_start_phase.observe(&[&tier, phase.as_str()], *took, *job, at);
                }
            }
            Occurrence::JobOutcome { tier, job: _, outcome, at: _ } => {
                self.outcomes.increase(&[&self.tier(*tier), outcome.as_str()]);
            }
            Occurrence::JobDropped { tier, job: _, reason, at: _ } => {
                self.dropped.increase(&[&self.tier(*tier), reason.as_str()])
            }
            Occurrence::JobFailed { tier, job: _, reason, blame, at: _ } => {
                self.failed.increase(&[&self.tier(*tier), reason.as_str(), blame.as_str()]);
            }
            Occurrence::PodUnschedulable { tier, pod: _, cause } => {
                self.scheduling_failures.increase(&[&self.tier(*tier), cause.as_str()]);
            }
            Occurrence::PullFailed { tier, pod: _, container: _, registry, cause } => {
                let tier = self.tier(*tier);
                // Sifted again: no text from an image reference may become a label by a slip elsewhere.
                let registry = self.policy.registry_label(Some(registry));
                self.pull_failures.increase(&[&tier, cause.as_str()]);
                self.registry_failures.increase(&[&tier, &registry]);
            }
            Occurrence::AdmissionRefused { tier, of: _, cause } => {
                self.admission_failures.increase(&[&self.tier(*tier), cause.as_str()]);
            }
            Occurrence::ImagePulled { tier, event: _, total, queued } => {
                let tier = self.tier(*tier);
                for (family, took) in [(&self.pulls, total), (&self.pull_queues, queued)] {
                    if let Some(took) = took {
                        family.observe(&[&tier], took.as_secs_f64());
                    }
                }
            }
            Occurrence::PodFailed { tier, pod: _, ended: _, cause } => {
                self.pod_failures.increase(&[&self.tier(*tier), cause.as_str()]);
            }
            Occurrence::NodeEventUnjoined => self.unjoined.increase(&[]),
            Occurrence::ClockClamped { job: _, phase } => self.clamps.increase(&[phase.as_str()]),
            Occurrence::AnnotationRejected { tier, pod: _ } => self.rejected_annotations.increase(&[&self.tier(*tier)]),
            Occurrence::Unclassified { family, of: _ } => self.unclassified.increase(&[family.as_str()]),
            Occurrence::SourceAttempt { source, failure } => {
                for tier in self.policy.tiers_of(source) {
                    let tier = self.tier(tier);
                    self.attempts.increase(&[source.kind.label(), &tier]);
                    if let Some(class) = failure {
                        self.failures.increase(&[source.kind.label(), &tier, class.as_str()]);
                    }
                }
            }
            Occurrence::Observed { source } => self.observations.increase(&[source.label()]),
            Occurrence::Gap { source, lasted } => self.gaps.add(&[source.label()], Duration::as_secs_f64(lasted)),
            Occurrence::Disagreed { job: _, kind } => self.disagreements.increase(&[kind.as_str()]),
            Occurrence::Silenced { key: _ } => {}
            Occurrence::Evicted { table } => self.evictions.increase(&[table.as_str()]),
        }
    }
}
