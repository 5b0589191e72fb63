//! Runner managers: ask for jobs, make pods, lose patience.

use std::sync::Arc;

use jiff::SignedDuration;

use super::images::Trouble;
use super::job::{JobState, Taken};
use super::{Step, World, land};
use crate::demo::cluster::pod::{Condition, Container, Pod, PodOf};

/// GitLab Runner's `poll_timeout`: longer than this a pod may not take to start.
const POLL_TIMEOUT: SignedDuration = SignedDuration::from_secs(180);
/// `pull_policy` names two policies: a failed pull is tried once more, with a new pod.
const PULL_ATTEMPTS: u32 = 2;

impl World {
    pub(super) fn poll(&mut self, runner: usize, manager: usize) {
        let taken = self.take(runner, manager);
        if let Some(row) = self.runners.get_mut(runner).and_then(|runner| runner.managers.get_mut(manager))
            && row.up
            && self.now.duration_since(row.contacted) > SignedDuration::from_mins(45)
        {
            row.contacted = self.now; // GitLab writes it down only every 40 to 55 minutes
        }
        // After a job the manager asks again at once, otherwise at its check interval.
        let (low, high) = if taken { (0.3, 0.7) } else { (3.0, 3.2) };
        self.soon(low, high, Step::Poll { runner, manager });
    }

    /// GitLab hands out the oldest job that the runner may take.
    fn take(&mut self, runner: usize, manager: usize) -> bool {
        let (Some(tier), Some(row)) = (self.tiers.get(runner), self.runners.get(runner)) else { return false };
        let Some(hand) = row.managers.get(manager) else { return false };
        if row.paused || !hand.up || hand.running >= tier.limit {
            return false;
        }
        let Some(id) = self.pending.iter().copied().find(|id| self.may_take(runner, *id)) else { return false };
        self.pending.remove(&id);
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return false };
        job.taken = Some(Taken { at: now, runner, manager });
        job.state = JobState::Running;
        let waited = now.duration_since(job.queued);
        self.tell(id);
        if let Some(truth) = self.truths.get_mut(runner) {
            truth.taken.add(waited);
        }
        if let Some(hand) = self.runners.get_mut(runner).and_then(|runner| runner.managers.get_mut(manager)) {
            hand.running += 1;
        }
        self.soon(0.8, 2.5, Step::CreatePod { job: id, pull_attempt: 1 });
        true
    }

    /// GitLab's own rules: scope, protection, tags, untagged.
    pub(crate) fn may_take(&self, runner: usize, job: u64) -> bool {
        let (Some(tier), Some(job)) = (self.tiers.get(runner), self.jobs.get(&job)) else { return false };
        let in_scope = tier.owner.is_none_or(|group| self.projects.get(job.project).is_some_and(|p| p.group == group));
        in_scope
            && (!tier.protected || job.protected)
            && job.tags.iter().all(|tag| *tag == tier.tag)
            && (tier.run_untagged || !job.tags.is_empty())
    }

    pub(super) fn create_pod(&mut self, job: u64, pull_attempt: u32) {
        let id = self.next_pod;
        let (uid, word) = (self.chance.uid(), self.chance.word(8));
        let Some(row) = self.jobs.get_mut(&job) else { return };
        let Some(taken) = row.taken else { return };
        if row.state != JobState::Running {
            return;
        }
        let (Some(runner), Some(project)) = (self.runners.get(taken.runner), self.projects.get(row.project)) else {
            return;
        };
        let name = format!("runner-{}-project-{}-concurrent-{}-{word}", runner.short_token(), project.id, job % 20);
        let cpu_millis = row.plan.cpu_millis;
        if let Some(refusal) = self.refusal(taken.runner, &name, cpu_millis) {
            return self.refused(job, pull_attempt, &refusal);
        }
        let Some(row) = self.jobs.get_mut(&job) else { return };
        self.next_pod += 1;
        row.pods.push(id);
        let part = |name, image: &Arc<str>, init, cpu_millis, memory_mib| Container {
            name,
            image: Arc::clone(image),
            init,
            cpu_millis,
            memory_mib,
            state: Condition::Unseen,
        };
        let helper: Arc<str> = land::HELPER_IMAGE.into();
        let mut containers = vec![
            part("init-permissions", &helper, true, 100, 64),
            part("build", &row.plan.image, false, row.plan.cpu_millis, row.plan.memory_mib),
            part("helper", &helper, false, 100, 128),
        ];
        if row.plan.service {
            containers.push(part("svc-0", &land::SERVICE_IMAGE.into(), false, 250, 512));
        }
        let pod = Pod {
            uid,
            name: name.into(),
            tier: taken.runner,
            of: PodOf::Job(job),
            created: self.now,
            refused: None,
            bound: None,
            sandbox: None,
            initialized: None,
            containers,
            deleting: None,
            disruption: None,
            no_scale_up: None,
            pull_attempt,
        };
        self.pods.insert(id, pod);
        self.publish_pod(id);
        self.publish_quota(taken.runner);
        self.soon(0.05, 0.4, Step::Schedule(id));
        self.after(POLL_TIMEOUT, Step::PollTimeout(id));
    }

    pub(super) fn pull_seen(&mut self, pod: u64, trouble: Trouble) {
        let Some(job) = self.job_of_living(pod) else { return };
        let pull_attempt = self.pods.get(&pod).map_or(PULL_ATTEMPTS, |row| row.pull_attempt);
        if pull_attempt >= PULL_ATTEMPTS
            && let Some(wait) = self.until_clear_of_deadline(job)
        {
            return self.after(wait, Step::PullSeen { pod, trouble });
        }
        self.delete_pod(pod);
        if pull_attempt < PULL_ATTEMPTS {
            self.soon(0.3, 1.0, Step::CreatePod { job, pull_attempt: pull_attempt + 1 });
        } else {
            self.fail(job, trouble.failure_reason(), trouble.is_users());
        }
    }

    pub(super) fn poll_timeout(&mut self, pod: u64) {
        let Some(job) = self.job_of_living(pod) else { return };
        if self.jobs.get(&job).is_none_or(|row| row.built) {
            return;
        }
        if let Some(wait) = self.until_clear_of_deadline(job) {
            return self.after(wait, Step::PollTimeout(pod));
        }
        self.fail(job, "runner_system_failure", false);
        self.delete_pod(pod);
    }

    /// The job of a pod that is not being deleted.
    pub(super) fn job_of_living(&self, pod: u64) -> Option<u64> {
        let pod = self.pods.get(&pod)?;
        match pod.of {
            PodOf::Job(job) if pod.deleting.is_none() => Some(job),
            PodOf::Job(_) | PodOf::Manager(_) => None,
        }
    }

    pub(super) fn job_ends(&mut self, job: u64) {
        let Some(row) = self.jobs.get(&job) else { return };
        if row.state != JobState::Running {
            return;
        }
        let (fails, pod) = (row.plan.fails, row.pods.last().copied());
        if fails {
            self.fail(job, "script_failure", true);
        } else {
            self.finish(job, JobState::Success);
        }
        if let Some(pod) = pod {
            self.soon(0.2, 0.8, Step::DeletePod(pod));
        }
    }
}
