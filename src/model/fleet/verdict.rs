//! What may be counted of a job now. Called whenever a job may have changed; counts each thing once.
//!
//! Nothing that happened before we began to watch is counted: it is marked as counted in silence.

use std::time::Duration;

use jiff::Timestamp;

use crate::cause::Blame;
use crate::model::fleet::job::{Claim, End, JobRow, Stage};
use crate::model::fleet::sources::Blind;
use crate::model::fleet::start::Instants;
use crate::model::occurrence::{DropReason, FailureReason, Occurrence, Outcome};
use crate::model::policy::{Policy, TierId};
use crate::model::tier::{Fit, Rosters};
use crate::observation::Now;
use crate::observation::between;

/// A pod's start reaches us through the API server a moment after it happened; before that moment has
/// passed, a job that seems late may have started in time.
const WATCH_LAG: Duration = Duration::from_secs(2);

/// How long a started job may lack GitLab's own times before it is counted with the phases that are known.
const WAIT_FOR_GITLAB: Duration = Duration::from_secs(300);

/// How long the pods of a job that ended may take to show themselves.
const WAIT_FOR_PODS: Duration = Duration::from_secs(60);

/// What the fleet knows beside the job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) policy: &'a Policy,
    pub(super) rosters: Option<&'a Rosters>,
    /// Pods of each tier are watched.
    pub(super) pods_watched: &'a [bool],
    /// Pods of each tier are watched and the watch is in contact.
    pub(super) pods_fresh: &'a [bool],
    /// When the pods of each tier could not be seen.
    pub(super) blind: &'a [Vec<Blind>],
    /// When we began to watch.
    pub(super) began: Timestamp,
    pub(super) now: Now,
}

impl Context<'_> {
    /// When the pods of a tier could not be seen.
    fn blind_of(&self, tier: TierId) -> &[Blind] {
        self.blind.get(tier).map_or(&[], Vec::as_slice)
    }
}

/// Counts what has become countable.
pub(super) fn count(row: &mut JobRow, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    reject_claims(row, context, out);
    let Some(tier) = row.taken_by(context.rosters) else {
        if let Fit::Unserved(nearest, _) = row.fit {
            count_failed(row, nearest, context, out);
        } else if row.counted.outcome.is_none() {
            while_waiting(row, context, out);
        }
        return;
    };
    count_taken(row, tier, context, out);
    count_started(row, tier, context, out);
    if row.counted.outcome.is_none() && row.may_have_last_words(&context.now) {
        return;
    }
    count_failed(row, tier, context, out);
    if row.counted.outcome.is_none() {
        let verdict = settle(row, tier, context);
        conclude(row, tier, verdict, context, out);
    }
}

/// Gives up on a job that nobody can tell anything about any more.
pub(super) fn give_up(row: &mut JobRow, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    let proven = match &row.fit {
        Fit::Tier(tier) => Some(*tier),
        Fit::Shared(_) | Fit::Uncertain(_) | Fit::Unserved(..) | Fit::OutOfScope => None,
    };
    if let Some(tier) = row.taken_by(context.rosters).or(proven)
        && row.counted.outcome.is_none()
    {
        let at = row.started_at.or_else(|| deadline(row, tier, context));
        conclude(row, tier, Some((Outcome::Unknown, at)), context, out);
    }
}

fn reject_claims(row: &mut JobRow, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    for index in 0..row.claims.len() {
        let claim = &row.claims[index];
        if !claim.rejected && row.contradicts(claim, context.rosters) {
            // One without a time of its own is not known to be new.
            let new = claim.instants.created.is_some_and(|at| at >= context.began);
            if let Some(tier) = claim.tier.filter(|_| new) {
                out.push(Occurrence::AnnotationRejected { tier, pod: claim.pod.clone() });
            }
            row.claims[index].rejected = true;
        }
    }
}

/// A job that no runner took yet is late the moment GitLab's answer shows that it is.
fn while_waiting(row: &mut JobRow, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    let (Fit::Tier(tier), Stage::Waiting, Some(wait)) = (&row.fit, row.stage, row.wait) else { return };
    let tier = *tier;
    if wait.told() > within(context, tier) {
        let late = (Outcome::Late, deadline(row, tier, context));
        conclude(row, tier, Some(late), context, out);
    }
}

fn count_taken(row: &mut JobRow, tier: TierId, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    // A job that was canceled or dropped has waited, too, and nobody took it.
    let taken = row.started_at.is_some() || matches!(row.stage, Stage::Running | Stage::Ended);
    let (false, true, Some(waited)) = (row.counted.taken, taken, row.waited) else { return };
    row.counted.taken = true;
    // Without GitLab's own time of the start, only a job that we saw waiting is certainly new.
    let new = row.started_at.map_or(row.wait.is_some(), |at| at >= context.began);
    if new {
        out.push(Occurrence::JobTaken { tier, job: row.id, waited, at: row.started_at });
    }
}

fn count_started(row: &mut JobRow, tier: TierId, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    let instants = row.instants();
    let (false, Some(running)) = (row.counted.started, instants.running) else { return };
    let complete = instants.queued.is_some() && instants.taken.is_some();
    let waited_enough = between(running, context.now.wall) > WAIT_FOR_GITLAB;
    if !complete && !waited_enough {
        return;
    }
    row.counted.started = true;
    if running < context.began {
        return;
    }
    let Some(start) = instants.start() else { return };
    out.extend(start.clamped.iter().map(|phase| Occurrence::ClockClamped { job: row.id, phase: *phase }));
    let (took, phases, at) = (start.took, start.phases, Some(running));
    out.push(Occurrence::JobStarted { tier, job: row.id, took, phases, at });
}

fn count_failed(row: &mut JobRow, tier: TierId, context: &Context<'_>, out: &mut Vec<Occurrence>) {
    if row.counted.failed || row.stage != Stage::Finished(End::Failed) {
        return;
    }
    row.counted.failed = true;
    if row.finished_at.is_some_and(|at| at < context.began) {
        return;
    }
    let reason = reason_of(row);
    let (at, blame) = (row.finished_at, blame(row, reason, context.blind_of(tier)));
    out.push(Occurrence::JobFailed { tier, job: row.id, reason, blame, at });
    if let Some(reason) = row.failure_reason.as_deref().and_then(|text| text.parse::<DropReason>().ok()) {
        out.push(Occurrence::JobDropped { tier, job: row.id, reason, at });
    }
}

/// The verdict on a job that a runner took, and the instant at which it became true.
fn settle(row: &JobRow, tier: TierId, context: &Context<'_>) -> Option<(Outcome, Option<Timestamp>)> {
    let instants = row.instants();
    let watched = context.pods_watched.get(tier).copied().unwrap_or(false);
    let started = if watched { instants.running } else { instants.taken };
    let late_at = deadline(row, tier, context);
    let at_or_late = |outcome, at: Option<Timestamp>| match (at, late_at) {
        (Some(at), Some(late_at)) if at > late_at => (Outcome::Late, Some(late_at)),
        _ => (outcome, at),
    };
    if let Some(started) = started {
        // Clocks of GitLab and the node differ by a second; the start time on record has been bent the same way.
        let took = instants.start().and_then(|start| start.took);
        let in_time = took.or(row.waited).map(|took| took <= within(context, tier));
        return match in_time {
            Some(true) => Some((Outcome::InTime, Some(started))),
            Some(false) => Some((Outcome::Late, late_at)),
            None if between(started, context.now.wall) > WAIT_FOR_GITLAB => Some((Outcome::Unknown, Some(started))),
            None => None,
        };
    }
    let blind = context.blind_of(tier);
    let blind_now = blind.last().is_some_and(|blind| !blind.is_over());
    match row.stage {
        // Its pods may still show that it ran, or that it did not.
        Stage::Finished(End::Failed | End::Canceled) if blind_now && row.may_have_run_unseen(blind) => None,
        Stage::Finished(End::Failed | End::Canceled) if row.may_have_run_unseen(blind) => unseen_start(row, context),
        Stage::Finished(end) => match end {
            End::Failed => {
                let reason = reason_of(row);
                match (blame(row, reason, blind), ran_by_its_reason(reason)) {
                    (_, true) => unseen_start(row, context),
                    (Blame::User, false) if held_by_its_image(row, late_at) => {
                        Some((Outcome::UserFailure, row.finished_at))
                    }
                    (Blame::User, false) => Some(at_or_late(Outcome::UserFailure, row.finished_at)),
                    (Blame::Platform | Blame::Unclear, false) => {
                        Some(at_or_late(Outcome::PlatformFailure, row.finished_at))
                    }
                }
            }
            End::Canceled if held_by_its_image(row, late_at) => Some((Outcome::Canceled, row.finished_at)),
            End::Canceled => Some(at_or_late(Outcome::Canceled, row.finished_at)),
            End::Success | End::Hidden => unseen_start(row, context),
        },
        Stage::Running if blind_now => None,
        Stage::Running => late_while_starting(row, tier, late_at, context),
        Stage::Claimed | Stage::Waiting | Stage::Left | Stage::Ended => None,
    }
}

/// GitLab says it ran, and no pod of it was seen running: its pods get a while to show themselves. Of one that was taken
/// before we began to watch, an earlier run may have seen the start.
fn unseen_start(row: &JobRow, context: &Context<'_>) -> Option<(Outcome, Option<Timestamp>)> {
    (context.now.since(&row.moved) > WAIT_FOR_PODS).then_some((Outcome::Unknown, row.started_at.or(row.finished_at)))
}

/// Taken, but its build container does not run: late once the deadline has passed, as long as its pod is in
/// sight and it is not the user's own image that holds it up.
fn late_while_starting(
    row: &JobRow,
    tier: TierId,
    late_at: Option<Timestamp>,
    context: &Context<'_>,
) -> Option<(Outcome, Option<Timestamp>)> {
    let in_sight = context.pods_fresh.get(tier).copied().unwrap_or(false);
    let has_pod = row.believed().any(|claim| claim.gone.is_none());
    let passed = between(late_at?, context.now.wall) > WATCH_LAG;
    (in_sight && has_pod && passed && !held_by_its_image(row, late_at)).then_some((Outcome::Late, late_at))
}

/// The platform had done its part in time: what kept the build container from running was the user's own image.
fn held_by_its_image(row: &JobRow, late_at: Option<Timestamp>) -> bool {
    let in_time = |claim: &Claim| {
        let Instants { created, scheduled, sandbox, .. } = claim.instants;
        sandbox.or(scheduled).or(created).zip(late_at).is_none_or(|(ready, late_at)| ready <= late_at)
    };
    row.believed().any(|claim| claim.pull.is_some() && claim.blame() == Some(Blame::User) && in_time(claim))
}

fn conclude(
    row: &mut JobRow,
    tier: TierId,
    verdict: Option<(Outcome, Option<Timestamp>)>,
    context: &Context<'_>,
    out: &mut Vec<Occurrence>,
) {
    let Some((outcome, at)) = verdict else { return };
    row.counted.outcome = Some(outcome);
    if at.is_none_or(|at| at >= context.began) {
        out.push(Occurrence::JobOutcome { tier, job: row.id, outcome, at });
    }
}

fn within(context: &Context<'_>, tier: TierId) -> Duration {
    context.policy.tiers[tier].objective.start_within
}

fn deadline(row: &JobRow, tier: TierId, context: &Context<'_>) -> Option<Timestamp> {
    let within = jiff::SignedDuration::try_from(within(context, tier)).ok()?;
    row.queued_at?.checked_add(within).ok()
}

/// GitLab's failure reason as a label value.
pub(in crate::model) fn reason_of(row: &JobRow) -> FailureReason {
    row.failure_reason.as_deref().and_then(|text| text.parse().ok()).unwrap_or(FailureReason::Other)
}

/// Only a build container that ran can end so.
pub(super) fn ran_to_its_end(row: &JobRow) -> bool {
    row.stage == Stage::Finished(End::Success)
        || row.stage == Stage::Finished(End::Failed) && ran_by_its_reason(reason_of(row))
}

/// Failures that only a running script can have.
fn ran_by_its_reason(reason: FailureReason) -> bool {
    matches!(reason, FailureReason::Script | FailureReason::Timeout)
}

/// Whose fault a failed job is: what its pod's pull failure says, else what the reason says.
fn blame(row: &JobRow, reason: FailureReason, blind: &[Blind]) -> Blame {
    let by_reason = match reason {
        FailureReason::Script | FailureReason::Timeout | FailureReason::RunnerConfiguration => Blame::User,
        FailureReason::RunnerSystem
        | FailureReason::RunnerExternalDependency
        | FailureReason::RunnerInterrupted
        | FailureReason::StuckMatching
        | FailureReason::StuckNoMatching
        | FailureReason::StuckOrTimeout
        | FailureReason::Api
        | FailureReason::Scheduler => Blame::Platform,
        FailureReason::ImagePull | FailureReason::MissingDependency | FailureReason::Other => Blame::Unclear,
    };
    if matches!((reason, &row.fit), (FailureReason::StuckNoMatching, Fit::Unserved(..))) {
        return Blame::User;
    }
    if row.runs() || reason.blames().len() == 1 {
        return by_reason;
    }
    match row.believed().filter_map(Claim::blame).last() {
        // What held it up may have been over, and it ran.
        Some(_) if row.may_have_run_unseen(blind) => Blame::Unclear,
        Some(blame) => blame,
        None => by_reason,
    }
}
