//! What was said of nodes and of claims for nodes lately: why a node goes, or why none came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::told::Rank;
use crate::cause::{Autoscale, Cause};
use crate::model::occurrence::{Occurrence, Table};
use crate::observation::between;

/// A spot instance has two minutes, a drain may take as long as the longest job's grace; a node's name does not come
/// back sooner.
const NOTICE: Duration = Duration::from_secs(900);

/// Nodes and claims remembered at once; a cluster that loses more within [`NOTICE`] has other worries.
const MOST: usize = 2_000;

/// The notices, by name of the node or claim.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Notices {
    rows: BTreeMap<Arc<str>, Notice>,
}

#[derive(Debug, Clone)]
struct Notice {
    cause: Autoscale,
    last: Timestamp,
    message: Arc<str>,
    /// A tier's pods or nodes are concerned.
    joined: bool,
}

impl Notices {
    /// Takes over one that is not too old to matter. The better word for one node stays: that the cloud
    /// takes it says more than that its pods are evicted.
    pub(super) fn add(
        &mut self,
        name: &Arc<str>,
        (cause, last): (Autoscale, Timestamp),
        message: &Arc<str>,
        joined: bool,
        now: Timestamp,
        out: &mut Vec<Occurrence>,
    ) {
        if between(last, now) > NOTICE {
            return;
        }
        let news = Notice { cause, last, message: message.clone(), joined };
        match self.rows.get_mut(name) {
            Some(known) => {
                let joined = known.joined || joined;
                if (rank(known.cause), known.last) < (rank(cause), last) {
                    *known = news;
                }
                known.joined = joined;
            }
            None => {
                if self.rows.len() >= MOST {
                    self.drop_oldest(out);
                }
                self.rows.insert(name.clone(), news);
            }
        }
    }

    /// Why the pods on this node go.
    pub(super) fn of_pods_on(&mut self, node: &str) -> Option<(Cause, Rank)> {
        let notice = self.rows.get_mut(node).filter(|notice| notice.cause.ends_pods())?;
        notice.joined = true;
        Some((Cause::Autoscale(notice.cause), rank(notice.cause)))
    }

    /// The sentence that says why this claim got no machine, if it was said since.
    pub(super) fn failed_claim(&self, claim: &str, since: Timestamp) -> Option<&Arc<str>> {
        let notice = self.rows.get(claim)?;
        (notice.cause == Autoscale::InsufficientCapacity && notice.last >= since).then_some(&notice.message)
    }

    /// A waiting pod of a tier was to use this claim or node.
    pub(super) fn join(&mut self, name: &str) {
        if let Some(notice) = self.rows.get_mut(name) {
            notice.joined = true;
        }
    }

    /// Forgets what is over; what never concerned a tier is told.
    pub(super) fn forget(&mut self, now: Timestamp, out: &mut Vec<Occurrence>) {
        self.rows.retain(|_, notice| {
            let keep = between(notice.last, now) <= NOTICE;
            if !keep && !notice.joined {
                out.push(Occurrence::NodeEventUnjoined);
            }
            keep
        });
    }

    fn drop_oldest(&mut self, out: &mut Vec<Occurrence>) {
        let oldest = self.rows.iter().min_by_key(|(name, notice)| (notice.last, *name)).map(|(name, _)| name.clone());
        if let Some(notice) = oldest.and_then(|name| self.rows.remove(&name)) {
            out.push(Occurrence::Evicted { table: Table::Notices });
            if !notice.joined {
                out.push(Occurrence::NodeEventUnjoined);
            }
        }
    }
}

/// A scale-down says no more than the pod's own event; what the cloud does to the machine explains both.
fn rank(cause: Autoscale) -> Rank {
    if cause == Autoscale::ScaledownEvictPod {
        Rank::Event
    } else if cause.ends_pods() {
        Rank::Node
    } else {
        Rank::Vague
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn add(notices: &mut Notices, name: &str, said: (Autoscale, Timestamp), out: &mut Vec<Occurrence>) {
        let now = said.1;
        notices.add(&name.into(), said, &"words".into(), false, now, out);
    }

    #[test]
    fn the_better_word_stays_whichever_comes_first() {
        let (mut notices, mut out) = (Notices::default(), Vec::new());
        let spot = (Autoscale::SpotInterruption, at(1));
        let drained = (Autoscale::ScaledownEvictPod, at(2));
        for (name, said) in [("a", [spot, drained]), ("b", [drained, spot])] {
            for said in said {
                add(&mut notices, name, said, &mut out);
            }
            assert_eq!(notices.of_pods_on(name), Some((Cause::Autoscale(Autoscale::SpotInterruption), Rank::Node)));
        }
        assert_eq!(notices.of_pods_on("c"), None);
        add(&mut notices, "c", (Autoscale::InsufficientCapacity, at(3)), &mut out);
        assert_eq!(notices.of_pods_on("c"), None, "a claim that failed has no pods");
        assert!(notices.failed_claim("c", at(3)).is_some() && notices.failed_claim("c", at(4)).is_none());
    }

    #[test]
    fn what_concerned_no_tier_is_told_once_when_its_time_is_over() {
        let (mut notices, mut out) = (Notices::default(), Vec::new());
        for name in ["joined", "stranger"] {
            add(&mut notices, name, (Autoscale::SpotInterruption, at(0)), &mut out);
        }
        notices.join("joined");
        notices.forget(at(900), &mut out);
        assert_eq!(out, []);
        notices.forget(at(901), &mut out);
        // The next list shows the event again.
        notices.add(
            &"stranger".into(),
            (Autoscale::SpotInterruption, at(0)),
            &"words".into(),
            false,
            at(902),
            &mut out,
        );
        notices.forget(at(2000), &mut out);
        assert_eq!(out, [Occurrence::NodeEventUnjoined]);
    }

    #[test]
    fn beyond_the_bound_the_oldest_goes_and_that_is_told() {
        let (mut notices, mut out) = (Notices::default(), Vec::new());
        for number in 0..=i64::try_from(MOST).expect("a small number") {
            add(&mut notices, &format!("n{number}"), (Autoscale::SpotInterruption, at(number / 100)), &mut out);
        }
        assert_eq!(out, [Occurrence::Evicted { table: Table::Notices }, Occurrence::NodeEventUnjoined]);
        assert_eq!(notices.of_pods_on("n0"), None);
    }
}
