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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::registry::Registry;
    use tokio::sync::watch;

    use super::super::Outputs;
    use super::*;
    use crate::clock::Clock;
    use crate::model::assessment::{Assessment, SourceStatus};
    use crate::observation::{SourceKey, SourceKind};

    fn state(speed: f64) -> (watch::Sender<Arc<Assessment>>, State) {
        let clock = Clock::simulated("2026-03-01T12:00:00Z".parse().unwrap(), speed);
        let (sender, assessment) = watch::channel(Arc::new(judged(&clock, false)));
        let started = clock.now();
        let (enquiries, _) = crate::desk::Enquiries::channel();
        let outputs = Outputs {
            registry: Arc::new(Registry::default()),
            assessment,
            enquiries,
            clock,
            scraped: crate::state::Scraped::default(),
            gitlab: None,
        };
        (sender, State { outputs, started, history: crate::output::history::Kept::default() })
    }

    fn judged(clock: &Clock, complete: bool) -> Assessment {
        let source = SourceStatus {
            source: SourceKey::global(SourceKind::GitlabQueue),
            tiers: vec![],
            up: None,
            last_success: None,
            age: None,
            failure: None,
            note: None,
            objects: None,
        };
        let (tiers, sources) = (vec![], vec![source]);
        Assessment {
            at: clock.now(),
            tiers,
            sources,
            out_of_scope: None,
            coverage: None,
            complete,
            own_token: None,
            secret_failure: None,
            failures: 0,
            unclassified: 0,
            conditions: vec![],
            alerts: vec![],
        }
    }

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn alive_as_long_as_the_desk_judges_also_on_a_fast_clock() {
        for speed in [1.0, 60.0] {
            let (sender, state) = state(speed);
            after(29).await;
            assert_eq!(live(extract::State(state.clone())).await.0, StatusCode::OK);
            after(2).await;
            let (status, words) = live(extract::State(state.clone())).await;
            assert_eq!(
                (status, words.as_str()),
                (StatusCode::SERVICE_UNAVAILABLE, "the desk has not judged for 31 s\n")
            );
            sender.send_replace(Arc::new(judged(&state.outputs.clock, false)));
            assert_eq!(live(extract::State(state)).await.0, StatusCode::OK);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ready_with_the_first_complete_answer() {
        let (sender, state) = state(1.0);
        let (status, words) = ready(extract::State(state.clone())).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(words, "waiting for the first answer of: gitlab_queue\n");
        sender.send_replace(Arc::new(judged(&state.outputs.clock, true)));
        assert_eq!(ready(extract::State(state)).await.0, StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn ready_after_a_minute_whatever_is_missing() {
        let (_sender, state) = state(1.0);
        after(60).await;
        let (status, words) = ready(extract::State(state)).await;
        assert_eq!((status, words.as_str()), (StatusCode::OK, "ready, without a first answer of: gitlab_queue\n"));
    }
}
