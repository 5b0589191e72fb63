//! What each cause means, whose fault it is and what to do next: the one table that metrics, page and runbooks
//! read. The matches have no wildcard, so a new cause does not compile without its row.

use super::{Admission, Autoscale, Blame, Cause, Pull, Queue, Runtime, Scheduling};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What it means, as the end of "…: ".
    pub sentence: &'static str,
    /// Whose fault it is.
    pub blame: Blame,
    /// What to do next, as an order.
    pub next_step: &'static str,
}

const fn row(blame: Blame, sentence: &'static str, next_step: &'static str) -> Explanation {
    Explanation { sentence, blame, next_step }
}

/// The row of a cause.
#[must_use]
pub const fn explain(cause: Cause) -> Explanation {
    match cause {
        Cause::Scheduling(cause) | Cause::AutoscaleReason(cause) => scheduling(cause),
        Cause::Pull(cause) => pull(cause),
        Cause::Autoscale(cause) => autoscale(cause),
        Cause::Admission(cause) => admission(cause),
        Cause::Runtime(cause) => runtime(cause),
        Cause::Queue(cause) => queue(cause),
    }
}

const fn scheduling(cause: Scheduling) -> Explanation {
    use Blame::{Platform, Unclear};
    use Scheduling as S;
    match cause {
        S::UntoleratedTaint => row(
            Platform,
            "the nodes carry a taint that job pods do not tolerate",
            "Compare the taints of the tier's nodes with node_tolerations in the runner's configuration.",
        ),
        S::NodeNotReady => row(
            Platform,
            "the tier's nodes are not ready or out of contact",
            "Look at the kubelet of the nodes that are not ready, then drain and replace them.",
        ),
        S::NodePressure => row(
            Platform,
            "the tier's nodes lack memory, disk or process ids",
            "Free the nodes under pressure, or replace them; then look for what fills them.",
        ),
        S::NodeDisrupted => row(
            Platform,
            "the tier's nodes are being drained by an autoscaler",
            "Wait for the replacement nodes; if none come, look at the NodePool's limits and events.",
        ),
        S::NodeStartup => row(
            Platform,
            "the tier's nodes are still starting",
            "Wait a minute; if it stays, look at the agent that should remove the startup taint.",
        ),
        S::NodeAffinity => row(
            Platform,
            "no node matches the node selector or affinity of the job pods",
            "Check that nodes with the tier's label exist: kubectl get nodes -L platform.gitlab.com/runner-tier.",
        ),
        S::InsufficientCpu => row(
            Platform,
            "the tier's nodes have no cpu left",
            "Check whether the autoscaler adds nodes; raise the node group's maximum or the NodePool's limits.",
        ),
        S::InsufficientMemory => row(
            Platform,
            "the tier's nodes have no memory left",
            "Check whether the autoscaler adds nodes; raise the node group's maximum or the NodePool's limits.",
        ),
        S::InsufficientEphemeralStorage => row(
            Platform,
            "the tier's nodes have no ephemeral storage left",
            "Use nodes with larger disks, or lower the ephemeral-storage requests of job pods.",
        ),
        S::InsufficientExtendedResource => row(
            Platform,
            "no node has the GPU or other named resource free",
            "Check that the device plug-in runs and that the pool with the resource can grow.",
        ),
        S::InsufficientPods => row(
            Platform,
            "the tier's nodes have no place for more pods",
            "Raise max-pods (on EKS: prefix delegation), or add nodes.",
        ),
        S::UnschedulableNode => row(
            Platform,
            "the tier's nodes are cordoned",
            "Find out who cordoned them, then uncordon: kubectl uncordon NODE.",
        ),
        S::Volume => row(
            Platform,
            "a volume of the job pods cannot be bound on any node",
            "Look at the PersistentVolumeClaim, its StorageClass and the zone of the nodes.",
        ),
        S::TopologySpread => row(
            Platform,
            "the topology spread constraints leave no node",
            "Check that every zone has nodes of the tier, or relax whenUnsatisfiable.",
        ),
        S::HostPort => row(
            Unclear,
            "the host ports that the pods ask for are in use",
            "Remove host ports from job pods; they limit a node to one pod.",
        ),
        S::PodAffinity => row(
            Platform,
            "affinity or anti-affinity between pods leaves no node",
            "Check the affinity in the runner's configuration and add nodes if it spreads jobs.",
        ),
        S::NoNodes => row(Platform, "the cluster has no nodes", "Check the node groups and the autoscaler."),
        S::SchedulingGated => row(
            Platform,
            "a scheduling gate holds the pods back",
            "Find the controller that owns the gate (for instance Kueue) and see why it does not open it.",
        ),
        S::NominatedWaiting => row(
            Platform,
            "a node is being freed for the pods",
            "Wait for the preempted pods to end; look at their termination grace period.",
        ),
        S::Other => row(
            Unclear,
            "the scheduler refuses the pods for a reason that tierwatch does not know",
            "Read the message in kubectl describe pod, and report it to tierwatch.",
        ),
    }
}

const fn pull(cause: Pull) -> Explanation {
    use Blame::{Platform, Unclear, User};
    use Pull as P;
    match cause {
        P::NotFound => row(
            User,
            "the image or its tag does not exist",
            "Tell the project: the image name in its .gitlab-ci.yml is wrong, or the image was deleted.",
        ),
        P::Auth => row(
            Unclear,
            "the registry refuses the credentials, or there are none",
            "Check the pull secret of the tier and DOCKER_AUTH_CONFIG of the project; on ECR, the node's role.",
        ),
        P::RateLimited => row(
            Platform,
            "the registry refuses further pulls for now",
            "Pull through a cache or mirror, or authenticate; on Docker Hub a paid account raises the limit.",
        ),
        P::Connection => row(
            Platform,
            "the connection to the registry is refused or breaks",
            "Test it from a node of the tier: curl -v https://REGISTRY/v2/; check egress policies and proxies.",
        ),
        P::Timeout => row(
            Platform,
            "the registry does not answer in time",
            "Test it from a node of the tier: curl -v https://REGISTRY/v2/; check egress policies, NAT and the registry's load.",
        ),
        P::Dns => row(
            Platform,
            "the registry's name does not resolve on the node",
            "Resolve it on a node of the tier; check the node's resolver, not only CoreDNS.",
        ),
        P::Tls => row(
            Platform,
            "the registry's certificate is not accepted",
            "Check its expiry and that the nodes trust its authority; check the node's clock.",
        ),
        P::ServerError => {
            row(Platform, "the registry answers with a server error", "Look at the registry's status page or its logs.")
        }
        P::Platform => row(
            User,
            "the image has no build for the node's architecture",
            "Tell the project to build for this architecture, or run the job on another tier or node selector.",
        ),
        P::Digest => row(
            Platform,
            "the image's content does not match its digest",
            "Pull again; if it stays, look at caching proxies and at the registry's storage.",
        ),
        P::InvalidName => {
            row(User, "the image name is not valid", "Tell the project: often a variable in its image name is empty.")
        }
        P::Policy => row(
            User,
            "a pull or signature policy forbids the image",
            "Compare the job's pull_policy and image with what the runner's configuration allows.",
        ),
        P::Disk => row(
            Platform,
            "the node's disk is full",
            "Replace the node; lower the kubelet's image garbage collection thresholds or use larger disks.",
        ),
        P::PullQps => row(
            Platform,
            "the kubelet's own pull limit is reached",
            "Raise registryPullQPS and registryBurst of the kubelet on the tier's nodes.",
        ),
        P::Backoff => row(
            Unclear,
            "pulls failed and are being retried; the cause was not told yet",
            "Read the pod's events for the first failure: kubectl describe pod.",
        ),
        P::Other => row(
            Unclear,
            "pulls fail for a reason that tierwatch does not know",
            "Read the message in kubectl describe pod, and report it to tierwatch.",
        ),
        P::Pulled => row(Unclear, "the image was pulled", "Nothing to do."),
        P::PulledCached => row(Unclear, "the image was on the node already", "Nothing to do."),
        P::Pulling => row(Unclear, "the image is being pulled", "Nothing to do."),
    }
}

const fn autoscale(cause: Autoscale) -> Explanation {
    use Autoscale as A;
    use Blame::{Platform, Unclear};
    match cause {
        A::MaxSizeReached => row(
            Platform,
            "the node group is at its maximum size",
            "Raise the node group's maximum, or lower the tier's concurrency.",
        ),
        A::ScaleupBackoff => row(
            Platform,
            "the node group failed to grow and is left alone for a while",
            "Look at the cloud's activity log of the node group for the first failure.",
        ),
        A::NoFit => row(
            Platform,
            "no node group's node would fit the pods",
            "Compare the pods' requests with the largest machine of the tier's node groups.",
        ),
        A::NoReason => row(
            Unclear,
            "the autoscaler does not grow and does not say why",
            "Read the autoscaler's log for the pod's name.",
        ),
        A::KarpenterNoInstanceFits => row(
            Platform,
            "no instance type is large enough for the pods",
            "Allow larger instance types in the NodePool, or lower the requests.",
        ),
        A::KarpenterNoOffering => row(
            Platform,
            "no offered instance meets the NodePool's requirements",
            "Widen zones, families or capacity types of the NodePool.",
        ),
        A::KarpenterNoInstanceTypes => row(
            Platform,
            "the NodePool's requirements leave no instance type",
            "Widen the NodePool's requirements or lower minValues.",
        ),
        A::KarpenterLimitsExceeded => row(
            Platform,
            "the NodePool's limits are reached",
            "Raise spec.limits of the NodePool, or lower the tier's concurrency.",
        ),
        A::InsufficientCapacity => row(
            Platform,
            "the cloud has no such machines free",
            "Allow more instance types, zones or on-demand capacity.",
        ),
        A::Unconsolidatable => {
            row(Platform, "the node cannot be consolidated", "Nothing to do for the jobs; it costs money only.")
        }
        A::BlockedDoNotDisrupt => {
            row(Platform, "a pod asks that its node is not disrupted", "Nothing to do: this protects running jobs.")
        }
        A::BlockedPdb => row(
            Platform,
            "a PodDisruptionBudget keeps the node",
            "Look at the named PodDisruptionBudget if the node must go.",
        ),
        A::BlockedBudget => row(
            Platform,
            "the NodePool's disruption budget keeps the node",
            "Nothing to do unless nodes must be rotated.",
        ),
        A::BlockedOther => row(Platform, "the node cannot be disrupted now", "Read the message if the node must go."),
        A::DisruptionWaiting => row(
            Platform,
            "a disruption waits for its replacement",
            "Wait; look at the replacement's NodeClaim if it stays.",
        ),
        A::EvictedByKarpenter => row(
            Platform,
            "Karpenter evicted the job's pod",
            "Set karpenter.sh/do-not-disrupt on job pods; check expireAfter and terminationGracePeriod.",
        ),
        A::SpotInterruption => row(
            Platform,
            "the cloud took a spot instance back",
            "Retry the job; move tiers that cannot bear it to on-demand capacity.",
        ),
        A::SpotRebalance => row(Platform, "a spot instance is at risk", "Nothing yet; expect an interruption."),
        A::InstanceStopping => {
            row(Platform, "the instance is stopping", "Find out who stopped it: the cloud's audit log.")
        }
        A::InstanceTerminating => {
            row(Platform, "the instance is terminating", "Find out who terminated it: the cloud's audit log.")
        }
        A::InstanceUnhealthy => {
            row(Platform, "the instance is unhealthy", "Let it be replaced; look at the cloud's health events.")
        }
        A::ScaledownEvictPod => row(
            Platform,
            "the job's pod is deleted because its node goes",
            "Set cluster-autoscaler.kubernetes.io/safe-to-evict: false on job pods.",
        ),
        A::ScaledownNode => row(Platform, "the autoscaler removes a node", "Nothing to do unless jobs ran on it."),
        A::ScaledownFailed => row(Platform, "the autoscaler could not remove a node", "Read the autoscaler's log."),
        A::Other => row(
            Unclear,
            "the autoscaler says something that tierwatch does not know",
            "Read the event, and report it to tierwatch.",
        ),
        A::Nominated => row(Platform, "a node is being made for the pods", "Wait for the node."),
        A::ScaleupTriggered => row(Platform, "a node group grows for the pods", "Wait for the node."),
    }
}

const fn admission(cause: Admission) -> Explanation {
    use Admission as A;
    use Blame::{Platform, Unclear};
    match cause {
        A::PodSecurity => row(
            Platform,
            "pod security of the namespace refuses the job's pod",
            "Compare the runner's security contexts with the namespace's pod-security labels.",
        ),
        A::Quota => row(
            Platform,
            "a ResourceQuota of the namespace is used up",
            "Raise the quota, or lower the tier's concurrency below it.",
        ),
        A::QuotaMissingRequest => row(
            Platform,
            "a ResourceQuota demands requests or limits that the job's pod lacks",
            "Set default requests and limits in the runner's configuration or a LimitRange.",
        ),
        A::QuotaTimeout => row(
            Platform,
            "the API server did not judge the quota in time",
            "Look at the API server's and etcd's latency.",
        ),
        A::LimitRange => row(
            Platform,
            "a LimitRange refuses the size of a container",
            "Compare the job's requests with the namespace's LimitRange.",
        ),
        A::WebhookDenied => {
            row(Unclear, "an admission policy refuses the job's pod", "Read the policy's message; it names the rule.")
        }
        A::WebhookUnavailable => row(
            Platform,
            "an admission webhook cannot be reached",
            "Look at the pods and endpoints of the webhook's service.",
        ),
        A::WebhookTimeout => row(
            Platform,
            "an admission webhook does not answer in time",
            "Look at the load and logs of the webhook's pods.",
        ),
        A::Other => row(
            Unclear,
            "the API server refuses the pod for a reason that tierwatch does not know",
            "Read the job's log, and report the message to tierwatch.",
        ),
        A::PodSecurityWarn => row(
            Platform,
            "the pod would violate a stricter pod security level",
            "Nothing to do until that level is enforced.",
        ),
    }
}

const fn runtime(cause: Runtime) -> Explanation {
    use Blame::{Platform, Unclear, User};
    use Runtime as R;
    match cause {
        R::CniIpExhausted => row(
            Platform,
            "the network has no IP address left for the pod",
            "Add addresses: larger subnets, prefix delegation, or fewer pods per node.",
        ),
        R::VolumeAttach => row(
            Platform,
            "a volume cannot be attached to the node",
            "Look at the CSI driver's controller and at where the volume is attached.",
        ),
        R::VolumeMountTimeout => {
            row(Platform, "a volume was not mounted in time", "Look at the CSI driver's node pod on that node.")
        }
        R::VolumeMountOther => {
            row(Platform, "a volume cannot be mounted", "Read the event: often a missing Secret or ConfigMap.")
        }
        R::EvictedMemory => row(
            Platform,
            "the pod was evicted because its node ran out of memory",
            "Set memory requests of job pods near their real use.",
        ),
        R::EvictedEphemeralStorage => row(
            Unclear,
            "the pod was evicted because of disk use",
            "Set ephemeral-storage requests and limits; look for jobs that fill the disk.",
        ),
        R::Preempted => {
            row(Platform, "a more important pod took its place", "Give job pods a priority class, or add nodes.")
        }
        R::ExecFormatError => row(
            User,
            "the program is built for another architecture",
            "Tell the project: the image does not fit the node's architecture.",
        ),
        R::KubeletAdmissionOutOfResource => row(
            Platform,
            "the node had less room than the scheduler thought",
            "Retry the job; look for static pods and for daemons without requests.",
        ),
        R::RunnerPollTimeout => row(
            Platform,
            "the runner gave up waiting for the pod to start",
            "Look for why the pod was pending: scheduling, network or pull; raise poll_timeout if nodes need longer.",
        ),
        R::ApiserverTimeout => row(
            Platform,
            "the API server or etcd did not answer in time",
            "Look at the API server's and etcd's latency.",
        ),
        R::Other => row(
            Unclear,
            "the pod failed for a reason that tierwatch does not know",
            "Read the pod's events or the job's log, and report the message to tierwatch.",
        ),
    }
}

const fn queue(cause: Queue) -> Explanation {
    use Blame::{Platform, Unclear, User};
    use Queue as Q;
    match cause {
        Q::NoOnlineRunner => row(
            Platform,
            "no runner of the tier is at work: offline, or its manager pods are not ready",
            "Look at the runner manager pods of the tier: kubectl get pods in its namespace, then their logs.",
        ),
        Q::RunnersPaused => row(
            Platform,
            "every online runner of the tier is paused",
            "Find out who paused them, then resume them in GitLab's runner list.",
        ),
        Q::RunnersSaturated => row(
            Platform,
            "the tier runs as many jobs as it can",
            "Raise concurrent and the tier's capacity, or see which project floods it.",
        ),
        Q::NoMatchingRunner => row(
            User,
            "no runner carries all the tags of the jobs",
            "Tell the project which tags exist, or add the tag to a runner.",
        ),
        Q::ProtectedMismatch => row(
            User,
            "only runners for protected refs would take the jobs",
            "Tell the project: the ref is not protected, or the job's tag belongs to another tier.",
        ),
        Q::Unknown => row(
            Unclear,
            "runners are online and do not take the jobs",
            "Look at the runner managers' logs for errors, at concurrent and at request_concurrency.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_cause() -> impl Iterator<Item = Cause> {
        let scheduling = Scheduling::ALL.iter().copied().map(Cause::Scheduling);
        let pull = Pull::ALL.iter().copied().map(Cause::Pull);
        let autoscale = Autoscale::ALL.iter().copied().map(Cause::Autoscale);
        let admission = Admission::ALL.iter().copied().map(Cause::Admission);
        let runtime = Runtime::ALL.iter().copied().map(Cause::Runtime);
        let queue = Queue::ALL.iter().copied().map(Cause::Queue);
        scheduling.chain(pull).chain(autoscale).chain(admission).chain(runtime).chain(queue)
    }

    #[test]
    fn every_cause_has_a_sentence_and_a_next_step() {
        for cause in every_cause() {
            let row = explain(cause);
            let name = cause.as_str();
            assert!(row.sentence.len() > 10 && !row.sentence.ends_with('.'), "{name}: {}", row.sentence);
            assert!(
                row.sentence.starts_with(|letter: char| letter.is_lowercase() || row.sentence.starts_with("Karpenter")),
                "{name}"
            );
            assert!(
                row.next_step.ends_with('.') && row.next_step.starts_with(|letter: char| letter.is_uppercase()),
                "{name}"
            );
        }
    }
}
