//! Counting what is: one pass over jobs and pods for all tiers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::capacity::Asked;
use super::{Sight, limits, quotas, runners, troubled};
use crate::cause::{Admission, Autoscale, Pull, Scheduling};
use crate::model::assessment::{
    LimitLevel, ManagerLevels, NodeLevels, PodLevels, PullFailing, QueueLevels, QuotaLevel, RunnerLevels,
    RunningLevels, ScaleUpLevels, UnservedReason, WaitingJob,
};
use crate::model::fleet::{Blind, Fleet, JobRow, PodRow, ScaleWord, Stage};
use crate::model::occurrence::Phase;
use crate::model::policy::{Policy, TierId};
use crate::model::posture::JobPods;
use crate::model::tier::Fit;
use crate::observation::{Now, PodPhase, PodRole};

/// How many of the longest waiting jobs are named.
const NAMED_JOBS: usize = 10;

/// A pod that was taken away is spoken of this long: as long as it is remembered at least.
const LATELY: Duration = Duration::from_secs(300);

/// A job that ran without a pod in its tier's namespaces is spoken of this long: a runner makes all of its pods elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(3600);

/// Everything counted.
pub(super) struct Tally {
    pub(super) tiers: Vec<TierLevels>,
    pub(super) out_of_scope: u64,
    pub(super) held: Held,
}

/// Objects held, by the source that told of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) waiting: u64,
    pub(super) running: u64,
    /// A handful of namespaces: a list is searched faster than a map.
    pods: Vec<(Arc<str>, u64)>,
}

impl Held {
    fn add_pod(&mut self, namespace: &Arc<str>) {
        match self.pods.iter_mut().find(|(known, _)| known == namespace) {
            Some((_, pods)) => *pods += 1,
            None => self.pods.push((Arc::clone(namespace), 1)),
        }
    }

    pub(super) fn pods(&self, namespace: &str) -> u64 {
        self.pods.iter().find(|(known, _)| known.as_ref() == namespace).map_or(0, |(_, pods)| *pods)
    }
}

/// Everything counted of one tier; `None` where the data is missing or too old.
#[derive(Debug, Default)]
pub(super) struct TierLevels {
    pub(super) queue: Option<QueueLevels>,
    pub(super) running: Option<RunningLevels>,
    pub(super) pods: Option<PodLevels>,
    pub(super) scale_up: Option<ScaleUpLevels>,
    pub(super) runners: Option<RunnerLevels>,
    pub(super) managers: Option<ManagerLevels>,
    pub(super) nodes: Option<NodeLevels>,
    pub(super) quotas: Option<Vec<QuotaLevel>>,
    pub(super) limits: Option<Vec<LimitLevel>>,
    /// Pods that were refused lately, with one sentence that shows it where there is one.
    pub(super) refused: BTreeMap<Admission, (u64, Option<Arc<str>>)>,
    pub(super) waiting: Vec<WaitingJob>,
    /// One scheduler message per cause.
    pub(super) refusals: BTreeMap<Scheduling, Arc<str>>,
    /// One autoscaler's message per cause.
    pub(super) verdicts: BTreeMap<Autoscale, Arc<str>>,
    /// Pods that fail to pull, by cause, over all registries.
    pub(super) pulls: BTreeMap<Pull, u64>,
    by_project: BTreeMap<Arc<str>, u64>,
    /// What its pods are like.
    pub(super) kinds: JobPods,
}

impl Tally {
    pub(super) fn new(fleet: &Fleet, now: &Now, sight: &Sight) -> Self {
        let policy = fleet.policy();
        let tiers = (0..policy.tiers.len()).map(|tier| TierLevels::new(fleet, tier, sight, now)).collect();
        let mut tally = Self { tiers, out_of_scope: 0, held: Held::default() };
        let blind: Vec<Vec<Blind>> = (0..policy.tiers.len()).map(|tier| fleet.blind(tier)).collect();
        for row in fleet.jobs.iter() {
            match row.stage {
                Stage::Waiting => {
                    tally.held.waiting += 1;
                    tally.add_waiting(policy, row, now);
                }
                Stage::Running => {
                    tally.held.running += 1;
                    tally.add_running(fleet, row, sight);
                }
                Stage::Finished(_) => {
                    tally.add_refused(fleet, row, now);
                    tally.add_elsewhere(fleet, row, now, &blind);
                }
                Stage::Claimed | Stage::Left | Stage::Ended => {}
            }
        }
        for row in fleet.pods.iter() {
            if row.gone.is_none() {
                tally.held.add_pod(&row.report.namespace);
            }
            if let Some(tier) = row.tier {
                tally.tiers[tier].add_pod(fleet, row, now);
                tally.tiers[tier].kinds.add(fleet, tier, row);
            }
        }
        for levels in &mut tally.tiers {
            levels.finish();
        }
        tally
    }

    fn add_waiting(&mut self, policy: &Policy, row: &JobRow, now: &Now) {
        match &row.fit {
            Fit::Tier(tier) => self.tiers[*tier].add_waiting(row, policy.tiers[*tier].objective.start_within, now),
            Fit::Shared(tiers) => {
                for tier in tiers {
                    let levels = &mut self.tiers[*tier];
                    levels.add_waiting(row, policy.tiers[*tier].objective.start_within, now);
                    levels.with_queue(|queue| queue.shared += 1);
                }
            }
            Fit::Uncertain(tiers) => {
                for tier in tiers {
                    self.tiers[*tier].with_queue(|queue| queue.uncertain += 1);
                }
            }
            Fit::Unserved(tier, reason) => {
                let waited = row.wait.map_or(Duration::ZERO, |wait| wait.at(now));
                let long = waited > policy.tiers[*tier].conditions.unserved_after;
                self.tiers[*tier].with_queue(|queue| {
                    *queue.unserved.entry(*reason).or_default() += 1;
                    queue.unserved_long += u64::from(long);
                });
            }
            Fit::OutOfScope => self.out_of_scope += 1,
        }
    }

    fn add_running(&mut self, fleet: &Fleet, row: &JobRow, sight: &Sight) {
        let Some(tier) = row.taken_by(fleet.rosters.as_ref()) else { return };
        let unseen = !sight.pods[tier];
        if let Some(running) = &mut self.tiers[tier].running {
            if row.runs() || unseen {
                running.executing += 1;
            } else {
                running.starting += 1;
            }
        }
    }
}

impl Tally {
    fn add_refused(&mut self, fleet: &Fleet, row: &JobRow, now: &Now) {
        let (Some(cause), Some(tier)) = (row.refused, row.taken_by(fleet.rosters.as_ref())) else { return };
        if now.since(&row.moved) <= LATELY {
            let (count, shown) = self.tiers[tier].refused.entry(cause).or_default();
            *count += 1;
            *shown = shown.take().or_else(|| limits::told(fleet, row));
        }
    }
}

impl Tally {
    fn add_elsewhere(&mut self, fleet: &Fleet, row: &JobRow, now: &Now, blind: &[Vec<Blind>]) {
        if now.since(&row.moved) > ELSEWHERE {
            return;
        }
        let Some(tier) = row.taken_by(fleet.rosters.as_ref()) else { return };
        if let Some(running) = &mut self.tiers[tier].running
            && fleet.ran_elsewhere(row, tier, &blind[tier])
        {
            running.elsewhere += 1;
        }
    }
}

/// What the pods that are in sight ask for.
pub(super) fn asked(fleet: &Fleet) -> Asked<'_> {
    let mut asked = Asked::new(fleet.policy().tiers.len());
    fleet.pods.iter().for_each(|row| asked.add(row));
    asked
}

impl TierLevels {
    fn new(fleet: &Fleet, tier: TierId, sight: &Sight, now: &Now) -> Self {
        let every_reason = || UnservedReason::ALL.iter().map(|reason| (*reason, 0)).collect();
        let every_phase = || PodPhase::ALL.into_iter().map(|phase| (phase, 0)).collect();
        Self {
            queue: (sight.queue && fleet.reach.shows(tier, fleet.rosters.as_ref())).then(|| QueueLevels {
                // A job that no runner takes stands in no runner's queue.
                unserved: if fleet.reach.shows_strangers() { every_reason() } else { BTreeMap::new() },
                ..QueueLevels::default()
            }),
            running: sight.running.then(RunningLevels::default),
            scale_up: (sight.pods[tier] && sight.events[tier]).then(ScaleUpLevels::default),
            pods: sight.pods[tier].then(|| PodLevels { phases: every_phase(), ..PodLevels::default() }),
            runners: sight.runners.then(|| runners::levels(fleet, tier, now)),
            managers: sight.managers[tier].then(ManagerLevels::default),
            nodes: sight.nodes.then(|| node_levels(fleet, tier)),
            quotas: sight.quotas[tier].then(|| quotas::levels(fleet, tier)),
            limits: sight.limits[tier].then(|| limits::levels(fleet, tier)),
            ..Self::default()
        }
    }

    fn with_queue(&mut self, change: impl FnOnce(&mut QueueLevels)) {
        if let Some(queue) = &mut self.queue {
            change(queue);
        }
    }

    fn add_waiting(&mut self, row: &JobRow, within: Duration, now: &Now) {
        let Some(queue) = &mut self.queue else { return };
        let waited = row.wait.map_or(Duration::ZERO, |wait| wait.at(now));
        queue.pending += 1;
        queue.oldest = queue.oldest.max(waited);
        queue.overdue += u64::from(waited > within);
        if let Some(project) = &row.project_path {
            *self.by_project.entry(project.clone()).or_default() += 1;
        }
        self.name_if_among_the_oldest(row, waited);
    }

    /// Keeps a short sorted list instead of sorting ten thousand jobs.
    fn name_if_among_the_oldest(&mut self, row: &JobRow, waited: Duration) {
        let at = self.waiting.partition_point(|named| (named.waited, row.id) > (waited, named.id));
        if at < NAMED_JOBS {
            let named = WaitingJob { id: row.id, name: row.name.clone(), project: row.project_path.clone(), waited };
            self.waiting.insert(at, named);
            self.waiting.truncate(NAMED_JOBS);
        }
    }

    fn add_pod(&mut self, fleet: &Fleet, row: &PodRow, now: &Now) {
        if let (Some(pods), Some(cause)) = (&mut self.pods, row.ended_lately(now, LATELY)) {
            *pods.ended.entry(cause).or_default() += 1;
        }
        if row.report.role == PodRole::Job {
            limits::ask(self.limits.as_deref_mut().unwrap_or_default(), &row.report.limits);
        }
        if row.gone.is_some() {
            return;
        }
        match row.report.role {
            PodRole::Job => {
                self.add_job_pod(row, now);
                let patience = row.tier.map(|tier| fleet.policy().tiers[tier].conditions.unschedulable_after);
                if let (Some(pods), Some(cause)) = (&mut self.pods, row.refused())
                    && patience.is_some_and(|patience| row.refused_for(now) > patience)
                {
                    *pods.unschedulable_long.entry(cause).or_default() += 1;
                }
                if row.waits_for_a_node() {
                    self.add_waiting_pod(fleet, row);
                }
            }
            PodRole::Manager => {
                if let Some(managers) = self.managers.as_mut().filter(|_| row.lives() && !row.report.deleting) {
                    if row.report.ready {
                        managers.ready += 1;
                    } else {
                        managers.not_ready += 1;
                    }
                }
            }
            PodRole::Other => {}
        }
    }

    fn add_job_pod(&mut self, row: &PodRow, now: &Now) {
        let Some(pods) = &mut self.pods else { return };
        *pods.phases.entry(row.report.phase).or_default() += 1;
        if !row.lives() {
            return;
        }
        pods.requested_cpu_millis += row.report.requests.cpu_millis;
        pods.requested_memory_bytes += row.report.requests.memory_bytes;
        if row.report.deleting {
            return;
        }
        if let Some(cause) = row.hold() {
            *pods.held.entry(cause).or_default() += 1;
        }
        if let Some(cause) = row.refused() {
            *pods.unschedulable.entry(cause).or_default() += 1;
            if let Some(message) = row.refusal() {
                self.refusals.entry(cause).or_insert_with(|| message.clone());
            }
        }
        let mut told: Vec<(&Arc<str>, Pull)> =
            row.pulls.iter().filter(|pull| pull.failing).map(|pull| (&pull.registry, pull.cause)).collect();
        told.sort_unstable();
        told.dedup();
        for (registry, cause) in &told {
            match pods.pull_failing.iter_mut().find(|known| known.registry == **registry && known.cause == *cause) {
                Some(known) => known.pods += 1,
                None => pods.pull_failing.push(PullFailing { registry: (*registry).clone(), cause: *cause, pods: 1 }),
            }
        }
        let mut causes: Vec<Pull> = told.into_iter().map(|(_, cause)| cause).collect();
        causes.sort_unstable();
        causes.dedup();
        for cause in &causes {
            *self.pulls.entry(*cause).or_default() += 1;
        }
        troubled::name(pods, row, &causes, now);
    }

    /// What autoscalers say of a pod that no node takes.
    fn add_waiting_pod(&mut self, fleet: &Fleet, row: &PodRow) {
        let Some(scale_up) = &mut self.scale_up else { return };
        let word = row.scale_word(&fleet.notices);
        scale_up.waiting += u64::from(word.is_some() || row.refused().is_some());
        match word {
            Some(ScaleWord::Triggered) => scale_up.triggered += 1,
            Some(ScaleWord::Refused(cause, message)) => {
                *scale_up.refused.entry(cause).or_default() += 1;
                self.verdicts.entry(cause).or_insert_with(|| message.clone());
            }
            None => {}
        }
    }

    fn finish(&mut self) {
        if let Some(pods) = &mut self.pods {
            pods.pull_failing.sort_unstable_by(|a, b| (&a.registry, a.cause).cmp(&(&b.registry, b.cause)));
        }
        let largest = self.by_project.values().copied().max();
        if let (Some(queue), Some(largest)) = (&mut self.queue, largest) {
            #[expect(clippy::cast_precision_loss, reason = "numbers of jobs are far below 2^52")]
            let share = largest as f64 / queue.pending as f64;
            queue.top_project_share = Some(share);
        }
    }
}

fn node_levels(fleet: &Fleet, tier: TierId) -> NodeLevels {
    let policy = &fleet.policy().tiers[tier];
    let mut levels = NodeLevels::default();
    for node in fleet.nodes.iter().filter(|node| policy.has_node(&node.tier_labels)) {
        if !node.ready {
            levels.not_ready += 1;
            continue;
        }
        if node.unschedulable {
            levels.unschedulable += 1;
        } else {
            levels.ready += 1;
        }
        levels.allocatable_cpu_millis += node.allocatable.cpu_millis;
        levels.allocatable_memory_bytes += node.allocatable.memory_bytes;
    }
    levels
}

/// Mean time of each phase over recent starts, in the order of the phases.
pub(super) fn mean_phases(recent: &VecDeque<Vec<(Phase, Duration)>>) -> Vec<(Phase, Duration)> {
    let mut sums: BTreeMap<Phase, (Duration, u32)> = BTreeMap::new();
    for (phase, took) in recent.iter().flatten() {
        let (sum, number) = sums.entry(*phase).or_default();
        *sum += *took;
        *number += 1;
    }
    sums.into_iter().map(|(phase, (sum, number))| (phase, sum / number)).collect()
}
