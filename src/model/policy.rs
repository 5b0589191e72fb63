//! What the operator declared, checked: the only thing beside the fleet that judgement reads.

use std::sync::Arc;
use std::time::Duration;

use crate::cause::labels;
use crate::model::posture::Expected;
use crate::observation::{RunnerId, SourceKey, SourceKind};

/// Position of a tier in [`Policy::tiers`].
pub type TierId = usize;

/// Everything judgement needs from the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The tiers, sorted by name.
    pub tiers: Vec<TierPolicy>,
    /// How old good data may be before judgement on it is withheld.
    pub staleness: Staleness,
    /// Within which time each watched project should have been looked at (`gitlab.queue.sweep`).
    pub sweep: Duration,
    /// Registries that may be a label value; the rest is `other`.
    pub registries: Vec<Arc<str>>,
    /// How long and how many jobs are remembered.
    pub history: History,
    /// An alert is told on for so long after its condition: two polls, so that a failed one ends nothing.
    pub keep_firing_for: Duration,
}

/// One trust tier.
#[derive(Debug, Clone, PartialEq)]
pub struct TierPolicy {
    /// Its name, also the `tier` label.
    pub name: Arc<str>,
    /// Tags that its runners carry and its jobs ask for.
    pub tags: Vec<Arc<str>>,
    /// Whether its runners are meant to take jobs without tags.
    pub run_untagged: bool,
    /// Its runners by id; empty: found by tags.
    pub runners: Vec<RunnerId>,
    /// Namespaces of its job pods.
    pub namespaces: Vec<Arc<str>>,
    /// Namespaces of its runner managers.
    pub manager_namespaces: Vec<Arc<str>>,
    /// Node label whose value is the tier's name on the tier's nodes.
    pub node_label: Arc<str>,
    /// Jobs it can run at once, where declared.
    pub capacity: Option<u32>,
    /// What being in trouble means for people.
    pub urgency: Urgency,
    /// What is promised to its users.
    pub objective: Objective,
    /// Where its runbook is.
    pub runbook_url: Option<Arc<str>>,
    /// How old its runners' tokens may become, and where their age is read.
    pub token: TokenPolicy,
    /// What its boundary is declared to be; absent: it is shown and not judged.
    pub posture: Option<Expected>,
    /// A tier in use starts a job at least this often; absent: it may rest for any time.
    pub expects_traffic: Option<Duration>,
    /// From where on a condition holds.
    pub conditions: Thresholds,
}

/// From where on the conditions of a tier hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// A job of a quiet tier is overdue after so many times `start_within`.
    pub overdue_factor: f64,
    /// The queue is stalled when the oldest job waits, and nothing starts, for so many times `start_within`.
    pub stalled_factor: f64,
    /// A job that GitLab dropped is told this long.
    pub dropped_for: Duration,
    /// So many jobs that the platform broke within the window.
    pub platform_failures_jobs: u32,
    /// They are at least this part of the tier's starts.
    pub platform_failures_ratio: f64,
    /// Within this time, an hour at most.
    pub platform_failures_window: Duration,
    /// No manager was ready for this long.
    pub down_after: Duration,
    /// A pod counts when no node took it for this long.
    pub unschedulable_after: Duration,
    /// So many pods that cannot pull within the window.
    pub pull_failing_pods: u32,
    /// Or this part of the pods that start.
    pub pull_failing_ratio: f64,
    /// Of at least so many projects.
    pub pull_failing_projects: u32,
    /// Within this time, an hour at most.
    pub pull_failing_window: Duration,
    /// No node is made for this long.
    pub scale_up_blocked_after: Duration,
    /// Part of the capacity or of a quota that is used.
    pub at_capacity_ratio: f64,
    /// Part of the queue that belongs to one project.
    pub flooded_ratio: f64,
    /// So many jobs wait at least.
    pub flooded_jobs: u32,
    /// A job counts when no runner may take it for this long.
    pub unserved_after: Duration,
    /// So long before its end a token is nobody's ticket any more.
    pub critical_before_expiry: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            overdue_factor: 3.0,
            stalled_factor: 2.0,
            dropped_for: minutes(30),
            platform_failures_jobs: 3,
            platform_failures_ratio: 0.1,
            platform_failures_window: minutes(15),
            down_after: minutes(3),
            unschedulable_after: minutes(2),
            pull_failing_pods: 3,
            pull_failing_ratio: 0.2,
            pull_failing_projects: 2,
            pull_failing_window: minutes(10),
            scale_up_blocked_after: minutes(5),
            at_capacity_ratio: 0.95,
            flooded_ratio: 0.8,
            flooded_jobs: 20,
            unserved_after: minutes(5),
            critical_before_expiry: minutes(2 * 24 * 60),
        }
    }
}

/// The tokens of a tier's runners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Older is too old.
    pub max_age: Duration,
    /// So long before its end a token should be replaced.
    pub warn_before_expiry: Duration,
    /// The Secret that holds the token, in the managers' namespaces; its metadata tells its age.
    pub secret: Option<Arc<str>>,
    /// The annotation of that Secret or of the manager pods that tells when the token was obtained.
    pub rotation_annotation: Option<Arc<str>>,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { max_age: 90 * day, warn_before_expiry: 14 * day, secret: None, rotation_annotation: None }
    }
}

impl TierPolicy {
    /// Whether a node with these labels is one of the tier's.
    #[must_use]
    pub fn has_node(&self, labels: &[(Arc<str>, Arc<str>)]) -> bool {
        labels.iter().any(|(key, value)| *key == self.node_label && *value == self.name)
    }
}

labels! {
    /// Who must react when a tier hurts.
    Urgency {
        /// Wakes somebody.
        Page = "page",
        /// Is done in working hours.
        Ticket = "ticket",
        /// Is shown only.
        None = "none",
    }
}

/// The service level of a tier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Part of the jobs that start in time, below 1.
    pub target: f64,
    /// Over which time.
    pub window: Duration,
    /// From "ready to run" to "build container running".
    pub start_within: Duration,
    /// Jobs an hour below which a ratio says nothing.
    pub min_jobs: u32,
}

/// How old good data may be, by source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staleness {
    /// Queue and running jobs.
    pub queue: Duration,
    /// Runners.
    pub runners: Duration,
    /// Watches of the Kubernetes API.
    pub watch: Duration,
}

impl Staleness {
    /// Data this old is no longer judged, however slowly it is read.
    pub const LONGEST: Duration = Duration::from_secs(5 * 60);
    /// So many reads may fail before data counts as stale.
    pub const READS: u32 = 3;

    /// The horizon of a source.
    #[must_use]
    pub const fn of(&self, kind: SourceKind) -> Duration {
        match kind {
            SourceKind::GitlabQueue
            | SourceKind::GitlabStarted
            | SourceKind::GitlabRefs
            | SourceKind::GitlabJobLogs
            | SourceKind::GitlabHooks
            | SourceKind::WebConfig => self.queue,
            SourceKind::GitlabRunners | SourceKind::GitlabRunnerJobs => self.runners,
            SourceKind::KubePods
            | SourceKind::KubeEvents
            | SourceKind::KubeNodeEvents
            | SourceKind::KubeNodes
            | SourceKind::KubeQuotas
            | SourceKind::KubeLimits
            | SourceKind::KubeNamespace
            | SourceKind::KubeNetpols
            | SourceKind::KubeAccounts
            | SourceKind::KubeRoles
            | SourceKind::KubeBindings
            | SourceKind::KubeTokenSecrets
            | SourceKind::Clock => self.watch,
        }
    }
}

/// Bounds of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Finished jobs older than this are forgotten.
    pub max_age: Duration,
    /// At most this many finished jobs are remembered.
    pub max_jobs: usize,
}

impl Policy {
    /// Tiers that depend on a source: those of its namespace, or all where it has none. No tier is seen through the web
    /// configuration.
    pub fn tiers_of(&self, source: &SourceKey) -> impl Iterator<Item = TierId> {
        let concerned = move |tier: &TierPolicy| match &source.namespace {
            None if source.kind == SourceKind::WebConfig => false,
            // Nodes belong to no namespace; their events only lie in one.
            Some(_) if source.kind == SourceKind::KubeNodeEvents => true,
            Some(namespace) => tier.namespaces.contains(namespace) || tier.manager_namespaces.contains(namespace),
            None => true,
        };
        self.tiers.iter().enumerate().filter(move |(_, tier)| concerned(tier)).map(|(id, _)| id)
    }

    /// The registry as a label value: itself where allowed, else `other`.
    #[must_use]
    pub fn registry_label(&self, registry: Option<&str>) -> Arc<str> {
        registry
            .and_then(|host| self.registries.iter().find(|allowed| allowed.as_ref() == host))
            .map_or_else(|| Arc::from("other"), Arc::clone)
    }
}
