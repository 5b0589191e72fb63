//! What the daemon is told of the Lease.

use std::time::Duration;

use jiff::Timestamp;

/// Whether this one counts and tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// It does not. What happened before the holder's last renewal is the holder's.
    StandsBy {
        /// That renewal, by the holder's clock; absent: no Lease was seen yet.
        theirs: Option<Timestamp>,
        /// That holder is this one, which cannot know that it is: answers to what it wrote were lost. Nobody counts.
        is_own: bool,
    },
    /// It does.
    Leads {
        /// Which of its terms: two of one process are two.
        number: u64,
        /// What happened before is the predecessor's.
        from: Timestamp,
        /// Its own last renewal: what happened from then on may yet be another's.
        until: Timestamp,
        /// When that renewal was asked for, on the monotonic clock.
        renewed: Duration,
        /// Somebody held the Lease before.
        takes_over: bool,
    },
}

impl Term {
    /// It counts and tells.
    #[must_use]
    pub const fn leads(&self) -> bool {
        matches!(self, Self::Leads { .. })
    }
}

impl Default for Term {
    fn default() -> Self {
        Self::StandsBy { theirs: None, is_own: false }
    }
}
