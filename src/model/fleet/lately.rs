//! What happened within the last hour: what conditions ask and no level tells. A new run knows nothing of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::pods::Pods;
use crate::cause::{Blame, Cause, Pull, explain};
use crate::model::occurrence::{DropReason, FailureReason, Occurrence, Outcome};
use crate::observation::{Now, ProjectId};

/// Counts are kept this long.
const KEPT: Duration = Duration::from_secs(3600);

/// Counts of this span are one number: a window ends up to so much late.
const STEP: Duration = Duration::from_secs(15);

/// Failed pulls of a tier that are remembered one by one.
const MOST_PULLS: usize = 1_000;

/// How often something happened, in steps.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Times {
    steps: VecDeque<(u64, u64)>,
}

impl Times {
    fn add(&mut self, now: &Now) {
        let step = step(now.mono);
        match self.steps.back_mut() {
            Some((last, times)) if *last == step => *times += 1,
            Some(_) | None => self.steps.push_back((step, 1)),
        }
        let oldest = step.saturating_sub(step_count(KEPT));
        while self.steps.front().is_some_and(|(first, _)| *first < oldest) {
            self.steps.pop_front();
        }
    }

    /// How often within the last `span`, an hour at most.
    pub(in crate::model) fn within(&self, span: Duration, now: &Now) -> u64 {
        let oldest = step(now.mono.saturating_sub(span));
        self.steps.iter().rev().take_while(|(step, _)| *step >= oldest).map(|(_, times)| times).sum()
    }
}

fn step(mono: Duration) -> u64 {
    mono.as_secs() / STEP.as_secs()
}

fn step_count(span: Duration) -> u64 {
    span.as_secs() / STEP.as_secs()
}

/// A pull that failed and was not its user's fault.
#[derive(Debug, Clone)]
pub(in crate::model) struct FailedPull {
    pub(in crate::model) at: Now,
    pub(in crate::model) pod: Arc<str>,
    pub(in crate::model) project: Option<ProjectId>,
    pub(in crate::model) registry: Arc<str>,
    pub(in crate::model) cause: Pull,
}

/// What happened to one tier.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct TierLately {
    /// A runner took a job.
    pub(in crate::model) taken: Times,
    pub(in crate::model) last_start: Option<Now>,
    /// A build container began to run.
    pub(in crate::model) running: Times,
    /// A job's start was judged, whichever way but canceled and unknown.
    pub(in crate::model) starts: Times,
    /// A job that a runner took failed by the platform.
    pub(in crate::model) platform_failures: Times,
    pub(in crate::model) dropped: Option<Now>,
    pub(in crate::model) pulls: VecDeque<FailedPull>,
}

/// What happened to all tiers, and to all of them together.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Lately {
    pub(in crate::model) tiers: Vec<TierLately>,
    /// Failures of pods, whatever their cause.
    pub(in crate::model) failures: Times,
    /// Those of which no rule knew the cause.
    pub(in crate::model) unclassified: Times,
    began: Option<Now>,
}

impl Lately {
    pub(super) fn new(tiers: usize) -> Self {
        Self { tiers: vec![TierLately::default(); tiers], ..Self::default() }
    }

    /// For how long this run has listened.
    pub(in crate::model) fn watched(&self, now: &Now) -> Duration {
        self.began.map_or(Duration::ZERO, |began| now.since(&began))
    }

    pub(super) fn note(&mut self, occurrences: &[Occurrence], pods: &Pods, now: Now) {
        self.began.get_or_insert(now);
        for occurrence in occurrences {
            match occurrence {
                Occurrence::JobTaken { tier, .. } => {
                    self.tiers[*tier].taken.add(&now);
                    self.tiers[*tier].last_start = Some(now);
                }
                Occurrence::JobStarted { tier, .. } => {
                    self.tiers[*tier].running.add(&now);
                    self.tiers[*tier].last_start = Some(now);
                }
                Occurrence::JobOutcome { tier, outcome, .. } => match outcome {
                    Outcome::InTime | Outcome::Late | Outcome::PlatformFailure | Outcome::UserFailure => {
                        self.tiers[*tier].starts.add(&now);
                    }
                    Outcome::Canceled | Outcome::Unknown => {}
                },
                // Whoever asks for a tag that nobody has is not kept waiting by the tier: those are its unserved jobs.
                Occurrence::JobDropped { tier, reason, .. } if *reason != DropReason::NoMatchingRunners => {
                    self.tiers[*tier].dropped = Some(now);
                }
                Occurrence::JobFailed { tier, reason, blame: Blame::Platform, .. } if !waited_too_long(*reason) => {
                    self.tiers[*tier].platform_failures.add(&now);
                }
                Occurrence::PullFailed { tier, pod, registry, cause, .. } => {
                    self.failures.add(&now);
                    if explain(Cause::Pull(*cause)).blame != Blame::User {
                        let project = pods.get(pod).and_then(|row| row.report.project);
                        let (pod, registry) = (Arc::clone(pod), Arc::clone(registry));
                        self.tiers[*tier].pull_failed(FailedPull { at: now, pod, project, registry, cause: *cause });
                    }
                }
                Occurrence::PodUnschedulable { .. }
                | Occurrence::AdmissionRefused { .. }
                | Occurrence::PodFailed { .. } => self.failures.add(&now),
                Occurrence::Unclassified { .. } => self.unclassified.add(&now),
                Occurrence::JobFailed { .. }
                | Occurrence::JobDropped { .. }
                | Occurrence::ImagePulled { .. }
                | Occurrence::NodeEventUnjoined
                | Occurrence::ClockClamped { .. }
                | Occurrence::AnnotationRejected { .. }
                | Occurrence::SourceAttempt { .. }
                | Occurrence::Observed { .. }
                | Occurrence::Gap { .. }
                | Occurrence::Disagreed { .. }
                | Occurrence::Silenced { .. }
                | Occurrence::Evicted { .. } => {}
            }
        }
    }
}

/// GitLab gave up on it in the queue, which is a condition of its own.
const fn waited_too_long(reason: FailureReason) -> bool {
    matches!(reason, FailureReason::StuckMatching | FailureReason::StuckNoMatching | FailureReason::StuckOrTimeout)
}

impl TierLately {
    fn pull_failed(&mut self, pull: FailedPull) {
        if self.pulls.len() == MOST_PULLS {
            self.pulls.pop_front();
        }
        while self.pulls.front().is_some_and(|first| pull.at.since(&first.at) > KEPT) {
            self.pulls.pop_front();
        }
        self.pulls.push_back(pull);
    }

    /// Pulls that failed within `span`, the newest first.
    pub(in crate::model) fn pulls_within(&self, span: Duration, now: &Now) -> impl Iterator<Item = &FailedPull> {
        self.pulls.iter().rev().take_while(move |pull| now.since(&pull.at) <= span)
    }

    /// Pods and projects that these pulls belong to; pods of no known project are one project.
    pub(in crate::model) fn pods_and_projects(&self, span: Duration, now: &Now) -> (u64, u64) {
        let pods: BTreeSet<&str> = self.pulls_within(span, now).map(|pull| pull.pod.as_ref()).collect();
        let projects: BTreeSet<Option<ProjectId>> = self.pulls_within(span, now).map(|pull| pull.project).collect();
        (pods.len() as u64, projects.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, mono: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_window_forgets_and_the_whole_stays_small() {
        let mut times = Times::default();
        (0..7_200).for_each(|second| times.add(&at(second)));
        let within = |minutes: u64| times.within(Duration::from_secs(60 * minutes), &at(7_199));
        assert_eq!([within(1), within(15), within(60)], [75, 915, 3_615], "a window ends up to one step late");
        assert_eq!(times.within(Duration::from_secs(60), &at(9_000)), 0);
        assert!(times.steps.len() <= 241, "{} steps", times.steps.len());
    }
}
