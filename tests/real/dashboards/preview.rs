//! Pictures of the dashboards from what a Prometheus answered, for people to look at.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::answers::folder;
use super::asked::{Clocks, all, filled};
use crate::support::prometheus::Prometheus;
use crate::support::{node, say};

/// Which scenario is drawn: several tiers hurt in it, of different causes.
pub(super) fn scenario() -> String {
    std::env::var("PREVIEW").unwrap_or_else(|_| "registry-rate-limit".to_owned())
}

/// Seconds of Prometheus' time between two points of a graph.
const STEP: f64 = 0.5;

/// Writes a page for each dashboard, as it was when most alerts fired.
pub(super) async fn draw(prometheus: &Prometheus, clocks: Clocks, end: f64) {
    let end = worst_moment(prometheus, clocks.began, end).await;
    let clocks = Clocks { range: end - clocks.began, ..clocks };
    let mut boards: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for asked in all() {
        let Some(key) = asked.key else { continue };
        let now = ["stat", "table"].contains(&asked.kind.as_str());
        // How often a minute: of the story, not of ours.
        let per = if ["cpm", "cps"].contains(&asked.unit.as_str()) { clocks.speed } else { 1.0 };
        let moment = asked.expr.contains("ALERTS_FOR_STATE");
        let answer = series(prometheus, &filled(&asked.expr, clocks), clocks, end, now).await;
        let scaled = |value: f64| if moment { story(value / 1000.0, clocks) * 1000.0 } else { value / per };
        boards.entry(asked.board).or_default().insert(key, shown(&answer, scaled));
    }
    let results = json!({ "begin": clocks.began, "end": end, "speed": clocks.speed, "step": STEP, "boards": boards });
    let (results_file, root) = (folder().join("results.json"), Path::new(env!("CARGO_MANIFEST_DIR")));
    std::fs::write(&results_file, results.to_string()).unwrap_or_else(|e| panic!("writing the answers: {e}"));
    let node = Command::new("node")
        .arg(root.join("tests/real/dashboards/preview.mjs"))
        .args([node::modules("dashboards"), root.join("dashboards"), results_file, folder()])
        .output()
        .unwrap_or_else(|e| panic!("running node: {e}"));
    assert!(node.status.success(), "the preview: {}", String::from_utf8_lossy(&node.stderr));
    say(&format!("dashboards: a preview of each in {}", folder().display()));
}

/// On the preview's clock the end is now, so that ages and spans are of the story.
fn story(at: f64, clocks: Clocks) -> f64 {
    let end = clocks.began + clocks.range;
    end - (end - at) * clocks.speed
}

async fn worst_moment(prometheus: &Prometheus, begin: f64, end: f64) -> f64 {
    let query = "count(ALERTS{alertstate=\"firing\",alertname!=\"TierwatchDown\"})";
    let (from, to) = (begin.to_string(), end.to_string());
    let times = [("query", query), ("start", from.as_str()), ("end", to.as_str()), ("step", "1")];
    let answer = prometheus.get("/api/v1/query_range", &times).await.unwrap_or_else(|e| panic!("{query}: {e}"));
    let values = answer["result"][0]["values"].as_array().cloned().unwrap_or_default();
    let number = |value: &Value| value[1].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let worst = values.iter().max_by(|one, other| number(one).total_cmp(&number(other)));
    worst.and_then(|value| value[0].as_f64()).unwrap_or(end)
}

async fn series(prometheus: &Prometheus, expr: &str, clocks: Clocks, end: f64, now: bool) -> Value {
    let (begin, end, step) = (clocks.began.to_string(), end.to_string(), STEP.to_string());
    let (path, times) = if now {
        ("/api/v1/query", vec![("query", expr), ("time", end.as_str())])
    } else {
        let from = [("query", expr), ("start", begin.as_str()), ("end", end.as_str()), ("step", step.as_str())];
        ("/api/v1/query_range", from.to_vec())
    };
    prometheus.get(path, &times).await.unwrap_or_else(|e| panic!("{expr}: {e}"))
}

fn shown(answer: &Value, scaled: impl Fn(f64) -> f64) -> Value {
    let number = |value: &Value| value[1].as_str().and_then(|text| text.parse::<f64>().ok()).map(&scaled);
    let point = |value: &Value| json!([value[0], number(value)]);
    let rows = answer["result"].as_array().cloned().unwrap_or_default();
    let series: Vec<Value> = rows
        .iter()
        .filter(|row| row["value"].is_array() || row["values"].is_array())
        .map(|row| {
            let values = row["values"].as_array().cloned().unwrap_or_else(|| vec![row["value"].clone()]);
            json!({ "labels": row["metric"], "values": values.iter().map(point).collect::<Vec<_>>() })
        })
        .collect();
    let text = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
    let bucket = |bucket: &Value| json!([text(&bucket[1]), text(&bucket[2]), text(&bucket[3])]);
    let buckets = |at: &Value| at[1]["buckets"].as_array().map(|all| all.iter().map(bucket).collect::<Vec<_>>());
    let histograms: Vec<Value> = rows
        .iter()
        .flat_map(|row| row["histograms"].as_array().cloned().unwrap_or_default())
        .map(|at| json!([at[0], buckets(&at)]))
        .filter(|at| at[1].is_array())
        .collect();
    json!({ "series": series, "histograms": histograms })
}
