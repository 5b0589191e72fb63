//! Nodes, and how the scheduler finds one or says why not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::pod::Pod;

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) uid: String,
    /// The tier whose label it carries; none for the platform's own nodes.
    pub(crate) tier: Option<usize>,
    /// Taints beside the tier's own: key, value, effect.
    pub(crate) taints: Vec<(String, String, &'static str)>,
    pub(crate) ready: bool,
    /// Takes no new pods (`spec.unschedulable`).
    pub(crate) cordoned: bool,
    pub(crate) cpu_millis: u64,
    pub(crate) memory_mib: u64,
    pub(crate) used_cpu_millis: u64,
    pub(crate) used_memory_mib: u64,
    /// Images that need no pull.
    pub(crate) images: BTreeSet<Arc<str>>,
}

/// Why a pod fits nowhere: the scheduler's sentence and its dominant cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoFit {
    pub(crate) message: String,
    /// The cause of the most nodes, as product names it.
    pub(crate) cause: &'static str,
}

const TAINTED: &str = "node(s) had untolerated taint(s)"; // since 1.35 without the taint's key
const OTHER_POOL: &str = "node(s) didn't match Pod's node affinity/selector";
const CORDONED: &str = "node(s) were unschedulable";
const CPU: &str = "Insufficient cpu";
const MEMORY: &str = "Insufficient memory";

/// The node with the most free processors among those that fit, or the sentence that says why none does.
pub(crate) fn place(pod: &Pod, nodes: &BTreeMap<Arc<str>, Node>) -> Result<Arc<str>, NoFit> {
    let mut reasons: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut best: Option<(&Node, u64)> = None;
    for node in nodes.values() {
        let refusals = refusals(pod, node);
        if refusals.is_empty() {
            let free = node.cpu_millis.saturating_sub(node.used_cpu_millis);
            if best.is_none_or(|(_, most)| free > most) {
                best = Some((node, free));
            }
        }
        for reason in refusals {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    best.map(|(node, _)| Arc::clone(&node.name)).ok_or_else(|| no_fit(nodes.len(), &reasons))
}

/// What the first failing filter says; only the resource filter names more than one reason.
fn refusals(pod: &Pod, node: &Node) -> Vec<&'static str> {
    if node.cordoned {
        return vec![CORDONED];
    }
    let foreign = node.taints.iter().any(|(_, _, effect)| *effect != "PreferNoSchedule");
    let other_tier = node.tier.is_some_and(|tier| tier != pod.tier); // each tier's nodes are tainted with its name
    if foreign || other_tier || !node.ready {
        return vec![TAINTED];
    }
    if node.tier != Some(pod.tier) {
        return vec![OTHER_POOL];
    }
    let mut short = Vec::new();
    if node.used_cpu_millis + pod.cpu_millis() > node.cpu_millis {
        short.push(CPU);
    }
    if node.used_memory_mib + pod.memory_mib() > node.memory_mib {
        short.push(MEMORY);
    }
    short
}

fn no_fit(total: usize, reasons: &BTreeMap<&'static str, usize>) -> NoFit {
    let mut parts: Vec<(String, &'static str, usize)> =
        reasons.iter().map(|(reason, count)| (format!("{count} {reason}"), *reason, *count)).collect();
    parts.sort(); // the scheduler sorts the finished strings
    // On a tie the first in the message dominates.
    let cause = parts
        .iter()
        .fold(None::<&(String, &'static str, usize)>, |most, part| match most {
            Some(known) if known.2 >= part.2 => most,
            Some(_) | None => Some(part),
        })
        .map_or("no_nodes", |(_, reason, _)| cause_of(reason));
    let list = parts.iter().map(|(text, _, _)| text.as_str()).collect::<Vec<_>>().join(", ");
    let short: usize =
        reasons.iter().filter(|(reason, _)| [CPU, MEMORY].contains(*reason)).map(|(_, n)| *n).max().unwrap_or(0);
    let mut helped = Vec::new();
    if short > 0 {
        helped.push(format!("{short} No preemption victims found for incoming pod"));
    }
    if total > short {
        helped.push(format!("{} Preemption is not helpful for scheduling", total - short));
    }
    helped.sort();
    let preemption = helped.join(", ");
    NoFit {
        message: format!(
            "0/{total} nodes are available: {list}. preemption: 0/{total} nodes are available: {preemption}."
        ),
        cause,
    }
}

fn cause_of(reason: &str) -> &'static str {
    match reason {
        TAINTED => "untolerated_taint",
        OTHER_POOL => "node_affinity",
        CORDONED => "unschedulable_node",
        CPU => "insufficient_cpu",
        MEMORY => "insufficient_memory",
        _ => "other",
    }
}
