//! Random jobs: how each one really goes, in seconds since the story began.

use proptest::collection::vec;
use proptest::prelude::*;
use tierwatch::observation::{
    ContainerState, JobId, JobReport, JobStatus, PodPhase, PodReport, ProjectId, RunnerId, Scheduled,
};

use super::support::story::cluster::standard_pod;
use super::support::story::time;

/// Of every tier of the policy.
pub const START_WITHIN: u64 = 120;

/// Position in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    Protected,
    Standard,
}

impl Tier {
    pub const ALL: [Self; 2] = [Self::Protected, Self::Standard];

    pub fn name(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Standard => "standard",
        }
    }

    pub fn runner(self) -> RunnerId {
        RunnerId(if self == Self::Standard { 1 } else { 2 })
    }
}

/// Why an image cannot be pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    NotFound,
    RateLimited,
}

impl Trouble {
    pub fn cause(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::RateLimited => "RateLimited",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::NotFound => {
                "rpc error: code = NotFound desc = failed to resolve reference \"docker.io/library/rust:1\": not found"
            }
            Self::RateLimited => "toomanyrequests: You have reached your pull rate limit",
        }
    }
}

/// A pod, each instant that comes; what does not come lies at or after `gone`.
#[derive(Debug, Clone)]
pub struct PodLife {
    pub uid: String,
    pub created: u64,
    /// The scheduler finds no node from here on, until it does.
    pub refused: Option<u64>,
    pub scheduled: u64,
    pub sandbox: u64,
    pub trouble: Option<Trouble>,
    pub running: Option<u64>,
    pub gone: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub at: u64,
    pub status: JobStatus,
    pub reason: &'static str,
}

#[derive(Debug, Clone)]
pub struct Life {
    pub id: u64,
    pub tier: Tier,
    pub queued: u64,
    /// When a runner took it.
    pub taken: Option<u64>,
    pub pods: Vec<PodLife>,
    pub end: End,
    /// Seconds by which the cluster's clocks are ahead of GitLab's.
    pub skew: i64,
}

impl Life {
    pub fn deadline(&self) -> u64 {
        self.queued + START_WITHIN
    }

    pub fn left_queue(&self) -> u64 {
        self.taken.unwrap_or(self.end.at)
    }

    fn status(&self, at: u64) -> Option<JobStatus> {
        if at >= self.end.at {
            Some(self.end.status)
        } else if self.taken.is_some_and(|taken| at >= taken) {
            Some(JobStatus::Running)
        } else {
            (at >= self.queued).then_some(JobStatus::Pending)
        }
    }

    /// As GitLab shows it.
    pub fn report(&self, at: u64) -> Option<JobReport> {
        let status = self.status(at)?;
        let taken = self.taken.filter(|taken| *taken <= at);
        let over = at >= self.end.at;
        // GitLab counts on where nobody took it.
        let waited = taken.unwrap_or(at) - self.queued;
        Some(JobReport {
            id: JobId(self.id),
            project: Some(ProjectId(1)),
            project_path: Some("kelp/reef".into()),
            name: "build".into(),
            git_ref: Some("main".into()),
            is_tag: Some(false),
            tags: Some(vec![format!("tier-{}", self.tier.name()).into()]),
            status,
            stuck: None,
            queued_for: Some(std::time::Duration::from_secs(waited)),
            queued_at: Some(time(self.queued as f64)),
            started_at: taken.map(|taken| time(taken as f64)),
            finished_at: over.then(|| time(self.end.at as f64)),
            runner: taken.map(|_| self.tier.runner()),
            failure_reason: (status == JobStatus::Failed).then(|| self.end.reason.into()),
            takers: None,
        })
    }

    /// When GitLab sends a hook.
    pub fn transitions(&self) -> [u64; 3] {
        [self.queued, self.left_queue(), self.end.at]
    }

    /// A pod as the API server shows it.
    pub fn pod(&self, pod: &PodLife, at: u64) -> Option<Box<PodReport>> {
        if !(pod.created..pod.gone).contains(&at) {
            return None;
        }
        let told = |instant: u64| time(instant as f64 + self.skew as f64);
        let running = pod.running.filter(|running| *running <= at);
        let mut report = *standard_pod(self.id, 0.0, None);
        report.uid = pod.uid.as_str().into();
        report.name = report.uid.clone();
        report.namespace = self.tier.name().into();
        report.runner_short = Some(if self.tier == Tier::Standard { "aaaaaaaa1" } else { "bbbbbbbb1" }.into());
        report.created = told(pod.created);
        report.scheduled = match pod.refused {
            _ if at >= pod.scheduled => Scheduled::At(Some(told(pod.scheduled))),
            Some(refused) if at >= refused => Scheduled::Refused {
                reason: "Unschedulable".into(),
                message: "0/3 nodes are available: 3 Insufficient cpu.".into(),
                since: Some(told(refused)),
                tolerations: Vec::new(),
                nominated: false,
            },
            Some(_) | None => Scheduled::No,
        };
        report.sandbox_ready = (at >= pod.sandbox).then(|| told(pod.sandbox));
        report.containers[0].state = match (running, pod.trouble) {
            (Some(running), _) => ContainerState::Running { since: Some(told(running)) },
            (None, Some(trouble)) if at > pod.sandbox => {
                ContainerState::Waiting { reason: "ErrImagePull".into(), message: trouble.message().into() }
            }
            (None, Some(_) | None) => ContainerState::Absent,
        };
        report.phase = if running.is_some() { PodPhase::Running } else { PodPhase::Pending };
        Some(Box::new(report))
    }
}

/// How long each step of a pod takes, and what hinders it.
#[derive(Debug, Clone)]
struct Steps {
    dispatch: u64,
    refused: Option<u64>,
    schedule: u64,
    sandbox: u64,
    trouble: Option<Trouble>,
    start: Option<u64>,
}

fn steps() -> impl Strategy<Value = Steps> {
    let trouble =
        prop_oneof![3 => Just(None), 1 => Just(Some(Trouble::NotFound)), 1 => Just(Some(Trouble::RateLimited))];
    let refused = prop_oneof![3 => Just(None), 1 => (1..90_u64).prop_map(Some)];
    (1..15_u64, refused, 0..5_u64, 1..10_u64, trouble, prop::option::weighted(0.8, 2..60_u64)).prop_map(
        |(dispatch, refused, schedule, sandbox, trouble, start)| Steps {
            dispatch,
            refused,
            schedule,
            sandbox,
            trouble,
            start,
        },
    )
}

/// Canceled, or dropped by GitLab, instead of taken.
fn never_taken() -> impl Strategy<Value = Option<(JobStatus, &'static str)>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some((JobStatus::Canceled, ""))),
        1 => Just(Some((JobStatus::Failed, "stuck_pending_with_matching_runners"))),
    ]
}

fn end_of_a_run() -> impl Strategy<Value = (JobStatus, &'static str)> {
    prop::sample::select(vec![
        (JobStatus::Success, ""),
        (JobStatus::Failed, "script_failure"),
        (JobStatus::Failed, "runner_system_failure"),
        (JobStatus::Canceled, ""),
    ])
}

fn life() -> impl Strategy<Value = Life> {
    let tier = prop::sample::select(Tier::ALL.to_vec());
    let waits = prop_oneof![1..15_u64, 1..200_u64];
    let steps = vec(steps(), 1..3);
    (tier, 1..200_u64, never_taken(), waits, steps, 3..120_u64, end_of_a_run(), -2..3_i64).prop_map(
        |(tier, queued, never_taken, waits, steps, runs, end, skew)| {
            let left = queued + waits;
            if let Some((status, reason)) = never_taken {
                let end = End { at: left, status, reason };
                return Life { id: 0, tier, queued, taken: None, pods: Vec::new(), end, skew };
            }
            let (pods, over) = pods(left, &steps, runs);
            let ran = pods.iter().any(|pod| pod.running.is_some());
            let (status, reason) = match end {
                // What never ran cannot end well, or by its script.
                (JobStatus::Success, _) | (_, "script_failure") if !ran => (JobStatus::Failed, "runner_system_failure"),
                end => end,
            };
            Life { id: 0, tier, queued, taken: Some(left), pods, end: End { at: over, status, reason }, skew }
        },
    )
}

/// The pods one after the other, as pull retries make them: each but the last gives up. And when the job is over.
fn pods(taken: u64, all: &[Steps], runs: u64) -> (Vec<PodLife>, u64) {
    let mut pods = Vec::new();
    let mut at = taken;
    // All of them have the same image.
    let trouble = all.first().and_then(|steps| steps.trouble);
    for (place, steps) in all.iter().enumerate() {
        let created = at + steps.dispatch;
        let refused = steps.refused.map(|_| created);
        let scheduled = created + steps.schedule + steps.refused.unwrap_or(0);
        let sandbox = scheduled + steps.sandbox;
        // One with trouble that is not the last gives up, and another one is made.
        let gives_up = trouble.is_some() && place + 1 < all.len();
        let running = steps.start.map(|start| sandbox + start).filter(|_| !gives_up);
        let gone = running.map_or(sandbox + 30, |running| running + runs);
        pods.push(PodLife { uid: String::new(), created, refused, scheduled, sandbox, trouble, running, gone });
        at = gone;
        if !gives_up {
            break;
        }
    }
    (pods, at)
}

pub fn lives() -> impl Strategy<Value = Vec<Life>> {
    vec(life(), 1..6).prop_map(|mut lives| {
        for (life, id) in lives.iter_mut().zip(1..) {
            life.id = id;
            for (pod, place) in life.pods.iter_mut().zip(1..) {
                pod.uid = format!("p{id}-{place}");
            }
        }
        lives
    })
}
