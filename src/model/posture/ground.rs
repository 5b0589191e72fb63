//! What a tier is judged by: the fleet, the declaration, and which data may be believed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expected::Expected;
use super::{Finding, Name, Read};
use crate::model::fleet::{Fleet, PodRow};
use crate::model::policy::{Policy, TierId, TierPolicy};
use crate::observation::{Now, PodRole, PodShape, SourceKey, SourceKind};

/// The pods of a tier that are there or were a few minutes ago, by kind.
#[derive(Debug, Default)]
pub(in crate::model) struct JobPods {
    pub(super) jobs: Kinds,
    pub(super) managers: Kinds,
    /// Job pods on another tier's node: how many, one of them, the node and whose it is.
    pub(super) strayed: Option<(u64, String, Name, Name)>,
}

/// Pods that are alike.
#[derive(Debug)]
pub(in crate::model) struct Kind {
    pub(super) shape: Arc<PodShape>,
    pub(super) namespace: Name,
    pub(super) pods: u64,
    /// The first of them by name.
    pub(super) example: Name,
}

/// Kinds of pods, found by where the shape lies in memory: pods of one runner share it.
#[derive(Debug, Default)]
pub(in crate::model) struct Kinds(BTreeMap<(usize, Name), Kind>);

impl Kinds {
    fn add(&mut self, row: &PodRow) {
        let report = &row.report;
        let key = (Arc::as_ptr(&report.shape).addr(), Arc::clone(&report.namespace));
        let kind = self.0.entry(key).or_insert_with(|| Kind {
            shape: Arc::clone(&report.shape),
            namespace: Arc::clone(&report.namespace),
            pods: 0,
            example: Arc::clone(&report.name),
        });
        kind.pods += 1;
        if report.name < kind.example {
            kind.example = Arc::clone(&report.name);
        }
    }

    /// In an order that does not depend on the memory.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kind> {
        let mut kinds: Vec<&Kind> = self.0.values().collect();
        kinds.sort_unstable_by(|a, b| (&a.namespace, &a.example).cmp(&(&b.namespace, &b.example)));
        kinds.into_iter()
    }

    pub(super) fn pods(&self) -> u64 {
        self.0.values().map(|kind| kind.pods).sum()
    }
}

impl Kind {
    /// `namespace/pod`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.example)
    }
}

impl JobPods {
    /// Takes down one pod of the tier.
    pub(in crate::model) fn add(&mut self, fleet: &Fleet, tier: TierId, row: &PodRow) {
        match row.report.role {
            PodRole::Job => {
                self.jobs.add(row);
                if let Some((node, whose)) = strayed(fleet, tier, row) {
                    let pod = format!("{}/{}", row.report.namespace, row.report.name);
                    let (count, ..) = self.strayed.get_or_insert((0, pod, node, whose));
                    *count += 1;
                }
            }
            PodRole::Manager if row.gone.is_none() => self.managers.add(row),
            PodRole::Manager | PodRole::Other => {}
        }
    }
}

/// The node that the pod runs on and the other tier that it belongs to, where that is so.
fn strayed(fleet: &Fleet, tier: TierId, row: &PodRow) -> Option<(Name, Name)> {
    let tiers = &fleet.policy().tiers;
    let node = fleet.nodes.get(row.report.node.as_deref()?)?;
    if tiers[tier].has_node(&node.tier_labels) {
        return None;
    }
    let whose = tiers.iter().find(|other| other.has_node(&node.tier_labels))?;
    Some((Arc::clone(&node.name), Arc::clone(&whose.name)))
}

/// What one tier is judged by.
pub(in crate::model) struct Ground<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) tier: TierId,
    pub(super) policy: &'a TierPolicy,
    pub(super) expected: Expected,
    /// The pods of every tier.
    pub(super) pods: &'a [&'a JobPods],
    /// The tier's state in a sentence.
    pub(super) headline: &'a str,
    pub(super) now: Now,
}

impl<'a> Ground<'a> {
    pub(in crate::model) fn new(
        fleet: &'a Fleet,
        tier: TierId,
        pods: &'a [&'a JobPods],
        headline: &'a str,
        now: Now,
    ) -> Self {
        let policy = &fleet.policy().tiers[tier];
        let expected = policy.posture.clone().unwrap_or_default();
        Self { fleet, tier, policy, expected, pods, headline, now }
    }

    pub(super) fn all(&self) -> &'a Policy {
        self.fleet.policy()
    }

    /// The tier's own pods.
    pub(super) fn own(&self) -> &'a JobPods {
        self.pods[self.tier]
    }

    /// Why a source cannot be believed; nothing where it can.
    pub(super) fn blind(&self, kind: SourceKind, namespace: Option<&Name>) -> Option<String> {
        let key = SourceKey { kind, namespace: namespace.cloned() };
        let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        let Some(row) = self.fleet.sources.get(&key) else {
            return Some(format!("cannot tell: {}{place} are not read", what(kind)));
        };
        if row.fresh(kind, &self.all().staleness, &self.now) {
            return None;
        }
        Some(match &row.failure {
            Some(_) if row.is_refused() && !right(kind).is_empty() => {
                format!("cannot tell: the right to {}{place} is missing", right(kind))
            }
            Some(failure) => format!("cannot tell: {}{place} cannot be read: {}", what(kind), failure.detail),
            None if row.last_success.is_none() => format!("cannot tell yet: {}{place} are not read yet", what(kind)),
            None => format!("cannot tell: what is known of {}{place} is too old", what(kind)),
        })
    }

    /// Judges each namespace of the job pods of which the source can be believed.
    pub(super) fn in_each(&self, kind: SourceKind, judge: impl Fn(&Name) -> Finding) -> Finding {
        let of = |namespace: &Name| match self.blind(kind, Some(namespace)) {
            Some(why) => Finding::Unknown(why),
            None => judge(namespace),
        };
        match self.policy.namespaces.is_empty() {
            true => Finding::Unknown("cannot tell: the tier names no namespace".into()),
            false => Finding::of_all(self.policy.namespaces.iter().map(of)),
        }
    }

    /// When the source last answered.
    pub(super) fn read(&self, kind: SourceKind, namespace: Option<&Name>) -> Option<Read> {
        let source = SourceKey { kind, namespace: namespace.cloned() };
        let row = self.fleet.sources.get(&source)?;
        Some(Read { at: row.last_success.map(|at| at.wall), source })
    }
}

const fn what(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::GitlabRunners => "GitLab's runners",
        SourceKind::KubePods => "pods",
        SourceKind::KubeNodes => "nodes",
        SourceKind::KubeQuotas => "resource quotas",
        SourceKind::KubeLimits => "limit ranges",
        SourceKind::KubeNamespace => "the namespace's labels",
        SourceKind::KubeNetpols => "network policies",
        SourceKind::KubeAccounts => "service accounts",
        SourceKind::KubeRoles => "roles",
        SourceKind::KubeBindings => "role bindings",
        SourceKind::Clock
        | SourceKind::GitlabQueue
        | SourceKind::GitlabStarted
        | SourceKind::GitlabRefs
        | SourceKind::GitlabRunnerJobs
        | SourceKind::GitlabJobLogs
        | SourceKind::GitlabHooks
        | SourceKind::WebConfig
        | SourceKind::KubeEvents
        | SourceKind::KubeNodeEvents => kind.as_str(),
        SourceKind::KubeTokenSecrets => "the Secrets with runner tokens",
    }
}

/// The right that a source of the cluster needs, as `print rbac` grants it.
#[must_use]
pub const fn right(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::KubePods => "list and watch pods",
        SourceKind::KubeNodes => "list and watch nodes",
        SourceKind::KubeQuotas => "list and watch resourcequotas",
        SourceKind::KubeLimits => "list and watch limitranges",
        SourceKind::KubeNamespace => "get namespaces",
        SourceKind::KubeNetpols => "list and watch networkpolicies.networking.k8s.io",
        SourceKind::KubeAccounts => "list and watch serviceaccounts",
        SourceKind::KubeRoles => "list and watch roles.rbac.authorization.k8s.io",
        SourceKind::KubeBindings => "list and watch rolebindings.rbac.authorization.k8s.io",
        SourceKind::KubeTokenSecrets => "get secrets",
        SourceKind::Clock
        | SourceKind::GitlabQueue
        | SourceKind::GitlabStarted
        | SourceKind::GitlabRefs
        | SourceKind::GitlabRunners
        | SourceKind::GitlabRunnerJobs
        | SourceKind::GitlabJobLogs
        | SourceKind::GitlabHooks
        | SourceKind::WebConfig
        | SourceKind::KubeEvents
        | SourceKind::KubeNodeEvents => "",
    }
}
