//! What kube-scheduler says when no node takes a pod.
//!
//! The sentence is that of its `FitError`: `0/N nodes are available: ` + pre-filter text or a list `COUNT reason, …` +
//! `.` + what preemption found. Counts may sum to more than N, and each node shows the reasons of its first failing
//! plugin only. The same reasons come back from cluster-autoscaler, which runs the scheduler's plugins.

use std::sync::LazyLock;

use super::family::Verdict;
use super::label::labels;
use super::text::{Phrases, Sentence, bare, count_of, split_counted};

labels! {
    /// Why no node takes a pod.
    Scheduling {
        /// A taint that the pod does not tolerate, e.g. of a dedicated pool.
        UntoleratedTaint = "untolerated_taint",
        /// The taint says that the node is not ready or out of contact.
        NodeNotReady = "node_not_ready",
        /// The taint says that the node lacks memory, disk or process ids.
        NodePressure = "node_pressure",
        /// The taint says that an autoscaler is taking the node away.
        NodeDisrupted = "node_disrupted",
        /// The taint says that the node is still starting.
        NodeStartup = "node_startup",
        /// Node selector or node affinity.
        NodeAffinity = "node_affinity",
        /// Cpu.
        InsufficientCpu = "insufficient_cpu",
        /// Memory.
        InsufficientMemory = "insufficient_memory",
        /// Ephemeral storage.
        InsufficientEphemeralStorage = "insufficient_ephemeral_storage",
        /// A GPU, huge pages or another named resource or claimed device.
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

/// Names the causes in a message of the scheduler: the pod's `PodScheduled` condition, or a `FailedScheduling` event.
#[must_use]
pub fn classify(message: &str) -> Verdict<Scheduling> {
    let message = bare(message);
    let body = before_preemption(message);
    if let Some((nodes, list)) = headed_list(body) {
        if nodes == 0 {
            return Verdict::one(Scheduling::NoNodes);
        }
        return Verdict::weigh(reasons(list, nodes), Scheduling::Other);
    }
    if let Some(list) = list_of_predicates(body) {
        return Verdict::weigh(list, Scheduling::Other);
    }
    let named = broken_plugin(body).filter(|cause| *cause != Scheduling::Other);
    Verdict::one(named.or_else(|| whole(&Sentence::new(message))).unwrap_or(Scheduling::Other))
}

/// Whether the text has the shape of a scheduler's verdict.
pub(super) fn is_verdict(sentence: &Sentence<'_>) -> bool {
    let text = sentence.text();
    headed_list(text).is_some()
        || list_of_predicates(text).is_some()
        || broken_plugin(text).is_some()
        || whole(sentence).is_some()
}

/// A plugin that failed rather than refused: `running "VolumeBinding" filter plugin for pod "x": …`, `running PreBind
/// plugin "VolumeBinding": …` (both since 1.18). Its name tells what could not be done.
fn broken_plugin(message: &str) -> Option<Scheduling> {
    let (step, rest) = message.strip_prefix("running ")?.split_once('"')?;
    let (name, rest) = rest.split_once('"')?;
    (step.contains("plugin") || rest.contains(" plugin ")).then(|| reason(name))
}

/// What preemption found repeats the sentence with other counts (1.24+), behind DRA's own tail (1.34+). A message may
/// begin with it when nothing else was said.
fn before_preemption(message: &str) -> &str {
    let tails = ["preemption: ", "no new claims to deallocate"];
    let ends = tails.iter().filter_map(|tail| message.find(tail));
    ends.min().map_or(message, |end| &message[..end])
}

/// `0/N nodes are available: LIST`; gang schedulers (Volcano) say `unavailable`.
fn headed_list(message: &str) -> Option<(u32, &str)> {
    let (fit, rest) = message.split_once('/')?;
    count_of(fit)?;
    let (nodes, rest) = rest.split_once(' ')?;
    let nodes = count_of(nodes)?;
    let rest = rest.strip_prefix("nodes are available").or_else(|| rest.strip_prefix("nodes are unavailable"))?;
    Some((nodes, rest.trim_start_matches([':', ' '])))
}

fn reasons(list: &str, nodes: u32) -> impl Iterator<Item = (Scheduling, u32)> + '_ {
    let is_cut = list.trim_end().ends_with("...");
    let list = list.trim_end_matches(['.', ' ']);
    let mut items = split_counted(list).peekable();
    std::iter::from_fn(move || {
        let item = items.next()?;
        let told = match item.split_once(' ').and_then(|(count, reason)| Some((count_of(count)?, reason))) {
            Some((count, text)) => (reason(text), count),
            // Pre-filter plugins refuse the pod itself: no count, all nodes.
            None => (reason(item), nodes),
        };
        // An event's note ends at 1,024 characters: half a reason is no reason.
        (told.0 != Scheduling::Other || !is_cut || items.peek().is_some()).then_some(told)
    })
}

/// Up to 1.8: `No nodes are available that match all of the predicates: Insufficient cpu (3), MatchNodeSelector (18).`
fn list_of_predicates(message: &str) -> Option<impl Iterator<Item = (Scheduling, u32)> + '_> {
    let rest = message.strip_prefix("No nodes are available that match all of the ")?;
    let (_, list) = rest.split_once("predicates:")?;
    let item = |item: &str| {
        let item = item.trim_end_matches(['.', ' ']).strip_suffix(')')?;
        let (text, count) = item.rsplit_once(" (")?;
        Some((reason(text), count_of(count)?))
    };
    Some(list.trim_start_matches([':', ' ']).split(", ").filter_map(item))
}

/// Texts without a list.
fn whole(sentence: &Sentence<'_>) -> Option<Scheduling> {
    static TEXTS: LazyLock<Phrases<Scheduling>> = LazyLock::new(|| Phrases::new(WHOLE));
    TEXTS.first(sentence)
}

const WHOLE: &[(Scheduling, &[&str])] = &[
    // Pod strategy of kube-apiserver, 1.26+.
    (Scheduling::SchedulingGated, &["non-empty scheduling gates"]),
    // ErrNoNodesAvailable.
    (Scheduling::NoNodes, &["no nodes available to schedule pods"]),
    // DefaultPreemption: victims are leaving (all versions); asynchronous preemption (1.33+).
    (Scheduling::NominatedWaiting, &["on the nominated node", "waiting for the preemption for this pod"]),
    // VolumeBinding, in its pre-filter and, after a node was found, in its pre-bind step.
    (
        Scheduling::Volume,
        &[
            "unbound immediate persistentvolumeclaims",
            "waiting for ephemeral volume controller",
            "persistentvolumeclaim",
            "persistentvolumeclaims",
            "binding volumes",
            "could not find v1.persistentvolume",
        ],
    ),
    // DynamicResources 1.26+.
    (Scheduling::InsufficientExtendedResource, &["resourceclaim", "resource claim", "resource claims"]),
    // Known, and no cause that anybody could act on: the pod goes, the cache is young, a gang (Volcano, 1.35+) is not complete.
    (
        Scheduling::Other,
        &[
            "skip schedule deleting pod",
            "nodeinfos not found",
            "mincount pods from a gang",
            "waiting for pods's pod group",
            "pod group is not ready",
        ],
    ),
];

/// Names one reason of a list. Order matters: a taint's key may be any word, a claim's name too.
pub(super) fn reason(text: &str) -> Scheduling {
    static REASONS: LazyLock<Phrases<Scheduling>> = LazyLock::new(|| Phrases::new(REASON));
    let text = text.trim();
    match strip_word(text, "insufficient") {
        Some(resource) => insufficient(resource),
        None => REASONS.first(&Sentence::new(text)).unwrap_or(Scheduling::Other),
    }
}

/// Predicates up to 1.8 are one word; since 1.9 plugins speak in sentences. Where a plugin's own name stands, it broke
/// (1.18+), or the pre-filters of those named agree on no node: `didn't satisfy plugin(s) [NodeAffinity VolumeBinding]`
/// (1.23+).
const REASON: &[(Scheduling, &[&str])] = &[
    // TaintToleration: `had taints that the pod didn't tolerate` up to 1.17, `had taint {k: v}, that …` up to 1.23,
    // `had untolerated taint {k: v}` up to 1.34, `had untolerated taint(s)` since.
    (
        Scheduling::UntoleratedTaint,
        &["had taint", "had taints", "untolerated taint", "podtoleratesnodetaints", "tainttoleration"],
    ),
    (Scheduling::InsufficientPods, &["too many pods"]),
    // NodeUnschedulable.
    (Scheduling::UnschedulableNode, &["were unschedulable", "unschedulable", "nodeunschedulable"]),
    // NodePorts.
    (Scheduling::HostPort, &["free ports", "podfitshostports", "nodeports"]),
    // PodTopologySpread 1.16+, first called EvenPodsSpread.
    (Scheduling::TopologySpread, &["topology spread", "evenpodsspread", "evenpodsspreadnotmatch", "podtopologyspread"]),
    // VolumeBinding, VolumeZone, NodeVolumeLimits, VolumeRestrictions; capacity since 1.19. Before the affinity rows:
    // `volume node affinity conflict`, since 1.35 `PersistentVolume's node affinity`.
    (
        Scheduling::Volume,
        &[
            "volume",
            "volumes",
            "persistentvolume",
            "persistentvolumes",
            "persistentvolumeclaim",
            "persistentvolumeclaims",
            "pvc",
            "pv",
            "storageclass",
            "storageclass.storage.k8s.io",
            "csi driver",
            "csinode",
            "csinode.storage.k8s.io",
            "enough free storage",
            "no available disk",
            "volumebinding",
            "volumerestrictions",
            "volumezone",
            "nodevolumelimits",
            "nodiskconflict",
            "novolumezoneconflict",
            "novolumenodeconflict",
            "volumenodeaffinityconflict",
            "volumebindingnomatch",
            "maxvolumecount",
            "maxcsivolumecount",
            "maxebsvolumecount",
            "maxgcepdvolumecount",
            "maxazurediskvolumecount",
        ],
    ),
    // InterPodAffinity; before 1.9 by predicate name.
    (
        Scheduling::PodAffinity,
        &[
            "pod affinity",
            "pod affinity/anti-affinity",
            "pod anti-affinity",
            "pods anti-affinity",
            "interpodaffinity",
            "matchinterpodaffinity",
            "podaffinityrulesnotmatch",
            "podantiaffinityrulesnotmatch",
            "existingpodsantiaffinityrulesnotmatch",
        ],
    ),
    // NodeAffinity, NodeName, NodeLabel (to 1.22); `scheduler-enforced` since 1.21. Nodes that a pre-filter leaves out
    // (1.27+) are mostly those that the affinity of a pod does not name.
    (
        Scheduling::NodeAffinity,
        &[
            "node affinity",
            "node affinity/selector",
            "node selector",
            "nodeaffinity",
            "filtered out by the prefilter result",
            "matchnodeselector",
            "requested node name",
            "requested labels",
            "checknodelabelpresence",
            "hostname",
        ],
    ),
    // DynamicResources 1.26+: devices asked for by claim; drivers that allocate them themselves up to 1.31.
    (
        Scheduling::InsufficientExtendedResource,
        &[
            "resourceclaim",
            "resource claim",
            "resource claims",
            "resource driver",
            "allocate all claims",
            "allocate devices",
            "device class",
            "deviceclass",
            "dynamicresources",
        ],
    ),
];

/// NodeResourcesFit: `Insufficient NAME`, whatever the resource.
fn insufficient(resource: &str) -> Scheduling {
    match resource.split([' ', ';']).next().unwrap_or_default().trim_end_matches(['.', ',']) {
        "cpu" => Scheduling::InsufficientCpu,
        "memory" => Scheduling::InsufficientMemory,
        "ephemeral-storage" => Scheduling::InsufficientEphemeralStorage,
        "pods" => Scheduling::InsufficientPods,
        "" => Scheduling::Other,
        _ => Scheduling::InsufficientExtendedResource,
    }
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_once(' ')?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
#[path = "scheduling_tests.rs"]
mod tests;
