//! The table of faults from end to end: the simulated platform, the daemon, Prometheus 3 with the rules, Alertmanager, and whoever is
//! called; beside it what the daemon pushes itself. Each scenario is held to `tests/faults.yaml` both ways, and to its truth.
//!
//! A minute of the story passes in a second, and the rules are scaled alike, for this test only. Without `SCENARIO` one scenario is
//! played; `SCENARIO=all` plays every one, one after the other.

#[path = "../support/fired.rs"]
mod fired;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Json, State};
use axum::routing::post;
use serde_json::Value;
use tierwatch::app::Daemon;
use tierwatch::clock::Clock;
use tierwatch::config::Config;
use tierwatch::demo::truth::{parse, render_table};
use tierwatch::demo::{Demo, scenario};
use tierwatch::output::pusher::HEARTBEAT;
use tierwatch::rules::{self, Form, Group, Rule};

use crate::support::alertmanager::{Alertmanager, Labels};
use crate::support::prometheus::{Prometheus, Version};
use crate::support::{free_ports, now, say};
use fired::Fired;

/// A minute of the story passes in a second.
const FAST: u32 = 60;

/// For a machine that is busy with something else.
const SLOW: u32 = 20;

/// What the daemon says may be as old as one poll.
const LAG: f64 = 20.0;

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
fn scaled(config: &Config, speed: u32) -> String {
    let mut groups: Vec<Group> = rules::groups(config);
    for rule in groups.iter_mut().flat_map(|group| &mut group.rules) {
        match rule {
            Rule::Record { expr, .. } => *expr = windows(expr, speed),
            Rule::Alert { expr, pending, keep_firing_for, .. } => {
                *expr = windows(expr, speed);
                *pending /= speed;
                *keep_firing_for = keep_firing_for.map(|keep| keep / speed);
            }
        }
    }
    rules::text(&groups, Form::File)
}

/// `[5m]` becomes `[5s]`.
fn windows(expr: &str, speed: u32) -> String {
    let units = [('m', 60), ('h', 3_600), ('d', 86_400)];
    let mut parts = expr.split('[');
    let mut scaled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (window, rest) = part.split_once(']').expect("a window is closed");
        let (number, unit) = window.split_at(window.len() - 1);
        let (_, seconds) = units.iter().find(|(name, _)| unit.starts_with(*name)).expect("a known unit");
        let number: u32 = number.parse().expect("a whole number");
        scaled.push_str(&format!("[{}s]{rest}", number * seconds / speed));
    }
    scaled
}

/// Name, tier, severity and what it is about, as the table of faults has it.
fn gist(labels: &Labels) -> Fired {
    let of = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let about = labels.get("check").or_else(|| labels.get("source")).cloned().unwrap_or_default();
    (of("alertname"), of("tier"), of("severity"), about)
}

/// The start budget and the daemon's death are Prometheus' alone (it looks before the daemon is there), the heartbeat the daemon's.
fn gists<'a>(labels: impl IntoIterator<Item = &'a Labels>) -> BTreeSet<Fired> {
    let alone = [HEARTBEAT, "TierStartBudgetBurn", "TierwatchDown"];
    labels.into_iter().map(gist).filter(|(name, ..)| !alone.contains(&name.as_str())).collect()
}

/// What came of a scenario.
struct Played {
    /// What differs from the table of faults, and from the truth.
    surprises: Vec<String>,
    fired: BTreeSet<Fired>,
    called: BTreeSet<Fired>,
    burnt: usize,
}

async fn play(name: &str, speed: u32) -> Played {
    let (by_rules, by_push) = (OnCall::default(), OnCall::default());
    let ruled = Alertmanager::start(&routing(&by_rules.serve().await)).await;
    let pushed = Alertmanager::start(&routing(&by_push.serve().await)).await;

    // Prometheus looks before there is anything to see: the story would be half over otherwise.
    let story = || scenario::find(name).expect("a known scenario");
    let seed = story().seed;
    let shown = Demo::start(story(), seed, Clock::system()).await.expect("the demo starts").config_yaml();
    let rules = scaled(&Config::from_yaml(&shown).expect("the demo's configuration is valid"), speed);
    let [port] = free_ports();
    let address = format!("127.0.0.1:{port}");
    let target = ruled.url.trim_start_matches("http://").to_owned();
    let prometheus = Prometheus::start_with(Version::Three, &address, Some((&rules, &target))).await;
    prometheus.tried().await;

    let beginning = jiff::Timestamp::from_second(now().as_second()).expect("it is now");
    let clock = Clock::simulated(beginning, f64::from(speed));
    let mut demo = Demo::start(story(), seed, clock.clone()).await.expect("the demo starts");
    let push = format!("alertmanager: {{ urls: ['{}'] }}\n", pushed.url);
    let yaml = demo.config_yaml() + &demo.webhook_yaml("127.0.0.1:0") + &push;
    let config = Config::from_yaml(&yaml).expect("the demo's configuration is valid");
    let daemon = Daemon::start(config, &address, clock).await.expect("the daemon starts");
    if let Some(address) = daemon.hooks_address() {
        demo.send_hooks(address);
    }
    let judged = tokio::spawn(fired::fired(daemon.judgements()));

    demo.finished().await;
    let page = format!("http://{address}/metrics");
    let said = reqwest::get(page).await.expect("the daemon answers").text().await.expect("it is text");
    let wrong: Vec<_> = demo.truth().compare(&parse(&said), LAG).into_iter().filter(|row| !row.equal).collect();
    let mut surprises: Vec<String> = if wrong.is_empty() { vec![] } else { vec![render_table(&wrong)] };

    let due = fired::due(name);
    let ever = prometheus.query("count_over_time(ALERTS{alertstate=\"firing\"}[30m])").await;
    let fired = gists(ever.iter().map(|(labels, _)| labels));
    differ("by the rules", &fired, &due, &mut surprises);
    let held = pushed.alerts().await;
    let told = by_push.told();
    let told_to_it = gists(held.iter().map(|(labels, _)| labels).chain(told.iter().map(|(labels, _)| labels)));
    differ("by the daemon itself", &told_to_it, &due, &mut surprises);
    daemon.stop().await;
    surprises.extend(fired::surprises(name, &judged.await.expect("the alerts were read")));

    let called: Vec<Labels> = by_rules.told().into_iter().map(|(labels, _)| labels).collect();
    let burnt = ever.iter().filter(|(labels, _)| labels["alertname"] == "TierStartBudgetBurn").count();
    Played { surprises, fired, called: gists(&called), burnt }
}

fn differ(how: &str, fired: &BTreeSet<Fired>, due: &BTreeSet<Fired>, surprises: &mut Vec<String>) {
    surprises.extend(fired.difference(due).map(|alert| format!("{alert:?} fired {how} and should not")));
    surprises.extend(due.difference(fired).map(|alert| format!("{alert:?} did not fire {how}")));
}

fn chosen() -> Vec<String> {
    match std::env::var("SCENARIO").as_deref() {
        Ok("all") => fired::table().into_keys().collect(),
        Ok(name) => vec![name.to_owned()],
        Err(_) => vec!["deployment-runners-offline".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_fires_what_it_should_both_ways() {
    for name in chosen() {
        let mut played = play(&name, FAST).await;
        if !played.surprises.is_empty() {
            say(&format!("{name} at speed {FAST}:\n{}\ntrying again at speed {SLOW}", played.surprises.join("\n")));
            played = play(&name, SLOW).await;
        }
        assert!(played.surprises.is_empty(), "\n{name}:\n{}", played.surprises.join("\n"));
        let list = |alerts: &BTreeSet<Fired>| {
            let line = |(alert, tier, severity, about): &Fired| format!("\n    {alert} {tier} {about} ({severity})");
            alerts.iter().map(line).collect::<String>()
        };
        let Played { fired, called, burnt, .. } = played;
        let (all, told) = (list(&fired), called.len());
        say(&format!("{name}: {} fired, {told} told, {burnt} burn rates{all}", fired.len()));
    }
}
