//! Events in a story.

use serde::Deserialize;
use tierwatch::observation::{Body, Change, EventReport, SourceKey, SourceKind};

use super::time;

/// A complete list, as a watch gives it when it begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventList {
    namespace: String,
    list: Vec<Event>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Event {
    uid: String,
    /// Uid of the pod it is about.
    pod: Option<String>,
    /// Name of the node it is about.
    node: Option<String>,
    /// Name of the claim it is about.
    claim: Option<String>,
    /// Uid of the replica set it is about.
    replica_set: Option<String>,
    namespace: String,
    container: Option<String>,
    reason: String,
    author: String,
    message: String,
    count: u32,
    last: f64,
}

impl EventList {
    pub(super) fn said(&self) -> (SourceKey, Body) {
        let list: Vec<_> = self.list.iter().map(|event| Box::new(event.report())).collect();
        (source(&self.namespace), Body::Event(Change::Replace(list)))
    }
}

impl Event {
    pub(super) fn said(&self) -> (SourceKey, Body) {
        (source(&self.namespace), Body::Event(Change::Upsert(Box::new(self.report()))))
    }

    fn report(&self) -> EventReport {
        let about =
            [("Pod", &self.pod), ("Node", &self.node), ("NodeClaim", &self.claim), ("ReplicaSet", &self.replica_set)];
        let (kind, name) = about.iter().find_map(|(kind, name)| Some((*kind, name.as_deref()?))).expect("about what");
        EventReport {
            uid: self.uid.as_str().into(),
            about_kind: kind.into(),
            about_namespace: Some(self.namespace.as_str().into()),
            about_name: name.into(),
            about_uid: self.pod.as_deref().or(self.replica_set.as_deref()).map(Into::into),
            container: self.container.as_deref().map(Into::into),
            reason: self.reason.as_str().into(),
            author: self.author.as_str().into(),
            warning: true,
            message: self.message.as_str().into(),
            count: self.count.max(1),
            last: time(self.last),
        }
    }
}

fn source(namespace: &str) -> SourceKey {
    let kind = if namespace == "default" { SourceKind::KubeNodeEvents } else { SourceKind::KubeEvents };
    SourceKey::namespaced(kind, namespace)
}
