//! The closed lists: every cause of every family, spelled as on `/metrics`.

/// Declares a closed list of label values.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The label value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value spelled `text`.
            #[must_use]
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}
pub(crate) use labels;

labels! {
    /// Who says such things.
    Family {
        /// The scheduler: no node takes the pod.
        Scheduling = "scheduling",
        /// The kubelet and the container runtime: the image.
        Pull = "pull",
        /// cluster-autoscaler, Karpenter, EKS Auto Mode.
        Autoscale = "autoscale",
        /// The API server: quota, limits, pod security, webhooks.
        Admission = "admission",
        /// Everything that breaks a placed pod: network, volumes, eviction.
        Runtime = "runtime",
        /// GitLab's queue: no runner takes the job.
        Queue = "queue",
    }
}

labels! {
    /// Whose fault a cause is.
    Blame {
        /// The platform team's.
        Platform = "platform",
        /// The author's of the pipeline.
        User = "user",
        /// Cannot be told from the text.
        Unclear = "unclear",
    }
}

labels! {
    /// Why no node takes a pod.
    Scheduling {
        /// A taint that the pod does not tolerate, e.g. a dedicated pool.
        UntoleratedTaint = "untolerated_taint",
        /// The taint says the node is not ready or out of contact.
        NodeNotReady = "node_not_ready",
        /// The taint says the node lacks memory, disk or process ids.
        NodePressure = "node_pressure",
        /// The taint says the node is being drained by an autoscaler.
        NodeDisrupted = "node_disrupted",
        /// The taint says the node is still starting.
        NodeStartup = "node_startup",
        /// Node selector or node affinity.
        NodeAffinity = "node_affinity",
        /// Cpu.
        InsufficientCpu = "insufficient_cpu",
        /// Memory.
        InsufficientMemory = "insufficient_memory",
        /// Ephemeral storage.
        InsufficientEphemeralStorage = "insufficient_ephemeral_storage",
        /// A GPU or another named resource.
        InsufficientExtendedResource = "insufficient_extended_resource",
        /// Places for pods.
        InsufficientPods = "insufficient_pods",
        /// Cordoned.
        UnschedulableNode = "unschedulable_node",
        /// Volumes: unbound, in another zone, too many.
        Volume = "volume",
        /// Topology spread constraints.
        TopologySpread = "topology_spread",
        /// Host ports in use.
        HostPort = "host_port",
        /// Affinity or anti-affinity between pods.
        PodAffinity = "pod_affinity",
        /// The cluster has no nodes.
        NoNodes = "no_nodes",
        /// A scheduling gate holds the pod back.
        SchedulingGated = "scheduling_gated",
        /// A node is being freed for it.
        NominatedWaiting = "nominated_waiting",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// Why an image cannot be pulled; the last three are no failures.
    Pull {
        /// No such image or tag.
        NotFound = "not_found",
        /// Credentials are missing, wrong or not enough.
        Auth = "auth",
        /// The registry counts requests.
        RateLimited = "rate_limited",
        /// No connection, or it broke.
        Connection = "connection",
        /// No answer in time.
        Timeout = "timeout",
        /// The registry's name does not resolve.
        Dns = "dns",
        /// Certificates.
        Tls = "tls",
        /// The registry answered 5xx.
        ServerError = "server_error",
        /// No build of the image for this architecture.
        Platform = "platform",
        /// Content does not match its digest or size.
        Digest = "digest",
        /// The reference is not an image name.
        InvalidName = "invalid_name",
        /// A policy forbids it.
        Policy = "policy",
        /// The node's disk is full.
        Disk = "disk",
        /// The kubelet's own limit.
        PullQps = "pull_qps",
        /// Backing off; the cause was not told yet.
        Backoff = "backoff",
        /// Anything else.
        Other = "other",
        /// Pulled.
        Pulled = "pulled",
        /// Was there already.
        PulledCached = "pulled_cached",
        /// Being pulled.
        Pulling = "pulling",
    }
}

labels! {
    /// What an autoscaler says; a scheduling cause may be its reason, too.
    Autoscale {
        /// The node group is at its maximum.
        MaxSizeReached = "max_size_reached",
        /// The node group failed before and is left alone for a while.
        ScaleupBackoff = "scaleup_backoff",
        /// No node group's node would fit.
        NoFit = "scaleup_not_triggered_no_fit",
        /// Not triggered, without a reason.
        NoReason = "scaleup_not_triggered_no_reason",
        /// No instance type is large enough.
        KarpenterNoInstanceFits = "karpenter_no_instance_fits",
        /// No offering meets the requirements.
        KarpenterNoOffering = "karpenter_no_offering",
        /// The NodePool's requirements leave no instance type.
        KarpenterNoInstanceTypes = "karpenter_no_instance_types",
        /// The NodePool's limits.
        KarpenterLimitsExceeded = "karpenter_limits_exceeded",
        /// The cloud has no such machine now.
        InsufficientCapacity = "insufficient_capacity",
        /// The node cannot be consolidated.
        Unconsolidatable = "disruption_unconsolidatable",
        /// A pod asks not to be disrupted.
        BlockedDoNotDisrupt = "disruption_blocked_do_not_disrupt",
        /// A PodDisruptionBudget.
        BlockedPdb = "disruption_blocked_pdb",
        /// The NodePool's disruption budget.
        BlockedBudget = "disruption_blocked_budget",
        /// Blocked for another reason.
        BlockedOther = "disruption_blocked_other",
        /// Disruption waits for a replacement.
        DisruptionWaiting = "disruption_waiting",
        /// Karpenter evicted the pod.
        EvictedByKarpenter = "evicted_by_karpenter",
        /// Spot capacity is taken back.
        SpotInterruption = "spot_interruption",
        /// Spot capacity is at risk.
        SpotRebalance = "spot_rebalance",
        /// The instance stops.
        InstanceStopping = "instance_stopping",
        /// The instance terminates.
        InstanceTerminating = "instance_terminating",
        /// The instance is unhealthy.
        InstanceUnhealthy = "instance_unhealthy",
        /// A pod is deleted because its node goes.
        ScaledownEvictPod = "scaledown_evict_pod",
        /// A node goes.
        ScaledownNode = "scaledown_node",
        /// A node could not go.
        ScaledownFailed = "scaledown_failed",
        /// Anything else.
        Other = "other",
        /// A node is chosen or being made for the pod.
        Nominated = "nominated",
        /// A node group grows for the pod.
        ScaleupTriggered = "scaleup_triggered",
    }
}

labels! {
    /// Why the API server refuses a pod; the last one is no failure.
    Admission {
        /// Pod security.
        PodSecurity = "pod_security",
        /// A ResourceQuota is used up.
        Quota = "quota",
        /// A ResourceQuota demands requests that the pod lacks.
        QuotaMissingRequest = "quota_missing_request",
        /// The quota was not judged in time.
        QuotaTimeout = "quota_timeout",
        /// A LimitRange.
        LimitRange = "limit_range",
        /// An admission webhook said no.
        WebhookDenied = "webhook_denied",
        /// An admission webhook cannot be reached.
        WebhookUnavailable = "webhook_unavailable",
        /// An admission webhook did not answer in time.
        WebhookTimeout = "webhook_timeout",
        /// Anything else.
        Other = "other",
        /// A warning only.
        PodSecurityWarn = "pod_security_warn",
    }
}

labels! {
    /// What breaks a pod that has a node.
    Runtime {
        /// No IP address left.
        CniIpExhausted = "cni_ip_exhausted",
        /// A volume cannot be attached.
        VolumeAttach = "volume_attach",
        /// A volume was not mounted in time.
        VolumeMountTimeout = "volume_mount_timeout",
        /// A volume cannot be mounted.
        VolumeMountOther = "volume_mount_other",
        /// Evicted: the node lacks memory.
        EvictedMemory = "evicted_memory",
        /// Evicted: the node lacks disk, or the pod used more than it may.
        EvictedEphemeralStorage = "evicted_ephemeral_storage",
        /// A more important pod took its place.
        Preempted = "preempted",
        /// The binary is of another architecture.
        ExecFormatError = "exec_format_error",
        /// The node had less room than the scheduler thought.
        KubeletAdmissionOutOfResource = "kubelet_admission_out_of_resource",
        /// The runner gave up waiting for the pod.
        RunnerPollTimeout = "runner_poll_timeout",
        /// The API server or etcd did not answer in time.
        ApiserverTimeout = "apiserver_timeout",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// Why a job waits in GitLab's queue.
    Queue {
        /// No runner of the tier is online.
        NoOnlineRunner = "no_online_runner",
        /// Every online runner is paused.
        RunnersPaused = "runners_paused",
        /// The runners run as many jobs as the tier can.
        RunnersSaturated = "runners_saturated",
        /// No runner fits.
        NoMatchingRunner = "no_matching_runner",
        /// Only runners for protected refs fit.
        ProtectedMismatch = "protected_mismatch",
        /// Not known.
        Unknown = "unknown",
    }
}
