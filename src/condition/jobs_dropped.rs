//! GitLab gave up on a job that the tier's runners should have taken: told for a while, since it happens in an instant.

use super::judge::Ground;
use super::line::Finding;
use crate::model::assess::human_duration;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    match on.tier.lately.dropped {
        Some(ago) if ago < on.policy.conditions.dropped_for => Finding::So(format!(
            "GitLab failed a job that no runner had taken, {} ago: runners fit, and it had waited for a day",
            human_duration(ago)
        )),
        _ if on.tier.queue.is_none() => Finding::Withheld("the queue cannot be seen"),
        Some(_) | None => Finding::Fine,
    }
}
