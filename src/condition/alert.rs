//! The alerts: which condition each rests on, how long it must hold, how urgent it is. One row each.
//!
//! Rules and the push to Alertmanager are made of these rows, so that both say the same.

use std::time::Duration;

use super::line::Condition;
use crate::cause::labels;
use crate::model::policy::Urgency;

/// An alert that rests on a condition. One with two rows has two severities.
#[derive(Debug, Clone, Copy)]
pub struct Alert {
    /// Its name, also that of its runbook.
    pub name: &'static str,
    /// What it rests on.
    pub condition: Condition,
    /// How long the condition must hold.
    pub pending: Duration,
    /// How urgent it is.
    pub severity: SeverityRule,
    /// What it is about.
    pub kind: Kind,
    /// Which upstream it is mute without.
    pub depends_on: DependsOn,
    /// One line without numbers, after the tier's name where it is about a tier.
    pub summary: &'static str,
    /// What users or operators feel, and where to look.
    pub description: &'static str,
}

impl Alert {
    /// The row that makes the alert of this name, condition, check or source, and severity: one with two rows has a patience for each.
    #[must_use]
    pub fn of(name: &str, condition: Condition, subject: Option<&str>, severity: Severity) -> Option<&'static Self> {
        let of_tier = |rule: SeverityRule, urgency| rule.of_subject(urgency, subject) == Some(severity);
        ALERTS.iter().filter(|row| row.name == name && row.condition == condition).find(|row| {
            match condition.is_own() {
                true => row.severity.own() == severity,
                false => Urgency::ALL.iter().any(|urgency| of_tier(row.severity, *urgency)),
            }
        })
    }
}

labels! {
    /// The `severity` label.
    Severity {
        /// Wakes somebody.
        Critical = "critical",
        /// Is done in working hours.
        Warning = "warning",
        /// Is shown only.
        Info = "info",
    }
}

/// How the severity is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeverityRule {
    /// As urgent as the tier.
    Urgency,
    /// For tiers that page somebody only: elsewhere the row beside it says the same.
    UrgencyIfPage,
    /// A warning.
    Warning,
    /// A warning, and critical for the checks of [`GRAVE_CHECKS`] where the tier pages somebody.
    Check,
    /// The same whatever the tier.
    Critical,
    /// Information.
    Info,
}

labels! {
    /// The `alert_type` label.
    Kind {
        /// What users feel.
        Symptom = "symptom",
        /// Why they may feel it.
        Cause = "cause",
        /// A trust boundary.
        Boundary = "boundary",
        /// tierwatch cannot see.
        Blind = "blind",
    }
}

labels! {
    /// The `depends_on` label: without it the alert is mute.
    DependsOn {
        /// GitLab.
        Gitlab = "gitlab",
        /// The cluster.
        Kubernetes = "kubernetes",
        /// Both.
        Both = "both",
        /// Neither.
        None = "none",
    }
}

/// Boundaries that keep a job from taking over the cluster, leaving its network, or reaching protected secrets.
pub const GRAVE_CHECKS: [&str; 3] = ["privileged", "default_deny", "protected"];

/// Sources without which the symptoms are mute: their silence becomes as urgent as the tier.
pub const SIGHT: [&str; 4] = ["gitlab_queue", "gitlab_started", "gitlab_runners", "kube_pods"];

impl SeverityRule {
    /// The severity for a tier of this urgency; `None` where no such alert exists. A tier that is only shown never does more.
    #[must_use]
    pub const fn of(self, urgency: Urgency) -> Option<Severity> {
        Some(match (self, urgency) {
            (Self::UrgencyIfPage, Urgency::Ticket | Urgency::None) => return None,
            (Self::Info, _) | (_, Urgency::None) => Severity::Info,
            (Self::Urgency | Self::UrgencyIfPage | Self::Critical, Urgency::Page) => Severity::Critical,
            (Self::Urgency | Self::Critical, Urgency::Ticket) | (Self::Warning | Self::Check, _) => Severity::Warning,
        })
    }

    /// The same for one check or source of the tier.
    #[must_use]
    pub fn of_subject(self, urgency: Urgency, subject: Option<&str>) -> Option<Severity> {
        match (self, urgency, subject) {
            (Self::Check, Urgency::Page, Some(check)) if GRAVE_CHECKS.contains(&check) => Some(Severity::Critical),
            (Self::UrgencyIfPage, _, Some(source)) if !SIGHT.contains(&source) => None,
            _ => self.of(urgency),
        }
    }

    /// The severity of an alert about tierwatch itself.
    #[must_use]
    pub const fn own(self) -> Severity {
        match self {
            Self::Critical => Severity::Critical,
            Self::Info => Severity::Info,
            Self::Urgency | Self::UrgencyIfPage | Self::Warning | Self::Check => Severity::Warning,
        }
    }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Every alert that rests on a condition. The burn of the start budget and tierwatch's own death rest on Prometheus alone.
pub const ALERTS: &[Alert] = &[
    Alert {
        name: "TierJobsOverdue",
        condition: Condition::JobsOverdue,
        pending: minutes(1),
        severity: SeverityRule::Urgency,
        kind: Kind::Symptom,
        depends_on: DependsOn::Gitlab,
        summary: "a job waits far longer than promised",
        description: "The tier starts too few jobs for a ratio, and one has waited for several times start_within. Its developer sees a pipeline that hangs.",
    },
    Alert {
        name: "TierQueueStalled",
        condition: Condition::QueueStalled,
        pending: minutes(2),
        severity: SeverityRule::Urgency,
        kind: Kind::Symptom,
        depends_on: DependsOn::Gitlab,
        summary: "jobs wait and none is started",
        description: "Jobs that the tier's runners may take have waited for more than twice start_within, and no runner has taken any in that time. Every pipeline of the tier hangs.",
    },
    Alert {
        name: "TierJobsDropped",
        condition: Condition::JobsDropped,
        pending: Duration::ZERO,
        severity: SeverityRule::Urgency,
        kind: Kind::Symptom,
        depends_on: DependsOn::Gitlab,
        summary: "GitLab failed jobs that no runner had taken",
        description: "GitLab gave up on at least one job that runners of the tier may take and had not taken for a day. Its pipeline has failed without having run.",
    },
    Alert {
        name: "TierPlatformFailures",
        condition: Condition::PlatformFailures,
        pending: minutes(2),
        severity: SeverityRule::Urgency,
        kind: Kind::Symptom,
        depends_on: DependsOn::Both,
        summary: "the platform breaks jobs",
        description: "Several jobs, and a good part of those that started, failed by the runner, the cluster or a registry and not by their own scripts. Developers see failures that a retry may or may not cure.",
    },
    Alert {
        name: "TierDown",
        condition: Condition::Down,
        pending: minutes(2),
        severity: SeverityRule::Urgency,
        kind: Kind::Symptom,
        depends_on: DependsOn::Kubernetes,
        summary: "no runner manager works",
        description: "No runner manager pod of the tier has been ready for minutes (or, where pods cannot be seen, no runner is online). No job of the tier is started, and running jobs lose their manager.",
    },
    Alert {
        name: "TierUnschedulable",
        condition: Condition::Unschedulable,
        pending: minutes(3),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Kubernetes,
        summary: "job pods find no node",
        description: "Job pods have waited for a node for longer than a node takes to come. Their jobs are called running in GitLab and do nothing.",
    },
    Alert {
        name: "TierImagePullFailing",
        condition: Condition::ImagePullFailing,
        pending: minutes(2),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Kubernetes,
        summary: "images cannot be pulled",
        description: "Job pods of several projects cannot pull their images, and it is not the users' own mistake. Their jobs fail or start late.",
    },
    Alert {
        name: "TierScaleUpBlocked",
        condition: Condition::ScaleUpBlocked,
        pending: minutes(5),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Kubernetes,
        summary: "the autoscaler makes no node",
        description: "Job pods wait for a node, and the autoscaler has refused or failed to make one for minutes. They wait until another job ends.",
    },
    Alert {
        name: "TierAtCapacity",
        condition: Condition::AtCapacity,
        pending: minutes(10),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Both,
        summary: "jobs wait and there is no room left",
        description: "Nearly all of the tier's declared capacity or of a quota is used while jobs wait. Soon jobs wait too long, or pods are refused.",
    },
    Alert {
        name: "TierRunnersOffline",
        condition: Condition::RunnersOffline,
        pending: minutes(10),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Both,
        summary: "some runners do not work",
        description: "Some, not all, runner managers of the tier are not ready, or a declared runner is offline. What is left takes all jobs.",
    },
    Alert {
        name: "TierFlooded",
        condition: Condition::Flooded,
        pending: minutes(10),
        severity: SeverityRule::Info,
        kind: Kind::Cause,
        depends_on: DependsOn::Gitlab,
        summary: "one project has filled the queue",
        description: "Most of the waiting jobs belong to one project. Others wait behind it as far as GitLab's fair order lets them.",
    },
    Alert {
        name: "JobsUnserved",
        condition: Condition::JobsUnserved,
        pending: minutes(5),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Gitlab,
        summary: "a job waits that no runner may take",
        description: "A job asks for the tier's tags, and no runner carries all of them or may take it. GitLab fails it after an hour or a day.",
    },
    Alert {
        name: "RunnerTokenExpiring",
        condition: Condition::RunnerTokenExpiring,
        pending: minutes(30),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Gitlab,
        summary: "a runner token ends soon",
        description: "The token of a runner of the tier ends within the time in which it should be replaced. From then on its runner takes no job.",
    },
    Alert {
        name: "RunnerTokenExpiring",
        condition: Condition::RunnerTokenEnding,
        pending: minutes(30),
        severity: SeverityRule::UrgencyIfPage,
        kind: Kind::Cause,
        depends_on: DependsOn::Gitlab,
        summary: "a runner token ends within days",
        description: "The token of a runner of the tier ends before the next working days are over. From then on its runner takes no job.",
    },
    Alert {
        name: "RunnerTokenTooOld",
        condition: Condition::RunnerTokenTooOld,
        pending: minutes(60),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Gitlab,
        summary: "a runner token is too old",
        description: "A runner token of the tier is older than token.max_age. Whoever copied it once can still take the tier's jobs and their secrets.",
    },
    Alert {
        name: "TierBoundaryMoved",
        condition: Condition::BoundaryMoved,
        pending: minutes(5),
        severity: SeverityRule::Check,
        kind: Kind::Boundary,
        depends_on: DependsOn::Kubernetes,
        summary: "a trust boundary is not as declared",
        description: "What is really there differs from what the tier declares. Jobs may reach what they must not.",
    },
    Alert {
        name: "TierwatchSourceDown",
        condition: Condition::SourceDown,
        pending: minutes(5),
        severity: SeverityRule::Warning,
        kind: Kind::Blind,
        depends_on: DependsOn::None,
        summary: "tierwatch cannot read a source",
        description: "One of the sources that the tier's judgements rest on does not answer. Alerts that depend on it are mute for this tier.",
    },
    Alert {
        name: "TierwatchSourceDown",
        condition: Condition::SourceDown,
        pending: minutes(30),
        severity: SeverityRule::UrgencyIfPage,
        kind: Kind::Blind,
        depends_on: DependsOn::None,
        summary: "tierwatch has been blind for half an hour",
        description: "A source without which no symptom of the tier can be seen has not answered for half an hour. Nobody would be told of an outage.",
    },
    Alert {
        name: "TierUnobserved",
        condition: Condition::Unobserved,
        pending: minutes(10),
        severity: SeverityRule::Warning,
        kind: Kind::Blind,
        depends_on: DependsOn::None,
        summary: "nothing is known of the tier",
        description: "Neither the queue nor the pods of the tier have been seen for minutes. No other alert of the tier can be trusted.",
    },
    Alert {
        name: "TierNoTraffic",
        condition: Condition::NoTraffic,
        pending: minutes(10),
        severity: SeverityRule::Warning,
        kind: Kind::Cause,
        depends_on: DependsOn::Gitlab,
        summary: "a tier in use starts no jobs",
        description: "No job of the tier has started for longer than expects_traffic allows. Jobs may be going elsewhere, or not be made at all.",
    },
    Alert {
        name: "TierwatchTokenExpiring",
        condition: Condition::ApiTokenExpiring,
        pending: minutes(60),
        severity: SeverityRule::Warning,
        kind: Kind::Blind,
        depends_on: DependsOn::Gitlab,
        summary: "tierwatch's own GitLab token ends soon",
        description: "The token with which tierwatch reads GitLab ends within two weeks. From then on every tier is blind.",
    },
    Alert {
        name: "TierwatchTokenExpiring",
        condition: Condition::ApiTokenEnding,
        pending: minutes(60),
        severity: SeverityRule::Critical,
        kind: Kind::Blind,
        depends_on: DependsOn::Gitlab,
        summary: "tierwatch's own GitLab token ends within two days",
        description: "The token with which tierwatch reads GitLab ends within two days. From then on every tier is blind.",
    },
    Alert {
        name: "TierwatchQueueCoverageLow",
        condition: Condition::QueueCoverageLow,
        pending: minutes(15),
        severity: SeverityRule::Warning,
        kind: Kind::Blind,
        depends_on: DependsOn::Gitlab,
        summary: "tierwatch does not see the whole queue",
        description: "A part of the watched projects was not looked at in time. Jobs waiting there are not counted.",
    },
    Alert {
        name: "TierwatchUnclassified",
        condition: Condition::Unclassified,
        pending: minutes(15),
        severity: SeverityRule::Info,
        kind: Kind::Blind,
        depends_on: DependsOn::Kubernetes,
        summary: "tierwatch does not know why pods fail",
        description: "A good part of the last hour's failures has a message that no rule knows. Causes are told less well than they could be.",
    },
    Alert {
        name: "TierwatchSecretReloadFailed",
        condition: Condition::SecretReloadFailed,
        pending: minutes(10),
        severity: SeverityRule::Warning,
        kind: Kind::Blind,
        depends_on: DependsOn::None,
        summary: "tierwatch cannot read a secret file",
        description: "A secret file is missing, unreadable or no secret. Nothing can be asked with it until that is mended.",
    },
];
