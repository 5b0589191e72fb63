//! The shapes of the JSON answers. Their comments are the descriptions in the OpenAPI document.

mod alerts;
mod pods;
mod runners;
mod sources;
mod tier;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::assessment::Assessment;

pub(super) use alerts::Alerts;
pub(super) use sources::Sources;
pub(super) use tier::Tier;

/// Every tier.
#[derive(Serialize, JsonSchema)]
pub(super) struct Overview<'a> {
    /// When it was judged.
    at: Timestamp,
    /// Every source has answered once, or failed.
    complete: bool,
    /// Pending jobs that are no tier's business.
    out_of_scope_jobs: Option<u64>,
    /// Part of the watched projects seen within the horizon, 0 to 1.
    queue_coverage_ratio: Option<f64>,
    /// In the order of their names.
    tiers: Vec<Tier<'a>>,
}

/// There is no such tier.
#[derive(Serialize, JsonSchema)]
pub(super) struct NoSuchTier<'a> {
    /// What is wrong.
    pub(super) error: &'static str,
    /// The tiers that there are.
    pub(super) tiers: Vec<&'a str>,
}

impl<'a> From<&'a Assessment> for Overview<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        Self {
            at: assessment.at.wall,
            complete: assessment.complete,
            out_of_scope_jobs: assessment.out_of_scope,
            queue_coverage_ratio: assessment.coverage,
            tiers: assessment.tiers.iter().map(Tier::from).collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "millicores stay far below 2^52")]
fn cores(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
