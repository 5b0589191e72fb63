//! The only reader of time.
//!
//! Everything else is given a [`Now`]. The demo runs on a scaled clock, so that an hour passes in a minute
//! for our own timers and for the simulated servers alike; network timeouts stay real.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

pub use crate::observation::Now;

/// A clock that may run faster than the wall's. Clones share the same origin.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Origin>);

#[derive(Debug)]
struct Origin {
    wall: Timestamp,
    mono: Instant,
    tokio: tokio::time::Instant,
    speed: f64,
    /// Under a scaled clock or tokio's paused time the calendar is derived from the stopwatch.
    derived: bool,
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]
impl Clock {
    /// The machine's own clock; its calendar follows corrections of the system time.
    #[must_use]
    pub fn system() -> Self {
        Self::new(1.0, false, Timestamp::now())
    }

    /// A clock that runs `speed` times as fast, starting at `wall`. Must be made inside a tokio runtime
    /// where time is to be paused.
    #[must_use]
    pub fn simulated(wall: Timestamp, speed: f64) -> Self {
        Self::new(speed, true, wall)
    }

    fn new(speed: f64, derived: bool, wall: Timestamp) -> Self {
        Self(Arc::new(Origin { wall, mono: Instant::now(), tokio: tokio::time::Instant::now(), speed, derived }))
    }

    /// This instant.
    #[must_use]
    pub fn now(&self) -> Now {
        if self.0.derived {
            let mono = self.0.tokio.elapsed().mul_f64(self.0.speed);
            let wall = self.0.wall + SignedDuration::try_from(mono).unwrap_or(SignedDuration::MAX);
            Now { wall, mono }
        } else {
            Now { wall: Timestamp::now(), mono: self.0.mono.elapsed() }
        }
    }

    /// Waits for `duration` of this clock's time.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration.div_f64(self.0.speed)).await;
    }

    /// [`sleep`](Self::sleep) that keeps the clock with it.
    pub async fn sleep_owned(self, duration: Duration) {
        self.sleep(duration).await;
    }

    /// How many of this clock's seconds pass in one real second.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.0.speed
    }
}
