//! The shapes of `/api/v1/boundaries`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::label::Label;
use crate::model::assessment::{Assessment, TierAssessment};
use crate::model::posture::{self, Question, Verdict};
use crate::observation::SourceKind;

/// What is at the boundary of each tier, and whether that is as declared.
#[derive(Serialize, JsonSchema)]
pub(super) struct Boundaries<'a> {
    /// When it was judged.
    at: Timestamp,
    /// In the order of their names.
    tiers: Vec<Tier<'a>>,
}

/// One tier's boundary.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TierBoundary")]
struct Tier<'a> {
    /// As configured.
    name: &'a str,
    /// Whether a posture is declared for the tier.
    declared: bool,
    /// How many checks found something else than is declared.
    moved: usize,
    /// One for each question, in their order.
    answers: Vec<Answer<'a>>,
}

/// What can be said to one question.
#[derive(Serialize, JsonSchema)]
struct Answer<'a> {
    /// The question's name.
    question: Label<Question>,
    /// As it is asked.
    asks: &'static str,
    /// In sentences, from the live objects.
    says: &'a [String],
    /// The checks that belong to it.
    checks: Vec<Check<'a>>,
    /// What it was read from.
    read: Vec<Read<'a>>,
}

/// One check.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CheckLine")]
struct Check<'a> {
    /// Which.
    check: Label<posture::Check>,
    /// How it ended.
    verdict: Label<Verdict>,
    /// Since when it ends so.
    since: Timestamp,
    /// What is declared.
    expected: &'a str,
    /// What was found; for a check that cannot be made, why not.
    found: &'a str,
    /// The object that shows it.
    evidence: Option<&'a str>,
    /// How to put it right.
    fix: &'static str,
}

/// A source that an answer rests on.
#[derive(Serialize, JsonSchema)]
struct Read<'a> {
    /// Which.
    source: Label<SourceKind>,
    /// The namespace, for a source that watches one.
    namespace: Option<&'a str>,
    /// When it last answered; null: never.
    at: Option<Timestamp>,
}

impl<'a> From<&'a Assessment> for Boundaries<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        Self { at: assessment.at.wall, tiers: assessment.tiers.iter().map(tier).collect() }
    }
}

fn tier(tier: &TierAssessment) -> Tier<'_> {
    let boundary = &tier.boundary;
    Tier {
        name: &tier.name,
        declared: boundary.declared,
        moved: boundary.moved().count(),
        answers: boundary.answers.iter().map(answer).collect(),
    }
}

fn answer(answer: &posture::Answer) -> Answer<'_> {
    Answer {
        question: answer.question.into(),
        asks: answer.question.words(),
        says: &answer.says,
        checks: answer.checks.iter().map(check).collect(),
        read: answer.read.iter().map(read).collect(),
    }
}

fn check(line: &posture::CheckLine) -> Check<'_> {
    Check {
        check: line.check.into(),
        verdict: line.verdict.into(),
        since: line.since,
        expected: &line.expected,
        found: &line.found,
        evidence: line.evidence.as_deref(),
        fix: line.check.fix(),
    }
}

fn read(read: &posture::Read) -> Read<'_> {
    Read { source: read.source.kind.into(), namespace: read.source.namespace.as_deref(), at: read.at }
}
