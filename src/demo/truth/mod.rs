//! What really happened, kept by the world as it acts, and its comparison with what the daemon said.

mod compare;
mod exposition;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

pub use compare::{Row, render_table};
pub use exposition::{Sample, parse};

/// How many and how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Seconds in all.
    pub sum: f64,
}

impl Tally {
    pub(crate) fn add(&mut self, took: SignedDuration) {
        self.count += 1;
        self.sum += took.as_secs_f64();
    }
}

/// What is the case at one instant.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Levels {
    /// Jobs waiting that a runner of the tier could take.
    pub pending: u64,
    /// Age of the oldest of them in seconds; 0 without any.
    pub oldest: f64,
    /// Those that wait longer than the tier promises.
    pub overdue: u64,
    /// Jobs carrying the tier's tag that no runner can take.
    pub unserved: u64,
    /// Job pods by phase.
    pub job_pods: BTreeMap<&'static str, u64>,
    /// Job pods without a node for which the autoscaler made none, by its latest word.
    pub scale_up_blocked: BTreeMap<&'static str, u64>,
    /// Runners by GitLab's status.
    pub runners: BTreeMap<&'static str, u64>,
    /// Manager pods that are ready, and that are not.
    pub managers: BTreeMap<&'static str, u64>,
}

/// The truth about one tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TierTruth {
    /// Jobs its runner took, with their wait in the queue.
    pub taken: Tally,
    /// Jobs whose build container ran, with the time since they were ready to run.
    pub started: Tally,
    /// Where that time went.
    pub phases: BTreeMap<&'static str, Tally>,
    /// The verdict on each job's start.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Jobs GitLab gave up on, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Failed jobs by reason, the dropped ones included.
    pub failed: BTreeMap<&'static str, u64>,
    /// Pods the scheduler refused, by the first dominant cause.
    pub unschedulable: BTreeMap<&'static str, u64>,
    /// Images that could not be pulled by registry and cause, once per pod, container and cause.
    pub pulls: BTreeMap<(String, &'static str), u64>,
    /// Pods that the API server refused, by cause.
    pub refused: BTreeMap<&'static str, u64>,
    /// Pods that a disruption ended, by cause.
    pub disrupted: BTreeMap<&'static str, u64>,
    /// Checks of its boundary that somebody moved.
    pub moved: BTreeMap<&'static str, u64>,
    /// What is the case now.
    pub levels: Levels,
}

/// The truth about a story so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// As of when.
    pub at: Timestamp,
    /// By tier.
    pub tiers: BTreeMap<&'static str, TierTruth>,
}

/// Adds one to a named count.
pub(crate) fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    *counts.entry(key).or_default() += 1;
}
