//! The Secrets that hold runner tokens: when they were written. Metadata only; the data is not asked for.
//!
//! Asking for metadata spares the network and our memory, it is no security boundary: whoever may `get` a Secret may read it.
//! So the right is for the named Secrets alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kube::Client;
use serde::Deserialize;

use super::ask::{self, Asked};
use super::lenient::{List, Moment, Numbers, Presence, Shape};
use super::rbac::Need;
use crate::observation::{Body, FailureClass, SecretReport, SourceKind};
use crate::source::Outbox;
use crate::source::poll::{Interrupted, Poll, Schedule};

/// Tokens change by the month; three reads fit into the time after which a silent watch counts as dead.
pub(super) const SCHEDULE: Schedule =
    Schedule { every: Duration::from_secs(30), give_up_after: Duration::from_secs(30) };

/// The metadata of a Secret, trimmed while it is parsed. Annotations may hold a copy of the data: only numbers are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SecretObject(Shape<Secret>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Secret {
    metadata: Shape<Metadata>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    creation_timestamp: Moment,
    annotations: Numbers,
    managed_fields: List<Shape<Managed>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Managed {
    time: Moment,
    #[serde(rename = "fieldsV1")]
    fields: Shape<Fields>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "f:data")]
    data: Presence,
}

/// The source of one namespace.
pub(super) struct TokenSecrets {
    namespace: Arc<str>,
    /// Names of the Secrets, each with the annotation to look at.
    names: Vec<(Arc<str>, Option<Arc<str>>)>,
    client: Client,
}

impl TokenSecrets {
    pub(super) fn new(namespace: Arc<str>, names: Vec<(Arc<str>, Option<Arc<str>>)>, client: Client) -> Self {
        Self { namespace, names, client }
    }
}

#[async_trait]
impl Poll for TokenSecrets {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let path = Need::of(SourceKind::KubeTokenSecrets).path(Some(&self.namespace));
        let mut reports = Vec::new();
        for (name, annotation) in &self.names {
            let report = match ask::get::<SecretObject>(&self.client, &format!("{path}/{name}"), Asked::Metadata).await
            {
                Ok(object) => Some(translate(&object, annotation.as_deref())),
                Err(failure) if failure.class == FailureClass::NotFound => None,
                Err(failure) => return Err(failure.into()),
            };
            reports.push((Arc::clone(name), report));
        }
        Ok(outbox.say(Body::TokenSecrets(reports)).await?)
    }
}

/// What the Secret's metadata says of the age of its data. A manager of fields that owns the data wrote it last at its time,
/// or changed a label then: the newest such time is the earliest that can be told.
#[must_use]
pub fn translate(object: &SecretObject, annotation: Option<&str>) -> SecretReport {
    let metadata = &object.0.metadata;
    let of_data = metadata.managed_fields.iter().filter(|managed| managed.fields.data.0);
    let written = of_data.filter_map(|managed| managed.time.0).max().or(metadata.creation_timestamp.0);
    let rotated = annotation.and_then(|key| metadata.annotations.get(key)).and_then(moment);
    SecretReport { written, rotated }
}

/// A date, an RFC 3339 time or Unix seconds.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let date = || text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok();
    let seconds = || text.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    text.parse().ok().or_else(seconds).or_else(|| date().map(|day| day.timestamp()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(metadata: serde_json::Value) -> SecretReport {
        translate(&serde_json::from_value(json!({ "metadata": metadata })).unwrap(), Some("rotated"))
    }

    #[test]
    fn the_last_write_of_the_data_is_its_age() {
        let managed = |time: &str, fields: serde_json::Value| json!({ "time": time, "fieldsV1": fields });
        let said = report(json!({
            "creationTimestamp": "2025-01-01T00:00:00Z",
            "managedFields": [
                managed("2026-02-01T00:00:00Z", json!({ "f:data": { "f:runner-token": {} } })),
                managed("2026-03-01T00:00:00Z", json!({ "f:metadata": {} })),
            ]
        }));
        assert_eq!(said.written.unwrap().to_string(), "2026-02-01T00:00:00Z");
        assert_eq!(
            report(json!({ "creationTimestamp": "2025-01-01T00:00:00Z" })).written.unwrap().to_string(),
            "2025-01-01T00:00:00Z"
        );
        assert_eq!(report(json!({ "managedFields": 7 })), SecretReport { written: None, rotated: None });
    }

    #[test]
    fn an_annotation_is_a_date_a_time_or_seconds() {
        let rotated =
            |text: &str| report(json!({ "annotations": { "rotated": text } })).rotated.map(|at| at.to_string());
        assert_eq!(rotated("2026-03-01").as_deref(), Some("2026-03-01T00:00:00Z"));
        assert_eq!(rotated(" 2026-03-01T10:00:00+01:00 ").as_deref(), Some("2026-03-01T09:00:00Z"));
        assert_eq!(rotated("1772323200").as_deref(), Some("2026-03-01T00:00:00Z"));
        assert_eq!(rotated("last Tuesday\u{1b}"), None);
    }
}
