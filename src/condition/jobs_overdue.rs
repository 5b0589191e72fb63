//! A job of a tier that is too quiet for a ratio waits far too long.

use std::time::Duration;

use super::judge::Ground;
use super::line::Finding;
use super::words::{lasted, many, top_cause, waiting};
use crate::model::assess::human_duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A rate is not read from a shorter time.
const SHORTEST: Duration = Duration::from_secs(600);

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(queue) = &on.tier.queue else { return Finding::Withheld("the queue cannot be seen") };
    let objective = &on.policy.objective;
    let limit = objective.start_within.mul_f64(on.policy.conditions.overdue_factor);
    let lately = &on.tier.lately;
    let watched = lately.watched.clamp(SHORTEST, HOUR);
    let an_hour = super::words::number(lately.taken_last_hour) * (HOUR.as_secs_f64() / watched.as_secs_f64());
    let quiet = an_hour < f64::from(objective.min_jobs) * if on.held { 1.25 } else { 1.0 };
    if queue.pending == 0 || !quiet || !lasted(queue.oldest, limit, on.held) {
        return Finding::Fine;
    }
    Finding::So(format!(
        "{}, {} being the limit of a tier that starts less than {} an hour{}",
        waiting(queue),
        human_duration(limit),
        many(u64::from(objective.min_jobs), "job"),
        top_cause(on.tier),
    ))
}
