//! The daemon on the real API server, with the rights that it prints and no others, and the simulated GitLab.

use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};

use crate::support::cluster::{Cluster, User};
use crate::support::daemon::{Daemon, print};
use crate::support::job_pod::JobPod;
use crate::support::prometheus::{Prometheus, Version, check_metrics};
use crate::support::stage::{NodeSpec, Stage};

const TIER_LABEL: &str = "platform.gitlab.com/runner-tier";

/// A GitLab for the daemon, and its config for two tiers in these namespaces.
struct Platform {
    _gitlab: Demo,
    config: String,
}

impl Platform {
    async fn new(cluster: &Cluster, port: u16, standard: &str, deployment: &str) -> Self {
        let gitlab = Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports");
        let config = format!(
            "gitlab: {{ url: '{}', token_file: '{}' }}\n\
             kubernetes: {{ kubeconfig: '{}' }}\n\
             tiers:\n\
             \x20 standard: {{ tags: [tier-standard], namespaces: [{standard}] }}\n\
             \x20 deployment: {{ tags: [tier-deployment], namespaces: [{deployment}] }}\n",
            gitlab.gitlab_url,
            gitlab.token_file().display(),
            cluster.kubeconfig_file(User::Tierwatch, port).display(),
        );
        Self { _gitlab: gitlab, config }
    }
}

/// Two namespaces, the rights that the daemon prints for them, and the daemon.
async fn watching(stage: &Stage) -> (String, String, Platform, Daemon) {
    let standard = stage.namespace("standard", Some("baseline")).await;
    let deployment = stage.namespace("deployment", Some("baseline")).await;
    let platform = Platform::new(stage.cluster, stage.cluster.api_port(), &standard, &deployment).await;
    stage.apply_rights(&print(&["print", "rbac"], &platform.config)).await;
    let daemon = Daemon::start(&platform.config).await;
    (standard, deployment, platform, daemon)
}

fn unschedulable(tier: &str, cause: &str) -> String {
    format!("tierwatch_job_pods_unschedulable{{tier=\"{tier}\",cause=\"{cause}\"}}")
}

#[tokio::test]
async fn the_daemon_tells_what_the_scheduler_said() {
    let stage = Stage::take().await;
    let taints = &[(TIER_LABEL, "deployment", "NoSchedule")];
    stage.node(&NodeSpec { taints, ..NodeSpec::new("worker") }).await;
    let (standard, deployment, _platform, daemon) = watching(&stage).await;
    daemon.shows(&unschedulable("standard", "insufficient_cpu"), 0.0).await;

    stage.job_pod(&standard, &JobPod { cpu: "30", tolerations: taints, ..JobPod::new(901) }).await;
    daemon.shows(&unschedulable("standard", "insufficient_cpu"), 1.0).await;
    stage.job_pod(&standard, &JobPod::new(902)).await;
    daemon.shows(&unschedulable("standard", "untolerated_taint"), 1.0).await;
    let node_selector = &[(TIER_LABEL, "deployment")];
    let lost = stage.job_pod(&deployment, &JobPod { node_selector, tolerations: taints, ..JobPod::new(903) }).await;
    daemon.shows(&unschedulable("deployment", "node_affinity"), 1.0).await;

    stage.delete_pod(&deployment, &lost).await;
    daemon.shows(&unschedulable("deployment", "node_affinity"), 0.0).await;
    daemon.shows(&unschedulable("standard", "untolerated_taint"), 1.0).await;
    assert!(daemon.stop().await.success(), "SIGTERM is a fine end");
}

#[tokio::test]
async fn prometheus_3_and_2_42_scrape_the_daemon_and_promtool_finds_it_clean() {
    let stage = Stage::take().await;
    let (_, _, _platform, daemon) = watching(&stage).await;
    daemon.shows(&unschedulable("standard", "insufficient_cpu"), 0.0).await;

    assert_eq!(check_metrics(&daemon.metrics().await), Ok(()), "{}", daemon.log());
    for version in [Version::Three, Version::Two] {
        let server = Prometheus::start(version, daemon.address()).await;
        server.scraped().await;
        assert_eq!(server.value("count(tierwatch_tier_info)").await, 2.0, "{version:?}");
    }
    assert_eq!(daemon.api("tiers").await["tiers"].as_array().map(Vec::len), Some(2));
    assert_eq!(daemon.value("tierwatch_source_up{source=\"nothing\"}").await, None);
}
