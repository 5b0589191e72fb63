//! Real Prometheus servers read what is served; here a page by hand, to know the servers and the harness.

use axum::Router;
use axum::http::header;
use axum::routing::get;

use crate::support::loopback;
use crate::support::prometheus::{Prometheus, Version, check_metrics, promtool};

const PAGE: &str = "\
# HELP tierwatch_queue_pending_jobs Jobs that are proven eligible and waiting now.
# TYPE tierwatch_queue_pending_jobs gauge
tierwatch_queue_pending_jobs{tier=\"deployment\"} 0
tierwatch_queue_pending_jobs{tier=\"standard\"} 12
# HELP tierwatch_queue_wait_seconds From queued to started as GitLab counts it.
# TYPE tierwatch_queue_wait_seconds histogram
tierwatch_queue_wait_seconds_bucket{tier=\"standard\",le=\"1\"} 1
tierwatch_queue_wait_seconds_bucket{tier=\"standard\",le=\"+Inf\"} 3
tierwatch_queue_wait_seconds_sum{tier=\"standard\"} 61.5
tierwatch_queue_wait_seconds_count{tier=\"standard\"} 3
# HELP tierwatch_jobs_dropped_total Jobs that GitLab gave up waiting for.
# TYPE tierwatch_jobs_dropped_total counter
tierwatch_jobs_dropped_total{tier=\"standard\",reason=\"other\"} 0
";

/// Serves the page on a free port; host and port.
async fn serve() -> String {
    let page = get(|| async { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], PAGE) });
    loopback::serve(Router::new().route("/metrics", page)).await.to_string()
}

async fn reads_the_page(version: Version) {
    let server = Prometheus::start(version, &serve().await).await;
    server.scraped().await;

    assert_eq!(server.value("sum(tierwatch_queue_pending_jobs)").await, 12.0, "{}", server.last_words());
    let rows = server.query("tierwatch_queue_pending_jobs{tier=\"standard\"}").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].0.get("tier").map(String::as_str), Some("standard"), "{rows:?}");
    let kinds: Vec<_> =
        server.metadata().await.into_iter().map(|(name, about)| (name, about.kind, about.help, about.unit)).collect();
    let expected = [
        ("tierwatch_jobs_dropped_total", "counter", "Jobs that GitLab gave up waiting for."),
        ("tierwatch_queue_pending_jobs", "gauge", "Jobs that are proven eligible and waiting now."),
        ("tierwatch_queue_wait_seconds", "histogram", "From queued to started as GitLab counts it."),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, kind, help)| ((*name).to_owned(), (*kind).to_owned(), (*help).to_owned(), String::new()))
        .collect();
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn prometheus_3_scrapes_and_knows_each_type() {
    reads_the_page(Version::Three).await;
}

#[tokio::test]
async fn prometheus_2_42_scrapes_and_knows_each_type() {
    reads_the_page(Version::Two).await;
}

#[test]
fn promtool_finds_a_clean_page_clean_and_a_bad_one_bad() {
    assert_eq!(check_metrics(PAGE), Ok(()));
    let bad = "# TYPE tierwatch_jobs_dropped counter\ntierwatch_jobs_dropped 1\n";
    let complaint = check_metrics(bad).expect_err("neither help nor _total");
    assert!(complaint.contains("counter metrics should have \"_total\" suffix"), "{complaint}");
    assert!(promtool(&["check", "rules"], "groups: [{ name: a, rules: [{ record: b, expr: c( }] }]").is_err());
}
