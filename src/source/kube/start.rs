//! Starts every watch that the configuration asks for.

use std::sync::Arc;

use kube::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::accounts::Accounts;
use super::bindings::Bindings;
use super::events::Events;
use super::limits::Limits;
use super::namespaces::{self, Namespaces};
use super::netpols::Netpols;
use super::nodes::Nodes;
use super::plan::{self, node_labels, plan, rotation_annotations};
use super::pod_shape::Shapes;
use super::pods::Pods;
use super::quotas::Quotas;
use super::roles::Roles;
use super::token_secrets::{self, TokenSecrets};
use crate::clock::Clock;
use crate::config::Kubernetes;
use crate::metrics::Own;
use crate::model::policy::Policy;
use crate::observation::{Observation, SourceKey, SourceKind};
use crate::source::Outbox;
use crate::source::poll::{self, Poll, Schedule};
use crate::source::watch::{Pace, Watch, Watched};

/// The running watches.
#[derive(Debug)]
pub struct Watches {
    /// Who will speak.
    pub keys: Vec<SourceKey>,
    /// One task per watch. They end when cancelled or when nobody listens any more.
    pub tasks: JoinSet<()>,
}

/// Starts a watch for each key of the [`plan`]. They share the client and nothing else: one that is refused or
/// hangs leaves the others alone. Must be called inside a tokio runtime.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "the wiring of app.rs; each is handed on to every watch")]
pub fn start(
    client: &Client,
    policy: &Policy,
    kubernetes: &Kubernetes,
    channel: &mpsc::Sender<Observation>,
    clock: &Clock,
    own: &Own,
    cancel: &CancellationToken,
    pace: Pace,
) -> Watches {
    let keys = plan(policy, kubernetes);
    let mut tasks = JoinSet::new();
    for key in &keys {
        let hands = Hands {
            client: client.clone(),
            outbox: Outbox::new(key.clone(), clock.clone(), channel.clone()),
            own: own.clone(),
            cancel: cancel.clone(),
            pace,
        };
        match (key.kind, &key.namespace) {
            (SourceKind::KubePods, Some(namespace)) => {
                hands.watch(
                    &mut tasks,
                    Pods::new(Arc::clone(namespace), Shapes::new(node_labels(policy), rotation_annotations(policy))),
                );
            }
            (SourceKind::KubeEvents, Some(namespace)) => {
                hands.watch(&mut tasks, Events::of_pods(Arc::clone(namespace)))
            }
            (SourceKind::KubeNodeEvents, Some(namespace)) => {
                hands.watch(&mut tasks, Events::of_nodes(Arc::clone(namespace)));
            }
            (SourceKind::KubeQuotas, Some(namespace)) => hands.watch(&mut tasks, Quotas::new(Arc::clone(namespace))),
            (SourceKind::KubeLimits, Some(namespace)) => hands.watch(&mut tasks, Limits::new(Arc::clone(namespace))),
            (SourceKind::KubeNetpols, Some(namespace)) => hands.watch(&mut tasks, Netpols::new(Arc::clone(namespace))),
            (SourceKind::KubeAccounts, Some(namespace)) => {
                hands.watch(&mut tasks, Accounts::new(Arc::clone(namespace)))
            }
            (SourceKind::KubeRoles, Some(namespace)) => hands.watch(&mut tasks, Roles::new(Arc::clone(namespace))),
            (SourceKind::KubeBindings, Some(namespace)) => {
                hands.watch(&mut tasks, Bindings::new(Arc::clone(namespace)))
            }
            (SourceKind::KubeNamespace, Some(namespace)) => {
                let source = Namespaces::new(Arc::clone(namespace), client.clone());
                hands.ask_for(&mut tasks, source, namespaces::SCHEDULE);
            }
            (SourceKind::KubeTokenSecrets, Some(namespace)) => {
                let names = plan::token_secrets(policy, namespace);
                let source = TokenSecrets::new(Arc::clone(namespace), names, client.clone());
                hands.ask_for(&mut tasks, source, token_secrets::SCHEDULE);
            }
            (SourceKind::KubeNodes, _) => hands.watch(&mut tasks, Nodes::new(node_labels(policy))),
            (
                SourceKind::KubePods
                | SourceKind::KubeEvents
                | SourceKind::KubeQuotas
                | SourceKind::KubeLimits
                | SourceKind::KubeNetpols
                | SourceKind::KubeAccounts
                | SourceKind::KubeRoles
                | SourceKind::KubeBindings
                | SourceKind::KubeNamespace
                | SourceKind::KubeTokenSecrets
                | SourceKind::KubeNodeEvents
                | SourceKind::Clock
                | SourceKind::GitlabQueue
                | SourceKind::GitlabStarted
                | SourceKind::GitlabRefs
                | SourceKind::GitlabRunners
                | SourceKind::GitlabRunnerJobs
                | SourceKind::GitlabJobLogs
                | SourceKind::GitlabHooks
                | SourceKind::WebConfig,
                _,
            ) => {} // never planned
        }
    }
    Watches { keys, tasks }
}

struct Hands {
    client: Client,
    outbox: Outbox,
    own: Own,
    cancel: CancellationToken,
    pace: Pace,
}

impl Hands {
    fn watch<W: Watched>(self, tasks: &mut JoinSet<()>, watched: W) {
        let watch = Watch::new(watched, self.client, self.pace, self.outbox, self.own);
        tasks.spawn(watch.run(self.cancel));
    }

    fn ask_for<P: Poll + 'static>(self, tasks: &mut JoinSet<()>, source: P, schedule: Schedule) {
        let asking = poll::run(source, schedule, self.outbox, self.own);
        tasks.spawn(async move {
            let _ended_or_canceled = self.cancel.run_until_cancelled(asking).await;
        });
    }
}
