//! What happened lately, in the windows that the conditions ask for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cause::Pull;
use crate::model::assessment::{LatelyLevels, PullsLately};
use crate::model::fleet::Fleet;
use crate::model::policy::TierId;
use crate::observation::Now;

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn levels(fleet: &Fleet, tier: TierId, now: &Now) -> LatelyLevels {
    let policy = &fleet.policy().tiers[tier];
    let limits = &policy.conditions;
    let told = &fleet.lately.tiers[tier];
    let watched = fleet.lately.watched(now);
    let stall = policy.objective.start_within.mul_f64(limits.stalled_factor);
    let window = limits.platform_failures_window;
    LatelyLevels {
        watched,
        quiet: told.last_start.map_or(watched, |at| now.since(&at)),
        taken_last_hour: told.taken.within(HOUR, now),
        taken_within_stall: told.taken.within(stall, now),
        starts: told.starts.within(window, now),
        platform_failures: told.platform_failures.within(window, now),
        dropped: told.dropped.map(|at| now.since(&at)),
        pulls: pulls(fleet, tier, limits.pull_failing_window, now),
        managers_seen: policy
            .manager_namespaces
            .iter()
            .any(|namespace| fleet.pods.managers_changed(namespace).is_some()),
    }
}

fn pulls(fleet: &Fleet, tier: TierId, window: Duration, now: &Now) -> PullsLately {
    let told = &fleet.lately.tiers[tier];
    let (pods, projects) = told.pods_and_projects(window, now);
    let mut often: BTreeMap<(&Arc<str>, Pull), u64> = BTreeMap::new();
    for pull in told.pulls_within(window, now) {
        *often.entry((&pull.registry, pull.cause)).or_default() += 1;
    }
    let most = often.into_iter().max_by_key(|(_, times)| *times);
    PullsLately {
        pods,
        projects,
        started: told.running.within(window, now),
        most: most.map(|((registry, cause), _)| (Arc::clone(registry), cause)),
    }
}
