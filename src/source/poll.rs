//! Asking again and again: the frame around every source that polls.
//!
//! One run at a time, and no retries inside a run: the period is the retry. A server that asks for patience
//! gets it. A failure is said like anything else, and the next run starts as if nothing had been.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use async_trait::async_trait;
use tracing::Instrument;

use crate::metrics::Own;
use crate::observation::{Body, Failure, FailureClass, SourceKind};

use super::{Outbox, Stopped};

/// How far a period is stretched or shortened, so that sources and replicas do not fall into step.
const JITTER: f64 = 0.05;

/// How long a source rests after a 429 that names no time.
const REST_AFTER_429: Duration = Duration::from_secs(60);

/// A source that asks and says what it heard.
#[async_trait]
pub trait Poll: Send {
    /// One run: asks, and says through `outbox` what was answered.
    ///
    /// # Errors
    /// The failure, which the frame then says; or that nobody listens any more.
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted>;

    /// One of how many periods it runs in: a source whose runs became costly runs less often.
    fn rounds(&self) -> u32 {
        1
    }

    /// Returns when something should be asked before the next run is due. Never, unless a source says otherwise.
    async fn woken(&mut self) -> Wake {
        std::future::pending().await
    }

    /// Asks what cannot wait; the next run keeps its time.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    async fn between(&mut self, _outbox: &Outbox) -> Result<(), Interrupted> {
        Ok(())
    }
}

/// What a source wants to do before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The next run.
    Run,
    /// Something small [`between`](Poll::between) two runs.
    Between,
}

/// Why a run did not end well.
#[derive(Debug)]
pub enum Interrupted {
    /// The attempt failed.
    Failed(Failure),
    /// The daemon is shutting down.
    Stopped,
}

impl From<Stopped> for Interrupted {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl<E: Into<Failure>> From<E> for Interrupted {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

/// When a source runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// From the start of one run to the start of the next, in the clock's time.
    pub every: Duration,
    /// A run that takes longer is given up. Real time: it bounds the network, which the demo does not speed up.
    pub give_up_after: Duration,
}

/// Runs `source` until nobody listens any more. Dropping the future ends it at any point.
pub async fn run<P: Poll>(mut source: P, schedule: Schedule, outbox: Outbox, own: Own) {
    let clock = outbox.clock().clone();
    for round in 0_u64.. {
        let started = clock.now();
        let span = tracing::info_span!("poll", source = outbox.key().kind.as_str(), round);
        let outcome = bounded(schedule, source.run(&outbox)).instrument(span).await;
        let took = clock.now().since(&started);
        own.source_run(outbox.key().kind, took);
        let every = schedule.every.saturating_mul(source.rounds());
        let due = clock.now().mono.saturating_add(pause(every, took, outbox.key().kind, round));
        let mut told = tell(outcome, &outbox).await;
        loop {
            let left = due.saturating_sub(clock.now().mono);
            match told {
                Err(Stopped) => return,
                // Whoever was told to wait is not woken earlier.
                Ok(Some(patience)) => {
                    clock.sleep(left.max(patience)).await;
                    break;
                }
                Ok(None) => {}
            }
            tokio::select! {
                () = clock.sleep(left) => break,
                wake = source.woken() => match wake {
                    Wake::Run => break,
                    Wake::Between => told = tell(bounded(schedule, source.between(&outbox)).await, &outbox).await,
                },
            }
        }
    }
}

async fn bounded(
    schedule: Schedule,
    attempt: impl Future<Output = Result<(), Interrupted>>,
) -> Result<(), Interrupted> {
    match tokio::time::timeout(schedule.give_up_after, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Interrupted::Failed(given_up(schedule.give_up_after))),
    }
}

/// Says a failure, and how long it asks us to wait at least.
async fn tell(outcome: Result<(), Interrupted>, outbox: &Outbox) -> Result<Option<Duration>, Stopped> {
    let failure = match outcome {
        Ok(()) => return Ok(None),
        Err(Interrupted::Stopped) => return Err(Stopped),
        Err(Interrupted::Failed(failure)) => failure,
    };
    tracing::warn!(source = outbox.key().kind.as_str(), class = failure.class.as_str(), "{}", failure.detail);
    let patience = patience(&failure);
    outbox.say(Body::Failed(failure)).await?;
    Ok(Some(patience))
}

fn given_up(limit: Duration) -> Failure {
    let detail = format!("given up after {} s: the answers took too long", limit.as_secs());
    Failure { class: FailureClass::Timeout, detail, retry_after: None }
}

/// How long a failure asks us to wait at least.
fn patience(failure: &Failure) -> Duration {
    if failure.class == FailureClass::RateLimited {
        failure.retry_after.unwrap_or(REST_AFTER_429)
    } else {
        failure.retry_after.unwrap_or_default()
    }
}

/// The rest of the period, with the round's own jitter: the same for the same source and round, so that a
/// replay and a test see the same times.
fn pause(every: Duration, took: Duration, kind: SourceKind, round: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    (kind, round).hash(&mut hasher);
    let part = (hasher.finish() % 1000) as f64 / 999.0;
    let period = every.mul_f64(1.0 - JITTER + 2.0 * JITTER * part);
    // A run longer than its period must not ask without a breath.
    period.saturating_sub(took).max(every / 10)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use crate::clock::Clock;
    use crate::observation::SourceKey;

    use super::*;

    struct Scripted(Vec<Result<(), Failure>>);

    #[async_trait]
    impl Poll for Scripted {
        async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
            match self.0.pop() {
                Some(Ok(())) => Ok(outbox.say(Body::Alive).await?),
                Some(Err(failure)) => Err(failure.into()),
                None => std::future::pending().await,
            }
        }
    }

    fn failure(class: FailureClass, retry_after: Option<u64>) -> Failure {
        Failure { class, detail: "x".into(), retry_after: retry_after.map(Duration::from_secs) }
    }

    async fn times(mut script: Vec<Result<(), Failure>>) -> Vec<(u64, Body)> {
        script.reverse();
        let clock = Clock::simulated(jiff::Timestamp::UNIX_EPOCH, 1.0);
        let (sender, mut receiver) = mpsc::channel(4);
        let outbox = Outbox::new(SourceKey::global(SourceKind::GitlabQueue), clock, sender);
        let schedule = Schedule { every: Duration::from_secs(15), give_up_after: Duration::from_secs(100) };
        let count = script.len() + 1;
        let task = tokio::spawn(run(Scripted(script), schedule, outbox, Own::default()));
        let mut heard = Vec::new();
        for _ in 0..count {
            let observation = receiver.recv().await.unwrap();
            heard.push((observation.at.mono.as_secs(), observation.body));
        }
        drop(receiver);
        task.abort();
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn the_period_is_kept_and_a_429_stretches_it() {
        let heard = times(vec![
            Ok(()),
            Ok(()),
            Err(failure(FailureClass::RateLimited, Some(40))),
            Err(failure(FailureClass::RateLimited, None)),
            Err(failure(FailureClass::ServerError, None)),
            Ok(()),
        ])
        .await;
        let at: Vec<u64> = heard.iter().map(|(at, _)| *at).collect();
        let gaps: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (gap, expected) in gaps.iter().zip([15, 15, 40, 60, 15]) {
            assert!(gap.abs_diff(expected) <= 1, "{gaps:?}");
        }
        // The last run hangs and is given up.
        assert!(matches!(&heard[6].1, Body::Failed(f) if f.class == FailureClass::Timeout), "{heard:?}");
    }

    #[test]
    fn jitter_is_small_and_a_long_run_still_breathes() {
        let every = Duration::from_secs(100);
        for round in 0..200 {
            let pause = pause(every, Duration::ZERO, SourceKind::GitlabQueue, round);
            assert!(pause >= Duration::from_secs(95) && pause <= Duration::from_secs(105));
        }
        assert_eq!(pause(every, every * 2, SourceKind::GitlabQueue, 0), Duration::from_secs(10));
    }
}
