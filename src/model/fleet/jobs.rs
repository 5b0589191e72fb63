//! The table of jobs: which wait, which run, which we would like to look up, and when one is forgotten.

use std::collections::BTreeMap;

use crate::model::fleet::job::{Claim, End, JobRow, Stage};
use crate::model::fleet::verdict::{self, Context};
use crate::model::occurrence::{Occurrence, Table};
use crate::observation::{JobId, JobReport, LookUp, Now};

/// Look-ups wished for at once; the sources ask within their budget.
const MAX_LOOK_UPS: usize = 200;

/// All jobs in sight and those that ended not long ago.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Jobs {
    /// Boxed: a table has free places, and a row is large.
    rows: BTreeMap<JobId, Box<JobRow>>,
}

impl Jobs {
    pub(in crate::model) fn iter(&self) -> impl Iterator<Item = &JobRow> {
        self.rows.values().map(Box::as_ref)
    }

    pub(in crate::model) fn iter_mut(&mut self) -> impl Iterator<Item = &mut JobRow> {
        self.rows.values_mut().map(Box::as_mut)
    }

    pub(super) fn get_mut(&mut self, id: JobId) -> Option<&mut JobRow> {
        self.rows.get_mut(&id).map(Box::as_mut)
    }

    /// The row of a job, new where nobody spoke of it yet.
    pub(super) fn row(&mut self, job: JobId, at: Now) -> &mut JobRow {
        self.rows.entry(job).or_insert_with(|| Box::new(JobRow::new(job, at)))
    }

    pub(in crate::model) fn get(&self, id: JobId) -> Option<&JobRow> {
        self.rows.get(&id).map(Box::as_ref)
    }

    /// Takes over one report and returns its row.
    pub(super) fn tell(&mut self, report: JobReport, at: Now, out: &mut Vec<Occurrence>) -> &mut JobRow {
        let row = self.row(report.id, at);
        row.overrule(&report, at, out);
        row.tell(report, at);
        row
    }

    /// Adds or renews what a pod says of a job.
    pub(super) fn claim(&mut self, job: JobId, claim: Claim, at: Now) -> &mut JobRow {
        let row = self.row(job, at);
        if row.project.is_none() && row.stage == Stage::Claimed {
            // Only to know where to look it up: GitLab's answer confirms or refutes it.
            row.project = claim.project;
        }
        row.claim(claim);
        row
    }

    /// Jobs that a complete list should have shown and did not: they moved on.
    pub(super) fn missing(&mut self, gone: impl Fn(&JobRow) -> bool, at: Now) {
        for row in self.iter_mut().filter(|row| gone(row)) {
            let next = match row.stage {
                Stage::Waiting => Stage::Left,
                Stage::Running => Stage::Ended,
                Stage::Claimed | Stage::Left | Stage::Ended | Stage::Finished(_) => continue,
            };
            row.move_to(next, at);
        }
    }

    /// GitLab does not show a job that was looked up.
    pub(super) fn hidden(&mut self, id: JobId, at: Now, context: &Context<'_>, out: &mut Vec<Occurrence>) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        if row.stage < Stage::Finished(End::Success) && row.stage != Stage::Waiting {
            verdict::give_up(row, context, out);
            row.move_to(Stage::Finished(End::Hidden), at);
        }
    }

    /// Jobs whose whereabouts only a look-up can tell, most urgent first: those that left the queue without a
    /// trace, then those that only a pod speaks of, then those that ended.
    pub(super) fn look_ups(&self, now: &Now, patience: std::time::Duration) -> Vec<LookUp> {
        let urgency = |row: &JobRow| match row.stage {
            Stage::Left if row.claims.is_empty() => Some(0_u8),
            // The list of running jobs will tell soon, and for a hundred jobs at once.
            Stage::Left | Stage::Claimed => (now.since(&row.moved) > patience).then_some(1),
            Stage::Ended => Some(2),
            Stage::Waiting | Stage::Running | Stage::Finished(_) => None,
        };
        let mut wanted: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| Some((urgency(row)?, row.moved.mono, LookUp { job: row.id, project: row.project? })))
            .collect();
        wanted.sort_unstable_by_key(|(urgency, moved, look_up)| (*urgency, *moved, look_up.job));
        wanted.into_iter().take(MAX_LOOK_UPS).map(|(_, _, look_up)| look_up).collect()
    }

    /// Forgets jobs that are over and old, and the oldest of those that are too many.
    pub(super) fn forget(&mut self, context: &Context<'_>, out: &mut Vec<Occurrence>) {
        let history = context.policy.history;
        let settled = |row: &JobRow| !matches!(row.stage, Stage::Waiting | Stage::Running);
        self.rows.retain(|_, row| {
            let old = settled(row) && context.now.since(&row.moved) > history.max_age;
            if old {
                verdict::give_up(row, context, out);
            }
            !old
        });
        let mut over: Vec<_> =
            self.rows.values().filter(|row| settled(row)).map(|row| (row.moved.mono, row.id)).collect();
        if over.len() > history.max_jobs {
            over.sort_unstable();
            let too_many = over.len() - history.max_jobs;
            for (_, id) in over.into_iter().take(too_many) {
                if let Some(mut row) = self.rows.remove(&id) {
                    verdict::give_up(&mut row, context, out);
                    out.push(Occurrence::Evicted { table: Table::Jobs });
                }
            }
        }
    }
}
