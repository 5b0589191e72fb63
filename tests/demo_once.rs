//! Scenarios of the demo to their ends: what the daemon said equals the truth, figure by figure.
//!
//! One after the other, because two daemons and two platforms on one core cannot keep up with a fast clock. CI plays
//! all of them with the optimised binary; here those whose stories touch most of the rules of counting.

use tierwatch::demo::truth::render_table;
use tierwatch::demo::{Rehearsal, scenario};

/// A minute of the story passes in a second.
const SPEED: f64 = 60.0;

async fn play(name: &str) {
    let scenario = scenario::find(name).expect("a known scenario");
    let seed = scenario.seed;
    let rehearsal = Rehearsal::start(scenario, seed, SPEED, "127.0.0.1:0").await.expect("the demo starts");
    let rows = rehearsal.finish().await.expect("the demo ends");
    assert!(!rows.is_empty(), "nothing was compared");
    let differing: Vec<_> = rows.into_iter().filter(|row| !row.equal).collect();
    assert!(differing.is_empty(), "\n{name}:\n{}", render_table(&differing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_are_told_as_they_were() {
    let chosen = std::env::var("SCENARIO");
    for name in chosen.as_deref().unwrap_or("quiet-day registry-rate-limit").split(' ') {
        play(name).await;
    }
}
