//! The boundaries of all tiers: the six questions, and what is not as it was declared.

use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::{answer, clock, link, shell};
use crate::model::assessment::{Assessment, TierAssessment, TierState};
use crate::model::posture::{Answer, Boundary, CheckLine, Read, Verdict};
use crate::output::{State, words};

/// Findings name objects and quote what is written in them.
const LONGEST: usize = 600;

pub(in crate::output) async fn show(extract::State(state): extract::State<State>) -> Response {
    answer(StatusCode::OK, render(&state.assessment()))
}

/// The whole page.
fn render(assessment: &Assessment) -> Markup {
    let (colour, title) = summary(assessment);
    let head = html! {
        h1 class=(colour.as_str()) { (title) }
        p.basis { "What can be reached from where, read from the live objects and judged at " (clock(assessment.at.wall)) "." }
    };
    let main = html! {
        nav aria-label="Tiers" {
            ul.tiers {
                @for tier in worst_first(assessment) {
                    li class=(state(&tier.boundary).as_str()) {
                        a href={ "#boundary-" (tier.name) } { (tier.name) } " " span.state { (in_words(&tier.boundary)) }
                    }
                }
            }
        }
        @for tier in worst_first(assessment) { (card(tier)) }
    };
    shell(&title, head, main)
}

fn worst_first(assessment: &Assessment) -> Vec<&TierAssessment> {
    let mut tiers: Vec<_> = assessment.tiers.iter().collect();
    tiers.sort_by_key(|tier| state(&tier.boundary));
    tiers
}

fn summary(assessment: &Assessment) -> (TierState, String) {
    let moved: Vec<&str> =
        assessment.tiers.iter().filter(|tier| tier.boundary.moved().next().is_some()).map(|tier| &*tier.name).collect();
    let declared = assessment.tiers.iter().any(|tier| tier.boundary.declared);
    match moved.as_slice() {
        [] if !declared => (TierState::Blind, "No tier declares its boundary".into()),
        [] => (TierState::Fine, "No boundary has moved, as far as can be told".into()),
        [one] => (TierState::Down, format!("The boundary of {one} has moved")),
        several => (TierState::Down, format!("The boundaries of {} have moved", super::list(several))),
    }
}

/// Its colour, as a tier's would be.
fn state(boundary: &Boundary) -> TierState {
    let worst = boundary.checks().map(|line| line.verdict).min();
    match worst {
        _ if !boundary.declared => TierState::Blind,
        Some(Verdict::Moved) => TierState::Down,
        Some(Verdict::Unknown) => TierState::Degraded,
        Some(Verdict::AsDeclared | Verdict::NotDeclared) | None => TierState::Fine,
    }
}

pub(super) fn in_words(boundary: &Boundary) -> String {
    let count = |verdict| boundary.checks().filter(|line| line.verdict == verdict).count() as u64;
    match (count(Verdict::Moved), count(Verdict::Unknown)) {
        _ if !boundary.declared => "not declared".into(),
        (0, 0) => "as declared".into(),
        (0, unknown) => format!("as declared, {unknown} cannot be told"),
        (moved, 0) => format!("{moved} moved"),
        (moved, unknown) => format!("{moved} moved, {unknown} cannot be told"),
    }
}

fn card(tier: &TierAssessment) -> Markup {
    let boundary = &tier.boundary;
    html! {
        section class={ "tier " (state(boundary).as_str()) } aria-labelledby={ "boundary-" (tier.name) } {
            div.title {
                h2 id={ "boundary-" (tier.name) } { a href=(link::tier(&tier.name)) { (tier.name) } }
                span.state { (in_words(boundary)) }
            }
            @if !boundary.declared {
                p.note {
                    "Nothing is declared below tiers." (tier.name) ".posture, so what was found is shown and not judged."
                }
            }
            @for answer in &boundary.answers { (question(tier, answer)) }
        }
    }
}

fn question(tier: &TierAssessment, answer: &Answer) -> Markup {
    let of = |verdicts: &[Verdict]| -> Vec<&CheckLine> {
        answer.checks.iter().filter(|line| verdicts.contains(&line.verdict)).collect()
    };
    let (moved, unknown) = (of(&[Verdict::Moved]), of(&[Verdict::Unknown]));
    let rest = of(&[Verdict::AsDeclared, Verdict::NotDeclared]);
    html! {
        div.question {
            h3 { (answer.question.words()) }
            ul.says { @for sentence in &answer.says { li { bdi { (words::sentence(&words::plain_of(sentence, LONGEST))) } } } }
            @if !moved.is_empty() {
                ul.causes { @for line in moved { (check(tier, line)) } }
            }
            @for line in unknown {
                p.unknown id=(anchor(tier, line)) {
                    b { (name(line)) } ": " bdi { (words::sentence(&words::plain_of(&line.found, LONGEST))) }
                }
            }
            @if !rest.is_empty() {
                details id={ "rest-" (tier.name) "-" (answer.question.as_str()) } {
                    summary { (count_rest(&rest)) }
                    table {
                        thead { tr { th scope="col" { "Check" } th scope="col" { "Expected" } th scope="col" { "Found" } } }
                        tbody { @for line in rest {
                            tr id=(anchor(tier, line)) {
                                th scope="row" { (name(line)) }
                                td { bdi { (words::plain_of(&line.expected, LONGEST)) } }
                                td { bdi { (words::plain_of(&line.found, LONGEST)) } }
                            }
                        } }
                    }
                }
            }
            p.note { "Read from " (read(&answer.read)) "." }
        }
    }
}

fn count_rest(rest: &[&CheckLine]) -> String {
    let declared = rest.iter().filter(|line| line.verdict == Verdict::AsDeclared).count() as u64;
    match (declared, rest.len() as u64 - declared) {
        (declared, 0) => format!("{} as declared", words::count(declared, "check")),
        (0, other) => format!("{} that nothing is declared for", words::count(other, "check")),
        (declared, other) => {
            format!("{} as declared, {other} that nothing is declared for", words::count(declared, "check"))
        }
    }
}

/// Where alerts point to.
fn anchor(tier: &TierAssessment, line: &CheckLine) -> String {
    format!("{}-{}", tier.name, line.check)
}

/// The check's name is the key below `posture.expected`.
fn name(line: &CheckLine) -> Markup {
    html! { code { (line.check) } }
}

fn check(tier: &TierAssessment, line: &CheckLine) -> Markup {
    html! {
        li id=(anchor(tier, line)) {
            p.what {
                (name(line)) " moved: " bdi { (words::plain_of(&line.found, LONGEST)) } ". "
                span.since { "Seen since " (clock(line.since)) "." }
            }
            p { "Expected: " bdi { (words::plain_of(&line.expected, LONGEST)) } "." }
            p.next { (words::sentence(line.check.fix())) }
            @if let Some(evidence) = &line.evidence { p.evidence { code { (words::plain_of(evidence, LONGEST)) } } }
        }
    }
}

fn read(read: &[Read]) -> Markup {
    html! {
        @for (index, one) in read.iter().enumerate() {
            @if index > 0 { ", " }
            (words::source(&one.source)) " "
            @match one.at { Some(at) => { "at " (clock(at)) } None => "(not yet answered)" }
        }
        @if read.is_empty() { "nothing that is watched" }
    }
}
