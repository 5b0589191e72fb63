//! What was seen, and what follows from it: observations in, occurrences out.
//!
//! The one owner of the fleet feeds it a single linear stream; it holds no lock and reads no clock.

mod boundary;
mod by_namespace;
mod earlier;
mod events;
mod hooks;
mod job;
mod job_logs;
mod jobs;
mod lately;
mod nodes;
mod notices;
mod parked;
mod pods;
mod reach;
mod refusals;
mod scale_ups;
mod sources;
mod start;
mod tokens;
mod told;
mod trouble;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub(in crate::model) use boundary::Boundaries;
use by_namespace::ByNamespace;
pub use earlier::Left;
pub(in crate::model) use job::{Claim, End, JobRow, Stage};
pub(in crate::model) use jobs::Jobs;
pub(in crate::model) use lately::Lately;
pub(in crate::model) use nodes::Nodes;
pub(in crate::model) use notices::Notices;
pub(in crate::model) use pods::{PodRow, Pods};
pub(in crate::model) use reach::Reach;
pub(in crate::model) use sources::{Blind, SourceRow, Sources};
pub(in crate::model) use trouble::ScaleWord;

use crate::model::occurrence::{Occurrence, Phase};
use crate::model::policy::{Policy, Staleness, TierId};
use crate::model::tier::{Fit, Rosters, Wanted, matches_protected, place};
use crate::observation::{
    Body, Change, EarlierAlert, JobReport, LimitReport, Now, Observation, PodReport, ProjectId, ProtectedRefs,
    QueueScope, QuotaReport, SourceKey, SourceKind, Wishes,
};

/// Starts whose phases are remembered per tier, for the bar on the page.
const RECENT_STARTS: usize = 50;

/// Everything that was seen, trimmed to what judgement needs.
#[derive(Debug, Clone)]
pub struct Fleet {
    policy: Arc<Policy>,
    pub(in crate::model) sources: Sources,
    pub(in crate::model) jobs: Jobs,
    pub(in crate::model) pods: Pods,
    pub(in crate::model) nodes: Nodes,
    pub(in crate::model) quotas: ByNamespace<QuotaReport>,
    pub(in crate::model) limits: ByNamespace<LimitReport>,
    pub(in crate::model) boundaries: Boundaries,
    pub(in crate::model) tokens: tokens::Tokens,
    pub(in crate::model) notices: Notices,
    parked: parked::Parked,
    refusals: refusals::Refusals,
    pub(in crate::model) scale_ups: scale_ups::ScaleUps,
    pub(in crate::model) rosters: Option<Rosters>,
    pub(in crate::model) recent: Vec<VecDeque<Vec<(Phase, Duration)>>>,
    pub(in crate::model) lately: Lately,
    running_seen: Option<Now>,
    pub(in crate::model) reach: Reach,
    pub(in crate::model) refs: BTreeMap<ProjectId, ProtectedRefs>,
    /// What happened before is not counted.
    began: Option<Timestamp>,
    /// When this run began to listen.
    first_word: Option<Timestamp>,
    counted: earlier::Counted,
    /// What fired or waited when an earlier run ended, shortly before this one.
    pub(in crate::model) alerts_before: Vec<EarlierAlert>,
}

impl Fleet {
    /// An empty fleet. `expected` are the sources that will speak: until each has, nothing is complete.
    #[must_use]
    pub fn new(policy: Arc<Policy>, expected: Vec<SourceKey>) -> Self {
        let tiers = policy.tiers.len();
        Self {
            policy,
            sources: Sources::new(expected),
            jobs: Jobs::default(),
            pods: Pods::default(),
            nodes: Nodes::default(),
            quotas: ByNamespace::default(),
            limits: ByNamespace::default(),
            boundaries: Boundaries::default(),
            tokens: tokens::Tokens::default(),
            notices: Notices::default(),
            parked: parked::Parked::default(),
            refusals: refusals::Refusals::default(),
            scale_ups: scale_ups::ScaleUps::new(tiers),
            rosters: None,
            recent: vec![VecDeque::new(); tiers],
            lately: Lately::new(tiers),
            running_seen: None,
            reach: Reach::default(),
            refs: BTreeMap::new(),
            began: None,
            first_word: None,
            counted: earlier::Counted::default(),
            alerts_before: Vec::new(),
        }
    }

    /// The policy it judges by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Folds one observation and tells what has become countable.
    pub fn apply(&mut self, observation: Observation) -> Vec<Occurrence> {
        let mut out = vec![Occurrence::Observed { source: observation.source.kind }];
        let first_word = *self.first_word.get_or_insert(observation.at.wall);
        self.began.get_or_insert(first_word);
        let baseline = self.sources.record(&observation, first_word, &mut out);
        let Observation { source, at, body } = observation;
        match body {
            Body::Tick => self.tick(at, &mut out),
            Body::Earlier(earlier) => self.resume(*earlier, at, &mut out),
            Body::Queue { scope, jobs } => {
                match scope {
                    QueueScope::Instance => self.reach.instance(),
                    QueueScope::Project(id) => self.reach.project(id, at),
                    QueueScope::Runner(id) => self.reach.queues_of([id]),
                }
                self.list(jobs, at, &mut out, |row| row.stage == Stage::Waiting && in_scope(scope, row));
            }
            Body::RunnerQueues { runners, jobs } => {
                let of_these = |row: &JobRow| match &row.takers {
                    Some(takers) => takers.iter().any(|taker| runners.contains(taker)),
                    None => true,
                };
                self.list(jobs, at, &mut out, |row| row.stage == Stage::Waiting && of_these(row));
                self.reach.queues_of(runners);
            }
            Body::Running { scope, jobs } => {
                self.running_seen = Some(at);
                self.list(jobs, at, &mut out, |row| row.stage == Stage::Running && in_scope(scope, row));
            }
            Body::Job(report) if source.kind == SourceKind::GitlabHooks => self.hear(*report, at, &mut out),
            Body::Job(report) => {
                let knowledge = self.knowledge(at);
                self.tell(*report, &knowledge, &mut out);
            }
            Body::JobNotFound(id) => {
                let knowledge = self.knowledge(at);
                self.jobs.hidden(id, at, &knowledge.context(&self.policy, self.rosters.as_ref()), &mut out);
            }
            Body::JobLog(log) => {
                let knowledge = self.knowledge(at);
                let context = knowledge.context(&self.policy, self.rosters.as_ref());
                job_logs::read(&mut self.jobs, &log, &context, &mut out);
            }
            Body::Projects(projects) => self.replace_projects(projects, at),
            Body::ProtectedRefs(refs) => {
                let project = refs.project;
                self.refs.insert(project, refs);
                self.place_jobs(|row| row.project == Some(project));
            }
            Body::Runners(runners) => {
                self.tokens.compare(&runners, at.wall);
                self.replace_runners(&runners);
            }
            Body::TokenSecrets(secrets) => self.tokens.keep_secrets(&source, secrets),
            Body::ApiToken(token) => self.tokens.own = token,
            Body::Pod(change) => self.change_pods(&source, change, at, baseline, &mut out),
            Body::Node(change) => {
                self.see_new_node(&change, at);
                if self.nodes.change(change) {
                    self.pods.ask_nodes_again(&self.policy, &self.nodes);
                }
            }
            Body::Quota(change) => self.quotas.change(source.namespace.as_ref(), change),
            Body::Limit(change) => self.limits.change(source.namespace.as_ref(), change),
            Body::Namespace(report) => self.boundaries.see_namespace(&source, report),
            Body::Netpol(change) => self.boundaries.change_policies(&source, change),
            Body::Account(change) => self.boundaries.accounts.change(source.namespace.as_ref(), change),
            Body::Role(change) => self.boundaries.roles.change(source.namespace.as_ref(), change),
            Body::Binding(change) => self.boundaries.bindings.change(source.namespace.as_ref(), change),
            Body::Event(change) => self.change_events(change, at, baseline, &mut out),
            Body::Alive | Body::Period(_) | Body::Note(_) | Body::Failed(_) => {}
        }
        self.counted.silence(&mut out);
        self.remember_starts(&out);
        self.lately.note(&out, &self.pods, at);
        out
    }

    /// What the sources should look at next.
    #[must_use]
    pub fn wishes(&self, now: &Now) -> Wishes {
        let depends_on_refs = |row: &&JobRow| {
            let tags = row.tags.as_deref().unwrap_or_default();
            row.stage == Stage::Waiting
                && row.takers.is_none()
                && self.rosters.as_ref().is_some_and(|rosters| rosters.protection_matters(tags))
        };
        let projects: BTreeSet<ProjectId> =
            self.jobs.iter().filter(depends_on_refs).filter_map(|row| row.project).collect();
        let protected_refs = projects.into_iter().collect();
        let running = self.sources.get(&SourceKey::global(SourceKind::GitlabStarted));
        let interval = self.policy.staleness.queue / Staleness::READS;
        let patience = running.and_then(|row| row.period).unwrap_or(interval);
        let logs_are_read = self.sources.get(&SourceKey::global(SourceKind::GitlabJobLogs)).is_some();
        let logs = if logs_are_read {
            job_logs::wanted(&self.jobs, &self.knowledge(*now).context(&self.policy, self.rosters.as_ref()))
        } else {
            Vec::new()
        };
        let rosters = self.rosters.as_ref();
        Wishes {
            look_ups: self.jobs.look_ups(now, patience),
            protected_refs,
            logs,
            projects: self.reach.hinted(),
            runners: rosters.map(Rosters::ids).unwrap_or_default(),
            queues: rosters.map(Rosters::queues).unwrap_or_default(),
        }
    }

    /// The list of running jobs is recent enough to be judged.
    pub(in crate::model) fn running_fresh(&self, now: &Now) -> bool {
        let kind = SourceKind::GitlabStarted;
        let row = self.sources.get(&SourceKey::global(kind));
        let fresh = |at| row.is_some_and(|row| now.since(&at) <= row.horizon(kind, &self.policy.staleness));
        self.running_seen.is_some_and(fresh)
    }

    /// Part of the queue that is in sight, where the way of reading hides some.
    pub(in crate::model) fn coverage(&self, now: &Now) -> Option<f64> {
        self.reach.coverage(self.rosters.as_ref(), self.policy.sweep, now)
    }

    /// A tier's pods are watched: some source of its namespaces answered, or may yet. Without the right none ever will.
    pub(in crate::model) fn pods_watched(&self, tier: TierId) -> bool {
        self.pod_sources(tier).any(|row| row.last_success.is_some() || !row.is_refused())
    }

    /// A tier's pods are watched and every watch is in contact.
    pub(in crate::model) fn pods_fresh(&self, tier: TierId, now: &Now) -> bool {
        let mut sources = self.pod_sources(tier).peekable();
        sources.peek().is_some() && sources.all(|row| row.fresh(SourceKind::KubePods, &self.policy.staleness, now))
    }

    /// Whether the pods of a tier are meant to be watched at all.
    pub(in crate::model) fn pods_expected(&self, tier: TierId) -> bool {
        self.pod_sources(tier).next().is_some()
    }

    /// Whether a job is known to have run, and its pods were in none of its tier's namespaces although these were watched all
    /// the time.
    pub(in crate::model) fn ran_elsewhere(&self, row: &JobRow, tier: TierId, blind: &[Blind]) -> bool {
        let since_we_watch = row.started_at.zip(self.began).is_some_and(|(taken, began)| taken >= began);
        let ran = verdict::ran_to_its_end(row) && row.claims.is_empty();
        ran && since_we_watch && self.pods_watched(tier) && !row.may_have_run_unseen(blind)
    }

    /// When some pods of a tier could not be seen, the present last.
    pub(in crate::model) fn blind(&self, tier: TierId) -> Vec<Blind> {
        let mut blind: Vec<Blind> = self.pod_sources(tier).flat_map(SourceRow::all_blind).collect();
        blind.sort_unstable_by_key(|blind| blind.until);
        blind
    }

    fn pod_sources(&self, tier: TierId) -> impl Iterator<Item = &SourceRow> {
        let namespaces = &self.policy.tiers[tier].namespaces;
        namespaces
            .iter()
            .filter_map(|namespace| self.sources.get(&SourceKey::namespaced(SourceKind::KubePods, namespace)))
    }

    fn tick(&mut self, at: Now, out: &mut Vec<Occurrence>) {
        let knowledge = self.knowledge(at);
        let context = knowledge.context(&self.policy, self.rosters.as_ref());
        for row in self.jobs.iter_mut().filter(|row| row.counted.outcome.is_none() || !row.counted.started) {
            verdict::count(row, &context, out);
        }
        self.counted.forget(&context);
        self.jobs.forget(&context, out);
        self.pods.settle(&mut self.notices, at, out);
        self.pods.forget(&at);
        self.parked.forget(&at);
        self.refusals.forget(&at);
        self.notices.forget(at.wall, out);
    }

    /// A complete list: everything in it is told, everything `concerned` that is missing has moved on.
    fn list(&mut self, jobs: Vec<JobReport>, at: Now, out: &mut Vec<Occurrence>, concerned: impl Fn(&JobRow) -> bool) {
        let listed: BTreeSet<_> = jobs.iter().map(|job| job.id).collect();
        let knowledge = self.knowledge(at);
        for job in jobs {
            self.tell(job, &knowledge, out);
        }
        self.jobs.missing(|row| concerned(row) && !listed.contains(&row.id), at);
    }

    fn tell(&mut self, mut report: JobReport, knowledge: &Knowledge, out: &mut Vec<Occurrence>) {
        if report.project_path.is_none() {
            report.project_path = report.project.and_then(|id| self.reach.path_of(id));
        }
        let row = self.jobs.tell(report, knowledge.now, out);
        row.fit = fit_of(row, &self.policy, self.rosters.as_ref(), &self.refs);
        verdict::count(row, &knowledge.context(&self.policy, self.rosters.as_ref()), out);
    }

    /// A hook: the fact that it carries, and a hint where to look for what it does not.
    fn hear(&mut self, report: JobReport, at: Now, out: &mut Vec<Occurrence>) {
        let project = report.project;
        let knowledge = self.knowledge(at);
        let Some((row, unseen)) = self.jobs.hear(report, at, out) else { return };
        verdict::count(row, &knowledge.context(&self.policy, self.rosters.as_ref()), out);
        let live = matches!(row.stage, Stage::Claimed | Stage::Running);
        if unseen
            && live
            && let Some(project) = project
        {
            self.reach.hint(project, at);
        }
    }

    fn replace_projects(&mut self, projects: Vec<crate::observation::ProjectReport>, at: Now) {
        self.reach.replace(projects);
        // Nobody looks at a project that left the list: what became of its jobs only a look-up can tell.
        let reach = &self.reach;
        self.jobs.missing(|row| row.project.is_some_and(|project| !reach.watches(project)), at);
    }

    fn replace_runners(&mut self, runners: &[crate::observation::RunnerReport]) {
        let rosters = Some(Rosters::new(&self.policy, runners));
        if self.rosters != rosters {
            self.rosters = rosters;
            self.place_jobs(|_| true);
            self.pods.replace_tiers(&self.policy, self.rosters.as_ref());
        }
    }

    fn place_jobs(&mut self, concerned: impl Fn(&JobRow) -> bool) {
        for row in self.jobs.iter_mut().filter(|row| row.stage == Stage::Waiting && concerned(row)) {
            row.fit = fit_of(row, &self.policy, self.rosters.as_ref(), &self.refs);
        }
    }

    fn change_pods(
        &mut self,
        source: &SourceKey,
        change: Change<Box<PodReport>>,
        at: Now,
        baseline: bool,
        out: &mut Vec<Occurrence>,
    ) {
        let mut changed = Vec::new();
        let ground = pods::Ground {
            policy: &self.policy,
            rosters: self.rosters.as_ref(),
            nodes: &self.nodes,
            began: self.began.unwrap_or(at.wall),
            baseline,
            now: at,
        };
        match change {
            Change::Upsert(report) => {
                changed.push(report.uid.clone());
                self.boundaries.see(&report);
                self.pods.upsert(report, &ground, out);
            }
            Change::Gone(uid) => {
                self.pods.gone(&uid, at, out);
                changed.push(uid);
            }
            Change::Replace(reports) => {
                let listed: BTreeSet<_> = reports.iter().map(|report| report.uid.clone()).collect();
                for report in reports {
                    self.boundaries.see(&report);
                    self.pods.upsert(report, &ground, out);
                }
                if let Some(namespace) = &source.namespace {
                    changed = self.pods.missing(namespace, &|uid| listed.contains(uid), at, out);
                }
                changed.extend(listed);
            }
        }
        self.hear_what_waited(&changed, at, out);
        self.renew_claims(changed, at, out);
    }

    /// Tells the jobs what became of their pods.
    fn renew_claims(&mut self, changed: Vec<Arc<str>>, at: Now, out: &mut Vec<Occurrence>) {
        if changed.is_empty() {
            return;
        }
        let knowledge = self.knowledge(at);
        for uid in changed {
            let Some((job, claim)) = self.pods.get(&uid).and_then(pods::PodRow::claim) else { continue };
            let row = self.jobs.claim(job, claim, at);
            verdict::count(row, &knowledge.context(&self.policy, self.rosters.as_ref()), out);
        }
    }

    fn remember_starts(&mut self, occurrences: &[Occurrence]) {
        for occurrence in occurrences {
            if let Occurrence::JobStarted { tier, phases, .. } = occurrence {
                let recent = &mut self.recent[*tier];
                if recent.len() == RECENT_STARTS {
                    recent.pop_front();
                }
                recent.push_back(phases.clone());
            }
        }
    }

    fn knowledge(&self, now: Now) -> Knowledge {
        let tiers = 0..self.policy.tiers.len();
        Knowledge {
            pods_watched: tiers.clone().map(|tier| self.pods_watched(tier)).collect(),
            pods_fresh: tiers.clone().map(|tier| self.pods_fresh(tier, &now)).collect(),
            blind: tiers.map(|tier| self.blind(tier)).collect(),
            began: self.began.unwrap_or(now.wall),
            now,
        }
    }
}

/// What verdicts read of the sources, taken down so that the tables can be changed meanwhile.
struct Knowledge {
    pods_watched: Vec<bool>,
    pods_fresh: Vec<bool>,
    blind: Vec<Vec<Blind>>,
    began: Timestamp,
    now: Now,
}

impl Knowledge {
    fn context<'a>(&'a self, policy: &'a Policy, rosters: Option<&'a Rosters>) -> verdict::Context<'a> {
        verdict::Context {
            policy,
            rosters,
            pods_watched: &self.pods_watched,
            pods_fresh: &self.pods_fresh,
            blind: &self.blind,
            began: self.began,
            now: self.now,
        }
    }
}

fn fit_of(row: &JobRow, policy: &Policy, rosters: Option<&Rosters>, refs: &BTreeMap<ProjectId, ProtectedRefs>) -> Fit {
    if let Some(fit) = row.takers.as_deref().zip(rosters).and_then(|(takers, rosters)| rosters.fit_by_takers(takers)) {
        return fit;
    }
    // Without its tags a job cannot be placed; only jobs that already run come without them.
    let Some(tags) = row.tags.as_deref() else { return row.fit.clone() };
    let protected = row.project.and_then(|project| refs.get(&project)).and_then(|refs| is_protected(row, refs));
    let wanted = Wanted { tags, project_path: row.project_path.as_deref(), protected, stuck: row.stuck };
    place(policy, rosters, &wanted)
}

/// Whether a list of `scope` would show the job.
fn in_scope(scope: QueueScope, row: &JobRow) -> bool {
    match scope {
        QueueScope::Instance => true,
        QueueScope::Project(project) => row.project == Some(project),
        QueueScope::Runner(runner) => row.runner == Some(runner),
    }
}

/// Whether a job's ref is protected. A merge request's own ref is neither branch nor tag: not known.
fn is_protected(row: &JobRow, refs: &ProtectedRefs) -> Option<bool> {
    let name = row.git_ref.as_deref()?;
    if name.starts_with("refs/") {
        return None;
    }
    let listed = |patterns: &Option<Vec<Arc<str>>>| {
        patterns.as_ref().map(|patterns| patterns.iter().any(|pattern| matches_protected(pattern, name)))
    };
    match row.is_tag {
        Some(true) => listed(&refs.tags),
        Some(false) => listed(&refs.branches),
        None => match (listed(&refs.branches), listed(&refs.tags)) {
            (Some(branch), Some(tag)) if branch == tag => Some(branch),
            _ => None,
        },
    }
}
