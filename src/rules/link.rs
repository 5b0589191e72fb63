//! Where an alert leads: its runbook, the dashboard, the daemon's own page.

use super::board;
use super::conditions::DOWN;
use super::texts::TIER_RUNBOOK;
use crate::config::{self, base};
use crate::model::policy::Policy;

/// The value of a label, filled in by Prometheus.
macro_rules! label {
    ($name:literal) => {
        concat!("{{ $labels.", $name, " }}")
    };
}
pub(super) use label;

/// What the links begin with.
#[derive(Debug)]
pub(super) struct Links {
    tierwatch: String,
    runbooks: String,
    /// The daemon itself serves them.
    serves_runbooks: bool,
    grafana: Option<String>,
    /// Tiers that have a runbook of their own.
    of_tiers: Vec<(String, String)>,
}

/// What an alert is about, as far as links are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Tier,
    Check,
    Tierwatch,
}

impl Links {
    pub(super) fn new(links: &config::Links, policy: &Policy) -> Self {
        let of_tiers = policy
            .tiers
            .iter()
            .filter_map(|tier| Some((tier.name.to_string(), tier.runbook_url.as_deref()?.to_owned())))
            .collect();
        Self {
            tierwatch: base(&links.tierwatch),
            runbooks: links.runbooks_base(),
            serves_runbooks: links.runbooks.is_none(),
            grafana: links.grafana.as_ref().map(base),
            of_tiers,
        }
    }

    /// The annotations that every alert has, after its own texts.
    pub(super) fn annotations(&self, alert: &str, about: About) -> Vec<(&'static str, String)> {
        let mut links = vec![
            ("runbook_url", self.runbook(alert)),
            ("dashboard_url", self.dashboard(alert, about)),
            ("page_url", self.page(about)),
        ];
        if about != About::Tierwatch && !self.of_tiers.is_empty() {
            let each = self
                .of_tiers
                .iter()
                .map(|(tier, url)| format!("{{{{ if eq $labels.tier \"{tier}\" }}}}{url}{{{{ end }}}}"));
            links.push((TIER_RUNBOOK, each.collect()));
        }
        links
    }

    /// What a daemon that is down cannot serve stands where its source is.
    fn runbook(&self, alert: &str) -> String {
        if alert == DOWN && self.serves_runbooks {
            let (source, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
            return format!("{source}/-/blob/v{version}/docs/runbooks/{alert}.md");
        }
        format!("{}/{alert}", self.runbooks)
    }

    /// The runbook that a tier has of its own.
    pub(super) fn runbook_of(&self, tier: &str) -> Option<&str> {
        self.of_tiers.iter().find(|(name, _)| name == tier).map(|(_, url)| url.as_str())
    }

    /// The daemon's own page, which says since when, why and what to do next.
    pub(super) fn page(&self, about: About) -> String {
        let base = &self.tierwatch;
        match about {
            About::Tier => format!("{base}/tiers/{}", label!("tier")),
            About::Check => format!("{base}/boundaries#{}-{}", label!("tier"), label!("check")),
            About::Tierwatch => format!("{base}/"),
        }
    }

    fn dashboard(&self, alert: &str, about: About) -> String {
        let Some(grafana) = &self.grafana else { return self.page(about) };
        let tier = match about {
            About::Tier | About::Check => concat!("var-tier=", label!("tier"), "&"),
            About::Tierwatch => "",
        };
        format!("{grafana}/d/{}?{tier}from=now-3h&to=now", board(alert))
    }
}
