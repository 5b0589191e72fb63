//! The catalogue: a row per metric family, and the only place where a metric's name is written.
//!
//! The encoder, `docs/metrics.md`, `print metrics` and the tests read these rows.

mod label;
mod markdown;
mod rows;

pub use label::{Label, RUNNERS_PER_TIER, Values};
pub(super) use label::{admission_failures, pull_failures, scale_up_refusals};
pub use markdown::print;
pub use rows::*;

use std::sync::Arc;

/// One metric family.
#[derive(Debug)]
pub struct Row {
    /// The name as Prometheus stores it: with prefix and, for a counter, `_total`.
    pub name: &'static str,
    /// What it says, its source and its limits: the HELP text.
    pub help: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// Its labels, in the order they are written.
    pub labels: &'static [Label],
    /// Whether its name may still change.
    pub stability: Stability,
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Classic and native buckets together.
    Histogram,
}

impl Kind {
    /// As in a TYPE line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a user may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// A change of name or labels is announced one minor version ahead.
    Stable,
    /// May change with any minor version.
    Experimental,
}

impl Stability {
    /// The word in the documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Experimental => "experimental",
        }
    }
}

/// The labels of one series: names from the row, values from the caller.
pub type LabelSet = Vec<(&'static str, Arc<str>)>;

impl Row {
    /// The name under which the library knows it: a counter's `_total` is added by the encoder.
    #[must_use]
    pub fn registered_name(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    /// The base unit: the last word of the name, when that word is a unit.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes", "ratio", "cores"]
            .into_iter()
            .find(|unit| self.registered_name().strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
    }

    /// The labels of one series, values in the row's order.
    #[must_use]
    pub fn label_set(&self, values: &[&str]) -> LabelSet {
        debug_assert_eq!(values.len(), self.labels.len(), "one value per label of {}", self.name);
        self.labels.iter().zip(values).map(|(label, value)| (label.name, Arc::from(*value))).collect()
    }
}

/// The row with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    ALL.iter().copied().find(|row| row.name == name)
}
