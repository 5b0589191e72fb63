//! The table of faults from end to end: the simulated platform, the daemon, Prometheus 3 with the rules, Alertmanager, and whoever is
//! called; beside it what the daemon pushes itself. Each scenario is held to `tests/faults.yaml` both ways, and to its truth.
//!
//! A minute of the story passes in a second, and the rules are scaled alike, for this test only. Three scenarios are played side by
//! side, each with servers of its own. Without `SCENARIO` one is played; `SCENARIO=all` plays every one, as CI does. What came of
//! it is printed, and kept in `target/faults.md`.

#[path = "../../support/fired.rs"]
mod fired;
mod on_call;
mod play;
mod report;
mod scaled;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tierwatch::demo::scenario;
use tokio::sync::Semaphore;

use crate::dashboards;
use crate::support::say;
use play::{Lanes, Played, play};

/// A minute of the story passes in a second.
const FAST: u32 = 60;

/// Stories of so many jobs that two processors are busy with one of them, and how fast they go.
const CROWDED: [&str; 4] = ["saturated-standard", "noisy-project", "insufficient-cpu", "unreliable-webhooks"];
const BRISK: u32 = 30;

/// For a machine that is busy with something else.
const SLOW: u32 = 20;

/// So many stories are told at once. Each is busy for two fifths of its time: three fill the two processors of the smallest machine that
/// CI runs on.
const SIDE_BY_SIDE: usize = 3;

/// The longest first, so that none is left alone at the end.
fn chosen() -> Vec<String> {
    let mut chosen: Vec<String> = match std::env::var("SCENARIO").as_deref() {
        Ok("all") => fired::table().into_keys().collect(),
        Ok(names) => names.split(',').map(str::to_owned).collect(),
        Err(_) => vec!["deployment-runners-offline".to_owned()],
    };
    let lasts = |name: &str| scenario::find(name).map(|story| story.length.as_secs() / i64::from(pace(name)));
    chosen.sort_by_key(|name| std::cmp::Reverse(lasts(name)));
    chosen
}

fn pace(name: &str) -> u32 {
    if CROWDED.contains(&name) { BRISK } else { FAST }
}

async fn all(names: Vec<String>, pace: impl Fn(&str) -> u32, side_by_side: usize) -> Vec<Played> {
    let lanes = Lanes { stages: Semaphore::new(side_by_side), places: Semaphore::new(side_by_side + 1) };
    // One task waits for all of them: what has work to do, platforms and daemons, are tasks of their own.
    let mut playing: FuturesUnordered<_> = names.iter().map(|name| play(name, pace(name), &lanes)).collect();
    let mut all = Vec::new();
    while let Some(played) = playing.next().await {
        say(&report::line(&played));
        all.push(played);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_fires_what_it_should_both_ways() {
    let mut played = all(chosen(), pace, SIDE_BY_SIDE).await;
    let again: Vec<String> =
        played.iter().filter(|played| !played.surprises.is_empty()).map(|played| played.scenario.clone()).collect();
    if !again.is_empty() {
        say(&format!("once more and slower: {}", again.join(", ")));
        played.retain(|played| played.surprises.is_empty());
        played.extend(all(again, |_| SLOW, 1).await);
    }
    report::keep(&mut played);
    let wrong: Vec<String> = played
        .iter()
        .filter(|played| !played.surprises.is_empty())
        .map(|played| format!("{}:\n{}", played.scenario, played.surprises.join("\n")))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
    // Together they answer every query of the dashboards; one alone does not.
    if std::env::var("SCENARIO").is_ok_and(|chosen| chosen == "all") {
        dashboards::require_all();
    }
}
