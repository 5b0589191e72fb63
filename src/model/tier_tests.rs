use std::time::Duration;

use super::*;
use crate::model::policy::{History, Objective, Staleness, TierPolicy, Urgency};
use crate::observation::RunnerStatus;

fn arcs(texts: &[&str]) -> Vec<Arc<str>> {
    texts.iter().map(|text| Arc::from(*text)).collect()
}

fn tier(name: &str, tags: &[&str], run_untagged: bool) -> TierPolicy {
    TierPolicy {
        name: name.into(),
        tags: arcs(tags),
        run_untagged,
        runners: Vec::new(),
        namespaces: arcs(&[name]),
        manager_namespaces: arcs(&[name]),
        node_label: "platform.gitlab.com/runner-tier".into(),
        capacity: None,
        urgency: Urgency::Ticket,
        objective: Objective {
            target: 0.95,
            window: Duration::from_secs(30 * 86_400),
            start_within: Duration::from_secs(120),
            min_jobs: 20,
        },
        runbook_url: None,
        token: Default::default(),
        posture: None,
        expects_traffic: None,
        conditions: crate::model::policy::Thresholds::default(),
    }
}

fn policy() -> Policy {
    let horizon = Duration::from_secs(60);
    Policy {
        tiers: vec![
            tier("deployment", &["tier-deployment"], false),
            tier("protected", &["tier-protected"], false),
            tier("standard", &["tier-standard"], true),
        ],
        staleness: Staleness { queue: horizon, runners: horizon, watch: horizon },
        sweep: Duration::from_secs(1800),
        registries: Vec::new(),
        history: History { max_age: Duration::from_secs(86_400), max_jobs: 20_000 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

fn runner(id: u64, tags: &[&str]) -> RunnerReport {
    RunnerReport {
        id: RunnerId(id),
        description: "".into(),
        short_sha: Some(format!("sha{id:05}").into()),
        tags: arcs(tags),
        run_untagged: false,
        protected: false,
        locked: false,
        paused: false,
        status: RunnerStatus::Online,
        scope: RunnerScope::Instance,
        contacted_at: None,
        created_at: None,
        token_expires_at: None,
        expiry_hidden: false,
        managers: None,
    }
}

fn place_with(runners: &[RunnerReport], tags: &[&str], change: impl FnOnce(&mut Wanted<'_>)) -> Fit {
    let policy = policy();
    let tags = arcs(tags);
    let mut job = Wanted { tags: &tags, project_path: Some("kelp/reef"), protected: Some(false), stuck: None };
    change(&mut job);
    place(&policy, Some(&Rosters::new(&policy, runners)), &job)
}

#[test]
fn a_job_belongs_to_the_tier_whose_runner_carries_all_its_tags() {
    let runners = [runner(1, &["tier-standard", "docker"]), runner(2, &["tier-deployment"])];
    assert_eq!(place_with(&runners, &["tier-standard", "docker"], |_| ()), Fit::Tier(2));
    assert_eq!(place_with(&runners, &["tier-deployment"], |_| ()), Fit::Tier(0));
}

#[test]
fn a_paused_or_offline_runner_keeps_its_jobs() {
    let mut asleep = runner(1, &["tier-standard"]);
    asleep.paused = true;
    asleep.status = RunnerStatus::Offline;
    assert_eq!(place_with(&[asleep], &["tier-standard"], |_| ()), Fit::Tier(2));
}

#[test]
fn a_tag_that_no_runner_of_the_nearest_tier_carries_leaves_the_job_unserved() {
    let runners = [runner(1, &["tier-standard"]), runner(2, &["tier-deployment"])];
    let fit = place_with(&runners, &["tier-standard", "gpu"], |_| ());
    assert_eq!(fit, Fit::Unserved(2, UnservedReason::TagMissing));
}

#[test]
fn gitlab_seeing_a_fitting_runner_that_we_do_not_see_is_uncertain() {
    let runners = [runner(1, &["tier-standard"])];
    let fit = place_with(&runners, &["tier-standard", "gpu"], |job| job.stuck = Some(false));
    assert_eq!(fit, Fit::Uncertain(vec![2]));
}

#[test]
fn protection_is_proven_refused_or_unknown() {
    let mut guarded = runner(1, &["tier-protected"]);
    guarded.protected = true;
    let fit =
        |protected| place_with(std::slice::from_ref(&guarded), &["tier-protected"], |job| job.protected = protected);
    assert_eq!(fit(Some(true)), Fit::Tier(1));
    assert_eq!(fit(Some(false)), Fit::Unserved(1, UnservedReason::Protected));
    assert_eq!(fit(None), Fit::Uncertain(vec![1]));
}

#[test]
fn untagged_jobs_need_a_runner_that_takes_them() {
    let mut open = runner(1, &["tier-standard"]);
    assert_eq!(place_with(std::slice::from_ref(&open), &[], |_| ()), Fit::Unserved(2, UnservedReason::Untagged));
    open.run_untagged = true;
    assert_eq!(place_with(&[open], &[], |_| ()), Fit::Tier(2));
}

#[test]
fn a_job_that_two_tiers_would_take_is_shared() {
    let runners = [runner(1, &["tier-standard", "linux"]), runner(2, &["tier-deployment", "linux"])];
    assert_eq!(place_with(&runners, &["linux"], |_| ()), Fit::Shared(vec![0, 2]));
}

#[test]
fn foreign_tags_are_out_of_scope_unless_gitlab_calls_the_job_stuck() {
    let runners = [runner(1, &["tier-standard"])];
    assert_eq!(place_with(&runners, &["windows"], |_| ()), Fit::OutOfScope);
    let stuck = place_with(&runners, &["windows"], |job| job.stuck = Some(true));
    assert_eq!(stuck, Fit::Unserved(0, UnservedReason::TagMissing));
}

#[test]
fn a_group_runner_takes_jobs_below_its_group_only() {
    let mut grouped = runner(1, &["tier-standard"]);
    grouped.scope = RunnerScope::Groups(arcs(&["kelp"]));
    assert_eq!(place_with(std::slice::from_ref(&grouped), &["tier-standard"], |_| ()), Fit::Tier(2));
    grouped.scope = RunnerScope::Groups(arcs(&["kel"]));
    let fit = place_with(std::slice::from_ref(&grouped), &["tier-standard"], |_| ());
    assert_eq!(fit, Fit::Unserved(2, UnservedReason::Unknown));
    let hidden = place_with(&[grouped], &["tier-standard"], |job| job.project_path = None);
    assert_eq!(hidden, Fit::Uncertain(vec![2]));
}

#[test]
fn without_any_runner_known_the_declared_tags_are_only_possible() {
    let policy = policy();
    let tags = arcs(&["tier-standard"]);
    let job = Wanted { tags: &tags, project_path: None, protected: None, stuck: None };
    assert_eq!(place(&policy, None, &job), Fit::Uncertain(vec![2]));
}

#[test]
fn a_declared_runner_id_beats_its_tags() {
    let mut policy = policy();
    policy.tiers[0].runners = vec![RunnerId(7)];
    let rosters = Rosters::new(&policy, &[runner(7, &["tier-standard"])]);
    assert_eq!(rosters.tier_of(RunnerId(7)), Some(0));
}

#[test]
fn the_pod_label_finds_the_runner_although_gitlab_shows_one_character_less() {
    let policy = policy();
    let rosters = Rosters::new(&policy, &[runner(1, &["tier-standard"])]);
    assert_eq!(rosters.tier_of_short("sha00001x"), Some(2));
    assert_eq!(rosters.tier_of_short("other"), None);
}

#[test]
fn protected_patterns_are_globs() {
    for (pattern, name, matches) in [
        ("main", "main", true),
        ("main", "main2", false),
        ("release/*", "release/1.2/hotfix", true),
        ("*-stable", "17-stable", true),
        ("v*.*", "v1.2", true),
        ("v*.*", "v12", false),
        ("*", "", true),
        ("a*a", "a", false),
    ] {
        assert_eq!(matches_protected(pattern, name), matches, "{pattern} against {name}");
    }
}
