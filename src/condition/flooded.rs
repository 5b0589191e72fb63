//! One project has filled the queue: its own doing, told so that nobody looks elsewhere.

use super::judge::Ground;
use super::line::Finding;
use super::words::{number, percent, reached, waiting};

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(queue) = &on.tier.queue else { return Finding::Withheld("the queue cannot be seen") };
    let limits = &on.policy.conditions;
    let share = queue.top_project_share.unwrap_or(0.0);
    let many = reached(number(queue.pending), f64::from(limits.flooded_jobs), on.held);
    if !many || share <= 0.0 || !reached(share, limits.flooded_ratio, on.held) {
        return Finding::Fine;
    }
    Finding::So(format!("{}; {} of them are of one project", waiting(queue), percent(share)))
}
