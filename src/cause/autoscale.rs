//! The closed list of what an autoscaler can say: its own causes, and those of the scheduler that it gives as reason.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Scheduling, UnknownLabel, closed};

/// Declares the autoscalers' own values beside the scheduler's.
macro_rules! autoscale {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?; $($scheduling:ident),+ $(,)?) => {
        /// What an autoscaler says; `nominated` and `scaleup_triggered` are no failures.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Autoscale {
            $($(#[$doc])* $variant,)+
            /// The scheduler's cause, which cluster-autoscaler and Karpenter give as their reason.
            Scheduling(Scheduling),
        }

        impl Autoscale {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)+ $(Self::Scheduling(Scheduling::$scheduling)),+];

            /// The label value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Scheduling(cause) => cause.as_str(),
                }
            }
        }
    };
}

closed!(Autoscale);

autoscale! {
    /// The node group, or the cluster, is at its maximum.
    MaxSizeReached = "max_size_reached",
    /// The node group failed to grow and is left alone for a while.
    ScaleupBackoff = "scaleup_backoff",
    /// A new node of no group would take the pod.
    ScaleupNotTriggeredNoFit = "scaleup_not_triggered_no_fit",
    /// Not triggered, without a reason.
    ScaleupNotTriggeredNoReason = "scaleup_not_triggered_no_reason",
    /// No instance type is large enough.
    KarpenterNoInstanceFits = "karpenter_no_instance_fits",
    /// No offering (zone, capacity type) meets the requirements.
    KarpenterNoOffering = "karpenter_no_offering",
    /// The NodePool's requirements leave no instance type.
    KarpenterNoInstanceTypes = "karpenter_no_instance_types",
    /// The NodePool's limits.
    KarpenterLimitsExceeded = "karpenter_limits_exceeded",
    /// The cloud has no such machine now.
    InsufficientCapacity = "insufficient_capacity",
    /// The node cannot be consolidated.
    DisruptionUnconsolidatable = "disruption_unconsolidatable",
    /// A pod asks not to be disrupted.
    DisruptionBlockedDoNotDisrupt = "disruption_blocked_do_not_disrupt",
    /// A PodDisruptionBudget.
    DisruptionBlockedPdb = "disruption_blocked_pdb",
    /// The NodePool's disruption budget.
    DisruptionBlockedBudget = "disruption_blocked_budget",
    /// Blocked for another reason.
    DisruptionBlockedOther = "disruption_blocked_other",
    /// Disruption waits for a replacement.
    DisruptionWaiting = "disruption_waiting",
    /// Karpenter evicted the pod.
    EvictedByKarpenter = "evicted_by_karpenter",
    /// Spot or reserved capacity is taken back.
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
    /// A node is chosen or being made for the pod.
    Nominated = "nominated",
    /// A node group grows for the pod.
    ScaleupTriggered = "scaleup_triggered",
    /// Anything else.
    Other = "other";
    UntoleratedTaint, NodeAffinity, InsufficientCpu, InsufficientMemory, InsufficientEphemeralStorage,
    InsufficientExtendedResource, InsufficientPods, UnschedulableNode, Volume, TopologySpread, HostPort, PodAffinity,
    NoNodes,
}

impl Autoscale {
    /// False for good news.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Nominated | Self::ScaleupTriggered)
    }

    /// Why no node comes for a waiting pod.
    #[must_use]
    pub const fn refuses_scale_up(self) -> bool {
        match self {
            Self::MaxSizeReached
            | Self::ScaleupBackoff
            | Self::ScaleupNotTriggeredNoFit
            | Self::ScaleupNotTriggeredNoReason
            | Self::KarpenterNoInstanceFits
            | Self::KarpenterNoOffering
            | Self::KarpenterNoInstanceTypes
            | Self::KarpenterLimitsExceeded
            | Self::InsufficientCapacity
            | Self::Scheduling(_)
            | Self::Other => true,
            Self::DisruptionUnconsolidatable
            | Self::DisruptionBlockedDoNotDisrupt
            | Self::DisruptionBlockedPdb
            | Self::DisruptionBlockedBudget
            | Self::DisruptionBlockedOther
            | Self::DisruptionWaiting
            | Self::EvictedByKarpenter
            | Self::SpotInterruption
            | Self::SpotRebalance
            | Self::InstanceStopping
            | Self::InstanceTerminating
            | Self::InstanceUnhealthy
            | Self::ScaledownEvictPod
            | Self::ScaledownNode
            | Self::ScaledownFailed
            | Self::Nominated
            | Self::ScaleupTriggered => false,
        }
    }

    /// Ends a running pod. A warning that the cloud may want a spot instance back ends none yet, and a node that goes
    /// evicts its pods, which is another cause.
    #[must_use]
    pub const fn ends_pods(self) -> bool {
        matches!(
            self,
            Self::EvictedByKarpenter
                | Self::SpotInterruption
                | Self::InstanceStopping
                | Self::InstanceTerminating
                | Self::InstanceUnhealthy
                | Self::ScaledownEvictPod
        )
    }
}

/// What no autoscaler can mean is `other`.
impl From<Scheduling> for Autoscale {
    fn from(cause: Scheduling) -> Self {
        let reason = Self::Scheduling(cause);
        if Self::ALL.contains(&reason) { reason } else { Self::Other }
    }
}

impl FromStr for Autoscale {
    type Err = UnknownLabel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or(UnknownLabel)
    }
}

impl std::fmt::Display for Autoscale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Autoscale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Autoscale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
