//! Which occurrences are this one's to count.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::term::Term;
use crate::model::occurrence::Occurrence;
use crate::observation::Now;

/// Some things have no time of their own, and are known by when they were learned: whatever the predecessor counted in its
/// last moment, this one has heard of by then.
const SETTLES: Duration = Duration::from_secs(60);

/// What waits for a renewal, or for the predecessor's end, of about 200 bytes each: 20 MB.
const MOST_HELD: usize = 100_000;

#[derive(Debug)]
struct Held {
    occurrence: Occurrence,
    learned: Now,
    /// Since when it is known to be the holder's, while this one stands by.
    theirs: Option<Duration>,
}

/// Keeps occurrences until it is known whose they are.
#[derive(Debug, Default)]
pub struct Gate {
    term: Term,
    /// When this one's term began.
    began: Duration,
    held: VecDeque<Held>,
    left_out: u64,
}

impl Gate {
    /// Takes what happened, and gives back what may be counted.
    pub fn take(&mut self, happened: Vec<Occurrence>, now: Now) -> Vec<Occurrence> {
        let (mut counted, others): (Vec<_>, Vec<_>) = happened.into_iter().partition(Occurrence::is_of_this_process);
        self.held.extend(others.into_iter().map(|occurrence| Held { occurrence, learned: now, theirs: None }));
        counted.extend(self.sort_out(now));
        counted
    }

    /// The Lease changed, or was renewed: gives back what may be counted by that.
    pub fn enters(&mut self, term: Term, now: Now) -> Vec<Occurrence> {
        let number = |term: &Term| match term {
            Term::Leads { number, .. } => Some(*number),
            Term::StandsBy { .. } => None,
        };
        if number(&self.term) != number(&term) {
            self.began = now.mono;
        }
        self.term = term;
        self.sort_out(now)
    }

    /// How many occurrences of this one's terms fell into the time of a predecessor that was gone, or could not be told from
    /// it: nobody may have counted them. Since the last time it was asked.
    pub fn left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }

    fn sort_out(&mut self, now: Now) -> Vec<Occurrence> {
        let mut counted = Vec::new();
        let mut kept = VecDeque::new();
        for mut held in self.held.drain(..) {
            match whose(&self.term, self.began, &mut held, now) {
                Whose::Mine => counted.push(held.occurrence),
                Whose::Nobodys => self.left_out += 1,
                Whose::Theirs => {}
                Whose::Open => kept.push_back(held),
            }
        }
        while kept.len() > MOST_HELD {
            kept.pop_front();
            self.left_out += 1;
        }
        self.held = kept;
        counted
    }
}

enum Whose {
    Mine,
    /// The holder's.
    Theirs,
    /// Of a holder that is gone.
    Nobodys,
    /// The next renewal will tell.
    Open,
}

fn whose(term: &Term, began: Duration, held: &mut Held, now: Now) -> Whose {
    let at: Option<Timestamp> = held.occurrence.at();
    match (term, at) {
        (Term::StandsBy { theirs, .. }, Some(at)) if theirs.is_none_or(|theirs| at >= theirs) => Whose::Open,
        (Term::StandsBy { is_own: true, .. }, _) => Whose::Nobodys,
        // The holder may have died before it learned of what is its own: remembered for a while, to be told as left out.
        (Term::StandsBy { .. }, _) => {
            let since = *held.theirs.get_or_insert(now.mono);
            if now.mono.saturating_sub(since) < SETTLES { Whose::Open } else { Whose::Theirs }
        }
        (Term::Leads { from, .. }, Some(at)) if at < *from => Whose::Nobodys,
        (Term::Leads { until, .. }, Some(at)) if at < *until => Whose::Mine,
        (Term::Leads { .. }, Some(_)) => Whose::Open,
        (Term::Leads { takes_over: true, .. }, None) if held.learned.mono < began + SETTLES => Whose::Nobodys,
        (Term::Leads { renewed, .. }, None) if held.learned.mono <= *renewed => Whose::Mine,
        (Term::Leads { .. }, None) => Whose::Open,
    }
}
