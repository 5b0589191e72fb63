//! How a source speaks: its key and the time are filled in here.

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::observation::{Body, Observation, SourceKey};

/// A source's way to the desk. Waits when the desk is busy: the channel is bounded.
#[derive(Debug, Clone)]
pub struct Outbox {
    key: SourceKey,
    clock: Clock,
    channel: mpsc::Sender<Observation>,
}

/// The desk is gone: the daemon is shutting down and the source should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the desk has stopped")]
pub struct Stopped;

impl Outbox {
    /// The outbox of the source called `key`.
    #[must_use]
    pub fn new(key: SourceKey, clock: Clock, channel: mpsc::Sender<Observation>) -> Self {
        Self { key, clock, channel }
    }

    /// Who speaks through it.
    #[must_use]
    pub fn key(&self) -> &SourceKey {
        &self.key
    }

    /// The clock its sentences are stamped with.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Says `body`, stamped with this instant.
    ///
    /// # Errors
    /// [`Stopped`] when nobody listens any more.
    pub async fn say(&self, body: Body) -> Result<(), Stopped> {
        let observation = Observation { source: self.key.clone(), at: self.clock.now(), body };
        self.channel.send(observation).await.map_err(|_| Stopped)
    }
}
