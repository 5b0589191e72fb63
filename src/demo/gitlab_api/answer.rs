//! Answers and GitLab's ways to refuse.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

/// An answer before it becomes an HTTP response.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn text(status: StatusCode, kind: &str, body: String) -> Self {
        Self { status, headers: vec![(header::CONTENT_TYPE, kind.to_owned())], body }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    /// With GitLab's clock when it answered: the story's, which may run faster than the server's own.
    pub(super) fn at(self, now: Timestamp) -> Self {
        match DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
            Ok(date) => self.with("date", date),
            Err(_) => self,
        }
    }

    /// An ordinary error: `{"message": "…"}`.
    pub(super) fn message(status: StatusCode, message: &str) -> Self {
        Self::json(status, json!({ "message": message }))
    }

    /// An error of a parameter, of paging, or an unknown route: `{"error": "…"}`.
    pub(super) fn error(status: StatusCode, error: &str) -> Self {
        Self::json(status, json!({ "error": error }))
    }

    pub(super) fn unauthorized() -> Self {
        Self::message(StatusCode::UNAUTHORIZED, "401 Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::message(StatusCode::FORBIDDEN, "403 Forbidden")
    }

    pub(super) fn insufficient_scope(accepted: &str) -> Self {
        let description = "The request requires higher privileges than provided by the access token.";
        Self::json(
            StatusCode::FORBIDDEN,
            json!({ "error": "insufficient_scope", "error_description": description, "scope": accepted }),
        )
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::message(StatusCode::NOT_FOUND, &format!("404 {what}Not Found"))
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
