//! The alert set, read from its files: drift, and the points of the checklist that need no other program.
//!
//! A1, A3 to A8, A17, A18, A20, A22 and A25 need promtool, amtool, Prometheus or Alertmanager: `tests/real/`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "support/alerts.rs"]
mod alerts;
#[path = "rules/promql.rs"]
mod promql;
#[path = "rules/runbooks.rs"]
mod runbooks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alerts::{BURN, EXPECTED, On};
use tierwatch::condition::{ALERTS, Condition};
use tierwatch::config::Config;
use tierwatch::model::policy::Urgency;
use tierwatch::rules::{self, Form, Rule, groups};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn config(file: &str) -> Config {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    Config::from_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn three() -> Config {
    config("tests/rules/three.yaml")
}

/// One alerting rule, taken apart.
struct Alert {
    name: &'static str,
    expr: String,
    pending: Duration,
    keep: Option<Duration>,
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
}

fn all_alerts(config: &Config) -> Vec<Alert> {
    let rules = groups(config).into_iter().flat_map(|group| group.rules);
    let alert = |rule| match rule {
        Rule::Record { .. } => None,
        Rule::Alert { alert, expr, pending, keep_firing_for, labels, annotations } => Some(Alert {
            name: alert,
            expr,
            pending,
            keep: keep_firing_for,
            labels: labels.into_iter().collect(),
            annotations: annotations.into_iter().collect(),
        }),
    };
    rules.filter_map(alert).collect()
}

/// What `print rules` prints for the example is what is committed.
#[test]
fn the_committed_rules_are_those_of_the_example() {
    let example = config("deploy/tierwatch.example.yaml");
    for (file, form) in [("rules.yaml", Form::File), ("prometheusrule.yaml", Form::Crd)] {
        let path = root().join("alerts").join(file);
        let text = rules::print(&example, form);
        if std::env::var_os("TIERWATCH_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{} differs: TIERWATCH_BLESS=1 cargo test --test rules", path.display());
    }
}

/// A2 of the repository's own two forms: the same groups.
#[test]
fn both_forms_hold_the_same_groups() {
    let body = |form| {
        rules::print(&three(), form).lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
    };
    let (file, crd) = (body(Form::File), body(Form::Crd));
    let (_, spec) = crd.split_once("\nspec:\n").unwrap();
    let outdented: Vec<&str> = spec.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    assert_eq!(outdented.join("\n").trim_end(), file.trim_end());
}

#[test]
fn the_rows_are_those_of_the_design() {
    for row in ALERTS {
        let on = |on: &On| match on {
            On::Tier(name) | On::Own(name) => *name == row.condition.as_str(),
            On::GraveCheck | On::Check => row.condition == Condition::BoundaryMoved,
            On::Source | On::Sight => row.condition == Condition::SourceDown,
            On::Up => false,
        };
        let wanted = EXPECTED.iter().find(|wanted| {
            let minutes = Duration::from_secs(60 * wanted.pending);
            wanted.alert == row.name && on(&wanted.on) && minutes == row.pending
        });
        let wanted = wanted.unwrap_or_else(|| panic!("{} on {} is not as designed", row.name, row.condition));
        assert_eq!((row.kind.as_str(), row.depends_on.as_str()), (wanted.kind, wanted.depends_on), "{}", row.name);
        let severity = if row.condition.is_own() {
            [row.severity.own().as_str(), "", ""]
        } else {
            [Urgency::Page, Urgency::Ticket, Urgency::None]
                .map(|urgency| row.severity.of(urgency).map_or("", |severity| severity.as_str()))
        };
        // What a grave check is for a tier that pages somebody stands in the rules; the row is for the others.
        let grave = usize::from(wanted.on == On::GraveCheck);
        assert_eq!(severity[grave..], wanted.severity[grave..], "{}", row.name);
    }
    let judged: BTreeSet<Condition> = ALERTS.iter().map(|row| row.condition).collect();
    let missing: Vec<_> = Condition::ALL.iter().filter(|condition| !judged.contains(condition)).collect();
    assert!(missing.is_empty(), "no alert rests on {missing:?}");
}

/// A9.
#[test]
fn severities_are_few_and_critical_ones_have_a_reason() {
    // Not felt by users yet, and nobody would be told in time otherwise.
    let beside_symptoms = [
        ("RunnerTokenExpiring", "within two days the tier stops, and a weekend is as long"),
        ("TierBoundaryMoved", "whoever crosses a boundary does not wait for the morning"),
        ("TierwatchDown", "no symptom can be seen"),
        ("TierwatchSourceDown", "no symptom of the tier can be seen"),
        ("TierwatchTokenExpiring", "within two days no symptom can be seen"),
    ];
    let mut symptoms = BTreeSet::new();
    for alert in all_alerts(&three()) {
        let severity = alert.labels["severity"].as_str();
        assert!(["critical", "warning", "info"].contains(&severity), "{}: {severity}", alert.name);
        if severity == "critical" && alert.labels["alert_type"] == "symptom" {
            symptoms.insert(alert.name);
        } else if severity == "critical" {
            assert!(beside_symptoms.iter().any(|(name, _)| *name == alert.name), "{} wakes somebody", alert.name);
        }
    }
    assert!(symptoms.len() <= 8, "{symptoms:?}");
}

/// A10.
#[test]
fn every_alert_has_its_texts() {
    for alert in all_alerts(&three()) {
        for name in ["summary", "description", "runbook_url", "dashboard_url"] {
            let text = alert.annotations.get(name).unwrap_or_else(|| panic!("{} has no {name}", alert.name));
            assert!(!text.is_empty() && text.trim() == text, "{}: {name} {text:?}", alert.name);
        }
        let (summary, description) = (&alert.annotations["summary"], &alert.annotations["description"]);
        assert!(!summary.contains("$value") && !description.contains(summary.as_str()), "{}", alert.name);
        for link in ["runbook_url", "dashboard_url", "page_url"] {
            assert!(alert.annotations[link].starts_with("https://"), "{}: {link}", alert.name);
        }
    }
}

/// A13 and A14.
#[test]
fn every_alert_waits_and_ends_with_patience() {
    let config = three();
    let polls = 2 * config.gitlab.queue.interval.max(config.gitlab.runners_interval);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for alert in all_alerts(&config) {
        // What is latched for half an hour needs no patience.
        assert!(alert.pending > Duration::ZERO || alert.name == "TierJobsDropped", "{}", alert.name);
        if alert.expr.contains("absent(") {
            assert!(alert.pending >= minutes(5), "{}", alert.name);
        } else {
            assert!(alert.keep.is_some_and(|keep| keep >= polls), "{} ends with a single failed poll", alert.name);
        }
        let symptom = alert.labels["alert_type"] == "symptom";
        assert!(!(symptom && alert.labels["severity"] == "critical") || alert.pending <= minutes(15), "{}", alert.name);
    }
}

/// A19: a factor that cannot fire is not there, and no single job makes a page.
#[test]
fn the_arithmetic_of_the_start_budget() {
    let alerts = all_alerts(&three());
    let of = |tier: &str, window: &str| {
        let fits = |alert: &&Alert| {
            alert.labels.get("tier").is_some_and(|known| known == tier) && alert.labels["window"] == window
        };
        alerts.iter().filter(|alert| alert.name == BURN).find(fits).map(|alert| promql::numbers(&alert.expr))
    };
    // target 0.95: 14.4 × 0.05, 6 × 0.05, 3 × 0.05, 1 × 0.05; min_jobs is 20.
    assert_eq!(of("deployment", "1h"), Some(vec![0.72, 0.72, 20.0]));
    assert_eq!(of("deployment", "6h"), Some(vec![0.3, 0.3, 20.0]));
    assert_eq!(of("deployment", "1d"), Some(vec![0.15, 0.15, 21.0]));
    assert_eq!(of("deployment", "3d"), Some(vec![0.05, 0.05, 61.0]));
    // target 0.99: 3 bad starts are more than 14.4 % of 20 jobs, so 21 must have started.
    assert_eq!(of("standard", "1h"), Some(vec![0.144, 0.144, 21.0]));
    assert_eq!(of("standard", "6h"), Some(vec![0.06, 0.06, 51.0]));
    // target 0.8: 14.4 × 0.2 and 6 × 0.2 are more than all jobs. The tier is only shown.
    assert_eq!((of("sandbox", "1h"), of("sandbox", "6h")), (None, None));
    assert_eq!(of("sandbox", "1d"), Some(vec![0.6, 0.6, 20.0]));
}

/// A15, A16, A23 and A24.
#[test]
fn expressions_are_sound() {
    for file in ["tests/rules/three.yaml", "deploy/tierwatch.example.yaml", "tests/config/valid/full.yaml"] {
        let config = config(file);
        let recorded: BTreeSet<String> = groups(&config)
            .into_iter()
            .flat_map(|group| group.rules)
            .filter_map(|rule| if let Rule::Record { record, .. } = rule { Some(record) } else { None })
            .collect();
        for rule in groups(&config).into_iter().flat_map(|group| group.rules) {
            let (name, expr, is_alert) = match rule {
                Rule::Record { record, expr } => (record, expr, false),
                Rule::Alert { alert, expr, labels, .. } => {
                    assert!(labels.iter().all(|(_, value)| !value.contains("$value")), "{alert}: a value is no label");
                    (alert.to_owned(), expr, true)
                }
            };
            promql::judge(&name, &expr, is_alert, &recorded);
        }
        let mut seen = BTreeSet::new();
        for alert in all_alerts(&config) {
            assert!(seen.insert(alert.expr.clone()), "{}: two rules with one expression: {}", alert.name, alert.expr);
        }
    }
}

#[test]
fn a_tier_of_another_urgency_only_adds_rules() {
    let one =
        "gitlab: { url: https://gitlab.example.com, token_file: t }\ntiers: { a: { tags: [a], namespaces: [a] } }";
    let alerts = all_alerts(&Config::from_yaml(one).unwrap());
    assert!(alerts.iter().all(|alert| !alert.expr.contains("tierwatch_tier_info")), "one urgency needs no join");
    assert!(alerts.iter().all(|alert| alert.labels["severity"] != "critical" || alert.name.starts_with("Tierwatch")));
}
