//! From the registry to the bytes of a scrape.
//!
//! The library's text output has families and label sets in random order and knows one text format only. So
//! everything is gathered once into the protobuf model, sorted, given the catalogue's help and unit, and
//! written from there: the three formats cannot disagree, and two scrapes of one state are the same bytes.

mod accept;
mod exemplars;
mod text;

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus_client::encoding::prometheus_protobuf::{self, prometheus_data_model as model};
use prometheus_client::registry::Registry;
use prost::Message as _;

use super::catalogue;
pub use accept::{accepts_gzip, negotiate};

/// A format of `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
    /// Delimited `io.prometheus.client.MetricFamily` messages; the only one with native histograms.
    Protobuf,
}

impl Format {
    /// The `Content-Type` of an answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// The registry could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("encoding the metrics")]
pub struct EncodeError;

impl From<std::fmt::Error> for EncodeError {
    fn from(_: std::fmt::Error) -> Self {
        Self
    }
}

/// One scrape.
///
/// # Errors
/// When a metric refuses to be encoded, which is a bug of ours.
pub fn encode(registry: &Registry, format: Format) -> Result<Bytes, EncodeError> {
    let families = gather(registry)?;
    Ok(match format {
        Format::Text => text::write(&families, text::Dialect::Prometheus)?.into(),
        Format::OpenMetrics => text::write(&families, text::Dialect::OpenMetrics)?.into(),
        Format::Protobuf => families.iter().flat_map(model::MetricFamily::encode_length_delimited_to_vec).collect(),
    })
}

/// Families sorted by name, their series by label values, with the catalogue's help and unit and with their exemplars.
fn gather(registry: &Registry) -> Result<Vec<model::MetricFamily>, EncodeError> {
    let mut families = prometheus_protobuf::encode(registry)?;
    for family in &mut families {
        family.metric.sort_by(|a, b| values(a).cmp(values(b)));
        if let Some(row) = catalogue::find(&family.name) {
            row.help.clone_into(&mut family.help);
            row.unit().unwrap_or_default().clone_into(&mut family.unit);
        }
    }
    // A family without series says nothing.
    families.retain(|family| !family.metric.is_empty());
    families.sort_by(|a, b| a.name.cmp(&b.name));
    exemplars::join(&mut families);
    Ok(families)
}

fn values(metric: &model::Metric) -> impl Iterator<Item = &str> {
    metric.label.iter().map(|pair| pair.value.as_str())
}

/// `body`, gzipped.
#[must_use]
pub fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
