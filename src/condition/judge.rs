//! The one list of conditions, and how long each must be so.

use std::sync::Arc;
use std::time::Duration;

use super::line::{Condition, ConditionLine, Finding};
use super::{
    at_capacity, boundary_moved, down, flooded, image_pull_failing, jobs_dropped, jobs_overdue, jobs_unserved,
    no_traffic, own, platform_failures, queue_stalled, runner_tokens, runners_offline, scale_up_blocked, source_down,
    unobserved, unschedulable,
};
use crate::model::assessment::{Assessment, LatelyLevels, SourceStatus, TierAssessment};
use crate::model::policy::TierPolicy;
use crate::observation::{Now, between};

/// What a condition of a tier reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) policy: &'a TierPolicy,
    pub(super) tier: &'a TierAssessment,
    pub(super) sources: &'a [SourceStatus],
    pub(super) now: &'a Now,
    /// It held before.
    pub(super) held: bool,
}

type Judge = fn(&Ground<'_>) -> Finding;

/// Every condition of a tier that is about the tier as a whole.
const OF_TIERS: &[(Condition, Judge)] = &[
    (Condition::JobsOverdue, jobs_overdue::judge),
    (Condition::QueueStalled, queue_stalled::judge),
    (Condition::JobsDropped, jobs_dropped::judge),
    (Condition::PlatformFailures, platform_failures::judge),
    (Condition::Down, down::judge),
    (Condition::Unschedulable, unschedulable::judge),
    (Condition::ImagePullFailing, image_pull_failing::judge),
    (Condition::ScaleUpBlocked, scale_up_blocked::judge),
    (Condition::AtCapacity, at_capacity::judge),
    (Condition::RunnersOffline, runners_offline::judge),
    (Condition::Flooded, flooded::judge),
    (Condition::JobsUnserved, jobs_unserved::judge),
    (Condition::RunnerTokenExpiring, runner_tokens::expiring),
    (Condition::RunnerTokenEnding, runner_tokens::ending),
    (Condition::RunnerTokenTooOld, runner_tokens::too_old),
    (Condition::Unobserved, unobserved::judge),
    (Condition::NoTraffic, no_traffic::judge),
];

/// A calm of this length ends what flickers.
const BREATH: Duration = Duration::from_secs(60);

/// How a condition takes time.
#[derive(Debug, Clone, Copy, Default)]
struct Spans {
    /// It must be so for this long before it holds: what is over sooner is no trouble yet.
    patience: Duration,
    /// It may be well for this long in between: a manager that crashes in a loop is ready for seconds each time, and
    /// pods that find no node are given up and come again.
    breath: Duration,
    /// So far back it looks: a run that began later cannot say that nothing happened.
    looks_back: Duration,
    /// For how long this run has watched.
    watched: Duration,
}

impl Spans {
    fn of(condition: Condition, policy: &TierPolicy, lately: &LatelyLevels) -> Self {
        let limits = &policy.conditions;
        let watched = lately.watched;
        let looks_back = |looks_back| Self { looks_back, watched, ..Self::default() };
        let flickers = |patience| Self { patience, breath: BREATH, ..Self::default() };
        match condition {
            Condition::Down => flickers(limits.down_after),
            Condition::ScaleUpBlocked => flickers(limits.scale_up_blocked_after),
            // Each pod has its own patience.
            Condition::Unschedulable => flickers(Duration::ZERO),
            Condition::QueueStalled => looks_back(policy.objective.start_within.mul_f64(limits.stalled_factor)),
            Condition::JobsDropped => looks_back(limits.dropped_for),
            Condition::PlatformFailures => looks_back(limits.platform_failures_window),
            Condition::ImagePullFailing => looks_back(limits.pull_failing_window),
            Condition::NoTraffic => Self {
                breath: no_traffic::breath(policy, lately),
                ..looks_back(policy.expects_traffic.unwrap_or_default())
            },
            // One of several managers that crashes in a loop would never be told.
            Condition::RunnersOffline => flickers(Duration::ZERO),
            Condition::JobsOverdue
            | Condition::AtCapacity
            | Condition::Flooded
            | Condition::JobsUnserved
            | Condition::RunnerTokenExpiring
            | Condition::RunnerTokenEnding
            | Condition::RunnerTokenTooOld
            | Condition::BoundaryMoved
            | Condition::SourceDown
            | Condition::Unobserved
            | Condition::ApiTokenExpiring
            | Condition::ApiTokenEnding
            | Condition::QueueCoverageLow
            | Condition::Unclassified
            | Condition::SecretReloadFailed => Self::default(),
        }
    }
}

/// Every condition of one tier. `before` are those of the last judgement.
#[must_use]
pub fn of_tier(
    policy: &TierPolicy,
    tier: &TierAssessment,
    sources: &[SourceStatus],
    before: &[ConditionLine],
    now: &Now,
) -> Vec<ConditionLine> {
    let whole = OF_TIERS.iter().map(|(condition, judge)| {
        let known = find(before, *condition, None);
        let held = known.is_some_and(|line| line.holds == Some(true));
        let finding = judge(&Ground { policy, tier, sources, now, held });
        let spans = Spans::of(*condition, policy, &tier.lately);
        line(*condition, None, finding, known, spans, now)
    });
    let ground = Ground { policy, tier, sources, now, held: false };
    let parts = boundary_moved::judge(&ground)
        .into_iter()
        .map(|found| (Condition::BoundaryMoved, found))
        .chain(source_down::judge(&ground).into_iter().map(|found| (Condition::SourceDown, found)));
    let parts = parts.map(|(condition, (subject, finding))| {
        let known = find(before, condition, Some(&subject));
        line(condition, Some(subject), finding, known, Spans::default(), now)
    });
    whole.chain(parts).collect()
}

/// Every condition of tierwatch itself.
#[must_use]
pub fn of_tierwatch(assessment: &Assessment, before: &[ConditionLine]) -> Vec<ConditionLine> {
    own::ALL
        .iter()
        .map(|(condition, judge)| {
            let known = find(before, *condition, None);
            let held = known.is_some_and(|line| line.holds == Some(true));
            line(*condition, None, judge(assessment, held), known, Spans::default(), &assessment.at)
        })
        .collect()
}

fn find<'a>(lines: &'a [ConditionLine], condition: Condition, subject: Option<&str>) -> Option<&'a ConditionLine> {
    lines.iter().find(|line| line.condition == condition && line.subject.as_deref() == subject)
}

fn line(
    condition: Condition,
    subject: Option<Arc<str>>,
    finding: Finding,
    before: Option<&ConditionLine>,
    spans: Spans,
    now: &Now,
) -> ConditionLine {
    let Spans { patience, breath, looks_back, watched } = spans;
    let known = before.and_then(|line| line.since);
    let since = known.unwrap_or(now.wall);
    let held = before.is_some_and(|line| line.holds == Some(true));
    let taken_over = before.is_some_and(|line| line.taken_over);
    // Too early to say that it is over: what it was about happened before this run.
    let too_early = taken_over && watched < looks_back && finding == Finding::Fine;
    let as_before = before.filter(|_| too_early).map(|line| Finding::So(line.reason.clone()));
    let finding = as_before.unwrap_or(finding);
    match finding {
        Finding::Withheld(what) => {
            let reason = what.to_owned();
            ConditionLine { condition, subject, holds: None, since: None, reason, pausing: None, taken_over: false }
        }
        Finding::So(reason) => {
            let holds = Some(between(since, now.wall) >= patience || held);
            ConditionLine { condition, subject, holds, since: Some(since), reason, pausing: None, taken_over }
        }
        Finding::Fine => {
            let pausing = before.and_then(|line| line.pausing).unwrap_or(now.wall);
            let pauses = known.is_some() && between(pausing, now.wall) < breath;
            let reason = before.filter(|_| pauses).map(|line| line.reason.clone()).unwrap_or_default();
            let (since, pausing) = (known.filter(|_| pauses), pauses.then_some(pausing));
            ConditionLine { condition, subject, holds: Some(held && pauses), since, reason, pausing, taken_over: false }
        }
    }
}
