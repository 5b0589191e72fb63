//! How the sources are, as levels: one sample per kind of source and tier that depends on it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use prometheus_client::encoding::DescriptorEncoder;

use super::catalogue as rows;
use super::levels::{gauge, number};
use crate::model::assessment::SourceStatus;

/// What one tier depends on in one kind of source: its namespaces taken together.
struct Dependence {
    /// All are up; unknown as long as one has not spoken, unless another is known to be down.
    up: Option<bool>,
    /// The last success of the one that is furthest behind; unknown when one never succeeded.
    last_success: Option<Timestamp>,
}

impl Dependence {
    fn join(self, other: &SourceStatus) -> Self {
        let up = match (self.up, other.up) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            (None, _) | (_, None) => None,
        };
        Self { up, last_success: self.last_success.min(other.last_success) }
    }
}

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, sources: &[SourceStatus]) -> fmt::Result {
    let mut by_tier: BTreeMap<(&str, &str), Dependence> = BTreeMap::new();
    let mut objects: BTreeMap<&str, u64> = BTreeMap::new();
    for status in sources {
        let kind = status.source.kind.label();
        if let Some(held) = status.objects {
            *objects.entry(kind).or_default() += held;
        }
        for tier in &status.tiers {
            let alone = Dependence { up: status.up, last_success: status.last_success };
            let joined = match by_tier.remove(&(kind, tier.as_ref())) {
                Some(before) => before.join(status),
                None => alone,
            };
            by_tier.insert((kind, tier), joined);
        }
    }
    let up = by_tier
        .iter()
        .filter_map(|((kind, tier), state)| Some((vec![*kind, *tier], if state.up? { 1.0 } else { 0.0 })));
    gauge(encoder, rows::SOURCE_UP, up)?;
    let last = by_tier.iter().filter_map(|((kind, tier), state)| {
        Some((vec![*kind, *tier], state.last_success?.as_duration().as_secs_f64()))
    });
    gauge(encoder, rows::SOURCE_LAST_SUCCESS, last)?;
    gauge(encoder, rows::SOURCE_OBJECTS, objects.iter().map(|(kind, held)| (vec![*kind], number(*held))))
}
