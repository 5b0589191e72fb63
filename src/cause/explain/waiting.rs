//! Rows of what makes a job wait: the scheduler, the autoscalers, GitLab's queue.

use super::{Explanation, row};
use crate::cause::Blame::{Platform, Unclear, User};
use crate::cause::{Autoscale, Queue, Scheduling};

macro_rules! rows {
    ($name:ident($type:ident) { $($variant:ident: $blame:ident, $sentence:literal, $next:literal;)+ } $($rest:tt)*) => {
        pub(super) const fn $name(cause: $type) -> &'static Explanation {
            match cause {
                $($type::$variant => const { &row($blame, $sentence, $next) },)+
                $($rest)*
            }
        }
    };
}
pub(super) use rows;

rows!(scheduling(Scheduling) {
    UntoleratedTaint: Platform, "the nodes carry a taint that the pod does not tolerate",
        "Compare the taints of the tier's nodes with `node_tolerations` in the runner's configuration.";
    NodeNotReady: Platform, "the nodes that would take the pod are not ready or out of contact",
        "Look at `kubectl describe node` of the nodes that are not ready, and replace those that do not come back.";
    NodePressure: Platform, "the nodes that would take the pod lack memory, disk or process ids",
        "Find what fills the nodes under pressure, then drain and replace them.";
    NodeDisrupted: Platform, "an autoscaler is taking away the nodes that would take the pod",
        "Check that replacement nodes come up, and the disruption budget if they do not.";
    NodeStartup: Platform, "the nodes that would take the pod are still starting",
        "Wait two minutes, then look at the agent whose startup taint stays on the node.";
    NodeAffinity: Platform, "no node has the labels that the pod's selector or affinity asks for",
        "Compare `node_selector` and affinity in the runner's configuration with the labels of the tier's nodes.";
    InsufficientCpu: Platform, "no node of the tier has enough cpu left",
        "Check whether the autoscaler is adding nodes, and raise the tier's limit if it may not.";
    InsufficientMemory: Platform, "no node of the tier has enough memory left",
        "Check whether the autoscaler is adding nodes, and raise the tier's limit if it may not.";
    InsufficientEphemeralStorage: Platform, "no node of the tier has enough ephemeral storage left",
        "Lower the ephemeral-storage request of the tier's pods or give its nodes larger disks.";
    InsufficientExtendedResource: Platform, "no node has enough of a special resource such as a GPU",
        "Check that the device plugin runs on the tier's nodes and that they have the resource free.";
    InsufficientPods: Platform, "the nodes already run as many pods as they may",
        "Add nodes, or raise the kubelet's pod limit where the network has addresses for it.";
    UnschedulableNode: Platform, "the nodes that would take the pod are cordoned",
        "Find out who cordoned them and run `kubectl uncordon` when the work is done.";
    Volume: Platform, "a volume of the pod cannot be bound, found or attached on any node",
        "Look at the pod's claims with `kubectl describe pvc`: class, zone and volume limits of the nodes.";
    TopologySpread: Platform, "no node satisfies the pod's topology spread constraints",
        "Check that nodes exist in every zone or relax `whenUnsatisfiable` in the runner's pod spec.";
    HostPort: Platform, "the host ports that the pod asks for are taken on every node",
        "Remove host ports from the runner's pod spec or add nodes.";
    PodAffinity: Platform, "no node satisfies affinity or anti-affinity between pods",
        "Review the pod affinity in the runner's configuration or add nodes.";
    NoNodes: Platform, "the cluster has no nodes at all",
        "Check the node groups and the autoscaler, and that the control plane sees its nodes.";
    SchedulingGated: Platform, "a scheduling gate holds the pod back until a controller lifts it",
        "Find the controller that owns the gate in `spec.schedulingGates` and see why it does not lift it.";
    NominatedWaiting: Platform, "room is being made for the pod by preempting others",
        "Wait for the preempted pods to end, and look for long grace periods if they do not.";
    Other: Unclear, "the scheduler gives a reason that tierwatch does not know",
        "Read the message in `kubectl describe pod` and report it so that it gets a name.";
});

rows!(autoscale(Autoscale) {
    MaxSizeReached: Platform, "the node groups that fit are at their maximum size",
        "Raise the maximum of the tier's node group, or find what keeps its nodes busy.";
    ScaleupBackoff: Platform, "the node group failed to grow and is left alone for a while",
        "Look for the failed scale-up in the autoscaler's log: quota, capacity or a broken template.";
    ScaleupNotTriggeredNoFit: Platform, "a new node of no group would take the pod",
        "Compare the pod's requests, selector and tolerations with the node groups' templates.";
    ScaleupNotTriggeredNoReason: Unclear, "the autoscaler did not add a node and gave no reason",
        "Read the autoscaler's log for this pod.";
    KarpenterNoInstanceFits: Platform, "no instance type that the NodePool allows is large enough",
        "Allow larger instance types in the NodePool, or lower the pod's requests.";
    KarpenterNoOffering: Platform, "no zone and capacity type offers an instance that the pod accepts",
        "Widen zones, capacity types or instance families in the NodePool's requirements.";
    KarpenterNoInstanceTypes: Platform, "the NodePool's requirements leave no instance type",
        "Correct the requirements (or `minValues`) of the NodePool.";
    KarpenterLimitsExceeded: Platform, "the NodePool has reached its limits",
        "Raise `spec.limits` of the tier's NodePool, or find what uses them up.";
    InsufficientCapacity: Platform, "the cloud has no machine of the wanted type and zone now",
        "Allow more instance types, zones or on-demand capacity in the tier's node group or NodePool.";
    DisruptionUnconsolidatable: Platform, "the autoscaler keeps a node because it cannot be consolidated",
        "Do nothing unless cost matters: jobs are not held up by it.";
    DisruptionBlockedDoNotDisrupt: Platform, "a pod asks Karpenter not to disrupt its node",
        "Do nothing while jobs run: the annotation protects them.";
    DisruptionBlockedPdb: Platform, "a PodDisruptionBudget keeps a node from being drained",
        "Check that the named budget allows at least one disruption.";
    DisruptionBlockedBudget: Platform, "the NodePool's disruption budget keeps nodes as they are",
        "Do nothing unless nodes must be replaced now: then widen `spec.disruption.budgets`.";
    DisruptionBlockedOther: Platform, "Karpenter cannot disrupt a node",
        "Read the event on the node and look at its NodeClaim.";
    DisruptionWaiting: Platform, "a disruption waits for its replacement node",
        "Check that the new NodeClaim becomes ready.";
    EvictedByKarpenter: Platform, "Karpenter evicted the pod with its node",
        "Give job pods the annotation `karpenter.sh/do-not-disrupt` and retry the job.";
    SpotInterruption: Platform, "the cloud takes the spot or reserved instance back",
        "Retry the job, and move the tier to on-demand if it happens often.";
    SpotRebalance: Platform, "the cloud warns that the spot instance may be taken back",
        "Expect an interruption, and widen the tier's instance types if it happens often.";
    InstanceStopping: Platform, "the instance under the node is stopping",
        "Find out in the cloud's audit log who stops it, then retry the job.";
    InstanceTerminating: Platform, "the instance under the node is terminating",
        "Find out in the cloud's audit log who terminates it, then retry the job.";
    InstanceUnhealthy: Platform, "the cloud calls the instance under the node unhealthy",
        "Drain and replace the node, then retry the job.";
    ScaledownEvictPod: Platform, "the autoscaler deleted the pod because it removes its node",
        "Give job pods the annotation `cluster-autoscaler.kubernetes.io/safe-to-evict: \"false\"` and retry the job.";
    ScaledownNode: Platform, "the autoscaler removes a node",
        "Do nothing unless job pods ran on it: then forbid their eviction by annotation.";
    ScaledownFailed: Platform, "the autoscaler failed to remove a node",
        "Read the autoscaler's log and look at the pods that remain on the node.";
    Nominated: Platform, "a node is chosen or being made for the pod",
        "Wait for the node to become ready.";
    ScaleupTriggered: Platform, "a node group grows for the pod",
        "Wait for the node to become ready.";
    Other: Unclear, "the autoscaler gives a reason that tierwatch does not know",
        "Read the autoscaler's event and report it so that it gets a name.";
} Autoscale::Scheduling(reason) => scheduling(reason),);

rows!(queue(Queue) {
    NoOnlineRunner: Platform, "no runner of the tier is at work: offline, or its manager pods are not ready",
        "Look at the tier's runner manager pods: `kubectl get pods` in its manager namespace.";
    RunnersPaused: Platform, "every online runner of the tier is paused",
        "Find out who paused the tier's runners and resume them in GitLab.";
    RunnersSaturated: Platform, "the tier runs as many jobs as it can",
        "Raise `concurrent` or the tier's capacity, or find the project that floods it.";
    NoMatchingRunner: User, "no runner has all the tags that the job asks for",
        "Compare the job's tags with those of the tier's runners.";
    ProtectedMismatch: User, "only runners for protected refs have the job's tags",
        "Run the job on a protected branch or tag, or choose an unprotected tier.";
    Unknown: Unclear, "runners are online and do not take the jobs",
        "Read the log of the tier's runner manager and the runner's page in GitLab.";
});
