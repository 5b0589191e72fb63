//! What each cause means, whose fault it is and what to do next: the one table that metrics, page, `why` and runbooks
//! read. The matches have no wildcard, so a new cause does not compile without its row.

mod failing;
mod waiting;

use super::{Blame, Cause};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What it means, as a part of a sentence: no capital, no full stop.
    pub sentence: &'static str,
    /// Whose fault it is.
    pub blame: Blame,
    /// What to do next, as one order.
    pub next_step: &'static str,
}

const fn row(blame: Blame, sentence: &'static str, next_step: &'static str) -> Explanation {
    Explanation { sentence, blame, next_step }
}

/// The row of a cause.
#[must_use]
pub const fn explain(cause: Cause) -> &'static Explanation {
    match cause {
        Cause::Scheduling(cause) => waiting::scheduling(cause),
        Cause::Autoscale(cause) => waiting::autoscale(cause),
        Cause::Queue(cause) => waiting::queue(cause),
        Cause::Pull(cause) => failing::pull(cause),
        Cause::Admission(cause) => failing::admission(cause),
        Cause::Runtime(cause) => failing::runtime(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::{Autoscale, Family, Pull};
    use std::collections::HashSet;

    #[test]
    fn every_cause_has_a_row_in_words() {
        for cause in Cause::all() {
            let Explanation { sentence, next_step, .. } = explain(cause);
            assert!(sentence.len() > 12 && sentence.len() < 110, "{cause:?}: {sentence}");
            assert!(!sentence.ends_with('.') && sentence.contains(' '), "{cause:?}: {sentence}");
            assert!(next_step.ends_with('.') && next_step.matches(". ").count() == 0, "{cause:?}: {next_step}");
            assert!(next_step.starts_with(|first: char| first.is_ascii_uppercase()), "{cause:?}: {next_step}");
            assert!(next_step.len() < 150, "{cause:?}: {next_step}");
        }
    }

    #[test]
    fn spellings_are_unique_in_a_family_and_read_back() {
        let mut seen = HashSet::new();
        for cause in Cause::all() {
            assert!(seen.insert((cause.family(), cause.as_str())), "{cause:?}");
        }
        for family in Family::ALL {
            assert_eq!(family.as_str().parse(), Ok(*family));
        }
        for cause in Autoscale::ALL {
            assert_eq!(cause.as_str().parse(), Ok(*cause));
            let text = serde_json::to_string(cause).unwrap();
            assert_eq!(serde_json::from_str::<Autoscale>(&text).unwrap(), *cause);
        }
        assert_eq!("pull_qps".parse(), Ok(Pull::PullQps));
        assert!("nonsense".parse::<Pull>().is_err());
    }
}
