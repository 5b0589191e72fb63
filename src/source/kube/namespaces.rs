//! One namespace itself: its pod-security labels.
//!
//! It is asked for by name, again and again: `get` on it can be granted by a Role inside the namespace, where a watch needs a
//! ClusterRole over all of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use serde::Deserialize;

use super::ask::{self, Asked};
use super::lenient::{Dictionary, Shape};
use super::rbac::Need;
use crate::observation::{Body, FailureClass, NamespaceReport, SecurityMode, SourceKind};
use crate::source::poll::{Interrupted, Poll, Schedule};
use crate::source::{Outbox, Texts};

/// Labels change by hand; three reads fit into the time after which a silent watch counts as dead.
pub(super) const SCHEDULE: Schedule =
    Schedule { every: Duration::from_secs(30), give_up_after: Duration::from_secs(30) };

/// A Namespace as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct NamespaceObject(Shape<Namespace>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Namespace {
    metadata: Shape<Metadata>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    labels: Dictionary,
}

/// The source of one namespace.
pub(super) struct Namespaces {
    namespace: Arc<str>,
    client: Client,
    texts: Texts,
}

impl Namespaces {
    pub(super) fn new(namespace: Arc<str>, client: Client) -> Self {
        Self { namespace, client, texts: Texts::default() }
    }
}

#[async_trait]
impl Poll for Namespaces {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let path = Need::of(SourceKind::KubeNamespace).path(Some(&self.namespace));
        let report = match ask::get::<NamespaceObject>(&self.client, &path, Asked::Whole).await {
            Ok(object) => Some(Box::new(translate(&object, &mut self.texts))),
            Err(failure) if failure.class == FailureClass::NotFound => None,
            Err(failure) => return Err(failure.into()),
        };
        Ok(outbox.say(Body::Namespace(report)).await?)
    }
}

/// What the namespace says.
#[must_use]
pub fn translate(object: &NamespaceObject, texts: &mut Texts) -> NamespaceReport {
    let labels = &object.0.metadata.labels;
    let mut mode = |mode: &str| {
        let mut of = |key: String| labels.get(&key).map(|value| texts.name(value));
        let key = format!("pod-security.kubernetes.io/{mode}");
        SecurityMode { version: of(format!("{key}-version")), level: of(key) }
    };
    NamespaceReport { enforce: mode("enforce"), audit: mode("audit"), warn: mode("warn") }
}
