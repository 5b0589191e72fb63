//! A small GitLab on loopback that answers as a test says, remembers who asked what, and the sources under it.

#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

pub mod tls;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use tempfile::TempDir;
use tierwatch::clock::Clock;
use tierwatch::config::{Gitlab, Queue, QueueChoice, SecretFile};
use tierwatch::metrics::Own;
use tierwatch::observation::{Body, Failure, Observation, RunnerId, SourceKey, SourceKind, Wishes};
use tierwatch::source::gitlab::GitlabSources;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

/// The token of every test: it must appear nowhere but in the header of requests to GitLab itself.
pub const CANARY: &str = "glpat-CANARY-5f3a91";

/// The server's clock in answers that carry [`DATE`].
pub const DATE: &str = "Tue, 04 Mar 2031 05:02:11 GMT";

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub raw_query: String,
    pub token: Option<String>,
    pub agent: String,
    pub range: Option<String>,
    pub body: Value,
    /// How many requests to the same path came before.
    pub before: usize,
}

impl Asked {
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.body.pointer(&format!("/variables/{name}"))?.as_str()
    }

    pub fn operation(&self) -> &str {
        self.body.get("operationName").and_then(Value::as_str).unwrap_or_default()
    }

    /// The status that a `Jobs` document asks for.
    pub fn status(&self) -> &str {
        self.body.pointer("/variables/statuses/0").and_then(Value::as_str).unwrap_or_default()
    }
}

pub struct Server {
    pub url: Url,
    seen: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let seen: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, remembered) = (Arc::new(answer), seen.clone());
        let app = axum::Router::new().fallback(move |request: Request| {
            let (answer, remembered) = (answer.clone(), remembered.clone());
            async move {
                let mut asked = read(request).await;
                {
                    let mut all = remembered.lock().unwrap();
                    asked.before = all.iter().filter(|other| other.path == asked.path).count();
                    all.push(asked.clone());
                }
                answer(&asked)
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen, task }
    }

    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let raw_query = parts.uri.query().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        raw_query,
        token: header("private-token"),
        agent: header("user-agent").unwrap_or_default(),
        range: header("range"),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        before: 0,
    }
}

pub fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(HttpBody::from(body.into())).unwrap()
}

pub fn json_reply(body: &Value) -> Response {
    reply(200, &[("content-type", "application/json"), ("date", DATE)], body.to_string())
}

pub fn error_reply(status: u16, message: &str) -> Response {
    reply(status, &[("content-type", "application/json")], json!({ "message": message }).to_string())
}

pub fn stream_reply(headers: HeaderMap, chunks: Vec<Bytes>, then_hang: bool) -> Response {
    let stream = futures::stream::unfold(chunks.into_iter(), move |mut rest| async move {
        match rest.next() {
            Some(chunk) => Some((Ok::<_, std::io::Error>(chunk), rest)),
            None if then_hang => std::future::pending().await,
            None => None,
        }
    });
    let mut response = Response::new(HttpBody::from_stream(stream));
    *response.headers_mut() = headers;
    response
}

/// A node of the root field `jobs`.
pub fn job(id: u64, status: &str) -> Value {
    json!({
        "id": format!("gid://gitlab/Ci::Build/{id}"), "name": format!("job {id}"), "status": status, "stuck": false,
        "tags": ["tier-standard"], "queuedAt": null, "queuedDuration": 60.0, "startedAt": null, "finishedAt": null,
        "refName": "main", "createdByTag": false, "runner": null,
        "project": {"id": "gid://gitlab/Project/12", "fullPath": "kelp/reef"}
    })
}

/// The answer to a `Jobs` document of a token that may see all.
pub fn jobs(nodes: &[Value], next: Option<&str>) -> Response {
    json_reply(&json!({ "data": {
        "currentUser": {"admin": true},
        "runners": {"nodes": [{"id": "gid://gitlab/Ci::Runner/93"}]},
        "jobs": {"pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}, "nodes": nodes}
    }}))
}

/// The answer to a `Jobs` document of a token that may not.
pub fn refused(admin: Option<bool>) -> Response {
    json_reply(&json!({
        "data": {
            "currentUser": admin.map(|admin| json!({ "admin": admin })),
            "runners": null,
            "jobs": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": []}
        },
        "errors": [{"message": "The resource that you are attempting to access does not exist or you don't have \
            permission to perform this action", "locations": [{"line": 5, "column": 3}], "path": ["runners"]}]
    }))
}

/// A row of REST's job list.
pub fn rest_job(id: u64, status: &str) -> Value {
    json!({
        "id": id, "status": status, "name": format!("job {id}"), "ref": "main", "tag": false,
        "queued_duration": 42.5, "started_at": if status == "pending" { Value::Null } else { json!("2031-03-04T05:02:00.000Z") },
        "tag_list": ["tier-standard"], "runner": null, "pipeline": {"id": 6, "project_id": 12}
    })
}

pub struct Bench {
    pub config: Gitlab,
    pub runners: Vec<RunnerId>,
    pub speed: f64,
    pub dir: TempDir,
}

impl Bench {
    pub fn new(server: &Server) -> Self {
        Self::asking(server.url.clone(), CANARY)
    }

    /// Asks the GitLab at this address with this token.
    pub fn asking(url: Url, token: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, format!("{token}\n")).unwrap();
        let config = Gitlab {
            url,
            token: SecretFile::new(file),
            ca_file: None,
            timeout: Duration::from_secs(10),
            requests_per_minute: 3000,
            max_answer_bytes: 1 << 20,
            queue: Queue {
                source: QueueChoice::Instance,
                groups: Vec::new(),
                interval: Duration::from_secs(15),
                sweep: Duration::from_secs(1800),
            },
            runners_interval: Duration::from_secs(60),
            job_logs: true,
        };
        Self { config, runners: Vec::new(), speed: 60.0, dir }
    }

    pub fn source(mut self, source: QueueChoice, groups: &[&str]) -> Self {
        self.config.queue.source = source;
        self.config.queue.groups = groups.iter().map(|group| Arc::from(*group)).collect();
        self
    }

    pub fn clock(&self) -> Clock {
        Clock::simulated("2031-03-04T05:00:00Z".parse().unwrap(), self.speed)
    }

    /// Starts the sources of these kinds.
    pub fn run(self, kinds: &[SourceKind]) -> Running {
        let (desk, heard) = mpsc::channel(64);
        let (wishes, wished) = watch::channel(Arc::new(Wishes::default()));
        let shutdown = CancellationToken::new();
        let sources = GitlabSources {
            config: self.config.clone(),
            runners: self.runners.clone(),
            clock: self.clock(),
            own: Own::default(),
            wishes: wished,
            desk,
        };
        for (key, source) in sources.start(&shutdown).unwrap() {
            if kinds.contains(&key.kind) {
                tokio::spawn(source);
            }
        }
        Running { heard, wishes, shutdown, _dir: self.dir }
    }
}

pub struct Running {
    pub heard: mpsc::Receiver<Observation>,
    pub wishes: watch::Sender<Arc<Wishes>>,
    pub shutdown: CancellationToken,
    _dir: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Running {
    /// The next observation. Nothing that is ever said may hold the token.
    pub async fn next(&mut self) -> Observation {
        let heard = tokio::time::timeout(Duration::from_secs(20), self.heard.recv()).await;
        let heard = heard.expect("nothing was said within 20 s").expect("the sources ended");
        let all = format!("{heard:?} {}", serde_json::to_string(&heard).unwrap());
        assert!(!all.contains(CANARY), "the token was said: {all}");
        heard
    }

    pub async fn next_of(&mut self, kind: SourceKind) -> Observation {
        loop {
            let heard = self.next().await;
            if heard.source == SourceKey::global(kind) {
                return heard;
            }
        }
    }

    pub async fn next_failure(&mut self) -> (Observation, Failure) {
        loop {
            let heard = self.next().await;
            if let Body::Failed(failure) = &heard.body {
                let failure = failure.clone();
                return (heard, failure);
            }
        }
    }
}
