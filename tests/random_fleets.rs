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

use life::{Life, lives};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use stage::{Faults, Stage, faults, faults_and_restarts};
use truth::{Expected, ledger};

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

#[test]
fn where_nothing_fails_everything_is_counted_as_it_was() {
    check(lives(), |lives| {
        prop_assert_eq!(differences(&lives, &Faults::none()), Vec::<String>::new());
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
