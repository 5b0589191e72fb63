//! The simulator at size: what the load benchmark stands on.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod demo_support;

use demo_support::Asker;
use jiff::SignedDuration;
use serde_json::json;
use tierwatch::clock::Clock;
use tierwatch::demo::Demo;
use tierwatch::demo::world::{Load, World};

#[test]
fn a_load_stands_still_but_for_its_churn() {
    let began = "2026-11-02T08:00:00Z".parse().unwrap();
    let mut world = World::load(Load { pods: 400, pending: 150, churn_per_second: 100.0, ..Load::default() }, 1, began);
    let before = world.truth();
    world.advance_to(began + SignedDuration::from_secs(10));
    let after = world.truth();
    let pending = |truth: &tierwatch::demo::truth::Truth| truth.tiers.values().map(|t| t.levels.pending).sum::<u64>();
    assert_eq!((pending(&before), pending(&after)), (150, 150));
    let pods: u64 = after.tiers.values().flat_map(|tier| tier.levels.job_pods.values()).sum();
    assert_eq!(pods, 400);
}

#[tokio::test]
async fn a_load_is_reachable() {
    let clock = Clock::simulated("2026-11-02T08:00:00Z".parse().unwrap(), 1.0);
    let demo = Demo::load(Load { pods: 300, pending: 250, ..Load::default() }, 1, clock).await.unwrap();
    let query = "{ jobs(statuses: [PENDING], first: 100) { count nodes { id } pageInfo { hasNextPage } } }";
    let answer = Asker::admin(&demo).graphql(query, json!({})).await;
    assert_eq!(answer["data"]["jobs"]["count"], 250);
    assert_eq!(answer["data"]["jobs"]["pageInfo"]["hasNextPage"], true);
    assert!(demo.config_yaml().contains("tier-sandbox"));
}
