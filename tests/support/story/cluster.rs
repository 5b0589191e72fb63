//! Pods and nodes in a story.

use serde::Deserialize;
use tierwatch::observation::*;

use super::time;

pub(super) const NODE_LABEL: &str = "platform.gitlab.com/runner-tier";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PodList {
    pub(super) namespace: String,
    pub(super) list: Vec<Pod>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Pod {
    uid: String,
    pub(super) namespace: String,
    job: Option<u64>,
    project: Option<u64>,
    runner: Option<String>,
    manager: bool,
    ready: bool,
    created: f64,
    scheduled: Option<f64>,
    refused: Option<String>,
    refused_since: Option<f64>,
    /// Taints that it tolerates, as `key:effect`.
    tolerates: Vec<String>,
    /// Preemption makes room for it.
    nominated: bool,
    sandbox: Option<f64>,
    running: Option<f64>,
    image: Option<String>,
    waiting: Option<String>,
    message: String,
    phase: Option<PodPhase>,
    /// Of its one container, in thousandths.
    #[serde(default)]
    cpu: u64,
    /// Thousandths of a CPU that it requests; as many MiB of memory.
    #[serde(default)]
    asks: u64,
    node: Option<String>,
    /// `status.reason` and `status.message`.
    failure: Option<End>,
    /// Condition `DisruptionTarget`.
    disruption: Option<End>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    reason: String,
    #[serde(default)]
    message: String,
    at: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    name: String,
    tier: String,
    /// As `key:effect`.
    #[serde(default)]
    taints: Vec<String>,
    /// Allocatable thousandths of a CPU; as many MiB of memory.
    #[serde(default)]
    cpu: u64,
    #[serde(default)]
    cordoned: bool,
}

/// A pod of the tier `standard` for a job of project 1.
pub fn standard_pod(job: u64, created: f64, running: Option<f64>) -> Box<PodReport> {
    let pod =
        Pod { uid: format!("p{job}"), job: Some(job), created, scheduled: Some(created), running, ..Pod::default() };
    pod_report(&pod, "standard")
}

pub(super) fn pod_report(pod: &Pod, namespace: &str) -> Box<PodReport> {
    let state = match (&pod.waiting, pod.running) {
        (_, Some(since)) => ContainerState::Running { since: Some(time(since)) },
        (Some(reason), None) => {
            ContainerState::Waiting { reason: reason.as_str().into(), message: pod.message.as_str().into() }
        }
        (None, None) => ContainerState::Absent,
    };
    let scheduled = match (&pod.refused, pod.scheduled) {
        (_, Some(at)) => Scheduled::At(Some(time(at))),
        (Some(message), None) => Scheduled::Refused {
            reason: "Unschedulable".into(),
            message: message.as_str().into(),
            since: Some(time(pod.refused_since.unwrap_or(pod.created))),
            tolerations: pod.tolerates.iter().map(|text| toleration(text)).collect(),
            nominated: pod.nominated,
        },
        (None, None) => Scheduled::No,
    };
    let cpu = Requests { cpu_millis: pod.cpu, memory_bytes: 0 };
    Box::new(PodReport {
        uid: pod.uid.as_str().into(),
        namespace: namespace.into(),
        name: pod.uid.as_str().into(),
        role: if pod.manager { PodRole::Manager } else { PodRole::Job },
        job: pod.job.map(JobId),
        project: Some(ProjectId(pod.project.unwrap_or(1))),
        runner_short: Some(pod.runner.as_deref().unwrap_or("aaaaaaaa1").into()),
        created: time(pod.created),
        deleting: false,
        phase: pod.phase.unwrap_or(if pod.running.is_some() { PodPhase::Running } else { PodPhase::Pending }),
        ready: pod.ready,
        node: pod.node.as_deref().map(Into::into),
        scheduled,
        sandbox_ready: pod.sandbox.map(time),
        disruption: pod.disruption.as_ref().map(end),
        failure: pod.failure.as_ref().map(end),
        containers: vec![ContainerReport {
            name: "build".into(),
            role: ContainerRole::Build,
            image: pod.image.as_deref().unwrap_or("docker.io/library/rust:1").into(),
            state,
        }],
        requests: requests(pod.asks),
        limits: Limits { container: cpu, pod: cpu },
        shape: std::sync::Arc::default(),
    })
}

/// So many thousandths of a CPU and as many MiB.
const fn requests(amount: u64) -> Requests {
    Requests { cpu_millis: amount, memory_bytes: amount * 1024 * 1024 }
}

fn end(end: &End) -> Disruption {
    Disruption { reason: end.reason.as_str().into(), message: end.message.as_str().into(), at: end.at.map(time) }
}

pub(super) fn node(node: &Node) -> Box<NodeReport> {
    let taint = |text: &String| {
        let (key, effect) = text.split_once(':').expect("a taint is written `key:effect`");
        Taint { key: key.into(), value: "".into(), effect: effect.into() }
    };
    Box::new(NodeReport {
        name: node.name.as_str().into(),
        tier_labels: vec![(NODE_LABEL.into(), node.tier.as_str().into())],
        ready: true,
        unschedulable: node.cordoned,
        taints: node.taints.iter().map(taint).collect(),
        allocatable: requests(node.cpu),
    })
}

fn toleration(text: &str) -> Toleration {
    let (key, effect) = text.split_once(':').expect("a toleration is written `key:effect`");
    Toleration { key: Some(key.into()), value: None, effect: Some(effect.into()) }
}
