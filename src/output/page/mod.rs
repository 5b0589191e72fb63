//! The status page: rendered here, no script, nothing from elsewhere.
//!
//! Names of jobs and projects, evidence and failure details are other people's text: they pass through
//! [`words::plain`] and the template's escaping, and a strict policy stands behind both.

mod bar;
mod boundaries;
mod job;
mod sources;
mod tier;

use axum::extract;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::{State, words};
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, TierAssessment, TierState};

/// Where the style sheet is served; its own file, so that the page needs no inline style.
pub(super) const STYLE_PATH: &str = "/style.css";

/// How often the page loads itself again, in seconds: the queue is read about as often.
const REFRESH: u32 = 15;

pub(super) async fn show(extract::State(state): extract::State<State>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], render(&state.assessment()).into_string())
}

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=300")], include_str!("style.css"))
}

pub(super) use boundaries::show as boundaries;
pub(super) use job::show as job;

/// The whole page of all tiers.
pub(super) fn render(assessment: &Assessment) -> Markup {
    let summary = Summary::of(assessment);
    let head = html! {
        h1 class=(summary.state.as_str()) { (summary.words) }
        p.basis { (basis(assessment)) }
    };
    let main = html! {
        (sources::alarms(assessment))
        @for tier in worst_first(assessment) {
            (tier::card(tier, assessment.at.wall))
        }
        (beside(assessment))
        (sources::table(assessment))
    };
    shell(&summary.words, head, main)
}

/// What all pages have in common.
fn shell(title: &str, head: Markup, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="refresh" content=(REFRESH);
                title { (title) " · tierwatch" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                header {
                    p.brand { a href="/" { "tierwatch" } " · " a href="/boundaries" { "boundaries" } }
                    (head)
                }
                main { (main) }
                footer {
                    "This page renews itself every " (REFRESH) " s. The same as JSON: "
                    a href="/api/v1/tiers" { "tiers" } ", " a href="/api/v1/sources" { "sources" } ", " a href="/api/v1/boundaries" { "boundaries" }
                    "; as metrics: " a href="/metrics" { "/metrics" } "."
                }
            }
        }
    }
}

/// The verdict on everything, in one line.
struct Summary {
    state: TierState,
    words: String,
}

impl Summary {
    fn of(assessment: &Assessment) -> Self {
        let worst = assessment.tiers.iter().map(|tier| tier.state).min().unwrap_or(TierState::Fine);
        let names = |state| {
            let of_state = assessment.tiers.iter().filter(|tier| tier.state == state);
            of_state.map(|tier| &*tier.name).collect::<Vec<&str>>()
        };
        let those = names(worst);
        let are = if those.len() == 1 { "is" } else { "are" };
        let mut words = match worst {
            TierState::Fine => return Self::calm(assessment),
            TierState::Blind if !assessment.complete => "Starting: waiting for the first answers".to_owned(),
            TierState::Blind => format!("{} cannot be judged", list(&those)),
            TierState::Down => format!("{} {are} down", list(&those)),
            TierState::Hurting => format!("{} {are} hurting", list(&those)),
            TierState::Degraded => format!("{} {are} degraded, jobs still start in time", list(&those)),
        };
        let blind = names(TierState::Blind);
        if worst < TierState::Blind && !blind.is_empty() {
            words.push_str(&format!(", {} cannot be judged", list(&blind)));
        }
        Self { state: worst, words }
    }

    /// Nothing is wrong, as far as can be seen.
    fn calm(assessment: &Assessment) -> Self {
        let tiers = match assessment.tiers.len() {
            1 => "the tier starts its jobs".to_owned(),
            2 => "both tiers start their jobs".to_owned(),
            many => format!("all {many} tiers start their jobs"),
        };
        if assessment.sources.iter().any(|source| source.up == Some(false)) {
            return Self { state: TierState::Blind, words: format!("As far as can be seen, {tiers} as promised") };
        }
        let words = words::sentence(&format!("{tiers} as promised"));
        Self { state: TierState::Fine, words: words.trim_end_matches('.').to_owned() }
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// How the page knows what it says.
fn basis(assessment: &Assessment) -> Markup {
    let sources = &assessment.sources;
    let up = sources.iter().filter(|source| source.up == Some(true)).count();
    let oldest = sources.iter().filter(|source| source.up == Some(true)).filter_map(|source| source.age).max();
    html! {
        "Judged at " (clock(assessment.at.wall)) " from " (up) " of " (words::count(sources.len() as u64, "source"))
        @if let Some(oldest) = oldest { ", the oldest data " (human_duration(oldest)) " old" }
        "."
    }
}

fn worst_first(assessment: &Assessment) -> Vec<&TierAssessment> {
    let mut tiers: Vec<_> = assessment.tiers.iter().collect();
    tiers.sort_by_key(|tier| tier.state);
    tiers
}

/// What belongs to no tier.
fn beside(assessment: &Assessment) -> Markup {
    html! {
        @if let Some(jobs) = assessment.out_of_scope.filter(|jobs| *jobs > 0) {
            p.beside { (words::count(jobs, "waiting job")) " in GitLab belong to no configured tier." }
        }
        @if let Some(part) = assessment.coverage.filter(|part| *part < 1.0) {
            p.beside { "Only " (percent(part)) " of the watched projects were looked at lately: queues may be longer." }
        }
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", (part * 100.0).floor())
}

/// A time of day, with the date in the machine-readable part.
fn clock(at: Timestamp) -> Markup {
    html! { time datetime=(at) title=(at.strftime("%Y-%m-%d %H:%M:%S UTC")) { (at.strftime("%H:%M:%S UTC")) } }
}

/// The state as a word for people.
const fn state_word(state: TierState) -> &'static str {
    match state {
        TierState::Down => "Down",
        TierState::Hurting => "Hurting",
        TierState::Blind => "Blind",
        TierState::Degraded => "Degraded",
        TierState::Fine => "As promised",
    }
}
