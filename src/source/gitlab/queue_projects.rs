//! The queue project by project, for a token that may not list the whole instance.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use gitlab::api::common::SortOrder;
use gitlab::api::groups::projects::{GroupProjects, GroupProjectsOrderBy};
use gitlab::api::projects::jobs::{JobScope, Jobs};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::config;
use crate::metrics::Operation;
use crate::observation::{Body, Failure, JobReport, JobStatus, ProjectId, ProjectReport, QueueScope, Wishes};
use crate::source::Outbox;
use crate::source::poll::Interrupted;

use super::budget::per_round;
use super::client::Client;
use super::error::ClientError;
use super::notes::{Notes, some_of};
use super::paging::Paging;
use super::rotation::{Found, Listed, Rotation, Round};
use super::translate::{job_from_rest, last_activity_from_rest, project_from_rest};

/// The part of the request budget that a round may use; the rest is for runners, look-ups and protected refs. With 300
/// requests a minute it holds 5,000 projects in half an hour and twenty of them every 15 s.
const BUDGET_PART: f64 = 0.85;

/// How often the groups' projects are listed: new projects are rare, and a new one waits at most this long.
const LIST_EVERY: Duration = Duration::from_secs(10 * 60);

/// Requests under way at once: enough for a round to fit into its period at 300 ms an answer.
pub(crate) const AT_ONCE: usize = 4;

/// Failures of single projects after which the round ends: then it is not the projects.
const MAX_LOCAL_FAILURES: usize = 3;

/// 2,000 pending and running jobs of one project.
const MAX_JOB_PAGES: usize = 20;

/// 20,000 projects of one group.
const MAX_PROJECT_PAGES: usize = 200;

/// Reads the queue of the groups' projects in turn. Running jobs come with the same answers and are said as
/// the source that tells of running jobs.
pub(crate) struct ProjectsQueue {
    client: Client,
    groups: Vec<Arc<str>>,
    round: Round,
    running: Outbox,
    wishes: watch::Receiver<Arc<Wishes>>,
    rotation: Rotation,
    listed_at: Option<Duration>,
    notes: Notes,
}

impl ProjectsQueue {
    pub(crate) fn new(
        client: Client,
        queue: &config::Queue,
        requests_per_minute: u32,
        running: Outbox,
        wishes: watch::Receiver<Arc<Wishes>>,
    ) -> Self {
        let allowance = per_round(requests_per_minute, queue.interval, BUDGET_PART);
        let round = Round { every: queue.interval, sweep: queue.sweep, allowance };
        Self {
            client,
            groups: queue.groups.clone(),
            round,
            running,
            wishes,
            rotation: Rotation::default(),
            listed_at: None,
            notes: Notes::default(),
        }
    }

    pub(crate) fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// One round does not look at every project.
    pub(crate) fn is_beyond_a_round(&self) -> bool {
        self.rotation.len() > self.round.allowance
    }

    pub(crate) async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let outcome = self.round(outbox).await;
        if let Err(Interrupted::Failed(failure)) = &outcome {
            // The running jobs were asked for in the same breath.
            self.running.say(Body::Failed(failure.clone())).await?;
        }
        outcome
    }

    async fn round(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let mut first_failure: Option<Failure> = None;
        if self.listed_at.is_none_or(|at| now.saturating_sub(at) >= LIST_EVERY.min(self.round.sweep)) {
            match self.list(outbox).await {
                Ok(()) => self.listed_at = Some(now),
                // The projects known so far are still worth their requests.
                Err(Interrupted::Failed(failure)) if !self.rotation.is_empty() => first_failure = Some(failure),
                Err(interrupted) => return Err(interrupted),
            }
        }
        self.rotation.hint(&self.wishes.borrow().projects);
        let plan = self.rotation.plan(self.round, now);
        let looked = self.look_at(plan, outbox).await?;
        self.tell_hidden(outbox).await?;
        self.tell_longer_sweep(outbox).await?;
        if let Some(failure) = first_failure.or(looked.failure) {
            return Err(failure.into());
        }
        if looked.answered == 0 {
            // No project had its turn, or none that shows its jobs: in contact all the same.
            outbox.say(Body::Alive).await?;
            self.running.say(Body::Alive).await?;
        }
        Ok(())
    }

    /// Returns when a webhook told of a project that cannot wait for the next round.
    pub(crate) async fn hinted(&mut self) {
        loop {
            if self.wishes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            self.rotation.hint(&self.wishes.borrow_and_update().projects);
            if !self.rotation.between(self.round, self.running.clock().now().mono).is_empty() {
                return;
            }
        }
    }

    /// Looks at the projects that cannot wait for the next round.
    pub(crate) async fn look_at_hinted(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let plan = self.rotation.between(self.round, outbox.clock().now().mono);
        let looked = self.look_at(plan, outbox).await?;
        self.rotation.spend(looked.requests);
        looked.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    async fn look_at(&mut self, plan: Vec<ProjectReport>, outbox: &Outbox) -> Result<Looked, Interrupted> {
        let client = &self.client;
        let mut looked = Looked::default();
        let mut failures = 0;
        let mut answers = futures::stream::iter(plan)
            .map(|project| async move { (read_project(client, &project).await, project) })
            .buffer_unordered(AT_ONCE);
        while let Some((answer, project)) = answers.next().await {
            let at = outbox.clock().now().mono;
            match answer {
                Ok((jobs, requests)) => {
                    looked.answered += 1;
                    looked.requests += requests;
                    self.rotation.answered(project.id, at, Found { jobs: !jobs.is_empty(), requests });
                    let (pending, running) = jobs.into_iter().partition(|job| job.status == JobStatus::Pending);
                    let scope = QueueScope::Project(project.id);
                    outbox.say(Body::Queue { scope, jobs: pending }).await?;
                    self.running.say(Body::Running { scope, jobs: running }).await?;
                }
                Err(error) if error.may_be_local() => {
                    looked.requests += 1;
                    self.rotation.failed(project.id, at, error.is_hidden());
                    if !error.is_hidden() {
                        failures += 1;
                        looked.failure.get_or_insert(failure_of(&project, &error));
                        if failures >= MAX_LOCAL_FAILURES {
                            break;
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(looked)
    }

    /// Lists the projects of all groups; one group that is not shown does not hide the others.
    async fn list(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        if self.groups.is_empty() {
            let detail = "no groups are configured to read the queue project by project: set gitlab.queue.groups, or \
                          use a token that may list all jobs of the instance (administrator, or read_admin_cicd)";
            return Err(ClientError::Blind { operation: Operation::GroupProjects, detail: detail.into() }.into());
        }
        let now = outbox.clock().now();
        let mut projects: BTreeMap<ProjectId, Listed> = BTreeMap::new();
        let mut hidden = Vec::new();
        let mut last = None;
        for group in &self.groups {
            match list_group(&self.client, group, now.wall).await {
                Ok(rows) => projects.extend(rows.into_iter().map(|listed| (listed.project.id, listed))),
                Err(error) if error.is_hidden() => {
                    hidden.push(group.to_string());
                    last = Some(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(error) = last.filter(|_| hidden.len() == self.groups.len()) {
            return Err(error.into());
        }
        if hidden.is_empty() {
            self.notes.clear("groups");
        } else {
            let note = format!("the token does not see the group {}: its projects are not watched", some_of(&hidden));
            self.notes.say(outbox, "groups", note).await?;
        }
        let projects: Vec<Listed> = projects.into_values().collect();
        self.rotation.replace(&projects, now.mono);
        outbox.say(Body::Projects(projects.into_iter().map(|listed| listed.project).collect())).await?;
        Ok(())
    }

    async fn tell_longer_sweep(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let Some(long) = self.rotation.longer_than_sweep(self.round) else {
            self.notes.clear("sweep");
            return Ok(());
        };
        let (count, minutes, sweep) = (self.rotation.len(), long.as_secs() / 60, self.round.sweep.as_secs() / 60);
        let note = format!(
            "within gitlab.requests_per_minute it takes {minutes} min to look at each of {count} projects once, longer \
             than gitlab.queue.sweep ({sweep} min)"
        );
        self.notes.say(outbox, "sweep", note).await?;
        Ok(())
    }

    async fn tell_hidden(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let hidden = self.rotation.hidden();
        if hidden.is_empty() {
            self.notes.clear("projects");
            return Ok(());
        }
        if hidden.len() == self.rotation.len() {
            let detail = "not one of the watched projects shows its jobs to the token: it needs at least the role \
                          Reporter in the groups and the scope read_api";
            return Err(ClientError::Blind { operation: Operation::ProjectJobs, detail: detail.into() }.into());
        }
        let (count, all) = (hidden.len(), self.rotation.len());
        let note = format!("{count} of {all} projects do not show their jobs to the token: {}", some_of(&hidden));
        self.notes.say(outbox, "projects", note).await?;
        Ok(())
    }
}

/// What a series of looks came to.
#[derive(Debug, Default)]
struct Looked {
    answered: usize,
    requests: usize,
    failure: Option<Failure>,
}

fn failure_of(project: &ProjectReport, error: &ClientError) -> Failure {
    let failure = Failure::from(error);
    Failure { detail: format!("project {}: {}", project.path, failure.detail), ..failure }
}

async fn list_group(client: &Client, group: &str, now: Timestamp) -> Result<Vec<Listed>, ClientError> {
    let endpoint = GroupProjects::builder()
        .group(group)
        .include_subgroups(true)
        .with_shared(false)
        .archived(false)
        .simple(true)
        .order_by(GroupProjectsOrderBy::Id)
        .sort(SortOrder::Ascending)
        .build()
        .map_err(prepare)?;
    let pages = client.call(Operation::GroupProjects).pages(&endpoint, Paging::Offset, MAX_PROJECT_PAGES).await?;
    let listed = |row| {
        let silence = last_activity_from_rest(row).map(|at| now.duration_since(at).try_into().unwrap_or_default());
        Some(Listed { project: project_from_rest(row)?, silence })
    };
    Ok(pages.iter().flat_map(|page| &page.rows).filter_map(listed).collect())
}

/// The pending and running jobs of one project, and how many requests they took.
async fn read_project(client: &Client, project: &ProjectReport) -> Result<(Vec<JobReport>, usize), ClientError> {
    let endpoint = Jobs::builder()
        .project(project.id.0)
        .scope(JobScope::Pending)
        .scope(JobScope::Running)
        .build()
        .map_err(prepare)?;
    let pages = client.call(Operation::ProjectJobs).pages(&endpoint, Paging::Keyset, MAX_JOB_PAGES).await?;
    let mut jobs = BTreeMap::new();
    for page in &pages {
        for mut job in page.rows.iter().filter_map(|row| job_from_rest(row, Some(&project.path), page.date)) {
            if matches!(job.status, JobStatus::Pending | JobStatus::Running) {
                job.project = job.project.or(Some(project.id));
                jobs.insert(job.id, job);
            }
        }
    }
    Ok((jobs.into_values().collect(), pages.len()))
}

pub(crate) fn prepare(error: impl Display) -> ClientError {
    ClientError::Prepare { detail: error.to_string() }
}
