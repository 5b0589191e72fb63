//! Every word a source may say.
//!
//! Sources translate what an API answered into these shapes and judge nothing; the fleet folds them.
//! All of it is serde, so a recorded stream can be replayed. Text that users wrote (job names, refs,
//! messages) has been cut to a bound by the source's `translate`.

mod boundary;
mod earlier;
mod failure;
mod gitlab;
mod kubernetes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use boundary::{
    AccountReport, BindingReport, NamespaceReport, NetpolReport, Opening, Operator, Peer, PortRange, Ports,
    Requirement, RoleReport, SecretReport, SecurityMode, Selector,
};
pub use earlier::{Earlier, EarlierAlert};
pub use failure::{Failure, FailureClass};
pub use gitlab::{
    ApiTokenReport, JobLog, JobReport, JobStatus, ManagerReport, ProjectReport, ProtectedRefs, QueueScope,
    RunnerReport, RunnerScope, RunnerStatus,
};
pub use kubernetes::{
    ContainerReport, ContainerRole, ContainerState, Disruption, EventReport, Exposure, LimitLine, LimitReport,
    LimitedPart, Limits, NodeReport, PodPhase, PodReport, PodRole, PodShape, QuotaLine, QuotaReport, Requests,
    Scheduled, Taint, Toleration,
};

use crate::cause::closed;

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

/// Time from one instant to a later one; zero when it is earlier.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
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

/// What a source watches: one name per poll or watch.
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
    /// Jobs that the tiers' runners took lately.
    GitlabRunnerJobs,
    /// Ends of the logs of jobs that failed before they ran.
    GitlabJobLogs,
    /// Job hooks that GitLab sends to us.
    GitlabHooks,
    /// The file of `--web.config.file` and those that it names.
    WebConfig,
    /// Pods of one namespace.
    KubePods,
    /// Events of one namespace.
    KubeEvents,
    /// Events about nodes and claims for nodes, all in one namespace of the cluster.
    KubeNodeEvents,
    /// Nodes of the cluster.
    KubeNodes,
    /// Resource quotas of one namespace.
    KubeQuotas,
    /// Limit ranges of one namespace.
    KubeLimits,
    /// One namespace itself: its pod-security labels.
    KubeNamespace,
    /// Network policies of one namespace.
    KubeNetpols,
    /// Service accounts of one namespace.
    KubeAccounts,
    /// Roles of one namespace.
    KubeRoles,
    /// Role bindings of one namespace.
    KubeBindings,
    /// The Secrets of one namespace that hold runner tokens, by name, metadata only.
    KubeTokenSecrets,
}

impl SourceKind {
    /// Asked on demand, or told when something happens: its silence says nothing.
    #[must_use]
    pub const fn may_be_silent(self) -> bool {
        matches!(self, Self::GitlabRefs | Self::GitlabStarted | Self::GitlabJobLogs | Self::GitlabHooks)
    }

    /// Every kind that looks at something outside.
    pub const ALL: [Self; 20] = [
        Self::GitlabQueue,
        Self::GitlabStarted,
        Self::GitlabRefs,
        Self::GitlabRunners,
        Self::GitlabRunnerJobs,
        Self::GitlabJobLogs,
        Self::GitlabHooks,
        Self::WebConfig,
        Self::KubePods,
        Self::KubeEvents,
        Self::KubeNodeEvents,
        Self::KubeNodes,
        Self::KubeQuotas,
        Self::KubeLimits,
        Self::KubeNamespace,
        Self::KubeNetpols,
        Self::KubeAccounts,
        Self::KubeRoles,
        Self::KubeBindings,
        Self::KubeTokenSecrets,
    ];

    /// The value of the `source` label. Sources that answer one question together share it: each of them alone would
    /// cost a series per tier and way to fail.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::KubeNamespace
            | Self::KubeNetpols
            | Self::KubeAccounts
            | Self::KubeRoles
            | Self::KubeBindings
            | Self::KubeTokenSecrets => "kube_posture",
            Self::Clock
            | Self::GitlabQueue
            | Self::GitlabStarted
            | Self::GitlabRefs
            | Self::GitlabRunners
            | Self::GitlabRunnerJobs
            | Self::GitlabJobLogs
            | Self::GitlabHooks
            | Self::WebConfig
            | Self::KubePods
            | Self::KubeEvents
            | Self::KubeNodeEvents
            | Self::KubeNodes
            | Self::KubeQuotas
            | Self::KubeLimits => self.as_str(),
        }
    }

    /// It asks the Kubernetes API.
    #[must_use]
    pub const fn is_of_the_cluster(self) -> bool {
        match self {
            Self::KubePods
            | Self::KubeEvents
            | Self::KubeNodeEvents
            | Self::KubeNodes
            | Self::KubeQuotas
            | Self::KubeLimits
            | Self::KubeNamespace
            | Self::KubeNetpols
            | Self::KubeAccounts
            | Self::KubeRoles
            | Self::KubeBindings
            | Self::KubeTokenSecrets => true,
            Self::Clock
            | Self::GitlabQueue
            | Self::GitlabStarted
            | Self::GitlabRefs
            | Self::GitlabRunners
            | Self::GitlabRunnerJobs
            | Self::GitlabJobLogs
            | Self::GitlabHooks
            | Self::WebConfig => false,
        }
    }

    /// It asks again and again, in runs.
    #[must_use]
    pub const fn is_polled(self) -> bool {
        match self {
            Self::GitlabQueue
            | Self::GitlabStarted
            | Self::GitlabRefs
            | Self::GitlabRunners
            | Self::GitlabRunnerJobs
            | Self::GitlabJobLogs
            | Self::KubeNamespace
            | Self::KubeTokenSecrets => true,
            Self::Clock
            | Self::GitlabHooks
            | Self::WebConfig
            | Self::KubePods
            | Self::KubeEvents
            | Self::KubeNodeEvents
            | Self::KubeNodes
            | Self::KubeQuotas
            | Self::KubeLimits
            | Self::KubeNetpols
            | Self::KubeAccounts
            | Self::KubeRoles
            | Self::KubeBindings => false,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::GitlabQueue => "gitlab_queue",
            Self::GitlabStarted => "gitlab_started",
            Self::GitlabRefs => "gitlab_refs",
            Self::GitlabRunners => "gitlab_runners",
            Self::GitlabRunnerJobs => "gitlab_runner_jobs",
            Self::GitlabJobLogs => "gitlab_job_logs",
            Self::GitlabHooks => "gitlab_hooks",
            Self::WebConfig => "web_config",
            Self::KubePods => "kube_pods",
            Self::KubeEvents => "kube_events",
            Self::KubeNodeEvents => "kube_node_events",
            Self::KubeNodes => "kube_nodes",
            Self::KubeQuotas => "kube_quotas",
            Self::KubeLimits => "kube_limits",
            Self::KubeNamespace => "kube_namespace",
            Self::KubeNetpols => "kube_netpols",
            Self::KubeAccounts => "kube_accounts",
            Self::KubeRoles => "kube_roles",
            Self::KubeBindings => "kube_bindings",
            Self::KubeTokenSecrets => "kube_token_secrets",
        }
    }
}

closed!(SourceKind);

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
    /// What an earlier run left; said once, before anything else.
    Earlier(Box<Earlier>),
    /// The complete list of pending jobs of a scope.
    Queue {
        /// What the list is complete for.
        scope: QueueScope,
        /// Every pending job of the scope.
        jobs: Vec<JobReport>,
    },
    /// The complete list of pending jobs that some runners would take, by GitLab's own matching.
    RunnerQueues {
        /// Whose queues these are; others were not asked for, or are not shown.
        runners: Vec<RunnerId>,
        /// Every such job, with its takers.
        jobs: Vec<JobReport>,
    },
    /// The complete list of running jobs of a scope.
    Running {
        /// What the list is complete for.
        scope: QueueScope,
        /// Every running job of the scope.
        jobs: Vec<JobReport>,
    },
    /// The answer to a look-up of one job, or a row of a runner's jobs; from [`SourceKind::GitlabHooks`] what a hook told
    /// of one.
    Job(Box<JobReport>),
    /// A looked-up job that GitLab does not know or does not show.
    JobNotFound(JobId),
    /// The projects that the `projects` queue source watches (the denominator of coverage).
    Projects(Vec<ProjectReport>),
    /// Protected refs of one project.
    ProtectedRefs(ProtectedRefs),
    /// All runners the token may see.
    Runners(Vec<RunnerReport>),
    /// How the log of a failed job ends.
    JobLog(JobLog),
    /// A pod changed; keyed by uid.
    Pod(Change<Box<PodReport>>),
    /// An event was written; keyed by uid.
    Event(Change<Box<EventReport>>),
    /// A node changed; keyed by name.
    Node(Change<Box<NodeReport>>),
    /// A resource quota changed; keyed by name within the source's namespace.
    Quota(Change<Box<QuotaReport>>),
    /// A limit range changed; keyed by name within the source's namespace.
    Limit(Change<Box<LimitReport>>),
    /// The namespace of the source as it is now; absent: it is not there.
    Namespace(Option<Box<NamespaceReport>>),
    /// A network policy changed; keyed by name within the source's namespace.
    Netpol(Change<Box<NetpolReport>>),
    /// A service account changed; keyed by name within the source's namespace.
    Account(Change<Box<AccountReport>>),
    /// A role changed; keyed by name within the source's namespace.
    Role(Change<Box<RoleReport>>),
    /// A role binding changed; keyed by name within the source's namespace.
    Binding(Change<Box<BindingReport>>),
    /// The Secrets of the source that hold runner tokens, by name; absent: not there.
    TokenSecrets(Vec<(Arc<str>, Option<SecretReport>)>),
    /// The token that tierwatch itself uses; absent: GitLab tells nothing of this kind of token.
    ApiToken(Option<ApiTokenReport>),
    /// A watch is in contact although nothing changed.
    Alive,
    /// From now on the source reads its list only this often, since a list that long would otherwise take more than
    /// its part of the request budget; absent: as often as configured.
    Period(Option<Duration>),
    /// The source tells about itself in words, e.g. which way of reading the queue it chose and why.
    Note(String),
    /// The attempt failed.
    Failed(Failure),
}

impl Body {
    /// Of how many objects it tells: what it weighs, roughly.
    #[must_use]
    pub fn objects(&self) -> usize {
        match self {
            Self::Queue { jobs, .. } | Self::RunnerQueues { jobs, .. } | Self::Running { jobs, .. } => jobs.len(),
            Self::Projects(projects) => projects.len(),
            Self::Runners(runners) => runners.len(),
            Self::Pod(change) => change.objects(),
            Self::Event(change) => change.objects(),
            Self::Node(change) => change.objects(),
            Self::Quota(change) => change.objects(),
            Self::Limit(change) => change.objects(),
            Self::Netpol(change) => change.objects(),
            Self::Account(change) => change.objects(),
            Self::Role(change) => change.objects(),
            Self::Binding(change) => change.objects(),
            Self::TokenSecrets(secrets) => secrets.len(),
            Self::Namespace(_) | Self::ApiToken(_) | Self::Job(_) | Self::ProtectedRefs(_) | Self::JobLog(_) => 1,
            Self::Earlier(earlier) => earlier.open.len() + earlier.keys.len() / 16,
            Self::Tick | Self::JobNotFound(_) | Self::Alive | Self::Period(_) | Self::Note(_) | Self::Failed(_) => 0,
        }
    }
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

impl<T> Change<T> {
    fn objects(&self) -> usize {
        match self {
            Self::Upsert(_) | Self::Gone(_) => 1,
            Self::Replace(all) => all.len(),
        }
    }
}

/// What the desk would like sources to look at next: the one arrow towards them, on a channel of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Watched projects of which a hook told something new.
    pub projects: Vec<ProjectId>,
    /// The runners of the tiers.
    pub runners: Vec<RunnerId>,
    /// One of each kind of them: those that take the same jobs have the same queue.
    pub queues: Vec<RunnerId>,
    /// Jobs that left the queue and were found in no started set, most urgent first.
    pub look_ups: Vec<LookUp>,
    /// Projects with waiting jobs whose tier depends on protected refs; the source remembers what it read.
    pub protected_refs: Vec<ProjectId>,
    /// Failed jobs whose log may say why no pod was made.
    pub logs: Vec<LookUp>,
}

/// A job to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookUp {
    /// The job.
    pub job: JobId,
    /// Its project.
    pub project: ProjectId,
}

#[cfg(test)]
#[path = "round_trip_tests.rs"]
mod tests;
