//! Scenarios of the demo to their ends: what the daemon said equals the truth, figure by figure.
//!
//! One after the other, because two platforms on one core cannot keep up with a fast clock. Without `SCENARIO` those
//! whose stories touch most of the rules of counting; `SCENARIO=all` plays every one. CI plays every one through real
//! parts, with the same comparison: tests/real/faults.

#[path = "support/fired.rs"]
mod alerts;

use std::collections::BTreeSet;

use tierwatch::condition::ALERTS;
use tierwatch::demo::truth::{Row, render_table};
use tierwatch::demo::{Rehearsal, scenario};

/// A minute of the story passes in a second.
const FAST: f64 = 60.0;

/// For a machine that is busy with something else: a poll that takes a second of ours then takes less of the story's.
const SLOW: f64 = 15.0;

/// What differs from the truth, and what fired beside what should have, or not in time.
async fn differences(name: &str, speed: f64) -> (Vec<Row>, Vec<String>) {
    let scenario = scenario::find(name).expect("a known scenario");
    let seed = scenario.seed;
    let rehearsal = Rehearsal::start(scenario, seed, speed, "127.0.0.1:0").await.expect("the demo starts");
    let alerts = tokio::spawn(alerts::fired(rehearsal.daemon.judgements()));
    let rows = rehearsal.finish().await.expect("the demo ends");
    assert!(!rows.is_empty(), "{name}: nothing was compared");
    let fired = alerts.await.expect("the alerts were read");
    (rows.into_iter().filter(|row| !row.equal).collect(), alerts::surprises(name, &fired))
}

fn chosen() -> Vec<String> {
    match std::env::var("SCENARIO").as_deref() {
        Ok("all") => {
            let endless = scenario::show().name;
            scenario::all()
                .iter()
                .map(|scenario| scenario.name)
                .filter(|name| *name != endless)
                .map(str::to_owned)
                .collect()
        }
        Ok(name) => vec![name.to_owned()],
        Err(_) => vec!["quiet-day".to_owned(), "registry-rate-limit".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_are_told_as_they_were() {
    for name in chosen() {
        let (mut wrong, mut surprises) = differences(&name, FAST).await;
        if !wrong.is_empty() || !surprises.is_empty() {
            let table = render_table(&wrong);
            println!("{name} at speed {FAST}:\n{table}{}\ntrying again at speed {SLOW}", surprises.join("\n"));
            (wrong, surprises) = differences(&name, SLOW).await;
        }
        assert!(
            wrong.is_empty() && surprises.is_empty(),
            "\n{name}:\n{}{}",
            render_table(&wrong),
            surprises.join("\n")
        );
        println!("{name}: as it was");
    }
}

#[test]
fn every_alert_fires_in_a_scenario() {
    let fired: BTreeSet<String> = alerts::table().into_values().flatten().map(|due| due.alert.0).collect();
    let known = ALERTS.iter().map(|alert| alert.name.to_owned());
    let known: BTreeSet<String> = known.chain(["TierStartBudgetBurn", "TierwatchDown"].map(str::to_owned)).collect();
    assert_eq!(fired, known);
}

#[test]
fn every_scenario_says_what_fires_in_it() {
    let endless = scenario::show().name;
    let all = scenario::all().into_iter().map(|scenario| scenario.name.to_owned()).filter(|name| name != endless);
    let mut all: Vec<String> = all.collect();
    all.sort();
    assert_eq!(alerts::table().into_keys().collect::<Vec<_>>(), all);
}
