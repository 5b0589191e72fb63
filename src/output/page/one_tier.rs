//! One tier on a page of its own: who waits, what is in trouble, what it has to work with, what happened.

use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use url::Url;

use super::{answer, bar, boundaries, clock, firing, link, nothing, past, percent, shell, sources, spark, state_word};
use super::{supply, tier as card, worst_first};
use crate::cause::{Cause, explain};
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, PodLevels, RunnerLevels, RunnerLine, TierAssessment};
use crate::model::history::History;
use crate::observation::between;
use crate::output::{State, words};

pub(in crate::output) async fn show(
    extract::State(state): extract::State<State>,
    Path(name): Path<String>,
) -> Response {
    let assessment = state.assessment();
    match assessment.tiers.iter().find(|tier| *tier.name == *name) {
        Some(tier) => {
            let gitlab = state.outputs.gitlab.as_ref();
            answer(StatusCode::OK, state.history.read(|history| render(&assessment, tier, history, gitlab)))
        }
        None => answer(StatusCode::NOT_FOUND, unknown(&name, &assessment)),
    }
}

fn unknown(name: &str, assessment: &Assessment) -> Markup {
    let title = format!("There is no tier {:?}", words::plain(name));
    let known =
        html! { ul { @for tier in &assessment.tiers { li { a href=(link::tier(&tier.name)) { (tier.name) } } } } };
    nothing(&title, "The tiers of the configuration are:", known)
}

fn render(assessment: &Assessment, tier: &TierAssessment, history: &History, gitlab: Option<&Url>) -> Markup {
    let now = assessment.at.wall;
    let past = history.of(&tier.name);
    let firing = firing::of(assessment, Some(&tier.name));
    let title = format!("{}: {}", tier.name, state_word(tier.state).to_lowercase());
    let head = html! {
        (others(assessment, tier))
        div class=(tier.state.as_str()) { (card::title(tier, now, html! { h1 { (tier.name) } })) }
        p.basis {
            (percent(tier.target)) " of its jobs are to start within " (human_duration(tier.start_within)) ". Judged at " (clock(now)) "; "
            (sources::freshness(assessment, &tier.name)) "."
        }
    };
    let main = html! {
        (sources::alarms_of(assessment, &tier.name))
        section class={ "tier " (tier.state.as_str()) } aria-labelledby="verdict" {
            h2 #verdict { (words::sentence(&tier.headline)) }
            (firing::list(&firing, now))
            (firing::quiet(tier, &firing))
            (card::numbers(tier))
            @if !tier.causes.is_empty() { ul.causes { @for line in &tier.causes { (card::counted(line)) } } }
            (bar::phases("From queued to running, mean of the last starts", &tier.phases))
            @if let Some(past) = past { (spark::draw(past, tier.start_within, now)) }
        }
        (part("waiting", "Longest waiting", waiting(tier, gitlab)))
        (part("pods", "Pods in trouble", pods(tier)))
        (part("runners", "Runners and managers", html! {
            (supply::of_runners(tier, now))
            @if let Some(runners) = &tier.runners { (runner_table(runners, now)) }
        }))
        (part("nodes", "Nodes and room", supply::long(tier, now)))
        (part("quotas", "Quotas", supply::quotas(tier)))
        (part("boundary", "Boundary", html! {
            p { a href={ "/boundaries#boundary-" (tier.name) } { "The six questions" } ": " (boundaries::in_words(&tier.boundary)) "." }
        }))
        (part("history", "What happened lately", html! {
            @match (past, history.began()) {
                (Some(past), Some(began)) => {
                    p.note { "As this process has seen it: it watches since " (clock(began)) "." }
                    (past::table(past, now))
                }
                _ => p.note { "Nothing was judged yet." },
            }
        }))
        (sources::table(&sources::of(assessment, &tier.name), None))
    };
    shell(&title, head, main)
}

/// The other tiers, so that nobody has to go back to look.
fn others(assessment: &Assessment, tier: &TierAssessment) -> Markup {
    html! {
        nav aria-label="Tiers" {
            ul.tiers {
                li { a href="/" { "All tiers" } }
                @for other in worst_first(assessment) {
                    li class=(other.state.as_str()) {
                        a href=(link::tier(&other.name)) aria-current=[(other.name == tier.name).then_some("page")] { (other.name) }
                        " " span.state { (state_word(other.state).to_lowercase()) }
                    }
                }
            }
        }
    }
}

fn part(id: &str, title: &str, content: Markup) -> Markup {
    html! { section.part aria-labelledby=(id) { h2 id=(id) { (title) } (content) } }
}

fn waiting(tier: &TierAssessment, gitlab: Option<&Url>) -> Markup {
    let pending = tier.queue.as_ref().map(|queue| queue.pending);
    let shown = tier.waiting.len() as u64;
    html! {
        @match pending {
            None => p.unknown { "GitLab's queue cannot be seen." },
            Some(0) => p.note { "No job waits." },
            Some(pending) => {
                @if pending > shown { p.note { "The longest " (shown) " of " (pending) "." } }
                (card::jobs(&tier.waiting, gitlab))
            }
        }
    }
}

/// Pods that cannot start, by what keeps them, with the command that shows the first of them.
fn pods(tier: &TierAssessment) -> Markup {
    let Some(pods) = &tier.pods else { return html! { p.unknown { "The job pods cannot be seen." } } };
    html! {
        @if pods.troubled.is_empty() { p.note { "Every job pod starts or runs." } }
        @for (cause, named) in &pods.troubled {
            @let words = explain(*cause);
            @let all = count(pods, *cause).max(named.len() as u64);
            div.group {
                h3 { (words::count(all, "pod")) ": " (words::sentence(words.sentence)) }
                @if all > named.len() as u64 { p.note { "The longest " (named.len()) ":" } }
                div.scroll tabindex="0" role="region" aria-label={ "Pods: " (words.sentence) } {
                    table {
                        thead { tr { th scope="col" { "Pod" } th scope="col" { "Job" } th scope="col" { "For" } } }
                        tbody { @for pod in named {
                            tr {
                                th scope="row" { code { (words::plain(&pod.namespace)) "/" (words::plain(&pod.name)) } }
                                td { @if let Some(job) = pod.job { a href={ "/jobs/" (job) } { (job) } } }
                                td { (human_duration(pod.lasts)) }
                            }
                        } }
                    }
                }
                @if let Some(first) = named.first() {
                    p.evidence { code { "kubectl --namespace " (words::plain(&first.namespace)) " describe pod " (words::plain(&first.name)) } }
                }
            }
        }
    }
}

/// How many pods a cause keeps from starting.
fn count(pods: &PodLevels, cause: Cause) -> u64 {
    match cause {
        Cause::Scheduling(cause) => pods.unschedulable.get(&cause).copied().unwrap_or(0),
        Cause::Runtime(cause) => pods.held.get(&cause).copied().unwrap_or(0),
        // A pod may pull from two registries: those named are then all that is sure.
        Cause::Pull(cause) => pods.pull_failing.iter().filter(|row| row.cause == cause).map(|row| row.pods).sum(),
        Cause::Autoscale(_) | Cause::Admission(_) | Cause::Queue(_) => 0,
    }
}

fn runner_table(runners: &RunnerLevels, now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Runners" {
            table {
                thead { tr {
                    th scope="col" { "Runner" } th scope="col" { "GitLab says" } th scope="col" { "Managers" }
                    th scope="col" { "Last contact" } th scope="col" { "Token" }
                } }
                tbody { @for line in &runners.runners { (runner_row(line, now)) } }
            }
        }
    }
}

fn runner_row(line: &RunnerLine, now: Timestamp) -> Markup {
    let ago = |at: Timestamp| format!("{} ago", human_duration(between(at, now)));
    html! {
        tr {
            th scope="row" { "#" (line.id) " " bdi { (words::plain(&line.description)) } }
            td { (line.status.as_str().replace('_', " ")) @if line.paused { ", paused" } }
            td {
                @match &line.managers {
                    None => "not readable",
                    Some(managers) if managers.is_empty() => "none",
                    Some(managers) => @for manager in managers {
                        div {
                            code { (words::plain(&manager.system_id)) } " " (manager.status.as_str().replace('_', " "))
                            @if let Some(version) = &manager.version { ", " (words::plain(version)) }
                        }
                    },
                }
            }
            td { (line.contacted_at.map_or_else(|| "never".to_owned(), ago)) }
            td {
                @match line.token.expires_at {
                    Some(at) if now < at => { "ends in " (human_duration(between(now, at))) }
                    Some(at) => { b.bad { "ended " (ago(at)) } }
                    None => "no end known",
                }
                @if let Some((source, at)) = line.token.obtained.first() {
                    "; " (human_duration(between(*at, now))) " old, by " (source.as_str())
                }
            }
        }
    }
}
