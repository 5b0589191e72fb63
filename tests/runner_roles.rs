//! What each kind of token shows of the runners, against the simulated GitLab and its roles.

#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not expect fails it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::config::QueueChoice;
use tierwatch::demo::gitlab_api::access::{
    ADMIN_TOKEN, AUDITOR_TOKEN, MAINTAINER_TOKEN, MANAGE_RUNNER_TOKEN, OWNER_TOKEN, REPORTER_TOKEN, UNSCOPED_TOKEN,
};
use tierwatch::demo::{Demo, scenario};
use tierwatch::observation::{Body, FailureClass, RunnerId, RunnerReport, SourceKind};

mod gitlab_server;
use gitlab_server::{Bench, Server, error_reply, json_reply, reply};

/// What one token shows, line by line.
async fn shown(bench: Bench) -> Vec<String> {
    let mut running = bench.run(&[SourceKind::GitlabRunners]);
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    loop {
        match running.next().await.body {
            Body::ApiToken(token) => {
                let scopes = token.map_or("not shown".into(), |token| token.scopes.join(", "));
                lines.push(format!("own scopes: {scopes}"));
            }
            Body::Note(note) => notes.push(format!("note: {note}")),
            Body::Runners(runners) => {
                lines.extend(runners.iter().map(line));
                lines.append(&mut notes);
                return lines;
            }
            Body::Failed(failure) => {
                lines.push(format!("{}: {}", failure.class.as_str(), failure.detail));
                return lines;
            }
            other => panic!("{other:?}"),
        }
    }
}

fn line(runner: &RunnerReport) -> String {
    let managers = runner.managers.as_ref().map_or("managers hidden".into(), |all| format!("{} managers", all.len()));
    let ends = match (runner.token_expires_at.is_some(), runner.expiry_hidden) {
        (true, _) => "token ends",
        (false, true) => "token's end hidden",
        (false, false) => "token never ends",
    };
    format!("#{} {} {:?}, {managers}, {ends}", runner.id, runner.tags.join("+"), runner.status)
}

#[tokio::test]
async fn each_role_sees_its_runners_and_says_what_it_does_not_see() {
    let demo = Demo::start(scenario::show(), 7, Clock::system()).await.unwrap();
    let roles = [
        ("administrator", ADMIN_TOKEN, &[][..], &[][..]),
        ("auditor", AUDITOR_TOKEN, &[], &[]),
        ("owner of a group", OWNER_TOKEN, &["harbour"], &[]),
        ("maintainer of a group", MAINTAINER_TOKEN, &["harbour"], &[]),
        ("reporter of a group", REPORTER_TOKEN, &["harbour"], &[31, 32]),
        ("manage_runner, runners named", MANAGE_RUNNER_TOKEN, &["harbour"], &[31, 32]),
        ("manage_runner, no runner named", MANAGE_RUNNER_TOKEN, &["harbour"], &[]),
        ("read_user", UNSCOPED_TOKEN, &[], &[]),
    ];
    let mut table = Vec::new();
    for (role, token, groups, ids) in roles {
        let mut bench = Bench::asking(demo.gitlab_url.parse().unwrap(), token).source(QueueChoice::Projects, groups);
        bench.runners = ids.iter().copied().map(RunnerId).collect();
        table.push(format!("{role}\n  {}\n", shown(bench).await.join("\n  ")));
    }
    insta::assert_snapshot!(table.join("\n"));
}

/// Only the details are read in portions; the list is whole in every round.
#[tokio::test]
async fn an_auditor_reads_the_details_of_many_runners_a_few_at_a_time() {
    let row = |id: u64| json!({ "id": id, "description": "r", "runner_type": "instance_type", "status": "online", "paused": id == 3 });
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/api/graphql" => {
            json_reply(&json!({"data": {"runners": null}, "errors": [{"path": ["runners"], "message": "no"}]}))
        }
        "/api/v4/runners/all" => json_reply(&(1..=25).map(row).collect::<Value>()),
        path if path.ends_with("/managers") => json_reply(&json!([])),
        path => match path.strip_prefix("/api/v4/runners/").and_then(|id| id.parse::<u64>().ok()) {
            Some(id) => json_reply(&json!({ "id": id, "runner_type": "instance_type", "status": "offline",
                "tag_list": ["tier-standard"], "access_level": "ref_protected" })),
            None => error_reply(404, "404 Not found"),
        },
    })
    .await;
    let mut running = Bench::new(&server).run(&[SourceKind::GitlabRunners]);
    let (mut rounds, mut notes) = (Vec::new(), Vec::new());
    while rounds.len() < 2 {
        match running.next().await.body {
            Body::Runners(runners) => rounds.push(runners),
            Body::Note(note) => notes.push(note),
            _ => {}
        }
    }
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [20, 25]);
    assert!(notes[0].contains("yet the details of 5 runners"), "{notes:?}");
    let third = &rounds[0][2];
    assert!(third.protected && third.paused && third.expiry_hidden, "{third:?}");
    assert_eq!(
        line(third),
        "#3 tier-standard Online, 0 managers, token's end hidden",
        "the list is newer than the details"
    );
    let asked = |path: &str| server.seen().iter().filter(|asked| asked.path == path).count();
    assert_eq!((asked("/api/v4/runners/1"), asked("/api/v4/runners/25")), (1, 1), "details are kept");
}

#[tokio::test]
async fn a_scope_that_is_taken_away_while_running_is_told() {
    let taken = Arc::new(AtomicBool::new(false));
    let is_taken = Arc::clone(&taken);
    let server = Server::start(move |asked| {
        let taken = is_taken.load(Ordering::SeqCst);
        let scope = if taken { "read_user" } else { "read_api" };
        match asked.path.as_str() {
            "/api/v4/personal_access_tokens/self" => {
                json_reply(&json!({ "scopes": [scope], "created_at": null, "expires_at": "2031-09-01" }))
            }
            _ if taken => {
                reply(403, &[], r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}"#)
            }
            _ => json_reply(&json!({"data": {"runners": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": []}}})),
        }
    })
    .await;
    let mut running = Bench::new(&server).run(&[SourceKind::GitlabRunners]);
    let mut scopes: Vec<String> = Vec::new();
    let failure = loop {
        match running.next().await.body {
            Body::ApiToken(token) => scopes.extend(token.unwrap().scopes.iter().map(ToString::to_string)),
            Body::Runners(_) => taken.store(true, Ordering::SeqCst),
            Body::Failed(failure) => break failure,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(scopes, ["read_api", "read_user"]);
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("insufficient_scope"), "{failure:?}");
}
