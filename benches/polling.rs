//! How soon a waiting job is seen when the queue is read project by project: 5,000 projects, 300 requests a minute.
//!
//! Four hours in virtual time, with the policy that the daemon follows and, over the same jobs and with the same number of
//! requests, with all projects in turn. Seeded: the same table each time.

#![expect(clippy::print_stdout, reason = "the table is what this is for")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tierwatch::observation::{ProjectId, ProjectReport};
use tierwatch::source::gitlab::rotation::{Found, Listed, Rotation, Round};

const PROJECTS: u64 = 5000;
/// What `queue_projects` leaves itself of 300 requests a minute, for a round of 15 s.
const ROUND: Round = Round { every: Duration::from_secs(15), sweep: Duration::from_secs(30 * 60), allowance: 63 };
const ROUNDS: u32 = 5 * 240;
/// An hour to get to know the projects.
const MEASURED_FROM: Duration = Duration::from_secs(3600);

/// How lively a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Busy,
    NowAndThen,
    Idle,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Busy, Self::NowAndThen, Self::Idle];

    fn of(id: u64) -> Self {
        match id % 250 {
            0 => Self::Busy,
            1..=10 => Self::NowAndThen,
            _ => Self::Idle,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Busy => "20 busy (a pipeline every 4 min)",
            Self::NowAndThen => "200 now and then (every day)",
            Self::Idle => "4,780 idle (every month)",
        }
    }

    /// Mean time between two pipelines.
    fn between_pipelines(self) -> f64 {
        match self {
            Self::Busy => 240.0,
            Self::NowAndThen => 86_400.0,
            Self::Idle => 30.0 * 86_400.0,
        }
    }
}

/// A job: pending from `ready`, gone at `done`.
#[derive(Debug, Clone, Copy)]
struct Job {
    ready: f64,
    done: f64,
}

/// The jobs of all projects, each project's in the order of being ready.
fn jobs(seed: u64) -> BTreeMap<u64, Vec<Job>> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut after = |mean: f64| -mean * (1.0 - chance.f64()).ln();
    let end = ROUND.every.as_secs_f64() * f64::from(ROUNDS);
    let mut all = BTreeMap::new();
    for id in 1..=PROJECTS {
        let mut jobs = Vec::new();
        let mut at = after(Kind::of(id).between_pipelines());
        while at < end {
            // Three stages of two jobs; each waits a minute and runs four.
            let mut ready = at;
            for _stage in 0..3 {
                let done = [ready + after(60.0) + after(240.0), ready + after(60.0) + after(240.0)];
                jobs.extend(done.map(|done| Job { ready, done }));
                ready = done[0].max(done[1]);
            }
            at += after(Kind::of(id).between_pipelines());
        }
        jobs.sort_by(|a, b| a.ready.total_cmp(&b.ready));
        all.insert(id, jobs);
    }
    all
}

/// Who is looked at, by which rule.
trait Turns {
    fn plan(&mut self, now: Duration) -> Vec<u64>;
    fn hint(&mut self, id: u64, now: Duration) -> Vec<u64>;
    fn answered(&mut self, id: u64, now: Duration, jobs: bool);
}

struct RoundRobin(VecDeque<u64>);

impl Turns for RoundRobin {
    fn plan(&mut self, _now: Duration) -> Vec<u64> {
        self.0.rotate_left(ROUND.allowance);
        self.0.iter().take(ROUND.allowance).copied().collect()
    }

    fn hint(&mut self, _id: u64, _now: Duration) -> Vec<u64> {
        Vec::new()
    }

    fn answered(&mut self, _id: u64, _now: Duration, _jobs: bool) {}
}

struct Ours {
    rotation: Rotation,
    /// The part of the hooks that arrives.
    hooks: f64,
    chance: fastrand::Rng,
}

impl Ours {
    fn new(hooks: f64) -> Self {
        let listed = |id: u64| Listed {
            project: ProjectReport { id: ProjectId(id), path: format!("group/project-{id}").into() },
            silence: None,
        };
        let mut rotation = Rotation::default();
        rotation.replace(&(1..=PROJECTS).map(listed).collect::<Vec<_>>(), Duration::ZERO);
        Self { rotation, hooks, chance: fastrand::Rng::with_seed(7) }
    }
}

fn numbers(plan: &[ProjectReport]) -> Vec<u64> {
    plan.iter().map(|project| project.id.0).collect()
}

impl Turns for Ours {
    fn plan(&mut self, now: Duration) -> Vec<u64> {
        numbers(&self.rotation.plan(ROUND, now))
    }

    fn hint(&mut self, id: u64, now: Duration) -> Vec<u64> {
        if self.chance.f64() >= self.hooks {
            return Vec::new();
        }
        self.rotation.hint(&[ProjectId(id)]);
        let due = numbers(&self.rotation.between(ROUND, now));
        self.rotation.spend(due.len());
        due
    }

    fn answered(&mut self, id: u64, now: Duration, jobs: bool) {
        self.rotation.answered(ProjectId(id), now, Found { jobs, requests: 1 });
    }
}

/// What came of it, per kind of project.
#[derive(Debug, Default)]
struct Score {
    /// From ready to seen, in seconds; `None`: gone before anybody looked.
    seen_after: Vec<Option<f64>>,
    /// Times between two looks.
    gaps: Vec<f64>,
}

impl Score {
    fn share_within(&self, intervals: u32) -> f64 {
        let limit = ROUND.every.as_secs_f64() * f64::from(intervals);
        let seen = self.seen_after.iter().flatten().filter(|after| **after <= limit).count();
        100.0 * seen as f64 / self.seen_after.len().max(1) as f64
    }

    fn missed(&self) -> f64 {
        let missed = self.seen_after.iter().filter(|after| after.is_none()).count();
        100.0 * missed as f64 / self.seen_after.len().max(1) as f64
    }

    fn longest_gap(&self) -> f64 {
        self.gaps.iter().copied().fold(0.0, f64::max)
    }
}

/// The run of one rule over the jobs.
struct Run<'a> {
    jobs: &'a BTreeMap<u64, Vec<Job>>,
    /// Jobs of each project that were seen or are gone.
    settled: BTreeMap<u64, usize>,
    looked: BTreeMap<u64, f64>,
    scores: BTreeMap<Kind, Score>,
    requests: usize,
}

impl Run<'_> {
    fn look(&mut self, id: u64, now: Duration) -> bool {
        let now = now.as_secs_f64();
        self.requests += 1;
        let score = self.scores.entry(Kind::of(id)).or_default();
        if let Some(before) = self.looked.insert(id, now).filter(|at| *at >= MEASURED_FROM.as_secs_f64()) {
            score.gaps.push(now - before);
        }
        let settled = self.settled.entry(id).or_default();
        while let Some(job) = self.jobs[&id].get(*settled).filter(|job| job.ready <= now) {
            *settled += 1;
            if job.ready >= MEASURED_FROM.as_secs_f64() {
                // Running jobs come with the same answer: a job is missed when it is done before the look.
                score.seen_after.push((job.done > now).then_some(now - job.ready));
            }
        }
        self.jobs[&id].iter().any(|job| job.ready <= now && job.done > now)
    }
}

fn play<'a>(jobs: &'a BTreeMap<u64, Vec<Job>>, turns: &mut dyn Turns) -> Run<'a> {
    let mut run = Run { jobs, settled: BTreeMap::new(), looked: BTreeMap::new(), scores: BTreeMap::new(), requests: 0 };
    let mut ready: Vec<(f64, u64)> =
        jobs.iter().flat_map(|(id, jobs)| jobs.iter().map(|job| (job.ready, *id))).collect();
    ready.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut coming = ready.into_iter().peekable();
    for round in 0..ROUNDS {
        let now = ROUND.every * round;
        while let Some((at, id)) = coming.next_if(|(at, _)| *at <= now.as_secs_f64()) {
            // A hook comes a second after the job, or with the next round.
            let heard = Duration::from_secs_f64(at + 1.0).min(now);
            for due in turns.hint(id, heard) {
                let jobs = run.look(due, heard);
                turns.answered(due, heard, jobs);
            }
        }
        for id in turns.plan(now) {
            let jobs = run.look(id, now);
            turns.answered(id, now, jobs);
        }
    }
    run
}

fn main() {
    let jobs = jobs(7);
    println!("| projects | rule | seen within 15 s | 30 s | 75 s | never seen | longest time between two looks |");
    println!("|---|---|---|---|---|---|---|");
    let mut rules: [(&str, Box<dyn Turns>); 4] = [
        ("all in turn", Box::new(RoundRobin((1..=PROJECTS).collect()))),
        ("tierwatch", Box::new(Ours::new(0.0))),
        ("tierwatch, half of the webhooks lost", Box::new(Ours::new(0.5))),
        ("tierwatch with webhooks", Box::new(Ours::new(1.0))),
    ];
    let runs: Vec<_> = rules.iter_mut().map(|(name, turns)| (*name, play(&jobs, turns.as_mut()))).collect();
    for kind in Kind::ALL {
        for (name, run) in &runs {
            let score = &run.scores[&kind];
            println!(
                "| {} | {name} | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.0} s |",
                kind.name(),
                score.share_within(1),
                score.share_within(2),
                score.share_within(5),
                score.missed(),
                score.longest_gap(),
            );
        }
    }
    let minutes = ROUND.every.as_secs_f64() * f64::from(ROUNDS) / 60.0;
    for (name, run) in &runs {
        println!("{name}: {:.0} requests a minute", run.requests as f64 / minutes);
    }
}
