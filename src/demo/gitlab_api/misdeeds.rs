//! What GitLab does when it does not simply answer.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::answer::Answer;
use crate::clock::Clock;
use crate::demo::faults::Misdeed;

/// The answer given in place of the right one; none when the right one is to be given after all.
pub(super) async fn instead(misdeed: Option<&Misdeed>, clock: &Clock) -> Option<Answer> {
    match misdeed? {
        Misdeed::Throttled(retry_after) => {
            let reset = clock.now().wall.as_second() + i64::from(retry_after.unwrap_or(60));
            let answer = Answer::text(StatusCode::TOO_MANY_REQUESTS, "text/plain", "Retry later\n".to_owned());
            Some(after(limited(answer, 2000, 2001, reset), *retry_after))
        }
        Misdeed::Limited(retry_after) => {
            let words = "This endpoint has been requested too many times. Try again later.";
            let answer = Answer::json(StatusCode::TOO_MANY_REQUESTS, json!({ "message": { "error": words } }));
            Some(after(answer, *retry_after))
        }
        Misdeed::Status(code) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let words = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
            Some(Answer::message(status, &words))
        }
        Misdeed::Proxy(code) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::BAD_GATEWAY);
            let page = format!(
                "<html><body><h1>{} {}</h1></body></html>",
                status.as_u16(),
                status.canonical_reason().unwrap_or("Error")
            );
            Some(Answer::text(status, "text/html", page))
        }
        Misdeed::Slow(millis) => {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
            None
        }
        Misdeed::Hang => std::future::pending().await,
        Misdeed::Garbage => {
            Some(Answer::text(StatusCode::OK, "application/json", "<!DOCTYPE html><p>Sign in".to_owned()))
        }
        Misdeed::Redirect(to) => {
            let answer = Answer::text(StatusCode::FOUND, "text/html", String::new());
            Some(answer.with("location", to.clone()))
        }
        Misdeed::Half | Misdeed::Headroom(..) | Misdeed::ForeignLink(_) => None,
    }
}

fn after(answer: Answer, seconds: Option<u32>) -> Answer {
    match seconds {
        Some(seconds) => answer.with("retry-after", seconds.to_string()),
        None => answer,
    }
}

/// With the headers of the request throttle: so many of a minute's requests were observed, and when it begins anew.
fn limited(answer: Answer, limit: u64, observed: u64, reset: i64) -> Answer {
    answer
        .with("ratelimit-limit", limit.to_string())
        .with("ratelimit-name", "throttle_authenticated_api")
        .with("ratelimit-observed", observed.to_string())
        .with("ratelimit-remaining", limit.saturating_sub(observed).to_string())
        .with("ratelimit-reset", reset.to_string())
}

/// The right answer at this time, spoiled.
pub(super) fn spoiled(answer: Answer, misdeed: Option<&Misdeed>, now: Timestamp) -> Answer {
    let mut answer = answer.at(now);
    match misdeed {
        Some(Misdeed::Half) => {
            let half: String = answer.body.chars().take(answer.body.chars().count() / 2).collect();
            answer.body = half;
        }
        Some(Misdeed::Headroom(limit, left)) => {
            return limited(answer, *limit, limit.saturating_sub(*left), now.as_second() + 60);
        }
        Some(Misdeed::ForeignLink(host)) => {
            for (name, value) in &mut answer.headers {
                if name == "link" {
                    *value = value.replace("http://127.0.0.1", host);
                }
            }
        }
        Some(
            Misdeed::Throttled(_)
            | Misdeed::Limited(_)
            | Misdeed::Status(_)
            | Misdeed::Proxy(_)
            | Misdeed::Slow(_)
            | Misdeed::Hang
            | Misdeed::Garbage
            | Misdeed::Redirect(_),
        )
        | None => {}
    }
    answer
}
