//! Counters, gauges and histograms that are made from a catalogue row and register themselves.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};
use prometheus_client::registry::Registry;

use super::catalogue::{Kind, LabelSet, Row};

type FloatCounter = Counter<f64, AtomicU64>;
type FloatGauge = Gauge<f64, AtomicU64>;

/// A counter family. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    row: &'static Row,
    family: Family<LabelSet, FloatCounter>,
}

impl Counters {
    pub(super) fn new(row: &'static Row) -> Self {
        debug_assert_eq!(row.kind, Kind::Counter);
        Self { row, family: Family::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(self.row.registered_name(), self.row.help, self.family.clone());
    }

    /// Makes the series exist at zero, so that `increase()` sees its first event.
    pub(super) fn seed(&self, labels: &[&str]) {
        drop(self.family.get_or_create(&self.row.label_set(labels)));
    }

    pub(super) fn increase(&self, labels: &[&str]) {
        self.add(labels, 1.0);
    }

    /// How often it was increased by now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count far below 2^52")]
    pub(super) fn count(&self, labels: &[&str]) -> u64 {
        self.family.get_or_create(&self.row.label_set(labels)).get() as u64
    }

    pub(super) fn add(&self, labels: &[&str], by: f64) {
        self.family.get_or_create(&self.row.label_set(labels)).inc_by(by);
    }
}

/// A gauge family that is set by hand; a gauge that nobody has set does not exist.
#[derive(Debug, Clone)]
pub(super) struct Gauges {
    row: &'static Row,
    family: Family<LabelSet, FloatGauge>,
}

impl Gauges {
    pub(super) fn new(row: &'static Row) -> Self {
        debug_assert_eq!(row.kind, Kind::Gauge);
        Self { row, family: Family::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(self.row.registered_name(), self.row.help, self.family.clone());
    }

    pub(super) fn set(&self, labels: &[&str], value: f64) {
        self.family.get_or_create(&self.row.label_set(labels)).set(value);
    }
}

/// A histogram family with classic and native buckets.
#[derive(Debug, Clone)]
pub(super) struct Histograms {
    row: &'static Row,
    family: Family<LabelSet, Histogram, Buckets>,
}

/// Upper bounds of the classic buckets. One list for the whole family: buckets that differ between label
/// sets would make every sum over them wrong.
#[derive(Debug, Clone)]
pub(super) struct Buckets(Arc<[f64]>);

/// Native buckets of one histogram; beyond it the library halves the resolution.
const NATIVE_BUCKETS: usize = 100;

impl Buckets {
    pub(super) fn new(bounds: impl IntoIterator<Item = f64>) -> Self {
        let mut bounds: Vec<f64> = bounds.into_iter().collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        Self(bounds.into())
    }

    pub(super) fn bounds(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }
}

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        let native = NativeHistogramConfig::default().max_buckets(NATIVE_BUCKETS);
        Histogram::new_classic_and_native(self.bounds(), native)
    }
}

impl Histograms {
    pub(super) fn new(row: &'static Row, buckets: Buckets) -> Self {
        debug_assert_eq!(row.kind, Kind::Histogram);
        Self { row, family: Family::new_with_constructor(buckets) }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(self.row.registered_name(), self.row.help, self.family.clone());
    }

    /// Makes the series exist at zero.
    pub(super) fn seed(&self, labels: &[&str]) {
        drop(self.family.get_or_create(&self.row.label_set(labels)));
    }

    pub(super) fn observe(&self, labels: &[&str], seconds: f64) {
        self.family.get_or_create(&self.row.label_set(labels)).observe(seconds);
    }
}
