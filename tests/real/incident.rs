//! One incident from end to end and both ways: the simulated platform, the daemon, Prometheus 3 with the rules, Alertmanager,
//! and whoever is called; beside it what the daemon pushes itself.
//!
//! A minute of the story passes in a second. The rules are scaled alike, for this test only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::routing::post;
use serde_json::Value;
use tierwatch::app::Daemon;
use tierwatch::clock::Clock;
use tierwatch::config::Config;
use tierwatch::demo::{Demo, scenario};
use tierwatch::output::pusher::HEARTBEAT;
use tierwatch::rules::{self, Form, Group, Rule};

use crate::support::alertmanager::{Alertmanager, Labels};
use crate::support::prometheus::{Prometheus, Version};
use crate::support::{now, say, until};

const SPEED: u32 = 60;

/// What is told to whoever is on call: labels and whether it is over.
#[derive(Clone, Default)]
struct OnCall(Arc<Mutex<Vec<(Labels, bool)>>>);

impl OnCall {
    /// Serves on a free port; the address for an Alertmanager.
    async fn serve(&self) -> String {
        let app = Router::new().route("/", post(called)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/")
    }

    fn told(&self) -> Vec<(Labels, bool)> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

async fn called(State(on_call): State<OnCall>, Json(body): Json<Value>) {
    let mut told = on_call.0.lock().expect("nobody panics with it");
    for alert in body["alerts"].as_array().into_iter().flatten() {
        let labels = serde_json::from_value(alert["labels"].clone()).expect("labels are texts");
        told.push((labels, alert["status"] == "resolved"));
    }
}

/// The example's inhibition, everything told at once, one receiver.
fn routing(receiver: &str) -> String {
    let example = include_str!("../../alerts/alertmanager.yaml");
    let (_, rest) = example.split_once("inhibit_rules:").expect("the example inhibits");
    let (inhibition, _) = rest.split_once("\nreceivers:").expect("the example has receivers");
    format!(
        "route: {{ receiver: on-call, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }}\n\
         receivers: [{{ name: on-call, webhook_configs: [{{ url: '{receiver}' }}] }}]\ninhibit_rules:{inhibition}\n"
    )
}

/// The rules for a clock that is faster.
fn scaled(config: &Config) -> String {
    let mut groups: Vec<Group> = rules::groups(config);
    for rule in groups.iter_mut().flat_map(|group| &mut group.rules) {
        match rule {
            Rule::Record { expr, .. } => *expr = windows(expr),
            Rule::Alert { expr, pending, keep_firing_for, .. } => {
                *expr = windows(expr);
                *pending /= SPEED;
                *keep_firing_for = keep_firing_for.map(|keep| keep / SPEED);
            }
        }
    }
    rules::text(&groups, Form::File)
}

/// `[5m]` becomes `[5s]`.
fn windows(expr: &str) -> String {
    let units = [('m', 60), ('h', 3_600), ('d', 86_400)];
    let mut parts = expr.split('[');
    let mut scaled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (window, rest) = part.split_once(']').expect("a window is closed");
        let (number, unit) = window.split_at(window.len() - 1);
        let (_, seconds) = units.iter().find(|(name, _)| unit.starts_with(*name)).expect("a known unit");
        let number: u32 = number.parse().expect("a whole number");
        scaled.push_str(&format!("[{}s]{rest}", number * seconds / SPEED));
    }
    scaled
}

/// Name, tier and severity, which the table of faults knows.
fn gist(labels: &Labels) -> (String, String, String) {
    let of = |name: &str| labels.get(name).cloned().unwrap_or_default();
    (of("alertname"), of("tier"), of("severity"))
}

fn gists<'a>(labels: impl IntoIterator<Item = &'a Labels>) -> BTreeSet<(String, String, String)> {
    labels.into_iter().map(gist).filter(|(name, _, _)| name != HEARTBEAT && name != "TierStartBudgetBurn").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_incident_both_ways() {
    let (by_rules, by_push) = (OnCall::default(), OnCall::default());
    let ruled = Alertmanager::start(&routing(&by_rules.serve().await)).await;
    let pushed = Alertmanager::start(&routing(&by_push.serve().await)).await;

    let scenario = scenario::find("deployment-runners-offline").expect("a known scenario");
    let seed = scenario.seed;
    let clock = Clock::simulated(now(), f64::from(SPEED));
    let demo = Demo::start(scenario, seed, clock.clone()).await.expect("the demo starts");
    let rules = scaled(&Config::from_yaml(&demo.config_yaml()).expect("the demo's configuration is valid"));
    let push = format!("alertmanager: {{ urls: ['{}'] }}\n", pushed.url);
    let config = Config::from_yaml(&(demo.config_yaml() + &push)).expect("the demo's configuration is valid");
    let daemon = Daemon::start(config, "127.0.0.1:0", clock).await.expect("the daemon starts");
    let target = ruled.url.trim_start_matches("http://").to_owned();
    let prometheus =
        Prometheus::start_with(Version::Three, &daemon.address().to_string(), Some((&rules, &target))).await;

    demo.finished().await;
    until("the end of the alerts", async || {
        let firing = prometheus.query("ALERTS{alertstate=\"firing\",alertname!=\"TierStartBudgetBurn\"}").await;
        if firing.is_empty() { Ok(()) } else { Err(format!("{firing:?}")) }
    })
    .await;

    let expected: BTreeSet<_> = ["TierDown", "TierJobsOverdue", "TierQueueStalled"]
        .map(|alert| (alert.to_owned(), "deployment".to_owned(), "critical".to_owned()))
        .into();
    let fired = prometheus.query("count_over_time(ALERTS{alertstate=\"firing\"}[10m])").await;
    let fired: BTreeSet<_> = gists(fired.iter().map(|(labels, _)| labels));
    assert_eq!(fired, expected, "by the rules");
    let held = pushed.alerts().await;
    let told_to_it: Vec<Labels> = held
        .into_iter()
        .map(|(labels, _)| labels)
        .chain(by_push.told().into_iter().map(|(labels, _)| labels))
        .collect();
    assert_eq!(gists(&told_to_it), expected, "by the daemon itself");

    // Without a manager nothing starts: that is the one thing that somebody is called for.
    until("the resolution", async || {
        let resolved = by_rules.told().into_iter().any(|(labels, over)| over && labels["alertname"] == "TierDown");
        if resolved { Ok(()) } else { Err(format!("{:?}", by_rules.told())) }
    })
    .await;
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for (labels, _) in by_rules.told().iter().filter(|(_, over)| !over) {
        *calls.entry(labels["alertname"].clone()).or_default() += 1;
    }
    assert_eq!(calls.get("TierDown"), Some(&1), "{calls:?}");
    assert!(by_push.told().iter().any(|(labels, _)| labels["alertname"] == HEARTBEAT));
    say(&format!("one incident, both ways: fired {fired:?}; somebody was called for {calls:?}"));
    daemon.stop().await;
    tokio::time::timeout(Duration::from_secs(30), async { drop((prometheus, ruled, pushed)) }).await.expect("they end");
}
