//! What can be wrong with tierwatch itself.

use std::time::Duration;

use super::line::{Condition, Finding};
use super::words::{number, part, percent, reached};
use crate::model::assess::human_duration;
use crate::model::assessment::Assessment;
use crate::observation::between;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A token is renewed in working hours: two weeks hold ten of those days.
pub(crate) const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A weekend.
pub(crate) const CRITICAL_BEFORE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Part of the watched projects that should be in sight.
pub(crate) const COVERAGE: f64 = 0.9;

/// Failures of an hour without a known cause: so many, and this part of all.
const UNCLASSIFIED: (u64, f64) = (5, 0.05);

type Judge = fn(&Assessment, bool) -> Finding;

pub(super) const ALL: &[(Condition, Judge)] = &[
    (Condition::ApiTokenExpiring, |on, _| token_ends_within(on, WARN_BEFORE)),
    (Condition::ApiTokenEnding, |on, _| token_ends_within(on, CRITICAL_BEFORE)),
    (Condition::QueueCoverageLow, coverage_low),
    (Condition::Unclassified, unclassified),
    (Condition::SecretReloadFailed, secret_reload_failed),
];

fn token_ends_within(on: &Assessment, span: Duration) -> Finding {
    let Some(token) = &on.own_token else { return Finding::Withheld("GitLab does not tell when the token ends") };
    let Some(end) = token.expires_at else { return Finding::Fine };
    let left = between(on.at.wall, end);
    if left > span {
        return Finding::Fine;
    }
    let when = if left < DAY { "within a day".to_owned() } else { format!("in {}", human_duration(left)) };
    Finding::So(format!("the token with which tierwatch reads GitLab ends {when} ({})", end.strftime("%F")))
}

fn coverage_low(on: &Assessment, held: bool) -> Finding {
    let Some(coverage) = on.coverage else { return Finding::Withheld("the queue cannot be seen") };
    // What is missing is what must not reach its limit.
    if !reached(1.0 - coverage, 1.0 - COVERAGE, held) || coverage >= 1.0 {
        return Finding::Fine;
    }
    let missing = percent(1.0 - coverage);
    Finding::So(format!("the queue of {missing} of the watched projects was not looked at within gitlab.queue.sweep"))
}

fn unclassified(on: &Assessment, held: bool) -> Finding {
    let (least, limit) = UNCLASSIFIED;
    let share = part(on.unclassified, on.failures.max(on.unclassified));
    if on.unclassified == 0 || !reached(number(on.unclassified), number(least), held) || !reached(share, limit, held) {
        return Finding::Fine;
    }
    let (told, share) = (on.unclassified, percent(share));
    Finding::So(format!("{told} failures of the last hour, {share} of all, have no known cause"))
}

fn secret_reload_failed(on: &Assessment, _: bool) -> Finding {
    match &on.secret_failure {
        Some(what) => Finding::So(format!("{what}; nothing is asked with it until it can be read")),
        None => Finding::Fine,
    }
}
