//! What a tier has to work with, in short sentences: runners and their tokens, managers, nodes, room, quotas.

use jiff::Timestamp;
use maud::{Markup, html};

use super::percent;
use crate::model::assess::human_duration;
use crate::model::assessment::{
    LimitLevel, QuotaLevel, QuotaResource, RoomBound, RunnerLevels, ScaleUpOutcome, TierAssessment,
};
use crate::observation::{LimitedPart, RunnerStatus, between};
use crate::output::words;

/// A name and what is said of it.
type Fact = (&'static str, String);

/// What a reader of the overview needs; the rest stands on the tier's page.
pub(super) fn short(tier: &TierAssessment, now: Timestamp) -> Markup {
    let runners = [Some(runners(tier)), managers(tier)].into_iter().flatten().collect::<Vec<_>>().join("; managers: ");
    let capacity = room(tier).or_else(|| nodes(tier).map(|nodes| format!("nodes: {nodes}")));
    let tokens = tier.runners.as_ref().and_then(|runners| tokens(runners, now));
    facts(&[("Runners", Some(runners)), ("Capacity", capacity), ("Tokens", tokens)])
}

/// Everything that is known of nodes and room.
pub(super) fn long(tier: &TierAssessment, now: Timestamp) -> Markup {
    facts(&[
        ("Nodes", nodes(tier).or_else(|| Some("not known".to_owned()))),
        ("Asked for by job pods", asked(tier)),
        (
            "Declared capacity",
            tier.capacity.declared.map(|jobs| format!("{} at once", words::count(jobs.into(), "job"))),
        ),
        ("Capacity", room(tier)),
        ("Autoscaler", scale_up(tier, now)),
        ("Limits", limits(tier)),
    ])
}

/// Runner managers and what is said of all runners together.
pub(super) fn of_runners(tier: &TierAssessment, now: Timestamp) -> Markup {
    let tokens = tier.runners.as_ref().and_then(|runners| tokens(runners, now));
    let versions = tier.runners.as_ref().and_then(versions);
    facts(&[
        ("Runners", Some(runners(tier))),
        ("Manager pods", managers(tier)),
        ("Versions", versions),
        ("Tokens", tokens),
    ])
}

fn facts(facts: &[(&'static str, Option<String>)]) -> Markup {
    let known: Vec<Fact> = facts.iter().filter_map(|(name, text)| Some((*name, text.clone()?))).collect();
    html! {
        @if !known.is_empty() {
            dl.facts { @for (name, text) in known { div { dt { (name) } dd { (words::sentence(&text)) } } } }
        }
    }
}

fn runners(tier: &TierAssessment) -> String {
    let Some(runners) = &tier.runners else { return "not known".to_owned() };
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
    parts.join(", ")
}

fn managers(tier: &TierAssessment) -> Option<String> {
    let pods = tier.managers?;
    Some(format!("{} of {} ready", pods.ready, pods.ready + pods.not_ready))
}

fn nodes(tier: &TierAssessment) -> Option<String> {
    let nodes = tier.nodes?;
    let mut text = format!("{} ready", nodes.ready);
    for (count, word) in [(nodes.not_ready, "not ready"), (nodes.unschedulable, "cordoned")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    let (cpu, memory) = (words::cores(nodes.allocatable_cpu_millis), words::bytes(nodes.allocatable_memory_bytes));
    Some(format!("{text}; {cpu} and {memory} in all"))
}

fn asked(tier: &TierAssessment) -> Option<String> {
    let pods = tier.pods.as_ref()?;
    let (cpu, memory) = (words::cores(pods.requested_cpu_millis), words::bytes(pods.requested_memory_bytes));
    Some(format!("{cpu} and {memory}"))
}

fn limits(tier: &TierAssessment) -> Option<String> {
    let limits = tier.limits.as_ref().filter(|limits| !limits.is_empty())?;
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
    Some(limits.iter().map(most).collect::<Vec<_>>().join(", "))
}

/// Every quota with how full it is.
pub(super) fn quotas(tier: &TierAssessment) -> Markup {
    let mut fullest: Vec<&QuotaLevel> = tier.quotas.iter().flatten().collect();
    fullest.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    html! {
        @match tier.quotas.as_deref() {
            None => p.unknown { "Quotas are not known." },
            Some([]) => p.note { "No quota bounds its namespaces." },
            Some(_) => {
                table {
                    thead { tr { th scope="col" { "Quota" } th scope="col" { "Limits" } th scope="col" { "Used" } th scope="col" { "How full" } } }
                    tbody { @for quota in fullest {
                        tr {
                            th scope="row" { (words::plain(&quota.namespace)) "/" (words::plain(&quota.quota)) }
                            td { (quota_word(quota.resource)) " (" code { (words::plain(&quota.written)) } ")" }
                            td class=(if quota.ratio >= 0.9 { "bad" } else { "" }) { (percent(quota.ratio)) }
                            td { meter min="0" max="1" high="0.9" value=(format!("{:.2}", quota.ratio.min(1.0))) aria-label={ (percent(quota.ratio)) " used" } {} }
                        }
                    } }
                }
            }
        }
    }
}

pub(super) const fn quota_word(resource: QuotaResource) -> &'static str {
    match resource {
        QuotaResource::Pods => "pods",
        QuotaResource::Cpu => "CPU",
        QuotaResource::Memory => "memory",
        QuotaResource::EphemeralStorage => "ephemeral storage",
        QuotaResource::Other => "something else",
    }
}

/// The token that ends first, and how old the oldest is.
pub(super) fn tokens(runners: &RunnerLevels, now: Timestamp) -> Option<String> {
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
pub(super) fn room(tier: &TierAssessment) -> Option<String> {
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
pub(super) fn scale_up(tier: &TierAssessment, now: Timestamp) -> Option<String> {
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
pub(super) fn versions(runners: &RunnerLevels) -> Option<String> {
    let managers = runners.runners.iter().flat_map(|line| line.managers.iter().flatten());
    let mut versions: Vec<&str> = managers.filter_map(|manager| manager.version.as_deref()).collect();
    versions.sort_unstable();
    versions.dedup();
    (versions.len() > 1).then(|| words::plain(&versions.join(", ")))
}
