//! GitLab's own typed Go client reads whatever calls itself GitLab here.

use crate::support::gitlab_client::Reader;
use crate::support::loopback::serve;

use std::collections::BTreeSet;

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use tierwatch::clock::Clock;
use tierwatch::demo::gitlab_api::access;
use tierwatch::demo::{Demo, scenario};

#[tokio::test]
async fn the_client_tells_an_answer_of_the_wrong_type() {
    let version = get(|| async { axum::Json(serde_json::json!({ "version": 19, "revision": "1a2b3c" })) });
    let url = format!("http://{}", serve(Router::new().route("/api/v4/version", version)).await);

    let problems = Reader::default().read(&url, "glpat-not-a-secret").await.expect_err("nothing of it is GitLab");

    assert!(
        problems.iter().any(|text| text.starts_with("version: ") && text.contains("cannot unmarshal number")),
        "{problems:#?}"
    );
    assert!(problems.iter().any(|text| text.starts_with("runners/all: status 404")), "{problems:#?}");
}

/// The endless scenario: every kind of job is there at once.
async fn simulator() -> Demo {
    Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports")
}

#[tokio::test]
async fn the_client_reads_every_rest_endpoint_that_the_simulator_serves() {
    let demo = simulator().await;

    // Three rows a page: paging by offset and by keyset, with the links that the client follows.
    let reader = Reader { per_page: Some(3), ..Reader::default() };
    let read = reader.read(&demo.gitlab_url, access::ADMIN_TOKEN).await;
    let read = read.unwrap_or_else(|problems| panic!("{problems:#?}"));

    for (endpoint, items) in &read {
        assert!(!items.is_empty(), "nothing to read at {endpoint}");
    }
    let ids = |endpoint: &str| read[endpoint].iter().filter_map(|item| item["id"].as_u64()).collect::<BTreeSet<_>>();
    assert!(ids("projects").len() > 3, "fewer projects than a page has rows");
    assert_eq!(ids("runners/all"), ids("runners/:id"), "each runner of the list has details");
    let jobs = &read["projects/:id/jobs"];
    let states: BTreeSet<_> = jobs.iter().filter_map(|job| job["status"].as_str()).collect();
    assert!(states.contains("pending") && states.contains("running"), "{states:?}");
    let waited =
        |job: &Value| job["status"] == "pending" && job["queued_duration"].as_f64().is_some_and(|waited| waited > 0.0);
    assert!(jobs.iter().any(waited), "a pending job tells how long it waits");
}

#[tokio::test]
async fn a_maintainer_reads_all_but_the_instance_and_a_reporter_no_runners() {
    let demo = simulator().await;
    let all_runners = "runners/all";
    // The jobs of an instance's runner are for administrators too; those of the group's runners are not.
    let reader = Reader { may_refuse: vec![all_runners, "runners/:id/jobs"], ..Reader::default() };
    let read = reader.read(&demo.gitlab_url, access::MAINTAINER_TOKEN).await;
    let read = read.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(read[all_runners].is_empty(), "that list is for administrators");
    assert!(!read["groups/:id/runners"].is_empty(), "a maintainer sees the runners of the group");
    assert!(!read["runners/:id/jobs"].is_empty(), "and what they run");

    let problems = reader.read(&demo.gitlab_url, access::REPORTER_TOKEN).await.expect_err("a reporter is refused more");
    assert!(problems.iter().any(|text| text.starts_with("groups/:id/runners: status 403")), "{problems:#?}");
    assert!(!problems.iter().any(|text| text.contains("unmarshal")), "refused, not misunderstood: {problems:#?}");
}

#[tokio::test]
async fn a_token_that_is_no_good_is_refused_everywhere() {
    let demo = simulator().await;
    let problems = Reader::default().read(&demo.gitlab_url, access::EXPIRED_TOKEN).await.expect_err("it has expired");
    assert!(problems.iter().any(|text| text.starts_with("user: status 401")), "{problems:#?}");
}
