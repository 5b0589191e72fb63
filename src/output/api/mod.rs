//! The JSON: the same assessment as the page. Durations are numbers of seconds, unknown is `null`.

mod view;

use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{State, words};

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

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(body) {
        Ok(text) => {
            let text = words::harmless_json(&text) + "\n";
            (status, [(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "writing JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, "writing JSON failed\n").into_response()
        }
    }
}
