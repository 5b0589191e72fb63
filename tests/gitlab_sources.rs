//! Running jobs, look-ups, protected refs and runners against a small GitLab on loopback.

#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not expect fails it")]

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};
use tierwatch::config::QueueChoice;
use tierwatch::observation::{
    Body, FailureClass, JobId, JobStatus, LookUp, ProjectId, RunnerId, RunnerReport, RunnerScope, RunnerStatus,
    SourceKind, Wishes,
};

mod gitlab_server;
use gitlab_server::{Bench, Server, error_reply, job, jobs, json_reply, refused, reply, rest_job};

const DETAILS: &str = include_str!("fixtures/gitlab/RunnerDetails.json");
const MANAGERS: &str = include_str!("fixtures/gitlab/RunnerManagerList.json");

fn look_ups(ids: &[u64]) -> Arc<Wishes> {
    let look_ups = ids.iter().map(|id| LookUp { job: JobId(*id), project: ProjectId(12) }).collect();
    Arc::new(Wishes { look_ups, ..Wishes::default() })
}

fn refs_of(projects: &[u64]) -> Arc<Wishes> {
    Arc::new(Wishes { protected_refs: projects.iter().copied().map(ProjectId).collect(), ..Wishes::default() })
}

#[tokio::test]
async fn running_jobs_keep_what_minimal_access_hides_unknown() {
    let server = Server::start(|asked| {
        assert_eq!(asked.status(), "RUNNING");
        let mut full = job(1, "RUNNING");
        full["startedAt"] = json!("2031-03-04T05:02:00Z");
        full["runner"] = json!({"id": "gid://gitlab/Ci::Runner/93"});
        jobs(&[full, job(2, "RUNNING")], None)
    })
    .await;
    let mut running = Bench::new(&server).run(&[SourceKind::GitlabStarted]);
    let Body::Running { jobs, .. } = running.next().await.body else { panic!() };
    assert_eq!(jobs[0].runner, Some(RunnerId(93)));
    assert_eq!(jobs[0].queued_at.unwrap().to_string(), "2031-03-04T05:01:00Z");
    assert_eq!((jobs[1].started_at, jobs[1].queued_at), (None, None));
}

#[tokio::test]
async fn running_jobs_of_a_blind_token_are_not_none() {
    let server = Server::start(|_| refused(Some(false))).await;
    let (_, failure) = Bench::new(&server).run(&[SourceKind::GitlabStarted]).next_failure().await;
    assert_eq!(failure.class, FailureClass::Blind);
}

#[tokio::test]
async fn a_job_is_looked_up_once_in_a_while_and_a_hidden_one_is_not_found() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/v4/projects/12/jobs/7" => json_reply(&rest_job(7, "success")),
        "/api/v4/projects/12/jobs/8" => error_reply(404, "404 Not found"),
        "/api/v4/projects/12/jobs/9" => error_reply(403, "403 Forbidden"),
        _ => json_reply(&json!([])),
    })
    .await;
    let mut running = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(&[SourceKind::GitlabStarted]);
    running.wishes.send(look_ups(&[7, 7, 8, 9])).unwrap();
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(running.next().await);
    }
    let mut first: Vec<String> = heard[..3]
        .iter()
        .map(|o| match &o.body {
            Body::Job(job) => format!("{} {:?} {:?}", job.id, job.status, job.project),
            Body::JobNotFound(id) => format!("{id} not found"),
            other => panic!("{other:?}"),
        })
        .collect();
    first.sort();
    assert_eq!(
        first,
        [format!("7 {:?} {:?}", JobStatus::Success, Some(ProjectId(12))), "8 not found".into(), "9 not found".into()]
    );
    // The wish stands: asked again, but not before half a minute has passed.
    let gap = heard[3].at.since(&heard[2].at).as_secs();
    assert!(gap >= 28, "{gap} s");
}

#[tokio::test]
async fn a_long_list_of_running_jobs_rests_and_look_ups_go_on_meanwhile() {
    let server = Server::start(|asked| {
        if asked.path == "/api/graphql" {
            let page: u64 = asked.variable("after").map_or(0, |after| after.parse().unwrap());
            let next = (page < 11).then(|| (page + 1).to_string());
            return jobs(&[job(page + 100, "RUNNING")], next.as_deref());
        }
        json_reply(&rest_job(7, "success"))
    })
    .await;
    let mut bench = Bench::new(&server);
    // 6 of the 30 requests of an interval are for the list: 12 pages take two intervals, in one of which it rests.
    bench.config.requests_per_minute = 120;
    let mut running = bench.run(&[SourceKind::GitlabStarted]);
    running.wishes.send(look_ups(&[7])).unwrap();
    let mut heard = Vec::new();
    while heard.iter().filter(|body| **body == "list").count() < 3 {
        heard.push(match running.next().await.body {
            Body::Running { jobs, .. } if jobs.len() == 12 => "list",
            Body::Period(Some(period)) if period.as_secs() == 30 => "period",
            Body::Job(_) => "look-up",
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(heard[..2], ["list", "period"]);
    assert!(heard.contains(&"look-up"), "{heard:?}");
    let lists = server.seen().iter().filter(|asked| asked.path == "/api/graphql").count();
    assert_eq!(lists, 36, "{heard:?}");
}

#[tokio::test]
async fn look_ups_stay_within_their_part_of_the_budget() {
    let server = Server::start(|asked| {
        let id = asked.path.rsplit('/').next().unwrap().parse().unwrap();
        json_reply(&rest_job(id, "success"))
    })
    .await;
    let mut bench = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]);
    bench.config.requests_per_minute = 200;
    let mut running = bench.run(&[SourceKind::GitlabStarted]);
    running.wishes.send(look_ups(&(1..=25).collect::<Vec<_>>())).unwrap();
    let mut at = Vec::new();
    for _ in 0..25 {
        at.push(running.next().await.at.mono);
    }
    // 200 a minute × 15 s × 0.2 = 10 a round: the most urgent first.
    assert!((at[10] - at[9]).as_secs() >= 10 && (at[20] - at[19]).as_secs() >= 10, "{at:?}");
    let first: Vec<String> = server.seen()[..10].iter().map(|asked| asked.path.clone()).collect();
    assert!(
        first.contains(&"/api/v4/projects/12/jobs/1".to_owned())
            && !first.contains(&"/api/v4/projects/12/jobs/11".to_owned())
    );
}

#[tokio::test]
async fn an_answer_about_another_job_is_not_believed() {
    let server = Server::start(|_| json_reply(&rest_job(666, "success"))).await;
    let mut running = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(&[SourceKind::GitlabStarted]);
    running.wishes.send(look_ups(&[7])).unwrap();
    assert_eq!(running.next_failure().await.1.class, FailureClass::Decode);
}

#[tokio::test]
async fn protected_refs_are_read_when_wished_and_kept() {
    let server = Server::start(|asked| match (asked.path.as_str(), asked.query.contains_key("page")) {
        ("/api/v4/projects/1/protected_branches", false) => {
            reply(200, &[("x-next-page", "2")], json!([{"id": 1, "name": "main"}]).to_string())
        }
        ("/api/v4/projects/1/protected_branches", true) => {
            json_reply(&json!([{"id": 2, "name": "release/*"}, {"id": 3, "name": null}]))
        }
        ("/api/v4/projects/2/protected_branches", _) => json_reply(&json!([])),
        ("/api/v4/projects/2/protected_tags", _) => json_reply(&json!([{"name": "v*"}])),
        _ => error_reply(403, "403 Forbidden"),
    })
    .await;
    let mut bench = Bench::new(&server);
    bench.speed = 600.0;
    let mut running = bench.run(&[SourceKind::GitlabRefs]);
    assert_eq!(running.next().await.body, Body::Alive, "nothing to ask is not silence");
    running.wishes.send(refs_of(&[1, 2, 3])).unwrap();
    let mut refs = Vec::new();
    while refs.len() < 3 {
        if let Body::ProtectedRefs(one) = running.next().await.body {
            refs.push(one);
        }
    }
    let shown = |list: &Option<Vec<Arc<str>>>| list.as_ref().map(|list| list.join(" "));
    let seen: Vec<_> = refs.iter().map(|one| (one.project.0, shown(&one.branches), shown(&one.tags))).collect();
    assert_eq!(
        seen,
        [(1, Some("main release/*".into()), None), (2, Some(String::new()), Some("v*".into())), (3, None, None),]
    );
    let asked = server.seen().len();
    // Known now: half an hour long nothing is asked, however often it is wished.
    running.wishes.send(refs_of(&[1, 2, 3])).unwrap();
    let started = running.next().await.at;
    let again = loop {
        let heard = running.next().await;
        if matches!(heard.body, Body::ProtectedRefs(_)) {
            break heard;
        }
        assert_eq!(server.seen().len().min(asked), asked);
    };
    assert!(again.at.since(&started).as_secs() > 1600, "{:?}", again.at.since(&started));
}

fn logs_of(ids: &[u64]) -> Arc<Wishes> {
    Arc::new(Wishes { logs: look_ups(ids).look_ups.clone(), ..Wishes::default() })
}

#[tokio::test]
async fn of_a_log_only_the_line_that_gave_the_job_up_is_said() {
    let server = Server::start(|asked| {
        let log = |end: &str| {
            reply(200, &[("content-type", "text/plain")], format!("{}{end}", "secret output\n".repeat(5000)))
        };
        match asked.path.as_str() {
            "/api/v4/projects/12/jobs/7/trace" => {
                log("\u{1b}[31;1mERROR: Job failed (system failure): prepare environment: no\u{1b}[0;m\n")
            }
            "/api/v4/projects/12/jobs/8/trace" => log("ERROR: Job failed: exit code 1\n"),
            "/api/v4/projects/12/jobs/9/trace" => error_reply(403, "403 Forbidden"),
            // Longer than an answer may be.
            "/api/v4/projects/12/jobs/10/trace" => reply(200, &[], vec![b'x'; 2 << 20]),
            _ => error_reply(404, "404 Not found"),
        }
    })
    .await;
    let mut running = Bench::new(&server).run(&[SourceKind::GitlabJobLogs]);
    assert_eq!(running.next().await.body, Body::Alive, "nothing to ask is not silence");
    running.wishes.send(logs_of(&[7, 8, 9, 10, 7])).unwrap();
    let mut said = Vec::new();
    while said.len() < 5 {
        match running.next().await.body {
            Body::JobLog(log) => said.push(format!("{} {:?}", log.job, log.given_up)),
            Body::Note(note) => said.push(note),
            Body::Alive => {}
            other => panic!("{other:?}"),
        }
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    7 Some("prepare environment: no")
    8 None
    the token may not read the logs of some jobs: its user needs the role Reporter in their projects, Developer where a job ran with debug logging
    9 None
    10 None
    "#);
    // The wish stands, as until the desk takes it back, and is not asked for again.
    assert_eq!(running.next_of(SourceKind::GitlabJobLogs).await.body, Body::Alive);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_once_and_not_for_each_job() {
    let refusal = json!({"error": "insufficient_scope", "error_description": "The request requires higher privileges than \
        provided by the access token.", "scope": "api read_api"});
    let server = Server::start(move |_| reply(403, &[], refusal.to_string())).await;
    let mut running = Bench::new(&server).run(&[SourceKind::GitlabJobLogs]);
    running.wishes.send(logs_of(&(1..=20).collect::<Vec<_>>())).unwrap();
    let (first, failure) = running.next_failure().await;
    assert_eq!(failure.class, FailureClass::Forbidden);
    let (second, _) = running.next_failure().await;
    assert!(second.at.since(&first.at).as_secs() >= 590, "{:?}", second.at.since(&first.at));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_log_is_asked_for_by_its_end() {
    let server = Server::start(|asked| match asked.range.as_deref() {
        Some("bytes=-16384") => reply(206, &[("content-range", "bytes 0-9/10")], "Job failed (system failure): short"),
        other => panic!("{other:?}"),
    })
    .await;
    let mut running = Bench::new(&server).run(&[SourceKind::GitlabJobLogs]);
    running.wishes.send(logs_of(&[7])).unwrap();
    let log = loop {
        if let Body::JobLog(log) = running.next().await.body {
            break log;
        }
    };
    assert_eq!(log.given_up.as_deref(), Some("short"));
}

fn runner(id: u64, kind: &str) -> Value {
    json!({
        "id": format!("gid://gitlab/Ci::Runner/{id}"), "description": format!("runner {id}"), "shortSha": "Ab12Cd34",
        "runnerType": kind, "status": "ONLINE", "paused": false, "locked": null, "accessLevel": "REF_PROTECTED",
        "runUntagged": false, "tagList": ["tier-standard"], "contactedAt": null, "createdAt": null,
        "tokenExpiresAt": null, "projectCount": 2, "ownerProject": {"fullPath": "kelp/reef"},
        "groups": {"nodes": [{"fullPath": "kelp"}]}, "managers": {"nodes": null}
    })
}

fn page(at: &str, nodes: &[Value], next: Option<&str>) -> Response {
    let list = json!({"pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}, "nodes": nodes});
    let data = if at == "group" { json!({ "group": {"runners": list} }) } else { json!({ "runners": list }) };
    json_reply(&json!({ "data": data }))
}

fn no_rights(field: &str) -> Response {
    json_reply(&json!({"data": {field: null}, "errors": [{"path": [field], "message": "you don't have permission"}]}))
}

async fn runners_of(bench: Bench) -> (Vec<RunnerReport>, Vec<String>) {
    let mut running = bench.run(&[SourceKind::GitlabRunners]);
    let mut notes = Vec::new();
    loop {
        match running.next().await.body {
            Body::Runners(runners) => return (runners, notes),
            Body::Note(note) => notes.push(note),
            // With the runners it also says what the token itself may do.
            Body::ApiToken(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_administrator_sees_all_runners_and_their_scopes() {
    let server = Server::start(|asked| match (asked.path.as_str(), asked.variable("after")) {
        ("/api/graphql", None) => page("", &[runner(1, "INSTANCE_TYPE"), runner(2, "GROUP_TYPE")], Some("c")),
        ("/api/graphql", Some(_)) => page("", &[runner(3, "PROJECT_TYPE"), Value::Null], None),
        ("/api/v4/runners/3", _) => json_reply(&json!({"id": 3, "runner_type": "project_type", "projects":
            [{"id": 1, "path_with_namespace": "kelp/reef"}, {"id": 2, "path_with_namespace": "kelp/tide"}]})),
        _ => error_reply(404, "404 Not found"),
    })
    .await;
    let (runners, notes) = runners_of(Bench::new(&server)).await;
    let scopes: Vec<_> = runners.iter().map(|runner| runner.scope.clone()).collect();
    assert_eq!(
        scopes,
        [
            RunnerScope::Instance,
            RunnerScope::Groups(vec!["kelp".into()]),
            RunnerScope::Projects(vec!["kelp/reef".into(), "kelp/tide".into()]),
        ]
    );
    assert!(runners.iter().all(|runner| runner.managers.is_none() && runner.protected));
    assert!(notes.is_empty());
}

#[tokio::test]
async fn without_admin_rights_groups_and_named_runners_are_read() {
    let server = Server::start(|asked| match (asked.path.as_str(), asked.operation()) {
        (_, "Runners") => no_rights("runners"),
        (_, "GroupRunners") if asked.variable("group") == Some("kelp") => {
            page("group", &[runner(2, "GROUP_TYPE")], None)
        }
        (_, "GroupRunners") if asked.variable("group") == Some("gone") => json_reply(&json!({"data": {"group": null}})),
        (_, "GroupRunners") => no_rights("group"),
        ("/api/v4/runners/93", _) => reply(200, &[], DETAILS),
        ("/api/v4/runners/93/managers", _) => reply(200, &[], MANAGERS),
        _ => error_reply(403, "403 Forbidden"),
    })
    .await;
    let mut bench = Bench::new(&server).source(QueueChoice::Projects, &["kelp", "gone", "closed"]);
    bench.runners = vec![RunnerId(2), RunnerId(93), RunnerId(94)];
    let (runners, notes) = runners_of(bench).await;
    assert_eq!(runners.iter().map(|runner| runner.id.0).collect::<Vec<_>>(), [2, 93]);
    let managers = runners[1].managers.as_ref().unwrap();
    assert_eq!((managers.len(), managers[1].status), (2, RunnerStatus::NeverContacted));
    assert_eq!(
        notes,
        [
            "the token does not show the runners of the group gone, the runners of the group closed, the runner 94; nor when the \
          tokens of these runners end: 93"
        ]
    );
    // Runner 2 was in the group's list: it is not asked for again.
    assert!(server.seen().iter().all(|asked| asked.path != "/api/v4/runners/2"));
}

#[tokio::test]
async fn a_token_that_sees_no_runner_is_blind_not_empty() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/graphql" => no_rights("runners"),
        _ => error_reply(403, "403 Forbidden"),
    })
    .await;
    let (_, failure) = Bench::new(&server).run(&[SourceKind::GitlabRunners]).next_failure().await;
    assert_eq!(failure.class, FailureClass::Blind);
    // An administrator's GitLab without runners is another thing.
    let server = Server::start(|_| page("", &[], None)).await;
    assert!(runners_of(Bench::new(&server)).await.0.is_empty());
}

#[tokio::test]
async fn every_source_ends_at_shutdown() {
    let server = Server::start(|_| error_reply(500, "500 Internal Server Error")).await;
    let mut running = Bench::new(&server).run(&[
        SourceKind::GitlabQueue,
        SourceKind::GitlabStarted,
        SourceKind::GitlabRefs,
        SourceKind::GitlabRunners,
        SourceKind::GitlabJobLogs,
    ]);
    running.next().await;
    running.shutdown.cancel();
    let ended = async { while running.heard.recv().await.is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), ended).await.expect("a source goes on");
}

#[tokio::test]
async fn a_gitlab_that_is_down_is_said_by_every_source_before_a_way_is_chosen() {
    let server = Server::start(|_| reply(503, &[], "<html><title>GitLab is not responding</title>")).await;
    let kinds = [SourceKind::GitlabQueue, SourceKind::GitlabStarted, SourceKind::GitlabRunners];
    let mut running = Bench::new(&server).source(QueueChoice::Auto, &["kelp"]).run(&kinds);
    let mut failed = std::collections::BTreeSet::new();
    while failed.len() < kinds.len() {
        let (heard, failure) = running.next_failure().await;
        assert_eq!(failure.class, FailureClass::ServerError);
        assert!(failure.detail.contains("GitLab is not responding"), "{}", failure.detail);
        failed.insert(heard.source.kind);
    }
}

#[tokio::test]
async fn with_auto_the_running_jobs_follow_the_way_chosen() {
    let server = Server::start(|asked| jobs(&[job(3, asked.status())], None)).await;
    let kinds = [SourceKind::GitlabQueue, SourceKind::GitlabStarted];
    let mut running = Bench::new(&server).source(QueueChoice::Auto, &[]).run(&kinds);
    let heard = running.next_of(SourceKind::GitlabStarted).await;
    assert!(matches!(heard.body, Body::Running { .. }), "{heard:?}");
}

#[tokio::test]
async fn groups_without_projects_are_in_contact_all_the_same() {
    let server = Server::start(|_| json_reply(&json!([]))).await;
    let mut running = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(&[SourceKind::GitlabQueue]);
    assert_eq!(running.next().await.body, Body::Projects(vec![]));
    for kind in [SourceKind::GitlabQueue, SourceKind::GitlabStarted] {
        let heard = running.next().await;
        assert_eq!((heard.source.kind, heard.body), (kind, Body::Alive));
    }
}
