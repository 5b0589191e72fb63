//! RoleBindings of one namespace: which service accounts get which role.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{List, Shape, Text};
use super::metadata::Metadata;
use super::rbac::Need;
use crate::observation::{BindingReport, Body, Change, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Subjects of a binding that are told.
const MOST_SUBJECTS: usize = 256;

/// A RoleBinding as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct BindingObject(Shape<Binding>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Binding {
    metadata: Shape<Metadata>,
    role_ref: Shape<Reference>,
    subjects: List<Shape<Reference>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: Text,
    name: Text,
    namespace: Text,
}

/// The watch of one namespace's bindings.
#[derive(Debug)]
pub(super) struct Bindings {
    namespace: Arc<str>,
    texts: Texts,
}

impl Bindings {
    pub(super) fn new(namespace: Arc<str>) -> Self {
        Self { namespace, texts: Texts::default() }
    }
}

impl Watched for Bindings {
    type Object = BindingObject;
    type Report = BindingReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeBindings).path(Some(&self.namespace))
    }

    fn version(object: &BindingObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &BindingObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &BindingObject) -> Option<BindingReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<BindingReport>>) -> Body {
        Body::Binding(change)
    }
}

/// What the binding says, or nothing where it has no name.
#[must_use]
pub fn translate(object: &BindingObject, texts: &mut Texts) -> Option<BindingReport> {
    let Binding { metadata, role_ref, subjects } = &*object.0;
    let accounts = subjects.iter().filter(|subject| subject.kind.is("ServiceAccount")).take(MOST_SUBJECTS);
    Some(BindingReport {
        name: metadata.name.get()?.into(),
        of_cluster: role_ref.kind.is("ClusterRole"),
        role: texts.name(role_ref.name.or_empty()),
        accounts: accounts
            .map(|account| (texts.name(account.namespace.or_empty()), texts.name(account.name.or_empty())))
            .collect(),
    })
}
