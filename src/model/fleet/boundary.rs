//! What stands at the boundaries of the namespaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::by_namespace::ByNamespace;
use crate::model::posture::network::{self, Network};
use crate::observation::{
    AccountReport, BindingReport, Change, NamespaceReport, NetpolReport, PodReport, PodRole, PodShape, RoleReport,
    SourceKey,
};

/// Kinds of job pods that are remembered of a namespace; with more, any pod is thought of instead of these.
const MOST_SHAPES: usize = 64;

/// The boundaries of the watched namespaces.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Boundaries {
    namespaces: BTreeMap<Arc<str>, Option<Box<NamespaceReport>>>,
    policies: ByNamespace<NetpolReport>,
    pub(in crate::model) accounts: ByNamespace<AccountReport>,
    pub(in crate::model) roles: ByNamespace<RoleReport>,
    pub(in crate::model) bindings: ByNamespace<BindingReport>,
    /// The labels of job pods that were seen lately.
    shapes: BTreeMap<Arc<str>, Vec<Arc<PodShape>>>,
    /// Judged when something changes: that is seldom, and asked for ten times a second.
    networks: BTreeMap<Arc<str>, Network>,
}

impl Boundaries {
    /// The namespace as it is; absent: it is not there.
    pub(super) fn see_namespace(&mut self, source: &SourceKey, report: Option<Box<NamespaceReport>>) {
        if let Some(namespace) = &source.namespace {
            self.namespaces.insert(Arc::clone(namespace), report);
        }
    }

    pub(super) fn change_policies(&mut self, source: &SourceKey, change: Change<Box<NetpolReport>>) {
        self.policies.change(source.namespace.as_ref(), change);
        if let Some(namespace) = &source.namespace {
            self.judge_network(namespace);
        }
    }

    /// A job pod like this was seen.
    pub(super) fn see(&mut self, pod: &PodReport) {
        if pod.role != PodRole::Job {
            return;
        }
        let known = self.shapes.entry(Arc::clone(&pod.namespace)).or_default();
        let is_known = |shape: &Arc<PodShape>| Arc::ptr_eq(shape, &pod.shape) || shape.labels == pod.shape.labels;
        if known.len() > MOST_SHAPES || known.iter().any(is_known) {
            return;
        }
        known.push(Arc::clone(&pod.shape));
        self.judge_network(&pod.namespace);
    }

    fn judge_network(&mut self, namespace: &Arc<str>) {
        let policies: Vec<&NetpolReport> = self.policies.of(namespace).collect();
        let shapes = self.shapes.get(namespace).filter(|shapes| !shapes.is_empty() && shapes.len() <= MOST_SHAPES);
        let network = network::judge(&policies, shapes.map(Vec::as_slice));
        self.networks.insert(Arc::clone(namespace), network);
    }

    /// The namespace itself; absent where it is not there or nothing is known of it.
    pub(in crate::model) fn namespace(&self, name: &str) -> Option<&NamespaceReport> {
        self.namespaces.get(name)?.as_deref()
    }

    /// What its policies let through.
    pub(in crate::model) fn network(&self, namespace: &str) -> Option<&Network> {
        self.networks.get(namespace)
    }

    /// Its policies.
    pub(in crate::model) fn policies(&self, namespace: &str) -> impl Iterator<Item = &NetpolReport> {
        self.policies.of(namespace)
    }
}
