//! The request budget that all GitLab sources share, and the silence after GitLab asked for one.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;

/// A token bucket on our own clock: in the demo a minute of requests fits into a second.
#[derive(Debug)]
pub(crate) struct Budget {
    clock: Clock,
    per_second: f64,
    burst: f64,
    state: Mutex<State>,
    /// Apart from the state: whoever is told to be silent must not queue behind those who wait for a token.
    silent_until: std::sync::Mutex<Duration>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Duration,
}

/// A quarter of a minute's requests may go at once: one poll of a long queue need not trickle.
const BURST_PART: f64 = 0.25;

/// Requests that `part` of the budget leaves for one round.
pub(crate) fn per_round(requests_per_minute: u32, interval: Duration, part: f64) -> usize {
    let requests = f64::from(requests_per_minute) * interval.as_secs_f64() / 60.0 * part;
    (requests as usize).max(1)
}

impl Budget {
    pub(crate) fn new(per_minute: u32, clock: Clock) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        let burst = (per_minute * BURST_PART).max(1.0);
        let at = clock.now().mono;
        let state = Mutex::new(State { tokens: burst, at });
        Self { clock, per_second: per_minute / 60.0, burst, state, silent_until: std::sync::Mutex::default() }
    }

    /// Waits for the right to send one request; in order of asking.
    ///
    /// # Errors
    /// How long to wait when GitLab asked for silence: such a wait is a failure to be told, not a pause.
    pub(crate) async fn take(&self) -> Result<(), Duration> {
        // tokio's mutex is fair, and whoever waits for a token keeps it: that is the queue.
        let mut state = self.state.lock().await;
        loop {
            let now = self.clock.now().mono;
            let silent_until = *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
            if now < silent_until {
                return Err(silent_until.saturating_sub(now));
            }
            let earned = now.saturating_sub(state.at).as_secs_f64() * self.per_second;
            state.tokens = (state.tokens + earned).min(self.burst);
            state.at = now;
            if state.tokens >= 1.0 {
                state.tokens -= 1.0;
                return Ok(());
            }
            let missing = (1.0 - state.tokens) / self.per_second;
            self.clock.sleep(Duration::from_secs_f64(missing.max(0.001))).await;
        }
    }

    /// No request for `wait`: GitLab throttles this user as a whole.
    pub(crate) fn be_silent(&self, wait: Duration) {
        let mut silent_until = self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        *silent_until = silent_until.max(self.clock.now().mono.saturating_add(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::simulated(jiff::Timestamp::UNIX_EPOCH, 1.0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_trickles() {
        let clock = clock();
        let budget = Budget::new(60, clock.clone());
        for _ in 0..15 {
            budget.take().await.unwrap();
        }
        assert!(clock.now().mono < Duration::from_millis(50));
        for _ in 0..10 {
            budget.take().await.unwrap();
        }
        let took = clock.now().mono;
        assert!(took >= Duration::from_secs(9) && took <= Duration::from_secs(11), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_refuses_until_it_is_over() {
        let clock = clock();
        let budget = Budget::new(60, clock.clone());
        budget.be_silent(Duration::from_secs(30));
        let left = budget.take().await.unwrap_err();
        assert!(left > Duration::from_secs(29) && left <= Duration::from_secs(30));
        clock.sleep(Duration::from_secs(31)).await;
        budget.take().await.unwrap();
    }
}
