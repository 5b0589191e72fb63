//! Noise at the limits: whatever a condition measures may jitter by a fifth, and one real change is one change of the alert.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tierwatch::condition::Ledger;

use super::*;

/// Time from one judgement to the next.
const STEP: Duration = Duration::from_secs(30);

/// What a condition measures. `set` takes how bad it is: 1 is the limit, beyond it is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    OverdueWait,
    OverdueRate,
    StalledQueue,
    PlatformShare,
    PlatformJobs,
    PullShare,
    PullPods,
    PullProjects,
    Capacity,
    Quota,
    FloodJobs,
    FloodShare,
    Coverage,
    UnclassifiedShare,
    UnclassifiedCount,
}

const LEVELS: [(Level, Condition); 15] = [
    (Level::OverdueWait, Condition::JobsOverdue),
    (Level::OverdueRate, Condition::JobsOverdue),
    (Level::StalledQueue, Condition::QueueStalled),
    (Level::PlatformShare, Condition::PlatformFailures),
    (Level::PlatformJobs, Condition::PlatformFailures),
    (Level::PullShare, Condition::ImagePullFailing),
    (Level::PullPods, Condition::ImagePullFailing),
    (Level::PullProjects, Condition::ImagePullFailing),
    (Level::Capacity, Condition::AtCapacity),
    (Level::Quota, Condition::AtCapacity),
    (Level::FloodJobs, Condition::Flooded),
    (Level::FloodShare, Condition::Flooded),
    (Level::Coverage, Condition::QueueCoverageLow),
    (Level::UnclassifiedShare, Condition::Unclassified),
    (Level::UnclassifiedCount, Condition::Unclassified),
];

/// What has no level that could jitter, and why.
const WITHOUT: [(Condition, &str); 16] = [
    (Condition::JobsDropped, "an event, told for a time"),
    (Condition::Down, "ready or not, with a breath"),
    (Condition::Unschedulable, "each pod has its own patience, with a breath"),
    (Condition::ScaleUpBlocked, "refused or not, with a breath"),
    (Condition::RunnersOffline, "ready or not, with a breath"),
    (Condition::JobsUnserved, "each job has its own patience, and none is served for a while only"),
    (Condition::RunnerTokenExpiring, "a date, which comes once"),
    (Condition::RunnerTokenEnding, "a date, which comes once"),
    (Condition::RunnerTokenTooOld, "a date, which comes once"),
    (Condition::BoundaryMoved, "as declared or not"),
    (Condition::SourceDown, "answers or not; the alert waits for five minutes of silence"),
    (Condition::Unobserved, "seen or not; the alert waits for ten minutes"),
    (Condition::NoTraffic, "has a test of its own: what jitters are the times between jobs"),
    (Condition::ApiTokenExpiring, "a date, which comes once"),
    (Condition::ApiTokenEnding, "a date, which comes once"),
    (Condition::SecretReloadFailed, "can be read or not; the alert waits for ten minutes"),
];

#[test]
fn every_condition_has_a_level_or_a_reason_to_have_none() {
    let named = LEVELS.iter().map(|(_, condition)| *condition).chain(WITHOUT.iter().map(|(condition, _)| *condition));
    assert_eq!(named.collect::<BTreeSet<_>>(), Condition::ALL.iter().copied().collect());
}

/// A count that may be half a job too high, never too low: a fifth below three is not two.
fn whole(value: f64) -> u64 {
    value.ceil() as u64
}

impl Level {
    /// Everything else is so that only this level decides.
    fn set(self, case: &mut Case, own: &mut Assessment, bad: f64) {
        let limits = case.policy.conditions;
        let lately = &mut case.tier.lately;
        let share = |limit: f64| whole(1_000.0 * limit * bad).min(1_000);
        match self {
            Self::OverdueWait => {
                lately.taken_last_hour = 5;
                case.wait(1, case.policy.objective.start_within.mul_f64(limits.overdue_factor * bad));
            }
            Self::OverdueRate => {
                case.policy.objective.min_jobs = 1_000;
                lately.taken_last_hour = whole(1_000.0 / bad);
                case.wait(1, minutes(30));
            }
            Self::StalledQueue => {
                let span = case.policy.objective.start_within.mul_f64(limits.stalled_factor * bad);
                (lately.quiet, lately.taken_within_stall) = (span, (1.0 / bad) as u64);
                case.wait(6, span);
            }
            Self::PlatformShare => {
                (lately.starts, lately.platform_failures) = (1_000, share(limits.platform_failures_ratio));
            }
            Self::PlatformJobs => {
                let jobs = whole(f64::from(limits.platform_failures_jobs) * bad);
                (lately.starts, lately.platform_failures) = (jobs, jobs);
            }
            Self::PullShare => {
                case.policy.conditions.pull_failing_pods = 1_000_000;
                let pods = share(limits.pull_failing_ratio);
                lately.pulls = PullsLately { pods, projects: 500, started: 1_000 - pods, most: None };
            }
            Self::PullPods => {
                let pods = whole(f64::from(limits.pull_failing_pods) * bad);
                lately.pulls = PullsLately { pods, projects: 500, started: 1_000_000, most: None };
            }
            Self::PullProjects => {
                let projects = whole(f64::from(limits.pull_failing_projects) * bad);
                lately.pulls = PullsLately { pods: 500, projects, started: 0, most: None };
            }
            Self::Capacity => {
                case.policy.capacity = Some(1_000);
                case.tier.running.as_mut().unwrap().executing = whole(1_000.0 * limits.at_capacity_ratio * bad);
                case.tier.running.as_mut().unwrap().starting = 0;
                case.wait(4, minutes(1));
            }
            Self::Quota => {
                case.tier.quotas.as_mut().unwrap()[0].ratio = limits.at_capacity_ratio * bad;
                case.wait(4, minutes(1));
            }
            Self::FloodJobs => {
                case.wait(whole(f64::from(limits.flooded_jobs) * bad), minutes(1));
                case.queue().top_project_share = Some(1.0);
            }
            Self::FloodShare => {
                case.wait(500, minutes(1));
                case.queue().top_project_share = Some((limits.flooded_ratio * bad).min(1.0));
            }
            Self::Coverage => own.coverage = Some(1.0 - 0.1 * bad),
            Self::UnclassifiedShare => (own.unclassified, own.failures) = (share(0.05), 1_000),
            Self::UnclassifiedCount => (own.unclassified, own.failures) = (whole(5.0 * bad), 10),
        }
    }
}

/// A condition and its alerts, watched for changes.
struct Watch {
    condition: Condition,
    case: Case,
    own: Assessment,
    ledger: Ledger,
    held: bool,
    fires: bool,
    /// Of the condition, of its alerts.
    changes: (usize, usize),
}

impl Watch {
    fn new(condition: Condition) -> Self {
        let (case, own) = (Case::calm(), fake::assessment(vec![fake::calm_tier("standard")]));
        let ledger = Ledger::new(minutes(2));
        Self { condition, case, own, ledger, held: false, fires: false, changes: (0, 0) }
    }

    fn judge(&mut self) {
        self.case.go_on(STEP);
        self.own.at = self.case.now;
        let known = self.own.conditions.clone();
        self.own.conditions = of_tierwatch(&self.own, &known);
        self.own.tiers[0].conditions = self.case.before.clone();
        let mut lines = self.own.conditions.iter().chain(&self.case.before);
        let holds = lines.any(|line| line.condition == self.condition && line.holds == Some(true));
        let told = self.ledger.judge(&self.own);
        let fires = told.iter().any(|alert| alert.condition == self.condition && alert.ends_at.is_none());
        self.changes.0 += usize::from(holds != self.held);
        self.changes.1 += usize::from(fires != self.fires);
        (self.held, self.fires) = (holds, fires);
    }
}

/// Other limits than the defaults.
fn limits_times(case: &mut Case, factor: u32) {
    let limits = &mut case.policy.conditions;
    for limit in [&mut limits.platform_failures_jobs, &mut limits.pull_failing_pods, &mut limits.flooded_jobs] {
        *limit *= factor;
    }
    limits.pull_failing_projects *= factor;
    limits.overdue_factor *= f64::from(factor);
    limits.platform_failures_ratio /= f64::from(factor);
    limits.pull_failing_ratio /= f64::from(factor);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// A fault lifts a level to its limit or beyond, for a while, and every value is noisy by a fifth: the condition begins
    /// once and ends once, and so does its alert.
    #[test]
    fn noise_at_a_limit_flips_nothing(
        which in 0..LEVELS.len(),
        times in 1..6_u32,
        height in 1.0..2.0_f64,
        spans in (5..40_usize, 5..80_usize, 5..40_usize),
        noise in prop::collection::vec(-0.2..0.2_f64, 160),
    ) {
        let (level, condition) = LEVELS[which];
        let mut watch = Watch::new(condition);
        limits_times(&mut watch.case, times);
        let (before, during, after) = spans;
        for (step, noise) in noise.iter().enumerate().take(before + during + after) {
            let bad = if (before..before + during).contains(&step) { height } else { 0.4 };
            level.set(&mut watch.case, &mut watch.own, bad * (1.0 + noise));
            watch.judge();
        }
        let (flips, alerts) = watch.changes;
        prop_assert!(!watch.held, "{level:?} does not end");
        prop_assert!(flips <= 2 && alerts <= 2, "{level:?}: the condition flips {flips} times, the alert {alerts} times");
        prop_assert!(height < 1.26 || flips == 2, "{level:?} at {height} times its limit is not seen");
    }

    /// Jobs that come about as seldom as is just expected, up to a fifth sooner or later, between two times of much traffic.
    #[test]
    fn jobs_that_come_about_as_seldom_as_expected_flip_nothing(
        span in 60..180_u64,
        gaps in prop::collection::vec(0.8..1.2_f64, 1..12),
    ) {
        let span = minutes(span);
        let mut watch = Watch::new(Condition::NoTraffic);
        watch.case.policy.expects_traffic = Some(span);
        let busy = std::iter::repeat_n(minutes(1), 60);
        let gaps = busy.clone().chain(gaps.iter().map(|gap| span.mul_f64(*gap))).chain(busy);
        let mut starts: Vec<Duration> = Vec::new();
        let mut now = Duration::ZERO;
        for gap in gaps {
            let next = starts.last().copied().unwrap_or_default() + gap;
            while now < next {
                let lately = &mut watch.case.tier.lately;
                lately.quiet = now - starts.last().copied().unwrap_or_default();
                let recent = starts.iter().filter(|start| now - **start <= minutes(4)).count();
                lately.taken_within_stall = u64::try_from(recent).unwrap();
                watch.judge();
                now += STEP;
            }
            starts.push(next);
        }
        prop_assert!(!watch.held, "it does not end although jobs come again");
        let (flips, alerts) = watch.changes;
        prop_assert!(flips <= 2 && alerts <= 2, "the condition flips {flips} times, the alert {alerts} times");
    }
}
