//! GitLab's API as far as tierwatch and GitLab's Go client read it: shapes of 19.3, roles, paging, refusals.

pub mod access;
mod answer;
mod graphql;
pub(super) mod hook;
mod misdeeds;
mod paging;
mod rest;
mod shapes;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};

use self::access::Caller;
use self::answer::Answer;
use self::paging::Params;
use super::faults::Operation;
use super::stage::Stage;

/// Longer requests than this no client of ours sends.
const LONGEST_REQUEST: usize = 1 << 20;

/// The API as an axum router; every path goes through one door, so that faults meet all of them.
pub(super) fn router(stage: Arc<Stage>) -> Router {
    Router::new().fallback(door).with_state(stage)
}

async fn door(State(stage): State<Arc<Stage>>, request: Request) -> Response<Body> {
    stage.count_gitlab_request();
    let operation = Operation::of(request.uri().path());
    let misdeed = stage.with(|world| world.faults.of_gitlab(world.now, operation).cloned());
    if let Some(refusal) = misdeeds::instead(misdeed.as_ref(), stage.clock()).await {
        return refusal.into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_REQUEST).await else {
        return Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "413 Request Entity Too Large").into_response();
    };
    let answer = stage.with(|world| {
        let caller = match Caller::of(&parts.headers) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let path = parts.uri.path();
        if path == "/api/graphql" && parts.method == Method::POST {
            return match &caller {
                Some(caller) if !caller.may_read_api() => Answer::insufficient_scope("api read_api"),
                _ => {
                    let body = serde_json::from_slice(&body).unwrap_or_default();
                    Answer::ok(graphql::answer(world, caller.as_ref(), &body))
                }
            };
        }
        let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["api", "v4", rest @ ..] if parts.method == Method::GET => {
                let params = Params::new(format!("{}{path}", world.gitlab_url), parts.uri.query().unwrap_or_default());
                rest::answer(world, caller.as_ref(), rest, &params).unwrap_or_else(|refusal| refusal)
            }
            _ => Answer::error(StatusCode::NOT_FOUND, "404 Not Found"),
        }
    });
    let now = stage.with(|world| world.now);
    misdeeds::spoiled(answer, misdeed.as_ref(), now).into_response()
}

/// A path segment with its percent signs resolved: `harbour%2Fledger` is one segment.
fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}
