//! What was lately: how each tier was over the last hours, and which judgements held meanwhile.
//!
//! It begins with the run and ends with it, and says since when. Bounded: a ring of minutes, and short lists beside it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::condition::{Condition, ConditionLine, FiringAlert, Severity};
use crate::model::assessment::{Assessment, TierAssessment, TierState};
use crate::observation::between;

/// So much time is one point of the ring.
pub const SLOT: Duration = Duration::from_secs(60);

/// Points that are kept: six hours.
pub const SLOTS: usize = 360;

/// Changes of state and judgements that are kept of one tier.
const REMEMBERED: usize = 40;

/// A judgement that holds again this soon is the same trouble going on.
const SAME: Duration = Duration::from_secs(300);

/// The last hours of all tiers.
#[derive(Debug, Clone, Default)]
pub struct History {
    began: Option<Timestamp>,
    tiers: BTreeMap<Arc<str>, Past>,
}

/// The last hours of one tier.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Minutes, the oldest first; one in which nothing was judged is missing.
    pub slots: VecDeque<Slot>,
    /// Changes of the state, the oldest first.
    pub turns: VecDeque<Turn>,
    /// Judgements that held, in the order in which they began.
    pub spells: VecDeque<Spell>,
    state: Option<TierState>,
}

/// One minute of a tier: the worst of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When it began.
    pub from: Timestamp,
    /// The worst state.
    pub state: TierState,
    /// The most jobs that waited; absent: not known in the whole of it.
    pub waiting: Option<u64>,
    /// The longest that one had waited, likewise.
    pub oldest: Option<Duration>,
}

/// The state changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// From this state.
    pub from: TierState,
    /// To this one.
    pub to: TierState,
    /// The sentence that was said of it then.
    pub headline: String,
}

/// A judgement held for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// Which.
    pub condition: Condition,
    /// The check or the source that it was about, where it was about one.
    pub subject: Option<Arc<str>>,
    /// Since when.
    pub since: Timestamp,
    /// Until when; absent while it holds, or cannot be judged since.
    pub until: Option<Timestamp>,
    /// Why, as it was last said.
    pub reason: String,
    /// The most urgent alert that fired for it.
    pub alert: Option<(&'static str, Severity)>,
}

impl History {
    /// Takes down a judgement. Those before every source has spoken tell nothing of the platform.
    pub fn note(&mut self, judged: &Assessment) {
        if !judged.complete {
            return;
        }
        let at = judged.at.wall;
        self.began = Some(self.began.map_or(at, |began| began.min(at)));
        for tier in &judged.tiers {
            let past = self.tiers.entry(Arc::clone(&tier.name)).or_default();
            past.note_slot(tier, at);
            past.note_turn(tier, at);
            past.note_spells(&tier.conditions, at);
            let fires = |alert: &&FiringAlert| alert.tier.as_ref() == Some(&tier.name) && alert.ends_at.is_none();
            judged.alerts.iter().filter(fires).for_each(|alert| past.note_alert(alert));
        }
    }

    /// When the first judgement was taken down.
    #[must_use]
    pub const fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// What is remembered of a tier.
    #[must_use]
    pub fn of(&self, tier: &str) -> Option<&Past> {
        self.tiers.get(tier)
    }
}

impl Past {
    fn note_slot(&mut self, tier: &TierAssessment, at: Timestamp) {
        let from = begin(at);
        let (waiting, oldest) = tier.queue.as_ref().map(|queue| (queue.pending, queue.oldest)).unzip();
        match self.slots.back_mut() {
            // A clock that was set back adds to the minute that is there.
            Some(last) if last.from >= from => {
                last.state = last.state.min(tier.state);
                last.waiting = last.waiting.max(waiting);
                last.oldest = last.oldest.max(oldest);
            }
            Some(_) | None => self.slots.push_back(Slot { from, state: tier.state, waiting, oldest }),
        }
        let kept = SLOT * u32::try_from(SLOTS).unwrap_or(u32::MAX);
        while self.slots.len() > SLOTS || self.slots.front().is_some_and(|slot| between(slot.from, from) >= kept) {
            self.slots.pop_front();
        }
    }

    fn note_turn(&mut self, tier: &TierAssessment, at: Timestamp) {
        let before = self.state.replace(tier.state);
        if let Some(from) = before.filter(|before| *before != tier.state) {
            self.turns.push_back(Turn { at, from, to: tier.state, headline: tier.headline.clone() });
            if self.turns.len() > REMEMBERED {
                self.turns.pop_front();
            }
        }
    }

    fn note_spells(&mut self, lines: &[ConditionLine], at: Timestamp) {
        for line in lines {
            let latest = self.latest(line.condition, line.subject.as_ref());
            match (line.holds, latest) {
                (Some(true), Some(spell)) if spell.until.is_none_or(|until| between(until, at) <= SAME) => {
                    spell.until = None;
                    spell.reason.clone_from(&line.reason);
                }
                (Some(true), _) => self.begin_spell(line, at),
                (Some(false), Some(spell)) => spell.until = spell.until.or(Some(at)),
                (Some(false) | None, _) => {}
            }
        }
        // A subject that is gone has no line any more: a source that is no longer watched, a check not declared.
        let judged =
            |spell: &Spell| lines.iter().any(|line| line.condition == spell.condition && line.subject == spell.subject);
        for spell in self.spells.iter_mut().filter(|spell| spell.until.is_none()) {
            if !judged(spell) {
                spell.until = Some(at);
            }
        }
    }

    fn begin_spell(&mut self, line: &ConditionLine, at: Timestamp) {
        self.spells.push_back(Spell {
            condition: line.condition,
            subject: line.subject.clone(),
            since: line.since.unwrap_or(at),
            until: None,
            reason: line.reason.clone(),
            alert: None,
        });
        if self.spells.len() > REMEMBERED {
            let over = self.spells.iter().position(|spell| spell.until.is_some()).unwrap_or(0);
            self.spells.remove(over);
        }
    }

    fn note_alert(&mut self, alert: &FiringAlert) {
        if let Some(spell) = self.latest(alert.condition, alert.subject.as_ref()) {
            let worse = spell.alert.is_none_or(|(_, severity)| alert.severity < severity);
            if worse {
                spell.alert = Some((alert.alert, alert.severity));
            }
        }
    }

    fn latest(&mut self, condition: Condition, subject: Option<&Arc<str>>) -> Option<&mut Spell> {
        self.spells.iter_mut().rev().find(|spell| spell.condition == condition && spell.subject.as_ref() == subject)
    }
}

/// The minute of an instant.
fn begin(at: Timestamp) -> Timestamp {
    let into = at.as_second().rem_euclid(SLOT.as_secs().cast_signed());
    Timestamp::from_second(at.as_second()).map_or(at, |second| second - SignedDuration::from_secs(into))
}
