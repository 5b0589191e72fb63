//! The runbooks, as this version knows them: an alert leads here where no other place is configured.

use axum::extract::Path;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::page;

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

pub(super) async fn show(Path(alert): Path<String>, headers: HeaderMap) -> Response {
    // Links between runbooks name their files.
    let alert = alert.trim_end_matches(".md");
    let found = RUNBOOKS.iter().find(|(name, _)| *name == alert);
    let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let vary = (VARY, "accept");
    let plain = (CONTENT_TYPE, "text/plain; charset=utf-8");
    // A browser gets a page, a terminal the text as it was written.
    let browser =
        headers.get_all(ACCEPT).iter().any(|value| value.as_bytes().windows(9).any(|part| part == b"text/html"));
    match found {
        Some((name, text)) if browser => {
            (status, [vary, (CONTENT_TYPE, "text/html; charset=utf-8")], page::runbook(name, text).into_string())
                .into_response()
        }
        Some((_, text)) => (status, [vary, plain], *text).into_response(),
        None if browser => {
            let names: Vec<&str> = RUNBOOKS.iter().map(|(name, _)| *name).collect();
            (status, [vary, (CONTENT_TYPE, "text/html; charset=utf-8")], page::no_runbook(&names).into_string())
                .into_response()
        }
        None => {
            let known: String = RUNBOOKS.iter().map(|(name, _)| format!("/runbooks/{name}\n")).collect();
            (status, [vary, plain], format!("there is no such runbook; there are\n{known}")).into_response()
        }
    }
}
