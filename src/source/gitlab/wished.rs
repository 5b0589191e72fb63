//! Which of the jobs that the desk asks about are asked for in this round.

use std::collections::HashMap;
use std::time::Duration;

use crate::observation::{JobId, LookUp};

/// After this time a job that was asked for is forgotten.
const FORGET: Duration = Duration::from_secs(10 * 60);

/// Keeps a source from asking for the same job again at once.
#[derive(Debug)]
pub(crate) struct Wished {
    rest: Duration,
    asked: HashMap<JobId, Duration>,
}

impl Wished {
    /// `rest`: the same job is not asked for more often.
    pub(crate) fn new(rest: Duration) -> Self {
        Self { rest, asked: HashMap::new() }
    }

    /// The most urgent wishes that were not just asked for, `at_most` so many.
    pub(crate) fn due(&mut self, wishes: &[LookUp], at_most: usize, now: Duration) -> Vec<LookUp> {
        self.asked.retain(|_, at| now.saturating_sub(*at) < FORGET.max(self.rest));
        let rested = |wish: &LookUp| self.asked.get(&wish.job).is_none_or(|at| now.saturating_sub(*at) >= self.rest);
        let mut due: Vec<LookUp> = Vec::new();
        for wish in wishes.iter().copied().filter(rested) {
            if due.len() == at_most {
                break;
            }
            if !due.contains(&wish) {
                due.push(wish);
            }
        }
        due
    }

    /// The job was asked for.
    pub(crate) fn asked(&mut self, job: JobId, at: Duration) {
        self.asked.insert(job, at);
    }
}
