//! The table of nodes, and what their taints say of a pod that no node takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cause::Scheduling;
use crate::cause::taint::refine;
use crate::model::policy::TierPolicy;
use crate::observation::{Change, NodeReport, Taint, Toleration};

/// All nodes of the cluster.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Nodes {
    rows: BTreeMap<Arc<str>, Box<NodeReport>>,
    /// How many nodes are alike in what refuses pods: a pool of a thousand nodes is asked once.
    pools: BTreeMap<Pool, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pool {
    tier_labels: Vec<(Arc<str>, Arc<str>)>,
    taints: Vec<Taint>,
}

impl Nodes {
    pub(in crate::model) fn iter(&self) -> impl Iterator<Item = &NodeReport> {
        self.rows.values().map(Box::as_ref)
    }

    pub(in crate::model) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::model) fn get(&self, name: &str) -> Option<&NodeReport> {
        self.rows.get(name).map(Box::as_ref)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Folds a change; whether it may have changed what refuses pods.
    pub(super) fn change(&mut self, change: Change<Box<NodeReport>>) -> bool {
        match change {
            Change::Upsert(node) => {
                let alike =
                    |before: &NodeReport| before.tier_labels == node.tier_labels && before.taints == node.taints;
                let unchanged = self.get(&node.name).is_some_and(alike);
                self.rows.insert(node.name.clone(), node);
                if unchanged {
                    return false;
                }
            }
            Change::Gone(name) => {
                self.rows.remove(&name);
            }
            Change::Replace(nodes) => {
                self.rows = nodes.into_iter().map(|node| (node.name.clone(), node)).collect();
            }
        }
        let mut pools = BTreeMap::new();
        for node in self.rows.values() {
            *pools.entry(pool_of(node)).or_default() += 1;
        }
        std::mem::replace(&mut self.pools, pools) != self.pools
    }

    /// What the taints that a pod of the tier does not tolerate say of their nodes; nothing while no node has such a
    /// taint. Only the tier's own nodes are asked where it has some: a broken node of another pool is not what the
    /// pod waits for.
    pub(super) fn refusal(&self, tier: Option<&TierPolicy>, tolerations: &[Toleration]) -> Option<Scheduling> {
        let is_own = |pool: &Pool| tier.is_some_and(|tier| tier.has_node(&pool.tier_labels));
        let has_own = self.pools.keys().any(is_own);
        let asked = self.pools.iter().filter(|(pool, _)| !has_own || is_own(pool));
        let mut untolerated =
            asked.flat_map(|(pool, nodes)| untolerated(pool, tolerations).map(|key| (key, *nodes))).peekable();
        untolerated.peek().is_some().then(|| refine(untolerated))
    }
}

fn pool_of(node: &NodeReport) -> Pool {
    Pool { tier_labels: node.tier_labels.clone(), taints: node.taints.clone() }
}

/// Keys of the taints that keep the pod away, each once: a node that is not ready says so twice, by two effects.
fn untolerated<'a>(pool: &'a Pool, tolerations: &[Toleration]) -> impl Iterator<Item = &'a str> {
    let refuses = |taint: &&Taint| {
        taint.effect.as_ref() != "PreferNoSchedule" && !tolerations.iter().any(|own| tolerates(own, taint))
    };
    let mut keys: Vec<&str> = pool.taints.iter().filter(refuses).map(|taint| taint.key.as_ref()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let matches = |wanted: &Option<Arc<str>>, has: &Arc<str>| wanted.as_ref().is_none_or(|wanted| wanted == has);
    matches(&toleration.key, &taint.key)
        && matches(&toleration.value, &taint.value)
        && matches(&toleration.effect, &taint.effect)
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
