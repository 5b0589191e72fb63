//! Where a value leads. Only bounded labels stand in an address: a tier, a runner's id, an alert's name.

use serde_json::{Value, json};

/// A data link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// The dashboard of the tier in the column `Tier`.
    TierOfRow,
    /// The dashboard of the tier that a series is of.
    TierOfSeries,
    /// The runner in GitLab.
    Runner,
    /// The runbook of the alert in the column `Alert`.
    Runbook,
    /// The tier's boundary on the daemon's own page.
    Boundary,
}

/// What every link within Grafana keeps: data source, daemon and time.
const KEPT: &str = "${datasource:queryparam}&${job:queryparam}&${cluster:queryparam}&${__url_time_range}";

impl Link {
    /// As Grafana writes it. Grafana encodes what it fills in.
    pub(super) fn json(self) -> Value {
        let tier = |name: &str| format!("/d/tierwatch-tier?{KEPT}&var-tier=${{{name}}}");
        let (title, url) = match self {
            Self::TierOfRow => ("This tier", tier("__data.fields.Tier")),
            Self::TierOfSeries => ("This tier", tier("__field.labels.tier")),
            Self::Runner => ("Runner in GitLab", "${gitlab}/admin/runners/${__data.fields.Runner}".to_owned()),
            Self::Runbook => ("Runbook", "${runbooks}/${__data.fields.Alert}".to_owned()),
            Self::Boundary => (
                "What is really there",
                "${tierwatch}/boundaries#${__data.fields.Tier}-${__data.fields.Check}".to_owned(),
            ),
        };
        // What leaves Grafana does not replace the dashboard.
        json!({ "title": title, "url": url, "targetBlank": !url.starts_with('/') })
    }
}
