//! One tier on the page.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{bar, boundaries, clock, percent, state_word};
use crate::cause::Blame;
use crate::model::assess::human_duration;
use crate::model::assessment::{
    CauseLine, LimitLevel, QuotaLevel, QuotaResource, RoomBound, RunnerLevels, ScaleUpOutcome, TierAssessment,
    WaitingJob,
};
use crate::observation::{LimitedPart, RunnerStatus, between};
use crate::output::words;

pub(super) fn card(tier: &TierAssessment, now: Timestamp) -> Markup {
    html! {
        section class={ "tier " (tier.state.as_str()) } aria-labelledby={ "tier-" (tier.name) } {
            div.title {
                h2 id={ "tier-" (tier.name) } { (tier.name) }
                span.state { (state_word(tier.state)) }
                span.since { "since " (clock(tier.since)) " (" (human_duration(between(tier.since, now))) ")" }
            }
            p.headline { (words::sentence(&tier.headline)) }
            (numbers(tier))
            @if !tier.causes.is_empty() {
                ul.causes { @for line in &tier.causes { (counted(line)) } }
            }
            (bar::phases("From queued to running, mean of the last starts", &tier.phases))
            (jobs(&tier.waiting))
            p.supply { (supply(tier, now)) }
            @if tier.boundary.declared {
                p class={ "boundary " (if tier.boundary.moved().next().is_some() { "moved" } else { "" }) } {
                    a href={ "/boundaries#boundary-" (tier.name) } { "Boundary" } ": " (boundaries::in_words(&tier.boundary))
                }
            }
        }
    }
}

fn numbers(tier: &TierAssessment) -> Markup {
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

fn counted(line: &CauseLine) -> Markup {
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
            p.next { (words::sentence(line.next_step)) }
            @if let Some(evidence) = &line.evidence { p.evidence { code { (words::plain(evidence)) } } }
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

fn jobs(waiting: &[WaitingJob]) -> Markup {
    html! {
        @if !waiting.is_empty() {
            details {
                summary { "Longest waiting" }
                table {
                    thead { tr { th { "Job" } th { "Name" } th { "Project" } th { "Waits" } } }
                    tbody {
                        @for job in waiting {
                            tr {
                                td { a href={ "/jobs/" (job.id) } { (job.id) } }
                                td { bdi { (words::plain(&job.name)) } }
                                td { bdi { (job.project.as_deref().map(words::plain).unwrap_or_default()) } }
                                td { (human_duration(job.waited)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn quota_word(resource: QuotaResource) -> &'static str {
    match resource {
        QuotaResource::Pods => "pods",
        QuotaResource::Cpu => "CPU",
        QuotaResource::Memory => "memory",
        QuotaResource::EphemeralStorage => "ephemeral storage",
        QuotaResource::Other => "something else",
    }
}

/// The token that ends first, and how old the oldest is.
fn tokens(runners: &RunnerLevels, now: Timestamp) -> Option<String> {
    let ends = runners.runners.iter().filter_map(|line| Some((line.token.expires_at?, line.id))).min();
    let ends = ends.map(|(at, id)| match now < at {
        true => format!("token of runner #{id} ends in {}", human_duration(between(now, at))),
        false => format!("token of runner #{id} ended {} ago", human_duration(between(at, now))),
    });
    let at_most = || {
        let made = runners.runners.iter().map(|line| line.created_at).collect::<Option<Vec<_>>>()?.into_iter().min()?;
        Some(format!("tokens at most {} old, by the runners' creation", human_duration(between(made, now))))
    };
    let age = runners.token_age.map(|age| format!("oldest token {} old", human_duration(age))).or_else(at_most);
    let said: Vec<String> = ends.into_iter().chain(age).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// How many more jobs fit, and what bounds them.
fn room(tier: &TierAssessment) -> Option<String> {
    let room = tier.capacity.room?;
    let by = match room.bound {
        RoomBound::Nodes => "by its nodes",
        RoomBound::Quota => "by its quota",
        RoomBound::Capacity => "by its declared capacity",
    };
    let (cpu, memory) = (words::cores(room.typical.cpu_millis), words::bytes(room.typical.memory_bytes));
    Some(format!("room for at most {} more of {cpu} and {memory}, {by}", words::count(room.jobs, "job")))
}

/// When an autoscaler last moved, and what came of it.
fn scale_up(tier: &TierAssessment, now: Timestamp) -> Option<String> {
    let last = tier.capacity.last_scale_up?;
    let ago = human_duration(between(last.at, now));
    Some(match (last.outcome, last.ended) {
        (ScaleUpOutcome::NodeJoined, Some(joined)) => {
            format!("last scale-up {ago} ago, a node joined after {}", human_duration(between(last.at, joined)))
        }
        (ScaleUpOutcome::Refused, _) => format!("the autoscaler last refused {ago} ago ({})", last.cause),
        (ScaleUpOutcome::Pending | ScaleUpOutcome::NodeJoined, _) => {
            format!("last scale-up {ago} ago, no node joined yet")
        }
    })
}

/// More than one version of the runner at work.
fn versions(runners: &RunnerLevels) -> Option<String> {
    let managers = runners.runners.iter().flat_map(|line| line.managers.iter().flatten());
    let mut versions: Vec<&str> = managers.filter_map(|manager| manager.version.as_deref()).collect();
    versions.sort_unstable();
    versions.dedup();
    (versions.len() > 1).then(|| format!("versions: {}", words::plain(&versions.join(", "))))
}

/// Runners, managers, nodes, pods and quotas: what the tier has to work with.
fn supply(tier: &TierAssessment, now: Timestamp) -> String {
    let runners = match &tier.runners {
        None => "runners not known".to_owned(),
        Some(runners) => {
            let mut parts: Vec<String> = RunnerStatus::ALL
                .iter()
                .filter_map(|status| Some((status, *runners.by_status.get(status).filter(|count| **count > 0)?)))
                .map(|(status, count)| format!("{count} {}", status.as_str().replace('_', " ")))
                .collect();
            if parts.is_empty() {
                parts.push("none".to_owned());
            }
            if runners.paused > 0 {
                parts.push(format!("{} of them paused", runners.paused));
            }
            format!("runners: {}", parts.join(", "))
        }
    };
    let managers = tier.managers.map(|pods| {
        let all = pods.ready + pods.not_ready;
        format!("manager pods: {} of {all} ready", pods.ready)
    });
    let nodes = tier.nodes.map(|nodes| {
        let mut text = format!("nodes: {} ready", nodes.ready);
        for (count, word) in [(nodes.not_ready, "not ready"), (nodes.unschedulable, "cordoned")] {
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        let (cpu, memory) = (words::cores(nodes.allocatable_cpu_millis), words::bytes(nodes.allocatable_memory_bytes));
        format!("{text}; {cpu} and {memory} in all")
    });
    let asked = tier.pods.as_ref().map(|pods| {
        let (cpu, memory) = (words::cores(pods.requested_cpu_millis), words::bytes(pods.requested_memory_bytes));
        format!("asked for by job pods: {cpu} and {memory}")
    });
    let quotas = tier.quotas.as_ref().filter(|quotas| !quotas.is_empty()).map(|quotas| {
        let used = |quota: &QuotaLevel| format!("{} of {}", percent(quota.ratio), quota_word(quota.resource));
        format!("quotas used: {}", quotas.iter().map(used).collect::<Vec<_>>().join(", "))
    });
    let limits = tier.limits.as_ref().filter(|limits| !limits.is_empty()).map(|limits| {
        let most = |level: &LimitLevel| {
            let amount = if level.resource == QuotaResource::Cpu {
                words::cores(level.max_thousandths)
            } else {
                words::bytes(level.max_thousandths / 1000)
            };
            let part = match level.part {
                LimitedPart::Container => "container",
                LimitedPart::Pod => "pod",
            };
            format!("{amount} a {part}")
        };
        format!("limits: {}", limits.iter().map(most).collect::<Vec<_>>().join(", "))
    });
    let tokens = tier.runners.as_ref().and_then(|runners| tokens(runners, now));
    let versions = tier.runners.as_ref().and_then(versions);
    let known: Vec<String> =
        [Some(runners), versions, tokens, managers, nodes, asked, room(tier), scale_up(tier, now), quotas, limits]
            .into_iter()
            .flatten()
            .collect();
    words::sentence(&known.join(" · "))
}
