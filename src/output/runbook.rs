//! The runbooks, as this version knows them: an alert leads here where no other place is configured.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

macro_rules! runbooks {
    ($($alert:literal),+ $(,)?) => {
        &[$(($alert, include_str!(concat!("../../docs/runbooks/", $alert, ".md")))),+]
    };
}

/// Each alert with its runbook.
pub const RUNBOOKS: &[(&str, &str)] = runbooks![
    "JobsUnserved",
    "RunnerTokenExpiring",
    "RunnerTokenTooOld",
    "TierAtCapacity",
    "TierBoundaryMoved",
    "TierDown",
    "TierFlooded",
    "TierImagePullFailing",
    "TierJobsDropped",
    "TierJobsOverdue",
    "TierNoTraffic",
    "TierPlatformFailures",
    "TierQueueStalled",
    "TierRunnersOffline",
    "TierScaleUpBlocked",
    "TierStartBudgetBurn",
    "TierUnobserved",
    "TierUnschedulable",
    "TierwatchDown",
    "TierwatchQueueCoverageLow",
    "TierwatchSecretReloadFailed",
    "TierwatchSourceDown",
    "TierwatchTokenExpiring",
    "TierwatchUnclassified",
];

pub(super) async fn show(Path(alert): Path<String>) -> Response {
    // Links between runbooks name their files.
    let alert = alert.trim_end_matches(".md");
    match RUNBOOKS.iter().find(|(name, _)| *name == alert) {
        Some((_, text)) => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], *text).into_response(),
        None => {
            let known: String = RUNBOOKS.iter().map(|(name, _)| format!("/runbooks/{name}\n")).collect();
            (StatusCode::NOT_FOUND, format!("there is no such runbook; there are\n{known}")).into_response()
        }
    }
}
