//! The part of a Pod that tierwatch reads, as the API writes it.
//!
//! `k8s_openapi`'s Pod stores every field and fails on the first odd one.

use serde::Deserialize;

use super::labels::Expression;
use super::lenient::{Dictionary, Flag, List, Moment, Numbers, Presence, Shape, Switch, Text, Whole};

/// A Pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: Shape<PodMetadata>,
    pub(super) spec: Shape<Spec>,
    pub(super) status: Shape<Status>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodMetadata {
    pub(super) uid: Text,
    pub(super) name: Text,
    pub(super) resource_version: Text,
    pub(super) creation_timestamp: Moment,
    pub(super) deletion_timestamp: Moment,
    /// All of them: any may be what a network policy selects.
    pub(super) labels: Dictionary,
    /// Any of them: the configuration may name one.
    pub(super) annotations: Numbers,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) node_name: Text,
    pub(super) service_account_name: Text,
    pub(super) automount_service_account_token: Flag,
    pub(super) host_network: Flag,
    #[serde(rename = "hostPID")]
    pub(super) host_pid: Flag,
    #[serde(rename = "hostIPC")]
    pub(super) host_ipc: Flag,
    pub(super) init_containers: List<Shape<Container>>,
    pub(super) containers: List<Shape<Container>>,
    pub(super) volumes: List<Shape<Volume>>,
    pub(super) tolerations: List<Shape<TolerationObject>>,
    pub(super) security_context: Shape<SecurityContext>,
    pub(super) node_selector: Dictionary,
    pub(super) affinity: Shape<Affinity>,
    pub(super) image_pull_secrets: List<Shape<Named>>,
    /// Of the RuntimeClass, e.g. a virtual machine around the pod.
    pub(super) overhead: Shape<Amounts>,
    /// Of the whole pod, where declared.
    pub(super) resources: Shape<Resources>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: Text,
    pub(super) image: Text,
    pub(super) resources: Shape<Resources>,
    pub(super) security_context: Shape<SecurityContext>,
    pub(super) env: List<Shape<Variable>>,
    pub(super) env_from: List<Shape<VariableSource>>,
    pub(super) restart_policy: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub(super) requests: Shape<Amounts>,
    pub(super) limits: Shape<Amounts>,
}

/// Quantities as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Amounts {
    pub(super) cpu: Text,
    pub(super) memory: Text,
}

/// Of a container, or of the whole pod: then what it says holds for each container that says nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SecurityContext {
    pub(super) privileged: Flag,
    pub(super) run_as_user: Whole,
    pub(super) run_as_non_root: Flag,
    pub(super) capabilities: Shape<Capabilities>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Capabilities {
    pub(super) add: List<Text>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Affinity {
    pub(super) node_affinity: Shape<NodeAffinity>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(super) required: Shape<NodeTerms>,
}

/// One of them must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeTerms {
    pub(super) node_selector_terms: List<Shape<NodeTerm>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeTerm {
    pub(super) match_expressions: List<Shape<Expression>>,
}

/// Of an environment variable only the reference is read, and of one that is a switch whether it is on; never a value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: Text,
    pub(super) value: Switch,
    pub(super) value_from: Shape<ValueFrom>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ValueFrom {
    pub(super) secret_key_ref: Shape<Named>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VariableSource {
    pub(super) secret_ref: Shape<Named>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) name: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TolerationObject {
    pub(super) key: Text,
    pub(super) operator: Text,
    pub(super) value: Text,
    pub(super) effect: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) secret: Shape<SecretVolume>,
    pub(super) projected: Shape<Projected>,
    pub(super) csi: Shape<Csi>,
    pub(super) host_path: Option<Shape<HostPath>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct HostPath {
    pub(super) path: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SecretVolume {
    pub(super) secret_name: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Projected {
    pub(super) sources: List<Shape<Projection>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Projection {
    pub(super) secret: Shape<Named>,
    pub(super) service_account_token: Presence,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Csi {
    pub(super) node_publish_secret_ref: Shape<Named>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) phase: Text,
    pub(super) reason: Text,
    pub(super) message: Text,
    pub(super) nominated_node_name: Text,
    pub(super) conditions: List<Shape<Condition>>,
    pub(super) init_container_statuses: List<Shape<ContainerStatus>>,
    pub(super) container_statuses: List<Shape<ContainerStatus>>,
}

/// A condition of a pod or a node.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) status: Text,
    pub(super) reason: Text,
    pub(super) message: Text,
    pub(super) last_transition_time: Moment,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerStatus {
    pub(super) name: Text,
    pub(super) state: Shape<State>,
}

/// At most one of them stands there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) waiting: Option<Shape<Waiting>>,
    pub(super) running: Option<Shape<Running>>,
    pub(super) terminated: Option<Shape<Terminated>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    pub(super) reason: Text,
    pub(super) message: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Running {
    pub(super) started_at: Moment,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Terminated {
    pub(super) started_at: Moment,
    pub(super) finished_at: Moment,
    pub(super) reason: Text,
    pub(super) exit_code: Whole,
}
