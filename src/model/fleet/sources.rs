//! When each source last spoke, and whether what it said may still be believed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::occurrence::Occurrence;
use crate::model::policy::Staleness;
use crate::observation::between;
use crate::observation::{Body, Change, Failure, FailureClass, Now, Observation, SourceKey, SourceKind};

/// A while in which a source could not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) struct Blind {
    /// Its last good word.
    pub(in crate::model) from: Timestamp,
    /// Its next one; the end of time while it has not come.
    pub(in crate::model) until: Timestamp,
}

impl Blind {
    pub(in crate::model) fn is_over(&self) -> bool {
        self.until < Timestamp::MAX
    }
}

/// So many are remembered of each source.
const MOST_BLIND: usize = 16;

/// The health of one source.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct SourceRow {
    pub(in crate::model) last_success: Option<Now>,
    /// Why it is failing; gone with the next success.
    pub(in crate::model) failure: Option<Failure>,
    pub(in crate::model) note: Option<String>,
    /// When it last answered an earlier run; until it answers this one.
    pub(in crate::model) earlier: Option<Timestamp>,
    /// How often it reads its list, where that is not as often as configured.
    pub(in crate::model) period: Option<Duration>,
    /// When it could not see, oldest first.
    pub(in crate::model) blind: VecDeque<Blind>,
}

impl SourceRow {
    /// When it could not see, the present included.
    pub(in crate::model) fn all_blind(&self) -> impl Iterator<Item = Blind> {
        let since = match self.last_success {
            None => Some(Timestamp::MIN),
            Some(at) => self.failure.as_ref().map(|_| at.wall),
        };
        self.blind.iter().copied().chain(since.map(|from| Blind { from, until: Timestamp::MAX }))
    }

    fn was_blind(&mut self, from: Timestamp, until: Timestamp) {
        if self.blind.len() == MOST_BLIND {
            self.blind.pop_front();
        }
        self.blind.push_back(Blind { from, until });
    }

    /// It tried at least once.
    pub(in crate::model) fn attempted(&self) -> bool {
        self.last_success.is_some() || self.failure.is_some()
    }

    /// The right to read it is missing.
    pub(in crate::model) fn is_refused(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.class == FailureClass::Forbidden)
    }

    /// Its last attempt succeeded and is recent; `None` before the first attempt.
    pub(in crate::model) fn up(&self, kind: SourceKind, staleness: &Staleness, now: &Now) -> Option<bool> {
        self.attempted().then(|| self.failure.is_none() && self.fresh(kind, staleness, now))
    }

    /// Its last good data is within the horizon, whether or not it fails now.
    pub(in crate::model) fn fresh(&self, kind: SourceKind, staleness: &Staleness, now: &Now) -> bool {
        self.last_success.is_some_and(|at| kind.may_be_silent() || now.since(&at) <= self.horizon(kind, staleness))
    }

    /// How old its data may be. Data is not old only because a long list takes long to be read.
    pub(in crate::model) fn horizon(&self, kind: SourceKind, staleness: &Staleness) -> Duration {
        let by_period = self.period.map_or(Duration::ZERO, |period| period.saturating_mul(Staleness::READS));
        staleness.of(kind).max(by_period.min(Staleness::LONGEST))
    }
}

/// The health of all sources.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Sources {
    rows: BTreeMap<SourceKey, SourceRow>,
}

impl Sources {
    pub(super) fn new(expected: Vec<SourceKey>) -> Self {
        Self { rows: expected.into_iter().map(|key| (key, SourceRow::default())).collect() }
    }

    pub(in crate::model) fn iter(&self) -> impl Iterator<Item = (&SourceKey, &SourceRow)> {
        self.rows.iter()
    }

    /// Why a secret file cannot be used, while one cannot.
    pub(in crate::model) fn secret_failure(&self) -> Option<String> {
        let failures = self.rows.values().filter_map(|row| row.failure.as_ref());
        failures.filter(|failure| failure.class == FailureClass::Secret).map(|failure| failure.detail.clone()).next()
    }

    pub(in crate::model) fn get(&self, key: &SourceKey) -> Option<&SourceRow> {
        self.rows.get(key)
    }

    pub(in crate::model) fn all_attempted(&self) -> bool {
        // Protected refs and logs are read only when a job asks for it, jobs of runners once the runners are known.
        let on_demand =
            |kind| matches!(kind, SourceKind::GitlabRefs | SourceKind::GitlabRunnerJobs | SourceKind::GitlabJobLogs);
        self.rows.iter().all(|(key, row)| row.attempted() || on_demand(key.kind))
    }

    /// Nobody watched since an earlier run; what is asked or told only now and then may not speak for long.
    pub(super) fn resume(&mut self, seen: Vec<(SourceKey, Timestamp)>, at: &Now, out: &mut Vec<Occurrence>) {
        for (key, before) in seen {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            if key.kind.may_be_silent() {
                out.push(Occurrence::Gap { source: key.kind, lasted: between(before, at.wall) });
            } else {
                row.earlier = Some(before);
            }
        }
    }

    /// Notes who spoke, since `began` at the earliest; returns whether this was the source's first good answer.
    pub(super) fn record(&mut self, observation: &Observation, began: Timestamp, out: &mut Vec<Occurrence>) -> bool {
        let Observation { source, at, body } = observation;
        if source.kind == SourceKind::Clock {
            return false;
        }
        let row = self.rows.entry(source.clone()).or_default();
        let attempt = |failure| Occurrence::SourceAttempt { source: source.clone(), failure };
        let answered = match body {
            Body::Note(text) => {
                row.note = Some(text.clone());
                return false;
            }
            // Said beside the list of runners, which is the answer.
            Body::ApiToken(_) => return false,
            Body::Period(period) => {
                row.period = *period;
                return false;
            }
            Body::Failed(failure) => {
                out.push(attempt(Some(failure.class)));
                // An expired watch lists again at once; only if that fails, too, nothing can be seen.
                if failure.class != FailureClass::Expired {
                    row.failure = Some(failure.clone());
                }
                return false;
            }
            // A watch goes on, a poll had nothing to ask: a sign of life, no new attempt.
            Body::Alive
            | Body::Pod(Change::Upsert(_) | Change::Gone(_))
            | Body::Event(Change::Upsert(_) | Change::Gone(_))
            | Body::Node(Change::Upsert(_) | Change::Gone(_))
            | Body::Quota(Change::Upsert(_) | Change::Gone(_))
            | Body::Limit(Change::Upsert(_) | Change::Gone(_))
            | Body::Netpol(Change::Upsert(_) | Change::Gone(_))
            | Body::Account(Change::Upsert(_) | Change::Gone(_))
            | Body::Role(Change::Upsert(_) | Change::Gone(_))
            | Body::Binding(Change::Upsert(_) | Change::Gone(_)) => false,
            Body::Tick
            | Body::Earlier(_)
            | Body::Queue { .. }
            | Body::RunnerQueues { .. }
            | Body::Running { .. }
            | Body::Job(_)
            | Body::JobNotFound(_)
            | Body::JobLog(_)
            | Body::Projects(_)
            | Body::ProtectedRefs(_)
            | Body::Runners(_)
            | Body::Pod(Change::Replace(_))
            | Body::Event(Change::Replace(_))
            | Body::Node(Change::Replace(_))
            | Body::Quota(Change::Replace(_))
            | Body::Limit(Change::Replace(_))
            | Body::Namespace(_)
            | Body::TokenSecrets(_)
            | Body::Netpol(Change::Replace(_))
            | Body::Account(Change::Replace(_))
            | Body::Role(Change::Replace(_))
            | Body::Binding(Change::Replace(_)) => true,
        };
        let failed = row.failure.take().and(row.last_success).map(|before| (before.wall, at.since(&before)));
        if let Some((from, lasted)) = failed {
            row.was_blind(from, at.wall);
            out.push(Occurrence::Gap { source: source.kind, lasted });
        }
        if row.last_success.is_none() {
            // What an earlier run saw, this one did not. Who knows of none can only tell since when it tries itself.
            row.was_blind(Timestamp::MIN, at.wall);
            let before = row.earlier.take().unwrap_or(began);
            if !source.kind.may_be_silent() && before < at.wall {
                out.push(Occurrence::Gap { source: source.kind, lasted: between(before, at.wall) });
            }
        }
        let first = row.last_success.replace(*at).is_none();
        if answered {
            out.push(attempt(None));
        }
        answered && first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_a_list_that_takes_long_is_not_old_for_that() {
        let horizon = Duration::from_secs(45);
        let staleness = Staleness { queue: horizon, runners: horizon, watch: horizon };
        let horizon = |period: Option<u64>| {
            let row = SourceRow { period: period.map(Duration::from_secs), ..SourceRow::default() };
            row.horizon(SourceKind::GitlabQueue, &staleness).as_secs()
        };
        assert_eq!([None, Some(10), Some(60), Some(180)].map(horizon), [45, 45, 180, 300]);
    }

    #[test]
    fn a_period_is_neither_an_answer_nor_a_failure() {
        let key = SourceKey::global(SourceKind::GitlabQueue);
        let mut sources = Sources::new(vec![key.clone()]);
        let at = Now { wall: jiff::Timestamp::UNIX_EPOCH, mono: Duration::ZERO };
        let body = Body::Period(Some(Duration::from_secs(60)));
        let mut out = Vec::new();
        assert!(!sources.record(&Observation { source: key.clone(), at, body }, at.wall, &mut out));
        let row = sources.get(&key).expect("it is expected");
        assert!(out.is_empty() && !row.attempted() && row.period == Some(Duration::from_secs(60)));
    }
}
