//! How many more typical job pods a tier can take now.

use std::collections::BTreeMap;

use crate::model::assessment::{CapacityLevels, QuotaLevel, QuotaResource, Room, RoomBound};
use crate::model::fleet::{Fleet, PodRow};
use crate::model::policy::TierId;
use crate::observation::{PodRole, Requests};

/// What pods ask for, all together and by node.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    by_node: BTreeMap<&'a str, Requests>,
    /// Of each tier's job pods of these minutes, and how many they are.
    by_tier: Vec<(Requests, u64)>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(tiers: usize) -> Self {
        Self { by_node: BTreeMap::new(), by_tier: vec![(Requests::default(), 0); tiers] }
    }

    pub(super) fn add(&mut self, row: &'a PodRow) {
        let asked = row.report.requests;
        if let Some(node) = row.report.node.as_deref().filter(|_| row.lives()) {
            add(self.by_node.entry(node).or_default(), asked);
        }
        let of_tier = row.tier.filter(|_| row.report.role == PodRole::Job).and_then(|tier| self.by_tier.get_mut(tier));
        if let Some((sum, pods)) = of_tier {
            add(sum, asked);
            *pods += 1;
        }
    }

    /// What a job pod of the tier typically asks for.
    fn typical(&self, tier: TierId) -> Option<Requests> {
        let (sum, pods) = self.by_tier.get(tier)?;
        let mean = |sum: u64| sum.checked_div(*pods);
        Some(Requests { cpu_millis: mean(sum.cpu_millis)?, memory_bytes: mean(sum.memory_bytes)? })
    }
}

fn add(sum: &mut Requests, more: Requests) {
    sum.cpu_millis = sum.cpu_millis.saturating_add(more.cpu_millis);
    sum.memory_bytes = sum.memory_bytes.saturating_add(more.memory_bytes);
}

/// What can be said of a tier. `nodes` and `quotas` are what of it is in sight, `running` the jobs that run.
pub(super) fn levels(
    fleet: &Fleet,
    tier: TierId,
    asked: &Asked<'_>,
    nodes: bool,
    quotas: Option<&[QuotaLevel]>,
    running: Option<u64>,
) -> CapacityLevels {
    let declared = fleet.policy().tiers[tier].capacity;
    let room = asked.typical(tier).and_then(|typical| {
        let by_nodes = nodes.then(|| on_nodes(fleet, tier, asked, typical)).flatten();
        let by_quota = quotas.and_then(|quotas| within(quotas, typical));
        let by_capacity = declared.zip(running).map(|(most, running)| u64::from(most).saturating_sub(running));
        let bounds = [(by_nodes, RoomBound::Nodes), (by_quota, RoomBound::Quota), (by_capacity, RoomBound::Capacity)];
        let known = bounds.into_iter().filter_map(|(jobs, bound)| Some((jobs?, bound)));
        known.min_by_key(|(jobs, _)| *jobs).map(|(jobs, bound)| Room { jobs, bound, typical })
    });
    CapacityLevels { declared, room, last_scale_up: fleet.scale_ups.of(tier).copied() }
}

/// On the tier's nodes that take pods, one by one: two halves of a node are no node. Nothing where the tier has no
/// nodes of its own.
fn on_nodes(fleet: &Fleet, tier: TierId, asked: &Asked<'_>, typical: Requests) -> Option<u64> {
    let policy = &fleet.policy().tiers[tier];
    let mut own = fleet.nodes.iter().filter(|node| policy.has_node(&node.tier_labels)).peekable();
    own.peek()?;
    let fits = |node: &crate::observation::NodeReport| {
        let used = asked.by_node.get(&*node.name).copied().unwrap_or_default();
        let free = |all: u64, used: u64, one: u64| all.saturating_sub(used).checked_div(one);
        let cpu = free(node.allocatable.cpu_millis, used.cpu_millis, typical.cpu_millis);
        let memory = free(node.allocatable.memory_bytes, used.memory_bytes, typical.memory_bytes);
        cpu.into_iter().chain(memory).min()
    };
    own.filter(|node| node.ready && !node.unschedulable).map(fits).sum::<Option<u64>>().or(Some(0))
}

/// Within the fullest quotas of what job pods need.
fn within(quotas: &[QuotaLevel], typical: Requests) -> Option<u64> {
    let left = |quota: &QuotaLevel| {
        let one = match quota.resource {
            QuotaResource::Pods => 1000,
            QuotaResource::Cpu => typical.cpu_millis,
            QuotaResource::Memory => typical.memory_bytes.saturating_mul(1000),
            QuotaResource::EphemeralStorage | QuotaResource::Other => return None,
        };
        quota.hard_thousandths.saturating_sub(quota.used_thousandths).checked_div(one)
    };
    quotas.iter().filter(|quota| !quota.scoped).filter_map(left).min()
}
