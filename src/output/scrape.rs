//! `/metrics`: always answered at once from what is known; a blind source is a level, not an error.

use axum::extract;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use super::State;
use crate::metrics::exposition;

pub(super) async fn metrics(extract::State(state): extract::State<State>, headers: HeaderMap) -> Response {
    let format = exposition::negotiate(&joined(&headers, &ACCEPT));
    let body = match exposition::encode(&state.outputs.registry, format) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "answering a scrape");
            return (StatusCode::INTERNAL_SERVER_ERROR, "encoding the metrics failed\n").into_response();
        }
    };
    // Occurrences that were kept back for this moment may follow: whoever reads this knows what they are added to.
    state.outputs.scraped.happened();
    let head = [(CONTENT_TYPE, format.content_type()), (VARY, "accept, accept-encoding")];
    if exposition::accepts_gzip(&joined(&headers, &ACCEPT_ENCODING))
        && let Some(small) = exposition::gzip(&body)
    {
        return (head, [(CONTENT_ENCODING, "gzip")], small).into_response();
    }
    (head, body).into_response()
}

/// A header that may come on several lines.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    lines.join(",")
}
