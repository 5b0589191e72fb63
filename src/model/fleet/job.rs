//! One job: what GitLab said of it, the pods that claim to run it, and what was already counted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cause::limit::Overstep;
use crate::cause::{self, Admission, Blame, Cause, Pull, Scheduling};
use crate::model::fleet::hooks::Heard;
use crate::model::fleet::sources::Blind;
use crate::model::fleet::start::Instants;
use crate::model::occurrence::Outcome;
use crate::model::policy::TierId;
use crate::model::tier::{Fit, Rosters, same_token};
use crate::observation::{JobId, JobReport, JobStatus, Now, ProjectId, RunnerId};

/// Where a job is in its life, as far as it was shown to us. It only ever moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::model) enum Stage {
    /// A pod claims it or a hook announced it; no answer of GitLab has shown it.
    Claimed,
    /// Waiting for a runner.
    Waiting,
    /// No longer in the queue; where it went is not known yet.
    Left,
    /// Taken by a runner.
    Running,
    /// No longer running; how it ended is not known yet.
    Ended,
    /// Over.
    Finished(End),
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::model) enum End {
    Success,
    Failed,
    Canceled,
    /// GitLab no longer shows it.
    Hidden,
}

/// A wait as GitLab counted it, and when it said so.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Wait {
    queued_for: Duration,
    answered: Now,
}

impl Wait {
    /// The wait now: GitLab's count plus our stopwatch.
    pub(in crate::model) fn at(&self, now: &Now) -> Duration {
        self.queued_for + now.since(&self.answered)
    }

    /// The wait as GitLab last counted it.
    pub(in crate::model) fn told(&self) -> Duration {
        self.queued_for
    }

    /// When the wait began, by our stopwatch's idea of GitLab's count.
    fn began(&self) -> Option<Timestamp> {
        self.answered.wall.checked_sub(jiff::SignedDuration::try_from(self.queued_for).ok()?).ok()
    }
}

/// A pod that says it runs a job.
#[derive(Debug, Clone)]
pub(in crate::model) struct Claim {
    pub(in crate::model) pod: Arc<str>,
    pub(in crate::model) project: Option<ProjectId>,
    pub(in crate::model) runner_short: Option<Arc<str>>,
    pub(in crate::model) tier: Option<TierId>,
    pub(in crate::model) instants: Instants,
    /// Why an image of this pod cannot, or could not, be pulled.
    pub(in crate::model) pull: Option<Pull>,
    /// Why no node takes, or last took, this pod.
    pub(in crate::model) refused: Option<Scheduling>,
    /// What held this pod up on its node, or took it away.
    pub(in crate::model) failure: Option<Cause>,
    /// When the pod was seen to be gone.
    pub(in crate::model) gone: Option<Timestamp>,
    /// It went while nobody watched.
    pub(in crate::model) lost: bool,
    /// GitLab contradicts it: not believed, and told once.
    pub(in crate::model) rejected: bool,
}

impl Claim {
    /// Whose fault it is that an image cannot be pulled, or that the pod was held up or taken away.
    pub(in crate::model) fn blame(&self) -> Option<Blame> {
        let pull = self.pull.map(|cause| cause::explain(cause.into()).blame);
        // What ended a pod without telling whose fault it was leaves that to GitLab's reason.
        let failure = self.failure.map(|cause| cause::explain(cause).blame).filter(|blame| *blame != Blame::Unclear);
        pull.or(failure)
    }
}

/// What was already counted of a job.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::model) struct Counted {
    pub(in crate::model) taken: bool,
    pub(in crate::model) started: bool,
    /// The verdict, also where it was too old to be counted.
    pub(in crate::model) outcome: Option<Outcome>,
    pub(in crate::model) failed: bool,
    /// Its log was read.
    pub(in crate::model) log: bool,
}

/// One job.
#[derive(Debug, Clone)]
pub(in crate::model) struct JobRow {
    pub(in crate::model) id: JobId,
    pub(in crate::model) stage: Stage,
    pub(in crate::model) project: Option<ProjectId>,
    pub(in crate::model) project_path: Option<Arc<str>>,
    pub(in crate::model) name: Arc<str>,
    pub(in crate::model) git_ref: Option<Arc<str>>,
    pub(in crate::model) is_tag: Option<bool>,
    pub(in crate::model) tags: Option<Vec<Arc<str>>>,
    pub(in crate::model) stuck: Option<bool>,
    /// Runners that would take it, by GitLab's own matching; absent where nobody asked by runner.
    pub(in crate::model) takers: Option<Vec<RunnerId>>,
    /// The growing wait of a pending job.
    pub(in crate::model) wait: Option<Wait>,
    /// GitLab's final word on the wait of a started job.
    pub(in crate::model) waited: Option<Duration>,
    pub(in crate::model) queued_at: Option<Timestamp>,
    pub(in crate::model) started_at: Option<Timestamp>,
    pub(in crate::model) finished_at: Option<Timestamp>,
    pub(in crate::model) failure_reason: Option<Arc<str>>,
    pub(in crate::model) runner: Option<RunnerId>,
    pub(in crate::model) fit: Fit,
    /// Why the cluster refused to make its pod, by the job's log.
    pub(in crate::model) refused: Option<Admission>,
    /// Which bound of a LimitRange the log names.
    pub(in crate::model) overstep: Option<Box<Overstep>>,
    pub(in crate::model) claims: Vec<Claim>,
    pub(in crate::model) counted: Counted,
    /// What only hooks told; absent for a job without hooks.
    pub(super) heard: Option<Box<Heard>>,
    /// When the stage last moved.
    pub(in crate::model) moved: Now,
}

impl JobRow {
    /// A job nobody has told anything about.
    pub(super) fn new(id: JobId, at: Now) -> Self {
        Self {
            id,
            stage: Stage::Claimed,
            project: None,
            project_path: None,
            name: "".into(),
            git_ref: None,
            is_tag: None,
            tags: None,
            stuck: None,
            takers: None,
            wait: None,
            waited: None,
            queued_at: None,
            started_at: None,
            finished_at: None,
            failure_reason: None,
            runner: None,
            fit: Fit::OutOfScope,
            refused: None,
            overstep: None,
            claims: Vec::new(),
            counted: Counted::default(),
            heard: None,
            moved: at,
        }
    }

    /// Takes over what GitLab says. A stale page never moves a job back.
    pub(super) fn tell(&mut self, report: JobReport, at: Now) {
        let stage = match report.status {
            JobStatus::Pending => Stage::Waiting,
            JobStatus::Running => Stage::Running,
            JobStatus::Success => Stage::Finished(End::Success),
            JobStatus::Failed => Stage::Finished(End::Failed),
            JobStatus::Canceled => Stage::Finished(End::Canceled),
            // Created, manual, scheduled: GitLab took it out of the queue again without running it.
            JobStatus::Other => Stage::Finished(End::Hidden),
        };
        // A list that shifted between two pages had missed it; the next answer brings it back.
        let missed = matches!((self.stage, stage), (Stage::Left, Stage::Waiting) | (Stage::Ended, Stage::Running));
        if stage < self.stage && !missed {
            return;
        }
        self.move_to(stage, at);
        keep(&mut self.project, report.project);
        keep(&mut self.project_path, report.project_path);
        keep(&mut self.git_ref, report.git_ref);
        keep(&mut self.is_tag, report.is_tag);
        keep(&mut self.tags, report.tags);
        keep(&mut self.stuck, report.stuck);
        keep(&mut self.runner, report.runner);
        keep(&mut self.started_at, report.started_at);
        keep(&mut self.finished_at, report.finished_at);
        keep(&mut self.failure_reason, report.failure_reason);
        if !report.name.is_empty() {
            self.name = report.name;
        }
        if stage == Stage::Waiting {
            // Always of the last way of reading.
            self.takers = report.takers;
            self.wait = report.queued_for.map(|queued_for| Wait { queued_for, answered: at });
            keep(&mut self.queued_at, report.queued_at.or_else(|| self.wait.and_then(|wait| wait.began())));
        } else {
            keep(&mut self.waited, report.queued_for);
            let queued_at = self.wait_before_start().or(report.queued_at);
            keep(&mut self.queued_at, queued_at);
        }
    }

    /// When the wait of a started job began. GitLab's own difference is exact; an estimate from the time of an
    /// answer is not.
    pub(super) fn wait_before_start(&self) -> Option<Timestamp> {
        self.started_at?.checked_sub(jiff::SignedDuration::try_from(self.waited?).ok()?).ok()
    }

    /// Moves on to `stage`.
    pub(super) fn move_to(&mut self, stage: Stage, at: Now) {
        if self.stage != stage {
            self.stage = stage;
            self.moved = at;
        }
    }

    /// Adds or renews what a pod says.
    pub(super) fn claim(&mut self, claim: Claim) {
        match self.claims.iter_mut().find(|known| known.pod == claim.pod) {
            Some(known) => {
                let (rejected, refused) = (known.rejected, claim.refused.or(known.refused));
                *known = Claim { rejected, refused, ..claim };
            }
            None => {
                // Nearly every job has one pod; the usual growth would make room for four.
                self.claims.reserve_exact(1);
                self.claims.push(claim);
            }
        }
    }

    /// Claims that GitLab does not contradict, oldest pod first.
    pub(in crate::model) fn believed(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(|claim| !claim.rejected)
    }

    /// Whether GitLab contradicts a claim: another project, or a runner with another token.
    pub(super) fn contradicts(&self, claim: &Claim, rosters: Option<&Rosters>) -> bool {
        let other_project = self.project.zip(claim.project).is_some_and(|(ours, theirs)| ours != theirs);
        let other_runner = self.runner.zip(claim.runner_short.as_deref()).is_some_and(|(runner, short)| {
            rosters.and_then(|rosters| rosters.short_sha(runner)).is_some_and(|sha| !same_token(sha, short))
        });
        other_project || other_runner
    }

    /// The instants of its start. The first pod tells dispatch, schedule and sandbox; any pod tells running.
    pub(in crate::model) fn instants(&self) -> Instants {
        let first = self.believed().min_by_key(|claim| claim.instants.created);
        let first = first.map(|claim| claim.instants).unwrap_or_default();
        Instants {
            queued: self.queued_at,
            taken: self.started_at,
            running: self.believed().filter_map(|claim| claim.instants.running).min(),
            ..first
        }
    }

    /// Nobody watched its pods for a while in which its build container may have run: then it went unseen. A pod of it that
    /// was seen afterwards shows that it had not run by then.
    pub(in crate::model) fn may_have_run_unseen(&self, blind: &[Blind]) -> bool {
        let survived = |blind: &Blind| {
            blind.is_over()
                && self.believed().any(|claim| !claim.lost && claim.gone.is_none_or(|gone| gone > blind.until))
        };
        let concerns = |blind: &&Blind| {
            self.started_at.is_none_or(|taken| taken < blind.until)
                && self.finished_at.is_none_or(|end| end > blind.from)
        };
        let taken = self.runner.is_some() || self.started_at.is_some();
        taken && !self.runs() && blind.iter().filter(concerns).any(|blind| !survived(blind))
    }

    /// Whether its build container is known to have run.
    pub(in crate::model) fn runs(&self) -> bool {
        self.believed().any(|claim| claim.instants.running.is_some())
    }

    /// The tier that took it: by the runner GitLab names, else by the pod's place.
    pub(in crate::model) fn taken_by(&self, rosters: Option<&Rosters>) -> Option<TierId> {
        let by_pod = || self.believed().find_map(|claim| claim.tier);
        match (self.runner, rosters) {
            (Some(runner), Some(rosters)) => rosters.tier_of(runner).or_else(by_pod),
            (Some(_), None) => by_pod(),
            (None, _) => by_pod().or(match (self.stage, &self.fit) {
                // Nobody says who took it, and only one tier would.
                (Stage::Waiting | Stage::Claimed, _) => None,
                (_, Fit::Tier(tier)) => Some(*tier),
                (_, Fit::Shared(_) | Fit::Uncertain(_) | Fit::Unserved(..) | Fit::OutOfScope) => None,
            }),
        }
    }
}

fn keep<T>(slot: &mut Option<T>, news: Option<T>) {
    if news.is_some() {
        *slot = news;
    }
}
