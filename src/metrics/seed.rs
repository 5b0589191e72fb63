//! Which label sets of the counters exist from the start, at zero.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalogue::{admission_failures, pull_failures};
use super::occurrences::Occurrences;
use crate::cause::{Cause, Family, Scheduling};
use crate::model::occurrence::{Disagreement, DropReason, FailureReason, Outcome, Phase, Table};
use crate::observation::{FailureClass, SourceKind};

/// What can happen in one tier.
pub(super) fn tier(to: &Occurrences, tier: &str, registries: &[Arc<str>]) {
    to.queue_wait.seed(&[tier]);
    to.job_start.seed(&[tier]);
    to.rejected_annotations.seed(&[tier]);
    for phase in Phase::ALL {
        to.job_start_phase.seed(&[tier, phase.as_str()]);
    }
    for outcome in Outcome::ALL {
        to.outcomes.seed(&[tier, outcome.as_str()]);
    }
    for reason in DropReason::ALL {
        to.dropped.seed(&[tier, reason.as_str()]);
    }
    for reason in FailureReason::ALL {
        for blame in reason.blames() {
            to.failed.seed(&[tier, reason.as_str(), blame.as_str()]);
        }
    }
    for cause in Scheduling::ALL {
        to.scheduling_failures.seed(&[tier, cause.as_str()]);
    }
    for cause in pull_failures() {
        to.pull_failures.seed(&[tier, cause.as_str()]);
    }
    to.pulls.seed(&[tier]);
    to.pull_queues.seed(&[tier]);
    for cause in Cause::of_broken_pods() {
        to.pod_failures.seed(&[tier, cause.as_str()]);
    }
    for registry in registries.iter().map(AsRef::as_ref).chain(["other"]) {
        to.registry_failures.seed(&[tier, registry]);
    }
}

/// What can be refused in one tier, told by job logs or by controllers' events. Without either a zero would claim that
/// nothing was refused.
pub(super) fn refusals_of_tier(to: &Occurrences, tier: &str) {
    for cause in admission_failures() {
        to.admission_failures.seed(&[tier, cause.as_str()]);
    }
}

/// What can happen between one source and one tier that depends on it.
pub(super) fn source_of_tier(to: &Occurrences, source: SourceKind, tier: &str) {
    to.attempts.seed(&[source.label(), tier]);
    for class in FailureClass::ALL.into_iter().filter(|class| class.can_befall(source)) {
        to.failures.seed(&[source.label(), tier, class.as_str()]);
    }
}

/// What can happen to tierwatch itself.
pub(super) fn own(to: &Occurrences, sources: &BTreeSet<SourceKind>) {
    for source in sources {
        to.observations.seed(&[source.label()]);
        to.gaps.seed(&[source.label()]);
    }
    to.unjoined.seed(&[]);
    for family in Family::ALL {
        to.unclassified.seed(&[family.as_str()]);
    }
    if sources.contains(&SourceKind::GitlabHooks) {
        for kind in Disagreement::ALL {
            to.disagreements.seed(&[kind.as_str()]);
        }
    }
    for table in Table::ALL {
        to.evictions.seed(&[table.as_str()]);
    }
    for phase in Phase::ALL {
        to.clamps.seed(&[phase.as_str()]);
    }
}
