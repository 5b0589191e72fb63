//! How long a watch waits: for an answer, and before it asks again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::observation::{Failure, FailureClass, SourceKey};

/// The times of a watch. `request`, `watch` and `margin` are real time, as network time is; the others are the
/// clock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Objects on a page of the list.
    pub page: u32,
    /// For one page, and for the server's first word on a watch.
    pub request: Duration,
    /// After which the server is asked to end a watch, in whole seconds. With `margin` it bounds how long a hung
    /// watch goes unnoticed; each namespace is asked anew once in this time.
    pub watch: Duration,
    /// How much later the end may arrive.
    pub margin: Duration,
    /// Between two signs of life of a quiet watch.
    pub alive: Duration,
    /// Wait after the first failure; doubles.
    pub first_wait: Duration,
    /// Longest wait after a failure that passes by itself.
    pub longest_wait: Duration,
    /// Wait after a refusal that lasts, which stands until somebody changes rights; doubles.
    pub first_refused: Duration,
    /// Longest wait after a refusal.
    pub longest_refused: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: 500,
            request: Duration::from_secs(30),
            watch: Duration::from_secs(60),
            margin: Duration::from_secs(5),
            alive: Duration::from_secs(15),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            first_refused: Duration::from_secs(60),
            longest_refused: Duration::from_secs(300),
        }
    }
}

/// An API server that starts refuses everybody until it has read its own roles, and a fresh installation's rights
/// may come a moment after its pod: that many refusals in a row, 15 s with the default pace, may pass by themselves.
const PASSING_REFUSALS: u32 = 4;

/// Counts failures in a row and says how long to wait.
#[derive(Debug)]
pub(super) struct Patience {
    pace: Pace,
    failures: u32,
    /// Of these, the refusals.
    refusals: u32,
    /// Spreads watches that broke together; a function of the source, so that tests can repeat it.
    spread: u64,
}

impl Patience {
    pub(super) fn new(pace: Pace, key: &SourceKey) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self { pace, failures: 0, refusals: 0, spread: hasher.finish() % 256 }
    }

    /// Nothing failed since it last went well.
    pub(super) fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// It went well.
    pub(super) fn restore(&mut self) {
        self.failures = 0;
        self.refusals = 0;
    }

    /// How long to wait after this failure.
    pub(super) fn after(&mut self, failure: &Failure) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        let (first, doublings, longest) = match failure.class {
            // Expiry is the protocol's own way to ask for a list; only a repeated one is a reason to wait.
            FailureClass::Expired if failures == 0 => return Duration::ZERO,
            FailureClass::Forbidden | FailureClass::NotFound => {
                let refusals = self.refusals;
                self.refusals = refusals.saturating_add(1);
                match refusals.checked_sub(PASSING_REFUSALS) {
                    None => (self.pace.first_wait, refusals, self.pace.longest_wait),
                    Some(lasting) => (self.pace.first_refused, lasting, self.pace.longest_refused),
                }
            }
            FailureClass::Timeout
            | FailureClass::Dns
            | FailureClass::Connection
            | FailureClass::Tls
            | FailureClass::Unauthorized
            | FailureClass::RateLimited
            | FailureClass::ServerError
            | FailureClass::Decode
            | FailureClass::TooLarge
            | FailureClass::ForeignOrigin
            | FailureClass::Expired
            | FailureClass::Blind
            | FailureClass::Secret
            | FailureClass::Other => (self.pace.first_wait, failures, self.pace.longest_wait),
        };
        let doubled = first.saturating_mul(1 << doublings.min(16)).min(longest);
        // Up to a quarter longer.
        let wait = doubled + doubled / 1024 * u32::try_from(self.spread).unwrap_or_default();
        wait.max(failure.retry_after.unwrap_or_default().min(self.pace.longest_refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::SourceKind;

    fn waits(class: FailureClass, retry_after: Option<u64>) -> Vec<u64> {
        let mut patience = Patience::new(Pace::default(), &SourceKey::global(SourceKind::KubeNodes));
        patience.spread = 0;
        let failure = Failure { class, detail: String::new(), retry_after: retry_after.map(Duration::from_secs) };
        (0..8).map(|_| patience.after(&failure).as_secs()).collect()
    }

    #[test]
    fn grows_to_a_bound() {
        assert_eq!(waits(FailureClass::Connection, None), [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(waits(FailureClass::Forbidden, None), [1, 2, 4, 8, 60, 120, 240, 300]);
        assert_eq!(waits(FailureClass::Expired, None), [0, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_refusal_after_an_outage_may_pass_by_itself() {
        let mut patience = Patience::new(Pace::default(), &SourceKey::global(SourceKind::KubeNodes));
        let of = |class| Failure { class, detail: String::new(), retry_after: None };
        for _ in 0..20 {
            patience.after(&of(FailureClass::Connection));
        }
        assert!(patience.after(&of(FailureClass::Forbidden)) < Duration::from_secs(2));
    }

    #[test]
    fn the_server_may_ask_for_more_but_not_for_ever() {
        assert_eq!(waits(FailureClass::RateLimited, Some(12))[..5], [12, 12, 12, 12, 16]);
        assert_eq!(waits(FailureClass::RateLimited, Some(86_400))[0], 300);
    }

    #[test]
    fn starts_over_once_it_went_well() {
        let mut patience = Patience::new(Pace::default(), &SourceKey::global(SourceKind::KubeNodes));
        let failure = Failure { class: FailureClass::Tls, detail: String::new(), retry_after: None };
        let first = patience.after(&failure);
        assert!(patience.after(&failure) > first && !patience.is_fresh());
        patience.restore();
        assert_eq!(patience.after(&failure), first);
        assert!(first >= Duration::from_secs(1) && first <= Duration::from_millis(1250));
    }
}
