//! What GitLab tells by runner: whose queue a job stands in, and what a runner took. Against a small GitLab on loopback.

#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not expect fails it")]

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};
use tierwatch::config::QueueChoice;
use tierwatch::observation::{
    Body, FailureClass, JobId, JobReport, JobStatus, QueueScope, RunnerId, SourceKind, Wishes,
};

mod gitlab_server;
use gitlab_server::{Asked, Bench, Running, Server, error_reply, job, json_reply, refused, reply, rest_job};

const QUEUE: &[SourceKind] = &[SourceKind::GitlabQueue];
const TAKEN: &[SourceKind] = &[SourceKind::GitlabRunnerJobs];

fn wish(running: &Running, runners: &[u64]) {
    let runners: Vec<RunnerId> = runners.iter().copied().map(RunnerId).collect();
    running.wishes.send_replace(Arc::new(Wishes { queues: runners.clone(), runners, ..Wishes::default() }));
}

/// The answer to a `RunnerQueue` document of a token that may read the runner's jobs.
fn queue(nodes: &[Value]) -> Response {
    json_reply(&json!({ "data": {
        "currentUser": {"admin": false},
        "runner": {"id": "gid://gitlab/Ci::Runner/1", "jobs": {"nodes": []}},
        "jobs": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": nodes}
    }}))
}

/// The answer of a GitLab that shows the runner, or not even that, and none of its jobs.
fn hidden(runner: &Value) -> Response {
    json_reply(&json!({ "data": {
        "currentUser": {"admin": false},
        "runner": runner,
        "jobs": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": [job(66, "PENDING")]}
    }}))
}

fn asked_runner(asked: &Asked) -> Option<&str> {
    asked.variable("runner")?.rsplit('/').next()
}

async fn next_queue(running: &mut Running) -> (Vec<u64>, Vec<JobReport>) {
    loop {
        match running.next().await.body {
            Body::RunnerQueues { runners, jobs } => return (runners.into_iter().map(|id| id.0).collect(), jobs),
            Body::Failed(failure) => panic!("{failure:?}"),
            _ => {}
        }
    }
}

fn takers(job: &JobReport) -> Vec<u64> {
    job.takers.iter().flatten().map(|runner| runner.0).collect()
}

#[tokio::test]
async fn each_job_names_the_runners_that_would_take_it() {
    let server = Server::start(|asked| match asked_runner(asked) {
        Some("1") => queue(&[job(12, "PENDING"), job(10, "PENDING")]),
        _ => queue(&[job(12, "PENDING"), job(11, "PENDING")]),
    })
    .await;
    let mut running = Bench::new(&server).source(QueueChoice::Runner, &[]).run(QUEUE);
    wish(&running, &[1, 2]);
    let (runners, jobs) = next_queue(&mut running).await;
    assert_eq!(runners, [1, 2]);
    let told: Vec<_> = jobs.iter().map(|job| (job.id.0, takers(job))).collect();
    assert_eq!(told, [(10, vec![1]), (11, vec![2]), (12, vec![1, 2])]);
    assert!(server.seen().iter().all(|asked| asked.operation() == "RunnerQueue"));
}

#[tokio::test]
async fn a_queue_that_is_not_shown_is_no_empty_one() {
    let seen_without_jobs = json!({"id": "gid://gitlab/Ci::Runner/2", "jobs": null});
    for (what, runner) in [("a deleted runner", Value::Null), ("a runner without its jobs", seen_without_jobs)] {
        let answer = runner.clone();
        let server = Server::start(move |asked| match asked_runner(asked) {
            Some("1") => queue(&[job(10, "PENDING")]),
            _ => hidden(&answer),
        })
        .await;
        let mut running = Bench::new(&server).source(QueueChoice::Runner, &[]).run(QUEUE);
        wish(&running, &[1, 2]);
        let Body::Note(note) = running.next().await.body else { panic!("{what} is told") };
        assert_eq!(note, "the token does not show the queue of the runners 2", "{what}");
        let (runners, jobs) = next_queue(&mut running).await;
        assert_eq!((runners, jobs.len()), (vec![1], 1), "{what}");

        let mut running = Bench::new(&server).source(QueueChoice::Runner, &[]).run(QUEUE);
        wish(&running, &[2]);
        let (_, failure) = running.next_failure().await;
        assert_eq!(failure.class, FailureClass::Blind, "{what}");
        assert!(failure.detail.contains("Maintainer in the group"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn without_any_known_runner_nothing_can_be_read_and_that_is_told() {
    let server = Server::start(|_| queue(&[])).await;
    let (_, failure) = Bench::new(&server).source(QueueChoice::Runner, &[]).run(QUEUE).next_failure().await;
    assert_eq!(failure.class, FailureClass::Blind);
    assert!(failure.detail.contains("gitlab_runners"), "{}", failure.detail);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn auto_reads_by_runner_where_there_are_no_groups_or_too_many_projects() {
    let answer = |asked: &Asked| match (asked.operation(), asked.path.as_str()) {
        ("Jobs", _) => refused(Some(false)),
        ("RunnerQueue", _) => queue(&[job(5, "PENDING")]),
        (_, path) if path.ends_with("/jobs") => json_reply(&json!([rest_job(1, "pending")])),
        _ => {
            let rows: Vec<Value> =
                (1..=90).map(|id| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")})).collect();
            json_reply(&json!(rows))
        }
    };
    for (groups, budget) in [(&[][..], 3000), (&["kelp"][..], 300)] {
        let server = Server::start(answer).await;
        let mut bench = Bench::new(&server).source(QueueChoice::Auto, groups);
        bench.config.requests_per_minute = budget;
        let mut running = bench.run(QUEUE);
        wish(&running, &[1]);
        let note = loop {
            match running.next().await.body {
                Body::Note(note) if note.starts_with("reading the queue runner by runner") => break note,
                Body::RunnerQueues { .. } => panic!("the choice is told first"),
                _ => {}
            }
        };
        assert!(note.contains("shows no job that fits none") && note.contains("read_admin_cicd"), "{note}");
        assert_eq!(next_queue(&mut running).await.0, [1]);
    }
}

#[tokio::test]
async fn auto_stays_with_the_projects_where_a_runner_hides_its_queue() {
    let server = Server::start(|asked| match (asked.operation(), asked_runner(asked)) {
        ("Jobs", _) => refused(Some(false)),
        ("RunnerQueue", Some("1")) => queue(&[]),
        ("RunnerQueue", _) => hidden(&Value::Null),
        _ if asked.path.ends_with("/jobs") => json_reply(&json!([])),
        _ => {
            let rows: Vec<Value> =
                (1..=90).map(|id| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")})).collect();
            json_reply(&json!(rows))
        }
    })
    .await;
    let mut bench = Bench::new(&server).source(QueueChoice::Auto, &["kelp"]);
    bench.config.requests_per_minute = 300;
    let mut running = bench.run(QUEUE);
    wish(&running, &[1, 2]);
    let mut looks = 0;
    while looks < 200 {
        match running.next().await.body {
            Body::Queue { scope: QueueScope::Project(_), .. } => looks += 1,
            Body::RunnerQueues { .. } => panic!("half a queue is none"),
            _ => {}
        }
    }
    let tries = server.seen().iter().filter(|asked| asked.operation() == "RunnerQueue").count();
    assert_eq!(tries, 2, "both are asked for once, and not in every round");
}

#[tokio::test]
async fn running_jobs_are_complete_for_each_runner_that_shows_them() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/v4/runners/1/jobs" => json_reply(&json!([rest_job(7, "running"), rest_job(6, "success")])),
        _ => error_reply(403, "403 Forbidden"),
    })
    .await;
    let mut running = Bench::new(&server).source(QueueChoice::Runner, &[]).run(&[SourceKind::GitlabStarted]);
    wish(&running, &[1, 2]);
    let Body::Running { scope, jobs } = running.next().await.body else { panic!("a list of running jobs") };
    assert_eq!(scope, QueueScope::Runner(RunnerId(1)));
    assert_eq!(jobs.iter().map(|job| (job.id, job.runner)).collect::<Vec<_>>(), [(JobId(7), Some(RunnerId(1)))]);
    assert!(server.seen().iter().all(|asked| asked.query.get("status").is_some_and(|status| status == "running")));
}

/// A row of a runner's jobs, as [`rest_job`] and with the project in full.
fn taken(id: u64, status: &str) -> Value {
    let mut row = rest_job(id, status);
    let row_object = row.as_object_mut().expect("a row is an object");
    row_object.remove("tag_list");
    row_object.remove("runner");
    row_object.insert("project".into(), json!({"id": 12, "path_with_namespace": "kelp/reef"}));
    row
}

async fn next_taken(running: &mut Running) -> JobReport {
    loop {
        match running.next().await.body {
            Body::Job(job) => return *job,
            Body::Alive | Body::Note(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn of_a_runners_jobs_only_what_changed_is_said() {
    let server = Server::start(|asked| {
        json_reply(&match asked.before {
            0 => json!([taken(5, "running"), taken(4, "success")]),
            1 => json!([taken(5, "running"), taken(4, "success")]),
            _ => json!([taken(6, "running"), taken(5, "failed"), taken(4, "success")]),
        })
    })
    .await;
    let mut running = Bench::new(&server).run(TAKEN);
    wish(&running, &[1]);
    let mut said = Vec::new();
    while said.len() < 4 {
        let job = next_taken(&mut running).await;
        assert_eq!((job.runner, job.project_path.as_deref()), (Some(RunnerId(1)), Some("kelp/reef")));
        assert_eq!(job.tags, None, "this list does not tell them");
        said.push((job.id.0, job.status));
    }
    let expected = [(4, JobStatus::Success), (5, JobStatus::Running), (5, JobStatus::Failed), (6, JobStatus::Running)];
    assert_eq!(said, expected);
}

/// Jobs up to `newest`, a hundred a page.
fn page_of(asked: &Asked, newest: u64) -> Response {
    let page: u64 = asked.query.get("page").map_or(1, |page| page.parse().expect("a number"));
    let newest = newest - (page - 1) * 100;
    let rows: Vec<Value> = (newest - 99..=newest).rev().map(|id| taken(id, "success")).collect();
    reply(200, &[("x-next-page", &(page + 1).to_string())], json!(rows).to_string())
}

#[tokio::test]
async fn a_burst_is_read_back_to_what_was_told_before_and_the_past_is_not() {
    let server = Server::start(|asked| page_of(asked, if asked.before == 0 { 1000 } else { 1250 })).await;
    let mut running = Bench::new(&server).run(TAKEN);
    wish(&running, &[1]);
    let mut said = Vec::new();
    while said.len() < 100 {
        said.push(next_taken(&mut running).await.id.0);
    }
    assert_eq!(said, (901..=1000).collect::<Vec<_>>(), "the first look reads one page");
    said.clear();
    while said.len() < 300 {
        said.push(next_taken(&mut running).await.id.0);
    }
    // The third page, 951 to 1050, begins with new ones; the fourth holds none that is younger than the first look.
    assert_eq!(said[..50], (851..=900).collect::<Vec<_>>());
    assert_eq!(said[50..], (1001..=1250).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_runner_that_hides_its_jobs_is_told_and_left_alone() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/v4/runners/1/jobs" => json_reply(&json!([taken(asked.before as u64, "success")])),
        _ => error_reply(403, "403 Forbidden"),
    })
    .await;
    let mut running = Bench::new(&server).run(TAKEN);
    wish(&running, &[1, 2]);
    let mut last = Duration::ZERO;
    while last < Duration::from_secs(600) {
        let heard = running.next().await;
        assert!(!matches!(heard.body, Body::Failed(_)), "{heard:?}");
        if let Body::Note(note) = &heard.body {
            assert!(note.starts_with("the token does not show the jobs of 1 of 2 runners: 2;"), "{note}");
        }
        last = heard.at.mono;
    }
    assert_eq!(server.seen().iter().filter(|asked| asked.path.contains("/2/")).count(), 1);
}
