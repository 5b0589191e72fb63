//! A tier that is always in use is not: jobs may be going elsewhere, or nowhere.

use super::judge::Ground;
use super::line::Finding;
use crate::model::assess::human_duration;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(span) = on.policy.expects_traffic else { return Finding::Fine };
    if on.tier.running.is_none() {
        return Finding::Withheld("running jobs cannot be seen");
    }
    if on.tier.lately.quiet < span {
        return Finding::Fine;
    }
    let (quiet, span) = (human_duration(on.tier.lately.quiet), human_duration(span));
    Finding::So(format!("no job started for {quiet}, and one at least every {span} is expected"))
}
