//! Folding events: joined to pods by uid in whichever order the two watches tell, to tiers by the node's name.

use std::sync::Arc;

use jiff::Timestamp;

use super::Fleet;
use super::told::{Heard, of_node, told};
use crate::model::occurrence::Occurrence;
use crate::model::policy::TierId;
use crate::observation::{Change, EventReport, NodeReport, Now, PodRole, SourceKey, SourceKind};

/// An event this old whose pod is not known is about a pod that is gone: each new list shows those of the last hour.
const LATE: std::time::Duration = std::time::Duration::from_secs(120);

impl Fleet {
    /// Takes over events. An event that is deleted took nothing back.
    pub(super) fn change_events(
        &mut self,
        change: Change<Box<EventReport>>,
        at: Now,
        baseline: bool,
        out: &mut Vec<Occurrence>,
    ) {
        let events = match change {
            Change::Upsert(event) => vec![event],
            Change::Replace(events) => events,
            Change::Gone(_) => return,
        };
        let began = self.began.unwrap_or(at.wall);
        let mut changed = Vec::new();
        for event in events {
            let silent = baseline && event.last < began;
            match event.about_kind.as_ref() {
                _ if event.reason.as_ref() == "FailedCreate" => {
                    let tier = event.about_namespace.as_deref().and_then(|namespace| self.only_tier_in(namespace));
                    self.refusals.hear(&event, tier, silent, at, out);
                }
                "Pod" => changed.extend(self.hear_of_pod(&event, (silent, baseline.then_some(began)), at, out)),
                _ => self.hear_of_node(&event, at, out),
            }
        }
        self.renew_claims(changed, at, out);
    }

    /// Joins what waited for pods that are known now.
    pub(super) fn hear_what_waited(&mut self, pods: &[Arc<str>], at: Now, out: &mut Vec<Occurrence>) {
        if self.parked.is_empty() {
            return;
        }
        for uid in pods {
            let Some(row) = self.pods.get_mut(uid) else { continue };
            for heard in self.parked.take(uid) {
                row.hear(&heard, at, out);
            }
            if let Some(target) = row.scale_target() {
                self.notices.join(target);
            }
            if let (Some(tier), Some((at, said))) = (row.tier, row.scale_said()) {
                self.scale_ups.hear(tier, at, said);
            }
        }
    }

    /// A node that was not there before is what a scale-up was for.
    pub(super) fn see_new_node(&mut self, change: &Change<Box<NodeReport>>, at: Now) {
        let nodes = match change {
            Change::Upsert(node) => std::slice::from_ref(node),
            // The first list shows nodes that were there before.
            Change::Replace(nodes) if !self.nodes.is_empty() => nodes,
            Change::Replace(_) | Change::Gone(_) => &[],
        };
        for node in nodes.iter().filter(|node| self.nodes.get(&node.name).is_none()) {
            let tiers = self.policy.tiers.iter().enumerate();
            for (tier, _) in tiers.filter(|(_, policy)| policy.has_node(&node.tier_labels)) {
                self.scale_ups.joined(tier, at.wall);
            }
        }
    }

    /// Returns the pod if it changed.
    fn hear_of_pod(
        &mut self,
        event: &EventReport,
        (silent, first_list): (bool, Option<Timestamp>),
        at: Now,
        out: &mut Vec<Occurrence>,
    ) -> Option<Arc<str>> {
        let uid = event.about_uid.as_ref()?;
        let heard = Heard { event: event.uid.clone(), last: event.last, silent, first_list, told: told(event)? };
        if let Some(row) = self.pods.get_mut(uid) {
            row.hear(&heard, at, out);
            if let Some(target) = row.scale_target() {
                self.notices.join(target);
            }
            if let (Some(tier), Some((at, said))) = (row.tier, row.scale_said()) {
                self.scale_ups.hear(tier, at, said);
            }
            return Some(uid.clone());
        }
        let recent = crate::observation::between(event.last, at.wall) <= LATE;
        if recent || self.may_yet_see_pods_of(event.about_namespace.as_deref()) {
            self.parked.park(uid.clone(), heard, at, out);
        }
        None
    }

    /// The pods of the namespace were not listed yet, or cannot be seen now.
    fn may_yet_see_pods_of(&self, namespace: Option<&str>) -> bool {
        let key = namespace.map(|namespace| SourceKey::namespaced(SourceKind::KubePods, namespace));
        let row = key.and_then(|key| self.sources.get(&key));
        row.is_some_and(|row| row.last_success.is_none() || row.failure.is_some())
    }

    /// The tier that has a namespace for itself; a controller's event names no runner.
    fn only_tier_in(&self, namespace: &str) -> Option<TierId> {
        let key = SourceKey::namespaced(SourceKind::KubeEvents, namespace);
        let mut tiers = self.policy.tiers_of(&key);
        tiers.next().filter(|_| tiers.next().is_none())
    }

    fn hear_of_node(&mut self, event: &EventReport, at: Now, out: &mut Vec<Occurrence>) {
        if let Some(cause) = of_node(event) {
            let joined = self.concerns_a_tier(&event.about_name);
            let said = (cause, event.last);
            self.notices.add(&event.about_name, said, &event.message, joined, at.wall, out);
        }
    }

    /// A tier's node, or a node or claim that job pods of a tier run on or wait for.
    fn concerns_a_tier(&self, name: &str) -> bool {
        let of_tier = |tier: TierId| {
            let node = self.nodes.get(name);
            node.is_some_and(|node| self.policy.tiers[tier].has_node(&node.tier_labels))
        };
        (0..self.policy.tiers.len()).any(of_tier)
            || self.pods.iter().any(|row| {
                let there = row.report.node.as_deref() == Some(name) || row.scale_target() == Some(name);
                row.report.role == PodRole::Job && row.tier.is_some() && there
            })
    }
}
