//! What is read off an answer beside its rows: why it says no, how long to wait, the server's clock.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::text::{MAX_DETAIL, kept, one_line};

/// A longer `Retry-After` is cut to this: one request a quarter of an hour burdens nobody, and a wrong header
/// must not blind us for a day.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// `Retry-After` in seconds, bounded. GitLab does not send dates in it.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// The server's clock when it answered, to the second.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// GitLab's own limit of requests, for the user whose token asks. Most releases tell it with a refusal only; on good answers it is
/// behind a flag of 18.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Which of its throttles.
    pub(crate) name: Arc<str>,
    /// Requests a minute.
    pub(crate) limit: u64,
    /// Requests that are left in this window.
    pub(crate) remaining: u64,
}

/// The limit that an answer tells of.
pub(crate) fn rate_limit(headers: &HeaderMap) -> Option<RateLimit> {
    let limit = whole(headers, "ratelimit-limit")?;
    let name = headers.get("ratelimit-name").and_then(|name| name.to_str().ok()).unwrap_or("no name given");
    Some(RateLimit { name: kept(name), limit, remaining: remaining(headers)? })
}

/// How many requests are left in the rate limit's window.
pub(crate) fn remaining(headers: &HeaderMap) -> Option<u64> {
    whole(headers, "ratelimit-remaining")
}

fn whole(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// One line that says why, out of the four shapes in which GitLab writes errors and the pages of proxies.
pub(crate) fn detail(body: &[u8], token: &SecretString) -> String {
    let said = match serde_json::from_slice::<Value>(body) {
        Ok(json) => from_json(&json),
        Err(_) => from_text(body),
    };
    let line = one_line(&hide(&said, token), MAX_DETAIL);
    if line.is_empty() { "no reason given".into() } else { line }
}

fn from_json(json: &Value) -> String {
    let mut parts = Vec::new();
    for key in ["error", "error_description", "message", "errors"] {
        if let Some(value) = json.get(key) {
            parts.push(said_in(value));
        }
    }
    if let Some(scope) = json.get("scope").and_then(Value::as_str) {
        parts.push(format!("needs the scope {scope}"));
    }
    parts.join(": ")
}

fn said_in(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().take(3).map(said_in).collect::<Vec<_>>().join("; "),
        Value::Object(map) => map.values().take(3).map(said_in).collect::<Vec<_>>().join("; "),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn from_text(body: &[u8]) -> String {
    // A proxy's page of thousands of lines: the title is all anybody wants.
    let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body)).into_owned();
    let lower = text.to_ascii_lowercase();
    match (lower.find("<title>"), lower.find("</title>")) {
        (Some(start), Some(end)) if start + 7 <= end => text.get(start + 7..end).unwrap_or_default().to_owned(),
        _ if lower.trim_start().starts_with('<') => "a page, not an API answer (a proxy in between?)".into(),
        _ => text,
    }
}

/// A server that echoes requests would print our token into the log.
pub(crate) fn hide(text: &str, token: &SecretString) -> String {
    text.replace(token.expose_secret(), "[token]")
}

/// A body as it came, but for our token: errors of GraphQL come in good answers, and their words are told.
pub(crate) fn without(body: Bytes, token: &SecretString) -> Bytes {
    let text = String::from_utf8_lossy(&body);
    if text.contains(token.expose_secret()) { hide(&text, token).into() } else { body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        detail(body.as_bytes(), &SecretString::from("glpat-canary"))
    }

    #[test]
    fn every_shape_of_error_becomes_one_line() {
        let table = [
            (r#"{"message":"401 Unauthorized"}"#, "401 Unauthorized"),
            (r#"{"error":"scope does not have a valid value"}"#, "scope does not have a valid value"),
            (
                r#"{"error":"insufficient_scope","error_description":"needs more.","scope":"api read_api"}"#,
                "insufficient_scope: needs more.: needs the scope api read_api",
            ),
            (
                r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#,
                "This endpoint has been requested too many times. Try again later.",
            ),
            (r#"{"errors":[{"message":"Invalid token"}]}"#, "Invalid token"),
            ("Retry later\n", "Retry later"),
            ("<html><head><title>502 Bad Gateway</title></head>", "502 Bad Gateway"),
            ("<html><body>x", "a page, not an API answer (a proxy in between?)"),
            ("", "no reason given"),
        ];
        for (body, line) in table {
            assert_eq!(said(body), line);
        }
    }

    #[test]
    fn an_echoed_token_and_control_characters_do_not_pass() {
        assert_eq!(said("token glpat-canary\u{7} is \u{1b}bad"), "token [token]\u{fffd} is \u{fffd}bad");
        assert!(said(&"x".repeat(5000)).chars().count() <= MAX_DETAIL + 1);
        let token = SecretString::from("glpat-canary");
        let body = |body: &'static [u8]| without(Bytes::from_static(body), &token);
        assert_eq!(&*body(b"{\"message\":\"glpat-canary\"}"), b"{\"message\":\"[token]\"}");
        assert_eq!(&*body(b"the end of \xff"), b"the end of \xff");
    }

    #[test]
    fn retry_after_is_bounded_and_dates_are_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "86400".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(MAX_RETRY_AFTER));
        headers.insert(RETRY_AFTER, "soon".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, "Tue, 04 Mar 2031 05:02:11 GMT".parse().unwrap());
        assert_eq!(date(&headers).unwrap().to_string(), "2031-03-04T05:02:11Z");
    }

    #[test]
    fn a_limit_is_told_whole_or_not_at_all() {
        let mut headers = HeaderMap::new();
        let mut told = |name: &'static str, value: &str| {
            headers.insert(name, value.parse().unwrap());
            rate_limit(&headers)
        };
        assert_eq!(told("ratelimit-limit", "2000"), None);
        assert_eq!(told("ratelimit-name", "throttle_authenticated_api"), None);
        assert_eq!(told("ratelimit-remaining", "many"), None);
        let whole = RateLimit { name: "throttle_authenticated_api".into(), limit: 2000, remaining: 40 };
        assert_eq!(told("ratelimit-remaining", "40"), Some(whole));
    }
}
