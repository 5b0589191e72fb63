//! Which watches a configuration asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Kubernetes;
use crate::model::policy::Policy;
use crate::observation::{SourceKey, SourceKind};

/// Where the API server keeps events about objects without a namespace.
const NODE_EVENTS: &str = "default";

/// What tells where a namespace's boundary is.
const BOUNDARY: [SourceKind; 5] = [
    SourceKind::KubeNamespace,
    SourceKind::KubeNetpols,
    SourceKind::KubeAccounts,
    SourceKind::KubeRoles,
    SourceKind::KubeBindings,
];

/// One watch per kind and namespace, however many tiers share the namespace: pods where job pods or managers
/// live, all else of a namespace where job pods live, nodes and their events where the cluster may be read. Sorted.
#[must_use]
pub fn plan(policy: &Policy, kubernetes: &Kubernetes) -> Vec<SourceKey> {
    if !kubernetes.enabled {
        return Vec::new();
    }
    let mut keys = BTreeSet::new();
    for tier in &policy.tiers {
        for namespace in &tier.namespaces {
            keys.insert(SourceKey::namespaced(SourceKind::KubePods, namespace));
            keys.insert(SourceKey::namespaced(SourceKind::KubeEvents, namespace));
            keys.insert(SourceKey::namespaced(SourceKind::KubeQuotas, namespace));
            keys.insert(SourceKey::namespaced(SourceKind::KubeLimits, namespace));
            for kind in BOUNDARY {
                keys.insert(SourceKey::namespaced(kind, namespace));
            }
        }
        // What ails a manager stands in its pod; its events are not asked for.
        for namespace in &tier.manager_namespaces {
            keys.insert(SourceKey::namespaced(SourceKind::KubePods, namespace));
            // Its account is bound to a role here or where its job pods are.
            keys.insert(SourceKey::namespaced(SourceKind::KubeRoles, namespace));
            keys.insert(SourceKey::namespaced(SourceKind::KubeBindings, namespace));
            if tier.token.secret.is_some() {
                keys.insert(SourceKey::namespaced(SourceKind::KubeTokenSecrets, namespace));
            }
        }
    }
    if kubernetes.cluster_scoped {
        keys.insert(SourceKey::namespaced(SourceKind::KubeNodeEvents, NODE_EVENTS));
        keys.insert(SourceKey::global(SourceKind::KubeNodes));
    }
    keys.into_iter().collect()
}

/// The Secrets in a namespace that hold tokens of tiers whose managers run there, each with its tier's annotation.
pub(super) fn token_secrets(policy: &Policy, namespace: &str) -> Vec<(Arc<str>, Option<Arc<str>>)> {
    let here = policy.tiers.iter().filter(|tier| tier.manager_namespaces.iter().any(|name| **name == *namespace));
    let mut names: Vec<_> = here
        .filter_map(|tier| Some((Arc::clone(tier.token.secret.as_ref()?), tier.token.rotation_annotation.clone())))
        .collect();
    names.sort_unstable();
    names.dedup_by(|a, b| a.0 == b.0);
    names
}

/// The annotations in which tiers note when a token was obtained, each once.
pub(super) fn rotation_annotations(policy: &Policy) -> Vec<Arc<str>> {
    let named = policy.tiers.iter().filter_map(|tier| tier.token.rotation_annotation.clone());
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The node labels that tell tiers apart, each once.
pub(super) fn node_labels(policy: &Policy) -> Vec<Arc<str>> {
    policy.tiers.iter().map(|tier| Arc::clone(&tier.node_label)).collect::<BTreeSet<_>>().into_iter().collect()
}
