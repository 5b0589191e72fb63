//! A running demo and a client for its simulated GitLab.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tierwatch::clock::Clock;
use tierwatch::demo::gitlab_api::access::ADMIN_TOKEN;
use tierwatch::demo::{Demo, scenario};

/// A platform in the middle of its troubles: jobs of every state, pods of every kind.
pub async fn troubled() -> Demo {
    let began: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
    let demo = Demo::start(scenario::show(), 3, Clock::simulated(began, 1.0)).await.unwrap();
    assert!(demo.truth().tiers["standard"].levels.pending > 0);
    demo
}

pub struct Asker<'a> {
    pub demo: &'a Demo,
    pub token: Option<&'a str>,
}

impl<'a> Asker<'a> {
    pub fn admin(demo: &'a Demo) -> Self {
        Self { demo, token: Some(ADMIN_TOKEN) }
    }

    pub async fn get(&self, path: &str) -> Response {
        let mut request = client().get(format!("{}/api/v4/{path}", self.demo.gitlab_url));
        if let Some(token) = self.token {
            request = request.header("private-token", token);
        }
        request.send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.get(path).await;
        (answer.status(), answer.json().await.unwrap())
    }

    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        let mut request = client().post(format!("{}/api/graphql", self.demo.gitlab_url));
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = serde_json::json!({ "query": query, "variables": variables });
        request.json(&body).send().await.unwrap().json().await.unwrap()
    }
}

pub fn client() -> Client {
    let policy = reqwest::redirect::Policy::none();
    Client::builder().redirect(policy).timeout(std::time::Duration::from_secs(20)).build().unwrap()
}

pub const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);
