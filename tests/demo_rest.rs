//! The simulated GitLab is held to GitLab's REST shapes: every endpoint, every role, errors and paging.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod demo_support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use demo_support::{AN_HOUR, Asker, troubled};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use tierwatch::demo::faults::{GitlabFault, Misdeed, Operation};
use tierwatch::demo::gitlab_api::access::{
    ADMIN_TOKEN, AUDITOR_TOKEN, EXPIRED_TOKEN, MAINTAINER_TOKEN, MANAGE_RUNNER_TOKEN, OWNER_TOKEN, REPORTER_TOKEN,
    UNSCOPED_TOKEN,
};

const SCHEMA: &str = include_str!("fixtures/gitlab/rest.schema.json");

/// Each shape is compiled once.
fn shape(name: &str) -> Arc<Validator> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    Arc::clone(KNOWN.lock().unwrap().entry(name.to_owned()).or_insert_with(|| Arc::new(compiled(name))))
}

fn compiled(name: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    schema["$ref"] = format!("#/$defs/{name}").into();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn assert_shape(name: &str, what: &str, body: &Value) {
    let problems: Vec<String> =
        shape(name).iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{what} is no {name}: {problems:#?}\n{body:#}");
}

fn headers(answer: &reqwest::Response) -> Value {
    let all = answer.headers().iter();
    Value::Object(all.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect::<Map<_, _>>())
}

const ENDPOINTS: [(&str, &str); 21] = [
    ("projects/101/jobs?per_page=100", "JobList"),
    ("projects/harbour%2Fledger/jobs?scope[]=pending&scope[]=running", "JobList"),
    ("runners/all", "RunnerList"),
    ("runners", "RunnerList"),
    ("runners/31", "RunnerDetails"),
    ("runners/32?include_projects=false", "RunnerDetails"),
    ("runners/31/managers", "RunnerManagerList"),
    ("runners/31/jobs?per_page=100", "RunnerJobList"),
    ("runners/32/jobs?order_by=id&pagination=keyset", "RunnerJobList"),
    ("groups/10/runners", "RunnerList"),
    ("groups/harbour/projects?simple=true", "BasicProjectList"),
    ("groups/harbour/projects?archived=false&include_subgroups=true", "ProjectList"),
    ("projects?membership=true", "ProjectList"),
    ("projects/101", "Project"),
    ("projects/101/protected_branches", "ProtectedBranchList"),
    ("projects/101/protected_tags", "ProtectedTagList"),
    ("projects/109/jobs", "JobList"),
    ("personal_access_tokens/self", "PersonalAccessTokenSelf"),
    ("version", "Metadata"),
    ("metadata", "Metadata"),
    ("user", "CurrentUser"),
];

#[tokio::test]
async fn every_answer_to_every_role_has_gitlabs_shape() {
    let demo = troubled().await;
    let tokens = [
        ADMIN_TOKEN,
        AUDITOR_TOKEN,
        OWNER_TOKEN,
        MAINTAINER_TOKEN,
        REPORTER_TOKEN,
        MANAGE_RUNNER_TOKEN,
        UNSCOPED_TOKEN,
        EXPIRED_TOKEN,
        "glpat-unknown",
    ];
    let mut seen = BTreeMap::new();
    for token in tokens.map(Some).into_iter().chain([None]) {
        for (path, wanted) in ENDPOINTS {
            let (status, body) = Asker { demo: &demo, token }.json(path).await;
            let name = match status.as_u16() {
                200 => wanted,
                401 => "Error401",
                403 => "Error403",
                404 => "Error404",
                other => panic!("{other} for {path}"),
            };
            assert_shape(name, &format!("{path} as {token:?}"), &body);
            *seen.entry(status.as_u16()).or_insert(0) += 1;
        }
    }
    assert!([200, 401, 403, 404].iter().all(|status| seen.contains_key(status)), "{seen:?}");
}

#[tokio::test]
async fn single_jobs_of_every_state_have_the_shape() {
    let demo = troubled().await;
    let admin = Asker::admin(&demo);
    for project in 101..=108 {
        let (_, jobs) = admin.json(&format!("projects/{project}/jobs?per_page=100")).await;
        for job in jobs.as_array().unwrap() {
            let (status, row) = admin.json(&format!("projects/{project}/jobs/{}", job["id"])).await;
            assert_eq!(status, 200);
            assert_shape("Job", "a single job", &row);
            assert_eq!(row["status"] == "failed", row.get("failure_reason").is_some());
        }
    }
}

#[tokio::test]
async fn roles_see_what_they_may() {
    let demo = troubled().await;
    let status = async |token, path: &str| Asker { demo: &demo, token: Some(token) }.json(path).await.0.as_u16();
    assert_eq!(status(MAINTAINER_TOKEN, "projects/109/jobs").await, 404, "another group's project does not exist");
    assert_eq!(status(MAINTAINER_TOKEN, "runners/all").await, 403);
    assert_eq!(status(OWNER_TOKEN, "runners/all").await, 403);
    assert_eq!(status(AUDITOR_TOKEN, "runners/all").await, 200);
    assert_eq!(status(AUDITOR_TOKEN, "runners/32/managers").await, 200);
    assert_eq!(status(AUDITOR_TOKEN, "projects/109/jobs").await, 200);
    assert_eq!(status(MANAGE_RUNNER_TOKEN, "runners/32").await, 200);
    assert_eq!(status(MANAGE_RUNNER_TOKEN, "runners/31/managers").await, 200);
    for closed in ["runners", "runners/all", "projects", "groups/10/runners"] {
        assert_eq!(status(MANAGE_RUNNER_TOKEN, closed).await, 403, "{closed}");
    }
    let own = async |token| Asker { demo: &demo, token: Some(token) }.json("runners").await.1.as_array().map(Vec::len);
    assert_eq!(own(MAINTAINER_TOKEN).await, Some(0), "a group's runners are managed by its owners");
    assert!(own(OWNER_TOKEN).await > Some(0));
    assert_eq!(status(MAINTAINER_TOKEN, "runners/32").await, 200, "its own group's runner");
    assert_eq!(status(REPORTER_TOKEN, "runners/32").await, 403);
    assert_eq!(status(REPORTER_TOKEN, "runners/31").await, 200, "an instance runner is everybody's to see");
    assert_eq!(status(REPORTER_TOKEN, "runners/31/jobs").await, 403);
    assert_eq!(status(REPORTER_TOKEN, "projects/101/jobs").await, 200);
    assert_eq!(status(REPORTER_TOKEN, "projects/101/protected_tags").await, 403);
    assert_eq!(status(REPORTER_TOKEN, "groups/10/runners").await, 403);
    assert_eq!(status(UNSCOPED_TOKEN, "projects").await, 403);
    assert_eq!(status(UNSCOPED_TOKEN, "user").await, 200);
    let (code, body) = Asker { demo: &demo, token: Some(UNSCOPED_TOKEN) }.json("runners").await;
    assert_eq!((code.as_u16(), body["error"].as_str()), (403, Some("insufficient_scope")));
    let (_, projects) = Asker { demo: &demo, token: None }.json("projects").await;
    assert_eq!(projects, json!([]), "nothing is public");
}

#[tokio::test]
async fn both_ways_of_paging_show_every_job_once() {
    let demo = troubled().await;
    let admin = Asker::admin(&demo);
    let mut ids = Vec::new();
    let mut page = "1".to_owned();
    while !page.is_empty() {
        let answer = admin.get(&format!("projects/103/jobs?per_page=3&page={page}")).await;
        let head = headers(&answer);
        assert_shape("OffsetPageHeaders", "offset headers", &head);
        assert!(head.get("x-total").is_none(), "job lists tell no totals");
        page = head["x-next-page"].as_str().unwrap().to_owned();
        let rows: Value = answer.json().await.unwrap();
        ids.extend(rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()));
    }
    assert!(ids.len() > 6 && ids.is_sorted_by(|a, b| a > b), "newest first, none twice: {ids:?}");

    let mut by_key = Vec::new();
    let mut next = Some(format!("{}/api/v4/projects/103/jobs?pagination=keyset&per_page=3", demo.gitlab_url));
    while let Some(url) = next {
        assert!(url.starts_with(&demo.gitlab_url));
        let answer = demo_support::client().get(url).header("private-token", ADMIN_TOKEN).send().await.unwrap();
        let head = headers(&answer);
        assert_shape("KeysetPageHeaders", "keyset headers", &head);
        next = head["link"].as_str().map(|link| link[1..link.find('>').unwrap()].to_owned());
        let rows: Value = answer.json().await.unwrap();
        by_key.extend(rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()));
    }
    assert_eq!(by_key, ids);
    assert_eq!(headers(&admin.get("projects?per_page=2").await)["x-total"], "16");
}

#[tokio::test]
async fn bad_parameters_are_refused_as_gitlab_does() {
    let demo = troubled().await;
    let admin = Asker::admin(&demo);
    for (path, code) in [
        ("projects/101/jobs?scope[]=nonsense", 400),
        ("projects/101/jobs?page=zero", 400),
        ("projects/101/jobs?pagination=keyset&sort=asc", 405),
        ("no/such/route", 404),
    ] {
        let (status, body) = admin.json(path).await;
        assert_eq!(status.as_u16(), code, "{path}");
        assert_shape("ErrorString", path, &body);
    }
    for path in ["projects/999/jobs", "projects/101/jobs/1", "runners/999", "groups/nobody/projects"] {
        let (status, body) = admin.json(path).await;
        assert_eq!(status.as_u16(), 404);
        assert_shape("ErrorMessage", path, &body);
    }
}

#[tokio::test]
async fn faults_look_like_gitlabs() {
    let demo = troubled().await;
    let admin = Asker::admin(&demo);

    demo.disturb_gitlab(GitlabFault::throttled(Some(Operation::Other), Some(7)), AN_HOUR);
    let answer = admin.get("user").await;
    assert_eq!(answer.status(), 429);
    assert_shape("RateLimitHeaders", "throttle headers", &headers(&answer));
    assert_eq!(headers(&answer)["retry-after"], "7");
    assert_eq!(answer.text().await.unwrap(), "Retry later\n");

    demo.disturb_gitlab(GitlabFault::limited(Some(Operation::Jobs), None), AN_HOUR);
    let answer = admin.get("projects/101/jobs").await;
    assert_eq!((answer.status().as_u16(), headers(&answer).get("retry-after")), (429, None));
    assert_shape("Error429App", "an endpoint's limiter", &answer.json().await.unwrap());

    let redirect = Misdeed::Redirect("http://elsewhere.invalid/".to_owned());
    demo.disturb_gitlab(GitlabFault { on: Some(Operation::Runners), misdeed: redirect }, AN_HOUR);
    let answer = admin.get("runners").await;
    assert_eq!(headers(&answer)["location"], "http://elsewhere.invalid/");

    demo.disturb_gitlab(GitlabFault { on: Some(Operation::Graphql), misdeed: Misdeed::Half }, AN_HOUR);
    let url = format!("{}/api/graphql", demo.gitlab_url);
    let answer = demo_support::client().post(url).body(r#"{"query":"{metadata{version}}"}"#).send().await.unwrap();
    assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_err());
}
