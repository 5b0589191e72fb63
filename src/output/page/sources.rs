//! How fresh everything on the page is, and what cannot be seen.

use std::time::Duration;

use maud::{Markup, html};

use super::clock;
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, SourceStatus};
use crate::observation::ApiTokenReport;
use crate::output::words;

/// One banner for each blind source, before anything else.
pub(super) fn alarms(assessment: &Assessment) -> Markup {
    alarms_for(assessment.sources.iter())
}

/// The same for the sources that one tier depends on.
pub(super) fn alarms_of(assessment: &Assessment, tier: &str) -> Markup {
    alarms_for(assessment.sources.iter().filter(|source| concerns(source, tier)))
}

/// A tier needs what is asked for it, and what is asked for all.
fn concerns(source: &SourceStatus, tier: &str) -> bool {
    source.tiers.is_empty() || source.tiers.iter().any(|name| **name == *tier)
}

/// What a tier depends on.
pub(super) fn of(assessment: &Assessment, tier: &str) -> Vec<SourceStatus> {
    assessment.sources.iter().filter(|source| concerns(source, tier)).cloned().collect()
}

/// The age of the oldest data that is judged; where silence says nothing, age does not either.
pub(super) fn oldest<'a>(sources: impl Iterator<Item = &'a SourceStatus>) -> Option<Duration> {
    let judged = sources.filter(|source| source.up == Some(true) && !source.source.kind.may_be_silent());
    judged.filter_map(|source| source.age).max()
}

/// How old the data of a tier is, and how much of it is out of sight.
pub(super) fn freshness(assessment: &Assessment, tier: &str) -> Markup {
    let of_tier = || assessment.sources.iter().filter(|source| concerns(source, tier));
    let blind = of_tier().filter(|source| source.up == Some(false)).count() as u64;
    let oldest = oldest(of_tier());
    html! {
        @match oldest {
            Some(oldest) => { "data at most " (human_duration(oldest)) " old" }
            None => "no data yet",
        }
        @if blind > 0 { ", " b.unknown { (words::count(blind, "source")) " blind" } }
    }
}

fn alarms_for<'a>(sources: impl Iterator<Item = &'a SourceStatus>) -> Markup {
    html! {
        @for source in sources.filter(|source| source.up == Some(false)) {
            section.alarm role="alert" id={ "blind-" (source.source.kind.as_str()) "-" (source.source.namespace.as_deref().unwrap_or("all")) } {
                h2 { "Cannot see " (what(source)) }
                p {
                    @match &source.failure {
                        Some(failure) => bdi { (words::sentence(&words::plain(failure))) },
                        None => "Its data is too old to be judged.",
                    }
                    " "
                    @match (source.last_success, source.age) {
                        (Some(at), Some(age)) => { "It last answered at " (clock(at)) ", " (human_duration(age)) " ago." }
                        (Some(at), None) => { "It last answered at " (clock(at)) "." }
                        (None, _) => "It has never answered.",
                    }
                }
                @if !source.tiers.is_empty() {
                    p { "Depends on it: " (tiers(source)) ". What is shown is the last that was seen, and withheld once too old." }
                }
            }
        }
    }
}

/// Every source with its age; the token that GitLab is asked with, where it is to be told.
pub(super) fn table(sources: &[SourceStatus], token: Option<&ApiTokenReport>) -> Markup {
    html! {
        section.sources.part aria-labelledby="sources" {
            h2 #sources { "What this rests on" }
            @if let Some(token) = token {
                p.note {
                    "GitLab is asked with a token of the scopes "
                    (words::plain(&token.scopes.join(", ")))
                    @match token.expires_at {
                        Some(at) => { ", which ends on " time datetime=(at) { (at.strftime("%Y-%m-%d")) } "." }
                        None => ", which never ends.",
                    }
                }
            }
            (folded(sources))
        }
    }
}

/// All rows stand behind one line: what is wrong among them stands above everything already.
fn folded(sources: &[SourceStatus]) -> Markup {
    let up = sources.iter().filter(|source| source.up == Some(true)).count();
    let all = words::count(sources.len() as u64, "source");
    html! {
        details #every-source open[up < sources.len()] {
            summary { (up) " of " (all) " answer; how fresh each is" }
            div.scroll tabindex="0" role="region" aria-label="Sources" {
                table {
                    thead { tr {
                        th scope="col" { "Source" } th scope="col" { "State" } th scope="col" { "Last answer" }
                        th scope="col" { "Objects" } th scope="col" { "Tiers" }
                    } }
                    tbody {
                        @for source in sources {
                            tr class=(state(source)) {
                                th scope="row" {
                                    (what(source))
                                    @if let Some(note) = &source.note { div.note { (words::plain(note)) } }
                                }
                                td { (state(source)) }
                                td { @match source.age { Some(age) => { (human_duration(age)) " ago" } None => "never" } }
                                td { @if let Some(objects) = source.objects { (objects) } }
                                td { (tiers(source)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn state(source: &SourceStatus) -> &'static str {
    match source.up {
        Some(true) => "up",
        Some(false) => "blind",
        None => "waiting",
    }
}

fn tiers(source: &SourceStatus) -> String {
    source.tiers.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

fn what(source: &SourceStatus) -> String {
    words::source(&source.source)
}
