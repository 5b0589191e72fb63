use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::sync::mpsc;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Paper {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn logs(format: Format, filter: Option<&str>) -> Logs {
    Logs { level: Level::Info, format, filter: filter.map(str::to_owned) }
}

fn clock() -> Clock {
    Clock::simulated("2026-01-02T03:04:05Z".parse().unwrap(), 1e-9)
}

fn written(logs: &Logs, say: impl FnOnce()) -> String {
    let paper = Paper::default();
    let (subscriber, _telemetry) = subscriber(logs, None, clock(), paper.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, say);
    paper.text()
}

fn say() {
    let _span = tracing::info_span!("poll", source = "gitlab_queue", attempt = 2).entered();
    let cause = io::Error::other("connection reset");
    let error: &(dyn std::error::Error + 'static) = &cause;
    tracing::warn!(error, took_seconds = 0.5, ok = false, "reading the queue failed");
    tracing::info!(job = %"a b\" level=error\nlevel=error \u{1b}[31m\u{9b}\u{202e}", empty = "", "hostile\nname");
}

#[test]
fn logfmt_lines() {
    let text = written(&logs(Format::Logfmt, None), say);
    assert_eq!(
        text,
        "time=2026-01-02T03:04:05.000Z level=warn target=tierwatch::telemetry::tests \
         msg=\"reading the queue failed\" source=gitlab_queue attempt=2 error=\"connection reset\" \
         took_seconds=0.5 ok=false\n\
         time=2026-01-02T03:04:05.000Z level=info target=tierwatch::telemetry::tests msg=\"hostile\\nname\" \
         source=gitlab_queue attempt=2 \
         job=\"a b\\\" level=error\\nlevel=error \\u001b[31m\\u009b\\u202e\" empty=\"\"\n"
    );
}

#[test]
fn json_lines() {
    let text = written(&logs(Format::Json, None), say);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["time"], "2026-01-02T03:04:05.000Z");
    assert_eq!(lines[0]["level"], "warn");
    assert_eq!(lines[0]["msg"], "reading the queue failed");
    assert_eq!(lines[0]["source"], "gitlab_queue");
    assert_eq!((&lines[0]["attempt"], &lines[0]["ok"]), (&2.into(), &false.into()));
    assert_eq!(lines[1]["msg"], "hostile\nname");
}

#[test]
fn libraries_are_heard_from_warnings_on_unless_asked_for() {
    let talk = || {
        tracing::info!(target: "hyper", "header authorization");
        tracing::warn!(target: "kube", "watch failed");
        tracing::debug!("a detail of ours");
        tracing::info!("ours");
    };
    let usual = written(&logs(Format::Logfmt, None), talk);
    assert!(usual.contains("watch failed") && usual.contains("msg=ours"), "{usual}");
    assert!(!usual.contains("authorization") && !usual.contains("detail"), "{usual}");
    let asked = written(&logs(Format::Logfmt, Some("off,hyper=info")), talk);
    assert!(asked.contains("authorization") && asked.lines().count() == 1, "{asked}");
}

#[test]
fn a_filter_that_is_none_is_told() {
    let Err(error) = subscriber(&logs(Format::Json, Some("tierwatch=loud")), None, clock(), Paper::default()) else {
        panic!("accepted")
    };
    assert!(error.to_string().starts_with("RUST_LOG: "), "{error}");
}

type Post = (HeaderMap, Bytes);

/// A collector on loopback: the endpoint, and what is posted to it.
async fn collector(delay: Duration) -> (Url, mpsc::UnboundedReceiver<Post>) {
    let (posts, received) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let _ = posts.send((headers, body));
        tokio::time::sleep(delay).await;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/otel/", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().route("/otel/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (endpoint, received)
}

fn has(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Also under the runtime with one thread, where waiting wrongly would stand still.
#[tokio::test]
async fn spans_reach_the_collector() {
    let (endpoint, mut posts) = collector(Duration::ZERO).await;
    let paper = Paper::default();
    let logs = logs(Format::Logfmt, None);
    let (subscriber, telemetry) = subscriber(&logs, Some(&endpoint), clock(), paper.clone()).unwrap();
    {
        let _default = tracing::subscriber::set_default(subscriber);
        tracing::info_span!("gitlab_queue_poll", source = "gitlab_queue").in_scope(|| tracing::info!("answered"));
        tracing::info_span!(target: "hyper", "foreign_span").in_scope(|| ());
    }
    telemetry.shutdown(Duration::from_secs(10)).await;
    let (headers, body) = posts.try_recv().unwrap();
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert!(has(&body, "gitlab_queue_poll") && has(&body, "service.name") && has(&body, "tierwatch"));
    assert!(!has(&body, "foreign_span"));
    assert!(paper.text().contains("answered"), "{}", paper.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_holds_nobody_up() {
    let (endpoint, mut posts) = collector(Duration::from_secs(60)).await;
    let logs = logs(Format::Logfmt, None);
    let (subscriber, telemetry) = subscriber(&logs, Some(&endpoint), clock(), Paper::default()).unwrap();
    tracing::subscriber::with_default(subscriber, || tracing::info_span!("waits").in_scope(|| ()));
    let bound = Duration::from_millis(300);
    tokio::time::timeout(Duration::from_secs(5), telemetry.shutdown(bound)).await.unwrap();
    assert!(posts.recv().await.is_some());
}

#[test]
fn without_an_endpoint_no_runtime_is_needed() {
    let (_, telemetry) = subscriber(&logs(Format::Json, None), None, clock(), Paper::default()).unwrap();
    assert!(telemetry.traces.is_none());
    let endpoint = "http://127.0.0.1:4318".parse().unwrap();
    let with = subscriber(&logs(Format::Json, None), Some(&endpoint), clock(), Paper::default());
    assert!(matches!(with.map(|_| ()), Err(TelemetryError::NoRuntime)));
}
