//! The daemon on the real API server, with the rights that it prints and no others, and the simulated GitLab.

use std::collections::BTreeMap;
use std::time::Duration;

use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};
use tierwatch::metrics::catalogue;

use crate::support::cluster::{Cluster, Options, User};
use crate::support::daemon::{Daemon, print};
use crate::support::job_pod::JobPod;
use crate::support::prometheus::{Prometheus, Version, check_metrics};
use crate::support::relay::Relay;
use crate::support::stage::{Hands, NodeSpec, Stage};
use crate::support::until;

const TIER_LABEL: &str = "platform.gitlab.com/runner-tier";

/// A GitLab for the daemon, and its config for two tiers in these namespaces.
pub(crate) struct Platform {
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

/// Two namespaces, the rights that the daemon prints for them, and the daemon, which reaches the API server on `port`.
async fn watch(hands: &Hands, cluster: &Cluster, port: u16) -> (String, String, Platform, Daemon) {
    let standard = hands.namespace("standard", Some("privileged")).await;
    let deployment = hands.namespace("deployment", Some("baseline")).await;
    let platform = Platform::new(cluster, port, &standard, &deployment).await;
    hands.apply_rights(&print(&["print", "rbac"], &platform.config)).await;
    let daemon = Daemon::start(&platform.config).await;
    (standard, deployment, platform, daemon)
}

pub(crate) async fn watching(stage: &Stage) -> (String, String, Platform, Daemon) {
    watch(stage, stage.cluster, stage.cluster.api_port()).await
}

fn pods(tier: &str, phase: &str) -> String {
    format!("tierwatch_job_pods{{tier=\"{tier}\",phase=\"{phase}\"}}")
}

fn up(source: &str, tier: &str) -> String {
    format!("tierwatch_source_up{{source=\"{source}\",tier=\"{tier}\"}}")
}

pub(crate) fn unschedulable(tier: &str, cause: &str) -> String {
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

/// Since 1.35 the scheduler's sentence names no key: only the Node objects know what a taint means.
#[tokio::test]
async fn the_daemon_reads_in_the_nodes_what_a_taint_means() {
    let stage = Stage::take().await;
    stage.node(&NodeSpec { labels: &[(TIER_LABEL, "standard")], ..NodeSpec::new("worker") }).await;
    stage
        .node(&NodeSpec { taints: &[("karpenter.sh/disrupted", "", "NoSchedule")], ..NodeSpec::new("elsewhere") })
        .await;
    stage.taint("worker", &[("node.kubernetes.io/not-ready", "", "NoSchedule")]).await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    daemon.shows(&up("kube_nodes", "standard"), 1.0).await;
    stage.job_pod(&standard, &JobPod::new(904)).await;
    daemon.shows(&unschedulable("standard", "node_not_ready"), 1.0).await;
    daemon.shows("tierwatch_scheduling_failures_total{tier=\"standard\",cause=\"node_not_ready\"}", 1.0).await;
    for (key, cause) in [
        ("node.kubernetes.io/memory-pressure", "node_pressure"),
        ("karpenter.sh/disrupted", "node_disrupted"),
        ("ebs.csi.aws.com/agent-not-ready", "node_startup"),
        ("dedicated", "untolerated_taint"),
    ] {
        stage.taint("worker", &[(key, "", "NoSchedule")]).await;
        daemon.shows(&unschedulable("standard", cause), 1.0).await;
    }
    stage.taint("worker", &[]).await;
    daemon.shows(&pods("standard", "pending"), 1.0).await;
    daemon.shows(&unschedulable("standard", "untolerated_taint"), 0.0).await;
    daemon.shows("tierwatch_scheduling_failures_total{tier=\"standard\",cause=\"node_not_ready\"}", 1.0).await;
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

/// A panel's outlier leads to the job: each bucket of a wait names the last one that fell into it.
#[tokio::test]
async fn both_prometheus_keep_the_job_behind_a_wait() {
    let stage = Stage::take().await;
    let (_, _, _platform, daemon) = watching(&stage).await;
    for version in [Version::Three, Version::Two] {
        let server = Prometheus::start(version, daemon.address()).await;
        let named = until("an exemplar", async || {
            // Who stores native buckets keeps no classic ones, and the exemplars with the former.
            let query = "{__name__=~\"tierwatch_queue_wait_seconds(_bucket)?\"}";
            let asked = [("query", query), ("start", "0"), ("end", "4102444800")];
            let series = server.get("/api/v1/query_exemplars", &asked).await?;
            series[0]["exemplars"][0]["labels"]["job_id"].as_str().map(str::to_owned).ok_or_else(|| series.to_string())
        })
        .await;
        let job = daemon.api(&format!("jobs/{named}")).await;
        assert_eq!(job["id"].as_u64().map(|id| id.to_string()), Some(named), "{version:?}: {job}");
    }
}

/// Of id 86 in the collection of real messages (a kubelet with containerd, dell/csi-baremetal#391).
const RATE_LIMITED: &str = "rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/library/centos:latest\": failed to copy: httpReaderSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/centos/manifests/sha256:dbbacecc49b088458781c16f3775f2a2ec7521079034a7ba499c8b0bb7f86875: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit";

#[tokio::test]
async fn the_daemon_follows_a_pod_through_sandbox_pull_and_start_to_its_deletion() {
    let stage = Stage::take().await;
    stage.node(&NodeSpec::new("worker")).await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    daemon.shows(&pods("standard", "pending"), 0.0).await;
    let failing =
        "tierwatch_job_pods_image_pull_failing{tier=\"standard\",registry=\"docker.io\",cause=\"rate_limited\"}";
    let failed = "tierwatch_image_pull_failures_total{tier=\"standard\",cause=\"rate_limited\"}";

    let name = stage.job_pod(&standard, &JobPod { image: "centos", ..JobPod::new(911) }).await;
    stage.scheduled(&standard, &name).await;
    let mut kubelet = stage.kubelet(&standard, &name).await;
    daemon.shows(&pods("standard", "pending"), 1.0).await;
    kubelet.sandbox_up().await;
    kubelet.started("init-permissions").await;
    kubelet.ended("init-permissions", 0).await;
    for _ in 0..2 {
        kubelet.pulling("build").await;
        kubelet.pull_failed("build", RATE_LIMITED).await;
        daemon.shows(failing, 1.0).await;
        kubelet.pull_backs_off("build", RATE_LIMITED).await;
    }
    daemon.shows(failing, 1.0).await;

    kubelet.pulled("build", "1.366s", "3.214s").await;
    kubelet.started("build").await;
    kubelet.started("helper").await;
    daemon.shows(&pods("standard", "running"), 1.0).await;
    daemon.shows(&pods("standard", "pending"), 0.0).await;
    assert_eq!(daemon.value(failing).await.unwrap_or(0.0), 0.0, "the pull has come through");
    assert_eq!(daemon.value(failed).await, Some(1.0), "two tries of one pull are one failure");

    stage.delete_pod(&standard, &name).await;
    daemon.shows(&pods("standard", "running"), 0.0).await;
    assert_eq!(daemon.value(failed).await, Some(1.0), "what has happened stays counted");
}

#[tokio::test]
async fn a_namespace_without_rights_blinds_its_own_tier_only() {
    // A cluster of its own: the daemon asks again only after a minute, and nobody should wait for that.
    let cluster = Cluster::start(Options::default()).await;
    let hands = Hands::of(&cluster).await;
    let standard = hands.namespace("standard", None).await;
    let deployment = hands.namespace("deployment", None).await;
    let platform = Platform::new(&cluster, cluster.api_port(), &standard, &deployment).await;
    let rights = print(&["print", "rbac"], &platform.config);
    hands.apply_rights(&rights).await;
    hands.revoke(&deployment).await;

    let daemon = Daemon::start(&platform.config).await;
    daemon.shows(&up("kube_pods", "deployment"), 0.0).await;
    daemon.shows(&up("kube_pods", "standard"), 1.0).await;
    let refused = "tierwatch_source_failures_total{source=\"kube_pods\",tier=\"deployment\",class=\"forbidden\"}";
    daemon.shows(refused, 1.0).await;
    assert_eq!(daemon.value(&pods("deployment", "pending")).await, None, "unknown is absent, never zero");

    hands.job_pod(&standard, &JobPod::new(921)).await;
    daemon.shows(&pods("standard", "pending"), 1.0).await;
    hands.job_pod(&deployment, &JobPod::new(922)).await;
    hands.apply_rights(&rights).await;
    daemon.shows_within(Duration::from_secs(120), &up("kube_pods", "deployment"), 1.0).await;
    daemon.shows(&pods("deployment", "pending"), 1.0).await;
}

#[tokio::test]
async fn the_daemon_outlives_the_api_server_and_counts_nothing_twice() {
    let mut cluster = Cluster::start(Options::default()).await;
    let hands = Hands::of(&cluster).await;
    let (standard, _, _platform, daemon) = watch(&hands, &cluster, cluster.api_port()).await;
    let entered = "tierwatch_scheduling_failures_total{tier=\"standard\",cause=\"no_nodes\"}";
    daemon.shows(&up("kube_pods", "standard"), 1.0).await;
    hands.job_pod(&standard, &JobPod::new(931)).await;
    daemon.shows(entered, 1.0).await;

    cluster.stop_api().await;
    daemon.shows(&up("kube_pods", "standard"), 0.0).await;
    cluster.start_api().await;

    // It answers 403 to everybody until it has read its own roles: no refusal that lasts.
    daemon.shows(&up("kube_pods", "standard"), 1.0).await;
    hands.job_pod(&standard, &JobPod::new(932)).await;
    daemon.shows(entered, 2.0).await;
    daemon.shows(&pods("standard", "pending"), 2.0).await;
}

#[tokio::test]
async fn the_daemon_lists_again_after_410_and_misses_neither_what_came_nor_what_went() {
    let cluster = Cluster::start(Options { compaction: Some(Duration::from_secs(1)), ..Options::default() }).await;
    let hands = Hands::of(&cluster).await;
    let relay = Relay::to(cluster.api_port()).await;
    let (standard, _, _platform, daemon) = watch(&hands, &cluster, relay.port()).await;
    // What is there before the first look is the baseline, and counts nothing.
    daemon.shows(&up("kube_pods", "standard"), 1.0).await;
    let goes = hands.job_pod(&standard, &JobPod::new(941)).await;
    hands.job_pod(&standard, &JobPod::new(942)).await;
    daemon.shows(&pods("standard", "pending"), 2.0).await;
    let entered = "tierwatch_scheduling_failures_total{tier=\"standard\",cause=\"no_nodes\"}";
    daemon.shows(entered, 2.0).await;

    relay.cut();
    hands.delete_pod(&standard, &goes).await;
    for job in 943..946 {
        hands.job_pod(&standard, &JobPod::new(job)).await;
    }
    // Etcd forgets at the second interval after the last change that the daemon saw.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        hands.namespace("history", None).await;
    }
    relay.mend();

    daemon.shows(&pods("standard", "pending"), 4.0).await;
    daemon.shows(entered, 5.0).await;
    daemon.shows(&up("kube_events", "standard"), 1.0).await;
    assert!(daemon.log().contains("410"), "the API server has said it: {}", daemon.log());
}

#[tokio::test]
async fn both_prometheus_know_each_family_as_the_catalogue_has_it() {
    let stage = Stage::take().await;
    let (_, _, _platform, daemon) = watching(&stage).await;
    daemon.shows(&up("kube_pods", "standard"), 1.0).await;
    let rows: BTreeMap<_, _> = catalogue::ALL.iter().map(|row| (row.name, row.kind.as_str())).collect();
    for version in [Version::Three, Version::Two] {
        let server = Prometheus::start(version, daemon.address()).await;
        server.scraped().await;
        let metadata = server.metadata().await;
        assert!(metadata.len() > 30, "{version:?} knows only {} families", metadata.len());
        for (name, about) in metadata {
            // OpenMetrics, which both ask for, names a counter's family without its ending.
            let kind = rows.get(&*name).or_else(|| rows.get(&*format!("{name}_total")));
            assert_eq!(kind.copied(), Some(&*about.kind), "{name} in {version:?}");
            assert!(!about.help.is_empty(), "{name} in {version:?} has no help");
        }
    }
}
