//! Dashboards for Grafana, made of the catalogue, the alerts and the limits of the configuration.
//!
//! A metric's name, labels and unit are the catalogue's, a limit is the configuration's, an alert's text its own row's; what
//! stands here is which question is asked where, and how its answer looks. Pure: a configuration in, JSON out.

mod annotations;
mod board;
mod colour;
mod draw;
mod limits;
mod link;
mod panel;
mod panels;
mod query;
mod unit;
mod variables;
mod views;

pub use board::{INCIDENT_TAG, SCHEMA_VERSION, TAG};

use serde_json::{Value, json};

use crate::config::Config;

/// A dashboard as Grafana imports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// Its name in addresses, also that of its file.
    pub uid: String,
    /// Grafana's classic JSON.
    pub json: Value,
}

impl Dashboard {
    /// The text of its file.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", self.json)
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.json", self.uid)
    }
}

/// In which form dashboards are written to one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One array of all.
    Json,
    /// A Kubernetes List of ConfigMaps, one for each, with the label that Grafana's sidecar looks for.
    ConfigMaps,
}

/// Every dashboard for this configuration.
#[must_use]
pub fn all(config: &Config) -> Vec<Dashboard> {
    let addresses = variables::Addresses::new(config);
    let boards = views::all(&limits::Limits::of(config));
    boards.into_iter().map(|board| Dashboard { json: board.json(&addresses), uid: board.uid }).collect()
}

/// The dashboards of this configuration as one text.
#[must_use]
pub fn print(config: &Config, form: Form) -> String {
    let all = all(config);
    let whole = match form {
        Form::Json => Value::Array(all.into_iter().map(|dashboard| dashboard.json).collect()),
        Form::ConfigMaps => {
            json!({ "apiVersion": "v1", "kind": "List", "items": all.iter().map(config_map).collect::<Vec<_>>() })
        }
    };
    format!("{whole:#}\n")
}

fn config_map(dashboard: &Dashboard) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": dashboard.uid,
            "labels": { "app.kubernetes.io/name": "tierwatch", "grafana_dashboard": "1" },
        },
        "data": { dashboard.file_name(): dashboard.text() },
    })
}
