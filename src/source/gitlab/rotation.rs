//! Whose turn it is when the queue is read project by project: pure book-keeping.
//!
//! Each round has an allowance of requests, and the projects wish for them:
//!
//! 1. those of which a webhook told something, and those where jobs waited or ran at the last look: every round;
//! 2. a fair part of the others, the longest unseen first, so that each is seen within the sweep: this part is kept for
//!    them, and where it leaves too little for the first, those take turns;
//! 3. what is left goes by urgency. Where jobs were a minute ago the next ones are likelier than where they were a year
//!    ago: the chance is about one in the time of silence, and jobs wait unseen the least when the time between two looks
//!    follows the square root of that time. How often a look comes then follows from the allowance alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::observation::{ProjectId, ProjectReport};

/// The part of a round that quiet projects may take for the sweep, however many there are: the busy ones need the rest.
const QUIET_PART: f64 = 0.75;

/// Rounds start late at times; the sweep is planned a little shorter than promised.
const MARGIN: f64 = 0.97;

/// How long a project is taken to have been silent of which nobody says it.
const LONG_SILENCE: Duration = Duration::from_secs(30 * 86_400);

/// The watched projects and when each was looked at.
#[derive(Debug, Default)]
pub struct Rotation {
    seats: BTreeMap<ProjectId, Seat>,
    /// Requests spent since the last round on projects that could not wait for the next one.
    spent: usize,
}

#[derive(Debug)]
struct Seat {
    path: Arc<str>,
    looked: Option<Duration>,
    /// Since when no job was there, and how long it had been silent by then.
    silent: (Duration, Duration),
    busy: bool,
    hinted: bool,
    hidden: bool,
    /// Requests that the last look took.
    cost: usize,
}

/// What one round may do.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// From one round to the next.
    pub every: Duration,
    /// Each project is seen once in this time.
    pub sweep: Duration,
    /// Requests for one round; at least 1.
    pub allowance: usize,
}

/// A watched project, and how long nothing had happened there when it was listed, where that is known.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The project.
    pub project: ProjectReport,
    /// The time since its last activity, as GitLab counts it (pushes, comments; not jobs).
    pub silence: Option<Duration>,
}

/// What a look at a project found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Jobs wait or run there.
    pub jobs: bool,
    /// Requests that it took.
    pub requests: usize,
}

impl Round {
    /// How many of so many quiet projects are looked at in each round for all to be seen within the sweep; of some at
    /// least one, of more than their part holds only that.
    fn kept_for(self, quiet: usize) -> usize {
        let rounds = (self.sweep.div_duration_f64(self.every) * MARGIN).max(1.0);
        let needed = (quiet as f64 / rounds).ceil() as usize;
        let part = (self.allowance as f64 * QUIET_PART) as usize;
        needed.min(part.max(1))
    }
}

impl Seat {
    fn silence(&self, now: Duration) -> Duration {
        let (since, before) = self.silent;
        now.saturating_sub(since).saturating_add(before)
    }

    /// How long ago it was looked at, measured by how long it is silent.
    fn urgency(&self, now: Duration, every: Duration) -> f64 {
        let age = self.looked.map_or(Duration::MAX, |at| now.saturating_sub(at));
        age.as_secs_f64() / self.silence(now).max(every).as_secs_f64().sqrt()
    }

    fn comes_first(&self) -> bool {
        self.busy || self.hinted
    }
}

impl Rotation {
    /// The projects as they are `now`; those known keep their place.
    pub fn replace(&mut self, projects: &[Listed], now: Duration) {
        let mut former = std::mem::take(&mut self.seats);
        for Listed { project, silence } in projects {
            let told = silence.unwrap_or(LONG_SILENCE);
            let mut seat = former.remove(&project.id).unwrap_or_else(|| Seat {
                path: project.path.clone(),
                looked: None,
                silent: (now, told),
                busy: false,
                hinted: false,
                hidden: false,
                cost: 1,
            });
            seat.path = project.path.clone();
            if told < seat.silence(now) {
                seat.silent = (now, told);
            }
            self.seats.insert(project.id, seat);
        }
    }

    /// Who is looked at in the round that begins `now`, the most urgent first.
    pub fn plan(&mut self, round: Round, now: Duration) -> Vec<ProjectReport> {
        let allowance = round.allowance.saturating_sub(std::mem::take(&mut self.spent)).max(1);
        // With one request a round nobody can come first: all take turns.
        let first = |seat: &Seat| seat.comes_first() && allowance > 1;
        let (mut busy, mut quiet): (Vec<_>, Vec<_>) = self.seats.iter().partition(|(_, seat)| first(seat));
        // `None`, never looked at, sorts before any time.
        busy.sort_by_key(|(id, seat)| (seat.looked, Reverse(**id)));
        quiet.sort_by_key(|(id, seat)| (seat.looked, seat.silence(now), Reverse(**id)));

        let kept = round.kept_for(quiet.len()).min(allowance);
        let mut turns = Turns { left: allowance - kept, taken: Vec::new() };
        busy.into_iter().for_each(|seat| turns.offer(seat));
        turns.left += kept;

        let in_turn = kept.max(quiet.iter().filter(|(_, seat)| seat.looked.is_none()).count());
        let mut rest = quiet.split_off(in_turn.min(quiet.len()));
        quiet.into_iter().for_each(|seat| turns.offer(seat));
        rest.sort_by(|(_, a), (_, b)| b.urgency(now, round.every).total_cmp(&a.urgency(now, round.every)));
        rest.into_iter().for_each(|seat| turns.offer(seat));
        turns.taken
    }

    /// Who cannot wait for the next round: a webhook told of it, and it was not looked at for a whole period.
    #[must_use]
    pub fn between(&self, round: Round, now: Duration) -> Vec<ProjectReport> {
        let rested = |seat: &Seat| seat.looked.is_none_or(|at| now.saturating_sub(at) >= round.every);
        let mut due: Vec<_> = self.seats.iter().filter(|(_, seat)| seat.hinted && rested(seat)).collect();
        due.sort_by_key(|(id, seat)| (seat.looked, Reverse(**id)));
        let quiet = self.seats.values().filter(|seat| !seat.comes_first()).count();
        let left = round.allowance.saturating_sub(round.kept_for(quiet)).saturating_sub(self.spent);
        let mut turns = Turns { left, taken: Vec::new() };
        due.into_iter().for_each(|seat| turns.offer(seat));
        turns.taken
    }

    /// So many requests were sent outside of a round: the next one has as many less.
    pub fn spend(&mut self, requests: usize) {
        self.spent += requests;
    }

    /// How long it takes to see every project once, where that is longer than the sweep.
    #[must_use]
    pub fn longer_than_sweep(&self, round: Round) -> Option<Duration> {
        let busy: usize = self.seats.values().filter(|seat| seat.comes_first()).map(|seat| seat.cost).sum();
        let quiet = self.seats.values().filter(|seat| !seat.comes_first()).count();
        let left = round.allowance.saturating_sub(busy).max(round.kept_for(quiet)).max(1);
        let rounds = u32::try_from(quiet.div_ceil(left)).unwrap_or(u32::MAX);
        Some(round.every.saturating_mul(rounds)).filter(|long| *long > round.sweep)
    }

    /// Something happens in these projects: they come before those that nobody speaks of.
    pub fn hint(&mut self, ids: &[ProjectId]) {
        for id in ids {
            // A project that hides its jobs does not show them for a hook either.
            if let Some(seat) = self.seats.get_mut(id).filter(|seat| !seat.hidden) {
                seat.hinted = true;
            }
        }
    }

    /// `id` was looked at and answered.
    pub fn answered(&mut self, id: ProjectId, at: Duration, found: Found) {
        if let Some(seat) = self.seats.get_mut(&id) {
            (seat.looked, seat.busy, seat.hinted, seat.hidden) = (Some(at), found.jobs, false, false);
            seat.cost = found.requests.max(1);
            if found.jobs {
                seat.silent = (at, Duration::ZERO);
            }
        }
    }

    /// `id` was looked at in vain: others come first, whatever was known of its jobs.
    pub fn failed(&mut self, id: ProjectId, at: Duration, hidden: bool) {
        if let Some(seat) = self.seats.get_mut(&id) {
            (seat.looked, seat.hinted, seat.hidden) = (Some(at), false, hidden);
            if hidden {
                (seat.busy, seat.silent) = (false, (at, LONG_SILENCE));
            }
        }
    }

    /// Paths of the projects that do not show their jobs.
    #[must_use]
    pub fn hidden(&self) -> Vec<String> {
        self.seats.values().filter(|seat| seat.hidden).map(|seat| seat.path.to_string()).collect()
    }

    /// How many projects are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// No project is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }
}

/// Turns given out until the allowance is used up.
struct Turns {
    left: usize,
    taken: Vec<ProjectReport>,
}

impl Turns {
    /// A project takes what its last look took. One whose jobs fill more pages than are left is looked at all the
    /// same while anything is: it would never be seen otherwise.
    fn offer(&mut self, (id, seat): (&ProjectId, &Seat)) {
        if self.left > 0 {
            self.left = self.left.saturating_sub(seat.cost);
            self.taken.push(ProjectReport { id: *id, path: seat.path.clone() });
        }
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
