//! The last hours, as they are taken down.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use support::fake;
use tierwatch::condition::{Condition, ConditionLine, FiringAlert, Severity};
use tierwatch::model::assessment::{Assessment, TierAssessment, TierState};
use tierwatch::model::history::{History, SLOTS};

/// A judgement so long after noon.
fn at(seconds: i64, tier: TierAssessment) -> Assessment {
    let mut judged = fake::assessment(vec![tier]);
    judged.at.wall += SignedDuration::from_secs(seconds);
    judged
}

fn waiting(seconds: u64) -> TierAssessment {
    let mut tier = fake::calm_tier("standard");
    let queue = tier.queue.as_mut().unwrap();
    (queue.pending, queue.oldest) = (u64::from(seconds > 0), Duration::from_secs(seconds));
    tier
}

fn holding(holds: Option<bool>, since: i64) -> TierAssessment {
    let mut line = ConditionLine {
        condition: Condition::QueueStalled,
        subject: None,
        holds,
        since: None,
        reason: format!("as of {since}"),
        pausing: None,
        taken_over: false,
    };
    line.since = (holds == Some(true)).then(|| fake::now().wall + SignedDuration::from_secs(since));
    TierAssessment { conditions: vec![line], ..fake::calm_tier("standard") }
}

#[test]
fn a_minute_keeps_the_worst_of_it() {
    let mut history = History::default();
    for (second, waited) in [(0, 5), (20, 90), (40, 3), (60, 0)] {
        history.note(&at(second, waiting(waited)));
    }
    history.note(&at(130, fake::unknown_tier("standard")));
    let slots: Vec<_> = history.of("standard").unwrap().slots.iter().copied().collect();
    assert_eq!(
        slots.iter().map(|slot| slot.oldest.map(|oldest| oldest.as_secs())).collect::<Vec<_>>(),
        [Some(90), Some(0), None]
    );
    assert_eq!(slots[2].state, TierState::Blind);
    assert_eq!(history.began(), Some(fake::now().wall));
    assert!(history.of("none").is_none());
}

#[test]
fn it_is_bounded_in_time_and_number() {
    let mut history = History::default();
    for minute in 0..2000 {
        // Another state and another condition each ten minutes.
        let turn = minute / 10 % 2 == 0;
        let mut tier = holding(Some(turn), minute * 60);
        tier.state = if turn { TierState::Hurting } else { TierState::Fine };
        history.note(&at(minute * 60, tier));
    }
    let past = history.of("standard").unwrap();
    assert_eq!(past.slots.len(), SLOTS);
    assert!(past.turns.len() <= 40 && past.spells.len() <= 40, "{} {}", past.turns.len(), past.spells.len());
    history.note(&at(3_000_000, waiting(1)));
    assert_eq!(history.of("standard").unwrap().slots.len(), 1, "what is too old is forgotten after a pause as well");
}

#[test]
fn a_clock_that_is_set_back_spoils_nothing() {
    let mut history = History::default();
    for second in [600, 0, 30, 660] {
        history.note(&at(second, waiting(u64::try_from(second).unwrap() + 1)));
    }
    let past = history.of("standard").unwrap();
    assert_eq!(
        past.slots.iter().filter_map(|slot| slot.oldest).map(|oldest| oldest.as_secs()).collect::<Vec<_>>(),
        [601, 661]
    );
}

#[test]
fn a_judgement_holds_from_when_to_when() {
    let mut history = History::default();
    history.note(&at(0, holding(Some(true), -30)));
    let mut judged = at(60, holding(None, 0));
    judged.alerts = vec![alert()];
    history.note(&judged);
    history.note(&at(90, holding(Some(false), 0)));
    // Soon again: the same trouble.
    history.note(&at(120, holding(Some(true), 120)));
    history.note(&at(180, holding(Some(false), 0)));
    history.note(&at(800, holding(Some(true), 800)));
    let spells: Vec<_> = history.of("standard").unwrap().spells.iter().collect();
    assert_eq!(spells.len(), 2);
    let second = |spell: usize| spells[spell].since.duration_since(fake::now().wall).as_secs();
    assert_eq!((second(0), second(1)), (-30, 800));
    assert_eq!(spells[0].until.map(|until| until.duration_since(fake::now().wall).as_secs()), Some(180));
    assert_eq!((spells[0].alert, spells[1].alert), (Some(("TierQueueStalled", Severity::Critical)), None));
    assert_eq!((spells[0].reason.as_str(), spells[1].until), ("as of 120", None));
}

#[test]
fn a_subject_that_is_no_longer_judged_is_over() {
    let mut history = History::default();
    history.note(&at(0, holding(Some(true), 0)));
    history.note(&at(10, waiting(0)));
    assert!(history.of("standard").unwrap().spells[0].until.is_some());
}

#[test]
fn what_is_said_before_the_first_answers_is_no_history() {
    let mut history = History::default();
    history.note(&Assessment { complete: false, ..at(0, fake::unknown_tier("standard")) });
    assert!(history.began().is_none() && history.of("standard").is_none());
}

fn alert() -> FiringAlert {
    use tierwatch::condition::{DependsOn, Kind};
    FiringAlert {
        alert: "TierQueueStalled",
        tier: Some(Arc::from("standard")),
        condition: Condition::QueueStalled,
        subject: None,
        severity: Severity::Critical,
        kind: Kind::Symptom,
        depends_on: DependsOn::Gitlab,
        since: fake::now().wall,
        starts_at: fake::now().wall,
        ends_at: None,
        reason: "37 jobs wait".to_owned(),
    }
}
