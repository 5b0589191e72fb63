//! One round of the daemon's own sources, heard by the daemon's own desk: what `check` says is read and judged is what the
//! daemon would read and judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Gitlab, Kubernetes};
use crate::desk::{Book, CHANNEL};
use crate::metrics::{Operation, Own};
use crate::model::assessment::Assessment;
use crate::model::fleet::Fleet;
use crate::model::policy::Policy;
use crate::observation::{Body, Failure, JobId, Now, Observation, RunnerReport, SourceKey, SourceKind, Wishes};
use crate::source::gitlab::{ClientError, GitlabSources};
use crate::source::kube;
use crate::source::watch::Pace;

/// How often it is looked whether all have spoken.
const STEP: Duration = Duration::from_millis(50);

/// What is asked, and how long it may take.
pub(super) struct Round {
    pub(super) gitlab: Gitlab,
    pub(super) kubernetes: Kubernetes,
    pub(super) policy: Arc<Policy>,
    /// Absent where there is no way to the cluster.
    pub(super) cluster: Option<::kube::Client>,
    pub(super) clock: Clock,
    /// Real time.
    pub(super) patience: Duration,
}

/// What one source said.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// It answered with what it is there for; a sign of life is none.
    pub(super) answered: bool,
    /// It gave a sign of life.
    pub(super) alive: bool,
    /// Why it could not.
    pub(super) failure: Option<Failure>,
    /// What it said of itself.
    pub(super) notes: Vec<String>,
    /// Objects of its answers.
    pub(super) objects: usize,
    /// Jobs of its lists, each once however often it was read.
    jobs: BTreeSet<JobId>,
    /// From the beginning to its first answer or failure.
    pub(super) took: Option<Duration>,
}

impl Told {
    fn has_spoken(&self) -> bool {
        self.answered || self.alive || self.failure.is_some()
    }
}

/// What was heard.
#[derive(Debug)]
pub(super) struct Heard {
    /// Of each source that was expected to speak.
    pub(super) told: BTreeMap<SourceKey, Told>,
    /// The runners, when GitLab showed any list of them.
    pub(super) runners: Option<Vec<RunnerReport>>,
    /// The watched projects by their full paths, where the queue is read project by project.
    pub(super) projects: Option<BTreeSet<Arc<str>>>,
    /// Full paths of projects whose jobs were read.
    pub(super) busy: BTreeSet<Arc<str>>,
    /// Namespaces that were asked for, and whether each is there.
    pub(super) namespaces: BTreeMap<Arc<str>, bool>,
    /// Secrets with runner tokens, by namespace and name, and whether each is there.
    pub(super) secrets: BTreeMap<(Arc<str>, Arc<str>), bool>,
    /// Requests that it took.
    pub(super) requests: Vec<(Operation, u64)>,
    /// The judgement at the end.
    pub(super) judged: Arc<Assessment>,
}

impl Heard {
    pub(super) fn of(&self, kind: SourceKind) -> Option<&Told> {
        self.told.get(&SourceKey::global(kind))
    }

    fn hear(&mut self, observation: &Observation, began: &Now) {
        let told = self.told.entry(observation.source.clone()).or_default();
        let body = &observation.body;
        if let Body::Note(text) = body {
            told.notes.push(text.clone());
        } else if let Body::Failed(failure) = body {
            told.failure = Some(failure.clone());
        } else if matches!(body, Body::Alive) {
            told.alive = true;
        } else if !matches!(body, Body::Period(_) | Body::ApiToken(_)) {
            told.answered = true;
            // A source that failed at first and then answered is well.
            told.failure = None;
            if let Body::Queue { jobs, .. } | Body::RunnerQueues { jobs, .. } | Body::Running { jobs, .. } = body {
                told.jobs.extend(jobs.iter().map(|job| job.id));
                self.busy.extend(jobs.iter().filter_map(|job| job.project_path.clone()));
                told.objects = told.jobs.len();
            } else if let Body::Runners(runners) = body {
                told.objects = runners.len();
            } else {
                told.objects += body.objects();
            }
        }
        if told.has_spoken() && told.took.is_none() {
            told.took = Some(observation.at.since(began));
        }
        let namespace = observation.source.namespace.as_ref();
        match (&observation.body, namespace) {
            (Body::Runners(runners), _) => self.runners = Some(runners.clone()),
            (Body::Projects(projects), _) => {
                self.projects = Some(projects.iter().map(|project| Arc::clone(&project.path)).collect());
            }
            (Body::Namespace(found), Some(namespace)) => {
                self.namespaces.insert(Arc::clone(namespace), found.is_some());
            }
            (Body::TokenSecrets(secrets), Some(namespace)) => {
                let rows = secrets.iter().map(|(name, found)| ((namespace.clone(), name.clone()), found.is_some()));
                self.secrets.extend(rows);
            }
            _ => {}
        }
    }

    /// Whether everybody who will speak by himself has spoken.
    fn is_complete(&self, waited_for: &BTreeSet<SourceKey>) -> bool {
        let queue_failed = self.of(SourceKind::GitlabQueue).is_some_and(|told| told.failure.is_some());
        waited_for.iter().all(|key| {
            // It waits for the way by which the queue is read, which it will not learn.
            let is_in_vain = key.kind == SourceKind::GitlabStarted && queue_failed;
            is_in_vain || self.told.get(key).is_some_and(Told::has_spoken)
        })
    }
}

/// These ask only for what others have told of.
const LATER: [SourceKind; 3] = [SourceKind::GitlabRunnerJobs, SourceKind::GitlabRefs, SourceKind::GitlabJobLogs];

/// Lets every source speak once, within the time that there is.
pub(super) async fn listen(round: Round) -> Result<Heard, ClientError> {
    let Round { gitlab, kubernetes, policy, cluster, clock, patience } = round;
    let mut keys = GitlabSources::keys(&gitlab);
    if cluster.is_some() {
        keys.extend(kube::plan(&policy, &kubernetes));
    }
    let own = Own::default();
    let began = clock.now();
    let (mut book, judged) = Book::new(Fleet::new(Arc::clone(&policy), keys.clone()), began, Box::new(|_, _| {}));
    let (desk, mut observations) = mpsc::channel(CHANNEL);
    let (wishes, wished) = watch::channel(Arc::<Wishes>::default());
    let stop = CancellationToken::new();
    let sources = GitlabSources {
        runners: policy.tiers.iter().flat_map(|tier| tier.runners.iter().copied()).collect(),
        config: gitlab,
        clock: clock.clone(),
        own: own.clone(),
        wishes: wished,
        desk: desk.clone(),
    };
    let (later, now): (Vec<_>, Vec<_>) =
        sources.start(&stop)?.into_iter().partition(|(key, _)| LATER.contains(&key.kind));
    let mut tasks = JoinSet::new();
    for (_, source) in now {
        tasks.spawn(source);
    }
    if let Some(client) = &cluster {
        let watches = kube::start(client, &policy, &kubernetes, &desk, &clock, &own, &stop, Pace::default());
        let mut watches = watches.tasks;
        tasks.spawn(async move { while watches.join_next().await.is_some() {} });
    }
    drop(desk);

    let mut heard = Heard {
        told: keys.iter().map(|key| (key.clone(), Told::default())).collect(),
        runners: None,
        projects: None,
        busy: BTreeSet::new(),
        namespaces: BTreeMap::new(),
        secrets: BTreeMap::new(),
        requests: Vec::new(),
        judged: judged.borrow().clone(),
    };
    let mut waited_for: BTreeSet<SourceKey> = keys.into_iter().filter(|key| !LATER.contains(&key.kind)).collect();
    let mut later = Some(later);
    let listening = async {
        loop {
            let step = tokio::time::timeout(STEP, observations.recv()).await;
            if let Ok(Some(observation)) = step {
                heard.hear(&observation, &began);
                book.fold(observation);
                continue;
            }
            let told = book.wishes(clock.now());
            wishes.send_if_modified(|known| {
                let differ = **known != told;
                if differ {
                    *known = Arc::new(told);
                }
                differ
            });
            if !heard.is_complete(&waited_for) {
                continue;
            }
            let Some(sources) = later.take() else { break };
            for (key, source) in sources {
                waited_for.insert(key);
                tasks.spawn(source);
            }
        }
    };
    // Who has not spoken by then shows as silent.
    let _in_time = tokio::time::timeout(patience, listening).await;
    stop.cancel();
    tasks.abort_all();
    heard.requests = Operation::ALL.iter().map(|operation| (*operation, own.gitlab_requests(*operation))).collect();
    heard.judged = book.judge(clock.now()).1;
    Ok(heard)
}
