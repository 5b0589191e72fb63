//! ResourceQuotas of one namespace: how much of what the cluster grants a tier is used.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Dictionary, List, Shape, Text};
use super::metadata::Metadata;
use super::quantity::thousandths;
use super::rbac::Need;
use crate::observation::{Body, Change, QuotaLine, QuotaReport, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Resources of one quota that are told.
const MOST_LINES: usize = 64;

/// A ResourceQuota as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct QuotaObject(Shape<Quota>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Quota {
    metadata: Shape<Metadata>,
    spec: Shape<Spec>,
    status: Shape<Status>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    scopes: List<Text>,
    scope_selector: Shape<ScopeSelector>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeSelector {
    match_expressions: List<Shape<super::metadata::Nothing>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Status {
    hard: Dictionary,
    used: Dictionary,
}

/// The watch of one namespace's quotas.
#[derive(Debug)]
pub(super) struct Quotas {
    namespace: Arc<str>,
    texts: Texts,
}

impl Quotas {
    pub(super) fn new(namespace: Arc<str>) -> Self {
        Self { namespace, texts: Texts::default() }
    }
}

impl Watched for Quotas {
    type Object = QuotaObject;
    type Report = QuotaReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeQuotas).path(Some(&self.namespace))
    }

    fn version(object: &QuotaObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &QuotaObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &QuotaObject) -> Option<QuotaReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<QuotaReport>>) -> Body {
        Body::Quota(change)
    }
}

/// What the quota says, or nothing where it has no name. What the quota controller has not counted yet is left out.
#[must_use]
pub fn translate(object: &QuotaObject, texts: &mut Texts) -> Option<QuotaReport> {
    let Quota { metadata, spec, status } = &*object.0;
    let line = |(resource, hard): (&str, &str)| {
        Some(QuotaLine {
            resource: texts.name(resource),
            used_thousandths: thousandths(status.used.get(resource)?)?,
            hard_thousandths: thousandths(hard)?,
        })
    };
    Some(QuotaReport {
        name: metadata.name.get()?.into(),
        scoped: spec.scopes.iter().next().is_some() || spec.scope_selector.match_expressions.iter().next().is_some(),
        lines: status.hard.iter().filter_map(line).take(MOST_LINES).collect(),
    })
}
