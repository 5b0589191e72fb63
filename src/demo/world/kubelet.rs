//! The kubelet: sandbox, pulls, containers, and the end of a pod.

use jiff::SignedDuration;

use super::images::Trouble;
use super::job::FirstPod;
use super::{Step, World};
use crate::demo::cluster::objects::{self, JobOfPod};
use crate::demo::cluster::pod::{Condition, PodOf};
use crate::demo::truth::{Tally, count};
use crate::demo::world::land::registry_of;

impl World {
    /// Writes the pod as it is now to the API server.
    pub(super) fn publish_pod(&mut self, id: u64) {
        let Some(pod) = self.pods.get(&id) else { return };
        let (Some(tier), Some(runner)) = (self.tiers.get(pod.tier), self.runners.get(pod.tier)) else { return };
        let job = match pod.of {
            PodOf::Job(job) => self.jobs.get(&job),
            PodOf::Manager(_) => None,
        };
        let of = job.and_then(|job| {
            let project = self.projects.get(job.project)?;
            let full_path = project.full_path(&self.groups);
            Some(JobOfPod { job, project, full_path, gitlab_url: &self.gitlab_url })
        });
        self.store.put(objects::pod(pod, tier, runner, of.as_ref()));
    }

    pub(super) fn sandbox(&mut self, id: u64) {
        let now = self.now;
        let Some(job) = self.job_of_living(id) else { return };
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.sandbox = Some(now);
            if let (Some(job), Some((bound, _))) = (self.jobs.get_mut(&job), &pod.bound) {
                job.first_pod.get_or_insert(FirstPod { created: pod.created, bound: *bound, sandbox: now });
            }
            if let Some(init) = pod.container("init-permissions") {
                init.state = Condition::Running { since: now };
            }
        }
        self.publish_pod(id);
        self.soon(0.5, 1.5, Step::Initialized(id));
    }

    pub(super) fn initialized(&mut self, id: u64) {
        let now = self.now;
        if self.job_of_living(id).is_none() {
            return;
        }
        let Some(pod) = self.pods.get_mut(&id) else { return };
        pod.initialized = Some(now);
        if let Some(init) = pod.container("init-permissions")
            && let Condition::Running { since } = init.state
        {
            init.state = Condition::Ended { started: since, finished: now, reason: "Completed", code: 0 };
        }
        let Some(build) = pod.container("build") else { return };
        build.state = Condition::Waiting { reason: "ContainerCreating", message: String::new() };
        let image = std::sync::Arc::clone(&build.image);
        let cached = pod
            .bound
            .as_ref()
            .and_then(|(_, node)| self.nodes.get(node))
            .is_some_and(|node| node.images.contains(&image));
        self.publish_pod(id);
        if cached {
            let message =
                format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
            self.say_about_pod(id, "kubelet", "Pulled", &message, false);
            return self.soon(0.2, 0.6, Step::BuildStarts(id));
        }
        self.say_about_pod(id, "kubelet", "Pulling", &format!("Pulling image \"{image}\""), false);
        if let Some(trouble) = self.registries.trouble(&image) {
            self.soon(0.4, 2.0, Step::PullFails { pod: id, trouble });
        } else {
            let took = self.chance.between(2.0, 18.0);
            self.after(took, Step::Pulled { pod: id, took });
        }
    }

    pub(super) fn pulled(&mut self, id: u64, took: SignedDuration) {
        let Some(pod) = self.pods.get_mut(&id) else { return };
        let Some(image) = pod.container("build").map(|build| std::sync::Arc::clone(&build.image)) else { return };
        let node = pod.bound.as_ref().map(|(_, node)| std::sync::Arc::clone(node));
        if let Some(node) = node.and_then(|name| self.nodes.get_mut(&name)) {
            node.images.insert(std::sync::Arc::clone(&image));
        }
        if self.job_of_living(id).is_none() {
            return;
        }
        let seconds = took.as_secs_f64();
        let message = format!(
            "Successfully pulled image \"{image}\" in {seconds:.3}s ({seconds:.3}s including waiting). Image size: 68741916 bytes."
        );
        self.say_about_pod(id, "kubelet", "Pulled", &message, false);
        self.soon(0.2, 0.6, Step::BuildStarts(id));
    }

    pub(super) fn pull_fails(&mut self, id: u64, trouble: Trouble) {
        if self.job_of_living(id).is_none() {
            return;
        }
        let Some(pod) = self.pods.get_mut(&id) else { return };
        let tier = pod.tier;
        let Some(build) = pod.container("build") else { return };
        let image = std::sync::Arc::clone(&build.image);
        let text = trouble.text(&image);
        build.state = Condition::Waiting { reason: "ErrImagePull", message: text.clone() };
        if let Some(truth) = self.truths.get_mut(tier) {
            count(&mut truth.pulls, (registry_of(&image).to_owned(), trouble.cause()));
        }
        self.say_about_pod(id, "kubelet", "Failed", &format!("Failed to pull image \"{image}\": {text}"), true);
        self.say_about_pod(id, "kubelet", "Failed", "Error: ErrImagePull", true);
        self.publish_pod(id);
        self.soon(1.0, 2.0, Step::BackOff { pod: id, trouble });
        self.soon(0.5, 3.2, Step::PullSeen { pod: id, trouble });
    }

    pub(super) fn back_off(&mut self, id: u64, trouble: Trouble) {
        if self.job_of_living(id).is_none() {
            return;
        }
        let Some(build) = self.pods.get_mut(&id).and_then(|pod| pod.container("build")) else { return };
        let back_off = format!("Back-off pulling image \"{}\"", build.image);
        let message = format!("{back_off}: ErrImagePull: {}", trouble.text(&build.image));
        build.state = Condition::Waiting { reason: "ImagePullBackOff", message };
        self.say_about_pod(id, "kubelet", "BackOff", &back_off, false);
        self.say_about_pod(id, "kubelet", "Failed", "Error: ImagePullBackOff", true);
        self.publish_pod(id);
    }

    pub(super) fn build_starts(&mut self, id: u64) {
        let Some(job) = self.job_of_living(id) else { return };
        if let Some(wait) = self.until_clear_of_deadline(job) {
            return self.after(wait, Step::BuildStarts(id));
        }
        let now = self.now;
        if let Some(build) = self.pods.get_mut(&id).and_then(|pod| pod.container("build")) {
            build.state = Condition::Running { since: now };
        }
        self.publish_pod(id);
        self.record_start(job);
        self.judge(job, "in_time");
        self.soon(0.3, 1.0, Step::AllStart(id));
        if let Some(runs_for) = self.jobs.get(&job).map(|job| job.plan.runs_for) {
            self.after(runs_for, Step::JobEnds(job));
        }
    }

    /// The first pod sets dispatch, schedule and sandbox; all time after that, retries included, is `containers`.
    fn record_start(&mut self, id: u64) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.built = true;
        let (Some(taken), Some(first)) = (job.taken, job.first_pod) else { return };
        let Some(truth) = self.truths.get_mut(taken.runner) else { return };
        truth.started.add(now.duration_since(job.queued));
        let links = [
            ("queue", job.queued, taken.at),
            ("dispatch", taken.at, first.created),
            ("schedule", first.created, first.bound),
            ("sandbox", first.bound, first.sandbox),
            ("containers", first.sandbox, now),
        ];
        for (phase, from, to) in links {
            truth.phases.entry(phase).or_insert_with(Tally::default).add(to.duration_since(from));
        }
    }

    pub(super) fn all_start(&mut self, id: u64) {
        let now = self.now;
        if self.job_of_living(id).is_none() {
            return;
        }
        if let Some(pod) = self.pods.get_mut(&id) {
            for container in &mut pod.containers {
                if container.state == Condition::Unseen {
                    container.state = Condition::Running { since: now };
                }
            }
        }
        self.publish_pod(id);
    }

    pub(super) fn delete_pod(&mut self, id: u64) {
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(&id)
            && pod.deleting.is_none()
        {
            pod.deleting = Some(now);
            self.publish_pod(id);
            self.soon(0.5, 2.0, Step::PodGone(id));
        }
    }

    pub(super) fn pod_gone(&mut self, id: u64) {
        let Some(pod) = self.pods.remove(&id) else { return };
        if let Some(node) = pod.bound.as_ref().and_then(|(_, node)| self.nodes.get_mut(node)) {
            node.used_cpu_millis = node.used_cpu_millis.saturating_sub(pod.cpu_millis());
            node.used_memory_mib = node.used_memory_mib.saturating_sub(pod.memory_mib());
        }
        if let Some(tier) = self.tiers.get(pod.tier) {
            self.store.delete(&objects::pod_key(&pod, tier));
        }
        self.publish_quota(pod.tier);
    }
}
