//! How a world begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::agenda::Agenda;
use super::chance::Chance;
use super::images::Registries;
use super::job::{Manager, Runner};
use super::{Step, World, land};
use crate::demo::cluster::node::Node;
use crate::demo::cluster::objects;
use crate::demo::cluster::pod::{Condition, Container, Pod, PodOf};
use crate::demo::cluster::store::Store;
use crate::demo::faults::Faults;
use crate::demo::scenario::Scenario;
use crate::demo::truth::TierTruth;

impl World {
    /// The platform of a scenario at its first moment: runners and nodes are up, no jobs yet.
    #[must_use]
    pub fn new(scenario: Scenario, seed: u64, began: Timestamp) -> Self {
        let mut world = Self::empty(scenario, seed, began);
        world.furnish();
        world.begin_script();
        for tier in 0..world.tiers.len() {
            for manager in 0..world.tiers[tier].managers as usize {
                world.soon(0.0, 3.0, Step::Poll { runner: tier, manager });
            }
        }
        world.after(SignedDuration::from_secs(30), Step::GiveUpStuck);
        world.after(SignedDuration::from_mins(10), Step::Tidy);
        world
    }

    /// Nothing but the lists of what exists.
    pub(super) fn empty(scenario: Scenario, seed: u64, began: Timestamp) -> Self {
        let tiers = land::tiers();
        // GitLab keeps milliseconds.
        let began = Timestamp::from_millisecond(began.as_millisecond()).unwrap_or(began);
        Self {
            now: began,
            began,
            gitlab_url: "http://gitlab.invalid".to_owned(),
            groups: land::groups(),
            projects: land::projects(),
            runners: Vec::new(),
            jobs: BTreeMap::new(),
            pending: std::collections::BTreeSet::new(),
            store: Store::new(),
            faults: Faults::default(),
            truths: vec![TierTruth::default(); tiers.len()],
            agenda: Agenda::new(),
            chance: Chance::new(seed),
            registries: Registries::default(),
            nodes: BTreeMap::new(),
            pods: BTreeMap::new(),
            events: BTreeMap::new(),
            traffic: vec![(0.0, 0); tiers.len()],
            scaling: vec![false; tiers.len()],
            quotas: vec![None; tiers.len()],
            limits: vec![None; tiers.len()],
            next_job: 90_001,
            next_pipeline: 5_001,
            next_pod: 1,
            churning: 0.0,
            owed: 0.0,
            churned: 0,
            api_token_ends: began + SignedDuration::from_hours(24 * 200),
            hook_secret_lost: false,
            hooks_at: BTreeMap::new(),
            scenario,
            news: None,
            tiers,
        }
    }

    /// Namespaces, nodes, runners and their manager pods.
    pub(super) fn furnish(&mut self) {
        let long_ago = self.began - SignedDuration::from_hours(24 * 40);
        for tier in 0..self.tiers.len() {
            self.close(tier, long_ago);
        }
        for tier in 0..self.tiers.len() {
            for _ in 0..self.tiers[tier].nodes {
                self.add_node(Some(tier), Vec::new());
            }
        }
        for _ in 0..2 {
            self.add_node(None, Vec::new());
        }
        for tier in 0..self.tiers.len() {
            self.add_runner(tier, long_ago);
        }
    }

    fn add_runner(&mut self, tier: usize, created: Timestamp) {
        let id = 31 + tier as u64;
        let token = self.chance.word(20);
        // One token ends in ten days, the others never do.
        let token_expires = (tier == 1).then(|| self.began + SignedDuration::from_hours(24 * 10));
        let (paused, managers, token_rotated) = (false, Vec::new(), created);
        self.runners.push(Runner { id, token, paused, managers, created, token_expires, token_rotated });
        for manager in 0..self.tiers[tier].managers as usize {
            let pod = self.manager_pod(tier, manager, created);
            let system_id = format!("r_{}", self.chance.word(12));
            let contacted = self.now - self.chance.between(60.0, 3_000.0);
            let id = id * 10 + manager as u64;
            let row = Manager { id, system_id, pod, up: true, running: 0, contacted };
            if let Some(runner) = self.runners.get_mut(tier) {
                runner.managers.push(row);
            }
            self.publish_pod(pod);
        }
    }

    fn manager_pod(&mut self, tier: usize, manager: usize, created: Timestamp) -> u64 {
        let name = format!("runner-{}-gitlab-runner-6d5f8c9b7d-{}", self.tiers[tier].name, self.chance.word(5));
        let image: Arc<str> = "registry.harbour.example/mirror/gitlab-runner:v19.2.0".into();
        let system_node = self.nodes.values().find(|node| node.tier.is_none()).map(|node| Arc::clone(&node.name));
        let pod = Pod {
            uid: self.chance.uid(),
            name: name.into(),
            tier,
            of: PodOf::Manager(manager),
            created,
            refused: None,
            bound: system_node.map(|node| (created, node)),
            sandbox: Some(created),
            initialized: Some(created),
            containers: vec![Container {
                name: "runner",
                image,
                init: false,
                cpu_millis: 100,
                memory_mib: 128,
                state: Condition::Running { since: created },
            }],
            deleting: None,
            disruption: None,
            no_scale_up: None,
            pull_attempt: 1,
        };
        let id = self.next_pod;
        self.next_pod += 1;
        self.pods.insert(id, pod);
        id
    }

    pub(super) fn add_node(&mut self, tier: Option<usize>, taints: Vec<(String, String, &'static str)>) {
        let pool = tier.and_then(|tier| self.tiers.get(tier)).map_or("system", |tier| tier.name);
        let node = Node {
            name: format!("{pool}-{}", self.chance.word(6)).into(),
            uid: self.chance.uid(),
            tier,
            taints,
            ready: true,
            cordoned: false,
            cpu_millis: 7_910,
            memory_mib: 30_000,
            used_cpu_millis: 0,
            used_memory_mib: 0,
            images: [land::HELPER_IMAGE, land::SERVICE_IMAGE].into_iter().map(Arc::from).collect(),
        };
        self.store.put(objects::node(&node, &self.tiers, self.now));
        self.nodes.insert(Arc::clone(&node.name), node);
    }
}
