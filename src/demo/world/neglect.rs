//! What nobody looked after: jobs that wait since yesterday, old tokens, projects out of sight.

use jiff::SignedDuration;

use super::World;
use crate::demo::scenario::Kind;

impl World {
    /// A job turns out to wait for so long already. What became of its start before anybody watched is nobody's to count.
    pub(super) fn waiting(&mut self, tier: &str, since: SignedDuration) {
        let Some(tier) = self.tier_named(tier) else { return };
        let (id, project, now) = (self.next_job, self.project_for(tier), self.now);
        self.next_pipeline += 1;
        self.now = now - since;
        self.queue_job(tier, project, Kind::Ordinary);
        self.now = now;
        if let Some(job) = self.jobs.get_mut(&id) {
            job.judged = self.tiers.get(tier).is_some_and(|tier| tier.start_within < since);
        }
    }

    /// The token was renewed so long ago, by what stands on the manager pods.
    pub(super) fn token_rotated(&mut self, tier: &str, ago: SignedDuration) {
        let (now, tier) = (self.now, self.tier_named(tier));
        let Some(runner) = tier.and_then(|tier| self.runners.get_mut(tier)) else { return };
        runner.token_rotated = now - ago;
        let pods: Vec<u64> = runner.managers.iter().map(|manager| manager.pod).collect();
        pods.into_iter().for_each(|pod| self.publish_pod(pod));
    }

    pub(super) fn token_ends(&mut self, tier: &str, within: SignedDuration) {
        let (now, tier) = (self.now, self.tier_named(tier));
        if let Some(runner) = tier.and_then(|tier| self.runners.get_mut(tier)) {
            runner.token_expires = Some(now + within);
        }
    }

    pub(super) fn hide(&mut self, paths: &[&str]) {
        for project in &mut self.projects {
            project.hidden = paths.contains(&project.path.as_str());
        }
    }
}
