//! All tiers as the daemon tells them: as much of its JSON as the table needs, so that another version's is read too.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Paint, table};
use crate::model::assessment::TierState;
use crate::observation::{SourceKey, SourceKind};
use crate::output::words;

/// All tiers, and how well they are seen.
#[derive(Debug)]
pub struct Overview {
    pub(super) tiers: Tiers,
    pub(super) sources: Sources,
    pub(super) json: String,
}

impl Overview {
    /// The tiers as the daemon wrote them.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Every tier is as promised, and every source is seen.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.tiers.tiers.iter().all(|tier| tier.state() == Some(TierState::Fine)) && self.blind().next().is_none()
    }

    /// The same as a table for people.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        table::render(self, paint)
    }

    pub(super) fn blind(&self) -> impl Iterator<Item = &Source> {
        self.sources.sources.iter().filter(|source| source.up == Some(false))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Tiers {
    pub(super) at: Timestamp,
    pub(super) complete: bool,
    pub(super) tiers: Vec<Tier>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tier {
    pub(super) name: String,
    state: String,
    pub(super) since: Timestamp,
    pub(super) headline: String,
    pub(super) queue: Option<Queue>,
    pub(super) running: Option<Running>,
    pub(super) causes: Vec<Cause>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Queue {
    pub(super) pending: u64,
    oldest_seconds: f64,
    pub(super) overdue: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Running {
    pub(super) starting: u64,
    pub(super) executing: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cause {
    pub(super) count: u64,
    pub(super) sentence: String,
    pub(super) blame: String,
    pub(super) next_step: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sources {
    pub(super) sources: Vec<Source>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Source {
    source: String,
    namespace: Option<String>,
    pub(super) tiers: Vec<String>,
    pub(super) up: Option<bool>,
    age_seconds: Option<f64>,
    pub(super) failure: Option<String>,
}

impl Tier {
    /// Absent where the daemon knows a state that we do not.
    pub(super) fn state(&self) -> Option<TierState> {
        self.state.parse().ok()
    }

    pub(super) fn state_word(&self) -> String {
        if self.state() == Some(TierState::Fine) { "as promised".to_owned() } else { words::plain(&self.state) }
    }

    /// The worst first, and of the same state those with the most to wait for.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let queue = self.queue.as_ref();
        let waits = queue.map(|queue| (queue.overdue, queue.oldest(), queue.pending));
        (self.state(), std::cmp::Reverse(waits), self.name.clone())
    }
}

impl Queue {
    pub(super) fn oldest(&self) -> Duration {
        Duration::try_from_secs_f64(self.oldest_seconds).unwrap_or_default()
    }
}

impl Source {
    pub(super) fn name(&self) -> String {
        let kind = SourceKind::ALL.into_iter().find(|kind| kind.as_str() == self.source);
        let namespace = self.namespace.as_deref().map(words::plain);
        match kind {
            Some(kind) => words::source(&SourceKey { kind, namespace: namespace.map(Into::into) }),
            None => {
                [Some(words::plain(&self.source)), namespace].into_iter().flatten().collect::<Vec<_>>().join(" in ")
            }
        }
    }

    pub(super) fn age(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.age_seconds?).ok()
    }
}
