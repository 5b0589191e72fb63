//! Pushes: where jobs come from.

use std::sync::Arc;

use jiff::SignedDuration;

use super::job::{Job, JobState, Plan, Taken};
use super::{Step, World, land};
use crate::demo::scenario::Kind;

const STAGES: [(&str, &[&str]); 3] = [
    ("build", &["compile", "build image", "bundle"]),
    ("test", &["unit", "integration", "lint", "browser tests"]),
    ("deploy", &["deploy staging", "deploy production", "smoke test"]),
];

/// How long somebody waits who then cancels the job: longer than a poll, for nobody who only polls can see a job
/// that came and went between two looks.
const PATIENCE: SignedDuration = SignedDuration::from_secs(40);

impl World {
    /// A new rate of arrivals; what the old one had planned is void.
    pub(super) fn set_traffic(&mut self, tier: usize, per_hour: f64) {
        let Some((rate, interval)) = self.traffic.get_mut(tier) else { return };
        *rate = per_hour;
        *interval += 1;
        let interval = *interval;
        self.plan_arrival(tier, interval);
    }

    fn plan_arrival(&mut self, tier: usize, interval: u64) {
        let Some((rate, _)) = self.traffic.get(tier).copied() else { return };
        if rate > 0.0 {
            // A pipeline brings two jobs of the tier on average.
            let delay = self.chance.interval(rate / 2.0);
            self.after(delay, Step::Arrival { tier, interval });
        }
    }

    pub(super) fn arrival(&mut self, tier: usize, interval: u64) {
        if self.traffic.get(tier).is_none_or(|(_, current)| *current != interval) || self.traffic_is_over() {
            return;
        }
        let project = self.project_for(tier);
        self.next_pipeline += 1;
        for _ in 0..=self.chance.position(3) {
            self.queue_job(tier, project, Kind::Ordinary);
        }
        self.plan_arrival(tier, interval);
    }

    fn traffic_is_over(&self) -> bool {
        !self.scenario.endless && self.now >= self.began + self.scenario.length
    }

    pub(super) fn burst_job(&mut self, tier: usize, kind: Kind) {
        let project = match kind {
            Kind::OneProject => 2, // the web shop's new matrix of browsers
            Kind::MissingImage => 1,
            Kind::RiddleImage => 14, // the lens project's builds
            Kind::Ordinary | Kind::Large | Kind::UnknownTag | Kind::UnprotectedRef => self.project_for(tier),
        };
        self.next_pipeline += 1;
        self.queue_job(tier, project, kind);
    }

    pub(super) fn project_for(&mut self, tier: usize) -> usize {
        let owner = self.tiers.get(tier).and_then(|tier| tier.owner);
        let fitting: Vec<usize> = self
            .projects
            .iter()
            .enumerate()
            .filter(|(_, project)| owner.is_none_or(|group| group == project.group) && !project.hidden)
            .map(|(position, _)| position)
            .collect();
        self.chance.pick(&fitting).copied().unwrap_or(0)
    }

    /// A job of the tier is taken at once and given up with this error before it has a pod.
    pub(crate) fn give_up(&mut self, tier: &str, error: String) {
        let Some(tier) = self.tier_named(tier) else { return };
        let (id, project, at) = (self.next_job, self.project_for(tier), self.now);
        self.next_pipeline += 1;
        self.queue_job(tier, project, Kind::Ordinary);
        self.pending.remove(&id);
        let Some(job) = self.jobs.get_mut(&id) else { return };
        (job.taken, job.state) = (Some(Taken { at, runner: tier, manager: 0 }), JobState::Running);
        job.given_up = Some(error);
        self.tell(id);
        self.fail(id, "runner_system_failure", false);
    }

    pub(super) fn queue_job(&mut self, tier: usize, project: usize, kind: Kind) {
        let Some(tier_row) = self.tiers.get(tier).cloned() else { return };
        let deploys = tier_row.name == "deployment";
        let (stage, names) = STAGES[if deploys { 2 } else { self.chance.position(2) }];
        let name = self.chance.pick(names).copied().unwrap_or("job");
        let (git_ref, is_tag, protected) =
            self.git_ref(if kind == Kind::UnprotectedRef { Some(false) } else { tier_row.protected.then_some(true) });
        let mut tags = vec![Arc::clone(&tier_row.tag)];
        if kind == Kind::UnknownTag {
            tags.push("gpu".into());
        }
        let served = kind != Kind::UnknownTag && (!tier_row.protected || protected);
        let id = self.next_job;
        self.next_job += 1;
        let plan = self.plan_of(kind, deploys);
        if let Some(delay) = plan.canceled_after {
            self.after(delay, Step::Cancel(id));
        }
        let job = Job {
            id,
            pipeline: self.next_pipeline,
            project,
            tier,
            served,
            name: name.into(),
            stage,
            git_ref: git_ref.into(),
            is_tag,
            protected,
            tags,
            queued: self.now,
            taken: None,
            finished: None,
            state: JobState::Pending,
            failure: None,
            refusals: 0,
            given_up: None,
            plan,
            pods: Vec::new(),
            first_pod: None,
            judged: false,
            built: false,
        };
        self.jobs.insert(id, job);
        self.pending.insert(id);
        self.tell(id);
        if served {
            self.after(tier_row.start_within, Step::Deadline(id));
        }
    }

    /// A ref, whether it is a tag, and whether it is protected. With `protected` unknown any ref will do.
    fn git_ref(&mut self, protected: Option<bool>) -> (String, bool, bool) {
        let protected = protected.unwrap_or_else(|| self.chance.happens(0.3));
        if !protected {
            (format!("feature/{}", self.chance.word(6)), false, false)
        } else if self.chance.happens(0.15) {
            (format!("v2.{}.{}", self.chance.position(30), self.chance.position(9)), true, true)
        } else {
            ("main".to_owned(), false, true)
        }
    }

    fn plan_of(&mut self, kind: Kind, deploys: bool) -> Plan {
        let image = match kind {
            Kind::MissingImage => land::MISSING_IMAGE,
            Kind::RiddleImage => land::RIDDLE_IMAGE,
            Kind::Ordinary | Kind::Large | Kind::OneProject | Kind::UnknownTag | Kind::UnprotectedRef => {
                self.chance.pick(&land::IMAGES).copied().unwrap_or(land::HELPER_IMAGE)
            }
        };
        let runs_for = if deploys { self.chance.between(20.0, 60.0) } else { self.chance.between(25.0, 150.0) };
        let ordinary = kind == Kind::Ordinary;
        Plan {
            cpu_millis: if kind == Kind::Large { 4_000 } else { 1_000 },
            memory_mib: 2_048,
            image: image.into(),
            service: self.chance.happens(0.2),
            runs_for,
            fails: ordinary && self.chance.happens(0.06),
            canceled_after: (ordinary && self.chance.happens(0.01)).then_some(PATIENCE),
        }
    }
}
