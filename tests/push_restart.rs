//! The daemon as a process that only pushes: nobody scrapes it, it is killed, and whoever is on call notices nothing.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod demo_support;
#[path = "support/loopback.rs"]
mod loopback;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use demo_support::{Asker, client};
use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};
use tierwatch::output::pusher::HEARTBEAT;

/// A start on loopback takes a second; this is for a machine that is busy with something else.
const PATIENCE: u32 = 600;

const HOOK_SECRET: &str = "CANARY-secret-of-the-hook";

struct Running(Child);

impl Running {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tierwatch"));
        command.args(["run", "--web.listen-address", "127.0.0.1:0", "--config.file"]).arg(config);
        Self(command.env_remove("RUST_LOG").spawn().unwrap())
    }
}

impl Drop for Running {
    /// SIGKILL: nobody is asked to end well.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything an Alertmanager was told, a body for each time.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Value>>>);

async fn take(State(told): State<Told>, Json(body): Json<Value>) {
    told.0.lock().unwrap().push(body);
}

impl Told {
    async fn serve(&self) -> String {
        let app = Router::new().route("/api/v2/alerts", post(take)).with_state(self.clone());
        format!("http://{}", loopback::serve(app).await)
    }

    fn times(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The dropped job's alert in each body from the given one on: since when, and until when.
    fn of_the_dropped_job(&self, from: usize) -> Vec<Option<(String, String)>> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = |body: &Value| {
            let mut alerts = body.as_array().unwrap().iter();
            let alert = alerts.find(|alert| alert["labels"]["alertname"] == "TierJobsDropped")?;
            Some((text(&alert["startsAt"]), text(&alert["endsAt"])))
        };
        self.0.lock().unwrap()[from..].iter().map(of).collect()
    }

    fn beats(&self, from: usize) -> bool {
        let bodies = &self.0.lock().unwrap()[from..];
        bodies.iter().flat_map(|body| body.as_array().unwrap()).any(|alert| alert["labels"]["alertname"] == HEARTBEAT)
    }
}

async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..PATIENCE {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} never came");
}

/// GitLab gives up on a job that waits, and says so by a hook. Whether the listener was there to take it.
async fn give_up(address: &str, job: u64, project: u64) -> bool {
    let mut hook: Value = serde_json::from_str(include_str!("fixtures/gitlab/JobHook.json")).unwrap();
    let now = Clock::system().now().wall.to_string();
    for (key, value) in [
        ("build_id", json!(job)),
        ("project_id", json!(project)),
        ("build_status", json!("failed")),
        ("build_failure_reason", json!("stuck_or_timeout_failure")),
        ("build_finished_at_iso", json!(now)),
    ] {
        hook[key] = value;
    }
    let request = client().post(format!("http://{address}/webhooks/gitlab")).json(&hook);
    request.header("x-gitlab-token", HOOK_SECRET).send().await.is_ok_and(|answer| answer.status() == 202)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_neither_pages_again_nor_forgets_though_nobody_ever_scraped() {
    let clock = Clock::simulated(Clock::system().now().wall, 1.0);
    let demo = Demo::start(scenario::show(), 3, clock).await.unwrap();
    let query = "{ jobs(statuses: [PENDING], first: 20) { nodes { id tags project { id } } } }";
    let answer = Asker::admin(&demo).graphql(query, json!({})).await;
    let number = |id: &Value| id.as_str().unwrap().rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let jobs = answer["data"]["jobs"]["nodes"].as_array().unwrap();
    let fits = |job: &&Value| job["tags"].as_array().unwrap().iter().any(|tag| tag == "tier-standard");
    let job = jobs.iter().find(fits).unwrap_or_else(|| panic!("no job waits for standard: {answer}"));
    let (job, project) = (number(&job["id"]), number(&job["project"]["id"]));

    let told = Told::default();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("hook-secret");
    std::fs::write(&secret, HOOK_SECRET).unwrap();
    let hooks = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let config = folder.path().join("tierwatch.yaml");
    let yaml = format!(
        "{}webhook: {{ listen_address: \"{hooks}\", secret_file: '{}' }}\nstate_file: '{}'\n\
         alertmanager: {{ urls: [\"{}\"], timeout: 5s, resend_interval: 5s }}\n",
        demo.config_yaml(),
        secret.display(),
        folder.path().join("state").display(),
        told.serve().await,
    );
    std::fs::write(&config, yaml).unwrap();

    let first = Running::start(&config);
    until("the heartbeat", || told.beats(0)).await;
    let mut taken = false;
    for _ in 0..PATIENCE {
        taken = give_up(&hooks, job, project).await && told.of_the_dropped_job(0).iter().any(Option::is_some);
        if taken {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(taken, "the alert never came");
    // Alerts are written every five seconds.
    let state = folder.path().join("state");
    let kept = || std::fs::read_to_string(&state).is_ok_and(|text| text.contains("TierJobsDropped"));
    until("the alert in the state file", kept).await;
    let page = told.of_the_dropped_job(0).into_iter().flatten().next().unwrap();
    drop(first);

    let before = told.times();
    let second = Running::start(&config);
    // The first word of the new run and several after it, when it has judged for itself.
    until("the next run", || told.times() >= before + 5).await;
    for (word, alert) in told.of_the_dropped_job(before).into_iter().enumerate() {
        // The very first may be said before the state file is read.
        let Some((since, until)) = alert else {
            assert_eq!(word, 0, "it is forgotten");
            continue;
        };
        assert_eq!(since, page.0, "a new start is a new page");
        assert!(until > Clock::system().now().wall.to_string(), "it is told as over: {until}");
    }
    drop(second);
}
