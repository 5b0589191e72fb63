//! What Kubernetes may be heard to say: pods, events, nodes, trimmed to what judgement needs.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{JobId, ProjectId};
use crate::cause::{closed, labels};

/// What a pod in a runner namespace is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodRole {
    /// Runs one job; made by a runner manager.
    Job,
    /// A runner manager.
    Manager,
    /// Anything else, the runner's autoscaler pause pods included.
    Other,
}

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodPhase {
    /// Not all containers started yet.
    Pending,
    /// At least one container runs.
    Running,
    /// All ended well.
    Succeeded,
    /// All ended, one badly.
    Failed,
    /// The node is out of contact.
    Unknown,
}

impl PodPhase {
    /// Every value.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Unknown];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

closed!(PodPhase);

/// The trimmed pod: the fields that judgement needs, and no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodReport {
    /// `metadata.uid`: the identity.
    pub uid: Arc<str>,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is for.
    pub role: PodRole,
    /// Annotation `job.runner.gitlab.com/id`: a claim that a user can forge.
    pub job: Option<JobId>,
    /// Label `project.runner.gitlab.com/id`: set by the runner, not forgeable since v17.9.
    pub project: Option<ProjectId>,
    /// Label `manager.runner.gitlab.com/id-short`: first nine characters of the runner's token.
    pub runner_short: Option<Arc<str>>,
    /// `metadata.creationTimestamp` (1 s precision).
    pub created: Timestamp,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// `status.phase`.
    pub phase: PodPhase,
    /// All containers are ready (condition `Ready`).
    pub ready: bool,
    /// The node it is bound to.
    pub node: Option<Arc<str>>,
    /// Condition `PodScheduled`.
    pub scheduled: Scheduled,
    /// When `PodReadyToStartContainers` (or `PodHasNetwork`) became true.
    pub sandbox_ready: Option<Timestamp>,
    /// Condition `DisruptionTarget`: reason and message.
    pub disruption: Option<Disruption>,
    /// `status.reason` and `status.message` of a failed pod, e.g. `Evicted`.
    pub failure: Option<Disruption>,
    /// Containers, init containers first.
    pub containers: Vec<ContainerReport>,
    /// Sum of the containers' requests.
    pub requests: Requests,
    /// What it may use at most.
    pub limits: Limits,
    /// What it has in common with the other pods of its runner.
    pub shape: Arc<PodShape>,
}

/// What pods of one runner have in common, kept once for all of them: what they can reach and what selects them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct PodShape {
    /// Its labels, by key; a value that differs from job to job is absent.
    pub labels: Vec<(Arc<str>, Option<Arc<str>>)>,
    /// Which values of the configured tier labels a node must have for it.
    pub node_selector: Vec<(Arc<str>, Arc<str>)>,
    /// `spec.serviceAccountName`.
    pub service_account: Option<Arc<str>>,
    /// Names of Secrets that it mounts or references; not the one that the runner makes for a single job.
    pub secrets: Vec<Arc<str>>,
    /// What it is exposed to.
    pub exposure: Exposure,
    /// A runner manager that does not rotate its own token.
    pub keeps_its_token: bool,
    /// When a runner manager's token was obtained, by the configured annotation.
    pub token_rotated: Option<Timestamp>,
}

/// Condition `PodScheduled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduled {
    /// No verdict yet.
    No,
    /// The scheduler found no node, or the pod is gated.
    Refused {
        /// `Unschedulable`, `SchedulingGated`, `SchedulerError`.
        reason: Arc<str>,
        /// The scheduler's sentence, uncut.
        message: Arc<str>,
        /// First refusal: the condition's last transition.
        since: Option<Timestamp>,
        /// What the pod tolerates.
        tolerations: Vec<Toleration>,
        /// `status.nominatedNodeName` is set: less important pods leave a node for it.
        #[serde(default)]
        nominated: bool,
    },
    /// Bound to a node at this moment.
    At(Option<Timestamp>),
}

/// A reason and a message that Kubernetes attached to a pod's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disruption {
    /// CamelCase reason.
    pub reason: Arc<str>,
    /// Free text.
    pub message: Arc<str>,
    /// When, where the API says so.
    pub at: Option<Timestamp>,
}

/// Which part a container plays in a job pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerRole {
    /// An init container.
    Init,
    /// Runs the user's script.
    Build,
    /// The runner's helper.
    Helper,
    /// A service the user asked for.
    Service,
}

/// One container's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerReport {
    /// Its name in the pod.
    pub name: Arc<str>,
    /// Its part.
    pub role: ContainerRole,
    /// The image reference of the spec.
    pub image: Arc<str>,
    /// Its state.
    pub state: ContainerState,
}

/// `containerStatuses[].state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    /// No status yet.
    Absent,
    /// Waiting.
    Waiting {
        /// CamelCase reason, e.g. `ImagePullBackOff`.
        reason: Arc<str>,
        /// Free text, uncut up to the source's bound.
        message: Arc<str>,
    },
    /// Running since.
    Running {
        /// `startedAt`.
        since: Option<Timestamp>,
    },
    /// Ended.
    Terminated {
        /// `startedAt`: absent when it never ran.
        started: Option<Timestamp>,
        /// `finishedAt`.
        finished: Option<Timestamp>,
        /// CamelCase reason, e.g. `OOMKilled`.
        reason: Arc<str>,
        /// Exit code.
        exit_code: i32,
    },
}

/// Requested resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    /// Bytes.
    pub memory_bytes: u64,
}

/// What a pod may use at most: its limits, or its requests where no limit is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Its largest container.
    pub container: Requests,
    /// All together.
    pub pod: Requests,
}

/// What a pod is exposed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Exposure {
    /// A container is privileged.
    pub privileged: bool,
    /// Uses the host's network.
    pub host_network: bool,
    /// Uses the host's process ids or IPC.
    pub host_namespaces: bool,
    /// Mounts a path of the host.
    pub host_path: bool,
    /// Mounts the socket of a container runtime, or a folder that holds it.
    pub docker_socket: bool,
    /// Nothing keeps a container from running as root.
    pub root: bool,
    /// The service account's token is mounted (or not switched off).
    pub automount_token: bool,
    /// Capabilities that a container adds.
    pub capabilities: Vec<Arc<str>>,
}

/// The trimmed event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventReport {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// Kind of the object it is about.
    pub about_kind: Arc<str>,
    /// Namespace of the object it is about, if it has one.
    pub about_namespace: Option<Arc<str>>,
    /// Name of the object it is about.
    pub about_name: Arc<str>,
    /// Uid of the object it is about.
    pub about_uid: Option<Arc<str>>,
    /// The container it is about (`involvedObject.fieldPath`), if it is about one.
    #[serde(default)]
    pub container: Option<Arc<str>>,
    /// CamelCase reason.
    pub reason: Arc<str>,
    /// `source.component`, else `reportingComponent`.
    pub author: Arc<str>,
    /// `type` is `Warning`.
    pub warning: bool,
    /// Free text.
    pub message: Arc<str>,
    /// Repeats so far; a lower bound.
    pub count: u32,
    /// Newest occurrence.
    pub last: Timestamp,
}

/// The trimmed node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name: the identity.
    pub name: Arc<str>,
    /// Values of the configured tier labels, by label key.
    pub tier_labels: Vec<(Arc<str>, Arc<str>)>,
    /// Condition `Ready` is true.
    pub ready: bool,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `status.allocatable`.
    pub allocatable: Requests,
}

/// A pod's toleration; what is absent matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toleration {
    /// The taint's key.
    pub key: Option<Arc<str>>,
    /// The taint's value.
    pub value: Option<Arc<str>>,
    /// The taint's effect.
    pub effect: Option<Arc<str>>,
}

/// A node's taint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: Arc<str>,
    /// Value, empty if none.
    pub value: Arc<str>,
    /// `NoSchedule`, `PreferNoSchedule`, `NoExecute`.
    pub effect: Arc<str>,
}

/// The trimmed resource quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaReport {
    /// Its name: the identity within its namespace.
    pub name: Arc<str>,
    /// It holds for some pods only (`spec.scopes`, `spec.scopeSelector`).
    pub scoped: bool,
    /// `status.hard` beside `status.used`; what was not counted yet is missing.
    pub lines: Vec<QuotaLine>,
}

/// One resource of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLine {
    /// As written, e.g. `requests.cpu`, `pods`.
    pub resource: Arc<str>,
    /// Used, in thousandths of a core, a byte or a piece.
    pub used_thousandths: u64,
    /// Granted, likewise.
    pub hard_thousandths: u64,
}

/// The trimmed LimitRange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReport {
    /// Its name: the identity within its namespace.
    pub name: Arc<str>,
    /// One for each resource of containers and of pods.
    pub lines: Vec<LimitLine>,
}

/// What a LimitRange says of one resource; amounts in thousandths of a core, a byte or a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitLine {
    /// Of what it speaks.
    pub part: LimitedPart,
    /// As written, e.g. `cpu`.
    pub resource: Arc<str>,
    /// As much at most.
    pub max: Option<u64>,
    /// As much at least.
    pub min: Option<u64>,
    /// A limit is at most so many thousandths of its request.
    pub max_ratio: Option<u64>,
    /// Who sets no request or limit gets one.
    pub has_default: bool,
}

labels! {
    /// What a line of a LimitRange limits.
    LimitedPart {
        /// Each container by itself.
        Container = "container",
        /// The containers of a pod together.
        Pod = "pod",
    }
}
