//! Histograms of waits: each bucket remembers the last job that fell into it, as an exemplar.
//!
//! The library has a histogram with native buckets and one with exemplars, none with both, and no way to make an
//! exemplar outside of it. So one of each is registered under the same name, and a scrape makes one of the two
//! ([`super::exposition`]).

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::Registry;

use super::catalogue::{LabelSet, Row};
use super::family::{Buckets, Histograms};
use crate::observation::JobId;

/// The exemplar's one label: what to ask `why` about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job(JobId);

impl EncodeLabelSet for Job {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        ("job_id", self.0.0).encode(encoder.encode_label())
    }
}

/// A histogram family with classic buckets, native buckets and exemplars.
#[derive(Debug, Clone)]
pub(super) struct Waits {
    row: &'static Row,
    counted: Histograms,
    /// A series without a job has none here; the buckets are those of `counted`.
    exemplars: Family<LabelSet, HistogramWithExemplars<Job>, Buckets>,
}

impl MetricConstructor<HistogramWithExemplars<Job>> for Buckets {
    fn new_metric(&self) -> HistogramWithExemplars<Job> {
        HistogramWithExemplars::new(self.bounds())
    }
}

impl Waits {
    pub(super) fn new(row: &'static Row, buckets: Buckets) -> Self {
        let exemplars = Family::new_with_constructor(buckets.clone());
        Self { row, counted: Histograms::new(row, buckets), exemplars }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        // Read first and written last: a scrape in between finds no exemplar of a job that it does not count.
        registry.register(self.row.registered_name(), self.row.help, self.exemplars.clone());
        self.counted.register(registry);
    }

    /// Makes the series exist at zero.
    pub(super) fn seed(&self, labels: &[&str]) {
        self.counted.seed(labels);
    }

    /// Counts what was learned `at` that instant. An exemplar older than the one before is refused by Prometheus, so it
    /// bears the time of learning, not that of the start.
    pub(super) fn observe(&self, labels: &[&str], took: Duration, job: JobId, at: Timestamp) {
        let seconds = took.as_secs_f64();
        self.counted.observe(labels, seconds);
        let series = self.exemplars.get_or_create(&self.row.label_set(labels));
        series.observe(seconds, Some(Job(job)), Some(SystemTime::from(at)));
    }
}
