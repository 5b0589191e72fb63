//! What an untolerated taint means: a pool kept for others, or a node in trouble.
//!
//! Up to 1.34 the scheduler's sentence names the key; since then only the Node objects know it.

use super::scheduling::Scheduling;
use super::text::{bare, count_of, split_counted};

/// Tells the trouble of the nodes whose taints refuse a pod: each key that it does not tolerate, and on how many nodes.
/// Without any trouble the taint is that of a pool: [`Scheduling::UntoleratedTaint`].
///
/// A node's own trouble counts before the pool's dedication: a dedicated pool is meant to refuse other pods and says
/// nothing about why *this* pod waits, while a broken or leaving node may well be the one that was meant for it. With
/// several troubles the one on most nodes wins, on a tie the one that needs a hand most.
#[must_use]
pub fn refine<'a>(untolerated: impl IntoIterator<Item = (&'a str, usize)>) -> Scheduling {
    let by_need =
        [Scheduling::NodeStartup, Scheduling::NodeDisrupted, Scheduling::NodePressure, Scheduling::NodeNotReady];
    let mut counts = [0_usize; 4];
    for (key, nodes) in untolerated {
        if let Some(at) = trouble(key).and_then(|told| by_need.iter().position(|cause| *cause == told)) {
            counts[at] += nodes;
        }
    }
    let most = by_need.iter().zip(counts).filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count);
    most.map_or(Scheduling::UntoleratedTaint, |(cause, _)| *cause)
}

/// The keys of taints that a sentence of the scheduler names, each with its count of nodes: `3 node(s) had untolerated
/// taint {key: value}`, `3 node(s) had taint {key: value}, that the pod didn't tolerate` (1.18–1.23).
pub fn named(message: &str) -> impl Iterator<Item = (&str, usize)> {
    let list = bare(message).split_once(": ").map_or("", |(_, list)| list);
    split_counted(list).filter_map(|item| {
        let (count, text) = item.split_once(' ')?;
        let (_, taint) = text.split_once("taint {")?;
        let (key, _) = taint.split_once(['}', ':'])?;
        Some((key, usize::try_from(count_of(count)?).ok()?))
    })
}

/// What a taint's key says of its node; `None` for the key of a pool.
fn trouble(key: &str) -> Option<Scheduling> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    match key {
        "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable" | "node.kubernetes.io/out-of-service" => {
            Some(Scheduling::NodeNotReady)
        }
        // NetworkUnavailable is set until the CNI has run.
        "node.kubernetes.io/network-unavailable"
        | "node.cloudprovider.kubernetes.io/uninitialized"
        | "karpenter.sh/unregistered"
        | "node.cilium.io/agent-not-ready" => Some(Scheduling::NodeStartup),
        // `karpenter.sh/disruption=disrupting` was its name in 0.32–0.37.
        "karpenter.sh/disrupted"
        | "karpenter.sh/disruption"
        | "ToBeDeletedByClusterAutoscaler"
        | "DeletionCandidateOfClusterAutoscaler"
        | "node.cloudprovider.kubernetes.io/shutdown"
        | "aws-node-termination-handler/spot-itn"
        | "cloud.google.com/impending-node-termination" => Some(Scheduling::NodeDisrupted),
        _ if key.starts_with("node.kubernetes.io/") && name.ends_with("-pressure") => Some(Scheduling::NodePressure),
        _ if key.starts_with("aws-node-termination-handler/") => Some(Scheduling::NodeDisrupted),
        // Agents that take their taint off once they run: `efs.csi.aws.com/agent-not-ready`, `…/startup-taint`, and
        // cluster-autoscaler's documented prefixes.
        _ if name.ends_with("agent-not-ready")
            || name.contains("startup")
            || name.ends_with("-not-ready")
            || key.starts_with("startup-taint.cluster-autoscaler.kubernetes.io/")
            || key.starts_with("status-taint.cluster-autoscaler.kubernetes.io/") =>
        {
            Some(Scheduling::NodeStartup)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_tell_the_nodes_trouble() {
        use Scheduling::{NodeDisrupted, NodeNotReady, NodePressure, NodeStartup, UntoleratedTaint};
        for (taints, cause) in [
            (vec![], UntoleratedTaint),
            (vec![("dedicated", 3)], UntoleratedTaint),
            (vec![("node-role.kubernetes.io/control-plane", 3)], UntoleratedTaint),
            (vec![("node.kubernetes.io/not-ready", 1), ("dedicated", 8)], NodeNotReady),
            (vec![("node.kubernetes.io/unreachable", 1)], NodeNotReady),
            (vec![("node.kubernetes.io/disk-pressure", 1)], NodePressure),
            (vec![("node.kubernetes.io/pid-pressure", 1)], NodePressure),
            (vec![("karpenter.sh/disrupted", 1)], NodeDisrupted),
            (vec![("karpenter.sh/disruption", 1)], NodeDisrupted),
            (vec![("ToBeDeletedByClusterAutoscaler", 1)], NodeDisrupted),
            (vec![("node.cloudprovider.kubernetes.io/uninitialized", 1)], NodeStartup),
            (vec![("karpenter.sh/unregistered", 1)], NodeStartup),
            (vec![("ebs.csi.aws.com/agent-not-ready", 1)], NodeStartup),
            (vec![("node.cilium.io/agent-not-ready", 1)], NodeStartup),
            (vec![("example.com/startup-taint", 1)], NodeStartup),
            // Mixed sets: the trouble on most nodes; on a tie the graver one.
            (vec![("karpenter.sh/disrupted", 2), ("node.kubernetes.io/not-ready", 1)], NodeDisrupted),
            (vec![("karpenter.sh/unregistered", 1), ("node.kubernetes.io/not-ready", 1)], NodeNotReady),
        ] {
            assert_eq!(refine(taints.clone()), cause, "{taints:?}");
        }
    }

    #[test]
    fn a_sentence_names_its_taints() {
        for (message, keys) in [
            (
                "0/9 nodes are available: 1 Insufficient cpu, 3 node(s) had untolerated taint {dedicated: gpu}, 5 node(s) \
                 had untolerated taint {node.kubernetes.io/not-ready: }. preemption: 0/9 nodes are available: 9 \
                 Preemption is not helpful for scheduling.",
                vec![("dedicated", 3), ("node.kubernetes.io/not-ready", 5)],
            ),
            (
                "0/2 nodes are available: 2 node(s) had taint {karpenter.sh/disrupted: }, that the pod didn't tolerate.",
                vec![("karpenter.sh/disrupted", 2)],
            ),
            ("0/2 nodes are available: 2 node(s) had untolerated taint {lone}.", vec![("lone", 2)]),
            ("0/2 nodes are available: 2 node(s) had untolerated taint(s).", vec![]),
            ("0/2 nodes are available: 2 node(s) had untolerated taint {cut", vec![]),
            ("no nodes available to schedule pods", vec![]),
        ] {
            assert_eq!(named(message).collect::<Vec<_>>(), keys, "{message}");
        }
    }
}
