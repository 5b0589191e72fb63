//! The shapes of `/api/v1/boundaries`.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::assessment::{Assessment, TierAssessment};
use crate::model::posture;

/// `/api/v1/boundaries`.
#[derive(Serialize)]
pub(super) struct Boundaries<'a> {
    at: Timestamp,
    tiers: Vec<Tier<'a>>,
}

#[derive(Serialize)]
struct Tier<'a> {
    name: &'a str,
    declared: bool,
    moved: usize,
    answers: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    question: &'static str,
    asks: &'static str,
    says: &'a [String],
    checks: Vec<Check<'a>>,
    read: Vec<Read<'a>>,
}

#[derive(Serialize)]
struct Check<'a> {
    check: &'static str,
    verdict: &'static str,
    since: Timestamp,
    expected: &'a str,
    found: &'a str,
    evidence: Option<&'a str>,
    fix: &'static str,
}

#[derive(Serialize)]
struct Read<'a> {
    source: &'static str,
    namespace: Option<&'a str>,
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
        question: answer.question.as_str(),
        asks: answer.question.words(),
        says: &answer.says,
        checks: answer.checks.iter().map(check).collect(),
        read: answer.read.iter().map(read).collect(),
    }
}

fn check(line: &posture::CheckLine) -> Check<'_> {
    Check {
        check: line.check.as_str(),
        verdict: line.verdict.as_str(),
        since: line.since,
        expected: &line.expected,
        found: &line.found,
        evidence: line.evidence.as_deref(),
        fix: line.check.fix(),
    }
}

fn read(read: &posture::Read) -> Read<'_> {
    Read { source: read.source.kind.as_str(), namespace: read.source.namespace.as_deref(), at: read.at }
}
