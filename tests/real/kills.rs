//! A daemon that is killed again and again, under a real Prometheus: what its samples add up to never exceeds the truth, and
//! what is missing happened when nobody could have told of it.
//!
//! Two daemons watch one simulated platform in real time, one with a state file and one without. Both are killed (SIGKILL)
//! while jobs stand at every step of their lives. The truth is the simulator's own, taken down ten times a second.

use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tierwatch::clock::Clock;
use tierwatch::demo::truth::{TierTruth, Truth};
use tierwatch::demo::{Demo, scenario};
use tokio::time::sleep;

use crate::support::daemon::Daemon;
use crate::support::folder::Folder;
use crate::support::prometheus::{Prometheus, Version};
use crate::support::{free_ports, now, say, until};

/// So many times the usual traffic: a job every other second, about as many as the runners can take.
const TRAFFIC: f64 = 3.5;
/// Seconds that each daemon lives, and how long there is none. Primes, so that the kills meet the polls at another point each.
const LIVES: [u64; 5] = [17, 23, 19, 13, 23];
const DEAD: Duration = Duration::from_secs(2);
/// After something happened it takes so long until it can be scraped: a poll every second, a look-up, and a machine that
/// does something else at the same time.
const LAG: SignedDuration = SignedDuration::from_secs(4);

type OfTruth = fn(&TierTruth) -> u64;

/// The counters that are compared, as PromQL and as the truth.
const COUNTERS: [(&str, OfTruth); 4] = [
    ("tierwatch_job_start_outcomes_total", |truth| truth.outcomes.values().sum()),
    ("tierwatch_jobs_failed_total", |truth| truth.failed.values().sum()),
    ("tierwatch_queue_wait_seconds", |truth| truth.taken.count),
    ("tierwatch_job_start_seconds", |truth| truth.started.count),
];

/// What had happened by when.
type Timeline = Vec<(Timestamp, Vec<u64>)>;

fn happened(truth: &Truth) -> Vec<u64> {
    COUNTERS.iter().map(|(_, of)| truth.tiers.values().map(of).sum()).collect()
}

/// How much of each counter happened in a window: from what was taken down last before it to what was taken down first after it.
fn within(timeline: &Timeline, from: Timestamp, to: Timestamp) -> Vec<u64> {
    let before = timeline.partition_point(|(taken, _)| *taken <= from).saturating_sub(1);
    let after = timeline.partition_point(|(taken, _)| *taken < to).min(timeline.len() - 1);
    timeline[after].1.iter().zip(&timeline[before].1).map(|(to, from)| to - from).collect()
}

struct Lineage {
    name: &'static str,
    /// It knows after a restart what was counted before.
    remembers: bool,
    address: String,
    config: String,
    daemon: Option<Daemon>,
    /// Of each of its daemons: what happens from then on, it can tell.
    risen: Vec<Timestamp>,
    prometheus: Prometheus,
}

impl Lineage {
    async fn start(demo: &Demo, state: Option<&Folder>, version: Version) -> Self {
        let (remembers, config) = (state.is_some(), config(demo, state));
        let name = if remembers { "with a state file" } else { "without a state file" };
        let [port] = free_ports();
        let address = format!("127.0.0.1:{port}");
        let prometheus = Prometheus::start(version, &address).await;
        let mut lineage = Self { name, remembers, address, config, daemon: None, risen: Vec::new(), prometheus };
        lineage.rise().await;
        lineage
    }

    /// A daemon is alive before it has heard anything; who knows of no earlier one begins to count with the first word that
    /// it hears. Kubernetes tells whole seconds: what happened in that same second may have been before.
    async fn rise(&mut self) {
        let daemon = Daemon::start_at(&self.address, &self.config).await;
        until("its first observation", async || {
            let metrics = daemon.metrics().await;
            let mut heard = metrics.lines().filter(|line| line.starts_with("tierwatch_observations_total{"));
            if heard.any(|line| !line.ends_with(" 0")) { Ok(()) } else { Err("none".to_owned()) }
        })
        .await;
        self.daemon = Some(daemon);
        self.risen.push(Timestamp::from_second(now().as_second() + 1).expect("a time"));
    }

    /// Nobody is asked to end well.
    fn die(&mut self) {
        drop(self.daemon.take());
    }

    /// From when to when nobody could tell: what was counted after the last scrape is lost with the process; what
    /// happened while there was none counts later for who remembers, and never for who does not.
    fn blind(&self, deaths: &[Timestamp], scrapes: &[Timestamp]) -> Vec<(Timestamp, Timestamp)> {
        let last = |killed| scrapes.iter().copied().filter(|at| *at <= killed).max().expect("each one was scraped");
        let until = |killed, risen| if self.remembers { killed } else { risen };
        deaths
            .iter()
            .zip(&self.risen[1..])
            .map(|(killed, risen)| (last(*killed) - LAG, until(*killed, *risen)))
            .collect()
    }

    /// When it was scraped well.
    async fn scrapes(&self) -> Vec<Timestamp> {
        let answer = self.prometheus.get("/api/v1/query", &[("query", "up[1h]")]).await.expect("the raw samples of up");
        let samples = answer["result"][0]["values"].as_array().expect("one series");
        let good = samples.iter().filter(|sample| sample[1] == "1").filter_map(|sample| sample[0].as_f64());
        good.map(|at| Timestamp::from_millisecond((at * 1e3) as i64).expect("a time")).collect()
    }

    /// The sum of the increases of all series over the raw samples, each process beginning at zero.
    async fn counted(&self, metric: &str) -> u64 {
        let answer = self.prometheus.get("/api/v1/query", &[("query", &format!("{metric}[1h]"))]).await;
        let answer = answer.unwrap_or_else(|e| panic!("the raw samples of {metric}: {e}"));
        let series = answer["result"].as_array().expect("a matrix");
        series.iter().map(|series| increase(&samples(series))).sum()
    }

    async fn increased(&self, metric: &str) -> f64 {
        let of = if metric.ends_with("_total") { metric.to_owned() } else { format!("{metric}_count") };
        let native = format!("sum(histogram_count(increase({metric}[1h])))");
        let counter = format!("sum(increase({of}[1h]))");
        let rows = self.prometheus.query(if metric.ends_with("_total") { &counter } else { &native }).await;
        rows.first().map_or(0.0, |(_, value)| *value)
    }
}

/// The values of a series: of a counter, or how much a native histogram counts.
pub(crate) fn samples(series: &serde_json::Value) -> Vec<u64> {
    let number =
        |value: &serde_json::Value| value.as_str().and_then(|text| text.parse::<f64>().ok()).map(|value| value as u64);
    let counters = series["values"].as_array().into_iter().flatten().filter_map(|sample| number(&sample[1]));
    let histograms = series["histograms"].as_array().into_iter().flatten();
    counters.chain(histograms.filter_map(|sample| number(&sample[1]["count"]))).collect()
}

/// A smaller value is another process, which began at zero.
pub(crate) fn increase(samples: &[u64]) -> u64 {
    let first = samples.first().copied().unwrap_or_default();
    first + samples.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] }).sum::<u64>()
}

fn config(demo: &Demo, state_file: Option<&Folder>) -> String {
    let gitlab = "\n  requests_per_minute: 20000\n  queue: { interval: 1s }\n  runners: { interval: 5s }\nkubernetes:";
    let mut config = demo.config_yaml().replacen("\nkubernetes:", gitlab, 1);
    if let Some(folder) = state_file {
        writeln!(config, "state_file: '{}'", folder.join("state").display()).expect("a string takes text");
    }
    config
}

/// Takes the truth down for as long as something else lasts.
async fn take_down<T>(demo: &Demo, timeline: &mut Timeline, meanwhile: impl Future<Output = T>) -> T {
    let mut meanwhile = pin!(meanwhile);
    loop {
        let at = now();
        timeline.push((at, happened(&demo.truth())));
        tokio::select! {
            done = &mut meanwhile => return done,
            () = sleep(Duration::from_millis(100)) => {}
        }
    }
}

/// At which steps of their lives the jobs were when the daemons died.
fn steps(demo: &Demo) -> String {
    let truth = demo.truth();
    let pods = |phase: &str| truth.tiers.values().filter_map(|tier| tier.levels.job_pods.get(phase)).sum::<u64>();
    let waiting: u64 = truth.tiers.values().map(|tier| tier.levels.pending).sum();
    format!("{waiting:>3} waiting, {:>2} pods starting, {:>3} running", pods("pending"), pods("running"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_killed_daemons_counted_never_exceeds_the_truth_and_what_is_missing_is_explained() {
    let story = scenario::find("quiet-day").expect("a known scenario").busy_for_ever(TRAFFIC);
    let demo = Demo::start(story, 11, Clock::system()).await.expect("the simulated platform starts");
    let state = Folder::new("state");
    let mut timeline = vec![(now(), happened(&demo.truth()))];
    let starts = async {
        [Lineage::start(&demo, Some(&state), Version::Three).await, Lineage::start(&demo, None, Version::Two).await]
    };
    let mut lineages = take_down(&demo, &mut timeline, starts).await;
    let mut deaths = Vec::new();
    for lasts in LIVES {
        take_down(&demo, &mut timeline, sleep(Duration::from_secs(lasts))).await;
        let killed = now();
        lineages.iter_mut().for_each(Lineage::die);
        say(&format!("kill {}: {}", deaths.len() + 1, steps(&demo)));
        take_down(&demo, &mut timeline, sleep(DEAD)).await;
        for lineage in &mut lineages {
            take_down(&demo, &mut timeline, lineage.rise()).await;
        }
        deaths.push(killed);
    }
    take_down(&demo, &mut timeline, sleep(Duration::from_secs(15))).await;
    let end = now();
    timeline.push((end, happened(&demo.truth())));

    let mut table = String::new();
    let mut wrong = Vec::new();
    for lineage in &lineages {
        writeln!(
            table,
            "{}:\n{:<36}{:>7}{:>9}{:>9}{:>11}{:>13}",
            lineage.name, "", "truth", "counted", "missing", "explained", "increase()"
        )
        .expect("text");
        let scrapes = lineage.scrapes().await;
        for (place, (metric, _)) in COUNTERS.iter().enumerate() {
            let truth = within(&timeline, timeline[0].0, end)[place];
            let counted = lineage.counted(metric).await;
            // The first start takes what is there for its baseline.
            let mut blind = lineage.blind(&deaths, &scrapes);
            blind.extend([(timeline[0].0, lineage.risen[0]), (end - LAG, end)]);
            let explained: u64 = blind.iter().map(|(from, to)| within(&timeline, *from, *to)[place]).sum();
            let increase = lineage.increased(metric).await;
            let missing = truth.saturating_sub(counted);
            writeln!(table, "{metric:<36}{truth:>7}{counted:>9}{missing:>9}{explained:>11}{increase:>13.1}")
                .expect("text");
            if counted > truth || missing > explained || counted == 0 {
                wrong.push(format!("{} {metric}", lineage.name));
            }
        }
    }
    say(&format!("{} kills\n{table}", LIVES.len()));
    assert!(wrong.is_empty(), "{wrong:?}:\n{table}");
    let told = lineages[0].counted("tierwatch_observation_gap_seconds_total{source=\"gitlab_queue\"}").await;
    let dead = LIVES.len() as u64 * DEAD.as_secs();
    // Whole seconds of each process are read: up to one of each is cut off.
    assert!(told + LIVES.len() as u64 >= dead, "nobody watched for {dead} s at least, and {told} s are told");
    // What the file is for: what happens while nobody watches counts later.
    let outcomes = COUNTERS[0].0;
    let (with, without) = (lineages[0].counted(outcomes).await, lineages[1].counted(outcomes).await);
    assert!(with >= without, "{with} with the file, {without} without:\n{table}");
}
