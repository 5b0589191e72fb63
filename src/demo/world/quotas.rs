//! The quota of pods that a tier's namespace may get, and what it refuses.

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

impl World {
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

    /// What the API server says to one pod more; nothing where it takes it.
    pub(super) fn refusal(&self, tier: usize, pod: &str) -> Option<String> {
        let quota = self.quotas.get(tier)?.as_ref()?;
        let used = self.pods_of(tier);
        (used >= quota.hard).then(|| {
            let hard = quota.hard;
            format!(
                "pods \"{pod}\" is forbidden: exceeded quota: jobs, requested: pods=1, used: pods={used}, limited: pods={hard}"
            )
        })
    }

    /// The runner tries again, and at last gives the job up: its log says why.
    pub(super) fn refused(&mut self, job: u64, pull_attempt: u32, refusal: &str) {
        let wait = self.until_clear_of_deadline(job);
        let Some(row) = self.jobs.get_mut(&job) else { return };
        row.refusals += 1;
        if row.refusals <= QUOTA_RETRIES {
            return self.soon(1.5, 2.0, Step::CreatePod { job, pull_attempt });
        }
        if let Some(wait) = wait {
            return self.after(wait, Step::CreatePod { job, pull_attempt });
        }
        row.given_up = Some(format!("prepare environment: setting up build pod: {refusal}"));
        let tier = row.taken.map(|taken| taken.runner);
        if let Some(truth) = tier.and_then(|tier| self.truths.get_mut(tier)) {
            count(&mut truth.refused, "quota");
        }
        self.fail(job, "runner_system_failure", false);
    }
}
