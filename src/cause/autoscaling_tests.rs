//! Texts of cluster-autoscaler 1.1x–1.3x, Karpenter 0.2x–1.x and EKS Auto Mode.

use super::*;
use proptest::prelude::*;

fn dominant(message: &str) -> &'static str {
    classify("", message).dominant.as_str()
}

#[test]
fn a_text_names_its_cause_without_its_reason() {
    for (message, cause) in [
        // cluster-autoscaler core/scaleup/orchestrator
        (
            "pod didn't trigger scale-up: 2 max node group size reached, 1 in backoff after failed scale-up",
            "max_size_reached",
        ),
        ("pod didn't trigger scale-up: 1 max cluster cpu, memory limit reached", "max_size_reached"),
        ("pod didn't trigger scale-up: 4 max total nodes in cluster reached", "max_size_reached"),
        ("pod didn't trigger scale-up: 1 in backoff after failed scale-up, 1 Insufficient cpu", "scaleup_backoff"),
        ("pod didn't trigger scale-up: 1 not ready for scale-up, 1 Insufficient memory", "insufficient_memory"),
        ("pod didn't trigger scale-up: 1 not ready for scale-up", "other"),
        (
            "Pod didn't trigger scale-up (it wouldn't fit if a new node is added): 2 node(s) had taint {a: b}, that the pod didn't tolerate, 1 Insufficient cpu",
            "untolerated_taint",
        ),
        (
            "pod didn't trigger scale-up: 3 node(s) had untolerated taint(s), 1 max node group size reached",
            "untolerated_taint",
        ),
        ("pod didn't trigger scale-up: ", "scaleup_not_triggered_no_reason"),
        ("pod didn't trigger scale-up (it wouldn't fit if a new node is added): ", "scaleup_not_triggered_no_fit"),
        ("pod triggered scale-up: [{eks-ci-1 1->2 (max: 8)}]", "scaleup_triggered"),
        ("Scale-up: setting group eks-ci size to 3 instead of 2 (max: 8)", "scaleup_triggered"),
        ("Scale-up: group eks-ci size set to 3 instead of 2 (max: 8)", "scaleup_triggered"),
        ("Scale-up timed out for node group eks-ci after 15m2s", "scaleup_backoff"),
        ("Scale-down: removing empty node \"ip-10-0-0-1\"", "scaledown_node"),
        ("Scale-down: node ip-10-0-0-1 removed with drain", "scaledown_node"),
        ("node removed by cluster autoscaler", "scaledown_node"),
        ("failed to drain the node, aborting ScaleDown", "scaledown_failed"),
        ("failed to mark the node as toBeDeleted/unschedulable: conflict", "scaledown_failed"),
        // karpenter pkg/controllers/provisioning/scheduling
        (
            "Failed to schedule pod, incompatible with nodepool \"a\", daemonset overhead={\"cpu\":\"1\"}, did not tolerate ci=only:NoSchedule",
            "untolerated_taint",
        ),
        ("Failed to schedule pod, did not tolerate taint (taint=ci=only:NoSchedule)", "untolerated_taint"),
        (
            "Failed to schedule pod, incompatible with nodepool \"a\", daemonset overhead={}, unsatisfiable topology constraint for pod affinity, key=kubernetes.io/hostname (counts = a: 0)",
            "pod_affinity",
        ),
        (
            "Failed to schedule pod, unsatisfiable topology constraint for pod anti-affinity, key=topology.kubernetes.io/zone",
            "pod_affinity",
        ),
        (
            "Failed to schedule pod, unsatisfiable topology constraint for topology spread, key=capacity-spread",
            "topology_spread",
        ),
        (
            "Could not schedule pod, incompatible with provisioner \"default\", daemonset overhead={}, incompatible requirements, key ci, ci In [a] not in ci In [b]",
            "node_affinity",
        ),
        (
            "Failed to schedule pod, incompatible with nodepool \"a\", daemonset overhead={}, incompatible requirements, label \"ci\" does not have known values",
            "node_affinity",
        ),
        (
            "Failed to schedule pod, incompatible with nodepool \"a\", daemonset overhead={}, no instance type satisfied resources {\"cpu\":\"900\"} and requirements x In [y] (no instance type met the scheduling requirements or had enough resources)",
            "karpenter_no_instance_fits",
        ),
        (
            "Failed to schedule pod, incompatible with nodepool \"a\", daemonset overhead={}, no instance type satisfied resources {\"cpu\":\"9\"} and requirements x In [y] (no instance type has the required offering)",
            "karpenter_no_offering",
        ),
        (
            "Failed to schedule pod, no instance type which met the scheduling requirements and had enough resources, had a required offering",
            "karpenter_no_offering",
        ),
        (
            "Failed to schedule pod, no instance type which met the scheduling requirements and the required offering had the required resources",
            "karpenter_no_instance_fits",
        ),
        (
            "Could not schedule pod, all available instance types exceed limits for provisioner: \"default\"",
            "karpenter_limits_exceeded",
        ),
        (
            "Failed to schedule pod, all available instance types exceed limits for nodepool: \"ci\"",
            "karpenter_limits_exceeded",
        ),
        // karpenter pkg/controllers/disruption/events, 0.2x called it deprovisioning
        ("Pod should schedule on: machine/default-x", "nominated"),
        ("Pod should schedule on: nodeclaim/ci-x, node/ip-10-0-0-1.ec2.internal", "nominated"),
        ("Cannot disrupt NodeClaim: PDB \"kube-system/coredns\" prevents pod evictions", "disruption_blocked_pdb"),
        (
            "Cannot disrupt Node: Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ci/runner-x)",
            "disruption_blocked_do_not_disrupt",
        ),
        ("Cannot deprovision Node due to pod \"a/b\" has do not evict annotation", "disruption_blocked_do_not_disrupt"),
        ("Cannot disrupt Node: pdb prevents pod evictions (PodDisruptionBudget=[ci/x])", "disruption_blocked_pdb"),
        ("Cannot disrupt Node: Node is nominated for a pending pod", "disruption_blocked_other"),
        (
            "No allowed disruptions for disruption reason Underutilized due to blocking budget",
            "disruption_blocked_budget",
        ),
        ("Can't remove without creating 2 candidates", "disruption_unconsolidatable"),
        (
            "Not all pods would schedule, ci/runner-x => incompatible with nodepool \"ci\", did not tolerate taint",
            "disruption_unconsolidatable",
        ),
        (
            "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node",
            "disruption_unconsolidatable",
        ),
        ("Waiting on readiness to continue deprovisioning", "disruption_waiting"),
        ("Evicted pod: Underutilized", "evicted_by_karpenter"),
        // clouds
        (
            "NodeClaim ci-x event: creating nodeclaim, creating instance, with fleet error(s), MaxSpotInstanceCountExceeded: Max spot instance count exceeded",
            "insufficient_capacity",
        ),
        ("Scale-up failed for group ci: GCE stockout", "insufficient_capacity"),
        ("Spot interruption warning was triggered for the node", "spot_interruption"),
    ] {
        assert_eq!(dominant(message), cause, "{message}");
        assert_eq!(dominant(&format!("(combined from similar events): {message}")), cause, "{message}");
    }
}

#[test]
fn pools_are_weighed_each_once() {
    let verdict = classify(
        "FailedScheduling",
        "Failed to schedule pod, incompatible with nodepool \"a\", did not tolerate x=y:NoSchedule; incompatible with \
         nodepool \"b\", no instance type satisfied resources {\"cpu\":\"9\"} and requirements a In [b] (no instance type \
         has enough resources); incompatible with nodepool \"c\", did not tolerate z=y:NoSchedule",
    );
    assert_eq!(
        verdict.causes,
        [(Autoscale::KarpenterNoInstanceFits, 1), (Autoscale::Scheduling(Scheduling::UntoleratedTaint), 2)]
    );
    assert_eq!(verdict.dominant, Autoscale::Scheduling(Scheduling::UntoleratedTaint));
}

#[test]
fn a_reason_helps_where_the_text_is_mute() {
    assert_eq!(classify("NotTriggerScaleUp", "").dominant, Autoscale::ScaleupNotTriggeredNoReason);
    assert_eq!(classify("Unconsolidatable", "some new sentence").dominant, Autoscale::DisruptionUnconsolidatable);
    assert_eq!(classify("Disrupted", "some new sentence").dominant, Autoscale::Other);
}

proptest! {
    /// cluster-autoscaler walks a Go map.
    #[test]
    fn order_does_not_matter(
        counts in proptest::collection::vec(1_u32..50, 4),
        turn in 0_usize..4,
    ) {
        let reasons = ["max node group size reached", "in backoff after failed scale-up", "Insufficient cpu", "node(s) had taint {a: b}, that the pod didn't tolerate"];
        let mut items: Vec<_> = counts.iter().zip(reasons).map(|(count, reason)| format!("{count} {reason}")).collect();
        let straight = classify("", &format!("pod didn't trigger scale-up: {}", items.join(", ")));
        items.rotate_left(turn);
        let turned = classify("", &format!("pod didn't trigger scale-up: {}", items.join(", ")));
        prop_assert_eq!(&straight.causes, &turned.causes);
        prop_assert_eq!(straight.causes.len(), 4);
    }

    #[test]
    fn never_panics(message in "\\PC{0,200}", start in "(pod didn't trigger scale-up: |Failed to schedule pod, )?") {
        let _ = classify("", &format!("{start}{message}"));
    }
}
