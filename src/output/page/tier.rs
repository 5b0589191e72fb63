//! One tier on the overview.

use maud::{Markup, html};
use url::Url;

use super::{bar, boundaries, clock, firing, link, percent, sources, spark, state_word, supply};
use crate::cause::Blame;
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, CauseLine, TierAssessment, TierState, WaitingJob};
use crate::model::history::Past;
use crate::observation::between;
use crate::output::words;

/// More causes stand on the tier's own page.
const CAUSES: usize = 4;

pub(super) fn card(assessment: &Assessment, tier: &TierAssessment, past: Option<&Past>) -> Markup {
    let now = assessment.at.wall;
    let page = link::tier(&tier.name);
    let more = tier.causes.len().saturating_sub(CAUSES) as u64;
    html! {
        section class={ "tier " (tier.state.as_str()) } id={ "of-" (tier.name) } aria-labelledby={ "tier-" (tier.name) } {
            (title(tier, now, html! { h2 id={ "tier-" (tier.name) } { a href=(page) { (tier.name) } } }))
            p.headline { (words::sentence(&tier.headline)) }
            (firing::list(&firing::of(assessment, Some(&tier.name)), now))
            (numbers(tier))
            @if !tier.causes.is_empty() {
                ul.causes { @for line in tier.causes.iter().take(CAUSES) { (counted(line)) } }
                @if more > 0 { p.note { a href=(page) { (words::count(more, "more cause")) } } }
            }
            div.drawings {
                (bar::phases("From queued to running, mean of the last starts", &tier.phases))
                @if let Some(past) = past { (spark::draw(past, tier.start_within, now)) }
            }
            (supply::short(tier, now))
            p.foot {
                (sources::freshness(assessment, &tier.name))
                @if tier.boundary.declared {
                    " · " a class=(if tier.boundary.moved().next().is_some() { "moved" } else { "as-declared" })
                        href={ "/boundaries#boundary-" (tier.name) } { "Boundary" } ": " (boundaries::in_words(&tier.boundary))
                }
                @if tier.state != TierState::Fine { " · " a href=(page) { "Jobs, pods and runners of " (tier.name) } }
            }
        }
    }
}

/// Name, state and since when.
pub(super) fn title(tier: &TierAssessment, now: jiff::Timestamp, name: Markup) -> Markup {
    html! {
        div.title {
            (name)
            span.state { (state_word(tier.state)) }
            span.since { "since " (clock(tier.since)) " (" (human_duration(between(tier.since, now))) ")" }
        }
    }
}

pub(super) fn numbers(tier: &TierAssessment) -> Markup {
    let promise = human_duration(tier.start_within);
    html! {
        dl.numbers {
            @match &tier.queue {
                Some(queue) => {
                    (number("Waiting", &queue.pending.to_string(), ""))
                    (number("Oldest", &if queue.pending == 0 { "–".to_owned() } else { human_duration(queue.oldest) }, ""))
                    (number(&format!("Over {promise}"), &queue.overdue.to_string(), if queue.overdue > 0 { "bad" } else { "" }))
                    @let unserved = queue.unserved.values().sum::<u64>();
                    @if unserved > 0 { (number("No runner fits", &unserved.to_string(), "bad")) }
                    @if queue.uncertain > 0 { (number("Uncertain", &queue.uncertain.to_string(), "")) }
                }
                None => (number("Waiting", "not known", "unknown")),
            }
            @match tier.running {
                Some(running) => {
                    (number("Starting", &running.starting.to_string(), ""))
                    (number("Running", &running.executing.to_string(), ""))
                }
                None => (number("Running", "not known", "unknown")),
            }
        }
        @if let Some(share) = tier.queue.as_ref().filter(|queue| queue.pending >= 10).and_then(|queue| queue.top_project_share)
            .filter(|share| *share > 0.5) {
            p.note { (percent(share)) " of this queue belongs to a single project." }
        }
    }
}

fn number(name: &str, value: &str, class: &str) -> Markup {
    html! { div { dt { (name) } dd class=(class) { (value) } } }
}

pub(super) fn counted(line: &CauseLine) -> Markup {
    cause(line, html! { span.count { (line.count) " ×" } " " })
}

/// What a cause means, whose fault it is and what to do next; `before` stands in front.
pub(super) fn cause(line: &CauseLine, before: Markup) -> Markup {
    html! {
        li {
            p.what {
                (before) (words::sentence(line.sentence)) " "
                span class={ "blame " (line.blame.as_str()) } { (blame_word(line.blame)) }
            }
            p.next { b { "Next: " } (prose(&words::sentence(line.next_step))) }
            @if let Some(evidence) = &line.evidence { p.evidence { code { (words::plain(evidence)) } } }
        }
    }
}

/// A text of ours in which commands stand between backticks.
fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

const fn blame_word(blame: Blame) -> &'static str {
    match blame {
        Blame::Platform => "the platform's",
        Blame::User => "the job's own",
        Blame::Unclear => "unclear whose",
    }
}

/// The jobs that wait longest, each with its way to us and to GitLab.
pub(super) fn jobs(waiting: &[WaitingJob], gitlab: Option<&Url>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Jobs that wait longest" {
            table {
                thead { tr { th scope="col" { "Job" } th scope="col" { "Name" } th scope="col" { "Project" } th scope="col" { "Waits" } th scope="col" { "In GitLab" } } }
                tbody {
                    @for job in waiting {
                        tr id={ "job-" (job.id) } {
                            th scope="row" { a href={ "/jobs/" (job.id) } { (job.id) } }
                            td { bdi { (words::plain(&job.name)) } }
                            td { bdi { (job.project.as_deref().map(words::plain).unwrap_or_default()) } }
                            td { (human_duration(job.waited)) }
                            td {
                                @if let Some(page) = gitlab.zip(job.project.as_deref()).and_then(|(gitlab, project)| link::gitlab_job(gitlab, project, job.id)) {
                                    a href=(page) rel="noreferrer" { "job " (job.id) " in GitLab" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
