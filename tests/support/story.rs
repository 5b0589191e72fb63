//! Stories: what the APIs showed, second by second, and the ledger of what was counted.
//!
//! A story is YAML. Times are seconds since the story began; timestamps of GitLab and Kubernetes are written
//! the same way. It is played through the fleet; every occurrence becomes a line of text.

pub mod cluster;
mod events;
mod ledger;
mod why;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tierwatch::model::assess::{assess, explain};
use tierwatch::model::assessment::CapacityLevels;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::policy::{History, Objective, Policy, Staleness, TierPolicy, Urgency};
use tierwatch::observation::*;

use cluster::{NODE_LABEL, Node, Pod, PodList, node, pod_report};
use ledger::{kind, line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What it shows, in a sentence.
    pub about: String,
    /// Watch pods; without it the daemon has no Kubernetes at all.
    #[serde(default = "yes")]
    kubernetes: bool,
    /// Read the logs of jobs that failed before they had a pod.
    #[serde(default)]
    job_logs: bool,
    /// Jobs at once that the tier `standard` declares.
    capacity: Option<u32>,
    /// How often what happened, told by who wrote the story; what is not named did not happen.
    truth: BTreeMap<String, u64>,
    steps: Vec<Step>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Step {
    at: f64,
    runners: Option<Vec<Runner>>,
    queue: Option<Vec<Job>>,
    /// The queue is read runner by runner.
    queues: Option<Queues>,
    running: Option<Vec<Job>>,
    answer: Option<Job>,
    /// A row of a runner's jobs.
    took: Option<Job>,
    /// GitLab sends a hook.
    hook: Option<Job>,
    not_found: Option<u64>,
    refs: Option<Refs>,
    log: Option<Log>,
    pods: Option<PodList>,
    pod: Option<Pod>,
    gone: Option<Gone>,
    quota: Option<Quota>,
    limit: Option<Limit>,
    nodes: Option<Vec<Node>>,
    /// One node that comes or changes.
    node: Option<Node>,
    events: Option<events::EventList>,
    event: Option<events::Event>,
    fails: Option<Fails>,
    /// Let time pass without news.
    tick: bool,
    /// Print the levels of a tier here.
    levels: Option<String>,
    /// Print a tier's room for further jobs and its last scale-up here.
    room: Option<String>,
    /// Print what can be said of a job here.
    why: Option<u64>,
    /// Print the wish list here.
    wishes: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runner {
    id: u64,
    tags: Vec<String>,
    sha: String,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    offline: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Job {
    id: u64,
    status: Option<JobStatus>,
    project: Option<u64>,
    tags: Option<Vec<String>>,
    git_ref: Option<String>,
    stuck: Option<bool>,
    waited: Option<f64>,
    queued: Option<f64>,
    started: Option<f64>,
    finished: Option<f64>,
    runner: Option<u64>,
    reason: Option<String>,
    takers: Option<Vec<u64>>,
}

/// What GitLab says that some runners would take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queues {
    of: Vec<u64>,
    jobs: Vec<Job>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refs {
    project: u64,
    branches: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    job: u64,
    given_up: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gone {
    namespace: String,
    uid: String,
}

/// A namespace's quotas, as a complete list: one with this line, or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    namespace: String,
    resource: Option<String>,
    #[serde(default)]
    used: u64,
    #[serde(default)]
    hard: u64,
}

/// A namespace's limit ranges, as a complete list: one that bounds the CPU of a container, in thousandths, or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    namespace: String,
    max_cpu: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fails {
    source: SourceKind,
    namespace: Option<String>,
    class: FailureClass,
}

/// Plays a story and returns its ledger.
pub fn play(yaml: &str) -> String {
    let (story, mut fleet) = open(yaml);
    let mut ledger = format!("{}\n", story.about);
    let mut counted = BTreeMap::new();
    for step in story.steps {
        let now = now(step.at);
        for (source, body) in bodies(&step) {
            for occurrence in fleet.apply(Observation { source, at: now, body }) {
                if let Some(kind) = kind(&occurrence) {
                    *counted.entry(kind.to_owned()).or_default() += 1;
                }
                if let Some(line) = line(&occurrence, fleet.policy()) {
                    writeln!(ledger, "{:>6}s  {line}", step.at).expect("a string takes text");
                }
            }
        }
        if let Some(tier) = &step.levels {
            let assessment = assess(&fleet, now, None);
            let tier = assessment.tiers.iter().find(|known| known.name.as_ref() == tier).expect("a tier of the policy");
            writeln!(ledger, "{:>6}s  {} is {}: {}", step.at, tier.name, tier.state.as_str(), tier.headline)
                .expect("a string takes text");
            for quota in tier.quotas.iter().flatten() {
                let (at, resource) = (step.at, quota.resource.as_str());
                writeln!(ledger, "{at:>6}s  {}: {:.2} of the quota of {resource} is used", tier.name, quota.ratio)
                    .expect("a string takes text");
            }
            for limit in tier.limits.iter().flatten() {
                let (at, max, asked) = (step.at, limit.max_thousandths, limit.asked_thousandths);
                writeln!(ledger, "{at:>6}s  {}: {max} is the limit of {}, {asked:?} asked for", tier.name, limit.limit)
                    .expect("a string takes text");
            }
        }
        if let Some(tier) = &step.room {
            let assessment = assess(&fleet, now, None);
            let tier = assessment.tiers.iter().find(|known| known.name.as_ref() == tier).expect("a tier of the policy");
            writeln!(ledger, "{:>6}s  {}: {}", step.at, tier.name, room(&tier.capacity)).expect("a string takes text");
        }
        if let Some(job) = step.why {
            let job = explain(&fleet, &assess(&fleet, now, None), JobId(job), now);
            let told = job.map_or_else(|| "nothing is known of it".to_owned(), |job| why::line(&job));
            writeln!(ledger, "{:>6}s  {told}", step.at).expect("a string takes text");
        }
        if step.wishes {
            let wishes = fleet.wishes(&now);
            let look_ups: Vec<u64> = wishes.look_ups.iter().map(|look_up| look_up.job.0).collect();
            let refs: Vec<u64> = wishes.protected_refs.iter().map(|project| project.0).collect();
            let mut line = format!("{:>6}s  wishes: look up {look_ups:?}, refs of {refs:?}", step.at);
            if story.job_logs {
                let logs: Vec<u64> = wishes.logs.iter().map(|look_up| look_up.job.0).collect();
                write!(line, ", logs of {logs:?}").expect("a string takes text");
            }
            writeln!(ledger, "{line}").expect("a string takes text");
        }
    }
    assert_eq!(counted, story.truth, "counted, and the truth, of: {}", story.about);
    ledger
}

/// What a story shows, and a fleet that has seen nothing of it.
pub fn script(yaml: &str) -> (Fleet, Vec<Observation>) {
    let (story, fleet) = open(yaml);
    let say = |step: &Step| {
        let at = now(step.at);
        bodies(step).into_iter().map(move |(source, body)| Observation { source, at, body }).collect::<Vec<_>>()
    };
    (fleet, story.steps.iter().flat_map(say).collect())
}

fn open(yaml: &str) -> (Story, Fleet) {
    let source = config::File::from_str(yaml, config::FileFormat::Yaml);
    let raw = config::Config::builder().add_source(source).build().expect("a story is YAML");
    let story: Story = raw.try_deserialize().expect("a story has the documented shape");
    let mut policy = policy();
    policy.tiers.iter_mut().filter(|tier| &*tier.name == "standard").for_each(|tier| tier.capacity = story.capacity);
    let policy = Arc::new(policy);
    let mut expected = vec![SourceKey::global(SourceKind::GitlabQueue), SourceKey::global(SourceKind::GitlabRunners)];
    if story.kubernetes {
        for tier in &policy.tiers {
            expected.push(SourceKey::namespaced(SourceKind::KubePods, &tier.namespaces[0]));
        }
    }
    if story.job_logs {
        expected.push(SourceKey::global(SourceKind::GitlabJobLogs));
    }
    let fleet = Fleet::new(policy, expected);
    (story, fleet)
}

/// Two tiers, `protected` and `standard`, with two minutes to start.
pub fn policy() -> Policy {
    let tier = |name: &str, tag: &str| TierPolicy {
        name: name.into(),
        tags: vec![tag.into()],
        run_untagged: false,
        runners: Vec::new(),
        namespaces: vec![name.into()],
        manager_namespaces: vec![name.into()],
        node_label: NODE_LABEL.into(),
        capacity: None,
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
    };
    let horizon = Duration::from_secs(45);
    Policy {
        tiers: vec![tier("protected", "tier-protected"), tier("standard", "tier-standard")],
        staleness: Staleness { queue: horizon, runners: horizon, watch: Duration::from_secs(120) },
        sweep: Duration::from_secs(1800),
        registries: vec!["docker.io".into()],
        history: History { max_age: Duration::from_secs(3600), max_jobs: 100 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

/// So many seconds into a story, on everybody's calendar.
pub fn time(seconds: f64) -> Timestamp {
    let origin = Timestamp::from_second(1_900_000_000).expect("a time in this century");
    origin + SignedDuration::from_secs_f64(seconds)
}

/// The same on our own clock.
pub fn now(seconds: f64) -> Now {
    Now { wall: time(seconds), mono: Duration::from_secs_f64(1000.0 + seconds) }
}

fn arcs(texts: &[String]) -> Vec<Arc<str>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

fn bodies(step: &Step) -> Vec<(SourceKey, Body)> {
    let global = SourceKey::global;
    let mut said = Vec::new();
    if let Some(runners) = &step.runners {
        said.push((global(SourceKind::GitlabRunners), Body::Runners(runners.iter().map(runner).collect())));
    }
    if let Some(refs) = &step.refs {
        let refs = ProtectedRefs {
            project: ProjectId(refs.project),
            branches: Some(arcs(&refs.branches)),
            tags: Some(Vec::new()),
        };
        said.push((global(SourceKind::GitlabRefs), Body::ProtectedRefs(refs)));
    }
    let list = |jobs: &[Job], status| jobs.iter().map(|job| report(job, status)).collect();
    if let Some(jobs) = &step.queue {
        let jobs = list(jobs, JobStatus::Pending);
        said.push((global(SourceKind::GitlabQueue), Body::Queue { scope: QueueScope::Instance, jobs }));
    }
    if let Some(Queues { of, jobs }) = &step.queues {
        let (runners, jobs) = (of.iter().copied().map(RunnerId).collect(), list(jobs, JobStatus::Pending));
        said.push((global(SourceKind::GitlabQueue), Body::RunnerQueues { runners, jobs }));
    }
    if let Some(jobs) = &step.running {
        let jobs = list(jobs, JobStatus::Running);
        said.push((global(SourceKind::GitlabStarted), Body::Running { scope: QueueScope::Instance, jobs }));
    }
    if let Some(job) = &step.answer {
        let job = Box::new(report(job, JobStatus::Success));
        said.push((global(SourceKind::GitlabStarted), Body::Job(job)));
    }
    if let Some(job) = &step.took {
        let job = Box::new(report(job, JobStatus::Success));
        said.push((global(SourceKind::GitlabRunnerJobs), Body::Job(job)));
    }
    if let Some(job) = &step.hook {
        said.push((global(SourceKind::GitlabHooks), Body::Job(Box::new(report(job, JobStatus::Success)))));
    }
    if let Some(id) = step.not_found {
        said.push((global(SourceKind::GitlabStarted), Body::JobNotFound(JobId(id))));
    }
    if let Some(log) = &step.log {
        let log = JobLog { job: JobId(log.job), given_up: log.given_up.as_deref().map(Into::into) };
        said.push((global(SourceKind::GitlabJobLogs), Body::JobLog(log)));
    }
    let pods = |namespace: &str| SourceKey::namespaced(SourceKind::KubePods, namespace);
    if let Some(list) = &step.pods {
        let replace = list.list.iter().map(|pod| pod_report(pod, &list.namespace)).collect();
        said.push((pods(&list.namespace), Body::Pod(Change::Replace(replace))));
    }
    if let Some(pod) = &step.pod {
        said.push((pods(&pod.namespace), Body::Pod(Change::Upsert(pod_report(pod, &pod.namespace)))));
    }
    if let Some(gone) = &step.gone {
        said.push((pods(&gone.namespace), Body::Pod(Change::Gone(gone.uid.as_str().into()))));
    }
    if let Some(nodes) = &step.nodes {
        let replace = nodes.iter().map(node).collect();
        said.push((global(SourceKind::KubeNodes), Body::Node(Change::Replace(replace))));
    }
    if let Some(one) = &step.node {
        said.push((global(SourceKind::KubeNodes), Body::Node(Change::Upsert(node(one)))));
    }
    if let Some(quota) = &step.quota {
        let report = quota.resource.as_deref().map(|resource| {
            let line = QuotaLine {
                resource: resource.into(),
                used_thousandths: quota.used * 1000,
                hard_thousandths: quota.hard * 1000,
            };
            Box::new(QuotaReport { name: "jobs".into(), scoped: false, lines: vec![line] })
        });
        let key = SourceKey::namespaced(SourceKind::KubeQuotas, &quota.namespace);
        said.push((key, Body::Quota(Change::Replace(report.into_iter().collect()))));
    }
    if let Some(limit) = &step.limit {
        let report = limit.max_cpu.map(|max| {
            let (part, resource) = (LimitedPart::Container, "cpu".into());
            let line = LimitLine { part, resource, max: Some(max), min: None, max_ratio: None, has_default: false };
            Box::new(LimitReport { name: "jobs".into(), lines: vec![line] })
        });
        let key = SourceKey::namespaced(SourceKind::KubeLimits, &limit.namespace);
        said.push((key, Body::Limit(Change::Replace(report.into_iter().collect()))));
    }
    said.extend(step.events.as_ref().map(events::EventList::said));
    said.extend(step.event.as_ref().map(events::Event::said));
    if let Some(fails) = &step.fails {
        let key = SourceKey { kind: fails.source, namespace: fails.namespace.as_deref().map(Into::into) };
        let failure = Failure { class: fails.class, detail: "as told".to_owned(), retry_after: None };
        said.push((key, Body::Failed(failure)));
    }
    if step.tick || said.is_empty() {
        said.push((global(SourceKind::Clock), Body::Tick));
    }
    said
}

/// The runner 1, of the tier `standard`.
/// Room for further jobs and the last scale-up.
fn room(capacity: &CapacityLevels) -> String {
    let room = capacity.room.map_or_else(
        || "room not known".to_owned(),
        |room| format!("room for {} more of {} m, by {}", room.jobs, room.typical.cpu_millis, room.bound.as_str()),
    );
    let last = capacity.last_scale_up.as_ref().map_or_else(
        || "no scale-up".to_owned(),
        |last| format!("last scale-up {} ({})", last.outcome.as_str(), last.cause),
    );
    format!("{room}; {last}")
}

pub fn standard_runner() -> RunnerReport {
    let (tags, sha) = (vec!["tier-standard".to_owned()], "aaaaaaaa".to_owned());
    runner(&Runner { id: 1, tags, sha, protected: false, paused: false, offline: false })
}

/// The runner of the tier `protected`.
pub fn protected_runner() -> RunnerReport {
    let (tags, sha) = (vec!["tier-protected".to_owned()], "bbbbbbbb".to_owned());
    runner(&Runner { id: 2, tags, sha, protected: true, paused: false, offline: false })
}

fn runner(runner: &Runner) -> RunnerReport {
    RunnerReport {
        id: RunnerId(runner.id),
        description: "runner".into(),
        short_sha: Some(runner.sha.as_str().into()),
        tags: arcs(&runner.tags),
        run_untagged: false,
        protected: runner.protected,
        locked: true,
        paused: runner.paused,
        status: if runner.offline { RunnerStatus::Offline } else { RunnerStatus::Online },
        scope: RunnerScope::Instance,
        contacted_at: None,
        created_at: None,
        token_expires_at: None,
        expiry_hidden: false,
        managers: None,
    }
}

fn report(job: &Job, status: JobStatus) -> JobReport {
    JobReport {
        id: JobId(job.id),
        project: Some(ProjectId(job.project.unwrap_or(1))),
        project_path: Some("kelp/reef".into()),
        name: "build".into(),
        git_ref: Some(job.git_ref.as_deref().unwrap_or("main").into()),
        is_tag: Some(false),
        tags: job.tags.as_deref().map(arcs),
        status: job.status.unwrap_or(status),
        stuck: job.stuck,
        queued_for: job.waited.map(Duration::from_secs_f64),
        queued_at: job.queued.map(time),
        started_at: job.started.map(time),
        finished_at: job.finished.map(time),
        runner: job.runner.map(RunnerId),
        failure_reason: job.reason.as_deref().map(Into::into),
        takers: job.takers.as_ref().map(|takers| takers.iter().copied().map(RunnerId).collect()),
    }
}
