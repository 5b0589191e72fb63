//! Nodes of the cluster: whose they are, whether they take pods, how much they hold.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Dictionary, Flag, List, Shape, Text};
use super::pod_object::{Amounts, Condition};
use super::pod_spec;
use super::rbac::Need;
use crate::observation::{Body, Change, NodeReport, SourceKind, Taint};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Taints of a node that are told.
const MOST_TAINTS: usize = 32;

/// A Node as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct NodeObject(Shape<Node>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Node {
    metadata: Shape<NodeMetadata>,
    spec: Shape<Spec>,
    status: Shape<Status>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeMetadata {
    name: Text,
    resource_version: Text,
    labels: Dictionary,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Spec {
    unschedulable: Flag,
    taints: List<Shape<TaintObject>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TaintObject {
    key: Text,
    value: Text,
    effect: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Status {
    allocatable: Shape<Amounts>,
    conditions: List<Shape<Condition>>,
}

/// The watch of the cluster's nodes.
#[derive(Debug)]
pub(super) struct Nodes {
    tier_labels: Vec<Arc<str>>,
    texts: Texts,
}

impl Nodes {
    /// Of each node's labels only those with these keys are kept.
    pub(super) fn new(tier_labels: Vec<Arc<str>>) -> Self {
        Self { tier_labels, texts: Texts::default() }
    }
}

impl Watched for Nodes {
    type Object = NodeObject;
    type Report = NodeReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeNodes).path(None)
    }

    fn version(object: &NodeObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &NodeObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &NodeObject) -> Option<NodeReport> {
        translate(object, &self.tier_labels, &mut self.texts)
    }

    fn body(change: Change<Box<NodeReport>>) -> Body {
        Body::Node(change)
    }
}

/// What the node says, or nothing where it has no name.
#[must_use]
pub fn translate(object: &NodeObject, tier_labels: &[Arc<str>], texts: &mut Texts) -> Option<NodeReport> {
    let Node { metadata, spec, status } = &*object.0;
    Some(NodeReport {
        name: texts.name(metadata.name.get()?),
        tier_labels: tier_labels
            .iter()
            .filter_map(|key| metadata.labels.get(key).map(|value| (Arc::clone(key), texts.name(value))))
            .collect(),
        ready: status.conditions.iter().any(|found| found.kind.is("Ready") && found.status.is("True")),
        unschedulable: spec.unschedulable.is_true(),
        taints: spec
            .taints
            .iter()
            .take(MOST_TAINTS)
            .map(|taint| Taint {
                key: texts.name(taint.key.or_empty()),
                value: texts.name(taint.value.or_empty()),
                effect: texts.name(taint.effect.or_empty()),
            })
            .collect(),
        allocatable: pod_spec::amounts(&status.allocatable),
    })
}
