//! A tier that is always in use is not: jobs may be going elsewhere, or nowhere.

use std::time::Duration;

use super::judge::Ground;
use super::line::Finding;
use super::words::{lasted, number};
use crate::model::assess::human_duration;
use crate::model::assessment::LatelyLevels;
use crate::model::policy::TierPolicy;

/// A tier whose jobs come about as seldom as is just expected goes now a fifth above the limit, now a fifth below.
const NOISE: f64 = 1.25;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(span) = on.policy.expects_traffic else { return Finding::Fine };
    if on.tier.running.is_none() {
        return Finding::Withheld("running jobs cannot be seen");
    }
    let quiet = on.tier.lately.quiet;
    // A job now and then, about as seldom as that, is no end of it.
    if !lasted(quiet, span, on.held) {
        return Finding::Fine;
    }
    let (ago, expected) = (human_duration(quiet), human_duration(span));
    Finding::So(if quiet < span {
        format!("jobs start too seldom: the last one {ago} ago, and one at least every {expected} is expected")
    } else {
        format!("no job started for {ago}, and one at least every {expected} is expected")
    })
}

/// For how long jobs must come again before it is over: one alone may be the last for as long; several at once, more than
/// come at the limit, may not.
pub(super) fn breath(policy: &TierPolicy, lately: &LatelyLevels) -> Duration {
    let Some(span) = policy.expects_traffic else { return Duration::ZERO };
    let window = policy.objective.start_within.mul_f64(policy.conditions.stalled_factor);
    let at_the_limit = 1.0 + NOISE * window.as_secs_f64() / span.as_secs_f64();
    if number(lately.taken_within_stall) > at_the_limit { Duration::ZERO } else { span.mul_f64(NOISE) }
}
