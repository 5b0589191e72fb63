//! The platform breaks jobs: runner, cluster or registry, not the users' own scripts.

use super::judge::Ground;
use super::line::Finding;
use super::words::{many, number, part, percent, reached, top_cause};
use crate::model::assess::human_duration;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let limits = &on.policy.conditions;
    let lately = &on.tier.lately;
    if on.tier.queue.is_none() && on.tier.running.is_none() {
        return Finding::Withheld("GitLab's jobs cannot be seen");
    }
    let (broken, starts) = (lately.platform_failures, lately.starts.max(lately.platform_failures));
    let enough = reached(number(broken), f64::from(limits.platform_failures_jobs), on.held);
    let share = part(broken, starts);
    if broken == 0 || !enough || !reached(share, limits.platform_failures_ratio, on.held) {
        return Finding::Fine;
    }
    Finding::So(format!(
        "the platform broke {} within {}, {} of those that started{}",
        many(broken, "job"),
        human_duration(limits.platform_failures_window),
        percent(share),
        top_cause(on.tier),
    ))
}
