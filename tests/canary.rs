//! The daemon as a process: no token in anything that it says, and an orderly end.

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

use tierwatch::clock::Clock;
use tierwatch::demo::gitlab_api::access::ADMIN_TOKEN;
use tierwatch::demo::{Demo, kube_api, scenario};

/// A start on loopback takes a second; this is for a machine that is busy with something else.
const PATIENCE: u32 = 300;

/// What GitLab sends along, and what stands in the body: neither is anybody's to read.
const HOOK_SECRET: &str = "CANARY-secret-of-the-hook";
const HOOK_MESSAGE: &str = "CANARY-message-of-a-commit";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        let _ = self.0.kill();
    }
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
    let folder = tempfile::tempdir().expect("a folder");
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, token).expect("a token file");
    let config = folder.path().join("tierwatch.yaml");
    let yaml = demo.config_yaml().replace(&demo.token_file().display().to_string(), &token_file.display().to_string());
    let secret_file = folder.path().join("webhook-secret");
    std::fs::write(&secret_file, HOOK_SECRET).expect("a secret file");
    let hooks = format!("127.0.0.1:{}", free_port());
    let webhook = format!("webhook: {{ listen_address: \"{hooks}\", secret_file: '{}' }}\n", secret_file.display());
    std::fs::write(&config, yaml + &webhook).expect("a configuration");
    let log = folder.path().join("log");
    let recording = folder.path().join("recording.gz");
    let address = format!("127.0.0.1:{}", free_port());
    let child = Command::new(env!("CARGO_BIN_EXE_tierwatch"))
        .args(["run", "--log.level", "trace", "--web.listen-address", &address, "--config.file"])
        .arg(&config)
        .arg("--record")
        .arg(&recording)
        .env_remove("RUST_LOG")
        .stderr(File::create(&log).expect("a log file"))
        .spawn()
        .expect("the daemon starts");
    let mut daemon = Running(child);

    let mut ready = None;
    for _ in 0..PATIENCE {
        ready = get(&format!("http://{address}/readyz")).await;
        if ready.as_ref().is_some_and(|(status, _)| *status == 200) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = |text: &Option<(u16, String)>| text.clone().unwrap_or_default().1;
    assert!(ready.as_ref().is_some_and(|(status, _)| *status == 200), "never ready: {}", said(&ready));
    for (secret, status) in [(HOOK_SECRET, 202), ("CANARY-of-somebody-else", 401)] {
        assert_eq!(hook(&hooks, secret).await, status);
    }
    let mut all = String::new();
    for path in ["/", "/metrics", "/api/v1/tiers", "/api/v1/tiers/standard", "/api/v1/sources", "/livez"] {
        let answer = get(&format!("http://{address}{path}")).await;
        assert!(answer.as_ref().is_some_and(|(status, _)| *status == 200), "{path}: {}", said(&answer));
        all.push_str(&said(&answer));
    }
    let pid = daemon.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    let mut code = None;
    for _ in 0..PATIENCE {
        if let Some(status) = daemon.0.try_wait().expect("the daemon can be waited for") {
            code = status.code();
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    all.push_str(&std::fs::read_to_string(&log).expect("a log"));
    let recorded = File::open(&recording).expect("a recording");
    flate2::read::GzDecoder::new(recorded).read_to_string(&mut all).expect("a recording that was ended in order");
    assert!(all.contains("tierwatch_recording"), "the recording was not read");
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
