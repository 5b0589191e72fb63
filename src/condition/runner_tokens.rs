//! The tokens of a tier's runners: their end and their age.

use std::time::Duration;

use super::judge::Ground;
use super::line::Finding;
use crate::model::assess::human_duration;
use crate::model::assessment::RunnerLine;
use crate::observation::between;

pub(super) fn expiring(on: &Ground<'_>) -> Finding {
    ends_within(on, on.policy.token.warn_before_expiry)
}

pub(super) fn ending(on: &Ground<'_>) -> Finding {
    ends_within(on, on.policy.conditions.critical_before_expiry)
}

fn ends_within(on: &Ground<'_>, span: Duration) -> Finding {
    let Some(runners) = &on.tier.runners else { return Finding::Withheld("the runners cannot be seen") };
    let ends = |line: &RunnerLine| Some((line.token.expires_at?, line.id));
    let Some((end, id)) = runners.runners.iter().filter_map(ends).min() else { return Finding::Fine };
    let left = between(on.now.wall, end);
    if left > span {
        return Finding::Fine;
    }
    let when = if left.is_zero() { "has ended".into() } else { format!("ends in {}", human_duration(left)) };
    Finding::So(format!("the token of runner {id} {when} ({}): without it no job starts", end.strftime("%F %R UTC")))
}

pub(super) fn too_old(on: &Ground<'_>) -> Finding {
    let age = on.tier.runners.as_ref().and_then(|runners| runners.token_age);
    let Some(age) = age else { return Finding::Withheld("nothing tells how old the tokens are") };
    let most = on.policy.token.max_age;
    if age <= most {
        return Finding::Fine;
    }
    let (age, most) = (human_duration(age), human_duration(most));
    Finding::So(format!("the oldest runner token is {age} old, and {most} is the limit"))
}
