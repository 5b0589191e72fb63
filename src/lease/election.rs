//! Who holds the Lease, and what to write into it. The rules of client-go's leader election, so that both sides of any
//! mixture agree: a Lease is free once it has not changed for its duration by the watcher's own monotonic clock, whatever times
//! stand in it; who writes it says which version it has read.
//!
//! Beyond client-go, a renewal never carries an earlier time than the one before it, whoever wrote that: the times in the
//! Lease are the borders of the intervals in which its holders count.

use std::time::Duration;

use jiff::{Timestamp, Unit};

use super::term::Term;
use crate::config::HighAvailability;
use crate::observation::Now;

/// Times in a Lease have this resolution.
const STEP: Duration = Duration::from_micros(1);

/// Who gives a Lease up leaves it to the next one so soon.
const GIVEN_UP: Duration = Duration::from_secs(1);

/// What a Lease says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; absent: it was given up.
    pub holder: Option<String>,
    /// It may be taken when it has not changed for this long.
    pub duration: Duration,
    /// Since when it is held.
    pub acquired: Option<Timestamp>,
    /// When it was last renewed, by its holder's clock.
    pub renewed: Option<Timestamp>,
    /// How often it went from one to another.
    pub transitions: i32,
}

/// A record, and when it was first seen as it is.
#[derive(Debug)]
struct Seen {
    record: Record,
    changed: Duration,
    /// It is still there.
    exists: bool,
}

/// The term of this one.
#[derive(Debug)]
struct Mine {
    from: Timestamp,
    until: Timestamp,
    renewed: Duration,
    takes_over: bool,
}

/// One who would hold the Lease.
#[derive(Debug)]
pub struct Election {
    me: String,
    lease_duration: Duration,
    renew_deadline: Duration,
    seen: Option<Seen>,
    mine: Option<Mine>,
    terms: u64,
}

impl Election {
    /// For somebody of this name, which nobody else may have.
    #[must_use]
    pub fn new(me: String, config: &HighAvailability) -> Self {
        let HighAvailability { lease_duration, renew_deadline, .. } = *config;
        Self { me, lease_duration, renew_deadline, seen: None, mine: None, terms: 0 }
    }

    /// What the Lease says now; `None`: there is none.
    pub fn sees(&mut self, record: Option<Record>, now: &Now) {
        let Some(record) = record else {
            if let Some(seen) = &mut self.seen {
                seen.exists = false;
            }
            return;
        };
        if record.holder.as_deref() == Some(&*self.me) {
            // A renewal whose answer was lost has come to pass all the same.
            if let (Some(mine), Some(renewed)) = (&mut self.mine, record.renewed) {
                mine.until = mine.until.max(renewed);
            }
        } else {
            self.mine = None;
        }
        match &mut self.seen {
            Some(seen) if seen.record == record => seen.exists = true,
            _ => self.seen = Some(Seen { record, changed: now.mono, exists: true }),
        }
    }

    /// What to write into the Lease as it was last seen; `None`: it is another's.
    #[must_use]
    pub fn attempt(&self, now: &Now) -> Option<Record> {
        let Some(Seen { record, changed, exists }) = &self.seen else {
            let at = Some(whole(now.wall));
            let (holder, duration) = (Some(self.me.clone()), self.lease_duration);
            return Some(Record { holder, duration, acquired: at, renewed: at, transitions: 0 });
        };
        let is_mine = record.holder.as_deref() == Some(&*self.me);
        let free = !exists || record.holder.is_none() || now.mono.saturating_sub(*changed) >= record.duration;
        (is_mine || free).then(|| Record {
            holder: Some(self.me.clone()),
            duration: self.lease_duration,
            acquired: if is_mine { record.acquired } else { Some(whole(now.wall)) },
            renewed: Some(later(record.renewed, now.wall)),
            transitions: if is_mine { record.transitions } else { record.transitions.saturating_add(1) },
        })
    }

    /// What to write to give the Lease up; `None`: it is not this one's.
    #[must_use]
    pub fn farewell(&self, now: &Now) -> Option<Record> {
        let (Some(_), Some(Seen { record, exists: true, .. })) = (&self.mine, &self.seen) else { return None };
        let renewed = Some(later(record.renewed, now.wall));
        Some(Record { holder: None, duration: GIVEN_UP, renewed, ..record.clone() })
    }

    /// An attempt, or the farewell, that was asked for at `asked` stands in the Lease now.
    pub fn written(&mut self, record: Record, asked: &Now) {
        let Some(until) = record.renewed else { return };
        if let Some(mine) = &mut self.mine {
            (mine.until, mine.renewed) = (until, asked.mono);
        } else {
            let theirs = self.seen.as_ref().and_then(|seen| seen.record.renewed);
            self.terms += 1;
            let (from, takes_over) = (theirs.unwrap_or(until), theirs.is_some());
            self.mine = Some(Mine { from, until, renewed: asked.mono, takes_over });
        }
        self.seen = Some(Seen { record, changed: asked.mono, exists: true });
    }

    /// How long this one may still call itself the holder; `None`: it does not.
    #[must_use]
    pub fn remaining(&self, now: &Now) -> Option<Duration> {
        let mine = self.mine.as_ref()?;
        Some(self.renew_deadline.saturating_sub(now.mono.saturating_sub(mine.renewed)))
    }

    /// Time passed. Whether it has just lost the Lease, because it could not renew it.
    pub fn lapses(&mut self, now: &Now) -> bool {
        let over = self.remaining(now).is_some_and(|left| left.is_zero());
        if over {
            self.mine = None;
        }
        over
    }

    /// What the daemon is told.
    #[must_use]
    pub fn term(&self) -> Term {
        match &self.mine {
            Some(Mine { from, until, renewed, takes_over }) => Term::Leads {
                number: self.terms,
                from: *from,
                until: *until,
                renewed: *renewed,
                takes_over: *takes_over,
            },
            None => {
                let record = self.seen.as_ref().map(|seen| &seen.record);
                Term::StandsBy {
                    theirs: record.and_then(|record| record.renewed),
                    is_own: record.is_some_and(|record| record.holder.as_deref() == Some(&*self.me)),
                }
            }
        }
    }
}

/// Now, or right after what stands there where this clock is behind.
fn later(before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let least = before.map(|before| before.saturating_add(STEP).unwrap_or(Timestamp::MAX));
    whole(now).max(least.unwrap_or(Timestamp::MIN))
}

/// Without what a Lease cannot hold, so that what is counted by is what stands there.
fn whole(at: Timestamp) -> Timestamp {
    let config = jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Floor);
    at.round(config).unwrap_or(at)
}
