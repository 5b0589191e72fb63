//! All tiers on one page, the worst first.

use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::{answer, clock, firing, list, percent, shell, sources, state_word, tier, worst_first};
use crate::condition::Severity;
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, TierAssessment, TierState};
use crate::model::history::History;
use crate::output::{State, words};

pub(in crate::output) async fn show(extract::State(state): extract::State<State>) -> Response {
    let assessment = state.assessment();
    answer(StatusCode::OK, state.history.read(|history| render(&assessment, history)))
}

/// The whole page.
fn render(assessment: &Assessment, history: &History) -> Markup {
    let summary = Summary::of(assessment);
    let now = assessment.at.wall;
    let (fine, troubled): (Vec<_>, Vec<_>) =
        worst_first(assessment).into_iter().partition(|tier| tier.state == TierState::Fine);
    let own = firing::of(assessment, None);
    let head = html! {
        h1 class=(summary.state.as_str()) { (summary.words) }
        p.basis { (basis(assessment)) }
        (tally(assessment))
    };
    let card = |tier: &TierAssessment| tier::card(assessment, tier, history.of(&tier.name));
    let main = html! {
        (sources::alarms(assessment))
        @if !own.is_empty() {
            section.alarm aria-labelledby="own" {
                h2 #own { "tierwatch itself needs somebody" }
                (firing::list(&own, now))
            }
        }
        @for tier in troubled { (card(tier)) }
        @if !fine.is_empty() { div.calm { @for tier in fine { (card(tier)) } } }
        (beside(assessment))
        @if let Some(began) = history.began() {
            p.beside { "The last hours are those that this process has seen: it watches since " (clock(began)) "." }
        }
        (sources::table(&assessment.sources, assessment.own_token.as_ref()))
    };
    shell(&summary.words, head, main)
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
        let words = words.trim_end_matches('.');
        let urgent =
            |tier: &&str| firing::most_urgent(assessment, tier).is_some_and(|severity| severity < Severity::Info);
        let alarmed: Vec<&str> = assessment.tiers.iter().map(|tier| &*tier.name).filter(urgent).collect();
        if alarmed.is_empty() {
            return Self { state: TierState::Fine, words: words.to_owned() };
        }
        Self { state: TierState::Degraded, words: format!("{words}; alerts fire for {}", list(&alarmed)) }
    }
}

/// How the page knows what it says.
fn basis(assessment: &Assessment) -> Markup {
    let sources = &assessment.sources;
    let up = sources.iter().filter(|source| source.up == Some(true)).count();
    let oldest = super::sources::oldest(sources.iter());
    html! {
        "Judged at " (clock(assessment.at.wall)) " from " (up) " of " (words::count(sources.len() as u64, "source"))
        @if let Some(oldest) = oldest { ", the oldest data " (human_duration(oldest)) " old" }
        "."
    }
}

/// How many tiers are in which state, each a way to the first of them; a single tier needs none.
fn tally(assessment: &Assessment) -> Markup {
    let tiers = worst_first(assessment);
    html! {
        @if tiers.len() > 1 {
            nav aria-label="Tiers by state" {
                ul.tally {
                    @for state in TierState::ALL {
                        @let those: Vec<_> = tiers.iter().filter(|tier| tier.state == *state).collect();
                        @if let Some(first) = those.first() {
                            li class=(state.as_str()) {
                                a href={ "#tier-" (first.name) } { (those.len()) " " span.state { (state_word(*state).to_lowercase()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What belongs to no tier.
fn beside(assessment: &Assessment) -> Markup {
    html! {
        @if let Some(jobs) = assessment.out_of_scope.filter(|jobs| *jobs > 0) {
            p.beside { (words::count(jobs, "waiting job")) " in GitLab " (if jobs == 1 { "belongs" } else { "belong" }) " to no configured tier." }
        }
        @if let Some(part) = assessment.coverage.filter(|part| *part < 1.0) {
            p.beside { "Only " (percent(part)) " of the watched projects were looked at lately: queues may be longer." }
        }
    }
}
