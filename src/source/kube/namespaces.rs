//! One namespace itself: its pod-security labels.
//!
//! It is asked for by name, again and again: `get` on it can be granted by a Role inside the namespace, where a watch needs a
//! ClusterRole over all of them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::AsyncReadExt;
use kube::Client;
use serde::Deserialize;

use super::failure::{failure, told, undecodable};
use super::lenient::{Dictionary, Shape};
use super::rbac::Need;
use crate::observation::{Body, FailureClass, NamespaceReport, SecurityMode, SourceKind};
use crate::source::poll::{Interrupted, Poll, Schedule};
use crate::source::{Outbox, Texts};

/// Labels change by hand; three reads fit into the time after which a silent watch counts as dead.
pub(super) const SCHEDULE: Schedule =
    Schedule { every: Duration::from_secs(30), give_up_after: Duration::from_secs(30) };

/// A namespace is a kilobyte, a few hundred at most with its annotations.
const MOST_BYTES: u64 = 2 << 20;

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
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(|error| told(FailureClass::Other, &format!("the request could not be made: {error}")))?;
        let body = match self.client.request_stream(request).await.map_err(|error| failure(&error)) {
            Ok(body) => body,
            Err(failure) if failure.class == FailureClass::NotFound => {
                return Ok(outbox.say(Body::Namespace(None)).await?);
            }
            Err(failure) => return Err(failure.into()),
        };
        let mut text = Vec::new();
        let mut limited = pin!(body.take(MOST_BYTES));
        limited
            .read_to_end(&mut text)
            .await
            .map_err(|error| told(FailureClass::Connection, &format!("reading the namespace: {error}")))?;
        let object: NamespaceObject = serde_json::from_slice(&text).map_err(|error| undecodable(&error))?;
        Ok(outbox.say(Body::Namespace(Some(Box::new(translate(&object, &mut self.texts))))).await?)
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
