//! The variables of every dashboard, the same in each so that links carry them along.

use serde_json::{Value, json};

use super::draw::datasource;
use super::query::DAEMON;
use crate::config::{Config, base};
use crate::metrics::catalogue as metrics;

/// What links outside of Grafana begin with.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    gitlab: String,
    tierwatch: String,
    runbooks: String,
}

impl Addresses {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            gitlab: base(&config.gitlab.url),
            tierwatch: base(&config.links.tierwatch),
            runbooks: config.links.runbooks_base(),
        }
    }
}

/// Scrape jobs with this in their name are tierwatch's, whatever a chart's release is called.
const ANY_JOB: &str = ".*tierwatch.*";

pub(super) fn variables(addresses: &Addresses) -> Value {
    let info = metrics::BUILD_INFO.name;
    json!([
        {
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
            "current": { "selected": true, "text": "default", "value": "default" },
            "includeAll": false, "multi": false, "refresh": 1, "regex": "", "skipUrlSync": false,
        },
        query("job", "Scrape job", ANY_JOB, false, &format!("label_values({info}, job)")),
        query("cluster", "Cluster", ".*", false, &format!("label_values({info}{{job=~\"$job\"}}, cluster)")),
        query("tier", "Tier", ".*", true, &format!("label_values({}{{{DAEMON}}}, tier)", metrics::TIER_INFO.name)),
        constant("gitlab", &addresses.gitlab),
        constant("tierwatch", &addresses.tierwatch),
        constant("runbooks", &addresses.runbooks),
    ])
}

fn query(name: &str, label: &str, all: &str, multi: bool, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "datasource": datasource(),
        "allValue": all, "includeAll": true, "multi": multi, "current": { "selected": true, "text": "All", "value": "$__all" },
        "hide": 0, "refresh": 2, "regex": "", "sort": 1, "skipUrlSync": false,
        "query": { "qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
    })
}

/// Not shown, and not carried along: each dashboard has the same.
fn constant(name: &str, value: &str) -> Value {
    json!({
        "name": name, "type": "constant", "query": value, "hide": 2, "skipUrlSync": true,
        "current": { "selected": false, "text": value, "value": value },
    })
}
