//! Messages against the causes that an expert names: the share that is right, per family.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use tierwatch::cause::{Family, classify};

#[derive(Default, Deserialize)]
struct Row {
    id: u32,
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    source: Option<String>,
    message: String,
    label: String,
    labels: Vec<String>,
    registry: Option<String>,
    #[serde(default)]
    registry_from_context: bool,
}

#[derive(Default)]
struct Score {
    rows: u32,
    dominant: u32,
    all: u32,
    /// How often which cause was taken for which.
    confusion: BTreeMap<(String, String), u32>,
    wrong: String,
}

fn rows_of(file: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(format!("tests/fixtures/messages/{file}")).expect("the messages can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("a message is JSON")).collect()
}

/// As people met them.
fn seen() -> Vec<Row> {
    rows_of("messages.jsonl")
}

/// As the programs' sources say that they write them.
fn by_program() -> Vec<Row> {
    rows_of("by-program.jsonl")
}

fn scores(rows: &[Row], with_kind: bool) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for row in rows {
        let family: Option<Family> = with_kind.then(|| row.kind.parse().expect("a kind of a row is a family"));
        let (reason, source) = if with_kind { (row.reason.as_deref(), row.source.as_deref()) } else { (None, None) };
        let verdict = classify(family, reason, source, &row.message);
        let causes: Vec<&str> = verdict.causes.iter().map(|cause| cause.as_str()).collect();
        let score = scores.entry(row.kind.clone()).or_default();
        let found = format!("{}:{}", verdict.kind, verdict.cause);
        let expected = format!("{}:{}", row.kind, row.label);
        score.rows += 1;
        score.dominant += u32::from(found == expected);
        score.all += u32::from(causes == row.labels);
        if found != expected || causes != row.labels {
            writeln!(
                score.wrong,
                "  {:>4} expected {expected} {:?}\n       found    {found} {causes:?}\n       {:.400}",
                row.id, row.labels, row.message
            )
            .expect("a string takes text");
        }
        if found != expected {
            *score.confusion.entry((expected, found)).or_default() += 1;
        }
    }
    scores
}

fn judge(scores: &BTreeMap<String, Score>, least_dominant: f64, least_all: f64) {
    let mut failed = String::new();
    for (kind, score) in scores {
        let share = |right: u32| f64::from(right) / f64::from(score.rows);
        if share(score.dominant) >= least_dominant && share(score.all) >= least_all {
            continue;
        }
        writeln!(failed, "{kind}: dominant {:.4}, all causes {:.4}", share(score.dominant), share(score.all))
            .expect("a string takes text");
        for ((expected, found), times) in &score.confusion {
            writeln!(failed, "  {times:>3} × {expected:<40} taken for {found}").expect("a string takes text");
        }
        failed.push_str(&score.wrong);
    }
    assert!(failed.is_empty(), "\n{failed}");
}

#[test]
fn real_messages_get_the_cause_an_expert_names() {
    judge(&scores(&seen(), true), 0.98, 0.95);
    judge(&scores(&by_program(), true), 0.98, 0.95);
}

/// The text alone: neither kind nor reason nor author.
#[test]
fn without_a_kind_the_family_is_found_too() {
    judge(&scores(&seen(), false), 0.95, 0.90);
    judge(&scores(&by_program(), false), 0.95, 0.90);
}

/// Whoever breaks a recogniser wants to know which cause is now taken for which.
#[test]
#[should_panic(expected = "taken for scheduling:insufficient_cpu")]
fn a_failure_prints_the_confusion_table() {
    let message = "0/3 nodes are available: 3 Insufficient cpu.".to_owned();
    let labels = vec!["volume".to_owned()];
    let row =
        Row { id: 0, kind: "scheduling".to_owned(), message, label: "volume".to_owned(), labels, ..Row::default() };
    judge(&scores(&[row], true), 0.98, 0.95);
}

#[test]
fn the_registry_is_the_host_of_the_image() {
    let (mut total, mut right, mut wrong) = (0, 0, String::new());
    for row in seen().into_iter().chain(by_program()).filter(|row| row.kind == "pull" && !row.registry_from_context) {
        let found = classify(Some(Family::Pull), row.reason.as_deref(), row.source.as_deref(), &row.message).registry;
        total += 1;
        right += u32::from(found == row.registry);
        if found != row.registry {
            writeln!(
                wrong,
                "  {:>4} expected {:?}, found {found:?}\n       {:.300}",
                row.id, row.registry, row.message
            )
            .expect("a string takes text");
        }
    }
    assert!(f64::from(right) / f64::from(total) >= 0.99, "registry right in {right} of {total}\n{wrong}");
}
