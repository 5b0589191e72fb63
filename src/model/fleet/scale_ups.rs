//! When an autoscaler last moved for each tier, and what came of it.

use jiff::Timestamp;

use crate::cause::Autoscale;
use crate::model::assessment::{ScaleUp, ScaleUpOutcome};
use crate::model::policy::TierId;

/// The last scale-up of each tier.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct ScaleUps {
    last: Vec<Option<ScaleUp>>,
}

impl ScaleUps {
    pub(super) fn new(tiers: usize) -> Self {
        Self { last: vec![None; tiers] }
    }

    /// An autoscaler said this of a waiting pod of the tier.
    pub(super) fn hear(&mut self, tier: TierId, at: Timestamp, said: Autoscale) {
        let Some(slot) = self.last.get_mut(tier) else { return };
        if slot.as_ref().is_some_and(|known| known.at >= at) {
            return;
        }
        let outcome = if said.is_failure() { ScaleUpOutcome::Refused } else { ScaleUpOutcome::Pending };
        *slot = Some(ScaleUp { at, outcome, cause: said, ended: None });
    }

    /// A node of the tier joined the cluster.
    pub(super) fn joined(&mut self, tier: TierId, at: Timestamp) {
        let last = self.last.get_mut(tier).and_then(Option::as_mut);
        if let Some(last) = last.filter(|last| last.outcome == ScaleUpOutcome::Pending) {
            last.outcome = ScaleUpOutcome::NodeJoined;
            last.ended = Some(at);
        }
    }

    pub(in crate::model) fn of(&self, tier: TierId) -> Option<&ScaleUp> {
        self.last.get(tier)?.as_ref()
    }
}
