//! Events of one namespace, in the core/v1 view (events.k8s.io shows the same objects under other names).

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Moment, Shape, Text, Whole};
use super::metadata::Metadata;
use super::rbac::Need;
use crate::observation::{Body, Change, EventReport, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Events of a tier's namespace, about pods and about controllers that cannot make any; what a pod's own status tells
/// better, and what went well, stays on the server. A field selector knows only `=` and `!=`, joined by "and".
const OF_TIER: &str =
    "reason!=Created,reason!=Started,reason!=Killing,reason!=SuccessfulCreate,reason!=SuccessfulDelete";

/// Events about anything but pods: nodes and claims for them are two kinds, and there is no "or". What Karpenter
/// repeats of each node that it leaves alone stays on the server.
const OF_NODES: &str = "involvedObject.kind!=Pod,reason!=Unconsolidatable,reason!=DisruptionBlocked";

/// An Event as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct EventObject(Shape<Event>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    metadata: Shape<Metadata>,
    involved_object: Shape<About>,
    reason: Text,
    message: Text,
    #[serde(rename = "type")]
    kind: Text,
    source: Shape<Source>,
    reporting_component: Text,
    count: Whole,
    last_timestamp: Moment,
    event_time: Moment,
    series: Shape<Series>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct About {
    kind: Text,
    namespace: Text,
    name: Text,
    uid: Text,
    field_path: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Source {
    component: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: Whole,
    last_observed_time: Moment,
}

/// The watch of one namespace's events.
#[derive(Debug)]
pub(super) struct Events {
    namespace: Arc<str>,
    wanted: &'static str,
    texts: Texts,
}

impl Events {
    /// Those about pods.
    pub(super) fn of_pods(namespace: Arc<str>) -> Self {
        Self { namespace, wanted: OF_TIER, texts: Texts::default() }
    }

    /// Those about nodes and claims for nodes.
    pub(super) fn of_nodes(namespace: Arc<str>) -> Self {
        Self { namespace, wanted: OF_NODES, texts: Texts::default() }
    }
}

impl Watched for Events {
    type Object = EventObject;
    type Report = EventReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeEvents).path(Some(&self.namespace))
    }

    fn field_selector(&self) -> Option<&'static str> {
        Some(self.wanted)
    }

    fn version(object: &EventObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &EventObject) -> Option<Arc<str>> {
        object.0.metadata.uid.get().map(Arc::from)
    }

    fn translate(&mut self, object: &EventObject) -> Option<EventReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<EventReport>>) -> Body {
        Body::Event(change)
    }
}

/// What the event says, or nothing where it lacks an identity or any time.
#[must_use]
pub fn translate(object: &EventObject, texts: &mut Texts) -> Option<EventReport> {
    let event = &*object.0;
    let about = &event.involved_object;
    // Writers of events.k8s.io leave the old fields null; kubelets leave the new ones null.
    let last =
        [event.series.last_observed_time, event.event_time, event.last_timestamp, event.metadata.creation_timestamp]
            .iter()
            .find_map(|moment| moment.0)?;
    let author = event.source.component.get().or_else(|| event.reporting_component.get());
    let count = event.series.count.0.max(event.count.0).unwrap_or(1).max(1);
    Some(EventReport {
        uid: event.metadata.uid.get()?.into(),
        about_kind: texts.name(about.kind.or_empty()),
        about_namespace: about.namespace.get().map(|text| texts.name(text)),
        about_name: texts.name(about.name.or_empty()),
        about_uid: about.uid.get().map(|text| texts.name(text)),
        container: about.field_path.get().and_then(container).map(|text| texts.name(text)),
        reason: texts.name(event.reason.or_empty()),
        author: texts.name(author.unwrap_or_default()),
        warning: event.kind.is("Warning"),
        message: texts.message(event.message.or_empty()),
        count: u32::try_from(count).unwrap_or(u32::MAX),
        last,
    })
}

/// `spec.containers{build}`, `spec.initContainers{init-permissions}`: the name of the container.
fn container(path: &str) -> Option<&str> {
    path.strip_prefix("spec.")?.split_once('{')?.1.strip_suffix('}')
}
