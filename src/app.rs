//! Wiring only: clients, sources, desk, server, and the order in which they stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Now};
use crate::config::{Config, Gitlab, Kubernetes};
use crate::desk::{CHANNEL, Desk};
use crate::lease::Holder;
use crate::metrics::{Levels, Occurrences, Own, Process};
use crate::model::assessment::Assessment;
use crate::model::fleet::Fleet;
use crate::model::policy::Policy;
use crate::observation::{Earlier, SourceKey};
use crate::output::pusher::Pusher;
use crate::output::{BindError, Outputs, Server};
use crate::recording::{Finished, Header, RecordError, Recorder, Settings};
use crate::rules::Texts;
use crate::source::Outbox;
use crate::source::gitlab::{ClientError, GitlabSources};
use crate::source::kube::{self, ConnectError};
use crate::source::watch::Pace;
use crate::source::webhook::Webhooks;
use crate::state::{Identity, Keeper, Scraped};
use crate::web::{Door, Watch, WebError};

/// Ten megabytes are read in a fraction of this.
const OPENING: Duration = Duration::from_secs(10);

/// What fires at the end is told for so long.
const LAST_PUSH: Duration = Duration::from_secs(5);

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No way to GitLab.
    #[error("preparing the connection to GitLab: {0}")]
    Gitlab(#[from] ClientError),
    /// No way to the cluster.
    #[error(transparent)]
    Kubernetes(#[from] ConnectError),
    /// The listen address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Nothing can be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Nobody can be let in as the file says.
    #[error(transparent)]
    Web(#[from] WebError),
}

/// What the command line says beside the configuration.
#[derive(Debug, Default)]
pub struct Extras {
    /// Where everything that the desk hears is written down.
    pub record: Option<Settings>,
    /// The file of `--web.config.file`.
    pub web_config: Option<PathBuf>,
}

/// A daemon that runs.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    hooks_address: Option<SocketAddr>,
    lease: JoinSet<()>,
    sources: JoinSet<()>,
    desk: JoinSet<()>,
    server: JoinSet<()>,
    pusher: JoinSet<()>,
    recording: Option<Finished>,
    outputs: Outputs,
    stop: Stop,
}

/// One token per stage, because each may only stop after the one before it.
#[derive(Debug, Default)]
struct Stop {
    lease: CancellationToken,
    sources: CancellationToken,
    server: CancellationToken,
}

impl Daemon {
    /// Starts everything that `config` asks for and serves at `listen` (`:port`, `host:port`).
    ///
    /// # Errors
    /// Before anything runs: certificates, kubeconfig or the listen address cannot be used. A server that is down
    /// is no error: its source says so.
    pub async fn start(config: Config, listen: &str, clock: Clock) -> Result<Self, StartError> {
        Self::start_with(config, listen, clock, Extras::default()).await
    }

    /// As [`start`](Self::start), with what the command line says beside the configuration.
    ///
    /// # Errors
    /// Those of [`start`](Self::start), and when the recording cannot be created or the web configuration not be used.
    pub async fn start_with(config: Config, listen: &str, clock: Clock, extras: Extras) -> Result<Self, StartError> {
        let Extras { record, web_config } = extras;
        let Config {
            gitlab,
            kubernetes,
            webhook,
            policy,
            state_file,
            telemetry: _,
            links,
            alertmanager,
            web,
            high_availability,
        } = config;
        let policy = Arc::new(policy);
        let door = Door::of(web_config.as_deref(), web)?;
        let mut keys = keys(&gitlab, &policy, &kubernetes, webhook.is_some());
        keys.extend(door.as_ref().map(|_| Watch::key()));
        let kinds: Vec<_> = keys.iter().map(|key| key.kind).collect();

        let mut registry = Registry::default();
        let occurrences = Occurrences::new(&policy, &keys, &mut registry);
        let own = Own::new(&kinds, &mut registry).sharing(&occurrences);
        let count = Box::new(move |occurrence: &_, at| occurrences.count(occurrence, at));
        let expected = keys.clone();
        let (desk, published) = Desk::new(Fleet::new(Arc::clone(&policy), keys), clock.clone(), count, own.clone());
        let began = published.assessments.borrow().at;
        registry.register_collector(Box::new(Levels::new(published.assessments.clone())));
        registry.register_collector(Box::new(Process::new()));

        let mut pusher = alertmanager.map(|config| {
            own.pushes();
            Pusher {
                config,
                texts: Arc::new(Texts::new(&links, &policy)),
                assessments: published.assessments.clone(),
                terms: None,
                clock: clock.clone(),
                own: own.clone(),
            }
        });
        let outputs = Outputs {
            registry: Arc::new(registry),
            assessment: published.assessments,
            enquiries: published.enquiries,
            clock: clock.clone(),
            scraped: Scraped::default(),
            gitlab: Some(gitlab.url.clone()),
        };
        let scraped = outputs.scraped.clone();
        let identity = Identity::new(&gitlab, &kubernetes, &policy);
        let keeper = door.as_ref().map(Door::keeper);
        let mut server = Server::bind(listen, outputs.clone()).await?;
        if let Some(door) = door {
            server = server.behind(door);
        }
        let address = server.local_addr();
        let client = if kubernetes.enabled { Some(kube::connect(&kubernetes).await?) } else { None };

        let stop = Stop::default();
        let (channel, observations) = mpsc::channel(CHANNEL);
        let webhooks = match webhook {
            Some(config) => Some(Webhooks::bind(config, clock.clone(), own.clone(), channel.clone()).await?),
            None => None,
        };
        let hooks_address = webhooks.as_ref().map(Webhooks::local_addr);
        let gitlab = GitlabSources {
            runners: policy.tiers.iter().flat_map(|tier| tier.runners.iter().copied()).collect(),
            config: gitlab,
            clock: clock.clone(),
            own: own.clone(),
            wishes: published.wishes,
            desk: channel.clone(),
        };
        let mut sources = JoinSet::new();
        for (_, source) in gitlab.start(&stop.sources)? {
            sources.spawn(source);
        }
        let mut lease = JoinSet::new();
        let terms = high_availability.zip(client.clone()).map(|(config, client)| {
            let (holder, terms) = Holder::new(client, config, clock.clone(), own.clone());
            lease.spawn(holder.run(stop.lease.clone()));
            terms
        });
        if let Some(pusher) = &mut pusher {
            pusher.terms.clone_from(&terms);
        }
        if let Some(client) = client {
            let watches =
                kube::start(&client, &policy, &kubernetes, &channel, &clock, &own, &stop.sources, Pace::default());
            let mut watches = watches.tasks;
            sources.spawn(async move { while watches.join_next().await.is_some() {} });
        }
        if let Some(webhooks) = webhooks {
            sources.spawn(webhooks.run(stop.sources.clone()));
        }
        if let Some(keeper) = keeper {
            let outbox = Outbox::new(Watch::key(), clock.clone(), channel.clone());
            sources.spawn(Watch { keeper, outbox }.run(stop.sources.clone()));
        }
        // The desk ends when the last source has dropped its end of the channel.
        drop(channel);
        // Last of what can fail: a daemon that does not start leaves no file behind.
        let (recorder, recording) = match record {
            Some(settings) => {
                let header = Header::new(&policy, expected, began, settings.hash_names);
                let (recorder, finished) = Recorder::start(settings, header)?;
                (Some(recorder), Some(finished))
            }
            None => (None, None),
        };
        let state = match state_file {
            Some(path) => open_state(path, identity, clock.now(), policy.history.max_age, scraped).await,
            None => None,
        };
        let mut desk_task = JoinSet::new();
        desk_task.spawn(desk.recorded(recorder).kept(state).gated(terms.clone()).run(observations));
        let mut pusher_task = JoinSet::new();
        if let Some(pusher) = pusher {
            pusher_task.spawn(pusher.run(stop.server.clone()));
        }
        let mut server_task = JoinSet::new();
        server_task.spawn(server.run(stop.server.clone()));
        Ok(Self {
            address,
            hooks_address,
            lease,
            sources,
            desk: desk_task,
            server: server_task,
            pusher: pusher_task,
            recording,
            outputs,
            stop,
        })
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every judgement from now on.
    #[must_use]
    pub fn judgements(&self) -> watch::Receiver<Arc<Assessment>> {
        self.outputs.assessment.clone()
    }

    /// Where it takes hooks, if it does.
    #[must_use]
    pub fn hooks_address(&self) -> Option<SocketAddr> {
        self.hooks_address
    }

    /// Waits until a part ends that should not: the caller then stops the rest.
    pub async fn broken(&mut self) {
        tokio::select! {
            _ = self.desk.join_next() => tracing::error!("the desk ended"),
            _ = self.server.join_next() => tracing::error!("the server ended"),
        }
    }

    /// Stops in order: the Lease is given up, no new observations, what has arrived is counted and recorded, the last scrape
    /// is answered. What was said last can still be read.
    pub async fn stop(mut self) -> Outputs {
        self.stop.lease.cancel();
        while self.lease.join_next().await.is_some() {}
        self.stop.sources.cancel();
        while self.sources.join_next().await.is_some() {}
        while self.desk.join_next().await.is_some() {}
        if let Some(recording) = self.recording {
            recording.wait().await;
        }
        self.stop.server.cancel();
        while self.server.join_next().await.is_some() {}
        // An Alertmanager that hangs keeps nobody from stopping.
        let _ = tokio::time::timeout(LAST_PUSH, async { while self.pusher.join_next().await.is_some() {} }).await;
        self.outputs
    }
}

/// Opens the state file, unless its disk takes too long.
async fn open_state(
    path: PathBuf,
    of: Identity,
    now: Now,
    keep: Duration,
    scraped: Scraped,
) -> Option<(Keeper, Earlier)> {
    let file = path.display().to_string();
    let opening = tokio::task::spawn_blocking(move || Keeper::open(&path, of, now, keep, scraped));
    match tokio::time::timeout(OPENING, opening).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(_)) | Err(_) => {
            tracing::error!(%file, "running without the state file, a restart begins anew: its disk does not answer");
            None
        }
    }
}

/// Everybody who is expected to speak.
fn keys(gitlab: &Gitlab, policy: &Policy, kubernetes: &Kubernetes, webhooks: bool) -> Vec<SourceKey> {
    let mut keys = GitlabSources::keys(gitlab);
    if kubernetes.enabled {
        keys.extend(kube::plan(policy, kubernetes));
    }
    keys.extend(webhooks.then(Webhooks::key));
    keys
}
