//! Jobs wait, and what was granted or declared is used up: by more than the one project that floods the queue.

use super::flooded::by_one_project;
use super::judge::Ground;
use super::line::Finding;
use super::words::{number, percent, reached, waiting};

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let full = match (by_capacity(on), by_quota(on)) {
        (Some(jobs), Some(quota)) => format!("{jobs}, and {quota}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) if on.tier.running.is_none() && on.tier.quotas.is_none() => {
            return Finding::Withheld("neither running jobs nor quotas can be seen");
        }
        (None, None) => return Finding::Fine,
    };
    match &on.tier.queue {
        None => Finding::Withheld("the queue cannot be seen"),
        Some(queue) if queue.pending == 0 => Finding::Fine,
        // More room would be filled by the same project; what holds already is not ended by a flood near its limit.
        Some(queue) if by_one_project(queue, &on.policy.conditions, !on.held).is_some() => Finding::Fine,
        Some(queue) => Finding::So(format!("{full}; {}", waiting(queue))),
    }
}

fn by_capacity(on: &Ground<'_>) -> Option<String> {
    let capacity = on.policy.capacity?;
    let running = on.tier.running?;
    let jobs = running.starting + running.executing;
    let share = number(jobs) / f64::from(capacity);
    reached(share, on.policy.conditions.at_capacity_ratio, on.held)
        .then(|| format!("{jobs} of {capacity} jobs run at once ({})", percent(share)))
}

fn by_quota(on: &Ground<'_>) -> Option<String> {
    let fullest = on.tier.quotas.as_ref()?.iter().max_by(|one, other| one.ratio.total_cmp(&other.ratio))?;
    reached(fullest.ratio, on.policy.conditions.at_capacity_ratio, on.held).then(|| {
        let (quota, namespace, what) = (&fullest.quota, &fullest.namespace, &fullest.written);
        format!("{what} of the quota {quota} in {namespace} is used to {}", percent(fullest.ratio))
    })
}
