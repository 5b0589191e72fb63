//! No node takes job pods, for longer than a node takes to come.

use super::judge::Ground;
use super::line::Finding;
use super::words::{cause, many};
use crate::cause::{Blame, Cause};
use crate::model::assess::human_duration;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(pods) = &on.tier.pods else { return Finding::Withheld("the job pods cannot be seen") };
    let most = pods.unschedulable_long.iter().max_by_key(|(cause, pods)| (**pods, std::cmp::Reverse(**cause)));
    let Some((why, count)) = most else { return Finding::Fine };
    let line = on.tier.causes.iter().find(|line| line.cause == Cause::Scheduling(*why) && line.blame != Blame::User);
    let Some(line) = line else { return Finding::Fine };
    let nodes = on.tier.nodes.map(|nodes| {
        let all = nodes.ready + nodes.not_ready + nodes.unschedulable;
        format!(", {} of {} ready", nodes.ready, many(all, "node"))
    });
    let long = human_duration(on.policy.conditions.unschedulable_after);
    let pods = many(*count, "job pod");
    Finding::So(format!("{pods} without a node for over {long}{}. {}", nodes.unwrap_or_default(), cause(line)))
}
