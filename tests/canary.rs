//! The daemon as a process: no token in anything that it says, and an orderly end. What it says: log, pages, JSON, metrics,
//! a recording, traces, and its last words in a panic.

#[path = "support/loopback.rs"]
mod loopback;
#[path = "canary/panics.rs"]
mod panics;
#[path = "canary/traces.rs"]
mod traces;

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use tierwatch::clock::Clock;
use tierwatch::demo::gitlab_api::access::ADMIN_TOKEN;
use tierwatch::demo::{Demo, kube_api, scenario};
use traces::Collector;

/// A start on loopback takes a second; this is for a machine that is busy with something else.
const PATIENCE: u32 = 300;

/// What GitLab sends along, and what stands in the body: neither is anybody's to read.
const HOOK_SECRET: &str = "CANARY-secret-of-the-hook";
const HOOK_MESSAGE: &str = "CANARY-message-of-a-commit";

/// Files for one test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes one, and tells where it is.
    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("a file");
        self.path(name).display().to_string()
    }
}

/// The daemon as a process.
struct Running {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        let _ = self.child.kill();
    }
}

impl Running {
    fn start(files: &Files, yaml: &str, args: &[&str]) -> Self {
        let (config, log) = (files.write("tierwatch.yaml", yaml), files.path("log"));
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new(env!("CARGO_BIN_EXE_tierwatch"))
            .args(["run", "--log.level", "trace", "--web.listen-address", &address, "--config.file", &config])
            .args(args)
            .env_remove("RUST_LOG")
            .stderr(File::create(&log).expect("a log file"))
            .spawn()
            .expect("the daemon starts");
        Self { child, address, log }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    async fn waits_for(&self, what: &str, so: impl Fn() -> bool) {
        let seen = until(async || so().then_some(())).await;
        seen.unwrap_or_else(|| panic!("waited for {what} in vain: {}", self.log()));
    }

    async fn becomes_ready(&self) {
        let mut last = None;
        let ready = until(async || {
            last = get(&format!("http://{}/readyz", self.address)).await;
            last.as_ref().filter(|(status, _)| *status == 200).map(drop)
        });
        let ready = ready.await;
        ready.unwrap_or_else(|| panic!("never ready: {last:?}: {}", self.log()));
    }

    async fn pages(&self, paths: &[&str]) -> String {
        let mut all = String::new();
        for path in paths {
            let (status, said) = get(&format!("http://{}{path}", self.address)).await.expect("an answer");
            assert_eq!(status, 200, "{path}: {said}");
            all.push_str(&said);
        }
        all
    }

    /// Its exit code after SIGTERM.
    async fn ends(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        until(async || self.child.try_wait().expect("the daemon can be waited for")).await?.code()
    }
}

/// Asks until the answer is there; nothing when it never comes.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    for _ in 0..PATIENCE {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    listener.local_addr().expect("a bound address").port()
}

async fn get(url: &str) -> Option<(u16, String)> {
    let answer = reqwest::get(url).await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Sends a job hook and returns the status of the answer.
async fn hook(address: &str, secret: &str) -> u16 {
    let body = include_str!("fixtures/gitlab/JobHook.json").replace("Tune cache", HOOK_MESSAGE);
    assert!(body.contains(HOOK_MESSAGE));
    let request = reqwest::Client::new().post(format!("http://{address}/webhooks/gitlab")).body(body);
    let request = request.header("content-type", "application/json").header("x-gitlab-token", secret);
    request.send().await.expect("the listener answers").status().as_u16()
}

/// What the daemon says in all its ways while it watches the demo with `token`, and its exit code after SIGTERM.
async fn everything_said(token: &str) -> (String, Option<i32>) {
    let clock = Clock::simulated(Clock::system().now().wall, 1.0);
    let demo = Demo::start(scenario::show(), 1, clock).await.expect("the demo starts");
    let (files, collector) = (Files::new(), Collector::default());
    let yaml = demo.config_yaml().replace(&demo.token_file().display().to_string(), &files.write("token", token));
    let hooks = format!("127.0.0.1:{}", free_port());
    let secret_file = files.write("webhook-secret", HOOK_SECRET);
    let webhook = format!("webhook: {{ listen_address: \"{hooks}\", secret_file: '{secret_file}' }}\n");
    let recording = files.path("recording.gz");
    let yaml = yaml + &webhook + &collector.start().await;
    let mut daemon = Running::start(&files, &yaml, &["--record", &recording.display().to_string()]);
    daemon.becomes_ready().await;
    for (secret, status) in [(HOOK_SECRET, 202), ("CANARY-of-somebody-else", 401)] {
        assert_eq!(hook(&hooks, secret).await, status);
    }
    let pages = ["/", "/metrics", "/api/v1/tiers", "/api/v1/tiers/standard", "/api/v1/sources", "/livez"];
    let mut all = daemon.pages(&pages).await;
    let code = daemon.ends().await;
    all.push_str(&daemon.log());
    let recorded = File::open(&recording).expect("a recording");
    flate2::read::GzDecoder::new(recorded).read_to_string(&mut all).expect("a recording that was ended in order");
    assert!(all.contains("tierwatch_recording"), "the recording was not read");
    all.push_str(&collector.sent());
    (all, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_works_is_told_nowhere() {
    let (said, code) = everything_said(ADMIN_TOKEN).await;
    assert!(said.contains("source is up"), "the log was not read: {said}");
    for result in ["accepted", "unauthorized"] {
        assert!(said.contains(&format!("tierwatch_webhooks_total{{result=\"{result}\"}} 1\n")), "{result}");
    }
    for secret in [ADMIN_TOKEN, kube_api::TOKEN, "CANARY"] {
        assert!(!said.contains(secret), "a token is told");
    }
    assert_eq!(code, Some(0), "after SIGTERM");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_is_told_nowhere_and_the_cluster_is_still_watched() {
    let canary = "glpat-CANARY-0123456789abcdef";
    let (said, code) = everything_said(canary).await;
    assert!(!said.contains("CANARY"), "the token is told");
    let down = r#"tierwatch_source_up{source="gitlab_queue",tier="standard"} 0"#;
    let up = r#"tierwatch_source_up{source="kube_pods",tier="standard"} 1"#;
    assert!(said.contains(down) && said.contains(up), "{said:.3000}");
    assert!(!said.contains("tierwatch_queue_pending_jobs{"), "unknown is absent, never zero");
    assert_eq!(code, Some(0), "after SIGTERM");
}
