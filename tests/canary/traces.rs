//! What leaves over OTLP: spans, and no secret, also where everybody who is asked repeats what he was sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;

use super::loopback::serve;
use super::{Files, Running};

const TOKEN: &str = "glpat-CANARY-of-gitlab-0123456789";
const CLUSTER: &str = "eyJCANARY.of.the.cluster";
const PASSWORD: &str = "CANARY-of-alertmanager";
const USER: &str = "tierwatch";

/// A collector, and every byte that it was sent.
#[derive(Clone, Default)]
pub struct Collector(Arc<Mutex<Vec<u8>>>);

impl Collector {
    /// The configuration that sends traces to it.
    pub async fn start(&self) -> String {
        let take = async |State(collector): State<Self>, body: Bytes| collector.0.lock().expect("bytes").extend(body);
        let address = serve(Router::new().route("/v1/traces", post(take)).with_state(self.clone())).await;
        format!("telemetry: {{ otlp: {{ endpoint: 'http://{address}' }} }}\n")
    }

    /// What it was sent, which holds our spans: names and texts stand in protobuf as they are.
    pub fn sent(&self) -> String {
        let sent = String::from_utf8_lossy(&self.0.lock().expect("bytes")).into_owned();
        for ours in ["poll", "gitlab_request", "gitlab_queue", "tierwatch"] {
            assert!(sent.contains(ours), "no {ours} in {} bytes of traces", sent.len());
        }
        sent
    }
}

/// Who was asked by now.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

/// Refuses, and repeats what proved who asks: GitLab below `/gitlab`, an Alertmanager below `/alertmanager`, else a cluster.
async fn repeat(State(asked): State<Asked>, uri: Uri, headers: HeaderMap) -> Response {
    let proof = ["private-token", "authorization"].map(|name| Some((name, headers.get(name)?.to_str().ok()?)));
    let lines: Vec<String> = proof.iter().flatten().map(|(name, value)| format!("{name}: {value}")).collect();
    let said = format!("you said {}", lines.join(", "));
    asked.0.lock().expect("lines").push(format!("{} {said}", uri.path()));
    match uri.path().split('/').nth(1) {
        Some("gitlab") if uri.path().ends_with("/graphql") => {
            axum::Json(json!({ "errors": [{ "message": said }] })).into_response()
        }
        Some("gitlab") => (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(json!({ "message": said }))).into_response(),
        Some("alertmanager") => (StatusCode::UNAUTHORIZED, said).into_response(),
        _ => {
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure",
                "message": said, "reason": "Forbidden", "code": 403,
            });
            (StatusCode::FORBIDDEN, axum::Json(status)).into_response()
        }
    }
}

impl Asked {
    fn with(&self, path: &str, proof: &str) -> bool {
        self.0.lock().expect("lines").iter().any(|line| line.starts_with(path) && line.contains(proof))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_repeats_what_he_was_sent_is_not_repeated() {
    let (asked, collector, files) = (Asked::default(), Collector::default(), Files::new());
    let url = format!("http://{}", serve(Router::new().fallback(repeat).with_state(asked.clone())).await);
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\nusers: [{{name: u, user: {{token: {CLUSTER}}}}}]\n"
    );
    let yaml = format!(
        "gitlab: {{ url: '{url}/gitlab', token_file: '{}' }}\nkubernetes: {{ kubeconfig: '{}' }}\n\
         alertmanager: {{ urls: ['{url}/alertmanager'], username: {USER}, password_file: '{}' }}\n\
         links: {{ tierwatch: 'https://tierwatch.example.com' }}\n\
         tiers: {{ standard: {{ tags: [tier-standard], namespaces: [runners], runners: [1] }} }}\n{}",
        files.write("token", TOKEN),
        files.write("kubeconfig", &kubeconfig),
        files.write("password", PASSWORD),
        collector.start().await,
    );
    let basic = STANDARD_NO_PAD.encode(format!("{USER}:{PASSWORD}"));
    let proofs = [
        ("/gitlab/api/v4/", TOKEN),
        ("/gitlab/api/graphql", TOKEN),
        ("/alertmanager/", &*basic),
        ("/api/v1/", CLUSTER),
    ];

    let mut daemon = Running::start(&files, &yaml, &[]);
    daemon.becomes_ready().await;
    daemon.waits_for("everybody to be asked", || proofs.iter().all(|(path, proof)| asked.with(path, proof))).await;
    let mut said =
        daemon.pages(&["/", "/metrics", "/tiers/standard", "/api/v1/tiers/standard", "/api/v1/sources"]).await;
    assert_eq!(daemon.ends().await, Some(0), "after SIGTERM");
    said.push_str(&daemon.log());
    for repeated in ["[token]", "Bearer [token]", "its answer repeats the proof that it was sent"] {
        assert!(said.contains(repeated), "nobody repeated what was said: {repeated}");
    }
    said.push_str(&collector.sent());
    let encoded = [TOKEN, CLUSTER, PASSWORD].map(|secret| STANDARD_NO_PAD.encode(secret));
    for secret in ["CANARY", &*basic].into_iter().chain(encoded.iter().map(String::as_str)) {
        let place = said.find(secret).map(|at| &said[said.floor_char_boundary(at.saturating_sub(300))..at]);
        assert_eq!(place, None, "{secret} is told");
    }
}
