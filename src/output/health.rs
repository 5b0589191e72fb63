//! Whether to restart the daemon (`/livez`), and whether it has something to say yet (`/readyz`).

use std::time::Duration;

use axum::extract;
use axum::http::StatusCode;

use super::State;

/// The desk judges each second; one that has not for this long hangs. Nothing upstream can cause that: a
/// restart because GitLab is down would lose history exactly when it is needed.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// From here on a first answer that is still missing is told by `source_up`, not by withholding the target
/// from the scraper.
const START_UP: Duration = Duration::from_secs(60);

pub(super) async fn live(extract::State(state): extract::State<State>) -> (StatusCode, String) {
    let age = state.real_time_since(&state.assessment().at);
    if age <= HEARTBEAT {
        (StatusCode::OK, "alive\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("the desk has not judged for {} s\n", age.as_secs()))
    }
}

pub(super) async fn ready(extract::State(state): extract::State<State>) -> (StatusCode, String) {
    let assessment = state.assessment();
    if assessment.complete {
        return (StatusCode::OK, "ready: every source has answered or failed once\n".to_owned());
    }
    let missing: Vec<&str> = assessment
        .sources
        .iter()
        .filter(|source| source.up.is_none())
        .map(|source| source.source.kind.as_str())
        .collect();
    let missing = missing.join(", ");
    if state.real_time_since(&state.started) >= START_UP {
        (StatusCode::OK, format!("ready, without a first answer of: {missing}\n"))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for the first answer of: {missing}\n"))
    }
}
