//! A small API server on loopback: list with pages, watch with bookmarks, and the ways in which it can fail.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;

/// How the server treats one collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    /// Answers everything with this status.
    Refuses(u16),
    /// Lists, but answers watches with this status.
    RefusesWatch(u16),
    /// Lists and begins watches, then says nothing and never ends.
    Silent,
    /// Lists, and takes the request for a watch without any answer.
    Mute,
    /// Takes the request for a list without any answer.
    MuteList,
    /// Ends each watch as soon as it began.
    EndsAtOnce,
    /// Tells each watch that its version is too old, inside the stream.
    ExpiredInStream,
    /// Writes half a line of no JSON into each watch.
    Garbage,
}

#[derive(Default)]
struct Inner {
    version: u64,
    /// By path of the collection, then by name.
    objects: HashMap<String, BTreeMap<String, Value>>,
    log: Vec<(u64, String, Value)>,
    moods: HashMap<String, Mood>,
    /// Watches from an older version are told that it expired.
    oldest: u64,
    /// Method, path and query of each request.
    requests: Vec<String>,
    headers: HeaderMap,
}

/// What the server holds; outlives it.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<u64>,
}

/// A server that runs; dropped, all its connections break.
pub struct Running {
    pub address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Off this thread, since a runtime must not be waited for inside another; joined, so that the port is free.
            let stop = move || runtime.shutdown_timeout(Duration::from_secs(10));
            std::thread::spawn(stop).join().unwrap();
        }
    }
}

impl Api {
    pub fn new() -> Self {
        let inner = Inner { version: 100, ..Inner::default() };
        Self { inner: Arc::new(Mutex::new(inner)), changed: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Starts to serve, on `port` or any.
    pub fn serve(&self, port: u16) -> Running {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let router = Router::new().route("/{*path}", get(answer)).with_state(self.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Running { address, runtime: Some(runtime) }
    }

    /// Creates or changes an object.
    pub fn put(&self, path: &str, mut object: Value) {
        self.change(path, |inner| {
            object["metadata"]["resourceVersion"] = inner.version.to_string().into();
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let known = inner.objects.entry(path.to_owned()).or_default().insert(name, object.clone());
            (if known.is_some() { "MODIFIED" } else { "ADDED" }, object)
        });
    }

    pub fn delete(&self, path: &str, name: &str) {
        self.change(path, |inner| {
            let mut object = inner.objects.get_mut(path).unwrap().remove(name).unwrap();
            object["metadata"]["resourceVersion"] = inner.version.to_string().into();
            ("DELETED", object)
        });
    }

    pub fn bookmark(&self, path: &str) {
        self.change(path, |inner| {
            let version = inner.version.to_string();
            ("BOOKMARK", json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": version}}))
        });
    }

    fn change(&self, path: &str, change: impl FnOnce(&mut Inner) -> (&'static str, Value)) {
        let mut inner = self.lock();
        inner.version += 1;
        let (kind, object) = change(&mut inner);
        let version = inner.version;
        inner.log.push((version, path.to_owned(), json!({"type": kind, "object": object})));
        drop(inner);
        self.changed.send_replace(version);
    }

    /// Forgets all changes so far, like a compaction.
    pub fn compact(&self) {
        let mut inner = self.lock();
        inner.oldest = inner.version;
        inner.log.clear();
    }

    /// How a collection is treated from now on; watches that run end.
    pub fn mood(&self, path: &str, mood: Mood) {
        self.lock().moods.insert(path.to_owned(), mood);
        self.changed.send_modify(|_| {});
    }

    /// Requests so far that contain all of these.
    pub fn requests(&self, parts: &[&str]) -> Vec<String> {
        let all = &self.lock().requests;
        all.iter().filter(|request| parts.iter().all(|part| request.contains(part))).cloned().collect()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.lock().headers.get(name)?.to_str().unwrap().to_owned())
    }
}

fn status(code: u16) -> Value {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let details = if code == 429 { json!({"retryAfterSeconds": 3}) } else { json!({}) };
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
           "message": format!("the server says {code}"), "details": details})
}

fn refuse(code: u16) -> Response {
    (StatusCode::from_u16(code).unwrap(), axum::Json(status(code))).into_response()
}

async fn answer(
    State(api): State<Api>,
    Path(path): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let path = format!("/{path}");
    let mood = {
        let mut inner = api.lock();
        inner.requests.push(format!("GET {uri}"));
        inner.headers = headers;
        inner.moods.get(&path).copied().unwrap_or_default()
    };
    let is_watch = query.contains_key("watch");
    match (mood, is_watch) {
        (Mood::Refuses(code), _) | (Mood::RefusesWatch(code), true) => refuse(code),
        (Mood::Mute, true) | (Mood::MuteList, false) => std::future::pending().await,
        (_, true) => follow(api, path, &query, mood),
        (_, false) => list(&api, &path, &query),
    }
}

fn list(api: &Api, path: &str, query: &HashMap<String, String>) -> Response {
    let inner = api.lock();
    let from: usize = query.get("continue").map_or(0, |token| token.parse().unwrap());
    // One object by its name, the namespace itself.
    let Some(limit) = query.get("limit").map(|limit| limit.parse::<usize>().unwrap()) else {
        return axum::Json(json!({"metadata": {"name": path}})).into_response();
    };
    let none = BTreeMap::new();
    let objects = inner.objects.get(path).unwrap_or(&none);
    let items: Vec<&Value> = objects.values().skip(from).take(limit).collect();
    let next = if from + limit < objects.len() { (from + limit).to_string() } else { String::new() };
    let metadata = json!({"resourceVersion": inner.version.to_string(), "continue": next});
    axum::Json(json!({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items})).into_response()
}

fn follow(api: Api, path: String, query: &HashMap<String, String>, mood: Mood) -> Response {
    let from: u64 = query["resourceVersion"].parse().unwrap();
    if mood == Mood::Well && from < api.lock().oldest {
        return refuse(410);
    }
    let timeout = Duration::from_secs(query["timeoutSeconds"].parse().unwrap());
    let lines = stream::unfold(from, move |seen| {
        let (api, path) = (api.clone(), path.clone());
        async move {
            match mood {
                Mood::Silent => std::future::pending().await,
                Mood::EndsAtOnce => return None,
                Mood::ExpiredInStream if seen == from => {
                    return Some((line(&json!({"type": "ERROR", "object": status(410)})), seen + 1));
                }
                Mood::Garbage if seen == from => return Some((Bytes::from_static(b"<html>half a l\n"), seen + 1)),
                Mood::Well
                | Mood::ExpiredInStream
                | Mood::Garbage
                | Mood::Refuses(_)
                | Mood::RefusesWatch(_)
                | Mood::Mute
                | Mood::MuteList => {}
            }
            let mut changed = api.changed.subscribe();
            let next = async {
                loop {
                    {
                        let inner = api.lock();
                        if inner.moods.get(&path).copied().unwrap_or_default() != mood {
                            return None;
                        }
                        if let Some((version, _, event)) =
                            inner.log.iter().find(|(version, of, _)| *version > seen && *of == path)
                        {
                            return Some((line(event), *version));
                        }
                    }
                    changed.changed().await.unwrap();
                }
            };
            tokio::time::timeout(timeout, next).await.ok().flatten()
        }
    });
    use futures::StreamExt;
    Body::from_stream(lines.map(Ok::<_, std::convert::Infallible>)).into_response()
}

fn line(event: &Value) -> Bytes {
    Bytes::from(format!("{event}\n"))
}
