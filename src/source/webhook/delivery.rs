//! From the listener to the desk: never waiting, nothing twice.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::SecretError;
use crate::metrics::{HookResult, Own};
use crate::model::occurrence::Table;
use crate::observation::{Body, Failure, FailureClass, JobReport};

use super::seen::Seen;

/// Hooks on their way. The desk folds them in milliseconds; while it cannot, GitLab is told to come again, and the
/// other sources, which wait at the same desk, have at most one hook before them.
pub(super) const ON_THEIR_WAY: usize = 512;

/// The way to the desk.
#[derive(Debug)]
pub(super) struct Delivery {
    queue: mpsc::Sender<Body>,
    seen: Mutex<Seen>,
    unreadable: AtomicBool,
    clock: Clock,
    own: Own,
}

impl Delivery {
    pub(super) fn new(queue: mpsc::Sender<Body>, clock: Clock, own: Own) -> Self {
        Self { queue, seen: Mutex::default(), unreadable: AtomicBool::new(false), clock, own }
    }

    /// Hands `job` over, unless its delivery came before. What cannot be handed over is not noted: its repeat counts.
    pub(super) fn deliver(&self, key: Option<&impl Hash>, job: Box<JobReport>) -> HookResult {
        let Ok(place) = self.queue.try_reserve() else { return HookResult::Overloaded };
        if let Some(key) = key {
            let noted = self.seen.lock().unwrap_or_else(PoisonError::into_inner).note(key, self.clock.now().mono);
            if noted.evicted {
                self.own.evicted(Table::Hooks);
            }
            if !noted.new {
                return HookResult::Duplicate;
            }
        }
        place.send(Body::Job(job));
        HookResult::Accepted
    }

    /// The secret could be read or not; a change is told.
    pub(super) fn secret_was<T>(&self, read: Result<T, SecretError>) -> Option<T> {
        let unreadable = read.is_err();
        if self.unreadable.swap(unreadable, Ordering::Relaxed) != unreadable {
            self.tell_health(read.as_ref().err());
        }
        read.ok()
    }

    /// Tells whether hooks can be taken.
    pub(super) fn tell_health(&self, error: Option<&SecretError>) {
        let body = match error {
            None => Body::Alive,
            Some(error) => {
                tracing::warn!(%error, "no hook can be taken");
                Body::Failed(Failure { class: FailureClass::Secret, detail: error.to_string(), retry_after: None })
            }
        };
        // With a full queue the next hook tells.
        let _ = self.queue.try_send(body);
    }
}
