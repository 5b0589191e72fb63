//! Real messages against the causes that an expert names: the share that is right, per family.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use tierwatch::cause::{Family, classify};

#[derive(Deserialize)]
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
    wrong: String,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string("tests/fixtures/messages/messages.jsonl").expect("the messages can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("a message is JSON")).collect()
}

fn scores(with_kind: bool) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for row in rows() {
        let family = Family::named(&row.kind).filter(|_| with_kind);
        let (reason, source) = (row.reason.unwrap_or_default(), row.source.unwrap_or_default());
        let verdict = classify(family, &reason, &source, &row.message);
        let causes: Vec<&str> = verdict.causes.iter().map(|cause| cause.as_str()).collect();
        let score = scores.entry(row.kind.clone()).or_default();
        let right_family = verdict.cause.family().as_str() == row.kind;
        let right = verdict.cause.as_str() == row.label && right_family;
        score.rows += 1;
        score.dominant += u32::from(right);
        score.all += u32::from(causes == row.labels);
        if !right || causes != row.labels {
            writeln!(
                score.wrong,
                "  {:>4} expected {:<22} {:?}\n       found    {:<22} {causes:?} ({})\n       {:.400}",
                row.id,
                row.label,
                row.labels,
                verdict.cause.as_str(),
                verdict.cause.family().as_str(),
                row.message
            )
            .expect("a string takes text");
        }
    }
    scores
}

fn share(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole)
}

#[test]
fn real_messages_get_the_cause_an_expert_names() {
    let mut failed = String::new();
    for (kind, score) in scores(true) {
        let (dominant, all) = (share(score.dominant, score.rows), share(score.all, score.rows));
        if dominant < 0.98 || all < 0.95 {
            writeln!(failed, "{kind}: dominant {dominant:.3}, all causes {all:.3}\n{}", score.wrong)
                .expect("a string takes text");
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}

#[test]
fn without_a_kind_the_family_is_found_too() {
    let mut failed = String::new();
    for (kind, score) in scores(false) {
        let dominant = share(score.dominant, score.rows);
        if dominant < 0.95 {
            writeln!(failed, "{kind}: dominant {dominant:.3}\n{}", score.wrong).expect("a string takes text");
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}

#[test]
fn the_registry_is_the_host_of_the_image() {
    let (mut total, mut right, mut wrong) = (0, 0, String::new());
    for row in rows().into_iter().filter(|row| row.kind == "pull" && !row.registry_from_context) {
        let found = classify(Some(Family::Pull), &row.reason.unwrap_or_default(), "kubelet", &row.message).registry;
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
    assert!(share(right, total) >= 0.99, "registry right in {right} of {total}\n{wrong}");
}
