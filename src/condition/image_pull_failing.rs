//! Images cannot be pulled by several projects: not one user's typing error.

use super::judge::Ground;
use super::line::Finding;
use super::words::{many, number, part, percent, reached};
use crate::cause::{Cause, explain};
use crate::model::assess::human_duration;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    if on.tier.pods.is_none() {
        return Finding::Withheld("the job pods cannot be seen");
    }
    let limits = &on.policy.conditions;
    let pulls = &on.tier.lately.pulls;
    let share = part(pulls.pods, pulls.pods + pulls.started);
    let often = reached(number(pulls.pods), f64::from(limits.pull_failing_pods), on.held)
        || reached(share, limits.pull_failing_ratio, on.held);
    let several = reached(number(pulls.projects), f64::from(limits.pull_failing_projects), on.held);
    if pulls.pods == 0 || !often || !several {
        return Finding::Fine;
    }
    let why = pulls.most.as_ref().map_or_else(String::new, |(registry, cause)| {
        let told = explain(Cause::Pull(*cause));
        format!(". Most from {registry}: {}. {}", told.sentence, told.next_step)
    });
    Finding::So(format!(
        "{} of {} could not pull an image within {}, {} of those that started{why}",
        many(pulls.pods, "job pod"),
        many(pulls.projects, "project"),
        human_duration(limits.pull_failing_window),
        percent(share),
    ))
}
