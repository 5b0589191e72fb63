//! The verdict in words: what state a tier is in, and why, for somebody who was just woken.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use super::tally::TierLevels;
use super::{limits, quotas};
use crate::cause::{self, Blame, Cause, Family, Queue};
use crate::model::assessment::{CauseLine, ManagerLevels, QueueLevels, RunnerLevels, RunningLevels, TierState};
use crate::model::fleet::SourceRow;
use crate::model::policy::TierPolicy;
use crate::observation::RunnerStatus;

/// A message is shown up to here; the rest is in the pod.
const EVIDENCE_CHARS: usize = 300;

/// Everything that holds the tier's jobs up, most concerned first; the user's own mistakes last.
pub(super) fn causes(policy: &TierPolicy, levels: &TierLevels) -> Vec<CauseLine> {
    let scheduling = levels
        .pods
        .iter()
        .flat_map(|pods| &pods.unschedulable)
        .map(|(cause, count)| line(Cause::Scheduling(*cause), *count, levels.refusals.get(cause).map(cut)));
    let pulls = levels.pulls.iter().map(|(cause, count)| line(Cause::Pull(*cause), *count, None));
    let queue = queue_cause(policy, levels).map(|(cause, count)| line(Cause::Queue(cause), count, None));
    let refused = levels
        .scale_up
        .iter()
        .flat_map(|scale_up| &scale_up.refused)
        .map(|(cause, count)| line(Cause::Autoscale(*cause), *count, levels.verdicts.get(cause).map(cut)));
    let held =
        levels.pods.iter().flat_map(|pods| &pods.held).map(|(cause, count)| line(Cause::Runtime(*cause), *count, None));
    let ended = ended(levels).map(|(cause, count)| line(cause, count, None));
    let not_let_in =
        levels.refused.iter().map(|(cause, (count, shown))| line(Cause::Admission(*cause), *count, shown.clone()));
    let mut lines: Vec<_> =
        scheduling.chain(refused).chain(pulls).chain(held).chain(ended).chain(not_let_in).chain(queue).collect();
    lines.sort_by_key(|line| (line.blame == Blame::User, std::cmp::Reverse(line.count)));
    lines
}

/// Pods that were taken away lately.
fn ended(levels: &TierLevels) -> impl Iterator<Item = (Cause, u64)> + '_ {
    levels.pods.iter().flat_map(|pods| &pods.ended).map(|(cause, count)| (*cause, *count))
}

pub(super) fn line(cause: Cause, count: u64, evidence: Option<Arc<str>>) -> CauseLine {
    let explanation = cause::explain(cause);
    CauseLine {
        cause,
        count,
        sentence: explanation.sentence,
        blame: explanation.blame,
        next_step: explanation.next_step,
        evidence,
    }
}

/// Why proven jobs still wait for a runner, once they wait too long.
fn queue_cause(policy: &TierPolicy, levels: &TierLevels) -> Option<(Queue, u64)> {
    let overdue = levels.queue.as_ref()?.overdue;
    let cause = why_waiting(policy, levels.runners.as_ref()?, levels.managers, levels.running);
    (overdue > 0).then_some((cause, overdue))
}

/// Why a job that a tier's runners may take is not taken.
pub(super) fn why_waiting(
    policy: &TierPolicy,
    runners: &RunnerLevels,
    managers: Option<ManagerLevels>,
    running: Option<RunningLevels>,
) -> Queue {
    let total = runners.runners.len() as u64;
    let online = online(runners);
    let paused_online =
        runners.runners.iter().filter(|runner| runner.paused && runner.status == RunnerStatus::Online).count() as u64;
    // GitLab says online for two hours after a runner's death; its manager pods tell at once.
    if total > 0 && online == 0 || managers_down(managers) {
        Queue::NoOnlineRunner
    } else if total > 0 && online == paused_online {
        Queue::RunnersPaused
    } else if is_saturated(policy, running) {
        Queue::RunnersSaturated
    } else {
        Queue::Unknown
    }
}

fn online(runners: &RunnerLevels) -> u64 {
    runners.by_status.get(&RunnerStatus::Online).copied().unwrap_or(0)
}

fn is_saturated(policy: &TierPolicy, running: Option<RunningLevels>) -> bool {
    policy.capacity.zip(running).is_some_and(|(capacity, running)| {
        #[expect(clippy::cast_precision_loss, reason = "numbers of jobs are far below 2^52")]
        let running = (running.starting + running.executing) as f64;
        running >= policy.conditions.at_capacity_ratio * f64::from(capacity)
    })
}

/// The state in one word and the sentence that stands beside it.
pub(super) fn verdict(
    policy: &TierPolicy,
    levels: &TierLevels,
    causes: &[CauseLine],
    pods_expected: bool,
) -> (TierState, String) {
    let Some(queue) = &levels.queue else {
        return (TierState::Blind, "GitLab's queue cannot be seen, so nothing is known about waiting jobs".to_owned());
    };
    let waiting = waiting_words(queue, policy.objective.start_within);
    if let Some(why) = down(levels) {
        return (TierState::Down, format!("{why}; {waiting}"));
    }
    if let Some(why) = hurting(levels, queue, causes, &waiting) {
        return (TierState::Hurting, why);
    }
    if pods_expected && levels.pods.is_none() {
        return (TierState::Blind, format!("its pods cannot be seen, only GitLab's side is known; {waiting}"));
    }
    match degraded(levels, queue.unserved.values().sum()) {
        Some(why) => (TierState::Degraded, format!("{why}; {waiting}")),
        None => (TierState::Fine, waiting),
    }
}

/// What users feel: jobs wait longer than promised, or pods cannot start, each with its own first cause.
fn hurting(levels: &TierLevels, queue: &QueueLevels, causes: &[CauseLine], waiting: &str) -> Option<String> {
    let not_the_users = |line: &&CauseLine| line.blame != Blame::User;
    let of_queue = causes.iter().find(|line| line.cause.family() == Family::Queue);
    let of_pods = || causes.iter().filter(|line| keeps_from_starting(levels, line.cause)).filter(not_the_users);
    let stuck = of_pods().next().map(|first| {
        let pods = match of_pods().map(|line| line.count).sum() {
            1_u64 => "1 job pod".to_owned(),
            pods => format!("{pods} job pods"),
        };
        format!("{pods} cannot start: {}{}", first.sentence, no_node_comes(causes))
    });
    match (queue.overdue > 0, stuck) {
        (true, stuck) => {
            let why = of_queue.map(|line| format!(": {}", line.sentence)).unwrap_or_default();
            let stuck = stuck.map(|stuck| format!("; {stuck}")).unwrap_or_default();
            Some(format!("{waiting}{why}{stuck}"))
        }
        (false, Some(stuck)) => Some(format!("{stuck}; {waiting}")),
        (false, None) => None,
    }
}

/// Whether pods with this cause wait to start. An autoscaler speaks of pods that the scheduler has counted already,
/// and pods that were taken away or never let in wait for nothing.
fn keeps_from_starting(levels: &TierLevels, cause: Cause) -> bool {
    match cause {
        Cause::Scheduling(_) | Cause::Pull(_) => true,
        Cause::Runtime(cause) => levels.pods.as_ref().is_some_and(|pods| pods.held.contains_key(&cause)),
        Cause::Autoscale(_) | Cause::Admission(_) | Cause::Queue(_) => false,
    }
}

/// The autoscalers' most frequent refusal.
fn no_node_comes(causes: &[CauseLine]) -> String {
    let refusal = |line: &&CauseLine| matches!(line.cause, Cause::Autoscale(cause) if cause.refuses_scale_up());
    causes
        .iter()
        .find(refusal)
        .map_or_else(String::new, |line| format!("; no node comes for {} of them: {}", line.count, line.sentence))
}

/// Pods that were taken away, not by their jobs' own fault.
fn taken_away(levels: &TierLevels) -> Option<String> {
    let not_the_users = |(cause, _): &(Cause, u64)| cause::explain(*cause).blame != Blame::User;
    let (most, _) =
        ended(levels).filter(not_the_users).max_by_key(|(cause, count)| (*count, std::cmp::Reverse(*cause)))?;
    let pods = match ended(levels).filter(not_the_users).map(|(_, count)| count).sum() {
        1_u64 => "1 job pod was".to_owned(),
        pods => format!("{pods} job pods were"),
    };
    Some(format!("{pods} taken away in the last 5 min: {}", cause::explain(most).sentence))
}

/// Pods that the cluster did not let in lately.
fn not_let_in(levels: &TierLevels) -> Option<String> {
    let (most, (_, shown)) =
        levels.refused.iter().max_by_key(|(cause, (count, _))| (*count, std::cmp::Reverse(**cause)))?;
    let pods = match levels.refused.values().map(|(count, _)| count).sum() {
        1_u64 => "1 job pod was".to_owned(),
        pods => format!("{pods} job pods were"),
    };
    let why = shown.as_deref().unwrap_or(cause::explain(Cause::Admission(*most)).sentence);
    Some(format!("{pods} refused in the last 5 min: {why}"))
}

fn managers_down(managers: Option<ManagerLevels>) -> bool {
    managers.is_some_and(|managers| managers.ready == 0 && managers.not_ready > 0)
}

fn down(levels: &TierLevels) -> Option<&'static str> {
    let runners_down =
        levels.runners.as_ref().is_some_and(|runners| !runners.runners.is_empty() && online(runners) == 0);
    let all_paused = levels
        .runners
        .as_ref()
        .is_some_and(|runners| !runners.runners.is_empty() && runners.paused == runners.runners.len() as u64);
    if managers_down(levels.managers) {
        Some("no runner manager pod is ready")
    } else if runners_down {
        Some("no runner is online")
    } else if all_paused {
        Some("every runner is paused")
    } else {
        None
    }
}

fn degraded(levels: &TierLevels, unserved: u64) -> Option<String> {
    if let Some(full) = levels.quotas.as_deref().and_then(quotas::at_capacity) {
        return Some(full);
    }
    if let Some(why) = levels.limits.as_deref().and_then(limits::overstepped).or_else(|| not_let_in(levels)) {
        return Some(why);
    }
    if unserved > 0 {
        return Some(format!("{} that no runner can take", many(unserved, "job")));
    }
    if let Some(why) = taken_away(levels) {
        return Some(why);
    }
    if let Some(managers) = levels.managers.filter(|managers| managers.not_ready > 0) {
        let all = managers.ready + managers.not_ready;
        return Some(format!("{} of {all} runner manager pods are not ready", managers.not_ready));
    }
    if let Some(elsewhere) = levels.running.map(|running| running.elsewhere).filter(|elsewhere| *elsewhere > 0) {
        return Some(format!(
            "{} of the last hour ran without a pod in its namespaces: its runner works elsewhere (namespace_per_job, a \
             namespace overwrite, another executor), and how such jobs start is not known",
            many(elsewhere, "job")
        ));
    }
    let runners = levels.runners.as_ref()?;
    let total = runners.runners.len() as u64;
    if total == 0 {
        return Some("GitLab shows no runner of this tier".to_owned());
    }
    let offline = total - online(runners);
    (offline > 0).then(|| format!("{offline} of {total} runners are not online"))
}

fn waiting_words(queue: &QueueLevels, within: Duration) -> String {
    let mut words = match queue.pending {
        0 if queue.unserved.values().sum::<u64>() > 0 => "no other job waits".to_owned(),
        0 => "no job waits".to_owned(),
        pending => format!("{} waiting, the oldest for {}", many(pending, "job"), human_duration(queue.oldest)),
    };
    // Writing to a string cannot fail.
    if queue.overdue > 0 {
        let _ = write!(words, "; {} longer than the promised {}", queue.overdue, human_duration(within));
    }
    if queue.uncertain > 0 {
        let _ = write!(words, "; {} more may be waiting for it, which cannot be proven", many(queue.uncertain, "job"));
    }
    words
}

/// `1 job`, `2 jobs`.
#[must_use]
pub fn many(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A duration as people say it: the two largest units.
#[must_use]
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => with_rest(minutes, "min", seconds % 60, "s"),
        (0, _, _) => with_rest(hours, "h", minutes, "min"),
        _ => with_rest(days, "d", hours, "h"),
    }
}

fn with_rest(large: u64, unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {small_unit}") }
}

/// What a source tells of itself, and how often it reads a list too long to be read at every interval.
pub(super) fn note(row: &SourceRow) -> Option<String> {
    let seldom = row.period.map(|period| {
        let every = human_duration(period);
        format!("the list is long: it is read every {every}, as often as its part of gitlab.requests_per_minute allows")
    });
    let told: Vec<String> = row.note.iter().cloned().chain(seldom).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

pub(super) fn cut(message: &Arc<str>) -> Arc<str> {
    match message.char_indices().nth(EVIDENCE_CHARS) {
        None => message.clone(),
        Some((end, _)) => format!("{}…", &message[..end]).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_reads_less_often_says_so_beside_its_own_note() {
        let row =
            SourceRow { period: Some(Duration::from_secs(45)), note: Some("a note".into()), ..SourceRow::default() };
        let seldom =
            "the list is long: it is read every 45 s, as often as its part of gitlab.requests_per_minute allows";
        assert_eq!(note(&row), Some(format!("a note; {seldom}")));
        assert_eq!(note(&SourceRow::default()), None);
    }

    #[test]
    fn durations_are_said_in_their_two_largest_units() {
        let said = |seconds| human_duration(Duration::from_secs(seconds));
        assert_eq!(said(0), "0 s");
        assert_eq!(said(59), "59 s");
        assert_eq!(said(60), "1 min");
        assert_eq!(said(95), "1 min 35 s");
        assert_eq!(said(3_660), "1 h 1 min");
        assert_eq!(said(90_000), "1 d 1 h");
    }
}
