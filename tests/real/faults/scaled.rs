//! What stands between a story's fast clock and servers on ours: the rules with shorter times, the example's inhibition, and a relay
//! that tells Alertmanager our times. All for this test only.

use axum::Router;
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tierwatch::config::Config;
use tierwatch::rules::{self, Form, Group, Rule};

use crate::support::loopback::serve;

/// The rules with every time divided by `speed`.
pub(super) fn rules(config: &Config, speed: u32) -> String {
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

/// `[5m]` becomes `[5s]`, `[1h:5m]` becomes `[60s:5s]`.
fn windows(expr: &str, speed: u32) -> String {
    let units = [('m', 60), ('h', 3_600), ('d', 86_400)];
    let mut parts = expr.split('[');
    let mut scaled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (window, rest) = part.split_once(']').expect("a window is closed");
        let seconds = |time: &str| {
            let (number, unit) = time.split_at(time.len() - 1);
            let (_, seconds) = units.iter().find(|(name, _)| unit.starts_with(*name)).expect("a known unit");
            let number: u32 = number.parse().expect("a whole number");
            format!("{}s", number * seconds / speed)
        };
        // A subquery has a step, too.
        let times: Vec<String> = window.split(':').map(seconds).collect();
        scaled.push_str(&format!("[{}]{rest}", times.join(":")));
    }
    scaled
}

/// The example's inhibition, each alert told by itself, one receiver. The short wait is what keeps an alert from being told before
/// what mutes it where both begin at once: the example waits for longer.
pub(super) fn routing(receiver: &str) -> String {
    let example = include_str!("../../../alerts/alertmanager.yaml");
    let (_, rest) = example.split_once("inhibit_rules:").expect("the example inhibits");
    let (inhibition, _) = rest.split_once("\nreceivers:").expect("the example has receivers");
    format!(
        "route: {{ receiver: on-call, group_by: ['...'], group_wait: 1s, group_interval: 1s, repeat_interval: 1h }}\n\
         receivers: [{{ name: on-call, webhook_configs: [{{ url: '{receiver}' }}] }}]\ninhibit_rules:{inhibition}\n"
    )
}

/// Between the daemon and an Alertmanager.
#[derive(Clone)]
struct Relay {
    client: reqwest::Client,
    to: String,
    /// When both clocks showed the same.
    began: Timestamp,
    speed: f64,
}

/// Where the daemon pushes to: the Alertmanager hears the same with the times that it is on our clock.
pub(super) async fn relay(alertmanager: &str, began: Timestamp, speed: u32) -> String {
    let to = format!("{alertmanager}/api/v2/alerts");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client of nothing special");
    let relay = Relay { client, to, began, speed: f64::from(speed) };
    let address = serve(Router::new().route("/api/v2/alerts", post(pass_on)).with_state(relay)).await;
    format!("http://{address}")
}

async fn pass_on(State(relay): State<Relay>, Json(mut alerts): Json<Value>) -> (StatusCode, String) {
    for alert in alerts.as_array_mut().into_iter().flatten() {
        for key in ["startsAt", "endsAt"] {
            let told: Timestamp = alert[key].as_str().expect("a pushed alert has both").parse().expect("RFC 3339");
            let ours = told.duration_since(relay.began).as_secs_f64() / relay.speed;
            alert[key] = Value::from((relay.began + SignedDuration::from_secs_f64(ours)).to_string());
        }
    }
    match relay.client.post(&relay.to).json(&alerts).send().await {
        Ok(answer) => (answer.status(), answer.text().await.unwrap_or_default()),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
    }
}
