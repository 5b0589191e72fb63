//! What an event adds to a pod's status: what the kubelet measured, why it is held up, who ended it, and whether a
//! node is coming for it.
//!
//! Events are a lossy, late and repeated supplement: nothing here is counted because an event was written, only
//! because something became known that was not.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cause::{self, Autoscale, Cause, Pull, Pulled, Runtime};
use crate::observation::EventReport;

/// An event about a pod, trimmed to what it adds.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// The event's identity.
    pub(super) event: Arc<str>,
    /// Its newest occurrence.
    pub(super) last: Timestamp,
    /// It was over before we began to watch: known from now on, and not counted.
    pub(super) silent: bool,
    /// Told by a first list, which shows what was there before: pods from before this instant count nothing by it.
    pub(super) first_list: Option<Timestamp>,
    pub(super) told: Told,
}

/// What an event tells about a pod.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// An image was pulled, and how long that took.
    Fetched { total: Option<Duration>, queued: Option<Duration> },
    /// Why an image cannot be pulled; the status may only speak of back-off.
    PullFailed { container: Option<Arc<str>>, image: Option<Arc<str>>, cause: Pull },
    /// The pod has a node and cannot start there.
    Held(Runtime),
    /// The pod was or will be taken away.
    Ended { cause: Cause, rank: Rank },
    /// An autoscaler's verdict on the waiting pod, and the node or claim it means to use.
    Scale { cause: Autoscale, target: Option<Arc<str>>, message: Arc<str> },
}

/// How well an end is explained: a better word replaces a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It was taken away, nobody says why.
    Vague,
    /// Somebody's event says who did it.
    Event,
    /// The node went away, and why.
    Node,
    /// Its own status, or the text that became its status.
    Status,
}

/// What the event adds, if anything.
pub(super) fn told(event: &EventReport) -> Option<Told> {
    match event.reason.as_ref() {
        "Pulled" => fetched(&event.message),
        "Failed" => failed(event),
        "FailedMount" | "FailedMapVolume" | "FailedAttachVolume" | "FailedCreatePodSandBox" => {
            Some(Told::Held(cause::runtime::classify(&event.reason, &event.message)))
        }
        "Preempted" | "Preempting" | "UnexpectedAdmissionError" | "TopologyAffinityError" => Some(ended_here(event)),
        "TaintManagerEviction" if event.message.starts_with("Marking for deletion") => {
            Some(Told::Ended { cause: Cause::Runtime(Runtime::Other), rank: Rank::Vague })
        }
        reason if reason.starts_with("OutOf") => Some(ended_here(event)),
        "Evicted"
        | "ScaleDown"
        | "FailedScheduling"
        | "NotTriggerScaleUp"
        | "TriggeredScaleUp"
        | "Nominated"
        | "NoCompatibleInstanceTypes"
        | "Disrupted"
        | "SpotInterrupted"
        | "SpotInterruption" => by_author(event),
        _ => None,
    }
}

/// A combined event's text is that of the newest of several, so its time may belong to any of them: left out.
fn fetched(message: &str) -> Option<Told> {
    match cause::pulled::read(message).filter(|_| !cause::is_combined(message))? {
        Pulled::Cached => None,
        Pulled::Fetched { total, queued, bytes: _ } => Some(Told::Fetched { total, queued }),
    }
}

/// `Failed` is said of pulls, of creation and of starts; only the sentence tells which.
fn failed(event: &EventReport) -> Option<Told> {
    let verdict = cause::classify(None, Some(&event.reason), Some(&event.author), &event.message);
    match verdict.cause {
        Cause::Pull(cause) if cause.is_failure() && cause != Pull::Backoff && names_a_pull(&event.message) => {
            let image = cause::image_pull::classify(&event.reason, &event.message).image.map(Arc::from);
            Some(Told::PullFailed { container: event.container.clone(), image, cause })
        }
        Cause::Runtime(cause) if cause != Runtime::Other => Some(Told::Held(cause)),
        Cause::Pull(_)
        | Cause::Runtime(_)
        | Cause::Scheduling(_)
        | Cause::Autoscale(_)
        | Cause::Admission(_)
        | Cause::Queue(_) => None,
    }
}

/// Of the three events of one failing cycle only this one holds the reason.
fn names_a_pull(message: &str) -> bool {
    ["Failed to pull image", "Failed to inspect image"].iter().any(|words| message.contains(words))
}

/// The kubelet's or the scheduler's own words about the end of a pod; the status says the same.
fn ended_here(event: &EventReport) -> Told {
    let (cause, rank) = end_of(&event.reason, &event.message);
    Told::Ended { cause, rank }
}

/// What a reason and a message say about the end of a pod.
pub(super) fn end_of(reason: &str, message: &str) -> (Cause, Rank) {
    let cause = cause::runtime::classify(reason, message);
    (Cause::Runtime(cause), if cause == Runtime::Other { Rank::Vague } else { Rank::Status })
}

/// Reasons that several authors use: who wrote it decides.
fn by_author(event: &EventReport) -> Option<Told> {
    let verdict = cause::classify(None, Some(&event.reason), Some(&event.author), &event.message);
    // Groups of other tiers refuse a pod by their taints, and there are more of them; what keeps a group from growing is
    // said of those that it was meant for.
    let of_a_group =
        |cause: &&Cause| matches!(cause, Cause::Autoscale(Autoscale::MaxSizeReached | Autoscale::ScaleupBackoff));
    match verdict.causes.iter().find(of_a_group).copied().unwrap_or(verdict.cause) {
        Cause::Autoscale(cause) if cause.ends_pods() => {
            Some(Told::Ended { cause: Cause::Autoscale(cause), rank: Rank::Event })
        }
        Cause::Autoscale(cause) if cause.refuses_scale_up() || !cause.is_failure() => {
            Some(Told::Scale { cause, target: target(&event.message), message: event.message.clone() })
        }
        Cause::Runtime(_) if event.reason.as_ref() == "Evicted" => Some(ended_here(event)),
        Cause::Autoscale(_)
        | Cause::Runtime(_)
        | Cause::Scheduling(_)
        | Cause::Pull(_)
        | Cause::Admission(_)
        | Cause::Queue(_) => None,
    }
}

/// Karpenter's `Pod should schedule on: nodeclaim/x` (0.32+), `machine/x` (0.2x–0.31), `node/x`; several are joined by
/// a comma, and the first one decides.
fn target(message: &str) -> Option<Arc<str>> {
    let list = message.split_once("should schedule on: ")?.1;
    let (_, name) = list.split([',', ' ']).next()?.split_once('/')?;
    Some(name.into())
}

/// What an event about a node or a claim for one means for the pods there.
pub(super) fn of_node(event: &EventReport) -> Option<Autoscale> {
    if !matches!(event.about_kind.as_ref(), "Node" | "NodeClaim" | "Machine") {
        return None;
    }
    let verdict = cause::classify(Some(cause::Family::Autoscale), Some(&event.reason), None, &event.message);
    match verdict.cause {
        Cause::Autoscale(Autoscale::ScaledownNode) => Some(Autoscale::ScaledownEvictPod),
        Cause::Autoscale(cause) if cause.ends_pods() || cause == Autoscale::InsufficientCapacity => Some(cause),
        Cause::Autoscale(_)
        | Cause::Runtime(_)
        | Cause::Scheduling(_)
        | Cause::Pull(_)
        | Cause::Admission(_)
        | Cause::Queue(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(reason: &str, author: &str, message: &str) -> EventReport {
        EventReport {
            uid: "e".into(),
            about_kind: "Pod".into(),
            about_namespace: Some("ci".into()),
            about_name: "p".into(),
            about_uid: Some("p".into()),
            container: None,
            reason: reason.into(),
            author: author.into(),
            warning: true,
            message: message.into(),
            count: 1,
            last: Timestamp::UNIX_EPOCH,
        }
    }

    fn said(reason: &str, author: &str, message: &str) -> String {
        match told(&event(reason, author, message)) {
            None => "nothing".to_owned(),
            Some(Told::Fetched { total, queued }) => format!("fetched {total:?} {queued:?}"),
            Some(Told::PullFailed { image, cause, .. }) => format!("pull failed {image:?} {cause}"),
            Some(Told::Held(cause)) => format!("held {cause}"),
            Some(Told::Ended { cause, rank }) => format!("ended {cause} {rank:?}"),
            Some(Told::Scale { cause, target, .. }) => format!("scale {cause} {target:?}"),
        }
    }

    #[test]
    fn an_event_adds_what_the_status_lacks_and_nothing_else() {
        for (reason, author, message, expected) in [
            (
                "Pulled",
                "kubelet",
                "Successfully pulled image \"a/b:1\" in 1s (3s including waiting)",
                "fetched Some(3s) Some(2s)",
            ),
            ("Pulled", "kubelet", "Container image \"a/b:1\" already present on machine", "nothing"),
            (
                "Pulled",
                "kubelet",
                "(combined from similar events): Successfully pulled image \"a/b:1\" in 1s",
                "nothing",
            ),
            (
                "Failed",
                "kubelet",
                "Failed to pull image \"quay.io/a/b:1\": rpc error: code = NotFound desc = failed to resolve reference \"quay.io/a/b:1\": quay.io/a/b:1: not found",
                "pull failed Some(\"quay.io/a/b:1\") not_found",
            ),
            ("Failed", "kubelet", "Error: ErrImagePull", "nothing"),
            ("Failed", "kubelet", "Error: ImagePullBackOff", "nothing"),
            ("BackOff", "kubelet", "Back-off pulling image \"a/b:1\"", "nothing"),
            (
                "Failed",
                "kubelet",
                "Error: failed to start container \"build\": exec /usr/bin/sh: exec format error",
                "held exec_format_error",
            ),
            (
                "FailedMount",
                "kubelet",
                "MountVolume.SetUp failed for volume \"x\" : secret \"y\" not found",
                "held volume_mount_other",
            ),
            (
                "FailedCreatePodSandBox",
                "kubelet",
                "plugin type=\"aws-cni\" failed (add): add cmd: failed to assign an IP address to container",
                "held cni_ip_exhausted",
            ),
            (
                "Evicted",
                "kubelet",
                "The node was low on resource: memory. Threshold quantity: 100Mi, available: 5Mi.",
                "ended evicted_memory Status",
            ),
            ("Evicted", "karpenter", "Evicted pod: Underutilized", "ended evicted_by_karpenter Event"),
            ("ScaleDown", "cluster-autoscaler", "deleting pod for node scale down", "ended scaledown_evict_pod Event"),
            ("Preempted", "default-scheduler", "Preempted by pod 3e2f on node n1", "ended preempted Status"),
            ("TaintManagerEviction", "taint-eviction-controller", "Marking for deletion Pod ci/p", "ended other Vague"),
            ("TaintManagerEviction", "taint-eviction-controller", "Cancelling deletion of Pod ci/p", "nothing"),
            ("FailedScheduling", "default-scheduler", "0/3 nodes are available: 3 Insufficient cpu.", "nothing"),
            (
                "FailedScheduling",
                "karpenter",
                "Failed to schedule pod, all available instance types exceed limits for nodepool: \"standard\"",
                "scale karpenter_limits_exceeded None",
            ),
            (
                "NotTriggerScaleUp",
                "cluster-autoscaler",
                "pod didn't trigger scale-up: 1 max node group size reached",
                "scale max_size_reached None",
            ),
            (
                "NotTriggerScaleUp",
                "cluster-autoscaler",
                "pod didn't trigger scale-up: 4 node(s) had untolerated taint(s), 1 max node group size reached",
                "scale max_size_reached None",
            ),
            (
                "TriggeredScaleUp",
                "cluster-autoscaler",
                "pod triggered scale-up: [{pool 1->2 (max: 3)}]",
                "scale scaleup_triggered None",
            ),
            (
                "Nominated",
                "karpenter",
                "Pod should schedule on: nodeclaim/pool-x7k2p, node/ip-10-0-0-1",
                "scale nominated Some(\"pool-x7k2p\")",
            ),
            ("Scheduled", "default-scheduler", "Successfully assigned ci/p to n1", "nothing"),
            ("Unhealthy", "kubelet", "Readiness probe failed: etcdserver: request timed out", "nothing"),
        ] {
            assert_eq!(said(reason, author, message), expected, "{message}");
        }
    }

    #[test]
    fn of_a_node_only_what_concerns_its_pods() {
        let of = |kind: &str, reason: &str, message: &str| {
            of_node(&EventReport { about_kind: kind.into(), ..event(reason, "karpenter", message) })
        };
        let warning = "Spot interruption warning was triggered";
        assert_eq!(of("Node", "SpotInterrupted", warning), Some(Autoscale::SpotInterruption));
        assert_eq!(of("NodeClaim", "SpotInterrupted", warning), Some(Autoscale::SpotInterruption));
        assert_eq!(of("Deployment", "SpotInterrupted", warning), None);
        let removed = "node removed by cluster autoscaler";
        assert_eq!(of("Node", "ScaleDown", removed), Some(Autoscale::ScaledownEvictPod));
        let none_left =
            "NodeClaim x event: creating nodeclaim, creating instance, insufficient capacity, with fleet error(s)";
        assert_eq!(of("NodeClaim", "InsufficientCapacityError", none_left), Some(Autoscale::InsufficientCapacity));
        assert_eq!(of("Node", "NodeReady", "Node n1 status is now: NodeReady"), None);
        assert_eq!(of("Node", "Unconsolidatable", "Can't replace with a cheaper node"), None);
    }
}
