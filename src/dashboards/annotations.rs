//! What happened, drawn over every graph.

use serde_json::{Value, json};

use super::colour::Colour;
use super::draw::datasource;
use super::query::{DAEMON, of, recorded};
use crate::metrics::catalogue as metrics;

/// Who has been there all along is nothing new.
const LATELY: &str = "5m";

pub(super) fn annotations() -> Value {
    let started = format!("1000 * max by (job, instance) ({})", of(metrics::PROCESS_START_TIME, ""));
    let runners = of(metrics::RUNNER_INFO, "");
    let each = "max by (tier, runner_id, short_sha)";
    // Only where runners were known before: else every one of them would be new after a restart.
    let new_tokens = format!(
        "{each} ({runners})\nunless {each} ({runners} offset {LATELY})\nand on (tier) max by (tier) ({runners} offset {LATELY})"
    );
    let versions = "count by (version) (gitlab_runner_version_info{cluster=~\"$cluster\"})";
    let earlier = "count by (version) (gitlab_runner_version_info{cluster=~\"$cluster\"} offset 5m)";
    let new_versions = format!("{versions}\nunless {earlier}\nand on () count({earlier})");
    let releases = format!("count by (version) ({}{{{DAEMON}}})", metrics::BUILD_INFO.name);
    let earlier = format!("count by (version) ({}{{{DAEMON}}} offset {LATELY})", metrics::BUILD_INFO.name);
    let new_releases = format!("{releases}\nunless {earlier}\nand on () count({earlier})");
    json!({ "list": [
        {
            "builtIn": 1, "datasource": { "type": "grafana", "uid": "-- Grafana --" }, "enable": true, "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard",
        },
        drawn("Alerts that fire", &recorded("ALERTS", r#"alertstate="firing",alertname=~"Tier.*|JobsUnserved|RunnerToken.*""#), Colour::Red, "{{alertname}}", "{{severity}}: tier {{tier}}", "tier,severity", false),
        drawn("tierwatch started", &started, Colour::Blue, "tierwatch started", "With its configuration read anew. {{instance}}", "", true),
        drawn("New tierwatch release", &new_releases, Colour::Blue, "tierwatch {{version}}", "Another release runs.", "version", false),
        drawn("New runner or token", &new_tokens, Colour::Orange, "Runner {{runner_id}}", "A new runner, or a runner with a new token: {{short_sha}}", "tier", false),
        drawn("New GitLab Runner version", &new_versions, Colour::Orange, "GitLab Runner {{version}}", "Another version runs; told by the runners' own metrics, where Prometheus has them.", "version", false),
    ]})
}

fn drawn(name: &str, expr: &str, colour: Colour, title: &str, text: &str, tags: &str, value_is_time: bool) -> Value {
    json!({
        "name": name, "datasource": datasource(), "enable": true, "hide": false, "iconColor": colour.as_str(),
        "target": { "expr": expr, "interval": "", "refId": "Anno" },
        "titleFormat": title, "textFormat": text, "tagKeys": tags,
        // The value is the moment itself.
        "useValueForTime": if value_is_time { "on" } else { "off" },
    })
}
