//! A platform of five tiers as its sources would tell it: 20,000 pods, 10,000 waiting jobs.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::policy::{History, Objective, Policy, Staleness, TierPolicy, Urgency};
use tierwatch::observation::*;

const TIERS: [&str; 5] = ["deployment", "privileged", "protected", "sandbox", "standard"];
/// Job pods.
pub const PODS: usize = 20_000;
/// Waiting jobs.
pub const JOBS: u64 = 10_000;
const REFUSAL: &str = "0/9 nodes are available: 3 Insufficient cpu, 6 node(s) didn't match Pod's node affinity/selector. \
                       preemption: 0/9 nodes are available: 9 Preemption is not helpful for scheduling.";

fn tier(name: &str) -> TierPolicy {
    TierPolicy {
        name: name.into(),
        tags: vec![format!("tier-{name}").into()],
        run_untagged: false,
        runners: Vec::new(),
        namespaces: vec![name.into()],
        manager_namespaces: vec![name.into()],
        node_label: "platform.gitlab.com/runner-tier".into(),
        capacity: Some(500),
        urgency: Urgency::Ticket,
        objective: Objective {
            target: 0.95,
            window: Duration::from_secs(30 * 86_400),
            start_within: Duration::from_secs(120),
            min_jobs: 20,
        },
        runbook_url: None,
        token: Default::default(),
        posture: None,
        expects_traffic: None,
        conditions: tierwatch::model::policy::Thresholds::default(),
    }
}

/// What the operator declared.
#[allow(dead_code, reason = "each bench uses its own part")]
pub fn policy() -> Policy {
    let horizon = Duration::from_secs(300);
    Policy {
        tiers: TIERS.iter().map(|name| tier(name)).collect(),
        staleness: Staleness { queue: horizon, runners: horizon, watch: horizon },
        sweep: Duration::from_secs(1800),
        registries: Vec::new(),
        history: History { max_age: Duration::from_secs(86_400), max_jobs: 20_000 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

/// Who speaks in it.
#[allow(dead_code, reason = "each bench uses its own part")]
pub fn keys() -> Vec<SourceKey> {
    vec![SourceKey::global(SourceKind::GitlabQueue)]
}

/// An instant of the story.
pub fn at(seconds: u64) -> Now {
    let wall = Timestamp::from_second(1_900_000_000 + i64::try_from(seconds).unwrap_or(0)).expect("this century");
    Now { wall, mono: Duration::from_secs(seconds) }
}

/// A job pod, running or refused by the scheduler.
pub fn pod(number: usize, refused: bool) -> Box<PodReport> {
    let tier = TIERS[number % TIERS.len()];
    let scheduled = if refused {
        Scheduled::Refused {
            reason: "Unschedulable".into(),
            message: REFUSAL.into(),
            since: Some(at(1).wall),
            tolerations: Vec::new(),
            nominated: false,
        }
    } else {
        Scheduled::At(Some(at(1).wall))
    };
    let container = |name: &str, role| ContainerReport {
        name: name.into(),
        role,
        image: "registry.example.com/group/project/build-image:1.84".into(),
        state: if refused { ContainerState::Absent } else { ContainerState::Running { since: Some(at(5).wall) } },
    };
    Box::new(PodReport {
        uid: format!("00000000-0000-0000-0000-{number:012}").into(),
        namespace: tier.into(),
        name: format!("runner-abcdefghi-project-{}-concurrent-{}-abcdefgh", number % 800, number % 40).into(),
        role: PodRole::Job,
        job: Some(JobId(number as u64 + 1_000_000)),
        project: Some(ProjectId((number % 800) as u64)),
        runner_short: Some("abcdefghi".into()),
        created: at(0).wall,
        deleting: false,
        phase: if refused { PodPhase::Pending } else { PodPhase::Running },
        ready: !refused,
        node: (!refused).then(|| format!("ip-10-0-0-{}", number % 200).into()),
        scheduled,
        sandbox_ready: (!refused).then(|| at(2).wall),
        disruption: None,
        failure: None,
        containers: vec![container("build", ContainerRole::Build), container("helper", ContainerRole::Helper)],
        requests: Requests { cpu_millis: 1000, memory_bytes: 2 << 30 },
        limits: Limits::default(),
        shape: std::sync::Arc::default(),
    })
}

fn job(id: u64) -> JobReport {
    let project = id % 800;
    JobReport {
        id: JobId(id),
        project: Some(ProjectId(project)),
        project_path: Some(format!("group-{}/project-{project}", project % 20).into()),
        name: "build amd64".into(),
        git_ref: Some("main".into()),
        is_tag: Some(false),
        tags: Some(vec![format!("tier-{}", TIERS[usize::try_from(id).unwrap_or(0) % TIERS.len()]).into()]),
        status: JobStatus::Pending,
        stuck: Some(false),
        queued_for: Some(Duration::from_secs(id % 600)),
        queued_at: None,
        started_at: None,
        finished_at: None,
        runner: None,
        failure_reason: None,
        takers: None,
    }
}

/// Folds what a source says; how many things happened.
#[allow(dead_code, reason = "each bench uses its own part")]
pub fn say(fleet: &mut Fleet, source: SourceKey, body: Body) -> usize {
    fleet.apply(Observation { source, at: at(600), body }).len()
}

/// One poll of the whole queue.
pub fn queue() -> Body {
    Body::Queue { scope: QueueScope::Instance, jobs: (0..JOBS).map(job).collect() }
}

/// All of it, folded.
#[allow(dead_code, reason = "each bench uses its own part")]
pub fn fleet() -> Fleet {
    let mut fleet = Fleet::new(Arc::new(policy()), keys());
    say(&mut fleet, SourceKey::global(SourceKind::GitlabQueue), queue());
    for name in TIERS {
        let of_tier = |number: &usize| TIERS[number % TIERS.len()] == name;
        let pods = (0..PODS).filter(of_tier).map(|number| pod(number, number % 7 == 0)).collect();
        say(&mut fleet, SourceKey::namespaced(SourceKind::KubePods, name), Body::Pod(Change::Replace(pods)));
    }
    fleet
}

/// Updates of `pods` pods, each of which turns the scheduler's verdict round twice.
#[allow(dead_code, reason = "each bench uses its own part")]
pub fn updates(pods: usize) -> Vec<Observation> {
    let turns = (0..pods).flat_map(|number| [pod(number, true), pod(number, false)]);
    turns
        .map(|report| Observation {
            source: SourceKey::namespaced(SourceKind::KubePods, &report.namespace),
            at: at(600),
            body: Body::Pod(Change::Upsert(report)),
        })
        .collect()
}
