//! B23: what the queries cost, on more series than five tiers may ever have.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Router;
use axum::routing::get;
use tierwatch::metrics::catalogue::{self, Kind, Label, Row, Values};

use super::asked::{Clocks, all, filled};
use crate::support::loopback::serve;
use crate::support::prometheus::{Prometheus, Version};
use crate::support::{now, say, until};

const TIERS: [&str; 5] = ["deployment", "protected", "sandbox", "shared", "standard"];
const REGISTRIES: usize = 4;
const RUNNERS: usize = 20;
const BUCKETS: [f64; 12] = [1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, f64::INFINITY];

/// Every series of the exposition, some of which a tier can never have at once, is more than 4,000.
const AT_LEAST: usize = 4_000;

/// A graph of six hours has so many points on a wide screen.
const POINTS: f64 = 1_000.0;

/// Samples that one point of a graph may read.
const SAMPLES_A_POINT: f64 = 12_000.0;

/// Seconds of one query, on a machine that does something else beside it.
const SECONDS: f64 = 5.0;

fn values(label: &Label) -> Vec<String> {
    match label.values {
        Values::Closed(values) => values().into_iter().map(str::to_owned).collect(),
        Values::Tiers => TIERS.map(str::to_owned).to_vec(),
        Values::Registries => (0..REGISTRIES).map(|number| format!("registry-{number}.example.com")).collect(),
        // A runner has one token: the second of its labels follows the first.
        Values::Runners(_) if label.name == "short_sha" => vec!["glrt-abc".to_owned()],
        Values::Runners(_) => (0..RUNNERS).map(|number| number.to_string()).collect(),
        Values::Build(_) => vec!["0.0.0".to_owned()],
    }
}

/// Every label set that a row can have.
fn sets(row: &Row) -> Vec<String> {
    row.labels.iter().fold(vec![String::new()], |sets, label| {
        let comma = |set: &str| if set.is_empty() { "" } else { "," };
        sets.iter()
            .flat_map(|set| {
                values(label).into_iter().map(move |value| format!("{set}{}{}=\"{value}\"", comma(set), label.name))
            })
            .collect()
    })
}

/// Everything that can be told, at once; counters rise with `seconds`.
fn exposition(seconds: f64) -> String {
    let mut text = String::new();
    let mut line =
        |name: &str, set: &str, value: f64| writeln!(text, "{name}{{{set}}} {value}").expect("a string takes any text");
    for row in catalogue::ALL {
        for set in sets(row) {
            match row.kind {
                Kind::Gauge => line(row.name, &set, 1.0),
                Kind::Counter => line(row.name, &set, seconds),
                Kind::Histogram => {
                    for (position, le) in BUCKETS.iter().enumerate() {
                        let le = if le.is_finite() { le.to_string() } else { "+Inf".to_owned() };
                        let comma = if set.is_empty() { "" } else { "," };
                        line(
                            &format!("{}_bucket", row.name),
                            &format!("{set}{comma}le=\"{le}\""),
                            seconds * (position + 1) as f64,
                        );
                    }
                    line(&format!("{}_sum", row.name), &set, seconds * 60.0);
                    line(&format!("{}_count", row.name), &set, seconds * BUCKETS.len() as f64);
                }
            }
        }
    }
    text
}

/// Classic buckets only, too: what the scenarios answer with native ones, they answer here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b23_no_query_is_expensive() {
    let began = now();
    let series = exposition(0.0).lines().count();
    assert!(series > AT_LEAST, "only {series} series");
    let app = Router::new()
        .route("/metrics", get(move || async move { exposition(now().duration_since(began).as_secs_f64()) }));
    let prometheus = Prometheus::start(Version::Three, &serve(app).await.to_string()).await;
    prometheus.scraped().await;
    until("eight scrapes", async || {
        let rows = prometheus.query("count_over_time(tierwatch_build_info[1m]) >= 8").await;
        if rows.is_empty() { Err("too few".to_owned()) } else { Ok(()) }
    })
    .await;

    let end = now().as_millisecond() as f64 / 1000.0;
    let clocks = Clocks { speed: 1.0, began: end - 6.0, range: 6.0, scrape: 1.0 };
    let step = (clocks.range / POINTS).to_string();
    let (begin, end) = (clocks.began.to_string(), end.to_string());
    let mut costs: BTreeMap<String, (f64, f64, String)> = BTreeMap::new();
    let (mut empty, mut dear) = (vec![], vec![]);
    for asked in all().into_iter().filter(|asked| !asked.expr.starts_with("label_values(")) {
        if costs.contains_key(&asked.expr) {
            continue;
        }
        // Four scrapes of a second are the window here, as four of a quarter of a minute are elsewhere.
        let expr = filled(&asked.expr.replace("$__rate_interval", "4s"), clocks);
        let now = ["stat", "table"].contains(&asked.kind.as_str());
        let start = if now { end.as_str() } else { begin.as_str() };
        let times = [("start", start), ("end", end.as_str()), ("step", step.as_str()), ("stats", "all")];
        let query: Vec<(&str, &str)> = [("query", expr.as_str())].into_iter().chain(times).collect();
        let answer = prometheus.get("/api/v1/query_range", &query).await.unwrap_or_else(|e| panic!("{expr}: {e}"));
        let stats = &answer["stats"];
        let points = if now { 1.0 } else { POINTS };
        let samples = stats["samples"]["totalQueryableSamples"].as_f64().expect("Prometheus counts") / points;
        let seconds = stats["timings"]["execTotalTime"].as_f64().expect("Prometheus measures");
        let place = format!("{}: {}", asked.board, asked.place);
        if samples > SAMPLES_A_POINT || seconds > SECONDS {
            dear.push(format!("{place}: {samples:.0} samples a point, {seconds:.3} s: {}", asked.expr));
        }
        let is_histogram = asked.expr.contains("_bucket{") || asked.expr.contains("_count{");
        if is_histogram && answer["result"].as_array().is_none_or(Vec::is_empty) {
            empty.push(format!("{place}: {}", asked.expr));
        }
        costs.insert(asked.expr, (samples, seconds, place));
    }
    assert!(dear.is_empty(), "\n{}", dear.join("\n"));
    assert!(empty.is_empty(), "classic buckets answer nothing:\n{}", empty.join("\n"));
    let mut dearest: Vec<_> = costs.values().collect();
    dearest.sort_by(|one, other| other.1.total_cmp(&one.1));
    let all: f64 = costs.values().map(|(_, seconds, _)| seconds).sum();
    say(&format!(
        "dashboards: {} queries over {series} series take {all:.1} s of Prometheus, {POINTS} points each",
        costs.len()
    ));
    for (samples, seconds, place) in dearest.iter().take(5) {
        say(&format!("  {seconds:.3} s, {samples:.0} samples a point: {place}"));
    }
}
