//! Words that several conditions use.

use std::time::Duration;

use crate::cause::Blame;
use crate::model::assess::human_duration;
pub(super) use crate::model::assess::many;
use crate::model::assessment::{CauseLine, QueueLevels, TierAssessment};

/// What was reached stays reached until it is more than a fifth below: noise of that size at the limit flips nothing.
const RELEASE: f64 = 0.79;

/// Whether `value` reached `limit`, or holds on near it.
pub(super) fn reached(value: f64, limit: f64, held: bool) -> bool {
    value >= if held { limit * RELEASE } else { limit }
}

/// The same for spans of time.
pub(super) fn lasted(value: Duration, limit: Duration, held: bool) -> bool {
    value >= if held { limit.mul_f64(RELEASE) } else { limit }
}

/// `12 %`.
pub(super) fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// `6 jobs wait, the oldest for 5 min`.
pub(super) fn waiting(queue: &QueueLevels) -> String {
    let verb = if queue.pending == 1 { "waits" } else { "wait" };
    format!("{} {verb}, the oldest for {}", many(queue.pending, "job"), human_duration(queue.oldest))
}

/// The first cause that is not a user's own, whose it is and what to do; empty where none is known.
pub(super) fn top_cause(tier: &TierAssessment) -> String {
    let Some(first) = tier.causes.iter().find(|line| line.blame != Blame::User) else { return String::new() };
    format!(". {}", cause(first))
}

/// One cause with its number, blame and next step.
pub(super) fn cause(line: &CauseLine) -> String {
    let whose = match line.blame {
        Blame::Platform => "the platform's",
        Blame::User => "the user's",
        Blame::Unclear => "unclear whose",
    };
    format!("Cause: {} ({}, {whose}). {}", line.sentence, line.count, line.next_step)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// A part of a whole; of nothing it is none.
pub(super) fn part(of: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { number(of) / number(whole) }
}
