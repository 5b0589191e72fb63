//! Jobs whose pod the cluster refused to make: which logs to read, and what they count.
//!
//! A refused pod never exists, so no watch shows it. GitLab says no more than `runner_system_failure`.

use jiff::SignedDuration;

use crate::cause::{self, Admission, Family};
use crate::model::fleet::job::{End, JobRow, Stage};
use crate::model::fleet::jobs::Jobs;
use crate::model::fleet::verdict::Context;
use crate::model::key::Subject;
use crate::model::occurrence::{FailureReason, Occurrence};
use crate::observation::{JobLog, LookUp};

/// Logs wished for at once; the source reads within its budget.
const MAX_LOGS: usize = 200;

/// Jobs whose log may name a refusal, newest first: what an operator looks at now.
pub(super) fn wanted(jobs: &Jobs, context: &Context<'_>) -> Vec<LookUp> {
    let mut wanted: Vec<_> = jobs
        .iter()
        .filter(|row| may_have_been_refused(row, context))
        .filter_map(|row| Some((row.moved.mono, LookUp { job: row.id, project: row.project? })))
        .collect();
    wanted.sort_unstable_by_key(|(moved, look_up)| std::cmp::Reverse((*moved, look_up.job)));
    wanted.into_iter().take(MAX_LOGS).map(|(_, look_up)| look_up).collect()
}

/// Failed in the runner's hands, of a tier, lately, and before its build container ran: afterwards no pod is made.
pub(super) fn may_have_been_refused(row: &JobRow, context: &Context<'_>) -> bool {
    let oldest = SignedDuration::try_from(context.policy.history.max_age)
        .ok()
        .and_then(|age| context.now.wall.checked_sub(age).ok())
        .map_or(context.began, |at| at.max(context.began));
    !row.counted.log
        && row.stage == Stage::Finished(End::Failed)
        && row.failure_reason.as_deref() == Some(FailureReason::RunnerSystem.as_str())
        && row.finished_at.is_none_or(|at| at >= oldest)
        && !row.runs()
        && row.taken_by(context.rosters).is_some()
}

/// Counts what a log says, once per job. Of the text only the bound that it names is kept.
pub(super) fn read(jobs: &mut Jobs, log: &JobLog, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    let Some(row) = jobs.get_mut(log.job).filter(|row| !row.counted.log) else { return };
    row.counted.log = true;
    row.refused = log.given_up.as_deref().and_then(cause::admission::refusal);
    let overstep = log.given_up.as_deref().filter(|_| row.refused == Some(Admission::LimitRange));
    row.overstep = overstep.and_then(cause::limit::overstep).map(Box::new);
    let (Some(cause), Some(tier)) = (row.refused, row.taken_by(context.rosters)) else { return };
    let of = Subject::Job(row.id);
    out.push(Occurrence::AdmissionRefused { tier, of: of.clone(), cause });
    if cause == Admission::Other {
        out.push(Occurrence::Unclassified { family: Family::Admission, of });
    }
}
