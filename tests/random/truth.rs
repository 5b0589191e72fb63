//! What must have been counted of a job: told from its life and from what was shown, by rules of its own.

use std::collections::{BTreeMap, BTreeSet};

use tierwatch::model::occurrence::Occurrence;
use tierwatch::observation::JobStatus;

use super::life::{Life, START_WITHIN, Tier, Trouble};
use super::stage::Shown;

/// What is counted, by kind: at most one line of each kind and subject.
pub type Ledger = BTreeMap<(&'static str, String), String>;

/// What was counted, or what was counted twice.
pub fn ledger(counted: &[Occurrence]) -> Result<Ledger, String> {
    let mut ledger = Ledger::new();
    let tiers = Tier::ALL.map(Tier::name);
    for occurrence in counted {
        let (key, line) = match occurrence {
            Occurrence::JobTaken { tier, job, waited, at: _ } => {
                (("taken", job.to_string()), format!("{} after {} s", tiers[*tier], waited.as_secs()))
            }
            Occurrence::JobStarted { tier, job, took, phases, at: _ } => {
                let phases: Vec<u64> = phases.iter().map(|(_, took)| took.as_secs()).collect();
                let took = took.map(|took| took.as_secs());
                (("started", job.to_string()), started(tiers[*tier], took, &phases))
            }
            Occurrence::JobOutcome { tier, job, outcome, at: _ } => {
                (("outcome", job.to_string()), format!("{} {}", tiers[*tier], outcome.as_str()))
            }
            Occurrence::JobFailed { tier, job, reason, blame, at: _ } => {
                (("failed", job.to_string()), format!("{} {} {}", tiers[*tier], reason.as_str(), blame.as_str()))
            }
            Occurrence::JobDropped { tier, job, reason, at: _ } => {
                (("dropped", job.to_string()), format!("{} {}", tiers[*tier], reason.as_str()))
            }
            Occurrence::PullFailed { tier, pod, cause, .. } => {
                (("pull", pod.to_string()), format!("{} {cause:?}", tiers[*tier]))
            }
            Occurrence::PodUnschedulable { tier, pod, cause } => {
                (("refused", pod.to_string()), format!("{} {cause}", tiers[*tier]))
            }
            Occurrence::SourceAttempt { .. }
            | Occurrence::Observed { .. }
            | Occurrence::Gap { .. }
            | Occurrence::Silenced { .. }
            | Occurrence::ClockClamped { .. } => continue,
            Occurrence::AdmissionRefused { .. }
            | Occurrence::ImagePulled { .. }
            | Occurrence::PodFailed { .. }
            | Occurrence::NodeEventUnjoined
            | Occurrence::AnnotationRejected { .. }
            | Occurrence::Unclassified { .. }
            | Occurrence::Disagreed { .. }
            | Occurrence::Evicted { .. } => return Err(format!("nobody did anything like {occurrence:?}")),
        };
        if let Some(before) = ledger.insert(key.clone(), line.clone()) {
            return Err(format!("{key:?} was counted twice: {before}, {line}"));
        }
    }
    Ok(ledger)
}

fn started(tier: &str, took: Option<u64>, phases: &[u64]) -> String {
    format!("{tier} after {took:?} s: {phases:?}")
}

/// What may be counted: each line that must be, and for what faults hid, each that may be instead.
#[derive(Debug, Default)]
pub struct Expected {
    lines: BTreeMap<(&'static str, String), Vec<Option<String>>>,
    /// By series, as a scrape shows them; complete where faults hid nothing.
    pub totals: Totals,
}

/// Values by series, those that are not zero.
pub type Totals = BTreeMap<String, u64>;

/// A series: its name, its tier and its other labels' values, in the order of their names.
pub fn series<'a>(name: &str, tier: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    values.into_iter().fold(format!("{name} {tier}"), |series, value| series + " " + value)
}

impl Expected {
    pub fn of(lives: &[Life], shown: &Shown) -> Self {
        let mut expected = Self::default();
        for life in lives {
            match life.taken {
                Some(taken) => expected.taken(life, taken, shown),
                None => expected.never_taken(life, shown),
            }
            expected.pods(life, shown);
        }
        expected
    }

    fn add(&mut self, name: &str, tier: Tier, values: &[&str], value: u64) {
        if value > 0 {
            *self.totals.entry(series(name, tier.name(), values.iter().copied())).or_default() += value;
        }
    }

    /// One more of a histogram.
    fn observe(&mut self, name: &str, tier: Tier, values: &[&str], seconds: u64) {
        self.add(&format!("{name}_count"), tier, values, 1);
        self.add(&format!("{name}_sum"), tier, values, seconds);
    }

    fn must(&mut self, kind: &'static str, subject: &str, line: String) {
        self.lines.insert((kind, subject.to_owned()), vec![Some(line)]);
    }

    fn may(&mut self, kind: &'static str, subject: &str, lines: Vec<Option<String>>) {
        self.lines.insert((kind, subject.to_owned()), lines);
    }

    /// Canceled or dropped. Who was never seen waiting may be unknown to everybody.
    fn never_taken(&mut self, life: &Life, shown: &Shown) {
        let tier = life.tier.name();
        let late = life.end.at > life.deadline();
        let mut lines = Vec::new();
        if life.end.status == JobStatus::Canceled {
            lines.push(("outcome", if late { "late" } else { "canceled" }.to_owned()));
        } else {
            lines.push(("outcome", if late { "late" } else { "platform_failure" }.to_owned()));
            lines.push(("failed", format!("{} platform", life.end.reason)));
            lines.push(("dropped", life.end.reason.to_owned()));
        }
        if shown.waiting.contains(&life.id) {
            self.add("job_start_outcomes_total", life.tier, &[lines[0].1.as_str()], 1);
            if life.end.status == JobStatus::Failed {
                self.add("jobs_failed_total", life.tier, &["platform", life.end.reason], 1);
                self.add("jobs_dropped_total", life.tier, &[life.end.reason], 1);
            }
        }
        for (kind, line) in lines {
            let line = format!("{tier} {line}");
            if shown.waiting.contains(&life.id) {
                self.must(kind, &life.id.to_string(), line);
            } else {
                self.may(kind, &life.id.to_string(), vec![Some(line), None]);
            }
        }
    }

    fn taken(&mut self, life: &Life, taken: u64, shown: &Shown) {
        let (tier, id) = (life.tier.name(), life.id.to_string());
        self.must("taken", &id, format!("{tier} after {} s", taken - life.queued));
        self.observe("queue_wait_seconds", life.tier, &[], taken - life.queued);
        let ran = life.pods.iter().find_map(|pod| Some((pod, pod.running?)));
        let seen = ran.filter(|(pod, _)| shown.ran.contains(&pod.uid));
        let verdict = match (ran, seen) {
            (Some((_, running)), Some(_)) => {
                let (took, phases) = start(life, taken, running, shown);
                self.must("started", &id, started(tier, Some(took), &phases));
                self.observe("job_start_seconds", life.tier, &[], took);
                for (phase, took) in ["queue", "dispatch", "schedule", "sandbox", "containers"].iter().zip(&phases) {
                    self.observe("job_start_phase_seconds", life.tier, &[phase], *took);
                }
                vec![if took > START_WITHIN { "late" } else { "in_time" }]
            }
            // Nobody saw it run.
            (Some((_, running)), None) if running > life.deadline() => vec!["unknown", "late"],
            (Some(_), None) => vec!["unknown"],
            (None, _) if may_have_run(life, taken, shown) => vec![unstarted(life, shown), "unknown"],
            (None, _) => vec![unstarted(life, shown)],
        };
        self.add("job_start_outcomes_total", life.tier, &[verdict[0]], 1);
        self.may("outcome", &id, verdict.iter().map(|verdict| Some(format!("{tier} {verdict}"))).collect());
        if life.end.status == JobStatus::Failed {
            let blame = |blame: &str| Some(format!("{tier} {} {blame}", life.end.reason));
            let by_reason = if life.end.reason == "script_failure" { "user" } else { "platform" };
            let lines = match (ran, trouble(life, shown)) {
                (None, Some(Trouble::NotFound)) => vec![blame("user")],
                (None, Some(Trouble::RateLimited)) => vec![blame("platform")],
                (None, None) | (Some(_), _) => vec![blame(by_reason)],
            };
            let lines = if seen.is_none() && may_have_run(life, taken, shown) {
                lines.into_iter().chain([blame("unclear")]).collect()
            } else {
                lines
            };
            let blame = lines[0].as_deref().and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
            self.add("jobs_failed_total", life.tier, &[blame, life.end.reason], 1);
            self.may("failed", &id, lines);
        }
    }

    fn pods(&mut self, life: &Life, shown: &Shown) {
        for pod in &life.pods {
            let tier = life.tier.name();
            if let Some(trouble) = pod.trouble.filter(|_| shown.troubled.contains(&pod.uid)) {
                self.must("pull", &pod.uid, format!("{tier} {}", trouble.cause()));
                self.add("image_pull_failures_total", life.tier, &[trouble.label()], 1);
            }
            if shown.refused.contains(&pod.uid) {
                self.must("refused", &pod.uid, format!("{tier} insufficient_cpu"));
                self.add("scheduling_failures_total", life.tier, &["insufficient_cpu"], 1);
            }
        }
    }

    /// What was counted and is not so, after restarts: who begins anew may know less of a job than its predecessor, never
    /// anything else.
    pub fn exceeded(&self, ledger: &Ledger) -> Vec<String> {
        let wrong = ledger.iter().filter(|((kind, subject), line)| {
            let allowed = self.lines.get(&(*kind, subject.clone())).into_iter().flatten().flatten();
            let mut allowed = allowed.peekable();
            let known_less = match *kind {
                _ if allowed.peek().is_none() => false,
                // The pod whose image held it up may have been seen by the predecessor only.
                "outcome" if line.ends_with(" late") => {
                    allowed.clone().any(|allowed| allowed.ends_with("user_failure") || allowed.ends_with("canceled"))
                }
                "outcome" => line.ends_with(" unknown"),
                "started" => allowed.clone().any(|allowed| allowed.split(':').next() == line.split(':').next()),
                "failed" => allowed.clone().any(|allowed| allowed.split(' ').take(2).eq(line.split(' ').take(2))),
                _ => false,
            };
            !known_less && !allowed.any(|allowed| allowed == *line)
        });
        wrong.map(|(key, line)| format!("{key:?}: {line}, not {:?}", self.lines.get(key))).collect()
    }

    /// What differs, one line each.
    pub fn compare(&self, ledger: &Ledger) -> Vec<String> {
        let missing_or_wrong = self.lines.iter().filter(|(key, allowed)| !allowed.contains(&ledger.get(key).cloned()));
        let wrong = missing_or_wrong.map(|(key, allowed)| format!("{key:?}: {:?}, not {allowed:?}", ledger.get(key)));
        let surplus = ledger.iter().filter(|(key, _)| !self.lines.contains_key(key));
        wrong.chain(surplus.map(|(key, line)| format!("{key:?}: {line} never happened"))).collect()
    }
}

/// From queued to running, and the phases up to the first link that nobody saw. Instants are bent so that none lies before
/// another.
fn start(life: &Life, taken: u64, running: u64, shown: &Shown) -> (u64, Vec<u64>) {
    let skewed = |at: u64| at.saturating_add_signed(life.skew);
    let first = life.pods.iter().find(|pod| shown.pods.contains(&pod.uid));
    let first = first.map_or([None; 3], |pod| {
        let seen = |of: &BTreeSet<String>, at| of.contains(&pod.uid).then(|| skewed(at));
        [Some(skewed(pod.created)), seen(&shown.scheduled, pod.scheduled), seen(&shown.sandboxed, pod.sandbox)]
    });
    let (mut latest, mut phases, mut unbroken) = (life.queued, Vec::new(), true);
    for instant in [Some(taken)].into_iter().chain(first).chain([Some(skewed(running))]) {
        unbroken &= instant.is_some();
        let end = instant.map_or(latest, |instant| instant.max(latest));
        if unbroken {
            phases.push(end - latest);
        }
        latest = end;
    }
    (latest - life.queued, phases)
}

/// Somebody who did not watch all the time cannot say that it did not run.
fn may_have_run(life: &Life, taken: u64, shown: &Shown) -> bool {
    shown.blind.iter().any(|(tier, blind)| *tier == life.tier && taken <= blind.end && blind.start <= life.end.at)
}

/// The newest trouble that was seen.
fn trouble(life: &Life, shown: &Shown) -> Option<Trouble> {
    life.pods.iter().rev().find(|pod| shown.troubled.contains(&pod.uid)).and_then(|pod| pod.trouble)
}

/// The verdict on a job whose build container never ran.
fn unstarted(life: &Life, shown: &Shown) -> &'static str {
    let users = trouble(life, shown) == Some(Trouble::NotFound);
    // The platform did its part in time, and then it was the image.
    let held = users
        && life
            .pods
            .iter()
            .filter(|pod| shown.troubled.contains(&pod.uid))
            .any(|pod| pod.sandbox.saturating_add_signed(life.skew) <= life.deadline());
    let late = life.end.at > life.deadline() && !held;
    if late {
        "late"
    } else if life.end.status == JobStatus::Canceled {
        "canceled"
    } else if users {
        "user_failure"
    } else {
        "platform_failure"
    }
}
