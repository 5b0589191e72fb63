//! Whose turn it is when the queue is read project by project: pure book-keeping.
//!
//! Projects with waiting or running jobs are looked at in every round; the rest in turn, so that each was seen
//! within the sweep; and never more than the round's allowance of requests.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::observation::{ProjectId, ProjectReport};

/// The part of a round kept for quiet projects however many busy ones there are: otherwise a project whose
/// first job waits would never be seen.
const QUIET_PART: usize = 10;

/// The watched projects and when each was looked at.
#[derive(Debug, Default)]
pub(crate) struct Rotation(BTreeMap<ProjectId, Seat>);

#[derive(Debug)]
struct Seat {
    path: Arc<str>,
    looked: Option<Duration>,
    busy: bool,
    hidden: bool,
}

/// What one round may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) every: Duration,
    pub(crate) sweep: Duration,
    pub(crate) allowance: usize,
}

impl Rotation {
    /// The projects as they are now; those known keep their place.
    pub(crate) fn replace(&mut self, projects: &[ProjectReport]) {
        let mut former = std::mem::take(&mut self.0);
        for project in projects {
            let seat = former.remove(&project.id);
            let seat = seat.unwrap_or(Seat { path: project.path.clone(), looked: None, busy: false, hidden: false });
            self.0.insert(project.id, Seat { path: project.path.clone(), ..seat });
        }
    }

    /// Who is looked at in this round, the most urgent first.
    pub(crate) fn plan(&self, round: Round) -> Vec<ProjectReport> {
        // With one request a round nobody can come first: all take turns.
        let comes_first = |seat: &Seat| seat.busy && round.allowance > 1;
        let in_turn = |first: bool| {
            let mut seats: Vec<_> = self.0.iter().filter(|(_, seat)| comes_first(seat) == first).collect();
            // `None`, never looked at, sorts before any time.
            seats.sort_by_key(|(id, seat)| (seat.looked, Reverse(**id)));
            seats
        };
        let (busy, quiet) = (in_turn(true), in_turn(false));
        let kept = if quiet.is_empty() { 0 } else { (round.allowance / QUIET_PART).max(1) };
        let busy_turns = busy.len().min(round.allowance.saturating_sub(kept));

        let unseen = quiet.iter().filter(|(_, seat)| seat.looked.is_none()).count();
        let rounds_per_sweep = (round.sweep.as_secs_f64() / round.every.as_secs_f64().max(0.001)).max(1.0);
        let fair = (quiet.len() as f64 / rounds_per_sweep).ceil() as usize;
        let quiet_turns = unseen.max(fair).min(round.allowance - busy_turns);

        let turns = busy.into_iter().take(busy_turns).chain(quiet.into_iter().take(quiet_turns));
        turns.map(|(id, seat)| ProjectReport { id: *id, path: seat.path.clone() }).collect()
    }

    /// Something happens in these projects: they come as first as the busy ones, and before those seen of late.
    pub(crate) fn hint(&mut self, ids: &[ProjectId]) {
        for id in ids {
            if let Some(seat) = self.0.get_mut(id) {
                seat.busy = true;
            }
        }
    }

    /// `id` was looked at and answered.
    pub(crate) fn answered(&mut self, id: ProjectId, at: Duration, busy: bool) {
        if let Some(seat) = self.0.get_mut(&id) {
            (seat.looked, seat.busy, seat.hidden) = (Some(at), busy, false);
        }
    }

    /// `id` was looked at in vain: others come first, whatever was known of its jobs.
    pub(crate) fn failed(&mut self, id: ProjectId, at: Duration, hidden: bool) {
        if let Some(seat) = self.0.get_mut(&id) {
            (seat.looked, seat.hidden) = (Some(at), hidden);
            seat.busy &= !hidden;
        }
    }

    /// Paths of the projects that do not show their jobs.
    pub(crate) fn hidden(&self) -> Vec<String> {
        self.0.values().filter(|seat| seat.hidden).map(|seat| seat.path.to_string()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(count: u64) -> Rotation {
        let mut rotation = Rotation::default();
        let project = |id| ProjectReport { id: ProjectId(id), path: format!("g/{id}").into() };
        rotation.replace(&(1..=count).map(project).collect::<Vec<_>>());
        rotation
    }

    fn round(allowance: usize) -> Round {
        Round { every: Duration::from_secs(15), sweep: Duration::from_secs(1800), allowance }
    }

    fn ids(plan: &[ProjectReport]) -> Vec<u64> {
        plan.iter().map(|project| project.id.0).collect()
    }

    #[test]
    fn at_first_all_are_looked_at_within_the_allowance() {
        let mut rotation = rotation(100);
        let mut seen = std::collections::BTreeSet::new();
        for turn in 0..3 {
            let plan = rotation.plan(round(40));
            assert!(plan.len() <= 40);
            for project in &plan {
                rotation.answered(project.id, Duration::from_secs(turn), false);
                seen.insert(project.id);
            }
        }
        assert_eq!(seen.len(), 100);
        // Then one in 120 rounds each: one a round.
        assert_eq!(rotation.plan(round(40)).len(), 1);
    }

    #[test]
    fn busy_projects_come_every_round_and_quiet_ones_are_not_forgotten() {
        let mut rotation = rotation(20);
        for id in 1..=20 {
            rotation.answered(ProjectId(id), Duration::from_secs(id), id <= 15);
        }
        let plan = rotation.plan(round(40));
        assert_eq!(plan.len(), 16);
        assert_eq!(ids(&plan)[15], 16, "the quiet one looked at longest ago");
        // More busy ones than the allowance: the longest unseen first, and a place for the quiet.
        let plan = rotation.plan(round(10));
        assert_eq!(ids(&plan), [1, 2, 3, 4, 5, 6, 7, 8, 9, 16]);
    }

    #[test]
    fn a_project_of_which_a_hook_told_is_looked_at_next() {
        let mut rotation = rotation(2000);
        for id in 1..=2000 {
            rotation.answered(ProjectId(id), Duration::from_secs(id), id <= 15);
        }
        assert!(!ids(&rotation.plan(round(50))).contains(&1999));
        rotation.hint(&[ProjectId(1999), ProjectId(5000)]);
        assert!(ids(&rotation.plan(round(50))).contains(&1999));
        rotation.answered(ProjectId(1999), Duration::from_secs(2001), false);
        assert!(!ids(&rotation.plan(round(50))).contains(&1999), "nothing was found there: it is quiet again");
    }

    #[test]
    fn every_quiet_project_is_seen_within_the_sweep() {
        let mut rotation = rotation(600);
        let mut last: BTreeMap<ProjectId, u64> = BTreeMap::new();
        for turn in 0..400_u64 {
            let now = turn * 15;
            for project in rotation.plan(round(50)) {
                if let Some(before) = last.insert(project.id, now) {
                    assert!(now - before <= 1800, "{} after {} s", project.id, now - before);
                }
                rotation.answered(project.id, Duration::from_secs(now), false);
            }
        }
        assert_eq!(last.len(), 600);
    }

    #[test]
    fn a_failing_project_goes_to_the_end_and_a_gone_one_leaves() {
        let mut rotation = rotation(3);
        rotation.failed(ProjectId(3), Duration::from_secs(1), true);
        assert_eq!(rotation.hidden(), ["g/3"]);
        assert_eq!(ids(&rotation.plan(round(2))), [2, 1]);
        rotation.answered(ProjectId(3), Duration::from_secs(1), true);
        rotation.answered(ProjectId(2), Duration::from_secs(2), false);
        rotation.answered(ProjectId(1), Duration::from_secs(3), true);
        assert_eq!(ids(&rotation.plan(round(1))), [3], "with one request a round all take turns");
        rotation.replace(&[ProjectReport { id: ProjectId(1), path: "g/1".into() }]);
        assert_eq!((rotation.len(), rotation.hidden().len()), (1, 0));
        assert!(Rotation::default().plan(round(10)).is_empty());
    }
}
