//! What cluster-autoscaler, Karpenter and EKS Auto Mode say: of pods that wait for a node, and of nodes that go.

use std::sync::LazyLock;

use super::family::Verdict;
use super::text::{Phrases, Sentence, bare, count_of, split_counted, strip_start};
use super::{Autoscale, Scheduling, scheduling};

/// Names the causes in an autoscaler's event. The scheduler's reasons come back where its plugins were asked.
#[must_use]
pub fn classify(reason: &str, message: &str) -> Verdict<Autoscale> {
    told(&Sentence::new(bare(message))).unwrap_or_else(|| Verdict::one(by_reason(reason)))
}

/// What the text alone says.
pub(super) fn told(sentence: &Sentence<'_>) -> Option<Verdict<Autoscale>> {
    static TABLE: LazyLock<Phrases<Autoscale>> = LazyLock::new(|| Phrases::new(ROWS));
    if let Some(list) = not_triggered(sentence.text()) {
        return Some(list);
    }
    let cause = TABLE.first(sentence).or_else(|| blocked(sentence));
    cause.map(Verdict::one).or_else(|| pools(sentence))
}

/// Reasons that say enough where the text does not.
fn by_reason(reason: &str) -> Autoscale {
    match reason {
        "TriggeredScaleUp" | "ScaledUpGroup" => Autoscale::ScaleupTriggered,
        "NotTriggerScaleUp" => Autoscale::ScaleupNotTriggeredNoReason,
        "FailedToScaleUpGroup" | "FailedScaleUp" | "ScaleUpTimedOut" => Autoscale::ScaleupBackoff,
        "ScaleDown" | "ScaleDownEmpty" => Autoscale::ScaledownNode,
        "ScaleDownFailed" => Autoscale::ScaledownFailed,
        "Nominated" => Autoscale::Nominated,
        "NoCompatibleInstanceTypes" => Autoscale::KarpenterNoInstanceTypes,
        "InsufficientCapacityError" => Autoscale::InsufficientCapacity,
        "Unconsolidatable" => Autoscale::DisruptionUnconsolidatable,
        "DisruptionBlocked" | "DeprovisioningBlocked" => Autoscale::DisruptionBlockedOther,
        "DisruptionWaitingReadiness" => Autoscale::DisruptionWaiting,
        "Evicted" => Autoscale::EvictedByKarpenter,
        "SpotInterrupted" | "CapacityReservationInstanceInterrupted" | "SpotInterruption" => {
            Autoscale::SpotInterruption
        }
        "SpotRebalanceRecommendation" | "RebalanceRecommendation" => Autoscale::SpotRebalance,
        "InstanceStopping" => Autoscale::InstanceStopping,
        "InstanceTerminating" => Autoscale::InstanceTerminating,
        "InstanceUnhealthy" => Autoscale::InstanceUnhealthy,
        _ => Autoscale::Other,
    }
}

/// cluster-autoscaler: `pod didn't trigger scale-up: N reason, …`, up to 1.1x with `(it wouldn't fit if a new node is
/// added)` before the colon; the list comes in the order of a Go map and may be empty.
fn not_triggered(message: &str) -> Option<Verdict<Autoscale>> {
    let rest = skipped_groups(message)?;
    let (remark, list) = match rest.split_once("):") {
        Some((remark, list)) => (remark, list),
        None => rest.split_once(':').unwrap_or((rest, "")),
    };
    let list = list.trim().trim_end_matches('.');
    let items = split_counted(list).filter_map(|item| {
        let (count, text) = item.trim().split_once(' ')?;
        Some((skipped_group(text), count_of(count)?))
    });
    let fallback = if remark.contains("wouldn't fit") {
        Autoscale::ScaleupNotTriggeredNoFit
    } else {
        Autoscale::ScaleupNotTriggeredNoReason
    };
    Some(Verdict::weigh(items, fallback))
}

/// What stands behind cluster-autoscaler's opening, written with a capital by some.
fn skipped_groups(message: &str) -> Option<&str> {
    strip_start(message, "pod didn't trigger scale-up")
}

/// Why cluster-autoscaler skipped a node group (`core/scaleup/orchestrator/skippedreasons.go`), or the scheduler's word.
fn skipped_group(text: &str) -> Autoscale {
    static GROUPS: LazyLock<Phrases<Autoscale>> = LazyLock::new(|| Phrases::new(SKIPPED));
    GROUPS.first(&Sentence::new(text)).unwrap_or_else(|| scheduling::reason(text).into())
}

const SKIPPED: &[(Autoscale, &[&str])] = &[
    // `max limit reached` up to 1.18, `max cluster cpu, memory limit reached` for the cluster's own limits, `exceeded
    // quota: "NAME", resources: cpu` where they are objects (1.34+).
    (
        Autoscale::MaxSizeReached,
        &[
            "max node group size reached",
            "max limit reached",
            "max cluster",
            "max total nodes in cluster reached",
            "exceeded quota",
        ],
    ),
    (Autoscale::ScaleupBackoff, &["in backoff", "backoff after failed scale-up"]),
];

const ROWS: &[(Autoscale, &[&str])] = &[
    // cluster-autoscaler on pods, nodes and its status configmap. Failures first: they name what they failed at.
    (
        Autoscale::ScaledownFailed,
        &[
            "failed to delete pod for scaledown",
            "failed to drain the node, aborting scaledown",
            "failed to delete empty node",
            "failed to mark the node as",
            "failed to drain and delete node",
        ],
    ),
    (Autoscale::ScaledownEvictPod, &["deleting pod for node scale down", "deleting pod from node"]),
    (
        Autoscale::ScaledownNode,
        &[
            "marked the node as",
            "node removed by cluster autoscaler",
            "scale-down: removing",
            "scale-down: empty node",
            "scale-down: node",
            "scale-down: unready node",
        ],
    ),
    // Clouds without a machine to give: EC2 fleet errors, GCE stock-outs, Azure allocations; Karpenter's own words.
    (
        Autoscale::InsufficientCapacity,
        &[
            "insufficient capacity",
            "insufficientinstancecapacity",
            "insufficientcapacityerror",
            "insufficientcapacity",
            "unfulfillablecapacity",
            "insufficienthostcapacity",
            "reservationcapacityexceeded",
            "maxspotinstancecountexceeded",
            "vcpulimitexceeded",
            "we currently do not have sufficient",
            "instance types were unavailable",
            "skunotavailable",
            "zonalallocationfailed",
            "overconstrainedzonalallocationrequest",
            "overconstrainedallocationrequest",
            "allocationfailed",
            "zone_resource_pool_exhausted",
            "zone_resource_pool_exhausted_with_details",
            "does not have enough resources available to fulfill",
            "stockout",
            "out of resources",
        ],
    ),
    (
        Autoscale::ScaleupTriggered,
        &["pod triggered scale-up", "triggered scale-up", "scale-up: setting group", "scale-up: group"],
    ),
    // The last one is GKE's, which tells quotas and addresses that ran out.
    (
        Autoscale::ScaleupBackoff,
        &[
            "scale-up failed for group",
            "scale-up timed out for node group",
            "failed to scale up group",
            "node scale up in zones",
        ],
    ),
    // Karpenter 0.6+; `machine/x` up to 0.31, `nodeclaim/x` since.
    (Autoscale::Nominated, &["pod should schedule on"]),
    // Karpenter 1.2+ gives its reason behind, `Spot Interrupted` among them.
    (Autoscale::EvictedByKarpenter, &["evicted pod", "deleting the pod to accommodate the terminationgraceperiod"]),
    // Disruption, called deprovisioning up to 0.31. The reason behind may quote a pod or the scheduler.
    (
        Autoscale::DisruptionUnconsolidatable,
        &[
            "can't replace with",
            "can't remove without creating",
            "not all pods would schedule",
            "spottospotconsolidation is disabled",
            "spottospotconsolidation requires",
            "filtering by price",
            "consolidation disabled",
            "has consolidation disabled",
            "has non-empty consolidation disabled",
            "all pods would not schedule",
        ],
    ),
    (Autoscale::DisruptionBlockedBudget, &["no allowed disruptions"]),
    (Autoscale::DisruptionWaiting, &["waiting on readiness to continue"]),
    // aws: interruption queue; also aws-node-termination-handler.
    (
        Autoscale::SpotInterruption,
        &[
            "spot interruption",
            "capacity reservation interruption warning",
            "spot instance interruption",
            "spot interrupted",
        ],
    ),
    (Autoscale::SpotRebalance, &["rebalance recommendation", "spot rebalance recommendation"]),
    (Autoscale::InstanceStopping, &["instance is stopping", "instance stopping"]),
    (Autoscale::InstanceTerminating, &["instance is terminating", "instance terminating"]),
    (Autoscale::InstanceUnhealthy, &["unhealthy warning was triggered", "instance is unhealthy"]),
    // `NodePool requirements filtered out all compatible available instance types`, with more or fewer of these words.
    (Autoscale::KarpenterNoInstanceTypes, &["requirements filtered out all"]),
];

/// How an autoscaler opens each refusal of a pod: cluster-autoscaler, and Karpenter (`Could not` up to 0.2x).
pub(super) fn refuses_pod(sentence: &Sentence<'_>) -> bool {
    let by_karpenter = ["Failed to schedule pod, ", "Could not schedule pod, "];
    by_karpenter.iter().any(|opening| sentence.text().starts_with(opening)) || skipped_groups(sentence.text()).is_some()
}

/// Karpenter: `Cannot deprovision Machine due to REASON` up to 0.31, `Cannot disrupt Node: REASON` up to 1.1, the reason
/// alone since. The annotation was `do-not-evict` and `do-not-consolidate` at first, and is quoted since.
fn blocked(sentence: &Sentence<'_>) -> Option<Autoscale> {
    static HEAD: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(BLOCKED));
    static BUDGET: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(PDB));
    let text = sentence.text();
    let is_annotated = text.contains("/do-not-");
    if HEAD.first(sentence).is_none() && !is_annotated {
        return None;
    }
    let is_annotated = is_annotated || text.contains("do not evict") || text.contains("do-not-disrupt anno");
    Some(if is_annotated {
        Autoscale::DisruptionBlockedDoNotDisrupt
    } else if BUDGET.first(sentence).is_some() {
        Autoscale::DisruptionBlockedPdb
    } else {
        Autoscale::DisruptionBlockedOther
    })
}

const BLOCKED: &[((), &[&str])] = &[(
    (),
    &[
        "cannot disrupt",
        "cannot deprovision",
        "cannot consolidate",
        "failed to drain node",
        "prevents pod evictions",
        "eviction does not support multiple pdbs",
        "node is nominated for a pending pod",
        "node isn't initialized",
        "nodeclaim does not have an associated node",
        "node is deleting or marked for deletion",
    ],
)];

const PDB: &[((), &[&str])] =
    &[((), &["pdb", "pdbs", "poddisruptionbudget", "poddisruptionbudgets", "prevents pod evictions"])];

/// Karpenter's joined errors, one for each pool it tried. Pools stand apart by `; `.
fn pools(sentence: &Sentence<'_>) -> Option<Verdict<Autoscale>> {
    static TABLE: LazyLock<Phrases<Autoscale>> = LazyLock::new(|| Phrases::new(POOL));
    // Most texts speak of no pool at all.
    TABLE.first(sentence)?;
    let causes = sentence.text().split("; ").filter_map(|pool| {
        let pool = Sentence::new(pool);
        let cause = TABLE.first(&pool)?;
        Some((if cause == Autoscale::KarpenterNoInstanceFits { lacking(&pool) } else { cause }, 1))
    });
    Some(Verdict::weigh(causes, Autoscale::Other))
}

/// `no instance type …`: the words behind tell whether size or offering was missing. `which had enough resources and
/// the required offering met …` names what was *there*.
fn lacking(sentence: &Sentence<'_>) -> Autoscale {
    static OFFERING: LazyLock<Phrases<()>> = LazyLock::new(|| {
        Phrases::new(&[(
            (),
            &[
                "had a required offering",
                "has the required offering",
                "had the required offering",
                "or had a required offering",
            ],
        )])
    });
    if OFFERING.first(sentence).is_some() { Autoscale::KarpenterNoOffering } else { Autoscale::KarpenterNoInstanceFits }
}

const POOL: &[(Autoscale, &[&str])] = &[
    (
        Autoscale::KarpenterLimitsExceeded,
        &["exceed limits for", "limits exceeded for", "exceeds limits for", "would exceed limits", "exceed limits"],
    ),
    (Autoscale::KarpenterNoInstanceTypes, &["minvalues requirement is not met", "minimum requirement is not met"]),
    // scheduling/nodeclaim.go; `existing node` errors use the same words.
    (Autoscale::Scheduling(Scheduling::UntoleratedTaint), &["did not tolerate"]),
    (
        Autoscale::Scheduling(Scheduling::PodAffinity),
        &["topology constraint for pod affinity", "topology constraint for pod anti-affinity"],
    ),
    (Autoscale::Scheduling(Scheduling::TopologySpread), &["topology constraint", "unsatisfiable topology"]),
    (Autoscale::Scheduling(Scheduling::HostPort), &["checking host port usage", "hostport", "host port"]),
    (
        Autoscale::Scheduling(Scheduling::Volume),
        &[
            "checking volume usage",
            "would exceed volume",
            "exceeds volume",
            "persistentvolumeclaim",
            "storageclass",
            "volume topology",
            "getting volume",
            "failed to validate pvc",
            "unbound pvc",
            "pvc is considered unbound",
        ],
    ),
    (Autoscale::KarpenterNoInstanceFits, &["no instance type", "exceeds node resources"]),
    // 1.3+: offerings of a capacity reservation that others took.
    (Autoscale::KarpenterNoOffering, &["compatible reserved offerings"]),
    (
        Autoscale::Scheduling(Scheduling::NodeAffinity),
        &[
            "incompatible requirements",
            "does not have known values",
            "label requirements",
            "invalid nodepool requirements",
            "configured to not run on a karpenter provisioned node",
        ],
    ),
    // 1.6+ leaves claims of devices to others.
    (Autoscale::Scheduling(Scheduling::InsufficientExtendedResource), &["dynamic resource allocation requirements"]),
];

#[cfg(test)]
#[path = "autoscaling_tests.rs"]
mod tests;
