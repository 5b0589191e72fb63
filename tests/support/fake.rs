//! Assessments made by hand: one in which everything is known and much is wrong, one that knows nothing.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tierwatch::cause::{Autoscale, Blame, Cause, Pull, Runtime, Scheduling};
use tierwatch::condition::{Condition, ConditionLine};
use tierwatch::metrics::{Levels, Occurrences, Own};
use tierwatch::model::assessment::{
    Assessment, CapacityLevels, CauseLine, LatelyLevels, LimitLevel, ManagerLevels, ManagerLine, NodeLevels, PodLevels,
    PullFailing, QueueLevels, QuotaLevel, QuotaResource, Room, RoomBound, RunnerLevels, RunnerLine, RunningLevels,
    ScaleUp, ScaleUpLevels, ScaleUpOutcome, SourceStatus, TierAssessment, TierState, TokenLine, TokenSource,
    TroubledPod, UnservedReason, WaitingJob,
};
use tierwatch::model::job_assessment::{JobAssessment, JobPhase, JobState, Place};
use tierwatch::model::occurrence::{Outcome, Phase};
use tierwatch::model::policy::{History, Objective, Policy, Staleness, TierPolicy, Urgency};
use tierwatch::model::posture::{Answer, Boundary, Check, CheckLine, Question, Read, Verdict};
use tierwatch::observation::{
    ApiTokenReport, JobId, LimitedPart, Now, PodPhase, Requests, RunnerId, RunnerStatus, SourceKey, SourceKind,
};
use tokio::sync::watch;

/// So many jobs lack a runner with their tag.
fn unserved(tag_missing: u64) -> BTreeMap<UnservedReason, u64> {
    let jobs = |reason| if reason == UnservedReason::TagMissing { tag_missing } else { 0 };
    UnservedReason::ALL.iter().map(|reason| (*reason, jobs(*reason))).collect()
}

/// The instant of every fake.
pub fn now() -> Now {
    Now { wall: "2026-03-01T12:00:00Z".parse().unwrap(), mono: Duration::from_secs(600) }
}

/// A policy with tiers of these names, each with a namespace `runners-NAME` and two allowed registries.
pub fn policy(names: &[&str]) -> Policy {
    let minute = Duration::from_secs(60);
    Policy {
        tiers: names
            .iter()
            .map(|name| TierPolicy {
                name: Arc::from(*name),
                tags: vec![Arc::from(format!("tier-{name}"))],
                run_untagged: false,
                runners: vec![],
                namespaces: vec![Arc::from(format!("runners-{name}"))],
                manager_namespaces: vec![Arc::from(format!("runners-{name}"))],
                node_label: Arc::from("platform.gitlab.com/runner-tier"),
                capacity: None,
                urgency: Urgency::Ticket,
                objective: Objective {
                    target: 0.95,
                    window: 720 * 60 * minute,
                    start_within: 2 * minute,
                    min_jobs: 20,
                },
                runbook_url: None,
                token: Default::default(),
                posture: None,
                expects_traffic: None,
                conditions: tierwatch::model::policy::Thresholds::default(),
            })
            .collect(),
        staleness: Staleness { queue: minute, runners: 5 * minute, watch: minute },
        sweep: 30 * minute,
        registries: vec![Arc::from("registry.example.com"), Arc::from("docker.io")],
        history: History { max_age: 1440 * minute, max_jobs: 20_000 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

/// The sources of such a policy.
pub fn sources(policy: &Policy) -> Vec<SourceKey> {
    let mut keys: Vec<SourceKey> = SourceKind::ALL
        .into_iter()
        .filter(|kind| !watches_a_namespace(*kind))
        .map(|kind| SourceKey { kind, namespace: (kind == SourceKind::KubeNodeEvents).then(|| Arc::from("default")) })
        .collect();
    for tier in &policy.tiers {
        for kind in SourceKind::ALL.into_iter().filter(|kind| watches_a_namespace(*kind)) {
            keys.extend(tier.namespaces.iter().map(|name| SourceKey::namespaced(kind, name)));
        }
    }
    keys
}

fn watches_a_namespace(kind: SourceKind) -> bool {
    matches!(
        kind,
        SourceKind::KubePods
            | SourceKind::KubeEvents
            | SourceKind::KubeQuotas
            | SourceKind::KubeLimits
            | SourceKind::KubeNamespace
            | SourceKind::KubeNetpols
            | SourceKind::KubeAccounts
            | SourceKind::KubeRoles
            | SourceKind::KubeBindings
            | SourceKind::KubeTokenSecrets
    )
}

/// A tier of which nothing is known but its configuration.
pub fn unknown_tier(name: &str) -> TierAssessment {
    TierAssessment {
        name: Arc::from(name),
        urgency: Urgency::Ticket,
        target: 0.95,
        start_within: Duration::from_secs(120),
        state: TierState::Blind,
        since: "2026-03-01T11:48:00Z".parse().unwrap(),
        headline: "GitLab's queue cannot be seen, so nothing is known about waiting jobs".to_owned(),
        queue: None,
        running: None,
        pods: None,
        scale_up: None,
        runners: None,
        managers: None,
        nodes: None,
        limits: None,
        quotas: None,
        capacity: CapacityLevels::default(),
        boundary: Boundary::default(),
        causes: vec![],
        waiting: vec![],
        phases: vec![],
        lately: LatelyLevels { watched: Duration::from_secs(600), ..LatelyLevels::default() },
        conditions: vec![],
    }
}

/// A tier with every level known, and all of it calm.
pub fn calm_tier(name: &str) -> TierAssessment {
    TierAssessment {
        state: TierState::Fine,
        since: "2026-03-01T06:12:41Z".parse().unwrap(),
        headline: "no job waits".to_owned(),
        queue: Some(QueueLevels { unserved: unserved(0), ..QueueLevels::default() }),
        running: Some(RunningLevels { starting: 1, executing: 14, elsewhere: 0 }),
        pods: Some(PodLevels {
            phases: BTreeMap::from([(PodPhase::Running, 15)]),
            requested_cpu_millis: 15_500,
            requested_memory_bytes: 31 << 30,
            ..PodLevels::default()
        }),
        runners: Some(runners(&[RunnerStatus::Online, RunnerStatus::Online])),
        scale_up: Some(ScaleUpLevels::default()),
        managers: Some(ManagerLevels { ready: 2, not_ready: 0 }),
        nodes: Some(NodeLevels {
            ready: 6,
            not_ready: 0,
            unschedulable: 0,
            allocatable_cpu_millis: 96_000,
            allocatable_memory_bytes: 384 << 30,
        }),
        limits: Some(vec![limit()]),
        quotas: Some(vec![quota(QuotaResource::Pods, "pods", 17, 40), quota(QuotaResource::Cpu, "limits.cpu", 48, 64)]),
        phases: vec![
            (Phase::Queue, Duration::from_millis(4200)),
            (Phase::Dispatch, Duration::from_millis(900)),
            (Phase::Schedule, Duration::from_millis(300)),
            (Phase::Sandbox, Duration::from_millis(2100)),
            (Phase::Containers, Duration::from_millis(8400)),
        ],
        ..unknown_tier(name)
    }
}

fn quota(resource: QuotaResource, written: &str, used: u32, hard: u32) -> QuotaLevel {
    QuotaLevel {
        resource,
        ratio: f64::from(used) / f64::from(hard),
        used_thousandths: u64::from(used) * 1000,
        hard_thousandths: u64::from(hard) * 1000,
        written: Arc::from(written),
        quota: Arc::from("jobs"),
        namespace: Arc::from("runners-standard"),
        scoped: false,
    }
}

/// A tier with every level known, and most of it wrong.
pub fn hurting_tier(name: &str) -> TierAssessment {
    TierAssessment {
        urgency: Urgency::Page,
        capacity: CapacityLevels {
            declared: Some(40),
            room: Some(Room {
                jobs: 3,
                bound: RoomBound::Quota,
                typical: Requests { cpu_millis: 1500, memory_bytes: 2 << 30 },
            }),
            last_scale_up: Some(ScaleUp {
                at: "2026-03-01T11:50:00Z".parse().unwrap(),
                outcome: ScaleUpOutcome::NodeJoined,
                cause: Autoscale::ScaleupTriggered,
                ended: Some("2026-03-01T11:52:10Z".parse().unwrap()),
            }),
        },
        boundary: moved_boundary(),
        state: TierState::Hurting,
        since: "2026-03-01T11:46:30Z".parse().unwrap(),
        headline: "37 jobs waiting, the oldest for 13 min 30 s; 21 longer than the promised 2 min".to_owned(),
        queue: Some(QueueLevels {
            pending: 37,
            oldest: Duration::from_millis(810_500),
            overdue: 21,
            uncertain: 2,
            shared: 3,
            unserved: unserved(4),
            unserved_long: 3,
            top_project_share: Some(0.75),
        }),
        running: Some(RunningLevels { starting: 9, executing: 40, elsewhere: 0 }),
        pods: Some(PodLevels {
            phases: BTreeMap::from([(PodPhase::Pending, 9), (PodPhase::Running, 40), (PodPhase::Failed, 1)]),
            unschedulable: BTreeMap::from([(Scheduling::InsufficientCpu, 6), (Scheduling::UntoleratedTaint, 1)]),
            unschedulable_long: BTreeMap::from([(Scheduling::InsufficientCpu, 5)]),
            pull_failing: vec![
                PullFailing { registry: Arc::from("registry.example.com"), cause: Pull::NotFound, pods: 2 },
                PullFailing { registry: Arc::from("other"), cause: Pull::Other, pods: 1 },
            ],
            held: BTreeMap::from([(Runtime::CniIpExhausted, 1)]),
            ended: BTreeMap::from([(Cause::Autoscale(Autoscale::SpotInterruption), 3)]),
            troubled: BTreeMap::from([(
                Cause::Scheduling(Scheduling::InsufficientCpu),
                vec![TroubledPod {
                    namespace: Arc::from(format!("runners-{name}")),
                    name: Arc::from("runner-x-project-1"),
                    job: Some(JobId(81_442)),
                    lasts: Duration::from_secs(400),
                }],
            )]),
            requested_cpu_millis: 98_250,
            requested_memory_bytes: 210 << 30,
        }),
        runners: Some(runners(&[RunnerStatus::Online, RunnerStatus::Offline, RunnerStatus::NeverContacted])),
        scale_up: Some(ScaleUpLevels {
            waiting: 7,
            triggered: 2,
            refused: BTreeMap::from([(Autoscale::MaxSizeReached, 4)]),
        }),
        managers: Some(ManagerLevels { ready: 1, not_ready: 1 }),
        nodes: Some(NodeLevels {
            ready: 6,
            not_ready: 1,
            unschedulable: 1,
            allocatable_cpu_millis: 96_000,
            allocatable_memory_bytes: 384 << 30,
        }),
        quotas: Some(vec![quota(QuotaResource::Pods, "pods", 50, 50)]),
        causes: vec![
            CauseLine {
                cause: Cause::Scheduling(Scheduling::InsufficientCpu),
                count: 6,
                sentence: "no node of the tier has enough free CPU for the pod",
                blame: Blame::Platform,
                next_step: "see whether the node pool can still grow, or raise its maximum",
                evidence: Some(Arc::from(
                    "0/8 nodes are available: 1 node(s) had untolerated taint {pool: gpu}, 7 Insufficient cpu.",
                )),
            },
            CauseLine {
                cause: Cause::Pull(Pull::NotFound),
                count: 2,
                sentence: "the image or its tag does not exist",
                blame: Blame::User,
                next_step: "tell the project which image its job asks for",
                evidence: Some(Arc::from("manifest for registry.example.com/app:nope not found: manifest unknown")),
            },
        ],
        waiting: vec![
            WaitingJob {
                id: JobId(81_442),
                name: Arc::from("deploy: production"),
                project: Some(Arc::from("shop/checkout")),
                waited: Duration::from_millis(810_500),
            },
            WaitingJob {
                id: JobId(81_450),
                name: Arc::from("test 3/8"),
                project: None,
                waited: Duration::from_secs(655),
            },
        ],
        phases: vec![
            (Phase::Queue, Duration::from_secs(342)),
            (Phase::Dispatch, Duration::from_secs(2)),
            (Phase::Schedule, Duration::from_secs(95)),
            (Phase::Sandbox, Duration::from_secs(3)),
            (Phase::Containers, Duration::from_secs(21)),
        ],
        conditions: vec![
            condition(Condition::QueueStalled, Some(true), "37 jobs wait, and no runner took any for 5 min"),
            condition(Condition::AtCapacity, Some(false), ""),
            condition(Condition::Unschedulable, None, "the job pods cannot be seen"),
        ],
        ..calm_tier(name)
    }
}

fn condition(condition: Condition, holds: Option<bool>, reason: &str) -> ConditionLine {
    let since = (holds == Some(true)).then(|| "2026-03-01T11:52:00Z".parse().unwrap());
    ConditionLine {
        condition,
        subject: None,
        holds,
        since,
        reason: reason.to_owned(),
        pausing: None,
        taken_over: false,
    }
}

fn manager(system_id: &str, status: RunnerStatus) -> ManagerLine {
    let version = Some(Arc::from(if status == RunnerStatus::Online { "19.2.0" } else { "18.11.0" }));
    ManagerLine { system_id: Arc::from(system_id), status, contacted_at: None, version }
}

fn runners(statuses: &[RunnerStatus]) -> RunnerLevels {
    let mut levels = RunnerLevels { paused: 1, ..RunnerLevels::default() };
    for (index, status) in statuses.iter().enumerate() {
        *levels.by_status.entry(*status).or_default() += 1;
        levels.runners.push(RunnerLine {
            id: RunnerId(100 + index as u64),
            short_sha: Some(Arc::from(format!("t1_sha{index}"))),
            description: Arc::from("a runner"),
            status: *status,
            paused: index == 0,
            managers: Some(vec![manager("r_one", RunnerStatus::Online), manager("r_two", RunnerStatus::Offline)]),
            contacted_at: Some("2026-03-01T11:20:00Z".parse().unwrap()),
            created_at: Some("2025-06-01T08:00:00Z".parse().unwrap()),
            token: TokenLine {
                expires_at: (index == 0).then(|| "2026-03-11T00:00:00Z".parse().unwrap()),
                obtained: vec![(TokenSource::Secret, "2026-01-20T12:00:00Z".parse().unwrap())],
            },
        });
    }
    levels.token_age = Some(Duration::from_secs(40 * 86_400));
    levels
}

/// A source that answered four seconds ago.
pub fn up(source: SourceKey, tiers: &[Arc<str>]) -> SourceStatus {
    SourceStatus {
        source,
        tiers: tiers.to_vec(),
        up: Some(true),
        last_success: Some("2026-03-01T11:59:56Z".parse().unwrap()),
        age: Some(Duration::from_secs(4)),
        failure: None,
        note: None,
        objects: Some(52),
    }
}

/// An assessment of these tiers with every source up.
pub fn assessment(tiers: Vec<TierAssessment>) -> Assessment {
    let names: Vec<&str> = tiers.iter().map(|tier| &*tier.name).collect();
    let policy = policy(&names);
    let sources = sources(&policy)
        .into_iter()
        .map(|key| {
            let of: Vec<Arc<str>> = policy.tiers_of(&key).map(|id| Arc::clone(&policy.tiers[id].name)).collect();
            up(key, &of)
        })
        .collect();
    Assessment {
        at: now(),
        tiers,
        sources,
        out_of_scope: Some(5),
        coverage: Some(1.0),
        complete: true,
        own_token: Some(own_token()),
        secret_failure: None,
        failures: 40,
        unclassified: 1,
        conditions: vec![condition(Condition::QueueCoverageLow, Some(false), "")],
        alerts: vec![],
    }
}

fn own_token() -> ApiTokenReport {
    let at = |text: &str| Some(text.parse().unwrap());
    ApiTokenReport {
        scopes: vec![Arc::from("read_api")],
        created_at: at("2026-01-01T00:00:00Z"),
        expires_at: at("2026-12-31T00:00:00Z"),
    }
}

/// One hurting, one calm.
/// A boundary with one check of each verdict, and text of people who mean no good.
pub fn moved_boundary() -> Boundary {
    let line = |check, verdict, found: &str| CheckLine {
        check,
        verdict,
        since: "2026-03-01T11:40:00Z".parse().unwrap(),
        expected: "every pod is isolated".to_owned(),
        found: found.to_owned(),
        evidence: Some("NetworkPolicy <script>alert(1)</script> in runners".to_owned()),
    };
    let checks = vec![
        line(Check::DefaultDeny, Verdict::Moved, "egress is open, says \u{202e}<b>somebody</b>\u{1b}[31m"),
        line(Check::InternetPorts, Verdict::AsDeclared, "the internet on TCP 443"),
        line(Check::MetadataEndpoint, Verdict::Unknown, "cannot tell: the right to list and watch pods is missing"),
        line(Check::OwnCloudRole, Verdict::NotDeclared, "job pods take no cloud role"),
    ];
    let read = vec![Read { source: SourceKey::namespaced(SourceKind::KubeNetpols, "runners"), at: Some(now().wall) }];
    let says = vec!["job pods reach the internet on TCP 443".to_owned()];
    Boundary { declared: true, answers: vec![Answer { question: Question::Networks, says, checks, read }] }
}

pub fn full() -> Assessment {
    assessment(vec![hurting_tier("deployment"), calm_tier("standard")])
}

/// A daemon's metrics over one assessment, without those of the process.
pub struct Metrics {
    pub registry: Registry,
    pub occurrences: Occurrences,
    pub own: Own,
    pub assessments: watch::Sender<Arc<Assessment>>,
}

/// Everything registered as the daemon does it.
pub fn metrics(assessment: Assessment) -> Metrics {
    let names: Vec<String> = assessment.tiers.iter().map(|tier| tier.name.to_string()).collect();
    let policy = policy(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut registry = Registry::default();
    let occurrences = Occurrences::new(&policy, &sources(&policy), &mut registry);
    let own = Own::new(&SourceKind::ALL, &mut registry);
    let (assessments, receiver) = watch::channel(Arc::new(assessment));
    registry.register_collector(Box::new(Levels::new(receiver)));
    Metrics { registry, occurrences, own, assessments }
}

/// A job that is late because its pod finds no node, with a hostile name.
pub fn job() -> JobAssessment {
    let within = Duration::from_secs(120);
    let phase = |phase, seconds, open| JobPhase { phase, took: Duration::from_secs(seconds), open };
    JobAssessment {
        at: now(),
        id: JobId(4711),
        name: "<script>alert(1)</script>\u{202e}".into(),
        project: Some("kelp/reef".into()),
        git_ref: Some("main".into()),
        tags: Some(vec!["tier-standard".into()]),
        state: JobState::Starting,
        headline: "taken by a runner and not running after 3 min".to_owned(),
        place: Place::Tier { tier: "standard".into() },
        runner: Some(RunnerId(12)),
        runner_description: Some("linux".into()),
        queued_at: Some("2026-03-01T11:57:00Z".parse().unwrap()),
        started_at: Some("2026-03-01T11:57:30Z".parse().unwrap()),
        running_at: None,
        finished_at: None,
        start_within: Some(within),
        took: Some(Duration::from_secs(180)),
        phases: vec![phase(Phase::Queue, 30, false), phase(Phase::Schedule, 150, true)],
        outcome: Some(Outcome::Late),
        failure_reason: None,
        causes: Vec::new(),
        refusals: vec![(Scheduling::InsufficientCpu, 3)],
        pods: Vec::new(),
    }
}

/// A container of the tier may have four cores, and one has two.
fn limit() -> LimitLevel {
    LimitLevel {
        limit: Arc::from("runner-limits"),
        namespace: Arc::from("runners"),
        part: LimitedPart::Container,
        resource: QuotaResource::Cpu,
        max_thousandths: 4_000,
        asked_thousandths: Some(2_000),
    }
}
