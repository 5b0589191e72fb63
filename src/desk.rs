//! The desk: the one task that owns the fleet.
//!
//! It folds the linear stream of observations, hands out what happened, judges when something changed and
//! publishes the judgement. Everything that reads, reads what it published.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

mod enquiry;

pub use enquiry::{DeskGone, Enquiries, Question};

use crate::clock::Clock;
use crate::condition::{FiringAlert, Ledger};
use crate::lease::{Gate, Term};
use crate::metrics::Own;
use crate::model::assess::{assess, explain};
use crate::model::assessment::Assessment;
use crate::model::fleet::{Fleet, Left};
use crate::model::occurrence::Occurrence;
use crate::observation::{Body, Earlier, EarlierAlert, Now, Observation, SourceKey, SourceKind, Wishes};
use crate::recording::Recorder;
use crate::state::Keeper;

/// Time passes for the fleet in steps of this size.
const TICK: Duration = Duration::from_secs(1);

/// Changes that arrive within this time are judged together: a pod change shows well within 250 ms, and a
/// flood of them costs ten judgements a second, not twenty thousand.
const COALESCE: Duration = Duration::from_millis(100);

/// Observations folded in one go before timers get their turn.
const BATCH: usize = 1024;

/// Room in the channel from the sources: they wait when the desk is behind.
pub const CHANNEL: usize = 4096;

/// Who is told what happened, and when that was learned: the counters.
pub type Sink = Box<dyn Fn(&Occurrence, Timestamp) + Send>;

/// The owner of the fleet.
#[derive(Debug)]
pub struct Desk {
    book: Book,
    clock: Clock,
    own: Own,
    wishes: watch::Sender<Arc<Wishes>>,
    questions: mpsc::Receiver<Question>,
    recorder: Option<Recorder>,
    keeper: Option<Keeper>,
    gate: Option<(Gate, watch::Receiver<Term>)>,
    earlier: Option<Earlier>,
}

/// The fleet with what was last said of it. It knows no task and no clock: the running desk and a replay use the same.
pub struct Book {
    fleet: Fleet,
    ledger: Ledger,
    sink: Sink,
    assessments: watch::Sender<Arc<Assessment>>,
}

/// What the desk publishes.
#[derive(Debug, Clone)]
pub struct Published {
    /// The newest judgement; the first one, before any source spoke, knows nothing.
    pub assessments: watch::Receiver<Arc<Assessment>>,
    /// What the sources should look at next.
    pub wishes: watch::Receiver<Arc<Wishes>>,
    /// Where single jobs are asked for: thousands of them are too many to publish.
    pub enquiries: Enquiries,
}

impl Desk {
    /// A desk for `fleet` that tells `sink` what happens.
    #[must_use]
    pub fn new(fleet: Fleet, clock: Clock, sink: Sink, own: Own) -> (Self, Published) {
        let (book, assessments) = Book::new(fleet, clock.now(), sink);
        let (wishes, wished) = watch::channel(Arc::default());
        let (enquiries, questions) = Enquiries::channel();
        let published = Published { assessments, wishes: wished, enquiries };
        (
            Self { book, clock, own, wishes, questions, recorder: None, keeper: None, gate: None, earlier: None },
            published,
        )
    }

    /// Tells `recorder` everything it does.
    #[must_use]
    pub fn recorded(mut self, recorder: Option<Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Goes on where `earlier` ended; `keeper` writes down what is counted.
    #[must_use]
    pub fn kept(mut self, state: Option<(Keeper, Earlier)>) -> Self {
        (self.keeper, self.earlier) = state.unzip();
        self
    }

    /// Counts only what is its own to count by the terms of a Lease.
    #[must_use]
    pub fn gated(mut self, terms: Option<watch::Receiver<Term>>) -> Self {
        self.gate = terms.map(|terms| (Gate::default(), terms));
        self
    }

    /// Works until every source is gone; whatever they said by then is counted.
    pub async fn run(mut self, mut observations: mpsc::Receiver<Observation>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut changed = false;
        let mut tick = std::pin::pin!(self.clock.clone().sleep_owned(TICK));
        let mut publish = std::pin::pin!(tokio::time::sleep(COALESCE));
        if let Some(earlier) = self.earlier.take().map(Box::new) {
            let (source, at) = (SourceKey::global(SourceKind::Clock), self.clock.now());
            self.fold(Observation { source, at, body: Body::Earlier(earlier) });
        }
        loop {
            tokio::select! {
                biased;
                () = &mut tick => {
                    self.own.desk_queue_depth(observations.len());
                    self.pass_time();
                    changed = false;
                    tick.set(self.clock.clone().sleep_owned(TICK));
                }
                () = &mut publish, if changed => {
                    self.judge(self.clock.now());
                    changed = false;
                }
                term = renewed(&mut self.gate) => self.enter(term),
                written = written(&mut self.keeper) => self.book.count(&written, self.clock.now().wall),
                Some(question) = self.questions.recv() => self.answer(question),
                received = observations.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        break;
                    }
                    if !changed {
                        publish.set(tokio::time::sleep(COALESCE));
                        changed = true;
                    }
                    for observation in batch.drain(..) {
                        self.fold(observation);
                    }
                    if let Some(keeper) = &mut self.keeper {
                        keeper.send(self.clock.now());
                    }
                }
            }
        }
        let now = self.clock.now();
        if let Some(keeper) = self.keeper.take() {
            let last = keeper.finish(now, self.book.left(now)).await;
            self.book.count(&last, now.wall);
        }
        self.judge(now);
    }

    fn fold(&mut self, observation: Observation) {
        if let Some(recorder) = &mut self.recorder {
            recorder.seen(&observation);
        }
        let at = observation.at;
        let mut happened = self.book.apply(observation);
        if let Some((gate, _)) = &mut self.gate {
            happened = gate.take(happened, at);
            self.own.left_out(gate.left_out());
        }
        self.release(happened, at.wall);
    }

    /// Counts what may be counted, now or when its key is on disk.
    fn release(&mut self, happened: Vec<Occurrence>, at: Timestamp) {
        let free = match &mut self.keeper {
            Some(keeper) => keeper.take(happened),
            None => happened,
        };
        self.book.count(&free, at);
    }

    /// The Lease was renewed, or changed hands.
    fn enter(&mut self, term: Term) {
        let Some((gate, _)) = &mut self.gate else { return };
        let now = self.clock.now();
        let happened = gate.enters(term, now);
        self.own.left_out(gate.left_out());
        self.release(happened, now.wall);
        if let Some(keeper) = &mut self.keeper {
            keeper.send(now);
        }
    }

    fn pass_time(&mut self) {
        let now = self.clock.now();
        self.fold(Observation { source: SourceKey::global(SourceKind::Clock), at: now, body: Body::Tick });
        if let Some(keeper) = &mut self.keeper {
            let overdue = keeper.tick(now, || self.book.left(now));
            self.book.count(&overdue, now.wall);
        }
        let wishes = self.book.wishes(now);
        self.wishes.send_if_modified(|known| {
            let differ = **known != wishes;
            if differ {
                *known = Arc::new(wishes);
            }
            differ
        });
        self.judge(now);
    }

    fn answer(&self, question: Question) {
        let current = self.book.assessments.borrow().clone();
        let told = explain(&self.book.fleet, &current, question.job(), self.clock.now());
        question.answer(told);
    }

    fn judge(&mut self, now: Now) {
        if let Some(recorder) = &mut self.recorder {
            recorder.judged(now);
        }
        let (before, after) = self.book.judge(now);
        tell_changes(&before, &after);
    }
}

impl Book {
    /// A book for `fleet`, first judged at `began`, that tells `sink` what happens; and where its judgements are read.
    #[must_use]
    pub fn new(fleet: Fleet, began: Now, sink: Sink) -> (Self, watch::Receiver<Arc<Assessment>>) {
        let (assessments, assessed) = watch::channel(Arc::new(assess(&fleet, began, None)));
        let ledger = Ledger::new(fleet.policy().keep_firing_for);
        (Self { fleet, ledger, sink, assessments }, assessed)
    }

    /// Folds one observation, and tells what happened.
    pub fn fold(&mut self, observation: Observation) {
        let at = observation.at.wall;
        let happened = self.apply(observation);
        self.count(&happened, at);
    }

    fn apply(&mut self, observation: Observation) -> Vec<Occurrence> {
        if let Body::Earlier(earlier) = &observation.body {
            self.ledger.resume(earlier.alerts_at(observation.at.wall), observation.at);
        }
        self.fleet.apply(observation)
    }

    /// What the sources should look at next.
    #[must_use]
    pub fn wishes(&self, now: Now) -> Wishes {
        self.fleet.wishes(&now)
    }

    /// What to leave to the next run.
    fn left(&self, now: Now) -> Left {
        Left { alerts: self.left_alerts(), ..self.fleet.left(now) }
    }

    /// The alerts of it.
    #[must_use]
    pub fn left_alerts(&self) -> Vec<EarlierAlert> {
        self.ledger.left()
    }

    fn count(&self, happened: &[Occurrence], at: Timestamp) {
        happened.iter().for_each(|occurrence| (self.sink)(occurrence, at));
    }

    /// Judges, and publishes the judgement: the one before and the new one.
    pub fn judge(&mut self, now: Now) -> (Arc<Assessment>, Arc<Assessment>) {
        let before = self.assessments.borrow().clone();
        let mut after = assess(&self.fleet, now, Some(&before));
        after.alerts = self.ledger.judge(&after);
        let after = Arc::new(after);
        self.assessments.send_replace(Arc::clone(&after));
        (before, after)
    }
}

/// Waits for news of the Lease, where there is one.
async fn renewed(gate: &mut Option<(Gate, watch::Receiver<Term>)>) -> Term {
    if let Some((_, terms)) = gate
        && terms.changed().await.is_ok()
    {
        return *terms.borrow_and_update();
    }
    std::future::pending().await
}

/// Waits for the disk, where there is one to wait for.
async fn written(keeper: &mut Option<Keeper>) -> Vec<Occurrence> {
    match keeper {
        Some(keeper) => keeper.written().await,
        None => std::future::pending().await,
    }
}

/// The log says what an operator would ask it later: when a tier changed its state, when a source went blind.
fn tell_changes(before: &Assessment, after: &Assessment) {
    for (old, new) in before.tiers.iter().zip(&after.tiers).filter(|(old, new)| old.state != new.state) {
        let (was, is) = (old.state.as_str(), new.state.as_str());
        tracing::info!(tier = %new.name, was, is, "{}", new.headline);
    }
    tell_alerts(before, after);
    for new in &after.sources {
        let old = before.sources.iter().find(|old| old.source == new.source).and_then(|old| old.up);
        if old == new.up {
            continue;
        }
        let (source, namespace) = (new.source.kind.as_str(), new.source.namespace.as_deref().unwrap_or_default());
        match new.up {
            Some(true) => tracing::info!(source, namespace, "source is up"),
            Some(false) => {
                let failure = new.failure.as_deref().unwrap_or("its data is too old");
                tracing::warn!(source, namespace, failure, "source is down");
            }
            None => {}
        }
    }
}

fn tell_alerts(before: &Assessment, after: &Assessment) {
    for new in &after.alerts {
        let same =
            |old: &&FiringAlert| (&old.tier, &old.subject, old.starts_at) == (&new.tier, &new.subject, new.starts_at);
        let of_name = before.alerts.iter().filter(|old| old.alert == new.alert && old.severity == new.severity);
        let old = of_name.into_iter().find(same);
        let (tier, subject) = (new.tier.as_deref().unwrap_or_default(), new.subject.as_deref().unwrap_or_default());
        let (alert, severity) = (new.alert, new.severity.as_str());
        match (old.map(|old| old.ends_at), new.ends_at) {
            (None, None) => tracing::warn!(alert, severity, tier, subject, "alert fires: {}", new.reason),
            (Some(None), Some(_)) => tracing::info!(alert, severity, tier, subject, "alert is over"),
            (None | Some(_), _) => {}
        }
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").field("fleet", &self.fleet).finish_non_exhaustive()
    }
}
