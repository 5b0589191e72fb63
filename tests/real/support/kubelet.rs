//! Plays the kubelet for one bound pod: writes the status and the events that a kubelet would, in the order of a kubelet.
//!
//! Texts as in kubelet 1.36 (`images/image_manager.go`, `kuberuntime/kuberuntime_container.go`); events as by its recorder,
//! which counts a repeated event up instead of writing it again, and whose times have whole seconds.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::stage::{Hands, object, second};

const KUBELET: &str = "kubelet";

/// The kubelet's view of one pod.
pub(crate) struct Kubelet {
    client: Client,
    namespace: String,
    pod: Pod,
    node: String,
    /// Type, status, reason, since.
    conditions: Vec<(&'static str, bool, Option<&'static str>, String)>,
    init: Vec<Container>,
    containers: Vec<Container>,
    started: String,
}

#[derive(Debug)]
struct Container {
    name: String,
    image: String,
    state: Value,
}

impl Container {
    fn running(&self) -> bool {
        self.state.get("running").is_some()
    }

    fn exit_code(&self) -> Option<i64> {
        self.state.pointer("/terminated/exitCode").and_then(Value::as_i64)
    }

    fn status(&self) -> Value {
        json!({
            "name": self.name, "image": self.image, "imageID": if self.running() { format!("{}@sha256:{:0>64}", self.image, "5") } else { String::new() },
            "ready": self.running() || self.exit_code() == Some(0), "started": self.running(), "restartCount": 0,
            "lastState": {}, "state": self.state,
        })
    }
}

impl Hands {
    /// Takes over a pod that the scheduler has bound: the kubelet's first status, nothing is up yet.
    pub(crate) async fn kubelet(&self, namespace: &str, pod: &str) -> Kubelet {
        let pod = self.pod(namespace, pod).await;
        let spec = pod.spec.clone().expect("a pod has a spec");
        let waiting = |container: &k8s_openapi::api::core::v1::Container| Container {
            name: container.name.clone(),
            image: container.image.clone().expect("a job's container has an image"),
            state: json!({ "waiting": { "reason": "PodInitializing" } }),
        };
        let mut kubelet = Kubelet {
            client: self.admin.clone(),
            namespace: namespace.to_owned(),
            node: spec.node_name.expect("the scheduler has bound the pod"),
            init: spec.init_containers.iter().flatten().map(waiting).collect(),
            containers: spec.containers.iter().map(waiting).collect(),
            pod,
            conditions: Vec::new(),
            started: second(),
        };
        kubelet.condition("PodReadyToStartContainers", false, None);
        kubelet.condition("Initialized", false, Some("ContainersNotInitialized"));
        kubelet.condition("ContainersReady", false, Some("ContainersNotReady"));
        kubelet.condition("Ready", false, Some("ContainersNotReady"));
        kubelet.write().await;
        kubelet
    }
}

impl Kubelet {
    /// The sandbox and its network are up.
    pub(crate) async fn sandbox_up(&mut self) {
        self.condition("PodReadyToStartContainers", true, None);
        self.write().await;
    }

    /// The sandbox cannot be made; it is tried again for ever.
    pub(crate) async fn sandbox_failed(&self, cause: &str) {
        let text = format!("Failed to create pod sandbox: {cause}");
        self.event("Warning", "FailedCreatePodSandBox", &text, None).await;
    }

    /// The image of this container is being pulled.
    pub(crate) async fn pulling(&self, container: &str) {
        let text = format!("Pulling image \"{}\"", self.find(container).image);
        self.event("Normal", "Pulling", &text, Some(container)).await;
    }

    /// It has been pulled; both times as the kubelet words them, the second with the wait in its own queue.
    pub(crate) async fn pulled(&self, container: &str, took: &str, with_waiting: &str) {
        let image = &self.find(container).image;
        let text = format!(
            "Successfully pulled image \"{image}\" in {took} ({with_waiting} including waiting). Image size: 19493207 bytes."
        );
        self.event("Normal", "Pulled", &text, Some(container)).await;
    }

    /// One failed pull: the three events of it, and the container waits with the cause.
    pub(crate) async fn pull_failed(&mut self, container: &str, cause: &str) {
        let image = self.find(container).image.clone();
        self.set(container, json!({ "waiting": { "reason": "ErrImagePull", "message": cause } })).await;
        self.event("Warning", "Failed", &format!("Failed to pull image \"{image}\": {cause}"), Some(container)).await;
        self.event("Warning", "Failed", "Error: ErrImagePull", Some(container)).await;
    }

    /// The kubelet waits before it pulls again; since 1.32 the state keeps the cause, the event never does.
    pub(crate) async fn pull_backs_off(&mut self, container: &str, cause: &str) {
        let plain = format!("Back-off pulling image \"{}\"", self.find(container).image);
        let kept = format!("{plain}: ErrImagePull: {cause}");
        self.set(container, json!({ "waiting": { "reason": "ImagePullBackOff", "message": kept } })).await;
        self.event("Normal", "BackOff", &plain, Some(container)).await;
        self.event("Warning", "Failed", "Error: ImagePullBackOff", Some(container)).await;
    }

    /// The container runs.
    pub(crate) async fn started(&mut self, container: &str) {
        self.event("Normal", "Created", "Container created", Some(container)).await;
        self.set(container, json!({ "running": { "startedAt": second() } })).await;
        self.event("Normal", "Started", "Container started", Some(container)).await;
    }

    /// The container has ended.
    pub(crate) async fn ended(&mut self, container: &str, exit_code: i32) {
        let started =
            self.find(container).state.pointer("/running/startedAt").cloned().unwrap_or_else(|| second().into());
        let reason = if exit_code == 0 { "Completed" } else { "Error" };
        let ended = json!({ "exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": second() });
        self.set(container, json!({ "terminated": ended })).await;
    }

    /// The whole way of a pod that nothing goes wrong with, up to both containers running.
    pub(crate) async fn runs(&mut self) {
        self.sandbox_up().await;
        self.started("init-permissions").await;
        self.ended("init-permissions", 0).await;
        self.pulling("build").await;
        self.pulled("build", "1.366s", "1.366s").await;
        self.started("build").await;
        self.started("helper").await;
    }

    /// An event as the kubelet's recorder writes it: the same text again counts up and moves the time.
    pub(crate) async fn event(&self, kind: &str, reason: &str, message: &str, container: Option<&str>) {
        let events = Api::<Event>::namespaced(self.client.clone(), &self.namespace);
        let part = container.map(|name| {
            let list = if self.init.iter().any(|init| init.name == name) { "initContainers" } else { "containers" };
            format!("spec.{list}{{{name}}}")
        });
        let pod = self.pod.name_any();
        // The real name ends in the hexadecimal time of the first one; a digest of the key finds it again.
        let key = format!("{kind}/{reason}/{message}/{part:?}");
        let digest = key
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let name = format!("{pod}.{digest:016x}");
        let known = events.get_opt(&name).await.expect("an event can be read");
        if let Some(known) = known {
            let again = json!({ "count": known.count.unwrap_or(1) + 1, "lastTimestamp": second() });
            events
                .patch(&name, &PatchParams::default(), &Patch::Merge(again))
                .await
                .expect("an event can be counted up");
            return;
        }
        let event = object::<Event>(json!({
            "metadata": { "name": name, "namespace": self.namespace },
            "involvedObject": {
                "apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": self.namespace, "uid": self.pod.uid(),
                "resourceVersion": self.pod.resource_version(), "fieldPath": part,
            },
            "reason": reason, "message": message, "type": kind, "count": 1,
            "firstTimestamp": second(), "lastTimestamp": second(),
            "source": { "component": KUBELET, "host": self.node },
            "reportingComponent": KUBELET, "reportingInstance": self.node,
        }));
        events.create(&PostParams::default(), &event).await.expect("an event can be written");
    }

    fn find(&self, container: &str) -> &Container {
        let mut all = self.init.iter().chain(&self.containers);
        all.find(|known| known.name == container).unwrap_or_else(|| panic!("the pod has no container {container}"))
    }

    async fn set(&mut self, container: &str, state: Value) {
        let mut all = self.init.iter_mut().chain(&mut self.containers);
        let known = all.find(|known| known.name == container);
        known.unwrap_or_else(|| panic!("the pod has no container {container}")).state = state;
        let initialized = self.init.iter().all(|init| init.exit_code() == Some(0));
        self.condition("Initialized", initialized, (!initialized).then_some("ContainersNotInitialized"));
        let ready = self.containers.iter().all(Container::running);
        for kind in ["ContainersReady", "Ready"] {
            self.condition(kind, ready, (!ready).then_some("ContainersNotReady"));
        }
        self.write().await;
    }

    /// The time of a condition moves only when its status does.
    fn condition(&mut self, kind: &'static str, status: bool, reason: Option<&'static str>) {
        let since =
            self.conditions.iter().find(|known| known.0 == kind && known.1 == status).map(|known| known.3.clone());
        self.conditions.retain(|known| known.0 != kind);
        self.conditions.push((kind, status, reason, since.unwrap_or_else(second)));
    }

    fn phase(&self) -> &'static str {
        let codes: Vec<_> = self.containers.iter().map(Container::exit_code).collect();
        match () {
            () if codes.iter().all(|code| *code == Some(0)) => "Succeeded",
            () if codes.iter().all(Option::is_some) => "Failed",
            () if self.containers.iter().any(|c| c.running() || c.exit_code().is_some()) => "Running",
            () => "Pending",
        }
    }

    async fn write(&self) {
        let conditions: Vec<_> = self
            .conditions
            .iter()
            .map(|(kind, status, reason, since)| {
                json!({ "type": kind, "status": if *status { "True" } else { "False" }, "reason": reason, "lastTransitionTime": since })
            })
            .collect();
        let status = json!({ "status": {
            "phase": self.phase(),
            "startTime": self.started,
            "conditions": conditions,
            "initContainerStatuses": self.init.iter().map(Container::status).collect::<Vec<_>>(),
            "containerStatuses": self.containers.iter().map(Container::status).collect::<Vec<_>>(),
        }});
        let pods = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
        // Strategic: conditions of others, PodScheduled above all, stay.
        let written = pods.patch_status(&self.pod.name_any(), &PatchParams::default(), &Patch::Strategic(status)).await;
        written.unwrap_or_else(|e| panic!("writing the status of {}: {e}", self.pod.name_any()));
    }
}
