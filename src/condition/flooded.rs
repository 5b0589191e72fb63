//! One project has filled the queue: its own doing, told so that nobody looks elsewhere.

use super::judge::Ground;
use super::line::Finding;
use super::words::{number, percent, reached, waiting};
use crate::model::assessment::QueueLevels;
use crate::model::policy::Thresholds;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(queue) = &on.tier.queue else { return Finding::Withheld("the queue cannot be seen") };
    let Some(share) = by_one_project(queue, &on.policy.conditions, on.held) else { return Finding::Fine };
    Finding::So(format!("{}; {} of them are of one project", waiting(queue), percent(share)))
}

/// The share of the one project that has filled the queue; `held`: it had before.
pub(super) fn by_one_project(queue: &QueueLevels, limits: &Thresholds, held: bool) -> Option<f64> {
    let share = queue.top_project_share.filter(|share| *share > 0.0)?;
    let many = reached(number(queue.pending), f64::from(limits.flooded_jobs), held);
    (many && reached(share, limits.flooded_ratio, held)).then_some(share)
}
