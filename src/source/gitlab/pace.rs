//! How often a list is read that costs many requests.
//!
//! A list of the whole instance takes one request per hundred jobs. It may take a part of the request budget, so a
//! list too long for that is read only every second, third … round, and says so: then its data counts as old
//! later, too.

use std::time::Duration;

use crate::observation::Body;
use crate::source::{Outbox, Stopped};

use super::budget::per_round;

/// However long a list is, it is read this often: data older than five minutes is not judged, and the reading
/// itself takes time, too. The budget still holds.
const LONGEST: Duration = Duration::from_secs(180);

/// The pace of one list.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    /// Requests that it may take per round.
    allowance: usize,
    rounds: u32,
}

impl Pace {
    /// For a list that may take `part` of the budget.
    pub(crate) fn new(interval: Duration, requests_per_minute: u32, part: f64) -> Self {
        Self { interval, allowance: per_round(requests_per_minute, interval, part), rounds: 1 }
    }

    /// One of how many rounds reads the list.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The list took so many requests: from now on it is read as often as that allows.
    pub(crate) async fn adapt(&mut self, requests: usize, outbox: &Outbox) -> Result<(), Stopped> {
        let longest = LONGEST.div_duration_f64(self.interval) as usize;
        let rounds = requests.div_ceil(self.allowance).clamp(1, longest.max(1));
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        if rounds != self.rounds {
            self.rounds = rounds;
            let period = (rounds > 1).then(|| self.interval.saturating_mul(rounds));
            outbox.say(Body::Period(period)).await?;
        }
        Ok(())
    }
}
