//! Which alerts wait, fire and are over. Pure; the same arithmetic as that of Prometheus' rules, so that both say the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::alert::{ALERTS, Alert, DependsOn, Kind, Severity};
use super::line::{Condition, ConditionLine};
use crate::model::assessment::Assessment;
use crate::model::policy::Urgency;
use crate::observation::{EarlierAlert, Now, between};

/// What is over is told on for so long, as Prometheus does: whoever is told must have had time to be reached.
const TOLD_WHEN_OVER: Duration = Duration::from_secs(15 * 60);

/// What is over and still told at most: an end is told late rather than memory grow.
const MOST_OVER: usize = 1_000;

/// Until this run has judged it.
pub(super) const AS_BEFORE: &str = "as it was before tierwatch was started anew";

/// What makes an alert the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    alert: &'static str,
    tier: Option<Arc<str>>,
    condition: Condition,
    subject: Option<Arc<str>>,
    severity: Severity,
}

#[derive(Debug, Clone)]
struct Entry {
    row: &'static Alert,
    since: Now,
    /// So long it had held before this run.
    earlier: Duration,
    /// Taken over from an earlier run, and not judged by this one yet.
    taken_over: bool,
    began: Timestamp,
    fires_since: Option<Timestamp>,
    /// Its condition holds no more, and it is told on.
    gone: Option<Now>,
    over: Option<Now>,
    reason: String,
}

/// An alert that fires, or that did a while ago.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FiringAlert {
    /// Its name.
    pub alert: &'static str,
    /// The tier; absent: it is about tierwatch itself.
    pub tier: Option<Arc<str>>,
    /// What it rests on.
    pub condition: Condition,
    /// The check or the source that it is about, where it is about one.
    pub subject: Option<Arc<str>>,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub kind: Kind,
    /// Which upstream it is mute without.
    pub depends_on: DependsOn,
    /// Since when its condition holds.
    pub since: Timestamp,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it was over; absent while it fires.
    pub ends_at: Option<Timestamp>,
    /// Why, in words, as it last was.
    pub reason: String,
}

/// Every alert that fires or was over lately, sorted by name, tier and subject.
pub type AlertSet = Vec<FiringAlert>;

/// Alerts by what makes them the same.
#[derive(Debug, Clone)]
pub struct Ledger {
    keep: Duration,
    entries: BTreeMap<Key, Entry>,
}

impl Ledger {
    /// An empty one; an alert is told on for `keep` after its condition.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self { keep, entries: BTreeMap::new() }
    }

    /// Goes on where an earlier run ended: what fired fires on, what waited has waited so long.
    pub fn resume(&mut self, earlier: &[EarlierAlert], now: Now) {
        for alert in earlier {
            let subject = alert.subject.as_deref();
            let Some(row) = Alert::of(&alert.alert, alert.condition, subject, alert.severity) else { continue };
            let key = Key {
                alert: row.name,
                tier: alert.tier.clone(),
                condition: alert.condition,
                subject: alert.subject.clone(),
                severity: alert.severity,
            };
            let held = between(alert.since, now.wall);
            let entry = Entry {
                earlier: held,
                taken_over: true,
                began: alert.since,
                fires_since: alert.fires_since,
                reason: AS_BEFORE.to_owned(),
                ..Entry::new(row, now)
            };
            self.entries.entry(key).or_insert(entry);
        }
    }

    /// What the next run goes on with.
    #[must_use]
    pub fn left(&self) -> Vec<EarlierAlert> {
        let open = self.entries.iter().filter(|(_, entry)| entry.over.is_none());
        let left = open.map(|(key, entry)| EarlierAlert {
            alert: Arc::from(key.alert),
            severity: key.severity,
            tier: key.tier.clone(),
            condition: key.condition,
            subject: key.subject.clone(),
            since: entry.began,
            fires_since: entry.fires_since,
        });
        left.collect()
    }

    /// Takes in a judgement, and tells what fires by it.
    pub fn judge(&mut self, assessment: &Assessment) -> AlertSet {
        let now = assessment.at;
        let mut holding: BTreeMap<Key, (&'static Alert, &ConditionLine)> = BTreeMap::new();
        for tier in &assessment.tiers {
            for line in tier.conditions.iter().filter(|line| line.holds == Some(true)) {
                holding.extend(keys(line, Some((&tier.name, tier.urgency))).map(|(key, row)| (key, (row, line))));
            }
        }
        for line in assessment.conditions.iter().filter(|line| line.holds == Some(true)) {
            holding.extend(keys(line, None).map(|(key, row)| (key, (row, line))));
        }
        for (key, (row, line)) in &holding {
            let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry::new(row, now));
            if entry.over.is_some() {
                *entry = Entry::new(row, now);
            }
            entry.holds(&line.reason, now);
        }
        let keep = self.keep;
        self.entries.retain(|key, entry| holding.contains_key(key) || entry.holds_no_more(keep, now));
        self.drop_surplus();
        self.told()
    }

    fn drop_surplus(&mut self) {
        let mut over: Vec<(Duration, Key)> =
            self.entries.iter().filter_map(|(key, entry)| Some((entry.over?.mono, key.clone()))).collect();
        over.sort();
        let surplus = over.len().saturating_sub(MOST_OVER);
        for (_, key) in over.into_iter().take(surplus) {
            self.entries.remove(&key);
        }
    }

    fn told(&self) -> AlertSet {
        let told = self.entries.iter().filter_map(|(key, entry)| {
            Some(FiringAlert {
                alert: key.alert,
                tier: key.tier.clone(),
                condition: key.condition,
                subject: key.subject.clone(),
                severity: key.severity,
                kind: entry.row.kind,
                depends_on: entry.row.depends_on,
                since: entry.began,
                starts_at: entry.fires_since?,
                ends_at: entry.over.map(|over| over.wall),
                reason: entry.reason.clone(),
            })
        });
        told.collect()
    }
}

impl Entry {
    fn new(row: &'static Alert, now: Now) -> Self {
        Self {
            row,
            since: now,
            earlier: Duration::ZERO,
            taken_over: false,
            began: now.wall,
            fires_since: None,
            gone: None,
            over: None,
            reason: String::new(),
        }
    }

    fn holds(&mut self, reason: &str, now: Now) {
        self.gone = None;
        self.taken_over = false;
        if self.reason != reason {
            reason.clone_into(&mut self.reason);
        }
        if self.fires_since.is_none() && now.since(&self.since) + self.earlier >= self.row.pending {
            self.fires_since = Some(now.wall);
        }
    }

    /// Whether it is still to be told of.
    fn holds_no_more(&mut self, keep: Duration, now: Now) -> bool {
        if self.fires_since.is_none() {
            // Nothing can be judged in the first seconds of a run.
            return self.taken_over && now.since(&self.since) < keep;
        }
        let gone = *self.gone.get_or_insert(now);
        if self.over.is_none() && now.since(&gone) >= keep {
            self.over = Some(now);
        }
        self.over.is_none_or(|over| now.since(&over) <= TOLD_WHEN_OVER)
    }
}

/// The alerts that a condition makes.
fn keys<'a>(
    line: &'a ConditionLine,
    tier: Option<(&'a Arc<str>, Urgency)>,
) -> impl Iterator<Item = (Key, &'static Alert)> + 'a {
    let rows = ALERTS.iter().filter(|row| row.condition == line.condition);
    rows.filter_map(move |row| {
        let severity = match tier {
            Some((_, urgency)) => row.severity.of_subject(urgency, line.subject.as_deref())?,
            None => row.severity.own(),
        };
        let tier = tier.map(|(name, _)| Arc::clone(name));
        let (condition, subject) = (line.condition, line.subject.clone());
        Some((Key { alert: row.name, tier, condition, subject, severity }, row))
    })
}
