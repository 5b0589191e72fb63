//! A platform of any size that stands still or churns at a given rate: for benchmarks.

use jiff::{SignedDuration, Timestamp};

use super::job::{JobState, Taken};
use super::land::Project;
use super::{Step, World};
use crate::demo::cluster::pod::Condition;
use crate::demo::scenario::{self, Kind};

/// How large, and how busy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Job pods that run.
    pub pods: u32,
    /// Jobs that wait.
    pub pending: u32,
    /// Projects, all of the first group, which every tier serves.
    pub projects: usize,
    /// Pods changed in a second of the story.
    pub churn_per_second: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self { pods: 0, pending: 0, projects: 800, churn_per_second: 0.0 }
    }
}

/// A churn step changes the pods of this long at once.
const CHURN_STEP: SignedDuration = SignedDuration::from_millis(50);

impl World {
    /// So many running pods and waiting jobs over the five tiers; nothing happens but the churn.
    #[must_use]
    pub fn load(load: Load, seed: u64, began: Timestamp) -> Self {
        let mut scenario = scenario::show();
        scenario.script.clear();
        scenario.traffic.clear();
        let mut world = Self::empty(scenario, seed, began);
        world.furnish();
        world.projects = (0..load.projects).map(project).collect();
        let tiers = world.tiers.len();
        for number in 0..load.pods {
            world.now = began - SignedDuration::from_secs(30 + i64::from(number % 600));
            world.running_job(number as usize % tiers);
        }
        for number in 0..load.pending {
            world.now = began - SignedDuration::from_secs(i64::from(number % 900));
            let (tier, project) = (number as usize % tiers, number as usize % load.projects);
            world.queue_job(tier, project, Kind::Ordinary);
        }
        world.now = began;
        world.agenda = super::Agenda::new(); // no deadline and no cancellation: this story stands still
        if load.churn_per_second > 0.0 {
            world.churning = load.churn_per_second;
            world.after(CHURN_STEP, Step::Churn);
        }
        world
    }

    fn running_job(&mut self, tier: usize) {
        let id = self.next_job;
        self.queue_job(tier, id as usize % self.projects.len(), Kind::Ordinary);
        self.pending.remove(&id);
        let now = self.now;
        if let Some(job) = self.jobs.get_mut(&id) {
            job.taken = Some(Taken { at: now, runner: tier, manager: 0 });
            job.state = JobState::Running;
        }
        let pod = self.next_pod;
        self.create_pod(id, 1);
        let node = self.nodes.values().find(|node| node.tier == Some(tier)).map(|node| node.name.clone());
        if let (Some(row), Some(node)) = (self.pods.get_mut(&pod), node) {
            row.bound = Some((now, node));
            row.sandbox = Some(now);
            row.initialized = Some(now);
            for container in &mut row.containers {
                container.state = Condition::Running { since: now };
            }
        }
        self.publish_pod(pod);
    }

    /// Writes pods anew, one after the other, so that each step touches as many as the rate asks for.
    pub(super) fn churn(&mut self) {
        self.owed += self.churning * CHURN_STEP.as_secs_f64();
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            let next = self.pods.range(self.churned + 1..).next().or_else(|| self.pods.iter().next());
            let Some(pod) = next.map(|(id, _)| *id) else { break };
            self.churned = pod;
            if let Some(helper) = self.pods.get_mut(&pod).and_then(|pod| pod.container("helper")) {
                helper.state = match helper.state {
                    Condition::Running { since } => {
                        Condition::Ended { started: since, finished: self.now, reason: "Completed", code: 0 }
                    }
                    Condition::Unseen | Condition::Waiting { .. } | Condition::Ended { .. } => {
                        Condition::Running { since: self.now }
                    }
                };
            }
            self.publish_pod(pod);
        }
        self.after(CHURN_STEP, Step::Churn);
    }
}

fn project(position: usize) -> Project {
    let path = format!("service-{position:04}");
    Project { id: 1_000 + position as u64, group: 0, name: path.replace('-', " "), path, hidden: false }
}
