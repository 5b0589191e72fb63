//! Events that came before the pod they are about: the two watches are not in step.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::told::Heard;
use crate::model::occurrence::{Occurrence, Table};
use crate::observation::Now;

/// An event waits this long for its pod. A pod is told within seconds of its first event unless its watch is broken.
const PATIENCE: Duration = Duration::from_secs(120);

/// Events that wait at once, of about 200 bytes each: 2 MB.
const MOST: usize = 10_000;

/// Events whose pod is not known yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Parked {
    by_pod: BTreeMap<Arc<str>, Vec<Heard>>,
    /// The order in which they came. An entry outlives its event when the pod shows up, until its time is over.
    order: VecDeque<(Now, Arc<str>, Arc<str>)>,
}

impl Parked {
    /// Keeps an event for a pod. A repeat takes the place of what it repeats.
    pub(super) fn park(&mut self, pod: Arc<str>, heard: Heard, now: Now, out: &mut Vec<Occurrence>) {
        let waiting = self.by_pod.entry(pod.clone()).or_default();
        if let Some(known) = waiting.iter_mut().find(|known| known.event == heard.event) {
            *known = heard;
            return;
        }
        self.order.push_back((now, pod, heard.event.clone()));
        waiting.push(heard);
        if self.order.len() > MOST && self.drop_oldest() {
            out.push(Occurrence::Evicted { table: Table::Events });
        }
    }

    /// What waited for this pod.
    pub(super) fn take(&mut self, pod: &str) -> Vec<Heard> {
        self.by_pod.remove(pod).unwrap_or_default()
    }

    /// Nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.by_pod.is_empty()
    }

    /// Gives up on pods that never showed.
    pub(super) fn forget(&mut self, now: &Now) {
        while self.order.front().is_some_and(|(at, _, _)| now.since(at) > PATIENCE) {
            self.drop_oldest();
        }
    }

    /// Whether that was still waiting.
    fn drop_oldest(&mut self) -> bool {
        let Some((_, pod, event)) = self.order.pop_front() else { return false };
        let Some(waiting) = self.by_pod.get_mut(&pod) else { return false };
        let before = waiting.len();
        waiting.retain(|heard| heard.event != event);
        let dropped = waiting.len() < before;
        if waiting.is_empty() {
            self.by_pod.remove(&pod);
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;
    use jiff::Timestamp;

    fn at(seconds: u64) -> Now {
        Now { wall: Timestamp::UNIX_EPOCH, mono: Duration::from_secs(seconds) }
    }

    fn heard(event: &str) -> Heard {
        let told = Told::Fetched { total: None, queued: None };
        Heard { event: event.into(), last: Timestamp::UNIX_EPOCH, silent: false, first_list: None, told }
    }

    #[test]
    fn an_event_waits_for_its_pod_once_and_not_for_ever() {
        let (mut parked, mut out) = (Parked::default(), Vec::new());
        for event in ["a", "b", "a"] {
            parked.park("p".into(), heard(event), at(0), &mut out);
        }
        parked.park("q".into(), heard("c"), at(60), &mut out);
        assert_eq!(parked.take("p").len(), 2);
        assert!(parked.take("p").is_empty());
        parked.forget(&at(121));
        assert!(!parked.is_empty());
        parked.forget(&at(181));
        assert!(parked.is_empty() && parked.order.is_empty());
        assert_eq!(out, [], "what nobody asked for in time is no eviction");
    }

    #[test]
    fn beyond_the_bound_the_oldest_goes_and_that_is_told() {
        let (mut parked, mut out) = (Parked::default(), Vec::new());
        for number in 0..MOST + 3 {
            parked.park(format!("p{number}").as_str().into(), heard("e"), at(0), &mut out);
        }
        assert_eq!(out.len(), 3);
        assert!(parked.take("p2").is_empty() && !parked.take("p3").is_empty());
        assert_eq!(parked.order.len(), MOST);
    }
}
