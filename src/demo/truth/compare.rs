//! Truth against the daemon's own `/metrics`, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::{Sample, Tally, TierTruth, Truth};

/// One figure of one tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The tier.
    pub tier: String,
    /// Which figure, as in the daemon's metrics.
    pub what: String,
    /// What happened.
    pub truth: f64,
    /// What the daemon said; absent when it said nothing.
    pub said: Option<f64>,
    /// Whether that is the same within the tolerance.
    pub equal: bool,
}

/// Kubernetes writes whole seconds, so a difference of two of its instants, or of one of them and one of
/// GitLab's, is off by less than a second for each job.
const SECOND_PER_JOB: f64 = 1.0;
/// GitLab says a job's wait to the millisecond.
const MILLISECONDS_PER_JOB: f64 = 0.002;

impl Truth {
    /// Compares with what the daemon said. `lag` is how many seconds of the story may have passed between the
    /// daemon's last look and this truth: it bounds the difference of ages.
    #[must_use]
    pub fn compare(&self, said: &[Sample], lag: f64) -> Vec<Row> {
        let mut rows = Vec::new();
        for (tier, truth) in &self.tiers {
            Comparison { tier, said, rows: &mut rows }.all(truth, lag);
        }
        rows
    }
}

struct Comparison<'a> {
    tier: &'a str,
    said: &'a [Sample],
    rows: &'a mut Vec<Row>,
}

impl Comparison<'_> {
    fn all(&mut self, truth: &TierTruth, lag: f64) {
        self.tally("queue_wait_seconds", None, truth.taken, MILLISECONDS_PER_JOB);
        self.tally("job_start_seconds", None, truth.started, SECOND_PER_JOB);
        for (phase, tally) in &truth.phases {
            self.tally("job_start_phase_seconds", Some(("phase", phase)), *tally, SECOND_PER_JOB);
        }
        self.counts("job_start_outcomes_total", "outcome", &truth.outcomes);
        self.counts("jobs_dropped_total", "reason", &truth.dropped);
        self.counts("jobs_failed_total", "reason", &truth.failed);
        self.counts("scheduling_failures_total", "cause", &truth.unschedulable);
        self.counts("image_pull_failures_total", "cause", &regrouped(&truth.pulls, |(_, cause)| (*cause).to_owned()));
        self.counts(
            "registry_pull_failures_total",
            "registry",
            &regrouped(&truth.pulls, |(registry, _)| registry.clone()),
        );
        self.counts("admission_failures_total", "cause", &truth.refused);
        self.counts("pod_failures_total", "cause", &truth.disrupted);
        let levels = &truth.levels;
        self.level("queue_pending_jobs", levels.pending as f64, 0.0);
        self.level("queue_oldest_pending_age_seconds", levels.oldest, lag);
        self.level("queue_overdue_jobs", levels.overdue as f64, 0.0);
        self.counts("job_pods", "phase", &levels.job_pods);
        self.counts("job_pods_scale_up_blocked", "cause", &levels.scale_up_blocked);
        self.counts("runners", "status", &levels.runners);
        self.counts("runner_manager_pods", "ready", &levels.managers);
        self.counts("posture_violations", "check", &truth.moved);
    }

    fn tally(&mut self, name: &str, label: Option<(&str, &str)>, truth: Tally, per_job: f64) {
        let shown = label.map_or_else(String::new, |(key, value)| format!("{{{key}=\"{value}\"}}"));
        let labels: Vec<_> = label.into_iter().collect();
        let count = self.sum_of(&format!("{name}_count"), &labels);
        self.row(format!("{name}_count{shown}"), truth.count as f64, count, 0.0);
        let sum = self.sum_of(&format!("{name}_sum"), &labels);
        self.row(format!("{name}_sum{shown}"), truth.sum, sum, per_job * truth.count as f64);
    }

    /// Every label value that either side counts; labels beside this one are summed.
    fn counts<K: AsRef<str> + Ord>(&mut self, name: &str, label: &str, truth: &BTreeMap<K, u64>) {
        let said: BTreeSet<String> = self
            .mine(name, &[])
            .filter(|sample| sample.value != 0.0)
            .filter_map(|sample| sample.labels.get(label).cloned())
            .collect();
        let keys: BTreeSet<String> = truth.keys().map(|key| key.as_ref().to_owned()).chain(said).collect();
        for key in keys {
            let expected = truth.iter().find(|(k, _)| k.as_ref() == key).map_or(0, |(_, count)| *count);
            let said = self.sum_of(name, &[(label, &key)]);
            self.row(format!("{name}{{{label}=\"{key}\"}}"), expected as f64, said, 0.0);
        }
    }

    fn level(&mut self, name: &str, truth: f64, tolerance: f64) {
        let said = self.sum_of(name, &[]);
        self.row(name.to_owned(), truth, said, tolerance);
    }

    fn mine<'s>(&'s self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &'s Sample> {
        let full = format!("tierwatch_{name}");
        let wanted: Vec<(String, String)> = labels
            .iter()
            .chain(&[("tier", self.tier)])
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.said.iter().filter(move |sample| {
            sample.name == full && wanted.iter().all(|(key, value)| sample.labels.get(key) == Some(value))
        })
    }

    fn sum_of(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.mine(name, labels).map(|sample| sample.value).reduce(|a, b| a + b)
    }

    fn row(&mut self, what: String, truth: f64, said: Option<f64>, tolerance: f64) {
        // Half a thousandth more than the tolerance: decimal text of binary sums.
        let equal = said.map_or(truth == 0.0, |said| (said - truth).abs() <= tolerance + 0.0005);
        self.rows.push(Row { tier: self.tier.to_owned(), what, truth, said, equal });
    }
}

fn regrouped<K>(from: &BTreeMap<K, u64>, by: impl Fn(&K) -> String) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (key, count) in from {
        *counts.entry(by(key)).or_default() += count;
    }
    counts
}

/// The rows as a table for a terminal.
#[must_use]
pub fn render_table(rows: &[Row]) -> String {
    let number = |value: f64| if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.3}") };
    let cells: Vec<[String; 5]> = std::iter::once(["TIER", "WHAT", "TRUTH", "SAID", ""].map(str::to_owned))
        .chain(rows.iter().map(|row| {
            [
                row.tier.clone(),
                row.what.clone(),
                number(row.truth),
                row.said.map_or_else(|| "-".to_owned(), number),
                if row.equal { "=" } else { "✗ differs" }.to_owned(),
            ]
        }))
        .collect();
    let width = |column: usize| cells.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let (tier, what, truth, said) = (width(0), width(1), width(2), width(3));
    let mut table = String::new();
    for [a, b, c, d, e] in &cells {
        let line = format!("{a:<tier$}  {b:<what$}  {c:>truth$}  {d:>said$}  {e}");
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn truth() -> Truth {
        let mut tier = TierTruth { taken: Tally { count: 2, sum: 10.0 }, ..TierTruth::default() };
        tier.outcomes.insert("late", 2);
        Truth { at: jiff::Timestamp::UNIX_EPOCH, tiers: BTreeMap::from([("standard", tier)]) }
    }

    #[test]
    fn a_missing_count_differs_and_a_silent_zero_does_not() {
        let said = parse(
            "tierwatch_queue_wait_seconds_count{tier=\"standard\"} 2\n\
             tierwatch_queue_wait_seconds_sum{tier=\"standard\"} 10.001\n\
             tierwatch_job_start_outcomes_total{tier=\"standard\",outcome=\"late\"} 1\n",
        );
        let rows = truth().compare(&said, 1.0);
        let wrong: Vec<_> = rows.iter().filter(|row| !row.equal).map(|row| row.what.as_str()).collect();
        assert_eq!(wrong, ["job_start_outcomes_total{outcome=\"late\"}"]);
        assert!(render_table(&rows).contains("differs"));
    }

    #[test]
    fn what_the_daemon_made_up_differs() {
        let said = parse("tierwatch_jobs_dropped_total{tier=\"standard\",reason=\"ghost\"} 1\n");
        let rows = truth().compare(&said, 1.0);
        assert!(rows.iter().any(|row| row.what.contains("ghost") && !row.equal));
    }
}
