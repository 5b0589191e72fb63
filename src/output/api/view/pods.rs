//! What Kubernetes tells of a tier: pods, nodes, quotas, limits.

use schemars::JsonSchema;
use serde::Serialize;

use super::cores;
use crate::cause::{Autoscale, Cause, Pull, Runtime, Scheduling};
use crate::model::assessment::{LimitLevel, NodeLevels, PodLevels, QuotaLevel, QuotaResource, ScaleUpLevels};
use crate::observation::{LimitedPart, PodPhase};
use crate::output::api::label::{Counts, Label, all_counts, counts};

/// A tier's job pods.
#[derive(Serialize, JsonSchema)]
pub(super) struct Pods<'a> {
    /// By phase; every phase has a number.
    phases: Counts<PodPhase>,
    /// Unschedulable now, by dominant cause.
    unschedulable: Counts<Scheduling>,
    /// Failing to pull an image now.
    pull_failing: Vec<PullFailing<'a>>,
    /// With a node and held up there now, by cause.
    held: Counts<Runtime>,
    /// Taken away within the last five minutes, by cause.
    ended_lately: Counts<Cause>,
    /// Requested by unfinished job pods, in cores.
    requested_cpu_cores: f64,
    /// Requested by unfinished job pods, in bytes.
    requested_memory_bytes: u64,
}

/// Job pods that wait for a node.
#[derive(Serialize, JsonSchema)]
pub(super) struct ScaleUp {
    /// The scheduler found no node for them.
    waiting: u64,
    /// An autoscaler is making a node for them.
    triggered: u64,
    /// An autoscaler makes none, by its latest verdict.
    refused: Counts<Autoscale>,
}

/// Pods that fail to pull from one registry for one cause.
#[derive(Serialize, JsonSchema)]
struct PullFailing<'a> {
    /// The registry's host, or `other`.
    registry: &'a str,
    /// Why.
    cause: Label<Pull>,
    /// So many.
    pods: u64,
}

/// Nodes of the tier's label.
#[derive(Serialize, JsonSchema)]
pub(super) struct Nodes {
    /// Ready and schedulable.
    ready: u64,
    /// Not ready.
    not_ready: u64,
    /// Ready but cordoned.
    unschedulable: u64,
    /// Of ready nodes, in cores.
    allocatable_cpu_cores: f64,
    /// Of ready nodes, in bytes.
    allocatable_memory_bytes: u64,
}

/// The fullest quota of a resource.
#[derive(Serialize, JsonSchema)]
pub(super) struct Quota<'a> {
    /// What it limits.
    resource: Label<QuotaResource>,
    /// Used of granted; above 1 where a quota was lowered.
    used_ratio: f64,
    /// The quota's name.
    quota: &'a str,
    /// Its namespace.
    namespace: &'a str,
    /// The resource as the quota writes it.
    written: &'a str,
}

/// How much a container or a pod may have at most. Amounts in cores or bytes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Limit<'a> {
    /// The LimitRange's name.
    limit: &'a str,
    /// Its namespace.
    namespace: &'a str,
    /// Of what it speaks.
    part: Label<LimitedPart>,
    /// What it limits.
    resource: Label<QuotaResource>,
    /// As much at most.
    max: f64,
    /// The most that a job pod of these minutes may use; null without one.
    asked: Option<f64>,
}

impl<'a> From<&'a PodLevels> for Pods<'a> {
    fn from(pods: &'a PodLevels) -> Self {
        let pull_failing = pods.pull_failing.iter();
        Self {
            phases: all_counts(&PodPhase::ALL, &pods.phases),
            unschedulable: counts(&pods.unschedulable),
            pull_failing: pull_failing
                .map(|pull| PullFailing { registry: &pull.registry, cause: pull.cause.into(), pods: pull.pods })
                .collect(),
            held: counts(&pods.held),
            ended_lately: counts(&pods.ended),
            requested_cpu_cores: cores(pods.requested_cpu_millis),
            requested_memory_bytes: pods.requested_memory_bytes,
        }
    }
}

impl From<&ScaleUpLevels> for ScaleUp {
    fn from(levels: &ScaleUpLevels) -> Self {
        Self { waiting: levels.waiting, triggered: levels.triggered, refused: counts(&levels.refused) }
    }
}

impl From<NodeLevels> for Nodes {
    fn from(nodes: NodeLevels) -> Self {
        Self {
            ready: nodes.ready,
            not_ready: nodes.not_ready,
            unschedulable: nodes.unschedulable,
            allocatable_cpu_cores: cores(nodes.allocatable_cpu_millis),
            allocatable_memory_bytes: nodes.allocatable_memory_bytes,
        }
    }
}

impl<'a> From<&'a QuotaLevel> for Quota<'a> {
    fn from(level: &'a QuotaLevel) -> Self {
        Self {
            resource: level.resource.into(),
            used_ratio: level.ratio,
            quota: &level.quota,
            namespace: &level.namespace,
            written: &level.written,
        }
    }
}

impl<'a> From<&'a LimitLevel> for Limit<'a> {
    fn from(level: &'a LimitLevel) -> Self {
        Self {
            limit: &level.limit,
            namespace: &level.namespace,
            part: level.part.into(),
            resource: level.resource.into(),
            max: cores(level.max_thousandths),
            asked: level.asked_thousandths.map(cores),
        }
    }
}
