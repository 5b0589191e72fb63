//! Whoever is called by an Alertmanager, and what it holds and mutes meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::routing::post;
use serde_json::Value;
use tierwatch::clock::Clock;
use tierwatch::output::pusher::HEARTBEAT;

use super::fired::{Fired, Spell};
use crate::support::alertmanager::{Alertmanager, Labels};
use crate::support::loopback::serve;

/// What is told, in minutes of the story once it has begun.
#[derive(Clone, Default)]
pub(super) struct OnCall {
    clock: Arc<OnceLock<Clock>>,
    told: Arc<Mutex<BTreeMap<Fired, Spell>>>,
}

impl OnCall {
    /// Serves on a free port; the address for an Alertmanager.
    pub(super) async fn serve(&self) -> String {
        let address = serve(Router::new().route("/", post(called)).with_state(self.clone())).await;
        format!("http://{address}/")
    }

    /// The story begins: what was told before is none of it.
    pub(super) fn begin(&self, clock: &Clock) {
        assert!(self.clock.set(clock.clone()).is_ok(), "a story begins once");
    }

    pub(super) fn told(&self) -> BTreeMap<Fired, Spell> {
        self.told.lock().expect("nobody panics with it").clone()
    }

    /// Alerts of this name that were told and are not over.
    pub(super) fn hears(&self, name: &str) -> BTreeMap<Fired, Spell> {
        let mut told = self.told();
        told.retain(|(alert, ..), spell| alert == name && spell.over.is_none());
        told
    }
}

async fn called(State(on_call): State<OnCall>, Json(body): Json<Value>) {
    let Some(clock) = on_call.clock.get() else { return };
    let minute = clock.now().mono.as_secs_f64() / 60.0;
    let mut told = on_call.told.lock().expect("nobody panics with it");
    for alert in body["alerts"].as_array().into_iter().flatten() {
        let labels: Labels = serde_json::from_value(alert["labels"].clone()).expect("labels are texts");
        if labels["alertname"] == HEARTBEAT {
            continue;
        }
        let (alert, over) = (gist(&labels), alert["status"] == "resolved");
        match told.get_mut(&alert) {
            // What began before the story is over in it.
            None if over => {}
            None => drop(told.insert(alert, Spell { from: minute, over: None, times: 1 })),
            Some(spell) if over => spell.over = Some(spell.over.unwrap_or(minute)),
            Some(spell) if spell.over.is_some() => {
                *spell = Spell { over: None, times: spell.times + 1, ..*spell };
            }
            Some(_) => {}
        }
    }
}

/// Name, tier, severity and what it is about, as the table of faults has it.
pub(super) fn gist(labels: &Labels) -> Fired {
    let of = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let about = ["check", "source", "speed"].iter().find_map(|name| labels.get(*name)).cloned().unwrap_or_default();
    (of("alertname"), of("tier"), of("severity"), about)
}

/// Every alert that an Alertmanager ever held, with the names of what muted it.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<Mutex<BTreeMap<Fired, BTreeSet<String>>>>);

impl Held {
    /// Looks twice a second, for ever.
    pub(super) async fn watch(self, alertmanager: Arc<Alertmanager>) {
        loop {
            self.look(&alertmanager).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    pub(super) async fn look(&self, alertmanager: &Alertmanager) {
        let now = alertmanager.alerts().await;
        let mut held = self.0.lock().expect("nobody panics with it");
        for alert in now.iter().filter(|alert| alert.labels["alertname"] != HEARTBEAT) {
            let muted_by = alert.muted_by.iter().map(|labels| labels["alertname"].clone());
            held.entry(gist(&alert.labels)).or_default().extend(muted_by);
        }
    }

    pub(super) fn all(&self) -> BTreeMap<Fired, BTreeSet<String>> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}
