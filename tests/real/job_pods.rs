//! The life of a job's pod on the real API server, with the tests as GitLab Runner and kubelet.

use k8s_openapi::api::core::v1::Pod;

use crate::support::job_pod::JobPod;
use crate::support::kubelet::Kubelet;
use crate::support::stage::{NodeSpec, Stage, condition};

/// Of id 86 in the collection of real messages (a kubelet with containerd, dell/csi-baremetal#391).
const RATE_LIMITED: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/library/centos:latest\": failed to copy: httpReaderSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/centos/manifests/sha256:dbbacecc49b088458781c16f3775f2a2ec7521079034a7ba499c8b0bb7f86875: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit";

async fn bound(stage: &Stage, job: JobPod) -> (String, String, Kubelet) {
    let namespace = stage.namespace("standard", Some("baseline")).await;
    stage.node(&NodeSpec::new("worker")).await;
    let pod = stage.job_pod(&namespace, &job).await;
    assert_eq!(stage.scheduled(&namespace, &pod).await, "worker");
    let kubelet = stage.kubelet(&namespace, &pod).await;
    (namespace, pod, kubelet)
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

#[tokio::test]
async fn a_bound_pod_goes_through_sandbox_pull_and_start() {
    let stage = Stage::take().await;
    let (namespace, name, mut kubelet) = bound(&stage, JobPod::new(601)).await;

    let pod = stage.pod(&namespace, &name).await;
    assert_eq!(phase(&pod), "Pending");
    assert_eq!(
        condition(&pod, "PodScheduled").map(|c| c.status).as_deref(),
        Some("True"),
        "the scheduler's word is kept"
    );
    assert_eq!(condition(&pod, "PodReadyToStartContainers").map(|c| c.status).as_deref(), Some("False"));

    kubelet.runs().await;

    let pod = stage.pod(&namespace, &name).await;
    assert_eq!(phase(&pod), "Running");
    for kind in ["PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"] {
        assert_eq!(condition(&pod, kind).map(|c| c.status).as_deref(), Some("True"), "{kind}");
    }
    let pulled = stage.events(&namespace, &name, "Pulled").await;
    assert_eq!(
        pulled[0].message.as_deref(),
        Some(
            "Successfully pulled image \"docker.io/library/alpine:3.22\" in 1.366s (1.366s including waiting). Image size: 19493207 bytes."
        )
    );

    kubelet.ended("build", 0).await;
    kubelet.ended("helper", 0).await;
    assert_eq!(phase(&stage.pod(&namespace, &name).await), "Succeeded");
    stage.delete_pod(&namespace, &name).await;
}

#[tokio::test]
async fn a_failing_pull_waits_with_its_cause_and_counts_its_events_up() {
    let stage = Stage::take().await;
    let (namespace, name, mut kubelet) = bound(&stage, JobPod { image: "centos", ..JobPod::new(602) }).await;
    kubelet.sandbox_up().await;
    kubelet.started("init-permissions").await;
    kubelet.ended("init-permissions", 0).await;

    for _ in 0..2 {
        kubelet.pulling("build").await;
        kubelet.pull_failed("build", RATE_LIMITED).await;
    }
    kubelet.pull_backs_off("build", RATE_LIMITED).await;

    let pod = stage.pod(&namespace, &name).await;
    let statuses = pod.status.and_then(|status| status.container_statuses).expect("the kubelet wrote them");
    let waiting = statuses.into_iter().find(|status| status.name == "build").and_then(|status| status.state?.waiting);
    let waiting = waiting.expect("build waits");
    assert_eq!(waiting.reason.as_deref(), Some("ImagePullBackOff"));
    assert_eq!(waiting.message, Some(format!("Back-off pulling image \"centos\": ErrImagePull: {RATE_LIMITED}")));
    let failed = stage.events(&namespace, &name, "Failed").await;
    let pull =
        failed.iter().find(|event| event.message.as_ref().is_some_and(|text| text.starts_with("Failed to pull")));
    assert_eq!(pull.and_then(|event| event.count), Some(2), "{failed:?}");
    assert_eq!(failed.len(), 3, "one event for each text: {failed:?}");
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_leaves_the_pod_without_network() {
    let stage = Stage::take().await;
    let (namespace, name, kubelet) = bound(&stage, JobPod::new(603)).await;

    kubelet.sandbox_failed("rpc error: code = Unknown desc = failed to setup network for sandbox").await;

    assert_eq!(stage.events(&namespace, &name, "FailedCreatePodSandBox").await.len(), 1);
    let pod = stage.pod(&namespace, &name).await;
    assert_eq!(condition(&pod, "PodReadyToStartContainers").map(|c| c.status).as_deref(), Some("False"));
}

#[tokio::test]
async fn admission_refuses_a_privileged_job_in_a_baseline_namespace() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", Some("baseline")).await;

    let refused = stage.try_job_pod(&namespace, &JobPod { privileged: true, ..JobPod::new(604) }).await;

    let kube::Error::Api(status) = refused.expect_err("pod security refuses it") else { panic!("not the API's word") };
    assert_eq!(status.code, 403);
    assert_eq!(
        status.message,
        "pods \"runner-zxw6-rqkp-project-42-concurrent-0-00000604\" is forbidden: violates PodSecurity \"baseline:latest\": \
         privileged (containers \"build\", \"helper\" must not set securityContext.privileged=true)"
    );
}
