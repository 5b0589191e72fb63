//! The JSON: the same assessment as the page. Durations are numbers of seconds, unknown is `null`.

mod boundaries;
pub(crate) mod job;
mod view;

use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{State, words};
use crate::model::assessment::Assessment;
use crate::observation::JobId;

pub(super) async fn tiers(extract::State(state): extract::State<State>) -> Response {
    json(StatusCode::OK, &view::Overview::from(&*state.assessment()))
}

pub(super) async fn tier(extract::State(state): extract::State<State>, Path(name): Path<String>) -> Response {
    let assessment = state.assessment();
    match assessment.tiers.iter().find(|tier| *tier.name == *name) {
        Some(tier) => json(StatusCode::OK, &view::Tier::from(tier)),
        None => {
            let tiers = assessment.tiers.iter().map(|tier| &*tier.name).collect();
            json(StatusCode::NOT_FOUND, &view::NoSuchTier { error: "no such tier", tiers })
        }
    }
}

pub(super) async fn sources(extract::State(state): extract::State<State>) -> Response {
    json(StatusCode::OK, &view::Sources::from(&*state.assessment()))
}

pub(super) async fn alerts(extract::State(state): extract::State<State>) -> Response {
    json(StatusCode::OK, &view::Alerts::from(&*state.assessment()))
}

pub(super) async fn boundaries(extract::State(state): extract::State<State>) -> Response {
    json(StatusCode::OK, &boundaries::Boundaries::from(&*state.assessment()))
}

pub(super) async fn job(extract::State(state): extract::State<State>, Path(id): Path<String>) -> Response {
    let refuse = |status, error: String| json(status, &job::Refusal { error });
    let Ok(id) = id.parse().map(JobId) else {
        return refuse(StatusCode::BAD_REQUEST, "a job is asked for by its number".to_owned());
    };
    match state.outputs.enquiries.job(id).await {
        Ok(Some(told)) => json(StatusCode::OK, &job::Job::from(&told)),
        Ok(None) => refuse(
            StatusCode::NOT_FOUND,
            format!("nothing is known of job {id}: it was never seen in the queue or in a pod, or is long over"),
        ),
        Err(gone) => refuse(StatusCode::SERVICE_UNAVAILABLE, gone.to_string()),
    }
}

/// `/api/v1/tiers` of any assessment.
///
/// # Errors
/// None that is known: the shapes are our own.
pub fn overview(assessment: &Assessment) -> serde_json::Result<String> {
    text(&view::Overview::from(assessment))
}

fn text(body: &impl Serialize) -> serde_json::Result<String> {
    Ok(words::harmless_json(&serde_json::to_string_pretty(body)?) + "\n")
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match text(body) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "writing JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, "writing JSON failed\n").into_response()
        }
    }
}
