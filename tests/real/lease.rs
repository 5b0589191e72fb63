//! Two daemons and one Lease on the real API server: whoever holds it is killed, paused, cut off and told to end. What both count
//! together, read as raw samples of a real Prometheus, never exceeds the truth, and what is missing is told.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tierwatch::clock::Clock;
use tierwatch::demo::truth::Truth;
use tierwatch::demo::{Demo, scenario};

use crate::kills::{increase, samples};
use crate::support::cluster::User;
use crate::support::daemon::{Daemon, print};
use crate::support::prometheus::{Prometheus, Version};
use crate::support::relay::Relay;
use crate::support::stage::Stage;
use crate::support::{free_ports, now, say};

/// So many times the usual traffic: a job every other second.
const TRAFFIC: f64 = 3.5;

/// After something happened it takes so long until it is counted: a poll, a look-up, a renewal, a busy machine.
const LAG: Duration = Duration::from_secs(5);

/// A counter, and what it should have counted.
type Counter = (&'static str, fn(&Truth) -> u64);

/// What GitLab alone tells: the real cluster has no pods of the simulated jobs.
const COUNTERS: [Counter; 2] = [
    ("tierwatch_queue_wait_seconds", |truth| truth.tiers.values().map(|tier| tier.taken.count).sum()),
    ("tierwatch_jobs_failed_total", |truth| truth.tiers.values().flat_map(|tier| tier.failed.values()).sum()),
];

/// One of the two: a daemon behind a wire to the API server, scraped every second.
struct One {
    address: String,
    config: String,
    relay: Relay,
    daemon: Option<Daemon>,
    prometheus: Prometheus,
    /// Of each counter: what its daemons had counted when they died, and no scrape had seen.
    unscraped: [u64; COUNTERS.len()],
}

impl One {
    async fn start(demo: &Demo, stage: &Stage, version: Version) -> Self {
        let relay = Relay::to(stage.cluster.api_port()).await;
        let config = config(demo, &stage.cluster.kubeconfig_file(User::Tierwatch, relay.port()).display().to_string());
        let [port] = free_ports();
        let address = format!("127.0.0.1:{port}");
        let prometheus = Prometheus::start(version, &address).await;
        let mut one = Self { address, config, relay, daemon: None, prometheus, unscraped: [0; COUNTERS.len()] };
        one.rise().await;
        one
    }

    async fn rise(&mut self) {
        self.daemon = Some(Daemon::start_at(&self.address, &self.config).await);
    }

    /// The daemon, about to die, and its last words kept: increments after a last scrape die with the process.
    async fn last_words(&mut self) -> Daemon {
        let daemon = self.daemon.take().expect("it lives");
        let text = daemon.metrics().await;
        for (place, (metric, _)) in COUNTERS.iter().enumerate() {
            let counted = text.lines().filter_map(|line| {
                let labels = line.strip_prefix(metric)?;
                let (series, value) = labels.strip_prefix("_count").unwrap_or(labels).rsplit_once(' ')?;
                if series.starts_with('{') { value.parse::<f64>().ok() } else { None }
            });
            let counted = counted.sum::<f64>() as u64;
            self.unscraped[place] += counted.saturating_sub(self.last_scraped(metric).await);
        }
        daemon
    }

    /// What the last scrape saw of the process that lives.
    async fn last_scraped(&self, metric: &str) -> u64 {
        let series = self.series(metric).await;
        series.iter().filter_map(|series| samples(series).last().copied()).sum()
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it lives")
    }

    async fn leads(&self, leads: bool) {
        self.daemon().shows("tierwatch_leader", f64::from(u8::from(leads))).await;
    }

    async fn counted(&self, metric: &str) -> u64 {
        self.series(metric).await.iter().map(|series| increase(&samples(series))).sum()
    }

    /// The raw samples of each series.
    async fn series(&self, metric: &str) -> Vec<serde_json::Value> {
        let answer = self.prometheus.get("/api/v1/query", &[("query", &format!("{metric}[1h]"))]).await;
        let mut answer = answer.unwrap_or_else(|e| panic!("the raw samples of {metric}: {e}"));
        serde_json::from_value(answer["result"].take()).expect("a matrix")
    }
}

fn config(demo: &Demo, kubeconfig: &str) -> String {
    let gitlab = "\n  requests_per_minute: 20000\n  queue: { interval: 1s }\n  runners: { interval: 5s }\nkubernetes:";
    let config = demo.config_yaml().replacen("\nkubernetes:", gitlab, 1);
    let theirs = config.lines().find(|line| line.trim_start().starts_with("kubeconfig:")).expect("the demo has one");
    let config = config.replacen(theirs, &format!("  kubeconfig: '{kubeconfig}'\n  cluster_scoped: false"), 1);
    config
        + "high_availability:\n  { enabled: true, namespace: tierwatch, lease_duration: 5s, renew_deadline: 3s, \
           retry_period: 1s }\n"
}

/// The namespaces that the printed rights are for, and the rights.
async fn set_up(stage: &Stage, config: &str) {
    let rights = print(&["print", "rbac"], config);
    let places = rights.lines().filter_map(|line| line.strip_prefix("  namespace: "));
    for name in places.chain(["tierwatch"]).collect::<std::collections::BTreeSet<_>>() {
        let body = serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        stage.apply(&format!("/api/v1/namespaces/{name}"), &body).await;
    }
    stage.apply_rights(&rights).await;
}

struct Timeline(Vec<(Timestamp, Vec<u64>)>);

impl Timeline {
    fn note(&mut self, demo: &Demo) {
        let truth = demo.truth();
        self.0.push((now(), COUNTERS.iter().map(|(_, of)| of(&truth)).collect()));
    }

    async fn passes(&mut self, demo: &Demo, lasts: u64) {
        for _ in 0..lasts * 5 {
            self.note(demo);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn within(&self, place: usize, from: Timestamp, to: Timestamp) -> u64 {
        let by = |at: Timestamp| self.0[self.0.partition_point(|(taken, _)| *taken <= at).saturating_sub(1)].1[place];
        by(to) - by(from)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_never_count_more_than_the_truth_and_tell_what_they_miss() {
    let stage = Stage::take().await;
    let story = scenario::find("quiet-day").expect("a known scenario").busy_for_ever(TRAFFIC);
    let demo = Demo::start(story, 11, Clock::system()).await.expect("the simulated platform starts");
    let admin = stage.cluster.kubeconfig_file(User::Tierwatch, stage.cluster.api_port()).display().to_string();
    set_up(&stage, &config(&demo, &admin)).await;
    let mut timeline = Timeline(vec![]);
    timeline.note(&demo);
    let mut a = One::start(&demo, &stage, Version::Three).await;
    a.leads(true).await;
    timeline.note(&demo);
    let began = now();
    let mut b = One::start(&demo, &stage, Version::Two).await;
    b.leads(false).await;
    timeline.passes(&demo, 12).await;
    assert_eq!(b.counted(COUNTERS[0].0).await, 0, "who stands by counts nothing");

    // Killed: what it counted after its last scrape dies with it.
    drop(a.last_words().await);
    let mut changed = vec![now()];
    b.leads(true).await;
    a.rise().await;
    timeline.passes(&demo, 10).await;
    a.leads(false).await;

    // Paused for longer than the Lease lasts, and back.
    b.daemon().signal("STOP");
    changed.push(now());
    a.leads(true).await;
    timeline.passes(&demo, 6).await;
    b.daemon().signal("CONT");
    b.leads(false).await;
    timeline.passes(&demo, 6).await;
    a.leads(true).await;

    // Cut off: it gives up before the other begins.
    a.relay.hang();
    changed.push(now());
    a.leads(false).await;
    b.leads(true).await;
    timeline.passes(&demo, 6).await;
    a.relay.mend();
    timeline.passes(&demo, 6).await;
    a.leads(false).await;

    // Told to end: the other follows without waiting for the Lease to run out.
    let asked = now();
    changed.push(asked);
    assert!(b.last_words().await.stop().await.success());
    a.leads(true).await;
    let handed_over = now().duration_since(asked);
    assert!(handed_over < SignedDuration::from_secs(5), "it took {handed_over:#}");
    timeline.passes(&demo, 15).await;
    let end = now();
    timeline.note(&demo);

    let lease = stage.cluster.client(User::Admin).await;
    let leases = kube::Api::<k8s_openapi::api::coordination::v1::Lease>::namespaced(lease, "tierwatch");
    let lease = leases.get("tierwatch").await.expect("the Lease is there").spec.expect("it says something");
    assert!(lease.lease_transitions >= Some(4), "killed, paused, cut off, ended: {lease:?}");

    let mut left_out = 0;
    for one in [&a, &b] {
        left_out += one.counted("tierwatch_lease_left_out_total").await;
    }
    let mut table =
        format!("{:<32}{:>7}{:>9}{:>9}{:>11}{:>9}\n", "", "truth", "counted", "missing", "unscraped", "at turns");
    let mut wrong = Vec::new();
    for (place, (metric, _)) in COUNTERS.iter().enumerate() {
        let truth = timeline.within(place, timeline.0[0].0, end);
        let counted = a.counted(metric).await + b.counted(metric).await;
        let missing = truth.saturating_sub(counted);
        let unscraped = a.unscraped[place] + b.unscraped[place];
        // Before the first could see them, and on their way at the end.
        let blind = timeline.within(place, timeline.0[0].0, began) + timeline.within(place, end - LAG, end);
        // On their way to be counted when the Lease changed hands.
        let at_turns: u64 = changed.iter().map(|at| timeline.within(place, *at - LAG, *at)).sum();
        writeln!(table, "{metric:<32}{truth:>7}{counted:>9}{missing:>9}{unscraped:>11}{at_turns:>9}")
            .expect("a string takes text");
        // What is told is more than what is lost: a holder cannot know what the one before it still counted.
        if counted > truth || missing > blind + unscraped + left_out || missing > blind + unscraped + at_turns {
            wrong.push(*metric);
        }
    }
    say(&format!("killed, paused, cut off, ended; {left_out} told as left out\n{table}"));
    assert!(wrong.is_empty(), "{wrong:?}:\n{table}");
    // The bound is no excuse for counting little.
    let truth = timeline.within(0, began, end);
    let counted = a.counted(COUNTERS[0].0).await + b.counted(COUNTERS[0].0).await;
    assert!(counted * 2 > truth, "{table}");
}
