//! What an earlier run of the daemon left behind.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LookUp, SourceKey, between};
use crate::condition::{Condition, Severity};

/// What the state file of an earlier run holds: keys and times, never counter values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// What happened before is not counted: it was there before the first run, or its key is forgotten by now.
    pub floor: Timestamp,
    /// Digests of the keys of what was counted since.
    pub keys: Vec<u64>,
    /// Jobs that were not over.
    pub open: Vec<LookUp>,
    /// When each source last answered.
    pub seen: Vec<(SourceKey, Timestamp)>,
    /// Alerts that fired or waited for their patience.
    #[serde(default)]
    pub alerts: Vec<EarlierAlert>,
    /// When the last of all this was written; absent: nothing ever was.
    #[serde(default)]
    pub last: Option<Timestamp>,
}

impl Earlier {
    /// Who was away for longer than this knows nothing of what fires now: it is judged anew.
    pub const ALERTS_LAST: Duration = Duration::from_secs(600);

    /// The alerts that may still be as they were.
    #[must_use]
    pub fn alerts_at(&self, now: Timestamp) -> &[EarlierAlert] {
        let away = self.last.map(|last| between(last, now));
        if away.is_some_and(|away| away <= Self::ALERTS_LAST) { &self.alerts } else { &[] }
    }
}

/// An alert that an earlier run left behind: the names of tiers and conditions, and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierAlert {
    /// Its name.
    pub alert: Arc<str>,
    /// How urgent it was.
    pub severity: Severity,
    /// The tier; absent: tierwatch itself.
    pub tier: Option<Arc<str>>,
    /// What it rests on.
    pub condition: Condition,
    /// The check or the source that it was about.
    pub subject: Option<Arc<str>>,
    /// Since when its condition held.
    pub since: Timestamp,
    /// When it began to fire; absent: it waited.
    pub fires_since: Option<Timestamp>,
}
