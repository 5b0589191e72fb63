//! From "ready to run" to "build container running": the instants of one job's start and what they add up to.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::occurrence::Phase;
use crate::observation::between;

/// The true instants of a start, each from the clock of whoever did it; absent while unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::model) struct Instants {
    /// GitLab: became pending.
    pub(in crate::model) queued: Option<Timestamp>,
    /// GitLab: a runner took it.
    pub(in crate::model) taken: Option<Timestamp>,
    /// API server: its first pod was created.
    pub(in crate::model) created: Option<Timestamp>,
    /// Scheduler: that pod was bound.
    pub(in crate::model) scheduled: Option<Timestamp>,
    /// Kubelet: that pod's sandbox was ready.
    pub(in crate::model) sandbox: Option<Timestamp>,
    /// Kubelet: the build container of any of its pods started.
    pub(in crate::model) running: Option<Timestamp>,
}

/// A finished start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// From queued to running, where the beginning is known.
    pub(super) took: Option<Duration>,
    /// The phases whose both ends are known.
    pub(super) phases: Vec<(Phase, Duration)>,
    /// Phases whose end lay before its beginning and was bent.
    pub(super) clamped: Vec<Phase>,
}

/// The way from one instant to the next.
struct Walk {
    phases: Vec<(Phase, Duration)>,
    clamped: Vec<Phase>,
    latest: Option<Timestamp>,
}

impl Instants {
    /// The start as durations, once the build container runs.
    ///
    /// Instants of different machines may run backwards by a second: each is raised to the largest before it,
    /// so that the phases of a fully known start always sum to the whole.
    pub(super) fn start(&self) -> Option<Start> {
        self.running?;
        let Walk { phases, clamped, latest } = self.walk(&self.steps());
        let took = self.queued.zip(latest).map(|(begin, end)| between(begin, end));
        Some(Start { took, phases, clamped })
    }

    /// The phases as far as they have come by `until`, and whether each is over.
    pub(in crate::model) fn so_far(&self, until: Timestamp) -> Vec<(Phase, Duration, bool)> {
        let steps = self.steps();
        let reached = steps.iter().rposition(|(_, instant)| instant.is_some()).map_or(0, |last| last + 1);
        let Walk { phases, latest, .. } = self.walk(&steps[..reached]);
        let over = phases.into_iter().map(|(phase, took)| (phase, took, true));
        let open = steps.get(reached).zip(latest).map(|((phase, _), latest)| (*phase, between(latest, until), false));
        over.chain(open).collect()
    }

    /// Each phase, and the instant at which it ends.
    const fn steps(&self) -> [(Phase, Option<Timestamp>); 5] {
        [
            (Phase::Queue, self.taken),
            (Phase::Dispatch, self.created),
            (Phase::Schedule, self.scheduled),
            (Phase::Sandbox, self.sandbox),
            (Phase::Containers, self.running),
        ]
    }

    fn walk(&self, steps: &[(Phase, Option<Timestamp>)]) -> Walk {
        let mut latest = self.queued;
        let mut previous_known = self.queued.is_some();
        let (mut phases, mut clamped) = (Vec::with_capacity(steps.len()), Vec::new());
        for (phase, instant) in steps {
            let Some(instant) = *instant else {
                previous_known = false;
                continue;
            };
            let begin = latest.unwrap_or(instant);
            if instant < begin {
                clamped.push(*phase);
            }
            let end = instant.max(begin);
            if previous_known {
                phases.push((*phase, between(begin, end)));
            }
            latest = Some(end);
            previous_known = true;
        }
        Walk { phases, clamped, latest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(1_900_000_000 + seconds).expect("a time in this century"))
    }

    fn seconds(start: &Start) -> Vec<(&'static str, u64)> {
        start.phases.iter().map(|(phase, took)| (phase.as_str(), took.as_secs())).collect()
    }

    #[test]
    fn phases_of_a_known_start_sum_to_the_whole() {
        let instants = Instants {
            queued: at(0),
            taken: at(10),
            created: at(12),
            scheduled: at(15),
            sandbox: at(16),
            running: at(40),
        };
        let start = instants.start().expect("it runs");
        assert_eq!(
            seconds(&start),
            [("queue", 10), ("dispatch", 2), ("schedule", 3), ("sandbox", 1), ("containers", 24)]
        );
        assert_eq!(start.took, Some(Duration::from_secs(40)));
        assert!(start.clamped.is_empty());
    }

    #[test]
    fn an_instant_that_runs_backwards_is_bent_and_told() {
        let instants =
            Instants { queued: at(0), taken: at(10), created: at(9), running: at(20), ..Instants::default() };
        let start = instants.start().expect("it runs");
        assert_eq!(seconds(&start), [("queue", 10), ("dispatch", 0)]);
        assert_eq!(start.clamped, [Phase::Dispatch]);
    }

    #[test]
    fn a_missing_link_leaves_its_two_phases_out() {
        let instants =
            Instants { queued: at(0), created: at(12), scheduled: at(15), running: at(40), ..Instants::default() };
        let start = instants.start().expect("it runs");
        assert_eq!(seconds(&start), [("schedule", 3)]);
        assert_eq!(start.took, Some(Duration::from_secs(40)));
    }

    #[test]
    fn a_start_under_way_has_an_open_phase() {
        let told = |instants: Instants| -> Vec<_> {
            let phases = instants.so_far(at(60).expect("a time"));
            phases.into_iter().map(|(phase, took, over)| (phase.as_str(), took.as_secs(), over)).collect()
        };
        let queued = Instants { queued: at(0), ..Instants::default() };
        assert_eq!(told(queued), [("queue", 60, false)]);
        let refused = Instants { taken: at(10), created: at(12), ..queued };
        assert_eq!(told(refused), [("queue", 10, true), ("dispatch", 2, true), ("schedule", 48, false)]);
        let running = Instants { scheduled: at(15), sandbox: at(16), running: at(40), ..refused };
        assert_eq!(told(running).last(), Some(&("containers", 24, true)));
        assert_eq!(told(Instants::default()), []);
    }

    #[test]
    fn nothing_is_told_before_the_build_container_runs() {
        assert_eq!(Instants { queued: at(0), taken: at(1), ..Instants::default() }.start(), None);
    }
}
