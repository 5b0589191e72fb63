//! What happened to a tier lately, the newest first.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{clock, firing, state_word};
use crate::model::assess::human_duration;
use crate::model::history::{Past, Spell, Turn};
use crate::observation::between;
use crate::output::words;

/// Reasons name what they saw.
const LONGEST: usize = 300;

enum Event<'a> {
    Turned(&'a Turn),
    Held(&'a Spell),
}

impl Event<'_> {
    const fn at(&self) -> Timestamp {
        match self {
            Self::Turned(turn) => turn.at,
            Self::Held(spell) => spell.since,
        }
    }
}

/// A table of what held and how the state changed.
pub(super) fn table(past: &Past, now: Timestamp) -> Markup {
    let mut events: Vec<Event<'_>> = past.turns.iter().map(Event::Turned).collect();
    events.extend(past.spells.iter().map(Event::Held));
    events.sort_by_key(|event| std::cmp::Reverse(event.at()));
    html! {
        @if events.is_empty() { p.note { "Nothing happened since." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Events, the newest first" {
                table {
                    thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "How long" } th scope="col" { "Why" } } }
                    tbody { @for event in &events { (row(event, now)) } }
                }
            }
        }
    }
}

fn row(event: &Event<'_>, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" { (clock(event.at())) }
            @match event {
                Event::Turned(turn) => {
                    td class=(turn.to.as_str()) { "The tier went from " (state_word(turn.from).to_lowercase()) " to " b.state { (state_word(turn.to).to_lowercase()) } }
                    td {}
                    td { bdi { (words::sentence(&words::plain_of(&turn.headline, LONGEST))) } }
                }
                Event::Held(spell) => {
                    td {
                        @if let Some((_, severity)) = spell.alert { (firing::severity(severity)) " " }
                        (firing::name(spell.condition, spell.subject.as_deref()))
                        @if spell.alert.is_none() { span.note { " (no alert came of it)" } }
                    }
                    td {
                        @match spell.until {
                            Some(until) => (human_duration(between(spell.since, until))),
                            None => { (human_duration(between(spell.since, now))) ", still" }
                        }
                    }
                    td { bdi { (words::sentence(&words::plain_of(&spell.reason, LONGEST))) } }
                }
            }
        }
    }
}
