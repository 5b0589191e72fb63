//! Starts the daemon's watches against the server and listens to what they say.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::config::Kubernetes;
use tierwatch::metrics::Own;
use tierwatch::model::policy::{History, Objective, Policy, Staleness, TierPolicy, Urgency};
use tierwatch::observation::{Body, Change, Failure, Observation, PodReport, SourceKey, SourceKind};
use tierwatch::source::kube::{Watches, connect, start};
use tierwatch::source::watch::Pace;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api::{Api, Running};

/// Of our own timers: the 15 s between two signs of life are 0.3 s here.
pub const SPEED: f64 = 50.0;
/// Nothing here takes longer, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

pub const STANDARD: &str = "/api/v1/namespaces/ci-standard/pods";
pub const DEPLOY: &str = "/api/v1/namespaces/ci-deploy/pods";
pub const EVENTS: &str = "/api/v1/namespaces/ci-standard/events";
pub const NODES: &str = "/api/v1/nodes";

pub fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "uid": format!("uid-{name}"), "creationTimestamp": "2026-05-11T08:14:02Z"},
           "spec": {"containers": [{"name": "build", "image": "alpine"}]}, "status": {"phase": "Pending"}})
}

pub fn tier(name: &str, namespaces: &[&str]) -> TierPolicy {
    TierPolicy {
        name: name.into(),
        tags: Vec::new(),
        run_untagged: false,
        runners: Vec::new(),
        namespaces: namespaces.iter().map(|namespace| Arc::from(*namespace)).collect(),
        manager_namespaces: Vec::new(),
        node_label: "ci.example.com/tier".into(),
        capacity: None,
        urgency: Urgency::Page,
        objective: Objective {
            target: 0.99,
            window: Duration::from_secs(86_400),
            start_within: Duration::from_secs(60),
            min_jobs: 10,
        },
        runbook_url: None,
        token: Default::default(),
        posture: None,
        expects_traffic: None,
        conditions: tierwatch::model::policy::Thresholds::default(),
    }
}

pub fn policy(tiers: Vec<TierPolicy>) -> Policy {
    let horizon = Duration::from_secs(120);
    Policy {
        tiers,
        staleness: Staleness { queue: horizon, runners: horizon, watch: horizon },
        sweep: horizon,
        registries: Vec::new(),
        history: History { max_age: horizon, max_jobs: 10 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

/// Short network times, the daemon's own for the rest.
pub fn pace() -> Pace {
    Pace {
        request: Duration::from_millis(800),
        watch: Duration::from_secs(1),
        margin: Duration::from_millis(200),
        ..Pace::default()
    }
}

pub fn kubeconfig(server: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = json!({"apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "canary-token-93ab"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}]});
    std::fs::write(file.path(), text.to_string()).unwrap();
    file
}

/// The watches of a daemon, and what they say.
pub struct Daemon {
    pub watches: Watches,
    pub cancel: CancellationToken,
    said: mpsc::Receiver<Observation>,
}

impl Daemon {
    /// With a watch of the pods of these namespaces and of what else `policy` asks for.
    pub async fn start(server: &str, policy: &Policy, cluster_scoped: bool, pace: Pace) -> Self {
        let file = kubeconfig(server);
        let kubernetes = Kubernetes {
            enabled: true,
            kubeconfig: Some(file.path().to_owned()),
            context: Some("here".to_owned()),
            cluster_scoped,
        };
        let client = connect(&kubernetes).await.unwrap();
        let (channel, said) = mpsc::channel(64);
        let clock = Clock::simulated("2026-05-11T08:00:00Z".parse().unwrap(), SPEED);
        let cancel = CancellationToken::new();
        let watches = start(&client, policy, &kubernetes, &channel, &clock, &Own::default(), &cancel, pace);
        Self { watches, cancel, said }
    }

    /// One tier, one namespace, one server.
    pub async fn standard(api: &Api) -> (Self, Running) {
        let server = api.serve(0);
        let daemon = Self::of(&server, &["ci-standard"], pace()).await;
        (daemon, server)
    }

    pub async fn of(server: &Running, namespaces: &[&str], pace: Pace) -> Self {
        Self::start(&format!("http://{}", server.address), &policy(vec![tier("t", namespaces)]), false, pace).await
    }

    /// Stops to listen.
    pub fn deaf(self) -> JoinSet<()> {
        self.watches.tasks
    }

    /// The first of what is said that `wanted` takes; what it does not take is passed over.
    async fn until<T>(&mut self, what: &str, wanted: impl Fn(Observation) -> Option<T>) -> T {
        let mut passed = Vec::new();
        let listening = async {
            loop {
                let said = self.said.recv().await.expect("the watches have ended");
                passed.push(format!("{:?} {:.200}", said.source, format!("{:?}", said.body)));
                if let Some(found) = wanted(said) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, listening).await.ok();
        found.unwrap_or_else(|| panic!("waited for {what}, but was told:\n{}", passed.join("\n")))
    }

    /// The next sentence about pods of `namespace`.
    pub async fn next(&mut self, namespace: &str) -> Observation {
        let key = SourceKey::namespaced(SourceKind::KubePods, namespace);
        self.until("anything", |said| (said.source == key).then_some(said)).await
    }

    /// Waits until each of these sources has given a complete list.
    pub async fn listed(&mut self, mut sources: Vec<SourceKey>) {
        while !sources.is_empty() {
            let source = self
                .until("every list", |said| {
                    let listed = matches!(
                        said.body,
                        Body::Pod(Change::Replace(_))
                            | Body::Namespace(_)
                            | Body::Netpol(Change::Replace(_))
                            | Body::Account(Change::Replace(_))
                            | Body::Role(Change::Replace(_))
                            | Body::Binding(Change::Replace(_))
                            | Body::Event(Change::Replace(_))
                            | Body::Node(Change::Replace(_))
                            | Body::Quota(Change::Replace(_))
                            | Body::Limit(Change::Replace(_))
                    );
                    listed.then_some(said.source)
                })
                .await;
            sources.retain(|key| *key != source);
        }
    }

    async fn about<T>(&mut self, namespace: &str, what: &str, wanted: impl Fn(Body) -> Option<T>) -> T {
        let key = SourceKey::namespaced(SourceKind::KubePods, namespace);
        self.until(what, |said| if said.source == key { wanted(said.body) } else { None }).await
    }

    /// Waits for a complete list of `ci-standard` and returns its names.
    pub async fn replace(&mut self) -> Vec<String> {
        let pods = self.about("ci-standard", "a list", |body| {
            if let Body::Pod(Change::Replace(pods)) = body { Some(pods) } else { None }
        });
        pods.await.iter().map(|pod| pod.name.to_string()).collect()
    }

    /// Waits for a changed pod.
    pub async fn upsert(&mut self) -> PodReport {
        let pod = self.about("ci-standard", "a change", |body| {
            if let Body::Pod(Change::Upsert(pod)) = body { Some(pod) } else { None }
        });
        *pod.await
    }

    /// Waits for a deletion and returns its key.
    pub async fn gone(&mut self) -> String {
        let key = self.about("ci-standard", "a deletion", |body| {
            if let Body::Pod(Change::Gone(key)) = body { Some(key) } else { None }
        });
        key.await.to_string()
    }

    /// Waits for a sign of life.
    pub async fn alive(&mut self, namespace: &str) -> Observation {
        let key = SourceKey::namespaced(SourceKind::KubePods, namespace);
        let wanted = |said: Observation| (said.source == key && said.body == Body::Alive).then_some(said);
        self.until("a sign of life", wanted).await
    }

    /// Waits for a failure.
    pub async fn failed(&mut self, namespace: &str) -> Failure {
        self.about(namespace, "a failure", |body| if let Body::Failed(failure) = body { Some(failure) } else { None })
            .await
    }
}
