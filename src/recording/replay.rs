//! Plays a recording through the desk's own book: the recorded instants are the time.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::format::{Header, PROGRAM, fingerprint};
use super::reader::{Heard, ReadError, Recording};
use crate::desk::Book;
use crate::metrics::{Levels, Occurrences};
use crate::model::assessment::Assessment;
use crate::model::fleet::Fleet;
use crate::model::policy::Policy;
use crate::observation::Observation;

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is of another platform.
    #[error("the configuration has the tiers {configured}, the recording {recorded}: name the one it was made with")]
    Tiers {
        /// Those of the configuration.
        configured: String,
        /// Those of the recording.
        recorded: String,
    },
    /// The wanted instant is too early.
    #[error("{wanted} is before the recording, which begins at {began}")]
    Before {
        /// What was asked for.
        wanted: Timestamp,
        /// First judgement.
        began: Timestamp,
    },
    /// The wanted instant is too late.
    #[error("{wanted} is after the recording, which ends at {ended}")]
    After {
        /// What was asked for.
        wanted: Timestamp,
        /// Last judgement.
        ended: Timestamp,
    },
}

impl ReplayError {
    /// Whether what was asked for is wrong, rather than that something cannot be read.
    #[must_use]
    pub const fn is_wrong_usage(&self) -> bool {
        match self {
            Self::Read(error) => error.is_wrong_file(),
            Self::Tiers { .. } | Self::Before { .. } | Self::After { .. } => true,
        }
    }
}

/// What was played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Observations folded, ticks included.
    pub observations: u64,
    /// Judgements made.
    pub judgements: u64,
    /// Lines that the recording lost.
    pub lost: u64,
}

/// A recording and the book that it is played into.
#[derive(Debug)]
pub struct Replay {
    recording: Recording,
    book: Book,
    registry: Registry,
    assessment: watch::Receiver<Arc<Assessment>>,
    span: Span,
}

impl Replay {
    /// Prepares to judge `recording` by `policy`.
    ///
    /// # Errors
    /// When the policy is for other tiers.
    pub fn new(recording: Recording, policy: Policy) -> Result<Self, ReplayError> {
        let header = recording.header();
        let configured: BTreeSet<&str> = policy.tiers.iter().map(|tier| tier.name.as_ref()).collect();
        let recorded: BTreeSet<&str> = header.tiers.iter().map(AsRef::as_ref).collect();
        if configured != recorded {
            return Err(ReplayError::Tiers { configured: listed(&configured), recorded: listed(&recorded) });
        }
        tell_what_differs(header, &policy);
        let mut registry = Registry::default();
        let occurrences = Occurrences::new(&policy, &header.sources, &mut registry);
        let fleet = Fleet::new(Arc::new(policy), header.sources.clone());
        let (book, assessment) = Book::new(fleet, header.began, Box::new(move |what, at| occurrences.count(what, at)));
        registry.register_collector(Box::new(Levels::new(assessment.clone())));
        Ok(Self { recording, book, registry, assessment, span: Span::default() })
    }

    /// Plays up to and with `until`, or to the end. Each new judgement is shown with the one before it.
    ///
    /// # Errors
    /// When the recording cannot be read on, or does not reach that far.
    pub fn play(
        &mut self,
        until: Option<Timestamp>,
        mut judged: impl FnMut(&Assessment, &Assessment),
    ) -> Result<Span, ReplayError> {
        let began = self.recording.header().began.wall;
        if let Some(wanted) = until.filter(|until| *until < began) {
            return Err(ReplayError::Before { wanted, began });
        }
        // Folded with the judgement that they led to, so that the end lies between two judgements.
        let mut heard = Vec::new();
        while let Some(next) = self.recording.next()? {
            match next {
                Heard::Seen(observation) => heard.push(*observation),
                Heard::Judged(now) => {
                    if until.is_some_and(|until| now.wall > until) {
                        return Ok(self.span);
                    }
                    self.fold(&mut heard);
                    self.span.judgements += 1;
                    let (before, after) = self.book.judge(now);
                    judged(&before, &after);
                }
                Heard::Lost(lines) => {
                    self.span.lost += lines;
                    let at = self.assessment().at.wall;
                    tracing::warn!(%at, lines, "the recording has a gap: what follows may differ from what was said");
                }
            }
        }
        let ended = self.assessment().at.wall;
        if self.recording.is_cut() {
            tracing::warn!(at = %ended, "the recording was cut off: the daemon was killed, or is still writing");
        }
        match until {
            Some(wanted) if wanted > ended => Err(ReplayError::After { wanted, ended }),
            Some(_) => Ok(self.span),
            None => {
                self.fold(&mut heard);
                Ok(self.span)
            }
        }
    }

    fn fold(&mut self, heard: &mut Vec<Observation>) {
        self.span.observations += heard.len() as u64;
        for observation in heard.drain(..) {
            self.book.fold(observation);
        }
    }

    /// The last judgement.
    #[must_use]
    pub fn assessment(&self) -> Arc<Assessment> {
        self.assessment.borrow().clone()
    }

    /// The families that follow from the recording. What the process measured of itself is not in it.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

fn tell_what_differs(header: &Header, policy: &Policy) {
    if header.signature.program != PROGRAM {
        let wrote = header.signature.program.as_str();
        tracing::warn!(
            wrote,
            reads = PROGRAM,
            "another version judges than the one that recorded: it may say otherwise"
        );
    } else if header.policy != fingerprint(policy) {
        tracing::warn!("the configuration is not the recorded one: this is what it would have said");
    }
}
