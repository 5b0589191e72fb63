//! The script's lines, played.

use std::sync::Arc;

use super::{Step, World};
use crate::demo::cluster::pod::{Condition, PodOf};
use crate::demo::scenario::Act;
use crate::demo::truth::count;

impl World {
    /// Plans every line of the script, and the next performance of an endless one.
    pub(super) fn begin_script(&mut self) {
        for (tier, per_hour) in self.scenario.traffic.clone() {
            if let Some(tier) = self.tier_named(tier) {
                self.set_traffic(tier, per_hour);
            }
        }
        let whens: Vec<_> = self.scenario.script.iter().map(|(when, _)| *when).collect();
        for (line, when) in whens.into_iter().enumerate() {
            self.after(when, Step::Script(line));
        }
        if self.scenario.endless {
            self.after(self.scenario.length, Step::Again);
        }
    }

    pub(super) fn tier_named(&self, name: &str) -> Option<usize> {
        self.tiers.iter().position(|tier| tier.name == name)
    }

    pub(super) fn script(&mut self, line: usize) {
        let Some((_, act)) = self.scenario.script.get(line).cloned() else { return };
        match act {
            Act::Burst { tier, jobs, over, kind } => {
                if let Some(tier) = self.tier_named(tier) {
                    for _ in 0..jobs {
                        self.soon(0.0, over.as_secs_f64(), Step::BurstJob { tier, kind });
                    }
                }
            }
            Act::Managers { tier, only, up } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.set_managers(tier, only, up);
                }
            }
            Act::Traffic { tier, per_hour } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.set_traffic(tier, per_hour);
                }
            }
            Act::Waiting { tier, since } => self.waiting(tier, since),
            Act::TokenRotated { tier, ago } => self.token_rotated(tier, ago),
            Act::TokenEnds { tier, within } => self.token_ends(tier, within),
            Act::ApiTokenEnds { within } => self.api_token_ends = self.now + within,
            Act::Hidden { projects } => self.hide(projects),
            Act::HookSecret { lost } => self.hook_secret_lost = lost,
            Act::Paused { tier, paused } => {
                if let Some(runner) = self.tier_named(tier).and_then(|tier| self.runners.get_mut(tier)) {
                    runner.paused = paused;
                }
            }
            Act::Registry { host, trouble } => self.registry(host, trouble),
            Act::ReplacePool { tier, taint } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.replace_pool(tier, taint);
                }
            }
            Act::SpotInterruption { tier } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.interrupt_one(tier);
                }
            }
            Act::Quota { tier, room } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.set_quota(tier, room);
                }
            }
            Act::LimitRange { tier, max_cores } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.set_limit(tier, max_cores);
                }
            }
            Act::Boundary { tier, breach, moved } => {
                if let Some(tier) = self.tier_named(tier) {
                    self.breach(tier, breach, moved);
                }
            }
            Act::Gitlab { fault, lasts } => self.disturb_gitlab(fault, lasts),
            Act::Kube { fault, lasts } => self.disturb_kube(fault, lasts),
        }
    }

    /// A registry in trouble is noticed only where the image must be pulled: the nodes' caches are cold then,
    /// as after a roll-out of new images.
    fn registry(&mut self, host: &'static str, trouble: Option<super::images::Trouble>) {
        self.registries.set(host, trouble);
        if trouble.is_some() {
            for node in self.nodes.values_mut() {
                node.images.retain(|image| {
                    super::land::registry_of(image) != host
                        || [super::land::HELPER_IMAGE, super::land::SERVICE_IMAGE].contains(&image.as_ref())
                });
            }
        }
    }

    /// All of them, or one.
    fn set_managers(&mut self, tier: usize, only: Option<usize>, up: bool) {
        let now = self.now;
        let Some(runner) = self.runners.get_mut(tier) else { return };
        let mut pods = Vec::new();
        for (position, manager) in runner.managers.iter_mut().enumerate() {
            if only.is_some_and(|only| only != position) {
                continue;
            }
            pods.push(manager.pod);
            manager.up = up;
            if up {
                manager.contacted = now; // it registers again
            }
        }
        for id in pods {
            if let Some(container) = self.pods.get_mut(&id).and_then(|pod| pod.container("runner")) {
                container.state = if up {
                    Condition::Running { since: now }
                } else {
                    let message = "back-off 5m0s restarting failed container=runner".to_owned();
                    Condition::Waiting { reason: "CrashLoopBackOff", message }
                };
            }
            self.publish_pod(id);
            if !up {
                self.say_about_pod(id, "kubelet", "BackOff", "Back-off restarting failed container runner", true);
            }
        }
    }

    /// With a taint: every node is cordoned and a new pool joins. Without: the new pool loses its taints.
    fn replace_pool(&mut self, tier: usize, taint: Option<&'static str>) {
        let names: Vec<Arc<str>> =
            self.nodes.values().filter(|node| node.tier == Some(tier)).map(|node| Arc::clone(&node.name)).collect();
        let Some(taint) = taint else {
            for name in names {
                if let Some(node) = self.nodes.get_mut(&name) {
                    node.taints.clear();
                }
                self.publish_node(&name);
            }
            return;
        };
        let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
        for _ in 0..names.len() {
            self.add_node(Some(tier), vec![(key.to_owned(), value.to_owned(), "NoSchedule")]);
        }
        for name in names {
            if let Some(node) = self.nodes.get_mut(&name) {
                node.cordoned = true;
            }
            self.publish_node(&name);
            self.soon(10.0, 20.0, Step::NodeLeaves(name));
        }
    }

    /// The busiest node of the tier gets two minutes' notice; a new one replaces it.
    fn interrupt_one(&mut self, tier: usize) {
        let busiest = self.nodes.values().filter(|n| n.tier == Some(tier)).max_by_key(|n| n.used_cpu_millis);
        let Some((name, uid)) = busiest.map(|node| (Arc::clone(&node.name), node.uid.clone())) else { return };
        let message = "Spot interruption warning was triggered";
        self.say(("Node", "", &name, &uid), ("karpenter", "SpotInterrupted", message, true));
        if let Some(node) = self.nodes.get_mut(&name) {
            node.taints.push(("karpenter.sh/disrupted".to_owned(), String::new(), "NoSchedule"));
        }
        self.publish_node(&name);
        self.soon(45.0, 75.0, Step::NodeJoins(tier));
        self.soon(15.0, 20.0, Step::Interrupted(name));
    }

    /// The node goes, and its pods with it.
    pub(super) fn interrupted(&mut self, name: &Arc<str>) {
        let on_it: Vec<u64> = self
            .pods
            .iter()
            .filter(|(_, pod)| pod.deleting.is_none() && pod.bound.as_ref().is_some_and(|(_, node)| node == name))
            .map(|(id, _)| *id)
            .collect();
        let now = self.now;
        for id in on_it {
            let Some(pod) = self.pods.get_mut(&id) else { continue };
            pod.disruption = Some((now, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"));
            let (tier, of) = (pod.tier, pod.of);
            if let (Some(truth), PodOf::Job(_)) = (self.truths.get_mut(tier), of) {
                count(&mut truth.disrupted, "spot_interruption");
            }
            self.publish_pod(id);
            self.delete_pod(id);
            if let PodOf::Job(job) = of {
                self.fail(job, "runner_system_failure", false);
            }
        }
        self.nodes.remove(name);
        self.store.delete(&crate::demo::cluster::objects::node_key(name));
    }
}
