//! Every GitLab source, ready to run, and what each needs of the token.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Gitlab;
use crate::metrics::Own;
use crate::observation::{Observation, RunnerId, SourceKey, SourceKind, Wishes};
use crate::source::Outbox;
use crate::source::poll::{self, Poll, Schedule};

use super::client::Client;
use super::error::ClientError;
use super::instance_jobs::MAX_PAGES;
use super::job_logs::JobLogs;
use super::pace::Pace;
use super::queue::Queue;
use super::queue_projects::ProjectsQueue;
use super::refs::Refs;
use super::runner_jobs::RunnerJobs;
use super::runners::Runners;
use super::started::Started;

/// A run may take this many requests' worth of waiting before it is given up.
const RUN_TIMEOUTS: u32 = 4;

/// And never less than this: a queue of 10,000 jobs is a hundred requests.
const MIN_RUN: Duration = Duration::from_secs(120);

/// The part of the request budget that the list of pending jobs may use: it is what the tiers are judged by.
const PENDING_PART: f64 = 0.5;

/// What all GitLab sources are made of.
#[derive(Debug)]
pub struct GitlabSources {
    /// How to reach GitLab and what to ask.
    pub config: Gitlab,
    /// Runners that tiers name by id.
    pub runners: Vec<RunnerId>,
    /// Our clock: all periods and the request budget run on it.
    pub clock: Clock,
    /// tierwatch's own health.
    pub own: Own,
    /// What the desk would like to be looked at.
    pub wishes: watch::Receiver<Arc<Wishes>>,
    /// The desk.
    pub desk: mpsc::Sender<Observation>,
}

impl GitlabSources {
    /// The keys under which these sources speak: the desk may wait for each of them.
    #[must_use]
    pub fn keys(config: &Gitlab) -> Vec<SourceKey> {
        let always = [
            SourceKind::GitlabQueue,
            SourceKind::GitlabStarted,
            SourceKind::GitlabRefs,
            SourceKind::GitlabRunners,
            SourceKind::GitlabRunnerJobs,
        ];
        let logs = config.job_logs.then_some(SourceKind::GitlabJobLogs);
        always.into_iter().chain(logs).map(SourceKey::global).collect()
    }

    /// One future per source, to be spawned; each ends when `shutdown` is canceled or nobody listens any more,
    /// and may be dropped at any point. Nothing is sent before they are polled.
    ///
    /// # Errors
    /// When the file with certificate authorities cannot be used.
    pub fn start(self, shutdown: &CancellationToken) -> Result<Vec<(SourceKey, BoxFuture<'static, ()>)>, ClientError> {
        let Self { config, runners, clock, own, wishes, desk } = self;
        let client = Client::new(&config, clock.clone(), own.clone())?;
        let outbox = |kind| Outbox::new(SourceKey::global(kind), clock.clone(), desk.clone());
        let (queue, rate) = (&config.queue, config.requests_per_minute);
        // Waiting for the budget is no reason to give up: two of the longest lists may share it.
        let longest_lists = Duration::from_secs(60).saturating_mul(2 * MAX_PAGES) / rate.max(1);
        let give_up_after = config.timeout.saturating_mul(RUN_TIMEOUTS).max(MIN_RUN).max(longest_lists);
        let often = Schedule { every: config.queue.interval, give_up_after };
        let seldom = Schedule { every: config.runners_interval, give_up_after };

        let projects =
            ProjectsQueue::new(client.clone(), queue, rate, outbox(SourceKind::GitlabStarted), wishes.clone());
        let pace = Pace::new(queue.interval, rate, PENDING_PART);
        let (queue_source, way) = Queue::new(queue, client.clone(), projects, wishes.clone(), pace);
        let started = Started::new(client.clone(), way, wishes.clone(), rate, queue.interval);
        let refs = Refs::new(client.clone(), wishes.clone());
        let runners = Runners::new(client.clone(), queue.groups.clone(), runners);
        let runner_jobs = RunnerJobs::new(client.clone(), wishes.clone(), rate, config.runners_interval);
        let mut sources = vec![
            task(queue_source, often, outbox(SourceKind::GitlabQueue), &own, shutdown),
            task(started, often, outbox(SourceKind::GitlabStarted), &own, shutdown),
            task(refs, often, outbox(SourceKind::GitlabRefs), &own, shutdown),
            task(runners, seldom, outbox(SourceKind::GitlabRunners), &own, shutdown),
            task(runner_jobs, seldom, outbox(SourceKind::GitlabRunnerJobs), &own, shutdown),
        ];
        if config.job_logs {
            let logs = JobLogs::new(client, wishes, rate, queue.interval);
            sources.push(task(logs, often, outbox(SourceKind::GitlabJobLogs), &own, shutdown));
        }
        Ok(sources)
    }
}

fn task<P: Poll + 'static>(
    source: P,
    schedule: Schedule,
    outbox: Outbox,
    own: &Own,
    shutdown: &CancellationToken,
) -> (SourceKey, BoxFuture<'static, ()>) {
    let (key, own, shutdown) = (outbox.key().clone(), own.clone(), shutdown.clone());
    let running = async move {
        let _ended_or_canceled = shutdown.run_until_cancelled(poll::run(source, schedule, outbox, own)).await;
    };
    (key, running.boxed())
}

/// What one source needs of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The source.
    pub source: SourceKind,
    /// The way of reading, where there are several.
    pub way: &'static str,
    /// The token's scope.
    pub scope: &'static str,
    /// The role of the token's user.
    pub role: &'static str,
    /// What is asked, as method and path, or `graphql` and the root field.
    pub asks: &'static [&'static str],
}

/// What each source needs; printed, and held against the documentation.
pub const NEEDS: &[Need] = &[
    Need {
        source: SourceKind::GitlabQueue,
        way: "instance",
        scope: "read_api (and admin_mode where Admin Mode is on)",
        role: "administrator, or the custom admin role permission read_admin_cicd",
        asks: &["graphql jobs", "graphql runners", "graphql currentUser"],
    },
    Need {
        source: SourceKind::GitlabQueue,
        way: "projects",
        scope: "read_api",
        role: "Reporter in the groups",
        asks: &["GET /groups/:id/projects", "GET /projects/:id/jobs"],
    },
    Need {
        source: SourceKind::GitlabQueue,
        way: "runner",
        scope: "read_api (and admin_mode where Admin Mode is on); GitLab 18.1 or later",
        role: "Maintainer in the group of a group's runner; administrator, auditor or read_admin_cicd for the instance's",
        asks: &["graphql jobs(compatibleRunnerId)", "graphql runner", "graphql currentUser"],
    },
    Need {
        source: SourceKind::GitlabStarted,
        way: "instance",
        scope: "read_api (and admin_mode where Admin Mode is on)",
        role: "administrator, or the custom admin role permission read_admin_cicd",
        asks: &["graphql jobs", "graphql runners", "graphql currentUser"],
    },
    Need {
        source: SourceKind::GitlabStarted,
        way: "runner",
        scope: "read_api",
        role: "as for the queue by runner",
        asks: &["GET /runners/:id/jobs"],
    },
    Need {
        source: SourceKind::GitlabStarted,
        way: "look-ups",
        scope: "read_api",
        role: "Reporter in the groups",
        asks: &["GET /projects/:id/jobs/:job_id"],
    },
    Need {
        source: SourceKind::GitlabRefs,
        way: "",
        scope: "read_api",
        role: "Reporter for branches (Maintainer in older releases), Maintainer for tags; without it jobs of protected \
               tiers stay uncertain",
        asks: &["GET /projects/:id/protected_branches", "GET /projects/:id/protected_tags"],
    },
    Need {
        source: SourceKind::GitlabRunners,
        way: "instance",
        scope: "read_api (and admin_mode where Admin Mode is on)",
        role: "administrator, or the custom admin role permission read_admin_cicd",
        asks: &["graphql runners", "GET /runners/:id"],
    },
    Need {
        source: SourceKind::GitlabRunners,
        way: "auditor",
        scope: "read_api",
        role: "auditor; the ends of runner tokens are not shown to that role",
        asks: &["GET /runners/all", "GET /runners/:id", "GET /runners/:id/managers"],
    },
    Need {
        source: SourceKind::GitlabRunners,
        way: "ids",
        scope: "manage_runner",
        role: "Owner of the runner's group; only runners that tiers name by id, and no queue",
        asks: &["GET /runners/:id", "GET /runners/:id/managers"],
    },
    Need {
        source: SourceKind::GitlabRunners,
        way: "groups",
        scope: "read_api",
        role: "Maintainer in the groups; any user for instance runners named by id",
        asks: &["graphql group", "GET /runners/:id", "GET /runners/:id/managers"],
    },
    Need {
        source: SourceKind::GitlabRunnerJobs,
        way: "",
        scope: "read_api",
        role: "as for the queue by runner; without it jobs that start and end between two looks at the queue may go unseen",
        asks: &["GET /runners/:id/jobs"],
    },
    Need {
        source: SourceKind::GitlabJobLogs,
        way: "",
        scope: "read_api",
        role: "Reporter in the projects, Developer for jobs with debug logging; asked only with gitlab.job_logs.enabled",
        asks: &["GET /projects/:id/jobs/:job_id/trace"],
    },
];
