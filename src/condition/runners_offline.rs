//! Some runners do not work while others do.

use super::judge::Ground;
use super::line::Finding;
use super::words::many;
use crate::observation::RunnerStatus;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let mut said = Vec::new();
    if let Some(managers) = on.tier.managers.filter(|managers| managers.ready > 0 && managers.not_ready > 0) {
        let all = many(managers.ready + managers.not_ready, "runner manager pod");
        said.push(format!("{} of {all} not ready", managers.not_ready));
    }
    let runners = on.tier.runners.as_ref();
    // Who is declared is meant to work; an old runner that only carries the tags is not.
    for id in runners.iter().flat_map(|_| &on.policy.runners) {
        let known = runners.and_then(|runners| runners.runners.iter().find(|line| line.id == *id));
        match known.map(|line| line.status) {
            None => said.push(format!("GitLab does not show the declared runner {id}")),
            Some(RunnerStatus::Offline | RunnerStatus::Stale) => {
                said.push(format!("the declared runner {id} is offline"));
            }
            Some(RunnerStatus::Online | RunnerStatus::NeverContacted | RunnerStatus::Other) => {}
        }
    }
    match said.is_empty() {
        false => Finding::So(said.join("; ")),
        true if on.tier.managers.is_none() && runners.is_none() => {
            Finding::Withheld("neither manager pods nor runners can be seen")
        }
        true => Finding::Fine,
    }
}
