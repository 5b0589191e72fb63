//! Roles of one namespace: which of their rules have wildcards.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{List, Shape, Text};
use super::metadata::Metadata;
use super::rbac::Need;
use crate::observation::{Body, Change, RoleReport, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Rules of a role that are told.
const MOST_RULES: usize = 16;

/// A Role as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct RoleObject(Shape<Role>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Role {
    metadata: Shape<Metadata>,
    rules: List<Shape<Rule>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    api_groups: List<Text>,
    resources: List<Text>,
    verbs: List<Text>,
}

/// The watch of one namespace's roles.
#[derive(Debug)]
pub(super) struct Roles {
    namespace: Arc<str>,
    texts: Texts,
}

impl Roles {
    pub(super) fn new(namespace: Arc<str>) -> Self {
        Self { namespace, texts: Texts::default() }
    }
}

impl Watched for Roles {
    type Object = RoleObject;
    type Report = RoleReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeRoles).path(Some(&self.namespace))
    }

    fn version(object: &RoleObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &RoleObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &RoleObject) -> Option<RoleReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<RoleReport>>) -> Body {
        Body::Role(change)
    }
}

/// What the role says, or nothing where it has no name.
#[must_use]
pub fn translate(object: &RoleObject, texts: &mut Texts) -> Option<RoleReport> {
    let Role { metadata, rules } = &*object.0;
    let wide =
        |rule: &&Shape<Rule>| [&rule.resources, &rule.verbs].iter().any(|list| list.iter().any(|one| one.is("*")));
    let wildcards = rules.iter().filter(wide).take(MOST_RULES).map(|rule| texts.name(&in_words(rule))).collect();
    Some(RoleReport { name: metadata.name.get()?.into(), wildcards })
}

/// `apps/deployments: get, list`; the core group has no name.
fn in_words(rule: &Rule) -> String {
    let list = |texts: &List<Text>| texts.iter().map(Text::or_empty).collect::<Vec<_>>().join(", ");
    let groups = rule.api_groups.iter().filter_map(Text::get).collect::<Vec<_>>().join(", ");
    let slash = if groups.is_empty() { "" } else { "/" };
    format!("{groups}{slash}{}: {}", list(&rule.resources), list(&rule.verbs))
}
