//! Which deliveries came before: GitLab repeats one that it believes lost.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

/// A repeat comes within minutes; a delivery that somebody sends again by hand next day changes no count either.
const FORGET: Duration = Duration::from_secs(60 * 60);

/// A busy instance sends some 10 hooks a second: a quarter of an hour of them, in a few hundred KiB.
const MOST: usize = 10_000;

/// The keys of recent deliveries, bounded in time and number. A key is kept as its hash: it is the sender's text.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hasher: RandomState,
    keys: HashSet<u64>,
    order: VecDeque<(Duration, u64)>,
}

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Noted {
    /// It was not known.
    pub(super) new: bool,
    /// Another, still young, was dropped for it.
    pub(super) evicted: bool,
}

impl Seen {
    /// Notes a delivery at `now` of the stopwatch.
    pub(super) fn note(&mut self, key: &impl Hash, now: Duration) -> Noted {
        while self.order.front().is_some_and(|(at, _)| now.saturating_sub(*at) > FORGET) {
            self.drop_oldest();
        }
        let key = self.hasher.hash_one(key);
        if !self.keys.insert(key) {
            return Noted { new: false, evicted: false };
        }
        self.order.push_back((now, key));
        let evicted = self.order.len() > MOST;
        if evicted {
            self.drop_oldest();
        }
        Noted { new: true, evicted }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.keys.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_repeat_is_known_for_an_hour() {
        let mut seen = Seen::default();
        assert!(seen.note(&"a", at(0)).new);
        assert!(!seen.note(&"a", at(3600)).new);
        assert!(seen.note(&"a", at(3601)).new, "a repeat does not make it young again");
        assert!(!seen.note(&"a", at(3602)).new);
    }

    #[test]
    fn the_table_is_bounded_and_tells_what_it_drops() {
        let mut seen = Seen::default();
        for key in 0..MOST {
            assert_eq!(seen.note(&key, at(1)), Noted { new: true, evicted: false });
        }
        assert_eq!(seen.note(&"one more", at(2)), Noted { new: true, evicted: true });
        assert_eq!((seen.keys.len(), seen.order.len()), (MOST, MOST));
        assert!(seen.note(&0_usize, at(3)).new, "the oldest was dropped");
    }
}
