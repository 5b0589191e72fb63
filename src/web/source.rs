//! Whether the files can be used, as the desk hears it: a mistake in them is an alert of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::keeper::Keeper;
use crate::observation::{Body, Failure, FailureClass, SourceKey, SourceKind};
use crate::source::Outbox;

/// As often as the queue is read; in real time, because files know no other.
const PERIOD: Duration = Duration::from_secs(15);

/// Looks at the files, also while nobody asks for anything.
#[derive(Debug)]
pub struct Watch {
    /// What is in force of them.
    pub keeper: Arc<Keeper>,
    /// The way to the desk.
    pub outbox: Outbox,
}

impl Watch {
    /// The key under which it speaks.
    #[must_use]
    pub fn key() -> SourceKey {
        SourceKey::global(SourceKind::WebConfig)
    }

    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut turns = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                () = stop.cancelled() => return,
            }
            let body = match self.keeper.failure() {
                None => Body::Alive,
                Some(detail) => {
                    let detail = detail.to_string();
                    Body::Failed(Failure { class: FailureClass::Secret, detail, retry_after: None })
                }
            };
            if self.outbox.say(body).await.is_err() {
                return;
            }
        }
    }
}
