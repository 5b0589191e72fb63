//! The judgement on one job: where it is, where its time went, what holds it up, in words.

use std::sync::Arc;
use std::time::Duration;

use super::limits;
use super::words::{cut, human_duration, line, why_waiting};
use crate::cause::{self, Blame, Cause, Queue, Scheduling};
use crate::model::assessment::{Assessment, CauseLine, UnservedReason};
use crate::model::fleet::{Claim, End, Fleet, JobRow, Notices, PodRow, ScaleWord, Stage};
use crate::model::job_assessment::{JobAssessment, JobPhase, JobPod, JobState, Place};
use crate::model::occurrence::{Outcome, Phase};
use crate::model::policy::TierId;
use crate::model::tier::Fit;
use crate::observation::{JobId, Now};

/// Judges one job, with `current` as the judgement on its tier; `None` when nothing was ever seen of it, or no longer
/// remembered.
#[must_use]
pub fn explain(fleet: &Fleet, current: &Assessment, id: JobId, now: Now) -> Option<JobAssessment> {
    let row = fleet.jobs.get(id)?;
    let rosters = fleet.rosters.as_ref();
    let tier = row.taken_by(rosters).or(match row.fit {
        Fit::Tier(tier) => Some(tier),
        Fit::Shared(_) | Fit::Uncertain(_) | Fit::Unserved(..) | Fit::OutOfScope => None,
    });
    let sight = Sight { fleet, current, row, tier, now };
    let instants = row.instants();
    let runner = row.runner.and_then(|runner| rosters.and_then(|rosters| rosters.runner(runner)));
    let state = sight.state();
    let phases = sight.phases(state);
    let causes = sight.causes(state);
    let place = sight.place();
    let took =
        phases.iter().any(|phase| phase.phase == Phase::Queue).then(|| phases.iter().map(|phase| phase.took).sum());
    let mut told = JobAssessment {
        at: now,
        id,
        name: row.name.clone(),
        project: row.project_path.clone(),
        git_ref: row.git_ref.clone(),
        tags: row.tags.clone(),
        state,
        headline: String::new(),
        place,
        runner: row.runner,
        runner_description: runner.map(|runner| runner.description.clone()),
        queued_at: instants.queued,
        started_at: instants.taken,
        running_at: instants.running,
        finished_at: row.finished_at,
        start_within: tier.map(|tier| fleet.policy().tiers[tier].objective.start_within),
        took,
        phases,
        outcome: row.counted.outcome,
        failure_reason: row.failure_reason.clone(),
        causes,
        refusals: sight.refusals(),
        pods: row.claims.iter().map(|claim| job_pod(fleet, claim)).collect(),
    };
    told.headline = headline(&told);
    Some(told)
}

struct Sight<'a> {
    fleet: &'a Fleet,
    current: &'a Assessment,
    row: &'a JobRow,
    tier: Option<TierId>,
    now: Now,
}

impl Sight<'_> {
    fn state(&self) -> JobState {
        let watched = self.tier.is_some_and(|tier| self.fleet.pods_watched(tier));
        match self.row.stage {
            Stage::Waiting => JobState::Waiting,
            Stage::Claimed | Stage::Running if watched && !self.row.runs() => JobState::Starting,
            Stage::Claimed | Stage::Running => JobState::Running,
            Stage::Finished(End::Success) => JobState::Success,
            Stage::Finished(End::Failed) => JobState::Failed,
            Stage::Finished(End::Canceled) => JobState::Canceled,
            Stage::Left | Stage::Ended | Stage::Finished(End::Hidden) => JobState::Unknown,
        }
    }

    fn phases(&self, state: JobState) -> Vec<JobPhase> {
        if let (JobState::Waiting, Some(wait)) = (state, self.row.wait) {
            return vec![JobPhase { phase: Phase::Queue, took: wait.at(&self.now), open: true }];
        }
        let until = self.row.finished_at.unwrap_or(self.now.wall);
        let goes_on = matches!(state, JobState::Waiting | JobState::Starting);
        let phases = self.row.instants().so_far(until).into_iter();
        // A job that is over, or whose pods cannot be seen, has no phase that is still open, only one whose end nobody saw.
        let known = phases.filter(|(_, _, over)| *over || goes_on);
        known.map(|(phase, took, over)| JobPhase { phase, took, open: !over }).collect()
    }

    fn place(&self) -> Place {
        let name = |tier: &TierId| Arc::clone(&self.fleet.policy().tiers[*tier].name);
        if let Some(tier) = self.tier {
            return Place::Tier { tier: name(&tier) };
        }
        match &self.row.fit {
            Fit::Tier(tier) => Place::Tier { tier: name(tier) },
            Fit::Shared(tiers) => Place::Shared { tiers: tiers.iter().map(name).collect() },
            Fit::Uncertain(tiers) => Place::Uncertain { tiers: tiers.iter().map(name).collect() },
            Fit::Unserved(tier, reason) => {
                let missing_tags = match reason {
                    UnservedReason::TagMissing => self.missing_tags(*tier),
                    UnservedReason::Untagged | UnservedReason::Protected | UnservedReason::Unknown => Vec::new(),
                };
                Place::Unserved { nearest: name(tier), reason: *reason, missing_tags }
            }
            Fit::OutOfScope => Place::OutOfScope,
        }
    }

    /// The tags that the runner of the tier that comes nearest lacks.
    fn missing_tags(&self, tier: TierId) -> Vec<Arc<str>> {
        let wanted = self.row.tags.as_deref().unwrap_or_default();
        let lacking =
            |has: &[Arc<str>]| -> Vec<_> { wanted.iter().filter(|tag| !has.contains(tag)).cloned().collect() };
        let runners = self.fleet.rosters.as_ref().map(|rosters| rosters.of(tier)).unwrap_or_default();
        let nearest = runners.iter().map(|runner| lacking(&runner.tags)).min_by_key(Vec::len);
        nearest.unwrap_or_else(|| lacking(&self.fleet.policy().tiers[tier].tags))
    }

    /// What holds it up, the user's own mistakes last; of a job that started or ended, what held it up.
    fn causes(&self, state: JobState) -> Vec<CauseLine> {
        let mut lines: Vec<_> = match state {
            JobState::Waiting => self.why_waiting().into_iter().collect(),
            JobState::Starting => self.newest_pod().map(|pod| of_pod(pod, &self.fleet.notices)).unwrap_or_default(),
            JobState::Running | JobState::Success | JobState::Failed | JobState::Canceled | JobState::Unknown => {
                let refused =
                    self.row.refused.map(|cause| line(Cause::Admission(cause), 1, limits::told(self.fleet, self.row)));
                refused.into_iter().chain(self.row.believed().flat_map(of_claim)).collect()
            }
        };
        lines.sort_by_key(|line| (line.blame == Blame::User, line.cause));
        lines.dedup_by_key(|line| line.cause);
        lines
    }

    fn why_waiting(&self) -> Option<CauseLine> {
        let cause = match &self.row.fit {
            Fit::Tier(tier) => {
                let levels = self.current.tiers.get(*tier)?;
                let policy = &self.fleet.policy().tiers[*tier];
                let cause = why_waiting(policy, levels.runners.as_ref()?, levels.managers, levels.running);
                let waited = self.row.wait.map(|wait| wait.at(&self.now))?;
                // Within the promise a wait needs no excuse.
                (cause != Queue::Unknown || waited > policy.objective.start_within).then_some(cause)?
            }
            Fit::Unserved(_, UnservedReason::TagMissing | UnservedReason::Untagged) => Queue::NoMatchingRunner,
            Fit::Unserved(_, UnservedReason::Protected) => Queue::ProtectedMismatch,
            Fit::Unserved(tier, UnservedReason::Unknown) => {
                let runners = self.fleet.rosters.as_ref()?.of(*tier);
                runners.is_empty().then_some(Queue::NoOnlineRunner)?
            }
            Fit::Shared(_) | Fit::Uncertain(_) | Fit::OutOfScope => return None,
        };
        Some(line(Cause::Queue(cause), 1, None))
    }

    fn newest_pod(&self) -> Option<&PodRow> {
        let living = self.row.believed().filter(|claim| claim.gone.is_none());
        let newest = living.max_by_key(|claim| claim.instants.created)?;
        self.fleet.pods.get(&newest.pod)
    }

    fn refusals(&self) -> Vec<(Scheduling, u32)> {
        let message = self.newest_pod().filter(|pod| pod.refused().is_some()).and_then(PodRow::refusal);
        message.map(|message| cause::scheduling::classify(message).causes).unwrap_or_default()
    }
}

fn of_pod(pod: &PodRow, notices: &Notices) -> Vec<CauseLine> {
    let refused = pod.refused().map(|cause| line(Cause::Scheduling(cause), 1, pod.refusal().map(cut)));
    let no_node_comes = match pod.scale_word(notices).filter(|_| pod.waits_for_a_node()) {
        Some(ScaleWord::Refused(cause, message)) => Some(line(Cause::Autoscale(cause), 1, Some(cut(message)))),
        Some(ScaleWord::Triggered) | None => None,
    };
    let pulls = pod.failing_pulls().map(|(cause, message)| line(Cause::Pull(cause), 1, message.map(cut)));
    let held = pod.hold().map(|cause| line(Cause::Runtime(cause), 1, None));
    refused.into_iter().chain(no_node_comes).chain(pulls).chain(held).collect()
}

fn of_claim(claim: &Claim) -> impl Iterator<Item = CauseLine> {
    let refused = claim.refused.map(Cause::Scheduling);
    let causes = refused.into_iter().chain(claim.pull.map(Cause::Pull)).chain(claim.failure);
    causes.map(|cause| line(cause, 1, None))
}

fn job_pod(fleet: &Fleet, claim: &Claim) -> JobPod {
    let report = fleet.pods.get(&claim.pod).map(|pod| &pod.report);
    JobPod {
        uid: claim.pod.clone(),
        namespace: report.map(|report| report.namespace.clone()),
        name: report.map(|report| report.name.clone()),
        node: report.and_then(|report| report.node.clone()),
        phase: report.map(|report| report.phase),
        gone: claim.gone.is_some(),
        rejected: claim.rejected,
    }
}

fn headline(job: &JobAssessment) -> String {
    let why = job.causes.first().map(|line| format!(": {}", line.sentence)).unwrap_or_default();
    let took = job.took.map_or_else(|| "an unknown time".to_owned(), human_duration);
    let promise = promise(job.took, job.start_within);
    match job.state {
        JobState::Waiting => format!("waiting for {took}{}{promise}{why}", for_whom(&job.place)),
        JobState::Starting => {
            let phase = job.phases.last().map(|last| format!("; now {}", phase_words(last.phase))).unwrap_or_default();
            format!("taken by a runner and not running after {took}{promise}{phase}{why}")
        }
        JobState::Running => format!("running; {}", started(job, &took, &promise)),
        JobState::Success => format!("ended well; {}", started(job, &took, &promise)),
        JobState::Failed => {
            let reason = job.failure_reason.as_deref().unwrap_or("a reason that GitLab does not tell");
            let start =
                if job.running_at.is_some() { started(job, &took, &promise) } else { "it never ran".to_owned() };
            format!("failed with {reason}; {start}{why}")
        }
        JobState::Canceled if job.running_at.is_none() => format!("canceled after {took}, before it ran{why}"),
        JobState::Canceled => format!("canceled; {}", started(job, &took, &promise)),
        JobState::Unknown => "it left GitLab's list, and no answer says yet what became of it".to_owned(),
    }
}

fn for_whom(place: &Place) -> String {
    match place {
        Place::Tier { tier } => format!(" for a runner of {tier}"),
        Place::Shared { tiers } => format!(" for a runner of {}", tiers.join(" or ")),
        Place::Uncertain { tiers } => {
            format!(", perhaps for a runner of {}: that cannot be proven", tiers.join(" or "))
        }
        Place::Unserved { nearest, missing_tags, .. } if missing_tags.is_empty() => {
            format!(", and no runner may take it (nearest tier: {nearest})")
        }
        Place::Unserved { nearest, missing_tags, .. } => {
            format!(", and no runner may take it (nearest tier: {nearest}, which lacks {})", missing_tags.join(", "))
        }
        Place::OutOfScope => ", which is no configured tier's business".to_owned(),
    }
}

fn promise(took: Option<Duration>, within: Option<Duration>) -> String {
    let Some((took, within)) = took.zip(within) else { return String::new() };
    let relation = if took > within { "longer than" } else { "within" };
    format!(", {relation} the promised {}", human_duration(within))
}

fn started(job: &JobAssessment, took: &str, promise: &str) -> String {
    match job.outcome {
        _ if job.took.is_some() && job.running_at.is_some() => {
            format!("it started {took} after it was queued{promise}")
        }
        Some(Outcome::InTime) => "it started in time".to_owned(),
        Some(Outcome::Late) => "it started late".to_owned(),
        _ if job.took.is_some() => format!("a runner took it {took} after it was queued"),
        _ => "how long it waited is not known".to_owned(),
    }
}

const fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Queue => "in GitLab's queue",
        Phase::Dispatch => "the runner must make its pod",
        Phase::Schedule => "its pod waits for a node",
        Phase::Sandbox => "its pod's sandbox is made",
        Phase::Containers => "its containers start",
    }
}
