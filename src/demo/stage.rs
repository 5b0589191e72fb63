//! Where the world meets time: every look at it first plays what is due by now.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::world::World;
use crate::clock::Clock;

/// The world behind its one lock, and the clock it lives by.
#[derive(Debug)]
pub(crate) struct Stage {
    world: Mutex<World>,
    clock: Clock,
    /// The newest revision of the cluster's objects: wakes the watches.
    revision: watch::Sender<u64>,
    /// Requests that GitLab was asked so far, refused ones included.
    gitlab_requests: AtomicU64,
}

impl Stage {
    pub(crate) fn new(world: World, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            world: Mutex::new(world),
            clock,
            revision: watch::Sender::new(0),
            gitlab_requests: AtomicU64::new(0),
        })
    }

    /// Looks at the world as it is now.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        world.advance_to(self.clock.now().wall);
        let result = look(&mut world);
        let newest = world.store.version();
        drop(world);
        self.revision.send_if_modified(|known| std::mem::replace(known, newest) != newest);
        result
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn count_gitlab_request(&self) {
        self.gitlab_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gitlab_requests(&self) -> u64 {
        self.gitlab_requests.load(Ordering::Relaxed)
    }

    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Keeps the world moving while nobody asks, so that watches are told in time.
    pub(crate) async fn run(&self) {
        loop {
            let next = self.with(|world| world.next_due().map(|due| due.duration_since(world.now)));
            let wait = next.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default();
            // At least a few real milliseconds, so that a fast story does not spin; at most one second of the story.
            let least = Duration::from_millis(5).mul_f64(self.clock.speed());
            self.clock.sleep(wait.min(Duration::from_secs(1)).max(least)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere leaves the world usable: every step writes whole values.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
