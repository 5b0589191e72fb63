//! The quota of pods and the LimitRange that a tier's namespace may get, and what they refuse.

use jiff::Timestamp;

use super::{Step, World};
use crate::demo::cluster::objects;
use crate::demo::truth::count;

/// The demo's runners are set to `retry_limits."exceeded quota" = 20`, with the usual two seconds in between.
const QUOTA_RETRIES: u32 = 20;

/// A quota of pods in the namespace of one tier.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    uid: String,
    created: Timestamp,
    hard: usize,
}

/// What the API server says to a pod that it does not take.
#[derive(Debug)]
pub(super) struct Refusal {
    cause: &'static str,
    text: String,
    /// How often the runner tries again.
    retries: u32,
}

impl World {
    /// Somebody lets containers have so many cores at most, or as many as they like.
    pub(super) fn set_limit(&mut self, tier: usize, max_cores: Option<u64>) {
        let (Some(row), Some(slot)) = (self.tiers.get(tier), self.limits.get_mut(tier)) else { return };
        *slot = max_cores;
        match max_cores {
            None => self.store.delete(&objects::limit_key(&row.namespace)),
            Some(cores) => {
                let uid = self.chance.uid();
                self.store.put(objects::limit(&row.namespace, &uid, self.now, &cores.to_string()));
            }
        }
    }

    /// Somebody sets the quota to what is in use now and so many pods more, or takes it away.
    pub(super) fn set_quota(&mut self, tier: usize, room: Option<usize>) {
        let quota =
            room.map(|room| Quota { uid: self.chance.uid(), created: self.now, hard: self.pods_of(tier) + room });
        if let (None, Some(row)) = (&quota, self.tiers.get(tier)) {
            self.store.delete(&objects::quota_key(&row.namespace));
        }
        if let Some(slot) = self.quotas.get_mut(tier) {
            *slot = quota;
        }
        self.publish_quota(tier);
    }

    fn pods_of(&self, tier: usize) -> usize {
        self.pods.values().filter(|pod| pod.tier == tier).count()
    }

    /// The quota controller counts.
    pub(super) fn publish_quota(&mut self, tier: usize) {
        let (Some(Some(quota)), Some(row)) = (self.quotas.get(tier), self.tiers.get(tier)) else { return };
        let used = self.pods_of(tier);
        self.store.put(objects::quota(&row.namespace, &quota.uid, quota.created, used, quota.hard));
    }

    /// What the API server says to one pod more whose largest container has so much CPU; nothing where it takes it.
    pub(super) fn refusal(&self, tier: usize, pod: &str, cpu_millis: u64) -> Option<Refusal> {
        let refused = |cause, retries, why: String| {
            Some(Refusal { cause, retries, text: format!("pods \"{pod}\" is forbidden: {why}") })
        };
        if let Some(max) = self.limits.get(tier).copied().flatten()
            && cpu_millis > max * 1000
        {
            let asked = cpu_millis / 1000;
            let why = format!("maximum cpu usage per Container is {max}, but limit is {asked}");
            return refused("limit_range", 0, why);
        }
        let hard = self.quotas.get(tier)?.as_ref()?.hard;
        let used = self.pods_of(tier);
        if used < hard {
            return None;
        }
        let why = format!("exceeded quota: jobs, requested: pods=1, used: pods={used}, limited: pods={hard}");
        refused("quota", QUOTA_RETRIES, why)
    }

    /// The runner tries again where it was told to, and at last gives the job up: its log says why.
    pub(super) fn refused(&mut self, job: u64, pull_attempt: u32, refusal: &Refusal) {
        let wait = self.until_clear_of_deadline(job);
        let Some(row) = self.jobs.get_mut(&job) else { return };
        row.refusals += 1;
        if row.refusals <= refusal.retries {
            return self.soon(1.5, 2.0, Step::CreatePod { job, pull_attempt });
        }
        if let Some(wait) = wait {
            return self.after(wait, Step::CreatePod { job, pull_attempt });
        }
        row.given_up = Some(format!("prepare environment: setting up build pod: {}", refusal.text));
        let tier = row.taken.map(|taken| taken.runner);
        if let Some(truth) = tier.and_then(|tier| self.truths.get_mut(tier)) {
            count(&mut truth.refused, refusal.cause);
        }
        self.fail(job, "runner_system_failure", false);
    }
}
