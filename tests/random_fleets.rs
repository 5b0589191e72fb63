//! Random jobs, random faults: what was counted is what happened, told by a reference that shares no code with the fleet.
//!
//! The same cases each time; `TIERWATCH_FRESH=1` makes new ones, `PROPTEST_CASES` more.

mod support;

#[path = "random/life.rs"]
mod life;
#[path = "random/stage.rs"]
mod stage;
#[path = "random/truth.rs"]
mod truth;

use std::collections::BTreeSet;

use life::{Life, lives};
use prometheus_client::registry::Registry;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use stage::{Faults, Stage, faults, faults_and_restarts};
use support::story::{now, policy};
use tierwatch::demo::truth::parse;
use tierwatch::metrics::Occurrences;
use tierwatch::metrics::exposition::{Format, encode};
use tierwatch::model::occurrence::Occurrence;
use truth::{Expected, Totals, ledger, series};

fn check<S: Strategy>(cases: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases_wanted()) };
    let mut runner = if std::env::var_os("TIERWATCH_FRESH").is_some() {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    if let Err(error) = runner.run(&cases, test) {
        panic!("{error}");
    }
}

fn cases_wanted() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(128)
}

fn differences(lives: &[Life], faults: &Faults) -> Vec<String> {
    let stage = Stage::play(lives, faults);
    match ledger(&stage.counted) {
        Ok(ledger) => Expected::of(lives, &stage.shown).compare(&ledger),
        Err(twice) => vec![twice],
    }
}

/// What a scrape shows of the families that the reference tells.
fn scraped(counted: &[Occurrence], families: &BTreeSet<&str>) -> Totals {
    let mut registry = Registry::default();
    let occurrences = Occurrences::new(&policy(), &[], &mut registry);
    counted.iter().for_each(|occurrence| occurrences.count(occurrence, now(0.0).wall));
    let text = encode(&registry, Format::Text).expect("a scrape");
    let samples = parse(std::str::from_utf8(&text).expect("text"));
    let told = samples.iter().filter_map(|sample| {
        let name = sample.name.strip_prefix("tierwatch_").filter(|name| families.contains(name))?;
        let values = sample.labels.iter().filter(|(label, _)| *label != "tier").map(|(_, value)| value.as_str());
        // Whole seconds: the stories know no others.
        Some((series(name, sample.labels.get("tier")?, values), sample.value as u64))
    });
    told.filter(|(_, value)| *value > 0).collect()
}

#[test]
fn where_nothing_fails_everything_is_counted_as_it_was() {
    let families = BTreeSet::from([
        "queue_wait_seconds_count",
        "queue_wait_seconds_sum",
        "job_start_seconds_count",
        "job_start_seconds_sum",
        "job_start_phase_seconds_count",
        "job_start_phase_seconds_sum",
        "job_start_outcomes_total",
        "jobs_failed_total",
        "jobs_dropped_total",
        "image_pull_failures_total",
        "scheduling_failures_total",
    ]);
    check(lives(), |lives| {
        let faults = Faults::none();
        prop_assert_eq!(differences(&lives, &faults), Vec::<String>::new());
        let stage = Stage::play(&lives, &faults);
        prop_assert_eq!(scraped(&stage.counted, &families), Expected::of(&lives, &stage.shown).totals);
        Ok(())
    });
}

#[test]
fn whatever_fails_what_could_be_known_is_counted_once() {
    check((lives(), faults()), |(lives, faults)| {
        prop_assert_eq!(differences(&lives, &faults), Vec::<String>::new());
        Ok(())
    });
}

#[test]
fn however_often_it_begins_anew_nothing_counts_twice_and_nothing_that_was_not() {
    check((lives(), faults_and_restarts()), |(lives, faults)| {
        let stage = Stage::play(&lives, &faults);
        let ledger = ledger(&stage.counted).map_err(TestCaseError::fail)?;
        prop_assert_eq!(Expected::of(&lives, &stage.shown).exceeded(&ledger), Vec::<String>::new());
        Ok(())
    });
}
