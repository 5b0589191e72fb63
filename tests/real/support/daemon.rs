//! The program itself, as users run it: a process with a config file, read over HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::header;
use serde_json::Value;

use super::folder::Folder;
use super::process::Process;
use super::{PATIENCE, free_ports, until, until_within};

/// A running `tierwatch run`.
#[derive(Debug)]
pub(crate) struct Daemon {
    address: String,
    process: Process,
    _folder: Folder,
    http: reqwest::Client,
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_tierwatch"))
}

/// What one run of the program with this config prints: `["print", "rbac"]`, say.
pub(crate) fn print(args: &[&str], config: &str) -> String {
    let (code, out, err) = run(args, config);
    assert_eq!(code, Some(0), "tierwatch {args:?}: {err}");
    out
}

/// One run of the program with this config: its exit code, and what it wrote to stdout and stderr.
pub(crate) fn run(args: &[&str], config: &str) -> (Option<i32>, String, String) {
    let folder = Folder::new("print");
    let file = write(&folder, config);
    let output = Command::new(program()).args(args).arg("--config.file").arg(file).output().expect("tierwatch runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("tierwatch prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn write(folder: &Folder, config: &str) -> PathBuf {
    let file = folder.join("tierwatch.yaml");
    fs::write(&file, config).unwrap_or_else(|e| panic!("writing {}: {e}", file.display()));
    file
}

impl Daemon {
    /// Starts it and waits until it is alive (not until it has seen anything).
    pub(crate) async fn start(config: &str) -> Self {
        let [port] = free_ports();
        Self::start_at(&format!("127.0.0.1:{port}"), config).await
    }

    /// As [`Daemon::start`], at an address that is free. Dropping it kills it (SIGKILL).
    pub(crate) async fn start_at(address: &str, config: &str) -> Self {
        let folder = Folder::new("daemon");
        let file = write(&folder, config);
        let address = address.to_owned();
        let args = [
            "run".to_owned(),
            format!("--config.file={}", file.display()),
            format!("--web.listen-address={address}"),
            "--log.level=debug".to_owned(),
        ];
        let process = Process::start("tierwatch", program(), args, folder.path());
        // A daemon that was paused closes its idle connections when it goes on, maybe under a request of ours.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client of nothing special");
        let mut daemon = Self { address, process, _folder: folder, http };
        until("the first sign of life of tierwatch", async || {
            if let Some(status) = daemon.process.ended() {
                panic!("tierwatch ended with {status}:\n{}", daemon.process.last_words());
            }
            daemon.get("/livez", "*/*").await
        })
        .await;
        daemon
    }

    /// Host and port, as a scrape target.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Everything it logged.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The metrics, as text 0.0.4.
    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics", "text/plain;version=0.0.4")
            .await
            .unwrap_or_else(|e| panic!("{e}; {}", self.process.last_words()))
    }

    /// A page of the JSON API: `tiers`, `sources`.
    pub(crate) async fn api(&self, page: &str) -> Value {
        let text = self.get(&format!("/api/v1/{page}"), "application/json").await;
        let text = text.unwrap_or_else(|e| panic!("{e}; {}", self.process.last_words()));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("/api/v1/{page}: {e}: {text}"))
    }

    /// The value of one series, written as in the text format; nothing when there is no such series.
    pub(crate) async fn value(&self, series: &str) -> Option<f64> {
        let text = self.metrics().await;
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until the series has that value; the failure shows the whole family.
    pub(crate) async fn shows(&self, series: &str, wanted: f64) {
        self.shows_within(PATIENCE, series, wanted).await;
    }

    /// As [`Daemon::shows`], for what the daemon takes its time over.
    pub(crate) async fn shows_within(&self, patience: Duration, series: &str, wanted: f64) {
        let family = series.split('{').next().unwrap_or(series).to_owned();
        until_within(patience, &format!("{series} = {wanted}"), async || {
            let text = self.metrics().await;
            let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse::<f64>().ok());
            if value == Some(wanted) {
                return Ok(());
            }
            Err(text.lines().filter(|line| line.starts_with(&family)).map(|line| format!("\n  {line}")).collect())
        })
        .await;
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// SIGTERM, and the exit status.
    pub(crate) async fn stop(mut self) -> std::process::ExitStatus {
        self.process.stop().await
    }

    async fn get(&self, path: &str, accept: &str) -> Result<String, String> {
        let request = self.http.get(format!("http://{}{path}", self.address)).header(header::ACCEPT, accept);
        let answer = request.send().await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let body = answer.text().await.map_err(|e| e.to_string())?;
        if status.is_success() { Ok(body) } else { Err(format!("{path}: {status}: {body}")) }
    }
}
