//! Alerts by the daemon's own ledger: judgements in, what fires out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use support::fake;
use tierwatch::condition::{Condition, ConditionLine, FiringAlert, Ledger};
use tierwatch::model::assessment::Assessment;
use tierwatch::model::policy::Urgency;

const KEEP: Duration = Duration::from_secs(120);

/// A tier, judged every fifteen seconds.
struct Story {
    ledger: Ledger,
    assessment: Assessment,
}

impl Story {
    fn new(urgency: Urgency) -> Self {
        let mut assessment = fake::assessment(vec![fake::calm_tier("standard")]);
        assessment.tiers[0].urgency = urgency;
        Self { ledger: Ledger::new(KEEP), assessment }
    }

    /// Judges that these conditions hold, for so many seconds.
    fn holds(&mut self, seconds: u64, conditions: &[(Condition, Option<&str>)]) -> Vec<FiringAlert> {
        let since = self.assessment.at.wall;
        let line = |(condition, subject): &(Condition, Option<&str>)| ConditionLine {
            condition: *condition,
            subject: subject.map(Arc::from),
            holds: Some(true),
            since: Some(since),
            reason: format!("{condition} is so"),
            pausing: None,
        };
        let (own, of_tier): (Vec<_>, Vec<_>) = conditions.iter().partition(|(condition, _)| condition.is_own());
        self.assessment.conditions = own.into_iter().map(line).collect();
        self.assessment.tiers[0].conditions = of_tier.into_iter().map(line).collect();
        let mut told = self.ledger.judge(&self.assessment);
        for _ in 0..seconds / 15 {
            self.assessment.at.mono += Duration::from_secs(15);
            self.assessment.at.wall += Duration::from_secs(15);
            told = self.ledger.judge(&self.assessment);
        }
        told
    }
}

fn firing(told: &[FiringAlert]) -> Vec<String> {
    let line = |alert: &FiringAlert| {
        let subject = alert.subject.as_deref().map(|subject| format!(" {subject}")).unwrap_or_default();
        format!("{}{subject} {}", alert.alert, alert.severity)
    };
    told.iter().filter(|alert| alert.ends_at.is_none()).map(line).collect()
}

const STALLED: &[(Condition, Option<&str>)] = &[(Condition::QueueStalled, None)];

#[test]
fn an_alert_waits_fires_is_kept_and_is_over() {
    let mut story = Story::new(Urgency::Page);
    assert!(story.holds(105, STALLED).is_empty(), "it waits for two minutes");
    let told = story.holds(15, STALLED);
    assert_eq!(firing(&told), ["TierQueueStalled critical"]);
    assert_eq!((told[0].since, told[0].starts_at), (fake::now().wall, story.assessment.at.wall));
    assert_eq!(told[0].reason, "queue_stalled is so");
    let began = told[0].starts_at;
    assert_eq!(firing(&story.holds(105, &[])), ["TierQueueStalled critical"], "a failed poll ends nothing");
    assert_eq!(story.holds(0, STALLED)[0].starts_at, began);
    assert_eq!(firing(&story.holds(105, &[])), ["TierQueueStalled critical"], "it is kept anew");
    let told = story.holds(15, &[]);
    assert_eq!((firing(&told).len(), told[0].ends_at), (0, Some(story.assessment.at.wall)));
    assert_eq!(story.holds(15 * 60, &[]).len(), 1, "whoever is told must have had time to be reached");
    assert!(story.holds(15, &[]).is_empty());
}

#[test]
fn one_that_comes_back_waits_again() {
    let mut story = Story::new(Urgency::Ticket);
    story.holds(120, STALLED);
    story.holds(120, &[]);
    assert!(firing(&story.holds(105, STALLED)).is_empty());
    assert_eq!(firing(&story.holds(15, STALLED)), ["TierQueueStalled warning"]);
    story.holds(45, &[]);
    assert_eq!(story.holds(60, STALLED).len(), 1, "it never ended");
}

#[test]
fn one_that_is_over_before_its_time_never_was() {
    let mut story = Story::new(Urgency::Page);
    story.holds(105, STALLED);
    assert!(story.holds(0, &[]).is_empty());
    assert!(story.holds(105, STALLED).is_empty(), "its time begins anew");
}

#[test]
fn severities_go_by_urgency_and_subject() {
    let everything = [
        (Condition::JobsDropped, None),
        (Condition::Flooded, None),
        (Condition::BoundaryMoved, Some("privileged")),
        (Condition::BoundaryMoved, Some("node_selector")),
        (Condition::SourceDown, Some("gitlab_queue")),
        (Condition::SourceDown, Some("kube_nodes")),
        (Condition::RunnerTokenEnding, None),
        (Condition::ApiTokenEnding, None),
    ];
    let of = |urgency| firing(&Story::new(urgency).holds(3600, &everything)).join("\n");
    let told = [Urgency::Page, Urgency::Ticket, Urgency::None].map(|urgency| format!("{urgency:?}\n{}\n", of(urgency)));
    insta::assert_snapshot!(told.join("\n"));
}

proptest! {
    /// However a condition comes and goes for less than it is kept, one real trouble is one alert.
    #[test]
    fn a_flickering_condition_fires_once(
        before in 0..20_usize,
        holds in prop::collection::vec(1..20_u64, 1..30),
        gaps in prop::collection::vec(1..8_u64, 30),
    ) {
        let mut story = Story::new(Urgency::Page);
        let mut changes = 0;
        let mut fires = false;
        let mut watch = |told: Vec<FiringAlert>| {
            let now = !firing(&told).is_empty();
            changes += usize::from(now != fires);
            fires = now;
        };
        (0..before).for_each(|_| watch(story.holds(15, &[])));
        // Long enough to fire, then it flickers.
        (0..9).for_each(|_| watch(story.holds(15, STALLED)));
        for (hold, gap) in holds.iter().zip(&gaps) {
            (0..*hold).for_each(|_| watch(story.holds(15, STALLED)));
            (0..*gap).for_each(|_| watch(story.holds(15, &[])));
        }
        (0..20).for_each(|_| watch(story.holds(15, &[])));
        prop_assert_eq!(changes, 2);
    }
}
