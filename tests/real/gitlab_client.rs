//! GitLab's own typed Go client reads whatever calls itself GitLab here.

use crate::support::gitlab_client::Reader;

use axum::Router;
use axum::routing::get;

async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test]
async fn the_client_tells_an_answer_of_the_wrong_type() {
    let version = get(|| async { axum::Json(serde_json::json!({ "version": 19, "revision": "1a2b3c" })) });
    let url = serve(Router::new().route("/api/v4/version", version)).await;

    let problems = Reader::default().read(&url, "glpat-not-a-secret").await.expect_err("nothing of it is GitLab");

    assert!(
        problems.iter().any(|text| text.starts_with("version: ") && text.contains("cannot unmarshal number")),
        "{problems:#?}"
    );
    assert!(problems.iter().any(|text| text.starts_with("runners/all: status 404")), "{problems:#?}");
}
