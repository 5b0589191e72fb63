//! How jobs end, and the verdict on each start: the first true one is final.

use jiff::SignedDuration;

use super::job::JobState;
use super::{Step, World};
use crate::demo::truth::count;

/// No start and no failed start falls this close to its deadline. The instants that clients are shown are cut
/// to the second, so at that distance nobody outside could say on which side it fell, and a comparison with
/// the truth would be a matter of luck.
const CLEAR: SignedDuration = SignedDuration::from_secs(5);
/// After this time without any runner that fits, GitLab gives up; with one, after a day.
const STUCK_UNMATCHED: SignedDuration = SignedDuration::from_hours(1);
const STUCK_MATCHED: SignedDuration = SignedDuration::from_hours(24);

impl World {
    /// How long to put a decisive moment off so that it is clear of the job's deadline.
    pub(super) fn until_clear_of_deadline(&self, job: u64) -> Option<SignedDuration> {
        let row = self.jobs.get(&job)?;
        let deadline = row.queued + self.tiers.get(row.tier)?.start_within;
        let past = self.now.duration_since(deadline);
        (past.abs() < CLEAR).then(|| CLEAR - past)
    }

    pub(super) fn deadline(&mut self, job: u64) {
        self.judge(job, "late");
    }

    /// Speaks the verdict unless one was spoken. Jobs that no runner could ever take belong to no tier.
    pub(super) fn judge(&mut self, job: u64, outcome: &'static str) {
        if let Some(row) = self.jobs.get_mut(&job)
            && !row.judged
            && row.served
        {
            row.judged = true;
            if let Some(truth) = self.truths.get_mut(row.tier) {
                count(&mut truth.outcomes, outcome);
            }
        }
    }

    pub(super) fn cancel(&mut self, job: u64) {
        if self.jobs.get(&job).is_some_and(|row| row.state == JobState::Pending) {
            self.judge(job, "canceled");
            self.finish(job, JobState::Canceled);
        }
    }

    /// Ends a job badly; before its build container ran that is the verdict on its start, too.
    pub(super) fn fail(&mut self, job: u64, reason: &'static str, users_fault: bool) {
        let Some(row) = self.jobs.get_mut(&job) else { return };
        if row.state.is_over() {
            return;
        }
        row.failure = Some(reason);
        let (tier, built) = (row.tier, row.built);
        if let Some(truth) = self.truths.get_mut(tier) {
            count(&mut truth.failed, reason);
        }
        if !built {
            self.judge(job, if users_fault { "user_failure" } else { "platform_failure" });
        }
        self.finish(job, JobState::Failed);
    }

    pub(super) fn finish(&mut self, job: u64, state: JobState) {
        self.pending.remove(&job);
        let now = self.now;
        let Some(row) = self.jobs.get_mut(&job) else { return };
        if row.state.is_over() {
            return;
        }
        row.state = state;
        row.finished = Some(now);
        if let Some(taken) = row.taken
            && let Some(manager) = self.runners.get_mut(taken.runner).and_then(|r| r.managers.get_mut(taken.manager))
        {
            manager.running = manager.running.saturating_sub(1);
        }
        self.tell(job);
    }

    pub(super) fn give_up_stuck(&mut self) {
        let stuck: Vec<(u64, &'static str)> = self
            .pending
            .iter()
            .filter_map(|id| self.jobs.get(id))
            .filter_map(|job| {
                let waited = self.now.duration_since(job.queued);
                if !job.served && waited >= STUCK_UNMATCHED {
                    Some((job.id, "stuck_pending_no_matching_runners"))
                } else if waited >= STUCK_MATCHED {
                    Some((job.id, "stuck_pending_with_matching_runners"))
                } else {
                    None
                }
            })
            .collect();
        for (job, reason) in stuck {
            if let Some(truth) = self.jobs.get(&job).and_then(|row| self.truths.get_mut(row.tier)) {
                count(&mut truth.dropped, reason);
            }
            self.fail(job, reason, false);
        }
        self.after(SignedDuration::from_secs(30), Step::GiveUpStuck);
    }

    /// What nobody can ask for any more: jobs that ended hours ago, events older than an hour, past faults.
    pub(super) fn tidy(&mut self) {
        let old = self.now - SignedDuration::from_hours(6);
        self.jobs.retain(|_, job| job.finished.is_none_or(|finished| finished > old));
        self.forget_old_events();
        self.faults.forget_past(self.now);
        self.after(SignedDuration::from_mins(10), Step::Tidy);
    }
}
