//! From GitLab's JSON to our words: pure functions that judge nothing and believe little.
//!
//! Whatever is absent, null, of another type or out of bounds becomes `None`; a row without an id is no row.
//! Unknown keys are ignored and unknown enum values become `Other`, since GitLab adds both every month.

mod hook;
mod job;
mod log;
mod runner;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::observation::{ProjectId, ProjectReport};

use super::text::kept;

pub use hook::{Hook, hook};
pub use job::{job_from_graphql, job_from_rest, job_from_runner};
pub use log::given_up;
pub use runner::{
    managers_from_rest, more_projects_than_shown, own_token_from_rest, runner_from_graphql, runner_from_rest,
};

/// Tags kept of a job or a runner. GitLab allows a runner 50: a job with more can match none, and keeps enough
/// of them to match none here.
const MAX_TAGS: usize = 64;

/// A longer wait is a broken clock, not a queue: GitLab gives a pending job up after a day.
const MAX_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

/// A row of `GET /groups/:id/projects`.
#[must_use]
pub fn project_from_rest(row: &Value) -> Option<ProjectReport> {
    Some(ProjectReport { id: ProjectId(number(row.get("id"))?), path: text(row, "path_with_namespace")? })
}

/// When something last happened in the project of such a row: pushes and comments, told to the hour; not jobs.
#[must_use]
pub fn last_activity_from_rest(row: &Value) -> Option<Timestamp> {
    time(row, "last_activity_at")
}

/// The name pattern of a row of `GET /projects/:id/protected_branches` or `…/protected_tags`.
#[must_use]
pub fn ref_pattern_from_rest(row: &Value) -> Option<Arc<str>> {
    text(row, "name")
}

/// The nodes of a GraphQL connection and how many of them GitLab hid from us.
#[must_use]
pub fn nodes(connection: &Value) -> (Vec<&Value>, usize) {
    let all = connection.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<&Value> = all.iter().filter(|node| node.is_object()).collect();
    let hidden = all.len() - shown.len();
    (shown, hidden)
}

/// The number of an id: plain, as a string, or at the end of a global id such as `gid://gitlab/Ci::Build/7`.
pub(crate) fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.rsplit('/').next()?.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(row: &Value, key: &str) -> Option<Arc<str>> {
    row.get(key)?.as_str().filter(|text| !text.is_empty()).map(kept)
}

fn flag(row: &Value, key: &str) -> Option<bool> {
    row.get(key)?.as_bool()
}

fn time(row: &Value, key: &str) -> Option<Timestamp> {
    row.get(key)?.as_str()?.parse().ok()
}

/// Seconds, fractional, as a number or a string; never negative, never absurd.
fn duration(row: &Value, key: &str) -> Option<Duration> {
    let seconds = match row.get(key)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    if (0.0..=MAX_SECONDS).contains(&seconds) { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

fn tags(row: &Value, key: &str) -> Option<Vec<Arc<str>>> {
    let tags = row.get(key)?.as_array()?;
    Some(tags.iter().filter_map(Value::as_str).take(MAX_TAGS).map(kept).collect())
}

/// `at − back`, where that is a date.
fn before(at: Timestamp, back: Duration) -> Option<Timestamp> {
    at.checked_sub(SignedDuration::try_from(back).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_come_in_three_spellings() {
        let table = [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!("gid://gitlab/Ci::Build/90215"), Some(90215)),
            (json!("gid://gitlab/Ci::Build/"), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(null), None),
            (json!({}), None),
        ];
        for (value, expected) in table {
            assert_eq!(number(Some(&value)), expected, "{value}");
        }
    }

    #[test]
    fn absurd_durations_are_refused() {
        let table = [
            (json!(61.4), Some(Duration::from_millis(61_400))),
            (json!("12.5"), Some(Duration::from_millis(12_500))),
            (json!(0), Some(Duration::ZERO)),
            (json!(-0.5), None),
            (json!(1e300), None),
            (json!("NaN"), None),
            (json!(null), None),
            (json!([]), None),
        ];
        for (value, expected) in table {
            assert_eq!(duration(&json!({ "d": value }), "d"), expected, "{value}");
        }
    }

    #[test]
    fn tags_are_bounded_in_number_and_length() {
        let many: Vec<String> = (0..1000).map(|n| format!("{n}{}", "x".repeat(1000))).collect();
        let kept = tags(&json!({ "t": many }), "t").unwrap();
        assert_eq!(kept.len(), MAX_TAGS);
        assert!(kept.iter().all(|tag| tag.chars().count() == 255));
        assert_eq!(tags(&json!({ "t": null }), "t"), None);
        assert_eq!(tags(&json!({ "t": [null, 3, "a"] }), "t").unwrap(), vec![Arc::from("a")]);
    }

    /// Any JSON, with the keys that translation looks for.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!("gid://gitlab/Ci::Build/7")),
            Just(json!("9999-12-31T23:59:59Z")),
            Just(json!("PENDING")),
            Just(json!("PROJECT_TYPE")),
            Just(json!("paused")),
        ];
        let key = prop::sample::select(vec![
            "id",
            "status",
            "name",
            "tags",
            "tag_list",
            "tagList",
            "queuedDuration",
            "queued_duration",
            "queuedAt",
            "startedAt",
            "started_at",
            "runner",
            "project",
            "pipeline",
            "project_id",
            "nodes",
            "managers",
            "groups",
            "projects",
            "runnerType",
            "runner_type",
            "online",
            "web_url",
            "system_id",
            "systemId",
            "fullPath",
        ]);
        leaf.prop_recursive(4, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_that_gitlab_may_send_is_too_much(value in anything()) {
            let now = Some(Timestamp::MIN);
            for job in [job_from_graphql(&value, now), job_from_rest(&value, None, now)].into_iter().flatten() {
                prop_assert!(job.name.chars().count() <= 255);
                prop_assert!(!job.name.chars().any(char::is_control));
                prop_assert!(job.queued_for.is_none_or(|wait| wait.as_secs_f64() <= MAX_SECONDS));
            }
            for runner in [runner_from_graphql(&value), runner_from_rest(&value)].into_iter().flatten() {
                prop_assert!(runner.tags.len() <= MAX_TAGS);
            }
            let _own = own_token_from_rest(&value);
            let _rest = (managers_from_rest(&value), project_from_rest(&value), ref_pattern_from_rest(&value));
        }
    }

    #[test]
    fn hidden_nodes_are_counted() {
        let connection = json!({ "nodes": [null, { "id": 1 }, null] });
        let (shown, hidden) = nodes(&connection);
        assert_eq!((shown.len(), hidden), (1, 2));
        assert_eq!(nodes(&json!({ "nodes": null })).1, 0);
        assert_eq!(nodes(&json!(null)).1, 0);
    }
}
