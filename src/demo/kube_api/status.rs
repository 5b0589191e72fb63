//! `Status` objects.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Target, raw_answer, words};

pub(super) fn object(code: StatusCode, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code.as_u16() })
}

pub(super) fn refuse(code: StatusCode, reason: &str, message: &str) -> Response<Body> {
    let mut response = raw_answer(object(code, reason, message).to_string());
    *response.status_mut() = code;
    response
}

pub(super) fn forbidden(target: &Target, verb: &str) -> Response<Body> {
    let (group, plural, _) = words(target.resource);
    let namespace = target.namespace.as_deref().or(target.name.as_deref()).unwrap_or_default();
    let message = format!(
        "{plural} is forbidden: User \"tierwatch\" cannot {verb} resource \"{plural}\" in API group \"{group}\" in the namespace \"{namespace}\""
    );
    refuse(StatusCode::FORBIDDEN, "Forbidden", &message)
}

pub(super) fn not_found(target: &Target, name: &str) -> Response<Body> {
    let (_, plural, _) = words(target.resource);
    refuse(StatusCode::NOT_FOUND, "NotFound", &format!("{plural} \"{name}\" not found"))
}

pub(super) fn expired() -> Value {
    object(StatusCode::GONE, "Expired", "too old resource version")
}
