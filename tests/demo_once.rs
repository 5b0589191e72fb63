//! Every scenario of the demo to its end: what the daemon said equals the truth, figure by figure.

use tierwatch::demo::truth::render_table;
use tierwatch::demo::{Rehearsal, scenario};

/// Fast enough for a test, slow enough that a poll on loopback takes well under a second of the story.
const SPEED: f64 = 60.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_is_told_as_it_was() {
    let only = std::env::var("SCENARIO").ok();
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let mut plays = tokio::task::JoinSet::new();
    for scenario in scenario::all().into_iter().filter(|scenario| wanted(scenario.name)) {
        if scenario.name == scenario::show().name {
            continue; // never ends
        }
        plays.spawn(async move {
            let (name, seed) = (scenario.name, scenario.seed);
            let rehearsal = Rehearsal::start(scenario, seed, SPEED, "127.0.0.1:0").await.expect("the demo starts");
            (name, rehearsal.finish().await.expect("the demo ends"))
        });
    }
    let mut wrong = String::new();
    while let Some(play) = plays.join_next().await {
        let (name, rows) = play.expect("the play does not panic");
        assert!(!rows.is_empty(), "{name}: nothing was compared");
        let differing: Vec<_> = rows.into_iter().filter(|row| !row.equal).collect();
        if !differing.is_empty() {
            wrong.push_str(&format!("{name}:\n{}\n", render_table(&differing)));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
