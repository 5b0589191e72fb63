//! What alerts say, on the page: the same names as on the pager, with their runbooks.

use jiff::Timestamp;
use maud::{Markup, html};

use super::clock;
use crate::condition::{ALERTS, Condition, ConditionLine, FiringAlert, Severity};
use crate::model::assess::human_duration;
use crate::model::assessment::{Assessment, TierAssessment};
use crate::observation::between;
use crate::output::words;

/// Reasons name what they saw.
const LONGEST: usize = 400;

/// The alerts that fire for a tier, the most urgent first; `None`: those about tierwatch itself.
pub(super) fn of<'a>(assessment: &'a Assessment, tier: Option<&str>) -> Vec<&'a FiringAlert> {
    let about = |alert: &&FiringAlert| alert.tier.as_deref() == tier && alert.ends_at.is_none();
    let mut firing: Vec<_> = assessment.alerts.iter().filter(about).collect();
    firing.sort_by_key(|alert| (alert.severity, alert.kind, alert.starts_at));
    firing
}

/// How urgent the most urgent of them is; nothing where none fires.
pub(super) fn most_urgent(assessment: &Assessment, tier: &str) -> Option<Severity> {
    of(assessment, Some(tier)).first().map(|alert| alert.severity)
}

/// The alerts as a list; nothing where none fires.
pub(super) fn list(alerts: &[&FiringAlert], now: Timestamp) -> Markup {
    html! {
        @if !alerts.is_empty() {
            ul.alerts aria-label="Alerts that fire" {
                @for alert in alerts {
                    li {
                        (severity(alert.severity)) " "
                        a href={ "/runbooks/" (alert.alert) } { (alert.alert) }
                        @if let Some(subject) = &alert.subject { " (" (subject) ")" }
                        ", since " (clock(alert.since)) " (" (human_duration(between(alert.since, now))) "): "
                        bdi { (words::sentence(&words::plain_of(&alert.reason, LONGEST))) }
                    }
                }
            }
        }
    }
}

/// A badge that says in a word how urgent it is.
pub(super) fn severity(severity: Severity) -> Markup {
    html! { span class={ "badge " (severity.as_str()) } { (severity.as_str()) } }
}

/// What a judgement says, in a line without numbers, and its runbook.
pub(super) fn name(condition: Condition, subject: Option<&str>) -> Markup {
    let row = ALERTS.iter().find(|row| row.condition == condition);
    html! {
        @match row {
            Some(row) => a href={ "/runbooks/" (row.name) } { (words::sentence(row.summary).trim_end_matches('.')) },
            None => (condition.as_str().replace('_', " ")),
        }
        @if let Some(subject) = subject { " (" (words::plain(subject)) ")" }
    }
}

/// What holds and does not fire yet, and what cannot be judged.
pub(super) fn quiet(tier: &TierAssessment, firing: &[&FiringAlert]) -> Markup {
    let fires = |line: &ConditionLine| {
        firing.iter().any(|alert| alert.condition == line.condition && alert.subject == line.subject)
    };
    let soon: Vec<_> = tier.conditions.iter().filter(|line| line.holds == Some(true) && !fires(line)).collect();
    let withheld = tier.conditions.iter().filter(|line| line.holds.is_none()).count() as u64;
    html! {
        @for line in soon {
            p.note {
                "No alert yet: " (name(line.condition, line.subject.as_deref()))
                @if let Some(since) = line.since { ", since " (clock(since)) }
                ": " bdi { (words::sentence(&words::plain_of(&line.reason, LONGEST))) }
            }
        }
        @if withheld > 0 {
            p.note { (words::count(withheld, "judgement")) " cannot be made for lack of data, so no alert can come of it." }
        }
    }
}
