//! Which scenario answered which query. Each scenario is asked what no earlier one has answered; together they must answer all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::Value;

use super::asked::{Asked, Clocks, all, filled};
use super::preview;
use crate::support::prometheus::Prometheus;
use crate::support::say;

/// Queries that no scenario can answer, by a part of their expression, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("gitlab_runner_version_info", "the simulated runners have no metrics of their own"),
    ("tierwatch_build_info{job=~\"$job\",cluster=~\"$cluster\"} offset", "one release runs through a scenario"),
    ("\nunless max by (tier, runner_id, short_sha)", "no runner of a scenario is new or gets a new token"),
    ("label_values(tierwatch_build_info{job=~\"$job\"}, cluster)", "this Prometheus adds no label of its own"),
];

/// Series that a graph may show before it is no longer read, for one query, with the demo's five tiers.
const READABLE: usize = 12;

/// Graphs that may show more, by a part of their title, with the reason.
const CROWDED: &[(&str, &str)] = &[
    ("Age of what is known", "a tile for each source"),
    ("What could be seen", "a row for each source"),
    ("What holds, and since when", "a row for each condition that held"),
    ("When boundaries moved", "a row for each check that moved"),
    ("Blind, tier by tier", "a row for each tier and source"),
    ("Attempts", "a line for each source"),
    ("Observations", "a band for each source"),
    ("Objects held", "a line for each source"),
];

/// An answer that was not empty.
struct Answer {
    scenario: String,
    series: usize,
}

static ANSWERS: Mutex<BTreeMap<String, Answer>> = Mutex::new(BTreeMap::new());

/// Asks the scenario that has been played for what was not answered yet; `story` is when it began and ended.
pub(crate) async fn ask(prometheus: &Prometheus, scenario: &str, speed: u32, story: (Timestamp, Timestamp)) {
    let [began, end] = [story.0, story.1].map(|at| at.as_millisecond() as f64 / 1000.0);
    let clocks = Clocks { speed: f64::from(speed), began, range: end - began, scrape: 1.0 };
    for asked in all() {
        let known = ANSWERS.lock().expect("nobody panics with it").contains_key(&asked.expr);
        if known {
            continue;
        }
        let series = match asked.expr.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')) {
            Some(values) => label_values(prometheus, values, clocks).await,
            None => over_time(prometheus, &asked.expr, clocks, end).await,
        };
        if series > 0 {
            let answer = Answer { scenario: scenario.to_owned(), series };
            ANSWERS.lock().expect("nobody panics with it").insert(asked.expr, answer);
        }
    }
    if scenario == preview::scenario() {
        preview::draw(prometheus, clocks, end).await;
    }
    keep();
}

/// How many series it had within the story.
async fn over_time(prometheus: &Prometheus, expr: &str, clocks: Clocks, end: f64) -> usize {
    let expr = filled(expr, clocks);
    let (begin, end) = (clocks.began.to_string(), end.to_string());
    let query = [("query", expr.as_str()), ("start", begin.as_str()), ("end", end.as_str()), ("step", "2")];
    let answer = prometheus.get("/api/v1/query_range", &query).await.unwrap_or_else(|e| panic!("{expr}: {e}"));
    let is_there = |series: &&Value| {
        let number = |value: &Value| value[1].as_str().is_some_and(|text| text != "NaN");
        series["histograms"].is_array() || series["values"].as_array().is_some_and(|values| values.iter().any(number))
    };
    answer["result"].as_array().map_or(0, |series| series.iter().filter(is_there).count())
}

async fn label_values(prometheus: &Prometheus, values: &str, clocks: Clocks) -> usize {
    let (series, label) = values.rsplit_once(", ").expect("a series and a label");
    let series = filled(series, clocks);
    let answer = prometheus.get(&format!("/api/v1/label/{label}/values"), &[("match[]", series.as_str())]).await;
    answer.unwrap_or_else(|e| panic!("{values}: {e}")).as_array().map_or(0, Vec::len)
}

fn exception(asked: &Asked) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|(part, _)| asked.expr.contains(part)).map(|(_, why)| *why)
}

/// Every scenario has been played: every query must have been answered, each graph by no more series than a person can read.
pub(crate) fn require_all() {
    let answers = ANSWERS.lock().expect("nobody panics with it");
    let (mut wrong, mut needless) = (vec![], vec![]);
    for asked in all() {
        let place = format!("{}: {}", asked.board, asked.place);
        match (answers.get(&asked.expr), exception(&asked)) {
            (None, None) => wrong.push(format!("{place}: no scenario answers {}", asked.expr)),
            (Some(_), Some(why)) => needless.push(format!("{place} was answered, though {why}")),
            (Some(answer), None) => {
                let crowded = CROWDED.iter().any(|(title, _)| asked.place.contains(title))
                    || asked.kind == "table"
                    || asked.key.is_none();
                if answer.series > READABLE && !crowded {
                    wrong.push(format!("{place}: {} series", answer.series));
                }
            }
            (None, Some(_)) => {}
        }
    }
    wrong.extend(needless);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Where what is made for people is left.
pub(super) fn folder() -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder").join("dashboards");
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("making {}: {e}", folder.display()));
    folder
}

/// The report, panel by panel.
fn keep() {
    let answers = ANSWERS.lock().expect("nobody panics with it");
    let all = all();
    let mut report = String::from(
        "# Queries of the dashboards\n\n| dashboard | panel | answered by | series |\n|---|---|---|---|\n",
    );
    let mut missing = 0;
    for asked in &all {
        let (by, series) = match (answers.get(&asked.expr), exception(asked)) {
            (Some(answer), _) => (answer.scenario.clone(), answer.series.to_string()),
            (None, Some(why)) => (format!("nobody: {why}"), String::new()),
            (None, None) => {
                missing += 1;
                (format!("**nobody yet**: `{}`", asked.expr.replace('\n', " ").replace('|', "\\|")), String::new())
            }
        };
        writeln!(report, "| {} | {} | {by} | {series} |", asked.board, asked.place).expect("a string takes any text");
    }
    let path = folder().join("queries.md");
    std::fs::write(&path, report).unwrap_or_else(|e| panic!("writing {}: {e}", path.display()));
    say(&format!("dashboards: {} queries, {missing} not answered yet ({})", all.len(), path.display()));
}
