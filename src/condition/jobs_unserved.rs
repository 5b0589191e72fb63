//! A job asks for the tier, and no runner may ever take it.

use super::judge::Ground;
use super::line::Finding;
use super::words::many;
use crate::model::assess::human_duration;
use crate::model::assessment::UnservedReason;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(queue) = &on.tier.queue else { return Finding::Withheld("the queue cannot be seen") };
    if queue.unserved.is_empty() {
        return Finding::Withheld("jobs that no runner takes are not in sight by this way of reading the queue");
    }
    if queue.unserved_long == 0 {
        return Finding::Fine;
    }
    let most = queue.unserved.iter().max_by_key(|(reason, jobs)| (**jobs, std::cmp::Reverse(**reason)));
    let why = match most.map(|(reason, _)| *reason) {
        Some(UnservedReason::TagMissing) => "no runner carries all of its tags",
        Some(UnservedReason::Untagged) => "it has no tags, and no runner takes untagged jobs",
        Some(UnservedReason::Protected) => "only runners for protected refs carry its tags",
        Some(UnservedReason::Unknown) | None => "GitLab calls it stuck",
    };
    let long = human_duration(on.policy.conditions.unserved_after);
    Finding::So(format!("{} that no runner may take for over {long}: {why}", many(queue.unserved_long, "job")))
}
