//! The boundary of a tier, and what somebody does to it.

use std::sync::Arc;

use jiff::Timestamp;

use super::World;
use crate::demo::cluster::store::Key;
use crate::demo::cluster::{boundary, objects};
use crate::demo::scenario::Breach;

impl World {
    /// Closes the namespace of a tier.
    pub(super) fn close(&mut self, tier: usize, created: Timestamp) {
        let Some(row) = self.tiers.get(tier) else { return };
        let (namespace, enforced) = (Arc::clone(&row.namespace), row.enforced);
        let uid = self.chance.uid();
        self.store.put(objects::namespace(&namespace, &uid, created, enforced));
        boundary::closed(&namespace).into_iter().for_each(|draft| self.store.put(draft));
    }

    /// Somebody moves the boundary, or puts it back.
    pub(super) fn breach(&mut self, tier: usize, breach: Breach, moved: bool) {
        let Some(row) = self.tiers.get_mut(tier) else { return };
        let namespace = Arc::clone(&row.namespace);
        match breach {
            Breach::OpenEgress if moved => self.store.put(boundary::debug_policy(&namespace)),
            Breach::OpenEgress => {
                let Key { resource, .. } = boundary::debug_policy(&namespace).key;
                self.store.delete(&Key { resource, namespace, name: "debug-egress".into() });
            }
            Breach::PodSecurity => {
                row.enforced = if moved { "privileged" } else { "restricted" };
                let (uid, enforced) = (format!("{namespace}-1"), row.enforced);
                self.store.put(objects::namespace(&namespace, &uid, self.began, enforced));
            }
            Breach::Unprotected => row.protected = !moved,
            Breach::PrivilegedPods => row.privileged = moved,
        }
        if let Some(truth) = self.truths.get_mut(tier) {
            for check in breach.checks() {
                match moved {
                    true => drop(truth.moved.insert(check, 1)),
                    false => drop(truth.moved.remove(check)),
                }
            }
        }
    }
}
