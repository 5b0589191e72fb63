//! tierwatch's own health, told by the rooms that do IO.

use std::time::{Duration, SystemTime};

use prometheus_client::registry::Registry;

use super::catalogue as rows;
use super::family::{Buckets, Counters, Gauges, Histograms};
use super::occurrences::Occurrences;
use crate::cause::labels;
use crate::model::occurrence::Table;
use crate::observation::SourceKind;

labels! {
    /// What is asked of GitLab: the closed set of the `operation` label.
    Operation {
        /// GraphQL root jobs, pending.
        QueueInstance = "queue_instance",
        /// GraphQL root jobs, running.
        RunningInstance = "running_instance",
        /// Jobs of one project.
        ProjectJobs = "project_jobs",
        /// One job.
        Job = "job",
        /// Projects of a group.
        GroupProjects = "group_projects",
        /// Protected branches and tags.
        ProtectedRefs = "protected_refs",
        /// Runners over GraphQL.
        Runners = "runners",
        /// Runners over REST, details and managers included.
        RunnerDetails = "runner_details",
        /// GraphQL root jobs that one runner would take, pending.
        QueueRunner = "queue_runner",
        /// Jobs that one runner took.
        RunnerJobs = "runner_jobs",
        /// The end of a job's log.
        Trace = "trace",
        /// The token that is used, over REST.
        OwnToken = "own_token",
    }
}

labels! {
    /// The first digit of the answer, or that there was none.
    StatusClass {
        /// 2xx.
        Success = "2xx",
        /// 3xx.
        Redirect = "3xx",
        /// 4xx, 429 apart.
        ClientError = "4xx",
        /// 429.
        RateLimited = "429",
        /// 5xx.
        ServerError = "5xx",
        /// No answer.
        None = "none",
    }
}

labels! {
    /// What became of telling an Alertmanager.
    PushResult {
        /// It took the alerts.
        Sent = "sent",
        /// It did not.
        Failed = "failed",
    }
}

labels! {
    /// What became of a request to the webhook listener.
    HookResult {
        /// Told to the desk.
        Accepted = "accepted",
        /// The same delivery came before.
        Duplicate = "duplicate",
        /// Another kind of event, or a status that says nothing about waiting or running.
        Ignored = "ignored",
        /// No secret, or the wrong one; or a signature that does not fit.
        Unauthorized = "unauthorized",
        /// Signed too long ago, or in the future.
        Stale = "stale",
        /// Not JSON, or no event of GitLab.
        Malformed = "malformed",
        /// The body is longer than we read.
        TooLarge = "too_large",
        /// The body did not arrive in time.
        TimedOut = "timed_out",
        /// Too many at once: GitLab is told to try again later.
        Overloaded = "overloaded",
        /// Our own secret file cannot be read.
        SecretUnreadable = "secret_unreadable",
    }
}

/// The commit this was built from, when the build told.
const REVISION: &str = match option_env!("TIERWATCH_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Handles of the families that rooms with IO feed. Cheap to clone; `default()` feeds nobody.
#[derive(Debug, Clone)]
pub struct Own {
    requests: Counters,
    rate_limit_remaining: Gauges,
    request_duration: Histograms,
    source_run: Histograms,
    watch_restarts: Counters,
    desk_queue_depth: Gauges,
    build_info: Gauges,
    /// Whose secret files cannot be used.
    webhooks: Counters,
    webhook_secret_written: Gauges,
    pushes: Counters,
    leader: Gauges,
    lease_left_out: Counters,
    evictions: Counters,
}

impl Default for Own {
    fn default() -> Self {
        let request_buckets = Buckets::new([0.1, 0.5, 1.0, 2.5, 5.0, 10.0]);
        let run_buckets = Buckets::new([0.5, 1.0, 5.0, 15.0, 60.0, 300.0]);
        Self {
            requests: Counters::new(rows::GITLAB_REQUESTS),
            rate_limit_remaining: Gauges::new(rows::GITLAB_RATE_LIMIT_REMAINING),
            request_duration: Histograms::new(rows::GITLAB_REQUEST_DURATION, request_buckets),
            source_run: Histograms::new(rows::SOURCE_RUN, run_buckets),
            watch_restarts: Counters::new(rows::WATCH_RESTARTS),
            desk_queue_depth: Gauges::new(rows::DESK_QUEUE_DEPTH),
            build_info: Gauges::new(rows::BUILD_INFO),
            webhooks: Counters::new(rows::WEBHOOKS),
            webhook_secret_written: Gauges::new(rows::WEBHOOK_SECRET_WRITTEN),
            pushes: Counters::new(rows::ALERTMANAGER_PUSHES),
            leader: Gauges::new(rows::LEADER),
            lease_left_out: Counters::new(rows::LEASE_LEFT_OUT),
            evictions: Counters::new(rows::DEDUP_EVICTIONS),
        }
    }
}

impl Own {
    /// Registered handles, with the rows of `sources` at zero.
    #[must_use]
    pub fn new(sources: &[SourceKind], registry: &mut Registry) -> Self {
        let own = Self::default();
        own.requests.register(registry);
        own.rate_limit_remaining.register(registry);
        own.request_duration.register(registry);
        own.source_run.register(registry);
        own.watch_restarts.register(registry);
        own.desk_queue_depth.register(registry);
        own.build_info.register(registry);
        own.webhooks.register(registry);
        own.webhook_secret_written.register(registry);
        own.pushes.register(registry);
        own.leader.register(registry);
        own.lease_left_out.register(registry);

        for operation in Operation::ALL {
            own.request_duration.seed(&[operation.as_str()]);
            for status in StatusClass::ALL {
                own.requests.seed(&[operation.as_str(), status.as_str()]);
            }
        }
        for source in sources {
            if source.is_polled() {
                own.source_run.seed(&[source.label()]);
            } else if source.is_of_the_cluster() {
                own.watch_restarts.seed(&[source.label()]);
            } else if *source == SourceKind::GitlabHooks {
                HookResult::ALL.iter().for_each(|result| own.webhooks.seed(&[result.as_str()]));
            }
        }
        own.build_info.set(&[env!("CARGO_PKG_VERSION"), REVISION], 1.0);
        own
    }

    /// The same handles, those of evictions shared with `occurrences`, which has registered that family.
    #[must_use]
    pub fn sharing(self, occurrences: &Occurrences) -> Self {
        Self { evictions: occurrences.evictions.clone(), ..self }
    }

    /// A hook was answered.
    pub fn webhook(&self, result: HookResult) {
        self.webhooks.increase(&[result.as_str()]);
    }

    /// The older of the webhook's secret files was last written then.
    pub fn webhook_secret_written(&self, at: SystemTime) {
        if let Ok(since) = at.duration_since(SystemTime::UNIX_EPOCH) {
            self.webhook_secret_written.set(&[], since.as_secs_f64());
        }
    }

    /// This one holds the Lease, or stands by.
    pub fn leads(&self, leads: bool) {
        self.leader.set(&[], f64::from(u8::from(leads)));
        self.lease_left_out.seed(&[]);
    }

    /// So many occurrences were a former holder's to count.
    pub fn left_out(&self, occurrences: u64) {
        (0..occurrences).for_each(|_| self.lease_left_out.increase(&[]));
    }

    /// Alerts are pushed: the series begin at zero.
    pub fn pushes(&self) {
        PushResult::ALL.iter().for_each(|result| self.pushes.seed(&[result.as_str()]));
    }

    /// An Alertmanager was told, or was not.
    pub fn pushed(&self, result: PushResult) {
        self.pushes.increase(&[result.as_str()]);
    }

    /// A source dropped a remembered key to stay within its bound.
    pub fn evicted(&self, table: Table) {
        self.evictions.increase(&[table.as_str()]);
    }

    /// One request to GitLab ended.
    pub fn gitlab_request(&self, operation: Operation, status: StatusClass, took: Duration) {
        self.requests.increase(&[operation.as_str(), status.as_str()]);
        self.request_duration.observe(&[operation.as_str()], took.as_secs_f64());
    }

    /// So many requests for `operation` ended by now, in whatever way.
    #[must_use]
    pub fn gitlab_requests(&self, operation: Operation) -> u64 {
        let count = |status: &StatusClass| self.requests.count(&[operation.as_str(), status.as_str()]);
        StatusClass::ALL.iter().map(count).sum()
    }

    /// GitLab said how many requests are left in its window.
    #[expect(clippy::cast_precision_loss, reason = "a rate limit is far below 2^52")]
    pub fn gitlab_rate_limit_remaining(&self, remaining: u64) {
        self.rate_limit_remaining.set(&[], remaining as f64);
    }

    /// One run of a poll source ended.
    pub fn source_run(&self, source: SourceKind, took: Duration) {
        self.source_run.observe(&[source.label()], took.as_secs_f64());
    }

    /// A watch was started anew.
    pub fn watch_restarted(&self, source: SourceKind) {
        self.watch_restarts.increase(&[source.label()]);
    }

    /// So many observations wait for the desk.
    #[expect(clippy::cast_precision_loss, reason = "the channel is bounded far below 2^52")]
    pub fn desk_queue_depth(&self, waiting: usize) {
        self.desk_queue_depth.set(&[], waiting as f64);
    }
}
