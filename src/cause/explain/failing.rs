//! Rows of what makes a pod fail: its image, admission, and the node beneath it.

use super::waiting::rows;
use super::{Explanation, row};
use crate::cause::Blame::{Platform, Unclear, User};
use crate::cause::{Admission, Pull, Runtime};

rows!(pull(Pull) {
    NotFound: User, "the image or its tag does not exist in the registry",
        "Check the spelling of `image:` in the job and whether the tag was deleted.";
    Auth: Unclear, "the registry refuses: credentials are missing, expired or may not read this image",
        "Check the pull secret of the tier and `DOCKER_AUTH_CONFIG` of the job; a misspelt private image reads the same.";
    RateLimited: Platform, "the registry limits how often it is asked",
        "Log in to the registry in the tier's pull secret, or pull through a cache.";
    Connection: Platform, "the connection to the registry is refused or breaks",
        "Test the registry from a node of the tier, and look at egress policies and the registry's status page.";
    Timeout: Platform, "the registry does not answer in time",
        "Test the registry from a node of the tier: firewall, proxy, NAT ports or a slow registry.";
    Dns: Platform, "the name of the registry does not resolve on the node",
        "Resolve the registry's name on a node of the tier, and check its resolver; the job may have misspelt it.";
    Tls: Platform, "the registry's certificate is not trusted, expired, or TLS is not spoken there",
        "Check the registry's certificate and the CA bundle of the nodes.";
    ServerError: Platform, "the registry answers with a server error",
        "Look at the registry's health or status page, and retry the job.";
    Platform: User, "the image has no build for the architecture of the nodes",
        "Build the image for the tier's architecture, or run the job on a tier of the other one.";
    Digest: Unclear, "the content received does not match its digest or size",
        "Remove the image from the node and pull again; if it stays, push the image anew or look at the cache between.";
    InvalidName: User, "the image name is not a valid reference",
        "Correct `image:` in the job; an unset variable in it is the usual reason.";
    Policy: Unclear, "a policy forbids to pull or to use the image",
        "Compare the job's image and pull policy with those that the tier allows.";
    Disk: Platform, "the node has no disk space left for the image",
        "Free or enlarge the disk of the node, and lower the kubelet's threshold for image garbage collection.";
    PullQps: Platform, "the kubelet limits its own pulls",
        "Raise `registryPullQPS` and `registryBurst` in the kubelet's configuration of the tier's nodes.";
    Backoff: Unclear, "pulling failed before and is being retried, the cause is not told yet",
        "Wait for the next attempt: its event names the cause.";
    Other: Unclear, "the image cannot be pulled for a reason that tierwatch does not know",
        "Read the message in `kubectl describe pod` and report it so that it gets a name.";
    Pulled: Platform, "the image was pulled",
        "Do nothing.";
    PulledCached: Platform, "the image was on the node already",
        "Do nothing.";
    Pulling: Platform, "the image is being pulled",
        "Wait for the pull to end.";
});

rows!(admission(Admission) {
    PodSecurity: Unclear, "the pod breaks the namespace's pod security rules",
        "Compare the runner's pod spec with the namespace's pod-security labels, and `privileged` first of all.";
    Quota: Platform, "the namespace's quota is used up",
        "Raise the ResourceQuota of the tier's namespace, or lower `concurrent` to what it allows.";
    QuotaMissingRequest: Platform, "the quota demands requests or limits that the pod does not set",
        "Set the missing requests or limits in the runner's configuration, or defaults by a LimitRange.";
    QuotaTimeout: Platform, "the API server did not judge the quota in time",
        "Look at the load of the API server and etcd, and retry the job.";
    LimitRange: Unclear, "the pod asks for more or less than the namespace's LimitRange allows",
        "Compare the requests in the job's variables and the runner's configuration with the LimitRange.";
    WebhookDenied: Unclear, "an admission webhook or policy refuses the pod",
        "Read the policy's message in the job log and change the job, or the policy if it is wrong.";
    WebhookUnavailable: Platform, "an admission webhook cannot be reached, so no pod is admitted",
        "Look at the webhook's pods, service and certificate; its `failurePolicy` decides who suffers.";
    WebhookTimeout: Platform, "an admission webhook does not answer in time",
        "Look at the webhook's pods and the network from the API server to them.";
    Other: Unclear, "the API server refuses the pod for a reason that tierwatch does not know",
        "Read the message in the job's log and report it so that it gets a name.";
    PodSecurityWarn: Platform, "the pod would break a stricter pod security level, it is admitted",
        "Fix the pod spec before the namespace enforces that level.";
});

rows!(runtime(Runtime) {
    CniIpExhausted: Platform, "no IP address is left for the pod",
        "Free or add addresses: subnet size, pool of the network plugin, pods per node.";
    VolumeAttach: Platform, "a volume cannot be attached to the node",
        "Look at the VolumeAttachment and the CSI driver, and at the node's limit of volumes.";
    VolumeMountTimeout: Platform, "a volume was not mounted in time",
        "Look at the CSI driver on the node and at the events of the pod's claims.";
    VolumeMountOther: Platform, "a volume cannot be mounted",
        "Check that the secrets, config maps and claims named in the event exist.";
    EvictedMemory: Unclear, "the node ran out of memory and evicted the pod",
        "Set memory requests near real use for the tier's pods, then retry the job.";
    EvictedEphemeralStorage: Unclear, "the pod was evicted because disk ran out or it used more than it may",
        "Raise the ephemeral-storage limit or the nodes' disks, or let the job write less.";
    Preempted: Platform, "a more important pod took the place",
        "Give the tier's pods a higher PriorityClass, and retry the job.";
    ExecFormatError: User, "the program in the image is built for another architecture",
        "Build the image for the tier's architecture, or run the job on a tier of the other one.";
    KubeletAdmissionOutOfResource: Platform, "the node had less room than the scheduler thought",
        "Retry the job, and look for static pods or a second scheduler if it happens often.";
    RunnerPollTimeout: Platform, "the runner gave up waiting for the pod to start",
        "See why the pod waited; raise `poll_timeout` if nodes need longer to come up.";
    ApiserverTimeout: Platform, "the API server or etcd did not answer in time",
        "Look at the load of the API server and etcd, and retry the job.";
    Other: Unclear, "the pod failed for a reason that tierwatch does not know",
        "Read the events of the pod and report the text so that it gets a name.";
});
