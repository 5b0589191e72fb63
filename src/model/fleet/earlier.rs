//! What earlier runs of the daemon counted and watched, and what this one leaves to the next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Fleet, Knowledge, Stage};
use crate::model::fleet::job::JobRow;
use crate::model::fleet::verdict::Context;
use crate::model::occurrence::Occurrence;
use crate::model::tier::Fit;
use crate::observation::{Earlier, EarlierAlert, JobId, LookUp, Now, ProjectId, SourceKey};

/// Keys of earlier runs that did not show again yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    keys: BTreeSet<u64>,
    since: Option<Now>,
}

impl Counted {
    /// What an earlier run counted is silenced when it shows for the first time; from then on the tables know it.
    pub(super) fn silence(&mut self, occurrences: &mut [Occurrence]) {
        if self.keys.is_empty() {
            return;
        }
        for occurrence in occurrences {
            if let Some(key) = occurrence.key().filter(|key| self.keys.remove(&key.0)) {
                *occurrence = Occurrence::Silenced { key };
            }
        }
    }

    /// What has not shown for as long as anything is remembered does not show again.
    pub(super) fn forget(&mut self, context: &Context<'_>) {
        if self.since.is_some_and(|since| context.now.since(&since) > context.policy.history.max_age) {
            *self = Self::default();
        }
    }
}

/// What the next run needs beside the keys of what was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Jobs that are not over, and where to look them up.
    pub open: BTreeMap<JobId, ProjectId>,
    /// When each source last answered.
    pub seen: BTreeMap<SourceKey, Timestamp>,
    /// Alerts that fire or wait: the desk's ledger knows them.
    pub alerts: Vec<EarlierAlert>,
}

impl Fleet {
    /// Goes on where an earlier run ended.
    pub(super) fn resume(&mut self, earlier: Earlier, at: Now, out: &mut Vec<Occurrence>) {
        self.alerts_before = earlier.alerts_at(at.wall).to_vec();
        let Earlier { floor, keys, open, seen, alerts: _, last: _ } = earlier;
        self.began = Some(floor.min(at.wall));
        self.counted = Counted { keys: keys.into_iter().collect(), since: Some(at) };
        for LookUp { job, project } in open {
            self.jobs.row(job, at).project.get_or_insert(project);
        }
        self.sources.resume(seen, &at, out);
    }

    /// What to leave to the next run.
    #[must_use]
    pub fn left(&self, now: Now) -> Left {
        let knowledge = self.knowledge(now);
        let open = self.jobs.iter().filter(|row| self.is_open(row, &knowledge));
        let open = open.filter_map(|row| Some((row.id, row.project?))).collect();
        let seen = self.sources.iter().filter_map(|(key, row)| Some((key.clone(), row.last_success?.wall))).collect();
        Left { open, seen, alerts: Vec::new() }
    }

    /// It may yet count something: it is of a tier, or nobody has shown of which.
    fn is_open(&self, row: &JobRow, knowledge: &Knowledge) -> bool {
        let context = knowledge.context(&self.policy, self.rosters.as_ref());
        let unread = || super::job_logs::may_have_been_refused(row, &context);
        match row.stage {
            Stage::Claimed => true,
            Stage::Finished(_) => {
                row.taken_by(context.rosters).is_some() && (row.counted.outcome.is_none() || unread())
            }
            Stage::Waiting | Stage::Left | Stage::Running | Stage::Ended => {
                row.fit != Fit::OutOfScope || row.taken_by(context.rosters).is_some()
            }
        }
    }
}
