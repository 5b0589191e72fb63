//! Jobs, as REST and as GraphQL show them.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::observation::{JobId, JobReport, JobStatus, ProjectId, RunnerId};

use super::{before, duration, flag, number, tags, text, time};

/// A node of the root field `jobs`. `date` is the server's clock when it answered.
#[must_use]
pub fn job_from_graphql(node: &Value, date: Option<Timestamp>) -> Option<JobReport> {
    let project = node.get("project");
    let mut report = common(node, date, "createdByTag", "tags", ["queuedDuration", "startedAt", "finishedAt"])?;
    report.project = project.and_then(|p| number(p.get("id"))).map(ProjectId);
    report.project_path = project.and_then(|p| text(p, "fullPath"));
    report.git_ref = text(node, "refName");
    report.stuck = flag(node, "stuck");
    report.queued_at = time(node, "queuedAt").or(report.queued_at);
    Some(report)
}

/// A row of `GET /projects/:id/jobs`, or the answer of `GET /projects/:id/jobs/:job_id`. REST shows no
/// `queued_at`: it is told from `queued_duration`.
#[must_use]
pub fn job_from_rest(row: &Value, project_path: Option<&Arc<str>>, date: Option<Timestamp>) -> Option<JobReport> {
    let mut report = common(row, date, "tag", "tag_list", ["queued_duration", "started_at", "finished_at"])?;
    report.project = number(row.pointer("/pipeline/project_id")).map(ProjectId);
    report.project_path = project_path.cloned();
    report.git_ref = text(row, "ref");
    report.failure_reason = text(row, "failure_reason").filter(|_| report.status == JobStatus::Failed);
    if report.started_at.is_none() && matches!(report.status, JobStatus::Failed | JobStatus::Canceled) {
        // Nobody took it: GitLab goes on counting its wait, as that of a pending one.
        report.queued_at = date.zip(report.queued_for).and_then(|(at, wait)| before(at, wait));
    }
    Some(report)
}

/// A row of `GET /runners/:id/jobs`: it tells its project in full, and neither its tags nor its runner.
#[must_use]
pub fn job_from_runner(row: &Value, runner: RunnerId, date: Option<Timestamp>) -> Option<JobReport> {
    let path = row.get("project").and_then(|project| text(project, "path_with_namespace"));
    let report = job_from_rest(row, path.as_ref(), date)?;
    let project = number(row.pointer("/project/id")).map(ProjectId);
    Some(JobReport { project: project.or(report.project), runner: Some(runner), ..report })
}

fn common(
    row: &Value,
    date: Option<Timestamp>,
    is_tag: &str,
    tag_list: &str,
    [wait, start, end]: [&str; 3],
) -> Option<JobReport> {
    let status = status(row.get("status").and_then(Value::as_str).unwrap_or_default());
    let queued_for = duration(row, wait);
    let started_at = time(row, start);
    // The wait of a pending job still grows: it ends at the answer. That of a started one ended at its start.
    let wait_ended = match status {
        JobStatus::Pending => date,
        JobStatus::Running | JobStatus::Success | JobStatus::Failed | JobStatus::Canceled | JobStatus::Other => {
            started_at
        }
    };
    Some(JobReport {
        id: JobId(number(row.get("id"))?),
        project: None,
        project_path: None,
        name: text(row, "name").unwrap_or_default(),
        git_ref: None,
        is_tag: flag(row, is_tag),
        tags: tags(row, tag_list),
        status,
        stuck: None,
        queued_for,
        queued_at: wait_ended.zip(queued_for).and_then(|(at, wait)| before(at, wait)),
        started_at,
        finished_at: time(row, end),
        runner: row.get("runner").and_then(|runner| number(runner.get("id"))).map(RunnerId),
        failure_reason: None,
        takers: None,
    })
}

pub(super) fn status(text: &str) -> JobStatus {
    match text.to_ascii_lowercase().as_str() {
        "pending" => JobStatus::Pending,
        "running" => JobStatus::Running,
        "success" => JobStatus::Success,
        "failed" => JobStatus::Failed,
        "canceled" | "canceling" => JobStatus::Canceled,
        _ => JobStatus::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn date() -> Option<Timestamp> {
        Some("2031-03-04T05:02:11Z".parse().unwrap())
    }

    fn samples() -> Vec<JobReport> {
        let rows: Vec<Value> =
            serde_json::from_str(include_str!("../../../../tests/fixtures/gitlab/JobList.json")).unwrap();
        let path: Arc<str> = "kelp/reef".into();
        rows.iter().map(|row| job_from_rest(row, Some(&path), date()).unwrap()).collect()
    }

    #[test]
    fn a_pending_job_of_rest() {
        let expected = json!({
            "id": 90215, "project": 812, "project_path": "kelp/reef", "name": "build amd64", "git_ref": "main",
            "is_tag": false, "tags": ["docker", "tier-large"], "status": "pending", "stuck": null,
            "queued_for": {"secs": 61, "nanos": 400_000_000}, "queued_at": "2031-03-04T05:01:09.6Z",
            "started_at": null, "finished_at": null, "runner": null, "failure_reason": null
        });
        assert_eq!(serde_json::to_value(&samples()[0]).unwrap(), expected);
    }

    #[test]
    fn a_failed_job_of_rest_was_queued_before_its_start() {
        let job = &samples()[2];
        assert_eq!(job.status, JobStatus::Failed);
        assert_eq!(job.queued_at.unwrap().to_string(), "2031-03-04T05:01:11.25Z");
        assert_eq!(job.runner, Some(RunnerId(93)));
        assert_eq!(job.failure_reason.as_deref(), Some("runner_system_failure"));
    }

    #[test]
    fn the_wait_of_a_job_that_nobody_took_is_counted_on() {
        let row = json!({"id": 7, "status": "canceled", "queued_duration": 71.0, "started_at": null});
        let job = job_from_rest(&row, None, date()).unwrap();
        assert_eq!(job.queued_at.unwrap().to_string(), "2031-03-04T05:01:00Z");
        let started =
            json!({"id": 7, "status": "canceled", "queued_duration": 71.0, "started_at": "2031-03-04T05:02:11Z"});
        assert_eq!(job_from_rest(&started, None, None).unwrap().queued_at, job.queued_at);
    }

    #[test]
    fn a_job_without_tags_has_known_tags() {
        assert_eq!(samples()[1].tags.as_deref(), Some(&[][..]));
    }

    fn node() -> Value {
        json!({
            "id": "gid://gitlab/Ci::Build/7", "name": "build", "status": "PENDING", "stuck": true,
            "tags": ["tier-standard"], "queuedAt": "2031-03-04T05:01:00Z", "queuedDuration": 71.0,
            "startedAt": null, "finishedAt": null, "refName": "v1", "createdByTag": true, "runner": null,
            "project": {"id": "gid://gitlab/Project/12", "fullPath": "kelp/reef"}, "surprise": {"a": 1}
        })
    }

    #[test]
    fn a_node_of_graphql() {
        let job = job_from_graphql(&node(), date()).unwrap();
        assert_eq!((job.id, job.project), (JobId(7), Some(ProjectId(12))));
        assert_eq!((job.is_tag, job.stuck), (Some(true), Some(true)));
        assert_eq!(job.queued_for, Some(Duration::from_secs(71)));
        assert_eq!(job.queued_at.unwrap().to_string(), "2031-03-04T05:01:00Z");
    }

    #[test]
    fn with_minimal_access_the_queue_time_is_told_from_the_wait() {
        let mut hidden = node();
        hidden["queuedAt"] = Value::Null;
        let job = job_from_graphql(&hidden, date()).unwrap();
        assert_eq!(job.queued_at.unwrap().to_string(), "2031-03-04T05:01:00Z");
        // Running, and its start is hidden: when the wait ended is not known.
        hidden["status"] = json!("RUNNING");
        hidden["runner"] = json!({ "id": "gid://gitlab/Ci::Runner/93" });
        let job = job_from_graphql(&hidden, date()).unwrap();
        assert_eq!((job.queued_at, job.started_at, job.runner), (None, None, Some(RunnerId(93))));
        assert_eq!(job_from_graphql(&node(), None).unwrap().queued_at.unwrap().to_string(), "2031-03-04T05:01:00Z");
    }

    #[test]
    fn nulls_and_strangers_are_tolerated() {
        let bare = job_from_graphql(&json!({"id": "gid://gitlab/Ci::Build/8", "status": "ASLEEP"}), None).unwrap();
        assert_eq!((bare.status, &*bare.name, bare.tags), (JobStatus::Other, "", None));
        assert!(job_from_graphql(&json!({"id": null, "name": "x"}), None).is_none());
        assert!(job_from_rest(&json!("text"), None, None).is_none());
        let odd = json!({"id": 9, "status": 3, "name": 5, "tag_list": {"a": 1}, "queued_duration": -4,
            "pipeline": null, "runner": [], "started_at": "yesterday", "ref": ""});
        let odd = job_from_rest(&odd, None, date()).unwrap();
        assert_eq!((odd.queued_for, odd.started_at, odd.git_ref), (None, None, None));
    }

    #[test]
    fn hostile_names_are_bounded() {
        let mut hostile = node();
        hostile["name"] = json!(format!("\u{1b}[2J{}", "A".repeat(100_000)));
        hostile["tags"] = json!(["a\"} 1\nfake_metric 2"]);
        let job = job_from_graphql(&hostile, date()).unwrap();
        assert_eq!(job.name.chars().count(), 255);
        assert!(!job.name.contains('\u{1b}'));
        assert_eq!(&*job.tags.unwrap()[0], "a\"} 1\u{fffd}fake_metric 2");
    }
}
