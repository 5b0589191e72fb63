//! Which dashboard shows an alert.

use super::budget::BURN;
use super::conditions::DOWN;
use crate::condition::{ALERTS, Alert, Condition, Severity, SeverityRule};
use crate::model::policy::Urgency;

/// The uid of the dashboard to which an alert leads: a view of its own where it can wake somebody, else that of its subject.
#[must_use]
pub fn board(alert: &str) -> String {
    if wakes(alert) {
        return format!("tierwatch-alert{}", kebab(alert));
    }
    let of = ALERTS.iter().find(|row| row.name == alert).map(|row| subject(row.condition));
    of.unwrap_or("tierwatch-self").to_owned()
}

/// Whether it can wake somebody.
#[must_use]
pub fn wakes(alert: &str) -> bool {
    let critical = |row: &&Alert| {
        let of_tier = row.severity == SeverityRule::Check || row.severity.of(Urgency::Page) == Some(Severity::Critical);
        if row.condition.is_own() { row.severity.own() == Severity::Critical } else { of_tier }
    };
    alert == BURN || alert == DOWN || ALERTS.iter().filter(critical).any(|row| row.name == alert)
}

/// `TierDown` becomes `-tier-down`.
fn kebab(name: &str) -> String {
    name.chars().fold(String::new(), |text, letter| {
        let dash = if letter.is_ascii_uppercase() { "-" } else { "" };
        format!("{text}{dash}{}", letter.to_ascii_lowercase())
    })
}

const fn subject(condition: Condition) -> &'static str {
    match condition {
        Condition::Flooded | Condition::JobsUnserved | Condition::NoTraffic => "tierwatch-queue",
        Condition::Unschedulable | Condition::ScaleUpBlocked | Condition::AtCapacity => "tierwatch-scheduling",
        Condition::ImagePullFailing => "tierwatch-images",
        Condition::RunnersOffline
        | Condition::RunnerTokenExpiring
        | Condition::RunnerTokenEnding
        | Condition::RunnerTokenTooOld => "tierwatch-runners",
        Condition::BoundaryMoved => "tierwatch-boundaries",
        Condition::JobsOverdue
        | Condition::QueueStalled
        | Condition::JobsDropped
        | Condition::PlatformFailures
        | Condition::Down => "tierwatch-tier",
        Condition::SourceDown
        | Condition::Unobserved
        | Condition::ApiTokenExpiring
        | Condition::ApiTokenEnding
        | Condition::QueueCoverageLow
        | Condition::Unclassified
        | Condition::SecretReloadFailed => "tierwatch-self",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_can_wake_somebody_has_a_view_of_its_own() {
        let boards =
            ["TierDown", BURN, "RunnerTokenExpiring", DOWN, "TierUnschedulable", "TierwatchUnclassified"].map(board);
        let wanted = [
            "tierwatch-alert-tier-down",
            "tierwatch-alert-tier-start-budget-burn",
            "tierwatch-alert-runner-token-expiring",
            "tierwatch-alert-tierwatch-down",
            "tierwatch-scheduling",
            "tierwatch-self",
        ];
        assert_eq!(boards, wanted);
    }
}
