//! What breaks a pod that has a node: kubelet, network plug-ins, volumes, evictions; and the runner's own patience.

use std::sync::LazyLock;

use super::label::labels;
use super::text::{Phrases, Sentence, bare, says};

labels! {
    /// What breaks a pod that has a node.
    Runtime {
        /// No IP address is left for the pod.
        CniIpExhausted = "cni_ip_exhausted",
        /// A volume cannot be attached to the node.
        VolumeAttach = "volume_attach",
        /// A volume was not mounted in time.
        VolumeMountTimeout = "volume_mount_timeout",
        /// A volume cannot be mounted.
        VolumeMountOther = "volume_mount_other",
        /// Evicted: the node lacks memory.
        EvictedMemory = "evicted_memory",
        /// Evicted: the node lacks disk, or the pod used more of it than it may.
        EvictedEphemeralStorage = "evicted_ephemeral_storage",
        /// A more important pod took its place.
        Preempted = "preempted",
        /// The program in the image is of another architecture.
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

/// Names what broke the pod.
#[must_use]
pub fn classify(reason: &str, message: &str) -> Runtime {
    let sentence = Sentence::new(bare(message));
    told(&sentence).unwrap_or_else(|| by_reason(reason))
}

/// What the text says, if anything.
pub(super) fn told(sentence: &Sentence<'_>) -> Option<Runtime> {
    static TABLE: LazyLock<Phrases<Runtime>> = LazyLock::new(|| Phrases::new(ROWS));
    static LATE: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(TIMEOUTS));
    let is_late = || LATE.first(sentence).is_some();
    match TABLE.first(sentence) {
        Some(Runtime::VolumeMountOther) if is_late() => Some(Runtime::VolumeMountTimeout),
        Some(cause) => Some(cause),
        // gitlab-runner talks to the API server in these steps; beneath them only time-outs are the server's fault.
        None if speaks_to_apiserver(sentence) && is_late() => Some(Runtime::ApiserverTimeout),
        None => None,
    }
}

/// As [`told`], and what fails between the runner and the API server: its errors of dialling are none of a registry.
pub(super) fn of_runner_or_node(sentence: &Sentence<'_>) -> Option<Runtime> {
    told(sentence).or_else(|| makes_objects(sentence).then_some(Runtime::Other))
}

/// The kubelet rejects with reason `OutOfcpu`, `OutOfnvidia.com/gpu` …, topology and device managers with theirs.
pub(super) fn by_reason(reason: &str) -> Runtime {
    match reason {
        "FailedAttachVolume" => Runtime::VolumeAttach,
        "FailedMount" | "FailedMapVolume" => Runtime::VolumeMountOther,
        "Preempted" | "Preempting" | "PreemptionByScheduler" => Runtime::Preempted,
        "UnexpectedAdmissionError" | "TopologyAffinityError" | "SMTAlignmentError" => {
            Runtime::KubeletAdmissionOutOfResource
        }
        _ if reason.strip_prefix("OutOf").is_some_and(|resource| !resource.is_empty()) => {
            Runtime::KubeletAdmissionOutOfResource
        }
        _ => Runtime::Other,
    }
}

const ROWS: &[(Runtime, &[&str])] = &[
    // pkg/kubelet/lifecycle and cm: admission on the node; the device and topology managers since 1.10 and 1.16.
    (
        Runtime::KubeletAdmissionOutOfResource,
        &[
            "node didn't have enough resource",
            "node didn't have enough capacity",
            "resources cannot be allocated with topology locality",
            "allocate failed due to",
            "requested number of devices unavailable",
            "not enough cpus available to satisfy request",
            "smt alignment error",
        ],
    ),
    // pkg/kubelet/eviction, all versions; conditions where the kubelet refuses new pods.
    (Runtime::EvictedMemory, &["low on resource: memory", "node had condition: [memorypressure"]),
    (
        Runtime::EvictedEphemeralStorage,
        &[
            "low on resource: ephemeral-storage",
            "low on resource: inodes",
            "low on resource: nodefs",
            "low on resource: imagefs",
            "low on resource: containerfs",
            "low on resource: storage",
            "node had condition: [diskpressure",
            "pod ephemeral local storage usage exceeds",
            "exceeded its local ephemeral storage limit",
            "usage of emptydir volume",
        ],
    ),
    // kube-scheduler `Preempted by ns/pod on node n`, since 1.27 `Preempted by pod UID`; kubelet's critical pods.
    (
        Runtime::Preempted,
        &["preempted by", "preempted in order to admit", "preempting to accommodate a higher priority pod"],
    ),
    // runc and crun, through any runtime.
    (Runtime::ExecFormatError, &["exec format error"]),
    // aws-cni; cilium; calico; host-local; azure-cni, gke; whereabouts; kube-ovn.
    (
        Runtime::CniIpExhausted,
        &[
            "failed to assign an ip address to container",
            "no more ips available",
            "range is full",
            "assigned 0 out of",
            "no more free affine blocks",
            "no ip addresses available",
            "no available ip addresses",
            "no available ips",
            "no available ip",
            "no free ip",
            "not enough ips available",
            "cidr ranges are exhausted",
            "no addresses available",
            "no available addresses",
            "no available address",
            "insufficientfreeaddressesinsubnet",
            "could not allocate ip in range",
            "insufficient ip addresses",
            "ipam allocated only",
            "ip pool is exhausted",
            "ip pool exhausted",
            "address pool is exhausted",
            "address pool exhausted",
            "addressoutofrange",
        ],
    ),
    // attachdetach-controller and the kubelet's waiting for it.
    (Runtime::VolumeAttach, &["attachvolume.", "multi-attach error", "node has reached its volume attachment limit"]),
    // pkg/kubelet/volumemanager and volume/util/operationexecutor: `MountVolume.STEP failed`, some with a blank inside.
    (
        Runtime::VolumeMountOther,
        &["unable to attach or mount volumes", "unable to mount volumes for pod", "mountvolume.", "mapvolume."],
    ),
    // gitlab-runner, executors/kubernetes: poll_timeout.
    (Runtime::RunnerPollTimeout, &["timed out waiting for pod to start", "timedout waiting for pod to start"]),
    // etcd and kube-apiserver under load, client-go.
    (
        Runtime::ApiserverTimeout,
        &[
            "etcdserver: request timed out",
            "etcdserver: leader changed",
            "etcdserver: too many requests",
            "unable to return a response in the time allotted",
            "server is currently unable to handle the request",
            "server has received too many requests",
            "http2: client connection lost",
            "client rate limiter wait returned an error",
        ],
    ),
    // A sandbox without network, whatever its plug-in says: its errors of dialling are none of a registry.
    (
        Runtime::Other,
        &["failed to setup network for sandbox", "failed to set up sandbox container", "networkplugin cni"],
    ),
];

const TIMEOUTS: &[((), &[&str])] = &[(
    (),
    &[
        "context deadline exceeded",
        "deadlineexceeded",
        "timed out",
        "timeout expired",
        "i/o timeout",
        "tls handshake timeout",
        "timeout exceeded",
    ],
)];

fn speaks_to_apiserver(sentence: &Sentence<'_>) -> bool {
    let prepares = || sentence.words().any(|(_, rest)| says(rest, "prepare environment: "));
    makes_objects(sentence) || prepares()
}

/// gitlab-runner's steps before there is a pod.
fn makes_objects(sentence: &Sentence<'_>) -> bool {
    let steps = ["setting up build pod", "setting up credentials", "setting up scripts configmap"];
    sentence.words().any(|(_, rest)| steps.iter().any(|step| says(rest, step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_kubelet_network_volumes_and_runner() {
        let sandbox = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"0a\": plugin ";
        let network = |text: &str| format!("{sandbox}{text}");
        for (reason, message, cause) in [
            // CNI plug-ins
            ("FailedCreatePodSandBox", network("type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to assign an IP address to container"), Runtime::CniIpExhausted),
            ("FailedCreatePodSandBox", network("type=\"cilium-cni\" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure  range is full"), Runtime::CniIpExhausted),
            ("FailedCreatePodSandBox", network("type=\"cilium-cni\" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure No more IPs available"), Runtime::CniIpExhausted),
            ("FailedCreatePodSandBox", network("type=\"calico\" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled"), Runtime::CniIpExhausted),
            ("FailedCreatePodSandBox", network("type=\"bridge\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.254"), Runtime::CniIpExhausted),
            ("FailedCreatePodSandBox", network("type=\"cilium-cni\" failed (add): Cilium API client timeout exceeded"), Runtime::Other),
            ("FailedCreatePodSandBox", network("type=\"calico\" failed (add): stat /var/lib/calico/nodename: no such file or directory"), Runtime::Other),
            // volumes
            ("FailedAttachVolume", "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) x".into(), Runtime::VolumeAttach),
            ("FailedAttachVolume", "AttachVolume.Attach failed for volume \"pvc-1\" : timed out waiting for external-attacher".into(), Runtime::VolumeAttach),
            ("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[a], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition".into(), Runtime::VolumeMountTimeout),
            ("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[a], unattached volumes=[], failed to process volumes=[]: context deadline exceeded".into(), Runtime::VolumeMountTimeout),
            ("FailedMount", "MountVolume.SetUp failed for volume \"c\" : configmap \"timed-out\" not found".into(), Runtime::VolumeMountOther),
            ("FailedMount", "MountVolume.MountDevice failed for volume \"p\" : rpc error: code = DeadlineExceeded desc = context deadline exceeded".into(), Runtime::VolumeMountTimeout),
            // evictions
            ("Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 5Mi.".into(), Runtime::EvictedMemory),
            ("Evicted", "The node had condition: [MemoryPressure]. ".into(), Runtime::EvictedMemory),
            ("Evicted", "The node had condition: [DiskPressure].".into(), Runtime::EvictedEphemeralStorage),
            ("Evicted", "The node was low on resource: inodes.".into(), Runtime::EvictedEphemeralStorage),
            ("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.".into(), Runtime::EvictedEphemeralStorage),
            ("Evicted", "Container build exceeded its local ephemeral storage limit \"1Gi\".".into(), Runtime::EvictedEphemeralStorage),
            ("Evicted", "Usage of EmptyDir volume \"repo\" exceeds the limit \"5Gi\".".into(), Runtime::EvictedEphemeralStorage),
            ("Evicted", "The node was low on resource: pids.".into(), Runtime::Other),
            // preemption
            ("Preempted", "Preempted by pod 3e2f on node n1".into(), Runtime::Preempted),
            ("Preempting", "Preempted in order to admit critical pod".into(), Runtime::Preempted),
            ("PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod".into(), Runtime::Preempted),
            // kubelet admission
            ("OutOfnvidia.com/gpu", "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 1, capacity: 1".into(), Runtime::KubeletAdmissionOutOfResource),
            ("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected".into(), Runtime::KubeletAdmissionOutOfResource),
            ("OutOfpods", String::new(), Runtime::KubeletAdmissionOutOfResource),
            // runner, API server
            ("JobFailed", "ERROR: Job failed (system failure): prepare environment: waiting for pod running: timed out waiting for pod to start. Check https://x".into(), Runtime::RunnerPollTimeout),
            ("JobFailed", "Job failed (system failure): prepare environment: setting up build pod: Post \"https://10.0.0.1:443/api/v1/namespaces/ci/pods\": net/http: TLS handshake timeout".into(), Runtime::ApiserverTimeout),
            ("JobFailed", "Job failed (system failure): prepare environment: exit code 1".into(), Runtime::Other),
            ("", "exec /usr/bin/sh: exec format error".into(), Runtime::ExecFormatError),
        ] {
            assert_eq!(classify(reason, &message), cause, "{message}");
        }
    }
}
