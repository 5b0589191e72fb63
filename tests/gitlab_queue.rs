//! The queue sources against a small GitLab on loopback.

#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not expect fails it")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tierwatch::config::QueueChoice;
use tierwatch::observation::{Body, FailureClass, JobReport, ProjectId, QueueScope, SourceKind, Wishes};

mod gitlab_server;
use gitlab_server::{
    Asked, Bench, DATE, Running, Server, error_reply, job, jobs, json_reply, refused, reply, rest_job,
};

const QUEUE: &[SourceKind] = &[SourceKind::GitlabQueue];

fn ids(jobs: &[JobReport]) -> Vec<u64> {
    jobs.iter().map(|job| job.id.0).collect()
}

fn queue_of(body: &Body) -> &[JobReport] {
    match body {
        Body::Queue { jobs, .. } => jobs,
        other => panic!("not a queue: {other:?}"),
    }
}

#[tokio::test]
async fn the_instance_is_read_page_by_page_while_jobs_slide() {
    // Job 103 slides to the second page, 101 was taken meanwhile, and one row is hidden.
    let server = Server::start(|asked| match asked.variable("after") {
        None => jobs(&[job(105, "PENDING"), job(104, "PENDING"), job(103, "PENDING")], Some("c1")),
        Some("c1") => jobs(&[job(103, "PENDING"), job(102, "PENDING"), Value::Null, job(101, "RUNNING")], Some("c2")),
        Some(_) => jobs(&[job(100, "PENDING")], None),
    })
    .await;
    let mut running = Bench::new(&server).run(QUEUE);
    let Body::Note(note) = running.next().await.body else { panic!("hidden rows are told") };
    assert!(note.contains("longer than it looks"));
    let heard = running.next().await;
    let Body::Queue { scope: QueueScope::Instance, jobs } = &heard.body else { panic!("{heard:?}") };
    assert_eq!(ids(jobs), [100, 102, 103, 104, 105]);
    // The wait is GitLab's; the queue time is told from it and the server's clock.
    assert_eq!(jobs[0].queued_for, Some(Duration::from_secs(60)));
    assert_eq!(jobs[0].queued_at.unwrap().to_string(), "2031-03-04T05:01:11Z");
    // Said once, not at every poll.
    assert_eq!(ids(queue_of(&running.next().await.body)).len(), 5);
    assert!(server.seen().iter().all(|asked| asked.path == "/api/graphql" && asked.status() == "PENDING"));
}

#[tokio::test]
async fn an_empty_queue_is_believed_only_from_a_token_that_may_see_it() {
    let server = Server::start(|_| jobs(&[], None)).await;
    let mut running = Bench::new(&server).run(QUEUE);
    assert!(queue_of(&running.next().await.body).is_empty());

    for (admin, expected) in [
        (Some(false), "it takes an administrator's token"),
        (Some(true), "give the token the scope admin_mode"),
        (None, "GitLab does not know the user of this token"),
    ] {
        let server = Server::start(move |_| refused(admin)).await;
        let mut running = Bench::new(&server).run(QUEUE);
        let (_, failure) = running.next_failure().await;
        assert_eq!(failure.class, FailureClass::Blind);
        assert!(failure.detail.contains(expected), "{}", failure.detail);
    }
}

#[tokio::test]
async fn graphql_errors_beside_data_are_never_a_queue() {
    let says = |message: &str| {
        json!({"data": {"currentUser": {"admin": true}, "runners": {"nodes": []},
        "jobs": {"pageInfo": {"hasNextPage": false}, "nodes": []}}, "errors": [{"message": message, "path": ["jobs"]}]})
    };
    let table = [
        (says("Timeout on validation of query"), FailureClass::Timeout),
        (says("Internal server error"), FailureClass::ServerError),
        (says("Query has complexity of 300, which exceeds max complexity of 250"), FailureClass::Other),
        (json!({"errors": [{"message": "Field 'jobs' doesn't exist on type 'Query'"}]}), FailureClass::Decode),
        (json!({"data": null}), FailureClass::Decode),
        (json!({"data": {}}), FailureClass::Blind),
        (
            json!({"data": {"currentUser": {"admin": true}, "runners": {"nodes": []}, "jobs": null}}),
            FailureClass::Blind,
        ),
        (json!([1, 2]), FailureClass::Decode),
        (json!({"errors": "all wrong"}), FailureClass::Decode),
    ];
    for (body, class) in table {
        let server = Server::start(move |_| json_reply(&body)).await;
        let (_, failure) = Bench::new(&server).run(QUEUE).next_failure().await;
        assert_eq!(failure.class, class, "{}", failure.detail);
    }
}

#[tokio::test]
async fn answers_that_are_none_fail_and_the_next_poll_goes_on() {
    let table: [(fn() -> axum::response::Response, FailureClass); 5] = [
        (|| reply(200, &[], "{\"data\": {\"jobs\""), FailureClass::Decode),
        (|| reply(200, &[], "<html>Sign in</html>"), FailureClass::Decode),
        (|| reply(200, &[], "[".repeat(100_000)), FailureClass::Decode),
        (|| error_reply(401, "401 Unauthorized"), FailureClass::Unauthorized),
        (|| reply(502, &[], "<html><title>Bad Gateway</title>"), FailureClass::ServerError),
    ];
    for (bad, class) in table {
        let server =
            Server::start(move |asked| if asked.before == 0 { bad() } else { jobs(&[job(1, "PENDING")], None) }).await;
        let mut running = Bench::new(&server).run(QUEUE);
        assert_eq!(running.next_failure().await.1.class, class);
        assert_eq!(ids(queue_of(&running.next().await.body)), [1]);
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_bounded() {
    let server = Server::start(|asked| jobs(&[job(asked.before as u64, "PENDING")], Some("again"))).await;
    let (_, failure) = Bench::new(&server).run(QUEUE).next_failure().await;
    assert_eq!(failure.class, FailureClass::Decode);
    assert_eq!(server.seen().len(), 2);

    let server = Server::start(|asked| jobs(&[job(1, "PENDING")], Some(&format!("c{}", asked.before)))).await;
    let mut bench = Bench::new(&server);
    bench.config.requests_per_minute = 1_000_000;
    let (_, failure) = bench.run(QUEUE).next_failure().await;
    assert_eq!(failure.class, FailureClass::TooLarge);
    assert_eq!(server.seen().len(), 500);
}

#[tokio::test]
async fn a_429_stretches_the_period_as_long_as_gitlab_asked_or_a_minute() {
    for (headers, expected) in [(vec![("retry-after", "120")], 120), (vec![], 60)] {
        let headers: Vec<(&'static str, &'static str)> = headers;
        let server =
            Server::start(
                move |asked| {
                    if asked.before == 0 { reply(429, &headers, "Retry later\n") } else { jobs(&[], None) }
                },
            )
            .await;
        let mut running = Bench::new(&server).run(QUEUE);
        let (failed, failure) = running.next_failure().await;
        assert_eq!(failure.class, FailureClass::RateLimited);
        let heard = running.next().await;
        let waited = heard.at.since(&failed.at).as_secs();
        assert!((expected..expected + 30).contains(&waited), "{waited} s");
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn hostile_names_and_tags_arrive_bounded() {
    let mut hostile = job(1, "PENDING");
    hostile["name"] = json!(format!("\u{1b}]0;pwned\u{7}\n{}", "A".repeat(100_000)));
    hostile["tags"] = json!(vec!["x\"} 1\ny 2".repeat(100); 500]);
    hostile["refName"] = json!("\u{202e}niam");
    hostile["queuedDuration"] = json!(-1e300);
    let server = Server::start(move |_| jobs(&[hostile.clone()], None)).await;
    let heard = Bench::new(&server).run(QUEUE).next().await;
    let job = &queue_of(&heard.body)[0];
    let tags = job.tags.as_ref().unwrap();
    assert!(job.name.chars().count() <= 255 && tags.len() <= 64);
    assert!(tags.iter().chain([&job.name]).all(|text| !text.chars().any(char::is_control)));
    assert_eq!((job.git_ref.as_deref(), job.queued_for), (Some("\u{fffd}niam"), None));
}

/// Two groups with projects 1..=3, of which 2 is not shown; only 1 has jobs.
fn projects(asked: &Asked) -> axum::response::Response {
    let project = |id: u64| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")});
    match asked.path.as_str() {
        "/api/v4/groups/kelp%2Fsub/projects" if !asked.query.contains_key("page") => {
            reply(200, &[("x-next-page", "2")], json!([project(1), project(2)]).to_string())
        }
        "/api/v4/groups/kelp%2Fsub/projects" => {
            reply(200, &[("x-next-page", "")], json!([project(2), project(3)]).to_string())
        }
        "/api/v4/groups/gone/projects" => error_reply(404, "404 Group Not Found"),
        "/api/v4/projects/1/jobs" => {
            reply(200, &[("date", DATE)], json!([rest_job(9, "pending"), rest_job(8, "running")]).to_string())
        }
        "/api/v4/projects/2/jobs" => error_reply(403, "403 Forbidden"),
        "/api/v4/projects/3/jobs" => json_reply(&json!([])),
        _ => error_reply(404, "404 Not found"),
    }
}

#[tokio::test]
async fn projects_are_read_one_by_one_and_one_that_hides_stops_no_other() {
    let server = Server::start(projects).await;
    let bench = Bench::new(&server).source(QueueChoice::Projects, &["kelp/sub", "gone"]);
    let mut running = bench.run(QUEUE);
    let (mut notes, mut scopes, mut started) = (Vec::new(), Vec::new(), Vec::new());
    // The groups' note, the projects, two queues with their running jobs, the hidden project's note.
    for _ in 0..7 {
        match running.next().await.body {
            Body::Note(note) => notes.push(note),
            Body::Projects(all) => {
                assert_eq!(all.iter().map(|p| &*p.path).collect::<Vec<_>>(), ["kelp/p1", "kelp/p2", "kelp/p3"])
            }
            Body::Queue { scope: QueueScope::Project(id), jobs } => scopes.push((id.0, ids(&jobs))),
            Body::Running { scope: QueueScope::Project(id), jobs } => {
                // Started jobs were queued before their start, by GitLab's clock.
                let queued = jobs.first().and_then(|job| job.queued_at).map(|at| at.to_string());
                started.push((id.0, ids(&jobs), queued));
            }
            other => panic!("{other:?}"),
        }
    }
    scopes.sort();
    started.sort();
    assert_eq!(scopes, [(1, vec![9]), (3, vec![])]);
    assert_eq!(started, [(1, vec![8], Some("2031-03-04T05:01:17.5Z".into())), (3, vec![], None)]);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("does not see the group gone") && notes[1].contains("1 of 3 projects"), "{notes:?}");

    let asked = server.seen();
    let list = asked.iter().find(|asked| asked.path.contains("kelp%2Fsub")).unwrap();
    for (key, value) in [("include_subgroups", "true"), ("archived", "false"), ("simple", "true"), ("per_page", "100")]
    {
        assert_eq!(list.query.get(key).map(String::as_str), Some(value), "{key}");
    }
    let jobs = asked.iter().find(|asked| asked.path == "/api/v4/projects/1/jobs").unwrap();
    assert!(jobs.raw_query.contains("scope%5B%5D=pending&scope%5B%5D=running"), "{}", jobs.raw_query);
    assert_eq!(jobs.query.get("pagination").map(String::as_str), Some("keyset"));

    // The busy project is looked at again in the next round, the quiet ones not all the time.
    let next = running.next_of(SourceKind::GitlabQueue).await;
    assert!(matches!(next.body, Body::Queue { scope: QueueScope::Project(ProjectId(1)), .. }), "{next:?}");
}

#[tokio::test]
async fn job_pages_are_followed_by_keyset_and_never_to_another_origin() {
    let own = Arc::new(Mutex::new(String::new()));
    let home = own.clone();
    let list = |asked: &Asked, next: &str| match (asked.path.contains("/groups/"), asked.query.get("cursor")) {
        (true, _) => json_reply(&json!([{"id": 1, "path_with_namespace": "kelp/p1"}])),
        (false, None) => {
            let link = format!("<{next}api/v4/projects/1/jobs?cursor=abc&scope%5B%5D=pending>; rel=\"next\"");
            reply(200, &[("link", &link)], json!([rest_job(9, "pending"), rest_job(8, "pending")]).to_string())
        }
        (false, Some(_)) => json_reply(&json!([rest_job(8, "pending"), rest_job(7, "pending")])),
    };
    let server = Server::start(move |asked| list(asked, &home.lock().unwrap())).await;
    *own.lock().unwrap() = server.url.to_string();
    let mut running = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(QUEUE);
    assert!(matches!(running.next().await.body, Body::Projects(_)));
    let heard = running.next().await;
    drop(running);
    assert_eq!(ids(queue_of(&heard.body)), [7, 8, 9]);

    let thief = Server::start(|_| json_reply(&json!([]))).await;
    *own.lock().unwrap() = thief.url.to_string();
    let (_, failure) = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(QUEUE).next_failure().await;
    assert_eq!(failure.class, FailureClass::ForeignOrigin);
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn a_broken_project_is_told_and_the_others_go_on_but_a_bad_token_ends_the_round() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/v4/projects/2/jobs" => reply(500, &[], "{\"message\":\"500 Internal Server Error\"}"),
        path if path.ends_with("/jobs") => json_reply(&json!([])),
        _ => json_reply(&json!([1, 2, 3].map(|id| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")})))),
    })
    .await;
    let mut running = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(QUEUE);
    let mut queues = 0;
    let failure = loop {
        match running.next_of(SourceKind::GitlabQueue).await.body {
            Body::Queue { .. } => queues += 1,
            Body::Failed(failure) => break failure,
            _ => {}
        }
    };
    assert_eq!((queues, failure.class), (2, FailureClass::ServerError));
    assert!(failure.detail.starts_with("project kelp/p2: listing the jobs of a project"), "{}", failure.detail);

    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.ends_with("/jobs") => {
            reply(403, &[], json!({"error": "insufficient_scope", "scope": "api read_api"}).to_string())
        }
        _ => json_reply(&json!([1, 2, 3].map(|id| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")})))),
    })
    .await;
    let (_, failure) = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]).run(QUEUE).next_failure().await;
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("needs the scope api read_api"), "{}", failure.detail);
}

#[tokio::test]
async fn never_more_requests_than_the_budget() {
    let server = Server::start(|asked| {
        if asked.path.ends_with("/jobs") {
            json_reply(&json!([rest_job(1, "pending")]))
        } else {
            let rows: Vec<Value> =
                (1..=90).map(|id| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")})).collect();
            json_reply(&json!(rows))
        }
    })
    .await;
    let mut bench = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]);
    bench.config.requests_per_minute = 120;
    let mut running = bench.run(QUEUE);
    // 21 of the 30 requests of a period are for the rounds; all projects are busy and all get their turn.
    let mut seen = std::collections::BTreeSet::new();
    let mut last = Duration::ZERO;
    while seen.len() < 90 {
        let heard = running.next().await;
        if let Body::Queue { scope: QueueScope::Project(id), .. } = heard.body {
            seen.insert(id);
        }
        last = heard.at.mono;
    }
    let allowed = 30.0 + last.as_secs_f64() * 2.0;
    assert!((server.seen().len() as f64) <= allowed, "{} requests in {last:?}", server.seen().len());
}

/// So many projects; in the first five jobs wait.
fn many_projects(asked: &Asked, count: u64) -> axum::response::Response {
    match asked.path.strip_prefix("/api/v4/projects/").and_then(|rest| rest.strip_suffix("/jobs")) {
        Some("1" | "2" | "3" | "4" | "5") => json_reply(&json!([rest_job(9, "pending")])),
        Some(_) => json_reply(&json!([])),
        None => {
            let page: u64 = asked.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
            let rows: Vec<Value> = ((page - 1) * 100 + 1..=(page * 100).min(count))
                .map(|id| json!({"id": id, "path_with_namespace": format!("kelp/p{id}")}))
                .collect();
            let next = if page * 100 < count { (page + 1).to_string() } else { String::new() };
            reply(200, &[("x-next-page", &next)], json!(rows).to_string())
        }
    }
}

async fn next_look(running: &mut Running) -> (ProjectId, Duration) {
    loop {
        let heard = running.next().await;
        if let Body::Queue { scope: QueueScope::Project(id), .. } = heard.body {
            return (id, heard.at.mono);
        }
    }
}

fn hint(running: &Running, project: u64) {
    running.wishes.send_replace(Arc::new(Wishes { projects: vec![ProjectId(project)], ..Wishes::default() }));
}

#[tokio::test]
async fn of_hundreds_of_projects_the_busy_ones_come_in_every_round_and_one_told_of_comes_next() {
    let server = Server::start(|asked| many_projects(asked, 300)).await;
    let mut bench = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]);
    bench.config.requests_per_minute = 300;
    let mut running = bench.run(QUEUE);
    let (mut order, mut last) = (Vec::new(), Duration::ZERO);
    while order.len() < 900 {
        let (id, at) = next_look(&mut running).await;
        order.push(id);
        last = at;
    }
    assert_eq!(order.iter().collect::<std::collections::BTreeSet<_>>().len(), 300, "all are seen");
    let places = |id| order.iter().enumerate().filter(move |(_, seen)| **seen == ProjectId(id)).map(|(place, _)| place);
    for busy in 1..=5 {
        let places: Vec<usize> = places(busy).collect();
        // 63 looks are a round.
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] < 2 * 63), "{busy}: {places:?}");
        assert!(places.len() >= 8, "{busy}: {places:?}");
    }
    // The bucket's 75 and five a second.
    let allowed = 75.0 + last.as_secs_f64() * 5.0;
    assert!((server.seen().len() as f64) <= allowed + 64.0, "{} requests in {last:?}", server.seen().len());

    // Of 295 quiet ones each is seen about every fifth round.
    let quiet = *order.iter().rev().find(|id| id.0 > 5).unwrap();
    hint(&running, quiet.0);
    let mut others = 0;
    while next_look(&mut running).await.0 != quiet {
        others += 1;
        assert!(others < 3 * 63, "no look at {quiet}");
    }
}

#[tokio::test]
async fn a_project_told_of_is_looked_at_before_the_next_round() {
    let server = Server::start(|asked| many_projects(asked, 100)).await;
    let mut bench = Bench::new(&server).source(QueueChoice::Projects, &["kelp"]);
    // Twelve looks in each 15 s, in real time.
    (bench.config.requests_per_minute, bench.speed) = (60, 1.0);
    let mut running = bench.run(QUEUE);
    let mut seen = Vec::new();
    while seen.len() < 12 {
        seen.push(next_look(&mut running).await.0.0);
    }
    let unseen = (1..=100).find(|id| !seen.contains(id)).unwrap();
    hint(&running, unseen);
    let (next, at) = next_look(&mut running).await;
    assert_eq!(next, ProjectId(unseen));
    assert!(at < Duration::from_secs(14), "{at:?}");
}

#[tokio::test]
async fn a_list_beyond_its_part_of_the_budget_is_read_less_often_and_says_so() {
    let long = Arc::new(AtomicBool::new(true));
    let is_long = long.clone();
    let server = Server::start(move |asked| {
        let page: u64 = asked.variable("after").map_or(0, |after| after.parse().unwrap());
        let next = (page < 39 && is_long.load(Ordering::SeqCst)).then(|| (page + 1).to_string());
        jobs(&[job(page + 1, "PENDING")], next.as_deref())
    })
    .await;
    let mut bench = Bench::new(&server);
    // 15 of the 30 requests of an interval are for this list: 40 pages take three intervals.
    bench.config.requests_per_minute = 120;
    let mut running = bench.run(QUEUE);
    let first = running.next().await;
    assert_eq!(queue_of(&first.body).len(), 40);
    assert_eq!(running.next().await.body, Body::Period(Some(Duration::from_secs(45))));
    long.store(false, Ordering::SeqCst);
    let second = running.next().await;
    assert_eq!(ids(queue_of(&second.body)), [1]);
    // From the start of the first run, which took 5 s of waiting for the budget.
    let gap = second.at.since(&first.at).as_secs();
    assert!((30..=50).contains(&gap), "{gap} s");
    assert_eq!(running.next().await.body, Body::Period(None));
}

#[tokio::test]
async fn auto_takes_the_best_way_says_why_and_changes_with_the_token() {
    let may = Arc::new(AtomicBool::new(false));
    let rights = may.clone();
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/api/graphql" if rights.load(Ordering::SeqCst) => jobs(&[job(5, "PENDING")], None),
        "/api/graphql" => refused(Some(false)),
        path if path.ends_with("/jobs") => json_reply(&json!([rest_job(1, "pending")])),
        _ => json_reply(&json!([{"id": 1, "path_with_namespace": "kelp/p1"}])),
    })
    .await;
    let mut bench = Bench::new(&server).source(QueueChoice::Auto, &["kelp"]);
    bench.speed = 600.0;
    let mut running = bench.run(QUEUE);
    let Body::Note(note) = running.next().await.body else { panic!("the choice is told first") };
    assert!(note.starts_with("reading the queue project by project, since"), "{note}");
    assert!(note.contains("read_admin_cicd"), "{note}");
    assert!(matches!(running.next().await.body, Body::Projects(_)));
    may.store(true, Ordering::SeqCst);
    let note = loop {
        if let Body::Note(note) = running.next().await.body {
            break note;
        }
    };
    assert!(note.starts_with("reading the queue of the whole instance"), "{note}");
    assert_eq!(ids(queue_of(&running.next_of(SourceKind::GitlabQueue).await.body)), [5]);
    may.store(false, Ordering::SeqCst);
    let back = loop {
        if let Body::Note(note) = running.next().await.body {
            break note;
        }
    };
    assert!(back.starts_with("reading the queue project by project"), "{back}");
}

#[tokio::test]
async fn auto_without_groups_says_what_is_missing() {
    let server = Server::start(|_| refused(Some(false))).await;
    let (_, failure) = Bench::new(&server).source(QueueChoice::Auto, &[]).run(QUEUE).next_failure().await;
    assert_eq!(failure.class, FailureClass::Blind);
    assert!(failure.detail.contains("gitlab.queue.groups"), "{}", failure.detail);
}
