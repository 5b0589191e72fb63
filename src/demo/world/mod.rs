//! A platform in miniature: projects push, runners take jobs, the cluster runs their pods. A discrete-event
//! simulation without a clock or IO: `advance_to` plays everything that is due, the same seed plays the same story.

pub(crate) mod agenda;
mod arrivals;
mod boundary;
pub(crate) mod chance;
mod events;
pub(crate) mod images;
mod incidents;
pub(crate) mod job;
mod kubelet;
pub(crate) mod land;
mod levels;
mod load;
mod neglect;
mod outcomes;
mod quotas;
mod runners;
mod scheduling;
mod setup;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::agenda::Agenda;
use self::chance::Chance;
use self::images::Registries;
use self::job::{Job, Runner};
use self::land::{Group, Project, Tier};
use super::cluster::node::Node;
use super::cluster::pod::Pod;
use super::cluster::store::Store;
use super::faults::{Faults, GitlabFault, KubeFault};
use super::hooks::Habit;
use super::scenario::{Reads, Scenario};
use super::truth::TierTruth;

pub use self::load::Load;

/// The simulated platform and the truth about it.
#[derive(Debug)]
pub struct World {
    pub(crate) now: Timestamp,
    pub(crate) began: Timestamp,
    /// As it stands in job URLs; known once the API listens.
    pub(crate) gitlab_url: String,
    pub(crate) groups: Vec<Group>,
    pub(crate) projects: Vec<Project>,
    pub(crate) tiers: Vec<Tier>,
    /// One per tier, at the tier's position.
    pub(crate) runners: Vec<Runner>,
    pub(crate) jobs: BTreeMap<u64, Job>,
    pub(crate) pending: BTreeSet<u64>,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) truths: Vec<TierTruth>,
    /// When the token ends with which tierwatch reads GitLab.
    pub(crate) api_token_ends: Timestamp,
    /// The file with the secret of the job hooks is not there.
    pub(crate) hook_secret_lost: bool,
    /// Where job hooks are sent, by the full path of the group or project that they belong to.
    pub(crate) hooks_at: BTreeMap<String, String>,
    scenario: Scenario,
    /// Jobs as each change left them, where somebody listens.
    news: Option<Vec<Job>>,
    agenda: Agenda<Step>,
    chance: Chance,
    registries: Registries,
    nodes: BTreeMap<Arc<str>, Node>,
    pods: BTreeMap<u64, Pod>,
    events: BTreeMap<(String, &'static str, String), events::Written>,
    /// Jobs an hour, and which interval of arrivals is the current one: a new rate makes the planned ones void.
    traffic: Vec<(f64, u64)>,
    scaling: Vec<bool>,
    /// By tier.
    quotas: Vec<Option<quotas::Quota>>,
    /// Cores that a container of the tier may have at most.
    limits: Vec<Option<u64>>,
    next_job: u64,
    next_pipeline: u64,
    next_pod: u64,
    /// Pods to change in a second, what is still owed of that, and the last one changed: see [`Load`].
    churning: f64,
    owed: f64,
    churned: u64,
}

/// One thing that is going to happen.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A pipeline of the tier, if its interval is still the current one.
    Arrival { tier: usize, interval: u64 },
    /// One job of a burst.
    BurstJob { tier: usize, kind: super::scenario::Kind },
    /// Line of the script.
    Script(usize),
    /// The story begins again.
    Again,
    /// The moment a job becomes late.
    Deadline(u64),
    /// Somebody cancels the job if it still waits.
    Cancel(u64),
    /// GitLab's worker that gives up on stuck jobs.
    GiveUpStuck,
    /// A runner manager asks for a job.
    Poll { runner: usize, manager: usize },
    /// The manager creates a pod for the job it took.
    CreatePod { job: u64, pull_attempt: u32 },
    /// The scheduler looks at the pod.
    Schedule(u64),
    /// Network and volumes are there.
    Sandbox(u64),
    /// The init container is done.
    Initialized(u64),
    /// The build image is on the node.
    Pulled { pod: u64, took: SignedDuration },
    /// The registry refused.
    PullFails { pod: u64, trouble: images::Trouble },
    /// The kubelet will not try again for a while.
    BackOff { pod: u64, trouble: images::Trouble },
    /// The manager saw the failed pull.
    PullSeen { pod: u64, trouble: images::Trouble },
    /// The build container runs.
    BuildStarts(u64),
    /// Helper and service run as well.
    AllStart(u64),
    /// The manager lost patience with a pod that does not start.
    PollTimeout(u64),
    /// The job's script is over.
    JobEnds(u64),
    /// The manager deletes the pod.
    DeletePod(u64),
    /// The kubelet has stopped it.
    PodGone(u64),
    /// The autoscaler speaks about a pod that fits nowhere.
    Autoscale(u64),
    /// A new node of the tier is ready.
    NodeJoins(usize),
    /// A cordoned node without pods leaves.
    NodeLeaves(Arc<str>),
    /// The node is taken back.
    Interrupted(Arc<str>),
    /// What nobody asks for any more is forgotten.
    Tidy,
    /// So many pods of a load change.
    Churn,
}

impl World {
    /// Plays everything that is due.
    pub fn advance_to(&mut self, now: Timestamp) {
        while let Some((at, step)) = self.agenda.pop_due(now) {
            self.now = self.now.max(at);
            self.play(step);
        }
        self.now = self.now.max(now);
    }

    /// When something will happen next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.next_due()
    }

    /// Whether the story is told and worked off: no new jobs, none waiting for a runner, none running.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.scenario.endless
            && self.now >= self.began + self.scenario.length
            && self.jobs.values().all(|job| job.state.is_over())
            && self.pods.values().all(|pod| matches!(pod.of, super::cluster::pod::PodOf::Manager(_)))
    }

    /// From now on changes of jobs are kept for [`Self::take_news`].
    pub(crate) fn listen(&mut self) {
        self.news.get_or_insert_default();
    }

    /// Jobs as each change since the last call left them, oldest first.
    pub(crate) fn take_news(&mut self) -> Vec<Job> {
        self.news.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn tell(&mut self, job: u64) {
        if let (Some(news), Some(job)) = (&mut self.news, self.jobs.get(&job)) {
            news.push(job.clone());
        }
    }

    pub(crate) fn reads(&self) -> Reads {
        self.scenario.reads
    }

    pub(crate) fn hooks(&self) -> Option<Habit> {
        self.scenario.hooks
    }

    /// GitLab's API misbehaves from now on for a time.
    pub fn disturb_gitlab(&mut self, fault: GitlabFault, lasts: SignedDuration) {
        self.faults.gitlab(self.now, self.now + lasts, fault);
    }

    /// The cluster's API misbehaves from now on for a time.
    pub fn disturb_kube(&mut self, fault: KubeFault, lasts: SignedDuration) {
        if fault == KubeFault::Expire {
            self.store.compact();
        } else {
            self.faults.kube(self.now, self.now + lasts, fault);
        }
    }

    fn after(&mut self, delay: SignedDuration, step: Step) {
        self.agenda.plan(self.now + delay, step);
    }

    fn soon(&mut self, low: f64, high: f64, step: Step) {
        let delay = self.chance.between(low, high);
        self.after(delay, step);
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Arrival { tier, interval } => self.arrival(tier, interval),
            Step::BurstJob { tier, kind } => self.burst_job(tier, kind),
            Step::Script(line) => self.script(line),
            Step::Again => self.begin_script(),
            Step::Deadline(job) => self.deadline(job),
            Step::Cancel(job) => self.cancel(job),
            Step::GiveUpStuck => self.give_up_stuck(),
            Step::Poll { runner, manager } => self.poll(runner, manager),
            Step::CreatePod { job, pull_attempt } => self.create_pod(job, pull_attempt),
            Step::Schedule(pod) => self.schedule(pod),
            Step::Sandbox(pod) => self.sandbox(pod),
            Step::Initialized(pod) => self.initialized(pod),
            Step::Pulled { pod, took } => self.pulled(pod, took),
            Step::PullFails { pod, trouble } => self.pull_fails(pod, trouble),
            Step::BackOff { pod, trouble } => self.back_off(pod, trouble),
            Step::PullSeen { pod, trouble } => self.pull_seen(pod, trouble),
            Step::BuildStarts(pod) => self.build_starts(pod),
            Step::AllStart(pod) => self.all_start(pod),
            Step::PollTimeout(pod) => self.poll_timeout(pod),
            Step::JobEnds(job) => self.job_ends(job),
            Step::DeletePod(pod) => self.delete_pod(pod),
            Step::PodGone(pod) => self.pod_gone(pod),
            Step::Autoscale(pod) => self.autoscale(pod),
            Step::NodeJoins(tier) => self.node_joins(tier),
            Step::NodeLeaves(name) => self.node_leaves(&name),
            Step::Interrupted(name) => self.interrupted(&name),
            Step::Tidy => self.tidy(),
            Step::Churn => self.churn(),
        }
    }
}
