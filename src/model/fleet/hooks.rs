//! What hooks tell: sooner than any poll, late, twice, out of order or never.
//!
//! A hook moves a job on and fills in what nobody has told yet; GitLab's answers to our own questions replace it, and
//! where the two differ that is counted. So a lost hook costs time, and a superfluous one nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::fleet::job::{End, JobRow, Stage};
use crate::model::fleet::jobs::Jobs;
use crate::model::occurrence::{Disagreement, Occurrence};
use crate::observation::between;
use crate::observation::{JobId, JobReport, JobStatus, Now, RunnerId};

/// Hooks tell whole seconds, and clocks of GitLab's processes differ by one or two.
const SAME_INSTANT: Duration = Duration::from_secs(5);

/// No answer that says "running" is older than this when it reaches us: the longest run of a poll.
const OLDEST_ANSWER: Duration = Duration::from_secs(120);

/// A pod's last words reach us through the API server a moment after they were said, perhaps after GitLab's hook.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Of one job: what only hooks told so far, and in what GitLab's answers contradicted them.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    job: JobId,
    runner: Option<RunnerId>,
    started_at: Option<Timestamp>,
    waited: Option<Duration>,
    end: Option<End>,
    failure_reason: Option<Arc<str>>,
    disagreed: Vec<Disagreement>,
}

impl Heard {
    fn new(job: JobId) -> Self {
        Self {
            job,
            runner: None,
            started_at: None,
            waited: None,
            end: None,
            failure_reason: None,
            disagreed: Vec::new(),
        }
    }

    fn compare<T>(
        &mut self,
        kind: Disagreement,
        words: Option<(T, T)>,
        same: impl Fn(&T, &T) -> bool,
        out: &mut Vec<Occurrence>,
    ) {
        if words.is_some_and(|(one, other)| !same(&one, &other)) && !self.disagreed.contains(&kind) {
            self.disagreed.push(kind);
            out.push(Occurrence::Disagreed { job: self.job, kind });
        }
    }
}

impl Jobs {
    /// Takes over what a hook told. Returns the job's row, and whether only a hook or a pod speaks of it.
    pub(super) fn hear(
        &mut self,
        report: JobReport,
        at: Now,
        out: &mut Vec<Occurrence>,
    ) -> Option<(&mut JobRow, bool)> {
        let known = self.get_mut(report.id).is_some();
        // Canceled or given up before anybody saw it wait, perhaps before it could: nobody's wait to count.
        if !known && end_of(report.status).is_some() && report.runner.is_none() {
            return None;
        }
        let row = self.row(report.id, at);
        let unseen = row.stage == Stage::Claimed;
        row.hear(report, at, out);
        Some((row, unseen))
    }
}

impl JobRow {
    fn hear(&mut self, report: JobReport, at: Now, out: &mut Vec<Occurrence>) {
        // The hook is GitLab's; what a pod says of its project is the user's.
        if self.project.is_none() || self.stage == Stage::Claimed {
            self.project = report.project.or(self.project);
        }
        fill(&mut self.project_path, report.project_path.clone());
        fill(&mut self.git_ref, report.git_ref.clone());
        fill(&mut self.is_tag, report.is_tag);
        if self.name.is_empty() {
            self.name = report.name.clone();
        }
        let next = match (report.status, end_of(report.status)) {
            // Where it waits shows only the queue, which tells its tags.
            (JobStatus::Pending | JobStatus::Other, _) => return,
            (_, Some(end)) => Stage::Finished(end),
            (_, None) => Stage::Running,
        };
        let mut heard = self.heard.take().unwrap_or_else(|| Box::new(Heard::new(self.id)));
        heard.compare(Disagreement::Runner, told(self.runner, heard.runner, report.runner), PartialEq::eq, out);
        let instants = told(self.started_at, heard.started_at, report.started_at);
        heard.compare(Disagreement::StartedAt, instants, same_instant, out);
        let waited = report.queued_for.filter(|_| report.started_at.is_some());
        heard.compare(Disagreement::QueuedDuration, told(self.waited, heard.waited, waited), same_wait, out);
        let reasons = told(self.failure_reason.clone(), heard.failure_reason.clone(), report.failure_reason.clone());
        heard.compare(Disagreement::FailureReason, reasons, PartialEq::eq, out);
        if let (Stage::Finished(ours), Stage::Finished(theirs)) = (self.stage, next)
            && ours != End::Hidden
        {
            heard.compare(Disagreement::Status, told(Some(ours), heard.end, Some(theirs)), PartialEq::eq, out);
        }
        if !matches!(self.stage, Stage::Finished(_)) || heard.end.is_some() {
            keep_first(&mut self.runner, &mut heard.runner, report.runner);
            keep_first(&mut self.started_at, &mut heard.started_at, report.started_at);
            keep_first(&mut self.waited, &mut heard.waited, waited);
            keep_first(&mut self.failure_reason, &mut heard.failure_reason, report.failure_reason);
            fill(&mut self.finished_at, report.finished_at);
            self.queued_at = self.queued_at.or_else(|| self.wait_before_start());
        }
        // Nobody took it and its tags were never shown: whose job it was, only a look-up can tell.
        let placeable = self.runner.is_some() || self.tags.is_some();
        if next > self.stage && !matches!(self.stage, Stage::Finished(_)) && placeable {
            self.move_to(next, at);
            if let Stage::Finished(end) = next {
                heard.end = Some(end);
            }
        }
        self.heard = Some(heard);
    }

    /// GitLab answered us: its word takes the place of a hook's.
    pub(super) fn overrule(&mut self, report: &JobReport, at: Now, out: &mut Vec<Occurrence>) {
        let Some(mut heard) = self.heard.take() else { return };
        heard.compare(Disagreement::Runner, heard.runner.zip(report.runner), PartialEq::eq, out);
        heard.compare(Disagreement::StartedAt, heard.started_at.zip(report.started_at), same_instant, out);
        let waited = report.queued_for.filter(|_| report.started_at.is_some());
        heard.compare(Disagreement::QueuedDuration, heard.waited.zip(waited), same_wait, out);
        let reasons = heard.failure_reason.clone().zip(report.failure_reason.clone());
        heard.compare(Disagreement::FailureReason, reasons, PartialEq::eq, out);
        replace(&mut self.runner, &mut heard.runner, report.runner);
        replace(&mut self.started_at, &mut heard.started_at, report.started_at);
        replace(&mut self.waited, &mut heard.waited, waited);
        replace(&mut self.failure_reason, &mut heard.failure_reason, report.failure_reason.clone());

        let lasting = at.since(&self.moved) > OLDEST_ANSWER;
        let back = match (report.status, end_of(report.status)) {
            (_, Some(end)) if heard.end.is_some_and(|heard| heard != end) => Some(Stage::Ended),
            (JobStatus::Running, None) if heard.end.is_some() && lasting => Some(Stage::Ended),
            (JobStatus::Pending, None) if heard.end.is_some() && lasting => Some(Stage::Left),
            _ => None,
        };
        if let Some(back) = back {
            heard.compare(Disagreement::Status, Some(((), ())), |(), ()| false, out);
            self.move_to(back, at);
        }
        if back.is_some() || end_of(report.status).is_some() {
            heard.end = None;
        }
        self.heard = Some(heard);
    }

    /// A hook has just told its end: what its pod said last may still be on the way.
    pub(super) fn may_have_last_words(&self, now: &Now) -> bool {
        let heard_end = self.heard.as_ref().is_some_and(|heard| heard.end.is_some());
        heard_end && now.since(&self.moved) <= LAST_WORDS
    }
}

/// The API's word and the hook's, where the API told one. `ours` is the API's unless a hook told it.
fn told<T>(ours: Option<T>, heard: Option<T>, theirs: Option<T>) -> Option<(T, T)> {
    if heard.is_some() { None } else { ours.zip(theirs) }
}

fn fill<T>(slot: &mut Option<T>, news: Option<T>) {
    if slot.is_none() {
        *slot = news;
    }
}

/// Fills `slot` and remembers that a hook did.
fn keep_first<T: Clone>(slot: &mut Option<T>, heard: &mut Option<T>, news: Option<T>) {
    if slot.is_none() {
        slot.clone_from(&news);
        *heard = news;
    }
}

/// Puts the API's word where a hook's was.
fn replace<T>(slot: &mut Option<T>, heard: &mut Option<T>, news: Option<T>) {
    if news.is_some() && heard.take().is_some() {
        *slot = news;
    }
}

fn same_instant(one: &Timestamp, other: &Timestamp) -> bool {
    between(*one, *other).max(between(*other, *one)) <= SAME_INSTANT
}

fn same_wait(one: &Duration, other: &Duration) -> bool {
    one.abs_diff(*other) <= SAME_INSTANT
}

const fn end_of(status: JobStatus) -> Option<End> {
    match status {
        JobStatus::Success => Some(End::Success),
        JobStatus::Failed => Some(End::Failed),
        JobStatus::Canceled => Some(End::Canceled),
        JobStatus::Pending | JobStatus::Running | JobStatus::Other => None,
    }
}
