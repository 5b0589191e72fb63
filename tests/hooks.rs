//! Neither hooks nor the lists of what runners took change a final count: whatever is lost, late, repeated or out of order,
//! the polls' truth stands; and what no poll saw is counted once by whoever tells of it.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use support::story::cluster::standard_pod;
use support::story::{now, policy, standard_runner, time};
use tierwatch::model::fleet::Fleet;
use tierwatch::model::occurrence::Occurrence;
use tierwatch::observation::*;

/// The runner of the tier `standard`.
const RUNNER: RunnerId = RunnerId(1);
const POLL: u64 = 15;
/// The promise of the policy.
const START_WITHIN: u64 = 120;
/// The last job ends before 400 s, the last hook comes before 800 s; then patience runs out for what is owed.
const END: u64 = 1_300;

/// How a job goes; seconds.
#[derive(Debug, Clone)]
struct Life {
    id: u64,
    queued: u64,
    /// Canceled or dropped by GitLab instead of taken.
    never_taken: Option<(JobStatus, &'static str)>,
    waits: u64,
    /// From taken to the build container; without one its pod never runs.
    starts: Option<u64>,
    runs: u64,
    end: (JobStatus, &'static str),
    /// One process of GitLab's is behind the others by this.
    pod_lag: u64,
}

/// What becomes of the hook of one transition: each number is the delay of one delivery.
type Deliveries = [Vec<u64>; 3];

impl Life {
    fn left_queue(&self) -> u64 {
        self.queued + self.waits
    }

    fn ended(&self) -> u64 {
        if self.never_taken.is_some() {
            self.left_queue()
        } else {
            self.left_queue() + self.starts.unwrap_or(3) + self.runs
        }
    }

    fn status(&self, at: u64) -> Option<JobStatus> {
        let end = self.never_taken.map_or(self.end.0, |(status, _)| status);
        let stages = [(self.ended(), end), (self.left_queue(), JobStatus::Running), (self.queued, JobStatus::Pending)];
        stages.into_iter().find(|(from, _)| *from <= at).map(|(_, status)| status)
    }

    fn report(&self, at: u64) -> Option<JobReport> {
        let status = self.status(at)?;
        let taken = self.never_taken.is_none() && self.left_queue() <= at;
        let over = !matches!(status, JobStatus::Pending | JobStatus::Running);
        // GitLab counts on where nobody took it.
        let waited = if taken { self.waits } else { at - self.queued };
        let reason = self.never_taken.map_or(self.end.1, |(_, reason)| reason);
        Some(JobReport {
            id: JobId(self.id),
            project: Some(ProjectId(1)),
            project_path: None,
            name: "build".into(),
            git_ref: None,
            is_tag: None,
            tags: Some(vec!["tier-standard".into()]),
            status,
            stuck: None,
            queued_for: Some(Duration::from_secs(waited)),
            queued_at: (!over || taken).then(|| instant(self.queued)),
            started_at: taken.then(|| instant(self.left_queue())),
            finished_at: over.then(|| instant(self.ended())),
            runner: taken.then_some(RUNNER),
            failure_reason: (status == JobStatus::Failed).then(|| reason.into()),
            takers: None,
        })
    }

    /// As the hook of that moment shows it.
    fn hook(&self, at: u64) -> Option<JobReport> {
        Some(JobReport { tags: None, ..self.report(at)? })
    }

    fn transitions(&self) -> [u64; 3] {
        [self.queued, self.left_queue(), self.ended()]
    }

    /// Its pod as the API server shows it in this second, where that is news.
    fn pod(&self, at: u64) -> Option<Box<PodReport>> {
        let created = self.left_queue() + 1;
        let at = at.checked_sub(self.pod_lag)?;
        let running = self.starts.map(|starts| self.left_queue() + starts).filter(|running| *running < self.ended());
        let news = self.never_taken.is_none() && (at == created || Some(at) == running);
        news.then(|| {
            standard_pod(self.id, created as f64, running.filter(|running| *running <= at).map(|at| at as f64))
        })
    }
}

fn instant(seconds: u64) -> jiff::Timestamp {
    time(seconds as f64)
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let ends = prop::sample::select(vec![
        (JobStatus::Success, ""),
        (JobStatus::Failed, "script_failure"),
        (JobStatus::Failed, "runner_system_failure"),
        (JobStatus::Failed, "something_new"),
        (JobStatus::Canceled, ""),
    ]);
    let never = prop::sample::select(vec![
        None,
        None,
        None,
        Some((JobStatus::Canceled, "")),
        Some((JobStatus::Failed, "stuck_pending_with_matching_runners")),
    ]);
    let life = (1..150_u64, never, 1..180_u64, prop::option::of(2..60_u64), 3..60_u64, ends, 0..2_u64);
    vec(life, 1..6).prop_map(|lives| {
        let life = |(id, life)| {
            let (queued, never_taken, waits, starts, runs, end, pod_lag) = life;
            let mut life = Life { id, queued, never_taken, waits, starts, runs, end, pod_lag };
            // A job without a pod that no poll sees is known by hooks alone: that is the other property.
            life.waits += if life.never_taken.is_some() { POLL } else { 0 };
            // What succeeds, or fails by its script, has run.
            if matches!(life.end, (JobStatus::Success, _) | (_, "script_failure")) {
                life.starts = life.starts.or(Some(2));
            }
            // One that ends unstarted shortly before its deadline is late for polls, which learn of the end too late;
            // with hooks it is not. There the truth is the hooks', and not what is compared here.
            let almost_late = START_WITHIN - 3 * POLL..=START_WITHIN + 3;
            while life.never_taken.is_none()
                && life.starts.is_none()
                && almost_late.contains(&(life.ended() - life.queued))
            {
                life.runs += POLL;
            }
            life
        };
        (1..).zip(lives).map(life).collect()
    })
}

fn deliveries() -> impl Strategy<Value = Vec<Deliveries>> {
    let delay = prop_oneof![0..3_u64, 0..400_u64];
    vec(prop::array::uniform3(vec(delay, 0..3)), 6)
}

/// Everything counted, sorted. What a source attempts, that it spoke, and since when, is no count of jobs.
fn counted(lives: &[Life], hooks: &BTreeMap<u64, Vec<JobReport>>, polls: bool) -> Vec<String> {
    counted_with(lives, hooks, polls, None)
}

/// The list of what the runner took: how often it is read, and how old it is when it arrives; seconds.
#[derive(Debug, Clone, Copy)]
struct Census {
    every: u64,
    lag: u64,
}

fn censuses() -> impl Strategy<Value = Census> {
    (5..90_u64, 0..12_u64).prop_map(|(every, lag)| Census { every, lag })
}

fn counted_with(
    lives: &[Life],
    hooks: &BTreeMap<u64, Vec<JobReport>>,
    polls: bool,
    census: Option<Census>,
) -> Vec<String> {
    let policy = Arc::new(policy());
    let pods = SourceKey::namespaced(SourceKind::KubePods, "standard");
    let expected = if polls { vec![pods.clone()] } else { Vec::new() };
    let mut fleet = Fleet::new(policy, expected);
    let mut counted = Vec::new();
    let mut say = |fleet: &mut Fleet, at: u64, source: SourceKey, body: Body| {
        let at = now(at as f64);
        for occurrence in fleet.apply(Observation { source, at, body }) {
            if !matches!(
                occurrence,
                Occurrence::SourceAttempt { .. } | Occurrence::Observed { .. } | Occurrence::Gap { .. }
            ) {
                counted.push(format!("{occurrence:?}"));
            }
        }
    };
    let global = SourceKey::global;
    say(&mut fleet, 0, global(SourceKind::GitlabRunners), Body::Runners(vec![standard_runner()]));
    say(&mut fleet, 0, pods.clone(), Body::Pod(Change::Replace(Vec::new())));
    for at in 0..END {
        if polls {
            for pod in lives.iter().filter_map(|life| life.pod(at)) {
                say(&mut fleet, at, pods.clone(), Body::Pod(Change::Upsert(pod)));
            }
            say(&mut fleet, at, pods.clone(), Body::Alive);
        }
        for hook in hooks.get(&at).into_iter().flatten() {
            say(&mut fleet, at, global(SourceKind::GitlabHooks), Body::Job(Box::new(hook.clone())));
        }
        if let Some(Census { every, lag }) = census
            && at.is_multiple_of(every)
            && let Some(read) = at.checked_sub(lag)
        {
            let taken = lives.iter().filter_map(|life| life.report(read)).filter(|job| job.runner.is_some());
            for job in taken {
                let job = JobReport { tags: None, ..job };
                say(&mut fleet, at, global(SourceKind::GitlabRunnerJobs), Body::Job(Box::new(job)));
            }
        }
        if polls && at.is_multiple_of(POLL) {
            let list = |status| {
                let of = |life: &Life| life.report(at).filter(|job| job.status == status);
                lives.iter().filter_map(of).collect::<Vec<_>>()
            };
            let (pending, running) = (list(JobStatus::Pending), list(JobStatus::Running));
            let scope = QueueScope::Instance;
            say(&mut fleet, at, global(SourceKind::GitlabQueue), Body::Queue { scope, jobs: pending });
            say(&mut fleet, at, global(SourceKind::GitlabStarted), Body::Running { scope, jobs: running });
            let wishes = fleet.wishes(&now(at as f64));
            for wish in wishes.look_ups {
                let life = lives.iter().find(|life| life.id == wish.job.0).expect("nobody asks for another job");
                let answer = life.report(at).map_or(Body::JobNotFound(wish.job), |job| Body::Job(Box::new(job)));
                say(&mut fleet, at, global(SourceKind::GitlabStarted), answer);
            }
        }
        say(&mut fleet, at, global(SourceKind::Clock), Body::Tick);
    }
    counted.sort();
    counted
}

fn timetable(lives: &[Life], deliveries: &[Deliveries]) -> BTreeMap<u64, Vec<JobReport>> {
    let mut hooks: BTreeMap<u64, Vec<JobReport>> = BTreeMap::new();
    for (life, deliveries) in lives.iter().zip(deliveries) {
        for (at, delays) in life.transitions().into_iter().zip(deliveries) {
            for delay in delays {
                hooks.entry(at + delay).or_default().extend(life.hook(at));
            }
        }
    }
    hooks
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn beside_polls_hooks_change_no_final_count(lives in lives(), deliveries in deliveries()) {
        let alone = counted(&lives, &BTreeMap::new(), true);
        let with_hooks = counted(&lives, &timetable(&lives, &deliveries), true);
        prop_assert_eq!(alone, with_hooks);
    }

    #[test]
    fn beside_polls_what_runners_took_changes_no_final_count(
        lives in lives(),
        deliveries in deliveries(),
        census in censuses(),
    ) {
        let alone = counted(&lives, &BTreeMap::new(), true);
        prop_assert_eq!(&alone, &counted_with(&lives, &BTreeMap::new(), true, Some(census)));
        prop_assert_eq!(&alone, &counted_with(&lives, &timetable(&lives, &deliveries), true, Some(census)));
    }

    #[test]
    fn what_no_poll_saw_is_counted_by_what_the_runner_took(lives in lives(), census in censuses()) {
        // Nobody else speaks.
        let counted = counted_with(&lives, &BTreeMap::new(), false, Some(census));
        let count = |kind: &str| counted.iter().filter(|line| line.starts_with(kind)).count();
        let taken = lives.iter().filter(|life| life.never_taken.is_none()).count();
        prop_assert_eq!((count("JobTaken"), count("JobOutcome")), (taken, taken));
        let failed = lives.iter().filter(|life| life.never_taken.is_none() && life.end.0 == JobStatus::Failed).count();
        prop_assert_eq!(count("JobFailed"), failed);
    }

    #[test]
    fn without_polls_the_last_hook_of_a_job_says_all(lives in lives(), mut deliveries in deliveries()) {
        let last_only: Vec<Deliveries> = vec![[vec![], vec![], vec![0]]; 6];
        for delivery in &mut deliveries {
            if delivery[2].is_empty() {
                delivery[2].push(200);
            }
        }
        let expected = counted(&lives, &timetable(&lives, &last_only), false);
        prop_assert_eq!(&expected, &counted(&lives, &timetable(&lives, &deliveries), false));
        let taken = lives.iter().filter(|life| life.never_taken.is_none()).count();
        prop_assert_eq!(expected.iter().filter(|line| line.starts_with("JobTaken")).count(), taken);
    }
}
