//! Shows random jobs to the fleet, second by second, through sources that fail, repeat themselves and tell too late.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::occurrence::Occurrence;
use tierwatch::observation::*;

use super::life::{Life, Tier};
use super::support::story::{now, policy, protected_runner, standard_runner};

const POLL: u64 = 15;
const CENSUS: u64 = 60;
/// After this nothing fails any more.
const WELL_AGAIN: u64 = 800;
/// The last job ends before 1,300 s; by then patience runs out for what is owed.
const END: u64 = 2_200;

/// Who does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Queue,
    Started,
    Census,
    Pods(Tier),
}

impl Who {
    fn key(self) -> SourceKey {
        match self {
            Self::Queue => SourceKey::global(SourceKind::GitlabQueue),
            Self::Started => SourceKey::global(SourceKind::GitlabStarted),
            Self::Census => SourceKey::global(SourceKind::GitlabRunnerJobs),
            Self::Pods(tier) => SourceKey::namespaced(SourceKind::KubePods, tier.name()),
        }
    }
}

#[derive(Debug, Clone)]
struct Outage {
    who: Who,
    from: u64,
    lasts: u64,
    /// A connection that hangs without a word.
    silent: bool,
}

/// What goes wrong on the way.
#[derive(Debug, Clone)]
pub struct Faults {
    outages: Vec<Outage>,
    /// The watch of a tier's pods begins anew.
    relists: Vec<(Tier, u64)>,
    /// Of each job's three hooks the delays of each delivery; none: lost.
    hooks: Vec<[Vec<u64>; 3]>,
    /// Everything the watch says it says twice.
    echo: bool,
    restarts: Vec<Restart>,
}

/// The daemon dies and another one begins.
#[derive(Debug, Clone)]
struct Restart {
    at: u64,
    /// So long there is none.
    lasts: u64,
    /// The new one knows what was counted before.
    remembers: bool,
}

/// Faults, and one or two restarts.
pub fn faults_and_restarts() -> impl Strategy<Value = Faults> {
    let restart = (1..WELL_AGAIN - 100, 1..60_u64, any::<bool>()).prop_map(|(at, lasts, remembers)| Restart {
        at,
        lasts,
        remembers,
    });
    (faults(), vec(restart, 1..3)).prop_map(|(faults, restarts)| Faults { restarts, ..faults })
}

pub fn faults() -> impl Strategy<Value = Faults> {
    let who = prop::sample::select(vec![
        Who::Queue,
        Who::Started,
        Who::Census,
        Who::Pods(Tier::Standard),
        Who::Pods(Tier::Protected),
    ]);
    let outage = (who, 1..WELL_AGAIN - 100, 5..100_u64, any::<bool>()).prop_map(|(who, from, lasts, silent)| Outage {
        who,
        from,
        lasts,
        // A watch that hangs is cut off and says so.
        silent: silent && !matches!(who, Who::Pods(_)),
    });
    let relist = (prop::sample::select(Tier::ALL.to_vec()), 1..WELL_AGAIN);
    let delay = prop_oneof![0..3_u64, 0..400_u64];
    let hooks = vec(prop::array::uniform3(vec(delay, 0..3)), 6);
    (vec(outage, 0..5), vec(relist, 0..4), hooks, any::<bool>()).prop_map(|(outages, relists, hooks, echo)| Faults {
        outages,
        relists,
        hooks,
        echo,
        restarts: Vec::new(),
    })
}

impl Faults {
    /// Nothing goes wrong, and GitLab sends no hooks.
    pub fn none() -> Self {
        Self { outages: Vec::new(), relists: Vec::new(), hooks: Vec::new(), echo: false, restarts: Vec::new() }
    }

    fn blind(&self) -> Vec<(Tier, std::ops::Range<u64>)> {
        let of_pods = |outage: &Outage| match outage.who {
            Who::Pods(tier) => Some((tier, outage.from..outage.from + outage.lasts)),
            Who::Queue | Who::Started | Who::Census => None,
        };
        self.outages.iter().filter_map(of_pods).collect()
    }

    fn outage(&self, who: Who, at: u64) -> Option<&Outage> {
        self.outages.iter().find(|outage| outage.who == who && (outage.from..outage.from + outage.lasts).contains(&at))
    }
}

/// What could be known: the reference expects no more.
#[derive(Debug, Default)]
pub struct Shown {
    /// Jobs that a poll of the queue showed waiting.
    pub waiting: BTreeSet<u64>,
    /// Pods that the watch showed, and how far each of them was seen to come.
    pub pods: BTreeSet<String>,
    pub troubled: BTreeSet<String>,
    pub refused: BTreeSet<String>,
    pub scheduled: BTreeSet<String>,
    pub sandboxed: BTreeSet<String>,
    pub ran: BTreeSet<String>,
    /// When the pods of a tier could not be watched.
    pub blind: Vec<(Tier, std::ops::Range<u64>)>,
}

pub struct Stage<'a> {
    lives: &'a [Life],
    faults: &'a Faults,
    fleet: Fleet,
    /// What happened before is not counted.
    floor: jiff::Timestamp,
    connected: BTreeMap<&'static str, bool>,
    hooks: BTreeMap<u64, Vec<JobReport>>,
    pub shown: Shown,
    pub counted: Vec<Occurrence>,
}

impl<'a> Stage<'a> {
    /// Plays the whole story.
    pub fn play(lives: &'a [Life], faults: &'a Faults) -> Self {
        let pods = Tier::ALL.map(|tier| Who::Pods(tier).key()).to_vec();
        let mut hooks: BTreeMap<u64, Vec<JobReport>> = BTreeMap::new();
        for (life, deliveries) in lives.iter().zip(&faults.hooks) {
            for (at, delays) in life.transitions().into_iter().zip(deliveries) {
                for delay in delays {
                    let hook = life.report(at).map(|job| JobReport { tags: None, ..job });
                    hooks.entry(at + delay).or_default().extend(hook);
                }
            }
        }
        let mut stage = Self {
            lives,
            faults,
            fleet: Fleet::new(Arc::new(policy()), pods),
            floor: now(0.0).wall,
            connected: BTreeMap::new(),
            hooks,
            shown: Shown { blind: faults.blind(), ..Shown::default() },
            counted: Vec::new(),
        };
        let global = SourceKey::global;
        stage.begin(0);
        for at in 0..END {
            if stage.is_down(at) {
                continue;
            }
            Tier::ALL.into_iter().for_each(|tier| stage.watch(tier, at));
            for hook in stage.hooks.remove(&at).unwrap_or_default() {
                stage.say(at, global(SourceKind::GitlabHooks), Body::Job(Box::new(hook)));
            }
            if at.is_multiple_of(POLL) {
                stage.poll(at);
            }
            if at.is_multiple_of(CENSUS) && stage.answers(Who::Census, at) {
                for job in stage.lives.iter().filter_map(|life| life.report(at)).filter(|job| job.runner.is_some()) {
                    let job = Box::new(JobReport { tags: None, ..job });
                    stage.say(at, Who::Census.key(), Body::Job(job));
                }
            }
            stage.say(at, global(SourceKind::Clock), Body::Tick);
        }
        stage
    }

    /// What is asked once.
    fn begin(&mut self, at: u64) {
        let global = SourceKey::global;
        self.say(at, global(SourceKind::GitlabRunners), Body::Runners(vec![standard_runner(), protected_runner()]));
        let branches = Some(vec!["main".into()]);
        let refs = ProtectedRefs { project: ProjectId(1), branches, tags: Some(Vec::new()) };
        self.say(at, global(SourceKind::GitlabRefs), Body::ProtectedRefs(refs));
    }

    /// Whether there is no daemon now; where a new one begins, it does.
    fn is_down(&mut self, at: u64) -> bool {
        let mut restarts = self.faults.restarts.iter();
        if restarts.any(|restart| (restart.at..restart.at + restart.lasts).contains(&at)) {
            return true;
        }
        let Some(restart) = self.faults.restarts.iter().find(|restart| restart.at + restart.lasts == at) else {
            return false;
        };
        let left = self.fleet.left(now(restart.at as f64));
        let pods = Tier::ALL.map(|tier| Who::Pods(tier).key()).to_vec();
        self.fleet = Fleet::new(Arc::new(policy()), pods);
        self.connected.clear();
        if restart.remembers {
            let earlier = Earlier {
                floor: self.floor,
                keys: self.counted.iter().filter_map(Occurrence::key).map(|key| key.0).collect(),
                open: left.open.into_iter().map(|(job, project)| LookUp { job, project }).collect(),
                seen: left.seen.into_iter().collect(),
                alerts: left.alerts,
                last: None,
            };
            self.say(at, SourceKey::global(SourceKind::Clock), Body::Earlier(Box::new(earlier)));
        } else {
            // What this run does not count, none after it does.
            self.floor = now(at as f64).wall;
        }
        self.begin(at);
        false
    }

    fn say(&mut self, at: u64, source: SourceKey, body: Body) {
        let at = now(at as f64);
        self.counted.extend(self.fleet.apply(Observation { source, at, body }));
    }

    /// Whether an attempt now is answered; a failure is said.
    fn answers(&mut self, who: Who, at: u64) -> bool {
        let Some(outage) = self.faults.outage(who, at) else { return true };
        if !outage.silent {
            let detail = "no answer".to_owned();
            let failure = Failure { class: FailureClass::Timeout, detail, retry_after: None };
            self.say(at, who.key(), Body::Failed(failure));
        }
        false
    }

    fn poll(&mut self, at: u64) {
        let list = |status| {
            let of = |life: &Life| life.report(at).filter(|job| job.status == status);
            self.lives.iter().filter_map(of).collect::<Vec<_>>()
        };
        let (pending, running) = (list(JobStatus::Pending), list(JobStatus::Running));
        let scope = QueueScope::Instance;
        if self.answers(Who::Queue, at) {
            self.shown.waiting.extend(pending.iter().map(|job| job.id.0));
            self.say(at, Who::Queue.key(), Body::Queue { scope, jobs: pending });
        }
        if self.answers(Who::Started, at) {
            self.say(at, Who::Started.key(), Body::Running { scope, jobs: running });
            for wish in self.fleet.wishes(&now(at as f64)).look_ups {
                let life = self.lives.iter().find(|life| life.id == wish.job.0).expect("nobody asks for another job");
                let answer = life.report(at).map_or(Body::JobNotFound(wish.job), |job| Body::Job(Box::new(job)));
                self.say(at, Who::Started.key(), answer);
            }
        }
    }

    fn watch(&mut self, tier: Tier, at: u64) {
        let who = Who::Pods(tier);
        let before = self.connected.insert(tier.name(), true);
        if self.faults.outage(who, at).is_some() {
            self.connected.insert(tier.name(), false);
            if before != Some(false) {
                self.answers(who, at);
            }
            return;
        }
        let was_connected = before == Some(true);
        let of_tier = self.lives.iter().filter(|life| life.tier == tier);
        let pods = of_tier.flat_map(|life| life.pods.iter().map(move |pod| (life, pod)));
        let (mut there, mut news) = (Vec::new(), Vec::new());
        for (life, pod) in pods {
            let (before, now) = (at.checked_sub(1).and_then(|at| life.pod(pod, at)), life.pod(pod, at));
            match &now {
                Some(report) if before != now => news.push(Change::Upsert(report.clone())),
                None if before.is_some() => news.push(Change::Gone(pod.uid.as_str().into())),
                Some(_) | None => {}
            }
            there.extend(now);
        }
        if !was_connected || self.faults.relists.contains(&(tier, at)) {
            news = vec![Change::Replace(there)];
        } else if self.faults.echo {
            news.extend(news.clone());
        }
        for change in news {
            self.note(&change);
            self.say(at, who.key(), Body::Pod(change));
        }
        self.say(at, who.key(), Body::Alive);
    }

    fn note(&mut self, change: &Change<Box<PodReport>>) {
        let reports = match change {
            Change::Upsert(report) => std::slice::from_ref(report),
            Change::Replace(reports) => reports,
            Change::Gone(_) => &[],
        };
        for report in reports {
            let uid = report.uid.to_string();
            self.shown.pods.insert(uid.clone());
            match report.scheduled {
                Scheduled::Refused { .. } => drop(self.shown.refused.insert(uid.clone())),
                Scheduled::At(_) => drop(self.shown.scheduled.insert(uid.clone())),
                Scheduled::No => {}
            }
            if report.sandbox_ready.is_some() {
                self.shown.sandboxed.insert(uid.clone());
            }
            match report.containers[0].state {
                ContainerState::Waiting { .. } => drop(self.shown.troubled.insert(uid)),
                ContainerState::Running { .. } => drop(self.shown.ran.insert(uid)),
                ContainerState::Absent | ContainerState::Terminated { .. } => {}
            }
        }
    }
}
