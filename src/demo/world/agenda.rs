//! What is going to happen, soonest first; steps due at the same instant happen in the order they were planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use jiff::Timestamp;

/// A queue of planned steps.
#[derive(Debug)]
pub(crate) struct Agenda<S> {
    planned: BinaryHeap<Entry<S>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<S> {
    at: Timestamp,
    order: u64,
    step: S,
}

impl<S> Agenda<S> {
    pub(crate) fn new() -> Self {
        Self { planned: BinaryHeap::new(), next: 0 }
    }

    pub(crate) fn plan(&mut self, at: Timestamp, step: S) {
        self.planned.push(Entry { at, order: self.next, step });
        self.next += 1;
    }

    /// When the next step is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.planned.peek().map(|entry| entry.at)
    }

    /// The next step that is due by `now`.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, S)> {
        if self.next_due()? > now {
            return None;
        }
        self.planned.pop().map(|entry| (entry.at, entry.step))
    }
}

impl<S> PartialEq for Entry<S> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<S> Eq for Entry<S> {}

impl<S> PartialOrd for Entry<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S> Ord for Entry<S> {
    /// Reversed: the heap gives the largest first and we want the soonest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}
