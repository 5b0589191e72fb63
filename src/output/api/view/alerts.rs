//! What fires, and the judgements that it rests on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::condition::{self, ConditionLine, DependsOn, FiringAlert, Kind, Severity};
use crate::model::assessment::Assessment;
use crate::output::api::label::Label;

/// What fires by the conditions, and what was over within the last quarter of an hour.
#[derive(Serialize, JsonSchema)]
pub(in crate::output::api) struct Alerts<'a> {
    /// When it was judged.
    at: Timestamp,
    /// Sorted by name, tier and subject.
    alerts: Vec<Alert<'a>>,
    /// The judgements on tierwatch itself that hold, or are withheld.
    own_conditions: Vec<Condition<'a>>,
}

/// An alert that fires, or that did a while ago.
#[derive(Serialize, JsonSchema)]
struct Alert<'a> {
    /// Its name.
    alert: &'static str,
    /// The tier; null: it is about tierwatch itself.
    tier: Option<&'a str>,
    /// What it rests on.
    condition: Label<condition::Condition>,
    /// The check or the source that it is about, where it is about one.
    subject: Option<&'a str>,
    /// How urgent it is.
    severity: Label<Severity>,
    /// What it is about.
    kind: Label<Kind>,
    /// Which upstream it is mute without.
    depends_on: Label<DependsOn>,
    /// Since when its condition holds.
    since: Timestamp,
    /// When it began to fire.
    starts_at: Timestamp,
    /// When it was over; null while it fires.
    ends_at: Option<Timestamp>,
    /// Why, in words, as it last was.
    reason: &'a str,
}

/// A named judgement as it is now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConditionNow")]
pub(super) struct Condition<'a> {
    /// Which one.
    condition: Label<condition::Condition>,
    /// The check or the source that it is about, where it is about one.
    subject: Option<&'a str>,
    /// Whether it holds; null while it is withheld.
    holds: Option<bool>,
    /// Since when what it looks at is so, its own patience included; null while it is not.
    since: Option<Timestamp>,
    /// Why it holds, or what cannot be seen.
    reason: &'a str,
}

/// The judgements that hold, and those that are withheld.
pub(super) fn told(lines: &[ConditionLine]) -> Vec<Condition<'_>> {
    let told = lines.iter().filter(|line| line.holds != Some(false));
    told.map(|line| Condition {
        condition: line.condition.into(),
        subject: line.subject.as_deref(),
        holds: line.holds,
        since: line.since,
        reason: &line.reason,
    })
    .collect()
}

impl<'a> From<&'a Assessment> for Alerts<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        let alerts = assessment.alerts.iter().map(alert).collect();
        Self { at: assessment.at.wall, alerts, own_conditions: told(&assessment.conditions) }
    }
}

fn alert(alert: &FiringAlert) -> Alert<'_> {
    Alert {
        alert: alert.alert,
        tier: alert.tier.as_deref(),
        condition: alert.condition.into(),
        subject: alert.subject.as_deref(),
        severity: alert.severity.into(),
        kind: alert.kind.into(),
        depends_on: alert.depends_on.into(),
        since: alert.since,
        starts_at: alert.starts_at,
        ends_at: alert.ends_at,
        reason: &alert.reason,
    }
}
