//! The last hours of a tier as a small drawing: how long its jobs waited, and how it was.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

use super::clock;
use crate::model::assess::human_duration;
use crate::model::assessment::TierState;
use crate::model::history::{Past, SLOT, SLOTS, Slot};
use crate::observation::between;

/// Height of the drawing, in its own units; its width is one for each minute.
const HEIGHT: f64 = 24.0;

/// A run that is young is drawn as wide as this many minutes.
const NARROWEST: usize = 30;

/// One column for each minute, as high as the longest wait in it, coloured by the worst state; a line at the promise.
pub(super) fn draw(past: &Past, promise: Duration, now: Timestamp) -> Markup {
    let Some(first) = past.slots.front().map(|slot| slot.from) else { return html! {} };
    let watched = usize::try_from(between(first, now).as_secs() / SLOT.as_secs()).unwrap_or(SLOTS) + 1;
    let width = watched.clamp(NARROWEST, SLOTS);
    let highest = past.slots.iter().filter_map(|slot| slot.oldest).max().unwrap_or_default();
    let top = highest.max(promise * 2).as_secs_f64().max(1.0);
    let line = HEIGHT - HEIGHT * promise.as_secs_f64() / top;
    let hours = human_duration(SLOT * u32::try_from(width).unwrap_or(u32::MAX));
    html! {
        figure.spark {
            figcaption { "Longest wait, " @if watched >= NARROWEST { "last " (hours) } @else { "since " (clock(first)) } ": " (peak(past, promise)) }
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
                @for state in TierState::ALL {
                    @let path = columns(past, *state, (now, width), top);
                    @if !path.is_empty() { path class=(state.as_str()) d=(path) {} }
                }
                path.promise d={ "M0 " (format!("{line:.1}")) "H" (width) } {}
            }
        }
    }
}

/// The same in words.
fn peak(past: &Past, promise: Duration) -> Markup {
    let most = past.slots.iter().filter(|slot| slot.oldest.is_some_and(|oldest| !oldest.is_zero()));
    let most = most.max_by_key(|slot| slot.oldest);
    let unseen = past.slots.iter().filter(|slot| slot.oldest.is_none()).count();
    let minutes = |count: usize| human_duration(SLOT * u32::try_from(count).unwrap_or(u32::MAX));
    html! {
        @match most.and_then(|slot| Some((slot, slot.oldest?))) {
            Some((slot, oldest)) => {
                "at most " b { (human_duration(oldest)) } " (" (clock(slot.from)) ")"
                @if oldest > promise { ", promised " (human_duration(promise)) " (the line)" }
            }
            None if unseen == past.slots.len() => "not known",
            None => "no job waited",
        }
        @if unseen > 0 && unseen < past.slots.len() { "; not seen for " (minutes(unseen)) }
        "."
    }
}

/// The columns of one state as a path. A minute that was not seen is as high as the drawing: it must not look calm.
fn columns(past: &Past, state: TierState, (now, width): (Timestamp, usize), top: f64) -> String {
    let mut path = String::new();
    for slot in past.slots.iter().filter(|slot| slot.state == state) {
        let ago = usize::try_from(between(slot.from, now).as_secs() / SLOT.as_secs()).unwrap_or(SLOTS);
        let Some(x) = (width - 1).checked_sub(ago) else { continue };
        let height = height(slot, top);
        if height > 0.0 {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{x} {HEIGHT}v-{height:.1}h1v{height:.1}z");
        }
    }
    path
}

fn height(slot: &Slot, top: f64) -> f64 {
    match slot.oldest {
        None => HEIGHT,
        // Trouble without a wait is seen as well.
        Some(oldest) if oldest.is_zero() => {
            if slot.state == TierState::Fine {
                0.0
            } else {
                2.0
            }
        }
        Some(oldest) => (HEIGHT * oldest.as_secs_f64() / top).max(1.0),
    }
}
