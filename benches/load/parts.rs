//! The measurements, each with a daemon and a platform of its own.

use std::hint::black_box;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tierwatch::clock::Clock;
use tierwatch::demo::Demo;
use tierwatch::demo::truth::Sample;
use tierwatch::demo::world::Load;
use tierwatch::model::assess::assess;
use tokio::time::sleep;

use super::daemon::{Daemon, PROGRAM, Seen, sum};
use super::table::{Reach, Table};
use super::{peer, platform};

const PODS: u32 = 20_000;
const PENDING: u32 = 10_000;

/// The request budget is GitLab's protection, not our speed: out of the way unless a part is about it.
const WITHOUT_BUDGET: (&str, &str) = ("TIERWATCH__GITLAB__REQUESTS_PER_MINUTE", "60000");

/// Pods changed in a second: as many as the simulator can write on the core that is left to it.
const CHURN: f64 = 4_000.0;

type Part = for<'t> fn(&'t mut Table) -> Pin<Box<dyn Future<Output = Result<()>> + 't>>;

/// Every part, by name.
pub const PARTS: [(&str, Part); 8] = [
    ("start", |table| Box::pin(start(table))),
    ("first", |table| Box::pin(first(table))),
    ("hold", |table| Box::pin(hold(table))),
    ("churn", |table| Box::pin(churn(table))),
    ("core", |table| Box::pin(core(table))),
    ("projects", |table| Box::pin(projects(table))),
    ("budget", |table| Box::pin(budget(table))),
    ("polls", |table| Box::pin(polls(table))),
];

async fn platform(churn_per_second: f64) -> Result<Demo> {
    let load = Load { pods: PODS, pending: PENDING, churn_per_second, ..Load::default() };
    Ok(Demo::load(load, 1, Clock::system()).await?)
}

fn complete(seen: &Seen) -> bool {
    seen.pods >= PODS.into() && seen.running >= PODS.into() && seen.pending + seen.uncertain >= PENDING.into()
}

async fn start(table: &mut Table) -> Result<()> {
    let megabytes = std::fs::metadata(PROGRAM)?.len() as f64 / 1e6;
    table.add("binary", megabytes, " MB", Reach::Below(25.0));
    let demo = platform(0.0).await?;
    let mut times = Vec::new();
    for _ in 0..9 {
        times.push(Daemon::start(&demo, &[])?.listening().await?);
    }
    table.add("start to listening", millis(quantile(&mut times, 0.5)?), " ms", Reach::Below(50.0));
    Ok(())
}

async fn first(table: &mut Table) -> Result<()> {
    let demo = platform(0.0).await?;
    let (mut plain, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        plain.push(peer::measure(&demo)?);
        ours.push(Daemon::start(&demo, &[WITHOUT_BUDGET])?.first_complete().await?);
    }
    let (plain, ours) = (quantile(&mut plain, 0.5)?, quantile(&mut ours, 0.5)?);
    table.add("downloading and parsing the same lists with a plain client", plain.as_secs_f64(), " s", Reach::Free);
    table.add("first complete answer", ours.as_secs_f64(), " s", Reach::Free);
    table.add("… as a multiple of that", ours.as_secs_f64() / plain.as_secs_f64(), "", Reach::Below(1.2));
    Ok(())
}

impl Daemon {
    async fn first_complete(mut self) -> Result<Duration> {
        self.listening().await?;
        self.until(complete).await
    }
}

async fn hold(table: &mut Table) -> Result<()> {
    let demo = platform(0.0).await?;
    let mut daemon = Daemon::start(&demo, &[WITHOUT_BUDGET])?;
    daemon.listening().await?;
    daemon.until(complete).await?;
    let before = daemon.samples().await?;
    sleep(Duration::from_secs(50)).await;
    let memory = daemon.memory()?;
    table.add("resident memory", memory.now / 1e6, " MB", Reach::Below(64.0));
    table.add("… at its peak, the first lists", memory.peak / 1e6, " MB", Reach::Free);
    scrapes(table, &daemon, "text", "text/plain").await?;
    let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    scrapes(table, &daemon, "protobuf", protobuf).await?;
    let after = daemon.samples().await?;
    let grown = |name: &str, labels: &[(&str, &str)]| sum(&after, name, labels) - sum(&before, name, labels);
    let requests = grown("tierwatch_gitlab_requests_total", &[("operation", "queue_instance")]);
    let polls = grown("tierwatch_source_run_seconds_count", &[("source", "gitlab_queue")]);
    table.add("GitLab requests a poll, source instance", requests / polls, "", Reach::Below(101.0));
    Ok(())
}

async fn scrapes(table: &mut Table, daemon: &Daemon, name: &str, accept: &str) -> Result<()> {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..400 {
        let scrape = daemon.scrape(accept).await?;
        bytes = scrape.bytes;
        times.push(scrape.took);
        sleep(Duration::from_millis(10)).await;
    }
    table.add(&format!("/metrics, {name}: size"), bytes as f64 / 1e3, " kB", Reach::Below(500.0));
    if name == "text" {
        let series = daemon.samples().await?.len();
        table.add("/metrics: series", series as f64, "", Reach::Below(4000.0));
    }
    table.add(&format!("/metrics, {name}: p50"), millis(quantile(&mut times, 0.5)?), " ms", Reach::Free);
    table.add(&format!("/metrics, {name}: p99"), millis(quantile(&mut times, 0.99)?), " ms", Reach::Below(5.0));
    Ok(())
}

async fn churn(table: &mut Table) -> Result<()> {
    let demo = platform(CHURN).await?;
    // The polls are not what is measured here: the longest interval lies beyond this part.
    let mut daemon = Daemon::start(&demo, &[WITHOUT_BUDGET, ("TIERWATCH__GITLAB__QUEUE__INTERVAL", "150s")])?;
    daemon.listening().await?;
    daemon.until(complete).await?;
    sleep(Duration::from_secs(5)).await;
    let folded = |samples: &[_]| sum(samples, "tierwatch_observations_total", &[("source", "kube_pods")]);
    let (before, cpu, age) = (folded(&daemon.samples().await?), daemon.cpu_seconds()?, daemon.age());
    sleep(Duration::from_secs(20)).await;
    let (after, used, passed) = (folded(&daemon.samples().await?), daemon.cpu_seconds()? - cpu, daemon.age() - age);
    let updates = after - before;
    table.add("pod updates taken in under churn", updates / passed.as_secs_f64(), " /s", Reach::Free);
    table.add(
        "… of a core used for that, judging and all else",
        100.0 * used / passed.as_secs_f64(),
        " %",
        Reach::Free,
    );
    table.add("… so that one core takes in", updates / used, " /s", Reach::Free);
    table.add("… resident memory under churn", daemon.memory()?.now / 1e6, " MB", Reach::Below(64.0));
    Ok(())
}

/// The pure core: each update changes a verdict, and everything is judged ten times a second, as the desk does.
async fn core(table: &mut Table) -> Result<()> {
    const SLICES: usize = 10;
    let clock = Clock::system();
    let mut fleet = platform::fleet();
    let updates = platform::updates(10_000);
    let count = updates.len();
    let slice = count.div_ceil(SLICES);
    let mut rest = updates.into_iter();
    let began = clock.now();
    for _ in 0..SLICES {
        for update in rest.by_ref().take(slice) {
            black_box(fleet.apply(update));
        }
        black_box(assess(&fleet, platform::at(601), None));
    }
    let took = clock.now().since(&began).as_secs_f64();
    let what = "pod updates folded and judged on one core";
    table.add(what, count as f64 / took, " /s", Reach::Above(20_000.0));
    Ok(())
}

async fn projects(table: &mut Table) -> Result<()> {
    let demo = platform(0.0).await?;
    let source = [("TIERWATCH__GITLAB__QUEUE__SOURCE", "projects"), ("TIERWATCH__GITLAB__QUEUE__GROUPS", "[harbour]")];
    let mut daemon = Daemon::start(&demo, &source)?;
    daemon.listening().await?;
    sleep(Duration::from_secs(20)).await;
    let before = demo.gitlab_requests();
    sleep(Duration::from_secs(60)).await;
    let asked = (demo.gitlab_requests() - before) as f64;
    table.add("GitLab requests a minute, source projects, 800 projects", asked, "", Reach::Below(301.0));
    let coverage = sum(&daemon.samples().await?, "tierwatch_queue_coverage_ratio", &[]);
    table.add("… coverage after 80 s", 100.0 * coverage, " %", Reach::Free);
    Ok(())
}

async fn budget(table: &mut Table) -> Result<()> {
    let demo = platform(0.0).await?;
    let took = Daemon::start(&demo, &[])?.first_complete().await?;
    let what = "first complete answer within the default budget, 300 requests a minute";
    table.add(what, took.as_secs_f64(), " s", Reach::Free);
    Ok(())
}

/// What one poll of the queue costs, by each way: four polls of 5 s with the budget that four of 15 s have by default.
async fn polls(table: &mut Table) -> Result<()> {
    const POLLS: u64 = 4;
    for projects in [1, 100, 5_000] {
        let load = Load { pods: 200, pending: 500, projects, ..Load::default() };
        for way in ["instance", "runner", "projects"] {
            let demo = Demo::load(load, 1, Clock::system()).await?;
            let daemon = Daemon::start(
                &demo,
                &[
                    ("TIERWATCH__GITLAB__QUEUE__SOURCE", way),
                    ("TIERWATCH__GITLAB__QUEUE__GROUPS", "[harbour]"),
                    ("TIERWATCH__GITLAB__QUEUE__INTERVAL", "5s"),
                    ("TIERWATCH__GITLAB__REQUESTS_PER_MINUTE", "900"),
                ],
            )?;
            sleep(Duration::from_secs(30)).await;
            let before = asked_for_the_queue(&daemon.samples().await?);
            sleep(Duration::from_secs(5 * POLLS)).await;
            let asked = asked_for_the_queue(&daemon.samples().await?) - before;
            let what = format!("requests a poll, 500 waiting jobs, {projects} projects, source {way}");
            table.add(&what, asked / POLLS as f64, "", Reach::Free);
        }
    }
    Ok(())
}

fn asked_for_the_queue(samples: &[Sample]) -> f64 {
    ["queue_instance", "queue_runner", "project_jobs"]
        .iter()
        .map(|operation| sum(samples, "tierwatch_gitlab_requests_total", &[("operation", operation)]))
        .sum()
}

fn quantile(times: &mut [Duration], part: f64) -> Result<Duration> {
    times.sort_unstable();
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().context("at least one measurement")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
