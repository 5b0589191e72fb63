//! What a full poll costs.

use std::time::Duration;

use super::line::{Line, Probe};
use super::round::Heard;
use crate::config::Gitlab;
use crate::metrics::Operation;
use crate::observation::SourceKind;
use crate::source::gitlab::RateLimit;

/// Lists that are read this often whatever the intervals are.
const SELDOM: Duration = Duration::from_secs(10 * 60);
/// Beyond this part of the budget there is no room for look-ups when much happens.
const MUCH: f64 = 0.9;
/// Fewer requests than one in so many are left for this minute: somebody else asks as the same user.
const FEW: u64 = 10;

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

fn told(limit: &RateLimit) -> String {
    let RateLimit { name, limit, remaining } = limit;
    format!("GitLab allows this user {limit} a minute ({name}), of which {remaining} were left")
}

/// What to do where GitLab would refuse requests that we would still send.
#[expect(clippy::cast_precision_loss, reason = "GitLab's limits are far below 2^52")]
fn refusals(limit: &RateLimit, a_minute: f64, own: u32) -> Option<String> {
    if a_minute > limit.limit as f64 {
        let fix = "raise gitlab.queue.interval and gitlab.runners.interval, or have GitLab's limit raised: it refuses what is beyond";
        Some(fix.to_owned())
    } else if u64::from(own) > limit.limit {
        Some(format!(
            "lower gitlab.requests_per_minute to {}: look-ups in a busy minute would use GitLab's limit up, and polls be refused",
            limit.limit * 4 / 5
        ))
    } else if limit.remaining < limit.limit / FEW {
        Some("give tierwatch a token of a user of its own: somebody else asks as this one".to_owned())
    } else {
        None
    }
}

/// Time and requests of the round, and their share of what may be asked: by the configuration, and by GitLab where it tells.
pub(super) fn judge(heard: &Heard, config: &Gitlab, limit: Option<&RateLimit>, blocked: Option<&str>) -> Line {
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
         gitlab.requests_per_minute ({}); {}",
        longest.as_secs_f64(),
        share * 100.0,
        config.requests_per_minute,
        limit.map_or_else(|| "GitLab tells no limit of its own".to_owned(), told),
    );
    let answered = |kind| heard.of(kind).is_some_and(|told| told.answered);
    let slow = polls.iter().find(|(kind, every, _)| answered(*kind) && took(*kind).is_some_and(|took| took > *every));
    if let Some((kind, _, key)) = slow {
        let evidence = format!("{evidence}; {kind} takes longer than its interval", kind = kind.as_str());
        return Line::warning(probe, "", &evidence, &format!("raise {key}, or look at why GitLab is slow"));
    }
    if let Some(fix) = limit.and_then(|limit| refusals(limit, a_minute, config.requests_per_minute)) {
        return Line::warning(probe, "", &evidence, &fix);
    }
    if share > MUCH {
        let fix =
            "raise gitlab.requests_per_minute if GitLab allows it, or the intervals: else lists are read less often";
        return Line::warning(probe, "", &evidence, fix);
    }
    Line::ok(probe, "", &evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitlabs_own_limit_is_held_against_what_is_asked() {
        let limit = |limit, remaining| RateLimit { name: "throttle_authenticated_api".into(), limit, remaining };
        let table = [
            (limit(2000, 1990), 300.0, 1200, None),
            // Ours would be refused even with the user to ourselves.
            (limit(200, 190), 300.0, 150, Some("raise gitlab.queue.interval")),
            (limit(600, 590), 300.0, 1200, Some("lower gitlab.requests_per_minute to 480")),
            (limit(2000, 199), 300.0, 1200, Some("a user of its own")),
            (limit(2000, 200), 300.0, 1200, None),
            (limit(0, 0), 1.0, 1, Some("raise gitlab.queue.interval")),
        ];
        for (limit, a_minute, own, expected) in table {
            let fix = refusals(&limit, a_minute, own);
            let is_right = match (&fix, expected) {
                (Some(fix), Some(part)) => fix.contains(part),
                (fix, expected) => fix.is_none() && expected.is_none(),
            };
            assert!(is_right, "{limit:?} {a_minute} {own}: {fix:?}");
        }
    }
}
