//! How fresh everything on the page is, and what cannot be seen.

use maud::{Markup, html};

use super::clock;
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, SourceStatus};
use crate::observation::{SourceKey, SourceKind};
use crate::output::words;

/// One banner for each blind source, before anything else.
pub(super) fn alarms(assessment: &Assessment) -> Markup {
    let blind: Vec<&SourceStatus> = assessment.sources.iter().filter(|source| source.up == Some(false)).collect();
    html! {
        @for source in blind {
            section.alarm role="alert" {
                h2 { "Cannot see " (what(source)) }
                p {
                    @match &source.failure {
                        Some(failure) => (words::sentence(&words::plain(failure))),
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

/// Every source with its age.
pub(super) fn table(assessment: &Assessment) -> Markup {
    html! {
        section.sources {
            h2 { "What this rests on" }
            @if let Some(token) = &assessment.own_token {
                p.note {
                    "GitLab is asked with a token of the scopes "
                    (words::plain(&token.scopes.join(", ")))
                    @match token.expires_at {
                        Some(at) => { ", which ends on " time datetime=(at) { (at.strftime("%Y-%m-%d")) } "." }
                        None => ", which never ends.",
                    }
                }
            }
            table {
                thead { tr { th { "Source" } th { "State" } th { "Last answer" } th { "Objects" } th { "Tiers" } } }
                tbody {
                    @for source in &assessment.sources {
                        tr class=(state(source)) {
                            td {
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
    name(&source.source)
}

/// A source in words.
pub(super) fn name(source: &SourceKey) -> String {
    let what = match source.kind {
        SourceKind::Clock => "the clock",
        SourceKind::GitlabQueue => "GitLab's queue",
        SourceKind::GitlabStarted => "GitLab's running jobs",
        SourceKind::GitlabRefs => "GitLab's protected refs",
        SourceKind::GitlabRunners => "GitLab's runners",
        SourceKind::GitlabRunnerJobs => "GitLab's jobs of runners",
        SourceKind::GitlabJobLogs => "GitLab's logs of failed jobs",
        SourceKind::GitlabHooks => "GitLab's job hooks",
        SourceKind::WebConfig => "the web configuration",
        SourceKind::KubePods => "pods",
        SourceKind::KubeEvents => "events",
        SourceKind::KubeNodeEvents => "events of nodes",
        SourceKind::KubeNodes => "nodes",
        SourceKind::KubeQuotas => "quotas",
        SourceKind::KubeLimits => "limit ranges",
        SourceKind::KubeNamespace => "the labels",
        SourceKind::KubeNetpols => "network policies",
        SourceKind::KubeAccounts => "service accounts",
        SourceKind::KubeRoles => "roles",
        SourceKind::KubeBindings => "role bindings",
        SourceKind::KubeTokenSecrets => "Secrets with runner tokens",
    };
    match &source.namespace {
        Some(namespace) if source.kind == SourceKind::KubeNamespace => format!("the labels of {namespace}"),
        Some(namespace) => format!("{what} in {namespace}"),
        None => what.to_owned(),
    }
}
