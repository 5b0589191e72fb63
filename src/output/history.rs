//! The last hours, taken down while this process serves.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::model::assessment::Assessment;
use crate::model::history::History;

/// The one history of a server: written by whoever follows the judgements, read by the page.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<History>>);

impl Kept {
    /// Takes down every judgement until there are no more. A judgement that is overtaken at once is not missed:
    /// levels and conditions go on in the next one.
    pub(super) async fn follow(self, mut judgements: watch::Receiver<Arc<Assessment>>) {
        loop {
            let judged = Arc::clone(&judgements.borrow_and_update());
            self.with(|history| history.note(&judged));
            if judgements.changed().await.is_err() {
                return;
            }
        }
    }

    /// What `look` makes of it.
    pub(super) fn read<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        self.with(|history| look(history))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut History) -> T) -> T {
        // A history that a panic left half written is worth more than none.
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
