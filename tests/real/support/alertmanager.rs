//! A real Alertmanager, its API, and who it tells.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::folder::Folder;
use super::process::Process;
use super::{free_ports, parts, until};

/// A running Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    pub(crate) url: String,
    process: Process,
    _folder: Folder,
    http: reqwest::Client,
}

/// The labels of an alert.
pub(crate) type Labels = BTreeMap<String, String>;

/// An alert that it holds, and those that mute it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) labels: Labels,
    pub(crate) muted_by: Vec<Labels>,
}

impl Alertmanager {
    /// Starts one with this configuration and waits until it is ready.
    pub(crate) async fn start(config: &str) -> Self {
        let folder = Folder::new("alertmanager");
        fs::write(folder.join("alertmanager.yml"), config).expect("the folder takes a file");
        let [port] = free_ports();
        let args = [
            format!("--config.file={}", folder.join("alertmanager.yml").display()),
            format!("--storage.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=".to_owned(),
        ];
        let mut process = Process::start("alertmanager", &parts::alertmanager(), args.to_vec(), folder.path());
        let http = reqwest::Client::new();
        let url = format!("http://127.0.0.1:{port}");
        until("the readiness of Alertmanager", async || {
            if let Some(status) = process.ended() {
                panic!("alertmanager ended with {status}:\n{}", process.last_words());
            }
            let answer = http.get(format!("{url}/-/ready")).send().await.map_err(|e| e.to_string())?;
            answer.error_for_status().map(drop).map_err(|e| e.to_string())
        })
        .await;
        Self { url, process, _folder: folder, http }
    }

    /// Tells it of alerts, as Prometheus would.
    pub(crate) async fn tell(&self, alerts: &[Labels]) {
        let body: Vec<Value> = alerts.iter().map(|labels| json!({ "labels": labels })).collect();
        let sent = self.http.post(format!("{}/api/v2/alerts", self.url)).json(&body).send().await;
        let answer = sent.expect("Alertmanager answers");
        assert!(answer.status().is_success(), "{}: {}", answer.status(), self.process.last_words());
    }

    /// Every alert it holds.
    pub(crate) async fn alerts(&self) -> Vec<Held> {
        let answer = self.http.get(format!("{}/api/v2/alerts", self.url)).send().await.expect("Alertmanager answers");
        let alerts: Vec<Value> = answer.json().await.expect("its answer is JSON");
        let labels =
            |alert: &Value| -> Labels { serde_json::from_value(alert["labels"].clone()).expect("labels are texts") };
        let named = |fingerprint: &Value| {
            let muting = alerts.iter().find(|alert| alert["fingerprint"] == *fingerprint);
            // What ended between two looks of its own is not shown any more.
            muting.map(labels)
        };
        let held = |alert: &Value| {
            let by = alert["status"]["inhibitedBy"].as_array().into_iter().flatten();
            Held { labels: labels(alert), muted_by: by.filter_map(named).collect() }
        };
        alerts.iter().map(held).collect()
    }
}

/// amtool in a folder with this configuration as `alertmanager.yml`; what it said.
pub(crate) fn amtool(config: &str, args: &[&str]) -> Result<String, String> {
    let folder = Folder::new("amtool");
    fs::write(folder.join("alertmanager.yml"), config).expect("the folder takes a file");
    let output = Command::new(parts::amtool()).args(args).current_dir(folder.path()).output().expect("amtool runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}
