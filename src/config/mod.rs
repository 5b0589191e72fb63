//! The configuration: what was written, checked all at once, as the rest of the house reads it.
//!
//! `yaml` reads text into values that know their line · `layers` lays defaults, file and environment over one
//! another · `shape` holds them to the schema made of `raw` · `check`, `tiers` and `rules` judge the values ·
//! `print` writes the result. Every step tells all its problems.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::model::policy::Policy;

mod alertmanager;
mod check;
mod conditions;
mod high_availability;
mod layers;
mod load;
mod posture;
mod print;
mod problem;
mod raw;
mod rules;
mod schema;
mod secret;
mod shape;
mod tiers;
mod web_file;
mod yaml;

pub use load::Resolved;
pub use problem::{Place, Problem, Problems};
pub use schema::{Key, keys, schema_text};
pub use secret::{SecretError, SecretFile};
pub use web_file::{ClientCertificate, Pem, RateLimit, WebFile, WebTls};

/// A valid configuration. `app.rs` takes it apart in full, so that a field nobody uses does not compile.
#[derive(Debug, Clone)]
pub struct Config {
    /// How to reach GitLab and what to ask.
    pub gitlab: Gitlab,
    /// How to reach the cluster and what to watch.
    pub kubernetes: Kubernetes,
    /// Hooks that GitLab sends; absent: none are taken.
    pub webhook: Option<Webhook>,
    /// What judgement reads.
    pub policy: Policy,
    /// Where keys of what was counted are kept over restarts; absent: nowhere.
    pub state_file: Option<PathBuf>,
    /// Traces.
    pub telemetry: Telemetry,
    /// Where alerts lead.
    pub links: Links,
    /// Who is told of alerts; absent: Prometheus' rules tell.
    pub alertmanager: Option<Alertmanager>,
    /// Who may read what is served.
    pub web: Web,
    /// A Lease decides whether this one counts; absent: it is alone.
    pub high_availability: Option<HighAvailability>,
}

/// Two tierwatch side by side; the spans are those of client-go's leader election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighAvailability {
    /// Name of the Lease.
    pub lease_name: String,
    /// Its namespace.
    pub namespace: String,
    /// A Lease that was not renewed for this long may be taken.
    pub lease_duration: Duration,
    /// Who could not renew for this long gives up.
    pub renew_deadline: Duration,
    /// Between two attempts.
    pub retry_period: Duration,
}

/// How to reach GitLab and what to ask.
#[derive(Debug, Clone)]
pub struct Gitlab {
    /// Base address, e.g. `https://gitlab.example.com/` or with a relative root.
    pub url: Url,
    /// File with the API token.
    pub token: SecretFile,
    /// Extra certificate authorities (PEM).
    pub ca_file: Option<PathBuf>,
    /// For one request, body included; real time, not the demo's.
    pub timeout: Duration,
    /// Shared by all sources.
    pub requests_per_minute: u32,
    /// A longer answer is refused.
    pub max_answer_bytes: u64,
    /// Reading the queue.
    pub queue: Queue,
    /// Between two reads of the runners.
    pub runners_interval: Duration,
    /// Whether the end of the log of jobs that failed before they ran is read.
    pub job_logs: bool,
}

/// Reading the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// By which way.
    pub source: QueueChoice,
    /// Groups (full paths) whose projects are watched by `projects`; their runners are read, too.
    pub groups: Vec<Arc<str>>,
    /// Between two reads of the queue, and of the running jobs.
    pub interval: Duration,
    /// Within which each project is looked at by `projects`.
    pub sweep: Duration,
}

/// Which way the queue is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueChoice {
    /// The best that the token allows.
    Auto,
    /// GraphQL root jobs: an admin's view of the whole instance.
    Instance,
    /// What each kind of the tiers' runners would take, by GitLab's own matching.
    Runner,
    /// Each project of the groups in turn.
    Projects,
}

/// How to reach the cluster and what to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// Off: GitLab only.
    pub enabled: bool,
    /// A kubeconfig file; otherwise `KUBECONFIG`, `~/.kube/config`, in-cluster.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; otherwise its current one.
    pub context: Option<String>,
    /// Whether cluster-scoped objects (nodes) and events about them are watched.
    pub cluster_scoped: bool,
}

/// Where GitLab sends its job hooks, and how they are known to be GitLab's. At least one of the two is there.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// `:port`, `host:port` or `[v6]:port`.
    pub listen_address: String,
    /// The secret token that GitLab sends along.
    pub secret: Option<SecretFile>,
    /// The signing token with which GitLab signs.
    pub signing_token: Option<SecretFile>,
}

/// Who is told of alerts, and how.
#[derive(Debug, Clone)]
pub struct Alertmanager {
    /// Base addresses; one at least.
    pub urls: Vec<Url>,
    /// How tierwatch proves who it is.
    pub auth: Option<PushAuth>,
    /// Extra certificate authorities (PEM).
    pub ca_file: Option<PathBuf>,
    /// Certificate and key (PEM).
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// A proxy; absent: the environment's.
    pub proxy: Option<Url>,
    /// For one request.
    pub timeout: Duration,
    /// Between two times of telling the same.
    pub resend: Duration,
}

/// How tierwatch proves to an Alertmanager who it is.
#[derive(Debug, Clone)]
pub enum PushAuth {
    /// By a user and a password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: SecretFile,
    },
    /// By a bearer token.
    Bearer(SecretFile),
}

/// Who may read what is served, beside what the file of `--web.config.file` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Web {
    /// `/metrics` is answered without password and client certificate.
    pub open_metrics: bool,
    /// Users who may read nothing but `/metrics`: they see no names of projects.
    pub metrics_only_users: Vec<Arc<str>>,
}

/// Where alerts lead people to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// This daemon's pages.
    pub tierwatch: Url,
    /// Runbooks, one below it per alert; absent: the daemon's own.
    pub runbooks: Option<Url>,
    /// Grafana; absent: the daemon's own pages.
    pub grafana: Option<Url>,
}

impl Links {
    /// What the address of a runbook begins with.
    pub(crate) fn runbooks_base(&self) -> String {
        self.runbooks.as_ref().map_or_else(|| format!("{}/runbooks", base(&self.tierwatch)), base)
    }
}

/// An address as a path is written behind it.
pub(crate) fn base(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Traces over OTLP; inert without an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Telemetry {
    /// OTLP/HTTP endpoint, e.g. `http://collector:4318`.
    pub otlp_endpoint: Option<Url>,
}
