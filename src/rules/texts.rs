//! What an alert says to people: the same in a rule and in what is pushed.

use std::collections::BTreeMap;

use super::link::{About, Links, label};
use crate::condition::{Alert, Condition, FiringAlert};
use crate::config;
use crate::model::policy::Policy;

/// The texts of alerts, with the links of this configuration.
#[derive(Debug)]
pub struct Texts(Links);

impl Texts {
    /// For the tiers of this policy.
    #[must_use]
    pub fn new(links: &config::Links, policy: &Policy) -> Self {
        Self(Links::new(links, policy))
    }

    /// The annotations of an alert with these labels.
    #[must_use]
    pub fn of(&self, alert: &FiringAlert, labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let row = Alert::of(alert.alert, alert.condition, alert.subject.as_deref(), alert.severity);
        let texts = row.map(|row| annotations(row, &self.0)).unwrap_or_default();
        let own_runbook = alert.tier.as_ref().and_then(|tier| self.0.runbook_of(tier));
        let texts = texts.into_iter().filter(|(name, _)| *name != TIER_RUNBOOK);
        let filled = texts.map(|(name, text)| (name.to_owned(), filled(&text, labels)));
        filled.chain(own_runbook.map(|url| (TIER_RUNBOOK.to_owned(), url.to_owned()))).collect()
    }

    /// The daemon's own page.
    #[must_use]
    pub fn page(&self) -> String {
        self.0.page(About::Tierwatch)
    }
}

/// A rule knows no reason; what is pushed has it whole.
pub const SEE_THE_PAGE: &str = "Since when, why and what to do next stand on the page.";

/// The annotation for a tier's own runbook.
pub(super) const TIER_RUNBOOK: &str = "tier_runbook_url";

/// The annotations of a rule, in which Prometheus fills in the labels.
pub(super) fn annotations(alert: &Alert, links: &Links) -> Vec<(&'static str, String)> {
    let about = if alert.condition == Condition::BoundaryMoved {
        About::Check
    } else if alert.condition.is_own() {
        About::Tierwatch
    } else {
        About::Tier
    };
    let summary = match (about, alert.condition.subject_label()) {
        (About::Tierwatch, _) => capital(alert.summary),
        (_, Some("check")) => format!("Tier {}: {} ({})", label!("tier"), alert.summary, label!("check")),
        (_, Some(_)) => format!("Tier {}: {} ({})", label!("tier"), alert.summary, label!("source")),
        (_, None) => format!("Tier {}: {}", label!("tier"), alert.summary),
    };
    let description = format!("{} {SEE_THE_PAGE}", alert.description);
    [vec![("summary", summary), ("description", description)], links.annotations(alert.name, about)].concat()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Fills in labels as Prometheus would.
fn filled(text: &str, labels: &BTreeMap<String, String>) -> String {
    labels.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{ $labels.{name} }}}}"), value))
}
