//! Embedded defaults ← file ← environment.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use tierwatch::config::{Config, Place, Problems, QueueChoice, Resolved};
use tierwatch::model::policy::Urgency;

use crate::files::{expect_file, root};

const MINIMUM: &str = "
gitlab: { url: https://gitlab.example.com, token_file: /etc/tierwatch/gitlab-token }
tiers:
  standard: { tags: [tier-standard], namespaces: [gitlab-runners-standard], capacity: 10 }
";

fn with_env(file: &str, env: &[(&str, &str)]) -> Result<Config, Problems> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Resolved::from_yaml(file, env).map(|resolved| resolved.config)
}

/// The text in `tests/config/env/NAME.txt`.
fn expect_told(name: &str, problems: &Problems) {
    let file = root().join("tests/config/env").join(name).with_extension("txt");
    expect_file(&file, &problems.to_string()).unwrap_or_else(|drift| panic!("{drift}"));
}

#[test]
fn the_defaults_are_those_of_the_product() {
    let config = Config::from_yaml(MINIMUM).expect("the minimum is valid");
    assert_eq!(config.gitlab.url.as_str(), "https://gitlab.example.com/");
    assert_eq!(config.gitlab.requests_per_minute, 300);
    assert_eq!(config.gitlab.queue.source, QueueChoice::Auto);
    assert_eq!(config.gitlab.queue.interval, Duration::from_secs(15));
    assert_eq!(config.policy.sweep, Duration::from_secs(30 * 60));
    assert_eq!(config.policy.staleness.queue, Duration::from_secs(45));
    assert_eq!(config.policy.staleness.runners, Duration::from_secs(3 * 60));
    assert_eq!(config.policy.staleness.watch, Duration::from_secs(2 * 60));
    assert_eq!(config.policy.history.max_age, Duration::from_secs(24 * 60 * 60));
    assert_eq!(config.policy.history.max_jobs, 20_000);
    assert!(config.kubernetes.enabled && config.kubernetes.cluster_scoped);
    assert_eq!(config.telemetry.otlp_endpoint, None);
    let tier = &config.policy.tiers[0];
    assert_eq!((tier.objective.target, tier.objective.min_jobs, tier.urgency), (0.95, 20, Urgency::Ticket));
    assert_eq!(tier.objective.start_within, Duration::from_secs(120));
    assert_eq!(tier.objective.window, Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(&*tier.node_label, "platform.gitlab.com/runner-tier");
    assert_eq!(tier.manager_namespaces, tier.namespaces);
}

#[test]
fn old_data_is_judged_for_five_minutes_at_most() {
    let slow = MINIMUM.replace("gitlab: {", "gitlab: { queue: { interval: 2m 30s },");
    assert_eq!(Config::from_yaml(&slow).expect("valid").policy.staleness.queue, Duration::from_secs(300));
}

#[test]
fn the_environment_goes_over_the_file() {
    let config = with_env(
        MINIMUM,
        &[
            ("TIERWATCH__GITLAB__URL", "https://other.example.com/git"),
            ("TIERWATCH__GITLAB__REQUESTS_PER_MINUTE", "60"),
            ("TIERWATCH__GITLAB__QUEUE__GROUPS", "platform, apps/web"),
            ("TIERWATCH__GITLAB__QUEUE__SOURCE", "projects"),
            ("TIERWATCH__GITLAB__TIMEOUT", "7s"),
            ("TIERWATCH__KUBERNETES__CLUSTER_SCOPED", "false"),
            ("TIERWATCH__REGISTRIES", "[ghcr.io]"),
            ("TIERWATCH__TIERS__STANDARD__CAPACITY", "25"),
            ("TIERWATCH__TIERS__STANDARD__OBJECTIVE__TARGET", "0.9"),
            ("TIERWATCH__TIERS__STANDARD__TAGS", "1.10,two"),
            ("TIERWATCH__TIERS__EXTRA", "{ tags: [extra], namespaces: [extra] }"),
            // Kubernetes sets such variables for a Service named tierwatch: not ours.
            ("TIERWATCH_PORT", "tcp://10.0.0.1:10471"),
            ("TIERWATCH_SERVICE_HOST", "10.0.0.1"),
        ],
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.gitlab.url.as_str(), "https://other.example.com/git/");
    assert_eq!(config.gitlab.requests_per_minute, 60);
    assert_eq!(config.gitlab.timeout, Duration::from_secs(7));
    assert_eq!(config.gitlab.queue.groups.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["platform", "apps/web"]);
    assert!(!config.kubernetes.cluster_scoped);
    assert_eq!(config.policy.registries.len(), 1);
    let [extra, standard] = &config.policy.tiers[..] else { panic!("two tiers") };
    assert_eq!((&*extra.name, extra.objective.target), ("extra", 0.95));
    assert_eq!((standard.capacity, standard.objective.target), (Some(25), 0.9));
    assert_eq!(standard.tags.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["1.10", "two"]);
}

#[test]
fn everything_may_come_from_the_environment() {
    let config = with_env(
        "",
        &[
            ("TIERWATCH__GITLAB__URL", "https://gitlab.example.com"),
            ("TIERWATCH__GITLAB__TOKEN_FILE", "/etc/tierwatch/gitlab-token"),
            ("TIERWATCH__TIERS__STANDARD__TAGS", "tier-standard"),
            ("TIERWATCH__TIERS__STANDARD__NAMESPACES", "gitlab-runners-standard"),
        ],
    );
    assert_eq!(config.unwrap_or_else(|problems| panic!("{problems}")).policy.tiers.len(), 1);
}

#[test]
fn wrong_variables_are_told_by_their_name() {
    let problems = with_env(
        MINIMUM,
        &[
            ("TIERWATCH__", "x"),
            ("TIERWATCH__GITLAB____URL", "x"),
            ("TIERWATCH__GITLAB__TOKEN", "CanaryCanary"),
            ("TIERWATCH__GITLAB__URI", "https://gitlab.example.com"),
            ("TIERWATCH__GITLAB__TIMEOUT", "ten"),
            ("TIERWATCH__GITLAB__QUEUE", "fast"),
            ("TIERWATCH__KUBERNETES__ENABLED", "yes"),
            ("TIERWATCH__TIERS__STANDARD__CAPACITY", "many"),
        ],
    )
    .expect_err("all are wrong");
    expect_told("wrong_variables", &problems);
}

#[test]
fn a_broken_list_in_a_variable_is_told() {
    let problems = with_env(MINIMUM, &[("TIERWATCH__REGISTRIES", "[ghcr.io")]).expect_err("no closing bracket");
    expect_told("broken_list_in_variable", &problems);
}

#[test]
fn relative_paths_start_at_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tierwatch.yaml");
    let text = MINIMUM.replace("/etc/tierwatch/gitlab-token", "secrets/token");
    std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    let config = Config::load(&path, std::iter::empty()).expect("valid");
    assert_eq!(config.gitlab.token.path(), folder.path().join("secrets/token"));
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let problems = Config::load(Path::new("/nowhere/tierwatch.yaml"), std::iter::empty()).expect_err("no such file");
    expect_told("unreadable_file", &problems);
    assert_eq!(problems.list()[0].place, Place::Unknown);
}
