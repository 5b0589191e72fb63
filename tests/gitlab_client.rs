//! The client against a small server on loopback: everything the `gitlab` crate leaves to its client.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::time::Duration;

use axum::http::HeaderMap;
use gitlab::api::projects::jobs::{Job, Jobs};
use gitlab::api::{ApiError, AsyncQuery, Pagination, paged, raw};
use serde_json::{Value, json};
use tierwatch::metrics::{Operation, Own};
use tierwatch::observation::{Failure, FailureClass};
use tierwatch::source::gitlab::{Client, ClientError};

mod gitlab_server;
use gitlab_server::{Bench, CANARY, Server, error_reply, json_reply, reply, stream_reply};

fn client(bench: &Bench) -> Client {
    Client::new(&bench.config, bench.clock(), Own::default()).unwrap()
}

async fn ask(client: &Client) -> Result<Value, ClientError> {
    let endpoint = Job::builder().project(1).job(7).build().unwrap();
    let body: Result<Vec<u8>, _> = raw(endpoint).query_async(&client.call(Operation::Job)).await;
    body.map(|body| serde_json::from_slice(&body).unwrap()).map_err(ours)
}

fn ours(error: ApiError<ClientError>) -> ClientError {
    let ApiError::Client { source } = error else { panic!("not our error: {error}") };
    source
}

/// Every text of an error, searched for the token.
fn said(error: &ClientError) -> String {
    let failure = Failure::from(error);
    let all = format!("{error} {error:?} {failure:?}");
    assert!(!all.contains(CANARY), "{all}");
    assert!(failure.detail.chars().count() < 600, "{}", failure.detail);
    assert!(!failure.detail.chars().any(char::is_control), "{:?}", failure.detail);
    failure.detail
}

#[tokio::test]
async fn a_request_carries_token_and_name() {
    let server = Server::start(|_| json_reply(&json!({"id": 7}))).await;
    let bench = Bench::new(&server);
    assert_eq!(ask(&client(&bench)).await.unwrap()["id"], 7);
    let asked = &server.seen()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/api/v4/projects/1/jobs/7"));
    assert_eq!(asked.token.as_deref(), Some(CANARY));
    assert_eq!(asked.agent, concat!("tierwatch/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_relative_root_is_kept() {
    let server = Server::start(|_| json_reply(&json!({}))).await;
    for root in ["gitlab", "gitlab/"] {
        let mut bench = Bench::new(&server);
        bench.config.url = server.url.join(root).unwrap();
        ask(&client(&bench)).await.unwrap();
    }
    assert!(server.seen().iter().all(|asked| asked.path == "/gitlab/api/v4/projects/1/jobs/7"));
}

#[tokio::test]
async fn a_replaced_token_file_is_used_by_the_next_request() {
    let server = Server::start(|_| json_reply(&json!({}))).await;
    let bench = Bench::new(&server);
    let client = client(&bench);
    ask(&client).await.unwrap();
    assert!(!format!("{client:?} {:?}", client.call(Operation::Job)).contains(CANARY));
    let file = bench.dir.path().join("token");
    std::fs::write(&file, "glpat-second").unwrap();
    // The file system's clock may be coarser than this test.
    let later = std::fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(2);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    ask(&client).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let error = ask(&client).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Secret);
    let tokens: Vec<_> = server.seen().into_iter().map(|asked| asked.token.unwrap()).collect();
    assert_eq!(tokens, [CANARY, "glpat-second"]);
}

#[tokio::test]
async fn a_token_that_is_no_header_is_refused_without_being_printed() {
    let server = Server::start(|_| json_reply(&json!({}))).await;
    let bench = Bench::new(&server);
    std::fs::write(bench.dir.path().join("token"), format!("{CANARY}\nsecond line")).unwrap();
    let error = ask(&client(&bench)).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Secret);
    assert!(said(&error).contains("one token on one line"));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn refusals_have_classes_and_one_line() {
    let scope = json!({"error": "insufficient_scope", "error_description": "The request requires higher privileges.",
        "scope": "api read_api"});
    let table: Vec<(u16, Vec<u8>, FailureClass, &str)> = vec![
        (
            401,
            br#"{"message":"401 Unauthorized"}"#.to_vec(),
            FailureClass::Unauthorized,
            "answered 401: 401 Unauthorized",
        ),
        (403, scope.to_string().into_bytes(), FailureClass::Forbidden, "needs the scope api read_api"),
        (404, br#"{"message":"404 Project Not Found"}"#.to_vec(), FailureClass::NotFound, "404 Project Not Found"),
        (500, br#"{"message":"500 Internal Server Error"}"#.to_vec(), FailureClass::ServerError, "500"),
        (
            502,
            b"<html><head><title>502 Bad Gateway</title></head></html>".to_vec(),
            FailureClass::ServerError,
            "answered 502: 502 Bad Gateway",
        ),
        (503, vec![0xff, 0xfe, 0, 7, 27], FailureClass::ServerError, "answered 503"),
        (
            500,
            format!("token {CANARY} {}", "\u{1b}[31mx".repeat(50_000)).into_bytes(),
            FailureClass::ServerError,
            "[token]",
        ),
        (302, Vec::new(), FailureClass::Other, "answered 302"),
    ];
    for (status, body, class, text) in table {
        let server = Server::start(move |_| reply(status, &[], body.clone())).await;
        let error = ask(&client(&Bench::new(&server))).await.unwrap_err();
        assert_eq!(error.class(), class, "{status}");
        assert!(said(&error).contains(text), "{error}");
    }
}

#[tokio::test]
async fn both_kinds_of_429_keep_their_retry_after() {
    let limiter = r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#;
    for (body, header, expected) in [
        (limiter, Some("60"), Some(60)),
        (limiter, None, None),
        ("Retry later\n", Some("17"), Some(17)),
        ("Retry later\n", None, None),
        ("Retry later\n", Some("999999"), Some(900)),
    ] {
        let server = Server::start(move |_| {
            let headers: Vec<_> = header.map(|value| ("retry-after", value)).into_iter().collect();
            reply(429, &headers, body)
        })
        .await;
        let bench = Bench::new(&server);
        let client = client(&bench);
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::RateLimited);
        assert_eq!(error.retry_after(), expected.map(Duration::from_secs));
        said(&error);
        // The throttle concerns all that this user asks, the limiter only its endpoint.
        let again = ask(&client).await.unwrap_err();
        assert_eq!(again.class(), FailureClass::RateLimited);
        assert_eq!(server.seen().len(), if body == limiter { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_paged_429_keeps_its_retry_after_too() {
    let server = Server::start(|_| reply(429, &[("retry-after", "9")], "Retry later\n")).await;
    let bench = Bench::new(&server);
    let endpoint = Jobs::builder().project(1).build().unwrap();
    let rows: Result<Vec<Value>, _> =
        paged(endpoint, Pagination::All).query_async(&client(&bench).call(Operation::ProjectJobs)).await;
    assert_eq!(ours(rows.unwrap_err()).retry_after(), Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn a_link_to_another_origin_gets_no_token() {
    let thief = Server::start(|_| json_reply(&json!([]))).await;
    let link = format!("<{}api/v4/projects/1/jobs?cursor=x>; rel=\"next\"", thief.url);
    let server = Server::start(move |_| reply(200, &[("link", &link)], json!(vec![1; 100]).to_string())).await;
    let bench = Bench::new(&server);
    let endpoint = Jobs::builder().project(1).build().unwrap();
    let rows: Result<Vec<Value>, _> =
        paged(endpoint, Pagination::All).query_async(&client(&bench).call(Operation::ProjectJobs)).await;
    let error = ours(rows.unwrap_err());
    assert_eq!(error.class(), FailureClass::ForeignOrigin);
    assert!(said(&error).contains(thief.url.as_str().trim_end_matches('/')));
    assert!(thief.seen().is_empty(), "nothing at all is sent there");
}

#[tokio::test]
async fn a_redirect_is_followed_at_home_and_refused_elsewhere() {
    let thief = Server::start(|_| json_reply(&json!({}))).await;
    for status in [301, 302, 307, 308] {
        let away = thief.url.to_string();
        let server = Server::start(move |_| reply(status, &[("location", &away)], "")).await;
        let error = ask(&client(&Bench::new(&server))).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::ForeignOrigin);
        said(&error);
    }
    assert!(thief.seen().is_empty());

    let server = Server::start(|asked| match asked.path.as_str() {
        "/moved" => json_reply(&json!({"id": 7})),
        _ => reply(301, &[("location", "/moved")], ""),
    })
    .await;
    assert_eq!(ask(&client(&Bench::new(&server))).await.unwrap()["id"], 7);
    let server = Server::start(|_| reply(302, &[("location", "/round")], "")).await;
    assert_eq!(ask(&client(&Bench::new(&server))).await.unwrap_err().class(), FailureClass::Other);
}

#[tokio::test]
async fn a_body_that_drips_ends_at_the_timeout() {
    let server = Server::start(|_| stream_reply(HeaderMap::new(), vec!["{".into()], true)).await;
    let mut bench = Bench::new(&server);
    bench.config.timeout = Duration::from_millis(200);
    let error = ask(&client(&bench)).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Timeout);
    assert_eq!(said(&error), "looking up a job: no complete answer in time");
}

#[tokio::test]
async fn an_endless_body_is_cut_announced_or_not_packed_or_not() {
    let chunk = bytes::Bytes::from(vec![b' '; 64 << 10]);
    let streamed = chunk.clone();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, &vec![b' '; 8 << 20]).unwrap();
    let packed = packer.finish().unwrap();
    assert!(packed.len() < 64 << 10, "the packed answer itself is small");
    let server = Server::start(move |asked| match asked.before {
        0 => stream_reply(HeaderMap::new(), vec![streamed.clone(); 64], true),
        1 => reply(200, &[], vec![b' '; 2 << 20]),
        _ => reply(200, &[("content-encoding", "gzip")], packed.clone()),
    })
    .await;
    let bench = Bench::new(&server);
    let client = client(&bench);
    for kind in ["streamed", "announced", "packed"] {
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::TooLarge, "{kind}: {error}");
        said(&error);
    }
}

#[tokio::test]
async fn the_network_failing_has_classes() {
    let server = Server::start(|_| json_reply(&json!({}))).await;
    let failed = async |url: &str| {
        let mut bench = Bench::new(&server);
        bench.config.url = url.parse().unwrap();
        let error = ask(&client(&bench)).await.unwrap_err();
        said(&error);
        error.class()
    };
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(failed(&format!("http://{closed}/")).await, FailureClass::Connection);
    assert_eq!(failed("http://gitlab.invalid/").await, FailureClass::Dns);
    // A server that speaks no TLS.
    let plain = format!("https://127.0.0.1:{}/", server.url.port().unwrap());
    assert_eq!(failed(&plain).await, FailureClass::Tls);
}

#[tokio::test]
async fn certificate_authorities_that_are_none_are_told_at_the_start() {
    let server = Server::start(|_| json_reply(&json!({}))).await;
    let mut bench = Bench::new(&server);
    let file = bench.dir.path().join("ca.pem");
    bench.config.ca_file = Some(file.clone());
    for (text, expected) in [(None, "No such file"), (Some("hello"), "no PEM certificate in it")] {
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let error = Client::new(&bench.config, bench.clock(), Own::default()).unwrap_err();
        assert_eq!(error.class(), FailureClass::Tls);
        assert!(said(&error).contains(expected), "{error}");
    }
}

#[tokio::test]
async fn the_budget_is_shared_and_runs_on_our_clock() {
    let server = Server::start(|_| error_reply(404, "404 Not found")).await;
    let mut bench = Bench::new(&server);
    bench.config.requests_per_minute = 40;
    let clock = bench.clock();
    let client = Client::new(&bench.config, clock.clone(), Own::default()).unwrap();
    // A burst of 10, then one every 1.5 s of the clock's time.
    let asks = (0..20).map(|_| ask(&client));
    futures::future::join_all(asks).await;
    let took = clock.now().mono;
    assert!(took >= Duration::from_secs(13), "20 requests took only {took:?} of the clock's time");
    assert_eq!(server.seen().len(), 20);
}
