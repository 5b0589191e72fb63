//! The paths, and what every answer has in common.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{State, api, health, page, runbook, scrape};

/// Nothing here waits for another machine: a request that takes longer has met a bug.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// No image, no frame, nothing inline and nothing from elsewhere: text from job names could do nothing even if it
/// got through the escaping. The one script of our own renews the page, and may ask nobody else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn router(state: State) -> Router {
    let pages = Router::new()
        .route("/", get(page::show))
        .route("/tiers/{tier}", get(page::tier))
        .route("/jobs/{id}", get(page::job))
        .route("/boundaries", get(page::boundaries))
        .route("/runbooks/{alert}", get(runbook::show))
        .route(page::STYLE_PATH, get(page::style))
        .route(page::SCRIPT_PATH, get(page::script))
        .route("/metrics", get(scrape::metrics))
        .route("/livez", get(health::live))
        .route("/-/healthy", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/-/ready", get(health::ready));
    api::routes()
        .fold(pages, |router, (path, answer)| router.route(path, answer))
        .fallback(|uri: Uri| async move { refused(&uri, StatusCode::NOT_FOUND, "not found") })
        // Only for what is routed above.
        .method_not_allowed_fallback(|uri: Uri| async move {
            refused(&uri, StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here")
        })
        .layer(middleware::from_fn(in_time))
        .layer(middleware::map_response(with_headers))
        .with_state(state)
}

async fn in_time(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refused(&uri, StatusCode::SERVICE_UNAVAILABLE, "took too long"),
    }
}

/// Who asks for JSON is refused in JSON.
fn refused(uri: &Uri, status: StatusCode, why: &str) -> Response {
    if uri.path() == "/api" || uri.path().starts_with("/api/") {
        api::refusal(status, why)
    } else {
        (status, format!("{why}\n")).into_response()
    }
}

async fn with_headers(mut response: Response) -> Response {
    const COMMON: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    for (name, value) in COMMON {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
