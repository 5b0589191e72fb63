//! Who is let in: TLS, certificates of clients, passwords, limits, by the file of `--web.config.file`; and that it is read again.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use reqwest::{Certificate, Client, ClientBuilder, Identity};
use serde_json::Value;
use support::{fake, served};
use tierwatch::config::Web;
use tierwatch::output::{Server, openapi};
use tierwatch::web::Door;
use tokio_util::sync::CancellationToken;

const SERVER: &str = include_str!("fixtures/gitlab/tls/valid.pem");
const SERVER_AUTHORITY: &str = include_str!("fixtures/gitlab/tls/authority.pem");
const EXPIRED: &str = include_str!("fixtures/gitlab/tls/expired.pem");
const CLIENTS_AUTHORITY: &str = include_str!("fixtures/web/clients-authority.pem");
const PROMETHEUS: &str = include_str!("fixtures/web/prometheus.pem");
const VISITOR: &str = include_str!("fixtures/web/visitor.pem");
const IMPOSTOR: &str = include_str!("fixtures/web/impostor.pem");

/// A daemon's server behind the door that the file in `folder` describes.
struct House {
    folder: tempfile::TempDir,
    address: String,
    keeper: Arc<tierwatch::web::Keeper>,
    written: u64,
    _stop: tokio_util::sync::DropGuard,
}

impl House {
    async fn with(file: &str, web: Web) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("tls.pem", SERVER), ("clients.pem", CLIENTS_AUTHORITY), ("web.yaml", file)] {
            write(&folder.path().join(name), text, 0);
        }
        let door = Door::open(&folder.path().join("web.yaml"), web).unwrap();
        let keeper = door.keeper();
        let (outputs, _judgements) = served::outputs(fake::full());
        let server = Server::bind("127.0.0.1:0", outputs).await.unwrap().behind(door);
        let scheme = if keeper.encrypts() { "https" } else { "http" };
        let address = format!("{scheme}://{}", server.local_addr());
        let stop = CancellationToken::new();
        tokio::spawn(server.run(stop.clone()));
        Self { folder, address, keeper, written: 0, _stop: stop.drop_guard() }
    }

    /// Writes `file` anew; the file system's clock may be coarser than this test.
    fn rewrite(&mut self, name: &str, text: &str) {
        self.written += 1;
        write(&self.path(name), text, self.written);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The status of the answer; `None` where no connection came about.
    async fn status(&self, client: &Client, path: &str, user: Option<(&str, &str)>) -> Option<u16> {
        let mut request = client.get(format!("{}{path}", self.address));
        if let Some((user, password)) = user {
            request = request.basic_auth(user, Some(password));
        }
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }
}

fn write(path: &Path, text: &str, age: u64) {
    std::fs::write(path, text).unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(1_000_000_000 + age);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

fn plain() -> ClientBuilder {
    let authority = Certificate::from_pem(SERVER_AUTHORITY.as_bytes()).unwrap();
    // Each request on a connection of its own: what was read again shows at the next connection.
    Client::builder().no_proxy().tls_certs_only([authority]).pool_max_idle_per_host(0)
}

fn anybody() -> Client {
    plain().build().unwrap()
}

fn showing(identity: &str) -> Client {
    plain().identity(Identity::from_pem(identity.as_bytes()).unwrap()).build().unwrap()
}

/// At the lowest cost, so that the tests wait for nothing.
fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

fn users() -> String {
    format!("basic_auth_users:\n  oncall: {}\n  prometheus: {}\n", hash("night"), hash("scrape"))
}

const TLS: &str = "tls_server_config: { cert_file: tls.pem, key_file: tls.pem }\n";
const MUTUAL: &str = "tls_server_config: { cert_file: tls.pem, key_file: tls.pem, client_ca_file: clients.pem, \
                      client_auth_type: RequireAndVerifyClientCert";

#[tokio::test]
async fn without_the_right_password_nobody_reads_anything_but_probes() {
    let house = House::with(&users(), Web::default()).await;
    let client = anybody();
    for path in ["/", "/metrics", "/api/v1/tiers", "/boundaries", "/runbooks/TierDown", "/style.css", "/nothing/here"] {
        assert_eq!(house.status(&client, path, None).await, Some(401), "{path}");
        assert_eq!(house.status(&client, path, Some(("oncall", "day"))).await, Some(401), "{path}");
        assert_eq!(house.status(&client, path, Some(("nobody", "night"))).await, Some(401), "{path}");
        let there = if path == "/nothing/here" { 404 } else { 200 };
        assert_eq!(house.status(&client, path, Some(("oncall", "night"))).await, Some(there), "{path}");
    }
    for path in ["/livez", "/-/healthy", "/readyz", "/-/ready"] {
        assert_eq!(house.status(&client, path, None).await, Some(200), "{path}");
    }
    let refused = client.get(format!("{}/", house.address)).send().await.unwrap();
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    assert!(refused.headers().contains_key("content-security-policy") || refused.text().await.unwrap().len() < 100);
}

#[tokio::test]
async fn a_proof_that_is_none_is_refused() {
    let house = House::with(&users(), Web::default()).await;
    for header in
        ["Basic", "Basic ", "Basic !!!", "Basic b25jYWxs", "Bearer bmlnaHQ=", "Basic b25jYWxsOg==", "Basic /////w=="]
    {
        let request = anybody().get(format!("{}/metrics", house.address)).header("authorization", header);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 401, "{header}");
    }
}

#[tokio::test]
async fn pages_and_metrics_may_be_for_different_people() {
    let web = Web { metrics_only_users: vec!["prometheus".into()], open_metrics: false };
    let house = House::with(&users(), web).await;
    let client = anybody();
    let scraper = Some(("prometheus", "scrape"));
    assert_eq!(house.status(&client, "/metrics", scraper).await, Some(200));
    for path in ["/", "/api/v1/tiers", "/metrics/", "/Metrics", "/jobs/1"] {
        assert_eq!(house.status(&client, path, scraper).await, Some(403), "{path}");
    }
    let open = House::with(&users(), Web { open_metrics: true, ..Web::default() }).await;
    assert_eq!(open.status(&client, "/metrics", None).await, Some(200));
    assert_eq!(open.status(&client, "/", None).await, Some(401));
}

#[tokio::test]
async fn a_name_that_is_no_user_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yaml");
    std::fs::write(&file, users()).unwrap();
    let web = Web { metrics_only_users: vec!["grafana".into()], open_metrics: false };
    let told = Door::open(&file, web).unwrap_err().told();
    assert!(told.starts_with("web.metrics_only_users names \"grafana\", who is no user of "), "{told}");
}

#[tokio::test]
async fn connections_are_encrypted_and_over_http_2_where_the_client_can() {
    let house = House::with(TLS, Web::default()).await;
    let answer = anybody().get(format!("{}/metrics", house.address)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let in_the_clear = house.address.replace("https", "http");
    assert!(anybody().get(in_the_clear).send().await.is_err(), "a plain request is not answered");
}

#[tokio::test]
async fn only_a_good_certificate_is_let_in_and_probes_need_none() {
    let house = House::with(&format!("{MUTUAL} }}\n"), Web::default()).await;
    for path in ["/", "/metrics", "/api/v1/sources"] {
        assert_eq!(house.status(&anybody(), path, None).await, Some(403), "{path}");
        assert_eq!(house.status(&showing(PROMETHEUS), path, None).await, Some(200), "{path}");
        assert_eq!(house.status(&showing(IMPOSTOR), path, None).await, None, "{path}: signed by somebody else");
    }
    assert_eq!(house.status(&anybody(), "/livez", None).await, Some(200));
}

#[tokio::test]
async fn a_certificate_must_carry_one_of_the_names() {
    for (name, status) in [
        ("prometheus.example.com", 200),
        ("10.0.0.7", 200),
        ("'spiffe://example.com/prometheus'", 200),
        ("example.com", 403),
        ("other.example.com", 403),
    ] {
        let house = House::with(&format!("{MUTUAL}, client_allowed_sans: [{name}] }}\n"), Web::default()).await;
        assert_eq!(house.status(&showing(PROMETHEUS), "/metrics", None).await, Some(status), "{name}");
        assert_eq!(house.status(&showing(VISITOR), "/metrics", None).await, Some(403), "{name}");
    }
}

#[tokio::test]
async fn a_certificate_and_a_password_may_both_be_needed() {
    let house = House::with(&format!("{MUTUAL} }}\n{}", users()), Web::default()).await;
    let right = Some(("oncall", "night"));
    assert_eq!(house.status(&showing(VISITOR), "/", right).await, Some(200));
    assert_eq!(house.status(&showing(VISITOR), "/", None).await, Some(401));
    assert_eq!(house.status(&anybody(), "/", right).await, Some(403));
}

#[tokio::test]
async fn a_changed_file_holds_at_once_and_a_broken_one_changes_nothing() {
    let mut house = House::with(&users(), Web::default()).await;
    let client = anybody();
    assert_eq!(house.status(&client, "/", Some(("oncall", "night"))).await, Some(200));
    house.rewrite("web.yaml", &format!("basic_auth_users: {{ oncall: '{}' }}\n", hash("dawn")));
    assert_eq!(house.status(&client, "/", Some(("oncall", "night"))).await, Some(401));
    assert_eq!(house.status(&client, "/", Some(("oncall", "dawn"))).await, Some(200));
    assert!(house.keeper.failure().is_none());

    house.rewrite("web.yaml", "basic_auth_users: { oncall: CANARY }\n");
    assert_eq!(house.status(&client, "/", Some(("oncall", "dawn"))).await, Some(200), "the former file holds");
    assert_eq!(house.status(&client, "/", None).await, Some(401), "and the door is not open");
    let failure = house.keeper.failure().unwrap();
    assert!(failure.contains("basic_auth_users.oncall") && !failure.contains("CANARY"), "{failure}");

    house.rewrite("web.yaml", TLS);
    assert!(house.keeper.failure().unwrap().contains("takes a restart"));
    house.rewrite("web.yaml", &users());
    assert!(house.keeper.failure().is_none());
    std::fs::remove_file(house.path("web.yaml")).unwrap();
    assert!(house.keeper.failure().is_some());
    assert_eq!(house.status(&client, "/", None).await, Some(401), "without its file the door stays shut");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_connection() {
    let mut house = House::with(TLS, Web::default()).await;
    assert_eq!(house.status(&anybody(), "/livez", None).await, Some(200));
    house.rewrite("tls.pem", EXPIRED);
    assert_eq!(house.status(&anybody(), "/livez", None).await, None, "what is shown now has ended");
    house.rewrite("tls.pem", "-----BEGIN CERTIFICATE-----\nCANARY\n");
    assert_eq!(house.status(&anybody(), "/livez", None).await, None);
    let failure = house.keeper.failure().unwrap();
    assert!(failure.contains("tls_server_config.cert_file") && !failure.contains("CANARY"), "{failure}");
    house.rewrite("tls.pem", SERVER);
    assert_eq!(house.status(&anybody(), "/livez", None).await, Some(200));
}

#[tokio::test]
async fn a_burst_is_answered_and_no_more() {
    let house = House::with("rate_limit: { interval: 1m, burst: 3 }\n", Web::default()).await;
    let client = anybody();
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(house.status(&client, "/metrics", None).await);
    }
    assert_eq!(answers, [Some(200), Some(200), Some(200), Some(429), Some(429)]);
    assert_eq!(house.status(&client, "/livez", None).await, Some(200), "a kubelet is never turned away");
}

/// What the document of the JSON says of a refusal with this status.
fn documented(status: u16) -> Value {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let answer = &document["paths"]["/api/v1/tiers"]["get"]["responses"][status.to_string()];
    let place = answer["$ref"].as_str().unwrap().trim_start_matches('#');
    document.pointer(place).unwrap().clone()
}

#[tokio::test]
async fn refusals_are_as_the_document_of_the_json_says() {
    let with_users = House::with(&users(), Web::default()).await;
    let with_certificates = House::with(&format!("{MUTUAL} }}\n"), Web::default()).await;
    let limited = House::with("rate_limit: { interval: 1m, burst: 1 }\n", Web::default()).await;
    assert_eq!(limited.status(&anybody(), "/api/v1/tiers", None).await, Some(200));
    for (house, status) in [(with_users, 401), (with_certificates, 403), (limited, 429)] {
        let refused = anybody().get(format!("{}/api/v1/tiers", house.address)).send().await.unwrap();
        let (documented, headers) = (documented(status), refused.headers());
        assert_eq!(refused.status().as_u16(), status);
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8", "{status}");
        assert!(documented["content"]["text/plain"].is_object(), "{documented}");
        for name in documented["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            assert!(headers.contains_key(name.as_str()), "{status} without {name}");
        }
    }
}

#[tokio::test]
async fn headers_of_the_file_go_over_ours() {
    let file =
        "http_server_config:\n  headers: { X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=60 }\n";
    let house = House::with(file, Web::default()).await;
    let answer = anybody().get(&house.address).send().await.unwrap();
    assert_eq!(answer.headers()["x-frame-options"], "sameorigin");
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=60");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "ours stay");
}

#[tokio::test]
async fn a_client_that_agrees_on_nothing_holds_up_nobody() {
    let house = House::with(TLS, Web::default()).await;
    let host = house.address.trim_start_matches("https://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(tokio::net::TcpStream::connect(&host).await.unwrap());
    }
    assert_eq!(house.status(&anybody(), "/livez", None).await, Some(200));
}
