//! Real Prometheus servers that scrape one `/metrics`, and promtool.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::folder::Folder;
use super::process::Process;
use super::{free_ports, parts, until};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Prometheus 3, the current one.
    Three,
    /// Debian 12's 2.42, the oldest that anybody should still run.
    Two,
}

/// A running server with the one target `tierwatch`, scraped each second.
#[derive(Debug)]
pub(crate) struct Prometheus {
    url: String,
    process: Process,
    _folder: Folder,
    http: reqwest::Client,
}

/// What the server knows about a family from its scrapes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Metadata {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: String,
}

impl Prometheus {
    /// Starts the server and waits until it is ready (not until it has scraped: see [`Prometheus::scraped`]).
    ///
    /// `target` is host and port; `/metrics` is what is read there.
    pub(crate) async fn start(version: Version, target: &str) -> Self {
        Self::start_with(version, target, None).await
    }

    /// As [`Prometheus::start`], with rules that are evaluated each second and an Alertmanager (host and port) that is told.
    pub(crate) async fn start_with(version: Version, target: &str, rules: Option<(&str, &str)>) -> Self {
        let folder = Folder::new("prometheus");
        let [port] = free_ports();
        let mut job = json!({
            "job_name": "tierwatch",
            "static_configs": [{ "targets": [target] }],
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
        });
        let mut args = vec![
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let program = match version {
            Version::Three => {
                job["scrape_native_histograms"] = true.into();
                parts::prometheus_3()
            }
            Version::Two => {
                args.push("--enable-feature=native-histograms,exemplar-storage".to_owned());
                parts::prometheus_2()
            }
        };
        if version == Version::Three {
            args.push("--enable-feature=exemplar-storage".to_owned());
        }
        let mut config = json!({ "scrape_configs": [job] });
        if let Some((rules, alertmanager)) = rules {
            fs::write(folder.join("rules.yml"), rules).expect("the temp folder takes a file");
            config["global"] = json!({ "evaluation_interval": "1s" });
            config["rule_files"] = json!(["rules.yml"]);
            config["alerting"] = json!({ "alertmanagers": [{ "static_configs": [{ "targets": [alertmanager] }] }] });
        }
        fs::write(folder.join("prometheus.yml"), config.to_string()).expect("the temp folder takes a file");
        let mut process = Process::start("prometheus", &program, args, folder.path());
        let http = reqwest::Client::new();
        let url = format!("http://127.0.0.1:{port}");
        until("the readiness of Prometheus", async || {
            if let Some(status) = process.ended() {
                panic!("prometheus ended with {status}:\n{}", process.last_words());
            }
            let answer = http.get(format!("{url}/-/ready")).send().await.map_err(|e| e.to_string())?;
            answer.error_for_status().map(drop).map_err(|e| e.to_string())
        })
        .await;
        Self { url, process, _folder: folder, http }
    }

    /// Waits for the first good scrape; a scrape that fails says why in the panic.
    pub(crate) async fn scraped(&self) {
        until("a good scrape", async || {
            let targets = self.get("/api/v1/targets", &[]).await?;
            let target = &targets["activeTargets"][0];
            if target["health"] == "up" { Ok(()) } else { Err(target["lastError"].to_string()) }
        })
        .await;
    }

    /// Waits for the first scrape, good or bad: its service discovery takes five seconds to begin.
    pub(crate) async fn tried(&self) {
        until("a first scrape", async || {
            let targets = self.get("/api/v1/targets", &[]).await?;
            let last = targets["activeTargets"][0]["lastScrape"].as_str().unwrap_or_default().to_owned();
            if last.is_empty() || last.starts_with("0001") { Err(last) } else { Ok(()) }
        })
        .await;
    }

    /// An instant query: the label sets, without the name, and their values. Native histograms have none and are left out.
    pub(crate) async fn query(&self, query: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let answer =
            self.get("/api/v1/query", &[("query", query)]).await.unwrap_or_else(|e| panic!("query {query}: {e}"));
        let rows = answer["result"].as_array().unwrap_or_else(|| panic!("query {query}: no vector in {answer}"));
        rows.iter()
            .filter_map(|row| {
                let value = row["value"][1].as_str()?.parse().ok()?;
                let labels = row["metric"].as_object()?.iter();
                let labels = labels
                    .filter(|(name, _)| *name != "__name__")
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
                Some((labels.collect(), value))
            })
            .collect()
    }

    /// The one value of a query that must have exactly one, once it has.
    pub(crate) async fn value(&self, query: &str) -> f64 {
        until(&format!("one answer to {query}"), async || match self.query(query).await[..] {
            [(_, value)] => Ok(value),
            ref rows => Err(format!("{} rows", rows.len())),
        })
        .await
    }

    /// What it knows of each family.
    pub(crate) async fn metadata(&self) -> BTreeMap<String, Metadata> {
        let answer =
            self.get("/api/v1/targets/metadata", &[]).await.unwrap_or_else(|e| panic!("reading metadata: {e}"));
        let rows = answer.as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .map(|row| {
                let name = row["metric"].as_str().unwrap_or_default().to_owned();
                (name, serde_json::from_value(row).expect("Prometheus tells type, help and unit"))
            })
            .collect()
    }

    /// Any GET of its API: the `data` of the answer.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = url::Url::parse(&format!("{}{path}", self.url)).map_err(|e| e.to_string())?;
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.http.get(url).send().await.map_err(|e| e.to_string())?;
        let mut body: Value = answer.json().await.map_err(|e| e.to_string())?;
        if body["status"] == "success" { Ok(body["data"].take()) } else { Err(body["error"].to_string()) }
    }

    /// What it wrote last, for a message.
    pub(crate) fn last_words(&self) -> String {
        self.process.last_words()
    }
}

/// `promtool check metrics` on text in the format 0.0.4; the complaints, none when it is clean.
///
/// promtool reads that format only: OpenMetrics text is an error to it.
pub(crate) fn check_metrics(text: &str) -> Result<(), String> {
    promtool(&["check", "metrics"], text)
}

/// Any promtool command, with `input` on its standard input.
pub(crate) fn promtool(args: &[&str], input: &str) -> Result<(), String> {
    let program: PathBuf = parts::promtool();
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("starting promtool: {e}"))?;
    let mut stdin = child.stdin.take().ok_or("promtool has no standard input")?;
    let input = input.to_owned();
    // Its complaints may fill their pipe before it has read all.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|e| format!("waiting for promtool: {e}"))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
    writer
        .join()
        .map_err(|_| "writing to promtool panicked".to_owned())?
        .map_err(|e| format!("writing to promtool: {e}; {said}"))?;
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(format!("{}: {said}", output.status)) }
}
