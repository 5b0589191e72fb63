//! What a full poll costs.

use std::time::Duration;

use super::line::{Line, Probe};
use super::round::Heard;
use crate::config::Gitlab;
use crate::metrics::Operation;
use crate::observation::SourceKind;

/// Lists that are read this often whatever the intervals are.
const SELDOM: Duration = Duration::from_secs(10 * 60);
/// Beyond this part of the budget there is no room for look-ups when much happens.
const MUCH: f64 = 0.9;

/// How often what an operation asks for is asked.
fn period(operation: Operation, config: &Gitlab) -> Duration {
    match operation {
        Operation::QueueInstance
        | Operation::RunningInstance
        | Operation::ProjectJobs
        | Operation::Job
        | Operation::QueueRunner
        | Operation::Trace => config.queue.interval,
        Operation::Runners | Operation::RunnerDetails | Operation::RunnerJobs => config.runners_interval,
        Operation::GroupProjects | Operation::ProtectedRefs | Operation::OwnToken => SELDOM,
    }
}

/// Requests a minute that rounds like this one take.
#[expect(clippy::cast_precision_loss, reason = "requests of one round are far below 2^52")]
fn a_minute(requests: &[(Operation, u64)], config: &Gitlab) -> f64 {
    let each = requests.iter().map(|(operation, count)| {
        let rounds = 60.0 / period(*operation, config).as_secs_f64().max(1.0);
        *count as f64 * rounds
    });
    each.sum()
}

/// Time and requests of the round, and their share of what may be asked.
pub(super) fn judge(heard: &Heard, config: &Gitlab, blocked: Option<&str>) -> Line {
    let probe = Probe::RequestBudget;
    if let Some(why) = blocked {
        return Line::not_checked(probe, "", why);
    }
    let polls = [
        (SourceKind::GitlabQueue, config.queue.interval, "gitlab.queue.interval"),
        (SourceKind::GitlabStarted, config.queue.interval, "gitlab.queue.interval"),
        (SourceKind::GitlabRunners, config.runners_interval, "gitlab.runners.interval"),
    ];
    let took = |kind| heard.of(kind).and_then(|told| told.took);
    let longest = polls.iter().filter_map(|(kind, ..)| took(*kind)).max().unwrap_or_default();
    let all: u64 = heard.requests.iter().map(|(_, count)| count).sum();
    let a_minute = a_minute(&heard.requests, config);
    let share = a_minute / f64::from(config.requests_per_minute);
    let evidence = format!(
        "a full poll took {:.1} s and {all} requests; at the configured intervals about {a_minute:.0} a minute, {:.0} % of \
         gitlab.requests_per_minute ({})",
        longest.as_secs_f64(),
        share * 100.0,
        config.requests_per_minute
    );
    let answered = |kind| heard.of(kind).is_some_and(|told| told.answered);
    let slow = polls.iter().find(|(kind, every, _)| answered(*kind) && took(*kind).is_some_and(|took| took > *every));
    if let Some((kind, _, key)) = slow {
        let evidence = format!("{evidence}; {kind} takes longer than its interval", kind = kind.as_str());
        return Line::warning(probe, "", &evidence, &format!("raise {key}, or look at why GitLab is slow"));
    }
    if share > MUCH {
        let fix =
            "raise gitlab.requests_per_minute if GitLab allows it, or the intervals: else lists are read less often";
        return Line::warning(probe, "", &evidence, fix);
    }
    Line::ok(probe, "", &evidence)
}
