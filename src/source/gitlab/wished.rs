//! Which of the jobs that the desk asks about are asked for in this round.

use std::collections::HashMap;
use std::time::Duration;

use crate::observation::{JobId, LookUp};

use super::budget::per_round;

/// After this time a job that was asked for is forgotten.
const FORGET: Duration = Duration::from_secs(10 * 60);

/// Keeps a source within its part of the request budget, and from asking for the same job again at once.
#[derive(Debug)]
pub(crate) struct Wished {
    rest: Duration,
    per_round: usize,
    asked: HashMap<JobId, Duration>,
}

impl Wished {
    /// `rest`: the same job is not asked for more often. `part`: of all requests in a round this source may send.
    pub(crate) fn new(rest: Duration, requests_per_minute: u32, interval: Duration, part: f64) -> Self {
        Self { rest, per_round: per_round(requests_per_minute, interval, part), asked: HashMap::new() }
    }

    /// The most urgent wishes that were not just asked for.
    pub(crate) fn due(&mut self, wishes: &[LookUp], now: Duration) -> Vec<LookUp> {
        self.asked.retain(|_, at| now.saturating_sub(*at) < FORGET.max(self.rest));
        let rested = |wish: &LookUp| self.asked.get(&wish.job).is_none_or(|at| now.saturating_sub(*at) >= self.rest);
        let mut due: Vec<LookUp> = Vec::new();
        for wish in wishes.iter().copied().filter(rested) {
            if due.len() == self.per_round {
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
