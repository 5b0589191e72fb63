//! Pods, nodes, events and namespaces as the API server serves them: times cut to the second.

use std::sync::Arc;

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::node::Node;
use super::pod::{Condition, Container, Pod, PodOf};
use super::store::{Draft, Key, Resource};
use crate::demo::world::job::{Job, Runner};
use crate::demo::world::land::{Project, Tier};

/// What a pod's labels and annotations tell about its job.
pub(crate) struct JobOfPod<'a> {
    pub(crate) job: &'a Job,
    pub(crate) project: &'a Project,
    pub(crate) full_path: String,
    pub(crate) gitlab_url: &'a str,
}

/// Kubernetes writes whole seconds.
pub(crate) fn second(at: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%SZ", at).unwrap_or_else(|_| at.to_string())
}

/// Events of the scheduler carry microseconds.
fn micro(at: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%S.%6fZ", at.round(Unit::Microsecond).unwrap_or(at))
        .unwrap_or_else(|_| at.to_string())
}

pub(crate) fn pod_key(pod: &Pod, tier: &Tier) -> Key {
    Key { resource: Resource::Pods, namespace: Arc::clone(&tier.namespace), name: Arc::clone(&pod.name) }
}

pub(crate) fn pod(pod: &Pod, tier: &Tier, runner: &Runner, of: Option<&JobOfPod<'_>>) -> Draft {
    let (labels, annotations) = marks(pod, tier, runner, of);
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": tier.namespace,
            "uid": pod.uid,
            "creationTimestamp": second(pod.created),
            "labels": labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "annotations": annotations,
        },
        "spec": {
            "restartPolicy": if of.is_some() { "Never" } else { "Always" },
            "serviceAccountName": if of.is_some() { "job" } else { "gitlab-runner" },
            "automountServiceAccountToken": of.is_none(),
            "securityContext": { "runAsNonRoot": tier.name != "privileged" },
            "nodeSelector": { "platform.gitlab.com/runner-tier": tier.name },
            "tolerations": [{ "key": "runner-tier", "operator": "Equal", "value": tier.name, "effect": "NoSchedule" }],
            "imagePullSecrets": [{ "name": "registry-pull" }],
            "initContainers": specs(pod, tier, true),
            "containers": specs(pod, tier, false),
        },
        "status": {
            "phase": pod.phase(),
            "conditions": conditions(pod),
            "initContainerStatuses": statuses(pod, true),
            "containerStatuses": statuses(pod, false),
            "startTime": pod.bound.as_ref().map(|(at, _)| second(*at)),
            "qosClass": "Burstable",
        },
    });
    if let Some((_, node)) = &pod.bound {
        body["spec"]["nodeName"] = node.as_ref().into();
    }
    if let Some(at) = pod.deleting {
        body["metadata"]["deletionTimestamp"] = second(at).into();
        body["metadata"]["deletionGracePeriodSeconds"] = 1.into();
    }
    let fields = vec![
        ("status.phase", pod.phase().to_owned()),
        ("spec.nodeName", pod.bound.as_ref().map_or_else(String::new, |(_, node)| node.to_string())),
    ];
    Draft { key: pod_key(pod, tier), body, labels, fields }
}

fn marks(pod: &Pod, tier: &Tier, runner: &Runner, of: Option<&JobOfPod<'_>>) -> (Vec<(String, String)>, Value) {
    let own = |key: &str, value: String| (key.to_owned(), value);
    let Some(of) = of else {
        let release = format!("runner-{}", tier.name);
        let labels = vec![
            own("app", format!("{release}-gitlab-runner")),
            own("chart", "gitlab-runner-0.91.0".to_owned()),
            own("heritage", "Helm".to_owned()),
            own("release", release),
            own("pod-template-hash", "6d5f8c9b7d".to_owned()),
        ];
        let rotated = second(runner.token_rotated);
        let annotations = json!({ "checksum/configmap": "5f1c", "checksum/secrets": "e3b0",
            "platform.harbour.example/token-rotated-at": rotated.get(..10) });
        return (labels, annotations);
    };
    let JobOfPod { job, project, full_path, gitlab_url } = of;
    let sha = sha_of(job.pipeline);
    let labels = vec![
        own("job.runner.gitlab.com/pod", pod.name.to_string()),
        own("manager.runner.gitlab.com/id-short", runner.short_token().to_owned()),
        own("manager.runner.gitlab.com/name", format!("{}-runner", tier.name)),
        own("pod", pod.name.rsplit_once('-').map_or("", |(slot, _)| slot).to_owned()),
        own("project.runner.gitlab.com/id", project.id.to_string()),
        own("project.runner.gitlab.com/name", project.path.clone()),
        own("project.runner.gitlab.com/namespace", full_path.split('/').next().unwrap_or_default().to_owned()),
        own("project.runner.gitlab.com/root-namespace", full_path.split('/').next().unwrap_or_default().to_owned()),
    ];
    let annotations = json!({
        "job.runner.gitlab.com/id": job.id.to_string(),
        "job.runner.gitlab.com/url": format!("{gitlab_url}/{full_path}/-/jobs/{}", job.id),
        "job.runner.gitlab.com/sha": sha,
        "job.runner.gitlab.com/before_sha": "0000000000000000000000000000000000000000",
        "job.runner.gitlab.com/ref": job.git_ref,
        "job.runner.gitlab.com/name": job.name,
        "job.runner.gitlab.com/timeout": "1h0m0s",
        "project.runner.gitlab.com/id": project.id.to_string(),
    });
    (labels, annotations)
}

/// A commit id that a pipeline always has.
pub(crate) fn sha_of(pipeline: u64) -> String {
    format!("{:040x}", u128::from(pipeline).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn specs(pod: &Pod, tier: &Tier, init: bool) -> Vec<Value> {
    pod.containers
        .iter()
        .filter(|container| container.init == init)
        .map(|container| {
            json!({
                "name": container.name,
                "image": container.image,
                "imagePullPolicy": "IfNotPresent",
                "resources": { "requests": {
                    "cpu": format!("{}m", container.cpu_millis),
                    "memory": format!("{}Mi", container.memory_mib),
                } },
                "securityContext": { "privileged": tier.privileged && container.name == "build" },
                "env": if container.name == "runner" { rotation_is_ours() } else { json!([]) },
            })
        })
        .collect()
}

/// The Secret keeps the token, so the manager must not replace it.
fn rotation_is_ours() -> Value {
    json!([{ "name": "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", "value": "true" }])
}

fn conditions(pod: &Pod) -> Vec<Value> {
    let condition = |kind: &str, since: Option<Timestamp>, otherwise: (&str, &str)| {
        let mut value = json!({ "type": kind, "status": if since.is_some() { "True" } else { "False" }, "lastProbeTime": null,
            "lastTransitionTime": second(since.unwrap_or(pod.created)) });
        if since.is_none() && !otherwise.0.is_empty() {
            value["reason"] = otherwise.0.into();
            value["message"] = otherwise.1.into();
        }
        value
    };
    let mut all = Vec::new();
    if let Some((at, reason, message)) = pod.disruption {
        let mut value = condition("DisruptionTarget", Some(at), ("", ""));
        value["reason"] = reason.into();
        value["message"] = message.into();
        all.push(value);
    }
    let Some((bound, _)) = &pod.bound else {
        if let Some(refusal) = &pod.refused {
            let mut value = condition("PodScheduled", None, ("Unschedulable", &refusal.message));
            value["lastTransitionTime"] = second(refusal.since).into();
            all.push(value);
        }
        return all;
    };
    let ready_since = if pod.ready() { pod.containers.iter().filter_map(running_since).max() } else { None };
    all.push(condition("PodReadyToStartContainers", pod.sandbox, ("", "")));
    all.push(condition(
        "Initialized",
        pod.initialized,
        ("ContainersNotInitialized", "containers with incomplete status"),
    ));
    all.push(condition("Ready", ready_since, ("ContainersNotReady", "containers with unready status")));
    all.push(condition("ContainersReady", ready_since, ("ContainersNotReady", "containers with unready status")));
    all.push(condition("PodScheduled", Some(*bound), ("", "")));
    all
}

fn running_since(container: &Container) -> Option<Timestamp> {
    match container.state {
        Condition::Running { since } => Some(since),
        Condition::Unseen | Condition::Waiting { .. } | Condition::Ended { .. } => None,
    }
}

fn statuses(pod: &Pod, init: bool) -> Vec<Value> {
    if pod.bound.is_none() {
        return Vec::new();
    }
    pod.containers
        .iter()
        .filter(|container| container.init == init)
        .map(|container| {
            let state = match &container.state {
                Condition::Unseen => json!({ "waiting": { "reason": "PodInitializing" } }),
                Condition::Waiting { reason, message } if message.is_empty() => {
                    json!({ "waiting": { "reason": reason } })
                }
                Condition::Waiting { reason, message } => {
                    json!({ "waiting": { "reason": reason, "message": message } })
                }
                Condition::Running { since } => json!({ "running": { "startedAt": second(*since) } }),
                Condition::Ended { started, finished, reason, code } => json!({ "terminated": {
                    "startedAt": second(*started), "finishedAt": second(*finished), "reason": reason, "exitCode": code,
                } }),
            };
            json!({
                "name": container.name,
                "image": container.image,
                "imageID": "",
                "ready": matches!(container.state, Condition::Running { .. }),
                "started": matches!(container.state, Condition::Running { .. }),
                "restartCount": if matches!(pod.of, PodOf::Manager(_)) && container.state != Condition::Unseen
                    && !matches!(container.state, Condition::Running { .. }) { 5 } else { 0 },
                "lastState": {},
                "state": state,
            })
        })
        .collect()
}

pub(crate) fn node_key(name: &Arc<str>) -> Key {
    Key { resource: Resource::Nodes, namespace: "".into(), name: Arc::clone(name) }
}

pub(crate) fn node(node: &Node, tiers: &[Tier], created: Timestamp) -> Draft {
    let mut labels = vec![
        ("kubernetes.io/arch".to_owned(), "amd64".to_owned()),
        ("kubernetes.io/hostname".to_owned(), node.name.to_string()),
        ("kubernetes.io/os".to_owned(), "linux".to_owned()),
    ];
    let mut taints: Vec<Value> = node
        .taints
        .iter()
        .map(|(key, value, effect)| json!({ "key": key, "value": value, "effect": effect }))
        .collect();
    if let Some(tier) = node.tier.and_then(|tier| tiers.get(tier)) {
        labels.push(("platform.gitlab.com/runner-tier".to_owned(), tier.name.to_owned()));
        taints.push(json!({ "key": "runner-tier", "value": tier.name, "effect": "NoSchedule" }));
    }
    if !node.ready {
        taints.push(json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" }));
    }
    if node.cordoned {
        taints.push(json!({ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }));
    }
    let resources = json!({
        "cpu": format!("{}m", node.cpu_millis),
        "memory": format!("{}Mi", node.memory_mib),
        "ephemeral-storage": "95551679124",
        "pods": "110",
    });
    let body = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "uid": node.uid,
            "creationTimestamp": second(created),
            "labels": labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        },
        "spec": { "providerID": format!("demo:///{}", node.name), "taints": taints, "unschedulable": node.cordoned },
        "status": {
            "allocatable": resources,
            "capacity": resources,
            "conditions": [
                { "type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory", "message": "kubelet has sufficient memory available",
                  "lastHeartbeatTime": second(created), "lastTransitionTime": second(created) },
                { "type": "Ready", "status": if node.ready { "True" } else { "False" }, "reason": "KubeletReady", "message": "kubelet is posting ready status",
                  "lastHeartbeatTime": second(created), "lastTransitionTime": second(created) },
            ],
            "nodeInfo": { "kubeletVersion": "v1.35.2", "containerRuntimeVersion": "containerd://2.1.4", "architecture": "amd64",
                "operatingSystem": "linux", "osImage": "Harbour OS 12", "kernelVersion": "6.12.0", "bootID": "", "machineID": "",
                "systemUUID": "", "kubeProxyVersion": "v1.35.2" },
        },
    });
    Draft { key: node_key(&node.name), body, labels, fields: Vec::new() }
}

pub(crate) fn namespace(name: &Arc<str>, uid: &str, created: Timestamp, enforced: &str) -> Draft {
    let labels = vec![
        ("kubernetes.io/metadata.name".to_owned(), name.to_string()),
        ("pod-security.kubernetes.io/enforce".to_owned(), enforced.to_owned()),
    ];
    let body = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "uid": uid, "creationTimestamp": second(created),
            "labels": labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() },
        "spec": { "finalizers": ["kubernetes"] },
        "status": { "phase": "Active" },
    });
    Draft {
        key: Key { resource: Resource::Namespaces, namespace: "".into(), name: Arc::clone(name) },
        body,
        labels,
        fields: Vec::new(),
    }
}

pub(crate) fn quota_key(namespace: &Arc<str>) -> Key {
    Key { resource: Resource::Quotas, namespace: Arc::clone(namespace), name: "jobs".into() }
}

/// A quota of pods, as the quota controller has counted it.
pub(crate) fn quota(namespace: &Arc<str>, uid: &str, created: Timestamp, used: usize, hard: usize) -> Draft {
    let (used, hard) = (used.to_string(), hard.to_string());
    let body = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": { "name": "jobs", "namespace": namespace, "uid": uid, "creationTimestamp": second(created) },
        "spec": { "hard": { "pods": hard } },
        "status": { "hard": { "pods": hard }, "used": { "pods": used } },
    });
    Draft { key: quota_key(namespace), body, labels: Vec::new(), fields: Vec::new() }
}

pub(crate) fn limit_key(namespace: &Arc<str>) -> Key {
    Key { resource: Resource::Limits, namespace: Arc::clone(namespace), name: "job-limits".into() }
}

/// A bound of each container's CPU.
pub(crate) fn limit(namespace: &Arc<str>, uid: &str, created: Timestamp, max_cpu: &str) -> Draft {
    let body = json!({
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": { "name": "job-limits", "namespace": namespace, "uid": uid, "creationTimestamp": second(created) },
        "spec": { "limits": [{ "type": "Container", "max": { "cpu": max_cpu } }] },
    });
    Draft { key: limit_key(namespace), body, labels: Vec::new(), fields: Vec::new() }
}

/// Something that a component said about an object.
#[derive(Debug, Clone)]
pub(crate) struct Said<'a> {
    pub(crate) component: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: &'a str,
    pub(crate) warning: bool,
    pub(crate) count: u32,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// An event about an object (`kind`, namespace, name, uid). The scheduler writes the new form: a series,
/// no counts and no legacy times; the others write the legacy one.
pub(crate) fn event(key: Key, uid: &str, about: (&str, &str, &str, &str), said: &Said<'_>) -> Draft {
    let (kind, about_namespace, about_name, about_uid) = about;
    let scheduler = said.component == "default-scheduler";
    // Notes are cut at 1 kB by their writers.
    let note: String = if said.message.len() > 1024 {
        said.message.chars().take(1000).chain(" ...".chars()).collect()
    } else {
        said.message.to_owned()
    };
    let mut involved = json!({ "kind": kind, "name": about_name, "uid": about_uid, "apiVersion": "v1" });
    if !about_namespace.is_empty() {
        involved["namespace"] = about_namespace.into();
    }
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": key.name, "namespace": key.namespace, "uid": uid, "creationTimestamp": second(said.first) },
        "involvedObject": involved,
        "reason": said.reason,
        "message": note,
        "type": if said.warning { "Warning" } else { "Normal" },
        "reportingComponent": said.component,
        "reportingInstance": if scheduler { "default-scheduler-control-0" } else { "" },
    });
    if scheduler {
        body["eventTime"] = micro(said.first).into();
        body["action"] = "Scheduling".into();
        body["source"] = json!({});
        body["firstTimestamp"] = Value::Null;
        body["lastTimestamp"] = Value::Null;
        if said.count > 1 {
            body["series"] = json!({ "count": said.count, "lastObservedTime": micro(said.last) });
        }
    } else {
        body["eventTime"] = Value::Null;
        body["source"] = json!({ "component": said.component });
        body["firstTimestamp"] = second(said.first).into();
        body["lastTimestamp"] = second(said.last).into();
        body["count"] = said.count.into();
    }
    let fields = vec![
        ("involvedObject.kind", kind.to_owned()),
        ("involvedObject.name", about_name.to_owned()),
        ("involvedObject.namespace", about_namespace.to_owned()),
        ("involvedObject.uid", about_uid.to_owned()),
        ("reason", said.reason.to_owned()),
        ("type", if said.warning { "Warning" } else { "Normal" }.to_owned()),
        ("reportingComponent", said.component.to_owned()),
        ("source", said.component.to_owned()),
    ];
    Draft { key, body, labels: Vec::new(), fields }
}
