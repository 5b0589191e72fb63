//! Jobs wait that the tier's runners may take, and nothing starts any.

use super::judge::Ground;
use super::line::Finding;
use super::words::{lasted, top_cause, waiting};
use crate::model::assess::human_duration;

/// So many starts within the limit show that a queue moves again; a single one does not.
const MOVES_AGAIN: u64 = 3;

pub(super) fn judge(on: &Ground<'_>) -> Finding {
    let Some(queue) = &on.tier.queue else { return Finding::Withheld("the queue cannot be seen") };
    let limit = on.policy.objective.start_within.mul_f64(on.policy.conditions.stalled_factor);
    let lately = &on.tier.lately;
    let nothing_starts = lately.quiet >= limit || on.held && lately.taken_within_stall < MOVES_AGAIN;
    if queue.pending == 0 || !nothing_starts || !lasted(queue.oldest, limit, on.held) {
        return Finding::Fine;
    }
    let starts = match lately.taken_within_stall {
        0 => format!("no runner took any for {}", human_duration(lately.quiet)),
        few => format!("runners took only {few} within {}", human_duration(limit)),
    };
    Finding::So(format!("{}, and {starts}{}", waiting(queue), top_cause(on.tier)))
}
