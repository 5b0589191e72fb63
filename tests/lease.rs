//! Two holders of one Lease, with pauses, partitions, lost answers and clocks that differ: nothing is counted twice, and what
//! is missing is told.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tierwatch::config::HighAvailability;
use tierwatch::lease::{Election, Gate, Record, Term};
use tierwatch::model::occurrence::{Occurrence, Outcome};
use tierwatch::observation::{JobId, Now};

const STEP: Duration = Duration::from_millis(500);

fn config() -> HighAvailability {
    HighAvailability {
        lease_name: "tierwatch".into(),
        namespace: "tierwatch".into(),
        lease_duration: Duration::from_secs(15),
        renew_deadline: Duration::from_secs(10),
        retry_period: Duration::from_secs(2),
    }
}

fn world(step: usize) -> Timestamp {
    let began: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    began + STEP * u32::try_from(step).unwrap()
}

fn outcome(job: u64, at: Option<Timestamp>) -> Occurrence {
    Occurrence::JobOutcome { tier: 0, job: JobId(job), outcome: Outcome::InTime, at }
}

/// The Lease, and how often it was written: who writes names the version it read.
#[derive(Default)]
struct Server {
    record: Option<Record>,
    version: u64,
}

impl Server {
    fn write(&mut self, read: u64, record: &Record) -> bool {
        let fits = self.version == read;
        if fits {
            (self.record, self.version) = (Some(record.clone()), self.version + 1);
        }
        fits
    }
}

struct One {
    name: &'static str,
    election: Election,
    gate: Gate,
    /// How far its calendar is off.
    skew: SignedDuration,
    counted: Vec<u64>,
    left_out: u64,
    next: usize,
}

impl One {
    fn new(name: &'static str, skew: i64) -> Self {
        let election = Election::new(name.to_owned(), &config());
        let skew = SignedDuration::from_secs(skew);
        Self { name, election, gate: Gate::default(), skew, counted: vec![], left_out: 0, next: 0 }
    }

    fn now(&self, step: usize) -> Now {
        // Monotonic clocks of two machines have nothing in common.
        let boot = Duration::from_secs(1000 * u64::from(self.name == "b"));
        Now { wall: world(step) + self.skew, mono: boot + STEP * u32::try_from(step).unwrap() }
    }

    fn count(&mut self, occurrences: Vec<Occurrence>) {
        self.counted.extend(occurrences.iter().filter_map(|occurrence| {
            if let Occurrence::JobOutcome { job, .. } = occurrence { Some(job.0) } else { None }
        }));
        self.left_out += self.gate.left_out();
    }

    fn learns(&mut self, step: usize, job: u64, at: Option<Timestamp>) {
        let counted = self.gate.take(vec![outcome(job, at)], self.now(step));
        self.count(counted);
    }

    /// What the task does; a lost answer is one whose write came to pass.
    fn turn(&mut self, step: usize, server: &mut Server, reach: Reach) {
        let now = self.now(step);
        if step >= self.next {
            self.next = step + 4;
            if reach != Reach::Cut {
                self.election.sees(server.record.clone(), &now);
                let read = server.version;
                if let Some(record) = self.election.attempt(&now)
                    && server.write(read, &record)
                    && reach == Reach::Fine
                {
                    self.election.written(record, &now);
                }
            }
        }
        self.election.lapses(&now);
        let counted = self.gate.enters(self.election.term(), now);
        self.count(counted);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Fine,
    /// It does nothing at all.
    Paused,
    /// It lives and reaches nobody.
    Cut,
    /// What it writes arrives, and no answer comes back.
    AnswerLost,
}

/// From which step on, for how many, whom, and what.
type Fault = (usize, usize, usize, Reach);

fn fault(steps: usize) -> impl Strategy<Value = Fault> {
    let reach = prop_oneof![Just(Reach::Paused), Just(Reach::Cut), Just(Reach::AnswerLost)];
    (0..steps, 1..80_usize, 0..2_usize, reach)
}

struct Played {
    counted: BTreeMap<u64, usize>,
    left_out: u64,
    terms: [Term; 2],
}

/// A job each step; each of the two learns of it a while later, or when its pause is over.
fn play(steps: usize, skews: (i64, i64), faults: &[Fault], lags: &[(usize, usize)]) -> Played {
    let mut server = Server::default();
    let mut both = [One::new("a", skews.0), One::new("b", skews.1)];
    let mut unheard: [Vec<(usize, u64)>; 2] = Default::default();
    for step in 0..steps {
        let lag = lags[step % lags.len()];
        let job = u64::try_from(step).unwrap();
        unheard[0].push((step + lag.0, job));
        unheard[1].push((step + lag.1, job));
        for (who, one) in both.iter_mut().enumerate() {
            let hit =
                faults.iter().find(|(from, lasts, whom, _)| *whom == who && (*from..from + lasts).contains(&step));
            let reach = hit.map_or(Reach::Fine, |(_, _, _, reach)| *reach);
            if reach == Reach::Paused {
                continue;
            }
            let (heard, later): (Vec<_>, Vec<_>) = unheard[who].iter().partition(|(due, _)| *due <= step);
            unheard[who] = later;
            for (_, job) in heard {
                one.learns(step, job, Some(world(usize::try_from(job).unwrap())));
            }
            one.turn(step, &mut server, reach);
        }
    }
    let mut counted = BTreeMap::new();
    for job in both.iter().flat_map(|one| &one.counted) {
        *counted.entry(*job).or_default() += 1;
    }
    let left_out = both.iter().map(|one| one.left_out).sum();
    Played { counted, left_out, terms: [both[0].election.term(), both[1].election.term()] }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn nothing_is_counted_twice_and_what_is_missing_is_told(
        skews in (-90..90_i64, -90..90_i64),
        faults in prop::collection::vec(fault(400), 0..8),
        lags in prop::collection::vec((0..30_usize, 0..30_usize), 1..10),
    ) {
        let steps = 800;
        let played = play(steps, skews, &faults, &lags);
        let twice: Vec<_> = played.counted.iter().filter(|(_, times)| **times > 1).collect();
        prop_assert!(twice.is_empty(), "{twice:?}");
        // The last ones wait for a clock that may be a minute and a half behind, or for one that was ahead.
        let settled = steps - 500;
        let missing = (0..settled as u64).filter(|job| !played.counted.contains_key(job)).count() as u64;
        prop_assert!(missing <= played.left_out, "{missing} are missing, {} are told", played.left_out);
    }
}

#[test]
fn without_faults_one_holds_it_and_everything_counts_once() {
    let played = play(200, (0, 0), &[], &[(3, 5)]);
    assert!(played.terms[0].leads() && !played.terms[1].leads());
    // What happened before there was a Lease is the baseline; what happened last waits for the next renewal.
    assert!((1..190).all(|job| played.counted.get(&job) == Some(&1)), "{:?}", played.counted);
    assert_eq!(played.left_out, 0);
}

#[test]
fn the_other_takes_over_once_the_lease_ran_out_and_not_before() {
    let lasts = 400;
    let begins = |steps| {
        let played = play(steps, (0, 0), &[(40, lasts, 0, Reach::Cut)], &[(0, 0)]);
        played.terms.map(|term| term.leads())
    };
    assert_eq!(begins(40), [true, false]);
    // Ten seconds after its last renewal the first gives up; fifteen after it was last seen to change the second begins.
    assert_eq!(begins(62), [false, false]);
    assert_eq!(begins(76), [false, true]);
    assert_eq!(begins(lasts + 80), [false, true], "nobody takes it back from one who renews it");
}

#[test]
fn who_gives_it_up_is_followed_at_once_and_what_it_counted_is_not_counted_again() {
    let (mut server, mut a, mut b) = (Server::default(), One::new("a", 0), One::new("b", 0));
    a.turn(0, &mut server, Reach::Fine);
    b.turn(0, &mut server, Reach::Fine);
    a.learns(1, 1, Some(world(1)));
    b.learns(1, 1, Some(world(1)));
    let farewell = a.election.farewell(&a.now(2)).unwrap();
    let version = server.version;
    assert!(server.write(version, &farewell) && farewell.holder.is_none());
    a.election.written(farewell, &a.now(2));
    let counted = a.gate.enters(a.election.term(), a.now(2));
    a.count(counted);
    assert_eq!(a.counted, [1], "what it knew is counted with its last word");
    for step in [4, 8] {
        b.learns(step, u64::try_from(step).unwrap(), Some(world(step)));
        b.turn(step, &mut server, Reach::Fine);
    }
    b.turn(12, &mut server, Reach::Fine);
    assert_eq!(b.counted, [4, 8]);
    let Term::Leads { from, .. } = b.election.term() else { panic!("it follows at once") };
    assert_eq!(from, world(2));
}

#[test]
fn a_lease_that_another_wrote_in_between_is_not_overwritten() {
    let (mut server, mut a) = (Server::default(), One::new("a", 0));
    let now = a.now(0);
    a.election.sees(None, &now);
    let mine = a.election.attempt(&now).unwrap();
    let theirs = Record { holder: Some("b".to_owned()), ..mine.clone() };
    assert!(server.write(0, &theirs));
    assert!(!server.write(0, &mine));
    a.turn(4, &mut server, Reach::Fine);
    assert!(!a.election.term().leads());
}

#[test]
fn what_has_no_time_of_its_own_waits_for_a_renewal_and_settles_after_a_takeover() {
    let (mut server, mut a, mut b) = (Server::default(), One::new("a", 0), One::new("b", 0));
    a.turn(0, &mut server, Reach::Fine);
    b.turn(0, &mut server, Reach::Fine);
    for one in [&mut a, &mut b] {
        one.learns(1, 1, None);
    }
    assert_eq!(a.counted, [0; 0], "not before it is known that it still holds the Lease");
    a.turn(4, &mut server, Reach::Fine);
    assert_eq!(a.counted, [1]);
    for step in (4..200).step_by(4) {
        b.turn(step, &mut server, Reach::Fine);
    }
    assert!(b.election.term().leads());
    b.learns(60, 2, None);
    b.learns(200, 3, None);
    b.turn(204, &mut server, Reach::Fine);
    assert_eq!((&b.counted[..], b.left_out), (&[3][..], 2), "the first two may have been counted by the one before it");
}
