//! The job pods that cannot start, by name: what somebody would look at with kubectl.

use std::time::Duration;

use crate::cause::{Cause, Pull};
use crate::model::assessment::{PodLevels, TroubledPod};
use crate::model::fleet::PodRow;
use crate::observation::{Now, between};

/// How many of each cause are named.
const NAMED: usize = 5;

/// Names a pod under each cause that keeps it from starting, if it is among the longest.
pub(super) fn name(pods: &mut PodLevels, row: &PodRow, pulls: &[Pull], now: &Now) {
    let refused = row.refused().map(|cause| (Cause::Scheduling(cause), row.refused_for(now)));
    let age = between(row.report.created, now.wall);
    let held = row.hold().map(|cause| (Cause::Runtime(cause), age));
    let pulls = pulls.iter().map(|cause| (Cause::Pull(*cause), age));
    for (cause, lasts) in refused.into_iter().chain(held).chain(pulls) {
        add(pods.troubled.entry(cause).or_default(), row, lasts);
    }
}

/// Keeps a short sorted list, as long as thousands of pods may be.
fn add(named: &mut Vec<TroubledPod>, row: &PodRow, lasts: Duration) {
    let at = named.partition_point(|pod| (pod.lasts, &row.report.name) > (lasts, &pod.name));
    if at < NAMED {
        let report = &row.report;
        let (namespace, name) = (report.namespace.clone(), report.name.clone());
        named.insert(at, TroubledPod { namespace, name, job: report.job, lasts });
        named.truncate(NAMED);
    }
}
