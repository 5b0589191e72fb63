//! Pods that a controller could not make, by its `FailedCreate` events: a runner manager's above all, since job pods
//! are made by the runner itself, which writes no event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cause::{self, Admission, Family};
use crate::model::key::{Key, Subject};
use crate::model::occurrence::{Occurrence, Table};
use crate::model::policy::TierId;
use crate::observation::{EventReport, Now};

/// The API server keeps an event for an hour after its last repeat: a list may show it until then.
const REMEMBERED: Duration = Duration::from_secs(2 * 3600);

/// Controllers and causes remembered at once.
const MOST: usize = 1_000;

/// What was refused to whom, and when that was last told.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    told: BTreeMap<(Arc<str>, Admission), Now>,
}

impl Refusals {
    /// Counts a refusal once per controller and cause, however often it is tried and told again.
    pub(super) fn hear(
        &mut self,
        event: &EventReport,
        tier: Option<TierId>,
        silent: bool,
        now: Now,
        out: &mut Vec<Occurrence>,
    ) {
        let Some(controller) = event.about_uid.clone() else { return };
        // A controller also fails to create when the API server is away: no refusal.
        let Some(cause) = cause::admission::refusal(&event.message) else { return };
        let of = Subject::Object(controller.clone());
        let known = self.told.insert((controller, cause), now).is_some();
        if self.told.len() > MOST {
            self.drop_oldest(out);
        }
        let Some(tier) = tier.filter(|_| !known && !silent) else {
            // It goes on, perhaps for longer than keys are kept.
            return out.push(Occurrence::Silenced { key: Key::refusal(&of, cause) });
        };
        out.push(Occurrence::AdmissionRefused { tier, of: of.clone(), cause });
        if cause == Admission::Other {
            out.push(Occurrence::Unclassified { family: Family::Admission, of });
        }
    }

    pub(super) fn forget(&mut self, now: &Now) {
        self.told.retain(|_, told| now.since(told) <= REMEMBERED);
    }

    fn drop_oldest(&mut self, out: &mut Vec<Occurrence>) {
        let oldest = self.told.iter().min_by_key(|(key, told)| (told.mono, *key)).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.told.remove(&key);
            out.push(Occurrence::Evicted { table: Table::Events });
        }
    }
}
