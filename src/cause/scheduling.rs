//! The scheduler's sentence (`FitError`): counts and reasons, and what each reason means.
//!
//! `0/N nodes are available: COUNT reason, COUNT reason. preemption: …` since 1.9; before it the counts stood
//! behind the reasons in brackets. What follows `preemption:` (1.21+) or `no new claims to deallocate,` (1.34+)
//! repeats the shape for another question and is cut off. Counts may add up to more than N: one node can lack
//! cpu and memory.

use super::text::{any, leading_number, split_outside, without_prefix};
use super::{Cause, Classified, Scheduling};

/// What a sentence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The cause with the most nodes; the first of equals; `other` only when nothing else has as many.
    pub dominant: Scheduling,
    /// All causes with their nodes, sorted by name.
    pub causes: Vec<(Scheduling, u32)>,
}

/// Where the part that repeats the shape begins.
const TAILS: [&str; 2] = ["preemption:", "no new claims to deallocate"];

/// Whether a text is the scheduler's (or an autoscaler's echo of it).
pub(super) fn looks_like(message: &str) -> bool {
    let message = super::lowered(message);
    any(&message, &["nodes are available", "no nodes available to schedule", "scheduling gates", "nominated node"])
        || message.starts_with("persistentvolumeclaim")
}

/// Reads the scheduler's sentence.
#[must_use]
pub fn classify(message: &str) -> Verdict {
    let message = super::bounded(without_prefix(message));
    // The tail can be all there is: then it speaks for itself.
    let tail = TAILS.iter().filter_map(|tail| message.find(tail)).min();
    let head = tail.map_or(message, |at| &message[..at]);
    let body = if head.trim().is_empty() { message } else { head };
    from_reasons(reasons(body))
}

/// Sums reasons up to a verdict.
pub(super) fn from_reasons<'a>(reasons: impl IntoIterator<Item = (u32, &'a str)>) -> Verdict {
    from_causes(reasons.into_iter().map(|(nodes, reason)| (cause_of(reason), nodes)))
}

fn from_causes(told: impl IntoIterator<Item = (Scheduling, u32)>) -> Verdict {
    let mut sums: Vec<(Scheduling, u32)> = Vec::new();
    for (cause, nodes) in told {
        match sums.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, sum)) => *sum = sum.saturating_add(nodes),
            None => sums.push((cause, nodes)),
        }
    }
    // `max_by_key` takes the last of equals, so the list is walked backwards.
    let dominant = sums.iter().rev().max_by_key(|(cause, nodes)| (*nodes, *cause != Scheduling::Other));
    let dominant = dominant.map_or(Scheduling::Other, |(cause, _)| *cause);
    sums.sort_unstable_by_key(|(cause, _)| cause.as_str());
    Verdict { dominant, causes: sums }
}

/// The reasons with their numbers of nodes, in order.
fn reasons(body: &str) -> Vec<(u32, &str)> {
    let body = body.trim();
    let Some((total, list)) = after_the_head(body) else { return vec![(1, body)] };
    // Post-filter plugins append a sentence of their own.
    let list = split_outside(list, ". ")[0].trim().trim_end_matches('.');
    if list.is_empty() {
        return vec![(total, if total == 0 { "no nodes available to schedule" } else { "" })];
    }
    let mut found: Vec<(u32, &str)> = Vec::new();
    for part in split_outside(list, ", ") {
        let counted = leading_number(part).filter(|(_, rest)| rest.starts_with(' '));
        match (counted, counted_behind(part)) {
            (Some((nodes, reason)), _) => found.push((nodes, reason.trim())),
            (None, Some(reason)) => found.push(reason),
            // A pre-filter speaks for all nodes; a comma inside a reason continues it.
            (None, None) if found.is_empty() => found.push((total, part)),
            (None, None) => {}
        }
    }
    found
}

/// The number of nodes and what follows the colon.
fn after_the_head(body: &str) -> Option<(u32, &str)> {
    // Up to 1.8: "No nodes are available that match all of the following predicates:: reason (n), …".
    if let Some((_, list)) = body.split_once("predicates:") {
        return Some((1, list.trim_start_matches([':', ' '])));
    }
    let (head, list) = body.split_once(" nodes are available")?;
    let total = head.rsplit('/').next().and_then(|total| total.trim().parse().ok());
    Some((total.unwrap_or(1), list.trim_start_matches([':', '.', ' '])))
}

/// `Insufficient cpu (11)`, the old spelling.
fn counted_behind(part: &str) -> Option<(u32, &str)> {
    let (reason, number) = part.trim_end_matches('.').strip_suffix(')')?.rsplit_once(" (")?;
    Some((number.parse().ok()?, reason))
}

/// What one reason means. Order matters: a volume's node affinity is not the pod's, a topology spread is not an
/// affinity.
pub(super) fn cause_of(reason: &str) -> Scheduling {
    let lowered = super::lowered(reason);
    let reason = lowered.trim().trim_end_matches('.');
    if let Some(resource) = reason.strip_prefix("insufficient ") {
        return insufficient(resource);
    }
    let recognisers: &[(&[&str], Scheduling)] = &[
        // PodGates, API server 1.26+.
        (&["scheduling gates", "schedulinggated"], Scheduling::SchedulingGated),
        // DefaultPreemption: a node is being freed.
        (&["on the nominated node", "nominated node"], Scheduling::NominatedWaiting),
        (&["no nodes available to schedule", "no nodes are registered"], Scheduling::NoNodes),
        // NodeResourcesFit.
        (&["too many pods"], Scheduling::InsufficientPods),
        // TaintToleration; four generations, the newest (1.34.x, 1.35) without the key.
        (
            &["untolerated taint", "had taint", "didn't tolerate", "podtoleratesnodetaints", "tainttoleration"],
            Scheduling::UntoleratedTaint,
        ),
        // NodeUnschedulable.
        (
            &["were unschedulable", "was unschedulable", "nodeunschedulable", "node is unschedulable"],
            Scheduling::UnschedulableNode,
        ),
        // PodTopologySpread.
        (&["topology spread", "podtopologyspread", "evenpodsspread"], Scheduling::TopologySpread),
        // VolumeBinding, VolumeZone, NodeVolumeLimits, VolumeRestrictions; CSI storage capacity.
        (
            &[
                "volume",
                "persistentvolume",
                "pvc",
                "pv(s)",
                "disk conflict",
                "nodiskconflict",
                "enough free storage",
                "no available disk",
                "readwriteoncepod",
                "storageclass",
                "storage class",
            ],
            Scheduling::Volume,
        ),
        // NodePorts.
        (&["free ports", "podfitshostports", "nodeports", "host port"], Scheduling::HostPort),
        // InterPodAffinity; the anti-affinity of pods that run counts, too.
        (
            &["pod affinity", "anti-affinity", "antiaffinity", "interpodaffinity", "inter-pod affinity"],
            Scheduling::PodAffinity,
        ),
        // NodeAffinity, NodeName; 1.19 and before said `node selector`.
        (
            &[
                "node affinity",
                "node selector",
                "nodeselector",
                "nodeaffinity",
                "requested node name",
                "requested hostname",
                "matchnodeselector",
            ],
            Scheduling::NodeAffinity,
        ),
        // DynamicResources, 1.31+: devices that no node can give.
        (&["cannot allocate all claims", "cannot allocate claims"], Scheduling::InsufficientExtendedResource),
    ];
    let found = recognisers.iter().find(|(texts, _)| any(reason, texts));
    found.map_or(Scheduling::Other, |(_, cause)| *cause)
}

/// NodeResourcesFit: `Insufficient RESOURCE`.
fn insufficient(resource: &str) -> Scheduling {
    match resource.split([' ', ',', '.']).next().unwrap_or_default() {
        "cpu" => Scheduling::InsufficientCpu,
        "memory" => Scheduling::InsufficientMemory,
        "ephemeral-storage" => Scheduling::InsufficientEphemeralStorage,
        "pods" => Scheduling::InsufficientPods,
        // NodeVolumeLimits of in-tree drivers counts attachments as a resource.
        attachments if attachments.starts_with("attachable-volumes") => Scheduling::Volume,
        "" => Scheduling::Other,
        _ => Scheduling::InsufficientExtendedResource,
    }
}

/// Refines [`Scheduling::UntoleratedTaint`] by the keys of the taints that keep the pod away. A key of a
/// dedicated pool among them leaves the cause as it is: that pool will never take the pod.
#[must_use]
pub fn refine<'a>(keys: impl IntoIterator<Item = &'a str>) -> Scheduling {
    let mut refined: Option<Scheduling> = None;
    for key in keys {
        let cause = match key {
            "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable" => Scheduling::NodeNotReady,
            "node.kubernetes.io/memory-pressure"
            | "node.kubernetes.io/disk-pressure"
            | "node.kubernetes.io/pid-pressure" => Scheduling::NodePressure,
            "karpenter.sh/disrupted"
            | "karpenter.sh/disruption"
            | "ToBeDeletedByClusterAutoscaler"
            | "DeletionCandidateOfClusterAutoscaler"
            | "node.kubernetes.io/out-of-service" => Scheduling::NodeDisrupted,
            "node.cloudprovider.kubernetes.io/uninitialized"
            | "karpenter.sh/unregistered"
            | "node.kubernetes.io/network-unavailable" => Scheduling::NodeStartup,
            key if key.ends_with("agent-not-ready") || key.starts_with("startup-taint.") => Scheduling::NodeStartup,
            "node.kubernetes.io/unschedulable" => Scheduling::UnschedulableNode,
            _ => return Scheduling::UntoleratedTaint,
        };
        match refined {
            None => refined = Some(cause),
            Some(known) if known == cause => {}
            Some(_) => return Scheduling::UntoleratedTaint,
        }
    }
    refined.unwrap_or(Scheduling::UntoleratedTaint)
}

impl From<Verdict> for Classified {
    fn from(verdict: Verdict) -> Self {
        let causes = verdict.causes.iter().map(|(cause, _)| Cause::Scheduling(*cause)).collect();
        Self { cause: Cause::Scheduling(verdict.dominant), causes, registry: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> (&'static str, Vec<(&'static str, u32)>) {
        let verdict = classify(message);
        (verdict.dominant.as_str(), verdict.causes.iter().map(|(cause, nodes)| (cause.as_str(), *nodes)).collect())
    }

    #[test]
    fn counts_are_summed_per_cause_and_the_tail_is_cut() {
        let (dominant, causes) = told(
            "0/9 nodes are available: 2 node(s) had untolerated taint {a: b, c}, 3 Insufficient cpu, \
             2 node(s) had untolerated taint {d: }. preemption: 0/9 nodes are available: 9 Insufficient memory.",
        );
        assert_eq!(dominant, "untolerated_taint");
        assert_eq!(causes, [("insufficient_cpu", 3), ("untolerated_taint", 4)]);
    }

    #[test]
    fn a_pre_filter_speaks_for_all_nodes() {
        assert_eq!(
            told("0/7 nodes are available: pod has unbound immediate PersistentVolumeClaims.").1,
            [("volume", 7)]
        );
    }

    #[test]
    fn other_loses_ties_and_the_first_of_equals_wins() {
        assert_eq!(told("0/2 nodes are available: 1 something new, 1 Insufficient memory.").0, "insufficient_memory");
        assert_eq!(
            told("0/2 nodes are available: 1 Insufficient memory, 1 Insufficient cpu.").0,
            "insufficient_memory"
        );
    }

    #[test]
    fn reasons_of_every_plugin_are_known() {
        for (reason, cause) in [
            ("node(s) had untolerated taint(s)", "untolerated_taint"),
            ("node(s) had taints that the pod didn't tolerate", "untolerated_taint"),
            ("Insufficient hugepages-2Mi", "insufficient_extended_resource"),
            ("Insufficient attachable-volumes-aws-ebs", "volume"),
            ("node(s) didn't match scheduler-enforced node affinity", "node_affinity"),
            ("node(s) didn't match the requested node name", "node_affinity"),
            ("node(s) didn't satisfy existing pods anti-affinity rules", "pod_affinity"),
            ("node(s) did not have enough free storage", "volume"),
            ("node(s) had no available volume zone", "volume"),
            ("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode", "volume"),
            ("node(s) didn't match pod topology spread constraints (missing required label)", "topology_spread"),
            ("cannot allocate all claims", "insufficient_extended_resource"),
        ] {
            assert_eq!(cause_of(reason).as_str(), cause, "{reason}");
        }
    }

    #[test]
    fn taint_keys_refine_unless_a_dedicated_pool_is_among_them() {
        assert_eq!(refine(["node.kubernetes.io/not-ready"]), Scheduling::NodeNotReady);
        assert_eq!(refine(["karpenter.sh/disrupted"]), Scheduling::NodeDisrupted);
        assert_eq!(refine(["node.cilium.io/agent-not-ready"]), Scheduling::NodeStartup);
        assert_eq!(refine(["node.kubernetes.io/not-ready", "dedicated"]), Scheduling::UntoleratedTaint);
        assert_eq!(refine([]), Scheduling::UntoleratedTaint);
    }
}
