//! Every word a source may say.
//!
//! Sources translate what an API answered into these shapes and judge nothing; the fleet folds them.
//! All of it is serde, so a recorded stream can be replayed. Text that users wrote (job names, refs,
//! messages) has been cut to a bound by the source's `translate`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One instant, read once: what the calendar says and what the stopwatch says.
///
/// Ages are differences of `mono`, which never steps; `wall` is compared with other machines' timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Calendar time.
    pub wall: Timestamp,
    /// Monotonic time since the clock was made.
    pub mono: Duration,
}

impl Now {
    /// Monotonic time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub fn since(&self, earlier: &Now) -> Duration {
        self.mono.saturating_sub(earlier.mono)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A GitLab job (`Ci::Build`) id. A retry is a new job.
    JobId
);
id!(
    /// A GitLab project id.
    ProjectId
);
id!(
    /// A GitLab runner id: one authentication token, any number of managers.
    RunnerId
);

/// What a source watches. One name per poll or watch, also the value of the `source` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Our own clock: the tick is part of the recorded stream.
    Clock,
    /// Pending jobs.
    GitlabQueue,
    /// Running jobs, and look-ups of single jobs that left the queue.
    GitlabStarted,
    /// Protected branches and tags of projects with waiting jobs.
    GitlabRefs,
    /// Runners and their managers.
    GitlabRunners,
    /// Pods of one namespace.
    KubePods,
    /// Events of one namespace.
    KubeEvents,
    /// Nodes of the cluster.
    KubeNodes,
}

impl SourceKind {
    /// Every kind that reaches out to an API.
    pub const ALL: [Self; 7] = [
        Self::GitlabQueue,
        Self::GitlabStarted,
        Self::GitlabRefs,
        Self::GitlabRunners,
        Self::KubePods,
        Self::KubeEvents,
        Self::KubeNodes,
    ];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::GitlabQueue => "gitlab_queue",
            Self::GitlabStarted => "gitlab_started",
            Self::GitlabRefs => "gitlab_refs",
            Self::GitlabRunners => "gitlab_runners",
            Self::KubePods => "kube_pods",
            Self::KubeEvents => "kube_events",
            Self::KubeNodes => "kube_nodes",
        }
    }
}

/// Which source spoke: its kind and, where it watches one namespace, that namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceKey {
    /// What it watches.
    pub kind: SourceKind,
    /// The namespace, for a source that watches only one.
    pub namespace: Option<Arc<str>>,
}

impl SourceKey {
    /// A source without a namespace.
    #[must_use]
    pub const fn global(kind: SourceKind) -> Self {
        Self { kind, namespace: None }
    }

    /// The source of one namespace.
    #[must_use]
    pub fn namespaced(kind: SourceKind, namespace: &str) -> Self {
        Self { kind, namespace: Some(namespace.into()) }
    }
}

/// One thing that one source said at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Who says it.
    pub source: SourceKey,
    /// When the answer arrived.
    pub at: Now,
    /// What it says.
    pub body: Body,
}

/// What a source may say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Time passed.
    Tick,
    /// The complete list of pending jobs of a scope.
    Queue {
        /// What the list is complete for.
        scope: QueueScope,
        /// Every pending job of the scope.
        jobs: Vec<JobReport>,
    },
    /// The complete list of running jobs of a scope.
    Running {
        /// What the list is complete for.
        scope: QueueScope,
        /// Every running job of the scope.
        jobs: Vec<JobReport>,
    },
    /// The answer to a look-up of one job.
    Job(Box<JobReport>),
    /// A looked-up job that GitLab does not know or does not show.
    JobNotFound(JobId),
    /// The projects that the `projects` queue source watches (the denominator of coverage).
    Projects(Vec<ProjectReport>),
    /// Protected refs of one project.
    ProtectedRefs(ProtectedRefs),
    /// All runners the token may see.
    Runners(Vec<RunnerReport>),
    /// A pod changed; keyed by uid.
    Pod(Change<Box<PodReport>>),
    /// An event was written; keyed by uid.
    Event(Change<Box<EventReport>>),
    /// A node changed; keyed by name.
    Node(Change<Box<NodeReport>>),
    /// A watch is in contact although nothing changed.
    Alive,
    /// The source tells about itself in words, e.g. which way of reading the queue it chose and why.
    Note(String),
    /// The attempt failed.
    Failed(Failure),
}

/// How a watched collection changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// The object as it is now.
    Upsert(T),
    /// The object with this key is deleted.
    Gone(Arc<str>),
    /// The whole collection as it is now: what is not in it is gone.
    Replace(Vec<T>),
}

/// What a list of jobs is complete for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueScope {
    /// The whole GitLab instance.
    Instance,
    /// One project.
    Project(ProjectId),
}

/// A job's status. GitLab's list is open; what judgement does not tell apart is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for a runner.
    Pending,
    /// Taken by a runner; its pod may still be pending.
    Running,
    /// Finished well.
    Success,
    /// Finished badly; `failure_reason` tells why.
    Failed,
    /// Canceled or being canceled.
    Canceled,
    /// Any other status.
    Other,
}

/// What GitLab says about one job. Absent fields were not shown to us.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// The job.
    pub id: JobId,
    /// Its project's id.
    pub project: Option<ProjectId>,
    /// Its project's full path.
    pub project_path: Option<Arc<str>>,
    /// Its name (the user's text).
    pub name: Arc<str>,
    /// Branch or tag name (the user's text).
    pub git_ref: Option<Arc<str>>,
    /// Whether `git_ref` is a tag.
    pub is_tag: Option<bool>,
    /// The job's own tags; REST's list by runner does not show them.
    pub tags: Option<Vec<Arc<str>>>,
    /// Its status.
    pub status: JobStatus,
    /// GitLab's verdict that no runner could take it; REST does not show it.
    pub stuck: Option<bool>,
    /// GitLab's own `queued_duration`: the wait so far, or the whole wait of a started job.
    pub queued_for: Option<Duration>,
    /// When it became pending, by GitLab's clock.
    pub queued_at: Option<Timestamp>,
    /// When a runner took it, by GitLab's clock.
    pub started_at: Option<Timestamp>,
    /// When it ended, by GitLab's clock.
    pub finished_at: Option<Timestamp>,
    /// The runner that took it.
    pub runner: Option<RunnerId>,
    /// GitLab's `failure_reason`, an open string; only failed jobs have one.
    pub failure_reason: Option<Arc<str>>,
}

/// A project whose queue is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectReport {
    /// The project.
    pub id: ProjectId,
    /// Its full path.
    pub path: Arc<str>,
}

/// The protected branch and tag patterns of a project (`*` matches any text, also `/`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedRefs {
    /// The project.
    pub project: ProjectId,
    /// Patterns of protected branches; absent when not readable.
    pub branches: Option<Vec<Arc<str>>>,
    /// Patterns of protected tags; absent when not readable.
    pub tags: Option<Vec<Arc<str>>>,
}

/// GitLab's word on a runner or a manager. It says `online` for two hours after the last contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerStatus {
    /// Contacted within two hours.
    Online,
    /// Contacted, but not within two hours.
    Offline,
    /// No contact for seven days.
    Stale,
    /// Never in contact.
    NeverContacted,
    /// A status this version does not know.
    Other,
}

impl RunnerStatus {
    /// Every value.
    pub const ALL: [Self; 5] = [Self::Online, Self::Offline, Self::Stale, Self::NeverContacted, Self::Other];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Stale => "stale",
            Self::NeverContacted => "never_contacted",
            Self::Other => "other",
        }
    }
}

/// Whose jobs a runner may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerScope {
    /// Every project of the instance.
    Instance,
    /// Projects below these groups (full paths).
    Groups(Vec<Arc<str>>),
    /// These projects (full paths).
    Projects(Vec<Arc<str>>),
    /// Not shown to us.
    Unknown,
}

/// What GitLab says about one runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunnerReport {
    /// The runner.
    pub id: RunnerId,
    /// Its description.
    pub description: Arc<str>,
    /// First eight characters of its token.
    pub short_sha: Option<Arc<str>>,
    /// Its tags.
    pub tags: Vec<Arc<str>>,
    /// Takes jobs without tags.
    pub run_untagged: bool,
    /// Takes only jobs of protected refs (`access_level = ref_protected`).
    pub protected: bool,
    /// May not be assigned to further projects.
    pub locked: bool,
    /// Takes no jobs for now.
    pub paused: bool,
    /// Status, with `paused` told apart.
    pub status: RunnerStatus,
    /// Whose jobs it may take.
    pub scope: RunnerScope,
    /// Last contact; GitLab writes it only every 40 to 55 minutes.
    pub contacted_at: Option<Timestamp>,
    /// When the runner was created: an upper bound of the token's age.
    pub created_at: Option<Timestamp>,
    /// When its token ends; absent also when we may not see it.
    pub token_expires_at: Option<Timestamp>,
    /// One per process that runs with the token; absent when not readable.
    pub managers: Option<Vec<ManagerReport>>,
}

/// One process that runs with a runner's token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerReport {
    /// GitLab's id of the machine.
    pub system_id: Arc<str>,
    /// Its status.
    pub status: RunnerStatus,
    /// Last contact, as coarse as the runner's.
    pub contacted_at: Option<Timestamp>,
    /// GitLab Runner's version.
    pub version: Option<Arc<str>>,
}

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
    /// `spec.serviceAccountName`.
    pub service_account: Option<Arc<str>>,
    /// Names of Secrets that the pod mounts or references.
    pub secrets: Vec<Arc<str>>,
    /// What the pod is exposed to.
    pub exposure: Exposure,
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

/// What a pod is exposed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// A container is privileged.
    pub privileged: bool,
    /// Uses the host's network.
    pub host_network: bool,
    /// Uses the host's process ids or IPC.
    pub host_namespaces: bool,
    /// Mounts a path of the host.
    pub host_path: bool,
    /// The service account's token is mounted (or not switched off).
    pub automount_token: bool,
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

/// A node's taint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: Arc<str>,
    /// Value, empty if none.
    pub value: Arc<str>,
    /// `NoSchedule`, `PreferNoSchedule`, `NoExecute`.
    pub effect: Arc<str>,
}

/// Why an attempt failed, for the `class` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No answer in time.
    Timeout,
    /// The name did not resolve.
    Dns,
    /// No connection, or it broke.
    Connection,
    /// TLS failed.
    Tls,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// The answer was not what the API documents.
    Decode,
    /// The answer was larger than we read.
    TooLarge,
    /// The answer pointed to another host.
    ForeignOrigin,
    /// The watch expired (410) and lists again.
    Expired,
    /// The token may not see what this source needs.
    Blind,
    /// A secret file could not be read.
    Secret,
    /// Anything else.
    Other,
}

impl FailureClass {
    /// Every value.
    pub const ALL: [Self; 16] = [
        Self::Timeout,
        Self::Dns,
        Self::Connection,
        Self::Tls,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimited,
        Self::ServerError,
        Self::Decode,
        Self::TooLarge,
        Self::ForeignOrigin,
        Self::Expired,
        Self::Blind,
        Self::Secret,
        Self::Other,
    ];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Decode => "decode",
            Self::TooLarge => "too_large",
            Self::ForeignOrigin => "foreign_origin",
            Self::Expired => "expired",
            Self::Blind => "blind",
            Self::Secret => "secret",
            Self::Other => "other",
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// In words, without secrets; shown on the page.
    pub detail: String,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
}

/// What the desk would like sources to look at next: the one arrow towards them, on a channel of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Jobs that left the queue and were found in no started set, most urgent first.
    pub look_ups: Vec<LookUp>,
    /// Projects with waiting jobs whose tier depends on protected refs that are not known yet.
    pub protected_refs: Vec<ProjectId>,
}

/// A job to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookUp {
    /// The job.
    pub job: JobId,
    /// Its project.
    pub project: ProjectId,
}
