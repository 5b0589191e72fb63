//! The scheduler and the autoscaler.

use std::sync::Arc;

use super::{Step, World};
use crate::demo::cluster::node::{NoFit, place};
use crate::demo::cluster::objects;
use crate::demo::cluster::pod::Refusal;
use crate::demo::truth::count;

impl World {
    pub(super) fn schedule(&mut self, id: u64) {
        if self.job_of_living(id).is_none() {
            return;
        }
        let Some(pod) = self.pods.get(&id) else { return };
        match place(pod, &self.nodes) {
            Ok(node) => self.bind(id, &node),
            Err(no_fit) => self.refuse(id, no_fit),
        }
    }

    fn bind(&mut self, id: u64, node: &Arc<str>) {
        let now = self.now;
        let Some(pod) = self.pods.get_mut(&id) else { return };
        pod.bound = Some((now, Arc::clone(node)));
        if let Some(row) = self.nodes.get_mut(node) {
            row.used_cpu_millis += pod.cpu_millis();
            row.used_memory_mib += pod.memory_mib();
        }
        let message = format!("Successfully assigned {}/{} to {node}", self.namespace_of(id), self.name_of(id));
        self.say_about_pod(id, "default-scheduler", "Scheduled", &message, false);
        self.publish_pod(id);
        self.soon(0.8, 2.2, Step::Sandbox(id));
    }

    fn refuse(&mut self, id: u64, no_fit: NoFit) {
        let now = self.now;
        let Some(pod) = self.pods.get_mut(&id) else { return };
        let news = pod.refused.as_ref().is_none_or(|known| known.message != no_fit.message);
        let first = pod.refused.is_none();
        let tier = pod.tier;
        let since = pod.refused.as_ref().map_or(now, |known| known.since);
        pod.refused = Some(Refusal { since, message: no_fit.message.clone() });
        if first {
            if let Some(truth) = self.truths.get_mut(tier) {
                count(&mut truth.unschedulable, no_fit.cause);
            }
            self.soon(2.0, 9.0, Step::Autoscale(id));
        }
        if news {
            self.say_about_pod(id, "default-scheduler", "FailedScheduling", &no_fit.message, true);
            self.publish_pod(id);
        }
        // The scheduler looks again when a pod left or a node came; a few seconds are close enough to that.
        self.soon(3.0, 6.0, Step::Schedule(id));
    }

    pub(super) fn autoscale(&mut self, id: u64) {
        if self.job_of_living(id).is_none() || self.pods.get(&id).is_none_or(|pod| pod.bound.is_some()) {
            return;
        }
        let Some(tier) = self.pods.get(&id).map(|pod| pod.tier) else { return };
        let Some(max) = self.tiers.get(tier).map(|tier| tier.max_nodes) else { return };
        let name = self.tiers.get(tier).map_or("", |tier| tier.name);
        let size = self.nodes.values().filter(|node| node.tier == Some(tier) && !node.cordoned).count();
        let tainted = self.nodes.values().any(|node| node.tier == Some(tier) && !node.taints.is_empty());
        let refusal = if tainted {
            Some(("untolerated_taint", "pod didn't trigger scale-up: 5 node(s) had untolerated taint(s)"))
        } else if size >= max as usize {
            let words =
                "pod didn't trigger scale-up: 4 node(s) had untolerated taint(s), 1 max node group size reached";
            Some(("max_size_reached", words))
        } else {
            None
        };
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.no_scale_up = refusal.map(|(cause, _)| cause);
        }
        if let Some((_, message)) = refusal {
            self.say_about_pod(id, "cluster-autoscaler", "NotTriggerScaleUp", message, false);
        } else if self.scaling.get(tier) == Some(&false) {
            let message = format!("pod triggered scale-up: [{{{name}-pool {size}->{} (max: {max})}}]", size + 1);
            self.say_about_pod(id, "cluster-autoscaler", "TriggeredScaleUp", &message, false);
            if let Some(scaling) = self.scaling.get_mut(tier) {
                *scaling = true;
            }
            self.soon(45.0, 75.0, Step::NodeJoins(tier));
        }
    }

    pub(super) fn node_joins(&mut self, tier: usize) {
        if let Some(scaling) = self.scaling.get_mut(tier) {
            *scaling = false;
        }
        self.add_node(Some(tier), Vec::new());
    }

    /// A cordoned node leaves when its last pod is gone.
    pub(super) fn node_leaves(&mut self, name: &Arc<str>) {
        let Some(node) = self.nodes.get(name) else { return };
        if node.used_cpu_millis > 0 {
            return self.soon(10.0, 10.0, Step::NodeLeaves(Arc::clone(name)));
        }
        self.nodes.remove(name);
        self.store.delete(&objects::node_key(name));
    }

    pub(super) fn publish_node(&mut self, name: &Arc<str>) {
        if let Some(node) = self.nodes.get(name) {
            let created = self.began - jiff::SignedDuration::from_hours(24);
            self.store.put(objects::node(node, &self.tiers, created));
        }
    }

    pub(super) fn namespace_of(&self, pod: u64) -> Arc<str> {
        let tier = self.pods.get(&pod).and_then(|pod| self.tiers.get(pod.tier));
        tier.map_or_else(|| "".into(), |tier| Arc::clone(&tier.namespace))
    }

    pub(super) fn name_of(&self, pod: u64) -> Arc<str> {
        self.pods.get(&pod).map_or_else(|| "".into(), |pod| Arc::clone(&pod.name))
    }
}
