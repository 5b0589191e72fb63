//! What is the case at this moment, for the truth.

use super::World;
use super::job::{JobState, contact_status};
use crate::demo::cluster::pod::PodOf;
use crate::demo::truth::{Levels, Truth, count};

impl World {
    /// The truth so far.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let tiers = self
            .tiers
            .iter()
            .zip(&self.truths)
            .enumerate()
            .map(|(position, (tier, so_far))| {
                let mut truth = so_far.clone();
                truth.levels = self.levels(position);
                (tier.name, truth)
            })
            .collect();
        Truth { at: self.now, tiers }
    }

    fn levels(&self, tier: usize) -> Levels {
        let mut levels = Levels::default();
        let Some(row) = self.tiers.get(tier) else { return levels };
        let waiting = self.pending.iter().filter_map(|id| self.jobs.get(id)).filter(|job| job.tier == tier);
        for job in waiting.filter(|job| job.state == JobState::Pending) {
            if !job.served {
                levels.unserved += 1;
                continue;
            }
            let age = job.queued_for(self.now);
            levels.pending += 1;
            levels.oldest = levels.oldest.max(age.as_secs_f64());
            levels.overdue += u64::from(age > row.start_within);
        }
        for pod in self.pods.values().filter(|pod| pod.tier == tier) {
            match pod.of {
                PodOf::Job(_) => {
                    count(&mut levels.job_pods, known_phase(pod.phase()));
                    if let Some(cause) = pod.no_scale_up.filter(|_| pod.bound.is_none() && pod.deleting.is_none()) {
                        count(&mut levels.scale_up_blocked, cause);
                    }
                }
                PodOf::Manager(_) => count(&mut levels.managers, if pod.ready() { "true" } else { "false" }),
            }
        }
        if let Some(runner) = self.runners.get(tier) {
            count(&mut levels.runners, contact_status(runner.contacted(), self.now));
        }
        levels
    }
}

fn known_phase(phase: &str) -> &'static str {
    match phase {
        "Pending" => "pending",
        "Running" => "running",
        "Succeeded" => "succeeded",
        "Failed" => "failed",
        _ => "unknown",
    }
}
