//! The three ways of reading the queue, in front of the same platform: what all can see, all count alike, and what one
//! cannot see it does not count as nothing.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::time::Duration;

use tierwatch::app::Daemon;
use tierwatch::clock::Clock;
use tierwatch::config::Config;
use tierwatch::demo::Demo;
use tierwatch::demo::truth::{Sample, parse};
use tierwatch::demo::world::Load;

const FAST: f64 = 20.0;

/// A platform that stands still: 10 projects, 120 waiting jobs, two dozen running ones.
async fn still() -> (Demo, Clock) {
    let clock = Clock::simulated("2026-11-02T08:00:00Z".parse().unwrap(), FAST);
    let load = Load { pods: 24, pending: 120, projects: 10, ..Load::default() };
    (Demo::load(load, 1, clock.clone()).await.unwrap(), clock)
}

/// What the daemon exports once it has heard of the queue and of the running jobs.
async fn told_by(way: &str) -> (Demo, Vec<Sample>) {
    let (demo, clock) = still().await;
    let queue = format!("\n  queue: {{ source: {way}, groups: [harbour] }}\nkubernetes:");
    let yaml = demo.config_yaml().replacen("\nkubernetes:", &queue, 1);
    let daemon = Daemon::start(Config::from_yaml(&yaml).unwrap(), "127.0.0.1:0", clock).await.unwrap();
    let url = format!("http://{}/metrics", daemon.address());
    let told = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let samples = parse(&reqwest::get(&url).await.unwrap().text().await.unwrap());
            if value(&samples, "queue_coverage_ratio", &[]) == Some(1.0)
                && by_tier(&samples, "jobs_running").values().sum::<u64>() == 24
            {
                return samples;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let samples = told.await.unwrap_or_else(|_| panic!("{way}: the whole queue was not read within 60 s"));
    daemon.stop().await;
    (demo, samples)
}

fn matching<'a>(samples: &'a [Sample], name: &str) -> impl Iterator<Item = &'a Sample> {
    let name = format!("tierwatch_{name}");
    samples.iter().filter(move |sample| sample.name == name)
}

fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has =
        |sample: &&Sample| labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|own| own == value));
    matching(samples, name).find(has).map(|sample| sample.value)
}

fn by_tier(samples: &[Sample], name: &str) -> BTreeMap<String, u64> {
    let mut tiers = BTreeMap::new();
    for sample in matching(samples, name) {
        *tiers.entry(sample.labels["tier"].clone()).or_default() += sample.value as u64;
    }
    tiers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_ways_count_the_same_queue() {
    for way in ["instance", "runner", "projects"] {
        let (demo, told) = told_by(way).await;
        let truth: BTreeMap<String, u64> =
            demo.truth().tiers.iter().map(|(tier, truth)| ((*tier).to_owned(), truth.levels.pending)).collect();
        assert_eq!(truth.values().sum::<u64>(), 120);
        assert_eq!(by_tier(&told, "queue_pending_jobs"), truth, "{way}");
        assert_eq!(by_tier(&told, "queue_uncertain_jobs").values().sum::<u64>(), 0, "{way}");
        // A job that no runner would take stands in no runner's queue: nothing is said of such jobs.
        let strangers = way != "runner";
        assert_eq!(matching(&told, "queue_unserved_jobs").next().is_some(), strangers, "{way}");
        assert_eq!(value(&told, "queue_out_of_scope_jobs", &[]).is_some(), strangers, "{way}");
    }
}
