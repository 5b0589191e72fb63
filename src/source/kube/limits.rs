//! LimitRanges of one namespace: how much one container or one pod may ask for.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Dictionary, List, Shape, Text};
use super::metadata::Metadata;
use super::quantity::thousandths;
use super::rbac::Need;
use crate::observation::{Body, Change, LimitLine, LimitReport, LimitedPart, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Lines of one LimitRange that are told.
const MOST_LINES: usize = 64;

/// A LimitRange as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct LimitObject(Shape<LimitRange>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct LimitRange {
    metadata: Shape<Metadata>,
    spec: Shape<Spec>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Spec {
    limits: List<Shape<Item>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    #[serde(rename = "type")]
    kind: Text,
    max: Dictionary,
    min: Dictionary,
    max_limit_request_ratio: Dictionary,
    default: Dictionary,
    default_request: Dictionary,
}

/// The watch of one namespace's LimitRanges.
#[derive(Debug)]
pub(super) struct Limits {
    namespace: Arc<str>,
    texts: Texts,
}

impl Limits {
    pub(super) fn new(namespace: Arc<str>) -> Self {
        Self { namespace, texts: Texts::default() }
    }
}

impl Watched for Limits {
    type Object = LimitObject;
    type Report = LimitReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeLimits).path(Some(&self.namespace))
    }

    fn version(object: &LimitObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &LimitObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &LimitObject) -> Option<LimitReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<LimitReport>>) -> Body {
        Body::Limit(change)
    }
}

/// What the LimitRange says of containers and pods, or nothing where it has no name. Claims and images, which it may
/// limit too, are none of a job's making.
#[must_use]
pub fn translate(object: &LimitObject, texts: &mut Texts) -> Option<LimitReport> {
    let LimitRange { metadata, spec } = &*object.0;
    let mut lines = Vec::new();
    for item in spec.limits.iter() {
        let part = match item.kind.or_empty() {
            "Container" => LimitedPart::Container,
            "Pod" => LimitedPart::Pod,
            _ => continue,
        };
        let said = [&item.max, &item.min, &item.max_limit_request_ratio, &item.default, &item.default_request];
        let resources: BTreeSet<&str> = said.into_iter().flat_map(Dictionary::iter).map(|(name, _)| name).collect();
        for resource in resources {
            let of = |amounts: &Dictionary| amounts.get(resource).and_then(thousandths);
            lines.push(LimitLine {
                part,
                resource: texts.name(resource),
                max: of(&item.max),
                min: of(&item.min),
                max_ratio: of(&item.max_limit_request_ratio),
                has_default: [&item.default, &item.default_request].iter().any(|given| given.get(resource).is_some()),
            });
        }
    }
    lines.truncate(MOST_LINES);
    Some(LimitReport { name: metadata.name.get()?.into(), lines })
}
