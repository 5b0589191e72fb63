//! A running demo: two servers on loopback, and the files a daemon needs to find them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::faults::{GitlabFault, KubeFault};
use super::gitlab_api::{self, access};
use super::hooks::{self, Habit};
use super::kube_api;
use super::scenario::{Reads, Scenario, WARM};
use super::stage::Stage;
use super::truth::Truth;
use super::world::{Load, World};
use crate::clock::Clock;

/// After the last job is worked off, the daemon gets this long (of the story) to see it.
const AFTERMATH: Duration = Duration::from_secs(60);

/// A story that is to be counted begins when its daemon has had time to look around: what happens before the
/// first look is nobody's to count.
const HEAD_START: Duration = Duration::from_secs(60);

const HOOK_SECRET: &str = "hook-secret";

/// A simulated platform that clients can reach. Dropping it stops its servers and removes its files.
#[derive(Debug)]
pub struct Demo {
    stage: Arc<Stage>,
    /// Base address of the simulated GitLab, without a slash at the end.
    pub gitlab_url: String,
    /// Base address of the simulated Kubernetes API.
    pub kube_url: String,
    files: TempDir,
    tasks: Vec<JoinHandle<()>>,
    tiers_yaml: String,
    hooks: Option<Habit>,
    reads: Reads,
}

/// Why a demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No port on loopback.
    #[error("listening on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// The files for the daemon cannot be written.
    #[error("writing the demo's configuration: {0}")]
    Files(#[source] std::io::Error),
}

impl Demo {
    /// Plays a scenario from now on. An endless one has been going on for some minutes, so that there is something
    /// to see at once; any other begins with an empty queue, so that everything can be counted.
    ///
    /// # Errors
    /// When no port or no temporary file can be had.
    pub async fn start(scenario: Scenario, seed: u64, clock: Clock) -> Result<Self, DemoError> {
        let now = clock.now().wall;
        let began = if scenario.endless { now - WARM } else { now + HEAD_START };
        Self::stage(World::new(scenario, seed, began), clock).await
    }

    /// Shows a platform of any size, for benchmarks.
    ///
    /// # Errors
    /// When no port or no temporary file can be had.
    pub async fn load(load: Load, seed: u64, clock: Clock) -> Result<Self, DemoError> {
        let now = clock.now().wall;
        Self::stage(World::load(load, seed, now), clock).await
    }

    async fn stage(mut world: World, clock: Clock) -> Result<Self, DemoError> {
        let gitlab = listen().await?;
        let kube = listen().await?;
        let gitlab_url = format!("http://{}", gitlab.1);
        let kube_url = format!("http://{}", kube.1);
        world.gitlab_url.clone_from(&gitlab_url);
        let (tiers_yaml, hooks, reads) = (tiers_yaml(&world), world.hooks(), world.reads());
        let stage = Stage::new(world, clock);
        let files = files(&kube_url, reads).map_err(DemoError::Files)?;
        let ticker = Arc::clone(&stage);
        let mut tasks = vec![
            serve(gitlab.0, gitlab_api::router(Arc::clone(&stage))),
            serve(kube.0, kube_api::router(Arc::clone(&stage))),
            tokio::spawn(async move { ticker.run().await }),
        ];
        if hooks.is_some() {
            let secret = files.path().join(HOOK_SECRET);
            tasks.push(tokio::spawn(hooks::keep_secret(Arc::clone(&stage), secret)));
        }
        Ok(Self { stage, gitlab_url, kube_url, files, tasks, tiers_yaml, hooks, reads })
    }

    /// A kubeconfig for the simulated cluster.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.files.path().join("kubeconfig")
    }

    /// A file with a token for the simulated GitLab: an administrator's, unless the scenario says otherwise.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.files.path().join("gitlab-token")
    }

    /// The configuration of a daemon that watches this platform.
    #[must_use]
    pub fn config_yaml(&self) -> String {
        let queue = match self.reads {
            Reads::Instance => "",
            Reads::Group => "  queue: { source: projects, groups: [harbour] }\n",
        };
        format!(
            "gitlab:\n  url: {}\n  token_file: {}\n  job_logs: {{ enabled: true }}\n{queue}kubernetes:\n  kubeconfig: {}\nregistries: [docker.io, registry.harbour.example]\ntiers:\n{}",
            self.gitlab_url,
            quoted(&self.token_file()),
            quoted(&self.kubeconfig()),
            self.tiers_yaml
        )
    }

    /// The part of the configuration that lets the daemon take job hooks, where the scenario has any.
    #[must_use]
    pub fn webhook_yaml(&self, listen: &str) -> String {
        let secret = quoted(&self.files.path().join(HOOK_SECRET));
        let yaml = format!("webhook: {{ listen_address: \"{listen}\", secret_file: {secret} }}\n");
        self.hooks.map_or_else(String::new, |_| yaml)
    }

    /// A job of the tier is taken now and given up with this error before it has a pod, as its log will say.
    pub fn give_up(&self, tier: &str, error: String) {
        self.stage.with(|world| world.give_up(tier, error));
    }

    /// Sends GitLab's job hooks to a daemon's listener, where the scenario has any.
    pub fn send_hooks(&mut self, to: SocketAddr) {
        if let Some(habit) = self.hooks {
            let url = format!("http://{to}/webhooks/gitlab");
            self.stage.with(|world| {
                let groups = world.groups.iter().map(|group| (group.path.to_owned(), url.clone()));
                world.hooks_at.extend(groups);
            });
            self.tasks.push(tokio::spawn(hooks::deliver(Arc::clone(&self.stage), habit, url)));
        }
    }

    /// GitLab says that job events of this group or project, by its full path, go to `url`. Nothing is sent there.
    pub fn add_hook(&self, owner: &str, url: &str) {
        self.stage.with(|world| world.hooks_at.insert(owner.to_owned(), url.to_owned()));
    }

    /// The truth up to now.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.stage.with(|world| world.truth())
    }

    /// Requests that the simulated GitLab was asked so far, refused ones included.
    #[must_use]
    pub fn gitlab_requests(&self) -> u64 {
        self.stage.gitlab_requests()
    }

    /// Waits until the story is told, worked off, and a daemon had time to see its end. Never for an endless one.
    pub async fn finished(&self) {
        while !self.stage.with(|world| world.is_over()) {
            self.stage.clock().sleep(Duration::from_secs(1)).await;
        }
        self.stage.clock().sleep(AFTERMATH).await;
    }

    /// GitLab's API misbehaves from now on for a time of the story.
    pub fn disturb_gitlab(&self, fault: GitlabFault, lasts: SignedDuration) {
        self.stage.with(|world| world.disturb_gitlab(fault, lasts));
    }

    /// The cluster's API misbehaves from now on for a time of the story.
    pub fn disturb_kube(&self, fault: KubeFault, lasts: SignedDuration) {
        self.stage.with(|world| world.disturb_kube(fault, lasts));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr), DemoError> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.map_err(DemoError::Listen)?;
    let address = listener.local_addr().map_err(DemoError::Listen)?;
    Ok((listener, address))
}

fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::warn!(%error, "a simulated API stopped");
        }
    })
}

fn files(kube_url: &str, reads: Reads) -> std::io::Result<TempDir> {
    let token = match reads {
        Reads::Instance => access::ADMIN_TOKEN,
        Reads::Group => access::MAINTAINER_TOKEN,
    };
    let files = tempfile::Builder::new().prefix("tierwatch-demo-").tempdir()?;
    std::fs::write(files.path().join("gitlab-token"), format!("{token}\n"))?;
    std::fs::write(files.path().join(HOOK_SECRET), hooks::secret_text())?;
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: demo\n\
         clusters: [{{ name: demo, cluster: {{ server: \"{kube_url}\" }} }}]\n\
         users: [{{ name: demo, user: {{ token: {} }} }}]\n\
         contexts: [{{ name: demo, context: {{ cluster: demo, user: demo }} }}]\n",
        kube_api::TOKEN
    );
    std::fs::write(files.path().join("kubeconfig"), kubeconfig)?;
    Ok(files)
}

fn tiers_yaml(world: &World) -> String {
    let mut yaml = String::new();
    for tier in &world.tiers {
        let traffic = tier.expects_traffic.map(|span| format!("    expects_traffic: {}s\n", span.as_secs()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            yaml,
            "  {}:\n    tags: [{}]\n    namespaces: [{}]\n{}    capacity: {}\n    urgency: {}\n    objective: {{ start_within: {}s }}\n    token: {{ rotation_annotation: platform.harbour.example/token-rotated-at }}\n    posture: {{ expected: {{ pod_security: {}, privileged: {}, protected: {}, declared_runners: false, resource_quota: false, limit_range: false }} }}",
            tier.name,
            tier.tag,
            tier.namespace,
            traffic.unwrap_or_default(),
            tier.capacity(),
            tier.urgency,
            tier.start_within.as_secs(),
            tier.enforced,
            tier.privileged,
            tier.protected,
        );
    }
    yaml
}

/// A path as a YAML string.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}
