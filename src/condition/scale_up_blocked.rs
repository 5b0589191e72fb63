//! Pods wait for a node, and the autoscaler makes none.

use super::judge::Ground;
use super::line::Finding;
use super::words::{cause, many};
use crate::cause::Cause;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(scale_up) = &on.tier.scale_up else {
        return Finding::Withheld("the job pods or their events cannot be seen");
    };
    let refused: u64 = scale_up.refused.values().sum();
    if refused == 0 {
        return Finding::Fine;
    }
    let first = on.tier.causes.iter().find(|line| matches!(line.cause, Cause::Autoscale(_)));
    let why = first.map(|line| format!(". {}", cause(line))).unwrap_or_default();
    Finding::So(format!("{} without a node, and the autoscaler makes none{why}", many(refused, "job pod")))
}
