//! A hook, as GitLab sends it.

use jiff::Timestamp;
use serde_json::Value;

use crate::observation::{JobId, JobReport, JobStatus, ProjectId, RunnerId};

use super::job::status;
use super::{before, duration, flag, number, text, time};

/// What a hook says.
#[derive(Debug, Clone, PartialEq)]
pub enum Hook {
    /// A job became pending, was taken, or ended.
    Job(Box<JobReport>),
    /// An event that says nothing about waiting or running.
    Ignored,
}

/// The body of a hook; `None` where it is no event of GitLab.
///
/// A hook never shows the job's own tags (`runner.tags` are the runner's), its times are whole seconds, and the
/// only honest beginning of a wait is `build_queued_duration` before its end: `build_created_at` is the pipeline's.
#[must_use]
pub fn hook(body: &Value) -> Option<Hook> {
    if body.get("object_kind")?.as_str()? != "build" {
        return Some(Hook::Ignored);
    }
    let id = JobId(number(body.get("build_id"))?);
    let status = status(body.get("build_status")?.as_str()?);
    // Created, manual, scheduled and the like: nobody could take it, and it may still become pending.
    if status == JobStatus::Other {
        return Some(Hook::Ignored);
    }
    let queued_for = duration(body, "build_queued_duration");
    let started_at = instant(body, "build_started_at");
    Some(Hook::Job(Box::new(JobReport {
        id,
        project: number(body.get("project_id")).map(ProjectId),
        project_path: body.get("project").and_then(|project| text(project, "path_with_namespace")),
        name: text(body, "build_name").unwrap_or_default(),
        git_ref: text(body, "ref"),
        is_tag: flag(body, "tag"),
        tags: None,
        status,
        stuck: None,
        queued_for,
        queued_at: started_at.zip(queued_for).and_then(|(at, wait)| before(at, wait)),
        started_at,
        finished_at: instant(body, "build_finished_at"),
        runner: body.get("runner").and_then(|runner| number(runner.get("id"))).map(RunnerId),
        failure_reason: text(body, "build_failure_reason").filter(|_| status == JobStatus::Failed),
        takers: None,
    })))
}

/// `KEY_iso`, or what older versions send as `KEY`: `2021-01-13 17:57:05 UTC`.
fn instant(body: &Value, key: &str) -> Option<Timestamp> {
    let older = || format!("{}Z", body.get(key)?.as_str()?.strip_suffix(" UTC")?).parse().ok();
    time(body, &format!("{key}_iso")).or_else(older).or_else(|| time(body, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        serde_json::from_str(include_str!("../../../../tests/fixtures/gitlab/JobHook.json")).unwrap()
    }

    fn with(changes: &[(&str, Value)]) -> Value {
        let mut body = sample();
        for (key, value) in changes {
            body[*key] = value.clone();
        }
        body
    }

    fn job(body: &Value) -> JobReport {
        match hook(body) {
            Some(Hook::Job(job)) => *job,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pending_job() {
        let expected = json!({
            "id": 90215, "project": 812, "project_path": "kelp/reef", "name": "build amd64", "git_ref": "main",
            "is_tag": false, "tags": null, "status": "pending", "stuck": null,
            "queued_for": {"secs": 0, "nanos": 350_000_000}, "queued_at": null,
            "started_at": null, "finished_at": null, "runner": null, "failure_reason": null
        });
        assert_eq!(serde_json::to_value(job(&sample())).unwrap(), expected);
    }

    #[test]
    fn a_failed_job_carries_its_whole_story() {
        let job = job(&with(&[
            ("build_status", json!("failed")),
            ("build_started_at_iso", json!("2031-03-04T05:02:11Z")),
            ("build_finished_at_iso", json!("2031-03-04T05:05:00Z")),
            ("build_queued_duration", json!(60.5)),
            ("build_failure_reason", json!("runner_system_failure")),
            ("runner", json!({"id": 93, "description": "r", "active": true, "tags": ["tier-large"]})),
        ]));
        assert_eq!((job.status, job.runner), (JobStatus::Failed, Some(RunnerId(93))));
        assert_eq!(job.queued_at.unwrap().to_string(), "2031-03-04T05:01:10.5Z");
        assert_eq!(job.finished_at.unwrap().to_string(), "2031-03-04T05:05:00Z");
        assert_eq!(job.failure_reason.as_deref(), Some("runner_system_failure"));
        assert_eq!(job.tags, None, "the runner's tags are not the job's");
    }

    #[test]
    fn times_come_in_two_spellings() {
        let table = [
            (json!("2031-03-04T05:02:11Z"), json!(null), Some("2031-03-04T05:02:11Z")),
            (json!("2031-03-04T07:02:11+02:00"), json!(null), Some("2031-03-04T05:02:11Z")),
            (json!(null), json!("2021-02-23 02:41:37 UTC"), Some("2021-02-23T02:41:37Z")),
            (json!(null), json!("2021-02-23T02:41:37.123Z"), Some("2021-02-23T02:41:37.123Z")),
            (json!(null), json!("2021-02-23 02:41:37 CET"), None),
            (json!("soon"), json!(7), None),
        ];
        for (iso, older, expected) in table {
            let body = with(&[
                ("build_status", json!("running")),
                ("build_started_at_iso", iso),
                ("build_started_at", older.clone()),
            ]);
            assert_eq!(job(&body).started_at.map(|at| at.to_string()).as_deref(), expected, "{older}");
        }
        let mut old =
            with(&[("build_status", json!("running")), ("build_started_at", json!("2021-02-23 02:41:37 UTC"))]);
        old.as_object_mut().unwrap().retain(|key, _| !key.ends_with("_iso"));
        assert!(job(&old).started_at.is_some());
    }

    #[test]
    fn what_says_nothing_about_waiting_is_ignored() {
        for status in ["created", "manual", "scheduled", "skipped", "waiting_for_resource", "preparing", "asleep"] {
            assert_eq!(hook(&with(&[("build_status", json!(status))])), Some(Hook::Ignored), "{status}");
        }
        for kind in ["push", "pipeline", "merge_request", "access_token"] {
            assert_eq!(hook(&json!({ "object_kind": kind })), Some(Hook::Ignored), "{kind}");
        }
    }

    #[test]
    fn what_is_no_event_is_malformed() {
        for body in [
            json!(null),
            json!([]),
            json!({}),
            json!({"object_kind": 7}),
            with(&[("build_id", json!(null))]),
            with(&[("build_status", json!(3))]),
        ] {
            assert_eq!(hook(&body), None, "{body}");
        }
    }

    #[test]
    fn strangers_and_hostile_text_are_borne() {
        let job = job(&with(&[
            ("build_name", json!(format!("\u{1b}[2J{}", "A".repeat(100_000)))),
            ("project", json!("none")),
            ("project_id", json!(-1)),
            ("runner", json!([])),
            ("build_queued_duration", json!(-3)),
            ("tag", json!("yes")),
        ]));
        assert_eq!(job.name.chars().count(), 255);
        assert!(!job.name.contains('\u{1b}'));
        assert_eq!(
            (job.project, job.project_path, job.runner, job.queued_for, job.is_tag),
            (None, None, None, None, None)
        );
    }
}
