//! The simulator's stories: the same seed tells the same one, and each shows what it is about.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use jiff::{SignedDuration, Timestamp};
use tierwatch::demo::scenario::{self, Scenario};
use tierwatch::demo::truth::{TierTruth, Truth};
use tierwatch::demo::world::World;

fn began() -> Timestamp {
    "2026-11-02T08:00:00Z".parse().unwrap()
}

/// Plays a story in small steps until all is worked off.
fn played(scenario: Scenario, seed: u64, step: SignedDuration) -> World {
    let mut world = World::new(scenario, seed, began());
    let mut now = began();
    while !world.is_over() {
        now += step;
        world.advance_to(now);
        assert!(now < began() + SignedDuration::from_hours(4), "the story never ends");
    }
    world
}

/// Each story is played once for all tests of this file.
fn truth_of(name: &'static str) -> Truth {
    static TOLD: Mutex<BTreeMap<&str, Arc<OnceLock<Truth>>>> = Mutex::new(BTreeMap::new());
    let told = Arc::clone(TOLD.lock().unwrap().entry(name).or_default());
    told.get_or_init(|| tell(name)).clone()
}

fn tell(name: &str) -> Truth {
    let scenario = scenario::find(name).unwrap();
    let seed = scenario.seed;
    let world = played(scenario, seed, SignedDuration::from_secs(20));
    let truth = world.truth();
    for (tier, truth) in &truth.tiers {
        assert_eq!(truth.levels.pending, 0, "{name}: {tier} is not worked off");
    }
    truth
}

fn count(of: &TierTruth, outcome: &str) -> u64 {
    of.outcomes.get(outcome).copied().unwrap_or(0)
}

fn all_in_time_but(truth: &Truth, hurt: &[&str]) {
    for (tier, truth) in truth.tiers.iter().filter(|(tier, _)| !hurt.contains(tier)) {
        assert!(count(truth, "in_time") > 0, "{tier} had no traffic");
        assert_eq!((count(truth, "late"), count(truth, "platform_failure")), (0, 0), "{tier} should be well");
    }
}

#[test]
fn the_same_seed_tells_the_same_story_however_often_one_looks() {
    let told = |seed, step| played(scenario::find("saturated-standard").unwrap(), seed, step).truth();
    let often = told(7, SignedDuration::from_millis(130));
    let rarely = told(7, SignedDuration::from_secs(11));
    assert_eq!(often.tiers, rarely.tiers);
    assert_ne!(often.tiers, told(8, SignedDuration::from_secs(11)).tiers);
}

#[test]
fn the_parts_of_a_truth_fit_together() {
    for scenario in scenario::all().into_iter().filter(|scenario| scenario.name != "show") {
        let name = scenario.name;
        for (tier, truth) in truth_of(name).tiers {
            let phases: f64 = truth.phases.values().map(|tally| tally.sum).sum();
            assert!((phases - truth.started.sum).abs() < 0.001, "{name}: phases of {tier} do not add up");
            assert!(truth.phases.values().all(|tally| tally.count == truth.started.count), "{name}: {tier}");
            let judged: u64 = truth.outcomes.values().sum();
            assert!(judged >= truth.started.count, "{name}: {tier} started jobs without a verdict");
            assert!(truth.taken.count >= truth.started.count, "{name}: {tier}");
        }
    }
}

#[test]
fn a_quiet_day_is_quiet() {
    let truth = truth_of("quiet-day");
    all_in_time_but(&truth, &[]);
    assert!(truth.tiers["standard"].failed["script_failure"] > 0);
    assert!(truth.tiers.values().all(|tier| tier.pulls.is_empty() && tier.dropped.is_empty()));
}

#[test]
fn a_saturated_tier_is_late_and_no_other() {
    let truth = truth_of("saturated-standard");
    assert!(count(&truth.tiers["standard"], "late") > 20);
    all_in_time_but(&truth, &["standard"]);
}

#[test]
fn one_project_floods_a_tier() {
    let truth = truth_of("noisy-project");
    let started = truth.tiers["standard"].started.count;
    assert!(started > 300, "{started}");
    let late = count(&truth.tiers["standard"], "late");
    assert!(late < started / 5, "a long queue that moves: {late} of {started} are late");
}

#[test]
fn offline_runners_make_jobs_wait() {
    let truth = truth_of("deployment-runners-offline");
    assert!(count(&truth.tiers["deployment"], "late") >= 5);
    assert_eq!(truth.tiers["deployment"].levels.runners["online"], 1, "GitLab says so all the while");
    all_in_time_but(&truth, &["deployment"]);
}

#[test]
fn large_jobs_find_no_processors() {
    let truth = truth_of("insufficient-cpu");
    let standard = &truth.tiers["standard"];
    assert!(standard.unschedulable["insufficient_cpu"] >= 5);
    assert_eq!(standard.unschedulable.len(), 1, "{:?}", standard.unschedulable);
    assert!(standard.failed["runner_system_failure"] > 0, "some end by poll_timeout");
    all_in_time_but(&truth, &["standard"]);
}

#[test]
fn a_new_taint_keeps_pods_off_the_nodes() {
    let truth = truth_of("untolerated-taint");
    assert!(truth.tiers["standard"].unschedulable["untolerated_taint"] >= 5);
    all_in_time_but(&truth, &["standard"]);
}

#[test]
fn a_registry_limits_its_rate() {
    let truth = truth_of("registry-rate-limit");
    let standard = &truth.tiers["standard"];
    assert!(standard.pulls[&("docker.io".to_owned(), "rate_limited")] >= 1);
    assert!(count(standard, "platform_failure") >= 1);
}

#[test]
fn a_registry_refuses_the_secret() {
    let truth = truth_of("registry-auth");
    let pulls = &truth.tiers["standard"].pulls;
    assert!(pulls[&("registry.harbour.example".to_owned(), "auth")] >= 1);
    assert_eq!(pulls.len(), 1);
}

#[test]
fn a_missing_image_is_its_users_fault() {
    let truth = truth_of("image-not-found");
    let standard = &truth.tiers["standard"];
    assert_eq!(count(standard, "user_failure"), 8);
    assert_eq!(standard.pulls[&("registry.harbour.example".to_owned(), "not_found")], 16, "each is tried twice");
    assert_eq!(count(standard, "platform_failure"), 0);
}

#[test]
fn jobs_that_no_runner_fits_are_dropped_after_an_hour() {
    let reason = "stuck_pending_no_matching_runners";
    assert_eq!(truth_of("dropped-jobs").tiers["standard"].dropped[reason], 5);
    assert_eq!(truth_of("dropped-jobs").tiers["protected"].dropped[reason], 4);
}

#[test]
fn a_busy_platform_is_well() {
    all_in_time_but(&truth_of("busy-day"), &[]);
    all_in_time_but(&truth_of("gitlab-restart"), &[]);
}

#[test]
fn a_forgotten_job_is_dropped_after_a_day() {
    let truth = truth_of("neglected-tiers");
    let privileged = &truth.tiers["privileged"];
    assert_eq!(privileged.dropped["stuck_pending_with_matching_runners"], 1);
    assert!(count(privileged, "late") > 0, "what came meanwhile waited");
    assert_eq!(count(privileged, "platform_failure"), 0, "its start was nobody's to count");
}

#[test]
fn a_riddle_is_counted_as_such() {
    let pulls = &truth_of("tokens-running-out").tiers["standard"].pulls;
    assert_eq!(pulls[&("registry.harbour.example".to_owned(), "other")], 10, "each is tried twice");
}

#[test]
fn a_taken_back_node_ends_its_jobs() {
    let truth = truth_of("spot-interruption");
    let standard = &truth.tiers["standard"];
    assert!(standard.disrupted["spot_interruption"] >= 2);
    assert!(standard.failed["runner_system_failure"] >= 2);
}

#[test]
fn a_quota_refuses_the_pods_that_come_too_many() {
    let truth = tell("quota-exhausted");
    let standard = &truth.tiers["standard"];
    assert!(standard.refused["quota"] > 5, "{standard:?}");
    assert!(standard.failed["runner_system_failure"] >= standard.refused["quota"]);
    assert!(truth.tiers.iter().all(|(name, tier)| *name == "standard" || tier.refused.is_empty()));
}

#[test]
fn a_limit_range_refuses_the_large_pods_only() {
    let truth = tell("limit-range");
    let standard = &truth.tiers["standard"];
    assert_eq!(standard.refused["limit_range"], 8, "{standard:?}");
    assert!(truth.tiers.iter().all(|(name, tier)| *name == "standard" || tier.refused.is_empty()));
}

#[test]
fn misbehaving_apis_hurt_no_job() {
    all_in_time_but(&truth_of("gitlab-429-storm"), &[]);
    all_in_time_but(&truth_of("apiserver-relist"), &[]);
}

#[test]
fn the_show_goes_on_and_begins_with_trouble() {
    let mut world = World::new(scenario::show(), 1, began());
    world.advance_to(began() + SignedDuration::from_mins(12));
    let truth = world.truth();
    assert!(truth.tiers["deployment"].levels.pending > 0);
    assert!(truth.tiers["standard"].levels.pending > 10);
    assert!(!truth.tiers["standard"].pulls.is_empty());
    world.advance_to(began() + SignedDuration::from_hours(3));
    assert!(!world.is_over());
}
