//! What a rule is.

use std::time::Duration;

/// Rules that are evaluated together, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Writes a series.
    Record {
        /// Its name.
        record: String,
        /// What it is.
        expr: String,
    },
    /// Tells somebody.
    Alert {
        /// Its name.
        alert: &'static str,
        /// When.
        expr: String,
        /// How long it must be so.
        pending: Duration,
        /// How long it is told on when it is no more so.
        keep_firing_for: Option<Duration>,
        /// Labels beside those of the expression.
        labels: Vec<(&'static str, String)>,
        /// Texts for people.
        annotations: Vec<(&'static str, String)>,
    },
}
