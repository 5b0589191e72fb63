//! No runner manager works: its pods tell at once, GitLab's `online` only two hours after its end.

use super::judge::Ground;
use super::line::Finding;
use super::words::{many, waiting};
use crate::observation::RunnerStatus;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let why = match (on.tier.managers, &on.tier.runners) {
        (Some(managers), _) if managers.ready > 0 => return Finding::Fine,
        (Some(managers), _) if managers.not_ready > 0 => {
            format!("none of {} is ready", many(managers.not_ready, "runner manager pod"))
        }
        // Who never had a manager pod may run its managers elsewhere: then GitLab's word is all there is.
        (Some(_), _) if on.tier.lately.managers_seen || on.held => "the runner manager pods are gone".to_owned(),
        (_, Some(runners)) => {
            let of = |status: RunnerStatus| runners.by_status.get(&status).copied().unwrap_or(0);
            let contacted = of(RunnerStatus::Offline) + of(RunnerStatus::Stale);
            if of(RunnerStatus::Online) > 0 || contacted == 0 {
                return Finding::Fine;
            }
            format!("none of {} is online, which GitLab notices after two hours", many(contacted, "runner"))
        }
        (_, None) => return Finding::Withheld("neither manager pods nor runners can be seen"),
    };
    let queue = on.tier.queue.as_ref().filter(|queue| queue.pending > 0).map(waiting);
    Finding::So(format!("{why}; {}", queue.as_deref().unwrap_or("no job is known to wait for it")))
}
