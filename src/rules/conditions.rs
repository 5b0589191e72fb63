//! The conditions as alerts: one rule for each urgency that a tier has.

use std::time::Duration;

use super::link::{About, Links};
use super::texts::annotations;
use super::{Group, Rule};
use crate::condition::{ALERTS, Alert, Condition, DependsOn, GRAVE_CHECKS, Kind, SIGHT, Severity, SeverityRule};
use crate::config::Config;
use crate::metrics::catalogue as metrics;
use crate::model::policy::Urgency;
use crate::model::policy::Urgency::{None as Shown, Page, Ticket};

/// The alert on that.
pub(super) const DOWN: &str = "TierwatchDown";

/// tierwatch itself is gone: longer than a restart takes.
const DOWN_FOR: Duration = Duration::from_secs(5 * 60);

pub(super) fn groups(config: &Config, links: &Links) -> Vec<Group> {
    let maker = Maker { links, keep: config.policy.keep_firing_for };
    let urgencies: Vec<Urgency> = [Page, Ticket, Shown]
        .into_iter()
        .filter(|urgency| config.policy.tiers.iter().any(|tier| tier.urgency == *urgency))
        .collect();
    let of_tiers = ALERTS.iter().filter(|alert| !alert.condition.is_own());
    let of_tiers = of_tiers.flat_map(|alert| maker.of_tiers(alert, &urgencies));
    let own = ALERTS.iter().filter(|alert| alert.condition.is_own()).map(|alert| maker.own(alert));
    vec![
        Group { name: "tierwatch-tiers", rules: of_tiers.collect() },
        Group { name: "tierwatch-self", rules: own.chain([maker.down()]).collect() },
    ]
}

struct Maker<'a> {
    links: &'a Links,
    keep: Duration,
}

impl Maker<'_> {
    /// One rule for each severity, and the urgencies of the tiers that it is for.
    fn of_tiers(&self, alert: &Alert, urgencies: &[Urgency]) -> Vec<Rule> {
        let severities = [Severity::Critical, Severity::Warning, Severity::Info];
        let each = severities.into_iter().flat_map(|severity| {
            let those: Vec<Urgency> =
                urgencies.iter().copied().filter(|urgency| alert.severity.of(*urgency) == Some(severity)).collect();
            if those.is_empty() { vec![] } else { self.of_tiers_with(alert, severity, &those, those == urgencies) }
        });
        each.collect()
    }

    fn of_tiers_with(&self, alert: &Alert, severity: Severity, urgencies: &[Urgency], all: bool) -> Vec<Rule> {
        let of_these = if all { String::new() } else { of_urgency(urgencies) };
        let rule = |expr: String| vec![self.alert(alert, &format!("{expr}{of_these}"), severity)];
        match (alert.condition, alert.severity) {
            // Series by check and by source stand beside the conditions: their labels are kept.
            (Condition::BoundaryMoved, _) if urgencies.contains(&Page) => {
                let grave =
                    format!("{}{}", moved(&format!("{{check=~\"{}\"}}", GRAVE_CHECKS.join("|"))), of_urgency(&[Page]));
                let rest = format!("{}{of_these}\nunless on (tier, check) (\n{}\n)", moved(""), indented(&grave));
                vec![self.alert(alert, &grave, Severity::Critical), self.alert(alert, &rest, severity)]
            }
            (Condition::BoundaryMoved, _) => rule(moved("")),
            (Condition::SourceDown, SeverityRule::UrgencyIfPage) => {
                rule(blind(&format!("{{source=~\"{}\"}}", SIGHT.join("|"))))
            }
            (Condition::SourceDown, _) => rule(blind("")),
            (condition, _) => {
                let (metric, name) = (metrics::TIER_CONDITION.name, condition.as_str());
                rule(format!("max by (tier) ({metric}{{condition=\"{name}\"}}) == 1"))
            }
        }
    }

    fn own(&self, alert: &Alert) -> Rule {
        let (metric, name) = (metrics::OWN_CONDITION.name, alert.condition.as_str());
        self.alert(alert, &format!("max({metric}{{condition=\"{name}\"}}) == 1"), alert.severity.own())
    }

    fn alert(&self, alert: &Alert, expr: &str, severity: Severity) -> Rule {
        Rule::Alert {
            alert: alert.name,
            expr: expr.to_owned(),
            pending: alert.pending,
            keep_firing_for: Some(self.keep),
            labels: labels(severity, alert.kind, alert.depends_on),
            annotations: annotations(alert, self.links),
        }
    }

    fn down(&self) -> Rule {
        let description = "Prometheus has had no answer from tierwatch for minutes. No other alert of a tier can fire. First look whether it \
             runs: `kubectl get pods --all-namespaces --selector app.kubernetes.io/name=tierwatch`, then `kubectl logs --previous` of \
             what does not. Where it runs, Prometheus says under Status, Targets why it gets no answer.";
        Rule::Alert {
            alert: DOWN,
            expr: "absent(up{job=\"tierwatch\"} == 1)".to_owned(),
            pending: DOWN_FOR,
            keep_firing_for: None,
            labels: labels(Severity::Critical, Kind::Blind, DependsOn::None),
            annotations: [
                vec![
                    ("summary", "Nobody watches the runner tiers: tierwatch does not answer".to_owned()),
                    ("description", description.to_owned()),
                ],
                self.links.annotations(DOWN, About::Tierwatch),
            ]
            .concat(),
        }
    }
}

/// The tiers of these urgencies, whichever they are when the rule is evaluated.
fn of_urgency(urgencies: &[Urgency]) -> String {
    let names: Vec<&str> = urgencies.iter().map(|urgency| urgency.as_str()).collect();
    format!("\nand on (tier) max by (tier) ({}{{urgency=~\"{}\"}})", metrics::TIER_INFO.name, names.join("|"))
}

fn indented(expr: &str) -> String {
    expr.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn moved(matchers: &str) -> String {
    format!("max by (tier, check) ({}{matchers}) == 1", metrics::POSTURE_VIOLATIONS.name)
}

fn blind(matchers: &str) -> String {
    format!("max by (tier, source) ({}{matchers}) == 0", metrics::SOURCE_UP.name)
}

pub(super) fn labels(severity: Severity, kind: Kind, depends_on: DependsOn) -> Vec<(&'static str, String)> {
    vec![
        ("severity", severity.as_str().to_owned()),
        ("alert_type", kind.as_str().to_owned()),
        ("depends_on", depends_on.as_str().to_owned()),
    ]
}
