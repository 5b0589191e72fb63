//! What breaks a pod that has a node: the kubelet, the network, volumes, the API server, and the runner's wait.

use super::Runtime;
use super::text::any;

/// Reads an event, a pod's `status.message` or the runner's word on a failed job.
#[must_use]
pub fn classify(reason: &str, message: &str) -> Runtime {
    let words = super::lowered(message);
    let recognisers: &[(&[&str], Runtime)] = &[
        // CNI plugins: aws-cni, host-local, calico, cilium, azure.
        (
            &[
                "failed to assign an ip address",
                "no ip addresses available",
                "no available ip",
                "ip address pool exhausted",
                "range is full",
                "ipam: no more",
                "no more ips",
                "insufficient free ip",
                "insufficientfreeaddresses",
                "no free ips",
                "failed to allocate for range",
            ],
            Runtime::CniIpExhausted,
        ),
        // kubelet admission: OutOfcpu, OutOfmemory, …
        (&["node didn't have enough resource"], Runtime::KubeletAdmissionOutOfResource),
        // kubelet eviction manager.
        (&["low on resource: memory", "memory-pressure", "condition: [memorypressure]"], Runtime::EvictedMemory),
        (
            &[
                "low on resource: ephemeral-storage",
                "low on resource: imagefs",
                "low on resource: nodefs",
                "ephemeral local storage usage exceeds",
                "exceeds the total limit of containers",
                "usage of emptydir volume",
                "condition: [diskpressure]",
            ],
            Runtime::EvictedEphemeralStorage,
        ),
        // kube-scheduler.
        (&["preempted by", "preempted in order to admit", "preempting to accommodate"], Runtime::Preempted),
        (&["exec format error"], Runtime::ExecFormatError),
        // attachdetach-controller and CSI.
        (
            &[
                "attachvolume",
                "failed to attach volume",
                "multi-attach error",
                "volume is already exclusively attached",
            ],
            Runtime::VolumeAttach,
        ),
        (
            &[
                "unable to attach or mount volumes",
                "timed out waiting for the condition",
                "timeout expired waiting for volumes",
            ],
            Runtime::VolumeMountTimeout,
        ),
        (&["mountvolume", "unmountvolume", "mount failed", "failed to mount"], Runtime::VolumeMountOther),
        // GitLab Runner: poll_timeout, 180 s by default.
        (&["timed out waiting for pod to start", "waiting for pod running"], Runtime::RunnerPollTimeout),
        // API server and etcd, through the runner.
        (
            &[
                "etcdserver: request timed out",
                "etcdserver: leader changed",
                "setting up build pod: context deadline exceeded",
                "setting up credentials: context deadline exceeded",
                "client rate limiter wait returned",
                "the server was unable to return a response in the time allotted",
            ],
            Runtime::ApiserverTimeout,
        ),
    ];
    let by_words = recognisers.iter().find(|(texts, _)| any(&words, texts)).map(|(_, cause)| *cause);
    by_words.or_else(|| by_reason(reason)).unwrap_or(Runtime::Other)
}

fn by_reason(reason: &str) -> Option<Runtime> {
    Some(match reason {
        "Preempted" | "Preempting" | "PreemptionByScheduler" => Runtime::Preempted,
        "FailedAttachVolume" => Runtime::VolumeAttach,
        "FailedMount" | "FailedMapVolume" => Runtime::VolumeMountOther,
        reason if reason.starts_with("OutOf") => Runtime::KubeletAdmissionOutOfResource,
        _ => return None,
    })
}
