//! Alerts by the daemon's own ledger: judgements in, what fires out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use support::fake;
use support::story::{script, time};
use tierwatch::condition::{Condition, ConditionLine, FiringAlert, Ledger, Severity};
use tierwatch::desk::Book;
use tierwatch::model::assessment::Assessment;
use tierwatch::model::policy::Urgency;
use tierwatch::observation::{Body, Earlier, EarlierAlert, Observation, SourceKey, SourceKind};

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
            taken_over: false,
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

/// A queue that stands still, read every fifteen seconds for so long.
fn standing_still(until: u64) -> String {
    let mut yaml = "about: nothing is started\ntruth: {}\nsteps:\n".to_owned();
    for at in (0..until).step_by(15) {
        let runners = "runners: [{id: 1, tags: [tier-standard], sha: aaaaaaaa}]";
        let queue = format!("queue: [{{id: 7, tags: [tier-standard], waited: {}}}], running: []", at + 60);
        yaml += &format!("  - {{at: {at}, {runners}, {queue}}}\n");
    }
    yaml
}

/// Folds and judges; what fires afterwards, and since when.
fn goes_on(book: &mut Book, said: &[Observation]) -> Vec<(String, Timestamp)> {
    let mut firing = vec![];
    for observation in said {
        let at = observation.at;
        book.fold(observation.clone());
        let (_, judged) = book.judge(at);
        let fires = judged.alerts.iter().filter(|alert| alert.ends_at.is_none());
        firing = fires.map(|alert| (alert.alert.to_owned(), alert.starts_at)).collect();
    }
    firing
}

fn earlier(alerts: Vec<EarlierAlert>, last: f64, now: f64) -> Observation {
    let earlier =
        Earlier { floor: time(0.0), keys: vec![], open: vec![], seen: vec![], alerts, last: Some(time(last)) };
    // As the state file gives it back.
    let earlier = serde_json::from_str(&serde_json::to_string(&earlier).unwrap()).unwrap();
    let source = SourceKey::global(SourceKind::Clock);
    Observation { source, at: support::story::now(now), body: Body::Earlier(Box::new(earlier)) }
}

#[test]
fn a_restart_neither_forgets_nor_tells_anew() {
    let (fleet, said) = script(&standing_still(900));
    let began = said[0].at;
    let at = |seconds: f64| said.partition_point(|said| said.at.wall <= time(seconds));
    let (mut first, _) = Book::new(fleet, began, Box::new(|_, _| {}));
    let before = goes_on(&mut first, &said[..at(600.0)]);
    assert!(before.iter().any(|(alert, _)| alert == "TierQueueStalled"), "{before:?}");

    let (fleet, _) = script(&standing_still(900));
    let (mut second, _) = Book::new(fleet, support::story::now(620.0), Box::new(|_, _| {}));
    let resumed = goes_on(&mut second, &[earlier(first.left_alerts(), 600.0, 620.0)]);
    assert_eq!(resumed, before, "before anything could be judged");
    for after in at(620.0)..said.len() {
        let fires = goes_on(&mut second, &said[after..=after]);
        assert_eq!(fires, before, "at {}", said[after].at.wall);
    }
}

#[test]
fn what_waited_has_waited_and_what_is_long_ago_is_judged_anew() {
    let mut story = Story::new(Urgency::Page);
    story.holds(60, STALLED);
    let left = story.ledger.left();
    assert_eq!((left.len(), left[0].fires_since), (1, None));

    story.ledger = Ledger::new(KEEP);
    story.ledger.resume(&left, story.assessment.at);
    assert!(story.holds(45, STALLED).is_empty());
    assert_eq!(firing(&story.holds(15, STALLED)), ["TierQueueStalled critical"], "two minutes, the restart between");

    // Of two rows of one name each has waited for its own time.
    let blind: &[_] = &[(Condition::SourceDown, Some("gitlab_queue"))];
    let mut story = Story::new(Urgency::Page);
    let warned = ["TierwatchSourceDown gitlab_queue warning"];
    assert_eq!(firing(&story.holds(360, blind)), warned);
    let waiting = story.ledger.left();
    story.ledger = Ledger::new(KEEP);
    story.ledger.resume(&waiting, story.assessment.at);
    assert_eq!(firing(&story.holds(23 * 60, blind)), warned, "half an hour has not passed");
    assert_eq!(story.holds(75, blind).iter().filter(|alert| alert.severity == Severity::Critical).count(), 1);

    let Body::Earlier(long_ago) = earlier(left, 0.0, 601.0).body else { panic!("it is one") };
    assert!(long_ago.alerts_at(time(601.0)).is_empty() && !long_ago.alerts_at(time(600.0)).is_empty());
}
