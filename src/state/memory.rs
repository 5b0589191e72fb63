//! What the entries of a state file amount to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::identity::Identity;
use super::journal::{Entry, FORMAT, Header, Open};
use crate::observation::{Earlier, EarlierAlert, SourceKey};

/// Keys remembered at once: a day of 40,000 jobs with five keys each. In memory 5 MB, in the file 4 MB.
pub(super) const MOST_KEYS: usize = 200_000;

/// Keys in one line of a file that is written anew.
const KEYS_A_LINE: usize = 1_000;

/// Keys with the time at which they counted, open jobs, last answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    of: Identity,
    floor: Timestamp,
    keys: HashMap<u64, Timestamp>,
    open: Open,
    seen: BTreeMap<SourceKey, Timestamp>,
    alerts: Vec<EarlierAlert>,
    last: Timestamp,
}

impl Memory {
    /// That of a first run, which begins at `floor`.
    pub(super) fn new(of: Identity, floor: Timestamp) -> Self {
        Self {
            of,
            floor,
            keys: HashMap::new(),
            open: Open::new(),
            seen: BTreeMap::new(),
            alerts: Vec::new(),
            last: floor,
        }
    }

    pub(super) fn read(header: Header, entries: Vec<Entry>) -> Self {
        let mut memory = Self::new(header.of, header.floor);
        entries.iter().for_each(|entry| memory.take(entry));
        memory
    }

    pub(super) fn of(&self) -> &Identity {
        &self.of
    }

    pub(super) fn take(&mut self, entry: &Entry) {
        let Entry { at, keys, opened, closed, seen, alerts } = entry;
        self.last = self.last.max(*at);
        self.keys.extend(keys.iter().map(|key| (*key, *at)));
        self.open.extend(opened.iter().map(|job| (job.job.0, *job)));
        for job in closed {
            self.open.remove(job);
        }
        self.seen.extend(seen.iter().cloned());
        if let Some(alerts) = alerts {
            self.alerts.clone_from(alerts);
        }
    }

    /// Forgets what is older than `age`, and the oldest of what is too much. What happened before the oldest key that
    /// is left could not be told from what is new: from now on it counts as old.
    pub(super) fn forget(&mut self, now: Timestamp, age: Duration) {
        let oldest = SignedDuration::try_from(age).ok().and_then(|age| now.checked_sub(age).ok());
        self.raise(oldest.unwrap_or(self.floor));
        if self.keys.len() > MOST_KEYS {
            let mut times: Vec<Timestamp> = self.keys.values().copied().collect();
            let surplus = times.len() - MOST_KEYS;
            let (_, newest_of_them, _) = times.select_nth_unstable(surplus);
            let floor = *newest_of_them;
            self.raise(floor);
        }
        // After a step of the clock nothing would ever be new.
        self.floor = self.floor.min(now);
    }

    fn raise(&mut self, floor: Timestamp) {
        if floor > self.floor {
            self.floor = floor;
            self.keys.retain(|_, at| *at >= floor);
        }
    }

    /// For the fleet.
    pub(super) fn earlier(&self) -> Earlier {
        let mut keys: Vec<u64> = self.keys.keys().copied().collect();
        keys.sort_unstable();
        Earlier {
            floor: self.floor,
            keys,
            open: self.open.values().copied().collect(),
            seen: self.seen.clone().into_iter().collect(),
            alerts: self.alerts.clone(),
            last: Some(self.last),
        }
    }

    /// The same as a file written anew.
    pub(super) fn lines(&self) -> (Header, Vec<Entry>) {
        let header = Header { format: FORMAT, of: self.of.clone(), floor: self.floor };
        let mut keys: Vec<(Timestamp, u64)> = self.keys.iter().map(|(key, at)| (*at, *key)).collect();
        keys.sort_unstable();
        let mut entries = Vec::new();
        for together in keys.chunk_by(|one, other| one.0 == other.0) {
            for some in together.chunks(KEYS_A_LINE) {
                let keys = some.iter().map(|(_, key)| *key).collect();
                entries.push(Entry { keys, ..Entry::new(some[0].0) });
            }
        }
        let mut rest = Entry::new(self.last);
        rest.opened = self.open.values().copied().collect();
        rest.seen = self.seen.clone().into_iter().collect();
        rest.alerts = Some(self.alerts.clone()).filter(|alerts| !alerts.is_empty());
        entries.push(rest);
        (header, entries)
    }
}
