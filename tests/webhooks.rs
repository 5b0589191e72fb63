//! The webhook listener as GitLab sees it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not expect fails it")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prometheus_client::registry::Registry;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tierwatch::clock::Clock;
use tierwatch::config::{SecretFile, Webhook};
use tierwatch::metrics::exposition::{Format, encode};
use tierwatch::metrics::{HookResult, Own};
use tierwatch::observation::{Body, FailureClass, JobStatus, Observation, SourceKind};
use tierwatch::source::webhook::Webhooks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SAMPLE: &str = include_str!("fixtures/gitlab/JobHook.json");
const SECRET: &str = "CANARY-of-the-hook";
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Listening {
    address: SocketAddr,
    client: Client,
    clock: Clock,
    registry: Registry,
    desk: mpsc::Receiver<Observation>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    files: TempDir,
}

enum Proofs {
    Secret,
    Signature,
    Both,
}

impl Listening {
    async fn with(proofs: Proofs, room_at_the_desk: usize) -> Self {
        let files = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = files.path().join(name);
            std::fs::write(&path, format!("{text}\n")).unwrap();
            SecretFile::new(path)
        };
        let (secret, signing) = (file("secret", SECRET), file("signing", SIGNING));
        let config = Webhook {
            listen_address: "127.0.0.1:0".into(),
            secret: matches!(proofs, Proofs::Secret | Proofs::Both).then_some(secret),
            signing_token: matches!(proofs, Proofs::Signature | Proofs::Both).then_some(signing),
        };
        let mut registry = Registry::default();
        let own = Own::new(&[SourceKind::GitlabHooks], &mut registry);
        let (sender, desk) = mpsc::channel(room_at_the_desk);
        let clock = Clock::system();
        let webhooks = Webhooks::bind(config, clock.clone(), own, sender).await.unwrap();
        let (address, stop) = (webhooks.local_addr(), CancellationToken::new());
        let task = tokio::spawn(webhooks.run(stop.clone()));
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { address, client, clock, registry, desk, stop, task, files }
    }

    async fn new(proofs: Proofs) -> Self {
        let mut new = Self::with(proofs, 64).await;
        assert_eq!(new.heard().await, Body::Alive, "it says that it listens");
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn post(&self, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let answer = self.ask(Method::POST, "/webhooks/gitlab", &all, body).await;
        (answer.status(), answer.text().await.unwrap())
    }

    /// A hook with the right secret.
    async fn hook(&self, key: &str, body: &Value) -> StatusCode {
        self.post(&[("x-gitlab-token", SECRET), ("idempotency-key", key)], &body.to_string()).await.0
    }

    async fn heard(&mut self) -> Body {
        let heard = tokio::time::timeout(Duration::from_secs(30), self.desk.recv()).await.unwrap().unwrap();
        assert_eq!(heard.source, Webhooks::key());
        heard.body
    }

    fn count(&self, result: HookResult) -> f64 {
        let text = String::from_utf8(encode(&self.registry, Format::Text).unwrap().to_vec()).unwrap();
        let series = format!("tierwatch_webhooks_total{{result=\"{}\"}} ", result.as_str());
        let line = text.lines().find_map(|line| line.strip_prefix(&series));
        line.unwrap_or_else(|| panic!("{series} is not seeded:\n{text}")).parse().unwrap()
    }

    /// Everything was heard, and the listener has ended.
    async fn end(mut self) -> Vec<Body> {
        self.stop.cancel();
        let mut rest = Vec::new();
        while let Some(observation) = self.desk.recv().await {
            rest.push(observation.body);
        }
        self.task.await.unwrap();
        rest
    }
}

fn sample(changes: &[(&str, Value)]) -> Value {
    let mut body: Value = serde_json::from_str(SAMPLE).unwrap();
    for (key, value) in changes {
        body[*key] = value.clone();
    }
    body
}

/// The three headers of Standard Webhooks.
fn signed(id: &str, timestamp: i64, body: &str) -> [(&'static str, String); 3] {
    let key = STANDARD.decode(SIGNING.strip_prefix("whsec_").unwrap()).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), format!("{id}.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    [("webhook-id", id.into()), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)]
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn a_job_hook_is_told_to_the_desk() {
    let mut listening = Listening::new(Proofs::Secret).await;
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::ACCEPTED);
    match listening.heard().await {
        Body::Job(job) => assert_eq!((job.id.0, job.status, job.project.unwrap().0), (90215, JobStatus::Pending, 812)),
        other => panic!("{other:?}"),
    }
    assert_eq!(listening.count(HookResult::Accepted), 1.0);
}

#[tokio::test]
async fn only_posts_of_json_to_the_one_path_are_taken() {
    let listening = Listening::new(Proofs::Secret).await;
    let right = [("x-gitlab-token", SECRET), ("content-type", "application/json")];
    let get = listening.ask(Method::GET, "/webhooks/gitlab", &right, "").await;
    assert_eq!((get.status(), get.headers()["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_eq!(get.text().await.unwrap(), "hooks are sent with POST\n");
    for path in ["/", "/metrics", "/webhooks", "/webhooks/gitlab/", "/api/v1/tiers"] {
        let other = listening.ask(Method::POST, path, &right, SAMPLE).await;
        assert_eq!(other.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(other.text().await.unwrap(), "job hooks are taken at /webhooks/gitlab\n");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = [("x-gitlab-token", SECRET), ("content-type", kind)];
        let answer = listening.ask(Method::POST, "/webhooks/gitlab", &headers, SAMPLE).await;
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(answer.text().await.unwrap().contains("application/json"));
    }
    assert_eq!(listening.count(HookResult::Malformed), 2.0);
    let charset = [("x-gitlab-token", SECRET), ("content-type", "Application/JSON; charset=utf-8")];
    let answer = listening.ask(Method::POST, "/webhooks/gitlab", &charset, SAMPLE).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_hook_without_the_secret_is_refused() {
    let listening = Listening::new(Proofs::Secret).await;
    for headers in [&[][..], &[("x-gitlab-token", "")], &[("x-gitlab-token", "CANARY-of-the-hooK")]] {
        let (status, text) = listening.post(headers, SAMPLE).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(!text.contains("CANARY"), "{text}");
    }
    assert_eq!(listening.count(HookResult::Unauthorized), 3.0);
    assert_eq!(listening.end().await, []);
}

#[tokio::test]
async fn a_secret_that_changes_is_read_again_and_one_that_is_gone_is_told() {
    let mut listening = Listening::new(Proofs::Secret).await;
    let path = listening.path("secret");
    let renew = |text: &str, age: u64| {
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let modified = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000 + age);
        file.set_modified(modified).unwrap();
    };
    renew("another\n", 1);
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::UNAUTHORIZED);
    renew("", 2);
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::SERVICE_UNAVAILABLE);
    match listening.heard().await {
        Body::Failed(failure) => {
            assert_eq!(failure.class, FailureClass::Secret);
            assert!(failure.detail.contains("secret") && !failure.detail.contains("CANARY"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    renew(SECRET, 3);
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::ACCEPTED);
    assert_eq!(listening.heard().await, Body::Alive, "told once, and once that it is over");
    assert!(matches!(listening.heard().await, Body::Job(_)));
    assert_eq!(listening.count(HookResult::SecretUnreadable), 2.0);
    let scrape = String::from_utf8(encode(&listening.registry, Format::Text).unwrap().to_vec()).unwrap();
    assert!(scrape.contains("\ntierwatch_webhook_secret_written_timestamp_seconds 1900000003\n"), "{scrape}");
}

#[tokio::test]
async fn a_signature_is_held_to_body_key_and_time() {
    let listening = Listening::new(Proofs::Signature).await;
    let now = listening.clock.now().wall.as_second();
    let good = signed("msg_1", now, SAMPLE);
    assert_eq!(listening.post(&borrowed(&good), SAMPLE).await.0, StatusCode::ACCEPTED);
    assert_eq!(listening.post(&borrowed(&good), SAMPLE).await.0, StatusCode::OK, "its id makes it a repeat");
    assert_eq!(listening.post(&borrowed(&good), &SAMPLE.replace("90215", "90216")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        listening.post(&borrowed(&signed("msg_2", now - 360, SAMPLE)), SAMPLE).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        listening.post(&borrowed(&signed("msg_3", now + 360, SAMPLE)), SAMPLE).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(listening.post(&[("x-gitlab-token", SECRET)], SAMPLE).await.0, StatusCode::UNAUTHORIZED);
    for (result, times) in [
        (HookResult::Accepted, 1.0),
        (HookResult::Duplicate, 1.0),
        (HookResult::Unauthorized, 2.0),
        (HookResult::Stale, 2.0),
    ] {
        assert_eq!(listening.count(result), times, "{result}");
    }
    assert_eq!(listening.end().await.len(), 1);
}

#[tokio::test]
async fn with_both_a_signature_is_believed_over_the_token() {
    let listening = Listening::new(Proofs::Both).await;
    assert_eq!(listening.hook("by token", &sample(&[])).await, StatusCode::ACCEPTED);
    let now = listening.clock.now().wall.as_second();
    let good = signed("by signature", now, SAMPLE);
    assert_eq!(listening.post(&borrowed(&good), SAMPLE).await.0, StatusCode::ACCEPTED);
    let mut both = borrowed(&good);
    both.push(("x-gitlab-token", SECRET));
    assert_eq!(listening.post(&both, &SAMPLE.replace("90215", "1")).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_repeat_is_known_by_its_key_or_by_event_job_and_status() {
    let listening = Listening::new(Proofs::Secret).await;
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::ACCEPTED);
    assert_eq!(listening.hook("a", &sample(&[])).await, StatusCode::OK);
    assert_eq!(listening.hook("b", &sample(&[])).await, StatusCode::ACCEPTED);
    let older = [("x-gitlab-token", SECRET), ("x-gitlab-event-uuid", "e")];
    let running = sample(&[("build_status", json!("running"))]).to_string();
    for (body, expected) in [
        (SAMPLE, StatusCode::ACCEPTED),
        (SAMPLE, StatusCode::OK),
        (&running, StatusCode::ACCEPTED),
        (&SAMPLE.replace("90215", "7"), StatusCode::ACCEPTED),
    ] {
        assert_eq!(listening.post(&older, body).await.0, expected);
    }
    assert_eq!(listening.count(HookResult::Duplicate), 2.0);
    assert_eq!(listening.end().await.len(), 5);
}

#[tokio::test]
async fn other_events_are_ignored_and_what_is_no_event_is_told() {
    let listening = Listening::new(Proofs::Secret).await;
    for body in [json!({"object_kind": "push"}), sample(&[("build_status", json!("created"))])] {
        assert_eq!(listening.hook("a", &body).await, StatusCode::OK, "GitLab must not take it for a failure");
    }
    for body in ["", "{", "null", "[1]", "{\"object_kind\":\"build\"}"] {
        assert_eq!(listening.post(&[("x-gitlab-token", SECRET)], body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    let deep = "[".repeat(500_000);
    assert_eq!(listening.post(&[("x-gitlab-token", SECRET)], &deep).await.0, StatusCode::BAD_REQUEST);
    assert_eq!((listening.count(HookResult::Ignored), listening.count(HookResult::Malformed)), (2.0, 6.0));
    assert_eq!(listening.end().await, []);
}

#[tokio::test]
async fn a_long_body_is_refused_without_being_read() {
    let listening = Listening::new(Proofs::Secret).await;
    let long = format!("{{\"object_kind\":\"build\",\"x\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(listening.post(&[("x-gitlab-token", SECRET)], &long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    // Announced only: the answer comes before the body.
    let mut stream = tokio::net::TcpStream::connect(listening.address).await.unwrap();
    let head = format!(
        "POST /webhooks/gitlab HTTP/1.1\r\nhost: x\r\nx-gitlab-token: {SECRET}\r\n\
         content-type: application/json\r\ncontent-length: 9999999\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 413"));
    assert_eq!(listening.count(HookResult::TooLarge), 2.0);
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let listening = Listening::new(Proofs::Secret).await;
    let mut stream = tokio::net::TcpStream::connect(listening.address).await.unwrap();
    let head = format!(
        "POST /webhooks/gitlab HTTP/1.1\r\nhost: x\r\nx-gitlab-token: {SECRET}\r\n\
         content-type: application/json\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(listening.count(HookResult::TimedOut), 1.0);
}

#[tokio::test]
async fn while_the_desk_is_busy_gitlab_is_told_to_come_again() {
    // The desk has room for the one word that it listens, and takes nothing.
    let listening = Listening::with(Proofs::Secret, 1).await;
    let mut accepted = 0;
    let refused = loop {
        let status = listening.hook(&format!("{accepted}"), &sample(&[("build_id", json!(accepted + 1))])).await;
        if status != StatusCode::ACCEPTED {
            break status;
        }
        accepted += 1;
        assert!(accepted < 2000, "nothing bounds what waits");
    };
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(listening.count(HookResult::Overloaded), 1.0);
    // What was refused was not noted: it may come again. What was accepted is not lost.
    assert_eq!(listening.hook("0", &sample(&[])).await, StatusCode::SERVICE_UNAVAILABLE);
    let told = listening.end().await;
    assert_eq!(told.iter().filter(|body| matches!(body, Body::Job(_))).count(), accepted);
}
