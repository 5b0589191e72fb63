//! What is answered to each question.

use std::sync::OnceLock;

use axum::extract::rejection::PathRejection;
use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::document::openapi;
use super::{boundaries, job, view};
use crate::model::assessment::Assessment;
use crate::observation::JobId;
use crate::output::{State, words};

type Asked = Result<Path<String>, PathRejection>;

pub(super) async fn tiers(extract::State(state): extract::State<State>) -> Response {
    json(StatusCode::OK, &view::Overview::from(&*state.assessment()))
}

pub(super) async fn tier(extract::State(state): extract::State<State>, asked: Asked) -> Response {
    let Ok(Path(name)) = asked else { return refusal(StatusCode::BAD_REQUEST, NO_TEXT) };
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

pub(super) async fn job(extract::State(state): extract::State<State>, asked: Asked) -> Response {
    let number = asked.ok().filter(|Path(text)| text.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(id) = number.and_then(|Path(text)| text.parse().ok()).map(JobId) else {
        return refusal(StatusCode::BAD_REQUEST, "a job is asked for by its number");
    };
    match state.outputs.enquiries.job(id).await {
        Ok(Some(told)) => json(StatusCode::OK, &job::Job::from(&told)),
        Ok(None) => {
            let why = "it was never seen in the queue or in a pod, or is long over";
            refusal(StatusCode::NOT_FOUND, &format!("nothing is known of job {id}: {why}"))
        }
        Err(gone) => refusal(StatusCode::SERVICE_UNAVAILABLE, &gone.to_string()),
    }
}

pub(super) async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    written(StatusCode::OK, TEXT.get_or_init(openapi).clone())
}

/// `/api/v1/tiers` of any assessment.
///
/// # Errors
/// None that is known: the shapes are our own.
pub fn overview(assessment: &Assessment) -> serde_json::Result<String> {
    text(&view::Overview::from(assessment))
}

const NO_TEXT: &str = "the path is not UTF-8";

/// No answer, and why.
pub(in crate::output) fn refusal(status: StatusCode, error: &str) -> Response {
    json(status, &job::Refusal { error: error.to_owned() })
}

fn text(body: &impl Serialize) -> serde_json::Result<String> {
    Ok(words::harmless_json(&serde_json::to_string_pretty(body)?) + "\n")
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match text(body) {
        Ok(text) => written(status, text),
        Err(error) => {
            tracing::error!(%error, "writing JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, "writing JSON failed\n").into_response()
        }
    }
}

fn written(status: StatusCode, text: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}
