//! What cluster-autoscaler, Karpenter and EKS Auto Mode (Karpenter's texts) say about pods and nodes.

use super::scheduling;
use super::text::{any, leading_number};
use super::{Autoscale, Cause, Classified, Scheduling};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The cause with the most node groups, the first of equals.
    pub cause: Cause,
    /// All causes, sorted by name.
    pub causes: Vec<Cause>,
}

/// Reads an autoscaler's event.
#[must_use]
pub fn classify(reason: &str, message: &str) -> Verdict {
    let words = super::lowered(message);
    if let Some(at) = words.find("didn't trigger scale-up") {
        return not_triggered(&words[at + "didn't trigger scale-up".len()..]);
    }
    let cause = Cause::Autoscale(recognise(reason, &words));
    Verdict { cause, causes: vec![cause] }
}

/// cluster-autoscaler `NotTriggerScaleUp`: `: 3 Insufficient cpu, 1 max node group size reached`, unordered
/// (a Go map); up to 1.18 with `(it wouldn't fit if a new node is added)` in front.
fn not_triggered(rest: &str) -> Verdict {
    let (would_not_fit, list) = match rest.split_once("is added)") {
        Some((_, list)) => (true, list),
        None => (false, rest),
    };
    let list = list.trim().trim_start_matches(':').trim().trim_end_matches('.');
    let mut sums: Vec<(Cause, u32)> = Vec::new();
    for part in super::text::split_outside(list, ", ").into_iter().filter(|part| !part.is_empty()) {
        let (groups, reason) = leading_number(part).unwrap_or((1, part));
        let cause = skipped_because(reason.trim());
        match sums.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, sum)) => *sum = sum.saturating_add(groups),
            None => sums.push((cause, groups)),
        }
    }
    let dominant = sums.iter().rev().max_by_key(|(cause, groups)| (*groups, !cause.is_other()));
    let silent = if would_not_fit { Autoscale::NoFit } else { Autoscale::NoReason };
    let cause = dominant.map_or(Cause::Autoscale(silent), |(cause, _)| *cause);
    let mut causes: Vec<Cause> =
        if sums.is_empty() { vec![cause] } else { sums.iter().map(|(cause, _)| *cause).collect() };
    causes.sort_unstable_by_key(|cause| cause.as_str());
    Verdict { cause, causes }
}

/// Why a node group was passed over: the group's own state, else the scheduler's reason for its template node.
fn skipped_because(reason: &str) -> Cause {
    let own: &[(&[&str], Autoscale)] = &[
        (
            &[
                "max node group size reached",
                "max limit reached",
                "max total nodes",
                "max cluster",
                "size limit",
                "limit reached",
            ],
            Autoscale::MaxSizeReached,
        ),
        (&["in backoff", "backoff after failed", "not ready for scale-up"], Autoscale::ScaleupBackoff),
    ];
    if let Some((_, cause)) = own.iter().find(|(texts, _)| any(reason, texts)) {
        return Cause::Autoscale(*cause);
    }
    let cause = scheduling::cause_of(reason);
    if cause == Scheduling::Other { Cause::Autoscale(Autoscale::Other) } else { Cause::AutoscaleReason(cause) }
}

fn recognise(reason: &str, words: &str) -> Autoscale {
    let recognisers: &[(&[&str], Autoscale)] = &[
        // cluster-autoscaler.
        (&["triggered scale-up"], Autoscale::ScaleupTriggered),
        (
            &[
                "failed to delete pod for scaledown",
                "failed to drain the node",
                "failed to delete empty node",
                "failed to mark the node as tobedeleted",
            ],
            Autoscale::ScaledownFailed,
        ),
        (&["deleting pod for node scale down", "evicting pod for scale down"], Autoscale::ScaledownEvictPod),
        (
            &[
                "marked the node as tobedeleted",
                "removed by cluster autoscaler",
                "scale-down: removing",
                "node removed by cluster",
            ],
            Autoscale::ScaledownNode,
        ),
        (&["max node group size reached", "max total nodes in cluster reached"], Autoscale::MaxSizeReached),
        (&["in backoff after failed scale-up"], Autoscale::ScaleupBackoff),
        // Karpenter, from 0.2x to 1.x.
        (&["pod should schedule on"], Autoscale::Nominated),
        (
            &[
                "insufficient capacity",
                "insufficientinstancecapacity",
                "unfulfillablecapacity",
                "insufficientcapacity",
                "sufficient capacity",
                "maxspotinstancecountexceeded",
                "vcpulimitexceeded",
                "launch failed",
            ],
            Autoscale::InsufficientCapacity,
        ),
        (
            &[
                "exceed limits for",
                "exceeds limits for",
                "would exceed limits",
                "limits exceeded",
                "limit exceeded for",
            ],
            Autoscale::KarpenterLimitsExceeded,
        ),
        (
            &["filtered out all", "no instance types satisfy", "no compatible instance types"],
            Autoscale::KarpenterNoInstanceTypes,
        ),
        (
            &["no instance type met the scheduling requirements", "required offering", "had a required offering"],
            Autoscale::KarpenterNoOffering,
        ),
        (
            &[
                "no instance type satisfied",
                "no instance type has enough",
                "no instance type which had enough",
                "no instance type had enough",
            ],
            Autoscale::KarpenterNoInstanceFits,
        ),
        (
            &["spot interruption warning", "interruption warning was triggered", "spotinterrupted"],
            Autoscale::SpotInterruption,
        ),
        (&["rebalance recommendation"], Autoscale::SpotRebalance),
        (&["instance is stopping"], Autoscale::InstanceStopping),
        (&["instance is terminating"], Autoscale::InstanceTerminating),
        (&["unhealthy warning", "instance is unhealthy"], Autoscale::InstanceUnhealthy),
        (&["do-not-disrupt", "do-not-evict", "do-not-consolidate"], Autoscale::BlockedDoNotDisrupt),
        (&["pdb ", "poddisruptionbudget", "prevents pod evictions"], Autoscale::BlockedPdb),
        (&["blocking budget", "disruption budget"], Autoscale::BlockedBudget),
        (&["waiting on readiness", "waiting for readiness"], Autoscale::DisruptionWaiting),
        (&["cannot disrupt", "can't disrupt"], Autoscale::BlockedOther),
        (&["evicted pod"], Autoscale::EvictedByKarpenter),
        (
            &[
                "can't replace",
                "can't remove without",
                "cheaper node",
                "lower-priced",
                "not all pods would schedule",
                "would not consolidate",
                "consolidation is",
                "all pods would schedule",
            ],
            Autoscale::Unconsolidatable,
        ),
    ];
    let by_words = recognisers.iter().find(|(texts, _)| any(words, texts)).map(|(_, cause)| *cause);
    by_words.or_else(|| by_reason(reason)).unwrap_or(Autoscale::Other)
}

/// Karpenter's event reasons (pkg/events/reason.go), where the text has changed.
fn by_reason(reason: &str) -> Option<Autoscale> {
    Some(match reason {
        "Nominated" => Autoscale::Nominated,
        "TriggeredScaleUp" => Autoscale::ScaleupTriggered,
        "NotTriggerScaleUp" => Autoscale::NoReason,
        "ScaleDown" => Autoscale::ScaledownNode,
        "ScaleDownFailed" => Autoscale::ScaledownFailed,
        "ScaleUpTimedOut" | "FailedToScaleUpGroup" | "FailedScaleUp" => Autoscale::ScaleupBackoff,
        "InsufficientCapacityError" => Autoscale::InsufficientCapacity,
        "NoCompatibleInstanceTypes" => Autoscale::KarpenterNoInstanceTypes,
        "SpotInterrupted" | "CapacityReservationInstanceInterrupted" => Autoscale::SpotInterruption,
        "SpotRebalanceRecommendation" => Autoscale::SpotRebalance,
        "InstanceStopping" => Autoscale::InstanceStopping,
        "InstanceTerminating" => Autoscale::InstanceTerminating,
        "InstanceUnhealthy" => Autoscale::InstanceUnhealthy,
        "Evicted" => Autoscale::EvictedByKarpenter,
        "Unconsolidatable" => Autoscale::Unconsolidatable,
        "DisruptionBlocked" => Autoscale::BlockedOther,
        "DisruptionWaitingReadiness" => Autoscale::DisruptionWaiting,
        _ => return None,
    })
}

impl From<Verdict> for Classified {
    fn from(verdict: Verdict) -> Self {
        Self { cause: verdict.cause, causes: verdict.causes, registry: None }
    }
}
