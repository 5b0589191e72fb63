//! From where on the conditions of a tier hold.

use super::raw;
use super::rules::{Checker, DAY};
use crate::model::policy::Thresholds;

const HOUR: u64 = 3600;

/// What stands below `conditions`, which the defaults fill.
pub(super) fn check(at: &str, raw: Option<&raw::Conditions>, checker: &mut Checker<'_>) -> Thresholds {
    // Told already when it is of the wrong type.
    let Some(raw) = raw else { return Thresholds::default() };
    let key = |last: &str| format!("{at}.{last}");
    let mut span = |last: &str, text: &Option<raw::DurationText>, least, most| {
        checker.duration(&key(last), text.as_ref(), least..=most, "")
    };
    let dropped_for = span("dropped_for", &raw.dropped_for, 60, DAY);
    let platform_failures_window = span("platform_failures_window", &raw.platform_failures_window, 60, HOUR);
    let down_after = span("down_after", &raw.down_after, 0, HOUR);
    let unschedulable_after = span("unschedulable_after", &raw.unschedulable_after, 0, HOUR);
    let pull_failing_window = span("pull_failing_window", &raw.pull_failing_window, 60, HOUR);
    let scale_up_blocked_after = span("scale_up_blocked_after", &raw.scale_up_blocked_after, 0, HOUR);
    let unserved_after = span("unserved_after", &raw.unserved_after, 0, DAY);
    let critical_before_expiry = span("critical_before_expiry", &raw.critical_before_expiry, HOUR, 366 * DAY);
    let mut many = |last: &str, number: Option<i64>, most| checker.whole(&key(last), number, 1..=most);
    let platform_failures_jobs = many("platform_failures_jobs", raw.platform_failures_jobs, 1_000_000);
    let pull_failing_pods = many("pull_failing_pods", raw.pull_failing_pods, 1_000_000);
    let pull_failing_projects = many("pull_failing_projects", raw.pull_failing_projects, 1_000);
    let flooded_jobs = many("flooded_jobs", raw.flooded_jobs, 1_000_000);
    Thresholds {
        overdue_factor: factor(&key("overdue_factor"), raw.overdue_factor, checker),
        stalled_factor: factor(&key("stalled_factor"), raw.stalled_factor, checker),
        dropped_for,
        platform_failures_jobs,
        platform_failures_ratio: part(&key("platform_failures_ratio"), raw.platform_failures_ratio, checker),
        platform_failures_window,
        down_after,
        unschedulable_after,
        pull_failing_pods,
        pull_failing_ratio: part(&key("pull_failing_ratio"), raw.pull_failing_ratio, checker),
        pull_failing_projects,
        pull_failing_window,
        scale_up_blocked_after,
        at_capacity_ratio: part(&key("at_capacity_ratio"), raw.at_capacity_ratio, checker),
        flooded_ratio: part(&key("flooded_ratio"), raw.flooded_ratio, checker),
        flooded_jobs,
        unserved_after,
        critical_before_expiry,
    }
}

fn part(key: &str, raw: Option<f64>, checker: &mut Checker<'_>) -> f64 {
    let Some(part) = raw else { return 1.0 };
    if part > 0.0 && part <= 1.0 {
        return part;
    }
    let remedy = match part {
        per_cent if per_cent > 1.0 && per_cent <= 100.0 => {
            format!("it is a part, not per cent: write {}", (per_cent * 1e6).round() / 1e8)
        }
        _ => "give a part: above 0, 1 at most, e.g. 0.2".into(),
    };
    checker.wrong(key, format!("{part} is no part of a whole"), remedy);
    1.0
}

fn factor(key: &str, raw: Option<f64>, checker: &mut Checker<'_>) -> f64 {
    let Some(factor) = raw else { return 1.0 };
    if !(1.0..=100.0).contains(&factor) {
        let remedy = "give how many times `objective.start_within`: 1 to 100, e.g. 3";
        checker.wrong(key, format!("{factor} is out of range"), remedy);
        return 1.0;
    }
    factor
}
